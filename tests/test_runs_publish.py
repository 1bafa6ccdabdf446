"""Publication: whole or not at all, whatever the file system or a killer does, and one run at a time."""

import errno
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from cxlab.errors import WorkbenchError
from cxlab.reporting import RESULT
from cxlab.runs import lock, outputs, publish
from cxlab.runs.publish import intact, manifest_of, shelf

OLD = {"report.html": b"<p>old</p>", "notebook.ipynb": b"{}", "tables/a.csv": b"a\n1\n"}
NEW = {"report.html": b"<p>new</p>", "notebook.ipynb": b"{ }", "tables/a.csv": b"a\n2\n"}


def publish_one(root: Path, run: str, files: dict[str, bytes]) -> str:
    with shelf(root, "study") as opened:
        name = opened.publish("drivers", run, files, {"schema": 1, "id": run})
        opened.show("drivers", name, files["report.html"])
        opened.replace("index.html", b"<p>index of " + files["report.html"])
    return name


def violations(root: Path) -> list[str]:
    """What a reader could find wrong at this instant."""
    folder = root / "reports" / "built" / "study"
    found = [f"run {run.name} is not whole" for run in (folder / "runs").glob("*") if not intact(run)]
    page = folder / "drivers.html"
    if not page.is_file() or page.read_bytes() not in (OLD["report.html"], NEW["report.html"]):
        found.append("the page is neither the old nor the new one")
    for pointer in (folder / "current").glob("*.json"):
        if not (folder / "runs" / json.loads(pointer.read_text())["run"]).is_dir():
            found.append("the pointer leads nowhere")
    return found


def test_a_run_is_published_whole(tmp_path):
    name = publish_one(tmp_path, "abc", OLD)
    folder = tmp_path / "reports" / "built" / "study"
    assert name == "abc"
    assert intact(folder / "runs" / "abc")
    assert manifest_of(folder / "runs" / "abc")["outputs"]["tables/a.csv"]["bytes"] == 4
    assert (folder / "drivers.html").read_bytes() == OLD["report.html"]
    assert not (folder / ".tmp").exists()


def test_same_fingerprint_and_bytes_is_kept(tmp_path):
    publish_one(tmp_path, "abc", OLD)
    manifest = tmp_path / "reports/built/study/runs/abc/manifest.json"
    before = manifest.stat().st_mtime_ns
    assert publish_one(tmp_path, "abc", OLD) == "abc"
    assert manifest.stat().st_mtime_ns == before


def test_same_fingerprint_with_other_bytes_stands_beside(tmp_path):
    publish_one(tmp_path, "abc", OLD)
    assert publish_one(tmp_path, "abc", NEW) == "abc-2"
    assert (tmp_path / "reports/built/study/runs/abc/report.html").read_bytes() == OLD["report.html"]
    assert publish_one(tmp_path, "abc", NEW) == "abc-2"


@pytest.mark.parametrize("harm", ["changed", "missing", "extra", "no manifest", "another manifest", "link"])
def test_a_run_that_does_not_verify_goes_to_quarantine(tmp_path, harm):
    publish_one(tmp_path, "abc", OLD)
    run = tmp_path / "reports/built/study/runs/abc"
    if harm == "changed":
        (run / "report.html").write_bytes(b"<p>0ld</p>")
    elif harm == "missing":
        (run / "tables/a.csv").unlink()
    elif harm == "extra":
        (run / "more.txt").write_text("x")
    elif harm == "link":
        (run / "tables").rename(tmp_path / "tables")
        (run / "tables").symlink_to(tmp_path / "tables")
    elif harm == "another manifest":
        said = json.loads((run / "manifest.json").read_text())
        (run / "manifest.json").write_text(json.dumps({"outputs": dict.fromkeys(said["outputs"], "sha256")}))
    else:
        (run / "manifest.json").write_text("{")
    assert not intact(run)
    publish_one(tmp_path, "abc", OLD)
    assert intact(run)
    assert (tmp_path / "reports/built/study/quarantine/abc.1").is_dir()


def test_a_failure_never_touches_the_good_page(tmp_path):
    publish_one(tmp_path, "abc", OLD)
    with shelf(tmp_path, "study") as opened:
        for attempt in (b"1", b"2", b"3"):
            kept = opened.fail("drivers", {"notebook.ipynb": attempt, "error.json": b"{}"})
            assert (kept / "notebook.ipynb").read_bytes() == attempt
    assert (tmp_path / "reports/built/study/drivers.html").read_bytes() == OLD["report.html"]
    publish_one(tmp_path, "def", NEW)
    assert not kept.exists()


