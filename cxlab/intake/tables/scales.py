"""Scales that move between files: declared twice, given away by the answers, or taken one to another.

Two scales in one column stop the check (rule 4) until an equivalence is declared; each equivalence that
moves a scale is a break of the series, which every report shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cxlab.errors import Message, Problem
from cxlab.intake.declared.models import Client, Equivalence
from cxlab.intake.tables.cells import Fault, Typed
from cxlab.intake.tables.rows import Part, Rows

Scale = tuple[float, float]
EVERY_COLUMN = "*"
RULE = 4
# Fewer answers than this give nothing away.
ENOUGH_ANSWERS = 30
# How improbable it must be that answers of one scale all stay short of its end.
IMPROBABLE = 1e-6
# Longer scales are measures, not ratings.
MOST_POINTS = 11


def rescaled(values: pd.Series[Any], equivalence: Equivalence) -> pd.Series[Any]:
    """Return values taken in a straight line from the scale asked to the one stored.

    Examples
    --------
    >>> five = Equivalence.model_validate({"from": [1, 5], "to": [1, 7]})
    >>> rescaled(pd.Series([1.0, 3.0, 5.0]), five).tolist()
    [1.0, 4.0, 7.0]
    """
    (low, high), (first, last) = equivalence.asked, equivalence.stored
    return first + (values - low) * (last - first) / (high - low)


def refuse_outside(typed: Typed, equivalence: Equivalence, *, name: str) -> None:
    """Make faults of the numbers that are not on the scale asked."""
    low, high = equivalence.asked
    for at, value in enumerate(typed.values):
        if at not in typed.faults and not low <= value <= high and not np.isnan(value):
            typed.values[at] = np.nan
            typed.faults[at] = Fault(
                Message("{low:g} to {high:g}", low=low, high=high),
                Message(
                    "if it is no answer, declare it: `missing: {{{column}: [...]}}` or `not_applicable:`; "
                    "else correct `from:` under `equivalent:`",
                    column=name,
                ),
                3,
            )


def two_scales(rows: Rows) -> Iterator[Problem]:
    """Give the columns of a table for which its sources declare two scales."""
    for column in rows.frame.columns:
        declared = {
            part.mapped.scales[column]: part.mapped.source.file
            for part in rows.parts
            if column in part.mapped.scales
        }
        if len(declared) > 1:
            yield _declared_twice(rows, column, declared)


def slipped_scales(rows: Rows) -> Iterator[Problem]:
    """Give the columns whose answers in one wave give away another scale than the one declared."""
    for column, scale in rows.scales.items():
        if column in rows.frame:
            yield from _given_away(rows, column, scale)


def _declared_twice(rows: Rows, column: str, declared: dict[Scale, str]) -> Problem:
    stored, *_, asked = declared
    return rows.of_table(
        column,
        Message(
            "two scales: {scales}",
            scales="; ".join(f"{file}: {low:g}-{high:g}" for (low, high), file in declared.items()),
        ),
        Message("one scale in every file"),
        _action(column, asked, stored),
        rule=RULE,
    )


def _action(column: str, asked: Scale, stored: Scale) -> Message:
    return Message(
        "if both ask the same, declare in the source of one "
        "`equivalent: {{{column}: {{from: [{low:g}, {high:g}], to: [{first:g}, {last:g}]}}}}` (reports will "
        "say that the series breaks); else keep it apart as attr_{column}_{high:g}",
        column=column,
        low=asked[0],
        high=asked[1],
        first=stored[0],
        last=stored[1],
    )


@dataclass(frozen=True)
class _Wave:
    """The answers of one column in one wave of one file."""

    part: Part
    answers: npt.NDArray[np.float64]


def _given_away(rows: Rows, column: str, scale: Scale) -> Iterator[Problem]:
    low, high = scale
    if high - low >= MOST_POINTS or not pd.api.types.is_numeric_dtype(rows.frame[column]):
        return
    waves = [wave for wave in _waves(rows, column) if len(wave.answers) >= ENOUGH_ANSWERS]
    for at, wave in enumerate(waves):
        others = [each.answers for each in waves[:at] + waves[at + 1 :]]
        seen = shorter(wave.answers, np.concatenate(others), scale) if others else None
        if seen is None:
            continue
        yield Problem(
            Message(
                "{n} answers from {low:g} to {high:g}, and {share} of the other waves' outside that",
                n=len(wave.answers),
                low=seen[0],
                high=seen[1],
                share=f"{100 * _outside(np.concatenate(others), seen):.0f} %",
            ),
            Message("one scale in every wave ({low:g} to {high:g} is declared)", low=low, high=high),
            Message(
                "another scale was asked: declare "
                "`equivalent: {{{column}: {{from: [{first:g}, {last:g}], to: [{low:g}, {high:g}]}}}}` "
                "(reports will say that the series breaks); if it was the same, say so with "
                "`from: [{low:g}, {high:g}]`",
                column=column,
                first=seen[0],
                last=seen[1],
                low=low,
                high=high,
            ),
            file=wave.part.mapped.source.file,
            column=wave.part.mapped.headers.get(column, column),
            rule=RULE,
        )


def shorter(answers: npt.NDArray[np.float64], others: npt.NDArray[np.float64], scale: Scale) -> Scale | None:
    """Return the shorter scale that whole-number answers give away, or None.

    They give one away when they all stay short of an end of the scale that the others reach so often
    that chance cannot explain it.

    Examples
    --------
    >>> short, whole = np.tile([1.0, 3, 5], 40), np.tile([2.0, 5, 6, 7], 40)
    >>> shorter(short, whole, (1, 7)), shorter(whole, whole, (1, 7))
    ((1.0, 5.0), None)
    """
    enough = min(len(answers), len(others)) >= ENOUGH_ANSWERS
    if not enough or np.any(answers % 1) or np.any(others % 1):
        return None
    low, high = float(scale[0]), float(scale[1])
    floor, ceiling = float(answers.min()), float(answers.max())
    short_below = floor > low and _improbable(float((others < floor).mean()), len(answers))
    short_above = ceiling < high and _improbable(float((others > ceiling).mean()), len(answers))
    if not (short_below or short_above):
        return None
    return (floor if short_below else low, ceiling if short_above else high)


def _improbable(share: float, answers: int) -> bool:
    return bool((1 - share) ** answers < IMPROBABLE)


def _outside(answers: npt.NDArray[np.float64], scale: Scale) -> float:
    return float(((answers < scale[0]) | (answers > scale[1])).mean())


def _waves(rows: Rows, column: str) -> Iterator[_Wave]:
    """Give the answers by file and wave; a declared equivalence has already said what the scale is."""
    for part in rows.parts:
        frame = part.mapped.frame
        if column not in frame or column in part.mapped.equivalents:
            continue
        waves = frame["wave_id"].fillna("") if "wave_id" in frame else pd.Series("", index=frame.index)
        for _, answers in frame[column].groupby(waves, sort=True):
            yield _Wave(part, answers.dropna().to_numpy(dtype=float))


def series_breaks(client: Client, rows: Rows) -> list[dict[str, Any]]:
    """Return where the series of a table break: wave, column (`*`: all) and reason in each language."""
    found: list[dict[str, Any]] = []
    for part in rows.parts:
        for column, equivalence in part.mapped.equivalents.items():
            if equivalence.moved:
                found += [
                    {"wave": wave, "column": column, "reason": _moved(equivalence)}
                    for wave in _waves_of(part.mapped.frame)
                ]
    waves = set(_waves_of(rows.frame))
    found += [
        {"wave": each.wave, "column": each.column, "reason": each.reason.model_dump()}
        for each in client.breaks
        if each.wave in waves and each.column in (EVERY_COLUMN, *rows.frame.columns)
    ]
    return found


def unknown_breaks(client: Client, tables: dict[str, pd.DataFrame]) -> Iterator[Problem]:
    """Give the declared breaks whose wave or column is in no table."""
    waves = {wave for frame in tables.values() for wave in _waves_of(frame) if wave}
    for each in client.breaks:
        known = {str(name) for frame in tables.values() for name in frame if each.wave in _waves_of(frame)}
        if each.column != EVERY_COLUMN and each.wave in waves and each.column not in known:
            found, allowed = Message("a break of a column that the wave has not"), sorted(known)
        elif each.wave not in waves:
            found, allowed = Message("a break in a wave that is not there"), sorted(waves)
        else:
            continue
        yield Problem(
            found,
            Message("{names}", names=", ".join(allowed) or "-"),
            Message("correct or remove it under `breaks:`"),
            file="client.yaml",
            column=f"breaks ({each.wave}, {each.column})",
        )


def _waves_of(frame: pd.DataFrame) -> list[str]:
    if "wave_id" not in frame:
        return [""]
    return [str(wave) for wave in pd.unique(frame["wave_id"].dropna())]


def _moved(equivalence: Equivalence) -> dict[str, str]:
    (low, high), (first, last) = equivalence.asked, equivalence.stored
    asked, stored = f"{low:g}-{high:g}", f"{first:g}-{last:g}"
    return {"es": f"escala {asked} llevada a {stored}", "en": f"scale {asked} taken to {stored}"}
