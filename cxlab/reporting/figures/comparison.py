"""Comparison with peers: the gap to each with its interval; or, by cell, a table of gaps drawn as a map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from cxlab.analysis.estimates import Result
from cxlab.reporting.claims_gaps import margin_said
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.figures.theme import SMALL, TEXT
from cxlab.reporting.figures.type import width, wrapped
from cxlab.reporting.units import METRIC_UNITS
from cxlab.reporting.words import Words, absent, digits_for

CODES = (
    "benchmark.cell", "benchmark.behind", "benchmark.ahead", "benchmark.indistinguishable",
    "benchmark.published", "benchmark.published_alike",
)  # fmt: skip
MARKS = {
    "above": ("^", "better", "▲"),
    "below": ("v", "worse", "▼"),
    "not distinguishable": ("o", "context", ""),
    "equivalent within margin": ("D", "context", ""),
}
ACROSS = 9  # peers that fit beside each other in a map
HEAD, SMALLEST = 40.0, 6.5


@plate.figure_of
def draw_comparison(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw the focal unit's difference to each peer, overall or in each cell.

    Parameters
    ----------
    result : Result
        Of `benchmark.compare`: table with the cells, peer, difference, its interval, verdict, n, flag.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure as high as its rows need.

    Returns
    -------
    Axes
        Gaps around a labelled zero, or a map of cells by peers; the verdict is a shape, a colour and a word.
    """
    by = [k for k in result.keys if k in result.table.columns and k not in ("peer", "flag", "metric")]
    title = plate.title_of(result, words, CODES, _neutral(result, words))
    if not result.table["difference"].notna().any():
        return plate.nothing(result, words, title, ax)
    return _map(result, by, title, words, ax) if by else _gaps(result, title, words, ax)


def _neutral(result: Result, words: Words) -> str:
    focal, metric = result.settings.get("focal", ""), result.settings.get("metric", "")
    return words(
        "figure.comparison.title", focal=_unit(result, focal, words), metric=words.metric(metric, "the")
    )


def _unit(result: Result, value: object, words: Words) -> str:
    return words.label(result.settings.get("unit", ""), value)


def _measure(result: Result) -> str:
    """Return the unit of the index whose differences these are."""
    metric = str(result.settings.get("metric", ""))
    stated = [str(c.fields["unit"]) for c in result.claims if "unit" in c.fields]
    return METRIC_UNITS.get(metric) or (stated[0] if stated else "scale")


def _sheet_words(
    result: Result, words: Words, drawn: int, low: str = "figure.foot.low_base"
) -> tuple[str, list[str]]:
    unit, metric = _measure(result), words.metric(result.settings.get("metric", ""))
    focal = _unit(result, result.settings.get("focal", ""), words)
    subtitle = words(
        "figure.comparison.subtitle", focal=focal, metric=metric, unit=words(f"figure.difference.{unit}")
    )
    low_base, suppressed = plate.flags_of(result.table)
    undrawn = len(result.table) - drawn
    family = words(f"figure.comparison.family.{result.settings.get('adjust', 'holm')}")
    foot = [
        *plate.foot_of(result, words, suppressed=suppressed, undrawn=undrawn),
        words(low) if low_base else "",
    ]
    margin, key = result.settings.get("margin"), [words("figure.comparison.key", family=family)]
    if margin:
        key.append(words("figure.comparison.margin", margin=margin_said(margin, unit, words)))
    return subtitle, [*key, *foot]


def _gaps(result: Result, title: str, words: Words, ax: Axes | None) -> Axes:
    table = result.table.sort_values("difference", ascending=False, kind="stable", na_position="last")
    table = table.head(plate.ROWS)
    unit, records = _measure(result), table.to_dict("records")
    scale = 100.0 if unit == "share" else 1.0
    known = [r for r in records if not absent(r["difference"])]
    digits = max((digits_for(unit, r["conf_low"], r["conf_high"]) for r in known), default=1)
    gaps = ["" if absent(r["difference"]) else words.signed(r["difference"] * scale, digits) for r in records]
    subtitle, foot = _sheet_words(result, words, len(table))
    ax, rows = plate.row_sheet(
        [_unit(result, p, words) for p in table["peer"]],
        [plate.Column(gaps), plate.bases(table, words)],
        title=title,
        subtitle=subtitle,
        foot=foot,
        ax=ax,
        muted=[r["verdict"] not in ("above", "below") for r in records],
    )
    low, high, gap = (table[c].astype(float) * scale for c in ("conf_low", "conf_high", "difference"))
    ax.set_xlim(*plate.limits([*low, *high, *gap, 0.0]))
    _marks(ax, table, [row.y for row in rows], low, high, gap)
    plate.value_axis(ax, words)
    if margin := result.settings.get("margin"):
        ax.axvspan(-margin * scale, margin * scale, color=LIGHT["wash"], zorder=0)
    ax.axvline(0, color=LIGHT["muted"], linewidth=1.0, zorder=1)
    plate.note(ax, words("figure.comparison.zero"), (0, 1), x="data", ha="center")
    return ax


