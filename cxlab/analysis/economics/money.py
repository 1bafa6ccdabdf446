r"""From shares still here to money: what payments are worth, what a change of them pays, and when.

A customer who pays :math:`m` a month is worth :math:`\sum_{t=0}^{H-1} m S(t) (1+d)^{-t/12}` when payments
come in advance, :math:`\sum_{t=1}^{H} m S(t) (1+d)^{-t/12}` in arrears; d is the yearly rate.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from cxlab.analysis.estimates import check_numbers, whole_from
from cxlab.errors import AnalysisError, Message

Array = np.ndarray[Any, Any]
Payment = Literal["advance", "arrears"]
Tail = Literal["refuse", "nothing", "constant"]

FORMULAS = {
    "advance": "CLTV = sum over t = 0..H-1 of m S(t) (1+d)^(-t/12)",
    "arrears": "CLTV = sum over t = 1..H of m S(t) (1+d)^(-t/12)",
}


@dataclass(frozen=True, slots=True)
class Terms:
    """What money is counted by: `margin` a month, `horizon` in months, yearly `discount`, how payments come.

    `observed` says until which month anyone was observed, `tail` what is taken to happen after it.
    """

    margin: float
    horizon: int
    discount: float
    payment: Payment = "advance"
    tail: Tail = "refuse"
    observed: float = float("inf")

    def check(self) -> None:
        """Refuse what cannot be counted by, and a horizon past what was observed without a declared tail."""
        finite = Message("a positive amount of money a month")
        check_numbers(
            ("margin", self.margin, lambda v: np.isfinite(v) and v > 0, finite),
            ("horizon", self.horizon, lambda v: whole_from(v, 1), Message("a whole number of months")),
            ("discount", self.discount, lambda v: 0 <= v < 10, Message("a yearly rate, e.g. 0.1")),
        )
        for name, given, allowed in (
            ("payment", self.payment, ("advance", "arrears")),
            ("tail", self.tail, ("refuse", "nothing", "constant")),
        ):
            if given not in allowed:
                raise AnalysisError(
                    "{name} is {given!r}; allowed: {allowed}",
                    name=name, given=given, allowed=", ".join(allowed),
                )  # fmt: skip
        if self.tail == "refuse" and self.horizon > self.observed:
            raise AnalysisError(
                "horizon is {horizon} months, but customers were observed for {observed:g}; take a shorter "
                "one, or declare what comes after: tail='nothing' counts no money there, tail='constant' "
                "goes on with the hazard of the last year observed",
                horizon=self.horizon, observed=self.observed,
            )  # fmt: skip

    def factors(self, months: int) -> Array:
        """Return what a unit of margin is worth in each month 0..`months` - 1, zero where none is paid."""
        t = np.arange(months)
        paid = t < self.horizon if self.payment == "advance" else (t >= 1) & (t <= self.horizon)
        if self.tail == "nothing":
            paid &= t <= self.observed
        return np.where(paid, (1 + self.discount) ** (-t / 12), 0.0)

    def worth(self, share: Array) -> Array:
        """Return the money of curves `share` (..., months from 0)."""
        return np.asarray(self.margin * (share @ self.factors(share.shape[-1])))

    def beyond(self, share: Array) -> Array:
        """Return the part of `worth` that lies after what was observed."""
        later = np.arange(share.shape[-1]) > self.observed
        return self.worth(share * later)

    def cumulative(self, share: Array) -> Array:
        """Return the money until each month, (..., months)."""
        return np.asarray(np.cumsum(self.margin * share * self.factors(share.shape[-1]), axis=-1))


def months_held(share: Array, horizon: int, *, whole: bool) -> Array:
    """Return the mean months here until `horizon`: the area under curves (..., months from 0).

    Durations in `whole` months step at the months, so that the area is the sum; others are interpolated.
    """
    if whole:
        return np.asarray(share[..., :horizon].sum(axis=-1))
    return np.asarray((share[..., :horizon] + share[..., 1 : horizon + 1]).sum(axis=-1) / 2)


@dataclass(frozen=True, slots=True)
class Programme:
    """An improvement and what it costs: `treated` customers, the share `uptake` who change, total `cost`."""

    terms: Terms
    cost: float
    uptake: float
    treated: float

    def check(self) -> None:
        """Refuse what no programme has."""
        self.terms.check()
        check_numbers(
            ("cost", self.cost, lambda v: np.isfinite(v) and v >= 0, Message("an amount, zero or more")),
            ("uptake", self.uptake, lambda v: 0 < v <= 1, Message("a share above 0, up to 1")),
            ("treated", self.treated, lambda v: v > 0, Message("a number of customers")),
        )

    @property
    def converted(self) -> float:
        """Customers who change."""
        return self.treated * self.uptake

    def gain(self, now: Array, changed: Array) -> Array:
        """Return how much more a customer who changes is worth."""
        return self.terms.worth(changed - now)

    def net(self, now: Array, changed: Array) -> Array:
        """Return the net present value of the programme."""
        return self.converted * self.gain(now, changed) - self.cost

    def returned(self, net: Array) -> Array:
        """Return the return on what it cost; missing where it costs nothing."""
        return net / self.cost if self.cost > 0 else np.full(np.shape(net), np.nan)

    def balance(self, now: Array, changed: Array) -> Array:
        """Return what has come in less the cost, month by month."""
        return self.converted * self.terms.cumulative(changed - now) - self.cost

    def payback(self, now: Array, changed: Array) -> Array:
        """Return the first month with the cost recovered; infinite where the horizon ends before."""
        paid = self.balance(now, changed)[..., : self.terms.horizon + 1] >= 0
        # A payment in advance for month t is in hand at t; told as months elapsed once it is in.
        return np.where(paid.any(axis=-1), paid.argmax(axis=-1), np.inf)

    def varied(self, **terms: Any) -> Programme:
        """Return the programme with other terms."""
        return replace(self, terms=replace(self.terms, **terms))


def least_share(shares: Array, net: Array) -> Array:
    """Return the least causal share at which the net value (..., shares) is not negative; infinite if none.

    Examples
    --------
    >>> least_share(np.array([0, 0.5, 1]), np.array([[-10.0, 0.0, 8.0], [-10.0, -9.0, -8.0]])).tolist()
    [0.5, inf]
    """
    out = np.full(net.shape[:-1], np.inf)
    for place in np.ndindex(out.shape):
        own = net[place]
        paid = np.flatnonzero(own >= 0)
        if not len(paid):
            continue
        first = int(paid[0])
        if not first:
            out[place] = 0.0
            continue
        step = -own[first - 1] / (own[first] - own[first - 1])
        out[place] = shares[first - 1] + step * (shares[first] - shares[first - 1])
    return out
