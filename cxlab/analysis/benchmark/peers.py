"""A company beside each of its peers, overall and cell by cell: both sides carry their own error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import pandas as pd

from cxlab.analysis.answers import Columns, answers, check_answers, columns_of
from cxlab.analysis.benchmark.league import check_focal, check_units
from cxlab.analysis.columns import check_rows, named
from cxlab.analysis.definitions import Metric, computable
from cxlab.analysis.dropped import NO_COUNTERPART
from cxlab.analysis.estimates import (
    Adjustment,
    Claim,
    Result,
    adjusted,
    check_level,
    stated,
)
from cxlab.analysis.findings import (
    accounted,
    base_caveats,
    detectable,
    difference_rows,
    difference_unit,
    interval_fields,
    segment_name,
    segment_names,
)
from cxlab.analysis.intervals import differences
from cxlab.analysis.metrics import RESERVED, score_rows
from cxlab.analysis.survey import Cells, Partition, design_of, partition
from cxlab.analysis.survey import cells as sums_of_cells
from cxlab.errors import AnalysisError

NEITHER = "not distinguishable"
ROW = [
    "difference",
    "std_error",
    "conf_low",
    "conf_high",
    "p_value",
    "p_adjusted",
    "verdict",
    "n",
    "n_eff",
    "flag",
]


@dataclass(frozen=True, eq=False, kw_only=True)
class Comparison(Result):
    """Differences of a focal unit with its peers; see `compare` for the columns."""

    focal: str = ""


def compare(
    table: pd.DataFrame, metric: str, *, unit: str, focal: str, by: str | Sequence[str] = (),
    columns: Columns = None, weights: str | None = None, adjust: Adjustment = "holm", level: float = 0.95,
) -> Comparison:  # fmt: skip
    """Compare a unit with each peer: above, below, or not to be told apart.

    Parameters
    ----------
    table : DataFrame
        One row per respondent of the focal unit or of a peer (for ``rate``: per counted row); not changed.
    metric : str
        Id of a metric.
    unit : str
        Column that says whom a row is about.
    focal : str
        The value of `unit` that is compared with all others.
    by : str or sequence of str
        Columns whose combinations are compared one by one (the drill-down, e.g. interaction and channel).
    columns, weights : as in `cxlab.analysis.metrics.score`
        Rows are taken as independent.
    adjust : {"holm", "bh", "none"}
        How the p-values of the rows of ``table``, one family, are adjusted.
    level : float
        Confidence level; a verdict stands at ``1 - level``.

    Returns
    -------
    Comparison
        ``table``: ``*by``, ``peer``, ``difference`` (focal less peer), ``std_error`` (linearised),
        ``conf_low``, ``conf_high`` (of this one difference), ``p_value``, ``p_adjusted``, ``verdict``
        (above, below, not distinguishable), ``n``, ``n_eff`` (of the smaller of the two bases), ``flag``.
        Where a base is under 10 nothing is tested. ``tables["scores"]``: each unit's own score;
        ``tables["tests"]``: the family.

    Raises
    ------
    AnalysisError
        As `score`; if there is no peer, or no such focal unit (naming the nearest).

    Notes
    -----
    A peer is never taken for a known constant. Interval and p-value come from one statistic
    (`cxlab.analysis.intervals`): before adjusting, p < 0.05 exactly when the 95 % interval leaves out zero.
    The verdict uses the adjusted p-value, so an interval may leave out zero beside a verdict of not
    distinguishable: that is the price of having compared with several.

    References
    ----------
    Agresti & Caffo 2000, doi:10.1080/00031305.2000.10474560; Holm 1979; Rocks 2016, arXiv:1601.07235.

    Examples
    --------
    >>> table = pd.DataFrame({"brand": ["us"] * 40 + ["them"] * 40, "recommend": [10] * 38 + [0] * 42})
    >>> result = compare(table, "nps", unit="brand", focal="us")
    >>> result.table[["peer", "difference", "verdict"]].to_numpy().tolist()
    [['them', 190.0, 'above']]
    """
    by = tuple(named(by))
    entry = computable(metric)
    _check_asked(table, unit, focal, by, adjust, level)
    parts = partition(table, [*by, unit])
    design = design_of(table, weights, None, None)
    slots = columns_of(entry, columns, entry.slots)
    check_answers(slots, [unit, weights])
    given = answers(table, entry, slots)
    reduced = sums_of_cells(
        given.numerator,
        given.denominator,
        design,
        parts.codes,
        len(parts.keys),
        counts=entry.family == "rate",
    )
    pairs = _pairs(parts, reduced, unit, focal, by)
    keys = parts.keys.iloc[pairs[:, 1]].rename(columns={unit: "peer"}).reset_index(drop=True)
    rows = _rows(entry, reduced, pairs, keys, level, adjust)
    names = segment_names(rows, [*by, "peer"])
    tests = rows.assign(hypothesis=[f"{entry.id}: {focal} against {name}" for name in names])
    caveats = _mode_caveats(table)
    otherwise = _indistinguishable(tests, entry, str(focal), level, caveats)
    found = _claims(tests, entry, str(focal), by, level, caveats)
    used, dropped = accounted(given, design, table, [*by, unit])
    alone = used & ~np.isin(parts.codes, pairs)
    if alone.any():
        dropped[NO_COUNTERPART] = int(alone.sum())
    return Comparison(
        table=rows,
        keys=(*by, "peer", unit, "metric", "hypothesis"),
        estimate_column="difference",
        tables={
            "scores": score_rows(entry, reduced, parts.keys, level),
            "tests": tests[[*by, "peer", "hypothesis", *ROW]],
        },
        n_used=int((used & ~alone).sum()),
        n_dropped=dropped,
        settings={
            "metric": entry.id, "version": entry.version, "unit": unit, "focal": str(focal), "by": list(by),
            "weights": weights, "adjust": adjust, "level": level,
            "family": int(rows["p_value"].notna().sum()),
        },
        claims=stated(tests, found, otherwise, level),
        otherwise=otherwise,
        focal=str(focal),
    )  # fmt: skip


def cells(
    table: pd.DataFrame, metric: str, *, unit: str, focal: str, by: Sequence[str],
    columns: Columns = None, weights: str | None = None, level: float = 0.95,
) -> Comparison:  # fmt: skip
    """Compare cell by cell, as exploration: one Benjamini-Hochberg family over all cells and peers.

    Parameters
    ----------
    table, metric, unit, focal, columns, weights, level
        As in `compare`.
    by : sequence of str
        Columns whose combinations are the cells; with none there is nothing to split and the result's
        table is empty.

    Returns
    -------
    Comparison
        As `compare`.

    Raises
    ------
    AnalysisError
        As `compare`.

    References
    ----------
    Benjamini & Hochberg 1995, doi:10.1111/j.2517-6161.1995.tb02031.x.

    Examples
    --------
    >>> table = pd.DataFrame({"brand": ["us"] * 40 + ["them"] * 40, "recommend": [10] * 80, "channel": "app"})
    >>> cells(table, "nps", unit="brand", focal="us", by=["channel"]).table["verdict"].tolist()
    ['not distinguishable']
    >>> cells(table, "nps", unit="brand", focal="us", by=[]).table.empty
    True
    """
    if not by:
        return Comparison(table=pd.DataFrame(), keys=("peer",), estimate_column="difference", focal=focal)
    return compare(
        table,
        metric,
        unit=unit,
        focal=focal,
        by=by,
        columns=columns,
        weights=weights,
        adjust="bh",
        level=level,
    )


def _check_asked(
    table: pd.DataFrame, unit: str, focal: str, by: Sequence[str], adjust: Adjustment, level: float
) -> None:
    check_level(level)
    check_rows(table)
    if adjust not in get_args(Adjustment):
        raise AnalysisError("adjust is {adjust!r}; it can be holm, bh or none", adjust=adjust)
    taken = [column for column in by if column in RESERVED or column == unit]
    if taken or len(set(by)) < len(by):
        raise AnalysisError(
            "by names {columns}; each column once, neither the unit nor a name that a result uses itself",
            columns=", ".join(taken or by),
        )
    check_focal(check_units(table, unit), unit, focal)


def _pairs(
    parts: Partition, reduced: Cells, unit: str, focal: Any, by: Sequence[str]
) -> np.ndarray[Any, Any]:
    """Cells to compare, shape (k, 2): the focal unit's and a peer's, of the same combination of `by`."""
    combination = (
        parts.keys.groupby(list(by), observed=True, sort=False).ngroup()
        if by
        else pd.Series(0, parts.keys.index)
    )
    is_focal = (parts.keys[unit] == focal).to_numpy() & (reduced.rows > 0)
    own = dict(zip(combination[is_focal], np.flatnonzero(is_focal), strict=True))
    peers = [
        (own[place], cell)
        for cell, place in enumerate(combination)
        if parts.keys[unit].iloc[cell] != focal and reduced.rows[cell] > 0 and place in own
    ]
    if not peers:
        raise AnalysisError(
            "{focal!r} and a peer never answer in the same cell of {columns}; nothing can be compared",
            focal=str(focal),
            columns=" x ".join([*by, unit]),
        )
    return np.array(peers)


def _rows(
    entry: Metric,
    reduced: Cells,
    pairs: np.ndarray[Any, Any],
    keys: pd.DataFrame,
    level: float,
    adjust: Adjustment,
) -> pd.DataFrame:
    identity = np.eye(len(reduced.rows))
    own, peer = reduced.groups(identity[pairs[:, 0]]), reduced.groups(identity[pairs[:, 1]])
    n = np.minimum(own.n, peer.n)
    rows = difference_rows(keys, differences(reduced, own, peer, entry, level), n)
    p_adjusted = adjusted(rows["p_value"], adjust)
    sign = np.sign(rows["difference"].to_numpy()) * (p_adjusted <= 1 - level)
    verdict = np.select([sign > 0, sign < 0], ["above", "below"], NEITHER)
    rows = rows.assign(
        p_adjusted=p_adjusted, verdict=verdict, n=n.astype(int), n_eff=np.minimum(own.n_eff, peer.n_eff)
    )
    return rows[[*keys.columns, *ROW]]


def _mode_caveats(table: pd.DataFrame) -> tuple[str, ...]:
    """Scores collected in several modes (telephone, web) are not quite the same measure."""
    return ("benchmark_mode",) if "mode" in table.columns and table["mode"].nunique() > 1 else ()


def _claims(
    tests: pd.DataFrame, entry: Metric, focal: str, by: Sequence[str], level: float, caveats: tuple[str, ...]
) -> list[Claim]:
    tested = tests[tests["p_value"].notna()].sort_values("p_value", kind="stable")
    claims = []
    for cell, row in zip(segment_names(tested, by), tested.to_dict("records"), strict=True):
        fields = {
            "focal": focal,
            "peer": str(row["peer"]),
            "metric": entry.id,
            "version": entry.version,
            **interval_fields(row, "difference", level, difference_unit(entry)),
            "n": int(row["n"]),
            "hypothesis": row["hypothesis"],
        }
        own_caveats = (*entry.caveats, *caveats, *base_caveats(row["n"], row["n_eff"]))
        if by:
            fields |= {"column": segment_name(by), "cell": cell}
            claims.append(Claim("benchmark.cell", fields, "D", own_caveats))
        else:
            code = "benchmark.ahead" if row["difference"] > 0 else "benchmark.behind"
            claims.append(Claim(code, fields, "D", own_caveats, headline=True))
    return claims


def _indistinguishable(
    tests: pd.DataFrame, entry: Metric, focal: str, level: float, caveats: tuple[str, ...]
) -> tuple[Claim, ...]:
    tested = tests[tests["p_value"].notna()]
    if tested.empty:
        return ()
    fields = {
        "focal": focal,
        "metric": entry.id,
        "version": entry.version,
        "peers": int(tested["peer"].nunique()),
        "detectable": detectable(tested["std_error"], (1 - level) / len(tested)),
        "level": level,
        "unit": difference_unit(entry),
        "n": int(tested["n"].min()),
    }
    return (Claim("benchmark.indistinguishable", fields, "D", (*entry.caveats, *caveats), headline=True),)
