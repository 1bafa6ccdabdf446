"""Who is still here, given covariates: Efron's baseline with entry and strata, and what is refused."""

import lifelines
import lifelines.datasets
import numpy as np
import pandas as pd
import pytest

from cxlab.analysis.survival import hazards
from cxlab.errors import AnalysisError


def staggered(n=20_000, seed=0):
    """Monthly durations seen from a late entry on; hazard 3 % a month, doubled by a monthly contract."""
    rng = np.random.default_rng(seed)
    monthly = rng.random(n) < 0.5
    left = np.ceil(rng.exponential(1 / (0.03 * np.where(monthly, 2.0, 1.0))))
    entry = np.floor(rng.uniform(0, 30, n))
    end = entry + 12
    table = pd.DataFrame({
        "months": np.minimum(left, end), "left": (left <= end).astype(int), "entry": entry,
        "contract": np.where(monthly, "monthly", "yearly"), "region": rng.choice(["north", "south"], n),
    })  # fmt: skip
    return table[table["entry"] < table["months"]].reset_index(drop=True)


def efron_by_hand(table, tilt, stratum):
    """Sum over the departures of a month of 1 / (risk set less a growing share of the departures)."""
    steps = {}
    for month in sorted(table.loc[(table["left"] == 1) & stratum, "months"].unique()):
        here = stratum & (table["entry"] < month) & (table["months"] >= month)
        gone = here & (table["months"] == month) & (table["left"] == 1)
        d = int(gone.sum())
        steps[month] = sum(1 / (tilt[here].sum() - k / d * tilt[gone].sum()) for k in range(d))
    return pd.Series(steps).cumsum()


def test_the_baseline_is_efrons_with_entry_and_strata():
    table = staggered(1500)
    result = hazards(table, "months", "left", ["contract"], entry="entry", strata=["region"])
    beta = result.table["estimate"].iloc[0]
    x = (table["contract"] != result.settings["references"]["contract"]).astype(float)
    rows = result.tables["baseline"]
    for region, base in rows.groupby("region"):
        by_hand = efron_by_hand(table, np.exp(beta * (x - x.mean())), table["region"] == region)
        assert base.set_index("time")["cumulative_hazard"].to_numpy() == pytest.approx(
            by_hand.to_numpy(), rel=1e-9
        )
    one = result.survival(table.iloc[[0]], [24])
    base = rows[(rows["region"] == table.loc[0, "region"]) & (rows["time"] <= 24)].iloc[-1]
    tilt = np.exp(beta * (x[0] - x.mean()))
    assert one.loc[0, 24] == pytest.approx(np.exp(-base["cumulative_hazard"] * tilt), rel=1e-12)


def test_late_entry_is_honoured_where_lifelines_ignores_it():
    table = staggered()
    who = pd.DataFrame({"contract": ["monthly", "yearly"]})
    ours = hazards(table, "months", "left", ["contract"], entry="entry").survival(who, [24])[24]
    truth = np.exp(-24 * 0.03 * np.array([2.0, 1.0]))
    assert ours.to_numpy() == pytest.approx(truth, abs=0.025)
    coded = table.assign(monthly=(table["contract"] == "monthly").astype(float))
    theirs = lifelines.CoxPHFitter().fit(
        coded[["months", "left", "entry", "monthly"]], "months", "left", entry_col="entry"
    )
    late = theirs.predict_survival_function(pd.DataFrame({"monthly": [1.0, 0.0]}), [24]).iloc[0]
    assert late.iloc[0] > truth[0] + 0.05


