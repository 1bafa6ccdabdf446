"""The loyal behaviours: one forest, one logarithmic axis, on which more is more loyal in each row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes

from cxlab.analysis.estimates import Result
from cxlab.reporting import claims_economics
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import hazards, plate
from cxlab.reporting.words import Words, digits_for

NARROWEST = 1.1  # ratios of a small step are near 1
CODES = ("economics.behaviour", "economics.behaviours_none")


@plate.figure_of
def draw_behaviours(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw how many times as frequent each behaviour is, with its interval, around 1.

    Parameters
    ----------
    result : Result
        Of `economics.behaviours`: table with behaviour, estimate, conf_low, conf_high, p_adjusted, events.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure as high as its rows need.

    Returns
    -------
    Axes
        Logarithmic, in the order of the table; grey where it cannot be told from 1.
    """
    table = result.table.rename(columns={"estimate": "hazard_ratio"})
    title = plate.title_of(result, words, CODES, words("figure.behaviours.title"))
    if not table["hazard_ratio"].notna().any():
        return plate.nothing(result, words, title, ax)
    rows = table.to_dict("records")
    told = standing(result)
    grey = [row["behaviour"] not in told for row in rows]
    change = changed(result, words)
    ax, places = plate.row_sheet(
        [words.label("behaviour", row["behaviour"]) for row in rows],
        [
            plate.Column([_numbers(row, words) for row in rows]),
            plate.Column(
                [words.number(row["events"], 0) for row in rows],
                words("figure.behaviours.events"),
                quiet=True,
            ),
        ],
        title=title,
        subtitle=words("figure.behaviours.subtitle", change=change),
        foot=[
            *plate.foot_of(result, words, low_base=plate.flags_of(table)[0]),
            words("figure.behaviours.grey") if any(grey) else "",
        ],
        ax=ax,
        muted=grey,
    )
    hazards.axis(ax, *hazards.reach(table, NARROWEST), words)
    hazards.intervals(ax, table, places, [LIGHT["context" if noise else "focal"] for noise in grey])
    hazards.sides(ax, words("figure.behaviours.less"), words("figure.behaviours.more"))
    return ax


def standing(result: Result) -> set[str]:
    """Return the behaviours that can be told from noise, by the tests as the report adjusted them."""
    tests, alpha = result.tables["tests"], 1 - float(result.settings["level"])
    known = tests[tests["p_adjusted"] <= alpha]
    return {str(name).removeprefix("behaviour ") for name in known["hypothesis"]}


def changed(result: Result, words: Words) -> str:
    """Return what is changed: ``+10 PXI``."""
    own = {"changed_column": result.settings["experience"], "shift": result.settings["step"]}
    return claims_economics.change(own, words)


def _numbers(row: Mapping[Any, Any], words: Words) -> str:
    digits = digits_for("ratio", row["conf_low"], row["conf_high"])
    low, high = words.number(row["conf_low"], digits), words.number(row["conf_high"], digits)
    return f"{words.number(row['hazard_ratio'], digits)} ({low}–{high})"


def spoken(result: Result, words: Words) -> str:
    """Return the figure's numbers in words: each behaviour's ratio and interval."""
    title = plate.title_of(result, words, CODES, words("figure.behaviours.title"))
    table = result.table.rename(columns={"estimate": "hazard_ratio"})
    rows = [
        f"{words.label('behaviour', row['behaviour'])}: {_numbers(row, words)}"
        for row in table.to_dict("records")
    ]
    return f"{title}. {'; '.join(rows)}."
