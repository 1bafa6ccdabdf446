"""The key of a figure whose marks differ in shape: marks and their names in lines above the body."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate

LINE = 14.0


@dataclass(frozen=True)
class Key:
    """A mark and what it stands for."""

    label: str
    marker: str
    colour: str
    filled: bool = True


def height_of(keys: Sequence[Key]) -> float:
    """Return the room that the keys take."""
    places = plate.keys_of([key.label for key in keys], plate.WIDTH - 8)
    return LINE * (1 + max((line for line, _ in places), default=-1))


def draw_keys(ax: Axes, keys: Sequence[Key], left: float, *, up: float = 18.0) -> None:
    """Draw the keys from the left edge of the sheet, the last line `up` points above the body."""
    places = plate.keys_of([key.label for key in keys], plate.WIDTH - 8)
    wide, high = plate.points_of(ax)
    for key, (line, x) in zip(keys, places, strict=True):
        y = up + height_of(keys) - LINE * (1 + line)
        ax.plot(
            [(x - left + 4) / wide], [1 + (y + 3.5) / high], transform=ax.transAxes, clip_on=False,
            linestyle="none", marker=key.marker, markersize=6, markeredgewidth=1.5,
            markeredgecolor=key.colour, markerfacecolor=key.colour if key.filled else LIGHT["paper"],
        )  # fmt: skip
        plate.note(ax, key.label, (0, 1), (x - left + 13, y - 1))
