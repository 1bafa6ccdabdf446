"""Typed columns to cells as text: of Parquet here, of a query's result likewise.

Whole numbers stay exact however many digits they have; what is no single value is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cxlab.errors import InputError, Message, Problem
from cxlab.intake.coded import Coded
from cxlab.intake.files.reading import MOST_CELLS, Reading, Wanted, checked_header, fault, held

ColumnAt = Callable[[int], Coded]


def read_parquet(content: bytes, *, file: str, decimal: str = ".", wanted: Wanted | None = None) -> Reading:
    """Read a Parquet file of plain columns, page checksums verified where it has them.

    Parameters
    ----------
    content : bytes
    file : str
        What the messages call it.
    decimal : str
        How the source writes numbers in text; stored numbers are written so too.
    wanted : callable, optional
        Given all headers, returns those whose cells are needed.

    Raises
    ------
    InputError
        If it is cut, damaged, too large, or has nested columns.
    """
    try:
        source = pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True)
        schema, rows = source.schema_arrow, source.metadata.num_rows
        refuse_size(rows * len(schema), file=file)
        refuse_kinds(schema, file=file)
        names = list(schema.names)

        def column(at: int) -> Coded:
            return coded(source.reader.read_column(at), decimal=decimal)

        return reading_of(names, column, rows, file=file, wanted=wanted)
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise damaged(file, error, Message("a whole Parquet file")) from None


def reading_of(
    names: Sequence[str],
    column: ColumnAt,
    rows: int,
    *,
    file: str,
    wanted: Wanted | None = None,
    **said: Any,
) -> Reading:
    """Return typed columns as a reading.

    Parameters
    ----------
    names : sequence of str
        Of the columns, as stored.
    column : callable
        Gives the column at a place.
    rows : int
    file : str
    wanted : callable, optional
        Given all headers, returns those whose cells are needed; the others only tell whether a row is blank.
    **said
        What else the reading says.

    Raises
    ------
    InputError
        If there is no row, or a name is missing or given twice.
    """
    header = checked_header(names, file=file, row=0)
    needed = set(header) if wanted is None else {"", *wanted([name for name in header if name])}
    full = np.zeros(rows, dtype=bool)
    columns: dict[int, Coded] = {}
    for at, name in enumerate(header):
        found = column(at)
        full |= ~found.among(("",))
        if name in needed or not name:
            columns[at] = found
    if not full.all():
        columns = {at: each.kept(full) for at, each in columns.items()}
    lines = np.flatnonzero(full) + 1
    headers, cells = held(columns, header, rows=len(lines), file=file, header_row=0)
    return Reading(
        columns=cells,
        headers=headers,
        lines=lines,
        read=rows,
        skipped={"blank lines": rows - len(lines)} if len(lines) < rows else {},
        typed=True,
        doubts=[
            _infinite(cells[name], lines, name, file=file) for name in cells if _has_infinite(cells[name])
        ],
        **said,
    )


def _has_infinite(column: Coded) -> bool:
    return bool(column.among(("inf", "-inf")).any())


def _infinite(column: Coded, lines: npt.NDArray[np.int64], name: str, *, file: str) -> Problem:
    rows = np.flatnonzero(column.among(("inf", "-inf")))
    return Problem(
        Message("infinite values"),
        Message("finite numbers"),
        Message("correct them in the file"),
        file=file,
        column=name,
        row=int(lines[rows[0]]),
        count=len(rows),
    )


def refuse_size(cells: int, *, file: str) -> None:
    """Refuse a table of more cells than a client's data can have.

    Raises
    ------
    InputError
    """
    if cells > MOST_CELLS:
        raise fault(
            file,
            Message("{n} cells", n=cells),
            Message("at most {n}", n=MOST_CELLS),
            Message("keep only the columns and rows that are needed"),
        )


def damaged(file: str, error: Exception, allowed: str) -> InputError:
    """Return the error of a file that its own reader could not read."""
    if isinstance(error, InputError):
        return error
    why = " ".join(str(error).split())[:120]
    return fault(
        file,
        Message("a file that cannot be read ({why})", why=why or type(error).__name__),
        allowed,
        Message("ask for the file again: it may have been cut on its way"),
    )


def refuse_kinds(schema: Any, *, file: str) -> None:
    """Refuse columns that do not hold one value in each cell.

    Raises
    ------
    InputError
        Naming them.
    """
    nested = [each.name for each in schema if pa.types.is_nested(_plain(each.type))]
    if nested:
        raise fault(
            file,
            Message("nested columns: {names}", names=", ".join(nested[:10])),
            Message("one value in each cell"),
            Message("flatten them before saving"),
        )


def _plain(kind: Any) -> Any:
    """Return the type of the values: of a dictionary or an extension, what they are made of."""
    if pa.types.is_dictionary(kind):
        return _plain(kind.value_type)
    return _plain(kind.storage_type) if isinstance(kind, pa.BaseExtensionType) else kind


def coded(column: Any, *, decimal: str = ".") -> Coded:
    """Return an arrow column as text: whole numbers exact and without decimals, dates as ISO.

    Examples
    --------
    >>> coded(pa.chunked_array([[1.0, None, 2.5]]), decimal=",").distinct
    ['1', '', '2,5']
    """
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(whole, pa.ChunkedArray):  # too large for one array
        whole = whole.cast(pa.large_string()).combine_chunks()
    if isinstance(whole.type, pa.BaseExtensionType):
        whole = pa.array([None if each is None else str(each) for each in whole.to_pylist()], pa.string())
    if pa.types.is_interval(whole.type):
        raise pa.ArrowNotImplementedError(str(whole.type))
    if pa.types.is_null(whole.type):
        return Coded.one("", len(whole))
    held_by = whole if pa.types.is_dictionary(whole.type) else whole.dictionary_encode()
    codes = held_by.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return of_codes(codes, _texts(held_by.dictionary, decimal))


def of_codes(codes: npt.NDArray[np.int64], texts: Sequence[str]) -> Coded:
    """Return a coded column from the place of each row's text in `texts`; -1 is an empty cell."""
    by_text, distinct = pd.factorize(np.array([*texts, ""], dtype=object))
    # In a factorised column each text is there once, in the order of its first row.
    rows, places = pd.factorize(by_text[codes])
    return Coded(rows.astype(np.int32), pa.array([str(distinct[at]) for at in places], pa.large_string()))


