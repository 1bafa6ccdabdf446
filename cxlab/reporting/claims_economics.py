"""What the claims on money put into their sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cxlab.reporting.units import unit_of_claim
from cxlab.reporting.words import Words, absent, digits_for

Fields = Mapping[str, Any]

SHARES = (
    "alive", "first", "last", "extrapolated", "discount", "uptake", "probability", "share", "promoters",
    "passives", "others_share", "part", "margin_share",
)  # fmt: skip
MONEY = ("cost", "cac", "margin", "now", "changed", "shortcut", "lowest_cost", "highest_cost")
TIMES = ("time", "horizon", "naive_months", "tenure")
COUNTS = ("periods", "treated", "customers", "events", "months")
LABELS = ("column", "covariate", "parameter")


def money(value: Any, fields: Fields, words: Words) -> str:
    """Return an amount of money, with the client's currency where it is known."""
    text = words.amount(value, "money", difference=False)
    currency = fields.get("currency")
    return f"{currency} {text}" if currency and not absent(value) else text


def said(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    """Return the variant of a sentence (which way it goes) and every field of it, formatted by its name."""
    unit = unit_of_claim(fields)
    digits = digits_for(unit, fields.get("conf_low"), fields.get("conf_high"))
    estimate = fields.get("estimate")
    size = estimate if absent(estimate) else abs(float(estimate or 0))
    column = str(fields.get("column") or fields.get("covariate") or "")
    amounts = {"amount": estimate, "size": size}
    texts = {
        **{
            name: money(value, fields, words) if unit == "money" else words.amount(value, unit, digits=digits)
            for name, value in amounts.items()
        },
        "ratio": words.number(estimate if unit == "ratio" else fields.get("ratio"), 2),
        **{name: words.percent(fields.get(name), _places(fields.get(name))) for name in SHARES},
        "probability": chance(fields.get("probability"), words),
        **{name: money(fields.get(name), fields, words) for name in MONEY},
        **{name: words.amount(fields.get(name), str(fields.get("time_unit", "months"))) for name in TIMES},
        **{name: words.number(fields.get(name), 0) for name in COUNTS},
        **{name: words.label(fields.get(name, "")) for name in LABELS},
        "behaviour": _named(fields, words),
        "change": change(fields, words),
        "lowest": words.label(column, fields.get("lowest", "")),
        "highest": words.label(column, fields.get("highest", "")),
        "step": words.number(fields.get("step")),
    }  # fmt: skip
    return str(fields.get("variant") or _direction(estimate, unit)), texts


def _improvement(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    texts, which = said(fields, words)[1], _direction(fields.get("estimate"), "money")
    verdict = words(f"economics.verdict.{fields.get('variant', 'never')}", **_filled(texts, VERDICT))
    return which, {**texts, "verdict": verdict}


def _behaviour(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    """Say a ratio as so much more or less; of staying, as so much less or more risk of leaving."""
    ratio, stay = float(fields.get("estimate") or 1.0), fields.get("behaviour") == "permanence"
    size = abs(1 - (1 / ratio if stay else ratio))
    which = _direction(ratio, "ratio")
    texts = {**said(fields, words)[1], "size": words.percent(size, _places(size))}
    return f"stay_{which}" if stay else which, texts


def _named(fields: Fields, words: Words) -> str:
    key = f"economics.behaviour.{fields.get('behaviour')}"
    return words(key) if words.known(key) else words.label("behaviour", fields.get("behaviour", ""))


def _improvement_none(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    ends = {end: money(fields.get(end), fields, words) for end in ("low", "high")}
    return "", {**said(fields, words)[1], **ends}


def chance(share: Any, words: Words) -> str:
    """Return a share of the resamples: that it is all or none of them proves no certainty."""
    if absent(share) or 0.01 <= float(share) <= 0.99:
        return words.percent(share, 0)
    return words("economics.sure" if float(share) > 0.99 else "economics.unlikely")


def _filled(texts: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: texts[name] for name in names}


def change(fields: Fields, words: Words) -> str:
    """Return what is changed: ``+10 PXI`` or ``NPS class: detractor → passive``."""
    column, shift = fields.get("changed_column", ""), fields.get("shift")
    label = words.metric(column)
    if not absent(shift):
        return words("economics.shift", label=label, shift=words.signed(shift))
    ends = [words.label(column, fields.get(end, "")) for end in ("from_value", "to_value")]
    return words("economics.move", label=label, before=ends[0], after=ends[1])


def _direction(estimate: Any, unit: str) -> str:
    neutral = 1.0 if unit == "ratio" else 0.0
    return "up" if not absent(estimate) and float(estimate) >= neutral else "down"


def _places(share: Any) -> int:
    return 1 if not absent(share) and 0 < abs(float(share)) < 0.0995 else 0


VERDICT = ("cost", "probability", "share")
CODES = (
    "purchases", "spend", "lifetime", "retention_rises", "cltv", "cltv_difference", "cltv_alike", "arpu",
    "ru", "cac",
)  # fmt: skip
READERS: Mapping[str, Callable[[Fields, Words], tuple[str, dict[str, Any]]]] = {
    **{f"economics.{code}": said for code in CODES},
    **{f"economics.{code}": said for code in ("behaviours_none", "bridge", "referrals", "prospects")},
    "economics.behaviour": _behaviour,
    "economics.improvement": _improvement,
    "economics.improvement_none": _improvement_none,
}
