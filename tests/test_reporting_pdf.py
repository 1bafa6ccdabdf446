"""A study on paper: tagged, paged, the same bytes wherever it is made, and no number that its pages lack."""

import io
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import payloads
import pytest
import volume_examples

from cxlab.errors import WorkbenchError
from cxlab.reporting import pdf, printed

pytestmark = pytest.mark.xdist_group("pdf")
pypdf = pytest.importorskip("pypdf", reason="pypdf reads the PDFs of these tests")


def libraries() -> bool:
    try:
        pdf._weasyprint()
    except WorkbenchError:
        return False
    return True


needs_weasyprint = pytest.mark.skipif(
    not libraries(), reason="the libraries of WeasyPrint are not on this machine"
)


@pytest.fixture(scope="module")
def made() -> bytes:
    return pdf.pdf(volume_examples.volume("es"))


@pytest.fixture(scope="module")
def read(made):
    return pypdf.PdfReader(io.BytesIO(made))


def text(page) -> str:
    return " ".join(page.extract_text().split())


@needs_weasyprint
def test_cover_contents_and_chapters_with_their_pages(read):
    cover, contents, *_ = pages = [text(page) for page in read.pages]
    assert "Fibra Cordillera S.A. Diagnóstico de experiencia Datos hasta 30 de noviembre de 2025" in cover
    titles = ["¿Cuánto nos recomiendan?", "¿Qué pesa más?", "Glosario", "De qué se hizo cada informe"]
    numbers = {t: int(re.search(rf"{re.escape(t)}[ .]*(\d+)", contents)[1]) for t in titles}
    for title, number in numbers.items():
        assert title in pages[number - 1]
        assert f"{number} / {len(pages)}" in pages[number - 1]
    assert [item.title for item in read.outline if not isinstance(item, list)] == ["Contenido", *titles]
    destinations = [i for i in read.outline if not isinstance(i, list)]
    assert [read.get_destination_page_number(i) + 1 for i in destinations[1:]] == [*numbers.values()]
    assert read.page_labels == [str(k + 1) for k in range(len(pages))]
    first = pages[numbers[titles[0]] - 1]
    assert f"Fibra Cordillera S.A. {titles[0]} Corrida 0a1b2c3d4e5f6a7b 3 / " in first  # head and foot


@needs_weasyprint
def test_it_is_tagged_in_its_language_with_figures_described(read):
    catalogue = read.trailer["/Root"]
    assert catalogue["/MarkInfo"]["/Marked"]
    assert catalogue["/Lang"] == "es"
    assert catalogue["/ViewerPreferences"]["/DisplayDocTitle"]
    assert read.metadata.title == "Diagnóstico de experiencia · Fibra Cordillera S.A."
    assert read.metadata.creation_date.isoformat()[:10] == "2025-11-30"  # of the data
    assert b"pdfuaid" in catalogue["/Metadata"].get_data()
    found: dict[str, list] = {}

    def walk(node):
        node = node.get_object() if hasattr(node, "get_object") else node
        if isinstance(node, list):
            for each in node:
                walk(each)
        elif isinstance(node, dict):
            found.setdefault(str(node.get("/S", "")), []).append(node)
            walk(node.get("/K", []))

    walk(catalogue["/StructTreeRoot"]["/K"])
    assert {"/H1", "/H2", "/P", "/Table", "/TH", "/TD", "/Figure", "/Link"} <= {*found}
    described = [str(node.get("/Alt", "")) for node in found["/Figure"]]
    assert len(described) == 3
    assert all(len(alt) > 40 for alt in described)


@needs_weasyprint
def test_fonts_are_embedded_and_nothing_runs_or_leads_outside(read, made):
    for font in (f.get_object() for page in read.pages for f in page["/Resources"]["/Font"].values()):
        inner = font["/DescendantFonts"][0].get_object()["/FontDescriptor"]
        assert "/FontFile2" in inner or "/FontFile3" in inner
    assert "/JavaScript" not in str(read.trailer["/Root"])
    links = [a.get_object() for page in read.pages for a in page.get("/Annots", [])]
    assert links
    assert not [link for link in links if "/A" in link and "/URI" in link["/A"]]


@needs_weasyprint
def test_the_same_bytes_in_another_process_zone_and_order_of_hashes(made, tmp_path):
    here = Path(__file__).parent
    code = (
        "import sys, pathlib, volume_examples; from cxlab.reporting.pdf import pdf;"
        "pathlib.Path(sys.argv[1]).write_bytes(pdf(volume_examples.volume('es')))"
    )
    surroundings = {"PYTHONHASHSEED": "4711", "TZ": "Pacific/Auckland", "LC_ALL": "C.UTF-8"}
    path = os.pathsep.join([str(here), str(here.parent)])
    subprocess.run(
        [sys.executable, "-c", code, tmp_path / "again.pdf"],
        env={**os.environ, **surroundings, "PYTHONPATH": path},
        cwd=tmp_path,
        check=True,
    )
    assert (tmp_path / "again.pdf").read_bytes() == made


@needs_weasyprint
def test_suppressed_values_and_small_bases_are_nowhere(read):
    every = " ".join(text(page) for page in read.pages)
    assert "Magallanes" in every
    assert "nan" not in every.split()


# The chapters are pages, which the whole corpus goes through; these are what the frame around them meets.
@pytest.mark.parametrize("name", ["script", "attribute", "title", "style", "address", "control"])
def test_a_document_for_paper_holds_nothing_that_runs_or_loads(name):
    assert payloads.harm_in_html(printed.document(payloads.hostile(payloads.PAYLOADS[name]))) == []


