"""What a study hands over: dated versions that stay, a register, a zip of nothing that is internal."""

import io
import json
import re
import zipfile
from dataclasses import replace
from datetime import date
from pathlib import Path

import nbformat
import payloads
import pytest
import volume_examples

from cxlab.cli import main
from cxlab.errors import Message, ParameterError, RunError, WorkbenchError
from cxlab.runs.clearing import old
from cxlab.runs.deliveries import delivered, files
from cxlab.runs.deliveries.delivered import deliver
from cxlab.runs.deliveries.files import Maker
from cxlab.runs.deliveries.register import REGISTER, registered
from cxlab.runs.publish import Shelf, shelf
from cxlab.runs.volumes import volume

DAY = date(2026, 11, 26)


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("CXLAB_LANGUAGE", "en")
    monkeypatch.setattr(files, "MAKERS", ())
    volume_examples.publish(tmp_path)
    return tmp_path


def folder(root: Path) -> Path:
    return root / "reports/built/fibra"


def maker(content: bytes, kind: str = "deck") -> Maker:
    return Maker(kind, f".{kind}", lambda volume: content)


def rerun(root: Path, entry: str = "drivers") -> str:
    """Publish another run of an entry, with another word in it."""
    run = folder(root) / "runs" / Shelf(folder(root)).current()[entry]
    notebook = nbformat.read(run / "notebook.ipynb", as_version=4)
    notebook.cells[0].source += " Otra vez."
    content = {path.name: path.read_bytes() for path in run.iterdir() if path.name != "manifest.json"}
    content["notebook.ipynb"] = nbformat.writes(notebook).encode()
    said = json.loads((run / "manifest.json").read_text())
    content["report.html"] = content["report.html"].replace(b"</main>", b"<p>Otra vez.</p></main>")
    said["fingerprint"] = {"id": f"{run.name}b"}
    with shelf(root, "fibra") as opened:
        name = opened.publish(entry, f"{run.name}b", content, said)
        opened.show(entry, name, content["report.html"])
    return name


