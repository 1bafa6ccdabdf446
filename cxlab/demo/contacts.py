"""The contacts of the demo customers with their company: when, about what, where, and how it went."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

Array = np.ndarray[Any, Any]

TYPES = {
    "use": 0.34,
    "billing": 0.26,
    "complaint": 0.16,
    "sales": 0.11,
    "collections": 0.09,
    "cancellation": 0.04,
}
CHANNELS = ("app", "web", "call_center", "store")
HUMAN = ("call_center", "store")
# Share of contacts that had to be taken up again: the first with a person, of those who leave within 90 days
# of it and of the others; and any other contact.
REOPENED_BEFORE_LEAVING, REOPENED_FIRST, REOPENED = 0.27, 0.17, 0.12
SOON = 90
OWN_CHANNEL = 0.6  # share of contacts made where the customer usually goes


def draw_contacts(
    rng: np.random.Generator, customers: pd.DataFrame, resolution: Array, last_day: Any, count: int
) -> pd.DataFrame:
    """Draw `count` contacts: more for those who stay longer, solved better where `resolution` (1-7) is high.

    Returns interaction_id, customer_id, ts_start, interaction_type, channel, resolved_first (0/1),
    wait_time_s and handle_time_s (whole seconds).
    """
    end = customers["end_date"].fillna(pd.Timestamp(last_day))
    days = (end - customers["start_date"]).dt.days.to_numpy(dtype=float)
    who = np.sort(rng.choice(len(customers), size=count, p=days / days.sum()))
    elapsed = pd.to_timedelta(np.floor(rng.random(count) * days[who]), unit="D")
    usual = customers["channel"].to_numpy()[who]
    other = np.array(CHANNELS, dtype=object)[rng.integers(0, len(CHANNELS), count)]
    channel = np.where(rng.random(count) < OWN_CHANNEL, usual, other)
    attended = np.isin(channel, ["call_center", "store"])
    solved = rng.random(count) < 0.30 + 0.07 * resolution[who]
    return pd.DataFrame(
        {
            "interaction_id": [f"I{number:06d}" for number in range(1, count + 1)],
            "customer_id": customers["customer_id"].to_numpy()[who],
            "ts_start": customers["start_date"].to_numpy()[who] + elapsed,
            "interaction_type": rng.choice(
                np.array(list(TYPES), dtype=object), size=count, p=list(TYPES.values())
            ),
            "channel": channel,
            "resolved_first": solved.astype(int),
            "wait_time_s": np.where(attended, np.rint(rng.exponential(210.0, count)), 0.0),
            "handle_time_s": np.rint(rng.gamma(2.0, 160.0, count)) + 20,
        }
    )


def with_reopened(
    rng: np.random.Generator, contacts: pd.DataFrame, customers: pd.DataFrame, *, differs: bool
) -> pd.DataFrame:
    """Add `reopened` (0/1): of those who leave soon, the first contact with a person was so more often."""
    ends = customers.set_index("customer_id")["end_date"].reindex(contacts["customer_id"]).to_numpy()
    soon = (ends - contacts["ts_start"].to_numpy()) <= np.timedelta64(SOON, "D")
    chance = np.full(len(contacts), REOPENED)
    if differs:
        first = first_human(contacts)
        chance[first] = np.where(soon[first], REOPENED_BEFORE_LEAVING, REOPENED_FIRST)
    return contacts.assign(reopened=(rng.random(len(contacts)) < chance).astype(int))


def first_human(contacts: pd.DataFrame) -> Array:
    """Return the rows of each customer's first contact with a person."""
    human = contacts.reset_index(drop=True)[contacts["channel"].isin(HUMAN).to_numpy()]
    ordered = human.sort_values(["customer_id", "ts_start", "interaction_id"])
    return np.asarray(ordered.drop_duplicates("customer_id").index)
