"""What made a change: who answers, what is asked, how it is asked, and what is left; and which segments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.answers import Answers, Columns, answers, check_answers, columns_of
from cxlab.analysis.columns import named
from cxlab.analysis.definitions import Metric, computable
from cxlab.analysis.disclosure import protected
from cxlab.analysis.dropped import NO_COUNTERPART
from cxlab.analysis.estimates import (
    MINIMUM_CUSTOMERS,
    Claim,
    Result,
    adjusted,
    check_columns,
    check_level,
    flags,
    stated,
)
from cxlab.analysis.findings import accounted, weighting_caveats
from cxlab.analysis.sampling import Weights, named_weights
from cxlab.analysis.waves.contrast import check_sides, sides_of
from cxlab.analysis.waves.series import Series, chosen, named_wave, series
from cxlab.analysis.waves.split import Split, by_segment, check_comparable, interval_of, parts, split
from cxlab.analysis.waves.statements import part_claims
from cxlab.errors import AnalysisError

Array = np.ndarray[Any, Any]

LEAST_UNITS = 5  # sampling units (clusters) of a segment in each wave, for its change to be tested
PARTS = ("definition", "mix", "method", "rest")
ROW = [
    "difference", "std_error", "conf_low", "conf_high", "p_value", "p_adjusted", "n", "flag",
]  # fmt: skip


@dataclass(frozen=True, eq=False, kw_only=True)
class Change(Result):
    """A change and what made it; see `change` for the columns."""


def change(
    table: pd.DataFrame, metric: str, *, wave: str, current: Any = None, previous: Any = None,
    mix: str | Sequence[str] = (), mode: str | None = None, segment: str | Sequence[str] = (),
    formerly: str | None = None, columns: Columns = None, columns_formerly: Columns = None,
    weights: Weights = None, strata: str | None = None, cluster: str | None = None, level: float = 0.95,
) -> Change:  # fmt: skip
    """Split the change of an index between two waves into what made it, parts that add up with their errors.

    Parameters
    ----------
    table, metric, columns, weights, strata, cluster, level
        As in `cxlab.analysis.metrics.score`.
    wave, current, previous
        As in `contrast`.
    mix : str or sequence of str
        Columns whose combinations are the kinds of respondents held alike.
    mode : str, optional
        Column of the survey mode, held alike within each kind.
    segment : str or sequence of str
        The one column whose values share out the change; none by default.
    formerly, columns_formerly : str and columns, optional
        The definition by which the wave before was published, recomputed on both waves.

    Returns
    -------
    Change
        ``table``: ``part`` (definition, mix, method, rest, total; only what was declared), ``difference``,
        ``std_error``, ``conf_low``, ``conf_high``, ``p_value``, ``p_adjusted`` (Holm, over the parts and
        segments), ``n``, ``flag``; the parts add up to the total. ``tables["covariance"]``: of the parts,
        ``part`` and one column for each: its sum is the variance of the total.
        ``tables["before_and_now"]``: the index of each wave. ``tables["contributions"]``: segment,
        ``change`` (its own), ``by_change`` and ``by_size`` (what it adds by having changed, and by having
        grown or shrunk), ``adds`` (both together; they add up to the change), ``conf_low``, ``conf_high``,
        ``apart`` (its change less that of the others), ``p_value`` and ``p_adjusted`` of it (with 10
        respondents and 5 clusters in each wave), ``n_before``, ``n`` (now), ``flag`` (of the smaller).

    Raises
    ------
    AnalysisError
        As `contrast`; if a kind or mode answers in one of the waves only, or the definitions differ in unit.

    Notes
    -----
    Kitagawa's decomposition, at the mean of the two waves: mix is the change of shares of the kinds at mean
    levels; method that of modes within kinds; the rest is the change of each kind in each mode. With two
    definitions everything is computed by both and averaged, and their difference is the part of definition.
    Errors are those of sampling: that of waves as such is in `contrast`.

    References
    ----------
    Kitagawa 1955, doi:10.1080/01621459.1955.10501299.

    Examples
    --------
    >>> rows = [("W1", "app", 10)] * 50 + [("W1", "web", 0)] * 40 + [("W1", "web", 10)] * 10
    >>> rows += [("W2", "app", 10)] * 30 + [("W2", "web", 0)] * 56 + [("W2", "web", 10)] * 14
    >>> found = change(pd.DataFrame(rows, columns=["w", "by", "recommend"]), "nps", wave="w", mix="by")
    >>> found.table[["part", "difference"]].round(1).to_numpy().tolist()
    [['mix', -32.0], ['rest', 0.0], ['total', -32.0]]
    """
    check_level(level)
    kinds, shared = named(mix), _one(segment)
    held = series(table, metric, wave=wave, columns=columns, weights=weights, strata=strata, cluster=cluster)
    _check_roles(table, kinds, mode, shared, wave)
    now = chosen(held.waves, current, -1, "current")
    before = chosen(held.waves, previous, max(held.waves.index(now[0]) - 1, 0), "previous")
    check_sides(now, before)
    sides = sides_of(held, now, before)
    definitions = _definitions(table, held, formerly, columns_formerly)
    counts = held.entry.family == "rate"
    own = split(table, definitions, sides, held.design, kinds=kinds, mode=mode, counts=counts)
    check_comparable(own, kinds, mode)
    kept = [p for p, asked in zip(PARTS, (formerly, kinds, mode, True), strict=True) if asked]
    rows, covariance = _parts(own, kept, level)
    segments = pd.DataFrame()
    if shared:
        by = split(table, definitions, sides, held.design, kinds=[shared], counts=counts)
        segments = _segments(by, shared, level)
    if kept == ["rest"]:  # nothing was held alike: the rest is the whole change, which `contrast` tests
        rows["p_value"] = np.nan
    rows, segments, tests = _family(rows, segments, shared, held.entry.id, named_wave(now))
    said = {
        "wave": named_wave(now), "previous": named_wave(before), "segment": shared or "",
        "mix": list(kinds), "mode": mode or "", "waves": len(held.waves),
    }  # fmt: skip
    caveats = weighting_caveats(held.design, held.entry)
    found = part_claims(rows, segments, held.entry, level, said, caveats)
    otherwise = _unexplained(rows, held.entry, level, said, caveats)
    used, dropped = accounted(held.answers, held.design, table, [wave, *kinds, *([mode] if mode else [])])
    elsewhere = used & (sides < 0)
    if elsewhere.any():
        dropped[NO_COUNTERPART] = int(elsewhere.sum())
    return Change(
        table=rows.assign(metric=held.entry.id)[["metric", "part", *ROW]],
        estimate_column="difference",
        keys=("part", "metric", "wave", "hypothesis", *([shared] if shared else [])),
        tables={
            "covariance": covariance, "before_and_now": _levels(own, before, now), "tests": tests,
            "contributions": segments,
        },
        n_used=int((used & ~elsewhere).sum()),
        n_dropped=dropped,
        settings={
            "metric": held.entry.id, "version": held.entry.version, "formerly": formerly, "wave": wave,
            "current": [str(w) for w in now], "previous": [str(w) for w in before], "mix": list(kinds),
            "mode": mode, "segment": shared,
            "weights": named_weights(weights) if held.design.weighted else None, "strata": strata,
            "cluster": cluster, "level": level, "adjust": "holm",
        },
        claims=stated(tests, found, otherwise, level),
        otherwise=otherwise,
        parts={"wave": wave, **({shared: shared} if shared else {})},
        bases={"n": {wave: named_wave(now)}, "n_before": {wave: named_wave(before)}},
        apart=("",),
        asked_of=tuple(f"{why}: {count}" for why, count in dropped.items() if why != NO_COUNTERPART),
    )  # fmt: skip


def _one(segment: str | Sequence[str]) -> str | None:
    columns = named(segment)
    if len(columns) > 1:
        raise AnalysisError(
            "the change is shared out by one column, not by {columns}; name one of them",
            columns=", ".join(columns),
        )
    return columns[0] if columns else None


def _check_roles(
    table: pd.DataFrame, kinds: Sequence[str], mode: str | None, segment: str | None, wave: str
) -> None:
    named_ = [*kinds, *([mode] if mode else [])]
    check_columns(table, [*named_, *([segment] if segment else [])])
    twice = [c for c in named_ if named_.count(c) > 1 or c == wave] + ([segment] if segment == wave else [])
    if twice:
        raise AnalysisError(
            "columns with two roles: {both}; a column is the wave, part of the mix or the mode, once",
            both=", ".join(dict.fromkeys(map(str, twice))),
        )


def _definitions(table: pd.DataFrame, held: Series, formerly: str | None, columns: Columns) -> list[Answers]:
    """Return the contributions by the former definition, if there is one, and by the present."""
    if formerly is None:
        return [held.answers]
    entry = computable(formerly)
    if (entry.unit, entry.limits) != (held.entry.unit, held.entry.limits):
        raise AnalysisError(
            "{formerly} and {metric} are not on the same scale, so that their difference means nothing; name "
            "the version of the same index by which the wave before was published",
            formerly=entry.id,
            metric=held.entry.id,
        )
    slots = columns_of(entry, columns, entry.slots)
    check_answers(slots, [])
    return [answers(table, entry, slots), held.answers]


def _parts(own: Split, kept: Sequence[str], level: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of the parts that were declared and of the total, and the covariance of the parts."""
    estimate, covariance = own.estimate(parts)
    places = [PARTS.index(part) for part in kept]
    estimate, covariance = estimate[places], covariance[np.ix_(places, places)]
    bases = own.bases[-1].sum(axis=(1, 2))
    names = [*kept, "total"]
    value = np.append(estimate, estimate.sum())
    error = np.sqrt(np.maximum(np.append(np.diag(covariance), covariance.sum()), 0.0))
    low, high, p = interval_of(value, error, own.df, level)
    n = int(bases.min())
    rows = pd.DataFrame({
        "part": names, "difference": value, "std_error": error, "conf_low": low, "conf_high": high,
        "p_value": np.where(error > 0, p, np.nan), "n": n, "flag": flags([n])[0],
    })  # fmt: skip
    return rows, pd.DataFrame(covariance, columns=pd.Index(kept)).assign(part=kept)[["part", *kept]]


