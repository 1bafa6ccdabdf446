"""How the execution of a notebook ended, as plain data, and in one sentence; notebooks as bytes and back."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

import nbformat
from nbformat import NotebookNode

from cxlab.errors import Message
from cxlab.runs.limits import UNLIMITED, Limits, size
from cxlab.runs.retold import retold

OURS = ("InputError", "ParameterError", "AnalysisError", "WorkbenchError", "RunError")
Status = Literal[
    "done",
    "raised",
    "exited",
    "out of memory",
    "kernel died",
    "timeout",
    "interrupted",
    "not started",
    "not run",
]


@dataclass(frozen=True)
class Outcome:
    """How a run ended: plain data, to be handed from one process to another.

    `cell` counts code cells from 1 as a reader would (0: none is at fault); `line` is the first line
    of its source; `content` is the executed notebook in canonical form, partial when it failed; `seconds`
    has how long each cell that was answered took, counted as `cell`; `kernel` how it came about and what it
    used, `machine` the facts of the machine that it ran on.
    """

    status: Status
    content: bytes
    cell: int = 0
    line: str = ""
    error_name: str = ""
    error_value: str = ""
    started: datetime = datetime.min
    finished: datetime = datetime.min
    limits: Limits = UNLIMITED
    seconds: Mapping[int, float] = field(default_factory=dict)
    kernel: Mapping[str, Any] = field(default_factory=dict)
    machine: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def notebook(self) -> NotebookNode:
        """The executed notebook."""
        return read(self.content)

    @property
    def message(self) -> str:
        """One sentence: what happened, and where."""
        if self.status == "done":
            return Message("every cell ran")
        if self.status == "not run":
            return Message("it was not run: {error}", error=self._error())
        if self.status == "not started":
            return Message("the kernel did not start: {error}", error=self._error())
        said: dict[str, Message] = {
            "raised": Message(
                "code cell {cell} (`{line}`) raised {error}",
                cell=self.cell,
                line=self.line,
                error=self._error(),
            ),
            "exited": Message(
                "code cell {cell} (`{line}`) left the notebook before its end", cell=self.cell, line=self.line
            ),
            "out of memory": Message(
                "code cell {cell} (`{line}`) needed more memory than its limit of {limit}: {error}",
                cell=self.cell,
                line=self.line,
                limit=size(self.limits.memory or 0),
                error=self._error(),
            ),
            "kernel died": self._died(),
            "timeout": Message(
                "time ran out in code cell {cell} (`{line}`): its limit is {seconds} s",
                cell=self.cell,
                line=self.line,
                seconds=f"{self.limits.timeout or 0:g}",
            ),
            "interrupted": Message(
                "interrupted in code cell {cell} (`{line}`)", cell=self.cell, line=self.line
            ),
        }
        return said[self.status]

    def _died(self) -> Message:
        if self.limits.memory is None:
            return Message(
                "the kernel died in code cell {cell} (`{line}`): out of memory, or ended from outside",
                cell=self.cell,
                line=self.line,
            )
        return Message(
            "the kernel died in code cell {cell} (`{line}`): out of memory (its limit is {limit}), "
            "or ended from outside",
            cell=self.cell,
            line=self.line,
            limit=size(self.limits.memory),
        )

    def _error(self) -> str:
        if not self.error_name:
            return self.error_value
        if not self.error_value:
            return self.error_name
        value = self.error_value if len(self.error_value) <= 600 else f"{self.error_value[:596]} ..."
        if self.error_name in OURS:
            return Message("{name}: {value}", name=self.error_name, value=retold(value))
        return f"{self.error_name}: {value}"


def read(content: bytes) -> NotebookNode:
    """Return the notebook that some bytes hold, as format 4."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # missing cell ids: ours are made of content
        notebook: NotebookNode = nbformat.reads(  # type: ignore[no-untyped-call]
            content.decode("utf-8-sig"), as_version=4, capture_validation_error={}
        )
    return notebook


def written(notebook: NotebookNode) -> bytes:
    """Return a notebook as its file holds it."""
    text: str = nbformat.writes(notebook)  # type: ignore[no-untyped-call]
    return (text.rstrip("\n") + "\n").encode("utf-8", "backslashreplace")
