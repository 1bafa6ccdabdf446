"""Who stays because they want to: bound by a contract and content or not, and free; first contacts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.columns import as_floats, named, records
from cxlab.analysis.dropped import check_entered, entering, missing
from cxlab.analysis.estimates import Claim, Result, check_columns, check_level, combinations_present, flags
from cxlab.analysis.intervals import wilson
from cxlab.analysis.survival.absent import lacking, nothing
from cxlab.analysis.survival.groups import check_by
from cxlab.errors import AnalysisError
from cxlab.periods import completed, reached

Array = np.ndarray[Any, Any]

BONDS = ("hostage", "bound", "free")
PXI = ("effectiveness", "ease", "pleasantness")


@dataclass(frozen=True, eq=False, kw_only=True)
class Bonds(Result):
    """Shares of customers who are hostages, bound and content, or free."""


def with_months(
    customers: pd.DataFrame, columns: Sequence[str], *, start: str = "start_date"
) -> pd.DataFrame:
    """Return customers with, for each column of dates that is there, the months it lies after the start.

    Added: ``<column>_months``, the whole months from `start`, a month that has begun counted; missing where
    there is no date or it lies before the start. A column that is not there adds nothing.

    Examples
    --------
    >>> days = pd.DataFrame({"start_date": ["2024-01-15"], "lock_in_end": ["2025-01-15"]})
    >>> with_months(days.apply(pd.to_datetime), ["lock_in_end"])["lock_in_end_months"].tolist()
    [12.0]
    """
    added = {}
    for column in columns:
        if column in customers and start in customers:
            months = reached(customers[start], customers[column])
            added[f"{column}_months"] = months.where(months >= 0)
    return customers.assign(**added)


def first_contacts(
    customers: pd.DataFrame,
    interactions: pd.DataFrame,
    outcome: str,
    *,
    channels: Sequence[str] = (),
    start: str = "start_date",
) -> pd.DataFrame:
    """Return customers with the month and the outcome of their first contact with a person.

    Parameters
    ----------
    customers, interactions : DataFrame
        Canonical tables; `interactions` may be empty, and then nothing is added.
    outcome : str
        Column of `interactions` that says how it went.
    channels : sequence of str
        Channels attended by persons; none: all of them.
    start : str
        Date on which a customer began.

    Returns
    -------
    DataFrame
        Added: ``first_contact_months`` (whole months completed from the start: the clock of an analysis that
        begins there) and the column `outcome`; missing where there was no contact since the start.

    Raises
    ------
    AnalysisError
        If a column is not there, or customers have one of that name already.

    Examples
    --------
    >>> people = pd.DataFrame({"customer_id": ["a", "b"], "start_date": pd.to_datetime(["2024-01-01"] * 2)})
    >>> met = pd.DataFrame({"customer_id": ["a", "a"], "channel": ["store", "store"], "solved": [0, 1],
    ...     "ts_start": pd.to_datetime(["2024-03-05", "2024-02-20"])})
    >>> first_contacts(people, met, "solved")[["first_contact_months", "solved"]].values.tolist()
    [[1.0, 1.0], [nan, nan]]
    """
    if interactions.empty or lacking(interactions, [outcome], optional=True) or start not in customers:
        return customers
    check_columns(interactions, ["customer_id", "ts_start", *(["channel"] if channels else [])])
    check_columns(customers, ["customer_id"])
    if outcome in customers:
        raise AnalysisError(
            "customers have a column {column!r} already; name another outcome of the contact", column=outcome
        )
    met = interactions[interactions["channel"].isin(list(channels))] if channels else interactions
    met = met.merge(customers[["customer_id", start]], on="customer_id", how="inner")
    met = met[met["ts_start"] >= met[start]].sort_values(["customer_id", "ts_start"], kind="stable")
    first = met.drop_duplicates("customer_id").set_index("customer_id")
    months = completed(first[start], first["ts_start"])
    ids = customers["customer_id"]
    return customers.assign(
        first_contact_months=ids.map(months).to_numpy(),
        **{outcome: ids.map(first[outcome]).to_numpy()},
    )


def bonds(
    customers: pd.DataFrame,
    *,
    lock_in: str = "lock_in_end_months",
    asked: str = "survey_tenure",
    items: Sequence[str] = PXI,
    at_most: float = 3,
    by: Sequence[str] = (),
    level: float = 0.95,
    optional: bool = False,
) -> Bonds:
    """Estimate how many customers stay bound and discontent, bound and content, or free to leave.

    Parameters
    ----------
    customers : DataFrame (n, any)
        One row per customer, with their last survey.
    lock_in : str
        Months from the start until which the customer is bound; empty for who is not.
    asked : str
        Months from the start at which the customer answered.
    items : sequence of str
        Ratings, the more the better; the parts of the PXI by default.
    at_most : float
        A rating up to this one is discontent.
    by : sequence of str
        Columns whose crossed categories are told apart.
    level : float
        Confidence level of the intervals (Wilson).
    optional : bool
        Return nothing, and say so, where the table has no such columns.

    Returns
    -------
    Bonds
        ``table``: *by, bond (hostage: bound when asked, with a rating up to `at_most`; bound: bound without
        one; free), estimate (share), std_error, conf_low, conf_high, events (customers), n, flag.
        Who did not answer, or rated nothing, is left out and counted.

    Raises
    ------
    AnalysisError
        If a column is not there or holds no numbers.

    Examples
    --------
    >>> seen = pd.DataFrame({"lock_in_end_months": [12, 12, None], "survey_tenure": [3, 3, 3],
    ...     "effectiveness": [2, 6, 7], "ease": [5, 6, 7], "pleasantness": [5, 6, 7]})
    >>> bonds(seen).table[["bond", "estimate"]].round(2).values.tolist()
    [['hostage', 0.33], ['bound', 0.33], ['free', 0.33]]
    """
    check_level(level)
    by = named(by)
    check_by(by, "bond")
    if gone := lacking(customers, [lock_in, asked, *items], optional=optional):
        return Bonds(**nothing(gone))
    check_columns(customers, [lock_in, asked, *items, *by])
    until, when, *rated = (_numbers(customers, column) for column in (lock_in, asked, *items))
    lowest = np.nanmin(np.where(np.isnan(rated), np.inf, rated), axis=0)
    reasons = [(missing(asked), np.isnan(when)), (missing(" x ".join(items)), np.isinf(lowest))]
    reasons += [(missing(column), customers[column].isna().to_numpy(dtype=bool)) for column in by]
    kept, dropped = entering(len(customers), reasons)
    check_entered(kept, dropped)
    tied = np.nan_to_num(until, nan=-np.inf) > when
    bond = np.where(~tied, "free", np.where(lowest <= at_most, "hostage", "bound"))
    told = customers.loc[kept, by].assign(bond=bond[kept])
    table = pd.concat([_shares(key, own, level) for key, own in _groups(told, by)], ignore_index=True)
    return Bonds(
        table=table,
        keys=(*by, "bond"),
        n_used=int(kept.sum()),
        n_dropped=dropped,
        settings={
            "by": by, "level": level, "lock_in": lock_in, "asked": asked, "items": list(items),
            "at_most": at_most, "interval": "Wilson", "unit": "share",
        },
        claims=_findings(told["bond"], level, at_most),
        parts={column: column for column in by},
        asked_of=("bonds", *(f"{why}: {n}" for why, n in dropped.items())),
    )  # fmt: skip


def _numbers(customers: pd.DataFrame, column: str) -> Array:
    held = as_floats(customers[column])
    if held is None:
        raise AnalysisError("column {column!r} holds no numbers; convert it in client.yaml", column=column)
    return held


def _groups(told: pd.DataFrame, by: Sequence[str]) -> list[tuple[Mapping[str, Any], pd.DataFrame]]:
    if not by:
        return [({}, told)]
    found: list[tuple[Mapping[str, Any], pd.DataFrame]] = []
    for key in records(combinations_present(told, by)):
        own = np.ones(len(told), dtype=bool)
        for column, value in key.items():
            own &= (told[column] == value).to_numpy(dtype=bool, na_value=False)
        found.append((key, told.loc[own]))
    return found


def _shares(key: Mapping[str, Any], told: pd.DataFrame, level: float) -> pd.DataFrame:
    counts = told["bond"].value_counts().reindex(BONDS, fill_value=0).to_numpy(dtype=float)
    n = len(told)
    share = counts / n
    low, high = wilson(share, np.full(len(share), n), level)
    columns = {
        "bond": list(BONDS), "estimate": share, "std_error": np.sqrt(share * (1 - share) / n),
        "conf_low": low, "conf_high": high, "events": counts.astype(int), "n": n, "flag": flags([n])[0],
    }  # fmt: skip
    return pd.DataFrame({**key, **columns})


def _findings(bond: pd.Series[Any], level: float, at_most: float) -> tuple[Claim, ...]:
    rows = records(_shares({}, bond.to_frame("bond"), level))
    claims = []
    for row in rows:
        fields = {name: row[name] for name in ("estimate", "conf_low", "conf_high", "n")}
        fields |= {"bond": row["bond"], "level": level, "unit": "share", "at_most": at_most}
        if row["bond"] != "bound":
            claims.append(Claim(f"retention.{row['bond']}", fields, "D", headline=row["bond"] == "hostage"))
    return tuple(claims)
