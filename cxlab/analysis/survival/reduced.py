"""Tables where they are: a Parquet file, a DuckDB relation, a Spark frame, grouped there into a risk table.

One grouped reduction, written once as narwhals expressions, counts who is alike in duration, event, entry and
all other columns asked; blanks and wrong codes are patterns like any other, so that what comes back is
checked as a table in memory is (`observed`). Of sampling weights it brings sums and sums of squares.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from cxlab.analysis.columns import check_named_once, id_columns, of_repeated, shown
from cxlab.analysis.estimates import absent
from cxlab.analysis.survival.wanted import Wanted
from cxlab.errors import AnalysisError, Message, Problem

Array = np.ndarray[Any, Any]

MOST_CELLS = 2_000_000  # what one machine analyses in seconds and within a gigabyte or so
_SHOWN = 2_000  # different values of a wrong column that are brought to be told
# Nothing is fetched from a net or left on the disk; what does not fit is set aside in a folder of its own.
_CLOSED = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "memory_limit": "1GB",
}


@dataclass(frozen=True, slots=True, eq=False)
class Grouped:
    """Who is alike: `roles` and `labels` (cells, columns), and `count` (cells,), how many rows they are.

    Of their weights there are the sums `weight`, those of squares `squared`, the least `low` and the greatest
    `high` (cells,); `sums` of the values of binned columns; `problems` of columns that were not grouped by.
    """

    roles: pd.DataFrame
    labels: pd.DataFrame
    count: Array
    weight: Array
    squared: Array
    low: Array
    high: Array
    sums: Mapping[str, Array]
    problems: Sequence[Problem]


def reduced(table: Any, asked: Wanted) -> Grouped:
    """Group a table that is not in memory; refuse repeated ids, unusable weights, too many patterns.

    Raises
    ------
    AnalysisError
        Where the table is none, cannot be read, has not the columns, repeats customers, has unusable weights
        or more than 2,000,000 different patterns.
    """
    import duckdb  # here: the process that kernels are forked from loads this module, and must not load that

    with _opened(table) as frame:
        try:
            return _reduced(frame, asked)
        except duckdb.Error as error:
            # The kind alone: what DuckDB says of a value shows it.
            raise AnalysisError(
                "the table cannot be read where it is ({why})", why=type(error).__name__
            ) from None


@contextmanager
def _opened(table: Any) -> Iterator[Any]:
    """Give the table as a lazy frame of narwhals; a path through a connection of its own."""
    if not isinstance(table, str | Path):
        yield _wrapped(table)
        return
    import duckdb

    path = Path(table)
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
        return nw.from_native(table).lazy()
    except TypeError:
        raise AnalysisError(
            "the table is a {kind}; give a pandas DataFrame, the path of a Parquet file, a DuckDB relation "
            "or a Spark frame",
            kind=type(table).__name__,
        ) from None


def _reduced(frame: Any, asked: Wanted) -> Grouped:
    names = frame.collect_schema().names()
    check_named_once(names)
    used = [*asked.roles.values(), *asked.labels, *([asked.weights] if asked.weights else [])]
    gone = absent(names, used)
    if gone:
        raise gone
    schema = dict(frame.collect_schema())
    if asked.weights and not _is_number(schema[asked.weights]):
        raise AnalysisError(
            "weights column {column!r} is not numeric; convert it in client.yaml", column=asked.weights
        )
    for column in asked.labels:
        if schema[column].is_nested():
            raise AnalysisError(
                "column {column!r} holds lists or mappings, which cannot name groups; give one value a row",
                column=column,
            )
    _check_ids(frame, names, asked.several)
    problems = _wrong(frame, asked, schema)
    labels = [] if problems else list(asked.labels)
    edges = {column: _edges(frame, column, k) for column, k in asked.bins.items() if column in labels}
    rows = _grouped(frame, asked, schema, labels, edges)
    return _brought(rows, asked, schema, labels, list(edges), problems)


def _wrong(frame: Any, asked: Wanted, schema: Mapping[str, Any]) -> list[Problem]:
    """Say which columns hold text or dates where numbers are asked for, as `observed` does of a frame."""
    problems = []
    for column in (asked.duration, asked.entry):
        if column is not None and not _is_number(schema[column]):
            said = Message("no numbers ({value!r})", value=_values(frame, column)[0])
            allowed = Message("a number of months (or another unit)")
            action = Message("compute the time between the two dates first, or convert it in client.yaml")
            problems.append(_problem(frame, column, said, allowed, action))
    if not _is_number(schema[asked.event]) and schema[asked.event] != nw.Boolean:
        said = Message("text ({values})", values=shown(map(repr, _values(frame, asked.event))))
        action = Message(
            "recode it under values in client.yaml, for instance Yes to 1 and No to 0; fill or exclude blanks"
        )
        problems.append(_problem(frame, asked.event, said, Message("0 (still here) or 1 (left)"), action))
    for column in asked.bins:
        if not _is_number(schema[column]):
            said = Message("text or categories ({value!r})", value=_values(frame, column)[0])
            action = Message("only numbers are cut into bins: name the column without bins")
            problems.append(_problem(frame, column, said, Message("numbers"), action))
    return problems


def _values(frame: Any, column: str) -> list[str]:
    held = frame.select(cx=nw.col(column).cast(nw.String)).filter(~nw.col("cx").is_null())
    return _collect(held.unique().sort("cx").head(_SHOWN))["cx"].astype(str).tolist() or [""]


def _problem(frame: Any, column: str, found: str, allowed: str, action: str) -> Problem:
    known = int(_collect(frame.select(cx=nw.col(column).count()))["cx"].iloc[0])
    return Problem(found=found, allowed=allowed, action=action, column=column, count=max(known, 1))


def _is_number(kind: Any) -> bool:
    return bool(kind.is_numeric())


def _collect(frame: Any) -> pd.DataFrame:
    table = frame.collect("pyarrow").to_native()
    # Texts come as categories, in their order: a million patterns have the same few.
    found: pd.DataFrame = table.to_pandas(strings_to_categorical=True, date_as_object=False)
    texts = [column for column in found if isinstance(found[column].dtype, pd.CategoricalDtype)]
    sorted_ = {str(c): found[c].cat.reorder_categories(sorted(found[c].cat.categories)) for c in texts}
    return found.assign(**sorted_)


def _check_ids(frame: Any, names: Sequence[str], several: str | None) -> None:
    """Refuse answers and customers that stand twice, as `check_rows` does."""
    responses, people = id_columns(names, persons=several is None)
    whole = [] if responses else [column for column in people if column != several]
    for column in [*responses, *(people if several is None else whole)]:
        held = frame.filter(~nw.col(column).is_null())
        alike = names if several is not None and column in people else [column]
        again = held.group_by(*alike).agg(cx_n=nw.len()).filter(nw.col("cx_n") > 1)
        total = _collect(again.select(rows=nw.col("cx_n").sum(), ids=nw.len()))
        if total["ids"].iloc[0]:
            first = _collect(again.select(cx_id=nw.col(column)).unique().sort("cx_id").head(6))["cx_id"]
            persons = column in people and several is None
            raise of_repeated(column, [*map(str, first)], int(total["rows"].iloc[0]), persons=persons)


def _edges(frame: Any, column: str, bins: int) -> Array:
    """Return the inner edges of `bins` quantile bins of the known values of a column, (bins - 1,)."""
    value = nw.col(column).cast(nw.Float64)
    held = frame.select(cx=value).filter(nw.col("cx").is_finite())
    shares = np.arange(1, bins) / bins
    asked = {f"q{k}": nw.col("cx").quantile(float(q), interpolation="linear") for k, q in enumerate(shares)}
    return np.asarray(_collect(held.select(**asked)).to_numpy(dtype=float)[0])


def _own(column: str, kind: Any) -> Any:
    """Read a column that is grouped by: whole numbers as they are stored, other numbers as floats, text."""
    held = nw.col(column)
    if kind.is_integer():
        return held  # a quarter of the time less than as floats; pandas makes them alike
    if kind.is_numeric() or kind == nw.Boolean:
        return held.cast(nw.Float64).fill_nan(None) if kind.is_numeric() else held
    return held.cast(nw.String) if kind in (nw.Categorical, nw.Enum) else held


def _binned(column: str, edges: Array) -> Any:
    """Return the number of each value's bin: how many edges it exceeds."""
    value = nw.col(column).cast(nw.Float64).fill_nan(None)
    above = nw.sum_horizontal(*(nw.when(value > float(e)).then(1).otherwise(0) for e in edges))
    return nw.when(~value.is_null()).then(above.cast(nw.Int64))


