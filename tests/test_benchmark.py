"""Comparisons and leagues: against R NPS, csranks, R survey, simulation, and every refusal."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cxlab.analysis import benchmark
from cxlab.analysis.definitions import definition
from cxlab.analysis.estimates import as_one_family, masked
from cxlab.analysis.intervals import differences
from cxlab.analysis.survey import Group
from cxlab.errors import AnalysisError

REPLICATIONS = int(os.environ.get("CXLAB_REPLICATIONS", "200"))
ROW = [
    "peer",
    "difference",
    "std_error",
    "conf_low",
    "conf_high",
    "p_value",
    "p_adjusted",
    "p_equivalent",
    "family",
    "verdict",
    "n",
    "n_eff",
    "flag",
]
LEAGUE = [
    "unit", "estimate", "std_error", "conf_low", "conf_high",
    "rank", "rank_low", "rank_high", "n", "n_eff", "flag",
]  # fmt: skip
# PISA 2018, mathematics, eight of the 38 countries: estimate, error
PISA = {
    "Japan": (526.973, 2.471),
    "Korea": (525.933, 3.121),
    "Mexico": (408.801, 2.493),
    "Colombia": (390.932, 2.99),
}

quiet = settings(derandomize=True, max_examples=25, deadline=None)


def brands(**counts):
    """Detractors, passives and promoters of each brand as rows."""
    parts = [
        pd.DataFrame({"brand": name, "recommend": [0] * d + [8] * p + [10] * pro})
        for name, (d, p, pro) in counts.items()
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def real():
    if "CXLAB_REAL_DATA" not in os.environ:
        pytest.skip("CXLAB_REAL_DATA names no folder of real files")
    return Path(os.environ["CXLAB_REAL_DATA"])


@pytest.fixture(scope="module")
def airlines(real):
    table = pd.read_csv(real / "airline_ontime_by_carrier.csv").query("year == 2019")
    return table.assign(successes=table["arr_flights"] - table["arr_del15"], trials=table["arr_flights"])


# --- compare --------------------------------------------------------------------------------------


def test_two_samples_of_the_r_package():
    row = benchmark.compare(
        brands(us=(7, 6, 23), them=(9, 12, 15)), "nps", unit="brand", focal="us"
    ).table.iloc[0]
    assert row["difference"] == pytest.approx(100 * (16 / 36 - 6 / 36))
    assert (row["conf_low"] + row["conf_high"]) / 2 == pytest.approx(25.64103, abs=1e-4)
    assert (row["conf_low"], row["conf_high"]) == (
        pytest.approx(-9.72142, abs=1e-4),
        pytest.approx(61.00347, abs=1e-4),
    )
    assert row["p_value"] == pytest.approx(0.155272, abs=1e-6)
    assert row["verdict"] == "not distinguishable"


def test_contrasts_of_r_survey(real):
    folder = real.parent / "reference"
    if not (folder / "oracle.json").exists():
        pytest.skip("there is no reference folder beside the real files")
    table = pd.read_csv(folder / "cx_small.csv")
    oracle = json.loads((folder / "oracle.json").read_text())["wo"]["contrast"]
    rows = benchmark.compare(
        table, "nps", unit="brand", focal="client", columns="ltr", weights="weight"
    ).table
    assert rows["difference"].tolist() == pytest.approx(oracle["est"], rel=1e-9)
    assert rows["std_error"].tolist() == pytest.approx(oracle["se"], rel=1e-9)


@quiet
@given(st.tuples(*[st.tuples(*[st.integers(4, 40)] * 3)] * 2))
def test_turning_a_comparison_round_turns_its_sign(counts):
    table = brands(a=counts[0], b=counts[1])
    one = benchmark.compare(table, "nps", unit="brand", focal="a").table.iloc[0]
    other = benchmark.compare(table, "nps", unit="brand", focal="b").table.iloc[0]
    assert one["difference"] == pytest.approx(-other["difference"])
    assert one["conf_low"] == pytest.approx(-other["conf_high"])
    assert one["p_value"] == pytest.approx(other["p_value"])
    assert (one["p_value"] < 0.05) == (one["conf_low"] > 0 or one["conf_high"] < 0)


@pytest.mark.parametrize("metric", ["nps", "top_2_of_0_10", "mean"])
def test_interval_and_p_value_agree_for_every_family(metric):
    rng = np.random.default_rng(8)
    table = pd.DataFrame(
        {"brand": rng.integers(0, 30, 1500), "x": rng.integers(0, 11, 1500), "w": rng.lognormal(0, 0.5, 1500)}
    )
    for weights in (None, "w"):
        rows = benchmark.compare(
            table, metric, unit="brand", focal=0, columns="x", weights=weights, adjust="none"
        ).table
        outside = (rows["conf_low"] > 0) | (rows["conf_high"] < 0)
        assert (outside == (rows["p_value"] < 0.05)).all()


def test_a_comparison_has_constant_columns_and_leaves_its_input():
    table = brands(us=(10, 20, 70), near=(14, 20, 66), far=(60, 20, 20), few=(2, 2, 2))
    before = table.copy()
    result = benchmark.compare(table, "nps", unit="brand", focal="us")
    assert list(result.table.columns) == ROW
    assert result.estimate_column == "difference"
    assert result.table["peer"].tolist() == ["far", "few", "near"]
    assert result.table["verdict"].tolist() == ["above", "not distinguishable", "not distinguishable"]
    assert result.table["flag"].tolist() == ["ok", "suppressed", "ok"]
    assert np.isnan(result.table["p_value"].iloc[1])
    assert result.settings["family"] == 2
    assert result.tables["scores"]["brand"].tolist() == ["far", "few", "near", "us"]
    # One more goes with it: how many answered, less the others, would be its base.
    assert masked(result).table["difference"].isna().tolist() == [True, True, False]
    (claim,) = result.claims
    assert (claim.code, claim.fields["focal"], claim.fields["peer"]) == ("benchmark.ahead", "us", "far")
    assert claim.headline
    pd.testing.assert_frame_equal(table, before)


def test_behind_and_indistinguishable():
    behind = benchmark.compare(brands(us=(60, 20, 20), them=(10, 20, 70)), "nps", unit="brand", focal="us")
    assert [claim.code for claim in behind.claims] == ["benchmark.behind"]
    alike = benchmark.compare(brands(us=(20, 20, 60), them=(20, 22, 58)), "nps", unit="brand", focal="us")
    (claim,) = alike.claims
    assert claim.code == "benchmark.indistinguishable"
    assert claim.fields["peers"] == 1
    assert 20 < claim.fields["detectable"] < 45
    assert as_one_family(alike)[0].claims == alike.claims


def test_the_drill_down_finds_the_planted_cell_and_pays_for_looking_everywhere():
    rng = np.random.default_rng(11)
    rows = pd.DataFrame(
        {
            "brand": rng.choice(["us", "a", "b", "c"], 8000),
            "interaction": rng.choice(["sale", "bill", "complaint"], 8000),
            "channel": rng.choice(["app", "call_center"], 8000),
        }
    )
    cell = (rows["brand"] == "us") & (rows["interaction"] == "complaint") & (rows["channel"] == "call_center")
    promoter = rng.random(8000) < np.where(cell, 0.25, 0.5)
    rows["recommend"] = np.where(promoter, 10, rng.choice([0, 8], 8000))
    result = benchmark.compare(rows, "nps", unit="brand", focal="us", by=("interaction", "channel"))
    assert list(result.table.columns) == ["interaction", "channel", *ROW]
    assert len(result.table) == 18
    assert {claim.code for claim in result.claims} == {"benchmark.cell"}
    assert result.claims[0].fields["cell"] == "complaint x call_center"  # strongest first
    assert sum(claim.fields["cell"] == "complaint x call_center" for claim in result.claims) == 3  # all peers
    assert (result.table["p_adjusted"] >= result.table["p_value"]).all()
    false_discovery = benchmark.compare(
        rows, "nps", unit="brand", focal="us", by=("interaction", "channel"), adjust="bh"
    )
    assert (false_discovery.table["p_adjusted"] <= result.table["p_adjusted"] + 1e-12).all()


def test_cells_without_the_focal_unit_are_counted_as_dropped():
    table = brands(us=(5, 10, 20), them=(5, 10, 20)).assign(cell="a")
    alone = brands(them=(3, 3, 6)).assign(cell="b")
    both = pd.concat([table, alone, alone.assign(brand=None)], ignore_index=True)
    result = benchmark.compare(both, "nps", unit="brand", focal="us", by="cell")
    assert result.table["cell"].tolist() == ["a"]
    assert (result.n_used, result.n_dropped) == (
        70,
        {"brand missing": 12, "nothing to compare with": 12},
    )
    with pytest.raises(AnalysisError, match="'us' and a peer never answer in the same cell of cell x brand"):
        benchmark.compare(table.assign(cell=table["brand"]), "nps", unit="brand", focal="us", by="cell")


def test_several_modes_are_a_caveat():
    table = brands(us=(5, 10, 20), them=(20, 10, 5)).assign(mode=["web", "phone"] * 35)
    assert "benchmark_mode" in benchmark.compare(table, "nps", unit="brand", focal="us").claims[0].caveats


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"focal": "uss"}, "brand has no value 'uss'; the nearest is us, of 2 values"),
        ({"unit": "peer_id"}, "the table has no column peer_id"),
        ({"adjust": "tukey"}, "adjust is 'tukey'; it can be holm, bh or none"),
        ({"by": "brand"}, "by names brand; each column once, neither the unit nor"),
        ({"metric": "forrester_cx"}, "is proprietary and is not imitated"),
        ({"level": 1}, "level is 1"),
        ({"against": "rest"}, "against is 'rest'; it can be peers or total"),
        ({"margin": 0}, "margin is 0; allowed: a difference above zero"),
    ],
)
def test_comparisons_that_are_refused(asked, message):
    given = {"metric": "nps", "unit": "brand", "focal": "us"} | asked
    with pytest.raises(AnalysisError, match=message):
        benchmark.compare(brands(us=(5, 5, 5), them=(5, 5, 5)), given.pop("metric"), **given)


def test_a_comparison_needs_two_units():
    with pytest.raises(
        AnalysisError, match="needs two units or more; brand has 1: add the rows of the peers"
    ):
        benchmark.compare(brands(us=(5, 5, 5)), "nps", unit="brand", focal="us")


def test_two_that_differ_less_than_the_margin_are_equivalent():
    table = brands(us=(200, 300, 500), same=(205, 300, 495), far=(400, 300, 300), near=(20, 30, 50))
    result = benchmark.compare(table, "nps", unit="brand", focal="us", margin=15.0)
    rows = result.table.set_index("peer")
    assert rows["verdict"].to_dict() == {
        "far": "above", "near": "not distinguishable", "same": "equivalent within margin",
    }  # fmt: skip
    tests = result.tables["tests"]
    assert tests["family"].tolist() == ["headline"] * 3 + ["equivalence"] * 3
    assert rows["p_equivalent"].tolist() == tests["p_adjusted"].tolist()[3:]
    by_code = {claim.code: claim for claim in result.claims}
    assert set(by_code) == {"benchmark.ahead", "benchmark.equivalent"}
    fields = by_code["benchmark.equivalent"].fields
    assert (fields["peer"], fields["margin"], fields["level"]) == ("same", 15.0, pytest.approx(0.9))
    assert -15 < fields["conf_low"] < fields["conf_high"] < 15
    assert not by_code["benchmark.equivalent"].headline
    plain = benchmark.compare(table, "nps", unit="brand", focal="us").table
    assert plain["p_equivalent"].isna().all()
    assert set(plain["verdict"]) == {"above", "not distinguishable"}
    # a difference that stands but lies within what was declared not to matter is called equivalent
    wide = benchmark.compare(table, "nps", unit="brand", focal="us", margin=80.0)
    assert set(wide.table["verdict"]) == {"equivalent within margin"}
    assert {claim.code for claim in wide.claims} == {"benchmark.equivalent"}


def test_two_one_sided_tests_are_the_inner_interval():
    table = brands(us=(20, 30, 50), a=(25, 30, 45), b=(10, 30, 60), c=(30, 40, 30))
    for margin in (15.0, 25.0, 35.0):
        result = benchmark.compare(table, "nps", unit="brand", focal="us", margin=margin, adjust="none")
        inner = benchmark.compare(table, "nps", unit="brand", focal="us", level=0.9).table
        inside = (inner["conf_low"] > -margin) & (inner["conf_high"] < margin)
        assert (inside == (result.table["p_equivalent"] < 0.05)).all()


def test_the_client_against_the_total_shares_its_own_answers():
    table = brands(us=(20, 30, 50), a=(25, 30, 45), b=(60, 30, 60))
    total = benchmark.compare(table, "nps", unit="brand", focal="us", against="total")
    rest = table.assign(brand=table["brand"].where(table["brand"] == "us", "rest"))
    other = benchmark.compare(rest, "nps", unit="brand", focal="us").table.iloc[0]
    row = total.table.iloc[0]
    assert row["peer"] == "total"
    # less the total is the share of the others in it times less the others: also its error
    share = (table["brand"] != "us").mean()
    assert row["difference"] == pytest.approx(share * other["difference"])
    assert row["std_error"] == pytest.approx(share * other["std_error"], rel=0.02)
    assert row["p_value"] == pytest.approx(other["p_value"], rel=0.15)


def test_strata_and_clusters_give_the_contrast_of_r_survey():
    small = pd.read_csv(Path(__file__).parent / "published" / "cx_small.csv")
    design = {"weights": "weight", "strata": "region", "cluster": "store"}
    rows = benchmark.compare(small, "nps", unit="brand", focal="client", columns="ltr", **design).table
    assert rows["difference"].tolist() == pytest.approx([-11.441251376473, 2.834252318583], rel=1e-10)
    assert rows["std_error"].tolist() == pytest.approx([10.948355632333, 14.52272366138], rel=1e-10)
    cells = benchmark.cells(
        small, "nps", unit="brand", focal="client", columns="ltr", by=["channel"], **design
    )
    assert set(cells.table["family"]) == {"drill-down"}
    assert (rows["family"] == "headline").all()


def test_units_that_were_asked_otherwise_are_refused_unless_asked_for():
    table = brands(us=(10, 20, 40), them=(20, 20, 30))
    by_phone = table.assign(mode=np.where(table["brand"] == "us", "web", "phone"))
    with pytest.raises(AnalysisError, match="them has no answers with mode 'web', and others have"):
        benchmark.compare(by_phone, "nps", unit="brand", focal="us")
    forced = benchmark.compare(by_phone, "nps", unit="brand", focal="us", force_mixed_mode=True)
    assert "benchmark_mode" in forced.claims[0].caveats
    shorter = table.assign(recommend=table["recommend"].where(table["brand"] == "us", table.index % 5 + 1))
    with pytest.raises(AnalysisError, match="answers of them to recommend read as a scale from 1 to 5"):
        benchmark.compare(shorter, "nps", unit="brand", focal="us")
    shorter.attrs["scales"] = {"recommend": [0, 10]}
    assert len(benchmark.compare(shorter, "nps", unit="brand", focal="us").table) == 1


@pytest.mark.simulation
@pytest.mark.parametrize("counts", [(20, 20), (30, 300), (15, 1500)])
def test_equal_brands_are_told_apart_at_most_at_the_level(counts):
    """Extreme scores, where an unadjusted test is wrong 10 % of the time at 30 against 300."""
    rng = np.random.default_rng(20261122)
    wrong = 0
    for _ in range(0, REPLICATIONS, 50):  # 50 comparisons in the cells of one call
        rounds = np.repeat(np.arange(50), counts[0]), np.repeat(np.arange(50), counts[1])
        table = pd.DataFrame({
            "brand": np.repeat(["a", "b"], [len(r) for r in rounds]),
            "round": np.concatenate(rounds),
            "recommend": rng.choice([0, 8, 10], 50 * sum(counts), p=[0.03, 0.12, 0.85]),
        })  # fmt: skip
        rows = benchmark.compare(table, "nps", unit="brand", focal="a", by="round").table
        wrong += int((rows["p_value"] < 0.05).sum())
    assert wrong / REPLICATIONS <= 0.055 + 3 * np.sqrt(0.05 * 0.95 / REPLICATIONS)


@pytest.mark.simulation
def test_noise_is_not_called_a_difference():
    said = 0
    for seed in range(REPLICATIONS):
        rng = np.random.default_rng(seed)
        table = pd.DataFrame({"brand": rng.integers(0, 8, 800), "recommend": rng.choice([0, 8, 10], 800)})
        claims = benchmark.compare(table, "nps", unit="brand", focal=0).claims
        said += claims[0].code != "benchmark.indistinguishable"
    assert said / REPLICATIONS <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / REPLICATIONS)


class Apart:
    """What `differences` asks of the cells of two independent samples; gradients hold their errors."""

    simple = True

    def variance(self, gradient):
        return (gradient**2).sum(axis=1)

    def covariances(self, one, other):
        return np.zeros(len(one))


def every_sample(n, promoters, detractors):
    """All samples of `n` worth counting, as groups and with their probabilities."""
    counts = np.array([(p, d) for p in range(n + 1) for d in range(n + 1 - p)])
    full = np.column_stack([counts, n - counts.sum(axis=1)])
    chance = stats.multinomial.pmf(full, n, [promoters, detractors, 1 - promoters - detractors])
    p, d = counts[chance > 2e-8].T
    estimate, second = 100.0 * (p - d) / n, 1e4 * (p + d) / n
    error = np.sqrt((second - estimate**2) / (n - 1))
    return estimate, second, error, chance[chance > 2e-8]


def first_kind(n, m, promoters, detractors):
    """Exact chance of p < 0.05 between equal populations, and of interval and p-value contradicting."""
    one, other = every_sample(n, promoters, detractors), every_sample(m, promoters, detractors)
    take = np.divmod(np.arange(len(one[0]) * len(other[0])), len(other[0]))

    def group(sample, which, size, first):
        estimate, second, error, _ = (values[which] for values in sample)
        base, zero = np.full(len(which), float(size)), np.zeros(len(which))
        gradient = np.column_stack([error, zero] if first else [zero, error])
        bases = dict.fromkeys(("rows", "n", "kish", "taylor", "n_eff"), base)
        return Group(
            estimate=estimate, std_error=error, second=second, df=base + np.inf, finite=zero + 1,
            gradient=gradient, **bases,
        )  # fmt: skip

    found = differences(
        Apart(), group(one, take[0], n, True), group(other, take[1], m, False), definition("nps"), 0.95
    )
    chance = one[3][take[0]] * other[3][take[1]]
    outside = (found.conf_low > 0) | (found.conf_high < 0)
    return chance[found.p_value < 0.05].sum(), chance[outside != (found.p_value < 0.05)].sum()


@pytest.mark.parametrize(
    ("sizes", "population", "expected"),
    [
        ((20, 20), (0.5, 0.2), 0.0448),
        ((20, 20), (0.85, 0.03), 0.0076),
        ((20, 20), (0.45, 0.45), 0.0516),
        ((15, 150), (0.45, 0.45), 0.0538),
        ((15, 150), (0.5, 0.2), 0.0467),
        ((15, 150), (0.85, 0.03), 0.0382),
        ((30, 300), (0.85, 0.03), 0.0343),
        ((30, 300), (0.95, 0.01), 0.0235),
    ],
)
def test_the_error_of_the_first_kind_is_exactly(sizes, population, expected):
    """Enumerated; plain Wald has 6.5, 5.3, 6.3, 7.6, 7.9, 12.5, 9.8 and 21.7 % here."""
    wrong, contradicting = first_kind(*sizes, *population)
    assert wrong == pytest.approx(expected, abs=2e-4)
    assert wrong < 0.057
    assert contradicting == 0


def test_a_peer_as_a_known_constant_would_be_wrong_as_often_as_every_fifth_time():
    """What is avoided: our interval against the peer's score as it stands, both of 100."""
    estimate, second, _, chance = every_sample(100, 0.5, 0.2)
    error = np.sqrt((second - estimate**2) / 100)
    apart = np.abs(estimate[:, None] - estimate) > 1.96 * error[:, None]
    assert 0.16 < (np.outer(chance, chance) * apart).sum() < 0.22


