"""The vocabulary of a parameters cell, and how that cell is read, validated and written.

A notebook declares what it takes in one cell tagged ``parameters``: plain annotated Python. The cell
is read here as a syntax tree by an allow-listed evaluator, never executed, into a `Declaration`; its
pydantic model forbids undeclared names. `source` writes validated values back as the cell that is
injected into the notebook. A notebook needs from here only
``from cxlab.parameters import Annotated, Field, Literal, date``.
"""

from __future__ import annotations

import difflib
import json
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.errors import PydanticSchemaGenerationError
from pydantic_core import SchemaError

from cxlab.cells import Parameter, assigned, literal, read, source, unwritable
from cxlab.errors import Message, ParameterError, Problem
from cxlab.values import Plain, shown, typed, wanted

__all__ = [
    "Annotated", "Declaration", "Field", "Literal", "Parameter", "Plain", "assigned", "date", "declaration",
    "literal", "nearest", "source", "tagged",
]  # fmt: skip

TAG = "parameters"


@dataclass(frozen=True)
class Declaration:
    """What a notebook takes, as its parameters cell says."""

    notebook: str
    parameters: tuple[Parameter, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The declared names, in the order of the cell."""
        return tuple(p.name for p in self.parameters)

    @cached_property
    def model(self) -> type[BaseModel]:
        """The pydantic model: strict, forbids undeclared names, holds the defaults."""
        # Aliases, because pydantic reserves some names (schema, copy, model_x) that a notebook may use.
        fields: dict[str, Any] = {
            f"p{i}": (p.kind, Field(default=p.default, alias=p.name, description=p.description or None))
            for i, p in enumerate(self.parameters)
        }
        settings = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
        return create_model("Parameters", __config__=settings, **fields)

    def problems(self, values: Mapping[str, Any], *, place: str = "") -> list[Problem]:
        """Return everything wrong with `values`; nothing is raised. `place` names the file they come from."""
        return self._checked(values, place)[1]

    def validate(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return every declared parameter with its value: the given one, else the default.

        Parameters
        ----------
        values : mapping
            Given values. A `Plain` text (command line, unquoted YAML) is read by the declared kind;
            any other value must already be of that kind.

        Raises
        ------
        ParameterError
            With one problem for each name that is not declared and each value that does not fit.

        Examples
        --------
        >>> code = Parameter("code", str, "str", "001")
        >>> Declaration("drivers", (code,)).validate({"code": Plain("007")})
        {'code': '007'}
        """
        checked, problems = self._checked(values, "")
        if problems:
            raise ParameterError(
                "the parameters given to {notebook} are not valid", notebook=self.notebook, problems=problems
            )
        return checked

    def _checked(self, values: Mapping[str, Any], place: str) -> tuple[dict[str, Any], list[Problem]]:
        kinds = {p.name: p for p in self.parameters}
        given = {unicodedata.normalize("NFKC", name): value for name, value in values.items()}
        problems = [_unknown(name, self, place) for name in given if name not in kinds]
        ready = {name: typed(kinds[name].kind, value) for name, value in given.items() if name in kinds}
        refused = {
            n: found for n, v in ready.items() if (found := unwritable(v) or _mistaken(kinds[n].kind, v))
        }
        problems += [_unfit(kinds[name], place, found) for name, found in refused.items()]
        try:
            checked = self.model.model_validate({n: v for n, v in ready.items() if n not in refused})
        except ValidationError as error:
            seen: dict[str, Any] = {}
            for item in error.errors(include_url=False, include_context=False):
                seen.setdefault(str(item["loc"][0]), item["input"])
            return {}, problems + [_unfit(kinds[name], place, shown(value)) for name, value in seen.items()]
        return checked.model_dump(by_alias=True), problems


def _unknown(name: str, declared: Declaration, place: str) -> Problem:
    close = nearest(name, declared.names)
    action = (
        Message("did you mean {nearest}?", nearest=close)
        if close
        else Message("see what it takes with: cxlab describe {notebook}", notebook=declared.notebook)
    )
    found = Message("{name}, which {notebook} does not declare", name=shown(name), notebook=declared.notebook)
    allowed = ", ".join(declared.names) or Message("no parameter at all")
    return Problem(found=found, allowed=allowed, action=action, file=place, column=name)


def _unfit(parameter: Parameter, place: str, found: str) -> Problem:
    action = Message(
        "give {name} such a value (its default is {default})",
        name=parameter.name,
        default=shown(parameter.default),
    )
    return Problem(
        found=found, allowed=wanted(parameter.kind), action=action, file=place, column=parameter.name
    )


def nearest(name: str, names: Iterable[str]) -> str:
    """Return the name most like `name`, or nothing when none is.

    Examples
    --------
    >>> nearest("clinet", ["client", "seed"])
    'client'
    """
    folded = {known.casefold(): known for known in names}
    said = name.casefold()
    begun = [known for known in folded if len(said) >= 3 and known.startswith(said)]
    # Of two letters one is half the word.
    close = (
        begun[:1]
        if len(begun) == 1
        else difflib.get_close_matches(said, folded, n=1, cutoff=0.55 if len(said) > 3 else 0.5)
    )
    return folded[close[0]] if close else ""


def declaration(notebook: str | Path | Mapping[str, Any], *, name: str = "") -> Declaration:
    """Return what a notebook takes, as its parameters cell says.

    Parameters
    ----------
    notebook : path or mapping
        An .ipynb file, or its content already read.
    name : str, optional
        How to call it in messages; the file's name by default.

    Raises
    ------
    ParameterError
        If it is not a notebook, has no cell (or two) tagged ``parameters``, or that cell holds
        anything but declarations; each line at fault is named.
    """
    content = _content(notebook)
    name = name or (
        str(content.get("name", "notebook")) if isinstance(notebook, Mapping) else Path(notebook).stem
    )
    cells = tagged(content, TAG)
    if not cells:
        raise ParameterError(
            "{notebook} has no parameters cell: tag the cell that declares them with the word parameters "
            "(in JupyterLab: property inspector, Cell tags)",
            notebook=name,
        )
    if len(cells) > 1:
        raise ParameterError(
            "{notebook} has {count} cells tagged parameters; keep one", notebook=name, count=len(cells)
        )
    return _declared(cells[0], name)


def tagged(content: Mapping[str, Any], tag: str) -> list[str]:
    """Return the source of each code cell that carries `tag`."""
    found = []
    for cell in content.get("cells", ()):
        if cell.get("cell_type") == "code" and tag in cell.get("metadata", {}).get("tags", ()):
            lines = cell.get("source", "")
            found.append(lines if isinstance(lines, str) else "".join(lines))
    return found


def _content(notebook: str | Path | Mapping[str, Any]) -> Mapping[str, Any]:
    # json and not nbformat: that import alone takes longer than the answer may take.
    if isinstance(notebook, Mapping):
        return notebook
    try:
        content = json.loads(Path(notebook).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ParameterError(
            "{notebook} cannot be read: {reason}", notebook=str(notebook), reason=error.strerror
        ) from error
    except ValueError as error:
        raise ParameterError(
            "{notebook} is not a notebook: it is not JSON", notebook=str(notebook)
        ) from error
    if not isinstance(content, dict) or not isinstance(content.get("cells"), list):
        raise ParameterError(
            "{notebook} is not a notebook of format 4: open it in JupyterLab and save it again",
            notebook=str(notebook),
        )
    return content


def _declared(cell: str, name: str) -> Declaration:
    parameters, problems = read(cell, notebook=name)
    declared = Declaration(name, tuple(parameters))
    problems += _misbuilt(declared)
    if problems:
        raise ParameterError(
            "the parameters cell of {notebook} is not valid", notebook=name, problems=problems
        )
    return declared


def _misbuilt(declared: Declaration) -> list[Problem]:
    try:
        return declared.problems({p.name: p.default for p in declared.parameters})
    except (TypeError, SchemaError, PydanticSchemaGenerationError) as error:
        return [
            Problem(
                found=Message(
                    "a Field that does not go with its kind ({reason})",
                    reason=str(error).split("\n")[-1].strip(),
                ),
                allowed=Message("bounds for numbers, lengths and patterns for text"),
                action=Message("correct the Field(...) of that parameter"),
            )
        ]


def _mistaken(kind: Any, value: Any) -> str:
    # True == 1 and 1 == 1.0 to Python, and so to pydantic's Literal.
    if get_origin(kind) is Literal and not any(type(o) is type(value) and o == value for o in get_args(kind)):
        return shown(value)
    return ""
