"""Journeys cut from a log of contacts: what a customer does about one thing, from first contact to last.

An episode is a run of contacts of one customer about one type of interaction in which none follows the one
before it by more than `gap_days`. A step is where a contact takes place (a channel, an area, a device); an
episode that changes it has switched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.columns import check_categories, check_frame
from cxlab.analysis.dropped import check_entered, entering, missing
from cxlab.analysis.estimates import Claim, Result, check_columns, check_level, check_numbers
from cxlab.analysis.findings import base_caveats, interval_fields
from cxlab.analysis.journey.clustered import ESTIMATED, shares
from cxlab.errors import AnalysisError, Message

Array = np.ndarray[Any, Any]

GAP_DAYS = 14
PERSON, WHEN, TYPE = "customer_id", "ts_start", "interaction_type"
OWN = ("episode", "place", "previous", "switch")
_ELSEWHERE = Message("of a customer who is not in this report")
_SAME_TIME = Message("contacts at the same time as the one before, so that their order is that of the file")


@dataclass(frozen=True, eq=False, kw_only=True)
class Episodes(Result):
    """Episodes by type of interaction; see `episodes` for the columns.

    Attributes
    ----------
    contacts : DataFrame
        The rows that entered, in order, with ``episode`` (number), ``place`` (0 the first of its episode),
        ``previous`` (step of the contact before, missing for the first) and ``switch`` (it is another one).
        People's rows: to go on with, not to be shown.
    step, person, when, type : str
        The columns that say where, whose, when and what about.
    """

    contacts: pd.DataFrame = field(default_factory=pd.DataFrame)
    step: str = "channel"
    person: str = PERSON
    when: str = WHEN
    type: str = ""


def episodes(
    interactions: pd.DataFrame,
    *,
    customers: pd.DataFrame | None = None,
    step: str = "channel",
    gap_days: float = GAP_DAYS,
    episode: str = "",
    person: str = PERSON,
    when: str = WHEN,
    type: str = TYPE,
    level: float = 0.95,
) -> Episodes:
    """Cut a log of contacts into episodes, and say how many of them change step.

    Parameters
    ----------
    interactions : DataFrame
        One row per contact; not changed.
    customers : DataFrame, optional
        Whose contacts count (column `person`); those of everybody where it has no rows.
    step : str
        Column that says where a contact takes place.
    gap_days : float
        A contact more than so many days after the one before starts a new episode.
    episode : str
        Column that names the episodes, where the client knows them; then `gap_days` cuts nothing.
    person, when : str
        Columns of the customer and of the time.
    type : str
        Column of what it is about; one that the table lacks does not cut.
    level : float
        Confidence level.

    Returns
    -------
    Episodes
        ``table``: the type, ``episodes``, ``contacts``, ``estimate`` (share of the episodes of several
        contacts that switch), ``std_error``, ``conf_low``, ``conf_high`` (Wilson, customers as units),
        ``n`` (episodes of several contacts), ``n_eff``, ``flag``; the first row is of all types.
        ``tables["checks"]``: contacts whose order is not known.

    Raises
    ------
    AnalysisError
        If a column is missing, `when` holds no dates, or nothing is left.

    Examples
    --------
    >>> log = pd.DataFrame({"customer_id": [1, 1, 1, 2], "interaction_type": "use",
    ...     "ts_start": pd.to_datetime(["2025-01-01", "2025-01-10", "2025-03-01", "2025-01-05"]),
    ...     "channel": ["app", "store", "app", "web"]})
    >>> found = episodes(log)
    >>> found.contacts["episode"].tolist(), found.contacts["switch"].tolist()
    ([0, 0, 1, 2], [False, True, False, False])
    """
    check_level(level)
    check_frame(interactions)
    check_numbers(("gap_days", gap_days, lambda d: d > 0, Message("a number of days above zero")))
    asked = [person, when, step, *([episode] if episode else [])]
    check_columns(interactions, asked)
    check_categories(interactions, [person, step])
    _check_dates(interactions, when)
    _check_names(interactions)
    kind = type if type in interactions else ""
    reasons = [
        (missing(name), interactions[name].isna().to_numpy()) for name in [*asked, *([kind] if kind else [])]
    ]
    if customers is not None and len(customers):
        check_columns(customers, [person])
        reasons.append((_ELSEWHERE, ~interactions[person].isin(customers[person]).to_numpy()))
    used, dropped = entering(len(interactions), reasons)
    check_entered(used, dropped)
    ordered, tied = _ordered(interactions[used], person, when, kind, episode, gap_days)
    contacts = _stepped(ordered, step)
    table = _table(contacts, person, kind, level)
    return Episodes(
        table=table,
        keys=(kind,) if kind else (),
        estimate_column="estimate",
        tables={"checks": _checks(tied, contacts)},
        n_used=int(used.sum()),
        n_dropped=dropped,
        settings={
            "step": step, "gap_days": None if episode else gap_days, "episode": episode or None,
            "level": level, "unit": "share", "from": step, "to": step,
            "by": [kind] if kind else [],
        },
        claims=_claims(table, step, level, None if episode else gap_days),
        parts={kind: kind} if kind else {},
        asked_of=("journeys",),
        contacts=contacts,
        step=step,
        person=person,
        when=when,
        type=kind,
    )  # fmt: skip


def codes_of(found: Episodes) -> tuple[Array, Array]:
    """Return the person of each contact, and of each episode, as numbers."""
    person = pd.factorize(found.contacts[found.person])[0]
    first = found.contacts["place"].to_numpy() == 0
    return person, person[first]


def of_episodes(found: Episodes, values: Any, how: str) -> Array:
    """Reduce a value of each contact to one of each episode: ``any``, ``last`` known, ``sum`` or ``first``.

    Missing values do not count; an episode with none has none.
    """
    held = np.asarray(values, dtype=float)
    number = found.contacts["episode"].to_numpy()
    count = int(number[-1]) + 1
    known = ~np.isnan(held)
    out = np.full(count, np.nan)
    if how == "sum":
        return np.bincount(number, np.where(known, held, 0.0), count)
    if how == "any":
        most = np.full(count, -np.inf)
        np.maximum.at(most, number[known], held[known])
        return np.where(np.isfinite(most), most, np.nan)
    order = np.flatnonzero(known) if how == "last" else np.flatnonzero(known)[::-1]
    out[number[order]] = held[order]
    return out


def _check_dates(table: pd.DataFrame, when: str) -> None:
    if not pd.api.types.is_datetime64_any_dtype(table[when]):
        raise AnalysisError(
            "column {column!r} holds no dates, and journeys need the order of the contacts; "
            "declare its format under dates in client.yaml",
            column=when,
        )


def _check_names(table: pd.DataFrame) -> None:
    taken = [name for name in OWN if name in table]
    if taken:
        raise AnalysisError(
            "the table has columns that episodes make themselves: {columns}; rename them in client.yaml",
            columns=", ".join(taken),
        )


def _ordered(
    rows: pd.DataFrame, person: str, when: str, kind: str, episode: str, gap_days: float
) -> tuple[pd.DataFrame, int]:
    """Return the rows by person, matter and time, with the number of the episode, and how many are tied."""
    whose = pd.factorize(rows[person])[0]
    about = pd.factorize(rows[episode or kind])[0] if episode or kind else np.zeros(len(rows), dtype=int)
    time = rows[when].to_numpy().astype("datetime64[ns]").astype(np.int64)
    order = np.lexsort((np.arange(len(rows)), time, about, whose))
    whose, about, time = whose[order], about[order], time[order]
    goes_on = (np.diff(whose) == 0) & (np.diff(about) == 0)
    if not episode:
        goes_on &= np.diff(time) <= gap_days * 86_400e9
    first = np.concatenate([[True], ~goes_on])
    number = np.cumsum(first) - 1
    start = np.flatnonzero(first)
    placed = rows.iloc[order].reset_index(drop=True)
    placed = placed.assign(episode=number, place=np.arange(len(rows)) - start[number])
    return placed, int((goes_on & (np.diff(time) == 0)).sum())


def _stepped(contacts: pd.DataFrame, step: str) -> pd.DataFrame:
    inner = (contacts["place"] > 0).to_numpy()
    before = contacts[step].astype(object).shift()
    before[~inner] = None
    codes = pd.factorize(contacts[step])[0]
    switch = inner & np.concatenate([[False], np.diff(codes) != 0])
    return contacts.assign(previous=before, switch=switch)


def _table(contacts: pd.DataFrame, person: str, kind: str, level: float) -> pd.DataFrame:
    number = contacts["episode"].to_numpy()
    first = np.flatnonzero(contacts["place"].to_numpy() == 0)
    size = np.bincount(number)
    switched = np.bincount(number, contacts["switch"]) > 0
    whose = pd.factorize(contacts[person])[0][first]
    table = _row(switched, size, whose, np.zeros(len(first), dtype=int), 1, level)
    if kind:
        about, found = pd.factorize(contacts[kind].iloc[first], sort=True)
        names = pd.Index(found)
        own = _row(switched, size, whose, about, len(names), level).assign(**{kind: names.astype(object)})
        table = pd.concat([table.assign(**{kind: None}), own], ignore_index=True)
    return table[[*([kind] if kind else []), "episodes", "contacts", *ESTIMATED]]


def _row(switched: Array, size: Array, whose: Array, codes: Array, count: int, level: float) -> pd.DataFrame:
    several = size > 1
    found = shares(np.where(several, switched, np.nan), whose, codes, count, level)
    return found.assign(
        episodes=np.bincount(codes, minlength=count),
        contacts=np.bincount(codes, size, minlength=count).astype(int),
    )


def _checks(tied: int, contacts: pd.DataFrame) -> pd.DataFrame:
    moves = int((contacts["place"] > 0).sum())
    share = tied / moves if moves else 0.0
    advice = _SAME_TIME if share > 0.05 else Message("nothing to do")
    return pd.DataFrame([("same_time", share, advice)], columns=["check", "value", "advice"])


def _claims(table: pd.DataFrame, step: str, level: float, gap: float | None) -> tuple[Claim, ...]:
    row: Mapping[Any, Any] = table.iloc[0].to_dict()
    if row["flag"] == "suppressed" or not row["n"]:
        return ()
    fields = {
        **interval_fields(row, "estimate", level, "share"), "n": int(row["n"]), "step": step,
        "episodes": int(row["episodes"]), "several": row["n"] / row["episodes"], "gap": gap,
    }  # fmt: skip
    caveats = base_caveats(row["n"], row["n_eff"])
    return (Claim("journey.switches", fields, "D", caveats, headline=True),)
