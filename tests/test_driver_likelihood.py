"""The cumulative logit and its dominance: published numbers, an oracle, identities, separation."""

import time
import warnings
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.discrete.discrete_model import Logit
from statsmodels.miscmodels.ordinal_model import OrderedModel

from cxlab.analysis.drivers.likelihood import cumulative_logit, mcfadden

PUBLISHED = Path(__file__).parent / "published"
FEW = settings(max_examples=25, derandomize=True, deadline=None)


def housing():
    table = pd.read_csv(PUBLISHED / "housing.csv", comment="#")
    columns = {
        "Infl": ["Medium", "High"],
        "Type": ["Apartment", "Atrium", "Terrace"],
        "Cont": ["High"],
    }
    x = np.column_stack([table[name] == level for name, levels in columns.items() for level in levels])
    satisfied = table["Sat"].map({"Low": 0, "Medium": 1, "High": 2}).to_numpy()
    return x.astype(float), satisfied, table["Freq"].to_numpy(dtype=float)


def survey(n, drivers, classes, seed=0, effects=(1.0, 0.6, 0.0)):
    rng = np.random.default_rng(seed)
    latent = 0.6 * rng.normal(size=(n, 1)) + 0.8 * rng.normal(size=(n, drivers))
    judged = latent[:, :3] @ np.array(effects) + rng.logistic(size=n)
    cuts = np.quantile(judged, np.arange(1, classes) / classes)
    return np.clip(np.round(4.5 + 1.3 * latent), 1, 7), np.searchsorted(cuts, judged)


# Published: MASS::polr on the housing data (Venables & Ripley 2002), domir's dominance of it.


def test_housing_is_fitted_as_polr_does():
    x, y, w = housing()
    fit = cumulative_logit(x, y, w)
    printed = [0.5663937, 1.2888191, -0.5723501, -0.3661866, -1.0910149, 0.3602841]
    assert fit.coefficients == pytest.approx(printed, abs=2e-6)
    assert fit.thresholds == pytest.approx([-0.4961353, 0.6907083], abs=1e-6)
    assert -2 * fit.log_likelihood == pytest.approx(3479.1493, abs=5e-5)
    assert not fit.separated
    null = cumulative_logit(np.empty((len(y), 0)), y, w)
    assert null.log_likelihood == pytest.approx(-1824.4388, abs=5e-5)


def test_housing_is_divided_by_mcfadden():
    x, y, w = housing()
    gains = mcfadden(x, np.empty((len(y), 0)), y, w, [2, 3, 1])
    # polr's null model rests at -1824.4388132921 where the shares' own logarithms give -1824.4388105228;
    # each of the three steps over the null is that much too high, and counts for a third.
    short = (1824.4388132921 - 1824.4388105228) / 1824.4388
    printed = np.array([0.0292006878, 0.0149886294, 0.0023258979])
    assert gains.general == pytest.approx(printed - short / 3, abs=1e-10)
    assert gains.r_squared == pytest.approx(0.0465152151 - short, abs=1e-10)


# An oracle.


