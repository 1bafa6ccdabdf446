"""Scores: against published numbers, R survey, enumeration, and every refusal."""

import os
from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cxlab.analysis import metrics, scales
from cxlab.analysis.estimates import as_one_family, masked
from cxlab.errors import AnalysisError

PUBLISHED = Path(__file__).parent / "published"
COLUMNS = ["metric", "estimate", "std_error", "conf_low", "conf_high", "n", "n_eff", "flag"]
PXI_ROWS = [
    (7, 6, 7), (6, 6, 5), (7, 7, 7), (5, 4, 4), (3, 2, 4),
    (6, 3, 5), (7, 7, 6), (1, 2, 1), (6, 5, 6), (4, 6, 7),
]  # fmt: skip
PXI = pd.DataFrame(PXI_ROWS, columns=["effectiveness", "ease", "pleasantness"])
EXAMPLE = pd.DataFrame({"recommend": [10] * 84 + [8] * 68 + [3] * 48})

quiet = settings(derandomize=True, max_examples=25, deadline=None)


def recommend(values, **more):
    table = pd.DataFrame({"recommend": values, **more})
    table.attrs["scales"] = {"recommend": [0, 10]}
    return table


def net(detractors, passives, promoters):
    return recommend([0] * detractors + [8] * passives + [10] * promoters)


@pytest.fixture(scope="module")
def real():
    if "CXLAB_REAL_DATA" not in os.environ:
        pytest.skip("CXLAB_REAL_DATA names no folder of real files")
    return Path(os.environ["CXLAB_REAL_DATA"])


@pytest.fixture(scope="module")
def fixture():
    return (pd.read_csv(PUBLISHED / "cx_small.csv"),)


# --- published numbers and numbers by hand --------------------------------------------------------


def test_nps_of_84_promoters_and_48_detractors_in_200():
    row = metrics.score(EXAMPLE, "nps").table.iloc[0]
    assert row["estimate"] == 18
    assert row["std_error"] == pytest.approx(5.6159, abs=1e-4)
    # adjusted Wald (Rocks 2016): 6.85 to 28.62
    assert (row["conf_low"], row["conf_high"]) == (
        pytest.approx(6.85, abs=0.05),
        pytest.approx(28.62, abs=0.05),
    )
    assert (row["n"], row["n_eff"], row["flag"]) == (200, 200, "ok")


def test_pxi_of_the_ten_rows():
    row = metrics.score(PXI, "PXI").table.iloc[0]
    assert row["estimate"] == pytest.approx(100 / 3)
    assert row["std_error"] == pytest.approx(22.771, abs=1e-3)
    assert row["flag"] == "low_base"


def test_insc_of_the_first_column_says_that_its_cut_is_assumed():
    result = metrics.score(PXI, "insc", columns="effectiveness")
    assert result.table["estimate"].tolist() == [30.0]
    assert "definition_assumed" in result.claims[0].caveats


@pytest.mark.parametrize(("metric", "expected"), [("acsi_equal", 72.222), ("acsi_ohio", 72.833)])
def test_acsi_like(metric, expected):
    table = pd.DataFrame({"overall_sat": [8.1], "vs_expectations": [7.4], "vs_ideal": [7.0]})
    assert metrics.score(table, metric).table["estimate"].iloc[0] == pytest.approx(expected, abs=1e-3)


def test_three_effort_scores_of_one_thousand_answers():
    table = pd.DataFrame({"ces": np.repeat(np.arange(1, 8), [80, 210, 140, 110, 160, 180, 120])})
    scores = metrics.score(table, ["ces_mean", "ces_top3", "ces_net"]).table
    assert scores["estimate"].tolist() == pytest.approx([4.08, 46, -13])
    assert scores["metric"].tolist() == ["ces_mean", "ces_top3", "ces_net"]


