"""manifest.json of a run, and error.json of one that failed: what it was asked, made of, and how it went.

Times and facts of the machine are here and nowhere else: everything else that a run leaves has the same
bytes whenever and wherever it is made.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cxlab.runs import outputs, provenance

if TYPE_CHECKING:
    from cxlab.runs.entries import Entry
    from cxlab.runs.execute import Outcome
    from cxlab.runs.study import Study


def manifest(study: Study, entry: Entry, outcome: Outcome, prints: Mapping[str, Any]) -> dict[str, Any]:
    """Return what manifest.json says of a run that came to its end, besides the hashes of its files.

    Parameters
    ----------
    study : Study
    entry : Entry
    outcome : Outcome
        How it was executed.
    prints : mapping
        Its fingerprint, with its parts.
    """
    return {
        "schema": 1,
        "id": prints["id"],
        **_asked(study, entry, outcome),
        "client": study.client_of(entry),
        "seed": entry.parameters.get("seed"),
        "inputs": outputs.plain(outputs.reads(outcome.notebook)),
        "fingerprint": dict(prints),
        "versions": dict(provenance.versions()),
        "git": dict(provenance.commit(study.root)),
        "machine": {"system": platform.system(), "processor": platform.machine()},
        **_times(outcome),
    }


def failure(study: Study, entry: Entry, outcome: Outcome, message: str) -> dict[str, Any]:
    """Return what error.json says of a run that failed: what it was asked, where it stopped, and why."""
    return {
        "schema": 1,
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
        "language": study.language_of(entry),
        "parameters": outputs.plain(entry.parameters),
    }


def _times(outcome: Outcome) -> dict[str, Any]:
    return {
        "started": outcome.started.isoformat(),
        "finished": outcome.finished.isoformat(),
        "seconds": round((outcome.finished - outcome.started).total_seconds(), 3),
    }
