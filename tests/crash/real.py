"""Kills of real runs: `cxlab run` of a small study, its kernels and all, by SIGKILL of the process alone.

Two versions of the study alternate, so that its old and its new pages can be told apart; one entry
fails in one of them. What undisturbed runs of both give, in folders of their own, is golden.
"""

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from crash.attempts import Tally
from crash.invariants import Reader, files_of_folder, read_bytes
from cxlab.runs.publish import shelf

STUDY = "acme"
ENTRIES = ("first", "second", "breaks")
VERSIONS = (1, 2)
EXPECTED = {1: 1, 2: 0}  # exit codes
ORPHANS_GONE = 60.0  # seconds; how long they really took is told
FIRST_SIGHT_SHARE = 0.5
# What the same run says whenever it is made; the rest of its manifest tells how and when that was.
SETTLED = (
    "schema", "id", "study", "entry", "status", "notebook", "notebook_sha256", "language", "parameters",
    "client", "seed", "inputs", "fingerprint", "versions", "outputs", "cell", "line", "error", "message",
)  # fmt: skip
MARK = "CXLAB_CRASH"
PARAMETERS = """\
client: str = "acme"
language: Literal["es", "en"] = "es"
seed: int = 1
where: str = ""
x: int = 1  # version
"""
SHOW = """\
from IPython.display import display
bundle = {"id": "result-1", "kind": "Scores", "settings": {}, "n_used": 10, "n_dropped": {}, "claims": [],
          "estimate_column": "estimate", "keys": ["label"], "figure": None,
          "tables": {"main": {"columns": ["label", "estimate"], "rows": [["a", x * 1.5]]}}}
figure = "<svg xmlns='http://www.w3.org/2000/svg'/>"
display({"text/html": f"<p>version {x}</p>" * 200, "image/svg+xml": figure,
         "application/vnd.cxlab.result.v1+json": bundle}, raw=True)
"""


def workbench(root: Path) -> Path:
    """Make a workbench with a study of small notebooks."""
    for folder in ("notebooks", "data/acme", "reports"):
        (root / folder).mkdir(parents=True)
    for name in ENTRIES:
        cells = ["if x == 1:\n    1 / 0"] if name == "breaks" else ["y = x + seed\nprint(y)"]
        (root / "notebooks" / f"{name}.ipynb").write_text(_notebook(name, *cells, SHOW), encoding="utf-8")
    return root


def _notebook(name: str, *sources: str) -> str:
    cells: list[dict[str, Any]] = [{"cell_type": "markdown", "metadata": {}, "source": f"# {name}"}]
    tagged = [("from cxlab.parameters import Literal", []), (PARAMETERS, ["parameters"])]
    for source, tags in [*tagged, *((source, []) for source in sources)]:
        cell = {"cell_type": "code", "metadata": {"tags": tags}, "source": source}
        cells.append({**cell, "outputs": [], "execution_count": None})
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4})


def write_study(root: Path, version: int) -> Path:
    lines = [f"  {name}: {{notebook: {name}, parameters: {{x: {version}}}}}" for name in ENTRIES]
    study = root / "reports" / f"{STUDY}.yaml"
    study.write_text("\n".join(["client: acme", "seed: 7", "entries:", *lines, ""]), encoding="utf-8")
    return study


class Command:
    """`cxlab run` of a version of the study; everything it starts bears its mark."""

    def __init__(self, root: Path, version: int) -> None:
        study = write_study(root, version)
        self.mark = uuid.uuid4().hex
        self.said = root / "said.txt"  # not a pipe: its kernels would hold it open, and be waited for
        with self.said.open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cxlab", "run", str(study), "--root", str(root), "--workers", "2"],
                stdout=said,
                stderr=subprocess.STDOUT,
                env={**os.environ, MARK: self.mark},
            )

    def ended(self) -> tuple[int, str]:
        return self.process.wait(), self.said.read_text(encoding="utf-8", errors="replace")

    def alive(self) -> list[int]:
        """Return the processes that it started, itself included."""
        mark = f"{MARK}={self.mark}".encode()
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            with suppress(OSError):
                if mark in path.read_bytes().split(b"\0"):
                    found.append(int(path.parent.name))
        return found


class Look:
    """What a reader may see of the study: pages of one version or the other, whole, and what they are of."""

    def __init__(self, folder: Path, pages: dict[str, set[str]]) -> None:
        self.folder, self.pages = folder, pages

    def __call__(self) -> list[str]:
        return [*self._pages(), *self._notes(), *self._index(), *self._runs()]

    def _pages(self) -> Iterator[str]:
        for entry in ENTRIES:
            page = read_bytes(self.folder / f"{entry}.html")
            if hashlib.sha256(page).hexdigest() not in self.pages[entry]:
                yield f"{entry}.html is of no version ({len(page)} bytes)"

    def _notes(self) -> Iterator[str]:
        for entry in ENTRIES:
            path = self.folder / "current" / f"{entry}.json"
            note = read_bytes(path)
            try:
                run = self.folder / "runs" / json.loads(note)["run"]
            except (ValueError, KeyError, TypeError):
                yield f"current/{entry}.json is not whole"
                continue
            if not _verifies(run) and read_bytes(path) == note:
                yield f"current/{entry}.json names {run.name}, which is not whole"

    def _index(self) -> Iterator[str]:
        index = read_bytes(self.folder / "index.html").strip()
        if not (index.lower().startswith(b"<!doctype html>") and index.endswith(b"</html>")):
            yield f"index.html is not whole ({len(index)} bytes)"
        yield from (f"index.html does not name {e}" for e in ENTRIES if f"{e}.html".encode() not in index)

    def _runs(self) -> Iterator[str]:
        for run in (self.folder / "runs").glob("*"):
            if not _verifies(run) and not _verifies(run) and run.exists():
                yield f"runs/{run.name} does not verify"


