"""Scores of tables that are not in memory: the same numbers, the same refusals."""

import duckdb
import numpy as np
import pandas as pd
import pytest
from places import placed

from cxlab.analysis import engines, metrics
from cxlab.errors import AnalysisError

CLOSE = 1e-9  # what is added in another order
ENGINES = ["path", "pattern", "folder", "duckdb", "spark"]
SCALES = {"recommend": [0, 10], "effectiveness": [1, 7], "ease": [1, 7], "pleasantness": [1, 7]}


def survey(n=1500, seed=0):
    """Answers with gaps, segments of text and of whole numbers, weights, branches within zones."""
    rng = np.random.default_rng(seed)
    branch = rng.integers(0, 30, n)
    level = 7 + 0.05 * branch + rng.normal(0, 2, n)
    table = pd.DataFrame({
        "response_id": np.arange(n), "branch": branch, "zone": np.where(branch < 12, "north", "south"),
        "region": rng.choice(["RM", "Sur", "Norte"], n, p=[0.6, 0.37, 0.03]), "wave": rng.integers(1, 3, n),
        "w": rng.lognormal(0, 0.6, n), "recommend": np.clip(np.round(level), 0, 10),
        "calls": rng.poisson(4, n), "spend": rng.lognormal(3, 1, n).round(1),
        **{slot: np.clip(np.round(level * 0.6 + rng.normal(0, 1, n)), 1, 7) for slot in [*SCALES][1:]},
    })  # fmt: skip
    table["solved"] = rng.binomial(table["calls"], 0.7)
    for column, share in (("recommend", 0.1), ("ease", 0.05), ("pleasantness", 0.05)):
        table.loc[rng.random(n) < share, column] = np.nan
    table.loc[rng.random(n) < 0.02, "region"] = None
    table.loc[rng.random(n) < 0.02, "w"] = 0.0
    table.attrs["scales"] = SCALES
    return table


CALLS = {
    "all together": {"metric": "nps"},
    "segments": {"metric": "nps", "by": ["region", "wave"]},
    "weights": {"metric": "pxi", "by": "region", "weights": "w"},
    "clusters in strata": {
        "metric": "nps", "by": ["region", "wave"], "weights": "w", "strata": "zone", "cluster": "branch",
    },
    "strata": {"metric": "mean", "columns": "spend", "by": "wave", "strata": "zone"},
    "several": {"metric": ["nps", "pxi"], "by": "region", "weights": "w", "cluster": "branch"},
    "counts": {
        "metric": "rate", "columns": {"successes": "solved", "trials": "calls"}, "by": "region",
        "weights": "w",
    },
}  # fmt: skip


def said(result):
    return [
        (c.code, c.grade, c.caveats, {k: v for k, v in c.fields.items() if not isinstance(v, float)})
        for c in result.claims
    ]


def check_same(one, two):
    for a, b in ((one.table, two.table), *((one.tables[k], two.tables[k]) for k in one.tables)):
        pd.testing.assert_frame_equal(a, b, rtol=CLOSE, atol=CLOSE)
    assert [*one.tables] == [*two.tables]
    assert (one.n_used, dict(one.n_dropped)) == (two.n_used, dict(two.n_dropped))
    assert said(one) == said(two)
    assert one.settings == two.settings


@pytest.mark.parametrize("where", ENGINES)
def test_scores_do_not_depend_on_where_the_table_is(where, tmp_path, request):
    table = survey()
    elsewhere = placed(table, where, tmp_path, request)
    for call in ["clusters in strata", "several", *(CALLS if where == "duckdb" else ())]:
        options = dict(CALLS[call])
        metric = options.pop("metric")
        expected = metrics.score(table, metric, **options)
        check_same(expected, metrics.score(elsewhere, metric, scales=SCALES, **options))
    assert dict(expected.n_dropped) or where != "duckdb"


@pytest.mark.parametrize("call", ["weights", "clusters in strata", "strata", "counts"])
def test_the_whole_is_the_cells_together(call):
    options = dict(CALLS[call])
    table, metric = survey().dropna(subset="region"), options.pop("metric")
    by_cell = metrics.score(table, metric, **options)
    del options["by"]
    alone = metrics.score(table, metric, **options)
    pd.testing.assert_frame_equal(by_cell.tables["overall"], alone.table, rtol=1e-12)
    pd.testing.assert_frame_equal(by_cell.tables["checks"], alone.tables["checks"], rtol=1e-12)


def test_a_group_in_which_all_say_the_same_has_no_error_of_rounding(tmp_path):
    table = survey()
    table.loc[table["region"] == "Norte", "recommend"] = 10.0
    elsewhere = placed(table, "path", tmp_path)
    one, two = (metrics.score(t, "nps", by="region", weights="w", scales=SCALES) for t in (table, elsewhere))
    assert two.table.set_index("region").loc["Norte", "std_error"] == 0
    check_same(one, two)


