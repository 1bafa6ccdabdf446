"""Small dirty data sets made at random, with what must come of them counted apart, in plain Python."""
# ruff: noqa: E501  tables of cases: one case to a line

import io
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import openpyxl

Row = dict[str, str]
COLUMNS = ("response_id", "customer_id", "recommend", "ease", "region", "responded_at", "status", "attr_note")
HEADERS = {"response_id": "Folio", "recommend": "P1", "ease": "P2", "region": "Región"}
FIRST_DAY, LAST_DAY = date(2024, 1, 1), date(2024, 12, 31)
MISSING = {"recommend": ["99"], "ease": ["NS", "N/R"], "region": ["-"]}
NOT_APPLICABLE = {"ease": ["8"]}
RECODED = {"preview": "test", "completa": "complete"}
# Texts that fit no declaration, by column; they are faults wherever their row is used.
BAD = {
    "recommend": ["11", "77", "7,5", "diez", "-1", "1e400"],
    "ease": ["0", "9", "bien", "3.5.1"],
    "responded_at": ["2024-02-30", "31-31-2024", "45293", "9999-12-31", "2031-01-01", "ayer"],
    "status": ["borrador", "TEST "],
    "region": ["   "],
}
EXCLUSIONS = [
    ("status == 'test'", "pruebas", lambda row: RECODED.get(row["status"].strip(), row["status"].strip()) == "test"),
    ("attr_note == 'fuera'", "fuera de marco", lambda row: row["attr_note"].strip() == "fuera"),
    ("ease == None and recommend == None", "sin notas", lambda row: value(row, "ease") is None and value(row, "recommend") is None),
    ("recommend < 3 and region == 'Sur'", "piloto", lambda row: (value(row, "recommend") is not None and value(row, "recommend") < 3) and value(row, "region") == "Sur"),
]  # fmt: skip


def value(row: Row, column: str) -> Any:
    """Return what a cell becomes, None where it means nothing or is not of its kind.

    A number outside its scale is one all the same: an exclusion may ask for it.
    """
    text = row[column].strip()
    if not text or text in MISSING.get(column, ()) or text in NOT_APPLICABLE.get(column, ()):
        return None
    if column in ("recommend", "ease"):
        return float(text) if re.fullmatch(r"-?\d+", text) else None
    return RECODED.get(text, text) if column == "status" else text


def faults_of(row: Row) -> Iterable[str]:
    """Give the columns of a row whose cell is a fault."""
    return (column for column, texts in BAD.items() if row[column] in texts)


@dataclass
class File:
    """One file: its rows with the line of each, its content and what must come of it."""

    name: str
    rows: list[Row]
    lines: list[int]
    content: bytes
    source: dict[str, Any]
    blank: int
    header_rows: int
    kept: list[int] = field(default_factory=list)
    excluded: dict[str, int] = field(default_factory=dict)

    def count(self, exclusions: list[Any]) -> None:
        """Count, row by row, what the exclusions take and what is left."""
        self.excluded = {"blank lines": self.blank} if self.blank else {}
        if self.header_rows:
            self.excluded["header rows"] = self.header_rows
        for _, reason, _ in exclusions:
            self.excluded[reason] = 0
        for at, row in enumerate(self.rows):
            reason = next((reason for _, reason, holds in exclusions if holds(row)), None)
            if reason is None:
                self.kept.append(at)
            else:
                self.excluded[reason] += 1


@dataclass
class Dirty:
    """A client: its declaration, its files, and the faults that were planted in rows that are used."""

    declaration: str
    files: list[File]
    faults: set[tuple[str, str, str]]
    repeated: set[tuple[str, int]]

    @property
    def used(self) -> list[Row]:
        """The rows that are used, in their order."""
        return [file.rows[at] for file in self.files for at in file.kept]


def dirty_set(seed: int) -> Dirty:
    """Return a random client of one or two survey files; about half of them have faults."""
    rng = np.random.default_rng(seed)
    exclusions = [EXCLUSIONS[0], *(each for each in EXCLUSIONS[1:] if rng.random() < 0.5)]
    faulty = rng.random() < 0.5
    files, start = [], 0
    for at in range(int(rng.integers(1, 3))):
        rows = _rows(rng, int(rng.integers(20, 40)), start, faulty=faulty)
        start += len(rows)
        files.append(_file(rng, f"s{at}", rows, exclusions))
    for file in files:
        file.count(exclusions)
    faults = {
        (f"raw/{file.name}", column, file.rows[at][column])
        for file in files
        for at in file.kept
        for column in faults_of(file.rows[at])
    }
    declaration = {"name": "Azar", "data_date": "2024-12-31", "sources": [file.source for file in files]}
    return Dirty(json.dumps(declaration, ensure_ascii=False), files, faults, _repeated(files))


