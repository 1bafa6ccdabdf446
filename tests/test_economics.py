"""Money without and with a contract: published estimates, closed forms, what is refused."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, special

from cxlab.analysis import economics
from cxlab.analysis.estimates import masked
from cxlab.errors import AnalysisError

REPLICATIONS = int(os.environ.get("CXLAB_REPLICATIONS", 200))
REAL = os.environ.get("CXLAB_REAL_DATA", "")
real = pytest.mark.skipif(not REAL, reason="CXLAB_REAL_DATA names no folder of real files")

# Fader & Hardie (2007), Journal of Interactive Marketing 21(1), table 1: customers of 1,000 after each year.
REGULAR = [1000, 631, 468, 382, 326, 289, 262, 241, 223, 207, 194, 183, 173]
HIGH_END = [1000, 869, 743, 653, 593, 551, 517, 491]


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
    error = 3.3 * np.sqrt(0.05 * 0.95 / REPLICATIONS)
    assert (np.abs(held / REPLICATIONS - 0.95) < error).all(), held / REPLICATIONS


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
