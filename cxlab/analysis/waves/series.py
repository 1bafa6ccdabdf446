"""An index wave by wave: the rows of each wave reduced once, in the order of time.

Waves are named by a column: quarters, months, W1...W12. Names with numbers in them go by the number, so that
W2 comes before W10; ordered categories keep their order.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.answers import Answers, Columns, answers, check_answers, columns_of
from cxlab.analysis.columns import check_categories, check_rows
from cxlab.analysis.definitions import Metric, computable
from cxlab.analysis.estimates import check_columns
from cxlab.analysis.sampling import Weights
from cxlab.analysis.survey import Cells, Design, Group, cells, design_of
from cxlab.errors import AnalysisError

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Series:
    """One index in K waves.

    Attributes
    ----------
    waves : list
        Names of the waves in which somebody answers, in order.
    codes : ndarray of int, shape (n_rows,)
        Wave of each row, -1 for none.
    group : Group
        Estimates of the waves, shape (K,).
    """

    entry: Metric
    waves: list[Any]
    codes: Array
    answers: Answers
    design: Design
    cells: Cells
    group: Group

    def member(self, asked: Sequence[Any]) -> Array:
        """Return the waves named by `asked` as a 0/1 row, shape (1, K)."""
        return np.isin(np.arange(len(self.waves)), [self.waves.index(w) for w in asked]).astype(float)[None]


def series(
    table: pd.DataFrame,
    metric: str,
    *,
    wave: str,
    columns: Columns = None,
    weights: Weights = None,
    strata: str | None = None,
    cluster: str | None = None,
) -> Series:
    """Reduce the rows of `table` to one cell for each wave.

    Raises
    ------
    AnalysisError
        As `cxlab.analysis.metrics.score`, or if fewer than two waves have answers.
    """
    entry = computable(metric)
    check_rows(table, cluster=cluster)
    check_columns(table, [wave])
    check_categories(table, [wave])
    design = design_of(table, weights, strata, cluster)
    slots = columns_of(entry, columns, entry.slots)
    check_answers(slots, [weights if isinstance(weights, str) else None, wave])
    given = answers(table, entry, slots)
    waves = in_order(table.loc[~np.isnan(given.numerator) & (design.weights > 0), wave])
    if len(waves) < 2:
        raise AnalysisError(
            "column {column!r} has answers in {count} waves; a change needs two",
            column=wave,
            count=len(waves),
        )
    codes = pd.Index(waves).get_indexer(pd.Index(table[wave]))
    counts = entry.family == "rate"
    reduced = cells(given.numerator, given.denominator, design, codes, len(waves), counts=counts)
    return Series(entry, waves, codes, given, design, reduced, reduced.groups(np.eye(len(waves))))


def in_order(held: pd.Series[Any]) -> list[Any]:
    """Return the distinct values of a column of waves in the order of time.

    Examples
    --------
    >>> in_order(pd.Series(["W10", "W2", None, "W1"]))
    ['W1', 'W2', 'W10']
    """
    values = held.dropna()
    if isinstance(values.dtype, pd.CategoricalDtype) and values.dtype.ordered:
        return [v for v in values.cat.categories if (values == v).any()]
    found = values.astype(object).unique().tolist()
    return sorted(found, key=_place) if all(isinstance(v, str) for v in found) else sorted(found)


def _place(name: str) -> list[tuple[int, int, str]]:
    """Give the parts of a name in turn, numbers as numbers."""
    parts = re.split(r"(\d+)", name)
    return [(1, int(part), "") if part.isdigit() else (0, 0, part) for part in parts if part]


def chosen(waves: Sequence[Any], asked: Any, otherwise: int, role: str) -> list[Any]:
    """Return the waves asked for (one, or several taken together), or the one at place `otherwise`.

    Raises
    ------
    AnalysisError
        Naming a wave that is not there.
    """
    if asked is None or (isinstance(asked, str | Sequence) and len(asked) == 0):
        return [waves[otherwise]]
    listed = [asked] if isinstance(asked, str) or not isinstance(asked, Sequence) else list(asked)
    unknown = [w for w in listed if w not in waves]
    if unknown:
        raise AnalysisError(
            "{role} names {unknown}, in which nobody answers; the waves are {waves}",
            role=role,
            unknown=", ".join(map(str, unknown)),
            waves=", ".join(map(str, waves)),
        )
    return sorted(dict.fromkeys(listed), key=list(waves).index)


def named_wave(asked: Sequence[Any]) -> str:
    """Name a wave, or several taken together.

    Examples
    --------
    >>> named_wave(["2024T3"]), named_wave(["a", "b", "c"])
    ('2024T3', 'a–c')
    """
    return str(asked[0]) if len(asked) == 1 else f"{asked[0]}–{asked[-1]}"
