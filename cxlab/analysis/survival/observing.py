"""Customers seen through a window: from when, until when, whether they left, and who is not seen at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from cxlab.analysis.columns import check_categories, check_frame, shown
from cxlab.analysis.dropped import check_entered, entering, missing
from cxlab.analysis.estimates import check_columns
from cxlab.analysis.survival.dates import as_day, as_days
from cxlab.analysis.survival.observed import check_roles
from cxlab.errors import AnalysisError, Message, Problem
from cxlab.periods import UNITS, Unit, begun, reached

Array = np.ndarray[Any, Any]
OnBad = Literal["refuse", "drop"]

_JOINED_LATER = Message("joined after the window")
_LEFT_BEFORE = Message("left before the window")
_SEEN_LATER = Message("first seen when it was over")
_NOT_WHOLE = Message("under observation for no whole unit of time before the end")
_BACKWARDS = Message("end before start")


class Observation(pd.DataFrame):
    """Customers or their episodes, and why others are not among them.

    An ordinary frame, whose columns every analysis of survival takes, with what was left out on the way;
    what is made of it (filtered, merged) is an ordinary frame without.

    Attributes
    ----------
    table : DataFrame
        The same rows as an ordinary frame.
    excluded : DataFrame
        reason, n: what is not in the table; with the rows of it they add up to what was given.
    receipt : DataFrame
        step, n: from what was given to what is used, and what became of it.
    dates : DataFrame
        Of each row, the days of start, first and last: when it began, was first and last under observation.
    unit : str
        What time is counted in.
    """

    _metadata = ["excluded", "receipt", "dates", "unit"]  # noqa: RUF012  pandas reads it so

    excluded: pd.DataFrame
    receipt: pd.DataFrame
    dates: pd.DataFrame
    unit: Unit

    @classmethod
    def of(
        cls,
        table: pd.DataFrame,
        dropped: Mapping[str, int],
        told: Iterable[tuple[str, int]],
        *,
        given: tuple[str, int],
        dates: pd.DataFrame,
        unit: Unit,
    ) -> Observation:
        """Return `table` with its receipt: what was `given`, what `dropped`, what is `told` of the rest."""
        made = cls(table)
        less = [(reason, -n) for reason, n in dropped.items()]
        made.excluded = pd.DataFrame(list(dropped.items()), columns=["reason", "n"]).astype({"n": int})
        made.receipt = pd.DataFrame([given, *less, *told], columns=["step", "n"])
        made.dates, made.unit = dates, unit
        return made

    @property
    def _constructor(self) -> type[pd.DataFrame]:
        return pd.DataFrame

    @property
    def table(self) -> pd.DataFrame:
        """The same rows as an ordinary frame."""
        return pd.DataFrame(self)


def observe(
    customers: pd.DataFrame,
    *,
    id: str,
    start: str,
    end: str,
    window: tuple[Any, Any],
    unit: Unit = "month",
    cause: str | None = None,
    first_seen: str | None = None,
    on_bad: OnBad = "refuse",
) -> Observation:
    """See each customer through a window: at risk from when they could have been seen to leave.

    A customer is under observation from the latest of joining, the first day of the window and the day they
    were first seen, until they leave or the window closes. Time is counted from joining, so that customers
    of an age are compared; who had joined before enters late, because those who left before are not there
    (left truncation).

    Parameters
    ----------
    customers : DataFrame (n, any)
        One row per customer, of all who were ever customers as far as the records go.
    id, start, end : str
        Columns: who, the date of joining, the date of leaving (missing for who is still here).
    window : (date, date)
        First and last day on which leaving would be in the records; dates or their ISO text.
    unit : {"month", "day", "week", "quarter", "year"}
        Time is counted in whole units.
    cause : str, optional
        Column that says why a customer left.
    first_seen : str, optional
        Column with the day a customer came into the data (such as a survey); without it nobody is at risk.
    on_bad : {"refuse", "drop"}
        What to do where the end lies before the start: refuse the table, or leave these out, counted.

    Returns
    -------
    Observation
        A frame: id, entry (units reached when observation began; 0 from joining on), duration (the interval
        in which the customer left or was last seen), event (1 left within the window), cause (of who left
        within it, else missing). ``excluded``: reason, n. ``receipt``: step, n. ``dates``: start, first,
        last (days).

    Raises
    ------
    AnalysisError
        For repeated or blank ids, ends before starts, text or numbers instead of dates, dates with a time
        zone beside dates without one, a window that is none, or if nobody is left.

    Notes
    -----
    Time runs in half-open intervals (k-1, k] of calendar units (`cxlab.periods`): a customer who leaves on
    the day a month is completed has stayed that many, zero days fall in the first. Whoever leaves after the
    window is still here at its end. Who comes under observation within a unit is at risk from the next one
    on: nobody could be seen to leave in its first days. The unit in which observation ends counts as seen
    whole; count in days or weeks where that matters.

    Examples
    --------
    >>> customers = pd.DataFrame({"who": ["a", "b", "c", "d"]})
    >>> joined = pd.to_datetime(["2022-06-01", "2023-03-10", "2021-01-01", "2025-02-01"])
    >>> left = pd.to_datetime(["2023-02-15", None, "2022-05-05", None])
    >>> customers = customers.assign(joined=joined, left=left)
    >>> window = "2023-01-01", "2024-12-31"
    >>> seen = observe(customers, id="who", start="joined", end="left", window=window)
    >>> seen.iloc[:, :4].values.tolist()
    [['a', 7.0, 9.0, 1], ['b', 0.0, 22.0, 0]]
    >>> seen.excluded.values.tolist()
    [['joined after the window', 1], ['left before the window', 1]]
    """
    _check_asked(customers, unit, on_bad)
    roles: dict[str, Sequence[str | None]] = {"the id": [id], "the start": [start], "the end": [end]}
    check_roles({**roles, "the cause": [cause], "the day first seen": [first_seen]})
    given = [column for column in (start, end, first_seen) if column is not None]
    check_columns(customers, [id, *given, *([cause] if cause else [])])
    check_categories(customers, [cause] if cause else [])
    opens, closes = _window(window)
    days = as_days(customers, given)
    problems = wrong_ids(customers[id], id)
    joined, leaves = days[start], days[end]
    backwards = (leaves < joined).to_numpy()
    if on_bad == "refuse":
        problems += _backwards(customers[id], backwards, end)
    if problems:
        raise AnalysisError("these customers cannot be observed", problems=problems)
    seen = joined if first_seen is None else days[first_seen].clip(lower=joined)
    first, last = seen.where(seen >= opens, opens), leaves.where(leaves <= closes, closes)
    entry, duration = reached(joined, first, unit), begun(joined, last, unit)
    reasons = [
        (missing(start), joined.isna().to_numpy()),
        *([(missing(first_seen), days[first_seen].isna().to_numpy())] if first_seen else []),
        (_BACKWARDS, backwards),
        (_JOINED_LATER, (joined > closes).to_numpy()),
        (_LEFT_BEFORE, ((leaves <= opens) & (joined < opens)).to_numpy()),
        # Whoever is first seen on the last day, or later, could not be seen to leave.
        (_SEEN_LATER, ((first >= last) & (first > joined)).to_numpy()),
        (_NOT_WHOLE, (entry >= duration).to_numpy()),
    ]
    kept, dropped = entering(len(customers), reasons)
    check_entered(kept, dropped)
    dates = pd.DataFrame({"start": joined, "first": first, "last": last})[kept].reset_index(drop=True)
    left = (leaves <= closes).to_numpy()[kept]
    table = pd.DataFrame(
        {
            "id": customers[id].to_numpy()[kept],
            "entry": entry.to_numpy()[kept],
            "duration": duration.to_numpy()[kept],
            "event": left.astype(int),
            "cause": _causes(customers, cause, kept, left),
        }
    )
    told = _told(table, int((leaves > closes).to_numpy()[kept].sum()), cause)
    whole = Message("customers given"), len(customers)
    return Observation.of(table, dropped, told, given=whole, dates=dates, unit=unit)


def check_observation(observed: Any) -> None:
    """Refuse what `observe` did not return: the dates would not be there."""
    if not isinstance(observed, Observation) or "entry" not in observed:
        raise AnalysisError(
            "observed is a {kind}; give what survival.observe returned, as it is: the dates go with it",
            kind=type(observed).__name__,
        )


def _check_asked(customers: Any, unit: Any, on_bad: Any) -> None:
    check_frame(customers)
    if not len(customers):
        raise AnalysisError("the table has no rows; nothing can be estimated")
    for name, asked, allowed in (("unit", unit, UNITS), ("on_bad", on_bad, get_args(OnBad))):
        if asked not in allowed:
            raise AnalysisError(
                "{name} is {given!r}; allowed: {allowed}", name=name, given=asked, allowed=", ".join(allowed)
            )


def _window(window: Any) -> tuple[pd.Timestamp, pd.Timestamp]:
    if isinstance(window, str) or not isinstance(window, Sequence) or len(window) != 2:
        raise AnalysisError(
            "window is {window!r}; give its first and its last day, as in ('2023-01-01', '2024-12-31')",
            window=window,
        )
    opens, closes = (as_day(given, "window") for given in window)
    if opens >= closes:
        raise AnalysisError(
            "the window closes on {closes} and opens on {opens}; give its first day and then its last",
            opens=str(opens)[:10], closes=str(closes)[:10],
        )  # fmt: skip
    return opens, closes


def wrong_ids(ids: pd.Series[Any], column: str, *, repeat: bool = False) -> list[Problem]:
    """Return what is wrong with a column that says who each row is: blanks, and who stands there twice."""
    blank, again = ids.isna().to_numpy(), (ids.duplicated(keep=False) & ids.notna()).to_numpy()
    problems = []
    said = shown(map(str, ids[again].unique()))
    if blank.any():
        problems.append(
            Problem(
                found=Message("a blank"),
                allowed=Message("who it is"),
                action=Message("fill it, or exclude the row, in client.yaml"),
                column=column, row=int(np.flatnonzero(blank)[0]) + 1, count=int(blank.sum()),
            )
        )  # fmt: skip
    if again.any() and not repeat:
        problems.append(
            Problem(
                found=Message("{column} repeated: {ids}", column=column, ids=said),
                allowed=Message("one row for each customer"),
                action=Message(
                    "keep one row for each; who left and came back is two customers, with an id for each stay"
                ),
                column=column, row=int(np.flatnonzero(again)[0]) + 1, count=int(again.sum()),
            )
        )  # fmt: skip
    return problems


def _backwards(ids: pd.Series[Any], backwards: Array, end: str) -> list[Problem]:
    if not backwards.any():
        return []
    return [
        Problem(
            found=Message("an end before the start, of {ids}", ids=shown(map(str, ids[backwards]))),
            allowed=Message("an end on the day of the start, or later"),
            action=Message("correct the dates, or leave these customers out, counted, with on_bad='drop'"),
            column=end, row=int(np.flatnonzero(backwards)[0]) + 1, count=int(backwards.sum()),
        )
    ]  # fmt: skip


def _causes(customers: pd.DataFrame, cause: str | None, kept: Array, left: Array) -> pd.Series[Any]:
    """Return why each customer left; missing for who is still here at the end, whatever came after."""
    if cause is None:
        return pd.Series(np.full(len(left), None, dtype=object))
    return customers[cause][kept].reset_index(drop=True).where(left)


def _told(table: pd.DataFrame, later: int, cause: str | None) -> list[tuple[str, int]]:
    left = table["event"] == 1
    return [
        (Message("customers used"), len(table)),
        (Message("of them under observation from the start"), int((table["entry"] == 0).sum())),
        (Message("of them under observation only later"), int((table["entry"] > 0).sum())),
        (Message("of them left"), int(left.sum())),
        *(
            [(Message("of them left, no cause given"), int(table["cause"][left].isna().sum()))]
            if cause
            else []
        ),
        (Message("of them left after the window: still here at its end"), later),
    ]
