r"""Proportional hazards: Efron's partial likelihood, robust errors, and whether effects hold over time.

At an event time with deaths D (d of them) and risk set R, Efron's likelihood has for :math:`l = 0..d-1`
the sums :math:`S - (l/d) D` over exp(x beta) w, the deaths counting with their mean weight. All matrices
below follow from sums per event time that are scalars or vectors; late entry and strata only change
which event times a customer is at risk at: the positions [first, last) of the sorted event times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import stats

from cxlab.analysis.survival.alike import Alike, alike, told_apart
from cxlab.analysis.survival.concordance import concordance
from cxlab.analysis.survival.observed import Observed
from cxlab.analysis.survival.ties import tie_sums

__all__ = [
    "CoxFit", "Diverged", "Proportional", "Risk", "Sums", "at_risk", "baseline", "concordance", "fit",
    "influences", "information", "proportionality", "score", "sums",
]  # fmt: skip

Array = np.ndarray[Any, Any]

_STEPS = 40
_HALVINGS = 30
_CONVERGED = 1e-13  # squared length of a Newton step in units of standard errors
_RUNAWAY = 25.0  # log hazard ratio across four standard deviations that no finite estimate reaches


class Diverged(Exception):
    """The likelihood has no maximum: `column` is where it grows for ever."""

    def __init__(self, column: int) -> None:
        self.column = column
        super().__init__(column)


@dataclass(frozen=True, slots=True)
class Risk:
    """Who is at risk when: positions [first, last) of the event times, by cell, and what they are like.

    `rows` (rows, p) the covariates, standardised, and `row` (n,) which is a cell's, None where each has its
    own; `count` (n,) people, `w` and `squared` (n,) the sums of their weights and of the squares of these,
    `event` (n,), `at` (n,) the position of an event's own time, `deaths` (times,), `order` (times,) the
    times themselves, `begin` (n,) the first position of the customer's stratum, `ends` that after its last.
    Cells of one `cluster` (codes, n) count together in robust errors; so do the `pieces` (codes, n) that
    the time of the same customers was cut into. `alike` is what each of `rows` weighs, where they are few.
    """

    rows: Array
    row: Array | None
    count: Array
    w: Array
    squared: Array
    event: Array
    first: Array
    last: Array
    at: Array
    deaths: Array
    order: Array
    begin: Array
    ends: Array
    cluster: Array | None = None
    pieces: Array | None = None
    alike: Alike | None = None

    @property
    def x(self) -> Array:
        """The covariates of each cell (n, p)."""
        return self.of_cells(self.rows)

    def of_cells(self, amount: Array) -> Array:
        """Return for each cell what its row of `rows` has of `amount` (rows, ...)."""
        return amount if self.row is None else amount[self.row]

    @property
    def leaving(self) -> Array:
        """What those weigh who leave at each event time (times,)."""
        return self.died(self.w) if self.alike is None else np.asarray(self.alike.gone.sum(axis=1))

    def died(self, amount: Array) -> Array:
        """Sum `amount` (n, ...) over those who leave at each event time."""
        return _summed(amount[self.event], self.at[self.event], len(self.deaths))

    def exposed(self, amount: Array) -> Array:
        """Sum `amount` (n, ...) over those at risk at each event time."""
        size, late, ever = len(self.deaths), self.first > self.begin, self.last > self.begin
        sums = _summed(amount[ever], self.last[ever] - 1, size)
        if late.any():
            sums -= _summed(amount[late], self.first[late] - 1, size)
        start = 0
        for end in self.ends:
            sums[start:end] = sums[start:end][::-1].cumsum(axis=0)[::-1]
            start = end
        return sums

    def during(self, kept: Array) -> Risk:
        """Return the part of the likelihood at the event times marked in `kept` (times,)."""
        place = np.concatenate([[0], np.cumsum(kept)])
        some = max(int(place[-1]) - 1, 0)
        same = self.alike
        if same is not None:
            same = replace(same, at_risk=same.at_risk[kept], gone=same.gone[kept])
        return replace(
            self,
            event=self.event & kept[np.maximum(self.at, 0)],
            first=place[self.first], last=place[self.last],
            at=np.minimum(place[np.maximum(self.at, 0)], some),
            deaths=self.deaths[kept], order=self.order[kept],
            begin=place[self.begin], ends=place[self.ends], alike=same,
        )  # fmt: skip

    def squares(self, own: Array) -> Array:
        """Sum the squares and products of contributions to a score (n, p) per unit of weight, (p, p)."""
        if self.cluster is not None:
            total = _summed(own * self.w[:, None], self.cluster, int(self.cluster.max()) + 1)
        else:
            total = own * np.sqrt(self.squared)[:, None]
            if self.pieces is not None:
                total = _summed(total, self.pieces, int(self.pieces.max()) + 1)
        return np.asarray(total.T @ total)

    def between(self, amount: Array) -> Array:
        """Sum `amount` (times, ...) over the event times at which each customer is at risk, (n, ...)."""
        total = np.concatenate([np.zeros_like(amount[:1]), np.cumsum(amount, axis=0)])
        return np.asarray(total[self.last] - total[self.first])


def _summed(amount: Array, at: Array, size: int) -> Array:
    if amount.ndim == 1:
        return np.bincount(at, amount, size).astype(float)
    return np.column_stack([np.bincount(at, column, size) for column in amount.T]).astype(float)


def at_risk(
    who: Observed,
    x: Array,
    stratum: Array,
    *,
    row: Array | None = None,
    cluster: Array | None = None,
    pieces: Array | None = None,
) -> Risk:
    """Place the cells of `who` on the event times of their own stratum (`stratum`: codes from 0).

    `x` are the covariates of each cell, or of rows of which `row` says each cell's.
    """
    duration, event, entry = who.duration, who.event, who.entry
    first, last, at, begin = (np.zeros(len(duration), dtype=int) for _ in range(4))
    times, ends, offset = [], [], 0
    for code in range(int(stratum.max()) + 1):
        own = np.flatnonzero(stratum == code)
        moments = np.unique(duration[own][event[own]])
        last[own] = offset + np.searchsorted(moments, duration[own], side="right")
        first[own] = np.minimum(offset + np.searchsorted(moments, entry[own], side="right"), last[own])
        at[own] = last[own] - 1
        begin[own] = offset
        offset += len(moments)
        times.append(moments)
        ends.append(offset)
    deaths = np.bincount(at[event], who.count[event], offset).round().astype(int)
    mean = who.amount.sum() / who.n
    squared = who.count if who.squared is None else who.squared / mean**2
    w = who.amount / mean
    if row is None:
        x, row = told_apart(x)
    same = alike(len(x), row, w, event, first, last, begin, np.array(ends))
    if same is None:
        x, row = x[row], None
    return Risk(
        x,
        row,
        who.count,
        w,
        squared,
        event,
        first,
        last,
        at,
        deaths,
        np.concatenate(times),
        begin,
        np.array(ends),
        cluster,
        pieces,
        same,
    )


@dataclass(frozen=True, slots=True)
class Sums:
    """Per event time at one beta: `loglik`, Efron's sums over l, and the tilt exp(x beta) (rows,).

    With m the mean weight of the deaths and s = S - (l/d) D: `a` = sum m/s, `b` = sum (l/d) m/s (times,);
    `mean` (times, p) the mean over l of the weighted means of x; `am`, `bm` as a and b times those means.
    `outer` holds sum m/s^2, with l/d to the powers 0, 1, 2.
    """

    loglik: float
    tilt: Array
    a: Array
    b: Array
    mean: Array
    am: Array
    bm: Array
    s1: Array
    d1: Array
    outer: tuple[Array, Array, Array]


def sums(risk: Risk, beta: Array) -> Sums:
    """Return Efron's sums at `beta`."""
    line = risk.rows @ beta
    line = line - line.max()  # the likelihood does not change; nothing overflows
    tilt = np.exp(line)
    s0, s1, d0, d1, own = _moments(risk, risk.rows, line, tilt)
    mean_weight = risk.leaving / risk.deaths
    ties = tie_sums(risk.deaths, s0, d0)
    a, b = mean_weight * ties.a, mean_weight * ties.b
    q0, q1, q2 = (mean_weight * q for q in ties.q)
    return Sums(
        loglik=float(own - mean_weight @ ties.log),
        tilt=tilt, a=a, b=b,
        mean=(s1 * a[:, None] - d1 * b[:, None]) / (mean_weight * risk.deaths)[:, None],
        am=s1 * q0[:, None] - d1 * q1[:, None],
        bm=s1 * q1[:, None] - d1 * q2[:, None],
        s1=s1, d1=d1, outer=(q0, q1, q2),
    )  # fmt: skip