def _levels(own: Split, before: Sequence[Any], now: Sequence[Any]) -> pd.DataFrame:
    """Return the index before, by the definition of then, and now."""
    sums = [held.reshape(own.shape).sum(axis=(2, 3)) for held in (own.cells.top, own.cells.bottom)]
    level = sums[0] / sums[1]
    bases = own.bases.sum(axis=(2, 3)).astype(int)
    n = np.array([bases[0, 0], bases[-1, 1]])
    return pd.DataFrame({
        "wave": [named_wave(before), named_wave(now)], "estimate": [level[0, 0], level[-1, 1]], "n": n,
        "flag": flags(n),
    })  # fmt: skip


def _segments(by: Split, segment: str, level: float) -> pd.DataFrame:
    """Rows of the segments: how each changed and what it adds to the change of all."""
    count = by.shape[2]
    flat, covariance = by.estimate(lambda top, bottom: _flat(by_segment(top, bottom)))
    found = flat.reshape(count, 4)
    both = np.kron(np.eye(count), [0, 1, 1, 0]), np.kron(np.eye(count), [0, 0, 0, 1])
    error, apart = (np.sqrt(np.einsum("ij,jk,ik->i", m, covariance, m).clip(0)) for m in both)
    contribution = found[:, 1] + found[:, 2]
    # An error made of few clusters is itself hardly known: a segment on one flight is not tested.
    units = by.units[-1, :, :, 0]
    df = np.clip(units.sum(axis=0) - 2, 1, by.df)
    low, high, _ = interval_of(contribution, error, df, level)
    _, _, p = interval_of(found[:, 3], apart, df, level)
    bases = by.bases[-1, :, :, 0]
    everybody = bases.sum(axis=1)
    alone = (bases == 0).any(axis=0)
    smallest = np.minimum(bases, everybody[:, None] - bases).min(axis=0)
    names = [frozenset({(segment, value)}) for value in by.kinds[segment]]
    untold = alone | (smallest < MINIMUM_CUSTOMERS) | (units.min(axis=0) < LEAST_UNITS) | ~(apart > 0)
    # Who is in one wave only has no base in the other: nobody is few.
    own = np.where(bases == 0, MINIMUM_CUSTOMERS, bases)
    told = [
        protected([frozenset(), *names], [n.sum(), *n], [n.sum(), *people])
        for n, people in zip(bases, own, strict=True)
    ]
    hidden = np.logical_or(*told)[1:]
    least = np.where(alone, bases.max(axis=0), bases.min(axis=0))
    return pd.DataFrame({
        segment: by.kinds[segment], "share_before": bases[0] / everybody[0],
        "change": np.where(alone, np.nan, found[:, 0]), "by_change": found[:, 1], "by_size": found[:, 2],
        "adds": contribution, "std_error": error, "conf_low": low, "conf_high": high,
        "apart": np.where(alone, np.nan, found[:, 3]),
        "p_value": np.where(untold | hidden, np.nan, p),
        "n_before": bases[0].astype(int), "n": bases[1].astype(int),
        "flag": np.where(hidden, "suppressed", flags(least)),
    })  # fmt: skip


