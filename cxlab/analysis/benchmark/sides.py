"""What every comparison starts from: answers of a focal unit and its peers, reduced to sums per cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.answers import Answers, Columns, columns_of
from cxlab.analysis.benchmark.units import check_focal, check_units, reduced
from cxlab.analysis.columns import check_rows
from cxlab.analysis.definitions import Metric, computable
from cxlab.analysis.estimates import MINIMUM_CUSTOMERS, check_level
from cxlab.analysis.findings import accounted
from cxlab.analysis.metrics import RESERVED
from cxlab.analysis.sampling import Weights
from cxlab.analysis.scales import declared_scale, looks_like
from cxlab.analysis.survey import Cells, Design, Partition
from cxlab.errors import AnalysisError, Message

Array = np.ndarray[Any, Any]

# What results of comparisons call their own columns, beside those of every result.
OWN = frozenset({
    "family", "p_equivalent", "crude", "mix", "raw", "pooled", "retained", "drawn_to", "best", "to_median",
    "score", "peers", "n_focal",
})  # fmt: skip
# How answers were collected: units that differ in it are not measured alike.
MODES = ("mode", "questionnaire_version")
EXPECTED = 5.0  # answers that a unit would have in a mode, so that none is no chance
ENOUGH = 50  # answers from which a unit that never uses the top of a scale was asked on another


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
        # A handful is not counted apart: the count would be the base of a hidden cell of the scores.
        out &= out.sum() >= MINIMUM_CUSTOMERS
        if out.any():
            dropped[why] = int(out.sum())
        return int((used & ~out).sum()), dropped


def check_by(by: Sequence[str], unit: str | None) -> None:
    """Refuse columns of cells that are named twice, or as a result names its own."""
    taken = [column for column in by if column in RESERVED | OWN or column == unit]
    if taken or len(set(by)) < len(by):
        raise AnalysisError(
            "by names {columns}; each column once, neither the unit nor a name that a result uses itself",
            columns=", ".join(taken or by),
        )


def check_alike(sides: Sides, columns: Columns) -> None:
    """Refuse units that were asked in other modes, with other questionnaires or on other scales.

    Raises
    ------
    AnalysisError
        Naming the first unit, and what it lacks or used.
    """
    units = sides.table[sides.unit].to_numpy(dtype=object)
    counted = ~np.isnan(sides.answers.numerator) & pd.notna(units)
    for column in MODES:
        if column in sides.table.columns:
            _check_mode(column, sides.table[column][counted], units[counted])
    entry = sides.entry
    if entry.scale is None:
        return
    for column in columns_of(entry, columns, entry.slots).values():
        if declared_scale(sides.table, column) is None:
            given = np.asarray(sides.table[column], dtype=float)
            for one in pd.unique(units[counted]):
                own = given[counted & (units == one)]
                looks = looks_like(own, entry.scale) if len(own) >= ENOUGH else None
                if looks is not None and looks[1] < entry.scale[1]:
                    raise AnalysisError(
                        "the answers of {one} to {column} read as a scale from {low} to {high}, those of the "
                        "others do not; leave it out, or set force_mixed_mode if the scale was the same",
                        one=str(one), column=column, low=looks[0], high=looks[1],
                    )  # fmt: skip


def _check_mode(column: str, modes: pd.Series[Any], units: Array) -> None:
    counts = pd.crosstab(units, modes.to_numpy(dtype=object))
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / max(counts.to_numpy().sum(), 1)
    lacking = np.argwhere((counts.to_numpy() == 0) & (expected >= EXPECTED))
    if len(lacking):
        one, mode = lacking[0]
        raise AnalysisError(
            "{one} has no answers with {column} {mode!r}, and others have: a difference would be of how they "
            "were asked; keep one {column}, or set force_mixed_mode to compare all the same",
            one=str(counts.index[one]), column=column, mode=str(counts.columns[mode]),
        )  # fmt: skip


def sides_of(
    table: pd.DataFrame, metric: str, *, unit: str, focal: Any, by: Sequence[str], columns: Columns,
    weights: Weights, strata: str | None, cluster: str | None, level: float,
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
    check_by(by, unit)
    check_focal(check_units(table, unit), unit, focal)
    found = reduced(
        table, entry, [*by, unit], columns=columns, weights=weights, strata=strata, cluster=cluster,
        others=[unit],
    )  # fmt: skip
    parts, design, given, sums = found.parts, found.design, found.answers, found.cells
    return Sides(table, entry, tuple(by), unit, parts, design, given, sums)
