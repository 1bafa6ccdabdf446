"""Why customers leave: shares gone for each reason, stacked, over the months; what is left is still here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.figures.keys import Key, draw_keys, height_of
from cxlab.reporting.figures.retention import ACROSS, BETWEEN, BODY, PANEL, PANELS, axis_of, month_axis
from cxlab.reporting.figures.theme import SMALL, TEXT
from cxlab.reporting.figures.type import width, wrapped
from cxlab.reporting.words import Words

CODES = ("incidence.difference", "incidence.level", "incidence.alike", "retention.no_events")
COLOURS = ("focal", "third", "second", "context")
TEXTS = ("focal", "third", "second_text", "muted")


@dataclass(frozen=True)
class Stack:
    """One group: its name, its months, and the shares gone for each reason (reasons, months)."""

    label: str
    time: np.ndarray[Any, Any]
    shares: np.ndarray[Any, Any]


@plate.figure_of
def draw_incidence(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw how many have left for each reason, month by month, one on top of the other.

    Parameters
    ----------
    result : Result
        Of `survival.incidence`: table with cause, time, estimate and the groups.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Axes
        All in one body with names at its right, or a panel for each group (the first one is returned);
        the commonest reason at the bottom, beyond three reasons in grey.
    """
    title = plate.title_of(result, words, CODES, words("figure.incidence.title"))
    by = [k for k in result.keys if k in result.table.columns and k not in ("time", "cause")]
    table = result.table[result.table["estimate"].notna()]
    if table.empty:
        return plate.nothing(result, words, title, ax)
    causes = _causes(table, by)
    stacks = _stacks(table, by, causes, words)
    foot = [*plate.foot_of(result, words, interval="figure.incidence.table"), words("figure.retention.ends")]
    sheet = plate.Sheet(title=title, subtitle=words("figure.incidence.subtitle"), foot=foot)
    names = [words.label(result.settings.get("cause", "cause"), cause) for cause in causes]
    colours = [LIGHT[COLOURS[min(k, 3)]] for k in range(len(causes))]
    if by:
        return _apart(stacks, names, colours, sheet, words, ax)
    ax = _one(stacks, names, colours, sheet, words, ax)
    plate.note(ax, axis_of(result, words), (0.5, 0), (0, -20), ha="center", va="top")
    return ax


def _causes(table: pd.DataFrame, by: Sequence[str]) -> list[Any]:
    """Return the reasons, the one for which most have left first."""
    last = table.sort_values("time", kind="stable").groupby([*by, "cause"], observed=True)["estimate"].last()
    order = last.groupby("cause", observed=True).mean().sort_values(ascending=False, kind="stable")
    return order.index.tolist()


def _stacks(table: pd.DataFrame, by: Sequence[str], causes: list[Any], words: Words) -> list[Stack]:
    groups = [("", table)]
    if by:
        groups = [
            (" × ".join(words.label(k, v) for k, v in zip(by, values, strict=True)), rows)
            for values, rows in table.groupby(list(by), sort=True, observed=True)
        ]
    stacks = []
    for label, rows in groups:
        wide = rows.pivot_table(index="time", columns="cause", values="estimate").reindex(columns=causes)
        shares = wide.ffill().fillna(0.0)
        stacks.append(Stack(label, shares.index.to_numpy(dtype=float), shares.to_numpy(dtype=float).T))
    return stacks


def _one(
    stacks: Sequence[Stack], names: Sequence[str], colours: Sequence[str], sheet: plate.Sheet, words: Words,
    ax: Axes | None,
) -> Axes:  # fmt: skip
    stack = stacks[0]
    lines = [wrapped(name, 120, bold=True, lines=2) for name in [*names, words("figure.incidence.here")]]
    right = 14 + max(width(line, TEXT, bold=True) for each in lines for line in each)
    ax = plate.lay(replace(sheet, left=40.0, right=right, axis=38.0, body=BODY, above=6.0), ax)
    _areas(ax, stack, colours, words, top=_top(stacks))
    texts = [*(LIGHT[TEXTS[min(k, 3)]] for k in range(len(names))), LIGHT["ink"]]
    ends = np.concatenate([[0.0], np.cumsum(stack.shares[:, -1])])
    middles = [*((ends[1:] + ends[:-1]) / 2), (ends[-1] + ax.get_ylim()[1]) / 2]
    values = [*stack.shares[:, -1], 1 - ends[-1]]
    _names(ax, lines, middles, values, texts, words)
    return ax


