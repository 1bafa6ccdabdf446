"""Warm kernels: the same bytes as cold ones, nothing shared between them, and nothing left behind."""

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import nbformat
import pytest
from jupyter_client.manager import start_new_kernel
from jupyter_client.provisioning import KernelProvisionerFactory
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import cxlab
from cxlab.runs.execute import execute
from cxlab.runs.surroundings import private_folder, settled, surroundings
from cxlab.runs.warm import NAME, kept, provisioner, server, servers
from cxlab.runs.warm.forked import Forked
from cxlab.runs.warm.keys import key_of
from cxlab.runs.warm.servers import OWNED

pytestmark = [
    pytest.mark.runs_notebooks,
    pytest.mark.xdist_group("warm"),  # one server for all of them
    pytest.mark.skipif(not servers.POSSIBLE, reason="no fork, no warm kernels"),
]


@pytest.fixture(scope="module", autouse=True)
def _nobody_keeps_one(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("r")))
        yield


@pytest.fixture(scope="module")
def _server(_nobody_keeps_one):
    with OWNED.beside() as begin:
        begin()
        yield


@pytest.fixture
def forked(monkeypatch, _server) -> list[Forked]:
    """Every kernel that is forked."""
    made: list[Forked] = []

    def noted(*given):
        made.append(Forked(*given))
        return made[-1]

    monkeypatch.setattr(provisioner, "Forked", noted)
    monkeypatch.setattr(OWNED, "notes", [])
    return made


def running() -> servers.Server:
    return next(iter(OWNED._servers.values()))[-1]


def run(folder: Path, *cells: str, **options):
    path = folder / "nb.ipynb"
    parameters = new_code_cell("x: int = 1  # a number", metadata={"tags": ["parameters"]})
    nbformat.write(
        new_notebook(cells=[new_markdown_cell("# ?"), parameters, *map(new_code_cell, cells)]), path
    )
    return execute(path, {"x": 2}, root=folder, **options)


def printed(outcome) -> list[str]:
    assert outcome.status == "done", outcome.message
    return outcome.notebook.cells[-1].outputs[0].text.splitlines()


