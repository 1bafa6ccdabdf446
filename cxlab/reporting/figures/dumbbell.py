"""Dumbbell: in each class the client, the median of the others and the best of them, on one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.figures.keys import Key, draw_keys, height_of
from cxlab.reporting.figures.spoken import unit_of
from cxlab.reporting.words import Words, absent

ENDS = ("focal_estimate", "median", "best_level")
MARKS = {"focal_estimate": ("o", "focal"), "median": ("s", "muted"), "best_level": ("D", "third")}


@plate.figure_of
def draw_dumbbell(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw how far the client is from the median and from the best of the others, class by class.

    Parameters
    ----------
    result : Result
        Of `benchmark.best_in_class` with a focal unit: table ``distance``.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure as high as its rows need.

    Returns
    -------
    Axes
        A line from the client to the best (drawn to the others), a mark at the median; the distance and its
        interval as numbers. The largest distance first.
    """
    table = result.tables["distance"]
    metric, by = result.settings.get("metric", ""), list(result.settings.get("by", ()))
    focal = words.label(result.settings.get("unit", ""), result.settings.get("focal", ""))
    title = words("figure.dumbbell.title", focal=focal, metric=words.metric(metric, "the"))
    if table.empty or not table["difference"].notna().any():
        return plate.nothing(result, words, title, ax)
    table = table.sort_values("difference", kind="stable", na_position="last").head(plate.ROWS)
    labels = [
        " × ".join(words.label(k, row[k]) for k in by) or words.metric(metric)
        for row in table.to_dict("records")
    ]
    gaps = [_gap(row, words) for row in table.to_dict("records")]
    columns = [plate.Column(gaps, words("figure.dumbbell.distance")), plate.bases(table, words)]
    keys = [Key(words(f"figure.dumbbell.{end}", focal=focal), *_mark(end)) for end in ENDS]
    left, right = plate.label_room(labels, most=190) + 10, sum(column.width for column in columns)
    rows = plate.rows_of(labels, left - 10)
    low_base, suppressed = plate.flags_of(table)
    unit = words(f"figure.unit.{unit_of(result, metric)}")
    sheet = plate.Sheet(
        title=title,
        subtitle=words("figure.dumbbell.subtitle", metric=words.metric(metric), unit=unit),
        foot=plate.foot_of(
            result, words, low_base=low_base, suppressed=suppressed,
            undrawn=len(result.tables["distance"]) - len(table),
        ),
        left=left, right=right + 4, above=20 + height_of(keys), body=plate.height_of(rows),
    )  # fmt: skip
    ax = plate.lay(sheet, ax)
    ax.set_ylim(sheet.body, 0)
    plate.label_rows(ax, rows, left, right)
    plate.write_columns(ax, rows, columns)
    draw_keys(ax, keys, left, up=20)
    y = [row.y for row in rows]
    ends = {end: [None if absent(v) else float(v) for v in table[end]] for end in ENDS}
    ax.set_xlim(*plate.limits([v for end in ends.values() for v in end if v is not None]))
    plate.value_axis(ax, words)
    for height, own, best in zip(y, ends["focal_estimate"], ends["best_level"], strict=True):
        if own is not None and best is not None:
            ax.hlines(
                height, min(own, best), max(own, best), colors=LIGHT["context"], linewidth=2.0, zorder=2
            )
    for end, values in ends.items():
        marker, colour, _ = _mark(end)
        hollow = plate.hollows(table) if end == "focal_estimate" else []
        plate.dots(ax, values, y, [colour] * len(y), hollow=hollow, marker=marker, size=46)
    return ax


def _mark(end: str) -> tuple[str, str, bool]:
    marker, token = MARKS[end]
    return marker, LIGHT[token], True


def _gap(row: Mapping[Any, Any], words: Words) -> str:
    """Return the distance to the best with its interval."""
    if absent(row["difference"]):
        return ""
    gap, low, high = (words.signed(float(row[c]), 0) for c in ("difference", "conf_low", "conf_high"))
    return words("figure.dumbbell.gap", gap=gap, low=low, high=high)
