"""Funnel: each unit's score at its base, between the limits that chance allows at the target."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter, NullLocator

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.figures.keys import Key, draw_keys, height_of
from cxlab.reporting.figures.spoken import unit_of
from cxlab.reporting.figures.theme import SMALL
from cxlab.reporting.figures.type import width, wrapped
from cxlab.reporting.words import Words

CODES = ("benchmark.funnel_focal", "benchmark.funnel")
MARKS = {"above": ("^", "better"), "below": ("v", "worse"), "inside": ("o", "context")}
LEFT, BODY, AXIS = 40.0, 250.0, 40.0
NAMED, NAME = 14, 118.0  # units named, and the widest name
LINE = 10.5


@plate.figure_of
def draw_funnel(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw units by base and score, with the limits of 95 % and 99.8 % around the target.

    Parameters
    ----------
    result : Result
        Of `benchmark.funnel`: table with unit, estimate, position, n; tables ``limits``.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Axes
        Base on a logarithmic axis; who is beyond the outer limits has a name, a shape and a colour.
    """
    metric = result.settings.get("metric", "")
    title = plate.title_of(result, words, CODES, words("figure.funnel.title", metric=words.metric(metric)))
    shown = result.table[result.table["position"].notna()]
    if shown.empty:
        return plate.nothing(result, words, title, ax)
    keys, unit = _keys(words), words(f"figure.unit.{unit_of(result, metric)}")
    target = words("figure.funnel.target", target=words.number(float(shown["target"].iloc[0]), 1))
    low_base, suppressed = plate.flags_of(result.table)
    level, outer = result.settings.get("level", 0.95), result.settings.get("outer", 0.998)
    sheet = plate.Sheet(
        title=title,
        subtitle=words("figure.funnel.subtitle", metric=words.metric(metric), unit=unit),
        foot=[
            words("figure.funnel.limits", level=words.percent(level), outer=words.percent(outer, 1)),
            words("figure.funnel.dispersed", outer=words.percent(outer, 1)) if _dispersed(result) else "",
            words("figure.foot.n", n=words.number(float(result.table["n"].sum()), 0)),
            words("figure.foot.weighted") if result.settings.get("weights") else "",
            *plate.foot_of(result, words, low_base=low_base, suppressed=suppressed)[3:],
        ],
        left=LEFT, right=14 + width(target, SMALL), above=height_of(keys) + 12, axis=AXIS, body=BODY,
    )  # fmt: skip
    ax = plate.lay(sheet, ax)
    _axes(ax, result, shown, words)
    _limits(ax, result.tables["limits"], float(shown["target"].iloc[0]), dispersed=_dispersed(result))
    draw_keys(ax, keys, LEFT)
    plate.write(ax, target, (1, float(shown["target"].iloc[0])), (6, 0), y="data", size=SMALL, va="center",
                color=LIGHT["muted"])  # fmt: skip
    _units(ax, result, shown, words)
    return ax


def _dispersed(result: Result) -> bool:
    """Whether the limits hold more than chance."""
    return bool((result.tables["dispersion"]["tau"] > 0).any())


def _keys(words: Words) -> list[Key]:
    return [
        Key(words(f"figure.funnel.{side}"), marker, LIGHT[token]) for side, (marker, token) in MARKS.items()
    ]


def side_of(position: str) -> str:
    """Which mark a position has: beyond the outer limits, or none."""
    return position.removeprefix("far ") if position.startswith("far ") else "inside"


def _axes(ax: Axes, result: Result, shown: pd.DataFrame, words: Words) -> None:
    limits = result.tables["limits"]
    ax.set_xscale("log")
    ax.set_xlim(float(limits["n"].min()), float(limits["n"].max()))
    powers = [m * 10.0**k for k in range(8) for m in (1, 2, 5)]
    ticks = [t for t in powers if limits["n"].min() <= t <= limits["n"].max()]
    ticks = ticks if len(ticks) <= 7 else [t for t in ticks if str(t)[0] == "1"]
    ticks = ticks if len(ticks) > 1 else sorted({shown["n"].min(), shown["n"].max()})
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: words.number(v, 0)))
    # The funnel's mouth may be wider than any score: the least bases do not set the scale.
    neck = limits[limits["n"] >= limits["n"].quantile(0.3)]
    ax.set_ylim(*plate.limits([*shown["estimate"], *neck["outer_low"], *neck["outer_high"]], pad=0.07))
    ax.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: words.number(v)))
    ax.set_xlabel("")
    ax.set_ylabel("")
    ax.grid(visible=True, axis="y", color=LIGHT["rule"], linewidth=0.6)
    ax.set_axisbelow(True)
    ax.tick_params(axis="both", length=0, pad=5)
    plate.note(ax, words("figure.funnel.axis"), (0.5, 0), (0, -22), ha="center", va="top")


