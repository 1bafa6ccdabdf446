"""What the claims on gaps to peers put into their sentences: equal mix, cells, margins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cxlab.reporting.units import unit_of_claim
from cxlab.reporting.words import Words, digits_for

Fields = Mapping[str, Any]


def _said(fields: Fields, words: Words) -> dict[str, Any]:
    """Return who is compared with whom in which index."""
    return {
        "metric": words.metric(fields.get("metric", ""), "the"),
        "focal": words.category(fields.get("focal")),
        "peer": words.category(fields.get("peer")),
    }


def _points(fields: Fields, words: Words, *names: str, least: int = 0) -> dict[str, str]:
    """Return signed numbers, with one number of decimals and `least` of them."""
    digits = max(least, digits_for(unit_of_claim(fields), fields.get("conf_low"), fields.get("conf_high")))
    return {name: words.signed(fields.get(name), digits) for name in names}


def _columns(fields: Fields, words: Words) -> str:
    return words.listed([words.label(column) for column in fields.get("columns", ())])


def _mix(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "", {
        **_said(fields, words),
        **_points(fields, words, "crude", "performance", "estimate", least=1),
        "columns": _columns(fields, words),
    }


def _mix_alike(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "", {**_said(fields, words), "columns": _columns(fields, words), **_least(fields, words)}


def _least(fields: Fields, words: Words) -> dict[str, Any]:
    """Return how many were compared, and the difference that would have been seen."""
    value, unit = fields.get("detectable", float("nan")), unit_of_claim(fields) or "points"
    digits = (0 if value >= 3 else 1) if unit in ("points", "percent") else None
    return {
        "count": int(fields.get("peers", 2)),
        "detectable": words.amount(value, unit, digits=digits, difference=True),
    }


def margin_said(margin: Any, unit: str, words: Words) -> str:
    """Return a declared margin as it was declared, without decimals that nobody wrote."""
    return words.amount(margin, unit, digits=0 if float(margin) == int(margin) else None, difference=True)


def _equivalent(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    unit = unit_of_claim(fields) or "points"
    return "cell" if fields.get("cell") else "", {
        **_said(fields, words),
        "margin": margin_said(fields.get("margin"), unit, words),
        "cell": words.cell(fields.get("column", ""), fields.get("cell", "")),
    }


def _best(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    unit = unit_of_claim(fields) or "points"
    digits = digits_for(unit, fields.get("conf_low"), fields.get("conf_high"))
    return "", {
        **_said(fields, words),
        **_points(fields, words, "to_median"),
        "size": words.amount(abs(fields["estimate"]), unit, digits=digits, difference=True),
        "cell": words.cell(fields.get("column", ""), fields.get("cell", "")),
    }


def _matrix(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    least = _least(fields, words)
    return "", {
        **_said(fields, words),
        "count": int(fields.get("cells", 2)),
        "detectable": least["detectable"],
        "column": words.crossing(fields.get("column", "")),
    }


def _matrix_few(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "", {**_said(fields, words), "column": words.crossing(fields.get("column", ""))}


def _pooled_few(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "", {
        **_said(fields, words),
        "column": words.crossing(fields.get("column", "")),
        "count": int(fields.get("cells", 2)),
        "least": words.number(fields.get("least"), 0),
    }


READERS: Mapping[str, Callable[[Fields, Words], tuple[str, dict[str, Any]]]] = {
    "benchmark.ahead_of_all": _best,
    "benchmark.behind_best": _best,
    "benchmark.equivalent": _equivalent,
    "benchmark.gaps_alike": _matrix,
    "benchmark.gaps_few": _matrix_few,
    "benchmark.pooled_few": _pooled_few,
    "benchmark.mix": _mix,
    "benchmark.mix_alike": _mix_alike,
}
