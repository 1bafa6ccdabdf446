"""A result's table as typed cells: numbers with the format that shows them as the page prints them.

The number format is read off what `cxlab.reporting.tables` prints, so that unit and decimals are those of
the page; the number itself is that of results.json. Limits are columns of their own, in the decimals of
what they limit.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cxlab.reporting import banners
from cxlab.reporting.tables import Printing, few_of, reading, suppressed
from cxlab.reporting.words import Words, absent

Bundle = Mapping[str, Any]
Record = Mapping[str, Any]
# What another column says in words, or what only programs read.
UNSAID = frozenset({"flag", "withheld", "hypothesis", "measure", "target_unit", "open", "switch"})
LOW, HIGH = "_low", "_high"
SIGNIFICANT = 3
_SHOWN = re.compile(r"([+−-]?)(\d[\d.,]*)(\D*)")


@dataclass(frozen=True)
class Cell:
    """A number with its Excel format, a text (at the right where it stands for a number), or nothing."""

    value: float | str | None
    form: str = ""
    quiet: bool = False
    right: bool = False


@dataclass(frozen=True)
class Line:
    """A row and the flag of its base."""

    cells: tuple[Cell, ...]
    flag: str = "ok"


@dataclass(frozen=True)
class Typed:
    """A table: its title, heads, rows, notes; how many of its first columns name a row."""

    title: str
    heads: tuple[str, ...]
    lines: tuple[Line, ...]
    notes: tuple[str, ...]
    names: int = 1


def typed(bundle: Bundle, name: str, words: Words) -> Typed:
    """Return a bundle's table `name`, every row of it, with its numbers as they are in results.json."""
    records = records_of(bundle, name)
    if bundle.get("kind") == banners.KIND and name not in (banners.QUESTIONS, banners.PAIRS):
        return _wide(bundle, name, records, words)
    columns = _columns(bundle, name, records, words)
    printing = reading(bundle, name, words)
    lines = tuple(
        Line(
            tuple(_cell(record, column, printing, bundle, words) for column in columns),
            str(record.get("flag") or "ok"),
        )
        for record in records
    )
    keys = bundle.get("keys", ())
    names = next((k for k, column in enumerate(columns) if column not in keys), len(columns))
    banner = bundle.get("kind") == banners.KIND
    heads = tuple(
        words(key) if banner and words.known(key := f"tables.{column}") else _head(column, printing, words)
        for column in columns
    )
    return Typed(
        title_of(bundle, name, words), heads, lines, tuple(_notes(records, bundle, words)), max(names, 1)
    )


def records_of(bundle: Bundle, name: str) -> list[Record]:
    """Return the rows of a table by column."""
    table = bundle["tables"][name]
    return [dict(zip(map(str, table["columns"]), row, strict=True)) for row in table["rows"]]


def title_of(bundle: Bundle, name: str, words: Words) -> str:
    """Return what a table is called."""
    if bundle.get("kind") == banners.KIND:
        key = "tables.totals" if name == banners.MAIN else f"tables.{name}"
        return words(key) if words.known(key) else words.crossing(name)
    return words(key) if words.known(key := f"table.{name}") else words.crossing(name)


def number_format(value: float, text: str, language: str) -> str | None:
    """Return the Excel format that shows `value` as `text`, or None if `text` does not say that number.

    Examples
    --------
    >>> number_format(14.63, "14,6", "es"), number_format(0.339, "33.9%", "en")
    ('#,##0.0', '#,##0.0%')
    >>> number_format(1204, "1.204", "es"), number_format(2.0, "medium", "en")
    ('#,##0', None)
    """
    found = _SHOWN.fullmatch(text)
    if found is None:
        return None
    sign, digits, unit = found.groups()
    point, thousands = (",", ".") if language == "es" else (".", ",")
    whole, _, decimals = digits.replace(thousands, "").partition(point)
    shown = float(f"{whole}.{decimals or 0}") * (-1 if sign in ("−", "-") else 1)
    room = 0.51 * 10.0 ** -len(decimals)
    form = "#,##0" + (f".{'0' * len(decimals)}" if decimals else "")
    if ("%" in unit or "p" in unit) and abs(shown - 100 * value) <= room:
        form += "%" if language == "en" else "\\ %"
    elif abs(shown - value) <= room:
        form += f'"{unit}"' if unit.replace('"', "") else ""
    else:
        return None
    return f"+{form};-{form};{form}" if sign == "+" else form


def significant(value: float) -> str:
    """Return a format of three significant digits.

    Examples
    --------
    >>> significant(1234.0), significant(0.01234), significant(2.5)
    ('#,##0', '#,##0.0000', '#,##0.00')
    """
    if value == round(value):
        return "#,##0"
    places = min(max(SIGNIFICANT - 1 - math.floor(math.log10(abs(value))), 1), 6)
    return f"#,##0.{'0' * places}"


def base_cell(record: Record, bundle: Bundle, words: Words) -> Cell:
    """Return a base: its number, with a dagger if it is low; ``<10`` where it is not shown."""
    if record.get("flag") == "suppressed":
        said = "table.withheld" if record.get("withheld") else f"table.under_{few_of(bundle)}"
        return Cell(words(said), right=True)
    if absent(record.get("n")):
        return Cell(None)
    return Cell(record["n"], '#,##0"†"' if record.get("flag") == "low_base" else "#,##0")


def _columns(bundle: Bundle, name: str, records: Sequence[Record], words: Words) -> list[str]:
    other = "text_es" if words.language == "en" else "text_en"
    estimates = {"n", bundle.get("estimate_column", "estimate")}
    columns = [str(c) for c in bundle["tables"][name]["columns"]]
    shown = [
        column
        for column in columns
        if column not in {*UNSAID, other}
        and (column in estimates or any(r.get(column) not in (None, "") for r in records))
    ]
    return [*shown, "flag"] if "flag" in columns else shown


