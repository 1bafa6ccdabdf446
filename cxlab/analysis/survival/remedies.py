"""What is done where an effect changes over time: strata, or time cut where it changes; both fits stay.

The first fit is never replaced: a ratio that is an average over time is shown with what it averages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pandas as pd

from cxlab.analysis.columns import records
from cxlab.analysis.estimates import flags, t_quantile
from cxlab.analysis.survival import cox
from cxlab.analysis.survival.claims import refit_findings
from cxlab.analysis.survival.curves import curve, risk_sums
from cxlab.analysis.survival.design import Design
from cxlab.analysis.survival.observed import Observed
from cxlab.analysis.survival.proportional import changing
from cxlab.analysis.survival.ratios import Asked, Fitted, Hazards, fit, told
from cxlab.analysis.survival.restricted_mean import area
from cxlab.analysis.survival.together import People
from cxlab.errors import AnalysisError, Message

Array = np.ndarray[Any, Any]
Action = Literal["report", "stratify", "time_split"]
ACTIONS: tuple[Action, ...] = ("report", "stratify", "time_split")

_GRID = 12  # times tried as the one at which an effect changes
_FEWEST = 10  # departures on each side of it, and in each stratum
_SOME = 5  # departures of each category on each side of a cut
_LEVELS = 6  # a covariate of more values makes no strata
_COLUMNS = ["covariate", "p_value", "p_adjusted", "action", "change_at", "why"]


@dataclass(frozen=True, slots=True)
class Choice:
    """What is done about a covariate: `cut` is where time is cut, NaN where it is not."""

    covariate: str
    action: Action
    cut: float
    why: str


def treated(
    asked: Asked, fitted: Fitted, result: Hazards, action: Action, change_at: float | None
) -> Hazards:
    """Return the result with what was done about effects that change; empty tables where none does.

    ``tables["remedy"]``: covariate, p_value (joint), p_adjusted, action, change_at, why. With
    ``report``, ``tables["restricted_mean"]``: covariate, level, horizon, estimate (mean stay, nothing held
    fixed), std_error, conf_low, conf_high, difference (to the reference), its limits, n, flag. Otherwise
    `refit` is the second fit, also as ``tables["refit"]``.
    """
    rejected = changing(result.checks, asked.level)
    choices = _choices(asked, fitted, rejected, action, change_at)
    choices, second = _second(asked, choices, declared=change_at is not None)
    why = {c.covariate: c for c in choices}
    rows = [
        {"covariate": r["covariate"], "p_value": r["joint_p_value"], "p_adjusted": r["p_adjusted"],
         "action": (c := why[r["covariate"]]).action, "change_at": c.cut, "why": c.why}
        for r in records(rejected)
    ]  # fmt: skip
    none = dict.fromkeys(("over_time", "refit", "restricted_mean"), pd.DataFrame())
    tables = {**none, **result.tables, "remedy": pd.DataFrame(rows, columns=_COLUMNS)}
    settings = {**result.settings, "ph_action": action, "change_at": change_at}
    if second is None:
        if choices:
            tables["restricted_mean"] = _restricted_means(asked, [c.covariate for c in choices])
        return replace(result, tables=tables, settings=settings)
    design = asked.design
    facts = {
        "level": asked.level, "searched": change_at is None, "n": asked.people.n(asked.everyone),
        "split": _sides(design, second, choices),
        "reference": {n: design.references.get(c) for n, c in zip(design.names, design.column, strict=True)},
        "measured": [n for n, yes in zip(design.names, design.measured, strict=True) if yes],
    }  # fmt: skip
    claims = refit_findings(result.table, second.table, rows, facts)
    return replace(
        result, tables={**tables, "refit": second.table}, settings=settings, refit=second,
        claims=(*result.claims, *claims),
    )  # fmt: skip


def _second(asked: Asked, choices: list[Choice], *, declared: bool) -> tuple[list[Choice], Hazards | None]:
    """Fit again where something is to be done; what cannot be estimated stays as it was, and says so."""
    if all(c.action == "report" for c in choices):
        return choices, None
    try:
        return choices, again(asked, choices)
    except AnalysisError:
        if declared:
            raise
        why = Message("the second fit has no finite estimate: the ratio stays an average")
        return [Choice(c.covariate, "report", float("nan"), why) for c in choices], None


def again(asked: Asked, choices: Sequence[Choice]) -> Hazards:
    """Fit again with strata and with time cut, as chosen."""
    strata = [c.covariate for c in choices if c.action == "stratify"]
    cuts = {c.covariate: c.cut for c in choices if c.action == "time_split"}
    asked = replace(asked, strata=[*asked.strata, *strata], design=_without(asked.design, strata))
    if cuts:
        asked = _split(asked, cuts)
    return told(asked, fit(asked))


def _choices(
    asked: Asked, fitted: Fitted, rejected: pd.DataFrame, action: Action, change_at: float | None
) -> list[Choice]:
    names = list(rejected["covariate"])
    if change_at is not None and action == "time_split":
        _check_cut(asked, change_at)
    if not names:
        return []
    if action == "report":
        why = Message("nothing was fitted again: the ratio is an average of what differs between months")
        return [Choice(name, "report", float("nan"), why) for name in names]
    strata = [name for name in names if action == "stratify" and _makes_strata(asked, name)]
    if len(strata) == len(asked.design.terms):
        strata = strata[:-1]  # a model needs a covariate
    searched = _searched(asked, fitted, [n for n in names if n not in strata], change_at)
    return [
        _stratified(asked, name) if name in strata else _cut(name, *searched[name], action, change_at)
        for name in names
    ]


def _stratified(asked: Asked, name: str) -> Choice:
    why = Message(
        "{covariate} has {levels} categories with enough departures each: each has its own baseline, "
        "and no ratio is stated for it",
        covariate=name, levels=asked.who.labels[name].nunique(),
    )  # fmt: skip
    return Choice(name, "stratify", float("nan"), why)


def _cut(name: str, cut: float, tried: int, action: Action, declared: float | None) -> Choice:
    if np.isnan(cut):
        why = Message("too few departures to cut time: the ratio stays an average")
        return Choice(name, "report", cut, why)
    if declared is not None:
        why = Message("its effect is estimated before and after {time:g}, as declared", time=cut)
    elif action == "stratify":
        why = Message(
            "{covariate} makes no strata (a number, too many categories, too small ones, or the only "
            "covariate): time is cut at {time:g}, where its effect changes most of {tried} times tried",
            covariate=name, time=cut, tried=tried,
        )  # fmt: skip
    else:
        why = Message(
            "its effect is estimated before and after {time:g}, where it changes most of {tried} times tried",
            time=cut, tried=tried,
        )  # fmt: skip
    return Choice(name, "time_split", cut, why)


def _check_cut(asked: Asked, change_at: float) -> None:
    left = asked.who.duration[asked.who.event]
    if not left.min() <= change_at < left.max():
        raise AnalysisError(
            "change_at is {given!r}; give a time between the first departure ({first:g}) and the last "
            "({last:g})",
            given=change_at, first=float(left.min()), last=float(left.max()),
        )  # fmt: skip


def _makes_strata(asked: Asked, name: str) -> bool:
    codes, levels = pd.factorize(asked.who.labels[name])
    left = asked.who.event
    gone = np.bincount(codes[left], asked.who.count[left], len(levels))
    return len(levels) <= _LEVELS and bool((gone >= _FEWEST).all())


def _searched(
    asked: Asked, fitted: Fitted, names: Sequence[str], declared: float | None
) -> dict[str, tuple[float, int]]:
    """Return where each covariate's effect changes most, by the joint test of a step, and the times tried."""
    if declared is not None:
        return {name: (float(declared), 1) for name in names}
    risk = fitted.risk
    moments, place = np.unique(risk.order, return_inverse=True)
    gone = np.cumsum(np.bincount(place, risk.deaths, len(moments)))
    aims = gone[-1] * np.arange(1, _GRID + 1) / (_GRID + 1)
    grid = np.unique(moments[np.minimum(np.searchsorted(gone, aims), len(moments) - 1)])
    after = {float(m): g for m, g in zip(moments, gone, strict=True)}
    grid = np.array([t for t in grid if min(after[float(t)], gone[-1] - after[float(t)]) >= _FEWEST])
    best = {name: (float("nan"), len(grid)) for name in names}
    highest = dict.fromkeys(names, 0.0)
    terms = asked.design.terms
    for time in grid:
        step = (risk.order > time).astype(float)
        tests = cox.proportionality(risk, fitted.found, step, list(terms.values()), robust=asked.robust)
        for name, test in zip(terms, tests, strict=False):
            better = name in highest and test.joint_statistic > highest[name]
            if better and _on_both_sides(asked.who, name, time):
                highest[name], best[name] = test.joint_statistic, (float(time), len(grid))
    return best


