"""The entries of a study: a name of the file, its notebook, its parameters and its points."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cxlab.errors import Message, ParameterError, Problem, WorkbenchError
from cxlab.intake.tables.syntax import parse
from cxlab.parameters import Declaration, declaration, nearest
from cxlab.runs.document import Document
from cxlab.runs.limits import KEYS as LIMITS
from cxlab.runs.limits import UNLIMITED, Limits, limits
from cxlab.runs.points import point_id, points_of
from cxlab.values import shown

KEYS = ("notebook", "parameters", "points", "grid", "after", "title", *LIMITS)
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
RESERVED = {"index", "runs", "failed", "current", "quarantine", "con", "prn", "aux", "nul"}


@dataclass(frozen=True)
class Entry:
    """One notebook with every parameter it declares; `id` names its page.

    A point of a list or grid knows the `sweep`, its name in the study file, and which `choices` it is.
    `after` names what must have ended before, because this notebook reads what is published of it.
    """

    id: str
    notebook: Path
    parameters: Mapping[str, Any]
    title: str = ""
    sweep: str = ""
    choices: Mapping[str, Any] = field(default_factory=dict)
    limits: Limits = UNLIMITED
    after: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What the study file calls it; all points of a sweep have one name."""
        return self.sweep or self.id


def notebooks(root: Path) -> list[Path]:
    """Return the workbench's notebooks, by name."""
    return sorted(p for p in (root / "notebooks").glob("*.ipynb") if not p.name.startswith("."))


def named_notebook(name: str, root: Path) -> Path:
    """Return the file of a notebook: a name in notebooks/, or a path.

    Raises
    ------
    ParameterError
        If there is none; the nearest name is said.
    """
    here = root / "notebooks" / f"{name.removesuffix('.ipynb')}.ipynb"
    if "/" not in name and "\\" not in name and here.is_file():
        return here
    for path in (Path(name), root / name):
        if path.suffix == ".ipynb" and path.is_file():
            return path.resolve()
    names = [path.stem for path in notebooks(root)]
    raise ParameterError(
        "there is no notebook {name}; there are: {names}. {hint}",
        name=shown(name),
        names=", ".join(names) or "-",
        hint=_hint(Path(name).stem, names, root),
    )


def _hint(name: str, names: Iterable[str], root: Path) -> str:
    study = Path("reports", f"{name}.yaml")
    if (root / study).is_file():
        return Message("There is a study of that name: cxlab run {study}", study=study.as_posix())
    close = nearest(name, names)
    return (
        Message("Did you mean {nearest}?", nearest=close)
        if close
        else Message("A path to an .ipynb file will do too.")
    )


def lay_out(
    said: Document,
    name: str,
    entry: Any,
    shared: Mapping[str, Any],
    over: Mapping[str, Any],
    root: Path,
    *,
    held: Mapping[str, Any],
) -> tuple[list[Entry], list[Problem]]:
    """Return the entries that one name of the file stands for, and what is wrong with it.

    `over` and `held` are the parameters and the limits that replace what the file says.
    """
    place = ("entries", name)
    entry = {} if entry is None else entry
    problems = _entry_problems(said, place, entry)
    if problems:
        return [], problems
    try:
        path = named_notebook(str(entry.get("notebook") or name), root)
        declared = declaration(path)
    except ParameterError as error:
        allowed, action = Message("a notebook that can be run"), Message("correct its name, or the notebook")
        return [], [said.problem((*place, "notebook"), error.message, allowed, action), *error.problems]
    own = entry.get("parameters") or {}
    # What reads the reports of its study reads those that it waits for.
    waited = {"entries": awaits} if (awaits := _names(entry.get("after"))) else {}
    handed = {key: value for key, value in {**waited, **shared}.items() if key in declared.names}
    base = {**handed, **own, **{key: value for key, value in over.items() if key in declared.names}}
    problems = _not_declared(said, place, declared, shared, over)
    problems += [said.placed((*place, "parameters"), p) for p in declared.problems(base)]
    fixed = base.keys() & (own.keys() | over.keys())
    points, found = points_of(said, place, declared, entry, base, fixed)
    problems += found
    if problems:
        return [], problems
    title = title_in(entry.get("title"), str(shared.get("language", "es")))
    sweep = name if entry.keys() & {"points", "grid"} else ""
    after = tuple(map(str, _names(entry.get("after"))))
    kept, _ = limits({**entry, **held})
    made = []
    for point in points:
        parameters = declared.validate({**base, **point})
        choices = {key: parameters[key] for key in point}
        made.append(Entry(point_id(name, choices), path, parameters, title, sweep, choices, kept, after))
    found = client_problems(made[0].parameters, root)
    found += [problem for entry in made for problem in filter_problems(entry.parameters)]
    return made, [said.placed(place, p) for p in dict.fromkeys(found)]


