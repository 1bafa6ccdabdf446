"""Specification curves: hand-solved grids, exact indices, invariants, what is claimed and what is refused."""

import re
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from cxlab.analysis.estimates import Claim, masked
from cxlab.analysis.sensitivity import SpecificationCurve, specification_curve
from cxlab.analysis.sensitivity.choices import changes, complete, shares
from cxlab.errors import AnalysisError
from cxlab.reporting import cards, claims, claims_sensitivity
from cxlab.reporting.bundle import bundle
from cxlab.reporting.tables import readable
from cxlab.reporting.words import Words

ROUNDING = 1e-12
EXACT = {"rel": ROUNDING, "abs": ROUNDING}


def sweep(options: dict[str, list[str]], estimates, *, error: float = 1.0, **columns) -> pd.DataFrame:
    """A full grid in order, its estimates with intervals of two errors to each side."""
    grid = pd.DataFrame(list(product(*options.values())), columns=[f"choice_{name}" for name in options])
    y = np.asarray(estimates, dtype=float)
    frame = grid.assign(
        point=[f"p{k:03d}" for k in range(len(grid))], status="done", estimate=y, std_error=error,
        conf_low=y - 2 * error, conf_high=y + 2 * error, n=900, n_eff=850.0, flag="ok", unit="points",
        message="",
    )  # fmt: skip
    return frame.assign(**columns)


def two_by_two() -> pd.DataFrame:
    """Weights move 5 and 7, the missing 2 and 4: means 6, 9 and 16 - 9 of 14, as worked out by hand."""
    return sweep({"missing": ["kept", "out"], "weights": ["none", "raked"]}, [0.0, 2.0, 4.0, 10.0])


def without(frame: pd.DataFrame, points: list[str], status: str = "failed") -> pd.DataFrame:
    gone = frame["point"].isin(points)
    emptied = frame.copy()
    numbers = ["estimate", "std_error", "conf_low", "conf_high", "n", "n_eff"]
    emptied[numbers] = emptied[numbers].astype(float).where(~gone)
    emptied.loc[gone, "status"] = status
    emptied.loc[gone, "message"] = "the model did not converge" if status == "failed" else ""
    return emptied


def claim(result: SpecificationCurve, code: str) -> Claim | None:
    return next((c for c in result.claims if c.code == f"sensitivity.{code}"), None)


def checks(result: SpecificationCurve) -> dict[str, float]:
    table = result.tables["checks"]
    return dict(zip(table["check"], table["value"], strict=True))


# --- what choices move ------------------------------------------------------------------------------------


def test_a_grid_of_two_by_two_solved_by_hand():
    # Mean 4; means of missing 1, 7, of weights 2, 6: variances 9, 4; all 14; together only 1.
    result = specification_curve(two_by_two())
    told = result.tables["choices"].set_index("choice")
    assert told.loc["missing", ["moves", "first_order", "total"]].tolist() == pytest.approx(
        [9.5 / 14, 9 / 14, 10 / 14], **EXACT
    )
    assert told.loc["weights", ["moves", "first_order", "total"]].tolist() == pytest.approx(
        [4.5 / 14, 4 / 14, 5 / 14], **EXACT
    )
    assert result.tables["interactions"].to_numpy().tolist() == [["missing x weights", pytest.approx(1 / 14)]]
    assert told["mean_change"].to_dict() == {"missing": 6.0, "weights": 4.0}  # (4 + 8) / 2, (2 + 6) / 2
    assert result.tables["changes"].set_index("choice").loc["missing", ["least", "most"]].tolist() == [4, 8]
    assert result.settings["choices"] == ["missing", "weights"]


