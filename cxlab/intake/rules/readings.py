"""Rules on how files were read: repeats given up, texts cut to a number, dates that read two ways, tests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date

import numpy as np
import pandas as pd

from cxlab.errors import Message, Problem
from cxlab.intake.declared.canonical import tables
from cxlab.intake.files.reading import clean_name
from cxlab.intake.rules.evidence import Evidence, Finding
from cxlab.intake.tables.mapped import Mapped
from cxlab.intake.tables.repeats import REASONS

# Above this share of dates that another format reads as other days, the day and the month are a guess.
AMBIGUOUS = 0.01
_TEST = re.compile(r"(?i)(?:de )?(?:tests?|testing|pruebas?|qa|dummy|demo|ficticio|no usar)")
_TESTS = re.compile(r"(?i)\b(?:tests?|preview\w*|pruebas?|vistas? previas?|spam|piloto de encuesta)\b")


def given_up_repeats(evidence: Evidence) -> Iterator[Finding]:
    """Rule 1: rows that `duplicates` gave up are counted for every reader."""
    for table in evidence.rows:
        for part in evidence.parts(table):
            for reason in REASONS.values():
                if count := part.excluded.get(str(reason), 0):
                    said = (
                        Message("{n} rows left out ({reason})", n=count, reason=reason),
                        Message("each key once"),
                        Message("ask why they came twice: a repeated export, or two answers of one person?"),
                    )
                    yield _of(part, table, 1, _key(part), said, count)


def _key(part: Mapped) -> str:
    """Return the header of a source's first key column, or an empty text."""
    key = tables()[part.source.table].key[0]
    return part.headers.get(key, key)


def texts_by_number(evidence: Evidence) -> Iterator[Finding]:
    """Rule 6: how many answers are texts of which only the leading number was kept."""
    for table in evidence.rows:
        for part in evidence.parts(table):
            for column, count in part.led.items():
                if column not in part.frame or not len(part.frame):
                    continue
                said = (
                    Message("texts read by their leading number ({share:.1%})", share=count / part.read),
                    Message("numbers, or texts that start with the answer"),
                    Message("look at those texts in the file: is the number they start with the answer?"),
                )
                yield _of(part, table, 6, part.headers.get(column, column), said, count)


def ambiguous_dates(evidence: Evidence) -> Iterator[Finding]:
    """Rule 8: dates that the other order of day and month reads as well, with no day to decide it."""
    for table in evidence.rows:
        for part in evidence.parts(table):
            for declared, form in part.source.dates.items():
                column = _column(part, declared)
                other = _other_order(form)
                if not column or not other:
                    continue
                share = _read_both_ways(part.raw.counts(column), form, other)
                if share > AMBIGUOUS:
                    said = (
                        Message(
                            "every date also reads as {other}, and {share:.0%} would be other days",
                            other=other,
                            share=share,
                        ),
                        Message("dates of which some can be read one way only"),
                        Message("ask which comes first, the day or the month; {form} was taken", form=form),
                    )
                    yield _of(part, table, 8, part.headers.get(column, column), said, 1)


def _column(part: Mapped, declared: str) -> str:
    header = clean_name(declared)
    names = (name for name, from_ in part.headers.items() if declared == name or header == from_)
    return next((name for name in names if name in part.raw), "")


def _other_order(form: str) -> str:
    """Return a date format with day and month changed over, or an empty text if it lacks one of them."""
    if "%d" not in form or "%m" not in form:
        return ""
    return form.replace("%d", "\0").replace("%m", "%d").replace("\0", "%m")


def _read_both_ways(cells: Mapping[str, int], form: str, other: str) -> float:
    """Return the share of dates that `other` reads as another day, 0 if it cannot read them all."""
    counts = {text.strip(): n for text, n in cells.items() if text.strip()}
    first, second = (
        pd.to_datetime(pd.Series(list(counts), dtype=object), format=each, errors="coerce")
        for each in (form, other)
    )
    read = first.notna().to_numpy()
    if not read.any() or (second.isna().to_numpy() & read).any():
        return 0.0
    n = np.array(list(counts.values()))
    return float(n[read & (first != second).to_numpy()].sum() / n[read].sum())


def later_dates(evidence: Evidence) -> Iterator[Finding]:
    """Rule 7: dates after the day of the data in the client's own columns, where they may be meant."""
    today = evidence.client.data_date or date.today()
    for table, rows in evidence.rows.items():
        for column in rows.frame.columns:
            values = rows.frame[column]
            if column in rows.table.columns or not pd.api.types.is_datetime64_any_dtype(values):
                continue
            later = int((values >= pd.Timestamp(today) + pd.Timedelta(days=1)).sum())
            if later:
                said = (
                    Message("{n} dates after {today}", n=later, today=today.isoformat()),
                    Message("dates up to {today}", today=today.isoformat()),
                    Message("right if they are plans or terms; else correct the file"),
                )
                yield evidence.warn(7, table, str(column), said, count=later)


def tests(evidence: Evidence) -> Iterator[Finding]:
    """Rule 9: tests that were taken out are counted, and what looks like a test and stays is told."""
    if "survey_responses" in evidence.rows:
        yield from _removed(evidence)
    for table in evidence.rows:
        for part in evidence.parts(table):
            yield from _left(part, table)


def _left(part: Mapped, table: str) -> Iterator[Finding]:
    """Give the categories that name themselves a test, in the rows that are used."""
    for column, values in part.codebook.get("profile", {}).items():
        for value in values:
            if not _TEST.fullmatch(value) or column not in part.raw:
                continue
            count = sum(n for text, n in part.raw.counts(column).items() if text.strip() == value)
            if count:
                said = (
                    Message("{value}, which looks like a test and not a customer", value=repr(value)),
                    Message("customers only"),
                    Message(
                        "if they are tests: `exclude: [{{where: \"{column} == '...'\", reason: ...}}]`",
                        column=column,
                    ),
                )
                yield _of(part, table, 9, part.headers.get(column, column), said, count)


def _removed(evidence: Evidence) -> Iterator[Finding]:
    for part in evidence.parts("survey_responses"):
        rules = {rule.reason: rule.where for rule in part.source.exclude}
        for reason, count in part.excluded.items():
            if count and _TESTS.search(f"{reason} {rules.get(reason, '')}"):
                said = (
                    Message("{n} rows left out ({reason})", n=count, reason=Message(reason)),
                    Message("answers of customers only"),
                    Message("nothing to do if they are tests; the count is shown in every report"),
                )
                yield _of(part, "survey_responses", 9, "", said, count)


def _of(
    part: Mapped, table: str, rule: int, column: str, said: tuple[Message, Message, Message], count: int
) -> Finding:
    return Finding(table, Problem(*said, file=part.source.file, column=column, count=count, rule=rule))
