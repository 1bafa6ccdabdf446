"""Who rated what: outcome, drivers and controls as numbers on the same people, and their moments.

All tables of a driver analysis are made from one `Ratings`, so that they concern the same people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from cxlab.analysis.columns import check_rows, named
from cxlab.analysis.covariates import coded, numbers
from cxlab.analysis.dropped import INCOMPLETE, NO_DRIVER, WEIGHT_ZERO, check_entered, entering, missing
from cxlab.analysis.estimates import check_columns, effective_n, weights_of
from cxlab.errors import AnalysisError, Message, Problem

Array = np.ndarray[Any, Any]
NotApplicable = Literal["indicator", "listwise"]

_ROWS = 4096
_COUNTS = 2**27  # drawn counts held at once, a byte each
_MOST_DRIVERS = 60
_COPY = 1e-10  # distance from a correlation of one under which a driver is the outcome itself
_CONSTANT = 1e-7  # spread, on columns of spread one, under which a replicate's column is constant


@dataclass(frozen=True, slots=True)
class Ratings:
    """The people of a driver analysis.

    `outcome` (n,), `drivers` (n, p) with 0 where not rated and otherwise centred at the mean of those who
    rated, `controls` (n, c) with a used/not-used column for each driver not rated by all, `rated` (n, p),
    `weights` (n,); `drivers` names them in `names`.
    """

    names: tuple[str, ...]
    outcome: Array
    drivers: Array
    controls: Array
    rated: Array
    weights: Array
    complete: float
    dropped: Mapping[str, int]

    @property
    def standardised(self) -> Array:
        """Columns outcome, drivers, controls with weighted mean 0 and variance 1 (constant ones all 0)."""
        columns = np.column_stack([self.outcome, self.drivers, self.controls])
        share = self.weights / self.weights.sum()
        columns = columns - share @ columns
        spread = np.sqrt(share @ columns**2)
        return np.asarray(columns / np.where(spread > 0, spread, np.inf))


def rated(
    table: pd.DataFrame,
    outcome: str,
    drivers: Sequence[str],
    *,
    controls: Sequence[str],
    weights: str | None,
    not_applicable: NotApplicable,
) -> Ratings:
    """Read the columns, refuse what cannot enter, and drop rows with the reason counted.

    Raises
    ------
    AnalysisError
        With one problem for each column that has text, infinite values, values off its scale or no
        variation; on unknown, repeated or overlapping columns; on repeated response ids; when nobody
        is left, or too few for so many columns.
    """
    _check_roles(outcome, drivers, controls, weights)
    used = [outcome, *drivers, *controls, *([weights] if weights else [])]
    check_rows(table)
    check_columns(table, used)
    w = weights_of(table, weights)
    columns, problems = {}, []
    for column in [outcome, *drivers]:
        columns[column], found = numbers(table, column)
        problems += found
    extra = [coded(table, column) for column in controls]
    problems += [problem for _, found in extra for problem in found]
    if problems:
        raise AnalysisError("these columns cannot enter a driver analysis", problems=problems)
    ratings = np.column_stack([columns[driver] for driver in drivers])
    empty = [(missing(outcome), np.isnan(columns[outcome]))]
    empty += [(missing(c.column), np.asarray(np.isnan(c.values).any(axis=1))) for c, _ in extra]
    empty += [(NO_DRIVER, np.isnan(ratings).all(axis=1))]
    if not_applicable == "listwise":
        empty += [(INCOMPLETE, np.isnan(ratings).any(axis=1))]
    kept, dropped = entering(len(table), [(WEIGHT_ZERO, w == 0), *empty])
    check_entered(kept, dropped)
    others = np.column_stack([np.empty((len(table), 0)), *(c.values for c, _ in extra)])
    return _centred(drivers, outcome, columns[outcome][kept], ratings[kept], others[kept], w[kept], dropped)


def blocks_of(drivers: list[str], groups: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return what enters together: the groups where their first driver stands, the other drivers alone."""
    if not isinstance(groups, Mapping):
        raise AnalysisError(
            "groups is a {kind}; give {{name of the group: [drivers]}}", kind=type(groups).__name__
        )
    listed = {name: named(members) for name, members in groups.items()}
    members = [driver for group in listed.values() for driver in group]
    unknown = sorted({*members} - {*drivers})
    twice = sorted({driver for driver in members if members.count(driver) > 1})
    taken = sorted({*listed} & ({*drivers} - {*members}))
    empty = sorted(name for name, held in listed.items() if not held)
    if unknown:
        raise AnalysisError(
            "groups hold {names}, which are not among the drivers; add them to the drivers",
            names=", ".join(unknown),
        )
    if twice:
        raise AnalysisError(
            "drivers in more than one group: {names}; put each in one group", names=", ".join(twice)
        )
    if taken:
        raise AnalysisError(
            "groups named like a driver outside them: {names}; choose other names", names=", ".join(taken)
        )
    if empty:
        raise AnalysisError("groups without drivers: {names}; leave them out", names=", ".join(empty))
    of = {driver: name for name, group in listed.items() for driver in group}
    blocks: dict[str, list[str]] = {}
    for driver in drivers:
        blocks.setdefault(of.get(driver, driver), []).append(driver)
    if len(drivers) >= 2 > len(blocks):
        raise AnalysisError(
            "all drivers are in one group; importance is divided among at least 2 groups or drivers"
        )
    if len(drivers) > _MOST_DRIVERS:
        raise AnalysisError(
            "{count} drivers are too many to tell apart; give at most {most}",
            count=len(drivers),
            most=_MOST_DRIVERS,
        )
    return blocks


