"""Which interactions are measured: contacts by type and channel, and the answers that speak of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.disclosure import protected
from cxlab.analysis.estimates import (
    LOW_BASE,
    MINIMUM_CUSTOMERS,
    Claim,
    Result,
    flags,
)
from cxlab.analysis.raking import as_text
from cxlab.errors import Message

Array = np.ndarray[Any, Any]

CELL = ("interaction_type", "channel")
# The order in which the field names them; a client's own follow by volume.
TYPES = ("sales", "use", "billing", "collections", "complaint", "cancellation")
CHANNELS = ("web", "app", "call_center", "store")
WITHIN_DAYS = 90
MEASURED, LOW, DARK = "measured", "low", "dark"
PERSON, WHEN, ANSWERED = "customer_id", "ts_start", "responded_at"

NO_LINK = Message("with nothing that ties it to an interaction")
NO_CELL = Message("about an interaction without type or channel")


UNPLACED = Message("contacts without type or channel")


@dataclass(frozen=True, eq=False, kw_only=True)
class Measured(Result):
    """Answers by type of interaction and channel, against the volume; see `measured` for the columns."""


def measured(
    interactions: pd.DataFrame, surveys: pd.DataFrame, *, within_days: int = WITHIN_DAYS
) -> Measured:
    """Set the answers of each type of interaction and channel against the volume of contacts.

    An answer speaks of the interaction that it names (``interaction_id``), else of the type and channel
    that it states, else of its customer's last contact at most `within_days` before it.

    Parameters
    ----------
    interactions : DataFrame
        One row per contact: ``interaction_type``, ``channel``, and ``interaction_id`` or ``customer_id``
        and ``ts_start``. One that is empty, or says neither type nor channel, gives an empty result: what
        volume there is of each is not known.
    surveys : DataFrame
        One row per answer.
    within_days : int
        How far back the last contact may lie.

    Returns
    -------
    Measured
        ``table``: ``interaction_type``, ``channel``, ``state`` (measured: 30 answers or more; low; dark:
        under 10), ``per_thousand`` (answers for each 1,000 contacts), ``n`` (answers), ``withheld``,
        ``flag``; every combination of the types and channels of the log.
        ``tables["volume"]``: ``interaction_type``, ``channel``, ``contacts``, ``volume`` (share of all),
        ``n`` (customers), ``flag``.

    Examples
    --------
    >>> log = pd.DataFrame({"interaction_id": range(100), "interaction_type": ["use"] * 80 + ["billing"] * 20,
    ...     "channel": "web", "customer_id": range(100)})
    >>> found = measured(log, pd.DataFrame({"interaction_id": range(40)}))
    >>> found.table[["interaction_type", "state", "per_thousand"]].to_numpy().tolist()
    [['use', 'measured', 500.0], ['billing', 'dark', 0.0]]
    """
    said = set(CELL) <= set(interactions.columns)
    placed = interactions[list(CELL)].notna().all(axis=1) if said else pd.Series(dtype=bool)
    if not placed.any():
        empty = pd.DataFrame(columns=[*CELL, "state", "per_thousand", "n", "withheld", "flag"])
        return Measured(
            table=empty,
            keys=(*CELL, "state", "withheld"),
            estimate_column="per_thousand",
            tables={"volume": pd.DataFrame(columns=[*CELL, "contacts", "volume", "n", "flag"])},
            n_dropped={UNPLACED: len(interactions)} if len(interactions) else {},
            claims=(Claim("intake.log_unplaced" if len(interactions) else "intake.no_log", {}, "D"),),
        )
    log = interactions[placed]
    how, about, dropped = _about(log, surveys, within_days)
    cells = _grid(log)
    answers, contacts = _count(about, cells), _count(log, cells)
    closed = protected([frozenset(), *_named(cells)], [int(answers.sum()), *answers])[1:]
    people = _people(log, cells)
    state = np.where(answers >= LOW_BASE, MEASURED, np.where(answers >= MINIMUM_CUSTOMERS, LOW, DARK))
    table = cells.assign(
        state=state.astype(object),
        per_thousand=1000 * np.divide(answers, contacts, out=np.full(len(cells), np.nan), where=contacts > 0),
        n=answers,
        withheld=closed & (answers >= MINIMUM_CUSTOMERS),
        flag=np.where(closed, "suppressed", flags(answers)),
    )
    volume = cells.assign(contacts=contacts, volume=contacts / contacts.sum(), n=people, flag=flags(people))
    unplaced: dict[str, int] = {UNPLACED: len(interactions) - len(log)}
    return Measured(
        table=table,
        keys=(*CELL, "state", "withheld"),
        estimate_column="per_thousand",
        tables={"volume": volume},
        n_used=int(answers.sum()),
        n_dropped={why: n for why, n in {**dropped, **unplaced}.items() if n},
        settings={"link": how, "within_days": within_days if how == "last_contact" else None},
        claims=_claims(table, volume),
    )


def _about(
    log: pd.DataFrame, surveys: pd.DataFrame, within_days: int
) -> tuple[str, pd.DataFrame, dict[str, int]]:
    """Return how answers are tied to contacts, the cell of each that is, and the others by reason."""
    has = set(surveys.columns)
    if "interaction_id" in has and "interaction_id" in log and surveys["interaction_id"].notna().any():
        found = _by_id(log, surveys)
        how, why = "interaction_id", Message("naming no interaction of the log")
    elif set(CELL) <= has:
        found, how, why = surveys[list(CELL)].dropna(), "stated", NO_CELL
    elif {PERSON, ANSWERED} <= has and {PERSON, WHEN} <= set(log.columns):
        found, how = _last_contact(log, surveys, within_days), "last_contact"
        why = Message("without a contact in the {days} days before it", days=within_days)
    else:
        found, how, why = log.iloc[:0], "none", NO_LINK
    return how, found, {why: len(surveys) - len(found)}


def _by_id(log: pd.DataFrame, surveys: pd.DataFrame) -> pd.DataFrame:
    places = log.drop_duplicates("interaction_id").set_index("interaction_id")[list(CELL)]
    asked = surveys["interaction_id"].dropna()
    return places.reindex(asked).dropna()


def _last_contact(log: pd.DataFrame, surveys: pd.DataFrame, within_days: int) -> pd.DataFrame:
    """Return the cell of each answer's last contact, where there is one in time."""
    # One resolution of dates on both sides: what pandas infers may differ from file to file.
    asked = surveys[[PERSON, ANSWERED]].dropna().astype({PERSON: object, ANSWERED: "datetime64[ns]"})
    before = log[[PERSON, WHEN, *CELL]].dropna().astype({PERSON: object, WHEN: "datetime64[ns]"})
    met = pd.merge_asof(
        asked.sort_values(ANSWERED, kind="stable"),
        before.sort_values(WHEN, kind="stable"),
        left_on=ANSWERED,
        right_on=WHEN,
        by=PERSON,
        tolerance=pd.Timedelta(days=within_days),
    )
    return met.dropna(subset=[WHEN])


