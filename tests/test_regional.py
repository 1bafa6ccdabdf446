"""A client's own words: our sentences in them, in case, number and gender; data and code as they are."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from intake_clients import write_client
from nbformat import from_dict

from cxlab import regional
from cxlab.analysis.estimates import Claim
from cxlab.errors import InputError, Message
from cxlab.intake.client import load
from cxlab.reporting import claims, gallery, html
from cxlab.reporting.words import Words
from cxlab.runs.pages import client_of

COMPLAINT = {"reclamo": "queja"}


@pytest.mark.parametrize(("ours", "theirs"), [
    ("El reclamo", "La queja"),
    ("los reclamos", "las quejas"),
    ("LOS RECLAMOS", "LAS QUEJAS"),
    ("del reclamo al cliente", "de la queja al cliente"),
    ("al primer reclamo", "al primera queja"),  # what stands before the determiner is not ours to know
    ("Ningún reclamo de otro canal", "Ninguna queja de otro canal"),
    ("todos los reclamos", "todas las quejas"),
    ("Reclamos × tienda", "Quejas × tienda"),
    ("reclamón, subreclamo, reclamo_id, pre-reclamo", "reclamón, subreclamo, reclamo_id, pre-reclamo"),
    ("{reclamo} de {n:.0f} reclamos", "{reclamo} de {n:.0f} quejas"),
])  # fmt: skip
def test_a_word_is_changed_whole_in_its_case_number_and_gender(ours, theirs):
    assert regional.template(ours, COMPLAINT, "es") == theirs


@pytest.mark.parametrize(("entries", "language", "ours", "theirs"), [
    ({"la señal": "el aviso"}, "es", "De la señal a las señales.", "Del aviso a los avisos."),
    ({"canal": "vía"}, "es", "el canal y los canales", "la vía y las vías"),
    ({"centro de llamadas": "mesa de ayuda"}, "es", "el centro de llamadas", "la mesa de ayuda"),
    ({"boleta": "factura"}, "es", "La boleta, una boleta", "La factura, una factura"),
    ({"customer": "member"}, "en", "The customer; Customers’ answers", "The member; Members’ answers"),
    ({"branch": "agency"}, "en", "Branches of a branch", "Agencies of a agency"),
])  # fmt: skip
def test_genders_come_from_the_ending_or_the_article_that_is_given(entries, language, ours, theirs):
    assert regional.template(ours, entries, language) == theirs


@given(st.text(max_size=60))
@settings(max_examples=25, deadline=None)
def test_a_text_without_the_word_stays_as_it_is(text):
    assert regional.template(text, {}, "es") == text
    if "reclamo" not in text.casefold():
        assert regional.template(text, COMPLAINT, "es") == text


def test_prose_is_changed_and_code_and_addresses_are_not():
    given = "Un reclamo: `reclamo`, [reclamo](reclamo.html), https://x.cl/reclamo, doi:10.1/reclamo"
    assert regional.prose(given, COMPLAINT, "es") == (
        "Una queja: `reclamo`, [queja](reclamo.html), https://x.cl/reclamo, doi:10.1/reclamo"
    )


CLAIM = Claim(
    "benchmark.cell",
    {"metric": "pxi", "focal": "Reclamos S.A.", "peer": "Otra", "cell": "complaint x store", "estimate": 9.0,
     "conf_low": 4.0, "conf_high": 14.0, "unit": "points", "level": 0.95, "n": 160},
    "D",
)  # fmt: skip


def test_sentences_and_our_labels_change_and_what_is_data_does_not():
    labels = {"values": {"": {"complaint": "Reclamos"}}, "words": {"cliente": "socio", "punto": "unidad"}}
    plain, own = Words("es", {"values": labels["values"]}), Words("es", labels)
    said, before = claims.sentence(CLAIM, own), claims.sentence(CLAIM, plain)
    assert "puntos" in before
    assert said == before.replace("puntos", "unidades")
    assert "«Reclamos S.A.»" in said  # a name, though it is the word itself
    assert "Reclamos × " in said  # the client's own label
    both = Words("es", {"words": {"canal": "vía"}}), Words("en", {"words": {"canal": "vía"}})
    assert both[0].label("channel") == "Vía"
    assert both[1].label("channel") == "Channel"
    assert both[0].label("channel", "canal propio") == "canal propio"
    assert Words("en", {"words": {"en": {"channel": "touchline"}}}).label("channel") == "Touchline"


def test_advice_of_an_analysis_changes_and_what_it_names_does_not():
    words = Words("es", {"words": {"columna": "variable"}})
    said = words.message(
        Message("the table has no column {missing}; it has {present}", missing="columna", present="x")
    )
    assert said.count("columna") == 1
    assert "variable columna" in said


def test_a_page_speaks_the_client_s_words_in_title_and_prose():
    def cell(source):
        return {"cell_type": "markdown", "metadata": {"tags": ["lang-es"]}, "source": source}

    book = {"cells": [cell("# ¿Y los reclamos?\n\n## Pregunta\n\nCada reclamo, `reclamo`.")], "metadata": {},
            "nbformat": 4, "nbformat_minor": 4}  # fmt: skip
    client = html.Client(name="Reclamo S.A.", labels={"words": COMPLAINT})
    page = html.page(from_dict(book), cover=html.Cover(), language="es", client=client)
    assert "<h1>¿Y las quejas?</h1>" in page
    assert "Cada queja, <code>reclamo</code>." in page
    assert "Reclamo S.A." in page
    entry = gallery.Entry(name="a", title="¿Y los reclamos?")
    card = gallery.index("x", [entry], language="es", client=client)
    assert "¿Y las quejas?" in card


def declared(tmp_path: Path, words: str):
    for folder in ("data/acme",):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    root = write_client(tmp_path)
    path = root / "data/acme/client.yaml"
    path.write_text(path.read_text(encoding="utf-8") + f"\nwords: {words}\n", encoding="utf-8")
    return path.parent


def test_client_yaml_declares_them_and_labels_carry_them(tmp_path):
    client = load(declared(tmp_path, "{reclamo: queja, en: {customer: member}}"))
    given = {"reclamo": "queja", "en": {"customer": "member"}}
    assert client.labels_mapping()["words"] == given
    assert client_of(tmp_path, "acme", "es", "").labels["words"] == given  # so that pages speak them
    assert Words("en", client.labels_mapping()).label("customers").lower().startswith("member")


@pytest.mark.parametrize(("words", "found", "near"), [
    ("{reclmo: queja}", "reclmo", "reclamos"),
    ("{es: {reclamo: queja}, en: {custmer: member}}", "custmer", "customer"),
    ("{customer: socio}", "customer", ""),  # no word of our Spanish
])  # fmt: skip
def test_a_word_that_we_never_say_is_refused_with_the_nearest(tmp_path, words, found, near):
    with pytest.raises(InputError) as refused:
        load(declared(tmp_path, words))
    (problem,) = refused.value.problems
    assert problem.column.startswith("words")
    assert found in str(problem)
    assert f"did you mean {near}?" in str(problem) if near else True


def test_the_prose_of_the_notebooks_is_ours_too(tmp_path):
    (tmp_path / "notebooks").mkdir()
    told = {"cells": [{"metadata": {"tags": ["lang-es"]}, "source": ["Una zarzuela; `zarzamora`."]}, {}]}
    (tmp_path / "notebooks/own.ipynb").write_text(json.dumps(told), encoding="utf-8")
    (tmp_path / "notebooks/broken.ipynb").write_text("{", encoding="utf-8")
    assert load(declared(tmp_path, "{zarzuela: opereta}")).words == {"zarzuela": "opereta"}
    with pytest.raises(InputError):
        load(declared(tmp_path, "{zarzamora: mora}"))


@pytest.mark.parametrize("words", ["[reclamo]", "{reclamo: 3}", "{es: {reclamo: [queja]}}", "{reclamo: ''}"])
def test_what_is_no_glossary_is_refused(tmp_path, words):
    with pytest.raises(InputError, match="client.yaml has 1 problem"):
        load(declared(tmp_path, words))
