"""What experience is worth in money: how long customers stay and buy, what they are worth, what pays."""

from cxlab.analysis.economics.accounts import AcquisitionCost, PerUser, acquisition_cost, per_user
from cxlab.analysis.economics.behaviours import Behaviours, behaviours
from cxlab.analysis.economics.cohorts import Renewals, sbg
from cxlab.analysis.economics.doubts import e_value
from cxlab.analysis.economics.histories import histories, repeat_buying
from cxlab.analysis.economics.improvement import Improvement, improvement
from cxlab.analysis.economics.prospects import Prospects, purchase_value
from cxlab.analysis.economics.purchases import Purchases, bg_nbd
from cxlab.analysis.economics.spend import Spend, gamma_gamma
from cxlab.analysis.economics.value import LifetimeValue, constant_value, lifetime_value

__all__ = [
    "AcquisitionCost",
    "Behaviours",
    "Improvement",
    "LifetimeValue",
    "PerUser",
    "Prospects",
    "Purchases",
    "Renewals",
    "Spend",
    "acquisition_cost",
    "behaviours",
    "bg_nbd",
    "constant_value",
    "e_value",
    "gamma_gamma",
    "histories",
    "improvement",
    "lifetime_value",
    "per_user",
    "purchase_value",
    "repeat_buying",
    "sbg",
]
