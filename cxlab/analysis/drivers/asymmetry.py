"""Penalty and reward: what failing in an aspect costs, what excelling in it adds, and whether they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from cxlab.analysis.columns import named, records
from cxlab.analysis.drivers.moments import slopes_drawn
from cxlab.analysis.drivers.outcomes import OutcomeType
from cxlab.analysis.drivers.ratings import NotApplicable, Ratings, rated
from cxlab.analysis.drivers.regression import Fit, fit
from cxlab.analysis.drivers.shares import FEWEST_RESAMPLES
from cxlab.analysis.estimates import (
    LOW_BASE,
    Claim,
    Result,
    check_level,
    check_numbers,
    check_seed,
    effective_n,
    flags,
    t_quantile,
    whole_from,
)
from cxlab.errors import AnalysisError, Message

Array = np.ndarray[Any, Any]
Cuts = Sequence[float] | Mapping[str, Sequence[float]]

_NEGLIGIBLE = 0.1  # of the outcome's standard deviation
# Low and high ratings as they are usually read on each scale.
USUAL: Mapping[tuple[float, ...], tuple[float, float]] = {
    (1, 5): (2, 5),
    (1, 7): (3, 6),
    (0, 10): (6, 9),
    (1, 10): (6, 9),
}


# Why a driver has no effect of its own: what it goes with is shared with its copies in any way one likes.
DETERMINED = Message("other columns determine it: what goes with it alone cannot be told")


@dataclass(frozen=True, eq=False, kw_only=True)
class PenaltyReward(Result):
    """Penalty, reward and asymmetry of drivers; `negligible` is the reward that counts as none."""

    negligible: float


def penalty_reward(
    table: pd.DataFrame,
    outcome: str,
    drivers: Sequence[str],
    *,
    outcome_type: OutcomeType = "numeric",
    cuts: Cuts = (),
    weights: str | None = None,
    strata: str | None = None,
    cluster: str | None = None,
    controls: Sequence[str] = (),
    not_applicable: NotApplicable = "indicator",
    negligible: float | None = None,
    symmetric: float = 0.2,
    base_minimum: int = LOW_BASE,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> PenaltyReward:
    r"""Estimate what a low rating costs and a high one adds: which aspects only punish, which delight.

    Parameters
    ----------
    table, outcome, drivers, outcome_type, weights, strata, cluster, controls, not_applicable, resamples, \
    level, seed
        As in `cxlab.analysis.drivers.importance`.
    cuts : (low, high) or mapping of str to (low, high)
        A rating of at most `low` is low, of at least `high` is high; those between are the reference. Where
        none is given, those usual for the declared scale: 3 and 6 of 1 to 7, 2 and 5 of 1 to 5, 6 and 9 of
        0 or 1 to 10.
    negligible : float, optional
        Reward (or penalty), in outcome units, that counts as none; a tenth of the outcome's standard
        deviation by default.
    symmetric : float
        Asymmetries within plus or minus this count as symmetric.
    base_minimum : int
        Low and high ratings, and ratings between, that a driver needs of each. With fewer, or without a cut,
        it enters as a number and has no row of its own but in ``left_out``.

    Returns
    -------
    PenaltyReward
        ``table``, the largest penalty first: driver, penalty, penalty_low, penalty_high (outcome units lost),
        reward, reward_low, reward_high (outcome units gained; intervals HC3), asymmetry (-1 only penalty, 1
        only reward) with conf_low, conf_high (bootstrap), kind (must_be, attractive, symmetric; against
        where a high rating surely costs or a low one adds; or open where the interval does not say),
        p_no_reward (equivalence test: small where the reward is surely negligible), n_low, n_high, n, n_eff,
        flag (by the fewest of low, high and between). ``tables["left_out"]``: driver, n_low, n_high, reason,
        flag.

    Raises
    ------
    AnalysisError
        As `importance`; and for cuts that are not (low, high) with low < high or of no driver, or numbers
        out of range.

    Notes
    -----
    The outcome is regressed on two indicators for each driver, low and high, all drivers together.
    :math:`asymmetry = (reward - penalty) / (reward + penalty)`, each taken as no less than zero. It is given
    only where penalty and reward together can be told from zero: the ratio of two nothings is not a kind.
    Nor is there one where either is surely below minus `negligible`: beside the others, a driver that
    overlaps with them may run against its own ratings, and a cut at zero would hide it.

    References
    ----------
    Brandt (1988), penalty-reward contrast; Mikulic & Prebezac (2008), doi:10.1108/09604520810885581;
    Schuirmann (1987), doi:10.1007/BF01068419 (two one-sided tests).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> answers = pd.DataFrame(rng.integers(1, 8, (800, 2)), columns=["bill", "app"]).astype(float)
    >>> answers["overall"] = 5 - 1.5 * (answers["bill"] <= 3) + 1.0 * (answers["app"] >= 6)
    >>> answers["overall"] += 0.5 * rng.normal(size=800)
    >>> found = penalty_reward(answers, "overall", ["bill", "app"], cuts=(3, 6), resamples=200)
    >>> found.table[["driver", "kind"]].values.tolist()
    [['bill', 'must_be'], ['app', 'attractive']]
    """
    check_level(level)
    check_seed(seed)
    drivers, controls = named(drivers), named(controls)
    ratings = rated(
        table, outcome, drivers, outcome_type=outcome_type, controls=controls, weights=weights,
        strata=strata, cluster=cluster, not_applicable=not_applicable, min_rated=1,
    )  # fmt: skip
    least = _NEGLIGIBLE * _spread(ratings) if negligible is None else negligible
    _check_numbers(least, symmetric, base_minimum, resamples)
    used = _cuts(ratings, cuts)
    ends = _ends(ratings, used)
    kept, left_out = _kept(ratings, used, ends, base_minimum)
    columns = _columns(ratings, ends, kept)
    line = fit(columns, ratings.outcome, ratings.design)
    drawn = slopes_drawn(ratings.outcome, columns, ratings.design, resamples, seed)[0][: 2 * len(kept)]
    every = _table(kept, ratings, ends, line, drawn, level=level, negligible=least, symmetric=symmetric)
    main, left_out = _told(every, left_out)
    facts = {"outcome": outcome, "level": level, "negligible": least, "unit": ratings.unit}
    return PenaltyReward(
        table=main,
        keys=("driver", "reason"),
        estimate_column="asymmetry",
        tables={"left_out": left_out},
        n_used=len(ratings.outcome),
        n_dropped=ratings.dropped,
        settings={
            "outcome": outcome, "outcome_type": outcome_type, "drivers": drivers, "cuts": used,
            "weights": weights if np.ptp(ratings.weights) > 0 else None, "strata": strata, "cluster": cluster,
            "controls": controls, "not_applicable": not_applicable, "negligible": least,
            "symmetric": symmetric, "base_minimum": base_minimum, "resamples": resamples, "level": level,
            "seed": seed, "n_eff": effective_n(ratings.weights),
            "interval_penalty": "robust, HC3", "interval_asymmetry": "percentile bootstrap",
        },
        claims=_claims(main, facts, used, ratings.scales),
        negligible=least,
    )  # fmt: skip


def _cuts(ratings: Ratings, cuts: Cuts) -> dict[str, tuple[float, float]]:
    """Return low and high of each driver that has them: given, else usual for its scale."""
    given = (
        dict(cuts) if isinstance(cuts, Mapping) else dict.fromkeys(ratings.names if len(cuts) else (), cuts)
    )
    unknown = [name for name in given if name not in ratings.names]
    if unknown:
        raise AnalysisError(
            "cuts name {names}, which are not among the drivers; they are {drivers}",
            names=", ".join(map(str, unknown)),
            drivers=", ".join(ratings.names),
        )
    used, wrong = {}, []
    for name in ratings.names:
        cut = given.get(name) or USUAL.get(ratings.scales.get(name, (0.0, 0.0)))
        if cut is None:
            continue
        if len(cut) != 2 or not cut[0] < cut[1]:
            wrong.append(name)
        used[name] = (float(cut[0]), float(cut[-1]))
    if wrong:
        raise AnalysisError(
            "cuts are a low and a high rating, the low one first, and are not for {drivers}; on a scale of "
            "1 to 7: [3, 6]",
            drivers=", ".join(wrong),
        )
    return used


def _check_numbers(negligible: float, symmetric: float, base_minimum: int, resamples: int) -> None:
    check_numbers(
        ("negligible", negligible, lambda v: v > 0, Message("a number above zero, in units of the outcome")),
        ("symmetric", symmetric, lambda v: 0 <= v < 1, Message("a number from 0 to under 1")),
        ("base_minimum", base_minimum, lambda v: whole_from(v, 2), Message("a whole number, 2 or more")),
        (
            "resamples", resamples, lambda v: v == 0 or whole_from(v, FEWEST_RESAMPLES),
            Message("0 for no bootstrap, or 1000"),
        ),
    )  # fmt: skip


def _spread(ratings: Ratings) -> float:
    share = ratings.weights / ratings.weights.sum()
    centred = ratings.outcome - share @ ratings.outcome
    return float(np.sqrt(share @ centred**2))


def _ends(ratings: Ratings, cuts: Mapping[str, tuple[float, float]]) -> Array:
    """Tell who rated each driver low and high, (2, n, drivers)."""
    given = np.where(ratings.rated, ratings.drivers + ratings.means, np.nan)
    nowhere = (-np.inf, np.inf)
    low, high = np.array([cuts.get(name, nowhere) for name in ratings.names]).T
    # Ratings come back from their mean with the rounding of a subtraction.
    return np.array([given <= low + 1e-9, given >= high - 1e-9])


def _kept(
    ratings: Ratings, cuts: Mapping[str, Any], ends: Array, base_minimum: int
) -> tuple[list[int], pd.DataFrame]:
    """Return the drivers that have enough low and high ratings, and the others with their bases."""
    low, high = ends.sum(axis=1)
    between = ratings.rated.sum(axis=0) - low - high
    ends_known = (low >= base_minimum) & (high >= base_minimum)
    enough = ends_known & (between >= base_minimum)
    few = Message("fewer than {n} low or high ratings", n=base_minimum)
    # Without a reference low and high are one contrast, and what it is of each cannot be told.
    beside = Message("fewer than {n} ratings between low and high", n=base_minimum)
    uncut = Message("no cut: declare its scale in client.yaml, or give `cuts`")
    left = np.flatnonzero(~enough)
    left_out = pd.DataFrame(
        {
            "driver": [ratings.names[at] for at in left],
            "n_low": low[left],
            "n_high": high[left],
            "reason": [
                uncut if ratings.names[at] not in cuts else beside if ends_known[at] else few for at in left
            ],
        }
    )
    smallest = left_out[["n_low", "n_high"]].min(axis=1)
    # A count of 1 to 9 may not be shown; none at all gives nobody away.
    return np.flatnonzero(enough).tolist(), left_out.assign(
        flag=flags(smallest.where(smallest > 0, LOW_BASE))
    )


def _told(table: pd.DataFrame, left_out: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Put the drivers whose penalty and reward other columns determine among those left out."""
    untold = table["penalty"].isna()
    if not untold.any():
        return table, left_out
    rows = table.loc[untold, ["driver", "n_low", "n_high", "flag"]].assign(reason=DETERMINED)
    left_out = pd.concat([left_out, rows[left_out.columns]], ignore_index=True)
    return table[~untold].reset_index(drop=True), left_out


