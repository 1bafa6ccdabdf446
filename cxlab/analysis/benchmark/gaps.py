"""Interactions by channels: how far from the best and from the median in each cell, with joint intervals.

The best of several in a sample was chosen for its result, so the distance to it looks larger than it is.
`gaps` therefore gives each cell an interval for the distance to whoever is truly best, and to the true
median, that holds in all cells at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from cxlab.analysis.answers import Columns
from cxlab.analysis.benchmark.sides import Sides, check_alike, sides_of
from cxlab.analysis.columns import named
from cxlab.analysis.definitions import Metric
from cxlab.analysis.dropped import NO_COUNTERPART
from cxlab.analysis.estimates import (
    LOW_BASE,
    MINIMUM_CUSTOMERS,
    Claim,
    Result,
    check_seed,
    flags,
    stated,
)
from cxlab.analysis.findings import (
    base_caveats,
    detectable,
    difference_unit,
    interval_fields,
    segment_name,
    segment_names,
)
from cxlab.analysis.intervals import Differences, differences
from cxlab.analysis.metrics import score_rows

Array = np.ndarray[Any, Any]
DRAWS = 20_000
NEITHER = "not distinguishable"
ROW = [
    "best", "difference", "conf_low", "conf_high", "verdict", "to_median", "to_median_low", "to_median_high",
    "verdict_median", "score", "peers", "family", "n_focal", "n", "n_eff", "flag",
]  # fmt: skip


@dataclass(frozen=True, eq=False, kw_only=True)
class Gaps(Result):
    """Distances to the best and to the median by cell; see `gaps` for the columns."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: the focal unit's place among the sums, and those of the peers that it is held against."""

    own: int
    peers: Array
    family: str


def gaps(
    table: pd.DataFrame, metric: str, *, unit: str, focal: str, by: str | Sequence[str],
    columns: Columns = None, weights: str | None = None, strata: str | None = None,
    cluster: str | None = None, force_mixed_mode: bool = False, level: float = 0.95, seed: int = 0,
) -> Gaps:  # fmt: skip
    """Give the focal unit's distance to the best and to the median of its peers in each cell.

    Parameters
    ----------
    table, metric, unit, focal, columns, weights, strata, cluster, force_mixed_mode
        As in `cxlab.analysis.benchmark.compare`.
    by : str or sequence of str
        Columns whose combinations are the cells, e.g. ``["interaction_type", "channel"]``; with none the
        result's table is empty.
    level : float
        The chance that all intervals of a family hold together.
    seed : int
        Of the normal draws behind the critical value.

    Returns
    -------
    Gaps
        ``table``, one row for each cell in which the focal unit answers: ``*by``, ``best`` (the peer seen
        first), ``difference`` (focal less it), ``conf_low``, ``conf_high`` (of the distance to whoever is
        truly best), ``verdict`` (above all, below the best, or not distinguishable: of low bases always the
        last), ``to_median`` with its limits and ``verdict_median``, ``score`` (the focal unit's), ``peers``
        (held against), ``family`` (drill-down, or low base: a family of its own), ``n_focal``, ``n`` (the
        smallest base), ``n_eff``, ``flag``. ``tables["tests"]``: the drill-down; ``tables["scores"]``: each
        unit's own score in each cell.
        Peers of 30 or more are held against a focal unit of 30 or more; elsewhere those of 10 or more.

    Raises
    ------
    AnalysisError
        As `cxlab.analysis.benchmark.compare`.

    Notes
    -----
    With joint intervals L to U of all differences d of a family, the smallest of a cell's L and U bound its
    smallest true d, the distance to the best (Hsu's multiple comparisons with the best), and their medians
    the distance to the median. The critical value is the quantile of the largest absolute studentised
    difference, drawn with the linearised covariance; each interval is the adjusted one of that level.

    References
    ----------
    Hsu 1984, doi:10.1214/aos/1176346511; Edwards & Hsu 1983, doi:10.1080/01621459.1983.10477014.

    Examples
    --------
    >>> table = pd.DataFrame({"brand": ["us"] * 90 + ["a"] * 90 + ["b"] * 90, "channel": "app"})
    >>> table["recommend"] = [10, 8, 0] * 30 + [10, 10, 0] * 30 + [10, 10, 8] * 30
    >>> result = gaps(table, "nps", unit="brand", focal="us", by="channel")
    >>> result.table[["best", "difference", "verdict", "to_median", "n"]].round(6).to_numpy().tolist()
    [['b', -66.666667, 'below', -50.0, 90]]
    """
    by = tuple(named(by))
    if not by:
        return Gaps(table=pd.DataFrame(), keys=(), estimate_column="difference")
    check_seed(seed)
    sides = sides_of(
        table, metric, unit=unit, focal=focal, by=by, columns=columns, weights=weights, strata=strata,
        cluster=cluster, level=level,
    )  # fmt: skip
    if not force_mixed_mode:
        check_alike(sides, columns)
    matrix = _matrix(sides, focal)
    rows = [_told(sides, one) for one in matrix if not len(one.peers)]
    tests, errors = pd.DataFrame(columns=[*by, "hypothesis", "p_value", "p_adjusted"]), np.empty(0)
    for family in ("drill-down", "low base"):
        members = [one for one in matrix if one.family == family and len(one.peers)]
        if members:
            found, chances, own_errors = _family(sides, members, level, seed)
            rows += found
            if family == "drill-down":
                tests, errors = _tests(sides, members, chances, str(focal)), own_errors
    keys = sides.parts.keys[list(by)]
    shown = pd.DataFrame(rows).set_index("cell").sort_index()
    shown = keys.loc[shown.index].join(shown)[[*by, *ROW]].reset_index(drop=True)
    otherwise = _otherwise(shown, tests, errors, sides.entry, str(focal), by, level)
    used, dropped = sides.accounted(
        np.array([cell for one in matrix for cell in (one.own, *one.peers)], dtype=int), NO_COUNTERPART
    )
    return Gaps(
        table=shown,
        keys=(*by, unit, "metric", "hypothesis"),
        estimate_column="difference",
        tables={"tests": tests, "scores": score_rows(sides.entry, sides.cells, sides.parts.keys, level)},
        n_used=used,
        n_dropped=dropped,
        settings={
            "metric": sides.entry.id, "version": sides.entry.version, "unit": unit, "focal": str(focal),
            "by": list(by), "weights": weights, "strata": strata, "cluster": cluster, "level": level,
            "adjust": "simultaneous", "seed": seed,
        },
        claims=stated(tests, _claims(shown, tests, sides.entry, str(focal), by, level), otherwise, level),
        otherwise=otherwise,
        parts={**{column: column for column in by}, unit: unit, "best": unit},
        against={"best": focal},
        bases={"n_focal": {unit: focal}},
        minimum=sides.design.minimum,
    )  # fmt: skip


