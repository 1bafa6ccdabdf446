"""What a share may be held to: the line of pure noise, intervals that cover, orders that the data allow."""

import os

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cxlab.analysis.drivers import compare, dominance, importance
from cxlab.analysis.drivers.draws import reach_of, share_limits, times_to_order
from cxlab.analysis.drivers.moments import moments
from cxlab.analysis.drivers.noise import noise_gains, spread_of
from cxlab.analysis.drivers.ratings import pull_of, rated

REPLICATIONS = int(os.environ.get("CXLAB_REPLICATIONS", 200))
DRIVERS = [f"d{k}" for k in range(8)]
SURVEYS = [(80, False), (400, True)]  # answers, whether weighted
if REPLICATIONS > 200:
    SURVEYS += [(150, False), (400, False), (1500, False)]


def survey(n, seed, effects=(0.5, 0.3, 0.2, 0.1, 0.0, 0.0, 0.0, 0.0), halo=0.5, noise=0):
    """Skewed ratings of 1 to 7 under a halo, the last `noise` of them drawn apart from everything."""
    rng = np.random.default_rng(seed)
    common, own = rng.normal(size=(n, 1)), rng.normal(size=(n, len(effects)))
    latent = np.sqrt(halo) * common + np.sqrt(1 - halo) * own
    if noise:
        latent[:, -noise:] = own[:, -noise:]
    ratings = np.clip(np.round(5.6 + 1.3 * latent), 1, 7)
    outcome = np.clip(np.round(5.3 + 1.2 * (latent @ effects + 0.6 * rng.normal(size=n))), 1, 7)
    table = pd.DataFrame(ratings, columns=DRIVERS[: len(effects)]).assign(outcome=outcome)
    return table.assign(weight=rng.lognormal(0, 0.7, n))


def people(table, **options):
    choices = {"controls": (), "weights": None, "not_applicable": "indicator", **options}
    drivers = [c for c in table if c.startswith("d")]
    return rated(table, "outcome", drivers, outcome_type="numeric", **choices)


def planted(ratings, sizes, size=1, draws=2500, cluster=None, divide=dominance.shapley):
    """What blocks of real random columns hold when they are added to the drivers, (draws,)."""
    rng = np.random.default_rng(11)
    p = len(ratings.names)
    columns, share = ratings.standardised, ratings.weights / ratings.weights.sum()
    stack = []
    for _ in range(draws):
        z = rng.normal(size=(len(columns), size))
        if cluster is not None:
            z = rng.normal(size=(cluster.max() + 1, size))[cluster]
        z = z - share @ z
        z /= np.sqrt(share @ z**2)
        joint = np.column_stack([columns[:, : p + 1], z, columns[:, p + 1 :]])
        stack.append((joint * share[:, None]).T @ joint)
    swept = dominance.swept(np.stack(stack, axis=2), columns.shape[1] - p - 1)
    return divide(swept, [*sizes, size])[-1]


def line(ratings, sizes, level, **options):
    """Return the quantile of one block's gain: the family's level undone."""
    matrix = moments(ratings.standardised, ratings.weights).correlations
    controls = ratings.controls.shape[1]
    return noise_gains(
        dominance.swept(matrix, controls)[:, :, 0],
        spread_of(ratings),
        sizes,
        free=ratings.n_eff - controls - 1,
        level=level ** len(sizes),
        rng=np.random.default_rng(3),
        **options,
    )


@pytest.mark.parametrize("case", ["plain", "weights", "not applicable", "small"])
def test_the_line_is_what_planted_columns_hold(case):
    table = survey(60 if case == "small" else 300, 5)
    if case == "not applicable":
        table.loc[::3, "d0"] = np.nan
    ratings = people(table, weights="weight" if case == "weights" else None)
    held = planted(ratings, [1] * 8)
    for level in (0.9, 0.95):
        assert line(ratings, [1] * 8, level)[0] == pytest.approx(np.quantile(held, level), rel=0.1)


