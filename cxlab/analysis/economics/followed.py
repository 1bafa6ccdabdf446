"""Customers after their survey: how long they were followed, and what they did meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.columns import as_floats, check_rows
from cxlab.analysis.covariates import coded
from cxlab.analysis.dropped import check_entered, entering, missing
from cxlab.analysis.estimates import MINIMUM_CUSTOMERS, check_columns
from cxlab.errors import AnalysisError, Message

Array = np.ndarray[Any, Any]

BEHAVIOURS = ("permanence", "upsell", "cross_sell", "recommendation")
DAYS = 365.25 / 12  # in a month


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """Who answered and was seen later, one row each.

    `experience` (n,); `covariates` (n, columns) coded; `months` (n,) followed since the survey; `left` (n,);
    `events`: for each behaviour the customer (position) and the months since the survey of everything done
    after it; `before` how many did it before.
    """

    table: pd.DataFrame
    experience: Array
    covariates: Mapping[str, Array]
    months: Array
    left: Array
    events: Mapping[str, tuple[Array, Array]]
    dropped: Mapping[str, int]

    @property
    def n(self) -> int:
        """How many are followed."""
        return len(self.months)

    def counts(self, behaviour: str, since: float = 0.0, until: float = np.inf) -> tuple[Array, Array]:
        """Return what each did from `since` to `until` months after the survey, and the months followed."""
        who, when = self.events[behaviour]
        own = (when > since) & (when <= until)
        months = np.clip(self.months, since, until) - since if until < np.inf else self.months - since
        return np.bincount(who[own], minlength=self.n).astype(float), np.maximum(months, 0.0)


def followed(
    customers: pd.DataFrame,
    transactions: pd.DataFrame,
    referrals: pd.DataFrame,
    *,
    experience: str,
    covariates: Sequence[str],
    dates: Mapping[str, str],
    lag: float,
) -> Followed:
    """Follow customers from `lag` months after their survey until they left or were last seen.

    `dates` names the columns survey, end and last (of observation) in `customers`.

    Raises
    ------
    AnalysisError
        For repeated customers, missing columns, an experience that is no number.
    """
    check_rows(customers, persons=True)
    needed = ["customer_id", experience, *dates.values(), *covariates]
    check_columns(customers, needed)
    check_columns(transactions, ["customer_id", "ts", "kind"])
    check_columns(referrals, ["referrer_id", "ts"])
    score = as_floats(customers[experience])
    if score is None:
        raise AnalysisError("{column!r} holds no numbers; give a score or an index", column=experience)
    survey, end, last = (pd.to_datetime(customers[dates[name]]) for name in ("survey", "end", "last"))
    until = end.fillna(last)
    months = ((until - survey).dt.days / DAYS - lag).to_numpy(dtype=float)
    reasons = [(missing(dates["survey"]), survey.isna().to_numpy()), (missing(experience), np.isnan(score))]
    reasons += [(missing(c), customers[c].isna().to_numpy()) for c in covariates]
    reasons.append((Message("gone before they could be followed"), ~(months > 0)))
    kept, dropped = entering(len(customers), reasons)
    check_entered(kept, dropped)
    if kept.sum() < MINIMUM_CUSTOMERS:
        raise AnalysisError(
            "under {least} customers were followed: too few to be told of", least=MINIMUM_CUSTOMERS
        )
    own = customers.loc[kept].reset_index(drop=True)
    start = survey[kept].reset_index(drop=True) + pd.to_timedelta(lag * DAYS, unit="D")
    left = ((end <= last) | (end.notna() & last.isna()))[kept].to_numpy()
    ids = pd.Index(own["customer_id"])
    done = {kind: _after(transactions[transactions["kind"] == kind], "customer_id", ids, start)
            for kind in ("upsell", "cross_sell")}  # fmt: skip
    done["recommendation"] = _after(referrals, "referrer_id", ids, start)
    gone = np.flatnonzero(left)
    done["permanence"] = (gone, months[kept][gone])
    problems = [p for column in covariates for p in coded(own, column)[1]]
    if problems:
        raise AnalysisError("these covariates cannot be used", problems=problems)
    columns = {column: coded(own, column)[0].values for column in covariates}
    return Followed(own, score[kept], columns, months[kept], left, done, dropped)


def _after(
    table: pd.DataFrame, person: str, ids: pd.Index[Any], start: pd.Series[Any]
) -> tuple[Array, Array]:
    """Return whose rows these are (position) and how many months after `start`, of those after it."""
    place = ids.get_indexer(pd.Index(table[person]))
    own = place >= 0
    when = (pd.to_datetime(table["ts"])[own].to_numpy() - start.to_numpy()[place[own]]) / np.timedelta64(
        1, "D"
    )
    months = when.astype(float) / DAYS
    later = months > 0
    return place[own][later], months[later]
