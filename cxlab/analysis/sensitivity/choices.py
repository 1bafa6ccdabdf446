"""What each choice of a sweep moves: shares of the variance over the grid, and paired changes.

Choices are columns of codes, estimates one number a specification. All of it is exact arithmetic on the
specifications that there are: nothing is drawn, fitted or filled in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

MOST = 14  # choices: 16,384 subsets of them, a second
_NOTHING = 1e-12  # of the estimates' size: what rounding alone would spread


@dataclass(frozen=True, slots=True)
class Shares:
    """Of the variance of K choices' estimates, by subset of choices (bit j: choice j is in it), (2**K,)."""

    explained: Array

    @property
    def variance(self) -> float:
        """Variance over the specifications, each counted once."""
        return float(self.explained[-1])

    @property
    def first(self) -> Array:
        """Variance of the means of each choice's options, (K,)."""
        return np.asarray(self.explained[1 << np.arange(self._count)])

    @property
    def total(self) -> Array:
        """Variance that is left within the specifications alike in all other choices, (K,)."""
        without = len(self.explained) - 1 - (1 << np.arange(self._count))
        return np.asarray(self.variance - self.explained[without])

    @property
    def shapley(self) -> Array:
        """Mean gain of each choice over all orders in which choices are fixed, (K,); they add up to all."""
        count, number = self._count, np.arange(len(self.explained))
        size = _sizes(number)
        weight = np.array([1 / (count * comb(count - 1, k)) for k in range(count)])
        values = []
        for bit in 1 << np.arange(count):
            without = number[(number & bit) == 0]
            gain = self.explained[without | bit] - self.explained[without]
            values.append(float((weight[size[without]] * gain).sum()))
        return np.array(values)

    def interaction(self, subset: int) -> float:
        """Variance of the effect that the choices of `subset` have only together (a full grid's)."""
        members = [bit for bit in range(self._count) if subset >> bit & 1]
        parts = [
            (-1) ** (len(members) - size) * self.explained[sum(1 << bit for bit in some)]
            for size in range(len(members) + 1)
            for some in combinations(members, size)
        ]
        return float(sum(parts))

    @property
    def _count(self) -> int:
        return len(self.explained).bit_length() - 1


@dataclass(frozen=True, slots=True)
class Change:
    """From one option of a choice to another, all else equal: the changes of the estimate, (pairs,)."""

    start: int
    end: int
    first: Array
    second: Array
    size: Array

    @property
    def mean(self) -> float:
        """Mean change over the pairs; missing where there is none."""
        return float(self.size.mean()) if len(self.size) else float("nan")


def shares(codes: Array, estimates: Array) -> Shares:
    r"""Divide the variance of the estimates among the choices.

    Parameters
    ----------
    codes : array of int (N, K)
        Option of each choice in each specification.
    estimates : array (N,)

    Returns
    -------
    Shares
        For each subset u of choices, the variance over the N specifications of the mean of those alike in u.

    Notes
    -----
    With every combination there once, the choices are independent and uniform, and these are the sums of
    Sobol' indices of the subsets of u: :math:`S_j = V(\{j\})/V`, :math:`T_j = 1 - V(-j)/V`; the Shapley
    value divides each interaction evenly among its choices, so :math:`S_j \le Sh_j \le T_j`. With gaps
    the same means are taken over the specifications that there are: Shapley values are still none below
    zero and add up to one, while first and total no longer bound them, and choices that the gaps tie to
    each other share what either may have moved.

    References
    ----------
    Sobol' (2001), doi:10.1016/S0378-4754(00)00270-6; Owen (2014), doi:10.1137/130936233; with choices tied
    to each other Song, Nelson & Staum (2016), doi:10.1137/15M1048070.

    Examples
    --------
    >>> grid = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    >>> found = shares(grid, np.array([0.0, 2.0, 4.0, 10.0]))
    >>> found.variance, found.first.tolist(), found.interaction(0b11), found.shapley.tolist()
    (14.0, [9.0, 4.0], 1.0, [9.5, 4.5])
    """
    count = codes.shape[1]
    centred = estimates - estimates.mean()
    options = codes.max(axis=0) + 1
    explained = np.zeros(2**count)

    def join(alike: Array, subset: int, start: int) -> None:
        """Fix one more of the choices from `start` on beside those of `subset`, and then others yet."""
        for j in range(start, count):
            # Numbered anew after each choice, so that no product of options outgrows an integer.
            joined = np.unique(alike * options[j] + codes[:, j], return_inverse=True)[1]
            sums, sizes = np.bincount(joined, weights=centred), np.bincount(joined)
            explained[subset | 1 << j] = (sums**2 / sizes).sum() / len(codes)
            join(joined, subset | 1 << j, j + 1)

    join(np.zeros(len(codes), dtype=np.int64), 0, 0)
    scale = float(np.abs(estimates).max())
    if explained[-1] <= (_NOTHING * scale) ** 2:
        explained[:] = 0.0
    return Shares(explained)


def complete(codes: Array) -> bool:
    """Tell whether every combination of options is there (none twice).

    Examples
    --------
    >>> complete(np.array([[0, 0], [0, 1], [1, 0]]))
    False
    """
    return len(codes) == int(np.prod(codes.max(axis=0) + 1, dtype=object))


def changes(codes: Array, estimates: Array, choice: int) -> list[Change]:
    """Pair specifications that differ in one choice alone: for each two of its options, the changes.

    The option with the lower estimates, on average over the pairs, is the start.

    Examples
    --------
    >>> grid = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    >>> [(c.start, c.end, c.mean) for c in changes(grid, np.array([10.0, 4.0, 2.0, 0.0]), 0)]
    [(1, 0, 6.0)]
    """
    others = np.delete(codes, choice, axis=1)
    alike = (
        np.unique(others, axis=0, return_inverse=True)[1].reshape(-1)
        if others.shape[1]
        else np.zeros(len(codes), dtype=int)
    )
    count = int(codes[:, choice].max()) + 1
    where = np.full((int(alike.max()) + 1, count), -1)
    where[alike, codes[:, choice]] = np.arange(len(codes))
    return [_change(where[:, list(pair)], pair, estimates) for pair in combinations(range(count), 2)]


def _change(where: Array, pair: Sequence[int], estimates: Array) -> Change:
    first, second = where[(where >= 0).all(axis=1)].T
    size = estimates[second] - estimates[first]
    if len(size) and size.mean() < 0:
        return Change(pair[1], pair[0], second, first, -size)
    return Change(pair[0], pair[1], first, second, size)


def _sizes(number: Array) -> Array:
    """How many bits of each number are set."""
    return np.array([int(each).bit_count() for each in number])