@pytest.mark.parametrize(
    ("yes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_intervals_of_newcombe_1998(yes, n, low, high):
    answered = pd.DataFrame({"score": [5] * yes + [1] * (n - yes)})
    counted = pd.DataFrame({"successes": [yes], "trials": [n]})
    for row in (
        metrics.score(answered, "top_2_of_5").table.iloc[0],
        metrics.score(counted, "rate").table.iloc[0],
    ):
        assert row["conf_low"] == pytest.approx(100 * low, abs=0.006)
        assert row["conf_high"] == pytest.approx(100 * high, abs=0.006)


def test_a_mean_has_students_interval():
    values = np.array([2.0, 4, 4, 5, 7, 9])
    row = metrics.score(pd.DataFrame({"score": values}), "mean").table.iloc[0]
    error = values.std(ddof=1) / np.sqrt(6)
    assert row["std_error"] == pytest.approx(error)
    assert row["conf_high"] == pytest.approx(values.mean() + stats.t.ppf(0.975, 5) * error)


def test_a_rate_is_the_sum_over_the_sum_and_rows_that_differ_cost_precision():
    table = pd.DataFrame({"successes": [90, 10, 45], "trials": [100, 20, 80]})
    row = metrics.score(table, "rate").table.iloc[0]
    residual = table["successes"] - 0.725 * table["trials"]
    assert row["estimate"] == pytest.approx(72.5)
    assert row["std_error"] == pytest.approx(100 * np.sqrt(1.5 * (residual**2).sum()) / 200)
    assert row["n"] == 200
    assert row["n_eff"] < 200


# --- real file ------------------------------------------------------------------------------------


def test_san_francisco_airport_2017(real):
    table = pd.read_csv(real / "sfo_airport_survey_2017.csv")
    with pytest.raises(AnalysisError, match=r"column NETPRO: found 11 \(84 rows\); allowed: from 0 to 10"):
        metrics.score(table, "nps", columns="NETPRO")
    table["recommend"] = table["NETPRO"].where(table["NETPRO"] <= 10)
    plain, weighted = metrics.score(table, "nps"), metrics.score(table, "nps", weights="WEIGHT")
    assert plain.table["n"].tolist() == weighted.table["n"].tolist() == [2746]
    assert plain.table["estimate"].iloc[0] == pytest.approx(39.8, abs=0.05)
    assert weighted.table["estimate"].iloc[0] == pytest.approx(40.4, abs=0.05)
    assert plain.n_used == 2746
    assert plain.n_dropped == {"recommend missing": 85}
    assert plain.claims[0].caveats == ("no_population_claim",)
    assert weighted.claims[0].caveats == ("weights_mend_mix",)


# --- invariants -----------------------------------------------------------------------------------

ratings = st.lists(st.integers(0, 10), min_size=2, max_size=60)


@quiet
@given(ratings)
def test_nps_stays_on_its_scale_within_its_interval_and_doubles(values):
    one = metrics.score(recommend(values), "nps").table.iloc[0]
    two = metrics.score(recommend(values * 2), "nps").table.iloc[0]
    assert -100 <= one["conf_low"] <= one["conf_high"] <= 100
    assert one["estimate"] == pytest.approx(two["estimate"])
    assert two["std_error"] <= one["std_error"] + 1e-12


@quiet
@given(ratings, st.data())
def test_a_higher_rating_never_lowers_nps(values, data):
    place = data.draw(st.integers(0, len(values) - 1))
    higher = list(values)
    higher[place] = data.draw(st.integers(values[place], 10))
    before, after = (metrics.score(recommend(v), "nps").table["estimate"].iloc[0] for v in (values, higher))
    assert after >= before - 1e-9


@quiet
@given(ratings, st.floats(0.1, 50))
def test_equal_weights_are_no_weights_and_their_size_does_not_matter(values, weight):
    plain = metrics.score(recommend(values), "nps").table
    weighted = metrics.score(recommend(values, w=[weight] * len(values)), "nps", weights="w").table
    pd.testing.assert_frame_equal(plain, weighted, rtol=1e-9, atol=1e-9)


def test_strata_of_one_and_clusters_of_one_change_no_error():
    table = EXAMPLE.assign(all="x", each=range(200))
    plain = metrics.score(table, "nps").table["std_error"].iloc[0]
    assert metrics.score(table, "nps", strata="all").table["std_error"].iloc[0] == pytest.approx(plain)
    assert metrics.score(table, "nps", cluster="each").table["std_error"].iloc[0] == pytest.approx(plain)


def test_copies_of_a_respondent_declared_as_cluster_add_nothing():
    table = pd.concat([EXAMPLE.assign(customer_id=range(200))] * 3, ignore_index=True)
    row = metrics.score(table, "nps", cluster="customer_id").table.iloc[0]
    assert row["std_error"] == pytest.approx(5.6159, abs=1e-4)
    assert row["n"] == 600
    assert row["n_eff"] == pytest.approx(200, rel=0.01)


def test_the_mean_contribution_is_the_index():
    given = metrics.contribution(PXI.set_index(pd.Index(list("abcdefghij"))), "pxi")
    assert given.mean() == pytest.approx(100 / 3)
    assert given.index.tolist() == list("abcdefghij")
    assert given["d"] == 0
    assert given["h"] == -100
    assert metrics.contribution(PXI.astype("Int64").mask(PXI > 6), "pxi").isna().sum() == 4


# --- segments, claims, shape ----------------------------------------------------------------------


@pytest.fixture
def segmented():
    rng = np.random.default_rng(1)
    table = recommend(
        np.concatenate([rng.choice([3, 8, 10], 300, p=[0.2, 0.3, 0.5]), [0] * 60, [10] * 6, [9] * 34]),
        region=["Norte"] * 150 + ["Sur"] * 150 + ["Centro"] * 60 + ["Isla"] * 6 + [None] * 34,
        w=rng.lognormal(0, 0.4, 400),
    )
    return table.sample(frac=1, random_state=1)


def test_a_score_by_segment_has_constant_columns(segmented):
    before = segmented.copy()
    result = metrics.score(segmented, "nps", by=("region",), weights="w")
    assert list(result.table.columns) == ["region", *COLUMNS]
    assert result.table["region"].tolist() == ["Centro", "Isla", "Norte", "Sur"]
    assert result.table["flag"].tolist() == ["ok", "suppressed", "ok", "ok"]
    assert list(result.tables["overall"].columns) == COLUMNS
    assert result.tables["overall"]["n"].tolist() == [400]
    assert (result.n_used, result.n_dropped) == (366, {"region missing": 34})
    pd.testing.assert_frame_equal(segmented, before)
    with pytest.raises(FrozenInstanceError):
        result.n_used = 1


def test_a_segment_that_differs_is_claimed_and_small_ones_are_neither_tested_nor_claimed(segmented):
    result = metrics.score(segmented, "nps", by="region")
    tests = result.tables["tests"].set_index("region")
    assert np.isnan(tests.loc["Isla", "p_value"])
    assert (tests["p_adjusted"].dropna() >= tests["p_value"].dropna()).all()
    claims = [claim for claim in result.claims if claim.code == "score.segment"]
    assert claims[0].fields["segment"] == "Centro"
    assert claims[0].fields["estimate"] < 0
    assert claims[0].headline
    assert all(claim.fields["segment"] != "Isla" for claim in claims)
    assert {claim.fields["hypothesis"] for claim in claims} <= set(tests["hypothesis"])
    shown = masked(result).table.set_index("region")
    assert shown.loc["Isla"].drop(["metric", "flag", "withheld"]).isna().all()
    assert shown["withheld"].sum() == 1


def test_segments_that_are_alike_say_what_could_have_been_seen():
    rng = np.random.default_rng(3)
    table = recommend(rng.choice([3, 8, 10], 400), a=rng.integers(0, 4, 400))
    (level, alike) = metrics.score(table, "nps", by="a").claims
    assert level.code == "score.level"
    assert alike.code == "score.segments_alike"
    assert alike.fields["segments"] == 4
    assert 20 < alike.fields["detectable"] < 60


def test_two_segments_make_one_test_and_crossed_columns_cells():
    table = recommend([0] * 40 + [10] * 40, a=["x"] * 40 + ["y"] * 40, b=["p", "q"] * 40)
    assert len(metrics.score(table, "nps", by="a").tables["tests"]) == 1
    crossed = metrics.score(table, "nps", by=["a", "b"])
    assert crossed.table[["a", "b"]].to_numpy().tolist() == [["x", "p"], ["x", "q"], ["y", "p"], ["y", "q"]]
    assert any(claim.fields.get("segment") == "x x p" for claim in crossed.claims)
    assert len(metrics.score(table.assign(a="x"), "nps", by="a").tables["tests"]) == 0


def test_segments_keep_the_order_of_a_categorical_and_take_mixed_values():
    order = pd.Categorical(["low", "high"] * 50, categories=["low", "high", "never"], ordered=True)
    table = recommend([10, 0] * 50, a=order, b=[1, "one"] * 50)
    assert metrics.score(table, "nps", by="a").table["a"].tolist() == ["low", "high"]
    assert set(metrics.score(table, "nps", by="b").table["b"]) == {1, "one"}


def test_several_metrics_are_one_family_and_stack():
    rng = np.random.default_rng(2)
    table = recommend(rng.choice([3, 8, 10], 300), ces=rng.integers(1, 8, 300), a=rng.integers(0, 3, 300))
    result = metrics.score(table, ["nps", "ces_top3"], by="a")
    assert result.table["metric"].tolist() == ["nps"] * 3 + ["ces_top3"] * 3
    assert len(result.tables["tests"]) == 6
    (again,) = as_one_family(result)
    assert again.tables["tests"]["p_adjusted"].tolist() == pytest.approx(result.tables["tests"]["p_adjusted"])
    assert [claim.code for claim in again.claims] == [claim.code for claim in result.claims]


def test_a_level_claim_carries_its_metric_interval_and_caveats():
    (claim,) = metrics.score(EXAMPLE.head(100), "nps").claims
    assert claim.fields["version"] == "reichheld-2003"
    assert claim.fields["unit"] == "points"
    assert claim.grade == "D"
    assert claim.fields["conf_low"] < claim.fields["estimate"] < claim.fields["conf_high"] + 1e-9
    assert metrics.score(net(2, 5, 13), "nps").claims[0].caveats == ("no_population_claim", "low_base")
    assert metrics.score(net(1, 3, 5), "nps").claims == ()
    heavy = recommend([10, 0] * 20, w=[30.0, 30.0] + [1.0] * 38)
    assert "small_effective_sample" in metrics.score(heavy, "nps", weights="w").claims[0].caveats


def test_rows_without_weight_do_not_enter():
    table = recommend([10] * 20 + [0] * 20 + [None], w=[1.0] * 20 + [0.0] * 20 + [1.0])
    result = metrics.score(table, "nps", weights="w")
    assert result.table[["estimate", "n"]].to_numpy().tolist() == [[100, 20]]
    assert result.n_dropped == {"recommend missing": 1, "weight zero": 20}


def test_checks_advise_in_translatable_messages():
    table = recommend([10, 0, None] * 20, w=[0.1, 2.0, 1.0] * 20)
    checks = metrics.score(table, "nps", weights="w").tables["checks"].set_index("check")
    assert checks.loc["answered", "value"] == pytest.approx(2 / 3)
    assert checks.loc["weight_ratio", "value"] == pytest.approx(20)
    assert "merge categories" in checks.loc["weight_ratio", "advice"].template
    assert checks.loc["scale_declared", "value"] == 1


# --- registry -------------------------------------------------------------------------------------


def test_every_entry_is_bilingual_versioned_and_within_its_scale():
    ids = [entry.id for entry in metrics.registry()]
    assert len(ids) == len(set(ids))
    for entry in metrics.registry():
        assert set(entry.label) == {"en", "es"}
        assert entry.version
        assert sum(entry.slot_weights) == pytest.approx(1)
        if entry.scale:
            points = set(range(entry.scale[0], entry.scale[1] + 1))
            assert {*entry.positive, *entry.negative} <= points
            assert not set(entry.positive) & set(entry.negative)
    with pytest.raises(FrozenInstanceError):
        metrics.definition("nps").positive = (8,)


@pytest.mark.parametrize("asked", ["NPS", " nps ", "Csat-T2B-5", "top2_5", "top_3_of_0_10", "TOP 2 of 7"])
def test_ids_in_any_case(asked):
    assert metrics.definition(asked).slots


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("npss", "there is no metric 'npss'; the nearest is nps"),
        ("csat", "the nearest is csat_t2b"),
        ("forrester_cx", "algorithm that is not public; the nearest that can be computed is cxi_legacy"),
        (
            "ACSI",
            "a model for each industry that is not public; the nearest that can be computed is acsi_equal",
        ),
        ("bcx", "formula is not public; the nearest that can be computed is pxi"),
        ("top_k", "top_k needs its numbers in its name"),
        ("top_9_of_5", "the 9 highest answers of a scale from 1 to 5 make no metric"),
        (5, "metric is 5; give the id of a metric as text"),
        ([], "metric is empty"),
    ],
)
def test_metrics_that_cannot_be_computed(asked, message):
    with pytest.raises(AnalysisError, match=message):
        metrics.score(EXAMPLE, asked)


