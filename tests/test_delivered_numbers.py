"""One number, one source: every number of what is handed over is one of results.json, as it is printed."""

import io
import re
from html import unescape

import pytest
import volume_examples

from cxlab.errors import WorkbenchError
from cxlab.reporting import pdf, printed
from cxlab.reporting.words import Words

pytestmark = pytest.mark.xdist_group("pdf")
NUMBER = re.compile(r"(?<![\w.,])[−+-]?\d+(?:[.,]\d+)*")
TAG = re.compile(r"<[^>]*>")


def tokens(text: str) -> set[str]:
    """Every number of a text, as it is written, without its sign."""
    return {found.lstrip("−+-") for found in NUMBER.findall(text)}


def shown(page: str, of: str) -> str:
    """The text of the claims and tables of a page."""
    return " | ".join(unescape(TAG.sub(" ", piece)) for piece in re.findall(of, page, re.DOTALL))


def text_of(page: str) -> set[str]:
    """The numbers of a page's text, drawings included."""
    return tokens(unescape(TAG.sub(" ", page.partition("</style>")[2])))


def values(bundle) -> set[float]:
    """Every number of a result: its tables, what its claims say of it, its bases and settings."""

    def every(node):
        if isinstance(node, bool):
            return
        if isinstance(node, int | float):
            yield float(node)
        elif isinstance(node, dict):
            for each in node.values():
                yield from every(each)
        elif isinstance(node, list | tuple):
            for each in node:
                yield from every(each)

    claims = [claim["fields"] for claim in bundle["claims"]]
    rows = [table["rows"] for table in bundle["tables"].values()]
    return {*every([claims, rows, bundle["n_used"], bundle.get("n_dropped"), bundle["settings"]])}


def printed_as(number: float, words: Words) -> set[str]:
    """What a number may be printed as: with 0 to 4 decimals, itself or as a percentage, without its sign."""
    return {words.number(abs(x), digits) for x in (number, 100 * number) for digits in range(5)}


@pytest.mark.parametrize("language", ["es", "en"])
def test_every_number_of_claims_and_tables_is_one_of_the_results(language):
    for chapter in volume_examples.volume(language).chapters:
        page = chapter.page()
        known = set()
        for bundle in chapter.results:
            known |= {text for x in values(bundle) for text in printed_as(x, chapter.words)}
        said = shown(page, r'<p class="cx-(?:sentence|big)">.*?</p>')
        told = tokens(said) | tokens(shown(page, r"<td[^>]*>.*?</td>").split(chapter.run)[0])
        assert len(told) > 20
        suppressed = {"10"}  # "<10": what is printed in place of a base
        titles = tokens(" ".join(chapter.words.label("metric", m) for m in ("nps", "pxi")))
        assert told - known - suppressed - titles == set()


@pytest.mark.parametrize("language", ["es", "en"])
def test_every_number_of_the_pdf_is_one_of_its_pages(language):
    pypdf = pytest.importorskip("pypdf", reason="pypdf reads the PDF")
    volume = volume_examples.volume(language)
    try:
        pages = pypdf.PdfReader(io.BytesIO(pdf.pdf(volume))).pages
    except WorkbenchError as missing:
        pytest.skip(str(missing))
    known = text_of(printed.document(volume))
    on_pages = set().union(*(text_of(chapter.page()) for chapter in volume.chapters))
    counts = {str(k) for k in range(len(pages) + 1)}
    assert known - on_pages - counts == set()
    for page in pages:
        assert tokens(page.extract_text()) - known - counts == set()