# --- league ---------------------------------------------------------------------------------------


def test_rank_sets_of_csranks():
    pisa = pd.read_csv(Path(__file__).parent / "published" / "csranks_pisa2018_math.csv")
    sets = benchmark.rank_sets(pisa["x"], pisa["se"])
    assert (sets["rank"] == pisa["rank"]).all()
    assert ((sets["rank_low"] == pisa["Ls"]) & (sets["rank_high"] == pisa["Us"])).sum() >= 37
    marginal = benchmark.rank_sets(pisa["x"], pisa["se"], simultaneous=False)
    assert ((marginal["rank_low"] == pisa["Lm"]) & (marginal["rank_high"] == pisa["Um"])).sum() >= 36
    # who may be among the first five, and among the last
    assert (sets["rank_low"] <= 5).sum() == 12
    assert (sets["rank_high"] >= len(pisa) - 4).sum() == 7
    assert (marginal["rank_low"] >= sets["rank_low"]).all()
    assert (marginal["rank_high"] <= sets["rank_high"]).all()


def test_rank_sets_of_four_countries():
    x, se = zip(*PISA.values(), strict=True)
    sets = benchmark.rank_sets(pd.Series(x, index=list(PISA)), se)
    assert sets.loc["Japan"].tolist() == [1, 1, 2]
    assert sets.loc["Korea"].tolist() == [2, 1, 2]
    assert sets.loc["Mexico"].tolist() == [3, 3, 3]
    assert sets.loc["Colombia"].tolist() == [4, 4, 4]


