"""Fictional Chilean identity numbers (RUT) with a right check digit, from a range not given to people."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

FIRST = 40_000_000
RANGE = 10_000_000
STRIDE = 3_141_593  # prime to the range: no number comes twice


def ruts(n: int, offset: int) -> list[str]:
    """Return `n` different identity numbers, scattered over the range from `offset`.

    Examples
    --------
    >>> ruts(2, 0)
    ['40000000-K', '43141593-3']
    """
    numbers = FIRST + (np.arange(n, dtype=np.int64) * STRIDE + offset) % RANGE
    return [f"{number}-{digit}" for number, digit in zip(numbers, check_digits(numbers), strict=True)]


def check_digits(numbers: Array) -> list[str]:
    """Return the check digit of each number: 11 less the weighted digit sum modulo 11; 10 is K, 11 is 0.

    Examples
    --------
    >>> check_digits(np.array([12345678, 11111111, 6]))
    ['5', '1', 'K']
    """
    total = np.zeros(len(numbers), dtype=np.int64)
    rest = np.array(numbers, dtype=np.int64)
    for place in range(8):
        total += rest % 10 * (2 + place % 6)
        rest //= 10
    return ["0123456789K"[value] for value in (11 - total % 11) % 11]
