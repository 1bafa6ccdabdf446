"""Importance by segment: as on the subset, nothing lost; differences by oracle and simulation; Simpson."""

import os

import numpy as np
import pandas as pd
import pytest
from statsmodels.regression.linear_model import OLS, WLS

from cxlab.analysis.drivers import compare, importance
from cxlab.analysis.estimates import masked
from cxlab.errors import AnalysisError, Message

REPLICATIONS = int(os.environ.get("CXLAB_REPLICATIONS", 200))
DRIVERS = ["ease", "price", "speed"]
STABLE = ["importance", "share", "rank", "coefficient", "coefficient_low", "coefficient_high", "n"]


def survey(n=240, seed=3):
    """Three rated attributes, of which ease matters in plan a and price in b; plan c has 6 answers, d 30."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.integers(1, 8, (n, 3)).astype(float), columns=DRIVERS)
    table["plan"] = np.where(np.arange(n) % 2, "a", "b")
    table.loc[:5, "plan"], table.loc[6:35, "plan"] = "c", "d"
    table["channel"] = rng.choice(["app", "shop"], n)
    matters = np.where(table["plan"] == "b", table["price"], table["ease"])
    table["overall"] = (0.7 * matters + rng.normal(2, 1, n)).clip(1, 7).round()
    table["w"] = rng.uniform(0.5, 2.0, n)
    return table


def test_each_segment_is_importance_on_its_rows():
    table = survey()
    before = table.copy(deep=True)
    choices = {"weights": "w", "controls": ["channel"], "not_applicable": "listwise", "resamples": 0}
    result = compare(table, "overall", DRIVERS, by="plan", **choices)
    pd.testing.assert_frame_equal(table, before)
    for plan in ("a", "b"):
        own = (
            result.table[result.table["plan"] == plan].drop(columns=["plan", "weighs"]).reset_index(drop=True)
        )
        alone = importance(table[table["plan"] == plan], "overall", DRIVERS, **choices)
        pd.testing.assert_frame_equal(own.reset_index(drop=True), alone.table)
    assert list(result.table.columns) == ["plan", *alone.table.columns[:-1], "weighs", "flag"]
    assert result.table.groupby("plan")["driver"].first().to_dict() == {"a": "ease", "b": "price"}
    assert result.estimate_column == "share"


def test_intervals_come_from_a_seed_of_each_segment():
    table = survey()
    one = compare(table, "overall", DRIVERS, by=["plan"], resamples=40, seed=5)
    again = compare(table, "overall", DRIVERS, by=("plan",), resamples=40, seed=5)
    pd.testing.assert_frame_equal(one.table, again.table)
    other = compare(table, "overall", DRIVERS, by=["plan"], resamples=40, seed=6)
    assert not np.allclose(one.table["conf_low"], other.table["conf_low"])
    pd.testing.assert_frame_equal(one.table[STABLE], other.table[STABLE])
    assert (one.table["conf_low"] <= one.table["conf_high"]).all()


def test_segments_with_few_answers_are_left_out_and_hidden():
    result = compare(survey(), "overall", DRIVERS, by=["plan"], resamples=0)
    assert set(result.table["plan"]) == {"a", "b"}
    left_out = result.tables["left_out"]
    assert left_out[["plan", "n", "reason", "flag"]].to_numpy().tolist() == [
        ["c", 6, "fewer than 10 answers", "suppressed"],
        ["d", 30, "left out with a small one, which would follow by subtraction", "suppressed"],
    ]
    assert left_out["withheld"].tolist() == [False, True]
    assert left_out["reason"].iloc[0].template == "fewer than {minimum} answers"
    hidden = masked(result).tables["left_out"]
    assert hidden["n"].isna().all()
    assert hidden["plan"].tolist() == ["c", "d"]
    assert result.n_dropped == {"segment left out": 36}


def test_the_reason_a_segment_cannot_be_estimated_is_kept():
    table = survey()
    table.loc[table["plan"] == "a", "ease"] = 4.0
    result = compare(table, "overall", DRIVERS, by=["plan"], resamples=0)
    left_out = result.tables["left_out"].set_index("plan")
    assert left_out.loc["a", "reason"] == "ease: one value only (4)"
    assert isinstance(left_out.loc["a", "reason"], Message)
    assert left_out.loc["a", "flag"] == "ok"
    assert set(result.table["plan"]) == {"b"}


def test_a_segment_in_which_nothing_goes_with_the_outcome_is_left_out():
    cross = pd.DataFrame({"d0": [1, 1, 2, 2] * 10, "d1": [1, 2, 1, 2] * 10, "y": [1, 2, 2, 1] * 10})
    table = pd.concat([halo([60])[["d0", "d1", "y", "segment"]], cross.assign(segment="b")])
    result = compare(table, "y", ["d0", "d1"], by="segment", resamples=20)
    assert result.table["segment"].unique().tolist() == ["a"]
    left = result.tables["left_out"].set_index("segment")["reason"]
    assert left["b"].startswith("no driver goes with y in any way")
    assert result.claims == ()


def test_every_row_is_used_or_dropped_for_a_reason():
    table = survey()
    table.loc[10:19, "plan"] = None
    table.loc[18:24, "channel"] = None
    table.loc[130:133, "overall"] = np.nan
    table.loc[40:41, "w"] = 0.0
    table.loc[50, DRIVERS] = np.nan
    result = compare(table, "overall", DRIVERS, by=["plan", "channel"], weights="w", resamples=0)
    assert result.n_dropped == {
        "plan missing": 10, "channel missing": 5, "weight zero": 2, "overall missing": 4,
        "no driver rated": 1, "segment left out": 21,
    }  # fmt: skip
    assert result.n_used + sum(result.n_dropped.values()) == len(table)
    assert result.keys[:2] == ("plan", "channel")


def test_without_by_there_is_nothing_to_split():
    result = compare(survey(), "overall", DRIVERS, by=())
    assert result.table.empty
    assert result.tables["left_out"].empty
    assert (result.n_used, dict(result.n_dropped)) == (0, {})


def test_categories_text_dtypes_and_odd_indexes_change_nothing():
    table = survey()
    plain = compare(table, "overall", DRIVERS, by="plan", resamples=0)
    plan = pd.Categorical(table["plan"], categories=["b", "a", "d", "c", "unused"], ordered=True)
    ordered = compare(table.assign(plan=plan), "overall", DRIVERS, by="plan", resamples=0)
    assert ordered.table["plan"].unique().tolist() == ["b", "a"]
    typed = table.convert_dtypes(dtype_backend="pyarrow").set_index(pd.Index(["same"] * len(table)))
    other = compare(typed, "overall", DRIVERS, by="plan", resamples=0)
    np.testing.assert_allclose(other.table["share"], plain.table["share"])


@pytest.mark.parametrize(
    ("change", "asked", "message"),
    [
        ({}, {"by": ["nope"]}, "no column nope; it has ease, price"),
        ({}, {"by": ["overall"]}, "overall cannot both split the table and be analysed; take it out of `by`"),
        ({}, {"by": ["plan", "ease"]}, "ease cannot both split"),
        ({}, {"by": "channel", "controls": ["channel"]}, "channel cannot both split"),
        ({}, {"by": "w", "weights": "w"}, "w cannot both split"),
        ({"plan": [["a"]] * 240}, {"by": "plan"}, "column 'plan' holds lists or mappings"),
        ({"response_id": 1}, {"by": "plan"}, "response_id repeated: 1 .240 rows"),
    ],
)
def test_refusals(change, asked, message):
    with pytest.raises(AnalysisError, match=message):
        compare(survey().assign(**change), "overall", DRIVERS, resamples=0, **asked)


# Differences


def halo(sizes, seed=0, effects=((0.5, 0.3, 0.1, 0.0),), level=0.0, noise=1.0):
    """Answers of segments a, b...: effects of four drivers (the last for the rest), means `level` apart."""
    rng = np.random.default_rng(seed)
    parts = []
    for k, n in enumerate(sizes):
        mood = rng.normal(size=(n, 1))
        own = np.clip(np.round(4.5 + level * k + 0.9 * mood + 1.1 * rng.normal(size=(n, 4))), 1, 10)
        part = pd.DataFrame(own, columns=["d0", "d1", "d2", "d3"])
        part["y"] = own @ effects[min(k, len(effects) - 1)] + noise * rng.normal(size=n)
        parts.append(part.assign(segment="abcdefghij"[k]))
    return pd.concat(parts, ignore_index=True)


FOUR = ["d0", "d1", "d2", "d3"]


def test_a_planted_difference_is_found_stated_and_marked():
    table = halo([300, 300], effects=((0.7, 0.2, 0.2, 0.0), (0.2, 0.7, 0.2, 0.0)))
    result = compare(table, "y", FOUR, by="segment", resamples=300)
    own = result.table.set_index(["segment", "driver"])
    rows = result.tables["differences"].set_index("driver")
    for driver in FOUR:
        expected = own.loc[("a", driver), "share"] - own.loc[("b", driver), "share"]
        assert rows.loc[driver, "difference"] == pytest.approx(expected)
        assert rows.loc[driver, "conf_low"] <= rows.loc[driver, "difference"] <= rows.loc[driver, "conf_high"]
    assert own["weighs"].unstack("segment").to_dict("index") == {
        "d0": {"a": "more", "b": "less"}, "d1": {"a": "less", "b": "more"},
        "d2": {"a": "open", "b": "open"}, "d3": {"a": "open", "b": "open"},
    }  # fmt: skip
    claims = {c.fields["driver"]: c for c in result.claims if c.code == "drivers.segment"}
    assert set(claims) == {"d0", "d1"}
    fields = claims["d0"].fields
    assert (fields["segment"], fields["other"], fields["measure"]) == ("a", "b", "share")
    assert fields["value"] == pytest.approx(own.loc[("a", "d0"), "share"])
    assert fields["other_value"] == pytest.approx(own.loc[("b", "d0"), "share"])
    assert claims["d0"].grade == "C"
    assert "shares_of_different_totals" in claims["d0"].caveats
    assert result.otherwise[0].code == "drivers.segments_alike"
    tests = result.tables["tests"]
    assert len(tests) == 3 * len(FOUR)
    assert tests["p_adjusted"].min() == pytest.approx(tests["p_value"].min() * len(tests))


def test_where_nothing_differs_it_is_said_with_the_base_and_what_would_be_seen():
    result = compare(halo([150, 250, 90], seed=4), "y", FOUR, by="segment", resamples=200)
    (claim,) = result.claims
    assert claim.code == "drivers.segments_alike"
    assert claim.fields["segments"] == 3
    assert claim.fields["n"] == 90
    # Eighty per cent power at one of 24 shares: some 3.9 typical standard errors.
    typical = result.tables["differences"]["std_error"].median()
    assert 3 * typical < claim.fields["detectable"] < 5 * typical
    assert (result.table["weighs"] == "open").all()


def test_differences_of_coefficients_are_the_interactions_of_one_regression():
    table = halo([80, 120], effects=((0.7, 0.2, 0.2, 0.0), (0.2, 0.6, 0.2, 0.1)))
    rows = compare(table, "y", FOUR, by="segment", resamples=0).tables["differences"].set_index("driver")
    first = (table["segment"] == "a").to_numpy(dtype=float)
    x = table[FOUR].to_numpy()
    design = np.column_stack([np.ones(len(table)), first, x, x * first[:, None]])
    oracle = OLS(table["y"].to_numpy(), design).fit(cov_type="HC3")
    assert rows["coefficient_difference"].to_numpy() == pytest.approx(oracle.params[-4:])
    reach = rows["coefficient_difference_high"] - rows["coefficient_difference"]
    # The oracle's quantile is the normal's; ours Student's t with some 120 to 190 degrees of freedom.
    assert (reach / oracle.bse[-4:]).between(1.96, 1.99).all()
    assert rows["coefficient_p_value"].to_numpy() == pytest.approx(oracle.pvalues[-4:], abs=0.01)
    assert rows[["p_value", "conf_low"]].isna().all(axis=None)


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_segments_turns_signs_and_nothing_else(seed):
    table = halo([70, 110], seed)
    turned = table.assign(segment=table["segment"].map({"a": "b", "b": "a"}))
    one, other = (
        compare(t, "y", FOUR, by="segment", resamples=0).tables["differences"] for t in (table, turned)
    )
    for column in ("difference", "coefficient_difference"):
        np.testing.assert_allclose(one[column], -other[column], atol=1e-12)
    np.testing.assert_allclose(one["coefficient_difference_low"], -other["coefficient_difference_high"])
    np.testing.assert_allclose(one["coefficient_p_adjusted"], other["coefficient_p_adjusted"])


def test_with_more_than_four_segments_each_is_set_against_the_mean_of_the_others():
    table = halo([60, 80, 100, 120, 140], seed=2)
    result = compare(table, "y", FOUR, by="segment", resamples=50)
    rows = result.tables["differences"]
    assert rows["segment"].unique().tolist() == list("abcde")
    assert (rows["other"] == "").all()
    share = result.table.pivot(index="driver", columns="segment", values="share")
    others = share[list("abde")] @ np.array([60, 80, 120, 140]) / 400
    found = rows[rows["segment"] == "c"].set_index("driver")
    assert found["difference"].to_numpy() == pytest.approx((share["c"] - others)[found.index].to_numpy())
    assert found["n"].tolist() == [100] * 4


def test_people_who_answer_in_two_segments_are_drawn_together():
    once = halo([150], seed=6)
    twice = pd.concat([once, once.assign(segment="b")], ignore_index=True)
    twice["person"] = np.tile(np.arange(150), 2)
    apart = compare(twice, "y", FOUR, by="segment", resamples=300).tables["differences"]
    together = compare(twice, "y", FOUR, by="segment", cluster="person", resamples=300).tables["differences"]
    assert together["difference"].to_numpy() == pytest.approx(0.0, abs=1e-12)
    # The same answers twice: their difference is nothing, in every sample.
    assert together["conf_high"].to_numpy() == pytest.approx(0.0, abs=1e-9)
    assert (apart["conf_high"] > 0.03).any()
    width = (t["coefficient_difference_high"] - t["coefficient_difference_low"] for t in (together, apart))
    narrow, wide = width
    assert (narrow < 0.5 * wide).all()


def test_an_ordered_outcome_has_the_same_steps_in_a_segment_that_lacks_an_answer():
    table = halo([120, 120], seed=3)
    table["answer"] = np.digitize(table["y"], np.quantile(table["y"], [0.2, 0.5, 0.8])) * 10.0
    low = (table["segment"] == "b") & (table["answer"] == 10)
    table.loc[low, "answer"] = 20.0
    steps = compare(table, "answer", FOUR, by="segment", outcome_type="ordered", resamples=0)
    plain = compare(table.assign(answer=table["answer"] / 10), "answer", FOUR, by="segment", resamples=0)
    np.testing.assert_allclose(steps.table["coefficient"], plain.table["coefficient"])


@pytest.mark.simulation
def test_alike_segments_are_told_apart_in_at_most_one_of_twenty_surveys():
    # Small and unequal segments: where a share's own error is least to be trusted.
    stated, surveys = 0, REPLICATIONS // 2
    for seed in range(surveys):
        table = halo([50, 300] if seed % 2 else [60, 80, 120], 1000 + seed, noise=2.0)
        result = compare(table, "y", FOUR, by="segment", resamples=60, seed=seed)
        stated += any("hypothesis" in claim.fields for claim in result.claims)
    assert stated <= surveys * 0.05 + 2 * np.sqrt(surveys * 0.05 * 0.95)


@pytest.mark.simulation
def test_a_large_difference_is_found_four_times_in_five():
    found = 0
    for seed in range(REPLICATIONS // 8):
        table = halo([250, 250], seed, effects=((0.6, 0.2, 0.2, 0.0), (0.2, 0.6, 0.2, 0.0)), noise=1.3)
        result = compare(table, "y", FOUR, by="segment", resamples=80, seed=seed)
        stated = {c.fields["driver"] for c in result.claims if c.code == "drivers.segment"}
        found += bool(stated & {"d0", "d1"})
    assert found >= 0.8 * (REPLICATIONS // 8)


# All together against within


def paradox(n=600, seed=0, within=-0.4, level=2.5):
    """Segments with higher ratings have higher outcomes; within them `d0` goes the other way."""
    rng = np.random.default_rng(seed)
    at = rng.integers(0, 3, n)
    table = pd.DataFrame(rng.normal(5, 1, (n, 2)), columns=["d0", "d1"])
    table["d0"] += 2.0 * at
    table["y"] = level * at + within * (table["d0"] - 2.0 * at) + 0.5 * table["d1"] + rng.normal(size=n)
    return table.assign(segment=np.array(["a", "b", "c"])[at])


def test_a_coefficient_that_turns_round_within_segments_is_said():
    table = paradox()
    result = compare(table, "y", ["d0", "d1"], by="segment", resamples=200)
    row = result.tables["pooled"].set_index("driver").loc["d0"]
    assert row["coefficient_low"] > 0 > row["within_high"]
    claim = next(c for c in result.claims if c.code == "drivers.simpson")
    assert (claim.fields["driver"], claim.fields["kind"]) == ("d0", "reversed")
    assert claim.fields["estimate"] == pytest.approx(row["within"])
    assert claim.fields["pooled"] == pytest.approx(row["coefficient"])
    dummies = pd.get_dummies(table["segment"]).to_numpy(dtype=float)
    oracle = OLS(table["y"], np.column_stack([dummies, table[["d0", "d1"]]])).fit()
    assert row["within"] == pytest.approx(oracle.params.iloc[-2])


def test_what_goes_within_segments_is_said_and_what_stays_is_not():
    gone = compare(paradox(within=0.0), "y", ["d0", "d1"], by="segment", resamples=200)
    kinds = [c.fields["kind"] for c in gone.claims if c.code == "drivers.simpson"]
    assert kinds == ["shrunk"]
    stays = compare(halo([200, 200], level=1.0), "y", FOUR, by="segment", resamples=200)
    assert not [c for c in stays.claims if c.code == "drivers.simpson"]


def test_segments_that_go_both_ways_are_not_said_to_turn_round():
    # In one of them the direction of all together holds: they differ, and that is another claim.
    table = paradox(1200, seed=1, within=-1.2, level=5.0)
    up = table["segment"] == "a"
    table.loc[up, "y"] += 1.8 * (table.loc[up, "d0"] - 5)
    result = compare(table, "y", ["d0", "d1"], by="segment", resamples=200)
    row = result.tables["pooled"].set_index("driver").loc["d0"]
    assert row["coefficient_low"] > 0 > row["within_high"]
    own = result.table.set_index(["segment", "driver"])["coefficient_low"]
    assert own[("a", "d0")] > 0
    said = [c.fields["kind"] for c in result.claims if c.code == "drivers.simpson"]
    assert "reversed" not in said


def test_the_first_of_all_together_may_be_first_nowhere():
    rng = np.random.default_rng(5)
    at = np.repeat([0.0, 1.0], 400)
    table = pd.DataFrame(rng.normal(5, 1, (800, 2)), columns=["d0", "d1"])
    table["d0"] += 4 * at
    table["y"] = 6 * at + 0.8 * table["d1"] + rng.normal(size=800)
    table["segment"] = np.where(at > 0, "b", "a")
    result = compare(table, "y", ["d0", "d1"], by="segment", resamples=200)
    claim = next(c for c in result.claims if c.code == "drivers.first_elsewhere")
    assert (claim.fields["driver"], claim.fields["segments"]) == ("d0", 2)
    assert not [
        c
        for c in compare(halo([300, 300]), "y", FOUR, by="segment", resamples=100).claims
        if c.code == "drivers.first_elsewhere"
    ]


def test_weights_enter_the_comparison_of_coefficients():
    table = halo([100, 100], seed=8).assign(w=np.random.default_rng(1).uniform(0.5, 2, 200))
    rows = compare(table, "y", FOUR, by="segment", weights="w", resamples=0).tables["pooled"]
    dummies = pd.get_dummies(table["segment"]).to_numpy(dtype=float)
    oracle = WLS(table["y"], np.column_stack([dummies, table[FOUR]]), weights=table["w"]).fit()
    assert rows["within"].to_numpy() == pytest.approx(oracle.params.to_numpy()[-4:])


def test_each_segment_says_how_much_is_explained_in_it():
    table = survey()
    levels = compare(table, "overall", DRIVERS, by="plan", resamples=0).tables["segments"].set_index("plan")
    own = table[table["plan"] == "a"]
    alone = importance(own, "overall", DRIVERS, resamples=0)
    assert levels.loc["a", "r_squared"] == pytest.approx(alone.r_squared)
    assert levels.loc["a", "mean_outcome"] == pytest.approx(own["overall"].mean())
    assert levels.loc["a", "n"] == len(own)


def test_weights_that_are_all_equal_are_none_in_what_is_said():
    table = survey().assign(same=2.0)
    assert (
        compare(table, "overall", DRIVERS, by="plan", weights="same", resamples=0).settings["weights"] is None
    )
    assert compare(table, "overall", DRIVERS, by="plan", weights="w", resamples=0).settings["weights"] == "w"
