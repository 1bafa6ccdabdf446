"""Rows of one table from one source: typed, beside what the file had and where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from cxlab.errors import Message, Problem
from cxlab.intake.coded import Coded, Mask
from cxlab.intake.declared.models import Equivalence, Source
from cxlab.intake.privacy.identifiers import Identifier


class Raw:
    """The cells of mapped rows as found in the file, looked up when they are asked for.

    A derived column has none: its cells are what came out.
    """

    def __init__(self, found: Mapping[str, Coded], made: Mapping[str, pd.Series[Any]], kept: Mask) -> None:
        self._found, self._made = found, made
        self._rows = None if kept.all() else np.flatnonzero(kept)
        self._n = int(kept.sum())

    def __contains__(self, column: object) -> bool:
        return column in self._found or column in self._made

    def release(self) -> None:
        """Forget the cells: no message will ask for them any more."""
        self._found, self._made, self._rows = {}, {}, None

    def _places(self, rows: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
        return rows if self._rows is None else self._rows[rows]

    def text(self, column: str, row: int) -> str:
        """Return one cell, an empty text if nothing is there."""
        return self.texts(column, np.array([row]))[1][0]

    def texts(self, column: str, rows: npt.NDArray[np.intp]) -> tuple[npt.NDArray[np.intp], list[str]]:
        """Return the distinct texts of some rows, in the order of the rows, and which each row has."""
        places = self._places(rows)
        if column in self._found:
            cells = self._found[column]
            codes, distinct = pd.factorize(cells.codes[places])
            return codes, cells.texts.take(pa.array(distinct)).to_pylist()
        if column not in self._made:
            return np.zeros(len(rows), dtype=np.intp), [""]
        codes, values = pd.factorize(self._made[column].iloc[places], use_na_sentinel=False)
        return codes, ["" if pd.isna(value) else str(value) for value in values]

    def counts(self, column: str) -> dict[str, int]:
        """Return how many rows have each text of a column."""
        if column not in self._found:
            codes, texts = self.texts(column, np.arange(self._n))
            return dict(zip(texts, np.bincount(codes, minlength=len(texts)).tolist(), strict=True))
        cells = self._found[column]
        codes = cells.codes if self._rows is None else cells.codes[self._rows]
        counts = np.bincount(codes, minlength=len(cells.texts)).tolist()
        return {text: n for text, n in zip(cells.distinct, counts, strict=True) if n}

    def among(self, column: str, texts: Iterable[str]) -> Mask:
        """Return which rows have one of the given texts."""
        hit = self._found[column].among(texts)
        return hit if self._rows is None else hit[self._rows]


@dataclass(frozen=True, eq=False, kw_only=True)
class Mapped:
    """Rows of one table from one source.

    Attributes
    ----------
    frame : DataFrame
        Typed columns; the index counts rows from 0.
    raw : Raw
        The same rows and columns as found in the file.
    lines : ndarray of int
        Line of each row in the file.
    headers : dict of str to str
        Header of each column in the file.
    excluded : dict of str to int
        Records not used, by reason: `read` is the rows of `frame` and these.
    ids : set of str
        Columns to be pseudonymised.
    distinct : set of str
        Id columns of which it is known that no two rows have the same.
    personal : set of str
        Columns whose cells may not be shown in a message.
    faulty : dict of str to set of str
        Texts of each column that are already reported as not of its kind.
    equivalents : dict of str to Equivalence
        Columns asked on one scale and stored on another.
    emptied : dict of str to dict of str to int
        How many cells that look personal were emptied, by column and kind.
    codebook : dict of str to dict
        What is kept for the next wave: questions, profile and value_labels, by column.
    notes : list of str
        What was done that a person should know.
    led : dict of str to int
        How many cells of a column were read by the number they start with.
    unasked : dict of str to int
        How many cells of a column hold an answer that `asked_if` says was not asked for.
    after_event : set of str
        Columns made by the event, or after it.
    upward : set of str
        Ratings of which it is declared that more is better, or that were turned round so that it is.
    """

    source: Source
    frame: pd.DataFrame
    raw: Raw
    lines: npt.NDArray[np.int64]
    headers: dict[str, str]
    read: int
    excluded: dict[str, int]
    unmapped: tuple[str, ...]
    dropped: tuple[str, ...]
    scales: dict[str, tuple[float, float]]
    labels: dict[str, dict[str, str]]
    na_reasons: dict[str, dict[str, int]]
    personal: set[str]
    notes: list[Message]
    how: dict[str, str]
    faulty: dict[str, set[str]]
    ids: set[str]
    distinct: set[str] = field(default_factory=set)
    equivalents: dict[str, Equivalence] = field(default_factory=dict)
    emptied: dict[str, dict[Identifier, int]] = field(default_factory=dict)
    codebook: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    led: dict[str, int] = field(default_factory=dict)
    unasked: dict[str, int] = field(default_factory=dict)
    after_event: set[str] = field(default_factory=set)
    upward: set[str] = field(default_factory=set)
