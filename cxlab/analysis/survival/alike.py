"""Customers with the same covariates, whenever they are seen: the few rows that a likelihood is made of.

A table of months by patterns says what is at risk and what leaves; each step towards the maximum is then a
few products of small matrices, however many cells there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

Array = np.ndarray[Any, Any]

_WIDEST = 5_000_000  # times by patterns, in memory; beyond, cells are added up one by one
_WORTH = 20  # times by patterns for each cell, up to which products are quicker than sums


@dataclass(frozen=True, slots=True)
class Alike:
    """What each of few patterns weighs at each time, at risk and gone (times, patterns)."""

    at_risk: Array
    gone: Array


def told_apart(x: Array) -> tuple[Array, Array]:
    """Return the different rows of `x` (n, p), and which of them each is; all where that is unsure."""
    of, one = pd.factorize(x @ np.sqrt(np.arange(2.0, 2.0 + x.shape[1])))
    example = np.empty(len(one), dtype=np.int64)
    example[of[::-1]] = np.arange(len(x))[::-1]
    if not (x[example][of] == x).all():  # two patterns that add up to the same
        return x, np.arange(len(x))
    return x[example], of


def alike(
    patterns: int,
    of: Array,
    w: Array,
    event: Array,
    first: Array,
    last: Array,
    begin: Array,
    ends: Array,
) -> Alike | None:
    """Return what each of so many patterns weighs at each time; None where they are too many.

    `of` (n,) is the pattern of each cell; the other arguments are those of `cox.Risk`.
    """
    shape = (int(ends[-1]), patterns)
    size = shape[0] * shape[1]
    if size > min(_WIDEST, _WORTH * len(of)):
        return None

    def placed(who: Array | slice, at: Array) -> Array:
        return np.bincount(at * patterns + of[who], w[who], size).astype(float).reshape(shape)

    ever, late = last > begin, first > begin
    held = placed(ever, last[ever] - 1)
    if late.any():
        held -= placed(late, first[late] - 1)
    start = 0
    for end in ends:
        held[start:end] = held[start:end][::-1].cumsum(axis=0)[::-1]
        start = end
    return Alike(held, placed(event, last[event] - 1))
