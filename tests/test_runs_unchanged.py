"""What did not change is not run again; what changed, alone and in whatever way, is."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from intake_clients import write_client
from test_cli import call
from test_runs_batch import write_notebook

from cxlab.intake import dataset
from cxlab.intake.custody import retention
from cxlab.runs import provenance, unchanged
from cxlab.runs.batch import run_study
from cxlab.runs.provenance import Ground, cells_digest, versions
from cxlab.runs.publish import manifest_of, shelf
from cxlab.runs.study import read_study
from cxlab.runs.volumes import volume

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kernels are ended by signals")
CLIENT = """\
name: Acme
purpose: Tests
retain_until: 2099-12-31
logo: logo.svg
sources:
  - file: raw/survey.csv
    table: survey_responses
    scales: {recommend: [0, 10]}
  - file: raw/units.csv
    table: units
"""
# 60 of RM, of them 4 in segment Z.
PLACES = [("RM", "A")] * 56 + [("RM", "Z")] * 4 + [("V", "B")] * 57
SURVEY = "response_id,customer_id,recommend,region,segment\n" + "".join(
    f"r{n},c{n},{n % 11},{region},{segment}\n" for n, (region, segment) in enumerate(PLACES)
)
UNITS = "unit_id\nu1\nu2\n"
OPENED = """\
import cxlab
paper = cxlab.open(client, where=where, language=language, seed=seed)
answers = paper.table("survey_responses")
"""
DRAWN = """\
import numpy as np  # the seed decides
drawn = np.random.default_rng(seed).normal(size=3).tolist() + [float(np.random.normal())]
"""
SHOWN = """\
from IPython.display import display
table = {"columns": ["label", "estimate"], "rows": [["a", drawn[0] + answers["recommend"].mean()]]}
bundle = {"id": "result-1", "kind": "Scores", "settings": {"drawn": drawn[:3]}, "n_used": 10, "n_dropped": {},
          "claims": [], "estimate_column": "estimate", "keys": ["label"], "tables": {"main": table},
          "figure": None}
display({"text/html": "<p>shown</p>", "application/vnd.cxlab.result.v1+json": bundle}, raw=True)
"""
STUDY = """\
client: acme
seed: 7
entries:
  survey: {notebook: survey, title: Encuesta, parameters: {where: "region == 'RM'"}}
  units: {notebook: units}
"""
# With the filter of the entry after it, which need not wait for it then (`releases.in_turn`).
SLOW = """\
entries:
  slow: {notebook: slow, parameters: {where: "region == 'RM'"}}
"""
CLOSE = """\
entries:
  close: {notebook: survey, parameters: {where: "region == 'RM' and segment != 'Z'"}}
