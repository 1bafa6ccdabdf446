"""The study file that makes the runs of a crate again: each entry with every parameter it had."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from cxlab.runs.crate.metadata import Packed


def study_file(runs: Sequence[Packed]) -> bytes:
    """Return a study file: its dates are text, which a notebook that declares dates takes for them."""
    entries: dict[str, dict[str, Any]] = {}
    names = {run.manifest["entry"]: _name(run) for run in runs}
    for run in runs:
        given = run.manifest["parameters"]
        choices = run.manifest.get("choices", {})
        entry = entries.setdefault(
            _name(run),
            {
                "notebook": run.notebook,
                "parameters": {key: value for key, value in given.items() if key not in choices},
            },
        )
        if choices:
            entry.setdefault("points", []).append({key: given[key] for key in choices})
        after = {names[each] for each in run.manifest.get("after", {}) if each in names}
        if after:
            entry["after"] = sorted(after)
    shared = {key: said for key in ("client", "language") if (said := runs[0].manifest.get(key))}
    text: str = yaml.safe_dump({**shared, "entries": entries}, allow_unicode=True, sort_keys=False)
    return text.encode()


def _name(run: Packed) -> str:
    return str(run.manifest.get("sweep") or run.manifest["entry"])
