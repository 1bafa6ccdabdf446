"""What the claims on the risk of leaving put into their sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from cxlab.reporting.claims_economics import money
from cxlab.reporting.units import unit_of_claim
from cxlab.reporting.words import Words, absent, digits_for

Fields = Mapping[str, Any]


def _common(fields: Fields, words: Words) -> dict[str, Any]:
    unit, split = unit_of_claim(fields), fields.get("split")
    digits = digits_for(unit, fields.get("conf_low"), fields.get("conf_high"))
    value: Any = fields.get("estimate")
    size = abs(value) if unit == "money" and not absent(value) else value
    return {
        "time": words.amount(fields.get("time"), str(fields.get("time_unit", "months"))),
        "split": words.date(date.fromisoformat(str(split))) if split else "",
        "amount": money(size, fields, words) if unit == "money" else words.amount(size, unit, digits=digits),
    }


def _order(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "", _common(fields, words)


def _noise(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "", {**_common(fields, words), "detectable": words.percent(fields.get("detectable"), 0)}


def _captured(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    times = words.number(fields.get("times"), 1)
    return "", {**_common(fields, words), "top": words.percent(fields.get("top"), 0), "times": times}


def _calibration(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    low: Any = fields.get("ratio_low")
    high: Any = fields.get("ratio_high")
    which = "fits"
    if not absent(low) and not absent(high):
        which = "more" if low > 1 else "less" if high < 1 else "fits"
    return which, {**_common(fields, words), "expected": words.percent(fields.get("expected"), 1)}


def _campaign(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    low: Any = fields.get("conf_low")
    high: Any = fields.get("conf_high")
    which = "open"
    if not fields.get("share"):
        which = "nobody"
    elif not absent(low) and not absent(high):
        which = "up" if low > 0 else "down" if high < 0 else "open"
    return which, {
        **_common(fields, words),
        "share": words.percent(fields.get("share"), 0),
        "top": words.percent(fields.get("top"), 0),
        "per": words.number(fields.get("per"), 0),
        "cost": money(fields.get("contact_cost"), fields, words),
        "save": words.percent(fields.get("save_rate"), 0),
        "even": words.percent(fields.get("break_even"), 0),
        "even_top": words.percent(fields.get("break_even_top"), 0),
    }


READERS: Mapping[str, Callable[[Fields, Words], tuple[str, dict[str, Any]]]] = {
    "risk.order": _order,
    "risk.noise": _noise,
    "risk.captured": _captured,
    "risk.calibration": _calibration,
    "risk.campaign": _campaign,
}
