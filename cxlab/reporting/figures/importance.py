"""Importance of drivers: the share of what is explained, with intervals, coefficient and possible places."""

from __future__ import annotations

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.units import unit_of_claim
from cxlab.reporting.words import Words, absent

CODES = ("drivers.top", "drivers.none")


@plate.figure_of
def draw_importance(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw how much each driver holds of what the drivers explain together.

    Parameters
    ----------
    result : Result
        Of `drivers.importance`: table with driver, share and its interval, coefficient, rank_low, rank_high.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure as high as its rows need.

    Returns
    -------
    Axes
        Bars from zero, the strongest driver first, grey where nothing of its own is stated of a driver; a
        dotted line at what a driver of pure noise would hold, if the table has noise_share.
    """
    by = [k for k in result.keys if k in result.table.columns and k not in ("driver", "flag", "reason")]
    table = result.table.sort_values("share", ascending=False, kind="stable", na_position="last")
    table = (table.sort_values(by, kind="stable") if by else table).head(plate.ROWS)
    outcome = result.settings.get("outcome", "")
    title = plate.title_of(
        result, words, CODES, words("figure.importance.title", outcome=words.metric(outcome, "the"))
    )
    if not table["share"].notna().any():
        return plate.nothing(result, words, title, ax)
    standing = {c.fields["driver"] for c in result.claims if c.code == "drivers.top"}
    explained = getattr(result, "r_squared", float("nan")) - getattr(result, "r_squared_controls", 0.0)
    r_squared = words.percent(explained, 0)
    grey = [driver not in standing for driver in table["driver"]]
    foot = plate.foot_of(
        result, words, suppressed=plate.flags_of(table)[1], undrawn=len(result.table) - len(table)
    )
    noise = _noise(table)
    level = words.percent(result.settings.get("level"), 0)
    random = words("figure.importance.random.note", level=level) if noise.notna().any() else ""
    ax, rows = plate.row_sheet(
        [
            ": ".join([*(words.label(k, row[k]) for k in by), words.covariate(row["driver"])])
            for row in table.to_dict("records")
        ],
        _columns(
            table, unit_of_claim({"unit": result.settings.get("unit_coefficient"), "outcome": outcome}), words
        ),
        title=title,
        subtitle=words("figure.importance.subtitle", outcome=words.metric(outcome), r_squared=r_squared),
        foot=[*foot, random, words("figure.importance.noise") if any(grey) else ""],
        ax=ax,
        muted=grey,
    )
    _bars(ax, table, rows, [LIGHT["context" if muted else "focal"] for muted in grey], words)
    _line(ax, noise, rows, words)
    return ax


def _columns(table: pd.DataFrame, unit: object, words: Words) -> list[plate.Column]:
    columns = [plate.Column(["" if absent(s) else words.percent(s, 0) for s in table["share"]])]
    if "coefficient" in table:
        slopes = ["" if absent(c) else words.number(c, 2) for c in table["coefficient"]]
        key = f"figure.importance.coefficient.{unit}"
        head = words(key if words.known(key) else "figure.importance.coefficient")
        columns.append(plate.Column(slopes, head, quiet=True))
    if {"rank_low", "rank_high"} <= set(table.columns):
        pairs = zip(table["rank_low"], table["rank_high"], strict=True)
        ranks = [places(low, high, words) for low, high in pairs]
        columns.append(plate.Column(ranks, words("figure.importance.places"), quiet=True))
    return columns


def places(low: object, high: object, words: Words) -> str:
    """Return the places that a row may have: ``2`` or ``1–4``."""
    if absent(low) or absent(high):
        return ""
    first, last = words.number(low, 0), words.number(high, 0)
    return first if first == last else f"{first}–{last}"


def _bars(ax: Axes, table: pd.DataFrame, rows: list[plate.Row], colours: list[str], words: Words) -> None:
    y = [row.y for row in rows]
    low, high, share = (table[c].astype(float) for c in ("conf_low", "conf_high", "share"))
    sns.barplot(
        x=share.fillna(0.0).to_numpy(),
        y=y,
        hue=range(len(y)),
        palette=colours,
        orient="h",
        native_scale=True,
        width=10.0,
        dodge=False,
        saturation=1,
        legend=False,
        errorbar=None,
        ax=ax,
        alpha=0.3,
        linewidth=0,
    )
    for bar, middle in zip(ax.patches, y, strict=False):
        bar.set_y(middle - 5.5)  # type: ignore[attr-defined]
        bar.set_height(11.0)  # type: ignore[attr-defined]
    ax.hlines(y, low, high, colors=colours, linewidth=1.8, zorder=3)
    plate.dots(ax, share.to_list(), y, colours, size=40)
    ax.set_xlim(*plate.limits([*high, *share, *_noise(table)], zero=True))
    ax.set_ylim(plate.height_of(rows), 0)
    plate.value_axis(ax, words, share=True)
    ax.axvline(0, color=LIGHT["muted"], linewidth=1.0, zorder=2)


def _noise(table: pd.DataFrame) -> pd.Series[float]:
    """Return each row's line of noise, missing where there is none."""
    held: pd.Series[float] = table.get("noise_share", pd.Series(float("nan"), table.index))
    return held.astype(float)


def _line(ax: Axes, noise: pd.Series[float], rows: list[plate.Row], words: Words) -> None:
    """Draw what noise would hold through every row, a line where it is the same for all; name it above."""
    known = [(row, x) for row, x in zip(rows, noise, strict=True) if not absent(x)]
    for row, x in known:
        ends = row.y - row.height / 2, row.y + row.height / 2
        ax.vlines(x, *ends, colors=LIGHT["ink"], linewidth=1.2, linestyles=(0, (1, 1.5)), zorder=3.5)
    if known:
        x, middle = known[0][1], sum(ax.get_xlim()) / 2
        side = "left" if x < middle else "right"
        plate.note(ax, words("figure.importance.random"), (x, 1), (0, 3), x="data", ha=side)
