"""Which bases to hide so that no hidden one follows from those that are shown.

A base under 10 is hidden. Shown beside its total and the other parts of that total it would come back by
subtraction, so a second part is hidden with it (complementary suppression, the smallest that will do).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cxlab.analysis.estimates import MINIMUM_CUSTOMERS

Array = np.ndarray[Any, Any]
Cell = frozenset[tuple[str, Any]]
Line = tuple[int, list[int]]


def protected(
    cells: Sequence[Cell], n: Any, people: Any = None, *, minimum: int = MINIMUM_CUSTOMERS
) -> Array:
    """Say which cells to hide: those of few people, and those from which these would follow.

    Parameters
    ----------
    cells : sequence of frozenset of (column, value)
        What each base is of: the empty set is everybody, ``{("region", "RM")}`` a part of it,
        ``{("region", "RM"), ("plan", "a")}`` a part of that part.
    n : array-like of int
        Base of each cell.
    people : array-like of int, optional
        Persons in each cell, where one may stand in several rows; `n` without it.
    minimum : int
        A base of fewer people is hidden.

    Returns
    -------
    ndarray of bool
        True where a base is not to be shown.

    Examples
    --------
    The total and the north would give the south away, so the smaller of the others goes with it.

    >>> cells = [frozenset(), *(frozenset({("region", r)}) for r in ("north", "centre", "south"))]
    >>> protected(cells, [107, 60, 40, 7]).tolist()
    [False, False, True, True]
    """
    sizes = np.asarray(n, dtype=float)
    hidden = np.asarray(sizes if people is None else people, dtype=float) < minimum
    lines, changed = _lines(cells), True
    while changed:
        changed = False
        for whole, parts in lines:
            if not _gives_away(whole, parts, hidden, sizes, minimum):
                continue
            still = [part for part in parts if not hidden[part]]
            chosen = min(still, key=lambda part: (sizes[part], part)) if still else whole
            changed = changed or not hidden[chosen]
            hidden[chosen] = True
    return hidden


def _gives_away(whole: int, parts: list[int], hidden: Array, sizes: Array, minimum: int) -> bool:
    """Whether a total and its parts let a hidden one be computed, or known to be of few people together."""
    closed = [part for part in parts if hidden[part]]
    if hidden[whole]:
        return not closed
    return bool(closed) and (len(closed) == 1 or sizes[closed].sum() < minimum)


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