# --- scales ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "looks"),
    [
        (list(range(1, 11)), "1 to 10"),
        (list(range(1, 11)) * 30, "1 to 10"),
        (np.random.default_rng(0).integers(1, 11, 200), "1 to 10"),
        (
            np.random.default_rng(1).choice(
                range(1, 11), 400, p=[0.02] * 4 + [0.04] * 2 + [0.14, 0.2, 0.2, 0.3]
            ),
            "1 to 10",
        ),
        (np.random.default_rng(0).integers(1, 8, 60), "1 to 7"),
        (np.random.default_rng(0).choice([3, 4, 5], 60), "1 to 5"),
        ([1, 2, 3, 4, 5], "1 to 5"),
    ],
)
def test_nps_of_another_scale_is_refused_and_says_how_to_go_on(values, looks):
    table = pd.DataFrame({"recommend": values})
    with pytest.raises(
        AnalysisError, match=f"read as a scale from {looks}.*declare it under scales in client.yaml"
    ):
        metrics.score(table, "nps")
    table.attrs["scales"] = {"recommend": [0, 10]}
    assert len(metrics.score(table, "nps").table) == 1


@pytest.mark.parametrize(
    "values",
    [
        [6, 7, 8, 9, 10, 10] * 2,
        [10] * 40,
        [8] * 40,
        [1, 10],
        [0, 5, 4] * 20,
        [1] + [9] * 200 + [10] * 100,
        [7, 5],
    ],
)
def test_honest_samples_of_nps_pass(values):
    assert metrics.score(pd.DataFrame({"recommend": values}), "nps").n_used == len(values)


