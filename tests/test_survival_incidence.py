"""Shares who left for each reason: by hand, the jackknife itself, invariants, coverage, what is refused."""

import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxlab.analysis.estimates import masked
from cxlab.analysis.survival import incidence, retention
from cxlab.errors import AnalysisError

REPLICATIONS = int(os.environ.get("CXLAB_REPLICATIONS", 200))
SLACK = 2 * np.sqrt(0.95 * 0.05 / REPLICATIONS)
MGUS2 = Path(os.environ.get("CXLAB_REAL_DATA", "")) / "mgus2.csv"
FEW = settings(max_examples=20, derandomize=True, deadline=None)


def customers(n, seed, *, late=False, rates=(0.02, 0.03)):
    """Two reasons with constant hazards in whole months, many ties, some seen from later on."""
    rng = np.random.default_rng(seed)
    first, second = (np.ceil(rng.exponential(1 / r, n)) for r in rates)
    left, seen = np.minimum(first, second), rng.integers(6, 40, n)
    why = np.where(first < second, "voluntary", "involuntary").astype(object)
    entry = rng.integers(0, 10, n) * rng.integers(0, 2, n) if late else np.zeros(n, dtype=int)
    gone = left <= seen
    table = pd.DataFrame({
        "months": np.minimum(left, seen), "left": gone.astype(int), "why": np.where(gone, why, None),
        "seen_from": entry, "plan": rng.choice(["a", "b"], n),
    })  # fmt: skip
    return table[table["months"] > table["seen_from"]].reset_index(drop=True)


def shares(duration, event, cause, entry, weight, times, own):
    """F of the cause `own` at `times`, by its definition, with a weight for each customer."""
    out, stay, share = [], 1.0, 0.0
    for t in np.unique(duration):
        y = weight[(entry < t) & (t <= duration)].sum()
        here = (duration == t) & (event == 1)
        share += stay * weight[here & (cause == own)].sum() / y
        stay *= 1 - weight[here].sum() / y
        if t in times:
            out.append(share)
    return np.array(out)


@pytest.mark.skipif(not MGUS2.is_file(), reason="no mgus2.csv (R's survival::mgus2) among the real files")
def test_mgus2_is_rs_survfit():
    """R's package may not be shipped: who has it writes the data set as mgus2.csv beside the real files."""
    patients = pd.read_csv(MGUS2)
    ill = patients["pstat"] == 1
    why = np.where(ill, "pcm", np.where(patients["death"] == 1, "death", None))
    table = pd.DataFrame({
        "months": np.where(ill, patients["ptime"], patients["futime"]), "why": why, "sex": patients["sex"],
        "left": (pd.Series(why).notna()).astype(int),
    })  # fmt: skip
    rows = incidence(table, "months", "left", cause="why", horizons=[60, 120, 240]).tables["horizons"]
    expected = {
        "pcm": ([0.034103712974, 0.063722168013, 0.099813715935],
                [0.0048892579077, 0.006796848424, 0.0097848467934]),
        "death": ([0.32036701027, 0.53181770408, 0.72402797614],
                  [0.012567371548, 0.014059645162, 0.015606345068]),
    }  # fmt: skip
    for cause, (shares_, errors) in expected.items():
        own = rows[rows["cause"] == cause]
        assert own["estimate"].to_numpy() == pytest.approx(shares_, rel=1e-8)
        assert own["std_error"].to_numpy() == pytest.approx(errors, rel=1e-8)


def test_by_hand_with_ties_of_both_reasons():
    table = pd.DataFrame({
        "months": [2, 2, 2, 5, 5, 7, 9, 9], "left": [1, 1, 0, 1, 1, 0, 1, 0],
        "why": ["a", "b", None, "a", "b", None, "b", None],
    })  # fmt: skip
    result = incidence(table, "months", "left", cause="why", horizons=[5, 9])
    # Eight at 2: one for each reason; five at 5: one for each; two at 9: one for b.
    after = Fraction(6, 8)
    a = Fraction(1, 8) + after * Fraction(1, 5)
    b = a + after * Fraction(3, 5) * Fraction(1, 2)
    found = result.tables["horizons"].set_index(["cause", "time"])["estimate"]
    assert found[("a", 5)] == pytest.approx(float(a), rel=1e-14)
    assert found[("a", 9)] == pytest.approx(float(a), rel=1e-14)
    assert found[("b", 9)] == pytest.approx(float(b), rel=1e-14)
    assert result.table.loc[result.table["time"] == 0, "estimate"].tolist() == [0, 0]


@pytest.mark.parametrize("late", [False, True])
def test_errors_are_the_infinitesimal_jackknife(late):
    table = customers(160, 3, late=late)
    entry = "seen_from" if late else None
    result = incidence(table, "months", "left", cause="why", entry=entry).table
    read = [table[c].to_numpy() for c in ("months", "left", "why", "seen_from")]
    start = result["time"].min()  # with late entry the curve may start once enough are at risk
    kept = read[0] > start
    duration, event, cause, since = (column[kept] for column in read)
    times = np.array([t for t in (6, 14, 25, duration.max()) if t in duration])
    for own in ("involuntary", "voluntary"):
        rows = result[(result["cause"] == own) & result["time"].isin(times)]
        even = np.ones(len(duration))
        args = (duration, event, cause, since)
        assert rows["estimate"].to_numpy() == pytest.approx(shares(*args, even, times, own), rel=1e-12)
        step, slopes = 1e-5, []
        for i in range(len(duration)):
            up, down = even.copy(), even.copy()
            up[i] += step
            down[i] -= step
            slopes.append((shares(*args, up, times, own) - shares(*args, down, times, own)) / (2 * step))
        expected = np.sqrt((np.array(slopes) ** 2).sum(axis=0))
        assert rows["std_error"].to_numpy() == pytest.approx(expected, rel=1e-6)


