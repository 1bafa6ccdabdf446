"""Driver importance: published divisions of R-squared, identities, coverage, claims, what is refused."""

import os
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxlab.analysis.drivers import dominance, importance, lattice
from cxlab.analysis.drivers.draws import rank_sets
from cxlab.analysis.drivers.regression import fit, independent
from cxlab.analysis.estimates import as_one_family
from cxlab.analysis.scales import missing_codes
from cxlab.errors import AnalysisError

PUBLISHED = Path(__file__).parent / "published"
REPLICATIONS = int(os.environ.get("CXLAB_REPLICATIONS", 200))
SWISS_DRIVERS = ["Agriculture", "Examination", "Education", "Catholic", "Infant.Mortality"]
FEW = settings(max_examples=20, derandomize=True, deadline=None)


def published(name):
    return pd.read_csv(PUBLISHED / f"{name}.csv", comment="#")


def divided(table, outcome, drivers, **options):
    result = importance(table, outcome, drivers, resamples=0, **options)
    return result, result.table.set_index("driver")["importance"]


def survey(n=600, seed=0, effects=(0.5, 0.3, 0.15, 0.0, 0.0), halo=0.65):
    """Ratings of 1 to 7 that share a halo, and an outcome of known effects."""
    rng = np.random.default_rng(seed)
    latent = halo * rng.normal(size=(n, 1)) + np.sqrt(1 - halo**2) * rng.normal(size=(n, len(effects)))
    ratings = np.clip(np.round(4.5 + 1.3 * latent), 1, 7)
    table = pd.DataFrame(ratings, columns=[f"d{k}" for k in range(len(effects))])
    return table.assign(outcome=ratings @ np.array(effects) + 0.8 * rng.normal(size=n))


# Published numbers: relaimpo 2.2-7 (Groemping 2006), dominanceanalysis (Azen & Budescu 2003), domir, rwa.


def test_swiss_is_divided_as_relaimpo_does():
    result, shares = divided(published("swiss"), "Fertility", SWISS_DRIVERS)
    expected = [0.0570912208, 0.1711730289, 0.2601346786, 0.1055701504, 0.1127659229]
    assert shares[SWISS_DRIVERS].to_numpy() == pytest.approx(expected, abs=1e-10)
    assert result.r_squared == pytest.approx(0.7067350016, abs=1e-10)
    last = result.table.set_index("driver")["last"][SWISS_DRIVERS]
    assert last.to_numpy() == pytest.approx([0.0428696, 0.0073874, 0.1619627, 0.0623726, 0.0569453], abs=1e-7)
    first = [0.1246649, 0.4171645, 0.4406156, 0.2150035, 0.1735189]
    rows = result.table.set_index("driver").loc[SWISS_DRIVERS]
    assert rows["first"].to_numpy() == pytest.approx(first, abs=1e-7)
    assert rows["correlation"].to_numpy() ** 2 == pytest.approx(first, abs=1e-7)


def test_swiss_with_weights_as_relaimpo():
    table = published("swiss").assign(w=np.arange(1, 48))
    result, shares = divided(table, "Fertility", SWISS_DRIVERS, weights="w")
    expected = [0.0889725798, 0.1421978531, 0.3757653248, 0.0520596373, 0.0519758940]
    assert shares[SWISS_DRIVERS].to_numpy() == pytest.approx(expected, abs=1e-10)
    assert result.r_squared == pytest.approx(0.7109712889, abs=1e-10)


def test_swiss_with_catholic_always_in_the_model():
    drivers = ["Agriculture", "Examination", "Education", "Infant.Mortality"]
    result, shares = divided(published("swiss"), "Fertility", drivers, controls=["Catholic"])
    expected = [0.0402101328, 0.1036508563, 0.2562230714, 0.0916474395]
    assert shares[drivers].to_numpy() == pytest.approx(expected, abs=1e-10)
    assert shares.sum() == pytest.approx(0.4917315, abs=1e-7)
    assert result.r_squared_controls == pytest.approx(0.2150035, abs=1e-7)
    assert result.r_squared == pytest.approx(shares.sum() + result.r_squared_controls, abs=1e-12)


def test_swiss_with_a_group_of_drivers():
    groups = {"school": ["Examination", "Education"]}
    _, shares = divided(published("swiss"), "Fertility", SWISS_DRIVERS, groups=groups)
    assert shares["school"] == pytest.approx(0.3981789888, abs=1e-10)
    rest = shares[["Agriculture", "Catholic", "Infant.Mortality"]].to_numpy()
    assert rest == pytest.approx([0.0738468089, 0.1157375396, 0.1189716643], abs=1e-10)


def test_swiss_by_johnson_is_genizi():
    _, shares = divided(published("swiss"), "Fertility", SWISS_DRIVERS, method="johnson")
    expected = [0.0484168958, 0.1547082498, 0.2719641046, 0.1146800299, 0.1169657214]
    assert shares[SWISS_DRIVERS].to_numpy() == pytest.approx(expected, abs=1e-10)