def _matrix(sides: Sides, focal: Any) -> list[Cell]:
    """Find the cells in which the focal unit answers, and the peers it is held against in each."""
    keys, n = sides.parts.keys, sides.cells.n
    of_unit = keys[sides.unit].to_numpy(dtype=object)
    combination = keys.groupby(list(sides.by), observed=True, sort=False).ngroup().to_numpy()
    found = []
    for own in np.flatnonzero((of_unit == focal) & (n > 0)):
        others = np.flatnonzero((combination == combination[own]) & (of_unit != focal))
        enough = others[n[others] >= LOW_BASE]
        if n[own] >= LOW_BASE and len(enough):
            found.append(Cell(int(own), enough, "drill-down"))
        else:
            seen = others[n[others] >= MINIMUM_CUSTOMERS] if n[own] >= MINIMUM_CUSTOMERS else others[:0]
            found.append(Cell(int(own), seen, "low base"))
    return found


def _family(
    sides: Sides, members: Sequence[Cell], level: float, seed: int
) -> tuple[list[dict[str, Any]], Array, Array]:
    """Return the rows of a family of cells, chances of each cell (alone, of all), and errors of all pairs."""
    reduced, identity = sides.cells, np.eye(len(sides.cells.rows))
    place = np.repeat(np.arange(len(members)), [len(one.peers) for one in members])
    own = reduced.groups(identity[[members[k].own for k in place.tolist()]])
    other = reduced.groups(identity[np.concatenate([one.peers for one in members])])
    largest = _draws(reduced.covariance, own.gradient - other.gradient, place, seed)
    critical = float(np.quantile(largest.max(axis=1), level))
    found = differences(reduced, own, other, sides.entry, 2 * stats.norm.cdf(critical) - 1)
    rows, chances = [], []
    for k, one in enumerate(members):
        mine = place == k
        rows.append(_row(sides, one, found, mine, np.minimum(own.n_eff, other.n_eff)[mine].min()))
        extreme = _extreme(found, mine)
        chances.append(
            [(1 + (draws >= extreme).sum()) / (1 + DRAWS) for draws in (largest[:, k], largest.max(axis=1))]
        )
    return rows, np.array(chances), found.std_error


def _draws(covariance: Array, contrasts: Array, place: Array, seed: int) -> Array:
    """Largest absolute studentised difference of each cell, shape (DRAWS, cells), when all are equal."""
    joint = contrasts @ covariance @ contrasts.T
    scale = np.sqrt(np.maximum(np.diag(joint), np.finfo(float).tiny))
    values, vectors = np.linalg.eigh(joint / np.outer(scale, scale))
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    drawn = np.abs(np.random.default_rng(seed).standard_normal((DRAWS, len(root))) @ root.T)
    starts = np.flatnonzero(np.r_[True, np.diff(place) > 0])
    return np.asarray(np.maximum.reduceat(drawn, starts, axis=1))


