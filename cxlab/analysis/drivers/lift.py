"""What if everyone at or below a rating rated one point more: the change that would go with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from cxlab.analysis.columns import named, records
from cxlab.analysis.drivers.asymmetry import DETERMINED, USUAL
from cxlab.analysis.drivers.moments import slopes_drawn
from cxlab.analysis.drivers.outcomes import OutcomeType
from cxlab.analysis.drivers.ratings import NotApplicable, Ratings, rated
from cxlab.analysis.drivers.regression import Fit, fit
from cxlab.analysis.drivers.shares import check_options
from cxlab.analysis.estimates import (
    LOW_BASE,
    Claim,
    Result,
    adjusted,
    check_level,
    check_seed,
    effective_n,
    flags,
    stated,
)
from cxlab.errors import AnalysisError, Message

Array = np.ndarray[Any, Any]
AtMost = float | Mapping[str, float] | None
Shape = Literal["linear", "bent"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Lift(Result):
    """The change of an outcome that goes with one point more for low ratings; see `lift`."""


def lift(
    table: pd.DataFrame,
    outcome: str,
    drivers: Sequence[str],
    *,
    at_most: AtMost = None,
    shape: Shape = "bent",
    outcome_type: OutcomeType = "numeric",
    weights: str | None = None,
    strata: str | None = None,
    cluster: str | None = None,
    controls: Sequence[str] = (),
    not_applicable: NotApplicable = "indicator",
    min_rated: int = LOW_BASE,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Lift:
    r"""Estimate what would go with one point more from everyone who rates a driver low: which to lift first.

    Parameters
    ----------
    table, outcome, drivers, outcome_type, weights, strata, cluster, controls
        As in `cxlab.analysis.drivers.importance`.
    not_applicable, min_rated, resamples, level, seed
        As there.
    at_most : float or mapping of str to float, optional
        Ratings of at most this are moved up by one. Where none is given, the low rating usual for the
        declared scale: 3 of 1 to 7, 2 of 1 to 5, 6 of 0 or 1 to 10.
    shape : {"linear", "bent"}
        ``linear``: a point goes with as much everywhere on the scale. ``bent``: it may go with more, or less,
        up to the rating that is moved into than above it, so that only the lower part of the scale tells.

    Returns
    -------
    Lift
        ``table``, the largest change first: driver, at_most, moved (share of all respondents), n_moved,
        coefficient (of a point, below the bend if there is one), change (of the mean outcome over all
        respondents, outcome units) with std_error, conf_low, conf_high, told (whether it can be told from
        none, Holm), change_users (among those who rated it) with change_users_low, change_users_high
        (percentile bootstrap of coefficient and of who is moved together), p_bend (small where a point does
        not go with as much below as above; Holm), n, n_eff (of those who rated), flag (by n_moved).
        ``tables``: tests (Wald test of the coefficient, Holm over the drivers), left_out (driver, reason: no
        cut is known, nobody rated it so low, or other columns determine it).

    Raises
    ------
    AnalysisError
        As `importance`; and for cuts that are no numbers, of no driver, or at the top of their scale.

    Notes
    -----
    :math:`change_j = b_j \sum_{i: x_{ij} \le k_j} w_i / \sum_i w_i`. Whoever did not rate a driver is not
    moved by it. The coefficient is that of all drivers together: the others are held fixed, which in life
    they are not. It is association: what goes with a point, not what a point would bring.

    References
    ----------
    Rao & Wu (1988), doi:10.1080/01621459.1988.10478591; MacKinnon & White (1985),
    doi:10.1016/0304-4076(85)90158-7.

    Examples
    --------
    >>> answers = pd.DataFrame({"ease": [1.0, 2, 3, 4, 5, 2, 4, 5] * 2,
    ...                         "price": [3.0, 5, 1, 4, 2, 2, 5, 4] * 2})
    >>> answers["overall"] = 2 * answers["ease"] + answers["price"]
    >>> found = lift(answers, "overall", ["ease", "price"], at_most=2, resamples=0)
    >>> found.table[["driver", "n_moved", "change"]].round(3).values.tolist()
    [['ease', 6, 0.75], ['price', 6, 0.375]]
    """
    check_level(level)
    check_seed(seed)
    check_options("lmg", not_applicable, resamples, min_rated)
    if shape not in get_args(Shape):
        raise AnalysisError(
            "{name} is {given!r}; allowed: {allowed}",
            name="shape",
            given=shape,
            allowed=", ".join(get_args(Shape)),
        )
    drivers, controls = named(drivers), named(controls)
    ratings = rated(
        table, outcome, drivers, outcome_type=outcome_type, controls=controls, weights=weights,
        strata=strata, cluster=cluster, not_applicable=not_applicable, min_rated=min_rated,
    )  # fmt: skip
    cuts = _cuts(ratings, at_most)
    moved = _moved(ratings, cuts)
    kept = np.flatnonzero(moved.any(axis=0)).tolist()
    bends = _bends(ratings, cuts, kept)
    straight = np.column_stack([ratings.drivers, ratings.controls])
    bent = np.column_stack([ratings.drivers, bends, ratings.controls])
    columns = straight if shape == "linear" else bent
    line, curve = (fit(each, ratings.outcome, ratings.design) for each in (columns, bent))
    drawn = _drawn(columns, ratings, moved, resamples, seed)
    main = _table(ratings, cuts, kept, moved, line, drawn, level)
    p_bend = curve.p_values([[len(drivers) + at] for at in range(len(kept))])
    main.insert(list(main.columns).index("n"), "p_bend", adjusted(p_bend, "holm"))
    told = main["coefficient"].notna()
    main = main[told].reset_index(drop=True)
    p_value = line.p_values([[at] for at in kept])[told.to_numpy()]
    tests = pd.DataFrame(
        {
            "hypothesis": [f"lift {name}" for name in main["driver"]],
            "driver": main["driver"],
            "p_value": p_value,
            "p_adjusted": adjusted(p_value, "holm"),
        }
    )
    stands = (tests["p_adjusted"] <= 1 - level) & (main["conf_low"] * main["conf_high"] > 0)
    main.insert(list(main.columns).index("change_users"), "told", stands)
    main = main.sort_values("change", ascending=False, kind="stable", ignore_index=True)
    facts = {"outcome": outcome, "level": level, "unit": ratings.unit}
    claims, otherwise = _claims(main, tests, facts, shape)
    return Lift(
        table=main,
        keys=("driver", "at_most", "reason"),
        estimate_column="change",
        tables={"tests": tests, "left_out": _left_out(ratings, cuts, moved, main)},
        n_used=len(ratings.outcome),
        n_dropped=ratings.dropped,
        settings={
            "outcome": outcome, "outcome_type": outcome_type, "unit_coefficient": ratings.unit,
            "drivers": drivers, "at_most": cuts, "shape": shape,
            "weights": weights if np.ptp(ratings.weights) > 0 else None, "strata": strata, "cluster": cluster,
            "controls": controls, "not_applicable": not_applicable, "min_rated": min_rated,
            "resamples": resamples, "level": level, "seed": seed, "n_eff": effective_n(ratings.weights),
            "interval_change": "percentile bootstrap",
        },
        claims=claims,
        otherwise=otherwise,
    )  # fmt: skip


def _cuts(ratings: Ratings, at_most: AtMost) -> dict[str, float]:
    """Return the cut of each driver that has one: given, else usual for its scale."""
    given = dict(at_most) if isinstance(at_most, Mapping) else {}
    if at_most is not None and not isinstance(at_most, Mapping):
        given = dict.fromkeys(ratings.names, at_most)
    unknown = [name for name in given if name not in ratings.names]
    if unknown:
        raise AnalysisError(
            "at_most names {names}, which are not among the drivers; they are {drivers}",
            names=", ".join(map(str, unknown)),
            drivers=", ".join(ratings.names),
        )
    cuts: dict[str, float] = {}
    wrong = []
    for name in ratings.names:
        usual = USUAL.get(ratings.scales.get(name, (0.0, 0.0)))
        cut = given.get(name, usual[0] if usual else None)
        if cut is None:
            continue
        top = ratings.scales.get(name, (0.0, np.inf))[1]
        number = isinstance(cut, int | float | np.number) and not isinstance(cut, bool)
        if not number or not np.isfinite(cut) or cut + 1 > top:
            wrong.append(name)
            continue
        cuts[name] = float(cut)
    if wrong:
        raise AnalysisError(
            "at_most is a rating from which one point more is still on the scale, and is not for {drivers}; "
            "on a scale of 1 to 7: 3",
            drivers=", ".join(wrong),
        )
    return cuts


def _given(ratings: Ratings) -> Array:
    """Return the ratings as given, (n, drivers); missing where not rated."""
    return np.where(ratings.rated, ratings.drivers + ratings.means, np.nan)


def _moved(ratings: Ratings, cuts: Mapping[str, float]) -> Array:
    """Tell who is moved by each driver, (n, drivers)."""
    cut = np.array([cuts.get(name, -np.inf) for name in ratings.names])
    # Ratings come back from their mean with the rounding of a subtraction.
    return np.asarray(_given(ratings) <= cut + 1e-9)


def _bends(ratings: Ratings, cuts: Mapping[str, float], kept: Sequence[int]) -> Array:
    """Return how far each rating lies above the one that low ratings are moved into, 0 where not rated."""
    given = _given(ratings)[:, list(kept)]
    above = np.maximum(given - np.array([cuts[ratings.names[at]] + 1 for at in kept]), 0.0)
    weights = ratings.weights[:, None] * ratings.rated[:, list(kept)]
    filled = np.where(np.isnan(above), 0.0, above)
    means = (weights * filled).sum(axis=0) / weights.sum(axis=0)
    return np.asarray(np.where(np.isnan(above), 0.0, above - means))


@dataclass(frozen=True, slots=True, eq=False)
class _Draws:
    """Coefficients, share moved and share that rated in bootstrap samples, each (drivers, resamples)."""

    coefficients: Array
    moved: Array
    rated: Array


def _drawn(columns: Array, ratings: Ratings, moved: Array, resamples: int, seed: int) -> _Draws:
    count = len(ratings.names)
    if not resamples:
        none = np.empty((count, 0))
        return _Draws(none, none, none)
    also = np.column_stack([moved, ratings.rated]).astype(float)
    slopes, shares = slopes_drawn(ratings.outcome, columns, ratings.design, resamples, seed, also)
    return _Draws(slopes[:count], shares[:count], shares[count:])


def _table(
    ratings: Ratings,
    cuts: Mapping[str, float],
    kept: list[int],
    moved: Array,
    line: Fit,
    drawn: _Draws,
    level: float,
) -> pd.DataFrame:
    weights = ratings.weights
    share, use = (weights @ who[:, kept] / weights.sum() for who in (moved, ratings.rated))
    slope = np.where(line.estimable[kept], line.coefficients[kept], np.nan)
    all_drawn = drawn.coefficients[kept] * drawn.moved[kept]
    reach = drawn.rated[kept]
    users_drawn = np.divide(all_drawn, reach, out=np.full_like(all_drawn, np.nan), where=reach > 0)
    (low, high), (users_low, users_high) = (_limits(each, level) for each in (all_drawn, users_drawn))
    n_moved = moved[:, kept].sum(axis=0)
    return pd.DataFrame(
        {
            "driver": [ratings.names[at] for at in kept],
            "at_most": [cuts[ratings.names[at]] for at in kept],
            "moved": share,
            "n_moved": n_moved,
            "coefficient": slope,
            "change": slope * share,
            "std_error": all_drawn.std(axis=1, ddof=1) if all_drawn.shape[1] else np.nan,
            "conf_low": low,
            "conf_high": high,
            "change_users": slope * share / use,
            "change_users_low": users_low,
            "change_users_high": users_high,
            "n": ratings.rated[:, kept].sum(axis=0),
            "n_eff": [effective_n(weights[ratings.rated[:, at]]) for at in kept],
            "flag": flags(n_moved),
        }
    )


def _limits(drawn: Array, level: float) -> Array:
    """Return both limits of each driver's draws, (2, drivers), missing without samples."""
    if not drawn.size:
        return np.full((2, len(drawn)), np.nan)
    tail = (1 - level) / 2
    return np.asarray(np.nanquantile(drawn, [tail, 1 - tail], axis=1))


