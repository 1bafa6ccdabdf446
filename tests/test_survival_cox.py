"""Hazards held to R: start-stop rows, clusters, scales of time, causes; effects over time and refits."""

import os
from pathlib import Path

import lifelines
import lifelines.datasets
import numpy as np
import pandas as pd
import pytest

from cxlab.analysis.survival import hazards, remedies
from cxlab.errors import AnalysisError

REPLICATIONS = int(os.environ.get("CXLAB_REPLICATIONS", 200))
R = 1e-8  # relative: R's printed digits, and both iterate to convergence
PUBLISHED = Path(__file__).parent / "published"


def cgd():
    """R's survival::cgd as Andersen and Gill count: an episode from one infection to the next."""
    rows = []
    for who in pd.read_csv(PUBLISHED / "cgd.csv", comment="#", dtype={"infections": str}).itertuples():
        times = [float(t) for t in who.infections.split()] if isinstance(who.infections, str) else []
        starts = [0.0, *times]
        rows += [(who.patient, who.interferon, a, b, 1) for a, b in zip(starts, times, strict=False)]
        rows += [(who.patient, who.interferon, starts[-1], who.end, 0)] * (who.end > starts[-1])
    return pd.DataFrame(rows, columns=["patient", "interferon", "start", "stop", "event"])


def ovarian():
    """R's survival::ovarian (Edmunson et al. 1979)."""
    return pd.read_csv(PUBLISHED / "ovarian.csv", comment="#")


def veteran():
    return pd.read_csv(PUBLISHED / "veteran.csv", comment="#")


def heart():
    return lifelines.datasets.load_stanford_heart_transplants()


def lung():
    return lifelines.datasets.load_lung().astype({"time": float})


def customers(n=400, seed=0, *, effect=0.4):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    left, seen = rng.exponential(30 * np.exp(-effect * x)), rng.uniform(1, 30, n)
    return pd.DataFrame({
        "months": np.ceil(np.minimum(left, seen)), "left": (left <= seen).astype(int), "x": x,
        "plan": rng.choice(["one", "two"], n), "household": rng.integers(0, n // 3, n),
        "w": rng.lognormal(0, 0.6, n), "why": rng.choice(["price", "moved"], n),
    })  # fmt: skip


# R.


def test_recurrent_infections_have_rs_naive_and_robust_errors():
    table = cgd()
    assert (len(table), table["event"].sum()) == (203, 76)
    naive = hazards(table.drop(columns="patient"), "stop", "event", ["interferon"], entry="start").table.iloc[
        0
    ]
    assert [naive["estimate"], naive["std_error"]] == pytest.approx([-1.0952867353, 0.26101432053], rel=R)
    robust = hazards(table, "stop", "event", ["interferon"], entry="start", cluster="patient")
    row = robust.table.iloc[0]
    assert [row["estimate"], row["std_error"]] == pytest.approx([-1.0952867353, 0.31193657708], rel=R)
    assert robust.settings["robust"]
    assert 0.000446007818 < row["p_value"] < 0.01  # R's is of the normal, ours of t on 25 clusters or so


def test_heart_as_episodes_of_patients():
    table = heart()
    result = hazards(table, "stop", "event", ["age", "year", "surgery", "transplant"], entry="start", id="id")
    assert result.table["estimate"].to_numpy() == pytest.approx(
        [0.027166640958, -0.14634634567, -0.63720988997, -0.010250772409], rel=R
    )
    assert result.table["std_error"].to_numpy() == pytest.approx(
        [0.01371411521, 0.070467979519, 0.36722599618, 0.31375479834], rel=R
    )
    assert result.n_used == len(table) == 172
    # Who is transplanted has an episode before it and one after: a customer counts once in each.
    table["transplant"] = table["transplant"].astype(int).map({0: "waits", 1: "has it"})
    again = hazards(table, "stop", "event", ["age", "transplant"], entry="start", id="id").table
    got_one = table.loc[table["transplant"] == "has it", "id"].nunique()
    assert again.set_index("covariate")["n"].to_dict() == {"age": 103, "transplant: has it": got_one}


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        ("km", [0.18798767365, 2.3054372274, 2.0542487741, 4.4636575888]),
        ("identity", [0.15235031725, 2.4919132171, 1.5782352384, 4.1193829515]),
    ],
)
def test_lung_proportionality_on_rs_scales(transform, expected):
    result = hazards(lung(), "time", "status", ["age", "sex", "ph.ecog"], transform=transform)
    assert result.checks["statistic"].to_numpy() == pytest.approx(expected, rel=R)
    assert result.settings["transform"] == transform


