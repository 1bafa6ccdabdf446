"""The four loyal behaviours against experience: planted ratios, closed forms, what is refused."""

import os

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cxlab import demo
from cxlab.analysis import economics, metrics
from cxlab.analysis.economics.followed import DAYS
from cxlab.analysis.economics.rates import log_rates
from cxlab.analysis.economics.responses import half_lives
from cxlab.analysis.estimates import as_one_family
from cxlab.errors import AnalysisError

REPLICATIONS = int(os.environ.get("CXLAB_REPLICATIONS", 200))
TRUTH = {"permanence": 0.008, "upsell": 0.010, "cross_sell": 0.0, "recommendation": 0.015}  # per point of PXI
RATES = {"permanence": 0.03, "upsell": 0.03, "cross_sell": 0.02, "recommendation": 0.02}


def world(n=3000, seed=1, *, truth=TRUTH, uneven=0.0):
    """Customers surveyed some months after joining, and what they did since; sales go to the content.

    `uneven` is the variance of what each customer buys more or less than others alike.
    """
    rng = np.random.default_rng(seed)
    pxi = rng.normal(20, 30, n).round()
    listed = (rng.random(n) < 1 / (1 + np.exp(-pxi / 15))).astype(int)
    start = pd.Timestamp("2022-01-01") + pd.to_timedelta(rng.integers(0, 400, n), unit="D")
    survey = start + pd.to_timedelta(rng.integers(30, 300, n), unit="D")
    stay = rng.exponential(DAYS / (RATES["permanence"] * np.exp(-truth["permanence"] * (pxi - 20))))
    last = pd.Timestamp("2024-12-31")
    leaves = survey + pd.to_timedelta(np.ceil(stay), unit="D")
    customers = pd.DataFrame({
        "customer_id": [f"c{k}" for k in range(n)], "pxi": pxi, "listed": listed, "start_date": start,
        "survey_date": survey, "end_date": leaves.where(leaves <= last), "observation_end": last,
        "margin_monthly": 10.0, "recommend": np.clip((pxi / 12 + 6).round(), 0, 10),
        "plan": rng.choice(["a", "b"], n),
    })  # fmt: skip
    days = (customers["end_date"].fillna(last) - survey).dt.days.to_numpy()
    own = rng.gamma(1 / uneven, uneven, n) if uneven else np.ones(n)
    done = []
    for kind in ("upsell", "cross_sell", "recommendation"):
        rate = RATES[kind] * np.exp(truth[kind] * (pxi - 20)) * own / DAYS
        rate = rate * np.where((kind == "cross_sell") & (listed == 1), 3.0, 1.0)
        at = np.repeat(np.arange(n), rng.poisson(rate * days))
        when = survey[at] + pd.to_timedelta(rng.random(len(at)) * days[at], unit="D")
        done.append(pd.DataFrame({"at": at, "ts": when, "kind": kind, "margin": 2.0}))
    what = pd.concat(done, ignore_index=True)
    what["customer_id"] = customers["customer_id"].to_numpy()[what["at"]]
    brought = what[what["kind"] == "recommendation"]
    referrals = pd.DataFrame({
        "referrer_id": brought["customer_id"], "referred_id": [f"r{k}" for k in range(len(brought))],
        "ts": brought["ts"], "became_customer": 1,
    })  # fmt: skip
    return customers, what[what["kind"] != "recommendation"], referrals


def ask(tables, **changed):
    return economics.behaviours(*tables, **{"pushes": ["listed"], **changed})


@pytest.fixture(scope="module")
def tables():
    return world()


@pytest.fixture(scope="module")
def found(tables):
    return ask(tables)


def test_the_ratios_are_the_planted_ones(found):
    rows = found.table.set_index("behaviour")
    for behaviour, per_point in TRUTH.items():
        row = rows.loc[behaviour]
        assert abs(row["log_ratio"] - 10 * per_point) < 3.3 * row["std_error"], behaviour
        assert row["estimate"] == pytest.approx(np.exp(row["log_ratio"]))
    assert (rows["p_adjusted"] >= rows["p_value"]).all()
    claimed = {c.fields["behaviour"] for c in found.claims if c.code == "economics.behaviour"}
    assert claimed == {"permanence", "upsell", "recommendation"}
    assert {c.grade for c in found.claims if c.code == "economics.behaviour"} == {"B"}


