"""What experience is worth in money: how long customers stay and buy, what they are worth, what pays."""

from cxlab.analysis.economics.cohorts import Renewals, sbg
from cxlab.analysis.economics.doubts import e_value
from cxlab.analysis.economics.improvement import Improvement, improvement
from cxlab.analysis.economics.purchases import Purchases, bg_nbd
from cxlab.analysis.economics.spend import Spend, gamma_gamma

__all__ = [
    "Improvement",
    "Purchases",
    "Renewals",
    "Spend",
    "bg_nbd",
    "e_value",
    "gamma_gamma",
    "improvement",
    "sbg",
]
