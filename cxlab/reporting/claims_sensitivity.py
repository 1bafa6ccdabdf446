"""What the claims on a sweep put into their sentences, and how its choices and options are called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cxlab.reporting.units import unit_of_claim
from cxlab.reporting.words import Words, absent, digits_for

Fields = Mapping[str, Any]
CHOICE = "choice_"  # what an analysis calls the column of a choice, before its parameter
OPTIONS = ("option", "from_option", "to_option")
WITHOUT = ("failed", "suppressed", "absent", "unpublished")
BOOLEAN = {"true": "yes", "false": "no"}
COLUMNS = ("controls", "covariates", "drivers", "by", "strata", "attributes", "indices", "blocks_by", "unit")
INDEX = ("outcome", "metric")  # parameters whose options are indices


def choice(name: object, words: Words) -> str:
    """Return what a parameter is called."""
    key = f"parameter.{name}"
    return words(key) if words.known(key) else words.label(name)


def option(name: object, value: object, words: Words) -> str:
    """Return what a value of a parameter is called."""
    text = str(value)
    for key in (
        f"option.{name}.{text or 'empty'}",
        "option.empty" if not text else f"table.{BOOLEAN.get(text)}",
    ):
        if words.known(key):
            return words(key)
    if name in INDEX:
        return words.metric(text)
    if name in COLUMNS:
        return ", ".join(words.label(column) for column in text.split(", "))
    return words.number(float(text)) if _is_fraction(text) else words.label(name, text)


def names_choice(column: str) -> bool:
    """Tell whether a column of a table holds choices or their options."""
    return column.startswith(CHOICE) or column in ("choice", "choices", *OPTIONS)


def cell(column: str, value: object, record: Mapping[str, Any], words: Words) -> str:
    """Return a cell of such a column."""
    if value is None:
        return ""
    if column in ("choice", "choices"):
        names = [choice(name, words) for name in str(value).split(" x ") if name]
        return " × ".join(names) or words("sensitivity.more")
    return option(record.get("choice", column.removeprefix(CHOICE)), value, words)


def _is_fraction(text: str) -> bool:
    return text.count(".") == 1 and text.replace(".", "").isdecimal()


def amount(fields: Fields, value: Any, words: Words, *, difference: bool = False) -> str:
    """Return a number in the estimate's unit, with the decimals that the error of one leaves."""
    unit, error = unit_of_claim(fields), fields.get("error")
    reach = None if absent(error) else 2 * float(error or 0)
    digits = digits_for(unit, None if reach is None else -reach, reach)
    return words.amount(value, unit, digits=digits, difference=difference)


def bound(fields: Fields, value: float, words: Words, *, difference: bool = False) -> str:
    """Return a number that somebody chose, with the decimals it needs; nothing at all is zero in words."""
    unit = unit_of_claim(fields)
    if value == 0 and not difference:
        return words("sensitivity.zero")
    shown = value * (100 if unit == "share" else 1)
    digits = next((k for k in range(4) if round(shown, k) == round(shown, 6)), 4)
    return words.amount(value, unit, digits=digits, difference=difference)


def _said(fields: Fields, words: Words) -> dict[str, Any]:
    null, smallest = float(fields.get("null", 0.0)), float(fields.get("smallest_effect", 0.0))
    quantity = str(fields.get("quantity") or "")
    below = fields.get("side") == "below"
    return {
        "what": words("sensitivity.named", quantity=quantity) if quantity else words("sensitivity.unnamed"),
        "bound": bound(fields, null - smallest if below else null + smallest, words),
        "null": bound(fields, null, words),
        "smallest": bound(fields, smallest, words, difference=True),
        **{name: amount(fields, fields.get(name), words) for name in ("lowest", "highest")},
        "median": amount(fields, fields.get("estimate"), words),
        **{
            name: words.number(fields.get(name), 0)
            for name in ("done", "specifications", "above", "below", "same_sign")
        },
        "times": words.number(fields.get("count"), 0),
    }


def _robust(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return str(fields.get("side", "")), _said(fields, words)


def _fragile(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    sides = bool(fields.get("above")) and bool(fields.get("below"))
    turning = (
        words(
            "sensitivity.turning",
            choice=choice(fields["choice"], words),
            turned=words.number(fields.get("turned"), 0),
            compared=words.number(fields.get("compared"), 0),
        )
        if fields.get("choice")
        else ""
    )
    return "sides" if sides else str(fields.get("side", "")), {**_said(fields, words), "turning": turning}


def _none(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    reach = fields.get("detectable")
    shown = "" if absent(reach) else amount(fields, reach, words, difference=True)
    said = words("sensitivity.detectable", detectable=shown) if shown else ""
    return "smallest" if fields.get("smallest_effect") else "", {**_said(fields, words), "reach": said}


def _choice(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    name, change, error = fields.get("choice", ""), fields.get("estimate"), fields.get("error")
    quiet = not absent(error) and not absent(change) and abs(float(change or 0)) < float(error or 0)
    variant = "apart" if absent(change) else "only" if fields.get("choices") == 1 else ""
    beside = words("sensitivity.quiet", error=amount(fields, error, words, difference=True)) if quiet else ""
    return variant, {
        **_said(fields, words),
        "choice": choice(name, words),
        "share": words.percent(fields.get("share"), 0),
        **{end: option(name, fields.get(f"{end}_option", ""), words) for end in ("from", "to")},
        "amount": amount(fields, change, words, difference=True),
        "beside": beside,
    }


def _reference(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    status = str(fields.get("status", "done"))
    return "" if status == "done" else "missing", {
        **_said(fields, words),
        "amount": amount(fields, fields.get("estimate"), words),
        "rank": words.number(fields.get("rank"), 0),
        "status": words.label("status", status),
    }


def _missing(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    counts = {status: int(fields.get(status, 0)) for status in WITHOUT}
    parts = [words.plural(f"sensitivity.{status}", count) for status, count in counts.items() if count]
    name = fields.get("choice", "")
    return "shared" if name else "", {
        "count": int(fields.get("missing", 2)),
        "specifications": words.number(fields.get("specifications"), 0),
        "parts": words.listed(parts),
        "choice": choice(name, words),
        "option": option(name, fields.get("option", ""), words),
    }


READERS: Mapping[str, Callable[[Fields, Words], tuple[str, dict[str, Any]]]] = {
    "sensitivity.robust": _robust,
    "sensitivity.fragile": _fragile,
    "sensitivity.none": _none,
    "sensitivity.range": _robust,
    "sensitivity.choice": _choice,
    "sensitivity.reference": _reference,
    "sensitivity.missing": _missing,
}