def test_a_grid_of_two_by_three_solved_by_hand():
    # Rows 1 2 3 and 5 6 13: mean 5; rows 2, 8: variance 9; columns 3, 4, 8: 14/3; all 94/6, left 2.
    result = specification_curve(sweep({"a": ["x", "y"], "b": ["1", "2", "10"]}, [1, 2, 3, 5, 6, 13]))
    told = result.tables["choices"].set_index("choice")
    whole = 94 / 6
    assert told["first_order"].to_dict() == pytest.approx({"a": 9 / whole, "b": (14 / 3) / whole}, **EXACT)
    assert told["total"].to_dict() == pytest.approx({"a": 11 / whole, "b": (20 / 3) / whole}, **EXACT)
    assert told["moves"].to_dict() == pytest.approx({"a": 10 / whole, "b": (17 / 3) / whole}, **EXACT)
    row = told.loc["b"]
    assert (row["from_option"], row["to_option"], row["mean_change"], row["pairs"]) == ("1", "10", 5.0, 2)
    assert result.tables["options"]["option"].tolist() == ["x", "y", "1", "2", "10"]


@pytest.mark.parametrize("a", [(0.0, 1.0, 9.0), (0.5, 2.0, 99.0)])
def test_sobols_g_function_on_a_grid_is_its_closed_form(a):
    # A product of independent factors of mean 1: V_u is the product of their variances over u.
    x = (np.arange(8) + 0.5) / 8
    factors = [(np.abs(4 * x - 2) + own) / (1 + own) for own in a]
    variances = np.array([f.var() for f in factors])
    codes = np.array(list(product(range(8), repeat=3)))
    found = shares(codes, np.prod([f[codes[:, j]] for j, f in enumerate(factors)], axis=0))
    whole = np.prod(1 + variances) - 1
    assert found.variance == pytest.approx(whole, rel=1e-12)
    assert found.first == pytest.approx(variances, rel=1e-11)
    assert found.total == pytest.approx(variances * (1 + whole) / (1 + variances), rel=1e-11)
    assert found.interaction(0b101) == pytest.approx(variances[0] * variances[2], rel=1e-9, abs=1e-14)
    v = variances
    one = v[0] + v[0] * v[1] / 2 + v[0] * v[2] / 2 + v.prod() / 3
    assert found.shapley[0] == pytest.approx(one, rel=1e-11)


def test_ishigamis_function_approaches_its_published_indices():
    # a = 7, b = 0.1: S = 0.3139, 0.4424, 0; S13 = 0.2437 (Ishigami & Homma 1990; Saltelli et al. 2008).
    x = -np.pi + (np.arange(40) + 0.5) / 40 * 2 * np.pi
    codes = np.array(list(product(range(40), repeat=3)))
    one, two, three = (x[codes[:, j]] for j in range(3))
    found = shares(codes, np.sin(one) + 7 * np.sin(two) ** 2 + 0.1 * three**4 * np.sin(one))
    assert found.first / found.variance == pytest.approx([0.3139, 0.4424, 0.0], abs=2e-3)
    assert found.interaction(0b101) / found.variance == pytest.approx(0.2437, abs=2e-3)
    assert found.total / found.variance == pytest.approx([0.5576, 0.4424, 0.2437], abs=2e-3)


def test_a_full_grid_agrees_with_the_sums_of_squares_of_statsmodels():
    rng = np.random.default_rng(5)
    frame = sweep({"a": ["x", "y"], "b": ["1", "2", "3"], "c": ["p", "q"]}, rng.normal(size=12))
    result = specification_curve(frame)
    named = frame.rename(columns=lambda c: c.removeprefix("choice_"))
    squares = anova_lm(ols("estimate ~ C(a) * C(b) + C(c) + C(a):C(c) + C(b):C(c)", named).fit())["sum_sq"]
    whole = frame["estimate"].var(ddof=0) * len(frame)
    told = result.tables["choices"].set_index("choice")["first_order"]
    assert told[["a", "b", "c"]].tolist() == pytest.approx(
        (squares[["C(a)", "C(b)", "C(c)"]] / whole).tolist(), rel=1e-9
    )
    pairs = result.tables["interactions"].set_index("choices")["moves"]
    assert pairs["a x b"] == pytest.approx(squares["C(a):C(b)"] / whole, rel=1e-9)
    assert pairs["b x c"] == pytest.approx(squares["C(b):C(c)"] / whole, rel=1e-9)
    assert pairs[""] == pytest.approx(squares["Residual"] / whole, rel=1e-9)


