"""Ctrl-C and being told to end: in every phase the same exit code, no process and no file left behind."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
import weakref
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import cxlab
from cxlab.runs import interruption
from cxlab.runs.interruption import Interrupted, aside, check, interruptible

CODE = """\
client: str = "acme"
where: str = ""
"""
STUDY = "client: acme\nentries:\n  quick: {notebook: quick}\n  slow: {notebook: slow}\n"
# Runs the command and signals itself at a point: when a module is first imported, when a file of that name
# is opened or moved, before a function is called or in it (it then would take ten minutes), at the very end.
DRIVER = """\
import builtins, importlib, os, signal, sys, time
kind, point, name = (sys.argv.pop(1) for _ in range(3))
hits = []
def hit():
    if not hits:
        hits.append(1)
        os.kill(os.getpid(), getattr(signal, name))
def seen(event, arguments):
    if event == kind and any(str(each).endswith(point) for each in arguments[:2]):
        hit()
class Last:
    def __del__(self):
        hit()
if kind in ("before", "in"):
    module, _, attribute = point.partition(":")
    name_of_class, _, method = attribute.partition(".")
    owner = getattr(importlib.import_module(module), name_of_class)
    real = getattr(owner, method)
    def called(*arguments, **options):
        hit()
        return real(*arguments, **options) if kind == "before" else time.sleep(600)
    setattr(owner, method, called)
elif kind == "end":
    builtins.last = Last()
else:
    sys.addaudithook(seen)
