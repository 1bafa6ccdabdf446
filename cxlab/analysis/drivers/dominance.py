"""Dividing R-squared among drivers, from correlation matrices alone.

Every function takes a stack of matrices of shape (1 + drivers, 1 + drivers, replicates): the outcome
first, then the drivers block after block, on the correlation scale, replicates as the fastest axis.
What is always in the model is swept out beforehand (`swept`). A driver that the ones before it explain
fully adds nothing, so copies share equally.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import factorial
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

EXACT = 25
SINGULAR = 1e-9
_WELL_APART = 1e-6  # smallest eigenvalue of correlations whose inverse keeps its digits
_TAIL = 10  # blocks of the tree that are grown together; those before it are only more replicates
_LEAVES = 2**17  # of one chunk: stays near the processor
_NODES = 2**16  # of all replicates at once before the last blocks
_MATRICES = 2**20  # numbers of one chunk of sampled orderings
_FEWEST, _MOST = 32, 256  # orderings, each with its rotations, that are drawn at a time


@dataclass(frozen=True, slots=True)
class Sampled:
    """Gains averaged over `orderings`: `gains` (blocks, replicates) and their Monte-Carlo `error`."""

    gains: Array
    error: Array
    orderings: int


def general(predictors: Any, outcome: Any, blocks: Sequence[int] | None = None) -> Array:
    """General dominance (LMG, Shapley value of R-squared) from correlations.

    Parameters
    ----------
    predictors : array (p, p)
        Correlations among the drivers.
    outcome : array (p,)
        Their correlations with the outcome.
    blocks : sequence of int, optional
        Sizes of the blocks that enter together, in order; one driver each by default.

    Returns
    -------
    array (blocks,)
        Mean gain in R-squared of each block over all orderings; they sum to R-squared.

    References
    ----------
    Lindeman, Merenda & Gold (1980); Budescu (1993), doi:10.1037/0033-2909.114.3.542;
    Groemping (2006), doi:10.18637/jss.v017.i01.

    Examples
    --------
    Kerlinger & Pedhazur's grades on status, intelligence and need of achievement (Budescu 1993):

    >>> general([[1, .3, .41], [.3, 1, .16], [.41, .16, 1]], [.33, .57, .50]).round(6).tolist()
    [0.044082, 0.265895, 0.186496]
    """
    r = np.asarray(outcome, dtype=float)
    joint = np.block([[np.ones((1, 1)), r[None]], [r[:, None], np.asarray(predictors, dtype=float)]])
    return np.asarray(shapley(joint[:, :, None], blocks or [1] * len(r))[:, 0])


def swept(matrices: Array, count: int) -> Array:
    """Take the last `count` variables out of the others (Schur complements), skipping redundant ones."""
    for last in range(matrices.shape[0] - 1, matrices.shape[0] - 1 - count, -1):
        matrices = _without_last(matrices, last)
    return matrices


def _without_last(matrices: Array, last: int) -> Array:
    pivot, row = matrices[last, last], matrices[:last, last]
    scaled = row * np.divide(1.0, pivot, out=np.zeros_like(pivot), where=pivot > SINGULAR)
    return np.asarray(matrices[:last, :last] - row[:, None] * scaled[None])


def unique(matrices: Array, blocks: Sequence[int]) -> Array:
    """Gain of each block when it enters last, (blocks, replicates)."""
    among = np.moveaxis(matrices[1:, 1:], 2, 0)
    if max(blocks) == 1 and _well_apart(among):
        inverse = np.linalg.inv(among)
        slopes = (inverse @ np.moveaxis(matrices[1:, :1], 2, 0))[:, :, 0]
        return np.asarray((slopes**2 / np.diagonal(inverse, axis1=1, axis2=2)).T)
    ends = np.cumsum([1, *blocks])
    gains = []
    for start, size in zip(ends[:-1], blocks, strict=True):
        own = list(range(start, start + size))
        order = [0, *own, *(k for k in range(1, matrices.shape[0]) if k not in own)]
        rest = swept(matrices[np.ix_(order, order)], matrices.shape[0] - 1 - size)
        gains.append(rest[0, 0] - swept(rest, size)[0, 0])
    return np.array(gains)


def alone(matrices: Array, blocks: Sequence[int]) -> Array:
    """Gain of each block when it enters first, (blocks, replicates)."""
    if max(blocks) == 1:
        r, own = matrices[0, 1:], np.einsum("iib->ib", matrices[1:, 1:])
        return np.asarray(np.divide(r**2, own, out=np.zeros_like(r), where=own > SINGULAR))
    ends = np.cumsum([1, *blocks])
    gains = []
    for start, size in zip(ends[:-1], blocks, strict=True):
        own = [0, *range(start, start + size)]
        gains.append(matrices[0, 0] - swept(matrices[np.ix_(own, own)], size)[0, 0])
    return np.array(gains)


def _well_apart(among: Array) -> bool:
    """Tell whether correlation matrices (replicates, p, p) may be inverted outright."""
    return bool((np.linalg.eigvalsh(among)[:, 0] > _WELL_APART).all())


def tolerances(matrices: Array, count: int) -> Array:
    """Variance of each of the first `count` drivers that all others leave, 1 / VIF, (count, replicates)."""
    size = matrices.shape[0] - 1
    among = np.moveaxis(matrices[1:, 1:], 2, 0)
    if _well_apart(among):
        return np.asarray(1 / np.diagonal(np.linalg.inv(among), axis1=1, axis2=2)[:, :count].T)
    left = []
    for own in range(1, count + 1):
        order = [own, *(k for k in range(1, size + 1) if k != own)]
        left.append(swept(matrices[np.ix_(order, order)], size - 1)[0, 0])
    return np.array(left)


def shapley(matrices: Array, blocks: Sequence[int]) -> Array:
    r"""Mean gain of each block over all orderings, exactly, (blocks, replicates).

    Blocks leave the matrix one after the other: each node of a binary tree holds the matrix of those not
    yet decided, given those decided to be in; a leaf holds the outcome's variance left by one subset S.
    With :math:`c(s) = (s-1)!(g-s-1)!/(g-1)!`, the value of block j among g is, up to a term common to all
    blocks (found from their known sum), :math:`-\sum_{S \ni j} c(|S|) \, left(S)`.
    """
    count, replicates = len(blocks), matrices.shape[2]
    tail = min(count, _TAIL)
    at_once = max(1, _NODES >> (count - tail))
    if replicates > at_once:
        parts = [shapley(matrices[:, :, k : k + at_once], blocks) for k in range(0, replicates, at_once)]
        return np.concatenate(parts, axis=1)
    nodes = grown(matrices, blocks[tail:])
    in_head = _sizes(count - tail).repeat(replicates)
    gains = [factorial(s - 1) * factorial(count - s - 1) / factorial(count - 1) for s in range(1, count)]
    weights = np.array([0.0, *gains, 1 / count])[_sizes(tail)[:, None] + np.arange(count - tail + 1)]
    within = np.empty((tail, nodes.shape[2]))  # sums over the subsets with block j, for each node of the head
    overall, full = np.empty(nodes.shape[2]), np.empty(nodes.shape[2])
    step = min(max(1, _LEAVES >> tail), nodes.shape[2])
    room = _room(blocks[:tail], step)
    for start in range(0, nodes.shape[2], step):
        part = slice(start, start + step)
        left = _leaves(nodes[:, :, part], blocks[:tail], room).reshape(2**tail, -1)
        full[part] = left[-1]
        left *= weights[:, in_head[part]]
        within[:, part], overall[part] = _folded(left, tail)
    values = np.empty((count, replicates))
    values[:tail] = within.reshape(tail, -1, replicates).sum(axis=1)
    values[tail:], _ = _folded(overall.reshape(-1, replicates), count - tail)
    total = matrices[0, 0] - full[-replicates:]
    return np.asarray((total + values.sum(axis=0)) / count - values)


def _room(blocks: Sequence[int], nodes: int) -> list[Array]:
    """Give room for the lower triangle, a row at a time, of all that grows from `nodes` over `blocks`."""
    doublings = [len(blocks), *(len(blocks) - at for at, size in enumerate(blocks) for _ in range(size))]
    return [np.empty((row + 1, nodes << times)) for row, times in enumerate(doublings)]


def _leaves(matrices: Array, blocks: Sequence[int], room: Sequence[Array]) -> Array:
    """Grow the tree as `grown`, within `room`: half the numbers, and no memory asked for again and again."""
    nodes = matrices.shape[2]
    for row, held in enumerate(room):
        held[:, :nodes] = matrices[row, : row + 1]
    last = matrices.shape[0] - 1
    for size in reversed(blocks):
        given, into = slice(0, nodes), slice(nodes, 2 * nodes)
        for _ in range(size):
            pivots, row = room[last][last, given], room[last][:last, given]
            scaled = row * np.divide(1.0, pivots, out=np.zeros_like(pivots), where=pivots > SINGULAR)
            for held, factor in zip(room[:last], scaled, strict=True):
                if given is into:
                    held[:, into] -= row[: len(held)] * factor
                else:
                    np.multiply(row[: len(held)], factor, out=held[:, into])
                    np.subtract(held[:, given], held[:, into], out=held[:, into])
            last, given = last - 1, into
        nodes *= 2
    return room[0][0, :nodes]


def grown(matrices: Array, blocks: Sequence[int]) -> Array:
    """Grow the whole tree over `blocks`, last first: one leaf for each subset.

    The newest decision (in or out) is the slowest part of the last axis, the replicates the fastest.
    """
    for size in reversed(blocks):
        kept, nodes = matrices.shape[0] - size, matrices.shape[2]
        grown = np.empty((kept, kept, 2 * nodes))
        grown[:, :, :nodes] = matrices[:kept, :kept]
        grown[:, :, nodes:] = swept(matrices, size)
        matrices = grown
    return matrices


def _sizes(count: int) -> Array:
    """Return the number of blocks in each subset, in the order of the tree's leaves."""
    sizes = np.zeros(1, dtype=int)
    for _ in range(count):
        sizes = np.concatenate([sizes, sizes + 1])
    return sizes


