"""Why rows do not enter an analysis: few reasons, the same words in every analysis.

A reason is a `Message`: text for whoever reads it here, template and fields for whoever translates it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from cxlab.errors import AnalysisError, Message

Array = np.ndarray[Any, Any]

WEIGHT_ZERO = Message("weight zero")
NO_METRIC = Message("no metric answered")  # of several scored together
NO_TRIALS = Message("no trials")
NO_DRIVER = Message("no driver rated")
INCOMPLETE = Message("incomplete rows")  # some rating missing, where all were asked for
NO_COUNTERPART = Message("nothing to compare with")
TOO_EARLY = Message("seen only before the curve starts")
SEGMENT_OUT = Message("segment left out")


def missing(column: str) -> Message:
    """Say that a column is empty.

    Examples
    --------
    >>> reason = missing("ease")
    >>> reason, reason.template
    ('ease missing', '{column} missing')
    """
    return Message("{column} missing", column=column)


def entering(
    rows: int, reasons: Iterable[tuple[Message, Array]], each: Array | None = None
) -> tuple[Array, dict[str, int]]:
    """Mark the rows that no reason keeps out, and count the others, each under its first reason.

    `each` (rows,) says how many a row stands for.

    Examples
    --------
    >>> weightless, empty = np.array([True, False, False]), np.array([True, True, False])
    >>> entering(3, [(WEIGHT_ZERO, weightless), (missing("ease"), empty)])
    (array([False, False,  True]), {'weight zero': 1, 'ease missing': 1})
    """
    kept, dropped = np.ones(rows, dtype=bool), dict[str, int]()
    for reason, gone in reasons:
        own = gone & kept
        if own.any():
            count = int(own.sum() if each is None else each[own].sum())
            dropped[reason] = dropped.get(reason, 0) + count
        kept &= ~gone
    return kept, dropped


def check_entered(kept: Array, dropped: Mapping[str, int]) -> None:
    """Refuse an analysis of nobody, saying why nobody is left."""
    if not kept.any():
        raise AnalysisError(
            "no row is left to analyse: {reasons}; check these columns and the filter",
            reasons=", ".join(f"{reason} {count}" for reason, count in dropped.items()),
        )
