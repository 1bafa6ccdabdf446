"""The title that is drawn in a figure, replaced: its lines are texts of the SVG, and stay that many."""

from __future__ import annotations

import re
from html import escape, unescape

_BOLD = re.compile(r"(<text style=\"font-weight: 700[^>]*>)([^<]*)(</text>)")


def retitled(svg: str, before: str, after: str) -> str | None:
    """Return a figure with another title, or None if it has no such title or the new one takes more lines.

    Examples
    --------
    >>> drawn = '<svg><text style="font-weight: 700; x">One finding</text></svg>'
    >>> retitled(drawn, "One finding", "Said so")
    '<svg><text style="font-weight: 700; x">Said so</text></svg>'
    >>> retitled(drawn, "Another", "Said so") is None
    True
    """
    lines = _lines(svg, before)
    if not lines:
        return None
    from cxlab.reporting.figures.plate import EDGE, WIDTH  # the fonts are measured there
    from cxlab.reporting.figures.theme import TITLE
    from cxlab.reporting.figures.type import wrapped

    new = wrapped(after, 0.985 * WIDTH - EDGE, TITLE, bold=True, lines=9)
    if len(new) > len(lines):
        return None
    texts = [*new, *[""] * (len(lines) - len(new))]
    done, at = "", 0
    for match, text in zip(lines, texts, strict=True):
        done += (
            f"{svg[at : match.start()]}{match[1]}{escape(text, quote=False)}{match[3]}"
            if text
            else svg[at : match.start()]
        )
        at = match.end()
    return done + svg[at:]


def _lines(svg: str, title: str) -> list[re.Match[str]]:
    """Return the texts that together are the title."""
    every = list(_BOLD.finditer(svg))
    wanted = " ".join(title.split())
    for start in range(len(every)):
        said = ""
        for end in range(start, len(every)):
            said = f"{said} {' '.join(unescape(every[end][2]).split())}".strip()
            if said == wanted or (said.endswith("…") and wanted.startswith(said[:-1].strip())):
                return every[start : end + 1]
            if not wanted.startswith(said):
                break
    return []
