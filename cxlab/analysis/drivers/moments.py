"""Weighted moments of columns, in the data and in bootstrap samples of who was drawn.

After this step no cost depends on how many people there are: importance, coefficients, ranks, levels and
penalties all come from the same moments, so that their intervals are joint.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cxlab.analysis.survey import Design
from cxlab.errors import AnalysisError

Array = np.ndarray[Any, Any]

_ROWS = 4096
_COUNTS = 2**27  # drawn counts held at once, a byte each
_CONSTANT = 1e-7  # spread, on columns of spread one, under which a replicate's column is constant
_SINGULAR = 1e-9


@dataclass(frozen=True, slots=True)
class Moments:
    """Means (q, replicates), covariances (q, q, replicates) of columns; means (e, replicates) of others."""

    mean: Array
    covariance: Array
    also: Array

    @property
    def correlations(self) -> Array:
        """Correlations (q, q, replicates); a column that is constant in a replicate has zeros there."""
        spread = np.sqrt(np.maximum(np.einsum("iib->ib", self.covariance), 0.0))
        scale = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > _CONSTANT)
        return np.asarray(self.covariance * scale[:, None] * scale[None])

    @property
    def constant(self) -> Array:
        """Whether a column (of spread near one) is constant in a replicate, (q, replicates)."""
        return np.asarray(np.einsum("iib->ib", self.covariance) <= _CONSTANT**2)

    @property
    def slopes(self) -> Array:
        """Coefficients (q - 1, replicates) of the first column on all others; of copies, the shortest."""
        joint = np.moveaxis(self.correlations, 2, 0)
        inverse = np.linalg.pinv(joint[:, 1:, 1:], rcond=_SINGULAR, hermitian=True)
        standard = (inverse @ joint[:, 1:, :1])[:, :, 0].T
        spread = np.sqrt(np.maximum(np.einsum("iib->ib", self.covariance), 0.0))
        return np.asarray(
            standard * np.divide(spread[0], spread[1:], out=np.zeros_like(spread[1:]), where=spread[1:] > 0)
        )

    def of(self, samples: Array) -> Moments:
        """Return the moments of some of the replicates."""
        return Moments(self.mean[:, samples], self.covariance[:, :, samples], self.also[:, samples])


def moments(
    columns: Array, weights: Array, also: Array | None = None, counts: Array | None = None
) -> Moments:
    """Weighted moments, one replicate for each row of `counts` (how often each person was drawn).

    Parameters
    ----------
    columns : array (n, q)
        Of spread near one.
    weights : array (n,)
    also : array (n, e), optional
        Columns of which only the means are needed.
    counts : array (replicates, n), optional
        Everybody once by default.
    """
    n, q = columns.shape
    also = np.empty((n, 0)) if also is None else also
    if counts is None:
        return _once(columns, weights, also)
    upper = np.triu_indices(q)
    total, first = np.zeros(len(counts)), np.zeros((q + also.shape[1], len(counts)))
    second = np.zeros((len(upper[0]), len(counts)))
    for start in range(0, n, _ROWS):
        rows = slice(start, start + _ROWS)
        part = columns[rows]
        w = (counts[:, rows] * weights[rows]).T
        total += w.sum(axis=0)
        first += np.column_stack([part, also[rows]]).T @ w
        second += (part[:, upper[0]] * part[:, upper[1]]).T @ w
    # Of a part of the people nobody may have been drawn: then nothing varies.
    total[total == 0] = 1.0
    mean = first / total
    covariance = np.empty((q, q, len(counts)))
    covariance[upper] = second / total - mean[upper[0]] * mean[upper[1]]
    covariance[upper[1], upper[0]] = covariance[upper]
    return Moments(mean[:q], covariance, mean[q:])


def _once(columns: Array, weights: Array, also: Array) -> Moments:
    share = weights / weights.sum()
    mean = share @ columns
    covariance = (columns * share[:, None]).T @ columns - np.outer(mean, mean)
    return Moments(mean[:, None], covariance[:, :, None], (share @ also)[:, None])


def resampled(
    columns: Array, design: Design, resamples: int, rng: np.random.Generator, also: Array | None = None
) -> Moments:
    """Weighted moments in `resamples` bootstrap samples of the design.

    Of the m clusters of each stratum (people of the whole, without them) m - 1 are drawn with
    replacement, and weigh m / (m - 1): the variance is then that of linearisation.

    Raises
    ------
    AnalysisError
        If a stratum, or a design without strata, has a single cluster.

    References
    ----------
    Rao & Wu (1988), doi:10.1080/01621459.1988.10478591.
    """
    return resampled_parts([(slice(None), columns, also)], design, resamples, rng)[0]


def resampled_parts(
    parts: Sequence[tuple[slice, Array, Array | None]],
    design: Design,
    resamples: int,
    rng: np.random.Generator,
) -> list[Moments]:
    """Weighted moments of several parts of the people in the same bootstrap samples of the design.

    Each part names its rows, and holds columns (and others, of which only the means are needed) of these
    rows: what is computed of two parts, or of a part and the whole, varies together.
    """
    unit, strata = units_of(design)
    sizes = np.bincount(strata)
    weights = design.weights * (sizes / (sizes - 1))[strata[unit]]
    found: list[list[Moments]] = [[_none(columns, also)] for _, columns, also in parts]
    for counts in _drawn(unit, strata, resamples, rng):
        for kept, (rows, columns, also) in zip(found, parts, strict=True):
            kept.append(moments(columns, weights[rows], also, counts[:, rows]))
    return [_joined(kept) for kept in found]


def _none(columns: Array, also: Array | None) -> Moments:
    """Return the moments of no sample."""
    q, extra = columns.shape[1], 0 if also is None else also.shape[1]
    return Moments(np.empty((q, 0)), np.empty((q, q, 0)), np.empty((extra, 0)))


def _joined(parts: Sequence[Moments]) -> Moments:
    return Moments(
        np.concatenate([part.mean for part in parts], axis=1),
        np.concatenate([part.covariance for part in parts], axis=2),
        np.concatenate([part.also for part in parts], axis=1),
    )


def slopes_drawn(
    outcome: Array, columns: Array, design: Design, resamples: int, seed: int, also: Array | None = None
) -> tuple[Array, Array]:
    """Coefficients of the outcome on all columns, (columns, resamples), and the means of others, drawn alike.

    In units of the data: as `resampled` draws them, from `seed`.
    """
    joint = np.column_stack([outcome, columns])
    share = design.weights / design.weights.sum()
    joint = joint - share @ joint
    spread = np.sqrt(share @ joint**2)
    spread[spread == 0] = 1.0
    drawn = resampled(joint / spread, design, resamples, np.random.default_rng(seed), also)
    if not resamples:
        return np.empty((columns.shape[1], 0)), drawn.also
    return np.asarray(drawn.slopes * (spread[0] / spread[1:])[:, None]), drawn.also


def units_of(design: Design) -> tuple[Array, Array]:
    """Return the sampling unit of each person (n,) and the stratum of each unit (units,).

    Raises
    ------
    AnalysisError
        If a stratum has one unit only.
    """
    n = len(design.weights)
    if design.simple:
        return np.arange(n), np.zeros(n, dtype=int)
    stratum = np.zeros(n, dtype=int) if design.strata is None else design.strata
    # Clusters are numbered within strata: 1, 2, 3 may come again in the next one.
    own = np.arange(n) if design.cluster is None else design.cluster
    _, first, unit = np.unique(
        np.column_stack([stratum, own]), axis=0, return_index=True, return_inverse=True
    )
    strata = np.unique(stratum[first], return_inverse=True)[1]
    single = int((np.bincount(strata) == 1).sum())
    if single:
        raise AnalysisError(
            "{count} strata have one sampling unit each, which says nothing of their error; merge them "
            "with others, or name the clusters",
            count=single,
        )
    return unit.reshape(-1), strata


def drawn_units(design: Design, resamples: int, rng: np.random.Generator) -> Array:
    """Weight of each row of `design`, a unit of its own, in bootstrap samples as `resampled` draws them.

    Returns
    -------
    array (resamples, units)
    """
    unit, strata = units_of(design)
    sizes = np.bincount(strata)
    factor = (sizes / (sizes - 1))[strata]
    parts = [counts * factor for counts in _drawn(unit, strata, resamples, rng)]
    return np.concatenate([np.empty((0, len(strata))), *parts])


def _drawn(unit: Array, strata: Array, resamples: int, rng: np.random.Generator) -> Iterator[Array]:
    """Give how often each person is drawn, (some resamples, n), some resamples at a time."""
    members = [np.flatnonzero(strata == stratum) for stratum in range(strata.max() + 1)]
    alone = len(unit) == len(strata) and bool((np.diff(unit) == 1).all())
    at_once = max(1, _COUNTS // len(unit))
    for start in range(0, resamples, at_once):
        counts = np.empty((min(at_once, resamples - start), len(unit)), dtype=np.uint8)
        for row in counts:
            times = np.empty(len(strata), dtype=np.uint8)
            for own in members:
                drawn = rng.integers(len(own), size=len(own) - 1, dtype=np.uint32)
                times[own] = np.bincount(drawn, minlength=len(own))
            row[:] = times if alone else times[unit]
        yield counts