def _folded(sums: Array, count: int) -> tuple[Array, Array]:
    """Sum over the subsets holding each block, and over all, by folding the leaves in halves."""
    holding = np.empty((count, sums.shape[1]))
    for block in range(count):
        half = sums.shape[0] // 2
        holding[block] = sums[half:].sum(axis=0)
        sums = sums[:half] + sums[half:]
    return holding, sums[0]


def sampled(matrices: Array, blocks: Sequence[int], rng: np.random.Generator, *, error: float) -> Sampled:
    """Mean gain of each block (four at least) over as many random orderings as an `error` takes.

    Each ordering comes with all its rotations, which put every block once in each place. What a block gains
    in the first two places and in the last two is computed exactly; only the places between are sampled,
    until the error of every share is below `error`.

    References
    ----------
    Castro, Gomez & Tejada (2009), doi:10.1016/j.cor.2008.04.004.
    """
    count, more = len(blocks), _FEWEST
    total = matrices[0, 0] - swept(matrices, sum(blocks))[0, 0]
    ends, seen = _at_the_ends(matrices, blocks), np.empty((0, count, matrices.shape[2]))
    while True:
        seen = np.concatenate([seen, _between(matrices, blocks, _shuffled(count, more, rng))])
        found = ends + seen.mean(axis=0)
        error_now = seen.std(axis=0, ddof=1) / np.sqrt(len(seen))
        reached = float((error_now / np.where(total > 0, total, np.inf)).max())
        if reached < error:
            whole = np.maximum(found.sum(axis=0), SINGULAR)
            return Sampled(found * (np.maximum(total, SINGULAR) / whole), error_now, 2 * count * len(seen))
        more = min(int(len(seen) * ((1.05 * reached / error) ** 2 - 1)) + 1, _MOST)


