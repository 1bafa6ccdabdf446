"""A company beside each of its peers, overall and cell by cell: both sides carry their own error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from cxlab.analysis.answers import Columns
from cxlab.analysis.benchmark.sides import Sides, check_alike, sides_of
from cxlab.analysis.columns import named
from cxlab.analysis.definitions import Metric
from cxlab.analysis.dropped import NO_COUNTERPART
from cxlab.analysis.estimates import Adjustment, Claim, Result, adjusted, check_numbers, stated
from cxlab.analysis.findings import (
    base_caveats,
    detectable,
    difference_rows,
    difference_unit,
    interval_fields,
    segment_name,
    segment_names,
)
from cxlab.analysis.intervals import differences
from cxlab.analysis.metrics import score_rows
from cxlab.analysis.sampling import Weights, named_weights
from cxlab.analysis.survey import Group
from cxlab.errors import AnalysisError

Array = np.ndarray[Any, Any]
NEITHER = "not distinguishable"
EQUIVALENT = "equivalent within margin"
TOTAL = "total"  # the focal unit and its peers together
ROW = [
    "difference", "std_error", "conf_low", "conf_high", "p_value", "p_adjusted", "p_equivalent", "family",
    "verdict", "n", "n_eff", "flag",
]  # fmt: skip


@dataclass(frozen=True, eq=False, kw_only=True)
class Comparison(Result):
    """Differences of a focal unit with its peers; see `compare` for the columns."""

    focal: str = ""


def compare(
    table: pd.DataFrame, metric: str, *, unit: str, focal: str, by: str | Sequence[str] = (),
    against: Literal["peers", "total"] = "peers", margin: float | None = None, columns: Columns = None,
    weights: Weights = None, strata: str | None = None, cluster: str | None = None,
    adjust: Adjustment = "holm", force_mixed_mode: bool = False, level: float = 0.95,
) -> Comparison:  # fmt: skip
    """Compare a unit with each peer: above, below, equivalent, or not to be told apart.

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
    against : {"peers", "total"}
        Each peer, or everybody together, the focal unit included (what both share is in the error).
    margin : float or None
        Difference, in the unit of the metric, below which two count as equal: declared, never chosen after.
    columns, weights, strata, cluster : as in `cxlab.analysis.metrics.score`
        The design.
    adjust : {"holm", "bh", "none"}
        How the p-values of the rows of ``table``, one family, are adjusted.
    force_mixed_mode : bool
        Compare although units were asked in other modes or on other scales.
    level : float
        Confidence level; a verdict stands at ``1 - level``.

    Returns
    -------
    Comparison
        ``table``: ``*by``, ``peer``, ``difference`` (focal less peer), ``std_error`` (linearised),
        ``conf_low``, ``conf_high`` (of this one difference), ``p_value``, ``p_adjusted``, ``p_equivalent``
        (two one-sided tests, adjusted like the others; missing without `margin`), ``family`` (headline or
        drill-down), ``verdict`` (above, below, not distinguishable, equivalent within margin), ``n``,
        ``n_eff`` (of the smaller of the two bases), ``flag``. Where a base is under 10 nothing is tested.
        ``tables["scores"]``: each unit's own score; ``tables["tests"]``: the family.

    Raises
    ------
    AnalysisError
        As `score`; if there is no peer, or no such focal unit (naming the nearest); for units asked in other
        modes or on other scales; for a margin that is not positive; for cells that were pooled.

    Notes
    -----
    A peer is never taken for a known constant. Interval and p-value come from one statistic
    (`cxlab.analysis.intervals`): before adjusting, p < 0.05 exactly when the 95 % interval leaves out zero.
    The verdict uses the adjusted p-value, so an interval may leave out zero beside a verdict of not
    distinguishable: that is the price of having compared with several. Exact error of the first kind for
    net scores, from 20 against 20 to 15 against 150: at most 5.7 % (plain Wald: up to 42 %).

    References
    ----------
    Agresti & Caffo 2000, doi:10.1080/00031305.2000.10474560; Holm 1979; Rocks 2016, arXiv:1601.07235;
    Schuirmann 1987, doi:10.1007/BF01068419.

    Examples
    --------
    >>> table = pd.DataFrame({"brand": ["us"] * 40 + ["them"] * 40, "recommend": [10] * 38 + [0] * 42})
    >>> result = compare(table, "nps", unit="brand", focal="us")
    >>> result.table[["peer", "difference", "verdict"]].to_numpy().tolist()
    [['them', 190.0, 'above']]
    """
    by = tuple(named(by))
    _check_asked(table, against, margin, adjust)
    sides = sides_of(
        table, metric, unit=unit, focal=focal, by=by, columns=columns, weights=weights, strata=strata,
        cluster=cluster, level=level,
    )  # fmt: skip
    if not force_mixed_mode:
        check_alike(sides, columns)
    pairs = _pairs(sides, focal)
    rows, tests = _families(sides, _groups(sides, pairs, against), margin, level, adjust)
    tests = _named(tests, sides, str(focal))
    caveats = _mode_caveats(table)
    otherwise = _indistinguishable(tests, sides.entry, str(focal), level, caveats)
    found = _claims(tests, sides.entry, str(focal), by, margin, level, caveats)
    used, dropped = sides.accounted(pairs, NO_COUNTERPART)
    return Comparison(
        table=rows,
        keys=(*by, "peer", unit, "metric", "hypothesis"),
        estimate_column="difference",
        tables={
            "scores": score_rows(sides.entry, sides.cells, sides.parts.keys, level),
            "tests": tests[[*by, "peer", "hypothesis", *ROW]],
        },
        n_used=used,
        n_dropped=dropped,
        settings={
            "metric": sides.entry.id, "version": sides.entry.version, "unit": unit, "focal": str(focal),
            "by": list(by), "against": against, "margin": margin,
            "weights": named_weights(weights), "strata": strata, "cluster": cluster,
            "adjust": adjust, "level": level,
            "family": int(rows["p_value"].notna().sum()),
        },
        claims=stated(tests, found, otherwise, level),
        otherwise=otherwise,
        focal=str(focal),
        parts={**{column: column for column in by}, unit: unit, "peer": unit},
        against={"peer": focal},
        minimum=sides.design.minimum,
    )  # fmt: skip


def cells(
    table: pd.DataFrame, metric: str, *, unit: str, focal: str, by: Sequence[str], columns: Columns = None,
    weights: str | None = None, strata: str | None = None, cluster: str | None = None,
    force_mixed_mode: bool = False, level: float = 0.95,
) -> Comparison:  # fmt: skip
    """Compare cell by cell, as exploration: one Benjamini-Hochberg family over all cells and peers.

    Parameters
    ----------
    table, metric, unit, focal, columns, weights, strata, cluster, force_mixed_mode, level
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
        table, metric, unit=unit, focal=focal, by=by, columns=columns, weights=weights, strata=strata,
        cluster=cluster, adjust="bh", force_mixed_mode=force_mixed_mode, level=level,
    )  # fmt: skip


