"""Agreement of evaluators: published numbers, cases by hand, invariants, messages, coverage."""

import os

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxlab.analysis import emitted
from cxlab.errors import AnalysisError

# Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability", data C: 4 observers, 12 units, gaps.
# Gwet's coefficients, Fleiss' and Conger's are those that irrCAC prints for the same table (`raw_4raters`).
OBSERVERS = """
1 2 3 3 2 1 4 1 2 . . .
1 2 3 3 2 2 4 1 2 5 . .
. 3 3 3 2 3 4 2 2 5 1 3
1 2 3 3 2 4 4 1 2 5 1 .
"""
REPLICATIONS = int(os.environ.get("CXLAB_REPLICATIONS", 200))
ASKED = {"unit": "unit", "rater": "rater", "rating": "rating"}


def long(text):
    rows = [line.split() for line in text.strip().splitlines()]
    cells = [
        (u, r, np.nan if v == "." else float(v)) for r, row in enumerate(rows) for u, v in enumerate(row)
    ]
    return pd.DataFrame(cells, columns=["unit", "rater", "rating"])


@pytest.fixture(scope="module")
def published():
    return long(OBSERVERS)


@pytest.mark.parametrize(
    ("scale", "alpha"),
    [("nominal", 0.743421), ("ordinal", 0.815388), ("interval", 0.849107), ("ratio", 0.797403)],
)
def test_alpha_is_the_published_one_on_each_scale(published, scale, alpha):
    found = emitted.agreement(published, **ASKED, scale=scale, resamples=100)
    assert found.alpha == pytest.approx(alpha, abs=5e-7)
    assert found.table["n"].tolist() == [11, 11]  # the twelfth unit has one rating
    assert found.n_used == 41
    assert found.n_dropped == {"rating missing": 7}


def test_gwet_and_the_older_coefficients_are_the_published_ones(published):
    found = emitted.agreement(published, **ASKED, resamples=100)
    row = found.table.set_index("coefficient").loc["ac1"]
    assert (row["estimate"], row["std_error"]) == pytest.approx((0.77544, 0.14295), abs=5e-6)
    checks = found.tables["checks"].set_index("check")["value"]
    wanted = {"fleiss": 0.76117, "conger": 0.76282, "brennan_prediger": 0.77273, "observed": 0.81818}
    assert checks[list(wanted)].to_dict() == pytest.approx(wanted, abs=5e-6)
    ordered = emitted.agreement(published, **ASKED, scale="ordinal", resamples=100)
    assert ordered.ac == pytest.approx(0.914, abs=5e-4)


def test_two_raters_without_chance_are_cohen_s_kappa():
    # 20, 5, 10 and 15 units: kappa .40 (the classical two by two table).
    pairs = [(1, 1)] * 20 + [(1, 0)] * 5 + [(0, 1)] * 10 + [(0, 0)] * 15
    cells = [(u, r, v) for u, both in enumerate(pairs) for r, v in enumerate(both)]
    table = pd.DataFrame(cells, columns=["unit", "rater", "rating"])
    checks = emitted.agreement(table, **ASKED, resamples=100).tables["checks"].set_index("check")["value"]
    assert checks["conger"] == pytest.approx(0.40)


def test_where_nearly_all_is_met_alpha_collapses_and_it_is_said():
    pairs = [(1, 1)] * 95 + [(1, 0)] * 3 + [(0, 1)] * 2
    cells = [(u, r, v) for u, both in enumerate(pairs) for r, v in enumerate(both)]
    found = emitted.agreement(pd.DataFrame(cells, columns=["unit", "rater", "rating"]), **ASKED)
    assert found.alpha < 0.1
    assert found.ac > 0.9
    assert [claim.code for claim in found.claims] == ["emitted.agreement", "emitted.paradox"]
    assert found.claims[0].fields["verdict"] == "unreliable"


