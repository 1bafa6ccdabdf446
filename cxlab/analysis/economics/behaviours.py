"""What experience goes with: staying, buying more, buying other things, recommending in deed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.columns import as_floats, named
from cxlab.analysis.economics.claims import behaviour_findings
from cxlab.analysis.economics.followed import DAYS, Followed, followed
from cxlab.analysis.economics.responses import YEAR, bridge, doses, first_times, forest, half_lives, lags
from cxlab.analysis.estimates import (
    Result,
    check_columns,
    check_level,
    check_numbers,
    check_seed,
    flags,
    t_quantile,
    whole_from,
)
from cxlab.analysis.survival.absent import lacking, nothing
from cxlab.errors import AnalysisError, Message

Array = np.ndarray[Any, Any]

NPS = {"promoter": (9, 10), "passive": (7, 8), "detractor": (0, 6)}
SOLD = ("upsell", "cross_sell")
TABLES = ("doses", "first_times", "lags", "half_life", "bridge", "referrers", "tests")


@dataclass(frozen=True, eq=False, kw_only=True)
class Behaviours(Result):
    """The four loyalty behaviours against experience: ratios, doses, lags, and their worth."""


def behaviours(
    customers: pd.DataFrame,
    transactions: pd.DataFrame,
    referrals: pd.DataFrame,
    *,
    experience: str = "pxi",
    step: float = 10.0,
    covariates: Sequence[str] = (),
    pushes: Sequence[str] = (),
    margin: float | str = "margin_monthly",
    recurring: bool = True,
    acquisition_cost: float = 0.0,
    recommend: str | None = "recommend",
    start: str = "start_date",
    survey: str = "survey_date",
    end: str = "end_date",
    last: str = "observation_end",
    lag: float = 0.0,
    periods: Sequence[float] = (3, 6, 12),
    levels: int = 5,
    level: float = 0.95,
    resamples: int = 4000,
    seed: int = 0,
    currency: str = "",
    optional: bool = False,
) -> Behaviours:
    r"""Estimate how the four loyalty behaviours after a survey go with the experience told in it.

    Parameters
    ----------
    customers : DataFrame (n, any)
        One row per customer: customer_id, the experience, covariates, the four dates.
    transactions, referrals : DataFrame
        What was sold (customer_id, ts, kind, margin) and who recommended (referrer_id, ts,
        became_customer). Only what comes after the survey counts.
    experience : str
        Score or index of each customer.
    step : float
        How much more of it the ratios are for.
    covariates : sequence of str
        Held fixed for all behaviours, known before the survey.
    pushes : sequence of str
        Held fixed for what is sold, such as being on a campaign's list: sales go to the content.
    margin : float or str
        Money a month that a customer leaves, or a column of it.
    recurring : bool
        Whether the margin of a sale is a month's, earned for the rest of the year (half of it, on average).
    acquisition_cost : float
        Saved with each customer who was brought.
    recommend : str, optional
        Column of the answer 0-10, for who recommends in deed; none if absent.
    start, survey, end, last : str
        Dates of joining, of the survey, of leaving (empty: still here) and of the end of observation.
    lag : float
        Months after the survey from which behaviour counts.
    periods : sequence of float
        Months since then that the lag curves are cut at.
    levels : int
        Levels of experience of the dose curves, at most.
    level : float
        Confidence level; of the money the interval is P10-P90.
    resamples, seed : int
        Draws for the money, and their seed.
    currency : str
        Code of the currency, for the texts.
    optional : bool
        Tell nothing, instead of refusing, where there are no sales, no referrals, no dates, or no number of
        the experience.

    Returns
    -------
    Behaviours
        ``table``: behaviour (permanence, upsell, cross_sell, recommendation), estimate (ratio for `step`
        more: above 1 is more of the behaviour; of permanence the inverse of the hazard ratio of leaving),
        log_ratio, std_error (of the log), conf_low, conf_high, p_value, p_adjusted (Holm), events,
        customer_months, n, flag. ``tables``: doses (per 100 customer-months, by level of experience),
        first_times (share who did it at least once within a year, leaving being a competing event),
        lags (ratio by months since the survey), half_life, bridge (money per customer and year, P10-P90,
        part), referrers (class: share who ever recommended somebody), tests.

    Raises
    ------
    AnalysisError
        For repeated customers, missing columns, text where numbers are needed, nobody followed.

    Notes
    -----
    Permanence is a Cox model on the clock from joining, at risk from the survey on; the others are rates
    per month followed, :math:`m e^{x \beta}`, with errors over customers: who left can no longer buy, and
    leaves the months at risk. All are associations that follow the survey in time.

    References
    ----------
    Cox (1972), doi:10.1111/j.2517-6161.1972.tb00899.x; Lin et al. (2000), doi:10.1111/1467-9868.00259.
    """
    check_level(level)
    check_seed(seed)
    if optional and (
        transactions.empty or referrals.empty or _lacks(customers, experience, start, survey, end)
    ):
        return Behaviours(**nothing((), *TABLES))
    usable = sorted({float(p) for p in periods})
    check_numbers(
        ("step", step, lambda v: np.isfinite(v) and v != 0, Message("a number other than zero")),
        ("lag", lag, lambda v: 0 <= v < np.inf, Message("months, zero or more")),
        ("levels", levels, lambda v: whole_from(v, 2), Message("a whole number, 2 or more")),
        ("resamples", resamples, lambda v: whole_from(v, 40), Message("a whole number, 40 or more")),
        *(("periods", p, lambda v: 0 < v < np.inf, Message("months above zero")) for p in usable),
    )
    covariates, pushes = named(covariates), named(pushes)
    columns = [*covariates, *(c for c in pushes if c not in covariates)]
    dates = {"survey": survey, "end": end, "last": last}
    people = followed(
        customers, transactions, referrals, experience=experience, covariates=columns, dates=dates, lag=lag
    )
    sold = dict.fromkeys(SOLD, columns)
    held = {"permanence": covariates, **sold, "recommendation": covariates}
    main = forest(people, held, _entry(people, start, survey, lag), step=step, level=level)
    tests = pd.DataFrame(
        {"hypothesis": [f"behaviour {b}" for b in main["behaviour"]], **main[["p_value", "p_adjusted"]]}
    )
    monthly = _margin(people, margin)
    worth = _worth(transactions, referrals, monthly, recurring=recurring, saved=acquisition_cost)
    curve = lags(people, held, usable, step=step, level=level)
    money = bridge(main, worth, monthly, resamples=resamples, seed=seed)
    referrers = _referrers(customers, referrals, recommend, level) if recommend else pd.DataFrame()
    facts = {
        "experience": experience, "step": step, "level": level, "currency": currency, "n": people.n,
        "adjusted": bool(columns), "pushes": bool(pushes),
    }  # fmt: skip
    claims, otherwise = behaviour_findings(main, tests, money, referrers, facts)
    return Behaviours(
        table=main,
        keys=("behaviour", "dose", "since", "until", "class"),
        tables={
            "doses": doses(people, levels, level),
            "first_times": first_times(people, levels, YEAR, level),
            "lags": curve,
            "half_life": half_lives(curve, level),
            "bridge": money,
            **({"referrers": referrers} if len(referrers) else {}),
            "tests": tests,
        },
        n_used=people.n,
        n_dropped=people.dropped,
        settings={
            "experience": experience, "step": step, "covariates": covariates, "pushes": pushes, "lag": lag,
            "margin": monthly, "recurring": recurring, "acquisition_cost": acquisition_cost,
            "periods": usable, "level": level, "interval_of_money": "P10-P90", "seed": seed,
            "worth_of_one": worth, "currency": currency,
            "formula": "permanence: m (months stayed of 12 at the changed rate - at the present one); "
            "others: 12 rate (ratio - 1) worth of one",
        },
        claims=claims,
        otherwise=otherwise,
    )  # fmt: skip


def _lacks(customers: pd.DataFrame, experience: str, *dates: str) -> bool:
    known = lacking(customers, [experience, *dates], optional=True)
    return bool(known) or as_floats(customers[experience]) is None


def _entry(people: Followed, start: str, survey: str, lag: float) -> Array:
    """Months from joining to the survey, and the lag: where each comes under observation."""
    check_columns(people.table, [start])
    joined, asked = (pd.to_datetime(people.table[name]) for name in (start, survey))
    months = ((asked - joined).dt.days / DAYS).to_numpy(dtype=float) + lag
    if not (months >= 0).all():
        raise AnalysisError(
            "{count} customers joined after their survey, or have no date of joining; correct the dates",
            count=int((~(months >= 0)).sum()),
        )
    return months


def _margin(people: Followed, margin: float | str) -> float:
    if not isinstance(margin, str):
        return margin
    check_columns(people.table, [margin])
    values = as_floats(people.table[margin])
    if values is None or np.isnan(values).all():
        raise AnalysisError("margin column {column!r} holds no amounts", column=margin)
    return float(np.nanmean(values))


def _worth(
    transactions: pd.DataFrame, referrals: pd.DataFrame, margin: float, *, recurring: bool, saved: float
) -> dict[str, float]:
    """Return what one more of each behaviour is worth within the year."""
    check_columns(transactions, ["margin"])
    earned = as_floats(transactions["margin"])
    if earned is None:
        raise AnalysisError("margin column {column!r} holds no amounts", column="margin")
    worth = {}
    for kind in SOLD:
        own = earned[(transactions["kind"] == kind).to_numpy()]
        own = own[~np.isnan(own)]
        worth[kind] = float(own.mean()) * (YEAR / 2 if recurring else 1.0) if len(own) else 0.0
    won = 1.0
    if "became_customer" in referrals.columns and len(referrals):
        won = float(referrals["became_customer"].astype(float).mean())
    worth["recommendation"] = won * (margin * YEAR / 2 + saved)
    return worth


def _referrers(
    customers: pd.DataFrame, referrals: pd.DataFrame, recommend: str, level: float
) -> pd.DataFrame:
    """Return the share of each class of answer who ever recommended somebody (Wilson's interval)."""
    check_columns(customers, [recommend])
    answer = as_floats(customers[recommend])
    if answer is None:
        raise AnalysisError("{column!r} holds no numbers; give a score or an index", column=recommend)
    ever = customers["customer_id"].isin(referrals["referrer_id"]).to_numpy()
    z, rows = t_quantile(level), []
    for name, (low, high) in NPS.items():
        own = (answer >= low) & (answer <= high)
        n, k = int(own.sum()), int(ever[own].sum())
        share = k / n if n else np.nan
        centre = (k + z**2 / 2) / (n + z**2)
        reach = z / (n + z**2) * np.sqrt(max(k * (n - k), 0) / max(n, 1) + z**2 / 4)
        rows.append(
            {"class": name, "estimate": share, "conf_low": centre - reach, "conf_high": centre + reach,
             "measure": "share", "events": k, "n": n, "flag": flags([n])[0]}
        )  # fmt: skip
    return pd.DataFrame(rows)
