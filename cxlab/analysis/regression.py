"""Least squares with errors that hold without equal variances and with sampling weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from cxlab.analysis.dominance import SINGULAR
from cxlab.analysis.estimates import effective_n

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Fit:
    """Coefficients (k,), their covariance (k, k), residual degrees of freedom, which can be told apart."""

    coefficients: Array
    covariance: Array
    df: float
    estimable: Array

    def p_value(self, columns: list[int]) -> float:
        """Wald test that the coefficients of `columns` are all zero; missing if some are not estimable."""
        if not self.estimable[columns].all():
            return float("nan")
        b = self.coefficients[columns]
        statistic = float(b @ np.linalg.pinv(self.covariance[np.ix_(columns, columns)], hermitian=True) @ b)
        return float(stats.f.sf(statistic / len(columns), len(columns), self.df))


def fit(predictors: Any, outcome: Any, weights: Any) -> Fit:
    r"""Regress with an intercept; covariance of the kind HC3, the weights taken as sampling weights.

    :math:`G^{-1} \sum_i (w_i e_i / (1 - h_i))^2 x_i x_i' \, G^{-1}` with :math:`G = \sum w_i x_i x_i'` about
    the weighted means: nearly the jackknife, hence honest in small samples. Columns that others determine
    are not estimable; the rest are as without them.

    References
    ----------
    MacKinnon & White (1985), doi:10.1016/0304-4076(85)90158-7.

    Examples
    --------
    >>> line = fit([[0.0], [1.0], [2.0], [3.0]], [1.0, 3.0, 5.0, 8.0], [1, 1, 1, 1])
    >>> line.coefficients.round(6).tolist()
    [2.3]
    """
    w = np.asarray(weights, dtype=float)
    share = w / w.sum()
    x = np.asarray(predictors, dtype=float)
    x = x - share @ x
    y = np.asarray(outcome, dtype=float) - share @ np.asarray(outcome, dtype=float)
    scale = np.sqrt(share @ x**2)
    scale[scale == 0] = 1.0
    x = x / scale
    roots, axes = np.linalg.eigh((x * share[:, None]).T @ x)
    kept = roots > SINGULAR
    inverse = (axes[:, kept] / roots[kept]) @ axes[:, kept].T
    coefficients = inverse @ (x.T @ (share * y))
    leverage = share * (1 + np.einsum("ij,jk,ik->i", x, inverse, x))
    free = 1 - leverage
    # A row that alone determines a coefficient has no residual: it says nothing about its own error.
    pull = np.divide(share * (y - x @ coefficients), free, out=np.zeros_like(free), where=free > SINGULAR)
    half = inverse @ (x * pull[:, None]).T
    aliased = (axes[:, ~kept] ** 2).sum(axis=1) > SINGULAR
    df = max(effective_n(w) - int(kept.sum()) - 1, 1.0)
    return Fit(coefficients / scale, half @ half.T / np.outer(scale, scale), df, ~aliased)
