"""Distributions of lifetimes: closed forms, lifelines and R, late entry, weights, what lies beyond."""

import warnings
from pathlib import Path

import lifelines
import lifelines.datasets
import numpy as np
import pandas as pd
import pytest

from cxlab.analysis.survival import accelerated, lifetimes
from cxlab.errors import AnalysisError

QUICK = ("exponential", "weibull", "log_normal", "log_logistic")


def staying(n=4000, seed=0, *, shape=1.3, window=12.0):
    """Weibull lifetimes of a mean near 18 months, seen for a year from a late entry on."""
    rng = np.random.default_rng(seed)
    left = 20 * rng.weibull(shape, n)
    entry = np.floor(rng.uniform(0, 12, n))
    end = entry + window
    table = pd.DataFrame({
        "months": np.minimum(left, end).round(1) + 0.05, "left": (left <= end).astype(int), "entry": entry,
        "w": rng.lognormal(0, 0.6, n),
    })  # fmt: skip
    return table[table["entry"] < table["months"]].reset_index(drop=True)


def rows(result):
    return result.table.set_index("distribution")


def test_the_exponential_is_its_closed_form_with_late_entry():
    table = staying()
    result = lifetimes(table, "months", "left", horizon=60, entry="entry", distributions=["exponential"])
    scale = (table["months"] - table["entry"]).sum() / table["left"].sum()
    row, error = rows(result).loc["exponential"], scale / np.sqrt(table["left"].sum())
    told = result.tables["parameters"].iloc[0]
    assert [told["estimate"], told["std_error"]] == pytest.approx([scale, error], rel=1e-4)
    inside = np.exp(-60 / scale)
    assert row["estimate"] == pytest.approx(scale * (1 - inside), rel=1e-6)
    slope = 1 - inside - 60 / scale * inside
    assert row["std_error"] == pytest.approx(error * slope, rel=1e-4)
    window = table["months"].max()
    assert row["extrapolated_share"] == pytest.approx(
        (np.exp(-window / scale) - inside) / (1 - inside), rel=1e-6
    )
    assert 0 < row["conf_low"] < row["estimate"] < row["conf_high"] < 60


def test_cells_say_what_customers_say_one_by_one_and_the_truth_is_found():
    table = staying(8000)
    result = lifetimes(table, "months", "left", horizon=60, entry="entry", distributions=QUICK)
    theirs = lifelines.WeibullFitter().fit(table["months"], table["left"], entry=table["entry"])
    told = result.tables["parameters"].query("distribution == 'weibull'").set_index("parameter")["estimate"]
    assert told.to_dict() == pytest.approx({"lambda": theirs.lambda_, "rho": theirs.rho_}, rel=1e-4)
    assert result.best == "weibull"
    truth = 20 * np.random.default_rng(1).weibull(1.3, 10**6)
    row = rows(result).loc["weibull"]
    assert row["conf_low"] < np.minimum(truth, 60).mean() < row["conf_high"]
    # Without the entry those who had left before are not missed, and everyone stays too long.
    late = rows(lifetimes(table, "months", "left", horizon=60, distributions=["weibull"])).loc["weibull"]
    assert late["estimate"] > row["conf_high"]
    assert rows(result)["delta_aic"].min() == 0
    assert rows(result).loc["log_normal", "estimate"] > row["conf_high"]  # what the tail decides
    claim = result.claims[0]
    assert claim.code == "retention.lifetime"
    assert claim.fields["highest"] == rows(result)["estimate"].max()
    assert {"extrapolated", "conditional_on_entry"} <= set(claim.caveats)


def test_curves_are_conditional_on_the_time_so_far():
    result = lifetimes(staying(), "months", "left", horizon=24, entry="entry", distributions=QUICK)
    whole = result.survival([0, 6, 18, 60])
    assert whole.loc[0].tolist() == [1, 1, 1, 1]
    assert (whole.diff().iloc[1:] < 0).all(axis=None)
    given = result.survival([3, 18], since=6)
    assert given.loc[3].tolist() == [1, 1, 1, 1]
    assert given.loc[18].to_numpy() == pytest.approx((whole.loc[18] / whole.loc[6]).to_numpy())
    # Nobody is seen to month 24 and beyond is what the area says.
    grid = np.linspace(0, 24, 2001)
    area = np.trapezoid(result.survival(grid)["weibull"], grid)
    assert rows(result).loc["weibull", "estimate"] == pytest.approx(area, rel=1e-5)


