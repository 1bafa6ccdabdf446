"""Waves: charts on a frozen baseline, one declared contrast, what made a change, whether it is sustained."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxlab.analysis import benchmark, waves
from cxlab.analysis.estimates import masked
from cxlab.analysis.waves.between import between
from cxlab.analysis.waves.chart import limits
from cxlab.analysis.waves.components import components, shrunken
from cxlab.analysis.waves.repeated import always, runs
from cxlab.analysis.waves.series import series
from cxlab.analysis.waves.split import by_segment, parts, split
from cxlab.errors import AnalysisError

REPLICATIONS = int(os.environ.get("CXLAB_REPLICATIONS", "200"))
SPREAD = 6150.0  # variance of one answer, in squared points, at NPS 25
# Dyestuff (Davies 1947), six batches of five: the figures of lme4 for it are batch 1764.05, residual 2451.25.
DYESTUFF = [
    1545, 1440, 1440, 1520, 1580, 1540, 1555, 1490, 1560, 1495, 1595, 1550, 1605, 1510, 1560,
    1445, 1440, 1595, 1465, 1545, 1595, 1630, 1515, 1635, 1625, 1520, 1455, 1450, 1480, 1445,
]  # fmt: skip


def answers(wave, promoters, passives, detractors, **columns):
    """As many rows as there are answers."""
    scores = [10] * promoters + [8] * passives + [0] * detractors
    return pd.DataFrame({"wave": wave, "recommend": scores, **columns})


def months(promoters, size=100):
    return pd.concat(
        [answers(f"M{k}", p, 0, size - p) for k, p in enumerate(promoters, 1)], ignore_index=True
    )


ORDINARY = [60, 62, 58, 61, 59, 60, 63, 57, 60, 61]


# --- the chart --------------------------------------------------------------------------------------


def test_limits_are_those_of_the_baseline_whatever_comes_after():
    calm, fallen = (
        waves.chart(months([*ORDINARY, *after]), "nps", wave="wave", baseline=10)
        for after in ([60, 60], [20, 90])
    )
    columns = ["centre", "ordinary_low", "ordinary_high", "z"]
    pd.testing.assert_frame_equal(calm.table.loc[:9, columns], fallen.table.loc[:9, columns])
    assert calm.sigma_z == pytest.approx(fallen.sigma_z, rel=1e-12)
    assert calm.table["signal"].tolist() == [""] * 12
    assert fallen.table["signal"].tolist() == [""] * 10 + ["beyond", "beyond"]


def test_limits_by_hand():
    found = waves.chart(months(ORDINARY), "nps", wave="wave", baseline=10)
    p = np.array(ORDINARY) / 100
    level, within = 100 * (2 * p - 1), 4e4 * p * (1 - p)
    sampling = np.sqrt(within.mean() * 1000 / 990 / 100)
    z = (level - level.mean()) / sampling
    sigma = np.abs(np.diff(z)).mean() / 1.128
    assert found.centre == pytest.approx(level.mean(), rel=1e-12)
    assert found.sigma_z == pytest.approx(sigma, rel=1e-12)
    assert found.table["ordinary_high"].iloc[3] == pytest.approx(
        level.mean() + 3 * sigma * sampling, rel=1e-12
    )


def test_eight_on_one_side_are_a_signal_and_seven_are_none():
    series = months([*ORDINARY, *[62] * 8, 58])
    found = waves.chart(series, "nps", wave="wave", baseline=10)
    assert found.table["signal"].tolist()[10:] == [""] * 6 + ["run", "run", ""]  # M10 was above too
    assert found.claims[0].code == "waves.signal"
    assert found.claims[0].fields["wave"] == "M17"
    assert found.claims[0].fields["rule"] == "run"


def test_a_record_within_the_limits_is_ordinary():
    found = waves.chart(months([*ORDINARY, 60, 64]), "nps", wave="wave", baseline="M10")
    assert [c.code for c in found.claims] == ["waves.steady", "waves.ordinary_record"]
    assert found.claims[1].fields["side"] == "highest"


@pytest.mark.parametrize(
    ("baseline", "message"),
    [
        (7, "the baseline has 7 waves of 10 respondents or more, and a control chart needs 8"),
        ("M3", "the baseline has 3 waves"),
        ("M99", "baseline names M99, in which nobody answers; the waves are M1, M2"),
    ],
)
def test_a_baseline_too_short_or_unknown_is_refused(baseline, message):
    with pytest.raises(AnalysisError, match=message):
        waves.chart(months(ORDINARY), "nps", wave="wave", baseline=baseline)


def test_a_baseline_without_variation_is_refused():
    with pytest.raises(AnalysisError, match="nps is the same in every wave of the baseline"):
        waves.chart(months([60] * 10), "nps", wave="wave", baseline=9)


def test_small_waves_set_no_limit_and_are_hidden():
    series = pd.concat([months(ORDINARY), answers("M11", 3, 0, 2)], ignore_index=True)
    found = masked(waves.chart(series, "nps", wave="wave", baseline=10))
    last = found.table.iloc[-1]
    assert last["flag"] == "suppressed"
    assert last[["estimate", "z", "signal"]].isna().all()


def charted(rng, n, tau, length, step=0.0):
    """Alarms of sampling alone, of the chart, and of the chart with runs: one row a replication, (3, K)."""
    sampling = np.sqrt(SPREAD / n)
    y = rng.standard_normal((REPLICATIONS * 4, 12 + length)) * np.hypot(sampling, tau)
    y[:, 12:] += step
    baseline = np.arange(y.shape[1]) < 12
    found = [limits(row, np.full(len(row), sampling), row[:12].mean(), baseline).signal[12:] for row in y]
    signal = np.array(found)
    return np.stack([np.abs(y[:, 12:]) > 3 * sampling, signal == "beyond", signal != ""])


@pytest.mark.simulation
def test_alarm_rates_are_those_of_the_methods():
    rng = np.random.default_rng(20261126)
    small, large = charted(rng, 200, 2.0, 8, 8.0), charted(rng, 2000, 2.0, 8, 8.0)
    assert small[1, :, :6].any(axis=1).mean() == pytest.approx(0.36, abs=0.06)
    assert large[1, :, :6].any(axis=1).mean() == pytest.approx(0.88, abs=0.04)
    assert small[2].any(axis=1).mean() == pytest.approx(0.69, abs=0.06)
    assert large[2].any(axis=1).mean() > 0.98
    # Limits from the 24 months themselves, in which nothing happened: 1.03 alarms and 0.06.
    sampling = np.sqrt(SPREAD / 2000)
    y = rng.standard_normal((REPLICATIONS * 4, 24)) * np.hypot(sampling, 2.0)
    z = (y - y.mean(axis=1, keepdims=True)) / sampling
    everywhere = np.zeros(24, dtype=bool)
    outside = []
    for row in z:
        own = limits(row, np.ones(24), 0.0, ~everywhere)
        outside.append((np.abs(row) > 3 * own.sigma_z).sum())
    assert (np.abs(z) > 3).sum(axis=1).mean() == pytest.approx(1.03, abs=0.15)
    assert np.mean(outside) == pytest.approx(0.06, abs=0.03)


# --- the contrast -----------------------------------------------------------------------------------


def test_with_two_waves_it_is_the_difference_of_two_samples():
    table = pd.concat([answers("W1", 70, 100, 30), answers("W2", 100, 60, 40)], ignore_index=True)
    found = waves.contrast(table, "nps", wave="wave")
    two = benchmark.compare(table, "nps", unit="wave", focal="W2").table.iloc[0]
    row = found.table.iloc[0]
    assert row["difference"] == two["difference"]
    assert row[["std_error", "conf_low", "conf_high", "p_value"]].tolist() == pytest.approx(
        two[["std_error", "conf_low", "conf_high", "p_value"]].tolist(), rel=1e-12
    )
    assert "waves_sampling_only" in found.claims[0].caveats
    assert np.isnan(found.tau)


def test_minimum_detectable_change_of_1800_and_1800():
    # promoters .47, detractors .22: NPS 25
    table = pd.concat([answers(w, 846, 558, 396) for w in ("a", "b")], ignore_index=True)
    found = waves.contrast(table, "nps", wave="wave")
    assert found.table["detectable"].iloc[0] == pytest.approx(7.4, abs=0.02)
    assert found.claims[0].code == "waves.unmoved"


def test_waves_that_vary_of_themselves_widen_the_interval():
    restless = months([50, 70, 50, 70, 50, 70, 50, 80], 400)
    found = waves.contrast(restless, "nps", wave="wave")
    plain = waves.contrast(restless[restless["wave"].isin(["M7", "M8"])], "nps", wave="wave")
    assert plain.table["p_value"].iloc[0] < 0.01 < found.table["p_value"].iloc[0]
    level = np.array([2.0 * p / 4 - 100 for p in [50, 70, 50, 70, 50, 70, 50]])
    sampling = np.mean([4e4 * p / 400 * (1 - p / 400) / 399 for p in (50, 70)])
    # The factor n/(n-1) is of 8 waves together, of 2, or of one.
    assert found.tau**2 == pytest.approx((np.diff(level) ** 2).mean() / 2 - sampling, rel=2e-3)
    extra = found.table["std_error"].iloc[0] ** 2 - plain.table["std_error"].iloc[0] ** 2
    assert extra == pytest.approx(2 * found.tau**2, rel=2e-3)


def test_a_record_that_is_noise_is_said_to_be_noise():
    found = waves.contrast(months([60, 58, 63]), "nps", wave="wave")
    claim = found.claims[0]
    assert (claim.code, claim.fields["side"]) == ("waves.unmoved", "highest")
    assert claim.fields["detectable"] > abs(claim.fields["estimate"])


def test_after_against_before_takes_waves_together():
    table = months([60, 62, 58, 40, 42, 38])
    found = waves.contrast(table, "nps", wave="wave", current=["M4", "M5", "M6"], previous=["M1", "M2", "M3"])
    assert found.table["difference"].iloc[0] == pytest.approx(-40.0)
    assert found.table["n"].iloc[0] == 300
    assert found.claims[0].fields["previous"] == "M1–M3"


def test_one_test_whichever_was_declared():
    table = months([50, 52, 54, 56, 58, 60, 62, 64])
    by = {test: waves.contrast(table, "nps", wave="wave", test=test) for test in ("contrast", "trend")}
    for test, found in by.items():
        tested = found.table["p_value"].notna()
        assert found.table.loc[tested, "test"].tolist() == [test]
        assert len(found.tables["tests"]) == 1
    line = by["trend"].table.set_index("test").loc["trend"]
    assert line["difference"] == pytest.approx(4.0, abs=0.01)
    assert by["trend"].claims[0].code == "waves.trend"
    assert by["contrast"].claims[0].code == "waves.unmoved"


def moded(web_before, web_now, lift=0):
    """Telephone scores 40 points above web in both waves; `lift` is what truly changes (in promoters)."""
    parts = []
    for wave, web, more in (("W1", web_before, 0), ("W2", web_now, lift)):
        parts.append(answers(wave, int(web * (0.4 + more)), 0, web - int(web * (0.4 + more)), mode="web"))
        phone = 1000 - web
        up = int(phone * (0.6 + more))
        parts.append(answers(wave, up, 0, phone - up, mode="phone"))
    return pd.concat(parts, ignore_index=True)


def test_a_change_of_mode_is_not_a_change_of_the_index():
    found = waves.contrast(moded(200, 600), "nps", wave="wave", mode="mode")
    by = found.table.set_index("test")
    assert by.loc["contrast", "difference"] == pytest.approx(-16.0)
    assert by.loc["same_mode", "difference"] == pytest.approx(0.0, abs=1e-9)
    assert np.isnan(by.loc["contrast", "p_value"])
    assert found.claims[0].code == "waves.unmoved"
    assert found.claims[0].fields["same_mode"]
    shares = found.tables["modes"].set_index(["wave", "mode"])["share_of_wave"]
    assert shares["W2", "web"] == pytest.approx(0.6)
    real = waves.contrast(moded(200, 600, 0.1), "nps", wave="wave", mode="mode")
    assert real.table.set_index("test").loc["same_mode", "difference"] == pytest.approx(20.0)
    assert real.claims[0].code == "waves.moved"


def test_a_mode_of_one_wave_only_is_refused():
    with pytest.raises(AnalysisError, match="mode: web answers in one of the two waves only"):
        waves.contrast(moded(0, 600), "nps", wave="wave", mode="mode")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"current": "W9"}, "current names W9, in which nobody answers; the waves are W1, W2"),
        ({"current": "W1", "previous": "W1"}, "W1 is compared with itself"),
        ({"test": "pairs"}, "test is 'pairs'; it can be contrast or trend"),
        ({"test": "trend"}, "a trend needs four waves, and there are 2"),
    ],
)
def test_what_cannot_be_contrasted_is_refused(asked, message):
    with pytest.raises(AnalysisError, match=message):
        waves.contrast(moded(200, 600), "nps", wave="wave", **asked)


def test_one_wave_is_no_change():
    with pytest.raises(AnalysisError, match="column 'wave' has answers in 1 waves; a change needs two"):
        waves.contrast(months([60]), "nps", wave="wave")


def test_few_waves_do_not_tell_how_waves_vary():
    assert not between(np.arange(5.0), np.ones(5)).known
    assert between(np.zeros(6), np.ones(6)).tau2 == 0


@pytest.mark.simulation
@pytest.mark.parametrize("tau", [0.0, 2.0])
def test_nothing_changed_is_told_as_a_change_at_most_one_time_in_twenty(tau):
    rng = np.random.default_rng(17)
    n, stands = 900, 0
    frame = pd.DataFrame({"wave": np.repeat([f"W{k}" for k in range(1, 10)], n)})
    for _ in range(REPLICATIONS):
        level = 25 + tau * rng.standard_normal(9)
        up = rng.random(9 * n)
        p, d = np.repeat(0.345 + level / 200, n), np.repeat(0.345 - level / 200, n)
        scores = np.select([up < p, up > 1 - d], [10.0, 0.0], 8.0)
        found = waves.contrast(frame.assign(recommend=scores), "nps", wave="wave")
        stands += found.claims[0].code == "waves.moved"
    assert stands / REPLICATIONS <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / REPLICATIONS)


# --- what made it -----------------------------------------------------------------------------------


def mixed(seed=3, n=400):
    """Two waves in which kind, mode, level and weight all differ."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"wave": np.repeat(["W1", "W2"], n)})
    now = (frame["wave"] == "W2").to_numpy()
    frame["plan"] = np.where(rng.random(2 * n) < np.where(now, 0.35, 0.6), "a", "b")
    frame["mode"] = np.where(rng.random(2 * n) < np.where(now, 0.3, 0.5), "phone", "web")
    frame["region"] = rng.choice(["N", "S", "C"], 2 * n)
    z = (
        6.5
        + (frame["plan"] == "a")
        + 0.8 * (frame["mode"] == "phone")
        - 0.7 * (now & (frame["region"] == "S"))
    )
    frame["recommend"] = np.clip(np.rint(z + 2.2 * rng.standard_normal(2 * n)), 0, 10)
    frame["sat"] = np.clip(np.rint(frame["recommend"] / 2.5 + 1), 1, 5)
    frame["w"] = rng.uniform(0.5, 2.0, 2 * n)
    frame.attrs["scales"] = {"recommend": [0, 10], "sat": [1, 5]}
    return frame


