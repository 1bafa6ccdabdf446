"""Scores: a dot with its interval for each index or segment, sorted, bases at the right.

Behind the dot of a net score of one question stand the shares it is made of, diverging from zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from cxlab.analysis.estimates import Result
from cxlab.reporting.colours import LIGHT
from cxlab.reporting.figures import plate
from cxlab.reporting.figures.spoken import unit_of
from cxlab.reporting.words import Words, absent, digits_for

BAR = 12.0  # height of a bar, in the points of a row
BLOCK = 52.0  # between two indices: axis of the upper one, heading of the lower one
TITLE, SUBTITLE = "figure.scores.title", "figure.scores.subtitle"
CODES = ("score.segment", "score.segments_alike", "score.level")


@dataclass(frozen=True)
class Block:
    """The rows of one index, sorted, with what is written beside them."""

    metric: str
    unit: str
    table: pd.DataFrame
    labels: list[str]
    columns: list[plate.Column]
    standing: list[bool]
    overall: float | None


@plate.figure_of
def draw_scores(result: Result, *, words: Words, ax: Axes | None = None) -> Axes:
    """Draw indices, overall or by segment, with their intervals.

    Parameters
    ----------
    result : Result
        Of `metrics.score`: table with metric, estimate, conf_low, conf_high, n, flag and the segments; where
        there is a table ``answers``, with share_against and share_for, bars show them.
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
    blocks = _aligned(blocks if by else _merged(blocks))
    title = plate.title_of(result, words, CODES, _heading(blocks[0], by, words, TITLE))
    if not any(b.table["estimate"].notna().any() for b in blocks):
        return plate.nothing(result, words, title, ax)
    several, room = len(blocks) > 1, plate.label_room([label for b in blocks for label in b.labels])
    rows = [plate.rows_of(b.labels, room) for b in blocks]
    heights = [plate.height_of(r) for r in rows]
    left, right = room + 10, sum(column.width for column in blocks[0].columns)
    low_base, suppressed = plate.flags_of(result.table)
    parted = any(b.table["share_for"].notna().any() for b in blocks)
    sheet = plate.Sheet(
        title=title,
        subtitle="" if several else _heading(blocks[0], by, words, SUBTITLE),
        foot=[
            *plate.foot_of(
                result,
                words,
                low_base=low_base,
                suppressed=suppressed,
                undrawn=len(result.table) - sum(len(b.table) for b in blocks),
            ),
            words("figure.scores.bars") if parted else "",
        ],
        left=left,
        right=right + 4,
        above=18 + 14 * several,
        body=sum(heights) + BLOCK * (len(blocks) - 1),
    )
    axes = _stacked(plate.lay(sheet, ax), heights)
    for block, block_rows, own in zip(blocks, rows, axes, strict=True):
        own.set_ylim(plate.height_of(block_rows), 0)
        plate.label_rows(own, block_rows, left, right, muted=block.table["estimate"].isna().to_list())
        plate.write_columns(own, block_rows, block.columns, heads=own is axes[0])
        heading = _heading(block, by, words, SUBTITLE) if several else ""
        plate.write(own, heading, (0, 1), (-left, 16), va="bottom", color=LIGHT["ink"], weight="bold")
        _draw(own, block, block_rows, words, alone=not by)
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


def _block(result: Result, metric: object, by: Sequence[str], words: Words) -> Block:
    table = _with_answers(result, by)
    table = table[table["metric"] == metric]
    table = table.sort_values("estimate", ascending=False, kind="stable", na_position="last").head(plate.ROWS)
    unit, records = unit_of(result, metric), table.to_dict("records")
    names = [" × ".join(words.label(k, r[k]) for k in by) if by else words.metric(metric) for r in records]
    claimed = [c for c in result.claims if c.fields.get("metric") == metric]
    level = next((c for c in claimed if c.code == "score.level"), None)
    segments = {str(c.fields.get("segment")) for c in claimed if c.code == "score.segment"}
    return Block(
        metric=str(metric),
        unit=unit,
        table=table.reset_index(drop=True),
        labels=names,
        columns=[_estimates(records, unit, words), plate.bases(table, words)],
        standing=[not by or " x ".join(str(r[k]) for k in by) in segments for r in records],
        overall=float(level.fields["estimate"]) if by and level else None,
    )


def _with_answers(result: Result, by: Sequence[str]) -> pd.DataFrame:
    """Return the table of scores with the shares against and for, empty where there are none."""
    answers, keys = result.tables.get("answers"), [*by, "metric"]
    if answers is None or answers.empty or not set(keys) <= set(answers.columns):
        return result.table.assign(share_against=float("nan"), share_for=float("nan"))
    shares = answers.set_index(keys)[["share_against", "share_for"]].astype(float)
    return result.table.join(shares, on=keys)


