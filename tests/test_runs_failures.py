"""Every way in which running a notebook is known to go wrong, and what `cxlab run` does about it.

One study holds a notebook for each way to end badly, between others that end well; `HELD` says where the
rest is tested.
"""

import ast
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import nbformat
import pytest

import cxlab
from cxlab.runs.publish import intact

TESTS = Path(__file__).parent
HERE = Path(__file__).name
# What goes wrong, and the tests that hold what is done about it.
HELD = {
    "kernel os._exit, SIGKILL": [f"{HERE}::test_failures_are_told_apart"],
    "out of memory under a limit": [f"{HERE}::test_failures_are_told_apart"],
    "cell timeout": [f"{HERE}::test_failures_are_told_apart"],
    "Ctrl-C, SIGTERM": ["test_runs_interruption.py::test_while_a_cell_runs"],
    "cell raises, sys.exit(0), input()": [f"{HERE}::test_failures_are_told_apart"],
    "metadata that lies": [f"{HERE}::test_failures_are_told_apart", f"{HERE}::test_what_ended_well"],
    "disk full": [
        f"{HERE}::test_a_full_disk_leaves_the_report_that_was_there",
        "test_runs_publish.py::test_every_file_system_event_refused",
    ],
    "two runs of the same output": [
        "test_runs_batch.py::test_interrupted_and_two_at_once",
        "test_runs_publish.py::test_a_reader_never_sees_half_a_page",
    ],
    "undeclared parameter, wrong type": [
        "test_cli.py::test_refused_before_any_kernel",
        f"{HERE}::test_refused_before_any_kernel",
    ],
    "no parameters cell": ["test_cli.py::test_a_notebook_without_parameters_cell"],
    "a name that is code": [
        f"{HERE}::test_refused_before_any_kernel",
        f"{HERE}::test_papermill_runs_no_name",
    ],
    "007, 1_000, 1e5, None, NaN as text": [f"{HERE}::test_values_arrive_as_declared"],
    "YAML 1e-3; dates": [f"{HERE}::test_values_arrive_as_declared"],
    "dates and numpy's integers by the API; tuple, set, Timestamp, Decimal, Path, integer keys": [
        "test_parameters.py::test_values_of_numpy_and_tuples_become_the_declared_kind",
        "test_parameters.py::test_what_does_not_fit_is_refused_saying_what_is_allowed",
        "test_parameters.py::test_what_cannot_be_written_is_refused",
    ],
    "NaN; lone surrogate": ["test_parameters.py::test_what_does_not_fit_is_refused_saying_what_is_allowed"],
    "quotes, newline, unicode, braces in values": [f"{HERE}::test_values_arrive_as_declared"],
    "braces and ways out in the output path": [f"{HERE}::test_values_do_not_lead_out_of_the_folder"],
    "missing output folder; spaces and unicode in paths": [f"{HERE}::test_what_ended_well"],
    "unknown kernel, no kernel metadata": [f"{HERE}::test_what_ended_well"],
    "output of a child process": [f"{HERE}::test_what_ended_well"],
    "papermill: kernel dies": [f"{HERE}::test_papermill_does_not_say_that_all_is_well"],
    "papermill: Ctrl-C": [f"{HERE}::test_papermill_interrupted"],
}
AWKWARD = 'it\'s "so" {{x}} {y} \\ ñ 🙂 #'
CELL = f"""\
client: str = "acme"
language: Literal["es", "en"] = "en"
where: str = ""
zeros: str = ""
thousand: str = ""
power: str = ""
none: str = ""
nan: str = ""
small: float = 1.0
since: date = date(2025, 1, 1)
by: list[str] = []
awkward: str = {AWKWARD!r}
"""
STUDY = """\
client: acme
language: en
entries:
  good:
  raises:
  exits:
  dies:
  killed:
  slow: {timeout: 5}
  heavy: {memory: 600 MB}
  asks:
  lies:
  child:
  values:
    parameters:
      zeros: 007
      thousand: 1_000
      power: 1e5
      none: None
      nan: NaN
      small: 1e-3
      since: 2024-02-29
      by: [007, 'a, b']
      awkward: "it's \\"so\\" {{x}} {y} \\\\ ñ 🙂 #\\n"
"""
CELLS = {
    "good": ["x = 1"],
    "raises": ["x = 1", "1 / 0", "print('never')"],
    "exits": ["import sys\nsys.exit(0)", "print('never')"],
    "dies": ["import os\nos._exit(0)", "print('never')"],
    "killed": ["import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "print('never')"],
    "slow": ["import time\ntime.sleep(600)"],
    "heavy": ["x = b'1' * 10**9"],
    "asks": ["input('name?')", "print('never')"],
    "lies": ["get_ipython().showtraceback = lambda *a, **k: None\n1 / 0", "print('never')"],
    # What a child says comes by a pipe that the kernel reads when it can.
    "child": ["import subprocess, time\nsubprocess.run(['echo', 'said by a child'])\ntime.sleep(1)"],
    "values": ["print(ascii([zeros, thousand, power, none, nan, small, str(since), by, awkward]))"],
}
WELL = {"status": "completed", "exception": None, "end_time": "2025-01-01T00:00:00", "duration": 1.0}
ILL = {"status": "failed", "exception": True, "end_time": None}


def write(
    path: Path, cells: list[str], *, kernel: str | None = "python3", claims: dict | None = None
) -> None:
    """Write a notebook that comes with outputs, counts and claims of an earlier run."""

    def code(source, tags=()):
        said = [{"output_type": "stream", "name": "stdout", "text": "all is well"}]
        metadata = {"tags": list(tags), **({"papermill": claims} if claims else {})}
        return {
            "cell_type": "code",
            "metadata": metadata,
            "source": source,
            "outputs": said,
            "execution_count": 7,
        }

    metadata: dict = (
        {"kernelspec": {"name": kernel, "display_name": kernel, "language": "python"}} if kernel else {}
    )
    metadata |= {"papermill": claims} if claims else {}
    first = [code("from cxlab.parameters import Literal, date"), code(CELL, ["parameters"])]
    content = {
        "cells": [*first, *map(code, cells)],
        "metadata": metadata,
        "nbformat": 4,
        "nbformat_minor": 4,
    }
    path.write_text(json.dumps(content), encoding="utf-8")


def around(**variables: str) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(Path(cxlab.__file__).parents[1]),
        "CXLAB_LANGUAGE": "en",
        **variables,
    }


