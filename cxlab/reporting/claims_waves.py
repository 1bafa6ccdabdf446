"""What the claims on waves put into their sentences."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from babel.dates import format_skeleton

from cxlab.reporting.units import unit_of_claim
from cxlab.reporting.words import Words, absent, digits_for

Fields = Mapping[str, Any]
Said = tuple[str, dict[str, Any]]
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


def wave_name(value: object, words: Words, *, short: bool = False) -> str:
    """Return a wave as its label says it, a month (2024-11) as the language writes it.

    Examples
    --------
    >>> wave_name("2024-11", Words("es")), wave_name("2024-11", Words("en"), short=True)
    ('noviembre de 2024', 'Nov 2024')
    """
    month = _MONTH.fullmatch(str(value))
    if not month:
        return words.category(value)
    day = date(int(month[1]), int(month[2]), 1)
    return str(format_skeleton("yMMM" if short else "yMMMM", day, locale=words.language))


def _common(fields: Fields, words: Words) -> dict[str, Any]:
    metric = fields.get("metric", "")
    return {
        "metric": words.metric(metric, "the") if metric else "",
        "wave": wave_name(fields.get("wave", ""), words),
        "previous": wave_name(fields.get("previous", ""), words),
    }


def _amount(fields: Fields, words: Words, name: str = "estimate", *, difference: bool = False) -> str:
    unit = unit_of_claim(fields)
    digits = digits_for(unit, fields.get("conf_low"), fields.get("conf_high"))
    return words.amount(fields.get(name), unit, digits=digits, difference=difference)


def _size(fields: Fields, words: Words, name: str = "estimate") -> str:
    value: Any = fields.get(name)
    return _amount({**fields, name: value if absent(value) else abs(value)}, words, name, difference=True)


def _signed(fields: Fields, words: Words, name: str = "estimate") -> str:
    value: Any = fields.get(name)
    plus = "+" if not absent(value) and value > 0 else ""
    return plus + _amount(fields, words, name, difference=True)


def _way(fields: Fields) -> str:
    value: Any = fields.get("estimate")
    return "down" if not absent(value) and value < 0 else "up"


def _watched(fields: Fields, words: Words) -> dict[str, Any]:
    return {
        **_common(fields, words),
        "amount": _amount(fields, words),
        "low": words.number(fields.get("limit_low"), 0),
        "high": words.number(fields.get("limit_high"), 0),
        "monitored": words.number(fields.get("monitored"), 0),
        "baseline": words.number(fields.get("baseline"), 0),
        "signals": words.number(fields.get("signals"), 0),
        "waves": words.number(fields.get("waves"), 0),
    }


def _signal(fields: Fields, words: Words) -> Said:
    return f"{fields.get('rule', 'beyond')}.{fields.get('side', 'above')}", _watched(fields, words)


def _steady(fields: Fields, words: Words) -> Said:
    return "", _watched(fields, words)


def _record(fields: Fields, words: Words) -> Said:
    return str(fields.get("side", "highest")), _watched(fields, words)


def _changed(fields: Fields, words: Words) -> dict[str, Any]:
    detectable: Any = fields.get("detectable")
    return {
        **_common(fields, words),
        "size": _size(fields, words),
        "signed": _signed(fields, words),
        "detectable": words.amount(
            detectable, unit_of_claim(fields), digits=1, difference=True
        ),
        "waves": words.number(fields.get("waves"), 0),
    }  # fmt: skip


def _moved(fields: Fields, words: Words) -> Said:
    alike = "same_mode." if fields.get("same_mode") else ""
    return f"{alike}{_way(fields)}", _changed(fields, words)


def _unmoved(fields: Fields, words: Words) -> Said:
    return str(fields.get("side") or ""), _changed(fields, words)


def _trend(fields: Fields, words: Words) -> Said:
    return _way(fields), _changed(fields, words)


def _no_trend(fields: Fields, words: Words) -> Said:
    return "", _changed(fields, words)


def _held(fields: Fields, words: Words) -> str:
    names = [words.label(name) for name in (*fields.get("mix", ()), fields.get("mode") or "") if name]
    return words.listed([f"«{name}»" if words.language == "es" else f"“{name}”" for name in names])


def _part(fields: Fields, words: Words) -> Said:
    part = str(fields.get("part", "rest"))
    held = _held(fields, words)
    variant = "rest_plain" if part == "rest" and not held else part
    return variant, {**_changed(fields, words), "held": held}


def _parts_open(fields: Fields, words: Words) -> Said:
    return "", _common(fields, words)


def _segment(fields: Fields, words: Words) -> Said:
    column = fields.get("column", "")
    return "alone" if fields.get("still") else "", {
        **_common(fields, words),
        "column": words.label(column),
        "segment": words.label(column, fields.get("segment")),
        "signed": _signed(fields, words),
        "change": _signed(fields, words, "change"),
        "total": _signed(fields, words, "total"),
    }


def _always(fields: Fields, words: Words) -> Said:
    return "", {
        "amount": _amount(fields, words),
        "good": words.amount(fields.get("good"), "percent", digits=0),
        "chance": words.amount(fields.get("chance"), "percent", digits=1),
    }


def _equal(fields: Fields, words: Words) -> Said:
    return _way(fields), {"size": _size(fields, words)}


def _streaks(fields: Fields, words: Words) -> Said:
    value: Any = fields.get("estimate")
    way = "apart" if not absent(value) and value > 1 else "together"
    return way, {"amount": words.number(value, 2)}


def _between(fields: Fields, words: Words) -> Said:
    return "person" if fields.get("person") else "", {
        "column": words.label(fields.get("column", "")),
        "groups": words.number(fields.get("groups"), 0),
        "size": _size(fields, words),
        "share": words.percent(fields.get("share"), 1),
    }


READERS: Mapping[str, Callable[[Fields, Words], Said]] = {
    "waves.signal": _signal,
    "waves.steady": _steady,
    "waves.unwatched": _steady,
    "waves.ordinary_record": _record,
    "waves.moved": _moved,
    "waves.unmoved": _unmoved,
    "waves.trend": _trend,
    "waves.no_trend": _no_trend,
    "waves.part": _part,
    "waves.parts_open": _parts_open,
    "waves.segment": _segment,
    "waves.always": _always,
    "waves.unequal": _equal,
    "waves.equal": _equal,
    "waves.streaks": _streaks,
    "waves.no_streaks": _streaks,
    "waves.between": _between,
    "waves.no_between": _between,
}
DIFFERENCES = frozenset({
    "waves.moved", "waves.unmoved", "waves.trend", "waves.no_trend", "waves.part", "waves.segment",
    "waves.unequal", "waves.equal", "waves.between", "waves.no_between",
})  # fmt: skip
