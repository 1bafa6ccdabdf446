"""The deck: claims as titles, native charts with what is published, nothing suppressed, the same bytes."""

import copy
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import reporting_examples as examples
import volume_examples
from pptx import Presentation
from pptx.util import Pt

from cxlab.analysis.banner import tabulate
from cxlab.analysis.estimates import masked
from cxlab.errors import InputError
from cxlab.reporting import RESULT, cards, html
from cxlab.reporting.deck import checked, deck, drawn, grids, layouts, lettering
from cxlab.reporting.words import Words

MAIN, PACKAGED = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}", "[Content_Types].xml"
SUPPRESSED = "Magallanes"  # of six customers
LANGUAGES = ("es", "en")


@cache
def made(language="es"):
    return deck(volume_examples.volume(language))


def opened(content):
    return Presentation(io.BytesIO(content))


def inside(content):
    """Every file of a package, those of the workbooks inside it too."""
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        for name in package.namelist():
            held = package.read(name)
            yield name, held
            if name.endswith(".xlsx"):
                yield from ((f"{name}/{part}", found) for part, found in inside(held))


def texts(slide):
    for shape in slide.shapes:
        if shape.has_text_frame:
            yield from (paragraph.text for paragraph in shape.text_frame.paragraphs)
        if shape.has_table:
            yield from (cell.text for row in shape.table.rows for cell in row.cells)


def charts(content):
    return [s.chart for slide in opened(content).slides for s in slide.shapes if s.has_chart]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_headline_and_every_figure_has_a_slide_titled_by_its_claim(language):
    volume = volume_examples.volume(language)
    titles = [slide.shapes.title.text_frame.text for slide in opened(made(language)).slides]
    claims = [claim for chapter in volume.chapters for claim in cards.headlines(chapter.results)]
    assert {claim["short"].rstrip(".") for claim in claims} <= set(titles)
    assert titles[0] == volume.title
    # Title, contents, headlines of the scores, of retention and of drivers, glossary, where it is from.
    assert titles[2 + len(claims) :] == [*["Glosario" if language == "es" else "Glossary"] * 2, titles[-1]]
    glossary = [text for slide in list(opened(made(language)).slides)[-3:-1] for text in texts(slide)]
    assert any(("Kaplan" in text or "Interv" in text) for text in glossary)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_foot_says_base_level_method_filter_and_run_and_the_notes_say_the_limits(language):
    volume = volume_examples.volume(language)
    notebook = copy.deepcopy(volume.chapters[0].notebook)
    notebook.cells[6].outputs[0].data[RESULT]["kind"] = "Scores"
    chapter = volume_examples.chapter("scorecard", notebook, language)
    slide = opened(deck(replace(volume, chapters=[chapter]))).slides[2]
    foot = [text for text in texts(slide) if "0a1b2c3d4e5f6a7b/1" in text]
    said = {
        "es": (
            "n = 2.051",
            "Intervalos de 95",
            "error linealizado",
            "region != 'RM'",
            "2025-T4",
            "Base menor",
        ),
        "en": ("n = 2,051", "95% intervals", "linearised error", "region != 'RM'", "2025-T4", "under 30"),
    }
    assert all(each in foot[0] for each in said[language]), foot
    notes = slide.notes_slide.notes_text_frame.text
    limits = {"es": "Una asociación no es una causa; cuesta $10 o $20.", "en": "2,051"}
    assert limits[language] in notes
    assert "level = 0" in notes  # a setting


def test_a_claim_of_one_segment_colours_its_bar_and_a_low_base_has_its_mark():
    chart = charts(made())[1]
    names = list(chart.plots[0].categories)
    assert names[0] == "La Araucanía"
    assert "Aysén del General Carlos Ibáñez del Campo †" in names
    points = chart._chartSpace.xpath(".//c:dPt/c:idx/@val")
    assert [names[int(place)] for place in points] == ["Metropolitana"]
    colours = chart._chartSpace.xpath(".//c:dPt//a:srgbClr/@val")
    assert colours == ["0B6E4F"]  # the client's