def look_at(root: Path, golden: dict[int, dict[str, bytes]]) -> Look:
    """Return the look at a workbench whose pages are those of one golden version or another."""
    pages = {
        entry: {hashlib.sha256(each[f"{entry}.html"]).hexdigest() for each in golden.values()}
        for entry in ENTRIES
    }
    return Look(root / "reports" / "built" / STUDY, pages)


def _verifies(run: Path) -> bool:
    files = files_of_folder(run)
    try:
        outputs = json.loads(files.pop("manifest.json"))["outputs"]
    except (ValueError, KeyError, TypeError):
        return False
    said = {name: each["sha256"] for name, each in outputs.items()}
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()} == said


def real_kills(root: Path, count: int, *, seed: int) -> tuple[Tally, Reader]:
    """Kill that many real runs, each resumed (and killed again) until it comes to its end."""
    chance, tally = random.Random(seed), Tally()
    own, golden, seconds = workbench(root / "golden"), {}, 0.0
    # Each over the other one, as below; a gallery tells the first run of an entry from those after it.
    for version in (VERSIONS[1], *VERSIONS, *VERSIONS):
        started = time.monotonic()
        code, said = Command(own, version).ended()
        if code != EXPECTED[version]:
            raise RuntimeError(said)
        seconds = time.monotonic() - started
        golden[version] = published(own)
        pruned(own)
    watched = root / "killed"
    shutil.copytree(own, watched)
    look = look_at(watched, golden)
    with Reader(look, pause=0.02) as reader:
        version = VERSIONS[0]
        while tally.kills < count:
            while tally.kills < count and _killed(watched, version, look, tally, chance, seconds):
                pass
            code, said = Command(watched, version).ended()
            found = [] if code == EXPECTED[version] else [f"running again ended with {code}: {said[-500:]}"]
            found += unlike(published(watched), golden[version])
            tally.found(found, f"kill {tally.kills}, golden, version {version}")
            pruned(watched)
            version = VERSIONS[0] + VERSIONS[1] - version
    return tally, reader


def _killed(
    root: Path, version: int, look: Look, tally: Tally, chance: random.Random, seconds: float
) -> bool:
    """Start a run and kill it, at any moment or as it begins to publish; False when it was sooner."""
    command = Command(root, version)
    if chance.random() < FIRST_SIGHT_SHARE:
        while command.process.poll() is None and not _publishing(look.folder):
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.03))
    else:
        with suppress(subprocess.TimeoutExpired):
            command.process.wait(chance.uniform(0.1, 1) * seconds)
    command.process.kill()
    if command.ended()[0] != -signal.SIGKILL:
        return False
    tally.kills += 1
    when = f"kill {tally.kills}, version {version}"
    tally.found(look(), when)
    started = time.monotonic()
    while (left := command.alive()) and time.monotonic() - started < ORPHANS_GONE:
        time.sleep(0.05)
    tally.slowest = max(tally.slowest, time.monotonic() - started)
    tally.found([f"process {each} goes on without its parent" for each in left], when)
    for each in left:
        with suppress(OSError):
            os.kill(each, signal.SIGKILL)
    return True


def _publishing(folder: Path) -> bool:
    try:
        return any(name != "probe" for name in os.listdir(folder / ".tmp"))
    except OSError:
        return False


def pruned(root: Path) -> None:
    """Leave only the runs that pages are of: the next version builds its own anew."""
    with shelf(root, STUDY) as opened:
        current = {*opened.current().values()}
        for run in [*(opened.folder / "runs").iterdir()]:
            if run.name not in current:
                opened.drop(f"runs/{run.name}")


def published(root: Path) -> dict[str, bytes]:
    """Return every file of the study; of manifests, what is not of one run only."""
    found = files_of_folder(root / "reports" / "built" / STUDY)
    found.pop(".lock", None)
    for name in [name for name in found if name.endswith(("manifest.json", "error.json"))]:
        said = json.loads(found[name])
        found[name] = json.dumps({k: v for k, v in said.items() if k in SETTLED}).encode()
    return found


def unlike(found: dict[str, bytes], golden: dict[str, bytes]) -> list[str]:
    apart = sorted(name for name in found.keys() | golden.keys() if found.get(name) != golden.get(name))
    return [*_other_prints(found, golden), *(f"not as in an undisturbed run: {name}" for name in apart)]


def _other_prints(found: dict[str, bytes], golden: dict[str, bytes]) -> Iterator[str]:
    """Say in which part the fingerprints of runs differ that were asked the same."""
    asked: list[dict[str, dict[str, Any]]] = []
    for tree in (found, golden):
        said = [json.loads(content) for name, content in tree.items() if name.endswith("manifest.json")]
        asked.append({f"{each['entry']} {each['parameters']}": each["fingerprint"] for each in said})
    for each in asked[0].keys() & asked[1].keys():
        one, other = asked[0][each], asked[1][each]
        parts = [name for name in one if one[name] != other.get(name)]
        if parts:
            yield f"{each}: another fingerprint, by {', '.join(parts)}"
