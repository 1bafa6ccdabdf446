"""Tables on disk: Parquet with page checksums, a hash of their content, and an index that is written last."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cxlab.errors import InputError, WorkbenchError
from cxlab.intake.folders import make_private, write_private

INDEX = "tables.json"
FORMAT = 3


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
        missing = values.isna().to_numpy()
        digest.update(json.dumps([str(name), _kind(values)]).encode())
        digest.update(np.packbits(missing).tobytes())
        if pd.api.types.is_datetime64_any_dtype(values):
            digest.update(
                values.fillna(pd.Timestamp(0)).to_numpy(dtype="datetime64[ns]").astype("<i8").tobytes()
            )
        elif pd.api.types.is_numeric_dtype(values):
            numbers = values.to_numpy(dtype="<f8", na_value=0.0)
            digest.update(np.where(missing, 0.0, numbers).astype("<f8").tobytes())
        else:
            texts = [str(each).encode() for each in values[~missing]]
            digest.update(np.array([len(each) for each in texts], dtype="<i8").tobytes())
            digest.update(b"".join(texts))
    return digest.hexdigest()


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
            table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
            sink = pa.BufferOutputStream()
            pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
            content = sink.getvalue().to_pybytes()
            index["tables"][name]["file_sha256"] = sha256(content).hexdigest()
            write_private(folder / f"{name}.parquet", content)
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


def _json(index: dict[str, Any]) -> bytes:
    return (json.dumps(index, ensure_ascii=False, sort_keys=True, indent=1, allow_nan=False) + "\n").encode()


def read_index(folder: Path, *, client: str) -> dict[str, Any]:
    """Return the index of a client's tables.

    Raises
    ------
    InputError
        If there are no tables yet, or the index cannot be read.
    """
    path = folder / INDEX
    if not path.is_file() or path.is_symlink() or folder.is_symlink():
        raise InputError("{client} has no tables yet; make them with `cxlab check {client}`", client=client)
    try:
        index: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        current = index["format"] == FORMAT
    except (OSError, ValueError, KeyError, TypeError):
        current = False
    if not current:
        raise InputError(
            "the tables of {client} are damaged or of another version; make them again with "
            "`cxlab check {client}`",
            client=client,
        )
    return index


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
