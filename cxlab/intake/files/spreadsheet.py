"""An .xlsx file as stored: its sheets, and the cells of one as text with their kind, read in one pass.

Nothing is evaluated: a formula is its saved result.
"""

from __future__ import annotations

import re
import zipfile
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format, is_timedelta_format

from cxlab.errors import Message
from cxlab.intake.files.sheetcells import Cells, Grid, Style, Written, skimmed, too_much, unescaped
from cxlab.intake.files.xmlparts import Parser, archive_of, chunks, parse

MOST_TEXTS = 4_000_000


@dataclass(frozen=True)
class Sheet:
    """A sheet: its name, whether it is hidden, and the part with its cells; none for a sheet of charts."""

    name: str
    hidden: bool
    part: str


class Spreadsheet:
    """An .xlsx file opened within limits.

    Parameters
    ----------
    content : bytes
    file : str
        What the messages call it.

    Raises
    ------
    InputError
        If it is no workbook, a damaged one, one with a password, or would unpack to too much.
    """

    def __init__(self, content: bytes, *, file: str) -> None:
        self.file = file
        self._archive: zipfile.ZipFile = archive_of(content, file=file)
        self._names = set(self._archive.namelist())
        links = _Collected("Relationship")
        main = self._main_part()
        self._parse(_links_of(main), links)
        self._targets = {
            each.get("Id", ""): (each.get("Type", "").rsplit("/", 1)[-1], _path(main, each.get("Target", "")))
            for each in links.found
            if each.get("TargetMode") != "External"
        }
        book = _Collected("sheet", "workbookPr")
        self._parse(main, book)
        self._old_epoch = any(each.get("date1904") in ("1", "true") for each in book.found)
        self.sheets = [
            Sheet(each["name"], each.get("state", "visible") != "visible", self._sheet_part(each))
            for each in book.found
            if "sheetId" in each and "name" in each
        ]

    @property
    def has_macros(self) -> bool:
        """Whether it carries a program; it is not run."""
        return any(name.endswith("vbaProject.bin") for name in self._names)

    @property
    def has_links(self) -> bool:
        """Whether formulas refer to other files; they are not opened."""
        return any(name.startswith("xl/externalLinks/") for name in self._names)

    def _main_part(self) -> str:
        root = _Collected("Relationship")
        if "_rels/.rels" in self._names:
            self._parse("_rels/.rels", root)
        targets = (
            each.get("Target", "") for each in root.found if each.get("Type", "").endswith("/officeDocument")
        )
        return _path("", next(targets, "xl/workbook.xml"))

    def _parse(self, part: str, listener: Any) -> None:
        parse(self._archive, part, listener, file=self.file)

    def _sheet_part(self, attributes: dict[str, str]) -> str:
        link = next(
            (value for key, value in attributes.items() if key.rpartition(":")[2] == "id" and ":" in key), ""
        )
        kind, part = self._targets.get(link, ("", ""))
        return part if kind == "worksheet" else ""

    @cached_property
    def _texts(self) -> list[str]:
        shared = _SharedTexts(self.file)
        part = next((part for kind, part in self._targets.values() if kind == "sharedStrings"), "")
        if part in self._names:
            self._parse(part, shared)
        return shared.texts

    @cached_property
    def _styles(self) -> list[Style]:
        found = _Formats()
        part = next((part for kind, part in self._targets.values() if kind == "styles"), "")
        if part in self._names:
            self._parse(part, found)
        return [_style(found.formats.get(number) or BUILTIN_FORMATS.get(number, "")) for number in found.used]

    def grid(self, sheet: Sheet) -> Grid:
        """Read the cells of a sheet.

        Raises
        ------
        InputError
            If it is damaged, or has more than a table can have.
        """
        cells = Cells(self.file, self._texts, self._styles, old_epoch=self._old_epoch)
        parser = Parser(cells, file=self.file, part=sheet.part)
        with closing(chunks(self._archive, sheet.part, file=self.file)) as pieces:
            for piece in pieces:
                if not cells.far_below:
                    parser.feed(piece)
                    continue
                rest = skimmed(piece, cells)
                if rest is not None:
                    parser = Parser(cells, file=self.file, part=sheet.part)
                    parser.feed(b"<" + cells.root + b">" + rest)
                    cells.far_below = False
        parser.feed(b"", last=True)
        return cells.grid


def _links_of(part: str) -> str:
    folder, _, name = part.rpartition("/")
    return f"{folder}/_rels/{name}.rels" if folder else f"_rels/{name}.rels"


def _path(origin: str, target: str) -> str:
    """Return the part that a link means: from the archive's root, or from the folder of its origin."""
    steps = target.split("/") if target.startswith("/") else [*origin.split("/")[:-1], *target.split("/")]
    path: list[str] = []
    for step in steps:
        if step == "..":
            path = path[:-1]
        elif step not in ("", "."):
            path.append(step)
    return "/".join(path)


def _style(code: str) -> Style:
    duration = bool(is_timedelta_format(code))
    date = bool(is_date_format(code)) and not duration
    return Style(date, duration, len(code) if re.fullmatch("0{2,}", code) else 0)


class _Collected:
    """The attributes of every element of some names."""

    def __init__(self, *names: str) -> None:
        self._names, self.found = names, list[dict[str, str]]()

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name.rpartition(":")[2] in self._names:
            self.found.append(attributes)

    def end(self, name: str) -> None:
        """Nothing ends."""

    def text(self, data: str) -> None:
        """Nothing is said."""


class _Formats(_Collected):
    """The number formats, and which of them each style uses."""

    def __init__(self) -> None:
        super().__init__()
        self.formats: dict[int, str] = {}
        self.used: list[int] = []
        self._inside = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        if local == "numFmt" and attributes.get("numFmtId", "").isdecimal():
            self.formats[int(attributes["numFmtId"])] = attributes.get("formatCode", "")
        elif local == "cellXfs":
            self._inside = True
        elif local == "xf" and self._inside:
            given = attributes.get("numFmtId", "0")
            self.used.append(int(given) if given.isdecimal() else 0)

    def end(self, name: str) -> None:
        if name.rpartition(":")[2] == "cellXfs":
            self._inside = False


class _SharedTexts(Written):
    """The texts that cells refer to by their place."""

    def __init__(self, file: str) -> None:
        super().__init__(file)
        self.texts: list[str] = []

    def start(self, name: str, _: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        if local == "t":
            self.listening = not self.guide
        elif local == "rPh":
            self.guide = True

    def end(self, name: str) -> None:
        local = name.rpartition(":")[2]
        if local == "t":
            self.listening = False
        elif local == "rPh":
            self.guide = False
        elif local == "si":
            self.texts.append(unescaped(self.taken()))
            if len(self.texts) > MOST_TEXTS:
                raise too_much(self._file, Message("more than {n} different texts", n=MOST_TEXTS))