def command(root: Path, *arguments: str, driver: str = "") -> subprocess.CompletedProcess:
    start = ["-c", driver] if driver else ["-m", "cxlab"]
    return subprocess.run(
        [sys.executable, *start, *arguments, "--root", str(root)],
        env=around(),
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("work") / "mesa de la señora"
    for folder in ("notebooks", "data/acme", "reports"):
        (root / folder).mkdir(parents=True)
    for name, cells in CELLS.items():
        kernel = {"good": "absent", "child": None}.get(name, "python3")
        write(root / f"notebooks/{name}.ipynb", cells, kernel=kernel, claims=ILL if name == "good" else WELL)
    (root / "reports/table.yaml").write_text(STUDY, encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def table(root) -> subprocess.CompletedProcess:
    """Run the study; of some entries there was a good page before."""
    assert not (root / "reports/built").exists()
    (root / "reports/built/table/current").mkdir(parents=True)
    for name in FAILED:
        (root / f"reports/built/table/{name}.html").write_text("<p>the good one</p>")
    return command(root, "run", str(root / "reports/table.yaml"))


FAILED = {
    "raises": ("raised", "code cell 5 (`1 / 0`) raised ZeroDivisionError: division by zero"),
    "exits": ("exited", "code cell 4 (`import sys`) left the notebook before its end"),
    "dies": ("kernel died", "the kernel died in code cell 4 (`import os`)"),
    "killed": ("kernel died", "the kernel died in code cell 4 (`import os, signal`)"),
    "slow": ("timeout", "its limit is 5 s"),
    "heavy": ("out of memory", "cell 4 (`x = b'1' * 10**9`) needed more memory than its limit of 600 MB"),
    "asks": ("raised", "code cell 4 (`input('name?')`) raised StdinNotImplementedError"),
    "lies": ("raised", "raised ZeroDivisionError: division by zero"),
}


def executed(root: Path, name: str) -> list:
    """Return the code cells of an executed notebook, wherever it ended."""
    shelf = root / "reports/built/table"
    path = shelf / "failed" / name / "notebook.ipynb"
    if not path.exists():
        run = json.loads((shelf / f"current/{name}.json").read_text())["run"]
        assert intact(shelf / "runs" / run)
        path = shelf / "runs" / run / "notebook.ipynb"
    text = path.read_text(encoding="utf-8")
    assert "papermill" not in text  # nothing is said but what was executed
    return [cell for cell in nbformat.reads(text, as_version=4).cells if cell.cell_type == "code"]


@pytest.mark.runs_notebooks
@pytest.mark.parametrize("name", FAILED)
def test_failures_are_told_apart(root, table, name):
    status, said = FAILED[name]
    error = json.loads((root / f"reports/built/table/failed/{name}/error.json").read_text(encoding="utf-8"))
    assert (error["status"], said in error["message"]) == (status, True), error
    assert any(
        re.fullmatch(rf"\d+ of 11 · {name}: failed: .*", line) and said in line
        for line in table.stdout.splitlines()
    )
    page = root / f"reports/built/table/{name}.html"
    assert page.read_text() == "<p>the good one</p>"
    cells = executed(root, name)
    at = error["cell"] - 1
    assert all(cell.execution_count for cell in cells[:at])
    assert all(cell.execution_count is None and not cell.outputs for cell in cells[at + 1 :])
    assert bool(cells[at].execution_count) == (status in ("raised", "exited", "out of memory"))
    assert "all is well" not in json.dumps(cells)  # what an earlier run left does not count


@pytest.mark.runs_notebooks
def test_what_ended_well(root, table):
    assert table.returncode == 1
    assert table.stderr == ""
    for name in ("good", "child", "values"):
        cells = executed(root, name)
        assert all(cell.execution_count for cell in cells)
        assert (root / f"reports/built/table/{name}.html").read_text(encoding="utf-8").startswith("<!DOCTYPE")
    said = [output for cell in executed(root, "child") for output in cell.outputs]
    assert "".join(output.get("text", "") for output in said) == "said by a child\n"
    lines = table.stdout.splitlines()
    assert "said by a child" not in lines  # it is in the report
    assert {f"{name}: running" for name in CELLS} == {
        line.partition(" · ")[2] for line in lines if line.endswith(": running")
    }
    assert any(line.startswith("11 of 11 · ") for line in lines)
    assert "3 of 11 published" in lines


@pytest.mark.runs_notebooks
def test_values_arrive_as_declared(root, table):
    said = ["007", "1_000", "1e5", "None", "NaN", 0.001, "2024-02-29", ["007", "a, b"], f"{AWKWARD}\n"]
    assert ast.literal_eval(executed(root, "values")[-1].outputs[0].text) == said


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        ("alhpa=1", '"alhpa", which good does not declare'),
        ("smal=1", "did you mean small?"),
        ("small=abc", "a number, with a point for decimals"),
        ("small=NaN", "a number, with a point for decimals"),
        ("client=../../etc", "allowed: acme"),
        ("a;__import__('os').system('touch hit');b=1", "which good does not declare"),
        ("by=\udcff", "not valid Unicode"),
    ],
)
def test_refused_before_any_kernel(root, pair, said):
    before = sorted((root / "reports").rglob("*"))
    done = command(root, "run", "good", "-p", pair)
    assert (done.returncode, said in done.stderr, done.stdout) == (3, True, ""), done.stderr
    assert sorted((root / "reports").rglob("*")) == before
    assert not Path("hit").exists()