def test_sales_go_to_the_content_unless_their_list_is_held_fixed(tables, found):
    naive = ask(tables, pushes=[]).table.set_index("behaviour")
    assert naive.loc["cross_sell", "p_value"] < 0.001
    assert found.table.set_index("behaviour").loc["cross_sell", "p_value"] > 0.05
    assert (
        naive.loc["permanence", "log_ratio"]
        == found.table.set_index("behaviour").loc["permanence", "log_ratio"]
    )
    caveats = {
        c.fields["behaviour"]: c.caveats for c in ask(tables, pushes=[]).claims[:4] if "behaviour" in c.fields
    }
    assert "sales_pushed" in caveats["cross_sell"]
    assert "sales_pushed" not in caveats["permanence"]


def test_only_what_comes_after_the_survey_counts(tables, found):
    customers, transactions, referrals = tables
    before = pd.DataFrame({
        "customer_id": customers["customer_id"], "ts": customers["survey_date"] - pd.Timedelta(days=5),
        "kind": "upsell", "margin": 2.0,
    })  # fmt: skip
    again = ask((customers, pd.concat([transactions, before]), referrals))
    pd.testing.assert_frame_equal(again.table, found.table)
    pd.testing.assert_frame_equal(again.tables["first_times"], found.tables["first_times"])


def test_months_followed_end_with_the_customer(tables, found):
    customers = tables[0]
    days = (customers["end_date"].fillna(customers["observation_end"]) - customers["survey_date"]).dt.days
    assert found.table["customer_months"].iloc[1] == pytest.approx(days[days > 0].sum() / DAYS)
    assert (
        found.table.set_index("behaviour").loc["permanence", "events"] == customers["end_date"].notna().sum()
    )


def test_rates_by_dose_are_events_over_months(tables, found):
    customers, transactions, _ = tables
    doses = found.tables["doses"]
    upsell = doses[doses["behaviour"] == "upsell"]
    assert upsell["events"].sum() == (transactions["kind"] == "upsell").sum()
    assert upsell["n"].sum() == found.n_used
    assert upsell["estimate"].is_monotonic_increasing
    leaving = doses[doses["behaviour"] == "permanence"]["estimate"]
    assert leaving.iloc[0] > leaving.iloc[-1]
    few = ask((customers.assign(pxi=np.sign(customers["pxi"])), *tables[1:])).tables["doses"]
    assert set(few["dose"]) == {"-1", "0", "1"}


def test_who_leaves_can_no_longer_buy(tables, found):
    """The share who did it within a year, by hand: S(t-) times the rate, summed up."""
    rows = found.tables["first_times"]
    upsell = rows[rows["behaviour"] == "upsell"]
    assert upsell["estimate"].iloc[-1] > upsell["conf_high"].iloc[0]
    assert (upsell["conf_low"] < upsell["estimate"]).all()
    customers, transactions, referrals = tables
    same = customers.assign(pxi=0.0)
    same.loc[same.index[0], "pxi"] = 1.0  # a covariate must vary
    whole = economics.behaviours(same, transactions, referrals, levels=2).tables["first_times"]
    row = whole[(whole["behaviour"] == "upsell") & (whole["dose"] == "0")].iloc[0]
    sold = transactions[transactions["kind"] == "upsell"].groupby("customer_id")["ts"].min()
    first = (customers["customer_id"].map(sold) - customers["survey_date"]) / pd.Timedelta(days=DAYS)
    end = (customers["end_date"].fillna(pd.Timestamp("2024-12-31")) - customers["survey_date"]).dt.days / DAYS
    assert end.min() > 0
    # Nobody is censored before a year but by the end of observation, which is later for all.
    full = customers["survey_date"] + pd.Timedelta(days=366) < pd.Timestamp("2024-12-31")
    assert full.all()
    share = ((first <= 12) & (first <= end)).iloc[1:].mean()
    assert row["estimate"] == pytest.approx(share, abs=1e-9)


