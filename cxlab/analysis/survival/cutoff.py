"""Customers as they were known at a cut-off date: who was there, for how long, and what they had answered.

Only whole months count: whoever leaves within the k-th month leaves at k, and whoever is last seen within
it is seen until k-1, so that a month seen in part neither adds customers at risk nor departures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab import periods
from cxlab.analysis.columns import check_rows
from cxlab.analysis.dropped import entering
from cxlab.analysis.estimates import check_columns
from cxlab.analysis.survival.dates import as_days
from cxlab.errors import AnalysisError, Message, Problem

Array = np.ndarray[Any, Any]

ANSWERED = "has_answered"
ENTRY, DURATION, EVENT, SINCE = "entry", "duration", "event", "since"

NOT_YET = Message("not yet a customer at the cut-off date")
NOT_SEEN = Message("not under observation at the cut-off date")
GONE = Message("left before the cut-off date")
IN_GAP = Message("left in the days between the cut-off date and the contact")
UNDER_A_MONTH = Message("seen for less than a month")
UNSEEN_AFTER = Message("no longer under observation at the cut-off date")


@dataclass(frozen=True, slots=True)
class Dates:
    """Columns of the dates of each customer: joined, left (missing: still here), last seen and first seen."""

    start: str = "start_date"
    end: str = "end_date"
    seen: str = "observation_end"
    first: str = "first_seen"


@dataclass(frozen=True, slots=True)
class Answers:
    """Scores that customers gave on a date (one row each): they are known from that date on, not before."""

    table: pd.DataFrame
    scores: tuple[str, ...]
    date: str
    id: str


@dataclass(frozen=True, slots=True, eq=False)
class Lives:
    """Customers and their dates as days; `end` is missing for those who are still here or left otherwise."""

    table: pd.DataFrame
    start: pd.Series[Any]
    end: pd.Series[Any]
    gone: pd.Series[Any]
    seen: pd.Series[Any]
    first: pd.Series[Any]

    @property
    def last(self) -> pd.Timestamp:
        """The last day of the data."""
        return pd.Timestamp(self.seen.max())


def lives(table: pd.DataFrame, event: str, names: Dates) -> Lives:
    """Read the dates of customers.

    Raises
    ------
    AnalysisError
        Where a date is missing that is needed, or who left has no date of leaving.
    """
    check_rows(table, persons=True)
    optional = [name for name in (names.end, names.first) if name in table]
    check_columns(table, [names.start, names.seen, event])
    days = as_days(table, [names.start, names.seen, *optional])
    none = pd.Series(np.datetime64("NaT", "s"), index=table.index)
    gone = days.get(names.end, none)
    left = table[event].astype(float) == 1
    problems = [
        *_blank(names.start, days[names.start].isna()),
        *_blank(names.seen, days[names.seen].isna()),
        *_blank(names.end, left & gone.isna()),
    ]
    if problems:
        raise AnalysisError("who was a customer at a date cannot be told", problems=problems)
    first = days.get(names.first, none).fillna(days[names.start])
    return Lives(table, days[names.start], gone.where(left), gone, days[names.seen], first)


def _blank(column: str, missing: pd.Series[Any]) -> list[Problem]:
    rows = np.flatnonzero(missing)
    if not len(rows):
        return []
    return [
        Problem(
            found=Message("a blank"), allowed=Message("a date"), column=column, row=int(rows[0]) + 1,
            count=len(rows), action=Message("fill it, or exclude the row, in client.yaml"),
        )
    ]  # fmt: skip


def spells(
    since: pd.Series[Any], end: pd.Series[Any], gone: pd.Series[Any], until: pd.Series[Any]
) -> tuple[pd.Series[Any], pd.Series[Any]]:
    """Return whole months from `since` on, and whether they end with leaving, as seen `until`."""
    stop = until.where(~(gone < until), gone)
    whole = periods.completed(since, stop).where(end.isna() | (end > until), periods.completed(since, until))
    exits = periods.begun(since, end)
    left = end.notna() & (exits <= periods.completed(since, until))
    return exits.where(left, whole), left


def history(held: Lives, at: pd.Timestamp, answers: Answers | None) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return what was seen until `at` as episodes: entry, duration, event, the columns and known scores.

    With answers a customer has an episode for each, which begins in the month after it; before the first one
    its scores are missing.
    """
    until = pd.Series(np.minimum(held.seen, np.datetime64(at)), index=held.table.index)
    duration, event = spells(held.start, held.end, held.gone, until)
    entry = periods.completed(held.start, held.first).clip(lower=0)
    kept, dropped = entering(
        len(held.table),
        [(NOT_YET, (held.start > at).to_numpy()), (UNDER_A_MONTH, ~(duration > entry).to_numpy())],
    )
    table = held.table.loc[kept].assign(
        **{ENTRY: entry[kept], DURATION: duration[kept], EVENT: event[kept].astype(int)}
    )
    return (table if answers is None else _episodes(table, held.start[kept], at, answers)), dropped