@quiet
@given(st.lists(st.tuples(st.floats(-50, 50), st.floats(0.5, 20)), min_size=3, max_size=8), st.integers(0, 3))
def test_rank_sets_hold_the_rank_and_turn_round_with_the_sign(units, seed):
    x, se = np.array(units).T
    sets = benchmark.rank_sets(x, se, seed=seed)
    assert ((sets["rank_low"] >= 1) & (sets["rank_low"] <= sets["rank"])).all()
    assert ((sets["rank"] <= sets["rank_high"]) & (sets["rank_high"] <= len(x))).all()
    pd.testing.assert_frame_equal(sets, benchmark.rank_sets(x, se, seed=seed))


@pytest.mark.simulation
def test_joint_coverage_under_ties():
    rng = np.random.default_rng(20261122)
    whole = 0
    for seed in range(REPLICATIONS):
        sets = benchmark.rank_sets(rng.normal(size=8), np.ones(8), seed=seed)
        whole += bool(((sets["rank_low"] == 1) & (sets["rank_high"] == 8)).all())
    assert whole / REPLICATIONS >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / REPLICATIONS)


@pytest.mark.simulation
def test_joint_coverage_of_twelve_brands_in_three_tiers():
    """All true ranks at once, those of a tier being any place within it; errors as of 100 answers."""
    rng = np.random.default_rng(20261123)
    truth, first = np.repeat([20.0, 10.0, 0.0], 4), np.repeat([1, 5, 9], 4)
    whole = 0
    for seed in range(REPLICATIONS):
        sets = benchmark.rank_sets(truth + rng.normal(0, 7.8, 12), np.full(12, 7.8), seed=seed)
        whole += bool(((sets["rank_low"] <= first) & (sets["rank_high"] >= first + 3)).all())
    assert whole / REPLICATIONS >= 0.94


