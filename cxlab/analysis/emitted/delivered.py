"""Is what was designed delivered: compliance by standard and unit, what is critical apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxlab.analysis import metrics
from cxlab.analysis.estimates import (
    LOW_BASE,
    MINIMUM_EMPLOYEES,
    Claim,
    Result,
    check_columns,
    check_level,
    check_numbers,
    flags,
    whole_from,
)

COLUMNS = {"successes": "met", "trials": "trials"}
MEASURED = ["estimate", "std_error", "conf_low", "conf_high", "n", "n_eff"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Compliance(Result):
    """Compliance with standards; see `compliance` for the columns."""


def compliance(
    checks: pd.DataFrame, *, units: pd.DataFrame | None = None, min_visits: int = 3, level: float = 0.95
) -> Compliance:
    """Estimate how often standards are met: each of them, all together, and in each unit.

    Parameters
    ----------
    checks : DataFrame
        As `checked` gives them. Not changed.
    units : DataFrame, optional
        The canonical table ``units``: those with fewer than 8 ``employees_n`` are not shown, for there a
        finding is about persons.
    min_visits : int
        Units with fewer visits have a low base.
    level : float
        Confidence level.

    Returns
    -------
    Compliance
        ``table``: standard_id, critical, standard_weight, estimate (percent of checks met), std_error,
        conf_low, conf_high (Wilson on n_eff; clusters are units, or visits where there is one unit), n
        (checks), n_eff, not_applicable, flag. ``tables``: overall (kind: score, the mean of the visits'
        weighted scores; critical, the share of visits in which every critical standard was met), units
        (unit_id, estimate of the score, clusters are visits; visits, critical_failed: visits in which a
        critical standard failed; flag), not_applicable (standard_id, reason, n).

    Raises
    ------
    AnalysisError
        If a column is missing or nothing was checked.

    Notes
    -----
    A failed critical standard is never averaged away: it is told by visit and unit beside the score, whatever
    the score. Where a standard does not apply, the visit's weights are those of what did, and it is counted.

    References
    ----------
    Wilson (1927), doi:10.1080/01621459.1927.10502953.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> visit, unit = np.repeat(np.arange(60), 2), np.repeat(np.arange(10), 12)
    >>> frame = pd.DataFrame({"visit_id": visit, "unit_id": unit, "standard_id": ["greets", "solves"] * 60,
    ...                       "critical": False, "weight": 0.5, "part": 0.5, "trials": 1})
    >>> frame["met"] = (rng.random(120) < np.where(frame["standard_id"] == "greets", 0.9, 0.6)).astype(int)
    >>> compliance(frame).table[["standard_id", "estimate", "n"]].round(1).values.tolist()
    [['greets', 90.0, 60], ['solves', 51.7, 60]]
    """
    check_level(level)
    check_numbers(("min_visits", min_visits, lambda n: whole_from(n, 1), "a whole number, 1 or more"))
    check_columns(
        checks, ["visit_id", "unit_id", "standard_id", "critical", "weight", "part", "met", "trials"]
    )
    several = checks["unit_id"].nunique() > 1
    asked = {"columns": COLUMNS, "level": level, "cluster": "unit_id" if several else "visit_id"}
    given_up = pd.DataFrame(checks.attrs.get("not_applicable", []), columns=["standard_id", "reason", "n"])
    table = _by_standard(checks, given_up, asked)
    overall = _overall(checks, asked)
    own = _by_unit(checks, {**asked, "cluster": "visit_id"}, units, min_visits)
    return Compliance(
        table=table,
        keys=("standard_id", "unit_id", "kind", "reason"),
        tables={"overall": overall, "units": own, "not_applicable": given_up},
        n_used=len(checks),
        n_dropped=checks.attrs.get("n_dropped", {}),
        settings={
            "metric": "rate", "level": level, "min_visits": min_visits, "cluster": asked["cluster"],
            "weighting": "declared" if checks.attrs.get("weighted") else "equal",
        },
        claims=_claims(table, overall, checks, level),
        parts={"unit_id": "unit_id"},
    )  # fmt: skip


def _by_standard(checks: pd.DataFrame, given_up: pd.DataFrame, asked: dict[str, object]) -> pd.DataFrame:
    scored = metrics.score(checks, "rate", by="standard_id", **asked).table  # type: ignore[arg-type]
    known = checks.drop_duplicates("standard_id")[["standard_id", "critical", "weight"]]
    known = known.rename(columns={"weight": "standard_weight"})
    table = scored[["standard_id", *MEASURED]].merge(known, on="standard_id")
    counts = given_up.groupby("standard_id")["n"].sum() if len(given_up) else pd.Series(dtype=float)
    table["not_applicable"] = table["standard_id"].map(counts).fillna(0).astype(int)
    columns = ["standard_id", "critical", "standard_weight", *MEASURED, "not_applicable"]
    table = table[columns].assign(flag=flags(table["n"]))
    return table.sort_values("estimate", ascending=False, kind="stable", ignore_index=True)


def _overall(checks: pd.DataFrame, asked: dict[str, object]) -> pd.DataFrame:
    """Weighted score over all visits; and the share of visits without a critical failure."""
    weighted = checks[checks["part"] > 0]
    rows = [metrics.score(weighted, "rate", weights="part", **asked).table.assign(kind="score")]  # type: ignore[arg-type]
    critical = _critical(checks)
    if len(critical):
        rows.append(metrics.score(critical, "rate", **asked).table.assign(kind="critical"))  # type: ignore[arg-type]
    table = pd.concat(rows, ignore_index=True)[["kind", *MEASURED, "flag"]]
    table["visits"] = checks["visit_id"].nunique()
    return table


def _critical(checks: pd.DataFrame) -> pd.DataFrame:
    """One row for each visit in which something critical was checked: met where all of it was."""
    own = checks[checks["critical"].astype(bool)]
    met: pd.Series[int] = own.groupby(["visit_id", "unit_id"], observed=True)["met"].min()
    return met.reset_index().assign(trials=1)


def _by_unit(
    checks: pd.DataFrame, asked: dict[str, object], units: pd.DataFrame | None, min_visits: int
) -> pd.DataFrame:
    weighted = checks[checks["part"] > 0]
    by = metrics.score(weighted, "rate", by="unit_id", weights="part", **asked)  # type: ignore[arg-type]
    table = by.table[["unit_id", *MEASURED]].copy()
    table["visits"] = table["unit_id"].map(checks.groupby("unit_id", observed=True)["visit_id"].nunique())
    critical = _critical(checks)
    failed = critical[critical["met"] == 0].groupby("unit_id", observed=True).size()
    table["critical_failed"] = table["unit_id"].map(failed).fillna(0).astype(int)
    table["flag"] = np.where(table["visits"] < min_visits, "low_base", "ok").astype(object)
    if units is not None and "employees_n" in units:
        few = units.loc[units["employees_n"] < MINIMUM_EMPLOYEES, "unit_id"]
        table.loc[table["unit_id"].isin(few), "flag"] = "suppressed"
    return table


def _claims(
    table: pd.DataFrame, overall: pd.DataFrame, checks: pd.DataFrame, level: float
) -> tuple[Claim, ...]:
    """State the score, what critical standards did, and the standard that is met least."""
    facts = {
        "level": level, "unit": "percent", "units": int(checks["unit_id"].nunique()),
        "visits": int(checks["visit_id"].nunique()),
    }  # fmt: skip
    claims = []
    for row in overall.to_dict("records"):
        fields = {**facts, **{key: float(row[key]) for key in ("estimate", "conf_low", "conf_high")}}
        caveats = ("low_base",) if row["n"] < LOW_BASE else ()
        code = "emitted.score" if row["kind"] == "score" else "emitted.critical"
        claims.append(Claim(code, {**fields, "n": int(row["n"])}, "D", caveats, headline=True))
    told = table[table["flag"] != "suppressed"]
    if len(told) > 1:
        row = told.iloc[-1].to_dict()
        fields = {**facts, **{key: float(row[key]) for key in ("estimate", "conf_low", "conf_high")}}
        fields |= {"standard": row["standard_id"], "standards": len(told), "n": int(row["n"])}
        claims.append(Claim("emitted.least_met", fields, "D"))
    return tuple(claims)
