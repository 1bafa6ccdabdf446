"""Designs of samples: every number of R's survey package (4.1, fpc, strata, clusters, raking), and refusals.

`published/cx_small.csv` is made up (451 answers, 18 stores, 3 strata); `cx_small_r.json` is what R says.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cxlab.analysis import columns, metrics
from cxlab.analysis.sampling import design_of
from cxlab.analysis.survey import cells, partition
from cxlab.errors import AnalysisError

PUBLISHED = Path(__file__).parent / "published"
R = 1e-9  # R prints 13 digits
TABLE = pd.read_csv(PUBLISHED / "cx_small.csv")
ORACLE = json.loads((PUBLISHED / "cx_small_r.json").read_text())
CLUSTERS = {"weights": "weight", "strata": "region", "cluster": "store"}
STORES = {"north": 60, "south": 120, "islands": 20}
DESIGNS = {
    "des": {**CLUSTERS, "population": "n_stores"},
    "nofpc": CLUSTERS,
    "wo": {"weights": "weight"},
    "srs": {},
}
TARGETS = pd.DataFrame(
    [
        ("sex", "F", 0.5),
        ("sex", "M", 0.5),
        ("age", "18-34", 0.28),
        ("age", "35-54", 0.36),
        ("age", "55+", 0.36),
    ],
    columns=["variable", "category", "share"],
)


def close(found, wanted):
    assert np.asarray(found, dtype=float) == pytest.approx(np.asarray(wanted, dtype=float), rel=R)


def reduced(metric, column, design, by=()):
    given = metrics.contribution(TABLE, metric, columns=column).to_numpy()
    parts = partition(TABLE, by)
    options = {"weights": None, "strata": None, "cluster": None, **design}
    return cells(given, np.ones(len(given)), design_of(TABLE, **options), parts.codes, len(parts.keys))


@pytest.mark.parametrize("name", DESIGNS)
def test_scores_by_brand(name):
    oracle, design = ORACLE[name], DESIGNS[name]
    result = metrics.score(TABLE, "nps", columns="ltr", by="brand", **design)
    whole = result.tables["overall"].iloc[0]
    close([whole["estimate"], whole["std_error"]], [oracle["nps"], oracle["nps_se"]])
    assert result.table["brand"].tolist() == oracle["by_brand"]["level"]
    close(result.table["estimate"], oracle["by_brand"]["est"])
    close(result.table["std_error"], oracle["by_brand"]["se"])
    for metric, value, scale in (("csat_t2b_5", "t2b", 100), ("mean", "csat", 1)):
        row = metrics.score(TABLE, metric, columns="csat", **design).table.iloc[0]
        close([row["estimate"], row["std_error"]], [scale * oracle[value], scale * oracle[f"{value}_se"]])


@pytest.mark.parametrize("name", DESIGNS)
def test_covariances_contrasts_and_degrees_of_freedom(name):
    oracle, sums = ORACLE[name], reduced("nps", "ltr", DESIGNS[name], ["brand"])
    brands = sums.groups(np.eye(3))
    found = brands.gradient @ sums.covariance @ brands.gradient.T
    assert found == pytest.approx(np.array(oracle["by_brand"]["vcov"]), rel=R, abs=1e-9)
    contrast = np.array([[1, -1, 0], [1, 0, -1]])
    close(contrast @ brands.estimate, oracle["contrast"]["est"])
    close(np.sqrt(sums.variance(contrast @ brands.gradient)), oracle["contrast"]["se"])
    assert sums.design_df == oracle["df"]
    half = stats.t.ppf(0.975, sums.design_df) * oracle["nps_se"]
    close([oracle["nps"] - half, oracle["nps"] + half], oracle["ci_t"])


@pytest.mark.parametrize("name", DESIGNS)
def test_design_effects(name):
    """R's reference is drawing without replacement from sum(w) people; ours is with replacement."""
    sums = reduced("nps", "ltr", DESIGNS[name])
    whole = sums.groups(np.ones((1, 1)))
    people = TABLE["weight"].sum() if "weights" in DESIGNS[name] else len(TABLE)
    if people == len(TABLE):
        assert ORACLE[name]["deff"] == "Inf"
        return
    taylor = whole.finite[0] * 451 / whole.taylor[0]
    if name == "des":  # Taylor's size is that of the sample, the population set aside
        taylor = sums.variance(whole.gradient)[0] / ((whole.second[0] - whole.estimate[0] ** 2) / 450)
    close(taylor / (1 - 451 / people), ORACLE[name]["deff"])