@pytest.mark.parametrize("classes", [3, 5])
def test_statsmodels_agrees_on_ordered_classes(classes):
    x, y = survey(400, 4, classes, seed=classes)
    fit = cumulative_logit(x, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        oracle = OrderedModel(y, x, distr="logit").fit(method="newton", disp=0, maxiter=200, tol=1e-12)
    assert fit.log_likelihood == pytest.approx(oracle.llf, abs=1e-6)
    assert fit.coefficients == pytest.approx(oracle.params[:4], abs=1e-4)
    cuts = oracle.model.transform_threshold_params(oracle.params)[1:-1]
    assert fit.thresholds == pytest.approx(cuts, abs=1e-4)


def test_statsmodels_agrees_on_two_classes():
    x, y = survey(900, 4, 2, seed=1)
    fit = cumulative_logit(x, y)
    oracle = Logit(y, np.column_stack([np.ones(len(y)), x])).fit(disp=0, tol=1e-12)
    assert fit.log_likelihood == pytest.approx(oracle.llf, abs=1e-6)
    assert fit.coefficients == pytest.approx(oracle.params[1:], abs=1e-4)
    assert fit.thresholds == pytest.approx(-oracle.params[:1], abs=1e-4)


# By hand.


def test_a_yes_or_no_predictor_gives_the_logarithm_of_the_odds_ratio():
    # 10 of 40 and 30 of 50: odds 1/3 and 3/2.
    x = np.repeat([0.0, 0.0, 1.0, 1.0], [30, 10, 20, 30])[:, None]
    y = np.repeat([0, 1, 0, 1], [30, 10, 20, 30])
    fit = cumulative_logit(x, y)
    assert fit.coefficients == pytest.approx([np.log(4.5)], abs=1e-9)
    assert fit.thresholds == pytest.approx([np.log(3)], abs=1e-9)
    by_hand = 30 * np.log(0.75) + 10 * np.log(0.25) + 20 * np.log(0.4) + 30 * np.log(0.6)
    assert fit.log_likelihood == pytest.approx(by_hand, abs=1e-9)


# Identities.


@FEW
@given(st.integers(0, 10_000), st.integers(2, 5), st.integers(1, 4))
def test_classes_the_other_way_round_turn_the_signs(seed, classes, drivers):
    x, y = survey(120, max(drivers, 3), classes, seed)
    forth, back = cumulative_logit(x[:, :drivers], y), cumulative_logit(x[:, :drivers], classes - 1 - y)
    assert back.log_likelihood == pytest.approx(forth.log_likelihood, abs=1e-6)
    assert back.coefficients == pytest.approx(-forth.coefficients, abs=1e-4)
    assert back.thresholds == pytest.approx(-forth.thresholds[::-1], abs=1e-3)


@FEW
@given(st.integers(0, 10_000))
def test_weights_are_rows_repeated_and_scale_changes_nothing(seed):
    x, y = survey(80, 3, 3, seed)
    times = np.random.default_rng(seed).integers(1, 4, len(y))
    weighted = cumulative_logit(x, y, times)
    repeated = cumulative_logit(np.repeat(x, times, axis=0), np.repeat(y, times))
    assert weighted.log_likelihood == pytest.approx(repeated.log_likelihood, abs=1e-7)
    assert weighted.coefficients == pytest.approx(repeated.coefficients, abs=1e-6)
    moved = cumulative_logit(100 * x - 7, y, times)
    assert moved.coefficients == pytest.approx(weighted.coefficients / 100, abs=1e-6)
    assert moved.log_likelihood == pytest.approx(weighted.log_likelihood, abs=1e-7)


def test_a_start_ends_where_no_start_does():
    x, y = survey(500, 4, 4)
    cold = cumulative_logit(x, y)
    near = cumulative_logit(x + 0.3, y)
    warm = cumulative_logit(x, y, start=near)
    assert warm.log_likelihood == pytest.approx(cold.log_likelihood, abs=1e-7)
    assert warm.coefficients == pytest.approx(cold.coefficients, abs=1e-6)


def test_copies_share_the_likelihood():
    x, y = survey(500, 3, 3)
    once = cumulative_logit(x, y)
    twice = cumulative_logit(np.column_stack([x, x[:, 0]]), y)
    assert twice.log_likelihood == pytest.approx(once.log_likelihood, abs=1e-7)
    gains = mcfadden(np.column_stack([x, x[:, 0]]), np.empty((len(y), 0)), y, np.ones(len(y)), [1] * 4)
    assert gains.general[0] == pytest.approx(gains.general[3], abs=1e-9)


def test_gains_are_those_of_every_order_of_entry_over_the_controls():
    x, y = survey(400, 5, 3, seed=7)
    drivers, controls = x[:, :4], x[:, 4:] > 4
    w = np.random.default_rng(0).random(len(y)) + 0.2
    null = cumulative_logit(np.empty((len(y), 0)), y, w).log_likelihood
    members = [[0], [1, 2], [3]]
    expected = np.zeros(3)
    for order in permutations(range(3)):
        inside, before = controls.astype(float), None
        for block in [None, *order]:
            if block is not None:
                inside = np.column_stack([inside, drivers[:, members[block]]])
            now = 1 - cumulative_logit(inside, y, w).log_likelihood / null
            if block is not None:
                expected[block] += (now - before) / 6
            before = now
    gains = mcfadden(drivers, controls.astype(float), y * 10.0, w, [1, 2, 1])
    assert gains.general == pytest.approx(expected, abs=1e-9)
    assert gains.r_squared == pytest.approx(before, abs=1e-9)


# Separation.


@pytest.mark.parametrize("classes", [2, 3])
def test_parted_classes_are_told_and_the_likelihood_still_ends(classes):
    x, _ = survey(300, 3, 2)
    parted = cumulative_logit(x, np.searchsorted(np.quantile(x[:, 0], [0.5, 0.8][: classes - 1]), x[:, 0]))
    assert parted.separated
    assert parted.log_likelihood == pytest.approx(0.0, abs=1e-5)


def test_a_group_that_always_agrees_parts_the_classes_too():
    x, y = survey(600, 3, 2)
    few = np.zeros(len(y))
    few[np.flatnonzero(y == 1)[:6]] = 1.0
    told = cumulative_logit(np.column_stack([x, few]), y)
    assert told.separated
    others = few == 0  # with an effect without end the six say nothing of the others
    alone = cumulative_logit(x[others], y[others])
    assert told.log_likelihood == pytest.approx(alone.log_likelihood, abs=1e-5)
    assert told.coefficients[:3] == pytest.approx(alone.coefficients, abs=1e-4)
    few[np.flatnonzero(y == 0)[0]] = 1.0
    assert not cumulative_logit(np.column_stack([x, few]), y).separated


def test_every_subset_of_eight_drivers_takes_seconds():
    x, y = survey(5000, 8, 3)
    begun = time.process_time()
    mcfadden(x, np.empty((len(y), 0)), y, np.ones(len(y)), [1] * 8)
    # Measured 0.4 s; statsmodels would take more than a minute.
    assert time.process_time() - begun < 4
