"""Numbers, units, dates, labels and messages in the report's language."""

from datetime import date

import pytest

from cxlab.errors import AnalysisError, Message, ParameterError, Problem
from cxlab.reporting.words import Words, clean, digits_for, explain, translate

ES, EN = Words("es"), Words("en")
LABELS = {
    "columns": {"ease": {"es": "Facilidad", "en": "Ease"}, "x": "Equis"},
    "values": {"region": {"RM": {"es": "Metropolitana", "en": "Metropolitan"}}, "wave": {"1": "Ola 1"}},
}


def spaced(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("said", "es", "en"),
    [
        (lambda w: w.number(1234.5, 1), "1.234,5", "1,234.5"),
        (lambda w: w.number(1234, 0), "1.234", "1,234"),
        (lambda w: w.number(-3.14159), "−3,142", "−3.142"),
        (lambda w: w.number(-0.0001, 1), "0,0", "0.0"),
        (lambda w: w.number(None), "–", "–"),
        (lambda w: w.number(float("nan"), 2), "–", "–"),
        (lambda w: w.number(float("inf")), "∞", "∞"),
        (lambda w: w.percent(0.843, 1), "84,3 %", "84.3%"),
        (lambda w: w.signed(5.04, 1), "+5,0", "+5.0"),
        (lambda w: w.signed(0.0, 1), "0,0", "0.0"),
        (lambda w: w.signed(-5, 0), "−5", "−5"),
        (lambda w: w.amount(12.34, "points"), "12,3 puntos", "12.3 points"),
        (lambda w: w.amount(0.5, "share", difference=True), "50,0 p.p.", "50.0 p.p."),
        (lambda w: w.amount(1, "months"), "1 mes", "1 month"),
        (lambda w: w.amount(35, "months"), "35 meses", "35 months"),
        (lambda w: w.amount(2.5, "months"), "2,5 meses", "2.5 months"),
        (lambda w: w.interval(0.341, 0.359, "share"), "34,1 a 35,9 %", "34.1 to 35.9%"),
        (lambda w: w.interval(7, 29, "points"), "7 a 29 puntos", "7 to 29 points"),
        (lambda w: w.interval(31, None, "months"), "31 meses o más", "31 months or more"),
        (lambda w: w.interval(None, 5.0, "scale"), "hasta 5,00", "up to 5.00"),
        (lambda w: w.interval(None, None), "–", "–"),
        (lambda w: w.date(date(2026, 11, 22)), "22 de noviembre de 2026", "November 22, 2026"),
    ],
)
def test_numbers_in_both_languages(said, es, en):
    assert spaced(said(ES)) == es
    assert spaced(said(EN)) == en


def test_decimals_are_those_that_the_interval_allows():
    assert digits_for("points", -20, 20) == 0
    assert digits_for("points", 18, 20) == 1
    assert digits_for("share", 0.30, 0.44) == 0
    assert digits_for("ratio", 0.77, 0.83) == 2
    assert digits_for("ratio", 1.001, 1.004) == 3
    assert digits_for("scale", None, 3) == 2


def test_labels_come_from_the_client_then_the_catalogue_then_the_name():
    words = Words("es", LABELS)
    assert words.label("ease") == "Facilidad"
    assert words.label("x") == "Equis"
    assert words.label("channel") == "Canal"
    assert words.label("attr_first_contact") == "First contact"
    assert words.label("Q7A_ART") == "Q7A_ART"
    assert words.label("region", "RM") == "Metropolitana"
    assert words.label("region", "V") == "V"
    assert words.label("wave", 1.0) == "Ola 1"
    assert words.label("verdict", "above") == "por encima"
    assert words.label("region", "") == "(en blanco)"
    assert words.category("RM") == "Metropolitana"
    assert words.covariate("region: RM") == "Región: Metropolitana"


def test_metrics_have_an_article_and_other_outcomes_stand_in_quotes():
    words = Words("es", LABELS)
    assert [words.metric("nps", form) for form in ("name", "the", "a")] == ["NPS", "el NPS", "un NPS"]
    assert words.metric("ease", "the") == "«Facilidad»"
    assert Words("en", LABELS).metric("ease", "a") == "“Ease”"


def test_client_text_is_never_a_template():
    words = Words("es", {"columns": {"x": "{0} {{ 7*7 }} %s {metric}"}})
    assert words.label("x") == "{0} {{ 7*7 }} %s {metric}"
    assert words("hazards.unit", label=words.label("x")).endswith("«{0} {{ 7*7 }} %s {metric}»")


def test_control_characters_and_line_breaks_leave_labels():
    assert clean("a\x00b\nc\u202ed\ud800") == "a b c\u202ed"
    assert Words("en").label("a\x0bb") == "a b"


def test_reasons_and_advice_are_said_with_the_labels_of_their_columns():
    assert ES.message(Message("weight zero")) == "ponderador cero"
    assert Words("es", LABELS).message(Message("{column} missing", column="ease")) == "sin Facilidad"
    assert ES.message("tenure 0: not yet billed") == "tenure 0: not yet billed"


def test_unknown_language_and_unknown_text():
    with pytest.raises(ParameterError, match=r"language is 'fr'; allowed: es, en"):
        Words("fr")
    with pytest.raises(KeyError, match="no.such.text"):
        ES("no.such.text")


def test_messages_are_translated_with_their_fields():
    inner = Message("from {low:g} to {high:g}", low=1, high=7)
    outer = Message("{name} is {given!r}; allowed: {allowed}", name="x", given="{y}", allowed=inner)
    assert translate(outer, "es") == "x es '{y}'; se admite: de 1 a 7"
    assert translate(outer, "en") == "x is '{y}'; allowed: from 1 to 7"
    assert translate("an unknown text with {braces}", "es") == "an unknown text with {braces}"
    assert translate("", "es") == ""


def test_numbers_inside_spanish_messages_have_a_comma():
    said = Message(
        "VIF of {driver} is {value:.1f}: its effect can hardly be told from the others'",
        driver="a",
        value=8.25,
    )
    assert "8,2" in translate(said, "es")
    assert "8.2" in translate(said, "en")


def test_an_error_is_explained_with_all_its_problems():
    problem = Problem(
        found=Message("numbers"),
        allowed=Message("text"),
        action=Message("remove it"),
        file="a.csv",
        column="c",
        row=7,
        count=3,
    )
    error = AnalysisError("weights column {column!r} cannot be used", column="w", problems=[problem])
    said = explain(error, "es")
    assert said.splitlines()[0] == "la columna de ponderadores 'w' no puede usarse"
    assert (
        said.splitlines()[1]
        == "  - a.csv, fila 7, columna c: se encontró números (3 filas); se admite: texto. quítela"
    )
    assert explain(error, "en") == str(error)