def test_blocks_of_noise_hold_as_much_as_planted_ones():
    ratings, sizes = people(survey(300, 6)), [3, 1, 1, 1, 2]
    found = line(ratings, sizes, 0.95)
    assert found[1] == found[2] == found[3] < found[4] < found[0]
    for at, size in ((0, 3), (1, 1), (4, 2)):
        assert found[at] == pytest.approx(np.quantile(planted(ratings, sizes, size), 0.95), rel=0.1)


def test_relative_weights_have_a_line_of_their_own():
    ratings = people(survey(300, 7, halo=0.7))
    held = planted(ratings, [1] * 8, divide=dominance.relative_weights)
    assert line(ratings, [1] * 8, 0.95, johnson=True)[0] == pytest.approx(np.quantile(held, 0.95), rel=0.1)


def test_noise_that_is_alike_within_branches_reaches_further():
    # Every driver is one number per branch, so noise is, too; the outcome differs between branches.
    rng = np.random.default_rng(8)
    branch = np.repeat(np.arange(30), 12)
    table = pd.DataFrame(rng.normal(size=(30, 3))[branch], columns=["d0", "d1", "d2"])
    table["outcome"] = table["d0"] + rng.normal(size=30)[branch] + rng.normal(size=360)
    clustered = people(table.assign(branch=branch), cluster="branch")
    held = planted(clustered, [1] * 3, cluster=branch)
    assert line(clustered, [1] * 3, 0.9)[0] == pytest.approx(np.quantile(held, 0.9), rel=0.15)
    assert line(clustered, [1] * 3, 0.9)[0] > 4 * line(people(table), [1] * 3, 0.9)[0]


def test_copies_of_a_driver_do_not_move_the_line():
    table = survey(300, 9)
    once = line(people(table), [1] * 8, 0.95)
    twice = line(people(table.assign(d8=2 * table["d0"] + 1)), [1] * 9, 0.95)
    assert twice[0] == pytest.approx(once[0], rel=0.1)


def test_the_line_stands_beside_every_share_and_costs_no_bootstrap_its_numbers():
    table = survey(300, 10, noise=2)
    result = importance(table, "outcome", DRIVERS, resamples=100, seed=4)
    again = importance(table, "outcome", DRIVERS, resamples=100, seed=4)
    pd.testing.assert_frame_equal(result.table, again.table)
    rows = result.table.set_index("driver")
    assert rows["noise_share"].nunique() == 1
    assert rows["noise_share"].iloc[0] == result.settings["noise_share"]
    assert (rows["beats_noise"] == (rows["share"] > rows["noise_share"])).all()
    assert rows.loc["d0", "beats_noise"]
    assert not rows.loc[["d6", "d7"], "beats_noise"].any()
    other = importance(table, "outcome", DRIVERS, resamples=100, seed=5)
    assert other.settings["noise_share"] != result.settings["noise_share"]
    # As many lines as block sizes; none without a bootstrap, and none for PMVD, which gives noise nothing.
    grouped = importance(table, "outcome", DRIVERS, groups={"g": ["d0", "d1"]}, resamples=50).table
    assert grouped.set_index("driver")["noise_share"].nunique() == 2
    for choice in ({"resamples": 0}, {"resamples": 20, "method": "pmvd"}):
        without = importance(table, "outcome", DRIVERS, **choice)
        assert without.table[["noise_share", "beats_noise"]].isna().all(axis=None)
        assert without.settings["noise_share"] is None
    parts = compare(table.assign(part=table.index % 2), "outcome", DRIVERS, by=["part"], resamples=50)
    assert parts.table.groupby("part")["noise_share"].nunique().tolist() == [1, 1]
    assert parts.table["noise_share"].nunique() == 2


def test_a_real_effect_too_small_to_beat_a_random_aspect_is_not_stated():
    # Nearly all is explained, so that a coefficient is sharp; what it holds, noise would hold as well.
    rng = np.random.default_rng(1)
    x = rng.normal(size=(400, 4))
    table = pd.DataFrame(x, columns=DRIVERS[:4])
    table["outcome"] = x @ [1.0, 1.0, 1.0, 0.06] + 0.15 * rng.normal(size=400)
    result = importance(table, "outcome", DRIVERS[:4], resamples=100)
    tests = result.tables["tests"].set_index("driver")
    assert tests.loc["d3", "p_adjusted"] < 0.001
    assert not result.table.set_index("driver").loc["d3", "beats_noise"]
    stated = [c.fields["driver"] for c in result.claims if c.code == "drivers.top"]
    assert sorted(stated) == ["d0", "d1", "d2"]
    # Without a bootstrap there is no line, and the test alone decides.
    alone = importance(table, "outcome", DRIVERS[:4], resamples=0)
    assert "d3" in {c.fields["driver"] for c in alone.claims if c.code == "drivers.top"}