def _moments(risk: Risk, x: Array, line: Array, tilt: Array) -> tuple[Array, Array, Array, Array, float]:
    """Return what is at risk and what leaves, tilted, alone and times x, and the lines of who leaves."""
    if risk.alike is not None:
        tilted = np.column_stack([tilt, tilt[:, None] * x])
        s, d = risk.alike.at_risk @ tilted, risk.alike.gone @ tilted
        return s[:, 0], s[:, 1:], d[:, 0], d[:, 1:], float(risk.alike.gone.sum(axis=0) @ line)
    weighted = risk.w * tilt
    tilted = weighted[:, None] * x
    s0, s1, d0, d1 = risk.exposed(weighted), risk.exposed(tilted), risk.died(weighted), risk.died(tilted)
    return s0, s1, d0, d1, float(risk.w[risk.event] @ line[risk.event])


def score(risk: Risk, at: Sums, g: Array) -> Array:
    """Sum over event times of g times (x of those who leave minus its mean at risk), (p,)."""
    same = risk.alike
    left = risk.died(risk.w[:, None] * risk.rows) if same is None else same.gone @ risk.rows
    return np.asarray(g @ (left - risk.leaving[:, None] * at.mean))


def information(risk: Risk, at: Sums, g: Array) -> Array:
    """Sum over event times of g times the variance of x at risk, (p, p)."""
    same, ga, gb = risk.alike, g * at.a, g * at.b
    if same is None:
        spread = risk.between(ga) - np.where(risk.event, gb[np.maximum(risk.at, 0)], 0.0)
        spread = risk.w * at.tilt * spread
    else:
        spread = at.tilt * (ga @ same.at_risk - gb @ same.gone)
    q0, q1, q2 = at.outer
    cross = (at.s1 * (g * q1)[:, None]).T @ at.d1
    square = (at.s1 * (g * q0)[:, None]).T @ at.s1 + (at.d1 * (g * q2)[:, None]).T @ at.d1 - cross - cross.T
    return np.asarray((risk.rows * spread[:, None]).T @ risk.rows - square)


