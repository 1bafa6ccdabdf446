"""Banner tables: the numbers of scores in every cell, letters by hand, bases kept, wide in both languages."""

import json
import os
import re
import shutil
from html import unescape
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxlab import demo
from cxlab.analysis import banner, metrics
from cxlab.analysis.banner import tabulate
from cxlab.analysis.estimates import adjusted, masked
from cxlab.errors import AnalysisError
from cxlab.intake import dataset
from cxlab.reporting import html
from cxlab.reporting.bundle import bundle
from cxlab.reporting.tables import readable
from cxlab.reporting.words import Words
from cxlab.runs.batch import run_study
from cxlab.runs.study import read_study

PROJECT = Path(__file__).parents[1]
STUDY = """
client: nada
language: es
entries:
  es: {notebook: tables, parameters: {by: [segment, region]}}
  en:  # with the groups of the other page: a crossing alone would tell of few people, less those
    notebook: tables
    parameters: {by: [segment, region, segment x region], beside: intervals, language: en}
"""


@pytest.fixture(scope="module")
def answers():
    rng = np.random.default_rng(11)
    segment = np.repeat(["home", "premium", "shop", "tiny"], [220, 140, 60, 7])
    table = pd.DataFrame({"segment": segment, "ease": rng.integers(1, 8, len(segment)).astype(float)})
    table.loc[table["segment"] == "premium", "ease"] = rng.integers(5, 8, 140)
    table["channel"] = np.where(rng.random(len(table)) < 0.5, "app", "web")
    table["recommend"] = rng.integers(0, 11, len(table)).astype(float)
    table.loc[:9, "recommend"] = np.nan
    table["w"] = rng.uniform(0.5, 2.0, len(table))
    table.attrs["scales"] = {"ease": [1, 7], "recommend": [0, 10]}
    return table


def rows(result, cut, **where):
    table = result.tables[cut]
    for column, value in where.items():
        table = table[table[column] == value]
    return table


def test_every_cell_is_the_score_of_its_people(answers):
    before = answers.copy(deep=True)
    found = tabulate(answers, ["ease", "recommend"], by=["segment", "channel"], weights="w")
    pd.testing.assert_frame_equal(answers, before)
    columns = ["estimate", "std_error", "conf_low", "conf_high", "n", "n_eff"]
    for item, index in (("ease", "top_2_of_7"), ("recommend", "top_2_of_0_10")):
        for cut in ("segment", "channel"):
            scores = metrics.score(answers, index, columns=item, by=cut, weights="w")
            own = rows(found, cut, item=item, measure="best")
            pd.testing.assert_frame_equal(
                own[own["column"] != ""][columns].reset_index(drop=True), scores.table[columns]
            )
            total = own[own["column"] == ""][columns].reset_index(drop=True)
            pd.testing.assert_frame_equal(total, scores.tables["overall"][columns])
    mean = rows(found, "segment", item="ease", measure="mean").set_index("segment")
    own = answers[answers["segment"] == "shop"]
    assert mean.loc["shop", "estimate"] == pytest.approx(np.average(own["ease"], weights=own["w"]))
    assert found.table["n"].tolist() == [427, 427, 417, 417]


def test_shares_of_a_category_add_up_and_cross(answers):
    found = tabulate(answers, ["channel"], by="segment x channel")
    assert found.table["measure"].tolist() == ["share", "share"]
    assert found.table["estimate"].sum() == pytest.approx(100)
    crossed = found.tables["segment x channel"]
    assert {"segment", "channel", "column"} <= set(crossed.columns)
    assert crossed["column"].nunique() == 1 + 8