from cxlab.__main__ import run
run()
"""


@pytest.fixture
def root(tmp_path) -> Path:
    def code(source, tags=()):
        return {
            "cell_type": "code",
            "metadata": {"tags": list(tags)},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }

    for folder in ("notebooks", "data/acme", "reports", "tmp"):
        (tmp_path / folder).mkdir(parents=True)
    for name, cell in {
        "quick": "1",
        "slow": "import time\nopen('began', 'w').close()\ntime.sleep(600)",
    }.items():
        cells = [code(CODE, ["parameters"]), code(cell)]
        content = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
        (tmp_path / f"notebooks/{name}.ipynb").write_text(json.dumps(content), encoding="utf-8")
    (tmp_path / "reports/acme.yaml").write_text(STUDY, encoding="utf-8")
    return tmp_path


def begun(root: Path, *arguments: str, language: str = "en") -> tuple[subprocess.Popen, str]:
    mark = f"cxlab-test-{uuid.uuid4().hex}"
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(cxlab.__file__).parents[1]),
        "CXLAB_LANGUAGE": language,
        "TMPDIR": str(root / "tmp"),
        "CXLAB_TEST_MARK": mark,
    }
    started = subprocess.Popen(
        [sys.executable, *arguments, "run", str(root / "reports/acme.yaml"), "--root", str(root)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    return started, mark


def alive(mark: str) -> Iterator[str]:
    """Yield the command line of every process that a run with this mark left."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (process / "environ").read_bytes():
                yield (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:  # somebody else's, or gone
            continue


def nothing_is_left(root: Path, mark: str) -> None:
    deadline = time.monotonic() + 30
    while (left := [*alive(mark)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == []
    standing = f"cxlab-warm-{os.getuid()}"  # the user's own, where `cxlab warm` would keep a server
    assert [
        path.name for path in (root / "tmp").iterdir() if path.name != standing or any(path.iterdir())
    ] == []
    assert [*(root / "reports").rglob(".tmp")] == []
    assert not (root / "reports/built/acme/slow.html").exists()
    assert not (root / "reports/built/acme/failed").exists()


SAID = "interrupted: nothing was left half published\n"
posix = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="reads /proc")


@posix
@pytest.mark.runs_notebooks
@pytest.mark.parametrize(
    ("kind", "point", "name", "code", "said"),
    [
        ("import", "cxlab.cli", "SIGINT", 130, ""),
        ("import", "cxlab.cli", "SIGTERM", 143, ""),
        ("import", "yaml", "SIGINT", 130, SAID),
        ("import", "cxlab.runs.making", "SIGINT", 130, SAID),
        ("import", "nbclient", "SIGTERM", 143, SAID),
        ("import", "cxlab.reporting.html", "SIGINT", 130, SAID),
        ("before", "cxlab.runs.kernels:Kernels.manager", "SIGINT", 130, SAID),
        ("in", "cxlab.runs.releases:Releases.check", "SIGINT", 130, SAID),
        ("in", "cxlab.runs.pages:Gallery.page", "SIGTERM", 143, SAID),
        ("open", "report.html", "SIGINT", 130, SAID),
        ("os.rename", "index.html", "SIGHUP", 129, SAID),
    ],
)
def test_whenever_it_is_interrupted(root, kind, point, name, code, said):
    running, mark = begun(root, "-c", DRIVER, kind, point, name)
    try:
        _, error = running.communicate(timeout=120)
    finally:
        running.kill()
    assert (running.returncode, error) == (code, said)
    nothing_is_left(root, mark)


@posix
@pytest.mark.runs_notebooks
@pytest.mark.parametrize(
    ("name", "code", "times"), [("SIGINT", 130, 1), ("SIGTERM", 143, 1), ("SIGINT", 130, 3)]
)
def test_while_a_cell_runs(root, name, code, times):
    running, mark = begun(root, "-m", "cxlab", language="es")
    try:
        deadline = time.monotonic() + 120
        while not (root / "notebooks/began").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len([*alive(mark)]) >= 2  # the command and a kernel
        for _ in range(times):  # an impatient gesture is one gesture
            running.send_signal(getattr(signal, name))
        _, error = running.communicate(timeout=60)
    finally:
        running.kill()
    said = "interrumpido: no quedó nada publicado a medias\n"
    rest = "1 de 2: la misma orden sigue con lo que falta\n"  # where the quick one had ended by then
    assert (running.returncode, error.removeprefix(rest)) == (code, said)
    nothing_is_left(root, mark)


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_at_the_very_end_the_exit_code_stands(root):
    """While the interpreter goes down its handlers are gone: this was once -2."""
    (root / "reports/acme.yaml").write_text("client: acme\nentries:\n  quik: {}\n", encoding="utf-8")
    running, _ = begun(root, "-c", DRIVER, "end", "", "SIGINT")
    _, error = running.communicate(timeout=60)
    assert (running.returncode, error.count("\n")) == (3, 2)


def test_no_thread_holds_up_the_end():
    code = (
        "import threading, time; from cxlab.runs.interruption import leave; "
        "threading.Thread(target=time.sleep, args=(600,)).start(); print('said'); leave(3)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(Path(cxlab.__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (3, "said\n")


@pytest.fixture
def heard(monkeypatch) -> list[int]:
    """Let signals be told apart without ending this process."""
    left: list[int] = []
    monkeypatch.setattr(interruption, "_heard", interruption._Heard())
    monkeypatch.setattr(interruption.os, "_exit", left.append)
    return left


def test_asked_again_it_ends_at_once(heard, monkeypatch):
    def work():
        with interruptible():
            try:
                signal.raise_signal(signal.SIGTERM)
            finally:
                signal.raise_signal(signal.SIGINT)  # within a second: the same gesture
                assert heard == []
                monkeypatch.setattr(interruption, "AGAIN", -1.0)
                signal.raise_signal(signal.SIGINT)
                assert heard == [130]

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(Interrupted) as raised:
        work()
    assert raised.value.code == 143
    assert signal.getsignal(signal.SIGINT) is before


def test_what_was_swallowed_is_raised_again(heard):
    seen = []

    def work():
        with interruptible():
            check()
            with suppress(BaseException):  # as some libraries do
                signal.raise_signal(signal.SIGINT)
            seen.append("swallowed")
            check()

    check()
    with pytest.raises(Interrupted):
        work()
    assert seen == ["swallowed"]


class Finalised:
    """Something that is asked to end while it goes."""

    def __del__(self):
        signal.raise_signal(signal.SIGTERM)


def by_finaliser():
    Finalised()


def by_weak_reference():
    watched = threading.Event()
    kept = weakref.ref(watched, lambda _: signal.raise_signal(signal.SIGTERM))
    del watched
    assert kept() is None


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("dropped", [by_finaliser, by_weak_reference])
@pytest.mark.parametrize("checked", [False, True])
def test_what_python_drops_is_raised_again(heard, capsys, dropped, checked):
    """A signal that came in a finaliser was told on stderr, and the work went on to its end."""
    went_on, left = [], []

    def work():
        with interruptible():
            try:
                dropped()
                went_on.append(True)
                if checked:
                    check()
                threading.Event().wait(60)
            finally:
                time.sleep(5 * interruption.RESENT)  # asked once: nothing is raised on the way out
                left.append(True)

    hook = sys.unraisablehook
    with pytest.raises(Interrupted) as raised:
        work()
    assert (raised.value.code, went_on, left, heard) == (143, [True], [True], [])
    assert capsys.readouterr().err == ""
    assert sys.unraisablehook is hook


def test_what_else_python_drops_is_told_as_before(heard, monkeypatch):
    told = []
    monkeypatch.setattr(sys, "unraisablehook", lambda what: told.append(what.exc_value.args))

    class Broken:
        def __del__(self):
            raise ValueError(3)

    with interruptible():
        Broken()
    assert told == [(3,)]


def test_an_import_is_left_behind(heard):
    went_on = threading.Event()

    def load():
        signal.raise_signal(signal.SIGINT)
        went_on.wait(60)

    def work():
        with interruptible():
            aside(load)

    with pytest.raises(Interrupted):
        work()
    assert not went_on.is_set()
    went_on.set()
    assert aside(lambda: 5) == 5
    with pytest.raises(ZeroDivisionError):
        aside(lambda: 1 // 0)
