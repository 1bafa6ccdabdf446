"""The rows of one table from all its sources, each knowing the file and line it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from cxlab.errors import Message, Problem
from cxlab.intake.declared.canonical import tables
from cxlab.intake.files.reading import MOST_SHOWN
from cxlab.intake.privacy.pseudonyms import shown
from cxlab.intake.tables.mapped import Mapped


@dataclass(frozen=True)
class Part:
    """One source's rows within the whole table."""

    mapped: Mapped
    first: int

    @property
    def last(self) -> int:
        """Row after its last."""
        return self.first + len(self.mapped.frame)


class Rows:
    """The rows of one table from all its sources, each knowing its file and line.

    `judged` says whether its cells could be: not where a column as a whole is not what it must be.
    """

    def __init__(self, name: str, parts: list[Mapped]) -> None:
        self.name, self.table, self.judged = name, tables()[name], True
        starts = np.cumsum([0, *(len(part.frame) for part in parts)])
        self.parts = [Part(part, int(start)) for part, start in zip(parts, starts[:-1], strict=True)]
        frames = [part.frame for part in parts]
        self.frame = pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]
        self.scales: dict[str, tuple[float, float]] = {}
        for part in parts:
            self.scales |= part.scales

    def part(self, row: int) -> Part:
        """Return the source that a row comes from."""
        return next(part for part in self.parts if part.first <= row < part.last)

    def problem(
        self,
        row: int,
        column: str,
        allowed: str,
        action: str,
        *,
        count: int = 1,
        found: str = "",
        rule: int = 0,
    ) -> Problem:
        """Return the problem of one cell."""
        part = self.part(row)
        mapped, at = part.mapped, row - part.first
        if not found:
            text = mapped.raw.text(column, at)
            found = shown(text, personal=column in mapped.personal) if text else Message("an empty cell")
        return Problem(
            found,
            allowed,
            action,
            file=mapped.source.file,
            column=mapped.headers.get(column, column),
            row=int(mapped.lines[at]),
            count=count,
            rule=rule,
        )

    def of_table(
        self, column: str, found: str, allowed: str, action: str, *, count: int = 1, rule: int = 0
    ) -> Problem:
        """Return a problem of the table as a whole."""
        files = ", ".join(dict.fromkeys(part.mapped.source.file for part in self.parts))
        return Problem(found, allowed, action, file=files, column=column, count=count, rule=rule)

    def cells(
        self, column: str, wrong: npt.NDArray[np.bool_], allowed: str, action: str, *, rule: int = 0
    ) -> Iterator[Problem]:
        """Give one problem for each distinct wrong cell of a file, with the line of the first."""
        for part in self.parts:
            rows = part.first + np.flatnonzero(wrong[part.first : part.last])
            if not len(rows):
                continue
            codes, _ = part.mapped.raw.texts(column, rows - part.first)
            counts = np.bincount(codes)
            firsts = np.unique(codes, return_index=True)[1]
            for code in range(min(len(counts), MOST_SHOWN)):
                row = int(rows[firsts[code]])
                yield self.problem(row, column, allowed, action, count=int(counts[code]), rule=rule)
            if len(counts) > MOST_SHOWN:
                more = Message("{n} more values like these", n=len(counts) - MOST_SHOWN)
                row, rest = int(rows[firsts[MOST_SHOWN]]), int(counts[MOST_SHOWN:].sum())
                yield self.problem(row, column, allowed, action, count=rest, found=more, rule=rule)

    def already_faulty(self, column: str) -> npt.NDArray[np.bool_]:
        """Return the rows whose cell was already reported as not of its kind."""
        faulty = np.zeros(len(self.frame), dtype=bool)
        for part in self.parts:
            texts = part.mapped.faulty.get(column)
            if texts and column in part.mapped.raw:
                faulty[part.first : part.last] = part.mapped.raw.among(column, texts)
        return faulty
