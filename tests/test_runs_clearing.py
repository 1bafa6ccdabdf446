"""Old runs go, and nothing that anybody stands on; whatever kills it, every run that is seen is whole."""

import itertools
import json
import os
from pathlib import Path

import pytest
from crash import model
from crash.attempts import KILLED, begin
from crash.faults import KILL, Trap

from cxlab.cli import main
from cxlab.errors import ParameterError, WorkbenchError
from cxlab.runs.clearing import clear, old, studies
from cxlab.runs.publish import Shelf, intact, shelf


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    for folder in ("notebooks", "data"):
        (tmp_path / folder).mkdir()
    monkeypatch.setenv("CXLAB_LANGUAGE", "en")
    return tmp_path


def publish(root: Path, entry: str, day: int, *, study: str = "study") -> str:
    files = {"report.html": f"<p>{entry} {day}</p>".encode()}
    with shelf(root, study) as opened:
        said = {"entry": entry, "finished": f"2026-11-{day:02}T10:00:00+00:00"}
        run = opened.publish(entry, f"{entry}{day}", files, said)
        opened.show(entry, run, files["report.html"])
        opened.replace("index.html", " ".join(opened.current().values()).encode())
    return run


def runs(root: Path, study: str = "study") -> list[str]:
    return sorted(path.name for path in (root / "reports/built" / study / "runs").iterdir())


def test_the_newest_of_each_entry_stay(root):
    for day in range(1, 6):
        publish(root, "drivers", day)
    publish(root, "areas", 1)
    found = old(root / "reports/built/study", keep=2)
    assert [each.place for each in found.old] == ["runs/drivers1", "runs/drivers2", "runs/drivers3"]
    assert found.kept == 3
    assert runs(root) == ["areas1", "drivers1", "drivers2", "drivers3", "drivers4", "drivers5"]
    size = sum(p.stat().st_size for n in (1, 2, 3) for p in (found.folder / f"runs/drivers{n}").iterdir())
    assert clear(root, "study", keep=2).size == size
    assert runs(root) == ["areas1", "drivers4", "drivers5"]
    assert not (found.folder / ".tmp").exists()


def test_what_a_page_stands_on_stays_however_old_it_is(root):
    for day in (3, 4, 5):
        publish(root, "drivers", day)
    folder = root / "reports/built/study"
    publish(root, "drivers", 1)  # its bytes are those of an old run: nothing new is written
    # A kill left the page, its note and the gallery of three runs.
    (folder / "drivers.html").write_bytes(b"<p>drivers 3</p>")
    (folder / "index.html").write_text("runs/drivers4/notebook.ipynb")
    assert [each.place for each in clear(root, "study", keep=0).old] == ["runs/drivers5"]
    assert runs(root) == ["drivers1", "drivers3", "drivers4"]


def test_failures_and_quarantine(root):
    publish(root, "drivers", 1)
    folder = root / "reports/built/study"
    with shelf(root, "study") as opened:
        for entry in ("shown", "gone"):
            opened.fail(entry, {"error.json": b"{}"})
        opened.replace("index.html", b"drivers1 failed/shown/notebook.ipynb")
    (folder / "quarantine/drivers1.1").mkdir(parents=True)
    (folder / "quarantine/drivers1.1/report.html").write_text("half")
    (folder / "runs/nobody").mkdir()
    done = clear(root, "study")
    assert [each.place for each in done.old] == ["failed/gone", "quarantine/drivers1.1"]
    assert done.unclear == ("runs/nobody",)
    assert runs(root) == ["drivers1", "nobody"]
    assert [path.name for path in (folder / "failed").iterdir()] == ["shown"]


