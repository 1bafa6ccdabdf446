"""The map of interactions by channels: distance to the best in each cell, its interval and its base."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.figures.theme import SMALL, TEXT
from cxlab.reporting.figures.type import width, wrapped
from cxlab.reporting.units import METRIC_UNITS
from cxlab.reporting.words import Words, absent

CODES = ("benchmark.behind_best", "benchmark.ahead_of_all", "benchmark.gaps_alike", "benchmark.gaps_few")
MARKS = {"above": ("better", "▲ "), "below": ("worse", "▼ ")}
# The order in which a customer meets them; other values follow as they come.
ORDER = (
    "sales", "onboarding", "install", "use", "billing", "collections", "support", "complaint",
    "cancellation", "web", "app", "call_center", "store",
)  # fmt: skip
ACROSS, HEIGHT, HEAD = 6, 38.0, 22.0


@plate.figure_of
def draw_gaps(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw each cell's distance to the best as a tinted field with its joint interval and smallest base.

    Parameters
    ----------
    result : Result
        Of `benchmark.gaps`: table with the cells, difference, its interval, verdict, n, flag.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure as high as its rows need.

    Returns
    -------
    Axes
        Rows are the first columns of the cells, columns the last one; low bases are hatched, and what stands
        has a mark and a bold number.
    """
    by = [column for column in result.settings.get("by", ()) if column in result.table.columns]
    metric, focal = str(result.settings.get("metric", "")), result.settings.get("focal", "")
    focal = words.label(result.settings.get("unit", ""), focal)
    neutral = words("figure.gaps.title", focal=focal, metric=words.metric(metric, "the"))
    title = plate.title_of(result, words, CODES, neutral)
    if not result.table["difference"].notna().any():
        return plate.nothing(result, words, title, ax)
    down, across = (by[:-1], by[-1:]) if len(by) > 1 else (by, [])
    lines, heads = _values(result.table, down)[: plate.ROWS], _values(result.table, across)[:ACROSS]
    labels = [" × ".join(words.label(k, v) for k, v in zip(down, line, strict=True)) for line in lines]
    left = plate.label_room(labels, most=120) + 10
    low_base, suppressed = plate.flags_of(result.table)
    unit = METRIC_UNITS.get(metric, "scale")
    subtitle = words(
        "figure.gaps.subtitle", focal=focal, metric=words.metric(metric),
        unit=words(f"figure.difference.{unit}"), level=words.percent(result.settings.get("level", 0.95)),
    )  # fmt: skip
    foot = [
        words("figure.gaps.key"),
        words("figure.foot.n", n=words.number(result.n_used, 0)),
        words("figure.foot.weighted") if result.settings.get("weights") else "",
        words("figure.foot.hatched") if low_base else "",
        words("figure.foot.suppressed") if suppressed else "",
    ]
    body = HEIGHT * len(lines)
    sheet = plate.Sheet(
        title=title,
        subtitle=subtitle,
        foot=foot,
        left=left,
        above=HEAD if across else 4.0,
        axis=4.0,
        body=body,
    )
    ax = plate.lay(sheet, ax)
    _frame(ax, labels, [words.label(across[0], head[0]) for head in heads] if across else [""], left, body)
    found = {tuple(row[k] for k in by): row for row in result.table.to_dict("records")}
    largest = float(result.table["difference"].abs().max()) or 1.0
    for k, line in enumerate(lines):
        for j, head in enumerate(heads):
            _field(ax, found.get((*line, *head)), (j, k), largest, words, unit)
    return ax


def _values(table: pd.DataFrame, columns: Sequence[str]) -> list[tuple[Any, ...]]:
    """Return the combinations of `columns`, in the order in which customers meet them."""
    if not columns:
        return [()]
    seen = list(dict.fromkeys(table[list(columns)].itertuples(index=False, name=None)))
    known = {name: place for place, name in enumerate(ORDER)}
    return sorted(seen, key=lambda cell: [known.get(str(value), len(ORDER)) for value in cell])


def _frame(ax: Axes, labels: Sequence[str], heads: Sequence[str], left: float, body: float) -> None:
    ax.set_xlim(0, len(heads))
    ax.set_ylim(body, 0)
    ax.set_xticks([])
    plate.bare(ax)
    ax.grid(visible=False)
    rows = [
        plate.Row(tuple(wrapped(label, left - 10, TEXT)), HEIGHT * (k + 0.5), HEIGHT)
        for k, label in enumerate(labels)
    ]
    plate.label_rows(ax, rows, left, plate.EDGE)
    room = (plate.points_of(ax)[0]) / max(len(heads), 1) - 6
    for k, head in enumerate(heads):
        parts = wrapped(head, room, SMALL)
        for j, part in enumerate(parts):
            offset = (0, 4 + 10.5 * (len(parts) - 1 - j))
            plate.write(
                ax, part, (k + 0.5, 1), offset, x="data", size=SMALL, ha="center", color=LIGHT["muted"]
            )


def _field(
    ax: Axes, row: Mapping[Any, Any] | None, place: tuple[int, int], largest: float, words: Words, unit: str
) -> None:
    """Print one cell: its number, under it the interval and the base."""
    x, y = place[0] + 0.5, HEIGHT * (place[1] + 0.5)
    at: dict[str, Any] = {"x": "data", "y": "data", "ha": "center", "va": "center"}
    if row is None or absent(row["difference"]):
        said = words("figure.gaps.none") if row is None else words("table.under_ten")
        plate.write(ax, said, (x, y), size=SMALL, color=LIGHT["muted"], **at)
        return
    value, low = float(row["difference"]), row.get("flag") == "low_base"
    token, mark = MARKS.get(str(row["verdict"]), ("better" if value >= 0 else "worse", ""))
    corner, size = (place[0] + 0.02, HEIGHT * place[1] + 1), (0.96, HEIGHT - 2)
    strength = abs(value) / largest
    alpha = 0.16 + 0.3 * strength if mark else 0.04 + 0.05 * strength
    ax.add_patch(Rectangle(corner, *size, facecolor=LIGHT[token], linewidth=0, alpha=alpha))
    if low:
        ax.add_patch(Rectangle(corner, *size, fill=False, edgecolor=LIGHT["rule"], linewidth=0, hatch="///"))
    digits = 0 if unit in ("points", "percent") else 2
    number, colour = mark + words.signed(value, digits), LIGHT["ink" if mark else "muted"]
    plate.write(ax, number, (x, y - 7), size=TEXT, color=colour, weight="bold" if mark else "normal", **at)
    ends = (words.number(row[end], digits) for end in ("conf_low", "conf_high"))
    said = words(
        "figure.gaps.bases", **dict(zip(("low", "high"), ends, strict=True)), n=words.number(row["n"], 0)
    )
    room = plate.points_of(ax)[0] * 0.94 / ax.get_xlim()[1]
    small = min(SMALL, SMALL * room / width(said, SMALL))
    plate.write(ax, said, (x, y + 8), size=small, color=LIGHT["muted"], **at)