def test_periods_share_out_what_was_done(found):
    lags = found.tables["lags"]
    total = found.table.set_index("behaviour")["events"]
    assert lags.groupby("behaviour")["events"].sum().to_dict() == total.to_dict()
    upsell = lags[lags["behaviour"] == "upsell"]
    assert upsell["since"].tolist() == [0.0, 3.0, 6.0, 12.0]
    near = (upsell["log_ratio"] - 0.1).abs() < 3.3 * upsell["std_error"]
    assert near.all()


def test_a_half_life_is_found_and_what_does_not_fade_has_none(found):
    t = np.array([1.0, 4, 8, 16])
    curve = pd.DataFrame({
        "behaviour": "upsell", "month": t, "log_ratio": 0.4 * 2 ** (-t / 5.0), "std_error": 0.02,
    })  # fmt: skip
    row = half_lives(curve, 0.95).iloc[0]
    assert row["estimate"] == pytest.approx(5, rel=0.02)
    assert row["conf_low"] < 5 < row["conf_high"] < 10
    lasting = half_lives(curve.assign(log_ratio=0.4), 0.95).iloc[0]
    assert lasting["estimate"] == lasting["conf_high"] == np.inf
    assert np.isnan(half_lives(curve.assign(log_ratio=0.001), 0.95).iloc[0]["estimate"])
    own = found.tables["half_life"].set_index("behaviour")
    assert own.loc["permanence", "conf_high"] == np.inf
    assert np.isnan(own.loc["cross_sell", "estimate"])


def test_the_bridge_is_its_formula(found):
    rows, bridge = found.table.set_index("behaviour"), found.tables["bridge"].set_index("behaviour")
    upsell = rows.loc["upsell"]
    rate = upsell["events"] / upsell["customer_months"]
    assert bridge.loc["upsell", "estimate"] == pytest.approx(12 * rate * (upsell["estimate"] - 1) * 2.0 * 6)
    stay = rows.loc["permanence"]
    rate, t = stay["events"] / stay["customer_months"], np.linspace(0, 12, 20_001)
    gap = np.exp(-rate / stay["estimate"] * t) - np.exp(-rate * t)
    assert bridge.loc["permanence", "estimate"] == pytest.approx(10 * np.trapezoid(gap, t), rel=1e-5)
    assert bridge.loc["recommendation", "estimate"] > 0
    parts = bridge.drop(index="total")
    assert parts["estimate"].sum() == pytest.approx(bridge.loc["total", "estimate"])
    assert parts["part"].sum() == pytest.approx(1)
    assert (bridge["conf_low"] <= bridge["estimate"]).all()
    (claim,) = [c for c in found.claims if c.code == "economics.bridge"]
    assert claim.fields["level"] == 0.8


def test_sales_that_are_not_monthly_count_once(tables, found):
    once = ask(tables, recurring=False).tables["bridge"].set_index("behaviour")["estimate"]
    monthly = found.tables["bridge"].set_index("behaviour")["estimate"]
    assert once["upsell"] == pytest.approx(monthly["upsell"] / 6)
    assert once["permanence"] == monthly["permanence"]


def test_who_recommends_in_deed(tables, found):
    customers, _, referrals = tables
    rows = found.tables["referrers"].set_index("class")
    promoters = customers[customers["recommend"] >= 9]
    share = promoters["customer_id"].isin(referrals["referrer_id"]).mean()
    assert rows.loc["promoter", "estimate"] == pytest.approx(share)
    assert rows.loc["promoter", "conf_low"] < share < rows.loc["promoter", "conf_high"]
    assert rows["n"].sum() == len(customers)
    assert "referrers" not in ask(tables, recommend=None).tables


def test_nothing_is_said_where_nothing_is():
    flat = ask(world(1500, 4, truth=dict.fromkeys(TRUTH, 0.0)))
    assert flat.claims[0].code == "economics.behaviours_none"
    assert "economics.bridge" not in {c.code for c in flat.claims}


def test_one_family_withdraws_what_no_longer_stands(found):
    (alone,) = as_one_family(found)
    assert [c.code for c in alone.claims].count("economics.behaviour") == 3