def ended(pid: int) -> bool:
    """Wait until a process has ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], 30)[0])
    finally:
        os.close(descriptor)


NASTY = [
    # Figures are pictures, and frames are as wide as in a kernel.
    "import matplotlib.pyplot as plt\n_ = plt.plot([1, 2])",
    "from matplotlib.figure import Figure\nFigure().subplots().figure",
    "import pandas as pd\npd.DataFrame([range(40)], columns=[f'c{i}' for i in range(40)])",
    "pd.describe_option('display.max_columns', _print_desc=False)\npd.reset_option('display.max_columns')\n"
    "print(pd.options.display.max_columns, pd.DataFrame([range(40)]))",
    "import os, sys, time, locale, signal, threading, warnings, multiprocessing\nwarnings.warn('careful')",
    "print(sys.argv[:2], sys.path, sys.flags, __name__, sys.modules['__main__'], os.getcwd())",
    "print({n: v for n, v in sorted(os.environ.items()) if n not in ('IPYTHONDIR', 'JPY_PARENT_PID')})",
    "print(hash('a'), {'a', 'b', 'c'}, time.tzname, locale.getlocale(), signal.getsignal(signal.SIGTERM))",
    "print(multiprocessing.current_process().name, os.getsid(0) == os.getpid(), os.umask(0o22))",
    "print(sys.__stdin__.read())",
    "print(sorted(t.name.translate(dict.fromkeys(range(48, 58))) for t in threading.enumerate()))",
    "import logging, matplotlib\nprint(logging.root.handlers, matplotlib.rcParams['backend'])",
    "import numpy as np\nprint(np.get_printoptions(), np.geterr())\nimport lifelines, seaborn, pyarrow",
    "import cxlab.notebook\nfor each in sorted(map(str, warnings.filters)): print(each)",
    "get_ipython().run_line_magic('lsmagic', '')",
    "import cxlab\nprint(x, cxlab.__file__)\n%config InlineBackend",
]


def test_a_warm_kernel_is_a_cold_one(tmp_path, forked, monkeypatch):
    warm = run(tmp_path, *NASTY)
    assert len(forked) == 1
    monkeypatch.setattr(servers, "POSSIBLE", False)
    cold = run(tmp_path, *NASTY)
    assert len(forked) == 1
    assert (warm.status, cold.status) == ("done", "done"), (warm.message, cold.message)
    for one, other in zip(warm.notebook.cells, cold.notebook.cells, strict=True):
        assert one == other
    assert any("image/png" in output.get("data", {}) for output in warm.notebook.cells[3].outputs)
    assert "..." in warm.notebook.cells[5].outputs[0].data["text/plain"]
    assert warm.notebook.metadata.kernelspec.name == "python3"
    assert OWNED.notes == []


@pytest.fixture(scope="module")
def demo_root(tmp_path_factory) -> Path:
    from cxlab import demo
    from cxlab.intake import dataset

    root = tmp_path_factory.mktemp("workbench")
    shutil.copytree(Path(cxlab.__file__).parents[1] / "notebooks", root / "notebooks")
    demo.build(root, ("nada",))
    dataset.check(root, "nada")
    return root


@pytest.mark.parametrize("name", ["drivers", "retention"])
def test_a_shipped_notebook_is_the_same_bytes_cold_and_warm(name, demo_root, forked, monkeypatch):
    path, given = demo_root / "notebooks" / f"{name}.ipynb", {"client": "nada"}
    warm = execute(path, given, root=demo_root)
    assert len(forked) == 1
    monkeypatch.setattr(servers, "POSSIBLE", False)
    cold = execute(path, given, root=demo_root)
    assert (warm.status, cold.status) == ("done", "done"), (warm.message, cold.message)
    assert nbformat.writes(warm.notebook) == nbformat.writes(cold.notebook)
    assert "application/vnd.cxlab.result" in nbformat.writes(warm.notebook)


def test_no_kernel_sees_what_another_did(tmp_path, forked):
    tell = "print(pd.DataFrame([[1.0]]).mean()[0], os.environ.get('WHOSE'), hasattr(pd, 'rows'), os.getcwd())"
    spoil = "import os, pandas as pd\npd.DataFrame.mean = lambda _: ['spoilt']\npd.rows = 'of client A'"
    first = run(tmp_path, f"{spoil}\nos.environ['WHOSE'] = 'A'\nos.chdir('/')", tell)
    assert printed(first) == ["spoilt A True /"]
    other = tmp_path / "other"
    other.mkdir()
    assert printed(run(other, "import os, pandas as pd", tell)) == [f"1.0 None False {other}"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WHOSE", "B")
        assert printed(run(other, "import os, pandas as pd", tell)) == [f"1.0 B False {other}"]
    assert len(forked) == 3


def test_what_no_seed_settles_is_each_kernels_own(tmp_path, forked):
    cell = (
        "import os, random, uuid, tempfile, numpy as np\n"
        "print(random.random(), np.random.rand(), uuid.uuid4(), os.urandom(4).hex(), tempfile.mktemp())"
    )
    one, other = (printed(run(tmp_path, cell))[0].split() for _ in range(2))
    assert one[:2] == other[:2]  # their seed is the same (`settling`)
    assert not set(one[2:]) & set(other[2:])
    assert len(forked) == 2


@pytest.mark.parametrize(
    ("cell", "status", "returned"),
    [
        ("import os\nos._exit(3)", "kernel died", 3),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "kernel died", -signal.SIGKILL),
        (
            "import resource as r\nr.setrlimit(r.RLIMIT_DATA, (1 << 30, 1 << 30))\nbytearray(1 << 31)",
            "raised",
            None,
        ),
    ],
)
def test_a_kernel_that_ends_takes_no_other_along(cell, status, returned, tmp_path, forked):
    outcome = run(tmp_path, cell)
    assert outcome.status == status
    assert returned is None or forked[0].returncode == returned
    assert ended(forked[0].pid)
    assert printed(run(tmp_path, "import os\nprint(os.getppid())")) == [str(running().process.pid)]
    assert OWNED.notes == []


def test_what_libraries_start_in_a_kernel_works(tmp_path, forked):
    cells = [
        "import numpy as np, pandas as pd\nframe = pd.DataFrame({'a': np.arange(100_000) % 7, 'b': 1.5})",
        "frame.to_parquet('t.parquet')\nprint(pd.read_parquet('t.parquet').equals(frame))",
        "print(np.linalg.svd(np.ones((300, 300)))[1].round(3)[0])",
        "from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor",
        "import multiprocessing, math",
        "with ProcessPoolExecutor(2) as pool: print(list(pool.map(math.sqrt, [4, 9])))",
        "spawned = multiprocessing.get_context('spawn')\n"
        "with ProcessPoolExecutor(2, mp_context=spawned) as pool: print(list(pool.map(math.sqrt, [4, 9])))",
        "with ThreadPoolExecutor(2) as pool: print(list(pool.map(math.sqrt, [4, 9])))",
        "import duckdb\nprint(duckdb.sql('select count(*) from frame').fetchall())",
        "import sys, os\nos.write(1, b'x' * 300_000)\nsys.__stdout__.write('y' * 300_000)\nprint('through')",
    ]
    outcome = run(tmp_path, *cells)
    assert outcome.status == "done", outcome.message
    said = "".join(o.text for cell in outcome.notebook.cells[3:] for o in cell.get("outputs", ()))
    for expected in ("True", "300.0", "(100000,)", "through"):
        assert expected in said
    assert said.count("[2.0, 3.0]") == 3
    assert len(forked) == 1
    assert forked[0].used["seconds"] > 0


def test_the_server_holds_nothing_that_a_fork_must_not_share(tmp_path, forked):
    printed(run(tmp_path, "print(1)"))
    pid = running().process.pid
    assert len(os.listdir(f"/proc/{pid}/task")) == 1
    held = Path(f"/proc/{pid}/maps").read_text()
    assert "pandas" in held
    assert "duckdb" not in held
    # Its socket, its owner's pipe, where it writes, and nothing of the kernels that it forked.
    assert len(os.listdir(f"/proc/{pid}/fd")) <= 5


def asked(path: Path, **changed) -> dict:
    connection = servers.connected(path)
    environment = settled(os.environ)
    request = {"key": key_of(environment), "arguments": [], "environment": environment, "folder": "/"}
    socket.send_fds(connection, [json.dumps({**request, **changed}).encode()], [1, 2])
    with connection:
        return json.loads(connection.recv(1 << 16) or "null")


def test_a_server_of_other_sources_is_not_used(tmp_path, forked):
    assert asked(running().path, key="of yesterday") == {}
    environment = surroundings(tmp_path)
    assert key_of(environment) == key_of({**environment, "CXLAB_ROOT": "/else", "IPYTHONDIR": "/else"})
    assert key_of(environment) != key_of({**environment, "PYTHONHASHSEED": "1"})


def test_only_the_users_own_folder_holds_a_kept_server(monkeypatch):
    with private_folder() as folder:
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
        path = servers.kept_at("k" * 64)
        assert path == folder / f"cxlab-warm-{os.getuid()}" / ("k" * 16)
        assert path.parent.stat().st_mode & 0o777 == 0o700
        path.parent.chmod(0o755)
        assert servers.kept_at("k" * 64) is None
        path.parent.rmdir()
        path.parent.symlink_to(folder)
        assert servers.kept_at("k" * 64) is None
        monkeypatch.setattr(servers, "same_user", lambda _: False)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(str(folder / "s"))
            listener.listen()
            assert servers.connected(folder / "s") is None


def test_without_a_study_kernels_are_stock(tmp_path, monkeypatch):
    monkeypatch.setattr(servers, "OWNED", servers.Owned())
    assert printed(run(tmp_path, "import os\nprint(os.getppid())")) == [str(os.getpid())]


def test_where_no_process_is_left_to_fork_the_server_goes_on(tmp_path, monkeypatch):
    def refused():
        raise BlockingIOError

    monkeypatch.setattr(server.os, "fork", refused)
    reader, owner = os.pipe()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener, os.fdopen(reader) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        serving = threading.Thread(target=server._served, args=(listener,))
        serving.start()
        for _ in range(2):
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asking:
                asking.settimeout(30)
                asking.connect(str(tmp_path / "s"))
                assert asking.recv(1) == b""
        os.close(owner)
        serving.join(timeout=30)
        assert not serving.is_alive()


def test_a_kernel_whose_asker_is_gone_ends_and_says_nothing(monkeypatch):
    """Interrupted between asking and answering, the child once left a traceback on the run's stderr."""

    def leave(code):
        raise SystemExit(code)

    monkeypatch.setattr(server.os, "_exit", leave)
    ours, theirs = socket.socketpair()
    theirs.close()
    with ours, pytest.raises(SystemExit) as left:
        server._answer(ours, {"pid": 1})
    assert left.value.code == 1


