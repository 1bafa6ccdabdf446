"""The way back: a file with pseudonyms, for the client's own systems, with the original codes beside them.

Pseudonyms cannot be undone; they are made again from the client's files, with the key, and compared. So
it works only where both are, makes no key, and writes only into the client's own folder.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cxlab.errors import InputError, Message, WorkbenchError
from cxlab.intake.client import Client, load
from cxlab.intake.custody.register import inert
from cxlab.intake.custody.retention import refuse_overdue
from cxlab.intake.declared.models import SUFFIXES, Source
from cxlab.intake.files.readers import read
from cxlab.intake.folders import client_folder, make_private, write_private
from cxlab.intake.privacy.pseudonyms import KEY_VARIABLE, PSEUDONYM_LENGTH, client_key, key_file, pseudonyms
from cxlab.intake.tables.assignment import assign, resolve_keys
from cxlab.intake.tables.cells import Marks
from cxlab.intake.tables.decoding import Declared, decode

FOLDER = "relinked"
_PSEUDONYM = re.compile(f"[a-p]{{{PSEUDONYM_LENGTH}}}")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?")
_FORMATS = ("csv", "excel", "parquet")


@dataclass(frozen=True)
class Relinked:
    """The file that was written; for each column of pseudonyms, how many cells met a code and how many none.

    `unread` are the client's files that could not be read: codes that only they hold are not met.
    """

    path: Path
    matched: Mapping[str, int]
    unmatched: Mapping[str, int]
    unread: tuple[str, ...] = ()


def relink(root: str | Path, client: str, file: str | Path, *, out: str | Path = "") -> Relinked:
    """Write a copy of a file with the original codes beside the pseudonyms.

    Parameters
    ----------
    root : path
        The workbench's folder.
    client : str
    file : path
        CSV, .xlsx or Parquet; each column in which a pseudonym of this client stands gets one beside it.
    out : path, optional
        Name of the copy, in data/CLIENT/relinked/; the file's own name, if not given.

    Returns
    -------
    Relinked

    Raises
    ------
    InputError
        If the key is not on this machine, the file cannot be read, no pseudonym in it is this client's,
        or the copy would lie elsewhere.
    WorkbenchError
        If the copy cannot be written.
    """
    declared = load(client_folder(root, client))
    refuse_overdue(declared)
    key = _key_that_is_here(client, root=Path(root))
    path = Path(file)
    target = _target(declared, path, out)
    given = _given(path)
    known, unread = _codes(declared, key)
    originals = {
        name: found for name in given.columns if (found := _originals(given[name], known)) is not None
    }
    if not originals:
        raise InputError(
            "{file}: no pseudonym in it is of {client}'s data; it may be of another client, or the files in "
            "raw/ are others{unread}",
            file=path.name,
            client=client,
            unread=Message("; not read: {files}", files=", ".join(unread)) if unread else "",
        )
    written = {name: given[name].map(_is_pseudonym).sum() for name in originals}
    _write(target, given, originals)
    matched = {name: int(found.notna().sum()) for name, found in originals.items()}
    return Relinked(target, matched, {name: int(written[name]) - matched[name] for name in originals}, unread)


def _key_that_is_here(client: str, *, root: Path) -> bytes:
    if os.environ.get(KEY_VARIABLE) is None and not key_file(client).is_file():
        raise InputError(
            "the key of {client}'s pseudonyms is not on this machine; run this where `cxlab check` made "
            "them, or set CXLAB_ID_KEY",
            client=client,
        )
    return client_key(client, outside=root)


def _target(client: Client, file: Path, out: str | Path) -> Path:
    folder = client.folder / FOLDER
    if folder.is_symlink():
        raise InputError("{folder} is a link; take it away", folder=f"data/{client.slug}/{FOLDER}")
    named = Path(out) if out else Path(file.name)
    target = (folder / named).resolve() if not named.is_absolute() else named.resolve()
    inside = target.parent == folder.resolve() and not target.is_symlink() and target.name[:1] != "."
    if not inside or target == file.resolve():
        raise InputError(
            "what identifies persons is written only into data/{client}/relinked/; give the name alone",
            client=client.slug,
        )
    if SUFFIXES.get(target.suffix.lower()) != SUFFIXES.get(file.suffix.lower()):
        raise InputError(
            "the copy is of the same kind as the file: {suffix}", suffix=file.suffix.lower() or "-"
        )
    return target


def _given(path: Path) -> pd.DataFrame:
    """Return the file's cells; as text, unless it stores their kinds."""
    kind = SUFFIXES.get(path.suffix.lower())
    if kind not in _FORMATS:
        raise InputError("{file}: allowed are .csv, .xlsx and .parquet", file=path.name)
    reading, _ = read(Source(file=path.name, table="customers"), path.parent)
    if kind == "parquet":
        frame: pd.DataFrame = pq.ParquetFile(path).read().to_pandas()
        return frame
    return reading.frame


