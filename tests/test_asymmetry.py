"""Penalty and reward: by hand, planted kinds, intervals in simulation, equivalence, what is refused."""

import os

import numpy as np
import pandas as pd
import pytest

from cxlab.analysis.drivers import penalty_reward
from cxlab.analysis.estimates import masked
from cxlab.errors import AnalysisError

REPLICATIONS = int(os.environ.get("CXLAB_REPLICATIONS", 200))


def survey(n=1500, seed=0):
    """Ratings of 1 to 7 sharing a halo: a punishes, b delights, c does both, d does nothing."""
    rng = np.random.default_rng(seed)
    halo = rng.normal(size=(n, 1))
    ratings = np.clip(np.round(4.5 + 0.9 * halo + 1.3 * rng.normal(size=(n, 4))), 1, 7)
    table = pd.DataFrame(ratings, columns=list("abcd"))
    low, high = table <= 3, table >= 6
    table["y"] = (
        5 - low["a"] + 0.8 * high["b"] + 0.6 * (high["c"].astype(int) - low["c"]) + 0.8 * rng.normal(size=n)
    )
    return table


def found(table=None, **options):
    chosen = {"cuts": (3, 6), "resamples": 400, **options}
    return penalty_reward(survey() if table is None else table, "y", list("abcd"), **chosen)


def test_two_drivers_by_hand():
    # Eight answers, two of each pair: the coefficients are differences of cell means.
    cells = {(2, 4): 3.0, (4, 4): 5.0, (6, 4): 5.5, (4, 2): 4.0, (4, 6): 7.0}
    table = pd.DataFrame(
        [{"a": a, "b": b, "y": y + e} for (a, b), y in cells.items() for e in (-0.1, 0.0, 0.1)]
    ).astype(float)
    result = penalty_reward(table, "y", ["a", "b"], cuts=(3, 5), base_minimum=3, resamples=0)
    own = result.table.set_index("driver")
    assert own.loc["a", ["penalty", "reward"]].tolist() == pytest.approx([2.0, 0.5])
    assert own.loc["b", ["penalty", "reward"]].tolist() == pytest.approx([1.0, 2.0])
    assert own.loc["a", "asymmetry"] == pytest.approx(-1.5 / 2.5)
    assert own.loc["b", ["n_low", "n_high", "n"]].tolist() == [3, 3, 15]
    assert own["conf_low"].isna().all()
    assert (own["kind"] == "open").all()


def test_planted_kinds_are_found_and_stated():
    table = survey(seed=3)
    result = found(table)
    own = result.table.set_index("driver")
    assert own["kind"].drop("c").to_dict() == {"a": "must_be", "b": "attractive", "d": "open"}
    assert own.loc["c", "kind"] in ("symmetric", "open")
    assert np.isnan(own.loc["d", "asymmetry"])
    assert own.loc["a", "penalty_low"] < 1 < own.loc["a", "penalty_high"]
    assert own.loc["b", "reward_low"] < 0.8 < own.loc["b", "reward_high"]
    assert {(c.code, c.fields["driver"]) for c in result.claims} == {
        ("drivers.must_be", "a"),
        ("drivers.attractive", "b"),
    }
    assert result.negligible == pytest.approx(0.1 * table["y"].std(ddof=0))


def test_what_runs_against_its_ratings_has_no_kind():
    table = survey(seed=3)
    table["y"] -= 1.5 * (table["a"] >= 6)  # failing costs 1, and excelling costs 1.5
    result = found(table)
    own = result.table.set_index("driver")
    assert own["kind"].drop("c").to_dict() == {"a": "against", "b": "attractive", "d": "open"}
    assert own.loc["a", "penalty_low"] > 0 > own.loc["a", "reward_high"]
    assert own.loc["a", ["asymmetry", "conf_low", "conf_high"]].isna().all()
    assert [c.fields["driver"] for c in result.claims] == ["b"]


def test_usual_cuts_come_from_the_declared_scale_and_no_scale_is_said():
    table = survey()
    table.attrs["scales"] = {"a": (1, 7), "b": (1, 7), "c": (1, 9)}
    result = found(table, cuts={"d": (2, 7)})
    assert result.settings["cuts"] == {"a": (3, 6), "b": (3, 6), "d": (2, 7)}
    left = result.tables["left_out"].set_index("driver")["reason"]
    assert str(left["c"]) == "no cut: declare its scale in client.yaml, or give `cuts`"
    nothing = found(survey(), cuts=())
    assert nothing.table.empty
    assert len(nothing.tables["left_out"]) == 4
    assert nothing.claims == ()


def test_a_reward_is_called_none_only_by_the_equivalence_test():
    result = found(negligible=0.25)
    own = result.table.set_index("driver")
    assert own.loc["a", "p_no_reward"] < 0.05
    assert own.loc["b", "p_no_reward"] > 0.9
    assert next(c for c in result.claims if c.code == "drivers.must_be").fields["no_reward"]
    strict = found(negligible=0.01)
    assert not next(c for c in strict.claims if c.code == "drivers.must_be").fields["no_reward"]


