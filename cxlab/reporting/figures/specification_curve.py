"""A sweep's specification curve: estimates in order with their intervals, and under it what each chose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from cxlab.analysis.estimates import Result
from cxlab.reporting import units
from cxlab.reporting.claims_sensitivity import CHOICE, amount, bound, choice, option
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.figures.keys import Key, draw_keys, height_of
from cxlab.reporting.figures.theme import SMALL
from cxlab.reporting.figures.type import wrapped
from cxlab.reporting.words import Words, absent

CODES = ("sensitivity.robust", "sensitivity.fragile", "sensitivity.none", "sensitivity.range")
CURVE, OPTION, BETWEEN = 168.0, 12.5, 14.0
MARK = 5.2  # what a mark of one without an estimate takes
LEFT, INDENT = 138.0, 8.0
ROWS = 30  # options
VERDICTS = {
    "above": ("focal", "o", True),
    "below": ("focal", "o", True),
    "negligible": ("third", "D", True),
    "open": ("context", "o", False),
    "no_interval": ("context", "s", False),
}
GONE = {"failed": "x", "suppressed": "s", "absent": "v", "unpublished": "^"}


@dataclass(frozen=True)
class Line:
    """A line of the matrix: the head of a choice, or one of its options; `y` is its middle."""

    label: tuple[str, ...]
    y: float
    height: float
    choice: str
    option: str | None = None


@plate.figure_of
def draw_specification_curve(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw each specification's estimate, the lowest first, and under it the options it takes.

    Parameters
    ----------
    result : Result
        Of `sensitivity.specification_curve`: table with estimate, conf_low, conf_high, status, excludes and a
        column for each choice; choices among its tables.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure as high as its options need.

    Returns
    -------
    Axes
        The matrix of options, choices that move most first; the curve is an inset above it. Specifications
        without an estimate stand at the right, marked by why.
    """
    table = result.table
    title = plate.title_of(result, words, CODES, words("figure.curve.title"))
    if not table["estimate"].notna().any():
        return plate.nothing(result, words, title, ax)
    x = _places(table)
    lines, undrawn = _lines(result, words)
    matrix = lines[-1].y + lines[-1].height / 2 + 4
    body = CURVE + BETWEEN + matrix
    keys = _keys(table, words)
    sheet = plate.Sheet(
        title=title,
        subtitle=words("figure.curve.subtitle", quantity=_quantity(result, words)),
        foot=_foot(result, undrawn, words),
        left=LEFT, right=plate.EDGE + 4, above=14 + height_of(keys), axis=2.0, body=body,
    )  # fmt: skip
    host = plate.lay(sheet, ax)
    host.set_xlim(0, max(x) + 0.5)
    host.set_ylim(matrix, -CURVE - BETWEEN)
    host.set_axis_off()
    curve = host.inset_axes((0, 1 - CURVE / body, 1, CURVE / body))
    curve.set_xlim(host.get_xlim())
    _curve(curve, result, x, words)
    _matrix(host, lines, table, x)
    draw_keys(host, keys, LEFT, up=10.0)
    return host


def _places(table: pd.DataFrame) -> list[float]:
    """Return where each specification stands across; those without an estimate apart, and wide enough."""
    done, across = int((table["status"] == "done").sum()), len(table)
    wide = max(1.0, MARK * across / (plate.WIDTH - LEFT))
    return [k + 0.5 if k < done else done + wide * (k - done + 1.5) for k in range(across)]


def _lines(result: Result, words: Words) -> tuple[list[Line], int]:
    """Return the lines of the matrix, and how many choices there was no room for."""
    told = result.tables["options"]
    moved = dict(zip(result.tables["choices"]["choice"], result.tables["choices"]["moves"], strict=True))
    lines: list[Line] = []
    y, drawn = 0.0, 0
    for name in moved:
        own = told.loc[told["choice"] == name, "option"].tolist()[:ROWS]
        if lines and sum(line.option is not None for line in lines) + len(own) > ROWS:
            break
        share = "" if absent(moved[name]) else f" · {words.percent(moved[name], 0)}"
        texts = [(choice(name, words) + share, None), *((option(name, value, words), value) for value in own)]
        for label, value in texts:
            head = value is None
            room = 2 * LEFT if head else LEFT - 10 - INDENT
            broken = wrapped(label, room, SMALL, bold=head, lines=1 if head else 2)
            height = OPTION * len(broken) + (2.5 if head else 0.0)
            lines.append(Line(tuple(broken), y + height / 2, height, name, value))
            y += height
        y += 3.0
        drawn += 1
    return lines, len(moved) - drawn