@pytest.mark.parametrize(
    ("x", "se", "message"),
    [
        ([1.0, 2.0], [1.0], "as many errors as estimates; found 2 and 1"),
        ([1.0, np.nan], [1.0, 1.0], "1 of 2 units have no estimate or no positive std_error"),
        ([1.0, 2.0], [0.0, 1.0], "1 of 2 units have no estimate or no positive std_error"),
        ([1.0, 2.0, 3.0], [1.0, np.nan, 1.0], "1 of 3 units have no estimate or no positive std_error"),
        (
            [1.0, 2.0],
            [1.0, 1.0],
            "2 units cannot be ranked, it takes 3; compare them with each other instead",
        ),
    ],
)
def test_rank_sets_that_are_refused(x, se, message):
    with pytest.raises(AnalysisError, match=message):
        benchmark.rank_sets(x, se)


def test_a_league_has_constant_columns_and_ranks_sufficient_bases_only():
    table = brands(low=(60, 20, 20), high=(5, 15, 80), middle=(25, 35, 40), few=(0, 0, 5), alike=(0, 0, 40))
    before = table.copy()
    result = benchmark.league(table, "nps", unit="brand", focal="middle")
    assert list(result.table.columns) == LEAGUE
    assert result.table["unit"].tolist() == ["alike", "high", "middle", "low", "few"]
    assert result.table["rank"].tolist()[:4] == [1, 2, 3, 4]
    assert result.table["rank"].isna().tolist() == [False] * 4 + [True]
    (claim,) = result.claims
    assert claim.code == "benchmark.rank"
    assert (claim.fields["focal"], claim.fields["rank_low"], claim.fields["rank_high"]) == ("middle", 3, 3)
    assert claim.fields["units"] == 4
    assert benchmark.league(table, "nps", unit="brand", focal="few").claims == ()
    assert benchmark.league(table, "nps", unit="brand").claims[0].fields["focal"] == "alike"
    pd.testing.assert_frame_equal(table, before)