def test_attitude_and_mtcars():
    table = published("attitude")
    result, shares = divided(table, "rating", list(table.columns[1:]))
    expected = [0.3708161943, 0.0509037930, 0.1557659902, 0.1203450794, 0.0065887225, 0.0281822131]
    assert shares[table.columns[1:]].to_numpy() == pytest.approx(expected, abs=1e-10)
    assert result.r_squared == pytest.approx(0.7326019925, abs=1e-10)
    cars = published("mtcars")
    result, domir = divided(cars, "mpg", ["am", "vs", "cyl"])
    assert domir[["am", "vs", "cyl"]].to_numpy() == pytest.approx([0.1774892, 0.2027032, 0.3817849], abs=1e-7)
    assert result.r_squared == pytest.approx(0.7619773, abs=1e-7)
    result, ten = divided(cars, "mpg", list(cars.columns[1:]))
    relaimpo = {
        "cyl": 0.1213452, "disp": 0.1202387, "hp": 0.1069863, "drat": 0.0732701, "wt": 0.1582888,
        "qsec": 0.0382707, "vs": 0.0658805, "am": 0.0733762, "gear": 0.0440933, "carb": 0.0672659,
    }  # fmt: skip
    assert ten[list(relaimpo)].to_numpy() == pytest.approx(list(relaimpo.values()), abs=1e-7)
    assert result.r_squared == pytest.approx(0.8690158, abs=1e-7)
    result, johnson = divided(cars, "mpg", ["cyl", "disp", "hp", "gear"], method="johnson")
    expected = [0.2284797, 0.2221469, 0.2321744, 0.0963886]
    assert johnson[["cyl", "disp", "hp", "gear"]].to_numpy() == pytest.approx(expected, abs=1e-7)
    assert result.r_squared == pytest.approx(0.7791896, abs=1e-7)


def test_grades_of_kerlinger_and_pedhazur_as_budescu_divides_them():
    among, with_grades = [[1, 0.30, 0.41], [0.30, 1, 0.16], [0.41, 0.16, 1]], [0.33, 0.57, 0.50]
    shares = dominance.general(among, with_grades)
    assert shares == pytest.approx([0.044082, 0.265895, 0.186496], abs=1e-6)
    assert shares.sum() == pytest.approx(0.496, abs=5e-4)
    assert np.linalg.solve(among, with_grades) == pytest.approx([0.009, 0.500, 0.416], abs=1e-3)
    assert with_grades @ np.linalg.solve(among, with_grades) == pytest.approx(shares.sum(), abs=1e-12)


def test_azen_and_budescu_from_correlations():
    among = [[1, 0.8, 0.1, 0.3], [0.8, 1, 0.1, 0.1], [0.1, 0.1, 1, 0.5], [0.3, 0.1, 0.5, 1]]
    shares = dominance.general(among, [0.6, 0.3, 0.4, 0.5])
    assert shares == pytest.approx([0.292176, 0.075861, 0.094911, 0.121404], abs=1e-6)
    assert shares.sum() == pytest.approx(0.5843525, abs=1e-7)


# By hand.


AZEN_BUDESCU = (
    [0.6, 0.3, 0.4, 0.5],
    {(0, 1): 0.8, (0, 2): 0.1, (0, 3): 0.3, (1, 2): 0.1, (1, 3): 0.1, (2, 3): 0.5},
)


def joint(outcome, pairs):
    matrix = np.eye(len(outcome) + 1)
    matrix[0, 1:] = matrix[1:, 0] = outcome
    for (i, j), r in pairs.items():
        matrix[i + 1, j + 1] = matrix[j + 1, i + 1] = r
    return matrix[:, :, None]


def test_conditional_and_complete_dominance_of_azen_and_budescu():
    explained = lattice.subsets(joint(*AZEN_BUDESCU), [1] * 4)
    printed = [[0.360, 0.300, 0.263, 0.246], [0.090, 0.074, 0.069, 0.071], [0.160, 0.095, 0.063, 0.061]]
    found = lattice.conditional(explained)[:, :, 0]
    assert found == pytest.approx(np.array([*printed, [0.250, 0.152, 0.073, 0.010]]), abs=0.002)
    pairs = lattice.dominance_tables(explained, explained[..., :0], "abcd")["dominance"]
    complete = pairs[pairs["dominance"] == "complete"]
    assert set(zip(complete["driver"], complete["over"], strict=True)) == {("a", "b"), ("a", "c"), ("a", "d")}
    assert pairs["reproduced"].isna().all()


def test_conditional_dominance_of_mtcars_as_domir_prints_it():
    cars = published("mtcars")
    result = importance(cars, "mpg", ["am", "vs", "cyl"], resamples=200)
    gains = result.tables["conditional"].pivot(index="driver", columns="others", values="gain")
    printed = {
        "am": [0.3597989, 0.1389842, 0.0336844],
        "vs": [0.4409477, 0.1641982, 0.0029637],
        "cyl": [0.7261800, 0.3432799, 0.0758948],
    }
    for driver, expected in printed.items():
        assert gains.loc[driver].to_numpy() == pytest.approx(expected, abs=1e-7)
    pairs = result.tables["dominance"].set_index(["driver", "over"])
    assert pairs.loc[("cyl", "vs"), "dominance"] == "complete"
    assert pairs.loc[("cyl", "vs"), "reproduced"] > 0.9
    # vs adds more alone, am more at the end: neither dominates but on average.
    assert pairs.loc[("vs", "am"), "dominance"] == "general"
    assert pairs.loc[("vs", "am"), "ahead"] == 0.5


