"""Least squares with errors that hold without equal variances and with sampling weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from cxlab.analysis.drivers.dominance import SINGULAR
from cxlab.analysis.drivers.moments import units_of
from cxlab.analysis.estimates import effective_n
from cxlab.analysis.survey import Design

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Fit:
    """Coefficients (k,), their covariance (k, k), residual degrees of freedom, which can be told apart."""

    coefficients: Array
    covariance: Array
    df: float
    estimable: Array

    def p_values(self, blocks: Sequence[Sequence[int]]) -> Array:
        """Wald test for each block that its coefficients are zero; missing if some are not estimable."""
        statistics = np.array([self._statistic(list(columns)) for columns in blocks])
        sizes = np.array([len(columns) for columns in blocks])
        return np.asarray(stats.f.sf(statistics / sizes, sizes, self.df))

    def _statistic(self, columns: list[int]) -> float:
        if not self.estimable[columns].all():
            return float("nan")
        b = self.coefficients[columns]
        if len(columns) == 1:
            return float(b[0] ** 2 / self.covariance[columns[0], columns[0]])
        return float(b @ np.linalg.pinv(self.covariance[np.ix_(columns, columns)], hermitian=True) @ b)


def fit(predictors: Any, outcome: Any, design: Design) -> Fit:
    r"""Regress with an intercept; covariance of the kind HC3, the weights taken as sampling weights.

    :math:`G^{-1} \sum_i (w_i e_i / (1 - h_i))^2 x_i x_i' \, G^{-1}` with :math:`G = \sum w_i x_i x_i'` about
    the weighted means: nearly the jackknife, hence honest in small samples. With strata or clusters the
    terms are summed within clusters and centred within strata of m clusters, times m / (m - 1). Columns
    that others determine are not estimable; the rest are as without them.

    Raises
    ------
    AnalysisError
        If a stratum has one cluster only.

    References
    ----------
    MacKinnon & White (1985), doi:10.1016/0304-4076(85)90158-7.

    Examples
    --------
    >>> line = fit([[0.0], [1.0], [2.0], [3.0]], [1.0, 3.0, 5.0, 8.0], independent([1, 1, 1, 1]))
    >>> line.coefficients.round(6).tolist()
    [2.3]
    """
    w = design.weights
    share = w / w.sum()
    x = np.array(predictors, dtype=float)
    x -= share @ x
    y = np.asarray(outcome, dtype=float) - share @ np.asarray(outcome, dtype=float)
    scale = np.sqrt(np.einsum("i,ij,ij->j", share, x, x))
    scale[scale == 0] = 1.0
    x /= scale
    roots, axes = np.linalg.eigh((x * share[:, None]).T @ x)
    kept = roots > SINGULAR
    inverse = (axes[:, kept] / roots[kept]) @ axes[:, kept].T
    coefficients = inverse @ (x.T @ (share * y))
    free = 1 - share * (1 + np.einsum("ij,ij->i", x @ inverse, x))
    # A row that alone determines a coefficient has no residual: it says nothing about its own error.
    pull = np.divide(share * (y - x @ coefficients), free, out=np.zeros_like(free), where=free > SINGULAR)
    x *= pull[:, None]
    scores, units = unit_scores(x, design)
    aliased = (axes[:, ~kept] ** 2).sum(axis=1) > SINGULAR
    df = max(min(effective_n(w) - int(kept.sum()) - 1, units), 1.0)
    covariance = inverse @ (scores.T @ scores) @ inverse / np.outer(scale, scale)
    return Fit(coefficients / scale, covariance, df, ~aliased)


def independent(weights: Any) -> Design:
    """Return the design of people drawn one by one, with these weights."""
    w = np.asarray(weights, dtype=float)
    return Design(w, None, None, weighted=bool(np.ptp(w)))


def unit_scores(rows: Array, design: Design) -> tuple[Array, float]:
    """Sum rows within sampling units and centre them within strata; and the degrees of freedom of units."""
    if design.simple:
        return rows, np.inf
    unit, strata = units_of(design)
    sums = np.zeros((len(strata), rows.shape[1]))
    np.add.at(sums, unit, rows)
    sizes = np.bincount(strata)
    centres = np.zeros((len(sizes), rows.shape[1]))
    np.add.at(centres, strata, sums)
    centred = sums - (centres / sizes[:, None])[strata]
    return centred * np.sqrt(sizes / (sizes - 1))[strata][:, None], float(len(strata) - len(sizes))
