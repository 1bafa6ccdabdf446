"""The units that are compared, and their answers to one metric as sums per cell."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.answers import Answers, Columns, answers, check_answers, columns_of
from cxlab.analysis.columns import check_categories, check_rows
from cxlab.analysis.definitions import Metric, computable
from cxlab.analysis.estimates import check_columns, check_level
from cxlab.analysis.findings import accounted
from cxlab.analysis.sampling import Weights
from cxlab.analysis.survey import Cells, Design, Group, Partition, cells, design_of, partition
from cxlab.errors import AnalysisError

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Reduced:
    """Rows of a table by the combinations of some of its columns, with their answers, design and sums."""

    table: pd.DataFrame
    entry: Metric
    by: tuple[str, ...]
    parts: Partition
    design: Design
    answers: Answers
    cells: Cells

    @property
    def present(self) -> Array:
        """Cells in which somebody answers."""
        return np.flatnonzero(self.cells.rows > 0)

    @property
    def groups(self) -> Group:
        """Estimates of the cells that are present."""
        return self.cells.groups(np.eye(len(self.cells.rows))[self.present])

    @property
    def whole(self) -> Group:
        """Estimate of all cells together."""
        return self.cells.groups(np.ones((1, len(self.cells.rows))))

    @property
    def values(self) -> Array:
        """Value of the last column, the unit, in each cell that is present."""
        return np.asarray(self.parts.keys[self.by[-1]].to_numpy(dtype=object)[self.present])

    @property
    def accounted(self) -> tuple[Array, dict[str, int]]:
        """Which rows entered, and how many did not, by reason."""
        return accounted(self.answers, self.design, self.table, self.by)


def check_units(table: pd.DataFrame, unit: str) -> list[Any]:
    """List the values of the column `unit`; refuse fewer than two."""
    check_columns(table, [unit])
    check_categories(table, [unit])
    units = list(table[unit].dropna().unique())
    if len(units) < 2:
        raise AnalysisError(
            "a comparison needs two units or more; {unit} has {count}: add the rows of the peers",
            unit=unit,
            count=len(units),
        )
    return units


def check_focal(units: list[Any], unit: str, focal: Any) -> None:
    """Refuse a focal unit that is not one of `units`, naming the nearest."""
    if focal not in units:
        names = [str(value) for value in units]
        nearest = difflib.get_close_matches(str(focal), names, n=1, cutoff=0.0)
        raise AnalysisError(
            "{unit} has no value {focal!r}; the nearest is {nearest}, of {count} values",
            unit=unit,
            focal=focal,
            nearest=nearest[0] if nearest else names[0],
            count=len(units),
        )


def reduced(
    table: pd.DataFrame, entry: Metric, by: Sequence[str], *, columns: Columns, weights: Weights,
    strata: str | None = None, cluster: str | None = None, others: Sequence[str | None] = (),
) -> Reduced:  # fmt: skip
    """Read the answers of `table` and add them up by the combinations of the `by` columns.

    Parameters
    ----------
    table : DataFrame
        One row per respondent; not changed.
    entry : Metric
        The metric.
    by : sequence of str
        Columns of the cells.
    columns, weights, strata, cluster : as in `cxlab.analysis.metrics.score`
    others : sequence of str or None
        Columns that may not be answers as well, beside the weights.

    Raises
    ------
    AnalysisError
        As `cxlab.analysis.metrics.score`.
    """
    parts, design = partition(table, by), design_of(table, weights, strata, cluster)
    slots = columns_of(entry, columns, entry.slots)
    check_answers(slots, [weights if isinstance(weights, str) else None, *others])
    given, counts = answers(table, entry, slots), entry.family == "rate"
    sums = cells(given.numerator, given.denominator, design, parts.codes, len(parts.keys), counts=counts)
    return Reduced(table, entry, tuple(by), parts, design, given, sums)


def of_units(
    table: pd.DataFrame, metric: str, unit: str, focal: str | None, *, by: Sequence[str] = (),
    columns: Columns, weights: Weights, level: float,
) -> Reduced:  # fmt: skip
    """Check what was asked of the values of `unit`, and reduce the rows to cells of `by` and `unit`.

    Raises
    ------
    AnalysisError
        As `cxlab.analysis.metrics.score`; with fewer than two units, or without the `focal` one.
    """
    check_level(level)
    check_rows(table)
    units = check_units(table, unit)
    if focal is not None:
        check_focal(units, unit, focal)
    entry = computable(metric)
    return reduced(table, entry, [*by, unit], columns=columns, weights=weights, others=[unit])