def test_pmvd_of_swiss_equals_every_ordering_weighted():
    swiss = published("swiss")
    _, values = divided(swiss, "Fertility", SWISS_DRIVERS, method="pmvd")
    expected = [0.04479, 0.04447, 0.37982, 0.13433, 0.10333]
    assert values[SWISS_DRIVERS].to_numpy() == pytest.approx(expected, abs=5e-6)
    r = np.corrcoef(swiss[["Fertility", *SWISS_DRIVERS]].to_numpy().T)

    def explained(chosen):
        own = [1 + k for k in chosen]
        return r[0, own] @ np.linalg.solve(r[np.ix_(own, own)], r[0, own]) if own else 0.0

    whole, sums, total = explained(range(5)), np.zeros(5), 0.0
    for order in permutations(range(5)):
        reached = [explained(order[:k]) for k in range(6)]
        weight = 1 / np.prod([whole - each for each in reached[1:5]])
        sums[list(order)] += weight * np.diff(reached)
        total += weight
    assert values[SWISS_DRIVERS].to_numpy() == pytest.approx(sums / total, abs=1e-12)


def test_pmvd_gives_nothing_to_a_driver_without_coefficient_and_splits_copies():
    # The second driver goes with the outcome only through the first: its coefficient is zero.
    matrix = joint([0.6, 0.3, 0.4], {(0, 1): 0.5, (0, 2): 0.0, (1, 2): 0.0})
    values = lattice.proportional(lattice.subsets(matrix, [1] * 3))[:, 0]
    assert values == pytest.approx([0.36, 0.0, 0.16], abs=1e-9)
    copied = joint([0.6, 0.6, 0.4], {(0, 1): 1.0, (0, 2): 0.2, (1, 2): 0.2})
    values = lattice.proportional(lattice.subsets(copied, [1] * 3))[:, 0]
    assert values[0] == pytest.approx(values[1], abs=1e-9)
    assert values.sum() == pytest.approx(1 - 1 / np.linalg.inv(copied[[0, 1, 3]][:, [0, 1, 3], 0])[0, 0])


@FEW
@given(st.integers(0, 10_000), st.integers(2, 6))
def test_dominance_averages_to_the_shares_and_pairs_agree_with_them(seed, drivers):
    table = survey(80, seed, effects=tuple(np.random.default_rng(seed).random(drivers)))
    result, values = divided(table, "outcome", [f"d{k}" for k in range(drivers)])
    gains = result.tables["conditional"].groupby("driver")["gain"].mean()
    assert gains[values.index].to_numpy() == pytest.approx(values.to_numpy(), abs=1e-10)
    first = result.tables["conditional"].query("others == 0").set_index("driver")["gain"]
    last = result.tables["conditional"].query("others == @drivers - 1").set_index("driver")["gain"]
    own = result.table.set_index("driver")
    assert own["first"][first.index].to_numpy() == pytest.approx(first.to_numpy(), abs=1e-10)
    assert own["last"][last.index].to_numpy() == pytest.approx(last.to_numpy(), abs=1e-10)
    pairs = result.tables["dominance"]
    assert len(pairs) == drivers * (drivers - 1) / 2
    assert (values[pairs["driver"]].to_numpy() >= values[pairs["over"]].to_numpy() - 1e-12).all()


def test_many_drivers_have_no_table_of_every_model_and_no_pmvd():
    table = survey(300, effects=(0.2,) * 11)
    names = [f"d{k}" for k in range(11)]
    result = importance(table, "outcome", names, resamples=0)
    assert result.tables["conditional"].empty
    assert result.tables["dominance"].empty
    with pytest.raises(AnalysisError, match="at most 10; got 11: group them, or use method='lmg'"):
        importance(table, "outcome", names, method="pmvd", resamples=0)


def test_coefficients_and_their_robust_error_on_four_points():
    # Slope 2.3; leverage .7 .3 .3 .7; residuals .2 -.1 -.4 .3; HC3 = sum (x e/(1-h))^2 / (sum x^2)^2.
    line = fit([[0.0], [1.0], [2.0], [3.0]], [1.0, 3.0, 5.0, 8.0], independent(np.ones(4)))
    x, e, h = (
        np.array([-1.5, -0.5, 0.5, 1.5]),
        np.array([0.2, -0.1, -0.4, 0.3]),
        np.array([0.7, 0.3, 0.3, 0.7]),
    )
    assert line.coefficients == pytest.approx([2.3])
    assert line.covariance[0, 0] == pytest.approx(((x * e / (1 - h)) ** 2).sum() / 25, rel=1e-12)
    assert line.df == 2


# Orderings, by brute force and sampled (what holds of any data is in test_driver_identities.py).


def random_correlations(seed, drivers):
    data = np.random.default_rng(seed).normal(size=(30 + 3 * drivers, drivers + 1))
    data[:, 0] += data[:, 1:].sum(axis=1) / 2
    return np.corrcoef(data.T)[:, :, None]


def test_every_ordering_averaged_by_brute_force():
    matrix = random_correlations(3, 5)
    blocks = [2, 1, 2]
    starts = [1, 3, 4]
    gains = np.zeros(3)
    for order in permutations(range(3)):
        inside, explained = [], 0.0
        for block in order:
            inside += range(starts[block], starts[block] + blocks[block])
            among, with_y = matrix[np.ix_(inside, inside)][..., 0], matrix[inside, 0, 0]
            now = with_y @ np.linalg.solve(among, with_y)
            gains[block] += (now - explained) / 6
            explained = now
    assert dominance.shapley(matrix, blocks)[:, 0] == pytest.approx(gains, abs=1e-12)


