"""Small cells read together: each drawn towards what its neighbours say, with an interval that owns up to it.

A cell of 12 answers says little by itself. `pooled` draws every cell towards the mean of all, or towards what
its interaction and its channel say together, the more the smaller its base (empirical Bayes). That is for
reading a map of cells, never for testing one: a cell that was drawn towards the others cannot show that it
differs from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from cxlab.analysis.answers import Columns
from cxlab.analysis.benchmark.between import restricted
from cxlab.analysis.benchmark.sides import check_by
from cxlab.analysis.benchmark.units import check_focal, check_units, reduced
from cxlab.analysis.columns import check_rows, named
from cxlab.analysis.definitions import Metric, computable
from cxlab.analysis.estimates import MINIMUM_CUSTOMERS, Claim, Result, check_level, t_quantile
from cxlab.analysis.findings import segment_name
from cxlab.analysis.metrics import score_rows
from cxlab.analysis.survey import Cells
from cxlab.errors import AnalysisError

Array = np.ndarray[Any, Any]
Mean = Literal["exchangeable", "additive"]
MORE = 3  # estimates more than terms, so that Morris's correction is one


@dataclass(frozen=True, eq=False, kw_only=True)
class Pooled(Result):
    """Cells drawn towards each other; see `pooled` for the columns."""


@dataclass(frozen=True, slots=True)
class Shrunken:
    """K estimates drawn towards the mean that they share.

    Attributes
    ----------
    tau2 : float
        Variance of the true values about that mean, by restricted maximum likelihood.
    coefficients, errors : ndarray, shape (p,)
        Of the mean, and their errors given `tau2`.
    expected, kept, estimate, std_error : ndarray, shape (K,)
        The mean of each; how much of its own distance to it is kept (with Morris's correction); what comes
        of it, and Morris's error.
    plain : ndarray, shape (K,)
        The best linear predictor without the correction, as random-effects software prints it.
    """

    tau2: float
    coefficients: Array
    errors: Array
    expected: Array
    kept: Array
    estimate: Array
    std_error: Array
    plain: Array


def shrunken(estimate: Any, variance: Any, terms: Any = None) -> Shrunken:
    """Draw estimates towards a mean that they share, each by what its error deserves.

    Parameters
    ----------
    estimate, variance : array-like, shape (K,)
        Independent estimates and the variances of their errors (positive).
    terms : array-like, shape (K, p), optional
        Columns of a linear mean; without it one mean for all.

    Returns
    -------
    Shrunken
        With `tau2` by REML.

    Raises
    ------
    AnalysisError
        For variances that are not positive, or fewer than three estimates more than terms.

    Notes
    -----
    ``B_i = (K-p-2)/(K-p) V_i/(V_i + tau2)`` is what is given up, ``(1 - B_i) y_i + B_i x_i b`` the estimate,
    ``V_i (1 - (K - r_i)/K B_i) + v_i (y_i - x_i b)^2`` its variance, with ``r_i = K W_i x_i (X'WX)^-1 x_i``
    and ``v_i = 2/(K-p-2) B_i^2 (V + tau2)/(V_i + tau2)`` for what is not known of `tau2`. With equal
    variances this is the estimator of Efron and Morris.

    References
    ----------
    Morris 1983, doi:10.1080/01621459.1983.10477920; Efron & Morris 1975, doi:10.1080/01621459.1975.10479864.

    Examples
    --------
    >>> result = shrunken([30.0, 10.0, 12.0, 8.0, 15.0], [400.0, 25.0, 25.0, 25.0, 25.0])
    >>> result.estimate.round(1).tolist(), round(float(result.tau2), 1)
    ([20.8, 10.8, 11.8, 9.8, 13.3], 0.0)
    """
    y, v = np.asarray(estimate, dtype=float), np.asarray(variance, dtype=float)
    x = np.ones((len(y), 1)) if terms is None else np.asarray(terms, dtype=float)
    k, p = len(y), x.shape[1]
    if not (np.isfinite(y).all() and np.isfinite(v).all() and (v > 0).all()):
        raise AnalysisError("pooling needs finite estimates with positive variances")
    if k < p + MORE:
        raise AnalysisError(
            "{count} cells are too few to be read together with a mean of {terms} terms: {least} are needed",
            count=k, terms=p, least=p + MORE,
        )  # fmt: skip
    tau2 = restricted(y, v, x)
    w = 1 / (v + tau2)
    spread = np.linalg.inv(x.T @ (w[:, None] * x))
    b = spread @ (x.T @ (w * y))
    expected, correction = x @ b, (k - p - 2) / (k - p)
    given = correction * v * w
    r = k * w * np.einsum("ij,jk,ik->i", x, spread, x)
    typical = (w * v).sum() / w.sum()
    unknown = 2 / (k - p - 2) * given**2 * (typical + tau2) * w
    error = v * (1 - (k - r) / k * given) + unknown * (y - expected) ** 2
    return Shrunken(
        tau2, b, np.sqrt(np.diag(spread)), expected, 1 - given, y - given * (y - expected), np.sqrt(error),
        y - v * w * (y - expected),
    )  # fmt: skip


def pooled(
    table: pd.DataFrame, metric: str, *, by: str | Sequence[str], unit: str | None = None,
    focal: str | None = None, mean: Mean = "exchangeable", columns: Columns = None,
    weights: str | None = None, strata: str | None = None, cluster: str | None = None, level: float = 0.95,
) -> Pooled:  # fmt: skip
    """Read the cells of a unit together: each as it is, and drawn towards the others.

    Parameters
    ----------
    table, metric, columns, weights, strata, cluster, level : as in `cxlab.analysis.metrics.score`
        What is scored, and how.
    by : str or sequence of str
        Columns whose combinations are the cells; with none the result's table is empty.
    unit, focal : str or None
        The rows of one unit only.
    mean : {"exchangeable", "additive"}
        What a cell is drawn to: one mean of all, or the sum of an effect of each column of `by`.

    Returns
    -------
    Pooled
        ``table``: ``*by``, ``raw`` (the cell's own score), ``estimate`` (pooled), ``std_error``,
        ``conf_low``, ``conf_high`` (Morris), ``retained`` (how much of its own distance to the others a cell
        keeps), ``drawn_to`` (what they say), ``pooled``, ``n``, ``n_eff``, ``flag``. Cells of fewer than 10
        are listed and neither drawn nor drawn to.
        ``tables["raw"]``: the cells as `score` gives them; ``tables["variation"]``: ``cells``,
        ``between_cells`` (standard deviation of the true values about their mean) and ``within_cell`` (of
        the answers in one). With fewer cells than three more than the mean has terms, a claim that says so
        and no table.

    Raises
    ------
    AnalysisError
        As `score`; where all answers of each cell are alike.

    Notes
    -----
    `shrunken`, with the variance of answers within cells taken as one for all and divided by the cell's
    effective base: a cell's own variance would give most weight to small cells that happen to agree.

    References
    ----------
    Morris 1983, doi:10.1080/01621459.1983.10477920.

    Examples
    --------
    >>> table = pd.DataFrame({"channel": list("aabbccddee") * 6, "recommend": [10, 8, 10, 0, 9, 9] * 10})
    >>> pooled(table, "nps", by="channel").table[["raw", "estimate"]].round(1).iloc[0].tolist()
    [50.0, 50.0]
    """
    by = tuple(named(by))
    if not by:
        return Pooled(table=pd.DataFrame(), keys=(), tables={"variation": pd.DataFrame()})
    _check_asked(table, by, unit, mean, level, cluster)
    if unit is not None and focal is not None:
        check_focal(check_units(table, unit), unit, focal)
        table = table[table[unit] == focal].reset_index(drop=True)
    entry = computable(metric)
    found = reduced(
        table, entry, by, columns=columns, weights=weights, strata=strata, cluster=cluster, others=by
    )
    raw = score_rows(entry, found.cells, found.parts.keys, level)
    # A cell that may not be shown teaches the others nothing, or it would follow from what they are drawn to.
    enough = (raw["flag"] != "suppressed").to_numpy()
    kept, terms = raw[enough], _terms(raw[enough], by, mean)
    if len(kept) < terms.shape[1] + MORE:
        return _too_few(entry, by, len(kept), terms.shape[1] + MORE)
    within = _within(found.cells)
    drawn = shrunken(kept["estimate"], within / kept["n_eff"], terms)
    spread = {"cells": [len(kept)], "between_cells": [np.sqrt(drawn.tau2)], "within_cell": [np.sqrt(within)]}
    used, dropped = found.accounted
    return Pooled(
        table=_rows(raw, enough, drawn, by, entry, level),
        keys=(*by, "metric"),
        tables={"raw": raw, "variation": pd.DataFrame(spread)},
        n_used=int(used.sum()),
        n_dropped=dropped,
        settings={
            "metric": entry.id, "version": entry.version, "unit": unit, "focal": focal, "by": list(by),
            "mean": mean, "weights": weights, "strata": strata, "cluster": cluster, "level": level,
        },
        parts={column: column for column in by},
        bases={} if unit is None or focal is None else {"n": {unit: focal}},
        minimum=found.design.minimum,
    )  # fmt: skip


def _check_asked(
    table: pd.DataFrame, by: Sequence[str], unit: str | None, mean: str, level: float, cluster: str | None
) -> None:
    check_level(level)
    check_rows(table, cluster=cluster)
    if mean not in get_args(Mean):
        raise AnalysisError("mean is {mean!r}; it can be exchangeable or additive", mean=mean)
    check_by(by, unit)


def _too_few(entry: Metric, by: Sequence[str], found: int, least: int) -> Pooled:
    """Say that the cells are too few to learn from each other."""
    fields = {"metric": entry.id, "version": entry.version, "column": segment_name(by), "cells": found}
    claim = Claim("benchmark.pooled_few", {**fields, "least": least}, "D")
    return Pooled(table=pd.DataFrame(), keys=(), tables={"variation": pd.DataFrame()}, claims=(claim,))


def _within(sums: Cells) -> float:
    """Variance of answers within cells that may be shown, taken as one for all."""
    groups = sums.groups(np.eye(len(sums.rows))[sums.n >= MINIMUM_CUSTOMERS])
    freedom = max(float((groups.rows - 1).sum()), 1.0)
    spread = np.maximum(groups.second - groups.estimate**2, 0.0)
    within = float((groups.rows * spread).sum() / freedom)
    if within <= 0:
        raise AnalysisError("all answers of each cell are alike; there is no error to pool by")
    return within


def _rows(
    raw: pd.DataFrame, enough: Array, found: Shrunken, by: Sequence[str], entry: Metric, level: float
) -> pd.DataFrame:
    half = t_quantile(level) * found.std_error
    least, most = entry.limits or (-np.inf, np.inf)
    drawn = pd.DataFrame(
        {
            "estimate": found.estimate, "std_error": found.std_error,
            "conf_low": np.clip(found.estimate - half, least, most),
            "conf_high": np.clip(found.estimate + half, least, most),
            "retained": found.kept, "drawn_to": found.expected,
        },
        index=raw.index[enough],
    )  # fmt: skip
    rows = raw[list(by)].assign(raw=raw["estimate"]).join(drawn)
    return rows.assign(pooled=enough, n=raw["n"], n_eff=raw["n_eff"], flag=raw["flag"])


def _terms(rows: pd.DataFrame, by: Sequence[str], mean: Mean) -> Array:
    """Columns of the mean: a constant and, where additive, what tells the values of each column apart."""
    terms = np.ones((len(rows), 1))
    if mean == "exchangeable":
        return terms
    for column in by:
        codes, values = pd.factorize(rows[column])
        for value in range(1, len(values)):
            wider = np.column_stack([terms, codes == value])
            if np.linalg.matrix_rank(wider) > terms.shape[1]:
                terms = wider
    return terms
