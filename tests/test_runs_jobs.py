"""Entries handed to any executor that PEP 3148 describes: the same bytes, or a refusal that says why."""

import multiprocessing
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from dataclasses import replace
from multiprocessing.reduction import ForkingPickler
from pathlib import Path

import pytest
from intake_clients import write_client
from test_runs_batch import SHOW, write_notebook

from cxlab.errors import RunError, WorkbenchError
from cxlab.intake import dataset
from cxlab.runs import execute
from cxlab.runs.batch import run_study
from cxlab.runs.jobs import Job, perform
from cxlab.runs.outcome import Outcome
from cxlab.runs.provenance import Ground, versions
from cxlab.runs.study import Study, of_notebook, read_study

DECLARATION = """
name: Acme
sources:
  - file: raw/survey.csv
    table: survey_responses
    scales: {recommend: [0, 10]}
"""
ROWS = "response_id,customer_id,recommend\n" + "".join(f"r{n},c{n},{n % 11}\n" for n in range(40))
READS = """\
import cxlab
paper = cxlab.open(client, language=language, seed=seed)
answers = paper.table("survey_responses")
print(len(answers), answers["recommend"].sum() * x)
"""
STUDY = """\
client: acme
entries:
  good: {notebook: good, grid: {x: [1, 2]}}
  bad: {notebook: bad}
"""


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("CXLAB_ID_KEY", "a key for tests only")
    root = write_client(tmp_path, DECLARATION, {"survey.csv": ROWS})
    dataset.check(root, "acme")
    for folder in ("notebooks", "reports"):
        (root / folder).mkdir(exist_ok=True)
    write_notebook(root / "notebooks/good.ipynb", READS, SHOW.replace('"customers"', '"a codebook"'))
    write_notebook(root / "notebooks/bad.ipynb", "print(1)", "if x == 1:\n    1 / 0")
    (root / "reports/acme.yaml").write_text(STUDY, encoding="utf-8")
    return root


def study(root: Path) -> Study:
    return read_study(root / "reports/acme.yaml", root=root)


def published(root: Path) -> dict[str, bytes]:
    """Every file of a study by name, without what manifests and errors say of time."""
    folder = root / "reports/built/acme"
    files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    return {
        name: content for name, content in files.items() if not name.endswith(("manifest.json", "error.json"))
    }


class Toy(Executor):
    """Hands jobs over as another process would get them, and takes no more once it is broken."""

    def __init__(self, takes: int = 100) -> None:
        self.takes = takes
        self.performed = perform

    def submit(self, fn, /, *args, **kwargs):
        future: Future = Future()
        assert fn is perform
        if self.takes <= 0:
            future.set_exception(BrokenExecutor("the machine is off"))
            return future
        self.takes -= 1
        future.set_running_or_notify_cancel()
        try:
            handed = ForkingPickler.loads(bytes(ForkingPickler.dumps((args, kwargs))))
            answer = self.performed(*handed[0], **handed[1])
            future.set_result(ForkingPickler.loads(bytes(ForkingPickler.dumps(answer))))
        except Exception as error:
            future.set_exception(ForkingPickler.loads(bytes(ForkingPickler.dumps(error))))
        return future


@pytest.mark.runs_notebooks
def test_processes_publish_the_bytes_that_threads_do(root):
    here = run_study(study(root))
    assert [report.status for report in here.reports] == ["done", "done", "failed"]
    local = published(root)
    events: list[tuple[str, str]] = []
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as executor:
        there = run_study(
            study(root),
            fresh=True,
            executor=executor,
            watch=lambda entry, report: events.append((entry.id, report.status if report else "running")),
        )
    assert [(r.status, r.run, r.message) for r in there.reports] == [
        (r.status, r.run, r.message) for r in here.reports
    ]
    assert published(root) == local
    for entry, status in (("good-x-1", "done"), ("good-x-2", "done"), ("bad", "failed")):
        assert [said for name, said in events if name == entry] == ["running", status]


@pytest.mark.runs_notebooks
def test_an_executor_that_breaks_leaves_what_was_published(root):
    toy = Toy(takes=1)
    with pytest.raises(WorkbenchError, match=r"is gone \(the machine is off\).*run again"):
        run_study(study(root), executor=toy)
    shelf = root / "reports/built/acme"
    assert [path.stem for path in (shelf / "current").glob("good*.json")] == ["good-x-1"]
    again = run_study(study(root), executor=Toy())
    assert [report.status for report in again.reports] == ["skipped", "done", "failed"]


def not_run(root: Path, entry: str = "good", **changed) -> str:
    """What is said of an entry whose job was changed on its way."""
    toy = Toy()
    toy.performed = lambda job: perform(replace(job, **changed))
    report = run_study(of_notebook(entry, root=root), executor=toy).reports[0]
    assert report.status == "failed"
    assert (report.kept / "notebook.ipynb").read_bytes() == (root / f"notebooks/{entry}.ipynb").read_bytes()
    return report.message


@pytest.fixture
def no_kernel(monkeypatch):
    monkeypatch.setattr(execute, "execute", lambda *_, **__: pytest.fail("a kernel was started"))


@pytest.mark.usefixtures("no_kernel")
def test_another_package_is_refused(root):
    said = not_run(root, sources="0123456789abcdef")
    assert said.startswith("it was not run: good was to run with another cxlab: its sources are ")
    assert "0123456789ab here; install the same one on both" in said
    found = {**versions(), "zeal": "1.0"}
    said = not_run(root, versions={**found, "numpy": "1.0"})
    assert f"other versions: numpy {found['numpy']}, zeal - there, numpy 1.0, zeal 1.0 here; install" in said


@pytest.mark.usefixtures("no_kernel")
@pytest.mark.parametrize("name", ["client.yaml", "tables/tables.json", "tables/survey_responses.parquet"])
def test_another_table_or_declaration_is_refused(root, name):
    job = job_of(root)
    path = root / "data/acme" / name
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(RunError, match=f"data/acme/{name} is missing or another one where good was to run"):
        perform(job)
    path.unlink()
    with pytest.raises(RunError, match=name):
        perform(job)


@pytest.mark.usefixtures("no_kernel")
def test_another_notebook_is_refused(root):
    with pytest.raises(RunError, match=r"good.ipynb is missing or another one"):
        perform(replace(job_of(root), notebook=b"{}"))


def job_of(root: Path) -> Job:
    made = of_notebook("good", root=root)
    return Job.of(made, made.entries[0], Ground.of(root, "acme"), run="one")


@pytest.mark.usefixtures("no_kernel")
def test_what_goes_wrong_where_an_entry_runs_fails_that_entry(root):
    toy = Toy()

    def full(_job: Job) -> Outcome:
        raise OSError(28, "No space left on device")

    toy.performed = full
    done = run_study(study(root), executor=toy)
    assert {report.message for report in done.reports} == {
        "it was not run: OSError: [Errno 28] No space left on device"
    }
    closed = ProcessPoolExecutor(1)
    closed.shutdown()
    with pytest.raises(WorkbenchError, match="cannot schedule new futures after shutdown"):
        run_study(study(root), executor=closed)
