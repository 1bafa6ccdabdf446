"""Rows that belong together: the episodes of one customer, and how many people stand behind cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.columns import shown
from cxlab.analysis.survival.observed import Observed
from cxlab.errors import AnalysisError, Message, Problem

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """Who stands behind the cells of a risk table, where one customer may be in several.

    `cell`, `person` (rows,) say who is in which cell; `count`, `weight`, `squared` (persons,) how many alike
    share a code, and the sums of their sampling weights and of the squares (None where all weigh the same).
    """

    cell: Array
    person: Array
    count: Array
    weight: Array | None
    squared: Array | None

    def n(self, marked: Array) -> int:
        """Return how many customers are ever in the cells of the boolean array `marked`."""
        return int(self.count[self._among(marked)].sum())

    def n_eff(self, marked: Array) -> float:
        """Return the effective number of customers ever in the cells of `marked`."""
        if self.weight is None or self.squared is None:
            return float(self.n(marked))
        who = self._among(marked)
        total = float(self.squared[who].sum())
        return float(self.weight[who].sum() ** 2 / total) if total else 0.0

    def _among(self, marked: Array) -> Array:
        if self.person is self.cell:  # everyone is a cell of their own
            return marked
        seen = np.zeros(len(self.count), dtype=bool)
        seen[self.person[marked[self.cell]]] = True
        return seen


def people_of(who: Observed, column: str | None = None) -> People:
    """Return whose cells they are: everyone's own, or those of the same id in `column`."""
    rows = np.arange(len(who.count))
    if column is None:
        return People(rows, rows, who.count, who.weight, who.squared)
    person, ids = pd.factorize(who.labels[column])
    ones = np.ones(len(ids))
    if who.weight is None:
        return People(rows, person, ones, None, None)
    weight = np.bincount(person, who.weight, len(ids)) / np.bincount(person, minlength=len(ids))
    return People(rows, person, ones, weight, weight**2)


def check_episodes(who: Observed, column: str) -> None:
    """Refuse customers (ids in `column`) seen twice at a time, leaving twice, or seen after they left."""
    person, ids = pd.factorize(who.labels[column])
    order = np.lexsort((who.duration, who.entry, person))
    same = person[order][1:] == person[order][:-1]
    later, before = order[1:], order[:-1]
    overlap = same & (who.entry[later] < who.duration[before])
    after = same & who.event[before] & ~overlap
    twice = np.flatnonzero(np.bincount(person, who.count * who.event) > 1)
    problems = [
        *_of_ids(
            column,
            ids[np.unique(np.r_[person[later[overlap]], person[who.count > 1]])],
            Message("episodes of one customer that overlap"),
            Message("an end before the next start"),
            Message("name the column of the starts as entry, and close each episode where the next begins"),
        ),
        *_of_ids(
            column,
            ids[twice],
            Message("customers who leave more than once"),
            Message("at most one departure for each"),
            Message("end the customer there, or leave id out and name the column as the cluster"),
        ),
        *_of_ids(
            column,
            ids[np.setdiff1d(person[before[after]], twice)],
            Message("customers still observed after they left"),
            Message("nothing after the departure"),
            Message("correct the event or drop what follows: who comes back is another customer"),
        ),
    ]
    if problems:
        raise AnalysisError("the episodes cannot be used", problems=problems)


def _of_ids(
    column: str, ids: pd.Index[Any], found: Message, allowed: Message, action: Message
) -> list[Problem]:
    if not len(ids):
        return []
    named = Message("{what}: {ids}", what=found, ids=shown(map(str, ids)))
    return [Problem(found=named, allowed=allowed, action=action, column=column, count=len(ids))]


def merged(who: Observed, without: Sequence[str]) -> tuple[Observed, Array]:
    """Return the table with the columns `without` left out, cells now alike as one, and each cell's place."""
    labels = who.labels.drop(columns=list(without))
    key = labels.assign(_duration=who.duration, _event=who.event, _entry=who.entry)
    codes = key.groupby(list(key.columns), sort=False, observed=True, dropna=False).ngroup().to_numpy()
    first = np.unique(codes, return_index=True)[1]

    def summed(amount: Array | None) -> Array | None:
        return None if amount is None else np.bincount(codes, amount, len(first))

    count = summed(who.count)
    assert count is not None
    return replace(
        who,
        patterns=labels.iloc[first].reset_index(drop=True), pattern=np.arange(len(first)),
        duration=who.duration[first], event=who.event[first], entry=who.entry[first],
        count=count, weight=summed(who.weight), squared=summed(who.squared),
    ), codes  # fmt: skip
