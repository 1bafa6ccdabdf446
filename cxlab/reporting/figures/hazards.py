"""Hazard ratios: a forest on one logarithmic axis, labels at the left, numbers at the right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.words import Words, absent, digits_for

CODES = ("hazards.effect", "hazards.none")
NARROWEST, WIDEST = (
    1.5,
    20.0,
)  # the axis reaches at least 1/1.5 to 1.5; intervals beyond 1/20 to 20 end in an arrow
STEPS = (1.05, 1.1, 1.25, 1.5, 2, 3, 4, 5, 10, 20, 50, 100)


@plate.figure_of
def draw_hazards(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw hazard ratios with their intervals around 1.

    Parameters
    ----------
    result : Result
        Of `survival.hazards`: table with covariate, hazard_ratio, conf_low, conf_high, n.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure as high as its rows need.

    Returns
    -------
    Axes
        Logarithmic, the highest ratio first; grey where it cannot be told from 1.
    """
    table = shown(result.table)
    table = table.sort_values("hazard_ratio", ascending=False, kind="stable", na_position="last").head(
        plate.ROWS
    )
    title = plate.title_of(result, words, CODES, words("figure.hazards.title"))
    if not table["hazard_ratio"].notna().any():
        return plate.nothing(result, words, title, ax)
    labels = [
        words("figure.hazards.per_sd", label=words.covariate(c)) if sd else words.covariate(c)
        for c, sd in zip(table["covariate"], table["per_sd"], strict=True)
    ]
    standing = {c.fields["covariate"] for c in result.claims if c.code == "hazards.effect"}
    grey = [covariate not in standing for covariate in table["covariate"]]
    ax, rows = plate.row_sheet(
        labels,
        [plate.Column([_numbers(r, words) for r in table.to_dict("records")])],
        title=title,
        subtitle=words("figure.hazards.subtitle"),
        foot=plate.foot_of(
            result, words, suppressed=plate.flags_of(table)[1], undrawn=len(result.table) - len(table)
        ),
        ax=ax,
        muted=grey,
    )
    axis(ax, *reach(table), words)
    intervals(ax, table, rows, [LIGHT["context" if noise else "focal"] for noise in grey])
    sides(ax, words("figure.hazards.less"), words("figure.hazards.more"))
    return ax


def shown(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with the ratios that compare: of one standard deviation where a number has it."""
    picked = table.assign(per_sd=False)
    if "hazard_ratio_sd" in table:
        picked["per_sd"] = table["hazard_ratio_sd"].notna()
        for name in ("hazard_ratio", "conf_low", "conf_high"):
            picked[name] = table[f"{name}_sd"].where(picked["per_sd"], table[name])
    return picked


def _numbers(row: Mapping[Any, Any], words: Words) -> str:
    if absent(row["hazard_ratio"]):
        return ""
    digits = digits_for("ratio", row["conf_low"], row["conf_high"])
    low, high = words.number(row["conf_low"], digits), words.number(row["conf_high"], digits)
    return f"{words.number(row['hazard_ratio'], digits)} ({low}–{high})"


def reach(table: pd.DataFrame, narrowest: float = NARROWEST) -> tuple[float, float]:
    """Return the axis' ends: what estimates and intervals need, no more than an interval deserves."""
    ratios = table["hazard_ratio"].dropna().clip(1e-3, 1e3)
    low = max(float(table["conf_low"].min()), 1 / WIDEST, 1e-3)
    high = min(float(table["conf_high"].max()), WIDEST)
    low = min(low if np.isfinite(low) else 1.0, float(ratios.min()), 1 / narrowest)
    high = max(high if np.isfinite(high) else 1.0, float(ratios.max()), narrowest)
    air = 1 + 0.16 * (narrowest - 1)
    return low / air, high * air


def axis(ax: Axes, low: float, high: float, words: Words) -> None:
    """Give the body a logarithmic axis whose marks are ratios a reader knows, 1 among them."""
    ax.set_xscale("log")
    ax.set_xlim(low, high)
    marks = [m for s in STEPS for m in (1 / s, s) if low <= m <= high]
    span = np.log(high / low)
    kept = [1.0]
    # Keep marks that stay apart, the farthest first: they say how wide the axis is.
    for mark in sorted(marks, key=lambda m: -abs(np.log(m))):
        if all(abs(np.log(mark / k)) > 0.13 * span for k in kept):
            kept.append(mark)
    ax.xaxis.set_major_locator(FixedLocator(sorted(kept)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: words.number(v, 2 if v < 1 or v % 1 else 0)))
    ax.xaxis.set_minor_formatter(NullFormatter())


def intervals(ax: Axes, table: pd.DataFrame, rows: list[plate.Row], colours: list[str]) -> None:
    """Draw hazard_ratio, conf_low and conf_high of each row; an end beyond the axis is an arrow."""
    y, (left, right) = [row.y for row in rows], ax.get_xlim()
    low, high = table["conf_low"].astype(float), table["conf_high"].astype(float)
    ax.axvline(1, color=LIGHT["muted"], linewidth=1.0, zorder=1)
    ax.hlines(y, low.clip(lower=left), high.clip(upper=right), colors=colours, linewidth=2.0, zorder=2)
    for height, start, end, colour in zip(y, low, high, colours, strict=True):
        if start < left:
            ax.plot([left], [height], marker="<", color=colour, markersize=6, clip_on=False, zorder=3)
        if end > right:
            ax.plot([right], [height], marker=">", color=colour, markersize=6, clip_on=False, zorder=3)
    plate.dots(ax, table["hazard_ratio"].to_list(), y, colours, marker="D", size=44)


def sides(ax: Axes, less: str, more: str) -> None:
    """Say at both sides of 1 what it means, where the side has room for it."""
    low, high = np.log(ax.get_xlim())
    if -low / (high - low) > 0.2:
        plate.note(ax, f"← {less}", (1, 1), (-6, 3), x="data", ha="right")
    if high / (high - low) > 0.2:
        plate.note(ax, f"{more} →", (1, 1), (6, 3), x="data")