def test_letters_by_hand(answers):
    """Each pair as the test of one against the rest, where two are all there are; Holm over pairs."""
    kept = answers[answers["segment"] != "tiny"]
    kept.attrs = answers.attrs
    found = tabulate(kept, ["ease"], by="segment", weights="w")
    pairs, p_values = [("home", "premium"), ("home", "shop"), ("premium", "shop")], []
    for pair in pairs:
        two = kept[kept["segment"].isin(pair)]
        two.attrs = answers.attrs
        test = metrics.score(two, "top_2_of_7", columns="ease", by="segment", weights="w").tables["tests"]
        p_values.append(float(test["p_value"].iloc[0]))
    stands = adjusted(p_values, "holm") <= 0.05
    letters = {"home": "A", "premium": "B", "shop": "C"}
    best = rows(found, "segment", measure="best").set_index("segment")
    expected = {name: [] for name in letters}
    for pair, holds in zip(pairs, stands, strict=True):
        if holds:
            above, below = sorted(pair, key=lambda name: -best.loc[name, "estimate"])
            expected[above].append(letters[below])
    assert {name: best.loc[name, "exceeds"].split() for name in letters} == expected
    assert expected["premium"] == ["A", "C"]
    total = found.tables["segment"].query("column == ''")
    assert (total["exceeds"] == "").all()


def test_a_hidden_column_has_no_letter_and_gives_none(answers):
    table = answers.copy()
    table.attrs = answers.attrs
    table.loc[table["segment"] == "tiny", "ease"] = 1.0  # below everybody
    table.loc[table["segment"] == "shop", "ease"] = 1.0  # hidden with it
    shown = masked(tabulate(table, ["ease"], by="segment"))
    own = shown.tables["segment"].set_index(["measure", "segment"])
    assert own.loc[("best", "tiny"), "flag"] == own.loc[("best", "shop"), "flag"] == "suppressed"
    assert own.loc[("best", "shop"), "withheld"]
    assert own.loc[("best", "premium"), "exceeds"] == "A"
    assert (
        own.drop(columns=["item", "answer", "column", "flag", "withheld"]).loc[("mean", "tiny")].isna().all()
    )


@pytest.mark.parametrize(("language", "marks"), [("es", ("<10", "n/p")), ("en", ("<10", "n/s"))])
def test_it_is_read_wide_with_its_bases_and_notes(answers, language, marks):
    words = Words(language)
    shown = masked(tabulate(answers, ["ease", "recommend"], by="segment", weights="w"))
    held = bundle(shown, words, id="result-1")
    table = readable(held, "segment", words)
    assert [head.text for head in table.heads[3:]] == [
        "A · home", "B · premium", "C · shop", "D · tiny",
    ]  # fmt: skip
    assert len(table.rows) == 2 * 3
    assert [cell.text for cell in table.rows[2].cells[2:]] == ["427", "220", "140", marks[1], marks[0]]
    assert table.rows[1].cells[4].mark == " A"
    assert table.rows[0].cells[5].text == ""
    said = " ".join(table.notes)
    assert words("table.withheld.note") in said
    assert words("tables.weighted") in said
    page = html.result_html(held, words)
    assert page.count("<table") == len(held["tables"])
    beside = bundle(tabulate(answers, ["ease"], by="segment", beside="intervals"), words, id="result-1")
    cell = readable(beside, "segment", words).rows[0].cells[2]
    assert re.fullmatch(r"[\d,.]+ \([\d,.]+ (a|to) [\d,.]+\)", cell.text)


def test_texts_scales_and_directions_come_from_the_codebook(answers):
    book = pd.DataFrame({
        "item_id": ["effort", "ease", "age"], "role": ["driver", "outcome", "demographic"],
        "text_es": ["¿Cuánto le costó?", "¿Qué tan fácil?", None],
        "text_en": ["How hard?", "How easy?", None],
        "scale_min": [1, 1, None], "scale_max": [7, 7, None], "direction": ["down", "up", None],
    })  # fmt: skip
    table = answers.assign(effort=8 - answers["ease"], age=40)
    asked = banner.closed(table, book)
    assert asked == ["effort", "ease"]
    found = tabulate(table, asked, codebook=book)
    best = found.table[found.table["measure"] == "best"].set_index("item")
    assert best["answer"].to_dict() == {"effort": "1-2", "ease": "6-7"}
    assert best.loc["effort", "estimate"] == pytest.approx(best.loc["ease", "estimate"])
    assert found.tables["questions"]["text_en"].tolist() == ["How hard?", "How easy?"]
    assert banner.closed(answers, pd.DataFrame()) == ["ease", "recommend"]


