"""The emitted experience: compliance, reliability, link with what is perceived, alignment."""

import os

import numpy as np
import pandas as pd
import pytest

from cxlab.analysis import emitted
from cxlab.analysis.drivers import importance
from cxlab.errors import AnalysisError
from cxlab.reporting.words import explain

REPLICATIONS = int(os.environ.get("CXLAB_REPLICATIONS", 200))
# Davies' dyestuff (lme4): REML 1764.05 and 2451.25.
DYESTUFF = """1545 1440 1440 1520 1580 1540 1555 1490 1560 1495 1595 1550 1605 1510 1560 1445 1440 1595
1465 1545 1595 1630 1515 1635 1625 1520 1455 1450 1480 1445"""
# Shrout & Fleiss (1979), table 2: 6 targets, 4 judges.
JUDGES = "9 2 5 8 6 1 3 2 8 4 6 8 7 1 2 6 10 5 6 9 6 2 4 7"


def visited(rng, units=40, visits=6, link=0.75):
    """Checks of three standards and customers' ratings: `solves` goes with them, `greets` with nothing."""
    good = rng.standard_normal(units)
    felt = link * good + np.sqrt(1 - link**2) * rng.standard_normal(units)
    unit = np.repeat(np.arange(units), visits)
    own = pd.DataFrame(
        {
            "visit_id": np.arange(units * visits),
            "unit_id": unit,
            "evaluator_id": rng.integers(0, 9, len(unit)),
        }
    )
    chance = {
        "greets": np.full(units, 0.9),
        "solves": np.clip(0.6 + 0.25 * good, 0.02, 0.98),
        "safe": np.full(units, 0.95),
    }
    checks = pd.concat(
        [
            own[["visit_id"]].assign(standard_id=name, result=(rng.random(len(own)) < p[unit]).astype(float))
            for name, p in chance.items()
        ]
    )
    served = pd.DataFrame({"unit_id": np.repeat(np.arange(units), 80)})
    rating = 7 + 0.6 * felt[served["unit_id"]] + 2.5 * rng.standard_normal(len(served))
    served["recommend"] = np.clip(np.rint(rating), 0, 10)
    return checks, own, served


STANDARDS = pd.DataFrame(
    {"standard_id": ["greets", "solves", "safe"], "weight": [0.3, 0.7, np.nan], "critical": [0, 0, 1]}
)


@pytest.fixture(scope="module")
def field():
    return visited(np.random.default_rng(11))


@pytest.fixture(scope="module")
def seen(field):
    return emitted.checked(field[0], field[1], STANDARDS)


# Reliability


def test_intraclass_correlations_are_those_of_shrout_and_fleiss():
    scores = np.array(JUDGES.split(), dtype=float).reshape(6, 4)
    table = pd.DataFrame(scores).stack().rename_axis(["unit", "rater"]).rename("rating").reset_index()
    found = emitted.icc(table, unit="unit", rater="rater", rating="rating")
    assert found.table["estimate"].tolist() == pytest.approx(
        [0.1657, 0.2898, 0.7148, 0.4428, 0.6201, 0.9093], abs=5e-5
    )
    # McGraw & Wong's intervals of the same table, as R's psych prints them.
    ends = found.table.set_index("icc").loc[["1,1", "2,1", "3,1"], ["conf_low", "conf_high"]].to_numpy()
    assert ends == pytest.approx(np.array([[-0.13, 0.72], [0.019, 0.76], [0.34, 0.95]]), abs=6e-3)
    assert found.tables["variance"]["mean_square"].tolist() == pytest.approx(
        [11.2417, 32.4861, 1.0194, 6.2639], abs=5e-5
    )


def test_units_that_some_rater_left_out_are_counted():
    table = pd.DataFrame({"u": [1, 1, 2, 2, 3, 3, 4], "r": [1, 2] * 3 + [1], "v": [1.0, 2, 3, 3, 5, 6, 9]})
    found = emitted.icc(table, unit="u", rater="r", rating="v")
    assert found.n_dropped == {"incomplete rows": 1}
    assert found.table["n"].tolist() == [3] * 6