"""


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Path:
    """A study of two entries, run once: one reads the survey, the other a codebook."""
    root = write_client(
        tmp_path_factory.mktemp("a") / "banco ñ", CLIENT, {"survey.csv": SURVEY, "units.csv": UNITS}
    )
    for folder in ("notebooks", "reports"):
        (root / folder).mkdir()
    (root / "data/acme/logo.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    dataset.check(root, "acme")
    write_notebook(root / "notebooks/survey.ipynb", OPENED, DRAWN, SHOWN)
    units = OPENED.replace("survey_responses", "units")
    write_notebook(root / "notebooks/units.ipynb", units, "print(len(answers))")
    (root / "reports/acme.yaml").write_text(STUDY, encoding="utf-8")
    assert [report.status for report in run_study(the_study(root)).reports] == ["done", "done"]
    return root


@pytest.fixture
def root(published, tmp_path) -> Path:
    return Path(shutil.copytree(published, tmp_path / "copy", symlinks=True))


def the_study(root: Path, **given):
    return read_study(root / "reports/acme.yaml", root=root, **given)


def kept(root: Path) -> set[str]:
    study = the_study(root)
    with shelf(root, study.name) as opened:
        return {*unchanged.unchanged(study, opened, unchanged.grounds_of(study), study.entries)}


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def recheck(root: Path, file: str, old: str, new: str) -> None:
    edit(root / "data/acme" / file, old, new)
    dataset.check(root, "acme")


def run_of(root: Path, entry: str = "survey") -> Path:
    built = root / "reports/built/acme"
    return built / "runs" / json.loads((built / f"current/{entry}.json").read_text())["run"]


@pytest.mark.runs_notebooks
def test_nothing_changed(root, monkeypatch):
    """Also in another folder, at another time, and after its author opened and saved the notebook."""
    assert kept(root) == {"survey", "units"}
    path = root / "notebooks/survey.ipynb"
    content = json.loads(path.read_text(encoding="utf-8"))
    for cell in content["cells"]:
        cell["id"] = "of-the-editor"
        cell["source"] = cell["source"].splitlines(keepends=True)
        if cell["cell_type"] == "code":
            cell |= {
                "execution_count": 3,
                "outputs": [{"output_type": "stream", "name": "stdout", "text": "9"}],
            }
            cell["metadata"] |= {"execution": {"iopub.execute_input": "now"}, "trusted": True}
    content |= {"nbformat_minor": 5, "metadata": {"kernelspec": {"name": "other"}}}
    path.write_text(json.dumps(content), encoding="utf-8")
    for file in root.rglob("*.*"):
        os.utime(file, (1, 1))
    dataset.check(root, "acme")
    assert kept(root) == {"survey", "units"}


def code(root, monkeypatch):
    edit(root / "notebooks/survey.ipynb", "the seed decides", "the  seed decides")


def prose(root, monkeypatch):
    edit(root / "notebooks/survey.ipynb", "Qu\\u00e9", "Por qu\\u00e9")


def tag(root, monkeypatch):
    path = root / "notebooks/survey.ipynb"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["cells"][0]["metadata"]["tags"] = ["lang-es"]
    path.write_text(json.dumps(content), encoding="utf-8")


def parameter(root, monkeypatch):
    edit(root / "reports/acme.yaml", "parameters: {", "parameters: {x: 2, ")


def name_of_the_notebook(root, monkeypatch):
    (root / "notebooks/survey.ipynb").rename(root / "notebooks/other.ipynb")
    edit(root / "reports/acme.yaml", "notebook: survey", "notebook: other")


def other_run_failed(root, monkeypatch):
    (root / "reports/built/acme/failed/survey").mkdir(parents=True)


def table_damaged(root, monkeypatch):
    path = root / "data/acme/tables/survey_responses.parquet"
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1] + b"x")


def table_gone(root, monkeypatch):
    (root / "data/acme/tables/survey_responses.parquet").unlink()


def content_of_a_table(root, monkeypatch):
    recheck(root, "raw/survey.csv", "r0,c0,0", "r0,c0,1")


def byte_of_a_file(root, monkeypatch):
    page = run_of(root) / "results.json"
    page.write_bytes(page.read_bytes()[:-1] + b" ")


def half_a_run(root, monkeypatch):
    (run_of(root) / "tables/result-1.csv").unlink()


def no_manifest(root, monkeypatch):
    (run_of(root) / "manifest.json").write_text("{}")


def no_page(root, monkeypatch):
    (root / "reports/built/acme/survey.html").unlink()


def page_of_something_else(root, monkeypatch):
    (root / "reports/built/acme/survey.html").write_text("<p>")


def moved_while_it_ran(root, monkeypatch):
    path = run_of(root) / "manifest.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["fingerprint"]["settled"] = False
    path.write_text(json.dumps(content), encoding="utf-8")


def sources(root, monkeypatch):
    monkeypatch.setattr(provenance, "sources_digest", lambda: "other")


def installed(root, monkeypatch):
    monkeypatch.setattr(provenance, "versions", lambda: {**versions(), "pandas": "9"})


def seed(root, monkeypatch):
    edit(root / "reports/acme.yaml", "seed: 7", "seed: 8")


def language(root, monkeypatch):
    edit(root / "reports/acme.yaml", "seed: 7", "seed: 7\nlanguage: en")


def declaration(root, monkeypatch):
    recheck(root, "client.yaml", "name: Acme", "name: Acme S.A.")


def declaration_not_checked(root, monkeypatch):
    edit(root / "data/acme/client.yaml", "name: Acme", "name: Acme  # S.A.")


def logo(root, monkeypatch):
    edit(root / "data/acme/logo.svg", "/>", "><g/></svg>")


def module_beside(root, monkeypatch):
    (root / "notebooks/rules").mkdir()
    (root / "notebooks/rules/weights.py").write_text("FLOOR = 0.3")


def settings_of_figures_beside(root, monkeypatch):
    (root / "notebooks/matplotlibrc").write_text("axes.titlesize: 20")


def file_not_checked(root, monkeypatch):
    edit(root / "data/acme/raw/survey.csv", "r0,c0,0", "r0,c0,1")


def no_tables(root, monkeypatch):
    (root / "data/acme/tables/tables.json").unlink()


OF_ONE = (
    code, prose, tag, parameter, name_of_the_notebook, other_run_failed, table_damaged, table_gone,
    content_of_a_table, byte_of_a_file, half_a_run, no_manifest, no_page, page_of_something_else,
    moved_while_it_ran,
)  # fmt: skip
OF_ALL = (
    sources, installed, seed, language, declaration, declaration_not_checked, logo, file_not_checked,
    no_tables, module_beside, settings_of_figures_beside,
)  # fmt: skip


@pytest.mark.runs_notebooks
@pytest.mark.parametrize("change", OF_ONE, ids=lambda change: change.__name__)
def test_a_change_of_one_entry_runs_it_alone(root, monkeypatch, change: Callable):
    change(root, monkeypatch)
    assert kept(root) == {"units"}


@pytest.mark.runs_notebooks
@pytest.mark.parametrize("change", OF_ALL, ids=lambda change: change.__name__)
def test_a_change_of_what_all_stand_on_runs_all(root, monkeypatch, change: Callable):
    change(root, monkeypatch)
    assert kept(root) == set()


@pytest.mark.runs_notebooks
def test_past_the_last_day_nothing_is_kept(root, monkeypatch):
    class Later(date):
        @classmethod
        def today(cls):
            return date(2100, 1, 1)

    monkeypatch.setattr(retention, "date", Later)
    assert kept(root) == set()


@pytest.mark.runs_notebooks
def test_a_file_that_is_gone_leaves_what_was_made_of_it(root):
    (root / "data/acme/raw/survey.csv").unlink()
    assert kept(root) == {"survey", "units"}


def test_the_ledger_and_the_rules_speak_of_every_table():
    entry = {"sha256": "a", "file_sha256": "f", "labels": {}, "sources": []}
    tables = {"customers": entry, "items": {**entry, "sha256": "b"}}

    def facts(read: str, **changed: dict) -> str:
        return Ground("", "", None, "", {"rules": [], "tables": {**tables, **changed}}).facts([read])

    other = {"items": {**entry, "sha256": "c"}}
    assert facts("customers") == facts("customers", **other)
    assert facts("items") != facts("items", **other)
    assert facts("ledger") != facts("ledger", **other)
    assert facts("customers_na_reasons") != facts("customers_na_reasons", **other)
    labelled = {"items": {**tables["items"], "labels": {"x": {"1": "yes"}}}}
    assert facts("customers") != facts("customers", **labelled)  # labels go with every table
    assert facts("customers") != facts("customers", waves=entry)  # it may have asked for it in vain
    assert facts("customers") == facts("customers", customers={**entry, "file_sha256": "g"})


def test_what_a_notebook_read_must_be_what_there_was():
    ground = Ground("", "", None, "", {"tables": {"customers": {"sha256": "a"}}})
    assert ground.gave([{"table": "customers", "sha256": "a"}, {"table": "ledger", "sha256": "x"}])
    assert not ground.gave([{"table": "customers", "sha256": "b"}])
    assert not ground.gave([{"table": "items", "sha256": "b"}])
    assert not Ground("", "", None, "", None).gave([{"table": "customers", "sha256": "a"}])


def test_installed_versions_are_those_of_the_metadata():
    from importlib.metadata import version

    found = versions()
    assert {name: found[name] for name in ("numpy", "pandas", "jupyter-client", "papermill")} == {
        name: version(name) for name in ("numpy", "pandas", "jupyter-client", "papermill")
    }


@pytest.mark.runs_notebooks
def test_the_executed_notebook_has_the_digest_of_its_author_s(root):
    executed = json.loads((run_of(root) / "notebook.ipynb").read_text(encoding="utf-8"))
    written = json.loads((root / "notebooks/survey.ipynb").read_text(encoding="utf-8"))
    assert cells_digest(executed) == cells_digest(written)
    assert len(executed["cells"]) == len(written["cells"]) + 1  # the injected one


def everything(root: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(root)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in (root / "reports/built").rglob("*")
        if path.is_file() and path.name != ".lock"
    }


@pytest.mark.runs_notebooks
@pytest.mark.parametrize(
    ("language", "said", "ended"),
    [
        ("en", "survey: skipped (unchanged): ", "0 published, 2 skipped (unchanged), of 2"),
        ("es", "survey: omitido (sin cambios): ", "0 publicados y 2 omitidos (sin cambios), de 2"),
    ],
)
def test_an_unchanged_study_is_answered_at_once(root, language, said, ended):
    before = everything(root)
    arguments = ("run", str(root / "reports/acme.yaml"), "--root", str(root))
    done, seconds = call(*arguments, CXLAB_LANGUAGE=language)
    assert done.returncode == 0, done.stderr
    assert said in done.stdout
    assert ended in done.stdout
    assert seconds < 4  # 0.4 s on a quiet machine; the bound allows for a busy one
    assert everything(root) == before  # not a byte, not a date
    heavy = ("pandas", "numpy", "pyarrow", "matplotlib", "papermill", "nbformat", "nbconvert", "nbclient",
             "jupyter_client", "jupyter_core", "IPython", "jinja2", "scipy")  # fmt: skip
    code = (
        "import sys; import cxlab.cli as c; r = c.main(sys.argv[1:]); "
        f"print(r, [m for m in {heavy} if m in sys.modules])"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "PYTHONPATH": str(Path(unchanged.__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert loaded.stdout.splitlines()[-1] == "0 []"


@pytest.mark.runs_notebooks
def test_a_space_in_a_comment_moves_no_number_and_runs_no_other_entry(root):
    index = (root / "reports/built/acme/index.html").read_bytes()
    before, units = run_of(root), run_of(root, "units")
    results = json.loads((before / "results.json").read_text(encoding="utf-8"))
    code(root, None)
    seen = []
    done = run_study(
        the_study(root), watch=lambda entry, report: seen.append((entry.id, report and report.status))
    )
    assert seen == [("units", "skipped"), ("survey", None), ("survey", "done")]
    assert [report.status for report in done.reports] == ["done", "skipped"]
    assert done.skipped[0].page.is_file()
    after = run_of(root)
    assert after != before
    assert json.loads((after / "results.json").read_text(encoding="utf-8")) == results
    assert results["results"][0]["settings"]["drawn"]
    assert run_of(root, "units") == units
    mixed = (root / "reports/built/acme/index.html").read_bytes()
    said = mixed.replace(after.name.encode(), before.name.encode()).replace(b"cx-unchanged", b"cx-new")
    assert said.replace(b"igual que en la corrida anterior", b"nuevo") == index
    assert b"Encuesta" in mixed
    # The gallery follows the study also when no entry has to run.
    edit(root / "reports/acme.yaml", "title: Encuesta", "title: Sondeo")
    assert len(run_study(the_study(root)).skipped) == 2
    assert b"Sondeo" in (root / "reports/built/acme/index.html").read_bytes()
    edit(root / "reports/acme.yaml", "title: Sondeo", "title: Encuesta")
    assert len(run_study(the_study(root)).skipped) == 2
    assert (root / "reports/built/acme/index.html").read_bytes() == mixed
    assert not run_study(the_study(root), fresh=True).skipped
    assert run_of(root) == after
    assert (root / "reports/built/acme/index.html").read_bytes() == mixed


@pytest.mark.runs_notebooks
def test_a_damaged_run_is_run_again_and_put_aside(root):
    byte_of_a_file(root, None)
    done = run_study(the_study(root))
    assert [report.status for report in done.reports] == ["done", "skipped"]
    assert [path.name for path in (root / "reports/built/acme/quarantine").iterdir()] == [
        f"{done.reports[0].run}.1"
    ]
    assert kept(root) == {"survey", "units"}


@pytest.mark.runs_notebooks
def test_what_moves_while_a_notebook_runs_is_run_again(root):
    logo, before = root / "data/acme/logo.svg", (root / "data/acme/logo.svg").read_bytes()
    code(root, None)

    def meanwhile(entry, report):
        if entry.id == "survey":
            logo.write_bytes(b"<svg/>" if report is None else before)

    assert len(run_study(the_study(root), watch=meanwhile).skipped) == 1
    assert manifest_of(run_of(root))["fingerprint"]["settled"] is False
    assert kept(root) == {"units"}
    assert len(run_study(the_study(root)).skipped) == 1
    assert kept(root) == {"survey", "units"}


@pytest.mark.runs_notebooks
def test_a_killed_study_runs_only_what_is_missing(root):
    go = root / "notebooks/go"
    wait = "import os, time\nwhile not os.path.exists('go'):\n    time.sleep(0.05)"
    write_notebook(root / "notebooks/slow.ipynb", wait)
    edit(root / "reports/acme.yaml", "entries:\n", SLOW)
    code(root, None)
    before = run_of(root)
    running = subprocess.Popen(
        [sys.executable, "-m", "cxlab", "run", str(root / "reports/acme.yaml"), "--root", str(root)],
        env={**os.environ, "PYTHONPATH": str(Path(unchanged.__file__).parents[2])},
        stdout=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 90
        while run_of(root) == before and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        running.kill()
        running.wait()
    assert run_of(root) != before
    go.touch()
    done = run_study(the_study(root))
    assert {report.entry.id: report.status for report in done.reports} == {
        "slow": "done", "survey": "skipped", "units": "skipped",
    }  # fmt: skip
    assert not (root / "reports/built/acme/.tmp").exists()


@pytest.mark.runs_notebooks
def test_a_skipped_page_still_guards_against_subtraction(root):
    edit(
        root / "reports/acme.yaml",
        "entries:\n",
        CLOSE,
    )
    done = run_study(the_study(root))
    close, survey, units = done.reports
    assert (close.status, survey.status, units.status) == ("failed", "skipped", "skipped")
    assert "4" not in close.message.split(";")[0]
    again = run_study(the_study(root))  # what failed always runs again
    assert again.reports[0].status == "failed"


def test_a_volume_is_what_is_published_in_the_order_of_the_study(published):
    """Made of the run alone, a chapter's page is the one that was published."""
    made = volume("acme", published)
    assert [(chapter.entry, chapter.title) for chapter in made.chapters] == [
        ("survey", "Encuesta"),
        ("units", "¿Qué pasa?"),
    ]
    for chapter in made.chapters:
        page = (published / f"reports/built/acme/{chapter.entry}.html").read_bytes()
        assert chapter.page().encode() == page
        assert replace(chapter, published="").page().encode() == page  # made again, it is the same
    assert made.chapters[0].cover.where == "region == 'RM'"
    assert (made.client.name, made.language, made.title) == ("Acme", "es", "acme")