def _cell(record: Record, column: str, printing: Printing, bundle: Bundle, words: Words) -> Cell:
    value = record.get(column)
    if column == "flag":
        flag = str(value or "ok")
        return Cell("" if flag == "ok" else words.label("flag", flag), quiet=True)
    if column == "n":
        return base_cell(record, bundle, words)
    if isinstance(value, bool) or not isinstance(value, int | float):
        hidden = record.get("flag") == "suppressed" and value is None
        if column == "cut":
            return Cell(words.crossing(value))
        return Cell(None if hidden else printing.cell(record, column).text)
    printed = _printed(record, column, printing)
    form = _special(value, printed) or number_format(value, printed, words.language)
    if form is None:
        # A code that the client's labels put into words is its label; any other number is a number.
        named = column in bundle.get("keys", ()) and not _SHOWN.fullmatch(printed)
        return Cell(printed) if named and printed else Cell(value, significant(value))
    return Cell(value, form, quiet=column == "std_error")


def _printed(record: Record, column: str, printing: Printing) -> str:
    """Return what the page prints for a number: a limit is printed as what it limits."""
    limited = _limited(column, printing)
    if column == "std_error" and limited:
        said = printing.cell(record, limited).text
        scaled = "%" in said and "%" in (
            number_format(record.get(limited) or 0.0, said, printing.words.language) or ""
        )
        return printing.words.percent(record[column], 2) if scaled else ""
    if limited:
        return printing.cell({**record, limited: record[column]}, limited).text
    return printing.cell(record, column).text


def _limited(column: str, printing: Printing) -> str:
    """Return the column that a limit or an error is of, or nothing."""
    columns = printing.columns
    stem = column.removesuffix(LOW).removesuffix(HIGH)
    if column in ("conf_low_sd", "conf_high_sd"):
        stem = "hazard_ratio_sd"
    elif column == "std_error" or stem in ("conf", "limit", "outer", "ordinary"):
        ratio = "hazard_ratio" in columns and column != "std_error"
        stem = "hazard_ratio" if ratio else str(printing.estimate)
    return stem if stem != column and stem in columns else ""


def _special(value: float, printed: str) -> str | None:
    """Return the format of a p-value under what is printed of it."""
    text = printed.strip()
    return f'"{text}"' if text.startswith("<") and '"' not in text and 0 <= value < 0.05 else None


def _head(column: str, printing: Printing, words: Words) -> str:
    if column in ("conf_low", "conf_high"):
        level = words.percent(printing.level)
        return words("annex.limit", name=words.term(column), level=level)
    if column == "estimate" and "hazard_ratio" in printing.columns:
        return words("annex.logarithm", name=words.term("hazard_ratio"))
    limited = _limited(column, printing)
    if limited and not words.known(f"column.{column}"):
        return words(f"annex.{'low' if column.endswith(LOW) else 'high'}", name=printing.head(limited))
    return printing.head(column)


def _notes(records: Sequence[Record], bundle: Bundle, words: Words) -> list[str]:
    flags = {record.get("flag") for record in records}
    notes = [words("table.low_base")] if "low_base" in flags else []
    notes += [words(suppressed(few_of(bundle)))] if "suppressed" in flags else []
    if any(record.get("withheld") for record in records):
        notes.append(words("table.withheld.note"))
    return notes


def _wide(bundle: Bundle, name: str, records: Sequence[Record], words: Words) -> Typed:
    """Return a banner table as it is read: questions down, groups across, letters or limits beside."""
    by = name.split(" x ") if name in bundle["settings"].get("by", ()) else []
    groups = banners.groups_of(records, by, words)
    limits = not by or bundle["settings"].get("beside") == "intervals"
    heads = [words("tables.question"), words("annex.statistic")]
    beside = ("annex.low", "annex.high") if limits else ("annex.letters",)
    for letter, head in groups.items():
        heads += [head, *(words(key, name=letter or head) for key in (beside if limits or letter else ()))]
    lines, question = [], ""
    for line in banners.lines_of(records, words):
        question = line.question or question
        cells = [Cell(question), Cell(line.statistic, quiet=line.bases)]
        for letter in groups:
            cells += _group(line, letter, bundle, words, limits=limits)
        lines.append(Line(tuple(cells)))
    # On the page limits stand in brackets, here in columns.
    notes = list(banners.notes(bundle, records, by, words))[limits:]
    return Typed(title_of(bundle, name, words), tuple(heads), tuple(lines), tuple(notes), names=2)


def _group(line: banners.Line, letter: str, bundle: Bundle, words: Words, *, limits: bool) -> list[Cell]:
    """Return the cells of one group in a line: the estimate, and its limits or the letters beside it."""
    record = line.cells.get(letter, {})
    empty = [Cell(None)] * (2 if limits else bool(letter))
    if line.bases:
        return [base_cell(record, bundle, words), *empty]
    if absent(record.get("estimate")):
        return [Cell(None), *empty]
    form = "#,##0.00" if record["measure"] == "mean" else f'#,##0"{words("unit.percent", number="")}"'
    shown = Cell(record["estimate"], form)
    if limits:
        ends = (record.get("conf_low"), record.get("conf_high"))
        return [shown, *(Cell(end, form if not absent(end) else "", quiet=True) for end in ends)]
    return [shown, *([Cell(record.get("exceeds") or None, quiet=True)] if letter else [])]
