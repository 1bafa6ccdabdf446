"""What the money may say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.columns import records
from cxlab.analysis.economics.doubts import Doubts
from cxlab.analysis.estimates import LOW_BASE, Claim, Grade, stated

Findings = tuple[tuple[Claim, ...], tuple[Claim, ...]]

_PER_COLUMN = 10  # departures under which a model's column is unstable


def improvement_findings(
    table: pd.DataFrame, tests: pd.DataFrame, checks: pd.DataFrame, doubts: Doubts, facts: Mapping[str, Any]
) -> Findings:
    """Return what an improvement would be worth, or that it cannot be told from noise."""
    value = {str(row["quantity"]): float(row["estimate"]) for row in records(table)}
    delta = next(row for row in records(table) if row["quantity"] == "delta_cltv")
    grade, caveats = _grade(facts, doubts), _caveats(checks, doubts, value, facts)
    common = {
        **_changed(facts["change"]), "n": facts["n"], "level": facts["level"],
        "currency": facts["currency"], "horizon": facts["horizon"],
    }  # fmt: skip
    fields = {
        **common, "estimate": float(delta["estimate"]), "conf_low": float(delta["conf_low"]),
        "conf_high": float(delta["conf_high"]), "unit": "money", "discount": facts["discount"],
        "uptake": facts["uptake"], "cost": facts["cost"], "roi": value["roi"], "npv": value["npv"],
        "probability": value["probability_roi_positive"], "share": value["break_even_causal_share"],
        "measured": bool(facts["experiment"]), "payback": value["payback_month"],
        "hypothesis": "improvement",
    }  # fmt: skip
    fields["variant"] = _variant(fields)
    none = {
        **common, "events": facts["events"], "ratio": value["hazard_ratio"],
        "low": float(delta["conf_low"]), "high": float(delta["conf_high"]),
    }  # fmt: skip
    worth = Claim("economics.improvement", fields, grade, caveats, headline=True)
    otherwise = (Claim("economics.improvement_none", none, grade, caveats, headline=True),)
    return stated(tests, [worth], otherwise, facts["level"]), otherwise


def _variant(fields: Mapping[str, Any]) -> str:
    """Which sentence: it loses, it cannot pay even if all is causal, it pays from some causal share on."""
    if fields["estimate"] <= 0:
        return "loss"
    if not np.isfinite(fields["share"]):
        return "never"
    return "measured" if fields["measured"] else "pays"


def _changed(change: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that say what is changed; of several columns the first, with the others' count."""
    column, step = next(iter(change.items()))
    if isinstance(step, tuple):
        ends = {"from_value": step[0], "to_value": step[1]}
        return {"changed_column": column, **ends, "others": len(change) - 1}
    return {"changed_column": column, "shift": float(step), "others": len(change) - 1}


def _grade(facts: Mapping[str, Any], doubts: Doubts) -> Grade:
    """Return an experiment's grade, or at most that of an exposure known before the risk begins."""
    if facts["experiment"]:
        return "A"
    if doubts.control_fails:
        return "D"
    return "B" if facts["entry"] is not None else "C"


def _caveats(
    checks: pd.DataFrame, doubts: Doubts, value: Mapping[str, float], facts: Mapping[str, Any]
) -> tuple[str, ...]:
    changing = set(checks.loc[checks["p_adjusted"] <= 1 - facts["level"], "covariate"])
    own = facts["experiment"] is None
    said = {
        "improvement_if_causal": own,
        "improvement_like_the_others": own,
        "improvement_no_response": True,
        "conditional_on_entry": facts["entry"] is not None,
        "not_proportional": bool(changing & set(facts["change"])),
        "few_events": facts["events"] < _PER_COLUMN * facts["columns"],
        "low_base": facts["n"] < LOW_BASE,
        "extrapolated": value["extrapolated_share"] > 0,
        "change_capped": facts["capped"] > 0,
        "effect_fades": own and doubts.fades,
        "control_failed": own and doubts.control_fails,
    }
    return tuple(code for code, holds in said.items() if holds)
