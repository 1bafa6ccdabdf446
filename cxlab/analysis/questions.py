"""The questions of a banner table: which can be tabulated, and what each row adds to each of their lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.answers import answers
from cxlab.analysis.columns import as_floats
from cxlab.analysis.definitions import Metric, definition
from cxlab.analysis.scales import declared_scale
from cxlab.errors import AnalysisError, Message

Array = np.ndarray[Any, Any]

BEST = 2  # how many of the highest answers the share of the best holds
MOST_ANSWERS = 30  # a column of more values is no closed question


@dataclass(frozen=True, slots=True)
class Line:
    """One line of cells: a statistic of a question, as what each row adds to it."""

    item: str
    measure: str
    answer: str
    entry: Metric
    numerator: Array
    denominator: Array


def closed(
    table: pd.DataFrame, codebook: pd.DataFrame, roles: Sequence[str] = ("outcome", "driver")
) -> list[str]:
    """List the questions of a codebook that the table has and that can be tabulated, in its order.

    Parameters
    ----------
    table : DataFrame
        One row per respondent.
    codebook : DataFrame
        Canonical `items`; without rows, the columns of `table` with a declared scale are listed.
    roles : sequence of str
        Which roles of the codebook.

    Examples
    --------
    >>> book = pd.DataFrame({"item_id": ["ease", "age", "gone"], "role": ["driver", "demographic", "driver"]})
    >>> closed(pd.DataFrame({"ease": [1], "age": [30]}), book)
    ['ease']
    """
    if codebook.empty:
        return [column for column in table.columns if declared_scale(table, column) is not None]
    own = codebook[codebook["role"].isin(roles)] if "role" in codebook else codebook
    return [item for item in own["item_id"].astype(str) if item in table.columns]


def scales_of(table: pd.DataFrame, codebook: pd.DataFrame | None) -> dict[str, tuple[int, int, bool]]:
    """Return the ends of each rating's scale, and whether a high answer is a good one."""
    found = {
        str(column): (int(ends[0]), int(ends[1]), True)
        for column in table.columns
        if (ends := declared_scale(table, column)) is not None
    }
    if codebook is None or not {"item_id", "scale_min", "scale_max"} <= set(codebook.columns):
        return found
    for row in codebook.to_dict("records"):
        if pd.notna(row["scale_min"]) and pd.notna(row["scale_max"]):
            up = str(row.get("direction") or "up") != "down"
            found[str(row["item_id"])] = (int(row["scale_min"]), int(row["scale_max"]), up)
    return found


def lines_of(
    table: pd.DataFrame, items: Sequence[str], scales: Mapping[str, tuple[int, int, bool]]
) -> tuple[list[Line], list[tuple[str, Message]]]:
    """Return the lines of every question, and those left out with the reason.

    Raises
    ------
    AnalysisError
        If none can be tabulated.
    """
    lines: list[Line] = []
    left_out: list[tuple[str, Message]] = []
    for item in dict.fromkeys(items):
        if not table[item].notna().any():
            left_out.append((item, Message("nobody answers it")))
        elif as_floats(table[item]) is None:
            values = list(pd.factorize(table[item], sort=True)[1])
            if len(values) > MOST_ANSWERS:
                left_out.append((item, Message("more than {most} different answers", most=MOST_ANSWERS)))
            else:
                lines += list(_shares(table, item, values))
        elif item not in scales:
            left_out.append(
                (item, Message("numbers without a scale; declare it under scales in client.yaml"))
            )
        else:
            lines += list(_rated(table, item, *scales[item]))
    if not lines:
        raise AnalysisError(
            "none of {items} can be tabulated; give ratings with a scale in client.yaml, or categories",
            items=", ".join(map(str, items)) or "-",
        )
    return lines, left_out


def _rated(table: pd.DataFrame, item: str, low: int, high: int, up: bool) -> Iterator[Line]:  # noqa: FBT001
    """Return the mean and the share of the best answers of a rating."""
    best = replace(definition(f"top_1_of_0_{high}" if low == 0 else f"top_1_of_{high}"), scale=(low, high))
    two = tuple(range(high - BEST + 1, high + 1)) if up else tuple(range(low, low + BEST))
    best = replace(best, positive=two if high - low >= BEST else two[-1:])
    mean = replace(best, id="mean", family="mean", unit="scale", limits=(low, high), positive=())
    for measure, entry in (("mean", mean), ("best", best)):
        given = answers(table, entry, {entry.slots[0]: item})
        said = f"{low}-{high}" if measure == "mean" else "-".join(map(str, sorted({two[0], two[-1]})))
        yield Line(item, measure, said, entry, given.numerator, given.denominator)


def _shares(table: pd.DataFrame, item: str, values: Sequence[Any]) -> Iterator[Line]:
    """Return the share of each answer of a category."""
    empty = table[item].isna().to_numpy()
    ones = np.where(empty, np.nan, 1.0)
    share = replace(definition("top_1_of_2"), scale=None)
    for value in values:
        own = np.where(empty, np.nan, 100.0 * (table[item] == value).to_numpy(dtype=float, na_value=0.0))
        yield Line(item, "share", str(value), share, own, ones)
