"""Scores: one dot with its interval for each index or segment, sorted, bases at the right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.figures.spoken import unit_of
from cxlab.reporting.figures.theme import SMALL
from cxlab.reporting.words import Words, absent, digits_for

BLOCK = 52.0  # between two indices: axis of the upper one, heading of the lower one
TITLE = "figure.scores.title"
CODES = ("score.segment", "score.segments_alike", "score.level")


@dataclass(frozen=True)
class Block:
    """The rows of one index, sorted, with what is written beside them."""

    metric: str
    unit: str
    table: pd.DataFrame
    labels: list[str]
    estimates: list[str]
    bases: list[str]
    standing: list[bool]
    overall: float | None


@plate.figure_of
def draw_scores(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw indices, overall or by segment, with their intervals.

    Parameters
    ----------
    result : Result
        Of `metrics.score`: table with metric, estimate, conf_low, conf_high, n, flag and the segments.
    words : Words
        Language and labels.
    ax : Axes, optional
        Where to draw; by default a new figure as high as its rows need.

    Returns
    -------
    Axes
        Of the first index; further indices have Axes of their own under it.
    """
    by = [k for k in result.keys if k in result.table.columns and k not in ("metric", "flag")]
    blocks = [_block(result, metric, by, words) for metric in result.table["metric"].unique()]
    if not by:
        blocks = _merged(blocks)
    fallback = _heading(blocks[0], by, words, TITLE) if blocks else words("figure.nothing")
    title = plate.title_of(result, words, CODES, fallback)
    if not any(b.table["estimate"].notna().any() for b in blocks):
        return plate.nothing(result, words, title, ax)
    room = plate.label_room([label for b in blocks for label in b.labels])
    rows, left = [plate.rows_of(b.labels, room) for b in blocks], room + 10
    wide = [
        plate.column_width([t for b in blocks for t in b.estimates]),
        plate.column_width([t for b in blocks for t in b.bases], words("figure.base")),
    ]
    heights = [plate.height_of(r) for r in rows]
    sheet = plate.Sheet(
        title=title,
        subtitle="" if len(blocks) > 1 else _heading(blocks[0], by, words, "figure.scores.subtitle"),
        foot=plate.foot_of(
            result,
            words,
            low_base=plate.flags_of(result.table)[0],
            suppressed=plate.flags_of(result.table)[1],
        ),
        left=left,
        right=sum(wide) + 4,
        above=18 + 14 * (len(blocks) > 1),
        body=sum(heights) + BLOCK * (len(blocks) - 1),
    )
    host = plate.lay(sheet, ax)
    axes = _stacked(host, heights)
    for block, block_rows, own in zip(blocks, rows, axes, strict=True):
        heading = _heading(block, by, words, "figure.scores.subtitle") if len(blocks) > 1 else ""
        _draw(
            own,
            block,
            block_rows,
            words,
            left=left,
            right=wide,
            heading=heading,
            first=own is axes[0],
            alone=not by,
        )
    axes[0].set_label(sheet.title)
    return axes[0]


def _stacked(host: Axes, heights: Sequence[float]) -> list[Axes]:
    """Divide the body among the blocks, top to bottom; one block keeps the whole body."""
    if len(heights) == 1:
        return [host]
    host.set_axis_off()
    total, places, top = sum(heights) + BLOCK * (len(heights) - 1), [], 0.0
    for height in heights:
        places.append((0.0, 1 - (top + height) / total, 1.0, height / total))
        top += height + BLOCK
    return [host.inset_axes(place) for place in places]


def _block(result: Result, metric: str, by: Sequence[str], words: Words) -> Block:
    table = result.table[result.table["metric"] == metric]
    table = table.sort_values("estimate", ascending=False, kind="stable", na_position="last").head(plate.ROWS)
    unit = unit_of(result, metric)
    records = table.to_dict("records")
    digits = max(
        (digits_for(unit, r["conf_low"], r["conf_high"]) for r in records if not absent(r["estimate"])),
        default=1,
    )
    names = [" × ".join(words.label(k, r[k]) for k in by) if by else words.metric(metric) for r in records]
    level = next(
        (c for c in result.claims if c.code == "score.level" and c.fields.get("metric") == metric), None
    )
    segments = {
        str(c.fields.get("segment"))
        for c in result.claims
        if c.code == "score.segment" and c.fields.get("metric") == metric
    }
    return Block(
        metric=str(metric),
        unit=unit,
        table=table.reset_index(drop=True),
        labels=names,
        estimates=[
            words.amount(r["estimate"], "percent" if unit in ("percent", "share") else "scale", digits=digits)
            if not absent(r["estimate"])
            else ""
            for r in records
        ],
        bases=[words("table.under_ten") if absent(r["n"]) else words.number(r["n"], 0) for r in records],
        standing=[not by or " x ".join(str(r[k]) for k in by) in segments for r in records],
        overall=float(level.fields["estimate"]) if by and level else None,
    )