def test_rank_and_log_are_scales_of_time():
    table = lung()
    told = {
        t: hazards(table, "time", "status", ["age", "sex"], transform=t).checks["statistic"]
        for t in ("rank", "log", "identity")
    }
    logged = table.assign(time=np.log(table["time"]) + 1)
    again = hazards(logged, "time", "status", ["age", "sex"], transform="identity").checks["statistic"]
    assert told["log"].to_numpy() == pytest.approx(again.to_numpy(), rel=1e-9)
    gone = table.loc[table["status"] == 1, "time"]
    place = [(gone < t).sum() + ((gone == t).sum() + 1) / 2 for t in table["time"]]
    between = ~table["time"].isin(gone) * 0.01
    ranked = table.assign(time=place + between)
    again = hazards(ranked, "time", "status", ["age", "sex"], transform="identity").checks["statistic"]
    assert told["rank"].to_numpy() == pytest.approx(again.to_numpy(), rel=1e-6)
    with pytest.raises(AnalysisError, match="transform is 'sqrt'; allowed: km, identity, rank, log"):
        hazards(table, "time", "status", ["age"], transform="sqrt")


def test_ovarian_and_the_second_veteran_model():
    result = hazards(ovarian(), "futime", "fustat", ["age", "rx"]).table
    assert result["estimate"].to_numpy() == pytest.approx([0.14732659547, -0.80397301267], rel=R)
    assert result["std_error"].to_numpy() == pytest.approx([0.046147047741, 0.63204937188], rel=R)
    result = hazards(veteran(), "time", "status", ["trt", "prior", "karno"])
    assert result.table["estimate"].to_numpy() == pytest.approx(
        [0.18019719431, -0.0055509189781, -0.033771018066], rel=R
    )
    assert result.checks["statistic"].to_numpy() == pytest.approx(
        [0.28840199054, 2.1683958815, 12.1381501083, 18.073156029], rel=R
    )


def test_rossi_likelihood():
    names = ["fin", "age", "race", "wexp", "mar", "paro", "prio"]
    result = hazards(lifelines.datasets.load_rossi(), "week", "arrest", names)
    told = [result.settings["loglik_null"], result.settings["loglik"]]
    assert told == pytest.approx([-675.38063, -658.74766], abs=1e-5)


# Rows that belong together.


def test_cluster_errors_are_sums_of_influences_over_clusters():
    table = customers(120)
    result = hazards(table, "months", "left", ["x", "plan"], cluster="household", weights="w")
    # Leaving a cluster out, the estimate moves by about the sum of its influences.
    whole = result.table["estimate"].to_numpy()
    h = 1e-4
    moved = []
    for house in table["household"].unique():
        nudged = table.assign(w=table["w"] * np.where(table["household"] == house, 1 + h, 1))
        moved.append(hazards(nudged, "months", "left", ["x", "plan"], weights="w").table["estimate"] - whole)
    expected = np.sqrt((np.array(moved) ** 2).sum(axis=0)) / h
    assert result.table["std_error"].to_numpy() == pytest.approx(expected, rel=5e-3)


def test_clusters_of_one_are_the_robust_errors_of_customers():
    table = customers().assign(each=np.arange(400))
    alone = hazards(table, "months", "left", ["x"], weights="w").table
    single = hazards(table, "months", "left", ["x"], weights="w", cluster="each").table
    pd.testing.assert_frame_equal(alone, single, rtol=1e-9)
    # Every customer twice: naive errors shrink by the root of two, those of pairs do not.
    twice = pd.concat([table, table], ignore_index=True)
    plain, paired = (
        hazards(twice, "months", "left", ["x"], cluster=c).table["std_error"].iloc[0] for c in (None, "each")
    )
    robust = hazards(table, "months", "left", ["x"], cluster="each").table["std_error"].iloc[0]
    once = hazards(table, "months", "left", ["x"]).table["std_error"].iloc[0]
    assert plain == pytest.approx(once / np.sqrt(2), rel=0.01)
    assert paired == pytest.approx(robust, rel=0.02)


