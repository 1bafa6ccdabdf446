"""Best in class: each unit as it looks and as it probably is, drawn to the others by what is noise."""

from __future__ import annotations

from matplotlib.axes import Axes

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.figures.keys import Key, draw_keys, height_of
from cxlab.reporting.figures.league import MANY, MOST
from cxlab.reporting.figures.spoken import unit_of
from cxlab.reporting.figures.theme import TEXT
from cxlab.reporting.words import Words, digits_for

CODES = ("benchmark.best",)


@plate.figure_of
def draw_best(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw each unit's score as observed and as drawn to the others, and its chance of being the best.

    Parameters
    ----------
    result : Result
        Of `benchmark.best_in_class` without `by`: unit, estimate, shrunk, its interval, p_best, n.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure as high as its rows need.

    Returns
    -------
    Axes
        A hollow dot as observed, a filled one with its interval as estimated; the chance in a column.
    """
    known = result.table[result.table["shrunk"].notna()]
    table, metric = known.head(MOST), result.settings.get("metric", "")
    unit = unit_of(result, metric)
    measure = words(f"figure.unit.{unit}")
    title = plate.title_of(result, words, CODES, words("figure.best.title", metric=words.metric(metric)))
    if table.empty:
        return plate.nothing(result, words, title, ax)
    digits = max(
        digits_for(unit, a, b) for a, b in zip(table["shrunk_low"], table["shrunk_high"], strict=True)
    )
    keys = [
        Key(words("figure.best.observed"), "o", LIGHT["muted"], filled=False),
        Key(words("figure.best.estimated"), "o", LIGHT["context"]),
    ]
    labels = [words.label(result.settings.get("unit", ""), u) for u in table["unit"]]
    columns = [
        plate.Column([words.number(v, digits) for v in table["shrunk"]], words("figure.best.estimate")),
        plate.Column([_chance(p, words) for p in table["p_best"]], words("figure.best.chance")),
        plate.bases(table, words),
    ]
    left, right = plate.label_room(labels) + 10, sum(column.width for column in columns)
    close = len(table) > MANY
    rows = plate.rows_of(labels, left - 10, size=plate.CLOSE if close else TEXT)
    sheet = plate.Sheet(
        title=title,
        subtitle=words("figure.best.subtitle", metric=words.metric(metric), unit=measure),
        foot=plate.foot_of(
            result, words, suppressed=plate.flags_of(result.table)[1], undrawn=len(result.table) - len(table)
        ),
        left=left, right=right + 4, above=20 + height_of(keys), body=plate.height_of(rows),
    )  # fmt: skip
    ax = plate.lay(sheet, ax)
    ax.set_ylim(sheet.body, 0)
    plate.label_rows(ax, rows, left, right)
    plate.write_columns(ax, rows, columns)
    draw_keys(ax, keys, left, up=20)
    y, focal = [row.y for row in rows], str(result.settings.get("focal"))
    colours = [LIGHT["focal" if str(u) == focal else "context"] for u in table["unit"]]
    ends = [table[c].astype(float).to_list() for c in ("shrunk_low", "shrunk_high", "shrunk", "estimate")]
    ax.set_xlim(*plate.limits([v for end in ends for v in end]))
    plate.value_axis(ax, words)
    ax.hlines(y, ends[0], ends[1], colors=colours, linewidth=2.0, zorder=2)
    plate.dots(ax, ends[3], y, [LIGHT["muted"]] * len(y), hollow=[True] * len(y), size=45 if close else 90)
    plate.dots(ax, ends[2], y, colours, size=14 if close else 30)
    return ax


def _chance(p: float, words: Words) -> str:
    """Return a chance in whole percent; a small one is not none."""
    return words("figure.best.small", percent=words.percent(0.01, 0)) if p < 0.005 else words.percent(p, 0)
