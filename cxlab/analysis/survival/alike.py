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
    """Patterns `x` (patterns, p), the one `of` (n,) each cell; weights at risk and gone (times, patterns)."""

    x: Array
    of: Array
    at_risk: Array
    gone: Array


def alike(
    x: Array, w: Array, event: Array, first: Array, last: Array, begin: Array, ends: Array
) -> Alike | None:
    """Return the patterns of `x` (n, p) and what they weigh at each time; None where they are too many.

    The other arguments are those of `cox.Risk`.
    """
    size = int(ends[-1])
    of, one = pd.factorize(x @ np.sqrt(np.arange(2.0, 2.0 + x.shape[1])))
    if size * len(one) > min(_WIDEST, _WORTH * len(x)):
        return None
    example = np.empty(len(one), dtype=np.int64)
    example[of[::-1]] = np.arange(len(x))[::-1]
    if not (x[example][of] == x).all():  # two patterns that add up to the same
        return None
    shape = (size, len(one))

    def placed(who: Array, at: Array) -> Array:
        key = at[who] * shape[1] + of[who]
        return np.bincount(key, w[who], size * shape[1]).astype(float).reshape(shape)

    held = placed(last > begin, last - 1) - placed(first > begin, first - 1)
    start = 0
    for end in ends:
        held[start:end] = held[start:end][::-1].cumsum(axis=0)[::-1]
        start = end
    return Alike(x[example], of, held, placed(event, last - 1))