def test_a_server_that_is_killed_is_replaced_once_and_said(tmp_path, monkeypatch):
    owned = servers.Owned()
    monkeypatch.setattr(servers, "OWNED", owned)
    with owned.beside() as begin:
        begin()
        folder = owned._folder
        for turn in range(3):
            (started,) = owned._servers.values()
            parent = printed(run(tmp_path, "import os\nprint(os.getppid())"))
            assert parent == [str(started[-1].process.pid if turn < 2 else os.getpid())]
            assert len(started) == min(turn + 1, 2)
            if turn < 2:
                killed = "import os, signal, time\nos.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(60)"
                assert run(tmp_path, killed).status == "kernel died"
    assert [note.template for note in owned.notes] == [servers._AGAIN.template, servers._SLOWLY.template]
    assert not folder.exists()


@pytest.fixture
def runtime(monkeypatch):
    """A folder for sockets of its own, with a short name."""
    with private_folder() as folder:
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
        yield folder


@pytest.fixture
def warming(runtime):
    """A process that keeps a server, as `cxlab warm` does."""
    command = [sys.executable, "-m", "cxlab", "warm"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "LC_ALL": "C"})
    assert process.stdout.readline().strip() == kept.READY
    yield process
    process.kill()
    process.communicate()


def test_a_kept_server_serves_every_process_until_ctrl_c(tmp_path, warming, monkeypatch):
    monkeypatch.setattr(servers, "OWNED", servers.Owned())
    (server,) = (
        int(each) for each in Path(f"/proc/{warming.pid}/task/{warming.pid}/children").read_text().split()
    )
    tell = "import os\nprint(os.getppid())"
    assert printed(run(tmp_path, tell)) == [str(server)]
    with servers.OWNED.beside() as begin:
        begin()  # needs none of its own
        assert printed(run(tmp_path, tell)) == [str(server)]
        assert not servers.OWNED._servers
    with kept.keeping() as renew:
        assert renew() == kept.ELSEWHERE
        assert renew() is None
    manager = start_new_kernel_of_jupyter(monkeypatch)
    try:
        assert Path(f"/proc/{manager.provisioner.pid}/stat").read_text().split()[3] == str(server)
    finally:
        manager.shutdown_kernel(now=True)
    warming.send_signal(signal.SIGINT)
    assert warming.wait(timeout=30) == 0
    assert ended(server)
    assert printed(run(tmp_path, tell)) == [str(os.getpid())]


