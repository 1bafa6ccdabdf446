"""Who could rate what: by hand, against importance, what is kept back, what is said."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cxlab.analysis.drivers import base_map, importance
from cxlab.analysis.estimates import masked
from cxlab.errors import AnalysisError
from cxlab.reporting import claims
from cxlab.reporting.words import Words

DRIVERS = ["ease", "shop", "call"]


def answers():
    """100 people: all rate ease, 40 the shop, 30 the call centre, 20 both."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.integers(1, 8, (100, 3)), columns=DRIVERS).astype(float)
    table.loc[40:, "shop"] = np.nan
    table["call"] = table["call"].where((table.index >= 20) & (table.index < 50))
    return table.assign(sat=rng.normal(size=100), w=np.where(table.index < 50, 2.0, 1.0))


def test_shares_of_drivers_pairs_and_patterns_by_hand():
    found = base_map(answers(), DRIVERS)
    assert found.table[["driver", "rated", "n"]].to_numpy().tolist() == [
        ["ease", 1.0, 100], ["shop", 0.4, 40], ["call", 0.3, 30],
    ]  # fmt: skip
    pairs = found.tables["pairs"].set_index(["driver", "other"])
    assert pairs["n"].to_dict() == {("ease", "shop"): 40, ("ease", "call"): 30, ("shop", "call"): 20}
    assert pairs["rated"].to_numpy() == pytest.approx([0.4, 0.3, 0.2])
    assert found.complete == 0.2
    assert found.tables["patterns"][["not_rated", "n"]].to_numpy().tolist() == [
        [("shop", "call"), 50], [("call",), 20], [(), 20], [("shop",), 10],
    ]  # fmt: skip


def test_weighted_shares_by_hand_and_as_importance_has_them():
    table = answers()
    found = base_map(table, DRIVERS, outcome="sat", weights="w")
    # 50 people weigh 2 and 50 weigh 1: the shop is 40 x 2 of 150.
    assert found.table["rated"].to_numpy() == pytest.approx([1.0, 80 / 150, 60 / 150])
    assert found.complete == pytest.approx(40 / 150)
    rows = importance(table, "sat", DRIVERS, weights="w", resamples=0).table.set_index("driver")
    own = found.table.set_index("driver")
    for column in ("rated", "mean", "n", "n_eff"):
        assert own[column].to_numpy() == pytest.approx(rows.loc[own.index, column].to_numpy())
    checks = importance(table, "sat", DRIVERS, weights="w", resamples=0).tables["checks"].set_index("check")
    assert checks.loc["complete_rows", "value"] == pytest.approx(found.complete)
    both = found.tables["pairs"].set_index(["driver", "other"]).loc[("ease", "shop")]
    assert both["n_eff"] == pytest.approx(40)


def test_who_did_not_rate_is_compared_with_who_did_as_welch_has_it():
    table = answers()
    table["sat"] += 3.0 * table["shop"].isna()
    found = base_map(table, DRIVERS, outcome="sat")
    apart = found.tables["apart"].set_index("driver")
    assert apart["n"].to_dict() == {"shop": 60, "call": 70}
    for driver in apart.index:
        gone = table[driver].isna()
        told = stats.ttest_ind(table.loc[gone, "sat"], table.loc[~gone, "sat"], equal_var=False)
        ends = told.confidence_interval(0.95)
        row = apart.loc[driver]
        assert row["p_value"] == pytest.approx(told.pvalue)
        assert (row["gap_low"], row["gap_high"]) == (pytest.approx(ends.low), pytest.approx(ends.high))
        assert row["outcome_not"] - row["outcome_rated"] == pytest.approx(row["gap"])
    claim = found.claims[-1]
    assert (claim.code, claim.fields["driver"]) == ("drivers.unrated_apart", "shop")
    assert claim.fields["unrated"] == pytest.approx(table.loc[40:, "sat"].mean())
    weighted = base_map(table.assign(w=2.0), DRIVERS, outcome="sat", weights="w").tables["apart"]
    pd.testing.assert_frame_equal(weighted, found.tables["apart"])


def test_who_did_not_rate_is_told_apart_neither_by_noise_nor_by_a_few():
    told = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        table = answers().assign(sat=rng.normal(size=100))
        told += any("apart" in claim.code for claim in base_map(table, DRIVERS, outcome="sat").claims)
    assert told <= 18  # 5 % of 200, and three standard errors
    few = answers().assign(ease=1.0 * np.arange(100), sat=1.0 * (np.arange(100) >= 95))
    few.loc[95:, ["ease", "shop"]] = [np.nan, 3.0]
    found = masked(base_map(few, ["ease", "shop"], outcome="sat"))
    hidden = found.tables["apart"].set_index("driver").loc["ease"]
    assert hidden["flag"] == "suppressed"
    assert hidden[["outcome_rated", "outcome_not", "gap", "p_value"]].isna().all()
    assert "ease" not in {claim.fields.get("driver") for claim in found.claims if "apart" in claim.code}
    assert base_map(few.assign(sat="a"), ["ease", "shop"], outcome="sat").tables["apart"].empty


