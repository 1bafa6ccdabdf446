"""Rows of one file whose key stands twice: dropped as declared and counted, or left to be refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cxlab.errors import Message
from cxlab.intake.files.reading import Reading
from cxlab.intake.tables.assignment import Assignment

# Why a repeated row is not used, by what the source declares under `duplicates`.
REASONS = {
    "identical": Message("repeated rows, the same in every cell"),
    "first": Message("repeated keys: the first row stands"),
    "last": Message("repeated keys: the last row stands"),
}
_TIME = "responded_at"
Kept = npt.NDArray[np.bool_]


def without_repeats(
    assigned: Assignment,
    values: Mapping[str, pd.Series[Any]],
    reading: Reading,
    kept: Kept,
    excluded: dict[str, int],
) -> tuple[Kept, dict[str, int]]:
    """Leave out the repeated rows that the source's `duplicates` gives up.

    Parameters
    ----------
    assigned : Assignment
    values : mapping of str to Series
        The columns of the table.
    reading : Reading
    kept : ndarray of bool
        Rows that no exclusion takes away; only these are compared.
    excluded : dict of str to int
        Records not used, by reason.

    Returns
    -------
    ndarray of bool, dict of str to int
        Both with the repeated rows taken out and counted. ``identical`` takes those that are the same in
        every cell of the file as the row before them; ``last`` keeps the one answered last, where the table
        says when, and else the last in the file.
    """
    policy, table = assigned.source.duplicates, assigned.table
    key = [name for name in table.key if name in values]
    if policy == "refuse" or not key or table.key[0] not in values or not kept.any():
        return kept, excluded
    rows = pd.DataFrame({name: values[name].to_numpy() for name in key})
    considered = kept & values[table.key_needs or key[0]].notna().to_numpy()
    if policy == "identical":
        cells = pd.DataFrame({name: column.codes for name, column in reading.columns.items()})[considered]
        again = cells.duplicated(keep="first") & rows[considered].duplicated(keep="first")
    elif policy == "last" and _TIME in values:
        order = np.argsort(values[_TIME].to_numpy(dtype="datetime64[ns]"), kind="stable")
        undated = values[_TIME].isna().to_numpy()[order]
        rows = rows.iloc[[*order[undated], *order[~undated]]]
        again = rows[considered[rows.index]].duplicated(keep="last")
    else:
        again = rows[considered].duplicated(keep="first" if policy == "first" else "last")
    gone = again.index[again].to_numpy()
    if not len(gone):
        return kept, excluded
    kept = kept.copy()
    kept[gone] = False
    reason = str(REASONS[policy])
    return kept, excluded | {reason: excluded.get(reason, 0) + len(gone)}
