"""How well one covariate alone tells who leaves: too well to have been known before, or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.survival.concordance import concordance
from cxlab.analysis.survival.cox import at_risk
from cxlab.analysis.survival.observed import Observed
from cxlab.errors import Message

Array = np.ndarray[Any, Any]

# So many on each side before a column accuses itself by what it holds.
FEWEST = 10
_COMPARED = 20
# Share of pairs told apart from which nothing known beforehand is to be believed.
NEAR_PERFECT = 0.9
# What of it must be left where those who leave later are compared too.
_ORDERS = 0.08
# Rank correlation with the time observed.
_GROWS = 0.85
# One column of chance in so many would be taken for a leak.
_CHANCE = 1e-4
_GROUPS = 256


@dataclass(frozen=True, slots=True)
class Clock:
    """What is counted once for all covariates: who leaves, and groups of times of like size.

    `time` (cells,) the group in which one was seen last, `begins` that from which one is at risk (None where
    all are from the start), of so many `groups`; `gone` and `here` (patterns,) the customers who left and
    who did not; `under` (patterns,) their groups of the time observed, added up as distances to the mean,
    and `spread` the sum of the squares of these.
    """

    time: Array
    begins: Array | None
    groups: int
    gone: Array
    here: Array
    under: Array
    spread: float

    @classmethod
    def of(cls, who: Observed) -> Clock:
        """Return the clock of a risk table."""
        time = _grouped(who.duration)
        groups = int(time.max()) + 1
        begins, under = None, time
        if who.entry.any():
            last = np.full(groups, -np.inf)
            np.maximum.at(last, time, who.duration)
            begins, under = np.searchsorted(last, who.entry, side="right"), _grouped(who.duration - who.entry)
        apart = under - under @ who.count / who.n
        gone = who.by_pattern(who.count * who.event)
        return cls(
            time, begins, groups, gone, who.by_pattern(who.count) - gone,
            who.by_pattern(who.count * apart), float(who.count @ apart**2),
        )  # fmt: skip


def separating(who: Observed, values: Array, *, category: bool, clock: Clock) -> tuple[float, Message | None]:
    """Return how well one covariate tells who leaves, and what if too well.

    `values` (patterns, columns) are its columns.
    """
    if min(who.events, who.n - who.events) < _COMPARED:
        return float("nan"), None
    levels = np.column_stack([values, 1 - values.sum(axis=1)]) if category else values
    if category or ((levels == 0) | (levels == 1)).all():
        sides = levels if category else np.column_stack([levels, 1 - levels])
        if sides.shape[1] == 2 and any(apart(clock, side == 1) for side in sides.T):
            return 1.0, Message("a column with a value that only customers who left have")
        if sides.shape[1] > 2 and _disjoint(clock, sides == 1):
            return 1.0, Message("a column with other categories for customers who left than for the rest")
        # What one of two categories tells, the other does.
        levels = levels[:, :1] if levels.shape[1] == 2 else levels
    each = np.array([separation(who, x, clock) for x in levels.T])
    if np.isnan(each).all():
        return float("nan"), None
    at = int(np.nanargmax(np.abs(each - 0.5)))
    worst = float(each[at])
    if abs(worst - 0.5) < NEAR_PERFECT - 0.5 or not _also_among_all(who, levels[:, at], worst > 0.5):
        return worst, None
    share = max(worst, 1 - worst)
    return worst, Message(
        "a column that tells who leaves from who stays in {share:.0%} of the pairs", share=share
    )


def separation(who: Observed, values: Array, clock: Clock) -> float:
    """Share of pairs (one leaves, one stays longer and never left) in which who leaves has more (ties half).

    `values` are those of the patterns. Times and values are taken in at most 256 groups of like size, so
    that the cost does not grow.

    Examples
    --------
    >>> from cxlab.analysis.survival.observed import cells
    >>> left = np.array([True, True, False, False])
    >>> who = cells(pd.DataFrame({"i": range(4)}), np.array([2.0, 3, 5, 1]), left, np.zeros(4))
    >>> separation(who, np.array([5.0, 1, 2, 0]), Clock.of(who))
    0.5
    """
    level = _grouped(values)[who.pattern]
    width = int(level.max()) + 1
    place = (who.event * clock.groups + clock.time) * width + level
    counted = np.bincount(place, who.count, 2 * clock.groups * width).reshape(2, clock.groups, width)
    seen, gone = counted
    # At risk in a group of times: seen in it or later, less those who come only after it.
    there = seen[::-1].cumsum(axis=0)[::-1]
    if clock.begins is not None:
        still = ~who.event
        place = (clock.begins * width + level)[still]
        come = np.bincount(place, who.count[still], clock.groups * width).reshape(clock.groups, width)
        there = there - (come.sum(axis=0) - come.cumsum(axis=0))
    pairs = float(gone.sum(axis=1) @ there.sum(axis=1))
    return float((gone * (there.cumsum(axis=1) - there / 2)).sum()) / pairs if pairs else float("nan")


def _also_among_all(who: Observed, values: Array, above: bool) -> bool:  # noqa: FBT001
    """Tell whether a column also orders who leaves first among all at risk, those who leave later too.

    Where nearly all leave in the end, who has not left came last: the cohort tells them, and not who leaves.
    """
    risk = at_risk(who, values[:, None], np.zeros(len(who.count), dtype=int), row=who.pattern)
    share = concordance(risk, np.ones(1))
    return (share > 0.5 + _ORDERS) if above else (share < 0.5 - _ORDERS)


def growing(clock: Clock, values: Array) -> bool:
    """Tell whether a number (of the patterns) grows with the time observed, as a total of payments does."""
    each = clock.gone + clock.here
    if each.sum() < _COMPARED or ((values == 0) | (values == 1)).all():
        return False
    level = _grouped(values)
    level = level - level @ each / each.sum()
    spreads = float(level**2 @ each) * clock.spread
    return bool(spreads > 0 and level @ clock.under >= _GROWS * np.sqrt(spreads))


def apart(clock: Clock, marked: Array) -> bool:
    """Tell whether only customers who left are of the patterns marked, and too many for that to be chance."""
    share = clock.gone.sum() / (clock.gone.sum() + clock.here.sum())
    alone = float(clock.gone[marked].sum())
    return bool(not clock.here[marked].any() and alone >= FEWEST and share**alone < _CHANCE)


def _disjoint(clock: Clock, levels: Array) -> bool:
    return not ((clock.gone @ levels > 0) & (clock.here @ levels > 0)).any()


def _grouped(values: Array) -> Array:
    """Return the group of each value, in their order."""
    if ((values == 0) | (values == 1)).all():
        return np.asarray(values.astype(int))
    codes, found = pd.factorize(values, sort=True)
    if len(found) > _GROUPS:
        codes = np.searchsorted(np.unique(np.quantile(values, np.linspace(0, 1, _GROUPS)[1:-1])), values)
    return np.asarray(codes)
