"""What customers without a contract are worth: purchases still to come, times spend, times margin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.economics import purchases as bought
from cxlab.analysis.economics import spend as spent
from cxlab.analysis.economics.maximum import Maximum
from cxlab.analysis.economics.purchases import Purchases
from cxlab.analysis.economics.spend import Spend
from cxlab.analysis.estimates import (
    Claim,
    Result,
    check_level,
    check_numbers,
    check_seed,
    flags,
    whole_from,
)
from cxlab.errors import AnalysisError, Message

Array = np.ndarray[Any, Any]

_PARTS = 12  # of the horizon; purchases of each are discounted from its middle
_CLASSES = {"0": (0, 0), "1": (1, 1), "2-3": (2, 3), "4+": (4, np.inf)}


@dataclass(frozen=True, eq=False, kw_only=True)
class Prospects(Result):
    """What customers are worth by how often they came back; `values` (n,) of each."""

    values: Array


def purchase_value(
    purchases: Purchases,
    spend: Spend,
    frequency: Any,
    recency: Any,
    age: Any,
    amount: Any,
    *,
    horizon: float,
    discount: float,
    margin_share: float = 1.0,
    per_year: float = 52.0,
    level: float = 0.95,
    resamples: int = 100,
    seed: int = 0,
    currency: str = "",
) -> Prospects:
    r"""Estimate what customers without a contract are worth over the time to come.

    Parameters
    ----------
    purchases, spend : Purchases, Spend
        The fitted models (`bg_nbd`, `gamma_gamma`).
    frequency, recency, age, amount : array-like (n,)
        The customers' histories, and the mean money of their repeat purchases (ignored without one).
    horizon : float
        Time ahead, in the unit of the ages.
    discount : float
        Yearly rate.
    margin_share : float
        Share of the money spent that is left.
    per_year : float
        Units of time in a year: 52 for weeks.
    level, resamples, seed : float, int, int
        Confidence level; draws of the parameters from their errors, and their seed.
    currency : str
        Code of the currency, for the texts.

    Returns
    -------
    Prospects
        ``table``: purchases (repeat purchases so far: 0, 1, 2-3, 4+, and all), estimate (mean value of a
        customer), conf_low, conf_high (of what the models' errors leave), alive (mean probability of still
        buying), n, flag. ``values``: of each customer.

    Raises
    ------
    AnalysisError
        As the two models; where q of the spend is 1 or less, so that its mean is infinite.

    Notes
    -----
    :math:`\sum_k (E[Y(t_k)] - E[Y(t_{k-1})]) \, E[M] \, g \, (1+d)^{-t}`, over twelve parts of the horizon,
    discounted from their middles. No rule such as "90 days silent" decides who has left.

    References
    ----------
    Fader, Hardie & Lee (2005), doi:10.1509/jmkr.2005.42.4.415.
    """
    check_level(level)
    check_seed(seed)
    check_numbers(
        ("horizon", horizon, lambda v: 0 < v < np.inf, Message("a positive time")),
        ("discount", discount, lambda v: 0 <= v < 10, Message("a yearly rate, e.g. 0.1")),
        ("margin_share", margin_share, lambda v: 0 < v <= 1, Message("a share above 0, up to 1")),
        ("per_year", per_year, lambda v: 0 < v < np.inf, Message("a positive time")),
        ("resamples", resamples, lambda v: whole_from(v, 40), Message("a whole number, 40 or more")),
    )
    x, last, total = bought.history(frequency, recency, age)
    z = spent.amounts(x, amount)[1]
    if spend.fitted.estimate[1] <= 1:
        raise AnalysisError(
            "the mean spend is infinite (q of {q:.2f}): who bought little cannot be valued; take an average",
            q=float(spend.fitted.estimate[1]),
        )
    ends = np.linspace(0, horizon, _PARTS + 1)
    factors = (1 + discount) ** (-(ends[1:] + ends[:-1]) / 2 / per_year)
    # Customers alike in all are valued once.
    groups, place = np.unique(np.column_stack([x, last, total, z]), axis=0, return_inverse=True)

    def worth(buying: Array, spending: Array) -> Array:
        own = groups.T
        until = np.array([bought.expected(buying, t, *own[:3]) for t in ends[1:]])
        came = np.diff(until, axis=0, prepend=0.0)
        return np.asarray(margin_share * spent.expected(spending, own[0], own[3]) * (factors @ came))

    values = worth(purchases.fitted.estimate, spend.fitted.estimate)[place.ravel()]
    rng = np.random.default_rng(seed)
    logs = [_logs(fit, rng, resamples) for fit in (purchases.fitted, spend.fitted)]
    kept = [(b, s) for b, s in zip(*logs, strict=True) if s[1] > 1]
    drawn = np.array([worth(b, s)[place.ravel()] for b, s in kept])
    alive = purchases.p_alive(x, last, total)
    rows = [_row("all", np.ones(len(x), dtype=bool), values, drawn, alive, level)]
    rows += [
        _row(name, (x >= a) & (x <= b), values, drawn, alive, level) for name, (a, b) in _CLASSES.items()
    ]
    table = pd.DataFrame([row for row in rows if row["n"]])
    whole = rows[0]
    fields = {
        **{k: whole[k] for k in ("estimate", "conf_low", "conf_high", "alive", "n")}, "level": level,
        "unit": "money", "currency": currency, "periods": horizon, "discount": discount,
    }  # fmt: skip
    return Prospects(
        table=table,
        keys=("purchases",),
        n_used=len(x),
        settings={
            "horizon": horizon, "discount": discount, "margin_share": margin_share, "per_year": per_year,
            "level": level, "resamples": len(kept), "seed": seed, "currency": currency,
            "formula": "sum of expected purchases x expected spend x margin share x (1+d)^(-t)",
        },
        claims=(Claim("economics.prospects", fields, "D", ("model_not_observed",), headline=True),),
        values=values,
    )  # fmt: skip


def _logs(fit: Maximum, rng: np.random.Generator, resamples: int) -> Array:
    return np.exp(rng.multivariate_normal(np.log(fit.estimate), fit.covariance, resamples))


def _row(name: str, own: Array, values: Array, drawn: Array, alive: Array, level: float) -> dict[str, Any]:
    if not own.any():
        return {"purchases": name, "n": 0}
    low, high = np.quantile(drawn[:, own].mean(axis=1), [(1 - level) / 2, (1 + level) / 2])
    return {
        "purchases": name, "estimate": float(values[own].mean()), "conf_low": float(low),
        "conf_high": float(high), "alive": float(alive[own].mean()), "measure": "money",
        "n": int(own.sum()), "flag": flags([own.sum()])[0],
    }  # fmt: skip
