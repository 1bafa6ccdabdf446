"""What the claims on staying and leaving put into their sentences: means, reasons."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cxlab.reporting.units import unit_of_claim
from cxlab.reporting.words import Words, digits_for

Fields = Mapping[str, Any]


def since(fields: Fields, words: Words) -> tuple[str, str]:
    """Return the variant of a claim whose clock starts at something, and what that is called."""
    column = str(fields.get("since") or "")
    return ("since", words.label(column.removesuffix("_months"))) if column else ("", "")


def _time(fields: Fields, words: Words) -> str:
    return words.amount(fields.get("time"), str(fields.get("time_unit", "months")))


def _mean(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    column = fields.get("column", "")
    digits = digits_for("months", fields.get("conf_low"), fields.get("conf_high"))
    return "", {
        "time": _time(fields, words),
        "amount": words.amount(fields.get("estimate"), unit_of_claim(fields), digits=max(digits, 1)),
        "column": words.crossing(column),
        **{end: words.cell(column, fields.get(end)) for end in ("segment", "other")},
    }


def _incidence(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    column = fields.get("column", "")
    ends = ("lowest", "highest")
    return "", {
        "cause": words.label(fields.get("cause_column", "cause"), fields.get("cause")),
        "time": _time(fields, words),
        "amount": words.amount(fields.get("estimate"), "share"),
        "column": words.crossing(column),
        **{end: words.cell(column, fields.get(end)) for end in ends},
        **{f"{end}_estimate": words.percent(fields.get(f"{end}_estimate"), 1) for end in ends},
    }


def _lifetime(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    digits = max(digits_for("months", fields.get("conf_low"), fields.get("conf_high")), 1)
    unit = unit_of_claim(fields)
    return "", {
        "amount": words.amount(fields.get("estimate"), unit, digits=digits),
        "horizon": words.amount(fields.get("horizon"), unit),
        "distribution": words.label("distribution", fields.get("distribution")),
        "tried": words.number(fields.get("distributions"), 0),
        "lowest": words.number(fields.get("lowest"), digits),
        "highest": words.number(fields.get("highest"), digits),
        "share": words.percent(fields.get("extrapolated_share")),
    }


def _months(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    start, end = fields.get("start"), fields.get("end")
    told = {"start": words.number(start, 0), "end": words.number(end, 0)}
    column, segment = fields.get("column", ""), fields.get("segment")
    return "" if segment is None else "segment", {
        "months": words("months.one" if start == end else "months.several", **told),
        "amount": words.number(fields.get("estimate"), 1),
        "segment": words.cell(column, segment),
    }


def _bond(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "", {
        "amount": words.amount(fields.get("estimate"), "share"),
        "at_most": words.number(fields.get("at_most")),
    }


def _absent(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    columns = [words("quoted", text=words.label(name)) for name in fields.get("columns", ())]
    return "", {
        "columns": words.listed(columns), "time": _time(fields, words), "count": fields.get("count", 1),
    }  # fmt: skip


def _unseen(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "", {"time": _time(fields, words)}


def _entry_ignored(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "", {
        "time": _time(fields, words),
        "amount": words.amount(fields.get("estimate"), "share"),
        "ignored": words.amount(fields.get("entry_ignored"), "share"),
        "late": words.number(fields.get("late"), 0),
    }


READERS: Mapping[str, Callable[[Fields, Words], tuple[str, dict[str, Any]]]] = {
    "retention.entry_ignored": _entry_ignored,
    "retention.mean": _mean,
    "retention.mean_difference": _mean,
    "retention.mean_alike": _mean,
    "retention.lifetime": _lifetime,
    "retention.raised": _months,
    "retention.uneven": _months,
    "retention.even": _months,
    "retention.hostage": _bond,
    "retention.free": _bond,
    "retention.absent": _absent,
    "retention.unseen": _unseen,
    "incidence.level": _incidence,
    "incidence.difference": _incidence,
    "incidence.alike": _incidence,
}
