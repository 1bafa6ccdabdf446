"""What customers do, beyond staying: the parts of `departures`, `acquisition`, `accounts` and `referring`.

All of it is drawn from streams of its own, so that nothing drawn before it changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.demo import accounts, acquisition, contacts, departures, referring

Array = np.ndarray[Any, Any]

FIRST_BILL = (4.0, 6.0)  # days late with the first bill: on average, and per SD of lateness


@dataclass(frozen=True, kw_only=True)
class Leanings:
    """What sets the customers of a client apart, one value each.

    Attributes
    ----------
    pxi, price : array
        In SD.
    hazard, added : array
        Of leaving, per month, on the last day; and what the end of a promotion multiplies it by.
    refers : array
        Chance of ever referring somebody.
    differs : bool
        False where nothing goes with anything.
    """

    pxi: Array
    price: Array
    hazard: Array
    added: Array
    refers: Array
    differs: bool


def draw_conduct(
    stream: np.random.SeedSequence,
    customers: pd.DataFrame,
    leanings: Leanings,
    interactions: pd.DataFrame,
    strangers: list[str],
) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """Draw the further columns of customers and the tables of what they do.

    Returns
    -------
    tuple of DataFrame and dict of DataFrame
        The customers with the new columns; interactions (with reopened), transactions, billing, referrals
        and marketing_spend by name.
    """
    rngs = [np.random.default_rng(child) for child in stream.spawn(10)]
    pxi, differs = leanings.pxi, leanings.differs
    late = rngs[0].standard_normal(len(customers))
    blame = late if differs else np.zeros(len(customers))
    told = customers.assign(
        end_type=departures.draw_causes(
            rngs[1],
            customers,
            hazard=leanings.hazard,
            added=leanings.added,
            pxi=pxi,
            price=leanings.price,
            late=blame,
        ),
        lock_in_end=departures.lock_in_ends(customers),
        attr_sales_list=accounts.draw_list(rngs[2], pxi),
        attr_first_days_late=np.maximum(np.rint(FIRST_BILL[0] + FIRST_BILL[1] * late), 0.0),
        **acquisition.draw_origin(rngs[3], customers, pxi, differs=differs),
    )
    calls = departures.draw_retention_calls(rngs[4], told["end_type"].to_numpy(), differs=differs)
    told["attr_retention_call"] = calls
    bought = accounts.draw_transactions(rngs[5], told, pxi, differs=differs)
    told = pd.concat([told, accounts.worth(told, bought)], axis=1)
    return told, {
        "interactions": contacts.with_reopened(rngs[6], interactions, customers, differs=differs),
        "transactions": bought,
        "billing": accounts.draw_bills(rngs[7], told, bought, late),
        "referrals": referring.draw_referrals(rngs[8], told, leanings.refers, strangers),
        "marketing_spend": acquisition.draw_spend(rngs[9], told, differs=differs),
    }
