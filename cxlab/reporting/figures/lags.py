"""How the tie of each loyal behaviour with experience changes as months pass since it was told."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import behaviours, doses, plate
from cxlab.reporting.words import Words, absent

DRAWN = ("conf_low", "conf_high", "estimate")
WIDEST = 2.0  # an interval of few events does not flatten the others


@plate.figure_of
def draw_lags(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw each behaviour's ratio by months since the answer, with its interval, around 1.

    Parameters
    ----------
    result : Result
        Of `economics.behaviours`: among its tables lags (behaviour, month, estimate, conf_low, conf_high).
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Axes
        A panel for each behaviour, all on one logarithmic axis; intervals end at its edges.
    """
    table = result.tables["lags"]
    title = words("figure.lags.title")
    known = table[np.isfinite(table["estimate"])]
    if known.empty:
        return plate.nothing(result, words, title, ax)
    host, panels = doses.grid(
        plate.Sheet(
            title=title,
            subtitle=words("figure.lags.subtitle", change=behaviours.changed(result, words)),
            foot=plate.foot_of(result, words),
        ),
        list(dict.fromkeys(table["behaviour"])), ax,
    )  # fmt: skip
    values = [*known["conf_low"], *known["conf_high"], *known["estimate"]]
    reach = min(max(1.05, *(max(v, 1 / v) for v in values if v > 0)), WIDEST) * 1.01
    for name, panel in panels.items():
        own = known[known["behaviour"] == name]
        panel.set_yscale("log")
        panel.set_ylim(1 / reach, reach)
        panel.axhline(1, color=LIGHT["ink"], linewidth=1.0, zorder=0)
        inside = own.assign(
            **{c: own[c].clip(1 / reach, reach) for c in ("conf_low", "conf_high", "estimate")}
        )
        doses.points(panel, own["month"], inside, LIGHT["focal"])
        panel.set_xlim(0, float(known["month"].max()) * 1.08)
        doses.frame(panel, words.label("behaviour", name), words("figure.lags.axis"), words)
        _ticks(panel, reach, words)
    return host


def _ticks(panel: Axes, reach: float, words: Words) -> None:
    """Give a logarithmic axis round ratios, 1 among them."""
    step = next((s for s in (1.05, 1.1, 1.25, 1.5) if s > reach**0.4), 1.5)
    panel.yaxis.set_major_locator(FixedLocator([v for v in (1 / step, 1.0, step) if 1 / reach <= v <= reach]))
    panel.yaxis.set_minor_locator(NullLocator())
    panel.yaxis.set_major_formatter(FuncFormatter(lambda v, _: words.number(v, 2)))
    panel.yaxis.set_minor_formatter(NullFormatter())


def spoken(result: Result, words: Words) -> str:
    """Return the figure's numbers in words: each behaviour's ratio in its first and its last months."""
    parts = []
    for name, own in result.tables["lags"].groupby("behaviour", sort=False):
        known: Any = own[[not absent(v) for v in own["estimate"]]]
        if len(known):
            ends = [words.number(known["estimate"].iloc[k], 2) for k in (0, -1)]
            parts.append(
                words(
                    "figure.lags.alt", behaviour=words.label("behaviour", name), first=ends[0], last=ends[1]
                )
            )
    return f"{words('figure.lags.title')}. {'; '.join(parts)}."
