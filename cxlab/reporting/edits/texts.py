"""Texts with placeholders: filled with a claim's numbers as our own sentences print them, and refused.

What a reader must be able to trust is that a number in a sentence is the number of the analysis. So none is
typed, with these exceptions: what stands in our own sentence without being a value of a placeholder (the
end of a scale, a label), a number that is part of a name (``T4``), a year from 2000 to 2039, and in a
recommendation a term (``30 days``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from string import Formatter
from typing import TYPE_CHECKING, Any

from cxlab.errors import Message
from cxlab.reporting import claims
from cxlab.reporting.edits.verbs import too_strong
from cxlab.reporting.words import Words, clean

if TYPE_CHECKING:
    from cxlab.reporting.edits.given import Edits

LAST = 10**6  # among findings, whoever has no order
LONGEST = {"title": 200, "sentence": 600, "recommendation": 600}
_NUMBER = re.compile(r"(?<![\w.,])[+−-]?\d+(?:[.,]\d+)*")
_YEAR = re.compile(r"20[0-3]\d")
_TERM = re.compile(
    r"\s*(?:h|horas?|hours?|días?|days?|semanas?|weeks?|mes(?:es)?|months?|años?|years?|minutos?|minutes?)\b"
)
_ALLOWED = {
    "A": Message("an experiment: reduces, increases"),
    "B": Message("what came before: precedes, anticipates"),
    "C": Message("an association: goes with, is associated with"),
    "D": Message("a description: is observed"),
}
Claim = Mapping[str, Any]


def filled(text: str, claim: Claim, words: Words, *, sentence: bool = False) -> str:
    """Return a text with the claim's numbers in it; a sentence has interval and base, if only in brackets."""
    said = pieces(claim, words)
    names = set(_names(text))
    done = clean(text.format_map(said))
    if not sentence:
        return done
    evidence = said["evidence"]
    whole = "evidence" in names or (
        {"n"} <= names and ("interval" in names or {"conf_low", "conf_high"} <= names)
    )
    if evidence and not whole:
        return f"{done.rstrip('.')} {evidence}."
    return done if done.endswith((".", "!", "?")) else f"{done}."


def pieces(claim: Claim, words: Words) -> dict[str, str]:
    """Return what may stand in an edited text, by placeholder."""
    return claims.pieces(str(claim.get("code", "")), claim.get("fields", {}), words)


def problems(place: tuple[str, ...], text: str, claim: Claim, words: Words, edits: Edits) -> Iterator[Any]:
    """Give everything that is wrong with a text of an edit."""
    name = place[-1]
    if len(text) > LONGEST[name]:
        yield edits.problem(
            place,
            Message("{n} letters", n=len(text)),
            Message("at most {n}", n=LONGEST[name]),
            Message("shorten it"),
        )
        return
    known = pieces(claim, words)
    try:
        parts = list(Formatter().parse(text))
    except ValueError:
        yield edits.problem(
            place,
            Message("a brace that is not closed"),
            _placeholders(known),
            Message("write {{ for a brace"),
        )
        return
    for _, field, form, conversion in parts:
        if field is not None and (field not in known or form or conversion):
            yield edits.problem(place, "{" + field[:60] + "}", _placeholders(known), _nearest(field, known))
    plain = " ".join(literal for literal, *_ in parts)
    yield from _typed(place, plain, claim, known, edits)
    own = f"{claim.get('sentence', '')} {claim.get('short', '')}"
    grade = str(claim.get("grade", "D"))
    for word in too_strong(plain, grade, own=own, advice=name == "recommendation"):
        yield edits.problem(
            place,
            Message("«{word}», which says more than the evidence of this claim", word=word),
            _ALLOWED.get(grade, _ALLOWED["D"]),
            Message("say it with one of these"),
        )


def _typed(
    place: tuple[str, ...], plain: str, claim: Claim, known: Mapping[str, str], edits: Edits
) -> Iterator[Any]:
    """Give the numbers that are typed and may not be."""
    text = unicodedata.normalize("NFKC", plain)
    ours = {*_numbers(f"{claim.get('sentence', '')} {claim.get('short', '')}")}
    # Of a number with a sign the one without it is offered first: it is what was typed.
    offered = sorted(known.items(), key=lambda each: each[1][:1] in ("−", "+"))
    values: dict[str, str] = {}
    for name, said in offered:
        for number in _numbers(said) if name != "evidence" else ():
            values.setdefault(number, name)
    for match in _NUMBER.finditer(text):
        number = match[0].lstrip("+−-")
        term = place[-1] == "recommendation" and _TERM.match(text[match.end() :])
        label = number in ours and number not in values
        if _YEAR.fullmatch(number) or term or label:
            continue
        action = (
            Message("write {name}", name="{" + values[number] + "}")
            if number in values
            else Message("write a placeholder, or leave it out")
        )
        yield edits.problem(
            place, Message("{number} typed by hand", number=number), _placeholders(known), action
        )


def _numbers(text: str) -> list[str]:
    """Return the numbers of a text; of a label in quotes or a word with digits, none."""
    return [m[0].lstrip("+−-") for m in _NUMBER.finditer(unicodedata.normalize("NFKC", text))]


def _names(text: str) -> Iterator[str]:
    return (field for _, field, _, _ in Formatter().parse(text) if field)


def _placeholders(known: Mapping[str, str]) -> Message:
    return Message("numbers as {names}", names=", ".join("{" + name + "}" for name in known))


def _nearest(field: str, known: Mapping[str, str]) -> Message:
    import difflib

    close = difflib.get_close_matches(field, known, n=1, cutoff=0.5)
    return (
        Message("did you mean {close}?", close="{" + close[0] + "}") if close else Message("use one of these")
    )
