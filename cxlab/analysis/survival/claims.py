"""What retention curves and hazards may say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.columns import records
from cxlab.analysis.estimates import LOW_BASE, MINIMUM_CUSTOMERS, Claim, stated
from cxlab.analysis.survival.curves import Curve, reached
from cxlab.analysis.survival.observed import Observed

Findings = tuple[tuple[Claim, ...], tuple[Claim, ...]]

_FEW_EVENTS = 10
_SMALL = 0.5  # effective over nominal sample under which the weights are said to cost much


def undated(table: Any, entry: str | None) -> bool:
    """Tell whether nothing says when customers came: neither an entry nor a date of joining.

    Examples
    --------
    >>> undated(pd.DataFrame({"months": [3], "left": [1]}), None)
    True
    """
    columns = getattr(table, "columns", None)
    return entry is None and columns is not None and "start_date" not in columns


def caveats_of(
    who: Observed, *, late_entry: bool, undated: bool = False, enough: int = _FEW_EVENTS
) -> tuple[str, ...]:
    """Return the caveats that the people observed call for; `enough` events are needed."""
    return (
        *(["no_calendar_dates"] if undated else []),
        *(["conditional_on_entry"] if late_entry else []),
        *(["few_events"] if who.events < enough else []),
        *(["small_effective_sample"] if who.weight is not None and who.n_eff() < _SMALL * who.n else []),
        *(["low_base"] if who.n < LOW_BASE else []),
    )


def retention_findings(
    who: Observed,
    whole: Curve,
    columns: Mapping[str, Mapping[Any, Curve]],
    ranks: pd.DataFrame,
    facts: Mapping[str, Any],
) -> Findings:
    """Return the claims, and what to say if no group differs: levels, median, differences between groups.

    `facts`: level, horizons, late_entry, since (the column at which the clock starts), beside (only what
    differs is said: the levels of all stand elsewhere).
    """
    caveats = caveats_of(who, late_entry=facts["late_entry"], undated=facts["undated"])
    if not who.events:
        return (no_events(who, facts["level"]),), ()
    levels = [_level(who, whole, t, facts, caveats) for t in facts["horizons"] if whole.at(t) >= 0]
    levels = [Claim(c.code, c.fields, c.grade, c.caveats, headline=k == 0) for k, c in enumerate(levels)]
    median = [] if facts["since"] else _median(who, whole, facts["level"], caveats)
    if facts["beside"]:
        levels, median = [], []
    tests = records(ranks)
    differences = [
        claim for row in tests if (claim := _difference(row, columns[row["column"]], facts, caveats))
    ]
    alike = [_alike(row, columns[row["column"]], who, facts, caveats) for row in tests]
    return (*levels, *median, *stated(ranks, differences, alike, facts["level"])), tuple(alike)


def no_events(who: Observed, level: float) -> Claim:
    """Say that nobody left, and how many may leave all the same."""
    n = who.n
    fields = {"n": n, "upper": 1 - (1 - level) ** (1 / n), "level": level, "events": 0}
    return Claim("retention.no_events", fields, "D", ("few_events",), headline=True)


def _at_risk(c: Curve, time: float) -> int:
    """People still under observation at `time`."""
    after = np.searchsorted(c.time, time)
    return int(c.at_risk[after]) if after < len(c.time) else 0


def _since(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return when the clock of a claim starts, where it is not the beginning."""
    return {"since": facts["since"]} if facts["since"] else {}


def _level(
    who: Observed, whole: Curve, time: float, facts: Mapping[str, Any], caveats: tuple[str, ...]
) -> Claim:
    k = whole.at(time)
    fields = {
        "time": time, "time_unit": "months",
        "estimate": float(whole.survival[k]),
        "conf_low": float(whole.conf_low[k]), "conf_high": float(whole.conf_high[k]),
        "level": facts["level"], "unit": "share", "n": _at_risk(whole, time), "customers": who.n,
        **_since(facts),
    }  # fmt: skip
    return Claim("retention.level", fields, "D", caveats)


def _median(who: Observed, whole: Curve, level: float, caveats: tuple[str, ...]) -> list[Claim]:
    median = reached(whole.time, whole.survival)
    if np.isnan(median):
        return []
    fields = {
        "estimate": median,
        "conf_low": reached(whole.time, whole.conf_low), "conf_high": reached(whole.time, whole.conf_high),
        "level": level, "unit": "months", "n": _at_risk(whole, median), "customers": who.n,
    }  # fmt: skip
    return [Claim("retention.median", fields, "D", caveats)]


def _difference(
    row: Mapping[str, Any], curves: Mapping[Any, Curve], facts: Mapping[str, Any], caveats: tuple[str, ...]
) -> Claim | None:
    """Compare the lowest and the highest group where all that may be shown are still observed."""
    shown = {value: c for value, c in curves.items() if c.at_risk.max() >= MINIMUM_CUSTOMERS}
    if len(shown) < 2:
        return None
    reach = min(float(c.time[c.at_risk >= MINIMUM_CUSTOMERS].max()) for c in shown.values())
    start = max(c.starts_at for c in shown.values())
    time = max((t for t in facts["horizons"] if start <= t <= reach), default=reach)
    if time < start:
        return None
    share = {value: float(c.survival[c.at(time)]) for value, c in shown.items()}
    lowest, highest = min(share, key=lambda v: share[v]), max(share, key=lambda v: share[v])
    fields = {
        "column": row["column"],
        "lowest": lowest, "lowest_estimate": share[lowest],
        "highest": highest, "highest_estimate": share[highest],
        "time": time, "time_unit": "months", "statistic": row["statistic"], "df": row["df"],
        "level": facts["level"], "unit": "share", "n": min(_at_risk(c, time) for c in shown.values()),
        "hypothesis": row["hypothesis"], **_since(facts),
    }  # fmt: skip
    hidden = ("suppressed_rows",) if len(shown) < len(curves) else ()
    return Claim("retention.difference", fields, "D", (*caveats, *hidden), headline=True)