def test_components_are_those_of_lme4_and_the_visits_follow():
    table = pd.DataFrame(
        {"batch": np.repeat(list("ABCDEF"), 5), "grams": np.array(DYESTUFF.split(), dtype=float)}
    )
    found = emitted.components(table, score="grams", unit="batch")
    assert found.table["variance"].tolist() == pytest.approx([1764.05, 2451.25], abs=5e-3)
    assert found.visits_needed == pytest.approx(0.8 / 0.2 * 2451.25 / 1764.05, rel=1e-5)
    own = found.tables["visits"].set_index("visits")["reliability"]
    assert own[1] == pytest.approx(found.reliability)
    assert own[6] >= 0.8 > own[5]


def test_crossed_evaluators_are_a_component_of_their_own():
    # Balanced two-way layout without interaction: REML equals the expected mean squares.
    rng = np.random.default_rng(2)
    y = 3 * rng.standard_normal((12, 1)) + 2 * rng.standard_normal(8) + rng.standard_normal((12, 8))
    long = pd.DataFrame(y).stack().rename_axis(["unit", "who"]).rename("score").reset_index()
    found = emitted.components(long, score="score", unit="unit", evaluator="who")
    mean = (
        emitted.icc(long, unit="unit", rater="who", rating="score")
        .tables["variance"]
        .set_index("source")["mean_square"]
    )
    wanted = [
        (mean["unit"] - mean["residual"]) / 8,
        (mean["rater"] - mean["residual"]) / 12,
        mean["residual"],
    ]
    assert found.table["variance"].tolist() == pytest.approx(wanted, rel=1e-4)
    assert found.table["n"].tolist() == [12, 8, 96]


def test_where_units_do_not_differ_no_number_of_visits_tells_them_apart():
    rng = np.random.default_rng(4)
    table = pd.DataFrame({"unit": np.repeat(np.arange(20), 4), "score": rng.standard_normal(80)})
    found = emitted.components(table, score="score", unit="unit")
    assert found.tables["needed"]["visits_high"].iloc[0] == np.inf
    assert [claim.code for claim in found.claims] == ["emitted.visits_alike"]


# Compliance


def test_compliance_by_standard_is_a_plain_share_and_critical_stands_apart(field, seen):
    found = emitted.compliance(seen)
    raw = field[0].groupby("standard_id")["result"].mean() * 100
    assert found.table.set_index("standard_id")["estimate"].to_dict() == pytest.approx(raw.to_dict())
    wide = field[0].pivot(index="visit_id", columns="standard_id", values="result")
    overall = found.tables["overall"].set_index("kind")
    assert overall.loc["score", "estimate"] == pytest.approx(
        100 * (0.3 * wide["greets"] + 0.7 * wide["solves"]).mean()
    )
    assert overall.loc["critical", "estimate"] == pytest.approx(100 * wide["safe"].mean())
    units = found.tables["units"].set_index("unit_id")
    assert units["critical_failed"].sum() == (wide["safe"] == 0).sum()
    assert (units["visits"] == 6).all()
    assert {"emitted.score", "emitted.critical", "emitted.least_met"} == {c.code for c in found.claims}


def test_clusters_of_visits_widen_the_interval(seen):
    own = emitted.compliance(seen).table.set_index("standard_id").loc["solves"]
    assert own["n_eff"] < 0.8 * own["n"]
    assert own["conf_high"] - own["conf_low"] > 2 * 1.96 * 100 * np.sqrt(0.24 / own["n"])


