"""A company beside a number that somebody published, which has an error too.

`published` takes one number with what is known of it, `published_scores` the canonical table of them. The
error comes from the best that is known (`se_basis`), and how far the answer hangs on an assumption is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.answers import Answers, Columns, answers, check_answers, columns_of
from cxlab.analysis.benchmark.quoted import (
    ASSUMED,
    UNKNOWN,
    Quoted,
    bounds,
    check_quoted,
    joined,
    quoted_in,
    variance_of,
)
from cxlab.analysis.benchmark.units import check_focal
from cxlab.analysis.columns import check_rows
from cxlab.analysis.definitions import Metric, computable
from cxlab.analysis.estimates import (
    Claim,
    Result,
    adjusted,
    check_columns,
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
)
from cxlab.analysis.intervals import differences
from cxlab.analysis.survey import Cells, Design, cells, design_of
from cxlab.errors import AnalysisError

COLUMNS = [
    "peer", "published", "estimate", "difference", "std_error", "conf_low", "conf_high", "p_value",
    "p_adjusted", "verdict", "se_basis", "sensitivity_low", "sensitivity_high", "n", "n_eff", "n_published",
    "date", "source", "population", "flag",
]  # fmt: skip


@dataclass(frozen=True, eq=False, kw_only=True)
class PublishedComparison(Result):
    """Differences with published numbers; see `published` for the columns."""


def published(
    table: pd.DataFrame, metric: str, *, value: float, n: int | None = None, sd: float | None = None,
    promoters: float | None = None, detractors: float | None = None, margin_of_error: float | None = None,
    date: str | None = None, source: str | None = None, population: str | None = None,
    columns: Columns = None, weights: str | None = None, strata: str | None = None,
    cluster: str | None = None, level: float = 0.95,
) -> PublishedComparison:  # fmt: skip
    """Compare the table's score with a published number, which is an estimate as well.

    Parameters
    ----------
    table : DataFrame
        The client's own respondents, one per row; not changed.
    metric : str
        Id of a metric.
    value : float
        The published number, in the unit of the metric.
    n : int or None
        How many answered it.
    sd : float or None
        Its standard deviation, in the unit of the metric.
    promoters, detractors : float or None
        Its shares, in percent, for a net score of one question.
    margin_of_error : float or None
        Half of its 95 % interval, in the unit of the metric; it counts before a spread divided by `n`, for
        it holds what a design cost.
    date, source, population : str or None
        When and where it was published, and of whom it speaks.
    columns, weights, strata, cluster, level
        As in `cxlab.analysis.metrics.score`.

    Returns
    -------
    PublishedComparison
        ``table``, one row: ``peer``, ``published``, ``estimate`` (the table's own), ``difference`` (own less
        published), ``std_error``, ``conf_low``, ``conf_high``, ``p_value``, ``p_adjusted``, ``verdict``,
        ``se_basis`` (where the published number's error comes from: margin of error, shares, sd, value,
        assumed passive share, own spread, benchmark error unknown), ``sensitivity_low``,
        ``sensitivity_high`` (the interval if its answers differed as much as answers can), ``n``, ``n_eff``
        (own), ``n_published``, ``date``, ``source``, ``population``, ``flag``. ``tables["sensitivity"]``:
        for the least, the taken and the largest ``spread``: ``peer``, ``published_sd``, ``std_error``,
        ``conf_low``, ``conf_high``, ``p_value``, ``flag``. Without date, source or a known error nothing is
        tested: the p-value is missing; without a known error there is no interval either.

    Raises
    ------
    AnalysisError
        As `score`; for a value, spread or shares that the metric cannot have.

    Notes
    -----
    The variance of a published answer is, by the best that is known: ``p + d - theta^2`` of the shares; the
    square of `sd`; for a share ``theta (1 - theta)``; else, for a net score of one question, a share of
    passives of 30 % (fewer where the score leaves less room), for others the spread of our own answers.
    For a net score ``|theta| (1 - |theta|) <= variance <= 1 - theta^2`` whatever it was. The published number
    then is the second group of an ordinary difference (`cxlab.analysis.intervals`).

    References
    ----------
    Rocks 2016, arXiv:1601.07235; Popoviciu 1935 (largest variance within limits).

    Examples
    --------
    >>> table = pd.DataFrame({"recommend": [10] * 100 + [8] * 60 + [0] * 40})
    >>> result = published(table, "nps", value=10, n=400, date="2025", source="Sector report")
    >>> result.table[["difference", "verdict", "se_basis"]].to_numpy().tolist()
    [[20.0, 'above', 'assumed passive share']]
    """
    number = Quoted(
        value=value, n=n, sd=sd, promoters=promoters, detractors=detractors,
        margin_of_error=margin_of_error, date=date, source=source, population=population,
    )  # fmt: skip
    design = {"weights": weights, "strata": strata, "cluster": cluster}
    return _compared(table, metric, [number], columns=columns, design=design, level=level)


def published_scores(
    table: pd.DataFrame, metric: str, scores: pd.DataFrame, *, unit: str | None = None,
    focal: str | None = None, columns: Columns = None, weights: str | None = None, strata: str | None = None,
    cluster: str | None = None, level: float = 0.95, optional: bool = False,
) -> PublishedComparison:  # fmt: skip
    """Compare the table's score with each published number of the canonical table `benchmark_scores`.

    Parameters
    ----------
    table, metric, columns, weights, strata, cluster, level
        As in `published`.
    scores : DataFrame
        ``peer_id``, ``metric``, ``value`` and, where known, ``n``, ``std_error``, ``wave_id`` (when),
        ``source``, and ``interaction_type``, ``channel``, ``region``, ``segment``: a number of a cell is
        compared with the respondents of that cell. Rows of other metrics are not read; not changed.
    unit, focal : str or None
        The column of `table` that says whom a row is about, and the client's own name: only its respondents
        are compared, and published numbers under that name are left out.
    optional : bool
        Whether to return an empty result where no number of this metric is left.

    Returns
    -------
    PublishedComparison
        As `published`, one row for each number; p-values are adjusted together (Holm).

    Raises
    ------
    AnalysisError
        As `published`; where no number of this metric is left, unless `optional`; for a focal unit not there.

    Examples
    --------
    >>> table = pd.DataFrame({"recommend": [10] * 100 + [8] * 60 + [0] * 40})
    >>> scores = pd.DataFrame({"peer_id": ["a", "b"], "metric": "nps", "value": [-10, 28], "n": [300, None],
    ...     "wave_id": "2025", "source": "Sector report"})
    >>> published_scores(table, "nps", scores).table[["peer", "verdict", "se_basis"]].to_numpy().tolist()
    [['a', 'above', 'assumed passive share'], ['b', 'not tested', 'benchmark error unknown']]
    """
    entry = computable(metric)
    if optional and scores.empty:
        scores = pd.DataFrame(columns=["peer_id", "metric", "value"])
    check_columns(scores, ["peer_id", "metric", "value"])
    chosen = scores[(scores["metric"].astype(str).str.lower() == entry.id) & scores["value"].notna()]
    chosen = chosen[chosen["peer_id"].astype(str) != str(focal)]
    if chosen.empty and optional:
        none = dict.fromkeys(("sensitivity", "tests"), pd.DataFrame())
        return PublishedComparison(
            table=pd.DataFrame(), keys=("peer",), estimate_column="difference", tables=none
        )
    if chosen.empty:
        raise AnalysisError(
            "there is no published {metric} of a peer; it has {present}",
            metric=entry.id,
            present=", ".join(sorted(scores["metric"].dropna().astype(str).unique())) or "-",
        )
    if unit is not None:
        check_columns(table, [unit])
        check_focal(list(table[unit].dropna().unique()), unit, focal)
        table = table[table[unit] == focal]
    numbers = [quoted_in(row) for row in chosen.to_dict("records")]
    design = {"weights": weights, "strata": strata, "cluster": cluster}
    found = _compared(table, metric, numbers, columns=columns, design=design, level=level)
    return replace(found, settings={**found.settings, "unit": unit, "focal": focal})


def _compared(
    table: pd.DataFrame, metric: str, numbers: Sequence[Quoted], *, columns: Columns,
    design: dict[str, str | None], level: float,
) -> PublishedComparison:  # fmt: skip
    check_level(level)
    entry = computable(metric)
    for number in numbers:
        check_quoted(number, entry)
    check_rows(table, cluster=design["cluster"])
    asked = design_of(table, design["weights"], design["strata"], design["cluster"])
    slots = columns_of(entry, columns, entry.slots)
    check_answers(slots, [design["weights"]])
    given = answers(table, entry, slots)
    used, dropped = accounted(given, asked, table, [])
    sums = {cell: _sums(table, given, asked, entry, cell) for cell in {number.cell for number in numbers}}
    rows, spreads = zip(*[_row(entry, sums[one.cell], one, level) for one in numbers], strict=True)
    found = _judged(pd.concat(rows, ignore_index=True), level)
    told = [f"{n.name}, {n.date}" if n.date else n.name for n in numbers]
    tests = found.assign(hypothesis=[f"{entry.id}: against {name}, published" for name in told])
    otherwise = _alike(tests, entry, level)
    claims = _claims(tests, numbers, entry, level)
    standing = stated(tests, [c for c in claims if "hypothesis" in c.fields], otherwise, level)
    return PublishedComparison(
        table=found[COLUMNS],
        keys=("peer", "hypothesis", "spread"),
        estimate_column="difference",
        tables={
            "sensitivity": pd.concat(spreads, ignore_index=True),
            "tests": tests[tests["p_value"].notna()][["peer", "hypothesis", *COLUMNS[3:10], "n", "flag"]],
        },
        n_used=int(used.sum()),
        n_dropped=dropped,
        settings={
            "metric": entry.id, "version": entry.version, **design, "level": level, "adjust": "holm",
            "family": int(found["p_value"].notna().sum()),
        },
        claims=(*standing, *[c for c in claims if "hypothesis" not in c.fields]),
        otherwise=otherwise,
    )  # fmt: skip


def _sums(
    table: pd.DataFrame, given: Answers, design: Design, entry: Metric, cell: tuple[tuple[str, Any], ...]
) -> Cells:
    """Reduce to two cells, inside and outside of what a number is of; to one where all are inside."""
    codes = (~_inside(table, cell)).astype(np.int64)
    counts = entry.family == "rate"
    return cells(given.numerator, given.denominator, design, codes, int(codes.max()) + 1, counts=counts)


def _inside(table: pd.DataFrame, cell: tuple[tuple[str, Any], ...]) -> np.ndarray[Any, Any]:
    """Mark the respondents of the cell that a published number is of."""
    check_columns(table, [column for column, _ in cell])
    inside = np.ones(len(table), dtype=bool)
    for column, value in cell:
        inside &= (table[column].astype(object) == value).to_numpy(dtype=bool, na_value=False)
    if not inside.any():
        raise AnalysisError(
            "nobody in the table is of {cell}, which a published number is about; leave that number out",
            cell=", ".join(f"{column} = {value}" for column, value in cell),
        )
    return inside


def _row(entry: Metric, sums: Cells, number: Quoted, level: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compare with one number; then once more with the least and the largest spread it could have."""
    own = sums.groups(np.eye(len(sums.rows))[:1])
    taken, basis = variance_of(number, entry, float(own.second[0] - own.estimate[0] ** 2))
    least, largest = bounds(entry, number.value)
    known = number.margin_of_error is not None  # its error, whatever the spread
    variances = [taken] * 3 if known else [least, taken, largest]
    spread = pd.concat([_against(entry, sums, number, v, level) for v in variances], ignore_index=True)
    row = spread.iloc[[1]].reset_index(drop=True).assign(
        published=number.value, estimate=own.estimate,
        se_basis=("margin of error" if known else basis) if number.error_known else UNKNOWN,
        sensitivity_low=spread["conf_low"].iloc[2], sensitivity_high=spread["conf_high"].iloc[2],
        n_eff=own.n_eff, n_published=np.nan if number.n is None else float(number.n),
        date=number.date, source=number.source, population=number.population,
    )  # fmt: skip
    row["p_largest"] = spread["p_value"].iloc[2]
    if number.lacking:
        row["p_value"] = np.nan
    spread = spread.assign(spread=["least", "taken", "largest"], published_sd=np.sqrt(variances))
    names = ["peer", "spread", "published_sd", "std_error", "conf_low", "conf_high", "p_value", "n", "flag"]
    return row, spread[names] if number.error_known else spread[names].head(0)