EVERYTHING = {"wave": "wave", "mix": "plan", "mode": "mode", "segment": "region", "weights": "w"}


def test_parts_add_up_and_so_do_their_errors():
    found = waves.change(mixed(), "nps", **EVERYTHING)
    by = found.table.set_index("part")
    kept = ["mix", "method", "rest"]
    assert by.index.tolist() == [*kept, "total"]
    assert by.loc[kept, "difference"].sum() == pytest.approx(by.loc["total", "difference"], abs=1e-9)
    covariance = found.tables["covariance"][kept].to_numpy()
    assert covariance.sum() == pytest.approx(by.loc["total", "std_error"] ** 2, rel=1e-9)
    plain = waves.contrast(mixed(), "nps", wave="wave", weights="w").table.iloc[0]
    assert by.loc["total", "difference"] == pytest.approx(plain["difference"], abs=1e-9)
    assert by.loc["total", "std_error"] == pytest.approx(plain["std_error"], rel=1e-9)
    segments = found.tables["contributions"]
    assert segments["adds"].sum() == pytest.approx(by.loc["total", "difference"], abs=1e-9)


def test_errors_are_made_of_what_each_respondent_moves():
    """Variance is n/(n-1) times the sum of squares of each one's influence: weight times derivative by it."""
    table, step = mixed(n=60), 1e-6
    held = series(table, "nps", wave="wave", weights="w")

    def split_of(weights, function, **columns):
        design = replace(held.design, weights=weights)
        return split(table, [held.answers], held.codes, design, **columns).estimate(function)

    for function, columns in (
        (parts, {"kinds": ["plan"], "mode": "mode"}),
        (lambda top, bottom: by_segment(top, bottom)[..., 0, :], {"kinds": ["region"]}),
    ):
        w = held.design.weights
        found, covariance = split_of(w, function, **columns)
        moved = [split_of(w * (1 + step * (np.arange(120) == k)), function, **columns)[0] for k in range(120)]
        influence = (np.array(moved) - found) / step
        assert np.diag(covariance) == pytest.approx(120 / 119 * (influence**2).sum(axis=0), rel=1e-4)