def test_what_does_not_apply_is_counted_with_its_reason_and_weighs_nothing():
    visits = pd.DataFrame({"visit_id": ["a", "b", "c"], "unit_id": ["u", "u", "v"]})
    checks = pd.DataFrame(
        {
            "visit_id": ["a", "a", "b", "b", "c", "x"],
            "standard_id": ["greets", "solves"] * 2 + ["greets", "greets"],
            "result": [1, 0, 1, np.nan, np.nan, 1],
            "na_reason": [None, None, None, "not_applicable", "technical", None],
        }
    )
    frame = emitted.checked(checks, visits, STANDARDS.iloc[:2].assign(weight=[0.25, 0.75]))
    assert frame["part"].tolist() == [0.25, 0.75, 1.0]
    assert frame.attrs["n_dropped"] == {
        "not applicable at the visit": 1,
        "result missing": 1,
        "no such visit": 1,
    }
    assert frame.attrs["not_applicable"] == [
        {"standard_id": "greets", "reason": "technical", "n": 1},
        {"standard_id": "solves", "reason": "not_applicable", "n": 1},
    ]
    found = emitted.compliance(frame)
    assert found.tables["overall"]["estimate"].iloc[0] == pytest.approx((25 + 100) / 2)
    assert found.table.set_index("standard_id")["not_applicable"].to_dict() == {"greets": 1, "solves": 1}


def test_one_critical_failure_is_a_failed_visit_whatever_else_was_met():
    visits = pd.DataFrame({"visit_id": ["a", "b", "c", "d"], "unit_id": ["u", "u", "v", "v"]})
    checks = pd.DataFrame(
        {
            "visit_id": ["a", "a", "b", "b", "c", "c", "d", "d"],
            "standard_id": ["safe", "private"] * 4,
            "result": [1, 1, 1, 0, 0, 1, 1, 1],
        }
    )
    rules = pd.DataFrame({"standard_id": ["safe", "private"], "critical": [1, 1]})
    found = emitted.compliance(emitted.checked(checks, visits, rules))
    overall = found.tables["overall"].set_index("kind")["estimate"]
    assert overall.to_dict() == {"score": 75.0, "critical": 50.0}
    assert found.tables["units"]["critical_failed"].tolist() == [1, 1]


def test_a_unit_of_few_employees_is_not_shown(seen):
    staff = pd.DataFrame({"unit_id": range(40), "employees_n": [7] + [8] * 39})
    units = emitted.compliance(seen, units=staff, min_visits=7).tables["units"].set_index("unit_id")
    assert units.loc[0, "flag"] == "suppressed"
    assert (units.loc[1:, "flag"] == "low_base").all()


def test_visits_to_peers_compare_by_interaction_and_channel(field):
    checks, visits, _ = field
    both = visits.assign(
        peer_id=np.where(visits["unit_id"] < 20, None, "best"), interaction_type="sales", channel="store"
    )
    bad = (checks["visit_id"] < 120) & (checks["visit_id"] % 3 == 0)
    worse = checks.assign(result=np.where(bad, 0, checks["result"]))
    own = emitted.checked(worse, both, STANDARDS)
    assert own["unit_id"].max() == 19
    assert own.attrs["n_dropped"] == {"visit to another company": 360}
    everybody = emitted.checked(worse, both, STANDARDS, peers=True)
    found = emitted.beside(everybody, focal="us", by=["interaction_type", "channel"])
    assert found.table[["interaction_type", "channel", "peer", "verdict"]].to_numpy().tolist() == [
        ["sales", "store", "best", "below"]
    ]
    alone = emitted.beside(own, focal="us")
    assert alone.table.empty
    assert [claim.code for claim in alone.claims] == ["emitted.no_peers"]


def test_a_visit_of_two_evaluators_counts_once_and_gives_the_agreement(field):
    checks, visits, _ = field
    second = visits.head(30).assign(visit_id=visits["visit_id"] + 1000, paired_with=visits["visit_id"])
    all_visits = pd.concat([visits, second.assign(evaluator_id=second["evaluator_id"] + 1)])
    copied = checks[checks["visit_id"] < 30]
    flipped = copied["visit_id"] < 3
    seen_again = copied.assign(
        visit_id=copied["visit_id"] + 1000, result=np.where(flipped, 1 - copied["result"], copied["result"])
    )
    everything = pd.concat([checks, seen_again])
    frame = emitted.checked(everything, all_visits, STANDARDS)
    assert len(frame) == len(checks)
    assert frame.attrs["n_dropped"] == {"second evaluator of a visit": 90}
    twice = emitted.seen_twice(everything, all_visits, STANDARDS)
    assert len(twice) == 180
    asked = {"unit": "case", "rater": "evaluator_id", "rating": "met"}
    by_case = emitted.agreement(twice, **asked, resamples=400)
    assert by_case.tables["checks"].set_index("check")["value"]["observed"] == pytest.approx(81 / 90)
    # Checks of one visit err together: an interval by visit is wider.
    by_visit = emitted.agreement(twice, **asked, cluster="visit", resamples=400)
    assert by_visit.alpha == by_case.alpha
    assert by_visit.table["std_error"].iloc[0] > 1.2 * by_case.table["std_error"].iloc[0]
    assert emitted.seen_twice(checks, visits, STANDARDS).empty


