"""Executing one notebook: every way it can end, the same bytes twice, and papermill's own command."""

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from datetime import date
from pathlib import Path
from queue import Empty
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import cxlab
from cxlab.errors import ParameterError
from cxlab.runs import limits as held
from cxlab.runs.canonical import canonical
from cxlab.runs.execute import CxlabEngine, execute, opened, settled, with_parameters
from cxlab.runs.kernels import Client, Kernels, OwnSpecs
from cxlab.runs.limits import Limits
from cxlab.runs.outcome import Outcome
from cxlab.runs.surroundings import surroundings

PARAMETERS = "x: int = 1  # a number\nwords: list[str] = []\nsince: date = date(2025, 1, 1)"
GIVEN = {"x": 5, "words": ["it's", 'a "b"\n{{c}} 🙂'], "since": date(2024, 2, 29)}


def notebook(*cells: str, tagged: bool = True):
    parameters = new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]} if tagged else {})
    first = new_code_cell("from cxlab.parameters import date")
    every = [new_markdown_cell("# A question"), first, parameters, *map(new_code_cell, cells)]
    return new_notebook(
        cells=every, metadata={"kernelspec": {"name": "absent", "display_name": "?", "language": "python"}}
    )


@pytest.fixture
def folder(tmp_path) -> Path:
    made = tmp_path / "cuadernos de la señora"
    made.mkdir()
    return made


def run(folder: Path, *cells: str, **options) -> Outcome:
    path = folder / "nb.ipynb"
    nbformat.write(notebook(*cells), path)
    return execute(path, GIVEN, root=folder, **options)


@pytest.mark.runs_notebooks
def test_a_run_that_ends_well_is_the_same_bytes_twice(folder):
    cells = [
        "import os, sys, random\nprint(x, words, since)\nprint('to stderr', file=sys.stderr)\nobject()",
        "print(list({'a', 'b', 'c'}), hash('a'))\nimport warnings\nwarnings.warn('careful')",
        "print(sys.executable)\nprint(os.getcwd())\nprint(os.environ['CXLAB_ROOT'], os.environ['TZ'])",
        "import sys\nprint('\\rgone', flush=True)\ndisplay({'application/vnd.x+json': {'a': 1}}, raw=True)",
    ]
    seen: list[tuple[int, int]] = []
    first = run(folder, *cells, watch=lambda done, at: seen.append((done, at)))
    assert (first.status, first.cell, first.message) == ("done", 0, "every cell ran")
    assert [*first.seconds] == [1, 2, 3, 4, 5, 6, 7]  # the injected cell is the third
    assert all(seconds >= 0 for seconds in first.seconds.values())
    assert first.kernel["kind"] in ("forked", "started")
    assert first.kernel["kind"] == "started" or first.kernel["seconds"] > 0
    assert first.notebook.cells[4].outputs[0].text == f"5 {GIVEN['words']} 2024-02-29\n"
    assert first.notebook.cells[6].outputs[0].text.splitlines() == [
        sys.executable,
        str(folder),
        f"{folder} UTC",
    ]
    assert seen[-1] == (7, 7)
    second = execute(folder / "nb.ipynb", GIVEN, root=folder)
    assert nbformat.writes(first.notebook) == nbformat.writes(second.notebook)
    text = nbformat.writes(first.notebook)
    assert "papermill" not in text
    assert "ipykernel_" not in text
    assert "object at 0x0>" in text


@pytest.mark.runs_notebooks
@pytest.mark.parametrize(
    ("cells", "status", "cell", "said"),
    [
        (
            ["1 / 0", "print('never')"],
            "raised",
            4,
            "code cell 4 (`1 / 0`) raised ZeroDivisionError: division by zero",
        ),
        (["import sys\nsys.exit(0)", "2"], "exited", 4, "left the notebook before its end"),
        (["import os\nos._exit(3)", "2"], "kernel died", 4, "the kernel died in code cell 4 (`import os`)"),
        (["import time\ntime.sleep(60)"], "timeout", 4, "in code cell 4 (`import time`): its limit is 3 s"),
        (
            ["y = bytes(10**8)", "z = b'1' * 5 * 10**8"],
            "out of memory",
            5,
            "cell 5 (`z = b'1' * 5 * 10**8`) needed more memory than its limit of 600 MB: MemoryError",
        ),
        (
            ["import os\nos.abort()"],
            "kernel died",
            4,
            "died in code cell 4 (`import os`): out of memory (its limit is 600 MB), or ended",
        ),
    ],
    ids=["raises", "sys.exit", "kernel dies", "timeout", "memory", "kernel dies under a limit"],
)
def test_every_way_to_fail_is_told_apart(folder, cells, status, cell, said):
    started = time.monotonic()
    limits = Limits(3 if status == "timeout" else None, 600_000_000 if "600 MB" in said else None)
    outcome = run(folder, *cells, limits=limits)
    assert outcome.status == status
    assert outcome.cell == cell
    assert said in outcome.message
    assert outcome.notebook.cells[1].execution_count == 1  # what ran is kept
    assert time.monotonic() - started < 30