@pytest.mark.runs_notebooks
def test_values_do_not_lead_out_of_the_folder(root):
    value = "A/B ../C {client} {0} \\..\\D"
    done = command(root, "run", "good", "-p", f"zeros={value}")
    assert done.returncode == 0, done.stderr
    page = Path(done.stdout.splitlines()[-1])
    assert page.parent == root / "reports/built/acme-single"
    assert re.fullmatch(r"good-zeros-a-b-[a-z0-9.-]+\.html", page.name)


# The limit of one file's size stands for a disk with no space left; 100 kB let the study begin.
FULL = """\
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
from cxlab.__main__ import run
run()
"""


@pytest.mark.runs_notebooks
@pytest.mark.skipif(sys.platform != "linux", reason="limits of a process")
def test_a_full_disk_leaves_the_report_that_was_there(root):
    write(root / "notebooks/grows.ipynb", ["x = 1"])
    assert command(root, "run", "grows").returncode == 0
    shelf = root / "reports/built/acme-single"
    page = (shelf / "grows.html").read_bytes()
    write(root / "notebooks/grows.ipynb", ["print('x' * 300_000)"])
    done = command(root, "run", "grows", driver=FULL)
    assert done.returncode == 5, done.stderr
    assert f"there is no space left in {shelf}" in done.stderr
    assert (shelf / "grows.html").read_bytes() == page
    assert not (shelf / ".tmp").exists()
    assert all(intact(run) for run in (shelf / "runs").iterdir())