def test_a_driver_without_effect_of_its_own_may_beat_noise_and_is_not_stated():
    result = importance(survey(1500, 12), "outcome", DRIVERS, resamples=100)
    rows = result.table.set_index("driver").loc[DRIVERS[4:]]
    assert rows["beats_noise"].all()
    stated = {c.fields["driver"] for c in result.claims if c.code == "drivers.top"}
    assert not stated & set(DRIVERS[4:])


@pytest.mark.simulation
@pytest.mark.parametrize("effects", [(0.5, 0.3, 0.2, 0.1, 0.0, 0.0, 0.0, 0.0), (0.0,) * 8])
def test_pure_noise_passes_for_important_in_at_most_one_of_twenty_surveys(effects):
    # Any of them: four of eight drivers are drawn apart from everything, or all of them are.
    noise = 4 if any(effects) else 8
    passed, seen = 0, 0
    for seed in range(REPLICATIONS):
        table = survey((80, 150, 400)[seed % 3], 2000 + seed, effects, noise=noise)
        rows = importance(
            table, "outcome", DRIVERS, weights="weight" if seed % 2 else None, resamples=20, seed=seed
        ).table.set_index("driver")
        passed += bool(rows.loc[DRIVERS[-noise:], "beats_noise"].any())
        seen += bool(rows.loc["d0", "beats_noise"])
    assert passed <= REPLICATIONS * 0.05 + 2 * np.sqrt(REPLICATIONS * 0.05 * 0.95)
    if any(effects):
        assert seen >= 0.98 * REPLICATIONS


# Intervals.


def test_reach_is_students_with_the_mean_leverage():
    assert reach_of(pull_of(np.ones(10**6)), 5, np.inf, 0.95) == pytest.approx(1.95996, abs=1e-4)
    # By hand: sum of cubes 10, of squares 6, of weights 4: leverage 2 times 10 / 24.
    pull = pull_of(np.array([2.0, 1.0, 1.0]))
    assert reach_of(pull, 1, np.inf, 0.95) == pytest.approx(1.959964 * (1 + 20 / 24))


def test_limits_are_midway_between_percentiles_and_logits():
    draws = np.random.default_rng(0).dirichlet([40, 30, 30], 4000).T
    shares = np.array([0.45, 0.28, 0.27])
    low, high = share_limits(shares, draws, 1.959964)
    odds = np.log(draws / (1 - draws)).std(axis=1, ddof=1) * 1.959964
    centre = np.log(shares / (1 - shares))
    percentile = np.quantile(draws, [0.025, 0.975], axis=1)
    assert low == pytest.approx((percentile[0] + 1 / (1 + np.exp(odds - centre))) / 2, abs=1e-6)
    assert high == pytest.approx((percentile[1] + 1 / (1 + np.exp(-odds - centre))) / 2, abs=1e-6)
    assert np.array(share_limits(shares, draws, 1.959964, sure=False)) == pytest.approx(percentile, abs=1e-6)
    # Two shares are one number: their limits mirror each other.
    pair = np.vstack([draws[0], 1 - draws[0]])
    (a, b), (c, d) = share_limits(np.array([0.45, 0.55]), pair, 2.0)
    assert (a, b) == pytest.approx((1 - d, 1 - c), abs=1e-9)