def rotated(matrices: Array, blocks: Sequence[int], rng: np.random.Generator, *, orderings: int) -> Array:
    """Mean gain of each block over a few random orderings with their rotations, (blocks, replicates).

    The orderings are the same for all replicates, whose differences are hence nearly free of their error.
    """
    orders = _shuffled(len(blocks), orderings, rng)
    return np.asarray(
        sum(_gains(matrices, blocks, _turned(orders[k : k + 1])).mean(axis=0) for k in range(orderings))
        / orderings
    )


def _shuffled(count: int, orderings: int, rng: np.random.Generator) -> Array:
    return rng.permuted(np.tile(np.arange(count), (orderings, 1)), axis=1)


def _turned(orders: Array) -> Array:
    """Give all rotations of orderings and of their reverses, (orderings x 2 blocks, blocks)."""
    count = orders.shape[1]
    both = np.stack([orders, orders[:, ::-1]], axis=1)
    return both[:, :, (np.arange(count)[:, None] + np.arange(count)) % count].reshape(-1, count)


def _at_the_ends(matrices: Array, blocks: Sequence[int]) -> Array:
    """Part of a block's mean gain that it makes in the first two places and the last two."""
    count = len(blocks)
    first, second = np.nonzero(~np.eye(count, dtype=bool))
    keys = np.tile(np.arange(count), (len(first), 1))
    keys[np.arange(len(first)), first], keys[np.arange(len(first)), second] = -2, -1
    begin = keys.argsort(axis=1)  # one ordering that begins with each pair, and, reversed, ends with it
    outer = _placed(matrices, blocks, begin, 0, 2) + _placed(
        matrices, blocks, begin[:, ::-1], count - 2, count
    )
    return np.asarray(outer.sum(axis=0) / (count * (count - 1)))