def test_a_declared_scale_that_is_another_is_refused():
    table = pd.DataFrame({"recommend": [9, 10, 0]})
    table.attrs["scales"] = {"recommend": [1, 10]}
    with pytest.raises(AnalysisError, match="a scale declared as 1 to 10; allowed: a scale from 0 to 10"):
        metrics.score(table, "nps")


@pytest.mark.parametrize("table", [PXI.clip(upper=5), pd.DataFrame([(5, 4, 5)] * 10, columns=PXI.columns)])
def test_pxi_refuses_a_five_point_scale(table):
    with pytest.raises(
        AnalysisError, match="answers that read as a scale from 1 to 5; allowed: a scale from 1 to 7"
    ):
        metrics.score(table, "pxi")
    assert metrics.score(table, "cxi_legacy").n_used == 10


def test_pxi_passes_in_a_segment_where_nobody_goes_above_five():
    table = pd.concat([PXI.assign(a=1), pd.DataFrame([(5, 4, 5)] * 10, columns=PXI.columns).assign(a=2)])
    assert metrics.score(table, "pxi", by="a").table["estimate"].iloc[1] == 0


def test_the_fixture_whose_lowest_answer_is_a_single_one_passes(fixture):
    assert fixture[0]["ltr"].min() == 1
    assert metrics.score(fixture[0], "nps", columns="ltr").n_used == 451