def influences(risk: Risk, at: Sums, g: Array) -> Array:
    """Contribution of each customer, per unit of weight, to the score with `g`, (n, p); ties as Efron's."""
    ga, gam = g * at.a, g[:, None] * at.am
    x, tilt = risk.x, risk.of_cells(at.tilt)[:, None]
    compensated = x * risk.between(ga)[:, None] - risk.between(gam)
    own = np.maximum(risk.at, 0)
    eased = x * (g * at.b)[own][:, None] - (g[:, None] * at.bm)[own]
    jump = g[own][:, None] * (x - at.mean[own])
    return np.asarray(np.where(risk.event[:, None], jump + tilt * eased, 0.0) - tilt * compensated)


@dataclass(frozen=True, slots=True)
class CoxFit:
    """Maximum of the partial likelihood: `beta`, `covariance` (robust if asked), the `model` covariance."""

    beta: Array
    covariance: Array
    model: Array
    at: Sums
    loglik_null: float


def fit(risk: Risk, *, robust: bool, start: Array | None = None) -> CoxFit:
    """Maximise by Newton steps, halved while they do not improve, from `start` or no effect at all.

    Raises
    ------
    Diverged
        When the likelihood keeps growing along a column (no events on one side of it).

    References
    ----------
    Efron (1977), doi:10.1080/01621459.1977.10480613; Lin & Wei (1989), doi:10.1080/01621459.1989.10478874.
    """
    beta = np.zeros(risk.rows.shape[1])
    at = sums(risk, beta)
    null, ones = at.loglik, np.ones(len(risk.deaths))
    if start is not None:
        beta, at = start, sums(risk, start)
    for _ in range(_STEPS):
        gradient, curvature = score(risk, at, ones), information(risk, at, ones)
        step = np.linalg.lstsq(curvature, gradient, rcond=1e-13)[0]
        with np.errstate(divide="ignore", invalid="ignore"):
            for _ in range(_HALVINGS):
                after = sums(risk, beta + step)
                if after.loglik >= at.loglik - 1e-9 * abs(at.loglik):
                    break
                step = step / 2
        beta, at = beta + step, after
        if np.abs(beta).max() * 4 > _RUNAWAY:
            raise Diverged(int(np.abs(beta).argmax()))
        if float(step @ curvature @ step) < _CONVERGED:
            break
    else:
        raise Diverged(int(np.abs(beta).argmax()))
    model = np.linalg.inv(information(risk, at, ones))
    if not robust:
        return CoxFit(beta, model, model, at, null)
    own = influences(risk, at, ones) @ model
    return CoxFit(beta, risk.squares(own), model, at, null)


