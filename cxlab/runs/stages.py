"""Which entries of a study wait for which, and what is published of those that an entry waits for.

An entry `after` others reads their published runs: it is executed once they have ended, whether well or
not, and what they are published as is part of its fingerprint.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxlab.errors import Message, Problem
from cxlab.parameters import nearest
from cxlab.runs.document import Document
from cxlab.runs.entries import Entry
from cxlab.runs.outputs import as_json, plain
from cxlab.runs.provenance import json_digest
from cxlab.runs.publish import Shelf
from cxlab.values import shown

if TYPE_CHECKING:
    from cxlab.runs.study import Study

# Of no entry: names of entries begin with a letter or a digit.
POINTS = "current/_points.json"


def after_problems(said: Document, entries: Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong with the `after` of a file's entries: names that it lacks, and circles."""
    waits = {name: _names(entry) for name, entry in entries.items()}
    problems = []
    for name, after in waits.items():
        place = ("entries", name, "after")
        for other in after:
            if other not in waits:
                close = nearest(other, waits)
                action = (
                    Message("did you mean {nearest}?", nearest=close) if close else Message("take it out")
                )
                others = ", ".join(each for each in waits if each != name) or "-"
                problems.append(said.problem(place, shown(other), others, action))
        circle = _circle(name, waits)
        if circle and name == min(circle):
            found = Message("entries that wait for each other: {names}", names=" → ".join([*circle, name]))
            allowed, action = Message("an order in which each can run"), Message("take one `after` out")
            problems.append(said.problem(place, found, allowed, action))
    return problems


def sweep_problems(said: Document, study: str, entries: Sequence[Entry]) -> list[Problem]:
    """Return which entries read a sweep, or reports, of their own study that they do not wait for.

    It would be missing, or that of an earlier run; and that would be found once all the others have run.
    """
    problems = []
    for entry in entries:
        own = entry.after and entry.parameters.get("study") == study
        asked = [("sweep", entry.parameters.get("sweep"))]
        asked += [("entries", each) for each in entry.parameters.get("entries") or ()]
        for key, read in asked:
            if own and isinstance(read, str) and read not in entry.after:
                close = nearest(read, entry.after) or entry.after[0]
                place, allowed = ("entries", entry.name, key), ", ".join(entry.after)
                action = Message("did you mean {nearest}?", nearest=close)
                problems.append(said.problem(place, shown(read), allowed, action))
    return list(dict.fromkeys(problems))


def _names(entry: Any) -> list[str]:
    after = entry.get("after") if isinstance(entry, dict) else None
    return [str(each) for each in (after if isinstance(after, list) else [after]) if isinstance(each, str)]


def _circle(name: str, waits: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the names on a way from `name` back to itself, or none."""
    ways, seen = [[name]], {name}
    while ways:
        way = ways.pop()
        for other in waits.get(way[-1], ()):
            if other == name:
                return way
            if other not in seen:
                seen.add(other)
                ways.append([*way, other])
    return []


def stages(entries: Sequence[Entry]) -> list[tuple[Entry, ...]]:
    """Return the entries in stages: those that wait for none, those that wait for these, and so on.

    Examples
    --------
    >>> curve, sweep = Entry("curve", Path(), {}, after=("sweep",)), Entry("sweep", Path(), {})
    >>> [[entry.id for entry in stage] for stage in stages([curve, sweep])]
    [['sweep'], ['curve']]
    """
    left, ended, found = list(entries), set[str](), list[tuple[Entry, ...]]()
    present = {entry.name for entry in entries}
    while left:
        ready = tuple(entry for entry in left if not present & {*entry.after} - ended) or tuple(left)
        found.append(ready)
        ended |= {entry.name for entry in ready}
        left = [entry for entry in left if entry not in ready]
    return found


def awaited(study: Study, entry: Entry) -> dict[str, str]:
    """Return what the entries that an entry waits for are published as: a run, how it failed, or nothing."""
    shelf = Shelf(study.root / "reports" / "built" / study.name)
    current = shelf.current()
    return {
        other.id: _failed_so(failure_of(shelf.folder, other.id)) or current.get(other.id, "")
        for other in study.entries
        if other.name in entry.after
    }


def failure_of(folder: Path, entry: str) -> dict[str, Any]:
    """Return error.json of an entry that failed when it last ran; empty if it did not."""
    try:
        said = json.loads((folder / "failed" / entry / "error.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def _failed_so(failure: Mapping[str, Any]) -> str:
    told = [failure.get(key) for key in ("status", "cell", "error", "message")]
    return f"failed {json_digest(told)}" if failure else ""


def points_on(shelf: Shelf) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the entries of a study as it last ran, with the choices of each of their points.

    Of notebooks that were run by themselves each is its own entry.
    """
    try:
        entries = json.loads((shelf.folder / POINTS).read_text(encoding="utf-8"))["entries"]
        return {str(name): dict(points) for name, points in entries.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {name: {name: {}} for name in shelf.current()}


def note_points(study: Study, shelf: Shelf) -> None:
    """Note which entries and points the study has now; what it had before may still lie on the shelf."""
    entries: dict[str, dict[str, Any]] = {}
    for entry in study.entries:
        entries.setdefault(entry.name, {})[entry.id] = plain(entry.choices)
    note = as_json({"schema": 1, "entries": entries})
    path = shelf.folder / POINTS
    if study.loose or (path.is_file() and path.read_bytes() == note):
        return
    path.parent.mkdir(exist_ok=True)
    shelf.replace(POINTS, note)