def _check_asked(table: pd.DataFrame, against: str, margin: float | None, adjust: str) -> None:
    if adjust not in get_args(Adjustment):
        raise AnalysisError("adjust is {adjust!r}; it can be holm, bh or none", adjust=adjust)
    if against not in ("peers", TOTAL):
        raise AnalysisError("against is {against!r}; it can be peers or total", against=against)
    if margin is not None:
        check_numbers(("margin", margin, lambda x: 0 < x < np.inf, "a difference above zero, or nothing"))
    if isinstance(table, pd.DataFrame) and {"pooled", "raw", "estimate"} <= set(table.columns):
        raise AnalysisError(
            "these rows are pooled cells; they are drawn towards each other and are not for testing: "
            "compare the answers themselves"
        )


def _pairs(sides: Sides, focal: Any) -> Array:
    """Cells to compare, shape (k, 2): the focal unit's and a peer's, of the same combination of `by`."""
    keys, reduced = sides.parts.keys, sides.cells
    combination = (
        keys.groupby(list(sides.by), observed=True, sort=False).ngroup()
        if sides.by
        else pd.Series(0, keys.index)
    )
    is_focal = (keys[sides.unit] == focal).to_numpy() & (reduced.rows > 0)
    own = dict(zip(combination[is_focal], np.flatnonzero(is_focal), strict=True))
    peers = [
        (own[place], cell)
        for cell, place in enumerate(combination)
        if keys[sides.unit].iloc[cell] != focal and reduced.rows[cell] > 0 and place in own
    ]
    if not peers:
        raise AnalysisError(
            "{focal!r} and a peer never answer in the same cell of {columns}; nothing can be compared",
            focal=str(focal),
            columns=" x ".join([*sides.by, sides.unit]),
        )
    return np.array(peers)


