"""A study: which client, which notebooks, with which parameters and grids; checked whole before any kernel.

A study file is a YAML mapping: `client`, `language`, `seed`, `level`, `by`, `where` (each handed to
every notebook that declares it), `title`, and `entries`, a mapping from a name to its `notebook`,
`parameters`, `points` (a list of parameter sets), `grid` (values that are combined), `after` (entries whose
published runs it reads), and the limits `timeout` and `memory`. A notebook run by itself is a study of one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from cxlab.errors import Message, ParameterError, Problem
from cxlab.parameters import Declaration, declaration, nearest
from cxlab.runs.document import Document, document
from cxlab.runs.entries import (
    NAME,
    RESERVED,
    Entry,
    client_problems,
    filter_problems,
    lay_out,
    named_notebook,
    not_taken,
    notebooks,
    title_in,
    unknown_key,
)
from cxlab.runs.limits import Limits, limits
from cxlab.runs.points import point_id, slug
from cxlab.runs.stages import after_problems, sweep_problems
from cxlab.values import Plain, shown
from cxlab.workbench import workbench

__all__ = ["Entry", "Study", "named_notebook", "notebooks", "of_notebook", "read_study", "workbench"]

SHARED = ("client", "language", "seed", "level", "by", "where")
KEYS = (*SHARED, "title", "entries")
LANGUAGES = ("es", "en")


@dataclass(frozen=True)
class Study:
    """Entries that are published together under `reports/built/<name>/`.

    `loose` says that the study is one notebook run by itself: its gallery shows every such page.
    """

    name: str
    root: Path
    client: str
    language: Literal["es", "en"]
    entries: tuple[Entry, ...]
    title: str = ""
    loose: bool = False

    def client_of(self, entry: Entry) -> str:
        """Return whose data an entry uses: its own parameter, else the study's client."""
        return str(entry.parameters.get("client", self.client))

    def language_of(self, entry: Entry) -> str:
        """Return the language of an entry's page."""
        return str(entry.parameters.get("language", self.language))


def of_notebook(
    notebook: str,
    *,
    root: Path,
    client: str = "",
    language: str = "",
    given: Mapping[str, Any] | None = None,
    held: Mapping[str, str] | None = None,
) -> Study:
    """Return the study of one notebook run by itself.

    Parameters
    ----------
    notebook : str
        Name in notebooks/, or path.
    client, language : str, optional
        Handed to the notebook if it declares them.
    given : mapping, optional
        Parameters; `Plain` text is read by the declared kind.
    held : mapping, optional
        Limits as a person writes them: `timeout`, `memory`.

    Raises
    ------
    ParameterError
        With every problem at once.
    """
    path = named_notebook(notebook, root)
    declared = declaration(path)
    values: dict[str, Any] = {**_handed(declared, client=client, language=language), **(given or {})}
    problems = declared.problems(values)
    if client and "client" not in declared.names:
        problems.append(not_taken("client", declared))
    if not problems:
        ready = declared.validate(values)
        problems = client_problems(ready, root) + filter_problems(ready)
    kept, wrong = _held(held)
    if problems or wrong:
        raise ParameterError(
            "the parameters given to {notebook} are not valid",
            notebook=path.stem,
            problems=[*(replace(p, file=f"-p {p.column}", column="") for p in problems), *wrong],
        )
    checked = declared.validate(values)
    name = point_id(slug(path.stem), {key: checked[key] for key in given or {}})
    entry = Entry(name, path, checked, limits=kept)
    shelf = f"{slug(str(checked.get('client', 'notebooks')))}-single"
    return Study(
        shelf, root, str(checked.get("client", "")), _spoken(checked, language), (entry,), loose=True
    )


