"""How well so many visits know a unit: the curve of reliability with its band, and what was asked."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.words import Words

CODES = ("emitted.visits", "emitted.visits_alike")
LEFT, BODY = 40.0, 220.0


@plate.figure_of
def draw_visits(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw the reliability of a unit's mean by the number of visits.

    Parameters
    ----------
    result : Result
        Of `emitted.components`: ``tables["visits"]`` with visits, reliability, conf_low, conf_high.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Axes
        The curve in its band, from one visit on; a line at the reliability asked.
    """
    table, title = result.tables["visits"], plate.title_of(result, words, CODES, words("figure.visits.title"))
    if not table["reliability"].notna().any():
        return plate.nothing(result, words, title, ax)
    target = float(result.settings["target"])
    sheet = plate.Sheet(
        title=title, subtitle=words("figure.visits.subtitle"), foot=plate.foot_of(result, words), left=LEFT,
        right=10, above=18, axis=44, body=BODY,
    )  # fmt: skip
    ax = plate.lay(sheet, ax)
    x, low, high = (table[name].astype(float) for name in ("visits", "conf_low", "conf_high"))
    ax.fill_between(x, low, high, color=LIGHT["focal"], alpha=0.15, linewidth=0)
    ax.plot(x, table["reliability"].astype(float), color=LIGHT["focal"], linewidth=2.0)
    ax.axhline(target, color=LIGHT["muted"], linewidth=1.0, linestyle=(0, (4, 3)))
    asked = words("figure.visits.asked", target=words.number(target, 2))
    plate.write(
        ax, asked, (1, target), (0, 3), y="data", ha="right", va="bottom", size=9, color=LIGHT["muted"]
    )
    ax.set_xlim(1, float(x.max()))
    ax.set_ylim(0, 1)
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: words.number(v, 0)))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: words.number(v, 1)))
    ax.grid(visible=True, axis="both", color=LIGHT["rule"], linewidth=0.6)
    ax.set_axisbelow(True)
    ax.tick_params(axis="both", length=0, pad=5)
    ax.set_xlabel("")
    ax.set_ylabel("")
    plate.note(ax, words("figure.visits.across"), (0.5, 0), (0, -22), ha="center", va="top")
    plate.note(ax, words("figure.visits.up"), (0, 1), (-LEFT, 3))
    return ax
