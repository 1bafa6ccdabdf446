"""Banner tables as a reader has them: questions down, groups across, letters beside, a line of bases.

The result holds them long, one row a cell, with every interval; here they are laid out wide.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cxlab.reporting.tables import Cell, Row, Table, few_of, suppressed
from cxlab.reporting.words import Words, absent

KIND = "Banner"
MAIN, QUESTIONS, PAIRS = "main", "questions", "pairs"
Record = Mapping[str, Any]


@dataclass(frozen=True)
class Line:
    """One line of a wide table: its rows of the result by the letter of their group; or their bases."""

    question: str
    statistic: str
    cells: Mapping[str, Record]
    bases: bool = False


def laid_out(bundle: Mapping[str, Any], name: str, words: Words) -> Table | None:
    """Return table `name` of a banner as it is read; None where it is read as any other."""
    cuts = {cut: cut.split(" x ") for cut in bundle["settings"].get("by", ())}
    columns = bundle["tables"][name]["columns"]
    records = [dict(zip(columns, row, strict=True)) for row in bundle["tables"][name]["rows"]]
    if name == QUESTIONS:
        return _questions(records, words, few_of(bundle))
    if name == PAIRS:
        return _pairs(records, words)
    if name == MAIN or name in cuts:
        return _wide(bundle, name, records, cuts.get(name, []), words)
    return None


def _wide(
    bundle: Mapping[str, Any], name: str, records: Sequence[Record], by: Sequence[str], words: Words
) -> Table:
    intervals = not by or bundle["settings"].get("beside") == "intervals"
    groups = groups_of(records, by, words)
    heads = [Cell(words("tables.question")), Cell(""), *(Cell(told, number=True) for told in groups.values())]
    rows: list[Row] = []
    for line in lines_of(records, words):
        if line.bases:
            cells = {k: _base(r, words, few_of(bundle)) for k, r in line.cells.items()}
        else:
            cells = {k: _estimate(r, words, intervals=intervals) for k, r in line.cells.items()}
        named, said = Cell(line.question), Cell(line.statistic, quiet=line.bases)
        rows.append(Row((named, said, *(cells.get(k, Cell("")) for k in groups)), "ok"))
    title = words.crossing(name) if by else words("tables.totals")
    return Table(name, title, tuple(heads), tuple(rows), tuple(notes(bundle, records, by, words)))


def groups_of(records: Sequence[Record], by: Sequence[str], words: Words) -> dict[str, str]:
    """Return the head of each group by its letter, the total first, with an empty one."""
    groups = {r["column"]: r for r in records if r.get("column")}
    heads = {"": words("tables.total")}
    for letter in sorted(groups, key=lambda letter: (len(letter), letter)):
        told = " × ".join(words.label(column, groups[letter][column]) for column in by)
        heads[letter] = f"{letter} · {told}"
    return heads


def lines_of(records: Sequence[Record], words: Words) -> Iterator[Line]:
    """Give the lines of a wide table in order: the statistics of a question, then its bases."""
    for item, own in _by(records, "item"):
        for place, (_, line) in enumerate(_by(own, "measure", "answer")):
            cells = {r.get("column") or "": r for r in line}
            yield Line(words.label(item) if place == 0 else "", _statistic(line[0], words), cells)
        yield Line("", words("tables.base"), {r.get("column") or "": r for r in reversed(own)}, bases=True)


def _by(records: Iterable[Record], *columns: str) -> list[tuple[Any, list[Record]]]:
    """Return rows in groups of the same values, in the order in which these come."""
    found: dict[Any, list[Record]] = {}
    for record in records:
        key = tuple(record[c] for c in columns)
        found.setdefault(key[0] if len(key) == 1 else key, []).append(record)
    return list(found.items())


def _statistic(record: Record, words: Words) -> str:
    answer = str(record["answer"])
    if record["measure"] == "share":
        return words("tables.share", answer=words.label(record["item"], answer))
    return words(f"tables.{record['measure']}", answer=answer.replace("-", "–"))


def _estimate(record: Record, words: Words, *, intervals: bool) -> Cell:
    if absent(record["estimate"]):
        return Cell("", number=True, quiet=True)
    unit, digits = ("scale", 2) if record["measure"] == "mean" else ("percent", 0)
    said = words.amount(record["estimate"], unit, digits=digits)
    if intervals:
        ends = [words.number(record[end], digits) for end in ("conf_low", "conf_high")]
        return Cell(f"{said} ({words('interval', low=ends[0], high=ends[1])})", number=True)
    letters = record.get("exceeds") or ""
    return Cell(said, number=True, mark=f" {letters}" if letters else "")


def _base(record: Record, words: Words, few: str) -> Cell:
    if record["flag"] == "suppressed":
        said = "table.withheld" if record.get("withheld") else f"table.under_{few}"
        return Cell(words(said), number=True, quiet=True)
    mark = "†" if record["flag"] == "low_base" else ""
    return Cell(words.number(record["n"], 0), number=True, quiet=True, mark=mark)


def notes(
    bundle: Mapping[str, Any], records: Sequence[Record], by: Sequence[str], words: Words
) -> Iterable[str]:
    """Give what stands under a wide table: what letters and intervals mean, weights, marks."""
    level = words.percent(bundle["settings"].get("level", 0.95))
    intervals = not by or bundle["settings"].get("beside") == "intervals"
    if intervals:
        yield words("tables.intervals", level=level)
    else:
        yield words("tables.letters", level=level)
        lines = len({(r["item"], r["measure"]) for r in records})
        expected = (1 - float(bundle["settings"].get("level", 0.95))) * lines
        yield words("tables.chance", lines=words.number(lines, 0), expected=words.number(expected, 1))
    if bundle["settings"].get("weights"):
        yield words("tables.weighted")
    flags = {record["flag"] for record in records}
    if "low_base" in flags:
        yield words("table.low_base")
    if "suppressed" in flags:
        yield words(suppressed(few_of(bundle)))
    if any(record.get("withheld") for record in records):
        yield words("table.withheld.note")


def _questions(records: Sequence[Record], words: Words, few: str) -> Table:
    heads = (
        Cell(words("tables.question")), Cell(words("tables.text")), Cell(words("tables.scale")),
        Cell(words("tables.base"), number=True),
    )  # fmt: skip
    other = "text_es" if words.language == "en" else "text_en"
    rows = tuple(
        Row(
            (
                Cell(words.label(r["item"])),
                Cell(r[f"text_{words.language}"] or r[other] or ""),
                Cell(str(r["scale"] or "").replace("-", "–")),
                _base(r, words, few),
            ),
            "ok",
        )
        for r in records
    )
    return Table(QUESTIONS, words("tables.questions"), heads, rows, ())


def _pairs(records: Sequence[Record], words: Words) -> Table:
    counts = ("groups", "compared", "lettered", "stand")
    heads = (Cell(words("tables.cut")), *(Cell(words(f"tables.{c}"), number=True) for c in counts))
    rows = tuple(
        Row(
            (Cell(words.crossing(r["cut"])), *(Cell(words.number(r[c], 0), number=True) for c in counts)),
            "ok",
        )
        for r in records
    )
    return Table(PAIRS, words("tables.pairs"), heads, rows, (words("tables.pairs.note"),))
