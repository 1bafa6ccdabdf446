"""Dirt that is planted on purpose: what, where and how often, and text files whose lines are known.

A `Dirt` goes into truth.json; a test takes the deliveries through intake and asks for each one.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Told = Literal["problem", "warning", "ledger", "change"]


@dataclass(frozen=True, kw_only=True)
class Dirt:
    """One thing planted in a delivery.

    Attributes
    ----------
    wave, file : str
        Where: the delivery, and the file under the client's folder.
    kind : str
        A short name, the same for the same dirt in another column.
    says : str
        What was planted.
    column : str
        Header in the file; empty where it is of the whole file or row.
    line, count : int
        Line (or row of the sheet, or record) of the first one, and how many rows have it.
    rule : int
        Number of the validity rule it breaks; 0 for none.
    told : {"problem", "warning", "ledger", "change"}
        How it must be told first: it stops the check, it warns, it is counted or listed by the ledger,
        or `cxlab new CLIENT --wave W` shows it as a change.
    declare : str
        What a person declares in answer.
    then : str
        What becomes of it once declared.
    """

    wave: str
    file: str
    kind: str
    says: str
    column: str = ""
    line: int = 0
    count: int = 1
    rule: int = 0
    told: Told
    declare: str = ""
    then: str = ""


@dataclass(frozen=True, kw_only=True)
class Written:
    """A file of a delivery: its columns by header, and the line of each row."""

    wave: str
    file: str
    columns: Mapping[str, Sequence[Any]]
    lines: Sequence[int]

    def dirt(self, kind: str, says: str, *, told: Told, **more: Any) -> Dirt:
        """Return a Dirt of this file."""
        return Dirt(wave=self.wave, file=self.file, kind=kind, says=says, told=told, **more)

    def places(self, column: str, wanted: Callable[[Any], bool]) -> dict[str, Any]:
        """Return column, line of the first cell that is wanted, and how many there are.

        Examples
        --------
        >>> Written(wave="w", file="f", columns={"a": ["", 99, 99]}, lines=[4, 5, 7]).places(
        ...     "a", lambda cell: cell == 99
        ... )
        {'column': 'a', 'line': 5, 'count': 2}
        """
        cells = zip(self.columns[column], self.lines, strict=True)
        found = [line for cell, line in cells if wanted(cell)]
        return {"column": column, "line": found[0] if found else 0, "count": len(found)}


def write_lines(path: Path, rows: Iterable[Sequence[Any]], *, encoding: str, separator: str) -> list[int]:
    """Write rows as a text file; return the line on which each one begins."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=separator, lineterminator="\r\n")
    lines, line = [], 1
    for row in rows:
        lines.append(line)
        writer.writerow(row)
        line += 1 + sum(str(cell).count("\n") for cell in row)
    path.write_bytes(buffer.getvalue().encode(encoding))
    return lines
