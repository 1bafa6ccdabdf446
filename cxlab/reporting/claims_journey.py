"""What the claims on journeys put into their sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cxlab.reporting.units import unit_of_claim
from cxlab.reporting.words import Words, absent, digits_for

Fields = Mapping[str, Any]


def _amount(fields: Fields, words: Words, name: str = "estimate", *, difference: bool = False) -> str:
    unit, value = unit_of_claim(fields), fields.get(name)
    digits = digits_for(unit, fields.get("conf_low"), fields.get("conf_high"))
    size = abs(float(value)) if difference and value is not None and not absent(value) else value
    return words.amount(size, unit, digits=digits, difference=difference)


def _step(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "", _where(fields, words)


def _where(fields: Fields, words: Words) -> dict[str, Any]:
    return {"step": words.label(fields.get("step", "")), "amount": _amount(fields, words)}


def _switches(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    gap = fields.get("gap")
    return "declared" if gap is None or absent(gap) else "", {
        **_where(fields, words),
        "episodes": words.number(fields.get("episodes"), 0),
        "several": words.percent(fields.get("several"), 1),
        "gap": words.number(gap),
    }


def _move(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    step = fields.get("step", "")
    ends = {end: words.label(step, fields.get(end)) for end in ("start", "end")}
    return "", {**_where(fields, words), **ends}


def _coherence(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    said = [words(f"journey.condition.{name}") for name in fields.get("conditions", ())]
    return "", {**_where(fields, words), "conditions": words.listed(said)}


def _switch(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    side = "up" if float(fields.get("estimate") or 0) >= 0 else "down"
    return _each(fields, side) if fields.get("term", "switch") == "switch" else side, {
        **_where(fields, words),
        "score": words.metric(fields.get("score", ""), "the"),
        "term": words.label("term", fields.get("term", "")),
        "size": _amount(fields, words, difference=True),
    }


def _each(fields: Fields, side: str = "") -> str:
    """Return the variant of a claim in which each switch counts."""
    return "_".join(part for part in ("each" if fields.get("per") == "switch" else "", side) if part)


def _clean(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    unit = unit_of_claim(fields)
    digits = digits_for(unit, fields.get("through_low"), fields.get("through_high"))
    low, high = fields.get("through_low"), fields.get("through_high")
    crude = fields.get("crude")
    return _each(fields), {
        **_switch(fields, words)[1],
        "crude": words.amount(crude, unit, digits=digits, difference=True),
        "through": words.label("term", fields.get("through", "")),
        "part": words.amount(fields.get("through_estimate"), unit, digits=digits, difference=True),
        "limits": words.interval(low, high, unit, digits=digits, difference=True),
    }


def _none(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    unit = unit_of_claim(fields)
    return _each(fields), {
        **_switch(fields, words)[1],
        "detectable": words.amount(fields.get("detectable"), unit, difference=True),
    }


def _spread(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    step, column = str(fields.get("step", "")), str(fields.get("column", ""))
    low, high = fields.get("gap_low"), fields.get("gap_high")
    unit = unit_of_claim(fields)
    digits = digits_for(unit, low, high)
    return "" if column else "whole", {
        "step": words.label(step),
        "metric": words.metric(fields.get("metric", ""), "the"),
        "cell": words.cell(column, fields.get("cell", "")),
        "amount": _amount(fields, words, difference=True),
        "mean": words.amount(fields.get("mean"), unit),
        "gap": words.amount(fields.get("gap"), unit, digits=digits, difference=True),
        "limits": words.interval(low, high, unit, digits=digits, difference=True),
        **{end: words.label(step, fields.get(end, "")) for end in ("highest", "lowest")},
    }


def _alike(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    unit = unit_of_claim(fields)
    return "", {
        "step": words.label(fields.get("step", "")),
        "metric": words.metric(fields.get("metric", ""), "the"),
        "count": int(fields.get("processes", 2)),
        "most": words.amount(fields.get("most"), unit, digits=0, difference=True),
        "detectable": words.amount(fields.get("detectable"), unit, digits=0, difference=True),
    }


def _designed(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "", {"amount": _amount(fields, words), "nowhere": words.percent(fields.get("nowhere"), 1)}


def _emotion(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "up" if float(fields.get("estimate") or 0) >= 0 else "down", {
        "touchpoint": words.label("touchpoint_id", fields.get("touchpoint", "")),
        "emotion": words.label("target_emotion", fields.get("emotion", "")),
        "there": words.percent(fields.get("there"), 0),
        "elsewhere": words.percent(fields.get("elsewhere"), 0),
    }


def _chance(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "", {
        "count": int(fields.get("touchpoints", 2)),
        "hits": words.percent(fields.get("hits"), 1),
        "by_chance": words.percent(fields.get("by_chance"), 1),
        "detectable": words.amount(fields.get("detectable"), "share", digits=0, difference=True),
    }


def _remembered(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "", {
        "summary": words.label("summary", fields.get("summary", "")),
        "score": words.metric(fields.get("score", ""), "the"),
        "relational": words.metric(fields.get("relational", ""), "the"),
        "amount": words.percent(fields.get("estimate", fields.get("best")), 0),
        "plain": words.percent(fields.get("mean_explained"), 0),
    }


def _few(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "" if fields.get("customers") else "none", {
        name: words.number(fields.get(name), 0) for name in ("customers", "needed", "fewest", "events")
    }


def _foretold(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    side = "up" if float(fields.get("estimate") or 0) >= 0 else "down"
    return side if "hypothesis" in fields else "", {
        "behaviour": words(f"journey.behaviour.{fields.get('behaviour', 'leaving')}"),
        "time": words.amount(fields.get("horizon_days"), "days"),
        **{name: words.percent(fields.get(name), 1) for name in ("journeys", "touchpoints")},
        "detectable": words.amount(fields.get("detectable"), "share", digits=1, difference=True),
    }


READERS: Mapping[str, Callable[[Fields, Words], tuple[str, dict[str, Any]]]] = {
    "journey.switches": _switches,
    "journey.move": _move,
    "journey.coherence": _coherence,
    "journey.switch": _switch,
    "journey.switch_left": _switch,
    "journey.carrier": _switch,
    "journey.switch_clean": _clean,
    "journey.switch_none": _none,
    "journey.unmarked": _step,
    "journey.unrated": _step,
    "journey.spread": _spread,
    "journey.channels_alike": _alike,
    "journey.designed": _designed,
    "journey.emotion": _emotion,
    "journey.emotion_chance": _chance,
    "journey.remembered": _remembered,
    "journey.remembered_open": _remembered,
    "journey.remembered_nothing": _remembered,
    "journey.remembered_few": _few,
    "journey.foretold": _foretold,
    "journey.foretold_open": _foretold,
    "journey.foretold_few": _few,
}
DIFFERENCES = frozenset(
    {
        "journey.switch",
        "journey.switch_left",
        "journey.carrier",
        "journey.switch_clean",
        "journey.spread",
        "journey.emotion",
        "journey.foretold",
        "journey.foretold_open",
    }
)
