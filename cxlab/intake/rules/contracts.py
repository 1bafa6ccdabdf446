"""The contracts of the canonical tables: pandera schemas, and what each breach means and asks for.

Columns are checked by pandera, lazily, each rule by name; keys, pairs of dates and sums need several
columns and are checked over the whole table. Every breach becomes a `Problem` with the header and the
line of the file, and the cell as the file has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pandera.pandas as pa

from cxlab.errors import Message, Problem
from cxlab.intake.declared.canonical import OWN_PREFIX, Column, Table
from cxlab.intake.rules.crosschecks import cross_breaches
from cxlab.intake.tables.mapped import Mapped
from cxlab.intake.tables.rows import Rows
from cxlab.intake.tables.scales import slipped_scales, two_scales

# The validity rule of each check of a cell.
_NUMBERS = {"enum": 2, "scale": 3, "future": 7}
# Rows that are checked at a time.
PIECE = 500_000
# Where it is there at all, it is there for everyone: half-weighted rows are neither sample nor population.
_FULL = ("event", "weight")
# A scale's default is its metric's: the recommendation question is defined from 0 to 10.
_SCALES_HINT = {"recommend": "[0, 10]", "overall_sat": "[1, 5]"}


def schema(
    table: Table, frame: pd.DataFrame, scales: dict[str, tuple[float, float]], *, today: date
) -> pa.DataFrameSchema:
    """Return the pandera schema of the columns that `frame` has; every check is named by its rule."""
    columns = {}
    for name in frame.columns:
        declared = table.columns.get(name)
        checks = _checks(name, declared, scales, frame[name], today)
        nullable = declared is None or not (declared.required or name in _FULL)
        columns[name] = pa.Column(None, checks, nullable=nullable, required=False)
    return pa.DataFrameSchema(columns)


def _checks(
    name: str,
    declared: Column | None,
    scales: dict[str, tuple[float, float]],
    values: pd.Series[Any],
    today: date,
) -> list[Any]:
    checks: list[Any] = []
    numeric = pd.api.types.is_numeric_dtype(values)
    if name in scales and numeric:
        checks.append(pa.Check.in_range(*scales[name], error="scale"))
    if declared is None:
        return checks
    if numeric:
        if declared.min is not None:
            checks.append(pa.Check.ge(declared.min, error="min"))
        if declared.max is not None:
            checks.append(pa.Check.le(declared.max, error="max"))
        if declared.above is not None:
            checks.append(pa.Check.gt(declared.above, error="above"))
    if declared.enum:
        checks.append(pa.Check.isin(list(declared.enum), error="enum"))
    if declared.kind == "date" and not declared.later:
        checks.append(pa.Check.lt(pd.Timestamp(today) + pd.Timedelta(days=1), error="future"))
    return checks


def breaches(name: str, parts: list[Mapped], *, today: date) -> tuple[Rows, list[Problem]]:
    """Check the rows of one table, all sources together.

    Parameters
    ----------
    name : str
        Canonical table.
    parts : list of Mapped
        Its sources.
    today : date
        No date may be later: the day of the extract, or of the check.

    Returns
    -------
    Rows, list of Problem
        The table's rows, and every breach.
    """
    rows = Rows(name, parts)
    problems = [*_absent(rows), *_two_kinds(rows), *two_scales(rows), *_unscaled(rows)]
    if any(not problem.row and problem.column in rows.frame for problem in problems):
        rows.judged = False
        return rows, problems
    problems += slipped_scales(rows)
    problems += _cell_breaches(rows, today)
    problems += cross_breaches(rows, today=today)
    return rows, problems


def _absent(rows: Rows) -> Iterator[Problem]:
    have, table = set(rows.frame.columns), rows.table
    for column, declared in table.columns.items():
        if declared.required and column not in have:
            yield rows.of_table(
                column,
                Message("no column {column}", column=column),
                Message("{column} in every file of {table}", column=column, table=rows.name),
                Message("name its header under `names: {{header: {column}}}`", column=column),
            )
    if table.one_of and not any(have >= set(group) for group in table.one_of):
        groups = " / ".join(" + ".join(group) for group in table.one_of)
        yield rows.of_table(
            table.one_of[0][0],
            Message("none of {groups} whole", groups=groups),
            Message("one of {groups}", groups=groups),
            Message("name the headers of one of those under `names`"),
        )
    own = {
        column
        for column in have
        if column.startswith(OWN_PREFIX) and pd.api.types.is_numeric_dtype(rows.frame[column])
    }
    if table.scores and not have & {*table.ratings, *own} and not have >= {*table.counts, "peer_id"}:
        yield rows.of_table(
            table.ratings[0],
            Message("no score column"),
            Message(
                "at least one of {scores}, or attr_...", scores=", ".join((*table.ratings, *table.counts))
            ),
            Message("name the header of a score under `names`"),
        )


def _two_kinds(rows: Rows) -> Iterator[Problem]:
    """Refuse a column that is numbers in one file and text in another."""
    for column in rows.frame.columns:
        kinds = {
            _kind(part.mapped.frame[column]): part.mapped.source.file
            for part in rows.parts
            if column in part.mapped.frame and part.mapped.frame[column].notna().any()
        }
        if len(kinds) > 1:
            yield rows.of_table(
                column,
                Message("{kinds}", kinds="; ".join(f"{file}: {kind}" for kind, file in kinds.items())),
                Message("one kind in every file"),
                Message("declare `kinds: {{{column}: category}}` (or number) in each source", column=column),
            )


def _kind(values: pd.Series[Any]) -> str:
    if pd.api.types.is_numeric_dtype(values):
        return Message("numbers")
    return Message("dates") if pd.api.types.is_datetime64_any_dtype(values) else Message("text")


def _unscaled(rows: Rows) -> Iterator[Problem]:
    for part in rows.parts:
        for column in part.mapped.frame.columns:
            rating = column in rows.table.ratings
            if not rating or column in part.mapped.scales:
                continue
            values = part.mapped.frame[column].dropna()
            found = (
                Message("values from {low:g} to {high:g}", low=values.min(), high=values.max())
                if len(values)
                else Message("no value")
            )
            yield Problem(
                found,
                Message("a declared scale"),
                Message(
                    "declare `scales: {{{column}: {scale}}}` as the questionnaire has it",
                    column=column,
                    scale=_scale_hint(column, float(values.max()) if len(values) else 0.0),
                ),
                file=part.mapped.source.file,
                column=part.mapped.headers.get(column, column),
                rule=5,
            )


def _scale_hint(column: str, highest: float) -> str:
    """Return the scale that is usual for a column, or the smallest one that holds what was found."""
    usual = _SCALES_HINT.get(column, "[1, 7]")
    if highest > 10 or highest <= float(usual.strip("[]").split(",")[1]):
        return usual
    return "[1, 7]" if highest <= 7 else "[0, 10]"


def _cell_breaches(rows: Rows, today: date) -> Iterator[Problem]:
    contract = schema(rows.table, rows.frame, rows.scales, today=today)
    broken: dict[tuple[str, str], npt.NDArray[np.bool_]] = {}
    for first in range(0, len(rows.frame), PIECE):
        try:
            contract.validate(rows.frame.iloc[first : first + PIECE], lazy=True)
        except pa.errors.SchemaErrors as error:
            cases = error.failure_cases
        else:
            continue
        for (column, rule), group in cases.groupby(["column", "check"], sort=False):
            wrong = broken.setdefault((str(column), str(rule)), np.zeros(len(rows.frame), dtype=bool))
            wrong[group["index"].astype(int).to_numpy()] = True
    for (name, rule), wrong in broken.items():
        if rule == "not_nullable":
            wrong &= ~rows.already_faulty(name)
        told = _rule(rule, name, rows, today)
        yield from rows.cells(name, wrong, *told, rule=_number(rule, name))


def _number(check: str, column: str) -> int:
    """Return the validity rule that a check of a cell belongs to, 0 if to none."""
    return 18 if column == "weight" and check in ("above", "not_nullable") else _NUMBERS.get(check, 0)


def _rule(rule: str, column: str, rows: Rows, today: date) -> tuple[str, str]:
    """Return what a rule allows, and what to do when it is broken."""
    declared = rows.table.columns.get(column)
    if rule == "scale":
        low, high = rows.scales[column]
        return (
            Message("{low:g} to {high:g}", low=low, high=high),
            Message(
                "if it is no answer, declare it: `missing: {{{column}: [...]}}` or `not_applicable:`; "
                "else correct the scale",
                column=column,
            ),
        )
    if rule == "enum" and declared is not None:
        return (
            Message("{values}", values=", ".join(declared.enum)),
            Message(
                "recode it: `values: {{{column}: {{found: {first}}}}}`", column=column, first=declared.enum[0]
            ),
        )
    if rule == "future":
        return (
            Message("dates up to {today}", today=today.isoformat()),
            Message("check the format under `dates:`; if the data are of a later day, correct `data_date:`"),
        )
    if rule == "not_nullable":
        if column == "event":
            return (
                Message("0 or 1 in every row"),
                Message(
                    'if empty means still a customer: `values: {{{column}: {{"": 0}}}}`; else exclude them',
                    column=column,
                ),
            )
        return Message("a value in every row"), Message(
            'complete the file, or `exclude: [{{where: "{column} == None", reason: ...}}]`',
            column=column,
        )
    limit = (
        {
            "min": Message("{x:g} or more", x=declared.min or 0),
            "max": Message("{x:g} at most", x=declared.max or 0),
            "above": Message("more than {x:g}", x=declared.above or 0),
        }
        if declared
        else {}
    )
    return (
        limit.get(rule, Message("a valid value")),
        Message(
            'correct the file, or `exclude: [{{where: "{column} ...", reason: ...}}]`',
            column=column,
        ),
    )
