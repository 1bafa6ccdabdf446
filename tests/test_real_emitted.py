"""The emitted experience on public files: inspections of restaurants, and two neurologists' diagnoses.

The files are not in this repository. What is asserted was computed apart with numpy, or is published.
"""

import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxlab.analysis import emitted
from cxlab.intake.dataset import check, open_dataset
from cxlab.runs.study import read_study

PROJECT = Path(__file__).parents[1]
CLIENT = "restaurants_anchorage"
DIAGNOSES = ["Certain", "Probable", "Possible", "Doubtful"]


def real(name):
    folder = os.environ.get("CXLAB_REAL_DATA")
    if not folder:
        pytest.skip("set CXLAB_REAL_DATA to the folder of the real files")
    return Path(folder) / name


@pytest.mark.parametrize("study", [CLIENT, "vcd_mspatients"])
def test_the_study_is_one_that_runs(study):
    assert read_study(PROJECT / "reports" / f"{study}.yaml", root=PROJECT).entries


def test_inspections_are_read_as_visits_and_checks(tmp_path):
    raw = pd.read_csv(real("restaurant_inspections_anchorage.csv"))
    (tmp_path / "data" / CLIENT).mkdir(parents=True)
    shutil.copy(PROJECT / "data" / CLIENT / "client.yaml", tmp_path / "data" / CLIENT)
    check(tmp_path, CLIENT)
    dataset = open_dataset(tmp_path, CLIENT)
    visits, checks = dataset.read("mystery_visits"), dataset.read("mystery_checks")
    seen = emitted.checked(checks, visits, pd.DataFrame(), target=90)
    found = emitted.compliance(seen)
    met = raw["inspection_score"] >= 90
    assert len(seen) == 27_178
    assert found.table["estimate"].iloc[0] == pytest.approx(100 * met.mean())
    # Linearised by restaurant: residuals summed by business, m/(m-1).
    sums = (met - met.mean()).groupby(raw["business_name"]).sum()
    error = np.sqrt(len(sums) / (len(sums) - 1) * (sums**2).sum()) / len(raw)
    assert found.table["std_error"].iloc[0] == pytest.approx(100 * error)
    scores = emitted.visit_scores(seen, standard="inspection")
    assert scores["score"].mean() == pytest.approx(93.64, abs=0.005)  # as The Effect has it
    needed = emitted.components(scores, score="score", unit="unit_id")
    # Of restaurants with 20 visits or more, means of odd and even visits correlate as one visit's share says.
    own = raw.assign(order=raw.groupby("business_name").cumcount())
    own = own[own.groupby("business_name")["order"].transform("max") >= 19]
    halves = (
        own.groupby(["business_name", own["order"] % 2])["inspection_score"].agg(["mean", "size"]).unstack()
    )
    half = halves["size"].mean().mean()
    r = np.corrcoef(halves["mean"][0], halves["mean"][1])[0, 1]
    assert needed.reliability * half / (1 + (half - 1) * needed.reliability) == pytest.approx(r, abs=0.06)


@pytest.fixture(scope="module")
def patients(tmp_path_factory):
    root = tmp_path_factory.mktemp("patients")
    real("vcd_mspatients.csv")
    (root / "data" / "vcd_mspatients").mkdir(parents=True)
    shutil.copy(PROJECT / "data" / "vcd_mspatients" / "client.yaml", root / "data" / "vcd_mspatients")
    report = check(root, "vcd_mspatients")
    assert report.ledger[["read", "used"]].to_numpy().tolist() == [[298, 298], [138, 138]]
    return open_dataset(root, "vcd_mspatients").read("ratings")


RATED = {"unit": "rated_id", "rater": "rater_id", "rating": "rating", "resamples": 500}


def test_two_neurologists_have_the_published_kappa(patients):
    """Westlund & Kurland (1953), as vcd::Kappa prints them; their diagnoses are ordered."""
    exact = emitted.agreement_apart(patients, by="patients", **RATED)
    alphas = exact.table[exact.table["coefficient"] == "alpha"].set_index("patients")
    assert alphas["n"].to_dict() == {"Winnipeg": 149, "New Orleans": 69}
    assert alphas["conger"].to_dict() == pytest.approx({"Winnipeg": 0.2079, "New Orleans": 0.2965}, abs=5e-5)
    ordered = emitted.agreement_apart(patients, by="patients", **RATED, scale="ordinal")
    near = ordered.table[ordered.table["coefficient"] == "alpha"].set_index("patients")
    assert (near["estimate"] > alphas["estimate"]).all()
    # With whoever reads it: nobody should rest a diagnosis on one of them.
    assert {claim.fields["verdict"] for claim in ordered.claims} <= {"unreliable", "open"}
    assert {claim.fields["group"]["patients"] for claim in ordered.claims} == {"Winnipeg", "New Orleans"}


def test_the_rows_are_the_counts_of_the_file(patients):
    counts = pd.read_csv(real("vcd_mspatients.csv"), index_col="rownames")
    for place in ("Winnipeg", "New Orleans"):
        wide = patients[patients["patients"] == place].pivot(
            index="rated_id", columns="rater_id", values="rating"
        )
        made = pd.crosstab(*(wide[name] for name in wide)).to_numpy()
        own = counts[[f"{said}.{place}" for said in DIAGNOSES]].loc[DIAGNOSES].to_numpy()
        assert np.array_equal(made, own) or np.array_equal(made.T, own)  # pseudonyms have no order