def _left_out(ratings: Ratings, cuts: Mapping[str, float], moved: Array, main: pd.DataFrame) -> pd.DataFrame:
    uncut = Message("no cut: declare its scale in client.yaml, or give `at_most`")
    here = set(main["driver"])
    rows = []
    for name, some in zip(ratings.names, np.any(moved, axis=0), strict=True):
        if name in here:
            continue
        nobody = Message("nobody rated it {cut} or less", cut=f"{cuts[name]:g}") if name in cuts else uncut
        rows.append((name, DETERMINED if some else nobody))
    return pd.DataFrame(rows, columns=["driver", "reason"])


def _claims(
    table: pd.DataFrame, tests: pd.DataFrame, facts: Mapping[str, Any], shape: Shape
) -> tuple[tuple[Claim, ...], tuple[Claim, ...]]:
    """State the largest lift that can be told from none, or that none can; nothing without a bootstrap."""
    shown = table[table["flag"] != "suppressed"]
    if not shown["conf_low"].notna().any():
        return (), ()
    fields = {**facts, "drivers": len(shown), "n": int(shown["n"].min())}
    caveats = ("association_not_cause", "others_held_fixed")
    none = (Claim("drivers.no_lift", fields, "C", caveats),)
    candidates = []
    for row in records(shown):
        if not row["conf_low"] > 0:
            continue
        more = ("straight_line",) if shape == "linear" else ()
        low = ("low_base",) if row["flag"] == "low_base" else ()
        own = {
            **facts, "driver": row["driver"], "at_most": row["at_most"], "moved": row["moved"],
            "estimate": row["change"], "conf_low": row["conf_low"], "conf_high": row["conf_high"],
            "users": row["change_users"], "n_moved": int(row["n_moved"]), "n": int(row["n"]),
            "hypothesis": f"lift {row['driver']}",
        }  # fmt: skip
        candidates.append(Claim("drivers.lift", own, "C", (*caveats, *more, *low), headline=True))
    standing = stated(tests, candidates, (), float(facts["level"]))
    return (standing[:1] or none), none