def _names(after: Any) -> list[Any]:
    return [] if after is None else after if isinstance(after, list) else [after]


def _entry_problems(said: Document, place: tuple[str, ...], entry: Any) -> list[Problem]:
    problems = []
    if not NAME.fullmatch(place[-1]) or place[-1] in RESERVED:
        allowed = Message(
            "lower-case letters, digits, - and _, up to 60; not {reserved}",
            reserved=", ".join(sorted(RESERVED)),
        )
        problems.append(said.problem(place, shown(place[-1]), allowed, Message("give the entry such a name")))
    if not isinstance(entry, dict):
        return [
            *problems,
            said.problem(place, shown(entry), ", ".join(KEYS), Message("write its notebook and parameters")),
        ]
    problems += [unknown_key(said, (*place, key), KEYS) for key in entry if key not in KEYS]
    problems += [said.placed(place, problem) for problem in limits(entry)[1]]
    for key in ("parameters", "grid"):
        if not isinstance(entry.get(key) or {}, dict):
            allowed = Message("a mapping from names to values")
            problems.append(
                said.problem(
                    (*place, key), shown(entry[key]), allowed, Message("write one `name: value` per line")
                )
            )
    names = _names(entry.get("after"))
    if not all(isinstance(each, str) for each in names):
        allowed, action = Message("a name, or a list of names"), Message("name entries of this file")
        problems.append(said.problem((*place, "after"), shown(entry["after"]), allowed, action))
    return problems


def _not_declared(
    said: Document,
    place: tuple[str, ...],
    declared: Declaration,
    shared: Mapping[str, Any],
    over: Mapping[str, Any],
) -> list[Problem]:
    # A filter that is quietly not applied gives wrong numbers; any other shared value is only not needed.
    missing = [key for key in {**over, "where": ""} if shared.get(key) and key not in declared.names]
    return [
        said.placed(place, not_taken(key, declared)) for key in missing if key not in ("language", "client")
    ]


def not_taken(name: str, declared: Declaration) -> Problem:
    """Return the problem of a parameter that a notebook does not take."""
    found = Message("{name}, which {notebook} does not declare", name=shown(name), notebook=declared.notebook)
    action = Message("declare it in the notebook's parameters cell, or do not give it")
    return Problem(found=found, allowed=", ".join(declared.names), action=action, column=name)


def client_problems(parameters: Mapping[str, Any], root: Path) -> list[Problem]:
    """Return what is wrong with the `client` of validated parameters: it must be a folder of data/.

    Raises
    ------
    WorkbenchError
        If data/ cannot be read.
    """
    client, data = parameters.get("client"), root / "data"
    if not isinstance(client, str):
        return []
    try:
        clients = sorted(p.name for p in data.iterdir() if p.is_dir() and not p.name.startswith("."))
    except OSError as error:
        raise WorkbenchError("{file} cannot be read: {reason}", file=data, reason=error.strerror) from error
    if client in clients:
        return []
    close = nearest(client, clients)
    action = (
        Message("did you mean {nearest}?", nearest=close)
        if close
        else Message("make it with: cxlab new CLIENT")
    )
    return [
        Problem(
            found=shown(client),
            allowed=", ".join(clients) or Message("no client yet"),
            action=action,
            column="client",
        )
    ]


def filter_problems(parameters: Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong with how `where` is written; whether its columns exist, the tables will tell."""
    where = parameters.get("where")
    if not isinstance(where, str) or not where.strip():
        return []
    try:
        parse(where)
    except ParameterError as error:
        return [
            Problem(
                found=error.message,
                allowed=Message("an expression over columns"),
                action=Message("correct the filter"),
                column="where",
            )
        ]
    return []


def unknown_key(said: Document, place: tuple[str, ...], allowed: Iterable[str]) -> Problem:
    """Return the problem of a key that a file may not have."""
    close = nearest(place[-1], allowed)
    action = Message("did you mean {nearest}?", nearest=close) if close else Message("take it out")
    return said.problem(
        place, Message("{key}, an unknown name", key=shown(place[-1])), ", ".join(allowed), action
    )


def title_in(said: Any, language: str) -> str:
    """Return a title, given once or by language."""
    if isinstance(said, dict):
        said = said.get(language) or next(iter(said.values()), "")
    return "" if said is None else str(said)
