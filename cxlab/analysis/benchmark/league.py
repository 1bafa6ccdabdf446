"""A league table that says how far each rank can be trusted.

With sampling error, the company seen third may be first or seventh. `rank_sets` gives for each unit the
ranks that the data cannot exclude, for all units at once; `league` puts them beside the scores. A rank
never travels alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from cxlab.analysis.answers import Columns
from cxlab.analysis.benchmark.units import of_units
from cxlab.analysis.definitions import Metric
from cxlab.analysis.estimates import (
    MINIMUM_CUSTOMERS,
    Claim,
    Result,
    check_level,
    t_quantile,
)
from cxlab.analysis.intervals import adjusted_error, interval
from cxlab.analysis.survey import Group
from cxlab.errors import AnalysisError

Array = np.ndarray[Any, Any]

COLUMNS = [
    "unit", "estimate", "std_error", "conf_low", "conf_high",
    "rank", "rank_low", "rank_high", "n", "n_eff", "flag",
]  # fmt: skip
DRAWS = (2_000, 20_000)  # fewest for many units, most for few
WORK = 40_000_000  # pairs x draws in all
CHUNK = 4_000_000  # pairs x draws held in memory at once
FEWEST = 3  # units of a ranking


@dataclass(frozen=True, eq=False, kw_only=True)
class League(Result):
    """Units with their ranks; see `league` for the columns."""


def rank_sets(
    estimate: Any, std_error: Any, *, level: float = 0.95, simultaneous: bool = True, seed: int = 0
) -> pd.DataFrame:
    """Give the ranks that the data cannot exclude, for all units at once or for each.

    Parameters
    ----------
    estimate, std_error : array-like, shape (k,)
        Independent estimates, approximately normal, and their errors (positive). Higher is better.
    level : float
        With `simultaneous`, the chance that all intervals hold their true rank together; otherwise of each.
    simultaneous : bool
        One family of all ordered pairs, or one family of pairs for each unit.
    seed : int
        Of the normal draws behind the critical values.

    Returns
    -------
    DataFrame
        ``rank`` (1 is the highest; ties share the better rank), ``rank_low``, ``rank_high``, in the order
        given (and with the index of a Series).

    Raises
    ------
    AnalysisError
        For missing or infinite values, errors that are not positive, arrays of different lengths, fewer than
        three units (two are compared, not ranked).

    Notes
    -----
    For each ordered pair (j, k) the hypothesis "j is not above k" is tested with ``(x_j - x_k) / se_jk``; the
    critical value is the quantile of the largest such statistic under equality, lowered step by step over the
    hypotheses that remain (Romano & Wolf 2005). ``rank_low`` is one more than the units shown to be above j,
    ``rank_high`` is k less the units shown to be below. The family is of one-sided hypotheses: dropping both
    directions of a rejected pair would make the intervals too narrow.

    References
    ----------
    Mogstad, Romano, Shaikh & Wilhelm 2024, doi:10.1093/restud/rdad006.

    Examples
    --------
    >>> rank_sets([50.0, 20.0, 19.0], [2.0, 2.0, 2.0]).to_numpy().tolist()
    [[1, 1, 1], [2, 2, 3], [3, 2, 3]]
    """
    check_level(level)
    x, se = np.asarray(estimate, dtype=float), np.asarray(std_error, dtype=float)
    if x.ndim != 1 or x.shape != se.shape or not len(x):
        raise AnalysisError(
            "rank sets need as many errors as estimates; found {x} and {se}", x=x.size, se=se.size
        )
    if not (np.isfinite(x).all() and np.isfinite(se).all() and (se > 0).all()):
        raise AnalysisError(
            "{count} of {units} units have no estimate or no positive std_error; "
            "leave them out of the ranking",
            count=int((~(np.isfinite(x) & np.isfinite(se) & (se > 0))).sum()),
            units=len(x),
        )
    if len(x) < FEWEST:
        raise AnalysisError(
            "{count} units cannot be ranked, it takes {least}; compare them with each other instead",
            count=len(x),
            least=FEWEST,
        )
    pair_error = np.sqrt(se[:, None] ** 2 + se**2)
    statistic = (x[:, None] - x) / pair_error
    draws = int(np.clip(WORK // len(x) ** 2, *DRAWS))
    normal = np.random.default_rng(seed).standard_normal((draws, len(x))) * se
    if simultaneous:
        above = _rejected(statistic, normal, pair_error, 1 - level)
        low, high = 1 + above.sum(axis=0), len(x) - above.sum(axis=1)
    else:
        low, high = np.ones(len(x), dtype=int), np.full(len(x), len(x))
        for j in range(len(x)):
            mine = np.zeros_like(pair_error, dtype=bool)
            mine[j], mine[:, j] = True, True
            above = _rejected(statistic, normal, pair_error, 1 - level, family=mine)
            low[j], high[j] = 1 + above[:, j].sum(), len(x) - above[j].sum()
    rank = stats.rankdata(-x, method="min").astype(int)
    index = estimate.index if isinstance(estimate, pd.Series) else None
    return pd.DataFrame({"rank": rank, "rank_low": low, "rank_high": high}, index=index)


def _rejected(
    statistic: Array, normal: Array, pair_error: Array, alpha: float, *, family: Array | None = None
) -> Array:
    """Say which one-sided hypotheses fall, stepping down until no more do."""
    left = (
        ~np.eye(len(statistic), dtype=bool)
        if family is None
        else family & ~np.eye(len(statistic), dtype=bool)
    )
    rejected = np.zeros_like(left)
    while left.any():
        first, second = np.nonzero(left)
        largest = _largest(normal, first, second, pair_error[first, second])
        falls = left & (statistic > np.quantile(largest, 1 - alpha))
        if not falls.any():
            break
        rejected |= falls
        left &= ~falls
    return rejected


def _largest(normal: Array, first: Array, second: Array, error: Array) -> Array:
    """Largest studentised difference of each draw over the pairs, a few draws at a time."""
    rows = max(1, CHUNK // len(first))
    parts = [
        ((normal[start : start + rows, first] - normal[start : start + rows, second]) / error).max(axis=1)
        for start in range(0, len(normal), rows)
    ]
    return np.concatenate(parts)


def league(
    table: pd.DataFrame, metric: str, *, unit: str, columns: Columns = None, weights: str | None = None,
    level: float = 0.95, focal: str | None = None,
) -> League:  # fmt: skip
    """Rank the units, each with the ranks that cannot be excluded.

    Parameters
    ----------
    table : DataFrame
        One row per respondent (for ``rate``: per counted row); not changed.
    metric : str
        Id of a metric.
    unit : str
        Column of the units to rank.
    columns, weights : as in `cxlab.analysis.metrics.score`
        Rows are taken as independent.
    level : float
        Of the intervals, and of all rank intervals together.
    focal : str or None
        The unit whose rank is claimed; without it, the one seen first.

    Returns
    -------
    League
        ``table``, best first: ``unit``, ``estimate``, ``std_error``, ``conf_low``, ``conf_high``, ``rank``,
        ``rank_low``, ``rank_high``, ``n``, ``n_eff``, ``flag``. Units with fewer than 10 respondents
        (trials) are listed last, without rank, and the others are ranked among themselves.

    Raises
    ------
    AnalysisError
        As `cxlab.analysis.metrics.score`; with fewer than three units of 10 or more; for a focal unit not
        there.

    Notes
    -----
    `rank_sets` with, for each unit, the larger of the linearised error and that of the adjusted score
    (which does not vanish where all answer alike), widened from the normal to Student's quantile where the
    base is small.

    References
    ----------
    Mogstad, Romano, Shaikh & Wilhelm 2024, doi:10.1093/restud/rdad006.

    Examples
    --------
    >>> table = pd.DataFrame({"brand": list("abc") * 50, "recommend": [10, 8, 8] * 45 + [10, 8, 0] * 5})
    >>> result = league(table, "nps", unit="brand")
    >>> result.table[["unit", "rank", "rank_low", "rank_high"]].to_numpy().tolist()
    [['a', 1, 1, 1], ['b', 2, 2, 3], ['c', 3, 2, 3]]
    """
    found = of_units(table, metric, unit, focal, columns=columns, weights=weights, level=level)
    entry, (used, dropped) = found.entry, found.accounted
    rows = _ranked(_rows(found.values, found.groups, entry, level), unit, level)
    return League(
        table=rows,
        keys=("unit",),
        n_used=int(used.sum()),
        n_dropped=dropped,
        settings={
            "metric": entry.id, "version": entry.version, "unit": unit, "weights": weights, "level": level,
            "focal": focal, "seed": 0,
        },
        claims=_claims(rows, entry, focal, level),
        parts={"unit": unit},
    )  # fmt: skip


def _rows(units: Array, group: Group, entry: Metric, level: float) -> pd.DataFrame:
    """One row per unit, with the error that ranks are made with."""
    low, high = interval(group, entry, level)
    wider = np.array([t_quantile(level, df) / t_quantile(level) for df in group.df])
    return pd.DataFrame(
        {
            "unit": units,
            "estimate": group.estimate,
            "std_error": group.std_error,
            "conf_low": low,
            "conf_high": high,
            "n": group.n.astype(int),
            "n_eff": group.n_eff,
            "flag": group.flags(),
            "rank_error": np.fmax(adjusted_error(group, entry) * wider, np.finfo(float).tiny),
        }
    )


def _ranked(rows: pd.DataFrame, unit: str, level: float) -> pd.DataFrame:
    """Rank the units with a sufficient base among themselves, best first; the others follow."""
    enough = rows[rows["n"] >= MINIMUM_CUSTOMERS]
    if len(enough) < FEWEST:
        raise AnalysisError(
            "only {count} values of {unit} have {least} answers or more; a league needs {fewest}: compare "
            "them with each other instead",
            count=len(enough),
            unit=unit,
            least=MINIMUM_CUSTOMERS,
            fewest=FEWEST,
        )
    sets = rank_sets(enough["estimate"], enough["rank_error"], level=level)
    joined = rows.join(sets if len(enough) == len(rows) else sets.astype("Int64"))
    order = joined.sort_values(["rank", "unit"], na_position="last", kind="stable", key=_sortable).index
    return joined.loc[order, COLUMNS].reset_index(drop=True)


def _sortable(column: pd.Series[Any]) -> pd.Series[Any]:
    return column.astype(str) if column.name == "unit" else column.astype(float)


def _claims(rows: pd.DataFrame, entry: Metric, focal: str | None, level: float) -> tuple[Claim, ...]:
    chosen = rows.iloc[0] if focal is None else rows[rows["unit"] == focal].iloc[0]
    if pd.isna(chosen["rank"]):
        return ()
    fields = {
        "focal": str(chosen["unit"]),
        "metric": entry.id,
        "version": entry.version,
        "estimate": int(chosen["rank"]),
        "rank_low": int(chosen["rank_low"]),
        "rank_high": int(chosen["rank_high"]),
        "level": level,
        "units": int(rows["rank"].notna().sum()),
        "unit": "rank",
        "n": int(chosen["n"]),
    }
    low = ("low_base",) if chosen["flag"] == "low_base" else ()
    return (Claim("benchmark.rank", fields, "D", (*entry.caveats, *low), headline=True),)
