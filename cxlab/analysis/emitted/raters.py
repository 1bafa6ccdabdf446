"""Do two evaluators who see the same thing write down the same: agreement beyond chance, with its error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import pandas as pd

from cxlab.analysis.columns import as_floats, check_categories, of_repeated, shown
from cxlab.analysis.dropped import check_entered, entering, missing
from cxlab.analysis.emitted import coefficients
from cxlab.analysis.emitted.coefficients import Scale
from cxlab.analysis.estimates import (
    LOW_BASE,
    Claim,
    Result,
    check_columns,
    check_level,
    check_numbers,
    check_seed,
    flags,
    generators,
    whole_from,
)
from cxlab.errors import AnalysisError

Array = np.ndarray[Any, Any]

RELIABLE, TENTATIVE = 0.8, 0.667  # Krippendorff's own limits
PARADOX = 0.2  # alpha this far below Gwet's coefficient, on the same ratings
MOST_CATEGORIES = 100
_AT_ONCE = 4_000_000  # numbers held in one step of the bootstrap
MINIMUM_RESAMPLES = 100


@dataclass(frozen=True, eq=False, kw_only=True)
class Agreement(Result):
    """Agreement of raters; see `agreement` for the columns."""

    alpha: float
    ac: float


@dataclass(frozen=True, slots=True)
class _Counts:
    counts: Array  # (units, categories)
    by_rater: Array  # (raters, categories), shares
    values: Array
    raters: int
    cluster: Array | None  # (units,)


def agreement(
    ratings: pd.DataFrame,
    *,
    unit: str,
    rater: str,
    rating: str,
    scale: Scale = "nominal",
    categories: Sequence[Any] | None = None,
    cluster: str | None = None,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> Agreement:
    r"""Measure how far raters of the same units agree beyond chance.

    Parameters
    ----------
    ratings : DataFrame
        One row for each unit and rater; units need not be rated by everybody. Not changed.
    unit, rater, rating : str
        Columns: what is rated, by whom, and how. Ratings are numbers unless the scale is nominal.
    scale : {"nominal", "ordinal", "interval", "ratio"}
        What a disagreement costs: the same for all, the ranks between, the squared distance, or the squared
        relative distance.
    categories : sequence, optional
        Every category that could have been given; by default those that were.
    cluster : str, optional
        Column of what units come in (checks of one visit): the bootstrap then draws clusters, and all errors
        are its own.
    level : float
        Confidence level.
    resamples : int
        Samples of units of the bootstrap, 100 or more.
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    Agreement
        ``table``: coefficient (``alpha`` of Krippendorff; ``ac1`` of Gwet, ``ac2`` on ordered scales),
        estimate (1 perfect, 0 as chance), std_error (Gwet's linearised one; that of the bootstrap for
        alpha), conf_low, conf_high (percentiles of a bootstrap over units), n (units rated twice or more),
        flag. ``tables["checks"]``: check, value: units, rated_twice, raters, ratings, observed (share of
        agreeing pairs), most_common (share of the most given category), brennan_prediger, fleiss, conger,
        undefined (share of the samples of units without two categories). Also as attributes ``alpha``,
        ``ac``. A frame without rows, or of a table that is not there, gives an empty table, and a claim that
        nothing was rated twice.

    Raises
    ------
    AnalysisError
        If a column is missing, a rater rates a unit twice, an ordered scale has text, a ratio scale has
        negative ratings, a rating is none of `categories`, no unit is rated twice, or there are more than
        100 categories.

    Notes
    -----
    :math:`\alpha = 1 - D_o / D_e` with the coincidences of pairs within units; units rated once say nothing.
    Gwet's coefficient takes its chance from how hard it is to agree, so that it does not collapse where
    nearly everything is met (the paradox of kappa); its prevalences use units rated once as well. Neither
    names a rater.

    References
    ----------
    Krippendorff (2011), repository.upenn.edu/asc_papers/43; Gwet (2008), doi:10.1348/000711006X126600;
    Hayes & Krippendorff (2007), doi:10.1080/19312450709336664 (bootstrap).

    Examples
    --------
    >>> table = pd.DataFrame({"visit": [1, 1, 2, 2, 3, 3, 4, 4], "who": ["a", "b"] * 4,
    ...                       "met": [1, 1, 0, 0, 1, 1, 1, 0]})
    >>> found = agreement(table, unit="visit", rater="who", rating="met")
    >>> found.table[["coefficient", "estimate", "n"]].round(4).values.tolist()
    [['alpha', 0.5333, 4], ['ac1', 0.5294, 4]]
    """
    if not len(ratings.columns):
        return _unrated(level)
    _check_asked(ratings, unit, rater, rating, scale, level, resamples, seed)
    if ratings.empty:
        return _unrated(level)
    columns = [unit, rater, rating, *([cluster] if cluster else [])]
    check_columns(ratings, columns)
    reasons = [(missing(column), ratings[column].isna().to_numpy(dtype=bool)) for column in columns]
    kept, dropped = entering(len(ratings), reasons)
    check_entered(kept, dropped)
    counted = _counted(ratings[kept], unit, rater, rating, scale, categories, cluster)
    twice = int((counted.counts.sum(axis=1) > 1).sum())
    if not twice:
        raise AnalysisError(
            "no unit of {unit!r} is rated by two raters; agreement needs units that two have rated", unit=unit
        )
    name = "ac1" if scale == "nominal" else "ac2"
    estimates, table, undefined = _table(counted, scale, name, level, resamples, seed)
    table = table.assign(n=twice, flag=flags(np.full(len(table), twice)))
    facts = _facts(counted, scale, twice, undefined)
    return Agreement(
        table=table,
        keys=("coefficient", "check"),
        tables={"checks": pd.DataFrame(facts.items(), columns=["check", "value"])},
        n_used=int(kept.sum()),
        n_dropped=dropped,
        settings={
            "unit": unit, "rater": rater, "rating": rating, "scale": scale, "level": level,
            "resamples": resamples, "seed": seed, "cluster": cluster, "categories": len(counted.values),
        },
        claims=_claims(table, facts, level),
        alpha=estimates["alpha"],
        ac=estimates[name],
    )  # fmt: skip


def _unrated(level: float) -> Agreement:
    """Return the result of no double rating at all: a claim that says so."""
    columns = ["coefficient", "estimate", "std_error", "conf_low", "conf_high", "n", "flag"]
    return Agreement(
        table=pd.DataFrame(columns=columns),
        keys=("coefficient", "check"),
        tables={"checks": pd.DataFrame(columns=["check", "value"])},
        settings={"level": level},
        claims=(Claim("emitted.unpaired", {}, "D"),),
        alpha=float("nan"),
        ac=float("nan"),
    )


def _check_asked(
    ratings: pd.DataFrame,
    unit: str,
    rater: str,
    rating: str,
    scale: str,
    level: float,
    resamples: int,
    seed: int,
) -> None:
    check_level(level)
    check_seed(seed)
    check_numbers(
        ("resamples", resamples, lambda n: whole_from(n, MINIMUM_RESAMPLES), "a whole number, 100 or more")
    )
    if scale not in get_args(Scale):
        raise AnalysisError(
            "{name} is {given!r}; allowed: {allowed}",
            name="scale", given=scale, allowed=", ".join(get_args(Scale)),
        )  # fmt: skip
    check_columns(ratings, [unit, rater, rating])
    check_categories(ratings, [unit, rater, rating])
    both = ratings[[unit, rater]].dropna()
    again = both.duplicated(keep=False).to_numpy(dtype=bool)
    if again.any():
        first = int(ratings.index.get_indexer(both.index[again][:1])[0]) + 1 if ratings.index.is_unique else 0
        ids = [str(value) for value in both.loc[again, unit].unique()]
        raise of_repeated(unit, ids, int(again.sum()), persons=False, row=first)


def _counted(
    rated: pd.DataFrame, unit: str, rater: str, rating: str, scale: Scale, categories: Sequence[Any] | None,
    cluster: str | None,
) -> _Counts:  # fmt: skip
    codes, found = pd.factorize(rated[rating], sort=True)
    possible = pd.Index(found)
    if categories is not None:
        possible = pd.Index(categories).drop_duplicates()
        codes = possible.get_indexer(pd.Index(rated[rating]))
        if (codes < 0).any():
            raise AnalysisError(
                "ratings {found} are none of the categories {allowed}",
                found=shown(rated[rating][codes < 0].unique().tolist()), allowed=shown(possible.tolist()),
            )  # fmt: skip
    if len(possible) > MOST_CATEGORIES:
        raise AnalysisError(
            "{column!r} has {count} different ratings, more than {most}; round them, or use icc for "
            "ratings without steps",
            column=rating, count=len(possible), most=MOST_CATEGORIES,
        )  # fmt: skip
    values = np.arange(len(possible), dtype=float)
    if scale != "nominal":
        numbers = as_floats(pd.Series(possible))
        if numbers is None or (scale == "ratio" and (numbers < 0).any()):
            raise AnalysisError(
                "{column!r} cannot be a scale of kind {scale}: it needs numbers, zero or more for ratio; "
                "use nominal, or give the categories numbers in client.yaml",
                column=rating, scale=scale,
            )  # fmt: skip
        values = numbers
    units = pd.factorize(rated[unit])[0]
    raters, who = pd.factorize(rated[rater])
    k = len(possible)
    counts = np.bincount(units * k + codes, minlength=(units.max() + 1) * k).reshape(-1, k).astype(float)
    own = np.bincount(raters * k + codes, minlength=len(who) * k).reshape(-1, k).astype(float)
    within = None
    if cluster is not None:
        _, places = np.unique(units, return_index=True)
        within = pd.factorize(rated[cluster].iloc[places])[0]
    return _Counts(counts, own / own.sum(axis=1, keepdims=True), values, len(who), within)


def _table(
    counted: _Counts, scale: Scale, name: str, level: float, resamples: int, seed: int
) -> tuple[dict[str, float], pd.DataFrame, float]:
    """Return both estimates, their table without bases, and the share of samples without an alpha."""
    counts, values = counted.counts, counted.values
    weights = 1 - coefficients.distances(values, scale)
    agreed, shares = coefficients.by_unit(counts, weights)
    pairs = coefficients.coincidences(counts)
    one = np.ones((1, len(counts)))
    estimates = {
        key: float(value[0])
        for key, value in zip(("alpha", name), _both(one, pairs, agreed, shares, values, scale), strict=True)
    }
    rng, drawn = generators(seed, 1)[0], []
    within = np.arange(len(counts)) if counted.cluster is None else counted.cluster
    n = int(within.max()) + 1
    step = max(_AT_ONCE // (pairs[0].size + len(counts)), 1)
    for start in range(0, resamples, step):
        times = rng.multinomial(n, np.full(n, 1 / n), size=min(step, resamples - start)).astype(float)
        drawn.append(_both(times[:, within], pairs, agreed, shares, values, scale))
    samples = [np.concatenate(each) for each in zip(*drawn, strict=True)]
    tails = [(1 - level) / 2, (1 + level) / 2]
    rows = []
    for key, own in zip(estimates, samples, strict=True):
        known = own[~np.isnan(own)]
        low, high = np.quantile(known, tails) if len(known) > 1 else (np.nan, np.nan)
        error = float(known.std(ddof=1)) if len(known) > 1 else float("nan")
        if key != "alpha" and counted.cluster is None:
            error = coefficients.gwet_error(counts, weights)
        rows.append((key, estimates[key], error, low, high))
    table = pd.DataFrame(rows, columns=["coefficient", "estimate", "std_error", "conf_low", "conf_high"])
    return estimates, table, float(np.isnan(samples[0]).mean())


def _both(
    times: Array, pairs: Array, agreed: Array, shares: Array, values: Array, scale: Scale
) -> tuple[Array, Array]:
    """Return alpha and Gwet's coefficient of samples that hold each unit so many `times` (samples, units)."""
    n, k = shares.shape
    alpha = coefficients.alphas((times @ pairs.reshape(n, k * k)).reshape(-1, k, k), values, scale)
    twice = ~np.isnan(agreed)
    with np.errstate(divide="ignore", invalid="ignore"):
        observed = times[:, twice] @ agreed[twice] / times[:, twice].sum(axis=1)
    prevalence = times @ shares / times.sum(axis=1, keepdims=True)
    return alpha, coefficients.gwet(observed, prevalence, 1 - coefficients.distances(values, scale))


