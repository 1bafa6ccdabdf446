"""Importance within segments: the same division of what explains an outcome, segment by segment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.columns import check_categories, check_rows, named
from cxlab.analysis.drivers.outcomes import OutcomeType
from cxlab.analysis.drivers.ratings import NotApplicable
from cxlab.analysis.drivers.shares import DriverImportance, Method, importance
from cxlab.analysis.dropped import SEGMENT_OUT, entering, missing
from cxlab.analysis.estimates import LOW_BASE, MINIMUM_CUSTOMERS, Result, check_columns
from cxlab.errors import AnalysisError, Message


@dataclass(frozen=True, eq=False, kw_only=True)
class SegmentImportance(Result):
    """Importance in each segment; see `importance_by` for the columns."""


def importance_by(
    table: pd.DataFrame,
    outcome: str,
    drivers: Sequence[str],
    *,
    by: Sequence[str],
    outcome_type: OutcomeType = "numeric",
    method: Method = "lmg",
    weights: str | None = None,
    strata: str | None = None,
    cluster: str | None = None,
    controls: Sequence[str] = (),
    not_applicable: NotApplicable = "indicator",
    min_rated: int = LOW_BASE,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> SegmentImportance:
    """Divide what explains an outcome among drivers, within each segment.

    This describes; segments are not compared with each other by a test, so nothing is claimed.

    Parameters
    ----------
    table, outcome, drivers
        As in `cxlab.analysis.drivers.importance`.
    outcome_type, method, weights, strata, cluster, controls, not_applicable
        As there.
    min_rated, resamples, level, seed
        As there; each segment draws from a seed of its own.
    by : sequence of str
        Columns whose combinations are the segments; with none there is nothing to split and the
        result's tables are empty.

    Returns
    -------
    SegmentImportance
        ``table``: ``*by`` and the columns of `importance`. ``tables["left_out"]``: ``*by``, n, reason,
        for segments with fewer than 10 answers or in which importance cannot be estimated.

    Raises
    ------
    AnalysisError
        If a column is missing, or `by` names the outcome or a driver.

    References
    ----------
    Groemping (2006), doi:10.18637/jss.v017.i01.

    Examples
    --------
    >>> answers = pd.DataFrame({"overall": [7, 5, 6, 2, 3, 4, 6, 1] * 4, "ease": [7, 4, 6, 2, 3, 5, 6, 2] * 4,
    ...                         "price": [3, 5, 6, 2, 5, 3, 4, 3] * 4, "plan": ["a"] * 16 + ["b"] * 16})
    >>> result = importance_by(answers, "overall", ["ease", "price"], by=["plan"], resamples=0)
    >>> result.table[["plan", "driver", "share"]].round(3).values.tolist()
    [['a', 'ease', 0.9], ['a', 'price', 0.1], ['b', 'ease', 0.9], ['b', 'price', 0.1]]
    """
    by, drivers, controls = named(by), named(drivers), named(controls)
    check_rows(table)
    check_columns(table, [*by, outcome, *drivers])
    check_categories(table, by)
    twice = sorted(set(by) & {outcome, *drivers, *controls, *([weights] if weights else [])})
    if twice:
        raise AnalysisError(
            "{columns} cannot both split the table and be analysed; take it out of `by`",
            columns=", ".join(twice),
        )
    found: list[pd.DataFrame] = []
    left_out: list[dict[str, Any]] = []
    empty = [(missing(column), table[column].isna().to_numpy(dtype=bool)) for column in by]
    dropped = entering(len(table), empty)[1]
    used, choices = 0, {
        "outcome_type": outcome_type, "method": method, "weights": weights, "strata": strata,
        "cluster": cluster, "controls": controls,
        "not_applicable": not_applicable, "min_rated": min_rated, "resamples": resamples, "level": level,
    }  # fmt: skip
    groups = table.groupby(list(by), sort=True, observed=True) if by else ()
    seeds = np.random.SeedSequence(seed).generate_state(max(len(groups), 1))
    for (key, rows), own in zip(groups, seeds.tolist(), strict=False):
        names: dict[str, Any] = dict(zip(by, key, strict=True))
        part = _part(rows, outcome, drivers, {**choices, "seed": own})
        if isinstance(part, DriverImportance):
            used += part.n_used
            for reason, count in part.n_dropped.items():
                dropped[reason] = dropped.get(reason, 0) + count
            found.append(part.table.assign(**names)[[*by, *part.table.columns]])
        else:
            left_out.append({**names, "n": len(rows), "reason": part})
    if left_out:
        dropped[SEGMENT_OUT] = sum(row["n"] for row in left_out)
    return SegmentImportance(
        table=pd.concat(found, ignore_index=True) if found else pd.DataFrame(),
        keys=(*by, "driver", "reason"),
        estimate_column="share",
        tables={"left_out": _left_out(left_out, by)},
        n_used=used,
        n_dropped=dropped,
        settings={"outcome": outcome, "drivers": drivers, "by": by, **choices, "seed": seed},
    )


def _part(
    rows: pd.DataFrame, outcome: str, drivers: Sequence[str], choices: Mapping[str, Any]
) -> DriverImportance | str:
    """Return the importance within a segment, or why there is none."""
    if int(rows[outcome].notna().sum()) < MINIMUM_CUSTOMERS:
        return Message("fewer than {minimum} answers", minimum=MINIMUM_CUSTOMERS)
    try:
        return importance(rows, outcome, drivers, **choices)
    except AnalysisError as error:
        return _why(error)


def _why(error: AnalysisError) -> Message:
    """Say the first problem of a refusal with its column."""
    if not error.problems:
        return error.message
    first = error.problems[0]
    return Message("{column}: {found}", column=first.column, found=first.found)


def _left_out(rows: Sequence[Mapping[str, Any]], by: Sequence[str]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=[*by, "n", "reason"])
    small = table["n"] < MINIMUM_CUSTOMERS
    return table.assign(flag=np.where(small, "suppressed", "ok"))
