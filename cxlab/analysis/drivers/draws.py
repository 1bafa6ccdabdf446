"""What the bootstrap of a driver analysis says together: shares, coefficients, levels, places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from cxlab.analysis.drivers.moments import Moments
from cxlab.analysis.drivers.ratings import Ratings
from cxlab.analysis.estimates import t_quantile

Array = np.ndarray[Any, Any]

POWER = 0.8  # with which needed numbers of answers would show what was seen
_SMALL = 1e-6  # a share under it counts as this one on the logit scale


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """One bootstrap's joint draws: shares (blocks, resamples), coefficients and means (drivers, resamples).

    The first are in the order of `blocks`, the others in that of its members; `mean` (drivers,) is that
    of the data.
    """

    blocks: Mapping[str, list[str]]
    shares: Array
    coefficients: Array
    means: Array
    mean: Array


def draws_of(blocks: Mapping[str, list[str]], ratings: Ratings, shares: Array, drawn: Moments) -> Draws:
    """Return each sample's shares, coefficients and mean ratings in the units of the data."""
    count = len(ratings.names)
    if not drawn.mean.shape[1]:
        none = np.empty((count, 0))
        return Draws(blocks, shares, none, none, ratings.means)
    columns = np.column_stack([ratings.outcome, ratings.drivers])
    own = ratings.weights / ratings.weights.sum()
    centre = own @ columns
    spread = np.sqrt(own @ (columns - centre) ** 2)
    slopes = drawn.slopes[:count] * (spread[0] / spread[1:])[:, None]
    filled = centre[1:, None] + spread[1:, None] * drawn.mean[1 : count + 1]
    used = np.where(drawn.also > 0, drawn.also, np.nan)
    return Draws(blocks, shares, slopes, ratings.means[:, None] + filled / used, ratings.means)


def reach_of(pull: float, columns: int, df: float, level: float) -> float:
    """Return how many standard errors an interval reaches out: Student's quantile, widened.

    Resampling residuals of a model with q `columns` and an intercept, its standard errors fall short by
    about (1 + q) `pull`, the mean leverage of those who weigh in the error; see `ratings.pull_of`.

    Examples
    --------
    >>> round(reach_of(1 / 150, 5, 144.0, 0.95), 3)
    2.056
    """
    return t_quantile(level, df) * (1 + (1 + columns) * pull)


def share_limits(shares: Array, replicates: Array, reach: float, *, sure: bool = True) -> tuple[Array, Array]:
    """Confidence limits of shares: midway between two intervals that err in opposite directions.

    Shares of a sample lie nearer to each other than those of the population, and shares of its bootstrap
    samples nearer still. The percentile interval therefore misses strong drivers above; the interval that
    is symmetric on the logit scale misses weak ones below.

    Parameters
    ----------
    shares, replicates : array (blocks,), (blocks, resamples)
    reach : float
        See `reach_of`; as a probability of the normal it gives the quantiles.
    sure : bool
        Whether every share is well above zero, so that logits have a spread; otherwise percentiles only.

    Returns
    -------
    array (blocks,), array (blocks,)
        Lower and upper limits; missing without samples.

    Examples
    --------
    >>> draws = np.random.default_rng(0).dirichlet([60, 30, 10], 1000).T
    >>> low, high = share_limits(np.array([0.6, 0.3, 0.1]), draws, 1.96)
    >>> low.round(2).tolist(), high.round(2).tolist()
    ([0.5, 0.22, 0.05], [0.7, 0.39, 0.17])
    """
    if not replicates.shape[1]:
        return np.full(len(shares), np.nan), np.full(len(shares), np.nan)
    tail = stats.norm.sf(reach)
    limits = np.quantile(replicates, [tail, 1 - tail], axis=1)
    if sure:
        held = np.clip(replicates, _SMALL, 1 - _SMALL)
        spread = reach * np.log(held / (1 - held)).std(axis=1, ddof=1)
        odds = np.log(np.clip(shares, _SMALL, 1 - _SMALL)) - np.log1p(-np.clip(shares, _SMALL, 1 - _SMALL))
        limits = (limits + 1 / (1 + np.exp(-np.array([odds - spread, odds + spread])))) / 2
    return limits[0], limits[1]


def rank_sets(shares: Array, replicates: Array, level: float) -> tuple[Array, Array]:
    """Ranks that the data allow for each share, all of them right together with probability `level`.

    A share is below another's only where their difference exceeds what the largest of all studentised
    differences reaches by chance (its quantile over the bootstrap `replicates`, (shares, resamples)).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> draws = np.array([0.5, 0.3, 0.2])[:, None] + rng.normal(0, 0.05, (3, 500))
    >>> low, high = rank_sets(np.array([0.5, 0.3, 0.2]), draws, 0.95)
    >>> low.tolist(), high.tolist()
    ([1, 2, 2], [1, 3, 3])
    """
    count = len(shares)
    first, second, scale, reach = _gaps(replicates, level)
    ahead = (shares[first] - shares[second]) * scale
    above = np.zeros((count, count), dtype=bool)
    above[first, second] = ahead > reach
    above[second, first] = ahead < -reach
    return 1 + above.sum(axis=0), count - above.sum(axis=1)


def _gaps(replicates: Array, level: float) -> tuple[Array, Array, Array, float]:
    """Return the pairs of shares, one over each difference's standard error, and how many of them to pass."""
    first, second = np.triu_indices(len(replicates), 1)
    gaps = replicates[first] - replicates[second]
    spread = gaps.std(axis=1, ddof=1)
    scale = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 1e-12)
    largest = np.abs((gaps - gaps.mean(axis=1, keepdims=True)) * scale[:, None]).max(axis=0)
    return first, second, scale, float(np.quantile(largest, level))


def times_to_order(shares: Array, replicates: Array, level: float) -> float:
    """How many times as many answers would tell the two largest shares apart, four times out of five.

    Their difference is first freed of what chance adds to its square; infinite if nothing is left.

    Examples
    --------
    >>> draws = np.array([0.5, 0.4, 0.1])[:, None] + np.random.default_rng(1).normal(0, 0.05, (3, 500))
    >>> round(times_to_order(np.array([0.5, 0.4, 0.1]), draws, 0.95), 1)
    9.2
    """
    one, two = np.argsort(-shares, kind="stable")[:2].tolist()
    first, second, scale, reach = _gaps(replicates, level)
    pair = int(np.flatnonzero((first == min(one, two)) & (second == max(one, two)))[0])
    seen = ((shares[one] - shares[two]) * scale[pair]) ** 2 - 1
    return float((reach + stats.norm.ppf(POWER)) ** 2 / seen) if seen > 0 else np.inf


def among_first(replicates: Array, places: int) -> Array:
    """Share of the samples in which each is among the first; missing without samples."""
    if not replicates.shape[1]:
        return np.full(len(replicates), np.nan)
    return np.asarray((stats.rankdata(-replicates, axis=0, method="min") <= places).mean(axis=1))
