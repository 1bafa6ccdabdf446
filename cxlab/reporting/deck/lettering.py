"""Text that fits a slide: widths of letters known beforehand, wrapped lines, the size at which all stands.

A slide is laid out before anybody opens it, so widths are those of Arial (Helvetica's metrics), which every
machine has or replaces by a face of the same widths.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache

from cxlab.reporting.words import clean

SMALLEST = 18.0
LEADING = 1.2  # of a line, in sizes
_BOLD = 1.08
_WIDE = 1000  # Chinese, emoji and what else is not known
# Widths of the letters from the space to the tilde, in thousandths of the size (Adobe's Helvetica.afm).
_WIDTHS = (
    "278 278 355 556 556 889 667 191 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 556 556 556 "
    "278 278 584 584 584 556 1015 667 667 722 722 667 611 778 722 278 500 667 556 833 722 778 667 778 722 "
    "667 611 722 667 944 667 667 611 278 278 278 469 556 333 556 556 500 556 556 278 556 556 222 222 500 222 "
    "833 556 556 556 556 333 500 278 556 500 722 500 500 500 334 260 334 584"
)
_LETTERS = {chr(32 + k): int(width) for k, width in enumerate(_WIDTHS.split())}
_LETTERS |= {"«": 556, "»": 556, "–": 556, "−": 584, "·": 333, "†": 556, "×": 584, "¿": 611, "¡": 333}
_LETTERS |= {
    "\N{NO-BREAK SPACE}": 278,
    "\N{NARROW NO-BREAK SPACE}": 200,
    "≥": 549,
    "≤": 549,
    "“": 333,
    "”": 333,
}
_DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def spoken(text: object) -> str:
    r"""Return one line of text as a slide may hold it: no control character, none that turns the direction.

    Examples
    --------
    >>> spoken("uno\x07\n dos\u202e")
    'uno dos'
    """
    return clean(_DIRECTION.sub("", str(text)))


def width(text: str, size: float = SMALLEST, *, bold: bool = False) -> float:
    """Return the width of one line of text, in points.

    Examples
    --------
    >>> width("WWW") > width("iii")
    True
    """
    return sum(map(_letter, text)) / 1000 * size * (_BOLD if bold else 1.0)


@lru_cache(maxsize=4096)
def _letter(letter: str) -> int:
    plain = unicodedata.normalize("NFD", letter)[0]
    return _LETTERS.get(letter) or _LETTERS.get(plain) or (0 if unicodedata.combining(letter) else _WIDE)


def wrapped(text: str, room: float, size: float = SMALLEST, *, bold: bool = False) -> list[str]:
    """Return `text` in lines no wider than `room` points; a word that is wider is broken.

    Examples
    --------
    >>> wrapped("Tiempo de espera en el call center", 170)
    ['Tiempo de espera', 'en el call center']
    """
    lines: list[str] = []
    for word in text.split(" "):
        joined = f"{lines[-1]} {word}" if lines else word
        if width(joined, size, bold=bold) <= room:
            lines[-1:] = [joined]
        else:
            lines += _broken(word, room / (_BOLD if bold else 1.0) * 1000 / size)
    return lines


def _broken(word: str, room: float) -> list[str]:
    """Return a word in pieces that fit, of one letter at least; mostly it is one piece."""
    pieces, used = [""], 0.0
    for letter in word:
        wide = _letter(letter)
        if used + wide > room and pieces[-1]:
            pieces.append("")
            used = 0.0
        pieces[-1] += letter
        used += wide
    return pieces


def cut(text: str, room: float, size: float = SMALLEST, *, lines: int = 1, bold: bool = False) -> str:
    """Return `text`, or as much of it as stands in that many lines, with an ellipsis.

    Examples
    --------
    >>> cut("Tiempo de espera en el call center", 170)
    'Tiempo de espera…'
    """

    def fits(shorter: str) -> bool:
        return len(wrapped(shorter, room, size, bold=bold)) <= lines

    if fits(text):
        return text
    ends = [k for k, letter in enumerate(text) if letter == " "]
    whole = bisect_left(ends, 1, key=lambda k: not fits(text[:k].rstrip(" ,;:.") + "…"))
    if whole and ends[whole - 1]:
        return text[: ends[whole - 1]].rstrip(" ,;:.") + "…"
    most = bisect_left(range(len(text)), 1, key=lambda k: not fits(text[:k] + "…"))
    return text[: max(most - 1, 0)] + "…"


def fitting(
    text: str, room: float, height: float, sizes: Sequence[float], *, bold: bool = False
) -> tuple[float, str, float]:
    """Return the largest of `sizes` at which `text` stands in `room` by `height` points, and its own height.

    At the last size a text that is still too long is cut with an ellipsis.

    Returns
    -------
    (float, str, float)
        The size, the text, the height that it takes.
    """
    for size in sizes:
        lines = len(wrapped(text, room, size, bold=bold))
        if lines * size * LEADING <= height:
            return size, text, lines * size * LEADING
    lines = max(1, int(height / (sizes[-1] * LEADING)))
    return sizes[-1], cut(text, room, sizes[-1], lines=lines, bold=bold), lines * sizes[-1] * LEADING
