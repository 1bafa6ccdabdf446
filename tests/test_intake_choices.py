"""Questions with several answers: options become 0/1, and who was not asked is told."""

import os

import pytest
from intake_clients import checked, refused

from cxlab.intake import dataset

HEAD = "name: T\nsources:\n  - {{file: raw/s.csv, table: survey_responses{how}}}\n"
SEEN = "response_id,attr_a,attr_b,attr_c\nr1,Film A,,Film C\nr2,,,\nr3,,Film B,\nr4,99,,Film C\n"


def frame(tmp_path, text, how):
    return checked(tmp_path, HEAD.format(how=how), {"s.csv": text})


def values(column):
    return [None if each != each else int(each) for each in column.astype(float)]


def entry(tmp_path):
    return dataset.open_dataset(tmp_path, "acme").entry("survey_responses")


def test_options_in_columns_are_flags_and_nothing_chosen_is_not_asked(tmp_path):
    how = ", multiple: [[attr_a, attr_b, attr_c]], missing: {attr_a: {99: refused}}, na_reasons: [attr_a]"
    found = frame(tmp_path, SEEN, how)
    assert values(found["attr_a"]) == [1, None, 0, None]
    assert values(found["attr_b"]) == [0, None, 1, 0]
    assert values(found["attr_c"]) == [1, None, 0, 1]
    assert found["attr_a_na_reason"].fillna("").tolist() == ["", "not_asked", "", "refused"]
    assert entry(tmp_path).na_reasons == {
        "attr_a": {"not_asked": 1, "refused": 1},
        "attr_b": {"not_asked": 1},
        "attr_c": {"not_asked": 1},
    }
    labels = dataset.open_dataset(tmp_path, "acme").labels_mapping()
    assert labels["columns"]["attr_b"] == {"es": "Film B", "en": "Film B"}


def test_flags_and_several_texts_of_other_answers_stay(tmp_path):
    text = "response_id,attr_a,attr_other\nr1,1,\nr2,0,\nr3,,por mi hermano\nr4,,\nr5,1,por la radio\n"
    found = frame(tmp_path, text, ", multiple: [[attr_a, attr_other]]")
    assert values(found["attr_a"]) == [1, 0, 0, None, 1]
    assert values(found["attr_other"]) == [0, 0, 1, None, 1]


def test_groups_are_told_apart_and_can_be_excluded_by(tmp_path):
    how = ", multiple: [[attr_a], [attr_b, attr_c]], exclude: [{where: 'attr_c == 1', reason: saw C}]"
    found = frame(tmp_path, SEEN.replace("99", ""), how)
    assert values(found["attr_b"]) == [None, 1]
    assert entry(tmp_path).sources[0]["excluded"] == {"saw C": 2}


def test_a_text_that_says_not_chosen_is_asked_about(tmp_path):
    text = "response_id,attr_a,attr_b\nr1,Selected,Not selected\nr2,Not selected,Selected\n"
    how = ", multiple: [[attr_a, attr_b]]"
    said = refused(tmp_path / "a", HEAD.format(how=how), {"s.csv": text})
    assert (
        "row 2, column attr_b: found 'Not selected'; allowed: the text of the option, 1, or nothing" in said
    )
    assert "values: {attr_b: {found: 0}}" in said
    how += ", values: {attr_a: {Not selected: 0}, attr_b: {Not selected: 0}}"
    assert values(frame(tmp_path / "b", text, how)["attr_b"]) == [0, 1]


CELLS = "response_id,Por qué\nr1,Precio; Atención\nr2,\nr3,Precio\nr4,No aplica\nr5,atención ; Precio\n"


def test_one_cell_with_several_options_becomes_a_column_for_each(tmp_path):
    how = ", names: {Por qué: attr_why}, split: {attr_why: ';'}, missing: {attr_why: [No aplica]}"
    text = CELLS.replace("r5,atención", "r5,Atención")
    found = frame(tmp_path, text, how)
    assert [name for name in found if name.startswith("attr_")] == ["attr_why_atencion", "attr_why_precio"]
    assert values(found["attr_why_precio"]) == [1, None, 1, None, 1]
    assert values(found["attr_why_atencion"]) == [1, None, 0, None, 1]
    assert entry(tmp_path).na_reasons["attr_why_precio"] == {"not_applicable": 1, "not_asked": 1}
    labels = dataset.open_dataset(tmp_path, "acme").labels_mapping()
    assert labels["columns"]["attr_why_atencion"] == {"es": "Atención", "en": "Atención"}


