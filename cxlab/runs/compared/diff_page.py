"""A difference as a page that a client can read: conclusions and numbers that changed, then why.

What is said of each number, cause and conclusion is what `diff_lines` says of it; nothing is left out of
the count, and what moved within its error is folded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cxlab.catalogues import translate
from cxlab.errors import Message
from cxlab.reporting.claims_sensitivity import choice, option
from cxlab.reporting.html import Client, frame
from cxlab.reporting.rendering import rendered
from cxlab.reporting.words import Words, clean
from cxlab.runs.compared.diff import Cause, Count, Difference
from cxlab.runs.compared.diff_lines import HOW, KINDS, VERDICTS, WHY, Said, by_error
from cxlab.runs.compared.moved import Moved, Verdict
from cxlab.runs.compared.restated import Restated

MOST = 60  # rows of one kind of change in one table
HASHED = ("data", "code", "client")
OPEN: tuple[Verdict, ...] = ("beyond", "computed")


@dataclass(frozen=True, kw_only=True)
class Side:
    """What is told of one of the two runs: its id and the day it was made (YYYY-MM-DD, may be empty)."""

    run: str
    day: str = ""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One report before and after: its question, its two runs, what differs, and its words."""

    title: str
    before: Side
    after: Side
    found: Difference
    words: Words


def page(
    reports: Sequence[Compared],
    *,
    client: Client,
    words: Words,
    apart: Sequence[Sequence[str]] = ((), ()),
    refused: Sequence[str] = (),
) -> str:
    """Return what changed in some reports as one self-contained page.

    Parameters
    ----------
    reports : sequence of Compared
    client : Client
    words : Words
        Language of the page.
    apart : two sequences of str
        Entries that were there only before, and only after.
    refused : sequence of str
        Why others are not compared.
    """
    told = [_report(each) for each in reports]
    title = words("diff.title")
    return rendered(
        "diff.html.j2",
        **frame(words, client, title),
        reports=told,
        summary=_summary(reports, words),
        apart=[
            (words(f"diff.only.{side}"), [clean(name) for name in names])
            for side, names in zip(("before", "after"), apart, strict=True)
            if names
        ],
        refused=[clean(why) for why in refused],
    )


def _summary(reports: Sequence[Compared], words: Words) -> list[tuple[str, str]]:
    """Return what stands at the top: how much went beyond its error, is concluded otherwise, and why."""
    moved = [each for report in reports for each in report.found.moved]
    beyond = sum(each.verdict in OPEN for each in moved)
    both = sum(each.before is not None and each.after is not None for each in moved)
    every = both + sum(report.found.unchanged for report in reports)
    claims = sum(len(report.found.claims) + len(report.found.judged) for report in reports)
    kinds = dict.fromkeys(cause.kind for report in reports for cause in report.found.causes)
    why = words.listed([translate(WHY[kind], words.language) for kind in kinds])
    return [
        (words.number(beyond, 0), words.plural("diff.beyond", beyond, every=words.number(every, 0))),
        (words.number(claims, 0), words.plural("diff.restated", claims)),
        *([("", words("diff.causes", causes=why))] if kinds else []),
    ]


def _report(compared: Compared) -> dict[str, Any]:
    found, words = compared.found, compared.words
    said = Said(found, words)
    return {
        "title": clean(compared.title),
        "sides": [
            (words(f"diff.{name}"), _side(side, words))
            for name, side in (("before", compared.before), ("after", compared.after))
        ],
        "empty": words.plural("diff.nothing", found.unchanged) if found.empty else "",
        "claims": [_claim(each, said) for each in found.claims],
        "judged": [said.judged(each) for each in found.judged],
        "groups": [*_groups(found, said)],
        "others": [said.other(each) for each in found.others],
        "why": [*_why(found, said)],
        "several": len({cause.kind for cause in found.causes}) > 1,
        "unexplained": not found.causes and not found.empty,
        "same_people": found.same_people,
        "counts": [_count(each, said) for each in found.counts],
        "words": words,
    }


