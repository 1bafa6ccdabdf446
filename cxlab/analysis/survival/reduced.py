"""Tables where they are: a Parquet file, a DuckDB relation, a Spark frame, grouped there into a risk table.

One grouped reduction, written once as narwhals expressions, counts who is alike in duration, event, entry and
all other columns asked; blanks and wrong codes are patterns like any other, so that what comes back is
checked as a table in memory is (`observed`). Of sampling weights it brings sums and sums of squares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from cxlab.analysis import engines
from cxlab.analysis.columns import shown
from cxlab.analysis.engines import collected, is_number, key
from cxlab.analysis.survival.wanted import Wanted
from cxlab.errors import AnalysisError, Message, Problem

Array = np.ndarray[Any, Any]

_SHOWN = 2_000  # different values of a wrong column that are brought to be told


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
    with engines.opened(table) as wrapped:
        frame = wrapped.lazy()
        used = [*asked.roles.values(), *asked.labels]
        schema = engines.schema_of(frame, used, weights=asked.weights, groups=asked.labels)
        engines.check_ids(frame, [*schema], persons=asked.several is None, cluster=asked.several)
        problems = _wrong(frame, asked, schema)
        labels = [] if problems else list(asked.labels)
        edges = {column: _edges(frame, column, k) for column, k in asked.bins.items() if column in labels}
        rows = _grouped(frame, asked, schema, labels, edges)
    return _brought(rows, asked, schema, labels, list(edges), problems)


def _wrong(frame: Any, asked: Wanted, schema: Mapping[str, Any]) -> list[Problem]:
    """Say which columns hold text or dates where numbers are asked for, as `observed` does of a frame."""
    problems = []
    for column in (asked.duration, asked.entry):
        if column is not None and not is_number(schema[column]):
            said = Message("no numbers ({value!r})", value=_values(frame, column)[0])
            allowed = Message("a number of months (or another unit)")
            action = Message("compute the time between the two dates first, or convert it in client.yaml")
            problems.append(_problem(frame, column, said, allowed, action))
    if not is_number(schema[asked.event]) and schema[asked.event] != nw.Boolean:
        said = Message("text ({values})", values=shown(map(repr, _values(frame, asked.event))))
        action = Message(
            "recode it under values in client.yaml, for instance Yes to 1 and No to 0; fill or exclude blanks"
        )
        problems.append(_problem(frame, asked.event, said, Message("0 (still here) or 1 (left)"), action))
    for column in asked.bins:
        if not is_number(schema[column]):
            said = Message("text or categories ({value!r})", value=_values(frame, column)[0])
            action = Message("only numbers are cut into bins: name the column without bins")
            problems.append(_problem(frame, column, said, Message("numbers"), action))
    return problems


def _values(frame: Any, column: str) -> list[str]:
    held = frame.select(cx=nw.col(column).cast(nw.String)).filter(~nw.col("cx").is_null())
    return collected(held.unique().sort("cx").head(_SHOWN))["cx"].astype(str).tolist() or [""]


def _problem(frame: Any, column: str, found: str, allowed: str, action: str) -> Problem:
    known = int(collected(frame.select(cx=nw.col(column).count()))["cx"].iloc[0])
    return Problem(found=found, allowed=allowed, action=action, column=column, count=max(known, 1))


def _edges(frame: Any, column: str, bins: int) -> Array:
    """Return the inner edges of `bins` quantile bins of the known values of a column, (bins - 1,)."""
    value = nw.col(column).cast(nw.Float64)
    held = frame.select(cx=value).filter(nw.col("cx").is_finite())
    shares = np.arange(1, bins) / bins
    asked = {f"q{k}": nw.col("cx").quantile(float(q), interpolation="linear") for k, q in enumerate(shares)}
    return np.asarray(collected(held.select(**asked)).to_numpy(dtype=float)[0])


def _binned(column: str, edges: Array) -> Any:
    """Return the number of each value's bin: how many edges it exceeds."""
    value = nw.col(column).cast(nw.Float64).fill_nan(None)
    above = nw.sum_horizontal(*(nw.when(value > float(e)).then(1).otherwise(0) for e in edges))
    return nw.when(~value.is_null()).then(above.cast(nw.Int64))


def _grouped(
    frame: Any, asked: Wanted, schema: Mapping[str, Any], labels: Sequence[str], edges: Mapping[str, Array]
) -> pd.DataFrame:
    """Make the one reduction: a row for each pattern, with what its rows add up to."""
    numeric = {n: c for n, c in asked.roles.items() if is_number(schema[c]) or schema[c] == nw.Boolean}
    keys = {n: key(c, schema[c]) for n, c in numeric.items()}
    keys |= {
        f"cx_l{k}": _binned(c, edges[c]) if c in edges else key(c, schema[c]) for k, c in enumerate(labels)
    }
    sums = {f"cx_s{k}": nw.col(c).cast(nw.Float64).fill_nan(None) for k, c in enumerate(labels) if c in edges}
    found = engines.grouped(frame, keys, weights=asked.weights, summed=sums)
    if found is None:
        raise AnalysisError(
            "more than {most} different patterns of duration, entry, event and covariates (different values: "
            "{columns}); cut a continuous covariate into bins, count time in months, or ask fewer columns",
            most=engines.MOST_PATTERNS,
            columns=engines.most_varied(frame, [*asked.roles.values(), *labels]),
        )
    return found


def _brought(
    rows: pd.DataFrame,
    asked: Wanted,
    schema: Mapping[str, Any],
    labels: Sequence[str],
    binned: Sequence[str],
    problems: Sequence[Problem],
) -> Grouped:
    """Name what came back as the table names it."""
    roles = [name for name in asked.roles if name in rows]
    count = rows["cx_n"].to_numpy(dtype=float)
    weight, squared, low, high = count, count, np.ones(len(rows)), np.ones(len(rows))
    if asked.weights:
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
    whole = {c: held.astype("Float64") if held.dtype == object else held for c, held in roles.items()}
    found = {c: held.to_numpy(float, na_value=np.nan) for c, held in whole.items()}
    return pd.DataFrame(found, index=roles.index)
