"""What to hide with the small bases: the fewest others with which the attacker of `attack` fails.

Cuts in turn (Fischetti & Salazar-Gonzalez 2001, doi:10.1287/mnsc.47.7.1008.9805): choose the cheapest bases
that meet all conditions so far, attack, and turn each success of the attacker into a condition on what must
be hidden, read from the dual prices of the attack. It ends when no attack succeeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse

from cxlab.analysis.disclosure.attack import moving, reached
from cxlab.analysis.disclosure.margins import Cell, Margins, margins_of
from cxlab.analysis.estimates import MINIMUM_CUSTOMERS

Array = np.ndarray[Any, Any]
Cut = tuple[Array, float]  # coefficient of hiding each cell, and what they must add up to

PROTECTION = 3.0  # arithmetic must leave the attacker an interval at least this wide
MARKED = 1.0  # and what the marks of hidden rows say besides, at least two counts
_ROUNDS = 60
_NODES = 500  # of the search in one round: a limit of time would make the answer depend on the machine
_SLACK = 1e-6


def protected(
    cells: Sequence[Cell], n: Any, people: Any = None, *,
    minimum: int = MINIMUM_CUSTOMERS, rest: bool = False, hidden_elsewhere: Any = None,
    hidden: Any = None, shown: Any = None,
) -> Array:  # fmt: skip
    """Say which cells to hide: those of few people, and the fewest others from which these would follow.

    Parameters
    ----------
    cells : sequence of frozenset of (column, value)
        What each base is of: the empty set is everybody, ``{("region", "RM")}`` a part of it,
        ``{("region", "RM"), ("plan", "a")}`` a part of that part. Everybody is always shown, if not few.
    n : array-like of int
        Base of each cell.
    people : array-like of int, optional
        Persons in each cell, where one may stand in several rows; `n` without it.
    minimum : int
        A base of fewer people is hidden.
    rest : bool
        Whether the people whom the parts of a total leave out are protected as well: where estimates are
        shown, those of a total less those of its parts are theirs.
    hidden_elsewhere : array-like of bool, optional
        Cells that are hidden on another question, to be taken first.
    hidden, shown : array-like of bool, optional
        Cells that are hidden, or shown, already: what was shown is known.

    Returns
    -------
    ndarray of bool
        True where a base is not to be shown.

    Notes
    -----
    A reader is taken to know all sums and all bases shown. For each small base the possible values then span
    3 or more and reach `minimum`, so that arithmetic neither finds it nor proves it to be small, and no total
    less its shown parts is of fewer people. A reader who also uses the marks of hidden rows, which tell the
    small from those hidden with them, is left with two counts at least. Where hiding everything else is not
    enough (ten and one under eleven), so it is.

    Examples
    --------
    The total and the north would give the south away, so the smaller of the others goes with it.

    >>> cells = [frozenset(), *(frozenset({("region", r)}) for r in ("north", "centre", "south"))]
    >>> protected(cells, [107, 60, 40, 7]).tolist()
    [False, False, True, True]
    """
    margins = margins_of(cells, n, people, minimum=minimum)
    none = np.zeros(len(margins.n), dtype=bool)
    must: Array = margins.small | (none if hidden is None else np.asarray(hidden, dtype=bool))
    # How many answered stands under every table, whatever is hidden in it.
    never: Array = ((margins.depth == 0) | (none if shown is None else np.asarray(shown, dtype=bool))) & ~must
    cuts = _possible(_first_cuts(margins, rest=rest), must, never)
    closed: Array = must.copy()
    if not len(margins.lines) or not (cuts or closed.any()):
        return closed
    price = _prices(margins, hidden_elsewhere)
    for _ in range(_ROUNDS):
        if cuts:
            closed = _cheapest(cuts, price, must, never)
        found = _possible(_broken(margins, closed), must, never)
        if not found:
            return closed
        cuts += found
    return np.asarray(~never)


def _prices(margins: Margins, hidden_elsewhere: Any) -> Array:
    """Return what hiding a cell costs: one, a little more for a larger base, more for a total."""
    depth = margins.depth.max() - margins.depth
    share = margins.n / max(float(margins.n.max()), 1.0)
    order = np.argsort(np.argsort(margins.n, kind="stable"), kind="stable") / len(margins.n)
    price: Array = (1.0 + 0.3 * share + 0.02 * order) * (1.0 + 0.5 * depth)
    return price if hidden_elsewhere is None else np.asarray(np.where(hidden_elsewhere, 0.2 * price, price))


def _first_cuts(margins: Margins, *, rest: bool) -> list[Cut]:
    """Return what every line needs: no hidden cell alone in it, nor hidden parts of too few people."""
    cuts: list[Cut] = []
    for (whole, parts), left in zip(margins.lines, margins.rest, strict=True):
        line = np.zeros(len(margins.n))
        line[[whole, *parts]] = 1.0
        small = [cell for cell in (whole, *parts) if margins.small[cell]]
        others = np.where(margins.small, 0.0, line)
        outside = left if rest and left > 0 else 0.0
        few = margins.people[small].sum() + outside < margins.minimum and not margins.small[whole]
        alone = len(small) == 1 or (not small and 0 < outside < margins.minimum)
        if (small or outside) and (alone or (few and (small or outside < margins.minimum))):
            cuts.append((others, 1.0))
        elif not small:
            for cell in np.flatnonzero(others):
                with_it = others.copy()
                with_it[cell] = -1.0
                cuts.append((with_it, 0.0))
    return [] if not margins.small.any() and all(need == 0 for _, need in cuts) else cuts


def _possible(cuts: Sequence[Cut], must: Array, never: Array) -> list[Cut]:
    """Return the cuts that hiding more can meet; none where hiding all would not."""
    kept = []
    for weight, need in cuts:
        left = need - weight[must].clip(0).sum() if need else 0.0
        most = weight[~must & ~never].clip(0).sum()
        if need == 0 or (_SLACK < left <= most + _SLACK):
            kept.append((weight, need))
    return kept


def _cheapest(cuts: Sequence[Cut], price: Array, must: Array, never: Array) -> Array:
    """Hide the cheapest cells that meet all cuts."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    rows = sparse.csr_matrix(np.array([cut for cut, _ in cuts]))
    need = np.array([least for _, least in cuts])
    found = milp(
        price,
        integrality=np.ones(len(price)),
        bounds=Bounds(must.astype(float), 1.0 - never),
        constraints=LinearConstraint(rows, lb=need - _SLACK),
        options={"node_limit": _NODES, "mip_rel_gap": 0.0},
    )
    # Out of nodes and nothing found: hiding all meets every cut.
    return ~never if found.x is None else np.asarray(found.x > 0.5)


