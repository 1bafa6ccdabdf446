"""Where customers came from, what they were promised and what it cost to win them.

A channel that promises more than is delivered brings customers with a worse experience, who leave sooner:
nothing else sets the customers of one channel apart from those of another.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

Array = np.ndarray[Any, Any]

CHANNELS = {"web": 0.30, "store": 0.22, "telesales": 0.26, "door_to_door": 0.08, "referral": 0.14}
BROKEN_PROMISE = {"web": 1.0, "store": 0.9, "telesales": 4.0, "door_to_door": 3.2, "referral": 0.4}
KEPT = (1.1, 1.8)  # log odds that the promised speed is delivered: at the average PXI, and per SD of it
SPEEDS = {300: 0.45, 600: 0.35, 940: 0.20}
WITH_CAMPAIGN = ("web", "telesales", "door_to_door")
# Thousand pesos spent per customer won, and the part of it that is spent on that customer alone.
COST = {"web": 38.0, "store": 55.0, "telesales": 70.0, "door_to_door": 92.0, "referral": 24.0}
SAME_COST = 50.0
OWN_PART = 0.7


def draw_origin(
    rng: np.random.Generator, customers: pd.DataFrame, pxi: Array, *, differs: bool
) -> pd.DataFrame:
    """Draw acq_channel, campaign_id, acq_cost, attr_promised_speed and attr_promise_kept (0/1).

    `pxi` is in SD. Without `differs`, every channel promises and costs the same.
    """
    n = len(customers)
    kept = rng.random(n) < 1 / (1 + np.exp(-(KEPT[0] + KEPT[1] * pxi)))
    names, shares = np.array(list(CHANNELS), dtype=object), np.array(list(CHANNELS.values()))
    broken = shares * np.array(list(BROKEN_PROMISE.values())) if differs else shares
    drawn = rng.random(n)
    at = [np.searchsorted(np.cumsum(odds[:-1]) / odds.sum(), drawn) for odds in (broken, shares)]
    channel = names[np.where(kept, at[1], at[0])]
    quarter = customers["start_date"].dt.to_period("Q").astype(str).to_numpy()
    coded = np.char.add(np.char.upper(channel.astype("U3")), np.char.add("-", quarter.astype(str)))
    campaign = coded.astype(object)
    campaign[~np.isin(channel, WITH_CAMPAIGN) | (rng.random(n) >= 0.6)] = None
    cost = costs(differs=differs)
    own = OWN_PART * np.array([cost[name] for name in channel]) * rng.lognormal(-0.03125, 0.25, n)
    return pd.DataFrame(
        {
            "acq_channel": channel,
            "campaign_id": campaign,
            "acq_cost": np.round(own, 2),
            "attr_promised_speed": rng.choice(list(SPEEDS), size=n, p=list(SPEEDS.values())),
            "attr_promise_kept": kept.astype(int),
        },
        index=customers.index,
    )


def costs(*, differs: bool) -> dict[str, float]:
    """Return what each channel spends per customer won, in thousand pesos."""
    return COST if differs else dict.fromkeys(CHANNELS, SAME_COST)


def draw_spend(rng: np.random.Generator, customers: pd.DataFrame, *, differs: bool) -> pd.DataFrame:
    """Draw what each channel spent each month: on the customers it won, and a part that does not follow them.

    Returns period (YYYY-MM), acq_channel, spend (thousand pesos) and new_customers.
    """
    period = customers["start_date"].dt.to_period("M").astype(str).rename("period")
    won = customers.groupby([period, "acq_channel"])["acq_cost"].agg(["sum", "size"]).reset_index()
    monthly = won.groupby("acq_channel")["size"].transform("mean")
    standing = (1 - OWN_PART) * won["acq_channel"].map(costs(differs=differs)) * monthly
    spend = won["sum"] + standing * rng.lognormal(-0.02, 0.2, len(won))
    return pd.DataFrame(
        {
            "period": won["period"],
            "acq_channel": won["acq_channel"],
            "spend": spend.round(1),
            "new_customers": won["size"].astype(float),
        }
    )