def test_both_ends_are_exact_so_that_four_blocks_need_no_sampling():
    matrix = random_correlations(2, 7)
    drawn = dominance.sampled(matrix, [2, 1, 3, 1], np.random.default_rng(0), error=1e-9)
    assert drawn.gains == pytest.approx(dominance.shapley(matrix, [2, 1, 3, 1]), abs=1e-7)
    assert (drawn.error == 0).all()


def test_orderings_are_drawn_until_the_error_is_small_also_where_drivers_work_only_together():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(500, 12))
    x[:, 1] = x[:, 0] + 0.01 * rng.normal(size=500)  # nothing alone, everything together
    x[:, 2:5] = np.cumsum(x[:, 2:5], axis=1)
    y = 100 * (x[:, 1] - x[:, 0]) + x[:, 4] - x[:, 2] + 0.1 * rng.normal(size=500)
    matrix = np.corrcoef(np.column_stack([y, x]).T)[:, :, None]
    exact = dominance.shapley(matrix, [1] * 12)[:, 0]
    orderings = []
    for error in (0.01, 0.0002):
        drawn = dominance.sampled(matrix, [1] * 12, np.random.default_rng(0), error=error)
        assert drawn.error.max() < error * exact.sum()
        assert (np.abs(drawn.gains[:, 0] - exact) < 4.5 * drawn.error[:, 0] + 1e-7).all()
        orderings.append(drawn.orderings)
    assert orderings[1] > orderings[0]


def test_intervals_by_few_orderings_are_nearly_those_of_exact_samples(monkeypatch):
    table = survey(400, 4, effects=tuple(np.linspace(0.5, 0, 12)))
    drivers = [f"d{k}" for k in range(12)]
    exact = importance(table, "outcome", drivers, resamples=300).table
    monkeypatch.setattr("cxlab.analysis.drivers.shares._EXACT_RESAMPLED", 11)
    near = importance(table, "outcome", drivers, resamples=300).table
    assert (near["conf_low"] != exact["conf_low"]).all()
    width = exact["conf_high"] - exact["conf_low"]
    for end in ("conf_low", "conf_high"):
        assert (np.abs(near[end] - exact[end]) < 0.08 * width).all()
    assert near["std_error"].to_numpy() == pytest.approx(exact["std_error"].to_numpy(), rel=0.06)


def test_many_drivers_are_sampled_with_copies_groups_controls_and_intervals():
    rng = np.random.default_rng(0)
    names = [f"d{k}" for k in range(28)]
    table = pd.DataFrame(rng.normal(size=(400, 28)) + rng.normal(size=(400, 1)), columns=names)
    table["y"] = table["d0"] + table["d1"] + rng.normal(size=400)
    table["d27"] = 10 - 2 * table["d0"]
    drivers = [name for name in names if name != "d5"]
    groups = {"both": ["d3", "d4"]}
    result = importance(table, "y", drivers, controls=["d5"], groups=groups, resamples=60)
    assert not result.settings["exact"]
    assert 0 < result.settings["monte_carlo_error"] < 0.001
    assert result.settings["orderings"] > 0
    rows = result.table.set_index("driver")
    assert rows["share"].sum() == pytest.approx(1)
    assert rows["importance"].sum() == pytest.approx(result.r_squared - result.r_squared_controls)
    assert rows.loc["d0", "share"] == pytest.approx(rows.loc["d27", "share"], abs=0.003)
    assert rows.loc["d1", "share"] > rows["share"].drop("d1").max()
    assert (rows["conf_low"] < rows["conf_high"]).all()
    assert rows.loc["d1", "conf_low"] < rows.loc["d1", "share"] < rows.loc["d1", "conf_high"]


# What a caller gets.


def test_bootstrap_is_reproducible_and_inputs_stay():
    table = survey(200)
    before = table.copy(deep=True)
    drivers = ["d0", "d1", "d2"]
    first, second = (importance(table, "outcome", drivers, resamples=200, seed=5) for _ in range(2))
    pd.testing.assert_frame_equal(first.table, second.table)
    pd.testing.assert_frame_equal(table, before)
    other = importance(table, "outcome", drivers, resamples=200, seed=6)
    assert (other.table["conf_low"] != first.table["conf_low"]).any()
    assert first.settings["seed"] == 5
    assert first.table["share"].sum() == pytest.approx(1)
    assert first.table.columns.tolist() == [
        "driver", "importance", "share", "std_error", "conf_low", "conf_high",
        "rank", "rank_low", "rank_high", "p_top3", "noise_share", "beats_noise",
        "coefficient", "coefficient_low", "coefficient_high",
        "first", "last", "correlation", "mean", "rated", "n", "n_eff", "flag",
    ]  # fmt: skip


def test_bootstrap_of_swiss_is_relaimpos():
    result = importance(published("swiss"), "Fertility", SWISS_DRIVERS, resamples=2000, seed=1)
    low, high = np.quantile(result.draws.shares, [0.025, 0.975], axis=1)
    assert low == pytest.approx([0.046, 0.124, 0.109, 0.045, 0.049], abs=0.012)
    assert high == pytest.approx([0.139, 0.370, 0.514, 0.350, 0.334], abs=0.025)
    # 47 provinces: our limits are of a small sample, not only the quantiles of what was drawn.
    found = result.table.set_index("driver").loc[SWISS_DRIVERS]
    assert (found["conf_high"] - found["conf_low"] > high - low).all()