def _merged(blocks: Sequence[Block]) -> list[Block]:
    """Put indices with the same unit on one axis: a block for each unit."""
    merged = []
    for unit in dict.fromkeys(b.unit for b in blocks):
        same = [b for b in blocks if b.unit == unit]
        table = pd.concat([b.table for b in same], ignore_index=True)
        merged.append(
            Block(
                metric=same[0].metric if len(blocks) == 1 else "",
                unit=unit,
                table=table,
                labels=[x for b in same for x in b.labels],
                estimates=[x for b in same for x in b.estimates],
                bases=[x for b in same for x in b.bases],
                standing=[x for b in same for x in b.standing],
                overall=None,
            )
        )
    return merged


def _heading(block: Block, by: Sequence[str], words: Words, key: str) -> str:
    unit = words(f"figure.unit.{block.unit}")
    if not block.metric:
        return unit if key == TITLE else unit[:1].upper() + unit[1:]
    metric = words.metric(block.metric)
    if not by:
        return metric if key == TITLE else words(key, metric=metric, unit=unit)
    column = " × ".join(words.label(k) for k in by)
    return words(key if key == TITLE else f"{key}.by", metric=metric, column=column, unit=unit)


def _draw(
    ax: Axes,
    block: Block,
    rows: Sequence[plate.Row],
    words: Words,
    *,
    left: float,
    right: Sequence[float],
    heading: str,
    first: bool,
    alone: bool,
) -> None:
    scale = 100.0 if block.unit == "share" else 1.0
    table, y = block.table, [row.y for row in rows]
    low, high, estimate = (table[c].astype(float) * scale for c in ("conf_low", "conf_high", "estimate"))
    colours = [LIGHT["focal"] if s else LIGHT["context"] for s in block.standing]
    overall = None if block.overall is None else block.overall * scale
    ends = _scale(block.unit, low, high) if alone else []
    ax.set_xlim(*plate.limits([*low, *high, *estimate, overall, *ends], pad=0.02 if ends else 0.06))
    ax.set_ylim(plate.height_of(rows), 0)
    plate.value_axis(ax, words)
    plate.label_rows(ax, rows, left, sum(right), muted=[absent(e) for e in estimate])
    if overall is not None:
        ax.axvline(overall, color=LIGHT["muted"], linewidth=1.0, linestyle=(0, (3, 2)), zorder=1)
        said = words("figure.overall", amount=words.amount(block.overall, block.unit, digits=1))
        side = (
            "left" if (overall - ax.get_xlim()[0]) < 0.7 * (ax.get_xlim()[1] - ax.get_xlim()[0]) else "right"
        )
        plate.write(
            ax,
            said,
            (overall, 1),
            (3 if side == "left" else -3, 3),
            x="data",
            size=SMALL,
            ha=side,
            va="bottom",
            color=LIGHT["muted"],
        )
    ax.hlines(y, low, high, colors=colours, linewidth=2.0, zorder=2)
    plate.dots(ax, estimate.to_list(), y, colours, hollow=plate.hollows(table))
    plate.column(ax, rows, block.estimates, right[0])
    plate.column(ax, rows, block.bases, sum(right), head=words("figure.base") if first else "", quiet=True)
    plate.write(ax, heading, (0, 1), (-left, 16), va="bottom", color=LIGHT["ink"], weight="bold")


def _scale(unit: str, low: pd.Series[float], high: pd.Series[float]) -> list[float]:
    """Return the ends of the index' own scale: indices are read against all that they could be."""
    if unit == "scale":
        return [float(low.min()) // 1, -(-float(high.max()) // 1)]
    return [-100.0 if low.min() < 0 else 0.0, 100.0]
