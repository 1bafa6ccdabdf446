"""What goes wrong where time is not looked after, and does not here: simulations with a known truth.

The sizes of the biases are those measured before this was built (a responder who only seems to stay:
a hazard ratio of 0.446 for a truth of 1; a window that is taken for the whole story: 0.62 for 0.54).
"""

import os

import numpy as np
import pandas as pd
import pytest

from cxlab.analysis.survival import audit_leaks, episodes, hazards, landmark, observe, receipt, retention
from cxlab.errors import AnalysisError
from cxlab.reporting import html
from cxlab.reporting.bundle import bundle
from cxlab.reporting.words import Words

REPLICATIONS = int(os.environ.get("CXLAB_REPLICATIONS", 200))
MONTH = 30.436875  # days
OPENS, CLOSES = np.datetime64("2022-01-01"), np.datetime64("2023-12-31")


def later(day, months):
    return day + np.round(months * MONTH).astype(int).astype("timedelta64[D]")


def dated(columns):
    return pd.DataFrame({k: pd.Series(v).astype("datetime64[s]") if k in ("joined", "left", "on") else v
                         for k, v in columns.items()})  # fmt: skip


def answering(n, seed):
    """Customers who all joined in one month and leave at 4 % a month whether they answer or not.

    Half of them are asked, at a moment of the first 18 months, and answer if they are still here.
    """
    rng = np.random.default_rng(seed)
    joined = OPENS + rng.integers(0, 28, n).astype("timedelta64[D]")
    months, asked = rng.exponential(25, n), np.where(rng.random(n) < 0.5, rng.uniform(0, 18, n), np.inf)
    customers = dated({"who": np.arange(n), "joined": joined, "left": later(joined, months)})
    answered = np.flatnonzero(asked < months)
    surveys = dated({"who": answered, "on": later(joined[answered], asked[answered]), "said": "answered"})
    return customers, surveys


def seen(customers, **how):
    return observe(customers, id="who", start="joined", end="left", window=(OPENS, CLOSES), **how)


def ratio(result):
    """Hazard ratio of who answered against who had not, and its standard error on the log scale."""
    row = result.table.iloc[0]
    sign = -1 if result.settings["references"]["said"] == "answered" else 1
    return sign * row["estimate"], row["std_error"]


ANSWERS = {"id": "who", "date": "on", "value": "said"}
MODEL = {"entry": "start"}


def naive(customers, surveys):
    """Take who ever answered for somebody who had answered from the start."""
    whole = seen(customers)
    said = np.where(whole["id"].isin(surveys["who"]), "answered", "not surveyed")
    return hazards(whole.table.assign(said=said), "duration", "event", ["said"])


def by_episodes(customers, surveys):
    parts = episodes(seen(customers), surveys, **ANSWERS)
    return hazards(parts.table.drop(columns="id"), "stop", "event", ["said"], **MODEL)


def at_landmark(customers, surveys):
    here = landmark(seen(customers), surveys, at=12, **ANSWERS)
    return hazards(here, "duration", "event", ["said"], entry="entry")


def test_an_answer_that_seems_to_keep_customers_does_not():
    customers, surveys = answering(20_000, 1)
    wrong, error = ratio(naive(customers, surveys))
    assert np.exp(wrong) == pytest.approx(0.446, abs=4 * error * 0.446)
    for right in (by_episodes, at_landmark):
        estimate, error = ratio(right(customers, surveys))
        assert estimate == pytest.approx(0, abs=3 * error)
        assert error < 0.06


def test_the_audit_stops_what_is_only_known_later():
    customers, surveys = answering(2_000, 2)
    table = seen(customers).table.merge(surveys.rename(columns={"who": "id"}), on="id", how="left")
    dates = {"dated": {"said": "on"}, "end": "left", "since": "joined"}
    table = table.merge(customers.rename(columns={"who": "id"}), on="id")
    with pytest.raises(
        AnalysisError, match="column said: found dates of after the customer came under observation"
    ):
        audit_leaks(table, "duration", "event", ["said"], **dates)