def split(table, at):
    """Cut the time of those who stay longer than `at` in two episodes."""
    long = table[table["months"] > at]
    first = long.assign(start=0.0, months=float(at), left=0)
    rest = table.assign(start=np.where(table["months"] > at, float(at), 0.0))
    return pd.concat([rest, first], ignore_index=True)


@pytest.mark.parametrize("weights", [None, "w"])
def test_episodes_of_a_customer_say_what_the_customer_says(weights):
    table = customers().assign(customer_id=lambda t: t.index)
    whole = hazards(table, "months", "left", ["x", "plan"], weights=weights)
    cut = hazards(
        split(table, 5), "months", "left", ["x", "plan"], entry="start", id="customer_id", weights=weights
    )
    for column in ("estimate", "std_error", "n", "events", "n_eff"):
        assert cut.table[column].to_numpy() == pytest.approx(whole.table[column].to_numpy(), rel=1e-7), column
    assert cut.checks["joint_p_value"].to_numpy() == pytest.approx(
        whole.checks["joint_p_value"].to_numpy(), rel=1e-6
    )
    assert cut.concordance == pytest.approx(whole.concordance, rel=1e-9)
    # Cutting time is not entering late.
    assert "conditional_on_entry" not in cut.claims[0].caveats


def test_episodes_that_cannot_be_are_refused():
    table = split(customers(60).assign(person=lambda t: t.index), 3)

    def refused(match, rows):
        with pytest.raises(AnalysisError, match=match):
            hazards(rows, "months", "left", ["x"], entry="start", id="person")

    who = table.loc[table["start"] == 3, "person"].iloc[0]
    later = (table["person"] == who) & (table["start"] == 3)
    refused(
        rf"column person: found episodes of one customer that overlap: {who}; allowed: an end before",
        table.assign(start=table["start"].where(~later, 2.0)),
    )
    refused(
        rf"found customers who leave more than once: {who}; allowed: at most one departure",
        table.assign(left=np.where(table["person"] == who, 1, table["left"])),
    )
    early = (table["person"] == who) & (table["start"] == 0)
    refused(
        rf"found customers still observed after they left: {who}.*who comes back is another customer",
        table.assign(left=np.where(early, 1, np.where(later, 0, table["left"]))),
    )
    refused("episodes of one customer that overlap", pd.concat([table, table.head(3)], ignore_index=True))
    repeated = table.rename(columns={"person": "customer_id"})
    with pytest.raises(AnalysisError, match="found customer_id repeated"):
        hazards(repeated, "months", "left", ["x"], entry="start")
    with pytest.raises(AnalysisError, match="column 'x' is both a covariate and the cluster"):
        hazards(table, "months", "left", ["x"], cluster="x")


# Causes.


def test_a_cause_counts_alone():
    table = customers()
    table["why"] = table["why"].where(table["left"] == 1)
    result = hazards(table, "months", "left", ["x"], cause=("why", "price"))
    by_hand = table.assign(left=((table["left"] == 1) & (table["why"] == "price")).astype(int))
    expected = hazards(by_hand, "months", "left", ["x"])
    pd.testing.assert_frame_equal(result.table, expected.table)
    assert result.settings["events"] < table["left"].sum()
    assert "one_cause" in result.claims[0].caveats
    with pytest.raises(AnalysisError, match="found nobody who left for 'fees'; allowed: moved, price"):
        hazards(table, "months", "left", ["x"], cause=("why", "fees"))
    table.loc[table["left"] == 1, "why"] = None
    with pytest.raises(AnalysisError, match=r"column why: found customers who left without a cause"):
        hazards(table, "months", "left", ["x"], cause=("why", "price"))


