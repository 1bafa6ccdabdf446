"""Managers beside customers: what those who decide believe matters, and what weighs for who answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from cxlab.analysis.columns import as_floats, records
from cxlab.analysis.drivers.draws import rank_sets
from cxlab.analysis.drivers.shares import DriverImportance
from cxlab.analysis.estimates import MINIMUM_EMPLOYEES, Claim, Result, check_columns, check_level
from cxlab.errors import AnalysisError, Message, Problem

Array = np.ndarray[Any, Any]

_STATED = 3  # differences put into words; the table has them all
_CAVEATS = ("managers_no_sample", "association_not_cause")


@dataclass(frozen=True, eq=False, kw_only=True)
class Mirror(Result):
    """Places of the drivers for managers and for customers; see `mirror` for the columns."""


def mirror(result: DriverImportance, ranking: pd.DataFrame, *, level: float | None = None) -> Mirror:
    r"""Set the managers' ranking beside that of the customers: do both find that the same matters.

    Parameters
    ----------
    result : DriverImportance
        What weighs for customers. Without a bootstrap the places that it allows are not known.
    ranking : DataFrame (managers x drivers, any)
        The canonical table ``management_ranking``: rater_id, item_id, and rank (1 the first) or points (the
        more the higher). Drivers that a manager did not rank share the places left. Without rows there is
        nothing to compare: the table is empty and one claim says so.
    level : float, optional
        Confidence level of places and correlation; that of `result` by default.

    Returns
    -------
    Mirror
        ``table``, in the order of the customers: driver, share with conf_low, conf_high; rank, rank_low,
        rank_high (customers, among the drivers compared); managers_rank (place by their mean), managers_mean
        and managers_sd (of the places given), managers (how many); places_above (by
        how many managers put it above, below if negative), verdict (above or below every place that the
        customers' answers allow, else inside), n, n_eff, flag (suppressed with fewer than 8 managers).
        ``tables``: orders (check: spearman of both orders with value_low, value_high over the samples of
        customers, and kendall_w of the managers among themselves; value; managers, drivers, flag),
        left_out (driver, reason).

    Raises
    ------
    AnalysisError
        If a column is missing, a manager ranks a driver twice, ranks are no numbers, or fewer than two
        drivers of `result` are ranked.

    Notes
    -----
    Kendall's :math:`W = 12 S / (m^2 (p^3 - p) - m \sum (t^3 - t))`, with S the squared deviations of the
    drivers' rank sums and t the sizes of ties. Managers are all there are, or some: never a sample of
    anything; no test is made of them.

    References
    ----------
    Kendall & Babington Smith (1939), doi:10.1214/aoms/1177732186; Mogstad, Romano, Shaikh & Wilhelm (2024),
    doi:10.1093/restud/rdad006 (sets of ranks).

    Examples
    --------
    >>> from cxlab.analysis.drivers import importance
    >>> rng = np.random.default_rng(0)
    >>> answers = pd.DataFrame(rng.integers(1, 8, (600, 2)), columns=["bill", "shop"]).astype(float)
    >>> answers["overall"] = 2 * answers["bill"] + answers["shop"] + rng.normal(size=600)
    >>> found = importance(answers, "overall", ["bill", "shop"], resamples=200)
    >>> given = pd.DataFrame({"rater_id": list("abcdefgh") * 2, "item_id": ["bill"] * 8 + ["shop"] * 8,
    ...                       "rank": [2.0] * 8 + [1.0] * 8})
    >>> mirror(found, given).table[["driver", "rank", "managers_rank", "verdict"]].values.tolist()
    [['bill', 1, 2, 'below'], ['shop', 2, 1, 'above']]
    """
    level = float(result.settings["level"]) if level is None else level
    check_level(level)
    settings = {**result.settings, "level": level, "minimum": MINIMUM_EMPLOYEES}
    if ranking.empty:
        return Mirror(
            table=pd.DataFrame(),
            keys=("driver",),
            estimate_column="share",
            tables={"orders": pd.DataFrame(), "left_out": pd.DataFrame()},
            settings=settings,
            claims=(Claim("drivers.mirror_none", {}, "D"),),
        )
    order = list(result.draws.blocks)
    given = _given(ranking)
    drivers = [driver for driver in order if driver in given.columns]
    if len(drivers) < 2:
        raise AnalysisError(
            "the managers rank {count} of the drivers, and at least 2 are compared; item_id names them as "
            "the columns of the survey: {drivers}",
            count=len(drivers),
            drivers=", ".join(order),
        )
    places = _places(given[drivers].to_numpy(dtype=float))
    at = [order.index(driver) for driver in drivers]
    own = result.table.set_index("driver").loc[drivers].reset_index()
    table = _table(own, places, result.draws.shares[at], level)
    agreement = _agreement(own, places, result.draws.shares[at], level)
    facts = {"managers": len(places), "drivers": len(drivers), "level": level, "n": int(own["n"].min())}
    return Mirror(
        table=table,
        keys=("driver", "check", "reason"),
        estimate_column="share",
        tables={"orders": agreement, "left_out": _left_out(order, list(given.columns))},
        n_used=result.n_used,
        n_dropped=result.n_dropped,
        settings=settings,
        claims=_claims(table, agreement, facts),
    )


def _given(ranking: pd.DataFrame) -> pd.DataFrame:
    """Return the order given by each manager, the first lowest: a row each, a column for each item."""
    check_columns(ranking, ["rater_id", "item_id"])
    kind = "rank" if "rank" in ranking and ranking["rank"].notna().any() else "points"
    check_columns(ranking, [kind])
    values = as_floats(ranking[kind])
    twice = ranking[ranking.duplicated(["rater_id", "item_id"])]
    problems = []
    if values is None:
        problems.append(
            Problem(
                found=Message("text"), allowed=Message("numbers"),
                action=Message("correct the table management_ranking"), column=kind,
            )
        )  # fmt: skip
    elif np.isinf(values).any():
        problems.append(
            Problem(
                found=Message("an infinite value"), allowed=Message("a finite number"),
                action=Message("correct the table management_ranking"), column=kind,
            )
        )  # fmt: skip
    if len(twice):
        problems.append(
            Problem(
                found=Message("the same driver more than once by one manager"),
                allowed=Message("one row for each manager and driver"),
                action=Message("keep one wave of the table management_ranking"),
                column="item_id",
                row=int(np.flatnonzero(ranking.duplicated(["rater_id", "item_id"]))[0]) + 1,
                count=len(twice),
            )
        )
    if problems or values is None:
        raise AnalysisError("the managers' ranking cannot be used", problems=problems)
    signed = ranking.assign(given=values if kind == "rank" else -values).dropna(subset=["given"])
    return signed.pivot_table(index="rater_id", columns="item_id", values="given", observed=True)


def _places(given: Array) -> Array:
    """Places 1 to p by manager, ties sharing theirs; what was not ranked shares the places left."""
    ranked = given[~np.isnan(given).all(axis=1)]
    return np.asarray(rankdata(np.where(np.isnan(ranked), np.inf, ranked), axis=1))


def _table(own: pd.DataFrame, places: Array, drawn: Array, level: float) -> pd.DataFrame:
    managers, mean = len(places), places.mean(axis=0)
    rank = rankdata(-own["share"].to_numpy(dtype=float).round(12), method="min").astype(int)
    theirs = rankdata(mean.round(12), method="min").astype(int)
    low = high = np.full(len(own), np.nan)
    if drawn.shape[1]:
        low, high = rank_sets(own["share"].to_numpy(dtype=float), drawn, level)
    verdict = np.select([theirs < low, theirs > high, low > 0], ["above", "below", "inside"], "open")
    table = own[["driver", "share", "conf_low", "conf_high"]].assign(
        rank=rank, rank_low=low, rank_high=high, managers_rank=theirs, managers_mean=mean,
        managers_sd=places.std(axis=0, ddof=1) if managers > 1 else np.nan,
        managers=managers, places_above=rank - theirs, verdict=verdict, n=own["n"], n_eff=own["n_eff"],
    )  # fmt: skip
    table["flag"] = np.where(managers < MINIMUM_EMPLOYEES, "suppressed", own["flag"])
    return table.sort_values("share", ascending=False, kind="stable", ignore_index=True)


def _agreement(own: pd.DataFrame, places: Array, drawn: Array, level: float) -> pd.DataFrame:
    mean = places.mean(axis=0)
    value = _spearman(own["share"].to_numpy(dtype=float)[:, None], mean)[0]
    low = high = np.nan
    if drawn.shape[1]:
        low, high = np.quantile(_spearman(drawn, mean), [(1 - level) / 2, (1 + level) / 2])
    return pd.DataFrame(
        {
            "check": ["spearman", "kendall_w"],
            "value": [value, _concordance(places)],
            "value_low": [low, np.nan],
            "value_high": [high, np.nan],
            "managers": len(places),
            "drivers": len(own),
            "flag": "suppressed" if len(places) < MINIMUM_EMPLOYEES else "ok",
        }
    )


def _spearman(shares: Array, mean: Array) -> Array:
    """Correlation of ranks between shares (drivers, replicates) and the managers' mean places (drivers,)."""
    one, other = rankdata(-shares, axis=0), rankdata(mean)[:, None]
    one, other = one - one.mean(axis=0), other - other.mean()
    scale = np.sqrt((one**2).sum(axis=0) * (other**2).sum())
    return np.asarray((one * other).sum(axis=0) / np.where(scale > 0, scale, np.nan))


def _concordance(places: Array) -> float:
    """Kendall's W of places (managers, drivers), corrected for ties; missing for one manager."""
    m, p = places.shape
    ties = sum(float((np.unique(row, return_counts=True)[1] ** 3.0).sum() - p) for row in places)
    spread = 12 * ((places.sum(axis=0) - m * (p + 1) / 2) ** 2).sum()
    most = m**2 * (p**3 - p) - m * ties
    return float(spread / most) if m > 1 and most > 0 else float("nan")


def _left_out(drivers: list[str], ranked: list[Any]) -> pd.DataFrame:
    unranked = Message("no manager ranked it")
    unknown = Message("ranked by managers, and not among the drivers")
    rows = [(driver, unranked) for driver in drivers if driver not in ranked]
    rows += [(str(item), unknown) for item in ranked if item not in drivers]
    return pd.DataFrame(rows, columns=["driver", "reason"])


def _claims(table: pd.DataFrame, agreement: pd.DataFrame, facts: Mapping[str, Any]) -> tuple[Claim, ...]:
    """State where managers stand outside what customers allow, or nowhere; and how far the orders agree."""
    if facts["managers"] < MINIMUM_EMPLOYEES:
        return (Claim("drivers.mirror_few", {"minimum": MINIMUM_EMPLOYEES, "n": facts["n"]}, "D"),)
    rho = agreement.iloc[0]
    said = {"value": rho["value"], "value_low": rho["value_low"], "value_high": rho["value_high"]}
    claims = [Claim("drivers.mirror_order", {**facts, **said}, "D", _CAVEATS)]
    outside = [row for row in records(table) if row["verdict"] in ("above", "below")]
    if not outside:
        known = not table["rank_low"].isna().all()
        return (*claims, Claim("drivers.mirror_inside", facts, "D", _CAVEATS)) if known else tuple(claims)
    farthest = sorted(outside, key=lambda row: -abs(row["places_above"]))[:_STATED]
    gaps = [
        Claim(
            "drivers.mirror_gap",
            {
                **facts, "driver": row["driver"], "verdict": row["verdict"], "n": int(row["n"]),
                "place": int(row["managers_rank"]), "rank_low": int(row["rank_low"]),
                "rank_high": int(row["rank_high"]),
            },
            "D",
            _CAVEATS,
        )
        for row in farthest
    ]  # fmt: skip
    return (*claims, *gaps)
