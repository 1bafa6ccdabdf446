"""Retention and hazards: R's and lifelines' numbers, by hand, coverage, planted truths, what is refused."""

import os
from pathlib import Path

import lifelines
import lifelines.datasets
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cxlab.analysis.estimates import masked
from cxlab.analysis.survival import cox, hazards, retention
from cxlab.analysis.survival.curves import curve, log_rank
from cxlab.analysis.survival.observed import cells
from cxlab.errors import AnalysisError

REPLICATIONS = int(os.environ.get("CXLAB_REPLICATIONS", 200))
# 5 % of the replications and two standard errors of that count.
AT_MOST_ONE_OF_TWENTY = REPLICATIONS * 0.05 + 2 * np.sqrt(REPLICATIONS * 0.05 * 0.95)
R = 1e-8  # relative: R's printed digits, and both iterate to convergence
FEW = settings(max_examples=20, derandomize=True, deadline=None)


def each(duration, event, entry=None, weights=None):
    """A risk table with a cell for each customer."""
    labels = pd.DataFrame({"customer": np.arange(len(duration))})
    return cells(labels, duration, event, np.zeros(len(duration)) if entry is None else entry, weights)


def lung():
    """R's survival::lung, status 1 = dead, as lifelines ships it."""
    return lifelines.datasets.load_lung().astype({"time": float})


def aml():
    """R's survival::aml (Miller 1981)."""
    maintained = [
        (9, 1),
        (13, 1),
        (13, 0),
        (18, 1),
        (23, 1),
        (28, 0),
        (31, 1),
        (34, 1),
        (45, 0),
        (48, 1),
        (161, 0),
    ]
    other = [
        (5, 1),
        (5, 1),
        (8, 1),
        (8, 1),
        (12, 1),
        (16, 0),
        (23, 1),
        (27, 1),
        (30, 1),
        (33, 1),
        (43, 1),
        (45, 1),
    ]
    rows = [(t, d, "maintained") for t, d in maintained] + [(t, d, "other") for t, d in other]
    return pd.DataFrame(rows, columns=["time", "event", "group"])