# Effects that change over time.


def turning(n=3000, seed=0, *, at=8.0):
    """A monthly plan multiplies the hazard by e^1.5 until month `at`, by e^-0.5 after; the score stays."""
    rng = np.random.default_rng(seed)
    score = rng.normal(size=n)
    monthly = score + rng.normal(size=n) < -0.3
    early = rng.exponential(1 / (0.05 * np.exp(0.5 * score + 1.5 * monthly)))
    late = at + rng.exponential(1 / (0.05 * np.exp(0.5 * score - 0.5 * monthly)))
    left = np.where(early < at, early, late)
    return pd.DataFrame({
        "t": np.ceil(np.minimum(left, 30)), "d": (left < 30).astype(int), "score": score,
        "plan": np.where(monthly, "monthly", "yearly"), "person": np.arange(n), "w": rng.lognormal(0, 0.5, n),
    })  # fmt: skip


def halves(table, at):
    """The time of `turning` cut by hand: episodes until `at` and after, and a column of the plan for each."""
    m = (table["plan"] == "monthly").astype(float)
    until = table["t"].clip(upper=at), table["d"].where(table["t"] <= at, 0)
    first = table.assign(start=0.0, t=until[0], d=until[1], a=m, b=0.0)
    rest = table.assign(start=float(at), a=0.0, b=m).query(f"t > {at}")
    return pd.concat([first, rest], ignore_index=True)


def fitted(table=None, **options):
    return hazards(turning() if table is None else table, "t", "d", ["score", "plan"], **options)


def test_time_is_cut_where_the_effect_changes_and_both_fits_stay():
    result = fitted(ph_action="time_split")
    first = fitted()
    pd.testing.assert_frame_equal(result.table, first.table)
    assert first.refit is None
    remedy = result.tables["remedy"]
    assert remedy["covariate"].tolist() == ["plan"]
    assert remedy["action"].tolist() == ["time_split"]
    assert 6 <= remedy["change_at"].iloc[0] <= 10
    assert "before and after" in remedy["why"].iloc[0]
    assert "times tried" in remedy["why"].iloc[0]
    rows = result.refit.table.set_index("covariate")
    cut, end = remedy["change_at"].iloc[0], 30
    early, late = (rows.loc[f"plan: monthly {p}"] for p in (f"(0, {cut:g}]", f"({cut:g}, {end}]"))
    assert early["estimate"] == pytest.approx(1.5, abs=0.25)
    assert late["estimate"] == pytest.approx(-0.5, abs=0.3)
    assert rows.loc["score", "n"] == 3000
    assert early["n"] == (turning()["plan"] == "monthly").sum()
    still = turning().query(f"plan == 'monthly' and t > {cut}")
    assert (late["n"], late["events"]) == (len(still), still["d"].sum())
    claim = next(c for c in result.claims if c.code == "hazards.split")
    assert claim.fields["early_ratio"] == early["hazard_ratio"]
    assert claim.fields["late_high"] == late["conf_high"]
    assert (claim.fields["time"], claim.fields["reference"]) == (cut, "yearly")
    assert "cut_searched" in claim.caveats
    pd.testing.assert_frame_equal(result.tables["refit"], result.refit.table)


def test_a_declared_change_is_that_of_two_models_and_predicts_by_period():
    table = turning()
    result = fitted(table, ph_action="time_split", change_at=8)
    assert result.tables["remedy"]["why"].iloc[0] == "its effect is estimated before and after 8, as declared"
    assert "cut_searched" not in result.claims[-1].caveats
    both = halves(table, 8)
    by_hand = hazards(both, "t", "d", ["score", "a", "b"], entry="start", id="person").table
    told = result.refit.table
    assert told["estimate"].to_numpy() == pytest.approx(by_hand["estimate"].to_numpy(), rel=1e-8)
    assert told["std_error"].to_numpy() == pytest.approx(by_hand["std_error"].to_numpy(), rel=1e-8)
    who = pd.DataFrame({"score": [0.0, 0.0], "plan": ["monthly", "yearly"]})
    chance = result.refit.survival(who, [8, 28])
    rate = 0.05 * np.exp(1.5)
    truth = np.exp(-np.array([[8 * rate, 8 * rate + 20 * 0.05 * np.exp(-0.5)], [0.4, 1.4]]))
    assert chance.to_numpy() == pytest.approx(truth, abs=0.03)
    assert abs(result.survival(who, [8]).loc[0, 8] - truth[0, 0]) > 0.05  # the average tells another story