def test_listwise_counts_what_it_drops_and_indicator_keeps_it():
    table = survey(300)
    table.loc[:89, "d1"] = np.nan
    table.loc[[90, 91], "outcome"] = np.nan
    table.loc[[92], ["d0", "d1", "d2"]] = np.nan
    table["w"] = 1.0
    table.loc[[93, 94, 95], "w"] = 0.0
    drivers = ["d0", "d1", "d2"]
    kept = importance(table, "outcome", drivers, weights="w", resamples=0)
    assert dict(kept.n_dropped) == {"weight zero": 3, "outcome missing": 2, "no driver rated": 1}
    assert kept.n_used + sum(kept.n_dropped.values()) == len(table)
    bases = kept.table.set_index("driver")
    assert bases.loc["d1", "n"] == 204
    assert bases.loc["d1", "rated"] == pytest.approx(204 / 294)
    complete = importance(table, "outcome", drivers, weights="w", not_applicable="listwise", resamples=0)
    assert complete.n_dropped["incomplete rows"] == 90
    assert complete.n_used == 204


def test_not_applicable_gives_importance_overall_and_the_effect_among_users():
    # Two drivers alike in effect, one used by a third only: a third of the variance, the same coefficient.
    rng = np.random.default_rng(2)
    a, b, used = rng.normal(size=60_000), rng.normal(size=60_000), rng.random(60_000) < 1 / 3
    table = pd.DataFrame(
        {"y": a + np.where(used, b, 0.0) + rng.normal(size=60_000), "a": a, "b": np.where(used, b, np.nan)}
    )
    rows = importance(table, "y", ["a", "b"], resamples=0).table.set_index("driver")
    assert rows.loc["a", "share"] == pytest.approx(0.75, abs=0.02)
    assert rows["coefficient"].to_numpy() == pytest.approx([1.0, 1.0], abs=0.03)


def test_skip_logic_would_leave_listwise_with_few_and_the_wrong_driver():
    rng = np.random.default_rng(4)
    n = 3000
    share = np.linspace(0.05, 0.75, 8)
    ratings = pd.DataFrame(
        rng.normal(size=(n, 8)) + 0.5 * rng.normal(size=(n, 1)), columns=[f"t{k}" for k in range(8)]
    )
    used = rng.random((n, 8)) > share
    y = (ratings.where(used, 0.0) @ np.array([0.6, 0.5, 0.45, 0.4, 0.4, 0.4, 0.5, 0.9])) + rng.normal(size=n)
    table = ratings.where(used).assign(y=y)
    result = importance(table, "y", list(ratings), resamples=0)
    assert result.table["driver"].iloc[0] == "t0"
    assert result.claims[0].caveats[:2] == ("association_not_cause", "not_applicable_coded")
    checks = result.tables["checks"].set_index("check")
    assert "listwise deletion would describe them alone" in checks.loc["complete_rows", "advice"]
    assert "its share is reach times depth" in " ".join(checks.loc[["rated"], "advice"])


def test_duplicated_drivers_share_equally_and_have_no_coefficient():
    table = survey(300).assign(copy=lambda t: 2 * t["d0"] + 1)
    result = importance(table, "outcome", ["d0", "copy", "d1"], resamples=100)
    rows = result.table.set_index("driver")
    assert rows.loc["d0", "importance"] == pytest.approx(rows.loc["copy", "importance"], abs=1e-12)
    assert rows.loc[["d0", "copy"], ["coefficient", "coefficient_low"]].isna().all(axis=None)
    assert np.isfinite(rows.loc["d1", "coefficient"])
    checks = result.tables["checks"]
    own = checks[(checks["check"] == "vif") & (checks["driver"] == "copy")].iloc[0]
    assert np.isinf(own["value"])
    assert "the other drivers determine copy (d0): they share its part equally" in own["advice"]
    assert result.tables["tests"].set_index("driver").loc["d0", "p_value"] != 0
    assert {c.fields["driver"] for c in result.claims if c.code == "drivers.top"} == {"d1"}


def test_johnson_and_sampling_split_duplicates_too():
    matrix = np.corrcoef(np.random.default_rng(0).normal(size=(4, 50)))
    index = [0, 1, 2, 3, 3]
    joint = matrix[np.ix_(index, index)][:, :, None]
    for values in (
        dominance.relative_weights(joint, [1] * 4)[:, 0],
        dominance.sampled(joint, [1] * 4, np.random.default_rng(0), error=0.001).gains[:, 0],
    ):
        assert values[2] == pytest.approx(values[3], rel=1e-6)
        assert values.sum() == pytest.approx(dominance.shapley(joint, [1] * 4).sum(), abs=1e-10)


def test_suppressor_is_flagged_and_not_claimed():
    rng = np.random.default_rng(0)
    a, noise = rng.normal(size=2000), rng.normal(size=2000)
    table = pd.DataFrame(
        {"a": a + noise, "b": 0.3 * a + noise, "y": a + 0.1 * noise + 0.3 * rng.normal(size=2000)}
    )
    result = importance(table, "y", ["a", "b"], resamples=0)
    assert result.tables["tests"]["p_adjusted"].max() < 1e-6
    assert [c.fields["driver"] for c in result.claims if c.code == "drivers.top"] == ["a"]
    checks = result.tables["checks"].set_index(["check", "driver"])
    assert "b goes one way with the outcome and the other way" in checks.loc[("sign", "b"), "advice"]