def _columns(ratings: Ratings, ends: Array, kept: list[int]) -> Array:
    """Low and high of the kept drivers, then the ratings of the others, then the controls."""
    others = [at for at in range(len(ratings.names)) if at not in kept]
    return np.column_stack(
        [ends[0][:, kept], ends[1][:, kept], ratings.drivers[:, others], ratings.controls]
    ).astype(float)


def _table(
    kept: list[int],
    ratings: Ratings,
    ends: Array,
    line: Fit,
    drawn: Array,
    *,
    level: float,
    negligible: float,
    symmetric: float,
) -> pd.DataFrame:
    count = len(kept)
    error = np.sqrt(np.diag(line.covariance))[: 2 * count]
    reach = t_quantile(level, line.df) * error
    told = line.estimable[:count] & line.estimable[count : 2 * count]
    penalty, reward = (
        np.where(told, each, np.nan)
        for each in (-line.coefficients[:count], line.coefficients[count : 2 * count])
    )
    asymmetry, low, high = _asymmetry(penalty, reward, drawn, level)
    against = np.minimum(penalty + reach[:count], reward + reach[count:]) < -negligible
    asymmetry, low, high = (np.where(against, np.nan, each) for each in (asymmetry, low, high))
    spoken = ~np.isnan(low)
    kind = np.select(
        [
            against,
            spoken & (high < -symmetric),
            spoken & (low > symmetric),
            spoken & (low >= -symmetric) & (high <= symmetric),
        ],
        ["against", "must_be", "attractive", "symmetric"],
        "open",
    )
    n = ratings.rated[:, kept].sum(axis=0)
    cells = ends[:, :, kept].sum(axis=1)
    table = pd.DataFrame(
        {
            "driver": [ratings.names[at] for at in kept],
            "penalty": penalty,
            "penalty_low": penalty - reach[:count],
            "penalty_high": penalty + reach[:count],
            "reward": reward,
            "reward_low": reward - reach[count:],
            "reward_high": reward + reach[count:],
            "asymmetry": asymmetry,
            "conf_low": low,
            "conf_high": high,
            "kind": kind,
            "p_no_reward": _equivalence(reward, error[count:], negligible, line.df),
            "n_low": cells[0],
            "n_high": cells[1],
            "n": n,
            "n_eff": [effective_n(ratings.weights[ratings.rated[:, at]]) for at in kept],
            "flag": flags(np.minimum(cells.min(axis=0), n - cells.sum(axis=0))),
        }
    )
    return table.sort_values("penalty", ascending=False, kind="stable", ignore_index=True)


