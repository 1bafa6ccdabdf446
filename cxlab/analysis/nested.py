"""What nested sums of squares are expected to be: the coefficients of Henderson's first method.

How far waves hold (`waves.components`) and where scores vary (`benchmark.variance_shares`) solve the same
equations, from rows or from sums; what they make of the solution is their own.

References
----------
Henderson 1953, doi:10.2307/3001853. Searle, Casella & McCulloch 1992, ch. 5, doi:10.1002/9780470316856.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def expected(sizes: Array, levels: Sequence[Array]) -> Array:
    """Return what a unit of each variance adds to each step of the sums of squares, (L + 1, L + 1).

    Parameters
    ----------
    sizes : ndarray, shape (units,)
        Values in each unit of the finest level.
    levels : sequence of ndarray of int, shape (units,)
        Of each level, outermost first, the group (from 0) that each of those units lies in.

    Returns
    -------
    ndarray
        Rows: the steps from all together to the first level, on to the last, and from there to the values.
        Columns: the variances between groups of each level, and that of the values.

    Examples
    --------
    Two groups of 3 and of 1: a step of one degree of freedom, and one of two.

    >>> expected(np.array([3, 1]), [np.array([0, 1])]).tolist()
    [[1.5, 1.0], [0.0, 2.0]]
    """
    total = float(sizes.sum())
    held = [np.array([total]), *(np.bincount(codes, weights=sizes) for codes in levels)]
    groups = [np.zeros(len(sizes), dtype=np.int64), *levels]
    found = np.full((len(held) + 1, len(held)), total)
    found[:, -1] = [*map(len, held), total]
    for coarse in range(len(held)):
        for fine in range(coarse + 1, len(held)):
            parents = np.zeros(len(held[fine]), dtype=np.int64)
            parents[groups[fine]] = groups[coarse]
            found[coarse, fine - 1] = (held[fine] ** 2 / held[coarse][parents]).sum()
    return np.asarray(np.diff(found, axis=0))
