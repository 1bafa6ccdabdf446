"""Chance-corrected agreement as arithmetic on counts: how many raters put each unit into each category.

Counts have shape (units, categories). A scale is a matrix of distances between its categories: what a
disagreement costs. Krippendorff's ordinal distance depends on how often the categories occur, so alpha takes
the distances of its own coincidences; the others take those of the ranks.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

Array = np.ndarray[Any, Any]
Scale = Literal["nominal", "ordinal", "interval", "ratio"]


def distances(values: Array, scale: Scale) -> Array:
    """Return squared distances between categories, (categories, categories), the largest one 1.

    Examples
    --------
    >>> distances(np.array([1.0, 2.0, 3.0]), "ordinal")[0].tolist()
    [0.0, 0.25, 1.0]
    """
    k = len(values)
    if scale == "nominal":
        return 1.0 - np.eye(k)
    own = np.arange(k, dtype=float) if scale == "ordinal" else values
    apart = own[:, None] - own[None, :]
    if scale == "ratio":
        both = own[:, None] + own[None, :]
        apart = np.divide(apart, both, out=np.zeros_like(apart), where=both != 0)
    return np.asarray(apart**2 / max(float((apart**2).max()), np.finfo(float).tiny))


def coincidences(counts: Array) -> Array:
    """Return each unit's coincidences, (units, categories, categories); units rated once have none."""
    pairs = counts[:, :, None] * counts[:, None, :]
    places = np.arange(counts.shape[1])
    pairs[:, places, places] -= counts
    rated = counts.sum(axis=1)
    return np.asarray(pairs / np.where(rated > 1, rated - 1, np.inf)[:, None, None])


def alphas(found: Array, values: Array, scale: Scale) -> Array:
    """Return Krippendorff's alpha of coincidences summed over units, (samples, categories, categories).

    Missing where only one category occurs: agreement cannot be told from having no choice.
    """
    margins = found.sum(axis=2)
    total = margins.sum(axis=1)
    if scale == "ordinal":
        middles = np.cumsum(margins, axis=1) - margins / 2
        apart = (middles[:, :, None] - middles[:, None, :]) ** 2
    else:
        apart = distances(values, scale)[None]
    observed = (found * apart).sum(axis=(1, 2))
    expected = (margins[:, :, None] * margins[:, None, :] * apart).sum(axis=(1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(expected > 0, 1 - (total - 1) * observed / expected, np.nan), dtype=float)


def by_unit(counts: Array, weights: Array) -> tuple[Array, Array]:
    """Return each unit's observed agreement (missing if rated once) and its shares of the categories."""
    rated = counts.sum(axis=1)
    pairs = (counts * (counts @ weights - 1)).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        agreed = np.where(rated > 1, pairs / (rated * (rated - 1)), np.nan)
    return agreed, counts / rated[:, None]


def gwet(agreed: Array, prevalence: Array, weights: Array) -> Array:
    """Return AC1 (AC2 with weights) from observed agreement and prevalence, (samples, categories)."""
    k = len(weights)
    if k < 2:
        return np.full(len(agreed), np.nan)
    chance = weights.sum() / (k * (k - 1)) * (prevalence * (1 - prevalence)).sum(axis=1)
    return np.asarray((agreed - chance) / (1 - chance))


def gwet_error(counts: Array, weights: Array) -> float:
    """Return Gwet's linearised standard error of AC1 or AC2 (units as a sample of many)."""
    n, k = counts.shape
    agreed, shares = by_unit(counts, weights)
    twice = ~np.isnan(agreed)
    if k < 2 or n < 2:
        return float("nan")
    prevalence, scale = shares.mean(axis=0), weights.sum() / (k * (k - 1))
    chance = scale * float((prevalence * (1 - prevalence)).sum())
    value = (float(agreed[twice].mean()) - chance) / (1 - chance)
    own = n / twice.sum() * np.where(twice, np.nan_to_num(agreed) - chance, 0.0) / (1 - chance)
    own = own - 2 * (1 - value) * (scale * shares @ (1 - prevalence) - chance) / (1 - chance)
    return float(np.sqrt(((own - value) ** 2).sum() / (n * (n - 1))))


def others(counts: Array, by_rater: Array, weights: Array) -> dict[str, float]:
    """Return the older coefficients beside these: Brennan-Prediger, Fleiss, Conger (two raters: Cohen).

    `by_rater` (raters, categories) are the shares of each rater's own ratings.
    """
    k, raters = len(weights), len(by_rater)
    agreed, shares = by_unit(counts, weights)
    observed, prevalence = float(np.nanmean(agreed)), shares.mean(axis=0)
    mean = by_rater.mean(axis=0)
    spread = (by_rater.T @ by_rater - raters * np.outer(mean, mean)) / max(raters - 1, 1)
    chances = {
        "brennan_prediger": weights.sum() / k**2,
        "fleiss": float(prevalence @ weights @ prevalence),
        "conger": float((weights * (np.outer(mean, mean) - spread / raters)).sum()),
    }
    return {
        name: (observed - chance) / (1 - chance) if chance < 1 else float("nan")
        for name, chance in chances.items()
    }