@pytest.mark.parametrize("language", LANGUAGES)
def test_charts_hold_the_published_numbers_and_their_intervals_as_error_bars(language):
    bundle = volume_examples.volume(language).chapters[0].results[0]
    table = bundle["tables"]["main"]
    rows = [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]
    known = sorted((r for r in rows if r["flag"] != "suppressed"), key=lambda r: -r["estimate"])
    chart = charts(made(language))[0]
    assert list(chart.plots[0].series[0].values) == [r["estimate"] for r in known]
    ends = [float(v) for v in chart._chartSpace.xpath(".//c:errBars/c:plus//c:v/text()")]
    assert ends == pytest.approx([r["conf_high"] - r["estimate"] for r in known])
    labels = ["".join(label.xpath(".//a:t/text()")) for label in chart._chartSpace.xpath(".//c:dLbl")]
    assert [re.split(r" \(", label)[0] for label in labels] == [
        Words(language).number(r["estimate"], 1) for r in known
    ]


def test_the_workbook_behind_a_chart_has_numbers_and_text_and_no_formula():
    books = [(name, held) for name, held in inside(made()) if name.endswith("sheet1.xml")]
    assert len(books) == len(charts(made())) >= 5
    for name, held in books:
        cells = ElementTree.fromstring(held).iter(f"{MAIN}c")
        assert {(cell.get("t", "n"), cell.find(f"{MAIN}f")) for cell in cells} <= {
            ("n", None),
            ("s", None),
        }, name
    first = ElementTree.fromstring(books[0][1])
    rows = [
        [float(c.findtext(f"{MAIN}v")) for c in row if c.get("t") is None] for row in first.iter(f"{MAIN}row")
    ]
    estimate, low, high, plus, minus, base = rows[1]
    assert (plus, minus) == pytest.approx((high - estimate, estimate - low))
    assert base == 128


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_suppressed_is_in_any_file_unzipped(language):
    for name, held in inside(made(language)):
        assert SUPPRESSED.encode() not in held, name


def test_curves_fall_in_steps_and_carry_their_names():
    chart = next(c for c in charts(made()) if c._chartSpace.xpath(".//c:scatterChart"))
    table = volume_examples.volume().chapters[0].results[1]["tables"]["main"]
    survival = {row[table["columns"].index("estimate")] for row in table["rows"]}
    for series in chart.plots[0].series:
        values = list(series.values)
        assert set(values) <= survival
        assert values == sorted(values, reverse=True)
    points = [len(list(series.values)) for series in chart.plots[0].series]
    assert len(points) == 3
    assert points == sorted(points, reverse=True)  # or LibreOffice does not draw the first
    names = ["".join(label.xpath(".//a:t/text()")) for label in chart._chartSpace.xpath(".//c:dLbl")]
    assert all(re.search(r".: \d+,\d\s%$", name) for name in names), names
    assert "…: 86,6" in names[2]  # a long name is cut, its number is not


def reckoned(shape):
    """Whether the text of a shape stands within it, by the widths of its letters."""
    frame, high = shape.text_frame, 0.0
    room = (shape.width - frame.margin_left - frame.margin_right) / Pt(1)
    for paragraph in frame.paragraphs:
        runs = paragraph.runs
        if runs:
            size, bold = runs[0].font.size.pt, bool(runs[0].font.bold)
            high += len(lettering.wrapped(paragraph.text, room, size, bold=bold)) * size * lettering.LEADING
            high += paragraph.space_after.pt if paragraph.space_after else 0
    return high <= shape.height / Pt(1) + 1


LONG = "Una afirmación larguísima sobre la experiencia de los clientes de la región de Aysén " * 6


