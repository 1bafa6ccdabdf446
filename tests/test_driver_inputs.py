"""Every error and every warning of a driver analysis, each with its column and its remedy."""

import numpy as np
import pandas as pd
import pytest

from cxlab.analysis.drivers import (
    base_map,
    compare,
    importance,
    importance_of,
    importance_performance,
    penalty_reward,
    reduced,
)
from cxlab.analysis.drivers.moments import Moments
from cxlab.errors import AnalysisError
from cxlab.reporting.words import Words

DRIVERS = ["ease", "price", "speed"]


def survey(n=400, seed=0, halo=0.6, effects=(0.5, 0.3, 0.2), noise=0.8):
    """Ratings of 1 to 7 that share a halo, whole numbers, and an outcome of known effects."""
    rng = np.random.default_rng(seed)
    latent = halo * rng.normal(size=(n, 1)) + np.sqrt(1 - halo**2) * rng.normal(size=(n, 3))
    table = pd.DataFrame(np.clip(np.round(4 + 1.4 * latent), 1, 7), columns=DRIVERS)
    return table.assign(sat=(table @ np.array(effects) + noise * rng.normal(size=n)).round(3), w=1.0)


def put(table, column, value, rows=(0,)):
    return table.assign(**{column: table[column].where(~table.index.isin(list(rows)), value)})


def scaled(table):
    table.attrs["scales"] = {driver: [1, 7] for driver in DRIVERS}
    return table