def test_ties_are_efrons_and_the_untied_baseline_is_lifelines():
    rng = np.random.default_rng(1)
    x = rng.normal(size=400)
    left = rng.exponential(10 * np.exp(-0.5 * x))
    table = pd.DataFrame({"t": np.minimum(left, 20), "d": (left < 20).astype(int), "x": x})
    ours = hazards(table, "t", "d", ["x"]).tables["baseline"]
    theirs = lifelines.CoxPHFitter().fit(table, "t", "d").baseline_cumulative_hazard_.iloc[:, 0]
    assert ours["cumulative_hazard"].to_numpy() == pytest.approx(
        theirs.loc[ours["time"]].to_numpy(), rel=1e-4
    )
    tied = table.assign(t=np.ceil(table["t"] / 4))
    ours = hazards(tied, "t", "d", ["x"]).tables["baseline"].set_index("time")["cumulative_hazard"]
    theirs = lifelines.CoxPHFitter().fit(tied, "t", "d").baseline_cumulative_hazard_.iloc[:, 0]
    assert ours.loc[4] > 1.02 * theirs.loc[4]  # theirs is Breslow's


def test_weights_that_are_equal_change_nothing():
    table = staggered(2000)
    plain = hazards(table, "months", "left", ["contract"], entry="entry").tables["baseline"]
    same = hazards(table.assign(w=3.0), "months", "left", ["contract"], entry="entry", weights="w")
    pd.testing.assert_frame_equal(plain, same.tables["baseline"])


def test_what_is_conditional_what_is_one_and_what_is_not_known():
    table = staggered(3000)
    result = hazards(table, "months", "left", ["contract"], entry="entry")
    who = pd.DataFrame({"contract": ["monthly", "yearly"], "so_far": [6.0, 12.0]}, index=["a", "b"])
    whole = result.survival(who, [0, 6, 12, 18, 30, 99])
    assert whole.index.tolist() == ["a", "b"]
    assert whole[0].tolist() == [1, 1]
    assert (whole.drop(columns=99).diff(axis=1).iloc[:, 1:] < 0).all(axis=None)
    given = result.survival(who, [6, 12, 30], since="so_far")
    assert given.loc["a", 6] == given.loc["b", 6] == given.loc["b", 12] == 1
    assert given.loc["b", 30] == pytest.approx(whole.loc["b", 30] / whole.loc["b", 12])
    later = result.ahead(who, [0, 6, 18], since="so_far")
    assert later[0].tolist() == [1, 1]
    assert later.loc["a", 6] == pytest.approx(whole.loc["a", 12] / whole.loc["a", 6])
    assert later.loc["b", 18] == pytest.approx(given.loc["b", 30])
    # Nobody was observed after the last month: nothing is said of it.
    assert whole[99].isna().all()
    assert result.ahead(who, [90], since="so_far").isna().all(axis=None)


def test_blanks_unseen_levels_and_other_tables_are_refused():
    table = staggered(1000)
    table["x"] = np.random.default_rng(0).normal(size=len(table))
    result = hazards(table, "months", "left", ["contract", "x"], strata=["region"])

    def refused(match, **changed):
        who = table.head(5).assign(so_far=3.0, **changed)
        with pytest.raises(AnalysisError, match=match):
            result.survival(who, [12], since="so_far")

    contract = table["contract"].head(5)
    refused(
        r"row 2, column contract: found a level the model has not seen \(prepaid\); allowed: \w+ly, \w+ly. "
        "merge it with a known level",
        contract=contract.where(contract.index != 1, "prepaid"),
    )
    refused(
        r"row 3, column contract: found a blank.*nobody is given the average in silence",
        contract=contract.where(contract.index != 2, None),
    )
    refused(r"row 1, column x: found a blank", x=np.nan)
    refused(r"column x: found text or categories", x="high")
    refused(r"found a stratum the model has not seen \(east\) \(5 rows\); allowed: north", region="east")
    refused(r"column region: found a blank", region=None)
    with pytest.raises(AnalysisError, match=r"column so_far: found no time \('-1'\)"):
        result.survival(table.head(3).assign(so_far=-1), [12], since="so_far")
    with pytest.raises(AnalysisError, match="the table has no column contract, x"):
        result.survival(table[["region"]], [12])
    with pytest.raises(AnalysisError, match=r"times are \[-1\]; give times of zero or more"):
        result.survival(table, [-1])
