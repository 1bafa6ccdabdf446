"""Funnels: printed Poisson limits, exact binomials, over-dispersion by hand, alarms when nothing differs."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cxlab.analysis import benchmark
from cxlab.analysis.estimates import masked
from cxlab.errors import AnalysisError
from cxlab.reporting.claims import sentence
from cxlab.reporting.words import Words

REPLICATIONS = int(os.environ.get("CXLAB_REPLICATIONS", "200"))
COLUMNS = [
    "unit", "estimate", "std_error", "target", "limit_low", "limit_high", "outer_low", "outer_high",
    "z_score", "position", "n", "n_eff", "flag",
]  # fmt: skip


def counts(shares, n):
    n = np.broadcast_to(n, len(shares))
    return pd.DataFrame({
        "shop": [f"s{k:02d}" for k in range(len(shares))], "successes": np.round(np.array(shares) * n),
        "trials": n.astype(float),
    })  # fmt: skip


def test_poisson_limits_that_funnelplotr_prints():
    low, high = benchmark.funnel_limits([15, 20, 30], target=1.0, kind="poisson")
    assert low.round(7).tolist() == [0.5596924, 0.6108260, 0.6746958]
    assert high.round(6).tolist() == [1.649348, 1.544419, 1.427562]
    low, high = benchmark.funnel_limits([15, 20, 30], target=1.0, kind="poisson", level=0.998)
    assert low.round(7).tolist() == [0.3862650, 0.4479107, 0.5289724]
    assert high.round(6).tolist() == [2.082907, 1.902094, 1.702771]


@pytest.mark.parametrize("target", [0.02, 0.3, 0.8])
def test_binomial_limits_hold_their_level_exactly(target):
    for n in (20, 100, 2000):
        (low,), (high,) = benchmark.funnel_limits([n], target=target)
        count = np.arange(n + 1)
        outside = stats.binom.pmf(count, n, target)[(count / n < low) | (count / n > high)].sum()
        assert outside <= 0.05 + stats.binom.pmf(count, n, target).max()
        assert 0 <= low <= target <= high <= 1
    normal = benchmark.funnel_limits(
        [10_000], target=target, kind="normal", sd=np.sqrt(target * (1 - target))
    )
    exact = benchmark.funnel_limits([10_000], target=target)
    assert np.ravel(exact) == pytest.approx(np.ravel(normal), abs=3e-4)


def test_over_dispersion_by_hand():
    z, error = np.array([-4.0, -2, -1, 0, 1, 2, 3, 5]), np.array([0.1] * 4 + [0.2] * 4)
    held = np.array([-2.6, -2, -1, 0, 1, 2, 3, 3.6])  # quantiles of 10 % and 90 %
    phi, tau2 = benchmark.over_dispersion(z, error)
    w = 1 / error**2
    assert phi == pytest.approx((held**2).mean())
    assert tau2 == pytest.approx(((held**2).sum() - 7) / (w.sum() - (w**2).sum() / w.sum()))
    assert benchmark.over_dispersion([-0.5, 0.1, 0.2, 0.4], [0.1] * 4)[1] == 0.0


def test_units_that_differ_by_chance_have_exact_limits_and_one_stands_out():
    table = counts([0.8, 0.79, 0.81, 0.8, 0.82, 0.78, 0.8, 0.8, 0.81, 0.55], [400] * 9 + [100])
    result = benchmark.funnel(table, "rate", unit="shop", target=80)
    assert list(result.table.columns) == COLUMNS
    assert result.table["unit"].iloc[0] == "s09"  # by base
    odd = result.table.iloc[0]
    low, high = benchmark.funnel_limits([100], target=0.8)
    assert (odd["limit_low"], odd["limit_high"]) == (100 * low[0], 100 * high[0])
    assert (odd["position"], result.tau) == ("far below", 0.0)
    assert (result.table["position"].iloc[1:] == "inside").all()
    assert result.tables["dispersion"][["units", "outside"]].iloc[0].tolist() == [10, 1]
    (claim,) = result.claims
    assert (claim.fields["above"], claim.fields["below"], claim.caveats) == (0, 1, ())
    assert "0 muy por encima y 1 muy por debajo" in sentence(claim, Words("es"))


def test_units_that_all_differ_widen_the_limits_instead_of_all_being_alarms():
    shares = np.linspace(0.6, 0.9, 16)
    result = benchmark.funnel(counts(shares, 5000), "rate", unit="shop", focal="s00")
    alone = benchmark.funnel_limits([5000], target=result.target / 100, level=0.998)
    assert ((shares < alone[0]) | (shares > alone[1])).sum() >= 14
    assert (result.table["position"] != "inside").sum() == 0
    assert result.tau > 0.05
    assert result.tables["dispersion"]["phi"].item() > 50
    first, second = result.claims
    assert first.caveats == second.caveats == ("funnel_dispersed",)
    assert "difieren entre sí más de lo que explica el azar, pero ninguna" in sentence(first, Words("es"))
    assert second.fields["position"] == "inside"


@pytest.mark.parametrize(("metric", "column"), [("nps", "recommend"), ("mean", "recommend")])
def test_net_scores_and_means_have_limits_of_the_spread_within_units(metric, column):
    rng = np.random.default_rng(3)
    table = pd.DataFrame({"shop": np.repeat(list("abcdef"), [20, 50, 100, 200, 400, 9]), "recommend": 0})
    table["recommend"] = rng.choice([0, 8, 10], len(table))
    result = benchmark.funnel(table, metric, unit="shop", columns=column)
    rows = result.table.set_index("unit")
    assert rows.loc["f", ["limit_low", "position"]].isna().all()  # nine answers
    assert masked(result).table.set_index("unit").loc["f", "estimate"] is np.nan or np.isnan(
        masked(result).table.set_index("unit").loc["f", "estimate"]
    )
    value = table["recommend"].map({0: -100.0, 8: 0.0, 10: 100.0}) if metric == "nps" else table["recommend"]
    held = value[table["shop"] != "f"]
    within = held.groupby(table["shop"]).transform(lambda x: x - x.mean()).pow(2).mean()
    assert result.tau == 0.0
    assert rows.loc["c", "limit_high"] - result.target == pytest.approx(1.959964 * np.sqrt(within / 100))
    weighted = benchmark.funnel(table.assign(w=2.0), metric, unit="shop", columns=column, weights="w")
    pd.testing.assert_frame_equal(weighted.table, result.table)


@pytest.mark.simulation
def test_nothing_differs_and_few_are_far_off():
    rng = np.random.default_rng(20261122)
    far = 0
    for _ in range(REPLICATIONS // 2):
        n = rng.integers(30, 800, 20)
        table = pd.DataFrame({"shop": np.arange(20), "successes": rng.binomial(n, 0.85), "trials": n})
        far += (
            benchmark.funnel(table, "rate", unit="shop")
            .table["position"]
            .isin(["far above", "far below"])
            .sum()
        )
    assert far / (10 * REPLICATIONS) <= 0.002 + 3 * np.sqrt(0.002 / (10 * REPLICATIONS))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"target": 130}, "target is 130; allowed: 0 to 100"),
        ({"focal": "x"}, "shop has no value 'x'"),
        ({"level": 0.2}, "level is 0.2"),
    ],
)
def test_funnels_that_are_refused(asked, message):
    with pytest.raises(AnalysisError, match=message):
        benchmark.funnel(counts([0.5, 0.6, 0.7], 50), "rate", unit="shop", **asked)


def test_a_funnel_needs_three_units_and_answers_that_differ():
    with pytest.raises(
        AnalysisError, match="only 2 values of shop have 10 answers or more; a funnel needs 3"
    ):
        benchmark.funnel(counts([0.5, 0.6, 0.5], [50, 50, 4]), "rate", unit="shop")
    alike = pd.DataFrame({"shop": np.repeat(list("abc"), 20), "recommend": 10})
    with pytest.raises(AnalysisError, match="all answers of each unit are alike"):
        benchmark.funnel(alike, "nps", unit="shop")
    with pytest.raises(AnalysisError, match="funnel limits need positive bases"):
        benchmark.funnel_limits([0, 10], target=0.5)


def test_carriers_differ_far_more_than_their_flights_explain():
    if "CXLAB_REAL_DATA" not in os.environ:
        pytest.skip("CXLAB_REAL_DATA names no folder of real files")
    table = pd.read_csv(Path(os.environ["CXLAB_REAL_DATA"]) / "airline_ontime_by_carrier.csv").query(
        "year == 2019"
    )
    table = table.assign(successes=table["arr_flights"] - table["arr_del15"], trials=table["arr_flights"])
    result = benchmark.funnel(table, "rate", unit="carrier", focal="DL")
    assert result.target == pytest.approx(100 * table["successes"].sum() / table["trials"].sum())
    place = result.table.set_index("unit")["position"]
    assert place[["HA", "B6", "DL"]].tolist() == ["far above", "far below", "above"]
    assert (place == "inside").sum() >= 13
    assert result.tables["dispersion"]["phi"].item() > 100
