"""A map of cells: a square of steps by steps, or rows by columns; one number printed in each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.figures.theme import SMALL, TEXT
from cxlab.reporting.figures.type import width, wrapped
from cxlab.reporting.words import Words, absent

ROW, SMALLEST = 34.0, 6.0
NARROW = 46.0  # points under which a cell holds one short number


@dataclass(frozen=True)
class Cell:
    """One cell: its number, what stands small under it, tint, and how it is told."""

    text: str
    under: str = ""
    token: str = "focal"
    strength: float = 0.0
    bold: bool = False
    hatched: bool = False
    framed: bool = False


def steps_of(table: Any) -> list[Any]:
    """Return the steps of moves, in the order of the rows."""
    return list(dict.fromkeys([*table["from"], *table["to"]]))


def names_of(result: Result, steps: Sequence[Any], words: Words) -> list[str]:
    """Return the labels of steps; those taken together have one of the catalogue."""
    step = str(result.settings.get("step", ""))
    return [words.label("from" if name == "others" else step, name) for name in steps]


def draw_square(
    names: Sequence[str],
    cell: Callable[[int, int], Cell | None],
    *,
    title: str,
    subtitle: str,
    foot: Sequence[str],
    right: Sequence[plate.Column] = (),
    across: Sequence[str] | None = None,
    ax: Axes | None,
) -> Axes:
    """Draw rows of `names` by columns `across` (the same without it), cell (i, j) as `cell(i, j)` tells."""
    across = names if across is None else across
    left = plate.label_room(names, most=130) + 10
    beside = sum(column.width for column in right) + plate.EDGE
    rows = [plate.Row(tuple(wrapped(n, left - 10)), ROW * (k + 0.5), ROW) for k, n in enumerate(names)]
    room = (plate.WIDTH - left - beside) / max(len(across), 1)
    size = min(SMALL, *(_size(name, room - 4) for name in across))
    heads = [wrapped(name, room - 4, size) for name in across]
    sheet = plate.Sheet(
        title=title, subtitle=subtitle, foot=foot, left=left, right=beside,
        above=12 + 10.5 * max(len(lines) for lines in heads), axis=4.0, body=ROW * len(rows),
    )  # fmt: skip
    ax = plate.lay(sheet, ax)
    ax.set_xlim(0, len(across))
    ax.set_ylim(ROW * len(rows), 0)
    ax.set_xticks([])
    plate.bare(ax)
    ax.grid(visible=False)
    plate.label_rows(ax, rows, left, beside)
    plate.write_columns(ax, rows, right)
    for k, lines in enumerate(heads):
        for j, line in enumerate(lines):
            offset = (0, 4 + 10.5 * (len(lines) - 1 - j))
            plate.write(
                ax, line, (k + 0.5, 1), offset, x="data", size=size, ha="center", va="bottom",
                color=LIGHT["muted"],
            )  # fmt: skip
    for i in range(len(names)):
        for j in range(len(across)):
            told = cell(i, j)
            if told is not None:
                _put(ax, told, (j, rows[i].y), narrow=room < NARROW)
    return ax


def _size(name: str, room: float) -> float:
    longest = max(width(word, SMALL) for word in name.split(" ")) if name else 1.0
    return max(SMALLEST, min(SMALL, SMALL * room / longest))


def _put(ax: Axes, told: Cell, at: tuple[int, float], *, narrow: bool) -> None:
    x, y = at
    corner, size = (x + 0.02, y - ROW / 2 + 1), (0.96, ROW - 2)
    tint = LIGHT[told.token]
    ax.add_patch(Rectangle(corner, *size, facecolor=tint, linewidth=0, alpha=0.03 + 0.45 * told.strength))
    if told.hatched:
        ax.add_patch(
            Rectangle(corner, *size, fill=False, edgecolor=LIGHT["context"], linewidth=0, hatch="///")
        )
    if told.framed:
        ax.add_patch(Rectangle(corner, *size, fill=False, edgecolor=LIGHT["ink"], linewidth=1.6))
    place: dict[str, Any] = {"x": "data", "y": "data", "ha": "center", "va": "center"}
    if told.hatched:
        place["bbox"] = {"facecolor": LIGHT["paper"], "edgecolor": "none", "alpha": 0.85, "pad": 1.0}
    weight = "bold" if told.bold else "normal"
    colour = LIGHT["ink" if told.bold else "muted"]
    main = SMALL if narrow else TEXT
    up = 5 if told.under else 0
    plate.write(ax, told.text, (x + 0.5, y), (0, up), size=main, color=colour, weight=weight, **place)
    under = SMALLEST if narrow else SMALL
    plate.write(ax, told.under, (x + 0.5, y), (0, -8), size=under, color=LIGHT["muted"], **place)


def found(row: Mapping[Any, Any] | None, column: str) -> bool:
    """Tell whether there is a row with a value in `column`."""
    return row is not None and not absent(row.get(column))
