"""A control chart: the waves of an index, what their baseline makes ordinary, and those that leave it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter, MaxNLocator

from cxlab.analysis.estimates import Result
from cxlab.reporting.claims_waves import wave_name
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.figures.spoken import unit_of
from cxlab.reporting.figures.theme import SMALL
from cxlab.reporting.words import Words

CODES = ("waves.signal", "waves.steady", "waves.unwatched")
TICKS, BODY, LEFT, RIGHT = 7, 215.0, 34.0, 74.0


@plate.figure_of
def draw_waves(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw each wave with its interval over the band of what the baseline makes ordinary.

    Parameters
    ----------
    result : Result
        Of `waves.chart`: table with wave, estimate, conf_low, conf_high, n, centre, ordinary_low,
        ordinary_high, baseline, signal, flag.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Axes
        Dots for waves, open where they set the band; a larger, named one for each signal: a diamond beyond
        the band, a square for eight in a row.
    """
    table = result.table.reset_index(drop=True)
    metric = result.settings.get("metric", "")
    title = plate.title_of(result, words, CODES, words("figure.waves.title", metric=words.metric(metric)))
    if not table["estimate"].notna().any():
        return plate.nothing(result, words, title, ax)
    unit = unit_of(result, metric)
    low_base, suppressed = plate.flags_of(table)
    sheet = plate.Sheet(
        title=title,
        subtitle=words(
            "figure.waves.subtitle", metric=words.metric(metric), unit=words(f"figure.unit.{unit}")
        ),
        foot=[
            *plate.foot_of(result, words, low_base=low_base, suppressed=suppressed),
            words("figure.waves.foot"),
            words("figure.waves.from_zero"),
        ],
        left=LEFT,
        right=RIGHT,
        axis=22.0,
        body=BODY,
    )
    ax = plate.lay(sheet, ax)
    x = np.arange(len(table), dtype=float)
    _band(ax, table, x, words)
    ax.vlines(x, table["conf_low"], table["conf_high"], color=LIGHT["context"], linewidth=1.2, zorder=2)
    ax.plot(x, table["estimate"], color=LIGHT["context"], linewidth=1.0, zorder=2)
    _marks(ax, table, x, words)
    values = table[["conf_low", "conf_high", "ordinary_low", "ordinary_high"]].to_numpy(dtype=float).ravel()
    ax.set_xlim(-0.6, len(table) - 0.4)
    ax.set_ylim(*plate.limits(list(values), pad=0.1))
    _axes(ax, table, x, words)
    return ax


def _band(ax: Axes, table: pd.DataFrame, x: Any, words: Words) -> None:
    """Draw the ordinary range, its centre, and where the baseline ends."""
    low, high = table["ordinary_low"].astype(float), table["ordinary_high"].astype(float)
    ax.fill_between(x, low, high, color=LIGHT["focal"], alpha=0.10, linewidth=0, step="mid", zorder=0)
    for edge in (low, high):
        ax.step(x, edge, where="mid", color=LIGHT["focal"], linewidth=0.8, zorder=1)
    centre = float(table["centre"].iloc[0])
    ax.axhline(centre, color=LIGHT["muted"], linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
    for value, key in ((high.iloc[-1], "upper"), (centre, "centre"), (low.iloc[-1], "lower")):
        text = words(f"figure.waves.{key}", value=words.number(value, 0))
        plate.write(
            ax, text, (1, value), (5, 0), y="data", size=SMALL, va="center", color=LIGHT["muted"]
        )  # fmt: skip
    watched = np.flatnonzero(~table["baseline"].astype(bool))
    if len(watched):
        ax.axvline(watched[0] - 0.5, color=LIGHT["muted"], linewidth=0.8, zorder=1)
        right = watched[0] > len(table) * 0.7
        plate.note(
            ax, words("figure.waves.watched"), (watched[0] - 0.5, 1), (-4 if right else 4, 2), x="data",
            ha="right" if right else "left",
        )  # fmt: skip


def _marks(ax: Axes, table: pd.DataFrame, x: Any, words: Words) -> None:
    estimate = table["estimate"].astype(float).to_numpy()
    known, own = np.flatnonzero(~np.isnan(estimate)), table["baseline"].astype(bool).to_numpy()
    colours = [LIGHT["context"] if own[k] else LIGHT["focal"] for k in known]
    plate.dots(ax, list(x[known]), list(estimate[known]), colours, hollow=[bool(own[k]) for k in known])
    for kind, marker in (("beyond", "D"), ("run", "s")):
        for k in np.flatnonzero(table["signal"] == kind):
            plate.dots(ax, [x[k]], [estimate[k]], [LIGHT["worse"]], marker=marker, size=76)
            below = estimate[k] < table["centre"].iloc[k]
            name = wave_name(table["wave"].iloc[k], words, short=True)
            text = words("figure.waves.mark", wave=name, value=words.number(estimate[k], 0))
            end = float(table["conf_low" if below else "conf_high"].iloc[k])
            plate.write(
                ax, text, (x[k], end), (0, -3 if below else 3), x="data", y="data", size=SMALL,
                ha="center", va="top" if below else "bottom", color=LIGHT["ink"],
            )  # fmt: skip


def _axes(ax: Axes, table: pd.DataFrame, x: Any, words: Words) -> None:
    """Name some waves under the axis and the values at its left."""
    step = max(1, -(-len(table) // TICKS))
    shown = list(range((len(table) - 1) % step, len(table), step))
    ax.xaxis.set_major_locator(FixedLocator([float(x[k]) for k in shown]))
    ax.xaxis.set_major_formatter(
        FixedFormatter([wave_name(table["wave"].iloc[k], words, short=True) for k in shown])
    )
    ax.set_xlabel("")
    ax.set_ylabel("")
    ax.grid(visible=False, axis="x")
    ax.yaxis.set_visible(True)
    ax.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: words.number(v)))
    ax.grid(visible=True, axis="y", color=LIGHT["rule"], linewidth=0.6)
    ax.tick_params(axis="both", length=0, pad=5)
    ax.set_axisbelow(True)
