"""From a sweep to its paper, in both languages, on a client in whose data there is nothing to find."""

import json
import os
import re
import shutil
from html import unescape
from pathlib import Path

import pytest

from cxlab import demo
from cxlab.intake import dataset
from cxlab.runs import collect
from cxlab.runs.batch import run_study
from cxlab.runs.study import read_study

PROJECT = Path(__file__).parents[1]
ASKED = "row: \"driver == 'attr_resolution'\", null: 0.167, smallest_effect: 0.083"
STUDY = f"""
client: nada
language: es
where: region != 'RM'
entries:
  es: {{notebook: sensitivity, after: choices, parameters: {{{ASKED}}}}}
  en: {{notebook: sensitivity, after: choices, parameters: {{{ASKED}, language: en}}}}
  choices:
    notebook: drivers
    parameters: {{resamples: 50}}
    grid: {{method: [lmg, johnson]}}
"""

pytestmark = [
    pytest.mark.runs_notebooks,
    pytest.mark.xdist_group("reports"),
    pytest.mark.skipif(os.name != "posix", reason="kernels are ended by signals"),
]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("casa") / "mesa de análisis"
    shutil.copytree(PROJECT / "notebooks", root / "notebooks")
    (root / "reports").mkdir()
    demo.build(root, ("nada",))
    dataset.check(root, "nada")
    path = root / "reports/nada_sweep.yaml"
    path.write_text(STUDY, encoding="utf-8")
    done = run_study(read_study(path, root=root))
    assert [report.message for report in done.failed] == []
    return root


def results(root, entry):
    built = root / "reports/built/nada_sweep"
    run = json.loads((built / f"current/{entry}.json").read_text(encoding="utf-8"))["run"]
    return json.loads((built / "runs" / run / "results.json").read_text(encoding="utf-8"))


def test_the_paper_holds_the_numbers_of_its_points_in_both_languages(root):
    found = collect("nada_sweep", "choices", root=root)
    of_it = found[(found["kind"] == "DriverImportance") & (found["driver"] == "attr_resolution")]
    published = dict(of_it.drop_duplicates("point")[["point", "estimate"]].to_numpy().tolist())
    assert len(published) == 2
    for entry in ("es", "en"):
        curve = results(root, entry)["results"][0]
        main = curve["tables"]["main"]
        at = {name: main["columns"].index(name) for name in ("point", "estimate", "n")}
        assert {row[at["point"]]: row[at["estimate"]] for row in main["rows"]} == published
        assert all(row[at["n"]] > 30 for row in main["rows"])
        assert [read["table"] for read in results(root, entry)["reads"]] == ["nada_sweep/choices"]
    assert results(root, "es")["reads"] == results(root, "en")["reads"]


def test_nothing_is_stated_where_there_is_nothing(root):
    claims = [claim for result in results(root, "es")["results"] for claim in result["claims"]]
    assert claims[0]["code"] == "sensitivity.none"


@pytest.mark.parametrize(("entry", "own", "other"), [("es", "puntos", "points"), ("en", "points", "puntos")])
def test_each_page_speaks_its_language_and_names_the_filter_of_its_points(root, entry, own, other):
    page = unescape((root / f"reports/built/nada_sweep/{entry}.html").read_text(encoding="utf-8"))
    prose = re.sub(r"<(code|pre|style)\b.*?</\1>", "", page, flags=re.DOTALL)
    assert own in prose
    assert other not in prose
    assert "region != 'RM'" in prose


def test_the_gallery_shows_the_papers_and_folds_the_points(root):
    index = (root / "reports/built/nada_sweep/index.html").read_text(encoding="utf-8")
    assert index.count('<article class="cx-entry cx-new ') == 2
    assert "2 puntos de un barrido" in index
    assert 'href="choices-method-lmg.html"' in index
