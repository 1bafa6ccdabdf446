"""Classes in order explained by a cumulative logit, and what each driver adds to its likelihood.

The proportional-odds model, fitted by Newton's method with step halving; two classes make it the logit.
It is the check on the linear division: McFadden's R-squared of every subset of drivers, averaged alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from cxlab.analysis.drivers import lattice

Array = np.ndarray[Any, Any]

_GAIN = 1e-11  # of the log-likelihood per person: the most that a last step brings
_STEPS, _HALVINGS = 60, 40
_PACE = 0.05  # of what the step before brought: more than that at the end is a way without end
_RIDGE = 1e-10  # of the information: copies share a step instead of having none


@dataclass(frozen=True, slots=True)
class Fit:
    """A cumulative logit: P(class <= k) = logistic(thresholds[k] - predictors @ coefficients).

    `separated` says that some predictors part the classes, so that coefficients (not the likelihood) have no
    end; a fit from a start may have too few steps to see it.
    """

    thresholds: Array
    coefficients: Array
    log_likelihood: float
    separated: bool


@dataclass(frozen=True, slots=True)
class Gains:
    """What blocks add to McFadden's R-squared: `general` (blocks,) on average over orderings.

    `r_squared` is that of all blocks and controls together, `separated` whether they part the classes.
    """

    general: Array
    r_squared: float
    separated: bool


def cumulative_logit(predictors: Any, classes: Any, weights: Any = None, start: Fit | None = None) -> Fit:
    r"""Fit a cumulative logit by maximum likelihood.

    Parameters
    ----------
    predictors : array (n, q)
        May have no column.
    classes : array of int (n,)
        From 0 on; every class has somebody.
    weights : array (n,), optional
        How many people a row stands for.
    start : Fit, optional
        Of the same classes and columns, to start from.

    Returns
    -------
    Fit
        ``thresholds`` (classes - 1,), ``coefficients`` (q,), ``log_likelihood``, ``separated``. Of columns
        that others determine any solution is given; the likelihood is the same for all.

    Notes
    -----
    :math:`\log p = \log F(u) + \log F(-l) + \log(1 - e^{l-u})` between the thresholds l < u about a class.
    The log-likelihood is concave, so Newton's steps, halved while they lower it, end at its maximum.

    References
    ----------
    McCullagh (1980), Regression models for ordinal data, JRSS B 42, 109-142; Pratt (1981),
    doi:10.1080/01621459.1981.10477613 (concavity).

    Examples
    --------
    >>> line = cumulative_logit([[0.0], [0.0], [0.0], [1.0], [1.0], [1.0]], [0, 0, 1, 0, 1, 1])
    >>> (line.thresholds / np.log(2)).round(6).tolist(), (line.coefficients / np.log(2)).round(6).tolist()
    ([1.0], [2.0])
    """
    x = np.asarray(predictors, dtype=float)
    y = np.asarray(classes, dtype=int)
    w = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=float)
    centre = w @ x / w.sum()
    spread = np.sqrt(np.maximum(w @ (x - centre) ** 2 / w.sum(), 0.0))
    spread[spread == 0] = 1.0
    thresholds, slopes = _null(y, w), np.zeros(x.shape[1])
    if start is not None:
        thresholds, slopes = start.thresholds - centre @ start.coefficients, start.coefficients * spread
    people = _People.of((x - centre) / spread, y, w)
    at, reached, pace = people.climbed(np.concatenate([thresholds, slopes]))
    count = len(thresholds)
    slopes = at[count:] / spread
    return Fit(at[:count] + centre @ slopes, slopes, reached, separated=pace > _PACE)


def _null(y: Array, w: Array) -> Array:
    """Return the thresholds of the model without predictors: the logits of the cumulated shares."""
    below = np.cumsum(np.bincount(y, w))[:-1] / w.sum()
    return np.asarray(np.log(below / (1 - below)))


@dataclass(frozen=True, slots=True)
class _People:
    """Rows in the order of their classes: `x` (n, q), `w` (n,), where each class starts, their classes."""

    x: Array
    w: Array
    starts: Array
    upper: Array
    lower: Array

    @classmethod
    def of(cls, x: Array, y: Array, w: Array) -> _People:
        order = np.argsort(y, kind="stable")
        y = y[order]
        return cls(x[order], w[order], np.searchsorted(y, np.arange(y[-1] + 1)), y + 1, y)

    def climbed(self, at: Array) -> tuple[Array, float, float]:
        """Return where the log-likelihood is largest, what it is there, and the pace of the last step."""
        reached, enough = self.height(at), _GAIN * self.w.sum()
        before, expected = np.inf, np.inf
        for _ in range(_STEPS):
            gradient, information = self.slope(at)
            step = _solved(information, gradient)
            before, expected = expected, float(gradient @ step) / 2
            for halved in range(_HALVINGS):
                there = at + step / 2**halved
                height = self.height(there)
                if height >= reached:
                    at, reached = there, height
                    break
            if expected < enough:
                break
        return at, reached, expected / before

    def _ends(self, at: Array) -> tuple[Array, Array]:
        """Distances of the thresholds above and below each row's class, infinite beyond the last."""
        cuts = np.concatenate([[-np.inf], at[: len(self.starts) - 1], [np.inf]])
        line = self.x @ at[len(self.starts) - 1 :]
        return cuts[self.upper] - line, cuts[self.lower] - line

    def height(self, at: Array) -> float:
        """Log-likelihood; minus infinity where thresholds are out of order."""
        if (np.diff(at[: len(self.starts) - 1]) <= 0).any():
            return -np.inf
        up, low = self._ends(at)
        each = np.logaddexp(0.0, -up) + np.logaddexp(0.0, low) - np.log(-np.expm1(low - up))
        return -float(self.w @ each)

    def slope(self, at: Array) -> tuple[Array, Array]:
        """Gradient and information (minus the second derivatives) of the log-likelihood."""
        up, low = self._ends(at)
        above, below, over, under = (_logistic(end) for end in (up, low, -up, -low))
        gap = -np.expm1(low - up)
        # Densities at the ends over the probability between them, without their cancellation.
        high, deep = over / (under * gap), below / (above * gap)
        w, classes = self.w, len(self.starts)
        dense_up, dense_low = w * above * over, w * below * under
        gradient = np.concatenate([self._cut(w * high, -w * deep), (w * (below - over)) @ self.x])
        curve_up = w * high * (high - over + above)
        curve_low = w * deep * (deep + under - below)
        information = np.zeros((len(at), len(at)))
        diagonal = np.arange(classes - 1)
        information[diagonal, diagonal] = self._cut(curve_up, curve_low)
        between = -np.add.reduceat(w * high * deep, self.starts)[1:-1]
        information[diagonal[:-1], diagonal[1:]] = information[diagonal[1:], diagonal[:-1]] = between
        if self.x.shape[1]:
            cross = -self._cut(self.x * dense_up[:, None], self.x * dense_low[:, None])
            information[: classes - 1, classes - 1 :] = cross
            information[classes - 1 :, : classes - 1] = cross.T
            information[classes - 1 :, classes - 1 :] = self.x.T @ (self.x * (dense_up + dense_low)[:, None])
        return gradient, information

    def _cut(self, above: Array, below: Array) -> Array:
        """Sum for each threshold what the class under it has above and the class over it below."""
        return np.asarray(np.add.reduceat(above, self.starts)[:-1] + np.add.reduceat(below, self.starts)[1:])


