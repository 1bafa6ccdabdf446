r"""Who would still be here had something been changed: survival standardised over those it is changed for.

A proportional-hazards model gives each treated customer two curves, as is and changed, with everything else
as it is; their means over the treated are the curves compared (the g-formula, effect on the treated).
Chance is resampled on the cells of the risk table: drawing their counts anew is drawing customers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.columns import as_floats, shown
from cxlab.analysis.estimates import MINIMUM_CUSTOMERS
from cxlab.analysis.survival import cox
from cxlab.analysis.survival.design import Design, coded_alike, design_of
from cxlab.analysis.survival.observed import Observed
from cxlab.errors import AnalysisError

Array = np.ndarray[Any, Any]
Change = Mapping[str, Any]

KAPPAS = np.linspace(0, 1, 11)
_BINS = 256  # of linear predictors, where more patterns are treated: a bin's mean stands for it
_RECENT = 12.0  # months of observed hazard that a constant tail goes on with
_FAILED = 0.05  # share of resamples without a fit from which no interval is given


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """Shares still here of the treated: `now` (..., months), `changed` (..., causal shares, months).

    `log_ratio` (...,) is the log hazard ratio of the whole change; months count from 0.
    """

    now: Array
    changed: Array
    log_ratio: Array


@dataclass(frozen=True, slots=True, eq=False)
class Scenario:
    """A change, ready to be asked for its curves with any counts of the cells.

    `x` (cells, p) standardised; `now`, `moved` (patterns, p) the treated as they are and by how much each
    moves; `pattern` (treated cells,) which is whose; `contrast` (p,) the whole change. `window` (strata,).
    """

    who: Observed
    design: Design
    x: Array
    stratum: Array
    treated: Array
    now: Array
    moved: Array
    own_stratum: Array
    pattern: Array
    contrast: Array
    window: Array
    months: Array
    tenure: float
    capped: float

    @property
    def n_treated(self) -> int:
        """How many customers the change is for."""
        return int(self.who.count[self.treated].sum())

    @property
    def observed_months(self) -> float:
        """Months after `tenure` that every stratum of the treated was observed for."""
        return float(self.window[np.unique(self.own_stratum)].min() - self.tenure)


def started(who: Observed, tenure: float | None) -> float:
    """Return the months from which customers are valued: `tenure`, or the first anyone was observed in."""
    first = float(who.entry.min())
    if tenure is not None and tenure < first:
        raise AnalysisError(
            "nobody is observed before month {start:g}: value customers who have stayed so long "
            "(tenure={start:g} or more)",
            start=first,
        )
    return first if tenure is None else tenure


def scenario_of(
    who: Observed,
    change: Change,
    covariates: Sequence[str],
    strata: Sequence[str],
    months: Array,
    tenure: float,
) -> Scenario:
    """Code the cells, the treated and the changed treated alike.

    Raises
    ------
    AnalysisError
        For a change that fits nobody, or to a level that nobody has; and as `survival.hazards`.
    """
    design = design_of(covariates, who)
    stratum = np.zeros(len(who.count), dtype=int)
    if strata:
        stratum = who.labels.groupby(list(strata), sort=True, observed=True).ngroup().to_numpy()
    treated, changed, capped = _changed(who, change)
    before, after = (_standard(design, table) for table in (who.labels[treated], changed))
    rows = np.column_stack([before, after - before, stratum[treated]])
    patterns, pattern = np.unique(rows, axis=0, return_inverse=True)
    p = before.shape[1]
    window = np.array([who.duration[stratum == code].max() for code in range(int(stratum.max()) + 1)])
    return Scenario(
        who, design, _standard(design, who.labels), stratum, treated, patterns[:, :p], patterns[:, p : 2 * p],
        patterns[:, -1].astype(int), pattern.ravel(), _contrast(design, change), window, months, tenure,
        capped,
    )  # fmt: skip


def _standard(design: Design, table: pd.DataFrame) -> Array:
    return (coded_alike(design, table) - design.mean) / design.sd


def _changed(who: Observed, change: Change) -> tuple[Array, pd.DataFrame, float]:
    """Return who is treated (cells,), their labels once changed, and the share that meets the scale's end."""
    labels, treated = who.labels, np.ones(len(who.count), dtype=bool)
    for column, step in change.items():
        if not isinstance(step, tuple):
            continue
        for value in step:
            if not having(labels[column], value).any():
                present = shown(sorted(set(labels[column].map(str))))
                raise AnalysisError(
                    "nobody has {value!r} in {column!r}; it holds {present}",
                    value=str(value), column=column, present=present,
                )  # fmt: skip
        treated &= having(labels[column], step[0])
    if who.count[treated].sum() < MINIMUM_CUSTOMERS:
        raise AnalysisError(
            "the change is for under {least} customers: few or none have all of its first values together",
            least=MINIMUM_CUSTOMERS,
        )
    changed, ended = labels[treated].copy(), np.zeros(int(treated.sum()), dtype=bool)
    for column, step in change.items():
        if isinstance(step, tuple):
            # The other value as it stands in the data, whatever its type.
            own = labels[column]
            changed[column] = own[having(own, step[1])].iloc[0]
            continue
        values = as_floats(labels[column])
        if values is None:
            raise AnalysisError(
                "{column!r} holds no numbers, so nothing can be added to it; give (from, to)", column=column
            )
        beyond = values[treated] + step
        held_to = np.clip(beyond, values.min(), values.max())
        ended |= held_to != beyond
        changed[column] = held_to
    amount = who.count[treated]
    return treated, changed, float(amount[ended].sum() / amount.sum())


