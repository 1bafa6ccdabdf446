"""Survival curves and their comparison, from who is at risk and who leaves at each time.

A customer is at risk at time t when entry < t <= duration. Counts of people stay apart from sums of
sampling weights: the first say whether a row may be shown, the second estimate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from cxlab.analysis.estimates import MINIMUM_CUSTOMERS, t_quantile
from cxlab.analysis.survival.observed import Observed

Array = np.ndarray[Any, Any]

# With late entry the first risk sets can be so small that one departure ruins the curve for ever. Where
# at least this many customers are ever at risk together, it starts only once MINIMUM_CUSTOMERS are.
_AMPLE = 100


@dataclass(frozen=True, slots=True)
class Curve:
    """A Kaplan-Meier curve at each observed time; `error` is of the logarithm of `survival`."""

    time: Array
    at_risk: Array
    events: Array
    survival: Array
    error: Array
    conf_low: Array
    conf_high: Array
    starts_at: float
    left_before: int

    def at(self, time: float) -> int:
        """Position of the step that holds at `time`; -1 before the start or after the last customer."""
        if time < self.starts_at or time > self.time[-1]:
            return -1
        return int(np.searchsorted(self.time, time, side="right")) - 1


def risk_sums(times: Array, who: Observed, amount: Array) -> Array:
    """Sum `amount` (cells,) over those at risk at each of the sorted `times`."""
    last = np.searchsorted(times, who.duration, side="right")
    late = np.searchsorted(times, who.entry, side="right")
    size = len(times) + 1
    leaving = np.bincount(last, amount, size)[::-1].cumsum()[::-1]
    entering = np.bincount(late, amount, size)[::-1].cumsum()[::-1]
    return np.asarray(leaving[1:] - entering[1:])


def event_sums(times: Array, who: Observed, amount: Array) -> Array:
    """Sum `amount` (cells,) over those who leave at each of the sorted `times` (every event time is one)."""
    at = np.searchsorted(times, who.duration[who.event])
    return np.bincount(at, amount[who.event], len(times)).astype(float)


def curve(who: Observed, level: float) -> Curve:
    r"""Kaplan-Meier curve with log-log intervals.

    :math:`S(t) = \prod_{t_k \le t} (1 - d_k / y_k)`; the variance of its logarithm is Greenwood's, or, with
    sampling weights, the sum of squared influences (equal to Greenwood's where the weights are).
    Before the first departure the lower limit is the exact one for no departure among those at risk.

    References
    ----------
    Kaplan & Meier (1958), doi:10.2307/2281868; Kalbfleisch & Prentice (2002), section 1.4;
    Reid (1981), doi:10.1214/aos/1176345330 (influence).
    """
    start, before = start_of(who)
    if before:
        who = who.part(who.duration > start)
    times = np.unique(who.duration)
    people, gone = risk_sums(times, who, who.count), event_sums(times, who, who.count)
    if who.weight is None:
        y, d = people, gone
    else:
        y, d = risk_sums(times, who, who.weight), event_sums(times, who, who.weight)
    survival = _product_limit(who, times, people, gone, y, d)
    alive = survival > 0
    terms = np.divide(d, y * (y - d), out=np.zeros_like(d), where=alive & (d > 0))
    error = np.sqrt(np.cumsum(terms)) if who.weight is None else _influence_error(who, times, terms, y - d)
    error = np.where(alive, error, np.nan)
    thinned = who.n_eff() / who.n
    low, high = log_log(survival, error, people * thinned, level)
    entered = float(who.count[(who.entry <= start) & (who.duration > start)].sum())
    first = np.array([0.0])
    return Curve(
        time=np.concatenate([[start], times]),
        at_risk=np.concatenate([[entered], people]).round().astype(int),
        events=np.concatenate([first, gone]).round().astype(int),
        survival=np.concatenate([[1.0], survival]),
        error=np.concatenate([first, error]),
        conf_low=np.concatenate([[1.0], low]),
        conf_high=np.concatenate([[1.0], high]),
        starts_at=start,
        left_before=before,
    )


def _product_limit(who: Observed, times: Array, people: Array, gone: Array, y: Array, d: Array) -> Array:
    """Kaplan-Meier estimate at `times`: lifelines' where all are seen from the start and weigh the same.

    With late entry or sampling weights it is ours, so that estimate, risk sets and error go together.
    """
    if who.weight is None and not (who.entry > 0).any():
        from lifelines import KaplanMeierFitter  # most of a second, paid by the first curve only

        fitted = KaplanMeierFitter().fit(who.duration, who.event, weights=who.count)
        return np.asarray(fitted.survival_function_at_times(times), dtype=float)
    ended = gone >= people
    hazard = np.where(ended & (gone > 0), 1.0, np.divide(d, y, out=np.zeros_like(d), where=people > 0))
    return np.asarray(np.cumprod(1 - hazard))


def start_of(who: Observed) -> tuple[float, int]:
    """Return where a curve starts, and how many customers were seen only before."""
    first = float(who.entry.min())
    if not (who.entry > first).any():
        return first, 0
    times = np.unique(who.duration)
    people, gone = risk_sums(times, who, who.count), event_sums(times, who, who.count)
    small = people < MINIMUM_CUSTOMERS if people.max() >= _AMPLE else people <= gone
    grown = int(np.argmax(~small)) if people.max() >= _AMPLE else int(np.argmax(people))
    ruined = np.flatnonzero(small[:grown] & (gone[:grown] > 0))
    if not len(ruined):
        return first, 0
    start = float(times[ruined[-1]])
    return start, int(who.count[who.duration <= start].sum())


def _influence_error(who: Observed, times: Array, terms: Array, stay: Array) -> Array:
    """Return the standard error of log S: root of the sum over customers of (weight times influence) squared.

    Customer i has the influence A(min(t, T_i)) - A(entry_i), with A the sum of `terms`, and, once gone,
    1 / (y - d) at T_i less.
    """
    w2 = np.asarray(who.squared)
    total = np.concatenate([[0.0], np.cumsum(terms)])
    last, late = np.searchsorted(times, who.duration), np.searchsorted(times, who.entry, side="right")
    own = total[last + 1] - total[late]
    left = np.divide(1.0, stay, out=np.zeros_like(stay), where=stay > 0)
    own = own - np.where(who.event, left[last], 0.0)
    closed = np.bincount(last, w2 * own**2, len(times)).cumsum()
    opened = [np.bincount(late, w2 * total[late] ** k, len(times) + 1)[:-1].cumsum() for k in range(3)]
    ended = [np.bincount(last, w2 * total[late] ** k, len(times)).cumsum() for k in range(3)]
    zero, one, two = (a - b for a, b in zip(opened, ended, strict=True))
    now = total[1:]
    return np.asarray(np.sqrt(np.maximum(closed + now**2 * zero - 2 * now * one + two, 0.0)))


def log_log(survival: Array, error: Array, at_risk: Array, level: float) -> tuple[Array, Array]:
    """Return limits exp(-exp(log(-log S) -/+ z error / log S)); the exact limit where nobody has left yet."""
    z = t_quantile(level)
    inner = (survival > 0) & (survival < 1)
    s = np.where(inner, survival, 0.5)
    shift = z * np.where(inner, error, 0.0) / np.abs(np.log(s))
    low, high = (np.exp(np.log(s) * np.exp(sign * shift)) for sign in (1, -1))
    none_left = np.exp(np.log((1 - level) / 2) / np.maximum(at_risk, 1.0))
    low = np.where(survival == 1, none_left, np.where(survival == 0, 0.0, low))
    # Once the last customer has left, the upper limit is the one before.
    known = np.where(survival == 1, 1.0, np.where(survival == 0, np.inf, high))
    return low, np.where(np.isinf(known), np.minimum.accumulate(np.minimum(known, 1.0)), known)


def reached(times: Array, values: Array, share: float = 0.5) -> float:
    """Time at which a falling curve reaches `share`; the middle of a rest there; NaN if never.

    Examples
    --------
    >>> times, values = np.array([0.0, 2.0, 3.0, 6.0]), np.array([1.0, 0.75, 0.5, 0.25])
    >>> reached(times, values), reached(times, values, 0.4)
    (4.5, 6.0)
    """
    below = np.flatnonzero(values <= share + 1e-9)
    if not len(below):
        return float("nan")
    first = below[0]
    lower = np.flatnonzero(values < share - 1e-9)
    if abs(values[first] - share) <= 1e-9 and len(lower):
        return float((times[first] + times[lower[0]]) / 2)
    return float(times[first])


@dataclass(frozen=True, slots=True)
class LogRank:
    """Test that groups leave at the same rates; `observed` and `expected` departures (groups,)."""

    statistic: float
    df: int
    p_value: float
    observed: Array
    expected: Array


def log_rank(who: Observed, group: Array, groups: int) -> LogRank:
    """Compare the departures of `groups` groups (codes in `group`) with those expected if all left alike.

    Without weights the hypergeometric variance (Mantel 1966); with sampling weights the robust variance
    of the weighted scores (Lin & Wei 1989, doi:10.1080/01621459.1989.10478874). Late entry is honoured.
    """
    times = np.unique(who.duration[who.event])
    members = [np.where(group == g, who.amount, 0.0) for g in range(groups)]
    y, d = (
        np.array([risk_sums(times, who, m) for m in members]),
        np.array([event_sums(times, who, m) for m in members]),
    )
    at_risk, gone = y.sum(axis=0), d.sum(axis=0)
    part = y / at_risk
    expected = (gone * part).sum(axis=1)
    score = d.sum(axis=1) - expected
    if who.weight is None:
        factor = gone * np.divide(at_risk - gone, at_risk - 1, out=np.zeros_like(gone), where=at_risk > 1)
        variance = np.diag((factor * part).sum(axis=1)) - (factor * part) @ part.T
    else:
        own = _log_rank_scores(who, times, group, part, gone / at_risk)
        variance = (own * who.squared) @ own.T
    statistic = float(score @ np.linalg.pinv(variance, rcond=1e-10, hermitian=True) @ score)
    df = int(np.linalg.matrix_rank(variance, tol=1e-10 * max(np.trace(variance), 1e-300), hermitian=True))
    return LogRank(statistic, df, float(stats.chi2.sf(statistic, df)), d.sum(axis=1), expected)


def _log_rank_scores(who: Observed, times: Array, group: Array, part: Array, hazard: Array) -> Array:
    """Contribution of a customer of each cell to each group's score, per unit of weight, (groups, cells)."""
    last, late = (
        np.searchsorted(times, who.duration, side="right"),
        np.searchsorted(times, who.entry, side="right"),
    )
    at = np.minimum(np.searchsorted(times, who.duration), len(times) - 1)
    total = np.concatenate([[0.0], np.cumsum(hazard)])
    scores = []
    for g, shares in enumerate(part):
        inside = (group == g).astype(float)
        summed = np.concatenate([[0.0], np.cumsum(shares * hazard)])
        compensated = inside * (total[last] - total[late]) - (summed[last] - summed[late])
        scores.append(who.event * (inside - shares[at]) - compensated)
    return np.array(scores)
