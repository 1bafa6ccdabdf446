"""The paper on churn risk: what it finds in the demo, nothing in Nada S.A., and no person in it."""

import json
import os
import re
import shutil
from html import unescape
from pathlib import Path

import pandas as pd
import pytest

from cxlab import demo
from cxlab.errors import InputError
from cxlab.intake import dataset
from cxlab.intake.client import load
from cxlab.intake.custody import purge
from cxlab.intake.custody.handover import FOLDER, hand_over
from cxlab.intake.custody.relink import relink
from cxlab.runs.batch import run_study
from cxlab.runs.study import read_study

PROJECT = Path(__file__).parents[1]
STUDY = """
client: nada
language: es
entries:
  es: {notebook: churn_risk, parameters: {horizon: 6}}
  en: {notebook: churn_risk, parameters: {horizon: 6, language: en}}
"""
PSEUDONYM = re.compile(r"\b[a-p]{20}\b")

posix = pytest.mark.skipif(os.name != "posix", reason="modes and kernels of POSIX")


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    root = tmp_path_factory.mktemp("taller")
    folder = root / "data/acme"
    folder.mkdir(parents=True)
    (root / "notebooks").mkdir()
    (folder / "client.yaml").write_text("name: {es: Acme, en: Acme}\nlanguage: es\n", encoding="utf-8")
    return load(folder)


def listed(n=3, **columns):
    ids = ["abcdefghijklmnop" + each * 4 for each in "abcdefgh"[:n]]
    return pd.DataFrame({"customer_id": ids, "risk": [0.5] * n, "decile": [1] * n, **columns})


@posix
def test_a_list_is_private_and_the_same_each_time(client):
    file = hand_over(client, "churn_risk", listed())
    path = client.folder.parents[1] / file
    assert path.parent == client.folder / FOLDER
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.read_text().splitlines() == [
        "customer_id,risk,decile", "abcdefghijklmnopaaaa,0.5,1", "abcdefghijklmnopbbbb,0.5,1",
        "abcdefghijklmnopcccc,0.5,1",
    ]  # fmt: skip
    before = path.read_bytes()
    assert hand_over(client, "churn_risk", listed()) == file
    assert path.read_bytes() == before


def test_lists_that_differ_have_other_names(client):
    names = {hand_over(client, "churn_risk", listed(n)) for n in (2, 3, 4)}
    assert len(names) == 3
    assert len({hand_over(client, name, listed()) for name in ("churn_risk", "other")}) == 2


def test_an_empty_list_writes_nothing(client):
    before = sorted(client.folder.rglob("*"))
    assert hand_over(client, "nobody", listed().iloc[:0]) is None
    assert sorted(client.folder.rglob("*")) == before


@pytest.mark.parametrize(
    ("name", "frame", "said"),
    [
        ("../up", listed(), "cannot name a list"),
        ("Churn", listed(), "cannot name a list"),
        ("x", pd.DataFrame(), "a list without columns"),
        ("x", listed().assign(customer_id=["1", "2", "3"]), "customer_id is not of pseudonyms"),
        ("x", pd.concat([listed(), listed()]), "each once"),
        ("x", listed(phone=["1", "2", "3"]), "phone are not numbers"),
        ("x", listed()[["risk", "customer_id"]], "risk is not of pseudonyms"),
    ],
)
def test_only_pseudonyms_and_numbers_are_handed_over(client, name, frame, said):
    with pytest.raises(InputError, match=said):
        hand_over(client, name, frame)


@posix
def test_it_is_never_written_through_a_link(client, tmp_path):
    other = load(client.folder)
    away = client.folder / FOLDER
    kept = away.rename(client.folder / "kept") if away.exists() else None
    away.symlink_to(tmp_path)
    try:
        with pytest.raises(Exception, match="is a link to another folder"):
            hand_over(other, "churn_risk", listed())
    finally:
        away.unlink()
        if kept:
            kept.rename(away)
    assert not list(tmp_path.iterdir())


# --- the paper ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("casa")
    shutil.copytree(PROJECT / "notebooks", root / "notebooks")
    (root / "reports").mkdir()
    demo.build(root, ("nada", "fibra_cordillera"))
    for client, study in (("nada", STUDY), ("fibra_cordillera", STUDY.replace("nada", "fibra_cordillera"))):
        dataset.check(root, client)
        path = root / f"reports/{client}_risk.yaml"
        path.write_text(study, encoding="utf-8")
        done = run_study(read_study(path, root=root))
        assert [report.message for report in done.failed] == []
    return root


def results(root, client, entry):
    built = root / f"reports/built/{client}_risk"
    run = json.loads((built / f"current/{entry}.json").read_text(encoding="utf-8"))["run"]
    folder = built / "runs" / run
    return json.loads((folder / "results.json").read_text(encoding="utf-8"))["results"], folder


papers = [
    pytest.mark.runs_notebooks,
    pytest.mark.xdist_group("reports"),
    posix,
]


class TestPaper:
    """What is run once for all of these."""

    pytestmark = papers

    def test_risk_anticipates_who_leaves_the_demo(self, root):
        found, _ = results(root, "fibra_cordillera", "es")
        claims = {claim["code"]: claim for result in found for claim in result["claims"]}
        assert set(claims) == {"risk.order", "risk.captured", "risk.calibration", "risk.campaign"}
        order = claims["risk.order"]
        assert order["grade"] == "B"
        assert 0.60 < order["fields"]["conf_low"] < order["fields"]["conf_high"] < 0.68  # not the .94 of T7
        assert 0 < claims["risk.campaign"]["fields"]["break_even"] < 0.2

    def test_nothing_is_found_where_there_is_nothing(self, root):
        found, folder = results(root, "nada", "es")
        assert {claim["code"] for result in found for claim in result["claims"]} == {"risk.noise"}
        assert "No hay nadie en la lista" in unescape((folder / "report.html").read_text(encoding="utf-8"))
        assert not (root / "data/nada" / FOLDER).exists()

    def test_both_languages_have_the_same_numbers(self, root):
        es, en = (results(root, "fibra_cordillera", language)[0] for language in ("es", "en"))
        assert [r["tables"]["main"]["rows"] for r in es] == [r["tables"]["main"]["rows"] for r in en]

    def test_no_person_is_in_anything_published(self, root):
        own = pd.read_parquet(
            root / "data/fibra_cordillera/tables/customers.parquet", columns=["customer_id"]
        )
        ids = set(own["customer_id"])
        files = [p for p in (root / "reports/built").rglob("*") if p.is_file()]
        assert len(files) > 10
        for path in files:
            text = path.read_bytes().decode("utf-8", "ignore")
            assert not ids & set(PSEUDONYM.findall(text)), path

    def test_the_list_is_beside_the_data_once_and_its_codes_come_back(self, root):
        made = sorted((root / "data/fibra_cordillera" / FOLDER).iterdir())
        assert len(made) == 1  # both languages wrote the same file
        frame = pd.read_csv(made[0])
        assert list(frame.columns) == ["customer_id", "risk", "decile", "expected_value"]
        done = relink(root, "fibra_cordillera", made[0])
        assert done.unmatched["customer_id"] == 0
        assert made[0] in {each.path for each in purge.holdings(root, "fibra_cordillera")}
