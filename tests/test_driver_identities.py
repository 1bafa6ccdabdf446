"""What must hold of shares whatever the data: the identities (a) to (l) of driver analysis."""

from itertools import combinations, pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from cxlab.analysis.drivers import dominance, importance, lattice, moments
from cxlab.errors import AnalysisError

SOME = settings(max_examples=20, derandomize=True, deadline=None)
SEEDS = st.integers(0, 10**6)


def joint(predictors, outcome):
    """Correlations with the outcome first, as one replicate."""
    r = np.asarray(outcome, dtype=float)
    return np.block([[np.ones((1, 1)), r[None]], [r[:, None], np.asarray(predictors, dtype=float)]])[
        ..., None
    ]


def random_matrix(seed, drivers):
    data = np.random.default_rng(seed).normal(size=(30 + 3 * drivers, drivers + 1))
    data[:, 0] += data[:, 1:] @ np.random.default_rng(seed + 1).normal(size=drivers)
    return np.corrcoef(data.T)[:, :, None]


def survey(seed, drivers, n=90):
    """Ratings of 1 to 7 with a halo, skipped at random in the last, and an outcome."""
    rng = np.random.default_rng(seed)
    ratings = np.clip(np.round(4 + rng.normal(size=(n, 1)) + 1.2 * rng.normal(size=(n, drivers))), 1, 7)
    table = pd.DataFrame(ratings, columns=[f"d{k}" for k in range(drivers)])
    table["outcome"] = ratings @ rng.normal(size=drivers) + 2 * rng.normal(size=n)
    table["w"] = rng.integers(1, 4, n)
    table.loc[rng.random(n) < 0.2, f"d{drivers - 1}"] = np.nan
    return table


def divided(table, drivers, **options):
    result = importance(table, "outcome", drivers, resamples=0, min_rated=10, **options)
    return result, result.table.set_index("driver")["importance"]


def names(count):
    return [f"d{k}" for k in range(count)]


@SOME
@given(SEEDS, st.integers(3, 7), st.sampled_from(["lmg", "johnson", "pmvd"]))
def test_a_values_sum_to_r_squared(seed, drivers, method):
    table = survey(seed, drivers)
    options = {"controls": ["d0"], "groups": {"both": ["d1", "d2"]}} if drivers > 4 else {}
    result, values = divided(
        table, names(drivers)[1:] if options else names(drivers), method=method, weights="w", **options
    )
    assert values.sum() + result.r_squared_controls == pytest.approx(result.r_squared, abs=1e-10)
    assert (values >= -1e-12).all()


@SOME
@given(SEEDS, st.integers(2, 13))
def test_a_also_over_the_head_of_the_tree_and_in_blocks(seed, count):
    blocks = np.random.default_rng(seed).integers(1, 3, count).tolist()
    matrix = random_matrix(seed, sum(blocks))
    values = dominance.shapley(np.concatenate([matrix, matrix**3], axis=2), blocks)
    for replicate, own in enumerate((matrix, matrix**3)):
        left = dominance.swept(own, sum(blocks))[0, 0, 0]
        assert values[:, replicate].sum() == pytest.approx(1 - left, abs=1e-11)


@SOME
@given(SEEDS, st.integers(2, 8))
def test_b_johnson_is_genizi(seed, drivers):
    """Johnson from the singular vectors of the ratings, Genizi from roots of their correlations."""
    rng = np.random.default_rng(seed)
    data = rng.normal(size=(60, drivers + 1)) + rng.normal(size=(60, 1))
    z = (data - data.mean(axis=0)) / data.std(axis=0)
    left, lengths, right = np.linalg.svd(z[:, 1:], full_matrices=False)
    johnson = ((right.T * lengths) @ right / 60**0.5) ** 2 @ ((left @ right).T @ z[:, 0] / 60**0.5) ** 2
    r = np.corrcoef(z.T)
    root = np.real(sqrtm(r[1:, 1:]))
    genizi = root**2 @ np.linalg.solve(root, r[1:, 0]) ** 2
    assert johnson == pytest.approx(genizi, abs=1e-10)
    assert dominance.relative_weights(r[:, :, None], [1] * drivers)[:, 0] == pytest.approx(genizi, abs=1e-10)