@pytest.mark.parametrize("title", ["", LONG, "W" * 300], ids=["as it is", "long", "one word"])
def test_no_text_overflows_and_none_but_the_foot_is_smaller_than_18_points(title):
    volume = volume_examples.volume()
    if title:
        notebook = examples.notebook([examples.shown(masked(examples.scores()), None, Words("es"))])
        claims = notebook.cells[6].outputs[0].data[RESULT]["claims"]
        for claim in claims:
            claim["short"] = title
        volume = replace(
            volume, title=title, chapters=[volume_examples.chapter("x", notebook, heading=title)]
        )
    presentation = opened(deck(volume))
    width, height = presentation.slide_width, presentation.slide_height
    for slide in presentation.slides:
        for shape in slide.shapes:
            assert shape.left >= 0
            assert shape.left + shape.width <= width
            assert shape.top + shape.height <= height
            if shape.has_text_frame:
                sizes = {r.font.size.pt for p in shape.text_frame.paragraphs for r in p.runs}
                foot = shape.top > 0.9 * height
                assert all(size >= 18 or (foot and size == 11) for size in sizes)
                assert reckoned(shape), shape.text_frame.text
            if shape.has_table:
                rows = shape.table.rows
                assert shape.top + sum(row.height for row in rows) <= 0.9 * height
        assert (
            slide.shapes.title.top + slide.shapes.title.height < 0.45 * height
            or slide is presentation.slides[0]
        )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_deck_opens_without_repair(language):
    """Every part has a type and is there, ids are unique on a slide, nothing leads out of the file."""
    files = dict(inside(made(language)))
    types = ElementTree.fromstring(files[PACKAGED])
    typed = {each.get("PartName", "").lstrip("/") for each in types}
    endings = {each.get("Extension") for each in types if each.get("Extension")}
    outer = [name for name in files if ".xlsx/" not in name and name != PACKAGED]
    assert all(name in typed or name.rpartition(".")[2] in endings for name in outer)
    assert typed - {""} <= set(outer)
    for name in outer:
        if name.endswith(".rels"):
            folder = Path(name).parent.parent
            for relation in ElementTree.fromstring(files[name]):
                target = relation.get("Target")
                place = target.lstrip("/") if target.startswith("/") else os.path.normpath(folder / target)
                assert relation.get("TargetMode") is None
                assert place in files, (name, target)
    for slide in opened(made(language)).slides:
        ids = slide._element.xpath(".//p:cNvPr/@id")
        assert len(ids) == len(set(ids))


def test_the_same_volume_gives_the_same_bytes_whatever_the_order_of_hashes():
    code = (
        "import hashlib, volume_examples; from cxlab.reporting.deck import deck; "
        "print(hashlib.sha256(deck(volume_examples.volume())).hexdigest())"
    )
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    given = {**os.environ, "PYTHONHASHSEED": "77", "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"}
    elsewhere = subprocess.run(
        [sys.executable, "-c", code], env=given, capture_output=True, text=True, check=True
    )
    assert elsewhere.stdout.strip() == hashlib.sha256(made()).hexdigest()
    assert deck(volume_examples.volume()) == made()


PAYLOADS = [
    '=HYPERLINK("https://evil.example","x")', "+1+1", "-2+3", "@SUM(A1)", "\t=1+1",
    "http://evil.example/" + "a" * 3000,
    "<script>alert(1)</script>", "]]><a:hlinkClick r:id='rId9'/>", "&lt;b&gt; & <b>", '"><c:f>x</c:f>',
    "{{ 7*7 }} {0} %s", "\x00\x07\x1b[31m", "\ud800", "\uffff\ufffe", "\u202egnp.exe\u2066",
    "_x0041_ _x000D_",
    "line\nbreak\vtab\t", "'; DROP TABLE x; --", "\u200f\u200e", "😀 测试 اختبار", "",
]  # fmt: skip


@pytest.mark.parametrize("first", range(0, len(PAYLOADS), 7))
def test_hostile_names_labels_titles_and_claims_are_text_and_nothing_else(first):
    seven = (PAYLOADS[first : first + 7] * 3)[:7]
    regions = dict(zip([r for r, _, _ in examples.REGIONS], seven, strict=False))
    labels = {"columns": {"region": seven[0], "nps": seven[1]}, "values": {"region": regions}}
    words = Words("es", labels)
    shown = examples.shown(masked(examples.scores()), None, words)
    bundle = shown.data[RESULT]
    for claim, text in zip(bundle["claims"], seven, strict=False):
        claim["sentence"] = claim["short"] = text + text
        claim["caveat_texts"] = [text]
    bundle["figure"] = {"title": seven[2], "alt": seven[3]}
    bundle["settings"] = {seven[4]: seven[5]}
    client = html.Client(
        name=seven[6], focal=seven[0], logo=f"data:image/png;base64,{seven[1]}", labels=labels
    )
    client = replace(client, logo="")
    notebook = examples.notebook([shown], title=seven[3])
    notebook.cells[-2].source = f"## Método\n\n{seven[4]}"
    chapter = volume_examples.chapter(seven[5], notebook, client=client, heading=seven[6])
    volume = replace(volume_examples.volume(), title=seven[0], client=client, chapters=[chapter])
    content = deck(volume)
    opened(content)
    for name, held in inside(content):
        if name.endswith((".xml", ".rels")):
            tree = ElementTree.fromstring(held)
            tags = {each.tag.rpartition("}")[2] for each in tree.iter()}
            assert not tags & {"script", "hlinkClick", "hyperlink"} - (
                {"hlinkClick"} if "slides/" in name else set()
            )
            assert not any(each.get("TargetMode") for each in tree.iter()), name
            said = "".join(tree.itertext())
            assert not re.search("[\u202a-\u202e\u2066-\u2069\u200e\u200f]", said)
            if name.endswith("sheet1.xml"):
                assert "f" not in tags