def _between(matrices: Array, blocks: Sequence[int], orders: Array) -> Array:
    """Part that it makes in the other places, for each ordering with its rotations."""
    count = len(blocks)
    inner = _placed(matrices, blocks, _turned(orders), 2, count - 2)
    return np.asarray(inner.reshape(len(orders), 2 * count, count, -1).mean(axis=1))


def _placed(matrices: Array, blocks: Sequence[int], orders: Array, start: int, stop: int) -> Array:
    """Gain of each block where it stands in the places from `start` to before `stop`, elsewhere zero."""
    places = orders.argsort(axis=1)
    return _gains(matrices, blocks, orders) * ((places >= start) & (places < stop))[:, :, None]


def _gains(matrices: Array, blocks: Sequence[int], orders: Array) -> Array:
    """Gain of each block in each ordering, (orderings, blocks, replicates).

    The gains of the variables are the squares in the outcome's row of the Cholesky factor. A trifle on
    the diagonal leaves nothing to gain for a variable that those before it determine.
    """
    size, replicates = matrices.shape[0], matrices.shape[2]
    variables = orders.argsort(axis=1)[:, np.arange(len(blocks)).repeat(blocks)].argsort(
        axis=1, kind="stable"
    )
    index = np.column_stack([variables + 1, np.zeros(len(orders), dtype=int)])
    firmer = np.moveaxis(matrices, 2, 0) + np.diag([1.0, *[SINGULAR] * (size - 1)])
    starts = np.cumsum([0, *blocks[:-1]])
    out = np.empty((len(orders), len(blocks), replicates))
    step = max(1, _MATRICES // (size**2 * replicates))
    for start in range(0, len(orders), step):
        part = slice(start, start + step)
        rows = np.linalg.cholesky(firmer[:, index[part, :, None], index[part, None, :]])[:, :, -1, :-1]
        gains = np.empty_like(rows)
        np.put_along_axis(gains, variables[None, part], rows**2, axis=2)
        out[part] = np.moveaxis(np.add.reduceat(gains, starts, axis=2), 0, 2)
    return out


def relative_weights(matrices: Array, blocks: Sequence[int]) -> Array:
    """Johnson's relative weights (Genizi's decomposition), summed within blocks, (blocks, replicates).

    References
    ----------
    Johnson (2000), doi:10.1207/S15327906MBR3501_1; Genizi (1993), Statistica Sinica 3, 407-420.
    """
    joint = np.moveaxis(matrices, 2, 0)
    spread = np.sqrt(
        np.where(
            np.diagonal(joint, axis1=1, axis2=2) > SINGULAR, np.diagonal(joint, axis1=1, axis2=2), np.inf
        )
    )
    scale = spread[:, 1:]
    among = joint[:, 1:, 1:] / (scale[:, :, None] * scale[:, None, :])
    roots, axes = np.linalg.eigh(among)
    length = np.sqrt(np.where(roots > SINGULAR, roots, 0.0))
    inverse = np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)
    half = (axes * length[:, None, :]) @ np.swapaxes(axes, 1, 2)
    slopes = (axes * inverse[:, None, :]) @ np.swapaxes(axes, 1, 2) @ (joint[:, 1:, :1] / scale[:, :, None])
    weights = (half**2 @ slopes**2)[:, :, 0]
    return np.asarray(np.add.reduceat(weights, np.cumsum([0, *blocks[:-1]]), axis=1).T)
