"""The main job from end to end: the demo client's raw files to published reports, in es and en."""

import json
import os
import re
import shutil
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest
from manifests import lacking

from cxlab import demo
from cxlab.intake import dataset

PROJECT = Path(__file__).parents[1]
PAPERS = (
    "intake",
    "scorecard",
    "drivers",
    "areas",
    "retention",
    "churn_risk",
    "economics",
    "benchmark",
    "journey",
    "emitted",
    "waves",
)
# A filter has no say over what is told of everybody: targets, questionnaire, managers, contacts, what came,
# what others published.
WHOLE = {
    "population_targets",
    "areas",
    "touchpoints",
    "area_touchpoint",
    "items",
    "benchmark_scores",
    "management_ranking",
    "interactions",
    "transactions",
    "referrals",
    "billing",
    "marketing_spend",
    "ledger",
    "survey_responses_na_reasons",
    "rules",
    "journey_design",
    "mystery_checks",
    "mystery_visits",
    "standards",
    "units",
}
STUDY = """
client: nada
language: {language}
seed: 20261122
{where}
entries:
  intake: {{notebook: intake}}
  scorecard: {{notebook: scorecard, parameters: {{by: [segment], weighting: raked}}}}
  drivers:   {{notebook: drivers, parameters: {{resamples: 50, by: [segment]}}}}
  areas:     {{notebook: areas, parameters: {{resamples: 50, by: [segment]}}}}
  retention: {{notebook: retention}}
  churn_risk: {{notebook: churn_risk}}
  economics: {{notebook: economics, parameters: {{resamples: 60}}}}
  benchmark: {{notebook: benchmark, parameters: {{focal: Nada, by: [channel]}}}}
  journey: {{notebook: journey}}
  emitted: {{notebook: emitted, parameters: {{focal: Nada, resamples: 100}}}}
  waves: {{notebook: waves}}
  diagnosis: {{notebook: diagnosis, after: [scorecard, drivers, areas, retention, churn_risk, economics, benchmark, journey, emitted, waves]}}
"""  # noqa: E501

CAPITAL = "where: region != 'RM'"

pytestmark = [pytest.mark.runs_notebooks, pytest.mark.xdist_group("reports")]


