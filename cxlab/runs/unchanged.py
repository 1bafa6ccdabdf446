"""Which entries of a study need no kernel: their published run still is what a new one would be.

A run is trusted when nothing moved while it was made, when its fingerprint is today's, when the tables
are still those of the client's files, and when the bytes of its folder and of its page are those that its
manifest names. Whatever is in doubt runs again; an entry that failed always does. No heavy library is
loaded here: a study in which nothing changed is answered in well under a second.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cxlab.intake.unchanged import sources_in_doubt, table_in_doubt
from cxlab.runs.entries import Entry
from cxlab.runs.history import seen
from cxlab.runs.provenance import Ground, file_digest, fingerprint, json_digest
from cxlab.runs.publish import Shelf, intact, manifest_of
from cxlab.runs.stages import awaited
from cxlab.runs.study import Study

NOTE = "current/index.json"


def grounds_of(study: Study) -> dict[str, Ground]:
    """Return what the entries of each client stand on now.

    Raises
    ------
    InputError
        If a client.yaml cannot be read.
    """
    clients = {study.client, *(study.client_of(entry) for entry in study.entries)}
    folders = {
        client: {folder_of(each) for each in study.entries if study.client_of(each) == client}
        for client in clients
    }
    return {client: Ground.of(study.root, client, folders[client]) for client in clients}


def folder_of(entry: Entry) -> Path:
    """Return where an entry's notebook is, and its kernel works."""
    return entry.notebook.resolve().parent


def asked(study: Study, entry: Entry) -> dict[str, str]:
    """Return what the files of a run say of it besides its parameters."""
    return {
        "entry": entry.id,
        "name": entry.notebook.stem,
        "client": study.client_of(entry),
        "language": study.language_of(entry),
    }


def settings(study: Study, entry: Entry) -> dict[str, Any]:
    """Return all that an entry was asked, as its fingerprint takes it: of nobody's page, also its name."""
    client = study.client_of(entry)
    declared = client and (study.root / "data" / client / "client.yaml").exists()
    nobody = "" if declared else study.title or study.name
    said = {**asked(study, entry), "nobody": nobody, "parameters": entry.parameters}
    return {**said, "after": awaited(study, entry)} if entry.after else said


def unchanged(
    study: Study, shelf: Shelf, grounds: Mapping[str, Ground], entries: Iterable[Entry]
) -> dict[str, str]:
    """Return which entries of a study keep their published run, each with the name of its run folder."""
    current, data = shelf.current(), {client: _Data(ground) for client, ground in grounds.items()}
    kept: dict[str, str] = {}
    for entry in entries:
        client, run = study.client_of(entry), current.get(entry.id, "")
        prints = _stands(study, entry, shelf.folder, run, grounds[client]) if run else None
        if prints is not None and data[client].hold(prints["tables"]):
            kept[entry.id] = run
    return kept


@dataclass
class _Data:
    """A client's files and tables, each compared once with what the last check noted."""

    ground: Ground
    _doubts: dict[str, bool] = field(default_factory=dict)

    def hold(self, tables: Collection[str]) -> bool:
        """Tell whether the client's files and some of its tables are as they were."""
        client, index = self.ground.client, self.ground.index
        if client is None or index is None:
            return True  # nothing to read
        if "" not in self._doubts:
            self._doubts[""] = sources_in_doubt(client, index)
        for table in tables:
            if table in index["tables"] and table not in self._doubts:
                self._doubts[table] = table_in_doubt(client, index, table)
        return not any(self._doubts.get(name, False) for name in ("", *tables))


def _stands(study: Study, entry: Entry, folder: Path, run: str, ground: Ground) -> dict[str, Any] | None:
    """Return the fingerprint of a published run if it is today's and its files are whole."""
    manifest = manifest_of(folder / "runs" / run)
    if (folder / "failed" / entry.id).exists():
        return None
    if "study" in entry.parameters and not entry.after:
        return None  # it reads what is published elsewhere, which nothing here knows to be as it was
    try:
        prints: dict[str, Any] = manifest["fingerprint"]
        notebook = json.loads(entry.notebook.read_text(encoding="utf-8-sig"))
        said = settings(study, entry)
        now = fingerprint(notebook, said, prints["tables"], ground, settled=True, folder=folder_of(entry))
        page = manifest["outputs"]["report.html"]["sha256"]
        whole = file_digest(folder / f"{entry.id}.html") == page and intact(folder / "runs" / run)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return prints if whole and now == prints else None


def gallery_note(study: Study, shelf: Shelf, ground: Ground) -> dict[str, str]:
    """Return what index.html is made of, and its hash, as `NOTE` keeps them."""
    made_of = [
        [study.name, study.title, study.client, study.language, study.loose],
        [[entry.id, entry.title, entry.sweep, list(entry.after)] for entry in study.entries],
        shelf.current(),
        [ground.sources, ground.versions, ground.declaration],
        seen(shelf.folder),
    ]
    return {"made_of": json_digest(made_of), "sha256": file_digest(shelf.folder / "index.html")}


def gallery_stands(study: Study, shelf: Shelf, ground: Ground) -> bool:
    """Tell whether index.html is what would be made of these entries and their runs."""
    try:
        said = json.loads((shelf.folder / NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(said == gallery_note(study, shelf, ground)) and (shelf.folder / "index.html").is_file()
