"""A study in versions: what is published of each, and what must be there in the end, byte for byte."""

import hashlib
import json
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from functools import lru_cache
from pathlib import Path

from cxlab.runs.outputs import as_json
from cxlab.runs.provenance import digest, file_digest
from cxlab.runs.publish import Shelf, intact

STUDY = "study"
ENTRIES = ("scorecard", "intake")
FAILING = "intake"
CYCLE = 4
PAGE = 12_000
Opening = Callable[[Path, str], AbstractContextManager[Shelf]]


def shelf_of(root: Path) -> Path:
    return root / "reports" / "built" / STUDY


def fails(entry: str, version: int) -> bool:
    """One entry fails in two versions of every four: a failure, a failure replaced, a failure retired."""
    return entry == FAILING and version % CYCLE in (1, 2)


def shown(entry: str, version: int) -> int:
    """Return the version that the page of an entry is of, once `version` is published."""
    while fails(entry, version):
        version -= 1
    return version


def run_of(entry: str, version: int) -> str:
    return hashlib.sha256(f"{entry} {version}".encode()).hexdigest()[:16]


@lru_cache(maxsize=64)
def page_of(entry: str, version: int) -> bytes:
    filler = f"<p>{hashlib.sha256(f'{entry}/{version}'.encode()).hexdigest()}</p>\n"
    filler *= PAGE // len(filler)
    return f"<!doctype html>\n<title>{entry} {version}</title>\n{filler}</html>\n".encode()


def files_of(entry: str, version: int) -> dict[str, bytes]:
    return {
        "report.html": page_of(entry, version),
        "notebook.ipynb": as_json({"cells": [f"{entry} {version}"] * 50}),
        "results.json": as_json({"entry": entry, "version": version}),
        "tables/result-1.csv": f"label,estimate\n{entry},{version}\n".encode(),
        "figures/result-1.svg": b"<svg/>",
    }


def manifest_of_version(entry: str, version: int) -> dict[str, object]:
    return {"schema": 1, "id": run_of(entry, version), "study": STUDY, "entry": entry, "version": version}


def remains_of(entry: str, version: int) -> dict[str, bytes]:
    return {"notebook.ipynb": f"failed {version}".encode(), "error.json": as_json({"version": version})}


def index_of(current: dict[str, str]) -> bytes:
    lines = [f"<li>{entry} {run}</li>" for entry, run in sorted(current.items())]
    return "\n".join(["<!doctype html>", *lines, "x" * PAGE, "</html>", ""]).encode()


@lru_cache(maxsize=64)
def run_folder(entry: str, version: int) -> dict[str, bytes]:
    """Return the files of a published run as they must be; the hashes are computed here."""
    files = files_of(entry, version)
    outputs = {
        name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in sorted(files.items())
    }
    manifest = {**manifest_of_version(entry, version), "outputs": outputs}
    return {**files, "manifest.json": as_json(manifest)}


def golden(version: int, *, quarantined: Iterable[tuple[str, dict[str, bytes]]] = ()) -> dict[str, bytes]:
    """Return every file that must be there once `version` is published over the one before, and pruned."""
    tree: dict[str, bytes] = {}
    current = {entry: run_of(entry, shown(entry, version)) for entry in ENTRIES}
    for entry in ENTRIES:
        for each in {shown(entry, version - 1), shown(entry, version)} if version else {0}:
            tree |= {f"runs/{run_of(entry, each)}/{k}": v for k, v in run_folder(entry, each).items()}
        tree[f"{entry}.html"] = page_of(entry, shown(entry, version))
        tree[f"current/{entry}.json"] = as_json({"entry": entry, "run": current[entry]})
        if fails(entry, version):
            tree |= {f"failed/{entry}/{k}": v for k, v in remains_of(entry, version).items()}
    tree["index.html"] = index_of(current)
    for name, files in quarantined:
        tree |= {f"quarantine/{name}/{k}": v for k, v in files.items()}
    return tree


def tree_of(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder, the lock left out."""
    found = {p.relative_to(folder).as_posix(): p for p in sorted(folder.rglob("*")) if p.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if name != ".lock"}


def difference(folder: Path, expected: dict[str, bytes]) -> list[str]:
    """Say in what a study's folder is not what it must be."""
    found = tree_of(folder)
    said = [f"missing: {name}" for name in sorted(expected.keys() - found.keys())]
    said += [f"left over: {name}" for name in sorted(found.keys() - expected.keys())]
    said += [f"other bytes: {n}" for n in sorted(found.keys() & expected.keys()) if found[n] != expected[n]]
    return said + (["left over: .tmp"] if (folder / ".tmp").exists() else [])


def publish(root: Path, version: int, opening: Opening) -> None:
    """Publish a version as a run of a study does: what stands is skipped, the gallery follows each entry."""
    with opening(root, STUDY) as opened:
        for entry in ENTRIES:
            if _stands(opened, entry, version):
                continue
            if fails(entry, version):
                opened.fail(entry, remains_of(entry, version))
            else:
                files = files_of(entry, version)
                named = opened.publish(
                    entry, run_of(entry, version), files, manifest_of_version(entry, version)
                )
                opened.show(entry, named, files["report.html"])
            opened.replace("index.html", index_of(opened.current()))
        if file_digest(opened.folder / "index.html") != digest(index_of(opened.current())):
            opened.replace("index.html", index_of(opened.current()))


def _stands(opened: Shelf, entry: str, version: int) -> bool:
    page, run = opened.folder / f"{entry}.html", run_of(entry, version)
    return (
        opened.current().get(entry) == run
        and not (opened.folder / "failed" / entry).exists()
        and file_digest(page) == digest(page_of(entry, version))
        and intact(opened.folder / "runs" / run)
    )


def prune(root: Path, opening: Opening) -> None:
    """Leave only the runs that pages are of, and nothing in quarantine."""
    with opening(root, STUDY) as opened:
        current = {*opened.current().values()}
        for run in [*(opened.folder / "runs").iterdir()]:
            if run.name not in current:
                opened.drop(f"runs/{run.name}")
        for run in [*(opened.folder / "quarantine").glob("*")]:
            opened.drop(f"quarantine/{run.name}")


def version_in(page: bytes) -> int:
    """Return the version that a page says it is of; -1 when it says none."""
    try:
        return int(page.split(b"</title>")[0].rsplit(b" ", 1)[1])
    except (IndexError, ValueError):
        return -1


def runs_in(index: bytes) -> dict[str, str]:
    """Return the runs that a gallery names, by entry."""
    lines = [line.removeprefix("<li>") for line in index.decode().split("</li>\n")[:-1]]
    return dict(line.split("<li>")[-1].split(" ") for line in lines)


def note_in(content: bytes) -> str:
    """Return the run that a current note names; empty when it is none."""
    try:
        return str(json.loads(content)["run"])
    except (ValueError, KeyError, TypeError):
        return ""
