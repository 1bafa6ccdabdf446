"""Who really refers others (T18): few of those who say they would."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cxlab.demo import lifetimes

Array = np.ndarray[Any, Any]

EVER = {"promoter": 0.22, "passive": 0.06, "detractor": 0.015}
ALIKE = 0.12
MORE = 0.3  # further referrals of those who refer, on average
BECOME_CUSTOMERS = 0.35
VERIFIED = 0.9
LAG = 30  # days from the referral to the sale, at most


def chances(recommend: Array) -> Array:
    """Return the chance that each customer ever refers somebody, by the answer 0-10."""
    kinds = [recommend >= 9, recommend >= 7]
    return np.select(kinds, [EVER["promoter"], EVER["passive"]], EVER["detractor"])


def draw_referrals(
    rng: np.random.Generator, customers: pd.DataFrame, chance: Array, strangers: list[str]
) -> pd.DataFrame:
    """Draw referrals: referrer_id, referred_id, ts, verified and became_customer (0/1), by date.

    Who became a customer is one of those who came by referral, soon after; the others get an identity
    number of `strangers`.
    """
    referrers = np.flatnonzero(rng.random(len(customers)) < chance)
    who = np.repeat(referrers, 1 + rng.poisson(MORE, len(referrers)))
    last = customers["end_date"].fillna(pd.Timestamp(lifetimes.OBSERVATION_END))
    days = (last - customers["start_date"]).dt.days.to_numpy()[who]
    elapsed = np.floor(rng.random(len(who)) * days).astype("timedelta64[D]")
    ts = customers["start_date"].to_numpy().astype("datetime64[D]")[who] + elapsed
    order = np.argsort(ts, kind="stable")
    who, ts = who[order], ts[order]
    came = customers[customers["acq_channel"] == "referral"].sort_values(["start_date", "customer_id"])
    lag = rng.integers(1, LAG + 1, len(who)).astype("timedelta64[D]")
    match = _next_free(ts + lag, came["start_date"].to_numpy().astype("datetime64[D]"), rng.random(len(who)))
    referred = np.array(strangers[: len(who)], dtype=object)
    referred[match >= 0] = came["customer_id"].to_numpy()[match[match >= 0]]
    return pd.DataFrame(
        {
            "referrer_id": customers["customer_id"].to_numpy()[who],
            "referred_id": referred,
            "ts": ts.astype("datetime64[ns]"),
            "verified": (rng.random(len(who)) < VERIFIED).astype(int),
            "became_customer": (match >= 0).astype(int),
        }
    )


def _next_free(wanted: Array, starts: Array, chance: Array) -> Array:
    """Return for each referral that succeeds the first customer since then who is not taken (else -1)."""
    out, free = np.full(len(wanted), -1), np.ones(len(starts), dtype=bool)
    for at, place in enumerate(np.searchsorted(starts, wanted)):
        while place < len(starts) and not free[place]:
            place += 1
        if chance[at] < BECOME_CUSTOMERS and place < len(starts):
            out[at], free[place] = place, False
    return out