def _against(entry: Metric, sums: Cells, number: Quoted, variance: float, level: float) -> pd.DataFrame:
    """Difference with the number if its answers have this variance; without error where none is known."""
    keys = pd.DataFrame({"peer": [number.name]})
    own = sums.groups(np.eye(len(sums.rows))[:1])
    if not (number.error_known and np.isfinite(variance)):
        unknown = dict.fromkeys(("std_error", "conf_low", "conf_high", "p_value"), np.nan)
        row = keys.assign(difference=own.estimate - number.value, **unknown, flag=own.flags())
    else:
        both = joined(sums, number, variance)
        members = np.eye(len(both.rows))
        found = differences(both, both.groups(members[:1]), both.groups(members[-1:]), entry, level)
        row = difference_rows(keys, found, own)
    return row.assign(n=own.n.astype(int))


def _judged(rows: pd.DataFrame, level: float) -> pd.DataFrame:
    p_adjusted = adjusted(rows["p_value"], "holm")
    sign = np.sign(rows["difference"].to_numpy(dtype=float)) * (p_adjusted <= 1 - level)
    verdict = np.select([sign > 0, sign < 0], ["above", "below"], "not distinguishable")
    return rows.assign(p_adjusted=p_adjusted, verdict=np.where(rows["p_value"].isna(), "not tested", verdict))