@FEW
@given(st.integers(0, 10**6), st.booleans())
def test_reasons_and_who_stays_add_up_to_all(seed, late):
    table = customers(120, seed, late=late)
    entry = "seen_from" if late else None
    gone = incidence(table, "months", "left", cause="why", entry=entry).table
    stay = retention(table, "months", "left", entry=entry).table
    together = gone.groupby("time")["estimate"].sum().to_numpy() + stay["estimate"].to_numpy()
    assert together == pytest.approx(np.ones(len(stay)), abs=1e-12)


def test_one_reason_alone_is_one_less_the_retention_errors_and_limits_too():
    table = customers(300, 5)
    gone = incidence(table.assign(why=table["why"].where(table["left"] == 0, "any")), "months", "left",
                     cause="why").table  # fmt: skip
    stay = retention(table, "months", "left").table
    for ours, theirs in (("estimate", "estimate"), ("conf_low", "conf_high"), ("conf_high", "conf_low")):
        assert gone[ours].to_numpy() == pytest.approx(1 - stay[theirs].to_numpy(), abs=1e-12)
    inside = stay["estimate"] > 0
    assert gone.loc[inside, "std_error"].to_numpy() == pytest.approx(stay.loc[inside, "std_error"], rel=1e-9)


def test_order_of_rows_entry_of_zero_and_other_units_change_nothing():
    table = customers(250, 6)
    plain = incidence(table, "months", "left", cause="why")
    mixed = incidence(table.sample(frac=1, random_state=1), "months", "left", cause="why")
    zero = incidence(table.assign(zero=0), "months", "left", cause="why", entry="zero")
    pd.testing.assert_frame_equal(plain.table, mixed.table)
    pd.testing.assert_frame_equal(plain.table, zero.table)
    days = incidence(table.assign(months=table["months"] * 30), "months", "left", cause="why").table
    assert days["std_error"].to_numpy() == pytest.approx(plain.table["std_error"].to_numpy(), rel=1e-12)


def test_groups_are_tested_for_each_reason_with_holm():
    table = customers(900, 7)
    result = incidence(table, "months", "left", cause="why", by=["plan"], horizons=[12])
    ranks = result.tables["log_rank"].set_index("cause")
    for why in ("voluntary", "involuntary"):
        own = table.assign(left=(table["why"] == why).astype(int))
        alone = retention(own, "months", "left", by=["plan"]).tables["log_rank"].iloc[0]
        assert ranks.loc[why, "statistic"] == pytest.approx(alone["statistic"], rel=1e-12)
    assert ranks["p_adjusted"].max() >= ranks["p_value"].max()
    assert {c.code for c in result.claims} == {"incidence.level", "incidence.alike"}
    assert list(result.tables["horizons"].columns[:4]) == ["plan", "cause", "time", "at_risk"]


def test_small_bases_are_masked():
    shown = masked(incidence(customers(40, 8), "months", "left", cause="why"))
    hidden = shown.table["flag"] == "suppressed"
    assert hidden.any()
    assert shown.table.loc[hidden, ["estimate", "events", "at_risk"]].isna().all(axis=None)


def test_who_left_has_a_reason_and_who_stays_has_none():
    table = customers(60, 9)
    gone, here = table.index[table["left"] == 1], table.index[table["left"] == 0]
    with pytest.raises(AnalysisError, match="customers who left without a cause") as caught:
        incidence(table.assign(why=table["why"].where(table.index != gone[0])), "months", "left", cause="why")
    assert caught.value.problems[0].count == 1
    with pytest.raises(AnalysisError, match="still here with a cause of leaving"):
        incidence(table.assign(why=table["why"].mask(table.index == here[0], "x")), "months", "left",
                  cause="why")  # fmt: skip
    with pytest.raises(AnalysisError, match="is both the event and the cause"):
        incidence(table, "months", "left", cause="left")
    nobody = table[table["left"] == 0]
    result = incidence(nobody, "months", "left", cause="why", by=["plan"])
    assert result.table.empty
    assert [c.code for c in result.claims] == ["retention.no_events"]


@pytest.mark.simulation
def test_shares_are_covered():
    voluntary, involuntary = 0.02, 0.03
    every = voluntary + involuntary
    # Whole months: a reason comes first in its month, and the later of two in one month is not seen.
    month = np.arange(1, 25)
    stay = np.exp(-every * (month - 1))
    only = (1 - np.exp(-voluntary)) * np.exp(-involuntary)
    truth = float((stay * only).sum())
    inside = 0
    for seed in range(REPLICATIONS):
        table = customers(300, seed, late=True)
        at = incidence(table, "months", "left", cause="why", entry="seen_from", horizons=[24])
        row = at.tables["horizons"].set_index("cause").loc["voluntary"]
        inside += row["conf_low"] <= truth <= row["conf_high"]
    assert 0.93 - SLACK <= inside / REPLICATIONS <= 0.97 + SLACK