@SOME
@given(st.floats(-0.9, 0.9), st.floats(0, 1), st.floats(0, 2 * np.pi))
def test_c_two_drivers_in_closed_form_and_johnson_alike(r12, share, angle):
    # Any slopes that explain `share` of the outcome.
    slopes = np.array([np.cos(angle), np.sin(angle)])
    among = np.array([[1, r12], [r12, 1]])
    slopes *= np.sqrt(share / (slopes @ among @ slopes))
    r1, r2 = among @ slopes
    r_squared = (r1**2 + r2**2 - 2 * r1 * r2 * r12) / (1 - r12**2)
    first = (r1**2 - r2**2 + r_squared) / 2
    assert dominance.general(among, [r1, r2]) == pytest.approx([first, r_squared - first], abs=1e-12)
    johnson = dominance.relative_weights(joint(among, [r1, r2]), [1, 1])[:, 0]
    assert johnson == pytest.approx([first, r_squared - first], abs=1e-12)


@SOME
@given(SEEDS, st.integers(2, 12))
def test_d_orthogonal_drivers_have_their_squared_correlation(seed, drivers):
    r = np.random.default_rng(seed).normal(size=drivers)
    r *= 0.9 / np.sqrt(r @ r)
    matrix, ones = joint(np.eye(drivers), r), [1] * drivers
    for values in (
        dominance.shapley(matrix, ones),
        dominance.relative_weights(matrix, ones),
        dominance.unique(matrix, ones),
        dominance.alone(matrix, ones),
    ):
        assert values[:, 0] == pytest.approx(r**2, abs=1e-12)


@SOME
@given(SEEDS, st.integers(2, 5), st.sampled_from(["lmg", "johnson", "pmvd"]))
def test_e_duplicates_get_equal_shares(seed, drivers, method):
    table = survey(seed, drivers).assign(copy=lambda t: 3 - 2 * t["d0"])
    _, values = divided(table, [*names(drivers), "copy"], method=method)
    assert values["copy"] == pytest.approx(values["d0"], abs=1e-8)
    _, alone = divided(table, names(drivers), method=method)
    assert values.sum() == pytest.approx(alone.sum(), abs=1e-8)


@SOME
@given(SEEDS, st.integers(2, 7))
def test_f_shares_lie_between_the_smallest_and_the_largest_gain(seed, drivers):
    matrix, ones = random_matrix(seed, drivers), [1] * drivers
    explained = lattice.subsets(matrix, ones)
    values = dominance.shapley(matrix, ones)[:, 0]
    for block in range(drivers):
        gains = np.diff(explained[..., 0], axis=block)
        assert gains.min() - 1e-12 <= values[block] <= gains.max() + 1e-12
    assert lattice.conditional(explained)[:, :, 0].mean(axis=1) == pytest.approx(values, abs=1e-12)


@SOME
@given(SEEDS, st.sampled_from(["lmg", "johnson", "pmvd"]))
def test_g_scale_shift_reversal_and_order_change_no_share(seed, method):
    table = survey(seed, 5)
    _, plain = divided(table, names(5), method=method, weights="w")
    moved = table.sample(frac=1, random_state=seed % 1000).assign(
        d0=lambda t: 8 - t["d0"], d1=lambda t: 10 * t["d1"] + 3, outcome=lambda t: 100 - 5 * t["outcome"]
    )
    order = np.random.default_rng(seed).permutation(names(5)).tolist()
    _, after = divided(moved, order, method=method, weights="w")
    assert after[names(5)].to_numpy() == pytest.approx(plain[names(5)].to_numpy(), abs=1e-9)


@SOME
@given(SEEDS, st.integers(2, 5))
def test_h_whole_weights_repeat_rows_and_equal_weights_are_none(seed, drivers):
    table = survey(seed, drivers).assign(same=2.5)
    repeated = table.loc[table.index.repeat(table["w"])].reset_index(drop=True)
    weighted, values = divided(table, names(drivers), weights="w")
    again, expected = divided(repeated, names(drivers))
    assert values[names(drivers)].to_numpy() == pytest.approx(expected[names(drivers)].to_numpy(), abs=1e-10)
    columns = ["coefficient", "first", "last", "correlation", "mean", "rated"]
    both = [result.table.set_index("driver").loc[names(drivers), columns] for result in (weighted, again)]
    assert both[0].to_numpy(float) == pytest.approx(both[1].to_numpy(float), abs=1e-9)
    same, none = divided(table, names(drivers), weights="same")[0], divided(table, names(drivers))[0]
    pd.testing.assert_frame_equal(same.table, none.table, rtol=1e-9)