def at_risk(
    held: Lives, at: pd.Timestamp, gap: int, answers: Answers | None
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return who was a customer at `at` and is one `gap` days later, with what was known at `at`.

    `since` holds the months so far at the later date, those begun as a fraction; `duration` and `event` the
    whole months after it.
    """
    later = at + pd.Timedelta(days=gap)
    kept, dropped = entering(
        len(held.table),
        [
            (NOT_YET, (held.start > at).to_numpy()),
            (NOT_SEEN, (held.first > at).to_numpy()),
            (GONE, (held.gone <= at).to_numpy()),
            (IN_GAP, (held.gone <= later).to_numpy()),
            (UNSEEN_AFTER, (held.seen < later).to_numpy()),
        ],
    )
    own = {name: getattr(held, name)[kept] for name in ("start", "end", "gone", "seen")}
    moment = pd.Series(np.datetime64(later, "s"), index=own["start"].index)
    duration, event = spells(moment, own["end"], own["gone"], own["seen"])
    table = held.table.loc[kept].assign(
        **{SINCE: _so_far(own["start"], moment), DURATION: duration, EVENT: event.astype(int)}
    )
    if answers is not None:
        last = _answers_of(table, own["start"], at, answers).groupby("place").last()
        known = last.reindex(np.arange(len(table)))[list(answers.scores)].set_axis(table.index)
        table = table.drop(columns=list(answers.scores), errors="ignore").join(known)
    return table, dropped


def _so_far(start: pd.Series[Any], moment: pd.Series[Any]) -> pd.Series[Any]:
    """Months since `start`, the one begun by the share of its days (taken as the mean month's) gone by."""
    whole = periods.completed(start, moment)
    anniversary = start.astype("datetime64[s]").to_numpy().astype("datetime64[M]") + whole.to_numpy().astype(
        "timedelta64[M]"
    )
    days = (moment - pd.Series(anniversary.astype("datetime64[s]"), index=start.index)).dt.days
    so_far: pd.Series[Any] = whole + (days - (start.dt.day - 1)).clip(0, 30) / 31
    return so_far


def _answers_of(
    table: pd.DataFrame, start: pd.Series[Any], at: pd.Timestamp, answers: Answers
) -> pd.DataFrame:
    """Return the whole answers given until `at`, each with its customer's `place`, oldest first."""
    given = answers.table[[answers.id, *answers.scores]].assign(
        on=as_days(answers.table, [answers.date])[answers.date]
    )
    given = given[given[list(answers.scores)].notna().all(axis=1) & (given["on"] <= at)]
    who = pd.DataFrame({answers.id: table[answers.id], "place": np.arange(len(table)), "start": start})
    met = given.merge(who, on=answers.id, how="inner")
    met["month"] = periods.reached(met["start"], met["on"])
    return met[met["on"] >= met["start"]].sort_values(["place", "on"], kind="stable")


def _episodes(table: pd.DataFrame, start: pd.Series[Any], at: pd.Timestamp, answers: Answers) -> pd.DataFrame:
    """Split each customer's time where an answer becomes known."""
    base = table.drop(columns=list(answers.scores), errors="ignore")
    entry, end = base[ENTRY].to_numpy(), base[DURATION].to_numpy()
    met = _answers_of(base, start, at, answers)
    met["month"] = np.maximum(met["month"], entry[met["place"]])
    met = met[met["month"] < end[met["place"]]]
    first = pd.DataFrame({"place": np.arange(len(base)), "month": entry})
    both = pd.concat([first, met[["place", "month", *answers.scores]]], ignore_index=True)
    both = both.sort_values(["place", "month"], kind="stable").drop_duplicates(
        ["place", "month"], keep="last"
    )
    place, begins = both["place"].to_numpy(), both["month"].to_numpy()
    last = np.append(place[1:] != place[:-1], True)
    out = base.iloc[place].reset_index(drop=True)
    out[list(answers.scores)] = both[list(answers.scores)].to_numpy(dtype=float)
    out[ENTRY] = begins
    out[DURATION] = np.where(last, end[place], np.append(begins[1:], 0.0))
    out[EVENT] = np.where(last, out[EVENT], 0)
    return out


def filled(table: pd.DataFrame, scores: Sequence[str], means: Mapping[str, float]) -> pd.DataFrame:
    """Return the table with `has_answered` (1 where the scores are known) and unknown scores at their mean.

    A score then counts among those who gave it, and not having answered is a level of its own.
    """
    if not scores:
        return table
    known = table[list(scores)].notna().all(axis=1)
    values = {name: table[name].where(known, means[name]).astype(float) for name in scores}
    return table.assign(**{ANSWERED: known.astype(float), **values})
