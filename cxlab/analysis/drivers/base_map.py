"""Who could rate what: how many rated each driver, each two of them, all of them, and why others did not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.columns import as_floats, check_rows, is_yes_or_no, named
from cxlab.analysis.covariates import numbers
from cxlab.analysis.coverage_missing import REASONS, missing
from cxlab.analysis.drivers import inputs, unrated
from cxlab.analysis.dropped import NO_DRIVER, WEIGHT_ZERO, check_entered, entering
from cxlab.analysis.dropped import missing as without
from cxlab.analysis.estimates import (
    LOW_BASE,
    MINIMUM_CUSTOMERS,
    Claim,
    Result,
    check_level,
    effective_n,
    flags,
    weights_of,
)
from cxlab.analysis.intervals import wilson
from cxlab.errors import AnalysisError

Array = np.ndarray[Any, Any]

_PATTERNS = 10  # most frequent ones that are listed


@dataclass(frozen=True, eq=False, kw_only=True)
class BaseMap(Result):
    """Who rated what; `complete` is the share that rated everything, missing where they are under ten."""

    complete: float


def base_map(
    table: pd.DataFrame,
    drivers: Sequence[str],
    *,
    outcome: str | None = None,
    weights: str | None = None,
    reasons: pd.DataFrame | None = None,
    level: float = 0.95,
) -> BaseMap:
    """Count who rated each driver, each two of them and all: what each way of reading the table rests on.

    Parameters
    ----------
    table : DataFrame (n, any)
        One row per respondent; a missing rating means that it did not apply. Not changed.
    drivers : sequence of str
        Numeric columns, two or more.
    outcome : str, optional
        With it, only who answered it counts, as in `importance`.
    weights : str, optional
        Column of weights; shares are then of the weighted sample.
    reasons : DataFrame, optional
        ``column``, ``reason``, ``n``: how many values are missing for each reason, as intake counted over
        the whole table.
    level : float
        Confidence level of the interval (Wilson) of the share that rated all.

    Returns
    -------
    BaseMap
        ``table``, who is rated by most first: driver, rated (share of respondents), mean, n, n_eff, flag.
        ``tables["pairs"]``: driver, other, rated (share that rated both), n, n_eff, flag.
        ``tables["patterns"]``, the most frequent first: not_rated (drivers, none for who rated all), part
        (share), n, flag; those of fewer than ten people stand together, as no pattern.
        ``tables["unrated"]``: driver, and the share of the rows of the table missing for each reason.
        ``tables["apart"]``, with an outcome in numbers, or of yes and no (1 and 0): the outcome of who rated
        each driver and of who did not (see `unrated.apart`).

    Raises
    ------
    AnalysisError
        As `importance` for roles, columns and weights, with all problems at once.

    Examples
    --------
    >>> answers = pd.DataFrame({"ease": [5.0] * 40, "shop": [4.0] * 10 + [None] * 30})
    >>> found = base_map(answers, ["ease", "shop"])
    >>> found.table[["driver", "rated", "n"]].values.tolist(), found.complete
    ([['ease', 1.0, 40], ['shop', 0.25, 10]], 0.25)
    >>> found.tables["patterns"][["not_rated", "n"]].values.tolist()
    [[('shop',), 30], [(), 10]]
    """
    check_level(level)
    drivers = named(drivers)
    check_rows(table)
    ratings, values, w, dropped = _read(table, drivers, outcome, weights)
    rated = ~np.isnan(ratings)
    table_of_drivers = _by_driver(drivers, ratings, rated, w)
    order = table_of_drivers.index.to_numpy()
    main = table_of_drivers.reset_index(drop=True)
    everything: Array = np.asarray(rated.all(axis=1))
    claims = _claims(main, everything, w, level)
    differing = pd.DataFrame()
    if outcome is not None and values is not None:
        differing = unrated.apart([drivers[k] for k in order], rated[:, order], values, w, level)
        claims += unrated.most_apart(differing, outcome, values, level)
    shown = everything.sum() >= MINIMUM_CUSTOMERS or not everything.any()
    return BaseMap(
        table=main,
        keys=("driver", "other", "not_rated"),
        estimate_column="rated",
        tables={
            "pairs": _pairs([drivers[k] for k in order], rated[:, order], w),
            "patterns": _patterns(drivers, rated, w),
            "unrated": _reasons(table, main, reasons),
            "apart": differing,
        },
        n_used=len(w),
        n_dropped=dropped,
        settings={
            "outcome": outcome, "drivers": drivers, "weights": weights if np.ptp(w) > 0 else None,
            "level": level, "n_eff": effective_n(w),
        },
        claims=claims,
        complete=float(w[everything].sum() / w.sum()) if shown else float("nan"),
    )  # fmt: skip


def _read(
    table: pd.DataFrame, drivers: Sequence[str], outcome: str | None, weights: str | None
) -> tuple[Array, Array | None, Array, dict[str, int]]:
    """Return ratings, outcome (if in numbers) and weights of who rated anything, and who does not enter."""
    columns = [*drivers, *(c for c in (outcome, weights) if c is not None)]
    problems = inputs.of_roles(outcome, drivers, (), weights)
    problems += inputs.of_absence(table, columns)
    held = {}
    for column in dict.fromkeys(drivers):
        if column in table:
            held[column], found = numbers(table, column)
            problems += found
    values = None
    if outcome in table and (is_yes_or_no(table[outcome]) or as_floats(table[outcome]) is not None):
        values, found = numbers(table, str(outcome))
        problems += found
    w = np.ones(len(table))
    if weights in table:
        try:
            w = weights_of(table, weights)
        except AnalysisError as refusal:
            problems += inputs.of_design(refusal)
    if problems:
        raise AnalysisError("these columns cannot enter a driver analysis", problems=problems)
    ratings = np.column_stack([held[driver] for driver in drivers])
    gone = [(WEIGHT_ZERO, w == 0)]
    gone += [(without(outcome), table[outcome].isna().to_numpy(dtype=bool))] if outcome is not None else []
    kept, dropped = entering(len(table), [*gone, (NO_DRIVER, np.isnan(ratings).all(axis=1))])
    check_entered(kept, dropped)
    return ratings[kept], None if values is None else values[kept], w[kept], dropped


def _by_driver(drivers: Sequence[str], ratings: Array, rated: Array, w: Array) -> pd.DataFrame:
    n, weight, kish = rated.sum(axis=0), w @ rated, _kish(w, rated)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (w @ np.where(rated, ratings, 0.0)) / weight
    rows = pd.DataFrame(
        {"driver": drivers, "rated": weight / w.sum(), "mean": mean, "n": n, "n_eff": kish, "flag": flags(n)}
    )
    return rows.sort_values("rated", ascending=False, kind="stable")


def _kish(w: Array, who: Array) -> Array:
    squares = (w**2) @ who
    return np.asarray(np.divide((w @ who) ** 2, squares, out=np.zeros_like(squares), where=squares > 0))


def _pairs(drivers: Sequence[str], rated: Array, w: Array) -> pd.DataFrame:
    first, second = np.triu_indices(len(drivers), 1)
    who = rated.astype(float)
    n = (who.T @ who)[first, second].round().astype(int)
    weight = (who.T @ (who * w[:, None]))[first, second]
    squares = (who.T @ (who * w[:, None] ** 2))[first, second]
    return pd.DataFrame(
        {
            "driver": [drivers[k] for k in first.tolist()],
            "other": [drivers[k] for k in second.tolist()],
            "rated": weight / w.sum(),
            "n": n,
            "n_eff": np.divide(weight**2, squares, out=np.zeros_like(squares), where=squares > 0),
            # That nobody rated both gives nobody away.
            "flag": flags(np.where(n > 0, n, LOW_BASE)),
        }
    )


def _patterns(drivers: Sequence[str], rated: Array, w: Array) -> pd.DataFrame:
    """Count who left the same drivers unrated; those of under ten people stand together, or with the next."""
    patterns, which = np.unique(rated, axis=0, return_inverse=True)
    which = which.reshape(-1)
    n, weight = np.bincount(which), np.bincount(which, weights=w)
    order = np.argsort(-n, kind="stable")
    listed = [k for k in order[:_PATTERNS].tolist() if n[k] >= MINIMUM_CUSTOMERS]
    rest = int(n.sum() - n[listed].sum())
    if 0 < rest < MINIMUM_CUSTOMERS and listed:
        listed.pop()  # so that the rest does not follow by subtraction
    rows: list[tuple[Any, float, int]] = [
        (tuple(d for d, own in zip(drivers, patterns[k], strict=True) if not own), weight[k] / w.sum(), n[k])
        for k in listed
    ]
    left = int(n.sum() - n[listed].sum())
    if left:
        rows.append((None, 1 - float(weight[listed].sum() / w.sum()), left))
    frame = pd.DataFrame(rows, columns=["not_rated", "part", "n"])
    return frame.assign(flag=flags(frame["n"]))


def _reasons(table: pd.DataFrame, main: pd.DataFrame, reasons: pd.DataFrame | None) -> pd.DataFrame:
    """Return why ratings are missing, where the codes say."""
    if reasons is None:
        return pd.DataFrame()
    told = missing(table, main["driver"].tolist(), reasons=reasons).table.set_index("item")
    told = told[[reason for reason in (*REASONS, "open") if (told[reason] > 0).any()]]
    gaps = table[main["driver"].tolist()].isna().sum()
    small = (gaps > 0) & (gaps < MINIMUM_CUSTOMERS)
    flag = np.where(small.to_numpy(), "suppressed", "ok")
    return told.rename_axis("driver").reset_index().assign(flag=flag)


def _claims(main: pd.DataFrame, everything: Array, w: Array, level: float) -> tuple[Claim, ...]:
    """Say what share rated all: who listwise deletion would keep."""
    n, complete = len(everything), int(everything.sum())
    least = main.iloc[-1]
    fields: dict[str, Any] = {"drivers": len(main), "level": level, "unit": "share", "n": n}
    if complete == n:
        return (Claim("drivers.all_rated", fields, "D"),)
    if complete < MINIMUM_CUSTOMERS:
        return (Claim("drivers.few_rated_all", {**fields, "minimum": MINIMUM_CUSTOMERS}, "D"),)
    share = float(w[everything].sum() / w.sum())
    low, high = (float(end) for end in wilson(share, effective_n(w), level))
    fields |= {"estimate": share, "conf_low": low, "conf_high": high}
    if least["n"] >= MINIMUM_CUSTOMERS:
        fields |= {"driver": least["driver"], "least": float(least["rated"])}
    return (Claim("drivers.rated_all", fields, "D"),)
