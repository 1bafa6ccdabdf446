"""What contacting customers brings, by the share contacted, and where it stops paying."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.figures.theme import SMALL
from cxlab.reporting.figures.type import width
from cxlab.reporting.words import Words, absent

CODES = ("risk.campaign", "risk.noise")
BODY = 200.0
_ABOVE = 1.4  # room over the best curve for what is said of the rule


@plate.figure_of
def draw_campaign(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw what contacting the customers with most at stake would have brought, by how many are contacted.

    Parameters
    ----------
    result : Result
        `survival.churn_risk`'s campaign: a table (contacted, estimate, conf_low,
        conf_high, low_save, high_save) and ``tables["campaign_rule"]``.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Axes
        The curve with its band, those of both ends of the save rate's range in grey, nothing as a line, and
        the share that the rule contacts. What falls far under nothing is cut.
    """
    title = plate.title_of(result, words, CODES, words("figure.campaign.title"))
    table = result.table
    if table.empty or not table["estimate"].notna().any():
        return plate.nothing(result, words, title, ax)
    settings = result.settings
    low, high = settings.get("save_rate_range", (np.nan, np.nan))
    names = {"high_save": high, "estimate": settings.get("save_rate"), "low_save": low}
    said = {c: words("figure.campaign.save", rate=words.percent(rate, 0)) for c, rate in names.items()}
    sheet = plate.Sheet(
        title=title,
        subtitle=_subtitle(settings, words),
        foot=[*plate.foot_of(result, words), words("figure.campaign.cut")],
        left=56.0,
        right=16.0 + max(width(text, SMALL) for text in said.values()),
        above=10.0,
        axis=38.0,
        body=BODY,
    )
    ax = plate.lay(sheet, ax)
    floor, top = _limits(table)
    _curves(ax, table, floor)
    _axes(ax, words, floor, top)
    _names(ax, table, said, floor, top)
    _rule(ax, result.tables.get("campaign_rule", pd.DataFrame()), words, top)
    return ax


def _subtitle(settings: Mapping[str, Any], words: Words) -> str:
    """Return what is drawn, in the currency, or the unit of the column of margins."""
    per, value = words.number(1_000, 0), settings.get("value")
    if settings.get("currency"):
        return words("figure.campaign.subtitle.currency", per=per, currency=settings["currency"])
    if isinstance(value, str):
        return words("figure.campaign.subtitle.column", per=per, column=words.label(value))
    return words("figure.campaign.subtitle", per=per)


def _limits(table: pd.DataFrame) -> tuple[float, float]:
    """Return the ends of the axis of amounts: as far under nothing as the best goes over it."""
    best = max(float(table["high_save"].max()), float(table["conf_high"].max()), 1.0)
    worst = float(table[["low_save", "conf_low"]].min().min())
    return max(worst, -best) * 1.05, best * _ABOVE


def _curves(ax: Axes, table: pd.DataFrame, floor: float) -> None:
    share = table["contacted"]
    ax.fill_between(
        share, table["conf_low"].clip(lower=floor), table["conf_high"].clip(lower=floor),
        color=LIGHT["focal"], alpha=0.16, linewidth=0,
    )  # fmt: skip
    for column, colour, wide in (
        ("low_save", "context", 1.2),
        ("high_save", "context", 1.2),
        ("estimate", "focal", 2.0),
    ):
        sns.lineplot(
            x=share, y=table[column], estimator=None, errorbar=None, color=LIGHT[colour], linewidth=wide,
            legend=False, ax=ax,
        )  # fmt: skip
    ax.axhline(0, color=LIGHT["muted"], linewidth=1.0, zorder=1)


def _axes(ax: Axes, words: Words, floor: float, top: float) -> None:
    ax.set_xlim(0, 1)
    ax.set_ylim(floor, top)
    ax.set_xlabel("")
    ax.set_ylabel("")
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: words.percent(v, 0)))
    ax.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: words.number(v, 0)))
    ax.grid(visible=True, axis="y", color=LIGHT["rule"], linewidth=0.6)
    ax.set_axisbelow(True)
    ax.tick_params(axis="both", length=0, pad=5)
    plate.note(ax, words("figure.campaign.axis"), (0.5, 0), (0, -20), ha="center", va="top")


def _names(ax: Axes, table: pd.DataFrame, said: Mapping[str, str], floor: float, top: float) -> None:
    """Write each save rate where its curve ends: at the right, or where it leaves the axis."""
    lowest = top
    for column in ("high_save", "estimate", "low_save"):
        inside = table[table[column] >= floor]
        end = inside.iloc[-1] if len(inside) else table.iloc[0]
        height = max(float(end[column]), floor)
        at_edge = float(end["contacted"]) >= 1
        height = min(height, lowest - 0.07 * (top - floor)) if at_edge else height
        lowest = height if at_edge else lowest
        colour = LIGHT["focal" if column == "estimate" else "muted"]
        plate.write(
            ax, said[column], (float(end["contacted"]), height), (6, 0 if at_edge else 4), x="data", y="data",
            size=SMALL, va="center" if at_edge else "bottom", color=colour,
        )  # fmt: skip


def _rule(ax: Axes, rule: pd.DataFrame, words: Words, top: float) -> None:
    """Mark the share that the rule contacts, with what it brings and the save rate under which it loses."""
    if rule.empty:
        return
    found: dict[str, Any] = dict(zip(rule["quantity"], rule["estimate"], strict=True))
    share, amount = found["contacted"], found["amount"]
    if absent(share) or absent(amount) or not share:
        return
    plate.dots(ax, [float(share)], [float(amount)], [LIGHT["focal"]], size=60)
    ax.yaxis.set_visible(True)
    ax.grid(visible=False, axis="x")
    ax.vlines(float(share), 0, top * 0.97, colors=LIGHT["focal"], linewidth=0.9, linestyles=(0, (3, 2)))
    lines = [
        words("figure.campaign.rule", share=words.percent(share, 0)),
        words("figure.campaign.break_even", rate=words.percent(found.get("break_even"), 0)),
    ]
    right = float(share) < 0.6
    for k, line in enumerate(lines):
        plate.write(
            ax, line, (float(share), top * 0.97), (6 if right else -6, -11.0 * k - 2), x="data", y="data",
            size=SMALL, ha="left" if right else "right", va="top", color=LIGHT["ink"],
        )  # fmt: skip