@pytest.mark.parametrize("name", DESIGNS)
def test_the_four_intervals_of_a_share(name):
    """R's intervals of a share (mean, logit, arc sine, Korn-Graubard) from our estimate, error and df."""
    oracle, sums = ORACLE[name], reduced("csat_t2b_5", "csat", DESIGNS[name])
    whole = sums.groups(np.ones((1, 1)))
    p, error, df = whole.estimate[0] / 100, whole.std_error[0] / 100, sums.design_df
    q = stats.t.ppf(0.975, df)
    close([p - q * error, p + q * error], oracle["t2b_ci"]["mean"])
    logit = np.log(p / (1 - p)) + np.array([-q, q]) * error / (p * (1 - p))
    close(1 / (1 + np.exp(-logit)), oracle["t2b_ci"]["logit"])
    arc = np.arcsin(np.sqrt(p)) + np.array([-q, q]) * error / (2 * np.sqrt(p * (1 - p)))
    close(np.sin(arc) ** 2, oracle["t2b_ci"]["asin"])
    n = p * (1 - p) / error**2 * (stats.t.ppf(0.025, 450) / stats.t.ppf(0.025, df)) ** 2
    beta = stats.beta.ppf([0.025, 0.975], [n * p, n * p + 1], [n * (1 - p) + 1, n * (1 - p)])
    close(beta, oracle["t2b_ci"]["beta"])


def test_the_difference_of_a_segment_from_the_rest():
    oracle = ORACLE["ttest_client_vs_rest"]
    tests = metrics.score(TABLE, "nps", columns="ltr", by="brand", **CLUSTERS).tables["tests"]
    client = tests.set_index("brand").loc["client"]
    close([client["difference"], client["difference"] / client["std_error"]], [oracle["diff"], oracle["t"]])
    assert client["p_value"] == pytest.approx(oracle["p"], abs=0.01)  # ours is of the adjusted difference


def test_a_mapping_is_the_column_and_a_number_the_whole():
    column = metrics.score(TABLE, "nps", columns="ltr", **CLUSTERS, population="n_stores")
    mapping = metrics.score(TABLE, "nps", columns="ltr", **CLUSTERS, population=STORES)
    pd.testing.assert_frame_equal(column.table, mapping.table)
    plain, part = (
        metrics.score(TABLE, "nps", columns="ltr", population=n).table.iloc[0] for n in (None, 902)
    )
    assert part["std_error"] == pytest.approx(plain["std_error"] / np.sqrt(2))
    assert part["conf_high"] - part["conf_low"] < 0.72 * (plain["conf_high"] - plain["conf_low"])
    assert part["n_eff"] == plain["n_eff"]
    everyone = metrics.score(TABLE, "nps", columns="ltr", population=451).table.iloc[0]
    assert everyone[["std_error", "conf_low", "conf_high"]].tolist() == pytest.approx(
        [0, everyone["estimate"], everyone["estimate"]]
    )


def test_a_single_unit_drawn_whole_bears_no_error():
    lone = TABLE[(TABLE["region"] != "islands") | (TABLE["store"] == TABLE["store"].max())]
    lone = lone.assign(region=np.where(lone["store"] == lone["store"].max(), "alone", lone["region"]))
    design = {**CLUSTERS, "population": {"north": 60, "south": 120, "alone": 1}}
    assert metrics.score(lone, "nps", columns="ltr", **design).table["std_error"].iloc[0] > 0
    with pytest.raises(AnalysisError, match="1 of 3 strata have a single sampling unit"):
        metrics.score(lone, "nps", columns="ltr", **{**design, "population": None})


