"""What a file is by its first bytes, whatever its suffix says: formats that are read, and those that are not.

Formats that run code when they are opened (pickles, R and joblib objects) are named only to be refused.
"""

from __future__ import annotations

import re
import zlib

from cxlab.errors import Message

_EXCEL_OLD = (b"\xd0\xcf\x11\xe0", Message("an old .xls or a workbook with a password"))
_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "excel"),
    (b"PAR1", "parquet"),
    (b"$FL2", "spss"),
    (b"$FL3", "spss"),
    (b"SQLite format 3\x00", "sql"),
    _EXCEL_OLD,
    (b"PARE", Message("a Parquet file with a password")),
    (b"PK\x05\x06", Message("an empty zip archive")),
    (b"\x1f\x8b", Message("a gzip archive")),
    (b"BZh", Message("a bzip2 archive")),
    (b"\xfd7zXZ\x00", Message("an xz archive")),
    (b"\x28\xb5\x2f\xfd", Message("a zstd archive")),
    (b"\x04\x22\x4d\x18", Message("an lz4 archive")),
    (b"7z\xbc\xaf", Message("a 7z archive")),
    (b"Rar!", Message("a rar archive")),
    (b"%PDF", Message("a PDF")),
    (b"{\\rtf", Message("an RTF document")),
    (b"\x89PNG", Message("an image")),
    (b"\xff\xd8\xff", Message("an image")),
    (b"GIF8", Message("an image")),
    (b"II*\x00", Message("an image")),
    (b"MM\x00*", Message("an image")),
    (b"RIFF", Message("an image or a recording")),
    (b"\x80\x02", Message("a Python pickle")),
    (b"\x80\x03", Message("a Python pickle")),
    (b"\x80\x04", Message("a Python pickle")),
    (b"\x80\x05", Message("a Python pickle")),
    (b"ccopy_reg", Message("a Python pickle")),
    (b"cpandas.", Message("a Python pickle")),
    (b"\x93NUMPY", Message("a NumPy array")),
    (b"\x89HDF", Message("an HDF file")),
    (b"ARROW1", Message("an Arrow or Feather file")),
    (b"FEA1", Message("an Arrow or Feather file")),
    (b"\xff\xff\xff\xff", Message("an Arrow stream")),
    (b"ORC", Message("an ORC file")),
    (b"Obj\x01", Message("an Avro file")),
    (b"RDX", Message("an R object")),
    (b"RDA", Message("an R object")),
    (b"X\n\x00\x00\x00", Message("an R object")),
    (b"A\n2\n", Message("an R object")),
    (b"A\n3\n", Message("an R object")),
    (b"<stata_dta>", Message("a Stata file")),
    (b"HEADER RECORD*******", Message("a SAS transport file")),
    (b"\x00\x01\x00\x00Standard ", Message("an Access database")),
    (b"\x1c\x00\x00\x00\x00\x00\x00\x00ENCRYPTEDSAV", Message("an SPSS file with a password")),
    (b"-----BEGIN PGP", Message("an encrypted message")),
)
# What stands further in.
_INSIDE: tuple[tuple[int, bytes, str], ...] = (
    (8, b"DUCK", "sql"),
    (257, b"ustar", Message("a tar archive")),
    (40, b"ASCII SPSS PORT FILE", Message("an SPSS portable file")),
    (84, b"SAS FILE", Message("a SAS file")),
)
_ZLIB = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
_MARKUP = (b"<!doctype", b"<html", b"<table", b"<?xml", b"<!--", b"<head", b"<body")
_JSON = re.compile(rb'[\[{]\s*(?:\{\s*)?"[^"\n]{0,200}"\s*:')
# ORC and images could start a line of text; then what follows is text too.
_SHORT = 4


def kind_of(content: bytes) -> str:
    r"""Return the format that the content is of, or what else it is; an empty text for plain text.

    Examples
    --------
    >>> kind_of(b"PAR1..."), kind_of(b"{\\rtf1 x}"), kind_of(b"id,score")
    ('parquet', 'an RTF document', '')
    """
    start = content[:400]
    for place, mark, kind in _INSIDE:
        if start[place : place + len(mark)] == mark:
            return kind
    for mark, kind in _STARTS:
        if start.startswith(mark) and not (mark.isalpha() and len(mark) <= _SHORT and _is_text(start)):
            return _of_old_office(content) if mark == _EXCEL_OLD[0] else kind
    if start[:2] in _ZLIB and _inflates(content):
        return Message("a compressed object, as joblib writes it")
    lead = start.lstrip(b"\xef\xbb\xbf \r\n\t")
    if lead.lower().startswith(_MARKUP):
        return Message("HTML or XML")
    return Message("JSON") if _JSON.match(lead) else ""


def _is_text(start: bytes) -> bool:
    return start.isascii() and not re.search(rb"[\x00-\x08\x0e-\x1f]", start)


def _inflates(content: bytes) -> bool:
    try:
        zlib.decompressobj().decompress(content[:4_096], 64)
    except zlib.error:
        return False
    return True


def _of_old_office(content: bytes) -> str:
    if "EncryptedPackage".encode("utf-16-le") in content:
        return Message("a workbook with a password")
    if "Workbook".encode("utf-16-le") in content or "Book".encode("utf-16-le") in content:
        return Message("an old .xls workbook")
    return _EXCEL_OLD[1]
