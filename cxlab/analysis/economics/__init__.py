"""What experience is worth in money: how long customers stay and buy, what they are worth, what pays."""

from cxlab.analysis.economics.cohorts import Renewals, sbg
from cxlab.analysis.economics.purchases import Purchases, bg_nbd
from cxlab.analysis.economics.spend import Spend, gamma_gamma

__all__ = ["Purchases", "Renewals", "Spend", "bg_nbd", "gamma_gamma", "sbg"]