# Link with what is perceived


def test_the_true_link_is_found_and_corrected_and_the_other_is_not(field, seen):
    found = emitted.perceived(seen, field[2], "nps")
    table = found.table.set_index("standard_id")
    assert table.loc["solves", "link"] == "linked"
    assert table.loc["solves", "place"] == "mend"
    assert table.loc["greets", "link"] != "linked"
    assert table.loc["solves", "corrected"] > table.loc["solves", "correlation"]
    rates = seen[seen["standard_id"] == "solves"].groupby("unit_id")["met"].mean()
    nps = field[2].groupby("unit_id")["recommend"].apply(lambda r: (r >= 9).sum() - (r <= 6).sum())
    assert table.loc["solves", "correlation"] == pytest.approx(np.corrcoef(rates, nps)[0, 1])
    assert table.loc["solves", "spearman"] == pytest.approx(rates.corr(nps, method="spearman"))
    assert [c.fields["standard"] for c in found.claims if c.code == "emitted.link"] == ["solves"]


def test_where_nothing_is_linked_it_says_what_would_have_been_seen():
    checks, visits, served = visited(np.random.default_rng(5), link=0.0)
    found = emitted.perceived(emitted.checked(checks, visits, STANDARDS), served, "nps")
    assert [c.code for c in found.claims] == ["emitted.link_none"]
    assert found.claims[0].fields["detectable"] == pytest.approx(0.49, abs=0.02)


def test_units_with_few_visits_or_customers_do_not_enter(field, seen):
    served = field[2][~((field[2]["unit_id"] == 0) & (field[2].index % 80 >= 9))]
    found = emitted.perceived(seen[~((seen["unit_id"] == 1) & (seen["visit_id"] > 7))], served, "nps")
    assert found.tables["perceived"].iloc[0][["units", "left_out"]].tolist() == [38, 2]
    assert (found.table["n"] == 38).all()


@pytest.mark.simulation
def test_the_corrected_interval_holds_its_level_and_noise_is_rarely_a_link():
    rng, inside, false = np.random.default_rng(8), 0, 0
    for _ in range(REPLICATIONS):
        checks, visits, served = visited(rng, link=0.6)
        row = emitted.perceived(emitted.checked(checks, visits, STANDARDS), served, "nps").table.set_index(
            "standard_id"
        )
        # Cutting at 2 and 98 % of a share and rounding at 0 and 10 leave the true correlation at .59.
        inside += row.loc["solves", "corrected_low"] <= 0.59 <= row.loc["solves", "corrected_high"]
        false += (row.loc[["greets", "safe"], "link"] == "linked").any()
    assert inside / REPLICATIONS >= 0.91
    assert false / REPLICATIONS <= 0.06


# Ladder and alignment


def test_the_ladder_sets_three_steps_side_by_side(seen, field):
    standards = STANDARDS.assign(item_id=["recommend", None, None], target=[0.95, np.nan, 1.0])
    found = emitted.ladder(seen, field[2], standards, scales={"recommend": (0, 10)})
    own = found.table.set_index(["standard_id", "step"])["estimate"]
    assert own["greets", "designed"] == 95
    assert own["safe", "designed"] == own["solves", "designed"] == 100
    assert own["greets", "perceived"] == pytest.approx(10 * field[2]["recommend"].mean())
    assert ("solves", "perceived") not in own.index


@pytest.fixture(scope="module")
def weighed():
    rng = np.random.default_rng(0)
    answers = pd.DataFrame(rng.integers(1, 8, (600, 4)), columns=["bill", "solve", "shop", "suit"]).astype(
        float
    )
    answers["overall"] = (
        2 * answers["bill"] + 2 * answers["solve"] + 0.2 * answers["shop"] + rng.normal(size=600)
    )
    return importance(answers, "overall", ["bill", "solve", "shop", "suit"], resamples=200)