def _facts(counted: _Counts, scale: Scale, twice: int, undefined: float) -> dict[str, float]:
    counts = counted.counts
    weights = 1 - coefficients.distances(counted.values, scale)
    agreed, _ = coefficients.by_unit(counts, np.eye(counts.shape[1]))  # alike, whatever the scale
    return {
        "units": float(len(counts)), "rated_twice": float(twice), "raters": float(counted.raters),
        "ratings": float(counts.sum()), "observed": float(np.nanmean(agreed)),
        "most_common": float(counts.sum(axis=0).max() / counts.sum()),
        **coefficients.others(counts, counted.by_rater, weights), "undefined": undefined,
    }  # fmt: skip


def _claims(table: pd.DataFrame, facts: Mapping[str, float], level: float) -> tuple[Claim, ...]:
    """State alpha with what its interval allows; and where it collapses because nearly all is alike."""
    alpha, gwet = table.to_dict("records")
    n = int(alpha["n"])
    shared = {"n": n, "raters": int(facts["raters"]), "observed": facts["observed"], "level": level}
    if np.isnan(alpha["estimate"]):
        return (Claim("emitted.agreement_none", {**shared, "most_common": facts["most_common"]}, "D"),)
    verdict = "open"
    if alpha["conf_low"] >= RELIABLE:
        verdict = "reliable"
    elif alpha["conf_high"] < TENTATIVE:
        verdict = "unreliable"
    ends = {key: float(alpha[key]) for key in ("estimate", "conf_low", "conf_high")}
    caveats = ("low_base",) if n < LOW_BASE else ()
    claims = [
        Claim(
            "emitted.agreement",
            {**shared, **ends, "unit": "ratio", "verdict": verdict},
            "D",
            caveats,
            headline=True,
        )
    ]
    if gwet["estimate"] - alpha["estimate"] > PARADOX:
        both = {key: float(gwet[key]) for key in ("estimate", "conf_low", "conf_high")}
        fields = {
            **shared,
            **both,
            "unit": "ratio",
            "alpha": ends["estimate"],
            "most_common": facts["most_common"],
        }
        claims.append(Claim("emitted.paradox", {**fields, "coefficient": gwet["coefficient"]}, "D"))
    return tuple(claims)
