"""manifest.json: all that a run was made of and how it went, and nothing that says where."""

import json
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import pytest
from intake_clients import ROWS, SURVEY, write_client
from manifests import lacking
from nbformat.v4 import new_code_cell, new_notebook, new_output

from cxlab.intake import dataset
from cxlab.intake.ledger import files_behind
from cxlab.runs import manifest as module
from cxlab.runs import provenance
from cxlab.runs.entries import Entry
from cxlab.runs.machine import facts
from cxlab.runs.outcome import Outcome
from cxlab.runs.outputs import READ
from cxlab.runs.provenance import Ground, commit
from cxlab.runs.study import Study

TWO = SURVEY + "  - {file: raw/más/otra.csv, table: survey_responses, scales: {recommend: [0, 10]}}\n"
SHA = "0" * 64


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("CXLAB_ID_KEY", "a key for tests only")
    root = write_client(tmp_path / "mesa ñ", TWO)
    (root / "data/acme/raw/más").mkdir()
    (root / "data/acme/raw/más/otra.csv").write_text(ROWS.replace("\nr", "\ns"))
    dataset.check(root, "acme")
    return root


def made(root, **entry):
    """The manifest of an entry that read the survey, executed in three seconds."""
    opened = dataset.open_dataset(root, "acme").entry("survey_responses")
    read = {"table": "survey_responses", "sha256": opened.sha256, "rows": 80, "used": 80, "until": None}
    read["files"] = files_behind(opened.sources)
    shown = new_output("display_data", {READ: read, "text/html": "<p>"})
    book = new_notebook(cells=[new_code_cell("1", outputs=[shown], id="a")])
    at = datetime(2026, 1, 1, 12, tzinfo=UTC)
    content = nbformat.writes(book).encode()
    how = {"seconds": {1: 0.25, 3: 2.5}, "kernel": {"kind": "started"}, "machine": dict(facts())}
    outcome = Outcome("done", content, started=at, finished=at.replace(second=3), **how)
    study = Study("s", root, "acme", "es", ())
    parameters = {"client": "acme", "seed": 7, "language": "es"}
    one = Entry("drivers", root / "notebooks/drivers.ipynb", parameters, **entry)
    ground = Ground.of(root, "acme")
    prints = provenance.fingerprint(book, {}, {"survey_responses": opened.sha256}, ground, settled=True)
    return module.manifest(study, one, outcome, prints, ground)


def test_a_manifest_holds_all_of_it(root):
    said = made(root)
    outputs = {
        name: {"bytes": 1, "sha256": SHA} for name in ("report.html", "notebook.ipynb", "results.json")
    }
    assert lacking({**said, "outputs": outputs}) == []
    assert lacking(said) == ["$: 'outputs' is a required property"]
    assert (said["seed"], said["notebook_sha256"]) == (7, said["fingerprint"]["notebook"])
    assert said["cells"] == {"1": 0.25, "3": 2.5}
    assert said["seconds"] == 3
    assert "sweep" not in said


def test_the_files_behind_a_table_are_named_counted_and_hashed(root):
    (read,) = made(root)["inputs"]
    raw = root / "data/acme/raw"
    assert read["files"] == [
        {"name": path.name, "sha256": provenance.file_digest(path), "bytes": path.stat().st_size,
         "read": 40, "used": 40}
        for path in (raw / "survey.csv", raw / "más/otra.csv")
    ]  # fmt: skip
    (raw / "survey.csv").unlink()  # a client may take files back: what is known of them stays
    assert [file["bytes"] is None for file in made(root)["inputs"][0]["files"]] == [True, False]


def test_a_manifest_names_no_place(root):
    text = json.dumps(made(root), ensure_ascii=False)
    assert str(Path.home()) not in text
    assert str(root) not in text
    assert "raw/" not in text


def test_a_point_of_a_sweep_says_so(root):
    said = made(root, sweep="sensitivity", choices={"outcome": "nps"})
    assert (said["sweep"], said["choices"]) == ("sensitivity", {"outcome": "nps"})


def test_a_reader_of_other_runs_names_them(root, monkeypatch):
    monkeypatch.setattr(module, "awaited", lambda *_: {"sens-a": "0123456789abcdef"})
    assert made(root, after=("sens",))["after"] == {"sens-a": "0123456789abcdef"}
    assert "after" not in made(root)


# --- the state of the code --------------------------------------------------------------------------


@pytest.fixture
def repository(tmp_path):
    if not shutil.which("git"):
        pytest.skip("git is not installed")
    (tmp_path / "paper.ipynb").write_text("{}")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "one")
    return tmp_path


def git(folder, *arguments):
    subprocess.run(["git", *arguments], cwd=folder, check=True)


def state(folder):
    commit.cache_clear()
    return dict(commit(folder))


def test_the_state_of_the_code_is_told_by_hashes(repository):
    clean = state(repository)
    assert clean.keys() == {"commit", "dirty"}
    assert clean["dirty"] is False
    (repository / "paper.ipynb").write_text('{"a": 1}')
    changed = state(repository)
    assert (changed["commit"], changed["dirty"], changed["untracked"]) == (clean["commit"], True, {})
    (repository / "paper.ipynb").write_text('{"a": 2}')
    assert state(repository)["diff_sha256"] != changed["diff_sha256"]
    (repository / "paper.ipynb").write_text('{"a": 1}')
    assert state(repository)["diff_sha256"] == changed["diff_sha256"]


def test_of_files_that_git_does_not_know_only_code_counts_and_no_name_of_a_person(repository):
    (repository / "data").mkdir()
    for name in ("data/client.yaml", "notes.txt", "ana.perez@example.org.yaml"):
        (repository / name).write_text("x")
    before = state(repository)
    assert before["untracked"] == {}
    (repository / "new.py").write_text("secret = 1")
    after = state(repository)
    assert after["untracked"] == {"new.py": provenance.digest(b"secret = 1")}
    assert after["diff_sha256"] != before["diff_sha256"]
    assert "secret" not in json.dumps(after)


def test_without_git_nothing_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert state(tmp_path) == {}
