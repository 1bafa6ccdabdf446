"""What a point more from low ratings goes with: by hand, by oracle, in simulation; who is moved; refusals."""

import os

import numpy as np
import pandas as pd
import pytest
from statsmodels.regression.linear_model import OLS, WLS

from cxlab.analysis.drivers import importance, lift
from cxlab.analysis.estimates import masked
from cxlab.errors import AnalysisError

REPLICATIONS = int(os.environ.get("CXLAB_REPLICATIONS", 200))
DRIVERS = ["d0", "d1", "d2", "d3"]


def survey(n=400, seed=0, kink=False):
    """Ratings of 1 to 7 sharing a halo; d0 matters up to 4 only if `kink`; four in ten did not use d2."""
    rng = np.random.default_rng(seed)
    own = np.clip(np.round(4.6 + 0.8 * rng.normal(size=(n, 1)) + 1.2 * rng.normal(size=(n, 4))), 1, 7)
    table = pd.DataFrame(own, columns=DRIVERS)
    first = 0.6 * np.minimum(table["d0"], 4) if kink else 0.4 * table["d0"]
    table["y"] = first + 0.3 * table["d1"] + 0.1 * table["d2"] + rng.normal(size=n)
    table.loc[rng.random(n) < 0.4, "d2"] = np.nan
    return table


def found(table=None, **options):
    chosen = {"at_most": 3, "resamples": 200, **options}
    return lift(survey() if table is None else table, "y", DRIVERS, **chosen)


def test_by_hand_a_coefficient_times_who_is_moved():
    # y = 2 a + b exactly; of eight, three rate a at 2 or less, and two did not rate b; each stands twice.
    table = pd.DataFrame({"a": [1, 2, 2, 3, 4, 5, 5, 4], "b": [1, np.nan, 2, 4, np.nan, 5, 3, 2.0]})
    table["y"] = 2 * table["a"] + table["b"].fillna(3.0)
    table = pd.concat([table, table], ignore_index=True)
    own = lift(table, "y", ["a", "b"], at_most=2, shape="linear", min_rated=10, resamples=0).table
    own = own.set_index("driver")
    assert own.loc["a", ["coefficient", "moved", "change", "change_users"]].tolist() == pytest.approx(
        [2.0, 3 / 8, 6 / 8, 6 / 8]
    )
    assert own.loc["b", ["coefficient", "moved", "change", "change_users"]].tolist() == pytest.approx(
        [1.0, 3 / 8, 3 / 8, 3 / 6]
    )
    assert own.loc["b", ["n_moved", "n"]].tolist() == [6, 12]
    assert (own["flag"] == "suppressed").all()
    assert own["conf_low"].isna().all()


@pytest.mark.parametrize("weights", [None, "w"])
def test_the_coefficients_are_those_of_least_squares_straight_and_bent(weights):
    table = survey(300).assign(w=np.random.default_rng(2).uniform(0.5, 2, 300))
    who = table["d2"].notna()
    ratings = table[DRIVERS].fillna(0.0)
    above = (table[DRIVERS] - 4).clip(lower=0).fillna(0.0)
    straight = np.column_stack([np.ones(300), ratings, who])
    bent = np.column_stack([np.ones(300), ratings, above, who])
    w = table["w"] if weights else np.ones(300)
    for shape, design in (("linear", straight), ("bent", bent)):
        own = found(table, shape=shape, weights=weights, resamples=0).table.set_index("driver")
        oracle = WLS(table["y"], design, weights=w).fit()
        assert own.loc[DRIVERS, "coefficient"].to_numpy() == pytest.approx(oracle.params[1:5].to_numpy())
        moved = (table[DRIVERS] <= 3).mul(w, axis=0).sum() / w.sum()
        assert own.loc[DRIVERS, "moved"].to_numpy() == pytest.approx(moved.to_numpy())
        assert own.loc[DRIVERS, "change"].to_numpy() == pytest.approx(oracle.params[1:5] * moved.to_numpy())
    plain = importance(table, "y", DRIVERS, weights=weights, resamples=0).table.set_index("driver")
    linear = found(table, shape="linear", weights=weights, resamples=0).table.set_index("driver")
    assert linear.loc[DRIVERS, "coefficient"].to_numpy() == pytest.approx(
        plain.loc[DRIVERS, "coefficient"].to_numpy()
    )