grids = st.tuples(st.integers(2, 3), st.integers(2, 3), st.integers(2, 2)).flatmap(
    lambda sizes: st.tuples(
        st.just(sizes),
        st.lists(st.integers(-50, 50), min_size=int(np.prod(sizes)), max_size=int(np.prod(sizes))),
    )
)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(grids, st.integers(0, 10_000))
def test_all_parts_of_a_full_grid_add_up_and_bound_each_other(drawn, seed):
    sizes, estimates = drawn
    codes = np.array(list(product(*map(range, sizes))))
    y = np.array(estimates, dtype=float)
    found = shares(codes, y)
    parts = [found.interaction(subset) for subset in range(1, 8)]
    assert sum(parts) == pytest.approx(y.var(), rel=1e-12, abs=1e-9)
    assert min(parts) >= -1e-9
    assert found.shapley.sum() == pytest.approx(y.var(), rel=1e-12, abs=1e-9)
    assert (found.first <= found.shapley + 1e-9).all()
    assert (found.shapley <= found.total + 1e-9).all()
    # With gaps: still none below zero, still all of it.
    kept = np.random.default_rng(seed).random(len(y)) < 0.7
    if kept.sum() > 2:
        some = np.unique(codes[kept], axis=0, return_inverse=True)[1]
        assert len(some) == kept.sum()
        gaps = shares(codes[kept], y[kept])
        assert gaps.shapley.min() >= -1e-9
        assert gaps.shapley.sum() == pytest.approx(y[kept].var(), rel=1e-12, abs=1e-9)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.permutations(range(12)), st.integers(-9, 9).filter(bool), st.integers(-50, 50))
def test_order_names_and_units_do_not_matter(order, scale, shift):
    y = np.random.default_rng(3).normal(size=12)
    options = {"a": ["x", "y"], "b": ["1", "2", "3"], "c": ["p", "q"]}
    frame = sweep(options, y)
    first = specification_curve(frame, smallest_effect=0.5)
    again = frame.iloc[list(order)].replace({"choice_a": {"x": "z", "y": "w"}})
    ends = [shift + scale * (again["estimate"] + sign * 2) for sign in (-1, 1)]
    again = again.assign(
        estimate=shift + scale * again["estimate"], conf_low=np.minimum(*ends), conf_high=np.maximum(*ends)
    )
    other = specification_curve(again, null=shift, smallest_effect=abs(scale) * 0.5)
    columns = ["choice", "moves", "first_order", "total", "pairs", "sign_changes"]
    pd.testing.assert_frame_equal(first.tables["choices"][columns], other.tables["choices"][columns])
    assert other.tables["choices"]["mean_change"].tolist() == pytest.approx(
        (abs(scale) * first.tables["choices"]["mean_change"]).tolist(), rel=1e-9
    )
    turned = {"above": "below", "below": "above"} if scale < 0 else {}
    said = dict(zip(first.table["point"], first.table["excludes"].replace(turned), strict=True))
    assert dict(zip(other.table["point"], other.table["excludes"], strict=True)) == said


def test_alike_choices_share_alike_and_one_that_does_nothing_gets_nothing():
    codes = np.array(list(product(range(2), range(2), range(3))))
    found = shares(codes, (codes[:, 0] * codes[:, 1]).astype(float))
    assert found.shapley[0] == pytest.approx(found.shapley[1], **EXACT)
    assert found.shapley[2] == pytest.approx(0.0, **EXACT)
    assert found.total[2] == pytest.approx(0.0, **EXACT)


def test_gaps_are_said_and_the_paired_changes_are_not_confounded_by_them():
    # y is of the first choice alone; the gap ties the second to it.
    frame = without(sweep({"a": ["x", "y"], "b": ["p", "q"]}, [0.0, 0.0, 3.0, 3.0]), ["p003"])
    result = specification_curve(frame)
    told = result.tables["choices"].set_index("choice")
    assert told["moves"].sum() == pytest.approx(1.0, **EXACT)
    assert told["moves"].to_dict() == pytest.approx({"a": 0.875, "b": 0.125}, **EXACT)
    assert told["mean_change"].to_dict() == {"a": 3.0, "b": 0.0}
    assert told["pairs"].to_dict() == {"a": 1, "b": 1}
    assert not result.settings["full_grid"]
    advice = result.tables["checks"].set_index("check")["advice"]
    assert "combinations are missing" in advice["full_grid"]
    assert claim(result, "choice").caveats == ("specifications_same_people", "choices_tied")
    assert result.tables["interactions"].empty
    assert told[["first_order", "total"]].isna().all(axis=None)
    assert not complete(np.array([[0, 0], [0, 1], [1, 0]]))


