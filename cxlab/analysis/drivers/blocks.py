"""Drivers in blocks, by what the questionnaire says of each, and whether such blocks can be told apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations, product
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.columns import named, records
from cxlab.analysis.drivers.moments import moments, resampled
from cxlab.analysis.drivers.ratings import Ratings
from cxlab.analysis.estimates import Claim, check_columns, effective_n, flags
from cxlab.errors import AnalysisError, Message, Problem

Array = np.ndarray[Any, Any]

LIMIT = 0.9  # ratio above which two blocks are taken for one
_SUMS = 2**23  # products of pairs held at once


def blocks(items: pd.DataFrame, drivers: Sequence[str], by: str) -> dict[str, list[str]]:
    """Group drivers by what the questionnaire says of them: level, area, stage.

    Parameters
    ----------
    items : DataFrame (questions, any)
        The canonical table ``items``: item_id, and the column `by`.
    drivers : sequence of str
        Drivers to be grouped.
    by : str
        Column of `items` that tags each driver: level, sense, dimension (brand, product, interaction),
        stage, touchpoint_id, area_id, construct.

    Returns
    -------
    dict of str to list of str
        Drivers of each block, named ``"by: tag"``, in the order of `drivers`: the ``groups`` of
        `cxlab.analysis.drivers.importance`.

    Raises
    ------
    AnalysisError
        If `items` lacks a column, names a driver twice, or leaves drivers without a tag (all are named).

    Examples
    --------
    >>> items = pd.DataFrame({"item_id": ["ease", "price", "kind"],
    ...                       "level": ["rational", "rational", "emotional"]})
    >>> blocks(items, ["ease", "price", "kind"], "level")
    {'level: rational': ['ease', 'price'], 'level: emotional': ['kind']}
    """
    check_columns(items, ["item_id", by])
    drivers = named(drivers)
    own = items[items["item_id"].isin(drivers)]
    tags = dict(zip(own["item_id"].tolist(), own[by].tolist(), strict=True))
    twice = own.loc[own["item_id"].duplicated(), "item_id"].unique()
    problems = [repeated(str(driver)) for driver in twice]
    problems += [_untagged(driver, by, tags) for driver in drivers if _empty(tags.get(driver))]
    if problems:
        raise AnalysisError(
            "the drivers cannot be grouped by {by!r} of the questionnaire", by=by, problems=problems
        )
    found: dict[str, list[str]] = {}
    for driver in drivers:
        found.setdefault(f"{by}: {tags[driver]}", []).append(driver)
    return found


def _empty(tag: Any) -> bool:
    return bool(tag is None or pd.isna(tag) or not str(tag).strip())


def repeated(driver: str) -> Problem:
    """Say that a driver stands in more than one row of the questionnaire."""
    return Problem(
        found=Message("{driver} stands in more than one row", driver=driver),
        allowed=Message("one row for each question"),
        action=Message("keep one row in the table items"),
        column="item_id",
    )


def _untagged(driver: str, by: str, tags: Mapping[str, Any]) -> Problem:
    missing = Message("{driver} has none", driver=driver)
    absent = Message("{driver} is not in the questionnaire", driver=driver)
    return Problem(
        found=missing if driver in tags else absent,
        allowed=Message("a tag for each driver"),
        action=Message("complete the table items, or leave the driver out"),
        column=by,
    )


def separation_of(
    ratings: Ratings, groups: Mapping[str, Sequence[str]], resamples: int, level: float, seed: int
) -> pd.DataFrame:
    r"""Return how far two blocks of drivers are two things: the heterotrait-monotrait ratio of each pair.

    Parameters
    ----------
    ratings : Ratings
    groups : mapping of str to sequence of str
        Drivers of each block.
    resamples, level, seed : int, float, int
        Bootstrap samples, confidence level and seed of the interval.

    Returns
    -------
    DataFrame
        driver, over (the two blocks), htmt, conf_low, conf_high, separation (``merge``: above 0.9;
        ``apart``: surely below; ``open``), n (least raters of two drivers of the pair), n_eff, flag.

    Notes
    -----
    :math:`HTMT = \bar r_{between} / \sqrt{\bar r_{within 1} \, \bar r_{within 2}}`, with the mean
    correlations among those who rated both drivers. The correlation within a block of one driver counts as
    one. Undefined where a mean within a block is not above zero.

    References
    ----------
    Henseler, Ringle & Sarstedt (2015), doi:10.1007/s11747-014-0403-8.
    """
    if len(groups) < 2:
        return pd.DataFrame()
    own = _correlations(ratings, 0, seed)
    drawn = _correlations(ratings, resamples, seed) if resamples else own[:, :, :0]
    place = {name: at for at, name in enumerate(ratings.names)}
    members = {name: [place[driver] for driver in named(drivers)] for name, drivers in groups.items()}
    tail, rows = (1 - level) / 2, []
    for one, other in combinations(members, 2):
        sides = members[one], members[other]
        ratio = float(_ratio(own, *sides)[0])
        samples = _ratio(drawn, *sides)
        known = len(samples) > 0 and not np.isnan(samples).any()
        low, high = np.quantile(samples, [tail, 1 - tail]) if known else (np.nan, np.nan)
        both = [ratings.rated[:, a] & ratings.rated[:, b] for a, b in product(*sides)]
        fewest = min(both, key=lambda who: int(who.sum()))
        rows.append(
            {
                "driver": one, "over": other, "htmt": ratio, "conf_low": low, "conf_high": high,
                "separation": _verdict(ratio, high if len(samples) else ratio),
                "n": int(fewest.sum()), "n_eff": effective_n(ratings.weights[fewest]),
            }
        )  # fmt: skip
    table = pd.DataFrame(rows)
    return table.assign(flag=flags(table["n"]))


def _verdict(ratio: float, high: float) -> str:
    if ratio > LIMIT:
        return "merge"
    return "apart" if high < LIMIT else "open"


def _ratio(correlations: Array, one: list[int], other: list[int]) -> Array:
    """HTMT of two sets of places in correlations (p, p, replicates); missing where it is not defined."""
    between = correlations[np.ix_(one, other)].mean(axis=(0, 1))
    within = _within(correlations, one), _within(correlations, other)
    defined = (within[0] > 0) & (within[1] > 0)
    scale = np.sqrt(np.where(defined, within[0] * within[1], np.nan))
    return np.asarray(between / scale)


def _within(correlations: Array, places: list[int]) -> Array:
    if len(places) == 1:
        return np.ones(correlations.shape[2])
    first, second = np.triu_indices(len(places), 1)
    chosen = np.array(places)
    return np.asarray(correlations[chosen[first], chosen[second]].mean(axis=0))


def _correlations(ratings: Ratings, resamples: int, seed: int) -> Array:
    """Correlations among those who rated both, (p, p, resamples), of the data where `resamples` is 0."""
    n, p = ratings.drivers.shape
    out = np.ones((p, p, resamples or 1))
    first, second = np.triu_indices(p, 1)
    at_once = max(1, _SUMS // (6 * n))
    scale = np.where(ratings.rated, ratings.drivers, 0.0).std(axis=0)
    values, rated = ratings.drivers / scale, ratings.rated.astype(float)
    for start in range(0, len(first), at_once):
        a, b = first[start : start + at_once], second[start : start + at_once]
        x, y, both = values[:, a] * rated[:, b], values[:, b] * rated[:, a], rated[:, a] * rated[:, b]
        sums = np.column_stack([both, x, y, x * x, y * y, x * y])
        one = np.zeros((n, 1))
        if resamples:
            found = resampled(one, ratings.design, resamples, np.random.default_rng(seed), sums).also
        else:
            found = moments(one, ratings.weights, sums).also
        out[a, b] = out[b, a] = _correlation(found.reshape(6, len(a), -1))
    return out


def _correlation(sums: Array) -> Array:
    both, x, y, xx, yy, xy = sums
    with np.errstate(invalid="ignore", divide="ignore"):
        covariance = xy / both - x * y / both**2
        spread = (xx / both - (x / both) ** 2) * (yy / both - (y / both) ** 2)
        return np.where(spread > 1e-18, covariance / np.sqrt(spread), np.nan)


def caveated(claims: Sequence[Claim], table: pd.DataFrame) -> tuple[Claim, ...]:
    """Return the claims with a caveat where two blocks do not separate."""
    if not _together(table):
        return tuple(claims)
    return tuple(replace(claim, caveats=(*claim.caveats, "blocks_overlap")) for claim in claims)


def merged(table: pd.DataFrame, level: float) -> tuple[Claim, ...]:
    """Return one claim for each two blocks that do not separate."""
    return tuple(
        Claim(
            "drivers.blocks_merge",
            {
                "driver": row["driver"], "over": row["over"], "estimate": row["htmt"],
                "conf_low": row["conf_low"], "conf_high": row["conf_high"], "limit": LIMIT,
                "level": level, "unit": "ratio", "n": int(row["n"]),
            },
            "D",
        )
        for row in _together(table)
    )  # fmt: skip


def _together(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [row for row in records(table) if row["separation"] == "merge"] if len(table) else []