@pytest.mark.parametrize(
    ("design", "message"),
    [
        (
            {"population": 450},
            "population says 450 where 451 units answer; give the number of sampling units",
        ),
        ({"population": 0.2}, "population is how many units there are to draw from"),
        ({"population": np.nan}, "population is how many units"),
        ({"population": "nobody"}, "the table has no column nobody"),
        ({"population": "store"}, "weights column 'store' is not numeric"),
        ({"population": "age_given"}, "the same for all rows of a stratum"),
        ({**CLUSTERS, "population": 200}, "with strata a column or a mapping that has each of them"),
        ({**CLUSTERS, "population": {"north": 60}}, "that has each of them"),
        ({**CLUSTERS, "population": {**STORES, "north": 2}}, "population says 2 where 6 units answer"),
    ],
)
def test_populations_that_do_not_fit(design, message):
    table = TABLE.assign(age_given=np.arange(451) + 1000)
    with pytest.raises(AnalysisError, match=message):
        metrics.score(table, "nps", columns="ltr", **design)


# --- raking ---------------------------------------------------------------------------------------


def r_rake():
    """R's ``rake`` stops after four rounds here: no cell's weight moves by one or more."""
    weights = TABLE["weight"].to_numpy()
    for _ in range(4):
        for name in ("sex", "age"):
            share = TARGETS[TARGETS["variable"] == name]["share"].to_numpy()
            group = pd.factorize(TABLE[name], sort=True)[0]
            weights = weights * (share * weights.sum() / np.bincount(group, weights))[group]
    return weights


@pytest.fixture(scope="module")
def raked():
    return metrics.rake(TABLE, TARGETS, base_weight="weight")


def test_raked_weights_and_scores_of_r(raked):
    oracle, weights = ORACLE["rake"], r_rake()
    close(weights[:5], oracle["first5"])
    close([weights.min(), weights.max()], [oracle["min"], oracle["max"]])
    stopped = replace(raked, weights=pd.Series(weights, index=TABLE.index))
    design = {"strata": "region", "cluster": "store"}
    result = metrics.score(TABLE, "nps", columns="ltr", by="brand", weights=stopped, **design)
    whole = result.tables["overall"].iloc[0]
    close([whole["estimate"], whole["std_error"]], [oracle["nps"], oracle["nps_se"]])
    close(result.table["estimate"], oracle["by_brand"])
    # R takes its residuals from the weights of half a round before: eight digits
    assert result.table["std_error"].tolist() == pytest.approx(oracle["by_brand_se"], rel=1e-8)
    close(451 / (weights.sum() ** 2 / (weights**2).sum()), oracle["kish_deff"])
    # ours go on until the margins are met
    assert raked.weights.to_numpy() == pytest.approx(weights, rel=2e-7)
    assert (raked.off, raked.rounds) == (pytest.approx(0, abs=1e-10), pytest.approx(10, abs=8))
    assert raked.weights.sum() == pytest.approx(TABLE["weight"].sum())


def test_errors_know_what_the_margins_tell(raked):
    """What is raked on has no error; a column of the same weights knows nothing of it."""
    table = TABLE.assign(man=np.where(TABLE["sex"] == "M", 10, 0), w=raked.weights)
    told, blind = (metrics.score(table, "nps", columns="man", weights=w).table.iloc[0] for w in (raked, "w"))
    assert told["estimate"] == pytest.approx(blind["estimate"], abs=1e-6)
    assert told["std_error"] < 1e-6 < 1 < blind["std_error"]
    assert metrics.score(table, "nps", columns="ltr", weights=raked).settings["weights"] == "raked"


def test_a_part_of_what_was_raked_is_the_domain_of_it(raked):
    """Scoring the rows of a brand is scoring by brand: the others bear on the margins all the same."""
    by_brand = metrics.score(TABLE, "nps", columns="ltr", by="brand", weights=raked).table
    for brand, row in by_brand.set_index("brand").iterrows():
        own = metrics.score(TABLE[TABLE["brand"] == brand], "nps", columns="ltr", weights=raked).table.iloc[0]
        close(own[["estimate", "std_error", "n_eff"]], row[["estimate", "std_error", "n_eff"]])