def having(held: pd.Series[Any], value: Any) -> Array:
    """Mark who has `value`: as a number where the column holds numbers, else as it is written."""
    numbers = None if isinstance(value, str | bool) else as_floats(held)
    return np.asarray(held.map(str) == str(value) if numbers is None else numbers == value)


def _contrast(design: Design, change: Change) -> Array:
    """Return the whole change in the model's standardised columns, nobody's scale ending."""
    contrast = np.zeros(len(design.names))
    for column, step in change.items():
        for position in design.terms[column]:
            name = design.names[position].removeprefix(f"{column}: ")
            if isinstance(step, tuple) and column in design.references:
                size = float(name == str(step[1])) - float(name == str(step[0]))
            else:
                size = float(step[1]) - float(step[0]) if isinstance(step, tuple) else float(step)
            contrast[position] += size / design.sd[position]
    return contrast


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A fit on given counts: `curves`, `error` of the log hazard ratio, the fit itself and its risk sets."""

    curves: Curves
    error: float
    found: cox.CoxFit
    risk: cox.Risk


def fitted(
    scenario: Scenario,
    count: Array,
    *,
    shift: float | None = None,
    kappas: Array = KAPPAS,
    start: Array | None = None,
) -> Fitted:
    """Fit the model to the cells with these counts, from `start`; `shift` replaces its log hazard ratio."""
    who, kept = scenario.who, count > 0
    seen = who.pattern[kept], who.duration[kept], who.event[kept], who.entry[kept]
    own = Observed(who.patterns, *seen, count[kept], None, None, {})
    risk = cox.at_risk(own, scenario.x[kept], scenario.stratum[kept])
    found = cox.fit(risk, robust=False, start=start)
    cumulative = _cumulative(scenario, risk, cox.baseline(risk, found))
    weight = np.bincount(scenario.pattern, count[scenario.treated], len(scenario.now))
    ratio = float(scenario.contrast @ found.beta)
    moved = scenario.moved @ found.beta
    if shift is not None:
        # An experiment says what the whole change does: those whose scale ends get their part of it.
        part = (scenario.moved @ scenario.contrast) / float(scenario.contrast @ scenario.contrast)
        ratio, moved = shift, part * shift
    curves = _curves(scenario, cumulative, weight, scenario.now @ found.beta, moved, kappas)
    error = float(np.sqrt(scenario.contrast @ found.covariance @ scenario.contrast))
    return Fitted(Curves(*curves, np.asarray(ratio)), error, found, risk)


def _cumulative(scenario: Scenario, risk: cox.Risk, steps: Array) -> Array:
    """Sum the hazard since `tenure` until each month, (strata, months); past the window as of late."""
    out, start = np.zeros((len(scenario.window), len(scenario.months))), 0
    for code, end in enumerate(risk.ends):
        times, total = risk.order[start:end], np.concatenate([[0.0], np.cumsum(steps[start:end])])
        start, window = end, scenario.window[code]

        def until(time: Any, times: Array = times, total: Array = total) -> Array:
            return np.asarray(total[np.searchsorted(times, time, side="right")])

        at = scenario.tenure + scenario.months
        recent = min(_RECENT, window)
        rate = float(until(window) - until(window - recent)) / recent
        out[code] = until(np.minimum(at, window)) - until(scenario.tenure) + rate * np.maximum(at - window, 0)
    return out


def _curves(
    scenario: Scenario, cumulative: Array, weight: Array, line: Array, moved: Array, kappas: Array
) -> tuple[Array, Array]:
    """Average the curves of the patterns: (months,) as they are, (causal shares, months) changed."""
    stratum = scenario.own_stratum
    if len(line) > 2 * _BINS:
        stratum, weight, line, moved = _binned(stratum, weight, line, moved)
    total = weight.sum()
    now, changed = np.zeros(len(scenario.months)), np.zeros((len(kappas), len(scenario.months)))
    for code in np.unique(stratum):
        own = (stratum == code) & (weight > 0)
        share, hazard = weight[own] / total, cumulative[code]
        now += share @ np.exp(-np.exp(line[own])[:, None] * hazard)
        for k, kappa in enumerate(kappas):
            changed[k] += share @ np.exp(-np.exp(line[own] + kappa * moved[own])[:, None] * hazard)
    return now, changed


def _binned(stratum: Array, weight: Array, line: Array, moved: Array) -> tuple[Array, Array, Array, Array]:
    """Put patterns of nearly the same risk and change together."""

    def coded(values: Array, bins: int) -> Array:
        low, width = values.min(), np.ptp(values)
        return (
            np.zeros(len(values), int)
            if not width
            else ((values - low) / width * (bins - 1)).round().astype(int)
        )

    key = (stratum * _BINS + coded(line, _BINS)) * 16 + coded(moved, 16)
    _, place = np.unique(key, return_inverse=True)
    size = int(place.max()) + 1
    mass = np.bincount(place, weight, size)
    known = mass > 0
    means = [np.bincount(place, weight * v, size)[known] / mass[known] for v in (line, moved)]
    own = np.zeros(size, int)
    own[place] = stratum
    return own[known], mass[known], means[0], means[1]


def resampled(
    scenario: Scenario, resamples: int, seed: int, experiment: tuple[float, float] | None, shares: Array
) -> tuple[Curves, int]:
    """Return the curves of `resamples` bootstrap samples, and how many samples had no fit.

    Raises
    ------
    AnalysisError
        When more than one in twenty has none.
    """
    found = list(_drawn(scenario, resamples, seed, experiment, shares))
    failed = resamples - len(found)
    if failed > _FAILED * resamples:
        raise AnalysisError(
            "{failed} of {resamples} resamples have no fit: too few customers leave among some; "
            "use fewer covariates or merge categories",
            failed=failed, resamples=resamples,
        )  # fmt: skip
    return Curves(
        *(np.stack([getattr(one, name) for one in found]) for name in ("now", "changed", "log_ratio"))
    ), failed


def _drawn(
    scenario: Scenario, resamples: int, seed: int, experiment: tuple[float, float] | None, shares: Array
) -> Iterator[Curves]:
    rng, count = np.random.default_rng(seed), scenario.who.count
    n, share = int(count.sum()), count / count.sum()
    start = fitted(scenario, count, kappas=shares[:1]).found.beta  # resamples are near it
    for _ in range(resamples):
        drawn = rng.multinomial(n, share).astype(float)
        shift = rng.normal(*experiment) if experiment else None
        if not drawn[scenario.treated].any():
            continue
        try:
            yield fitted(scenario, drawn, shift=shift, kappas=shares, start=start).curves
        except (cox.Diverged, np.linalg.LinAlgError):
            continue