def test_what_was_made_is_told_with_the_ledger(tmp_path):
    how = ", names: {Por qué: attr_why}, split: {attr_why: ';'}, missing: {attr_why: [No aplica]}"
    frame(tmp_path, CELLS.replace("r5,atención", "r5,Atención"), how)
    notes = [str(note) for note in dataset.check(tmp_path, "acme").notes]
    told = "raw/s.csv: Por qué became 2 columns of 0 and 1: attr_why_atencion, attr_why_precio"
    assert told in notes


def test_options_that_would_share_a_name_are_refused(tmp_path):
    how = ", names: {Por qué: attr_why}, split: {attr_why: ';'}, missing: {attr_why: [No aplica]}"
    said = refused(tmp_path, HEAD.format(how=how), {"s.csv": CELLS})
    assert "column Por qué: found options that would be called the same: attr_why_atencion" in said


def test_options_of_one_person_are_together_and_many_are_no_options(tmp_path):
    how = ", split: {attr_why: ';'}"
    rows = "".join(f"r{n},Precio;Red\n" for n in range(40))
    found = frame(tmp_path / "a", f"response_id,attr_why\n{rows}x1,Precio;mi vecina Rosa\nx2,algo mío\n", how)
    assert [name for name in found if name.startswith("attr_")] == [
        "attr_why_other",
        "attr_why_precio",
        "attr_why_red",
    ]
    assert found["attr_why_other"].sum() == 2
    words = "".join(f"r{n},frase {n}\ns{n},frase {n}\n" for n in range(70))
    said = refused(tmp_path / "b", HEAD.format(how=how), {"s.csv": f"response_id,attr_why\n{words}"})
    assert "70 different options, as in answers in one's own words" in said


@pytest.mark.parametrize(
    "how", ["multiple: [[recommend]]", "split: {recommend: ';'}", "split: {response_id: ';'}"]
)
def test_ratings_and_codes_are_no_choices(tmp_path, how):
    text = "response_id,recommend\nr1,5\nr2,6\n"
    said = refused(tmp_path, HEAD.format(how=f", {how}, scales: {{recommend: [0, 10]}}"), {"s.csv": text})
    assert "which is no column of choices" in said


def test_names_that_are_no_column_are_told(tmp_path):
    said = refused(tmp_path, HEAD.format(how=", multiple: [[attr_a, attr_z]]"), {"s.csv": SEEN})
    assert "column attr_z: found a name in `multiple` that is no column" in said


@pytest.mark.skipif(
    not os.environ.get("CXLAB_REAL_DATA"), reason="set CXLAB_REAL_DATA to the folder of the real files"
)
def test_the_films_of_a_real_survey(tmp_path):
    question = "Which of the following Star Wars films have you seen? Please select all that apply."
    films = [
        "Star Wars: Episode I  The Phantom Menace", "Star Wars: Episode II  Attack of the Clones",
        "Star Wars: Episode III  Revenge of the Sith", "Star Wars: Episode IV  A New Hope",
        "Star Wars: Episode V The Empire Strikes Back", "Star Wars: Episode VI Return of the Jedi",
    ]  # fmt: skip
    names = "".join(f'      "{question} / {film}": attr_seen_{n}\n' for n, film in enumerate(films, 1))
    declaration = (
        "name: S\nsources:\n  - file: ${CXLAB_REAL_DATA}/surveymonkey_starwars.csv\n"
        "    table: survey_responses\n    layout: surveymonkey\n    encoding: mac_roman\n"
        "    names:\n      RespondentID: response_id\n"
        f"{names}    multiple: [[{', '.join(f'attr_seen_{n}' for n in range(1, 7))}]]\n"
    )
    found = checked(tmp_path, declaration, {})
    assert [int(found[f"attr_seen_{n}"].sum()) for n in range(1, 7)] == [673, 571, 550, 607, 758, 738]
    assert int(found["attr_seen_1"].notna().sum()) == 835
    reasons = entry(tmp_path).na_reasons["attr_seen_1"]
    assert reasons == {"not_asked": len(found) - 835}
