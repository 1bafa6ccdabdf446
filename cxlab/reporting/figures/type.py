"""Text that fits: measured widths, wrapped lines, long labels cut with an ellipsis."""

from __future__ import annotations

import warnings
from functools import lru_cache

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from cxlab.reporting.figures.theme import FONT, TEXT

LINES = 3


@lru_cache(maxsize=4096)
def width(text: str, size: float = TEXT, *, bold: bool = False) -> float:
    """Return the width of one line of text, in points."""
    properties = FontProperties(family=FONT, size=size, weight="bold" if bold else "normal")
    with warnings.catch_warnings():
        # A reader's browser has the glyphs (emoji, Chinese, Arabic) that the measuring font lacks.
        warnings.simplefilter("ignore")
        return float(text_to_path.get_text_width_height_descent(text, properties, ismath=False)[0])


def wrapped(
    text: str, room: float, size: float = TEXT, *, bold: bool = False, lines: int = LINES
) -> list[str]:
    """Return `text` in at most `lines` lines no wider than `room` points; a longer one ends in an ellipsis.

    Examples
    --------
    >>> wrapped("Tiempo de espera en el call center", 100)
    ['Tiempo de espera', 'en el call center']
    """
    broken: list[str] = []
    for word in text.split(" "):
        for piece in _pieces(word, room, size, bold=bold):
            joined = f"{broken[-1]} {piece[0]}" if broken and not piece[1] else piece[0]
            if broken and not piece[1] and width(joined, size, bold=bold) <= room:
                broken[-1] = joined
            else:
                broken.append(piece[0])
    if len(broken) <= lines:
        return broken or [""]
    return [*broken[: lines - 1], _cut(" ".join(broken[lines - 1 :]), room, size, bold=bold)]


def _pieces(word: str, room: float, size: float, *, bold: bool) -> list[tuple[str, bool]]:
    """Break a word that is wider than the room; the flag says that a piece starts a line of its own."""
    if width(word, size, bold=bold) <= room:
        return [(word, False)]
    pieces, rest = [], word
    while rest:
        taken = next((k for k in range(len(rest), 1, -1) if width(rest[:k], size, bold=bold) <= room), 1)
        pieces.append((rest[:taken], True))
        rest = rest[taken:]
    return pieces


def _cut(text: str, room: float, size: float, *, bold: bool) -> str:
    for end in range(len(text), 0, -1):
        shorter = text[:end].rstrip() + "…"
        if width(shorter, size, bold=bold) <= room:
            return shorter
    return "…"
