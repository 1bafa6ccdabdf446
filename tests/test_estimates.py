"""The tidy shape: flags, masking, adjustment of p-values, one family for a report."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxlab.analysis import estimates
from cxlab.analysis.estimates import Claim, Result
from cxlab.errors import AnalysisError

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@given(P_VALUES)
@settings(derandomize=True, max_examples=25)
def test_adjusted_never_below_raw_nor_above_one(p):
    for how in ("holm", "bh"):
        out = estimates.adjusted(p, how)
        assert (out >= np.asarray(p) - 1e-12).all()
        assert (out <= 1).all()


@given(P_VALUES)
@settings(derandomize=True, max_examples=25)
def test_adjustment_ignores_order_and_missing(p):
    rng = np.random.default_rng(0)
    order = rng.permutation(len(p))
    for how in ("holm", "bh"):
        whole = estimates.adjusted(p, how)
        assert np.allclose(estimates.adjusted(np.asarray(p)[order], how), whole[order])
        with_gap = estimates.adjusted([*p, np.nan], how)
        assert np.isnan(with_gap[-1])
        assert np.allclose(with_gap[:-1], whole)


def result(p_values, *, n=100, level_claim=True):
    names = [f"h{k}" for k in range(len(p_values))]
    tests = pd.DataFrame(
        {"hypothesis": names, "p_value": p_values, "p_adjusted": estimates.adjusted(p_values, "holm")}
    )
    differences = [Claim("x.effect", {"hypothesis": h, "n": n}, "D") for h in names]
    silent = (Claim("x.none", {"n": n}, "D"),)
    claims = estimates.stated(tests, differences, silent, 0.95)
    plain = (Claim("x.level", {"n": n}, "D"),) if level_claim else ()
    return Result(
        table=pd.DataFrame(), keys=(), tables={"tests": tests}, claims=plain + claims, otherwise=silent
    )


def codes(r):
    return [c.code for c in r.claims]


def test_stated_keeps_what_stands_and_says_otherwise_else():
    assert codes(result([0.001, 0.5])) == ["x.level", "x.effect"]
    assert codes(result([0.04, 0.5])) == ["x.level", "x.none"]


def test_one_family_withdraws_what_no_longer_stands():
    first, second = result([0.03]), result([0.001, 0.2])
    assert codes(first) == ["x.level", "x.effect"]
    first, second = estimates.as_one_family(first, second)
    assert codes(first) == ["x.level", "x.none"]
    assert codes(second) == ["x.level", "x.effect"]
    assert second.claims[1].fields["p_adjusted"] == pytest.approx(0.003)
    assert first.tables["tests"]["p_adjusted"].tolist() == pytest.approx([0.06])


def test_one_family_says_that_nothing_stands_once():
    quiet, _ = estimates.as_one_family(result([0.5]), result([0.4]))
    assert codes(quiet) == ["x.level", "x.none"]


def test_one_family_keeps_every_claim_of_a_test():
    one = result([0.001])
    claim = next(c for c in one.claims if "hypothesis" in c.fields)
    two = replace(one, claims=(*one.claims, Claim("x.more", claim.fields, "D")))
    kept, _ = estimates.as_one_family(two, result([0.5]))
    assert codes(kept) == ["x.level", "x.effect", "x.more"]
    assert [c.fields["p_adjusted"] for c in kept.claims[1:]] == pytest.approx([0.002, 0.002])


def test_flags_suppress_under_the_minimum_and_warn_under_thirty():
    assert estimates.flags([7, 8, 9, 10, 29, 30]).tolist() == ["suppressed"] * 3 + ["low_base"] * 2 + ["ok"]
    assert estimates.flags([7, 8], minimum=estimates.MINIMUM_EMPLOYEES).tolist() == ["suppressed", "low_base"]


def test_one_family_leaves_results_without_tests_alone():
    plain = Result(table=pd.DataFrame(), keys=(), claims=(Claim("x.level", {}, "D"),))
    alone, tested = estimates.as_one_family(plain, result([0.01]))
    assert alone is plain
    assert codes(tested) == ["x.level", "x.effect"]


def test_masked_empties_suppressed_rows_in_every_table_and_changes_no_input():
    table = pd.DataFrame(
        {
            "segment": ["a", "b"],
            "estimate": [1.5, 2.5],
            "n": [9, 40],
            "text": ["x", "y"],
            "flag": ["suppressed", "ok"],
        }
    )
    before = table.copy()
    whole = Result(
        table=table, keys=("segment",), tables={"more": table, "plain": table.drop(columns="flag")},
        claims=(Claim("c", {"n": 9}, "D"), Claim("c", {"n": 10}, "D"), Claim("c", {}, "D")),
    )  # fmt: skip
    shown = estimates.masked(whole)
    for frame in (shown.table, shown.tables["more"]):
        assert frame["segment"].tolist() == ["a", "b"]
        assert frame.loc[0, ["estimate", "n", "text"]].isna().all()
        assert frame.loc[1, "estimate"] == 2.5
        assert frame["flag"].tolist() == ["suppressed", "ok"]
    assert [c.fields.get("n") for c in shown.claims] == [10, None]
    pd.testing.assert_frame_equal(table, before)


def test_masked_reaches_boolean_and_integer_columns():
    table = pd.DataFrame({"k": [1], "events": [3], "yes": [True], "flag": ["suppressed"]})
    shown = estimates.masked(Result(table=table, keys=("k",))).table
    assert shown[["events", "yes"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pd.Series([1.0, -2.0]), r"row 2, column w: found -2.0; allowed: a finite number, zero or more"),
        (pd.Series([1.0, np.nan]), "found nan"),
        (pd.Series([0.0, 0.0]), "sums to zero"),
        (pd.Series(["1", "2"]), "not numeric"),
    ],
)
def test_bad_weights_are_refused(column, message):
    with pytest.raises(AnalysisError, match=message):
        estimates.weights_of(pd.DataFrame({"w": column}), "w")


def test_missing_columns_are_named_all_at_once():
    with pytest.raises(AnalysisError, match="no column b, c; it has a"):
        estimates.check_columns(pd.DataFrame({"a": [1]}), ["a", "b", "c"])


@pytest.mark.parametrize("level", [0.5, 1.0, 95])
def test_level_outside_its_range_is_refused(level):
    with pytest.raises(AnalysisError, match="between 0.5 and 1"):
        estimates.check_level(level)


def test_results_are_frozen():
    with pytest.raises(AttributeError):
        result([0.5]).n_used = 3


def test_generators_are_reproducible_and_distinct():
    first, second = estimates.generators(7, 2), estimates.generators(7, 2)
    assert first[0].random() == second[0].random()
    assert first[0].random() != first[1].random()
