"""Best in class and what units differ by: metafor's numbers, simulated selection, privacy, and refusals."""

import os

import numpy as np
import pandas as pd
import pytest

from cxlab.analysis import benchmark
from cxlab.analysis.benchmark.best import posterior
from cxlab.analysis.estimates import masked
from cxlab.errors import AnalysisError
from cxlab.reporting.claims import sentence
from cxlab.reporting.words import Words

REPLICATIONS = int(os.environ.get("CXLAB_REPLICATIONS", "200"))
# BCG vaccine trials: cases and others among the vaccinated, cases and others among the controls
BCG = np.array([
    (4, 119, 11, 128), (6, 300, 29, 274), (3, 228, 11, 209), (62, 13536, 248, 12619), (33, 5036, 47, 5761),
    (180, 1361, 372, 1079), (8, 2537, 10, 619), (505, 87886, 499, 87892), (29, 7470, 45, 7232),
    (17, 1699, 65, 1600), (186, 50448, 141, 27197), (5, 2493, 3, 2338), (27, 16886, 29, 17825),
]).T  # fmt: skip
ROW = [
    "unit", "estimate", "std_error", "conf_low", "conf_high", "shrunk", "shrunk_low", "shrunk_high", "p_best",
    "n", "n_eff", "flag",
]  # fmt: skip


def brands(**counts):
    parts = [
        pd.DataFrame({"brand": name, "recommend": [0] * d + [8] * p + [10] * pro})
        for name, (d, p, pro) in counts.items()
    ]
    return pd.concat(parts, ignore_index=True)


def test_tau_squared_of_the_bcg_trials_is_metafors():
    a, b, c, d = BCG
    y = np.log(a / (a + b)) - np.log(c / (c + d))
    v = 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)
    assert benchmark.tau_squared(y, v) == pytest.approx(0.3132433, abs=5e-8)
    assert benchmark.tau_squared(y, v, method="dl") == pytest.approx(0.3087603, abs=5e-8)
    assert benchmark.tau_squared([1.0, 1.1, 0.9], [4.0] * 3) == 0.0


@pytest.mark.parametrize(
    ("y", "v", "message"),
    [
        ([1.0, 2.0], [1.0, 1.0], "2 units are too few to say how far units differ; it takes 3"),
        ([1.0, np.nan, 2.0], [1.0, 1.0, 1.0], "1 estimates have no number or no positive variance"),
        ([1.0, 2.0, 3.0], [1.0, 0.0, 1.0], "1 estimates have no number or no positive variance"),
        ([1.0, 2.0, 3.0], [1.0], "3 estimates have no number"),
    ],
)
def test_what_units_differ_by_needs_three_with_errors(y, v, message):
    with pytest.raises(AnalysisError, match=message):
        benchmark.tau_squared(y, v)


@pytest.mark.simulation
@pytest.mark.parametrize(("units", "answers", "raw"), [(8, 100, 9.3), (15, 50, 17.5)])
def test_the_best_of_several_is_overstated_and_the_overstatement_taken_back(units, answers, raw):
    """NPS of units that truly differ by 5 points; 0.79 is the standard deviation of an answer."""
    rng = np.random.default_rng(20261122)
    error = 79 / np.sqrt(answers)
    over, james_stein, ours, inside, right, chance = [], [], [], 0, 0, 0.0
    for seed in range(REPLICATIONS):
        truth = rng.normal(0, 5, units)
        x = truth + rng.normal(0, error, units)
        best = x.argmax()
        pull = min(1.0, (units - 3) * error**2 / ((x - x.mean()) ** 2).sum())
        drawn = posterior(x, np.full(units, error**2), seed)
        low, high = np.quantile(drawn[:, best], [0.025, 0.975])
        over.append(x[best] - truth[best])
        james_stein.append(x[best] - pull * (x[best] - x.mean()) - truth[best])
        ours.append(drawn[:, best].mean() - truth[best])
        inside += low <= truth[best] <= high
        right += truth.argmax() == best
        chance += (drawn.argmax(axis=1) == best).mean()
    slack = 3 * np.std(over) / np.sqrt(REPLICATIONS)
    assert np.mean(over) == pytest.approx(raw, abs=slack)
    assert np.mean(james_stein) == pytest.approx(2.3, abs=3 * np.std(james_stein) / np.sqrt(REPLICATIONS))
    assert abs(np.mean(ours)) < np.mean(james_stein) + 0.3
    assert inside / REPLICATIONS >= 0.93
    # the chance that is told is the one with which it comes true
    assert chance / REPLICATIONS == pytest.approx(right / REPLICATIONS, abs=3 * 0.5 / np.sqrt(REPLICATIONS))


