"""The return on an improvement: how the resamples of customers spread, and how many of them gain."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from cxlab.analysis.estimates import Result
from cxlab.reporting import claims_economics
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import improved, plate
from cxlab.reporting.words import Words

BODY = 150.0


@plate.figure_of
def draw_returns(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw the density of the return on investment.

    Parameters
    ----------
    result : Result
        Of `economics.improvement`: among its tables returns (from, to, share of the resamples).
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Axes
        Bars, those of a loss in another colour and hatched; above them the estimate with its interval.
    """
    table = result.tables["returns"]
    title = _title(result, words)
    if table.empty:
        return plate.nothing(result, words, title, ax)
    subtitle = words("figure.returns.subtitle", resamples=words.number(result.settings["resamples"], 0))
    sheet = plate.Sheet(
        title=title, subtitle=subtitle, foot=improved.foot(result, words), left=14.0, right=14.0, above=30,
        axis=36.0, body=BODY,
    )  # fmt: skip
    ax = plate.lay(sheet, ax)
    start, end, share = (table[c].astype(float).to_numpy() for c in ("from", "to", "share"))
    sides = (
        ("worse", start, np.minimum(end, 0.0), "////"),
        ("focal", np.maximum(start, 0.0), end, ""),
    )
    for colour, left, right, hatch in sides:
        own = right > left
        shade = LIGHT[colour] if improved.stands(result) else LIGHT["context"]
        ax.bar(
            left[own], share[own], (right - left)[own], align="edge", facecolor="none" if hatch else shade,
            edgecolor=shade if hatch else LIGHT["paper"], hatch=hatch, linewidth=0.6, zorder=2,
        )  # fmt: skip
    ax.set_ylim(0, float(share.max()) * 1.04)
    ax.set_xlim(*plate.limits([*start, *end, 0.0], pad=0.03))
    ax.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: words.percent(v)))
    plate.bare(ax)
    _marks(ax, result, words)
    plate.note(ax, words("figure.returns.axis"), (0.5, 0), (0, -20), ha="center", va="top")
    return ax


def _marks(ax: Axes, result: Result, words: Words) -> None:
    """Draw zero and, above the bars, the estimate with its interval."""
    ax.axvline(0, color=LIGHT["ink"], linewidth=1.0, zorder=3)
    value, low, high = (improved.quantity(result, "roi", c) for c in ("estimate", "conf_low", "conf_high"))
    up = 1 + 7 / BODY
    shade = LIGHT["focal" if improved.stands(result) else "context"]
    across = ax.get_xaxis_transform()
    ax.plot([low, high], [up, up], color=shade, linewidth=2.0, transform=across, clip_on=False, zorder=3)
    ax.plot([value], [up], "o", color=shade, markersize=7, transform=across, clip_on=False, zorder=4)
    text = words(
        "figure.returns.estimate", roi=words.percent(value, 0), low=words.percent(low, 0),
        high=words.percent(high, 0),
    )  # fmt: skip
    left, right = ax.get_xlim()
    place = (value - left) / (right - left)
    ha = "left" if place < 0.3 else "right" if place > 0.7 else "center"
    plate.note(ax, text, (value, 1), (0, 14), x="data", ha=ha)


def _title(result: Result, words: Words) -> str:
    chance = improved.quantity(result, "probability_roi_positive")
    return improved.finding(
        "figure.returns", "chance", result, words, chance=claims_economics.chance(chance, words)
    )


def spoken(result: Result, words: Words) -> str:
    """Return the figure's numbers in words: the return, its interval and its chance of a gain."""
    value, low, high = (improved.quantity(result, "roi", c) for c in ("estimate", "conf_low", "conf_high"))
    row = words(
        "figure.alt.row.interval", label=words.label("quantity", "roi"), amount=words.amount(value, "share"),
        interval=words.interval(low, high, "share"),
    )  # fmt: skip
    return f"{_title(result, words)}. {row}."
