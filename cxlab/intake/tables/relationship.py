"""What dates say of a customer: how long they stayed, whether they left, their last survey before that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.errors import Message
from cxlab.intake.coded import members, side_by_side
from cxlab.intake.declared.canonical import OWN_PREFIX, tables
from cxlab.periods import begun, reached

PIECE = 1_000_000


def _pieces(rows: int) -> Iterator[slice]:
    """Give the rows of a table piece by piece: what is made of dates takes many times their room."""
    return (slice(first, first + PIECE) for first in range(0, max(rows, 1), PIECE))


def with_duration(customers: pd.DataFrame) -> tuple[pd.DataFrame, list[Message]]:
    """Return customers with `duration` (months) and `event` (1 if they left), derived from their dates.

    Columns that are already there are left as they are.
    """
    notes: list[Message] = []
    if not {"start_date", "observation_end"} <= set(customers.columns):
        return customers, notes
    frame = customers.copy(deep=False)
    end = frame["end_date"] if "end_date" in frame else pd.Series(pd.NaT, index=frame.index)
    if "end_date" not in frame:
        notes.append(Message("no end_date: nobody is recorded as having left"))
    if "duration" not in frame:
        until = end.fillna(frame["observation_end"])
        frame["duration"] = pd.concat(
            [begun(frame["start_date"][rows], until[rows]) for rows in _pieces(len(frame))]
        )
        notes.append(
            Message("duration: calendar months begun from start_date to end_date, or to observation_end")
        )
    if "event" not in frame:
        frame["event"] = end.notna().astype("int64")
    return frame, notes


@dataclass(frozen=True)
class Match:
    """How surveys and customers met, for the ledger."""

    customers: int
    with_survey: int
    responses: int
    with_customer: int
    matched: int
    outside: int

    @property
    def rate(self) -> float:
        """Share of the responses that name a customer whose customer is there."""
        return self.matched / self.with_customer if self.with_customer else float("nan")


def with_last_survey(
    customers: pd.DataFrame, surveys: pd.DataFrame
) -> tuple[pd.DataFrame, Match | None, list[Message]]:
    """Join to each customer their last survey strictly before they left, or before observation ended.

    Added: `survey_date`, `survey_tenure` and the survey's items. `survey_tenure` is the months reached from
    start to survey: the entry time of an analysis that starts at the survey; missing where no whole month
    was seen after it. A survey before the start or not before the end is not joined.

    Parameters
    ----------
    customers, surveys : DataFrame
        Canonical tables.

    Returns
    -------
    DataFrame, Match or None, list of Message
        Customers in their order; None and a reason if a date or an id is not there.
    """
    lacking = [name for name in ("start_date", "observation_end") if name not in customers]
    lacking += [name for name in ("customer_id", "responded_at") if name not in surveys]
    if lacking:
        note = Message("surveys were not joined to customers: no {columns}", columns=", ".join(lacking))
        return customers, None, [note]
    items = _items(customers, surveys)
    asked = surveys.loc[surveys["customer_id"].notna(), ["customer_id", "responded_at", *items]]
    known = members(customers["customer_id"], asked["customer_id"])
    dates = customers.loc[known, ["customer_id", "start_date", "observation_end"]].assign(
        last_day=_last_day(customers)[known], place=np.flatnonzero(known)
    )
    met = asked.merge(dates, on="customer_id", how="inner")
    when = met["responded_at"]
    inside = (when >= met["start_date"]) & (when < met["last_day"])
    last = (
        met.loc[inside]
        .sort_values(["place", "responded_at"], kind="stable")
        .drop_duplicates("place", keep="last")
    )
    last = last.rename(columns={"responded_at": "survey_date"}).set_index("place")
    tenure = reached(last["start_date"], last["survey_date"])
    last["survey_tenure"] = tenure.where(tenure < begun(last["start_date"], last["last_day"]))
    places = np.arange(len(customers))
    answers = {
        name: last[name].reindex(places).set_axis(customers.index)
        for name in ("survey_date", "survey_tenure", *items)
    }
    match = Match(
        customers=len(customers),
        with_survey=len(last),
        responses=len(surveys),
        with_customer=len(asked),
        matched=len(met),
        outside=int((~inside).sum()),
    )
    notes = _kept_apart(customers, surveys)
    own = {str(name): customers[name] for name in customers}
    return side_by_side({**own, **answers}), match, notes


def _last_day(customers: pd.DataFrame) -> pd.Series[Any]:
    seen = customers["observation_end"]
    return customers["end_date"].fillna(seen) if "end_date" in customers else seen


def _items(customers: pd.DataFrame, surveys: pd.DataFrame) -> list[str]:
    ratings = tables()["survey_responses"].ratings
    own = [name for name in surveys.columns if name.startswith(OWN_PREFIX)]
    return [name for name in (*ratings, *own) if name in surveys and name not in customers]


def _kept_apart(customers: pd.DataFrame, surveys: pd.DataFrame) -> list[Message]:
    both = [name for name in surveys.columns if name.startswith(OWN_PREFIX) and name in customers]
    if not both:
        return []
    return [
        Message(
            "{columns}: the customers' own, not the survey's, where both have them", columns=", ".join(both)
        )
    ]
