"""How behaviours go with experience: ratios, by dose, as months pass, and what they are worth in a year."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from cxlab.analysis.economics.followed import BEHAVIOURS, Followed
from cxlab.analysis.economics.rates import log_rates
from cxlab.analysis.estimates import adjusted, flags, t_quantile
from cxlab.analysis.survival import cox
from cxlab.analysis.survival.aalen_johansen import gone
from cxlab.analysis.survival.observed import cells
from cxlab.errors import AnalysisError

Array = np.ndarray[Any, Any]

_PER = 100.0  # customer-months that rates by dose are told for
_HALF_LIVES = np.geomspace(0.5, 240, 400)  # months
YEAR = 12.0


def forest(
    people: Followed, held: Mapping[str, Sequence[str]], entry: Array, *, step: float, level: float
) -> pd.DataFrame:
    """Return the ratio of each behaviour for `step` more of the experience, with what is `held` fixed.

    Permanence is the inverse of the hazard ratio of leaving (Cox, the clock from joining, at risk from
    `entry`); the others are ratios of rates. A behaviour that nobody showed has no ratio.
    """
    rows = []
    for behaviour in BEHAVIOURS:
        x = np.column_stack([people.experience, *(people.covariates[c] for c in held[behaviour])])
        counts, months = people.counts(behaviour)
        beta = error = float("nan")
        with suppress(AnalysisError):
            beta, error = _stay(people, x, entry) if behaviour == "permanence" else _rate(counts, months, x)
        reach = t_quantile(level) * step * error
        rows.append(
            {
                "behaviour": behaviour, "estimate": np.exp(step * beta), "log_ratio": step * beta,
                "std_error": step * error, "conf_low": np.exp(step * beta - reach),
                "conf_high": np.exp(step * beta + reach), "p_value": 2 * stats.norm.sf(abs(beta / error)),
                "events": int(counts.sum()), "customer_months": float(months.sum()), "n": people.n,
                "flag": flags([people.n])[0],
            }
        )  # fmt: skip
    found = pd.DataFrame(rows)
    return found.assign(p_adjusted=adjusted(found["p_value"], "holm"))


def _stay(people: Followed, x: Array, entry: Array) -> tuple[float, float]:
    """Log of how much longer they stay, and its error."""
    if not people.left.any():
        raise AnalysisError("no events: nothing to estimate; nobody did it after the survey")
    mean, spread = x.mean(axis=0), x.std(axis=0)
    each = pd.DataFrame({"customer": np.arange(people.n)})
    who = cells(each, entry + people.months, people.left, entry)
    standard = ((x - mean) / spread)[who.labels["customer"].to_numpy()]
    try:
        found = cox.fit(cox.at_risk(who, standard, np.zeros(people.n, dtype=int)), robust=False)
    except (cox.Diverged, np.linalg.LinAlgError):
        raise AnalysisError(
            "the rates have no finite estimate: too few customers did it; use fewer covariates"
        ) from None
    error = float(np.sqrt(found.covariance[0, 0]) / spread[0])
    return -float(found.beta[0] / spread[0]), error


def _rate(counts: Array, months: Array, x: Array) -> tuple[float, float]:
    found = log_rates(counts, months, x)
    return float(found.beta[1]), float(np.sqrt(found.covariance[1, 1]))


def doses(people: Followed, levels: int, level: float) -> pd.DataFrame:
    """Return how often each behaviour is shown by level of experience, per 100 customer-months.

    Of permanence the departures are told. A score with few values has a level for each.
    """
    place = _levels(people.experience, levels)
    rows = []
    for behaviour in BEHAVIOURS:
        counts, months = people.counts(behaviour)
        for code in np.unique(place):
            own = place == code
            rate, error = _crude(counts[own], months[own])
            reach = np.exp(t_quantile(level) * error / rate) if rate else np.nan
            rows.append(
                {
                    "behaviour": behaviour, "dose": _dose(people.experience[own]),
                    "experience": float(people.experience[own].mean()), "estimate": rate,
                    "std_error": error, "conf_low": rate / reach, "conf_high": rate * reach,
                    "events": int(counts[own].sum()), "n": int(own.sum()), "flag": flags([own.sum()])[0],
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def first_times(people: Followed, levels: int, within: float, level: float) -> pd.DataFrame:
    """Return who has done it at least once `within` so many months, by level of experience.

    Aalen-Johansen: who leaves first can no longer do it. Missing where nobody is followed for so long.
    """
    place = _levels(people.experience, levels)
    rows = []
    for behaviour in BEHAVIOURS[1:]:
        customer, when = people.events[behaviour]
        first = np.full(people.n, np.inf)
        np.minimum.at(first, customer, when)
        did = first <= people.months
        labels = pd.DataFrame({"did": did, "dose": place})
        until = np.minimum(first, people.months)
        who = cells(labels, until, did | people.left, np.zeros(people.n))
        for code in np.unique(place):
            own = who.part((who.labels["dose"] == code).to_numpy())
            found = gone(own, own.event & own.labels["did"].to_numpy(), 0.0, level)
            k = int(np.searchsorted(found.time, within, side="right")) - 1
            known = within <= found.time[-1]
            values = (found.share[k], found.error[k], found.conf_low[k], found.conf_high[k])
            ends = dict(zip(("estimate", "std_error", "conf_low", "conf_high"), values, strict=True))
            if not known:
                ends = dict.fromkeys(ends, np.nan)
            rows.append(
                {
                    "behaviour": behaviour, "dose": _dose(people.experience[place == code]), "month": within,
                    **ends, "measure": "share", "events": int(found.events[: k + 1].sum()),
                    "n": own.n, "flag": flags([own.n])[0],
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def _levels(values: Array, levels: int) -> Array:
    """Return each customer's level of experience, from 0."""
    known = np.unique(values)
    if len(known) <= levels:
        return np.searchsorted(known, values)
    edges = np.unique(np.quantile(values, np.arange(1, levels) / levels, method="higher"))
    return np.searchsorted(edges, values, side="right")


