"""What a client's tables can be asked: which columns split, filter, explain or are explained; bases."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from cxlab.intake.dataset import Dataset, Entry, open_dataset
from cxlab.intake.declared.canonical import OWN_PREFIX, Table, tables
from cxlab.intake.declared.models import Language

# Fewer rows than this are never shown by value.
SMALLEST = 10
MOST_VALUES, MOST_LEVELS = 12, 50
Use = Literal["by", "where", "driver", "outcome"]


@dataclass(frozen=True, kw_only=True)
class Described:
    """One column of a table.

    Attributes
    ----------
    column, label : str
        Its name, and what it is called in the language asked for.
    kind : {"rating", "number", "category", "text", "date", "flag", "id", "code"}
    uses : tuple of str
        Of by, where, driver and outcome, those it can serve as.
    scale : (low, high) or None
    rows, base : int
        All rows, and those that have a value.
    levels : int
        Different values.
    values : dict of str to int
        The values and their rows, if they are few and each has at least 10.
    small : int
        How many values are not among them because they have fewer.
    reasons : dict of str to int
        Why values are missing.
    """

    column: str
    label: str
    kind: str
    uses: tuple[Use, ...] = ()
    scale: tuple[float, float] | None = None
    rows: int = 0
    base: int = 0
    levels: int = 0
    values: dict[str, int] = field(default_factory=dict)
    small: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def missing(self) -> float:
        """Share of the rows that have no value."""
        return 1 - self.base / self.rows if self.rows else 0.0


def describe(root: str | Path, client: str, *, language: Language = "es") -> dict[str, list[Described]]:
    """Return what each column of a client's tables can be used for.

    Parameters
    ----------
    root : path
        The workbench's folder.
    client : str
        Name of the client's folder under data/.
    language : {"es", "en"}
        Of the labels.

    Raises
    ------
    InputError
        If there are no tables, or something changed since they were made.
    """
    dataset = open_dataset(root, client)
    return {name: _table(dataset, name, language) for name in dataset.names}


def _table(dataset: Dataset, name: str, language: Language) -> list[Described]:
    frame, entry, known = dataset.read(name), dataset.entry(name), tables()[name]
    after = {
        column for source in dataset.client.sources if source.table == name for column in source.after_event
    }
    ids = {column for source in dataset.client.sources if source.table == name for column in source.ids}
    labels = dataset.labels_mapping()["columns"]
    made = []
    for column in frame.columns:
        if str(column).endswith("_na_reason"):
            continue
        kind = _kind(column, frame[column], known, entry, ids)
        said = labels.get(column, {}).get(language) or _called(known, column, language)
        made.append(_described(column, said, kind, frame[column], entry, after))
    return made


def _called(table: Table, column: str, language: Language) -> str:
    known = table.columns.get(column)
    return str(getattr(known, language)) if known is not None else column.removeprefix(OWN_PREFIX)


def _kind(column: str, values: pd.Series[Any], table: Table, entry: Entry, ids: set[str]) -> str:
    known = table.columns.get(column)
    if column in ids or (known is not None and known.kind == "id"):
        return "id"
    if column in entry.scales or (known is not None and known.kind == "rating"):
        return "rating"
    if known is not None:
        return {"integer": "number"}.get(known.kind, known.kind)
    if pd.api.types.is_datetime64_any_dtype(values):
        return "date"
    if pd.api.types.is_numeric_dtype(values):
        return "flag" if set(values.dropna().unique()) <= {0, 1} else "number"
    return "category" if values.nunique() <= MOST_LEVELS else "text"


_USES: dict[str, tuple[Use, ...]] = {
    "rating": ("outcome", "driver", "where"),
    "number": ("driver", "where"),
    "flag": ("by", "where", "driver"),
    "category": ("by", "where"),
    "code": ("by", "where"),
    "date": ("where",),
    "text": (),
    "id": (),
}


def _described(
    column: str, label: str, kind: str, values: pd.Series[Any], entry: Entry, after: set[str]
) -> Described:
    base = int(values.notna().sum())
    counts = (
        Counter(_text(value) for value in values.dropna())
        if kind not in ("id", "text", "date")
        else Counter()
    )
    uses = tuple(
        use
        for use in _USES[kind]
        if base >= SMALLEST
        and not (use == "driver" and column in after)
        and not (use == "by" and len(counts) > MOST_LEVELS)
    )
    few = len(counts) <= MOST_VALUES
    shown = {value: n for value, n in sorted(counts.items()) if n >= SMALLEST} if few else {}
    scale = entry.scales.get(column)
    return Described(
        column=column,
        label=label,
        kind=kind,
        uses=uses,
        scale=(scale[0], scale[1]) if scale else None,
        rows=len(values),
        base=base,
        levels=int(values.nunique()),
        values=shown,
        small=len(counts) - len(shown) if few else 0,
        reasons=dict(entry.na_reasons.get(column, {})),
    )


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
