"""Cohorts: a triangle of the shares still here, a row for who began together, a column for each age."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.figures.theme import SMALL
from cxlab.reporting.words import Words, absent

CODES = ("retention.difference", "retention.alike", "retention.no_events")
FADED, FULL = 0.06, 0.55  # of the focal colour: the ink of the numbers reads on all of it


@plate.figure_of
def draw_cohorts(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw how many of each cohort are still here at each age, the value in its cell.

    Parameters
    ----------
    result : Result
        Of `survival.cohorts`: table with cohort, time, estimate, n, flag.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure as high as its rows need.

    Returns
    -------
    Axes
        The latest cohorts last; cells that are not observed yet are empty, low bases hatched.
    """
    title = plate.title_of(result, words, CODES, words("figure.cohorts.title"))
    known = result.table[result.table["estimate"].notna()]
    if known.empty:
        return plate.nothing(result, words, title, ax)
    names = known["cohort"].drop_duplicates().tolist()[-plate.ROWS :]
    table = result.table[result.table["cohort"].isin(names)]
    ages = sorted(known["time"].unique())
    low_base, suppressed = plate.flags_of(known)
    bases = table.groupby("cohort", observed=True)["n"].max().reindex(names).reset_index()
    undrawn = known["cohort"].nunique() - len(names)
    foot = plate.foot_of(
        result, words, suppressed=suppressed, undrawn=undrawn, interval="figure.incidence.table"
    )
    ax, rows = plate.row_sheet(
        [words.label("cohort", name) for name in names],
        [plate.bases(bases, words)],
        title=title,
        subtitle=words("figure.cohorts.subtitle"),
        foot=[*foot, words("figure.cohorts.low_base") if low_base else ""],
        ax=ax,
    )
    ax.set_xlim(0, len(ages))
    ax.set_xticks([])
    plate.bare(ax)
    least, most = float(known["estimate"].min()), float(known["estimate"].max())
    cells = {(row["cohort"], row["time"]): row for row in table.to_dict("records")}
    for name, row in zip(names, rows, strict=True):
        for j, age in enumerate(ages):
            _cell(ax, j, row, cells.get((name, age), {}), (least, most), words)
    for j, age in enumerate(ages):
        plate.note(ax, words.number(age, 0), (j + 0.5, 1), (0, 3), x="data", ha="center")
    return ax


def _cell(
    ax: Axes, x: int, row: plate.Row, held: Mapping[Any, Any], ends: tuple[float, float], words: Words
) -> None:
    if absent(held.get("estimate")):
        return
    corner, size = (x + 0.04, row.y - row.height / 2 + 1), (0.92, row.height - 2)
    share = (float(held["estimate"]) - ends[0]) / ((ends[1] - ends[0]) or 1.0)
    shade = FADED + (FULL - FADED) * share
    ax.add_patch(Rectangle(corner, *size, facecolor=LIGHT["focal"], alpha=shade, linewidth=0))
    if held["flag"] == "low_base":
        ax.add_patch(
            Rectangle(corner, *size, fill=False, edgecolor=LIGHT["context"], linewidth=0, hatch="//")
        )
    text = words.number(100 * float(held["estimate"]), 0)
    plate.write(ax, text, (x + 0.5, row.y), x="data", y="data", size=SMALL, ha="center", va="center")
