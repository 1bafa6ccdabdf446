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


def test_the_study_is_one_that_runs():
    assert read_study(PROJECT / "reports" / f"{CLIENT}.yaml", root=PROJECT).entries


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


@pytest.mark.parametrize(("place", "kappa", "n"), [("Winnipeg", 0.2079, 149), ("New Orleans", 0.2965, 69)])
def test_two_neurologists_have_the_published_kappa(place, kappa, n):
    """Westlund & Kurland (1953), as vcd::Kappa prints them; their diagnoses are ordered."""
    counts = pd.read_csv(real("vcd_mspatients.csv"), index_col="rownames")
    cells = [(own, other, counts.loc[own, f"{other}.{place}"]) for own in DIAGNOSES for other in DIAGNOSES]
    pairs = [pair for *pair, times in cells for _ in range(times)]
    patients = pd.DataFrame(
        [(k, who, DIAGNOSES.index(said)) for k, pair in enumerate(pairs) for who, said in enumerate(pair)],
        columns=["patient", "neurologist", "diagnosis"],
    )
    asked = {"unit": "patient", "rater": "neurologist", "rating": "diagnosis", "resamples": 500}
    nominal = emitted.agreement(patients, **asked)
    assert nominal.table["n"].iloc[0] == n
    assert nominal.tables["checks"].set_index("check")["value"]["conger"] == pytest.approx(kappa, abs=5e-5)
    ordinal = emitted.agreement(patients, **asked, scale="ordinal")
    assert nominal.alpha < ordinal.alpha
    # With whoever reads it: nobody should rest a diagnosis on one of them.
    assert ordinal.claims[0].fields["verdict"] in ("unreliable", "open")
