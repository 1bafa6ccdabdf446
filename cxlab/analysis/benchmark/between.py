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

    def slope(tau2: float) -> float:
        w = 1 / (v + tau2)
        left = y - (w @ y) / w.sum()
        return float((w**2 * left**2).sum() - w.sum() + (w**2).sum() / w.sum())

    if slope(0.0) <= 0:
        return 0.0
    most = float(np.var(y, ddof=1)) + float(v.max())
    while slope(most) > 0:
        most *= 2
    return float(optimize.brentq(slope, 0.0, most, xtol=1e-12 * most, rtol=1e-12))


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