# What is done to a good table, the call's options, and the error: column, what was found, what to do.
ERRORS = {
    "missing column": (
        lambda t: t.drop(columns="speed"), {},
        r"column speed: found no column of this name; allowed: a column of the table: ease, price, sat, w\. "
        r"correct the name, or map the column in client\.yaml",
    ),
    "outcome among drivers": (
        lambda t: t, {"outcome": "ease"},
        r"column ease: found a column with two roles \(outcome, drivers\); .*take it out of all roles",
    ),
    "duplicate drivers": (
        lambda t: t, {"drivers": ["ease", "ease", "price"]},
        r"column ease: found a column named 2 times; allowed: each column once\. name it once",
    ),
    "non-numeric text": (
        lambda t: put(t.astype({"price": object}), "price", "caro", (6,)), {},
        r"row 7, column price: found text or categories \('caro'\); allowed: numbers\. recode it to numbers",
    ),
    "code of no answer": (
        lambda t: put(t, "price", 99.0, (2, 9)), {},
        r"row 3, column price: found 99 \(2 rows\); .*code for no answer: declare it as missing",
    ),
    "off the declared scale": (
        lambda t: scaled(put(t, "price", 9.0, (2,))), {},
        r"row 3, column price: found 9; allowed: from 1 to 7\. declare the code as missing or not applicable",
    ),
    "infinite": (
        lambda t: put(t, "ease", np.inf), {},
        r"row 1, column ease: found an infinite value; allowed: a finite number",
    ),
    "constant driver": (
        lambda t: t.assign(speed=4.0), {},
        r"column speed: found one value only \(4\) \(400 rows\); .*leave it out, or widen the filter",
    ),
    "constant outcome": (
        lambda t: t.assign(sat=4.0), {}, r"column sat: found one value only \(4\)",
    ),
    "driver is the outcome": (
        lambda t: t.assign(speed=100 - 3 * t["sat"]), {},
        r"column speed: found the outcome 'sat' under another name; .*take it out of the drivers",
    ),
    "one driver": (
        lambda t: t, {"drivers": ["ease"]},
        r"found drivers: 1; allowed: from 2 to 60\. give at least 2 drivers: R2 is divided among them",
    ),
    "more than 60 drivers": (
        lambda t: t.assign(**{f"x{k}": t["ease"] + k for k in range(61)}),
        {"drivers": [f"x{k}" for k in range(61)]},
        r"found drivers: 61; allowed: from 2 to 60\. leave drivers out: so many cannot be told apart",
    ),
    "rated by too few": (
        lambda t: put(t, "speed", np.nan, range(29, 400)), {},
        r"column speed: found ratings of 29 people only; allowed: ratings of at least 30 \(min_rated\)\. "
        r"leave it out, widen the filter, or lower min_rated",
    ),
    "rated by under ten": (
        lambda t: put(t, "speed", np.nan, range(9, 400)), {},
        r"column speed: found ratings of <10 people only",
    ),
    "negative weight": (
        lambda t: put(t, "w", -2.0, (4,)), {"weights": "w"},
        r"row 5, column w: found -2\.0; allowed: a finite number, zero or more\. correct the weight",
    ),
    "missing weight": (
        lambda t: put(t, "w", np.nan, (4, 5)), {"weights": "w"},
        r"row 5, column w: found nan \(2 rows\); .*exclude the row in client\.yaml",
    ),
    "all weights zero": (
        lambda t: t.assign(w=0.0), {"weights": "w"}, r"weights column 'w' sums to zero",
    ),
    "weights in words": (
        lambda t: t.assign(w="alto"), {"weights": "w"},
        r"weights column 'w' is not numeric; convert it in client\.yaml",
    ),
    "empty stratum": (
        lambda t: put(t.assign(zone="RM"), "zone", None), {"strata": "zone"},
        r"strata column 'zone' is empty in 1 rows; complete it or exclude those rows",
    ),
    "too few answers": (
        lambda t: t.head(5), {},
        r"the effective sample is 5\.0 for 3 drivers and 0 further columns; more than 5 answers are needed",
    ),
    "too few answers once weighted": (
        lambda t: t.assign(w=np.r_[np.full(4, 1e6), np.full(396, 1e-6)]), {"weights": "w"},
        r"the effective sample is 4\.0 .*: use fewer drivers or more answers",
    ),
    "unknown control": (
        lambda t: t, {"controls": ["region"]}, r"column region: found no column of this name",
    ),
    "overlapping control": (
        lambda t: t, {"controls": ["ease"]},
        r"column ease: found a column with two roles \(drivers, controls\)",
    ),
    "control of names": (
        lambda t: t.assign(who=[f"p{k}" for k in range(400)]), {"controls": ["who"]},
        r"column who: found 400 different values, .*group the categories",
    ),
    "unknown in a group": (
        lambda t: t, {"groups": {"g": ["ease", "zeal"]}},
        r"column zeal: found a column in a group that is not among the drivers; .*add it to the drivers",
    ),
    "overlapping groups": (
        lambda t: t, {"groups": {"g": ["ease"], "h": ["ease", "price"]}},
        r"column ease: found a driver in more than one group; .*leave it in one of them",
    ),
    "NPS off 0 to 10": (
        lambda t: t.assign(sat=t["ease"] + 5), {"outcome_type": "nps"},
        r"row \d+, column sat: found 11, 12 .*; allowed: from 0 to 10\. declare codes of no answer",
    ),
    "NPS between its points": (
        lambda t: t, {"outcome_type": "nps"},
        r"column sat: found .*; allowed: whole numbers from 0 to 10\. give the answers as they were",
    ),
    "binary of one class": (
        lambda t: t.assign(sat=1), {"outcome_type": "binary"},
        r"column sat: found one class only \(1\); allowed: two classes\. widen the filter, or choose another",
    ),
    "min_rated of nobody": (lambda t: t, {"min_rated": 0}, r"min_rated is 0; give a whole number, 10 or"),
}  # fmt: skip


def call(table, options):
    given = {"outcome": "sat", "drivers": DRIVERS, "resamples": 0, **options}
    return importance(table, given.pop("outcome"), given.pop("drivers"), **given)


@pytest.mark.parametrize("name", ERRORS)
def test_errors_name_the_column_and_the_remedy(name):
    spoil, options, message = ERRORS[name]
    with pytest.raises(AnalysisError, match=message) as caught:
        call(spoil(survey()), options)
    # In Spanish, too: nothing is left untranslated.
    spanish = Words("es")
    for problem in caught.value.problems:
        for text in (problem.found, problem.allowed, problem.action):
            assert not hasattr(text, "template") or spanish.message(text)


