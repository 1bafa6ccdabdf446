"""manifest.json of a run, and error.json of one that failed: what it was asked, made of, and how it went.

Times and facts of the machine are here and nowhere else: everything else that a run leaves has the same
bytes whenever and wherever it is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from cxlab.errors import InputError
from cxlab.intake.folders import declared_path
from cxlab.runs import outputs, provenance
from cxlab.runs.stages import awaited

if TYPE_CHECKING:
    from cxlab.runs.entries import Entry
    from cxlab.runs.outcome import Outcome
    from cxlab.runs.provenance import Ground
    from cxlab.runs.study import Study

SCHEMA = 2  # 1 knew nothing of the files behind a table, nor how long a cell took


def manifest(
    study: Study, entry: Entry, outcome: Outcome, prints: Mapping[str, Any], ground: Ground
) -> dict[str, Any]:
    """Return what manifest.json says of a run that came to its end, besides the hashes of its files.

    Parameters
    ----------
    study : Study
    entry : Entry
    outcome : Outcome
        How it was executed.
    prints : mapping
        Its fingerprint, with its parts.
    ground : Ground
        What it stood on.

    Returns
    -------
    dict
        schema; id; study, entry and, of a point of a grid, its sweep and choices; status; notebook, its
        folder if that is not notebooks/, and notebook_sha256, the hash of its cells as written; language;
        parameters; client; seed; inputs, each table read with rows, rows used, hash and the files behind
        it; told, the bases that it shows, by question and group; after, the runs of other entries that it
        read; fingerprint; versions; git; machine, on which it was executed; kernel, how that came about and
        what it used; started, finished, seconds, and cells: how long each code cell took, counted as a
        reader would.
    """
    return {
        "schema": SCHEMA,
        "id": prints["id"],
        **_asked(study, entry, outcome),
        "notebook_sha256": prints["notebook"],
        "client": study.client_of(entry),
        "seed": entry.parameters.get("seed"),
        "inputs": _inputs(outcome.notebook, ground),
        "told": outputs.plain(outputs.told(outcome.notebook)),
        **({"after": awaited(study, entry)} if entry.after else {}),
        "fingerprint": dict(prints),
        "versions": dict(provenance.versions()),
        "git": dict(provenance.commit(study.root)),
        "machine": dict(outcome.machine),
        "kernel": dict(outcome.kernel),
        **_times(outcome),
    }


def _inputs(notebook: Mapping[str, Any], ground: Ground) -> list[dict[str, Any]]:
    """Return what a notebook read; of the files behind it also how many bytes they have."""
    sizes = _sizes(ground)
    inputs: list[dict[str, Any]] = outputs.plain(outputs.reads(notebook))
    for read in inputs:
        read["files"] = [{**file, "bytes": sizes.get(file["sha256"])} for file in read.get("files", ())]
    return inputs


def _sizes(ground: Ground) -> dict[str, int]:
    """Return the bytes of the client's files by their hash; a query has rows and no bytes."""
    found: dict[str, int] = {}
    if ground.client is None or ground.index is None:
        return found
    for source in (source for table in ground.index["tables"].values() for source in table["sources"]):
        if "database_sha256" not in source["how"] and source["sha256"] not in found:
            with suppress(OSError, InputError):  # it may be gone: its tables stand
                path = declared_path(ground.client.folder, source["file"])
                found[source["sha256"]] = path.stat().st_size
    return found


def failure(study: Study, entry: Entry, outcome: Outcome, message: str) -> dict[str, Any]:
    """Return what error.json says of a run that failed: what it was asked, where it stopped, and why."""
    return {
        "schema": SCHEMA,
        **_asked(study, entry, outcome),
        "cell": outcome.cell,
        "line": outcome.line,
        "error": outcome.error_name,
        "message": str(message),
        **_times(outcome),
    }


def _asked(study: Study, entry: Entry, outcome: Outcome) -> dict[str, Any]:
    return {
        "study": study.name,
        "entry": entry.id,
        **({"sweep": entry.sweep, "choices": outputs.plain(entry.choices)} if entry.sweep else {}),
        "status": outcome.status,
        "notebook": entry.notebook.name,
        **_folder(study, entry),
        "language": study.language_of(entry),
        "parameters": outputs.plain(entry.parameters),
    }


def _folder(study: Study, entry: Entry) -> dict[str, str]:
    """Return where in the workbench a notebook is that is not in notebooks/: it works there."""
    folder = entry.notebook.resolve().parent
    if folder == (study.root / "notebooks").resolve() or not folder.is_relative_to(study.root.resolve()):
        return {}
    return {"folder": folder.relative_to(study.root.resolve()).as_posix()}


def _times(outcome: Outcome) -> dict[str, Any]:
    return {
        "started": outcome.started.isoformat(),
        "finished": outcome.finished.isoformat(),
        "seconds": round((outcome.finished - outcome.started).total_seconds(), 3),
        "cells": {str(cell): round(seconds, 3) for cell, seconds in sorted(outcome.seconds.items())},
    }