def test_drivers_that_explain_nothing_at_all_are_refused():
    # A balanced design: each pair of ratings equally often with each answer.
    table = pd.DataFrame(
        [(a, b, y) for a in (1, 2) for b in (1, 2) for y in (1, 2, 3)] * 4, columns=["a", "b", "y"]
    )
    with pytest.raises(AnalysisError, match="no driver goes with y in any way: there is nothing to divide"):
        importance(table, "y", ["a", "b"], resamples=0)


def test_flags_follow_who_rated():
    table = survey(200)
    table.loc[12:, "d1"] = np.nan
    result = importance(table, "outcome", ["d0", "d1", "d2"], min_rated=10, resamples=0)
    assert result.table.set_index("driver")["flag"].to_dict() == {"d0": "ok", "d1": "low_base", "d2": "ok"}


def test_nothing_comes_of_fewer_than_ten_people():
    """Shares add up to one and many tables have the drivers: nothing of such a base could be hidden."""
    table = survey(200)
    table.loc[9:, "d1"] = np.nan
    with pytest.raises(AnalysisError, match="min_rated is 9; give a whole number, 10 or more"):
        importance(table, "outcome", ["d0", "d1", "d2"], min_rated=9, resamples=0)
    with pytest.raises(AnalysisError, match="column d1: found ratings of <10 people only"):
        importance(table, "outcome", ["d0", "d1", "d2"], min_rated=10, resamples=0)
    with pytest.raises(AnalysisError, match="fewer than 10 people are left to analyse"):
        importance(survey(9), "outcome", ["d0", "d2"], resamples=0)


# What may be said.


def test_planted_drivers_are_stated_and_the_halo_is_named():
    result = importance(survey(1800, 3), "outcome", [f"d{k}" for k in range(5)], resamples=400)
    tops = [c for c in result.claims if c.code == "drivers.top"]
    assert [c.fields["driver"] for c in tops] == ["d0", "d1", "d2"]
    assert all(c.grade == "C" and c.headline and "association_not_cause" in c.caveats for c in tops)
    assert tops[0].fields["estimate"] == result.table["share"].iloc[0]
    assert {c.fields["driver"] for c in result.claims if c.code == "drivers.halo"} == {"d3", "d4"}
    halo = next(c for c in result.claims if c.code == "drivers.halo")
    assert halo.fields["correlation"] > 0.3
    assert halo.fields["conf_low"] < 0 < halo.fields["conf_high"]
    order = next(c for c in result.claims if c.code == "drivers.order")
    assert (order.fields["first"], order.fields["second"]) == ("d0", "d1")
    assert result.otherwise[0].code == "drivers.none"


def test_close_drivers_have_an_open_order():
    result = importance(survey(400, 5, effects=(0.3, 0.3, 0.1)), "outcome", ["d0", "d1", "d2"], resamples=400)
    assert not any(c.code == "drivers.order" for c in result.claims)
    open_ = next(c for c in result.claims if c.code == "drivers.order_open")
    assert {open_.fields["first"], open_.fields["second"]} == {"d0", "d1"}
    assert "hypothesis" not in open_.fields
    assert open_.fields["n_needed"] is None or open_.fields["n_needed"] > 400
    assert result.table["rank_high"].iloc[0] > 1


def test_a_weak_effect_says_none_and_how_many_answers_would_show_it():
    table = survey(150, 3, effects=(0.06, 0.0, 0.0, 0.0))
    result = importance(table, "outcome", ["d0", "d1", "d2", "d3"], resamples=200)
    assert [c.code for c in result.claims] == ["drivers.none"]
    fields = result.claims[0].fields
    assert fields["drivers"] == 4
    assert fields["n_needed"] > fields["n"] == 150


def test_the_number_of_answers_needed_is_of_the_right_size():
    # With 900 answers d0 is stated in four surveys of five; of noise more than half say no number at all.
    drivers = ["d0", "d1", "d2", "d3"]
    needed = {}
    for effect in (0.08, 0.0):
        surveys = (survey(150, seed, effects=(effect, 0.0, 0.0, 0.0)) for seed in range(80))
        claims = [importance(table, "outcome", drivers, resamples=0).claims[0] for table in surveys]
        needed[effect] = [c.fields["n_needed"] for c in claims if c.code == "drivers.none"]
    assert 500 < np.median([n for n in needed[0.08] if n]) < 1800
    assert 0.45 < np.mean([n is None for n in needed[0.0]]) < 0.8


def test_claims_are_withdrawn_together_with_their_order():
    weak = importance(survey(120, 8, effects=(0.30, 0.0, 0.0)), "outcome", ["d0", "d1", "d2"], resamples=200)
    crowd = importance(
        survey(120, 9, effects=(0.0,) * 5), "outcome", [f"d{k}" for k in range(5)], resamples=0
    )
    assert any(c.code == "drivers.top" for c in weak.claims)
    tests = weak.tables["tests"].assign(p_value=lambda t: t["p_value"].where(t.index > 0, 0.03))
    from dataclasses import replace

    joint, _ = as_one_family(replace(weak, tables={**weak.tables, "tests": tests}), crowd)
    assert not [c for c in joint.claims if "hypothesis" in c.fields]
    assert any(c.code == "drivers.none" for c in joint.claims)


