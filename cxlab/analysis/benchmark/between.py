"""How far units truly differ from each other, beyond what the errors of their estimates explain.

References
----------
DerSimonian & Laird 1986, doi:10.1016/0197-2456(86)90046-2; Viechtbauer 2005, doi:10.3102/10769986030003261.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from scipy import optimize

from cxlab.errors import AnalysisError

Array = np.ndarray[Any, Any]
Between = Literal["reml", "dl"]
FEWEST = 3


def tau_squared(estimate: Any, variance: Any, *, method: Between = "reml") -> float:
    """Estimate the variance between units, beyond the variances of their estimates.

    Parameters
    ----------
    estimate, variance : array-like, shape (k,)
        Independent estimates and the squares of their errors (positive).
    method : {"reml", "dl"}
        Restricted likelihood, or DerSimonian and Laird's moments.

    Returns
    -------
    float
        Zero where the estimates differ by no more than their errors.

    Raises
    ------
    AnalysisError
        With fewer than three estimates, or for variances that are missing or not positive.

    Examples
    --------
    >>> round(tau_squared([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 60.0], [100.0] * 8), 2)
    341.64
    """
    y, v = checked(estimate, variance)
    if method == "dl":
        w = 1 / v
        excess = float((w * (y - (w @ y) / w.sum()) ** 2).sum()) - (len(y) - 1)
        return max(excess / float(w.sum() - (w**2).sum() / w.sum()), 0.0)
    return restricted(y, v, np.ones((len(y), 1)))


def restricted(y: Array, v: Array, x: Array) -> float:
    """Variance between estimates `y` (k,) about a regression on `x` (k, p), by restricted likelihood.

    The likelihood may have a summit at zero and one inside: it is scanned, and the highest is climbed.
    """

    def height(tau2: float) -> float:
        w, inner, left = _about(y, v, x, tau2)
        return float(np.log(w).sum() - np.linalg.slogdet(inner)[1] - (w * left**2).sum())

    def slope(tau2: float) -> float:
        w, inner, left = _about(y, v, x, tau2)
        own = np.einsum("ij,jk,ik->i", x, np.linalg.inv(inner), x)  # what the regression takes of each
        return float((w**2 * left**2).sum() - w.sum() + (w**2 * own).sum())

    most = 4 * float(y.var() + v.max())
    grid = np.r_[0.0, np.geomspace(most * 1e-6, most, 60)]
    best = int(np.argmax([height(t) for t in grid]))
    low, high = float(grid[max(best - 1, 0)]), float(grid[min(best + 1, len(grid) - 1)])
    if not slope(low) > 0 > slope(high):
        return float(grid[best])
    return float(optimize.brentq(slope, low, high, xtol=1e-12 * most, rtol=1e-12))


def _about(y: Array, v: Array, x: Array, tau2: float) -> tuple[Array, Array, Array]:
    """Weights, their inner product with `x`, and what the weighted regression leaves of `y`."""
    w = 1 / (v + tau2)
    inner = x.T @ (w[:, None] * x)
    return w, inner, y - x @ np.linalg.solve(inner, x.T @ (w * y))


def checked(estimate: Any, variance: Any) -> tuple[Array, Array]:
    """Refuse estimates without error, and fewer than three of them."""
    y, v = np.asarray(estimate, dtype=float), np.asarray(variance, dtype=float)
    bad = ~(np.isfinite(y) & np.isfinite(v) & (v > 0)) if y.shape == v.shape else np.ones(y.shape, dtype=bool)
    if bad.any():
        raise AnalysisError(
            "{count} estimates have no number or no positive variance; leave them out", count=int(bad.sum())
        )
    if len(y) < FEWEST:
        raise AnalysisError(
            "{count} units are too few to say how far units differ; it takes {least}",
            count=len(y),
            least=FEWEST,
        )
    return y, v