@pytest.mark.runs_notebooks
def test_a_memory_limit_cannot_be_raised_from_within(folder):
    outcome = run(
        folder,
        "import resource\nresource.setrlimit(resource.RLIMIT_DATA, (2**62, 2**62))",
        limits=Limits(memory=600_000_000),
    )
    assert (outcome.status, outcome.error_name) == ("raised", "ValueError")


@pytest.mark.runs_notebooks
def test_a_memory_limit_that_cannot_be_held_is_refused(folder, monkeypatch):
    monkeypatch.setattr(held, "sys", SimpleNamespace(platform="darwin"))
    outcome = run(folder, "open('ran', 'w').close()", limits=Limits(memory=600_000_000))
    assert outcome.status == "not started"
    assert "a memory limit (600 MB) can be held on Linux only" in outcome.message
    assert not (folder / "ran").exists()


@pytest.mark.runs_notebooks
def test_tags_do_not_hide_a_failure(folder):
    path = folder / "nb.ipynb"
    made = notebook("1 / 0", "y = 1")
    made.cells[3].metadata["tags"] = ["raises-exception"]
    made.cells[4].metadata["tags"] = ["skip-execution"]
    nbformat.write(made, path)
    assert execute(path, GIVEN).status == "raised"


@pytest.mark.runs_notebooks
def test_stopping_ends_the_kernel_within_seconds(folder):
    kernels = Kernels()
    timer = threading.Timer(3, kernels.stop)
    timer.start()
    started = time.monotonic()
    outcome = run(folder, "import time\ntime.sleep(60)", kernels=kernels)
    assert outcome.status == "interrupted"
    assert time.monotonic() - started < 45  # of the 60 that the cell would take


def test_no_kernel_starts_once_all_were_stopped(folder):
    kernels = Kernels()
    kernels.stop()
    outcome = run(folder, "open('begun', 'w')", kernels=kernels)
    assert outcome.status == "interrupted"
    assert not (folder / "begun").exists()


