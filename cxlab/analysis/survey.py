"""Means of cells under a survey design, with their linearised covariance.

Every metric is a ratio of sums, ``sum(w u) / sum(w v)`` (``v`` is one per respondent), so its error follows
from the residuals ``w (u - estimate v) / sum(w v)``, summed by primary sampling unit and centred by stratum
with the divisor ``m/(m-1)``. This is what R's survey package computes for ``svymean`` and ``svyby``: a cell
is a domain of the whole design, not a sample of its own. Units are as if drawn with replacement.

`partition` makes cells of the by-columns, `design_of` reads weights, strata and clusters, `cells` reduces
rows to sums per cell (numpy.bincount, one pass), and `Cells.groups` gives estimate, error and effective
base of any union of cells: each cell, the rest of it, everything.

References
----------
Lumley 2004, doi:10.18637/jss.v009.i08. Kish 1965, Survey Sampling (effective size).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from cxlab.analysis.columns import check_categories
from cxlab.analysis.estimates import check_columns, weights_of
from cxlab.errors import AnalysisError

Array = np.ndarray[Any, Any]

MOST_CELLS = 2000
ROUNDING = 1e-12  # a relative spread below this is rounding, not variation


@dataclass(frozen=True, slots=True)
class Partition:
    """Rows assigned to cells.

    Attributes
    ----------
    codes : ndarray of int, shape (n_rows,)
        Cell of each row, -1 where a by-value is missing.
    keys : DataFrame, shape (n_cells, n_by)
        Values of the by-columns of each cell, sorted.
    """

    codes: Array
    keys: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Design:
    """Weight, stratum and primary sampling unit of each row; None where the design has none."""

    weights: Array
    strata: Array | None
    cluster: Array | None
    weighted: bool

    @property
    def simple(self) -> bool:
        """Whether rows were drawn one by one from the whole."""
        return self.strata is None and self.cluster is None


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


@dataclass(frozen=True, slots=True)
class Cells:
    """Sums per cell (shape (n_cells,)) and the covariance of the two weighted sums, (2 n_cells, 2 n_cells).

    `centred` numerators are less the estimate of the whole, so that no error is lost to cancellation;
    `units` are primary sampling units per cell, `strata` says which cells have rows in which stratum (one
    row each).
    """

    top: Array
    centred: Array
    bottom: Array
    squares: Array
    squared_weights: Array
    rows: Array
    n: Array
    covariance: Array
    units: Array
    strata: Array
    design_df: float
    simple: bool
    counts: bool

    def groups(self, members: Array) -> Group:
        """Estimate the unions of cells given by the rows of the 0/1 matrix `members`, shape (K, n_cells)."""
        bottom = members @ self.bottom
        with np.errstate(invalid="ignore", divide="ignore"):
            estimate = members @ self.top / bottom
            ratio = members @ self.centred / bottom
            spread = members @ self.squares / bottom - ratio**2
            gradient = np.hstack([members / bottom[:, None], -members * (ratio / bottom)[:, None]])
            kish = bottom**2 / (members @ self.squared_weights)
        rows, n = members @ self.rows, members @ self.n
        if self.counts:  # each trial is 100 or 0
            spread = estimate * (100 - estimate)
        alike = spread <= ROUNDING * np.maximum(estimate**2, 1.0)
        spread = np.where(alike, 0.0, spread)
        linear = np.where(alike & ~self.counts, 0.0, np.sqrt(self.variance(gradient)))
        std_error, n_eff = self._effective(linear, spread, rows, kish)
        df = self._df(members, rows, kish, n_eff)
        return Group(estimate, std_error, spread + estimate**2, rows, n, kish, n_eff, df, gradient)

    def variance(self, gradient: Array) -> Array:
        """Variances of the linear combinations in the rows of `gradient`."""
        return np.asarray(np.maximum(np.einsum("ij,ij->i", gradient @ self.covariance, gradient), 0.0))

    def covariances(self, one: Array, other: Array) -> Array:
        """Covariances of paired rows of two gradients."""
        return np.asarray(np.einsum("ij,ij->i", one @ self.covariance, other))

    def _effective(self, linear: Array, spread: Array, rows: Array, kish: Array) -> tuple[Array, Array]:
        """Return the error, and how many independent respondents would carry it (at most Kish's size)."""
        if self.counts:  # counts vary at least as a binomial, however few their rows
            binomial = np.sqrt(spread / kish)
            linear = np.where(rows > 1, np.fmax(linear, binomial), binomial)
            correction = np.ones_like(rows)
        else:
            with np.errstate(divide="ignore", invalid="ignore"):
                correction = rows / (rows - 1)
            linear = np.where(rows > 1, linear, np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            taylor = spread * correction / linear**2
        taylor = np.where(np.isfinite(taylor) & (spread > 0), taylor, np.inf)
        return linear, np.where(taylor < kish * (1 - 1e-9), taylor, kish)

    def _df(self, members: Array, rows: Array, kish: Array, n_eff: Array) -> Array:
        if not self.simple:
            strata = (members @ self.strata.T > 0).sum(axis=1)
            units = np.minimum(members @ self.units, self.design_df + len(self.strata))
            return np.asarray(np.maximum(np.minimum(units - strata, n_eff - 1), 1.0))
        if self.counts:
            return np.where(n_eff < kish * (1 - 1e-9), np.maximum(rows - 1, 1.0), np.inf)
        return np.where(np.isclose(kish, rows, rtol=1e-9), np.inf, np.maximum(n_eff - 1, 1.0))


def partition(table: pd.DataFrame, by: Sequence[str]) -> Partition:
    """Assign the rows of `table` to the combinations of the `by` columns that occur.

    Raises
    ------
    AnalysisError
        If a column is missing or there are more than 2,000 combinations.
    """
    check_columns(table, by)
    codes = np.zeros(len(table), dtype=np.int64)
    missing = np.zeros(len(table), dtype=bool)
    labels: list[pd.Index[Any]] = []
    for column in by:
        own, values = _factorized(table, column)
        missing |= own < 0
        codes = codes * max(len(values), 1) + own
        labels.append(pd.Index(values))
    codes[missing] = -1
    present, inverse = _numbered(codes, int(np.prod([max(len(values), 1) for values in labels], dtype=float)))
    if len(present) > MOST_CELLS:
        raise AnalysisError(
            "{columns} makes {count} cells, more than {most}; take a column with fewer values or group them",
            columns=" x ".join(by),
            count=len(present),
            most=MOST_CELLS,
        )
    keys: dict[str, Any] = {}
    rest = present
    for column, values in zip(reversed(list(by)), reversed(labels), strict=True):
        keys[column] = values.take(rest % max(len(values), 1))
        rest = rest // max(len(values), 1)
    frame = pd.DataFrame({column: keys[column] for column in by}, index=pd.RangeIndex(len(present)))
    return Partition(inverse, frame)


def _factorized(table: pd.DataFrame, column: str) -> tuple[Array, Any]:
    """Codes and sorted values of a column; asked whether it names groups only where that fails."""
    try:
        return pd.factorize(table[column], sort=True)
    except TypeError:
        check_categories(table, [column])
        raise


def _numbered(codes: Array, most: int) -> tuple[Array, Array]:
    """Return the codes that occur, of zero or more and under `most`, and the place of each among them.

    Counted rather than sorted where the codes are not many more than the rows: a fifth of the time.
    """
    if most <= 4 * len(codes) + 1000:
        present = np.flatnonzero(np.bincount(codes + 1, minlength=most + 1)[1:])
        place = np.full(most + 1, -1)
        place[present] = np.arange(len(present))
        return present, place[codes]
    present, inverse = np.unique(codes, return_inverse=True)
    shift = int(len(present) > 0 and present[0] == -1)
    return present[shift:], inverse.reshape(-1) - shift


def design_of(table: pd.DataFrame, weights: str | None, strata: str | None, cluster: str | None) -> Design:
    """Read the design columns of `table`; refuse missing values in them."""
    check_columns(table, [column for column in (strata, cluster) if column is not None])
    codes: dict[str, Array | None] = {}
    for role, column in (("strata", strata), ("cluster", cluster)):
        if column is None:
            codes[role] = None
            continue
        own = _factorized(table, column)[0]
        if (own < 0).any():
            raise AnalysisError(
                "{role} column {column!r} is empty in {count} rows; "
                "complete it or exclude those rows in client.yaml",
                role=role,
                column=column,
                count=int((own < 0).sum()),
            )
        codes[role] = own
    w = weights_of(table, weights)
    # Weights that are all equal weigh nothing: what is said must not depend on their being named.
    return Design(w, codes["strata"], codes["cluster"], weighted=bool(np.ptp(w)) if len(w) else False)


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
    used = np.flatnonzero((codes >= 0) & ~np.isnan(numerator) & (design.weights > 0))
    w, cell = design.weights[used], codes[used]
    u, v = numerator[used], denominator[used]
    strata = None if design.strata is None else design.strata[used]
    centre = float((w * u).sum() / (w * v).sum()) if len(used) else 0.0
    a, b = w * (u - centre * v), w * v

    def total(values: Array | None = None) -> Array:
        return np.bincount(cell, weights=values, minlength=count).astype(float)

    if strata is None:
        presence = np.ones((1, count))
    else:
        strata = np.unique(strata, return_inverse=True)[1].reshape(-1)
        seen = np.bincount(strata * count + cell, minlength=(strata.max(initial=0) + 1) * count)
        presence = (seen.reshape(-1, count) > 0).astype(float)
    if design.cluster is None:
        covariance, units, all_units = _independent(a, b, cell, strata, count), total(), len(used)
    else:
        covariance, units, all_units = _clustered(a, b, cell, strata, design.cluster[used], count)
    return Cells(
        total(w * u), total(a), total(b), total(w * (u - centre * v) ** 2), total(w**2 * v), total(),
        total(v), covariance, units, presence, float(all_units - len(presence)), design.simple, counts,
    )  # fmt: skip


def _independent(a: Array, b: Array, cell: Array, strata: Array | None, count: int) -> Array:
    """Covariance of the cell sums when every row is a unit: two diagonals, less the strata means."""
    if strata is None:
        factor = np.full(1, len(a) / (len(a) - 1.0) if len(a) > 1 else 1.0)
        strata = np.zeros(len(a), dtype=np.int64)
        centred = False
    else:
        factor = _factors(np.bincount(strata))
        centred = True
    by_row = factor[strata]
    covariance = np.zeros((2 * count, 2 * count))
    first, second = np.arange(count), np.arange(count) + count
    covariance[first, first] = np.bincount(cell, weights=by_row * a * a, minlength=count)
    covariance[second, second] = np.bincount(cell, weights=by_row * b * b, minlength=count)
    crossed = np.bincount(cell, weights=by_row * a * b, minlength=count)
    covariance[first, second] = covariance[second, first] = crossed
    if centred:
        sizes = np.bincount(strata)
        place = strata * count + cell
        sums = [
            np.bincount(place, weights=x, minlength=len(sizes) * count).reshape(-1, count) for x in (a, b)
        ]
        covariance -= _between(np.hstack(sums), factor, sizes)
    return covariance


def _clustered(
    a: Array, b: Array, cell: Array, strata: Array | None, cluster: Array, count: int
) -> tuple[Array, Array, int]:
    """Covariance of the cell sums when units are clusters; a cluster number repeated in two strata is two."""
    stratum = np.zeros(len(a), dtype=np.int64) if strata is None else strata
    each = int(cluster.max(initial=0)) + 1
    pairs, psu = _numbered(stratum * each + cluster, (int(stratum.max(initial=0)) + 1) * each)
    of_psu = pairs // each
    sizes = np.bincount(of_psu)
    factor = _factors(sizes)
    met, meeting = _numbered(psu * count + cell, len(pairs) * count)
    sums = [np.bincount(meeting, weights=x, minlength=len(met)) for x in (a, b)]
    place = (np.tile(met // count, 2), np.concatenate([met % count, met % count + count]))
    totals = sparse.csr_matrix((np.concatenate(sums), place), shape=(len(pairs), 2 * count))
    scaled = sparse.diags(np.sqrt(factor[of_psu])) @ totals
    covariance = np.asarray((scaled.T @ scaled).todense())
    gather = sparse.csr_matrix(
        (np.ones(len(pairs)), (of_psu, np.arange(len(pairs)))), shape=(len(sizes), len(pairs))
    )
    covariance = covariance - _between(np.asarray((gather @ totals).todense()), factor, sizes)
    units = np.bincount(totals.indices, minlength=2 * count)[count:].astype(float)
    return covariance, units, len(pairs)


def _factors(sizes: Array) -> Array:
    """Return m/(m-1) of each stratum."""
    if (sizes == 1).any():
        raise AnalysisError(
            "{count} of {strata} strata have a single sampling unit among the rows that answer, "
            "so their error is not known; merge them with a neighbour, or leave strata or cluster out",
            count=int((sizes == 1).sum()),
            strata=len(sizes),
        )
    return np.asarray(sizes / np.maximum(sizes - 1.0, 1.0))


def _between(sums: Array, factor: Array, sizes: Array) -> Array:
    return np.asarray(sums.T @ (sums * (factor / sizes)[:, None]))
