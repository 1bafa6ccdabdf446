"""The parts of a zipped XML document (.xlsx), streamed within limits that hold before anything is parsed.

No entity is expanded, no declaration of a document type is accepted, no link is followed; what the archive
says of its sizes is checked first, and what is unpacked is checked against it by its own checksums.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Generator
from typing import Any
from xml.parsers import expat

from cxlab.errors import InputError, Message
from cxlab.intake.files.reading import fault

MOST_UNPACKED = 600_000_000
MOST_RATIO = 400
# Small parts may be nothing but repetition; a bomb is large.
RATIO_FROM = 20_000_000
MOST_PARTS = 5_000
CHUNK = 1 << 18
_ENTRY = b"PK\x01\x02"
# What goes wrong inside a damaged archive, whichever of its layers notices.
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError)
# What other documents that are zip archives hold.
_OTHERS = (
    ("xl/workbook.bin", Message("a binary workbook (.xlsb)")),
    ("content.xml", Message("an OpenDocument file")),
    ("word/document.xml", Message("a Word document")),
    ("ppt/presentation.xml", Message("a presentation")),
    ("Index/Document.iwa", Message("an Apple Numbers document")),
    ("Index.zip", Message("an Apple Numbers document")),
)


def not_a_workbook(file: str, why: str) -> InputError:
    """Return the error of a file that is no workbook, or a damaged one."""
    return fault(
        file,
        Message(
            "a workbook that cannot be opened ({why})", why=why if isinstance(why, Message) else why[:120]
        ),
        Message("an .xlsx file without a password"),
        Message("open it in Excel, save it as .xlsx without a password, or ask for it again"),
    )


def archive_of(content: bytes, *, file: str) -> zipfile.ZipFile:
    """Return the archive of a workbook, once its list of parts is within the limits.

    Raises
    ------
    InputError
        If it is cut, another kind of document, has a password, or would unpack to too much.
    """
    count = content.count(_ENTRY)
    if count > MOST_PARTS:
        raise fault(
            file,
            Message("a workbook of {n} parts", n=count),
            Message("at most {n}", n=MOST_PARTS),
            Message("save the sheet as CSV or Parquet"),
        )
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except _DAMAGE:
        raise not_a_workbook(file, Message("not a complete zip archive")) from None
    _refuse_bomb(archive.infolist(), file=file)
    names = set(archive.namelist())
    other = next((kind for name, kind in _OTHERS if name in names), None)
    if other or not any(name.startswith("xl/") for name in names):
        raise not_a_workbook(file, other or Message("a zip archive of other files"))
    if any(each.flag_bits & 1 for each in archive.infolist()):
        raise not_a_workbook(file, Message("it has a password"))
    return archive


def _refuse_bomb(members: list[zipfile.ZipInfo], *, file: str) -> None:
    unpacked = sum(each.file_size for each in members)
    worst = max(
        (each.file_size / max(each.compress_size, 1) for each in members if each.file_size > RATIO_FROM),
        default=0,
    )
    if unpacked > MOST_UNPACKED or worst > MOST_RATIO:
        raise fault(
            file,
            Message(
                "a workbook that unpacks to {mb} MB, up to {ratio} times its size",
                mb=unpacked // 10**6,
                ratio=round(worst),
            ),
            Message("at most {mb} MB and {ratio} times", mb=MOST_UNPACKED // 10**6, ratio=MOST_RATIO),
            Message("save the sheet as CSV or Parquet"),
        )


def chunks(archive: zipfile.ZipFile, part: str, *, file: str) -> Generator[bytes, None, None]:
    """Give a part piece by piece; its checksum is verified at its end.

    Raises
    ------
    InputError
        If the archive has no such part, or it is damaged.
    """
    try:
        with archive.open(part) as stream:
            while chunk := stream.read(CHUNK):
                yield chunk
    except KeyError:
        raise not_a_workbook(file, Message("its part {part} is missing", part=part)) from None
    except _DAMAGE:
        raise not_a_workbook(file, Message("its part {part} is damaged", part=part)) from None


class Parser:
    """A parser of one part: calls `start(name, attributes)`, `end(name)` and `text(data)` of its listener.

    Names come without their prefix. Text is given only where the listener sets `listening`.
    """

    def __init__(self, listener: Any, *, file: str, part: str) -> None:
        self._file, self._part = file, part
        self._expat = expat.ParserCreate()
        self._expat.buffer_text = True
        self._expat.StartDoctypeDeclHandler = self._refuse_doctype
        self._expat.EntityDeclHandler = self._refuse_doctype
        self._expat.StartElementHandler = listener.start
        self._expat.EndElementHandler = listener.end
        self._expat.CharacterDataHandler = listener.text

    def feed(self, data: bytes, *, last: bool = False) -> None:
        """Parse some more.

        Raises
        ------
        InputError
            If it is not XML, or declares a document type.
        """
        try:
            self._expat.Parse(data, last)
        except expat.ExpatError as error:
            line = Message(
                "its part {part} is no XML from line {line} on", part=self._part, line=error.lineno
            )
            raise not_a_workbook(self._file, line) from None

    def _refuse_doctype(self, *_: Any) -> None:
        raise not_a_workbook(
            self._file, Message("its part {part} declares a document type or entities", part=self._part)
        )


def parse(archive: zipfile.ZipFile, part: str, listener: Any, *, file: str) -> None:
    """Parse a whole part.

    Raises
    ------
    InputError
        If it is missing, damaged or not plain XML.
    """
    parser = Parser(listener, file=file, part=part)
    for chunk in chunks(archive, part, file=file):
        parser.feed(chunk)
    parser.feed(b"", last=True)
