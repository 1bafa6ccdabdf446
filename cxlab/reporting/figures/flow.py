"""Rows of each file: what is used as a bar, what is left out hatched at its end, the reasons under it."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.figures.theme import SMALL
from cxlab.reporting.figures.type import wrapped
from cxlab.reporting.words import Words

CODES = ("intake.kept", "intake.all_kept")
ROW, BAR, NOTE = 34.0, 9.0, 10.5  # heights in points
SEEN = 0.012  # least share that is drawn of what is left out


@plate.figure_of
def draw_flow(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw what became of the rows of each file.

    Parameters
    ----------
    result : Result
        Of `coverage.flow`: table with file, table, read, used, excluded; ``reasons`` among its tables.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure as high as its rows need.

    Returns
    -------
    Axes
        One bar for each file and table; what is left out is hatched, never thinner than can be seen.
    """
    table = result.table.head(plate.ROWS)
    records = table.to_dict("records")
    title = plate.title_of(result, words, CODES, words("figure.flow.title"))
    counts = {name: [words.number(n, 0) for n in table[name]] for name in ("read", "used")}
    foot = [
        words("figure.flow.foot") if table["excluded"].any() else "",
        *plate.foot_of(result, words, undrawn=len(result.table) - len(table)),
    ]
    columns = [
        plate.Column(counts["read"], words("figure.flow.read"), quiet=True),
        plate.Column(counts["used"], words("figure.flow.used")),
    ]
    names = [(_short(r["file"]), words.label(r["table"])) for r in records]
    left, right = (
        plate.label_room([text for pair in names for text in pair]) + 10,
        sum(c.width for c in columns),
    )
    room = plate.WIDTH - left - right - 8
    said = [_reasons(result.tables.get("reasons"), r, words) for r in records]
    notes = [wrapped(text, room, SMALL, lines=2) if text else [] for text in said]
    rows, y = [], 4.0
    for pair, lines in zip(names, notes, strict=True):
        height = ROW + NOTE * max(len(lines) - 1, 0)
        labels = tuple(wrapped(text, left - 10, lines=1)[0] for text in pair)
        rows.append(plate.Row(labels, y + height / 2, height))
        y += height
    sheet = plate.Sheet(
        title=title,
        subtitle=words("figure.flow.subtitle"),
        foot=foot,
        left=left,
        right=right + 4,
        above=18,
        body=plate.height_of(rows),
    )
    ax = plate.lay(sheet, ax)
    ax.set_ylim(plate.height_of(rows), 0)
    ax.set_xlim(0, 1)
    plate.label_rows(ax, rows, left, right)
    plate.write_columns(ax, rows, columns)
    plate.value_axis(ax, words, share=True)
    for row, record, lines in zip(rows, records, notes, strict=True):
        middle = row.y - NOTE * len(lines) / 2
        _bar(ax, middle, float(record["excluded"]) / max(float(record["read"]), 1.0))
        for k, line in enumerate(lines):
            down = middle + BAR / 2 + NOTE * (k + 0.6)
            plate.write(ax, line, (0, down), (2, 0), x="data", y="data", size=SMALL, va="center")
    return ax


def _short(file: object) -> str:
    return str(file).removeprefix("raw/").rsplit("/", 1)[-1]


def _bar(ax: Axes, middle: float, out: float) -> None:
    drawn = max(out, SEEN) if out else 0.0
    top = middle - BAR / 2
    ax.add_patch(Rectangle((0, top), 1 - drawn, BAR, facecolor=LIGHT["focal"], alpha=0.35, linewidth=0))
    if drawn:
        ax.add_patch(
            Rectangle((1 - drawn, top), drawn, BAR, facecolor=LIGHT["worse"], alpha=0.9, linewidth=0)
        )
        ax.add_patch(
            Rectangle(
                (1 - drawn, top), drawn, BAR, fill=False, edgecolor=LIGHT["paper"], linewidth=0, hatch="////"
            )
        )


def _reasons(reasons: pd.DataFrame | None, record: dict[object, object], words: Words) -> str:
    """Return why rows of a file are left out, in one line."""
    if reasons is None or not record["excluded"]:
        return ""
    own = reasons[(reasons["file"] == record["file"]) & (reasons["table"] == record["table"])].to_dict(
        "records"
    )
    count = words.number(record["excluded"], 0)
    if len(own) == 1:
        return words("figure.flow.out", count=count, reasons=words.reason(own[0]["reason"]))
    said = [
        words(
            "figure.flow.reason",
            reason=words.reason(each["reason"]),
            count=words.number(each["excluded"], 0),
        )
        for each in own
    ]
    return words("figure.flow.out", count=count, reasons=words.listed(said))
