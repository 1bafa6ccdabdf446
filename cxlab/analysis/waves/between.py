"""How much an index varies from wave to wave beyond sampling, and how well a few waves tell it.

Neighbouring waves are compared, not all with their mean: a slow trend of the past then does not pass for
ordinary variation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

LEAST_WAVES = 6  # history from which the variation between waves is estimated


@dataclass(frozen=True, slots=True)
class Between:
    """Variance between waves beyond sampling (NaN where too few waves tell it) and its degrees of freedom."""

    tau2: float
    df: float
    waves: int

    @property
    def known(self) -> bool:
        """Whether there were waves enough."""
        return not np.isnan(self.tau2)


def between(estimates: Array, std_errors: Array) -> Between:
    """Estimate the variance between waves from the history of an index.

    Half the mean square of successive differences (von Neumann 1941) estimates sampling and between-wave
    variance together; what sampling gives is taken off, and what is left is never below zero.

    Parameters
    ----------
    estimates, std_errors : array, shape (K,)
        Waves in order, in the unit of the index.

    Returns
    -------
    Between
        ``tau2`` in squared units, NaN with fewer than 6 waves; ``df`` such that ``tau2`` has the relative
        error of a chi-square.

    References
    ----------
    von Neumann 1941, doi:10.1214/aoms/1177731677.

    Examples
    --------
    >>> found = between(np.array([10.0, 16, 10, 16, 10, 16, 10]), np.full(7, 1.0))
    >>> round(found.tau2, 2), round(found.df, 2)
    (17.0, 3.78)
    """
    known = ~(np.isnan(estimates) | np.isnan(std_errors))
    y, s = estimates[known], std_errors[known]
    k = len(y)
    if k < LEAST_WAVES:
        return Between(np.nan, np.nan, k)
    both = float((np.diff(y) ** 2).sum() / (2 * (k - 1)))
    sampling = float((s[1:] ** 2 + s[:-1] ** 2).sum() / (2 * (k - 1)))
    tau2 = max(both - sampling, 0.0)
    df = 2 * (k - 1) ** 2 / (3 * k - 4)
    return Between(tau2, df * (tau2 / both) ** 2 if tau2 > 0 else np.inf, k)