def _grid(log: pd.DataFrame) -> pd.DataFrame:
    """Return every combination of the log's types and channels: in the field's order, then by volume."""
    rows, columns = (_ordered(log[name], order) for name, order in zip(CELL, (TYPES, CHANNELS), strict=True))
    pairs = [(a, b) for a in rows for b in columns]
    return pd.DataFrame(pairs, columns=list(CELL), dtype=object)


def _ordered(column: pd.Series[Any], known: Iterable[str]) -> list[str]:
    found = pd.Series(as_text(column)).value_counts(sort=True)
    first = [name for name in known if name in found.index]
    return first + sorted((n for n in found.index if n not in first), key=lambda n: (-found[n], n))


def _named(cells: pd.DataFrame) -> list[frozenset[tuple[str, Any]]]:
    return [frozenset(zip(CELL, row, strict=True)) for row in cells[list(CELL)].to_numpy().tolist()]


def _placed(frame: pd.DataFrame, cells: pd.DataFrame) -> Array:
    """Return the cell of each row; -1 for those that the log does not have."""
    index = pd.MultiIndex.from_frame(cells)
    own = pd.MultiIndex.from_arrays([as_text(frame[name]) for name in CELL])
    return np.asarray(index.get_indexer(own))


def _count(frame: pd.DataFrame, cells: pd.DataFrame) -> Array:
    places = _placed(frame, cells)
    return np.bincount(places[places >= 0], minlength=len(cells))


def _people(log: pd.DataFrame, cells: pd.DataFrame) -> Array:
    """Count the customers of each cell; contacts, where the log names no customers."""
    if PERSON not in log:
        return _count(log, cells)
    once = pd.DataFrame({"cell": _placed(log, cells), "person": log[PERSON].to_numpy()}).drop_duplicates()
    return np.bincount(once["cell"], minlength=len(cells))


def _claims(table: pd.DataFrame, volume: pd.DataFrame) -> tuple[Claim, ...]:
    """Say how much of the volume is dark, and where the most of it is; or that every cell is measured."""
    busy = volume["contacts"] > 0
    dark = (table["state"] == DARK) & busy
    low = (table["state"] == LOW) & busy
    fields: dict[str, Any] = {
        "cells": int(busy.sum()), "dark": int(dark.sum()), "low": int(low.sum()),
        "minimum": MINIMUM_CUSTOMERS, "low_base": LOW_BASE, "n": int(table["n"].sum()),
        "estimate": float(volume.loc[dark, "volume"].sum()), "unit": "share",
    }  # fmt: skip
    if not dark.any():
        return (Claim("intake.measured", {**fields, "estimate": None}, "D"),)
    largest: Mapping[Any, Any] = volume.loc[volume["volume"].where(dark).idxmax()].to_dict()
    where = {name: largest[name] for name in CELL}
    return (Claim("intake.dark", {**fields, "cell": where}, "D", headline=True),)
