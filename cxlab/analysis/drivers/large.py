"""Importance from a reduction: the same numbers as from the people, intervals from resampling its units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.drivers import dominance, inputs, shares
from cxlab.analysis.drivers.checks import checks_of
from cxlab.analysis.drivers.draws import (
    Draws,
    times_to_order,
)
from cxlab.analysis.drivers.moments import Moments, drawn_units
from cxlab.analysis.drivers.ratings import check_answers
from cxlab.analysis.drivers.reduction import Buckets
from cxlab.analysis.drivers.regression import Fit, unit_scores
from cxlab.analysis.drivers.shares import DriverImportance, Method
from cxlab.analysis.drivers.statements import findings
from cxlab.analysis.estimates import check_level, check_seed
from cxlab.errors import AnalysisError

Array = np.ndarray[Any, Any]

_COPY = 1e-10
_AT_ONCE = 200  # bootstrap samples whose matrices are held at once


def importance_of(
    buckets: Buckets, *, method: Method = "lmg", resamples: int = 1000, level: float = 0.95, seed: int = 0
) -> DriverImportance:
    r"""Divide what explains an outcome among drivers, from a table reduced where it is.

    Parameters
    ----------
    buckets : Buckets
        Of `reduced`.
    method, resamples, level, seed
        As in `importance`; what is resampled are the buckets' units.

    Returns
    -------
    DriverImportance
        As `importance` gives it, with equal estimates. Intervals are those of a survey whose clusters are
        the units: of coefficients from the units' scores, :math:`m / (m - 1)` of each stratum, without the
        leverage of single people (HC3), which a large table does not feel. Groups, and with them the
        separation of blocks, are not available from sums.

    Raises
    ------
    AnalysisError
        For a driver that is the outcome, too few answers for so many columns, a stratum of one unit, and
        PMVD of more than 10 drivers.

    Notes
    -----
    With S the sum over units of w v v' of the variables v (1, answers filled with zero, flags of who rated),
    every column of the analysis is linear in v, :math:`z = A v`, so that its moments are :math:`A S A'` and
    the score of a unit is :math:`A S_b a` with the residual's :math:`e = a' v`.

    References
    ----------
    Rao & Wu (1988), doi:10.1080/01621459.1988.10478591 (bootstrap of units).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> answers = pd.DataFrame(rng.integers(1, 8, (3000, 2)), columns=["ease", "price"])
    >>> answers["overall"] = answers["ease"] + 2 * rng.normal(size=3000)
    >>> from cxlab.analysis.drivers.reduction import reduced
    >>> found = importance_of(reduced(answers, "overall", ["ease", "price"], buckets=60), resamples=200)
    >>> found.table[["driver", "rank", "n"]].values.tolist()
    [['ease', 1, 3000], ['price', 2, 3000]]
    """
    check_level(level)
    check_seed(seed)
    shares.check_options(method, buckets.settings["not_applicable"], resamples, buckets.settings["min_rated"])
    shares.check_size(method, len(buckets.names))
    totals = Totals.of(buckets)
    rng = np.random.default_rng(seed)
    sizes = [1] * len(buckets.names)
    matrix = totals.moments(np.ones((1, len(buckets.sums)))).correlations
    shares.check_explained(matrix, len(sizes), buckets.outcome)
    divided = shares.divided(matrix, sizes, method, rng)
    every = totals.resampled(resamples, rng)
    drawn = every.of(shares.saying(every, len(sizes), buckets.outcome))
    samples = shares.without_controls(drawn.correlations, sizes)
    replicates = shares.replicates_of(samples, sizes, method, rng, matrix, divided)
    line = totals.fit(matrix[:, :, 0])
    spread = totals.noise_spread(matrix[:, :, 0]) if resamples else None
    noise = shares.noise_of(totals, spread, matrix, sizes, divided, method, level, seed)
    blocks = {name: [name] for name in buckets.names}
    main = shares.table_of(
        blocks, totals, matrix, totals.correlations, divided, method, replicates, noise, line, level
    )
    tests = shares.tests_of(blocks, line)
    checks = checks_of(totals, matrix, line, buckets.outcome, every)
    stays = dominance.swept(matrix, matrix.shape[0] - 1 - len(sizes))
    left = dominance.swept(stays, len(sizes))
    r_squared, always = (float(1 - swept[0, 0, 0]) for swept in (left, stays))
    facts = {"outcome": buckets.outcome, "unit_coefficient": buckets.unit, "r_squared": r_squared - always}
    together = float(line.p_values([list(range(len(sizes)))])[0]) <= 1 - level
    times = times_to_order(divided.shares, replicates, level) if resamples else None
    claims, otherwise = findings(
        main,
        tests,
        facts,
        totals,
        checks,
        controls=buckets.asked,
        level=level,
        times=times,
        together=together,
    )
    given = buckets.settings
    return DriverImportance(
        table=main,
        keys=("driver", "over", "check"),
        estimate_column="share",
        tables={
            "tests": tests,
            "checks": checks,
            "separation": pd.DataFrame(),
            **shares.dominance_of(blocks, matrix, samples),
        },
        n_used=buckets.n,
        n_dropped=buckets.dropped,
        settings={
            **given, "outcome": buckets.outcome, "unit_coefficient": buckets.unit,
            "drivers": list(buckets.names), "method": method,
            "weights": given["weights"] if buckets.design.weighted else None,
            "scales": {name: list(ends) for name, ends in buckets.scales.items()}, "groups": {},
            "resamples": resamples, "level": level, "seed": seed,
            "exact": method == "lmg" and len(sizes) <= dominance.EXACT, "orderings": divided.orderings,
            "monte_carlo_error": divided.error, "n_eff": totals.n_eff, "units": len(buckets.sums),
            "noise_share": None if noise is None else float(noise[0]),
            "interval_share": "bootstrap, percentile" + (" and logit" if method != "pmvd" else ""),
            "interval_coefficient": "robust, by unit",
        },
        claims=claims,
        otherwise=otherwise,
        r_squared=r_squared,
        r_squared_controls=always,
        draws=totals.draws(blocks, replicates, drawn),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Totals:
    """A reduction's sums over all units, and how its variables become the analysis' columns.

    `columns` (q, v) maps the variables to outcome, drivers centred at the mean of who rated, controls,
    used/not-used; `mean` and `spread` (q,) are theirs, `means` (p,) those of the ratings.
    """

    buckets: Buckets
    total: Array
    columns: Array
    mean: Array
    spread: Array
    means: Array
    flags: Array

    @classmethod
    def of(cls, buckets: Buckets) -> Totals:
        """Add the units up and centre; refuse copies of the outcome and too few answers."""
        total = buckets.sums.sum(axis=0)
        p, size = len(buckets.names), total.shape[0]
        first = size - len(buckets.partial)
        flag = np.zeros(p, dtype=int)  # the variable that says who rated: one itself, where all did
        for k, driver in enumerate(buckets.partial):
            flag[driver] = first + k if buckets.raters[driver] < buckets.n else 0
        rows = [np.eye(size)[1]]
        means = np.empty(p)
        for k in range(p):
            off = total[0, 2 + k] / total[0, flag[k]]
            rows.append(np.eye(size)[2 + k] - off * np.eye(size)[flag[k]])
            means[k] = buckets.centre[2 + k] + off
        rows += [np.eye(size)[2 + p + k] for k in range(len(buckets.asked))]
        rows += [np.eye(size)[at] for at in _distinct(total, flag)]
        columns = np.array(rows)
        mean = columns @ total[:, 0] / total[0, 0]
        spread = np.sqrt(np.diag(columns @ total @ columns.T) / total[0, 0] - mean**2)
        found = cls(buckets, total, columns, mean, np.where(spread > 0, spread, np.inf), means, flag)
        found._check()
        return found

    def _check(self) -> None:
        copies = np.abs(self.correlations) >= 1 - _COPY
        problems = inputs.as_copies(
            [name for name, alike in zip(self.names, copies, strict=True) if alike], self.buckets.outcome
        )
        if problems:
            raise AnalysisError("these columns cannot enter a driver analysis", problems=problems)
        drivers = len(self.names)
        check_answers(self.n, self.n_eff, drivers, len(self.mean) - 1 - drivers)

    @property
    def names(self) -> tuple[str, ...]:
        """Drivers."""
        return self.buckets.names

    @property
    def asked(self) -> tuple[str, ...]:
        """Controls."""
        return self.buckets.asked

    @property
    def n(self) -> int:
        """How many people."""
        return self.buckets.n

    @property
    def complete(self) -> float:
        """Share of the people that rated all."""
        return self.buckets.complete

    @property
    def n_eff(self) -> float:
        """Kish's size."""
        return float(self.total[0, 0] ** 2 / self.buckets.weight2)

    @property
    def pull(self) -> float:
        """Mean leverage per column, see `ratings.pull_of`."""
        return float(self.buckets.weight3 / (self.buckets.weight2 * self.total[0, 0]))

    def bases(self, sizes: Sequence[int]) -> tuple[Array, Array, Array]:
        """Share that rated each driver, how many, and their effective number; blocks are of one driver."""
        assert max(sizes) == 1
        weight = self.total[0, self.flags]
        return self.reach, self.buckets.raters.astype(int), weight**2 / self.buckets.raters2

    @property
    def reach(self) -> Array:
        """Share of the people that rated each driver, (p,)."""
        return np.asarray(self.total[0, self.flags] / self.total[0, 0])

    @property
    def directions(self) -> Array:
        """Covariance of each driver with the outcome among those who rated it, times their weight."""
        own = 2 + np.arange(len(self.names))
        of_raters = self.total[0, own] * self.total[1, self.flags] / self.total[0, self.flags]
        return np.asarray(self.total[1, own] - of_raters)

    @property
    def correlations(self) -> Array:
        """Correlation of each driver with the outcome among those who rated it, (p,)."""
        own, weight = 2 + np.arange(len(self.names)), self.total[0, self.flags]
        x = self.total[own, own] - self.total[0, own] ** 2 / weight
        y = self.buckets.squares - self.total[1, self.flags] ** 2 / weight
        product = np.maximum(x, 0.0) * np.maximum(y, 0.0)
        empty = np.full(len(own), np.nan)
        return np.asarray(np.divide(self.directions, np.sqrt(product), out=empty, where=product > 0))

    def moments(self, times: Array) -> Moments:
        """Moments of the standardised columns, the units taken `times` (replicates, units)."""
        size, count = self.total.shape[0], len(self.mean)
        mean, covariance = np.empty((count, len(times))), np.empty((count, count, len(times)))
        also = np.empty((len(self.names), len(times)))
        flat = self.buckets.sums.reshape(len(self.buckets.sums), -1)
        for start in range(0, len(times), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            sums = (times[part] @ flat).reshape(-1, size, size)
            sums = sums / sums[:, :1, :1]
            centred = sums[:, :, 0] @ self.columns.T
            squares = self.columns @ sums @ self.columns.T - centred[:, :, None] * centred[:, None, :]
            mean[:, part] = ((centred - self.mean) / self.spread).T
            covariance[:, :, part] = np.moveaxis(squares / np.outer(self.spread, self.spread), 0, 2)
            also[:, part] = sums[:, 0, self.flags].T
        return Moments(mean, covariance, also)

    def resampled(self, resamples: int, rng: np.random.Generator) -> Moments:
        """Moments in bootstrap samples of the units."""
        return self.moments(drawn_units(self.buckets.design, resamples, rng))

    def fit(self, matrix: Array) -> Fit:
        """Regress the outcome on all columns; errors from the units' scores."""
        standard = self._standard
        roots, axes = np.linalg.eigh(matrix[1:, 1:])
        kept = roots > dominance.SINGULAR
        inverse = (axes[:, kept] / roots[kept]) @ axes[:, kept].T
        slopes = inverse @ matrix[1:, 0]
        residual = standard[0] - slopes @ standard[1:]
        scores, units = unit_scores(
            (self.buckets.sums @ residual) @ standard[1:].T / self.total[0, 0], self.buckets.design
        )
        scale = self.spread[0] / self.spread[1:]
        covariance = inverse @ (scores.T @ scores) @ inverse * np.outer(scale, scale)
        aliased = (axes[:, ~kept] ** 2).sum(axis=1) > dominance.SINGULAR
        df = max(min(self.n_eff - int(kept.sum()) - 1, units), 1.0)
        return Fit(slopes * scale, covariance, df, ~aliased)

    def noise_spread(self, matrix: Array) -> Array:
        """Covariance of a noise column's covariances with outcome and drivers, as `noise.spread_of`.

        As alike within units as the most alike driver is: not at all where units are buckets of rows.
        """
        first = len(self.names) + 1
        standard = self._standard
        always = np.linalg.pinv(matrix[first:, first:], hermitian=True) @ matrix[first:, :first]
        rows = standard[:first] - always.T @ standard[first:]
        independent = (rows @ self.total @ rows.T) * self.buckets.weight2 / self.total[0, 0] ** 3
        sums = self.buckets.sums[:, 0] @ rows.T / self.total[0, 0]
        alike = max(self._alike(row) for row in rows[1:])
        return np.asarray((1 - alike) * independent + alike * (sums.T @ sums))

    def _alike(self, row: Array) -> float:
        """Intraclass correlation within units, from the one-way analysis of variance of unit sums."""
        weight = self.buckets.sums[:, 0, 0] * self.n / self.total[0, 0]
        added = self.buckets.sums[:, 0] @ row * self.n / self.total[0, 0]
        squares = row @ self.total @ row * self.n / self.total[0, 0]
        units, whole_mean = len(weight), added.sum() / self.n
        within = (squares - (added**2 / weight).sum()) / max(self.n - units, 1)
        between = (weight * (added / weight - whole_mean) ** 2).sum() / (units - 1)
        typical = (self.n - (weight**2).sum() / self.n) / (units - 1)
        whole = between + (typical - 1) * within
        return float(np.clip((between - within) / whole, 0.0, 1.0)) if whole > 0 else 0.0

    @property
    def _standard(self) -> Array:
        """How the variables become the columns with mean 0 and variance 1."""
        standard = self.columns.copy()
        standard[:, 0] -= self.mean
        return np.asarray(standard / self.spread[:, None])

    def draws(self, blocks: dict[str, list[str]], replicates: Array, drawn: Moments) -> Draws:
        """Return each sample's shares, coefficients and mean ratings in the units of the data."""
        count = len(self.names)
        own = slice(1, count + 1)
        slopes = drawn.slopes[:count] * (self.spread[0] / self.spread[own])[:, None]
        filled = self.mean[own, None] + self.spread[own, None] * drawn.mean[own]
        used = np.where(drawn.also > 0, drawn.also, np.nan)
        return Draws(blocks, replicates, slopes, self.means[:, None] + filled / used, self.means)


def _distinct(total: Array, flags: Array) -> list[int]:
    """Return the flags of who rated, those of drivers that the same people rated once."""
    kept: list[int] = []
    for at in dict.fromkeys(flags[flags > 0].tolist()):
        same = (k for k in kept if np.ptp([total[0, k], total[0, at], total[k, at]]) <= 1e-12 * total[0, at])
        if next(same, None) is None:
            kept.append(at)
    return kept
