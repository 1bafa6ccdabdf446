r"""Whom to contact: what acting on predicted risks would have brought, counted on those who were followed.

A customer contacted costs c; if about to leave, the contact keeps them with the save rate s, and they are
worth v. Contacting pays where :math:`s\,p\,v > c`. What it brings is counted on what happened, not on the
risks: :math:`\sum s v \cdot left - c`, each departure with the weight of `validated.known`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.estimates import flags
from cxlab.analysis.survival.validated import TOP, Followed, gains, intervals, known

Array = np.ndarray[Any, Any]

PER = 1_000  # customers to whom amounts refer
SHARES = np.linspace(0, 1, 21)
_THRESHOLDS, _HIGHEST = 10, 0.99


@dataclass(frozen=True, slots=True)
class Terms:
    """What a contact costs and how many of those about to leave it keeps, with the range to look at."""

    cost: float
    save: float
    save_low: float
    save_high: float


def net_benefit(seen: Followed, *, level: float, resamples: int, seed: int) -> pd.DataFrame:
    r"""Return what acting above each threshold of risk is worth, in departures met per customer.

    :math:`TP/n - FP/n \cdot t/(1-t)`: whoever acts at the threshold t finds one departure worth
    :math:`(1-t)/t` contacts in vain (Vickers & Elkin 2006, doi:10.1177/0272989X06295361).

    Returns
    -------
    DataFrame
        threshold, above (share of customers), estimate, conf_low, conf_high, everybody (acting on all),
        n, flag.
    """
    highest = min(float(np.quantile(seen.risk, _HIGHEST)), _HIGHEST)
    steps = np.linspace(0, max(highest, 1e-3), _THRESHOLDS + 1)[1:]
    above = seen.risk[:, None] >= steps

    def told(amount: Array) -> Array:
        left, here = known(seen, amount)
        return np.asarray((left @ above - (here @ above) * steps / (1 - steps)) / amount.sum())

    left, here = known(seen, seen.who.amount)
    total = float(seen.who.amount.sum())
    low, high = intervals(seen, told, level=level, resamples=resamples, seed=seed)
    return pd.DataFrame(
        {
            "threshold": steps,
            "above": seen.who.amount @ above / total,
            "estimate": told(seen.who.amount),
            "conf_low": low,
            "conf_high": high,
            "everybody": (left.sum() - here.sum() * steps / (1 - steps)) / total,
            "n": seen.people,
            "flag": flags([seen.people])[0],
        }
    )


@dataclass(frozen=True, slots=True, eq=False)
class Bought:
    """What contacting brings: a `curve` over the share contacted, and the numbers of the rule in `rule`."""

    curve: pd.DataFrame
    rule: pd.DataFrame


def bought(seen: Followed, terms: Terms, *, level: float, resamples: int, seed: int) -> Bought:
    """Return what contacting those with most at stake would have brought, per 1,000 customers.

    Returns
    -------
    Bought
        ``curve``: contacted (share, by risk times worth), estimate, conf_low, conf_high, low_save, high_save
        (the estimate at both ends of the save rate's range), n, flag. ``rule``: quantity (contacted, the
        share; amount, break_even save rate, all of contacting whoever is expected to be worth more than the
        contact; break_even_top, that of contacting the tenth with most at stake; threshold of risk at the
        mean worth), estimate, conf_low, conf_high, n, flag.
    """
    stake = seen.risk * seen.value
    rank = np.unique(stake.round(9), return_inverse=True)[1]
    chosen = terms.save * stake > terms.cost
    size = len(SHARES)

    def told(amount: Array) -> Array:
        left, _ = known(seen, amount)
        worth, total = left * seen.value, float(amount.sum())
        kept = gains(rank, amount, worth, SHARES) / total
        met, reached = float(worth[chosen].sum()), float(amount[chosen].sum())
        brought = terms.save * met - terms.cost * reached
        even = terms.cost * reached / met if met > 0 else np.nan
        at_save = [PER * (save * kept - terms.cost * SHARES) for save in _saves(terms)]
        most = float(gains(rank, amount, worth, np.array([TOP]))[0]) / total
        top = terms.cost * TOP / most if most > 0 else np.nan
        return np.concatenate([*at_save, [reached / total, PER * brought / total, even, top]])

    found = told(seen.who.amount)
    low, high = intervals(seen, told, level=level, resamples=resamples, seed=seed)
    base = {"n": seen.people, "flag": flags([seen.people])[0]}
    curve = {"contacted": SHARES, "estimate": found[:size], "conf_low": low[:size], "conf_high": high[:size]}
    curve |= {"low_save": found[size : 2 * size], "high_save": found[2 * size : 3 * size]}
    rule = {
        "quantity": ["contacted", "amount", "break_even", "break_even_top", "threshold"],
        "measure": ["share", "money", "share", "share", "share"],
        "estimate": [*found[3 * size :], _threshold(seen, terms)],
        "conf_low": [np.nan, *low[3 * size + 1 :], np.nan],
        "conf_high": [np.nan, *high[3 * size + 1 :], np.nan],
    }
    return Bought(pd.DataFrame({**curve, **base}), pd.DataFrame({**rule, **base}))


def _saves(terms: Terms) -> Sequence[float]:
    return terms.save, terms.save_low, terms.save_high


def _threshold(seen: Followed, terms: Terms) -> float:
    """Risk above which a contact pays, of a customer of mean worth."""
    worth = terms.save * float(seen.who.amount @ seen.value) / float(seen.who.amount.sum())
    return min(terms.cost / worth, 1.0) if worth > 0 else 1.0
