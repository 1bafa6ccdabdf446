"""Importance against performance: what weighs much and is rated low, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from cxlab.analysis.columns import records
from cxlab.analysis.drivers.shares import DriverImportance
from cxlab.analysis.estimates import Claim, Result, check_level
from cxlab.analysis.scales import ends_of
from cxlab.errors import AnalysisError, Message

Array = np.ndarray[Any, Any]
Importance = Literal["share", "coefficient"]

# By whether importance and performance reach the crosshair.
QUADRANTS = ("concentrate", "keep", "low_priority", "overkill")


@dataclass(frozen=True, eq=False, kw_only=True)
class Priorities(Result):
    """Drivers by importance and performance; `importance_line`, `performance_line` are the crosshair."""

    importance_line: float
    performance_line: float


def importance_performance(
    result: DriverImportance,
    *,
    importance: Importance = "share",
    target: float | None = None,
    scales: Mapping[str, Sequence[float]] | None = None,
    level: float | None = None,
) -> Priorities:
    r"""Set importance against performance: what to look at first.

    Parameters
    ----------
    result : DriverImportance
        Importance and performance vary together in the samples of its bootstrap; without one there are
        neither intervals nor probabilities.
    importance : {"share", "coefficient"}
        Share of what the drivers explain, or outcome units per scale unit of the driver (single drivers).
    target : float, optional
        Performance, 0 to 100, that counts as high; the mean of the drivers by default.
    scales : mapping of str to (lowest, highest), optional
        Ends of the drivers' scales as the questionnaire has them; those declared in client.yaml by default.
    level : float, optional
        Probability from which a quadrant is stated; that of `result` by default.

    Returns
    -------
    Priorities
        ``table``, in the order of `result`: driver, the importance (``share`` or ``coefficient``) with
        conf_low, conf_high; performance (0 to 100, among those who rated) with performance_low,
        performance_high; quadrant, p_quadrant (share of the bootstrap samples that agree), p_concentrate
        (share in which it weighs more than the mean and is rated under the line); n, n_eff, flag.
        ``tables["left_out"]``: driver, reason, of the drivers whose scale nobody declared.

    Raises
    ------
    AnalysisError
        With an unknown kind of importance, without any coefficient, or with a target outside 0 to 100.

    Notes
    -----
    :math:`performance = 100 (mean - lowest) / (highest - lowest)` with the ends of the questionnaire's scale:
    those that happen to occur would make a scale of everything. Both lines are computed anew in each
    sample, so that their own uncertainty counts.

    References
    ----------
    Martilla & James (1977), doi:10.1177/002224297704100112; Ringle & Sarstedt (2016),
    doi:10.1108/IMDS-10-2015-0449.

    Examples
    --------
    >>> from cxlab.analysis.drivers import importance
    >>> rng = np.random.default_rng(0)
    >>> answers = pd.DataFrame({"ease": rng.integers(1, 5, 400), "price": rng.integers(4, 8, 400)})
    >>> answers["overall"] = 2 * answers["ease"] + answers["price"] + rng.normal(size=400)
    >>> found = importance(answers, "overall", ["ease", "price"], resamples=200)
    >>> priorities = importance_performance(found, scales={"ease": (1, 7), "price": (1, 7)})
    >>> priorities.table[["driver", "quadrant", "p_quadrant"]].values.tolist()
    [['ease', 'concentrate', 1.0], ['price', 'overkill', 1.0]]
    """
    level = _checked(result, importance, target, level)
    names = [name for members in result.draws.blocks.values() for name in members]
    ends = ends_of(names, {**result.settings["scales"], **(scales or {})})
    own, rows, left_out = _rows(result, importance, ends)
    draws = result.draws
    value = own[importance].to_numpy(dtype=float)
    performance = _performance(draws.mean[:, None], rows, ends)[:, 0]
    drawn_performance = _performance(draws.means, rows, ends)
    drawn_value = draws.shares if importance == "share" else draws.coefficients
    drawn_value = drawn_value[[row.place if importance == "share" else row.members[0] for row in rows]]
    place = _places(value[:, None], performance[:, None], target)[:, 0]
    agreed = _chances(_places(drawn_value, drawn_performance, target), place)
    tail = (1 - level) / 2
    limits = ("conf_low", "conf_high") if importance == "share" else ("coefficient_low", "coefficient_high")
    low, high = _quantiles(drawn_performance, (tail, 1 - tail))
    table = pd.DataFrame(
        {
            "driver": own["driver"].to_numpy(),
            importance: value,
            "conf_low": own[limits[0]].to_numpy(),
            "conf_high": own[limits[1]].to_numpy(),
            "performance": performance,
            "performance_low": low,
            "performance_high": high,
            "quadrant": [QUADRANTS[at] for at in place],
            "p_quadrant": agreed[0],
            "p_concentrate": agreed[1],
            "n": own["n"].to_numpy(),
            "n_eff": own["n_eff"].to_numpy(),
            "flag": own["flag"].to_numpy(),
        }
    )
    facts = {"outcome": result.settings["outcome"], "level": level}
    mean = float(performance.mean()) if len(performance) else np.nan
    return Priorities(
        table=table,
        keys=("driver", "quadrant"),
        estimate_column=importance,
        tables={"left_out": left_out},
        n_used=result.n_used,
        n_dropped=result.n_dropped,
        settings={**result.settings, "importance": importance, "target": target, "level": level},
        claims=_claims(table, facts, importance, _standing(result)),
        importance_line=float(value.mean()) if len(value) else np.nan,
        performance_line=mean if target is None else float(target),
    )


@dataclass(frozen=True, slots=True)
class _Row:
    """One driver or group: its place among the blocks, and those of its members among the drivers."""

    place: int
    members: list[int]


def _checked(result: DriverImportance, importance: str, target: float | None, level: float | None) -> float:
    if importance not in get_args(Importance):
        raise AnalysisError(
            "{name} is {given!r}; allowed: {allowed}",
            name="importance",
            given=importance,
            allowed=", ".join(get_args(Importance)),
        )
    number = isinstance(target, int | float | np.number)
    if target is not None and not (number and 0 < target < 100):
        raise AnalysisError(
            "target is {target}; give a performance between 0 and 100, or none for the mean", target=target
        )
    level = float(result.settings["level"]) if level is None else level
    check_level(level)
    return level


def _rows(
    result: DriverImportance, importance: str, ends: Array
) -> tuple[pd.DataFrame, list[_Row], pd.DataFrame]:
    """Return the rows that have importance and performance, where their draws are, and the others.

    A group has no coefficient; a driver without a declared scale has no performance.
    """
    cuts = np.cumsum([0, *(len(members) for members in result.draws.blocks.values())]).tolist()
    where = {
        name: _Row(place, list(range(*cuts[place : place + 2])))
        for place, name in enumerate(result.draws.blocks)
    }
    own = result.table[result.table[importance].notna()]
    if own.empty:
        raise AnalysisError("no driver has a coefficient; use importance='share'")
    known = np.array([not np.isnan(ends[where[name].members]).any() for name in own["driver"]], dtype=bool)
    left_out = own.loc[~known, ["driver"]].assign(
        reason=Message("no scale declared: add it to `scales:` in client.yaml")
    )
    own = own[known]
    return own, [where[name] for name in own["driver"]], left_out.reset_index(drop=True)


def _performance(means: Array, rows: Sequence[_Row], ends: Array) -> Array:
    """Rescale mean ratings (drivers, replicates) to 0-100; a group has the mean of its members."""
    scaled = 100 * (means - ends[:, :1]) / (ends[:, 1:] - ends[:, :1])
    return np.array([scaled[row.members].mean(axis=0) for row in rows]).reshape(len(rows), means.shape[1])


def _quantiles(drawn: Array, at: tuple[float, float]) -> tuple[Array, Array]:
    """Return two quantiles over the samples, missing without samples."""
    if not drawn.size:
        return np.full(len(drawn), np.nan), np.full(len(drawn), np.nan)
    low, high = np.quantile(drawn, at, axis=1)
    return low, high


def _chances(drawn: Array, place: Array) -> tuple[Array, Array]:
    """Return the share of samples in each own quadrant, and in the first; missing without samples."""
    if not drawn.size:
        return np.full(len(place), np.nan), np.full(len(place), np.nan)
    return (drawn == place[:, None]).mean(axis=1), (drawn == 0).mean(axis=1)


def _places(importance: Array, performance: Array, target: float | None) -> Array:
    """Return the number of the quadrant of each driver in each replicate, (drivers, replicates)."""
    if not len(importance):
        return np.empty(importance.shape, dtype=int)
    line = performance.mean(axis=0) if target is None else target
    heavy, well = importance >= importance.mean(axis=0), performance >= line
    return np.where(heavy, np.where(well, 1, 0), np.where(well, 3, 2))


def _standing(result: DriverImportance) -> set[str]:
    """Return the drivers whose effect can be told from noise: no other may be called heavy."""
    return {claim.fields["driver"] for claim in result.claims if claim.code == "drivers.top"}


def _claims(
    table: pd.DataFrame, facts: Mapping[str, Any], importance: str, standing: set[str]
) -> tuple[Claim, ...]:
    """State the drivers that are surely heavy and low, or that none is; nothing without a bootstrap."""
    caveats = ("association_not_cause",)
    if not table["p_concentrate"].notna().any():
        return ()
    sure = [
        row for row in records(table) if row["p_concentrate"] >= facts["level"] and row["driver"] in standing
    ]
    if not sure:
        told = table[table["driver"].isin(standing)]
        nearest = told if told["p_concentrate"].notna().any() else table
        likeliest = nearest.loc[nearest["p_concentrate"].idxmax()]
        fields = {
            **facts, "driver": likeliest["driver"], "probability": float(likeliest["p_concentrate"]),
            "standing": likeliest["driver"] in standing,
            "drivers": len(table), "n": int(table["n"].min()),
        }  # fmt: skip
        return (Claim("drivers.no_priority", fields, "C", caveats),)
    return tuple(
        Claim(
            "drivers.priority",
            {
                **facts, "driver": row["driver"], "estimate": row["performance"],
                "conf_low": row["performance_low"], "conf_high": row["performance_high"],
                "unit": "points", "importance": row[importance], "probability": row["p_concentrate"],
                "n": int(row["n"]),
            },
            "C",
            caveats,
        )
        for row in sure
    )  # fmt: skip