def start_new_kernel_of_jupyter(monkeypatch):
    factory = KernelProvisionerFactory.instance()
    monkeypatch.setattr(factory, "default_provisioner_name", NAME)  # as JupyterLab's environment says
    manager, client = start_new_kernel(kernel_name="python3")
    client.stop_channels()
    return manager


def test_a_server_of_yesterday_ends_with_its_last_kernel(runtime):
    owned = servers.Owned(servers.kept_at)
    environment = settled(os.environ)
    key = key_of(environment)
    with owned.beside():
        path = owned.path(key, environment)
        (server,) = owned._servers[key]
        kernel = servers.connected(path)
        assert asked(path, key="") == {}  # it is ready, and has forked for the first
        owned.retire(but="today's")
        assert servers.connected(path) is None
        assert server.process.poll() is None
        kernel.close()
        assert ended(server.process.pid)


CLIENT = """
import sys
import threading
from pathlib import Path
from cxlab.runs.warm.servers import OWNED
with OWNED.beside() as begin:
    begin()
    from cxlab.runs.execute import execute
    for given in sys.argv[2:]:
        outcome = execute(Path(sys.argv[1]), {"x": int(given)})
        print(outcome.notebook.cells[-1].outputs[0].text, flush=True)
        sys.stdin.readline()
    (server,) = [each for started in OWNED._servers.values() for each in started][-1:]
    print(len(OWNED._servers), server.process.pid)
"""


