"""What is asked to be said otherwise, of which claim or figure, and for which number it was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from cxlab.errors import Problem
from cxlab.reporting.words import absent

CLAIMS, FIGURES = "claims", "figures"
TEXTS = ("title", "sentence", "recommendation")
SAME = 1e-9  # relative: numbers that were written down and read again


@dataclass(frozen=True, kw_only=True)
class WrittenFor:
    """The number that an edit was written for: run, grade, estimate and interval.

    A claim without an estimate is known again by what we said of it (`said`).
    """

    run: str = ""
    grade: str = ""
    estimate: float | None = None
    conf_low: float | None = None
    conf_high: float | None = None
    said: str = ""

    def plain(self) -> dict[str, Any]:
        """Return what is known, by name."""
        return {name: value for name, value in asdict(self).items() if value not in (None, "")}


@dataclass(frozen=True, kw_only=True)
class Edit:
    """What somebody wants said of a claim (of a figure: its title); what is empty stays ours."""

    title: str = ""
    sentence: str = ""
    recommendation: str = ""
    order: int | None = None
    hidden: bool = False
    written_for: WrittenFor | None = None

    def plain(self) -> dict[str, Any]:
        """Return what is asked for, by name, without what it was written for."""
        asked = {**{name: getattr(self, name) for name in TEXTS}, "order": self.order, "hidden": self.hidden}
        return {name: value for name, value in asked.items() if value not in (None, "", False)}


@dataclass(frozen=True, kw_only=True)
class Edits:
    """The edits of a study by place (``entry/claim``, ``entry/result``), and where each stands in its file.

    `lines` gives the line, or the row of a sheet, of (section, place) and (section, place, field).
    """

    claims: Mapping[str, Edit] = field(default_factory=dict)
    figures: Mapping[str, Edit] = field(default_factory=dict)
    file: str = ""
    lines: Mapping[tuple[str, ...], int] = field(default_factory=dict)

    def problem(self, place: tuple[str, ...], found: str, allowed: str, action: str) -> Problem:
        """Return a problem of an edit, with its place in the file."""
        known = next((k for n in range(len(place), 0, -1) if (k := place[:n]) in self.lines), ())
        return Problem(
            found=found, allowed=allowed, action=action, file=self.file, column=" · ".join(place[1:]),
            row=self.lines.get(known, 0),
        )  # fmt: skip


def written_for(claim: Mapping[str, Any], run: str) -> WrittenFor:
    """Return what an edit of a claim is written for, as the claim stands now."""
    fields = claim.get("fields", {})
    numbers = {k: fields.get(k) for k in ("estimate", "conf_low", "conf_high") if not absent(fields.get(k))}
    said = "" if "estimate" in numbers else str(claim.get("short") or claim.get("sentence", ""))
    return WrittenFor(run=run, grade=str(claim.get("grade", "")), said=said, **numbers)


def moved(before: WrittenFor, now: WrittenFor) -> bool:
    """Tell whether a claim is another than an edit was written for: beyond its error, or of another grade.

    Beyond its error is an estimate outside the interval of the other, whichever; without intervals, any
    other number. This is stricter than a test of the difference: to keep our own sentence costs little.

    Examples
    --------
    >>> old = WrittenFor(grade="C", estimate=10.0, conf_low=8.0, conf_high=12.0)
    >>> moved(old, WrittenFor(grade="C", estimate=11.0, conf_low=9.0, conf_high=13.0))
    False
    >>> moved(old, WrittenFor(grade="C", estimate=13.0, conf_low=11.0, conf_high=15.0))
    True
    >>> moved(old, WrittenFor(grade="D", estimate=10.0, conf_low=8.0, conf_high=12.0))
    True
    """
    if (before.grade and before.grade != now.grade) or before.said != now.said:
        return True
    if before.estimate is None or now.estimate is None:
        return before.estimate is not now.estimate
    if abs(before.estimate - now.estimate) <= SAME * max(abs(before.estimate), abs(now.estimate)):
        return False
    if None in (before.conf_low, before.conf_high, now.conf_low, now.conf_high):
        return True
    return not (_within(now.estimate, before) and _within(before.estimate, now))


def _within(estimate: float, interval: WrittenFor) -> bool:
    low, high = interval.conf_low, interval.conf_high
    return low is not None and high is not None and low <= estimate <= high
