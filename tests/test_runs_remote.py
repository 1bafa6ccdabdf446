"""A study sent elsewhere: whole or as it was, wherever the upload breaks; nothing is sent twice."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import fsspec
import pytest
from crash import model
from fsspec.implementations.memory import MemoryFileSystem

from cxlab import shelf_commands
from cxlab.cli import main
from cxlab.errors import ParameterError, WorkbenchError
from cxlab.runs import remote
from cxlab.runs.publish import shelf

VERSIONS = (0, 3)  # both entries come to their end in them


class Breaking(MemoryFileSystem):
    """Fails at one of its operations: before it, or after it came to its end."""

    cachable = False
    at, count, late = 0, 0, False

    def _one(self, act):
        type(self).count += 1
        if self.count == self.at and not self.late:
            raise ConnectionError("the line broke\nin the middle")
        try:
            return act()
        finally:
            if self.count == self.at:
                raise ConnectionError("the line broke\nin the middle")

    def pipe_file(self, path, value, **options):
        return self._one(lambda: super(Breaking, self).pipe_file(path, value, **options))

    def cat_file(self, path, **options):
        return self._one(lambda: super(Breaking, self).cat_file(path, **options))

    def info(self, path, **options):
        return self._one(lambda: super(Breaking, self).info(path, **options))


@pytest.fixture
def store(monkeypatch):
    monkeypatch.setattr(MemoryFileSystem, "store", {})
    monkeypatch.setattr(MemoryFileSystem, "pseudo_dirs", [""])
    return MemoryFileSystem(skip_instance_cache=True)


@pytest.fixture
def breaking(store):
    fsspec.register_implementation("memory", Breaking, clobber=True)
    yield store
    fsspec.register_implementation("memory", MemoryFileSystem, clobber=True)


def there(store: MemoryFileSystem) -> dict[str, bytes]:
    prefix = f"/bucket/{model.STUDY}/"
    return {path.removeprefix(prefix): store.cat_file(path) for path in store.find("/bucket")}


def expected(version: int) -> dict[str, bytes]:
    left_here = ("failed/", "quarantine/")
    return {name: each for name, each in model.golden(version).items() if not name.startswith(left_here)}


def expected_after() -> dict[str, bytes]:
    tree = {name: each for name, each in model.golden(3).items() if not name.startswith("failed/")}
    old = [f"runs/{model.run_of(entry, 2)}/" for entry in model.ENTRIES]
    return {name: each for name, each in tree.items() if not name.startswith(tuple(old))}


def seen(files: dict[str, bytes]) -> list[str]:
    """Return what a reader could find wrong."""
    wrong = []
    for entry in model.ENTRIES:
        page = files[f"{entry}.html"]
        if page not in [model.page_of(entry, version) for version in VERSIONS]:
            wrong.append(f"{entry}.html is of no version")
        pages = {run: files.get(f"runs/{run}/report.html") for run in runs(files)}
        if page not in pages.values():
            wrong.append(f"{entry}.html is of no whole run")
        if model.note_in(files[f"current/{entry}.json"]) not in pages:
            wrong.append(f"{entry}: the note leads nowhere")
    if not {*model.runs_in(files["index.html"]).values()} <= {*runs(files)}:
        wrong.append("the gallery leads nowhere")
    return wrong


def runs(files: dict[str, bytes]) -> list[str]:
    """Return the runs that have a manifest, each whole."""
    found = [name.split("/")[1] for name in files if name.endswith("/manifest.json")]
    for run in found:
        said = json.loads(files[f"runs/{run}/manifest.json"])
        for name, content in model.run_folder(said["entry"], said["version"]).items():
            assert files[f"runs/{run}/{name}"] == content
    return found


def refusal(act) -> str:
    try:
        act()
    except WorkbenchError as error:
        return str(error)
    return ""


def publish(root: Path, version: int) -> None:
    model.publish(root, version, shelf)


def test_a_page_of_another_run_than_its_note_says_is_not_sent(tmp_path, store):
    publish(tmp_path, 0)
    entry = model.ENTRIES[-1]
    page = tmp_path / "reports/built" / model.STUDY / f"{entry}.html"
    page.write_bytes(model.page_of(entry, 3))  # as a kill between the page and its note leaves it
    to = remote.place("memory://bucket")
    assert f"{entry}.html is not as it was published" in refusal(
        lambda: remote.send(tmp_path, model.STUDY, to)
    )
    assert f"{entry}.html" not in there(store)


def test_what_readers_see_is_sent_once(tmp_path, store):
    publish(tmp_path, 0)
    to = remote.place("memory://bucket")
    done = remote.send(tmp_path, model.STUDY, to)
    assert there(store) == expected(0)
    assert (done.files, done.size, done.kept) == (17, sum(map(len, expected(0).values())), 0)
    again = remote.send(tmp_path, model.STUDY, to)
    assert (again.files, again.size, again.kept) == (0, 0, 17)
    publish(tmp_path, 3)
    assert remote.send(tmp_path, model.STUDY, to).files == 17
    assert seen(there(store)) == []
    assert there(store) == expected(0) | expected_after()


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
def test_wherever_it_breaks_readers_find_the_old_or_the_new_one(tmp_path, breaking, late):
    publish(tmp_path / "old", 0)
    publish(tmp_path / "new", 0)
    publish(tmp_path / "new", 3)
    for at in itertools.count(1):
        breaking.store.clear()
        Breaking.at, Breaking.count, Breaking.late = 0, 0, late
        remote.send(tmp_path / "old", model.STUDY, remote.place("memory://bucket"))
        Breaking.at, Breaking.count = at, 0
        said = refusal(lambda: remote.send(tmp_path / "new", model.STUDY, remote.place("memory://bucket")))
        if not said:
            break
        assert "memory://bucket could not be read or written (the line broke): what was there is" in said
        Breaking.at = 0
        assert seen(there(breaking)) == []
        remote.send(tmp_path / "new", model.STUDY, remote.place("memory://bucket"))
        assert there(breaking) == expected(0) | expected_after()
    assert at > 40


def test_a_folder_is_a_place_too(tmp_path):
    publish(tmp_path, 0)
    to = remote.place(f"file://{tmp_path}/elsewhere")
    remote.send(tmp_path, model.STUDY, to)
    assert model.tree_of(tmp_path / "elsewhere" / model.STUDY) == expected(0)
    assert remote.send(tmp_path, model.STUDY, to).files == 0


def test_in_a_folder_a_page_is_replaced_by_a_rename(tmp_path, monkeypatch):
    publish(tmp_path, 0)
    to = remote.place(f"file://{tmp_path}/elsewhere")
    remote.send(tmp_path, model.STUDY, to)
    publish(tmp_path, 3)
    replace = os.replace

    def refused(source, target):
        if str(target).endswith("scorecard.html") and "elsewhere" in str(target):
            raise OSError(28, "No space left on device")
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", refused)
        said = refusal(lambda: remote.send(tmp_path, model.STUDY, to))
    assert "No space left on device" in said
    there = tmp_path / "elsewhere" / model.STUDY
    assert (there / "scorecard.html").read_bytes() == model.page_of("scorecard", 0)
    remote.send(tmp_path, model.STUDY, to)
    assert (there / "scorecard.html").read_bytes() == model.page_of("scorecard", 3)
    assert not [*there.rglob("*.part")]


def test_a_run_that_is_there_is_mended_and_never_replaced(tmp_path, store):
    publish(tmp_path, 0)
    to = remote.place("memory://bucket")
    remote.send(tmp_path, model.STUDY, to)
    run = f"/bucket/{model.STUDY}/runs/{model.run_of('scorecard', 0)}"
    store.rm(f"{run}/results.json")
    assert remote.send(tmp_path, model.STUDY, to).files == 1
    store.pipe_file(f"{run}/manifest.json", b'{"outputs": {}}')
    with pytest.raises(WorkbenchError, match="is there with other bytes, and a run is never replaced"):
        remote.send(tmp_path, model.STUDY, to)


def test_a_damaged_run_is_not_sent(tmp_path, store):
    publish(tmp_path, 0)
    page = model.shelf_of(tmp_path) / "runs" / model.run_of("intake", 0) / "report.html"
    page.write_bytes(b"half")
    with pytest.raises(WorkbenchError, match="is not as it was published"):
        remote.send(tmp_path, model.STUDY, remote.place("memory://bucket"))
    assert "index.html" not in there(store)


@pytest.mark.parametrize(
    "url", ["ftp://h/x", "sftp://h/x", "https://h/x", "webdav://h/x", "simplecache::s3://b/x", "/a/folder"]
)
def test_places_where_half_a_file_can_be_seen_are_refused_by_name(url):
    with pytest.raises(ParameterError, match="cannot be sent to .*only where replacing") as refused:
        remote.place(url)
    assert url.partition("://")[0] in str(refused.value) or "without protocol" in str(refused.value)


@pytest.mark.parametrize("url", ["s3://AKIA:geheim@bucket/x", "abfs://a@b/x?sig=geheim", "s3://b/x#geheim"])
def test_a_secret_in_the_url_is_refused_and_not_repeated(url):
    with pytest.raises(ParameterError, match="holds a password or options") as refused:
        remote.place(url)
    assert "geheim" not in str(refused.value)


def test_a_place_needs_a_name():
    with pytest.raises(ParameterError, match="names no bucket or folder"):
        remote.place("s3:///")


@pytest.mark.parametrize(
    ("missing", "url", "said"),
    [("s3fs", "s3://bucket/x", "fsspec s3fs"), ("fsspec", "memory://bucket", "fsspec")],
)
def test_a_missing_package_is_told_with_what_to_install(missing, url, said):
    code = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from cxlab.runs import remote; from cxlab.errors import WorkbenchError\n"
        f"try: remote.place({url!r})\nexcept WorkbenchError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith(f"pip install {said}")


def test_a_place_is_refused_before_anything_runs(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("CXLAB_LANGUAGE", "en")
    for folder in ("notebooks", "data"):
        (tmp_path / folder).mkdir()
    code = main(["run", "no_such_notebook", "--to", "ftp://host/x", "--root", str(tmp_path)])
    assert code == ParameterError.exit_code
    assert capsys.readouterr().err.startswith("reports cannot be sent to ftp://: only where")


class Study:
    name = model.STUDY

    def __init__(self, root: Path) -> None:
        self.root = root


def test_the_command_sends_what_succeeded_and_says_so(tmp_path, store, capsys, monkeypatch):
    monkeypatch.setenv("CXLAB_LANGUAGE", "en")
    publish(tmp_path, 0)
    study, to = Study(tmp_path), shelf_commands.place_of("memory://bucket")
    assert shelf_commands.sent(study, None, 1) == 1
    assert shelf_commands.sent(study, to, 1) == 1
    assert "not sent to memory://bucket: some entries failed" in capsys.readouterr().out
    assert there(store) == {}
    assert shelf_commands.sent(study, to, 0) == 0
    assert "sent to memory://bucket/study: 17 files, " in capsys.readouterr().out
    assert shelf_commands.place_of("") is None