def _grouped(
    frame: Any, asked: Wanted, schema: Mapping[str, Any], labels: Sequence[str], edges: Mapping[str, Array]
) -> pd.DataFrame:
    """Make the one reduction: a row for each pattern, with what its rows add up to."""
    numeric = {n: c for n, c in asked.roles.items() if _is_number(schema[c]) or schema[c] == nw.Boolean}
    keys = {n: _own(c, schema[c]) for n, c in numeric.items()}
    keys |= {
        f"cx_l{k}": _binned(c, edges[c]) if c in edges else _own(c, schema[c]) for k, c in enumerate(labels)
    }
    summed: dict[str, Any] = {}
    if asked.weights:
        w = nw.col(asked.weights).cast(nw.Float64).fill_nan(None)
        good = nw.when(w.is_finite() & (w >= 0)).then(w)
        summed = {"cx_w": good, "cx_w2": good * good, "cx_low": w, "cx_high": w}
        keys |= {"cx_zero": w == 0, "cx_blank": w.is_null()}
    summed |= {
        f"cx_s{k}": nw.col(c).cast(nw.Float64).fill_nan(None) for k, c in enumerate(labels) if c in edges
    }
    how = {"cx_low": "min", "cx_high": "max"}
    asked_for = {"cx_n": nw.len(), **{n: getattr(nw.col(n), how.get(n, "sum"))() for n in summed}}
    rows = frame.select(**keys, **summed).group_by(*keys).agg(**asked_for)
    found = _collect(rows.head(MOST_CELLS + 1))
    if len(found) > MOST_CELLS:
        raise _too_many(frame, [*asked.roles.values(), *labels])
    return found


