"""What predicted risks may say: whether they order customers, how many they hold, what acting brings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from cxlab.analysis.columns import records
from cxlab.analysis.estimates import LOW_BASE, Claim, Grade
from cxlab.analysis.survival.decision import PER
from cxlab.analysis.survival.validated import TOP

_FEW = 100  # departures under which a validation says little
_MUCH = 0.05  # share scored beyond what was seen from which it is said

# Half an interval at 95 % is 1.96 errors; an order of (1.96 + 0.84) errors shows in four cases of five.
_DETECTED = 2.8 / (2 * 1.96)

Rows = Mapping[str, Mapping[str, Any]]


def risk_findings(table: pd.DataFrame, facts: Mapping[str, Any]) -> tuple[Claim, ...]:
    """Return the claims: order (or noise), departures among those with most risk, calibration.

    `facts`: level, horizon, split (None where time was not split), extrapolated, left.
    """
    rows = {str(row["quantity"]): row for row in records(table)}
    cautions = _cautions(int(rows["auc"]["n"]), facts)
    order = _order(rows, facts, cautions)
    if order.code == "risk.noise":
        return (order,)
    return (order, _captured(rows, facts, cautions), _calibrated(rows, facts, cautions))


def _cautions(n: int, facts: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        *(["risk_not_split_in_time"] if facts["split"] is None else []),
        *(["risk_extrapolated"] if facts["extrapolated"] > _MUCH else []),
        *(["few_events"] if facts["left"] < _FEW else []),
        *(["low_base"] if n < LOW_BASE else []),
    )


def _grade(facts: Mapping[str, Any]) -> Grade:
    """Return B where time was split: what was known came before what happened."""
    return "D" if facts["split"] is None else "B"


def _common(row: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "estimate": float(row["estimate"]), "conf_low": float(row["conf_low"]),
        "conf_high": float(row["conf_high"]), "level": facts["level"], "n": int(row["n"]),
        "time": facts["horizon"], "time_unit": "months", "split": facts["split"], "events": facts["left"],
    }  # fmt: skip


def _order(rows: Rows, facts: Mapping[str, Any], cautions: tuple[str, ...]) -> Claim:
    auc = rows["auc"]
    fields = {**_common(auc, facts), "unit": "share"}
    if not auc["conf_low"] > 0.5:
        fields["detectable"] = 0.5 + _DETECTED * float(auc["conf_high"] - auc["conf_low"])
        return Claim("risk.noise", fields, "D", cautions, headline=True)
    return Claim("risk.order", fields, _grade(facts), cautions, headline=True)


def _captured(rows: Rows, facts: Mapping[str, Any], cautions: tuple[str, ...]) -> Claim:
    fields = {**_common(rows["captured"], facts), "unit": "share", "top": TOP}
    fields["times"] = float(rows["lift"]["estimate"])
    return Claim("risk.captured", fields, _grade(facts), cautions, headline=True)


def _calibrated(rows: Rows, facts: Mapping[str, Any], cautions: tuple[str, ...]) -> Claim:
    ratio = rows["ratio"]
    fields = {
        **_common(rows["observed"], facts), "unit": "share", "expected": float(rows["expected"]["estimate"]),
        "ratio_low": float(ratio["conf_low"]), "ratio_high": float(ratio["conf_high"]),
    }  # fmt: skip
    return Claim("risk.calibration", fields, "D", cautions)


def campaign_findings(table: pd.DataFrame, facts: Mapping[str, Any]) -> tuple[Claim, ...]:
    """Return what contacting would have brought; `facts` also say what a contact costs and keeps."""
    rule = {str(row["quantity"]): row for row in records(table)}
    fields = {
        **_common(rule["amount"], facts), "unit": "money", "currency": facts["currency"], "per": PER,
        "save_rate": facts["save_rate"], "contact_cost": facts["contact_cost"],
        "share": float(rule["contacted"]["estimate"]),
        "break_even": float(rule["break_even"]["estimate"]),
        "break_even_low": float(rule["break_even"]["conf_low"]),
        "break_even_high": float(rule["break_even"]["conf_high"]),
        "break_even_top": float(rule["break_even_top"]["estimate"]), "top": TOP,
    }  # fmt: skip
    cautions = (*_cautions(int(fields["n"]), facts), "save_rate_assumed")
    return (Claim("risk.campaign", fields, "D", cautions, headline=True),)
