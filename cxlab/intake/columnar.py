"""Parquet and SPSS: typed columns to cells as text, with what the file itself says of its codes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat

from cxlab.errors import InputError, Message, Problem
from cxlab.intake.coded import Coded
from cxlab.intake.reading import MOST_CELLS, Reading, checked_header, fault, held, unreadable


def read_parquet(content: bytes, *, file: str) -> Reading:
    """Read a Parquet file of plain columns, page checksums verified where it has them.

    Raises
    ------
    InputError
        If it is cut, damaged, too large, or has nested columns.
    """
    try:
        source = pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True)
        _refuse_size(source.metadata.num_rows * source.metadata.num_columns, file=file)
        nested = [each.name for each in source.schema_arrow if pa.types.is_nested(each.type)]
        if nested:
            raise fault(
                file,
                Message("nested columns: {names}", names=", ".join(nested[:10])),
                Message("one value in each cell"),
                Message("flatten them before saving"),
            )
        frame: pd.DataFrame = source.read().to_pandas(date_as_object=True, timestamp_as_object=False)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged(file, error, Message("a whole Parquet file")) from None
    header = checked_header(list(frame.columns), file=file, row=0)
    texts = pd.DataFrame({at: _column_text(frame.iloc[:, at]) for at in range(frame.shape[1])})
    return _reading(texts, header, file=file)


def read_spss(content: bytes, *, file: str, encoding: str | None = None) -> Reading:
    """Read an SPSS .sav file: codes stay codes, their labels and declared missings travel beside them.

    Raises
    ------
    InputError
        If it is cut, damaged or too large.
    """
    handle, name = tempfile.mkstemp(suffix=".sav")
    try:
        with os.fdopen(handle, "wb") as copy:
            copy.write(content)
        size = _sav(name, file=file, encoding=encoding, metadataonly=True)[1]
        _refuse_size((size.number_rows or 0) * (size.number_columns or 0), file=file)
        frame, meta = _sav(name, file=file, encoding=encoding, metadataonly=False)
    finally:
        Path(name).unlink()
    header = checked_header(list(frame.columns), file=file, row=0)
    texts = pd.DataFrame({at: _column_text(frame.iloc[:, at]) for at in range(frame.shape[1])})
    named = dict(zip(frame.columns, header, strict=True))
    labels = {
        named[name]: {_value_text(code): str(label) for code, label in given.items()}
        for name, given in meta.variable_value_labels.items()
        if name in named
    }
    missing: dict[str, set[str]] = {}
    for name, ranges in meta.missing_ranges.items():
        at = list(frame.columns).index(name)
        distinct = [str(code) for code in texts[at].unique() if code]
        missing[named[name]] = {code for code in distinct if _in_ranges(code, ranges)}
    questions = {
        named[name]: label for name, label in meta.column_names_to_labels.items() if label and name in named
    }
    how = {"encoding": str(meta.file_encoding)}
    return _reading(
        texts, header, file=file, labels=labels, questions=questions, declared_missing=missing, how=how
    )


def _sav(name: str, *, file: str, encoding: str | None, metadataonly: bool) -> tuple[pd.DataFrame, Any]:
    try:
        read: tuple[pd.DataFrame, Any] = pyreadstat.read_sav(
            name, user_missing=True, encoding=encoding, metadataonly=metadataonly
        )
    except Exception as error:  # pyreadstat raises bare Exceptions of its own
        raise _damaged(file, error, Message("a whole SPSS .sav file")) from None
    return read


def _damaged(file: str, error: Exception, allowed: str) -> InputError:
    if isinstance(error, InputError):
        return error
    why = " ".join(str(error).split())[:120]
    return fault(
        file,
        Message("a file that cannot be read ({why})", why=why),
        allowed,
        Message("ask for the file again: it may have been cut on its way"),
    )


def _refuse_size(cells: int, *, file: str) -> None:
    if cells > MOST_CELLS:
        raise fault(
            file,
            Message("{n} cells", n=cells),
            Message("at most {n}", n=MOST_CELLS),
            Message("keep only the columns and rows that are needed"),
        )


def _reading(texts: pd.DataFrame, header: list[str], *, file: str, **said: Any) -> Reading:
    problems = [
        Problem(
            Message("infinite values"),
            Message("finite numbers"),
            Message("correct them in the file"),
            file=file,
            column=header[at],
            row=int(np.flatnonzero(texts[at].isin(["inf", "-inf"]))[0]) + 1,
        )
        for at in range(len(header))
        if texts[at].isin(["inf", "-inf"]).any()
    ]
    if problems:
        raise unreadable(file, problems)
    full = (texts != "").any(axis=1).to_numpy()
    columns = {at: Coded.of(texts[at].to_numpy()[full]) for at in range(len(header))}
    headers, found = held(columns, header, rows=int(full.sum()), file=file, header_row=0)
    blank = int((~full).sum())
    return Reading(
        headers=headers,
        columns=found,
        lines=np.flatnonzero(full) + 1,
        read=len(texts),
        skipped={"blank lines": blank} if blank else {},
        typed=True,
        **said,
    )


def _column_text(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a typed column as text: whole numbers without decimals, dates as ISO."""
    if pd.api.types.is_bool_dtype(column):
        text = column.map({True: "true", False: "false"})
    elif pd.api.types.is_datetime64_any_dtype(column):
        text = column.map(_value_text, na_action="ignore")
    elif pd.api.types.is_integer_dtype(column):
        text = column.astype(str)
    else:
        distinct = {value: _value_text(value) for value in column.dropna().unique()}
        text = column.map(distinct)
    return text.astype(object).where(column.notna(), "").reset_index(drop=True)


def _value_text(value: Any) -> str:
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (float, np.floating)):
        return str(int(value)) if np.isfinite(value) and float(value).is_integer() else repr(float(value))
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, pd.Timestamp) or hasattr(value, "hour"):
        text = str(value.isoformat(sep=" ") if hasattr(value, "year") else value.isoformat())
        return text.removesuffix(" 00:00:00")
    return str(value.isoformat() if hasattr(value, "isoformat") else value)


def _in_ranges(code: str, ranges: list[Mapping[str, Any]]) -> bool:
    for each in ranges:
        low, high = each["lo"], each["hi"]
        if isinstance(low, str):
            if code == low.strip():
                return True
            continue
        try:
            if float(low) <= float(code) <= float(high):
                return True
        except ValueError:
            continue
    return False
