"""The ladder: what was designed, what is emitted and what is perceived of each standard, side by side."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.figures.keys import Key, draw_keys, height_of
from cxlab.reporting.words import Words, absent

MARKS = {
    "designed": ("|", "muted", True),
    "emitted": ("o", "focal", True),
    "perceived": ("s", "second", False),
}
APART = 4.0


@plate.figure_of
def draw_ladder(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw the three steps of each standard on one axis from 0 to 100.

    Parameters
    ----------
    result : Result
        Of `emitted.ladder`: table with standard_id, step, estimate, conf_low, conf_high, flag.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure as high as its rows need.

    Returns
    -------
    Axes
        A stroke for what was designed, a dot for what is emitted, a square for what is perceived.
    """
    table, title = result.table, words("figure.ladder.title")
    emitted = table[table["step"] == "emitted"].sort_values("estimate", ascending=False, kind="stable")
    emitted = emitted.head(plate.ROWS)
    if not emitted["estimate"].notna().any():
        return plate.nothing(result, words, title, ax)
    keys = [
        Key(words.label("step", step), marker, LIGHT[colour], filled)
        for step, (marker, colour, filled) in MARKS.items()
    ]
    labels = [words.label("standard_id", name) for name in emitted["standard_id"]]
    steps = {
        step: emitted[["standard_id"]].merge(table[table["step"] == step], on="standard_id", how="left")
        for step in MARKS
    }
    columns = [
        plate.Column(
            ["" if absent(x) else words.number(x, 0) for x in own["estimate"]],
            words(f"figure.ladder.{step}"),
            quiet=step != "emitted",
        )
        for step, own in steps.items()
    ]
    room = plate.label_room(labels)
    rows = plate.rows_of(labels, room)
    left, right = room + 10, sum(column.width for column in columns) + 4
    low_base, suppressed = plate.flags_of(table)
    sheet = plate.Sheet(
        title=title,
        subtitle=words("figure.ladder.subtitle"),
        foot=plate.foot_of(
            result, words, low_base=low_base, suppressed=suppressed,
            undrawn=int((table["step"] == "emitted").sum()) - len(emitted),
        ),
        left=left,
        right=right,
        above=18 + height_of(keys),
        body=plate.height_of(rows),
    )  # fmt: skip
    ax = plate.lay(sheet, ax)
    ax.set_ylim(plate.height_of(rows), 0)
    plate.label_rows(ax, rows, left, right)
    plate.write_columns(ax, rows, columns)
    draw_keys(ax, keys, left)
    for step, own in steps.items():
        _marks(ax, own, rows, step)
    ax.set_xlim(0, 102)
    ax.set_ylim(plate.height_of(rows), 0)
    plate.value_axis(ax, words)
    return ax


def _marks(ax: Axes, own: pd.DataFrame, rows: list[plate.Row], step: str) -> None:
    marker, colour, filled = MARKS[step]
    shift = {"emitted": -APART, "perceived": APART}.get(step, 0.0)
    y = [row.y + shift for row in rows]
    if step == "designed":
        ax.vlines(
            own["estimate"], [v - 9 for v in y], [v + 9 for v in y], colors=LIGHT[colour], linewidth=2.0
        )
        return
    low, high = own["conf_low"].astype(float), own["conf_high"].astype(float)
    ax.hlines(y, low, high, colors=LIGHT[colour], linewidth=1.8, zorder=2)
    hollow = [not filled] * len(y)
    plate.dots(
        ax, own["estimate"].to_list(), y, [LIGHT[colour]] * len(y), marker=marker, size=34, hollow=hollow
    )
