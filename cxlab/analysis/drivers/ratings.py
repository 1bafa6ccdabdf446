"""Who rated what: outcome, drivers and controls as numbers on the same people.

All tables of a driver analysis are made from one `Ratings`, so that they concern the same people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from cxlab.analysis.columns import check_rows, named
from cxlab.analysis.covariates import coded, numbers
from cxlab.analysis.drivers.outcomes import Outcome, OutcomeType, read_outcome
from cxlab.analysis.dropped import INCOMPLETE, NO_DRIVER, WEIGHT_ZERO, check_entered, entering, missing
from cxlab.analysis.estimates import check_columns, effective_n
from cxlab.analysis.survey import Design, design_of
from cxlab.errors import AnalysisError, Message, Problem

Array = np.ndarray[Any, Any]
NotApplicable = Literal["indicator", "listwise"]

_MOST_DRIVERS = 60
_COPY = 1e-10  # distance from a correlation of one under which a driver is the outcome itself


@dataclass(frozen=True, slots=True)
class Ratings:
    """The people of a driver analysis.

    `outcome` (n,), its differences in `unit`, `drivers` (n, p) with 0 where not rated and otherwise centred
    at `means` (p,), those of who rated, `controls` (n, c) with a used/not-used column for each driver not
    rated by all, `rated` (n, p), `design` their weights, strata and clusters, `scales` the declared
    ends of the drivers that have them; `drivers` names them in `names`.
    """

    names: tuple[str, ...]
    outcome: Array
    drivers: Array
    controls: Array
    rated: Array
    means: Array
    design: Design
    scales: Mapping[str, tuple[float, float]]
    complete: float
    dropped: Mapping[str, int]
    unit: str

    @property
    def weights(self) -> Array:
        """Weight of each person."""
        return self.design.weights

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
    outcome_type: OutcomeType = "numeric",
    strata: str | None = None,
    cluster: str | None = None,
) -> Ratings:
    """Read the columns, refuse what cannot enter, and drop rows with the reason counted.

    Raises
    ------
    AnalysisError
        With one problem for each column that has text, infinite values, values off its scale or no
        variation, or is not an outcome of its type; on unknown, repeated or overlapping columns; on
        repeated response ids; when nobody is left, or too few for so many columns.
    """
    _check_roles(outcome, drivers, controls, weights)
    used = [outcome, *drivers, *controls, *([weights] if weights else [])]
    check_rows(table)
    check_columns(table, used)
    design = design_of(table, weights, strata, cluster)
    w = design.weights
    explained, problems = read_outcome(table, outcome, outcome_type)
    columns = {}
    for column in drivers:
        columns[column], found = numbers(table, column)
        problems += found
    extra = [coded(table, column) for column in controls]
    problems += [problem for _, found in extra for problem in found]
    if problems:
        raise AnalysisError("these columns cannot enter a driver analysis", problems=problems)
    ratings = np.column_stack([columns[driver] for driver in drivers])
    empty = [(missing(outcome), np.isnan(explained.scores))]
    empty += [(missing(c.column), np.asarray(np.isnan(c.values).any(axis=1))) for c, _ in extra]
    empty += [(NO_DRIVER, np.isnan(ratings).all(axis=1))]
    if not_applicable == "listwise":
        empty += [(INCOMPLETE, np.isnan(ratings).any(axis=1))]
    kept, dropped = entering(len(table), [(WEIGHT_ZERO, w == 0), *empty])
    check_entered(kept, dropped)
    others = np.column_stack([np.empty((len(table), 0)), *(c.values for c, _ in extra)])
    scales = {name: ends for name, ends in table.attrs.get("scales", {}).items() if name in drivers}
    people = _people(design, kept)
    explained = replace(explained, scores=explained.scores[kept])
    return _centred(drivers, outcome, explained, ratings[kept], others[kept], people, scales, dropped)


def _people(design: Design, kept: Array) -> Design:
    """Return the design of the rows that enter."""
    strata, cluster = (None if codes is None else codes[kept] for codes in (design.strata, design.cluster))
    return Design(design.weights[kept], strata, cluster, design.weighted)


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
    explained: Outcome,
    ratings: Array,
    controls: Array,
    design: Design,
    scales: Mapping[str, Sequence[float]],
    dropped: Mapping[str, int],
) -> Ratings:
    weights, y = design.weights, explained.scores
    present = ~np.isnan(ratings)
    problems = [
        _constant(name, held, explained if name == outcome else None)
        for name, held in [(outcome, y), *zip(drivers, ratings.T, strict=True)]
        if not np.fmin.reduce(held) < np.fmax.reduce(held)
    ]
    if problems:
        raise AnalysisError("these columns cannot enter a driver analysis", problems=problems)
    _check_copies(drivers, outcome, y - y.mean(), ratings)
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
        means=means,
        design=design,
        scales={name: (float(low), float(high)) for name, (low, high) in scales.items()},
        complete=float(present.all(axis=1).mean()),
        dropped=dropped,
        unit=explained.unit,
    )


def _check_copies(drivers: Sequence[str], outcome: str, y: Array, ratings: Array) -> None:
    """Refuse drivers that are the outcome under another name, perhaps on another scale."""
    present = ~np.isnan(ratings)
    count = present.sum(axis=0)
    x = np.where(present, ratings - np.nanmean(ratings, axis=0), 0.0)
    # The outcome about its mean among those who rated each driver.
    own = np.where(present, y[:, None], 0.0)
    spread = (own**2).sum(axis=0) - own.sum(axis=0) ** 2 / count
    together = np.abs(x.T @ y)
    alike = together >= (1 - _COPY) * np.sqrt((x**2).sum(axis=0) * np.maximum(spread, 0.0))
    copies = [drivers[at] for at in np.flatnonzero(alike & (count > 2) & (together > 0)).tolist()]
    if copies:
        raise AnalysisError(
            "drivers that are the outcome {outcome!r} under another name: {names}; take them out",
            outcome=outcome,
            names=", ".join(copies),
        )


def _constant(name: str, held: Array, explained: Outcome | None) -> Problem:
    known = held[~np.isnan(held)]
    value = f"{known[0]:g}" if known.size else ""
    return Problem(
        found=Message(
            "one value only ({value})", value=explained.called(float(known[0])) if explained else value
        )
        if known.size
        else Message("no answer at all"),
        allowed=Message("a column that varies among the rows used"),
        action=Message("leave it out, or widen the filter"),
        column=name,
        count=int(known.size),
    )
