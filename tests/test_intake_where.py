# ruff: noqa: E501  tables of cases: one case to a line
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxlab.errors import ParameterError
from cxlab.intake import where
from cxlab.intake.tables.expressions import computed

DAYS = pd.to_datetime(["2024-01-01", None, "2025-01-01", "2024-06-30"])


@pytest.fixture
def table():
    return pd.DataFrame(
        {
            "customer_id": [f"c{n}" for n in range(120)],
            "region": ["RM", "V", None, "Biobío"] * 30,
            "recommend": [9.0, 10, np.nan, 3] * 30,
            "end_date": list(DAYS) * 30,
            "event": [0, 1, 1, 0] * 30,
        }
    )


@pytest.mark.parametrize(
    ("expression", "first_four"),
    [
        ("region != 'RM'", [0, 1, 0, 1]),
        ("not (region == 'RM')", [0, 1, 0, 1]),
        ("not (region == 'RM' or recommend < 5)", [0, 1, 0, 0]),
        ("region == 'RM' or region == None", [1, 0, 1, 0]),
        ("region in ['RM', 'V']", [1, 1, 0, 0]),
        ("region not in ('RM',)", [0, 1, 0, 1]),
        ("end_date == None", [0, 1, 0, 0]),
        ("end_date is not None", [1, 0, 1, 1]),
        ("None != end_date", [1, 0, 1, 1]),
        ("end_date >= '2024-06-30'", [0, 0, 1, 1]),
        ("'2024-06-30' > end_date", [1, 0, 0, 0]),
        ("3 < recommend <= 10", [1, 1, 0, 0]),
        ("recommend - 1 > 8", [0, 1, 0, 0]),
        ("-recommend < -9", [0, 1, 0, 0]),
        ("event == true", [0, 1, 1, 0]),
        ("event and recommend > 9", [0, 1, 0, 0]),
        ("event == 1", [0, 1, 1, 0]),
        ("region == region", [1, 1, 0, 1]),
        ("region == 'Biobío'", [0, 0, 0, 1]),
        ("", [1, 1, 1, 1]),
    ],
)
def test_what_matches(table, expression, first_four):
    assert where.mask(table, expression)[:4].tolist() == [bool(each) for each in first_four]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("regon == 'RM'", "there is no column 'regon'; did you mean region?"),
        ("zzz > 1", "there is no column 'zzz'; columns: customer_id"),
        ("recommend == '9'", "'9' cannot be compared with recommend, which holds numbers; write a number, without quotes"),
        ("region == 3", "3 cannot be compared with region, which holds texts; write a text in quotes"),
        ("region > 'a'", "which holds texts; write a text in quotes, with ==, != or in"),
        ("region < region", "wanted: == or != between texts"),
        ("end_date > 2024", "which holds dates; write a date in quotes"),
        ("end_date > '01-02-2024'", "write a date such as '2025-06-30'"),
        ("region == end_date", "wanted: two columns of one kind"),
        ("recommend == true", "which holds numbers; write a number"),
        ("region == 'rm'", "region has no value 'rm'; did you mean 'RM'?"),
        ("region == 'Biobio'", "did you mean 'Biobío'?"),
        ("recommend", "wanted: a condition: compare the column with a value"),
        ("recommend + 1", "wanted: a condition"),
        ("recommend / 0 > 1", "wanted: a divisor that is never zero"),
        ("region + 1 > 2", "wanted: a column of numbers"),
        ("recommend in 3", "wanted: a list in brackets"),
        ("recommend in [None]", "wanted: numbers, texts or dates in the list"),
        ("recommend > None", "== None or != None for missing values"),
        ("recommend is 3", "== None or != None for missing values"),
        ("recommend = 9", "cannot be understood; write a condition such as"),
        ("a b", "cannot be understood"),
        ("(" * 400 + "1" + ")" * 400, "cannot be understood"),
        ("region == 'a' " * 300, "characters; at most 2000"),
    ],
)  # fmt: skip
def test_what_is_refused_and_why(table, expression, message):
    with pytest.raises(ParameterError) as caught:
        where.mask(table, expression)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os').system('true')", "region.upper() == 'RM'", "(lambda: 1)() == 1", "region[0] == 'R'",
        "[x for x in region] == 1", "f'{region}' == 'RM'", "recommend ** 9 > 1", "{'a': 1} == 1", "recommend if 1 else 2",
        "(x := 3) > 2", "recommend @ 2 > 1", "recommend // 2 > 1", "~event", "b'a' == region", "1j > 0", "... == region",
        "print(region)", "*region, == 1", "recommend > 1e999", "await x", "region == 'a' if event else event",
    ],
)  # fmt: skip
def test_nothing_else_is_let_through(table, expression):
    with pytest.raises(ParameterError):
        where.mask(table, expression)