def test_errors_of_rates_are_those_of_customers_not_of_events():
    rng = np.random.default_rng(3)
    x, months = rng.normal(size=(4000, 1)), rng.uniform(5, 20, 4000)
    own = rng.gamma(0.5, 2.0, 4000)  # some buy much more often than others
    counts = rng.poisson(0.1 * own * months).astype(float)
    found = log_rates(counts, months, x)
    poisson = 1 / np.sqrt(counts.sum())
    assert np.sqrt(found.covariance[1, 1]) > 1.3 * poisson
    slopes = []
    for _ in range(150):
        pick = rng.integers(0, 4000, 4000)
        slopes.append(log_rates(counts[pick], months[pick], x[pick]).beta[1])
    assert np.sqrt(found.covariance[1, 1]) == pytest.approx(np.std(slopes), rel=0.2)


def test_a_rate_without_covariates_is_events_over_months():
    counts, months = np.array([3.0, 0, 1, 4]), np.array([10.0, 5, 8, 12])
    x = np.array([[0.0], [0], [1], [1]])
    found = log_rates(counts, months, x)
    assert np.exp(found.beta[0]) == pytest.approx(3 / 15)
    assert np.exp(found.beta.sum()) == pytest.approx(5 / 20)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"experience": "plan"}, "'plan' holds no numbers"),
        ({"experience": "nps"}, "the table has no column nps"),
        ({"step": 0}, "step is 0"),
        ({"lag": -1}, "lag is -1"),
        ({"levels": 1}, "levels is 1"),
        ({"periods": (0,)}, "periods is 0"),
        ({"margin": "plan"}, "holds no amounts"),
        ({"recommend": "plan"}, "'plan' holds no numbers"),
        ({"survey": "start_date", "start": "survey_date"}, "joined after their survey"),
        ({"lag": 600}, "no row is left to analyse"),
    ],
)
def test_what_cannot_be_used_is_refused(tables, changed, words):
    with pytest.raises(AnalysisError, match=words):
        ask(tables, **changed)


def test_a_customer_twice_is_refused(tables):
    with pytest.raises(AnalysisError, match="duplicate rows"):
        ask((pd.concat([tables[0], tables[0].head(1)]), *tables[1:]))


def test_under_ten_followed_are_not_told_of(tables):
    with pytest.raises(AnalysisError, match="under 10 customers were followed"):
        ask((tables[0].head(9), *tables[1:]))


@pytest.mark.parametrize("client", ["fibra", "nada"])
def test_the_demo_has_what_was_planted(client):
    """T18; experience brings staying, upgrades and referrals, other products only the sales list does."""
    built = getattr(demo, client)()
    customers = built["customers"].assign(pxi=metrics.contribution(built["customers"], "pxi"))
    found = economics.behaviours(
        customers, built["transactions"], built["referrals"],
        covariates=["attr_price", "attr_promo"], pushes=["attr_sales_list"],
    )  # fmt: skip
    standing = {c.fields["behaviour"] for c in found.claims if c.code == "economics.behaviour"}
    share = found.tables["referrers"].set_index("class")["estimate"]
    if client == "nada":
        assert standing == set()
        assert abs(share["promoter"] - share["passive"]) < 0.06
        return
    assert standing == {"permanence", "upsell", "recommendation"}
    assert share["promoter"] == pytest.approx(0.22, abs=0.025)
    assert share["passive"] == pytest.approx(0.06, abs=0.027)
    bridge = found.tables["bridge"].set_index("behaviour")["part"]
    assert bridge.drop("total").idxmax() == "permanence"


@pytest.mark.simulation
def test_intervals_of_the_four_ratios_hold_the_truth():
    """Also where some customers buy more often than others: errors are over customers."""
    held = dict.fromkeys(TRUTH, 0)
    for seed in range(REPLICATIONS):
        table = ask(world(800, 100 + seed, uneven=0.5), periods=(6,), resamples=40).table
        for row in table.itertuples():
            held[row.behaviour] += row.conf_low <= np.exp(10 * TRUTH[row.behaviour]) <= row.conf_high
    low, high = stats.binom.ppf([0.0005, 0.9995], REPLICATIONS, 0.95)
    for behaviour, count in held.items():
        assert low <= count <= high, (behaviour, count / REPLICATIONS)
