"""What reports/built holds of one client: its runs, its pages, and what failed; found, listed, deleted.

A study of this client alone goes whole. Of a study of several clients only what is of this one goes,
with the gallery, which the next run makes again; what does not say whose it is stays and is named.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from cxlab.intake.custody.purge import Holding, Outcome, delete, walked
from cxlab.runs.lock import locked
from cxlab.runs.publish import manifest_of

LOCKS = (".lock", ".owner")


@dataclass
class Held:
    """What a study's folder holds of a client."""

    folder: Path
    files: list[Holding] = field(default_factory=list)
    entries: list[str] = field(default_factory=list)
    unknown: list[Path] = field(default_factory=list)


def held(root: str | Path, client: str) -> list[Held]:
    """Return what each study's folder holds of a client; studies that hold nothing of it are left out."""
    built = Path(root) / "reports" / "built"
    if not built.is_dir():
        return []
    folders = [each for each in sorted(built.iterdir()) if each.is_dir() and not each.is_symlink()]
    return [found for folder in folders if (found := _of(folder, client)).files]


def _of(folder: Path, client: str) -> Held:
    owners = dict(_owners(folder))
    found = Held(folder)
    if client not in owners.values():
        return found
    pages = _pages(folder, owners)
    found.entries = sorted(entry for entry, owner in pages.items() if owner == client)
    if set(owners.values()) == {client}:
        found.files = [each for each in walked(folder, "reports") if each.path.name not in LOCKS]
        return found
    found.unknown = [place for place, owner in owners.items() if not owner]
    for place in (place for place, owner in owners.items() if owner == client):
        found.files += walked(place, "reports")
    names = [
        "index.html",
        *(f"{e}.html" for e in found.entries),
        *(f"current/{e}.json" for e in found.entries),
    ]
    for path in (folder / name for name in names):
        if path.is_file() and not path.is_symlink():
            found.files.append(Holding("reports", path, path.stat().st_size))
    return found


def _owners(folder: Path) -> Iterator[tuple[Path, str]]:
    """Give each run, quarantined run and failed entry with the client that it says it is of."""
    for shelf in ("runs", "quarantine", "failed"):
        places = folder / shelf
        if not places.is_dir() or places.is_symlink():
            continue
        for place in sorted(each for each in places.iterdir() if each.is_dir() and not each.is_symlink()):
            yield place, _owner(place)


def _owner(place: Path) -> str:
    said = manifest_of(place).get("client")
    if said is None:
        try:
            said = json.loads((place / "error.json").read_text(encoding="utf-8"))["parameters"]["client"]
        except (OSError, ValueError, KeyError, TypeError):
            said = ""
    return str(said)


def _pages(folder: Path, owners: dict[Path, str]) -> dict[str, str]:
    """Return whose each stable page is."""
    pages = {}
    for path in sorted((folder / "current").glob("*.json")):
        try:
            run = str(json.loads(path.read_text(encoding="utf-8"))["run"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        pages[path.stem] = owners.get(folder / "runs" / run, "")
    return pages


def retire(found: list[Held]) -> Outcome:
    """Delete what was found, holding the lock of each study while it goes.

    Raises
    ------
    WorkbenchError
        Before anything is deleted, if a run is writing to one of the studies.
    """
    with ExitStack() as locks:
        for each in found:
            locks.enter_context(locked(each.folder))
        parts = [delete(each.files, within=[each.folder]) for each in found]
    return Outcome(
        tuple(done for part in parts for done in part.deleted),
        tuple(left for part in parts for left in part.left),
    )
