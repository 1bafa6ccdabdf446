"""From experience to money, step by step: what leaving, months, a customer's value, gain and cost become."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import improved, plate
from cxlab.reporting.figures.theme import SMALL
from cxlab.reporting.words import Words, absent, digits_for

HALF = 7.0
CODES = ("economics.improvement", "economics.improvement_none")
LIMITS = ("conf_low", "conf_high")
STEPS = ("hazard_ratio", "delta_survival_months", "delta_cltv")
UNITS = {"hazard_ratio": "ratio", "delta_survival_months": "months", "delta_cltv": "money"}


@plate.figure_of
def draw_bridge(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw the chain from a change of experience to the net value of a programme.

    Parameters
    ----------
    result : Result
        Of `economics.improvement`.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure as high as its rows need.

    Returns
    -------
    Axes
        Three rows of numbers (risk of leaving, months, value of a customer), then bars on one axis of money:
        the gain of all who change, the cost taken from it, and what is left with its interval.
    """
    title = plate.title_of(result, words, CODES, words("figure.bridge.title"))
    net, cost = improved.quantity(result, "npv"), float(result.settings["cost"])
    if absent(net):
        return plate.nothing(result, words, title, ax)
    shade = LIGHT["focal" if improved.stands(result) else "context"]
    ax, rows = plate.row_sheet(
        _labels(result, words),
        [plate.Column(_numbers(result, words), words("figure.bridge.estimate"))],
        title=title,
        subtitle=words("figure.bridge.subtitle", money=improved.of_money(result, words)),
        foot=improved.foot(result, words),
        ax=ax,
    )
    ends = [improved.quantity(result, "npv", c) + shift for shift in (cost, 0.0) for c in LIMITS]
    ax.set_xlim(*plate.limits([*ends, net, net + cost, 0.0]))
    gain, spent, left = (row.y for row in rows[len(STEPS) :][:3])
    ax.barh(gain, net + cost, 2 * HALF, color=shade, linewidth=0, zorder=2)
    ax.barh(
        spent, -cost, 2 * HALF, left=net + cost, facecolor="none", edgecolor=LIGHT["worse"], hatch="////",
        linewidth=0.8, zorder=2,
    )  # fmt: skip
    ax.barh(left, net, 2 * HALF, color=shade, linewidth=0, zorder=2)
    ax.hlines([gain, left], ends[::2], ends[1::2], colors=LIGHT["ink"], linewidth=1.2, zorder=4)
    for top, bottom, at in ((gain, spent, net + cost), (spent, left, net)):
        ax.vlines(at, top + HALF, bottom - HALF, colors=LIGHT["muted"], linewidth=0.8, zorder=3)
    _frame(ax, rows, words)
    return ax


def _frame(ax: Axes, rows: Sequence[plate.Row], words: Words) -> None:
    """Draw zero beside the bars only, and write in the rows above them what the change is made of."""
    high = plate.height_of(rows)
    ax.set_ylim(high, 0)
    plate.value_axis(ax, words)
    ax.grid(visible=False, axis="x")
    start = rows[len(STEPS)].y - rows[len(STEPS)].height / 2
    ax.vlines(0, start, high, colors=LIGHT["muted"], linewidth=1.0, zorder=1)
    for row, name in zip(rows, STEPS, strict=False):
        text = words(f"figure.bridge.{name}")
        plate.write(ax, text, (0, row.y), (2, 0), y="data", va="center", size=SMALL, color=LIGHT["muted"])


def _labels(result: Result, words: Words) -> list[str]:
    converted = float(result.settings["treated"]) * float(result.settings["uptake"])
    return [
        *(words.label("quantity", name) for name in STEPS),
        words("figure.bridge.gain", customers=words.number(converted, 0)),
        words("figure.bridge.cost"),
        words.label("quantity", "npv"),
        words.label("quantity", "roi"),
    ]


def _numbers(result: Result, words: Words) -> list[str]:
    cost = float(result.settings["cost"])
    return [
        *(_told(result, name, UNITS[name], words) for name in STEPS),
        _told(result, "npv", "money", words, more=cost),
        words.number(-cost, 0 if cost >= 100 else 2),
        _told(result, "npv", "money", words),
        _told(result, "roi", "share", words),
    ]


def _told(result: Result, name: str, unit: str, words: Words, *, more: float = 0.0) -> str:
    """Return a number with its interval: ``1.26 (0.97 to 1.49)``; the row's name says the unit."""
    value, low, high = (improved.quantity(result, name, c) + more for c in ("estimate", *LIMITS))
    share = unit == "share"
    digits = digits_for("ratio" if unit == "months" else unit, low, high)
    number = words.percent(value, digits) if share else words.number(value, digits)
    return f"{number} ({words.interval(low, high, unit if share else '', digits=digits)})"


def spoken(result: Result, words: Words) -> str:
    """Return the figure's numbers in words, row by row."""
    title = plate.title_of(result, words, CODES, words("figure.bridge.title"))
    rows = zip(_labels(result, words), _numbers(result, words), strict=True)
    return f"{title}. {'; '.join(f'{label}: {number}' for label, number in rows)}."
