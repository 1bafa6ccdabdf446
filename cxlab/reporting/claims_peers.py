"""What the claims on published numbers, the best in class and funnels put into their sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cxlab.reporting.units import unit_of_claim
from cxlab.reporting.words import Words, absent, digits_for

Fields = Mapping[str, Any]
DIFFERENCES = ("benchmark.published", "benchmark.published_gap", "benchmark.best_distance")
ABOUT_ONE = 1.5
SURE = 0.9  # chance from which the best is called the best


def _metric(fields: Fields, words: Words) -> dict[str, Any]:
    return {"metric": words.metric(fields.get("metric", ""), "the")}


def _amount(fields: Fields, words: Words, name: str, *, difference: bool = False) -> str:
    """Return one of the claim's numbers with the decimals that its interval allows."""
    unit, value = unit_of_claim(fields), fields.get(name)
    digits = digits_for(unit, fields.get("conf_low"), fields.get("conf_high"))
    if difference and value is not None and not absent(value) and abs(float(value)) < ABOUT_ONE:
        digits = max(digits, 1)  # one point, not "1 points"
    size = abs(float(value)) if difference and value is not None and not absent(value) else value
    return words.amount(size, unit, digits=digits, difference=difference)


def _published(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    above = not absent(fields.get("estimate")) and float(fields["estimate"]) >= 0
    side = "up" if above else "down"
    value = fields.get("value")
    printed = 0 if absent(value) else next((d for d in (0, 1) if round(float(value), d) == value), 2)  # type: ignore[arg-type]
    return side if fields.get("holds", True) else f"{side}_fragile", {
        **_metric(fields, words),
        "peer": words.category(fields.get("peer")),
        "size": _amount(fields, words, "estimate", difference=True),
        "value": words.amount(value, unit_of_claim(fields), digits=printed),
        "date": words.label("wave_id", fields.get("date", "")),
    }


def _published_alike(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "", {
        **_metric(fields, words),
        "count": int(fields.get("numbers", 1)),
        "detectable": words.amount(
            fields.get("detectable"), unit_of_claim(fields) or "points", digits=0, difference=True
        ),
    }


def _best(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    sure = not absent(fields.get("p_best")) and float(fields["p_best"]) >= SURE
    return "sure" if sure else "open", {
        **_metric(fields, words),
        "best": words.category(fields.get("best")),
        "raw": _amount(fields, words, "raw"),
        "amount": _amount(fields, words, "estimate"),
        "chance": _chance(fields, words),
        "units": words.number(fields.get("units"), 0),
    }


def _chance(fields: Fields, words: Words) -> str:
    """Return a chance in whole percent; one close to all is not all."""
    p = fields.get("p_best")
    if p is None or absent(p) or float(p) < 0.995:
        return words.percent(p, 0)
    return words("claim.above", amount=words.percent(0.99, 0))


def _best_distance(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    low, high = fields.get("conf_low"), fields.get("conf_high")
    apart = not (absent(low) or absent(high)) and float(low) * float(high) > 0  # type: ignore[arg-type]
    side = "ahead" if apart and float(low) > 0 else "behind" if apart else "open"  # type: ignore[arg-type]
    return side, {
        **_metric(fields, words),
        "focal": words.category(fields.get("focal")),
        "size": _amount(fields, words, "estimate", difference=True),
    }


def _level(fields: Fields, words: Words, name: str) -> str:
    unit = str(fields.get("target_unit", "points"))
    return words.amount(fields.get(name), unit, digits=2 if unit == "scale" else 1)


def _funnel(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    counts = {name: int(fields.get(name, 0)) for name in ("above", "below", "units")}
    found = "some" if counts["above"] or counts["below"] else "none"
    return f"dispersed_{found}" if fields.get("dispersed") else found, {
        **_metric(fields, words),
        "target": _level(fields, words, "target"),
        **{name: words.number(count, 0) for name, count in counts.items()},
    }


def _funnel_focal(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return str(fields.get("position", "inside")), {
        **_metric(fields, words),
        "focal": words.category(fields.get("focal")),
        **{name: _level(fields, words, name) for name in ("target", "value", "low", "high")},
    }


def _variance(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    shares = {name: words.percent(fields.get(name), 0) for name in ("outer", "outer_low", "outer_high")}
    return "", {
        **_metric(fields, words),
        **shares,
        "amount": words.percent(fields.get("estimate"), 0),
        "column": words.label(fields.get("column", "")),
        "first": words.label(fields.get("first", "")),
    }


READERS: Mapping[str, Callable[[Fields, Words], tuple[str, dict[str, Any]]]] = {
    "benchmark.published": _published,
    "benchmark.published_gap": _published,
    "benchmark.published_alike": _published_alike,
    "benchmark.best": _best,
    "benchmark.best_distance": _best_distance,
    "benchmark.funnel": _funnel,
    "benchmark.variance": _variance,
    "benchmark.funnel_focal": _funnel_focal,
}
