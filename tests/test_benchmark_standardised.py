"""Equal mix: the worked example to the digits, R's svystandardize, identities, and what is refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxlab.analysis import benchmark
from cxlab.errors import AnalysisError

# age, respondents, NPS, detractors: a mix of .1 .1 .8 against one of .2 .6 .2
CLIENT = [("18-34", 100, 45, 9), ("35-54", 100, -5, 31), ("55+", 800, 35, 126)]
PEER = [("18-34", 200, 35, 30), ("35-54", 600, -14, 236), ("55+", 200, 28, 40)]
SMALL = Path(__file__).parent / "published" / "cx_small.csv"
# R survey 4.1.1: svystandardize(by=~channel, over=~brand, population=c(25, 25, 30, 20)), then svyby(~nps,
# ~brand), of svydesign(ids=~store, strata=~region, weights=~weight)
POPULATION = {"app": 0.25, "call_centre": 0.25, "store": 0.3, "web": 0.2}
R_STANDARDISED = {
    "client": (7.916117822121, 9.098865025937),
    "peer_a": (21.477270808918, 7.50593156772),
    "peer_b": (12.998586123695, 11.341976469094),
}


def side(brand, strata):
    """Rows of one brand with the given NPS in each stratum."""
    parts = []
    for age, n, nps, detractors in strata:
        promoters = detractors + nps * n // 100
        answers = [10] * promoters + [0] * detractors + [8] * (n - promoters - detractors)
        parts.append(pd.DataFrame({"brand": brand, "age": age, "recommend": answers}))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def example():
    return pd.concat([side("client", CLIENT), side("peer", PEER)], ignore_index=True)


def split(table, **asked):
    return benchmark.standardise(table, "nps", unit="brand", **{"focal": "client", "mix": "age"} | asked)


def test_the_worked_example_to_the_digits(example):
    before = example.copy()
    result = split(example)
    row = result.table.iloc[0]
    assert [round(row[c], 2) for c in ("crude", "mix", "difference", "std_error")] == [
        27.8,
        19.65,
        8.15,
        4.36,
    ]
    scores = result.tables["scores"]
    assert scores["unit"].tolist() == ["client", "peer"]
    assert scores["raw"].round(2).tolist() == [32.0, 4.2]
    assert scores["estimate"].round(2).tolist() == [22.5, 14.35]
    # bases are equal, so the pooled mix is the mean of the two
    assert split(example, to="pooled").table["difference"].round(2).tolist() == [8.15]
    (claim,) = result.claims
    assert claim.code == "benchmark.mix"
    assert claim.fields["estimate"] == pytest.approx(19.65)
    assert claim.fields["columns"] == ["age"]
    assert row["verdict"] == "not distinguishable"
    assert row["conf_low"] < 0 < row["conf_high"]
    pd.testing.assert_frame_equal(example, before)


def test_equal_to_svystandardize():
    small = pd.read_csv(SMALL)
    declared = pd.DataFrame({"variable": "channel", "category": POPULATION, "share": POPULATION})
    declared["category"] = declared.index
    result = split(
        small, mix="channel", to=declared, columns="ltr", weights="weight", strata="region", cluster="store"
    )
    scores = result.tables["scores"].drop_duplicates("unit").set_index("unit")
    for brand, (estimate, error) in R_STANDARDISED.items():
        assert scores.loc[brand, "estimate"] == pytest.approx(estimate, rel=1e-9)
        assert scores.loc[brand, "std_error"] == pytest.approx(error, rel=1e-9)
    wide = pd.DataFrame({"channel": list(POPULATION), "share": list(POPULATION.values())})
    again = split(
        small, mix="channel", to=wide, columns="ltr", weights="weight", strata="region", cluster="store"
    )
    pd.testing.assert_frame_equal(again.table, result.table)
    assert result.settings["to"] == "declared"


@pytest.mark.parametrize("to", ["average", "pooled", "focal"])
def test_errors_of_both_parts_are_those_of_the_influence_of_each_row(to):
    """Linearised by hand: how much each row moves a part when its weight grows a little."""
    rng = np.random.default_rng(7)
    table = pd.DataFrame({"brand": ["client"] * 12 + ["peer"] * 18, "age": (["a"] * 3 + ["b"] * 2) * 6})
    table = table.assign(w=rng.uniform(0.5, 3, 30), recommend=rng.choice([0, 8, 10], 30))
    result, step = split(table, to=to, weights="w"), 1e-6
    start = result.table[["mix", "difference"]].to_numpy(dtype=float)[0]
    influence = np.zeros((30, 2))
    for row in table.index:
        moved = table.assign(w=table["w"].where(table.index != row, table["w"] * (1 + step)))
        found = split(moved, to=to, weights="w").table[["mix", "difference"]].to_numpy(dtype=float)[0]
        influence[row] = (found - start) / step
    by_hand = np.sqrt(30 / 29 * (influence**2).sum(axis=0))
    mine = [result.tables["tests"]["std_error"].iloc[0], result.table["std_error"].iloc[0]]
    np.testing.assert_allclose(mine, by_hand, rtol=1e-4)


def test_the_parts_add_up_and_turn_round(example):
    more = pd.concat(
        [example, side("third", [("18-34", 40, 0, 10), ("35-54", 30, 10, 3), ("55+", 40, 25, 8)])]
    )
    for to in ("average", "pooled", "focal"):
        rows = split(more, to=to).table
        assert rows["peer"].tolist() == ["peer", "third"]
        np.testing.assert_allclose(rows["mix"] + rows["difference"], rows["crude"])
        assert (rows["p_adjusted"] >= rows["p_value"]).all()
    one = split(example).table.iloc[0]
    other = split(example, focal="peer").table.iloc[0]
    assert other["mix"] == pytest.approx(-one["mix"])
    assert other["difference"] == pytest.approx(-one["difference"])
    assert other["conf_low"] == pytest.approx(-one["conf_high"])


def test_one_mix_for_all_leaves_nothing_to_the_mix():
    same = [("18-34", 60, 50, 6), ("35-54", 40, 0, 12)]
    table = pd.concat([side("client", same), side("peer", [("18-34", 60, 20, 12), ("35-54", 40, 20, 6)])])
    result = split(table)
    assert result.table["mix"].abs().max() < 1e-12
    (claim,) = result.claims
    assert claim.code == "benchmark.mix_alike"
    assert claim.fields["detectable"] > 0


def test_small_peers_are_left_out_and_their_count_is_not_told(example):
    few = side("few", [("18-34", 5, 20, 1), ("55+", 4, 0, 1)])
    result = split(pd.concat([example, few], ignore_index=True))
    assert result.table["peer"].tolist() == ["peer"]
    # Nor by subtraction: how many there are in all stands elsewhere in the report.
    assert (result.n_dropped, result.n_used) == ({}, 2009)
    assert split(example, mix=[]).table.empty


def shares(**given):
    return pd.DataFrame({"age": list(given), "share": list(given.values())})


@pytest.mark.parametrize(
    ("change", "asked", "message"),
    [
        (lambda t: t[(t["brand"] != "peer") | (t["age"] != "55+")], {}, "has fewer than 2 answers in 1 of 3"),
        (lambda t: t, {"to": "total"}, "to is 'total'; it can be average, pooled, focal"),
        (lambda t: t, {"mix": "brand"}, "by names brand; each column once"),
        (lambda t: t, {"mix": ["age", "age"]}, "by names age, age; each column once"),
        (lambda t: t, {"mix": "tenure"}, "the table has no column tenure"),
        (lambda t: t, {"to": pd.DataFrame({"age": ["18-34"]})}, "the table has no column share"),
        (lambda t: t, {"to": shares(**{"18-34": 0.5, "35-54": 0.5})}, "differ in 1, the first 55"),
        (lambda t: t, {"to": shares(**{"18-34": 0.5, "35-54": 0.3, "55+": 0.3})}, "sum to 1.1; they must"),
        (lambda t: t, {"to": shares(**{"18-34": 1.5, "35-54": -0.8, "55+": 0.3})}, "one number for"),
        (lambda t: t[t["brand"] != "peer"], {}, "needs two units or more; brand has 1"),
        (lambda t: t.groupby("brand").head(9), {}, "'client' and a peer need 10 answers or more each"),
    ],
)  # fmt: skip
def test_mixes_that_are_refused(example, change, asked, message):
    with pytest.raises(AnalysisError, match=message.replace("+", r"\+")):
        split(change(example), **asked)