def _logistic(x: Array) -> Array:
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-x)))


def _solved(information: Array, gradient: Array) -> Array:
    scale = np.sqrt(np.maximum(np.diagonal(information), np.finfo(float).tiny))
    scaled = information / np.outer(scale, scale) + _RIDGE * np.eye(len(scale))
    return np.asarray(np.linalg.solve(scaled, gradient / scale) / scale)


def mcfadden(drivers: Array, controls: Array, classes: Array, weights: Array, blocks: Sequence[int]) -> Gains:
    """General dominance by McFadden's R-squared, over the fits of every subset of the blocks.

    Parameters
    ----------
    drivers : array (n, p)
    controls : array (n, c)
        In every model.
    classes : array (n,)
        Any numbers: their order is what counts.
    weights : array (n,)
    blocks : sequence of int
        Sizes of the blocks of drivers, in order; at most `lattice.MOST` of them.

    Returns
    -------
    Gains
        They sum to what the drivers add to R-squared over the controls.

    References
    ----------
    McFadden (1974); Azen & Traxel (2009), doi:10.3102/1076998609332754 (dominance in logistic regression).
    """
    y = np.unique(classes, return_inverse=True)[1]
    rows = _Rows.of(np.column_stack([drivers, controls]), y, weights)
    ends = np.cumsum([0, *blocks])
    members = [list(range(*pair)) for pair in pairwise(ends.tolist())]
    always = list(range(drivers.shape[1], rows.x.shape[1]))
    null = cumulative_logit(np.empty((len(y), 0)), y, weights).log_likelihood
    count = len(blocks)
    reached = np.empty(2**count)
    fits: dict[int, tuple[list[int], Fit]] = {}
    for subset in range(2**count):
        # Bit 0 is the last block, as along the axes of the lattice.
        inside = [block for block in range(count) if subset >> (count - 1 - block) & 1]
        columns = [*always, *(column for block in inside for column in members[block])]
        fit = rows.fitted(columns, _start(fits, subset, columns))
        fits[subset], reached[subset] = (columns, fit), fit.log_likelihood
    explained = (1 - reached / null).reshape((2,) * count + (1,))
    general = lattice.conditional(explained)[:, :, 0].mean(axis=1)
    return Gains(general, float(explained.flat[-1]), rows.fitted([*range(rows.x.shape[1])], None).separated)