def test_a_sweep_that_changes_one_thing_at_a_time_is_compared_with_its_middle():
    frame = sweep({"a": ["0", "1"], "b": ["0", "1"], "c": ["0", "1"]}, np.arange(8.0))
    star = frame[frame["point"].isin(["p000", "p001", "p002", "p004"])]
    told = specification_curve(star).tables["choices"].set_index("choice")
    assert told["mean_change"].to_dict() == {"a": 4.0, "b": 2.0, "c": 1.0}
    assert told["pairs"].tolist() == [1, 1, 1]
    assert told.index.tolist() == ["a", "b", "c"]


def test_where_no_two_differ_in_one_choice_alone_no_change_is_told():
    frame = sweep({"a": ["x", "y"], "b": ["p", "q"]}, [0.0, 1.0, 2.0, 3.0])
    diagonal = frame[frame["point"].isin(["p000", "p003"])]
    result = specification_curve(diagonal)
    assert result.tables["choices"]["pairs"].tolist() == [0, 0]
    assert result.tables["choices"]["mean_change"].isna().all()
    assert result.tables["choices"]["moves"].tolist() == pytest.approx([0.5, 0.5], **EXACT)
    assert "no two of these differ in it alone" in claims.sentence(claim(result, "choice"), Words("en"))
    assert changes(np.array([[0, 0], [1, 1]]), np.array([1.0, 2.0]), 0)[0].size.size == 0


def test_estimates_that_are_all_alike_are_moved_by_nothing():
    result = specification_curve(sweep({"a": ["x", "y"], "b": ["p", "q"]}, [0.1 + 0.2, 0.3, 0.3, 0.3]))
    assert result.tables["choices"]["moves"].isna().all()
    assert claim(result, "choice") is None


# --- the curve --------------------------------------------------------------------------------------------


def test_each_interval_is_held_to_both_ends_of_the_smallest_effect():
    # Around a null of 10, with 2 as the smallest effect; an end that only touches excludes nothing.
    ends = {
        "above": (12.1, 20), "touches": (12.0, 20), "below": (0, 7.9), "inside": (8.1, 11.9),
        "nearly inside": (8.0, 11.9), "wide": (0, 20), "significant": (10.5, 13),
    }  # fmt: skip
    frame = sweep({"k": list(ends)}, [13, 14, 5, 10, 10.2, 10.1, 11])
    frame = frame.assign(
        conf_low=[low for low, _ in ends.values()], conf_high=[high for _, high in ends.values()]
    )
    result = specification_curve(frame, null=10, smallest_effect=2)
    said = dict(zip(result.table["choice_k"], result.table["excludes"], strict=True))
    assert said == {
        "above": "above", "touches": "open", "below": "below", "inside": "negligible",
        "nearly inside": "open", "wide": "open", "significant": "open",
    }  # fmt: skip
    assert checks(result)["significant"] == pytest.approx(4 / 7)
    assert result.table["rank"].tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert result.table["estimate"].is_monotonic_increasing


def test_an_estimate_without_interval_excludes_nothing_and_says_so():
    frame = sweep({"a": ["x", "y"]}, [5.0, 6.0]).assign(conf_low=[np.nan, 4.0])
    result = specification_curve(frame)
    assert result.table["excludes"].tolist() == ["no_interval", "above"]
    assert claim(result, "fragile").fields["count"] == 1


