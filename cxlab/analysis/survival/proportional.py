"""Whether hazard ratios hold over time: the tests of each covariate and of all, and the ratio by period."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pandas as pd

from cxlab.analysis.columns import records
from cxlab.analysis.estimates import adjusted, flags, t_quantile
from cxlab.analysis.survival import cox
from cxlab.analysis.survival.curves import event_sums, risk_sums
from cxlab.analysis.survival.design import Design
from cxlab.analysis.survival.observed import Observed
from cxlab.analysis.survival.together import People
from cxlab.errors import Message

Array = np.ndarray[Any, Any]
Transform = Literal["km", "identity", "rank", "log"]
TRANSFORMS: tuple[Transform, ...] = ("km", "identity", "rank", "log")

_PERIODS = 8  # at most so many parts of the time, with as many departures each
_NOTHING = 5.0  # an error of a log ratio of one SD that says nothing of it
_FEWEST = 10  # departures for each column of the model, in each of them


def scale(who: Observed, risk: cox.Risk, transform: Transform) -> Array:
    """Return time as the tests see it, at each event time (times,), as R's cox.zph has it.

    ``km``: the Kaplan-Meier share that has left before; ``rank``: the mean place among the departures.
    """
    if transform == "identity":
        return risk.order
    if transform == "log":
        return np.asarray(np.log(risk.order))
    if transform == "rank":
        moments, place = np.unique(risk.order, return_inverse=True)
        gone = np.bincount(place, risk.deaths, len(moments))
        return np.asarray((np.cumsum(gone) - (gone - 1) / 2)[place])
    every = np.unique(who.duration)
    hazard = event_sums(every, who, who.amount) / risk_sums(every, who, who.amount)
    before = np.concatenate([[1.0], np.cumprod(1 - hazard)[:-1]])
    return np.asarray(1 - before[np.searchsorted(every, risk.order)])


def checks(
    design: Design, who: Observed, risk: cox.Risk, found: cox.CoxFit, transform: Transform, level: float,
    *, robust: bool,
) -> pd.DataFrame:  # fmt: skip
    """Test each covariate (its columns together) and all, with what to do where the joint test rejects."""
    terms = design.terms if len(np.unique(risk.order)) > 1 else {}
    results = []
    if terms:
        g = scale(who, risk, transform)
        results = cox.proportionality(risk, found, g, list(terms.values()), robust=robust)
    rows = [
        {"covariate": name, "statistic": t.statistic, "df": t.df, "p_value": t.p_value,
         "joint_statistic": t.joint_statistic, "joint_p_value": t.joint_p_value}
        for name, t in zip([*terms, "GLOBAL"], results, strict=bool(results))
    ]  # fmt: skip
    columns = ["covariate", "statistic", "df", "p_value", "joint_statistic", "joint_p_value"]
    table = pd.DataFrame(rows, columns=columns)
    own = np.where(table["covariate"] == "GLOBAL", np.nan, table["joint_p_value"].astype(float))
    table["p_adjusted"] = adjusted(own, "holm")
    table["advice"] = [_advice(row, level) for row in records(table)]
    return table


def changing(checks: pd.DataFrame, level: float) -> pd.DataFrame:
    """Return the rows of the covariates whose effect changes over time."""
    return checks.loc[(checks["covariate"] != "GLOBAL") & (checks["p_adjusted"] <= 1 - level)]


def _advice(row: Mapping[str, Any], level: float) -> str:
    if row["covariate"] == "GLOBAL" or not row["p_adjusted"] <= 1 - level:
        return ""
    return Message(
        "the effect of {covariate} changes over time: its hazard ratio is an average; put it among the "
        "strata, or analyse the time before and after the change apart",
        covariate=row["covariate"],
    )


def over_time(
    design: Design, who: Observed, people: People, risk: cox.Risk, level: float, *, robust: bool
) -> pd.DataFrame:
    """Estimate the hazard ratios anew in each period of time, all covariates at once.

    The partial likelihood is a product over event times: that of a period is the whole's own part, so the
    periods' estimates are independent. NaN where a period cannot tell (nobody of one side leaves in it).

    Returns
    -------
    DataFrame
        covariate, start, end (the period is after start, up to end), estimate and std_error (log ratio of
        one unit), hazard_ratio, conf_low, conf_high (of one SD for numbers other than 0/1), n, events, flag.
    """
    rows = []
    step = np.where(design.measured, design.sd, 1.0)
    alike: Array = np.asarray(design.held.all(axis=0))  # columns that everyone speaks of have one base
    for start, end in pairwise(_edges(risk, who, len(design.names))):
        beta, error = _within(risk.during((risk.order > start) & (risk.order <= end)), robust=robust)
        beta, error = beta / design.sd, error / design.sd
        reach = t_quantile(level) * error * step
        here, left = (who.duration > start) & (who.entry < end), who.event & (who.duration > start)
        left &= who.duration <= end
        everyone = people.n(here)
        for k, name in enumerate(design.names):
            held = design.held[design.row, k]
            rows.append({
                "covariate": name, "start": start, "end": end, "estimate": beta[k], "std_error": error[k],
                "hazard_ratio": np.exp(beta[k] * step[k]), "conf_low": np.exp(beta[k] * step[k] - reach[k]),
                "conf_high": np.exp(beta[k] * step[k] + reach[k]),
                "n": everyone if alike[k] else people.n(here & held),
                "events": int(who.count[left if alike[k] else left & held].sum()),
            })  # fmt: skip
    table = pd.DataFrame(rows)
    return table.assign(flag=flags(table["n"])).sort_values(
        "covariate", key=lambda c: c.map({n: k for k, n in enumerate(design.names)}), kind="stable",
        ignore_index=True,
    )  # fmt: skip


def _edges(risk: cox.Risk, who: Observed, columns: int) -> Array:
    """Return the ends of the periods: as many departures in each, as far as ties allow."""
    moments, place = np.unique(risk.order, return_inverse=True)
    gone = np.cumsum(np.bincount(place, risk.deaths, len(moments)))
    parts = int(np.clip(gone[-1] // (_FEWEST * columns), 1, _PERIODS))
    inner = moments[np.searchsorted(gone, gone[-1] * np.arange(1, parts) / parts)]
    return np.unique(np.r_[who.entry.min(), inner[inner < moments[-1]], moments[-1]])


def _within(risk: cox.Risk, *, robust: bool) -> tuple[Array, Array]:
    """Return log ratios and their errors from the departures of one period alone, of one SD."""
    try:
        found = cox.fit(risk, robust=robust)
    except (cox.Diverged, np.linalg.LinAlgError):
        nothing = np.full(risk.rows.shape[1], np.nan)
        return nothing, nothing
    error = np.sqrt(np.maximum(np.diag(found.covariance), 0))
    known = (error > 0) & (error < _NOTHING)
    return np.where(known, found.beta, np.nan), np.where(known, error, np.nan)
