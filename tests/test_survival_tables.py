"""The risk table at any size: from where it is read, what it costs, what it refuses."""

import time
from dataclasses import replace
from math import fsum

import duckdb
import numpy as np
import pandas as pd
import pytest
from places import placed

from cxlab.analysis import engines
from cxlab.analysis.survival import binned, cox, hazards, retention
from cxlab.analysis.survival.observed import cells
from cxlab.analysis.survival.ties import tie_sums
from cxlab.errors import AnalysisError

COVARIATES = ["score", "contract", "segment", "complaint"]


def population(n=3000, seed=0):
    """Monthly customers with text, whole numbers, booleans and weights."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({
        "score": rng.integers(0, 4, n), "contract": rng.choice(["monthly", "yearly"], n),
        "segment": rng.choice(["a", "b", "c"], n), "complaint": rng.random(n) < 0.2,
        "w": rng.choice([0.5, 1.0, 2.5], n), "spend": rng.lognormal(3, 0.8, n),
    })  # fmt: skip
    effect = 0.3 * table["complaint"] - 0.2 * table["score"] + 0.5 * (table["contract"] == "monthly")
    left, seen = rng.exponential(30, n) * np.exp(-effect), rng.uniform(1, 40, n)
    table["months"] = np.ceil(np.minimum(left, seen)).astype(int)
    table["left"] = (left <= seen).astype(int)
    table["entry"] = np.floor(table["months"] * rng.random(n) * 0.6).astype(int)
    return table


# What it costs.


@pytest.mark.parametrize("deaths", [2, 256, 257, 300, 5000, 200_000])
@pytest.mark.parametrize("share", [1.0, 1 - 1e-7, 0.999, 0.9, 0.5, 0.05, 1e-3, 1e-7])
def test_tie_sums_are_those_added_one_by_one(deaths, share):
    s = 7300.0
    f = np.arange(deaths) / deaths
    left = s - f * (share * s)
    terms = (np.log(left), 1 / left, f / left, 1 / left**2, f / left**2, (f / left) ** 2)
    found = tie_sums(np.array([1, deaths]), np.array([1.0, s]), np.array([1.0, share * s]))
    got = [found.log[1], found.a[1], found.b[1], *(q[1] for q in found.q)]
    assert got == pytest.approx([fsum(term) for term in terms], rel=1e-13)


def test_a_thousand_million_departures_cost_what_a_thousand_do():
    start = time.process_time()
    found = tie_sums(np.array([10**9]), np.array([1e9]), np.array([1e9]))
    assert time.process_time() - start < 0.5
    # All leave: the sum of 1/s is the harmonic number, and of log s the logarithm of the factorial.
    assert found.a[0] == pytest.approx(np.log(1e9) + np.euler_gamma + 0.5e-9, rel=1e-14)
    assert found.log[0] == pytest.approx(1e9 * np.log(1e9) - 1e9 + 0.5 * np.log(2e9 * np.pi), rel=1e-14)


def test_concordance_is_the_same_by_table_and_by_tree():
    table = population(600)
    who = cells(
        table[["score", "complaint"]], table["months"].to_numpy(float), table["left"].to_numpy() == 1,
        table["entry"].to_numpy(float), table["w"].to_numpy(),
    )  # fmt: skip
    risk = cox.at_risk(who, who.labels.to_numpy(float), np.arange(len(who.count)) % 2)
    beta = np.array([-0.2, 0.3])
    assert risk.alike is not None
    by_cell = replace(risk, rows=risk.x, row=None, alike=None)
    assert cox.concordance(risk, beta) == pytest.approx(cox.concordance(by_cell, beta), abs=1e-13)


@pytest.mark.parametrize("weights", [None, "w"])
def test_hazards_are_the_same_by_patterns_and_by_cells(weights, monkeypatch):
    table = population(900)

    def run():
        return hazards(
            table, "months", "left", COVARIATES[:3], strata=["complaint"], entry="entry", weights=weights
        )

    by_pattern = run()
    monkeypatch.setattr(cox, "alike", lambda *of: None)
    by_cell = run()
    pd.testing.assert_frame_equal(by_pattern.table, by_cell.table, rtol=1e-9)
    pd.testing.assert_frame_equal(by_pattern.checks, by_cell.checks, rtol=1e-8)
    assert by_pattern.settings["loglik"] == pytest.approx(by_cell.settings["loglik"], rel=1e-12)


def test_the_order_of_the_rows_decides_nothing():
    table = population(500)
    mixed = table.sample(frac=1, random_state=1)
    one, two = (
        cells(t[COVARIATES], t["months"].to_numpy(), t["left"].to_numpy() == 1, np.zeros(500))
        for t in (table, mixed)
    )
    pd.testing.assert_frame_equal(one.labels, two.labels)
    assert one.count.tolist() == two.count.tolist()
    assert len(one.count) < 500
    assert one.n == 500


# Where the table is.


ENGINES = ["path", "pattern", "folder", "duckdb", "spark"]


def with_gaps(table):
    """Blanks that are dropped and counted, a weight of zero, and an id for each customer."""
    table = table.assign(customer_id=[f"c{k}" for k in range(len(table))], score=table["score"].astype(float))
    table.loc[5:9, "score"] = np.nan
    table.loc[20:22, "segment"] = None
    table.loc[30:33, "entry"] = np.nan
    table.loc[40:41, "w"] = 0.0
    return table


@pytest.mark.parametrize("where", ENGINES)
def test_results_do_not_depend_on_where_the_table_is(where, tmp_path, request):
    table = with_gaps(population(2500))
    elsewhere = placed(table, where, tmp_path, request)
    for weights in (None, "w"):
        options = {"entry": "entry", "weights": weights}
        one, two = (
            hazards(t, "months", "left", COVARIATES[:3], strata=["complaint"], **options)
            for t in (table, elsewhere)
        )
        pd.testing.assert_frame_equal(one.table, two.table, rtol=1e-9)
        pd.testing.assert_frame_equal(one.checks, two.checks, rtol=1e-7)
        assert one.concordance == pytest.approx(two.concordance, abs=1e-12)
        assert dict(one.n_dropped) == dict(two.n_dropped)
        assert [c.code for c in one.claims] == [c.code for c in two.claims]
        one, two = (retention(t, "months", "left", by=["segment"], **options) for t in (table, elsewhere))
        pd.testing.assert_frame_equal(one.table, two.table, rtol=1e-10)
        for name in one.tables:
            pd.testing.assert_frame_equal(one.tables[name], two.tables[name], rtol=1e-8)
    assert dict(one.n_dropped) == {"weight zero": 2, "entry missing": 4, "segment missing": 3}


@pytest.mark.parametrize("where", ["duckdb", "spark"])
def test_groups_in_whole_numbers_and_booleans_keep_their_kind(where, tmp_path, request):
    table = population(800).astype({"score": "Int8"})
    table.loc[0, "score"] = pd.NA
    elsewhere = placed(table, where, tmp_path, request)
    found = retention(elsewhere, "months", "left", by=["score", "complaint"])
    assert set(found.table["score"]) == {0, 1, 2, 3}
    assert found.table["score"].dtype == "int64"
    assert found.table["complaint"].dtype == bool


BAD = {
    "codes": ({"left": 2}, "column left: found the codes 2 .600 rows.; allowed: 0 .still here. or 1"),
    "text": ({"left": "Yes"}, r"column left: found text \('Yes'\) .600 rows"),
    "blank": ({"left": np.nan}, "column left: found a blank .600 rows.*a blank is not a customer who stayed"),
    "negative": ({"months": -3.0}, r"column months: found a negative duration \(-3\) .600 rows"),
    "zero": ({"months": 0}, "column months: found a duration of zero .600 rows"),
    "endless": ({"months": np.inf}, "column months: found a blank or infinite time .600 rows"),
    "words": ({"months": "long"}, r"column months: found no numbers \('long'\) .600 rows"),
    "dates": ({"months": pd.Timestamp("2025-01-31")}, r"column months: found no numbers \('2025-01-31"),
    "late": (
        {"entry": 99.0},
        "column entry: found an entry of 99 and a months of .*allowed: an entry before",
    ),
    "early": ({"entry": -1.0}, "column entry: found a negative entry .600 rows"),
    "minus": ({"w": -1.0}, r"column w: found -1.0 .600 rows.; allowed: a finite number, zero or more"),
    "nothing": ({"w": np.nan}, "column w: found nan .600 rows"),
    "weightless": ({"w": 0.0}, "weights column 'w' sums to zero"),
    "unweighable": ({"w": "much"}, "weights column 'w' is not numeric"),
    "everyone": ({"score": np.nan}, "no row is left to analyse: score missing 600"),
    "twice": ({"customer_id": 7}, "customer_id repeated: 7 .600 rows.; allowed: one row for each customer"),
}


@pytest.mark.parametrize("where", ["pandas", "duckdb", "spark"])
@pytest.mark.parametrize(("columns", "message"), BAD.values(), ids=BAD)
def test_what_is_refused_is_refused_wherever_it_is(where, columns, message, tmp_path, request):
    table = population(600).assign(**columns)
    with pytest.raises(AnalysisError, match=message):
        hazards(
            placed(table, where, tmp_path, request), "months", "left", COVARIATES, entry="entry", weights="w"
        )


@pytest.mark.parametrize("where", ["pandas", "duckdb"])
def test_all_that_is_wrong_is_told_at_once(where, tmp_path):
    table = population(600).assign(months="long", left=2, entry=-1.0)
    with pytest.raises(AnalysisError) as error:
        retention(placed(table, where, tmp_path), "months", "left", entry="entry")
    assert sorted(p.column for p in error.value.problems) == ["entry", "left", "months"]


def test_columns_tables_and_files_that_are_not_there(tmp_path):
    table = population(100)
    with pytest.raises(AnalysisError, match="no column plan, tariff; it has score, contract"):
        hazards(placed(table, "duckdb", tmp_path), "months", "left", ["plan", "tariff"])
    with pytest.raises(AnalysisError, match=r"no Parquet file can be read at gone.parquet; give the path"):
        retention(tmp_path / "gone.parquet", "months", "left")
    (tmp_path / "torn.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(AnalysisError, match=r"no Parquet file can be read at torn.parquet"):
        retention(tmp_path / "torn.parquet", "months", "left")
    with pytest.raises(
        AnalysisError, match="the table is a list; give a pandas DataFrame, the path of a Parquet"
    ):
        retention([1, 2], "months", "left")
    with pytest.raises(AnalysisError, match="the table has no rows"):
        retention(placed(table, "duckdb", tmp_path).filter("months > 999"), "months", "left")
    lists = duckdb.sql("select 1 as months, 1 as left, [1, 2] as plan")
    with pytest.raises(AnalysisError, match="column 'plan' holds lists or mappings"):
        retention(lists, "months", "left", by=["plan"])


def test_too_many_patterns_name_the_columns_that_make_them(tmp_path, monkeypatch):
    monkeypatch.setattr(engines, "MOST_PATTERNS", 200)
    table = placed(population(600), "duckdb", tmp_path)
    with pytest.raises(AnalysisError, match="more than 200 different patterns .*spend 600, months .*bins"):
        hazards(table, "months", "left", ["spend", "segment"])


def test_decimals_are_numbers():
    table = duckdb.from_df(population(500))
    decimals = table.query(
        "plain",
        "select * replace (months::decimal(9, 2) as months, score::decimal(5, 1) as score) from plain",
    )
    one, two = (hazards(t, "months", "left", ["score"]).table for t in (table, decimals))
    pd.testing.assert_frame_equal(one, two)


# Continuous covariates.


def spenders(n=4000):
    """Customers whose spending moves both leaving and the score."""
    rng = np.random.default_rng(3)
    spend = rng.normal(size=n)
    score = np.clip(np.round(2 + spend + rng.normal(size=n)), 0, 4)
    left, seen = rng.exponential(30, n) * np.exp(0.3 * score - 0.7 * spend), rng.uniform(1, 40, n)
    months = np.ceil(np.minimum(left, seen)).astype(int)
    table = pd.DataFrame({"months": months, "left": (left <= seen).astype(int), "score": score})
    return table.assign(spend=20 + 5 * spend, w=rng.choice([0.5, 1.0, 2.0], n))


@pytest.mark.parametrize("where", ["path", "duckdb", "spark"])
@pytest.mark.parametrize("weights", [None, "w"])
def test_bins_are_the_same_wherever_the_table_is(where, weights, tmp_path, request):
    table = spenders()
    table.loc[:9, "spend"] = np.nan
    one, two = (
        hazards(t, "months", "left", ["score", "spend"], bins={"spend": 10}, weights=weights)
        for t in (table, placed(table, where, tmp_path, request))
    )
    pd.testing.assert_frame_equal(one.table, two.table, rtol=1e-9)
    pd.testing.assert_frame_equal(one.tables["binning"], two.tables["binning"], rtol=1e-6, atol=1e-9)
    assert dict(two.n_dropped) == {"spend missing": 10}
    assert two.settings["bins"] == {"spend": 10}


def test_binning_shows_what_it_does_and_finer_bins_come_near_the_values(tmp_path):
    table = spenders(8000)
    raw = hazards(table, "months", "left", ["score", "spend"]).table.set_index("covariate")
    shown = hazards(table, "months", "left", ["score", "spend"], bins={"spend": 8})
    rows = shown.tables["binning"]
    assert rows["bins"].tolist() == [0.5, 0.5, 1, 1, 2, 2]
    score = rows[rows["covariate"] == "score"].set_index("bins")
    away = (score["estimate"] - raw.loc["score", "estimate"]).abs()
    assert away[0.5] > 2 * away[2] > 0
    main = shown.table.set_index("covariate")
    assert score.loc[1, "estimate"] == pytest.approx(main.loc["score", "estimate"], rel=1e-9)
    assert score.loc[1, "std_error"] == pytest.approx(main.loc["score", "std_error"], rel=1e-9)
    assert score.loc[0.5, "shift"] == pytest.approx(
        (score.loc[0.5, "estimate"] - score.loc[1, "estimate"]) / score.loc[1, "std_error"]
    )
    fine = hazards(table, "months", "left", ["score", "spend"], bins={"spend": 100}).table
    assert fine["estimate"].to_numpy() == pytest.approx(raw["estimate"].to_numpy(), abs=0.01)


def test_a_bin_scores_the_mean_of_its_customers():
    table = pd.DataFrame({"x": np.arange(16.0), "t": [1.0, 2] * 8})
    who = cells(
        table[["x"]].assign(x=np.arange(16) // 2), table["t"].to_numpy(), np.ones(16, bool), np.zeros(16),
        values={"x": table["x"].to_numpy()},
    )  # fmt: skip
    found = binned.cut(who, {"x": 4})
    assert sorted(set(found.labels["x"])) == [1.5, 5.5, 9.5, 13.5]
    assert found.count.tolist() == [2.0] * 8


@pytest.mark.parametrize("bins", [{"spend": 5}, {"spend": 2}, {"spend": 400}, {"spend": "10"}, {"other": 10}])
def test_bins_that_cannot_be_halved_are_refused(bins):
    with pytest.raises(AnalysisError, match="name a covariate, with an even whole number from 4 to 200"):
        hazards(spenders(200), "months", "left", ["score", "spend"], bins=bins)


@pytest.mark.parametrize("where", ["pandas", "duckdb"])
def test_text_is_not_cut_into_bins(where, tmp_path):
    table = population(300)
    with pytest.raises(AnalysisError, match="column segment: found text or categories"):
        hazards(placed(table, where, tmp_path), "months", "left", ["segment"], bins={"segment": 10})
