"""What customers buy, are billed and leave as margin.

A good experience brings upgrades and renewals. It does not bring other products: those are sold to
customers on the lists of the sales campaigns, who are the content ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cxlab.demo import lifetimes

Array = np.ndarray[Any, Any]

LISTED = (-0.9, 0.9)  # log odds of being on the list: at the average PXI, and per SD of it
UPSELL = (0.010, 1.25)  # per month, times per SD of PXI
CROSS_SELL = (0.006, 3.0)  # per month, times on the list; the PXI has no part in it
RENEWAL = (0.3, 0.45)  # log odds at the end of the contract: at the average PXI, and per SD of it
ADDED = {"upsell": (3.0, 6.0), "cross_sell": (4.0, 8.0)}  # thousand pesos a month
CAMPAIGN = {"upsell": 0.3, "cross_sell": 0.6, "renewal": 0.5}
MARGIN = {"internet": 0.52, "internet_tv": 0.45, "triple": 0.40}
SERVING = 1.5  # thousand pesos a month
BILLED_SINCE = "2024-07"  # the billing system keeps a year
LATE = (-1.6, 1.2)  # log odds of paying late: on average, and per SD of it
DISPUTES = 0.03


def draw_transactions(
    rng: np.random.Generator, customers: pd.DataFrame, pxi: Array, *, differs: bool
) -> pd.DataFrame:
    """Draw upgrades, other products and renewals; `customers` has attr_sales_list (0/1), `pxi` is in SD.

    Returns transaction_id, customer_id, ts, kind, amount and margin (thousand pesos a month, of a
    renewal 0) and campaign_id.
    """
    out = pd.concat(
        [_additions(rng, customers, pxi, differs=differs), _renewals(rng, customers, pxi)], ignore_index=True
    ).sort_values(["at", "ts", "kind"], ignore_index=True)
    at, kind = out["at"].to_numpy(), out["kind"]
    quarter = out["ts"].dt.to_period("Q").astype(str)
    listed = (customers["attr_sales_list"].to_numpy()[at] == 1) | (kind != "cross_sell")
    asked = listed & (rng.random(len(out)) < kind.map(CAMPAIGN))
    amount = out["amount"].round(2)
    return pd.DataFrame(
        {
            "transaction_id": [f"T{number:06d}" for number in range(1, len(out) + 1)],
            "customer_id": customers["customer_id"].to_numpy()[at],
            "ts": out["ts"],
            "kind": kind,
            "amount": amount,
            "margin": (amount * customers["plan"].map(MARGIN).to_numpy()[at]).round(2),
            "campaign_id": np.where(asked, kind.str[:2].str.upper() + "-" + quarter, None),
        }
    )


def _additions(
    rng: np.random.Generator, customers: pd.DataFrame, pxi: Array, *, differs: bool
) -> pd.DataFrame:
    """Draw what customers add to their bill, at any day of their life."""
    days = (_last_day(customers) - customers["start_date"]).dt.days.to_numpy()
    listed = np.where(differs & (customers["attr_sales_list"] == 1), CROSS_SELL[1], 1.0)
    rates = {"upsell": UPSELL[0] * UPSELL[1] ** pxi, "cross_sell": CROSS_SELL[0] * listed}
    parts = []
    for kind, rate in rates.items():
        at = np.repeat(np.arange(len(days)), rng.poisson(rate * days / 30.44))
        elapsed = pd.to_timedelta(np.floor(rng.random(len(at)) * days[at]), unit="D")
        amount = rng.uniform(*ADDED[kind], len(at))
        ts = customers["start_date"].to_numpy()[at] + elapsed
        parts.append(pd.DataFrame({"at": at, "ts": ts, "kind": kind, "amount": amount}))
    return pd.concat(parts, ignore_index=True)


def _renewals(rng: np.random.Generator, customers: pd.DataFrame, pxi: Array) -> pd.DataFrame:
    """Draw who renews on the day the contract ends."""
    renews = rng.random(len(pxi)) < 1 / (1 + np.exp(-(RENEWAL[0] + RENEWAL[1] * pxi)))
    at = np.flatnonzero((customers["lock_in_end"] < _last_day(customers)).to_numpy() & renews)
    ts = customers["lock_in_end"].to_numpy()[at]
    return pd.DataFrame({"at": at, "ts": ts, "kind": "renewal", "amount": 0.0})


def draw_list(rng: np.random.Generator, pxi: Array) -> Array:
    """Draw who is on the lists of the sales campaigns since they joined (0/1)."""
    return (rng.random(len(pxi)) < 1 / (1 + np.exp(-(LISTED[0] + LISTED[1] * pxi)))).astype(int)


def worth(customers: pd.DataFrame, transactions: pd.DataFrame) -> pd.DataFrame:
    """Return arpu and margin_monthly: what a customer paid and left per month, over the time as one."""
    last = _last_day(customers)
    days = (last - customers["start_date"]).dt.days
    own = customers.assign(last=last, days=days.clip(lower=1)).set_index("customer_id")
    bought = transactions.set_index("customer_id")
    since = (own["last"].reindex(bought.index) - bought["ts"]).dt.days / own["days"].reindex(bought.index)
    added = (bought["amount"] * since).groupby(level=0).sum().reindex(own.index).fillna(0.0)
    arpu = own["attr_price"].to_numpy() + added.to_numpy()
    margin = arpu * customers["plan"].map(MARGIN).to_numpy() - SERVING
    return pd.DataFrame(
        {"arpu": np.round(arpu, 2), "margin_monthly": np.round(margin, 2)}, index=customers.index
    )


def draw_bills(
    rng: np.random.Generator, customers: pd.DataFrame, transactions: pd.DataFrame, late: Array
) -> pd.DataFrame:
    """Draw the bills of the last year: customer_id, period, billed, paid, days_late, disputed (0/1).

    Whoever is cut off did not pay the last two.
    """
    final = _last_day(customers)
    first, last = (_months(day) for day in (customers["start_date"], final))
    begins = np.maximum(first, pd.Period(BILLED_SINCE, "M").ordinal)
    count = np.maximum(last - begins + 1, 0)
    who = np.repeat(np.arange(len(customers)), count)
    month = np.arange(len(who)) - np.repeat(np.cumsum(count) - count, count) + begins[who]
    billed = customers["attr_price"].to_numpy()[who] + _added(customers, transactions, who, month)
    overdue = rng.random(len(who)) < 1 / (1 + np.exp(-(LATE[0] + LATE[1] * late[who])))
    days = np.where(overdue, rng.geometric(0.12, len(who)), 0)
    cut = (customers["end_type"].to_numpy()[who] == "involuntary") & (last[who] - month < 2)
    days = np.where(cut, 30 * (last[who] - month + 1), days)
    names = pd.period_range("2023-01", "2025-06", freq="M")
    return pd.DataFrame(
        {
            "customer_id": customers["customer_id"].to_numpy()[who],
            "period": names.astype(str).to_numpy(dtype=object)[month - names[0].ordinal],
            "billed": np.round(billed, 2),
            "paid": np.where(cut, 0.0, np.round(billed, 2)),
            "days_late": days.astype(float),
            "disputed": (rng.random(len(who)) < DISPUTES).astype(int),
        }
    )


def _last_day(customers: pd.DataFrame) -> pd.Series[Any]:
    return customers["end_date"].fillna(pd.Timestamp(lifetimes.OBSERVATION_END))


def _months(day: pd.Series[Any]) -> Array:
    return np.asarray(day.to_numpy().astype("datetime64[M]").astype(int))


def _added(customers: pd.DataFrame, transactions: pd.DataFrame, who: Array, month: Array) -> Array:
    """Return what purchases of earlier months add to each bill."""
    at = pd.Series(np.arange(len(customers)), index=customers["customer_id"]).reindex(
        transactions["customer_id"]
    )
    span = 1_000  # months to a customer, more than there are
    keys = at.to_numpy() * span + _months(transactions["ts"])
    order = np.argsort(keys, kind="stable")
    so_far = np.concatenate([[0.0], np.cumsum(transactions["amount"].to_numpy()[order])])
    before = np.searchsorted(keys[order], who * span + month)
    return np.asarray(so_far[before] - so_far[np.searchsorted(keys[order], who * span)])
