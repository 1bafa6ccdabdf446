"""Later extracts of the same things: rows of a file that `updates` another replace that file's.

What only the earlier file has stays as that file left it; what is replaced is counted by reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cxlab.errors import Message, Problem
from cxlab.intake.declared.canonical import tables
from cxlab.intake.declared.models import Source
from cxlab.intake.tables.mapped import Mapped

REPLACED = Message("rows that a later extract replaces")
Kept = npt.NDArray[np.bool_]


def latest_first(sources: Sequence[Source]) -> list[int]:
    """Return the places of the sources so that each comes after those that update it.

    Examples
    --------
    >>> first = Source(file="raw/1.csv", table="customers")
    >>> second = Source(file="raw/2.csv", table="customers", updates="raw/1.csv")
    >>> latest_first([first, second])
    [1, 0]
    """
    updated = {source.updates for source in sources if source.updates}
    waiting = [place for place, source in enumerate(sources) if source.file in updated]
    return [place for place in range(len(sources)) if place not in waiting] + waiting[::-1]


def is_replaced(part: Mapped) -> bool:
    """Tell whether later extracts replace every row that a file had left."""
    return part.frame.empty and str(REPLACED) in part.excluded


def later_keys(source: Source, mapped: Sequence[Mapped]) -> pd.DataFrame | None:
    """Return the keys in the files that update a source, directly or through others; None if none does."""
    files, later = {source.file}, []
    for part in sorted(mapped, key=lambda part: part.source.file):
        if _reaches(part.source, files, mapped) and part.source.table == source.table:
            later.append(part.frame)
    key = list(tables()[source.table].key)
    frames = [frame[key] for frame in later if set(key) <= set(frame.columns)]
    return pd.concat(frames, ignore_index=True) if frames else None


def _reaches(source: Source, files: set[str], mapped: Sequence[Mapped]) -> bool:
    """Tell whether following `updates` from a source leads to one of the files."""
    updates = {part.source.file: part.source.updates for part in mapped}
    at = source.updates
    for _ in mapped:
        if at in files:
            return True
        at = updates.get(at, "")
    return at in files


def without_replaced(
    values: Mapping[str, pd.Series[Any]],
    later: pd.DataFrame | None,
    kept: Kept,
    excluded: dict[str, int],
) -> tuple[Kept, dict[str, int]]:
    """Leave out the rows whose key stands in a later extract.

    Parameters
    ----------
    values : mapping of str to Series
        The columns of the table.
    later : DataFrame or None
        Keys of the later extracts.
    kept : ndarray of bool
        Rows used so far.
    excluded : dict of str to int
        Records not used, by reason.
    """
    if later is None or not set(later.columns) <= set(values):
        return kept, excluded
    own = pd.MultiIndex.from_frame(pd.DataFrame({name: values[name].to_numpy() for name in later.columns}))
    replaced = own.isin(pd.MultiIndex.from_frame(later)) & kept
    if not replaced.any():
        return kept, excluded
    return kept & ~replaced, excluded | {str(REPLACED): int(replaced.sum())}


def misdeclared(sources: Sequence[Source]) -> Iterator[Problem]:
    """Give each `updates` that names no source of the same table declared before."""
    for number, source in enumerate(sources, start=1):
        before = [each.file for each in sources[: number - 1] if each.table == source.table]
        if source.updates and source.updates not in before:
            yield Problem(
                Message(
                    "{file}, which is no source of {table} above it", file=source.updates, table=source.table
                ),
                Message("{names}", names=", ".join(before) or "-"),
                Message("name the earlier file, declared before this one, or remove the key"),
                file="client.yaml",
                column=f"sources {number} ({source.file}).updates",
            )