def test_rank_sets_are_wide_when_shares_are_equal():
    rng = np.random.default_rng(0)
    low, high = rank_sets(np.full(4, 0.25), 0.25 + rng.normal(0, 0.03, (4, 400)), 0.95)
    assert low.tolist() == [1] * 4
    assert high.tolist() == [4] * 4


@pytest.mark.simulation
def test_noise_states_a_difference_in_at_most_one_of_twenty_surveys():
    stated = 0
    for seed in range(REPLICATIONS):
        table = survey(120 + 30 * (seed % 5), 1000 + seed, effects=(0.0,) * 8, halo=0.5)
        table.loc[np.random.default_rng(seed).random(len(table)) < 0.4, "d3"] = np.nan
        result = importance(table, "outcome", [f"d{k}" for k in range(8)], resamples=0)
        stated += any("hypothesis" in claim.fields for claim in result.claims)
    # Binomial bound: 5 % of the replications and two standard errors.
    assert stated <= REPLICATIONS * 0.05 + 2 * np.sqrt(REPLICATIONS * 0.05 * 0.95)


@pytest.mark.simulation
def test_drivers_without_effect_are_rarely_claimed_beside_real_ones():
    false = 0
    for seed in range(REPLICATIONS):
        result = importance(survey(300, 5000 + seed), "outcome", [f"d{k}" for k in range(5)], resamples=0)
        false += any(c.code == "drivers.top" and c.fields["driver"] in ("d3", "d4") for c in result.claims)
    assert false <= REPLICATIONS * 0.05 + 2 * np.sqrt(REPLICATIONS * 0.05 * 0.95)


# What is refused.


def refused(match, table=None, outcome="outcome", drivers=("d0", "d1", "d2"), **options):
    with pytest.raises(AnalysisError, match=match):
        importance(survey(60) if table is None else table, outcome, drivers, resamples=0, **options)


def test_roles_are_refused_when_they_overlap():
    refused(r"column d0: found a column with two roles \(outcome, drivers\).*take it out of", outcome="d0")
    refused(r"column d0: found a column named 2 times; .*name it once", drivers=["d0", "d0", "d1"])
    refused(r"found drivers: 1; allowed: from 2 to 60. give at least 2 drivers", drivers=["d0"])
    refused(r"found drivers: 1; .*give at least 2 drivers", drivers="d0")
    refused(r"column d1: found a column with two roles \(drivers, controls\)", controls=["d1"])
    refused(r"column d2: found a column with two roles \(drivers, weights\)", weights="d2")
    refused(
        r"(?s)column nothing: found no column of this name; allowed: a column of the table: d0, .*column d9",
        drivers=["d0", "nothing"],
        controls=["d9"],
    )


def test_unusable_columns_are_named_all_at_once():
    table = survey(60).assign(d0="good", d1=3.0, d2=lambda t: t["d2"].where(t.index > 2, np.inf))
    refused(r"(?s)column d0: found text or categories \('good'\).*column d2: found an infinite value", table)
    refused(
        r"column d1: found one value only \(3\).*leave it out, or widen the filter",
        table.assign(d0=1.0 * table.index, d2=table.index % 7),
    )
    refused(r"column outcome: found one value only", survey(60).assign(outcome=4))
    refused(r"column d1: found no answer at all", survey(60).assign(d1=np.nan))


@pytest.mark.parametrize("code", [99, 88, 999, -9, -99])
def test_codes_for_no_answer_are_refused_with_their_row(code):
    table = survey(60)
    table.loc[[4, 9], "d1"] = code
    refused(rf"row 5, column d1: found {code} \(2 rows\).*it looks like a code for no answer", table)


def test_declared_scales_decide():
    table = survey(60)
    table.attrs["scales"] = {"d1": [1, 5], "d2": [1, 7]}
    refused(r"column d1: found 6, 7.*allowed: from 1 to 5.*or correct the scale, in client.yaml", table)
    wide = survey(60)
    wide.loc[3, "d1"] = 99
    wide.attrs["scales"] = {"d1": [0, 100]}
    assert importance(wide, "outcome", ["d0", "d1"], resamples=0).n_used == 60


def test_which_values_are_codes():
    assert missing_codes(np.array([1.0, 5, 7, np.nan])) == []
    assert missing_codes(np.array([0.0, 10, 88, 98, 99])) == [88.0, 98.0, 99.0]
    assert missing_codes(np.array([1.5, 7, 99])) == []
    assert missing_codes(np.array([-100.0, 0, 100])) == []
    assert missing_codes(np.array([-3.0, -9, 3])) == []
    assert missing_codes(np.array([18.0, 45, 99])) == []


def test_weights_ids_and_bases_are_checked():
    table = survey(60).assign(w=1.0, response_id=[f"r{k}" for k in range(60)])
    refused(
        r"row 1, column w: found -1.0; allowed: a finite number, zero or more",
        table.assign(w=[-1.0, *[1.0] * 59]),
        weights="w",
    )
    twice = table.assign(response_id=["r0", "r0", *[f"r{k}" for k in range(2, 60)]])
    refused(
        r"row 1, column response_id: found response_id repeated: r0 \(2 rows\); allowed: each answer once",
        twice,
    )
    refused(
        r"the effective sample is 5.0 for 3 drivers and 0 further columns; more than 5 answers are needed",
        survey(5),
    )
    refused(r"no row is left to analyse: outcome missing 60", survey(60).assign(outcome=np.nan))
    refused(
        r"no row is left to analyse: no driver rated 60", survey(60).assign(d0=np.nan, d1=np.nan, d2=np.nan)
    )
    both = pd.concat([table, table["d0"]], axis=1)
    refused(r"more than one column named d0; rename or drop one of them", both)


