"""Entries on a Dask cluster over TCP: a killed worker loses nothing, and the bytes are the local ones."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from intake_clients import write_client
from test_runs_batch import command, environment, write_notebook
from test_runs_jobs import DECLARATION, READS, ROWS, published

from cxlab.cli import main
from cxlab.errors import WorkbenchError
from cxlab.intake import dataset
from cxlab.runs import cluster as clusters
from cxlab.runs.batch import run_study
from cxlab.runs.cluster import cluster, refuse_listeners, refuse_open
from cxlab.runs.jobs import Job, perform
from cxlab.runs.provenance import Ground
from cxlab.runs.study import Study, of_notebook, read_study

pytest.importorskip("distributed")

# The first time, it says which worker it runs on and stays until that one dies.
HELD = """\
import os, pathlib, time
begun = pathlib.Path(client_folder) / "begun"
first = not begun.exists()
with begun.open("a") as file: print(os.environ.get("CXLAB_TEST_WORKER"), os.getpid(), file=file, flush=True)
while first: time.sleep(0.05)
print("ended", x)
"""
STUDY = """\
client: acme
entries:
  held: {{notebook: held, parameters: {{client_folder: "{folder}"}}}}
  good: {{notebook: good, grid: {{x: [1, 2]}}}}
  bad: {{notebook: bad}}
