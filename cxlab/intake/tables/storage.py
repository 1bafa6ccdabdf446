"""Tables on disk: Parquet with page checksums, a hash of their content, and an index that is written last."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as compute
import pyarrow.parquet as pq

from cxlab.errors import InputError, WorkbenchError
from cxlab.intake.folders import make_private, private_file, write_private
from cxlab.intake.tables.index import INDEX

# Rows that are hashed or written at a time: those of one row group of Parquet.
PIECE = 1024 * 1024


def content_hash(frame: pd.DataFrame) -> str:
    """Return the SHA-256 of a table's names, kinds and values, however and wherever it is stored.

    Examples
    --------
    >>> table = pd.DataFrame({"a": [1.0, None], "b": ["x", None]})
    >>> content_hash(table) == content_hash(table.copy())
    True
    >>> content_hash(table) == content_hash(table.rename(columns={"a": "c"}))
    False
    """
    digest = sha256(f"{len(frame)}".encode())
    for name in frame.columns:
        values = frame[name]
        kind = _kind(values)
        digest.update(json.dumps([str(name), kind]).encode())
        digest.update(np.packbits(values.isna().to_numpy()).tobytes())
        for content in _TAKEN[kind]:
            for piece in _pieces(values):
                digest.update(content(piece))
    return digest.hexdigest()


def _pieces(table: Any) -> Iterator[Any]:
    """Give the rows piece by piece, so that what is made of them stays small."""
    return (table.iloc[first : first + PIECE] for first in range(0, len(table), PIECE))


def _days(values: pd.Series[Any]) -> bytes:
    return values.fillna(pd.Timestamp(0)).to_numpy(dtype="datetime64[ns]").astype("<i8").tobytes()


def _numbers(values: pd.Series[Any]) -> bytes:
    numbers = values.to_numpy(dtype="<f8", na_value=0.0)
    return np.where(values.isna().to_numpy(), 0.0, numbers).astype("<f8").tobytes()


def _texts(values: pd.Series[Any]) -> Any:
    """Return the texts that are there, as arrow holds them."""
    there = values.dropna()
    try:
        texts = pa.array(there.to_numpy() if there.dtype == object else there, pa.large_string())
    except pa.ArrowTypeError:
        texts = pa.array([str(each) for each in there], pa.large_string())
    whole = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    return whole.cast(pa.large_string())


def _lengths(values: pd.Series[Any]) -> bytes:
    lengths = compute.binary_length(_texts(values)).to_numpy(zero_copy_only=False)
    return bytes(lengths.astype("<i8").tobytes())


def _letters(values: pd.Series[Any]) -> bytes:
    texts = _texts(values)
    _, offsets, letters = texts.buffers()
    ends = np.frombuffer(offsets, dtype="<i8")[texts.offset : texts.offset + len(texts) + 1]
    return bytes(memoryview(letters)[ends[0] : ends[-1]]) if letters is not None and len(texts) else b""


# What is hashed of a column after its name and what is missing, one after the other.
_TAKEN: dict[str, tuple[Callable[[pd.Series[Any]], bytes], ...]] = {
    "date": (_days,),
    "number": (_numbers,),
    "text": (_lengths, _letters),
}


def _kind(values: pd.Series[Any]) -> str:
    if pd.api.types.is_datetime64_any_dtype(values):
        return "date"
    return "number" if pd.api.types.is_numeric_dtype(values) else "text"


def write(folder: Path, tables: dict[str, pd.DataFrame], index: dict[str, Any]) -> None:
    """Write every table and, last, the index; each file is whole or not there.

    Parameters
    ----------
    folder : Path
        data/CLIENT/tables.
    tables : dict of str to DataFrame
    index : dict
        What is said of them; each entry under ``index["tables"]`` gets the hash of its file.

    Raises
    ------
    WorkbenchError
        If the folder may not be written or is full.
    """
    make_private(folder)
    try:
        for name, frame in tables.items():
            path = folder / f"{name}.parquet"
            with private_file(path) as file:
                _write(frame, file)
            with path.open("rb") as written:
                index["tables"][name]["file_sha256"] = file_digest(written, "sha256").hexdigest()
        write_private(folder / INDEX, _json(index))
        for old in folder.glob("*.parquet"):
            if old.stem not in tables:
                old.unlink()
    except OSError as error:
        raise WorkbenchError(
            "the tables cannot be written to {folder}: {why}; the former ones are no longer current",
            folder=folder,
            why=error.strerror or str(error),
        ) from None


def _write(frame: pd.DataFrame, file: BinaryIO) -> None:
    """Write a table as Parquet, a piece of its rows at a time."""
    schema = pa.schema([(str(name), _stored_as(frame[name])) for name in frame.columns])
    with pq.ParquetWriter(file, schema, compression="zstd", write_page_checksum=True) as writer:
        for piece in _pieces(frame):
            table = pa.Table.from_pandas(piece, schema=schema, preserve_index=False)
            writer.write_table(table.replace_schema_metadata(None))


def _stored_as(values: pd.Series[Any]) -> Any:
    return pa.string() if _kind(values) == "text" else pa.from_numpy_dtype(values.dtype)


def _json(index: dict[str, Any]) -> bytes:
    return (json.dumps(index, ensure_ascii=False, sort_keys=True, indent=1, allow_nan=False) + "\n").encode()


def read_table(folder: Path, name: str, *, file_sha256: str, client: str) -> pd.DataFrame:
    """Return a stored table, once its bytes are those that were written.

    Raises
    ------
    InputError
        If the file is gone, or has changed since.
    """
    path = folder / f"{name}.parquet"
    try:
        content = b"" if path.is_symlink() else path.read_bytes()
        whole = sha256(content).hexdigest() == file_sha256
    except OSError:
        whole = False
    if not whole:
        raise InputError(
            "the table {table} of {client} is gone or was changed after it was made; make it again with "
            "`cxlab check {client}`",
            table=name,
            client=client,
        )
    table = pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True).read()
    frame: pd.DataFrame = table.to_pandas(date_as_object=False)
    dates = [column for column in frame if pd.api.types.is_datetime64_any_dtype(frame[column])]
    return frame.astype(dict.fromkeys(dates, "datetime64[ns]"))
