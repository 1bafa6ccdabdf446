"""Correlation of unit means, and how much larger it would be were the units known without error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

Array = np.ndarray[Any, Any]

LEAST_RELIABILITY = 0.1  # below it a correction says nothing


@dataclass(frozen=True, slots=True)
class Means:
    """Unit means of one thing measured several times: mean, number, and squares within; shape (units,)."""

    mean: Array
    n: Array
    within: Array

    @property
    def reliability(self) -> float:
        """How much of the spread of these means is the units', and not that of few measures."""
        units, n = len(self.mean), self.n.sum()
        if units < 2 or n <= units:
            return float("nan")
        centre = (self.n * self.mean).sum() / n
        between = (self.n * (self.mean - centre) ** 2).sum() / (units - 1)
        within = self.within.sum() / (n - units)
        own = max(between - within, 0.0) / ((n - (self.n**2).sum() / n) / (units - 1))
        noise = within * (1 / self.n).mean()
        return float(own / (own + noise)) if own + noise > 0 else float("nan")


def correlation(one: Array, other: Array, *, ranks: bool = False) -> float:
    """Return Pearson's correlation, or Spearman's; missing where one of them is the same for all."""
    if len(one) < 4 or not np.ptp(one) or not np.ptp(other):
        return float("nan")
    if ranks:  # what differs by rounding is tied
        return float(stats.spearmanr(np.round(one, 9), np.round(other, 9)).statistic)
    found = stats.pearsonr(one, other)
    return float(found.statistic)


def p_value(r: float, n: int) -> float:
    """Return the two-sided p-value of a correlation of n pairs (Student's t)."""
    if np.isnan(r) or n < 4:
        return float("nan")
    return float(2 * stats.t.sf(abs(r) * np.sqrt((n - 2) / max(1 - r**2, 1e-12)), n - 2))


def fisher(r: float, n: int, level: float, *, ranks: bool = False) -> tuple[float, float]:
    """Return the interval of a correlation of n pairs; of ranks with Bonett and Wright's error.

    Examples
    --------
    >>> [round(end, 3) for end in fisher(0.45, 40, 0.95)]
    [0.161, 0.668]
    """
    if n < 4 or not abs(r) < 1:
        return float("nan"), float("nan")
    half = stats.norm.ppf(0.5 + level / 2) * np.sqrt((1 + r**2 / 2 if ranks else 1.0) / (n - 3))
    return float(np.tanh(np.arctanh(r) - half)), float(np.tanh(np.arctanh(r) + half))


def detectable(n: int, alpha: float, power: float = 0.8) -> float:
    """Return the correlation that n pairs find with 80 % power at the two-sided error `alpha`.

    Examples
    --------
    >>> round(detectable(40, 0.05), 2)
    0.43
    """
    reach = stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(power)
    return float(np.tanh(reach / np.sqrt(max(n - 3, 1))))
