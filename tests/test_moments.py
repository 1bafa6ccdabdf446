"""Moments of bootstrap samples of a design, and regression errors under it."""

import os

import numpy as np
import pandas as pd
import pytest

from cxlab.analysis.drivers import importance
from cxlab.analysis.drivers.moments import moments, resampled, units_of
from cxlab.analysis.drivers.regression import fit, independent
from cxlab.analysis.survey import Design
from cxlab.errors import AnalysisError

REPLICATIONS = int(os.environ.get("CXLAB_REPLICATIONS", 200))


def design(strata=None, cluster=None, n=12, weights=None):
    w = np.ones(n) if weights is None else np.asarray(weights, dtype=float)
    codes = [None if given is None else np.asarray(given) for given in (strata, cluster)]
    return Design(w, *codes, weighted=bool(np.ptp(w)))


def test_moments_are_numpys():
    rng = np.random.default_rng(0)
    columns, weights = rng.normal(size=(5000, 3)), rng.uniform(0.5, 2, 5000)
    counts = rng.poisson(1, size=(2, 5000)).astype(np.uint8)
    found = moments(columns, weights, columns[:, :1], counts)
    for at, drawn in enumerate(counts):
        assert found.covariance[:, :, at] == pytest.approx(
            np.cov(columns.T, aweights=weights * drawn, ddof=0), abs=1e-12
        )
        assert found.mean[:, at] == pytest.approx(np.average(columns, axis=0, weights=weights * drawn))
    assert found.also[0] == pytest.approx(found.mean[0])
    once = moments(columns, weights)
    assert once.covariance[:, :, 0] == pytest.approx(np.cov(columns.T, aweights=weights, ddof=0), abs=1e-12)
    assert once.slopes[:, 0] == pytest.approx(
        fit(columns[:, 1:], columns[:, 0], independent(weights)).coefficients
    )


def test_copies_share_their_slope():
    rng = np.random.default_rng(1)
    x = rng.normal(size=400)
    found = moments(np.column_stack([2 * x + rng.normal(size=400), x, x]), np.ones(400)).slopes[:, 0]
    assert found[0] == pytest.approx(found[1])
    assert found.sum() == pytest.approx(2, abs=0.2)


def test_clusters_are_numbered_within_their_stratum():
    unit, strata = units_of(design(strata=[0] * 6 + [1] * 6, cluster=[1, 1, 2, 2, 3, 3] * 2))
    assert unit.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert strata.tolist() == [0, 0, 0, 1, 1, 1]


def test_a_stratum_with_one_cluster_says_nothing_of_its_error():
    with pytest.raises(AnalysisError, match="1 strata have one sampling unit each, .* merge them"):
        units_of(design(strata=[0] * 6 + [1] * 6, cluster=[1, 1, 2, 2, 3, 3] + [4] * 6))


def test_samples_vary_as_linearisation_says():
    # By hand: the sum over strata of m / (m - 1) times the spread of the m cluster sums.
    rng = np.random.default_rng(2)
    strata = np.repeat([0, 1, 2], [80, 120, 40])
    cluster = np.arange(240) // 10
    w = rng.uniform(0.5, 2, 240)
    y = rng.normal(size=24)[cluster] + rng.normal(size=240) + strata
    drawn = resampled(y[:, None], design(strata, cluster, weights=w), 4000, np.random.default_rng(0))
    z = w * (y - np.average(y, weights=w)) / w.sum()
    variance = 0.0
    for stratum in range(3):
        sums = np.array([z[cluster == k].sum() for k in np.unique(cluster[strata == stratum])])
        variance += len(sums) / (len(sums) - 1) * ((sums - sums.mean()) ** 2).sum()
    assert drawn.mean[0].std() == pytest.approx(np.sqrt(variance), rel=0.04)
    alone = resampled(y[:, None], design(n=240, weights=w), 4000, np.random.default_rng(0))
    assert alone.mean[0].std() < 0.6 * np.sqrt(variance)


def test_clustered_errors_by_hand():
    rng = np.random.default_rng(3)
    x, cluster, strata = rng.normal(size=60), np.arange(60) // 5, np.arange(60) // 30
    y = 0.5 * x + rng.normal(size=12)[cluster]
    line = fit(x[:, None], y, design(strata, cluster, n=60))
    centred = x - x.mean()
    residual = y - y.mean() - line.coefficients[0] * centred
    leverage = 1 / 60 + centred**2 / (centred**2).sum()
    scores = centred * residual / (1 - leverage)
    variance = 0.0
    for stratum in range(2):
        sums = np.array([scores[cluster == k].sum() for k in range(6 * stratum, 6 * stratum + 6)])
        variance += 6 / 5 * ((sums - sums.mean()) ** 2).sum()
    assert line.covariance[0, 0] == pytest.approx(variance / (centred**2).sum() ** 2)
    assert line.df == 10


def clustered_survey(seed, clusters=40, size=15):
    """Branches differ in how pleasant they are, and in the outcome: answers of one branch are alike."""
    rng = np.random.default_rng(seed)
    branch = np.repeat(np.arange(clusters), size)
    level = rng.normal(size=(clusters, 3))[branch]
    x = 0.6 * level[:, :2] + rng.normal(size=(clusters * size, 2))
    y = x @ [0.5, 0.2] + 0.7 * level[:, 2] + rng.normal(size=clusters * size)
    return pd.DataFrame({"y": y, "a": x[:, 0], "b": x[:, 1], "branch": branch})


@pytest.mark.simulation
def test_clustered_intervals_cover():
    # Without the clusters 84 %: the branches' own levels are taken for independent answers.
    held, ignored = 0, 0
    for seed in range(REPLICATIONS):
        table = clustered_survey(seed)
        for cluster in ("branch", None):
            row = (
                importance(table, "y", ["a", "b"], cluster=cluster, resamples=0)
                .table.set_index("driver")
                .loc["a"]
            )
            inside = row["coefficient_low"] <= 0.5 <= row["coefficient_high"]
            held, ignored = held + (inside and cluster is not None), ignored + (inside and cluster is None)
    error = 3 * np.sqrt(0.05 * 0.95 / REPLICATIONS)
    assert 0.95 - error <= held / REPLICATIONS <= 0.95 + error
    assert ignored / REPLICATIONS < 0.9


def test_draws_are_joint_and_in_the_units_of_the_data():
    table = clustered_survey(5)
    table.loc[::3, "b"] = np.nan
    result = importance(table, "y", ["a", "b"], cluster="branch", resamples=2000, seed=1)
    own = result.table.set_index("driver").loc[["a", "b"]]
    draws = result.draws
    assert draws.means.mean(axis=1) == pytest.approx(own["mean"].to_numpy(), abs=0.02)
    assert own.loc["b", "mean"] == pytest.approx(table["b"].mean())
    assert draws.coefficients.mean(axis=1) == pytest.approx(own["coefficient"].to_numpy(), abs=0.01)
    half = (own["coefficient_high"] - own["coefficient_low"]).to_numpy() / 2
    assert draws.coefficients.std(axis=1) == pytest.approx(half / 2.02, rel=0.12)
    assert draws.shares.std(axis=1, ddof=1) == pytest.approx(own["std_error"].to_numpy())
    assert own["p_top3"].tolist() == [1.0, 1.0]
    assert result.settings["cluster"] == "branch"
