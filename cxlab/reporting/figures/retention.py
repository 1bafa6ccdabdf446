"""Retention: step curves with their bands, direct labels, and how many are at risk under the axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter

from cxlab.analysis.estimates import MINIMUM_CUSTOMERS, Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.figures.theme import SMALL, TEXT
from cxlab.reporting.figures.type import width, wrapped
from cxlab.reporting.words import Words

CODES = (
    "retention.difference",
    "retention.alike",
    "retention.median",
    "retention.level",
    "retention.no_events",
)
COLOURS = ("focal", "third", "second", "context")
TEXTS = ("focal", "third", "second_text", "muted")
PANELS, ACROSS = 12, 3
BODY, PANEL, BETWEEN = 190.0, 92.0, 50.0
MONTHS = (1, 2, 3, 6, 12, 24, 60, 120)


@dataclass(frozen=True)
class Curve:
    """One group's steps, from 1 at month 0 to the last month with enough customers at risk."""

    label: str
    steps: pd.DataFrame
    whole: pd.DataFrame

    @property
    def last(self) -> float:
        """Share that remains where the curve ends."""
        return float(self.steps["estimate"].iloc[-1])


@plate.figure_of
def draw_retention(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw how many customers remain, month by month, with bands and numbers at risk.

    Parameters
    ----------
    result : Result
        Of `survival.retention`: table with time, at_risk, estimate, conf_low, conf_high, flag and the groups.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Axes
        Up to four groups as curves of one body; more as small multiples (the first one is returned).
    """
    by = [k for k in result.keys if k in result.table.columns and k not in ("time", "flag")]
    title = plate.title_of(result, words, CODES, words("figure.retention.title"))
    curves = _curves(result.table, by, words)
    if not curves:
        return plate.nothing(result, words, title, ax)
    column = " × ".join(words.label(k) for k in by)
    axis = axis_of(result, words).lower() if result.settings.get("since") else ""
    start = {"since": axis} if axis else {}
    key = f"figure.retention.subtitle{'.by' if by else ''}{'.since' if axis else ''}"
    subtitle = words(key, **{**start, **({"column": column} if by else {})})
    foot = [*plate.foot_of(result, words, suppressed=False), words("figure.retention.ends")]
    sheet = plate.Sheet(title=title, subtitle=subtitle, foot=foot)
    if len(curves) > len(COLOURS):
        return _apart(curves, sheet, words, ax)
    ax = _together(curves, sheet, words, ax)
    plate.note(ax, axis_of(result, words), (0.5, 0), (0, -20), ha="center", va="top")
    return ax


def axis_of(result: Result, words: Words) -> str:
    """Return what the months count from: the beginning, or what starts the clock anew."""
    start = str(result.settings.get("since") or "").removesuffix("_months")
    return (
        words("figure.retention.since", since=words.label(start)) if start else words("figure.retention.axis")
    )


def _curves(table: pd.DataFrame, by: Sequence[str], words: Words) -> list[Curve]:
    if not by:
        groups = [(words("figure.retention.all"), table)]
    else:
        found = table.groupby(list(by), sort=True, observed=True)
        groups = [
            (" × ".join(words.label(k, v) for k, v in zip(by, values, strict=True)), rows)
            for values, rows in found
        ]
    return [curve for label, rows in groups if len((curve := _curve(label, rows)).steps) > 1]


def _curve(label: str, rows: pd.DataFrame) -> Curve:
    whole = rows.sort_values("time", kind="stable")
    hidden = whole["estimate"].isna() | (whole["at_risk"].astype(float) < MINIMUM_CUSTOMERS)
    shown = whole[~hidden.cummax()]
    columns = ["time", "estimate", "conf_low", "conf_high"]
    steps = shown[columns].astype(float)
    if len(steps) and steps["time"].iloc[0] > 0:
        steps = pd.concat([pd.DataFrame([[0.0, 1.0, 1.0, 1.0]], columns=columns), steps], ignore_index=True)
    return Curve(label, steps, whole)


def _together(curves: Sequence[Curve], sheet: plate.Sheet, words: Words, ax: Axes | None) -> Axes:
    names = [wrapped(c.label, 110, SMALL, lines=1)[0] for c in curves]
    left = max(width(name, SMALL) for name in names) + 30 if len(curves) > 1 else 40.0
    right = (
        14
        + max(
            32.0,  # the percentage under the name
            *(width(line, bold=True) for c in curves for line in wrapped(c.label, 120, lines=2, bold=True)),
        )
        if len(curves) > 1
        else 46.0
    )
    under = 40 + 12.0 * (len(curves) + 1)
    ax = plate.lay(replace(sheet, left=left, right=right, axis=under, body=BODY, above=6.0), ax)
    colours = [LIGHT[name] for name in COLOURS[: len(curves)]]
    end = max(float(c.steps["time"].max()) for c in curves)
    ticks = month_axis(ax, end, words)
    for curve, colour in zip(curves, colours, strict=True):
        _steps(ax, curve, colour)
    texts = [LIGHT[name] for name in TEXTS[: len(curves)]]
    _ends(ax, curves, texts, words)
    _at_risk(ax, curves, texts, ticks, left, words)
    return ax


def month_axis(
    ax: Axes, end: float, words: Words, *, count: int = 8, levels: Sequence[float] = (0, 0.25, 0.5, 0.75, 1)
) -> list[float]:
    """Give the body months along the bottom and shares at the left; return the months that are marked."""
    step = next((m for m in MONTHS if end / m <= count), max(1, int(end // count)))
    ticks = [float(t) for t in np.arange(0, end + 1e-9, step)]
    ax.set_xlim(0, end * 1.005)
    ax.set_ylim(0, 1.02)
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: words.number(v, 0)))
    ax.yaxis.set_major_locator(FixedLocator(list(levels)))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: words.percent(v, 0)))
    ax.grid(visible=True, axis="y", color=LIGHT["rule"], linewidth=0.6)
    ax.set_axisbelow(True)
    ax.spines["bottom"].set_visible(True)
    ax.spines["bottom"].set_color(LIGHT["muted"])
    ax.tick_params(axis="both", length=0, pad=5)
    return ticks


def _steps(ax: Axes, curve: Curve, colour: str) -> None:
    time, estimate, low, high = (curve.steps[c] for c in ("time", "estimate", "conf_low", "conf_high"))
    ax.fill_between(time, low, high, step="post", color=colour, alpha=0.16, linewidth=0)
    sns.lineplot(
        x=time, y=estimate, drawstyle="steps-post", estimator=None, errorbar=None, color=colour,
        linewidth=1.8, legend=False, ax=ax,
    )  # fmt: skip
    ax.set_xlabel("")
    ax.set_ylabel("")


def _ends(ax: Axes, curves: Sequence[Curve], colours: Sequence[str], words: Words) -> None:
    """Write each curve's name and last level at its end, moved apart where they would touch."""
    order = sorted(range(len(curves)), key=lambda k: -curves[k].last)
    texts = {
        k: [
            *(wrapped(curves[k].label, 120, lines=2, bold=True) if len(curves) > 1 else []),
            words.percent(curves[k].last, 0),
        ]
        for k in order
    }
    heights, ceiling = {}, np.inf
    for k in order:
        half = 6.2 * len(texts[k])
        heights[k] = min(curves[k].last / 1.02 * BODY, ceiling - half)
        ceiling = heights[k] - half
    floor = 0.0
    for k in reversed(order):
        half = 6.2 * len(texts[k])
        heights[k] = max(heights[k], floor + half)
        floor = heights[k] + half
    for k in order:
        for j, line in enumerate(texts[k]):
            offset = heights[k] + (len(texts[k]) - 1) * 6.2 - 12.4 * j
            plate.write(
                ax,
                line,
                (1, 0),
                (8, offset),
                va="center",
                size=TEXT,
                color=colours[k],
                weight="bold" if j == 0 else "normal",
            )


def _at_risk(
    ax: Axes,
    curves: Sequence[Curve],
    colours: Sequence[str],
    ticks: Sequence[float],
    left: float,
    words: Words,
) -> None:
    """Write under the axis how many are at risk, the groups in the order in which their curves end."""
    top = -38.0
    plate.note(ax, words("figure.retention.at_risk"), (0, 0), (-left, top), va="top")
    ordered = sorted(zip(curves, colours, strict=True), key=lambda pair: -pair[0].last)
    for k, (curve, colour) in enumerate(ordered):
        y = top - 12.0 * (k + 1)
        if len(curves) > 1:
            name = wrapped(curve.label, 110, SMALL, lines=1)[0]
            plate.write(ax, name, (0, 0), (-left, y), size=SMALL, va="top", color=colour)
        for tick in ticks:
            count = at_risk(curve.whole, tick, words)
            plate.write(ax, count, (tick, 0), (0, y), x="data", size=SMALL, ha="center", va="top")


def at_risk(rows: pd.DataFrame, time: float, words: Words) -> str:
    """Return how many are at risk just before `time`, as the table says; ``<10`` where it is not shown."""
    later = rows[rows["time"] >= time]
    if later.empty:
        return ""
    count = later["at_risk"].iloc[0]
    return words("table.under_ten") if pd.isna(count) or count < MINIMUM_CUSTOMERS else words.number(count, 0)


def _apart(curves: Sequence[Curve], sheet: plate.Sheet, words: Words, ax: Axes | None) -> Axes:
    """Draw small multiples: each group's curve in its panel, the others in grey behind it."""
    shown = list(curves)[:PANELS]
    down = -(-len(shown) // ACROSS)
    body = down * PANEL + (down - 1) * BETWEEN
    more = [words.plural("figure.alt.more", len(curves) - PANELS)] if len(curves) > PANELS else []
    sheet = replace(sheet, foot=[*sheet.foot, *more], left=36.0, right=12.0, above=24.0, axis=24.0, body=body)
    host = plate.lay(sheet, ax)
    host.set_axis_off()
    end = max(float(c.steps["time"].max()) for c in shown)
    panels = []
    for k, curve in enumerate(shown):
        row, across = divmod(k, ACROSS)
        bottom = 1 - (row * (PANEL + BETWEEN) + PANEL) / body
        panel = host.inset_axes((across * 0.35, bottom, 0.3, PANEL / body))
        month_axis(panel, end, words, count=4, levels=(0, 0.5, 1))
        panel.tick_params(axis="y", labelleft=across == 0)
        for other in (o for o in shown if o is not curve):
            time, estimate = other.steps["time"], other.steps["estimate"]
            panel.step(time, estimate, where="post", color=LIGHT["rule"], linewidth=0.9)
        _steps(panel, curve, LIGHT["focal"])
        _panel_head(panel, curve, (plate.WIDTH - 48) * 0.3, words)
        panels.append(panel)
    panels[0].set_label(sheet.title)
    return panels[0]


def _panel_head(panel: Axes, curve: Curve, room: float, words: Words) -> None:
    base = f"{words('figure.base')} = {at_risk(curve.whole, 0, words)}"
    lines = wrapped(curve.label, room - width(base, SMALL) - 6, SMALL, bold=True, lines=2)
    for k, line in enumerate(lines):
        offset = (0, 4 + 11 * (len(lines) - 1 - k))
        plate.write(panel, line, (0, 1), offset, size=SMALL, va="bottom", weight="bold", color=LIGHT["ink"])
    plate.note(panel, base, (1, 1), (0, 4), ha="right")
