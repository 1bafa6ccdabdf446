"""What every analysis does alike: dtypes and indexes, rows accounted for, ids, and what is refused."""

import json

import numpy as np
import pandas as pd
import pytest

from cxlab.analysis import benchmark, drivers, economics, metrics, survival
from cxlab.analysis.columns import as_floats
from cxlab.analysis.scales import missing_codes
from cxlab.errors import AnalysisError, Message

QUESTIONS = {"effectiveness": "q1", "ease": "q2", "pleasantness": "q3"}
COUNTED = {"successes": "ontime", "trials": "flights"}
ANALYSES = {
    "score": lambda t: metrics.score(t, "nps", columns="p10"),
    "score by": lambda t: metrics.score(t, "nps", columns={"recommend": "p10"}, by="plan", weights="pond"),
    "score two": lambda t: metrics.score(
        t, ["pxi", "nps"], columns=QUESTIONS | {"recommend": "p10"}, by=("zone",)
    ),
    "importance": lambda t: drivers.importance(t, "sat", ("q1", "q2", "q3"), controls="plan", resamples=0),
    "listwise": lambda t: drivers.importance(
        t, "sat", ["q1", "q2"], weights="pond", not_applicable="listwise", resamples=0
    ),
    "importance by": lambda t: drivers.compare(t, "sat", ["q1", "q2"], by="plan", resamples=0),
    "retention": lambda t: survival.retention(t, "months", "gone"),
    "retention by": lambda t: survival.retention(
        t, "months", "gone", by="plan", entry="since", weights="pond"
    ),
    "retention cells": lambda t: survival.retention(t, "months", "gone", by=("plan", "zone")),
    "hazards": lambda t: survival.hazards(t, "months", "gone", ["q1", "plan"], entry="since", strata="zone"),
    "value": lambda t: economics.lifetime_value(
        t, "months", "gone", margin=10.0, horizon=12, discount=0.1, by="plan", entry="since"
    ),
    "improvement": lambda t: economics.improvement(
        t,
        "months",
        "gone",
        change={"q1": 1},
        covariates=["plan"],
        margin=10.0,
        horizon=12,
        discount=0.1,
        cost=100.0,
        uptake=0.5,
        entry="since",
        strata="zone",
        resamples=40,
    ),
    "compare": lambda t: benchmark.compare(t, "nps", unit="brand", focal="us", columns="p10", by="plan"),
    "league": lambda t: benchmark.league(t, "nps", unit="brand", columns="p10", weights="pond", level=0.9),
    "rate": lambda t: benchmark.league(t, "rate", unit="brand", columns=COUNTED),
}
NUMBERS = ["p10", "q1", "q2", "q3", "sat", "months", "gone", "since", "ontime", "flights"]
WORDS = ["plan", "zone", "brand"]


