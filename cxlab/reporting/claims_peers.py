"""What the claims on published numbers, the best in class and funnels put into their sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cxlab.reporting.units import unit_of_claim
from cxlab.reporting.words import Words, absent, digits_for

Fields = Mapping[str, Any]


def _metric(fields: Fields, words: Words) -> dict[str, Any]:
    return {"metric": words.metric(fields.get("metric", ""), "the")}


def _amount(fields: Fields, words: Words, name: str, *, difference: bool = False) -> str:
    """Return one of the claim's numbers with the decimals that its interval allows."""
    unit, value = unit_of_claim(fields), fields.get(name)
    digits = digits_for(unit, fields.get("conf_low"), fields.get("conf_high"))
    size = abs(float(value)) if difference and value is not None and not absent(value) else value
    return words.amount(size, unit, digits=digits, difference=difference)


def _published(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    above = not absent(fields.get("estimate")) and float(fields["estimate"]) >= 0
    return "up" if above else "down", {
        **_metric(fields, words),
        "peer": words.category(fields.get("peer")),
        "size": _amount(fields, words, "estimate", difference=True),
        "value": _amount(fields, words, "value"),
        "date": str(fields.get("date", "")),
    }


def _published_alike(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "", {
        **_metric(fields, words),
        "count": int(fields.get("numbers", 1)),
        "detectable": words.amount(
            fields.get("detectable"), unit_of_claim(fields) or "points", digits=0, difference=True
        ),
    }


READERS: Mapping[str, Callable[[Fields, Words], tuple[str, dict[str, Any]]]] = {
    "benchmark.published": _published,
    "benchmark.published_gap": _published,
    "benchmark.published_alike": _published_alike,
}