def test_failed_suppressed_and_absent_specifications_are_listed_counted_and_have_no_number():
    frame = sweep({"a": ["x", "y", "z"], "b": ["p", "q"]}, [5, 6, 7, 8, 9, 10])
    frame = without(frame, ["p004", "p005"])
    frame.loc[frame["point"] == "p003", "flag"] = "suppressed"  # as an analysis flags it, number and all
    frame.loc[frame["point"] == "p002", "estimate"] = np.nan
    result = specification_curve(frame)
    last = result.table.iloc[2:]
    assert sorted(last["status"]) == ["absent", "failed", "failed", "suppressed"]
    assert last[["rank", "estimate", "conf_low", "conf_high", "n"]].isna().all(axis=None)
    assert (last["excludes"] == "").all()
    assert last.loc[last["status"] == "failed", "message"].tolist() == ["the model did not converge"] * 2
    assert dict(result.n_dropped) == {
        "specifications that failed": 2,
        "specifications on fewer than 10 customers": 1,
        "specifications without this number": 1,
    }
    assert result.n_used == 2
    unrun = specification_curve(without(two_by_two(), ["p003"], "unpublished"))
    assert dict(unrun.n_dropped) == {"specifications never run": 1}
    assert claims.sentence(claim(unrun, "missing"), Words("en")).startswith("One of 4 specifications has no")
    counted = checks(result)
    assert [counted[k] for k in ("specifications", "done", "failed", "suppressed", "absent")] == [
        6,
        2,
        2,
        1,
        1,
    ]
    options = result.tables["options"].set_index(["choice", "option"])
    assert options.loc[("b", "p"), ["points", "missing"]].tolist() == [1, 2]
    assert result.settings["fixed"] == {"a": "x"}
    assert "choice_a" in result.table  # it varies, if only among those without an estimate
    shown = masked(result)
    assert shown.table["point"].tolist() == result.table["point"].tolist()


def test_what_is_missing_is_claimed_with_the_option_it_shares():
    frame = without(sweep({"a": ["x", "y", "z"], "b": ["p", "q"]}, [5, 6, 7, 8, 9, 10]), ["p004", "p005"])
    result = specification_curve(frame)
    said = claim(result, "missing")
    assert (said.fields["choice"], said.fields["option"], said.fields["failed"]) == ("a", "z", 2)
    assert claims.sentence(said, Words("en")) == (
        "2 of 6 specifications have no estimate: 2 failed; in all of them “A” is “z”."
    )
    assert "specifications_missing" in claim(result, "robust").caveats
    scattered = without(frame, ["p001"], "suppressed")
    assert "choice" not in claim(specification_curve(scattered), "missing").fields


def test_the_spread_over_choices_stands_beside_the_error_of_one():
    wide = specification_curve(two_by_two())
    assert checks(wide)["spread"] == pytest.approx(np.sqrt(14), **EXACT)
    assert checks(wide)["spread_ratio"] == pytest.approx(np.sqrt(14), **EXACT)
    told = wide.tables["checks"].set_index("check")["advice"]
    assert "3.7 times the standard error" in told["spread_ratio"]
    narrow = specification_curve(sweep({"a": ["x", "y"]}, [5.0, 5.2], error=2.0))
    assert checks(narrow)["spread_ratio"] == pytest.approx(0.05)
    assert narrow.tables["checks"].set_index("check")["advice"]["spread_ratio"] == ""
    assert "less than the standard error" in claims.sentence(claim(narrow, "choice"), Words("en"))
    assert (claim(wide, "choice").headline, claim(narrow, "choice").headline) == (True, False)
    assert checks(wide)["same_sign"] == 0.75  # nothing is on no side


def test_without_standard_errors_those_of_the_intervals_are_taken():
    frame = two_by_two().assign(std_error=np.nan)
    given = specification_curve(frame, level=0.9)
    assert checks(given)["median_error"] == pytest.approx(2 / stats.norm.ppf(0.95), **EXACT)
    assert checks(specification_curve(frame.assign(std_error=[3.0, 3, 3, np.nan])))["median_error"] == 3.0
    blank = specification_curve(frame.assign(conf_low=np.nan, conf_high=np.nan))
    assert np.isnan(checks(blank)["spread_ratio"])