def _names(
    ax: Axes, lines: Sequence[Sequence[str]], middles: Sequence[float], values: Sequence[float],
    colours: Sequence[str], words: Words,
) -> None:  # fmt: skip
    """Write names and last shares at the right, from the bottom up, moved apart where they would touch."""
    top, floor, ceiling = ax.get_ylim()[1], 0.0, BODY + 8
    halves = [6.2 * (len(each) + 1) for each in lines]
    heights = []
    for middle, half in zip(middles, halves, strict=True):
        heights.append(max(middle / top * BODY, floor + half))
        floor = heights[-1] + half
    for k in range(len(heights) - 1, -1, -1):
        heights[k] = min(heights[k], ceiling - halves[k])
        ceiling = heights[k] - halves[k]
    for each, height, value, colour in zip(lines, heights, values, colours, strict=True):
        texts = [*each, words.percent(value, 1)]
        for j, line in enumerate(texts):
            weight = "normal" if j == len(texts) - 1 else "bold"
            offset = (8, height + (len(texts) - 1) * 6.2 - 12.4 * j)
            plate.write(ax, line, (1, 0), offset, va="center", size=TEXT, color=colour, weight=weight)


def _apart(
    stacks: Sequence[Stack], names: Sequence[str], colours: Sequence[str], sheet: plate.Sheet, words: Words,
    ax: Axes | None,
) -> Axes:  # fmt: skip
    shown = list(stacks)[:PANELS]
    down = -(-len(shown) // ACROSS)
    body = down * PANEL + (down - 1) * BETWEEN
    more = [words.plural("figure.alt.more", len(stacks) - PANELS)] if len(stacks) > PANELS else []
    keys = [Key(name, "s", colour) for name, colour in zip(names, colours, strict=True)]
    above = 26.0 + height_of(keys)
    sheet = replace(
        sheet, foot=[*sheet.foot, *more], left=40.0, right=12.0, above=above, axis=24.0, body=body
    )
    host = plate.lay(sheet, ax)
    host.set_axis_off()
    draw_keys(host, keys, 40.0, up=22.0)
    panels = []
    for k, stack in enumerate(shown):
        row, across = divmod(k, ACROSS)
        bottom = 1 - (row * (PANEL + BETWEEN) + PANEL) / body
        panel = host.inset_axes((across * 0.35, bottom, 0.3, PANEL / body))
        _areas(panel, stack, colours, words, top=_top(shown), end=max(s.time[-1] for s in shown))
        panel.tick_params(axis="y", labelleft=across == 0)
        for j, line in enumerate(reversed(wrapped(stack.label, 150, SMALL, bold=True, lines=2))):
            plate.write(panel, line, (0, 1), (0, 4 + 11 * j), size=SMALL, weight="bold", color=LIGHT["ink"])
        panels.append(panel)
    panels[0].set_label(sheet.title)
    return panels[0]


def _top(stacks: Sequence[Stack]) -> float:
    """Return how high the axis goes: all who have left, and room above for who has not."""
    return min(1.0, 1.25 * max(float(stack.shares.sum(axis=0).max()) for stack in stacks) + 0.02)


def _areas(
    ax: Axes, stack: Stack, colours: Sequence[str], words: Words, *, top: float, end: float | None = None
) -> None:
    month_axis(ax, float(stack.time[-1]) if end is None else end, words, count=8 if end is None else 4)
    ax.set_ylim(0, top)
    ax.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: words.percent(v, 0)))
    lower = np.zeros(len(stack.time))
    for share, colour in zip(stack.shares, colours, strict=True):
        upper = lower + share
        ax.fill_between(stack.time, lower, upper, step="post", color=colour, alpha=0.82, linewidth=0)
        ax.step(stack.time, upper, where="post", color=LIGHT["paper"], linewidth=0.9)
        lower = upper
