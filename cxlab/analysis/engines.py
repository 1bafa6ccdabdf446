"""Tables where they are: a Parquet file, a DuckDB relation, a Spark frame, opened, checked and grouped there.

`opened` is the one door: whatever it is given comes out as a frame of narwhals. `grouped` makes the one
reduction that brings something back: a row for each combination of values, with how many rows have it and
what their weights add up to. Blanks and wrong codes are values like any other, so that what comes back is
checked as a table in memory is.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from cxlab.analysis.columns import check_named_once, id_columns, of_repeated
from cxlab.analysis.estimates import absent
from cxlab.errors import AnalysisError, Message, Problem

Array = np.ndarray[Any, Any]

MOST_PATTERNS = 2_000_000  # what one machine analyses in seconds and within a gigabyte or so
# Nothing is fetched from a net or left on the disk; what does not fit is set aside in a folder of its own.
_CLOSED = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "memory_limit": "1GB",
}


@contextmanager
def opened(table: Any) -> Iterator[Any]:
    """Give the table as a frame of narwhals: a path through a connection of its own, closed at the end.

    Raises
    ------
    AnalysisError
        Where the table is none, or cannot be read, also later, while it is used.
    """
    if isinstance(table, pd.DataFrame):
        yield nw.from_native(table)
        return
    import duckdb  # here: the process that kernels are forked from loads this module, and must not load that

    try:
        if isinstance(table, str | Path):
            with _file(Path(table)) as frame:
                yield frame
        else:
            yield _wrapped(table)
    except duckdb.Error as error:
        # The kind alone: what DuckDB says of a value shows it.
        raise AnalysisError(
            "the table cannot be read where it is ({why})", why=type(error).__name__
        ) from None


@contextmanager
def _file(path: Path) -> Iterator[Any]:
    import duckdb

    with tempfile.TemporaryDirectory(prefix="cxlab-") as aside:
        connection = duckdb.connect(":memory:", config={**_CLOSED, "temp_directory": aside})
        try:
            files = path / "**" / "*.parquet" if path.is_dir() else path
            yield nw.from_native(connection.read_parquet(str(files)))
        except (duckdb.IOException, duckdb.InvalidInputException):
            raise AnalysisError(
                "no Parquet file can be read at {path}; give the path of a .parquet file, of a folder of "
                "them, or a pattern such as waves/*.parquet",
                path=path.name,
            ) from None
        finally:
            connection.close()


def _wrapped(table: Any) -> Any:
    try:
        return nw.from_native(table)
    except TypeError:
        raise AnalysisError(
            "the table is a {kind}; give a pandas DataFrame, the path of a Parquet file, a DuckDB relation "
            "or a Spark frame",
            kind=type(table).__name__,
        ) from None


def schema_of(
    frame: Any, used: Iterable[str], *, weights: str | None, groups: Iterable[str]
) -> dict[str, Any]:
    """Return the type of each column; refuse what lacks one of `used`, weights in words, groups of lists."""
    held = frame.collect_schema()
    check_named_once(held.names())
    schema = dict(held)
    gone = absent(schema, [*used, *([weights] if weights else [])])
    if gone:
        raise gone
    if weights and not is_number(schema[weights]):
        raise AnalysisError(
            "weights column {column!r} is not numeric; convert it in client.yaml", column=weights
        )
    for column in groups:
        if schema[column].is_nested():
            raise AnalysisError(
                "column {column!r} holds lists or mappings, which cannot name groups; give one value a row",
                column=column,
            )
    return schema


def is_number(kind: Any) -> bool:
    """Tell whether a type of narwhals holds numbers."""
    return bool(kind.is_numeric())


def key(column: str, kind: Any) -> Any:
    """Read a column that is grouped by: whole numbers as they are stored, other numbers as floats, text."""
    held = nw.col(column)
    if kind.is_integer():
        return held  # a quarter of the time less than as floats; pandas makes them alike
    if kind.is_numeric() or kind == nw.Boolean:
        return held.cast(nw.Float64).fill_nan(None) if kind.is_numeric() else held
    return held.cast(nw.String) if kind in (nw.Categorical, nw.Enum) else held


def collected(frame: Any) -> pd.DataFrame:
    """Bring a small table; texts come as categories in their order: a million patterns have the same few."""
    table = frame.collect("pyarrow").to_native()
    found: pd.DataFrame = table.to_pandas(strings_to_categorical=True, date_as_object=False)
    texts = [column for column in found if isinstance(found[column].dtype, pd.CategoricalDtype)]
    sorted_ = {str(c): found[c].cat.reorder_categories(sorted(found[c].cat.categories)) for c in texts}
    return found.assign(**sorted_)


def check_ids(frame: Any, names: Sequence[str], *, persons: bool, cluster: str | None) -> None:
    """Refuse answers and customers that stand twice, as `columns.check_rows` does."""
    responses, people = id_columns(names, persons=persons)
    whole = [] if responses else [column for column in people if column != cluster]
    for column in [*responses, *(people if persons else whole)]:
        held = frame.filter(~nw.col(column).is_null())
        alike = names if not persons and column in people else [column]
        again = held.group_by(*alike).agg(cx_n=nw.len()).filter(nw.col("cx_n") > 1)
        total = collected(again.select(rows=nw.col("cx_n").sum(), ids=nw.len()))
        if total["ids"].iloc[0]:
            first = collected(again.select(cx_id=nw.col(column)).unique().sort("cx_id").head(6))["cx_id"]
            twice = column in people and persons
            raise of_repeated(column, [*map(str, first)], int(total["rows"].iloc[0]), persons=twice)


def grouped(
    frame: Any, keys: Mapping[str, Any], *, weights: str | None, summed: Mapping[str, Any] | None = None
) -> pd.DataFrame | None:
    """Make the one reduction: a row for each pattern, with what its rows add up to.

    Returns
    -------
    DataFrame or None
        The `keys`, the sums of what is `summed`, and ``cx_n`` (rows); with weights, which are checked,
        ``cx_w`` (their sum), ``cx_w2`` (of squares), ``cx_low`` and ``cx_high``: rows of weight zero make
        patterns of their own. None where there are more than 2,000,000 patterns.
    """
    keys, summed = dict(keys), dict(summed or {})
    if weights:
        w = nw.col(weights).cast(nw.Float64).fill_nan(None)
        good = nw.when(w.is_finite() & (w >= 0)).then(w)
        summed |= {"cx_w": good, "cx_w2": good * good, "cx_low": w, "cx_high": w}
        keys |= {"cx_zero": w == 0, "cx_blank": w.is_null()}
    how = {"cx_low": "min", "cx_high": "max"}
    asked = {"cx_n": nw.len(), **{n: getattr(nw.col(n), how.get(n, "sum"))() for n in summed}}
    if keys:
        rows = frame.select(**keys, **summed).group_by(*keys).agg(**asked)
    else:
        rows = frame.select(cx=nw.lit(1), **summed).select(**asked)
    found = collected(rows.head(MOST_PATTERNS + 1))
    if len(found) > MOST_PATTERNS:
        return None
    if not len(found) or not found["cx_n"].sum():
        raise AnalysisError("the table has no rows; nothing can be estimated")
    if weights:
        _check_weights(found, weights)
    return found.drop(columns=["cx_zero", "cx_blank"]) if weights else found


def most_varied(frame: Any, columns: Sequence[str]) -> str:
    """Name the three of `columns` with most values, and how many: those that make too many patterns."""
    asked = frame.select(**{f"c{k}": nw.col(c).n_unique() for k, c in enumerate(columns)})
    different = collected(asked).iloc[0].astype(int)
    most = sorted(zip(columns, different, strict=True), key=lambda pair: -pair[1])[:3]
    return ", ".join(f"{column} {count}" for column, count in most)


def _check_weights(rows: pd.DataFrame, column: str) -> None:
    low, high = (rows[name].to_numpy(dtype=float) for name in ("cx_low", "cx_high"))
    bad = np.isnan(low) | (low < 0) | np.isinf(high)
    if bad.any():
        value = np.nanmin(low) if (low < 0).any() else np.nan if np.isnan(low).any() else np.inf
        raise AnalysisError(
            "weights column {column!r} cannot be used",
            column=column,
            problems=[
                Problem(
                    found=str(value), allowed=Message("a finite number, zero or more"), column=column,
                    action=Message("correct the weight or exclude the row in client.yaml"),
                    count=int(rows["cx_n"].to_numpy()[bad].sum()),
                )
            ],
        )  # fmt: skip
    if not high.max() > 0:
        raise AnalysisError("weights column {column!r} sums to zero; nothing can be estimated", column=column)