@pytest.mark.parametrize("scale", ["nominal", "ordinal", "interval"])
@given(
    ratings=st.lists(
        st.lists(st.sampled_from([1.0, 2.0, 3.0, np.nan]), min_size=3, max_size=3), min_size=4, max_size=9
    )
)
@settings(max_examples=15, deadline=None)
def test_neither_order_nor_doubling_nor_scale_unit_moves_agreement(scale, ratings):
    table = pd.DataFrame(
        [(u, r, v) for u, row in enumerate(ratings) for r, v in enumerate(row)],
        columns=["unit", "rater", "rating"],
    )
    if not (table.dropna().groupby("unit").size() > 1).any():
        return
    own = emitted.agreement(table, **ASKED, scale=scale, resamples=100)
    moved = table.iloc[::-1].assign(rating=lambda t: 10 + 5 * t["rating"], rater=lambda t: -t["rater"])
    other = emitted.agreement(moved, **ASKED, scale=scale, resamples=100)
    assert (own.alpha, own.ac) == pytest.approx((other.alpha, other.ac), nan_ok=True)
    twice = pd.concat([table, table.assign(unit=table["unit"] + 100)])
    doubled = emitted.agreement(twice, **ASKED, scale=scale, resamples=100)
    assert doubled.ac == pytest.approx(own.ac, nan_ok=True)


def test_one_category_only_is_no_agreement_unless_another_was_possible():
    table = long("1 1 1 1 1 1 1 1 1 1\n1 1 1 1 1 1 1 1 1 1")
    none = emitted.agreement(table, **ASKED)
    assert np.isnan([none.alpha, none.ac]).all()
    assert none.claims[0].code == "emitted.agreement_none"
    possible = emitted.agreement(table, **ASKED, categories=[0, 1])
    assert np.isnan(possible.alpha)
    assert possible.ac == 1.0


def test_the_same_seed_gives_the_same_interval_and_the_input_stays(published):
    before = published.copy()
    one, other = (emitted.agreement(published, **ASKED, seed=7, resamples=200) for _ in range(2))
    pd.testing.assert_frame_equal(one.table, other.table)
    pd.testing.assert_frame_equal(published, before)
    assert (one.table["conf_low"] < one.table["estimate"]).all()


@pytest.mark.parametrize(
    ("change", "asked", "said"),
    [
        (lambda t: pd.concat([t, t.iloc[[0]]]), {}, "duplicate rows"),
        (lambda t: t[t["rater"] == 0], {}, "agreement needs units that two have rated"),
        (
            lambda t: t.assign(rating=t["rating"].map(str)),
            {"scale": "ordinal"},
            "cannot be a scale of kind ordinal",
        ),
        (lambda t: t.assign(rating=-t["rating"]), {"scale": "ratio"}, "cannot be a scale of kind ratio"),
        (lambda t: t, {"scale": "cardinal"}, "scale is 'cardinal'; allowed: nominal"),
        (lambda t: t, {"categories": [1, 2, 3]}, "ratings 4, 5 are none of the categories 1, 2, 3"),
        (lambda t: t, {"resamples": 10}, "resamples is 10; allowed: a whole number, 100 or more"),
        (lambda t: t.drop(columns="rater"), {}, "no column rater"),
        (lambda t: t.assign(rating=np.arange(len(t)) * 3.5), {}, "has 48 different ratings"),
        (lambda t: t.assign(rating=np.nan), {}, "no row is left to analyse: rating missing 48"),
    ],
)
def test_every_message_says_what_to_do(published, change, asked, said, monkeypatch):
    monkeypatch.setattr("cxlab.analysis.emitted.raters.MOST_CATEGORIES", 40)
    with pytest.raises(AnalysisError) as error:
        emitted.agreement(change(published), **{**ASKED, **asked})
    assert said in str(error.value)


@pytest.mark.simulation
def test_intervals_hold_their_level():
    # Two evaluators, 60 visits, a standard met in 70 %: each sees it rightly with 0.9.
    rng, hits = np.random.default_rng(5), np.zeros(2)
    truth = _agreement_of(rng, 200_000)
    for _ in range(REPLICATIONS):
        found = emitted.agreement(_drawn(rng, 60), **ASKED, resamples=200, seed=1).table
        hits += (found["conf_low"] <= truth) & (truth <= found["conf_high"])
    assert (hits / REPLICATIONS >= 0.91).all(), hits


