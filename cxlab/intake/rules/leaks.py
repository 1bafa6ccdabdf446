"""Rules on time order: surveys answered after the exit, and columns of customers that the exit made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from cxlab.errors import Message
from cxlab.intake.coded import members
from cxlab.intake.rules.evidence import Evidence, Finding, Silence
from cxlab.leaving import named_after_leaving

CUSTOMERS, SURVEY = "customers", "survey_responses"
# What leaving itself writes: it is never before it.
OUTCOMES = ("event", "duration", "end_date", "end_type")
# So many on each side before a column that separates them accuses itself.
FEWEST = 10
MOST_CATEGORIES = 30


def late_surveys(evidence: Evidence) -> Iterator[Finding]:
    """Rule 13: surveys after the exit are told; ratings in the table of customers may not be of after it."""
    customers = evidence.frame(CUSTOMERS)
    if evidence.has(CUSTOMERS, "end_date", "responded_at"):
        late = customers["responded_at"] >= customers["end_date"]
        if late.any():
            said = (
                Message("{n} surveys of the day their customer left, or later", n=int(late.sum())),
                Message("responded_at before end_date"),
                Message(
                    "send them as survey_responses (the last one before the exit is taken), or exclude them"
                ),
            )
            yield evidence.stop(13, CUSTOMERS, "responded_at", said, count=int(late.sum()))
    if not evidence.has(SURVEY, "customer_id", "responded_at") or not evidence.has(CUSTOMERS, "end_date"):
        return
    surveys = evidence.frame(SURVEY)
    left = customers["end_date"].notna() & members(customers["customer_id"], surveys["customer_id"])
    gone = customers.loc[left, ["customer_id", "end_date"]].drop_duplicates("customer_id")
    ends = gone.set_index("customer_id")["end_date"]
    late = surveys["responded_at"] >= surveys["customer_id"].map(ends)
    if late.any():
        said = (
            Message("{n} answers of the day their customer left, or later", n=int(late.sum())),
            Message("answers of current customers"),
            Message("they count in the scores, and are never taken as something that precedes leaving"),
        )
        yield evidence.warn(13, SURVEY, "responded_at", said, count=int(late.sum()))


def made_by_leaving(evidence: Evidence) -> Iterator[Finding | Silence]:
    """Rule 14: columns of customers that leaving made, by their name or because only leavers have them."""
    frame = evidence.frame(CUSTOMERS)
    declared = set().union(*(part.after_event for part in evidence.parts(CUSTOMERS)))
    known = evidence.rows[CUSTOMERS].table.columns
    left = _left(frame)
    if left is None:
        yield Silence(Message("no customer is recorded as having left"))
    for column in frame.columns:
        if column in declared or column in OUTCOMES or str(column).endswith("_na_reason"):
            continue
        if column not in known and named_after_leaving(str(column)):
            found = Message("a column whose name says that leaving made it")
        elif left is not None and (told := _only_leavers(frame[column], left)) is not None:
            found = told
        else:
            continue
        said = (
            found,
            Message("what was known before the customer left"),
            Message(
                "declare `after_event: [{column}]` (stored, never a cause) or `drop` it; if it was known "
                "before, give it a name that says so",
                column=column,
            ),
        )
        yield evidence.stop(14, CUSTOMERS, _header(evidence, str(column)), said)


def _left(frame: pd.DataFrame) -> pd.Series[Any] | None:
    """Return who left, None if it is not said of both kinds."""
    if "event" in frame and frame["event"].notna().any():
        left = frame["event"].eq(1)
    elif "end_date" in frame:
        left = frame["end_date"].notna()
    else:
        return None
    return left if left.any() and not left.all() else None


def _only_leavers(values: pd.Series[Any], left: pd.Series[Any]) -> Message | None:
    """Return what gives a column away: filled, or 1, only among those who left; or no category in common."""
    if min(int(left.sum()), int((~left).sum())) < FEWEST:
        return None
    filled = values.notna()
    if _apart(filled, left):
        return Message("a column that is filled in only for customers who left")
    if pd.api.types.is_datetime64_any_dtype(values) or isinstance(values.dtype, pd.StringDtype):
        return None  # dates, and ids, which are as many as the customers
    if pd.api.types.is_numeric_dtype(values):
        flag = set(values.dropna().unique()) <= {0.0, 1.0}
        return (
            Message("a column that is 1 only for customers who left")
            if flag and _apart(values.eq(1), left)
            else None
        )
    if values.nunique() > MOST_CATEGORIES or int((filled & left).sum()) < FEWEST:
        return None
    gone, here = (set(values[rows].unique()) for rows in (filled & left, filled & ~left))
    if gone and here and not gone & here and int((filled & ~left).sum()) >= FEWEST:
        return Message("a column with other categories for customers who left than for the rest")
    return None


def _apart(marked: pd.Series[Any], left: pd.Series[Any]) -> bool:
    return int((marked & left).sum()) >= FEWEST and not (marked & ~left).any()


def _header(evidence: Evidence, column: str) -> str:
    return next(
        (part.headers[column] for part in evidence.parts(CUSTOMERS) if column in part.headers), column
    )