@pytest.fixture
def client(tmp_path):
    """Start a process that executes a notebook, with a server of its own."""
    started: list[subprocess.Popen[str]] = []

    def start(cell: str, *given: str, package: Path = Path(cxlab.__file__).parents[1]):
        parameters = new_code_cell("x: int = 1  # a number", metadata={"tags": ["parameters"]})
        nbformat.write(new_notebook(cells=[parameters, new_code_cell(cell)]), tmp_path / "nb.ipynb")
        started.append(
            subprocess.Popen(
                [sys.executable, "-c", CLIENT, str(tmp_path / "nb.ipynb"), *given],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONPATH": str(package)},
                cwd=tmp_path,
                start_new_session=True,
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


WAITING = """
import os, pathlib, time
pathlib.Path("pids.part").write_text(f"{os.getpid()} {os.getppid()}")
os.replace("pids.part", "pids")
time.sleep(600)
"""


def pids(folder: Path, process) -> list[int]:
    while not (folder / "pids").exists():
        assert process.poll() is None
        select.select([], [], [], 0.05)
    return [int(each) for each in (folder / "pids").read_text().split()]


def test_a_client_that_is_killed_leaves_no_process(tmp_path, client):
    process = client(WAITING, "1")
    kernel, server = pids(tmp_path, process)
    assert server != process.pid
    process.kill()
    assert ended(kernel)
    assert ended(server)


def test_ctrl_c_leaves_no_process(tmp_path, client):
    process = client(WAITING, "1")
    kernel, server = pids(tmp_path, process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    assert ended(process.pid)
    assert ended(kernel)
    assert ended(server)


def test_the_next_kernel_sees_a_change_of_the_package(tmp_path, client):
    package = tmp_path / "site"
    shutil.copytree(
        Path(cxlab.__file__).parent, package / "cxlab", ignore=shutil.ignore_patterns("__pycache__")
    )
    process = client(
        "import os, cxlab.values\nprint(getattr(cxlab.values, 'MARK', 0), os.getppid())",
        "1",
        "2",
        package=package,
    )
    before, first = process.stdout.readline().split()
    process.stdout.readline()
    with (package / "cxlab" / "values.py").open("a") as stream:
        stream.write("MARK = 7\n")
    told, _ = process.communicate("\n\n", timeout=120)
    after, second, servers_started, last = told.split()
    assert (before, after) == ("0", "7")
    assert first != second == last
    assert servers_started == "2"


class Asked:
    """A connection of which another thread asks as well, while one is being told."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection, self.kernel, self.others = connection, None, []
        self.fileno, self.close = connection.fileno, lambda: None

    def recv(self, size: int) -> bytes:
        if not self.others:
            self.others.append(threading.Thread(target=self.kernel.poll))
            self.others[0].start()
            self.others[0].join(0.2)
        return self.connection.recv(size)


def test_how_a_kernel_ended_is_told_once_whoever_asks():
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with here, there:
        asked = Asked(here)
        asked.kernel = kernel = Forked(asked, os.getpid(), [])
        there.send(b'{"status": 0, "seconds": 1.5}')
        there.shutdown(socket.SHUT_WR)
        assert kernel.poll() == 0
        asked.others[0].join()
        assert (kernel.poll(), kernel.used) == (0, {"seconds": 1.5})