def _drawn(rng, n):
    met = rng.random(n) < 0.7
    seen = np.where(rng.random((2, n)) < 0.9, met, ~met).astype(float)
    return long("\n".join(" ".join(str(v) for v in row) for row in seen))


def _agreement_of(rng, n):
    met = rng.random(n) < 0.7
    one, other = np.where(rng.random((2, n)) < 0.9, met, ~met)
    agreed, share = (one == other).mean(), np.concatenate([one, other]).mean()
    chance = share**2 + (1 - share) ** 2
    gwet = 2 * share * (1 - share)
    return np.array([(agreed - chance) / (1 - chance), (agreed - gwet) / (1 - gwet)])


def test_agreement_of_each_group_is_that_of_its_rows_alone():
    rng = np.random.default_rng(3)
    units = np.repeat(np.arange(120), 2)
    frame = pd.DataFrame({
        "unit": units, "rater": np.tile(["a", "b"], 120), "rating": rng.integers(1, 4, 240),
        "city": np.array(["x", "y", "z"])[units % 3],
    })  # fmt: skip
    frame.loc[frame["city"] == "y", "rating"] = 1 + frame["unit"] // 3 % 3  # there they agree
    asked = {"unit": "unit", "rater": "rater", "rating": "rating", "resamples": 200}
    found = emitted.agreement_apart(frame, by="city", **asked)
    for city, own in found.table.groupby("city"):
        alone = emitted.agreement(frame[frame["city"] == city], categories=[1, 2, 3], **asked)
        assert own[alone.table.columns].to_numpy().tolist() == alone.table.to_numpy().tolist()
        assert own["conger"].iloc[0] == alone.tables["checks"].set_index("check").loc["conger", "value"]
    assert [claim.fields["verdict"] for claim in found.claims] == ["unreliable", "reliable", "unreliable"]
    assert found.n_used == 240


def test_groups_of_which_nothing_can_be_told_are_counted():
    frame = pd.DataFrame({
        "unit": [1, 1, 2, 2, 3, 4, 5, 5], "rater": list("ababaaab"), "rating": [1, 2, 1, 1, 2, 2, 1, 1],
        "city": ["x"] * 4 + ["y"] * 2 + [None] * 2,
    })  # fmt: skip
    asked = {"unit": "unit", "rater": "rater", "rating": "rating", "resamples": 100}
    found = emitted.agreement_apart(frame, by="city", **asked)
    assert found.table["city"].unique().tolist() == ["x"]
    assert found.n_used == 4
    assert sorted(found.n_dropped.values()) == [2, 2]
    assert emitted.agreement_apart(frame, by=(), **asked).table.empty
    assert emitted.agreement_apart(pd.DataFrame(), by="city", **asked).table.empty
    assert emitted.agreement(pd.DataFrame(), **asked).claims[0].code == "emitted.unpaired"
    many = frame.loc[[0, 1]].merge(pd.DataFrame({"city": [str(k) for k in range(51)]}), how="cross")
    many = many.drop(columns="city_x").rename(columns={"city_y": "city"}).assign(unit=lambda t: t["city"])
    with pytest.raises(AnalysisError, match="city makes 51 groups, more than 50"):
        emitted.agreement_apart(many, by="city", **asked)


def test_the_share_of_pairs_that_coincide_is_told_as_it_is_on_every_scale():
    frame = pd.DataFrame({
        "unit": np.repeat(np.arange(40), 2), "rater": ["a", "b"] * 40,
        "rating": [1, 1, 1, 2, 2, 3, 3, 3] * 10,
    })  # fmt: skip
    for scale in ("nominal", "ordinal", "interval"):
        found = emitted.agreement(
            frame, unit="unit", rater="rater", rating="rating", scale=scale, resamples=100
        )
        assert found.tables["checks"].set_index("check").loc["observed", "value"] == 0.5
        assert found.claims[0].fields["observed"] == 0.5