def test_kitagawa_by_hand():
    before = pd.concat([answers("W1", 30, 0, 10, k="a"), answers("W1", 20, 0, 40, k="b")])
    now = pd.concat([answers("W2", 18, 0, 2, k="a"), answers("W2", 40, 0, 40, k="b")])
    found = waves.change(pd.concat([before, now], ignore_index=True), "nps", wave="wave", mix="k")
    a, b = (50.0, 80.0), (-100 / 3, 0.0)  # NPS of each kind, before and now; shares .4/.6 and .2/.8
    mix = (0.2 - 0.4) * np.mean(a) + (0.8 - 0.6) * np.mean(b)
    rest = 0.3 * (a[1] - a[0]) + 0.7 * (b[1] - b[0])
    assert found.table["difference"].tolist() == pytest.approx([mix, rest, 16.0])


def test_another_definition_is_a_part_of_its_own():
    table = mixed()
    found = waves.change(
        table, "csat_t2b_5", wave="wave", columns="sat", formerly="top_1_of_5",
        columns_formerly="sat", mix="plan",
    )  # fmt: skip
    by = found.table.set_index("part")["difference"]
    shares = table.groupby("wave")["sat"].agg(
        new=lambda s: 100 * (s >= 4).mean(), old=lambda s: 100 * (s == 5).mean()
    )
    assert by["total"] == pytest.approx(shares.loc["W2", "new"] - shares.loc["W1", "old"])
    assert by["definition"] == pytest.approx((shares["new"] - shares["old"]).mean())
    assert by[["definition", "mix", "rest"]].sum() == pytest.approx(by["total"])
    assert found.tables["before_and_now"]["estimate"].tolist() == pytest.approx(
        [shares.loc["W1", "old"], shares.loc["W2", "new"]]
    )
    kept = ["definition", "mix", "rest"]
    total = found.table.set_index("part").loc["total", "std_error"]
    assert found.tables["covariance"][kept].to_numpy().sum() == pytest.approx(total**2, rel=1e-9)


