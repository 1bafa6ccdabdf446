"""A study from its file to its pages: some entries fail, others go on; nothing differs between two runs."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import cxlab
from cxlab.errors import InputError
from cxlab.runs import execute, pages
from cxlab.runs.batch import run_study
from cxlab.runs.publish import intact, manifest_of
from cxlab.runs.study import of_notebook, read_study

PARAMETERS = """\
client: str = "acme"
language: Literal["es", "en"] = "es"
seed: int = 1
where: str = ""
x: int = 1
"""
SHOW = """\
from IPython.display import display
table = {"columns": ["label", "estimate"], "rows": [["=1+1", x * 1.5], ["<script>", None]]}
bundle = {"id": "result-1", "kind": "Scores", "settings": {}, "n_used": 10, "n_dropped": {}, "claims": [],
          "estimate_column": "estimate", "keys": ["label"], "tables": {"main": table}, "figure": None}
read = {"table": "customers", "sha256": "0" * 64, "rows": 12, "used": 10, "until": "2025-01-31"}
display({"text/html": "<p>shown</p>", "image/svg+xml": "<svg xmlns='http://www.w3.org/2000/svg'/>",
         "application/vnd.cxlab.result.v1+json": bundle,
         "application/vnd.cxlab.read.v1+json": read}, raw=True)