@pytest.mark.parametrize(
    ("metric", "values", "message"),
    [
        (
            "insc",
            [7, 6, 99, 98, 99],
            r"row 3, column x: found 98, 99 \(3 rows\); allowed: from 1 to 7. declare codes",
        ),
        ("csat_t2b_7", [0, 3, 7], "row 1, column x: found 0; allowed: from 1 to 7"),
        ("nps", [9.5, 8, 0], "found 9.5; allowed: whole numbers from 0 to 10. give the answers as they were"),
        ("nps", [87.5, 30.0], "found 30, 87.5"),
        (
            "mean",
            [3, 5, 99, 4],
            "found 99; allowed: from 3 to 5. it looks like a code for no answer: declare it as missing",
        ),
        ("mean", [-1, 5, 9, 4], "found -1"),
        ("csat_t2b_7", [1, 2, 3, 4, 5], "read as a scale from 1 to 5"),
    ],
)
def test_answers_off_the_scale(metric, values, message):
    with pytest.raises(AnalysisError, match=message):
        metrics.score(pd.DataFrame({"x": values}), metric, columns="x")


def test_a_mean_of_larger_numbers_may_hold_a_ninety_nine():
    assert metrics.score(pd.DataFrame({"score": [12, 99, 40]}), "mean").n_used == 3
    table = pd.DataFrame({"score": [1, 99, 4]})
    table.attrs["scales"] = {"score": [0, 100]}
    assert metrics.score(table, "mean").n_used == 3
    table.attrs["scales"] = {"score": [1, 5]}
    with pytest.raises(AnalysisError, match="found 99; allowed: from 1 to 5"):
        metrics.score(table, "mean")


