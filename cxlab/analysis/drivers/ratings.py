"""Who rated what: outcome, drivers and controls as numbers on the same people.

All tables of a driver analysis are made from one `Ratings`, so that they concern the same people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

import numpy as np
import pandas as pd

from cxlab.analysis.columns import check_rows
from cxlab.analysis.covariates import Coded, coded, numbers
from cxlab.analysis.drivers import inputs
from cxlab.analysis.drivers.outcomes import Outcome, OutcomeType, read_outcome
from cxlab.analysis.dropped import INCOMPLETE, NO_DRIVER, WEIGHT_ZERO, check_entered, entering, missing
from cxlab.analysis.estimates import LOW_BASE, MINIMUM_CUSTOMERS, effective_n
from cxlab.analysis.scales import declared_scale
from cxlab.analysis.survey import Design, design_of
from cxlab.errors import AnalysisError, Problem

Array = np.ndarray[Any, Any]
NotApplicable = Literal["indicator", "listwise"]


class Surveyed(Protocol):
    """What checks and statements need to know of the people, however they are held."""

    @property
    def names(self) -> tuple[str, ...]:
        """Drivers."""

    @property
    def asked(self) -> tuple[str, ...]:
        """Columns of the controls asked for."""

    @property
    def n(self) -> int:
        """How many people."""

    @property
    def n_eff(self) -> float:
        """How many of equal weight would say as much (Kish)."""

    @property
    def complete(self) -> float:
        """Share of the people that rated all."""

    @property
    def reach(self) -> Array:
        """Share of the people that rated each driver, (p,)."""

    @property
    def means(self) -> Array:
        """Mean of who rated each driver, (p,)."""

    @property
    def pull(self) -> float:
        """Mean leverage per column, see `pull_of`."""

    def bases(self, sizes: Sequence[int]) -> tuple[Array, Array, Array]:
        """Share that rated any driver of each block, how many, and their effective number, (blocks,) each."""

    @property
    def directions(self) -> Array:
        """Covariance of each driver with the outcome among who rated it, up to a positive factor."""


@dataclass(frozen=True, slots=True)
class Ratings:
    """The people of a driver analysis.

    `outcome` (n,), its differences in `unit`, `drivers` (n, p) with 0 where not rated and otherwise centred
    at `means` (p,), those of who rated, `controls` (n, c) those `asked` for by name and then a used/not-used
    column for each driver not rated by all, `rated` (n, p), `design` their weights, strata and clusters,
    `scales` the declared ends of the drivers that have them; `drivers` names them in `names`.
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
    asked: tuple[str, ...] = ()

    @property
    def weights(self) -> Array:
        """Weight of each person."""
        return self.design.weights

    @property
    def n(self) -> int:
        """How many people."""
        return len(self.outcome)

    @property
    def n_eff(self) -> float:
        """How many people of equal weight would say as much (Kish)."""
        return effective_n(self.weights)

    @property
    def pull(self) -> float:
        """Mean leverage per column, see `pull_of`."""
        return pull_of(self.weights)

    def bases(self, sizes: Sequence[int]) -> tuple[Array, Array, Array]:
        """Share that rated any driver of each block, how many, and their effective number, (blocks,) each."""
        starts, w = np.cumsum([0, *sizes])[:-1], self.weights
        answered = np.array(
            [self.rated[:, s : s + k].any(axis=1) for s, k in zip(starts, sizes, strict=True)], dtype=float
        )
        weight = answered @ w
        return weight / w.sum(), answered.sum(axis=1).astype(int), weight**2 / (answered @ w**2)

    @property
    def reach(self) -> Array:
        """Share of the people that rated each driver, (p,)."""
        return np.asarray(self.weights @ self.rated / self.weights.sum())

    @property
    def directions(self) -> Array:
        """Covariance of each driver with the outcome among those who rated it, up to a positive factor."""
        level = self.weights @ self.outcome / self.weights.sum()
        # The ratings are centred where they were given and zero elsewhere: any level of the outcome will do.
        return np.asarray((self.weights * (self.outcome - level)) @ self.drivers)

    @property
    def standardised(self) -> Array:
        """Columns outcome, drivers, controls with weighted mean 0 and variance 1 (constant ones all 0)."""
        columns = np.column_stack([self.outcome, self.drivers, self.controls])
        share = self.weights / self.weights.sum()
        columns -= share @ columns
        spread = np.sqrt(share @ columns**2)
        columns /= np.where(spread > 0, spread, np.inf)
        return columns


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
    groups: Mapping[str, Sequence[str]] | None = None,
    min_rated: int = LOW_BASE,
) -> Ratings:
    """Read the columns, refuse what cannot enter, and drop rows with the reason counted.

    Raises
    ------
    AnalysisError
        With every problem at once: unknown, repeated or overlapping columns and groups; unusable weights;
        text, infinite values, values off their scale, no variation; a driver that is the outcome, or that
        some did not rate and fewer than `min_rated` did. On repeated response ids; when nobody is left, or
        too few for so many columns.
    """
    check_rows(table)
    problems = inputs.of_roles(outcome, drivers, controls, weights)
    problems += inputs.of_groups(drivers, groups or {})
    of_design = [column for column in (weights, strata, cluster) if column is not None]
    problems += inputs.of_absence(table, [outcome, *drivers, *controls, *of_design])
    design, found = _design(table, weights, strata, cluster)
    problems += found
    columns: dict[str, Array] = {}
    explained, found = (
        read_outcome(table, outcome, outcome_type) if outcome in table else (Outcome(np.empty(0), ""), [])
    )
    problems += found
    if outcome in table and not found:
        columns[outcome] = explained.scores
    for column in dict.fromkeys(drivers):
        if column in table and column != outcome:
            columns[column], found = numbers(table, column)
            problems += found
            if found:
                del columns[column]
    extra = []
    for column in dict.fromkeys(controls):
        if column in table:
            read, found = coded(table, column)
            problems += found
            extra.append(read)
    ratings = np.column_stack([np.empty((len(table), 0)), *(columns[d] for d in drivers if d in columns)])
    if problems:
        problems += _unvaried(columns, outcome, design.weights)
        raise AnalysisError("these columns cannot enter a driver analysis", problems=problems)
    kept, dropped = _entering(outcome, columns[outcome], ratings, extra, design, not_applicable)
    check_entered(kept, dropped)
    others = np.column_stack([np.empty((len(table), 0)), *(c.values for c in extra)])
    scales = {name: ends for name in drivers if (ends := declared_scale(table, name)) is not None}
    explained = replace(explained, scores=explained.scores[kept])
    return _centred(
        drivers, outcome, explained, ratings[kept], others[kept], _people(design, kept), scales, dropped,
        tuple(name for c in extra for name in c.names), min_rated,
    )  # fmt: skip


