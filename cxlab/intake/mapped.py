"""Rows of one table from one source: typed, beside what the file had and where."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cxlab.errors import Message, Problem
from cxlab.intake.identifiers import Identifier
from cxlab.intake.models import Equivalence, Source


@dataclass(frozen=True, eq=False, kw_only=True)
class Mapped:
    """Rows of one table from one source.

    Attributes
    ----------
    frame : DataFrame
        Typed columns; the index counts rows from 0.
    raw : DataFrame
        The same rows and columns as text, as found in the file.
    lines : ndarray of int
        Line of each row in the file.
    headers : dict of str to str
        Header of each column in the file.
    excluded : dict of str to int
        Records not used, by reason: `read` is the rows of `frame` and these.
    ids : set of str
        Columns to be pseudonymised.
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
    raw: pd.DataFrame
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
    equivalents: dict[str, Equivalence] = field(default_factory=dict)
    emptied: dict[str, dict[Identifier, int]] = field(default_factory=dict)
    codebook: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    led: dict[str, int] = field(default_factory=dict)
    unasked: dict[str, int] = field(default_factory=dict)
    after_event: set[str] = field(default_factory=set)
    upward: set[str] = field(default_factory=set)
