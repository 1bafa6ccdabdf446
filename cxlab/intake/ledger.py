"""The outcome of a check: what came in, what was used and why the rest was not, what was found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Literal

import pandas as pd

from cxlab.errors import Message, Problem
from cxlab.intake.privacy.identifiers import identifier
from cxlab.intake.rules.registry import Standing

Language = Literal["es", "en"]
COLUMNS = ("table", "file", "read", "used", "excluded", "reason")


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """The outcome of a check.

    Attributes
    ----------
    client : str
        Name of its folder.
    name : str
        As reports call it.
    language : {"es", "en"}
        The client's, in which `str` gives the ledger.
    tables : dict of str to dict
        What tables.json says of each table: hash, rows, sources, scales.
    problems : tuple of Problem
        What stops the check; empty when the tables were written.
    warnings : tuple of Problem
        What does not stop it, but every reader of a number should know.
    rules : tuple of Standing
        How each of the 26 rules stands.
    notes : tuple of Message
        What was done that a person should know.
    """

    client: str
    name: str = ""
    language: Language = "es"
    tables: Mapping[str, Mapping[str, Any]]
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    rules: tuple[Standing, ...] = ()
    notes: tuple[Message, ...] = field(default=())

    @property
    def title(self) -> str:
        """What the client is called."""
        return self.name or self.client

    @property
    def ledger(self) -> pd.DataFrame:
        """One row for each file and reason: table, file, read, used, excluded, reason.

        The first row of a file has what was read and used, and no reason.
        """
        rows = [row for table, entry in self.tables.items() for row in ledger_rows(table, entry["sources"])]
        return pd.DataFrame(rows, columns=list(COLUMNS))

    @property
    def problem_rows(self) -> pd.DataFrame:
        """The problems as a table: file, column, row, rows, found, allowed, action."""
        rows = [
            (p.file, p.column, p.row, p.count, str(p.found), str(p.allowed), str(p.action))
            for p in self.problems
        ]
        return pd.DataFrame(rows, columns=["file", "column", "row", "rows", "found", "allowed", "action"])

    def __str__(self) -> str:
        """Return the report as text, in the client's language."""
        return "\n".join(self.lines())

    def lines(self, language: Language | None = None) -> list[str]:
        """Return the whole report as lines of text in a language (the client's, if not given).

        First each table with its ledger, then match rates, notes, the 26 rules, warnings and problems.
        """
        from cxlab.intake.printed import lines

        return lines(self, language or self.language)


def ledger_rows(table: str, sources: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Give the ledger of a table: for each file what was read and used, then each reason with its count."""
    for source in sources:
        out = sum(source["excluded"].values())
        whole = (table, source["file"], source["read"], source["used"], out, "")
        yield dict(zip(COLUMNS, whole, strict=True))
        for reason, count in source["excluded"].items():
            yield dict(zip(COLUMNS, (table, source["file"], None, None, count, reason), strict=True))


def files_behind(sources: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the files that a table was made of: name without folder, sha256, records read and used.

    A name that identifies a person is left out.

    Examples
    --------
    >>> files_behind([{"file": "raw/2025/ana@example.org.csv", "sha256": "ab", "read": 9, "used": 8}])
    [{'name': '….csv', 'sha256': 'ab', 'read': 9, 'used': 8}]
    """
    found = []
    for source in sources:
        path = PurePosixPath(source["file"].replace("\\", "/"))
        name = f"…{path.suffix}" if identifier(path.name) else path.name
        found.append({"name": name, **{key: source[key] for key in ("sha256", "read", "used")}})
    return found