def test_shares_are_not_said_to_exclude_their_floor():
    frame = two_by_two().assign(unit="share", conf_low=[0.0, 0.1, 0.2, 0.3], conf_high=20.0)
    said = specification_curve(frame).claims[0]
    assert said.code == "sensitivity.range"
    assert "needs the smallest effect that would matter" in claims.sentence(said, Words("en"))
    assert specification_curve(frame, smallest_effect=0.05).claims[0].code == "sensitivity.fragile"
    differences = frame.assign(conf_low=[-0.1, 0.1, 0.2, 0.3])
    assert specification_curve(differences).claims[0].code == "sensitivity.fragile"


def test_the_card_of_a_sweep_is_a_count():
    printed = bundle(specification_curve(two_by_two(), smallest_effect=1.0), Words("en"), id="r")
    card = cards.card(printed["claims"][0], Words("en"))
    assert (card.number, card.unit) == ("2", "of 4")
    assert cards.card(printed["claims"][1], Words("en")).number == "+6.0"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("weighting", "raked", "por cuotas (raking)"),
        ("where", "", "todos"),
        ("anything", "", "ninguno"),
        ("outcome", "nps", "NPS"),
        ("level", "0.9", "0,9"),
        ("drop", "true", "sí"),
        ("controls", "region, plan", "Región, Plan"),
        ("drivers", "attr_*", "attr_*"),
        ("seed", "20261122", "20261122"),
    ],
)
def test_options_are_called_as_a_reader_would(name, value, said):
    assert claims_sensitivity.option(name, value, Words("es")).lower() == said.lower()


def test_the_declared_specification_is_told_with_its_place():
    result = specification_curve(two_by_two(), reference="p002")
    said = claim(result, "reference")
    assert (said.fields["rank"], said.fields["estimate"], said.fields["n"]) == (3, 4.0, 900)
    gone = specification_curve(without(two_by_two(), ["p002"]), reference="p002")
    assert "has no estimate (failed)" in claims.sentence(claim(gone, "reference"), Words("en"))
    assert claim(specification_curve(two_by_two()), "reference") is None


# --- claims -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("estimates", "smallest", "code", "side"),
    [
        ([5, 6, 7, 8], 2, "robust", "above"),
        ([-5, -6, -7, -8], 2, "robust", "below"),
        ([0, 0.1, 0.2, -0.1], 3, "robust", "negligible"),
        ([5, 6, 7, 2.1], 2, "fragile", "above"),
        ([-5, -6, -7, 0], 2, "fragile", "below"),
        ([0, 0.1, 0.2, 1.5], 3, "fragile", "negligible"),
        ([-5, 5, 6, 7], 2, "fragile", "above"),
        ([0.5, 1, -1, 1.5], 0, "none", None),
        ([0.5, 1, -1, 1.5], 2, "none", None),
    ],
)
@pytest.mark.parametrize("language", ["es", "en"])
def test_one_claim_says_how_the_finding_stands(estimates, smallest, code, side, language):
    options = {"a": ["x", "y"], "b": ["p", "q"]}
    result = specification_curve(sweep(options, estimates), smallest_effect=smallest, quantity="Lift")
    standing = [c for c in result.claims if c.code.split(".")[1] in ("robust", "fragile", "none")]
    assert [c.code for c in standing] == [f"sensitivity.{code}"]
    assert standing[0].grade == "D"
    assert standing[0].headline
    assert standing[0].fields.get("side") == side or side is None
    assert ("no_smallest_effect" in standing[0].caveats) == (smallest == 0)
    text = claims.sentence(standing[0], Words(language))
    assert "Lift" in text
    assert not re.search(r"[{}]|nan|None(?! of)", text)
    assert "Lift" in claims.short(standing[0], Words(language))


def test_the_side_decides_the_bound_and_small_bases_are_said():
    options = {"a": ["x", "y"], "b": ["p", "q"]}
    frame = sweep(options, [-5, -6, -7, -8], flag=["ok", "ok", "low_base", "ok"])
    said = specification_curve(frame, null=1, smallest_effect=3).claims[0]
    assert "wholly below −2 points" in claims.sentence(said, Words("en")).replace("\N{NO-BREAK SPACE}", " ")
    assert "low_base" in said.caveats
    above = specification_curve(sweep(options, [15, 16, 17, 18]), null=1, smallest_effect=3).claims[0]
    assert "wholly above 4 points" in claims.sentence(above, Words("en")).replace("\N{NO-BREAK SPACE}", " ")
    assert "low_base" not in above.caveats


