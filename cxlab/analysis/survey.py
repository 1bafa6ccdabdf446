"""Means of cells under a survey design, with their linearised covariance.

Every metric is a ratio of sums, ``sum(w u) / sum(w v)`` (``v`` is one per respondent), so its error follows
from the residuals ``w (u - estimate v) / sum(w v)``, summed by primary sampling unit and centred by stratum
with the divisor ``m/(m-1)``. This is what R's survey package computes for ``svymean`` and ``svyby``: a cell
is a domain of the whole design, not a sample of its own. Units are as if drawn with replacement, unless the
population is given: then each stratum's variance carries ``1 - m/N``, as R's ``fpc``, with m the units that
answer. Errors under raked weights are of what the margins leave open, as R's ``rake`` (`weighting`).

`partition` makes cells of the by-columns, `sampling.design_of` reads the design, `cells` reduces
rows to sums per cell (numpy.bincount, one pass), and `Cells.groups` gives estimate, error and effective
base of any union of cells: each cell, the rest of it, everything.

References
----------
Lumley 2004, doi:10.18637/jss.v009.i08. Kish 1965, Survey Sampling (effective size).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy import sparse

from cxlab.analysis.columns import blocks
from cxlab.analysis.estimates import MINIMUM_CUSTOMERS, flags
from cxlab.analysis.partition import Partition, numbered, partition
from cxlab.analysis.sampling import Design, design_of
from cxlab.analysis.weighting import Alike, Calibration
from cxlab.errors import AnalysisError

Array = np.ndarray[Any, Any]

__all__ = ["ROUNDING", "Cells", "Design", "Group", "Partition", "cells", "design_of", "partition"]

_DENSE = 0.02  # a matrix of units by cells as full as that is multiplied as a plain one: a tenth of the time
_FEW = 4  # places to a row
ROUNDING = 1e-12  # a relative spread below this is rounding, not variation


@dataclass(frozen=True, slots=True)
class Group:
    """Estimates of K unions of cells; every array has shape (K,), in the unit of the metric.

    Attributes
    ----------
    estimate, std_error : ndarray
        Weighted ratio and its linearised error (NaN when there is one row only).
    second : ndarray
        Weighted mean of the squared contributions, per respondent.
    rows, n, kish, n_eff, df : ndarray
        Rows; respondents (or trials); Kish's size; the smaller of Kish's and Taylor's; degrees of freedom
        (infinite for independent rows of equal weight).
    gradient : ndarray, shape (K, 2 * n_cells)
        Derivative of the estimate by the cell sums, for covariances between groups.
    taylor, finite : ndarray
        Taylor's size (infinite without error); share of the variance that a finite population leaves.
    people : ndarray
        Persons, or as many as are sure where they are not few; `n` where nobody answers twice.
    minimum : int
        How many people a base must have to be shown.
    """

    estimate: Array
    std_error: Array
    second: Array
    rows: Array
    n: Array
    kish: Array
    n_eff: Array
    df: Array
    gradient: Array
    taylor: Array = field(default_factory=lambda: np.full(1, np.inf))
    finite: Array = field(default_factory=lambda: np.ones(1))
    people: Array | None = None
    minimum: int = MINIMUM_CUSTOMERS

    @property
    def doubt(self) -> Array:
        """One over the respondents, drawn from an endless population, who would carry the same error."""
        return self.finite / self.n_eff

    def flags(self, *others: Group) -> Array:
        """Flag the base of each, or the least of it and those of `others` (as `estimates.flags`)."""
        both = (self, *others)
        few = np.minimum.reduce([one.n if one.people is None else one.people for one in both])
        few = np.where(few < self.minimum, few, np.inf)
        return flags(np.minimum(np.minimum.reduce([one.n for one in both]), few), minimum=self.minimum)


@dataclass(frozen=True, slots=True)
class Cells:
    """Sums per cell (shape (n_cells,)) and the covariance of the two weighted sums, (2 n_cells, 2 n_cells).

    `centred` numerators are less the estimate of the whole, so that no error is lost to cancellation;
    `units` are primary sampling units per cell, `strata` says which cells have rows in which stratum (one
    row each). `open_weights` are the squared weights less what the finite population takes off. `whose`
    (n_cells, persons) says who is in which cell, None where nobody answers twice.
    """

    top: Array
    centred: Array
    bottom: Array
    squares: Array
    squared_weights: Array
    open_weights: Array
    rows: Array
    n: Array
    covariance: Array
    units: Array
    strata: Array
    design_df: float
    simple: bool
    counts: bool
    whose: sparse.csr_matrix | None = None
    minimum: int = MINIMUM_CUSTOMERS

    def groups(self, members: Array) -> Group:
        """Estimate the unions of cells given by the rows of the 0/1 matrix `members`, shape (K, n_cells)."""
        bottom = members @ self.bottom
        with np.errstate(invalid="ignore", divide="ignore"):
            estimate = members @ self.top / bottom
            ratio = members @ self.centred / bottom
            spread = members @ self.squares / bottom - ratio**2
            gradient = np.hstack([members / bottom[:, None], -members * (ratio / bottom)[:, None]])
            kish = bottom**2 / (members @ self.squared_weights)
            finite = members @ self.open_weights / (members @ self.squared_weights)
        rows, n = members @ self.rows, members @ self.n
        if self.counts:  # each trial is 100 or 0
            spread = estimate * (100 - estimate)
        alike = spread <= ROUNDING * np.maximum(estimate**2, 1.0)
        spread = np.where(alike, 0.0, spread)
        linear = np.where(alike & ~self.counts, 0.0, np.sqrt(self.variance(gradient)))
        std_error, taylor, n_eff = self._effective(linear, spread, rows, kish, finite)
        df = self._df(members, rows, kish, n_eff)
        second = spread + estimate**2
        told = estimate, std_error, second, rows, n, kish, n_eff, df, gradient, taylor, finite
        return Group(*told, self._people(members), self.minimum)

    def _people(self, members: Array) -> Array | None:
        """Count the persons of each union; where one of its cells has enough of them, those will do."""
        if self.whose is None:
            return None
        found = ((members != 0) * np.diff(self.whose.indptr)).max(axis=1).astype(float)
        for k in np.flatnonzero(found < self.minimum):
            found[k] = len(np.unique(self.whose[np.flatnonzero(members[k])].indices))
        return np.asarray(found)

    def together(self) -> Cells:
        """All cells as one, where no row is in none of them."""
        count = len(self.rows)
        names = ("top", "centred", "bottom", "squares", "squared_weights", "open_weights", "rows", "n")
        sums = {name: getattr(self, name).sum(keepdims=True) for name in names}
        covariance = self.covariance.reshape(2, count, 2, count).sum(axis=(1, 3))
        strata = np.ones((len(self.strata), 1))
        units = np.array([self.design_df + len(self.strata)])
        whose = None if self.whose is None else sparse.csr_matrix(self.whose.sum(axis=0) > 0)
        return replace(self, **sums, covariance=covariance, units=units, strata=strata, whose=whose)

    def variance(self, gradient: Array) -> Array:
        """Variances of the linear combinations in the rows of `gradient`."""
        return np.asarray(np.maximum(np.einsum("ij,ij->i", gradient @ self.covariance, gradient), 0.0))

    def covariances(self, one: Array, other: Array) -> Array:
        """Covariances of paired rows of two gradients."""
        return np.asarray(np.einsum("ij,ij->i", one @ self.covariance, other))

    def _effective(
        self, linear: Array, spread: Array, rows: Array, kish: Array, finite: Array
    ) -> tuple[Array, Array, Array]:
        """Return the error, and how many independent respondents would carry it (Taylor; at most Kish's)."""
        if self.counts:  # counts vary at least as a binomial, however few their rows
            binomial = np.sqrt(spread * finite / kish)
            linear = np.where(rows > 1, np.fmax(linear, binomial), binomial)
            correction = np.ones_like(rows)
        else:
            with np.errstate(divide="ignore", invalid="ignore"):
                correction = rows / (rows - 1)
            linear = np.where(rows > 1, linear, np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            taylor = spread * finite * correction / linear**2
        taylor = np.where(np.isfinite(taylor) & (spread > 0), taylor, np.inf)
        return linear, taylor, np.where(taylor < kish * (1 - 1e-9), taylor, kish)

    def _df(self, members: Array, rows: Array, kish: Array, n_eff: Array) -> Array:
        if not self.simple:
            strata = (members @ self.strata.T > 0).sum(axis=1)
            units = np.minimum(members @ self.units, self.design_df + len(self.strata))
            return np.asarray(np.maximum(np.minimum(units - strata, n_eff - 1), 1.0))
        if self.counts:
            return np.where(n_eff < kish * (1 - 1e-9), np.maximum(rows - 1, 1.0), np.inf)
        return np.where(np.isclose(kish, rows, rtol=1e-9), np.inf, np.maximum(n_eff - 1, 1.0))


def cells(
    numerator: Array, denominator: Array, design: Design, codes: Array, count: int, *, counts: bool = False
) -> Cells:
    """Reduce rows to sums per cell.

    Parameters
    ----------
    numerator, denominator : ndarray, shape (n_rows,)
        Of each row, NaN where there is no answer.
    design : Design
        Of the same rows.
    codes : ndarray of int, shape (n_rows,)
        Cell of each row, -1 for none; rows without cell, answer or weight do not enter.
    count : int
        Number of cells.
    counts : bool
        Whether a row counts many trials (a rate).

    Raises
    ------
    AnalysisError
        If a stratum, or a design without strata, has a single primary sampling unit.
    """
    enters = (codes >= 0) & ~np.isnan(numerator) & (design.weights > 0)
    used = slice(None) if enters.all() else np.flatnonzero(enters)  # where all enter nothing is copied
    w, u, v, cell = (x[used] for x in (design.weights, numerator, denominator, codes))
    drawn = _drawn(design, used, len(w))
    a, b = np.empty(len(w)), np.empty(len(w))
    sums = _sums(w, u, v, cell, count, drawn, (a, b), design.alike, used)
    presence = np.ones((1, count))
    if drawn.stratified:
        seen = np.bincount(drawn.stratum[drawn.at] * count + cell, minlength=len(drawn.left) * count)
        presence = (seen.reshape(-1, count) > 0).astype(float)
    if drawn.unit is None:
        squares = [sums.pop(name) for name in ("own", "crossed", "other")]
        covariance, units = _independent(a, b, squares, cell, count, drawn), sums["rows"]
    else:
        covariance, units = _clustered(a, b, cell, count, drawn)
    return Cells(
        **sums, covariance=covariance, units=units, strata=presence,
        design_df=float(drawn.sizes.sum() - len(presence)), simple=design.simple, counts=counts,
        whose=None if design.person is None else _whose(design.person[used], cell, count),
        minimum=design.minimum,
    )  # fmt: skip


def _sums(
    w: Array, u: Array, v: Array, cell: Array, count: int, drawn: _Drawn, centred: tuple[Array, Array],
    alike: Alike | None, used: Array | slice,
) -> dict[str, Array]:  # fmt: skip
    """Add up per cell what `Cells` holds, and the squares of rows that are units; fill in the `centred`."""
    pieces = blocks(len(w))
    each, heavier = (None, None) if alike is None else (alike.count[used], alike.squared[used])
    whole, part = (sum(float((w[k] * x[k]).sum()) for k in pieces) for x in (u, v))
    centre = whole / part if len(w) else 0.0
    sums: dict[str, Array] = {}
    for k in pieces:
        a, b, on = centred[0][k], centred[1][k], v[k]
        off = u[k] - centre * on
        np.multiply(w[k], off, out=a)
        np.multiply(w[k], on, out=b)
        squared = w[k] * w[k] if heavier is None else heavier[k]
        heavy = squared * on
        parts = {
            "rows": None if each is None else each[k], "top": w[k] * u[k], "centred": a, "bottom": b,
            "squares": a * off, "squared_weights": heavy, "n": on if each is None else each[k] * on,
            "open_weights": heavy * drawn.left[drawn.stratum[drawn.at][k]] if drawn.finite else heavy,
        }  # fmt: skip
        if drawn.unit is None:
            factor = drawn.factor[drawn.stratum[k]] if drawn.stratified else drawn.factor
            own = {"own": squared * off * off, "crossed": squared * off * on, "other": heavy * on}
            parts |= {name: factor * values for name, values in own.items()}
        for name, values in parts.items():
            sums[name] = sums.get(name, 0.0) + _total(cell[k], values, count)
    return sums


def _total(cell: Array, values: Array | None, count: int) -> Array:
    if count == 1:
        return np.array([len(cell) if values is None else values.sum()], dtype=float)
    return np.bincount(cell, weights=values, minlength=count).astype(float)


def _whose(person: Array, cell: Array, count: int) -> sparse.csr_matrix:
    size = int(person.max(initial=0)) + 1
    met, _ = numbered(cell * size + person, count * size)
    place = (met // size, met % size)
    return sparse.csr_matrix((np.ones(len(met), dtype=bool), place), shape=(count, size))


@dataclass(frozen=True, slots=True)
class _Drawn:
    """The rows that bear on the error: those that answer, and with raked weights all that were raked.

    `at` (n_used,) places those that answer among them; `unit` is None where each row is one; `sizes` counts
    the units of each stratum, and `left` is the share of its population that was not drawn.
    """

    at: Array | slice
    stratum: Array
    unit: Array | None
    sizes: Array
    left: Array
    stratified: bool
    finite: bool
    calibration: Calibration | None

    @property
    def factor(self) -> Array:
        """m/(m-1) of each stratum, less what its finite population takes off."""
        return np.asarray(self.left * self.sizes / np.maximum(self.sizes - 1.0, 1.0))


def _drawn(design: Design, used: Array | slice, rows: int) -> _Drawn:
    calibration = design.calibration
    if calibration is None:
        at: Array | slice = slice(None)
        strata, cluster = (None if x is None else x[used] for x in (design.strata, design.cluster))
    else:
        at = calibration.place[used]
        strata, cluster = calibration.spread(design.strata), calibration.spread(design.cluster)
        cluster = np.arange(len(calibration.weights)) if cluster is None else cluster
    stratum = np.zeros(rows if calibration is None else len(calibration.weights), dtype=np.int64)
    population = design.population
    if strata is not None:
        present, stratum = numbered(strata, int(strata.max(initial=0)) + 1)
        population = None if population is None else population[present]
    if cluster is None:
        each = None if design.each is None else design.each[used]
        unit, sizes = None, np.bincount(stratum, weights=each, minlength=1)
    elif strata is None:
        found, unit = numbered(cluster, int(cluster.max(initial=0)) + 1)
        sizes = np.array([len(found)])
    else:  # a cluster number repeated in two strata is two
        most = int(cluster.max(initial=0)) + 1
        pairs, unit = numbered(stratum * most + cluster, (int(stratum.max(initial=0)) + 1) * most)
        sizes = np.bincount(pairs // most, minlength=1)
    left = np.ones(len(sizes)) if population is None else 1 - sizes / population
    if (left < 0).any():
        raise AnalysisError(
            "population says {population:g} where {sample} units answer; give the number of sampling units "
            "(clusters, where cluster is given) that there are in all",
            population=float(sizes[np.argmin(left)] / (1 - left.min())),
            sample=int(sizes[np.argmin(left)]),
        )
    single = (sizes == 1) & (left > 0)  # drawn whole, a single unit bears no error
    if single.any() and not design.simple:
        raise AnalysisError(
            "{count} of {strata} strata have a single sampling unit among the rows that answer, "
            "so their error is not known; merge them with a neighbour, or leave strata or cluster out",
            count=int(single.sum()),
            strata=len(sizes),
        )
    return _Drawn(at, stratum, unit, sizes, left, strata is not None, population is not None, calibration)


def _independent(
    a: Array, b: Array, squares: Sequence[Array], cell: Array, count: int, drawn: _Drawn
) -> Array:
    """Of rows that are units: two diagonals, less the strata means."""
    covariance = np.zeros((2 * count, 2 * count))
    first, second = np.arange(count), np.arange(count) + count
    covariance[first, first], covariance[first, second], covariance[second, second] = squares
    covariance[second, first] = squares[1]
    if drawn.stratified:
        place, size = drawn.stratum * count + cell, len(drawn.sizes) * count
        sums = [np.bincount(place, weights=x, minlength=size).reshape(-1, count) for x in (a, b)]
        covariance -= _between(np.hstack(sums), drawn.factor, drawn.sizes)
    return covariance


def _clustered(a: Array, b: Array, cell: Array, count: int, drawn: _Drawn) -> tuple[Array, Array]:
    """Of units of many rows; with raked weights, of what their margins do not tell."""
    unit, calibration, m = np.asarray(drawn.unit), drawn.calibration, int(drawn.sizes.sum())
    of_unit = np.zeros(m, dtype=np.int64)
    if drawn.stratified:
        of_unit[unit] = drawn.stratum
    meeting = unit[drawn.at] * count
    meeting += cell
    if m * count <= _FEW * len(cell):  # every pair that can be has a place
        held = [np.bincount(meeting, weights=x, minlength=m * count) for x in (None, a, b)]
        met = np.flatnonzero(held[0])
        values = [x[met] for x in held[1:]]
    else:
        met, meeting = numbered(meeting, m * count)
        values = [np.bincount(meeting, weights=x, minlength=len(met)) for x in (a, b)]
    rows, columns = [met // count] * 2, [met % count, met % count + count]
    if calibration is not None:
        values += [calibration.weights] * len(calibration.margins)
        rows += [unit] * len(calibration.margins)
        columns += [2 * count + codes for codes in calibration.margins]
    width = max(2 * count, *(int(codes.max(initial=0)) + 1 for codes in columns))
    place = (np.concatenate(rows), np.concatenate(columns))
    totals = sparse.csr_matrix((np.concatenate(values), place), shape=(m, width))
    units = np.bincount(totals.indices, minlength=width)[count : 2 * count].astype(float)
    root = np.sqrt(drawn.factor[of_unit])
    if totals.nnz >= _DENSE * m * width:
        totals = totals.toarray()
        scaled = totals * root[:, None]
    else:
        scaled = sparse.diags(root) @ totals
    gather = sparse.csr_matrix((np.ones(m), (of_unit, np.arange(m))), shape=(len(drawn.sizes), m))
    covariance = _plain(scaled.T @ scaled) - _between(_plain(gather @ totals), drawn.factor, drawn.sizes)
    if calibration is not None:
        told = calibration.told([a, b], np.asarray(drawn.at), cell, count)
        covariance = told @ covariance @ told.T
    return covariance, units


def _plain(matrix: Any) -> Array:
    return np.asarray(matrix.toarray() if sparse.issparse(matrix) else matrix)


def _between(sums: Array, factor: Array, sizes: Array) -> Array:
    return np.asarray(sums.T @ (sums * (factor / sizes)[:, None]))
