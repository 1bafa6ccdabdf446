"""What the figures of an improvement share: its quantities by name, how sure, and a line with its band."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.figures.theme import SMALL
from cxlab.reporting.figures.type import width
from cxlab.reporting.words import Words, absent

BODY = 190.0


def quantity(result: Result, name: str, column: str = "estimate") -> float:
    """Return a number of an improvement's table; missing where it has none."""
    own = result.table.loc[result.table["quantity"] == name, column]
    return float(own.iloc[0]) if len(own) and not absent(own.iloc[0]) else float("nan")


def stands(result: Result) -> bool:
    """Whether what the improvement would be worth can be told from noise."""
    tests = result.tables.get("tests", pd.DataFrame())
    alpha = 1 - float(result.settings.get("level", 0.95))
    return not tests.empty and bool((tests["p_adjusted"] <= alpha).all())


def finding(key: str, variant: str, result: Result, words: Words, **texts: str) -> str:
    """Return a title: its variant; that it is chance where it is; if causal, unless an experiment says so."""
    if not stands(result):
        return words(f"{key}.open")
    measured = bool(result.settings.get("experiment"))
    return words(f"{key}.{variant}{'.measured' if measured else ''}", **texts)


def money(value: Any, result: Result, words: Words) -> str:
    """Return an amount with the client's currency."""
    text = words.amount(value, "money")
    currency = result.settings.get("currency")
    return f"{currency} {text}" if currency and not absent(value) else text


def of_money(result: Result, words: Words) -> str:
    """Return what amounts are counted in."""
    return str(result.settings.get("currency") or words("figure.money"))


def foot(result: Result, words: Words) -> list[str]:
    """Return base, level, and how much of the association is taken as causal."""
    share = float(result.settings.get("causal_share", 1.0))
    measured = bool(result.settings.get("experiment"))
    return [
        *plate.foot_of(result, words),
        "" if measured else words("figure.improved.if_causal", share=words.percent(share)),
    ]


def lay(
    title: str,
    subtitle: str,
    feet: Sequence[str],
    reach: tuple[float, float],
    words: Words,
    ax: Axes | None,
    *,
    axis: str,
    right: float = 14.0,
) -> Axes:
    """Lay a body whose vertical axis holds `reach`, its ticks in the report's numbers, `axis` named below."""
    # The locator of the axis itself: room is made for the widest label that will stand there.
    ticks = MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]).tick_values(*reach)
    left = max(width(words.number(t), SMALL) for t in ticks) + 12
    sheet = plate.Sheet(
        title=title, subtitle=subtitle, foot=feet, left=left, right=right, above=16, axis=36, body=BODY
    )
    ax = plate.lay(sheet, ax)
    ax.set_ylim(*reach)
    ax.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: words.number(v)))
    ax.grid(visible=True, axis="y", color=LIGHT["rule"], linewidth=0.6)
    ax.set_axisbelow(True)
    ax.tick_params(axis="both", length=0, pad=5)
    plate.note(ax, axis, (0.5, 0), (0, -20), ha="center", va="top")
    return ax


def line(ax: Axes, x: Any, table: pd.DataFrame, colour: str) -> None:
    """Draw a line over its band; where the band has no end it goes to the edge."""
    low, high = (table[end].astype(float) for end in ("conf_low", "conf_high"))
    floor, ceiling = ax.get_ylim()
    ax.fill_between(x, low.clip(lower=floor), high.clip(upper=ceiling), color=colour, alpha=0.16, linewidth=0)
    ax.plot(x, table["estimate"].astype(float), color=colour, linewidth=1.8, zorder=3)


def nought(ax: Axes, text: str, *, at: str = "right") -> None:
    """Draw the line of neither gain nor loss, and name it inside the body, above it."""
    ax.axhline(0, color=LIGHT["ink"], linewidth=1.0, zorder=2)
    bottom, top = ax.get_ylim()
    high = (0 - bottom) / (top - bottom)
    place = 1.0 if at == "right" else 0.0
    offset = (-2.0, 2.0) if at == "right" else (2.0, 2.0)
    if 0 <= high < 0.95:
        plate.note(ax, text, (place, high), offset, ha=at)


def mark(ax: Axes, result: Result, name: str, text: str, most: float) -> None:
    """Mark a place across and shade its interval, up to `most`; its text stands where it has room."""
    at, low, high = (quantity(result, name, c) for c in ("estimate", "conf_low", "conf_high"))
    if not np.isfinite(at) or not stands(result):
        return
    if np.isfinite(low):
        end = min(high, most) if not np.isnan(high) else most
        ax.axvspan(low, end, color=LIGHT["rule"], alpha=0.5, linewidth=0, zorder=0)
    ax.axvline(at, color=LIGHT["muted"], linewidth=1.0, linestyle=(0, (2, 2)), zorder=1)
    fits = at / most + width(text, SMALL) / plate.points_of(ax)[0] < 1
    plate.note(ax, text, (at, 1), (0, 3), x="data", ha="left" if fits else "right")


def finite(*columns: pd.Series) -> list[float]:
    """Return all finite values of columns."""
    values = np.concatenate([c.astype(float).to_numpy() for c in columns])
    return [float(v) for v in values[np.isfinite(values)]]