def _keys(table: pd.DataFrame, words: Words) -> list[Key]:
    """Return the keys of what there is: verdicts of intervals, and why there is no estimate."""
    found = set(table["excludes"])
    beyond = found & {"above", "below"}
    keys = [Key(words("figure.curve.beyond"), "o", LIGHT["focal"])] if beyond else []
    for name in ("negligible", "open", "no_interval"):
        if name in found:
            colour, marker, filled = VERDICTS[name]
            keys.append(Key(words(f"figure.curve.{name}"), marker, LIGHT[colour], filled))
    for status, marker in GONE.items():
        if status in set(table["status"]):
            keys.append(Key(words.label("status", status), marker, LIGHT["worse"], filled=False))
    return keys


def _quantity(result: Result, words: Words) -> str:
    return str(result.settings.get("quantity") or words("figure.curve.estimate"))


def _foot(result: Result, undrawn: int, words: Words) -> list[str]:
    """Return what stands under the figure: specifications, people, level, band, what is missing."""
    table, settings = result.table, result.settings
    bases = table["n"].dropna()
    ends = sorted({int(bases.min()), int(bases.max())}) if len(bases) else []
    people = [words.number(n, 0) for n in ends]
    counts = table["status"].value_counts()
    smallest = float(settings.get("smallest_effect", 0.0))
    unit = str(settings.get("unit", ""))
    return [
        words("figure.curve.base", done=words.number(result.n_used, 0), all=words.number(len(table), 0)),
        words("figure.curve.people", people=words("interval", low=people[0], high=people[-1]))
        if len(people) > 1
        else words("figure.curve.people", people=people[0]) if people else "",
        words("figure.foot.interval", level=words.percent(settings["level"])),
        words(
            "figure.curve.band",
            smallest=bound({"unit": unit}, smallest, words, difference=True),
            null=bound({"unit": unit}, settings["null"], words),
        )
        if smallest
        else "",
        *(words.plural(f"sensitivity.{status}", int(counts[status])) for status in GONE if status in counts),
        words("figure.curve.reference") if settings.get("reference") else "",
        words.plural("figure.curve.undrawn", undrawn) if undrawn else "",
    ]  # fmt: skip


def _curve(ax: Axes, result: Result, x: Sequence[float], words: Words) -> None:
    """Draw the band of what is too small to matter, the line of nothing, intervals, and dots on top."""
    table, settings = result.table, result.settings
    done = int((table["status"] == "done").sum())
    low, high = table["conf_low"], table["conf_high"]
    null, smallest = float(settings["null"]), float(settings["smallest_effect"])
    ax.set_ylim(*plate.limits([*low, *high, *table["estimate"], null - smallest, null + smallest]))
    if smallest:
        ax.axhspan(null - smallest, null + smallest, color=LIGHT["rule"], alpha=0.55, linewidth=0, zorder=0)
    ax.axhline(null, color=LIGHT["ink"], linewidth=1.0, zorder=1)
    if done < len(table):
        ax.axvline((x[done - 1] + x[done]) / 2, color=LIGHT["rule"], linewidth=0.8, zorder=1)
    cell = (plate.points_of(ax)[0] or plate.WIDTH) / (max(x) + 0.5)
    size, line = min(max(0.8 * cell, 1.8), 6.5), min(max(0.25 * cell, 0.6), 1.8)
    for verdict, (name, marker, filled) in VERDICTS.items():
        own = [k for k in range(done) if table["excludes"].iloc[k] == verdict]
        at, colour = [x[k] for k in own], LIGHT[name]
        ends = [(low.iloc[k], high.iloc[k]) for k in own]
        _strokes(ax, [(c, c) for c in at], ends, color=colour, linewidth=line, alpha=0.7, zorder=2)
        ax.plot(
            at, [table["estimate"].iloc[k] for k in own], linestyle="none", marker=marker, markersize=size,
            markeredgewidth=min(1.2, line), markeredgecolor=colour, zorder=4,
            markerfacecolor=colour if filled else LIGHT["paper"],
        )  # fmt: skip
    for k in range(done):
        if table["point"].iloc[k] == str(settings.get("reference")):
            ax.axvline(x[k], color=LIGHT["ink"], linewidth=1.0, linestyle=(0, (1, 1.5)), zorder=3)
    _frame(ax, str(settings.get("unit", "")), words)


