"""Restricted means, pairs of groups, a clock that starts anew: R's numbers, by hand, invariants, coverage."""

import os

import lifelines.datasets
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from test_survival import aml

from cxlab.analysis.estimates import masked
from cxlab.analysis.survival import restricted_mean, retention
from cxlab.errors import AnalysisError

REPLICATIONS = int(os.environ.get("CXLAB_REPLICATIONS", 200))
R = 1e-8
# A nominal 95 % within 93 to 97 %, and two Monte-Carlo errors of a share of that size.
SLACK = 2 * np.sqrt(0.95 * 0.05 / REPLICATIONS)


def lung():
    """R's survival::lung, status 1 = dead, as lifelines ships it."""
    return lifelines.datasets.load_lung().astype({"time": float})


def customers(n, seed, *, rates=(0.03, 0.05), late=False):
    rng = np.random.default_rng(seed)
    plan = rng.integers(0, 2, n)
    left = np.ceil(rng.exponential(1 / np.take(rates, plan)))
    seen = rng.integers(12, 40, n)
    entry = rng.integers(0, 12, n) * rng.integers(0, 2, n) if late else np.zeros(n, dtype=int)
    table = pd.DataFrame({
        "months": np.minimum(left, seen), "left": (left <= seen).astype(int), "plan": plan,
        "seen_from": entry,
    })  # fmt: skip
    return table[table["months"] > table["seen_from"]].reset_index(drop=True)


def test_lung_means_within_700_days_are_rs():
    result = restricted_mean(lung(), "time", "status", horizon=700, by=["sex"])
    assert result.table["estimate"].to_numpy() == pytest.approx([308.6959190697, 428.058454351], rel=R)
    assert result.table["std_error"].to_numpy() == pytest.approx([18.8371234284, 26.0855140023], rel=R)
    gap = result.differences.iloc[0]
    assert gap["difference"] == pytest.approx(308.6959190697 - 428.058454351, rel=1e-7)
    error = np.hypot(18.8371234284, 26.0855140023)
    assert gap["std_error"] == pytest.approx(error, rel=R)
    assert gap["p_value"] == pytest.approx(2 * stats.norm.sf(abs(gap["difference"]) / error), rel=1e-9)
    assert [c.code for c in result.claims] == ["retention.mean", "retention.mean_difference"]
    said = result.claims[1].fields
    assert (said["segment"], said["other"]) == (2, 1)
    assert said["conf_low"] < said["estimate"] < said["conf_high"]


def test_without_censoring_it_is_the_mean_of_what_falls_within():
    months = [2, 4, 4, 9, 15, 20]
    table = pd.DataFrame({"months": months, "left": 1})
    result = restricted_mean(table, "months", "left", horizon=10)
    kept = np.minimum(months, 10)
    assert result.table["estimate"].iloc[0] == pytest.approx(kept.mean(), rel=1e-12)
    assert result.table["std_error"].iloc[0] == pytest.approx(kept.std() / np.sqrt(6), rel=1e-12)
    whole = restricted_mean(table, "months", "left", horizon=50).table
    assert whole["estimate"].iloc[0] == pytest.approx(np.mean(months), rel=1e-12)


def test_entry_at_the_start_changes_nothing_and_late_entry_follows_the_curve():
    table = customers(400, 1, late=True)
    plain = restricted_mean(table, "months", "left", horizon=24).table
    zero = restricted_mean(table.assign(zero=0), "months", "left", horizon=24, entry="zero").table
    pd.testing.assert_frame_equal(plain, zero)
    late = restricted_mean(table, "months", "left", horizon=24, entry="seen_from")
    steps = retention(table, "months", "left", entry="seen_from").table
    inside = steps[steps["time"] < 24]
    area = np.sum(np.diff([*inside["time"], 24]) * inside["estimate"])
    assert late.table["estimate"].iloc[0] == pytest.approx(inside["time"].iloc[0] + area, rel=1e-12)
    assert "conditional_on_entry" in late.claims[0].caveats


