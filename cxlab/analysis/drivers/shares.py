"""What drives an outcome: R-squared divided among drivers, with uncertainty on share, rank and effect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from cxlab.analysis.columns import named
from cxlab.analysis.drivers import dominance, lattice
from cxlab.analysis.drivers.blocks import caveated, merged, separation_of
from cxlab.analysis.drivers.checks import checks_of
from cxlab.analysis.drivers.draws import (
    Draws,
    among_first,
    draws_of,
    rank_sets,
    reach_of,
    share_limits,
    times_to_order,
)
from cxlab.analysis.drivers.inputs import blocks_of
from cxlab.analysis.drivers.moments import Moments, moments, resampled
from cxlab.analysis.drivers.noise import noise_gains, spread_of
from cxlab.analysis.drivers.outcomes import OutcomeType
from cxlab.analysis.drivers.ratings import NotApplicable, Ratings, Surveyed, rated
from cxlab.analysis.drivers.regression import Fit, fit
from cxlab.analysis.drivers.statements import findings
from cxlab.analysis.estimates import (
    LOW_BASE,
    MINIMUM_CUSTOMERS,
    Result,
    adjusted,
    check_level,
    check_seed,
    effective_n,
    flags,
    t_quantile,
    whole_from,
)
from cxlab.errors import AnalysisError

Array = np.ndarray[Any, Any]
Method = Literal["lmg", "johnson", "pmvd"]

_EXACT_RESAMPLED = 18  # drivers up to which each bootstrap replicate is exact, too
# Orderings, with their rotations and reverses, of replicates above that. With 8, at 16 and 18 drivers and 150
# to 5,000 answers, standard deviations were 0.95 to 1.13 of the exact ones, and ends of intervals moved by at
# most 0.08 of their width; 16 orderings: 0.93 to 1.05 and 0.06.
_ORDERINGS_RESAMPLED = 8
_MONTE_CARLO_ERROR = 0.001  # of a share: sampled orderings are added until all are below
FEWEST_RESAMPLES = 20  # under which the ends of an interval are those of a few samples
NOTHING = 1e-12  # of the outcome's variance


@dataclass(frozen=True, eq=False, kw_only=True)
class DriverImportance(Result):
    """Importance of drivers; `r_squared` of the whole model, `r_squared_controls` of what is always in it.

    `draws` are the bootstrap's, for what is computed from importance and performance together.
    """

    r_squared: float
    r_squared_controls: float
    draws: Draws


def importance(
    table: pd.DataFrame,
    outcome: str,
    drivers: Sequence[str],
    *,
    outcome_type: OutcomeType = "numeric",
    method: Method = "lmg",
    weights: str | None = None,
    strata: str | None = None,
    cluster: str | None = None,
    controls: Sequence[str] = (),
    groups: Mapping[str, Sequence[str]] | None = None,
    not_applicable: NotApplicable = "indicator",
    min_rated: int = LOW_BASE,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> DriverImportance:
    r"""Divide what explains an outcome among drivers: how much does each matter.

    Parameters
    ----------
    table : DataFrame (n, any)
        One row per respondent. ``table.attrs["scales"]`` may declare {column: [low, high]}.
    outcome, drivers : str, sequence of str
        Numeric columns. A missing rating means that it did not apply.
    outcome_type : {"numeric", "nps", "binary", "ordered"}
        How the outcome is scored, and with it the unit of coefficients: as it is; answers of 0 to 10 as
        -100, 0, 100 (NPS points); no and yes, as 0/1, booleans or two ordered categories, as 0, 100
        (percentage points); ordered categories or up to 11 different numbers as 0, 1, 2... (steps).
    method : {"lmg", "johnson", "pmvd"}
        Mean gain in R2 over all orderings (exact up to 25 drivers, sampled above); Johnson's
        approximation of it; or Feldman's proportional values, which give nothing to a driver whose
        coefficient is zero and vary more (up to 10 drivers or groups).
    weights, strata, cluster : str, optional
        Columns of the survey's design: sampling weights, strata, and what was drawn (branches, firms).
    controls : sequence of str
        Always in the model; text and categories enter as 0/1 columns.
    groups : mapping of str to sequence of str, optional
        Drivers that enter together; the table then has a row for each group and each driver left out.
    not_applicable : {"indicator", "listwise"}
        ``indicator``: a missing rating counts as the mean, and used/not used is always in the model, so
        that the share is of importance overall (reach times depth) and the coefficient that among those
        who rated. ``listwise``: only rows with every rating.
    min_rated : int
        How many must have rated a driver that was not rated by all, 10 or more: of fewer nothing is shown,
        and shares add up to one.
    resamples : int
        Bootstrap samples of respondents, or of clusters within strata, 20 or more (0 for none: no intervals
        of shares and ranks).
    level, seed : float, int
        Confidence level; seed of bootstrap and sampled orderings.

    Returns
    -------
    DriverImportance
        ``table``, strongest first: driver, importance (R2 units), share (of the drivers' R2, sums to 1),
        std_error, conf_low, conf_high (of the share, bootstrap: see `draws.share_limits`), rank, rank_low,
        rank_high (simultaneous), p_top3 (share of the samples in which it is among the first three),
        noise_share (what the luckiest of as many drivers of pure noise would hold, see
        `noise.noise_gains`; missing without a bootstrap, and with PMVD), beats_noise, coefficient
        (outcome units per driver unit), coefficient_low, coefficient_high (robust, HC3), first (R2 of it
        alone), last (R2 lost without it), correlation (among those who rated), mean (of its ratings), rated
        (share of respondents), n, n_eff (of those who rated), flag. ``tables``: tests (Wald test of the
        effect with the others in the model, Holm over drivers), checks, separation (of each two `groups`,
        see `blocks.separation_of`; empty without) and, up to 10 drivers or groups,
        conditional and dominance (see `lattice.dominance_tables`; empty above).

    Raises
    ------
    AnalysisError
        With all problems at once, for columns that cannot enter (missing, text, constant, off their scale,
        a code such as 99, not of the outcome's type, rated by too few, the outcome itself), overlapping
        roles, unusable weights, unknown groups; for repeated response ids, too few answers, drivers that
        explain nothing at all; PMVD of more than 10 drivers or groups.

    Notes
    -----
    :math:`LMG_j = \frac{1}{p!} \sum_{orders} [R^2(before \cup j) - R^2(before)]`. A driver without any
    effect still gets a share through its correlation with the others: a share above `noise_share` says that
    a driver is no mere chance, the Wald test that it adds to the others. Claims rest on both.

    References
    ----------
    Groemping (2006), doi:10.18637/jss.v017.i01; Johnson (2000), doi:10.1207/S15327906MBR3501_1;
    Mogstad, Romano, Shaikh & Wilhelm (2024), doi:10.1093/restud/rdad006 (sets of ranks);
    Groemping (2007), doi:10.1198/000313007X188252 (PMVD).

    Examples
    --------
    >>> answers = pd.DataFrame({"overall": [7, 5, 6, 2, 3, 4, 6, 1] * 2,
    ...                         "ease": [7, 4, 6, 2, 3, 5, 6, 2] * 2,
    ...                         "price": [3, 5, 6, 2, 5, 3, 4, 3] * 2})
    >>> result = importance(answers, "overall", ["ease", "price"], resamples=0)
    >>> result.table[["driver", "share", "rank"]].round(3).values.tolist()
    [['ease', 0.9, 1], ['price', 0.1, 2]]
    """
    check_level(level)
    check_options(method, not_applicable, resamples, min_rated)
    check_seed(seed)
    drivers, controls = named(drivers), named(controls)
    blocks = blocks_of(drivers, groups or {})
    order = [driver for members in blocks.values() for driver in members]
    ratings = rated(
        table,
        outcome,
        order,
        outcome_type=outcome_type,
        controls=controls,
        weights=weights,
        strata=strata,
        cluster=cluster,
        not_applicable=not_applicable,
        groups=groups,
        min_rated=min_rated,
    )
    rng = np.random.default_rng(seed)
    sizes = [len(members) for members in blocks.values()]
    columns = ratings.standardised
    matrix = moments(columns, ratings.weights).correlations
    check_size(method, len(blocks))
    check_explained(matrix, len(order), outcome)
    shared = divided(matrix, sizes, method, rng)
    every = resampled(columns, ratings.design, resamples, rng, ratings.rated.astype(float))
    drawn = every.of(saying(every, len(order), outcome))
    samples = without_controls(drawn.correlations, sizes)
    replicates = replicates_of(samples, sizes, method, rng, matrix, shared)
    line = fit(np.column_stack([ratings.drivers, ratings.controls]), ratings.outcome, ratings.design)
    noise = (
        noise_of(ratings, spread_of(ratings), matrix, sizes, shared, method, level, seed)
        if resamples
        else None
    )
    among = _correlations_among_raters(ratings, matrix)
    main = table_of(blocks, ratings, matrix, among, shared, method, replicates, noise, line, level)
    tests = tests_of(blocks, line)
    checks = checks_of(ratings, matrix, line, outcome, every)
    stays = dominance.swept(matrix, ratings.controls.shape[1])
    left = dominance.swept(stays, len(drivers))
    r_squared, always = (float(1 - swept[0, 0, 0]) for swept in (left, stays))
    # What the drivers explain is what they add to what is always in the model: the shares are of it.
    facts = {"outcome": outcome, "unit_coefficient": ratings.unit, "r_squared": r_squared - always}
    together = float(line.p_values([list(range(len(drivers)))])[0]) <= 1 - level
    times = times_to_order(shared.shares, replicates, level) if resamples else None
    apart = separation_of(ratings, groups or {}, resamples, level, seed)
    claims, otherwise = findings(
        main, tests, facts, ratings, checks, controls=controls, level=level, times=times, together=together
    )
    return DriverImportance(
        table=main,
        keys=("driver", "over", "check"),
        estimate_column="share",
        tables={
            "tests": tests, "checks": checks, "separation": apart, **dominance_of(blocks, matrix, samples),
        },
        n_used=len(ratings.outcome),
        n_dropped=ratings.dropped,
        settings={
            "outcome": outcome, "outcome_type": outcome_type, "unit_coefficient": ratings.unit,
            "drivers": drivers, "method": method,
            "weights": weights if np.ptp(ratings.weights) > 0 else None, "strata": strata, "cluster": cluster,
            "scales": {name: list(ends) for name, ends in ratings.scales.items()},
            "controls": controls,
            "groups": {name: list(members) for name, members in (groups or {}).items()},
            "not_applicable": not_applicable, "min_rated": min_rated, "resamples": resamples, "level": level,
            "seed": seed, "exact": method == "lmg" and len(blocks) <= dominance.EXACT,
            "orderings": shared.orderings,
            "monte_carlo_error": shared.error, "n_eff": effective_n(ratings.weights),
            "noise_share": _of_one(noise, sizes),
            "interval_share": "bootstrap, percentile" + (" and logit" if method != "pmvd" else ""),
            "interval_coefficient": "robust, HC3",
        },
        claims=(*caveated(claims, apart), *merged(apart, level)),
        otherwise=caveated(otherwise, apart),
        r_squared=r_squared,
        r_squared_controls=always,
        draws=draws_of(blocks, ratings, replicates, drawn),
    )  # fmt: skip


def divided_among(
    blocks: Mapping[str, list[str]],
    ratings: Ratings,
    drawn: Moments,
    line: Fit,
    *,
    method: Method,
    level: float,
    rng: np.random.Generator,
    seed: int,
) -> tuple[pd.DataFrame, Array]:
    """Return the table of `importance` for these people, given their bootstrap, and the shares drawn."""
    sizes = [len(members) for members in blocks.values()]
    matrix = moments(ratings.standardised, ratings.weights).correlations
    shared = divided(matrix, sizes, method, rng)
    samples = without_controls(drawn.correlations, sizes)
    replicates = replicates_of(samples, sizes, method, rng, matrix, shared)
    resamples = replicates.shape[1]
    noise = (
        noise_of(ratings, spread_of(ratings), matrix, sizes, shared, method, level, seed)
        if resamples
        else None
    )
    among = _correlations_among_raters(ratings, matrix)
    main = table_of(blocks, ratings, matrix, among, shared, method, replicates, noise, line, level)
    return main, replicates


@dataclass(frozen=True, slots=True)
class Division:
    """Gains of the blocks (blocks,), largest Monte-Carlo error of a share, orderings sampled (0: exact)."""

    gains: Array
    error: float = 0.0
    orderings: int = 0

    @property
    def shares(self) -> Array:
        """What each block holds of what all explain."""
        return np.asarray(self.gains / self.gains.sum())


def check_options(method: str, not_applicable: str, resamples: int, min_rated: int) -> None:
    """Refuse options that are not offered."""
    for name, given, allowed in (
        ("method", method, get_args(Method)),
        ("not_applicable", not_applicable, get_args(NotApplicable)),
    ):
        if given not in allowed:
            raise AnalysisError(
                "{name} is {given!r}; allowed: {allowed}", name=name, given=given, allowed=", ".join(allowed)
            )
    if not whole_from(resamples, 0) or 0 < resamples < FEWEST_RESAMPLES:
        raise AnalysisError(
            "resamples is {resamples!r}; give 0 for no bootstrap, or 1000 for a report", resamples=resamples
        )
    if not isinstance(min_rated, int | np.integer) or min_rated < MINIMUM_CUSTOMERS:
        raise AnalysisError(
            "{name} is {given!r}; give a whole number, {least} or more",
            name="min_rated",
            given=min_rated,
            least=MINIMUM_CUSTOMERS,
        )


def check_size(method: Method, blocks: int) -> None:
    """Refuse more drivers than a method can take."""
    if method == "pmvd" and blocks > lattice.MOST:
        raise AnalysisError(
            "method='pmvd' needs every subset of the drivers and is computed for at most {most}; got "
            "{count}: group them, or use method='lmg'",
            most=lattice.MOST,
            count=blocks,
        )


def explained_by(matrix: Array, drivers: int) -> Array:
    """R-squared that the drivers add to what is always in the model, (replicates,)."""
    stays = dominance.swept(matrix, matrix.shape[0] - 1 - drivers)
    return np.asarray(stays[0, 0] - dominance.swept(stays, drivers)[0, 0])


def check_explained(matrix: Array, drivers: int, outcome: str) -> None:
    """Refuse drivers that explain nothing at all."""
    if not explained_by(matrix, drivers)[0] > NOTHING:
        raise AnalysisError(
            "no driver goes with {outcome} in any way: there is nothing to divide; choose other drivers",
            outcome=outcome,
        )


def saying(drawn: Moments, drivers: int, outcome: str) -> Array:
    """Return which bootstrap samples to use, as many as there are: those that say something of the drivers.

    Where the few who answer otherwise than the rest were not drawn, nothing is explained and nobody has a
    share; such a sample is replaced by another. `checks_of` tells how many they are.

    Raises
    ------
    AnalysisError
        If fewer than two samples say something.
    """
    told = explained_by(drawn.correlations, drivers) > NOTHING
    if len(told) and told.sum() < 2:
        raise AnalysisError(
            "in {empty} of {count} bootstrap samples no driver goes with {outcome} in any way: the answers "
            "are too few, or too alike, for intervals; use resamples=0 or widen the filter",
            empty=int((~told).sum()),
            count=len(told),
            outcome=outcome,
        )
    return np.concatenate([np.flatnonzero(told), np.resize(np.flatnonzero(told), int((~told).sum()))])


def without_controls(matrix: Array, sizes: Sequence[int]) -> Array:
    """Take the controls out of matrices (1 + drivers + controls, the same, replicates)."""
    return dominance.swept(matrix, matrix.shape[0] - 1 - sum(sizes))


def divided(matrix: Array, sizes: list[int], method: Method, rng: np.random.Generator) -> Division:
    """Divide the R-squared of one correlation matrix, sampling orderings until their error is small."""
    matrix = without_controls(matrix, sizes)
    if method == "johnson":
        return Division(dominance.relative_weights(matrix, sizes)[:, 0])
    if method == "pmvd":
        return Division(lattice.proportional(lattice.subsets(matrix, sizes))[:, 0])
    if len(sizes) <= dominance.EXACT:
        return Division(dominance.shapley(matrix, sizes)[:, 0])
    drawn = dominance.sampled(matrix, sizes, rng, error=_MONTE_CARLO_ERROR)
    return Division(
        drawn.gains[:, 0], float(drawn.error.max() / max(drawn.gains.sum(), NOTHING)), drawn.orderings
    )


def replicates_of(
    samples: Array,
    sizes: list[int],
    method: Method,
    rng: np.random.Generator,
    matrix: Array,
    shared: Division,
) -> Array:
    """Shares in bootstrap samples of respondents, (blocks, resamples).

    Above some number of drivers a few orderings, the same for all samples, tell how far each moves from the
    data, whose division is known (`shared`).
    """
    if not samples.shape[2]:
        return np.empty((len(sizes), 0))
    if method == "johnson":
        gains = dominance.relative_weights(samples, sizes)
    elif method == "pmvd":
        gains = lattice.proportional(lattice.subsets(samples, sizes))
    elif len(sizes) <= _EXACT_RESAMPLED:
        gains = dominance.shapley(samples, sizes)
    else:
        both = np.concatenate([without_controls(matrix, sizes), samples], axis=2)
        rough = dominance.rotated(both, sizes, rng, orderings=_ORDERINGS_RESAMPLED)
        gains = shared.gains[:, None] + rough[:, 1:] - rough[:, :1]
    gains = np.maximum(gains, 0.0)
    return np.asarray(gains / gains.sum(axis=0))


def noise_of(
    people: Surveyed,
    spread: Array | None,
    matrix: Array,
    sizes: list[int],
    shared: Division,
    method: Method,
    level: float,
    seed: int,
) -> Array | None:
    """Share that a block of pure noise of each block's size would hold at most; none for PMVD.

    `spread` is as `noise.spread_of` gives it; without one, too, there is no line.
    """
    if method == "pmvd" or spread is None:
        return None
    # As wide as the interval of one slope: ratings are no normal numbers, and a few people may weigh much.
    widened = (1 + 2 * people.pull) ** 2
    gains = noise_gains(
        without_controls(matrix, sizes)[:, :, 0],
        spread * widened,
        sizes,
        free=people.n_eff - (len(matrix) - 1 - sum(sizes)) - 1,
        level=level,
        # A stream of its own: what the bootstrap draws is the same with the line and without it.
        rng=np.random.default_rng([seed, 1]),
        johnson=method == "johnson",
    )
    return np.asarray(np.minimum(gains / shared.gains.sum(), 1.0))


def _of_one(noise: Array | None, sizes: Sequence[int]) -> float | None:
    """Return the line of a single driver, if there is one."""
    single = [] if noise is None else noise[np.array(sizes) == 1]
    return float(single[0]) if len(single) else None


def dominance_of(blocks: Mapping[str, list[str]], matrix: Array, samples: Array) -> dict[str, pd.DataFrame]:
    """Return the tables of conditional and pairwise dominance, empty where there are too many blocks."""
    if len(blocks) > lattice.MOST:
        return {"conditional": pd.DataFrame(), "dominance": pd.DataFrame()}
    sizes = [len(members) for members in blocks.values()]
    explained = lattice.subsets(without_controls(matrix, sizes), sizes)
    return lattice.dominance_tables(explained, lattice.subsets(samples, sizes), list(blocks))


def table_of(
    blocks: Mapping[str, list[str]],
    people: Surveyed,
    matrix: Array,
    among: Array,
    shared: Division,
    method: Method,
    replicates: Array,
    noise: Array | None,
    line: Fit,
    level: float,
) -> pd.DataFrame:
    """Return the table of `importance`; `among` are the drivers' correlations among who rated them."""
    sizes = [len(members) for members in blocks.values()]
    starts = np.cumsum([0, *sizes])[:-1]
    shares, nowhere = shared.shares, np.full(len(sizes), np.nan)
    drawn = replicates.shape[1] > 0
    reach = reach_of(people.pull, len(line.coefficients), line.df, level)
    low, high = share_limits(shares, replicates, reach, sure=method != "pmvd")
    ranks = rank_sets(shares, replicates, level) if drawn else (nowhere, nowhere)
    noise = nowhere if noise is None else noise
    single = np.array(sizes) == 1
    slope, error = line.coefficients[starts], np.sqrt(np.diag(line.covariance))[starts]
    slope = np.where(single & line.estimable[starts], slope, np.nan)
    margin = t_quantile(level, line.df) * error
    apart = without_controls(matrix, sizes)
    rated_by, n, n_eff = people.bases(sizes)
    columns = {
        "driver": np.array(list(blocks), dtype=object),
        "importance": shared.gains,
        "share": shares,
        "std_error": replicates.std(axis=1, ddof=1) if drawn else np.full(len(sizes), np.nan),
        "conf_low": low,
        "conf_high": high,
        "rank": rankdata(-shares.round(12), method="min").astype(int),
        "rank_low": ranks[0],
        "rank_high": ranks[1],
        "p_top3": among_first(replicates, 3),
        "noise_share": noise,
        "beats_noise": pd.arrays.BooleanArray(shares > noise, np.isnan(noise)),
        "coefficient": slope,
        "coefficient_low": slope - margin,
        "coefficient_high": slope + margin,
        "first": dominance.alone(apart, sizes)[:, 0],
        "last": dominance.unique(apart, sizes)[:, 0],
        "correlation": np.where(single, among[starts], np.nan),
        "mean": np.where(single, people.means[starts], np.nan),
        "rated": rated_by,
        "n": n,
        "n_eff": n_eff,
        "flag": flags(n),
    }
    order = np.argsort(-shares, kind="stable")
    return pd.DataFrame({name: values[order] for name, values in columns.items()})


def _correlations_among_raters(ratings: Ratings, matrix: Array) -> Array:
    """Correlation of each driver with the outcome among those who rated it."""
    out = matrix[0, 1 : len(ratings.names) + 1, 0].copy()
    for at in np.flatnonzero(~ratings.rated.all(axis=0)):
        who = ratings.rated[:, at]
        pair = np.column_stack([ratings.drivers[who, at], ratings.outcome[who]])
        pair = pair - np.average(pair, axis=0, weights=ratings.weights[who])
        c = (pair * ratings.weights[who][:, None]).T @ pair
        out[at] = c[0, 1] / np.sqrt(c[0, 0] * c[1, 1]) if c[0, 0] > 0 and c[1, 1] > 0 else np.nan
    return out


def tests_of(blocks: Mapping[str, list[str]], line: Fit) -> pd.DataFrame:
    """Wald test of each block with all others in the model, Holm over the blocks."""
    ends = np.cumsum([0, *(len(members) for members in blocks.values())])
    p_values = line.p_values([list(range(*pair)) for pair in pairwise(ends.tolist())])
    return pd.DataFrame(
        {
            "hypothesis": [f"driver {name}" for name in blocks],
            "driver": list(blocks),
            "p_value": p_values,
            "p_adjusted": adjusted(p_values, "holm"),
        }
    )
