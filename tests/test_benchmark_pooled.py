"""Cells read together: metafor, lme4 and Efron-Morris to their digits, coverage, and what is refused."""

import os

import numpy as np
import pandas as pd
import pytest

from cxlab.analysis import benchmark
from cxlab.analysis.benchmark import shrunken
from cxlab.errors import AnalysisError

REPLICATIONS = int(os.environ.get("CXLAB_REPLICATIONS", "200"))
# Colditz et al. 1994, thirteen trials of the BCG vaccine: cases and others, vaccinated and not
BCG = np.array([
    (4, 119, 11, 128), (6, 300, 29, 274), (3, 228, 11, 209), (62, 13536, 248, 12619), (33, 5036, 47, 5761),
    (180, 1361, 372, 1079), (8, 2537, 10, 619), (505, 87886, 499, 87892), (29, 7470, 45, 7232),
    (17, 1699, 65, 1600), (186, 50448, 141, 27197), (5, 2493, 3, 2338), (27, 16886, 29, 17825),
], dtype=float)  # fmt: skip
# Davies 1947: yield of dyestuff, six batches of five
DYESTUFF = np.array([
    (1545, 1440, 1440, 1520, 1580), (1540, 1555, 1490, 1560, 1495), (1595, 1550, 1605, 1510, 1560),
    (1445, 1440, 1595, 1465, 1545), (1595, 1630, 1515, 1635, 1625), (1520, 1455, 1450, 1480, 1445),
], dtype=float)  # fmt: skip
# Efron & Morris 1975: batting averages after 45 times at bat, and of the rest of the season
EARLY = np.array([
    0.400, 0.378, 0.356, 0.333, 0.311, 0.311, 0.289, 0.267, 0.244, 0.244, 0.222, 0.222, 0.222, 0.222, 0.222,
    0.200, 0.178, 0.156,
])  # fmt: skip
LATE = np.array([
    0.346, 0.298, 0.276, 0.222, 0.273, 0.270, 0.263, 0.210, 0.269, 0.230, 0.264, 0.256, 0.303, 0.264, 0.226,
    0.285, 0.316, 0.200,
])  # fmt: skip


def test_the_vaccine_trials_are_those_of_metafor():
    a, b, c, d = BCG.T
    result = shrunken(np.log(a / (a + b) / (c / (c + d))), 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d))
    assert result.tau2 == pytest.approx(0.3132433, abs=5e-8)
    assert result.coefficients[0] == pytest.approx(-0.7145323, abs=5e-8)
    assert result.errors[0] == pytest.approx(0.1797815, abs=5e-8)
    assert len(result.plain) == 13


def test_the_dyestuff_batches_are_those_of_lme4():
    within = DYESTUFF.var(axis=1, ddof=1).mean()
    result = shrunken(DYESTUFF.mean(axis=1), np.full(6, within / 5))
    assert within == pytest.approx(2451.25)
    assert result.tau2 == pytest.approx(1764.05, abs=5e-3)
    assert result.coefficients[0] == pytest.approx(1527.5)
    assert result.plain[0] - 1527.5 == pytest.approx(-17.60685, abs=5e-6)


def test_the_batting_averages_are_those_of_efron_and_morris():
    result = shrunken(EARLY, np.full(18, EARLY.mean() * (1 - EARLY.mean()) / 45))
    assert result.kept == pytest.approx(np.full(18, 0.21239), abs=5e-6)
    assert result.estimate[0] == pytest.approx(0.29398, abs=5e-6)
    assert ((EARLY - LATE) ** 2).sum() == pytest.approx(0.07537, abs=5e-6)
    assert ((result.estimate - LATE) ** 2).sum() == pytest.approx(0.02131, abs=5e-6)


def test_a_mean_of_terms_takes_what_they_explain():
    terms = np.column_stack([np.ones(8), np.arange(8) % 2])
    y = 10.0 + 30 * terms[:, 1] + np.array([1, -1, -1, 1, 0.5, -0.5, -0.5, 0.5])
    result = shrunken(y, np.full(8, 4.0), terms)
    assert result.tau2 == 0
    assert result.coefficients == pytest.approx([10.0, 30.0])
    assert (np.abs(result.estimate - result.expected) < np.abs(y - result.expected)).all()


def cells_of(rng, sizes, scores):
    """Answers of cells with these true net scores."""
    row, column = np.indices(sizes.shape)
    each = sizes.ravel()
    up = np.repeat((0.7 + scores.ravel() / 100) / 2, each)
    draw = rng.random(each.sum())
    answers = np.where(draw < up, 10, np.where(draw < 0.7, 0, 8))
    labels = {"interaction": np.repeat(row.ravel(), each), "channel": np.repeat(column.ravel(), each)}
    return pd.DataFrame({**labels, "recommend": answers})


SIZES = np.array(
    [
        [10, 10, 12, 120],
        [15, 20, 30, 60],
        [10, 11, 40, 90],
        [10, 12, 18, 25],
        [11, 13, 50, 80],
        [10, 14, 22, 35],
    ]
)