"""


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("CXLAB_ID_KEY", "a key for tests only")
    root = write_client(tmp_path, DECLARATION, {"survey.csv": ROWS})
    dataset.check(root, "acme")
    for folder in ("notebooks", "reports", "marks"):
        (root / folder).mkdir(exist_ok=True)
    write_notebook(root / "notebooks/good.ipynb", READS)
    write_notebook(root / "notebooks/bad.ipynb", "import os\nos._exit(3)")
    write_notebook(root / "notebooks/held.ipynb", HELD)
    held = json.loads((root / "notebooks/held.ipynb").read_text())
    held["cells"][2]["source"] += 'client_folder: str = ""\n'
    (root / "notebooks/held.ipynb").write_text(json.dumps(held))
    (root / "reports/acme.yaml").write_text(STUDY.format(folder=root / "marks"), encoding="utf-8")
    return root


class Running:
    """A scheduler and its workers, each a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.workers = folder, []
        self.log = (folder / "log").open("ab")
        self.scheduler = self._start("scheduler", "--port", "0", "--scheduler-file", str(folder / "address"))
        self.address = ""

    def _start(self, *arguments: str, number: int = -1) -> subprocess.Popen:
        line = [sys.executable, "-W", "error", "-m", "dask", *arguments, "--host", "tcp://127.0.0.1"]
        return subprocess.Popen(
            [*line, "--no-dashboard", "--dashboard-address", "127.0.0.1:0"],
            env={**environment(), "CXLAB_TEST_WORKER": str(number)},
            cwd=self.folder,
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )

    def start(self, count: int) -> None:
        until(
            lambda: (self.folder / "address").exists() and (self.folder / "address").read_text().endswith("}")
        )
        self.address = json.loads((self.folder / "address").read_text())["address"]
        own = ["--nthreads", "1", "--no-nanny", "--local-directory", str(self.folder)]
        for _ in range(count):
            worker = self._start("worker", self.address, *own, number=len(self.workers))
            self.workers.append(worker)

    def kill(self, worker: int) -> None:
        self.workers[worker].kill()
        self.workers[worker].wait()

    def end(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()
        self.log.close()


@pytest.fixture
def running(tmp_path) -> Iterator[Running]:
    (tmp_path / "dask").mkdir()
    running = Running(tmp_path / "dask")
    try:
        running.start(2)
        yield running
    finally:
        running.end()


def written(path: Path) -> bool:
    return path.exists() and path.read_text().endswith("}")


def until(holds, seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def begun(root: Path) -> list[list[str]]:
    path = root / "marks/begun"
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


@contextmanager
def once_begun(root: Path, act) -> Iterator[None]:
    """Do something when the entry that waits for it is running."""

    def waiting() -> None:
        until(lambda: begun(root))
        act(*map(int, begun(root)[0]))

    thread = threading.Thread(target=waiting)
    thread.start()
    yield
    thread.join()


def study(root: Path) -> Study:
    return read_study(root / "reports/acme.yaml", root=root)


@pytest.mark.runs_notebooks
@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_killed_worker_loses_nothing(root, running, monkeypatch):
    strangers(running, monkeypatch)
    events: list[tuple[str, str]] = []

    def watch(entry, report):
        events.append((entry.id, report.status if report else "running"))

    with cluster(running.address) as executor:
        with once_begun(root, lambda worker, _: running.kill(worker)):
            there = run_study(study(root), executor=executor, watch=watch)
        assert [r.status for r in there.reports] == ["done", "done", "done", "failed"]
        assert "the kernel died in code cell" in there.reports[3].message  # no death of a worker
        refused(root, executor)
    assert sorted(worker for worker, _ in begun(root)) == ["0", "1"]
    for entry in ("held", "good-x-1", "good-x-2", "bad"):
        assert [said for name, said in events if name == entry][:1] == ["running"]
    distant = kept(root)
    shutil.rmtree(root / "reports/built")
    here = run_study(study(root))
    assert [r.run for r in here.reports] == [r.run for r in there.reports]
    assert kept(root) == distant
    killed = running.workers[int(begun(root)[0][0])]
    assert not [*Path(tempfile.gettempdir()).glob(f"cxlab-{killed.pid}-*")]  # its tables are gone


def strangers(running: Running, monkeypatch) -> None:
    """A cluster that cannot import what it is to run is told before it gets anything."""
    with monkeypatch.context() as other:
        other.setattr(clusters, "HERE", "nowhere.cluster")
        with (
            pytest.raises(WorkbenchError, match=f"no cxlab, or another one, at {running.address}, tcp://"),
            cluster(running.address),
        ):
            pytest.fail("it has another package")


def kept(root: Path) -> dict[str, bytes]:
    """What is published; how far a kernel that died said it was, is chance."""
    return {name: content for name, content in published(root).items() if not name.startswith("failed/")}


def refused(root: Path, executor) -> None:
    """What a worker refuses, of the package and of the client."""
    job = job_of(root)
    with pytest.raises(
        Exception, match=r"good was to run with another cxlab: its sources are .* abcdef here"
    ):
        executor.submit(perform, replace(job, entry="good", run="a", sources="abcdef")).result(60)
    table = root / "data/acme/tables/survey_responses.parquet"
    content = table.read_bytes()
    table.write_bytes(content[:-1] + b"?")
    changed = replace(
        job, run="b", files={**job.files, "data/acme/tables/survey_responses.parquet": "0" * 64}
    )
    try:
        with pytest.raises(
            Exception, match=r"survey_responses.parquet is missing or another one where good was"
        ):
            executor.submit(perform, changed).result(60)
    finally:
        table.write_bytes(content)


def job_of(root: Path) -> Job:
    made = of_notebook("good", root=root)
    return Job.of(made, made.entries[0], Ground.of(root, "acme"), run="one")


@pytest.mark.runs_notebooks
@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_an_interruption_ends_what_runs_there_and_a_lost_scheduler_is_told(root, running):
    line = command(root, "run", str(root / "reports/acme.yaml"), "--cluster", running.address)
    with subprocess.Popen(
        line, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as client:
        until(lambda: begun(root) or client.poll() is not None)
        assert client.poll() is None, client.communicate()
        kernel = int(begun(root)[0][1])
        client.send_signal(signal.SIGINT)
        _, said = client.communicate(timeout=60)
    *counted, last = said.strip().splitlines()
    assert (client.returncode, last) == (130, "interrupted: nothing was left half published")
    assert all(line.endswith("the same command goes on with the rest") for line in counted)
    until(lambda: not alive(kernel))

    (root / "marks/begun").unlink()
    with (
        pytest.raises(
            WorkbenchError, match=f"is gone.*{running.address}.*run again, and only the rest is run"
        ),
        cluster(running.address) as executor,
        once_begun(root, lambda *_: running.scheduler.kill()),
    ):
        run_study(study(root), executor=executor)
    assert not (root / "reports/built/acme/held.html").exists()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize(
    "address", ["tcp://127.0.0.1:8786", "tcp://localhost:8786", "tcp://[::1]:8786", "tls://10.1.2.3:8786"]
)
def test_addresses_that_are_allowed(address):
    refuse_open(address)


@pytest.mark.parametrize(
    "address",
    [
        "tcp://10.1.2.3:8786",
        "tcp://0.0.0.0:8786",
        "tcp://[2001:db8::1]:8786",
        "tcp://[::]:1",
        "tcp://a.invalid:1",
    ],
)
def test_another_machine_without_authentication_is_refused(address):
    with pytest.raises(WorkbenchError, match=r"without authentication.*tls://.*--insecure"):
        refuse_open(address)
    refuse_open(address, insecure=True)


def test_a_name_must_lead_nowhere_else(monkeypatch):
    found = [
        (socket.AF_INET6, 1, 6, "", ("::ffff:127.0.0.1", 0, 0, 0)),
        (socket.AF_INET, 1, 6, "", ("127.0.0.9", 0)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: found)
    refuse_open("tcp://both:8786")
    found.append((socket.AF_INET, 1, 6, "", ("10.0.0.1", 0)))
    with pytest.raises(WorkbenchError, match="tcp://both:8786 leads to another machine"):
        refuse_open("tcp://both:8786")


class Reached:
    """A cluster that listens at an address, reached by whichever."""

    def __init__(self, scheduler: str, worker: str) -> None:
        self.scheduler, self.worker = (
            SimpleNamespace(listeners=[SimpleNamespace(listen_address=each)]) for each in (scheduler, worker)
        )

    def run_on_scheduler(self, asked):
        return asked(dask_scheduler=self.scheduler)

    def run(self, asked):
        return {"tcp://127.0.0.1:2": asked(dask_worker=self.worker)}


def test_a_cluster_that_listens_for_other_machines_is_refused():
    here, anywhere = "tcp://127.0.0.1:8786", ("tcp://0.0.0.0:8786", "tcp://[::]:8786")
    refuse_listeners(Reached(here, here))
    refuse_listeners(Reached("tls://0.0.0.0:8786", "tls://0.0.0.0:1"))
    for each in anywhere:
        for reached in (Reached(each, here), Reached(here, each)):
            with pytest.raises(WorkbenchError, match=r"listens at tcp://.*without auth.*--host 127.0.0.1"):
                refuse_listeners(reached)


@pytest.mark.parametrize(
    "address", ["127.0.0.1:8786", "tcp://127.0.0.1", "inproc://1", "ucx://h:1", "tcp://h:x", ""]
)
def test_what_is_no_address(address):
    with pytest.raises(WorkbenchError, match=r"is no address of a cluster: tls://HOST:PORT"):
        refuse_open(address, insecure=True)


def test_without_dask_it_says_what_to_install(monkeypatch, capsys, root):
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.setenv("CXLAB_LANGUAGE", "en")
    code = main(["run", "good", "--root", str(root), "--cluster", "tcp://127.0.0.1:1"])
    assert code == WorkbenchError.exit_code
    assert "--cluster needs Dask, which is not installed: pip install 'distributed" in capsys.readouterr().err


def test_nobody_answers(monkeypatch):
    monkeypatch.setattr(clusters, "ANSWER", 0.5)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(WorkbenchError, match=f"no cluster answers at {address} "), cluster(address):
        pytest.fail("there is none")


def test_tls_needs_certificates():
    with (
        pytest.raises(
            WorkbenchError, match=r"tls://127.0.0.1:1 needs the certificates.*client.key \(see README"
        ),
        cluster("tls://127.0.0.1:1"),
    ):
        pytest.fail("there are none")


class Silent:
    """A client whose scheduler knows no worker."""

    status = "closed"

    def subscribe_topic(self, *_):
        pass

    def scheduler_info(self, **_):
        return {"workers": {}}


def test_without_any_worker_it_is_given_up(monkeypatch):
    monkeypatch.setattr(clusters, "PATIENCE", 0.2)
    monkeypatch.setattr(clusters, "SEEN", 0.01)
    executor = clusters._Cluster(Silent(), "tcp://127.0.0.1:1")
    waiting = executor._here["one"] = clusters.Future()
    with pytest.raises(BrokenExecutor, match="no worker"):
        waiting.result(30)
    executor.shutdown()