def test_units_are_drawn_to_each_other_and_the_best_first():
    table = brands(low=(60, 20, 20), high=(30, 15, 55), near=(31, 15, 54), few=(0, 0, 5), mid=(40, 20, 40))
    before = table.copy()
    result = benchmark.best_in_class(table, "nps", unit="brand", focal="mid")
    rows = result.table
    assert list(rows.columns) == ROW
    assert rows["unit"].tolist() == ["high", "near", "mid", "low", "few"]
    known = rows.head(4)
    assert (
        np.sign(known["estimate"] - known["shrunk"]) == np.sign(known["shrunk"] - known["shrunk"].mean())
    ).all()
    assert (known["shrunk_low"] < known["shrunk"]).all()
    assert known["p_best"].sum() == pytest.approx(1.0)
    assert 0.4 < known["p_best"].iloc[0] < 0.6
    assert rows["shrunk"].isna().tolist() == [False] * 4 + [True]
    # Beside the total, one more is hidden with the small one.
    assert masked(result).table["estimate"].isna().tolist() == [True, False, False, False, True]
    (distance,) = result.tables["distance"].to_dict("records")
    assert (distance["best"], distance["units"], distance["n"]) == ("high", 4, 100)
    assert distance["focal_estimate"] - distance["best_level"] == pytest.approx(
        distance["difference"], abs=0.2
    )
    assert distance["best_level"] > known["shrunk"].iloc[0]  # whoever it is, it is at least as good as each
    assert result.tables["spread"]["tau"].item() > 10
    pd.testing.assert_frame_equal(
        rows, benchmark.best_in_class(table, "nps", unit="brand", focal="mid").table
    )
    pd.testing.assert_frame_equal(table, before)


def test_what_is_said_of_the_best():
    table = brands(low=(60, 20, 20), high=(30, 15, 55), near=(31, 15, 54), mid=(70, 20, 30))
    claims = benchmark.best_in_class(table, "nps", unit="brand", focal="mid").claims
    assert [c.code for c in claims] == ["benchmark.best", "benchmark.best_distance"]
    said = [sentence(c, Words("es")).replace("\N{NO-BREAK SPACE}", " ") for c in claims]
    assert said[0].startswith("En el NPS, «high» se observa en primer lugar de 4 con 25 puntos (descontado")
    assert said[1].startswith("En el NPS, «mid» se observa")
    assert "por debajo de la mejor de las demás, sea cual sea" in said[1]
    sure = brands(a=(10, 10, 180), b=(80, 60, 60), c=(90, 60, 50))
    (best,) = benchmark.best_in_class(sure, "nps", unit="brand").claims
    assert best.fields["p_best"] > 0.99
    assert "es de más de 99" in sentence(best, Words("es"))
    assert "only" not in sentence(best, Words("en"))
    alike = brands(a=(50, 60, 90), b=(50, 60, 90), c=(50, 60, 90))
    open_ = benchmark.best_in_class(alike, "nps", unit="brand", focal="a").claims[1]
    assert "no se distingue de la mejor" in sentence(open_, Words("es"))


def test_each_cell_is_a_class_of_its_own_and_thin_ones_are_left_out():
    table = pd.concat([
        brands(a=(10, 10, 30), b=(15, 15, 20), c=(20, 10, 20)).assign(channel="app"),
        brands(a=(20, 10, 20), b=(15, 15, 20), c=(10, 10, 30)).assign(channel="shop"),
        brands(a=(5, 5, 5), b=(1, 1, 1), c=(1, 1, 1)).assign(channel="web"),
    ])  # fmt: skip
    result = benchmark.best_in_class(table, "nps", unit="brand", focal="a", by="channel")
    assert result.tables["distance"]["channel"].tolist() == ["app", "shop"]
    assert result.tables["distance"]["best"].tolist() == ["b", "c"]
    assert result.table.groupby("channel")["p_best"].sum().tolist() == pytest.approx([1.0, 1.0])
    assert result.claims == ()
    thin = benchmark.best_in_class(table[table["channel"] == "web"], "nps", unit="brand", by="channel")
    assert thin.table.empty


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"focal": "d"}, "brand has no value 'd'"),
        ({"by": "brand"}, "by names brand; each column once"),
        ({"level": 1}, "level is 1"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_classes_that_are_refused(asked, message):
    with pytest.raises(AnalysisError, match=message):
        benchmark.best_in_class(brands(a=(5, 5, 5), b=(5, 5, 5), c=(5, 5, 5)), "nps", unit="brand", **asked)


def test_the_best_of_two_is_a_comparison():
    with pytest.raises(
        AnalysisError, match="no more than 2 values of brand have 10 answers or more; the best"
    ):
        benchmark.best_in_class(brands(a=(5, 5, 5), b=(5, 5, 5), c=(1, 1, 1)), "nps", unit="brand")
