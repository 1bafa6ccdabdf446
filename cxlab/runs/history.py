"""What the shelf of a study says of before: which run came before another, what was handed over.

A run is compared with the newest other run of its entry by the bytes of results.json, which its manifest
names: the same numbers and claims, or not. Pages of what changed (`cxlab diff --html`) are led to where
they are.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxlab.runs.deliveries.register import CURRENT, PLACE, RECORD
from cxlab.runs.publish import Shelf, manifest_of

if TYPE_CHECKING:
    from cxlab.reporting.gallery import Delivered, Entry

COMPARED = "compared"


@dataclass
class History:
    """The runs of a study by entry; each manifest is read once, because a run never changes."""

    _runs: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)
    _read: set[str] = field(default_factory=set)

    def read(self, folder: Path) -> None:
        """Take up the runs of a study's folder that are not yet known."""
        there: list[str] = []
        with suppress(FileNotFoundError):
            there = sorted(os.listdir(folder / "runs"))
        for name in there:
            if name in self._read:
                continue
            said = manifest_of(folder / "runs" / name)
            results = said.get("outputs", {}).get("results.json", {}).get("sha256", "")
            if said.get("entry"):
                told = (str(said.get("finished", "")), str(results))
                self._runs.setdefault(str(said["entry"]), {})[name] = told
                self._read.add(name)

    def before(self, entry: str, run: str) -> str:
        """Return the newest other run of an entry, or nothing."""
        others = {name: told for name, told in self._runs.get(entry, {}).items() if name != run}
        return max(others, key=lambda name: (others[name][0], name), default="")

    def told(self, card: Entry, run: str, folder: Path) -> Entry:
        """Return a card that says how its run stands to the one before; one that failed says that.

        Parameters
        ----------
        card : Entry
        run : str
            Of which its page is.
        folder : Path
            Of the study.
        """
        own = self._runs.get(card.name, {})
        if card.status == "failed" or run not in own:
            return card
        before = self.before(card.name, run)
        if not before:
            return replace(card, status="new")
        page = compared(before, run)
        return replace(
            card,
            status="unchanged" if own[before][1] == own[run][1] else "changed",
            compared=page if (folder / page).is_file() else "",
        )


def compared(before: str, after: str) -> str:
    """Return where in a study's folder the page is that compares two of its runs, by their ids."""
    return f"{COMPARED}/{before}--{after}.html"


def delivered(folder: Path) -> Delivered | None:
    """Return what the latest delivery of a study made, as far as it is there; None if there is none.

    Parameters
    ----------
    folder : Path
        Of the study.
    """
    from cxlab.reporting.gallery import Delivered  # a study in which nothing changed does without

    said = _read(folder / CURRENT)
    files = said.get("files")
    if not isinstance(files, Mapping):
        return None
    there = {str(kind): str(href) for kind, href in files.items() if (folder / str(href)).is_file()}
    record = _read(folder / PLACE / str(said.get("version", "")) / RECORD)
    of, current = record.get("runs"), Shelf(folder).current()
    older = isinstance(of, Mapping) and any(current.get(entry) != run for entry, run in of.items())
    return Delivered(version=str(said.get("version", "")), files=there, older=older) if there else None


def seen(folder: Path) -> list[Any]:
    """Return what of a study's folder, besides its runs and their pages, its gallery tells of."""
    found: list[Any] = []
    for name in ("runs", COMPARED):
        with suppress(FileNotFoundError):
            found.append(sorted(os.listdir(folder / name)))
    with suppress(OSError):
        found.append((folder / CURRENT).read_text("utf-8", "replace"))
    return found


def _read(path: Path) -> dict[str, Any]:
    try:
        said = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}