def test_what_is_not_observed_has_no_mean():
    table = pd.DataFrame({
        "months": [5, 6, 8] * 20 + [5, 12, 30] * 20, "left": [1, 0, 0] * 20 + [1, 1, 0] * 20,
        "plan": ["new"] * 60 + ["old"] * 60,
    })  # fmt: skip
    result = restricted_mean(table, "months", "left", horizon=24, by=["plan"])
    assert result.table["estimate"].isna().tolist() == [True, False]
    assert result.differences["p_value"].isna().all()
    assert [c.code for c in result.claims] == ["retention.mean"]
    with pytest.raises(AnalysisError, match="horizon is 31, and customers are observed from 0 to 30"):
        restricted_mean(table, "months", "left", horizon=31)
    for bad in (0, -3, np.nan, "12"):
        with pytest.raises(AnalysisError, match="give a number of months above 0"):
            restricted_mean(table, "months", "left", horizon=bad)


def test_small_groups_are_neither_tested_nor_shown():
    table = customers(200, 2).assign(plan=lambda t: np.where(t.index < 6, "tiny", t["plan"].astype(str)))
    result = restricted_mean(table, "months", "left", horizon=12, by=["plan"])
    tiny = result.differences["other"] == "tiny"
    assert result.differences.loc[tiny, "p_value"].isna().all()
    shown = masked(result)
    assert shown.table.set_index("plan").loc["tiny", ["estimate", "n"]].isna().all()
    assert shown.tables["differences"].loc[tiny, ["difference", "n"]].isna().all(axis=None)
    pairs = retention(table, "months", "left", by=["plan"]).tables["paired"]
    assert pairs.loc[pairs["other"] == "tiny", "p_value"].isna().all()


def test_pairs_are_the_log_rank_of_two_with_holm():
    pairs = retention(lung(), "time", "status", by=["sex"]).tables["paired"]
    assert pairs[["segment", "other", "df"]].values.tolist() == [[1, 2, 1]]
    assert pairs["statistic"].iloc[0] == pytest.approx(10.3267419549, rel=R)
    assert retention(aml(), "time", "event", by="group").tables["paired"]["statistic"].iloc[
        0
    ] == pytest.approx(3.396388699, rel=R)
    table = customers(600, 3).assign(region=lambda t: np.arange(len(t)) % 3)
    pairs = retention(table, "months", "left", by=["region"]).tables["paired"]
    alone = [
        retention(table[table["region"].isin(two)], "months", "left", by=["region"]).tables["log_rank"]
        for two in ([0, 1], [0, 2], [1, 2])
    ]
    assert pairs["statistic"].to_numpy() == pytest.approx([a["statistic"].iloc[0] for a in alone], rel=1e-12)
    p = np.sort(pairs["p_value"])
    assert np.sort(pairs["p_adjusted"]) == pytest.approx(
        np.minimum(np.maximum.accumulate(p * [3, 2, 1]), 1), rel=1e-12
    )


def test_a_clock_that_starts_anew_counts_from_there_and_only_who_lasted():
    table = customers(500, 4, late=True).assign(free=12)
    after = retention(table, "months", "left", entry="seen_from", since="free", horizons=[6])
    lasted = table[table["months"] > 12]
    by_hand = lasted.assign(months=lasted["months"] - 12, seen_from=np.maximum(lasted["seen_from"] - 12, 0))
    expected = retention(by_hand, "months", "left", entry="seen_from", horizons=[6])
    pd.testing.assert_frame_equal(after.table, expected.table)
    assert dict(after.n_dropped) == {"gone or last seen by then (free)": int((table["months"] <= 12).sum())}
    with pytest.raises(AnalysisError, match="column 'free' starts the clock"):
        retention(table.assign(free=-1), "months", "left", since="free")
    with pytest.raises(AnalysisError, match="no row is left"):
        retention(table.assign(free=99), "months", "left", since="free")


@pytest.mark.simulation
def test_the_difference_of_means_is_covered():
    rates, horizon = (0.03, 0.05), 24
    months = np.arange(horizon)
    truth = np.exp(-rates[0] * months).sum() - np.exp(-rates[1] * months).sum()
    inside = 0
    for seed in range(REPLICATIONS):
        table = customers(500, seed, rates=rates, late=True)
        gap = restricted_mean(
            table, "months", "left", horizon=horizon, by=["plan"], entry="seen_from"
        ).differences.iloc[0]
        inside += gap["conf_low"] <= truth <= gap["conf_high"]
    assert 0.93 - SLACK <= inside / REPLICATIONS <= 0.97 + SLACK