def _check_roles(outcome: str, drivers: Sequence[str], controls: Sequence[str], weights: str | None) -> None:
    if outcome in drivers:
        raise AnalysisError(
            "the outcome {outcome!r} is also among the drivers; take it out of the drivers", outcome=outcome
        )
    repeated = sorted({d for d in drivers if list(drivers).count(d) > 1})
    if repeated:
        raise AnalysisError(
            "drivers named more than once: {repeated}; name each once", repeated=", ".join(repeated)
        )
    shared = sorted(
        ({*controls} & {outcome, *drivers})
        | ({weights} & {outcome, *drivers, *controls} if weights else set())
    )
    if shared:
        raise AnalysisError(
            "columns with two roles: {shared}; a column is the outcome, a driver, a control or the weights",
            shared=", ".join(shared),
        )
    if len(drivers) < 2:
        raise AnalysisError(
            "a driver analysis divides R2 among drivers and got {count}; give at least 2 drivers",
            count=len(drivers),
        )


def _centred(
    drivers: Sequence[str],
    outcome: str,
    y: Array,
    ratings: Array,
    controls: Array,
    weights: Array,
    dropped: Mapping[str, int],
) -> Ratings:
    present = ~np.isnan(ratings)
    problems = [
        _constant(name, held)
        for name, held in [(outcome, y), *zip(drivers, ratings.T, strict=True)]
        if np.unique(held[~np.isnan(held)]).size < 2
    ]
    if problems:
        raise AnalysisError("these columns cannot enter a driver analysis", problems=problems)
    _check_copies(drivers, outcome, y, ratings)
    filled = np.where(present, ratings, 0.0)
    means = (weights @ filled) / (weights @ present)
    partial = ~present.all(axis=0)
    usage = {column.tobytes(): column.astype(float) for column in present[:, partial].T}
    controls = np.column_stack([controls, *usage.values()])
    needed = len(drivers) + controls.shape[1] + 2
    if effective_n(weights) <= needed:
        raise AnalysisError(
            "the effective sample is {n_eff:.1f} for {count} drivers and {extra} further columns; "
            "more than {needed} answers are needed: use fewer drivers or more answers",
            n_eff=effective_n(weights), count=len(drivers), extra=controls.shape[1], needed=needed,
        )  # fmt: skip
    return Ratings(
        names=tuple(drivers),
        outcome=y,
        drivers=np.where(present, ratings - means, 0.0),
        controls=controls,
        rated=present,
        weights=weights,
        complete=float(present.all(axis=1).mean()),
        dropped=dropped,
    )


def _check_copies(drivers: Sequence[str], outcome: str, y: Array, ratings: Array) -> None:
    """Refuse drivers that are the outcome under another name, perhaps on another scale."""
    copies = []
    for name, held in zip(drivers, ratings.T, strict=True):
        who = ~np.isnan(held)
        spread = y[who].std() * held[who].std()
        together = ((y[who] - y[who].mean()) * (held[who] - held[who].mean())).mean()
        if who.sum() > 2 and spread > 0 and abs(together) >= (1 - _COPY) * spread:
            copies.append(name)
    if copies:
        raise AnalysisError(
            "drivers that are the outcome {outcome!r} under another name: {names}; take them out",
            outcome=outcome,
            names=", ".join(copies),
        )


def _constant(name: str, held: Array) -> Problem:
    known = held[~np.isnan(held)]
    return Problem(
        found=Message("one value only ({value})", value=f"{known[0]:g}")
        if known.size
        else Message("no answer at all"),
        allowed=Message("a column that varies among the rows used"),
        action=Message("leave it out, or widen the filter"),
        column=name,
        count=int(known.size),
    )


def correlations(columns: Array, weights: Array, counts: Array | None = None) -> Array:
    """Weighted correlation matrices of `columns` (n, q), one for each row of `counts`: (q, q, replicates).

    One matrix product of counts times weights and products of columns, by parts of the rows. A column
    that is constant in a replicate has zeros there.
    """
    n, q = columns.shape
    counts = np.ones((1, n), dtype=np.uint8) if counts is None else counts
    upper = np.triu_indices(q)
    total, first, second = (
        np.zeros(len(counts)),
        np.zeros((q, len(counts))),
        np.zeros((len(upper[0]), len(counts))),
    )
    for start in range(0, n, _ROWS):
        part = columns[start : start + _ROWS]
        w = (counts[:, start : start + _ROWS] * weights[start : start + _ROWS]).T
        total += w.sum(axis=0)
        first += part.T @ w
        second += (part[:, upper[0]] * part[:, upper[1]]).T @ w
    covariance = np.empty((q, q, len(counts)))
    covariance[upper] = second / total - first[upper[0]] * first[upper[1]] / total**2
    covariance[upper[1], upper[0]] = covariance[upper]
    spread = np.sqrt(np.maximum(np.einsum("iib->ib", covariance), 0.0))
    scale = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > _CONSTANT)
    return np.asarray(covariance * scale[:, None] * scale[None])


def resampled(columns: Array, weights: Array, resamples: int, rng: np.random.Generator) -> Array:
    """Correlation matrices of `resamples` bootstrap samples of people: drawn counts times weights."""
    n, q = columns.shape
    at_once = max(1, _COUNTS // n)
    parts = []
    for start in range(0, resamples, at_once):
        counts = np.empty((min(at_once, resamples - start), n), dtype=np.uint8)
        for row in counts:
            row[:] = np.bincount(rng.integers(n, size=n, dtype=np.uint32), minlength=n)
        parts.append(correlations(columns, weights, counts))
    return np.concatenate(parts, axis=2) if parts else np.empty((q, q, 0))
