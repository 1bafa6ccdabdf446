"""Rules on how people answered: too fast, the same to everything, twice in a wave, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from cxlab.errors import Message, ParameterError, Problem
from cxlab.intake.declared.canonical import OWN_PREFIX
from cxlab.intake.rules.evidence import Evidence, Finding, Silence
from cxlab.intake.tables.expressions import computed, matches
from cxlab.intake.tables.mapped import Mapped

SURVEY = "survey_responses"
# Faster than this share of the usual time is not reading the questions.
TOO_FAST = 1 / 3
# So many ratings on one scale, all alike, are a straight line.
LINE = 6
# Fewer of them than this share change no number.
STRAIGHT = 0.01
MOST_MISSING = 0.30
# Reasons that leave an answer wanting, rather than explain that there is none.
_UNEXPLAINED = ("blank", "missing", "technical")
_EXPLAINED = ("not_asked", "not_applicable")


def too_fast(evidence: Evidence) -> Iterator[Finding]:
    """Rule 10: who took under a third of the median time of their wave."""
    seconds = evidence.frame(SURVEY)["duration_s"]
    usual = seconds.groupby(evidence.waves(SURVEY)).transform("median")
    fast, timed = int((seconds < TOO_FAST * usual).sum()), int(seconds.notna().sum())
    if fast:
        said = (
            Message(
                "{n} of {all} answered in under a third of the median time ({share:.1%})",
                n=fast,
                all=timed,
                share=fast / timed,
            ),
            Message("time to read the questions"),
            Message("look at them; to leave them out, `exclude:` them by duration_s with their reason"),
        )
        yield evidence.warn(10, SURVEY, "duration_s", said, count=fast)


def same_to_everything(evidence: Evidence) -> Iterator[Finding | Silence]:
    """Rule 11: over 1 % gave one and the same answer to six ratings or more of one scale."""
    rows = evidence.rows[SURVEY]
    by_scale: dict[tuple[float, float], list[str]] = {}
    for name, scale in rows.scales.items():
        if name in evidence.columns[SURVEY] and pd.api.types.is_numeric_dtype(rows.frame[name]):
            by_scale.setdefault(scale, []).append(name)
    columns = max(by_scale.values(), key=len, default=[])
    if len(columns) < LINE:
        yield Silence(Message("fewer than {least} ratings on one scale", least=LINE))
        return
    answers = rows.frame[columns]
    answered = answers.notna().sum(axis=1) >= LINE
    flat = answered & answers.max(axis=1).eq(answers.min(axis=1))
    if flat.sum() > STRAIGHT * answered.sum():
        said = (
            Message(
                "{n} of {all} gave one and the same answer to all their ratings ({share:.1%})",
                n=int(flat.sum()),
                all=int(answered.sum()),
                share=float(flat.sum() / answered.sum()),
            ),
            Message("answers that tell the questions apart"),
            Message("it may be their opinion; weigh it before reading which aspects matter"),
        )
        yield evidence.warn(11, SURVEY, listed_scale(columns), said, count=int(flat.sum()))


def listed_scale(columns: list[str]) -> str:
    """Return the columns of a battery as one text."""
    return ", ".join(columns[:3]) + (", ..." if len(columns) > 3 else "")


def twice_in_a_wave(evidence: Evidence) -> Iterator[Finding]:
    """Rule 12: customers with more than one answer in a wave, unless each is about another interaction."""
    frame = evidence.frame(SURVEY)
    key = pd.DataFrame({"who": frame["customer_id"], "wave": evidence.waves(SURVEY)})
    if evidence.has(SURVEY, "interaction_id"):
        key["what"] = frame["interaction_id"]
    again = key["who"].notna() & key.duplicated(keep="first")
    if again.any():
        said = (
            Message("{n} answers of customers who had answered in that wave", n=int(again.sum())),
            Message("one answer of each customer in a wave, or an interaction_id of its own for each"),
            Message("ask which one stands; their errors are not independent"),
        )
        yield evidence.warn(12, SURVEY, "customer_id", said, count=int(again.sum()))


def unanswered(evidence: Evidence) -> Iterator[Finding]:
    """Rule 19: questions left open by more than 30 % of those asked, and answers of those not asked."""
    conditions = _conditions(evidence)
    for table in (name for name in (SURVEY, "employees_survey") if name in evidence.rows):
        for part in evidence.parts(table):
            yield from _left_open(evidence, table, part, conditions)
            for column, count in part.unasked.items():
                said = (
                    Message("{n} answers of people whom `asked_if` says were not asked", n=count),
                    Message("answers of those asked"),
                    Message("correct `asked_if` in client.yaml, or ask the client who was asked"),
                )
                yield _of_part(table, part, column, said, count)


def _left_open(evidence: Evidence, table: str, part: Mapped, conditions: dict[str, str]) -> Iterator[Finding]:
    rated = {*evidence.rows[table].table.ratings, *part.scales}
    for column in part.frame.columns:
        if column not in rated and not str(column).startswith(OWN_PREFIX):
            continue
        told = part.na_reasons.get(column, {})
        asked = len(part.frame) - sum(told.get(reason, 0) for reason in _EXPLAINED)
        open_ = sum(told.get(reason, 0) for reason in _UNEXPLAINED)
        skipped = _not_asked(part, column, conditions)
        asked, open_ = asked - skipped, max(open_ - skipped, 0)
        if asked > 0 and open_ > MOST_MISSING * asked:
            said = (
                _open_share(open_ / asked, conditions.get(str(column), "")),
                Message("30 % at most without a reason"),
                Message(
                    "if only some were asked, declare `asked_if: {{{column}: ...}}`; else its base is small",
                    column=column,
                ),
            )
            yield _of_part(table, part, column, said, open_)


def _open_share(share: float, condition: str) -> Message:
    """Say how many did not answer, and whom the questionnaire asks where it says so only in words."""
    if not condition:
        return Message("no answer of {share:.0%} of those asked", share=share)
    return Message(
        "no answer of {share:.0%}; the questionnaire asks only “{condition}”, which the data cannot check",
        share=share,
        condition=condition,
    )


def _of_part(
    table: str, part: Mapped, column: str, said: tuple[Message, Message, Message], count: int
) -> Finding:
    header = part.headers.get(column, column)
    return Finding(table, Problem(*said, file=part.source.file, column=header, count=count, rule=19))


def _conditions(evidence: Evidence) -> dict[str, str]:
    """Return to whom each question was put, as the questionnaire says."""
    if not evidence.has("items", "item_id", "asked_if"):
        return {}
    items = evidence.frame("items")
    known = items["item_id"].notna() & items["asked_if"].notna()
    return dict(zip(items.loc[known, "item_id"], items.loc[known, "asked_if"].astype(str), strict=True))


def _not_asked(part: Mapped, column: str, conditions: dict[str, str]) -> int:
    """Return how many empty cells without a reason are of people whom the questionnaire did not ask."""
    if column not in conditions:
        return 0
    columns: dict[str, pd.Series[Any]] = {str(name): part.frame[name] for name in part.frame.columns}
    try:
        matches(columns, conditions[column])
        not_asked = computed(columns, conditions[column]).eq(0).to_numpy()
    except ParameterError:
        return 0  # said in words, not as an expression
    known = sum(part.na_reasons.get(column, {}).get(reason, 0) for reason in _EXPLAINED)
    return max(int(np.sum(not_asked & part.frame[column].isna().to_numpy())) - known, 0)
