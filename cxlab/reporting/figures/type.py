"""Text that fits: measured widths, wrapped lines, long labels cut with an ellipsis."""

from __future__ import annotations

import warnings
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from cxlab.reporting.figures.theme import FONT, TEXT

LINES = 3
NARROWEST = 0.2  # width of the narrowest letters, as a share of their size


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
    starts: list[int] = []  # of each line, in the text
    at = 0
    for word in text.split(" "):
        for piece, own in _pieces(word, room, size, bold=bold):
            joined = f"{broken[-1]} {piece}" if broken and not own else piece
            if broken and not own and width(joined, size, bold=bold) <= room:
                broken[-1] = joined
            else:
                broken.append(piece)
                starts.append(at)
            at += len(piece)
            if len(broken) > lines:  # of what is left, no more is read than would fit
                return [*broken[: lines - 1], _cut(text[starts[lines - 1] :], room, size, bold=bold)]
        at += 1
    return broken or [""]


def _pieces(word: str, room: float, size: float, *, bold: bool) -> Iterator[tuple[str, bool]]:
    """Break a word that is wider than the room; the flag says that a piece starts a line of its own."""
    if len(word) <= _most(room, size) and width(word, size, bold=bold) <= room:
        yield word, False
        return
    while word:
        taken = max(1, _fitting(word, room, size, bold=bold))
        yield word[:taken], True
        word = word[taken:]


def _cut(text: str, room: float, size: float, *, bold: bool) -> str:
    return text[: _fitting(text, room, size, "…", bold=bold)].rstrip() + "…"


def _fitting(text: str, room: float, size: float, end: str = "", *, bold: bool) -> int:
    """Return how many letters of `text` fit into the room, with `end` after them."""
    known = range(1, min(len(text), _most(room, size)) + 1)
    return bisect_right(
        known, room, key=lambda letters: width(text[:letters].rstrip() + end, size, bold=bold)
    )


def _most(room: float, size: float) -> int:
    """Return how many of the narrowest letters a line holds: nobody measures more of a text."""
    return int(room / (NARROWEST * size)) + 1
