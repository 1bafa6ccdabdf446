"""How often each loyal behaviour is shown by level of experience: a panel for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.figures.theme import SMALL
from cxlab.reporting.words import Words, absent

PANEL, BETWEEN, ACROSS = 96.0, 58.0, 2
WIDE, APART = 0.44, 0.56  # of the body, each panel and from one's start to the next's


@plate.figure_of
def draw_doses(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw each behaviour's rate by level of experience, with its interval.

    Parameters
    ----------
    result : Result
        Of `economics.behaviours`: among its tables doses (behaviour, experience, estimate, conf_low,
        conf_high, flag).
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Axes
        A panel for each behaviour, each with its own axis of rates from zero.
    """
    table = result.tables["doses"]
    label = words.metric(result.settings["experience"])
    title = words("figure.doses.title", experience=label)
    if not table["estimate"].notna().any():
        return plate.nothing(result, words, title, ax)
    host, panels = grid(
        plate.Sheet(
            title=title, subtitle=words("figure.doses.subtitle"),
            foot=plate.foot_of(result, words, low_base=plate.flags_of(table)[0]),
        ),
        list(dict.fromkeys(table["behaviour"])), ax,
    )  # fmt: skip
    reach = plate.limits(table["experience"].to_list(), pad=0.08)
    for name, panel in panels.items():
        own = table[table["behaviour"] == name]
        points(panel, own["experience"], own, LIGHT["focal"])
        panel.set_xlim(*reach)
        panel.set_ylim(0, plate.limits([*own["conf_high"], *own["estimate"]], zero=True)[1])
        frame(panel, _head(name, words), label, words)
    return host


def _head(name: str, words: Words) -> str:
    return words("figure.doses.leaving") if name == "permanence" else words.label("behaviour", name)


def grid(sheet: plate.Sheet, names: Sequence[str], ax: Axes | None) -> tuple[Axes, dict[str, Axes]]:
    """Lay a sheet of panels, two in a row, and return its body and the panel of each name."""
    down = -(-len(names) // ACROSS)
    body = down * PANEL + (down - 1) * BETWEEN
    host = plate.lay(
        plate.Sheet(
            title=sheet.title, subtitle=sheet.subtitle, foot=sheet.foot, left=34.0, right=10.0, above=26.0,
            axis=36.0, body=body,
        ),
        ax,
    )  # fmt: skip
    host.set_axis_off()
    panels = {}
    for k, name in enumerate(names):
        row, across = divmod(k, ACROSS)
        bottom = 1 - (row * (PANEL + BETWEEN) + PANEL) / body
        panels[name] = host.inset_axes((across * APART, bottom, WIDE, PANEL / body))
    return host, panels


def points(panel: Axes, x: pd.Series[Any], own: pd.DataFrame, colour: str) -> None:
    """Draw intervals, a thin line through the estimates, and dots on top."""
    low, high, estimate = (own[c].astype(float) for c in ("conf_low", "conf_high", "estimate"))
    panel.vlines(x, low, high, colors=colour, linewidth=2.0, zorder=2)
    panel.plot(x, estimate, color=colour, linewidth=0.9, alpha=0.6, zorder=1)
    plate.dots(
        panel,
        x.astype(float).where(estimate.notna()).to_list(),
        estimate.to_list(),
        [colour] * len(own),
        size=34.0,
    )


def frame(panel: Axes, head: str, axis: str, words: Words) -> None:
    """Name a panel above it and its axis below; light lines at the ticks of the vertical axis."""
    panel.yaxis.set_visible(True)
    panel.grid(visible=False, axis="x")
    panel.grid(visible=True, axis="y", color=LIGHT["rule"], linewidth=0.6)
    panel.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    for each in (panel.xaxis, panel.yaxis):
        each.set_major_formatter(FuncFormatter(lambda v, _: words.number(v)))
    panel.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    panel.tick_params(axis="both", length=0, pad=4)
    plate.write(panel, head, (0, 1), (-30, 8), size=SMALL, va="bottom", weight="bold", color=LIGHT["ink"])
    plate.note(panel, axis, (0.5, 0), (0, -18), ha="center", va="top")


def spoken(result: Result, words: Words) -> str:
    """Return the figure's numbers in words: each behaviour's rate at the lowest and the highest level."""
    title = words("figure.doses.title", experience=words.metric(result.settings["experience"]))
    parts = []
    for name, own in result.tables["doses"].groupby("behaviour", sort=False):
        known = own[[not absent(v) for v in own["estimate"]]]
        if len(known):
            ends = [words.number(known["estimate"].iloc[k], 2) for k in (0, -1)]
            parts.append(
                words(
                    "figure.doses.alt", behaviour=words.label("behaviour", name), first=ends[0], last=ends[1]
                )
            )
    return f"{title}. {'; '.join(parts)}."