def test_rows_are_those_of_importance():
    table = answers()
    table.loc[:4, "sat"] = np.nan
    table.loc[90:, DRIVERS] = np.nan
    found = base_map(table, DRIVERS, outcome="sat")
    expected = importance(table, "sat", DRIVERS, min_rated=20, resamples=0)
    assert found.n_used == expected.n_used == 85
    assert dict(found.n_dropped) == dict(expected.n_dropped) == {"sat missing": 5, "no driver rated": 10}


def test_few_people_are_kept_back_also_from_subtraction():
    table = answers()
    table.loc[range(45, 50), "call"] = np.nan  # five rated ease and call only
    patterns = base_map(table, DRIVERS).tables["patterns"]
    # Alone, the five would follow from the others; they stand with the least of those.
    assert patterns[["not_rated", "n"]].to_numpy().tolist() == [
        [("shop", "call"), 55], [("call",), 20], [None, 25],
    ]  # fmt: skip
    assert patterns["part"].sum() == pytest.approx(1)
    small = table.assign(call=table["call"].where(table.index < 24))
    found = masked(base_map(small, DRIVERS))
    assert np.isnan(found.complete)
    pairs = found.tables["pairs"].set_index(["driver", "other"])
    assert pairs.loc[("shop", "call"), ["rated", "n"]].isna().all()
    assert [c.code for c in found.claims] == ["drivers.few_rated_all"]
    nobody = table.assign(call=table["call"].where(table.index >= 40))
    pairs = masked(base_map(nobody, DRIVERS)).tables["pairs"].set_index(["driver", "other"])
    assert pairs.loc[("shop", "call"), "n"] == 0


def test_reasons_are_those_of_the_codebook():
    counted = [("shop", "not_applicable", 45), ("shop", "refused", 15), ("call", "not_asked", 70)]
    reasons = pd.DataFrame(counted, columns=["column", "reason", "n"])
    told = base_map(answers(), DRIVERS, reasons=reasons).tables["unrated"].set_index("driver")
    assert told.loc["shop", ["not_applicable", "refused"]].tolist() == [0.45, 0.15]
    assert told.loc["call", "not_asked"] == 0.7
    assert base_map(answers(), DRIVERS).tables["unrated"].empty


def test_what_is_said_of_listwise_deletion():
    found = base_map(answers(), DRIVERS)
    said = claims.sentence(found.claims[0], Words("es")).replace("\N{NO-BREAK SPACE}", " ")
    assert said == (
        "El 20 % evaluó los 3 atributos (intervalo de 95 %: 13 a 29 %; n = 100): a un análisis de filas "
        "completas le quedarían solo ellos; «Call» fue evaluado por 30 %."
    )
    low, high = found.claims[0].fields["conf_low"], found.claims[0].fields["conf_high"]
    assert (low, high) == pytest.approx((0.1334, 0.2888), abs=1e-4)  # Wilson, 20 of 100
    everybody = base_map(answers()[["ease", "sat"]].assign(b=1.0 * np.arange(100)), ["ease", "b"])
    assert [c.code for c in everybody.claims] == ["drivers.all_rated"]
    assert everybody.complete == 1


def test_problems_are_told_at_once():
    table = answers().assign(ease="x", w=-1.0)
    with pytest.raises(AnalysisError) as caught:
        base_map(table, ["ease", "shop", "zeal"], outcome="shop", weights="w")
    assert sorted(p.column for p in caught.value.problems) == ["ease", "shop", "w", "zeal"]
    with pytest.raises(AnalysisError, match="no row is left to analyse: no driver rated 100"):
        base_map(answers().assign(shop=np.nan, call=np.nan), ["shop", "call"])


def test_an_outcome_is_read_as_importance_reads_it():
    table = answers()
    with pytest.raises(AnalysisError, match="column sat: found an infinite value"):
        base_map(table.assign(sat=np.inf), DRIVERS, outcome="sat")
    yes = base_map(table.assign(sat=table["sat"] > table["sat"].median()), DRIVERS, outcome="sat")
    number = base_map(
        table.assign(sat=(table["sat"] > table["sat"].median()).astype(int)), DRIVERS, outcome="sat"
    )
    pd.testing.assert_frame_equal(yes.tables["apart"], number.tables["apart"])