def papermill(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(Path(cxlab.__file__).parents[1])}
    # What the entry point does for an installed package is done here for any.
    code = (
        "from papermill.engines import papermill_engines; from cxlab.runs.engine import CxlabEngine\n"
        "papermill_engines.register('cxlab', CxlabEngine)\n"
        "from papermill.__main__ import papermill; papermill()"
    )
    command = [sys.executable, "-c", code, "--engine", "cxlab", "nb.ipynb", "out.ipynb", "--no-progress-bar"]
    return subprocess.run(
        [*command, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )


@pytest.mark.runs_notebooks
def test_papermill_with_our_engine(folder):
    nbformat.write(notebook("print(x, since)"), folder / "nb.ipynb")
    done = papermill(folder, "-p", "x", "3", "-p", "since", "2024-02-29")
    assert done.returncode == 0, done.stderr
    out = nbformat.read(folder / "out.ipynb", as_version=4)
    assert out.cells[4].outputs[0].text == "3 2024-02-29\n"
    assert "papermill" not in out.metadata


@pytest.mark.runs_notebooks
def test_papermill_with_our_engine_refuses_before_any_cell_runs(folder):
    nbformat.write(notebook("open('ran', 'w').close()"), folder / "nb.ipynb")
    done = papermill(folder, "-p", "y", "3")
    assert done.returncode != 0
    assert "which nb does not declare" in done.stderr
    assert not (folder / "ran").exists()


def injected(*cells: str):
    made = notebook(*cells)
    made.cells.insert(3, new_code_cell("x = 'abc'", metadata={"tags": ["injected-parameters"]}))
    return made


def test_injected_cells_are_validated_and_written_in_one_way():
    with pytest.raises(ParameterError, match="a whole number"):
        settled(injected())
    made = injected()
    made.cells[3].source = "# Parameters\nx = 7\nsince = '2024-02-29'"
    cell = settled(made).cells[3]
    assert cell.metadata.tags == ["injected-parameters"]
    assert cell.source.splitlines() == [
        "# given for this run",
        "from datetime import date",
        "x = 7",
        "words = []",
        "since = date(2024, 2, 29)",
    ]
    made.cells[3].source = "a = 1;import os;os.system('id');b = 2"
    with pytest.raises(ParameterError, match="hold `import os`; only literals may be assigned"):
        settled(made)
    with pytest.raises(ParameterError, match="has no parameters cell"):
        settled(notebook("1", tagged=False))
    assert settled(notebook("1")).cells[2].metadata.tags == ["parameters"]


def test_injecting_does_not_change_the_notebook():
    made = injected("print(x)")
    before = nbformat.writes(made)
    assert len(with_parameters(made, GIVEN).cells) == len(made.cells)
    assert nbformat.writes(made) == before
    assert CxlabEngine.nb_kernel_name(made, "anything") == "python3"
    assert CxlabEngine.nb_language(made) == "python"


def test_notebooks_that_cannot_be_opened(folder):
    with pytest.raises(ParameterError, match="cannot be read: No such file"):
        opened(folder / "none.ipynb")
    (folder / "nb.ipynb").write_text("{}")
    with pytest.raises(ParameterError, match="is not a notebook"):
        opened(folder / "nb.ipynb")


def test_old_outputs_are_not_taken_for_new_ones(folder):
    made = notebook("1")
    made.cells[3].outputs = [new_output("stream", text="old")]
    made.cells[3].execution_count = 9
    nbformat.write(made, folder / "nb.ipynb")
    cell = opened(folder / "nb.ipynb").cells[3]
    assert (cell.outputs, cell.execution_count) == ([], None)


def test_the_canonical_form_drops_what_differs_between_runs():
    made = notebook("1", "1")
    made.metadata.update({"papermill": {"start_time": "now"}, "widgets": {}, "kernelspec": {"name": "mine"}})
    cell = made.cells[3]
    cell.metadata.update({"papermill": {}, "execution": {}, "tags": []})
    cell.outputs = [
        new_output("stream", name="stderr", text="/tmp/ipykernel_123/456.py:1: a"),
        new_output("stream", name="stdout", text="one "),
        new_output("stream", name="stderr", text="b"),
        new_output("stream", name="stdout", text="two"),
        new_output(
            "display_data",
            {"text/plain": "<X at 0x7f00aa00bb>", "application/vnd.jupyter.widget-view+json": {}},
        ),
        new_output("stream", name="stdout", text="three"),
    ]
    done = canonical(made)
    outputs = done.cells[3].outputs
    assert [o.get("text") for o in outputs] == ["one two", "<cell>:1: ab", None, "three"]
    assert outputs[2].data == {"text/plain": "<X at 0x0>"}
    assert done.cells[3].metadata == {}
    assert done.cells[4].id == f"{done.cells[3].id}-2"
    assert sorted(done.metadata) == ["kernelspec"]
    nbformat.validate(done)


def test_a_long_word_is_settled_at_once():
    made = notebook("1")
    long = "x" * 2_000_000
    made.cells[3].outputs = [
        new_output("display_data", {"image/png": long, "text/plain": f"{long}/ipykernel_12/34.py {long}"})
    ]
    started = time.monotonic()
    data = canonical(made).cells[3].outputs[0].data
    assert (data["image/png"], data["text/plain"]) == (long, f"<cell> {long}")
    assert time.monotonic() - started < 20  # tried from each of its letters it would be an hour


class Scripted(Client):
    """A client whose kernel says what a script holds: a state or None for each time its channel is read."""

    def __init__(self, answers, states, *, alive=True):
        super().__init__()
        self.answers, self.states, self.alive, self.asked = list(answers), list(states), alive, []

    def kernel_info(self):
        self.asked.append(f"request {len(self.asked)}")
        return self.asked[-1]

    async def get_shell_msg(self, timeout):
        await asyncio.sleep(0)
        if not (self.answers and self.answers.pop(0)):
            await asyncio.sleep(timeout)
            raise Empty
        return {"content": {"protocol_version": "5.4"}}

    async def get_iopub_msg(self, timeout):
        state = self.states.pop(0) if self.states else None
        if state is None:
            await asyncio.sleep(timeout)
            raise Empty
        whose, said = state
        return {"parent_header": {"msg_id": f"request {whose}"}, "content": {"execution_state": said}}

    async def _async_is_alive(self):
        return self.alive


def test_a_kernel_is_ready_when_it_is_idle_after_the_request_and_not_before():
    own = [(0, "starting"), (0, "busy"), (0, "idle"), (9, "left over")]
    client = Scripted([True], own)
    asyncio.run(client.wait_for_ready(timeout=5))
    assert client.asked == ["request 0"]
    assert client.states == [(9, "left over")]


def test_a_kernel_whose_first_words_were_lost_is_asked_again():
    client = Scripted([True, True], [None, (0, "idle"), (1, "busy"), (1, "idle")])
    asyncio.run(client.wait_for_ready(timeout=5))
    assert client.asked == ["request 0", "request 1"]
    assert not client.states


def test_a_kernel_that_died_or_never_answers_is_not_waited_for():
    with pytest.raises(RuntimeError, match="died before it answered"):
        asyncio.run(Scripted([], [], alive=False).wait_for_ready())
    with pytest.raises(RuntimeError, match="did not answer in 1 s"):
        asyncio.run(Scripted([], []).wait_for_ready(timeout=1))


def test_the_kernel_is_this_python_whatever_is_installed(monkeypatch):
    assert OwnSpecs().get_kernel_spec("anything").argv[0] == sys.executable
    monkeypatch.setenv("PYTHONSTARTUP", "/x.py")
    monkeypatch.setenv("CXLAB_REAL_DATA", "/data")
    around = surroundings(Path("/private"), root=Path("/root"), environment={"MORE": "1"})
    assert "PYTHONSTARTUP" not in around
    assert (around["PYTHONHASHSEED"], around["CXLAB_ROOT"], around["MORE"]) == ("0", "/root", "1")
    assert around["CXLAB_REAL_DATA"] == "/data"
    assert json.dumps(around)


def test_no_notebook_gets_the_key_of_the_pseudonyms(monkeypatch):
    monkeypatch.setenv("CXLAB_ID_KEY", "a key for tests only")
    assert "CXLAB_ID_KEY" not in surroundings(Path("/private"))