@pytest.mark.runs_notebooks
@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals")
def test_a_study_on_a_terminal(root):
    import fcntl
    import struct
    import termios

    (root / "reports/small.yaml").write_text("client: acme\nentries:\n  good:\n  raises:\n", encoding="utf-8")
    mine, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 120, 0, 0))
    running = subprocess.Popen(
        [sys.executable, "-m", "cxlab", "run", str(root / "reports/small.yaml"), "--root", str(root)],
        env=around(CXLAB_LANGUAGE="es"),
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    )
    os.close(theirs)
    shown: list[bytes] = []

    def read() -> None:
        with suppress(OSError):  # its other end is closed
            while True:
                shown.append(os.read(mine, 65_536))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        said, _ = running.communicate(timeout=120)
    finally:
        running.kill()
        reader.join()
        os.close(mine)
    assert running.returncode == 1
    drawn = b"".join(shown).decode("utf-8")
    assert "0 de 2 · hechos 0, en curso 2, omitidos 0, fallidos 0 · good, raises" in drawn
    assert drawn.count("raises: falló: la celda de código 5 (`1 / 0`)") == 1
    assert said.splitlines()[:2] == [
        "1 de 2 publicados",
        f"falló: raises; su cuaderno está en {root}/reports/built/small/failed/raises",
    ]


PAPERMILL = """\
from papermill.engines import papermill_engines
from cxlab.runs.engine import CxlabEngine
papermill_engines.register('cxlab', CxlabEngine)
from papermill.__main__ import papermill
papermill()
"""


def papermill(folder: Path, name: str, *arguments: str) -> subprocess.Popen:
    """Start papermill's own command, with our engine registered as the entry point does when installed."""
    command = [sys.executable, "-c", PAPERMILL, "--engine", "cxlab", "--no-progress-bar"]
    return subprocess.Popen(
        [*command, str(folder / f"{name}.ipynb"), "out.ipynb", *arguments],
        cwd=folder,
        env=around(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.runs_notebooks
def test_papermill_does_not_say_that_all_is_well(root, tmp_path):
    write(tmp_path / "nb.ipynb", CELLS["dies"], claims=WELL)
    running = papermill(tmp_path, "nb")
    running.communicate(timeout=120)
    assert running.returncode not in (0, None)
    text = (tmp_path / "out.ipynb").read_text(encoding="utf-8")
    assert "completed" not in text
    cells = nbformat.reads(text, as_version=4).cells
    assert [bool(cell.execution_count) for cell in cells] == [True, True, False, False]
    assert "all is well" not in text


@pytest.mark.runs_notebooks
@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_papermill_interrupted(tmp_path):
    write(tmp_path / "nb.ipynb", ["open('began', 'w').close()\nimport time\ntime.sleep(600)"])
    running = papermill(tmp_path, "nb")
    try:
        deadline = time.monotonic() + 120
        while not (tmp_path / "began").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode not in (0, None)
    text = (tmp_path / "out.ipynb").read_text(encoding="utf-8")
    assert "completed" not in text
    assert nbformat.reads(text, as_version=4).cells[-1].execution_count is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("a=1;import os;os.system('touch hit');b", "1"), "only literals may be assigned"),
        (("zeros", "007"), "found 7; allowed: text"),
        (("alhpa", "1"), "which nb does not declare"),
    ],
    ids=["code", "text of digits", "misspelt"],
)
def test_papermill_runs_no_name(tmp_path, given, said):
    write(tmp_path / "nb.ipynb", ["open('hit', 'w').close()"])
    running = papermill(tmp_path, "nb", "-p", *given)
    _, error = running.communicate(timeout=120)
    assert (running.returncode not in (0, None), said in error) == (True, True), error
    assert not (tmp_path / "hit").exists()


def test_every_row_of_the_table_is_held():
    for row, held in HELD.items():
        for name in held:
            file, _, test = name.partition("::")
            tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
            found = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
            assert test in found, f"{row}: {name}"
