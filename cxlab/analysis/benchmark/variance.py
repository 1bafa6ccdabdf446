"""How much of what scores vary by lies between companies, branches or agents, and how much between customers.

References
----------
Searle, Casella & McCulloch 1992, Variance Components, chapter 5 (Henderson's first method, nested).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.answers import Columns, answers, check_answers, columns_of
from cxlab.analysis.columns import check_rows, named
from cxlab.analysis.definitions import computable
from cxlab.analysis.estimates import (
    MINIMUM_CUSTOMERS,
    Claim,
    Result,
    check_columns,
    check_level,
    check_seed,
    flags,
)
from cxlab.analysis.findings import accounted
from cxlab.analysis.nested import expected
from cxlab.analysis.survey import design_of, partition
from cxlab.errors import AnalysisError

Array = np.ndarray[Any, Any]
REST = "answers"
DRAWS = 20_000
COLUMNS = ["between", "units", "variance", "std_dev", "of_variance", "conf_low", "conf_high", "n", "flag"]


@dataclass(frozen=True, eq=False, kw_only=True)
class VarianceShares(Result):
    """Shares of the variance of a score; see `variance_shares` for the columns."""


@dataclass(frozen=True, slots=True)
class _Tree:
    """Finest units: how many answers each has, and to which unit of every level it belongs."""

    n: Array
    names: tuple[str, ...]
    levels: tuple[Array, ...]
    matrix: Array

    def sums(self, mean: Array) -> Array:
        """Uncorrected sums of squares of the means of all together and of each level, shape (levels + 1,)."""
        total = self.n * mean
        found = [total.sum() ** 2 / self.n.sum()]
        for codes in self.levels:
            weight = np.bincount(codes, weights=self.n)
            found.append(float((np.bincount(codes, weights=total) ** 2 / weight).sum()))
        return np.array(found)

    @property
    def counts(self) -> list[int]:
        """How many units each level has."""
        return [int(codes.max()) + 1 for codes in self.levels]


def variance_shares(
    table: pd.DataFrame, metric: str, *, levels: str | Sequence[str], columns: Columns = None,
    level: float = 0.95, seed: int = 0,
) -> VarianceShares:  # fmt: skip
    """Split the variance of answers between levels, from the coarsest to the customers.

    Parameters
    ----------
    table : DataFrame
        One row per respondent (for ``rate``: per counted row); not changed.
    metric : str
        Id of a metric.
    levels : str or sequence of str
        Columns from coarse to fine (sector, company, branch, agent); each is taken within those before it.
    columns : as in `cxlab.analysis.metrics.score`
        The respondents are not weighted.
    level : float
        Of the intervals.
    seed : int
        Of the draws behind them.

    Returns
    -------
    VarianceShares
        ``table``, a row for each level and one for the answers within the finest: ``between``, ``units``,
        ``variance``, ``std_dev`` (in the unit of the metric), ``of_variance`` (its share), ``conf_low``,
        ``conf_high`` (of the share), ``n``, ``flag``. A level that adds no unit to the one before has no
        numbers.

    Raises
    ------
    AnalysisError
        As `cxlab.analysis.metrics.score`; where the levels make one unit, or one for each answer.

    Notes
    -----
    Sums of squares of the means of each level are set equal to what they are expected to be (unequal bases
    counted in) and solved for the variances; what comes out below zero is zero. Intervals are generalised
    ones (Weerahandi 1993): the same solution with each step of the sums of squares over a draw of its
    chi-squared.

    Examples
    --------
    >>> table = pd.DataFrame({"shop": list("aabbcc"), "score": [1.0, 3.0, 5.0, 7.0, 2.0, 4.0]})
    >>> rows = variance_shares(table, "mean", levels="shop").table
    >>> rows[["between", "variance"]].round(2).to_numpy().tolist()
    [['shop', 3.33], ['answers', 2.0]]
    """
    check_level(level)
    check_seed(seed)
    check_rows(table)
    levels = named(levels)
    entry = computable(metric)
    if not levels or len(set(levels)) < len(levels):
        raise AnalysisError(
            "levels is {levels}; give each column once, from coarse to fine", levels=list(levels)
        )
    check_columns(table, levels)
    slots = columns_of(entry, columns, entry.slots)
    check_answers(slots, list(levels))
    given, design = answers(table, entry, slots), design_of(table, None, None, None)
    parts = partition(table, levels)
    used = (parts.codes >= 0) & ~np.isnan(given.numerator)
    code, top, n = parts.codes[used], given.numerator[used], given.denominator[used]
    rows, dropped = accounted(given, design, table, list(levels))
    present, code = np.unique(code, return_inverse=True)
    weight = np.bincount(code, weights=n)
    mean = np.bincount(code, weights=top) / weight
    squares = float((100 * top).sum() if entry.family == "rate" else (top**2 / n).sum())
    tree = _tree(weight, parts.keys.iloc[present], levels)
    result = _rows(tree, mean, squares, level, seed).reindex([*levels, REST])
    result = result.assign(n=int(weight.sum()), flag=flags([weight.sum()])[0])
    result = result.rename_axis("between").reset_index()[COLUMNS]
    settings = {
        "outcome": entry.id, "version": entry.version, "levels": list(levels), "level": level, "seed": seed,
    }  # fmt: skip
    return VarianceShares(
        table=result,
        keys=("between",),
        estimate_column="of_variance",
        n_used=int(rows.sum()),
        n_dropped=dropped,
        settings=settings,
        claims=_claims(result, entry.id, entry.version, level, entry.caveats),
    )


def _tree(weight: Array, keys: pd.DataFrame, levels: Sequence[str]) -> _Tree:
    """Set up the units of each level, and what their sums of squares are expected to be.

    A level that adds no unit to the one before cannot be told from it and is left out.
    """
    names, codes, counts = list[str](), list[Array](), [1]
    for k, name in enumerate(levels):
        within = list(levels[: k + 1])
        units = keys.groupby(within, sort=False, observed=True).ngroup().to_numpy()
        if units.max() + 1 > counts[-1]:
            names.append(name)
            codes.append(units)
            counts.append(int(units.max()) + 1)
    total = weight.sum()
    if not names or total <= counts[-1]:
        raise AnalysisError(
            "{levels} make {units} units of {n} answers; "
            "it takes two units or more, with several answers each",
            levels=" x ".join(levels), units=counts[-1], n=int(total),
        )  # fmt: skip
    return _Tree(weight, tuple(names), tuple(codes), expected(weight, codes))


def _rows(tree: _Tree, mean: Array, squares: float, level: float, seed: int) -> pd.DataFrame:
    """Solve for the variances; for the limits again, each step of the sums of squares over a chi-squared."""
    steps = np.diff(np.append(tree.sums(mean), squares))
    found = np.maximum(np.linalg.solve(tree.matrix, steps), 0.0)
    free = np.append(np.diff([1, *tree.counts]), tree.n.sum() - tree.counts[-1])
    drawn = steps * free / np.random.default_rng(seed).chisquare(free, size=(DRAWS, len(free)))
    again = np.maximum(np.linalg.solve(tree.matrix, drawn.T).T, 0.0)
    total = again.sum(axis=1, keepdims=True)
    shares = again / np.where(total > 0, total, 1.0)
    low, high = np.quantile(shares, [0.5 - level / 2, 0.5 + level / 2], axis=0)
    share = found / found.sum() if found.sum() else np.full(len(found), np.nan)
    return pd.DataFrame(
        {
            "units": [*tree.counts, int(tree.n.sum())],
            "variance": found,
            "std_dev": np.sqrt(found),
            "of_variance": share,
            "conf_low": low,
            "conf_high": high,
        },
        index=[*tree.names, REST],
    )


def _claims(
    result: pd.DataFrame, metric: str, version: str, level: float, caveats: tuple[str, ...]
) -> tuple[Claim, ...]:
    told = result[result["of_variance"].notna()]
    rest, first = result.iloc[-1], told.iloc[0] if len(told) else result.iloc[0]
    if rest["n"] < MINIMUM_CUSTOMERS or pd.isna(rest["of_variance"]):
        return ()
    fields = {
        "metric": metric, "version": version, "estimate": float(rest["of_variance"]),
        "conf_low": float(rest["conf_low"]), "conf_high": float(rest["conf_high"]), "level": level,
        "unit": "share", "column": str(told["between"].iloc[-2]), "first": str(first["between"]),
        "outer": float(first["of_variance"]), "outer_low": float(first["conf_low"]),
        "outer_high": float(first["conf_high"]), "levels": len(result) - 1, "n": int(rest["n"]),
    }  # fmt: skip
    return (Claim("benchmark.variance", fields, "D", (*caveats, "variance_not_fate"), headline=False),)
