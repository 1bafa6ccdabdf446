"""Combinations of the raked variables that occur, and the factors that bring them to their margins.

Raking multiplies each weight by one factor per category, so all rows of one combination have the same factor:
rows are read once to be numbered and added up, and what is fitted are the combinations.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.weighting import Alike, written
from cxlab.errors import AnalysisError

Array = np.ndarray[Any, Any]

CONVERGED = 1e-12
MOST_ROUNDS = 2000
_IN_A_ROW = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Crossed:
    """The combinations of the raked variables that occur: all that raking needs of the rows.

    Attributes
    ----------
    flat : ndarray of int, shape (n_rows,)
        Number of each row's combination, among the `present` ones.
    present : ndarray of int, shape (n_cells,)
        Numbers that occur.
    codes : tuple of ndarray of int, shape (n_cells,)
        Of each variable, place among its `values` plus one; 0 where it is missing.
    values : tuple of list of str
        As text.
    count, base : ndarray, shape (n_cells,)
        Rows, and what they weigh before.
    elsewhere : bool
        Whether the rows are patterns, which have no place.
    """

    names: Sequence[str]
    flat: Array
    present: Array
    codes: tuple[Array, ...]
    values: tuple[list[str], ...]
    count: Array
    base: Array
    elsewhere: bool

    def spread(self, held: Array) -> Array:
        """Put what each combination has at its number, zero where none has it."""
        dense = np.zeros(int(self.present[-1]) + 1, dtype=held.dtype)
        dense[self.present] = held
        return dense

    def of_rows(self, held: Array) -> Array:
        """Give each row what its combination has."""
        return self.spread(held)[self.flat]

    def alike(self, weights: Array) -> Alike:
        """Say what the rows of each combination weigh, who all weigh the same: `weights` (n_cells,)."""
        count = self.count.astype(float)
        return Alike(count, count * weights, count * weights**2, weights, weights)

    def added(self, values: Array) -> Array:
        """Add the values of rows up."""
        return np.asarray(np.bincount(self.flat, weights=values)[self.present])

    def places(self, variable: int, categories: Iterable[Any]) -> Array:
        """Return the place of each combination among the categories of a variable."""
        place = {category: k for k, category in enumerate(categories)}
        held = np.array([place.get(value, -1) for value in self.values[variable]], dtype=np.int64)
        return np.asarray(held[self.codes[variable] - 1])

    def gone(self, variable: int) -> tuple[int, int]:
        """First row, counted from one (0 where not known), without a value, and how many there are."""
        lacking = self.codes[variable] == 0
        if not lacking.any():
            return 0, 0
        row = int(np.flatnonzero(np.isin(self.flat, self.present[lacking]))[0]) + 1
        return 0 if self.elsewhere else row, int(self.count[lacking].sum())

    def held(self, variable: int, *, weighing: bool = False) -> set[str]:
        """Values that occur, or only those that somebody with weight has."""
        codes = self.codes[variable]
        enters = (codes > 0) & ((self.base > 0) | (not weighing))
        return {self.values[variable][code - 1] for code in codes[enters]}


def crossed(
    table: pd.DataFrame, variables: Sequence[str], base: Array | None, each: Array | None = None
) -> Crossed:
    """Count the combinations of `variables`, and add their `base` weights (n_rows,) up.

    In a table of patterns `each` says how many rows each one is.
    """
    flat, most = np.zeros(len(table), dtype=np.int64), 1
    sizes, values = [], []
    for name in variables:
        own, found = _codes(table[name])
        sizes.append(len(found) + 1)
        values.append(written(found))
        flat *= sizes[-1]
        flat += own
        flat += 1
        most *= sizes[-1]
    if most <= 4 * len(flat) + 1000:  # counted rather than sorted
        bins = np.bincount(flat, minlength=most)
        present = number = np.flatnonzero(bins)
        count = bins[present]
    else:
        number, flat, count = np.unique(flat, return_inverse=True, return_counts=True)
        present = np.arange(len(number))
    codes = []
    for size in reversed(sizes):
        codes.append(number % size)
        number = number // size
    start = count.astype(float) if base is None else np.bincount(flat, weights=base)[present]
    if each is not None:
        count = np.bincount(flat, weights=each)[present].astype(int)
    return Crossed(
        variables, flat, present, tuple(reversed(codes)), tuple(values), count, start, each is not None
    )


def _codes(column: pd.Series[Any]) -> tuple[Array, Any]:
    """Place of each value among those that may occur, -1 where missing; whole numbers are their own place."""
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iu":
        held = column.to_numpy()
        low, high = int(held.min()), int(held.max())
        if high - low < _IN_A_ROW and high <= np.iinfo(np.int64).max:
            return held.astype(np.int64, copy=False) - low, range(low, high + 1)
    return pd.factorize(column)


def factors(
    margins: Sequence[Array], targets: Sequence[Any], start: Array, variables: Sequence[str]
) -> tuple[Array, int]:
    """Factor of each combination, and rounds: iterative proportional fitting."""
    shares = [np.asarray(target, dtype=float) for target in targets]
    # In the order of the targets, so that neither the order of rows nor the type of a column moves a digit.
    order = np.lexsort(margins[::-1])
    margins, start = [margin[order] for margin in margins], start[order]
    total, factors = start.sum(), np.ones(len(start))
    for rounds in range(1, MOST_ROUNDS + 1):  # noqa: B007
        before = factors.copy()
        for margin, share in zip(margins, shares, strict=True):
            now = np.bincount(margin, weights=start * factors, minlength=len(share))
            with np.errstate(divide="ignore", invalid="ignore"):
                factors *= np.where(now > 0, share * total / now, 0.0)[margin]
        if np.abs(factors - before).max() <= CONVERGED * np.abs(factors).max():
            break
    off = max(
        np.abs(np.bincount(margin, weights=start * factors, minlength=len(share)) / total - share).max()
        for margin, share in zip(margins, shares, strict=True)
    )
    if not off <= 1e-8:
        raise AnalysisError(
            "no weights meet the targets of {variables} together (off by {off:.2g} after {rounds} rounds); "
            "some of their combinations have no answers: merge categories or rake on fewer variables",
            variables=", ".join(variables),
            off=float(off),
            rounds=MOST_ROUNDS,
        )
    found = np.empty_like(factors)
    found[order] = factors
    return found, rounds