def cxlab(root, *arguments, **environment):
    command = [sys.executable, "-m", "cxlab", *arguments, "--root", str(root)]
    return subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "CXLAB_LANGUAGE": "en", **environment}
    )


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A workbench with Nada S.A. taken through intake, in a folder with spaces and accents."""
    home = tmp_path_factory.mktemp("casa")
    root = home / "mesa de análisis"
    shutil.copytree(PROJECT / "notebooks", root / "notebooks")
    (root / "reports").mkdir()
    demo.build(root, ("nada",))
    dataset.check(root, "nada")
    for name, language, where in (("es", "es", ""), ("en", "en", ""), ("capital", "en", CAPITAL)):
        study = STUDY.format(language=language, where=where)
        (root / "reports" / f"nada_{name}.yaml").write_text(study, encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def built(root):
    """The nine reports, in each language from one run each."""
    for language in ("es", "en"):
        ran = cxlab(root, "run", f"reports/nada_{language}.yaml")
        assert ran.returncode == 0, ran.stderr + ran.stdout
    return root / "reports" / "built"


def page(built, language, paper):
    return (built / f"nada_{language}" / f"{paper}.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize("paper", PAPERS)
def test_report_is_one_page_without_script_or_remote_asset(built, language, paper):
    html = page(built, language, paper)
    assert f'<html lang="{language}"' in html
    assert "default-src 'none'" in unescape(html)
    assert not re.search(r"<script|<iframe|<link|\bon\w+=|javascript:", html, re.IGNORECASE)
    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", html, re.IGNORECASE)
    assert html.count("<h1") == 1


@pytest.mark.parametrize("paper", PAPERS)
def test_each_language_has_its_own_words_and_numbers(built, paper):
    spanish, english = page(built, "es", paper), page(built, "en", paper)
    assert "Lo que esto no muestra" in spanish
    assert "What this does not show" not in spanish
    assert "What this does not show" in english
    assert "Lo que esto no muestra" not in english
    assert re.search(r"\d,\d", spanish)
    assert re.search(r"\d\.\d", english)
    assert not re.search(r"intervalo|puntos", english)
    prose = re.sub(r"<(code|pre)\b.*?</\1>", "", spanish, flags=re.DOTALL)
    assert not re.search(r"\binterval\b|\bpoints\b|nothing to do|missing", prose)


@pytest.mark.parametrize("paper", PAPERS)
def test_nothing_is_stated_where_there_is_nothing(built, paper):
    results = json.loads((newest(built / "nada_es", paper) / "results.json").read_text(encoding="utf-8"))
    claims = [claim for result in results["results"] for claim in result["claims"]]
    assert claims
    assert not [c["sentence"] for c in claims if "hypothesis" in c["fields"]]


@pytest.mark.parametrize(("language", "said", "other"), [
    ("es", "ningún hallazgo se distingue del ruido", "no finding"),
    ("en", "no finding can be told from noise", "ningún hallazgo"),
])  # fmt: skip
def test_the_diagnosis_of_nothing_says_so_in_both_languages(built, language, said, other):
    run = newest(built / f"nada_{language}", "diagnosis")
    shown = json.loads((run / "results.json").read_text(encoding="utf-8"))["results"][0]
    assert [claim["code"] for claim in shown["claims"]] == ["diagnosis.nothing"]
    assert shown["claims"][0]["fields"]["reports"] == 10
    assert set(shown["tables"]) == {"main", "unmeasured", "statements"}  # the others have no row
    chain = shown["tables"]["main"]
    standing = chain["columns"].index("standing")
    assert {row[standing] for row in chain["rows"]} == {"level", "nothing"}
    assert shown["figure"]["title"]
    html = unescape(page(built, language, "diagnosis"))
    assert html.count('<section class="cx-sheet">') == 1
    assert html.index('class="cx-sheet"') < html.index('<div class="cx-columns">')
    assert said in html
    assert other not in html


def newest(study, entry):
    for run in (study / "runs").iterdir():
        if json.loads((run / "results.json").read_text(encoding="utf-8"))["entry"] == entry:
            return run
    raise AssertionError(entry)


@pytest.mark.parametrize("paper", PAPERS)
def test_both_languages_carry_the_same_numbers(built, paper):
    def numbers(language):
        run = newest(built / f"nada_{language}", paper)
        results = json.loads((run / "results.json").read_text(encoding="utf-8"))["results"]
        return [
            (r["id"], r["tables"]["main"])
            for r in results
            if not {"advice", "why"} & set(r["tables"]["main"]["columns"])
        ]

    assert numbers("es") == numbers("en")


def test_no_suppressed_value_is_published(built):
    for run in (built / "nada_es" / "runs").iterdir():
        results = json.loads((run / "results.json").read_text(encoding="utf-8"))
        for result in results["results"]:
            for table in result["tables"].values():
                if "flag" not in table["columns"]:
                    continue
                flag, keys = table["columns"].index("flag"), {*result["keys"], "flag", "withheld"}
                hidden = [row for row in table["rows"] if row[flag] == "suppressed"]
                shown = [k for k, column in enumerate(table["columns"]) if column not in keys]
                assert all(row[k] is None for row in hidden for k in shown)


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize("paper", PAPERS)
def test_every_run_says_all_that_it_was_made_of(root, built, language, paper):
    run = newest(built / f"nada_{language}", paper)
    text = (run / "manifest.json").read_text(encoding="utf-8")
    manifest = json.loads(text)
    assert lacking(manifest) == []
    canonical = [read for read in manifest["inputs"] if read["files"]]
    assert canonical
    assert all(file["bytes"] for read in canonical for file in read["files"])
    assert str(root) not in text
    moments = [manifest["started"], manifest["finished"]]
    for path in (path for path in run.rglob("*") if path.is_file() and path.name != "manifest.json"):
        content = path.read_text(encoding="utf-8")
        assert not [moment for moment in moments if moment[:16] in content], path.name


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize("paper", PAPERS)
def test_a_report_ends_with_what_it_was_made_of(built, language, paper):
    manifest = json.loads(
        (newest(built / f"nada_{language}", paper) / "manifest.json").read_text(encoding="utf-8")
    )
    html, heading = page(built, language, paper), "Procedencia" if language == "es" else "Provenance"
    ending = unescape(html.split("<h2")[-1])
    assert f">{heading}</h2>" in ending
    hashes = [manifest["fingerprint"][part] for part in ("notebook", "client", "sources", "versions")]
    for read in manifest["inputs"]:
        hashes += [read["sha256"], *(file["sha256"] for file in read["files"])]
        assert all(file["name"] in ending for file in read["files"])
    assert not [sha256 for sha256 in hashes if f"{sha256[:16]}…" not in ending]
    assert f"cxlab verify {manifest['id']}" in ending
    assert "manifest.json" in ending
    assert str(manifest["seed"]) in ending
    assert all(f"<code>{name}</code>" in ending for name in manifest["parameters"])


def test_from_its_crate_a_run_is_made_again_to_the_same_bytes(root, built, tmp_path):
    """Whoever has the data needs nothing else: the notebook and the parameters are in the crate."""
    made = cxlab(root, "export", "nada_en/benchmark", "--ro-crate", "--to", str(tmp_path / "crate"))
    assert made.returncode == 0, made.stderr
    crate = tmp_path / "crate"
    shutil.copytree(root / "data", crate / "data")
    ran = cxlab(crate, "run", str(crate / "study.yaml"))
    assert ran.returncode == 0, ran.stderr
    again = newest(crate / "reports/built/study", "benchmark")
    published = crate / "runs" / again.name  # the same fingerprint
    for path in sorted(p for p in published.rglob("*") if p.is_file() and p.name != "manifest.json"):
        assert path.read_bytes() == (again / path.relative_to(published)).read_bytes(), path.name


def test_two_runs_give_the_same_bytes(root, built):
    one = newest(built / "nada_en", "benchmark")
    before = {p.name: p.read_bytes() for p in one.iterdir() if p.is_file()}
    shutil.rmtree(one)
    alone = STUDY.format(language="en", where="").splitlines()
    kept = [
        line
        for line in alone
        if not re.match(
            r"  (intake|scorecard|drivers|areas|retention|churn_risk|economics|journey|waves|diagnosis):",
            line,
        )
    ]
    (root / "reports" / "nada_en.yaml").write_text("\n".join(kept), encoding="utf-8")
    assert cxlab(root, "run", "reports/nada_en.yaml", TZ="Asia/Tokyo", PYTHONHASHSEED="7").returncode == 0
    after = {p.name: p.read_bytes() for p in newest(built / "nada_en", "benchmark").iterdir() if p.is_file()}
    assert {name for name in before if before[name] != after[name]} <= {"manifest.json"}


@pytest.fixture(scope="module")
def capital(root):
    """The nine reports again, without the capital."""
    ran = cxlab(root, "run", "reports/nada_capital.yaml")
    assert ran.returncode == 0, ran.stderr


def test_all_of_them_without_the_capital(root, capital):
    study = root / "reports/built/nada_capital"
    for paper in PAPERS:
        assert "region != 'RM'" in unescape((study / f"{paper}.html").read_text(encoding="utf-8"))
        reads = json.loads((newest(study, paper) / "results.json").read_text(encoding="utf-8"))["reads"]
        last = {read["table"]: read for read in reads}
        # Answers are read whole there: those of customers left out meet nobody.
        whole = WHOLE | ({"survey_responses"} if paper == "churn_risk" else set())
        assert all(read["used"] < read["rows"] for name, read in last.items() if name not in whole)


@pytest.mark.parametrize("paper", PAPERS)
def test_diff_says_what_leaving_the_capital_out_changed(root, built, capital, paper):
    """Of pure noise hardly anything moves beyond its error, and the filter is the one cause."""
    ran = cxlab(root, "diff", f"nada_en/{paper}", f"nada_capital/{paper}", "--json")
    assert ran.returncode == 0, ran.stderr
    (found,) = json.loads(ran.stdout)["compared"]
    assert [(cause["kind"], cause["what"]) for cause in found["causes"]] == [("parameters", "where")]
    if paper != "intake":  # what came is told of everybody
        verdicts = [moved["verdict"] for moved in found["moved"]]
        assert verdicts
        assert verdicts.count("beyond") <= 0.05 * len(verdicts)
        assert any(count["what"] == "used" and count["after"] < count["before"] for count in found["counts"])


def test_a_report_does_not_differ_from_itself(root, built):
    again = cxlab(root, "diff", "nada_en/scorecard", "nada_en/scorecard")
    assert "nothing differs: " in again.stdout


def test_a_filter_that_gives_customers_away_is_refused_and_the_old_report_stays(root, built):
    page = built / "nada_en" / "retention.html"
    before = page.read_bytes()
    price = dataset.open_dataset(root, "nada").read("customers")["attr_price"]
    study = STUDY.format(language="en", where=f"where: attr_price < {price.nlargest(5).min()}").splitlines()
    kept = [
        line
        for line in study
        if not re.match(r"  (intake|scorecard|drivers|areas|economics|benchmark|journey|diagnosis):", line)
    ]
    (root / "reports" / "nada_en.yaml").write_text("\n".join(kept), encoding="utf-8")
    ran = cxlab(root, "run", "reports/nada_en.yaml")
    assert ran.returncode == 1
    assert "removes under 10 customers" in ran.stdout + ran.stderr
    assert page.read_bytes() == before