def test_the_change_is_that_of_the_fitted_mean_when_the_ratings_are_moved():
    table = survey(500, seed=3).drop(columns="d2")
    own = lift(table, "y", ["d0", "d1", "d3"], at_most=3, resamples=0).table.set_index("driver")
    names = ["d0", "d1", "d3"]

    def columns(x):
        return np.column_stack([np.ones(len(x)), x, np.maximum(x - 4, 0)])

    x = table[names].to_numpy()
    fitted = OLS(table["y"], columns(x)).fit()
    for at, name in enumerate(names):
        moved = x.copy()
        moved[:, at] += moved[:, at] <= 3
        change = fitted.predict(columns(moved)).mean() - fitted.predict(columns(x)).mean()
        assert own.loc[name, "change"] == pytest.approx(change)


def test_who_did_not_use_it_is_never_moved():
    table = survey(600)
    own = found(table).table.set_index("driver").loc["d2"]
    assert own["n_moved"] == (table["d2"] <= 3).sum()
    assert own["moved"] == pytest.approx((table["d2"] <= 3).mean())
    assert own["n"] == table["d2"].notna().sum()
    assert own["change_users"] == pytest.approx(own["change"] / table["d2"].notna().mean())
    assert own["change_users_low"] < own["change_users"] < own["change_users_high"]


def test_a_point_that_matters_only_below_is_told_by_the_bend():
    table = survey(1500, seed=1, kink=True)
    moved = (table["d0"] <= 3).mean()
    bent, linear = (found(table, shape=shape).table.set_index("driver") for shape in ("bent", "linear"))
    assert bent.loc["d0", "conf_low"] <= 0.6 * moved <= bent.loc["d0", "conf_high"]
    assert linear.loc["d0", "conf_high"] < 0.6 * moved
    assert bent.loc["d0", "p_bend"] < 0.001
    assert (bent["p_bend"].drop("d0") > 0.01).all()
    pd.testing.assert_series_equal(bent["p_bend"], linear.loc[bent.index, "p_bend"])


def test_the_largest_that_can_be_told_is_stated():
    result = found(survey(1500, seed=2))
    (claim,) = result.claims
    assert claim.code == "drivers.lift"
    top = result.table.iloc[0]
    assert claim.fields["driver"] == top["driver"] == "d0"
    assert claim.fields["estimate"] == pytest.approx(top["change"])
    assert claim.fields["p_adjusted"] < 0.05
    assert claim.grade == "C"
    assert claim.caveats == ("association_not_cause", "others_held_fixed")
    assert result.table.set_index("driver")["told"].to_dict() == {
        "d0": True, "d1": True, "d2": False, "d3": False,
    }  # fmt: skip
    straight = found(survey(1500, seed=2), shape="linear").claims[0]
    assert "straight_line" in straight.caveats
    noise = survey(300, seed=4)
    noise["y"] = np.random.default_rng(1).normal(size=300)
    (none,) = found(noise).claims
    assert none.code == "drivers.no_lift"
    assert none.fields["drivers"] == 4
    assert found(resamples=0).claims == ()


def test_nps_changes_read_in_points_and_steps_of_the_outcome_are_kept():
    table = survey(800, seed=5)
    table["recommend"] = np.clip(np.round(2.5 * (table["y"] - table["y"].mean()) + 7), 0, 10)
    result = lift(table, "recommend", DRIVERS, at_most=3, outcome_type="nps", shape="linear", resamples=100)
    scored = table.assign(
        y=np.select([table["recommend"] >= 9, table["recommend"] <= 6], [100.0, -100.0], 0.0)
    )
    own = found(scored, shape="linear", resamples=0).table
    np.testing.assert_allclose(result.table["change"], own["change"])
    assert result.settings["unit_coefficient"] == "points"
    assert result.claims[0].fields["unit"] == "points"


def test_cuts_are_the_usual_of_each_scale_or_given_and_what_has_none_is_left_out():
    table = survey()
    table.attrs["scales"] = {"d0": (1, 7), "d1": (1, 7), "d2": (1, 9)}
    result = lift(table, "y", DRIVERS, at_most={"d1": 2}, resamples=0)
    assert result.settings["at_most"] == {"d0": 3.0, "d1": 2.0}
    left = result.tables["left_out"].set_index("driver")["reason"]
    assert str(left["d2"]) == "no cut: declare its scale in client.yaml, or give `at_most`"
    kind = table.assign(d0=table["d0"].clip(lower=4))
    left = lift(kind, "y", DRIVERS, at_most=3, resamples=0).tables["left_out"].set_index("driver")["reason"]
    assert str(left["d0"]) == "nobody rated it 3 or less"


