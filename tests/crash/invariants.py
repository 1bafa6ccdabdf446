"""What a reader may see at any instant, and the reader that looks all the while."""

import hashlib
import json
import os
import select
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from crash import model

ROOMS = {"runs", "current", "failed", "quarantine", ".tmp", ".lock", ".owner", "index.html"}


class Watcher:
    """Looks at a study; remembers which version it saw of each page, for none may go back.

    A check that takes several looks counts only if what it began from still is as it was: a run may be
    moved away, whole, between one look and the next.
    """

    def __init__(self, root: Path) -> None:
        self.folder = model.shelf_of(root)
        self.excused = root / "damaged"
        self.seen: dict[str, int] = {}
        self.whole: set[str] = set()  # runs that this look found whole

    def violations(self) -> list[str]:
        self.whole.clear()
        return [
            *self._rooms(),
            *self._pages(),
            *self._notes(),
            *self._index(),
            *self._runs(),
            *self._failed(),
        ]

    def _rooms(self) -> Iterator[str]:
        pages = {f"{entry}.html" for entry in model.ENTRIES}
        for path in self.folder.iterdir():
            if path.name not in ROOMS | pages and not path.name.startswith(".owner."):
                yield f"what is {path.name}?"

    def _pages(self) -> Iterator[str]:
        for entry in model.ENTRIES:
            page = read_bytes(self.folder / f"{entry}.html")
            version = model.version_in(page)
            if page != model.page_of(entry, version):
                yield f"{entry}.html is not whole ({len(page)} bytes)"
            elif version < self.seen.get(entry, 0):
                yield f"{entry}.html went back from {self.seen[entry]} to {version}"
            else:
                self.seen[entry] = version
                run = model.run_of(entry, version)
                if not self._verifies(run) and read_bytes(self.folder / f"{entry}.html") == page:
                    yield f"{entry}.html is of {run}, which is not whole"

    def _notes(self) -> Iterator[str]:
        for entry in model.ENTRIES:
            path = self.folder / "current" / f"{entry}.json"
            note = read_bytes(path)
            if not self._verifies(model.note_in(note)) and read_bytes(path) == note:
                yield f"current/{entry}.json names no whole run: {note!r}"

    def _index(self) -> Iterator[str]:
        path = self.folder / "index.html"
        index = read_bytes(path)
        try:
            runs = model.runs_in(index)
        except ValueError:
            runs = {}
        if index != model.index_of(runs):
            yield f"index.html is not whole ({len(index)} bytes)"
        for run in runs.values():
            if not self._verifies(run) and read_bytes(path) == index:
                yield f"index.html leads to {run}, which is not whole"

    def _runs(self) -> Iterator[str]:
        for run in os.listdir(self.folder / "runs"):
            if not self._verifies(run) and not self._verifies(run) and (self.folder / "runs" / run).exists():
                yield f"runs/{run} does not verify"

    def _failed(self) -> Iterator[str]:
        for path in (self.folder / "failed").glob("*"):
            left = files_of_folder(path)
            said = left.get("notebook.ipynb", b"").decode().rpartition(" ")[2]
            if not (said.isdigit() and left == model.remains_of(path.name, int(said))) and path.exists():
                again = files_of_folder(path)
                if again == left:
                    yield f"failed/{path.name} is not whole"

    def _verifies(self, run: str) -> bool:
        """Tell whether a run is whole, or one that the harness damages: it says so before it does."""
        if run and run not in self.whole and self._is_published(run):
            self.whole.add(run)
        return run in self.whole or (bool(run) and (self.excused / run).exists())

    def _is_published(self, run: str) -> bool:
        """Tell whether a run has the files and hashes of its manifest, and is what was published as it."""
        files = files_of_folder(self.folder / "runs" / run)
        try:
            manifest = json.loads(files["manifest.json"])
            hashes = {name: each["sha256"] for name, each in manifest["outputs"].items()}
            published = model.run_folder(manifest["entry"], manifest["version"])
        except (ValueError, KeyError, TypeError):
            return False
        found = {name: hashlib.sha256(c).hexdigest() for name, c in files.items() if name != "manifest.json"}
        return found == hashes and files == published and bool(manifest["id"] == run)


def read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def files_of_folder(folder: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    with suppress(OSError):
        for path in folder.rglob("*"):
            if not path.is_dir():
                found[path.relative_to(folder).as_posix()] = path.read_bytes()
    return found


class Reader:
    """A process that looks until it is told to end; `looks` and `violations` are there after the block."""

    def __init__(self, look: Callable[[], list[str]], *, pause: float = 0.002) -> None:
        self.look, self.pause = look, pause
        self.looks, self.violations = 0, [""][:0]

    def __enter__(self) -> "Reader":
        ended, self._end = os.pipe()
        self._said, say = os.pipe()
        self._process = os.fork()
        if self._process == 0:
            os.close(self._end)
            code = 1
            try:
                os.write(say, json.dumps(self._watch(ended)).encode())
                code = 0
            finally:
                os._exit(code)
        os.close(ended)
        os.close(say)
        return self

    def _watch(self, ended: int) -> tuple[int, list[str]]:
        looks, found = 0, [""][:0]
        while not select.select([ended], [], [], 0)[0]:
            found += self.look()
            looks += 1
            time.sleep(self.pause)
        return looks, found[:20]

    def __exit__(self, *_: object) -> None:
        os.close(self._end)
        with os.fdopen(self._said) as said:
            self.looks, self.violations = json.loads(said.read() or '[0, ["the reader died"]]')
        os.waitpid(self._process, 0)
