"""The door for files: what a source declares, read by the reader of its format.

The content is looked at before the suffix is believed; nothing is executed, fetched or unpacked
beyond its limits.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from cxlab.errors import InputError, Message
from cxlab.intake.folders import declared_path
from cxlab.intake.models import Format, Source
from cxlab.intake.reading import MOST_BYTES, Reading, fault
from cxlab.intake.signatures import kind_of


def read(source: Source, folder: Path) -> tuple[Reading, str]:
    """Read the file of a source.

    Parameters
    ----------
    source : Source
        As declared in client.yaml.
    folder : Path
        The client's folder.

    Returns
    -------
    Reading, str
        What was read, and the SHA-256 of the file.

    Raises
    ------
    InputError
        If the file is not there, not what it says it is, or not readable as declared; with the line.
    """
    content = content_of(source, folder)
    kind = _checked_kind(content, source)
    digest = sha256(content).hexdigest()
    if kind == "csv":
        from cxlab.intake.delimited import read_delimited

        reading = read_delimited(
            content,
            file=source.file,
            encoding=source.encoding,
            separator=source.separator,
            header_row=source.header_row,
            header_rows=source.header_rows,
            layout=source.layout,
            skip_after_header=source.skip_after_header,
            skip_at_end=source.skip_at_end,
        )
    elif kind == "excel":
        from cxlab.intake.workbooks import Expected, read_workbook

        reading = read_workbook(content, file=source.file, expected=Expected.of(source))
    else:
        from cxlab.intake.columnar import read_parquet, read_spss

        if kind == "parquet":
            reading = read_parquet(content, file=source.file)
        else:
            reading = read_spss(content, file=source.file, encoding=source.encoding)
    return reading, digest


def content_of(source: Source, folder: Path) -> bytes:
    """Return the bytes of a source's file.

    Raises
    ------
    InputError
        If it is not there, is not a file, is too large or may not be read.
    """
    path = declared_path(folder, source.file)
    if path.is_dir():
        raise fault(
            source.file,
            Message("a folder"),
            Message("one file"),
            Message("join its parts into one Parquet or CSV file, or declare one source for each file"),
        )
    if not path.is_file():
        near = (
            sorted(each.name for each in path.parent.glob("*") if each.is_file())
            if path.parent.is_dir()
            else []
        )
        raise fault(
            source.file,
            Message("no such file"),
            Message("{names}", names=", ".join(near[:12]) or "-"),
            Message("copy the file there, or correct `file:` in client.yaml"),
        )
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise fault(
            source.file,
            Message("{gb} GB", gb=round(size / 1e9, 1)),
            Message("at most {gb} GB", gb=MOST_BYTES // 10**9),
            Message("split the file, or save it as Parquet with the columns that are needed"),
        )
    try:
        return path.read_bytes()
    except OSError as error:
        raise fault(
            source.file,
            Message("a file that may not be read ({why})", why=error.strerror),
            Message("a file you can open"),
            Message("ask for permission to read it"),
        ) from None


def _checked_kind(content: bytes, source: Source) -> Format:
    """Return the declared format, once the content agrees with it."""
    declared = source.read_as
    if declared is None:
        raise InputError("{file}: its suffix says no format; give `format:`", file=source.file)
    if not content.strip():
        raise fault(
            source.file,
            Message("an empty file"),
            Message("a header and rows"),
            Message("ask for the file again: the export may have failed"),
        )
    found = kind_of(content)
    if found != declared and (found or declared != "csv"):
        raise fault(
            source.file,
            Message(
                "{found} where {declared} is declared or its suffix says so",
                found=found or Message("something else"),
                declared=declared,
            ),
            Message("content and suffix that agree"),
            Message(
                "save it again as CSV, .xlsx, .parquet or .sav, without password or compression; "
                "or correct `format:`"
            ),
        )
    return declared