def test_definitions_on_other_scales_are_refused():
    with pytest.raises(AnalysisError, match="nps and csat_t2b_5 are not on the same scale"):
        waves.change(
            mixed(), "csat_t2b_5", wave="wave", columns="sat", formerly="nps", columns_formerly="recommend"
        )


def test_the_segment_that_made_it_is_named_and_its_part_told():
    parts = [answers(w, 470, 310, 220, region="rest") for w in ("W1", "W2")]
    parts += [answers("W1", 94, 62, 44, region="Sur"), answers("W2", 40, 60, 100, region="Sur")]
    found = waves.change(pd.concat(parts, ignore_index=True), "nps", wave="wave", segment="region")
    by = found.tables["contributions"].set_index("region")
    assert by.loc["Sur", "change"] == pytest.approx(-55.0)
    assert by.loc["Sur", "adds"] == pytest.approx(-55.0 / 6)
    assert by.loc["rest", "adds"] == pytest.approx(0.0, abs=1e-9)
    codes = [c.code for c in found.claims]
    assert codes.count("waves.segment") == 1


def test_a_segment_of_one_wave_adds_by_mix_alone_and_small_ones_hide_another():
    parts = [answers("W1", 60, 0, 40, region="a"), answers("W2", 60, 0, 40, region="a")]
    parts += [answers("W1", 30, 0, 30, region="b"), answers("W2", 30, 0, 30, region="b")]
    parts += [answers("W2", 20, 0, 0, region="new"), answers("W1", 3, 0, 2, region="few")]
    found = waves.change(pd.concat(parts, ignore_index=True), "nps", wave="wave", segment="region")
    segments = found.tables["contributions"].set_index("region")
    assert segments["adds"].sum() == pytest.approx(found.table["difference"].iloc[-1])
    assert segments.loc["new", "by_change"] == 0 < segments.loc["new", "by_size"]
    # In the wave of the few, beside its total, another of that wave would give them away.
    assert segments.loc["few", "flag"] == segments.loc["b", "flag"] == "suppressed"
    hidden = masked(found).tables["contributions"].set_index("region")
    assert hidden.loc[["few", "b"], ["adds", "n", "n_before", "share_before"]].isna().all(axis=None)
    assert hidden.loc[["a", "new"], "adds"].notna().all()
    assert not {"few", "b"} & {c.fields.get("segment") for c in found.claims}


