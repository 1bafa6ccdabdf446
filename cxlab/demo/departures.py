"""Why customers leave, what binds them and who calls to keep them (T7).

When a customer leaves is drawn in `lifetimes` and stays as it is: here each exit gets its cause, so that the
hazards of the causes add up to that one. Moving house and death come at the same rate for everybody; of
the rest, a high price and late payment make it likelier that the firm cuts the service, a good experience
less likely that the customer asks for it. What the end of a promotion adds is all asked for.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cxlab.demo import lifetimes

Array = np.ndarray[Any, Any]

CAUSES = ("voluntary", "involuntary", "migration", "death")
SAME_FOR_ALL = {"migration": 0.0020, "death": 0.0005}  # hazard per month
INVOLUNTARY = 0.30  # of the rest, for the average customer
# Log odds, per SD, that an exit of the rest is involuntary.
TURNS_INVOLUNTARY = {"pxi": 0.30, "price": 0.35, "late": 1.00}
LOCK_IN = {"internet": 0, "internet_tv": 6, "triple": 12}  # months by plan; a promotion binds for 12
PROMO_LOCK_IN = 12
# Who is called to be kept: by how they leave in the end, and among those who stay.
CALLED = {"voluntary": 0.97, "involuntary": 0.88, "migration": 0.92, "death": 0.10}
CALLED_AND_STAYED = 0.05


def draw_causes(
    rng: np.random.Generator,
    customers: pd.DataFrame,
    *,
    hazard: Array,
    added: Array,
    pxi: Array,
    price: Array,
    late: Array,
) -> Array:
    """Draw the end_type of each customer (None: still here).

    `hazard` is each customer's per month, on the last day, without what the end of a promotion multiplies,
    which is `added`; `pxi`, `price` and `late` are in SD.
    """
    whole = hazard * added
    fixed = sum(SAME_FOR_ALL.values())
    odds = np.log(INVOLUNTARY / (1 - INVOLUNTARY)) + (
        TURNS_INVOLUNTARY["pxi"] * pxi + TURNS_INVOLUNTARY["price"] * price + TURNS_INVOLUNTARY["late"] * late
    )
    cut = (hazard - fixed) / (1 + np.exp(-odds))
    parts = np.column_stack([cut, *(np.full(len(cut), rate) for rate in SAME_FOR_ALL.values())])
    drawn = rng.random(len(customers)) * whole
    place = (drawn[:, None] >= np.cumsum(parts, axis=1)).sum(axis=1)
    cause: Array = np.array(["involuntary", *SAME_FOR_ALL, "voluntary"], dtype=object)[place]
    cause[customers["end_date"].isna()] = None
    return cause


def lock_in_ends(customers: pd.DataFrame) -> Array:
    """Return the last day of each contract (NaT: none), be it after the exit or the cut-off."""
    months = np.where(customers["attr_promo"] == 1, PROMO_LOCK_IN, customers["plan"].map(LOCK_IN)).astype(int)
    start = customers["start_date"].to_numpy().astype("datetime64[D]")
    ends = lifetimes.anniversary(start, months)
    return np.where(months > 0, ends, np.datetime64("NaT")).astype("datetime64[ns]")


def draw_retention_calls(rng: np.random.Generator, end_types: Array, *, differs: bool) -> Array:
    """Draw who was called to be kept (0/1), which happens once they have given notice."""
    chance = np.full(len(end_types), 0.2)
    if differs:
        chance = pd.Series(end_types).map(CALLED).fillna(CALLED_AND_STAYED).to_numpy()
    return (rng.random(len(end_types)) < chance).astype(int)
