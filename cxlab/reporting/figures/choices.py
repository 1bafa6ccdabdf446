"""What each choice of a sweep moves: its share of the variance over the specifications."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from cxlab.analysis.estimates import Result
from cxlab.reporting.claims_sensitivity import choice, option
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.words import Words, absent

CODES = ("sensitivity.choice",)
BAR = 11.0


@plate.figure_of
def draw_choices(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw how much of the variance over the specifications each choice holds.

    Parameters
    ----------
    result : Result
        Of `sensitivity.specification_curve`: choices among its tables, with moves, first_order, total,
        mean_change and its two options.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure as high as its choices need.

    Returns
    -------
    Axes
        Bars from zero, what moves most first: what a choice moves alone within what it moves with its
        interactions, a dot at its share; beside it the largest mean change and between which options.
    """
    table = result.tables["choices"]
    if not table["moves"].notna().any():
        return plate.nothing(result, words, words("figure.choices.title"), ax)
    first = choice(table["choice"].iloc[0], words)
    # Beside the curve, which states the claims, the figure says its finding itself.
    otherwise = words("figure.choices.first", choice=first, share=words.percent(table["moves"].iloc[0], 0))
    title = plate.title_of(result, words, CODES, otherwise)
    full = bool(result.settings.get("full_grid"))
    shares = plate.Column([words.percent(share, 0) for share in table["moves"]])
    unit = str(result.settings.get("unit", ""))
    changes = ["" if absent(v) else words.amount(v, unit, difference=True) for v in table["mean_change"]]
    columns = [shares, plate.Column(changes, words("figure.choices.change"), quiet=True)]
    ax, rows = plate.row_sheet(
        [_label(row, words) for row in table.to_dict("records")],
        columns,
        title=title,
        subtitle=words("figure.choices.subtitle" if full else "figure.choices.subtitle.gaps"),
        foot=[
            words(
                "figure.curve.base",
                done=words.number(result.n_used, 0),
                all=words.number(len(result.table), 0),
            ),
            words("figure.choices.foot"),
        ],
        ax=ax,
    )
    _bars(ax, table, rows, full=full)
    plate.value_axis(ax, words, share=True)
    return ax


def _label(row: Mapping[Any, Any], words: Words) -> str:
    name = row["choice"]
    if not row["pairs"]:
        return choice(name, words)
    ends = [option(name, row[f"{end}_option"], words) for end in ("from", "to")]
    return f"{choice(name, words)}: {ends[0]} → {ends[1]}"


def _bars(ax: Axes, table: pd.DataFrame, rows: list[plate.Row], *, full: bool) -> None:
    y = [row.y for row in rows]
    if full:
        ax.barh(y, table["total"], height=BAR, color=LIGHT["focal"], alpha=0.22, linewidth=0)
        ax.barh(y, table["first_order"], height=BAR, color=LIGHT["focal"], alpha=0.55, linewidth=0)
    else:
        ax.hlines(y, 0, table["moves"], colors=LIGHT["focal"], linewidth=1.8, zorder=2)
    plate.dots(ax, table["moves"].to_list(), y, [LIGHT["focal"]] * len(y), size=44)
    ax.set_xlim(0, 1.04)
    ax.set_ylim(plate.height_of(rows), 0)
    ax.axvline(0, color=LIGHT["muted"], linewidth=1.0, zorder=2)