def test_a_damaged_run_stays_until_there_is_a_whole_one(tmp_path, monkeypatch):
    publish_one(tmp_path, "abc", OLD)
    page = tmp_path / "reports/built/study/runs/abc/report.html"
    page.write_bytes(b"<p>0ld</p>")

    def full(*_arguments):
        raise OSError(errno.ENOSPC, "no space")

    with shelf(tmp_path, "study") as opened, monkeypatch.context() as patch:
        patch.setattr(publish, "_write", full)
        with pytest.raises(WorkbenchError, match="no space left"):
            opened.publish("drivers", "abc", OLD, {})
    assert page.read_bytes() == b"<p>0ld</p>"
    assert not (tmp_path / "reports/built/study/quarantine").exists()


def test_a_failure_that_was_not_replaced_is_put_back(tmp_path, monkeypatch):
    with shelf(tmp_path, "study") as opened:
        kept = opened.fail("drivers", {"error.json": b"1"})
    rename = os.rename

    def refused(source, target):
        if Path(target) == kept and "replaced" not in str(source):
            raise OSError(errno.EACCES, "no")
        rename(source, target)

    with shelf(tmp_path, "study") as opened, monkeypatch.context() as patch:
        patch.setattr(os, "rename", refused)
        with pytest.raises(WorkbenchError, match="cannot be written"):
            opened.fail("drivers", {"error.json": b"2"})
        assert not kept.exists()
    assert (kept / "error.json").read_bytes() == b"1"


def test_what_cannot_be_swept_waits_for_the_next_run(tmp_path, monkeypatch):
    def unlisted(folder):
        raise OSError(errno.EIO, "input/output")

    with monkeypatch.context() as patch:
        with shelf(tmp_path, "study") as opened:
            (opened.building / "left").write_text("x")
            patch.setattr(os, "listdir", unlisted)
        with pytest.raises(WorkbenchError, match="cannot be written: input/output"), shelf(tmp_path, "study"):
            pass
    publish_one(tmp_path, "abc", OLD)
    assert not opened.building.exists()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs to name what is flushed")
def test_everything_is_flushed_before_it_is_seen_and_the_manifest_last(tmp_path, monkeypatch):
    folder = tmp_path / "reports/built/study"
    built = folder / f".tmp/drivers.{os.getpid()}"
    done: list[tuple[str, str]] = []
    fsync, rename, replace = os.fsync, os.rename, os.replace

    def flushed(stream):
        done.append(("flush", os.readlink(f"/proc/self/fd/{stream}")))
        fsync(stream)

    def renamed(source, target, act):
        done.append(("rename", str(target)))
        act(source, target)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(os, "rename", lambda source, target: renamed(source, target, rename))
    monkeypatch.setattr(os, "replace", lambda source, target: renamed(source, target, replace))
    with shelf(tmp_path, "study") as opened:
        done.clear()
        opened.publish("drivers", "abc", OLD, {"schema": 1})
        files = [("flush", str(built / name)) for name in (*OLD, "manifest.json")]
        assert done[: len(files)] == files
        folders = {("flush", str(built)), ("flush", str(built / "tables"))}
        assert {*done[len(files) : len(files) + 2]} == folders
        runs = folder / "runs"
        assert done[len(files) + 2 :] == [("rename", str(runs / "abc")), ("flush", str(runs))]
        done.clear()
        opened.replace("index.html", b"<p>index</p>")
        made = built.with_name(f"index.html.{os.getpid()}")
        seen = [("flush", str(made)), ("rename", str(folder / "index.html")), ("flush", str(folder))]
        assert done == seen


def test_notes_that_cannot_be_read_are_not_taken_for_none(tmp_path, monkeypatch):
    publish_one(tmp_path, "abc", OLD)
    notes = tmp_path / "reports/built/study/current"
    (notes / "damaged.json").write_text("{")
    (notes / "list.json").write_text("[1]")
    opened = publish.Shelf(notes.parent)
    assert opened.current() == {"drivers": "abc"}
    monkeypatch.setattr(os, "listdir", lambda _: (_ for _ in ()).throw(OSError(errno.EIO, "input/output")))
    with pytest.raises(WorkbenchError, match="cannot be read: input/output"):
        opened.current()