@pytest.mark.simulation
def test_penalties_rewards_and_asymmetries_cover_and_noise_has_no_kind():
    truth = {"a": (1.0, 0.0, -1.0), "b": (0.0, 0.8, 1.0), "c": (0.6, 0.6, 0.0)}
    inside, spoken, wrong, equivalent = {}, 0, 0, 0
    for seed in range(REPLICATIONS):
        own = found(survey(600, seed), resamples=200).table.set_index("driver")
        for driver, (penalty, reward, _) in truth.items():
            row = own.loc[driver]
            for side, value in (("penalty", penalty), ("reward", reward)):
                held = row[f"{side}_low"] <= value <= row[f"{side}_high"]
                inside[driver + side] = inside.get(driver + side, 0) + held
        row = own.loc["c"]
        inside["asymmetry"] = inside.get("asymmetry", 0) + (row["conf_low"] <= 0 <= row["conf_high"])
        spoken += own.loc["d", "kind"] != "open"
        wrong += own.loc["c", "kind"] in ("must_be", "attractive")
        # A reward of exactly the negligible size is called none in at most one of twenty surveys.
        equivalent += (
            found(survey(600, seed), resamples=0, negligible=0.6)
            .table.set_index("driver")
            .loc["c", "p_no_reward"]
            <= 0.05
        )
    error = 3.3 * np.sqrt(0.05 * 0.95 / REPLICATIONS)
    for name, held in inside.items():
        assert 0.95 - error <= held / REPLICATIONS <= 0.95 + error, (name, held / REPLICATIONS)
    assert spoken / REPLICATIONS <= 0.05
    assert wrong / REPLICATIONS <= 0.05
    assert equivalent / REPLICATIONS <= 0.05 + error


def test_cuts_may_differ_and_few_ends_leave_a_driver_out():
    table = survey()
    table["d"] = np.where(table["d"] <= 3, 4, table["d"])
    table.loc[:4, "d"] = 1
    result = found(table, cuts={"a": (2, 6), "b": (3, 6), "c": (3, 6), "d": (3, 6)})
    assert set(result.table["driver"]) == {"a", "b", "c"}
    left = result.tables["left_out"].set_index("driver")
    assert left.loc["d", "n_low"] == 5
    assert "fewer than 30 low or high ratings" in str(left.loc["d", "reason"])
    assert pd.isna(masked(result).tables["left_out"].set_index("driver").loc["d", "n_low"])
    assert result.table.set_index("driver").loc["a", "n_low"] == (table["a"] <= 2).sum()


def test_those_who_did_not_use_it_are_neither_low_nor_high():
    table = survey()
    table.loc[::2, "a"] = np.nan
    own = found(table).table.set_index("driver")
    assert own.loc["a", "n"] == table["a"].notna().sum()
    assert own.loc["a", "penalty_low"] < 1 < own.loc["a", "penalty_high"]
    assert own.loc["a", "kind"] == "must_be"


def test_the_seed_repeats_and_the_table_is_not_changed():
    table = survey(400)
    before = table.copy()
    first, again, other = (found(table, seed=seed).table for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, again)
    assert (first["conf_low"] != other["conf_low"]).any()
    pd.testing.assert_frame_equal(table, before)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cuts": (6, 3)}, "the low one first, and are not for a, b, c, d"),
        ({"cuts": {"a": (3,)}}, "cuts are a low and a high rating, .* not for a;"),
        ({"cuts": {"z": (3, 6)}}, "cuts name z, which are not among the drivers; they are a, b, c, d"),
        ({"negligible": 0.0}, "negligible is 0.0; allowed: a number above zero"),
        ({"symmetric": 1.0}, "symmetric is 1.0; allowed: a number from 0 to under 1"),
        ({"base_minimum": 1}, "base_minimum is 1; allowed: a whole number, 2 or more"),
        ({"resamples": 1}, "resamples is 1; allowed: 0 for no bootstrap"),
        ({"level": 95}, "level is 95; give a confidence level"),
        ({"controls": ["a"]}, r"column a: found a column with two roles \(drivers, controls\)"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(AnalysisError, match=message):
        found(**options)


def test_two_values_are_one_contrast_and_no_kind():
    """With nobody between, what low costs and what high adds are one number: any split of it would do."""
    table = survey().assign(a=lambda t: np.where(t["a"] > 4, 7.0, 1.0))
    result = found(table)
    assert set(result.table["driver"]) == {"b", "c", "d"}
    left = result.tables["left_out"].set_index("driver")
    assert left.loc["a", "reason"] == "fewer than 30 ratings between low and high"
    assert left.loc["a", "n_low"] + left.loc["a", "n_high"] == len(table)


def test_copies_have_no_penalty_of_their_own():
    table = survey().assign(e=lambda t: t["b"])
    result = penalty_reward(table, "y", list("abcde"), cuts=(3, 6), resamples=100)
    assert set(result.table["driver"]) == {"a", "c", "d"}
    assert set(result.tables["left_out"]["driver"]) == {"b", "e"}
    assert result.tables["left_out"]["reason"].str.startswith("other columns determine it").all()


def test_few_low_ratings_flag_a_driver_and_fewer_than_ten_hide_it():
    table = survey()
    low = table.index[table["a"] <= 3]
    table.loc[low[12:], "a"] = 4.0
    assert found(table, base_minimum=5).table.set_index("driver").loc["a", "flag"] == "low_base"
    table.loc[low[8:], "a"] = 4.0
    result = masked(found(table, base_minimum=5))
    assert result.table.set_index("driver").loc["a"].drop("flag").isna().all()
    assert "a" not in {claim.fields.get("driver") for claim in result.claims}