@pytest.mark.parametrize(("kept", "fits"), [(0, False), (1, False), (9, False), (10, True), (110, True), (111, False), (119, False), (120, True)])  # fmt: skip
def test_no_filter_leaves_or_removes_one_to_nine_customers(table, kept, fits):
    table["recommend"] = np.arange(120.0)
    expression = f"recommend < {kept}"
    if fits:
        assert len(where.apply(table, expression, table="customers")) == kept
        return
    with pytest.raises(ParameterError) as caught:
        where.apply(table, expression, table="customers")
    text = str(caught.value).replace(expression, "")
    assert "leaves no row of customers" in text or "under 10 customers" in text
    if kept:
        # the count itself would give them away
        assert not any(f" {n} " in text for n in range(1, 10))


def test_customers_are_counted_not_rows(table):
    table["customer_id"] = [f"c{n // 20}" for n in range(120)]
    table["recommend"] = np.arange(120.0)
    with pytest.raises(ParameterError, match="leaves under 10 customers"):
        where.apply(table, "recommend < 60", table="survey_responses")
    # rows without an id count for one each
    table.loc[:20, "customer_id"] = None
    table.loc[100:, "customer_id"] = None
    assert len(where.apply(table, "recommend < 60", table="survey_responses")) == 60


def test_counts_are_people_where_rows_are_counts():
    counts = pd.DataFrame({"peer_id": ["a", "b", "c"], "trials": [500, 9, 40], "successes": [1, 2, 3]})
    assert len(where.apply(counts, "peer_id == 'a' or peer_id == 'b'", table="benchmark_responses")) == 2
    with pytest.raises(ParameterError, match="removes under 10 customers"):
        where.apply(counts, "peer_id != 'b'", table="benchmark_responses")
    scores = pd.DataFrame({"peer_id": ["a", "b"], "metric": "nps", "value": [1, 2], "n": [300, 400]})
    assert len(where.apply(scores, "peer_id == 'a'", table="benchmark_scores")) == 1
    assert len(where.apply(scores.drop(columns="n"), "peer_id == 'a'", table="benchmark_scores")) == 1
    assert len(where.apply(scores, "peer_id == 'a'", table="items")) == 1


def test_a_filter_changes_nothing_it_is_given(table):
    table.attrs["scales"] = {"recommend": (0, 10)}
    before = table.copy()
    kept = where.apply(table, "region == 'RM'", table="customers")
    assert kept.attrs["scales"] == {"recommend": (0, 10)}
    kept.loc[:, "recommend"] = 0
    pd.testing.assert_frame_equal(table, before)


@settings(max_examples=25, derandomize=True, deadline=None)
@given(st.lists(st.one_of(st.none(), st.integers(0, 10)), min_size=1), st.integers(0, 10))
def test_a_condition_and_its_opposite_never_meet_nor_touch_the_missing(values, cut):
    frame = pd.DataFrame({"x": pd.Series(values, dtype=float)})
    yes, no = where.mask(frame, f"x >= {cut}"), where.mask(frame, f"not x >= {cut}")
    assert not (yes & no).any()
    assert ((yes | no) == frame["x"].notna()).all()


def test_arithmetic_keeps_the_missing():
    frame = pd.DataFrame({"a": [1.0, None, 3.0], "b": [2.0, 2.0, 4.0]})
    assert computed(frame, "(a + b) * 2 / b - -1").tolist()[::2] == [4.0, 4.5]
    assert computed(frame, "a > 2").isna().tolist() == [False, True, False]
    assert computed(frame, "a > 2").tolist()[::2] == [0.0, 1.0]
    assert computed(frame, "a").tolist()[0] == 1.0


def test_people_are_told_apart_by_the_column_of_their_table_and_employees_from_eight():
    many = pd.DataFrame(
        {"arm": ["x"] * 30 + ["y"] * 30, "unit_or_customer_id": [*"ab"] * 15 + list(range(30))}
    )
    with pytest.raises(ParameterError, match="leaves under 10 customers of pilot_assignments"):
        where.apply(many, "arm == 'x'", table="pilot_assignments")
    asked = pd.DataFrame({"unit_id": ["u1"] * 8 + ["u2"] * 7 + ["u3"] * 30, "response_id": range(45)})
    assert len(where.apply(asked, "unit_id == 'u1'", table="employees_survey")) == 8
    with pytest.raises(ParameterError, match="leaves or removes under 8 employees of employees_survey"):
        where.apply(asked, "unit_id == 'u2'", table="employees_survey")
    few = pd.DataFrame({"standard_id": ["s1", "s2"]})
    assert len(where.apply(few, "standard_id == 's1'", table="standards")) == 1
