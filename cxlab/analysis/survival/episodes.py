"""Answers that change over time: episodes in which a value holds, and who is still here at a landmark.

A customer who answers has not left until then: counted as one who answered from the start, the answer seems
to keep customers (immortal time). Here a value holds only after its answer, strictly, and who has not
answered is a level of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.columns import as_floats, check_categories, check_frame
from cxlab.analysis.dropped import check_entered, entering, missing
from cxlab.analysis.estimates import check_columns, check_numbers, whole_from
from cxlab.analysis.survival.dates import as_days
from cxlab.analysis.survival.observed import check_roles
from cxlab.analysis.survival.observing import Observation, check_observation
from cxlab.errors import AnalysisError, Message
from cxlab.periods import begun

Array = np.ndarray[Any, Any]

NOT_SURVEYED = "not surveyed"

_OWN = ("id", "start", "stop", "event", "cause", "entry", "duration")


def episodes(
    observed: Observation,
    surveys: pd.DataFrame,
    *,
    id: str,
    date: str,
    value: str,
    max_age: int | None = None,
    lag: int = 0,
    unsurveyed: str = NOT_SURVEYED,
) -> Observation:
    """Cut the time of each customer where an answer changes: each value holds only after it was given.

    Parameters
    ----------
    observed : Observation (customers)
        What `observe` returned.
    surveys : DataFrame (answers, any)
        One row per answer; a customer may have several, or none.
    id, date, value : str
        Columns of `surveys`: whose answer, given when, and its level (text, categories, booleans; numbers
        become levels).
    max_age : int, optional
        Units of time after which an answer no longer holds and the customer counts as not surveyed.
    lag : int
        Units of time after the answer from which it holds; what happens sooner goes to the level before, so
        that an answer of who was about to leave tells nothing.
    unsurveyed : str
        Name of the level without an answer that holds.

    Returns
    -------
    Observation
        A frame: id, start, stop, event (1 where a customer left at the stop), the column named as `value`,
        cause; episodes of a customer follow each other without gap or overlap. ``excluded``: reason, n, of
        answers. For `hazards` the stop is the duration, the start the entry, and `id` says whose they are.

    Raises
    ------
    AnalysisError
        If `observed` is not what `observe` returned; for text or numbers instead of dates, a level that
        is named as `unsurveyed`, or a lag or age that is no whole number.

    Notes
    -----
    An answer in the interval (k-1, k] holds from k on. Of several in one interval the last one holds.

    References
    ----------
    Suissa (2008), doi:10.1093/aje/kwm324 (immortal time).

    Examples
    --------
    >>> from cxlab.analysis.survival import observe
    >>> day = pd.Timestamp
    >>> customers = pd.DataFrame({"who": ["a"], "joined": [day("2023-01-10")], "left": [day("2023-08-15")]})
    >>> seen = observe(customers, id="who", start="joined", end="left", window=("2023-01-01", "2023-12-31"))
    >>> asked = pd.DataFrame({"who": ["a"], "on": [day("2023-04-01")], "nps": ["promoter"]})
    >>> episodes(seen, asked, id="who", date="on", value="nps").iloc[:, :5].values.tolist()
    [['a', 0.0, 3.0, 0, 'not surveyed'], ['a', 3.0, 8.0, 1, 'promoter']]
    """
    _check_asked(observed, value, max_age, lag)
    place, holds, level, dropped = _answers(observed, surveys, id, date, value, lag, unsurveyed)
    pieces = _pieces(observed, place, holds, level, max_age, unsurveyed)
    over = len(place) - int(np.unique(pieces["answer"][pieces["answer"] >= 0]).size)
    if over:
        dropped[Message("no longer held when observation began")] = over
    rows = pieces["place"].to_numpy()
    who = observed.table.take(rows).reset_index(drop=True)
    last = pieces["stop"].to_numpy() == who["duration"].to_numpy()
    table = pd.DataFrame(
        {
            "id": who["id"],
            "start": pieces["start"],
            "stop": pieces["stop"],
            "event": np.where(last, who["event"], 0),
            value: pieces["level"],
            "cause": who["cause"].where(last),
        }
    )
    told = [
        (Message("answers that hold"), len(surveys) - sum(dropped.values())),
        (Message("customers"), len(observed)),
        (Message("episodes"), len(table)),
    ]
    dates = observed.dates.take(rows).reset_index(drop=True)
    given = Message("answers given"), len(surveys)
    return Observation.of(table, dropped, told, given=given, dates=dates, unit=observed.unit)


def landmark(
    observed: Observation,
    surveys: pd.DataFrame,
    *,
    at: float,
    id: str,
    date: str,
    value: str,
    max_age: int | None = None,
    lag: int = 0,
    unsurveyed: str = NOT_SURVEYED,
) -> Observation:
    """Take the customers who are here at time `at`, each with the answer that held then.

    Parameters
    ----------
    observed, surveys, id, date, value, max_age, lag, unsurveyed
        As in `episodes`.
    at : float
        The landmark, in units of time since joining.

    Returns
    -------
    Observation
        A frame: id, entry (the landmark), duration, event, cause, and the column named as `value`.
        ``excluded``: reason, n, of customers.

    Raises
    ------
    AnalysisError
        As `episodes`; if nobody is here at the landmark.

    References
    ----------
    Anderson, Cain & Gelber (1983), doi:10.1200/JCO.1983.1.11.710.

    Examples
    --------
    >>> from cxlab.analysis.survival import observe
    >>> day = pd.Timestamp
    >>> customers = pd.DataFrame({"who": ["a"], "joined": [day("2023-01-10")], "left": [day("2023-08-15")]})
    >>> seen = observe(customers, id="who", start="joined", end="left", window=("2023-01-01", "2023-12-31"))
    >>> asked = pd.DataFrame({"who": ["a"], "on": [day("2023-04-01")], "nps": ["promoter"]})
    >>> landmark(seen, asked, at=6, id="who", date="on", value="nps").values.tolist()
    [['a', 6.0, 8.0, 1, None, 'promoter']]
    """
    check_numbers(("at", at, lambda t: t >= 0, Message("zero or more")))
    how = {"max_age": max_age, "lag": lag}
    cut = episodes(observed, surveys, id=id, date=date, value=value, unsurveyed=unsurveyed, **how)  # type: ignore[arg-type]
    entry, duration = (observed[name].to_numpy() for name in ("entry", "duration"))
    kept, dropped = entering(
        len(observed),
        [
            (Message("left, or seen last, before the landmark"), duration <= at),
            (Message("under observation only after the landmark"), entry > at),
        ],
    )
    check_entered(kept, dropped)
    # Ids are unique among customers, and each has one episode at any time.
    now = cut.table[((cut["start"] <= at) & (at < cut["stop"])).to_numpy()]
    table = observed.table[kept].reset_index(drop=True).assign(entry=float(at))
    table[value] = now.set_index("id")[value].reindex(table["id"]).to_numpy()
    told = [(Message("customers used"), len(table)), (Message("of them left"), int(table["event"].sum()))]
    dates = observed.dates[kept].reset_index(drop=True)
    given = Message("customers observed"), len(observed)
    return Observation.of(table, dropped, told, given=given, dates=dates, unit=observed.unit)


def _check_asked(observed: Any, value: str, max_age: Any, lag: Any) -> None:
    check_observation(observed)
    if value in _OWN:
        raise AnalysisError("{column!r} is a column of the episodes; rename it in the surveys", column=value)
    for name, given, least in (("max_age", max_age, 1), ("lag", lag, 0)):
        if not (whole_from(given, least) or (name == "max_age" and given is None)):
            raise AnalysisError(
                "{name} is {given!r}; give a whole number of units of time, {least} or more",
                name=name, given=given, least=least,
            )  # fmt: skip


def _answers(
    observed: Observation, surveys: pd.DataFrame, who: str, date: str, value: str, lag: int, unsurveyed: str
) -> tuple[Array, Array, Array, dict[str, int]]:
    """Return whose each answer is, from when it holds and its level, in order, and what was left out."""
    check_frame(surveys)
    check_roles({"the id": [who], "the date": [date], "the value": [value]})
    check_columns(surveys, [who, date, value])
    check_categories(surveys, [value])
    when = as_days(surveys, [date])[date].reset_index(drop=True)
    place = pd.Index(observed["id"]).get_indexer(pd.Index(surveys[who]))
    dates = observed.dates.take(np.maximum(place, 0)).reset_index(drop=True)
    # An answer of the day of joining is given in the first interval: it holds from its end on.
    holds = (begun(dates["start"], when, observed.unit) + lag).to_numpy()
    ends = observed["duration"].to_numpy()[np.maximum(place, 0)]
    reasons = [
        (missing(value), surveys[value].isna().to_numpy()),
        (missing(date), when.isna().to_numpy()),
        (Message("of nobody who is observed"), place < 0),
        (Message("given before joining"), (when < dates["start"]).to_numpy()),
        (Message("given too late to come before the end"), ~(holds < ends)),
    ]
    kept, dropped = entering(len(surveys), reasons)
    level = _levels(surveys[value][kept], value, unsurveyed)
    rows = pd.DataFrame({"place": place[kept], "holds": holds[kept], "when": when.to_numpy()[kept]})
    rows = rows.assign(level=level.to_numpy()).sort_values(["place", "when"], kind="stable")
    last = rows.drop_duplicates(["place", "holds"], keep="last")
    if len(last) < len(rows):
        again = Message("another answer of the same {unit} holds", unit=Message(observed.unit))
        dropped[again] = len(rows) - len(last)
    return last["place"].to_numpy(), last["holds"].to_numpy(), last["level"].to_numpy(), dropped


def _levels(held: pd.Series[Any], column: str, unsurveyed: str) -> pd.Series[Any]:
    numbers = as_floats(held)
    levels = held.astype(str) if numbers is None else pd.Series([f"{v:g}" for v in numbers], dtype=object)
    if (levels == unsurveyed).any():
        raise AnalysisError(
            "{column!r} has a level {level!r} of its own; name the one without an answer otherwise",
            column=column, level=unsurveyed,
        )  # fmt: skip
    return levels.astype(object)


def _pieces(
    observed: Observation, place: Array, holds: Array, level: Array, max_age: int | None, unsurveyed: str
) -> pd.DataFrame:
    """Return the episodes of all: place of the customer, start, stop, level, which answer (-1 for none)."""
    entry, ends = observed["entry"].to_numpy(), observed["duration"].to_numpy()
    everyone, none = np.arange(len(ends)), np.full(len(ends), unsurveyed, dtype=object)
    first = np.full(len(ends), np.inf)
    np.minimum.at(first, place, holds)
    # An answer holds until the next one, until it is too old, or until the end.
    same = np.append(place[1:] == place[:-1], False) if len(place) else np.empty(0, dtype=bool)
    until = np.where(same, np.append(holds[1:], np.inf)[: len(holds)], ends[place])
    old = np.minimum(until, holds + (np.inf if max_age is None else max_age))
    lapsed = np.flatnonzero(old < until)
    nobody = np.full(len(ends) + len(lapsed), -1)
    parts = pd.DataFrame(
        {
            "place": np.concatenate([everyone, place, place[lapsed]]),
            "start": np.concatenate([entry, holds, old[lapsed]]),
            "stop": np.concatenate([np.minimum(first, ends), old, until[lapsed]]),
            "level": np.concatenate([none, level, np.full(len(lapsed), unsurveyed, dtype=object)]),
            "answer": np.concatenate([nobody[: len(ends)], np.arange(len(place)), nobody[len(ends) :]]),
        }
    )
    parts["start"] = np.maximum(parts["start"], entry[parts["place"].to_numpy()])
    parts = parts[parts["start"] < parts["stop"]]
    return parts.sort_values(["place", "start"], kind="stable").reset_index(drop=True)
