"""Scales that move between waves: stopped until declared, taken in a straight line, told in reports."""

import json

import pandas as pd
import pytest
from intake_clients import checked, refused, write_client

from cxlab.errors import InputError
from cxlab.intake import dataset
from cxlab.intake.client import load
from cxlab.notebook import Paper

FIRST = "response_id,ease\n" + "".join(f"a{n},{n % 7 + 1}\n" for n in range(140))
SECOND = "response_id,ease\n" + "".join(f"b{n},{n % 5 + 1}\n" for n in range(140))
FILES = {"w1.csv": FIRST, "w2.csv": SECOND}


def waves(second="", first="scales: {ease: [1, 7]}", more=""):
    return f"""
name: Test
{more}
sources:
  - file: raw/w1.csv
    table: survey_responses
    constants: {{wave_id: W1}}
    {first}
  - file: raw/w2.csv
    table: survey_responses
    constants: {{wave_id: W2}}
    {second}
"""


EQUIVALENT = "equivalent: {ease: {from: [1, 5], to: [1, 7]}}"


def entry(root):
    return dataset.open_dataset(root, "acme").entry("survey_responses")


# One scale in every wave


def test_two_declared_scales_stop_and_name_the_equivalence(tmp_path):
    text = refused(tmp_path, waves("scales: {ease: [1, 5]}"), FILES)
    assert "two scales: raw/w1.csv: 1-7; raw/w2.csv: 1-5" in text
    assert "`equivalent: {ease: {from: [1, 5], to: [1, 7]}}`" in text


def test_a_scale_that_slipped_stops_though_it_was_declared_the_same(tmp_path):
    with pytest.raises(InputError) as caught:
        dataset.check(write_client(tmp_path, waves("scales: {ease: [1, 7]}"), FILES), "acme")
    (problem,) = caught.value.problems
    assert (problem.rule, problem.file, problem.column) == (4, "raw/w2.csv", "ease")
    assert problem.found == "140 answers from 1 to 5, and 29 % of the other waves' outside that"
    assert "equivalent: {ease: {from: [1, 5], to: [1, 7]}}" in problem.action
    assert "from: [1, 7]" in problem.action


def test_a_slip_is_seen_within_one_file_of_two_waves(tmp_path):
    rows = "response_id,wave_id,ease\n" + "".join(
        f"{wave}{n},{wave},{n % points + 1}\n" for wave, points in (("W1", 7), ("W2", 5)) for n in range(140)
    )
    declared = "name: T\nsources:\n  - {file: raw/s.csv, table: survey_responses, scales: {ease: [1, 7]}}\n"
    assert "140 answers from 1 to 5" in refused(tmp_path, declared, {"s.csv": rows})


def test_a_slip_of_a_reversed_question_is_seen_at_its_low_end(tmp_path):
    turned = "scales: {ease: [1, 7]}\n    reverse: [ease]"
    text = refused(tmp_path, waves(turned, turned), FILES)
    assert "140 answers from 3 to 7" in text


@pytest.mark.parametrize(
    "second",
    [
        "response_id,ease\n" + "".join(f"b{n},{n % 5 + 1}\n" for n in range(20)),  # too few to tell
        "response_id,ease\n" + "".join(f"b{n},{n % 5 + 1 if n else 7}\n" for n in range(140)),  # one 7 says 7
    ],
)
def test_what_chance_can_explain_is_no_slip(tmp_path, second):
    frame = checked(tmp_path, waves("scales: {ease: [1, 7]}"), {"w1.csv": FIRST, "w2.csv": second})
    assert frame["ease"].max() == 7


def test_the_same_scale_can_be_confirmed_and_is_no_break(tmp_path):
    same = "equivalent: {ease: {from: [1, 7], to: [1, 7]}}"
    frame = checked(tmp_path, waves(same), FILES)
    assert sorted(frame.loc[frame["wave_id"] == "W2", "ease"].unique()) == [1, 2, 3, 4, 5]
    assert entry(tmp_path).breaks == []


# Declared equivalence


@pytest.mark.parametrize("scales", ["", "scales: {ease: [1, 5]}\n    ", "scales: {ease: [1, 7]}\n    "])
def test_equivalent_takes_a_scale_to_another_in_a_straight_line(tmp_path, scales):
    frame = checked(tmp_path, waves(scales + EQUIVALENT), FILES)
    second = frame[frame["wave_id"] == "W2"]
    assert sorted(second["ease"].unique()) == [1.0, 2.5, 4.0, 5.5, 7.0]
    assert sorted(frame.loc[frame["wave_id"] == "W1", "ease"].unique()) == [1, 2, 3, 4, 5, 6, 7]
    assert entry(tmp_path).scales == {"ease": [1.0, 7.0]}


def test_a_reversed_question_is_turned_on_its_own_scale(tmp_path):
    frame = checked(tmp_path, waves(EQUIVALENT + "\n    reverse: [ease]"), FILES)
    second = frame[frame["wave_id"] == "W2"].reset_index(drop=True)
    assert second["ease"].head(5).tolist() == [7.0, 5.5, 4.0, 2.5, 1.0]  # 1 2 3 4 5 in the file


