"""Managers beside customers: places by hand, the rule of eight, and what is said where they differ."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cxlab.analysis.drivers import importance, mirror
from cxlab.analysis.estimates import masked
from cxlab.errors import AnalysisError

DRIVERS = ["a", "b", "c", "d"]


def found(n=900, resamples=200, effects=(3.0, 1.5, 0.7, 0.2), seed=0):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.integers(1, 8, (n, 4)).astype(float), columns=DRIVERS)
    table["y"] = table[DRIVERS] @ np.array(effects) + rng.normal(size=n)
    return importance(table, "y", DRIVERS, resamples=resamples, seed=1)


RESULT = found()


def ranking(*orders, managers=None):
    """One manager for each order, an order being the drivers from first to last."""
    orders = orders * (managers or 1)
    rows = [
        (f"g{number}", driver, place)
        for number, order in enumerate(orders)
        for place, driver in enumerate(order, start=1)
    ]
    return pd.DataFrame(rows, columns=["rater_id", "item_id", "rank"])


def test_places_by_hand():
    table = mirror(RESULT, ranking("dabc", "dbac", managers=4)).table
    assert table["driver"].tolist() == list("abcd")
    assert table["managers_mean"].tolist() == [2.5, 2.5, 4.0, 1.0]
    assert table["managers_rank"].tolist() == [2, 2, 4, 1]
    assert table["places_above"].tolist() == [-1, 0, -1, 3]
    assert table["managers_sd"].tolist() == pytest.approx([np.sqrt(8 / 7) / 2, np.sqrt(8 / 7) / 2, 0, 0])
    assert table[["rank_low", "rank_high"]].to_numpy().tolist() == [[k, k] for k in (1, 2, 3, 4)]
    assert table["verdict"].tolist() == ["below", "inside", "below", "above"]
    assert (table["managers"] == 8).all()


def test_points_order_the_other_way_round():
    given_ = ranking("dabc", managers=8)
    points = given_.assign(points=100 - 10 * given_["rank"]).drop(columns="rank")
    pd.testing.assert_frame_equal(mirror(RESULT, points).table, mirror(RESULT, given_).table)


def test_what_a_manager_did_not_rank_shares_the_places_left():
    mixed = mirror(RESULT, pd.concat([ranking("da", managers=8), ranking("abcd").assign(rater_id="h")])).table
    means = mixed.set_index("driver")["managers_mean"]
    assert means["d"] == pytest.approx((8 * 1 + 4) / 9)
    assert means["b"] == pytest.approx((8 * 3.5 + 2) / 9)


def test_spearman_and_concordance_are_those_of_the_books():
    given_ = ranking("dabc", "dbac", "cdab", "abdc", "dcba", "bdac", "dabc", "acdb")
    result = mirror(RESULT, given_)
    agreement = result.tables["orders"].set_index("check")
    mean = given_.groupby("item_id")["rank"].mean()
    share = RESULT.table.set_index("driver")["share"][mean.index]
    assert agreement.loc["spearman", "value"] == pytest.approx(stats.spearmanr(-share, mean).statistic)
    wide = given_.pivot_table(index="rater_id", columns="item_id", values="rank")
    friedman = stats.friedmanchisquare(*wide.to_numpy().T).statistic
    assert agreement.loc["kendall_w", "value"] == pytest.approx(friedman / (8 * 3))
    low, high = agreement.loc["spearman", ["value_low", "value_high"]]
    assert low <= agreement.loc["spearman", "value"] <= high


def test_concordance_with_ties_is_that_of_friedman():
    given_ = ranking("dabc", "dbac", "cdab", "abdc", "dcba", "bdac", "dabc", "acdb")
    given_.loc[given_["rater_id"].isin(["g1", "g4"]) & (given_["rank"] == 2), "rank"] = 1
    wide = given_.pivot_table(index="rater_id", columns="item_id", values="rank")
    friedman = stats.friedmanchisquare(*wide.to_numpy().T).statistic
    agreement = mirror(RESULT, given_).tables["orders"].set_index("check")
    assert agreement.loc["kendall_w", "value"] == pytest.approx(friedman / (8 * 3))


@settings(max_examples=25, deadline=None)
@given(st.permutations(DRIVERS))
def test_managers_who_all_say_the_same_agree_whatever_it_is(order):
    result = mirror(RESULT, ranking(order, managers=8))
    agreement = result.tables["orders"].set_index("check")["value"]
    assert agreement["kendall_w"] == pytest.approx(1.0)
    assert agreement["spearman"] == pytest.approx(
        stats.spearmanr([order.index(d) for d in DRIVERS], range(4)).statistic
    )
    assert (result.table.set_index("driver")["managers_rank"][list(order)] == [1, 2, 3, 4]).all()


def test_fewer_than_eight_managers_are_not_shown():
    few = mirror(RESULT, ranking("dabc", managers=7))
    assert [claim.code for claim in few.claims] == ["drivers.mirror_few"]
    hidden = masked(few)
    assert hidden.table.drop(columns=["driver", "flag"]).isna().all(axis=None)
    assert hidden.tables["orders"][["value", "managers"]].isna().all(axis=None)
    eight = masked(mirror(RESULT, ranking("dabc", managers=8)))
    assert eight.table["managers"].tolist() == [8.0] * 4
    assert "drivers.mirror_gap" in {claim.code for claim in eight.claims}


def test_what_is_outside_is_stated_the_farthest_first():
    claims = mirror(RESULT, ranking("dabc", managers=8)).claims
    gaps = [c.fields for c in claims if c.code == "drivers.mirror_gap"]
    assert [(g["driver"], g["verdict"], g["place"]) for g in gaps] == [
        ("d", "above", 1),
        ("a", "below", 2),
        ("b", "below", 3),
    ]
    assert all(c.grade == "D" and "managers_no_sample" in c.caveats for c in claims)


def test_where_customers_leave_the_order_open_managers_are_within():
    open_ = mirror(found(n=60, effects=(0.2, 0.2, 0.2, 0.2)), ranking("dabc", managers=8))
    assert (open_.table["verdict"] == "inside").all()
    assert [claim.code for claim in open_.claims] == ["drivers.mirror_order", "drivers.mirror_inside"]


def test_without_a_bootstrap_no_place_is_outside():
    plain = mirror(found(resamples=0), ranking("dabc", managers=8))
    assert (plain.table["verdict"] == "open").all()
    assert [claim.code for claim in plain.claims] == ["drivers.mirror_order"]


def test_what_cannot_be_compared_is_told():
    result = mirror(RESULT, ranking("dazc", managers=8))
    told = {row.driver: str(row.reason) for row in result.tables["left_out"].itertuples()}
    assert told == {"b": "no manager ranked it", "z": "ranked by managers, and not among the drivers"}
    # c is the third of three customers' drivers compared, not the fourth.
    assert result.table["rank"].tolist() == [1, 2, 3]


def test_no_ranking_is_an_empty_result_that_says_so():
    empty, full = mirror(RESULT, pd.DataFrame()), mirror(RESULT, ranking("dabc", managers=8))
    assert empty.table.empty
    assert set(empty.tables) == set(full.tables)
    assert [claim.code for claim in mirror(RESULT, pd.DataFrame()).claims] == ["drivers.mirror_none"]


def test_unusable_rankings_are_refused():
    given_ = ranking("dabc", managers=8)
    with pytest.raises(AnalysisError, match="ranking cannot be used") as caught:
        mirror(RESULT, pd.concat([given_, given_.iloc[[2]]]))
    assert str(caught.value.problems[0].found) == "the same driver more than once by one manager"
    assert caught.value.problems[0].row == 33
    with pytest.raises(AnalysisError, match="ranking cannot be used") as caught:
        mirror(RESULT, given_.assign(rank="first"))
    assert (str(caught.value.problems[0].found), caught.value.problems[0].column) == ("text", "rank")
    with pytest.raises(AnalysisError, match="column rank: found an infinite value"):
        mirror(RESULT, given_.assign(rank=np.inf))
    with pytest.raises(AnalysisError, match="the managers rank 1 of the drivers, and at least 2"):
        mirror(RESULT, ranking("dxyz", managers=8))
    with pytest.raises(AnalysisError, match="no column points"):
        mirror(RESULT, given_.drop(columns="rank"))


def test_the_ranking_given_is_not_changed():
    given_ = ranking("dabc", managers=8)
    kept = given_.copy()
    mirror(RESULT, given_)
    pd.testing.assert_frame_equal(given_, kept)


def test_managers_and_drivers_may_be_categories():
    given_ = ranking("dabc", managers=8)
    as_categories = mirror(RESULT, given_.astype({"rater_id": "category", "item_id": "category"}))
    pd.testing.assert_frame_equal(as_categories.table, mirror(RESULT, given_).table)