def _estimates(records: Sequence[Mapping[Any, Any]], unit: str, words: Words) -> plate.Column:
    """Return the column of estimates: a percent sign where there is one, all with the same decimals."""
    known = [r for r in records if not absent(r["estimate"])]
    digits = max((digits_for(unit, r["conf_low"], r["conf_high"]) for r in known), default=1)
    said = unit if unit in ("percent", "share") else "scale"
    return plate.Column(
        ["" if absent(r["estimate"]) else words.amount(r["estimate"], said, digits=digits) for r in records]
    )


def _merged(blocks: Sequence[Block]) -> list[Block]:
    """Put indices with the same unit on one axis: a block for each unit."""
    merged = []
    for unit in dict.fromkeys(b.unit for b in blocks):
        same = [b for b in blocks if b.unit == unit]
        columns = zip(*(b.columns for b in same), strict=True)
        merged.append(
            replace(
                same[0],
                metric=same[0].metric if len(blocks) == 1 else "",
                table=pd.concat([b.table for b in same], ignore_index=True),
                labels=[label for b in same for label in b.labels],
                columns=[replace(parts[0], texts=[t for c in parts for t in c.texts]) for parts in columns],
                standing=[s for b in same for s in b.standing],
            )
        )
    return merged


def _aligned(blocks: Sequence[Block]) -> list[Block]:
    """Give the columns of all blocks the same widths, so that they stand under each other."""
    widest = [max(c.width for c in parts) for parts in zip(*(b.columns for b in blocks), strict=True)]
    return [
        replace(b, columns=[replace(c, least=w) for c, w in zip(b.columns, widest, strict=True)])
        for b in blocks
    ]


def _heading(block: Block, by: Sequence[str], words: Words, key: str) -> str:
    unit = words(f"figure.unit.{block.unit}")
    if not block.metric:
        return unit if key == TITLE else unit[:1].upper() + unit[1:]
    metric = words.metric(block.metric)
    if not by:
        return metric if key == TITLE else words(key, metric=metric, unit=unit)
    column = " × ".join(words.label(k) for k in by)
    return words(key if key == TITLE else f"{key}.by", metric=metric, column=column, unit=unit)


def _draw(ax: Axes, block: Block, rows: Sequence[plate.Row], words: Words, *, alone: bool) -> None:
    scale = 100.0 if block.unit == "share" else 1.0
    table, y = block.table, [row.y for row in rows]
    low, high, estimate = (table[c].astype(float) * scale for c in ("conf_low", "conf_high", "estimate"))
    overall = None if block.overall is None else block.overall * scale
    ends = _scale(block.unit, low, high) if alone else []
    against, favour = -table["share_against"].astype(float), table["share_for"].astype(float)
    reach = [*low, *high, *estimate, overall, *ends, *against, *favour]
    left, right = plate.limits(reach, pad=0.02 if ends else 0.06)
    ax.set_xlim(left, right)
    plate.value_axis(ax, words)
    if overall is not None:
        ax.axvline(overall, color=LIGHT["muted"], linewidth=1.0, linestyle=(0, (3, 2)), zorder=1)
        said = words("figure.overall", amount=words.amount(block.overall, block.unit, digits=1))
        before = overall - left > 0.7 * (right - left)
        plate.note(
            ax, said, (overall, 1), (-3 if before else 3, 3), x="data", ha="right" if before else "left"
        )
    if favour.notna().any():
        for share, colour in ((against, LIGHT["worse"]), (favour, LIGHT["better"])):
            ax.barh(y, share.fillna(0), height=BAR, color=colour, alpha=0.22, linewidth=0, zorder=1)
        ax.axvline(0, color=LIGHT["muted"], linewidth=0.8, zorder=1)
    colours = [LIGHT["focal"] if s else LIGHT["context"] for s in block.standing]
    ax.hlines(y, low, high, colors=colours, linewidth=2.0, zorder=2)
    plate.dots(ax, estimate.to_list(), y, colours, hollow=plate.hollows(table))


def _scale(unit: str, low: pd.Series[float], high: pd.Series[float]) -> list[float]:
    """Return the ends of the index' own scale: indices are read against all that they could be."""
    if unit == "scale":
        return [float(low.min()) // 1, -(-float(high.max()) // 1)]
    return [-100.0 if low.min() < 0 else 0.0, 100.0]
