"""No text of others becomes script, handler, address or formula in any file that we hand over."""

import io

import openpyxl
import payloads
import pytest
from pptx import Presentation

from cxlab.reporting.annex import annex
from cxlab.reporting.deck import deck
from cxlab.reporting.printed import document


def test_the_corpus_is_as_large_as_it_is_said_to_be():
    assert len(payloads.PAYLOADS) >= 20
    assert len(payloads.SINKS) >= 16
    assert all(payloads.MARK in each for each in payloads.PAYLOADS.values())


@pytest.mark.parametrize("name", payloads.PAYLOADS)
def test_no_file_runs_loads_or_calculates_anything_of_others(name):
    volume = payloads.hostile(payloads.PAYLOADS[name])
    for page in (*(chapter.page() for chapter in volume.chapters), document(volume)):
        assert payloads.harm_in_html(page) == []
        page.encode()
    book, slides = annex(volume), deck(volume)
    assert payloads.harm_in_office(book) == []
    assert payloads.harm_in_office(slides) == []
    openpyxl.load_workbook(io.BytesIO(book))
    assert len(Presentation(io.BytesIO(slides)).slides) > 3


@pytest.mark.parametrize(
    "harm", ["<script>1</script>", '<p onclick="x">', '<a href="//x.cl">', "<style>@import 'x'</style>"]
)
def test_harm_in_a_page_would_be_seen(harm):
    page = payloads.hostile("x").chapters[0].page()
    assert payloads.harm_in_html(page) == []
    assert payloads.harm_in_html(page.replace("</main>", f"{harm}</main>")) != []


def test_harm_in_a_workbook_would_be_seen():
    book = openpyxl.Workbook()
    book.active["A1"] = "=1+1"
    book.active["A2"].hyperlink = "https://zqx.example"
    packed = io.BytesIO()
    book.save(packed)
    assert len(payloads.harm_in_office(packed.getvalue())) == 2