def test_a_folder_that_cannot_be_flushed_is_no_reason_to_stop(tmp_path, monkeypatch):
    fsync = os.fsync

    def unable(stream):
        if os.path.isdir(f"/proc/self/fd/{stream}"):
            raise OSError(errno.EINVAL, "not for a folder")
        fsync(stream)

    monkeypatch.setattr(os, "fsync", unable)
    assert publish_one(tmp_path, "abc", OLD) == "abc"


EVENTS = ("open", "mkdir", "rename", "replace", "fsync", "unlink", "chmod")


def at_event(monkeypatch: pytest.MonkeyPatch, number: int, act) -> list[str]:
    """Let `act` happen instead of the file-system call of that number; return the calls made."""
    calls: list[str] = []

    def watched(name):
        real = getattr(os, name)

        def call(*arguments, **options):
            calls.append(name)
            if len(calls) == number:
                act()
            return real(*arguments, **options)

        return call

    for name in EVENTS:
        monkeypatch.setattr(os, name, watched(name))
    return calls


def count_events(root: Path) -> int:
    publish_one(root, "abc", OLD)
    with pytest.MonkeyPatch.context() as patch:
        calls = at_event(patch, 0, lambda: None)
        publish_one(root, "counted", NEW)
    assert {"open", "mkdir", "rename", "replace", "fsync"} <= set(calls)
    return len(calls)


def refusal(act) -> WorkbenchError | None:
    try:
        act()
    except WorkbenchError as error:
        return error
    return None


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "there is no space left in"),
        (errno.EACCES, "cannot be written"),
        (errno.EIO, "cannot be written"),
    ],
)
def test_every_file_system_event_refused(tmp_path, number, said):
    publish_one(tmp_path, "abc", OLD)
    total = count_events(tmp_path / "count")

    def refuse():
        raise OSError(number, os.strerror(number))

    refused = 0
    for event in range(1, total + 1):
        with pytest.MonkeyPatch.context() as patch:
            at_event(patch, event, refuse)
            error = refusal(lambda run=f"new{event}": publish_one(tmp_path, run, NEW))
        assert violations(tmp_path) == []
        if error is not None:  # else it was in clearing away, which may fail: the next run sweeps
            refused += 1
            assert said in str(error)
            assert "study" in str(error)
            assert error.exit_code == 5
            assert not (tmp_path / "reports/built/study/.tmp").exists()
        publish_one(tmp_path, "abc", OLD)  # and it goes on as if nothing had been
    assert refused >= total // 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_every_file_system_event_killed(tmp_path):
    publish_one(tmp_path, "abc", OLD)
    total = count_events(tmp_path / "count")
    for event in range(1, total + 1):
        child = os.fork()
        if child == 0:
            with pytest.MonkeyPatch.context() as patch:
                at_event(patch, event, lambda: os._exit(9))
                publish_one(tmp_path, f"new{event}", NEW)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 9
        assert violations(tmp_path) == []
        publish_one(tmp_path, f"new{event}", NEW)  # the lock died with it, and what it left is swept
        assert violations(tmp_path) == []
        assert (tmp_path / "reports/built/study/drivers.html").read_bytes() == NEW["report.html"]
        assert not (tmp_path / "reports/built/study/.tmp").exists()
        publish_one(tmp_path, "abc", OLD)


def test_a_reader_never_sees_half_a_page(tmp_path):
    publish_one(tmp_path, "abc", OLD)
    seen: list[str] = []
    ended = threading.Event()

    def read():
        while not ended.is_set():
            seen.extend(violations(tmp_path))

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(20):
        publish_one(tmp_path, f"run{turn}", NEW if turn % 2 else OLD)
    ended.set()
    reader.join()
    assert seen == []


def test_a_file_in_the_place_of_the_folder(tmp_path):
    (tmp_path / "reports").write_text("I am a file")
    with (
        pytest.raises(WorkbenchError, match=r"is in the way: a folder must be there|cannot be written"),
        shelf(tmp_path, "s"),
    ):
        pass


def test_a_link_in_the_place_of_the_folder_is_not_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "reports/built").mkdir(parents=True)
    (tmp_path / "reports/built/study").symlink_to(tmp_path / "elsewhere")
    with (
        pytest.raises(WorkbenchError, match="is a link; reports are written only to real folders"),
        shelf(tmp_path, "study"),
    ):
        pass
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_without_permission(tmp_path):
    (tmp_path / "reports").mkdir(mode=0o500)
    with pytest.raises(WorkbenchError, match="give this user permission"), shelf(tmp_path, "study"):
        pass


