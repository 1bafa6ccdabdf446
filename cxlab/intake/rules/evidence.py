"""What the rules of validity look at: a client's tables before anything is joined, and what they find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from cxlab.errors import Message, Problem
from cxlab.intake.declared.models import Client
from cxlab.intake.privacy.identifiers import identifier
from cxlab.intake.tables.mapped import Mapped
from cxlab.intake.tables.rows import Rows

# Names of groups listed in one message; the rest are counted.
MOST_NAMED = 8


@dataclass(frozen=True)
class Finding:
    """What a rule found, and in which table; `stops` says that nothing may be written."""

    table: str
    problem: Problem
    stops: bool = False


@dataclass(frozen=True)
class Silence:
    """A rule that could not be checked on these data, and why."""

    why: Message


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """A client's tables as they were mapped, ids not yet pseudonymised.

    Attributes
    ----------
    client : Client
    rows : mapping of str to Rows
        The tables that were read.
    unread : mapping of str to Message
        Tables that are not there, or not whole, and why.
    """

    client: Client
    rows: Mapping[str, Rows]
    unread: Mapping[str, Message] = field(default_factory=dict)

    @cached_property
    def columns(self) -> dict[str, tuple[str, ...]]:
        """Columns with at least one value, by table."""
        return {
            table: tuple(str(name) for name in rows.frame.columns if rows.frame[name].notna().any())
            for table, rows in self.rows.items()
        }

    def has(self, table: str, *columns: str) -> bool:
        """Tell whether a table is there, with at least one value in each of `columns`."""
        return table in self.columns and {*columns} <= {*self.columns[table]}

    def frame(self, table: str) -> pd.DataFrame:
        """Return the rows of a table."""
        return self.rows[table].frame

    def parts(self, table: str) -> list[Mapped]:
        """Return the sources of a table."""
        return [part.mapped for part in self.rows[table].parts]

    def waves(self, table: str) -> pd.Series[Any]:
        """Return the wave of each row, an empty text where there is none."""
        frame = self.frame(table)
        if not self.has(table, "wave_id"):
            return pd.Series("", index=frame.index)
        return frame["wave_id"].fillna("").astype(str)

    def warn(
        self, rule: int, table: str, column: str, said: tuple[Message, Message, Message], *, count: int = 1
    ) -> Finding:
        """Return a warning about a table: what was found, what is usual, what to do."""
        return Finding(table, self.rows[table].of_table(column, *said, count=count, rule=rule))

    def stop(
        self, rule: int, table: str, column: str, said: tuple[Message, Message, Message], *, count: int = 1
    ) -> Finding:
        """Return what stops the check: what was found, what is allowed, what to do."""
        problem = self.rows[table].of_table(column, *said, count=count, rule=rule)
        return Finding(table, problem, stops=True)


def listed(names: list[str]) -> str:
    """Return names for a message, the first few of them, none that may be personal.

    Examples
    --------
    >>> listed(["a", "b"]), listed([str(n) for n in range(12)])
    ('a, b', '0, 1, 2, 3, 4, 5, 6, 7, ... (12)')
    """
    more = f", ... ({len(names)})" if len(names) > MOST_NAMED else ""
    return ", ".join("…" if identifier(name) else name for name in names[:MOST_NAMED]) + more
