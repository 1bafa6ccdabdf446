# ruff: noqa: E501  tables of cases: one case to a line
"""Customers through a window, episodes and landmarks: by hand, what adds up, and what is refused."""

from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxlab import demo
from cxlab.analysis.survival import episodes, hazards, landmark, observe, retention
from cxlab.errors import AnalysisError
from cxlab.periods import UNITS

WINDOW = ("2023-01-01", "2024-12-31")
FEW = settings(max_examples=25, derandomize=True, deadline=None)


def table(rows, **more):
    """Customers from (id, joined, left)."""
    frame = pd.DataFrame(rows, columns=["who", "joined", "left"])
    frame["joined"], frame["left"] = pd.to_datetime(frame["joined"]), pd.to_datetime(frame["left"])
    return frame.assign(**more)


def seen(customers, **how):
    return observe(customers, **{"id": "who", "start": "joined", "end": "left", "window": WINDOW, **how})


def many(n=300, seed=0):
    rng = np.random.default_rng(seed)
    joined = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 2000, n), unit="D")
    left = joined + pd.to_timedelta(rng.integers(0, 1200, n), unit="D")
    return pd.DataFrame({"who": np.arange(n), "joined": joined, "left": left.where(rng.random(n) < 0.6)})


CASES = [
    # joined, left, entry, duration, event
    ("2023-01-15", "2023-01-15", 0, 1, 1),  # left on the day of joining: the first month
    ("2023-01-15", "2023-02-10", 0, 1, 1),  # a life under a month is no life of zero
    ("2023-01-15", "2023-02-15", 0, 1, 1),  # the day a month is completed still belongs to it
    ("2023-01-15", "2023-02-16", 0, 2, 1),
    ("2023-01-31", "2023-02-28", 0, 1, 1),  # the last day of a shorter month
    ("2023-01-31", "2023-03-01", 0, 2, 1),
    ("2024-01-01", None, 0, 12, 0),  # still here when the window closes
    ("2024-01-01", "2024-12-31", 0, 12, 1),  # the last day is in the window
    ("2024-01-01", "2025-03-10", 0, 12, 0),  # left after it: still here at its end
    ("2024-01-01", "9999-12-31", 0, 12, 0),  # never, as many systems write it
    ("2021-06-15", "2023-03-01", 19, 21, 1),  # had joined before: at risk from the next month on
    ("2021-06-15", None, 19, 43, 0),
    ("2022-01-01", "2023-01-02", 12, 13, 1),
]


@pytest.mark.parametrize(("joined", "left", "entry", "duration", "event"), CASES)
def test_months_by_hand(joined, left, entry, duration, event):
    frame = pd.DataFrame({
        "who": [1, 2],
        "joined": [date.fromisoformat(joined), date(2023, 5, 1)],
        "left": [date.fromisoformat(left) if left else None, None],
    })  # fmt: skip
    row = seen(frame).iloc[0]
    assert row[["entry", "duration", "event"]].tolist() == [entry, duration, event]


def test_other_units():
    frame = table([(1, "2022-11-20", "2023-03-20"), (2, "2023-05-01", None)])
    got = {unit: seen(frame, unit=unit).iloc[0][["entry", "duration"]].tolist() for unit in UNITS[:4]}
    expected = {"day": [42, 120], "week": [6, 18], "month": [2, 4], "quarter": [1, 2]}
    assert got == expected
    assert seen(frame, unit="day").unit == "day"
    by_year = seen(frame, unit="year")
    assert by_year["id"].tolist() == [2]
    assert by_year.excluded.to_numpy().tolist() == [
        ["under observation for no whole unit of time before the end", 1]
    ]


