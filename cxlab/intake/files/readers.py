"""The door for files: what a source declares, read by the reader of its format.

The content is looked at before the suffix is believed; nothing is executed, fetched or unpacked
beyond its limits.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from hashlib import file_digest, sha256
from pathlib import Path

from cxlab.errors import InputError, Message
from cxlab.intake.declared.models import Format, Source
from cxlab.intake.files.reading import MOST_BYTES, Progress, Reading, Wanted, fault
from cxlab.intake.files.signatures import kind_of
from cxlab.intake.folders import declared_path
from cxlab.intake.privacy.pseudonyms import named

# Of a text file that may be large, this much tells what it is.
_START = 1_000_000


def read(
    source: Source, folder: Path, *, wanted: Wanted | None = None, progress: Progress | None = None
) -> tuple[Reading, str]:
    """Read the file of a source.

    Parameters
    ----------
    source : Source
        As declared in client.yaml.
    folder : Path
        The client's folder.
    wanted : callable, optional
        Given all headers, returns those whose cells are needed: a large file is read without the others.
    progress : callable, optional
        Called with the rows read so far and the share of the file that they are.

    Returns
    -------
    Reading, str
        What was read, and the SHA-256 of the file.

    Raises
    ------
    InputError
        If the file is not there, not what it says it is, or not readable as declared; with the line.
    """
    if source.read_as == "sql":
        return _queried(source, folder, wanted)
    path = path_of(source, folder)
    content = _start_of(path) if source.read_as == "csv" else path.read_bytes()
    kind = _checked_kind(content, source)
    if kind == "csv":
        from cxlab.intake.files.delimited import read_delimited

        reading = read_delimited(
            path,
            file=source.file,
            encoding=source.encoding,
            separator=source.separator,
            header_row=source.header_row,
            header_rows=source.header_rows,
            layout=source.layout,
            skip_after_header=source.skip_after_header,
            skip_at_end=source.skip_at_end,
            wanted=wanted,
            progress=progress,
        )
        return _doubted(reading, source), digest_of(path)
    if kind == "excel":
        from cxlab.intake.files.workbooks import Expected, read_workbook

        reading = read_workbook(content, file=source.file, expected=Expected.of(source))
        reading = _doubted(reading, source)
    elif kind == "parquet":
        from cxlab.intake.files.columnar import read_parquet

        reading = read_parquet(content, file=source.file, decimal=source.decimal, wanted=wanted)
    else:
        from cxlab.intake.files.spss import read_spss

        reading = read_spss(
            path, file=source.file, encoding=source.encoding, decimal=source.decimal, wanted=wanted
        )
    return reading, sha256(content).hexdigest()


def _queried(source: Source, folder: Path, wanted: Wanted | None) -> tuple[Reading, str]:
    # DuckDB is paid for by those who query.
    from cxlab.intake.files.warehouse import read_query

    if source.database:
        return read_query(source, None, wanted=wanted)
    path = path_of(source, folder)
    _checked_kind(_start_of(path), source)
    return read_query(source, path, wanted=wanted)


def current_digest(source: Source, folder: Path, known: Collection[str]) -> str:
    """Return the SHA-256 of what a source has now: its file, or the result of its query.

    A database that is the same file gives the same; a server is not asked again.

    Parameters
    ----------
    source : Source
    folder : Path
    known : collection of str
        Those of the source when it was read: of its file, and of the result.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    if source.database:
        return next(iter(known), "")
    digest = digest_of(path_of(source, folder))
    if source.read_as != "sql" or digest in known:
        return digest
    return _queried(source, folder, None)[1]


def _doubted(reading: Reading, source: Source) -> Reading:
    """Return a reading with the rows doubted that are no records; names that are one are refused."""
    from cxlab.intake.files.strangers import doubts, headless

    if source.header_rows == 1 and headless(reading.columns):
        raise fault(
            source.file,
            Message("names that are as the cells under them, as in a row of data"),
            Message("one line with the names of the columns"),
            Message("give the line of the names as header_row, or add one to the file"),
            row=source.header_row,
        )
    ends_in_data = "skip_at_end" in source.model_fields_set and source.skip_at_end == 0
    known = {doubt.row for doubt in reading.doubts}
    found = doubts(reading, file=source.file, ends_in_data=ends_in_data)
    return replace(reading, doubts=[*reading.doubts, *(each for each in found if each.row not in known)])


def path_of(source: Source, folder: Path) -> Path:
    """Return where a source's file is.

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
            Message("{names}", names=named(near[:12]) or "-"),
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
        path.open("rb").close()
    except OSError as error:
        raise fault(
            source.file,
            Message("a file that may not be read ({why})", why=error.strerror),
            Message("a file you can open"),
            Message("ask for permission to read it"),
        ) from None
    return path


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, without holding it."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _start_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_START)


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
