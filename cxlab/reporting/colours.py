"""Colours of pages and figures: tokens for light and dark, and how well one reads on another.

Figures are drawn in the light colours; a page turns each of them into a CSS variable of the token's
name, so that one SVG serves light, dark and the client's own focal colour. No two tokens of a theme
share a value: that is how a colour is known again (``better`` differs from ``focal`` by one unit).
The third category is violet: beside the second, an olive, a dark red would be red against green.
"""

from __future__ import annotations

import colorsys
import re

LIGHT = {
    "paper": "#ffffff", "wash": "#f5f6f8", "rule": "#d9dee5", "ink": "#1b2430", "muted": "#566170",
    "focal": "#1f5fa8", "context": "#8a94a3", "second": "#769b08", "second_text": "#587406",
    "third": "#5b2a86", "worse": "#c2570c", "better": "#1f5fa9",
}  # fmt: skip
DARK = {
    "paper": "#14181f", "wash": "#1c222c", "rule": "#323b48", "ink": "#e8ecf2", "muted": "#a3aebd",
    "focal": "#6fa8e8", "context": "#9aa6b5", "second": "#a9cf3a", "second_text": "#a9cf3b",
    "third": "#c3a1e8", "worse": "#f0914a", "better": "#6fa8e9",
}  # fmt: skip

TEXT_CONTRAST, MARK_CONTRAST = 4.5, 3.0
_HEX = re.compile(r"#[0-9a-fA-F]{6}")


def contrast(one: str, other: str) -> float:
    """Return the WCAG 2 contrast ratio of two colours, 1 to 21.

    Examples
    --------
    >>> round(contrast("#000000", "#ffffff"), 1), round(contrast("#1f5fa8", "#ffffff"), 1)
    (21.0, 6.4)
    """
    bright, dim = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def legible(colour: str, paper: str, ratio: float = TEXT_CONTRAST) -> str:
    """Return `colour`, made darker or lighter (hue kept) until it can be read on `paper`.

    Examples
    --------
    >>> legible("#1f5fa8", "#ffffff"), contrast(legible("#ffe100", "#ffffff"), "#ffffff") >= 4.5
    ('#1f5fa8', True)
    """
    if contrast(colour, paper) >= ratio:
        return colour.lower()
    hue, lightness, saturation = colorsys.rgb_to_hls(*_rgb(colour))
    away = 0.0 if _luminance(paper) > 0.18 else 1.0
    for step in range(1, 51):
        mixed = colorsys.hls_to_rgb(hue, lightness + (away - lightness) * step / 50, saturation)
        candidate = "#" + "".join(f"{round(c * 255):02x}" for c in mixed)
        if contrast(candidate, paper) >= ratio:
            return candidate
    return "#000000" if away == 0.0 else "#ffffff"


def is_colour(text: str) -> bool:
    """Whether `text` is a colour as ``#RRGGBB``."""
    return bool(_HEX.fullmatch(text))


def _rgb(colour: str) -> tuple[float, float, float]:
    return int(colour[1:3], 16) / 255, int(colour[3:5], 16) / 255, int(colour[5:7], 16) / 255


def _luminance(colour: str) -> float:
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in _rgb(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
