"""The reader with a pencil: between which values can a hidden base lie, given all that is shown.

A linear programme for each hidden base: its least and its greatest value under the sums of the tables, the
bases that are shown, and what the marks of hidden rows say. Its dual prices tell which further bases would
have to be hidden to widen the answer; `cover` uses them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from cxlab.analysis.disclosure.margins import Margins
from cxlab.errors import AnalysisError

Array = np.ndarray[Any, Any]

_AT_ONCE = 20_000  # unknowns in one programme
_PASSES = 8
_CLOSE = 1e-6


def possible(margins: Margins, hidden: Any, *, labelled: bool = True) -> tuple[Array, Array]:
    """Give the least and the greatest value that each hidden base can have.

    Parameters
    ----------
    margins : Margins
        Bases and their sums.
    hidden : array-like of bool, shape (n_cells,)
        Which bases are not shown.
    labelled : bool
        As in `Margins.bounds`.

    Returns
    -------
    tuple of ndarray, shape (n_cells,)
        Both are the base itself where it is shown; the greatest may be infinite.

    Examples
    --------
    >>> from cxlab.analysis.disclosure.margins import margins_of
    >>> cells = [frozenset(), *(frozenset({("region", r)}) for r in ("north", "centre", "south"))]
    >>> found = margins_of(cells, [107, 60, 40, 7])
    >>> [ends.tolist() for ends in possible(found, [False, False, False, True])]
    [[107.0, 60.0, 40.0, 7.0], [107.0, 60.0, 40.0, 7.0]]
    >>> [ends.tolist() for ends in possible(found, [False, False, True, True])]
    [[107.0, 60.0, 38.0, 1.0], [107.0, 60.0, 46.0, 9.0]]
    """
    closed = np.flatnonzero(np.asarray(hidden, dtype=bool))
    low, high = margins.n.copy(), margins.n.copy()
    low[closed] -= reached(margins, closed, closed, -1, labelled=labelled)[0]
    high[closed] += reached(margins, closed, closed, 1, labelled=labelled)[0]
    return low, high


def reached(
    margins: Margins, hidden: Array, targets: Array, sign: int, *, labelled: bool
) -> tuple[Array, Array]:
    """Give how far each target can be from its base, upwards (1) or downwards (-1), and what holds it there.

    Returns
    -------
    tuple of ndarray
        Distances, shape (n_targets,), and dual prices of the lines, shape (n_targets, n_lines).
    """
    distance, prices = np.empty(len(targets)), np.zeros((len(targets), len(margins.lines)))
    many = max(1, _AT_ONCE // max(len(hidden), 1))
    for start in range(0, len(targets), many):
        some = slice(start, start + many)
        distance[some], prices[some] = _programme(margins, hidden, targets[some], sign, labelled=labelled)
    return distance, prices


def moving(
    margins: Margins, hidden: Array, targets: Array, wanted: Array, *, labelled: bool, down: bool
) -> Array:
    """Give how far targets were seen to move when many are moved at once: a lower bound, cheaply.

    Parameters
    ----------
    wanted : ndarray, shape (n_targets,)
        How far each is to move; no further is looked.
    down : bool
        Whether a way down counts as one up does.

    Returns
    -------
    ndarray, shape (n_targets,)
    """
    lowest, highest = np.zeros(len(targets)), np.zeros(len(targets))
    place = np.searchsorted(hidden, targets)
    for turn in range(_PASSES):
        left = np.flatnonzero(highest - lowest * down < wanted - _CLOSE)
        if not len(left):
            break
        # Cells of a line cannot all rise: every second one falls, then every second pair, and so on.
        sign = np.where(np.arange(len(left)) // 2 ** (turn // 2) % 2 == turn % 2, 1.0, -1.0)
        if not down:
            left, sign = left[sign > 0], sign[sign > 0]
        moved = _together(margins, hidden, place[left], wanted[left], sign, labelled=labelled)[place]
        lowest, highest = np.minimum(lowest, moved), np.maximum(highest, moved)
    return np.asarray(highest - lowest * down)


def _together(
    margins: Margins, hidden: Array, place: Array, wanted: Array, sign: Array, *, labelled: bool
) -> Array:
    """Move the cells at `place`, each its way, as far as wanted; return how far all hidden ones move."""
    own, lower, upper = _sums(margins, hidden, labelled=labelled)
    k, size = len(place), len(hidden)
    beside = sparse.csr_matrix((own.shape[0], k))
    reach = sparse.csr_matrix((-sign, (np.arange(k), place)), shape=(k, size))
    found = _solved(
        np.concatenate([np.zeros(size), -np.ones(k)]),
        sparse.hstack([own, beside], format="csr"),
        np.column_stack([np.concatenate([lower, np.zeros(k)]), np.concatenate([upper, wanted])]),
        sparse.hstack([reach, sparse.identity(k)], format="csr"),
    )
    return np.asarray(found.x[:size])


def _sums(margins: Margins, hidden: Array, *, labelled: bool) -> tuple[sparse.csr_matrix, Array, Array]:
    """Return the lines of the hidden cells, those of none as well, and how far each cell could move alone."""
    low, high = margins.bounds(labelled=labelled)
    # A cell in no line is free; the programme must still be bounded.
    up = np.minimum(high[hidden] - margins.n[hidden], _bound(margins))
    return margins.matrix[:, hidden], low[hidden] - margins.n[hidden], up


def _bound(margins: Margins) -> float:
    return float(2.0 * margins.n.sum() + margins.minimum)


def _solved(cost: Array, equal: Any, bounds: Array, most: Any = None) -> Any:
    from scipy.optimize import linprog  # half a second that a page without small bases does not need

    found = linprog(
        cost,
        A_eq=equal,
        b_eq=np.zeros(equal.shape[0]),
        A_ub=most,
        b_ub=None if most is None else np.zeros(most.shape[0]),
        bounds=bounds,
        method="highs",
    )
    if found.x is None:
        raise AnalysisError("which bases may be shown cannot be found: {why}", why=found.message)
    return found


def _programme(
    margins: Margins, hidden: Array, targets: Array, sign: int, *, labelled: bool
) -> tuple[Array, Array]:
    """Solve the programmes of several targets as one: they share nothing, so each is solved."""
    own, lower, upper = _sums(margins, hidden, labelled=labelled)
    live = np.flatnonzero(np.diff(own.indptr))
    k, size = len(targets), len(hidden)
    place = np.arange(k) * size + np.searchsorted(hidden, targets)
    cost = np.zeros(k * size)
    cost[place] = -sign
    found = _solved(
        cost,
        sparse.block_diag([own[live]] * k, format="csr"),
        np.tile(np.column_stack([lower, upper]), (k, 1)),
    )
    distance = sign * found.x[place]
    prices = np.zeros((k, len(margins.lines)))
    prices[:, live] = found.eqlin.marginals.reshape(k, -1)
    return np.where(distance >= _bound(margins) * (1 - 1e-9), np.inf, distance), prices
