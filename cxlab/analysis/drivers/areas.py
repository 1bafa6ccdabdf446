"""What each area of the firm contributes: importance and pain of touchpoints, shared by responsibility.

The question is Praxis's: how does what we do every day in our area contribute to the experience that the
customers have? Two steps answer it. What drives the outcome is added up by touchpoint; each touchpoint is
then shared among the areas that answer for it. The shares of responsibility are somebody's judgement, so
every number comes with the range that other judgements near it would give.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.drivers.area_statements import nothing, of_area, stated_of
from cxlab.analysis.drivers.attribution import Drawn, Parts, limits
from cxlab.analysis.drivers.blocks import repeated
from cxlab.analysis.drivers.draws import rank_sets
from cxlab.analysis.drivers.responsibility import NOBODY, Responsibility, responsibility_of
from cxlab.analysis.drivers.shares import DriverImportance
from cxlab.analysis.estimates import (
    Result,
    check_columns,
    check_level,
    check_numbers,
    check_seed,
    flags,
    whole_from,
)
from cxlab.analysis.scales import ends_of
from cxlab.errors import AnalysisError, Message

Array = np.ndarray[Any, Any]

_LEFT_OUT = ("driver", "touchpoint_id", "reason")
_FEWEST = 200  # draws under which a range says more of the draws than of the areas


@dataclass(frozen=True, eq=False, kw_only=True)
class Areas(Result):
    """Contribution and pain of the areas; see `areas` for the columns."""


@dataclass(frozen=True, eq=False, kw_only=True)
class AreaCard(Result):
    """The touchpoints that one area answers for; see `area_card` for the columns."""


def areas(
    result: DriverImportance,
    items: pd.DataFrame,
    responsibility: pd.DataFrame,
    *,
    known: pd.DataFrame | None = None,
    target: float = 100.0,
    scales: Mapping[str, Sequence[float]] | None = None,
    concentration: float = 20.0,
    draws: int = 400,
    level: float | None = None,
    seed: int = 0,
) -> Areas:
    r"""Share what drives an outcome among the areas that answer for it: who makes which part of it.

    Parameters
    ----------
    result : DriverImportance
        Of single drivers. Its bootstrap draws enter the ranges; without one they are of responsibility only.
    items : DataFrame
        The canonical table ``items``: item_id, touchpoint_id. Several drivers may have one touchpoint.
    responsibility : DataFrame
        The canonical table ``area_touchpoint``: area_id, touchpoint_id, responsibility_share (0 to 1). Where
        those of a touchpoint add up to less than one, the rest is nobody's; where to more, they are divided
        by their sum; both are told.
    known : DataFrame, optional
        The canonical table ``areas``: area_id, kind (front, back, supplier); an area without any
        responsibility then has a row too.
    target : float
        Performance, 0 to 100, from which there is no gap.
    scales : mapping of str to (lowest, highest), optional
        Ends of the drivers' scales; those declared in client.yaml by default.
    concentration : float
        Of the Dirichlet distribution around each touchpoint's shares: the higher, the surer the judgement.
        At 20 a share of one half moves between about 0.3 and 0.7.
    draws : int
        Perturbed matrices of responsibility, at least 200, each with one bootstrap draw of the importance.
    level : float, optional
        Share of the draws that a range holds; that of `result` by default.
    seed : int
        Of the perturbation.

    Returns
    -------
    Areas
        ``table``, the largest pain first: area_id, kind, touchpoints (how many it answers for), contribution
        (share of what the drivers explain), contribution_low, contribution_high, pain (share of all pain)
        with conf_low, conf_high, rank, rank_low, rank_high (places by pain that the draws allow, together),
        p_first (share of the draws in which its pain is the largest), n (least raters of a driver it answers
        for), flag. What nobody answers for is the row ``nobody``. ``tables``: moments (see `area_card`),
        unsummed (touchpoint_id, responsibility, advice), left_out (driver, touchpoint_id, reason).

    Raises
    ------
    AnalysisError
        For groups of drivers, missing columns, shares that are no share, areas that stand twice at a
        touchpoint, no driver with a touchpoint, and numbers out of range.

    Notes
    -----
    :math:`contribution_a = \sum_t r_{ta} \sum_{d \in t} s_d`, with :math:`r_{ta}` the responsibility of the
    area a at the touchpoint t and :math:`s_d` the share of the driver d;
    :math:`pain_a = \sum_t r_{ta} \sum_{d \in t} s_d \max(target - performance_d, 0)` over the same sum for
    all areas. Ranges are quantiles over draws of :math:`r_t \sim Dirichlet(concentration \cdot r_t)`
    combined with the bootstrap. They hold what a near judgement would give, not what the truth is:
    attribution is neither effect nor blame.

    References
    ----------
    Groemping (2006), doi:10.18637/jss.v017.i01 (shares of drivers); Mogstad, Romano, Shaikh & Wilhelm
    (2024), doi:10.1093/restud/rdad006 (sets of ranks).

    Examples
    --------
    >>> from cxlab.analysis.drivers import importance
    >>> rng = np.random.default_rng(0)
    >>> answers = pd.DataFrame(rng.integers(1, 8, (600, 2)), columns=["bill", "shop"]).astype(float)
    >>> answers["overall"] = 2 * answers["bill"] + answers["shop"] + rng.normal(size=600)
    >>> answers.attrs["scales"] = {"bill": [1, 7], "shop": [1, 7]}
    >>> found = importance(answers, "overall", ["bill", "shop"], resamples=200)
    >>> items = pd.DataFrame({"item_id": ["bill", "shop"], "touchpoint_id": ["paying", "visit"]})
    >>> shared = pd.DataFrame({"area_id": ["finance", "sales", "sales"],
    ...                        "touchpoint_id": ["paying", "paying", "visit"],
    ...                        "responsibility_share": [0.7, 0.3, 1]})
    >>> areas(found, items, shared).table[["area_id", "pain", "rank_high"]].round(2).values.tolist()
    [['finance', 0.57, 2.0], ['sales', 0.43, 2.0]]
    """
    level = float(result.settings["level"]) if level is None else level
    check_level(level)
    check_seed(seed)
    _check_numbers(result, target, concentration, draws)
    drivers, left_out = _drivers(result, items, {**result.settings["scales"], **(scales or {})})
    shared = responsibility_of(responsibility, list(dict.fromkeys(drivers["touchpoint_id"])), known)
    parts = Parts.of(result, drivers, shared, target)
    drawn = parts.drawn(concentration, draws, np.random.default_rng(seed))
    main = _table(parts, drawn, shared, level)
    moments = _moments(parts, drawn, shared, level)
    facts = {"outcome": result.settings["outcome"], "level": level, "unit": "share"}
    standing = any(claim.code == "drivers.top" for claim in result.claims)
    return Areas(
        table=main,
        keys=("area_id", "touchpoint_id", "driver", "reason"),
        estimate_column="pain",
        tables={
            "moments": moments,
            "unsummed": shared.unsummed,
            "left_out": pd.DataFrame([*left_out, *shared.unasked], columns=_LEFT_OUT),
        },
        n_used=result.n_used,
        n_dropped=result.n_dropped,
        settings={
            "outcome": result.settings["outcome"], "drivers": drivers["driver"].tolist(),
            "weights": result.settings["weights"], "target": target, "concentration": concentration,
            "draws": draws, "level": level, "seed": seed, "resamples": result.settings["resamples"],
            "interval": "quantiles over perturbed responsibilities and bootstrap samples",
        },
        claims=stated_of(main, parts, drawn, facts) if standing else nothing(main, facts),
    )  # fmt: skip


def area_card(result: Areas, area: str = "") -> AreaCard:
    """Return the touchpoints that an area answers for: what is delivered there, and what it weighs.

    Parameters
    ----------
    result : Areas
        Of `areas`.
    area : str
        Code of the area; empty for every area, without claims.

    Returns
    -------
    AreaCard
        ``table``, the largest pain first: area_id, touchpoint_id, responsibility (0 to 1), score (mean rating
        of its drivers, 0 to 100) with score_low, score_high, rated (mean share of respondents who rated
        them), share (of what the drivers explain, the whole touchpoint), contribution (of the area: its part
        of that) with contribution_low, contribution_high, pain (share of all pain that the area carries
        here) with conf_low, conf_high, n, flag.

    Raises
    ------
    AnalysisError
        If there is no such area; those that there are are named.
    """
    names = result.table["area_id"].tolist()
    if area and area not in names:
        raise AnalysisError(
            "there is no area {area!r}; there are: {names}", area=area, names=", ".join(map(str, names))
        )
    table = result.tables["moments"]
    table = table[table["area_id"] == area] if area else table
    return AreaCard(
        table=table.reset_index(drop=True),
        keys=result.keys,
        estimate_column="pain",
        n_used=result.n_used,
        n_dropped=result.n_dropped,
        settings={**result.settings, "area": area},
        claims=of_area(result, area) if area else (),
    )


def _check_numbers(result: DriverImportance, target: float, concentration: float, draws: int) -> None:
    grouped = [name for name, members in result.draws.blocks.items() if members != [name]]
    if grouped:
        raise AnalysisError(
            "areas are made of single drivers, and these are groups: {names}; leave `groups` out",
            names=", ".join(grouped),
        )
    check_numbers(
        ("target", target, lambda v: 0 < v <= 100, Message("a performance above 0, up to 100")),
        ("concentration", concentration, lambda v: 0.1 <= v < np.inf, Message("a number from 0.1, e.g. 20")),
        ("draws", draws, lambda v: whole_from(v, _FEWEST), Message("a whole number, 200 or more")),
    )


def _drivers(
    result: DriverImportance, items: pd.DataFrame, scales: Mapping[str, Sequence[float]]
) -> tuple[pd.DataFrame, list[tuple[Any, ...]]]:
    """Return the drivers that have a touchpoint and a scale, in the order of the draws, and the others."""
    check_columns(items, ["item_id", "touchpoint_id"])
    own_items = items[items["item_id"].isin(list(result.draws.blocks))]
    twice = own_items.drop_duplicates(["item_id", "touchpoint_id"])["item_id"]
    problems = [repeated(str(driver)) for driver in twice[twice.duplicated()].unique()]
    if problems:
        raise AnalysisError("the drivers cannot be put at touchpoints", problems=problems)
    of = dict(zip(items["item_id"].tolist(), items["touchpoint_id"].tolist(), strict=True))
    own = result.table.set_index("driver").loc[list(result.draws.blocks)].reset_index()
    ends = ends_of(own["driver"].tolist(), scales)
    own = own.assign(
        touchpoint_id=pd.Series([of.get(name) for name in own["driver"]], dtype=object),
        place=np.arange(len(own)), lowest=ends[:, 0], highest=ends[:, 1],
    )  # fmt: skip
    nowhere = own["touchpoint_id"].isna() | (own["touchpoint_id"] == "")
    unscaled = own["lowest"].isna() & ~nowhere
    untagged = Message("no touchpoint: complete touchpoint_id in the table items")
    undeclared = Message("no scale declared: add it to `scales:` in client.yaml")
    left_out: list[tuple[Any, ...]] = [(name, None, untagged) for name in own.loc[nowhere, "driver"]]
    left_out += [(name, None, undeclared) for name in own.loc[unscaled, "driver"]]
    kept = own[~nowhere & ~unscaled].reset_index(drop=True)
    if kept.empty:
        raise AnalysisError(
            "no driver has a touchpoint and a scale; complete touchpoint_id in the table items and `scales:` "
            "in client.yaml"
        )
    return kept, left_out


def _table(parts: Parts, drawn: Drawn, shared: Responsibility, level: float) -> pd.DataFrame:
    contribution, pain = (each.sum(axis=0) for each in parts.split(shared.matrix))
    contribution_low, contribution_high = limits(drawn.contribution.sum(axis=0), level)
    pains = drawn.pain.sum(axis=0)
    low, high = limits(pains, level)
    touched = shared.matrix > 0
    raters = (parts.member * parts.drivers["n"].to_numpy(dtype=float)).astype(float)
    fewest = np.where(parts.member > 0, raters, np.inf).min(axis=1)
    n = np.where(touched, fewest[:, None], np.inf).min(axis=0)
    table = pd.DataFrame(
        {
            "area_id": shared.areas,
            "kind": shared.kinds,
            "touchpoints": touched.sum(axis=0),
            "contribution": contribution,
            "contribution_low": contribution_low,
            "contribution_high": contribution_high,
            "pain": pain,
            "conf_low": low,
            "conf_high": high,
            **_ranks(pain, pains, level),
            "n": np.where(np.isinf(n), parts.drivers["n"].max(), n).astype(int),
        }
    )
    table["flag"] = flags(table["n"])
    idle = (table["area_id"] == NOBODY) & (table["touchpoints"] == 0)
    return table[~idle].sort_values("pain", ascending=False, kind="stable", ignore_index=True)


def _ranks(pain: Array, drawn: Array, level: float) -> dict[str, Array]:
    """Places of the areas by pain; nobody, the last, has none."""
    count = len(pain)
    out = {name: np.full(count, np.nan) for name in ("rank", "rank_low", "rank_high", "p_first")}
    real = slice(0, count - 1)
    if count < 2 or np.isnan(drawn).any():
        return out
    out["rank"][real] = pd.Series(-pain[real].round(12)).rank(method="min")
    low, high = rank_sets(pain[real], drawn[real], level) if count > 2 else (np.ones(1), np.ones(1))
    out["rank_low"][real], out["rank_high"][real] = low, high
    out["p_first"][real] = (drawn[real] >= drawn[real].max(axis=0)).mean(axis=1)
    return out


def _moments(parts: Parts, drawn: Drawn, shared: Responsibility, level: float) -> pd.DataFrame:
    """One row for each area and touchpoint that it answers for."""
    contribution, pain = parts.split(shared.matrix)
    weight = parts.weigh(parts.share, parts.performance)[0]
    size = parts.member.sum(axis=1)
    score, rated = (
        parts.member @ values / size
        for values in (parts.performance, parts.drivers["rated"].to_numpy(dtype=float))
    )
    score_low, score_high = limits(drawn.score, level)
    n = np.where(parts.member > 0, parts.drivers["n"].to_numpy(dtype=float), np.inf).min(axis=1).astype(int)
    t, a = np.nonzero(shared.matrix > 0)
    contribution_low, contribution_high = limits(drawn.contribution[t, a], level)
    low, high = limits(drawn.pain[t, a], level)
    table = pd.DataFrame(
        {
            "area_id": np.array(shared.areas, dtype=object)[a],
            "touchpoint_id": np.array(shared.touchpoints, dtype=object)[t],
            "responsibility": shared.matrix[t, a],
            "score": score[t],
            "score_low": score_low[t],
            "score_high": score_high[t],
            "rated": rated[t],
            "share": weight[t],
            "contribution": contribution[t, a],
            "contribution_low": contribution_low,
            "contribution_high": contribution_high,
            "pain": pain[t, a],
            "conf_low": low,
            "conf_high": high,
            "n": n[t],
            "flag": flags(n[t]),
        }
    )
    order = table.groupby("area_id")["pain"].transform("sum")
    ordered = table.assign(order=order).sort_values(
        ["order", "area_id", "pain"], ascending=[False, True, False], kind="stable"
    )
    return ordered.drop(columns="order").reset_index(drop=True)
