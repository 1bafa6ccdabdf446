"""Nada S.A.: the same tables as Fibra Cordillera, and nothing in them but chance."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlab.demo import (
    brands,
    contacts,
    fieldwork,
    journeys,
    lifetimes,
    organisation,
    people,
    referring,
    tracking,
    visits,
)
from cxlab.demo.conduct import Leanings, draw_conduct
from cxlab.demo.ruts import ruts
from cxlab.demo.tables import assemble

SEED = 20250701
CUSTOMERS = 6_000
RESPONSES = 600
CONTACTS = 15_000
INTERVIEWS = 200
PROSPECTS = 2_000
MONTHLY = 200
FOCAL = "Nada"
BRANDS = dict.fromkeys([FOCAL, "Cero", "Igual", "Mismo", "Nadie", "Ninguna", "Nulo", "Vacío"], (55.0, 55.0))

MONTHLY_HAZARD = 0.030
ANSWER_RATE = 0.75
NO_COMMON_ORDER = 1e6  # places: each manager ranks by chance
# Shares of the answers 1-7 of any question, and 0-10 of the recommendation.
RATINGS = (0.03, 0.06, 0.11, 0.17, 0.23, 0.24, 0.16)


def nada(seed: int = SEED) -> dict[str, pd.DataFrame]:
    """Draw Nada S.A.: every canonical table by name; answers, exits and brands are independent of everything.

    Examples
    --------
    >>> tables = nada()
    >>> len(tables["customers"]), len(tables["survey_responses"]), len(tables["benchmark_responses"])
    (6000, 1800, 1600)
    """
    *streams, conduct = np.random.SeedSequence(seed).spawn(7)
    journey = np.random.SeedSequence(seed, spawn_key=(journeys.KEY,))
    field = np.random.SeedSequence(seed, spawn_key=(visits.KEY,))
    rngs = [np.random.default_rng(child) for child in streams]
    traits = people.draw_people(rngs[0], CUSTOMERS)
    answers = draw_answers(rngs[0], traits)
    lives = draw_lifetimes(rngs[1], CUSTOMERS)
    days = rngs[2].integers(0, fieldwork.FIELD_DAYS, CUSTOMERS)
    served = fieldwork.in_service(lives, days)
    customers = pd.concat([traits, lives, answers], axis=1)
    customers.insert(0, "customer_id", ruts(CUSTOMERS, seed))
    rate = np.full(CUSTOMERS, ANSWER_RATE)
    responses = fieldwork.draw_responses(rngs[2], customers, served, days, rate, RESPONSES)
    alike = np.ones(CUSTOMERS)
    told, does = draw_conduct(
        conduct,
        customers,
        Leanings(
            pxi=0 * alike,
            price=0 * alike,
            hazard=MONTHLY_HAZARD * alike,
            added=alike,
            refers=referring.ALIKE * alike,
            differs=False,
        ),
        contacts.draw_contacts(
            rngs[4], customers, np.full(CUSTOMERS, 4.0), lifetimes.OBSERVATION_END, CONTACTS
        ),
        ruts(CUSTOMERS + 2 * PROSPECTS, seed)[-PROSPECTS:],
    )
    does["interactions"] = journeys.draw_journeys(
        journey, does["interactions"], customers, responses, differs=False
    )
    does["journey_design"] = journeys.design()
    does["tracking_responses"] = tracking.draw_tracking(seed, monthly=MONTHLY, differs=False, draw=0)
    tables = assemble(
        told,
        responses,
        fieldwork.leave_open(rngs[2], answers),
        targets=fieldwork.population_targets(customers, served),
        interviews=brands.draw_interviews(rngs[3], BRANDS, INTERVIEWS),
        scores=brands.published_scores(dict.fromkeys(BRANDS, 55.0)),
        conduct=does,
        responsibility=organisation.alike(),
        ranking=organisation.draw_ranking(rngs[5], organisation.MANAGERS_ORDER, NO_COMMON_ORDER),
    )
    return visits.with_field(tables, field, differs=False)


def draw_answers(rng: np.random.Generator, traits: pd.DataFrame) -> pd.DataFrame:
    """Draw every answer of every customer on its own; the call-centre items from those who called."""
    n = len(traits)
    shares = np.array(RATINGS)
    asked = [*people.ATTRIBUTES, *people.CALL_ITEMS, "overall_sat", *people.ANSWERS]
    answers = {item: rng.choice(np.arange(1.0, 8.0), size=n, p=shares) for item in asked}
    for item in people.CALL_ITEMS:
        answers[item] = np.where(traits["called"] == 1, answers[item], np.nan)
    answers["recommend"] = rng.choice(np.arange(0.0, 11.0), size=n, p=np.array(people.RECOMMEND_SHARES))
    return pd.DataFrame(answers, index=traits.index)


def draw_lifetimes(rng: np.random.Generator, n: int) -> pd.DataFrame:
    """Draw plan, promo, price and dates: the same hazard in every month and for everyone."""
    months = rng.exponential(1 / MONTHLY_HAZARD, n)
    last = int((lifetimes.OBSERVATION_END - lifetimes.OBSERVATION_START).astype(int)) - lifetimes.NEWEST
    start = lifetimes.OBSERVATION_START + rng.integers(0, last + 1, n).astype("timedelta64[D]")
    mean, sd = lifetimes.PRICE
    return pd.DataFrame(
        {
            "plan": np.array(people.PLANS, dtype=object)[rng.integers(0, len(people.PLANS), n)],
            "attr_promo": rng.integers(0, 2, n),
            "attr_price": np.round(np.maximum(mean + sd * rng.standard_normal(n), 7.99), 2),
            **lifetimes.dates_of(start, months),
        }
    )
