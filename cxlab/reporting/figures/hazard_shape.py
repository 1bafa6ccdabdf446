"""Risk by month: a dot and its interval for each month, those that stand out in colour, what ends marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from cxlab.analysis.estimates import LOW_BASE, Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.figures.retention import axis_of
from cxlab.reporting.figures.theme import SMALL
from cxlab.reporting.words import Words, absent

CODES = ("retention.raised", "retention.uneven", "retention.even", "retention.no_events")
BODY, PANEL, BETWEEN = 170.0, 92.0, 40.0
PANELS = 4
MONTHS = (1, 2, 3, 6, 12, 24)


@dataclass(frozen=True)
class Panel:
    """One group: its name, its months that may be shown, and the runs that stand out."""

    label: str
    months: pd.DataFrame
    runs: pd.DataFrame


@plate.figure_of
def draw_hazard_shape(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw the risk of leaving in each month, of each group in a panel of its own.

    Parameters
    ----------
    result : Result
        Of `survival.hazard_shape`: table with time, hazard, conf_low, conf_high, at_risk, flag and the
        groups; ``months`` with the runs that stand out; ``marks`` among the settings.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Axes
        The first of up to four panels, which share both axes.
    """
    title = plate.title_of(result, words, CODES, words("figure.hazard_shape.title"))
    by = [k for k in result.keys if k in result.table.columns and k != "time"]
    panels = _panels(result, by, words)
    if not panels:
        return plate.nothing(result, words, title, ax)
    drawn = panels[:PANELS]
    more = [words.plural("figure.alt.more", len(panels) - PANELS)] if len(panels) > PANELS else []
    foot = [*plate.foot_of(result, words), words("figure.retention.ends"), *more]
    subtitle = words("figure.hazard_shape.subtitle")
    sheet = plate.Sheet(title=title, subtitle=subtitle, foot=foot, left=40.0, right=8.0, axis=38.0)
    end, top = _reach(drawn)
    axes = _lay(sheet, len(drawn), ax)
    for panel, body in zip(drawn, axes, strict=True):
        _axes(body, end, top, words)
        _months(body, panel, words)
        _marks(body, result.settings.get("marks") or {}, words)
        if by:
            plate.write(body, panel.label, (0, 1), (0, 13), size=SMALL, weight="bold", color=LIGHT["ink"])
    plate.note(axes[-1], axis_of(result, words), (0.5, 0), (0, -20), ha="center", va="top")
    return axes[0]


def _panels(result: Result, by: Sequence[str], words: Words) -> list[Panel]:
    runs = result.tables.get("months", pd.DataFrame(columns=["segment", "start", "end", "ratio"]))
    groups: list[tuple[Any, str, pd.DataFrame]] = [(None, "", result.table)]
    if by:
        groups = [
            (
                values[0] if len(by) == 1 else " x ".join(map(str, values)),
                " × ".join(words.label(k, v) for k, v in zip(by, values, strict=True)),
                rows,
            )
            for values, rows in result.table.groupby(list(by), sort=True, observed=True)
        ]
    panels = []
    for name, label, rows in groups:
        own = runs if name is None else runs[runs["segment"] == name]
        shown = rows[rows["hazard"].notna()]
        if len(shown):
            panels.append(Panel(label, shown, own))
    return panels


def _reach(panels: Sequence[Panel]) -> tuple[float, float]:
    """Return the last month, and how high the axis goes: intervals of low bases may leave it."""
    months = pd.concat([panel.months for panel in panels])
    firm = months[months["at_risk"] >= LOW_BASE]
    top = float((firm if len(firm) else months)["conf_high"].max())
    return float(months["time"].max()), top * 1.12


def _lay(sheet: plate.Sheet, count: int, ax: Axes | None) -> list[Axes]:
    if count == 1:
        return [plate.lay(replace(sheet, body=BODY, above=14.0), ax)]
    body = count * PANEL + (count - 1) * BETWEEN
    host = plate.lay(replace(sheet, body=body, above=30.0), ax)
    host.set_axis_off()
    bottoms = [1 - (k * (PANEL + BETWEEN) + PANEL) / body for k in range(count)]
    axes = [host.inset_axes((0, bottom, 1, PANEL / body)) for bottom in bottoms]
    axes[0].set_label(sheet.title)
    return axes


def _axes(ax: Axes, end: float, top: float, words: Words) -> None:
    step = next((m for m in MONTHS if end / m <= 14), 24)
    ax.set_xlim(0.4, end + 0.6)
    ax.set_ylim(0, top)
    ax.xaxis.set_major_locator(FixedLocator([float(t) for t in range(step, int(end) + 1, step)]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: words.number(v, 0)))
    ax.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: words.percent(v)))
    ax.grid(visible=True, axis="y", color=LIGHT["rule"], linewidth=0.6)
    ax.set_axisbelow(True)
    ax.spines["bottom"].set_visible(True)
    ax.spines["bottom"].set_color(LIGHT["muted"])
    ax.tick_params(axis="both", length=0, pad=5)


def _months(ax: Axes, panel: Panel, words: Words) -> None:
    runs = panel.runs.to_dict("records")
    apart = [any(r["start"] <= t <= r["end"] for r in runs) for t in panel.months["time"]]
    colours = [LIGHT["worse" if each else "focal"] for each in apart]
    time, hazard, low, high = (
        panel.months[c].astype(float) for c in ("time", "hazard", "conf_low", "conf_high")
    )
    ax.vlines(time, low, high, colors=colours, linewidth=1.6, alpha=0.55, zorder=2)
    hollow = [flag == "low_base" for flag in panel.months["flag"]]
    fill = [LIGHT["paper"] if h else c for h, c in zip(hollow, colours, strict=True)]
    ax.scatter(time, hazard, s=26, c=fill, edgecolors=colours, linewidths=1.3, zorder=3)
    for run in runs:
        if absent(run["ratio"]):
            continue
        inside = panel.months[panel.months["time"].between(run["start"], run["end"])]
        height = min(float(inside["conf_high"].max()), ax.get_ylim()[1])
        said = words("figure.hazard_shape.times", ratio=words.number(run["ratio"], 1))
        middle = (run["start"] + run["end"]) / 2
        plate.write(
            ax, said, (middle, height), (0, 3), x="data", y="data", ha="center", size=SMALL,
            weight="bold", color=LIGHT["ink"],
        )  # fmt: skip


def _marks(ax: Axes, marks: dict[str, float], words: Words) -> None:
    """Mark with a dotted line where something ends, its name beside the line."""
    for column, month in marks.items():
        ax.axvline(month + 0.5, color=LIGHT["muted"], linewidth=1.0, linestyle=(0, (2, 2)), zorder=1)
        right = month < 0.6 * ax.get_xlim()[1]
        name, at = words.label(column.removesuffix("_months")), (month + 0.5, 1)
        plate.note(ax, name, at, (4 if right else -4, 2), x="data", ha="left" if right else "right")