def test_all_problems_are_told_at_once():
    table = put(survey(), "price", 99.0).assign(ease="x", speed=4.0, w=-1.0)
    options = {"weights": "w", "controls": ["zone", "ease"], "groups": {"g": ["price", "zeal"]}}
    with pytest.raises(AnalysisError) as caught:
        call(table, options)
    told = sorted((p.column, str(p.found).split(" (")[0]) for p in caught.value.problems)
    assert told == [
        ("ease", "a column with two roles"),
        ("ease", "text or categories"),
        ("price", "99"),
        ("speed", "one value only"),
        ("w", "-1.0"),
        ("zeal", "a column in a group that is not among the drivers"),
        ("zone", "no column of this name"),
    ]


def test_few_raters_pass_where_everybody_rated_or_where_asked():
    assert call(survey(25), {}).n_used == 25
    table = put(survey(), "speed", np.nan, range(29, 400))
    found = call(table, {"min_rated": 29}).table.set_index("driver")
    assert found.loc["speed", "n"] == 29
    assert found.loc["speed", "flag"] == "low_base"
    assert call(table, {"not_applicable": "listwise"}).n_used == 29


def test_a_driver_with_few_high_ratings_is_no_number_of_penalty_and_reward():
    table = survey()
    table["price"] = table["price"].clip(upper=5)
    found = penalty_reward(table, "sat", DRIVERS, cuts=(3, 6), resamples=50)
    assert "price" not in set(found.table["driver"])
    left = found.tables["left_out"].set_index("driver").loc["price"]
    assert left["n_high"] == 0
    assert left["reason"] == "fewer than 30 low or high ratings"


def test_a_segment_says_which_column_stopped_it():
    table = survey().assign(plan=np.repeat(["a", "b"], 200))
    table = put(table, "speed", np.nan, range(10, 200))
    left = compare(table, "sat", DRIVERS, by=["plan"], resamples=0).tables["left_out"]
    assert left.loc[0, "plan"] == "a"
    assert left.loc[0, "reason"] == "speed: ratings of 10 people only"
    both = compare(table, "sat", DRIVERS, by=["plan"], min_rated=10, resamples=0)
    assert set(both.table["plan"]) == {"a", "b"}


def halved(table):
    """A tenth of the people carry nearly all the weight."""
    return table.assign(w=np.where(np.arange(len(table)) % 10 == 0, 30.0, 1.0))


def seldom(table):
    return put(table, "speed", np.nan, range(0, len(table) - 90))