def _broken(margins: Margins, hidden: Array) -> list[Cut]:
    """Attack every small cell; return what would have made each attack that succeeds fail."""
    closed = np.flatnonzero(hidden)
    targets = np.flatnonzero(margins.small & (np.diff(margins.matrix.tocsc().indptr) > 0))
    cuts: list[tuple[Array, float]] = []
    for labelled, wide in ((False, PROTECTION), (True, MARKED)):
        seen = moving(margins, closed, targets, np.full(len(targets), wide), labelled=labelled, down=True)
        cuts += _narrow(margins, closed, targets[seen < wide - _SLACK], wide, labelled=labelled)
    wanted = np.maximum(margins.minimum - margins.n[targets], 0.0)
    proved = moving(margins, closed, targets, wanted, labelled=False, down=False) < wanted - _SLACK
    few, wanted = targets[proved], wanted[proved]
    far, beyond = reached(margins, closed, few, 1, labelled=False)
    for k in np.flatnonzero(far < wanted - _SLACK):
        cuts.append((_held(margins, few[k], beyond[k], 1, labelled=False), float(wanted[k])))
    return [_short(margins, *each) for each in cuts]


def _narrow(margins: Margins, closed: Array, targets: Array, wide: float, *, labelled: bool) -> list[Cut]:
    """Return, for each target whose interval is narrower than `wide`, what holds its two ends."""
    up, above = reached(margins, closed, targets, 1, labelled=labelled)
    down, below = reached(margins, closed, targets, -1, labelled=labelled)
    return [
        (
            _held(margins, targets[k], above[k], 1, labelled=labelled)
            + _held(margins, targets[k], below[k], -1, labelled=labelled),
            wide,
        )
        for k in np.flatnonzero(up + down < wide - _SLACK)
    ]


def _held(margins: Margins, target: int, prices: Array, sign: int, *, labelled: bool) -> Array:
    """Return how much hiding each cell would let the target move, at most, at these prices."""
    low, high = margins.bounds(labelled=labelled)
    reduced = -np.asarray(margins.matrix.T @ prices)
    reduced[target] -= sign
    down, up = margins.n - low, np.minimum(high - margins.n, 1e6)
    return np.where(reduced > _SLACK, reduced * down, np.where(reduced < -_SLACK, -reduced * up, 0.0))


def _short(margins: Margins, held: Array, wanted: float) -> Cut:
    """Return the condition on what is not small: no single cell counts for more than is needed."""
    need = float(wanted - held[margins.small].sum())
    return np.where(margins.small, 0.0, np.minimum(held, max(need, 0.0))), need