def test_alignment_is_the_weight_on_what_weighs_most(weighed):
    standards = pd.DataFrame({"standard_id": list("abcd"), "item_id": ["suit", "suit", "shop", "bill"]})
    found = emitted.alignment(standards, weighed, top=2)
    index = found.tables["index"].iloc[0]
    assert index["estimate"] == 0.25
    assert (index["conf_low"], index["conf_high"]) == (0.25, 0.25)  # the first two are never others
    assert found.table.set_index("driver")["p_top"][["bill", "shop"]].tolist() == [1.0, 0.0]
    assert found.claims[0].fields["even"] == 0.5
    open_place = emitted.alignment(standards, weighed, top=3).tables["index"].iloc[0]
    assert open_place["conf_low"] <= open_place["estimate"] <= open_place["conf_high"]
    weighted = emitted.alignment(standards.assign(weight=[0.1, 0.1, 0.1, 0.7]), weighed, top=2)
    assert weighted.tables["index"]["estimate"].iloc[0] == pytest.approx(0.7)


# Messages


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"weight": [0.3, 0.6, np.nan]}, "weights that sum to 0.9"),
        ({"weight": [0.3, np.nan, 0.7]}, "no weight for solves"),
        ({"weight": [1.3, -0.3, np.nan]}, "positive weights that sum to 1"),
        ({"kind": ["binary", "scale", "binary"]}, "a standard without a target"),
        ({"kind": ["binary", "odd", "binary"]}, "an unknown kind of standard"),
        ({"standard_id": ["greets", "greets", "safe"]}, "duplicate rows"),
    ],
)
def test_standards_that_cannot_be_used_are_told(field, change, said):
    with pytest.raises(AnalysisError) as error:
        emitted.checked(field[0], field[1], STANDARDS.assign(**change))
    assert said in str(error.value)
    assert explain(error.value, "es")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda c, v, s: emitted.checked(pd.concat([c, c.iloc[:1]]), v, STANDARDS), "duplicate rows"),
        (lambda c, v, s: emitted.checked(c.assign(result=3.0), v, STANDARDS), "neither 0 nor 1"),
        (lambda c, v, s: emitted.checked(c.assign(result="yes"), v, STANDARDS), "give results as numbers"),
        (lambda c, v, s: emitted.checked(c.assign(result=np.nan), v, STANDARDS), "no row is left"),
        (
            lambda c, v, s: emitted.components(v.assign(x=1.0).head(1), score="x", unit="unit_id"),
            "need two units",
        ),
        (
            lambda c, v, s: emitted.components(v.assign(x="a"), score="x", unit="unit_id"),
            "a visit is a number",
        ),
        (
            lambda c, v, s: emitted.components(v.assign(x=1.0), score="x", unit="unit_id", target=1),
            "target is 1",
        ),
        (
            lambda c, v, s: emitted.icc(v.assign(x="a"), unit="unit_id", rater="evaluator_id", rating="x"),
            "ratings are numbers",
        ),
        (
            lambda c, v, s: emitted.perceived(emitted.checked(c, v, STANDARDS), s[s["unit_id"] < 3], "nps"),
            "3 units have 3 visits",
        ),
        (
            lambda c, v, s: emitted.perceived(emitted.checked(c, v, STANDARDS), s, "nps", relevant=2),
            "relevant is 2",
        ),
    ],
)
def test_every_message_says_what_to_do(field, call, said):
    with pytest.raises(AnalysisError) as error:
        call(*field)
    assert said in str(error.value)


def test_nothing_given_is_changed(field):
    before = [table.copy() for table in field]
    frame = emitted.checked(field[0], field[1], STANDARDS)
    kept = frame.copy()
    emitted.compliance(frame)
    emitted.perceived(frame, field[2], "nps")
    for table, own in zip((*field, frame), (*before, kept), strict=True):
        pd.testing.assert_frame_equal(table, own)
