"""A claim as a card: its number large, its interval and base beside it, the grade as a quiet word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cxlab.reporting.claims import DIFFERENCES
from cxlab.reporting.units import unit_of_claim
from cxlab.reporting.words import Words, absent, clean, digits_for

CARDS = 3
COUNTED = ("sensitivity.robust", "sensitivity.fragile", "sensitivity.none")  # their number is a count


@dataclass(frozen=True)
class Card:
    """What is printed of one claim."""

    number: str
    unit: str
    sentence: str
    interval: str
    base: str
    grade: str
    grade_note: str
    caveats: tuple[str, ...]
    recommendation: str = ""


def card(claim: Mapping[str, Any], words: Words) -> Card:
    """Return the card of a bundle's claim."""
    fields, code, letter = claim.get("fields", {}), str(claim.get("code", "")), str(claim.get("grade", "D"))
    number, unit = _number(fields, code, words)
    known = words.known(f"grade.{letter}")
    return Card(
        number=number,
        unit=unit,
        sentence=clean(str(claim.get("short") or claim.get("sentence", "")).rstrip(".") + "."),
        interval=_interval(fields, code, words),
        base=words("evidence.n", n=words.number(fields["n"], 0)) if not absent(fields.get("n")) else "",
        grade=words(f"grade.{letter}") if known else "",
        grade_note=words(f"grade.{letter}.note") if known else "",
        caveats=tuple(clean(str(text)) for text in claim.get("caveat_texts", ())),
        recommendation=recommended(claim, words),
    )


def recommended(claim: Mapping[str, Any], words: Words) -> str:
    """Return what somebody recommends because of a claim, if anything."""
    text = clean(str(claim.get("recommendation") or ""))
    return words("page.recommendation", text=text) if text else ""


def together(cards: Sequence[Card]) -> tuple[list[Card], tuple[str, ...]]:
    """Return the cards without what several of them would repeat, and that, to be said once of all.

    Parameters
    ----------
    cards : sequence of Card
    """
    every = [text for each in cards for text in dict.fromkeys(each.caveats)]
    common = tuple(
        text for text in dict.fromkeys(every) if len(cards) > 1 and every.count(text) == len(cards)
    )
    return [
        replace(each, caveats=tuple(t for t in each.caveats if t not in common)) for each in cards
    ], common


def headlines(bundles: Sequence[Mapping[str, Any]], most: int = CARDS) -> list[Mapping[str, Any]]:
    """Return the claims for the top: headlines, one of each kind first, or what was said instead."""
    claims: list[Mapping[str, Any]] = []
    for bundle in bundles:
        claims += [
            c
            for c in bundle.get("claims", ())
            if c.get("sentence") not in {d.get("sentence") for d in claims}
        ]
    candidates = _in_order([c for c in claims if c.get("headline")] or claims)
    seen: set[str] = set()
    first: list[Mapping[str, Any]] = []
    for claim in candidates:
        if claim.get("code") not in seen:
            first.append(claim)
            seen.add(str(claim.get("code")))
    rest = [c for c in candidates if not any(c is f for f in first)]
    return (first + rest)[:most]


def leading(claims: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the claim that speaks for a report: a difference if one is stated, else the first headline."""
    chosen = _in_order([c for c in claims if c.get("headline")] or list(claims))
    if chosen and chosen[0].get("order"):
        return chosen[0]
    differences = [c for c in chosen if "hypothesis" in c.get("fields", {})]
    return next(iter(differences or chosen), None)


def _in_order(claims: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Put first what somebody gave a place, in that order."""
    return sorted(claims, key=lambda claim: claim.get("order") or len(claims) + 10**6)


def _number(fields: Mapping[str, Any], code: str, words: Words) -> tuple[str, str]:
    value, unit = fields.get("estimate"), unit_of_claim(fields)
    if code == "retention.difference":
        ends = [words.number(100 * (fields.get(f"{end}_estimate") or 0), 0) for end in ("lowest", "highest")]
        return "–".join(ends), words("card.unit.share")
    if absent(value):
        return "", ""
    if code == "benchmark.rank":
        return words.number(value, 0), words("card.of", count=words.number(fields.get("units"), 0))
    if code in COUNTED and "count" in fields:
        return words.number(fields["count"], 0), words("card.of", count=words.number(fields.get("done"), 0))
    digits = digits_for(unit, fields.get("conf_low"), fields.get("conf_high"))
    shown = float(value) * (100 if unit == "share" else 1)  # type: ignore[arg-type]
    difference = _is_difference(code)
    if unit == "months":
        digits = 0 if shown == round(shown) else 1
    number = words.signed(shown, digits) if difference else words.number(shown, digits)
    if unit == "money":
        return number, clean(str(fields.get("currency") or ""))
    key = f"card.unit.{'difference.' if difference else ''}{unit}"
    key = "card.hazard_ratio" if code.startswith("hazards.") else key
    key = f"card.behaviour.{fields.get('behaviour')}" if code == "economics.behaviour" else key
    return number, words(key) if words.known(key) else ""


def _interval(fields: Mapping[str, Any], code: str, words: Words) -> str:
    if code == "benchmark.rank":
        low, high = words.number(fields.get("rank_low"), 0), words.number(fields.get("rank_high"), 0)
        return words("card.places", low=low, high=high)
    ends = fields.get("conf_low"), fields.get("conf_high")
    if all(absent(end) for end in ends) or absent(fields.get("level")):
        return ""
    interval = words.interval(*ends, unit_of_claim(fields), difference=_is_difference(code))
    return words("evidence.interval", level=words.percent(fields["level"]), interval=interval)


def _is_difference(code: str) -> bool:
    return code in DIFFERENCES
