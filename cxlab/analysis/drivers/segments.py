"""Importance within segments, all in one bootstrap: what differs between them, and from all together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.columns import check_categories, check_names, check_rows, named, records
from cxlab.analysis.disclosure import protected
from cxlab.analysis.drivers import contrasts, dominance
from cxlab.analysis.drivers.draws import Draws, draws_of
from cxlab.analysis.drivers.moments import Moments, moments, resampled_parts
from cxlab.analysis.drivers.outcomes import OutcomeType, read_outcome
from cxlab.analysis.drivers.ratings import NotApplicable, Ratings, rated
from cxlab.analysis.drivers.regression import Fit, fit
from cxlab.analysis.drivers.shares import (
    Method,
    check_explained,
    check_options,
    check_size,
    divided_among,
    saying,
)
from cxlab.analysis.dropped import SEGMENT_OUT, entering, missing
from cxlab.analysis.estimates import (
    LOW_BASE,
    MINIMUM_CUSTOMERS,
    Result,
    check_columns,
    check_level,
    check_seed,
    effective_n,
    flags,
)
from cxlab.analysis.survey import Design, Partition, partition
from cxlab.errors import AnalysisError, Message

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class SegmentComparison(Result):
    """Importance in each segment and what differs between them; see `compare` for the tables."""


def compare(
    table: pd.DataFrame,
    outcome: str,
    drivers: Sequence[str],
    *,
    by: str | Sequence[str],
    outcome_type: OutcomeType = "numeric",
    method: Method = "lmg",
    weights: str | None = None,
    strata: str | None = None,
    cluster: str | None = None,
    controls: Sequence[str] = (),
    not_applicable: NotApplicable = "indicator",
    min_rated: int = LOW_BASE,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> SegmentComparison:
    r"""Compare what drives an outcome between segments: where does each driver weigh more.

    Parameters
    ----------
    table, outcome, drivers, outcome_type, method, weights, strata, cluster
        As in `cxlab.analysis.drivers.importance`.
    controls, not_applicable, min_rated, resamples, level, seed
        As there. Without bootstrap samples coefficients alone are compared.
    by : str or sequence of str
        Columns whose combinations are the segments; with none there is nothing to compare.

    Returns
    -------
    SegmentComparison
        ``table``: ``*by``, the columns of `importance` within each segment, and weighs (``more``, ``less``
        or ``mixed`` where its share stands apart, Holm, from that in another segment; else ``open``).
        ``tables``: segments (``*by``, n, n_eff, r_squared, mean_outcome, flag: shares of different segments
        are of different totals); differences (driver, segment, other, difference of shares with std_error,
        conf_low, conf_high, p_value, p_adjusted; coefficient_difference with coefficient_difference_low,
        coefficient_difference_high, coefficient_p_value, coefficient_p_adjusted; n, n_eff of the smaller
        base, flag); pooled (driver, coefficient of all together and within, with the segments held fixed,
        and composition, what is between them, each with _low, _high; p_value, p_adjusted, n, n_eff, flag);
        tests (all of these hypotheses, one Holm family); left_out (``*by``, n, reason, withheld, flag:
        fewer than 10 answers, left out with such a one so that it does not follow, or not estimable).

    Raises
    ------
    AnalysisError
        As `importance`; and if `by` names a column that is analysed.

    Notes
    -----
    Up to four segments are compared in pairs. More are each compared with the mean of the others,
    weighted by size (``other`` is empty): pairs would be too many to tell anything. Segments are strata of
    one bootstrap, or domains of it where strata or clusters are named, so that a cluster with people in two
    segments enters both. A difference is divided by its standard error (bootstrap for shares, HC3 for
    coefficients) and referred to Student's t with Satterthwaite's degrees of freedom.

    Where a coefficient of all together and that within segments (a constant for each of them) differ,
    segments differ in level, and people of different segments are being compared: Simpson's paradox.

    References
    ----------
    Groemping (2006), doi:10.18637/jss.v017.i01; Satterthwaite (1946), doi:10.2307/3002019;
    Simpson (1951), doi:10.1111/j.2517-6161.1951.tb00088.x.

    Examples
    --------
    >>> answers = pd.DataFrame({"overall": [7, 5, 6, 2, 3, 4, 6, 1] * 4, "ease": [7, 4, 6, 2, 3, 5, 6, 2] * 4,
    ...                         "price": [3, 5, 6, 2, 5, 3, 4, 3] * 4, "plan": ["a"] * 16 + ["b"] * 16})
    >>> result = compare(answers, "overall", ["ease", "price"], by="plan", resamples=0)
    >>> result.table[["plan", "driver", "share"]].round(3).values.tolist()
    [['a', 'ease', 0.9], ['a', 'price', 0.1], ['b', 'ease', 0.9], ['b', 'price', 0.1]]
    >>> result.tables["differences"][["driver", "segment", "other", "difference"]].round(3).values.tolist()
    [['ease', 'a', 'b', 0.0], ['price', 'a', 'b', 0.0]]
    """
    by, drivers, controls = named(by), named(drivers), named(controls)
    check_level(level)
    check_options(method, not_applicable, resamples, min_rated)
    check_size(method, len(drivers))
    check_seed(seed)
    _check_split(table, by, [outcome, *drivers], [*controls, *([weights] if weights else [])])
    choices: dict[str, Any] = {
        "controls": controls, "weights": weights, "strata": strata, "cluster": cluster,
        "not_applicable": not_applicable, "min_rated": min_rated, "outcome_type": outcome_type,
    }  # fmt: skip
    settings = {
        "outcome": outcome, "drivers": drivers, "by": by, "method": method, **choices,
        "resamples": resamples, "level": level, "seed": seed,
        "interval_share": "bootstrap, percentile" + (" and logit" if method != "pmvd" else ""),
        "interval_coefficient": "robust, HC3",
    }  # fmt: skip
    if not by:
        return SegmentComparison(table=pd.DataFrame(), keys=("driver",), estimate_column="share",
                                 tables=dict.fromkeys(TABLES, pd.DataFrame()), settings=settings)  # fmt: skip
    # Refuses what no segment could take, with every problem.
    everyone = rated(table, outcome, drivers, **choices)
    unit = everyone.unit
    settings["weights"] = weights if np.ptp(everyone.weights) > 0 else None
    if outcome_type == "ordered":
        table, choices = _stepped(table, outcome), {**choices, "outcome_type": "numeric"}
    found, left_out, dropped = _segments(table, outcome, drivers, by, choices)
    estimated, pooled = _estimated(table, outcome, drivers, found, choices, method, resamples, level, seed)
    tables = contrasts.tables_of(estimated, pooled, level=level)
    main = contrasts.weighing(estimated, tables["differences"], level)
    facts = {"outcome": outcome, "column": " x ".join(by), "level": level, "unit_coefficient": unit}
    claims, otherwise = contrasts.findings(estimated, pooled, tables, facts)
    return SegmentComparison(
        table=pd.concat(main, ignore_index=True) if main else pd.DataFrame(),
        keys=(*by, "driver", "segment", "other", "hypothesis", "measure", "reason", "withheld"),
        estimate_column="share",
        tables={"segments": _levels(estimated, by), **tables, "left_out": _left_out(left_out, by)},
        n_used=sum(len(each.ratings.outcome) for each in found),
        n_dropped=dropped,
        settings=settings,
        claims=claims,
        otherwise=otherwise,
    )


WITHHELD = Message("left out with a small one, which would follow by subtraction")
TABLES = ("segments", "differences", "pooled", "tests", "left_out")


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """One segment: values of the `by` columns, its rows of the table, its people and their regression."""

    names: Mapping[str, Any]
    rows: Array
    ratings: Ratings
    line: Fit


def _check_split(
    table: pd.DataFrame, by: Sequence[str], analysed: Sequence[str], others: Sequence[str]
) -> None:
    check_rows(table)
    check_names([*analysed, *others])
    check_columns(table, [*by, *analysed])
    check_categories(table, by)
    twice = sorted({*by} & {*analysed, *others})
    if twice:
        raise AnalysisError(
            "{columns} cannot both split the table and be analysed; take it out of `by`",
            columns=", ".join(twice),
        )


def _stepped(table: pd.DataFrame, outcome: str) -> pd.DataFrame:
    """Return the table with the steps of its outcome, the same in segments that lack one of the answers."""
    stepped = table.assign(**{outcome: read_outcome(table, outcome, "ordered")[0].scores})
    scales = {name: ends for name, ends in table.attrs.get("scales", {}).items() if name != outcome}
    stepped.attrs = {**table.attrs, "scales": scales}
    return stepped


def _segments(
    table: pd.DataFrame, outcome: str, drivers: Sequence[str], by: Sequence[str], choices: Mapping[str, Any]
) -> tuple[list[Segment], list[dict[str, Any]], dict[str, int]]:
    """Return the segments that can be estimated, the others with the reason, and the rows not used."""
    split = partition(table, by)
    empty = [(missing(column), table[column].isna().to_numpy(dtype=bool)) for column in by]
    dropped = entering(len(table), empty)[1]
    found: list[Segment] = []
    left_out: list[dict[str, Any]] = []
    withheld = _withheld(table[outcome], split)
    for code, names in enumerate(records(split.keys)):
        rows = np.flatnonzero(split.codes == code)
        part = WITHHELD if withheld[code] else _part(table.iloc[rows], outcome, drivers, choices)
        if isinstance(part, Message):
            left_out.append({**names, "n": len(rows), "reason": part, "withheld": bool(withheld[code])})
            continue
        ratings, line = part
        for reason, count in ratings.dropped.items():
            dropped[reason] = dropped.get(reason, 0) + count
        found.append(Segment(names, rows, ratings, line))
    if left_out:
        dropped[SEGMENT_OUT] = sum(row["n"] for row in left_out)
    return found, left_out, dropped


def _withheld(outcome: pd.Series[Any], split: Partition) -> Array:
    """Say which segments are left out with one of few people: all together less the others would be those."""
    names = [frozenset(row.items()) for row in records(split.keys.astype(str))]
    n = np.bincount(split.codes[split.codes >= 0], minlength=len(names))
    own = split.codes[(split.codes >= 0) & outcome.notna().to_numpy()]
    people = np.bincount(own, minlength=len(names))
    hidden = protected([frozenset(), *names], [n.sum(), *n], [people.sum(), *people])[1:]
    return np.asarray(hidden & (people >= MINIMUM_CUSTOMERS))


def _part(
    rows: pd.DataFrame, outcome: str, drivers: Sequence[str], choices: Mapping[str, Any]
) -> tuple[Ratings, Fit] | Message:
    """Return the people of a segment and their regression, or why there is none."""
    if int(rows[outcome].notna().sum()) < MINIMUM_CUSTOMERS:
        return Message("fewer than {minimum} answers", minimum=MINIMUM_CUSTOMERS)
    try:
        ratings = rated(rows, outcome, drivers, **choices)
        line = _regression(ratings)
        check_explained(moments(ratings.standardised, ratings.weights).correlations, len(drivers), outcome)
    except AnalysisError as error:
        return _why(error)
    return ratings, line


def _why(error: AnalysisError) -> Message:
    """Say the first problem of a refusal with its column."""
    if not error.problems:
        return error.message
    first = error.problems[0]
    return Message("{column}: {found}", column=first.column, found=first.found)


def _regression(ratings: Ratings, *more: Array) -> Fit:
    return fit(np.column_stack([ratings.drivers, ratings.controls, *more]), ratings.outcome, ratings.design)


def _estimated(
    table: pd.DataFrame,
    outcome: str,
    drivers: Sequence[str],
    found: Sequence[Segment],
    choices: Mapping[str, Any],
    method: Method,
    resamples: int,
    level: float,
    seed: int,
) -> tuple[list[contrasts.Estimated], contrasts.Pooled | None]:
    """Estimate every segment, and all of them together, in the same bootstrap samples."""
    if not found:
        return [], None
    whole = rated(table.iloc[np.concatenate([each.rows for each in found])], outcome, drivers, **choices)
    rng = np.random.default_rng(seed)
    sizes = [len(each.ratings.outcome) for each in found]
    code = np.repeat(np.arange(len(found)), sizes)
    dummies = (code[:, None] == np.arange(1, len(found))).astype(float)
    columns = np.column_stack([whole.standardised, _standard(dummies, whole.weights)])
    ends = np.cumsum([0, *sizes]).tolist()
    parts = [
        (slice(start, stop), each.ratings.standardised, each.ratings.rated.astype(float))
        for each, start, stop in zip(found, ends[:-1], ends[1:], strict=True)
    ]
    *own, together = resampled_parts(
        [*parts, (slice(None), columns, whole.rated.astype(float))],
        # People of each segment are drawn apart; strata and clusters that were named are drawn whole.
        Design(whole.weights, code, None, whole.design.weighted) if whole.design.simple else whole.design,
        resamples,
        rng,
    )
    own = [drawn.of(saying(drawn, len(drivers), outcome)) for drawn in own]
    blocks = {driver: [driver] for driver in drivers}
    given: dict[str, Any] = {"method": method, "level": level, "rng": rng, "seed": seed}

    def estimated(ratings: Ratings, drawn: Moments, line: Fit) -> tuple[pd.DataFrame, Draws]:
        rows, shares = divided_among(blocks, ratings, drawn, line, **given)
        return rows, draws_of(blocks, ratings, shares, drawn)

    apart = [
        contrasts.Estimated(
            each.names, *estimated(each.ratings, drawn, each.line), each.line, each.ratings,
            linked=not whole.design.simple,
        )
        for each, drawn in zip(found, own, strict=True)
    ]  # fmt: skip
    q = whole.standardised.shape[1]
    line, plain = _regression(whole), Moments(together.mean[:q], together.covariance[:q, :q], together.also)
    chosen = saying(plain, len(drivers), outcome)
    plain, together = plain.of(chosen), together.of(chosen)
    rows, drawn = estimated(whole, plain, line)
    fixed = draws_of(blocks, whole, drawn.shares, together).coefficients
    held = _regression(whole, dummies)
    return apart, contrasts.Pooled(rows, line, held, drawn.shares, drawn.coefficients, fixed)


def _standard(columns: Array, weights: Array) -> Array:
    share = weights / weights.sum()
    centred = columns - share @ columns
    return np.asarray(centred / np.sqrt(share @ centred**2))


def _levels(estimated: Sequence[contrasts.Estimated], by: Sequence[str]) -> pd.DataFrame:
    """Return what is explained in each segment, and how it answers."""
    rows = []
    for each in estimated:
        ratings = each.ratings
        matrix = moments(ratings.standardised, ratings.weights).correlations
        rows.append(
            {
                **each.names,
                "n": len(ratings.outcome),
                "n_eff": effective_n(ratings.weights),
                "r_squared": float(1 - dominance.swept(matrix, matrix.shape[0] - 1)[0, 0, 0]),
                "mean_outcome": float(np.average(ratings.outcome, weights=ratings.weights)),
            }
        )
    table = pd.DataFrame(rows, columns=[*by, "n", "n_eff", "r_squared", "mean_outcome"])
    return table.assign(flag=flags(table["n"]))


def _left_out(rows: Sequence[Mapping[str, Any]], by: Sequence[str]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=[*by, "n", "reason", "withheld"]).astype({"withheld": bool})
    hidden = (table["n"] < MINIMUM_CUSTOMERS) | table["withheld"]
    return table.assign(flag=np.where(hidden, "suppressed", "ok"))