@SOME
@given(SEEDS, st.lists(st.integers(1, 3), min_size=4, max_size=8))
def test_i_sampled_orderings_agree_with_exact_within_their_error(seed, blocks):
    matrix = random_matrix(seed, sum(blocks))
    exact = dominance.shapley(matrix, blocks)[:, 0]
    drawn = dominance.sampled(matrix, blocks, np.random.default_rng(seed), error=0.002)
    assert (np.abs(drawn.gains[:, 0] - exact) < 4.5 * drawn.error[:, 0] + 1e-7).all()
    assert drawn.error.max() < 0.002 * exact.sum()
    assert drawn.gains.sum() == pytest.approx(exact.sum(), abs=1e-12)


def test_j_a_seed_gives_the_same_bootstrap_whatever_is_held_at_once(monkeypatch):
    table = survey(3, 12, n=300)
    options = {"weights": "w", "resamples": 40, "seed": 7, "min_rated": 10}
    first = importance(table, "outcome", names(12), **options).table
    pd.testing.assert_frame_equal(importance(table, "outcome", names(12), **options).table, first)
    for where, what, value in (
        (moments, "_COUNTS", 900),  # three samples at a time
        (moments, "_ROWS", 64),
        (dominance, "_NODES", 32),  # eight replicates
        (dominance, "_LEAVES", 2**12),
        (dominance, "_TAIL", 4),
    ):
        assert value != getattr(where, what)
        monkeypatch.setattr(where, what, value)
        again = importance(table, "outcome", names(12), **options).table
        pd.testing.assert_frame_equal(again, first, rtol=1e-9)
    other = importance(table, "outcome", names(12), **{**options, "seed": 8}).table
    assert (other["conf_low"] != first["conf_low"]).all()


@SOME
@given(SEEDS, st.lists(st.integers(1, 3), min_size=2, max_size=4))
def test_k_a_group_has_the_sum_of_its_members_where_groups_are_orthogonal(seed, blocks):
    rng = np.random.default_rng(seed)
    among = np.zeros((sum(blocks), sum(blocks)))
    starts = np.cumsum([0, *blocks])
    for start, stop in pairwise(starts):
        among[start:stop, start:stop] = np.corrcoef(rng.normal(size=(stop - start, 9)))
    slopes = rng.normal(size=sum(blocks))
    slopes *= np.sqrt(0.6 / (slopes @ among @ slopes))
    single = dominance.general(among, among @ slopes)
    grouped = dominance.general(among, among @ slopes, blocks)
    assert grouped == pytest.approx(np.add.reduceat(single, starts[:-1]), abs=1e-12)
    assert single.sum() == pytest.approx(0.6, abs=1e-12)


@SOME
@given(SEEDS, st.integers(2, 5))
def test_l_a_constant_is_refused_and_a_duplicate_flagged(seed, drivers):
    table = survey(seed, drivers).assign(flat=4.0, copy=lambda t: t["d0"])
    with pytest.raises(AnalysisError, match=r"column flat: found one value only \(4\).*leave it out"):
        divided(table, [*names(drivers), "flat"])
    checks = divided(table, [*names(drivers), "copy"])[0].tables["checks"]
    vif = checks[checks["check"] == "vif"].set_index("driver")
    flagged = vif.index[np.isinf(vif["value"])]
    assert set(flagged) == {"d0", "copy"}
    assert vif.loc["copy", "advice"].startswith("the other drivers determine copy (d0)")
    assert not vif.loc[vif.index.difference(flagged), "advice"].str.contains("determine").any()


def test_the_tree_agrees_with_every_subset_by_hand():
    matrix = random_matrix(9, 13)
    blocks = [1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2]  # eleven: more than are grown together
    starts = np.cumsum([1, *blocks])[:-1]
    found = dominance.shapley(matrix, blocks)[:, 0]

    def explained(chosen):
        own = [v for b in chosen for v in range(starts[b], starts[b] + blocks[b])]
        r = matrix[:, :, 0]
        return r[0, own] @ np.linalg.solve(r[np.ix_(own, own)], r[0, own]) if own else 0.0

    for block in (1, 10):
        others = [b for b in range(11) if b != block]
        by_size = [
            np.mean([explained((*s, block)) - explained(s) for s in combinations(others, size)])
            for size in range(11)
        ]
        assert found[block] == pytest.approx(np.mean(by_size), abs=1e-12)
