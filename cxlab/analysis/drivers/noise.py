"""What a driver of pure noise would hold of what is explained: the line that a share must beat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cxlab.analysis.drivers.dominance import SINGULAR
from cxlab.analysis.drivers.moments import units_of
from cxlab.analysis.drivers.ratings import Ratings

Array = np.ndarray[Any, Any]

_ORDERINGS = 100  # each with its reverse: the line's error is a hundredth of itself
_DRAWS = 20_000
_RIDGE = 1e-8  # lets copies of a driver share what they explain


def noise_gains(
    joint: Array,
    spread: Array,
    sizes: Sequence[int],
    *,
    free: float,
    level: float,
    rng: np.random.Generator,
    johnson: bool = False,
) -> Array:
    r"""R-squared that the luckiest of as many pure-noise blocks stays under with probability `level`.

    A block of noise is planted beside all drivers: independent of the answers, with their weights, and
    within clusters as alike as the most alike driver is. Its covariances v with outcome and drivers are
    normal, with the spread that the data give; the gain of a noise column after the drivers S is
    :math:`(v_y - b_S' v_S)^2`, so that its mean over orderings is a quadratic form of v, and that of a
    block of k columns the sum of k of them. Nobody is drawn again: the cost is that of one regression.

    Parameters
    ----------
    joint : array (1 + p, 1 + p)
        Covariances of the outcome and the drivers once the controls are swept out.
    spread : array (1 + p, 1 + p)
        Covariance of a noise column's covariances with them, see `spread_of`; `joint` over the effective
        number of answers where only moments are at hand.
    sizes : sequence of int
        Drivers in each block, in their order.
    free : float
        Effective number of answers beyond intercept and controls.
    level : float
        Probability for all blocks together: were all of them noise, one would pass its line in a share
        of ``1 - level`` of the surveys.
    rng : Generator
    johnson : bool
        Whether gains are Johnson's relative weights, in place of means over orderings.

    Returns
    -------
    array (blocks,)
        In units of R2, as the gains of the drivers are; the same for blocks of one size.

    References
    ----------
    Wu, Boos & Stefanski (2007), doi:10.1198/016214506000000843 (planted noise as a yardstick).

    Examples
    --------
    One noise column beside two drivers that explain nothing: an ordinary chi-squared over n.

    >>> gains = noise_gains(np.eye(3), np.eye(3) / 500, [1, 1], free=499, level=0.95**2,
    ...                     rng=np.random.default_rng(1))
    >>> (500 * gains).round(1).tolist()
    [3.8, 3.8]
    """
    form = _johnson_form(joint, free) if johnson else _mean_form(joint, sizes, free, rng)
    roots, axes = np.linalg.eigh(spread)
    half = axes * np.sqrt(np.maximum(roots, 0.0))
    parts = np.maximum(np.linalg.eigvalsh(half.T @ form @ half), 0.0)
    held = np.zeros(_DRAWS)
    reached = {}
    for size in range(1, max(sizes) + 1):
        held += rng.standard_normal((_DRAWS, len(parts))) ** 2 @ parts
        reached[size] = np.quantile(held, level ** (1 / len(sizes)))
    return np.array([reached[size] for size in sizes])


def _mean_form(joint: Array, sizes: Sequence[int], free: float, rng: np.random.Generator) -> Array:
    """Mean over orderings of the quadratic form that gives a noise column's gain, (1 + p, 1 + p).

    What is left of the noise column itself after s drivers is (free - s) / n of it; `free` counts the
    answers beyond intercept and controls.
    """
    blocks, drivers = len(sizes), joint.shape[0] - 1
    orders = np.array([rng.permutation(blocks) for _ in range(_ORDERINGS)])
    orders = np.concatenate([orders, orders[:, ::-1]])
    starts = np.cumsum([0, *sizes])
    index = np.array([[v for b in order for v in range(starts[b], starts[b + 1])] for order in orders])
    among = joint[1:, 1:] + _RIDGE * np.eye(drivers)
    inverse = np.linalg.inv(np.linalg.cholesky(among[index[:, :, None], index[:, None, :]]))
    gains = inverse @ joint[0, 1:][index][:, :, None]
    slopes = np.cumsum(gains * inverse, axis=1)  # of the outcome on the first 1, 2, ... of an ordering
    entered = np.cumsum(np.array(sizes)[orders], axis=1)
    slopes = np.take_along_axis(slopes, entered[:, :, None] - 1, axis=1)
    left = np.zeros((len(orders), blocks + 1, drivers + 1))
    left[:, :, 0] = 1.0
    np.put_along_axis(left[:, 1:, 1:], np.broadcast_to(index[:, None], slopes.shape), -slopes, axis=2)
    n = free / np.concatenate([np.full((len(orders), 1), free), free - entered], axis=1)
    rows = (left * np.sqrt(n / n.size)[:, :, None]).reshape(-1, drivers + 1)
    return np.asarray(rows.T @ rows)


def _johnson_form(joint: Array, free: float) -> Array:
    """Give the quadratic form that is a noise column's relative weight, to second order, (1 + p, 1 + p).

    With T = (R^1/2 + I)^-1 the column's row of the root of all correlations is T v, and the slopes b on
    the drivers made orthogonal are those without it: (v_y - b'T v)^2 + sum of (b_k (T v)_k)^2.
    """
    drivers = joint.shape[0] - 1
    scale = np.sqrt(np.diag(joint)[1:])
    scale = np.where(scale**2 > SINGULAR, scale, np.inf)
    roots, axes = np.linalg.eigh(joint[1:, 1:] / np.outer(scale, scale))
    length = np.sqrt(np.maximum(roots, 0.0))
    inverse = np.divide(1.0, length, out=np.zeros_like(length), where=roots > SINGULAR)
    slopes = (axes * inverse) @ axes.T @ (joint[0, 1:] / scale)
    towards = (axes / (1 + length)) @ axes.T / scale
    rows = np.zeros((drivers + 1, drivers + 1))
    rows[0] = 1.0, *(-slopes @ towards)
    rows[1:, 1:] = slopes[:, None] * towards
    return np.asarray(rows.T @ rows * free / (free - drivers / 2))


def spread_of(ratings: Ratings) -> Array:
    """Covariance of a noise column's covariances with outcome and drivers, controls out, (1 + p, 1 + p)."""
    drivers = len(ratings.names)
    columns, share = ratings.standardised, ratings.weights / ratings.weights.sum()
    columns, always = columns[:, : drivers + 1], columns[:, drivers + 1 :]
    crossed = (always * share[:, None]).T
    columns = columns - always @ (np.linalg.pinv(crossed @ always, hermitian=True) @ (crossed @ columns))
    alone = columns * share[:, None]
    independent = alone.T @ alone
    if ratings.design.cluster is None:
        return np.asarray(independent)
    unit, strata = units_of(ratings.design)
    sums = np.zeros((len(strata), columns.shape[1]))
    np.add.at(sums, unit, alone)
    alike = max(_alike(column, unit) for column in columns[:, 1:].T)
    return np.asarray((1 - alike) * independent + alike * (sums.T @ sums))


def _alike(column: Array, unit: Array) -> float:
    """Intraclass correlation of a column within units, from the one-way analysis of variance."""
    counts = np.bincount(unit)
    means = np.bincount(unit, column) / counts
    units, n = len(counts), len(column)
    within = float(((column - means[unit]) ** 2).sum()) / max(n - units, 1)
    between = float((counts * (means - column.mean()) ** 2).sum()) / (units - 1)
    typical = (n - (counts**2).sum() / n) / (units - 1)
    whole = between + (typical - 1) * within
    return min(max((between - within) / whole, 0.0), 1.0) if whole > 0 else 0.0