def test_weights_that_are_equal_change_nothing_and_others_make_errors_robust():
    table = staying(1500).assign(two=2.0, months=lambda t: np.ceil(t["months"]))
    asked = {"horizon": 48, "entry": "entry", "distributions": ["weibull"]}
    plain, same = (lifetimes(table, "months", "left", weights=w, **asked) for w in (None, "two"))
    pd.testing.assert_frame_equal(plain.table, same.table)
    ours = lifetimes(table, "months", "left", weights="w", **asked)
    moved = []
    for g in range(20):
        kept = table[np.arange(len(table)) % 20 != g]
        moved.append(lifetimes(kept, "months", "left", weights="w", **asked).table["estimate"].iloc[0])
    jackknife = np.sqrt(19 / 20 * ((np.array(moved) - np.mean(moved)) ** 2).sum())
    assert ours.table["std_error"].iloc[0] == pytest.approx(jackknife, rel=0.35)
    assert ours.table["std_error"].iloc[0] > 1.05 * plain.table["std_error"].iloc[0]


def test_nothing_leaks_of_lifelines_and_what_does_not_converge_says_so():
    np.random.seed(3)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        whole = staying(150).assign(months=lambda t: t["months"].round().clip(lower=1))
        result = lifetimes(whole, "months", "left", horizon=36)
        few = pd.DataFrame({"months": [3.0] * 12 + [4.0] * 8, "left": [1] * 12 + [0] * 8})
        alike = lifetimes(few, "months", "left", horizon=36)
    assert not told
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002
    assert rows(result).loc["generalized_gamma", "reason"] == ""
    reasons = rows(alike)["reason"]
    assert reasons["exponential"] == ""
    assert (reasons.drop("exponential") == "the fit does not converge").any()
    failed = rows(alike)[reasons != ""]
    assert failed["estimate"].isna().all()


def test_what_is_refused():
    table = staying(200)

    def refused(match, rows=table, **options):
        with pytest.raises(AnalysisError, match=match):
            lifetimes(rows, "months", "left", **{"horizon": 24, **options})

    refused("horizon is -1; give a number of months above 0", horizon=-1)
    refused(r"distributions is \['gamma'\]; allowed: exponential, weibull", distributions=["gamma"])
    refused("no events: nothing to estimate", table.assign(left=0))
    refused("column 'left' is both the event and the entry", entry="left")
    many = staying(5000).assign(months=lambda t: t["months"] + np.random.default_rng(0).random(len(t)))
    found = lifetimes(many, "months", "left", horizon=24, distributions=["exponential", "generalized_gamma"])
    assert "more than 3000 different durations" in rows(found).loc["generalized_gamma", "reason"]
    refused(
        "no distribution can be fitted to these durations: more than 3000",
        many,
        distributions=["generalized_gamma"],
    )


# Covariates that stretch the time.


def test_rossi_and_ovarian_are_rs_survreg():
    names = ["fin", "age", "race", "wexp", "mar", "paro", "prio"]
    result = accelerated(lifelines.datasets.load_rossi(), "week", "arrest", names)
    expected = [0.27216336, 0.04071380, -0.22480244, 0.10655659, 0.31127326, 0.05882725, -0.06581690]
    assert result.table["estimate"].to_numpy() == pytest.approx(expected, abs=1e-8)
    intercept, log_scale = result.tables["parameters"]["estimate"]
    assert [intercept, np.exp(log_scale)] == pytest.approx([3.99013480, 0.7124053], abs=1e-7)
    assert result.settings["loglik"] == pytest.approx(-679.91656, abs=1e-5)
    table = pd.read_csv(Path(__file__).parent / "published" / "ovarian.csv", comment="#")
    result = accelerated(table, "futime", "fustat", ["ecog", "rx"])
    told = [*result.tables["parameters"]["estimate"][:1], *result.table["estimate"]]
    assert told == pytest.approx([6.8966931286, -0.38504254935, 0.52864549626], rel=1e-8)
    assert np.exp(result.theta[-1]) == pytest.approx(0.8838730717, rel=1e-8)
    assert result.settings["loglik"] == pytest.approx(-97.0844931684, rel=1e-10)


