"""Intervals and tests of an index and of a difference of two, chosen by their measured coverage.

- Net scores of one question: halfway between the score limits (Tango; May & Johnson) and those that MOVER
  makes of Wilson's (Newcombe). Enumerating the trinomial from n = 12, NPS -45 to 98: 93.5 to 96.5 %, but for
  a few cells whose samples are too few to come nearer; adjusted Wald goes from 91 to 99 %, Wald down to 17 %.
- Means of nets: adjusted Wald. Three pseudo-respondents (3/4 for, 3/4 against, 3/2 neither) join the others.
- Shares and rates: Wilson on ``n_eff``; differences with two pseudo-respondents per side, one of them a
  success (Agresti & Caffo).
- Means on a scale with ends: Wilson's limits of the share of the scale, on the base at which a share would
  have the linearised error, with Student's t (n = 12 to 30, five points, some with 95 % at the top: 93.5 to
  98 % where Student's interval covers 83 to 100 %). Means of anything: Student's t.
- Differences of nets: adjusted Wald on either side. Among many segments, Student's t also where all weights
  are equal: the normal's tails let 20 of 50 alike answers state a difference in 7 % of reports, t's in 5 %.

``n_eff`` is the smaller of Kish's and Taylor's effective sizes, larger by as much as a finite population is
known. Independent rows of equal weight take the normal quantile, all other designs Student's t. The estimate
shown is the raw one, and limits are not symmetric about it. The p-value of a difference is that of the same
adjusted difference and error as its interval, hence before adjusting for multiplicity p < 0.05 exactly when
the 95 % interval leaves out zero.

References
----------
Tango 1998, Statistics in Medicine 17:891. May & Johnson 1997, Statistics in Medicine 16:2127. Newcombe 1998
(method 10), Statistics in Medicine 17:2635.
Rocks 2016, arXiv:1601.07235. Wilson 1927, doi:10.1080/01621459.1927.10502953.
Agresti & Caffo 2000, doi:10.1080/00031305.2000.10474560.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from cxlab.analysis.definitions import Metric
from cxlab.analysis.estimates import t_quantile
from cxlab.analysis.survey import ROUNDING, Cells, Group

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Pseudo:
    """Pseudo-respondents added to a group: how many, their mean and mean square (contributions of 1)."""

    size: float
    mean: float
    square: float


ADJUSTED_WALD = Pseudo(3.0, 0.0, 0.5)
AGRESTI_CAFFO = Pseudo(2.0, 0.5, 0.5)
HALVINGS = 40  # a trillionth of the scale


@dataclass(frozen=True, slots=True)
class Differences:
    """K differences of two groups; every array has shape (K,).

    `centre`, `error` and `df` are what interval and p-value are made of: the adjusted difference, its error
    and the degrees of freedom.
    """

    difference: Array
    std_error: Array
    conf_low: Array
    conf_high: Array
    p_value: Array
    centre: Array
    error: Array
    df: Array

    def within(self, margin: float) -> Array:
        """P-values of two one-sided tests that the difference lies within `margin` on both sides."""
        with np.errstate(divide="ignore", invalid="ignore"):
            nearest = (margin - np.abs(self.centre)) / self.error
        return np.asarray(stats.t.sf(np.nan_to_num(nearest), self.df))


def interval(group: Group, entry: Metric, level: float) -> tuple[Array, Array]:
    """Confidence limits of the estimates of `group`, within the limits of the metric.

    Examples
    --------
    A hundred promoters of 200, 60 passives, 40 detractors, in points.

    >>> import pandas as pd
    >>> from cxlab.analysis import metrics
    >>> table = pd.DataFrame({"recommend": [10] * 100 + [8] * 60 + [0] * 40})
    >>> metrics.score(table, "nps").table[["conf_low", "conf_high"]].round(3).to_numpy().tolist()
    [[18.782, 40.316]]
    """
    least, most = entry.limits or (-np.inf, np.inf)
    if entry.family == "net" and len(entry.slots) == 1:
        low, high = net_limits(
            group.second / 1e4, group.estimate / 100, group.doubt, _quantile(level, group.df)
        )
    elif entry.family == "net":
        centre, error = _shrunk(group, ADJUSTED_WALD)
        half = _quantile(level, group.df) * error
        low, high = centre - half, centre + half
    elif entry.family in ("share", "rate"):
        low, high = _wilson(group.estimate / 100, group.doubt, _quantile(level, group.df))
    else:
        q = _quantile(level, _finite_df(group))
        low, high = group.estimate - q * group.std_error, group.estimate + q * group.std_error
        if entry.limits:
            low, high = _on_scale(group, least, most, q)
    return np.clip(low, least, most), np.clip(high, least, most)


def _on_scale(group: Group, least: float, most: float, q: Array) -> tuple[Array, Array]:
    """Limits of a mean that cannot leave its scale; alike answers leave to the ends what may be unseen."""
    below, above = group.estimate - least, most - group.estimate
    spread = np.where((below > 0) & (above > 0), below * above, np.nan)
    share = [limit / 100 for limit in _wilson(below / (most - least), group.std_error**2 / spread, q)]
    unseen = _wilson(np.zeros(len(q)), group.doubt, q)[1] / 100
    alike = group.std_error == 0
    return (
        np.where(alike, group.estimate - unseen * below, least + (most - least) * share[0]),
        np.where(alike, group.estimate + unseen * above, least + (most - least) * share[1]),
    )


def net_limits(total: Array, net: Array, doubt: Array, q: Array) -> tuple[Array, Array]:
    """Limits, in points, of a share for less a share against: halfway between score and MOVER-Wilson.

    Parameters
    ----------
    total, net : ndarray, shape (K,)
        Share for or against, and share for less share against, of one.
    doubt : ndarray, shape (K,)
        One over the effective base.
    q : ndarray, shape (K,)
        Two-sided quantile.

    Examples
    --------
    Twenty promoters of twenty; and 15 of 36, with 9 detractors.

    >>> low, high = net_limits(np.array([1, 24 / 36]), np.array([1, 6 / 36]), 1 / np.array([20, 36]), 1.96)
    >>> low.round(2).tolist(), high.round(2).tolist()
    ([72.49, -9.9], [100.0, 40.66])
    """
    one, other = _score(total, net, doubt, q), _mover(total, net, doubt, q)
    return 50 * (one[0] + other[0]), 50 * (one[1] + other[1])


def _score(total: Array, net: Array, doubt: Array, q: Array) -> tuple[Array, Array]:
    """Nets whose distance from the estimate is `q` of their own errors, by bisection."""
    limits = []
    for end in (-1.0, 1.0):
        inside, outside = np.array(net, dtype=float), np.full(np.shape(net), end)
        for _ in range(HALVINGS):
            middle = (inside + outside) / 2
            b = total + net * middle
            # the likeliest share for or against, were `middle` the net: a quadratic's larger root
            likely = (b + np.sqrt(np.maximum(b**2 - 4 * middle * (net - (1 - total) * middle), 0.0))) / 2
            held = (net - middle) ** 2 <= q**2 * doubt * np.maximum(likely - middle**2, 0.0)
            inside, outside = np.where(held, middle, inside), np.where(held, outside, middle)
        limits.append(inside)
    return limits[0], limits[1]


def _mover(total: Array, net: Array, doubt: Array, q: Array) -> tuple[Array, Array]:
    """Limits of a difference recovered from those of its parts, which exclude each other."""
    gain, loss = (np.where(part > ROUNDING, part, 0.0) for part in ((total + net) / 2, (total - net) / 2))
    (gain_low, gain_high), (loss_low, loss_high) = (
        [limit / 100 for limit in _wilson(share, doubt, q)] for share in (gain, loss)
    )
    spread = np.sqrt(np.maximum(gain * (1 - gain) * loss * (1 - loss), 0.0))
    against = np.where(spread > 0, gain * loss / np.where(spread > 0, spread, 1.0), 0.0)

    def reach(one: Array, other: Array) -> Array:
        return np.asarray(np.sqrt(np.maximum(one**2 + other**2 + 2 * against * one * other, 0.0)))

    return net - reach(gain - gain_low, loss_high - loss), net + reach(gain_high - gain, loss - loss_low)


def adjusted_error(group: Group, entry: Metric) -> Array:
    """Error of each estimate that does not vanish where everybody answers alike, nor falls below Taylor's."""
    if entry.family == "net":
        own = _shrunk(group, ADJUSTED_WALD)[1]
    elif entry.family in ("share", "rate"):
        own = _shrunk(group, AGRESTI_CAFFO)[1]
    else:
        spread = np.sqrt(np.nansum(group.std_error**2 * group.n_eff**2) / np.nansum(group.n_eff))
        own = np.where(group.std_error > 0, group.std_error, spread / np.sqrt(group.n_eff))
    return np.asarray(np.fmax(own, group.std_error))


