"""Shares of customers who have left for one reason, with errors, from who is at risk and who leaves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cxlab.analysis.survival.curves import event_sums, log_log, risk_sums, start_of
from cxlab.analysis.survival.observed import Observed

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Gone:
    """Those who have left for one reason, at each observed time; the first is the start."""

    time: Array
    at_risk: Array
    events: Array
    share: Array
    error: Array
    conf_low: Array
    conf_high: Array


def started(who: Observed) -> tuple[Observed, float]:
    """Return who is seen after the start of the curve, and that start."""
    start, before = start_of(who)
    return (who.part(who.duration > start) if before else who), start


def gone(who: Observed, leaving: Array, start: float, level: float) -> Gone:
    """Estimate the share who have left as marked in `leaving` (cells,), from `start` on; see `incidence`."""
    times = np.unique(who.duration)
    y, every = risk_sums(times, who, who.count), event_sums(times, who, who.count)
    own = event_sums(times, replace(who, event=leaving), who.count)
    hazard, any_hazard = (np.divide(d, y, out=np.zeros_like(y), where=y > 0) for d in (own, every))
    stay = np.cumprod(1 - any_hazard)
    before = np.concatenate([[1.0], stay[:-1]])
    share = np.cumsum(before * hazard)
    error = _jackknife(who, leaving, times, y, before, stay, share, hazard, any_hazard)
    left = 1 - share
    scaled = np.divide(error, left, out=np.zeros_like(error), where=left > 0)
    low, high = log_log(left, scaled, y, level)
    entered = float(who.count[(who.entry <= start) & (who.duration > start)].sum())
    first, nothing = np.array([start]), np.array([0.0])
    return Gone(
        time=np.concatenate([first, times]),
        at_risk=np.concatenate([[entered], y]).round().astype(int),
        events=np.concatenate([nothing, own]).round().astype(int),
        share=np.concatenate([nothing, share]),
        error=np.concatenate([nothing, error]),
        conf_low=np.concatenate([nothing, 1 - high]),
        conf_high=np.concatenate([nothing, 1 - low]),
    )


def _jackknife(
    who: Observed, leaving: Array, times: Array, y: Array, before: Array, stay: Array,
    share: Array, hazard: Array, any_hazard: Array,
) -> Array:  # fmt: skip
    r"""Return the root of the sum over customers of :math:`(\partial F(t) / \partial w_i)^2`.

    A customer who enters at e and ends at T has at t the derivative P + F(t) Q. While at risk P is
    -(A(t) - A(e)) and Q is B(t) - B(e), the sums below; leaving at T adds once
    S(T-)/y(T) (1{own cause} + F(T)/S(T)) to P and -S(T-)/y(T)/S(T) to Q. Sums over customers of the squares
    are therefore running sums over cells, whatever their number.
    """
    weight = np.divide(before, y, out=np.zeros_like(y), where=y > 0)
    back = np.divide(1.0, stay, out=np.zeros_like(stay), where=stay > 0)
    a = np.concatenate([[0.0], np.cumsum(weight * (hazard + any_hazard * share * back))])
    b = np.concatenate([[0.0], np.cumsum(weight * any_hazard * back)])
    last, late = np.searchsorted(times, who.duration), np.searchsorted(times, who.entry, side="right")
    p, q = a[late] - a[last + 1], b[last + 1] - b[late]
    jump = weight[last] * back[last]
    p = p + np.where(leaving, weight[last], 0.0) + np.where(who.event, jump * share[last], 0.0)
    q = q - np.where(who.event, jump, 0.0)
    size, people = len(times), who.count

    def ended(amount: Array) -> Array:
        return np.asarray(np.bincount(last, people * amount, size).cumsum())

    def still(amount: Array) -> Array:
        entered = np.bincount(late, people * amount, size + 1)[:-1].cumsum()
        return np.asarray(entered - ended(amount))

    closed = ended(p * p) + 2 * share * ended(p * q) + share**2 * ended(q * q)
    # Who is still at risk has -(A - A_e) + F (B - B_e), with A and B those of now.
    now = share * b[1:] - a[1:]
    ae, be = a[late], b[late]
    open_part = (
        now**2 * still(np.ones_like(ae))
        + 2 * now * (still(ae) - share * still(be))
        + still(ae**2) - 2 * share * still(ae * be) + share**2 * still(be**2)
    )  # fmt: skip
    return np.asarray(np.sqrt(np.maximum(closed + open_part, 0.0)))