@needs_weasyprint
def test_texts_made_to_harm_are_text_in_a_pdf_and_nothing_is_fetched(monkeypatch):
    asked = []
    monkeypatch.setattr("socket.socket.connect", lambda *a: asked.append(a))
    every = " ".join(payloads.PAYLOADS.values())
    volume = volume_examples.volume("en")
    hostile = replace(volume.client, name=every, logo="http://evil.example/logo.png")
    chapter = replace(volume.chapters[1], heading=every, client=hostile)
    made = pdf.pdf(replace(volume, title=every, client=hostile, chapters=[chapter]))
    said = " ".join(text(page) for page in pypdf.PdfReader(io.BytesIO(made)).pages)
    assert f"<script>{payloads.MARK}=1</script>" in said
    fetched = '<p><img src="http://evil.example/x" alt=a><img src="file:///etc/hostname" alt=b></p>'
    pages = pdf.printed(f"<html lang=en><title>t</title><body>{fetched}</body></html>")
    assert not list(pypdf.PdfReader(io.BytesIO(pages)).pages[0].images)
    assert asked == []


@needs_weasyprint
def test_paper_is_the_clients():
    volume = volume_examples.volume("en")
    small = replace(volume, chapters=volume.chapters[1:], client=replace(volume.client, paper="Letter"))
    reader = pypdf.PdfReader(io.BytesIO(pdf.pdf(small)))
    assert {tuple(map(round, page.mediabox[2:])) for page in reader.pages} == {(612, 792)}
    assert "Fibra Cordillera S.A. Contents" in text(reader.pages[1])


def test_a_wide_table_is_set_smaller_and_a_wider_one_on_a_turned_page():
    def sized(columns: int) -> str:
        row = "".join(f'<td class="cx-number">{"9" * 12}</td>' for _ in range(columns))
        table = f'<div class="cx-region" role="region"><table class="cx-table"><tr>{row}</tr></table></div>'
        return re.search(r'class="([^"]*)"', printed._TABLE.sub(printed._sized, table))[1]

    assert [sized(k) for k in (3, 9, 12, 16)] == [
        "cx-print cx-region",
        "cx-print cx-small cx-region",
        "cx-print cx-turned cx-region",
        "cx-print cx-turned cx-small cx-region",
    ]


def test_what_is_folded_is_opened_when_short_and_counted_when_not():
    def folded(rows: int, summary: str = "Más") -> str:
        table = f"<table>{'<tr></tr>' * rows}</table>"
        return f'<details class="cx-data"><summary>{summary}</summary>{table}</details>'

    code = '<details class="cx-code"><summary>x</summary>import os</details>'
    short, long, drawn = folded(9), folded(40), folded(2, "Datos")
    shown, left_out = printed._unfolded(code + short + long + drawn, "Datos")
    assert shown == f'<p class="cx-opened">Más</p><table>{"<tr></tr>" * 9}</table>'
    assert left_out == 2
    inner = f"<details><summary>a</summary>{folded(3, 'b')}</details>"
    assert "details" not in printed._unfolded(inner, "")[0]


def test_every_figure_fits_and_keeps_its_shape_names_and_colours_are_the_chapters_own():
    page = printed.document(volume_examples.volume("es"))
    sizes = re.findall(r"viewBox=\"0 0 ([\d.]+) ([\d.]+)\".*?width:([\d.]+)mm;height:([\d.]+)mm", page)
    assert len(sizes) == 3
    for wide, tall, width, height in (map(float, each) for each in sizes):
        assert width <= 178
        assert height <= 251
        assert width / height == pytest.approx(wide / tall, rel=1e-3)
    names = re.findall(r' id="([^"]+)"', page)
    assert len(names) == len({*names})
    assert {*re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', page)} - {(n, "") for n in names} - {
        ("", n) for n in names
    } == set()
    drawings = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert not [d for d in drawings if "var(--" in d]
    assert any("#0b6e4f" in d for d in drawings)  # the client's own


def test_without_the_libraries_one_line_says_how_to_get_them(monkeypatch):
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(WorkbenchError, match="the PDF was not made: .* apt-get install libpango-1.0-0 "):
        pdf.pdf(volume_examples.volume("es"))


def test_where_there_is_no_chromium_one_line_says_so(monkeypatch):
    monkeypatch.setattr(pdf.shutil, "which", lambda name: None)
    with pytest.raises(WorkbenchError, match=r"no Chromium \(chromium, chromium-browser, google-chrome\)"):
        pdf.by_browser(volume_examples.volume("es"))


def test_a_browser_that_prints_nothing_is_told(monkeypatch):
    monkeypatch.setattr(pdf.shutil, "which", lambda name: sys.executable)
    with pytest.raises(WorkbenchError, match="did not print it"):
        pdf.by_browser(volume_examples.volume("es"))


@pytest.mark.skipif(not any(map(shutil.which, pdf.BROWSERS)), reason="there is no Chromium on this machine")
def test_chromium_prints_the_same_document_and_no_moment():
    made = pdf.by_browser(volume_examples.volume("es"))
    pages = [text(page) for page in pypdf.PdfReader(io.BytesIO(made)).pages]
    assert "Diagnóstico de experiencia" in pages[0]
    assert any("¿Qué pesa más?" in page for page in pages[2:])
    moments = [moment for _, moment in pdf.PRINTED_AT.findall(made)]
    assert moments
    assert not [moment for moment in moments if re.search(rb"[1-9]", moment)]
