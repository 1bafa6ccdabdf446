"""What a fitted model expects of a customer: the baseline hazard, and who is still here at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.columns import as_floats, shown
from cxlab.analysis.estimates import check_columns, flags
from cxlab.analysis.survival import cox
from cxlab.analysis.survival.design import Design, blanks, coded_alike
from cxlab.analysis.survival.observed import Observed
from cxlab.errors import AnalysisError, Message, Problem

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """Hazard of a stratum at the covariates' means: `step` (times,) at `time`, observed until `end`."""

    key: tuple[Any, ...]
    time: Array
    step: Array
    at_risk: Array
    events: Array
    end: float


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A fitted model: `beta` (periods, columns) in units of the design, and a baseline for each stratum.

    `edges` (periods - 1,) are the times that the periods end with, but the last.
    """

    design: Design
    beta: Array
    edges: Array
    strata: tuple[str, ...]
    baselines: tuple[Baseline, ...]

    def table(self) -> pd.DataFrame:
        """Return a row for each stratum and time: at_risk, events, cumulative_hazard, survival, flag."""
        parts = []
        for base in self.baselines:
            total = np.cumsum(base.step)
            rows = {
                "time": base.time, "at_risk": base.at_risk, "events": base.events,
                "cumulative_hazard": total, "survival": np.exp(-total), "flag": flags(base.at_risk),
            }  # fmt: skip
            parts.append(pd.DataFrame(dict(zip(self.strata, base.key, strict=True)) | rows))
        return pd.concat(parts, ignore_index=True)


def model_of(
    design: Design, beta: Array, edges: Array, who: Observed, risk: cox.Risk, found: cox.CoxFit,
    strata: Sequence[str], stratum: Array,
) -> Model:  # fmt: skip
    """Keep of a fit what predictions need; `stratum` (cells,) are the codes that `risk` was built with."""
    # `risk` holds covariates as their distance to the mean in SDs: where they are zero, everyone is average.
    step, gone = cox.baseline(risk, found), risk.deaths
    exposed = risk.exposed(risk.count).round().astype(int)
    baselines, start = [], 0
    for code, end in enumerate(risk.ends):
        own = np.flatnonzero(stratum == code)
        key = tuple(who.labels[column].iloc[own[0]] for column in strata)
        place, start = slice(start, end), end
        baselines.append(
            Baseline(
                key, risk.order[place], step[place], exposed[place], gone[place], who.duration[own].max()
            )
        )
    return Model(design, beta, edges, tuple(strata), tuple(baselines))


def survival(model: Model, table: pd.DataFrame, times: Sequence[float], since: str | None) -> pd.DataFrame:
    """Return who is still here at `times` counted from the start (rows of `table` x times)."""
    moments = moments_of(times)
    held = _held(model, table, np.broadcast_to(moments, (len(table), len(moments))), since)
    return pd.DataFrame(held, index=table.index, columns=moments)


def ahead(model: Model, table: pd.DataFrame, months: Sequence[float], since: str) -> pd.DataFrame:
    """Return who is still here `months` after `since` (rows of `table` x months)."""
    steps = moments_of(months)
    check_columns(table, [since])
    held = _held(model, table, so_far(table, since)[:, None] + steps, since)
    return pd.DataFrame(held, index=table.index, columns=steps)


def _held(model: Model, table: pd.DataFrame, moments: Array, since: str | None) -> Array:
    r""":math:`\exp(-e^{(x-\bar x) \beta} (H_0(t) - H_0(u)))` at `moments` (n, times), u the time so far.

    NaN after the last time at which anyone of the stratum was observed.
    """
    check_columns(table, [*model.strata, *([since] if since else [])])
    x = coded_alike(model.design, table)
    tilt = np.exp((x - model.design.mean) @ model.beta.T)
    given = so_far(table, since) if since else np.zeros(len(table))
    stratum = _strata(model, table)
    out = np.full(moments.shape, np.nan)
    for code, base in enumerate(model.baselines):
        own = stratum == code
        period = np.searchsorted(model.edges, base.time)  # a time that ends a period belongs to it
        hazard = np.zeros(moments[own].shape)
        for k in range(len(model.beta)):
            total = np.concatenate([[0.0], np.cumsum(np.where(period == k, base.step, 0.0))])
            from_, to = (
                total[np.searchsorted(base.time, t, side="right")]
                for t in (given[own][:, None], moments[own])
            )
            hazard += tilt[own, k][:, None] * np.maximum(to - from_, 0.0)
        beyond = np.maximum(moments[own], given[own][:, None]) > base.end
        out[own] = np.where(beyond, np.nan, np.exp(-hazard))
    return out


def tilted(model: Model, table: pd.DataFrame) -> tuple[Array, Array]:
    """Return how many times the baseline hazard each row has (n,), and the place of its baseline (n,).

    Of a model of one period.
    """
    check_columns(table, model.strata)
    x = coded_alike(model.design, table)
    return np.exp((x - model.design.mean) @ model.beta[0]), _strata(model, table)


def so_far(table: pd.DataFrame, column: str) -> Array:
    """Return how long each customer has been here, from a column; refuse blanks and what is no time."""
    problems = blanks(table, column)
    values = as_floats(table[column])
    wrong = np.arange(len(table)) if values is None else np.flatnonzero(~(values >= 0) | np.isinf(values))
    if len(wrong) and not problems:
        problems = [
            Problem(
                found=Message("no time ({value!r})", value=str(table[column].iloc[wrong[0]])),
                allowed=Message("how long the customer has been here, zero or more"),
                action=Message("compute it from the date of joining, in the unit of the model's durations"),
                column=column, row=int(wrong[0]) + 1, count=len(wrong),
            )
        ]  # fmt: skip
    if problems or values is None:
        raise AnalysisError("these times cannot be used", problems=problems)
    return values


def _strata(model: Model, table: pd.DataFrame) -> Array:
    """Return the code of each row's stratum; refuse blanks and strata without a baseline."""
    if not model.strata:
        return np.zeros(len(table), dtype=int)
    problems = [p for column in model.strata for p in blanks(table, column)]
    known = {tuple(map(str, base.key)): code for code, base in enumerate(model.baselines)}
    said = list(zip(*(table[column].map(str) for column in model.strata), strict=True))
    codes = np.array([known.get(key, -1) for key in said])
    new = np.flatnonzero(codes < 0)
    if len(new) and not problems:
        problems = [
            Problem(
                found=Message("a stratum the model has not seen ({value})", value=", ".join(said[new[0]])),
                allowed=shown(", ".join(key) for key in known),
                action=Message(
                    "merge it with a known one, or fit the model again with customers who have it"
                ),
                column=", ".join(model.strata), row=int(new[0]) + 1, count=len(new),
            )
        ]  # fmt: skip
    if problems:
        raise AnalysisError("these strata cannot be used", problems=problems)
    return codes


def moments_of(times: Sequence[float]) -> Array:
    """Return the times asked for; refuse what is no time."""
    values = np.atleast_1d(np.asarray(times, dtype=float))
    if values.ndim != 1 or not len(values) or not (np.isfinite(values) & (values >= 0)).all():
        raise AnalysisError(
            "times are {given!r}; give times of zero or more, in the unit of the durations",
            given=list(times) if np.iterable(times) else times,
        )
    return values