def test_what_would_show_lies_beyond_the_smallest_effect():
    options = {"a": ["x", "y"]}
    reach = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)  # standard errors: four samples out of five
    for smallest in (0.0, 1.5):
        said = claim(specification_curve(sweep(options, [0.5, 1.0]), smallest_effect=smallest), "none")
        assert said.fields["detectable"] == pytest.approx(reach + smallest, rel=1e-9)


def test_what_turns_the_verdict_is_the_choice_that_alone_changes_it():
    # Only the weights decide whether anything is excluded; the other choice moves the estimate more.
    frame = sweep({"weights": ["no", "yes"], "rows": ["all", "some"]}, [1.9, 9.0, 2.1, 12.0])
    frame = frame.assign(conf_low=[-0.1, -0.5, 0.1, 0.5])
    result = specification_curve(frame)
    assert result.settings["choices"][0] == "rows"
    assert claim(result, "fragile").fields["choice"] == "weights"
    assert (claim(result, "fragile").fields["turned"], claim(result, "fragile").fields["compared"]) == (2, 2)
    text = claims.sentence(claim(result, "fragile"), Words("en"))
    assert "“Weights”: in 2 of 2 pairs of specifications" in text


def test_opposite_findings_are_said_as_such():
    result = specification_curve(sweep({"a": ["x", "y"], "b": ["p", "q"]}, [-5, -6, 6, 7]))
    assert (
        "the direction of the estimate depends"
        in claims.sentence(claim(result, "fragile"), Words("en")).lower()
    )
    assert claim(result, "fragile").fields["choice"] == "a"
    told = result.tables["choices"].set_index("choice")
    assert told["sign_changes"].to_dict() == {"a": 2, "b": 0}
    assert told["verdict_changes"].to_dict() == {"a": 2, "b": 0}
    # What is nothing on one side has no sign that could change.
    assert specification_curve(two_by_two()).tables["choices"]["sign_changes"].tolist() == [0, 0]


def test_of_pure_noise_robust_is_claimed_no_more_often_than_one_interval_errs():
    # 200 surveys of nothing, 16 specifications of each, correlated as those of one survey are.
    rng = np.random.default_rng(20261126)
    options = {"a": ["x", "y"], "b": ["p", "q"], "c": ["1", "2", "3", "4"]}
    robust = some = 0
    for _ in range(200):
        y = np.sqrt(0.8) * rng.normal() + np.sqrt(0.2) * rng.normal(size=16)
        half = stats.norm.ppf(0.975)
        frame = sweep(options, y).assign(conf_low=y - half, conf_high=y + half)
        result = specification_curve(frame)
        robust += claim(result, "robust") is not None
        some += claim(result, "none") is None
    assert robust <= 10  # 5 % of 200
    assert some > 20  # that some interval excludes nothing is far more frequent: it is told, not claimed


@pytest.mark.parametrize(
    ("language", "head", "cells"),
    [
        (
            "es",
            ["Elección", "De la varianza", "Cambio medio", "De", "A"],
            ["Lo que no aplica", "67,9 %", "6,0", "indicador", "filas completas"],
        ),
        (
            "en",
            ["Choice", "Of the variance", "Mean change", "From", "To"],
            ["What does not apply", "67.9%", "6.0", "indicator", "complete rows"],
        ),
    ],
)
def test_tables_call_choices_and_options_as_a_reader_does(language, head, cells):
    frame = two_by_two().rename(columns={"choice_missing": "choice_not_applicable"})
    frame["choice_not_applicable"] = frame["choice_not_applicable"].map(
        {"kept": "indicator", "out": "listwise"}
    )
    words = Words(language)
    printed = bundle(specification_curve(without(frame, ["p001"], "suppressed")), words, id="r")
    main = readable(printed, "main", words)
    assert {"Lo que no aplica", "What does not apply"} & {cell.text for cell in main.heads}
    assert {"indicador", "indicator"} & {cell.text for cell in main.rows[0].cells}
    table = readable(bundle(specification_curve(frame), words, id="r"), "choices", words)
    shown = dict(zip([h.text for h in table.heads], [c.text for c in table.rows[0].cells], strict=True))
    assert [shown[name].replace("\N{NO-BREAK SPACE}", " ") for name in head] == cells
    checks = readable(printed, "checks", words)
    said = {row.cells[0].text: row.cells[1].text for row in checks.rows}
    assert said[{"es": "especificaciones", "en": "specifications"}[language]] == "4"
    assert said[{"es": "están todas las combinaciones", "en": "every combination is there"}[language]] in (
        "no",
        "No",
    )
    together = readable(bundle(specification_curve(frame), words, id="r"), "interactions", words)
    assert " × " in together.rows[0].cells[0].text