def differences(
    cells: Cells, one: Group, other: Group, entry: Metric, level: float,
    beyond: tuple[float, float] = (0.0, np.inf), *, student: bool = False,
) -> Differences:  # fmt: skip
    """Differences of paired groups, one less other, with interval and p-value of the same statistic.

    `beyond` adds a variance that sampling does not have (between waves), with its degrees of freedom.
    `student`: Student's t also where rows of equal weight would take the normal.
    """
    difference = one.estimate - other.estimate
    std_error = np.sqrt(cells.variance(one.gradient - other.gradient))
    if entry.family in ("net", "share", "rate"):
        pseudo = ADJUSTED_WALD if entry.family == "net" else AGRESTI_CAFFO
        (m1, e1), (m2, e2) = _shrunk(one, pseudo), _shrunk(other, pseudo)
        shrink = 1 / ((1 + pseudo.size * one.doubt) * (1 + pseudo.size * other.doubt))
        shared = cells.covariances(one.gradient, other.gradient) * shrink
        centre, variance = m1 - m2, np.fmax(e1**2 + e2**2 - 2 * shared, std_error**2 * shrink)
        freedom = [_finite_df(g) if student and entry.family != "rate" else g.df for g in (one, other)]
        df = _welch(e1, freedom[0], e2, freedom[1])
        if entry.family == "rate":
            std_error = np.fmax(std_error, np.sqrt(one.std_error**2 + other.std_error**2 - 2 * shared))
    else:
        e1, e2 = one.std_error, other.std_error
        centre, variance = difference, std_error**2
        df = _welch(e1, _finite_df(one), e2, _finite_df(other))
    if not cells.simple:
        df = np.minimum(df, max(cells.design_df - 1, 1.0))
    extra, extra_df = beyond
    if extra > 0:
        df = _welch(np.sqrt(variance), df, np.full_like(variance, np.sqrt(extra)), np.asarray(extra_df))
        variance, std_error = variance + extra, np.sqrt(std_error**2 + extra)
    half = _quantile(level, df) * np.sqrt(variance)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.abs(centre) / np.sqrt(variance)
    statistic = np.where(np.isnan(statistic) & (variance == 0), 0.0, statistic)
    reach = entry.limits[1] - entry.limits[0] if entry.limits else np.inf
    low, high = np.clip(centre - half, -reach, reach), np.clip(centre + half, -reach, reach)
    p_value = 2 * stats.t.sf(statistic, df)
    return Differences(difference, std_error, low, high, p_value, centre, np.sqrt(variance), df)


