"""What the bootstrap of a driver analysis says together: shares, coefficients, levels, places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import rankdata

from cxlab.analysis.drivers.moments import Moments
from cxlab.analysis.drivers.ratings import Ratings

Array = np.ndarray[Any, Any]


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
    first, second = np.triu_indices(count, 1)
    gaps = replicates[first] - replicates[second]
    spread = gaps.std(axis=1, ddof=1)
    scale = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 1e-12)
    reach = np.quantile(np.abs((gaps - gaps.mean(axis=1, keepdims=True)) * scale[:, None]).max(axis=0), level)
    ahead = (shares[first] - shares[second]) * scale
    above = np.zeros((count, count), dtype=bool)
    above[first, second] = ahead > reach
    above[second, first] = ahead < -reach
    return 1 + above.sum(axis=0), count - above.sum(axis=1)


def among_first(replicates: Array, places: int) -> Array:
    """Share of the samples in which each is among the first; missing without samples."""
    if not replicates.shape[1]:
        return np.full(len(replicates), np.nan)
    return np.asarray((rankdata(-replicates, axis=0, method="min") <= places).mean(axis=1))