def test_what_is_left_out_is_counted_and_adds_up():
    frame = table([
        ("used", "2023-02-01", "2023-08-01"), ("late", "2025-01-01", None), ("gone", "2021-01-01", "2022-12-31"),
        ("first day", "2021-01-01", "2023-01-01"), ("no start", None, None), ("after", "2024-02-01", "2025-02-01"),
    ])  # fmt: skip
    result = seen(frame)
    assert result["id"].tolist() == ["used", "after"]
    assert result.excluded.to_numpy().tolist() == [
        ["joined missing", 1], ["joined after the window", 1], ["left before the window", 2],
    ]  # fmt: skip
    assert len(frame) == len(result) + result.excluded["n"].sum()
    assert result.receipt.to_numpy().tolist() == [
        ["customers given", 6], ["joined missing", -1], ["joined after the window", -1],
        ["left before the window", -2], ["customers used", 2], ["of them under observation from the start", 2],
        ["of them under observation only later", 0], ["of them left", 1],
        ["of them left after the window: still here at its end", 1],
    ]  # fmt: skip


def test_columns_and_what_the_table_is():
    result = seen(many())
    assert result.columns.tolist() == ["id", "entry", "duration", "event", "cause"]
    assert type(result.table) is pd.DataFrame
    assert type(result[result["event"] == 1]) is pd.DataFrame
    pd.testing.assert_frame_equal(result.table, pd.DataFrame(result))
    assert result.dates.columns.tolist() == ["start", "first", "last"]
    assert len(result.dates) == len(result)
    kept = retention(result, "duration", "event", entry="entry")
    assert kept.n_used + sum(kept.n_dropped.values()) == len(result)


def test_first_seen_moves_the_entry():
    frame = table([(1, "2023-01-15", None), (2, "2023-01-15", "2023-06-20"), (3, "2023-01-15", "2023-06-20"),
                   (4, "2023-01-15", None), (5, "2023-01-15", None)])  # fmt: skip
    frame["asked"] = pd.to_datetime(["2023-04-20", "2023-06-19", "2023-06-20", None, "2022-12-01"])
    result = seen(frame, first_seen="asked")
    assert result["id"].tolist() == [1, 5]
    assert result["entry"].tolist() == [4, 0]
    assert result["duration"].tolist() == [24, 24]
    assert dict(result.excluded.to_numpy()) == {
        "asked missing": 1,
        "first seen when it was over": 1,
        "under observation for no whole unit of time before the end": 1,
    }


def test_the_cause_is_of_who_left_within_the_window():
    frame = table([(1, "2023-02-01", "2023-08-01"), (2, "2024-02-01", "2025-02-01"), (3, "2023-02-01", None),
                   (4, "2023-02-01", "2023-09-01")], why=["price", "price", "none", None])  # fmt: skip
    result = seen(frame, cause="why")
    assert result["cause"].fillna("-").tolist() == ["price", "-", "-", "-"]
    assert ["of them left, no cause given", 1] in result.receipt.to_numpy().tolist()
    assert seen(frame)["cause"].isna().all()


@FEW
@given(st.integers(0, 10**6), st.sampled_from(UNITS))
def test_everybody_is_at_risk_for_some_time_and_nothing_moves(seed, unit):
    frame = many(80, seed)
    frame["left"] = frame["left"].mask(frame["left"] < frame["joined"])
    before = frame.copy(deep=True)
    result = seen(frame, unit=unit)
    pd.testing.assert_frame_equal(frame, before)
    assert (result["entry"] < result["duration"]).all()
    assert (result["entry"] >= 0).all()
    mixed = seen(frame.sample(frac=1, random_state=seed % 999), unit=unit)
    pd.testing.assert_frame_equal(
        mixed.sort_values("id").reset_index(drop=True), result.sort_values("id").reset_index(drop=True)
    )


def test_dates_of_any_kind_are_the_same_days():
    frame = many()
    plain = seen(frame)
    zone = frame.assign(**{c: frame[c].dt.tz_localize("America/Santiago", nonexistent="shift_forward")
                           for c in ("joined", "left")})  # fmt: skip
    other = zone.assign(left=zone["left"].dt.tz_convert("America/Los_Angeles"))
    objects = frame.assign(
        **{c: [v.date() if pd.notna(v) else None for v in frame[c]] for c in ("joined", "left")}
    )
    arrow = frame.assign(**{c: frame[c].astype("date32[pyarrow]") for c in ("joined", "left")})
    seconds = frame.astype({"joined": "datetime64[s]", "left": "datetime64[us]"})
    for same in (zone, other, objects, arrow, seconds):
        pd.testing.assert_frame_equal(seen(same).table, plain.table)
    hours = pd.Timedelta(hours=23), pd.Timedelta(hours=1)
    clock = frame.assign(joined=frame["joined"] + hours[0], left=frame["left"] + hours[1])
    pd.testing.assert_frame_equal(seen(clock).table, plain.table)


