"""Areas: what the drivers weigh and lack, shared by responsibility; its sums, its ranges, its words."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxlab.analysis.drivers import area_card, areas, importance
from cxlab.analysis.drivers.responsibility import responsibility_of
from cxlab.errors import AnalysisError

SCALES = dict.fromkeys("abcd", (1, 7))
ITEMS = pd.DataFrame({"item_id": list("abcd"), "touchpoint_id": ["pay", "pay", "visit", "call"]})
SHARED = pd.DataFrame(
    [
        ("finance", "pay", 0.75), ("shops", "pay", 0.25), ("shops", "visit", 1.0), ("calls", "call", 0.6),
        ("finance", "call", 0.4),
    ],
    columns=["area_id", "touchpoint_id", "responsibility_share"],
)  # fmt: skip
KNOWN = pd.DataFrame(
    {"area_id": ["finance", "shops", "calls", "press"], "kind": ["back", "front", "front", "back"]}
)


def found(n=900, resamples=200, effects=(2.0, 0.5, 1.0, 0.5), seed=0):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.integers(1, 8, (n, 4)).astype(float), columns=list("abcd"))
    table["b"] = np.minimum(table["b"], 4)
    table["y"] = table[list("abcd")] @ np.array(effects) + rng.normal(size=n)
    return importance(table, "y", list("abcd"), resamples=resamples, seed=1)


def shared_out(result, responsibility=SHARED, **options):
    return areas(result, ITEMS, responsibility, **{"scales": SCALES, "known": KNOWN, "seed": 1, **options})


def test_shares_by_hand():
    result = found()
    share = result.table.set_index("driver")["share"]
    score = 100 * (result.table.set_index("driver")["mean"] - 1) / 6
    lack = share * (100 - score)
    table = shared_out(result).table.set_index("area_id")
    contribution = {
        "finance": 0.75 * (share["a"] + share["b"]) + 0.4 * share["d"],
        "shops": 0.25 * (share["a"] + share["b"]) + share["c"],
        "calls": 0.6 * share["d"],
        "press": 0.0,
    }
    pain = {
        "finance": 0.75 * (lack["a"] + lack["b"]) + 0.4 * lack["d"],
        "shops": 0.25 * (lack["a"] + lack["b"]) + lack["c"],
        "calls": 0.6 * lack["d"],
        "press": 0.0,
    }
    for area in contribution:
        assert table.loc[area, "contribution"] == pytest.approx(contribution[area])
        assert table.loc[area, "pain"] == pytest.approx(pain[area] / lack.sum())
    assert table["touchpoints"].to_dict() == {"finance": 2, "shops": 2, "calls": 1, "press": 0}
    assert table["kind"].to_dict() == dict(zip(KNOWN["area_id"], KNOWN["kind"], strict=True))


def test_a_target_takes_the_gap_of_what_reaches_it():
    result = found()
    score = 100 * (result.table.set_index("driver")["mean"] - 1) / 6
    reached = shared_out(result, target=float(score["c"]) - 1.0).table.set_index("area_id")
    assert reached.loc["calls", "pain"] == 0.0
    assert 0 < reached.loc["shops", "pain"] < 0.3


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0.0, 1.0), min_size=9, max_size=9))
def test_parts_add_up_to_one_whatever_the_responsibilities(shares):
    rows = [(a, t) for a in ("finance", "shops", "calls") for t in ("pay", "visit", "call")]
    given_ = pd.DataFrame(rows, columns=["area_id", "touchpoint_id"]).assign(responsibility_share=shares)
    table = shared_out(RESULT, given_).table
    assert table["contribution"].sum() == pytest.approx(1.0)
    assert table["pain"].sum() == pytest.approx(1.0)
    assert (table["conf_low"] <= table["conf_high"]).all()


RESULT = found()


def test_the_range_is_that_of_dirichlet_shares():
    """Without a bootstrap, a lone touchpoint's part moves with sd sqrt(r (1 - r) / (concentration + 1))."""
    result = found(resamples=0)
    weight = result.table.set_index("driver")["share"]["c"]
    given_ = pd.DataFrame(
        {"area_id": ["finance", "shops"], "touchpoint_id": "visit", "responsibility_share": [0.3, 0.7]}
    )
    items = ITEMS.assign(touchpoint_id=[None, None, "visit", None])
    row = areas(result, items, given_, scales=SCALES, draws=20_000, level=0.6827, seed=2).table.iloc[1]
    half = (row["contribution_high"] - row["contribution_low"]) / 2
    assert half == pytest.approx(weight * np.sqrt(0.3 * 0.7 / 21), rel=0.03)