def _marks(
    ax: Axes,
    table: pd.DataFrame,
    y: list[float],
    low: pd.Series[float],
    high: pd.Series[float],
    gap: pd.Series[float],
) -> None:
    verdicts = [v if v in MARKS else "not distinguishable" for v in table["verdict"]]
    ax.hlines(y, low, high, colors=[LIGHT[MARKS[v][1]] for v in verdicts], linewidth=2.0, zorder=2)
    for verdict, (marker, token, _) in MARKS.items():
        chosen = [gap.iloc[k] if v == verdict else None for k, v in enumerate(verdicts)]
        plate.dots(
            ax, chosen, y, [LIGHT[token]] * len(y), hollow=plate.hollows(table), marker=marker, size=62
        )


def _map(result: Result, by: list[str], title: str, words: Words, ax: Axes | None) -> Axes:
    """Draw cells as rows and peers as columns, the gap printed in each."""
    table = result.table
    peers = list(dict.fromkeys(table["peer"]))[:ACROSS]
    cells = list(dict.fromkeys(table[by].itertuples(index=False, name=None)))[: plate.ROWS]
    labels = [" × ".join(words.label(k, v) for k, v in zip(by, cell, strict=True)) for cell in cells]
    left = plate.label_room(labels, most=176) + 10
    rows = plate.rows_of(labels, left - 10, start=0.0)
    pairs = table[[*by, "peer"]].itertuples(index=False, name=None)
    drawn = sum(pair[:-1] in set(cells) and pair[-1] in peers for pair in pairs)
    subtitle, foot = _sheet_words(result, words, drawn, "figure.foot.hatched")
    body = rows[-1].y + rows[-1].height / 2
    sheet = plate.Sheet(title=title, subtitle=subtitle, foot=foot, left=left, above=HEAD, axis=4.0, body=body)
    ax = plate.lay(sheet, ax)
    ax.set_xlim(0, len(peers))
    ax.set_ylim(body, 0)
    ax.set_xticks([])
    plate.bare(ax)
    ax.grid(visible=False)
    plate.label_rows(ax, rows, left, plate.EDGE)
    room = (plate.WIDTH - left - plate.EDGE) / max(len(peers), 1) - 6
    for k, peer in enumerate(peers):
        _head(ax, _unit(result, peer, words), k + 0.5, room)
    found = {(*(row[b] for b in by), row["peer"]): row for row in table.to_dict("records")}
    largest = (
        max((abs(r["difference"]) for r in found.values() if not absent(r["difference"])), default=1.0) or 1.0
    )
    for row, cell in zip(rows, cells, strict=True):
        for k, peer in enumerate(peers):
            if (*cell, peer) in found:
                _cell(ax, found[(*cell, peer)], k, row, largest, words, _measure(result))
    return ax


def _cell(
    ax: Axes, gap: Mapping[Any, Any], k: int, row: plate.Row, largest: float, words: Words, unit: str
) -> None:
    """Print one gap in its cell: tinted by its size, marked and bold where it stands."""
    middle, verdict, percent = (k + 0.5, row.y), str(gap["verdict"]), unit in ("points", "percent", "share")
    place: dict[str, Any] = {"x": "data", "y": "data", "ha": "center", "va": "center"}
    if absent(gap["difference"]):
        said = "table.withheld" if gap.get("withheld") is True else "table.under_ten"
        plate.write(ax, words(said), middle, size=SMALL, color=LIGHT["muted"], **place)
        return
    value = float(gap["difference"])
    stands, strength = verdict in ("above", "below"), abs(value) / largest
    tint = Rectangle(
        (k + 0.02, row.y - row.height / 2 + 1),
        0.96,
        row.height - 2,
        facecolor=LIGHT["better" if value >= 0 else "worse"],
        linewidth=0,
        alpha=0.14 + 0.36 * strength if stands else 0.05 + 0.06 * strength,
    )
    ax.add_patch(tint)
    if gap.get("flag") == "low_base":
        corner, high = (k + 0.02, row.y - row.height / 2 + 1), row.height - 2
        ax.add_patch(
            Rectangle(corner, 0.96, high, fill=False, edgecolor=LIGHT["rule"], linewidth=0, hatch="///")
        )
    text = words.signed(value * (100 if unit == "share" else 1), 0 if percent else 2)
    if stands:
        said = f"{MARKS[verdict][2]} {text}"
        plate.write(ax, said, middle, size=TEXT, color=LIGHT["ink"], weight="bold", **place)
    else:
        plate.write(ax, text, middle, size=SMALL, color=LIGHT["muted"], **place)


def _head(ax: Axes, name: str, x: float, room: float) -> None:
    """Write a peer's name over its column, smaller where a word would not fit."""
    size = max(SMALLEST, min(SMALL, SMALL * room / max(width(word, SMALL) for word in name.split(" "))))
    lines = wrapped(name, room, size)
    for k, line in enumerate(lines):
        offset = (0, 4 + 10.5 * (len(lines) - 1 - k))
        plate.write(
            ax, line, (x, 1), offset, x="data", size=size, ha="center", va="bottom", color=LIGHT["muted"]
        )
