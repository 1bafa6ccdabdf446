"""What a check is doing, told to whoever watches it: large files take minutes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Doing = Literal["reading", "mapping", "checking", "naming", "writing"]


@dataclass(frozen=True)
class Step:
    """One moment of a check.

    Attributes
    ----------
    doing : {"reading", "mapping", "checking", "naming", "writing"}
    of : str
        The file, or the table.
    rows : int
        Rows so far, or in the whole table.
    share : float or None
        How much of the file has been read; None where it cannot be told.
    """

    doing: Doing
    of: str = ""
    rows: int = 0
    share: float | None = None


Watch = Callable[[Step], None]


def unwatched(_: Step) -> None:
    """Take no note of a step."""