def test_a_segment_of_few_clusters_is_not_tested():
    table = mixed().assign(flight=lambda t: t.index // 8)
    table.loc[table["region"] == "S", "flight"] = 1000 + (table["wave"] == "W2")
    found = waves.change(table, "nps", wave="wave", segment="region", cluster="flight")
    by = found.tables["contributions"].set_index("region")
    assert by["p_value"].isna().tolist() == [False, False, True]


def test_kinds_of_one_wave_and_columns_with_two_roles_are_refused():
    table = mixed()
    table.loc[(table["wave"] == "W2") & (table["plan"] == "a"), "plan"] = "c"
    with pytest.raises(
        AnalysisError, match="plan: a answers in one of the two waves only \\(2 such cells\\)"
    ):
        waves.change(table, "nps", wave="wave", mix="plan")
    with pytest.raises(AnalysisError, match="columns with two roles: plan"):
        waves.change(table, "nps", wave="wave", mix="plan", mode="plan")


def test_other_waves_are_counted_as_not_compared():
    found = waves.change(months([60, 58, 63]), "nps", wave="wave")
    assert found.n_used == 200
    assert found.n_dropped == {"nothing to compare with": 100}
    assert found.claims[0].code == "waves.parts_open"


# --- sustained --------------------------------------------------------------------------------------


def test_components_and_shrinkage_are_the_published_ones():
    batch = np.repeat(np.arange(6), 5)
    found = components(np.array(DYESTUFF, dtype=float), [batch], 0.95)
    assert found.between[0] == pytest.approx(1764.05, rel=1e-9)
    assert found.within == pytest.approx(2451.25, rel=1e-9)
    rates = np.array(DYESTUFF, dtype=float).reshape(6, 5).mean(axis=1)
    value, _ = shrunken(rates, np.full(6, found.within / 5), found.between[0], found.mean)
    assert value[0] - found.mean == pytest.approx(-17.60685, abs=5e-6)


def test_always_good_by_hand_and_by_chance():
    rng = np.random.default_rng(5)
    who = np.repeat(np.arange(3000), rng.integers(1, 5, 3000))
    alike = always((rng.random(len(who)) < 0.7).astype(float), who)
    assert abs(alike.difference) < 2.5 * alike.error
    person = np.where(rng.random(3000) < 0.5, 0.9, 0.5)[who]
    unlike = always((rng.random(len(who)) < person).astype(float), who)
    assert unlike.difference > 5 * unlike.error


def test_streaks_are_told_from_people_who_are_always_served_alike():
    fixed = np.repeat([1.0, 0.0], 400)  # half always well, half always badly: no turn to be expected
    assert np.isnan(runs(fixed, np.repeat(np.arange(100), 8)).ratio)
    together = np.tile([1.0, 1, 1, 1, 0, 0, 0, 0], 50)
    found = runs(together, np.repeat(np.arange(50), 8))
    assert found.ratio == pytest.approx(1 / 4)
    assert (1 - found.ratio) / found.std_error > 10


def attended(branch_sd=0.06, agent_sd=0.08, seed=4):
    """Contacts of 20 branches with 6 people each."""
    rng = np.random.default_rng(seed)
    agent = np.repeat(np.arange(120), 60)
    p = 0.7 + branch_sd * rng.standard_normal(20)[agent // 6] + agent_sd * rng.standard_normal(120)[agent]
    return pd.DataFrame({
        "unit_id": [f"B{a // 6:02d}" for a in agent], "agent_id": [f"secret{a:03d}" for a in agent],
        "solved": (rng.random(len(agent)) < np.clip(p, 0, 1)).astype(int),
    })  # fmt: skip


def test_branches_and_people_differ_by_what_was_planted():
    found = waves.sustained(attended(), "solved", units="unit_id", agent="agent_id")
    by = found.tables["components"].set_index("grouping")
    for level, sd in (("unit_id", 6.0), ("agent_id", 8.0)):
        assert by.loc[level, "conf_low"] < sd < by.loc[level, "conf_high"]
        assert by.loc[level, "sd_between"] == pytest.approx(sd, abs=2.5)
    assert [c.code for c in found.claims] == ["waves.between", "waves.between"]
    alike = waves.sustained(attended(0, 0), "solved", units="unit_id", agent="agent_id")
    assert {c.code for c in alike.claims} == {"waves.no_between"}
    pooled = found.tables["units"]
    assert (pooled["shrunk"] - 70).abs().sum() < (pooled["estimate"] - 70).abs().sum()


def test_nobody_who_attends_is_named_or_ranked():
    found = waves.sustained(attended(), "solved", units="unit_id", agent="agent_id")
    everything = [found.table, *found.tables.values()]
    text = " ".join(held.to_csv() for held in everything) + repr(found.claims) + repr(found.settings)
    assert "secret" not in text
    assert found.tables["agents"]["quantile"].tolist() == [0.1, 0.25, 0.5, 0.75, 0.9]
    few = attended().query("unit_id < 'B01'")
    with pytest.raises(
        AnalysisError, match="column 'agent_id' has 6 people; how people differ is told of 10"
    ):
        waves.sustained(few, "solved", agent="agent_id")


def test_a_branch_of_one_or_two_people_is_those_people():
    table = attended()
    lone = table["unit_id"] == "B03"
    table.loc[lone, "agent_id"] = "secret018"
    found = masked(waves.sustained(table, "solved", units="unit_id", agent="agent_id"))
    units = found.tables["units"].set_index("unit_id")
    assert units.loc["B03", "flag"] == "suppressed"
    assert np.isnan(units.loc["B03", "estimate"])
    assert (units["flag"] == "suppressed").sum() == 2  # with all the others it would follow from the total


@pytest.mark.parametrize(
    ("changed", "asked", "message"),
    [
        ({"solved": 5}, {}, "column 'solved' says whether a contact was good and holds 5; give 0 and 1"),
        ({"solved": "si"}, {}, "column 'solved' says whether a contact was good and holds si"),
        ({"unit_id": "B00"}, {"units": "unit_id"}, "column 'unit_id' has 1 groups in 7200 contacts"),
        ({}, {"units": ["agent_id", "unit_id"]}, "some 'unit_id' stand in several 'agent_id'"),
    ],
)
def test_what_cannot_be_told_apart_is_refused(changed, asked, message):
    with pytest.raises(AnalysisError, match=message):
        waves.sustained(attended().assign(**changed), "solved", **asked)


def test_contacts_of_customers_who_are_not_meant_are_left_out_and_counted():
    table = pd.DataFrame({"who": np.repeat(np.arange(40), 3), "ok": [1, 0, 1] * 40})
    meant = pd.DataFrame({"who": np.arange(20, 40)})
    found = waves.sustained(table, "ok", person="who", among=meant)
    assert found.n_dropped == {"of a customer who is not in this report": 60}
    assert found.table["n"].tolist() == [20, 20, 20, 20]
    nobody = waves.sustained(pd.DataFrame(), "ok", person="who", among=meant)
    assert nobody.table.empty
    assert not nobody.claims


def test_inputs_are_not_changed():
    table, contacts = mixed(), attended()
    before = table.copy(), contacts.copy()
    waves.change(table, "nps", **EVERYTHING)
    waves.sustained(contacts, "solved", units="unit_id", agent="agent_id")
    pd.testing.assert_frame_equal(table, before[0])
    pd.testing.assert_frame_equal(contacts, before[1])


def test_results_are_frozen():
    found = waves.contrast(months([60, 40]), "nps", wave="wave")
    with pytest.raises(AttributeError):
        found.tau = 1.0
    assert replace(found, tau=1.0).tau == 1.0


@pytest.fixture(scope="module")
def airport():
    """The two yearly surveys, as data/sfo_2016_2017/client.yaml reads them."""
    folder = os.environ.get("CXLAB_REAL_DATA")
    if not folder:
        pytest.skip("CXLAB_REAL_DATA names no folder of real files")
    years = []
    for year in ("2016", "2017"):
        held = pd.read_csv(Path(folder) / f"sfo_airport_survey_{year}.csv", low_memory=False, dtype=str)
        years.append(held[["RUNID", "BAREA", "PEAK", "WEIGHT", "Q7ALL"]].assign(year=year))
    both = pd.concat(years, ignore_index=True)
    score = pd.to_numeric(both["Q7ALL"], errors="coerce")
    return both.assign(overall_sat=score.where(score.between(1, 5)), WEIGHT=both["WEIGHT"].astype(float))


def test_the_airport_did_not_change_and_one_boarding_area_did(airport):
    asked = {"wave": "year", "weights": "WEIGHT"}
    plain = waves.contrast(airport, "csat_t2b_5", **asked).table.iloc[0]
    row = waves.contrast(airport, "csat_t2b_5", cluster="RUNID", **asked).table.iloc[0]
    assert row["difference"] == pytest.approx(0.8796, abs=1e-4)  # 81.4 % to 82.3 %
    assert row["conf_low"] < 0 < row["conf_high"]
    assert row["detectable"] == pytest.approx(3.6, abs=0.1)
    assert row["std_error"] > 1.1 * plain["std_error"]  # all aboard a flight wait at the same gate
    found = waves.change(airport, "csat_t2b_5", mix="PEAK", segment="BAREA", cluster="RUNID", **asked)
    named = [c.fields for c in found.claims if c.code == "waves.segment"]
    assert [(fields["segment"], fields["still"]) for fields in named] == [("B", True)]
    assert named[0]["change"] == pytest.approx(15.3, abs=0.1)
