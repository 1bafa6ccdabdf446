"""Tables of respondents that are not in memory, brought as patterns: who is alike in all that a score needs.

Answers, segments, strata and clusters are grouped where the table is, and what comes back is read as one in
memory is, each row standing for many: a weighted sum over rows is one over patterns with their sums of
weights, and a sum of squares one with their sums of squared weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.columns import check_rows
from cxlab.analysis.sampling import Population, Weights
from cxlab.analysis.weighting import Alike, Weighting
from cxlab.errors import AnalysisError


def readable(
    table: Any,
    columns: Sequence[str],
    weights: Weights,
    strata: str | None,
    cluster: str | None,
    population: Population,
    scales: Mapping[str, Sequence[float]] | None,
) -> tuple[pd.DataFrame, Alike | None]:
    """Give a table that can be scored: one in memory as it is, checked, any other as `patterns`.

    `columns` are the answers and segments. Declared scales are among the attributes of what comes back.

    Raises
    ------
    AnalysisError
        As `columns.check_rows` and `patterns`; if the weights are not a column of a table that is elsewhere.
    """
    if isinstance(table, pd.DataFrame):
        check_rows(table, cluster=cluster)
        if scales is None:
            return table, None
        held = table.copy(deep=False)
        held.attrs = {**table.attrs, "scales": dict(scales)}
        return held, None
    if isinstance(weights, Weighting):
        raise AnalysisError(
            "weights were made of the rows of a table in memory, and this one is elsewhere; "
            "write them into it as a column, and name that"
        )
    design = [name for name in (strata, cluster, population) if isinstance(name, str)]
    return patterns(table, [*columns, *design], weights=weights, cluster=cluster, scales=scales)


def patterns(
    table: Any,
    columns: Sequence[str],
    *,
    weights: str | None,
    cluster: str | None,
    scales: Mapping[str, Sequence[float]] | None,
) -> tuple[pd.DataFrame, Alike]:
    """Group a table where it is by `columns`.

    Parameters
    ----------
    table : path, DuckDB relation, Spark frame or other lazy table
        One row per respondent.
    columns : sequence of str
        All columns but the weights; blanks and wrong codes are values like any other.
    weights, cluster : str or None
        As in `cxlab.analysis.metrics.score`.
    scales : Mapping or None
        Declared scales, for the attributes of what comes back.

    Returns
    -------
    DataFrame, Alike
        One row per pattern, with the `columns`; and what its rows add up to.

    Raises
    ------
    AnalysisError
        Where the table cannot be read, has not the columns, repeats answers, has unusable weights or more
        than 2,000,000 patterns.
    """
    from cxlab.analysis import engines  # loaded by the first table that needs it: a tenth of a second

    columns = list(dict.fromkeys(columns))
    with engines.opened(table) as wrapped:
        frame = wrapped.lazy()
        schema = engines.schema_of(frame, columns, weights=weights, groups=columns)
        engines.check_ids(frame, [*schema], persons=False, cluster=cluster)
        keys = {f"cx_{k}": engines.key(column, schema[column]) for k, column in enumerate(columns)}
        rows = engines.grouped(frame, keys, weights=weights)
        if rows is None:
            raise AnalysisError(
                "more than {most} different patterns of answers, segments and clusters (different values: "
                "{columns}); ask fewer indices at once, or columns with fewer values",
                most=engines.MOST_PATTERNS,
                columns=engines.most_varied(frame, columns),
            )
    # In an order of its own: an engine gives them in any, and sums would differ in their last digits.
    rows = rows.sort_values([*keys], kind="stable", ignore_index=True) if keys else rows
    found = pd.DataFrame({c: _as_held(rows[f"cx_{k}"], schema[c]) for k, c in enumerate(columns)})
    found.attrs["scales"] = dict(scales or {})
    count = rows["cx_n"].to_numpy(dtype=float)
    ones = np.ones(len(rows))
    if weights is None:
        return found, Alike(count, count, count, ones, ones)
    return found, Alike(count, *rows[["cx_w", "cx_w2", "cx_low", "cx_high"]].to_numpy(dtype=float).T)


def _as_held(column: pd.Series[Any], kind: Any) -> pd.Series[Any]:
    """Give text as text, and whole numbers as such."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.astype(object)
    return column.astype("Int64" if column.hasnans else "int64") if kind.is_integer() else column
