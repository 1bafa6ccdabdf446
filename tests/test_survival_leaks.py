"""The leak audit: what leaving made, what came after it, and what only looks like it."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

from cxlab import demo
from cxlab.analysis.survival import audit_leaks, hazards
from cxlab.analysis.survival.observed import cells
from cxlab.analysis.survival.separation import Clock, separation
from cxlab.errors import AnalysisError
from cxlab.reporting import html
from cxlab.reporting.bundle import bundle
from cxlab.reporting.words import Words


def customers(n=2000, seed=0):
    """Monthly durations of a staggered start; nothing goes with leaving."""
    rng = np.random.default_rng(seed)
    leaves, seen = rng.exponential(40, n), rng.uniform(1, 30, n)
    months = np.ceil(np.minimum(leaves, seen))
    left = (leaves <= seen).astype(int)
    start = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 300, n), unit="D")
    return pd.DataFrame({
        "months": months, "left": left, "price": rng.normal(size=n), "plan": rng.choice(list("abc"), n),
        "start": start, "end": (start + pd.to_timedelta(months * 30, unit="D")).where(left == 1),
        "cohort": -np.ceil(seen),
    })  # fmt: skip


def flagged(table, seed=1):
    """A call to retain, made once a customer gives notice: 90 % of those who leave, 2 % of the rest (T7)."""
    rng = np.random.default_rng(seed)
    return np.where(table["left"] == 1, rng.random(len(table)) < 0.9, rng.random(len(table)) < 0.02).astype(
        int
    )


def test_what_was_known_passes_and_what_was_looked_at_is_told():
    table = customers()
    table.loc[:99, "price"] = np.nan
    audit = audit_leaks(table, "months", "left", ["price", "plan", "cohort"])
    assert audit.table["covariate"].tolist() == ["price", "plan", "cohort"]
    assert audit.table["n"].tolist() == [1900, 2000, 2000]
    assert audit.table["separation"].between(0.4, 0.6).all()
    assert (audit.table["flag"] == "ok").all()


@pytest.mark.parametrize(
    ("column", "values", "says"),
    [
        ("retention_call_flag", lambda t: flagged(t), "a name that says that leaving made it"),
        ("winback", lambda t: 1, "a name that says that leaving made it"),
        ("called", flagged, r"tells who leaves from who stays in 9\d% of the pairs"),
        (
            "reason",
            lambda t: np.where(t["left"] == 1, "price", None),
            "filled in only for customers who left",
        ),
        ("notice", lambda t: t["left"] * (t.index % 2), "a value that only customers who left have"),
        ("active", lambda t: 1 - t["left"] * (t.index % 2), "a value that only customers who left have"),
        (
            "status",
            lambda t: np.where(
                t["left"] == 1, np.where(t.index % 2, "x", "y"), np.where(t.index % 3, "a", "b")
            ),
            "other categories for customers who left",
        ),
        (
            "paid_in_all",
            lambda t: t["months"] * np.exp(t["price"] / 5),
            "grows with the time a customer stays",
        ),
        (
            "score",
            lambda t: t["price"] + 4 * t["left"],
            "tells who leaves from who stays in 100% of the pairs",
        ),
    ],
)
def test_what_leaving_made_stops_the_run(column, values, says):
    table = customers().assign(**{column: values})
    with pytest.raises(AnalysisError, match=f"column {column}: found .*{says}"):
        audit_leaks(table, "months", "left", ["plan", column])


def test_all_are_told_at_once_and_what_is_declared_too():
    table = customers().assign(win_back=1, late=0)
    table["called"] = flagged(table)
    table.attrs["after_event"] = ["late"]
    with pytest.raises(AnalysisError) as told:
        audit_leaks(table, "months", "left", ["win_back", "price", "late", "called"])
    assert [problem.column for problem in told.value.problems] == ["win_back", "late", "called"]
    assert "declared after_event" in str(told.value)


def test_who_answers_for_a_column_keeps_it_but_not_its_date():
    table = customers().assign(retention_plan=lambda t: t.index % 2)
    assert len(audit_leaks(table, "months", "left", ["retention_plan"], known=["retention_plan"]).table) == 1
    table["on"] = table["end"]
    with pytest.raises(
        AnalysisError, match="retention_plan: found dates of the day the customer left, or later"
    ):
        audit_leaks(
            table, "months", "left", ["retention_plan"],
            known=["retention_plan"], dated={"retention_plan": "on"}, end="end",
        )  # fmt: skip


def test_dates_are_held_against_the_end_and_the_begin_of_the_risk():
    table = customers().assign(
        asked=lambda t: t["start"] + pd.Timedelta(days=10), seen=lambda t: t["start"] + pd.Timedelta(days=10)
    )
    table.loc[table.index[:50], "asked"] = pd.NaT
    dated = {"dated": {"price": "asked"}, "end": "end"}
    audit = audit_leaks(table, "months", "left", ["price"], since="seen", **dated)
    assert audit.table["undated"].tolist() == [50]
    with pytest.raises(AnalysisError, match=r"after the customer came under observation.*\(1950 rows\)"):
        audit_leaks(table, "months", "left", ["price"], since="start", **dated)
    one = table.index[table["left"] == 1][60]
    table.loc[one, "asked"] = table.loc[one, "end"]
    with pytest.raises(
        AnalysisError, match="column price: found dates of the day the customer left, or later"
    ):
        audit_leaks(table, "months", "left", ["price"], **dated)
    with pytest.raises(AnalysisError, match="need the column `end`"):
        audit_leaks(table, "months", "left", ["price"], dated={"price": "asked"})


def test_separation_is_the_share_of_pairs_with_entry_and_ties():
    rng = np.random.default_rng(3)
    n = 80
    months, left, entry = rng.integers(2, 20, n), rng.random(n) < 0.5, rng.integers(0, 6, n)
    entry = np.minimum(entry, months - 1)
    x = rng.integers(0, 5, n).astype(float)
    pairs = above = 0.0
    for i in np.flatnonzero(left):
        there = ~left & (months >= months[i]) & (entry < months[i])
        pairs += there.sum()
        above += (there & (x < x[i])).sum() + (there & (x == x[i])).sum() / 2
    who = cells(pd.DataFrame({"x": x}), months.astype(float), left, entry.astype(float))
    assert separation(who, who.patterns["x"].to_numpy(), Clock.of(who)) == pytest.approx(
        above / pairs, abs=1e-12
    )


def test_a_cohort_is_not_accused_where_nearly_all_leave():
    # Who has not left at 30 % a month has joined of late: that says nothing of who leaves.
    rng = np.random.default_rng(15)
    leaves, seen = rng.exponential(1 / 0.3, 600), rng.uniform(1, 30, 600)
    table = pd.DataFrame({
        "months": np.ceil(np.minimum(leaves, seen)), "left": (leaves <= seen).astype(int), "joined": -seen,
    })  # fmt: skip
    who = cells(table[["joined"]], table["months"].to_numpy(), table["left"].to_numpy() == 1, np.zeros(600))
    told = audit_leaks(table, "months", "left", ["joined"]).table["separation"].iloc[0]
    assert told == pytest.approx(separation(who, who.patterns["joined"].to_numpy(), Clock.of(who)))
    assert told < 0.1


def test_a_small_table_accuses_nobody():
    table = pd.DataFrame({"months": range(1, 25), "left": [1] * 9 + [0] * 15, "x": [1.0] * 9 + [0.0] * 15})
    assert audit_leaks(table, "months", "left", ["x"]).table["separation"].isna().all()


def test_hazards_are_audited():
    table = customers().assign(called=flagged)
    with pytest.raises(AnalysisError, match="column called: found a column that tells who leaves"):
        hazards(table, "months", "left", ["price", "called"])
    with pytest.raises(AnalysisError, match="column winback: found a name that says"):
        hazards(table.assign(winback=lambda t: t.index % 2), "months", "left", ["price", "winback"])
    some = table.assign(age=np.where(table["left"] == 1, 30 + table["price"], np.nan))
    with pytest.raises(
        AnalysisError, match="column age: found a column that is filled in only for customers"
    ):
        hazards(some, "months", "left", ["age"])


@cache
def demos():
    return demo.fibra()["customers"], demo.nada()["customers"]


def test_the_call_of_the_demo_is_found_under_any_name():
    # T7: nine of ten who leave were called after their notice, two of a hundred who stay were.
    fibra, nada = (t.rename(columns={"attr_retention_call": "attr_called"}) for t in demos())
    covariates = ["attr_price", "attr_promo", "attr_called"]
    with pytest.raises(
        AnalysisError, match=r"column attr_called: found a column that tells who leaves .* 9[345]%"
    ):
        audit_leaks(fibra, "duration", "event", covariates)
    with pytest.raises(AnalysisError, match="column attr_called"):
        hazards(fibra, "duration", "event", covariates)
    # In Nada S.A. nobody is called more often than others, and nothing is accused.
    told = audit_leaks(nada, "duration", "event", covariates).table
    assert told["separation"].between(0.4, 0.6).all()
    assert audit_leaks(fibra, "duration", "event", covariates[:2]).table["separation"].between(0.3, 0.7).all()


@pytest.mark.parametrize(
    ("language", "says"), [("es", "Con dato, de quienes se fueron"), ("en", "of those who left")]
)
def test_the_audit_is_told_in_both_languages(language, says):
    words = Words(language)
    page = html.result_html(
        bundle(audit_leaks(customers(), "months", "left", ["price"]), words, id="r"), words
    )
    assert says in page
    assert "filled_left" not in page
