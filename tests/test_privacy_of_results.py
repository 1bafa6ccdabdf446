"""A planted segment of 7: nothing in a report gives it away, no row, sum, figure or sentence."""

import itertools
import json
import re

import numpy as np
import pandas as pd
import pytest

from cxlab.analysis import benchmark, drivers, metrics
from cxlab.analysis.disclosure import Released, margins_of, possible
from cxlab.analysis.estimates import MINIMUM_CUSTOMERS, Claim, Result, masked
from cxlab.reporting import figures, html
from cxlab.reporting.bundle import bundle
from cxlab.reporting.words import Words
from cxlab.runs.outputs import as_csv

SIZES = {"hogar": 400, "pyme": 203, "premium": 61, "canario": 7}
PLANTED = 7
DRIVERS = ["attr_a", "attr_b"]


@pytest.fixture(scope="module")
def answers():
    """Answers in which the canaries, and they alone, are all detractors."""
    rng = np.random.default_rng(8)
    segment = np.repeat([*SIZES], [*SIZES.values()])
    table = pd.DataFrame({"segment": segment, "recommend": rng.integers(3, 11, len(segment))})
    table["peer_id"] = np.where(np.arange(len(table)) % 4 == 0, "them", "us")
    for name in ("effectiveness", "ease", "pleasantness", *DRIVERS):
        table[name] = rng.integers(1, 8, len(table)).astype(float)
    table.loc[table["segment"] == "canario", "recommend"] = 0
    table["overall_sat"] = (table[DRIVERS].mean(axis=1) + rng.normal(0, 1, len(table))).clip(1, 7).round()
    return table


def scorecard(table):
    yield (
        metrics.score(table, ["nps", "pxi"], by=["segment"]),
        figures.draw_scores,
        ("main", "overall", "tests"),
    )
    yield metrics.score(table, ["nps", "pxi"]), None, ("main",)


def peers(table):
    asked = {"unit": "segment", "focal": "hogar"}
    yield benchmark.league(table, "nps", **asked), figures.draw_league, ("main",)
    gaps = benchmark.compare(table, "nps", **asked)
    yield gaps, figures.draw_comparison, ("main", "tests")
    yield benchmark.cells(table, "nps", by=["peer_id"], **asked), figures.draw_comparison, ("main", "scores")
    yield gaps, None, ("scores",)


def driven(table):
    model = {"resamples": 20}
    yield drivers.importance(table, "overall_sat", DRIVERS, **model), figures.draw_importance, ("main",)
    found = drivers.compare(table, "overall_sat", DRIVERS, by=["segment"], **model)
    yield found, figures.draw_segments, ("main", "segments", "differences", "pooled", "left_out")


def published(paper, table, language="es"):
    """What a report holds of each result: bundle as JSON, page, tables as CSV, text of the figure."""
    released, words = Released(), Words(language)
    for k, (result, draw, names) in enumerate(paper(table)):
        shown = masked(result, released)
        shown = Result(**{f: getattr(shown, f) for f in Result.__dataclass_fields__})
        figure, svg = None, ""
        if draw is not None:
            axes = draw(shown, words=words)
            svg = figures.svg(axes)
            figure = {"title": figures.title(axes), "alt": figures.alt(shown, words, draw)}
        held = bundle(shown, words, id=f"result-{k}", figure=figure)
        page = html.result_html({**held, "tables": {n: held["tables"][n] for n in names}}, words, svg=svg)
        files = [as_csv(t["columns"], t["rows"]).decode() for t in held["tables"].values()]
        yield held, "\n".join([page, *files])


@pytest.mark.parametrize("paper", [scorecard, peers, driven])
def test_no_row_sum_figure_or_sentence_gives_the_planted_segment_away(paper, answers):
    held = list(published(paper, answers))
    bases, answered = {}, len(answers)
    for each, text in held:
        assert not re.search(r"(?<![\d.,])7(?![\d.,])\s*(clientes|customers|respuestas)", text)
        assert PLANTED not in each["n_dropped"].values()
        for name, table in each["tables"].items():
            for row in table["rows"]:
                record = dict(zip(table["columns"], row, strict=True))
                if "canario" in {record.get(key) for key in ("segment", "other", "unit", "peer")}:
                    own = {*each["keys"], "flag", "withheld", "n"}
                    kept = {c: v for c, v in record.items() if c not in own}
                    assert all(value is None for value in kept.values()), (each["kind"], name, kept)
                if record.get("n") is not None:
                    bases.setdefault(each["kind"], set()).add(int(record["n"]))
    counts = {answered, *(e["n_used"] for e, _ in held), *set().union(*bases.values())}
    # Less any one, any two or any three of the bases that are shown, everybody is never seven.
    for size in (1, 2, 3):
        for some in itertools.combinations(sorted(counts), size):
            assert PLANTED not in {whole - sum(some) for whole in counts}, (paper.__name__, some)


