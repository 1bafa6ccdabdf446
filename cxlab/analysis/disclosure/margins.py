"""Bases and the sums that tie them: what a reader of published tables knows before computing anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from cxlab.analysis.estimates import MINIMUM_CUSTOMERS

Array = np.ndarray[Any, Any]
Cell = frozenset[tuple[str, Any]]
Line = tuple[int, list[int]]


@dataclass(frozen=True, slots=True, eq=False)
class Margins:
    """Bases of cells and the lines in which they add up.

    Attributes
    ----------
    n, people : ndarray, shape (n_cells,)
        Rows of each cell, and persons (the same array where a person has one row).
    small : ndarray of bool, shape (n_cells,)
        Whether a cell is of so few people that it is hidden whatever else is shown.
    depth : ndarray of int, shape (n_cells,)
        How many columns a cell is cut by; 0 is everybody.
    lines : list of (int, list of int)
        A total and its parts.
    matrix : csr_matrix, shape (n_lines, n_cells)
        1 for each part, -1 for the total.
    rest : ndarray, shape (n_lines,)
        What the parts leave of the total: people without a value. It is told among what was dropped.
    minimum : int
        A base of fewer people is hidden.
    """

    n: Array
    people: Array
    small: Array
    depth: Array
    lines: list[Line]
    matrix: sparse.csr_matrix
    rest: Array
    minimum: int

    def bounds(self, *, labelled: bool) -> tuple[Array, Array]:
        """Lowest and highest base that a hidden cell can have.

        Parameters
        ----------
        labelled : bool
            Whether the reader knows which hidden cells are small and which were hidden to protect them, as
            published tables say; otherwise counts are only not negative.

        Returns
        -------
        tuple of ndarray, shape (n_cells,)
        """
        if not labelled:
            return np.zeros(len(self.n)), np.full(len(self.n), np.inf)
        # A row that is listed has somebody in it, unless the table lists empty ones as well.
        least = 0.0 if (self.n == 0).any() else 1.0
        most = self.minimum - 1.0 if np.array_equal(self.n, self.people) else np.inf
        # A cell of nobody may be called one of many, for it is not about anybody.
        low = np.where(self.small, least, np.minimum(self.minimum, self.n))
        return low, np.where(self.small, most, np.inf)


def margins_of(
    cells: Sequence[Cell], n: Any, people: Any = None, *, minimum: int = MINIMUM_CUSTOMERS
) -> Margins:
    """Find the sums among cells.

    Parameters
    ----------
    cells, n, people, minimum
        As in `cxlab.analysis.disclosure.protected`.

    Returns
    -------
    Margins
        With one line for each total and each finer set of columns whose cells add up to it.

    Examples
    --------
    >>> cells = [frozenset(), frozenset({("region", "RM")}), frozenset({("region", "V")})]
    >>> found = margins_of(cells, [50, 40, 7])
    >>> found.lines, found.rest.tolist()
    ([(0, [1, 2])], [3.0])
    """
    rows = np.asarray(n, dtype=float)
    heads = rows if people is None else np.asarray(people, dtype=float)
    lines = _lines(cells)
    places = [(k, cell) for k, (whole, parts) in enumerate(lines) for cell in (whole, *parts)]
    at = np.array(places, dtype=int).reshape(-1, 2)
    signs = [sign for whole, parts in lines for sign in (-1.0, *(1.0 for _ in parts))]
    matrix = sparse.csr_matrix((signs, (at[:, 0], at[:, 1])), shape=(len(lines), len(rows)))
    depth = np.array([len(cell) for cell in cells], dtype=int)
    rest = -np.asarray(matrix @ rows)
    return Margins(rows, heads, heads < minimum, depth, lines, matrix, rest, minimum)


def _lines(cells: Sequence[Cell]) -> list[Line]:
    """Return every total with the parts that add up to it: one line for each finer set of columns."""
    places = {cell: k for k, cell in enumerate(cells)}
    kinds = sorted({frozenset(column for column, _ in cell) for cell in cells}, key=sorted)
    found: dict[tuple[Cell, frozenset[str]], list[int]] = {}
    for k, cell in enumerate(cells):
        own = frozenset(column for column, _ in cell)
        for kind in kinds:
            if kind < own:
                whole = frozenset(pair for pair in cell if pair[0] in kind)
                if whole in places:
                    found.setdefault((whole, own), []).append(k)
    return [(places[whole], parts) for (whole, _), parts in found.items()]