"""


def write_notebook(path: Path, *cells: str) -> None:
    def code(source, tags=()):
        return {
            "cell_type": "code",
            "metadata": {"tags": list(tags)},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }

    title = {"cell_type": "markdown", "metadata": {}, "source": "# ¿Qué pasa?"}
    first = [title, code("from cxlab.parameters import Literal"), code(PARAMETERS, ["parameters"])]
    content = {"cells": [*first, *map(code, cells)], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    path.write_text(json.dumps(content), encoding="utf-8")


@pytest.fixture
def root(tmp_path) -> Path:
    root = tmp_path / "banco ñ"
    for folder in ("notebooks", "data/acme", "reports"):
        (root / folder).mkdir(parents=True)
    write_notebook(root / "notebooks/good.ipynb", "y = x + seed\nprint(y)", SHOW)
    write_notebook(root / "notebooks/bad.ipynb", "if x == 1:\n    1 / 0")
    write_notebook(root / "notebooks/slow.ipynb", "import time\ntime.sleep(120)")
    text = (
        "client: acme\nseed: 7\ntitle: Estudio\nentries:\n  good: {notebook: good}\n  bad: {notebook: bad}\n"
    )
    (root / "reports/acme.yaml").write_text(text, encoding="utf-8")
    return root


def published(root: Path, **options):
    return run_study(read_study(root / "reports/acme.yaml", root=root), **options)


@pytest.mark.runs_notebooks
def test_a_study_with_a_failing_entry(root):
    events: list[tuple[str, str]] = []
    done = published(
        root, watch=lambda entry, report: events.append((entry.id, report.status if report else ""))
    )
    good, bad = done.reports
    assert [report.status for report in done.reports] == ["done", "failed"]
    assert done.failed == (bad,)
    assert set(events) == {("good", ""), ("bad", ""), ("good", "done"), ("bad", "failed")}
    shelf = root / "reports/built/acme"
    run = shelf / "runs" / good.run
    assert intact(run)
    assert good.page == shelf / "good.html"
    assert good.page.read_bytes() == (run / "report.html").read_bytes()
    files = {path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file()}
    assert files == {
        "report.html", "notebook.ipynb", "results.json", "manifest.json",
        "tables/result-1.csv", "figures/result-1.svg",
    }  # fmt: skip
    results = json.loads((run / "results.json").read_text(encoding="utf-8"))
    assert results["parameters"]["seed"] == 7
    assert results["results"][0]["tables"]["main"]["rows"] == [["=1+1", 1.5], ["<script>", None]]
    assert "'=1+1,1.5" in (run / "tables/result-1.csv").read_text(encoding="utf-8-sig")
    manifest = manifest_of(run)
    assert manifest["inputs"][0]["rows"] == 12
    assert manifest["versions"]["pandas"]
    assert manifest["fingerprint"]["id"] == manifest["id"] == good.run
    assert str(root) not in (run / "manifest.json").read_text(encoding="utf-8")
    error = json.loads((shelf / "failed/bad/error.json").read_text(encoding="utf-8"))
    assert (error["status"], error["cell"], error["error"]) == ("raised", 4, "ZeroDivisionError")
    assert (shelf / "failed/bad/notebook.ipynb").is_file()
    index = done.index.read_text(encoding="utf-8")
    assert 'href="good.html"' in index
    assert "ZeroDivisionError" in index
    assert not (shelf / ".tmp").exists()

    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    again = published(root, workers=1)
    assert again.reports[0].run == good.run  # the same bytes: kept as it was
    assert {path: path.read_bytes() for path in before} == before
    assert sorted(path.name for path in (shelf / "runs").iterdir()) == [good.run]


@pytest.mark.runs_notebooks
def test_a_failure_leaves_the_page_that_was_there(root):
    study = of_notebook("bad", root=root, given={})
    shelf = root / "reports/built/acme-single"
    (shelf / "current").mkdir(parents=True)
    (shelf / "bad.html").write_text("<p>good one</p>")
    done = run_study(study)
    assert done.reports[0].status == "failed"
    assert (shelf / "bad.html").read_text() == "<p>good one</p>"
    assert 'href="bad.html"' in done.index.read_text(encoding="utf-8")


@pytest.mark.runs_notebooks
def test_a_page_that_cannot_be_made_is_a_failed_entry(root, monkeypatch):
    def broken(*_arguments, **_options):
        raise ValueError("no such colour")

    monkeypatch.setattr(pages.html, "page", broken)
    done = run_study(of_notebook("good", root=root))
    assert done.reports[0].message == "the page could not be made: ValueError: no such colour"
    assert (root / "reports/built/acme-single/failed/good/notebook.ipynb").is_file()


def test_a_declaration_that_cannot_be_read_is_said_before_any_kernel(root, monkeypatch):
    (root / "data/acme/client.yaml").write_text("nme: Acme\n", encoding="utf-8")
    monkeypatch.setattr(execute, "execute", lambda *_, **__: pytest.fail("a kernel was started"))
    with pytest.raises(InputError, match="client.yaml"):
        published(root)


def command(root: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "cxlab", *arguments, "--root", str(root)]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(cxlab.__file__).parents[1]), "CXLAB_LANGUAGE": "en"}


@pytest.mark.runs_notebooks
@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_interrupted_and_two_at_once(root):
    shelf = root / "reports/built/acme-single"
    running = subprocess.Popen(
        command(root, "run", "slow"),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 60
        while not (shelf / ".tmp").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        second = subprocess.run(
            command(root, "run", "good"), env=environment(), capture_output=True, text=True, timeout=60
        )
        assert second.returncode == 5
        assert f"another run of acme-single (process {running.pid}) is writing to" in second.stderr
        assert second.stderr.count("\n") == 1
        time.sleep(2)  # into the cell
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=30)
    finally:
        running.kill()
    assert running.returncode == 130, said
    assert said.strip() == "interrupted: nothing was left half published"
    assert not (shelf / "slow.html").exists()
    assert not (shelf / "runs").exists()
    assert not (shelf / ".tmp").exists()


@pytest.mark.runs_notebooks
def test_without_fork_flock_and_resource(root):
    code = (
        "import asyncio, os, sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name in ('fcntl', 'resource'): raise ImportError(name)\n"
        "[sys.modules.pop(name, None) for name in ('fcntl', 'resource')]\n"
        "sys.meta_path.insert(0, Absent()); del os.fork\n"
        "from cxlab.cli import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    arguments = [sys.executable, "-c", code, "run", "good", "--root", str(root), "-p", "x=2"]
    done = subprocess.run(arguments, env=environment(), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert (root / "reports/built/acme-single/good-x-2.html").is_file()
    assert not (root / "reports/built/acme-single/.owner").exists()


def test_pages_are_made_without_what_only_analyses_need():
    code = "import sys, cxlab.runs.making, cxlab.runs.pages; print([m for m in sys.argv if m in sys.modules])"
    arguments = [sys.executable, "-c", code, "pandas", "scipy", "matplotlib", "IPython"]
    done = subprocess.run(arguments, env=environment(), capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
