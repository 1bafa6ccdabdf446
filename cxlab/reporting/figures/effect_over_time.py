"""Effect over time: the hazard ratio of each period with its interval, beside the one that averages them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import hazards, plate
from cxlab.reporting.figures.theme import SMALL
from cxlab.reporting.figures.type import width
from cxlab.reporting.words import Words

CODES = ("hazards.split", "hazards.not_proportional")
WIDEST = 20.0  # intervals beyond 1/20 to 20 are cut at the edge
BODY = 190.0
MONTHS = (1, 2, 3, 6, 12, 24, 60, 120)


@plate.figure_of
def draw_effect_over_time(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw how the hazard ratio of the covariate that changes most differs between periods.

    Parameters
    ----------
    result : Result
        Of `survival.hazards`: tables ``over_time`` and ``remedy``, which are there where an effect changes.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Axes
        Logarithmic: a step and a band for each period, the ratio of the whole time dashed, 1 as a line.
    """
    title = plate.title_of(result, words, CODES, words("figure.effect_over_time.title"))
    name, periods = _picked(result)
    if not periods["hazard_ratio"].notna().any():
        said = "figure.nothing" if len(periods) else "figure.effect_over_time.steady"
        return plate.nothing(result, words, words("figure.effect_over_time.none"), ax, said=said)
    shown = hazards.shown(result.table).set_index("covariate").loc[name]
    whole, per_sd = float(shown["hazard_ratio"]), bool(shown["per_sd"])
    label = words.covariate(name)
    label = words("figure.hazards.per_sd", label=label) if per_sd else label
    average = words("figure.effect_over_time.average", ratio=words.number(whole, 2))
    sheet = plate.Sheet(
        title=title,
        subtitle=words("figure.effect_over_time.subtitle", label=label),
        foot=plate.foot_of(result, words, suppressed=plate.flags_of(periods)[1]),
        left=40.0, right=14 + width(average, SMALL), axis=40.0, body=BODY, above=6.0,
    )  # fmt: skip
    ax = plate.lay(sheet, ax)
    _axes(ax, periods, whole, words)
    _steps(ax, periods)
    ax.axhline(whole, color=LIGHT["muted"], linewidth=1.2, linestyle=(0, (4, 3)), zorder=2)
    plate.write(ax, average, (1, whole), (6, 0), y="data", size=SMALL, va="center", color=LIGHT["muted"])
    plate.note(ax, words("figure.retention.axis"), (0.5, 0), (0, -20), ha="center", va="top")
    return ax


def _picked(result: Result) -> tuple[str, pd.DataFrame]:
    """Return the first row of the covariate that changes most, and its periods."""
    none = pd.DataFrame({"covariate": [], "hazard_ratio": []})
    periods = result.tables.get("over_time", none)
    periods = none if periods.empty else periods
    names = list(dict.fromkeys(periods["covariate"]))
    remedy = result.tables.get("remedy", pd.DataFrame({"covariate": [], "p_value": []}))
    for changes in remedy.sort_values("p_value", kind="stable")["covariate"]:
        own = [n for n in names if n == changes or str(n).startswith(f"{changes}: ")]
        if own:
            return own[0], periods[periods["covariate"] == own[0]]
    return "", periods.head(0)


def _axes(ax: Axes, periods: pd.DataFrame, whole: float, words: Words) -> None:
    low = min(max(float(periods["conf_low"].min()), 1 / WIDEST), whole, 1 / hazards.NARROWEST) / 1.1
    high = max(min(float(periods["conf_high"].max()), WIDEST), whole, hazards.NARROWEST) * 1.1
    ax.set_yscale("log")
    ax.set_ylim(low, high)
    span, kept = np.log(high / low), [1.0]
    marks = [m for s in hazards.STEPS for m in (1 / s, s) if low <= m <= high]
    for mark in sorted(marks, key=lambda m: -abs(np.log(m))):
        if all(abs(np.log(mark / k)) > 0.13 * span for k in kept):
            kept.append(mark)
    ax.yaxis.set_major_locator(FixedLocator(sorted(kept)))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: words.number(v, 2 if v < 1 or v % 1 else 0)))
    ax.yaxis.set_minor_formatter(NullFormatter())
    end = float(periods["end"].max())
    step = next((m for m in MONTHS if end / m <= 8), max(1, int(end // 8)))
    ax.set_xlim(float(periods["start"].min()), end)
    ax.xaxis.set_major_locator(FixedLocator([float(t) for t in np.arange(0, end + 1e-9, step)]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: words.number(v, 0)))
    ax.set_xlabel("")
    ax.set_ylabel("")
    ax.grid(visible=True, axis="y", color=LIGHT["rule"], linewidth=0.6)
    ax.set_axisbelow(True)
    ax.tick_params(axis="both", length=0, pad=5)
    ax.axhline(1, color=LIGHT["muted"], linewidth=1.0, zorder=1)


def _steps(ax: Axes, periods: pd.DataFrame) -> None:
    """Draw a band and a line for each period; one without an estimate stays empty."""
    known = periods[periods["hazard_ratio"].notna()]
    ends = (known[c].to_list() for c in ("start", "end", "conf_low", "conf_high"))
    for start, end, low, high in zip(*ends, strict=True):
        ax.fill_between([start, end], low, high, color=LIGHT["focal"], alpha=0.16, linewidth=0)
    ax.hlines(
        known["hazard_ratio"], known["start"], known["end"], colors=LIGHT["focal"], linewidth=2.2, zorder=3
    )