def test_the_guess_is_made_on_whole_numbers_only():
    assert scales.looks_like(np.array([1.5, 2, 5]), (1, 7)) is None
    assert scales.looks_like(np.array([np.nan]), (1, 7)) is None


# --- what is refused in the table -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (["10", "9", "8"], "'10', '9', '8'"),
        ([10, "", 8], "row 2, column recommend: found ''"),
        ([10, "9 - likely", None], "'9 - likely'"),
        ([10, np.inf, 3], "inf"),
        ([True, False, True], "True, False"),
        (pd.to_datetime(["2025-01-01"] * 3), "2025"),
    ],
)
def test_answers_that_are_not_numbers(values, found):
    with pytest.raises(AnalysisError, match="some answers are not numbers") as told:
        metrics.score(pd.DataFrame({"recommend": values}), "nps")
    assert found in str(told.value)
    assert "recode it in client.yaml" in str(told.value)


@pytest.mark.parametrize(
    "values",
    [
        pd.array([10, None, 0, 8], dtype="Int64"), pd.Categorical([10, 9, 0, 8]), [10, None, 0, 8.0],
        pd.Series([10, None, 0, 8], dtype=object),
    ],
)  # fmt: skip
def test_numbers_of_any_dtype_are_read(values):
    assert metrics.score(pd.DataFrame({"recommend": values}), "nps").table["estimate"].notna().all()


@pytest.mark.parametrize(
    ("table", "asked", "message"),
    [
        (EXAMPLE, {"columns": "nope"}, "the table has no column nope; it has recommend"),
        (EXAMPLE, {"columns": {"likely": "recommend"}}, "columns names likely, which nps does not ask for"),
        (EXAMPLE, {"by": "region"}, "the table has no column region"),
        (EXAMPLE.assign(n=1), {"by": "n"}, "by names n; each column once, and none that a result uses"),
        (EXAMPLE.assign(a=1), {"by": ["a", "a"]}, "by names a, a; each column once"),
        (EXAMPLE.assign(w=-1.0), {"weights": "w"}, "found -1.0 .200 rows.; allowed: a finite number"),
        (EXAMPLE.assign(w="1"), {"weights": "w"}, "weights column 'w' is not numeric"),
        (EXAMPLE, {"level": 95}, "level is 95"),
        (EXAMPLE.assign(h=range(200)), {"strata": "h"}, "200 of 200 strata have a single sampling unit"),
        (EXAMPLE.assign(c=1), {"cluster": "c"}, "1 of 1 strata have a single sampling unit.*merge them"),
        (EXAMPLE.assign(c=None), {"cluster": "c"}, "cluster column 'c' is empty in 200 rows"),
        (EXAMPLE.head(0), {}, "the table has no rows"),
        (EXAMPLE.assign(recommend=np.nan), {}, "no row answers all of recommend, which nps needs"),
        (EXAMPLE.assign(response_id=1), {}, "response_id repeated: 1 .200 rows.; allowed: each answer once"),
        (EXAMPLE.assign(customer_id=[1, 1, *range(2, 200)]), {}, "customer_id repeated: 1"),
        (pd.concat([EXAMPLE, EXAMPLE], axis=1), {}, "more than one column named recommend; rename"),
        (EXAMPLE.assign(c=range(200)).merge(pd.DataFrame({"d": range(11)}), how="cross"), {"by": ["c", "d"]},
         "c x d makes 2200 cells, more than 2000"),
    ],
)  # fmt: skip
def test_refusals(table, asked, message):
    with pytest.raises(AnalysisError, match=message):
        metrics.score(table, "nps", **asked)


def test_one_column_for_three_questions_is_refused():
    with pytest.raises(
        AnalysisError, match="pxi needs 3 columns, and columns gives one; give {slot: column}"
    ):
        metrics.score(PXI, "pxi", columns="ease")


def test_different_answers_of_one_person_are_not_duplicates():
    table = recommend([10, 3, 8], respondent_id=[1, 1, 2])
    assert metrics.score(table, "nps").n_used == 3


