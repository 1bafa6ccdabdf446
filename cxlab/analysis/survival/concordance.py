"""How often the one who left first had the higher risk: pairs counted without looking at each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from cxlab.analysis.survival.alike import Alike
    from cxlab.analysis.survival.cox import Risk

Array = np.ndarray[Any, Any]


def concordance(risk: Risk, beta: Array) -> float:
    """Share of comparable pairs in which the one who left first had the higher risk (ties count half).

    A pair is comparable when one leaves while the other is at risk in the same stratum and stays longer;
    pairs count by the product of their weights.

    Examples
    --------
    >>> from cxlab.analysis.survival.cox import at_risk
    >>> from cxlab.analysis.survival.observed import cells
    >>> x = np.array([[2.0], [1.0], [0.0]])
    >>> import pandas as pd
    >>> people = pd.DataFrame({"customer": [1, 2, 3]})
    >>> who = cells(people, np.array([1.0, 2, 3]), np.array([True, True, False]), np.zeros(3))
    >>> everyone = at_risk(who, x, np.zeros(3, dtype=int))
    >>> concordance(everyone, np.array([1.0]))
    1.0
    """
    # Risks that differ only by rounding are ties.
    _, rank = np.unique((risk.rows @ beta).round(10), return_inverse=True)
    if risk.alike is not None:
        below, equal, total = _of_patterns(risk.alike, rank)
        return (below + equal / 2) / total if total > 0 else float("nan")
    below = equal = total = 0.0
    start = 0
    for end in risk.ends:
        own = np.flatnonzero((risk.last > start) & (risk.last <= end) & (risk.last > risk.first))
        leaving = own[risk.event[own]]
        # At risk just after the time: those whose last position is later, less those not entered yet.
        place = np.r_[risk.last[own] - risk.event[own], risk.first[own]] - start
        held = (place, np.r_[risk.w[own], -risk.w[own]], np.r_[rank[own], rank[own]])
        low, same, all_ = _after(held, (risk.at[leaving] - start, rank[leaving]))
        below += float(risk.w[leaving] @ low)
        equal += float(risk.w[leaving] @ same)
        total += float(risk.w[leaving] @ all_)
        start = end
    return (below + equal / 2) / total if total > 0 else float("nan")


def _of_patterns(same: Alike, rank: Array) -> tuple[float, float, float]:
    """Return the weight of pairs in which who stays has the lower rank, the same one, and of all."""
    order = np.argsort(rank, kind="stable")
    first = np.flatnonzero(np.r_[True, np.diff(rank[order]) != 0])
    gone = np.add.reduceat(same.gone[:, order], first, axis=1)
    stays = np.add.reduceat((same.at_risk - same.gone)[:, order], first, axis=1)
    upto = stays.cumsum(axis=1)
    equal, total = float((gone * stays).sum()), float(gone.sum(axis=1) @ upto[:, -1])
    return float((gone * upto).sum()) - equal, equal, total


def _after(held: tuple[Array, Array, Array], asked: tuple[Array, Array]) -> tuple[Array, Array, Array]:
    """For each question (place, rank): weight held at later places of lower rank, of the same, in all."""
    place, weight, rank = held
    where, against = asked
    # Later places first; at one place the questions come before what is held there.
    sort = np.lexsort((np.r_[np.ones(len(place)), np.zeros(len(where))], -np.r_[place, where]))
    amount = np.r_[weight, np.zeros(len(where))][sort]
    key = np.r_[rank, against][sort]
    total = np.cumsum(amount)
    lower = np.zeros(len(key))
    for bit in range(int(key.max()).bit_length()):
        group = key >> (bit + 1)
        order = np.argsort(group, kind="stable")
        zero = np.cumsum(np.where((key[order] >> bit) & 1 == 0, amount[order], 0.0))
        begins = np.r_[True, np.diff(group[order]) != 0]
        base = np.r_[0.0, zero[:-1]][begins][np.cumsum(begins) - 1]
        lower[order] += np.where((key[order] >> bit) & 1 == 1, zero - base, 0.0)
    order = np.argsort(key, kind="stable")
    running = np.cumsum(amount[order])
    begins = np.r_[True, np.diff(key[order]) != 0]
    same = np.empty(len(key))
    same[order] = running - np.r_[0.0, running[:-1]][begins][np.cumsum(begins) - 1]
    back = np.empty(len(key), dtype=int)
    back[sort] = np.arange(len(sort))
    positions = back[len(place) :]
    return lower[positions], same[positions], total[positions]
