"""How long the customers of Fibra Cordillera stay: the hazard of T5 and T6, and the dates it makes.

Leaving is twice as likely in the first three months, four times in the two months after a promotion
ends, and depends on the experience (PXI) and on the price, which go against each other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cxlab.demo.people import PLANS

Array = np.ndarray[Any, Any]

OBSERVATION_START = np.datetime64("2023-01-01")
OBSERVATION_END = np.datetime64("2025-06-30")
NEWEST = 31  # days before the end of observation after which nobody is signed up

MONTHLY_HAZARD = 0.026
FIRST_MONTHS = (3, 2.0)  # until month, times
PROMO_END = (12, 14, 4.0)  # after month, until month, times
PROMO_SHARE = 0.5
# Hazard ratios per SD: of PXI among those who answer the survey (points), of price among all.
PXI_HAZARD_RATIO = 0.80
PXI = (40.0, 50.5)
PRICE_HAZARD_RATIO = 1.35
PRICE = (25.0, 5.0)  # thousand pesos a month, mean and SD
PRICE_PXI_CORRELATION = -0.35


def pxi_of(answers: pd.DataFrame) -> Array:
    """Each customer's PXI contribution: mean over three items of 100 (6-7) minus 100 (1-3)."""
    items = answers[["effectiveness", "ease", "pleasantness"]].to_numpy(dtype=float)
    return np.asarray(100 * ((items >= 6).astype(float) - (items <= 3)).mean(axis=1))


def draw_lifetimes(rng: np.random.Generator, answers: pd.DataFrame) -> pd.DataFrame:
    """Draw for each customer the plan, promo (0/1), price, start_date and end_date (missing: still here)."""
    n = len(answers)
    pxi = pxi_of(answers)
    r = PRICE_PXI_CORRELATION
    z_price = r * (pxi - pxi.mean()) / pxi.std() + np.sqrt(1 - r**2) * rng.standard_normal(n)
    promo = rng.random(n) < PROMO_SHARE
    months = months_survived(rng.exponential(size=n) / hazard((pxi - PXI[0]) / PXI[1], z_price), promo)
    rank = np.argsort(np.argsort(z_price + 0.6 * rng.standard_normal(n))) / n
    days = int((OBSERVATION_END - OBSERVATION_START).astype(int))
    start = OBSERVATION_START + rng.integers(0, days - NEWEST + 1, n).astype("timedelta64[D]")
    return pd.DataFrame(
        {
            "plan": np.array(PLANS, dtype=object)[np.searchsorted([0.40, 0.75], rank, side="right")],
            "attr_promo": promo.astype(int),
            "attr_price": np.round(np.maximum(PRICE[0] + PRICE[1] * z_price, 7.99), 2),
            **dates_of(start, months),
        },
        index=answers.index,
    )


def hazard(pxi: Array, price: Array) -> Array:
    """Return the plain hazard of leaving per month, by PXI and price in SD."""
    risk = np.log(PXI_HAZARD_RATIO) * pxi + np.log(PRICE_HAZARD_RATIO) * price
    return np.asarray(MONTHLY_HAZARD * np.exp(risk))


def paces(customers: pd.DataFrame) -> tuple[Array, Array]:
    """Return what multiplied each customer's hazard on the last day: being new, and the promotion's end."""
    day = customers["end_date"].fillna(pd.Timestamp(OBSERVATION_END)).to_numpy().astype("datetime64[D]")
    start = customers["start_date"].to_numpy().astype("datetime64[D]")
    early, after, until = (
        anniversary(start, np.full(len(start), int(month))) for month in (FIRST_MONTHS[0], *PROMO_END[:2])
    )
    ended = (customers["attr_promo"] == 1).to_numpy() & (after < day) & (day <= until)
    return np.where(day <= early, FIRST_MONTHS[1], 1.0), np.where(ended, PROMO_END[2], 1.0)


def months_survived(exposure: Array, promo: Array) -> Array:
    """Invert the cumulative hazard: the month at which each customer has used up an `exposure`.

    `exposure` is in months of the plain hazard; months that count double use it up twice as fast.
    """
    early, times_early = FIRST_MONTHS
    after, until, times = PROMO_END
    breaks = np.array([0.0, early, after, until])
    out = np.empty(len(exposure))
    for on_promo in (False, True):
        who = promo == on_promo
        pace = np.array([times_early, 1.0, times if on_promo else 1.0, 1.0])
        used = np.concatenate([[0.0], np.cumsum(pace[:-1] * np.diff(breaks))])
        piece = np.searchsorted(used, exposure[who], side="right") - 1
        out[who] = breaks[piece] + (exposure[who] - used[piece]) / pace[piece]
    return out


def exposure(months: Array, *, promo: bool) -> Array:
    """Return what `months_survived` inverts: the months of the plain hazard that so many months count for."""
    after, until, times = PROMO_END
    early = (FIRST_MONTHS[1] - 1) * np.minimum(months, FIRST_MONTHS[0])
    late = (times - 1) * np.clip(months - after, 0, until - after) if promo else 0.0
    return np.asarray(months + early + late)


def value(
    pxi: float, price: float, *, promo: bool, margin: float, months: int = 24, discount: float = 0.10
) -> float:
    """Return the planted value of a new customer: the margin paid at the start of each month, while here.

    `pxi` and `price` in SD, `margin` per month, `discount` per year:
    sum over t = 0 .. months - 1 of margin x S(t) x (1 + discount)^(-t / 12).
    """
    t = np.arange(months)
    stays = np.exp(-hazard(np.array(pxi), np.array(price)) * exposure(t, promo=promo))
    return float((margin * stays * (1 + discount) ** (-t / 12)).sum())


def dates_of(start: Array, months: Array) -> dict[str, Array]:
    """Turn months survived into a start_date and an end_date, the latter missing when not observed.

    Months are calendar months from the start, as intake counts them.
    """
    whole = np.minimum(np.floor(months), 1_200).astype(int)
    begun, due = anniversary(start, whole), anniversary(start, whole + 1)
    days = np.ceil((months % 1) * (due - begun).astype(int)).astype(int)
    end = begun + np.maximum(days, 1).astype("timedelta64[D]")
    end = np.where(end <= OBSERVATION_END, end, np.datetime64("NaT"))
    return {"start_date": start.astype("datetime64[ns]"), "end_date": end.astype("datetime64[ns]")}


def anniversary(start: Array, months: Array) -> Array:
    """Return the same day so many months later, or the last day of a shorter month."""
    month = start.astype("datetime64[M]")
    target = month + months.astype("timedelta64[M]")
    first = target.astype("datetime64[D]")
    length = ((target + 1).astype("datetime64[D]") - first).astype(int)
    day = (start - month.astype("datetime64[D]")).astype(int)
    return np.asarray(first + np.minimum(day, length - 1).astype("timedelta64[D]"))
