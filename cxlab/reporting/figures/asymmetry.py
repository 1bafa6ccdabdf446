"""Penalty and reward: how far each driver can pull the outcome down, and how far up."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.words import Words

CODES = ("drivers.must_be", "drivers.attractive", "drivers.kinds_open")
BAR = 11.0
LANE = 3.5  # how far the two sides of a row stand from its middle where they meet


@plate.figure_of
def draw_asymmetry(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw what a low rating of each driver costs, to the left, and what a high one adds, to the right.

    Parameters
    ----------
    result : Result
        Of `asymmetry.penalty_reward`.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure as high as its rows need.

    Returns
    -------
    Axes
        Bars from zero with their intervals, the largest penalty first, and each driver's kind beside it.
    """
    whole = result.table[result.table["penalty"].notna()]
    table = whole.head(plate.ROWS)
    outcome = result.settings.get("outcome", "")
    title = plate.title_of(
        result, words, CODES, words("figure.asymmetry.title", outcome=words.metric(outcome, "the"))
    )
    if table.empty:
        return plate.nothing(result, words, title, ax)
    kinds = [words.label("kind", kind) for kind in table["kind"]]
    ax, rows = plate.row_sheet(
        [words.covariate(driver) for driver in table["driver"]],
        [plate.Column(kinds, words("figure.asymmetry.kind"), quiet=True)],
        title=title,
        subtitle=words("figure.asymmetry.subtitle", outcome=words.metric(outcome)),
        foot=plate.foot_of(
            result, words, suppressed=plate.flags_of(result.table)[1], undrawn=len(whole) - len(table)
        ),
        ax=ax,
    )
    _bars(ax, table, [row.y for row in rows], words)
    ax.set_ylim(plate.height_of(rows), 0)
    return ax


def _bars(ax: Axes, table: pd.DataFrame, y: list[float], words: Words) -> None:
    ends: list[float] = [0.0]
    meeting = _meeting(table)
    for side, sign, colour in (("penalty", -1, LIGHT["worse"]), ("reward", 1, LIGHT["focal"])):
        value, low, high = (
            sign * table[name].astype(float) for name in (side, f"{side}_low", f"{side}_high")
        )
        lane = [up + sign * LANE * meets for up, meets in zip(y, meeting, strict=True)]
        height = [BAR - 2 * LANE * meets / 1.75 for meets in meeting]
        ax.barh(lane, value, height=height, color=colour, alpha=0.3, linewidth=0)
        ax.hlines(lane, low, high, colors=colour, linewidth=1.8, zorder=3)
        plate.dots(ax, value.to_list(), lane, [colour] * len(y), size=40)
        ends += [*value, *low, *high]
    ax.set_xlim(*plate.limits(ends))
    plate.value_axis(ax, words)
    ax.axvline(0, color=LIGHT["muted"], linewidth=1.0, zorder=2)
    heads = (("figure.asymmetry.penalty", "right", -6.0), ("figure.asymmetry.reward", "left", 6.0))
    left, right = ax.get_xlim()
    zero = -left / (right - left)
    for key, ha, offset in heads:
        plate.note(ax, words(key), (zero, 1), (offset, 3), ha=ha)


def _meeting(table: pd.DataFrame) -> list[bool]:
    """Tell in which rows the two sides lie on one another: intervals that meet, or bars to the same side."""
    sides = table[["penalty", "penalty_low", "penalty_high", "reward", "reward_low", "reward_high"]].astype(
        float
    )
    apart = (sides["reward_low"] > -sides["penalty_low"]) | (sides["reward_high"] < -sides["penalty_high"])
    return list(~apart | (sides["penalty"] * sides["reward"] < 0))
