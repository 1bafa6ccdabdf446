"""What every comparison starts from: answers of a focal unit and its peers, reduced to sums per cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.answers import Answers, Columns, answers, check_answers, columns_of
from cxlab.analysis.benchmark.league import check_focal, check_units
from cxlab.analysis.columns import check_rows
from cxlab.analysis.definitions import Metric, computable
from cxlab.analysis.estimates import check_level
from cxlab.analysis.findings import accounted
from cxlab.analysis.metrics import RESERVED
from cxlab.analysis.survey import Cells, Design, Partition, cells, design_of, partition
from cxlab.errors import AnalysisError, Message

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Sides:
    """Rows by combination of the `by` columns and unit; the unit is the last column of ``parts.keys``."""

    table: pd.DataFrame
    entry: Metric
    by: tuple[str, ...]
    unit: str
    parts: Partition
    design: Design
    answers: Answers
    cells: Cells

    def accounted(self, compared: Array, why: Message) -> tuple[int, dict[str, int]]:
        """Count rows in the `compared` cells, and the others by reason; `why` for those of other cells."""
        used, dropped = accounted(self.answers, self.design, self.table, [*self.by, self.unit])
        out = used & ~np.isin(self.parts.codes, compared)
        if out.any():
            dropped[why] = int(out.sum())
        return int((used & ~out).sum()), dropped


def sides_of(
    table: pd.DataFrame, metric: str, *, unit: str, focal: Any, by: Sequence[str], columns: Columns,
    weights: str | None, strata: str | None, cluster: str | None, level: float,
) -> Sides:  # fmt: skip
    """Check what was asked and reduce the rows of `table` to cells of `by` and `unit`.

    Raises
    ------
    AnalysisError
        As `cxlab.analysis.metrics.score`; if there is no peer, or no such focal unit (naming the nearest);
        for columns that are asked twice or that a result uses itself.
    """
    check_level(level)
    entry = computable(metric)
    check_rows(table, cluster=cluster)
    taken = [column for column in by if column in RESERVED or column == unit]
    if taken or len(set(by)) < len(by):
        raise AnalysisError(
            "by names {columns}; each column once, neither the unit nor a name that a result uses itself",
            columns=", ".join(taken or by),
        )
    check_focal(check_units(table, unit), unit, focal)
    parts, design = partition(table, [*by, unit]), design_of(table, weights, strata, cluster)
    slots = columns_of(entry, columns, entry.slots)
    check_answers(slots, [unit, weights])
    given = answers(table, entry, slots)
    reduced = cells(
        given.numerator, given.denominator, design, parts.codes, len(parts.keys),
        counts=entry.family == "rate",
    )  # fmt: skip
    return Sides(table, entry, tuple(by), unit, parts, design, given, reduced)