def test_several_zones_become_one():
    early, late = timezone(timedelta(hours=-4)), timezone(timedelta(hours=9))
    stamps = [datetime(2023, 5, 1, 22, tzinfo=early), datetime(2023, 5, 1, 22, tzinfo=late)]
    frame = pd.DataFrame({"who": [1, 2], "joined": pd.Series(stamps, dtype=object), "left": [None, None]})
    assert seen(frame).dates["start"].astype(str).tolist() == ["2023-05-02", "2023-05-01"]


def test_the_demo_is_observed_as_intake_counts_its_durations():
    customers = demo.fibra()["customers"]
    window = customers["start_date"].min(), customers["observation_end"].max()
    result = observe(customers, id="customer_id", start="start_date", end="end_date", window=window)
    assert len(result) == len(customers)
    for ours, theirs in (("duration", "duration"), ("event", "event")):
        assert (result[ours].to_numpy() == customers[theirs].to_numpy()).all()
    assert (result["entry"] == 0).all()


# Episodes.


def answers(*rows):
    frame = pd.DataFrame(rows, columns=["who", "on", "nps"])
    return frame.assign(on=pd.to_datetime(frame["on"]))


NAMES = {"id": "who", "date": "on", "value": "nps"}
ONE = table([("a", "2023-01-10", "2024-01-05")])  # twelve months, left


def cut(customers, *rows, **how):
    return episodes(seen(customers), answers(*rows), **NAMES, **how)


def spans(result):
    return result[["start", "stop", "event", "nps"]].to_numpy().tolist()


def test_episodes_by_hand():
    both = [("a", "2023-03-20", "promoter"), ("a", "2023-06-10", "detractor")]
    assert spans(cut(ONE, *both)) == [
        [0, 3, 0, "not surveyed"], [3, 5, 0, "promoter"], [5, 12, 1, "detractor"],
    ]  # fmt: skip
    assert spans(cut(ONE, *both, max_age=1)) == [
        [0, 3, 0, "not surveyed"], [3, 4, 0, "promoter"], [4, 5, 0, "not surveyed"],
        [5, 6, 0, "detractor"], [6, 12, 1, "not surveyed"],
    ]  # fmt: skip
    assert spans(cut(ONE, *both, lag=3)) == [
        [0, 6, 0, "not surveyed"], [6, 8, 0, "promoter"], [8, 12, 1, "detractor"],
    ]  # fmt: skip
    assert spans(cut(ONE)) == [[0, 12, 1, "not surveyed"]]
    assert spans(cut(ONE, *both, unsurveyed="sin respuesta"))[0][3] == "sin respuesta"


def test_an_answer_counts_strictly_after_it_was_given():
    late = cut(ONE, ("a", "2023-12-20", "detractor"))
    assert spans(late) == [[0, 12, 1, "not surveyed"]]
    assert late.excluded.to_numpy().tolist() == [["given too late to come before the end", 1]]
    # The day a month is completed: from the next day on.
    assert spans(cut(ONE, ("a", "2023-03-10", 9)))[1] == [2, 12, 1, "9"]
    assert spans(cut(ONE, ("a", "2023-01-10", True)))[0] == [0, 1, 0, "not surveyed"]


def test_an_answer_from_before_the_window_holds_on_entry():
    before = table([("a", "2022-01-10", "2023-06-05")])
    assert spans(cut(before, ("a", "2022-05-02", "promoter"))) == [[12, 17, 1, "promoter"]]
    gone = cut(before, ("a", "2022-05-02", "promoter"), max_age=6)
    assert spans(gone) == [[12, 17, 1, "not surveyed"]]
    assert gone.excluded.to_numpy().tolist() == [["no longer held when observation began", 1]]