def read_study(
    path: Path,
    *,
    root: Path,
    client: str = "",
    language: str = "",
    given: Mapping[str, Any] | None = None,
    held: Mapping[str, str] | None = None,
) -> Study:
    """Read a study file, check it whole, and lay out its grids.

    Parameters
    ----------
    path : Path
        The study file.
    client, language : str, optional
        Instead of what the file says.
    given : mapping, optional
        Parameters handed to every entry, instead of what the file says; each must be declared by all.
        With any of these three the study's pages are published apart, never over its own.
    held : mapping, optional
        Limits of every entry as a person writes them, instead of what the file says: `timeout`, `memory`.

    Raises
    ------
    ParameterError
        With every problem of the file at once: entry, parameter, line.
    """
    if not path.is_file():
        raise _no_study(path, root)
    said = document(path)
    over = {
        **({"client": client} if client else {}),
        **({"language": language} if language else {}),
        **(given or {}),
    }
    name = point_id(slug(path.stem), over)
    shared = {key: said.content[key] for key in SHARED if said.content.get(key) is not None}
    shared = {"study": name, **shared, **over}  # a notebook that reads what is published asks for its name
    problems = [*_shape_problems(said), *_shared_problems(said, shared), *_held(held)[1]]
    entries: list[Entry] = []
    declared = dict(_entries(said))
    for each, entry in declared.items():
        laid_out, found = lay_out(said, each, entry, shared, over, root, held=held or {})
        entries += laid_out
        problems += found
    problems += [
        *_clashes(said, entries),
        *after_problems(said, declared),
        *sweep_problems(said, name, entries),
    ]
    if problems:
        raise ParameterError("the study file {file} is not valid", file=path.name, problems=problems)
    spoken: Literal["es", "en"] = "en" if str(shared.get("language", "es")) == "en" else "es"
    return Study(
        name,
        root,
        str(shared.get("client", "")),
        spoken,
        tuple(entries),
        title=title_in(said.content.get("title"), spoken),
    )


def _no_study(path: Path, root: Path) -> ParameterError:
    names = [each.stem for each in sorted((root / "reports").glob("*.yaml"))]
    close = nearest(path.stem, names)
    return ParameterError(
        "there is no study {name}; there are: {names}. {hint}",
        name=shown(path.name),
        names=", ".join(names) or "-",
        hint=Message("Did you mean {nearest}?", nearest=close)
        if close
        else Message("A path to a .yaml file will do too."),
    )


def _shape_problems(said: Document) -> list[Problem]:
    problems = [unknown_key(said, (key,), KEYS) for key in said.content if key not in KEYS]
    if not isinstance(said.content.get("entries"), dict) or not said.content["entries"]:
        allowed = Message("entries, a mapping such as `drivers:`")
        problems.append(
            said.problem(("entries",), Message("no entries"), allowed, Message("add at least one entry"))
        )
    stem = Path(said.name).stem
    if not NAME.fullmatch(slug(stem)) or slug(stem) in RESERVED:
        problems.append(
            said.problem(
                (),
                shown(stem),
                Message("a file name of letters, digits, - and _"),
                Message("rename the file"),
            )
        )
    return problems


def _shared_problems(said: Document, shared: Mapping[str, Any]) -> list[Problem]:
    if "language" in shared and str(shared["language"]) not in LANGUAGES:
        found = shown(str(shared["language"]))
        return [said.problem(("language",), found, " | ".join(LANGUAGES), Message("choose one of the two"))]
    return []


def _held(held: Mapping[str, str] | None) -> tuple[Limits, list[Problem]]:
    kept, problems = limits(held or {})
    return kept, [replace(p, file=f"--{p.column}", column="") for p in problems]


def _entries(said: Document) -> Iterator[tuple[str, Any]]:
    entries = said.content.get("entries")
    yield from entries.items() if isinstance(entries, dict) else ()


def _clashes(said: Document, entries: Iterable[Entry]) -> list[Problem]:
    seen: dict[str, int] = {}
    for entry in entries:
        seen[entry.id] = seen.get(entry.id, 0) + 1
    twice = [name for name, count in seen.items() if count > 1]
    return [
        said.problem(("entries",), shown(name), Message("each page once"), Message("rename the entry"))
        for name in twice
    ]


def _handed(declared: Declaration, **values: str) -> dict[str, Any]:
    return {key: Plain(value) for key, value in values.items() if value and key in declared.names}


def _spoken(parameters: Mapping[str, Any], language: str) -> Literal["es", "en"]:
    return "en" if str(parameters.get("language", language or "es")) == "en" else "es"