def _codes(client: Client, key: bytes) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return {pseudonym: code} of all id columns of a client's files, and the files that were not read."""
    known: dict[str, str] = {}
    unread: list[str] = []
    for source in client.sources:
        try:
            reading, _ = read(source, client.folder, wanted=partial(_headers, source))
        except InputError:
            unread.append(source.file)
            continue
        assigned = assign(source, list(reading.headers))
        declared = Declared(assigned, resolve_keys(assigned))
        for name, header in _ids(source, reading.headers).items():
            rule = declared.rule(name, header, reading)
            column = decode(reading.columns[header], rule, Marks(typed=reading.typed))
            codes = column.values.dropna().drop_duplicates()
            known |= dict(zip(pseudonyms(codes, key), codes, strict=True))
    return known, tuple(unread)


def _headers(source: Source, headers: Sequence[str]) -> list[str]:
    return list(_ids(source, headers).values())


def _ids(source: Source, headers: Sequence[str]) -> dict[str, str]:
    """Return the headers of a source's id columns, by column."""
    assigned = assign(source, list(headers))
    ids = {*assigned.table.ids, *source.ids, *(assigned.column(name) for name in source.ids)}
    return {name: header for name, header in assigned.stored.items() if name in ids}


def _originals(cells: pd.Series[Any], known: Mapping[str, str]) -> pd.Series[Any] | None:
    if pd.api.types.is_numeric_dtype(cells) or pd.api.types.is_datetime64_any_dtype(cells):
        return None
    found = cells.map(lambda each: known.get(each.strip()) if isinstance(each, str) else None)
    return found if found.notna().any() else None


def _is_pseudonym(cell: Any) -> bool:
    return isinstance(cell, str) and bool(_PSEUDONYM.fullmatch(cell.strip()))


def _write(path: Path, given: pd.DataFrame, originals: Mapping[str, pd.Series[Any]]) -> None:
    whole = given.copy()
    added = []
    for name, found in originals.items():
        title = f"{name}_original"
        while title in whole.columns:
            title += "_"
        whole.insert(int(whole.columns.get_loc(name)) + 1, title, found.astype(object))  # type: ignore[arg-type]
        added.append(title)
    content = {".parquet": _parquet, ".csv": _csv}.get(path.suffix.lower(), _workbook)(whole, added)
    try:
        write_private(make_private(path.parent) / path.name, content)
    except OSError as error:
        raise WorkbenchError(
            "cannot write in {folder}: {why}", folder=path.parent, why=error.strerror
        ) from None


def _parquet(whole: pd.DataFrame, _added: list[str]) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pandas(whole, preserve_index=False), sink, write_page_checksum=True)
    return bytes(sink.getvalue().to_pybytes())


def _csv(whole: pd.DataFrame, _added: list[str]) -> bytes:
    text = io.StringIO(newline="")
    lines = csv.writer(text, lineterminator="\r\n")
    lines.writerow([inert(str(name)) for name in whole.columns])
    for row in whole.itertuples(index=False):
        lines.writerow(["" if pd.isna(cell) else inert(str(cell)) for cell in row])
    return text.getvalue().encode("utf-8-sig")


def _workbook(whole: pd.DataFrame, added: list[str]) -> bytes:
    """Return an .xlsx: columns of numbers as numbers, all else as text, codes always."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    sheet = book.create_sheet("relinked")

    def text(value: Any) -> Any:
        cell = WriteOnlyCell(sheet, value=str(value))
        cell.data_type = "s"  # never a formula
        return cell

    numbers = {
        name
        for name in whole.columns
        if name not in added
        and all(_NUMBER.fullmatch(str(each)) for each in whole[name] if each not in ("", None))
    }
    sheet.append([text(name) for name in whole.columns])
    for row in whole.itertuples(index=False):
        sheet.append(
            [
                None if pd.isna(cell) or cell == "" else float(cell) if name in numbers else text(cell)
                for name, cell in zip(whole.columns, row, strict=True)
            ]
        )
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()