def test_every_answer_is_accounted_for():
    result = cut(
        ONE, ("a", "2023-03-20", "x"), ("a", "2023-03-25", "y"), ("b", "2023-03-20", "x"), ("a", None, "x"),
        ("a", "2023-03-20", None), ("a", "2022-03-20", "x"), ("a", "2024-03-20", "x"),
    )  # fmt: skip
    assert spans(result) == [[0, 3, 0, "not surveyed"], [3, 12, 1, "y"]]
    assert dict(result.excluded.to_numpy()) == {
        "nps missing": 1, "on missing": 1, "of nobody who is observed": 1, "given before joining": 1,
        "given too late to come before the end": 1, "another answer of the same month holds": 1,
    }  # fmt: skip
    assert ["answers that hold", 1] in result.receipt.to_numpy().tolist()


@FEW
@given(st.integers(0, 10**6), st.sampled_from([None, 1, 5]), st.sampled_from([0, 2]))
def test_episodes_cover_each_customer_without_gap_or_overlap(seed, max_age, lag):
    observed = seen(many(60, seed))
    rng = np.random.default_rng(seed)
    n = 150
    surveys = pd.DataFrame({
        "who": rng.integers(0, 70, n), "nps": rng.choice(["d", "p"], n),
        "on": pd.Timestamp("2020-06-01") + pd.to_timedelta(rng.integers(0, 1800, n), unit="D"),
    })  # fmt: skip
    parts = episodes(observed, surveys, **NAMES, max_age=max_age, lag=lag)
    assert (parts["start"] < parts["stop"]).all()
    grouped = parts.groupby("id")
    again = parts.table.assign(before=grouped["stop"].shift())
    assert (again["before"].isna() | (again["before"] == again["start"])).all()
    whole = observed.table.set_index("id").sort_index()
    assert (grouped["start"].min() == whole["entry"]).all()
    assert (grouped["stop"].max() == whole["duration"]).all()
    assert (grouped["event"].sum() == whole["event"]).all()
    assert parts["event"].sum() == parts.loc[parts["event"] == 1, "id"].nunique()
    # The curve does not see that time was cut.
    one = retention(observed, "duration", "event", entry="entry").table["estimate"].to_numpy()
    two = retention(parts.table.drop(columns="id"), "stop", "event", entry="start").table
    if len(one) == len(two):
        assert two["estimate"].to_numpy() == pytest.approx(one, abs=1e-12)


def test_a_landmark_is_the_state_of_who_is_here():
    customers = table([("a", "2023-01-10", "2024-01-05"), ("b", "2023-01-10", "2023-05-01"),
                       ("c", "2023-01-10", None), ("d", "2021-01-10", None)])  # fmt: skip
    given_ = answers(("a", "2023-03-20", "p"), ("c", "2023-09-01", "p"), ("b", "2023-03-20", "d"))
    result = landmark(seen(customers), given_, at=6, **NAMES)
    assert result.to_numpy().tolist() == [
        ["a", 6, 12, 1, None, "p"], ["c", 6, 24, 0, None, "not surveyed"],
    ]  # fmt: skip
    assert dict(result.excluded.to_numpy()) == {
        "left, or seen last, before the landmark": 1, "under observation only after the landmark": 1,
    }  # fmt: skip
    with pytest.raises(AnalysisError, match="no row is left to analyse"):
        landmark(seen(customers), given_, at=600, **NAMES)


# What is refused.