def _dose(values: Array) -> str:
    low, high = values.min(), values.max()
    return f"{low:g}" if low == high else f"{low:g} / {high:g}"


def _crude(counts: Array, months: Array) -> tuple[float, float]:
    """Events per 100 customer-months, and their error over customers."""
    total = months.sum()
    rate = counts.sum() / total
    error = float(np.sqrt(((counts - rate * months) ** 2).sum()) / total)
    return float(_PER * rate), _PER * error


def lags(
    people: Followed,
    held: Mapping[str, Sequence[str]],
    periods: Sequence[float],
    *,
    step: float,
    level: float,
) -> pd.DataFrame:
    """Return the ratio of each behaviour by months since the survey, of permanence the inverse."""
    edges = [0.0, *periods, np.inf]
    rows = []
    for behaviour in BEHAVIOURS:
        x = np.column_stack([people.experience, *(people.covariates[c] for c in held[behaviour])])
        for since, until in pairwise(edges):
            counts, months = people.counts(behaviour, since, until)
            here = months > 0
            row = {"behaviour": behaviour, "since": since, "until": until, "events": int(counts[here].sum())}
            try:
                beta, error = _rate(counts[here], months[here], x[here])
            except (AnalysisError, ValueError):
                beta, error = np.nan, np.nan
            ratio = step * beta * (-1 if behaviour == "permanence" else 1)
            reach = t_quantile(level) * step * error
            middle = (
                since + float(np.average(months[here] / 2, weights=months[here])) if here.any() else np.nan
            )
            rows.append(
                {**row, "month": middle, "estimate": np.exp(ratio), "log_ratio": ratio,
                 "std_error": step * error, "conf_low": np.exp(ratio - reach),
                 "conf_high": np.exp(ratio + reach), "n": int(here.sum()), "flag": flags([here.sum()])[0]}
            )  # fmt: skip
    return pd.DataFrame(rows)


def half_lives(curve: pd.DataFrame, level: float) -> pd.DataFrame:
    r"""Return after how many months half of the log ratio is left, :math:`b 2^{-t/h}`, by least squares.

    The interval holds every h whose fit is not worse than chance allows; infinite: nothing says it fades;
    missing: there is no effect, or there are fewer than three periods.
    """
    rows = []
    for behaviour, own in curve.groupby("behaviour", sort=False):
        known = own[np.isfinite(own["log_ratio"]) & (own["std_error"] > 0)]
        row = {"behaviour": behaviour, "estimate": np.nan, "conf_low": np.nan, "conf_high": np.nan}
        rows.append(row)
        t, y = known["month"].to_numpy(), known["log_ratio"].to_numpy()
        weight = 1 / known["std_error"].to_numpy() ** 2
        # What is not there has no half-life.
        if len(known) < 3 or abs(weight @ y) < t_quantile(level) * np.sqrt(weight.sum()):
            continue
        lives = np.concatenate([_HALF_LIVES, [np.inf]])
        left = 2.0 ** (-t / lives[:, None])
        height = (left * weight * y).sum(axis=1) / (left**2 * weight).sum(axis=1)
        misfit = (weight * (y - height[:, None] * left) ** 2).sum(axis=1)
        within = lives[misfit <= misfit.min() + stats.chi2.ppf(level, 1)]
        row |= {"estimate": lives[misfit.argmin()], "conf_low": within.min(), "conf_high": within.max()}
    return pd.DataFrame(rows)


def bridge(
    found: pd.DataFrame, worth: Mapping[str, float], margin: float, *, resamples: int, seed: int
) -> pd.DataFrame:
    r"""Return what the step is worth per customer and year through each behaviour, with P10 and P90.

    Permanence: :math:`m \int_0^{12} (e^{-\lambda t / R} - e^{-\lambda t}) dt`; the others: 12 months
    of their rate times R - 1 times what one is worth in the year (`worth`). Each log ratio varies by its
    error, apart from the others.
    """
    rng = np.random.default_rng(seed)
    values: dict[str, tuple[float, Array]] = {}
    for row in found.to_dict("records"):
        behaviour, rate = str(row["behaviour"]), row["events"] / row["customer_months"]
        log, error = row["log_ratio"], row["std_error"]
        drawn = log + error * rng.standard_normal(resamples)
        if not np.isfinite(log):
            log, drawn = 0.0, np.zeros(resamples)

        def money(logs: Any, behaviour: str = behaviour, rate: float = rate) -> Any:
            if behaviour == "permanence":
                return margin * (_stayed(rate * np.exp(-logs)) - _stayed(rate))
            return YEAR * rate * (np.exp(logs) - 1) * worth[behaviour]

        values[behaviour] = float(money(log)), np.asarray(money(drawn))
    total = sum(v for v, _ in values.values()), np.sum([d for _, d in values.values()], axis=0)
    rows = []
    for behaviour, (value, draws) in [*values.items(), ("total", total)]:
        low, high = np.quantile(draws, [0.1, 0.9])
        part = value / total[0] if total[0] else np.nan
        rows.append(
            {"behaviour": behaviour, "estimate": value, "std_error": float(draws.std(ddof=1)),
             "conf_low": low, "conf_high": high, "part": part, "measure": "money"}
        )  # fmt: skip
    return pd.DataFrame(rows)


def _stayed(rate: Any) -> Any:
    """Months of a year that are expected to be stayed at a monthly rate of leaving."""
    return np.where(np.asarray(rate) > 0, -np.expm1(-rate * YEAR) / np.maximum(rate, 1e-300), YEAR)
