"""The executives' glossary: only what a page uses, in its language, from the catalogues."""

import re

import pytest

from cxlab.reporting import glossary
from cxlab.reporting.words import Words

SPANISH = (
    "La razón de riesgos es 0,80 (intervalo de 95 %: 0,76 a 0,84; n = 5.226). Un NPS de 20 puntos; <10†."
)


def names(language, text=None):
    return [term for term, _ in glossary.terms(Words(language), text)]


def test_only_what_is_used_is_explained_in_the_order_of_the_alphabet():
    assert names("es", SPANISH) == [
        "Base (n)", "Base pequeña (†)", "Celda suprimida (<10)", "Intervalo", "NPS", "Razón de riesgos",
    ]  # fmt: skip
    assert names("es", "Nada de esto.") == []
    assert names("en", ["the hazard ratio", "goes with"]) == ["Evidence: association", "Hazard ratio"]


def test_whole_words_count_and_any_ending_only_where_it_says_so():
    assert "NPS" not in names("en", "SNPSX")
    assert "Interval" not in names("en", "intervallic")
    assert "Weighted" in names("en", "unequal WEIGHTS")
    assert "Suppressed cell (<10)" in names("en", "<10")


@pytest.mark.parametrize("language", ["es", "en"])
def test_every_term_has_a_meaning_and_is_found_by_its_forms(language):
    words = Words(language)
    assert len(glossary.codes()) >= 30
    assert len(glossary.terms(words)) == len(glossary.codes())
    for code in glossary.codes():
        term, meaning = words(f"glossary.{code}"), words(f"glossary.{code}.meaning")
        assert meaning.endswith("."), code
        assert 20 < len(meaning) < 330, code
        for form in words(f"glossary.{code}.forms").split("|"):
            assert term in names(language, f"x {form.removesuffix('*')} y"), (code, form)


def test_the_section_is_folded_escaped_and_absent_where_nothing_is_used():
    words = Words("es")
    made = glossary.glossary_html(words, f"<p>{SPANISH.replace('<', '&lt;')}</p><code>CLTV</code>")
    assert made.startswith('<details class="cx-data cx-glossary"><summary>Glosario: 6 términos')
    assert re.findall("<dt>(.*?)</dt>", made)[2] == "Celda suprimida (&lt;10)"
    assert "CLTV" not in made
    assert glossary.glossary_html(words, "<p>Nada.</p>") == ""
    # A page cannot bring a term into the glossary by its tags.
    assert glossary.glossary_html(words, '<p title="NPS"></p>') == ""
