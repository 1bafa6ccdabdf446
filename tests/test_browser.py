"""Pages as a browser shows them: from a file, no network, at three widths, dark, printed, by keyboard."""

import re
from dataclasses import replace

import pytest
import reporting_examples as examples
from browsing import A4, CLIPPED, FAINT, FOCUSED, LAYOUT, WIDTHS, browser, opened, tab

from cxlab.analysis.estimates import masked
from cxlab.reporting import figures, gallery, html
from cxlab.reporting.made import Made
from cxlab.reporting.words import Words

pytestmark = pytest.mark.xdist_group("browser")

CLIENT = html.Client(name="Fibra Cordillera S.A.", focal="#F2C200", labels=examples.LABELS)
COVER = html.Cover(
    where="region != 'RM'", wave="2025Q2", made=Made(parameters={"by": ["region"]}, run="9f3a")
)
PAPERS = {
    "scores": (examples.scores(), figures.draw_scores),
    "retention": (examples.retention(), figures.draw_retention),
    "importance": (examples.importance(), figures.draw_importance),
}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A gallery and its reports in Spanish, and one in English, as files; {name: address}."""
    folder = tmp_path_factory.mktemp("study")
    entries = []
    for language, names in (("es", [*PAPERS]), ("en", ["scores"])):
        words = Words(language, examples.LABELS)
        for name in names:
            result, draw = PAPERS[name]
            book = examples.notebook([examples.shown(masked(result), draw, words)])
            page = folder / f"{name}-{language}.html"
            page.write_text(html.page(book, cover=COVER, language=language, client=CLIENT), encoding="utf-8")
            entries.append(gallery.entry_of(book, name=page.stem, href=page.name, language=language))
    failed = gallery.Entry(name="churn_risk", title="", status="failed", failed_cell=7, message="x" * 400)
    points = [replace(e, sweep="choices", choices={"weighting": e.name}) for e in entries[:2]]
    index = gallery.index("Diagnóstico", [*entries, failed, *points], language="es", client=CLIENT)
    (folder / "index.html").write_text(index, encoding="utf-8")
    return {page.stem: page.as_uri() for page in sorted(folder.glob("*.html"))}


@pytest.fixture(scope="module")
def launched():
    with browser() as started:
        yield started


def test_a_page_opens_from_a_file_and_nothing_leaves_its_window(launched, study):
    with tab(launched) as (page, heard):
        for name, address in study.items():
            page.goto(address)
            assert page.locator("script").count() == 0, name
            policy = page.locator("meta[http-equiv='Content-Security-Policy']").get_attribute("content")
            assert policy.startswith("default-src 'none'"), name
            opened(page)
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 900})
                assert page.evaluate(LAYOUT) == [], f"{name} at {width} px"
                assert page.evaluate(CLIPPED) == [], f"{name} at {width} px"
            assert heard == [], name


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(launched, study, scheme):
    grounds = set()
    with tab(launched, color_scheme=scheme) as (page, _):
        for name, address in study.items():
            page.goto(address)
            opened(page)
            assert page.evaluate(FAINT) == [], f"{name}, {scheme}"
            grounds.add(page.evaluate("() => getComputedStyle(document.documentElement).backgroundColor"))
    assert len(grounds) == 1
    brightness = sum(map(int, re.findall(r"\d+", grounds.pop())[:3])) / 3
    assert (brightness < 60) == (scheme == "dark")


def test_paper_cuts_no_figure_and_no_table(launched, study):
    with tab(launched, viewport={"width": A4, "height": 900}) as (page, heard):
        page.emulate_media(media="print")
        for name, address in study.items():
            page.goto(address)
            assert page.evaluate(CLIPPED) == [], name
            assert page.evaluate(LAYOUT) == [], name
        assert heard == []


def test_the_keyboard_goes_through_a_report_as_it_is_read(launched, study):
    with tab(launched, viewport={"width": 1024, "height": 900}) as (page, _):
        page.goto(study["scores-es"])
        stops = []
        for _ in range(60):
            page.keyboard.press("Tab")
            stop = page.evaluate(FOCUSED)
            if stop is None or stop in stops:
                break
            stops.append(stop)
        assert stops[0]["href"] == "#report", "the first stop skips to the report"
        assert [s["place"] for s in stops] == sorted(s["place"] for s in stops)
        assert all(s["seen"] for s in stops), [s for s in stops if not s["seen"]]
        links = page.locator("nav a").count()
        assert sum(s["tag"] == "a" and s["href"].startswith("#") for s in stops) >= 1 + links > 2
        shut = page.locator("summary:visible").count()
        assert sum(s["tag"] == "summary" for s in stops) == shut > 1
        page.locator("summary").first.focus()
        page.keyboard.press("Enter")
        assert page.locator("details").first.get_attribute("open") is not None


def test_a_table_is_shown_in_the_order_that_is_asked_for_and_printed_as_reported(launched, study):
    with tab(launched, viewport={"width": 1024, "height": 900}) as (page, _):
        page.goto(study["scores-es"])
        page.evaluate("() => document.querySelectorAll('details').forEach(each => { each.open = true })")
        table = page.locator(".cx-ordered").first
        names = table.locator("tbody tr:visible th")
        reported = names.all_inner_texts()
        table.get_by_label("Región, de la A a la Z").check()
        assert names.all_inner_texts() == sorted(reported)
        assert sorted(reported) != reported
        page.emulate_media(media="print")
        assert names.all_inner_texts() == reported
        assert not table.locator("input:visible").count()


def test_a_filter_leaves_the_cards_that_have_it_and_counts_them(launched, study):
    with tab(launched, viewport={"width": 1024, "height": 900}) as (page, _):
        page.goto(study["index"])
        cards = page.locator(".cx-entry:visible")
        every = cards.count()
        grades = page.locator("fieldset", has=page.locator("[name=cx-grade]"))
        grades.get_by_label("asociación").check()
        assert 0 < cards.count() < every
        shown = page.locator(".cx-shown").evaluate("e => getComputedStyle(e, '::after').content")
        assert shown == "counter(shown)"
        assert all("asociación" in text for text in page.locator(".cx-entry:visible").all_inner_texts())
        grades.get_by_label("todos").check()
        assert cards.count() == every