def test_options_and_groups_are_checked():
    refused(r"method is 'shap'; allowed: lmg, johnson", method="shap")
    refused(r"not_applicable is 'pairwise'; allowed: indicator, listwise", not_applicable="pairwise")
    refused(r"level is 95", level=95)
    refused(r"column d9: found a column in a group that is not among", groups={"g": ["d0", "d9"]})
    refused(r"column d0: found a driver in more than one group", groups={"g": ["d0", "d1"], "h": ["d0"]})
    refused(r"a group named like a driver outside it \(d2\).*rename", groups={"d2": ["d0", "d1"]})
    refused(r"a group without drivers \(g\).*leave it out", groups={"g": []})
    refused(r"all drivers in one group.*leave a driver out of the group", groups={"g": ["d0", "d1", "d2"]})
    refused(r"found drivers: 61; allowed: from 2 to 60", drivers=[f"d{k}" for k in range(61)])
    with pytest.raises(AnalysisError, match="resamples is -1; give 0 for no bootstrap"):
        importance(survey(60), "outcome", ["d0", "d1"], resamples=-1)


def test_categorical_controls_enter_as_levels():
    table = survey(400).assign(region=lambda t: np.where(t.index % 3 == 0, "RM", "Sur"))
    result = importance(table, "outcome", ["d0", "d1", "d2"], controls=["region"], resamples=0)
    assert result.table["importance"].sum() + result.r_squared_controls == pytest.approx(
        result.r_squared, abs=1e-12
    )
    refused(
        r"column who: found 60 different values, e.g. 'p0'.*group the categories",
        survey(60).assign(who=[f"p{k}" for k in range(60)]),
        controls=["who"],
    )
    missing = table.assign(region=table["region"].where(table.index > 9))
    assert importance(missing, "outcome", ["d0", "d1"], controls=["region"], resamples=0).n_dropped == {
        "region missing": 10
    }


def test_what_goes_against_the_outcome_is_stated_so_and_heads_nothing():
    rng = np.random.default_rng(3)
    table = pd.DataFrame(rng.normal(size=(400, 3)), columns=list("abc"))
    table["y"] = table["a"] - table["b"] + rng.normal(size=400)
    result = importance(table, "y", list("abc"), resamples=100)
    tops = {c.fields["driver"]: c for c in result.claims if c.code == "drivers.top"}
    assert set(tops) == {"a", "b"}
    assert tops["a"].headline
    assert not tops["b"].headline
    assert tops["b"].fields["coefficient"] < 0


def test_drivers_that_overlap_explain_together_what_none_can_claim():
    rng = np.random.default_rng(5)
    common = rng.normal(size=(150, 1))
    table = pd.DataFrame(common + 0.15 * rng.normal(size=(150, 5)), columns=list("abcde"))
    table["y"] = common[:, 0] + rng.normal(size=150)
    nothing = importance(table, "y", list("abcde"), resamples=0).claims[0]
    assert nothing.code == "drivers.none"
    assert nothing.fields["together"]
    noise = importance(table.assign(y=rng.normal(size=150)), "y", list("abcde"), resamples=0).claims[0]
    assert not noise.fields["together"]


def test_what_the_drivers_explain_leaves_out_what_is_always_there():
    rng = np.random.default_rng(6)
    table = pd.DataFrame(rng.normal(size=(300, 3)), columns=["a", "b", "age"])
    table["y"] = 0.4 * table["a"] + 3 * table["age"] + rng.normal(size=300)
    result = importance(table, "y", ["a", "b"], controls=["age"], resamples=0)
    own = result.r_squared - result.r_squared_controls
    checks = result.tables["checks"].set_index("check")["value"]
    assert result.table["importance"].sum() == pytest.approx(own)
    assert checks["r_squared"] == pytest.approx(own)
    assert checks["r_squared_controls"] == pytest.approx(result.r_squared_controls)
    assert result.claims[0].fields["r_squared"] == pytest.approx(own)
    alone = importance(table, "y", ["a", "b"], resamples=0)
    assert "r_squared_controls" not in set(alone.tables["checks"]["check"])


def test_sfo_with_skip_logic_and_weights():
    folder = os.environ.get("CXLAB_REAL_DATA")
    if not folder:
        pytest.skip("CXLAB_REAL_DATA names no folder of real files")
    table = pd.read_csv(Path(folder) / "sfo_airport_survey_2017.csv", low_memory=False)
    drivers = ["Q7ART", "Q7FOOD", "Q7STORE", "Q7SIGN", "Q7WALKWAYS", "Q7SCREENS", "Q7WIFI", "Q7ROADS"]
    ratings = table[["Q7ALL", *drivers]].apply(pd.to_numeric, errors="coerce")
    ratings = ratings.where(ratings.isin(range(1, 6))).assign(weight=table["WEIGHT"])
    result = importance(ratings, "Q7ALL", drivers, weights="weight", resamples=100)
    assert result.n_used + sum(result.n_dropped.values()) == len(table)
    assert result.table["share"].sum() == pytest.approx(1)
    assert result.claims[0].code == "drivers.top"
