"""How far apart channels are within each process: a dot for each, from the lowest to the highest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.figures.theme import SMALL
from cxlab.reporting.figures.type import width
from cxlab.reporting.units import METRIC_UNITS
from cxlab.reporting.words import Words, absent, digits_for

CODES = ("journey.spread", "journey.channels_alike")


@plate.figure_of
def draw_consistency(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw the level of each channel within each process, and the spread between them beside it.

    Parameters
    ----------
    result : Result
        Of `journey.consistency`: table of processes with the spread (estimate), ``channels`` among its
        tables with the level of each.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure as high as its rows need.

    Returns
    -------
    Axes
        One row for each process: dots of its channels, the ends named; tau with its interval at the right.
    """
    by, channel = list(result.settings.get("by", ())), str(result.settings.get("channel", ""))
    table = result.table.sort_values("estimate", ascending=False, kind="stable", na_position="last")
    records = table.head(plate.ROWS).to_dict("records")
    metric = str(result.settings.get("metric", ""))
    unit = METRIC_UNITS.get(metric, "scale")
    title = plate.title_of(result, words, CODES, words("figure.consistency.title", step=words.label(channel)))
    if not any(not absent(row["estimate"]) for row in records):
        return plate.nothing(result, words, title, ax)
    labels = [
        " × ".join(words.label(name, row[name]) for name in by) or words.metric(metric) for row in records
    ]
    low, suppressed = plate.flags_of(table)
    ax, rows = plate.row_sheet(
        labels,
        [plate.Column([_tau(row, unit, words) for row in records], words("figure.consistency.tau")),
         plate.bases(table.head(plate.ROWS), words)],
        title=title,
        subtitle=words(
            "figure.consistency.subtitle", step=words.label(channel), metric=words.metric(metric)
        ),
        foot=[
            words("figure.consistency.key"),
            *plate.foot_of(
                result, words, low_base=low, suppressed=suppressed, undrawn=len(table) - len(records)
            ),
        ],
        ax=ax,
    )  # fmt: skip
    levels = result.tables["channels"].to_dict("records")
    inside = [[c for c in levels if all(c[b] == row[b] for b in by)] for row in records]
    _dots(
        ax, records, inside, [row.y for row in rows], channel, words, 1 - result.settings.get("level", 0.95)
    )
    return ax


def _tau(row: Mapping[Any, Any], unit: str, words: Words) -> str:
    if absent(row["estimate"]):
        return ""
    digits = digits_for(unit, row["conf_low"], row["conf_high"])
    ends = words(
        "interval", low=words.number(row["conf_low"], digits), high=words.number(row["conf_high"], digits)
    )
    return f"{words.number(row['estimate'], digits)} ({ends})"


def _dots(
    ax: Axes, records: list[dict[Any, Any]], inside: list[list[dict[Any, Any]]], y: list[float], channel: str,
    words: Words, alpha: float,
) -> None:  # fmt: skip
    known = [[c for c in own if not absent(c["estimate"])] for own in inside]
    values = [float(c["estimate"]) for own in known for c in own]
    names = [words.label(channel, row[end]) for row in records for end in ("lowest", "highest")]
    low, high = plate.limits(values)
    # Room for the names of the ends, on both sides of the dots.
    share = min(0.42, (max(width(name, SMALL) for name in names) + 8) / max(plate.points_of(ax)[0], 1.0))
    air = (high - low) * share / max(1 - 2 * share, 0.16)
    ax.set_xlim(low - air, high + air)
    for row, own, at in zip(records, known, y, strict=True):
        if not own:
            continue
        stands = not absent(row["p_adjusted"]) and row["p_adjusted"] <= alpha
        colour = LIGHT["focal" if stands else "context"]
        x = [float(c["estimate"]) for c in own]
        ax.hlines([at], min(x), max(x), colors=[colour], linewidth=2.0, zorder=2)
        hollow = [c["flag"] == "low_base" for c in own]
        plate.dots(ax, x, [at] * len(x), [colour] * len(x), hollow=hollow, size=44)
        for end, place, ha, shift in (("lowest", min(x), "right", -7), ("highest", max(x), "left", 7)):
            plate.write(
                ax, words.label(channel, row[end]), (place, at), (shift, 0), x="data", y="data", size=SMALL,
                ha=ha, va="center", color=LIGHT["ink" if stands else "muted"],
            )  # fmt: skip
    plate.value_axis(ax, words)