def _groups(sides: Sides, pairs: Array, against: str) -> tuple[pd.DataFrame, Group, Group]:
    """Return keys, focal side and other side of every comparison."""
    identity, keys = np.eye(len(sides.cells.rows)), sides.parts.keys
    if against == TOTAL:
        own = np.unique(pairs[:, 0])
        other = np.array([identity[[k, *pairs[pairs[:, 0] == k, 1]]].sum(axis=0) for k in own])
        named_ = keys.iloc[own].assign(**{sides.unit: TOTAL})
    else:
        own, other, named_ = pairs[:, 0], identity[pairs[:, 1]], keys.iloc[pairs[:, 1]]
    named_ = named_.rename(columns={sides.unit: "peer"}).reset_index(drop=True)
    return named_, sides.cells.groups(identity[own]), sides.cells.groups(other)


def _families(
    sides: Sides, compared: tuple[pd.DataFrame, Group, Group], margin: float | None, level: float,
    adjust: Adjustment,
) -> tuple[pd.DataFrame, pd.DataFrame]:  # fmt: skip
    """Return the rows with their verdicts, and the tests: of a difference and, with a margin, of none."""
    keys, own, other = compared
    n = np.minimum(own.n, other.n)
    found = differences(sides.cells, own, other, sides.entry, level)
    rows = difference_rows(keys, found, own, other)
    tested = rows["p_value"].notna()
    within = np.where(tested, found.within(margin), np.nan) if margin is not None else np.nan
    rows = rows.assign(
        p_adjusted=adjusted(rows["p_value"], adjust),
        p_equivalent=adjusted(np.broadcast_to(within, len(rows)), adjust),
        family="drill-down" if sides.by else "headline",
        n=n.astype(int),
        n_eff=np.minimum(own.n_eff, other.n_eff),
    )
    sign = np.sign(rows["difference"].to_numpy()) * (rows["p_adjusted"] <= 1 - level)
    equal = rows["p_equivalent"] <= 1 - level
    verdict = np.select([equal, sign > 0, sign < 0], [EQUIVALENT, "above", "below"], NEITHER)
    rows = rows.assign(verdict=verdict)[[*keys.columns, *ROW]]
    if margin is None:
        return rows, rows
    # The interval that two one-sided tests at 1 - level agree with has the level 2 level - 1.
    inner = differences(sides.cells, own, other, sides.entry, 2 * level - 1)
    equivalence = rows.assign(
        conf_low=inner.conf_low, conf_high=inner.conf_high, p_value=within, p_adjusted=rows["p_equivalent"],
        family="equivalence",
    )  # fmt: skip
    return rows, pd.concat([rows, equivalence], ignore_index=True)


def _named(tests: pd.DataFrame, sides: Sides, focal: str) -> pd.DataFrame:
    """Give every test the name of its hypothesis."""
    names = segment_names(tests, [*sides.by, "peer"])
    said = {"equivalence": "within the margin of"}
    return tests.assign(
        hypothesis=[
            f"{sides.entry.id}: {focal} {said.get(family, 'against')} {name}"
            for family, name in zip(tests["family"], names, strict=True)
        ]
    )


def _mode_caveats(table: pd.DataFrame) -> tuple[str, ...]:
    """Scores collected in several modes (telephone, web) are not quite the same measure."""
    return ("benchmark_mode",) if "mode" in table.columns and table["mode"].nunique() > 1 else ()


def _claims(
    tests: pd.DataFrame, entry: Metric, focal: str, by: Sequence[str], margin: float | None, level: float,
    caveats: tuple[str, ...],
) -> list[Claim]:  # fmt: skip
    tested = tests[tests["p_value"].notna()].sort_values("p_value", kind="stable")
    claims = []
    for cell, row in zip(segment_names(tested, by), tested.to_dict("records"), strict=True):
        equal = row["family"] == "equivalence"
        if equal != (row["verdict"] == EQUIVALENT):
            continue
        fields = {
            "focal": focal,
            "peer": str(row["peer"]),
            "metric": entry.id,
            "version": entry.version,
            **interval_fields(row, "difference", 2 * level - 1 if equal else level, difference_unit(entry)),
            "n": int(row["n"]),
            "hypothesis": row["hypothesis"],
        }
        if by:
            fields |= {"column": segment_name(by), "cell": cell}
        own_caveats = (*entry.caveats, *caveats, *base_caveats(row["n"], row["n_eff"]))
        if equal:
            code = "benchmark.equivalent"
            fields["margin"] = margin
        else:
            code = "benchmark.ahead" if row["difference"] > 0 else "benchmark.behind"
        code = "benchmark.cell" if by and not equal else code
        claims.append(Claim(code, fields, "D", own_caveats, headline=not (by or equal)))
    return claims


def _indistinguishable(
    tests: pd.DataFrame, entry: Metric, focal: str, level: float, caveats: tuple[str, ...]
) -> tuple[Claim, ...]:
    tested = tests[tests["p_value"].notna() & (tests["family"] != "equivalence")]
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
