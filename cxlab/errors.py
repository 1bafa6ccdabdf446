"""What cxlab raises: one base exception, a shallow tree, and messages that say what to do.

A message is a template with named fields, kept apart so that it can be said in another language;
several problems of one kind travel together as a table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


class Message(str):
    """English text that remembers the template and the fields it was made of.

    Examples
    --------
    >>> said = Message("{column} is missing", column="ease")
    >>> said, said.template
    ('ease is missing', '{column} is missing')
    """

    template: str
    fields: Mapping[str, Any]

    def __new__(cls, template: str, /, **fields: Any) -> Message:
        """Format `template` with `fields`; values are never formatted themselves."""
        text = super().__new__(cls, template.format(**fields) if fields else template)
        text.template = template
        text.fields = fields
        return text


@dataclass(frozen=True)
class Problem:
    """One thing found wrong in what was given, and what to do about it.

    `row` is the line of the file (header counted) or the position in a frame; 0 says that the
    problem is of the whole column, `count` how many rows share it. `rule` is the number of the
    validity rule it breaks, 0 if none of them.
    """

    found: str
    allowed: str
    action: str
    file: str = ""
    column: str = ""
    row: int = 0
    count: int = 1
    rule: int = 0

    def __str__(self) -> str:
        """`file, row 7, column x: found ...; allowed ...; action`."""
        place = [
            self.file,
            f"row {self.row}" if self.row else "",
            f"column {self.column}" if self.column else "",
        ]
        where = ", ".join(part for part in place if part)
        rows = f" ({self.count} rows)" if self.count > 1 else ""
        return (
            f"{where + ': ' if where else ''}found {self.found}{rows}; allowed: {self.allowed}. {self.action}"
        )


class CxlabError(Exception):
    """Anything cxlab refuses or cannot do; `exit_code` is what the command line returns."""

    exit_code = 1

    def __init__(self, template: str, /, *, problems: Iterable[Problem] = (), **fields: Any) -> None:
        if isinstance(template, Message):
            self.message = template
        else:
            self.message = Message(template, **fields)
        self.problems = tuple(problems)
        super().__init__(str(self))

    def __str__(self) -> str:
        """Return the message, then one line for each problem."""
        return "\n".join([str.__str__(self.message), *(f"  - {problem}" for problem in self.problems)])


class InputError(CxlabError):
    """A client's files or their declaration are not as they must be."""

    exit_code = 2


class ParameterError(CxlabError):
    """A parameter, a study file or a notebook's declaration is not valid."""

    exit_code = 3


class AnalysisError(CxlabError):
    """An analysis would give a wrong or empty number with this input."""

    exit_code = 4


class WorkbenchError(CxlabError):
    """The machine or the folder does not allow it: permission, space, another run, a missing folder."""

    exit_code = 5


class RunError(CxlabError):
    """A notebook did not come to its end."""


class VerifyError(CxlabError):
    """What was published is not what it says it is, or does not come out again."""

    exit_code = 6