def _limits(ax: Axes, limits: pd.DataFrame, target: float, *, dispersed: bool) -> None:
    n = limits["n"].to_numpy(dtype=float)
    ends = {
        c: limits[c].to_numpy(dtype=float) for c in ("limit_low", "limit_high", "outer_low", "outer_high")
    }
    ax.fill_between(n, ends["outer_low"], ends["outer_high"], color=LIGHT["context"], alpha=0.10, linewidth=0)
    ax.fill_between(n, ends["limit_low"], ends["limit_high"], color=LIGHT["context"], alpha=0.14, linewidth=0)
    for name in ("outer_low", "outer_high"):
        ax.plot(n, ends[name], color=LIGHT["muted"], linewidth=1.0, zorder=2)
    for name in ("limit_low", "limit_high"):
        ax.plot(n, ends[name], color=LIGHT["muted"], linewidth=0.9, linestyle=(0, (4, 3)), zorder=2)
    if dispersed:
        for name in ("chance_low", "chance_high"):
            ax.plot(n, limits[name], color=LIGHT["context"], linewidth=0.8, linestyle=(0, (1, 2)), zorder=2)
    ax.axhline(target, color=LIGHT["muted"], linewidth=1.0, zorder=1)


def _units(ax: Axes, result: Result, shown: pd.DataFrame, words: Words) -> None:
    focal = result.settings.get("focal")
    sides = [side_of(str(p)) for p in shown["position"]]
    own, hollow = (shown["unit"] == focal).to_numpy(), plate.hollows(shown)
    for side, (marker, token) in MARKS.items():
        colours = [LIGHT["focal" if mine and side == "inside" else token] for mine in own]
        chosen = [k for k, of in enumerate(sides) if of == side]
        for k in sorted(chosen, key=lambda each: bool(own[each])):
            face = LIGHT["paper"] if hollow[k] else colours[k]
            ax.plot(
                [float(shown["n"].iloc[k])], [float(shown["estimate"].iloc[k])], marker=marker,
                markersize=6.5, markerfacecolor=face, markeredgecolor=colours[k], markeredgewidth=1.3,
                linestyle="none", zorder=5 if own[k] else 4,
            )  # fmt: skip
    _names(ax, shown, sides, own, str(result.settings.get("unit", "")), words)


def _names(ax: Axes, shown: pd.DataFrame, sides: list[str], own: Any, unit: str, words: Words) -> None:
    """Name the focal unit and those beyond the outer limits, the farthest first, where there is room."""
    wide, high = plate.points_of(ax)
    records = shown.assign(side=sides, own=own, far=shown["z_score"].abs()).reset_index(drop=True)
    to_points = [
        (wide * np.log(n / ax.get_xlim()[0]) / np.log(ax.get_xlim()[1] / ax.get_xlim()[0]),
         high * (v - ax.get_ylim()[0]) / (ax.get_ylim()[1] - ax.get_ylim()[0]))
        for n, v in zip(records["n"], records["estimate"], strict=True)
    ]  # fmt: skip
    taken = [(x - 4, y - 4, x + 4, y + 4) for x, y in to_points]
    named = records[records["own"] | (records["side"] != "inside")]
    for k, row in named.sort_values(["own", "far"], ascending=False, kind="stable").head(NAMED).iterrows():
        lines = wrapped(words.label(unit, row["unit"]), NAME, SMALL, lines=2)
        across, up = to_points[int(k)]  # type: ignore[call-overload]
        size = max(width(line, SMALL, bold=bool(row["own"])) for line in lines), LINE * len(lines)
        for dx, dy in (
            (7, -size[1] / 2),
            (-7 - size[0], -size[1] / 2),
            (-size[0] / 2, 7),
            (-size[0] / 2, -7 - size[1]),
        ):
            box = (across + dx, up + dy, across + dx + size[0], up + dy + size[1])
            free = all(box[2] < t[0] or box[0] > t[2] or box[3] < t[1] or box[1] > t[3] for t in taken)
            if free and box[0] >= -2 and box[2] <= wide + 2 and box[1] >= -2 and box[3] <= high + 2:
                taken.append(box)
                colour = LIGHT["focal" if row["own"] else "ink"]
                for j, line in enumerate(lines):
                    y = box[3] - LINE * (j + 0.5)
                    plate.write(ax, line, (0, 0), (box[0], y), size=SMALL, va="center", color=colour,
                                weight="bold" if row["own"] else "normal")  # fmt: skip
                break