@pytest.mark.parametrize(
    "options", [{"weights": "w"}, {"cluster": "person"}, {"id": "person", "weights": "w"}]
)
def test_pieces_of_a_customer_count_together_in_robust_errors(options):
    table = turning(800)
    result = fitted(table, ph_action="time_split", change_at=8, **options).refit.table
    both = halves(table, 8)
    weights = options.get("weights")
    by_hand = hazards(
        both, "t", "d", ["score", "a", "b"], entry="start", cluster="person", weights=weights
    ).table
    assert result["std_error"].to_numpy() == pytest.approx(by_hand["std_error"].to_numpy(), rel=1e-7)


def test_strata_replace_a_category_and_a_number_is_cut_instead():
    result = fitted(ph_action="stratify")
    assert result.tables["remedy"]["action"].tolist() == ["stratify"]
    expected = hazards(turning(), "t", "d", ["score"], strata=["plan"])
    pd.testing.assert_frame_equal(result.refit.table, expected.table)
    assert result.claims[-1].code == "hazards.stratified"
    assert result.claims[-1].fields["others"] == 1
    who = pd.DataFrame({"score": [0.0], "plan": ["yearly"]})
    pd.testing.assert_frame_equal(result.refit.survival(who, [12]), expected.survival(who, [12]))
    alone = hazards(turning(), "t", "d", ["plan"], ph_action="stratify")
    assert alone.tables["remedy"]["action"].tolist() == ["time_split"]
    assert "makes no strata (a number" in alone.tables["remedy"]["why"].iloc[0]


def test_time_is_not_cut_where_a_category_has_nobody_leaving():
    # Nobody on the yearly plan can leave before month 12, as contracts have it.
    table = turning()
    bound = table["plan"] == "yearly"
    table["t"] = table["t"].where(~bound, table["t"] + 12)
    result = fitted(table, ph_action="time_split")
    assert result.tables["remedy"].set_index("covariate").loc["plan", "change_at"] > 12
    with pytest.raises(AnalysisError, match="has no finite estimate"):
        fitted(table, ph_action="time_split", change_at=8)


def test_where_time_cannot_be_cut_the_ratio_stays_an_average(monkeypatch):
    monkeypatch.setattr(remedies, "_SOME", 10**6)
    alone = fitted(ph_action="time_split")
    remedy = alone.tables["remedy"].set_index("covariate").loc["plan"]
    assert remedy["action"] == "report"
    assert "too few departures to cut time" in remedy["why"]
    assert alone.refit is None
    assert len(alone.tables["restricted_mean"]) == 2
    monkeypatch.setattr(remedies, "_on_both_sides", lambda *_: True)
    bound = turning().assign(t=lambda t: t["t"].where(t["plan"] == "monthly", t["t"] + 25))
    infinite = fitted(bound, ph_action="time_split").tables["remedy"].set_index("covariate").loc["plan"]
    assert infinite["action"] == "report"
    assert "no finite estimate" in infinite["why"]


def test_reporting_compares_the_months_stayed():
    result = fitted()
    assert result.refit is None
    assert result.tables["remedy"]["action"].tolist() == ["report"]
    means = result.tables["restricted_mean"].set_index("level")
    yearly = turning().query("plan == 'yearly'")
    from cxlab.analysis.survival import restricted_mean

    horizon = means["horizon"].iloc[0]
    expected = restricted_mean(yearly, "t", "d", horizon=horizon).table.iloc[0]
    assert means.loc["yearly", ["estimate", "std_error"]].tolist() == pytest.approx(
        expected[["estimate", "std_error"]].tolist()
    )
    row = means.loc[means["difference"].notna()].iloc[0]
    assert row["difference_low"] < row["difference"] < row["difference_high"]
    # Nothing changes: nothing is done, and nothing is computed.
    calm = hazards(customers(), "months", "left", ["x"], ph_action="time_split")
    assert len(calm.tables["remedy"]) == 0
    assert all(calm.tables[name].empty for name in ("over_time", "refit", "restricted_mean"))


