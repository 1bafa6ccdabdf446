"""Shares, means and regressions of contacts, with errors that know whose they are.

The unit is the customer: several contacts of one person are one sampling unit, never several. Shares and
means are cells of `cxlab.analysis.survey`; a regression keeps the influence of each customer on each
coefficient, from which errors of any function of them follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from cxlab.analysis.definitions import definition
from cxlab.analysis.estimates import MINIMUM_CUSTOMERS, flags, t_quantile
from cxlab.analysis.intervals import interval
from cxlab.analysis.survey import Design, cells

Array = np.ndarray[Any, Any]

RATE, MEAN = definition("rate"), definition("ces_mean")
ESTIMATED = ["estimate", "std_error", "conf_low", "conf_high", "n", "n_eff", "flag"]
DEPENDENT = 1e-9
ROUNDING = 1e-10


@dataclass(frozen=True, slots=True)
class Fit:
    """A least-squares fit: `names` and `beta` (k,), `influence` of each customer on each (people, k)."""

    names: tuple[str, ...]
    beta: Array
    influence: Array
    left_out: tuple[str, ...]

    @property
    def df(self) -> float:
        """Degrees of freedom: customers less one."""
        return float(max(len(self.influence) - 1, 1))

    def of(self, name: str) -> tuple[float, Array]:
        """Return a coefficient and the influence of each customer on it."""
        place = self.names.index(name)
        return float(self.beta[place]), self.influence[:, place]


def people_in(codes: Array, person: Array, count: int) -> Array:
    """Count the different persons of each cell; rows of cell -1 count nowhere.

    Examples
    --------
    >>> people_in(np.array([0, 0, 1, -1]), np.array([7, 7, 7, 8]), 2).tolist()
    [1, 1]
    """
    placed = codes >= 0
    once = np.unique(codes[placed].astype(np.int64) * (int(person.max(initial=0)) + 1) + person[placed])
    return np.bincount(once // (int(person.max(initial=0)) + 1), minlength=count)


def shares(yes: Array, person: Array, codes: Array, count: int, level: float) -> pd.DataFrame:
    """Return the share of `yes` in each cell: Wilson limits on the effective base of its customers.

    Parameters
    ----------
    yes : ndarray of bool or float, shape (n,)
        NaN does not count.
    person, codes : ndarray of int, shape (n,)
        Whose row it is, and its cell (-1 for none).
    count : int
        Number of cells.
    level : float
        Confidence level.

    Returns
    -------
    DataFrame
        estimate, std_error, conf_low, conf_high (of one), n (rows), n_eff, flag (by customers).
    """
    table = _estimated(100.0 * np.asarray(yes, dtype=float), person, codes, count, level, share=True)
    columns = ["estimate", "std_error", "conf_low", "conf_high"]
    return table.assign(**{name: table[name] / 100 for name in columns})


def means(values: Array, person: Array, codes: Array, count: int, level: float) -> pd.DataFrame:
    """Return the mean of `values` in each cell, with Student's limits; columns as of `shares`."""
    return _estimated(np.asarray(values, dtype=float), person, codes, count, level, share=False)


def _estimated(
    values: Array, person: Array, codes: Array, count: int, level: float, *, share: bool
) -> pd.DataFrame:
    known = ~np.isnan(values) & (codes >= 0)
    folk = people_in(np.where(known, codes, -1), person, count)
    if len(np.unique(person[known])) < 2:
        nothing = np.full(count, np.nan)
        rows = np.bincount(codes[known], minlength=count)
        return _frame(nothing, nothing, (nothing, nothing), rows, nothing, folk)
    design = Design(np.ones(len(values)), None, person, weighted=False)
    reduced = cells(values, np.where(known, 1.0, np.nan), design, np.where(known, codes, -1), count)
    present = np.flatnonzero(reduced.rows > 0)
    group = reduced.groups(np.eye(count)[present])
    if share:
        limits = interval(group, RATE, level)
    else:
        half = stats.t.ppf(0.5 + level / 2, np.maximum(folk[present] - 1, 1)) * group.std_error
        limits = (group.estimate - half, group.estimate + half)
    whole = np.full((5, count), np.nan)
    whole[:, present] = (group.estimate, group.std_error, *limits, group.n_eff)
    return _frame(whole[0], whole[1], (whole[2], whole[3]), reduced.rows, whole[4], folk)


def _frame(
    estimate: Array, error: Array, limits: tuple[Array, Array], rows: Array, n_eff: Array, folk: Array
) -> pd.DataFrame:
    values = [estimate, error, *limits, np.asarray(rows).astype(int), n_eff, flags(folk)]
    return pd.DataFrame(dict(zip(ESTIMATED, values, strict=True)))


def fit(outcome: Array, columns: Sequence[tuple[str, Array]], person: Array) -> Fit:
    """Fit `outcome` on a constant and `columns` by least squares, errors clustered by `person`.

    A column that the ones before it already say (always the same, or a sum of them) is left out and named.
    The covariance is the sandwich with m/(m-1), as of R's survey package for a clustered sample.

    Examples
    --------
    >>> x = np.array([0.0, 0, 1, 1]); line = fit(np.array([1.0, 3, 4, 6]), [("x", x)], np.arange(4))
    >>> line.of("x")[0], round(float(np.sqrt((line.of("x")[1] ** 2).sum())), 4)
    (3.0, 1.1547)
    """
    kept: list[str] = []
    left: list[str] = []
    basis = [np.full(len(outcome), 1 / np.sqrt(len(outcome)))]
    design = [np.ones(len(outcome))]
    for name, values in columns:
        rest = values.astype(float)
        for direction in basis:
            rest = rest - direction * (direction @ rest)
        size = np.linalg.norm(rest)
        if size <= DEPENDENT * max(float(np.linalg.norm(values)), 1.0):
            left.append(name)
            continue
        kept.append(name)
        basis.append(rest / size)
        design.append(values.astype(float))
    x = np.column_stack(design)
    bread = np.linalg.inv(x.T @ x)
    beta = bread @ (x.T @ outcome)
    codes, people = pd.factorize(person)
    scores = x * (outcome - x @ beta)[:, None]
    summed = np.column_stack([np.bincount(codes, column, len(people)) for column in scores.T])
    factor = np.sqrt(len(people) / max(len(people) - 1, 1))
    return Fit(("", *kept), beta, factor * summed @ bread, tuple(left))


def estimated(estimate: float, influence: Array, level: float) -> dict[str, float]:
    """Return an estimate with its error, interval and p-value, from the influence of each customer."""
    error, df = float(np.sqrt((influence**2).sum())), max(len(influence) - 1, 1)
    half = t_quantile(level, df) * error
    # Where everybody answers alike the error is rounding, and so is the difference.
    p_value = float(2 * stats.t.sf(abs(estimate) / error, df)) if error > ROUNDING else np.nan
    return {
        "estimate": estimate,
        "std_error": error,
        "conf_low": estimate - half,
        "conf_high": estimate + half,
        "p_value": p_value if len(influence) >= MINIMUM_CUSTOMERS else np.nan,
    }