def test_the_companion_is_the_smallest_and_is_told_apart_in_both_languages(answers):
    for language, mark in (("es", "n/p"), ("en", "n/s")):
        (_, text), _ = published(scorecard, answers, language)
        assert mark in text
        assert "&lt;10" in text
        assert Words(language)("table.withheld.note") in text
        assert "False" not in text
    table = masked(next(scorecard(answers))[0]).table.set_index(["metric", "segment"])
    assert table.loc[("nps", "premium"), "withheld"]
    assert not table.loc[("nps", "canario"), "withheld"]
    assert table.loc[("nps", "hogar"), "flag"] == "ok"


def test_a_low_base_is_shown_and_is_another_flag():
    table = pd.DataFrame({"region": ["a"] * 60 + ["b"] * 29, "recommend": [10, 0] * 44 + [5]})
    shown = masked(metrics.score(table, "nps", by="region")).table
    assert shown["flag"].tolist() == ["ok", "low_base"]
    assert shown["estimate"].notna().all()
    assert "withheld" not in shown


def test_hidden_in_one_result_is_hidden_in_the_next_and_shown_stays_known():
    """The totals by brand stand in the first result; their parts in the second."""
    rows = [
        ("us", "app", 300),
        ("us", "web", 90),
        ("us", "shop", 60),
        ("them", "app", 80),
        ("them", "web", 7),
        ("third", "app", 200),
    ]
    table = pd.DataFrame([(u, c) for u, c, n in rows for _ in range(n)], columns=["brand", "channel"])
    table["recommend"] = np.arange(len(table)) % 11
    asked = {"unit": "brand", "focal": "us"}
    released = Released()
    masked(benchmark.league(table, "nps", **asked), released)
    cells = masked(benchmark.cells(table, "nps", by=["channel"], **asked), released).tables["scores"]
    sizes = {(u, c): n for u, c, n in rows}
    names = [frozenset(), *(frozenset({("b", brand)}) for brand in ("us", "them", "third"))]
    names += [frozenset({("b", u), ("c", c)}) for u, c, _ in rows]
    n = [737, 450, 87, 200, *sizes.values()]
    shown = cells.set_index(["brand", "channel"])["n"].notna()
    hidden = [False] * 4 + [not shown[key] for key in sizes]
    low, high = possible(margins_of(names, n), hidden, labelled=False)
    few = n.index(7)
    assert hidden[few]
    assert high[few] - low[few] >= 3
    assert high[few] >= MINIMUM_CUSTOMERS


def test_those_without_a_segment_are_few_too():
    table = pd.DataFrame({"region": ["a"] * 60 + ["b"] * 40 + [None] * 3, "recommend": [10, 0] * 51 + [5]})
    shown = masked(metrics.score(table, "nps", by="region")).table.set_index("region")
    assert shown["flag"].to_dict() == {"a": "ok", "b": "suppressed"}


def test_claims_of_hidden_groups_go_and_shared_bases_are_of_the_shown():
    table = pd.DataFrame({
        "plan": ["a", "b", "c", None], "n": [50, 20, 7, 77], "estimate": [1.0, 2.0, 3.0, 1.5],
        "flag": ["ok", "low_base", "suppressed", "ok"],
    })  # fmt: skip
    claims = tuple(
        Claim("x", {"n": n, **fields}, "D")
        for n, fields in [(20, {"segment": "b"}), (50, {"segment": "a"}), (20, {}), (77, {})]
    )
    shown = masked(Result(table=table, keys=("plan",), claims=claims, parts={"plan": "plan"}))
    assert [(c.fields["n"], c.fields.get("segment")) for c in shown.claims] == [
        (50, "a"),
        (50, None),
        (77, None),
    ]
    assert shown.table["flag"].tolist() == ["ok", "suppressed", "suppressed", "ok"]
    assert shown.table["withheld"].tolist() == [False, True, False, False]
    assert shown.keys == ("plan",)


def test_employees_need_eight_and_eight_are_shown():
    table = pd.DataFrame({"unit": ["a", "b", "c"], "n": [30, 20, 8], "estimate": 1.0, "flag": "ok"})
    whole = Result(
        table=table, keys=("unit",), parts={"unit": "unit"}, minimum=8, claims=(Claim("x", {"n": 8}, "D"),)
    )
    shown = masked(whole)
    assert shown.table["n"].tolist() == [30, 20, 8]
    assert len(shown.claims) == 1


def test_json_of_a_hidden_row_is_empty(answers):
    (held, _), _ = published(scorecard, answers)
    rows = [
        dict(zip(held["tables"]["main"]["columns"], r, strict=True)) for r in held["tables"]["main"]["rows"]
    ]
    gone = [row for row in rows if row["flag"] == "suppressed"]
    assert {row["segment"] for row in gone} == {"canario", "premium"}
    assert json.loads(json.dumps(gone)) == gone
    assert all(row[c] is None for row in gone for c in ("estimate", "conf_low", "n", "n_eff"))