def _claims(tests: pd.DataFrame, numbers: Sequence[Quoted], entry: Metric, level: float) -> list[Claim]:
    claims = []
    for number, row in zip(numbers, tests.to_dict("records"), strict=True):
        fields = {
            "peer": number.name, "metric": entry.id, "version": entry.version,
            **interval_fields(row, "difference", level, difference_unit(entry)),
            "value": float(number.value), "value_unit": entry.unit, "n": int(row["n"]),
        }  # fmt: skip
        if number.date is not None:
            fields["date"] = number.date
        spread = ("benchmark_spread_assumed",) if row["se_basis"] in ASSUMED else ()
        caveats = (*entry.caveats, "benchmark_mode", *number.lacking, *spread)
        caveats += base_caveats(row["n"], row["n_eff"])
        if number.lacking:
            claims.append(Claim("benchmark.published_gap", fields, "D", caveats))
        elif not np.isnan(row["p_value"]):
            fields |= {"hypothesis": row["hypothesis"], "holds": not row["p_largest"] > 1 - level}
            claims.append(Claim("benchmark.published", fields, "D", caveats, headline=True))
    return claims


def _alike(tests: pd.DataFrame, entry: Metric, level: float) -> tuple[Claim, ...]:
    tested = tests[tests["p_value"].notna()]
    if tested.empty:
        return ()
    fields = {
        "metric": entry.id, "version": entry.version, "numbers": len(tested),
        "detectable": detectable(tested["std_error"], (1 - level) / len(tested)), "level": level,
        "unit": difference_unit(entry), "n": int(tested["n"].min()),
    }  # fmt: skip
    spread = ("benchmark_spread_assumed",) if tested["se_basis"].isin(ASSUMED).any() else ()
    caveats = (*entry.caveats, "benchmark_mode", *spread)
    return (Claim("benchmark.published_alike", fields, "D", caveats, headline=True),)
