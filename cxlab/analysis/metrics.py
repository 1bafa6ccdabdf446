"""Customer-experience indices with their errors: overall, by segment, weighted, stratified, clustered.

`score` estimates any index of the registry; `contribution` gives what each respondent adds to it; `rake` and
`weigh` make weights; `registry` and `definition` say what an index is. How answers become contributions is in
`answers`, which scales are refused in `scales`, errors in `survey`, intervals and tests in `intervals`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.answers import Answers, Columns, answers, check_answers, columns_of
from cxlab.analysis.columns import check_rows, named
from cxlab.analysis.definitions import Metric, computable, definition, registry
from cxlab.analysis.dropped import NO_METRIC
from cxlab.analysis.estimates import Claim, Result, check_level, stated
from cxlab.analysis.findings import (
    TEST_COLUMNS,
    Scored,
    accounted,
    alike_claims,
    answer_shares,
    level_claims,
    segment_claims,
    segment_tests,
)
from cxlab.analysis.intervals import interval
from cxlab.analysis.patterns import readable
from cxlab.analysis.raking import Weighting, rake, weigh
from cxlab.analysis.sampling import Population, Weights, design_of, named_weights, population_said
from cxlab.analysis.scales import declared_scale
from cxlab.analysis.survey import Cells, Design, Partition, cells, partition
from cxlab.errors import AnalysisError, Message

__all__ = [
    "Metric",
    "Scores",
    "Weighting",
    "available",
    "contribution",
    "definition",
    "rake",
    "registry",
    "score",
    "scored",
    "weigh",
]

# Names that results use themselves.
# What a scorecard shows when nobody names the indices.
ASKED_FOR = ("pxi", "nps", "insc", "csat_t2b_5", "ces_top3", "acsi_equal")

RESERVED = frozenset({*TEST_COLUMNS, "estimate", "n_eff", "peer", "unit", "verdict", "check", "value"})


@dataclass(frozen=True, eq=False, kw_only=True)
class Scores(Result):
    """Indices overall or by segment; see `score` for the columns."""


def contribution(table: pd.DataFrame, metric: str, *, columns: Columns = None) -> pd.Series[float]:
    """Give what each respondent adds to the index.

    Parameters
    ----------
    table : DataFrame
        One row per respondent; not changed.
    metric : str
        Id of a metric.
    columns : str, Mapping or None
        As in `score`.

    Returns
    -------
    Series of float
        Aligned to the index of `table`, in the unit of the metric; its mean is the unweighted index. NaN
        where one of the questions is not answered. For a rate, the rate of the row.

    Raises
    ------
    AnalysisError
        As `score`.

    Examples
    --------
    >>> contribution(pd.DataFrame({"recommend": [10, 8, 3, None]}), "nps").tolist()
    [100.0, 0.0, -100.0, nan]
    """
    entry = computable(metric)
    check_rows(table)
    scored = answers(table, entry, columns_of(entry, columns, entry.slots))
    return pd.Series(scored.numerator / scored.denominator, index=table.index, name=entry.id)


def available(table: pd.DataFrame) -> list[str]:
    """Say which of the indices that boards ask for can be computed from the table's columns.

    Parameters
    ----------
    table : DataFrame
        One row per respondent, with columns named as the metrics' slots; ``table.attrs["scales"]``,
        where declared, must be the index's own.

    Returns
    -------
    list of str
        Ids, in the order of `ASKED_FOR`; variants of one question (CES) count once.

    Raises
    ------
    AnalysisError
        If there is none: names the questions that would do.

    Examples
    --------
    >>> available(pd.DataFrame({"recommend": [10, 3], "ease": [7, 2]}))
    ['nps']
    """
    found = [metric for metric in ASKED_FOR if _fits(table, definition(metric))]
    if not found:
        raise AnalysisError(
            "no index can be computed: none of {slots} is there as its index needs; map and scale one of "
            "them in client.yaml, or name the indices",
            slots=", ".join({slot: "" for metric in ASKED_FOR for slot in definition(metric).slots}),
        )
    return found


def _fits(table: pd.DataFrame, entry: Metric) -> bool:
    if not set(entry.slots) <= set(table.columns):
        return False
    declared = [declared_scale(table, slot) for slot in entry.slots]
    return entry.scale is None or all(
        given is None or tuple(given) == tuple(entry.scale) for given in declared
    )


def scored(table: pd.DataFrame, indices: Sequence[str]) -> pd.DataFrame:
    """Give the table with a column for each index: what each respondent adds to it.

    Parameters
    ----------
    table : DataFrame
        One row per respondent; not changed.
    indices : sequence of str
        Ids of metrics, whose slots are columns of `table`; the name of a column stays as it is.

    Returns
    -------
    DataFrame
        `table` and the new columns, named as asked for, from `contribution`.

    Raises
    ------
    AnalysisError
        As `contribution`.

    Examples
    --------
    >>> scored(pd.DataFrame({"recommend": [10, 8, 0]}), ["nps"])["nps"].tolist()
    [100.0, 0.0, -100.0]
    """
    return table.assign(**{name: contribution(table, name) for name in indices if name not in table.columns})


def score(
    table: Any, metric: str | Sequence[str], *, columns: Columns = None,
    by: str | Sequence[str] = (), weights: Weights = None, strata: str | None = None,
    cluster: str | None = None, population: Population = None,
    scales: Mapping[str, Sequence[float]] | None = None, level: float = 0.95,
) -> Scores:  # fmt: skip
    """Estimate an index with its error, overall or by segment.

    Parameters
    ----------
    table : DataFrame, path, DuckDB relation or Spark frame
        One row per respondent (for ``rate``: per counted unit); not changed. A path is of a Parquet file, a
        folder or a pattern of them. What is not in memory is grouped where it is, into at most 2,000,000
        patterns of answers, segments, strata and clusters, and gives the same numbers; weights are then a
        column.
    metric : str or sequence of str
        Ids of the registry, upper or lower case.
    columns : str, Mapping or None
        ``{slot: column}``, one name for metrics of one slot, or None for columns named as the slots.
    by : str or sequence of str
        Columns whose combinations are the segments; rows without a value are counted as dropped.
    weights : str, Weighting or None
        Column of weights, which say how many people a row stands for, never how often it is counted; or what
        `rake` or `weigh` made of this table, or of one that it is a part of. Errors under raked weights are
        then of what the margins leave open.
    strata, cluster : str or None
        Columns of the design.
    population : float, str, Mapping or None
        How many sampling units there are to draw from, for the finite-population correction, as R survey's
        ``fpc``: clusters where there are any, else rows. With strata, a column or a mapping that has the
        number of each stratum. What is drawn are the units that answer.
    scales : Mapping or None
        Declared scales (column -> [lowest, highest]), which no guess from the answers contradicts;
        ``table.attrs["scales"]`` without it.
    level : float
        Confidence level.

    Returns
    -------
    Scores
        ``table``: ``*by``, ``metric``, ``estimate`` (points, percent or scale), ``std_error`` (linearised),
        ``conf_low``, ``conf_high``, ``n`` (respondents with weight, or trials), ``n_eff``, ``flag``.
        ``tables["checks"]``: ``metric``, ``check`` (design effects of Kish and of Taylor, against drawing
        with replacement; ``design_effect`` is the one that counts, ``n / n_eff``), ``value``, ``advice``.
        ``n_eff`` leaves `population` out. ``tables["answers"]``, for nets of one question: ``*by``,
        ``metric``, ``share_against``, ``share_for`` (percent, weighted), ``n``, ``flag``. With `by`:
        ``tables["overall"]``, as ``table`` for all rows that answer, and ``tables["tests"]``: each segment
        of 10 or more against the rest (two segments make one test): ``*by``, ``metric``, ``hypothesis``,
        ``difference``, ``std_error``, ``conf_low``, ``conf_high``, ``p_value``, ``p_adjusted`` (Holm over
        all of them), ``n``, ``n_rest``, ``flag``.

    Raises
    ------
    AnalysisError
        For an unknown or proprietary metric, missing columns, text or blanks among the answers, answers off
        the scale or on what reads as another scale, duplicate rows, weights that cannot be used or are of
        other rows, a stratum with a single unit, a population that does not fit the sample.

    Notes
    -----
    The index is ``sum w s / sum w`` of the contributions s; its variance is
    ``n/(n-1) sum w^2 (s - index)^2 / (sum w)^2``, with clusters m/(m-1) over their sums in each stratum, as
    in R survey. Intervals are explained in `cxlab.analysis.intervals`; the one of a net score is not
    symmetric about the estimate.

    References
    ----------
    Lumley 2004, doi:10.18637/jss.v009.i08; Tango 1998; Newcombe 1998; Deville & Särndal 1992,
    doi:10.1080/01621459.1992.10475217.

    Examples
    --------
    >>> table = pd.DataFrame({"recommend": [10] * 84 + [8] * 68 + [0] * 48})
    >>> columns = ["estimate", "std_error", "conf_low", "conf_high"]
    >>> score(table, "nps").table[columns].round(4).to_numpy().tolist()
    [[18.0, 5.6158, 6.8192, 28.6533]]
    """
    check_level(level)
    by = tuple(named(by))
    entries = [computable(name) for name in _listed(metric)]
    _check_asked(entries, by)
    slots = list(dict.fromkeys(slot for entry in entries for slot in entry.slots))
    asked = [columns_of(entry, columns, slots) for entry in entries]
    needed = [*(column for one in asked for column in one.values()), *by]
    table, alike = readable(table, needed, weights, strata, cluster, population, scales)
    parts = partition(table, by)
    design = design_of(table, weights, strata, cluster, population, alike)
    scored = [
        _scored(table, entry, own, design, parts, by, weights)
        for entry, own in zip(entries, asked, strict=True)
    ]
    used, n_dropped = accounted(_together(scored), design, table, by if (parts.codes < 0).any() else ())
    overall = pd.concat([score_rows(s.entry, s.whole, None, level) for s in scored], ignore_index=True)
    tables = {"checks": _checks(table, scored, overall, design), "answers": answer_shares(scored)}
    main, tests, otherwise = overall, pd.DataFrame(), tuple[Claim, ...]()
    claims = level_claims(scored, overall, design, level)
    if by:
        main = pd.concat(
            [score_rows(s.entry, s.by_cell, parts.keys, level) for s in scored if s.by_cell],
            ignore_index=True,
        )
        tests = segment_tests(scored, parts, by, level)
        tables |= {"overall": overall, "tests": tests}
        tables["answers"] = answer_shares(scored, parts.keys)
        otherwise = alike_claims(scored, tests, by, level)
        claims += stated(tests, segment_claims(scored, tests, by, level), otherwise, level)
    return Scores(
        table=main,
        keys=(*by, "metric", "hypothesis", "check"),
        tables=tables,
        n_used=int(used.sum() if alike is None else alike.count[used].sum()),
        n_dropped=n_dropped,
        settings={
            "metric": [entry.id for entry in entries], "version": [entry.version for entry in entries],
            "columns": {one.entry.id: dict(one.columns) for one in scored}, "by": list(by),
            "weights": named_weights(weights) if design.weighted else None, "strata": strata,
            "cluster": cluster, "population": population_said(population), "level": level, "adjust": "holm",
        },
        claims=claims,
        otherwise=otherwise,
        parts={column: column for column in by},
        minimum=design.minimum,
    )  # fmt: skip


def _listed(metric: str | Sequence[str]) -> list[str]:
    """One id or several; what is neither is refused by name later."""
    if isinstance(metric, str) or not isinstance(metric, Sequence):
        return [metric]
    return list(metric)


def _check_asked(entries: Sequence[Metric], by: Sequence[str]) -> None:
    if not entries:
        raise AnalysisError("metric is empty; give at least one id, e.g. nps")
    taken = [column for column in by if column in RESERVED]
    if taken or len(set(by)) < len(by):
        raise AnalysisError(
            "by names {columns}; each column once, and none that a result uses itself: {reserved}",
            columns=", ".join(taken or by),
            reserved=", ".join(sorted(RESERVED)),
        )


def _scored(
    table: pd.DataFrame,
    entry: Metric,
    columns: dict[str, str],
    design: Design,
    parts: Partition,
    by: Sequence[str],
    weights: Weights,
) -> Scored:
    check_answers(columns, [weights if isinstance(weights, str) else None])
    given = answers(table, entry, columns, design.each)
    counts = entry.family == "rate"
    everyone = np.zeros(len(table), dtype=np.int64)
    by_cell, placed = None, parts.codes >= 0
    if by:
        by_cell = cells(
            given.numerator, given.denominator, design, parts.codes, len(parts.keys), counts=counts
        )
    if by_cell is not None and placed.all() and design.calibration is None:
        whole = by_cell.together()
    else:
        whole = cells(given.numerator, given.denominator, design, everyone, 1, counts=counts)
    return Scored(entry, columns, given, whole, by_cell)


def score_rows(entry: Metric, reduced: Cells, keys: pd.DataFrame | None, level: float) -> pd.DataFrame:
    """Rows of a score table: one for each cell in which somebody answers."""
    present = np.flatnonzero(reduced.rows > 0)
    group = reduced.groups(np.eye(len(reduced.rows))[present])
    low, high = interval(group, entry, level)
    start = dict[Any, Any]()
    if keys is not None:
        start.update(keys.iloc[present].reset_index(drop=True).items())
    # In one go: a column at a time costs more than all that is in them.
    return pd.DataFrame({
        **start, "metric": entry.id, "estimate": group.estimate, "std_error": group.std_error,
        "conf_low": low, "conf_high": high, "n": group.n.astype(int), "n_eff": group.n_eff,
        "flag": group.flags(),
    })  # fmt: skip


def _together(scored: Sequence[Scored]) -> Answers:
    """Return the answers of one metric, or for several which rows answer at least one."""
    if len(scored) == 1:
        return scored[0].answers
    answered = np.any([~np.isnan(one.answers.numerator) for one in scored], axis=0)
    marks = np.where(answered, 0.0, np.nan)
    return Answers(marks, marks, ((NO_METRIC, ~answered),))


def _checks(
    table: pd.DataFrame, scored: Sequence[Scored], overall: pd.DataFrame, design: Design
) -> pd.DataFrame:
    """Tell what to know before trusting the scores: non-answer, weights, clusters, scale taken on trust."""
    rows: list[tuple[str, str, float, str]] = []
    for one, row in zip(scored, overall.to_dict("records"), strict=True):
        name = one.entry.id
        share = float(np.average(~np.isnan(one.answers.numerator), weights=design.each))
        rows.append((name, "answered", share, _advice(share < 0.7, _NONANSWER)))
        if design.weighted:
            used = ~np.isnan(one.answers.numerator) & (design.weights > 0)
            low, high = design.bounds
            ratio = float(high[used].max() / low[used].min())
            rows.append((name, "weight_ratio", ratio, _advice(ratio > 10, _EXTREME)))
        if design.weighted or not design.simple:
            effect = float(row["n"] / row["n_eff"])
            group = one.whole.groups(np.ones((1, 1)))
            rows.append((name, "design_effect", effect, _advice(effect > 2, _DESIGN)))
            rows.append((name, "design_effect_kish", float(group.n[0] / group.kish[0]), _FINE))
            rows.append((name, "design_effect_taylor", float(group.n[0] / group.taylor[0]), _FINE))
        guessed = [c for c in one.columns.values() if one.entry.scale and declared_scale(table, c) is None]
        if one.entry.scale:
            rows.append((name, "scale_declared", float(not guessed), _advice(bool(guessed), _SCALE)))
    return pd.DataFrame(rows, columns=["metric", "check", "value", "advice"])


_FINE = Message("nothing to do")
_NONANSWER = Message("many rows give no answer: compare who answers with who does not before generalising")
_EXTREME = Message("a few rows weigh more than ten times others: merge categories of the targets")
_DESIGN = Message("weights or clusters cost more than half of the sample: read n_eff, not n")
_SCALE = Message("the scale was taken from the answers: declare it under scales in client.yaml")


def _advice(needed: bool, advice: Message) -> Message:  # noqa: FBT001
    return advice if needed else _FINE