def _start(fits: dict[int, tuple[list[int], Fit]], subset: int, columns: list[int]) -> Fit | None:
    """Return where to start: two neighbours below, and what they changed from the one below both."""
    bits = [1 << k for k in range(subset.bit_length()) if subset >> k & 1]
    if not bits:
        return None
    place = {column: at for at, column in enumerate(columns)}

    def spread(number: int) -> Array:
        own, fit = fits[number]
        wide = np.zeros(len(columns))
        wide[[place[column] for column in own]] = fit.coefficients
        return np.concatenate([fit.thresholds, wide])

    guess = spread(subset ^ bits[0])
    if len(bits) > 1:
        guess = guess + spread(subset ^ bits[1]) - spread(subset ^ bits[0] ^ bits[1])
    cuts = len(guess) - len(columns)
    ordered = bool((np.diff(guess[:cuts]) > 0).all())
    return Fit(guess[:cuts], guess[cuts:], -np.inf, separated=False) if ordered else None


@dataclass(frozen=True, slots=True)
class _Rows:
    """Different rows with the people that they stand for, and a whole number for each value of a column."""

    x: Array
    y: Array
    w: Array
    codes: Array
    sizes: Array

    @classmethod
    def of(cls, x: Array, y: Array, w: Array) -> _Rows:
        joint, inverse = np.unique(np.column_stack([x, y]), axis=0, return_inverse=True)
        own = joint[:, :-1]
        codes = np.empty(own.shape, dtype=np.int64)
        for column in range(own.shape[1]):
            codes[:, column] = np.unique(own[:, column], return_inverse=True)[1]
        weights = np.bincount(inverse.reshape(-1), w)
        return cls(own, joint[:, -1].astype(int), weights, codes, codes.max(axis=0, initial=0) + 1)

    def fitted(self, columns: list[int], start: Fit | None) -> Fit:
        """Fit some columns, on their different rows where these are known to be few."""
        classes = int(self.y.max()) + 1
        cells = classes * np.prod(self.sizes[columns].astype(float))
        if cells > len(self.y):
            return cumulative_logit(self.x[:, columns], self.y, self.w, start)
        key = self.y.astype(np.int64)
        for column in columns:
            key = key * self.sizes[column] + self.codes[:, column]
        w = np.bincount(key, self.w)
        first = np.empty(len(w), dtype=np.int64)
        first[key] = np.arange(len(key))
        own = first[w > 0]
        return cumulative_logit(self.x[own][:, columns], self.y[own], w[w > 0], start)
