"""What a person has given a notebook, as text by parameter; the same texts as those of `cxlab run -p`."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cxlab.errors import CxlabError, Problem
from cxlab.parameters import Declaration, declaration
from cxlab.runs.entries import client_problems, filter_problems
from cxlab.runs.study import Study, of_notebook
from cxlab.values import Plain, typed

BARE = re.compile(r"[A-Za-z_*][\w.*-]*")
READ_OTHERWISE = ("true", "false", "null")
SPACED = re.compile(r"(?=.*[\s'])(?:[^\"$`\\!]|!(?=[=\s]))*")  # what double quotes leave as it is
OPTIONS = ("client", "language")  # of `cxlab run`: they do not become part of the page's name


def written(value: Any) -> str:
    """Return `value` as it is given on a command line: `typed` reads it back.

    Examples
    --------
    >>> written(["region", "a, b"]), written(None), written(date(2025, 3, 1)), written(True)
    ('region, "a, b"', 'null', '2025-03-01', 'true')
    """
    if isinstance(value, list | tuple):
        return ", ".join(_item(item) for item in value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _item(value: Any) -> str:
    if isinstance(value, str) and not (BARE.fullmatch(value) and value not in READ_OTHERWISE):
        return json.dumps(value, ensure_ascii=False)
    return written(value)


@dataclass
class Given:
    """A notebook, what it declares, and the texts that were given instead of its defaults.

    Parameters
    ----------
    notebook : Path
    root : Path
        The workbench.
    texts : dict
        By parameter; of those that differ from the default.
    """

    notebook: Path
    root: Path
    texts: dict[str, str] = field(default_factory=dict)
    declared: Declaration = field(init=False)

    def __post_init__(self) -> None:
        """Read the declaration.

        Raises
        ------
        ParameterError
            If there is none, or it is not valid.
        """
        self.declared = declaration(self.notebook)
        given, self.texts = self.texts, {}
        for name in given.keys() & {*self.declared.names}:
            self.give(name, given[name])

    def defaults(self) -> dict[str, str]:
        """Return the text of every default."""
        return {p.name: written(p.default) for p in self.declared.parameters}

    def changeable(self, name: str) -> bool:
        """Tell whether a parameter can be given as text: a mapping cannot."""
        parameter = next(p for p in self.declared.parameters if p.name == name)
        return bool(typed(parameter.kind, Plain(written(parameter.default))) == parameter.default)

    def give(self, name: str, text: str) -> None:
        """Give a parameter; the text of its default gives nothing."""
        if text == self.defaults()[name]:
            self.texts.pop(name, None)
        else:
            self.texts[name] = text

    def study(self) -> Study:
        """Return the study of one notebook that `cxlab run` makes of it.

        Raises
        ------
        ParameterError
            With every problem, as `cxlab run` refuses them.
        """
        client, language = (self.texts.get(name, "") for name in OPTIONS)
        given = {name: self.texts[name] for name in self.declared.names if name in self.texts}
        rest = {name: Plain(text) for name, text in given.items() if name not in OPTIONS or not text}
        return of_notebook(str(self.notebook), root=self.root, client=client, language=language, given=rest)

    def problems(self) -> tuple[dict[str, Problem], CxlabError | None]:
        """Return what is wrong, by parameter; and what is wrong with none of them."""
        try:
            self.study()
        except CxlabError as error:
            of_one = {p.file.removeprefix("-p "): replace(p, file="", column="") for p in error.problems}
            of_one = {name: problem for name, problem in of_one.items() if name in self.declared.names}
            return {**self._later(of_one), **of_one}, None if of_one else error
        return {}, None

    def _later(self, told: Mapping[str, Problem]) -> dict[str, Problem]:
        """Return what a run would refuse only once all values are of their kind."""
        texts = {name: text for name, text in self.texts.items() if told and name not in told}
        problems = [*client_problems(texts, self.root), *filter_problems(texts)]
        return {p.column: replace(p, column="") for p in problems}

    def values(self) -> Mapping[str, Any]:
        """Return the values of what was given.

        Raises
        ------
        ParameterError
            With every problem.
        """
        parameters = self.study().entries[0].parameters
        return {name: parameters[name] for name in self.declared.names if name in self.texts}

    def arguments(self) -> list[str]:
        """Return what follows `cxlab` on a command line that runs the same."""
        own = self.root / "notebooks" / f"{self.notebook.stem}.ipynb" == self.notebook
        told = ["run", self.notebook.stem if own else str(self.notebook)]
        for name in self.declared.names:
            text = self.texts.get(name)
            if text and name in OPTIONS:
                told += [f"--{name}", text]
            elif text is not None:
                told += ["-p", f"{name}={text}"]
        return told

    def command(self) -> list[str]:
        """Return the command that runs it, with this Python, on this workbench."""
        return [sys.executable, "-m", "cxlab", *self.arguments(), "--root", str(self.root)]


def quoted(arguments: Iterable[str]) -> str:
    """Return a command line as a person writes it: double quotes, which every system's terminal takes.

    Examples
    --------
    >>> print(quoted(["cxlab", "run", "drivers", "-p", "where=region != 'RM'"]))
    cxlab run drivers -p "where=region != 'RM'"
    """
    return " ".join(f'"{each}"' if SPACED.fullmatch(each) else shlex.quote(each) for each in arguments)


def address(page: Path, root: Path) -> str:
    """Return where Jupyter's own handler of files serves a page of the workbench.

    Examples
    --------
    >>> address(Path("/w/reports/built/a b.html"), Path("/w"))
    '/files/reports/built/a%20b.html'
    """
    return f"/files/{quote(page.relative_to(root).as_posix())}"
