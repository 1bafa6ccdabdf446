"""The findings of a study as one sheet: each sentence with its number, and room to edit beside it.

What we found is locked. Title, sentence, recommendation, order and hiding may be typed: `cxlab edits`
reads them back by the headings, in either language, and by the name in the last column but one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cxlab.reporting.annex.book import Book, aligned
from cxlab.reporting.claims import DIFFERENCES
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.edits.offered import EDITABLE, Finding, findings
from cxlab.reporting.units import unit_of_claim
from cxlab.reporting.words import Words, absent, clean, digits_for

if TYPE_CHECKING:
    from cxlab.reporting.volume import Volume

HEAD = 3
# What each column says, and how wide it is; those of EDITABLE may be typed in.
COLUMNS = {
    "chapter": 30, "said": 60, "estimate": 12, "conf_low": 11, "conf_high": 11, "unit": 12, "n": 10,
    "grade": 14, "title": 34, "sentence": 50, "recommendation": 44, "order": 8, "hidden": 9,
    "place": 34, "run": 10,
}  # fmt: skip
NUMBERS = ("estimate", "conf_low", "conf_high", "n", "order")


def write_findings(book: Book, volume: Volume) -> None:
    """Write the sheet; whatever may be typed is unlocked, the rest is protected without a password."""
    words = book.words
    sheet = book.sheet(words("annex.findings"))
    book.text(sheet, 0, 0, words("annex.findings"), bold=True, font_size=13)
    book.text(sheet, 1, 0, words("annex.findings.about"), font_color=LIGHT["muted"])
    book.link(sheet, 2, 0, words("annex.contents"), words("annex.back"), font_size=9)
    for k, (name, width) in enumerate(COLUMNS.items()):
        ground = INPUT if name in EDITABLE else LIGHT["wash"]
        book.head(sheet, (HEAD, k), words(f"annex.findings.{name}"), right=name in NUMBERS, ground=ground)
        sheet.set_column(k, k, width)
    rows = list(findings(volume))
    for row, finding in enumerate(rows, HEAD + 1):
        _write(book, sheet, row, finding, volume)
    last = max(HEAD + len(rows), HEAD + 1)
    _validate(sheet, last, words)
    sheet.autofilter(HEAD, 0, last, len(COLUMNS) - 1)
    sheet.freeze_panes(HEAD + 1, 2)
    sheet.repeat_rows(HEAD)
    sheet.print_area(0, 0, last, list(COLUMNS).index("grade"))
    sheet.protect("", {"autofilter": True, "format_columns": True, "format_rows": True, "sort": False})


INPUT = "#eef4fb"  # the ground of what may be typed in


def _write(book: Book, sheet: Any, row: int, finding: Finding, volume: Volume) -> None:
    rule: dict[str, Any] = {"bottom": 4, "bottom_color": LIGHT["rule"]}
    words = finding.chapter.words
    texts = {
        "chapter": finding.chapter.title, "said": finding.said, "unit": _unit(finding, words),
        "grade": finding.grade, "place": finding.place,
        "run": finding.chapter.run[:8],
    }  # fmt: skip
    forms = _forms(finding, words)
    given = volume.given.get(finding.place, {})
    for k, name in enumerate(COLUMNS):
        if name in forms:
            sheet.write_number(row, k, finding.fields[name], book.style(num_format=forms[name], **rule))
        elif name in finding.editable:
            style = {**rule, "bg_color": INPUT, "locked": False}
            value = given.get(name)
            if name == "order" and value:
                sheet.write_number(row, k, value, book.style(**style))
            else:
                said = words("table.yes") if value is True else str(value or "")
                book.text(sheet, row, k, said, text_wrap=True, **style)
        else:
            quiet = {"font_color": LIGHT["muted"]} if name in ("place", "run", "chapter") else {}
            style = {**rule, **quiet, **aligned(k, right=name in NUMBERS), "text_wrap": name != "place"}
            book.text(sheet, row, k, texts.get(name, ""), style)
    book.tall(sheet, row, [(texts[name], COLUMNS[name]) for name in ("chapter", "said", "grade")])


def _forms(finding: Finding, words: Words) -> dict[str, str]:
    """Return the number formats of a claim's numbers, for those that it has."""
    fields = finding.fields if finding.editable == EDITABLE else {}
    unit = unit_of_claim(fields)
    digits = digits_for(unit, fields.get("conf_low"), fields.get("conf_high"))
    form = "#,##0" + (f".{'0' * digits}" if digits else "")
    if unit == "share":
        form += "%" if words.language == "en" else "\\ %"
    if finding.code in DIFFERENCES:
        form = f"+{form};-{form};{form}"
    forms = {"estimate": form, "conf_low": form, "conf_high": form, "n": "#,##0"}
    return {
        name: each
        for name, each in forms.items()
        if isinstance(fields.get(name), int | float) and not absent(fields[name])
    }


def _unit(finding: Finding, words: Words) -> str:
    if finding.editable != EDITABLE:
        return ""
    unit = unit_of_claim(finding.fields)
    key = f"card.unit.{'difference.' if finding.code in DIFFERENCES else ''}{unit}"
    if unit == "money":
        return clean(str(finding.fields.get("currency") or ""))
    return words(key) if words.known(key) and not absent(finding.fields.get("estimate")) else ""


def _validate(sheet: Any, last: int, words: Words) -> None:
    """Let only a whole number be typed as an order, and yes or no as hiding."""
    places = list(COLUMNS)
    order, hidden = places.index("order"), places.index("hidden")
    whole = {"validate": "integer", "criteria": "between", "minimum": 1, "maximum": 999}
    sheet.data_validation(
        HEAD + 1, order, last, order, {**whole, "error_message": words("annex.findings.whole")}
    )
    either = {"validate": "list", "source": [words("table.yes"), words("table.no")]}
    sheet.data_validation(HEAD + 1, hidden, last, hidden, either)
