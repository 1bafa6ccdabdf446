"""What a better experience is worth in a year: what comes through each loyal behaviour, and their sum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import behaviours, plate
from cxlab.reporting.words import Words, digits_for

HALF = 7.0


@plate.figure_of
def draw_value_bridge(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw the yearly value of a customer that a step of experience goes with, behaviour by behaviour.

    Parameters
    ----------
    result : Result
        Of `economics.behaviours`: among its tables bridge (behaviour, estimate, conf_low, conf_high).
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure as high as its rows need.

    Returns
    -------
    Axes
        Bars, each from where the one before ends; the last, from zero, is their sum. Thin lines are P10-P90.
        Grey where a behaviour cannot be told from noise.
    """
    table = result.tables["bridge"]
    title = _title(result, words)
    if table.empty or not table["estimate"].notna().any():
        return plate.nothing(result, words, title, ax)
    rows = table.to_dict("records")
    told_apart = behaviours.standing(result)
    grey = [row["behaviour"] not in (told_apart | {"total"} if told_apart else set()) for row in rows]
    money = str(result.settings.get("currency") or words("figure.money"))
    ax, places = plate.row_sheet(
        [words.label("behaviour", row["behaviour"]) for row in rows],
        [plate.Column([told(row, words) for row in rows], "P10–P90")],
        title=title,
        subtitle=words("figure.value_bridge.subtitle", change=behaviours.changed(result, words), money=money),
        foot=[
            *plate.foot_of(result, words, interval="figure.value_bridge.interval"),
            words("figure.behaviours.grey") if any(grey) else "",
        ],
        ax=ax,
        muted=grey,
    )
    start, ends = 0.0, [0.0]
    for row, place, noise in zip(rows, places, grey, strict=True):
        base = 0.0 if row["behaviour"] == "total" else start
        shade = LIGHT["context" if noise else "focal"]
        ax.barh(place.y, row["estimate"], 2 * HALF, left=base, color=shade, linewidth=0, zorder=2)
        low, high = base + row["conf_low"], base + row["conf_high"]
        ax.hlines(place.y, low, high, colors=LIGHT["ink"], linewidth=1.2, zorder=4)
        ends += [low, high, base + row["estimate"]]
        start += row["estimate"]
    at = 0.0
    for row, place, after in zip(rows, places, places[1:], strict=False):
        at += row["estimate"]
        ax.vlines(at, place.y + HALF, after.y - HALF, colors=LIGHT["muted"], linewidth=0.8, zorder=3)
    ax.set_xlim(*plate.limits(ends))
    ax.set_ylim(plate.height_of(places), 0)
    plate.value_axis(ax, words)
    ax.axvline(0, color=LIGHT["muted"], linewidth=1.0, zorder=1)
    return ax


def _title(result: Result, words: Words) -> str:
    if not behaviours.standing(result):
        return words("figure.value_bridge.title")
    total = result.tables["bridge"].set_index("behaviour").loc["total", "estimate"]
    money = f"{result.settings.get('currency') or ''} {words.amount(total, 'money')}".strip()
    return words("figure.value_bridge.sum", change=behaviours.changed(result, words), money=money)


def told(row: Mapping[Any, Any], words: Words) -> str:
    """Return a sum with its P10 and P90."""
    digits = digits_for("money", row["conf_low"], row["conf_high"])
    interval = words.interval(row["conf_low"], row["conf_high"], digits=digits)
    return f"{words.number(row['estimate'], digits)} ({interval})"


def spoken(result: Result, words: Words) -> str:
    """Return the figure's numbers in words: what comes through each behaviour, and the sum."""
    title = _title(result, words)
    rows = [
        f"{words.label('behaviour', row['behaviour'])}: {told(row, words)}"
        for row in result.tables["bridge"].to_dict("records")
    ]
    return f"{title}. {'; '.join(rows)}."
