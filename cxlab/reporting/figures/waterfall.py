"""A change in steps: the index before, what each part adds, the index now."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.figures.spoken import unit_of
from cxlab.reporting.words import Words, absent, digits_for

CODES = ("waves.part", "waves.parts_open")
HALF = 6.5


@plate.figure_of
def draw_waterfall(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw the index before and now, and between them the parts of the change, each from where one ends.

    Parameters
    ----------
    result : Result
        Of `waves.change`: table with part, difference, conf_low, conf_high, p_adjusted, n; its table
        before_and_now (wave, estimate).
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure as high as its rows need.

    Returns
    -------
    Axes
        A square for each wave, a bar for each part with its interval; grey where it may be chance.
    """
    title = plate.title_of(result, words, CODES, words("figure.waterfall.title"))
    ends, table = result.tables.get("before_and_now"), result.table
    if ends is None or table.empty or not table["difference"].notna().all() or ends["estimate"].isna().any():
        return plate.nothing(result, words, title, ax)
    metric = result.settings.get("metric", "")
    unit, level = unit_of(result, metric), float(result.settings["level"])
    parts = table[table["part"] != "total"].to_dict("records")
    before, now = (float(value) for value in ends["estimate"])
    labels = [
        words.category(ends["wave"].iloc[0]),
        *(words.label("part", row["part"]) for row in parts),
        words.category(ends["wave"].iloc[1]),
    ]
    grey = [False, *(not _stands(row, level) for row in parts), False]
    texts = [words.number(before, 1), *(told(row, unit, words) for row in parts), words.number(now, 1)]
    ax, rows = plate.row_sheet(
        labels,
        [plate.Column(texts)],
        title=title,
        subtitle=words(
            "figure.waterfall.subtitle", metric=words.metric(metric), unit=words(f"figure.unit.{unit}")
        ),
        foot=[
            *plate.foot_of(result, words),
            words("figure.waterfall.grey") if any(grey) else "",
            words("figure.waves.from_zero"),
        ],
        ax=ax,
        muted=grey,
    )
    at, seen = before, [before, now]
    for row, place, noise in zip(parts, rows[1:-1], grey[1:-1], strict=True):
        shade = LIGHT["context" if noise else "focal"]
        ax.barh(place.y, row["difference"], 2 * HALF, left=at, color=shade, linewidth=0, zorder=2)
        low, high = at + row["conf_low"], at + row["conf_high"]
        ax.hlines(place.y, low, high, colors=LIGHT["ink"], linewidth=1.2, zorder=4)
        seen += [low, high]
        at += row["difference"]
    at = before
    for step, place, after in zip([0.0, *(row["difference"] for row in parts)], rows, rows[1:], strict=False):
        at += step
        ax.vlines(at, place.y, after.y, colors=LIGHT["muted"], linewidth=0.8, zorder=1)
    plate.dots(ax, [before, now], [rows[0].y, rows[-1].y], [LIGHT["ink"]] * 2, marker="s")
    ax.set_xlim(*plate.limits(seen))
    ax.set_ylim(plate.height_of(rows), 0)
    plate.value_axis(ax, words)
    return ax


def _stands(row: dict[Any, Any], level: float) -> bool:
    return not absent(row.get("p_adjusted")) and row["p_adjusted"] <= 1 - level


def told(row: dict[Any, Any], unit: str, words: Words) -> str:
    """Return a part with its interval."""
    digits = digits_for(unit, row["conf_low"], row["conf_high"])
    interval = words.interval(row["conf_low"], row["conf_high"], digits=digits)
    return f"{words.signed(row['difference'], max(digits, 1))} ({interval})"


def spoken(result: Result, words: Words) -> str:
    """Return the figure's numbers in words: before, what each part adds, now."""
    title = plate.title_of(result, words, CODES, words("figure.waterfall.title"))
    ends = result.tables.get("before_and_now")
    if ends is None or result.table.empty or not result.table["difference"].notna().all():
        return f"{title}."
    unit = unit_of(result, result.settings.get("metric", ""))
    rows = [
        f"{words.category(w)}: {words.number(v, 1)}"
        for w, v in zip(ends["wave"], ends["estimate"], strict=True)
    ]
    parts = [
        f"{words.label('part', row['part'])}: {told(row, unit, words)}"
        for row in result.table.to_dict("records")
    ]
    return f"{title}. {'; '.join([rows[0], *parts, rows[1]])}."