def _flat(held: Array) -> Array:
    return held.reshape(*held.shape[:-2], -1)


def _family(
    rows: pd.DataFrame, segments: pd.DataFrame, segment: str | None, metric: str, wave: str
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Adjust the tests of parts and segments as one family (Holm).

    The total is not tested here but in `contrast`; of two segments, the second is the first's mirror.
    """
    rows = rows.assign(hypothesis=[f"{metric} {wave}: {part}" for part in rows["part"]])
    rows["p_value"] = rows["p_value"].where((rows["part"] != "total") & (rows["n"] >= MINIMUM_CUSTOMERS))
    if segment:
        segments = segments.assign(
            hypothesis=[f"{metric} {wave}: {segment} = {value}" for value in segments[segment]]
        )
        if len(segments) == 2:
            segments.loc[1, "p_value"] = np.nan
    count = len(rows)
    both = [held["p_value"] for held in (rows, segments) if len(held)]
    p_adjusted = adjusted(pd.concat(both, ignore_index=True), "holm")
    rows = rows.assign(p_adjusted=p_adjusted[:count])
    segments = segments.assign(p_adjusted=p_adjusted[count:])
    listed = [held[["hypothesis", "p_value", "p_adjusted"]] for held in (rows, segments) if len(held)]
    tests = pd.concat(listed, ignore_index=True)
    return rows, segments, tests[tests["p_value"].notna()].reset_index(drop=True)


def _unexplained(
    rows: pd.DataFrame, entry: Metric, level: float, said: dict[str, Any], caveats: tuple[str, ...]
) -> tuple[Claim, ...]:
    """Say, for when nothing stands, that no part of the change can be told from noise."""
    total = rows[rows["part"] == "total"].iloc[0]
    if total["n"] < MINIMUM_CUSTOMERS:
        return ()
    fields = {
        "metric": entry.id, "version": entry.version, "level": level, "n": int(total["n"]),
        "wave": said["wave"], "previous": said["previous"],
    }  # fmt: skip
    return (Claim("waves.parts_open", fields, "D", (*entry.caveats, *caveats)),)
