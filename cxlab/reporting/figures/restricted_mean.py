"""Months stayed within a horizon: the differences between groups with their intervals, about a zero."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.words import Words, absent, digits_for

CODES = ("retention.mean_difference", "retention.mean_alike", "retention.mean", "retention.no_events")


@plate.figure_of
def draw_restricted_mean(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw how many months longer one group stays than another, or how many all stay where there is one.

    Parameters
    ----------
    result : Result
        Of `survival.restricted_mean`: table with estimate, conf_low, conf_high, n, flag and the groups;
        ``differences`` with segment, other, difference, conf_low, conf_high, p_adjusted, n, flag.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure as high as its rows need.

    Returns
    -------
    Axes
        A dot with its interval for each pair, the largest difference first; grey where it may be chance.
    """
    title = plate.title_of(result, words, CODES, words("figure.restricted_mean.title"))
    time = words.amount(result.settings.get("horizon"), "months")
    pairs = result.tables.get("differences", result.table.iloc[:0])
    compared = "difference" in pairs and pairs["difference"].notna().any()
    if compared:
        rows, labels = _pairs(result, pairs, words)
    else:
        rows, labels = result.table.rename(columns={"estimate": "value"}), _groups(result, words)
    known = rows["value"].notna().to_numpy()
    if not known.any():
        return plate.nothing(result, words, title, ax)
    rows, labels = rows[known], [label for label, kept in zip(labels, known, strict=True) if kept]
    subtitle = words(f"figure.restricted_mean.{'pairs' if compared else 'means'}", time=time)
    low_base, suppressed = plate.flags_of(rows)
    standing = rows["standing"].tolist() if compared else [True] * len(rows)
    digits = max(digits_for("months", r["conf_low"], r["conf_high"]) for r in rows.to_dict("records")) or 1
    said = words.signed if compared else words.number
    ax, places = plate.row_sheet(
        labels,
        [plate.Column([said(v, digits) for v in rows["value"]]), plate.bases(rows, words)],
        title=title,
        subtitle=subtitle,
        foot=plate.foot_of(result, words, low_base=low_base, suppressed=suppressed),
        ax=ax,
        muted=[not each for each in standing],
    )
    y = [place.y for place in places]
    colours = [LIGHT["focal" if each else "context"] for each in standing]
    low, high = rows["conf_low"].astype(float), rows["conf_high"].astype(float)
    ax.hlines(y, low, high, colors=colours, linewidth=2.0, zorder=2)
    plate.dots(ax, rows["value"].to_list(), y, colours, hollow=plate.hollows(rows))
    ax.set_xlim(*plate.limits([*low, *high, *([0.0] if compared else [])]))
    ax.set_ylim(plate.height_of(places), 0)
    plate.value_axis(ax, words)
    if compared:
        ax.axvline(0, color=LIGHT["muted"], linewidth=1.0, zorder=1)
        plate.note(ax, words("figure.restricted_mean.zero"), (0, 1), x="data", ha="center")
    return ax


def _pairs(result: Result, pairs: pd.DataFrame, words: Words) -> tuple[pd.DataFrame, list[str]]:
    """Return the pairs, the largest difference first and turned so that the first group stays longer."""
    column = " x ".join(result.settings["by"])
    level = float(result.settings["level"])
    rows = []
    for row in pairs.head(plate.ROWS).to_dict("records"):
        turned = not absent(row["difference"]) and row["difference"] < 0
        one, other = (row["other"], row["segment"]) if turned else (row["segment"], row["other"])
        ends = (-row["conf_high"], -row["conf_low"]) if turned else (row["conf_low"], row["conf_high"])
        standing = not absent(row["p_adjusted"]) and row["p_adjusted"] <= 1 - level
        label = words(
            "figure.restricted_mean.pair", one=words.cell(column, one), other=words.cell(column, other)
        )
        rows.append({
            "label": label, "value": abs(row["difference"]), "conf_low": ends[0], "conf_high": ends[1],
            "n": row["n"], "flag": row["flag"], "standing": standing,
        })  # fmt: skip
    table = pd.DataFrame(rows).sort_values("value", ascending=False, kind="stable", ignore_index=True)
    return table, table["label"].tolist()


def _groups(result: Result, words: Words) -> list[str]:
    by = list(result.settings.get("by", ()))
    if not by:
        return [words("figure.retention.all")] * len(result.table)
    return [
        " × ".join(words.label(k, v) for k, v in zip(by, values, strict=True))
        for values in result.table[by].itertuples(index=False)
    ]
