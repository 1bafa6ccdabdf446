"""How much of what varies lies between units, and between people within them; and units shrunken to the mean.

Components of variance come from nested sums of squares (analysis of variance, Henderson's first method), for
any number of levels and unequal sizes; a level's rates are shrunken by how little of their spread is noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cxlab.analysis.nested import expected

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Components:
    """Variances between the groups of each level within the one before, and within the last.

    Attributes
    ----------
    between : ndarray, shape (L,)
        One for each level, outermost first; never below zero.
    within : float
        Variance within groups of the last level.
    low, high : ndarray, shape (L,)
        Limits of the variances between.
    groups : ndarray of int, shape (L,)
        Groups of each level.
    p_values : ndarray, shape (L,)
        Of there being no variance between, from the same F-ratio.
    mean : float
        Of all values.
    """

    between: Array
    within: float
    low: Array
    high: Array
    groups: Array
    p_values: Array
    mean: float


def components(values: Array, levels: Sequence[Array], level: float) -> Components:
    """Estimate the components of variance of nested levels.

    Parameters
    ----------
    values : array, shape (N,)
        What is measured.
    levels : sequence of array of int, shape (N,)
        Group of each value at each level, outermost first; each group lies in one of the level before.
    level : float
        Of the limits, which come from the F-ratio of neighbouring levels (exact for equal sizes and normal
        values).

    References
    ----------
    Henderson 1953, doi:10.2307/3001853. Searle, Casella & McCulloch 1992, ch. 3, doi:10.1002/9780470316856.

    Examples
    --------
    >>> found = components(np.array([1.0, 2, 5, 6, 9, 10]), [np.array([0, 0, 1, 1, 2, 2])], 0.95)
    >>> found.between.round(2).tolist(), found.within
    ([15.75], 0.5)
    """
    from scipy import stats

    n = len(values)
    nested = [np.zeros(n, dtype=np.int64), *(_codes(each) for each in levels), np.arange(n)]
    groups = np.array([each.max() + 1 for each in nested])
    squares = np.array([_squares(values, each) for each in nested])
    df, steps = np.diff(groups).astype(float), np.diff(squares)
    _, first, sizes = np.unique(nested[-2], return_index=True, return_counts=True)
    coefficients = expected(sizes, [each[first] for each in nested[1:-1]])
    mean_squares = steps / df
    found = np.linalg.solve(coefficients / df[:, None], mean_squares)
    ratio = mean_squares[:-1] / mean_squares[1:]
    per = np.diag(coefficients / df[:, None])[:-1]
    ends = [stats.f.ppf(0.5 + side * level / 2, df[:-1], df[1:]) for side in (1, -1)]
    low, high = ((ratio / end - 1) * mean_squares[1:] / per for end in ends)
    return Components(
        np.maximum(found[:-1], 0.0), float(found[-1]), np.maximum(low, 0.0), np.maximum(high, 0.0),
        groups[1:-1], stats.f.sf(ratio, df[:-1], df[1:]), float(values.mean()),
    )  # fmt: skip


def shrunken(rates: Array, noise: Array, between: float, mean: float) -> tuple[Array, Array]:
    """Shrink each group's mean to that of all, and give its posterior error (empirical Bayes).

    `noise` is the variance of each mean about its group's true one. The weight of a group's own mean is
    between / (between + noise); the error adds what not knowing the common mean and the variance between
    costs (Morris 1983).

    References
    ----------
    Morris 1983, doi:10.1080/01621459.1983.10477920.

    Examples
    --------
    >>> value, error = shrunken(np.array([60.0, 40.0]), np.array([240.0, 80.0 / 3]), 25.0, 50.0)
    >>> value.round(2).tolist()
    [50.94, 45.16]
    """
    shrink, k = noise / (noise + between), len(rates)
    left = shrink * max(k - 3.0, 0.0) / max(k - 1.0, 1.0)
    value = (1 - shrink) * rates + shrink * mean
    spread = 2.0 / max(k - 3.0, 1.0) * left**2 * (rates - mean) ** 2
    variance = noise * (1 - (k - 1) / k * left) + spread
    return value, np.sqrt(np.minimum(variance, noise))


def _codes(given: Array) -> Array:
    return np.unique(given, return_inverse=True)[1].reshape(-1)


def _squares(values: Array, codes: Array) -> float:
    centred = values - values.mean()
    return float((np.bincount(codes, weights=centred) ** 2 / np.bincount(codes)).sum())
