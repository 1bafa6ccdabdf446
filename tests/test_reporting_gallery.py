"""The gallery: what became of each report, filters without script, files to hand over."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
import reporting_examples as examples

from cxlab.analysis.estimates import masked
from cxlab.reporting import figures, gallery, html
from cxlab.reporting.words import Words

CLIENT = html.Client(name="Fibra Cordillera S.A.", labels=examples.LABELS)


def claim(grade):
    fields = {"estimate": 14.6, "conf_low": 11.0, "conf_high": 18.1, "level": 0.95, "unit": "points", "n": 99}
    said = {"code": "score.level", "sentence": "Se observa.", "headline": True}
    return {**said, "grade": grade, "fields": fields, "caveat_texts": []}


def entry(name, **given):
    return gallery.Entry(name=name, title=f"¿{name}?", href=f"{name}.html", **given)


ENTRIES = [
    entry("a", notebook="drivers", by=["region", "ease"], claims=[claim("C")], status="new"),
    entry(
        "b", notebook="scorecard", by=["region"], claims=[claim("D")], status="changed", compared="c/x.html"
    ),
    entry("c", notebook="own_paper", where="region != 'RM'", claims=[claim("D")], status="unchanged"),
    entry("d", notebook="drivers", status="failed", failed_cell=4, message="no"),
]


def index(*entries, delivered=None, language="es"):
    return gallery.index("Estudio", entries, language=language, client=CLIENT, delivered=delivered)


def cards(made):
    """Classes and text of each card."""
    found = re.findall(r'<article class="cx-entry ([^"]*)">(.*?)</article>', made, re.DOTALL)
    return [(set(names.split()), " ".join(re.sub("<[^>]*>", " ", text).split())) for names, text in found]


def choices(made, kind):
    """The labels of a filter, by the id of their button."""
    field = re.search(rf'<fieldset>(?:(?!</fieldset>).)*name="cx-{kind}".*?</fieldset>', made, re.DOTALL)
    return dict(re.findall(r'id="([^"]+)"> (.*?)</label>', field[0])) if field else {}


def test_each_card_says_what_became_of_its_report():
    told = [text for _, text in cards(index(*ENTRIES))]
    assert "nuevo" in told[0]
    assert "cambió desde la corrida anterior" in told[1]
    assert "qué cambió" in told[1]
    assert "igual que en la corrida anterior" in told[2]
    assert "no llegó a su fin" in told[3]
    assert "Se detuvo en la celda 4" in told[3]
    for text, grade in zip(told, ("asociación", "descripción", "descripción"), strict=False):
        assert f"{grade} intervalo de 95 %: 11,0 a 18,1 puntos n = 99" in text.replace(
            "\N{NO-BREAK SPACE}", " "
        )


def test_filters_are_by_subject_by_cut_and_by_kind_of_evidence():
    made = index(*ENTRIES)
    assert list(choices(made, "notebook").values()) == ["Qué pesa", "Índices", "own_paper"]
    assert list(choices(made, "segment").values()) == [
        "por Región", "por Facilidad", "region != &#39;RM&#39;",
    ]  # fmt: skip
    assert list(choices(made, "grade").values()) == ["asociación", "descripción"]
    every = [[*choices(made, kind)] for kind in ("notebook", "segment", "grade")]
    assert [names - {"cx-new", "cx-changed", "cx-unchanged", "cx-failed"} for names, _ in cards(made)] == [
        {every[0][0], every[1][0], every[1][1], every[2][0]},
        {every[0][1], every[1][0], every[2][1]},
        {every[0][2], every[1][2], every[2][1]},
        {every[0][0]},
    ]


def test_a_choice_hides_what_has_it_not_and_nothing_else():
    """Each rule of the style, as a browser reads it: cards without the chosen value are not shown."""
    made = index(*ENTRIES)
    rules = re.findall(
        r"\.cx-study:has\(#([\w-]+):checked\) \.cx-entry:not\(\.([\w-]+)\)\{display:none\}", made
    )
    assert [one for one, _ in rules] == [other for _, other in rules]
    ids = [*choices(made, "notebook"), *choices(made, "segment"), *choices(made, "grade")]
    assert [one for one, _ in rules] == ids
    assert "@supports selector(:has(*))" in made  # else nothing is hidden, and no filter is seen
    assert made.count(" checked>") == 3  # all are shown at first


def test_what_all_cards_share_is_no_filter():
    made = index(ENTRIES[0], replace(ENTRIES[0], name="e"))
    assert choices(made, "notebook") == {}
    assert list(choices(made, "segment").values()) == ["por Región", "por Facilidad"]
    assert "cx-filters" not in index(ENTRIES[2]).partition("</style>")[2].partition("<body")[2]


def test_a_folded_sweep_is_shown_where_any_of_its_points_would_be():
    points = [replace(ENTRIES[k], sweep="choices", choices={"weighting": "raked"}) for k in (0, 1)]
    (names, _), *_ = cards(index(*points, ENTRIES[2]))
    assert {"cx-notebook-0", "cx-notebook-1", "cx-grade-0", "cx-grade-1"} <= names


def test_a_point_that_is_not_folded_says_which_it_is_and_can_be_found_by_it():
    made = index(replace(ENTRIES[1], choices={"weighting": "raked"}), ENTRIES[2])
    said = next(value for value in choices(made, "segment").values() if "onder" in value)
    assert said in cards(made)[0][1]


def test_the_files_of_the_last_delivery_are_led_to_and_told_if_they_are_older():
    files = {"deck": "deliveries/v/x.pptx", "pdf": "../x.pdf", "zip": "deliveries/v/x.zip", "other": "y"}
    made = index(*ENTRIES, delivered=gallery.Delivered(version="2026-11-26-1", files=files))
    top = made[: made.index("<main")]
    assert re.findall(r'<a href="([^#"]+)">(.*?)</a>', top) == [
        ("deliveries/v/x.pptx", "Presentación"), ("deliveries/v/x.zip", "Todo, en un zip"),
    ]  # fmt: skip
    assert "2026-11-26-1" in top
    assert "cambió después" not in top
    older = gallery.Delivered(version="v", files=files, older=True)
    assert "cambió después" in index(*ENTRIES, delivered=older)


def test_a_thumbnail_leaves_out_the_title_that_the_card_says():
    book = examples.notebook(
        [examples.shown(masked(examples.scores()), figures.draw_scores, Words("es", examples.LABELS))]
    )
    made = gallery.entry_of(book, name="a", href="a.html", language="es")
    thumb = re.search(r'<div class="cx-thumb">(.*?)</div>', index(made), re.DOTALL)[1]
    assert "font-size: 13px" not in thumb
    top = float(re.search(r'viewBox="0 ([\d.]+) ', thumb)[1])
    assert top > 10
    assert "La Araucanía" in thumb


class Names(HTMLParser):
    """Every id, class, name and for of a page, and its styles."""

    def __init__(self, text):
        super().__init__()
        self.names, self.styles, self.inside = [], "", ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.inside = tag
        self.names += [v for k, v in attrs if k in ("id", "class", "name", "for") and tag != "meta"]

    def handle_endtag(self, tag):
        self.inside = ""

    def handle_data(self, data):
        self.styles += data if self.inside == "style" else ""


@pytest.mark.parametrize(
    "payload",
    [
        "}</style><script>document.title='PWNED'</script>", '"><img src=x onerror=x()>', "a{display:none}",
        "x:checked) body{background:url(https://example.org)}", "javascript:x()", "{{ 7*7 }}", "=1+1", "<!--",
    ],
)  # fmt: skip
def test_what_filters_say_is_text_and_never_style(payload):
    hostile = [
        replace(
            ENTRIES[k],
            notebook=f"{payload}{k}",
            by=[f"{payload}{k}"],
            where=payload,
            choices={payload: payload},
        )
        for k in (0, 1)
    ]
    files = {kind: f"{payload}{kind}" for kind in gallery.FILES}
    made = index(*hostile, delivered=gallery.Delivered(version=payload, files=files))
    plain = index(*(replace(e, notebook=f"n{k}", by=[f"b{k}"], where="w") for k, e in enumerate(hostile)))
    found = Names(made)
    assert found.styles == Names(plain).styles
    assert all(re.fullmatch(r"[\w -]*", name) for name in found.names), found.names
    assert "<script" not in made
    assert "onerror=x()>" not in re.sub(r"&[a-z#0-9]+;", "", made) or "<img" not in made
    texts = " ".join(choices(made, "notebook").values())
    assert texts.count("0") >= 1


@pytest.mark.parametrize("language", ["es", "en"])
def test_every_word_of_the_gallery_is_in_both_languages(language):
    made = index(
        *ENTRIES, delivered=gallery.Delivered(version="v", files={"pdf": "x.pdf"}), language=language
    )
    assert not re.search(r"index\.[a-z]|notebook\.[a-z]", re.sub("<[^>]*>", " ", made.partition("<body")[2]))


def test_a_choice_is_called_as_its_report_calls_it():
    words = Words("es", examples.LABELS)
    book = examples.notebook([examples.shown(masked(examples.scores()), figures.draw_scores, words)])
    made = gallery.entry_of(book, name="a", href="a.html", language="es")
    assert made.called["RM"] == "Metropolitana"
    shown = index(replace(made, choices={"area": "RM"}), ENTRIES[1])
    assert "Área: Metropolitana" in cards(shown)[0][1]
    assert "Área: Metropolitana" in choices(shown, "segment").values()