def test_what_is_off_the_scale_asked_is_told_by_line(tmp_path):
    files = FILES | {"w2.csv": SECOND + "x,6\ny,99\nz,6\n"}
    text = refused(tmp_path, waves(EQUIVALENT), files)
    assert "raw/w2.csv, row 142, column ease: found '6' (2 rows); allowed: 1 to 5" in text
    assert "row 143, column ease: found '99'; allowed: 1 to 5" in text
    declared = EQUIVALENT + "\n    missing: {ease: [6, 99]}"
    assert checked(tmp_path, waves(declared), files)["ease"].isna().sum() == 3


def test_equivalence_of_texts_is_refused(tmp_path):
    files = FILES | {"w2.csv": "response_id,ease,attr_x\nr1,1,a\nr2,2,b\n"}
    declared = (
        "scales: {ease: [1, 7]}\n    kinds: {attr_x: category}\n    "
        "equivalent: {attr_x: {from: [1, 5], to: [1, 7]}}"
    )
    assert "a column of text to reverse or take to another scale" in refused(tmp_path, waves(declared), files)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("equivalent: {eas: {from: [1, 5], to: [1, 7]}}", "did you mean ease?"),
        ("equivalent: {ease: {from: [5, 1], to: [1, 7]}}", "the lowest first"),
        ("equivalent: {ease: {from: [1, 5]}}", "add the key to"),
        (
            "equivalent: {ease: {from: [1, 5], too: [1, 7], to: [1, 7]}}",
            "the unknown key too; allowed: from, to",
        ),
    ],
)
def test_slips_in_an_equivalence_are_told(tmp_path, given, said):
    root = write_client(tmp_path, waves("scales: {ease: [1, 7]}\n    " + given), FILES)
    with pytest.raises(InputError) as caught:
        dataset.check(root, "acme")
    assert said in str(caught.value)


# Breaks of the series


def test_an_equivalence_is_a_break_of_the_table(tmp_path):
    checked(tmp_path, waves(EQUIVALENT), FILES)
    reason = {"es": "escala 1-5 llevada a 1-7", "en": "scale 1-5 taken to 1-7"}
    assert entry(tmp_path).breaks == [{"wave": "W2", "column": "ease", "reason": reason}]
    index = json.loads((tmp_path / "data" / "acme" / "tables" / "tables.json").read_text(encoding="utf-8"))
    assert index["tables"]["survey_responses"]["breaks"] == entry(tmp_path).breaks


BREAKS = (
    "breaks: [{wave: W2, column: ease, reason: {es: reformulada, en: reworded}}, "
    '{wave: W2, column: "*", reason: por teléfono}]'
)


def test_declared_breaks_are_kept_in_both_languages(tmp_path):
    checked(tmp_path, waves(EQUIVALENT, more=BREAKS), FILES)
    assert [(each["column"], each["reason"]["en"]) for each in entry(tmp_path).breaks] == [
        ("ease", "scale 1-5 taken to 1-7"),
        ("ease", "reworded"),
        ("*", "por teléfono"),
    ]


@pytest.mark.parametrize(
    ("wave", "column", "said"),
    [
        ("W9", "ease", "a break in a wave that is not there; allowed: W1, W2"),
        ("W2", "easy", "a break of a column that the wave has not; allowed: ease, response_id, wave_id"),
    ],
)
def test_breaks_of_nothing_are_told(tmp_path, wave, column, said):
    more = f"breaks: [{{wave: {wave}, column: {column}, reason: x}}]"
    assert said in refused(tmp_path, waves(EQUIVALENT, more=more), FILES)


def test_personal_data_in_a_reason_are_refused(tmp_path):
    more = "breaks: [{wave: W2, column: ease, reason: pregunte a ana.perez@example.cl}]"
    text = refused(tmp_path, waves(EQUIVALENT, more=more), FILES)
    assert "personal data (e-mail)" in text
    assert "ana.perez" not in text


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("es", "Quiebre de serie, ola W2, Facilidad: escala 1-5 llevada a 1-7."),
        ("en", "Series break, wave W2, Ease: scale 1-5 taken to 1-7."),
    ],
)
def test_breaks_reach_the_reader(tmp_path, monkeypatch, language, said):
    checked(tmp_path, waves(EQUIVALENT, more=BREAKS), FILES)
    shown = []
    monkeypatch.setattr(Paper, "_display", lambda self, text, data=None: shown.append(text))
    paper = Paper(dataset.open_dataset(tmp_path, "acme"), where="", language=language, seed=0)
    assert isinstance(paper.table("survey_responses"), pd.DataFrame)
    assert said in shown[0]
    assert "por teléfono" in shown[0]


def test_a_client_keeps_its_declaration_of_both(tmp_path):
    root = write_client(tmp_path, waves(EQUIVALENT, more=BREAKS), FILES)
    client = load(root / "data" / "acme")
    assert client.sources[1].equivalent["ease"].asked == (1, 5)
    assert client.breaks[0].reason.es == "reformulada"