def template(**renamed):
    presentation = Presentation()
    for layout in presentation.slide_layouts:
        layout.name = renamed.get(layout.name.replace(" ", "_"), layout.name)
    presentation.slides.add_slide(presentation.slide_layouts[0]).shapes.title.text = "an old slide"
    held = io.BytesIO()
    presentation.save(held)
    return held.getvalue()


def test_the_firms_template_is_written_into_by_its_map_of_layouts():
    firm = template(Title_Slide="Portada ACME", Title_Only="Contenido ACME")
    given = {"title": "Portada ACME", "content": "Contenido ACME"}
    assert set(given.values()) <= set(layouts(firm))
    presentation = opened(deck(volume_examples.volume(), template=firm, layout=given))
    names = [slide.slide_layout.name for slide in presentation.slides]
    assert names == ["Portada ACME", *["Contenido ACME"] * (len(names) - 1)]
    assert "an old slide" not in [slide.shapes.title.text_frame.text for slide in presentation.slides]
    wide, high = presentation.slide_width, presentation.slide_height
    for shape in (shape for slide in presentation.slides for shape in slide.shapes):
        assert shape.left + shape.width <= wide
        assert shape.top + shape.height <= high


@pytest.mark.parametrize(
    ("firm", "given", "said"),
    [
        (
            template(),
            {"content": "Tíitulo"},
            "no layout Tíitulo for slides of kind content; it has: Title Slide, ",
        ),
        (template(), {"contents": "Blank"}, "no kind of slide contents; allowed: title, content"),
        (
            template(Title_Slide="Portada ACME"),
            {},
            "no layout - for slides of kind title; it has: Portada ACME",
        ),
        (b"no zip", {}, "not a .pptx file"),
    ],
    ids=["no such layout", "no such kind", "no usual layout", "no pptx"],
)
def test_a_template_that_cannot_be_used_is_refused_and_its_layouts_are_named(firm, given, said):
    with pytest.raises(InputError, match=re.escape(said)):
        checked(firm, given)


def test_a_result_of_several_units_or_without_rows_is_no_chart():
    words, room = Words("es"), grids.Room(800, 330)
    shown = examples.shown(masked(examples.scores(by=False)), None, words)
    bundle = shown.data[RESULT]
    assert isinstance(drawn.drawn(bundle, None, words, room), grids.Grid)
    empty = {**bundle, "tables": {"main": {"columns": bundle["tables"]["main"]["columns"], "rows": []}}}
    assert drawn.drawn(empty, None, words, room) is None


@pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice (soffice) is not installed")
def test_libreoffice_opens_it_and_prints_every_slide(tmp_path):
    from pypdf import PdfReader

    file = tmp_path / "deck.pptx"
    file.write_bytes(made())
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    subprocess.run(
        ["soffice", profile, "--headless", "--convert-to", "pdf", "--outdir", str(tmp_path), str(file)],
        check=True, capture_output=True, timeout=180,
    )  # fmt: skip
    pages = PdfReader(tmp_path / "deck.pdf").pages
    assert len(pages) == len(opened(made()).slides)
    assert "La Araucanía" in pages[2].extract_text()