def _side(side: Side, words: Words) -> str:
    from datetime import date

    day = words.date(date.fromisoformat(side.day)) if side.day else ""
    return " · ".join(filter(None, (day, clean(side.run))))


def _claim(claim: Restated, said: Said) -> dict[str, Any]:
    words = said.words
    grades = [words(f"grade.{g}") if g and words.known(f"grade.{g}") else "" for g in claim.grades]
    return {
        "how": _headed(", ".join(said(HOW[each]) for each in claim.how)),
        "hidden": _headed(said(VERDICTS["hidden"])) if claim.hidden else "",
        "before": {"sentence": clean(claim.before), "grade": grades[0]} if claim.before else None,
        "after": {"sentence": clean(claim.after), "grade": grades[1]} if claim.after else None,
    }


def _groups(found: Difference, said: Said) -> Iterator[dict[str, Any]]:
    """Give the numbers by what is judged of their change, and by table; the first ones open."""
    for verdict, title in VERDICTS.items():
        own = sorted((m for m in found.moved if m.verdict == verdict), key=by_error)
        if not own:
            continue
        tables: dict[tuple[str, str], list[Moved]] = {}
        for each in own:
            tables.setdefault((each.kind, each.table), []).append(each)
        yield {
            "title": _headed(said(title)),
            "count": said.words.number(len(own), 0),
            "open": verdict in OPEN,
            "numbers": any(each.before is not None for each in own),
            "tables": [
                {
                    "caption": _called(kind, table, said),
                    "rows": [said.cells(each) for each in rows[:MOST]],
                    "more": said(Message("and {n} more", n=len(rows) - MOST)) if len(rows) > MOST else "",
                }
                for (kind, table), rows in tables.items()
            ],
        }


def _called(kind: str, table: str, said: Said) -> str:
    if kind in KINDS:
        return _headed(said.table(kind, table))
    key = f"table.{table}"
    return said.words(key) if said.words.known(key) else said.words.label(table)


def _headed(text: str) -> str:
    return text[:1].upper() + text[1:]


def _why(found: Difference, said: Said) -> Iterator[dict[str, Any]]:
    for kind in dict.fromkeys(cause.kind for cause in found.causes):
        own = [cause for cause in found.causes if cause.kind == kind]
        yield {
            "title": _headed(said(WHY[kind])),
            "code": kind in HASHED,
            "rows": [_cause(each, said) for each in own],
        }


def _cause(cause: Cause, said: Said) -> tuple[str, str, str]:
    words = said.words
    sides = cause.before, cause.after
    if cause.kind == "parameters":
        told = [_value(cause.what, side, words) for side in sides]
        # A parameter that has no name of its own must not take that of a column.
        named = choice(cause.what, words) if words.known(f"parameter.{cause.what}") else clean(cause.what)
        return named, told[0], told[1]
    if cause.kind == "data":
        what = words.label(cause.what)
    else:
        key = f"diff.{cause.kind}.{cause.what}"
        what = words(key) if words.known(key) else clean(cause.what)
    cut = 12 if cause.kind in HASHED else 80
    told = ["–" if side is None else clean(str(side))[:cut] for side in sides]
    return what, told[0], told[1]


def _value(name: str, value: Any, words: Words) -> str:
    if value in (None, "", ()):
        return "–"
    if isinstance(value, bool):
        return words("table.yes" if value else "table.no")
    if isinstance(value, tuple | list):
        return ", ".join(clean(words.label(each)) for each in value)
    return clean(option(name, value, words))


def _count(count: Count, said: Said) -> tuple[str, str, str]:
    of = said.words.label(count.of) if count.of not in KINDS else said(KINDS[count.of])
    named: Mapping[str, Message] = {"rows": Message("rows"), "used": Message("used")}
    what = said(named[count.what]) if count.what in named else clean(count.what)
    if count.before is None and count.after is None:
        few = said.words("diff.few")
        return _headed(f"{of}, {what}"), few, few
    told = ["–" if side is None else said.words.number(side, 0) for side in (count.before, count.after)]
    return _headed(f"{of}, {what}"), told[0], told[1]