@pytest.mark.parametrize(
    ("successes", "trials", "message"),
    [
        ([5, 12], [10, 10], "row 2, column successes: found 12; allowed: at most trials of the row"),
        (
            [0.5, 0.7],
            [1, 1],
            "found 0.5, 0.7 .2 rows.; allowed: whole counts, zero or more. give counts, not shares",
        ),
        ([-1, 3], [5, 5], "found -1"),
        ([0, 0], [0, 0], "no row answers all of successes, trials"),
    ],
)
def test_counts_that_are_not_counts(successes, trials, message):
    with pytest.raises(AnalysisError, match=message):
        metrics.score(pd.DataFrame({"successes": successes, "trials": trials}), "rate")


def test_rows_without_trials_are_counted_as_dropped():
    table = pd.DataFrame({"successes": [5, 0, None], "trials": [10, 0, 4]})
    assert metrics.score(table, "rate").n_dropped == {"successes missing": 1, "no trials": 1}


# --- weights --------------------------------------------------------------------------------------


@pytest.fixture
def sample():
    rng = np.random.default_rng(4)
    return pd.DataFrame(
        {
            "sex": rng.choice(["F", "M"], 500),
            "age": rng.choice([1.0, 2.0, 3.0], 500),
            "base": rng.lognormal(0, 0.5, 500),
        }
    )


def targets(**shares):
    rows = [(name, category, share) for name, given in shares.items() for category, share in given.items()]
    return pd.DataFrame(rows, columns=["variable", "category", "share"])


def test_raking_meets_the_margins_by_factors_of_them(sample):
    before = sample.copy()
    raked = metrics.rake(
        sample, targets(sex={"F": 0.6, "M": 0.4}, age={"1": 0.2, "2": 0.3, "3": 0.5}), base_weight="base"
    )
    assert raked.table["after"].tolist() == pytest.approx(raked.table["target"].tolist(), abs=1e-10)
    factor = np.log(raked.weights / sample["base"])
    cell = factor.groupby([sample["sex"], sample["age"]]).agg(["min", "max"])
    assert (cell["max"] - cell["min"]).max() < 1e-12
    log = cell["min"].unstack()
    assert (
        np.ptp((log.loc["F"] - log.loc["M"]).to_numpy()) < 1e-9
    )  # no interaction: a product of margin factors
    assert raked.n_eff == pytest.approx(500 / raked.design_effect)
    pd.testing.assert_frame_equal(sample, before)


def test_raking_to_what_the_sample_is_changes_nothing(sample):
    shares = sample["sex"].value_counts(normalize=True).to_dict()
    raked = metrics.rake(sample, targets(sex=shares))
    assert raked.weights.tolist() == pytest.approx([1.0] * 500)
    assert raked.design_effect == pytest.approx(1)


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        (
            {"sex": {"F": 60, "M": 40}},
            "column sex: found shares that sum to 100; allowed: shares that sum to 1",
        ),
        ({"sex": {"F": 1.0}}, "found categories without a target: M; allowed: F"),
        ({"sex": {"F": 0.5, "M": 0.4, "X": 0.1}}, "found targets that nobody in the sample can carry: X"),
        (
            {"sex": {"F": -0.5, "M": 1.5}},
            "the targets of sex need one share, zero or more, for each category",
        ),
        ({"region": {"RM": 1.0}}, "the table has no column region"),
        ({}, "at least one row in the table and one in the targets"),
    ],
)
def test_targets_that_do_not_fit(sample, shares, message):
    with pytest.raises(AnalysisError, match=message):
        metrics.rake(sample, targets(**shares))


def test_raking_needs_values_and_margins_that_can_be_met_together(sample):
    with pytest.raises(AnalysisError, match=r"row 1, column sex: found no value \(3 rows\)"):
        metrics.rake(
            sample.assign(sex=sample["sex"].where(sample.index > 2)), targets(sex={"F": 0.5, "M": 0.5})
        )
    diagonal = pd.DataFrame({"a": ["x", "y"] * 20, "b": ["x", "y"] * 20})
    impossible = targets(a={"x": 0.5, "y": 0.5}, b={"x": 0.4, "y": 0.6})
    with pytest.raises(AnalysisError, match="no weights meet the targets of a, b together.*merge categories"):
        metrics.rake(diagonal, impossible)


