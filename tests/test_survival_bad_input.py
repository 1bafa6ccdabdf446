# ruff: noqa: E501  a table of cases: one case to a line
"""Bad input in survival: each case that other packages take in silence, and what is said of it here."""

import numpy as np
import pandas as pd
import pytest

from cxlab.analysis.survival import episodes, hazards, observe, restricted_mean, retention
from cxlab.errors import AnalysisError


def customers(n=120, seed=0, **change):
    """Customers with durations in months; `change` overwrites columns, or the first of a column's rows."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({
        "months": rng.integers(2, 30, n).astype(float), "left": rng.integers(0, 2, n), "entry": 1.0,
        "score": rng.normal(size=n), "plan": rng.choice(["one", "two", "three"], n),
    })  # fmt: skip
    for column, values in change.items():
        if callable(values):
            frame[column] = values(frame)
        elif isinstance(values, list):
            frame[column] = [*values, *frame[column].tolist()[len(values) :]]
        else:
            frame[column] = values
    return frame


def following(**change):
    """Two episodes for each customer, the second where the first ends; all leave at the end of both."""
    first = customers(60, months=5.0, entry=0.0, left=1)
    both = pd.concat([first, first.assign(months=9.0, entry=5.0)]).assign(who=lambda t: t.index)
    both = both.sort_values(["who", "entry"], ignore_index=True)
    return both.assign(**{column: values(both) for column, values in change.items()})


def people(**change):
    frame = pd.DataFrame(
        {"who": ["a", "b", "c"], "joined": ["2023-01-15"] * 3, "left": ["2023-05-01", None, None]}
    )
    frame = frame.assign(**change)
    return frame.assign(**{
        c: pd.to_datetime(frame[c]) for c in ("joined", "left") if isinstance(frame[c].dropna().iloc[0], str)
    })  # fmt: skip


def seen(frame, **how):
    return observe(
        frame,
        **{"id": "who", "start": "joined", "end": "left", "window": ("2023-01-01", "2024-12-31"), **how},
    )


def curve(frame, **how):
    return retention(frame, "months", "left", **how)


def model(frame, covariates=("score",), **how):
    return hazards(frame, "months", "left", covariates, **how)


def leaving_level(t):
    """Of plan three nobody leaves."""
    return np.where(t["plan"] == "three", 0, t["left"])


def parted(t):
    """Who leaves has a score above all others who are still there (no estimate is finite)."""
    return np.where(t["left"] == 1, 100 - t["months"], -100.0)


REFUSED = {
    "negative duration, curve": (lambda: curve(customers(months=[-3.0])), "months: found a negative duration .*the end lies before the start"),
    "negative duration, model": (lambda: model(customers(months=[-3.0])), "row 1, column months: found a negative duration"),
    "negative duration, ids": (lambda: curve(customers(months=[4.0, -3.0], customer_id=lambda t: t.index + 100)), r"a negative duration \(-3\) \(customer_id 101\)"),
    "negative duration, mean": (lambda: restricted_mean(customers(months=[-3.0]), "months", "left", horizon=12), "a negative duration"),
    "churn date before start": (lambda: seen(people(left=["2022-12-01", None, None])), "column left: found an end before the start, of a; allowed: an end on the day of the start.*on_bad='drop'"),
    "event coded 1/2": (lambda: curve(customers(left=lambda t: t["left"] + 1)), r"column left: found the codes 1, 2.*allowed: 0 \(still here\) or 1 \(left\).*recode"),
    "event coded 1/2, model": (lambda: model(customers(left=lambda t: t["left"] + 1)), "found the codes 1, 2"),
    "event as text": (lambda: model(customers(left=lambda t: t["left"].map({0: "No", 1: "Yes"}))), r"text \('No', 'Yes'\).*Yes to 1 and No to 0"),
    "event blank": (lambda: curve(customers(left=lambda t: t["left"].where(t.index > 2))), "found a blank.*a blank is not a customer who stayed"),
    "all censored": (lambda: model(customers(left=0)), "no events: nothing to estimate; none of the 120 customers left"),
    "duplicate customers, window": (lambda: seen(people(who=["a", "a", "c"])), r"who repeated: a \(2 rows\); allowed: one row for each customer"),
    "duplicate customers, curve": (lambda: curve(customers(customer_id=lambda t: t.index // 2)), "customer_id repeated: 0, 1, 2, 3, 4, ..."),
    "duplicate customers, model": (lambda: model(customers(id=lambda t: t.index // 2)), "id repeated: 0, 1, 2, 3, 4, ..."),
    "no departure at a level": (lambda: model(customers(left=leaving_level), ["plan", "score"]), r"column plan: found no departure among the \d+ customers with plan: three.*merge the category"),
    "separation": (lambda: model(customers(score=parted)), "the hazard of 'score' has no finite estimate: .*merge categories or leave it out"),
    "collinear": (lambda: model(customers(twice=lambda t: 2 * t["score"]), ["score", "twice"]), "covariates that determine each other: score, twice"),
    "constant": (lambda: model(customers(score=1.0)), "column score: found one value only"),
    "id column of numbers": (lambda: model(customers(account=lambda t: t.index + 5000), ["score", "account"]), "column account: found a different whole number for each customer, as an id has"),
    "id column of text": (lambda: model(customers(account=lambda t: "c" + t.index.astype(str)), ["score", "account"]), "column account: found 120 different values"),
    "naive and aware dates": (lambda: seen(people(joined=pd.to_datetime(["2023-01-15"] * 3).tz_localize("UTC"))), r"some dates have a time zone \(joined\) and others have none \(left\)"),
    "dates as text": (lambda: seen(pd.DataFrame({"who": ["a"], "joined": ["15/01/2023"], "left": [None]})), r"column joined: found no dates \('15/01/2023'\).*pd.to_datetime"),
    "dates as numbers": (lambda: seen(pd.DataFrame({"who": ["a"], "joined": [44941], "left": [None]})), r"column joined: found no dates \(44941\)"),
    "dates where months are asked": (lambda: curve(customers(months=pd.Timestamp("2023-01-15"))), "column months: found no numbers .*compute the time between the two dates first"),
    "zero duration": (lambda: curve(customers(months=[0.0])), "found a duration of zero.*count the first month as 1"),
    "unseen level": (lambda: model(customers(), ["plan"]).survival(pd.DataFrame({"plan": ["four"]}), [12]), r"column plan: found a level the model has not seen \(four\)"),
    "blank at prediction": (lambda: model(customers(), ["plan"]).survival(pd.DataFrame({"plan": [None]}), [12]), "column plan: found a blank"),
    "group without any category": (lambda: curve(customers(plan=None), by="plan"), "no row is left to analyse: plan missing 120"),
    "entry at the end": (lambda: curve(customers(months=[1.0]), entry="entry"), "column entry: found an entry of 1 and a months of 1.*allowed: an entry before the end"),
    "entry at the end, ids": (lambda: curve(customers(months=[1.0], customer_id=lambda t: t.index + 100), entry="entry"), r"found an entry of 1 and a months of 1 \(customer_id 100\)"),
    "negative entry": (lambda: model(customers(entry=[-1.0]), entry="entry"), "found a negative entry"),
    "episodes that overlap": (lambda: model(customers(who=lambda t: t.index // 2), entry="entry", id="who"), "column who: found episodes of one customer that overlap: "),
    "two events of one customer": (lambda: model(following(), entry="entry", id="who"), "column who: found customers who leave more than once: "),
    "leaving where nobody stayed": (lambda: model(following(left=lambda t: 1 - t.index % 2), entry="entry", id="who"), "column who: found customers still observed after they left: "),
    "surveys with a level of their own": (lambda: episodes(seen(people()), pd.DataFrame({"who": ["a"], "on": pd.to_datetime(["2023-02-01"]), "nps": ["not surveyed"]}), id="who", date="on", value="nps"), "has a level 'not surveyed' of its own"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_refused_with_what_to_do(case):
    run, says = REFUSED[case]
    with pytest.raises(AnalysisError, match=says):
        run()


def test_what_lies_outside_the_window_is_counted():
    frame = people(joined=["2023-01-15", "2023-01-15", "2025-03-01"], left=["2025-05-01", None, None])
    result = seen(frame)
    assert result.table.loc[result["id"] == "a", ["duration", "event"]].to_numpy().tolist() == [[24, 0]]
    assert result.excluded.to_numpy().tolist() == [["joined after the window", 1]]
    assert ["of them left after the window: still here at its end", 1] in result.receipt.to_numpy().tolist()
    assert len(result) + result.excluded["n"].sum() == len(frame)


def test_a_life_of_thirty_days_is_in_the_first_month():
    result = seen(people(left=["2023-02-14", "2023-01-15", None]))
    assert result["duration"].tolist()[:2] == [1, 1]


def test_aware_dates_of_several_zones_become_days_of_one():
    frame = people(joined=pd.to_datetime(["2023-01-15 23:00"] * 3).tz_localize("America/Santiago"),
                   left=pd.to_datetime(["2023-03-16 01:00", None, None]).tz_localize("UTC"))  # fmt: skip
    # One in the morning in London is the 15th in Santiago, on which two months are completed.
    assert seen(frame)["duration"].tolist() == [2, 24, 24]


def test_who_has_no_group_is_left_out_of_the_test_and_counted():
    frame = customers(plan=[None] * 10)
    result = curve(frame, by="plan")
    assert dict(result.n_dropped) == {"plan missing": 10}
    again = curve(frame[10:], by="plan")
    pd.testing.assert_frame_equal(result.tables["log_rank"], again.tables["log_rank"])


def test_all_who_stayed_bound_the_curve():
    assert [claim.code for claim in curve(customers(left=0)).claims] == ["retention.no_events"]


def test_an_empty_risk_set_moves_the_start_of_the_curve_and_says_so():
    early = pd.DataFrame({"months": [2.0, 2.0], "left": [1, 1], "entry": [0.0, 0.0]})
    late = customers(400, months=lambda t: t["months"] + 6).assign(entry=6.0)
    result = curve(pd.concat([early, late], ignore_index=True), entry="entry")
    assert result.settings["starts_at"] == 2
    assert dict(result.n_dropped) == {"seen only before the curve starts": 2}
    assert result.table["estimate"].iloc[-1] > 0 or result.table["events"].iloc[-1] > 0
