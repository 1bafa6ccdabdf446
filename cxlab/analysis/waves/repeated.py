"""Is it good every time for the same person: all of their contacts, and runs of good and bad ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cxlab.analysis.estimates import t_quantile
from cxlab.analysis.intervals import wilson

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Always:
    """Shares (of 1) of people all of whose contacts were good: seen, by chance, and their difference."""

    people: int
    seen: float
    chance: float
    error_chance: float
    difference: float
    error: float


def always(good: Array, who: Array) -> Always:
    """Compare how many people had only good contacts with how many would if contacts were alike for all.

    Parameters
    ----------
    good : array of 0 and 1, shape (N,)
        Whether each contact was.
    who : array of int, shape (N,)
        Whose it was; people with one contact are left out.

    Returns
    -------
    Always
        By chance: the mean of p^n over people of n contacts, p the share of good ones. Errors are linearised,
        people being the units.

    Examples
    --------
    Four people of two contacts: two always well, two never, where chance gives one.

    >>> found = always(np.array([1, 1, 1, 1, 0, 0, 0, 0]), np.repeat([0, 1, 2, 3], 2))
    >>> found.seen, found.chance, found.difference
    (0.5, 0.25, 0.25)
    """
    n, x = np.bincount(who), np.bincount(who, weights=good)
    several = n > 1
    n, x = n[several], x[several]
    p, people = x.sum() / n.sum(), len(n)
    luck, all_good = p**n, (x == n).astype(float)
    moves = (n * p ** (n - 1)).mean() * (x - p * n) / n.sum()
    of_chance = (luck - luck.mean()) / people + moves
    of_difference = (all_good - all_good.mean()) / people - of_chance
    scale = people / max(people - 1, 1)
    return Always(
        people, float(all_good.mean()), float(luck.mean()), float(np.sqrt(scale * (of_chance**2).sum())),
        float(all_good.mean() - luck.mean()), float(np.sqrt(scale * (of_difference**2).sum())),
    )  # fmt: skip


def limits_of(found: Always, level: float) -> tuple[Array, Array]:
    """Return limits of the three shares of `found`: seen, by chance, difference."""
    low, high = wilson([found.seen], [found.people], level)
    half = t_quantile(level) * np.array([found.error_chance, found.error])
    centre = np.array([found.chance, found.difference])
    return np.concatenate([low, centre - half]), np.concatenate([high, centre + half])


@dataclass(frozen=True, slots=True)
class Runs:
    """How often contacts turn from good to bad or back, over how often by chance (1: no streaks)."""

    people: int
    ratio: float
    std_error: float


def runs(good: Array, who: Array) -> Runs:
    """Compare the turns within each person's contacts, in order, with those of the same contacts shuffled.

    Given how many of a person's n contacts were good, k, there are 2 k (n - k) / n turns to be expected: who
    is always served well or badly does not enter, only whether bad contacts come together.

    References
    ----------
    Wald & Wolfowitz 1940, doi:10.1214/aoms/1177731909.

    Examples
    --------
    >>> runs(np.array([1, 1, 0, 0, 1, 0, 1, 0]), np.repeat([0, 1], 4))
    Runs(people=2, ratio=1.0, std_error=0.28867513459481287)
    """
    order = np.argsort(who, kind="stable")
    good, who = good[order], who[order]
    n, k = np.bincount(who), np.bincount(who, weights=good)
    turns = np.bincount(who[1:], weights=(np.diff(good) != 0) & (np.diff(who) == 0), minlength=len(n))
    mixed = (k > 0) & (k < n)
    n, k, turns = n[mixed].astype(float), k[mixed], turns[mixed]
    both = 2 * k * (n - k)
    expected = (both / n).sum()
    variance = (both * (both - n) / (n**2 * (n - 1))).sum()
    if not expected:
        return Runs(0, np.nan, np.nan)
    return Runs(len(n), float(turns.sum() / expected), float(np.sqrt(variance) / expected))
