"""What the claims on areas and their managers put into their sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cxlab.reporting.words import Words, absent

Fields = Mapping[str, Any]


def _area(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    low, high = fields.get("rank_low"), fields.get("rank_high")
    variant = "" if absent(low) else "place" if low == high else "places"
    return variant, {
        "area": words.label("area_id", fields.get("area", "")),
        "amount": words.amount(fields.get("estimate"), "share", digits=0),
        "contribution": words.percent(fields.get("contribution"), 0),
        "outcome": words.metric(fields.get("outcome", ""), "the"),
        "rank_low": words.number(low, 0),
        "rank_high": words.number(high, 0),
        "areas": words.number(fields.get("areas"), 0),
    }


def _first(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "", _area(fields, words)[1]


def _open(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    candidates = int(fields.get("candidates", 2))
    return "many" if candidates > 2 else "", {
        **_area(fields, words)[1],
        "second": words.label("area_id", fields.get("second", "")),
        "candidates": words.number(candidates, 0),
    }


def _unseen(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    amount = words.amount(fields.get("estimate"), "share", digits=0)
    return "", {"count": int(fields.get("areas", 2)), "amount": amount}


def _mirror(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    numbers = ("minimum", "managers", "drivers", "place")
    low, high = (words.number(fields.get(end), 0) for end in ("rank_low", "rank_high"))
    return "", {
        "places": low if low == high else words("interval", low=low, high=high),
        "driver": words.covariate(fields.get("driver", "")),
        **{name: words.number(fields.get(name), 0) for name in numbers},
        **{name: words.number(fields.get(name), 2) for name in ("value", "value_low", "value_high")},
    }


def _mirror_order(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "" if absent(fields.get("value_low")) else "range", _mirror(fields, words)[1]


def _mirror_gap(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return str(fields.get("verdict", "above")), _mirror(fields, words)[1]


READERS: Mapping[str, Callable[[Fields, Words], tuple[str, dict[str, Any]]]] = {
    "drivers.area": _area,
    "drivers.area_first": _first,
    "drivers.areas_open": _open,
    "drivers.area_unseen": _unseen,
    "drivers.area_nobody": _first,
    "drivers.area_none": _first,
    "drivers.areas_nothing": _first,
    "drivers.mirror_few": _mirror,
    "drivers.mirror_gap": _mirror_gap,
    "drivers.mirror_inside": _mirror,
    "drivers.mirror_none": _mirror,
    "drivers.mirror_order": _mirror_order,
}