def _repeated(files: list[File]) -> set[tuple[str, int]]:
    """Return the file and line of each used row whose id was used before."""
    seen: set[str] = set()
    found = set()
    for file in files:
        for at in file.kept:
            key = file.rows[at]["response_id"].strip()
            if key in seen:
                found.add((f"raw/{file.name}", file.lines[at]))
            seen.add(key)
    return found


def _rows(rng: np.random.Generator, n: int, start: int, *, faulty: bool) -> list[Row]:
    rows = [_row(rng, start + k) for k in range(n)]
    if not faulty:
        return rows
    for _ in range(int(rng.integers(1, 4))):
        row = rows[int(rng.integers(n))]
        column = str(rng.choice(list(BAD)))
        row[column] = str(rng.choice(BAD[column]))
    if rng.random() < 0.3:
        rows[int(rng.integers(n))]["response_id"] = rows[int(rng.integers(n))]["response_id"]
    return rows


def _row(rng: np.random.Generator, k: int) -> Row:
    def pick(*texts: str) -> str:
        return str(rng.choice(list(texts)))

    day = FIRST_DAY + timedelta(days=int(rng.integers(0, 366)))
    row = {
        "response_id": f"F{k:04d}",
        "customer_id": "" if rng.random() < 0.2 else f"{rng.integers(1, 30):05d}",
        "recommend": pick("99", "") if rng.random() < 0.15 else str(rng.integers(0, 11)),
        "ease": pick("NS", "N/R", "8", "") if rng.random() < 0.2 else str(rng.integers(1, 8)),
        "region": pick("Norte", "Sur", "Ñuble", "-", "", " Sur "),
        "responded_at": day.isoformat(),
        "status": pick("complete", "complete", "completa", "partial", "test", "preview"),
        "attr_note": pick("a", "b; c", "fuera", 'dijo "no"', "uno, dos", ""),
    }
    return row


def _file(rng: np.random.Generator, stem: str, rows: list[Row], exclusions: list[Any]) -> File:
    source: dict[str, Any] = {
        "table": "survey_responses",
        "names": {header: name for name, header in HEADERS.items()},
        "scales": {"recommend": [0, 10], "ease": [1, 7]},
        "missing": {name: codes if name != "ease" else {"NS": "dont_know", "N/R": "refused"} for name, codes in MISSING.items()},
        "not_applicable": NOT_APPLICABLE,
        "values": {"status": RECODED},
        "exclude": [{"where": where, "reason": reason} for where, reason, _ in exclusions],
    }  # fmt: skip
    header = [HEADERS.get(name, name) for name in COLUMNS]
    under = [[f"texto de {name}" for name in header]] if rng.random() < 0.3 else []
    if under:
        source["skip_after_header"] = 1
    form = str(rng.choice(["csv", "csv", "csv", "xlsx"]))
    grid: list[list[str] | None] = [list(row.values()) for row in rows]
    # A blank line in a sheet counts only between rows.
    for _ in range(int(rng.integers(0, 3))):
        grid.insert(int(rng.integers(1, len(grid) - 1)), None)
    lines = [2 + len(under) + at for at, row in enumerate(grid) if row is not None]
    whole = [header, *under, *grid]
    if form == "xlsx":
        content = workbook(whole)
    else:
        content, said = _delimited(rng, whole)
        source |= said
    source["file"] = f"raw/{stem}.{form}"
    blank = sum(row is None for row in grid)
    return File(f"{stem}.{form}", rows, lines, content, source, blank, len(under))


def workbook(grid: Iterable[list[Any] | None]) -> bytes:
    """Return rows as a workbook of one sheet, every text as text."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Datos")
    for row in grid:
        sheet.append([] if row is None else [each if each != "" else None for each in row])
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


def _delimited(rng: np.random.Generator, grid: list[list[str] | None]) -> tuple[bytes, dict[str, Any]]:
    mark, end = str(rng.choice([",", ";", "\t", "|"])), str(rng.choice(["\n", "\r\n"]))
    encoding = str(rng.choice(["utf-8", "utf-8-sig", "utf-16", "cp1252"]))
    blank = str(rng.choice(["", mark * (len(COLUMNS) - 1)]))
    text = "".join((blank if row is None else mark.join(map(quoted, row))) + end for row in grid)
    return text.encode(encoding), {"encoding": encoding} if encoding == "cp1252" else {}


def quoted(cell: str) -> str:
    """Return a cell with quotes where it needs them."""
    return '"' + cell.replace('"', '""') + '"' if any(mark in cell for mark in ',;\t|"\n') else cell
