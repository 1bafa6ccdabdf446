"""The entries of a study: a name of the file, its notebook, its parameters and the points of its grid."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from cxlab.errors import Message, ParameterError, Problem
from cxlab.intake.tables.syntax import parse
from cxlab.parameters import Declaration, declaration, nearest
from cxlab.runs.document import Document
from cxlab.runs.limits import KEYS as LIMITS
from cxlab.runs.limits import UNLIMITED, Limits, limits
from cxlab.values import shown, typed

KEYS = ("notebook", "parameters", "grid", "title", *LIMITS)
POINTS = 10_000
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
RESERVED = {"index", "runs", "failed", "current", "quarantine", "con", "prn", "aux", "nul"}


@dataclass(frozen=True)
class Entry:
    """One notebook with every parameter it declares; `id` names its page.

    A point of a grid knows the `sweep`, the grid's name in the study file, and which `choices` it is.
    """

    id: str
    notebook: Path
    parameters: Mapping[str, Any]
    title: str = ""
    sweep: str = ""
    choices: Mapping[str, Any] = field(default_factory=dict)
    limits: Limits = UNLIMITED


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
        hint=_hint(Path(name).stem, names),
    )


def _hint(name: str, names: Iterable[str]) -> str:
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
    own, grid = entry.get("parameters") or {}, entry.get("grid") or {}
    handed = {key: value for key, value in shared.items() if key in declared.names}
    base = {**handed, **own, **{key: value for key, value in over.items() if key in declared.names}}
    problems = _not_declared(said, place, declared, shared, over)
    problems += [_placed(said, (*place, "parameters"), p) for p in declared.problems(base)]
    problems += _grid_problems(
        said, (*place, "grid"), declared, grid, base.keys() & (own.keys() | over.keys())
    )
    if problems:
        return [], problems
    points = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    spoken = str(shared.get("language", "es"))
    title = title_in(entry.get("title"), spoken)
    kept, _ = limits({**entry, **held})
    made = [
        replace(_entry(name, path, declared.validate({**base, **point}), title, point), limits=kept)
        for point in points
    ]
    found = client_problems(made[0].parameters, root)
    found += [problem for entry in made for problem in filter_problems(entry.parameters)]
    return made, [_placed(said, place, p) for p in dict.fromkeys(found)]


def _entry(
    name: str, path: Path, parameters: Mapping[str, Any], title: str, point: Mapping[str, Any]
) -> Entry:
    choices = {key: parameters[key] for key in point}
    return Entry(point_id(name, point), path, parameters, title, name if point else "", choices)


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
    problems += [_placed(said, place, problem) for problem in limits(entry)[1]]
    for key in ("parameters", "grid"):
        if not isinstance(entry.get(key) or {}, dict):
            allowed = Message("a mapping from names to values")
            problems.append(
                said.problem(
                    (*place, key), shown(entry[key]), allowed, Message("write one `name: value` per line")
                )
            )
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
        _placed(said, place, not_taken(key, declared)) for key in missing if key not in ("language", "client")
    ]


def not_taken(name: str, declared: Declaration) -> Problem:
    """Return the problem of a parameter that a notebook does not take."""
    found = Message("{name}, which {notebook} does not declare", name=shown(name), notebook=declared.notebook)
    action = Message("declare it in the notebook's parameters cell, or do not give it")
    return Problem(found=found, allowed=", ".join(declared.names), action=action, column=name)


def _grid_problems(
    said: Document,
    place: tuple[str, ...],
    declared: Declaration,
    grid: Mapping[str, Any],
    fixed: Iterable[str],
) -> list[Problem]:
    problems, size = [], 1
    for key, values in grid.items():
        here = (*place, key)
        if not isinstance(values, list) or not values:
            action = Message("write the values as [a, b, c]")
            problems.append(said.problem(here, shown(values), Message("a list of values"), action))
            continue
        if key in fixed:
            problems.append(
                said.problem(
                    here,
                    Message("{key} fixed as well", key=key),
                    Message("one or the other"),
                    Message("keep it in one place"),
                )
            )
        if len({_canonical(_read_as(declared, key, value)) for value in values}) < len(values):
            problems.append(
                said.problem(
                    here,
                    Message("a value twice"),
                    Message("each value once"),
                    Message("take out the repetition"),
                )
            )
        problems += [_placed(said, here, p) for value in values for p in declared.problems({key: value})]
        size *= len(values)
    if size > POINTS:
        problems.append(said.problem(place, str(size), f"<= {POINTS}", Message("split the grid")))
    return problems


def _read_as(declared: Declaration, name: str, value: Any) -> Any:
    return next((typed(p.kind, value) for p in declared.parameters if p.name == name), value)


def _placed(said: Document, place: tuple[str, ...], problem: Problem) -> Problem:
    here = place if not problem.column or problem.column == place[-1] else (*place, problem.column)
    return said.problem(here, problem.found, problem.allowed, problem.action)


def client_problems(parameters: Mapping[str, Any], root: Path) -> list[Problem]:
    """Return what is wrong with the `client` of validated parameters: it must be a folder of data/."""
    client = parameters.get("client")
    if not isinstance(client, str):
        return []
    clients = sorted(p.name for p in (root / "data").iterdir() if p.is_dir() and not p.name.startswith("."))
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


def slug(text: str, *, also: str = "") -> str:
    """Return `text` in lower-case ASCII letters, digits, - and _ (and the characters of `also`)."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii").lower()
    return re.sub(rf"[^a-z0-9_{re.escape(also)}]+", "-", ascii_text).strip("-.")[:60] or "x"


def point_id(name: str, values: Mapping[str, Any]) -> str:
    """Return a readable id for `name` with `values`; the same values always give the same id.

    Examples
    --------
    >>> point_id("sensitivity", {"outcome": "pxi", "level": 0.9})
    'sensitivity-outcome-pxi-level-0.9'
    """
    if not values:
        return name
    said = [f"{k}-{v}" if isinstance(v, str) else f"{k}-{_canonical(v)}" for k, v in values.items()]
    words = [slug(word, also=".") for word in said]
    text = "-".join([name, *words])
    if words == said and len(text) <= 100:
        return text
    return f"{text[:90]}-{hashlib.sha256(_canonical(dict(values)).encode()).hexdigest()[:6]}"


def _canonical(value: Any) -> str:
    return json.dumps(
        value,
        ensure_ascii=False,
        sort_keys=True,
        default=lambda v: v.isoformat() if isinstance(v, date) else str(v),
    )
