"""What if low ratings were one point higher: the change that goes with it, and how many it takes."""

from __future__ import annotations

from matplotlib.axes import Axes

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.words import Words, absent, digits_for

CODES = ("drivers.lift", "drivers.no_lift")


@plate.figure_of
def draw_lift(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw the change of the outcome that goes with one point more for who rates each driver low.

    Parameters
    ----------
    result : Result
        Of `lift.lift`.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure as high as its rows need.

    Returns
    -------
    Axes
        Dots with intervals about a labelled zero, the largest change first, and the share that is moved.
    """
    outcome, unit = result.settings.get("outcome", ""), str(result.settings.get("unit_coefficient", "scale"))
    title = plate.title_of(
        result, words, CODES, words("figure.lift.title", outcome=words.metric(outcome, "the"))
    )
    whole = result.table[result.table["change"].notna()]
    table = whole.head(plate.ROWS)
    if table.empty:
        return plate.nothing(result, words, title, ax)
    rows = table.to_dict("records")
    digits = max(digits_for(unit, row["conf_low"], row["conf_high"]) for row in rows)
    told = [not absent(row["told"]) and bool(row["told"]) for row in rows]
    low_base, _ = plate.flags_of(table)
    ax, places = plate.row_sheet(
        [words.covariate(row["driver"]) for row in rows],
        [
            plate.Column([words.signed(row["change"], digits) for row in rows]),
            plate.Column([words.percent(row["moved"], 0) for row in rows], words("figure.lift.moved")),
            plate.Column(
                [words("figure.lift.at_most", cut=words.number(row["at_most"])) for row in rows],
                words("figure.lift.from"),
                quiet=True,
            ),
        ],
        title=title,
        subtitle=words("figure.lift.subtitle", outcome=words.metric(outcome), unit=_unit(unit, words)),
        foot=[
            *plate.foot_of(
                result,
                words,
                low_base=low_base,
                suppressed=plate.flags_of(result.table)[1],
                undrawn=len(whole) - len(table),
            ),
            words("figure.importance.noise") if not all(told) else "",
        ],
        ax=ax,
        muted=[not each for each in told],
    )
    y = [place.y for place in places]
    colours = [LIGHT["focal" if each else "context"] for each in told]
    low, high, change = (table[c].astype(float) for c in ("conf_low", "conf_high", "change"))
    ax.hlines(y, low, high, colors=colours, linewidth=2.0, zorder=2)
    plate.dots(ax, change.to_list(), y, colours, hollow=plate.hollows(table))
    ax.set_xlim(*plate.limits([*low, *high, *change, 0.0]))
    ax.set_ylim(plate.height_of(places), 0)
    plate.value_axis(ax, words)
    ax.axvline(0, color=LIGHT["muted"], linewidth=1.0, zorder=1)
    plate.note(ax, words("figure.lift.zero"), (0, 1), x="data", ha="center")
    return ax


def _unit(unit: str, words: Words) -> str:
    key = f"figure.difference.{unit}"
    return words(key if words.known(key) else "figure.difference.scale")