def test_a_version_holds_the_pages_and_the_zip_what_may_be_sent(root):
    done = deliver("fibra", root, makers=[maker(b"slides")], today=DAY)
    assert (done.new, done.folder.name) == (True, "2026-11-26-1")
    with zipfile.ZipFile(done.zip) as packed:
        names = packed.namelist()
        assert names == ["fibra.deck", "pages/drivers.html", "pages/index.html", "pages/scorecard.html"]
        assert {entry.date_time for entry in packed.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert packed.read("fibra.deck") == b"slides"
        every = b"".join(packed.read(name) for name in names)
        drivers = volume("fibra", root).chapters[0]
        assert drivers.entry == "drivers"
        assert packed.read("pages/drivers.html") == drivers.page().encode()
    for inner in (b"notebook.ipynb", b'href="runs/', b"failed/", b"quarantine", bytes(root)):
        assert inner not in every
    links = json.loads((folder(root) / "deliveries/current.json").read_text())
    assert links["version"] == "2026-11-26-1"
    assert {*links["files"]} == {"pages", "deck", "zip"}
    assert all((folder(root) / link).is_file() for link in links["files"].values())


def test_the_same_content_makes_no_new_version_and_no_version_is_ever_changed(root):
    first = deliver("fibra", root, today=DAY)
    before = {p: p.read_bytes() for p in first.folder.rglob("*") if p.is_file()}
    again = deliver("fibra", root, today=date(2026, 12, 1))
    assert (again.new, again.folder) == (False, first.folder)
    rerun(root)
    second = deliver("fibra", root, today=DAY)
    assert (second.new, second.folder.name) == (True, "2026-11-26-2")
    assert {p: p.read_bytes() for p in first.folder.rglob("*") if p.is_file()} == before
    lines = [json.loads(line) for line in (folder(root) / REGISTER).read_text().splitlines()]
    assert [line["version"] for line in lines] == ["2026-11-26-1", "2026-11-26-2"]
    assert lines[0]["runs"] == {"drivers": "drivers-es", "scorecard": "scorecard-es"}
    assert lines[1]["runs"]["drivers"] == "drivers-esb"
    assert lines[0]["files"].keys() == lines[1]["files"].keys()
    assert (lines[0]["language"], lines[0]["edits"]) == ("es", "")


def test_a_version_whose_folder_is_gone_is_still_told_and_its_name_is_not_used_again(root):
    first = deliver("fibra", root, today=DAY)
    with shelf(root, "fibra") as opened:
        opened.drop(f"deliveries/{first.folder.name}")
    assert deliver("fibra", root, today=DAY).folder.name == "2026-11-26-2"
    assert [record["version"] for record in registered(folder(root))] == ["2026-11-26-1", "2026-11-26-2"]


def test_what_ended_between_the_files_and_the_register_is_entered_the_next_time(root, monkeypatch):
    deliver("fibra", root, today=DAY)
    rerun(root)
    with monkeypatch.context() as ended:
        ended.setattr(delivered, "enter", lambda opened: None)
        ended.setattr(delivered, "_point", lambda opened, record: None)
        deliver("fibra", root, today=DAY)
    assert len((folder(root) / REGISTER).read_text().splitlines()) == 1
    line = (folder(root) / REGISTER).read_text()
    assert not deliver("fibra", root, today=DAY).new
    assert (folder(root) / REGISTER).read_text().startswith(line)
    assert [record["version"] for record in registered(folder(root))] == ["2026-11-26-1", "2026-11-26-2"]
    assert json.loads((folder(root) / "deliveries/current.json").read_text())["version"] == "2026-11-26-2"
    with pytest.raises(WorkbenchError, match="is in the way"), shelf(root, "fibra") as opened:
        opened.put("deliveries/2026-11-26-2", {"a": b""})


def test_delivered_runs_are_not_cleared(root):
    deliver("fibra", root, today=DAY)
    rerun(root)
    assert old(folder(root), keep=0).old == ()
    (folder(root) / REGISTER).unlink()  # each version says it too
    assert old(folder(root), keep=0).old == ()
    (folder(root) / REGISTER).write_text("no register\n")
    with pytest.raises(WorkbenchError, match=r"register\.jsonl cannot be read"):
        old(folder(root), keep=0)


def test_a_study_with_failures_is_delivered_only_when_asked(root, capsys):
    with shelf(root, "fibra") as opened:
        opened.fail("drivers", {"error.json": b'{"cell": 3, "message": "no"}'})
    with pytest.raises(RunError, match="1 entries of fibra failed .*: drivers; .*--despite-failures"):
        deliver("fibra", root, today=DAY)
    assert main(["deliver", "fibra", "--despite-failures", "--root", str(root)]) == 0
    said = capsys.readouterr().out
    assert "failed or never run, and delivered as they were or not at all: drivers" in said
    assert "delivered as " in said
    assert main(["deliver", "fibra", "--despite-failures", "--root", str(root)]) == 0
    assert "nothing has changed since " in capsys.readouterr().out


def test_what_this_machine_cannot_make_is_said_and_the_rest_is_made(root):
    def unable(volume):
        raise WorkbenchError("no library for it")

    done = deliver("fibra", root, makers=[Maker("pdf", ".pdf", unable), maker(b"slides")], today=DAY)
    assert done.missing == {"pdf": Message("no library for it")}
    assert {*done.record["kinds"]} == {"pages", "deck"}


def test_runs_of_another_language_are_not_passed_off(root):
    with pytest.raises(ParameterError, match="drivers of fibra is published in es, not in en: run the study"):
        deliver("fibra", root, language="en", today=DAY)
    volume_examples.publish(root, "en", study="fibra-language-en")
    done = deliver("fibra", root, language="en", today=DAY)
    assert (done.record["study"], done.record["language"]) == ("fibra-language-en", "en")


def test_a_page_that_says_where_the_workbench_is_does_not_leave(root):
    run = folder(root) / "runs" / Shelf(folder(root)).current()["drivers"]
    notebook = nbformat.read(run / "notebook.ipynb", as_version=4)
    notebook.cells[0].source += f" Vea {root}/data."
    content = {path.name: path.read_bytes() for path in run.iterdir() if path.name != "manifest.json"}
    content["notebook.ipynb"] = nbformat.writes(notebook).encode()
    told = f"<p>Vea {root}/data.</p></main>".encode()
    content["report.html"] = content["report.html"].replace(b"</main>", told)
    with shelf(root, "fibra") as opened:
        said = json.loads((run / "manifest.json").read_text())
        opened.show("drivers", opened.publish("drivers", "other", content, said), b"")
    with pytest.raises(RunError, match="hold what may not leave"):
        deliver("fibra", root, today=DAY)
    assert not (folder(root) / "deliveries").exists()


def test_two_deliveries_of_the_same_files_are_the_same_zip(root, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    volume_examples.publish(other)
    zips = [deliver("fibra", place, today=DAY).zip.read_bytes() for place in (root, other)]
    assert zips[0] == zips[1]
    assert zipfile.ZipFile(io.BytesIO(zips[0])).testzip() is None


def test_names_of_files_say_nothing_that_a_client_wrote(tmp_path):
    hostile = payloads.hostile(payloads.PAYLOADS["path"])
    found = files.made(
        replace(hostile, study="fibra"), root=tmp_path / "elsewhere", makers=[maker(b"slides")]
    )
    assert all(re.fullmatch(r"(pages/)?[a-z0-9_-]+\.(html|deck)", name) for name in found.content)
    assert payloads.harm_in_html(found.content["pages/index.html"].decode()) == []