def _asymmetry(penalty: Array, reward: Array, drawn: Array, level: float) -> tuple[Array, Array, Array]:
    """Return asymmetry and its limits, missing where penalty and reward together may be nothing."""
    count = len(penalty)
    value = _ratio(penalty, reward)
    if not drawn.shape[1]:
        return value, np.full(count, np.nan), np.full(count, np.nan)
    lost, won = -drawn[:count], drawn[count:]
    tail = (1 - level) / 2
    some = np.quantile(lost + won, tail, axis=1) > 0
    ratio = np.nan_to_num(_ratio(lost, won))
    low, high = np.quantile(ratio, [tail, 1 - tail], axis=1)
    return (np.where(some, each, np.nan) for each in (value, low, high))  # type: ignore[return-value]


def _ratio(penalty: Array, reward: Array) -> Array:
    lost, won = np.maximum(penalty, 0.0), np.maximum(reward, 0.0)
    both = lost + won
    return np.asarray(np.divide(won - lost, both, out=np.full_like(both, np.nan), where=both > 0))


def _equivalence(reward: Array, error: Array, negligible: float, df: float) -> Array:
    """P-value of two one-sided tests that a reward lies within plus or minus `negligible`."""
    nearest = negligible - np.abs(reward)
    return np.asarray(stats.t.sf(nearest / error, df))