def _on_both_sides(who: Observed, name: str, time: float) -> bool:
    """Tell whether some of each category leave before and after `time`: else a side has no finite ratio."""
    codes, levels = pd.factorize(who.labels[name])
    if len(levels) > _LEVELS:
        return True
    sides = (who.event & (who.duration <= time), who.event & (who.duration > time))
    return all((np.bincount(codes[s], who.count[s], len(levels)) >= _SOME).all() for s in sides)


def _without(design: Design, names: Sequence[str]) -> Design:
    kept = np.array([column not in names for column in design.column])
    if kept.all():
        return design
    return replace(
        design,
        names=tuple(np.array(design.names, dtype=object)[kept]),
        column=tuple(np.array(design.column, dtype=object)[kept]),
        values=design.values[:, kept], held=design.held[:, kept], mean=design.mean[kept], sd=design.sd[kept],
        references={k: v for k, v in design.references.items() if k not in names},
    )  # fmt: skip


def _split(asked: Asked, cuts: Mapping[str, float]) -> Asked:
    """Cut the time of everyone at the changes, and give each covariate that changes a column a period."""
    edges = np.unique(list(cuts.values()))
    who, origin, period = _pieces(asked.who, edges)
    design, place = _by_period(asked.design, cuts, edges, origin, period, float(asked.who.duration.max()))
    alone = asked.who.weight is not None and asked.cluster is None
    return replace(
        asked, who=who, people=_people(asked.people, origin, period), design=design, whole=asked.design,
        place=place, edges=edges, pieces=origin if alone else None,
        cluster=None if asked.cluster is None else asked.cluster[origin],
    )  # fmt: skip


