"""Files that are small or plain and would fill a machine that reads them without limits."""

import gzip
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import openpyxl
from bad_inputs import LAUGHS, NPS, broad, declared, patched, plain_book, survey

MEGABYTE = 1_000_000
HEADER = b"response_id,recommend,region\n"


@dataclass(frozen=True)
class Bomb:
    """A file that would fill the machine: how it is made under raw/, and what is said of it."""

    name: str
    declaration: str
    make: Callable[[Path], object]
    says: Sequence[str] = ()
    code: int = 2


def _zip_bomb(raw: Path) -> None:
    with (
        zipfile.ZipFile(raw / "s.xlsx", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/worksheets/sheet1.xml", "w") as sheet,
    ):
        for _ in range(300):
            sheet.write(b" " * MEGABYTE)


def _sheet_bomb(raw: Path) -> None:
    row = b"<row>" + b'<c t="n"><v>1</v></c>' * 500 + b"</row>"
    sheet = b"<worksheet><sheetData>" + row * 2_000
    (raw / "s.xlsx").write_bytes(patched(plain_book(), "xl/worksheets/sheet1.xml", sheet))


def _stray_cell(raw: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["response_id", "recommend"])
    book.active.append(["r1", 9])
    book.active["ZZ200000"] = "x"
    book.save(raw / "s.xlsx")


def _entities(raw: Path) -> None:
    text = '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "' + "lol" * 100 + '">'
    text += "".join(f'<!ENTITY {chr(98 + n)} "{("&" + chr(97 + n) + ";") * 10}">' for n in range(9))
    text += (
        "]><worksheet><sheetData><row><c t='inlineStr'><is><t>&j;</t></is></c></row></sheetData></worksheet>"
    )
    (raw / "s.xlsx").write_bytes(patched(plain_book(), "xl/worksheets/sheet1.xml", text.encode()))


def _gzip_bomb(raw: Path) -> None:
    with gzip.open(raw / "s.csv", "wb", compresslevel=1) as file:
        for _ in range(300):
            file.write(b"0" * MEGABYTE)


def _of(first: bytes, block: bytes, last: bytes = b"") -> Callable[[Path], None]:
    """Return what writes 200 MB: a start, one block again and again, an end."""

    def write(raw: Path) -> None:
        with (raw / "s.csv").open("wb") as file:
            file.write(first)
            for _ in range(200):
                file.write(block)
            file.write(last)

    return write


def _sparse(raw: Path) -> None:
    with (raw / "s.csv").open("wb") as file:
        file.write(HEADER)
        file.truncate(1_000 * MEGABYTE)


_ROWS = b"r1,9,Sur\n" * (MEGABYTE // 9)
CSV, EXCEL = declared(survey(**NPS)), declared(survey("s.xlsx", **NPS))

BOMBS = [
    Bomb("a workbook that unpacks to 300 MB", EXCEL, _zip_bomb, ["raw/s.xlsx", "unpacks to 300 MB"]),
    Bomb("a workbook of a million cells", EXCEL, _sheet_bomb, ["raw/s.xlsx"]),
    Bomb("a cell at ZZ200000", EXCEL, _stray_cell, ["raw/s.xlsx", "ZZ200000"]),
    Bomb("a workbook of entities", EXCEL, _entities, ["raw/s.xlsx", "a workbook that cannot be opened"]),
    Bomb("a gzip bomb called csv", CSV, _gzip_bomb, ["raw/s.csv", "a gzip archive"]),
    Bomb(
        "a line of 200 MB",
        CSV,
        _of(HEADER, b"a" * MEGABYTE),
        ["raw/s.csv, row 2", "a line of more than 50000000 characters"],
    ),
    Bomb("a header of 200 MB", CSV, _of(b"", b"a" * MEGABYTE), ["raw/s.csv, row 1"]),
    Bomb("a line of 200 MB of separators", CSV, _of(HEADER, b"," * MEGABYTE), ["raw/s.csv, row 2"]),
    Bomb(
        "a quote never closed in 200 MB",
        CSV,
        _of(HEADER + b'r0,1,"Sur\n', _ROWS),
        ["raw/s.csv, row 2", "a quote was opened and not closed"],
    ),
    Bomb("a gigabyte of NULs", CSV, _sparse, ["raw/s.csv, row 2", "a line of more than 50000000 characters"]),
    Bomb("five thousand columns", CSV, lambda raw: (raw / "s.csv").write_text(broad(5_000)), code=0),
    Bomb(
        "a billion laughs in client.yaml", LAUGHS, lambda raw: None, ["client.yaml, row 1", "anchor or alias"]
    ),
    Bomb(
        "nesting without end in client.yaml",
        "name: " + "[" * 1_900_000,
        lambda raw: None,
        ["client.yaml, row 1", "nesting too deep"],
    ),
    Bomb(
        "one text of two megabytes in client.yaml",
        "name: P\npurpose: '" + "a" * 1_900_000 + "'\nx: 1\n",
        lambda raw: None,
        ["client.yaml", "the unknown key x"],
    ),
]
