"""Hazards held to R: start-stop rows, clusters, scales of time, causes; effects over time and refits."""

import os
from pathlib import Path

import lifelines
import lifelines.datasets
import numpy as np
import pandas as pd
import pytest

from cxlab.analysis.survival import hazards
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
    table = customers()
    result = hazards(table, "months", "left", ["x", "plan"], cluster="household", weights="w")
    # Leaving a cluster out, the estimate moves by about the sum of its influences.
    whole = result.table["estimate"].to_numpy()
    h = 1e-4
    moved = []
    for house in table["household"].unique():
        nudged = table.assign(w=table["w"] * np.where(table["household"] == house, 1 + h, 1))
        moved.append(hazards(nudged, "months", "left", ["x", "plan"], weights="w").table["estimate"] - whole)
    expected = np.sqrt((np.array(moved) ** 2).sum(axis=0)) / h
    assert result.table["std_error"].to_numpy() == pytest.approx(expected, rel=2e-3)


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
