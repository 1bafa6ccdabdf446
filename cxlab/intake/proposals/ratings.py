"""Whether a column is a rating, on which scale, which way it runs, and which of its codes are no answer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cxlab.errors import Message
from cxlab.intake.declared.models import Reason
from cxlab.intake.proposals.profiles import Profile
from cxlab.intake.proposals.vocabulary import folded, no_answer, ordered, towards_good

Scale = tuple[float, float]
# Scales that questionnaires use, the likeliest first.
SCALES: tuple[Scale, ...] = ((1, 7), (0, 10), (1, 5), (1, 10), (1, 4), (1, 6), (0, 100))
FAR_CODES = {-99, -98, -97, -9, -8, -1, 66, 77, 88, 96, 97, 98, 99, 777, 888, 999, 9999}
NEAR_CODES = {0, 6, 8, 9, 11}
_IN_TEXT = re.compile(
    r"(?i)(?:\bescala\b|\bscale\b|\bnotas?\b|\bdonde\b|\bde\b|\bdel\b|\bfrom\b|\brate\b|\()?\s*\b([01])\s*"
    r"(?:a|al|to|-|–|hasta|y)\s*(?:el\s+)?(4|5|6|7|10|100)\b(?![.,]\d|%)"
)
_MEANS = r"\s*(?:=|:|es|is|significa|means|corresponde a)?\s*[\"“'(]?"
_ENDS = re.compile(
    rf"(?i)\b(?P<low>[01]){_MEANS}(?P<bottom>[^\d\"”')(;,]{{4,40}})[\"”')]?.{{0,20}}?"
    rf"\b(?P<high>4|5|6|7|10){_MEANS}(?P<top>[^\d\"”')(;,]{{4,40}})"
)
_EFFORT = re.compile(r"(?i)\besfuerzo\b|\beffort\b|\bdificultad\b|\bdifficult|\bdif[ií]cil")
_EASY = re.compile(r"(?i)f[aá]cil|\beas[ey]|facilidad")
# Fewer answers than these do not show a whole scale.
ENOUGH = 30


@dataclass(frozen=True)
class Rating:
    """A scale and which way it runs, codes of no answer and why; how sure, and the reasons."""

    scale: Scale
    reverse: bool
    missing: dict[str, Reason]
    points: dict[str, int]
    confidence: float
    reasons: tuple[Message, ...]
    told_direction: bool = False


def rating(profile: Profile, *, usual: Scale | None = None, battery: Scale | None = None) -> Rating | None:
    """Return the rating that a column holds, or None if its texts are no points.

    Parameters
    ----------
    profile : Profile
    usual : (low, high), optional
        The scale that the canonical column is defined on.
    battery : (low, high), optional
        The scale of the questions beside it.
    """
    words = ordered(list(profile.answers)) if not profile.leading and not profile.numeric else {}
    values = _points(profile, words)
    if not values:
        return None
    told = _text_scale(f"{profile.header} {profile.question}")
    ends = _label_scale(profile)
    missing = _codes(profile, values, told or ends or usual)
    present = {value for text, value in values.items() if text not in missing}
    if not present:
        return None
    scale, confidence, why = _scale(present, told, ends, usual, battery, profile, ordered_words=bool(words))
    reasons = [why]
    unsure = [text for text, (_, sure) in missing.items() if not sure]
    if unsure:
        confidence = min(confidence, 0.5)
        reasons.append(Message("outside the scale: {codes}: no answer, or points?", codes=", ".join(unsure)))
    reverse, sure, said = _direction(profile, words)
    if said is not None:
        reasons.append(said)
        confidence = min(confidence, sure)
    codes = {code: reason for code, (reason, _) in missing.items()}
    points = {text: int(value) for text, value in words.items()}
    told_direction = told_way(profile) or bool(words)
    return Rating(scale, reverse, codes, points, confidence, tuple(reasons), told_direction)


def _points(profile: Profile, words: Mapping[str, int]) -> dict[str, float]:
    if profile.leading:
        numbered = {
            text: float(code) for text, (code, _) in profile.leading.items() if text in profile.answers
        }
        return numbered | {text: value for text, value in profile.numbers.items() if text not in numbered}
    if profile.numeric:
        return dict(profile.numbers)
    return {text: float(point) for text, point in words.items()}


def _text_scale(text: str) -> Scale | None:
    found = {(float(low), float(high)) for low, high in _IN_TEXT.findall(text)}
    return found.pop() if len(found) == 1 else None


def _label_scale(profile: Profile) -> Scale | None:
    """Return the scale whose ends the file itself labels."""
    named: dict[float, str] = {}
    for code, label in profile.labels.items():
        if code not in profile.reasons and no_answer(label) is None:
            try:
                named[float(code)] = label
            except ValueError:
                return None
    if len(named) < 2:
        return None
    low, high = min(named), max(named)
    between = any(low < value < high and value not in named for value in profile.numbers.values())
    said = towards_good(named[low]) != 0 or towards_good(named[high]) != 0
    return (low, high) if said or (between and len(named) == 2) else None


def _codes(
    profile: Profile, values: Mapping[str, float], told: Scale | None
) -> dict[str, tuple[Reason, bool]]:
    """Return the texts that are no answer, by their words or far outside the others; and if that is sure."""
    found: dict[str, tuple[Reason, bool]] = {text: (why, True) for text, why in profile.reasons.items()}  # type: ignore[misc]
    rest = {text: value for text, value in values.items() if text not in found}
    short = [value for value in rest.values() if value not in FAR_CODES]
    if not short or max(short) > 11 or any(not value.is_integer() for value in short):
        return found
    found |= {text: ("missing", True) for text, value in rest.items() if value in FAR_CODES}
    inside = {text: value for text, value in rest.items() if text not in found}
    scale = told or _most_likely(inside, profile)
    if scale is not None:
        outside = {t: v for t, v in inside.items() if not scale[0] <= v <= scale[1] and v in NEAR_CODES}
        found |= dict.fromkeys(outside, ("missing", False))
    return found


def _most_likely(values: Mapping[str, float], profile: Profile) -> Scale | None:
    """Return the standard scale that holds nearly all answers and leaves only usual codes outside."""
    total = sum(profile.counts.get(text, 0) for text in values)
    for scale in SCALES:
        inside = [text for text, value in values.items() if scale[0] <= value <= scale[1]]
        held = sum(profile.counts.get(text, 0) for text in inside)
        outside = {value for value in values.values() if not scale[0] <= value <= scale[1]}
        gap = all(value - scale[1] > 1 or value < scale[0] for value in outside)
        if outside and outside <= NEAR_CODES and held >= 0.8 * total and gap and scale[1] in values.values():
            return scale
    return None


def _scale(
    present: set[float],
    told: Scale | None,
    ends: Scale | None,
    usual: Scale | None,
    battery: Scale | None,
    profile: Profile,
    *,
    ordered_words: bool,
) -> tuple[Scale, float, Message]:
    low, high = min(present), max(present)
    for scale, why in ((told, Message("the question says it")), (ends, Message("the labels of its ends"))):
        if scale is not None:
            fits = scale[0] <= low and high <= scale[1]
            shown = {"low": f"{scale[0]:g}", "high": f"{scale[1]:g}"}
            if fits:
                return scale, 0.95, Message("scale {low} to {high}: {why}", why=why, **shown)
            return (
                (min(low, scale[0]), max(high, scale[1])),
                0.3,
                Message("scale {low} to {high}: {why}, but there are values outside", why=why, **shown),
            )
    if ordered_words:
        top = 5.0 if high > 4 else high
        return (1.0, top), 0.6, Message("answers in words, worst to best, as points")
    labelled = profile.leading and all(text in profile.leading for text in profile.answers)
    if labelled and len(present) >= 3 and low in (0, 1):
        return (low, high), 0.85, Message("every point from {low:g} to {high:g} is named", low=low, high=high)
    return _from_values(low, high, usual, battery, profile)


def _from_values(
    low: float, high: float, usual: Scale | None, battery: Scale | None, profile: Profile
) -> tuple[Scale, float, Message]:
    """Choose a scale by the values alone: never sure where another holds them as well."""
    seen = {"low": f"{low:g}", "high": f"{high:g}"}
    if (low, high) == (1, 10):
        return (1, 10), 0.4, Message("values from 1 to 10: is the scale 1-10, or 0-10?")
    few = profile.filled < ENOUGH
    if usual is not None and usual[0] <= low and high <= usual[1] and high == usual[1]:
        return (
            usual,
            0.5 if few else 0.88,
            Message("values from {low} to {high}, as the metric is defined", **seen),
        )
    if battery is not None and battery[0] <= low and high <= battery[1]:
        whole = (low, high) == battery
        sure = 0.85 if whole else 0.7
        said = Message(
            "values from {low} to {high}; the questions beside it use {from_} to {to}",
            from_=f"{battery[0]:g}",
            to=f"{battery[1]:g}",
            **seen,
        )
        return battery, sure, said
    exact = next((scale for scale in SCALES if scale == (low, high)), None)
    if exact is not None and exact[1] in (5, 7, 10):
        if few:
            return exact, 0.5, Message("values from {low} to {high} in few answers", **seen)
        return exact, 0.85, Message("values from {low} to {high}", **seen)
    holding = next((scale for scale in SCALES if scale[0] <= low and high <= scale[1]), (low, high))
    return holding, 0.4, Message("values from {low} to {high}: which scale?", **seen)


def _direction(profile: Profile, words: Mapping[str, int]) -> tuple[bool, float, Message | None]:
    """Return whether less is better, how sure, and why; no reason where more is better as usual."""
    text = f"{profile.header} {profile.question}"
    ends = _ends(profile)
    if ends is not None:
        bottom, top = ends
        if towards_good(bottom) > 0 > towards_good(top):
            said = Message("it runs from {good!r} to {bad!r}: turned round", good=bottom[:30], bad=top[:30])
            return True, 0.9, said
        if towards_good(bottom) < 0 < towards_good(top):
            return False, 1.0, None
    match = _ENDS.search(text)
    if match and towards_good(match["bottom"].strip()) > 0 > towards_good(match["top"].strip()):
        said = Message(
            "the question runs from {good!r} to {bad!r}: turned round",
            good=match["bottom"].strip()[:30],
            bad=match["top"].strip()[:30],
        )
        return True, 0.88, said
    effort = bool(_EFFORT.search(text)) and not _EASY.search(text)
    if (
        match
        and towards_good(match["bottom"].strip()) < 0 < towards_good(match["top"].strip())
        and not effort
    ):
        return False, 1.0, None
    if words:
        return False, 1.0, None
    if effort:  # from nothing to much: of what is not wanted
        return True, 0.6, Message("the question is about effort or difficulty: is less better?")
    return False, 1.0, None


def told_way(profile: Profile) -> bool:
    """Tell whether the file says which way a question runs: by its ends, or by what it asks."""
    text = f"{profile.header} {profile.question}"
    ends = _ends(profile)
    named = ends is not None and towards_good(ends[0]) * towards_good(ends[1]) < 0
    return named or bool(_ENDS.search(text)) or (bool(_EASY.search(text)) and not _EFFORT.search(text))


def _ends(profile: Profile) -> tuple[str, str] | None:
    """Return what the lowest and the highest point are called, where the file says so."""
    named: dict[float, str] = {}
    for text, (number, rest) in profile.leading.items():
        if text in profile.answers:
            named[float(number)] = rest
    for code, label in profile.labels.items():
        if code not in profile.reasons and folded(label):
            try:
                named[float(code)] = label
            except ValueError:
                continue
    if len(named) < 2:
        return None
    return named[min(named)], named[max(named)]


def batteries(rated: Sequence[tuple[str, Scale]]) -> dict[str, Scale]:
    """Return the scale of each group of headers that begin alike, from those whose scale is known.

    Examples
    --------
    >>> batteries([("Q7ART", (1, 5)), ("Q7FOOD", (1, 5)), ("Q7ALL", (1, 5)), ("AGE", (1, 7))])
    {'q7': (1, 5)}
    """
    groups: dict[str, list[Scale]] = {}
    for header, scale in rated:
        groups.setdefault(stem(header), []).append(scale)
    return {
        name: max(set(scales), key=scales.count)
        for name, scales in groups.items()
        if name and len(scales) >= 3
    }


def alike(profiles: Sequence[Profile]) -> dict[str, int]:
    """Return the headers of batteries whose questions run over the same few whole numbers, and how many.

    The values say that they belong together, not which of them are points.
    """
    groups: dict[tuple[str, float, float], list[str]] = {}
    for each in profiles:
        values = set(each.numbers.values()) if each.numeric and each.whole and not each.labels else set()
        if 4 <= len(values) <= 12 and min(values) >= 0 and max(values) <= 11:
            groups.setdefault((stem(each.header), min(values), max(values)), []).append(each.header)
    enough = {key: group for key, group in groups.items() if len(group) >= (3 if key[0] else 5)}
    return {header: len(group) for group in enough.values() for header in group}


def stem(header: str) -> str:
    """Return the start that the headers of one battery share: the code of the question.

    Examples
    --------
    >>> stem("Q7ART"), stem("MB11_E. Los tribunales"), stem("p12_3"), stem("Satisfacción")
    ('q7', 'mb11', 'p12', '')
    """
    match = re.match(r"[a-z]{1,3}\d{1,3}", folded(header))
    return match[0] if match else ""
