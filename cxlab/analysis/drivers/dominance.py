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
_MATRICES = 2**22  # numbers of one chunk of sampled orderings


@dataclass(frozen=True, slots=True)
class Sampled:
    """Gains averaged over random orderings: `gains` (blocks, replicates), their Monte-Carlo `error` alike."""

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


def sampled(matrices: Array, blocks: Sequence[int], rng: np.random.Generator, *, orderings: int) -> Sampled:
    """Mean gain of each block over `orderings` random orderings, each with all its rotations.

    The rotations put every block once in each position, so what a block gains first and last is exact.
    """
    count, replicates = len(blocks), matrices.shape[2]
    seen = np.empty((orderings, count, replicates))
    for drawn in range(orderings):
        order = rng.permutation(count)
        rotations = np.array([np.roll(order, -k) for k in range(count)])
        seen[drawn] = _gains(matrices, blocks, rotations).mean(axis=0)
    spread = seen.std(axis=0, ddof=1) if orderings > 1 else np.full((count, replicates), np.nan)
    return Sampled(seen.mean(axis=0), spread / np.sqrt(orderings), orderings)


def _gains(matrices: Array, blocks: Sequence[int], orders: Array) -> Array:
    """Gain of each block in each ordering, (orderings, blocks, replicates)."""
    starts = np.cumsum([1, *blocks])[:-1]
    out = np.empty((*orders.shape, matrices.shape[2]))
    variables = np.array(
        [[v for b in order for v in range(starts[b], starts[b] + blocks[b])] for order in orders]
    )
    owner = np.repeat(np.arange(len(blocks)), blocks)
    index = np.hstack([np.zeros((len(orders), 1), dtype=int), variables[:, ::-1]])
    step = max(1, _MATRICES // (matrices.shape[0] ** 2 * len(orders)))
    for start in range(0, matrices.shape[2], step):
        part = matrices[:, :, start : start + step]
        nodes = part[index.T[:, None, :], index.T[None, :, :]]  # (1 + p, 1 + p, orderings, replicates)
        flat = nodes.reshape(*nodes.shape[:2], -1)
        gains = np.zeros((len(orders), len(blocks), part.shape[2]))
        for last in range(flat.shape[0] - 1, 0, -1):
            smaller = _without_last(flat, last)
            gained = (flat[0, 0] - smaller[0, 0]).reshape(len(orders), -1)
            np.add.at(gains, (np.arange(len(orders)), owner[index[:, last] - 1]), gained)
            flat = smaller
        out[:, :, start : start + step] = gains
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