@pytest.mark.parametrize(
    ("language", "said"), [("es", "menos de 8 personas"), ("en", "fewer than 8 employees")]
)
def test_employees_are_shown_from_eight(language, said):
    table = pd.DataFrame({"unit_id": np.repeat(["a", "b", "c", "d"], [30, 20, 8, 7]), "pride": 3.0})
    table.attrs |= {"table": "employees_survey", "scales": {"pride": [1, 5]}}
    words = Words(language)
    held = bundle(masked(tabulate(table, ["pride"], by="unit_id")), words, id="r")
    read = readable(held, "unit_id", words)
    hidden = words("table.withheld")
    assert [cell.text for cell in read.rows[2].cells[2:]] == ["65", "30", "20", hidden, "<8"]
    assert said in " ".join(read.notes)
    few = table[table["unit_id"] != "d"]
    few.attrs = table.attrs
    assert masked(tabulate(few, ["pride"], by="unit_id")).tables["unit_id"]["n"].tolist()[:4] == [
        58,
        30,
        20,
        8,
    ]


def test_what_cannot_be_tabulated_is_named(answers):
    table = answers.assign(
        empty=np.nan, code=np.arange(len(answers)), said=[f"t{k}" for k in range(len(answers))]
    )
    table.attrs = answers.attrs
    left_out = tabulate(table, ["ease", "empty", "code", "said"]).tables["left_out"]
    assert left_out["item"].tolist() == ["empty", "code", "said"]
    assert [why.template.split(";")[0] for why in left_out["reason"]] == [
        "nobody answers it", "numbers without a scale", "more than {most} different answers",
    ]  # fmt: skip
    with pytest.raises(AnalysisError, match="none of empty, code can be tabulated"):
        tabulate(table, ["empty", "code"])
    with pytest.raises(AnalysisError, match="by names channel x channel; each column once"):
        tabulate(table, ["ease"], by="channel x channel")
    with pytest.raises(AnalysisError, match="beside is 'stars'; it can be letters or intervals"):
        tabulate(table, ["ease"], beside="stars")


def test_sentences_count_over_all_questions(answers):
    apart = tabulate(answers, ["ease", "recommend"], by=["segment", "channel"])
    assert [claim.code for claim in apart.claims] == ["tables.apart", "tables.alike"]
    assert apart.claims[0].fields["apart"] == 1
    assert apart.claims[0].grade == "D"
    pairs = apart.tables["pairs"].set_index("cut")
    assert pairs.loc["segment", "stand"] <= pairs.loc["segment", "lettered"]
    assert pairs.loc["channel", "compared"] == 4


@pytest.mark.runs_notebooks
@pytest.mark.xdist_group("reports")
@pytest.mark.skipif(os.name != "posix", reason="kernels of POSIX")
def test_the_paper_is_silent_on_nada_and_its_files_are_whole(tmp_path):
    (tmp_path / "notebooks").mkdir()
    shutil.copy(PROJECT / "notebooks/tables.ipynb", tmp_path / "notebooks")
    (tmp_path / "reports").mkdir()
    demo.build(tmp_path, ("nada",))
    dataset.check(tmp_path, "nada")
    study = tmp_path / "reports/annex.yaml"
    study.write_text(STUDY, encoding="utf-8")
    done = run_study(read_study(study, root=tmp_path))
    assert [report.message for report in done.failed] == []
    built = tmp_path / "reports/built/annex"
    for entry, cut in (("es", "segment"), ("en", "segment x region")):
        run = json.loads((built / f"current/{entry}.json").read_text(encoding="utf-8"))["run"]
        held = json.loads((built / "runs" / run / "results.json").read_text(encoding="utf-8"))["results"]
        claims = [claim for each in held for claim in each["claims"]]
        assert {claim["code"] for claim in claims if claim["code"].startswith("tables")} == {"tables.alike"}
        table = held[0]["tables"][cut]
        n = table["columns"].index("n")
        assert all(row[n] is None or row[n] >= 10 for row in table["rows"])
        files = list((built / "runs" / run / "tables").glob("*.csv"))
        lines = [len(file.read_text(encoding="utf-8").splitlines()) - 1 for file in files]
        assert len(table["rows"]) in lines
        page = unescape((built / f"{entry}.html").read_text(encoding="utf-8"))
        assert ("Letras: el grupo supera" if entry == "es" else "In brackets, the") in page