def test_scales_may_be_declared_in_the_call(tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"recommend": rng.integers(1, 11, 500)})
    elsewhere = placed(table, "path", tmp_path)
    for held in (table, elsewhere):
        with pytest.raises(AnalysisError, match="answers that read as a scale from 1 to 10"):
            metrics.score(held, "nps")
        found = metrics.score(held, "nps", scales={"recommend": [0, 10]})
        checks = found.tables["checks"].set_index("check")["value"]
        assert checks["scale_declared"] == 1
        with pytest.raises(AnalysisError, match="a scale declared as 1 to 10"):
            metrics.score(held, "nps", scales={"recommend": [1, 10]})
    assert not table.attrs


def test_a_scale_is_guessed_from_rows_and_not_from_patterns(tmp_path):
    table = pd.DataFrame({"recommend": [1] + [*range(2, 11)] * 60})  # one 1 of 541: nobody was offered a 0?
    one, two = (metrics.score(t, "nps") for t in (table, placed(table, "path", tmp_path)))
    check_same(one, two)


BAD = {
    "off the scale": ({"recommend": 11.0}, r"column recommend: found 11 \(900 rows\); allowed: from 0 to 10"),
    "between": ({"recommend": 7.5}, r"column recommend: found 7.5 \(900 rows\); allowed: whole numbers"),
    "text": ({"recommend": "9 - likely"}, r"column recommend: found '9 - likely' \(900 rows\)"),
    "blank text": ({"recommend": ""}, r"column recommend: found '' \(900 rows\)"),
    "yes and no": ({"recommend": True}, r"column recommend: found True \(900 rows\)"),
    "endless": ({"recommend": np.inf}, r"column recommend: found inf \(900 rows\)"),
    "nobody": ({"recommend": np.nan}, "no row answers all of recommend, which nps needs"),
    "negative weight": ({"w": -1.0}, r"column w: found -1.0 \(900 rows\)"),
    "no weight": ({"w": 0.0}, "weights column 'w' sums to zero"),
    "weight in words": ({"w": "much"}, "weights column 'w' is not numeric"),
    "no branch": ({"branch": None}, "cluster column 'branch' is empty in 900 rows"),
    "one branch": ({"branch": 1}, "2 of 2 strata have a single sampling unit"),
    "twice": ({"response_id": 7}, r"response_id repeated: 7 \(900 rows\)"),
}


@pytest.mark.parametrize("where", ["pandas", "duckdb", "spark"])
def test_what_is_refused_is_refused_wherever_it_is(where, tmp_path, request):
    if where == "spark":
        request.getfixturevalue("spark")
    for columns, message in BAD.values():
        table = survey(900).assign(**columns)
        if where == "spark" and table[[*columns]].isna().all(axis=None):
            continue  # Spark has no type for a column of nothing
        with pytest.raises(AnalysisError, match=message):
            metrics.score(
                placed(table, where, tmp_path, request), "nps", by="wave", weights="w", strata="zone",
                cluster="branch", scales=SCALES,
            )  # fmt: skip


def test_a_person_may_answer_twice_and_a_row_may_not_stand_twice(tmp_path):
    table = survey(600).drop(columns="response_id").assign(customer_id=lambda t: t.index // 2)
    elsewhere = placed(table, "path", tmp_path)
    check_same(*(metrics.score(t, "nps", scales=SCALES) for t in (table, elsewhere)))
    doubled = placed(pd.concat([table, table.head(1)]), "duckdb", tmp_path)
    with pytest.raises(AnalysisError, match=r"customer_id repeated: 0 \(2 rows\)"):
        metrics.score(doubled, "nps", scales=SCALES)


def test_what_is_no_table_has_no_columns_or_too_many_patterns(tmp_path, monkeypatch):
    with pytest.raises(AnalysisError, match="the table is a list; give a pandas DataFrame, the path"):
        metrics.score([1, 2], "nps")
    with pytest.raises(AnalysisError, match=r"no Parquet file can be read at gone.parquet"):
        metrics.score(tmp_path / "gone.parquet", "nps")
    with pytest.raises(AnalysisError, match="the table has no column recommend, plan; it has ease"):
        metrics.score(duckdb.sql("select 1 as ease"), "nps", by="plan")
    elsewhere = placed(survey(900), "duckdb", tmp_path)
    with pytest.raises(AnalysisError, match="the table has no rows"):
        metrics.score(elsewhere.filter("wave > 9"), "nps")
    monkeypatch.setattr(engines, "MOST_PATTERNS", 50)
    with pytest.raises(AnalysisError, match="more than 50 different patterns .*branch 30, recommend .*fewer"):
        metrics.score(elsewhere, "nps", cluster="branch")
