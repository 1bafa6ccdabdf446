"""Fibra Cordillera S.A., a fictional fibre and television operator, as canonical tables in memory."""

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

SEED = 20250672
CUSTOMERS = 24_000
RESPONSES = 1_800
CONTACTS = 150_000
INTERVIEWS = 350
PROSPECTS = 6_000  # identity numbers of those who are referred, beyond those of customers and test accounts


def fibra(seed: int = SEED) -> dict[str, pd.DataFrame]:
    """Draw Fibra Cordillera: every canonical table by name, with the truths of `truth.truths` planted.

    Parameters
    ----------
    seed : int
        One seed, one client: the same tables on every machine with the same numpy.

    Returns
    -------
    dict of DataFrame
        customers, survey_responses, items, interactions, benchmark_responses, benchmark_scores,
        population_targets, areas, touchpoints, area_touchpoint, management_ranking, transactions,
        billing, referrals, marketing_spend, journey_design, tracking_responses, units, standards,
        mystery_visits, mystery_checks; ids are as the client would send them.

    Examples
    --------
    >>> tables = fibra()
    >>> len(tables["customers"]), len(tables["survey_responses"]), len(tables["benchmark_responses"])
    (24000, 5400, 2800)
    """
    *streams, conduct = np.random.SeedSequence(seed).spawn(7)
    journey = np.random.SeedSequence(seed, spawn_key=(journeys.KEY,))
    field = np.random.SeedSequence(seed, spawn_key=(visits.KEY,))
    rngs = [np.random.default_rng(child) for child in streams]
    traits = people.draw_people(rngs[0], CUSTOMERS)
    answers = people.draw_answers(rngs[0], traits)
    lives = lifetimes.draw_lifetimes(rngs[1], answers)
    days = rngs[2].integers(0, fieldwork.FIELD_DAYS, CUSTOMERS)
    served = fieldwork.in_service(lives, days)
    answers["recommend"] = fieldwork.recommend_scores(answers.pop("recommendation").to_numpy(), served)
    customers = pd.concat([traits, lives, answers], axis=1)
    customers.insert(0, "customer_id", ruts(CUSTOMERS, seed))
    rate = fieldwork.answer_rates(customers)
    responses = fieldwork.draw_responses(rngs[2], customers, served, days, rate, RESPONSES)
    told, does = draw_conduct(
        conduct,
        customers,
        leanings(customers),
        contacts.draw_contacts(
            rngs[4], customers, answers["attr_resolution"].to_numpy(), lifetimes.OBSERVATION_END, CONTACTS
        ),
        ruts(CUSTOMERS + 2 * PROSPECTS, seed)[-PROSPECTS:],
    )
    does["interactions"] = journeys.draw_journeys(
        journey, does["interactions"], customers, responses, differs=True
    )
    does["journey_design"] = journeys.design()
    does["tracking_responses"] = tracking.draw_tracking(seed)
    scores = {brand: brands.true_pxi(brand) - 4 for brand in brands.BRANDS}
    tables = assemble(
        told,
        responses,
        fieldwork.leave_open(rngs[2], answers),
        targets=fieldwork.population_targets(customers, served),
        interviews=brands.draw_interviews(rngs[3], brands.BRANDS, INTERVIEWS),
        scores=brands.published_scores(scores),
        conduct=does,
        responsibility=organisation.RESPONSIBILITY,
        ranking=organisation.draw_ranking(rngs[5], organisation.MANAGERS_ORDER, organisation.DISAGREEMENT),
    )
    return visits.with_field(tables, field, differs=True)


def leanings(customers: pd.DataFrame) -> Leanings:
    """Return what sets these customers apart: PXI, price, hazard and how likely they refer."""
    pxi = (lifetimes.pxi_of(customers) - lifetimes.PXI[0]) / lifetimes.PXI[1]
    price = (customers["attr_price"].to_numpy() - lifetimes.PRICE[0]) / lifetimes.PRICE[1]
    early, added = lifetimes.paces(customers)
    return Leanings(
        pxi=pxi,
        price=price,
        hazard=lifetimes.hazard(pxi, price) * early,
        added=added,
        refers=referring.chances(customers["recommend"].to_numpy()),
        differs=True,
    )
