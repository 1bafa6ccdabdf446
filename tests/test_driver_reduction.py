"""Importance from sums: equal to that from people on every engine, intervals that cover, what is refused."""

import os
from dataclasses import replace

import duckdb
import numpy as np
import pandas as pd
import pyarrow
import pytest

from cxlab.analysis.drivers import importance, importance_of, importance_performance, reduced, reduction
from cxlab.analysis.survey import Design
from cxlab.errors import AnalysisError
from cxlab.reporting.words import Words

REPLICATIONS = int(os.environ.get("CXLAB_REPLICATIONS", 200))
DRIVERS = ["ease", "shop", "call", "bill"]
EXACT = [
    "importance", "share", "rank", "coefficient", "first", "last", "correlation", "mean", "rated", "n",
    "n_eff",
]  # fmt: skip


def survey(n=3000, seed=0):
    """Ratings of 1 to 7, two of them with gaps; branches that differ; weights, zones, gaps everywhere."""
    rng = np.random.default_rng(seed)
    branch = rng.integers(0, 60, n)
    latent = (
        0.6 * rng.normal(size=(n, 1))
        + 0.7 * rng.normal(size=(n, 4))
        + 0.3 * rng.normal(size=60)[branch, None]
    )
    table = pd.DataFrame(np.clip(np.round(4 + 1.4 * latent), 1, 7), columns=DRIVERS)
    y = table.to_numpy() @ [0.6, 0.4, 0.2, 0.0] + rng.normal(size=n) + 0.3 * rng.normal(size=60)[branch]
    table["shop"] = table["shop"].where(rng.random(n) < 0.6)
    table["call"] = table["call"].where(rng.random(n) < 0.3)
    table["sat"] = np.where(rng.random(n) < 0.02, np.nan, y)
    table["nps"] = np.clip(np.round(2 * y - 2), 0, 10)
    table["stays"] = (y > 4).astype(int)
    table["age"] = np.where(rng.random(n) < 0.01, np.nan, rng.integers(18, 80, n))
    table["w"] = np.where(rng.random(n) < 0.01, 0.0, rng.uniform(0.5, 2, n))
    return table.assign(zone=np.where(branch < 40, "RM", "Sur"), branch=branch, row=np.arange(n))


def relation(table):
    """The table in an engine, its gaps NaN where the columns are floats."""
    return duckdb.connect().from_df(table)


DESIGNS = {
    "plain": {},
    "weighted": {"weights": "w"},
    "clusters in strata": {"weights": "w", "strata": "zone", "cluster": "branch"},
    "controls": {"controls": ["age", "stays"], "cluster": "branch"},
    "listwise": {"not_applicable": "listwise", "cluster": "branch"},
    "nps": {"outcome": "nps", "outcome_type": "nps", "cluster": "branch"},
    "binary": {"outcome": "stays", "outcome_type": "binary", "cluster": "branch", "weights": "w"},
}


@pytest.mark.parametrize(
    ("name", "engine"), [*((n, e) for n in DESIGNS for e in ("pandas", "duckdb")), ("controls", "parquet")]
)
def test_estimates_are_those_of_the_people(name, engine, tmp_path):
    options = {**DESIGNS[name]}
    outcome = options.pop("outcome", "sat")
    table = survey()
    expected = importance(table, outcome, DRIVERS, resamples=0, **options)
    held = {"pandas": table, "duckdb": relation(table), "parquet": tmp_path / "table.parquet"}[engine]
    if engine == "parquet":
        table.to_parquet(held)
    if engine == "duckdb" and "cluster" not in options:
        options["cluster"] = "row"
    found = importance_of(reduced(held, outcome, DRIVERS, **options), resamples=0)
    pd.testing.assert_frame_equal(found.table[["driver", "flag"]], expected.table[["driver", "flag"]])
    for column in EXACT:
        assert found.table[column].to_numpy() == pytest.approx(expected.table[column].to_numpy(), rel=1e-9)
    assert found.r_squared == pytest.approx(expected.r_squared, abs=1e-12)
    assert found.r_squared_controls == pytest.approx(expected.r_squared_controls, abs=1e-12)
    assert found.n_used == expected.n_used
    assert dict(found.n_dropped) == dict(expected.n_dropped)
    checks = [r.tables["checks"].set_index(["check", "driver"])["value"] for r in (found, expected)]
    assert checks[0].to_numpy() == pytest.approx(checks[1].to_numpy(), rel=1e-8, nan_ok=True)
    for key in ("n_eff", "unit_coefficient", "weights", "not_applicable", "scales"):
        assert found.settings[key] == pytest.approx(expected.settings[key])


