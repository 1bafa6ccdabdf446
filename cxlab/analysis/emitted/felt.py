"""Does what is emitted matter to customers: compliance of units beside what their customers perceive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis import metrics
from cxlab.analysis.answers import Columns
from cxlab.analysis.columns import records
from cxlab.analysis.dropped import NO_METRIC, missing
from cxlab.analysis.emitted import attenuation
from cxlab.analysis.emitted.attenuation import Means
from cxlab.analysis.emitted.delivered import COLUMNS
from cxlab.analysis.estimates import (
    LOW_BASE,
    MINIMUM_CUSTOMERS,
    Claim,
    Result,
    adjusted,
    check_columns,
    check_level,
    check_numbers,
    flags,
    stated,
    whole_from,
)
from cxlab.errors import AnalysisError

Array = np.ndarray[Any, Any]

_ENDS = {"": "estimate", "_low": "conf_low", "_high": "conf_high"}
_CORRECTED = ("corrected", "corrected_low", "corrected_high")
_CAVEATS = ("association_not_cause", "units_not_customers")


@dataclass(frozen=True, eq=False, kw_only=True)
class Perceived(Result):
    """Links of standards with what customers perceive; see `perceived` for the columns."""

    delivered: float


def perceived(
    checks: pd.DataFrame, responses: pd.DataFrame, metric: str = "pxi", *, columns: Columns = None,
    unit: str = "unit_id", delivered: float = 0.8, relevant: float = 0.3, min_visits: int = 3,
    level: float = 0.95,
) -> Perceived:  # fmt: skip
    r"""Correlate how often each unit meets a standard with what its customers perceive.

    Parameters
    ----------
    checks : DataFrame
        As `checked` gives them. Not changed.
    responses : DataFrame
        One row for each customer who answered, with the unit that served them; without rows, or without that
        column, the table is empty and a claim says so. Not changed.
    metric, columns : str, mapping
        Index of what is perceived, as in `cxlab.analysis.metrics.score`.
    unit : str
        Column of the unit in both tables.
    delivered : float
        Share of visits from which a standard counts as delivered.
    relevant : float
        Smallest correlation that would matter, without error of measurement: below it with the whole interval
        a standard does not matter.
    min_visits : int
        Units with fewer visits, or fewer than 10 customers, do not enter.
    level : float
        Confidence level.

    Returns
    -------
    Perceived
        ``table``: standard_id, compliance (share of checks met) with compliance_low, compliance_high;
        correlation (Pearson's, of unit means) with conf_low, conf_high; spearman with spearman_low,
        spearman_high; reliability (of a unit's compliance), corrected (correlation without error of
        measurement) with corrected_low, corrected_high; p_value, p_adjusted (Holm, one family), place
        (``keep`` delivered and linked, ``mend`` not delivered and linked, ``let`` delivered and not linked or
        open, ``leave`` neither), link (``linked``, ``none`` the interval lies under `relevant`, ``open``),
        n (units), flag. ``tables``: tests (hypothesis, p_value, p_adjusted),
        perceived (reliability of the units' index, estimate: its mean over units, units, left_out: units
        visited that did not enter, n: customers).

    Raises
    ------
    AnalysisError
        If a column is missing, an option is out of range, or fewer than 4 units have both.

    Notes
    -----
    :math:`r_c = r / \sqrt{rel_x rel_y}` (Spearman 1904), reliabilities from one-way analyses of variance; its
    interval is Fisher's of r divided by the same root: in simulation (40 units, 6 visits, 80 customers) it
    holds 93.5 to 98.5 %, a bootstrap of units 85 to 92 %. It is cut at -1 and 1, and missing where a
    reliability is under 0.1. An index and a share are never subtracted from each other.

    References
    ----------
    Spearman (1904), doi:10.2307/1412159; Bonett & Wright (2000), doi:10.1007/BF02294183.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> good = rng.uniform(0.3, 0.9, 40)
    >>> frame = pd.DataFrame({"unit_id": np.repeat(np.arange(40), 8), "visit_id": np.arange(320),
    ...                       "standard_id": "solves", "met": (rng.random(320) < good.repeat(8)).astype(int)})
    >>> served = pd.DataFrame({"unit_id": np.repeat(np.arange(40), 60), "recommend":
    ...     np.clip(np.rint(5 + 5 * good.repeat(60) + 2 * rng.standard_normal(2400)), 0, 10)})
    >>> found = perceived(frame, served, "nps")
    >>> found.table[["standard_id", "correlation", "corrected", "link"]].round(2).values.tolist()
    [['solves', 0.77, 1.0, 'linked']]
    """
    _check_asked(checks, unit, level, delivered, relevant, min_visits)
    if responses.empty or unit not in responses:
        return _unperceived(metric, level, delivered)
    felt, dropped = _felt(responses, metric, columns, unit)
    visits = checks.groupby(unit, observed=True)["visit_id"].nunique()
    used = [u for u in felt.index if visits.get(u, 0) >= min_visits and felt.loc[u, "n"] >= MINIMUM_CUSTOMERS]
    if len(used) < 4:
        raise AnalysisError(
            "{count} units have {visits} visits and 10 customers or more; a correlation needs 4 at least, "
            "and 30 to say something",
            count=len(used), visits=min_visits,
        )  # fmt: skip
    felt = felt.loc[used]
    served = Means(*(felt[name].to_numpy(dtype=float) for name in ("mean", "n", "within")))
    rows = [
        {"standard_id": name, **_row(own, felt, served, unit, level)}
        for name, own in checks[checks[unit].isin(used)].groupby("standard_id", sort=True, observed=True)
    ]
    table = pd.DataFrame(rows)
    table["p_adjusted"] = adjusted(table["p_value"], "holm")
    table = _placed(table, delivered, relevant, level)
    tests = table[["standard_id", "p_value", "p_adjusted"]].assign(
        hypothesis=[f"{name} and {metric} of the unit" for name in table["standard_id"]]
    )
    facts = {"metric": metric, "level": level, "units": len(used), "delivered": delivered}
    otherwise = _none(table, facts)
    return Perceived(
        table=table,
        keys=("standard_id", "hypothesis", "metric"),
        estimate_column="correlation",
        tables={
            "tests": tests,
            "perceived": pd.DataFrame(
                {"metric": [metric], "estimate": [served.mean.mean()], "reliability": [served.reliability],
                 "units": [len(used)],
                 "left_out": [len(visits) - len(used)], "n": [int(served.n.sum())]}
            ),
        },
        n_used=int(served.n.sum()),
        n_dropped=dropped,
        settings={
            "perceived": metric, "unit": unit, "level": level, "delivered": delivered, "relevant": relevant,
            "min_visits": min_visits, "adjust": "holm",
        },
        claims=stated(tests, _linked(table, tests, facts), otherwise, level),
        otherwise=otherwise,
        delivered=delivered,
    )  # fmt: skip


def _check_asked(
    checks: pd.DataFrame, unit: str, level: float, delivered: float, relevant: float, min_visits: int
) -> None:  # fmt: skip
    check_level(level)
    between = "a share between 0 and 1"
    check_numbers(
        ("delivered", delivered, lambda x: 0 < x < 1, between),
        ("relevant", relevant, lambda x: 0 < x < 1, "a correlation between 0 and 1"),
        ("min_visits", min_visits, lambda n: whole_from(n, 2), "a whole number, 2 or more"),
    )
    check_columns(checks, [unit, "visit_id", "standard_id", "met"])


def _unperceived(metric: str, level: float, delivered: float) -> Perceived:
    """Return the result where no customer's answer names a unit: a claim that says so."""
    columns = [
        "standard_id",
        "compliance",
        "correlation",
        "conf_low",
        "conf_high",
        "link",
        "place",
        "n",
        "flag",
    ]
    return Perceived(
        table=pd.DataFrame(columns=columns),
        keys=("standard_id",),
        estimate_column="correlation",
        settings={"perceived": metric, "level": level},
        claims=(Claim("emitted.unperceived", {"metric": metric}, "D"),),
        delivered=delivered,
    )


def _felt(
    responses: pd.DataFrame, metric: str, columns: Columns, unit: str
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Index of each unit: mean, n, squares within."""
    known = responses[responses[unit].notna()]
    value = metrics.contribution(known, metric, columns=columns)
    frame = pd.DataFrame({"unit": known[unit], "value": value}).dropna()
    grouped = frame.groupby("unit", observed=True)["value"]
    felt = pd.DataFrame({"mean": grouped.mean(), "n": grouped.size(), "within": grouped.var(ddof=0)})
    felt["within"] *= felt["n"]
    dropped: dict[str, int] = {}
    if len(known) < len(responses):
        dropped[missing(unit)] = len(responses) - len(known)
    if len(frame) < len(known):
        dropped[NO_METRIC] = len(known) - len(frame)
    return felt, dropped


def _row(own: pd.DataFrame, felt: pd.DataFrame, served: Means, unit: str, level: float) -> dict[str, Any]:
    """One standard: compliance of the units where it was checked, beside what their customers perceive."""
    counts = own.groupby(unit, observed=True)["met"].agg(["size", "sum"]).reindex(felt.index).dropna()
    k, met = counts["size"].to_numpy(dtype=float), counts["sum"].to_numpy(dtype=float)
    at = felt.index.isin(counts.index)
    x, y, n = met / k, served.mean[at], len(counts)
    emitted = Means(x, k, k * x * (1 - x))
    r, rho = attenuation.correlation(x, y), attenuation.correlation(x, y, ranks=True)
    ends, rank_ends = attenuation.fisher(r, n, level), attenuation.fisher(rho, n, level, ranks=True)
    reliable = emitted.reliability, Means(y, served.n[at], served.within[at]).reliability
    root = np.sqrt(reliable[0] * reliable[1]) if min(reliable) >= attenuation.LEAST_RELIABILITY else np.nan
    seen = own.assign(trials=1)
    rate = metrics.score(seen, "rate", columns=COLUMNS, cluster=unit, level=level).table.iloc[0]
    return {
        **{f"compliance{end}": float(rate[name]) / 100 for end, name in _ENDS.items()},
        "correlation": r, "conf_low": ends[0], "conf_high": ends[1],
        "spearman": rho, "spearman_low": rank_ends[0], "spearman_high": rank_ends[1],
        "reliability": reliable[0],
        **dict(zip(_CORRECTED, np.clip(np.array([r, *ends]) / root, -1, 1).tolist(), strict=True)),
        "p_value": attenuation.p_value(r, n), "n": n,
    }  # fmt: skip


def _placed(table: pd.DataFrame, delivered: float, relevant: float, level: float) -> pd.DataFrame:
    linked = (table["p_adjusted"] <= 1 - level) & (table["correlation"] > 0)
    # Error of measurement only hides a link: without a correction nothing is ruled out.
    none = (table["corrected_high"] < relevant) & ~linked
    met = table["compliance"] >= delivered
    return table.assign(
        link=np.select([linked, none], ["linked", "none"], "open"),
        place=np.select([linked & met, linked, met], ["keep", "mend", "let"], "leave"),
        flag=flags(table["n"]),
    )


def _linked(table: pd.DataFrame, tests: pd.DataFrame, facts: Mapping[str, Any]) -> list[Claim]:
    """Claim each link, strongest first; `estimates.stated` keeps those that stand."""
    names = dict(zip(tests["standard_id"], tests["hypothesis"], strict=True))
    told = [row for row in records(table) if not np.isnan(row["p_value"]) and row["n"] >= MINIMUM_CUSTOMERS]
    claims = []
    for row in sorted(told, key=lambda row: row["p_value"]):
        fields = {
            **facts, "standard": row["standard_id"], "estimate": row["correlation"],
            "conf_low": row["conf_low"], "conf_high": row["conf_high"], "unit": "ratio", "n": int(row["n"]),
            "corrected": row["corrected"], "compliance": row["compliance"], "place": row["place"],
            "hypothesis": names[row["standard_id"]],
        }  # fmt: skip
        caveats = (*_CAVEATS, *(("low_base",) if row["n"] < LOW_BASE else ()))
        claims.append(Claim("emitted.link", fields, "D", caveats, headline=True))
    return claims


def _none(table: pd.DataFrame, facts: Mapping[str, Any]) -> tuple[Claim, ...]:
    """Say, for when no link stands, how strong one would have had to be to be seen."""
    tested = int(table["p_value"].notna().sum())
    if not tested:
        return ()
    alpha = (1 - facts["level"]) / tested
    least = attenuation.detectable(int(table["n"].min()), alpha)
    fields = {**facts, "standards": tested, "detectable": least, "n": int(table["n"].min())}
    return (Claim("emitted.link_none", fields, "D", _CAVEATS),)