def test_only_studies_of_this_workbench(root, tmp_path):
    publish(root, "drivers", 1)
    assert studies(root, "") == studies(root, "study") == studies(root, "reports/study.yaml") == ["study"]
    with pytest.raises(ParameterError, match=r'no published run or study "stud".*Did you mean study'):
        studies(root, "stud")
    elsewhere = tmp_path / "elsewhere"
    publish(elsewhere, "drivers", 1)
    with pytest.raises(ParameterError, match="is not a study of this workbench"):
        studies(root, str(elsewhere / "reports/built/study"))
    with pytest.raises(ParameterError, match="--keep -1: give a number of runs, 0 or more"):
        old(root / "reports/built/study", keep=-1)


def test_the_command_lists_and_deletes_only_when_told_to(root, capsys):
    for day in (1, 2, 3, 4, 5):
        publish(root, "drivers", day)
    publish(root, "areas", 1, study="another")
    assert main(["clean", "--root", str(root)]) == 0
    said = capsys.readouterr().out
    assert "runs/drivers1  drivers" in said
    assert "nothing was deleted; to free" in said
    assert "cxlab clean --keep 3 --yes" in said
    assert len(runs(root)) == 5
    assert main(["clean", "study", "--keep", "1", "--yes", "--root", str(root)]) == 0
    assert "deleted: 4 folders; freed: " in capsys.readouterr().out
    assert runs(root) == ["drivers5"]
    assert main(["clean", "--root", str(root)]) == 0
    assert "there is nothing to delete" in capsys.readouterr().out


def test_a_study_that_is_written_to_is_left_and_the_others_go_on(root, capsys):
    for study in ("busy", "study"):
        for day in (1, 2):
            publish(root, "drivers", day, study=study)
    with shelf(root, "busy"):
        assert main(["clean", "--keep", "1", "--yes", "--root", str(root)]) == WorkbenchError.exit_code
        assert "another run of busy" in capsys.readouterr().err
        assert main(["clean", "busy", "--yes", "--root", str(root)]) == WorkbenchError.exit_code
    assert runs(root, "busy") == ["drivers1", "drivers2"]
    assert runs(root) == ["drivers2"]


def test_a_full_disk_is_no_reason_not_to_make_room(root, monkeypatch):
    for day in (1, 2):
        publish(root, "drivers", day)

    def full(*_arguments):
        raise OSError(28, "no space")

    monkeypatch.setattr("cxlab.runs.publish._write", full)
    assert len(clear(root, "study", keep=1).old) == 1


def test_a_gallery_that_cannot_be_read_stops_it(root):
    for day in (1, 2):
        publish(root, "drivers", day)
    index = root / "reports/built/study/index.html"
    index.unlink()
    index.mkdir()
    with pytest.raises(WorkbenchError, match=r"index\.html cannot be read"):
        clear(root, "study", keep=0)
    assert runs(root) == ["drivers1", "drivers2"]


def test_what_could_not_be_deleted_is_told(root, monkeypatch):
    for day in (1, 2):
        publish(root, "drivers", day)
    monkeypatch.setattr("shutil.rmtree", lambda *_arguments, **_options: None)
    with pytest.raises(WorkbenchError, match="could not be deleted whole; the next run of this study"):
        clear(root, "study", keep=1)
    assert runs(root) == ["drivers2"]
    monkeypatch.undo()
    publish(root, "drivers", 3)
    assert not (root / "reports/built/study/.tmp").exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_at_any_event_every_run_that_is_seen_is_whole(tmp_path):
    watcher = begin(tmp_path, shelf)
    ended = False
    for version in itertools.count(1):
        model.publish(tmp_path, version, shelf)
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                Trap(KILL, 3 * version - 2, write).set()
                clear(tmp_path, model.STUDY, keep=0)
            finally:
                os._exit(0)
        os.close(read)
        os.close(write)
        ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != KILLED
        assert watcher.violations() == []
        clear(tmp_path, model.STUDY, keep=0)
        assert watcher.violations() == []
        assert {*runs(tmp_path)} == {*Shelf(watcher.folder).current().values()}
        assert all(intact(path) for path in (watcher.folder / "runs").iterdir())
        assert json.loads((watcher.folder / "current/scorecard.json").read_text())["run"] in runs(tmp_path)
        if ended:
            break
    assert version > 10