def _extreme(found: Differences, mine: Array) -> float:
    """How far the cell speaks against equality: behind somebody, or ahead of everybody, as a normal value."""
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.nan_to_num(found.centre[mine] / found.error[mine])
    z = stats.norm.isf(stats.t.sf(np.abs(t), found.df[mine])) * np.sign(t)
    return float(max((-z).max(), z.min()))


def _verdict(low: float, high: float) -> str:
    return "above" if low > 0 else "below" if high < 0 else NEITHER


def _row(sides: Sides, one: Cell, found: Differences, mine: Array, n_eff: float) -> dict[str, Any]:
    low, high, gap = found.conf_low[mine], found.conf_high[mine], found.difference[mine]
    counts = one.family == "drill-down"
    told = _told(sides, one)
    return told | {
        "best": str(sides.parts.keys[sides.unit].iloc[one.peers[int(np.argmin(gap))]]),
        "difference": float(gap.min()),
        "conf_low": float(low.min()),
        "conf_high": float(high.min()),
        "verdict": _verdict(low.min(), high.min()) if counts else NEITHER,
        "to_median": float(np.median(gap)),
        "to_median_low": float(np.median(low)),
        "to_median_high": float(np.median(high)),
        "verdict_median": _verdict(float(np.median(low)), float(np.median(high))) if counts else NEITHER,
        "n_eff": float(n_eff),
    }


def _told(sides: Sides, one: Cell) -> dict[str, Any]:
    """Return a cell's bases and score; what cannot be compared has nothing else."""
    n = sides.cells.n
    others = sides.parts.keys[list(sides.by)].eq(sides.parts.keys[list(sides.by)].iloc[one.own]).all(axis=1)
    beside = n[others.to_numpy() & (np.arange(len(n)) != one.own)]
    smallest = n[one.peers].min() if len(one.peers) else beside.max(initial=0)
    base = int(min(n[one.own], smallest))
    missing = dict.fromkeys(("difference", "conf_low", "conf_high", "n_eff"), np.nan)
    median = dict.fromkeys(("to_median", "to_median_low", "to_median_high"), np.nan)
    score = sides.cells.top[one.own] / sides.cells.bottom[one.own]
    return {
        "cell": one.own, "best": None, **missing, **median, "verdict": NEITHER, "verdict_median": NEITHER,
        "score": float(score), "peers": len(one.peers), "family": one.family, "n_focal": int(n[one.own]),
        "n": base, "flag": str(flags([base])[0]),
    }  # fmt: skip


def _tests(sides: Sides, members: Sequence[Cell], chances: Array, focal: str) -> pd.DataFrame:
    keys = sides.parts.keys.iloc[[one.own for one in members]][list(sides.by)].reset_index(drop=True)
    names = segment_names(keys, sides.by)
    return keys.assign(
        hypothesis=[f"{sides.entry.id}: {focal} against the best of {name}" for name in names],
        p_value=chances[:, 0],
        p_adjusted=chances[:, 1],
    )


def _claims(
    shown: pd.DataFrame, tests: pd.DataFrame, entry: Metric, focal: str, by: Sequence[str], level: float
) -> list[Claim]:
    """Claim every tested cell, the widest gap first; `estimates.stated` keeps those that stand."""
    claims = []
    rows = shown.assign(cell=segment_names(shown, by)).sort_values("difference", kind="stable")
    hypotheses = dict(zip(segment_names(tests, by), tests["hypothesis"], strict=True))
    for row in rows[rows["cell"].isin(list(hypotheses))].to_dict("records"):
        fields = {
            "focal": focal,
            "peer": row["best"],
            "metric": entry.id,
            "version": entry.version,
            "column": segment_name(by),
            "cell": row["cell"],
            **interval_fields(row, "difference", level, difference_unit(entry)),
            "to_median": float(row["to_median"]),
            "n": int(row["n"]),
            "hypothesis": hypotheses[row["cell"]],
        }
        code = "benchmark.ahead_of_all" if row["difference"] > 0 else "benchmark.behind_best"
        caveats = (*entry.caveats, "best_of_several", *base_caveats(row["n"], row["n_eff"]))
        claims.append(Claim(code, fields, "D", caveats, headline=True))
    return claims


def _otherwise(
    shown: pd.DataFrame, tests: pd.DataFrame, errors: Array, entry: Metric, focal: str, by: Sequence[str],
    level: float,
) -> tuple[Claim, ...]:  # fmt: skip
    """Say that no cell stands out, or that no base suffices to say it of any."""
    fields = {
        "focal": focal,
        "metric": entry.id,
        "version": entry.version,
        "column": segment_name(by),
        "cells": len(tests),
        "low": int((shown["family"] == "low base").sum()),
        "level": level,
        "unit": difference_unit(entry),
    }
    if tests.empty:
        return (Claim("benchmark.gaps_few", fields, "D", entry.caveats),)
    fields |= {
        "detectable": detectable(pd.Series(errors), (1 - level) / len(errors)),
        "n": int(shown.loc[shown["family"] == "drill-down", "n"].min()),
    }
    return (Claim("benchmark.gaps_alike", fields, "D", entry.caveats),)