# What is done to a good table, the options, the check and its driver, the advice, the caveat on claims.
WARNINGS = {
    "copies": (
        lambda t: t.assign(copy=2 * t["ease"] - 1), {"drivers": [*DRIVERS, "copy"]}, "vif", "copy",
        "the other drivers determine copy (ease): they share its part equally and it has no coefficient",
        "drivers_aliased",
    ),
    "aliased": (
        lambda t: t.assign(index=t["ease"] + t["price"]), {"drivers": [*DRIVERS, "index"]}, "vif", "index",
        "determine index (ease, price)", "drivers_aliased",
    ),
    "VIF": (
        lambda t: t.assign(near=t["ease"] + 0.2 * np.sin(t.index)), {"drivers": [*DRIVERS, "near"]},
        "vif", "near", "VIF of near is ", None,
    ),
    "halo": (
        lambda t: survey(halo=0.93), {}, "mean_correlation", "",
        "the drivers move together (mean correlation 0.", "drivers_move_together",
    ),
    "sign flip": (
        lambda t: t.assign(price=0.9 * t["ease"] + 0.1 * t["price"], sat=lambda d: 3 * d["ease"]
                           - 2 * d["price"] + 0.1 * d["speed"] + 0.1 * np.sin(d.index)), {},
        "sign", "price", "price goes one way with the outcome and the other way", None,
    ),
    "not applicable to most": (
        seldom, {}, "rated", "speed", "speed was rated by 22%: its share is reach times depth", None,
    ),
    "complete rows": (
        seldom, {}, "complete_rows", "", "only 22% of the respondents rated every driver", None,
    ),
    "little explained": (
        lambda t: survey(noise=5.0, effects=(1.2, 0.0, 0.0)), {}, "r_squared", "",
        "the drivers explain 9% of sat: most of it lies elsewhere", "little_explained",
    ),
    "design effect": (
        halved, {"weights": "w"}, "design_effect", "", "unequal weights cost precision: design effect 6.0",
        "small_effective_sample",
    ),
    "coded backwards": (
        lambda t: t.assign(price=8 - t["price"]), {}, "coding", "price",
        "price goes against sat and against most other drivers: if a high number is a bad answer there, "
        "declare it under reverse in client.yaml", "coded_backwards",
    ),
    "outcome coded backwards": (
        lambda t: t.assign(sat=-t["sat"]), {}, "coding", "", "100% of the drivers go against sat: if", None,
    ),
    "empty in samples": (
        lambda t: t.assign(zone=["Norte"] + ["RM"] * 399), {"controls": ["zone"], "resamples": 300},
        "empty_samples", "", "% of the bootstrap samples nothing varies in zone: Norte: their intervals",
        "empty_samples",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WARNINGS)
def test_warnings_are_checks_with_advice(name):
    spoil, options, check, driver, advice, caveat = WARNINGS[name]
    found = call(spoil(survey()), options)
    rows = found.tables["checks"].set_index(["check", "driver"])
    assert advice in rows.loc[(check, driver), "advice"]
    assert Words("es").message(rows.loc[(check, driver), "advice"]) != rows.loc[(check, driver), "advice"]
    if caveat is not None:
        beside = {code for claim in (*found.claims, *found.otherwise) for code in claim.caveats}
        assert caveat in beside


def test_a_good_survey_has_no_advice():
    found = call(survey(), {"resamples": 300})
    assert set(found.tables["checks"]["advice"]) == {""}
    assert {code for claim in found.claims for code in claim.caveats} == {"association_not_cause"}
    assert found.tables["checks"].set_index("check").loc["empty_samples", "value"] == 0


def test_only_the_driver_that_is_turned_carries_the_caveat():
    found = call(survey().assign(price=lambda t: 8 - t["price"]), {})
    tops = {c.fields["driver"]: c.caveats for c in found.claims if c.code == "drivers.top"}
    assert "coded_backwards" in tops["price"]
    assert "coded_backwards" not in tops["ease"]


def test_constant_columns_of_a_sample_are_counted():
    covariance = np.zeros((2, 2, 4))
    covariance[0, 0], covariance[1, 1] = 1.0, [1.0, 0.0, 1e-16, 0.5]
    held = Moments(np.zeros((2, 4)), covariance, np.zeros((0, 4)))
    assert held.constant.tolist() == [[False] * 4, [False, True, True, False]]


# Samples, types and names that say nothing, or say it otherwise.


def few_yes(n=40):
    """An outcome that two of `n` people hold: many bootstrap samples have neither."""
    rng = np.random.default_rng(5)
    table = pd.DataFrame(rng.integers(1, 8, (n, 3)).astype(float), columns=["a", "b", "c"])
    return table.assign(stays=(np.arange(n) < 2).astype(int), plan=np.where(np.arange(n) % 2, "x", "y"))


def test_samples_that_say_nothing_are_replaced_and_told():
    given = {"outcome_type": "binary", "resamples": 200}
    found = importance(few_yes(), "stays", ["a", "b", "c"], **given)
    assert found.table[["std_error", "conf_low", "conf_high", "p_top3"]].notna().all(axis=None)
    assert found.draws.shares.sum(axis=0) == pytest.approx(np.ones(200))
    row = found.tables["checks"].set_index("check").loc["empty_samples"]
    assert 0.05 < row["value"] < 0.3  # neither is drawn in one of e^2
    assert "nothing varies in stays" in row["advice"]
    of_plans = compare(few_yes(), "stays", ["a", "b", "c"], by="plan", **given).table
    assert of_plans[["conf_low", "conf_high"]].notna().all(axis=None)
    held = reduced(few_yes(), "stays", ["a", "b", "c"], outcome_type="binary", buckets=30)
    assert importance_of(held, resamples=200).table["conf_low"].notna().all()


def test_no_interval_where_hardly_any_sample_says_something():
    table = few_yes().assign(shop=lambda t: np.where(t["stays"] == 1, 0, 1))
    with pytest.raises(AnalysisError, match=r"in \d+ of 40 bootstrap samples no driver goes with stays"):
        importance(table, "stays", ["a", "b", "c"], outcome_type="binary", cluster="shop", resamples=40)


def test_a_segment_of_which_no_cluster_was_drawn_is_no_division_by_zero():
    rng = np.random.default_rng(2)
    table = pd.DataFrame(rng.integers(1, 8, (300, 2)).astype(float), columns=["a", "b"])
    # Two of six shops have plan x: one sample in eight has neither.
    table = table.assign(sat=table["a"] + rng.normal(size=300), shop=np.repeat(range(6), 50))
    table["plan"] = np.where(table["shop"] < 2, "x", "y")
    found = compare(table, "sat", ["a", "b"], by="plan", cluster="shop", resamples=60)
    assert found.table["conf_low"].notna().all()


def test_yes_and_no_are_numbers_however_they_are_held():
    table = survey().assign(member=lambda t: (t["price"] > 4).astype(object))
    drivers = [*DRIVERS, "member"]
    table.loc[:40, "member"] = None
    for held in (table, table.assign(member=table["member"].astype("boolean"))):
        shares = importance(held, "sat", drivers, resamples=0).table.set_index("driver")["share"]
        other = importance_of(reduced(held, "sat", drivers), resamples=0).table.set_index("driver")["share"]
        assert other[drivers].to_numpy() == pytest.approx(shares[drivers].to_numpy(), abs=1e-9)
        assert base_map(held, drivers).table.set_index("driver").loc["member", "n"] == len(table) - 41


def test_names_of_several_parts_are_refused():
    table = survey()
    table.columns = pd.MultiIndex.from_product([["wave"], table.columns])
    drivers = [("wave", name) for name in DRIVERS]
    for run in (importance, reduced, base_map):
        given = (table, drivers) if run is base_map else (table, ("wave", "sat"), drivers)
        with pytest.raises(AnalysisError, match="names of several parts: .*give each column one name"):
            run(*given)


def test_nothing_to_divide_is_said_by_every_method():
    table = survey()
    copies = {f"{name}_2": table[name] for name in DRIVERS}
    for method in ("lmg", "johnson", "pmvd"):
        with pytest.raises(AnalysisError, match="no driver goes with sat in any way"):
            importance(table.assign(**copies), "sat", DRIVERS, controls=list(copies), method=method)


@pytest.mark.parametrize("ends", [(4, 4), (7, 1), (1,), (1, 4, 7), (1, np.inf), "17", 5])
def test_a_scale_is_two_numbers_the_lower_first(ends):
    found = importance(survey(), "sat", DRIVERS, resamples=0)
    message = r"the scale of ease is .*; give its lowest and its highest point, e\.g\. \[1, 7\]"
    with pytest.raises(AnalysisError, match=message):
        importance_performance(found, scales={"ease": ends})
    declared = survey()
    declared.attrs["scales"] = {"ease": ends}
    for run in (importance, reduced):
        with pytest.raises(AnalysisError, match=message):
            run(declared, "sat", DRIVERS)


@pytest.mark.parametrize(
    "given",
    [{"outcome": ["sat"]}, {"drivers": None}, {"drivers": [["ease"], "price"]}, {"weights": ["w"]},
     {"strata": ["w"]}, {"controls": None}],
)  # fmt: skip
def test_what_is_no_name_is_refused(given):
    for run in (importance, reduced):
        with pytest.raises(AnalysisError, match="is no name of a column; give one name"):
            run(survey(), **{"outcome": "sat", "drivers": DRIVERS, **given})


@pytest.mark.parametrize(
    "given",
    [{"negligible": "a"}, {"symmetric": None}, {"base_minimum": 2.5}, {"resamples": 2.5}, {"resamples": 2}],
)
def test_options_of_penalty_and_reward_are_numbers(given):
    with pytest.raises(
        AnalysisError, match=r"(negligible|symmetric|base_minimum|resamples) is .*; allowed: "
    ):
        penalty_reward(survey(), "sat", DRIVERS, cuts=(3, 6), **given)


@pytest.mark.parametrize("resamples", [1, 2, 19, True, 20.0])
def test_an_interval_of_a_few_samples_is_refused(resamples):
    with pytest.raises(AnalysisError, match="resamples is .*; give 0 for no bootstrap, or 1000"):
        importance(survey(), "sat", DRIVERS, resamples=resamples)
