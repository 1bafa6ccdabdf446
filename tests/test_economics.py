"""Money without and with a contract: published estimates, closed forms, what is refused."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, special, stats

from cxlab.analysis import economics
from cxlab.analysis.estimates import masked
from cxlab.errors import AnalysisError

REPLICATIONS = int(os.environ.get("CXLAB_REPLICATIONS", 200))
REAL = os.environ.get("CXLAB_REAL_DATA", "")
real = pytest.mark.skipif(not REAL, reason="CXLAB_REAL_DATA names no folder of real files")

# Fader & Hardie (2007), Journal of Interactive Marketing 21(1), table 1: customers of 1,000 after each year.
REGULAR = [1000, 631, 468, 382, 326, 289, 262, 241, 223, 207, 194, 183, 173]
HIGH_END = [1000, 869, 743, 653, 593, 551, 517, 491]


def plausible(held):
    """Tell whether intervals of 95 % may have held so often: but for one chance in a thousand."""
    low, high = stats.binom.ppf([0.0005, 0.9995], REPLICATIONS, 0.95)
    return (held >= low) & (held <= high)


def buyers(n, seed, *, r=0.6, alpha=6.0, a=0.8, b=2.5, age=52.0):
    """Customers of a BG/NBD world: repeats, last purchase, age; and their purchases in the next `age`."""
    rng = np.random.default_rng(seed)
    rate, life = rng.gamma(r, 1 / alpha, n), rng.geometric(rng.beta(a, b, n))
    times = np.cumsum(rng.exponential(1 / rate[:, None], (n, 200)), axis=1)
    # Who stops does so right after a purchase: the k-th repeat happens while the (k-1)-th did not end it.
    goes_on = np.arange(200) < life[:, None]
    bought = (times <= age) & goes_on
    later = (times > age) & (times <= 2 * age) & goes_on
    return bought.sum(axis=1), (times * bought).max(axis=1), np.full(n, age), later.sum(axis=1)


# --- BG/NBD -----------------------------------------------------------------------------------------


@real
def test_bg_nbd_gives_the_published_cdnow_estimates():
    table = pd.read_csv(Path(REAL) / "cdnow_customers_summary.csv")
    found = economics.bg_nbd(table["frequency"], table["recency"], table["T"])
    assert found.table["estimate"].tolist() == pytest.approx([0.2426, 4.4135, 0.7929, 2.4258], abs=1e-4)
    assert found.loglik == pytest.approx(-9582.43, abs=0.005)
    assert found.expected_purchases(39, [2], [30.43], [38.86])[0] == pytest.approx(1.226, abs=5e-4)
    assert found.tables["counts"]["observed"].tolist()[0] == 1411
    assert (found.tables["counts"]["expected"] - found.tables["counts"]["observed"]).abs().max() < 25


def test_a_history_counts_the_same_in_days_and_in_weeks():
    x, last, age, _ = buyers(800, 1)
    weeks, days = economics.bg_nbd(x, last, age), economics.bg_nbd(x, last * 7, age * 7)
    ratio = days.table["estimate"] / weeks.table["estimate"]
    assert ratio.tolist() == pytest.approx([1, 7, 1, 1], rel=1e-4)
    ahead = weeks.expected_purchases(10, x, last, age)
    assert days.expected_purchases(70, x, last * 7, age * 7) == pytest.approx(ahead, rel=1e-4)


def test_expected_purchases_are_those_that_come():
    x, last, age, later = buyers(30_000, 3)
    found = economics.bg_nbd(x[:6000], last[:6000], age[:6000])
    expected = found.expected_purchases(52, x, last, age)
    assert expected.mean() == pytest.approx(later.mean(), rel=0.06)
    many = x >= 4
    assert expected[many].mean() == pytest.approx(later[many].mean(), rel=0.08)
    assert found.claims[0].fields["estimate"] < expected.mean()  # half the time ahead


def test_who_is_silent_for_long_is_less_likely_to_come_back():
    x, last, age, _ = buyers(800, 1)
    found = economics.bg_nbd(x, last, age)
    alive = found.p_alive([0, 4, 4, 4], [0, 50, 30, 10], [52] * 4)
    assert alive[0] == 1
    assert (np.diff(alive[1:]) < 0).all()
    assert found.expected_purchases(1e-9, [4], [30], [52])[0] == pytest.approx(0, abs=1e-8)


@pytest.mark.parametrize(
    ("history", "words"),
    [
        (([1, 2], [3, 4], [5]), "frequency, recency and age have 2, 2, 1 values"),
        (([1, -2], [3, 4], [5, 6]), "found -2"),
        (([1, 2.5], [3, 4], [5, 6]), "whole numbers of repeat purchases"),
        (([1, 2], [3, 9], [5, 6]), "a last purchase within the age"),
        (([1, 0], [3, 4], [5, 6]), "zero without a repeat"),
        (([1, np.nan], [3, 4], [5, 6]), "a number, zero or more"),
        ((["1", "2"], [3, 4], [5, 6]), "a number, zero or more"),
        (([1, 0], [3, 0], [5, 0]), "a positive time since the first purchase"),
        (([0, 0], [0, 0], [5, 6]), "no customer bought again"),
        (([], [], []), "no rows"),
    ],
)
def test_histories_that_cannot_be(history, words):
    with pytest.raises(AnalysisError, match=words):
        economics.bg_nbd(*history)


def test_customers_all_alike_have_no_estimate():
    with pytest.raises(AnalysisError, match=r"BG/NBD (has no finite estimate|did not converge)"):
        economics.bg_nbd([5] * 300, [48] * 300, [52] * 300)


@pytest.mark.simulation
def test_intervals_of_bg_nbd_hold_their_parameters():
    # Whole weeks make few groups of customers alike, and little difference to times of that length.
    truth, held = np.array([0.6, 6.0, 0.8, 2.5]), np.zeros(4)
    for seed in range(REPLICATIONS):
        x, last, age, _ = buyers(1000, 1000 + seed)
        table = economics.bg_nbd(x, np.maximum(np.round(last), x > 0), age).table
        held += (table["conf_low"] <= truth) & (truth <= table["conf_high"])
    assert (plausible(held)).all(), held / REPLICATIONS


# --- Gamma-Gamma ------------------------------------------------------------------------------------


@real
def test_gamma_gamma_gives_the_published_cdnow_estimates():
    names = ["master", "id", "day", "discs", "spent"]
    raw = pd.read_csv(Path(REAL) / "cdnow_sample.txt", sep=r"\s+", header=None, names=names)
    days = raw.groupby(["id", "day"], as_index=False)["spent"].sum()
    days = days[days["day"] <= 19970930]
    repeat = days[days.groupby("id").cumcount() > 0].groupby("id")["spent"].agg(["count", "mean"])
    assert len(repeat) == 946
    found = economics.gamma_gamma(repeat["count"], repeat["mean"])
    assert found.table["estimate"].tolist() == pytest.approx([6.25, 3.74, 15.44], abs=0.011)
    assert found.settings["correlation"] == pytest.approx(0.11, abs=0.005)


def test_spend_is_shrunk_towards_everybody():
    rng = np.random.default_rng(5)
    x = rng.integers(0, 12, 2000)
    scale = 1 / rng.gamma(4.0, 1 / 15.0, 2000)
    z = np.where(x > 0, rng.gamma(6.0 * np.maximum(x, 1), scale / np.maximum(x, 1)), 0.0)
    found = economics.gamma_gamma(x, z)
    assert found.n_dropped == {"no repeat purchase": int((x == 0).sum())}
    mean = 6.0 * 15.0 / 3.0
    nobody, once, often = found.expected_spend([0, 1, 200], [0, 90, 90])
    assert nobody == pytest.approx(mean, rel=0.05)
    assert nobody < once < often < 90
    assert found.claims[0].fields["conf_low"] < mean < found.claims[0].fields["conf_high"]
    p, q, v = found.table["estimate"]
    assert once == pytest.approx(p * (v + 90) / (p + q - 1))


def test_the_density_of_spend_integrates_to_one():
    from cxlab.analysis.economics.spend import _loglik

    def density(z):
        return float(np.exp(_loglik(np.array([6.25, 3.74, 15.44]), np.array([3.0]), np.array([z])))[0])

    assert integrate.quad(density, 0, np.inf)[0] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("x", "z", "words"),
    [
        ([1, 2], [10, -3], "a positive mean of these purchases"),
        ([1, 2], [10, None], "a positive mean of these purchases"),
        ([1, 1.5], [10, 3], "whole numbers"),
        ([0, 0], [0, 0], "no customer bought again"),
    ],
)
def test_spend_that_cannot_be(x, z, words):
    with pytest.raises(AnalysisError, match=words):
        economics.gamma_gamma(x, z)


# --- value without a contract -----------------------------------------------------------------------


def spenders(n=1500, seed=5):
    """Customers with what they bought, what they spend each time, and what they buy and spend later."""
    rng = np.random.default_rng(seed)
    x, last, age, later = buyers(n, seed)
    scale = 1 / rng.gamma(4.0, 1 / 15.0, n)  # a mean spend of p v / (q - 1) = 30
    z = np.where(x > 0, rng.gamma(6.0 * np.maximum(x, 1), scale / np.maximum(x, 1)), 0.0)
    return x, last, age, z, later * 6.0 * scale


def test_customers_are_worth_what_they_come_to_spend():
    x, last, age, z, later = spenders(12_000)
    buying, spending = economics.bg_nbd(x, last, age), economics.gamma_gamma(x, z)
    found = economics.purchase_value(
        buying, spending, x, last, age, z, horizon=52, discount=0.0, margin_share=0.4, resamples=40
    )
    rows = found.table.set_index("purchases")
    assert rows.loc["all", "estimate"] == pytest.approx(0.4 * later.mean(), rel=0.07)
    assert rows.loc["4+", "estimate"] == pytest.approx(0.4 * later[x >= 4].mean(), rel=0.1)
    assert rows["conf_low"].lt(rows["estimate"]).all()
    assert rows["estimate"].lt(rows["conf_high"]).all()
    assert rows.loc["all", "n"] == rows["n"].iloc[1:].sum()
    # Undiscounted, the parts of the horizon add up to the purchases of the whole.
    whole = buying.expected_purchases(52, x, last, age) * spending.expected_spend(x, z) * 0.4
    assert found.values == pytest.approx(whole, rel=1e-9)
    later_money = economics.purchase_value(
        buying, spending, x, last, age, z, horizon=52, discount=0.2, margin_share=0.4, resamples=40
    )
    ratio = later_money.values.sum() / found.values.sum()
    assert 1.2**-0.5 < ratio < 1.2**-0.3  # most is bought in the first half of the year


@real
def test_cdnow_customers_have_a_value():
    table = pd.read_csv(Path(REAL) / "cdnow_customers_summary.csv")
    names = ["master", "id", "day", "discs", "spent"]
    raw = pd.read_csv(Path(REAL) / "cdnow_sample.txt", sep=r"\s+", header=None, names=names)
    days = raw.groupby(["id", "day"], as_index=False)["spent"].sum()
    days = days[(days["day"] <= 19970930) & (days.groupby("id").cumcount() > 0)]
    z = table["ID"].map(days.groupby("id")["spent"].mean()).fillna(0.0)
    history = table["frequency"], table["recency"], table["T"]
    buying, spending = economics.bg_nbd(*history), economics.gamma_gamma(table["frequency"], z)
    found = economics.purchase_value(buying, spending, *history, z, horizon=39, discount=0.15, resamples=40)
    rows = found.table.set_index("purchases")["estimate"]
    assert rows["0"] < rows["1"] < rows["2-3"] < rows["4+"]
    # What the 2,357 did spend in the 39 weeks after.
    after = raw[(raw["day"] > 19970930) & (raw["day"] <= 19980630)]["spent"].sum() / len(table)
    assert rows["all"] == pytest.approx(after, rel=0.2)


# --- sBG --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("survivors", "alpha", "beta", "loglik", "lifetime"),
    [(REGULAR[:8], 0.704, 1.182, -1680.3, 3.694908), (HIGH_END, 0.668, 3.806, -1611.2, 5.922254)],
)
def test_sbg_gives_the_published_estimates(survivors, alpha, beta, loglik, lifetime):
    found = economics.sbg(survivors)
    assert found.table["estimate"].tolist() == pytest.approx([alpha, beta], abs=5e-4)
    assert found.loglik == pytest.approx(loglik, abs=0.05)
    assert found.lifetime(0.1) == pytest.approx(lifetime, abs=1e-6)


@real
@pytest.mark.parametrize(("cohort", "alpha", "beta"), [("regular", 0.704, 1.182), ("highend", 0.668, 3.806)])
def test_the_file_of_the_paper_gives_its_estimates(cohort, alpha, beta):
    table = pd.read_csv(Path(REAL) / "sbg_paper_cohorts.csv")
    own = table[table["cohorts"] == cohort]
    survivors = [len(own), *(int((own["recency"] > year).sum()) for year in range(1, 8))]
    found = economics.sbg(survivors)
    assert found.table["estimate"].tolist() == pytest.approx([alpha, beta], abs=5e-4)


def test_the_projection_to_year_twelve_is_the_papers():
    found = economics.sbg(REGULAR[:8], horizon=12)
    curve = found.tables["curve"].set_index("period")
    assert round(1000 * curve.loc[12, "estimate"]) == 170
    assert REGULAR[12] == 173
    assert curve["extrapolated"].tolist() == [False] * 8 + [True] * 5
    assert (curve["conf_low"] <= curve["estimate"]).all()
    assert curve.loc[12, "conf_low"] < 0.173 < curve.loc[12, "conf_high"]
    assert np.isnan(curve.loc[12, "observed"])


def test_lifetimes_are_their_sums():
    found, t = economics.sbg(REGULAR[:8]), np.arange(200_000)
    share, discounted = found.survival(t), 1.1 ** -np.minimum(t, 3000.0)
    assert found.lifetime(0.1) == pytest.approx(float(share @ discounted), rel=1e-12)
    # Residual: payments from the next renewal on, of who has renewed three times.
    rest = float(share[4:] @ discounted[: len(share) - 4] / share[3])
    assert found.lifetime(0.1, renewals=3) == pytest.approx(rest, rel=1e-12)
    assert found.tables["lifetimes"]["estimate"].iloc[3] == found.lifetime(0.1, renewals=3)
    assert found.retention(1) == pytest.approx(float(found.survival(1)))


def test_the_errors_of_sbg_are_those_of_its_likelihood():
    """Second derivatives in closed form, through trigamma functions, on the plain scale."""
    found = economics.sbg(REGULAR[:8])
    alpha, beta = found.table["estimate"]
    lost, t, last = -np.diff(REGULAR[:8]), np.arange(1, 8), REGULAR[7]

    def second(x):
        return special.polygamma(1, x)

    n = 1000
    aa = lost @ (second(alpha + 1) - second(alpha + beta + t))
    aa += last * (second(alpha) - second(alpha + beta + 7)) - n * (second(alpha) - second(alpha + beta))
    bb = lost @ (second(beta + t - 1) - second(alpha + beta + t))
    bb += last * (second(beta + 7) - second(alpha + beta + 7)) - n * (second(beta) - second(alpha + beta))
    ab = -(lost @ second(alpha + beta + t)) - last * second(alpha + beta + 7) + n * second(alpha + beta)
    # The left go by B(alpha + 1, beta + t - 1), all against B(alpha, beta).
    errors = np.sqrt(np.diag(np.linalg.inv(-np.array([[aa, ab], [ab, bb]]))))
    assert found.table["std_error"].tolist() == pytest.approx(errors.tolist(), rel=2e-3)


@pytest.mark.parametrize(
    ("survivors", "words"),
    [
        ([1000, 900], "at least two renewals"),
        ([1000, 900, 950], "never rise"),
        ([1000, 900.5, 800], "whole numbers"),
        ([1000, 1000, 1000], "none of the 1000 customers left"),
        ([1000, 500, 250, 125, 62, 31], "has no finite estimate|did not converge"),
    ],
)
def test_survivors_that_cannot_be(survivors, words):
    with pytest.raises(AnalysisError, match=words):
        economics.sbg(survivors)


def test_few_customers_are_not_shown():
    x, last, age, _ = buyers(60, 2)
    counts = masked(economics.bg_nbd(x, last, age)).tables["counts"]
    few = (counts["flag"] == "suppressed").to_numpy()
    assert few.any()
    assert counts.loc[few, ["observed", "expected"]].isna().all().all()


# --- value of a contract ----------------------------------------------------------------------------


def leavers(n, seed, *, rate=0.03, window=36, entries=(0,)):
    """Customers with one hazard, in whole months, some seen late."""
    rng = np.random.default_rng(seed)
    left, since = np.ceil(rng.exponential(1 / rate, n)), rng.choice(entries, n)
    table = pd.DataFrame({
        "months": np.minimum(left, window), "left": (left <= window).astype(int), "since": since,
        "plan": rng.choice(["a", "b"], n), "amount": rng.gamma(4, 5, n),
    })  # fmt: skip
    return table[table["months"] > table["since"]].reset_index(drop=True)


def test_the_identities_of_constant_retention():
    assert economics.constant_value(100, 0.8, 0.1) == pytest.approx(366.667, abs=5e-4)
    assert economics.constant_value(100, 0.8, 0.1, payment="arrears") == pytest.approx(266.667, abs=5e-4)
    t = np.arange(2000)
    assert economics.constant_value(100, 0.8, 0.1) == pytest.approx(float((100 * 0.8**t * 1.1**-t).sum()))


def value_of(table, **changed):
    asked = {"margin": 10.0, "horizon": 24, "discount": 0.1, **changed}
    return economics.lifetime_value(table, "months", "left", **asked)


def test_a_value_is_the_sum_of_its_payments():
    table = leavers(3000, 1)
    found, curve = value_of(table), table.assign(n=1)
    share = np.cumprod([1.0, *(
        1 - ((curve["months"] == t) & (curve["left"] == 1)).sum() / (curve["months"] >= t).sum()
        for t in range(1, 25)
    )])  # fmt: skip
    t = np.arange(25)
    factors = 1.1 ** (-t / 12)
    assert found.table["estimate"].iloc[0] == pytest.approx(10 * float((share * factors)[:24].sum()))
    late = value_of(table, payment="arrears")
    assert late.table["estimate"].iloc[0] == pytest.approx(10 * float((share * factors)[1:].sum()))
    assert found.table["months"].iloc[0] == pytest.approx(float(share[:24].sum()))
    since = value_of(table, tenure=6, horizon=12).table["estimate"].iloc[0]
    assert since == pytest.approx(10 * float((share[6:18] / share[6] * factors[:12]).sum()))


def test_the_shortcut_is_beside_it_and_larger():
    row = value_of(leavers(3000, 1)).table.iloc[0]
    assert row["churn"] == pytest.approx(0.03, abs=0.002)
    assert row["shortcut"] == pytest.approx(10 / row["churn"])
    assert row["shortcut"] > row["estimate"]


def test_a_late_entry_is_honoured():
    whole, seen = leavers(30_000, 3), leavers(30_000, 3, entries=(0, 6, 12))
    truth = value_of(whole).table["estimate"].iloc[0]
    honoured, ignored = value_of(seen, entry="since"), value_of(seen)
    assert honoured.table["estimate"].iloc[0] == pytest.approx(truth, rel=0.015)
    assert ignored.table["estimate"].iloc[0] > 1.05 * truth
    assert "conditional_on_entry" in honoured.claims[0].caveats


def test_payback_counts_who_leaves():
    found = value_of(leavers(3000, 1), cac=95.0)
    row = found.tables["payback"].iloc[0]
    assert row["payback_simple"] == pytest.approx(9.5)
    assert row["payback_month"] > 9.5
    assert row["ltv_cac"] == pytest.approx(found.table["estimate"].iloc[0] / 95)
    assert value_of(leavers(3000, 1), cac=1e6).tables["payback"]["payback_month"].iloc[0] == np.inf


def test_distributions_are_compared_beyond_the_window():
    """One hazard for all: every distribution comes near it, and the exponential has the least AIC."""
    table = leavers(6000, 4, window=24)
    found = value_of(table, horizon=60, tail="constant")
    compared = found.tables["distributions"].set_index("distribution")
    t = np.arange(60)
    truth = 10 * float((np.exp(-0.03 * t) * 1.1 ** (-t / 12)).sum())
    assert compared.loc["exponential", "estimate"] == pytest.approx(truth, rel=0.03)
    assert compared.loc["weibull", "estimate"] == pytest.approx(truth, rel=0.06)
    assert compared.loc["exponential", "aic"] < compared.loc["lognormal", "aic"]
    assert found.table["estimate"].iloc[0] == pytest.approx(truth, rel=0.06)
    beyond = (t > 24) * np.exp(-0.03 * t) * 1.1 ** (-t / 12)
    assert found.table["extrapolated_share"].iloc[0] == pytest.approx(10 * beyond.sum() / truth, rel=0.15)
    assert "extrapolated" in found.claims[0].caveats


def test_customers_who_differ_are_seen_by_sbg_alone():
    """A constant hazard says too little of the far months, sBG what is true."""
    rng = np.random.default_rng(5)
    left = rng.geometric(np.clip(rng.beta(0.8, 12.0, 8000), 1e-6, 1))
    table = pd.DataFrame({"months": np.minimum(left, 24).astype(float), "left": (left <= 24).astype(int)})
    compared = value_of(table, horizon=60, tail="constant").tables["distributions"].set_index("distribution")
    t = np.arange(60)
    truth = 10 * float(np.array([(left > k).mean() for k in t]) @ 1.1 ** (-t / 12))
    assert compared.loc["sbg", "estimate"] == pytest.approx(truth, rel=0.02)
    assert compared.loc["exponential", "estimate"] < 0.93 * truth
    assert compared["aic"].idxmin() == "sbg"


def test_a_horizon_needs_a_window_or_a_tail():
    with pytest.raises(AnalysisError, match="horizon is 48 months, but customers were observed for 36"):
        value_of(leavers(500, 1), horizon=48)
    with pytest.raises(AnalysisError, match="nobody is observed before month 6"):
        value_of(leavers(500, 1, entries=(6,)), entry="since", tenure=0.0)
    assert value_of(leavers(500, 1, entries=(6,)), entry="since").settings["tenure"] == 6
    with pytest.raises(AnalysisError, match="none of the 500 customers left"):
        value_of(leavers(500, 1).assign(left=0))


def test_groups_differ_or_are_alike():
    rng = np.random.default_rng(8)
    table = leavers(4000, 2)
    alike = value_of(table, by="plan")
    assert [c.code for c in alike.claims] == ["economics.cltv", "economics.cltv_alike"]
    amount = np.where(table["plan"] == "a", 10, 15) + rng.normal(0, 1, len(table))
    apart = value_of(table.assign(margin=amount), by=["plan"], margin="margin")
    difference = apart.claims[1]
    assert difference.code == "economics.cltv_difference"
    assert (difference.fields["lowest"], difference.fields["highest"]) == ("a", "b")
    assert apart.table.set_index("plan").loc["b", "margin"] == pytest.approx(15, abs=0.1)


def test_thirds_of_an_index_are_valued_apart():
    rng = np.random.default_rng(4)
    pxi = rng.uniform(-60, 60, 6000).round()
    left = np.ceil(rng.exponential(1 / (0.03 * np.exp(-0.012 * pxi))))
    table = pd.DataFrame({"months": np.minimum(left, 36), "left": (left <= 36).astype(int), "pxi": pxi})
    found = value_of(table, thirds="pxi")
    assert found.table["third"].tolist() == ["low", "middle", "high"]
    assert found.table["n"].between(1900, 2100).all()
    assert found.table["estimate"].is_monotonic_increasing
    assert found.claims[1].fields["highest"] == "high"
    with pytest.raises(AnalysisError, match="cannot be cut into thirds"):
        value_of(table.assign(pxi="x"), thirds="pxi")


@pytest.mark.simulation
def test_intervals_of_the_value_hold_it():
    t, held = np.arange(24), 0
    truth = 20.0 * float((np.exp(-0.03 * t) * 1.1 ** (-t / 12)).sum())
    for seed in range(REPLICATIONS):
        table = leavers(600, 500 + seed, entries=(0, 6))
        row = value_of(table, margin="amount", entry="since").table.iloc[0]
        held += row["conf_low"] <= truth <= row["conf_high"]
    assert plausible(held), held / REPLICATIONS


# --- accounts ---------------------------------------------------------------------------------------


def test_revenue_is_per_customer_month_not_per_customer():
    bills = pd.DataFrame({
        "customer_id": ["a"] * 3 + ["b"], "period": ["1", "2", "3", "1"], "billed": [10.0, 10, 10, 50],
        "active": [1, 1, 0, 1],
    })  # fmt: skip
    found = economics.per_user(bills, margin_share=0.5, cost_to_serve=2.0, active="active")
    arpu, ru = found.table["estimate"]
    assert arpu == pytest.approx(70 / 3)
    assert ru == pytest.approx(70 / 3 / 2 - 2)
    assert found.n_dropped == {"not active": 1}
    assert found.tables["periods"]["customer_months"].tolist() == [2, 2, 1, 1]
    with pytest.raises(AnalysisError, match="1 bills are a second one"):
        economics.per_user(pd.concat([bills, bills.iloc[:1].assign(billed=3)]))


def test_the_error_of_revenue_is_that_of_a_ratio_of_customers():
    rng = np.random.default_rng(6)
    own, months = rng.gamma(4, 5, 400), rng.integers(1, 12, 400)
    who = np.repeat(np.arange(400), months)
    bills = pd.DataFrame({
        "customer_id": who, "period": np.concatenate([np.arange(m) for m in months]),
        "billed": own[who] + rng.normal(0, 1, len(who)),
    })  # fmt: skip
    row = economics.per_user(bills).table.iloc[0]
    draws = []
    totals, counts = bills.groupby("customer_id")["billed"].sum().to_numpy(), months
    for _ in range(400):
        pick = rng.integers(0, 400, 400)
        draws.append(totals[pick].sum() / counts[pick].sum())
    assert row["std_error"] == pytest.approx(np.std(draws), rel=0.12)


def test_acquisition_cost_by_channel_lag_and_overhead():
    spent = pd.DataFrame({
        "period": ["2024-01", "2024-02"] * 2, "acq_channel": ["web", "web", "store", "store"],
        "spend": [1000.0, 2000, 4000, 4000], "new_customers": [50, 50, 40, 60],
    })  # fmt: skip
    table = economics.acquisition_cost(spent).table.set_index("channel")["estimate"]
    assert table.to_dict() == {"": 55.0, "store": 80.0, "web": 30.0}
    loaded = economics.acquisition_cost(spent, overhead=1100).table["estimate"].iloc[0]
    assert loaded == pytest.approx(60.5)
    late = economics.acquisition_cost(spent, lag=1).table.set_index("channel")
    assert late.loc["web", "estimate"] == pytest.approx(1000 / 50)
    claim = economics.acquisition_cost(spent).claims[0]
    assert (claim.fields["lowest"], claim.fields["highest"]) == ("web", "store")
    with pytest.raises(AnalysisError, match="a lag of 2 leaves no period"):
        economics.acquisition_cost(spent, lag=2)
    with pytest.raises(AnalysisError, match="zero or more, and known"):
        economics.acquisition_cost(spent.assign(spend=-1.0))