def test_a_sure_judgement_leaves_the_bootstrap_only():
    sure = shared_out(found(resamples=0), concentration=1e9).table
    assert (sure["conf_high"] - sure["conf_low"]).max() < 1e-3
    both = shared_out(found(), concentration=1e9).table
    assert 1e-3 < (both["conf_high"] - both["conf_low"]).max() < 0.1


def test_what_nobody_answers_for_is_nobodys_and_told():
    given_ = SHARED.assign(responsibility_share=[0.5, 0.25, 1.0, 0.9, 0.6])
    result = shared_out(RESULT, given_)
    share = RESULT.table.set_index("driver")["share"]
    nobody = result.table.set_index("area_id").loc["nobody"]
    assert nobody["contribution"] == pytest.approx(0.25 * (share["a"] + share["b"]))
    assert np.isnan(nobody["rank_low"])
    told = result.tables["unsummed"].set_index("touchpoint_id")
    assert told["responsibility"].to_dict() == pytest.approx({"pay": 0.75, "call": 1.5})
    assert "the rest is nobody's" in told.loc["pay", "advice"]
    assert "divided by their sum" in told.loc["call", "advice"]
    calls = result.tables["moments"].query("touchpoint_id == 'call'").set_index("area_id")["responsibility"]
    assert calls.to_dict() == pytest.approx({"calls": 0.6, "finance": 0.4})
    assert [c.fields["area"] for c in result.claims if c.code == "drivers.area_nobody"] == ["nobody"]


def test_touchpoints_without_an_area_are_nobodys():
    result = shared_out(RESULT, SHARED[SHARED["touchpoint_id"] != "visit"])
    share = RESULT.table.set_index("driver")["share"]
    assert result.table.set_index("area_id").loc["nobody", "contribution"] == pytest.approx(share["c"])


def test_what_is_left_out_is_told():
    items = ITEMS.assign(touchpoint_id=["pay", None, "visit", "call"])
    given_ = pd.concat([SHARED, SHARED.iloc[:1].assign(touchpoint_id="web", responsibility_share=1.0)])
    result = areas(RESULT, items, given_, scales={k: v for k, v in SCALES.items() if k != "c"}, seed=1)
    told = result.tables["left_out"].astype(object).where(lambda t: t.notna(), None)
    assert told.iloc[:, :2].to_numpy().tolist() == [["b", None], ["c", None], [None, "visit"], [None, "web"]]
    assert [str(reason).partition(":")[0] for reason in told["reason"]] == [
        "no touchpoint",
        "no scale declared",
        *["no question of the survey is about it"] * 2,
    ]
    share = RESULT.table.set_index("driver")["share"]
    assert result.table["contribution"].sum() == pytest.approx(share["a"] + share["d"])
    assert result.table["pain"].sum() == pytest.approx(1.0)


def test_the_first_is_stated_only_where_ranges_allow_it():
    said = {claim.code for claim in shared_out(found(effects=(3.0, 0.5, 0.5, 0.5))).claims}
    assert {"drivers.area_first", "drivers.area_unseen"} <= said
    even = SHARED.assign(responsibility_share=[0.5, 0.5, 1.0, 0.6, 0.4])
    near = found(effects=(1.0, 0.5, 0.4, 0.5))
    open_ = [c for c in shared_out(near, even).claims if c.code == "drivers.areas_open"]
    assert open_[0].fields["candidates"] == 2
    assert all(claim.grade == "D" and "responsibility_judged" in claim.caveats for claim in open_)


def test_nothing_is_shared_out_of_noise():
    result = shared_out(found(n=300, effects=(0, 0, 0, 0)))
    assert [claim.code for claim in result.claims] == ["drivers.areas_nothing"]
    assert [claim.code for claim in area_card(result, "finance").claims] == ["drivers.areas_nothing"]


def test_a_card_holds_the_touchpoints_of_one_area():
    result = shared_out(RESULT)
    card = area_card(result, "finance")
    row = result.table.set_index("area_id").loc["finance"]
    assert card.table["touchpoint_id"].tolist() == ["pay", "call"]
    assert card.table["pain"].sum() == pytest.approx(row["pain"])
    assert card.table["contribution"].sum() == pytest.approx(row["contribution"])
    score = 100 * (RESULT.table.set_index("driver")["mean"] - 1) / 6
    pay = card.table.iloc[0]
    assert pay["score"] == pytest.approx((score["a"] + score["b"]) / 2)
    assert pay["score_low"] < pay["score"] < pay["score_high"]
    fields = card.claims[0].fields
    assert (card.claims[0].code, fields["touchpoints"], fields["areas"]) == ("drivers.area", 2, 4)
    assert [c.code for c in area_card(result, "press").claims] == ["drivers.area_none"]
    everyone = area_card(result)
    assert len(everyone.table) == 5
    assert everyone.claims == ()


