"""The one page of a diagnosis: chain, findings, contradictions, gaps and decisions, from its bundle alone.

A report that has one opens with it: `lifted` takes it out of the body, and the page puts it under the cover.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from cxlab.reporting import cards
from cxlab.reporting.rendering import rendered
from cxlab.reporting.words import Words, clean

KIND = "Diagnosis"
# What one page of paper holds beside the figure.
MOST = {"contradictions": 4, "unmeasured": 4, "decisions": 5}
_SHEET = re.compile(r'<section class="cx-sheet">.*?</section>', re.DOTALL)


def is_sheet(bundle: Mapping[str, Any]) -> bool:
    """Tell whether a shown result is a diagnosis that states something: shown again it is its tables."""
    return bundle.get("kind") == KIND and bool(bundle["claims"])


def sheet_html(bundle: Mapping[str, Any], words: Words, figure: Mapping[str, Any] | None) -> str:
    """Return the page of a diagnosis as HTML, everything escaped."""
    listed = {name: _rows(bundle, name) for name in MOST}
    cut = any(len(listed[name]) > most for name, most in MOST.items())
    claims = [each for each in bundle["claims"] if each.get("headline")]
    return rendered(
        "sheet.html.j2",
        words=words,
        figure=figure,
        findings=[_finding(claim, words) for claim in claims],
        contradictions=[_said(row, words) for row in listed["contradictions"][: MOST["contradictions"]]],
        unmeasured=[_said(row, words) for row in listed["unmeasured"][: MOST["unmeasured"]]],
        decisions=[_decision(row, words) for row in listed["decisions"][: MOST["decisions"]]],
        more=words("sheet.more") if cut else "",
    )


def lifted(html: str) -> tuple[str, str]:
    """Return a report's body without the page of a diagnosis, and that page, or nothing.

    Examples
    --------
    >>> lifted('<p>a</p><section class="cx-sheet">b</section>')
    ('<p>a</p>', '<section class="cx-sheet">b</section>')
    >>> lifted("<p>a</p>")
    ('<p>a</p>', '')
    """
    found = _SHEET.search(html)
    return (html[: found.start()] + html[found.end() :], found[0]) if found else (html, "")


def source(entry: object, result: object, words: Words) -> str:
    """Return where a claim is published: its report, and which of its results."""
    place = re.fullmatch(r"result-(\d+)", str(result))
    said = words("sheet.result", k=place[1]) if place else str(result or "")
    return words("sheet.source", entry=clean(str(entry)), result=said).rstrip(", ")


def _finding(claim: Mapping[str, Any], words: Words) -> dict[str, Any]:
    card, place = cards.card(claim, words), claim.get("fields", {}).get("source") or {}
    where = source(place["entry"], place["result"], words) if place else ""
    about = [text for text in (card.grade, card.interval, card.base, where) if text]
    return {"sentence": card.sentence, "about": about}


def _decision(row: Mapping[str, Any], words: Words) -> dict[str, str]:
    change = str(row["would_change"])
    return {
        "decision": str(row["decision"]),
        "change": words("sheet.change", text=change[:1].lower() + change[1:]),
    }


def _rows(bundle: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    # A table without rows is in no bundle.
    table: Mapping[str, Sequence[Any]] = bundle["tables"].get(name, {"columns": [], "rows": []})
    return [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]


def _said(row: Mapping[str, Any], words: Words) -> dict[str, str]:
    report = str(row.get("report") or "")
    return {"text": str(row["finding"]), "source": words("sheet.from", reports=report) if report else ""}
