"""Which columns of a table a risk table is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wanted:
    """The columns that are read: `labels` are covariates and groups, `bins` how many some are cut into.

    `several` names the ids that may repeat.
    """

    duration: str
    event: str
    entry: str | None
    weights: str | None
    labels: Sequence[str]
    several: str | None
    bins: Mapping[str, int]

    @property
    def roles(self) -> dict[str, str]:
        """Names that the columns of the outcome have within the engine."""
        held = {"cx_duration": self.duration, "cx_event": self.event, "cx_entry": self.entry}
        return {name: column for name, column in held.items() if column is not None}