def _too_many(frame: Any, columns: Sequence[str]) -> AnalysisError:
    different = _collect(frame.select(**{f"c{k}": nw.col(c).n_unique() for k, c in enumerate(columns)})).iloc[
        0
    ]
    most = sorted(zip(columns, different.astype(int), strict=True), key=lambda pair: -pair[1])[:3]
    return AnalysisError(
        "more than {most} different patterns of duration, entry, event and covariates (different values: "
        "{columns}); cut a continuous covariate into bins, count time in months, or ask fewer columns",
        most=MOST_CELLS, columns=", ".join(f"{column} {count}" for column, count in most),
    )  # fmt: skip


def _brought(
    rows: pd.DataFrame,
    asked: Wanted,
    schema: Mapping[str, Any],
    labels: Sequence[str],
    binned: Sequence[str],
    problems: Sequence[Problem],
) -> Grouped:
    """Name what came back as the table names it, in an order of its own."""
    if not len(rows):
        raise AnalysisError("the table has no rows; nothing can be estimated")
    roles = [name for name in asked.roles if name in rows]
    rows = rows.sort_values(roles, kind="stable", ignore_index=True) if roles else rows
    count = rows["cx_n"].to_numpy(dtype=float)
    weight, squared, low, high = count, count, np.ones(len(rows)), np.ones(len(rows))
    if asked.weights:
        _check_weights(rows, asked.weights, count)
        sums = rows[["cx_w", "cx_w2", "cx_low", "cx_high"]].to_numpy(dtype=float)
        weight, squared, low, high = sums.T
    held = pd.DataFrame({column: rows[f"cx_l{k}"] for k, column in enumerate(labels)}, index=rows.index)
    for column in labels:
        if schema[column].is_integer():
            held[column] = held[column].astype("Int64" if held[column].hasnans else "int64")
    return Grouped(
        _numbers(rows[roles]).set_axis([asked.roles[name] for name in roles], axis=1),
        held, count, weight, squared, low, high,
        {c: rows[f"cx_s{labels.index(c)}"].to_numpy(dtype=float) for c in binned}, problems,
    )  # fmt: skip


def _numbers(roles: pd.DataFrame) -> pd.DataFrame:
    """Return whole numbers and yes and no as floats, blanks as NaN."""
    return pd.DataFrame({column: held.astype("Float64").to_numpy(float, na_value=np.nan)
                         for column, held in roles.items()}, index=roles.index)  # fmt: skip


def _check_weights(rows: pd.DataFrame, column: str, count: Array) -> None:
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
                    count=int(count[bad].sum()),
                )
            ],
        )  # fmt: skip
    if not high.max() > 0:
        raise AnalysisError("weights column {column!r} sums to zero; nothing can be estimated", column=column)