@pytest.mark.parametrize(
    ("change", "how", "says"),
    [
        ({"who": [1, 1, 3]}, {}, r"who repeated: 1 \(2 rows\); allowed: one row for each customer"),
        ({"who": [1, None, 3]}, {}, "column who: found a blank"),
        ({"left": ["2022-01-01", None, None]}, {}, "an end before the start, of 1; .*on_bad='drop'"),
        ({"joined": ["01/02/2023"] * 3}, {}, r"column joined: found no dates \('01/02/2023'\).*pd.to_datetime"),
        ({"joined": [44927, 44928, 44929]}, {}, r"column joined: found no dates \(44927\)"),
        ({}, {"window": ("2024-01-01", "2023-01-01")}, "the window closes on 2023-01-01 and opens on 2024-01-01"),
        ({}, {"window": ("2024-01-01", "31/12/2024")}, "window is '31/12/2024', which is no date"),
        ({}, {"window": "2024"}, "window is '2024'; give its first and its last day"),
        ({}, {"window": (None, "2024-12-31")}, "window is None, which is no date"),
        ({}, {"unit": "months"}, "unit is 'months'; allowed: day, week, month, quarter, year"),
        ({}, {"on_bad": "ignore"}, "on_bad is 'ignore'; allowed: refuse, drop"),
        ({}, {"end": "joined"}, "column 'joined' is both the start and the end"),
        ({}, {"end": "gone"}, "the table has no column gone"),
        ({}, {"window": ("2030-01-01", "2031-01-01")}, "no row is left to analyse: left before the window 3"),
    ],
)  # fmt: skip
def test_bad_customers_are_refused(change, how, says):
    frame = table(
        [(1, "2023-01-15", "2023-05-01"), (2, "2023-02-15", "2023-05-01"), (3, "2023-02-15", "2023-04-01")]
    )
    for column, values in change.items():
        dates = column == "left"
        frame[column] = pd.to_datetime(pd.Series(values)) if dates else pd.Series(values)
    with pytest.raises(AnalysisError, match=says):
        seen(frame, **how)


def test_naive_beside_aware_dates_are_refused():
    frame = many()
    with pytest.raises(
        AnalysisError, match=r"some dates have a time zone \(left\) and others have none \(joined\)"
    ):
        seen(frame.assign(left=frame["left"].dt.tz_localize("UTC")))
    stamps = [datetime(2023, 5, 1, tzinfo=UTC), datetime(2023, 5, 1)]
    mixed = pd.DataFrame({"who": [1, 2], "joined": pd.Series(stamps, dtype=object), "left": [None, None]})
    with pytest.raises(AnalysisError, match=r"time zone \(joined\) and others have none \(joined\)"):
        seen(mixed)


def test_ends_before_starts_can_be_left_out_counted():
    frame = table([(1, "2023-01-15", "2022-05-01"), (2, "2023-02-15", None)])
    result = seen(frame, on_bad="drop")
    assert result.excluded.to_numpy().tolist() == [["end before start", 1]]
    assert result["id"].tolist() == [2]


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"max_age": 0}, "max_age is 0; give a whole number of units of time, 1 or more"),
        ({"lag": 1.5}, "lag is 1.5; give a whole number of units of time, 0 or more"),
        ({"unsurveyed": "p"}, "'nps' has a level 'p' of its own"),
        ({"date": "nps"}, "column 'nps' is both the date and the value"),
    ],
)
def test_bad_episodes_are_refused(how, says):
    with pytest.raises(AnalysisError, match=says):
        episodes(seen(ONE), answers(("a", "2023-03-20", "p")), **{**NAMES, **how})


def test_episodes_need_what_observe_returned():
    with pytest.raises(AnalysisError, match=r"observed is a DataFrame; give what survival.observe returned"):
        episodes(seen(ONE).table, answers(("a", "2023-03-20", "p")), **NAMES)
    surveys = answers(("a", "2023-03-20", "p")).rename(columns={"nps": "event"})
    with pytest.raises(AnalysisError, match="'event' is a column of the episodes"):
        episodes(seen(ONE), surveys, id="who", date="on", value="event")


def test_a_model_takes_episodes():
    rng = np.random.default_rng(0)
    customers = many(1500, 2)
    surveys = pd.DataFrame({"who": rng.integers(0, 1500, 900), "nps": rng.choice(["d", "p"], 900),
                            "on": pd.Timestamp("2022-06-01") + pd.to_timedelta(rng.integers(0, 800, 900), unit="D")})  # fmt: skip
    parts = episodes(seen(customers), surveys, **NAMES)
    result = hazards(parts.table.drop(columns="id"), "stop", "event", ["nps"], entry="start")
    assert set(result.settings["references"]["nps"].split()) == {"not", "surveyed"}