def _texts(values: Any, decimal: str) -> list[str]:
    """Return distinct values as text; a number that is none is an empty one."""
    kind = values.type
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        values = values.cast(pa.large_binary()).cast(pa.large_string())
    elif pa.types.is_floating(kind):
        return [_float_text(each, decimal) for each in values.to_numpy(zero_copy_only=False)]
    elif pa.types.is_timestamp(kind):
        # Whole microseconds are what Python's moments hold; nanoseconds beyond are noise of a clock.
        values = values.cast(pa.timestamp("us", kind.tz), safe=False)
    elif pa.types.is_time64(kind):
        values = values.cast(pa.time64("us"), safe=False)
    elif pa.types.is_duration(kind):
        values = values.cast(pa.duration("us"), safe=False)
    return ["" if each is None else value_text(each, decimal) for each in values.to_pylist()]


def _float_text(value: Any, decimal: str) -> str:
    """Return a number in the fewest digits that tell it from its neighbours, at its own precision."""
    if np.isnan(value):
        return ""
    if np.isfinite(value) and float(value).is_integer():
        return str(int(value))
    return str(value.item() if value.dtype == np.float64 else value).replace(".", decimal)


def value_text(value: Any, decimal: str = ".") -> str:
    """Return one value as text.

    Examples
    --------
    >>> value_text(True), value_text(Decimal("1.50"), ","), value_text(timedelta(hours=30))
    ('true', '1,5', '30:00:00')
    """
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (float, np.floating)):
        return _float_text(np.asarray(value)[()], decimal)
    if isinstance(value, Decimal):
        text = format(value, "f")
        return (text.rstrip("0").rstrip(".") if "." in text else text).replace(".", decimal)
    if isinstance(value, timedelta):
        hours, rest = divmod(round(abs(value).total_seconds()), 3_600)
        return f"{'-' if value < timedelta(0) else ''}{hours:02d}:{rest // 60:02d}:{rest % 60:02d}"
    if hasattr(value, "hour") and hasattr(value, "year"):
        return str(value.isoformat(sep=" ")).removesuffix(" 00:00:00")
    return str(value.isoformat() if hasattr(value, "isoformat") else value)
