"""What mystery shoppers find in the demo's stores (T10), and that nothing else moved for it."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

from cxlab import demo
from cxlab.analysis import emitted
from cxlab.demo import visits
from cxlab.demo.truth import truths

TRUTH = truths("fibra_cordillera", 0)["truths"]["T10"]
FAR = 3.5
FIELD = {"units", "standards", "mystery_visits", "mystery_checks"}


@cache
def drawn(client):
    return getattr(demo, client)()


def seen(client):
    tables = drawn(client)
    return emitted.checked(tables["mystery_checks"], tables["mystery_visits"], tables["standards"])


def close_to(value, found):
    return abs(value - found["mean"]) <= FAR * found["sd"]


@cache
def linked(client):
    return emitted.perceived(seen(client), drawn(client)["survey_responses"], "pxi")


def test_the_field_is_drawn_apart(monkeypatch):
    """Without the field every other table is as it is with it, to the last value."""
    drawn("fibra")
    monkeypatch.setattr(visits, "with_field", lambda tables, *_, **__: tables)
    without = demo.fibra()
    assert set(drawn("fibra")) - set(without) == FIELD
    for name, table in without.items():
        found = drawn("fibra")[name]
        found = found.drop(columns="unit_id") if name == "survey_responses" else found
        pd.testing.assert_frame_equal(found, table)


def test_t10_first_fix_goes_with_the_pxi_and_is_met_least():
    table = linked("fibra").table.set_index("standard_id")
    for standard, found in TRUTH["found"]["correlation"].items():
        assert close_to(table.loc[standard, "correlation"], found), standard
    for standard, found in TRUTH["found"]["compliance"].items():
        assert close_to(table.loc[standard, "compliance"], found), standard
    assert close_to(table.loc["first_fix", "corrected"], TRUTH["found"]["corrected"]["first_fix"])
    assert table["place"].to_dict() == {**dict.fromkeys(visits.STANDARDS, "let"), "first_fix": "mend"}
    assert [claim.fields["standard"] for claim in linked("fibra").claims] == ["first_fix"]
    # The planted correlation is inside the corrected interval.
    assert table.loc["first_fix", "corrected_low"] < visits.LINK < table.loc["first_fix", "corrected_high"]


def test_t10_the_average_says_that_all_is_well():
    overall = emitted.compliance(seen("fibra")).tables["overall"].set_index("kind")["estimate"]
    assert close_to(overall["score"], TRUTH["trap"]["score"])


def test_two_evaluators_agree_as_planted():
    tables = drawn("fibra")
    twice = emitted.seen_twice(tables["mystery_checks"], tables["mystery_visits"], tables["standards"])
    assert twice["visit"].nunique() == visits.SECOND
    asked = {"unit": "case", "rater": "evaluator_id", "rating": "met"}
    found = emitted.agreement(twice, **asked, cluster="visit", resamples=100)
    assert close_to(found.alpha, TRUTH["found"]["alpha"])
    assert close_to(found.ac, TRUTH["found"]["ac1"])


def test_nothing_is_found_in_nada():
    assert [claim.code for claim in linked("nada").claims] == ["emitted.link_none"]
    scores = emitted.visit_scores(seen("nada"))
    found = emitted.components(scores, score="score", unit="unit_id")
    assert [claim.code for claim in found.claims] == ["emitted.visits_alike"]
    tables = drawn("nada")
    everybody = emitted.checked(
        tables["mystery_checks"], tables["mystery_visits"], tables["standards"], peers=True
    )
    beside = emitted.beside(everybody, focal="Nada")
    assert set(beside.table["verdict"]) == {"not distinguishable"}


@pytest.mark.simulation
def test_in_other_draws_of_nada_hardly_ever_a_link():
    survey, false = drawn("nada")["survey_responses"].drop(columns="unit_id"), 0
    pxi = visits.pxi_of(survey)
    for seed in range(40):
        field, served = visits.draw_field(np.random.default_rng(seed), survey, pxi, differs=False)
        checks = emitted.checked(field.checks, field.visits, field.standards)
        found = emitted.perceived(checks, survey.assign(unit_id=served), "pxi")
        false += any(claim.code == "emitted.link" for claim in found.claims)
    assert false <= 6  # 5 % of 40 are 2; more than 6 has a chance of one in 200
