"""Moves between steps: a square, each line the shares of where customers go next."""

from __future__ import annotations

from matplotlib.axes import Axes

from cxlab.analysis.estimates import Result
from cxlab.reporting.figures import plate
from cxlab.reporting.figures.square import Cell, draw_square, found, names_of, steps_of
from cxlab.reporting.words import Words

CODES = ("journey.move",)


@plate.figure_of
def draw_transitions(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw which step follows which within a journey.

    Parameters
    ----------
    result : Result
        Of `journey.transitions`: table with from, to, moves, estimate (share of the line), n, flag.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Axes
        A square: where a contact was, by where the next one is; share of the line and moves in each cell.
    """
    table = result.table
    step = words.label(result.settings.get("step", ""))
    title = plate.title_of(result, words, CODES, words("figure.transitions.title", step=step))
    steps = steps_of(table)
    rows = {(row["from"], row["to"]): row for row in table.to_dict("records")}
    bases = [
        next((r["n"] for (a, _), r in rows.items() if a == name and found(r, "n")), None) for name in steps
    ]
    low, suppressed = plate.flags_of(table)

    def cell(i: int, j: int) -> Cell | None:
        row = rows.get((steps[i], steps[j]))
        if row is None or not found(row, "moves"):
            hidden = row is not None and row.get("flag") == "suppressed"
            said = "table.withheld" if hidden and row and row.get("withheld") else "table.under_ten"
            return Cell(words(said) if hidden else "")
        if not row["moves"]:
            return Cell("0")
        share = float(row["estimate"])
        return Cell(
            words.percent(share, 0),
            words.number(row["moves"], 0),
            token="context" if i == j else "focal",
            strength=share,
            bold=i != j,
            hatched=row["flag"] == "low_base",
        )

    return draw_square(
        names_of(result, steps, words),
        cell,
        title=title,
        subtitle=words("figure.transitions.subtitle", step=step),
        foot=[
            words("figure.transitions.key"),
            *plate.foot_of(result, words, suppressed=suppressed),
            words("figure.foot.hatched") if low else "",
        ],
        right=[plate.Column([words.number(n, 0) for n in bases], words("figure.base"), quiet=True)],
        ax=ax,
    )
