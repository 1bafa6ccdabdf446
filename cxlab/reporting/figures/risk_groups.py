"""Predicted risk against what happened, group by group, with how much each holds of those who left."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.figures.keys import Key, draw_keys, height_of
from cxlab.reporting.words import Words

CODES = ("risk.captured", "risk.noise", "risk.order")


@plate.figure_of
def draw_risk_groups(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw for each group of risk the share expected to leave and the share that left.

    Parameters
    ----------
    result : Result
        Of `survival.churn_risk`: ``tables["risk_groups"]`` with group, predicted, estimate, conf_low,
        conf_high, lift, captured, n, flag.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure as high as its rows need.

    Returns
    -------
    Axes
        A row for each group, the one with most risk first: observed with its interval, predicted as a mark
        of another shape; lift and share of departures so far at the right.
    """
    title = plate.title_of(result, words, CODES, words("figure.risk_groups.title"))
    table = result.tables.get("risk_groups", pd.DataFrame(columns=["estimate"]))
    table = table[table["estimate"].notna()]
    if table.empty:
        return plate.nothing(result, words, title, ax)
    keys = [
        Key(words("figure.risk_groups.observed"), "o", LIGHT["focal"], filled=True),
        Key(words("figure.risk_groups.predicted"), "D", LIGHT["third"], filled=False),
    ]
    labels = [_label(int(group), words) for group in table["group"]]
    columns = [
        plate.Column([words.percent(value, 0) for value in table["estimate"]]),
        plate.Column(
            [words("figure.risk_groups.times", times=words.number(value, 1)) for value in table["lift"]],
            words("figure.risk_groups.lift"),
        ),
        plate.Column(
            [words.percent(value, 0) for value in table["captured"]],
            words("figure.risk_groups.captured"),
            quiet=True,
        ),
    ]
    left, right = plate.label_room(labels) + 10, sum(column.width for column in columns)
    rows = plate.rows_of(labels, left - 10)
    sheet = plate.Sheet(
        title=title,
        subtitle=words(
            "figure.risk_groups.subtitle", time=words.amount(result.settings.get("horizon"), "months")
        ),
        foot=plate.foot_of(
            result, words, low_base=plate.flags_of(table)[0], suppressed=plate.flags_of(table)[1]
        ),
        left=left,
        right=right + 4,
        above=20 + height_of(keys),
        body=plate.height_of(rows),
    )
    ax = plate.lay(sheet, ax)
    plate.label_rows(ax, rows, left, right)
    plate.write_columns(ax, rows, columns)
    _marks(ax, table, rows)
    plate.value_axis(ax, words, share=True)
    draw_keys(ax, keys, left)
    return ax


def _label(group: int, words: Words) -> str:
    return words("figure.risk_groups.first") if group == 1 else words.number(group, 0)


def _marks(ax: Axes, table: pd.DataFrame, rows: list[plate.Row]) -> None:
    y = [row.y for row in rows]
    low, high, observed, expected = (
        table[c].astype(float) for c in ("conf_low", "conf_high", "estimate", "predicted")
    )
    ax.hlines(y, low, high, colors=LIGHT["focal"], linewidth=2.0, zorder=2)
    plate.dots(ax, observed.to_list(), y, [LIGHT["focal"]] * len(y), hollow=plate.hollows(table))
    plate.dots(
        ax, expected.to_list(), y, [LIGHT["third"]] * len(y), hollow=[True] * len(y), marker="D", size=40
    )
    ax.set_xlim(*plate.limits([*high, *expected], zero=True))
    ax.set_ylim(plate.height_of(rows), 0)
