"""No text of others becomes script, handler, address or formula in any file that we hand over."""

import io

import openpyxl
import payloads
import pytest

from cxlab.reporting.annex import annex


def test_the_corpus_is_as_large_as_it_is_said_to_be():
    assert len(payloads.PAYLOADS) >= 20
    assert len(payloads.SINKS) >= 16
    assert all(payloads.MARK in each for each in payloads.PAYLOADS.values())


@pytest.mark.parametrize("name", payloads.PAYLOADS)
def test_a_page_runs_and_loads_nothing(name):
    volume = payloads.hostile(payloads.PAYLOADS[name])
    for chapter in volume.chapters:
        page = chapter.page()
        assert payloads.harm_in_html(page) == []
        page.encode()


@pytest.mark.parametrize(
    "harm", ["<script>1</script>", '<p onclick="x">', '<a href="//x.cl">', "<style>@import 'x'</style>"]
)
def test_harm_in_a_page_would_be_seen(harm):
    page = payloads.hostile("x").chapters[0].page()
    assert payloads.harm_in_html(page) == []
    assert payloads.harm_in_html(page.replace("</main>", f"{harm}</main>")) != []


@pytest.mark.parametrize("name", payloads.PAYLOADS)
def test_the_annex_calculates_and_links_nothing_of_others(name):
    packed = annex(payloads.hostile(payloads.PAYLOADS[name]))
    assert payloads.harm_in_office(packed) == []
    openpyxl.load_workbook(io.BytesIO(packed))