def test_percentages_and_their_changes_keep_their_units_without_claims_too():
    frame = two_by_two().assign(unit="share")
    frame[["estimate", "conf_low", "conf_high"]] /= 100
    quiet = replace(specification_curve(frame), claims=())
    table = readable(bundle(quiet, Words("en"), id="r"), "choices", Words("en"))
    assert "6.0 p.p." in [c.text.replace("\N{NO-BREAK SPACE}", " ") for c in table.rows[0].cells]


# --- refusals ---------------------------------------------------------------------------------------------


def test_everything_wrong_is_told_at_once():
    frame = two_by_two().assign(point=["a", "a", "b", "c"], status=["done", "lost", "done", "done"])
    frame["choice_weights"] = frame["choice_weights"].mask(frame["point"] == "c")
    frame["estimate"] = [np.inf, 1.0, 2.0, 3.0]
    frame["conf_low"], frame["conf_high"] = [0, 0, 4, 0], [1, 1, 3, 1]
    with pytest.raises(AnalysisError, match="the specifications cannot be compared") as refused:
        specification_curve(frame, reference="z")
    told = str(refused.value)
    for part in (
        "column status: found lost",
        "column choice_weights: found no option",
        "column estimate: found what is no finite number",
        "column conf_low: found limits the wrong way round",
        "points repeated: a",
        "no point named z",
    ):
        assert part in told
    assert len(refused.value.problems) == 6


@pytest.mark.parametrize(
    ("frame", "found"),
    [
        (without(two_by_two(), ["p000", "p001", "p002"]), "specifications with an estimate: 1"),
        (two_by_two().drop(columns=["choice_missing", "choice_weights"]), "no choice that varies"),
        (two_by_two().assign(choice_missing="kept", choice_weights="none"), "no choice that varies"),
        (two_by_two().assign(choice_missing="kept"), "specifications alike in every choice: p002, p003"),
        (two_by_two().assign(unit=["points", "share", "points", "points"]), "units: points, share"),
        (two_by_two().assign(estimate=["1", "2", "x", "3"]), "what is no finite number"),
        (two_by_two().assign(unit="ratio"), "found null 0 of ratios"),
        (
            two_by_two().assign(**{f"choice_{k}": list("abcd") for k in range(13)}),
            "choices that vary: 15",
        ),
    ],
)
def test_sweeps_that_say_nothing_are_refused(frame, found):
    with pytest.raises(AnalysisError, match=re.escape(found)):
        specification_curve(frame)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"null": np.nan}, "null is nan; allowed: a finite number"),
        ({"smallest_effect": np.inf}, "smallest_effect is inf; allowed: a number, zero or more"),
        ({"smallest_effect": -1}, "smallest_effect is -1; allowed: a number, zero or more"),
        ({"level": 2}, "level is 2"),
    ],
)
def test_bounds_that_cannot_be_are_refused(asked, found):
    with pytest.raises(AnalysisError, match=re.escape(found)):
        specification_curve(two_by_two(), **asked)


def test_a_frame_without_its_columns_is_refused():
    with pytest.raises(AnalysisError, match="the table has no column point, status"):
        specification_curve(pd.DataFrame({"estimate": [1.0], "conf_low": [0.0], "conf_high": [2.0]}))


def test_inputs_are_not_changed():
    frame = without(two_by_two(), ["p001"])
    before = frame.copy(deep=True)
    specification_curve(frame, reference="p002")
    pd.testing.assert_frame_equal(frame, before)
