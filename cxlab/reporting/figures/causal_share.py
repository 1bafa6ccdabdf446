"""What an improvement is worth by how much of the association is causal, and from which share on it pays."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MultipleLocator

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import improved, plate
from cxlab.reporting.words import Words


@plate.figure_of
def draw_causal_share(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw the net present value against the share of the association that is causal.

    Parameters
    ----------
    result : Result
        Of `economics.improvement`: among its tables causal_share (causal_share, estimate, conf_low,
        conf_high).
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Axes
        A line with its band over shares from none to all, zero labelled, the break-even share marked and
        its interval shaded.
    """
    table = result.tables["causal_share"]
    title = _title(result, words)
    if table.empty or not table["estimate"].notna().any():
        return plate.nothing(result, words, title, ax)
    reach = plate.limits([*improved.finite(*(table[c] for c in ("estimate", "conf_low", "conf_high"))), 0.0])
    subtitle = words("figure.causal_share.subtitle", money=improved.of_money(result, words))
    feet = plate.foot_of(result, words)
    ax = improved.lay(
        title, subtitle, feet, reach, words, ax, axis=words("figure.causal_share.axis"), right=22.0
    )
    ax.set_xlim(0, 1)
    ax.xaxis.set_major_locator(MultipleLocator(0.25))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: words.percent(v)))
    improved.line(ax, table["causal_share"], table, LIGHT["focal" if improved.stands(result) else "context"])
    improved.nought(ax, words("figure.improved.zero"), at="left")
    share = improved.quantity(result, "break_even_causal_share")
    if 0 < share < 1:
        text = words("figure.causal_share.from", share=words.percent(share, 0))
        improved.mark(ax, result, "break_even_causal_share", text, 1.0)
    return ax


def _title(result: Result, words: Words) -> str:
    share = improved.quantity(result, "break_even_causal_share")
    if not np.isfinite(share):
        return improved.finding("figure.causal_share", "never", result, words)
    if share == 0:
        return improved.finding("figure.causal_share", "always", result, words)
    return improved.finding("figure.causal_share", "pays", result, words, share=words.percent(share, 0))


def spoken(result: Result, words: Words) -> str:
    """Return the figure's numbers in words: what it is worth with none, half and all of it."""
    table = result.tables["causal_share"]
    picked = table[table["causal_share"].round(6).isin([0.0, 0.5, 1.0])]
    parts = [
        words(
            "figure.alt.row.interval",
            label=words.percent(row.causal_share, 0),
            amount=words.amount(row.estimate, "money"),
            interval=words.interval(row.conf_low, row.conf_high, "money"),
        )
        for row in picked.itertuples()
    ]
    return f"{_title(result, words)}. {'; '.join(parts)}."
