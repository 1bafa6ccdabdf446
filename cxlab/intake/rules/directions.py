"""Which way a rating runs: effort that nobody declared, and answers that fall while all the others rise."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from cxlab.errors import Message, Problem
from cxlab.intake.rules.evidence import Evidence, Finding
from cxlab.intake.tables.mapped import Mapped

RATED = ("survey_responses", "benchmark_responses", "employees_survey")
# Effort is asked both ways: no one can tell from the name whether a high answer is good.
EITHER_WAY = ("ces",)
# A rating that falls while the others rise is probably asked the other way round.
AGAINST = -0.2
FEWEST = 50


def undeclared_directions(evidence: Evidence) -> Iterator[Finding]:
    """Rule 5: effort whose direction is not declared, and ratings that run against all the others."""
    said = _directions_of_items(evidence)
    for table in (name for name in RATED if name in evidence.rows):
        for part in evidence.parts(table):
            yield from _both_ways(table, part)
            for column in (name for name in EITHER_WAY if name in part.frame):
                if column not in part.upward and column not in said and part.frame[column].notna().any():
                    yield Finding(table, _undirected(part, column), stops=True)
            yield from _against(table, part)


def _both_ways(table: str, part: Mapped) -> Iterator[Finding]:
    for column in sorted({*part.source.reverse} & {*part.source.more_is_better}):
        problem = Problem(
            Message("a question that is turned round and in which more is better"),
            Message("one of the two"),
            Message("take it out of `reverse` or of `more_is_better`"),
            file=f"client.yaml ({part.source.file})",
            column=column,
            rule=5,
        )
        yield Finding(table, problem, stops=True)


def _directions_of_items(evidence: Evidence) -> set[str]:
    if not evidence.has("items", "item_id", "direction"):
        return set()
    items = evidence.frame("items")
    return set(items.loc[items["direction"].notna(), "item_id"])


def _undirected(part: Mapped, column: str) -> Problem:
    return Problem(
        Message("a question that may be asked either way, and no direction"),
        Message("a declared direction"),
        Message(
            "if a high answer means effort: `reverse: [{column}]`; if ease: `more_is_better: [{column}]`",
            column=column,
        ),
        file=part.source.file,
        column=part.headers.get(column, column),
        rule=5,
    )


def _against(table: str, part: Mapped) -> Iterator[Finding]:
    rated = [name for name in part.scales if name in part.frame and part.frame[name].nunique() > 1]
    rated = [name for name in rated if pd.api.types.is_numeric_dtype(part.frame[name])]
    if len(rated) < 3:
        return
    standard = part.frame[rated].apply(lambda values: (values - values.mean()) / values.std())
    for column in rated:
        others = standard.drop(columns=column).mean(axis=1)
        both = others.notna() & standard[column].notna()
        if both.sum() < FEWEST or others[both].std() == 0:
            continue
        r = float(np.corrcoef(standard.loc[both, column], others[both])[0, 1])
        if r < AGAINST:
            problem = Problem(
                Message("answers that fall while the other ratings rise (correlation {r:.2f})", r=r),
                Message("ratings in which more is better"),
                Message("if less is better in that question: `reverse: [{column}]`", column=column),
                file=part.source.file,
                column=part.headers.get(column, column),
                count=int(both.sum()),
                rule=5,
            )
            yield Finding(table, problem)