def test_the_fewest_raters_of_an_area_flag_it():
    rng = np.random.default_rng(3)
    table = pd.DataFrame(rng.integers(1, 8, (60, 4)).astype(float), columns=list("abcd"))
    table["y"] = table.sum(axis=1) + rng.normal(size=60)
    table.loc[12:, "d"] = np.nan
    result = shared_out(importance(table, "y", list("abcd"), resamples=200, seed=1, min_rated=10))
    flag = result.tables["moments"].set_index(["area_id", "touchpoint_id"])["flag"]
    assert flag[("calls", "call")] == "low_base"
    flags = result.table.set_index("area_id")["flag"].to_dict()
    assert flags == {"finance": "low_base", "shops": "ok", "calls": "low_base", "press": "ok"}


def test_unusable_shares_are_told_together():
    given_ = pd.concat([SHARED, SHARED.iloc[:1], SHARED.iloc[:1].assign(area_id="nobody")], ignore_index=True)
    given_.loc[[1, 2], "responsibility_share"] = [1.5, np.nan]
    with pytest.raises(AnalysisError, match="shares of responsibility cannot be used") as caught:
        responsibility_of(given_, ["pay"])
    said = [(str(p.found), str(p.allowed), p.column) for p in caught.value.problems]
    assert said == [
        ("1.5, nan", "a number from 0 to 1", "responsibility_share"),
        ("more than one share of finance × pay", "one row for each area and touchpoint", "area_id"),
        ("nobody", "codes of areas", "area_id"),
    ]
    with pytest.raises(AnalysisError, match="cannot be used") as caught:
        responsibility_of(SHARED.assign(responsibility_share="half"), ["pay"])
    assert str(caught.value.problems[0].found) == "text"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": 0.0}, "target is 0.0; allowed: a performance above 0, up to 100"),
        ({"concentration": 0.0}, "concentration is 0.0; allowed: a number from 0.1"),
        ({"draws": 199}, "draws is 199; allowed: a whole number, 200 or more"),
    ],
)
def test_numbers_out_of_range_are_refused(options, message):
    with pytest.raises(AnalysisError, match=message):
        shared_out(RESULT, **options)


def test_groups_unknown_areas_and_untagged_questionnaires_are_refused():
    table = pd.DataFrame(np.random.default_rng(0).integers(1, 8, (80, 4)), columns=list("abcd"))
    grouped = importance(
        table.assign(y=table.sum(axis=1) + np.arange(80) % 3), "y", list("abcd"), groups={"g": ["a", "b"]},
        resamples=0,
    )  # fmt: skip
    with pytest.raises(AnalysisError, match="these are groups: g; leave `groups` out"):
        shared_out(grouped)
    with pytest.raises(AnalysisError, match="no area 'sales'; there are: finance, shops, calls, press"):
        area_card(shared_out(RESULT), "sales")
    with pytest.raises(AnalysisError, match="no driver has a touchpoint and a scale; complete touchpoint_id"):
        areas(RESULT, ITEMS.assign(touchpoint_id=None), SHARED, scales=SCALES)


def test_nothing_given_is_changed():
    items, given_, known = ITEMS.copy(), SHARED.copy(), KNOWN.copy()
    areas(RESULT, items, given_, known=known, scales=SCALES)
    pd.testing.assert_frame_equal(items, ITEMS)
    pd.testing.assert_frame_equal(given_, SHARED)
    pd.testing.assert_frame_equal(known, KNOWN)


def test_a_share_of_nobody_named_and_a_driver_at_two_touchpoints_are_refused():
    """Neither may be given to somebody by the order of rows, nor to nobody."""
    with pytest.raises(AnalysisError, match="row 1, column area_id: found no name"):
        shared_out(found(), SHARED.assign(area_id=SHARED["area_id"].where(SHARED.index > 0)))
    twice = pd.concat([ITEMS, ITEMS.head(1).assign(touchpoint_id="elsewhere")])
    with pytest.raises(AnalysisError, match="stands in more than one row"):
        areas(found(), twice, SHARED, scales=SCALES)
    again = areas(found(), pd.concat([ITEMS, ITEMS]), SHARED, scales=SCALES, seed=1)
    pd.testing.assert_frame_equal(again.table, areas(found(), ITEMS, SHARED, scales=SCALES, seed=1).table)


def test_codes_may_be_categories():
    kinds = {"area_id": "category", "touchpoint_id": "category"}
    pd.testing.assert_frame_equal(
        shared_out(found(), SHARED.astype(kinds)).table, shared_out(found()).table, check_dtype=False
    )