def test_brands_that_cannot_be_told_apart_share_all_ranks():
    rng = np.random.default_rng(6)
    table = pd.DataFrame({"brand": rng.integers(0, 6, 600), "recommend": rng.choice([2, 8, 10], 600)})
    rows = benchmark.league(table, "nps", unit="brand").table
    assert (rows["rank_low"] == 1).all()
    assert (rows["rank_high"] == 6).all()
    assert rows["rank"].tolist() == [1, 2, 3, 4, 5, 6]


def test_a_league_of_means_where_everybody_answers_alike_still_ranks():
    table = pd.DataFrame(
        {"brand": np.repeat(["a", "b", "c"], 20), "score": [5] * 20 + [3, 4] * 10 + [1] * 20}
    )
    assert benchmark.league(table, "mean", unit="brand").table["rank"].tolist() == [1, 2, 3]


def test_a_league_needs_three_sufficient_units_and_a_known_focal_one():
    with pytest.raises(
        AnalysisError, match="only 2 values of brand have 10 answers or more; a league needs 3: compare"
    ):
        benchmark.league(brands(a=(5, 5, 5), b=(1, 1, 1), c=(9, 9, 9)), "nps", unit="brand")
    with pytest.raises(AnalysisError, match="brand has no value 'c'"):
        benchmark.league(brands(a=(5, 5, 5), b=(5, 5, 5)), "nps", unit="brand", focal="c")


def test_on_time_arrivals_of_carriers_in_december_2019(airlines):
    result = benchmark.league(airlines, "rate", unit="carrier")
    rates = result.table.set_index("unit")["estimate"] / 100
    expected = {"DL": 0.847, "AA": 0.816, "UA": 0.792, "WN": 0.790, "B6": 0.678}
    assert rates[list(expected)].to_dict() == pytest.approx(expected, abs=5e-4)
    last = result.table.iloc[-1]
    assert (last["unit"], last["rank_high"]) == ("B6", 17)
    # rows are airports: they differ far more than a binomial, and the error says so
    united = result.table.set_index("unit").loc["UA"]
    assert united["std_error"] > 5 * 100 * np.sqrt(0.792 * 0.208 / united["n"])
    compared = benchmark.compare(airlines, "rate", unit="carrier", focal="DL").table.set_index("peer")
    assert compared.loc["B6", "verdict"] == "above"
    assert compared.loc["NK", "verdict"] == "not distinguishable"
