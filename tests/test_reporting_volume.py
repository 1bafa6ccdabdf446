"""A study's published results as one volume: chapters, their claims by name, their pages."""

import copy
import json

import pytest
import reporting_examples as examples
import volume_examples

from cxlab.analysis.estimates import masked
from cxlab.reporting import RESULT, html
from cxlab.reporting.volume import names
from cxlab.reporting.words import Words


@pytest.mark.parametrize(
    ("language", "title"), [("es", "¿Qué pesa más?"), ("en", "How much are we recommended?")]
)
def test_a_chapter_is_what_its_notebook_shows(language, title):
    volume = volume_examples.volume(language)
    scored, driven = volume.chapters
    assert [bundle["id"] for bundle in scored.results] == ["result-1", "result-2"]
    assert [*scored.figures] == ["result-1", "result-2"]
    assert driven.title == title
    assert "9.9" not in json.dumps(scored.results[0]["tables"]["main"]["rows"][-1])  # masked already
    assert scored.page() == html.page(
        scored.notebook, cover=scored.cover, language=language, client=volume.client
    )


def test_the_studys_own_title_comes_first_and_the_name_last():
    own = volume_examples.volume().chapters[0]
    bare = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    assert volume_examples.chapter("scorecard", own.notebook, heading="Tablero").title == "Tablero"
    assert volume_examples.chapter("scorecard", type(own.notebook)(bare)).title == "scorecard"


def test_a_point_of_a_grid_is_told_from_the_others_by_what_it_chose():
    """The cards of seven areas once had one title in a table of contents."""
    own = copy.deepcopy(volume_examples.volume().chapters[0].notebook)
    bundle = next(o.data[RESULT] for c in own.cells for o in c.get("outputs", ()) if RESULT in o.data)
    bundle["labels"] = {"values": {"area_id": {"stores": "Tiendas"}}}
    made = volume_examples.chapter("card", own, heading="Área por área", choices={"area": "stores"})
    assert made.title == "Área por área · Área: Tiendas"


def test_a_claim_is_called_by_what_it_speaks_of_not_by_its_numbers_or_its_place():
    bundle = {
        "keys": ["unit"],
        "tables": {"main": {"columns": ["unit", "n"], "rows": [["a", 12], ["b", 40]]}},
    }

    def claim(unit, **fields):
        return {"code": "league.place", "fields": {"unit": unit, "verdict": "above", **fields}}, bundle

    first = names([claim("a", estimate=1.0), claim("b", estimate=2.0)])
    again = names([claim("b", estimate=9.0, verdict="below"), claim("a", estimate=8.0), claim("a")])
    assert first == ["league.place a", "league.place b"]
    assert again == ["league.place b", "league.place a", "league.place a #2"]


def test_every_claim_of_a_chapter_has_a_name_of_its_own():
    for chapter in volume_examples.volume().chapters:
        called = [stated.name for stated in chapter.stated]
        assert len({*called}) == len(called) == sum(len(each["claims"]) for each in chapter.results)
        assert all(stated.claim in stated.result["claims"] for stated in chapter.stated)


def test_what_the_notebooks_own_tables_call_their_codes_is_published_with_the_numbers():
    """The names of areas are in a table that nobody reads again: a deck would print `billing_finance`."""
    values = {"region": {"RM": {"es": "La capital"}, "elsewhere": "not in this result"}}
    words = Words("es", {"columns": {"region": "Zona"}, "values": values})
    shown = examples.shown(masked(examples.scores()), None, words)
    assert shown.data[RESULT]["labels"] == {
        "columns": {"region": "Zona"},
        "values": {"region": {"RM": "La capital"}},
    }
    chapter = volume_examples.chapter("scorecard", examples.notebook([shown]), client=html.Client(name="X"))
    assert chapter.words.label("region", "RM") == "La capital"
    assert chapter.words.label("region") == "Zona"
    assert "labels" not in examples.shown(masked(examples.scores()), None, Words("es")).data[RESULT]