def test_both_are_shown_and_small_cells_move_most():
    rng = np.random.default_rng(5)
    table = cells_of(rng, SIZES, np.clip(rng.normal(10, 30, SIZES.shape), -60, 60))
    before = table.copy()
    result = benchmark.pooled(table, "nps", by=["interaction", "channel"])
    rows = result.table
    assert list(rows.columns) == [
        "interaction", "channel", "raw", "estimate", "std_error", "conf_low", "conf_high", "retained",
        "drawn_to", "pooled", "n", "n_eff", "flag",
    ]  # fmt: skip
    assert rows["pooled"].all()
    assert result.claims == ()
    inside = (rows["estimate"] - rows["drawn_to"]).abs() <= (rows["raw"] - rows["drawn_to"]).abs()
    assert inside.all()
    assert rows.sort_values("n")["retained"].is_monotonic_increasing
    assert (rows["std_error"] < result.tables["raw"]["std_error"].max()).all()
    assert result.tables["variation"]["cells"].tolist() == [24]
    additive = benchmark.pooled(table, "nps", by=["interaction", "channel"], mean="additive").table
    assert additive["drawn_to"].nunique() == 24
    with pytest.raises(AnalysisError, match="these rows are pooled cells; they are drawn towards each other"):
        benchmark.compare(rows, "nps", unit="channel", focal=0, columns="raw")
    pd.testing.assert_frame_equal(table, before)


def test_one_unit_of_several():
    rng = np.random.default_rng(6)
    table = cells_of(rng, SIZES, np.zeros(SIZES.shape)).assign(brand="us")
    both = pd.concat([table, table.assign(brand="them", recommend=10)], ignore_index=True)
    asked = {"by": ["interaction", "channel"]}
    mine = benchmark.pooled(both, "nps", unit="brand", focal="us", **asked).table
    pd.testing.assert_frame_equal(mine, benchmark.pooled(table, "nps", **asked).table)
    assert benchmark.pooled(both, "nps", by=[]).table.empty


@pytest.mark.simulation
@pytest.mark.parametrize(("mean", "tau"), [("exchangeable", 14.0), ("exchangeable", 4.0), ("additive", 8.0)])
def test_intervals_hold_and_errors_shrink(mean, tau):
    rng = np.random.default_rng(20261127)
    inside, errors = [], []
    for _ in range(REPLICATIONS // 4):
        true = 10 + tau * rng.standard_normal(SIZES.shape)
        if mean == "additive":
            true = true + 12 * rng.standard_normal((6, 1)) + 12 * rng.standard_normal((1, 4))
        true = np.clip(true, -60, 60)
        rows = benchmark.pooled(
            cells_of(rng, SIZES, true), "nps", by=["interaction", "channel"], mean=mean
        ).table
        inside.append(((rows["conf_low"] <= true.ravel()) & (true.ravel() <= rows["conf_high"])).mean())
        errors.append([((rows[c] - true.ravel()) ** 2).mean() for c in ("raw", "estimate")])
    assert 0.932 - 0.012 <= np.mean(inside) <= 0.987 + 0.012
    raw, pooled = np.sqrt(np.mean(errors, axis=0))
    assert pooled < 0.75 * raw


@pytest.mark.parametrize(
    ("change", "asked", "message"),
    [
        (lambda t: t, {"mean": "grand"}, "mean is 'grand'; it can be exchangeable or additive"),
        (lambda t: t, {"by": ["channel", "channel"]}, "by names channel, channel"),
        (lambda t: t.assign(recommend=10), {}, "all answers of each cell are alike"),
        (lambda t: t.assign(brand="us"), {"unit": "brand", "focal": "us"}, "needs two units or more"),
    ],
)
def test_poolings_that_are_refused(change, asked, message):
    table = cells_of(np.random.default_rng(1), SIZES, np.zeros(SIZES.shape))
    with pytest.raises(AnalysisError, match=message):
        benchmark.pooled(change(table), "nps", **{"by": ["interaction", "channel"]} | asked)


def test_too_few_cells_are_said_and_not_pooled():
    table = cells_of(np.random.default_rng(1), SIZES, np.zeros(SIZES.shape))
    few = benchmark.pooled(table[table["channel"] < 3], "nps", by="channel")
    assert few.table.empty
    assert [(claim.code, claim.fields["least"]) for claim in few.claims] == [("benchmark.pooled_few", 4)]
    with pytest.raises(AnalysisError, match="3 cells are too few to be read together with a mean of 1 terms"):
        shrunken([1.0, 2.0, 3.0], [1.0, 1.0, 1.0])


def test_a_cell_that_may_not_be_shown_teaches_the_others_nothing():
    rng = np.random.default_rng(8)
    table = cells_of(rng, SIZES, np.clip(rng.normal(10, 30, SIZES.shape), -60, 60))
    few = pd.DataFrame({"interaction": 9, "channel": 0, "recommend": [10] * 9})
    asked = {"by": ["interaction", "channel"]}
    with_few = benchmark.pooled(pd.concat([table, few], ignore_index=True), "nps", **asked).table
    last = with_few.iloc[-1]
    assert (last["raw"], last["flag"], bool(last["pooled"])) == (100, "suppressed", False)
    assert np.isnan(last["estimate"])
    without = benchmark.pooled(table, "nps", **asked).table
    np.testing.assert_allclose(with_few["drawn_to"].iloc[:-1], without["drawn_to"], rtol=1e-9)


@pytest.mark.parametrize("variance", [[1, 0, 1, 1], [1, np.nan, 1, 1]])
def test_estimates_without_an_error_are_not_pooled(variance):
    with pytest.raises(AnalysisError, match="pooling needs finite estimates with positive variances"):
        shrunken([1.0, 2, 3, 4], variance)