def _pieces(who: Observed, edges: Array) -> tuple[Observed, Array, Array]:
    """Cut cells at `edges`; also where each piece comes from, and its period."""
    bounds = np.r_[-np.inf, edges, np.inf]
    found = [np.flatnonzero((who.duration > low) & (who.entry < high)) for low, high in pairwise(bounds)]
    origin = np.concatenate(found)
    period = np.repeat(np.arange(len(found)), [len(f) for f in found])
    low, high = bounds[period], bounds[period + 1]
    duration = who.duration[origin]
    return replace(
        who,
        pattern=who.pattern[origin],
        duration=np.minimum(duration, high), event=who.event[origin] & (duration <= high),
        entry=np.maximum(who.entry[origin], low), count=who.count[origin],
        weight=None if who.weight is None else who.weight[origin],
        squared=None if who.squared is None else who.squared[origin],
    ), origin, period  # fmt: skip


def _people(people: People, origin: Array, period: Array) -> People:
    cell, person = [], []
    for k in np.unique(period):
        place = np.full(int(people.cell.max()) + 1, -1)
        own = np.flatnonzero(period == k)
        place[origin[own]] = own
        there = place[people.cell] >= 0
        cell.append(place[people.cell][there])
        person.append(people.person[there])
    return replace(people, cell=np.concatenate(cell), person=np.concatenate(person))


def _by_period(
    design: Design, cuts: Mapping[str, float], edges: Array, origin: Array, period: Array, end: float
) -> tuple[Design, Array]:
    """Return the design of the pieces, and which of its columns holds each column's effect in each period."""
    ends = np.r_[edges, np.inf]
    names: list[str] = []
    owners: list[str] = []
    columns, masks = [], []
    place = np.zeros((len(ends), len(design.names)), dtype=int)
    references = {}
    for j, (name, column) in enumerate(zip(design.names, design.column, strict=True)):
        cut = cuts.get(column)
        sides = [("", ends > 0)] if cut is None else [
            (f" (0, {cut:g}]", ends <= cut), (f" ({cut:g}, {end:g}]", ends > cut),
        ]  # fmt: skip
        for suffix, periods in sides:
            place[periods, j] = len(names)
            names.append(name + suffix)
            owners.append(column + suffix)
            columns.append(j)
            masks.append(periods[period])
            if column in design.references:
                references[column + suffix] = design.references[column]
    within, row = np.column_stack(masks), design.row[origin]
    return Design(
        tuple(names), np.arange(len(row)), design.values[row][:, columns] * within, design.mean[columns],
        design.sd[columns], tuple(owners), references, design.held[row][:, columns] & within,
        within.astype(float),
    ), place  # fmt: skip


def _sides(design: Design, second: Hazards, choices: Sequence[Choice]) -> dict[str, tuple[str, str, float]]:
    """Return of each row of the first fit whose time is cut its rows in the second, and where it is cut."""
    cuts = {c.covariate: c.cut for c in choices if c.action == "time_split"}
    rows = list(second.table["covariate"])
    sides = {}
    for name, column in zip(design.names, design.column, strict=True):
        if column in cuts:
            early, late = (row for row in rows if row.startswith(f"{name} ("))
            sides[name] = (early, late, cuts[column])
    return sides


def _restricted_means(asked: Asked, names: Sequence[str]) -> pd.DataFrame:
    """Return the mean stay of each category up to the last time at which enough of each are at risk."""
    who, rows = asked.who, []
    z = t_quantile(asked.level)
    for name in names:
        codes, levels = pd.factorize(who.labels[name])
        if len(levels) > _LEVELS:
            continue
        times = np.unique(who.duration)
        parts = [who.part(codes == k) for k in range(len(levels))]
        reach = [times[risk_sums(times, p, p.count) >= _FEWEST] for p in parts]
        if not all(len(r) for r in reach):
            continue
        horizon = float(min(r.max() for r in reach))
        means = [area(curve(p, asked.level), horizon) for p in parts]
        reference = int(np.argmax([p.n for p in parts]))
        for k, (mean, error) in enumerate(means):
            apart, wide = mean - means[reference][0], float(np.hypot(error, means[reference][1]))
            other = k != reference
            rows.append({
                "covariate": name, "level": str(levels[k]), "horizon": horizon, "estimate": mean,
                "std_error": error, "conf_low": mean - z * error, "conf_high": mean + z * error,
                "difference": apart if other else np.nan,
                "difference_low": apart - z * wide if other else np.nan,
                "difference_high": apart + z * wide if other else np.nan,
                "n": parts[k].n, "flag": flags(parts[k].n)[()],
            })  # fmt: skip
    return pd.DataFrame(rows)
