"""T17: the record that is chance and the fall that is not are told apart; in Nada nothing is told."""

from functools import cache

import pytest

from cxlab.analysis import waves
from cxlab.demo import cordillera, noise, people, tracking
from cxlab.demo.truth import truths

TRUTH = truths("fibra_cordillera", 0)["truths"]["T17"]
FAR = 3.5


@cache
def tracker():
    return tracking.draw_tracking(cordillera.SEED)


@cache
def contrast(current):
    return waves.contrast(tracker(), "nps", wave="wave_id", mode="mode", current=current)


def close_to(value, found):
    return abs(value - found["mean"]) <= FAR * found["sd"]


def test_planted_levels_are_those_of_the_truth():
    levels = sum(people.REGIONS[r] * points for r, points in tracking.LEVELS.items())
    falls = tracking.shifts()
    assert levels == pytest.approx(0.0)
    assert sum(people.REGIONS[r] * points for r, points in falls.items()) == pytest.approx(9.0)
    assert people.REGIONS["Sur"] * falls["Sur"] == pytest.approx(6.0)
    variance = tracking.PROMOTERS + tracking.DETRACTORS - (tracking.PROMOTERS - tracking.DETRACTORS) ** 2
    assert 280.16 * (2 * variance / 1800) ** 0.5 == pytest.approx(TRUTH["planted"]["detectable"], abs=0.02)


def test_the_record_is_chance():
    found = contrast("2024T3")
    row = found.table.set_index("test").loc["same_mode"]
    assert row["difference"] == pytest.approx(TRUTH["trap"]["observed_first_change"], abs=0.1)
    assert row["detectable"] == pytest.approx(TRUTH["planted"]["detectable"], abs=0.1)
    assert close_to(row["difference"], TRUTH["found"]["first_change"])
    assert found.claims[0].code == "waves.unmoved"
    assert found.claims[0].fields["side"] == "highest"


def test_the_fall_is_not_and_the_south_makes_most_of_it():
    fall = contrast(None)
    assert fall.claims[0].code == "waves.moved"
    assert close_to(fall.table["difference"].iloc[0], TRUTH["found"]["second_change"])
    split = waves.change(tracker(), "nps", wave="wave_id", mix="segment", mode="mode", segment="region")
    parts = split.table.set_index("part")["difference"]
    assert abs(parts["mix"]) < 0.5 > abs(parts["method"])
    named = [c for c in split.claims if c.code == "waves.segment"]
    assert [c.fields["segment"] for c in named] == ["Sur"]
    assert close_to(named[0].fields["estimate"], TRUTH["found"]["region_adds"])


def test_the_chart_sees_it_against_the_months_before():
    baseline = TRUTH["planted"]["baseline"]
    found = waves.chart(tracker(), "nps", wave="period", baseline=baseline)
    assert [c.code for c in found.claims] == ["waves.signal"]
    assert found.claims[0].fields["side"] == "below"
    until = tracker()[tracker()["period"] < tracking.FALLS_FROM]
    before = waves.chart(until, "nps", wave="period", baseline=baseline - 3)
    assert [c.code for c in before.claims if c.code == "waves.signal"] == []


def test_branches_and_people_differ_as_planted():
    found = waves.sustained(tracker(), "resolved_first", units="unit_id", agent="agent_id")
    spread = found.tables["components"].set_index("grouping")["sd_between"]
    assert close_to(spread["unit_id"], TRUTH["found"]["store_sd"])
    assert close_to(spread["agent_id"], TRUTH["found"]["agent_sd"])
    assert [c.code for c in found.claims] == ["waves.between", "waves.between"]


def test_nothing_is_told_of_nada():
    table = tracking.draw_tracking(noise.SEED, monthly=noise.MONTHLY, differs=False, draw=0)
    found = [
        waves.contrast(table, "nps", wave="wave_id", mode="mode"),
        waves.change(table, "nps", wave="wave_id", mix="segment", mode="mode", segment="region"),
        waves.sustained(table, "resolved_first", units="unit_id", agent="agent_id"),
    ]
    assert not [c for result in found for c in result.claims if "hypothesis" in c.fields]
    chart = waves.chart(table, "nps", wave="period", baseline=21)
    assert "waves.signal" not in {c.code for c in chart.claims}