def _alike(
    row: Mapping[str, Any],
    curves: Mapping[Any, Curve],
    who: Observed,
    facts: Mapping[str, Any],
    caveats: tuple[str, ...],
) -> Claim:
    fields = {
        "column": row["column"], "groups": len(curves), "statistic": row["statistic"], "df": row["df"],
        "p_value": row["p_value"], "level": facts["level"], "n": who.n, "events": who.events, **_since(facts),
    }  # fmt: skip
    return Claim("retention.alike", fields, "D", caveats)


def hazard_findings(
    table: pd.DataFrame, tests: pd.DataFrame, checks: pd.DataFrame, who: Observed, facts: Mapping[str, Any]
) -> Findings:
    """Return the claims, and what to say if no covariate stands.

    `facts`: level, late_entry, undated, before (covariates are known before the risk), cause (that alone
    counts), n (customers), unit (what one step of each covariate is: "SD", or 1 for 0/1),
    reference and column (of each covariate). Numbers are stated per SD.
    """
    level = facts["level"]
    n = facts["n"]
    general = (
        "association_not_cause",
        *(["one_cause"] if facts["cause"] else []),
        *(["covariates_undated"] if facts["undated"] else []),
        *caveats_of(who, late_entry=facts["late_entry"], undated=facts["undated"], enough=10 * len(table)),
    )
    changing = checks.loc[(checks["covariate"] != "GLOBAL") & (checks["p_adjusted"] <= 1 - level)]
    unsteady = set(changing["covariate"])
    rows = records(table.assign(hypothesis=tests["hypothesis"]))
    effects = [_effect(row, facts, unsteady, general) for row in rows]
    none = Claim(
        "hazards.none",
        {"covariates": len(table), "events": who.events, "n": n, "level": level},
        _grade(facts), general, headline=True,
    )  # fmt: skip
    changes = [
        Claim(
            "hazards.not_proportional",
            {"covariate": row["covariate"], "p_value": row["joint_p_value"], "n": n, "level": level},
            "D",
            ("not_proportional",),
        )
        for row in records(changing)
    ]  # fmt: skip
    return (*stated(tests, effects, (none,), level), *changes), (none,)


def _grade(facts: Mapping[str, Any]) -> Any:
    """Exposure known before the risk begins makes it longitudinal."""
    return "B" if facts["before"] else "C"


def _effect(
    row: Mapping[str, Any],
    facts: Mapping[str, Any],
    unsteady: Sequence[str] | set[str],
    general: tuple[str, ...],
) -> Claim:
    name = row["covariate"]
    unit = facts["unit"][name]
    step = row["sd"] if unit == "SD" else 1.0
    low, mid, high = (float(np.exp(step * np.log(row[c]))) for c in ("conf_low", "hazard_ratio", "conf_high"))
    reference = facts["reference"].get(facts["column"][name])
    fields = {
        "covariate": name, "per": unit, **({"sd": row["sd"]} if unit == "SD" else {}),
        **({"reference": reference} if reference is not None else {}),
        "estimate": mid, "conf_low": low, "conf_high": high,
        "level": facts["level"], "unit": "ratio", "n": int(row["n"]), "events": int(row["events"]),
        "hypothesis": row["hypothesis"],
    }  # fmt: skip
    unsteady_here = ("not_proportional",) if facts["column"][name] in unsteady else ()
    return Claim("hazards.effect", fields, _grade(facts), (*general, *unsteady_here), headline=True)


def refit_findings(
    first: pd.DataFrame, second: pd.DataFrame, remedy: Sequence[Mapping[str, Any]], facts: Mapping[str, Any]
) -> tuple[Claim, ...]:
    """Say what the second fit shows of covariates whose effect changes.

    `facts`: level, n, searched (the time of the change was), split (of a row of `first` its rows in `second`
    before and after the change, and when that is), measured (rows of `first` told of one SD), reference (of a
    category).
    """
    rows = {row["covariate"]: row for row in records(second)}
    searched = ["cut_searched"] if facts["searched"] else []
    said = []
    for name, (*sides, cut) in facts["split"].items():
        suffix = "_sd" if name in facts["measured"] else ""
        fields = {"covariate": name, "per": "SD" if suffix else 1, "time": cut, "time_unit": "months"}
        for when, side in zip(("early", "late"), sides, strict=True):
            for end, column in (("ratio", "hazard_ratio"), ("low", "conf_low"), ("high", "conf_high")):
                fields[f"{when}_{end}"] = float(rows[side][column + suffix])
        fields |= {"level": facts["level"], "n": facts["n"]}
        if facts["reference"][name] is not None:
            fields["reference"] = facts["reference"][name]
        said.append(Claim("hazards.split", fields, "D", ("association_not_cause", *searched)))
    kept = [row for row in records(first) if row["covariate"] in rows]
    moved = [abs(np.log(rows[r["covariate"]]["hazard_ratio"] / r["hazard_ratio"])) for r in kept]
    shift = float(np.exp(max(moved, default=0.0)) - 1)
    strata = [row["covariate"] for row in remedy if row["action"] == "stratify"]
    fields = {"others": len(kept), "shift": shift, "n": facts["n"]}
    said += [
        Claim("hazards.stratified", {"covariate": name, **fields}, "D", ("association_not_cause",))
        for name in strata
    ]
    return tuple(said)