SHAPES = {
    "categories": lambda t: t.assign(
        zone=t["zone"].astype("category"), branch=("b" + t["branch"].astype(str))
    ),
    "nullable": lambda t: t.convert_dtypes(),
    "arrow": lambda t: t.convert_dtypes(dtype_backend="pyarrow"),
    "objects": lambda t: t.astype(dict.fromkeys([*DRIVERS, "sat", "w"], object)),
    "numeric categories": lambda t: t.astype({"ease": "category"}),
    "booleans": lambda t: t.assign(stays=t["stays"].astype(bool)),
    "small integers": lambda t: t.astype({"ease": "uint8", "branch": "int16"}),
    "repeated index": lambda t: t.set_index(pd.Index(["same"] * len(t))),
    "pyarrow table": lambda t: pyarrow.Table.from_pandas(t),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_types_and_indexes_change_nothing(shape):
    table, design = survey(), {"weights": "w", "strata": "zone", "cluster": "branch", "controls": ["stays"]}
    expected = importance_of(reduced(table, "sat", DRIVERS, **design), resamples=0).table
    given = SHAPES[shape](table)
    before = given.copy(deep=True) if isinstance(given, pd.DataFrame) else None
    found = importance_of(reduced(given, "sat", DRIVERS, **design), resamples=0).table
    for column in [*EXACT, "coefficient_low"]:
        assert found[column].to_numpy() == pytest.approx(expected[column].to_numpy(), rel=1e-9)
    if before is not None:
        pd.testing.assert_frame_equal(given, before)


def test_intervals_are_those_of_the_same_clusters():
    table, design = survey(), {"weights": "w", "strata": "zone", "cluster": "branch"}
    expected = importance(table, "sat", DRIVERS, resamples=300, seed=4, **design)
    found = importance_of(reduced(relation(table), "sat", DRIVERS, **design), resamples=300, seed=4)
    assert found.draws.shares == pytest.approx(expected.draws.shares, rel=1e-8)
    assert found.draws.coefficients == pytest.approx(expected.draws.coefficients, rel=1e-7, abs=1e-9)
    assert found.draws.means == pytest.approx(expected.draws.means, rel=1e-9)
    # The line of noise from units, of people of one weight each: nearly that from people.
    lines = [r.table["noise_share"].to_numpy() for r in (found, expected)]
    assert lines[0] == pytest.approx(lines[1], rel=0.1)
    assert found.table["beats_noise"].tolist() == expected.table["beats_noise"].tolist()
    for end in ("conf_low", "conf_high", "rank_low", "rank_high", "p_top3"):
        assert found.table[end].to_numpy() == pytest.approx(expected.table[end].to_numpy(), rel=1e-4)
    # People's own leverage (HC3) is all that is missing of the error: a thousandth here.
    ends = ["coefficient_low", "coefficient_high"]
    width = [np.diff(r.table[ends].to_numpy()).ravel() for r in (found, expected)]
    assert width[0] == pytest.approx(width[1], rel=0.01)
    assert {c.code for c in found.claims} == {c.code for c in expected.claims}


def test_not_a_number_in_an_engine_is_a_gap():
    table = survey()
    held = duckdb.connect()
    held.register("answers", table)
    gaps = held.sql("SELECT * REPLACE (coalesce(shop, 'nan'::DOUBLE) AS shop) FROM answers")
    assert np.isnan(gaps.df()["shop"]).any()
    assert gaps.filter("shop IS NULL").count("*").fetchall() == [(0,)]
    expected = importance(table, "sat", DRIVERS, resamples=0).table
    found = importance_of(reduced(gaps, "sat", DRIVERS, cluster="row"), resamples=0).table
    assert found["share"].to_numpy() == pytest.approx(expected["share"].to_numpy(), rel=1e-9)
    assert found["n"].tolist() == expected["n"].tolist()


def test_sums_lose_no_digits_far_from_zero():
    table = survey().assign(sat=lambda t: 1e6 + t["sat"], age=lambda t: 1e5 + t["age"])
    expected = importance(table, "sat", DRIVERS, controls=["age"], resamples=0).table
    found = importance_of(reduced(table, "sat", DRIVERS, controls=["age"]), resamples=0).table
    for column in EXACT:
        assert found[column].to_numpy() == pytest.approx(expected[column].to_numpy(), rel=1e-8)


def test_a_table_in_memory_is_multiplied_out_in_parts(monkeypatch):
    table = survey()
    whole = reduced(table, "sat", DRIVERS, weights="w")
    monkeypatch.setattr(reduction, "_PART", 700)
    parts = reduced(table, "sat", DRIVERS, weights="w")
    assert parts.sums.shape == whole.sums.shape == (500, 8, 8)
    assert parts.sums == pytest.approx(whole.sums, rel=1e-12, abs=1e-9)
    assert parts.dropped == whole.dropped


def test_rows_are_scattered_alike_on_both_engines_and_evenly():
    table = survey(20_000)
    places = reduced(table, "sat", DRIVERS, buckets=100)
    numbers = reduced(relation(table), "sat", DRIVERS, cluster="row", buckets=100)
    assert numbers.sums == pytest.approx(places.sums, rel=1e-10, abs=1e-8)
    people = places.sums[:, 0, 0]
    # As if thrown: the spread of counts of 100 buckets is that of a Poisson number, give or take a third.
    assert 0.66 < people.var() / people.mean() < 1.4


def test_a_file_in_the_order_of_its_answers_has_the_error_of_any_other():
    table = survey(40_000).sort_values("sat", ignore_index=True).dropna(subset=["sat"])
    sums = reduced(table, "sat", DRIVERS, buckets=200).sums
    means = sums[:, 0, 1] / sums[:, 0, 0]
    # Dealt out in turn, every bucket would have the same mean; thrown, they spread as samples do.
    expected = table["sat"].std() / np.sqrt(len(table) / 200)
    assert means.std() == pytest.approx(expected, rel=0.15)


def test_what_follows_from_importance_follows_from_sums():
    held = importance_of(reduced(survey(), "sat", DRIVERS), resamples=200)
    priorities = importance_performance(held, scales=dict.fromkeys(DRIVERS, (1, 7)))
    assert set(priorities.table["driver"]) == set(DRIVERS)


def test_copies_share_and_the_same_gaps_count_once():
    table = survey().assign(copy=lambda t: 2 * t["ease"], again=lambda t: t["shop"] ** 2)
    names = [*DRIVERS, "copy", "again"]
    expected = importance(table, "sat", names, resamples=0).table
    found = importance_of(reduced(relation(table), "sat", names, cluster="row"), resamples=0)
    assert found.table["share"].to_numpy() == pytest.approx(expected["share"].to_numpy(), abs=1e-9)
    assert found.table["coefficient"].to_numpy() == pytest.approx(
        expected["coefficient"].to_numpy(), rel=1e-8, nan_ok=True
    )
    advice = found.tables["checks"].set_index(["check", "driver"])["advice"]
    assert "the other drivers determine copy (ease)" in advice["vif", "copy"]


def put(table, column, value, rows=(3,)):
    return table.assign(**{column: table[column].where(~table.index.isin(list(rows)), value)})


ERRORS = {
    "missing column": (lambda t: t, {"drivers": [*DRIVERS, "zeal"]}, "column zeal: found no column of this"),
    "two roles": (lambda t: t, {"controls": ["ease"]}, "column ease: found a column with two roles"),
    "text": (lambda t: t.assign(shop="good"), {}, "column shop: found text or categories; allowed: numbers"),
    "text as control": (lambda t: t, {"controls": ["zone"]}, "column zone: found text or categories"),
    "code of no answer": (lambda t: put(t, "shop", 99.0), {}, "column shop: found 99; .*code for no answer"),
    "off its scale": (
        lambda t: put(t, "shop", 8.0), {"scales": {"shop": (1, 7)}}, "column shop: found 8; allowed: from 1",
    ),
    "infinite": (lambda t: put(t, "ease", np.inf), {}, "column ease: found an infinite value"),
    "constant": (lambda t: t.assign(bill=4.0), {}, "column bill: found one value only"),
    "constant once shifted": (lambda t: t.assign(bill=4.3e5), {}, "column bill: found one value only"),
    "no answer": (lambda t: t.assign(bill=np.nan), {}, "column bill: found no answer at all"),
    "rated by few": (
        lambda t: put(t, "bill", np.nan, range(20, 3000)), {}, "column bill: found ratings of 19 people only",
    ),
    "the outcome": (lambda t: t.assign(bill=9 - 2 * t["sat"]), {}, "column bill: found the outcome 'sat'"),
    "nothing to divide": (
        lambda t: pd.DataFrame(
            {"ease": [1.0, 2.0, 1.0, 2.0] * 50, "bill": [1.0, 1.0, 2.0, 2.0] * 50, "sat": [1.0, 0, 0, 1] * 50}
        ).assign(row=lambda d: d.index),
        {"drivers": ["ease", "bill"]}, "no driver goes with sat in any way: there is nothing to divide",
    ),
    "not NPS": (
        lambda t: t, {"outcome_type": "nps"}, "column sat: found from .*allowed: whole numbers from 0 to 10",
    ),
    "not binary": (
        lambda t: t.assign(sat=2.0 + t["stays"]), {"outcome_type": "binary"},
        "column sat: found from 2 to 3; allowed: whole numbers from 0 to 1",
    ),
    "ordered": (lambda t: t, {"outcome_type": "ordered"}, "outcome_type is 'ordered'; allowed: numeric, nps"),
    "negative weight": (lambda t: put(t, "w", -1.0), {"weights": "w"}, "column w: found -1; allowed: a fin"),
    "missing weight": (lambda t: put(t, "w", np.nan), {"weights": "w"}, "column w: found nan; allowed: a"),
    "no weight": (lambda t: t.assign(w=0.0), {"weights": "w"}, "weights column 'w' sums to zero"),
    "empty stratum": (
        lambda t: put(t, "zone", None), {"strata": "zone"}, "strata column 'zone' is empty in 1 rows; comp",
    ),
    "no rows": (lambda t: t.head(0), {}, "the table has no rows"),
    "nobody left": (lambda t: t.assign(sat=np.nan), {}, "no row is left to analyse: sat missing 3000"),
    "few answers": (lambda t: t.head(6), {"drivers": ["ease", "bill"], "cluster": "row", "weights": "v"},
                    "the effective sample is [23].0 for 2 drivers and 0 further columns"),
    "one unit": (lambda t: t.assign(zone=np.where(t["branch"] == 7, "Norte", "RM")),
                 {"strata": "zone", "cluster": "branch"}, "1 strata have one sampling unit each"),
    "clusters in words": (lambda t: t.assign(who=t["row"].astype(str)), {"cluster": "who"},
                          "column who: found 3000 clusters that are no whole numbers; .*number the clusters"),
    "few buckets": (lambda t: t, {"buckets": 3}, "buckets is 3; give a whole number, 30 or more"),
}  # fmt: skip


@pytest.mark.parametrize("engine", ["pandas", "duckdb"])
@pytest.mark.parametrize("name", ERRORS)
def test_errors_are_those_of_people_from_bounds_alone(name, engine):
    spoil, options, message = ERRORS[name]
    table = spoil(survey()).assign(v=lambda t: np.where(t["row"] < 3, 1e6, 1e-3))
    given = {"outcome": "sat", "drivers": DRIVERS, **options}
    if engine == "duckdb":
        table, given = relation(table), {"cluster": "row", **given}
    with pytest.raises(AnalysisError, match=message) as caught:
        importance_of(reduced(table, given.pop("outcome"), given.pop("drivers"), **given), resamples=50)
    for problem in caught.value.problems:
        for text in (problem.found, problem.allowed, problem.action):
            assert not hasattr(text, "template") or Words("es").message(text)


def test_all_problems_at_once_and_what_an_engine_lacks():
    table = put(survey(), "shop", 99.0).assign(call="x", w=-1.0)
    with pytest.raises(AnalysisError) as caught:
        reduced(relation(table), "sat", [*DRIVERS, "zeal"], controls=["ease"])
    assert sorted(p.column for p in caught.value.problems) == ["", "call", "ease", "zeal"]
    assert "without `cluster`" in str(caught.value)
    with pytest.raises(AnalysisError) as caught:
        reduced(put(survey(), "shop", 99.0).assign(w=-1.0), "sat", DRIVERS, weights="w")
    assert sorted(p.column for p in caught.value.problems) == ["shop", "w"]
    with pytest.raises(AnalysisError, match="the table is a list; give a pandas DataFrame, the path of a"):
        reduced([1, 2], "sat", DRIVERS)


def test_pmvd_of_many_is_refused_and_of_few_equal():
    table = survey()
    expected = importance(table, "sat", DRIVERS, method="pmvd", resamples=0).table["share"]
    held = reduced(table, "sat", DRIVERS)
    assert importance_of(held, method="pmvd", resamples=0).table["share"].to_numpy() == pytest.approx(
        expected
    )
    many = replace(held, names=tuple(f"d{k}" for k in range(11)))
    with pytest.raises(AnalysisError, match="at most 10; got 11"):
        importance_of(many, method="pmvd")


@pytest.mark.simulation
def test_intervals_from_buckets_cover():
    names = ["a", "b", "c"]

    def drawn(n, seed):
        rng = np.random.default_rng(seed)
        x = 0.5 * rng.normal(size=(n, 1)) + rng.normal(size=(n, 3))
        table = pd.DataFrame(x, columns=names).assign(y=x @ [0.6, 0.3, 0.2] + 1.5 * rng.normal(size=n))
        return table.assign(b=table["b"].where(rng.random(n) < 0.6))

    true = importance(drawn(400_000, 1), "y", names, resamples=0).table.set_index("driver").loc[names]
    # All surveys are reduced at once, each a stratum; its units are then a table of their own.
    tables = [drawn(2000, 100 + seed).assign(survey=seed) for seed in range(REPLICATIONS)]
    every = reduced(pd.concat(tables, ignore_index=True), "y", names, strata="survey", buckets=200)
    covered, slopes, widths = np.zeros(3), np.zeros(3), []
    for seed, table in enumerate(tables):
        own = every.sums[every.design.strata == seed]
        held = replace(
            every,
            sums=own,
            design=Design(np.ones(len(own)), None, np.arange(len(own)), weighted=False),
            n=2000,
            raters=table[names].notna().sum().to_numpy(),
            weight2=2000.0,
            weight3=2000.0,
            squares=every.squares / REPLICATIONS,
        )
        rows = importance_of(held, resamples=200, seed=seed).table.set_index("driver").loc[names]
        covered += (rows["conf_low"] <= true["share"]) & (true["share"] <= rows["conf_high"])
        slopes += (rows["coefficient_low"] <= true["coefficient"]) & (
            true["coefficient"] <= rows["coefficient_high"]
        )
        if seed < 10:  # as wide as those of the people, give or take what 200 units and 200 draws leave open
            people = importance(table, "y", names, resamples=200, seed=seed).table.set_index("driver")
            widths.append((rows["std_error"] / people.loc[names, "std_error"]).to_numpy())
    error = 3 * np.sqrt(0.05 * 0.95 / (3 * REPLICATIONS))
    assert 0.945 - error <= covered.mean() / REPLICATIONS <= 0.955 + error
    assert 0.945 - error <= slopes.mean() / REPLICATIONS <= 0.955 + error
    assert np.mean(widths) == pytest.approx(1, abs=0.05)


def test_many_drivers_are_reduced_without_a_warning():
    rng = np.random.default_rng(0)
    names = [f"d{k}" for k in range(20)]
    table = pd.DataFrame(rng.integers(1, 8, (400, 20)), columns=names)
    held = reduced(table.assign(y=table.sum(axis=1)), "y", names, buckets=30)
    assert held.sums.shape == (30, 22, 22)