@pytest.mark.parametrize("flock", [True, False], ids=["flock", "owner file"])
def test_two_at_once_the_second_is_told(tmp_path, monkeypatch, flock):
    if not flock:
        monkeypatch.setattr(lock, "fcntl", None)
    said = rf"another run of study \(process {os.getpid()}\) is writing to .*; wait until it ends, or stop it"
    with shelf(tmp_path, "study"):
        with pytest.raises(WorkbenchError, match=said), shelf(tmp_path, "study"):
            pass
        with shelf(tmp_path, "another"):
            pass
    with shelf(tmp_path, "study"):
        pass


@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
def test_an_owner_file_never_stands_without_its_owner(tmp_path, monkeypatch, links):
    monkeypatch.setattr(lock, "fcntl", None)
    (tmp_path / ".owner.999999999").write_text("999999999 1")  # of a process that died on its way
    if not links:
        monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError(errno.EPERM, "no")))
    with lock.locked(tmp_path):
        assert (tmp_path / ".owner").read_text().startswith(f"{os.getpid()} ")
        assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", ".owner"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock"]


@pytest.mark.parametrize("flock", [True, False], ids=["flock", "owner file"])
def test_a_lock_dies_with_its_process(tmp_path, flock):
    code = (
        "import sys, time; from pathlib import Path; from cxlab.runs import lock, publish\n"
        f"lock.fcntl = lock.fcntl if {flock} else None\n"
        "with publish.shelf(Path(sys.argv[1]), 'study') as opened:\n"
        "    (opened.building / 'left').write_text('x'); print('held', flush=True); time.sleep(60)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(publish.__file__).parents[2])}
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, env=environment
    )
    with pytest.MonkeyPatch.context() as patch:
        if not flock:
            patch.setattr(lock, "fcntl", None)
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline().strip() == b"held"
            with pytest.raises(WorkbenchError, match=f"process {holder.pid}"), shelf(tmp_path, "study"):
                pass
        finally:
            holder.kill()
            holder.communicate()
        with shelf(tmp_path, "study") as opened:
            assert not (opened.building / "left").exists()


def test_leftovers_of_a_dead_run_are_swept(tmp_path):
    left = tmp_path / "reports/built/study/.tmp/drivers.123"
    left.mkdir(parents=True)
    (left / "report.html").write_text("half")
    publish_one(tmp_path, "abc", OLD)
    assert not left.exists()


def test_spaces_and_accents_in_the_path(tmp_path):
    root = tmp_path / "informes de la señora Ñ"
    publish_one(root, "abc", OLD)
    assert violations(root) == []


def executed(*bundles, svg="<svg/>"):
    data = [{RESULT: bundle, outputs.SVG: svg} for bundle in bundles]
    return {
        "cells": [
            {"cell_type": "code", "outputs": [{"output_type": "display_data", "data": d} for d in data]}
        ]
    }


def test_tables_and_figures_come_from_the_bundles():
    table = {
        "columns": ["label", "estimate"],
        "rows": [["=cmd|' /C calc'!A0", -1.5], ["ok", None], ["@x", True]],
    }
    bundle = {"id": "result-1", "tables": {"main": table, "tests": {"columns": ["p"], "rows": [[0.1]]}}}
    notebook = executed(bundle, {**bundle, "tables": {}})
    tables = outputs.tables(notebook)
    assert sorted(tables) == ["tables/result-1-tests.csv", "tables/result-1.csv"]
    text = tables["tables/result-1.csv"].decode("utf-8-sig")
    assert text == "label,estimate\r\n'=cmd|' /C calc'!A0,-1.5\r\nok,\r\n'@x,true\r\n"
    assert sorted(outputs.figures(notebook)) == ["figures/result-1-2.svg", "figures/result-1.svg"]


@pytest.mark.parametrize("start", list("=+-@\t\r"))
def test_text_that_looks_like_a_formula_is_quoted(start):
    assert outputs.as_csv([f"{start}a"], [[f"{start}1"]]).decode("utf-8-sig").count(f"'{start}") == 2


def test_results_json_has_no_nan_and_no_time():
    notebook = executed({"id": "result-1", "tables": {}, "settings": {"x": float("nan")}})
    content = outputs.results_json(
        notebook, entry="e", name="n", client="c", language="es", parameters={"x": 1}
    )
    said = json.loads(content)
    assert said["results"][0]["settings"]["x"] is None
    assert sorted(said) == [
        "client",
        "entry",
        "language",
        "notebook",
        "parameters",
        "reads",
        "results",
        "schema",
    ]
