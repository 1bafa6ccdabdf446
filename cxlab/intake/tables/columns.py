"""A decoded column: what its distinct texts stand for, and the value of every row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from cxlab.intake.coded import Coded, Codes, as_text
from cxlab.intake.privacy.identifiers import Identifier
from cxlab.intake.tables.cells import Typed


@dataclass
class Column:
    """A decoded column: its cells as found, why a distinct text is no value, and the values of the others.

    `reasons`, `typed` and `emptied` speak of distinct texts by their place. A column of text has its
    values in `stored`, as arrow holds them, and none in `typed`. `trimmed` counts the cells with outer
    blanks, `led` those read by the number they start with, `tamed` those with control characters, which
    became blanks. Of `emptied` texts, which looked personal,
    only the kind is known.
    """

    cells: Coded
    reasons: dict[int, str]
    typed: Typed
    stored: Any = None
    identity: bool = False
    trimmed: int = 0
    led: int = 0
    tamed: int = 0
    unused: list[str] = field(default_factory=list)
    emptied: dict[int, Identifier] = field(default_factory=dict)

    @property
    def values(self) -> pd.Series[Any]:
        """The value of every row; ids, of which there may be one to a row, as arrow holds them."""
        if self.stored is None:
            return pd.Series(self.typed.values[self.codes])
        if self.identity:
            whole = len(self.codes) == len(self.stored)
            return as_text(self.stored if whole else self.stored.take(pa.array(self.codes)))
        return pd.Series(self.stored.to_numpy(zero_copy_only=False)[self.codes])

    def text(self, at: int) -> str:
        """Return the distinct text at a place."""
        found: str = self.cells.texts[at].as_py()
        return found

    @property
    def distinct(self) -> bool:
        """Whether every row has a value of its own, as the file writes it."""
        return self.stored is self.cells.texts and len(self.codes) == len(self.stored)

    @property
    def codes(self) -> Codes:
        """Where the text of each row stands among the distinct ones."""
        return self.cells.codes

    @property
    def why(self) -> npt.NDArray[Any]:
        """Why each row's value is missing; an empty text where it is not."""
        why = np.full(len(self.cells.texts), "", dtype=object)
        for at, reason in self.reasons.items():
            why[at] = reason
        return why[self.codes]

    def told(self, kept: npt.NDArray[np.bool_]) -> dict[str, int]:
        """Count the reasons for which values are missing in the rows of a mask."""
        counts = (
            self.cells.counts
            if kept.all()
            else np.bincount(self.codes[kept], minlength=len(self.cells.texts))
        )
        found: dict[str, int] = {}
        for at, reason in self.reasons.items():
            if counts[at]:
                found[reason] = found.get(reason, 0) + int(counts[at])
        return dict(sorted(found.items()))