def test_answers_needed_to_order_are_those_that_order():
    # By hand: a gap of 0.1 with error 0.05 x root 2, less the 1 that chance adds to its square.
    draws = np.array([0.5, 0.4, 0.1])[:, None] + np.random.default_rng(4).normal(0, 0.05, (3, 20_000))
    times = times_to_order(np.array([0.5, 0.4, 0.1]), draws, 0.95)
    assert times == pytest.approx((2.343 + 0.842) ** 2 / (2 - 1), rel=0.05)
    assert times_to_order(np.array([0.45, 0.44, 0.11]), draws, 0.95) == np.inf


@pytest.fixture(scope="module")
def population():
    return importance(survey(200_000, 1), "outcome", DRIVERS, resamples=0).table.set_index("driver")


@pytest.mark.simulation
@pytest.mark.parametrize(("n", "weighted"), SURVEYS)
def test_intervals_cover_for_every_driver(population, n, weighted):
    true = population.loc[DRIVERS]
    covered, slopes, ranked = np.zeros(8), np.zeros(8), 0
    for seed in range(REPLICATIONS):
        # Weights unrelated to the answers: the truth stays, the precision falls.
        weights = "weight" if weighted else None
        table = survey(n, 9000 + seed)
        rows = importance(table, "outcome", DRIVERS, weights=weights, resamples=200, seed=seed).table
        rows = rows.set_index("driver").loc[DRIVERS]
        covered += ((rows["conf_low"] <= true["share"]) & (true["share"] <= rows["conf_high"])).to_numpy()
        slope = true["coefficient"]
        slopes += ((rows["coefficient_low"] <= slope) & (slope <= rows["coefficient_high"])).to_numpy()
        # The last four are equal in truth: each of the places 5 to 8 is theirs.
        first, last = np.array([1, 2, 3, 4, 5, 5, 5, 5]), np.array([1, 2, 3, 4, 8, 8, 8, 8])
        ranked += bool(((rows["rank_low"] <= last) & (first <= rows["rank_high"])).all())
    error = np.sqrt(0.05 * 0.95 / REPLICATIONS)
    # Per driver, at three standard errors below what is promised; on average, at the promise.
    assert covered.min() / REPLICATIONS >= 0.93 - 3 * error
    assert 0.93 <= covered.mean() / REPLICATIONS <= (0.97 if n >= 400 else 0.985)
    assert 0.925 <= slopes.mean() / REPLICATIONS <= 0.975
    assert ranked / REPLICATIONS >= 0.95 - 3 * error


# What did not apply.


def journey(seed, n=3000):
    """Ten touchpoints, 5 to 75 % of the people not meeting them; the seldom met matter most to who meets."""
    rng = np.random.default_rng(seed)
    unused = np.linspace(0.05, 0.75, 10)
    ratings = 0.5 * rng.normal(size=(n, 1)) + rng.normal(size=(n, 10))
    # Who meets one of two neighbouring touchpoints meets the other more often: complete rows are a few.
    together = 0.7 * rng.normal(size=(n, 1)) + 0.714 * rng.normal(size=(n, 10))
    used = together > stats.norm.ppf(unused)
    effects = np.array([0.7, 0.45, 0.4, 0.4, 0.45, 0.45, 0.5, 0.6, 0.7, 0.78])
    outcome = (ratings * used) @ effects + 1.5 * rng.normal(size=n)
    drivers = [f"d{k}" for k in range(10)]
    return pd.DataFrame(np.where(used, ratings, np.nan), columns=drivers).assign(outcome=outcome)


@pytest.mark.simulation
def test_the_right_driver_comes_first_though_most_met_it_seldom():
    drivers = [f"d{k}" for k in range(10)]
    # The truth: shares of rating times used, in the population.
    whole = importance(journey(0, 400_000), "outcome", drivers, resamples=0)
    best = whole.table["driver"].iloc[0]
    first = {"indicator": 0, "listwise": 0}
    complete = 0
    for seed in range(REPLICATIONS):
        table = journey(100 + seed)
        for handled in first:
            result = importance(table, "outcome", drivers, not_applicable=handled, resamples=0)
            first[handled] += result.table["driver"].iloc[0] == best
        complete += result.n_used
    assert complete / REPLICATIONS == pytest.approx(240, abs=60)
    assert first["indicator"] >= 0.95 * REPLICATIONS
    assert first["listwise"] <= 0.4 * REPLICATIONS
