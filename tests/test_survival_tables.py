"""The risk table at any size: from where it is read, what it costs, what it refuses."""

import time
from math import fsum

import numpy as np
import pandas as pd
import pytest

from cxlab.analysis.survival import cox
from cxlab.analysis.survival.observed import cells
from cxlab.analysis.survival.ties import tie_sums

COVARIATES = ["score", "contract", "segment", "complaint"]


def population(n=3000, seed=0):
    """Monthly customers with text, whole numbers, booleans and weights."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({
        "score": rng.integers(0, 4, n), "contract": rng.choice(["monthly", "yearly"], n),
        "segment": rng.choice(["a", "b", "c"], n), "complaint": rng.random(n) < 0.2,
        "w": rng.choice([0.5, 1.0, 2.5], n), "spend": rng.lognormal(3, 0.8, n),
    })  # fmt: skip
    effect = 0.3 * table["complaint"] - 0.2 * table["score"] + 0.5 * (table["contract"] == "monthly")
    left, seen = rng.exponential(30, n) * np.exp(-effect), rng.uniform(1, 40, n)
    table["months"] = np.ceil(np.minimum(left, seen)).astype(int)
    table["left"] = (left <= seen).astype(int)
    table["entry"] = np.floor(table["months"] * rng.random(n) * 0.6).astype(int)
    return table


# What it costs.


@pytest.mark.parametrize("deaths", [2, 256, 257, 300, 5000, 200_000])
@pytest.mark.parametrize("share", [1.0, 1 - 1e-7, 0.999, 0.9, 0.5, 0.05, 1e-3, 1e-7])
def test_tie_sums_are_those_added_one_by_one(deaths, share):
    s = 7300.0
    f = np.arange(deaths) / deaths
    left = s - f * (share * s)
    terms = (np.log(left), 1 / left, f / left, 1 / left**2, f / left**2, (f / left) ** 2)
    found = tie_sums(np.array([1, deaths]), np.array([1.0, s]), np.array([1.0, share * s]))
    got = [found.log[1], found.a[1], found.b[1], *(q[1] for q in found.q)]
    assert got == pytest.approx([fsum(term) for term in terms], rel=1e-13)


def test_a_thousand_million_departures_cost_what_a_thousand_do():
    start = time.process_time()
    found = tie_sums(np.array([10**9]), np.array([1e9]), np.array([1e9]))
    assert time.process_time() - start < 0.5
    # All leave: the sum of 1/s is the harmonic number, and of log s the logarithm of the factorial.
    assert found.a[0] == pytest.approx(np.log(1e9) + np.euler_gamma + 0.5e-9, rel=1e-14)
    assert found.log[0] == pytest.approx(1e9 * np.log(1e9) - 1e9 + 0.5 * np.log(2e9 * np.pi), rel=1e-14)


def test_concordance_is_the_same_by_table_and_by_tree(monkeypatch):
    table = population(600)
    who = cells(
        table[["score", "complaint"]], table["months"].to_numpy(float), table["left"].to_numpy() == 1,
        table["entry"].to_numpy(float), table["w"].to_numpy(),
    )  # fmt: skip
    risk = cox.at_risk(who, who.labels.to_numpy(float), np.arange(len(who.count)) % 2)
    beta = np.array([-0.2, 0.3])
    by_table = cox.concordance(risk, beta)
    monkeypatch.setattr(cox, "_after_dense", cox._after)
    assert cox.concordance(risk, beta) == pytest.approx(by_table, abs=1e-13)


def test_the_order_of_the_rows_decides_nothing():
    table = population(500)
    mixed = table.sample(frac=1, random_state=1)
    one, two = (
        cells(t[COVARIATES], t["months"].to_numpy(), t["left"].to_numpy() == 1, np.zeros(500))
        for t in (table, mixed)
    )
    pd.testing.assert_frame_equal(one.labels, two.labels)
    assert one.count.tolist() == two.count.tolist()
    assert len(one.count) < 500
    assert one.n == 500
