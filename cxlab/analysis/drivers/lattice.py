"""R-squared of every subset of drivers, and what follows from all of them at once.

The lattice is an array with one axis of length two for each block (0: out, 1: in) and the replicates
last. Conditional and complete dominance and Feldman's proportional values are sums and comparisons over
its axes; general dominance, which needs no lattice, is in `dominance`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.drivers.dominance import grown

Array = np.ndarray[Any, Any]

MOST = 10  # blocks for which the tables of a report are made: 1,024 models, in each bootstrap sample
_LEFT = 1e-12  # of the whole: what a subset leaves unexplained counts for no less, so that limits are finite
_TIE = 1e-12


def subsets(matrices: Array, blocks: Sequence[int]) -> Array:
    """R-squared of every subset of the blocks, (2, ..., 2, replicates), block j along axis j.

    Parameters
    ----------
    matrices : array (1 + drivers, 1 + drivers, replicates)
        As in `dominance`: outcome first, controls already swept out.
    blocks : sequence of int
        Sizes of the blocks, in order.
    """
    left = grown(matrices, blocks)[0, 0].reshape((2,) * len(blocks) + (matrices.shape[2],))
    return np.asarray(matrices[0, 0] - left)


def conditional(explained: Array) -> Array:
    """Mean gain of each block among the models of each size before it, (blocks, sizes, replicates).

    References
    ----------
    Azen & Budescu (2003), doi:10.1037/1082-989X.8.2.129.
    """
    count = explained.ndim - 1
    size = np.indices((2,) * (count - 1)).sum(axis=0).ravel() if count > 1 else np.zeros(1, dtype=int)
    belongs = np.equal.outer(np.arange(count), size)
    sums = np.array([belongs @ _gains(explained, block) for block in range(count)])
    return np.asarray(sums / belongs.sum(axis=1)[:, None])


def _gains(explained: Array, block: int) -> Array:
    """Gain of a block over each model without it, (models, replicates)."""
    moved = np.moveaxis(explained, block, 0)
    return np.asarray((moved[1] - moved[0]).reshape(2 ** (explained.ndim - 2), -1 if explained.size else 0))


def dominance_tables(explained: Array, replicates: Array, names: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Conditional dominance of each block, and for each pair how far the stronger dominates.

    Parameters
    ----------
    explained : array (2, ..., 2, 1)
        As `subsets` gives it, for the data.
    replicates : array (2, ..., 2, resamples)
        For bootstrap samples; there may be none.
    names : sequence of str
        Of the blocks.

    Returns
    -------
    dict of str to DataFrame
        ``conditional``: driver, others (how many are in the model before it), gain (mean R2 it adds).
        ``dominance``, the generally stronger first: driver, over, ahead (share of the models with neither
        in which it adds more), dominance (complete: in every model; conditional: on average at each size;
        general: on average over sizes), reproduced (share of the bootstrap samples that agree on whether
        dominance is complete; missing without a bootstrap).

    References
    ----------
    Azen & Budescu (2003), doi:10.1037/1082-989X.8.2.129.
    """
    gains = conditional(explained)[:, :, 0]
    steps = [
        {"driver": name, "others": others, "gain": gain}
        for name, own in zip(names, gains, strict=True)
        for others, gain in enumerate(own)
    ]
    order = np.argsort(-gains.mean(axis=1), kind="stable")
    pairs = []
    for at, first in enumerate(order):
        for second in order[at + 1 :]:
            won = float(ahead(explained, first, second)[0])
            again = ahead(replicates, first, second)
            by_size = bool((gains[first] > gains[second] + _TIE).all())
            pairs.append(
                {
                    "driver": names[first],
                    "over": names[second],
                    "ahead": won,
                    "dominance": "complete" if won == 1 else "conditional" if by_size else "general",
                    "reproduced": float(((again == 1) == (won == 1)).mean()) if again.size else np.nan,
                }
            )
    return {"conditional": pd.DataFrame(steps), "dominance": pd.DataFrame(pairs)}


def ahead(explained: Array, first: int, second: int) -> Array:
    """Share of the models without either in which the first block adds more than the second, (replicates,).

    One says that the first dominates completely, zero that the second does; a tie counts for a half.
    """
    moved = np.moveaxis(explained, (first, second), (0, 1))
    margin = (moved[1, 0] - moved[0, 1]).reshape(2 ** (explained.ndim - 3), -1 if explained.size else 0)
    return np.asarray(((margin > _TIE) + 0.5 * (np.abs(margin) <= _TIE)).mean(axis=0))


def proportional(explained: Array) -> Array:
    r"""Proportional marginal variance decomposition (PMVD), (blocks, replicates).

    The mean gain over orderings, an ordering weighing
    :math:`\prod_{i<g} 1 / (R^2 - R^2(first\ i))`: a block whose coefficient is zero gets nothing. Summed
    over the lattice: F collects the orderings that lead to a subset, H those that lead on from it.

    References
    ----------
    Feldman (2005), Relative importance and value; Groemping (2007), doi:10.1198/000313007X188252.
    """
    flat = explained.reshape(-1, explained.shape[-1])
    whole = flat[-1]
    factor = whole / np.maximum(whole - flat, _LEFT * whole)
    factor[[0, -1]] = 1.0
    count = explained.ndim - 1
    bits = 1 << np.arange(count)[::-1]
    number = np.arange(2**count)
    sizes = ((number[:, None] & bits) > 0).sum(axis=1)
    towards, onwards = np.zeros_like(flat), np.zeros_like(flat)
    towards[0] = onwards[-1] = 1.0
    for size in range(1, count):
        for sums, level, smaller in ((towards, size, True), (onwards, count - size, False)):
            own = number[sizes == level]
            for bit in bits:
                moved = own[((own & bit) > 0) == smaller]
                sums[moved] += sums[moved ^ bit]
            sums[own] *= factor[own]
            # Weights run over many orders of magnitude, and only their ratios within a size matter.
            sums[own] /= sums[own].max(axis=0)
    values = np.zeros((count, flat.shape[1]))
    for size in range(count):
        steps = _steps(number[sizes == size], bits)
        weights = [towards[own] * onwards[own | bits[block]] for block, own in steps]
        total = sum(weight.sum(axis=0) for weight in weights)
        for (block, own), weight in zip(steps, weights, strict=True):
            values[block] += (weight / total * (flat[own | bits[block]] - flat[own])).sum(axis=0)
    return values


def _steps(subsets_of_a_size: Array, bits: Array) -> list[tuple[int, Array]]:
    """Give each block with the subsets it can still enter."""
    return [(block, subsets_of_a_size[(subsets_of_a_size & bit) == 0]) for block, bit in enumerate(bits)]