def _design(
    table: pd.DataFrame, weights: str | None, strata: str | None, cluster: str | None
) -> tuple[Design, list[Problem]]:
    """Read the design; one that cannot be used leaves everybody alike, with the problems."""
    alike = Design(np.ones(len(table)), None, None, weighted=False)
    if any(column is not None and column not in table for column in (weights, strata, cluster)):
        return alike, []
    try:
        return design_of(table, weights, strata, cluster), []
    except AnalysisError as refusal:
        return alike, inputs.of_design(refusal)


def _unvaried(columns: Mapping[str, Array], outcome: str, weights: Array) -> list[Problem]:
    """Say what does not vary among the columns that can be read, where others cannot."""
    kept = weights > 0
    if outcome in columns:
        kept = kept & ~np.isnan(columns[outcome])
    return inputs.of_variation({name: held[kept] for name, held in columns.items()})


def _entering(
    outcome: str, y: Array, ratings: Array, extra: Sequence[Coded], design: Design, how: NotApplicable
) -> tuple[Array, dict[str, int]]:
    empty = [(WEIGHT_ZERO, design.weights == 0), (missing(outcome), np.isnan(y))]
    empty += [(missing(c.column), np.asarray(np.isnan(c.values).any(axis=1))) for c in extra]
    unrated = np.isnan(ratings)
    empty += [(NO_DRIVER, unrated.all(axis=1))]
    if how == "listwise":
        empty += [(INCOMPLETE, unrated.any(axis=1))]
    return entering(len(y), empty)


def _people(design: Design, kept: Array) -> Design:
    """Return the design of the rows that enter."""
    strata, cluster = (None if codes is None else codes[kept] for codes in (design.strata, design.cluster))
    return Design(design.weights[kept], strata, cluster, design.weighted)


def _centred(
    drivers: Sequence[str],
    outcome: str,
    explained: Outcome,
    ratings: Array,
    controls: Array,
    design: Design,
    scales: Mapping[str, tuple[float, float]],
    dropped: Mapping[str, int],
    asked: tuple[str, ...],
    min_rated: int,
) -> Ratings:
    weights, y = design.weights, explained.scores
    present = ~np.isnan(ratings)
    counts = present.sum(axis=0)
    problems = inputs.of_variation({outcome: y}, explained.called)
    problems += inputs.of_variation(dict(zip(drivers, ratings.T, strict=True)))
    problems += inputs.of_raters(drivers, counts.tolist(), len(y), min_rated)
    problems += inputs.of_copies(drivers, outcome, y - y.mean(), ratings) if not problems else []
    if problems:
        raise AnalysisError("these columns cannot enter a driver analysis", problems=problems)
    filled = np.where(present, ratings, 0.0)
    means = (weights @ filled) / (weights @ present)
    partial = counts < len(y)
    usage = {column.tobytes(): column.astype(float) for column in present[:, partial].T}
    controls = np.column_stack([controls, *usage.values()])
    check_answers(len(y), effective_n(weights), len(drivers), controls.shape[1])
    return Ratings(
        names=tuple(drivers),
        outcome=y,
        drivers=np.where(present, ratings - means, 0.0),
        controls=controls,
        rated=present,
        means=means,
        design=design,
        scales=scales,
        complete=float(weights[present.all(axis=1)].sum() / weights.sum()),
        dropped=dropped,
        unit=explained.unit,
        asked=asked,
    )


def check_answers(n: int, n_eff: float, drivers: int, further: int) -> None:
    """Refuse too few answers for so many columns, and an analysis of which nothing could be shown."""
    needed = drivers + further + 2
    if n_eff <= needed:
        raise AnalysisError(
            "the effective sample is {n_eff:.1f} for {count} drivers and {extra} further columns; "
            "more than {needed} answers are needed: use fewer drivers or more answers",
            n_eff=n_eff, count=drivers, extra=further, needed=needed,
        )  # fmt: skip
    if n < MINIMUM_CUSTOMERS:
        raise AnalysisError(
            "fewer than {minimum} people are left to analyse, of whom nothing may be shown; widen the filter",
            minimum=MINIMUM_CUSTOMERS,
        )


def pull_of(weights: Array) -> float:
    r"""Mean leverage per column, :math:`\sum w^3 / (\sum w^2 \sum w)`: one over n without weights.

    Examples
    --------
    >>> round(pull_of(np.array([2.0, 1.0, 1.0])), 3)
    0.417
    """
    return float((weights**3).sum() / ((weights**2).sum() * weights.sum()))
