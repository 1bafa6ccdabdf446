"""Columns of many different numbers written plainly: turned into numbers as a whole.

The few cells that a person would have to look at (a text among the numbers, a declared missing code) are
left to `decoding`, one by one; a column of codes or of thousands marks is left to it whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as compute

from cxlab.intake.tables.cells import MOST_DIGITS, Marks

# Fewer different texts are looked at one by one as fast.
MANY = 5_000
# So many texts among them may be none.
FEW = 200


def plain_numbers(
    texts: Any, marks: Marks, keys: Iterable[str]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]] | None:
    """Return the number that each text plainly writes, and which texts must be looked at one by one.

    Parameters
    ----------
    texts : arrow array of large_string
        Distinct cells of one column.
    marks : Marks
    keys : iterable of str
        Cells that are declared to mean something else.

    Returns
    -------
    ndarray of float, ndarray of bool; or None
        None if the marks may stand for thousands, or too many texts are no plain numbers.

    Examples
    --------
    >>> texts = pa.array(["1,5", "2,25", "-20", "99", "n/a"], pa.large_string())
    >>> numbers, others = plain_numbers(texts, Marks(decimal=","), ["99,0"])
    >>> numbers[~others].tolist(), others.tolist()
    ([1.5, 2.25, -20.0], [False, False, False, True, True])
    """
    mark = re.escape(marks.decimal)
    written = rf"^-?(?:0|[1-9][0-9]{{0,{MOST_DIGITS - 1}}})(?:{mark}[0-9]+)?$"
    plainly = compute.match_substring_regex(texts, written)
    pointed = compute.replace_substring(texts, marks.decimal, ".") if marks.decimal != "." else texts
    numbers = compute.cast(compute.if_else(plainly, pointed, None), pa.float64())
    values: npt.NDArray[np.float64] = numbers.to_numpy(zero_copy_only=False).astype(float)
    others = np.isnan(values) | np.isin(values, [code for key in keys for code in _codes(key)])
    if others.all() or np.isnan(values).sum() > FEW or not _told_apart(texts.filter(pa.array(~others)), mark):
        return None
    return values, others


def _told_apart(texts: Any, mark: str) -> bool:
    """Tell whether some mark cannot be a thousands mark, or there is none."""
    marked = texts.filter(compute.match_substring_regex(texts, mark))
    grouped = compute.match_substring_regex(marked, rf"^-?[0-9]{{1,3}}{mark}[0-9]{{3}}$")
    return not len(marked) or not compute.all(grouped).as_py()


def _codes(key: str) -> Iterator[float]:
    """Give the numbers that a declared cell may stand for, whichever mark it is written with."""
    for mark, thousands in ((".", ","), (",", "."), (".", " "), (",", " ")):
        with suppress(ValueError):
            yield float(key.replace(thousands, "").replace(mark, "."))