def test_check_refuses_a_layout_that_the_firms_template_does_not_have(tmp_path, monkeypatch, capsys):
    from cxlab import cli
    from cxlab.runs.pages import template_of

    folder = tmp_path / "data" / "acme"
    (folder / "raw").mkdir(parents=True)
    (tmp_path / "notebooks").mkdir()
    (folder / "firma.pptx").write_bytes(template(Title_Only="Contenido ACME"))
    declared = "name: ACME\ndeck: {{template: firma.pptx, layouts: {{content: {}}}}}\n"
    (folder / "client.yaml").write_text(declared.format("Contenido ACME"), encoding="utf-8")
    cli._check_deck(tmp_path, "acme")
    content, layout = template_of(tmp_path, "acme")
    assert checked(content, layout) == {"title": "Title Slide", "content": "Contenido ACME"}
    (folder / "client.yaml").write_text(declared.format("Cierre"), encoding="utf-8")
    with pytest.raises(
        InputError, match=r"no layout Cierre for slides of kind content; it has: .*Contenido ACME"
    ):
        cli._check_deck(tmp_path, "acme")
    (folder / "firma.pptx").unlink()
    with pytest.raises(InputError, match=r"no template firma.pptx in data/acme"):
        template_of(tmp_path, "acme")
    monkeypatch.chdir(tmp_path)
    (folder / "client.yaml").write_text(
        "name: ACME\ndeck: {template: ../x.pptx, layout: {}}\n", encoding="utf-8"
    )
    assert cli.main(["check", "acme"]) == 2
    assert "did you mean layouts" in capsys.readouterr().err


def test_a_suppressed_row_is_in_no_table_either():
    bundle = volume_examples.volume().chapters[0].results[0]
    words, room = volume_examples.volume().chapters[0].words, grids.Room(860, 330)
    table = drawn.drawn({**bundle, "kind": "Gaps"}, None, words, room)
    assert isinstance(table, grids.Grid)
    assert [row[0] for row in table.rows][:2] == ["Metropolitana", "Valparaíso"]
    assert not any(SUPPRESSED in cell or "<10" in cell for row in table.rows for cell in row)
    assert any("24 †" in cell for row in table.rows for cell in row)
    hidden = [[*row[:-1], "suppressed"] for row in bundle["tables"]["main"]["rows"]]
    shown = {**bundle, "tables": {"main": {**bundle["tables"]["main"], "rows": hidden}}}
    assert drawn.drawn(shown, None, words, room) is None


def test_a_slide_on_the_groups_of_a_banner_shows_these_and_not_the_total():
    """Four slides once had the same table of totals under different claims."""
    rng = np.random.default_rng(3)
    answers = pd.DataFrame(
        {"region": np.repeat(["RM", "Sur"], 90), "channel": np.tile(["app", "web"], 90), "ease": 1.0}
    )
    answers["ease"] = np.where(answers["region"] == "Sur", rng.integers(5, 8, 180), rng.integers(1, 8, 180))
    answers.attrs["scales"] = {"ease": [1, 7]}
    words = Words("es", examples.LABELS)
    shown = examples.shown(masked(tabulate(answers, ["ease"], by=["region", "channel"])), None, words, 1)
    chapter = volume_examples.chapter("tables", examples.notebook([shown]))
    content = deck(replace(volume_examples.volume(), chapters=(chapter,)))
    told = {
        slide.shapes.title.text_frame.text: [cell.text for cell in shape.table.rows[0].cells]
        for slide in opened(content).slides
        for shape in slide.shapes
        if shape.has_table
    }
    (region,) = (heads for title, heads in told.items() if title.startswith("«Región»"))
    assert [head.split(" · ")[-1] for head in region[2:]] == ["Total", "Metropolitana", "Sur"]


def test_a_claim_that_a_chapter_took_from_another_has_the_others_chart_and_run():
    """An executive diagnosis, first in its study, once put one table under each of its findings."""
    volume = volume_examples.volume()
    scored, driven = volume.chapters
    taken = copy.deepcopy(scored.notebook)
    shown = next(o.data[RESULT] for c in taken.cells for o in c.get("outputs", ()) if RESULT in o.data)
    (claim, *_) = (c for c in driven.results[0]["claims"] if c["headline"])
    shown["claims"] = [
        {**claim, "fields": {**claim["fields"], "source": {"entry": "drivers", "result": "result-1"}}}
    ]
    first = volume_examples.chapter("diagnosis", taken, run="ffff0000ffff0000")
    content = deck(replace(volume, chapters=(first, *volume.chapters)))
    titles = [slide.shapes.title.text_frame.text for slide in opened(content).slides]
    title = claim["short"].rstrip(".")
    assert titles.count(title) == 1
    slide = opened(content).slides[titles.index(title)]
    assert titles.index(title) < titles.index(scored.results[0]["claims"][0]["short"].rstrip("."))
    assert any(shape.has_chart for shape in slide.shapes)
    assert shown["figure"]["title"] in titles  # the chapter's own figure, under its own title
    said = " ".join(text for text in texts(slide))
    assert driven.run in said
    assert "ffff0000ffff0000" not in said