def customers(n=400, seed=0, *, rate=0.03, window=30, effect=0.0):
    """Monthly durations with a staggered start, and a covariate x of a log hazard ratio per SD."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    left = rng.exponential(1 / rate, n) * np.exp(-effect * x)
    seen = rng.uniform(1, window, n)
    return pd.DataFrame({
        "months": np.ceil(np.minimum(left, seen)), "left": (left <= seen).astype(int), "x": x,
        "segment": rng.choice(["a", "b", "c"], n), "plan": rng.choice(["one", "two"], n),
        "w": rng.lognormal(0, 0.8, n),
    })  # fmt: skip


def at(result, time, **key):
    rows = result.tables["horizons"]
    for column, value in key.items():
        rows = rows[rows[column] == value]
    return rows.set_index("time").loc[time]


# R.


def test_lung_by_sex_has_rs_medians_intervals_and_log_rank():
    result = retention(lung(), "time", "status", by=["sex"], horizons=[365])
    medians = result.tables["medians"]
    assert medians[["estimate", "conf_low", "conf_high"]].to_numpy().tolist() == [
        [270, 210, 306],
        [426, 345, 524],
    ]
    ranks = result.tables["log_rank"].iloc[0]
    assert ranks["statistic"] == pytest.approx(10.3267419549, rel=R)
    assert ranks["df"] == 1
    assert ranks["p_adjusted"] == pytest.approx(stats.chi2.sf(10.3267419549, 1), rel=1e-7)


def test_aml_curves_medians_and_log_rank():
    result = retention(aml(), "time", "event", by="group")
    steps = result.table[(result.table["events"] > 0)]
    expected = [
        0.90909090909, 0.81818181818, 0.71590909091, 0.61363636364, 0.49090909091, 0.36818181818,
        0.18409090909, 0.83333333333, 0.66666666667, 0.58333333333, 0.48611111111, 0.38888888889,
        0.29166666667, 0.19444444444, 0.097222222222, 0,
    ]  # fmt: skip
    assert steps["estimate"].to_numpy() == pytest.approx(expected, abs=1e-10)
    assert result.tables["medians"]["estimate"].tolist() == [31, 23]
    assert result.tables["log_rank"]["statistic"].iloc[0] == pytest.approx(3.396388699, rel=R)


def test_lung_cox_is_rs_to_eight_digits():
    table = lung()
    result = hazards(table, "time", "status", ["age", "sex", "ph.ecog"])
    assert result.table["estimate"].to_numpy() == pytest.approx(
        [0.01106676456, -0.5526123957, 0.46372847537], rel=R
    )
    assert result.table["std_error"].to_numpy() == pytest.approx(
        [0.0092674110137, 0.16773905379, 0.11357726616], rel=R
    )
    assert result.table["p_value"].to_numpy() == pytest.approx(
        [0.232415681, 0.00098605137214, 4.4470666519e-05], rel=1e-7
    )
    assert result.settings["loglik_null"] == pytest.approx(-744.4804557614, rel=R)
    assert result.settings["loglik"] == pytest.approx(-729.2301213749, rel=R)
    assert result.concordance == pytest.approx(0.637135493, abs=1e-9)
    assert dict(result.n_dropped) == {"ph.ecog missing": 1}
    assert result.checks["statistic"].to_numpy() == pytest.approx(
        [0.18798767365, 2.3054372274, 2.0542487741, 4.4636575888], rel=R
    )
    assert result.checks["p_value"].to_numpy() == pytest.approx(
        [0.66459676312, 0.12892199881, 0.15178209891, 0.21555494534], rel=R
    )


def test_lung_stratified_by_sex():
    result = hazards(lung(), "time", "status", ["age", "ph.ecog"], strata=["sex"])
    assert result.table["estimate"].to_numpy() == pytest.approx([0.010566254601, 0.46242443436], rel=R)


def test_rossi_cox_and_proportionality():
    table = lifelines.datasets.load_rossi()
    names = ["fin", "age", "race", "wexp", "mar", "paro", "prio"]
    result = hazards(table, "week", "arrest", names)
    expected = [-0.37942217, -0.05743774, 0.31389979, -0.14979570, -0.43370388, -0.08487108, 0.09149708]
    assert result.table["estimate"].to_numpy() == pytest.approx(expected, abs=1e-8)
    assert result.concordance == pytest.approx(0.64032925, abs=1e-8)
    checks = result.checks.set_index("covariate")["statistic"]
    assert checks[["age", "wexp", "GLOBAL"]].to_numpy() == pytest.approx(
        [5.97398, 4.22460, 17.69442], abs=1e-5
    )


def test_veteran_with_a_category_of_four():
    table = pd.read_csv(Path(__file__).parent / "published" / "veteran.csv", comment="#")
    result = hazards(table, "time", "status", ["trt", "karno", "diagtime", "age", "prior", "celltype"])
    rows = result.table.set_index("covariate")
    assert rows.loc[["trt", "karno", "age"], "estimate"].to_numpy() == pytest.approx(
        [0.29460282151, -0.032815326194, -0.0087064749458], rel=R
    )
    assert rows.loc["karno", "std_error"] == pytest.approx(0.0055077568865, rel=R)
    # R's reference is squamous, ours the most frequent, small cell.
    assert result.settings["references"] == {"celltype": "smallcell"}
    assert rows.loc["celltype: squamous", "estimate"] == pytest.approx(-0.86156046275, rel=R)
    assert rows.loc["celltype: adeno", "estimate"] == pytest.approx(1.1960663742 - 0.86156046275, rel=R)
    checks = result.checks.set_index("covariate")
    expected = [
        0.26438883575,
        12.9351978287,
        0.012889370707,
        1.8288266094,
        2.1655663304,
        15.2273639239,
        34.5524911057,
    ]
    assert checks["statistic"].to_numpy() == pytest.approx(expected, rel=R)
    assert checks["df"].tolist() == [1, 1, 1, 1, 1, 3, 8]
    medians = retention(table, "time", "status", by="trt").tables["medians"]["estimate"]
    assert medians.tolist() == [103, 52.5]


def test_heart_with_late_entry():
    # The Stanford transplants as episodes: rows are not people there, so no id column goes in.
    table = lifelines.datasets.load_stanford_heart_transplants().drop(columns="id")
    result = hazards(table, "stop", "event", ["age", "year", "surgery", "transplant"], entry="start")
    assert result.table["estimate"].to_numpy() == pytest.approx(
        [0.027166640958, -0.14634634567, -0.63720988997, -0.010250772409], rel=1e-6
    )
    assert result.table["std_error"].to_numpy() == pytest.approx(
        [0.01371411521, 0.070467979519, 0.36722599618, 0.31375479834], rel=1e-6
    )


def test_telco_figures():
    folder = os.environ.get("CXLAB_REAL_DATA")
    if not folder:
        pytest.skip("CXLAB_REAL_DATA names no folder of real files")
    table = pd.read_csv(Path(folder) / "telco_churn_ibm.csv")
    table = table[table["tenure"] > 0].assign(event=lambda t: (t["Churn"] == "Yes").astype(int))
    result = retention(table, "tenure", "event", by=["Contract"], horizons=[12, 24, 36, 60, 72])
    assert result.n_used == 7032
    shares = result.tables["overall"]["estimate"].to_numpy()
    assert shares == pytest.approx([0.8432, 0.7887, 0.7485, 0.6644, 0.5928], abs=5e-5)
    ranks = result.tables["log_rank"].iloc[0]
    assert (round(ranks["statistic"], 2), ranks["df"]) == (2352.87, 2)
    medians = result.tables["medians"].set_index("Contract")["estimate"]
    assert medians["Month-to-month"] == 35
    assert medians[["One year", "Two year"]].isna().all()


# lifelines.


def test_curve_and_limits_are_lifelines():
    table = lung()
    ours = retention(table, "time", "status").table
    theirs = lifelines.KaplanMeierFitter().fit(table["time"], table["status"])
    limits = theirs.confidence_interval_survival_function_.iloc[:, :2].to_numpy()
    assert ours["estimate"].to_numpy() == pytest.approx(
        theirs.survival_function_.iloc[:, 0].to_numpy(), abs=1e-12
    )
    inner = ours["estimate"].between(1e-9, 1 - 1e-9).to_numpy()
    assert ours[["conf_low", "conf_high"]].to_numpy()[inner] == pytest.approx(limits[inner], abs=1e-9)


def test_late_entry_is_lifelines_and_differs_from_ignoring_it():
    table = customers(800, 3)
    table["entry"] = np.floor(table["months"] * np.random.default_rng(0).random(800) * 0.9)
    ours = retention(table, "months", "left", entry="entry")
    theirs = lifelines.KaplanMeierFitter().fit(table["months"], table["left"], entry=table["entry"])
    expected = theirs.survival_function_.iloc[:, 0]
    assert ours.table.set_index("time")["estimate"].to_numpy()[1:] == pytest.approx(
        expected.loc[1:].to_numpy(), abs=1e-12
    )
    assert at(ours, 24)["estimate"] < at(retention(table, "months", "left"), 24)["estimate"]
    assert "conditional_on_entry" in ours.claims[0].caveats


def test_three_groups_as_lifelines():
    from lifelines.statistics import multivariate_logrank_test

    table = customers(300, 1)
    ours = retention(table, "months", "left", by=["segment"]).tables["log_rank"].iloc[0]
    theirs = multivariate_logrank_test(table["months"], table["segment"], table["left"])
    assert ours["statistic"] == pytest.approx(theirs.test_statistic, rel=1e-9)
    assert ours["p_value"] == pytest.approx(theirs.p_value, rel=1e-8)


def test_weighted_cox_is_lifelines_without_ties():
    table = customers(300, 2, effect=0.4).assign(
        months=lambda t: t["months"] + np.random.default_rng(0).random(300)
    )
    ours = hazards(table, "months", "left", ["x"], weights="w").table.iloc[0]
    theirs = lifelines.CoxPHFitter()
    theirs.fit(table[["months", "left", "x", "w"]], "months", "left", weights_col="w", robust=True)
    assert ours["estimate"] == pytest.approx(theirs.params_["x"], abs=1e-6)
    assert ours["std_error"] == pytest.approx(theirs.standard_errors_["x"], rel=1e-5)


# By hand.


def test_six_customers_by_hand():
    table = pd.DataFrame({"t": [3, 5, 5, 8, 12, 12], "d": [1, 1, 0, 1, 0, 0]})
    rows = retention(table, "t", "d", horizons=[5]).table.set_index("time")
    assert rows["at_risk"].tolist() == [6, 6, 5, 3, 2]
    assert rows["events"].tolist() == [0, 1, 1, 1, 0]
    assert rows["estimate"].tolist() == pytest.approx([1, 5 / 6, 2 / 3, 4 / 9, 4 / 9])
    greenwood = 1 / 30 + 1 / 20 + 1 / 6
    assert rows.loc[8, "std_error"] == pytest.approx(4 / 9 * np.sqrt(greenwood))
    shift = 1.959963984540054 * np.sqrt(greenwood) / np.log(9 / 4)
    assert rows.loc[8, "conf_low"] == pytest.approx((4 / 9) ** np.exp(shift))
    assert rows.loc[8, "conf_high"] == pytest.approx((4 / 9) ** np.exp(-shift))


def test_cox_of_four_customers_by_hand():
    table = pd.DataFrame({"t": [1.0, 2, 3, 4], "d": [1, 1, 0, 0], "x": [1, 0, 1, 0]})
    # L = e^b/(2e^b+2) * 1/(e^b+2); score 1 - e^b/(e^b+1) - e^b/(e^b+2) = 0 -> e^b = sqrt(2).
    result = hazards(table, "t", "d", ["x"]).table.iloc[0]
    assert result["hazard_ratio"] == pytest.approx(np.sqrt(2), rel=1e-9)


def test_efron_ties_by_hand():
    # Two deaths at once (x = 1 and 0) among three (third x = 0): L = e^b / ((e^b+2)((e^b+2) - (e^b+1)/2)).
    b = np.linspace(-3, 3, 7)
    risk = cox.at_risk(
        each(np.array([1.0, 1, 2]), np.array([True, True, False])),
        np.array([[1.0], [0], [0]]),
        np.zeros(3, dtype=int),
    )
    found = [cox.sums(risk, np.array([value])).loglik for value in b]
    r = np.exp(b)
    assert found == pytest.approx(np.log(r / ((r + 2) * (r + 2 - (r + 1) / 2))), abs=1e-12)


def test_score_information_and_influences_are_derivatives():
    table = customers(120, 4, effect=0.3)
    x = np.column_stack([table["x"], np.random.default_rng(1).normal(size=120)])
    entry = np.floor(table["months"] * 0.3).to_numpy()
    w = table["w"].to_numpy()
    strata = (table["plan"] == "one").to_numpy().astype(int)

    def risk(weights):
        who = each(table["months"].to_numpy(), table["left"].to_numpy() == 1, entry, weights)
        return cox.at_risk(who, x, strata)

    beta, h = np.array([0.3, -0.2]), 1e-6
    ours = risk(w)
    ones = np.ones(len(ours.deaths))
    sums = cox.sums(ours, beta)
    score = cox.score(ours, sums, ones)
    steps = np.eye(2) * h
    numeric = [(cox.sums(ours, beta + s).loglik - cox.sums(ours, beta - s).loglik) / (2 * h) for s in steps]
    assert score == pytest.approx(numeric, rel=1e-6)
    slope = [
        (cox.score(ours, cox.sums(ours, beta - s), ones) - cox.score(ours, cox.sums(ours, beta + s), ones))
        / (2 * h)
        for s in steps
    ]
    assert cox.information(ours, sums, ones) == pytest.approx(np.array(slope), rel=1e-6)
    assert ours.w @ cox.influences(ours, sums, ones) == pytest.approx(score, abs=1e-9)


def test_concordance_counts_pairs_with_entry_weights_and_ties():
    table = customers(150, 5, effect=0.5).assign(x=lambda t: t["x"].round(1))
    entry = np.floor(table["months"] * 0.4).to_numpy()
    t, d, w, x = (table[c].to_numpy() for c in ("months", "left", "w", "x"))
    risk = cox.at_risk(each(t, d == 1, entry, w), x[:, None], np.zeros(150, dtype=int))
    right = total = 0.0
    for i in np.flatnonzero(d == 1):
        stays = ((t > t[i]) | ((t == t[i]) & (d == 0))) & (entry < t[i])
        total += w[i] * w[stays].sum()
        right += w[i] * (w[stays & (x < x[i])].sum() + w[stays & (x == x[i])].sum() / 2)
    assert cox.concordance(risk, np.array([1.0])) == pytest.approx(right / total, abs=1e-12)


# Invariances.


def test_all_weights_equal_are_no_weights_and_weights_are_never_counts():
    table = customers(200, 6, effect=0.4).assign(five=5.0)
    one, two = (retention(table, "months", "left", by=["segment"], weights=w) for w in (None, "five"))
    pd.testing.assert_frame_equal(one.table, two.table)
    one, two = (hazards(table, "months", "left", ["x"], weights=w) for w in (None, "five"))
    pd.testing.assert_frame_equal(one.table, two.table)
    # Ten times the weights change nothing at all.
    table["w10"] = 10 * table["w"]
    for run in (
        lambda w: retention(table, "months", "left", by=["segment"], weights=w).table,
        lambda w: retention(table, "months", "left", by=["segment"], weights=w).tables["log_rank"],
        lambda w: hazards(table, "months", "left", ["x", "plan"], weights=w).table,
        lambda w: hazards(table, "months", "left", ["x", "plan"], weights=w).checks,
    ):
        pd.testing.assert_frame_equal(run("w"), run("w10"), rtol=1e-8)


def test_influence_variance_is_greenwoods_for_equal_weights_and_right_for_others():
    table = customers(150, 7)
    duration, event, n = table["months"].to_numpy(), table["left"].to_numpy() == 1, 150
    plain = each(duration, event)
    same = each(duration, event, None, np.full(n, 3.0))
    assert curve(same, 0.95).error == pytest.approx(curve(plain, 0.95).error, nan_ok=True)
    entry = np.floor(duration * 0.4)
    w = table["w"].to_numpy()

    def log_survival(weights):
        return np.log(curve(each(duration, event, entry, weights), 0.95).survival[12])

    influence = [(log_survival(w + h) - log_survival(w - h)) / 2 for h in np.diag(1e-5 * w)]
    found = curve(each(duration, event, entry, w), 0.95)
    assert found.error[12] == pytest.approx(np.sqrt(np.sum((np.array(influence) / 1e-5) ** 2)), rel=1e-5)


def test_weighted_log_rank_is_the_robust_score_test_of_a_cox_model():
    table = customers(250, 8).assign(g=lambda t: (t["plan"] == "two").astype(float))
    table["months"] += np.random.default_rng(0).random(250)
    ours = retention(table, "months", "left", by=["plan"], weights="w").tables["log_rank"].iloc[0]
    w = table["w"].to_numpy()
    who = each(table["months"].to_numpy(), table["left"].to_numpy() == 1, None, w)
    risk = cox.at_risk(who, table[["g"]].to_numpy(), np.zeros(250, dtype=int))
    sums, ones = cox.sums(risk, np.zeros(1)), np.ones(len(risk.deaths))
    own = w * cox.influences(risk, sums, ones)[:, 0]
    assert ours["statistic"] == pytest.approx(own.sum() ** 2 / (own**2).sum(), rel=1e-9)


@FEW
@given(st.integers(0, 10**6))
def test_curves_fall_stay_within_limits_and_do_not_depend_on_rows_or_units(seed):
    table = customers(60, seed)
    result = retention(table, "months", "left", horizons=[6])
    rows = result.table
    assert rows["estimate"].is_monotonic_decreasing
    assert rows["estimate"].between(0, 1).all()
    known = rows[rows["conf_low"].notna()]
    assert (
        (known["conf_low"] <= known["estimate"] + 1e-12) & (known["estimate"] <= known["conf_high"] + 1e-12)
    ).all()
    mixed = table.sample(frac=1, random_state=seed % 999).assign(months=lambda t: t["months"] * 30)
    assert retention(mixed, "months", "left").table["estimate"].to_numpy() == pytest.approx(
        rows["estimate"].to_numpy(), abs=1e-12
    )


@FEW
@given(st.integers(0, 10**6))
def test_hazard_ratios_do_not_depend_on_units_and_splitting_an_episode_changes_nothing(seed):
    table = customers(150, seed, effect=0.3)
    plain = hazards(table, "months", "left", ["x"])
    scaled = hazards(table.assign(months=table["months"] * 30, x=5 + 2 * table["x"]), "months", "left", ["x"])
    assert 2 * scaled.table["estimate"].iloc[0] == pytest.approx(
        plain.table["estimate"].iloc[0], rel=1e-7, abs=1e-9
    )
    assert scaled.table["hazard_ratio_sd"].iloc[0] == pytest.approx(
        plain.table["hazard_ratio_sd"].iloc[0], rel=1e-7
    )
    long = table[table["months"] > 4]
    first = long.assign(start=0.0, months=4.0, left=0)
    split = pd.concat([table.assign(start=np.where(table["months"] > 4, 4.0, 0.0)), first], ignore_index=True)
    again = hazards(split, "months", "left", ["x"], entry="start").table.iloc[0]
    assert [again["estimate"], again["std_error"]] == pytest.approx(
        plain.table[["estimate", "std_error"]].iloc[0].tolist(), rel=1e-7, abs=1e-9
    )


def test_inputs_stay_and_results_account_for_every_row():
    table = customers(200, 9).assign(customer_id=lambda t: t.index)
    table.loc[:9, "segment"] = None
    table.loc[10:14, "x"] = np.nan
    table.loc[15:16, "w"] = 0.0
    before = table.copy(deep=True)
    kept = retention(table, "months", "left", by=["segment"], weights="w")
    assert dict(kept.n_dropped) == {"weight zero": 2, "segment missing": 10}
    found = hazards(table, "months", "left", ["x", "segment"], weights="w")
    assert dict(found.n_dropped) == {"weight zero": 2, "x missing": 5, "segment missing": 10}
    assert found.n_used == 200 - 17
    pd.testing.assert_frame_equal(table, before)


# What a caller gets.


def test_retention_columns_horizons_and_what_lies_beyond():
    result = retention(customers(400, 1), "months", "left", by=["segment", "plan"], horizons=[12, 90])
    columns = [
        "time",
        "at_risk",
        "events",
        "estimate",
        "std_error",
        "conf_low",
        "conf_high",
        "n",
        "n_eff",
        "flag",
    ]
    assert result.table.columns.tolist() == ["segment", "plan", *columns]
    assert result.tables["horizons"].columns.tolist() == ["segment", "plan", *columns]
    assert len(result.tables["horizons"]) == 12
    assert result.tables["log_rank"]["column"].tolist() == ["segment", "plan"]
    beyond = result.tables["overall"].set_index("time").loc[90]
    assert np.isnan(beyond["estimate"])
    assert (beyond["at_risk"], beyond["flag"]) == (0, "suppressed")
    few = result.table[result.table["at_risk"] < 10]
    assert (few["flag"] == "suppressed").all()
    assert masked(result).table.loc[few.index, "estimate"].isna().all()
    assert result.table.groupby(["segment", "plan"])["time"].first().eq(0).all()


def test_before_the_first_departure_the_limit_is_exact():
    table = pd.DataFrame({"t": [5.0] * 20 + [10.0] * 20, "d": [0] * 20 + [1] + [0] * 19})
    row = retention(table, "t", "d").table.set_index("time").loc[5]
    assert (row["estimate"], row["conf_high"]) == (1, 1)
    assert row["conf_low"] == pytest.approx(0.025 ** (1 / 40))


def test_everyone_leaves_and_a_median_that_rests_at_a_half():
    table = pd.DataFrame({"t": [1.0, 2, 3, 4], "d": [1, 1, 1, 1]})
    result = retention(table, "t", "d")
    assert result.tables["medians"]["estimate"].iloc[0] == 2.5
    last = result.table.iloc[-1]
    assert (last["estimate"], last["conf_low"]) == (0, 0)
    assert np.isnan(last["std_error"])


def test_all_censored_is_said_with_an_upper_bound():
    result = retention(customers(100).assign(left=0), "months", "left", by=["segment"])
    assert [c.code for c in result.claims] == ["retention.no_events"]
    assert result.claims[0].fields["upper"] == pytest.approx(1 - 0.05 ** (1 / 100))
    assert (result.table["estimate"] == 1).all()
    assert result.tables["medians"]["estimate"].isna().all()
    assert len(result.tables["tests"]) == 0


def test_curve_with_late_entry_starts_where_enough_are_at_risk():
    table = customers(500, 2).query("months > 3").assign(entry=2.0)
    odd = pd.DataFrame({"months": [1.0, 2.0], "left": [1, 0], "entry": [0.0, 0.0]})
    result = retention(pd.concat([odd, table], ignore_index=True), "months", "left", entry="entry")
    assert result.settings["starts_at"] == 1
    assert dict(result.n_dropped) == {"seen only before the curve starts": 1}
    assert result.n_used == len(table) + 1
    plain = retention(table, "months", "left", entry="entry")
    assert at(result, 12)["estimate"] == pytest.approx(at(plain, 12)["estimate"], abs=1e-12)


def test_hazards_columns_references_and_levels():
    table = customers(500, 3, effect=0.4).assign(vip=lambda t: t["segment"] == "c")
    result = hazards(table, "months", "left", ["x", "plan", "vip"])
    assert result.table.columns.tolist() == [
        "covariate", "estimate", "std_error", "hazard_ratio", "conf_low", "conf_high", "p_value",
        "p_adjusted", "sd", "hazard_ratio_sd", "conf_low_sd", "conf_high_sd", "n", "events", "n_eff", "flag",
    ]  # fmt: skip
    common = table["plan"].value_counts().index[0]
    other = ({"one", "two"} - {common}).pop()
    assert result.table["covariate"].tolist() == ["x", f"plan: {other}", "vip: True"]
    assert dict(result.settings["references"]) == {"plan": common, "vip": "False"}
    row = result.table.iloc[1]
    assert (row["n"], row["events"]) == (
        (table["plan"] == other).sum(),
        table.loc[table["plan"] == other, "left"].sum(),
    )
    assert result.checks["covariate"].tolist() == ["x", "plan", "vip", "GLOBAL"]
    effect = next(c for c in result.claims if c.code == "hazards.effect")
    assert effect.fields["covariate"] == "x"
    assert effect.fields["per"] == "SD"
    per_sd = result.table.loc[0, ["hazard_ratio_sd", "conf_low_sd", "conf_high_sd"]].tolist()
    assert [effect.fields[f] for f in ("estimate", "conf_low", "conf_high")] == pytest.approx(per_sd)
    assert result.table.loc[1:, "hazard_ratio_sd"].isna().all()
    assert effect.grade == "C"
    pd.testing.assert_frame_equal(result.checks, result.tables["checks"])


def test_categories_are_tested_together():
    table = customers(600, 4)
    result = hazards(table, "months", "left", ["segment"])
    assert result.checks.loc[0, "df"] == 2
    assert len(result.table) == 2


# Planted truths (T5, T6 of the demo client, months and price as there).


def planted(n=24_000, seed=0, *, late_entry=False):
    rng = np.random.default_rng(seed)
    pxi = rng.normal(size=n)
    price = -0.35 * pxi + np.sqrt(1 - 0.35**2) * rng.normal(size=n)
    promo = rng.random(n) < 0.4
    line = np.log(0.80) * pxi + np.log(1.35) * price
    months = np.full(n, 60)
    alive = np.ones(n, dtype=bool)
    for month in range(1, 61):
        rate = (
            0.02
            * np.exp(line)
            * (2.0 if month <= 3 else 1.0)
            * np.where(promo & (month in (13, 14)), 4.0, 1.0)
        )
        leaves = alive & (rng.random(n) < 1 - np.exp(-rate))
        months[leaves] = month
        alive &= ~leaves
    seen = rng.integers(1, 31, n)
    table = pd.DataFrame(
        {"pxi": pxi, "price": price, "promo": promo.astype(int), "segment": rng.choice(list("ab"), n)}
    )
    table = table.assign(months=np.minimum(months, seen).astype(float), left=(months <= seen).astype(int))
    if late_entry:
        table = table.assign(entry=rng.integers(0, 12, n).astype(float)).query("entry < months")
    return table


def test_price_confounds_and_promotion_is_not_proportional():
    table = planted(60_000)
    result = hazards(table, "months", "left", ["pxi", "price", "promo"])
    rows = result.table.set_index("covariate")
    assert rows.loc["pxi", "hazard_ratio_sd"] == pytest.approx(0.80, abs=0.03)
    assert rows.loc["price", "hazard_ratio_sd"] == pytest.approx(1.35, abs=0.05)
    alone = hazards(table, "months", "left", ["pxi"]).table.iloc[0]
    assert alone["hazard_ratio_sd"] < 0.76
    assert [c.fields["covariate"] for c in result.claims if c.code == "hazards.not_proportional"] == ["promo"]
    promo = result.checks.set_index("covariate").loc["promo"]
    assert promo["p_value"] < 1e-4
    assert (
        "the effect of promo changes over time: its hazard ratio is an average; put it among the strata"
        in promo["advice"]
    )
    assert result.checks.set_index("covariate").loc["pxi", "advice"] == ""


def test_exposure_before_outcome_is_graded_higher_and_entry_removes_the_bias():
    result = hazards(planted(late_entry=True), "months", "left", ["pxi", "price"], entry="entry")
    assert result.table["hazard_ratio_sd"].iloc[0] == pytest.approx(0.80, abs=0.03)
    effects = [c for c in result.claims if c.code == "hazards.effect"]
    assert {c.grade for c in effects} == {"B"}
    assert "conditional_on_entry" in effects[0].caveats


@pytest.mark.simulation
def test_the_innocent_neighbour_is_not_blamed():
    blamed = blamed_alone = found = 0
    runs = max(REPLICATIONS // 4, 50)
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        n = 3000
        score = rng.normal(size=n)
        monthly = (score + rng.normal(size=n) < 0).astype(float)
        early = rng.exponential(1 / (0.05 * np.exp(0.5 * score + 1.5 * monthly)))
        late = 8 + rng.exponential(1 / (0.05 * np.exp(0.5 * score - 0.5 * monthly)))
        left = np.where(early < 8, early, late)
        table = pd.DataFrame(
            {"t": np.minimum(left, 30), "d": (left < 30).astype(int), "score": score, "monthly": monthly}
        )
        checks = hazards(table, "t", "d", ["score", "monthly"]).checks.set_index("covariate")
        blamed += checks.loc["score", "joint_p_value"] < 0.05
        blamed_alone += checks.loc["score", "p_value"] < 0.05
        found += checks.loc["monthly", "joint_p_value"] < 0.05
    assert found == runs
    assert blamed <= runs * 0.06 + 2 * np.sqrt(runs * 0.05 * 0.95)
    assert blamed_alone > blamed


# Coverage and silence.


@pytest.mark.simulation
@pytest.mark.parametrize(("weighted", "entry"), [(False, False), (True, False), (True, True)])
def test_retention_intervals_cover(weighted, entry):
    """Segment b leaves twice as fast and is sampled a third as often; weights restore the mix."""
    covered = 0
    horizon, rates = 12.0, np.array([0.03, 0.06])
    truth = np.exp(-rates * horizon)
    for seed in range(REPLICATIONS):
        rng = np.random.default_rng(seed)
        n = 300
        b = rng.random(n) < (0.25 if weighted else 0.5)
        left, seen = rng.exponential(1 / rates[b.astype(int)]), rng.uniform(6, 30, n)
        table = pd.DataFrame({"t": np.minimum(left, seen), "d": (left <= seen).astype(int)})
        table["w"] = np.where(b, 3.0, 1.0) * rng.lognormal(0, 0.4, n)
        table["e"] = np.where(rng.random(n) < 0.5, 0.0, rng.uniform(0, 8, n)) if entry else 0.0
        table = table[table["e"] < table["t"]]
        result = retention(
            table,
            "t",
            "d",
            weights="w" if weighted else None,
            entry="e" if entry else None,
            horizons=[horizon],
        )
        row = result.tables["overall"].iloc[0]
        # With entry the mix at risk is not the population's at the start; the truth is the weighted mixture.
        covered += row["conf_low"] <= truth.mean() <= row["conf_high"]
    low = 0.95 - 2.6 * np.sqrt(0.05 * 0.95 / REPLICATIONS) - (0.03 if entry else 0.005)
    assert low <= covered / REPLICATIONS <= 0.99


@pytest.mark.simulation
@pytest.mark.parametrize("weighted", [False, True])
def test_hazard_ratio_intervals_cover(weighted):
    covered = 0
    for seed in range(REPLICATIONS):
        table = customers(300, 300_000 + seed, effect=0.4, rate=0.02)
        table["months"] += np.random.default_rng(seed).random(300) * 0.01
        row = hazards(table, "months", "left", ["x"], weights="w" if weighted else None).table.iloc[0]
        covered += row["conf_low"] <= np.exp(0.4) <= row["conf_high"]
    assert (
        0.95 - 2.6 * np.sqrt(0.05 * 0.95 / REPLICATIONS) - (0.02 if weighted else 0.01)
        <= covered / REPLICATIONS
    )


@pytest.mark.simulation
def test_noise_states_a_difference_in_at_most_one_of_twenty():
    curves = effects = 0
    for seed in range(REPLICATIONS):
        table = customers(200 + seed % 200, 70_000 + seed).assign(e=0.5)
        kept = retention(table, "months", "left", by=["segment"], entry="e")
        curves += any("hypothesis" in c.fields for c in kept.claims)
        found = hazards(table, "months", "left", ["x", "segment", "plan"])
        effects += any("hypothesis" in c.fields for c in found.claims)
    assert curves <= AT_MOST_ONE_OF_TWENTY
    assert effects <= AT_MOST_ONE_OF_TWENTY


@pytest.mark.simulation
def test_weights_do_not_make_noise_speak():
    curves = effects = 0
    for seed in range(REPLICATIONS):
        table = customers(200 + seed % 200, 90_000 + seed)
        who = each(table["months"].to_numpy(), table["left"].to_numpy() == 1, None, table["w"].to_numpy())
        curves += log_rank(who, pd.factorize(table["segment"])[0], 3).p_value < 0.05
        effects += hazards(table, "months", "left", ["x"], weights="w").table["p_value"].iloc[0] < 0.05
    assert curves <= AT_MOST_ONE_OF_TWENTY
    assert effects <= AT_MOST_ONE_OF_TWENTY


def test_what_is_said_without_a_difference():
    table = customers(300, 11)
    kept = retention(table, "months", "left", by=["segment", "plan"])
    assert [c.code for c in kept.claims][-2:] == ["retention.alike", "retention.alike"]
    assert kept.claims[0].code == "retention.level"
    assert kept.claims[0].headline
    assert kept.claims[0].fields["unit"] == "share"
    found = hazards(table, "months", "left", ["x", "plan"])
    assert found.claims[0].code == "hazards.none"
    assert found.claims[0].fields == {
        "covariates": 2,
        "events": int(table["left"].sum()),
        "n": 300,
        "level": 0.95,
    }


def test_a_difference_names_the_ends_where_enough_are_observed():
    table = pd.concat(
        [
            customers(300, 1, rate=0.06).assign(plan="fast"),
            customers(300, 2, rate=0.01).assign(plan="slow"),
            customers(6, 3).assign(plan="tiny"),
        ]
    )
    claim = next(
        c for c in retention(table, "months", "left", by=["plan"]).claims if c.code == "retention.difference"
    )
    assert (claim.fields["lowest"], claim.fields["highest"]) == ("fast", "slow")
    assert claim.fields["df"] == 2
    assert claim.fields["n"] >= 10
    assert claim.fields["p_adjusted"] < 1e-6
    assert "suppressed_rows" in claim.caveats


# What is refused.


def refused(match, table, duration="months", event="left", **options):
    with pytest.raises(AnalysisError, match=match):
        retention(table, duration, event, **options)
    with pytest.raises(AnalysisError, match=match):
        hazards(table, duration, event, ["x"], **{k: v for k, v in options.items() if k != "by"})


def test_events_must_be_0_or_1():
    table = customers(50)
    blank = table["left"].astype(float).where(table.index != 4)
    refused(
        r"row 5, column left: found a blank; allowed: 0 \(still here\) or 1 \(left\). fill it, or exclude",
        table.assign(left=blank),
    )
    text = table["left"].astype(object).where(table.index != 6, "")
    refused(r"row 7, column left: found text \(''\)", table.assign(left=text))
    said = table["left"].map({1: "Yes", 0: "No"})
    refused(
        r"found text \('No', 'Yes'\) \(50 rows\).*for instance Yes to 1 and No to 0", table.assign(left=said)
    )
    refused(
        r"found the codes 1, 2 \(\d+ rows\).*say which code means that the customer left",
        table.assign(left=table["left"] + 1),
    )
    assert retention(table.assign(left=table["left"] == 1), "months", "left").n_used == 50
    assert retention(table.assign(left=table["left"].astype("Int64")), "months", "left").n_used == 50
    gone = (table["left"] == 1).astype("boolean").where(table.index != 2)
    refused(r"row 3, column left: found a blank", table.assign(left=gone))
    refused(r"column left: found text \('No', 'Yes'\)", table.assign(left=said.astype("category")))
    refused(r"column left: found a blank \(50 rows\)", table.assign(left=None))


def test_times_must_be_positive_and_entries_before_them():
    table = customers(50).assign(entry=0.0)
    refused(
        r"row 3, column months: found a negative duration \(-2\)",
        table.assign(months=table["months"].where(table.index != 2, -2)),
    )
    refused(
        r"row 1, column months: found a duration of zero.*count the first month as 1",
        table.assign(months=table["months"].where(table.index != 0, 0)),
    )
    refused(
        r"row 2, column months: found a blank or infinite time",
        table.assign(months=table["months"].where(table.index != 1)),
    )
    dates = pd.Series(pd.Timestamp("2024-01-01"), index=table.index)
    refused(
        r"column months: found no numbers \('2024-01-01 00:00:00'\).*compute the time between the two dates",
        table.assign(months=dates),
    )
    refused(
        r"row 1, column entry: found an entry of \d+ and a months of \d+.*was never under observation",
        table.assign(entry=table["months"]),
        entry="entry",
    )
    refused(r"column entry: found a negative entry", table.assign(entry=-1.0), entry="entry")


def test_several_problems_come_together():
    table = customers(50).assign(left=2, months=-1.0)
    refused(r"(?s)column left: found the codes 2.*column months: found a negative duration", table)


def test_ids_weights_columns_and_roles():
    table = customers(50).assign(customer_id=[0, 0, *range(2, 50)], weight=-1.0)
    refused(
        r"found customer_id repeated: 0 \(2 rows\); allowed: one row for each customer. keep one",
        table,
    )
    refused(
        r"weights column 'weight' cannot be used(?s:.*)found -1.0",
        table.drop(columns="customer_id"),
        weights="weight",
    )
    refused(r"the table has no column tenure; it has months", customers(50), duration="tenure")
    refused(r"column 'months' is both the duration and the event", customers(50), event="months")
    refused(r"the table has no rows", customers(50).iloc[:0])
    refused(r"no row is left to analyse: e missing 50", customers(50).assign(e=np.nan), entry="e")
    both = pd.concat([customers(50), customers(50)[["months"]]], axis=1)
    refused(r"more than one column named months", both)
    with pytest.raises(AnalysisError, match="column 'left' is both the event and a grouping"):
        retention(customers(50), "months", "left", by=["left"])
    with pytest.raises(AnalysisError, match="horizons must be positive times; got -1"):
        retention(customers(50), "months", "left", horizons=[-1])
    with pytest.raises(AnalysisError, match="no row is left to analyse: segment missing 50"):
        retention(customers(50).assign(segment=None), "months", "left", by=["segment"])


def not_fitted(match, table, covariates, **options):
    with pytest.raises(AnalysisError, match=match):
        hazards(table, "months", "left", covariates, **options)


def test_covariates_are_checked():
    table = customers(200, effect=0.3)
    not_fitted(
        "column 'months' is both the duration and a covariate; give it one role", table, ["months", "x"]
    )
    not_fitted("column 'left' is both the event and a covariate", table, ["left"])
    not_fitted("column 'plan' is both a covariate and a stratum", table, ["plan"], strata=["plan"])
    not_fitted("no covariate is given", table, [])
    not_fitted("covariates named more than once: x", table, ["x", "x"])
    not_fitted(
        "column flat: found one value only.*leave it out, or widen the filter",
        table.assign(flat=1),
        ["x", "flat"],
    )
    not_fitted(
        "column who: found 200 different values, e.g. 'p.*group the categories",
        table.assign(who=[f"p{k}" for k in range(200)]),
        ["who"],
    )
    not_fitted(
        "covariates that determine each other: x, y, z; leave one of them out",
        table.assign(y=table["x"].rank(), z=table["x"] + table["x"].rank()),
        ["x", "y", "z", "plan"],
    )
    not_fitted(
        "row 4, column ease: found 99.*it looks like a code for no answer",
        table.assign(ease=np.where(table.index == 3, 99, table.index % 7)),
        ["ease"],
    )
    scaled = table.assign(ease=table.index % 7)
    scaled.attrs["scales"] = {"ease": [1, 7]}
    not_fitted("row 1, column ease: found 0.*allowed: from 1 to 7.*or correct the scale", scaled, ["ease"])
    table["x"] = table["x"].where(table.index > 0)
    not_fitted(
        "row 4, column ease: found 99",
        table.assign(ease=np.where(table.index == 3, 99, table.index % 7)),
        ["x", "ease"],
    )


def test_no_events_few_events_and_levels_without_events():
    table = customers(200, effect=0.3)
    not_fitted("no events: nothing to estimate; none of the 200 customers left", table.assign(left=0), ["x"])
    few = table.assign(left=(table.index < 2).astype(int), y=np.random.default_rng(0).normal(size=200))
    not_fitted("only 2 customers left, for 2 columns in the model; use fewer covariates", few, ["x", "y"])
    safe = table.assign(plan=np.where(table["left"] == 1, table["plan"], "safe"))
    not_fitted(
        r"column plan: found no departure among the \d+ customers with plan: safe.*its hazard would be zero",
        safe,
        ["x", "plan"],
    )
    binary = table.assign(vip=np.where(table["left"] == 1, 0, table.index % 2))
    not_fitted(r"column vip: found no departure among the \d+ customers with vip: 1", binary, ["vip"])


def test_a_hazard_without_finite_estimate_is_named():
    order = np.arange(1.0, 41.0)
    table = pd.DataFrame(
        {"months": order, "left": 1, "first": -order, "x": np.random.default_rng(0).normal(size=40)}
    )
    not_fitted(
        "the hazard of 'first' has no finite estimate.*merge categories or leave it out",
        table,
        ["first", "x"],
    )


def test_levels_are_refused_outside_the_open_interval():
    refused("level is 95", customers(50), level=95)


@FEW
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_a_risk_table_says_what_its_customers_say_one_by_one(seed, weighted):
    rng = np.random.default_rng(seed)
    n = 400
    x = rng.integers(0, 3, n)
    months = rng.integers(1, 7, n).astype(float)
    left = rng.random(n) < 0.4 + 0.1 * x
    entry = np.minimum(rng.integers(0, 3, n), months - 1)
    weights = rng.integers(1, 4, n).astype(float) if weighted else None
    people = each(months, left, entry, weights)
    table = cells(pd.DataFrame({"x": x}), months, left, entry, weights)
    assert len(table.count) <= 3 * 6 * 2 * 3 < len(people.count)
    assert (table.n, table.events, table.n_eff()) == pytest.approx((people.n, people.events, people.n_eff()))
    one, other = curve(people, 0.95), curve(table, 0.95)
    for name in ("at_risk", "events", "survival", "error", "conf_low", "conf_high"):
        assert getattr(other, name) == pytest.approx(getattr(one, name), rel=1e-9, nan_ok=True), name
    mine, ours = log_rank(people, x, 3), log_rank(table, table.labels["x"].to_numpy(), 3)
    assert (ours.statistic, ours.df) == pytest.approx((mine.statistic, mine.df), rel=1e-9)
    nobody = np.zeros(n, dtype=int)
    single = cox.at_risk(people, x[:, None].astype(float), nobody)
    grouped = cox.at_risk(table, table.labels[["x"]].to_numpy(dtype=float), nobody[: len(table.count)])
    for robust in (False, True):
        raw, held = cox.fit(single, robust=robust), cox.fit(grouped, robust=robust)
        assert held.beta == pytest.approx(raw.beta, rel=1e-9, abs=1e-12)
        assert held.covariance == pytest.approx(raw.covariance, rel=1e-9)
        assert held.at.loglik == pytest.approx(raw.at.loglik, rel=1e-11)
    assert cox.concordance(grouped, held.beta) == pytest.approx(cox.concordance(single, raw.beta), rel=1e-12)
    g = np.linspace(0, 1, len(single.deaths))
    tests = [
        cox.proportionality(risk, fit, g, [[0]], robust=True)[0]
        for risk, fit in ((single, raw), (grouped, held))
    ]
    assert tests[1].statistic == pytest.approx(tests[0].statistic, rel=1e-8)