def test_ratios_by_period_follow_the_effect():
    table = fitted(turning(6000)).tables["over_time"]
    plan = table[table["covariate"] == "plan: monthly"]
    early, late = plan[plan["end"] <= 8], plan[plan["start"] >= 8]
    assert len(early) >= 2
    assert len(late) >= 1
    assert (early["conf_low"] < np.exp(1.5)).all()
    assert (early["conf_high"] > np.exp(1.5)).all()
    assert ((late["conf_low"] < np.exp(-0.5)) & (late["conf_high"] > np.exp(-0.5))).all()
    score = table[table["covariate"] == "score"]
    assert score["estimate"].to_numpy() == pytest.approx(0.5, abs=0.2)
    # One period is the model of its own departures, and the periods' departures are all.
    assert score["events"].sum() == turning(6000)["d"].sum()
    period = early.iloc[0]
    own = turning(6000).assign(d=lambda t: t["d"].where(t["t"] <= period["end"], 0))
    own["t"] = own["t"].clip(upper=period["end"])
    expected = hazards(own, "t", "d", ["score", "plan"]).table.set_index("covariate")
    assert period["estimate"] == pytest.approx(expected.loc["plan: monthly", "estimate"], rel=1e-8)


def test_a_change_outside_the_time_and_unknown_actions_are_refused():
    with pytest.raises(AnalysisError, match="change_at is 99; give a time between the first departure"):
        fitted(ph_action="time_split", change_at=99)
    with pytest.raises(AnalysisError, match="ph_action is 'cut'; allowed: report, stratify, time_split"):
        fitted(ph_action="cut")


@pytest.mark.simulation
def test_heavy_ties_bias_breslow_not_efron():
    """A quarter leaves each month and time is in whole months: Efron's ratio holds, Breslow's does not."""
    from scipy.optimize import minimize_scalar

    runs = max(REPLICATIONS // 2, 100)
    efron, breslow, covered = [], [], 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        n, x = 4000, np.arange(4000) % 2
        months = np.ceil(rng.exponential(1 / (0.25 * np.exp(0.7 * (x - 0.5)))))
        table = pd.DataFrame({"t": np.minimum(months, 12), "d": (months <= 12).astype(int), "x": x})
        row = hazards(table, "t", "d", ["x"]).table.iloc[0]
        efron.append(row["estimate"])
        covered += np.log(row["conf_low"]) <= 0.7 <= np.log(row["conf_high"])
        at = np.arange(1, 13)
        here = np.array([[(table["t"][x == g] >= m).sum() for m in at] for g in (0, 1)])
        gone = np.array([[((table["t"] == m) & (table["d"] == 1))[x == g].sum() for m in at] for g in (0, 1)])

        def lost(b, here=here, gone=gone):
            return -(gone[1].sum() * b - gone.sum(axis=0) @ np.log(here[0] + here[1] * np.exp(b)))

        breslow.append(minimize_scalar(lost).x)
        assert n == here[:, 0].sum()
    assert abs(np.mean(efron) - 0.7) < 0.025
    assert np.mean(breslow) < 0.62
    assert 0.90 <= covered / runs <= 0.99


@pytest.mark.simulation
def test_the_time_of_change_is_found_and_the_right_covariate_is_treated():
    cuts, wrong = [], 0
    runs = max(REPLICATIONS // 4, 50)
    for seed in range(runs):
        remedy = fitted(turning(seed=seed), ph_action="time_split").tables["remedy"].set_index("covariate")
        cuts.append(remedy.loc["plan", "change_at"])
        wrong += "score" in remedy.index
    assert np.quantile(cuts, 0.1) >= 6
    assert np.quantile(cuts, 0.9) <= 11
    assert wrong <= runs * 0.06 + 2 * np.sqrt(runs * 0.05 * 0.95)
