"""Where a score varies: dyestuff by lme4, a case by hand, simulated coverage, counts, and refusals."""

import os

import numpy as np
import pandas as pd
import pytest

from cxlab.analysis import benchmark
from cxlab.errors import AnalysisError
from cxlab.reporting.claims import sentence
from cxlab.reporting.words import Words

REPLICATIONS = int(os.environ.get("CXLAB_REPLICATIONS", "200"))
DYESTUFF = {
    "A": (1545, 1440, 1440, 1520, 1580), "B": (1540, 1555, 1490, 1560, 1495),
    "C": (1595, 1550, 1605, 1510, 1560), "D": (1445, 1440, 1595, 1465, 1545),
    "E": (1595, 1630, 1515, 1635, 1625), "F": (1520, 1455, 1450, 1480, 1445),
}  # fmt: skip


def nested(rng, brands, branches, between, within, rest):
    """Scores of customers in branches (of uneven bases) of brands, and the true shares."""
    of = np.repeat(np.arange(brands), branches)
    effect = rng.normal(0, between, brands)[of] + rng.normal(0, within, len(of))
    branch = np.repeat(np.arange(len(of)), rng.integers(5, 60, len(of)))
    table = pd.DataFrame(
        {
            "brand": of[branch],
            "branch": branch % branches,
            "score": effect[branch] + rng.normal(0, rest, len(branch)),
        }
    )
    variances = np.array([between, within, rest]) ** 2
    return table, variances / variances.sum()


def test_dyestuff():
    table = pd.DataFrame(
        [(batch, y) for batch, row in DYESTUFF.items() for y in row], columns=["batch", "score"]
    )
    rows = benchmark.variance_shares(table, "mean", levels="batch").table
    assert rows["variance"].tolist() == pytest.approx([1764.05, 2451.25], abs=5e-3)
    assert rows["of_variance"].iloc[0] == pytest.approx(0.4185, abs=5e-5)
    assert rows["units"].tolist() == [6, 30]


def test_two_levels_by_hand():
    """Balanced: mean squares 50, 8, 2 with 2 branches of 2 answers each."""
    table = pd.DataFrame({
        "brand": list("aaaabbbb"), "branch": [1, 1, 2, 2] * 2,
        "score": [1.0, 3, 5, 7, 11, 13, 9, 11],
    })  # fmt: skip
    rows = benchmark.variance_shares(table, "mean", levels=["brand", "branch"]).table
    # between brands 98, between branches within brands (16 + 4) / 2 = 10, within 2
    assert rows["variance"].tolist() == pytest.approx([(98 - 10) / 4, (10 - 2) / 2, 2.0])
    assert rows["units"].tolist() == [2, 4, 8]  # branch 1 of a is not branch 1 of b
    assert rows["of_variance"].sum() == pytest.approx(1.0)


def test_a_level_that_adds_no_unit_has_no_numbers():
    table = pd.DataFrame({"brand": list("aabbcc"), "same": list("uuvvww"), "score": [1.0, 3, 5, 7, 2, 4]})
    rows = benchmark.variance_shares(table, "mean", levels=["brand", "same"]).table
    alone = benchmark.variance_shares(table, "mean", levels="brand").table
    assert rows["between"].tolist() == ["brand", "same", "answers"]
    assert rows["of_variance"].isna().tolist() == [False, True, False]
    assert rows["variance"].dropna().tolist() == pytest.approx(alone["variance"].tolist())


def test_counts_are_as_many_answers():
    counts = pd.DataFrame({"shop": list("abc"), "successes": [30, 45, 12], "trials": [50, 60, 40]})
    rows = [(shop, 10 if k < yes else 0) for shop, yes, n in counts.itertuples(index=False) for k in range(n)]
    one = benchmark.variance_shares(counts, "rate", levels="shop")
    other = benchmark.variance_shares(
        pd.DataFrame(rows, columns=["shop", "score"]), "top_1_of_0_10", levels="shop", columns="score"
    )
    assert one.table["variance"].tolist() == pytest.approx(other.table["variance"].tolist())
    assert one.table["n"].tolist() == [150, 150]


@pytest.mark.simulation
def test_intervals_hold_the_shares():
    rng = np.random.default_rng(20261122)
    inside = np.zeros(3)
    for seed in range(REPLICATIONS):
        table, truth = nested(rng, 10, 6, 15, 10, 40)
        rows = benchmark.variance_shares(table, "mean", levels=["brand", "branch"], seed=seed).table
        inside += (rows["conf_low"] <= truth) & (truth <= rows["conf_high"])
    assert (inside / REPLICATIONS >= 0.93 - 3 * np.sqrt(0.05 * 0.95 / REPLICATIONS)).all()


def test_noise_has_no_levels_and_what_is_said():
    rng = np.random.default_rng(3)
    table, _ = nested(rng, 8, 5, 0, 0, 40)
    before = table.copy()
    result = benchmark.variance_shares(table, "mean", levels=["brand", "branch"])
    assert result.table["of_variance"].iloc[-1] > 0.97
    (claim,) = result.claims
    said = sentence(claim, Words("es"))
    assert said.startswith("De todo lo que varía el promedio, un ")
    assert "variance_not_fate" in claim.caveats
    pd.testing.assert_frame_equal(table, before)
    pd.testing.assert_frame_equal(
        result.table, benchmark.variance_shares(table, "mean", levels=["brand", "branch"]).table
    )


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ([], r"levels is \[\]; give each column once, from coarse to fine"),
        (["brand", "brand"], "give each column once"),
        (["one"], "one make 1 units of 4 answers; it takes two units or more"),
        (["brand", "person"], "brand x person make 4 units of 4 answers"),
        (["region"], "the table has no column region"),
    ],
)
def test_levels_that_are_refused(levels, message):
    table = pd.DataFrame({"brand": list("aabb"), "one": 1, "person": range(4), "score": [1.0, 2, 3, 5]})
    with pytest.raises(AnalysisError, match=message):
        benchmark.variance_shares(table, "mean", levels=levels)
