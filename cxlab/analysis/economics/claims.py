"""What the money may say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.columns import records
from cxlab.analysis.economics.doubts import Doubts
from cxlab.analysis.estimates import LOW_BASE, Claim, Grade, stated, t_quantile

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


def value_findings(
    whole: Mapping[str, Any],
    table: pd.DataFrame,
    tests: pd.DataFrame,
    by: Sequence[str],
    facts: Mapping[str, Any],
) -> Findings:
    """Return what a customer is worth, and which groups differ or that none does."""
    common = {name: facts[name] for name in ("level", "horizon", "discount", "currency")}
    caveats = {
        "conditional_on_entry": facts["entry"] is not None,
        "extrapolated": whole["extrapolated_share"] > 0,
        "low_base": whole["n"] < LOW_BASE,
    }
    said = tuple(code for code, holds in caveats.items() if holds)
    fields = {
        **common, **{k: float(whole[k]) for k in ("estimate", "conf_low", "conf_high", "shortcut")},
        "unit": "money", "n": int(whole["n"]), "extrapolated": float(whole["extrapolated_share"]),
    }  # fmt: skip
    level = Claim("economics.cltv", fields, "D", said, headline=True)
    if not len(tests):
        return (level,), ()
    rows = [row for row in records(table) if row["flag"] != "suppressed"]
    low, high = (pick(rows, key=lambda row: row["estimate"]) for pick in (min, max))
    error = float(np.hypot(low["std_error"], high["std_error"]))
    gap, reach = high["estimate"] - low["estimate"], t_quantile(facts["level"]) * error
    names = {end: " x ".join(str(row[c]) for c in by) for end, row in (("lowest", low), ("highest", high))}
    column = " x ".join(by)
    fields = {
        **common, **names, "column": column, "estimate": gap, "conf_low": gap - reach,
        "conf_high": gap + reach, "unit": "money", "n": int(min(low["n"], high["n"])),
        "now": low["estimate"], "changed": high["estimate"], "hypothesis": f"cltv by {column}",
    }  # fmt: skip
    apart = Claim("economics.cltv_difference", fields, "D", (*said, "groups_not_effect"))
    alike = Claim("economics.cltv_alike", {**common, "column": column, "n": int(whole["n"])}, "D", said)
    return (level, *stated(tests, [apart], (alike,), facts["level"])), (alike,)


def behaviour_findings(
    table: pd.DataFrame,
    tests: pd.DataFrame,
    money: pd.DataFrame,
    referrers: pd.DataFrame,
    facts: Mapping[str, Any],
) -> Findings:
    """Return which behaviours go with experience, what that is worth, and who recommends in deed."""
    step = {"changed_column": facts["experience"], "shift": facts["step"], "level": facts["level"]}
    grade: Grade = "B" if facts["adjusted"] else "C"
    caveats = ("association_not_cause", *(() if facts["pushes"] else ("sales_pushed",)))
    known = table[np.isfinite(table["p_value"])]
    effects = [
        Claim(
            "economics.behaviour",
            {
                **step, "behaviour": row["behaviour"], "estimate": row["estimate"], "unit": "ratio",
                "conf_low": row["conf_low"], "conf_high": row["conf_high"], "n": row["n"],
                "events": row["events"], "hypothesis": f"behaviour {row['behaviour']}",
            },
            grade,
            caveats if row["behaviour"] in ("upsell", "cross_sell") else caveats[:1],
            headline=row["behaviour"] == "permanence",
        )
        for row in records(known)
    ]  # fmt: skip
    none = Claim("economics.behaviours_none", {**step, "n": facts["n"]}, grade, caveats[:1], headline=True)
    said = stated(tests[np.isfinite(tests["p_value"])], effects, (none,), facts["level"])
    plain = _deeds(referrers, facts)
    if any(claim.code == "economics.behaviour" for claim in said):
        plain = (_bridge(money, step, facts), *plain)
    return (*said, *plain), (none,)


def _bridge(money: pd.DataFrame, step: Mapping[str, Any], facts: Mapping[str, Any]) -> Claim:
    rows = {str(row["behaviour"]): row for row in records(money)}
    total = rows.pop("total")
    most = max(rows.values(), key=lambda row: row["estimate"])
    fields = {
        **step, "estimate": total["estimate"], "conf_low": total["conf_low"], "level": 0.8,
        "conf_high": total["conf_high"], "unit": "money", "currency": facts["currency"], "n": facts["n"],
        "behaviour": most["behaviour"], "part": min(max(most["part"], 0.0), 1.0),
    }  # fmt: skip
    return Claim("economics.bridge", fields, "D", ("improvement_if_causal", "model_not_observed"))


def _deeds(referrers: pd.DataFrame, facts: Mapping[str, Any]) -> tuple[Claim, ...]:
    rows = {str(row["class"]): row for row in records(referrers)} if len(referrers) else {}
    if not rows or min(rows[name]["n"] for name in ("promoter", "passive")) < LOW_BASE:
        return ()
    own = rows["promoter"]
    fields = {
        **{k: own[k] for k in ("estimate", "conf_low", "conf_high", "n")}, "level": facts["level"],
        "unit": "share", "passives": rows["passive"]["estimate"],
    }  # fmt: skip
    return (Claim("economics.referrals", fields, "D"),)