def _claims(
    table: pd.DataFrame,
    facts: Mapping[str, Any],
    cuts: Mapping[str, tuple[float, float]],
    scales: Mapping[str, Sequence[float]],
) -> tuple[Claim, ...]:
    """State the must-be and the attractive drivers, or that no kind can be told."""
    caveats = ("association_not_cause",)
    claims = []
    for row in records(table):
        if row["kind"] not in ("must_be", "attractive") or row["flag"] == "suppressed":
            continue
        side = "penalty" if row["kind"] == "must_be" else "reward"
        fields = {
            **facts, "driver": row["driver"], "estimate": row[side],
            "conf_low": row[f"{side}_low"], "conf_high": row[f"{side}_high"],
            "low": cuts[row["driver"]][0], "high": cuts[row["driver"]][1],
            "scale": list(scales.get(row["driver"], ())),
            "no_reward": bool(row["p_no_reward"] <= 1 - facts["level"]), "n": int(row["n"]),
        }  # fmt: skip
        claims.append(Claim(f"drivers.{row['kind']}", fields, "C", caveats))
    if claims or not len(table):
        return tuple(claims)
    fields = {**facts, "drivers": len(table), "n": int(table["n"].min())}
    return (Claim("drivers.kinds_open", fields, "C", caveats),)