def test_weigh_in_three_ways(sample):
    assert metrics.weigh(sample, "none").weights.tolist() == [1.0] * 500
    assert metrics.weigh(sample, "given", weight="base").weights.tolist() == sample["base"].tolist()
    wanted = targets(sex={"F": 0.6, "M": 0.4})
    assert metrics.weigh(sample, "raked", targets=wanted).settings["base_weight"] is None
    assert metrics.weigh(sample, "raked", targets=wanted, weight="base").settings["base_weight"] == "base"
    with pytest.raises(AnalysisError, match="raked weights need population targets"):
        metrics.weigh(sample, "raked")
    with pytest.raises(AnalysisError, match="the table has no column weight"):
        metrics.weigh(sample, "given")
    with pytest.raises(AnalysisError, match="weights are none, given or raked; found 'some'"):
        metrics.weigh(sample, "some")


def test_available_goes_by_columns_and_declared_scales():
    table = pd.DataFrame({"recommend": [10.0, 3.0], "overall_sat": [5.0, 2.0], "ces": [7.0, 1.0]})
    table.attrs["scales"] = {"recommend": [0, 10], "overall_sat": [1, 5]}
    assert metrics.available(table) == ["nps", "csat_t2b_5", "ces_top3"]
    table.attrs["scales"] = {"recommend": [1, 10], "overall_sat": [1, 7], "ces": [1, 5]}
    assert metrics.available(table) == ["insc"]
    with pytest.raises(
        AnalysisError, match="none of effectiveness, ease, pleasantness, recommend, overall_sat"
    ):
        metrics.available(pd.DataFrame({"age": [1]}))


def test_equal_weights_are_no_weights_in_what_is_said():
    table = pd.DataFrame({"recommend": [10] * 30 + [0] * 20, "w": 1.0})
    assert metrics.score(table, "nps", weights="w").settings["weights"] is None
    assert metrics.score(table.assign(w=range(1, 51)), "nps", weights="w").settings["weights"] == "w"


def test_employees_are_shown_from_eight_and_customers_from_ten():
    table = pd.DataFrame({"team": ["a"] * 8 + ["b"] * 30 + ["c"] * 30, "recommend": 9})
    assert metrics.score(table, "nps", by="team").table["flag"].tolist() == ["suppressed", "ok", "ok"]
    table.attrs["table"] = "employees_survey"
    found = metrics.score(table, "nps", by="team")
    assert found.minimum == 8
    assert found.table["flag"].tolist() == ["low_base", "ok", "ok"]
    shown = masked(found)
    assert shown.table["n"].tolist() == [8, 30, 30]
    assert shown.tables["tests"]["n"].notna().all()
    assert masked(metrics.score(table.drop(index=0), "nps", by="team")).table["n"].isna().sum() == 2


def test_a_base_counts_people_where_the_table_says_who_answered():
    """Four customers with four answers each are four, in a segment and where two such segments are all."""
    who = [*np.repeat(range(4), 4), *range(10, 52), *range(60, 90)]
    table = pd.DataFrame({"customer_id": who, "region": ["a"] * 16 + ["b"] * 42 + ["c"] * 30})
    table = table.assign(response_id=range(len(table)), recommend=np.arange(len(table)) % 11)
    by = metrics.score(table, "nps", by="region")
    assert by.table["flag"].tolist() == ["suppressed", "ok", "ok"]
    assert by.table["n"].tolist() == [16, 42, 30]
    assert by.tables["tests"].set_index("region").loc["a", "flag"] == "suppressed"
    assert by.tables["overall"]["flag"].tolist() == ["ok"]
    shown = masked(by).table
    assert shown["flag"].tolist() == ["suppressed", "ok", "suppressed"]
    few = table.head(16).assign(region=["a", "b"] * 8)
    assert metrics.score(few, "nps").table["flag"].tolist() == ["suppressed"]
    assert metrics.score(few, "nps", by="region").tables["overall"]["flag"].tolist() == ["suppressed"]
    many = table.head(40).assign(customer_id=np.repeat(range(20), 2), region=["a", "b"] * 20)
    assert metrics.score(many, "nps", by="region").table["flag"].tolist() == ["low_base", "low_base"]
    unknown = table.head(16).assign(customer_id=None)
    assert metrics.score(unknown, "nps").table["flag"].tolist() == ["low_base"]