@pytest.mark.simulation
@pytest.mark.parametrize("right", [by_episodes, at_landmark])
def test_the_ratio_of_an_answer_that_does_nothing_is_one_and_its_interval_covers(right):
    runs = max(REPLICATIONS // 4, 50)
    found = np.array([ratio(right(*answering(1_500, 1_000 + seed))) for seed in range(runs)])
    estimates, errors = found.T
    assert estimates.mean() == pytest.approx(0, abs=3 * estimates.std() / np.sqrt(runs))
    covered = (np.abs(estimates) <= 1.96 * errors).mean()
    assert 0.95 - 2.6 * np.sqrt(0.05 * 0.95 / runs) <= covered


def old_and_new(n, seed):
    """Customers of ten years, 54 % of whom stay 24 months; those who left before the window are not there."""
    rng = np.random.default_rng(seed)
    joined = np.datetime64("2014-01-01") + rng.integers(0, 3650, n).astype("timedelta64[D]")
    left = joined + np.ceil(rng.exponential(24 / -np.log(0.54), n) * MONTH).astype(int).astype(
        "timedelta64[D]"
    )
    there = (left > OPENS) & (joined <= CLOSES)
    return dated({"who": np.arange(there.sum()), "joined": joined[there], "left": left[there]})


def at_24(table, **how):
    row = retention(table, "duration", "event", horizons=[how.pop("at", 24)], **how).tables["overall"].iloc[0]
    return row["estimate"], row["std_error"]


def test_who_left_before_the_window_is_missed_only_if_entry_is_ignored():
    customers = old_and_new(30_000, 3)
    days = seen(customers, unit="day")
    estimate, error = at_24(days, entry="entry", at=24 * MONTH)
    assert estimate == pytest.approx(0.54, abs=3 * error)
    wrong, error = at_24(days, at=24 * MONTH)
    assert wrong > 0.54 + 10 * error
    # In months the first and the last one count as seen whole: half a month too much at each side.
    months, _ = at_24(seen(customers), entry="entry")
    assert 0.54 < months < 0.57


def test_the_receipt_shows_what_ignoring_time_would_have_said():
    days = seen(old_and_new(30_000, 3), unit="day")
    told = receipt(days, horizons=[round(24 * MONTH), 5000])
    row = told.table.iloc[0]
    curves = [at_24(days, at=round(24 * MONTH), **how) for how in ({"entry": "entry"}, {})]
    assert row[["estimate", "entry_ignored"]].tolist() == pytest.approx([c[0] for c in curves], abs=1e-12)
    left = days[days["event"] == 1]
    assert row["leavers_only"] == pytest.approx((left["duration"] > round(24 * MONTH)).mean())
    assert told.table["estimate"].isna().tolist() == [False, True]
    (claim,) = told.claims
    assert claim.code == "retention.entry_ignored"
    assert (claim.fields["late"], claim.fields["time_unit"]) == ((days["entry"] > 0).sum(), "days")
    assert "conditional_on_entry" in claim.caveats
    pd.testing.assert_frame_equal(told.tables["receipt"], days.receipt)


@pytest.mark.parametrize(("language", "days"), [("es", "Días"), ("en", "Days")])
def test_the_receipt_is_told_in_its_unit_and_language(language, days):
    told = receipt(seen(old_and_new(3_000, 3), unit="day"), horizons=[730])
    words = Words(language)
    page = html.result_html(bundle(told, words, id="r"), words)
    assert days in page
    assert "Months" not in page
    assert ("customers given" in page) == (language == "en")


def test_where_all_are_seen_from_the_start_the_receipt_claims_nothing():
    told = receipt(seen(answering(2_000, 5)[0]))
    assert told.claims == ()
    assert (told.table["entry_ignored"] == told.table["estimate"]).all()
    with pytest.raises(AnalysisError, match="observed is a DataFrame; give what survival.observe returned"):
        receipt(seen(answering(50, 5)[0]).table)
    with pytest.raises(AnalysisError, match="horizons must be positive times; got 0"):
        receipt(seen(answering(50, 5)[0]), horizons=[0])


@pytest.mark.simulation
def test_with_entry_the_curve_has_no_bias_and_its_interval_covers():
    runs = max(REPLICATIONS // 4, 50)
    found = []
    for seed in range(runs):
        days = seen(old_and_new(4_000, 5_000 + seed), unit="day")
        found.append(at_24(days, entry="entry", at=24 * MONTH))
    estimates, errors = np.array(found).T
    assert estimates.mean() == pytest.approx(0.54, abs=3 * estimates.std() / np.sqrt(runs))
    assert (np.abs(estimates - 0.54) <= 1.96 * errors).mean() >= 0.95 - 2.6 * np.sqrt(0.05 * 0.95 / runs)


def test_only_those_who_answered_are_seen_from_their_answer_on():
    # 4 % a month: S(12) = 0.619, of who stayed the first month 0.644.
    customers, surveys = answering(40_000, 4)
    only = customers.merge(surveys, on="who")
    clock = seen(only, unit="day")
    wrong, _ = at_24(clock, at=12 * MONTH)
    assert wrong > 0.72
    late = seen(only, unit="day", first_seen="on")
    result = retention(late, "duration", "event", entry="entry", horizons=[12 * MONTH])
    row = result.tables["overall"].iloc[0]
    truth = np.exp(-0.04 * (12 - result.settings["starts_at"] / MONTH))
    assert row["estimate"] == pytest.approx(truth, abs=3 * row["std_error"])
    assert "conditional_on_entry" in result.claims[0].caveats
