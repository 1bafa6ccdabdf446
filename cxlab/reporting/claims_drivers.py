"""What the claims on segments and on what-ifs put into their sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cxlab.reporting.units import unit_of_claim
from cxlab.reporting.words import Words, absent, digits_for

Fields = Mapping[str, Any]


def _places(fields: Fields, words: Words) -> dict[str, Any]:
    return {
        "driver": words.covariate(fields.get("driver", "")),
        "outcome": words.metric(fields.get("outcome", ""), "the"),
        "column": words.crossing(fields.get("column", "")),
    }


def _effect(fields: Fields, words: Words, name: str = "estimate") -> str:
    """Return a difference in the outcome's unit, with the decimals that its interval allows."""
    unit = unit_of_claim(fields)
    digits = digits_for(unit, fields.get("conf_low"), fields.get("conf_high"))
    return words.amount(fields.get(name), unit, digits=digits, difference=True)


def _segment(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    column, other = fields.get("column", ""), fields.get("other", "")
    share = fields.get("measure", "share") == "share"
    up = absent(fields.get("estimate")) or float(fields["estimate"]) > 0
    others = words("drivers.segment.others")
    one = words("drivers.segment.one", segment=words.cell(column, other))
    return ("share.up" if up else "share.down") if share else "coefficient", {
        **_places(fields, words),
        "segment": words.cell(column, fields.get("segment", "")),
        "amount": _effect(fields, words),
        "other": others if other == "" else one,
        **{
            name: words.percent(fields.get(name), 0) if share else _effect(fields, words, name)
            for name in ("value", "other_value")
        },
    }


def _alike(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    least = fields.get("detectable")
    known = not absent(least)
    return "detectable" if known else "", {
        **_places(fields, words),
        "count": int(fields.get("segments", 2)),
        "detectable": words.amount(least, "share", digits=0, difference=True) if known else "",
    }


def _simpson(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return str(fields.get("kind", "shrunk")), {
        **_places(fields, words),
        "pooled": _effect(fields, words, "pooled"),
        "within": _effect(fields, words),
    }


def _elsewhere(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "", {**_places(fields, words), "count": int(fields.get("segments", 2))}


def _lift(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "", {
        **_places(fields, words),
        "cut": words.number(fields.get("at_most")),
        "moved": words.percent(fields.get("moved"), 0),
        "amount": _effect(fields, words),
    }


def _no_lift(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "", {**_places(fields, words), "count": int(fields.get("drivers", 2))}


READERS: Mapping[str, Callable[[Fields, Words], tuple[str, dict[str, Any]]]] = {
    "drivers.segment": _segment,
    "drivers.segments_alike": _alike,
    "drivers.simpson": _simpson,
    "drivers.first_elsewhere": _elsewhere,
    "drivers.lift": _lift,
    "drivers.no_lift": _no_lift,
}