def stretched(n=6000, seed=0, *, effect=0.5):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n).round(1)
    left, entry = 20 * np.exp(effect * x) * rng.weibull(1.3, n), np.floor(rng.uniform(0, 12, n))
    table = pd.DataFrame({
        "months": np.minimum(left, entry + 12), "left": (left <= entry + 12).astype(int), "entry": entry,
        "x": x, "plan": rng.choice(["one", "two"], n), "w": rng.lognormal(0, 0.6, n),
    })  # fmt: skip
    return table[table["entry"] < table["months"]].reset_index(drop=True)


@pytest.mark.parametrize("distribution", ["weibull", "log_normal", "log_logistic"])
def test_coefficients_are_lifelines_with_late_entry(distribution):
    table = stretched(2000)
    ours = accelerated(table, "months", "left", ["x"], entry="entry", distribution=distribution)
    named = {"weibull": "WeibullAFTFitter", "log_normal": "LogNormalAFTFitter"}
    fitter = getattr(lifelines, named.get(distribution, "LogLogisticAFTFitter"))()
    theirs = fitter.fit(table[["months", "left", "entry", "x"]], "months", "left", entry_col="entry")
    location = theirs.params_.index[0][0]
    assert ours.table["estimate"].iloc[0] == pytest.approx(theirs.params_[location, "x"], rel=1e-3)
    assert ours.table["std_error"].iloc[0] == pytest.approx(theirs.standard_errors_[location, "x"], rel=1e-2)
    assert ours.settings["loglik"] == pytest.approx(theirs.log_likelihood_, rel=1e-6)
    assert ours.settings["loglik"] >= theirs.log_likelihood_ - 1e-6


def test_the_stretch_is_found_and_predicts_beyond_the_window():
    table = stretched(seed=1)
    result = accelerated(table, "months", "left", ["x", "plan"], entry="entry")
    rows = result.table.set_index("covariate")
    assert rows.loc["x", "conf_low"] < np.exp(0.5) < rows.loc["x", "conf_high"]
    plan = rows.filter(like="plan", axis=0).iloc[0]
    assert abs(plan["estimate"]) < 3 * plan["std_error"]
    who = pd.DataFrame({"x": [0.0, 1.0], "plan": ["one", "two"], "so_far": [6.0, 12.0]})
    chance = result.survival(who, [12, 60])
    truth = np.exp(-((np.array([[12, 60], [12 / np.exp(0.5), 60 / np.exp(0.5)]]) / 20) ** 1.3))
    assert chance.to_numpy() == pytest.approx(truth, abs=0.04)
    given = result.survival(who, [3, 60], since="so_far")
    assert given[3.0].tolist() == [1, 1]
    assert given.loc[1, 60] == pytest.approx(chance.loc[1, 60] / chance.loc[1, 12])
    with pytest.raises(AnalysisError, match="a level the model has not seen"):
        result.survival(who.assign(plan="three"), [12])


def test_errors_of_weighted_stretches_are_robust_and_equal_weights_change_nothing():
    table = stretched(1500).assign(two=2.0)

    def of(rows, weights):
        return accelerated(rows, "months", "left", ["x"], entry="entry", weights=weights).table

    plain, same, weighted = (of(table, w) for w in (None, "two", "w"))
    pd.testing.assert_frame_equal(plain, same)
    assert weighted["std_error"].iloc[0] > 1.1 * plain["std_error"].iloc[0]
    whole = weighted["estimate"].iloc[0]
    moved = []
    for g in range(20):
        kept = table[np.arange(len(table)) % 20 != g]
        moved.append(of(kept, "w")["estimate"].iloc[0])
    jackknife = np.sqrt(19 / 20 * ((np.array(moved) - np.mean(moved)) ** 2).sum())
    assert weighted["std_error"].iloc[0] == pytest.approx(jackknife, rel=0.4)
    assert np.mean(moved) == pytest.approx(whole, abs=0.01)
    with pytest.raises(AnalysisError, match="distribution is 'gamma'; allowed: weibull, log_normal"):
        accelerated(table, "months", "left", ["x"], distribution="gamma")
