"""The page as its reader has it: the answer first, tables in several orders, landmarks, contrast."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pandas as pd
import pytest
import reporting_examples as examples
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from cxlab.analysis.estimates import masked
from cxlab.reporting import figures, gallery, html, safe, tables
from cxlab.reporting.bundle import bundle
from cxlab.reporting.cards import Card, together
from cxlab.reporting.colours import DARK, LIGHT, contrast
from cxlab.reporting.rendering import TEMPLATES
from cxlab.reporting.words import Words

ES = Words("es", examples.LABELS)
CLIENT = html.Client(name="a")
COLOURS = [
    "",
    "#1F5FA8",
    "#FFE100",
    "#000000",
    "#FFFFFF",
    "#808080",
    "#E4002B",
    "#00A3E0",
    "#7A2424",
    "#6FA8E8",
]


class Elements(HTMLParser):
    """Elements in order, each with its attributes and the elements that it is in."""

    VOID = ("meta", "img", "input", "br", "hr", "col")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.within: list[str] = []
        self.found: list[tuple[str, dict[str, str], tuple[str, ...]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {k: v or "" for k, v in attrs}, tuple(self.within)))
        if tag not in self.VOID:
            self.within.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.within and self.within.pop() != tag:
            pass

    def of(self, *tags: str) -> list[tuple[str, dict[str, str], tuple[str, ...]]]:
        return [each for each in self.found if each[0] in tags]


@pytest.fixture(scope="module")
def page() -> str:
    shown = [
        examples.shown(masked(examples.scores()), figures.draw_scores, ES, 1),
        examples.shown(examples.importance(), figures.draw_importance, ES, 2),
        examples.shown(examples.comparison(), figures.draw_comparison, ES, 3),
    ]
    client = html.Client(name="Fibra Cordillera S.A.", labels=examples.LABELS)
    return html.page(examples.notebook(shown), cover=html.Cover(), language="es", client=client)


def readable(result=None, **columns):
    result = result or masked(examples.scores())
    made = bundle(replace(result, table=result.table.assign(**columns)), ES, id="r")
    return tables.readable(made, "main", ES)


def names(rows):
    return [row.cells[0].text for row in rows]


# --- orders ------------------------------------------------------------------------------------------


def test_a_table_can_be_had_by_its_estimate_its_base_and_its_names():
    """As reported: Metropolitana 8.4, Valparaíso 21.9, Biobío 24.6, La Araucanía 31.2, Aysén 12.0, <10."""
    table = readable()
    assert [order.label for order in table.orders] == [
        "Estimación, de mayor a menor",
        "Región, de la A a la Z",
    ]  # by base it is as it is reported
    down, by_name = table.orders
    assert [name[:5] for name in names(down.rows)] == ["La Ar", "Biobí", "Valpa", "Aysén", "Metro", "Magal"]
    assert [name[:5] for name in names(by_name.rows)] == [
        "Aysén",
        "Biobí",
        "La Ar",
        "Magal",
        "Metro",
        "Valpa",
    ]
    assert all(sorted(map(str, order.rows)) == sorted(map(str, table.rows)) for order in table.orders)


def test_what_is_suppressed_stands_last_whatever_value_it_has():
    result = examples.scores()  # not masked: a value that must not decide its place
    table = readable(result, estimate=[8.4, 21.9, 24.6, 31.2, 12.0, 99.0])
    assert names(table.orders[0].rows)[-1].startswith("Magallanes")


def test_names_are_sorted_without_regard_to_accents():
    regions = ["Óptima", "Ñuñoa", "Nos", "abajo", "Álamo", "Zeta"]
    table = readable(examples.scores(), region=regions)
    assert names(table.orders[-1].rows) == ["abajo", "Álamo", "Nos", "Ñuñoa", "Óptima", "Zeta"]


@pytest.mark.parametrize("why", ["few", "many", "running"])
def test_tables_that_need_no_other_order_have_none(why):
    result = examples.scores()
    table = {
        "few": result.table.head(4),
        "many": pd.concat([result.table] * 7, ignore_index=True),
        "running": result.table.assign(wave=range(6)),
    }[why]
    assert readable(replace(result, table=table)).orders == ()


def test_each_order_is_a_body_of_the_table_and_the_first_one_is_as_reported(page):
    ordered = re.findall(r'<div class="cx-ordered">.*?</table>', page, re.DOTALL)
    assert ordered
    groups = set()
    for each in ordered:
        choices = re.findall(r"<input[^>]*>", each)
        bodies = re.findall(r"<tbody(.*?)>(.*?)</tbody>", each, re.DOTALL)
        assert len(choices) == len(bodies) > 1
        assert ["checked" in choice for choice in choices] == [True] + [False] * (len(choices) - 1)
        assert len({re.search(r'name="([^"]+)"', choice)[1] for choice in choices}) == 1
        groups.add(re.search(r'name="([^"]+)"', choices[0])[1])
        assert [re.findall("cx-in\\d", given) for given, _ in bodies] == [
            [f"cx-in{k}"] if k else [] for k in range(len(bodies))
        ]
        rows = [sorted(re.findall(r"<tr.*?</tr>", body, re.DOTALL)) for _, body in bodies]
        assert all(other == rows[0] for other in rows)
    assert len(groups) == len(ordered)


def test_the_style_shows_one_order_and_knows_as_many_as_there_can_be():
    style = (TEMPLATES / "style.css").read_text("utf-8")
    assert ".cx-sort,.cx-order{display:none}" in style  # where :has is not known, and in print
    for place in (1, 2, 3):
        assert f".cx-ordered:has(.cx-by{place}:checked) .cx-in{place}" in style


def test_of_fields_only_the_choice_among_orders_passes():
    choice = '<input type="radio" name="cx-sort-r-1" class="cx-by1" checked="">'
    assert safe.html(choice) == choice
    for other in (
        "<input>",
        '<input type="text" name="cx-sort-r">',
        '<input type="password">',
        '<input type="image" src="x" name="cx-sort-r" onerror="x()">',
        '<input title="a><img src=x onerror=y>" type="submit">',
        "<input class='x type=\"radio\"'>",
    ):
        assert safe.html(other) == "", other
    assert safe.html('<input type="radio" name="x" value="y" id="z" form="f">') == '<input type="radio">'


# --- the answer first --------------------------------------------------------------------------------


def test_the_answer_stands_before_data_and_method():
    heads = ["Pregunta", "Datos", "Método", "Respuesta", "Segmentos", "Controles", "Procedencia"]
    cells = [new_markdown_cell("# T")]
    for head in heads:
        cells += [new_markdown_cell(f"## {head}\n\nx"), new_code_cell(f"run_{head}()", outputs=[])]
    made = html.page(new_notebook(cells=cells), cover=html.Cover(), language="es", client=CLIENT)
    found = re.findall(r"<h2[^>]*>(.*?)</h2>", made)
    wanted = ["Pregunta", "Respuesta", "Segmentos", "Datos", "Método", "Controles", "Procedencia"]
    assert found[: len(wanted)] == wanted
    assert re.findall(r"run_\w+", re.sub("<[^>]*>", "", made)) == [f"run_{head}" for head in wanted]
    contents = made[made.index("<nav") : made.index("</nav>")]
    assert re.findall(r"<a[^>]*>(.*?)</a>", contents) == wanted


def test_a_notebook_with_other_sections_keeps_its_order():
    cells = [new_markdown_cell(f"## {head}") for head in ("Datos", "Respuesta", "Método")]
    made = html.page(new_notebook(cells=cells), cover=html.Cover(), language="es", client=CLIENT)
    assert re.findall(r"<h2[^>]*>(.*?)</h2>", made)[:3] == ["Datos", "Respuesta", "Método"]


def test_what_all_cards_would_repeat_is_said_once_of_all():
    card = Card("1", "%", "a.", "", "", "", "", ("of all", "own"))
    told, common = together([card, replace(card, caveats=("of all",))])
    assert (common, [each.caveats for each in told]) == (("of all",), [("own",), ()])
    assert together([card]) == ([card], ())


def test_a_wide_table_has_its_verdict_beside_the_interval():
    result = examples.comparison()
    table = result.table.assign(**dict.fromkeys(("z", "lift", "sd", "kappa"), 1.5))
    last = [*(column for column in table if column != "verdict"), "verdict"]
    heads = [head.text for head in readable(replace(result, table=table[last])).heads]
    assert heads[heads.index("Veredicto") - 1].startswith("Intervalo")
    few = ["peer", "difference", "conf_low", "conf_high", "n", "flag", "verdict"]
    assert readable(replace(result, table=result.table[few])).heads[-1].text == "Veredicto"


# --- who reads by ear, by keyboard, in the dark ------------------------------------------------------


def test_a_page_has_one_h1_landmarks_a_skip_link_and_headings_in_order(page):
    made = Elements(page)
    assert [tag for tag, *_ in made.of("h1")] == ["h1"]
    assert len(made.of("main")) == len(made.of("header")) == len(made.of("nav")) == 1
    assert made.of("html")[0][1]["lang"] == "es"
    first = made.of("a")[0][1]
    assert first == {"class": "cx-skip", "href": "#report"}
    assert made.of("main")[0][1]["id"] == "report"
    levels = [int(tag[1]) for tag, *_ in made.of("h1", "h2", "h3", "h4")]
    assert all(after - before <= 1 for before, after in pairwise(levels))
    for tag, given, within in made.of("h2", "section", "table", "figure"):
        assert "main" in within, (tag, given)


def test_tables_say_what_they_are_and_what_each_head_is_of(page):
    made = Elements(page)
    inside = [tag for tag, _, within in made.found if "table" in within]
    assert inside.count("caption") == len(made.of("table")) - page.count('cx-data"><summary>Qué quedó')
    assert made.of("th")
    for _, given, within in made.of("th"):
        assert given["scope"] == ("col" if "thead" in within else "row")
    for _, given, within in made.of("input"):
        assert "label" in within, given
        assert "fieldset" in within, given
    for _, given, _ in made.of("div"):
        if "cx-region" in given.get("class", "").split():
            assert given["tabindex"] == "0", "a region that scrolls is reached by keyboard"
            assert given["aria-label"]
    assert all(given.get("aria-label") for _, given, _ in made.of("svg"))


def rules():
    """Selector, declarations of each rule of the style that holds on a screen."""
    style = re.sub(r"/\*.*?\*/", "", (TEMPLATES / "style.css").read_text("utf-8"), flags=re.DOTALL)
    for selector, declared in re.findall(r"([^{}]+)\{([^{}]*)\}", style):
        yield selector.strip(), dict(re.findall(r"([a-z-]+):([^;]+)", declared))


def tokens(colour):
    made = gallery.index("x", [], language="es", client=html.Client(name="a", focal=colour))
    light, dark = re.findall(r":root \{(.*?)\}", made, re.DOTALL)[:2]
    return [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", theme)) for theme in (light, dark)]


@pytest.mark.parametrize("colour", COLOURS)
def test_every_colour_of_text_can_be_read_in_both_themes(colour):
    """WCAG AA from the style itself: text 4.5:1 on paper and on wash, marks of focus and place 3:1."""
    texts, marks = set(), set()
    for _, declared in rules():
        texts |= set(re.findall(r"var\(--([a-z-]+)\)", declared.get("color", "")))
        for name in ("outline", "accent-color", "box-shadow", "border-left-color"):
            marks |= set(re.findall(r"var\(--([a-z-]+)\)", declared.get(name, "")))
    assert {"ink", "muted", "focal"} <= texts
    themes = tokens(colour)
    assert [set(theme) for theme in themes] == [{n.replace("_", "-") for n in t} for t in (LIGHT, DARK)]
    for theme in themes:
        for paper in ("paper", "wash"):
            for name in texts - ({"worse"} if paper == "wash" else set()):  # a failure stands on paper
                assert contrast(theme[name], theme[paper]) >= 4.5, (name, paper, theme[name])
            for name in marks - {"rule"}:
                assert contrast(theme[name], theme[paper]) >= 3, (name, paper, theme[name])


def test_no_colour_is_written_into_the_style_but_by_its_token():
    for selector, declared in rules():
        for name, value in declared.items():
            assert not re.search(r"#[0-9a-fA-F]{3}|rgba?\(|hsla?\(", value), (selector, name, value)


def test_a_field_in_what_a_notebook_displays_does_not_reach_the_page():
    shown = new_output("display_data", data={"text/html": "<p>a</p><input name='key'><textarea>b</textarea>"})
    made = html.page(examples.notebook([shown]), cover=html.Cover(), language="es", client=CLIENT)
    assert not re.search(r"<(input|textarea|button|select|form)\b", made)


def test_a_drawing_is_written_short_and_stays_the_same_picture():
    """Steps by one number, hundredths of a point; small lengths and factors keep what they need."""
    path = "M 10.123456 20.5 \nL 30.123456 20.5 \nL 30.123456 99.999999 \nC 1 2 3 4 5 6 \nL 5 9 \nz"
    inside = f'<path d="{path}"/><rect x="0.00012" width="0.123456"/>'
    inside += '<g transform="scale(0.001234)"><path d="m1 1"/></g>'
    made = safe.svg(f'<svg viewBox="0 0 100 100">{inside}</svg>', name="f", alt="a")
    assert ' d="M10.12 20.5H30.12V100C1 2 3 4 5 6L5 9z"' in made
    assert '<rect x="0.0001" width="0.1235"></rect>' in made
    assert 'transform="scale(0.001234)"' in made


def test_a_point_that_is_drawn_as_a_line_of_no_length_stays():
    made = safe.svg('<svg><path d="M 5 5 L 5 5 L 5 5 L 6 6"/></svg>', name="f", alt="a")
    assert 'd="M5 5H5L6 6"' in made
