"""League tables: the score of each unit, and the places that its rank could be."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.figures.importance import places
from cxlab.reporting.figures.spoken import unit_of
from cxlab.reporting.figures.theme import SMALL
from cxlab.reporting.words import Words, absent, digits_for

CODES = ("benchmark.rank",)
SCORE, BETWEEN = 0.46, 0.1  # share of the body for the scores, and between them and the places
MANY, MOST = 24, 80  # units from which rows stand close together, and the most that are drawn


@plate.figure_of
def draw_league(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw each unit's score with its interval and, beside it, the ranks it could have.

    Parameters
    ----------
    result : Result
        Of `benchmark.league`: table with unit, estimate, conf_low, conf_high, rank, rank_low, rank_high, n.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure as high as its rows need.

    Returns
    -------
    Axes
        Of the scores; the places are in an inset at its right.
    """
    table = result.table.sort_values(["rank", "unit"], kind="stable", na_position="last").head(MOST)
    metric = result.settings.get("metric", "")
    unit, name = unit_of(result, metric), words.metric(metric)
    title = plate.title_of(result, words, CODES, words("figure.league.title", metric=name))
    if not table["estimate"].notna().any():
        return plate.nothing(result, words, title, ax)
    pairs = zip(table["rank_low"], table["rank_high"], strict=True)
    possible = [places(low, high, words) for low, high in pairs]
    low_base, suppressed = plate.flags_of(table)
    close = len(table) > MANY
    host, rows = plate.row_sheet(
        [words.label(result.settings.get("unit", ""), u) for u in table["unit"]],
        [plate.Column(possible, words("figure.league.possible")), plate.bases(table, words)],
        title=title,
        subtitle=words("figure.league.subtitle", metric=name, unit=words(f"figure.unit.{unit}")),
        foot=plate.foot_of(
            result,
            words,
            low_base=low_base,
            suppressed=suppressed,
            interval="figure.foot.simultaneous",
            undrawn=len(result.table) - len(table),
        ),
        ax=ax,
        close=close,
    )
    focal = {str(c.fields.get("focal")) for c in result.claims if c.code == "benchmark.rank"}
    colours = [LIGHT["focal"] if str(u) in focal else LIGHT["context"] for u in table["unit"]]
    host.set_xticks([])
    plate.bare(host)
    scores = host.inset_axes((0.0, 0.0, SCORE, 1.0))
    _scores(scores, table, rows, colours, words, unit, 0.5 if close else 1.0)
    places_ax = host.inset_axes((SCORE + BETWEEN, 0.0, 1 - SCORE - BETWEEN, 1.0))
    _ranks(places_ax, table, rows, colours, words, 0.5 if close else 1.0)
    scores.set_label(title)
    return scores


def _scores(
    ax: Axes,
    table: pd.DataFrame,
    rows: list[plate.Row],
    colours: list[str],
    words: Words,
    unit: str,
    size: float,
) -> None:
    scale, y = 100.0 if unit == "share" else 1.0, [row.y for row in rows]
    low, high, estimate = (
        table[c].astype(float).to_numpy() * scale for c in ("conf_low", "conf_high", "estimate")
    )
    ax.set_xlim(*plate.limits([*low, *high, *estimate], pad=0.12))
    ax.set_ylim(plate.height_of(rows), 0)
    plate.value_axis(ax, words, ticks=4)
    ax.hlines(y, low, high, colors=colours, linewidth=2.0, zorder=2)
    plate.dots(ax, list(estimate), y, colours, hollow=plate.hollows(table), size=46 * size)
    digits = max(digits_for(unit, a, b) for a, b in zip(low / scale, high / scale, strict=True))
    for height, value, top in zip(y, estimate, high, strict=True):
        if not absent(value):
            plate.write(
                ax,
                words.number(value, digits),
                (top, height),
                (4, 0),
                x="data",
                y="data",
                size=SMALL if size == 1.0 else plate.CLOSE,
                va="center",
                color=LIGHT["muted"],
            )


def _ranks(
    ax: Axes, table: pd.DataFrame, rows: list[plate.Row], colours: list[str], words: Words, size: float
) -> None:
    """Draw the ranks a unit could have as a band, the observed one as a numbered mark in it."""
    y, last = [row.y for row in rows], int(table["rank_high"].max())
    ax.set_xlim(0.4, last + 0.6)
    ax.set_ylim(plate.height_of(rows), 0)
    step = max(1, -(-last // 8))
    ax.xaxis.set_major_locator(FixedLocator(sorted({1, *range(step, last + 1, step)})))
    ax.xaxis.set_major_formatter(lambda v, _: words.number(v, 0))
    plate.bare(ax)
    ax.hlines(
        y,
        table["rank_low"] - 0.25,
        table["rank_high"] + 0.25,
        colors=colours,
        linewidth=9.0 * size,
        alpha=0.28,
        zorder=2,
    )
    plate.dots(ax, table["rank"].to_list(), y, colours, marker="s", size=46 * size)
    plate.write(
        ax, words("figure.league.place"), (0, 1), (0, 3), size=SMALL, va="bottom", color=LIGHT["muted"]
    )