def _shrunk(group: Group, pseudo: Pseudo) -> tuple[Array, Array]:
    """Mean and error (in points) of the group joined by pseudo-respondents."""
    joined = pseudo.size * group.doubt  # per respondent
    mean = (group.estimate / 100 + joined * pseudo.mean) / (1 + joined)
    square = (group.second / 1e4 + joined * pseudo.square) / (1 + joined)
    return 100 * mean, 100 * np.sqrt(np.maximum(square - mean**2, 0.0) * group.doubt / (1 + joined))


def wilson(share: Any, n: Any, level: float) -> tuple[Array, Array]:
    """Wilson limits of shares of one; not known (NaN) where the base is nothing.

    Examples
    --------
    >>> low, high = wilson([0.1, 0.0], [50, 50], 0.95)
    >>> low.round(4).tolist(), high.round(4).tolist()
    ([0.0435, 0.0], [0.2136, 0.0713])
    """
    bases = np.asarray(n, dtype=float)
    known = np.where(bases > 0, bases, np.nan)
    quantile = np.asarray(t_quantile(level))
    low, high = _wilson(np.where(bases > 0, share, np.nan), 1 / known, quantile)
    return low / 100, high / 100


def _wilson(p: Array, doubt: Array, q: Array) -> tuple[Array, Array]:
    centre = (p + q**2 * doubt / 2) / (1 + q**2 * doubt)
    half = q * np.sqrt(np.maximum(p * (1 - p), 0.0) * doubt + (q * doubt) ** 2 / 4) / (1 + q**2 * doubt)
    # rounding must not leave the estimate of an extreme cell outside
    low, high = np.where(p <= 0, 0.0, centre - half), np.where(p >= 1, 1.0, centre + half)
    return 100 * low, 100 * high


def _finite_df(group: Group) -> Array:
    return np.where(np.isfinite(group.df), group.df, np.maximum(group.rows - 1, 1.0))


def _welch(e1: Array, df1: Array, e2: Array, df2: Array) -> Array:
    """Welch-Satterthwaite degrees of freedom; infinite when both sides are."""
    with np.errstate(divide="ignore", invalid="ignore"):
        df = (e1**2 + e2**2) ** 2 / (e1**4 / df1 + e2**4 / df2)
    return np.where(np.isnan(df), np.fmin(df1, df2), df)


def _quantile(level: float, df: Array) -> Array:
    return np.asarray(stats.t.ppf(0.5 + level / 2, df))
