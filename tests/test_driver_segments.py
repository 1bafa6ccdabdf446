"""Importance within segments: the same numbers as on the subset, nothing lost, nothing shown of a few."""

import numpy as np
import pandas as pd
import pytest

from cxlab.analysis.drivers import importance, importance_by
from cxlab.analysis.estimates import masked
from cxlab.errors import AnalysisError, Message

DRIVERS = ["ease", "price", "speed"]
STABLE = ["importance", "share", "rank", "coefficient", "coefficient_low", "coefficient_high", "n"]


def survey(n=240, seed=3):
    """Three rated attributes, of which ease matters in plan a and price in plan b; plan c has 6 answers."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.integers(1, 8, (n, 3)).astype(float), columns=DRIVERS)
    table["plan"] = np.where(np.arange(n) < 6, "c", np.where(np.arange(n) % 2, "a", "b"))
    table["channel"] = rng.choice(["app", "shop"], n)
    matters = np.where(table["plan"] == "b", table["price"], table["ease"])
    table["overall"] = (0.7 * matters + rng.normal(2, 1, n)).clip(1, 7).round()
    table["w"] = rng.uniform(0.5, 2.0, n)
    return table


def test_each_segment_is_importance_on_its_rows():
    table = survey()
    before = table.copy(deep=True)
    choices = {"weights": "w", "controls": ["channel"], "not_applicable": "listwise", "resamples": 0}
    result = importance_by(table, "overall", DRIVERS, by="plan", **choices)
    pd.testing.assert_frame_equal(table, before)
    for plan in ("a", "b"):
        own = result.table[result.table["plan"] == plan].drop(columns="plan").reset_index(drop=True)
        alone = importance(table[table["plan"] == plan], "overall", DRIVERS, **choices)
        pd.testing.assert_frame_equal(own, alone.table)
    assert list(result.table.columns) == ["plan", *alone.table.columns]
    assert result.table.groupby("plan")["driver"].first().to_dict() == {"a": "ease", "b": "price"}
    assert result.estimate_column == "share"
    assert result.claims == ()


def test_intervals_come_from_a_seed_of_each_segment():
    table = survey()
    one = importance_by(table, "overall", DRIVERS, by=["plan"], resamples=40, seed=5)
    again = importance_by(table, "overall", DRIVERS, by=("plan",), resamples=40, seed=5)
    pd.testing.assert_frame_equal(one.table, again.table)
    other = importance_by(table, "overall", DRIVERS, by=["plan"], resamples=40, seed=6)
    assert not np.allclose(one.table["conf_low"], other.table["conf_low"])
    pd.testing.assert_frame_equal(one.table[STABLE], other.table[STABLE])
    assert (one.table["conf_low"] <= one.table["conf_high"]).all()


def test_segments_with_few_answers_are_left_out_and_hidden():
    result = importance_by(survey(), "overall", DRIVERS, by=["plan"], resamples=0)
    assert set(result.table["plan"]) == {"a", "b"}
    left_out = result.tables["left_out"]
    assert left_out[["plan", "n", "reason", "flag"]].to_numpy().tolist() == [
        ["c", 6, "fewer than 10 answers", "suppressed"]
    ]
    assert left_out["reason"].iloc[0].template == "fewer than {minimum} answers"
    hidden = masked(result).tables["left_out"]
    assert np.isnan(hidden["n"].iloc[0])
    assert hidden["plan"].tolist() == ["c"]
    assert result.n_dropped == {"segment left out": 6}


def test_the_reason_a_segment_cannot_be_estimated_is_kept():
    table = survey()
    table.loc[table["plan"] == "a", "ease"] = 4.0
    result = importance_by(table, "overall", DRIVERS, by=["plan"], resamples=0)
    left_out = result.tables["left_out"].set_index("plan")
    assert left_out.loc["a", "reason"] == "ease: one value only (4)"
    assert isinstance(left_out.loc["a", "reason"], Message)
    assert left_out.loc["a", "flag"] == "ok"
    assert set(result.table["plan"]) == {"b"}


def test_every_row_is_used_or_dropped_for_a_reason():
    table = survey()
    table.loc[10:19, "plan"] = None
    table.loc[18:24, "channel"] = None
    table.loc[30:33, "overall"] = np.nan
    table.loc[40:41, "w"] = 0.0
    table.loc[50, DRIVERS] = np.nan
    result = importance_by(table, "overall", DRIVERS, by=["plan", "channel"], weights="w", resamples=0)
    assert result.n_dropped == {
        "plan missing": 10, "channel missing": 5, "weight zero": 2, "overall missing": 4,
        "no driver rated": 1, "segment left out": 6,
    }  # fmt: skip
    assert result.n_used + sum(result.n_dropped.values()) == len(table)
    assert result.keys[:2] == ("plan", "channel")


def test_without_by_there_is_nothing_to_split():
    result = importance_by(survey(), "overall", DRIVERS, by=())
    assert result.table.empty
    assert result.tables["left_out"].empty
    assert (result.n_used, dict(result.n_dropped)) == (0, {})


def test_categories_text_dtypes_and_odd_indexes_change_nothing():
    table = survey()
    plain = importance_by(table, "overall", DRIVERS, by="plan", resamples=0)
    plan = pd.Categorical(table["plan"], categories=["b", "a", "c", "unused"], ordered=True)
    ordered = importance_by(table.assign(plan=plan), "overall", DRIVERS, by="plan", resamples=0)
    assert ordered.table["plan"].unique().tolist() == ["b", "a"]
    typed = table.convert_dtypes(dtype_backend="pyarrow").set_index(pd.Index(["same"] * len(table)))
    other = importance_by(typed, "overall", DRIVERS, by="plan", resamples=0)
    np.testing.assert_allclose(other.table["share"], plain.table["share"])


@pytest.mark.parametrize(
    ("change", "asked", "message"),
    [
        ({}, {"by": ["nope"]}, "no column nope; it has ease, price"),
        ({}, {"by": ["overall"]}, "overall cannot both split the table and be analysed; take it out of `by`"),
        ({}, {"by": ["plan", "ease"]}, "ease cannot both split"),
        ({}, {"by": "channel", "controls": ["channel"]}, "channel cannot both split"),
        ({}, {"by": "w", "weights": "w"}, "w cannot both split"),
        ({"plan": [["a"]] * 240}, {"by": "plan"}, "column 'plan' holds lists or mappings"),
        ({"response_id": 1}, {"by": "plan"}, "response_id repeated: 1 .240 rows"),
    ],
)
def test_refusals(change, asked, message):
    with pytest.raises(AnalysisError, match=message):
        importance_by(survey().assign(**change), "overall", DRIVERS, resamples=0, **asked)