def test_few_who_are_moved_are_hidden():
    table = survey()
    table["d0"] = np.where(table["d0"] <= 3, 4.0, table["d0"])
    table.loc[:7, "d0"] = 2.0
    result = found(table)
    row = result.table.set_index("driver").loc["d0"]
    assert (row["n_moved"], row["flag"]) == (8, "suppressed")
    hidden = masked(result).table.set_index("driver").loc["d0"]
    assert hidden[["change", "moved", "n_moved", "conf_low", "coefficient"]].isna().all()
    assert not [c for c in result.claims if c.fields.get("driver") == "d0"]


def test_the_seed_repeats_and_the_table_is_not_changed():
    table = survey()
    before = table.copy()
    first, again, other = (found(table, seed=seed).table for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, again)
    assert (first["conf_low"] != other["conf_low"]).all()
    pd.testing.assert_frame_equal(table, before)


@pytest.mark.simulation
@pytest.mark.parametrize("kink", [False, True])
def test_intervals_cover_the_change_whether_or_not_the_effect_bends(kink):
    big = survey(200_000, 10**6, kink)
    slopes = {"d0": 0.6 if kink else 0.4, "d1": 0.3, "d2": 0.1, "d3": 0.0}
    moved = (big[DRIVERS] <= 3).mean()
    covered = np.zeros((2, 4))
    false = 0
    for seed in range(REPLICATIONS // 2):
        result = found(survey(400, seed, kink), resamples=200, seed=seed)
        own = result.table.set_index("driver").loc[DRIVERS]
        truth = moved * pd.Series(slopes)
        users = truth / big[DRIVERS].notna().mean()
        covered[0] += own["conf_low"].le(truth) & own["conf_high"].ge(truth)
        covered[1] += own["change_users_low"].le(users) & own["change_users_high"].ge(users)
        false += any(c.fields.get("driver") == "d3" for c in result.claims)
    # Four drivers in each survey, correlated: bounds of three standard errors of some two of them.
    assert ((covered / (REPLICATIONS // 2)).mean(axis=1) >= 0.92).all()
    assert ((covered / (REPLICATIONS // 2)).mean(axis=1) <= 0.98).all()
    assert false <= REPLICATIONS // 2 * 0.05


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"at_most": {"z": 3}}, "at_most names z, which are not among the drivers; they are d0, d1"),
        ({"at_most": {"d0": 7}}, "one point more is still on the scale, and is not for d0;"),
        ({"at_most": float("nan")}, "is not for d0, d1, d2, d3; on a scale of 1 to 7: 3"),
        ({"at_most": {"d1": "3"}}, "is not for d1"),
        ({"shape": "cubic"}, "shape is 'cubic'; allowed: linear, bent"),
        ({"resamples": 1}, "resamples is 1; give 0 for no bootstrap"),
        ({"level": 95}, "level is 95; give a confidence level"),
        ({"controls": ["d0"]}, "these columns cannot enter a driver analysis"),
    ],
)
def test_refusals(options, message):
    table = survey()
    table.attrs["scales"] = dict.fromkeys(DRIVERS, (1, 7))
    with pytest.raises(AnalysisError, match=message):
        found(table, **options)


def test_what_other_columns_determine_is_left_out_with_the_reason():
    table = survey(300).assign(copy=lambda t: t["d0"], two=lambda t: np.where(t["d1"] > 4, 6.0, 2.0))
    straight = lift(table, "y", ["d0", "d1", "copy", "two"], at_most=3, shape="linear", resamples=50)
    assert set(straight.table["driver"]) == set(straight.tables["tests"]["driver"]) == {"d1", "two"}
    # A bend at 4 says nothing of ratings of 2 and 6 alone.
    bent = lift(table, "y", ["d1", "two"], at_most=3, resamples=50)
    assert bent.table["driver"].tolist() == ["d1"]
    left = bent.tables["left_out"].set_index("driver")["reason"]
    assert left["two"].startswith("other columns determine it")