def test_weights_of_other_rows_are_refused(raked):
    some = TABLE[TABLE["brand"] == "client"]
    with pytest.raises(AnalysisError, match="191 of 191 rows are not those that were weighed"):
        metrics.score(some.set_index(some.index + 1000), "nps", columns="ltr", weights=raked)
    with pytest.raises(AnalysisError, match="rows are not those that were weighed .by index and raked cat"):
        metrics.score(some.reset_index(drop=True), "nps", columns="ltr", weights=raked)
    with pytest.raises(AnalysisError, match="raked over 451 rows and the table has 191 of them"):
        metrics.score(some, "nps", columns="ltr", weights=raked, cluster="store")


@pytest.mark.parametrize(
    "values",
    [
        ["b", "a", None, "c"],
        ["b", 3, np.nan, "a", True, 1],
        [5, -2, 7, 7],
        [2**62, 5, -(2**60)],
        [1.5, np.nan, 2.0],
    ],
    ids=["text", "mixed", "whole", "far apart", "numbers"],
)
@pytest.mark.parametrize("as_read", [True, False])
def test_a_column_of_many_rows_is_coded_as_one_of_few(values, as_read):
    """The shorter ways (by place in memory, by whole numbers in a row) give what comparing all gives."""
    rng = np.random.default_rng(4)
    held = pd.Series(values).iloc[rng.integers(0, len(values), 60_000)].reset_index(drop=True)
    if not as_read and held.dtype == object:  # every row an object of its own
        held = pd.Series([x[:1] + x[1:] if isinstance(x, str) else x for x in held], dtype=object)
    codes, found = columns.coded(held)
    plain, wanted = pd.factorize(held, sort=True)
    assert np.array_equal(codes, plain)
    assert list(found) == list(wanted)


def test_one_that_is_rare_is_coded_too():
    held = pd.Series(["b"] * 70_000 + ["a", "c"], dtype=object)
    codes, found = columns.coded(held)
    assert codes[[0, -2, -1]].tolist() == [1, 0, 2]
    assert list(found) == ["a", "b", "c"]


def test_sums_by_blocks_are_sums_of_all():
    rng = np.random.default_rng(5)
    n = 100_000
    table = pd.DataFrame({
        "score": rng.normal(500, 1, n), "w": rng.lognormal(0, 1, n), "s": rng.integers(0, 3, n),
        "c": rng.integers(0, 50, n), "by": rng.integers(0, 4, n),
    })  # fmt: skip
    parts = partition(table, ["by"])
    u, ones = table["score"].to_numpy(), np.ones(n)
    for strata, cluster in ((None, None), ("s", None), (None, "c"), ("s", "c")):
        design = design_of(table, "w", strata, cluster)
        found = cells(u, ones, design, parts.codes, 4).groups(np.eye(4))
        for cell in range(4):
            w = np.where(parts.codes == cell, table["w"], 0.0)
            mean = (w * u).sum() / w.sum()
            e = pd.DataFrame({"e": w * (u - mean) / w.sum(), "s": 0 if strata is None else table["s"]})
            e["unit"] = np.arange(n) if cluster is None else table["c"]
            units = e.groupby(["s", "unit"])["e"].sum()
            m = units.groupby("s").transform("size")
            off = units - units.groupby("s").transform("mean")
            assert found.estimate[cell] == pytest.approx(mean, rel=1e-12)
            assert found.std_error[cell] == pytest.approx(np.sqrt((off**2 * m / (m - 1)).sum()), rel=1e-9)


def test_ids_in_order_that_repeat_are_still_found():
    table = pd.DataFrame({"response_id": [1, 2, 2, 3], "recommend": [10, 9, 9, 0]})
    with pytest.raises(AnalysisError, match="duplicate rows"):
        columns.check_rows(table)
    columns.check_rows(table.drop(index=2))
    with pytest.raises(AnalysisError, match="duplicate rows"):
        columns.check_rows(table.iloc[[3, 1, 0, 2]])