def _frame(ax: Axes, unit: str, words: Words) -> None:
    share = units.unit_of_claim({"unit": unit}) == "share"
    ax.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: words.percent(v) if share else words.number(v)))
    ax.xaxis.set_visible(False)
    ax.grid(visible=True, axis="y", color=LIGHT["rule"], linewidth=0.6)
    ax.set_axisbelow(True)
    ax.tick_params(axis="y", length=0, pad=5)


def _matrix(ax: Axes, lines: Sequence[Line], table: pd.DataFrame, x: Sequence[float]) -> None:
    """Mark under each specification the options it takes, as its interval or its failure is marked."""
    edge = max(x) + 0.5
    for line in lines:
        head = line.option is None
        for k, text in enumerate(line.label):
            offset = ((len(line.label) - 1) / 2 - k) * OPTION
            plate.write(
                ax, text, (0, line.y), (-LEFT + (0 if head else INDENT), offset), y="data", size=SMALL,
                va="center", color=LIGHT["ink" if head else "muted"], weight="bold" if head else "normal",
            )  # fmt: skip
        if not head:
            ax.hlines(line.y, 0, edge, colors=LIGHT["rule"], linewidth=0.5, zorder=0)
    where: Mapping[tuple[str, str | None], float] = {(line.choice, line.option): line.y for line in lines}
    for name in dict.fromkeys(line.choice for line in lines):
        y = [where.get((name, str(value)), float("nan")) for value in table[CHOICE + name]]
        _marks(ax, table, x, y)


def _marks(ax: Axes, table: pd.DataFrame, x: Sequence[float], y: Sequence[float]) -> None:
    """Draw a block where the interval excludes something, a dash where not, a mark where it is missing."""
    cell = (plate.points_of(ax)[0] or plate.WIDTH) / (max(x) + 0.5)
    half = min(0.38, 2.6 / cell)
    for verdict, (name, _, filled) in VERDICTS.items():
        own = [k for k, found in enumerate(table["excludes"]) if found == verdict]
        ends = [(x[k] - half, x[k] + half) for k in own]
        thick = 6.0 if filled else 2.4
        _strokes(ax, ends, [(y[k], y[k]) for k in own], color=LIGHT[name], linewidth=thick, zorder=3)
    for status, marker in GONE.items():
        own = [k for k, found in enumerate(table["status"]) if found == status]
        ax.plot(
            [x[k] for k in own], [y[k] for k in own], linestyle="none", marker=marker,
            markersize=min(max(0.7 * cell, 3.4), 5.0), markeredgewidth=0.8, zorder=3,
            markeredgecolor=LIGHT["worse"], markerfacecolor=LIGHT["paper"], clip_on=False,
        )  # fmt: skip


def _strokes(
    ax: Axes, x: Sequence[tuple[float, float]], y: Sequence[tuple[float, float]], **style: Any
) -> None:
    """Draw strokes as one line with gaps: a tenth of the bytes of one path each."""
    gap = float("nan")
    across = [place for start, end in x for place in (start, end, gap)]
    up = [place for start, end in y for place in (start, end, gap)]
    ax.plot(across, up, solid_capstyle="butt", **style)


def said(result: Result, words: Words) -> str:
    """Return the figure's alternative text: how many specifications, their range, and what moves them."""
    table, fields = result.table, {"unit": result.settings.get("unit", "")}
    estimate, excludes = table["estimate"].dropna(), table["excludes"]
    numbers = {"lowest": estimate.min(), "highest": estimate.max(), "median": estimate.median()}
    counts = {side: int((excludes == side).sum()) for side in ("above", "below", "negligible")}
    text = words(
        "figure.curve.alt",
        **{name: amount(fields, value, words) for name, value in numbers.items()},
        **{name: words.number(count, 0) for name, count in counts.items()},
        done=words.number(len(estimate), 0),
        all=words.number(len(table), 0),
    )
    moved = result.tables.get("choices", table.iloc[:0].assign(choice="", moves=0.0))
    shares = [
        words("figure.curve.alt.choice", choice=choice(name, words), share=words.percent(share, 0))
        for name, share in zip(moved["choice"], moved["moves"], strict=True)
        if not absent(share)
    ]
    return (
        " ".join([text, words("figure.curve.alt.choices", choices=words.listed(shares))]) if shares else text
    )
