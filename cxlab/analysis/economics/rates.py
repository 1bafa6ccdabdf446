r"""How often customers do something per month under observation, and how that goes with covariates.

Rates follow :math:`\lambda = m e^{x \beta}` per customer, m the months followed: Poisson's likelihood for the
coefficients, and for their errors the sandwich over customers, so that some buying more often than others
(more than Poisson has it) does not make intervals too narrow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cxlab.errors import AnalysisError

Array = np.ndarray[Any, Any]

_STEPS = 50
_CONVERGED = 1e-12
_RUNAWAY = 30.0


@dataclass(frozen=True, slots=True, eq=False)
class Rates:
    """Coefficients (columns,) of log rates, the constant first, and their covariance over customers."""

    beta: Array
    covariance: Array


def log_rates(events: Array, months: Array, x: Array) -> Rates:
    """Fit rates of `events` (n,) in `months` (n,) on `x` (n, columns), one row for each customer.

    Raises
    ------
    AnalysisError
        Without events, or where the likelihood has no maximum.

    References
    ----------
    White (1982), doi:10.2307/1912526; Lin, Wei, Yang & Ying (2000), doi:10.1111/1467-9868.00259.

    Examples
    --------
    >>> seen = np.array([2.0, 4, 1, 3]), np.full(4, 10.0)
    >>> found = log_rates(*seen, np.array([[0.0], [1], [0], [1]]))
    >>> np.exp(found.beta).round(3).tolist()  # 3 in 20 months, and 7 / 3 times as often
    [0.15, 2.333]
    """
    if not events.sum():
        raise AnalysisError("no events: nothing to estimate; nobody did it after the survey")
    spread = x.std(axis=0)
    if (spread == 0).any():
        raise AnalysisError("a covariate has one value only among those followed; leave it out")
    centre = x.mean(axis=0)
    columns = np.column_stack([np.ones(len(x)), (x - centre) / spread])
    beta = np.zeros(columns.shape[1])
    beta[0] = np.log(events.sum() / months.sum())
    for _ in range(_STEPS):
        expected = months * np.exp(columns @ beta)
        information = (columns * expected[:, None]).T @ columns
        step = np.linalg.lstsq(information, columns.T @ (events - expected), rcond=1e-12)[0]
        beta = beta + np.clip(step, -2, 2)
        if np.abs(beta).max() > _RUNAWAY:
            break
        if float(step @ information @ step) < _CONVERGED:
            return _unscaled(
                beta, columns, events - months * np.exp(columns @ beta), information, centre, spread
            )
    raise AnalysisError("the rates have no finite estimate: too few customers did it; use fewer covariates")


def _unscaled(
    beta: Array, columns: Array, rest: Array, information: Array, centre: Array, spread: Array
) -> Rates:
    """Bring coefficients and the sandwich back to the covariates' own units."""
    n, p = columns.shape
    bread = np.linalg.inv(information)
    own = (columns * rest[:, None]) @ bread
    covariance = own.T @ own * n / (n - p)
    back = np.diag(np.concatenate([[1.0], 1 / spread]))
    back[0, 1:] = -centre / spread
    return Rates(back @ beta, back @ covariance @ back.T)
