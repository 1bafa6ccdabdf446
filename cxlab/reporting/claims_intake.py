"""What claims about a data set put into their sentences: rows, bases, missing answers, contacts, weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from cxlab.reporting.words import Words, absent, digits_for

Fields = Mapping[str, Any]
Said = tuple[str, dict[str, Any]]


def _count(fields: Fields, name: str, words: Words) -> str:
    return words.number(fields.get(name), 0)


def _share(fields: Fields, words: Words, *, difference: bool = False) -> str:
    """Return a claim's estimate as a percentage; a difference without its sign, in percentage points."""
    value = fields.get("estimate")
    digits = digits_for("share", fields.get("conf_low"), fields.get("conf_high"))
    size = abs(float(value)) if difference and value is not None and not absent(value) else value
    return words.amount(size, "share", digits=digits, difference=difference)


def _kept(fields: Fields, words: Words) -> Said:
    return "", {
        "count": int(fields.get("files", 1)),
        **{name: _count(fields, name, words) for name in ("read", "used", "excluded")},
        "reason": words.reason(fields.get("reason", "")),
        "of_reason": _count(fields, "of_reason", words),
    }


def _levels(fields: Fields, words: Words) -> Said:
    """Name the levels; where some of their cells are low, with how many of how many."""
    named = []
    for level in fields.get("levels", ()):
        label = words.crossing(level["variable"])
        counts = {name: words.number(level[name], 0) for name in ("low", "cells")}
        named.append(words("intake.level", level=label, **counts) if level["low"] else label)
    return "", {"levels": words.listed(named), "minimum": _count(fields, "minimum", words)}


def _unexplained(fields: Fields, words: Words) -> Said:
    return "", {
        "count": int(fields.get("over") or fields.get("items", 1)),
        "items": _count(fields, "items", words),
        "limit": words.percent(fields.get("limit"), 0),
        "item": words.label(fields.get("column", "")),
        "amount": _share(fields, words),
    }


def _skip(fields: Fields, words: Words) -> Said:
    named = [words("intake.item", item=words.label(item)) for item in fields.get("items", ())]
    return "declared" if fields.get("declared") else "open", {
        "count": len(named) or 1,
        "items": words.listed(named),
        "amount": _share(fields, words),
    }


def _dark(fields: Fields, words: Words) -> Said:
    cell = fields.get("cell") or {}
    return "", {
        **{name: _count(fields, name, words) for name in ("cells", "minimum")},
        "count": int(fields.get("dark", 1)),
        "amount": _share(fields, words),
        "cell": " × ".join(words.label(name, value) for name, value in cell.items()),
    }


def _measured(fields: Fields, words: Words) -> Said:
    low = int(fields.get("low", 0))
    said = {name: _count(fields, name, words) for name in ("cells", "minimum", "low_base")}
    return ("low", {**said, "count": low}) if low else ("", said)


def _gap(fields: Fields, words: Words) -> Said:
    column, value = fields.get("column", ""), fields.get("estimate")
    return "up" if not absent(value) and float(value or 0) >= 0 else "down", {
        "segment": words.cell(column, fields.get("segment")),
        "column": words.crossing(column),
        "size": _share(fields, words, difference=True),
        "before": words.percent(fields.get("before"), 1),
        "target": words.percent(fields.get("target"), 1),
    }


def _alike(fields: Fields, _words: Words) -> Said:
    return "", {"count": int(fields.get("categories", 1))}


def _cost(fields: Fields, words: Words) -> Said:
    return "equal" if float(fields.get("ratio", 1)) < 1 + 1e-9 else "", {
        "n": _count(fields, "n", words),
        "n_eff": _count(fields, "n_eff", words),
        "design_effect": words.number(fields.get("design_effect"), 2),
        "ratio": words.number(fields.get("ratio"), 1),
    }


def _unweighted(fields: Fields, words: Words) -> Said:
    return "", {"n": _count(fields, "n", words)}


def _raked(fields: Fields, words: Words) -> Said:
    days = [words.date(date.fromisoformat(day)) for day in sorted(fields.get("dates", ()))]
    sources = [str(source) for source in fields.get("sources", ())]
    variant = ("dated" if days else "source") if sources else ""
    return variant, {
        "columns": words.listed([words.label(name) for name in fields.get("columns", ())]),
        "source": words.listed(sources),
        "date": days[0] if days else "",
    }


def _given(fields: Fields, _words: Words) -> Said:
    return "", {"column": str(fields.get("column", ""))}


def _rules(fields: Fields, words: Words) -> Said:
    return "", {name: _count(fields, name, words) for name in ("rules", "ok", "warnings", "unchecked")}


def _said(_fields: Fields, _words: Words) -> Said:
    return "", {}


READERS: Mapping[str, Callable[[Fields, Words], Said]] = {
    "intake.kept": _kept,
    "intake.all_kept": _kept,
    "intake.publish": _levels,
    "intake.with_care": _levels,
    "intake.hold": _levels,
    "intake.explained": _unexplained,
    "intake.unexplained": _unexplained,
    "intake.skip": _skip,
    "intake.dark": _dark,
    "intake.measured": _measured,
    "intake.rules": _rules,
    "intake.no_log": _said,
    "intake.log_unplaced": _said,
    "intake.gap": _gap,
    "intake.alike": _alike,
    "intake.weight_cost": _cost,
    "intake.unweighted": _unweighted,
    "weights.raked": _raked,
    "weights.given": _given,
    "weights.none": _said,
}