def answers(n=300, seed=4):
    """Customers with answers, a life and a brand, under names that are not cxlab's."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.integers(1, 8, (n, 3)), columns=list(QUESTIONS.values()))
    table["sat"] = (table.mean(axis=1) + rng.normal(0, 1, n)).round().clip(1, 7).astype(int)
    table["p10"] = rng.integers(0, 11, n)
    table["plan"], table["zone"] = rng.choice(list("abc"), n), rng.choice(["x", "y"], n)
    table["brand"] = rng.choice(["us", "them", "others"], n)
    table["months"], table["gone"] = rng.integers(2, 40, n), rng.integers(0, 2, n)
    table["since"] = np.maximum(table["months"] - rng.integers(1, 30, n), 0)
    table["pond"] = rng.uniform(0.5, 2, n)
    table["flights"] = 50
    table["ontime"] = rng.integers(20, 51, n)
    return table


def blank(table):
    """Answers, groups and weights that are not there, here and there."""
    table = table.astype(dict.fromkeys(["p10", "q1", "sat", "since", "ontime"], float))
    for start, column in enumerate(["p10", "q1", "sat", "since", "plan", "zone", "brand", "ontime"]):
        table.loc[10 * start : 10 * start + 12, column] = None
    table.loc[100:110, "pond"] = 0.0
    return table


SHAPES = {
    "repeated text index": lambda t: t.set_index(pd.Index(["same"] * len(t))),
    "several levels": lambda t: t.set_index(pd.MultiIndex.from_arrays([range(len(t)), ["k"] * len(t)])),
    "nullable": lambda t: t.convert_dtypes(),
    "arrow": lambda t: t.convert_dtypes(dtype_backend="pyarrow"),
    "categories": lambda t: t.astype(dict.fromkeys(WORDS, "category")),
    "arrow text": lambda t: t.astype(dict.fromkeys(WORDS, "string[pyarrow]")),
    "floats": lambda t: t.astype(dict.fromkeys(NUMBERS, float)),
    "objects": lambda t: t.astype(dict.fromkeys([*NUMBERS, "pond"], object)),
    "numeric categories": lambda t: t.astype(dict.fromkeys(["p10", "sat", "months"], "category")),
    "small integers": lambda t: t.astype(dict.fromkeys(NUMBERS, "uint8")),
    "booleans": lambda t: t.assign(gone=t["gone"].astype(bool)),
    "nullable booleans": lambda t: t.assign(gone=t["gone"].astype("boolean")),
    "declared": lambda t: declared(t),
}


def declared(table):
    table = table.copy()
    table.attrs["scales"] = {"p10": [0, 10], **{c: [1, 7] for c in ("q1", "q2", "q3", "sat")}}
    return table


@pytest.fixture(scope="module")
def plain():
    return {name: analyse(answers()) for name, analyse in ANALYSES.items()}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ANALYSES)
def test_dtypes_and_indexes_change_nothing(name, shape, plain):
    table = SHAPES[shape](answers())
    before, attrs = table.copy(deep=True), json.dumps(table.attrs)
    result = ANALYSES[name](table)
    pd.testing.assert_frame_equal(table, before)
    assert json.dumps(table.attrs) == attrs
    expected = plain[name]
    assert (result.n_used, result.n_dropped) == (expected.n_used, expected.n_dropped)
    for column in expected.table.select_dtypes("number"):
        got, want = (held[column].to_numpy(dtype=float) for held in (result.table, expected.table))
        np.testing.assert_allclose(got, want, rtol=1e-9, err_msg=column)
    json.dumps(dict(result.settings))
    json.dumps([dict(claim.fields) for claim in (*result.claims, *result.otherwise)])


@pytest.mark.parametrize("name", ANALYSES)
def test_every_row_is_used_or_dropped_for_a_known_reason(name):
    table = blank(answers())
    result = ANALYSES[name](table)
    assert result.n_used + sum(result.n_dropped.values()) == len(table)
    for reason, count in result.n_dropped.items():
        assert isinstance(reason, Message)
        assert type(count) is int
        assert reason.template in {
            "{column} missing", "weight zero", "no metric answered", "no driver rated", "incomplete rows",
            "nothing to compare with", "seen only before the curve starts", "segment left out", "no trials",
        }  # fmt: skip
    assert result.estimate_column in result.table


def test_groups_of_mixed_types_are_kept_apart():
    table = answers().assign(plan=lambda t: t["plan"].map({"a": 1, "b": "two", "c": 3.5}))
    found = survival.retention(table, "months", "gone", by=["plan"])
    assert set(found.table["plan"]) == {1, "two", 3.5}
    assert set(metrics.score(table, "nps", columns="p10", by="plan").table["plan"]) == {1, "two", 3.5}


def test_upper_limits_are_never_above_one():
    table = pd.DataFrame({"months": [5, 7, 9], "gone": [1, 1, 0], "plan": ["alone", "two", "two"]})
    found = survival.retention(table, "months", "gone", by="plan").table
    assert found["conf_high"].between(0, 1).all()


EVERY = sorted(ANALYSES)


READS_FILES = ("score", "retention", "hazards", "value", "improvement")  # a text is a path to them


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("given", [None, [1, 2], {"p10": [1]}, "table"])
def test_what_is_not_a_frame_is_refused(name, given):
    message = f"the table is a {type(given).__name__}; give a pandas DataFrame"
    if given == "table" and name.startswith(READS_FILES):
        message = "no Parquet file can be read at table; give the path of a .parquet file"
    with pytest.raises(AnalysisError, match=message):
        ANALYSES[name](given)


@pytest.mark.parametrize("name", EVERY)
def test_an_empty_table_is_refused(name):
    with pytest.raises(AnalysisError, match="the table has no rows"):
        ANALYSES[name](answers().head(0))


@pytest.mark.parametrize("column", ["customer_id", "customerID", "respondent_id", "RespondentId"])
@pytest.mark.parametrize("name", EVERY)
def test_rows_read_twice_are_refused(name, column):
    table = answers()
    table[column] = range(len(table))
    with pytest.raises(AnalysisError, match=rf"found {column} repeated: 0, 1, 2 \(6 rows\)"):
        ANALYSES[name](pd.concat([table, table.head(3)]))


@pytest.mark.parametrize("name", EVERY)
def test_a_response_id_is_unique(name):
    table = answers().assign(ResponseId=["r", "r", *map(str, range(298))])
    with pytest.raises(AnalysisError, match=r"found ResponseId repeated: r \(2 rows\)"):
        ANALYSES[name](table)


@pytest.mark.parametrize("name", ["score by", "listwise", "retention by", "league"])
@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (-1.0, "found -1.0"),
        (np.nan, "found nan"),
        (np.inf, "found inf"),
        (0.0, "sums to zero"),
        (1j, "not numeric"),
    ],
)
def test_weights_that_cannot_be_used_are_refused(name, weight, message):
    with pytest.raises(AnalysisError, match=message):
        ANALYSES[name](answers().assign(pond=weight))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda t: metrics.score(t, "nps", columns="p10", by="none"),
            "no row is left to analyse: none missing 300",
        ),
        (
            lambda t: metrics.score(t, "nps", columns="p10", by="lists"),
            "column 'lists' holds lists or mappings",
        ),
        (lambda t: metrics.score(t, "nps", columns="p10", weights="p10"), "columns with two roles: p10"),
        (lambda t: metrics.score(t, "nps", columns={"recommend": None}), "the table has no column None"),
        (
            lambda t: metrics.score(t, "pxi", columns=["q1", "q2", "q3"]),
            "columns is a list; give {slot: column} for",
        ),
        (lambda t: metrics.score(t, "nps", columns="complex"), "found 1j"),
        (lambda t: metrics.score(t, "nps", columns="p10", level="0.95"), "level is 0.95; give"),
        (lambda t: metrics.rake(t, {"plan": {"a": 1}}), "the table is a dict; give a pandas DataFrame"),
        (lambda t: benchmark.league(t, "nps", unit="lists", columns="p10"), "column 'lists' holds lists"),
        (lambda t: benchmark.league(t, "nps", unit=["brand"], columns="p10"), r"no column \['brand'\]"),
        (
            lambda t: benchmark.compare(t, "nps", unit="p10", focal=10, columns="p10"),
            "columns with two roles: p10",
        ),
        (lambda t: survival.retention(t, "months", "gone", by="lists"), "column 'lists' holds lists"),
        (lambda t: survival.retention(t, "months", "lists"), r"column lists: found text \('\[1\]'\)"),
        (
            lambda t: survival.retention(t.assign(time=1), "months", "gone", by="time"),
            "by names time; each column",
        ),
        (lambda t: survival.retention(t, "months", "gone", by=["plan", "plan"]), "by names plan, plan; each"),
        (
            lambda t: survival.retention(pd.concat([t, t]).assign(k=range(600)), "months", "gone", by="k"),
            "k makes 600 curves, more than 500",
        ),
        (lambda t: survival.hazards(t, "months", "gone", ["lists"]), "column 'lists' holds lists"),
        (
            lambda t: survival.hazards(t, "months", "gone", ["q1"], strata="lists"),
            "column 'lists' holds lists",
        ),
        (
            lambda t: drivers.importance(t, "sat", ["q1", "copy"]),
            "column copy: found the outcome 'sat' under another name",
        ),
        (lambda t: drivers.importance(t, "sat", ["q1", "q2"], controls="lists"), "1 different values"),
        (lambda t: drivers.importance(t, "sat", ["q1", "q2"], resamples=10.5), "resamples is 10.5; give 0"),
        (lambda t: drivers.importance(t, "sat", ["q1", "q2"], seed=-1), "seed is -1; give a whole number"),
        (lambda t: drivers.importance(t, "sat", ["q1", "q2"], seed="a"), "seed is 'a'; give a whole number"),
        (
            lambda t: drivers.importance(t, "sat", ["q1", "q2"], groups=["q1"]),
            "groups is a list; give {name of",
        ),
    ],
)
def test_refusals(call, message):
    table = answers().assign(none=None, lists=[[1]] * 300, complex=1j, copy=lambda t: 10 - 1.5 * t["sat"])
    with pytest.raises(AnalysisError, match=message):
        call(table)


def test_codes_coded_events_are_refused_also_as_categories():
    table = answers().assign(gone=lambda t: (t["gone"] + 1).astype("category"))
    with pytest.raises(AnalysisError, match="column gone: found the codes 1, 2 .*recode it under values"):
        survival.retention(table, "months", "gone")


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        (pd.Series([1, None], dtype="Int64"), [1, np.nan]),
        (pd.Series([1.5, pd.NA], dtype=object), [1.5, np.nan]),
        (pd.Series([2, 3]).astype("category"), [2, 3]),
        (pd.Series([None, None], dtype=object), [np.nan, np.nan]),
        (pd.Series([1, 2], dtype="int64[pyarrow]"), [1, 2]),
        (pd.Series([True, False]), None),
        (pd.Series([True, None], dtype=object), None),
        (pd.Series(["1", "2"]), None),
        (pd.Series(["a", "b"], dtype="category"), None),
        (pd.Series(pd.to_datetime(["2024-01-01"])), None),
        (pd.Series(pd.to_timedelta([1], unit="D")), None),
        (pd.Series([1j]), None),
    ],
)
def test_what_a_number_is(held, expected):
    read = as_floats(held)
    if expected is None:
        assert read is None
    else:
        np.testing.assert_array_equal(read, expected)


def test_a_minus_one_is_a_code_only_where_no_zero_is():
    assert missing_codes(np.array([-1.0, 0, 1])) == []
    assert missing_codes(np.array([-1.0, 1, 2, 7])) == [-1.0]
    assert missing_codes(np.array([-9.0, -1, 0, 5])) == [-9.0, -1.0]
    assert missing_codes(np.array([99.0, 99])) == []
