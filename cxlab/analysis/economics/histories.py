"""From sales to what a model of customers without a contract takes: repeats, the last one, and the age."""

from __future__ import annotations

from typing import Any, Literal

import pandas as pd

from cxlab.analysis.economics.purchases import bg_nbd
from cxlab.analysis.estimates import Result, check_columns, check_level
from cxlab.analysis.survival.absent import lacking, nothing

DAYS = {"day": 1.0, "week": 7.0}


def histories(
    transactions: pd.DataFrame,
    *,
    customer: str = "customer_id",
    date: str = "ts",
    until: Any = None,
    unit: Literal["day", "week"] = "week",
) -> pd.DataFrame:
    """Return each buyer's history: how often they bought again, when last, and how long ago first.

    Parameters
    ----------
    transactions : DataFrame
        One row per purchase; several on one day are one.
    customer, date : str
        Its columns.
    until : date, optional
        The end of observation; the last day sold on unless given. Later purchases do not count.
    unit : {"day", "week"}
        What time is counted in.

    Returns
    -------
    DataFrame (buyers, 3)
        Index `customer`; frequency (repeats), recency and age, both from the first purchase. Who bought
        first on the last day has no history.

    Examples
    --------
    >>> sold = pd.DataFrame({"customer_id": ["a", "a", "a", "b"],
    ...     "ts": pd.to_datetime(["2024-01-01", "2024-01-08", "2024-01-08", "2024-01-15"])})
    >>> histories(sold, until="2024-01-29").reset_index().values.tolist()
    [['a', 1, 1.0, 4.0], ['b', 0, 0.0, 2.0]]
    """
    check_columns(transactions, [customer, date])
    days = pd.to_datetime(transactions[date]).dt.normalize()
    end = days.max() if until is None else pd.Timestamp(until)
    bought = pd.DataFrame({customer: transactions[customer], "day": days})
    bought = bought[bought["day"] <= end].drop_duplicates()
    of_each = bought.groupby(customer)["day"].agg(["min", "max", "size"])
    found = pd.DataFrame(
        {
            "frequency": of_each["size"] - 1,
            "recency": (of_each["max"] - of_each["min"]).dt.days / DAYS[unit],
            "age": (end - of_each["min"]).dt.days / DAYS[unit],
        }
    )
    return found[found["age"] > 0]


def repeat_buying(
    transactions: pd.DataFrame,
    *,
    kind: str = "purchase",
    unit: Literal["day", "week"] = "week",
    horizon: float | None = None,
    level: float = 0.95,
) -> Result:
    """Estimate how customers without a contract buy again (`bg_nbd`), or tell nothing where nobody is one.

    Parameters
    ----------
    transactions : DataFrame
        customer_id, ts, kind; may be empty.
    kind : str
        Which of them are purchases of customers without a contract.
    unit, horizon, level
        As `histories` and `bg_nbd`.
    """
    check_level(level)
    if transactions.empty or lacking(transactions, ["customer_id", "ts", "kind"], optional=True):
        return Result(**nothing((), "counts"))
    sold = transactions[transactions["kind"] == kind]
    if sold.empty:
        return Result(**nothing((), "counts"))
    own = histories(sold, unit=unit)
    return bg_nbd(own["frequency"], own["recency"], own["age"], horizon=horizon, level=level)
