"""Distributions of lifetimes: closed forms, lifelines and R, late entry, weights, what lies beyond."""

import warnings

import lifelines
import numpy as np
import pandas as pd
import pytest

from cxlab.analysis.survival import lifetimes
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