def baseline(risk: Risk, found: CoxFit) -> Array:
    """Return the steps of the cumulative hazard at x = 0 (times,), with ties as in the likelihood.

    The sum over the deaths of m / (S - (l/d) D): Efron's, as R's survfit of a coxph, with entry honoured.
    Breslow's d m / S is smaller where many leave at once.
    """
    return np.asarray(
        found.at.a * np.exp(-(risk.rows @ found.beta).max())
    )  # `sums` tilts against the highest


@dataclass(frozen=True, slots=True)
class Proportional:
    """A test of proportional hazards: score test of one term alone, and the joint one-step test."""

    statistic: float
    df: int
    p_value: float
    joint_statistic: float
    joint_p_value: float


def proportionality(
    risk: Risk, found: CoxFit, g: Array, terms: Sequence[Sequence[int]], *, robust: bool
) -> list[Proportional]:
    r"""Test whether effects change with `g` (times,), for each term (its columns) and for all (last).

    Adds x g(t) to the model. Alone: the score test of :math:`\theta_{term} = 0` with no other interaction
    (Grambsch & Therneau, exact, as R's cox.zph since survival 3). Joint: one Newton step for all
    interactions at once, then Wald for the term; it does not blame a covariate for its neighbour.

    References
    ----------
    Grambsch & Therneau (1994), doi:10.1093/biomet/81.3.515.
    """
    g = g - np.average(g, weights=risk.deaths)
    u = score(risk, found.at, g)
    cross = information(risk, found.at, g)
    left = information(risk, found.at, g**2) - cross @ found.model @ cross
    spread = left
    if robust:
        ones = np.ones(len(g))
        own = influences(risk, found.at, g) - influences(risk, found.at, ones) @ found.model @ cross
        spread = risk.squares(own)
    inverse = np.linalg.pinv(left, hermitian=True)
    theta, wide = inverse @ u, inverse @ spread @ inverse
    out = []
    for columns in [*terms, range(len(u))]:
        block = np.ix_(list(columns), list(columns))
        alone, joint = (
            _quadratic(u[list(columns)], spread[block]),
            _quadratic(theta[list(columns)], wide[block]),
        )
        df = len(columns)
        out.append(
            Proportional(alone, df, float(stats.chi2.sf(alone, df)), joint, float(stats.chi2.sf(joint, df)))
        )
    return out


def _quadratic(vector: Array, matrix: Array) -> float:
    return float(vector @ np.linalg.pinv(matrix, hermitian=True) @ vector)
