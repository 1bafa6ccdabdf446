"""Payback: what has come in less the cost, month by month, and the month from which it is not negative."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MultipleLocator

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import improved, plate
from cxlab.reporting.words import Words

STEPS = (1, 2, 3, 6, 12, 24, 60)


@plate.figure_of
def draw_payback(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw what an improvement has brought in less its cost, by month.

    Parameters
    ----------
    result : Result
        Of `economics.improvement`: among its tables payback (month, estimate, conf_low, conf_high).
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Axes
        A line with its band, zero labelled, the month of recovery marked with its interval.
    """
    table = result.tables["payback"]
    title = _title(result, words)
    if table.empty or not table["estimate"].notna().any():
        return plate.nothing(result, words, title, ax)
    reach = plate.limits([*improved.finite(*(table[c] for c in ("estimate", "conf_low", "conf_high"))), 0.0])
    subtitle = words("figure.payback.subtitle", money=improved.of_money(result, words))
    ax = improved.lay(
        title, subtitle, improved.foot(result, words), reach, words, ax, axis=words("figure.improved.months")
    )
    months = table["month"].astype(float)
    ax.set_xlim(0, float(months.max()))
    step = next((s for s in STEPS if months.max() / s <= 8), STEPS[-1])
    ax.xaxis.set_major_locator(MultipleLocator(step))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: words.number(v, 0)))
    improved.line(ax, months, table, LIGHT["focal" if improved.stands(result) else "context"])
    improved.nought(ax, words("figure.payback.zero"), at="left")
    text = words("figure.payback.month", month=words.number(improved.quantity(result, "payback_month"), 0))
    improved.mark(ax, result, "payback_month", text, float(months.max()))
    return ax


def _title(result: Result, words: Words) -> str:
    paid = improved.quantity(result, "payback_month")
    horizon = words.amount(result.settings["horizon"], "months")
    if not np.isfinite(paid):
        return improved.finding("figure.payback", "never", result, words, horizon=horizon)
    return improved.finding("figure.payback", "paid", result, words, month=words.number(paid, 0))


def spoken(result: Result, words: Words) -> str:
    """Return the figure's numbers in words: where it starts, when it is paid, where it ends."""
    table = result.tables["payback"]
    ends = [words.amount(table["estimate"].iloc[k], "money") for k in (0, -1)]
    return words("figure.payback.alt", finding=_title(result, words), first=ends[0], last=ends[1])
