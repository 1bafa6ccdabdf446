"""What a file asks and which answers it holds, apart from who answered: kept by each check for the next wave.

No id, no free text, no date and no measure is kept: only headers, questions, labels, and how often each
answer of a rated or categorical column was given.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from cxlab.intake.declared.canonical import tables
from cxlab.intake.declared.models import SUFFIXES, Source
from cxlab.intake.files.reading import Reading, clean_name
from cxlab.intake.files.separators import NAMED
from cxlab.intake.privacy.identifiers import identifier
from cxlab.intake.privacy.personal import reads_as_prose
from cxlab.intake.privacy.pseudonyms import personal_name
from cxlab.intake.tables.columns import Column

# A column with more different texts than this is no list of answers.
MOST_VALUES = 40
LONGEST_VALUE = 80
# How a file is read: keys of its source, and what each is when it is not declared.
READ_AS: dict[str, Any] = {
    "format": None, "encoding": None, "separator": None, "decimal": ".", "thousands": "", "sheet": "",
    "layout": "plain", "header_row": 1, "header_rows": 1, "skip_after_header": 0, "skip_at_end": 0,
}  # fmt: skip
_SEPARATORS = {name: mark for mark, name in NAMED.items()}
_PROFILED = ("category", "rating", "flag")
_LEADING = re.compile(r"[-+]?\d+(?:[.,]\d+)?")


@dataclass(frozen=True, kw_only=True)
class Item:
    """One column of a file, as a questionnaire knows it.

    Attributes
    ----------
    header, column, question : str
        In the file; in the table, if it is stored; and what was asked, if the file says.
    values : dict of str to int
        How often each answer was given, as the file writes it; empty where that is not kept.
    labels : dict of str to str
        Labels of codes that the file carries.
    scale : (lowest, highest) or None
        On which it was asked.
    no_answer : set of str
        Codes declared to mean no answer.
    """

    header: str
    column: str = ""
    question: str = ""
    values: Mapping[str, int] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    scale: tuple[float, float] | None = None
    no_answer: frozenset[str] = frozenset()

    @property
    def answers(self) -> dict[str, int]:
        """The values that are answers."""
        return {text: n for text, n in self.values.items() if not self._means_no_answer(text)}

    @property
    def points(self) -> dict[float, int]:
        """The answers as numbers, where all of them are or begin with one; else nothing."""
        found: dict[float, int] = {}
        for text, n in self.answers.items():
            match = _LEADING.match(text)
            if match is None:
                return {}
            point = float(match[0].replace(",", "."))
            found[point] = found.get(point, 0) + n
        return found

    def _means_no_answer(self, text: str) -> bool:
        match = _LEADING.match(text)
        return text in self.no_answer or (match is not None and match[0] in self.no_answer)


@dataclass(frozen=True, kw_only=True)
class Codebook:
    """The columns of one file, and how it was read.

    Attributes
    ----------
    file : str
    items : tuple of Item
    unused : set of str
        Headers that were seen and are not stored.
    read_as : dict
        Keys of `READ_AS` that are not as usual.
    """

    file: str
    items: tuple[Item, ...] = ()
    unused: frozenset[str] = frozenset()
    read_as: Mapping[str, Any] = field(default_factory=dict)


def profile(texts: Iterable[str], counts: Iterable[int]) -> dict[str, int]:
    """Return how often each text is there; nothing if they are many, long, prose or personal.

    Examples
    --------
    >>> profile(["7", "", "99"], [3, 1, 2])
    {'7': 3, '99': 2}
    >>> profile(["ana.perez@example.cl", "7"], [1, 1])
    {'7': 1}
    """
    found: dict[str, int] = {}
    for text, n in zip(texts, counts, strict=True):
        bare = text.strip()
        if bare and n:
            found[bare] = found.get(bare, 0) + int(n)
    if len(found) > MOST_VALUES or any(len(text) > LONGEST_VALUE for text in found) or reads_as_prose(found):
        return {}
    return {text: n for text, n in sorted(found.items()) if identifier(text) is None}


def is_profiled(source: Source, column: str, *, numeric: bool) -> bool:
    """Tell whether the answers of a stored column are kept: rated, categorical, or short and of one's own."""
    known = tables()[source.table].columns.get(column)
    if known is not None:
        return known.kind in _PROFILED
    kind = source.kinds.get(column)
    return kind in ("number", "category", "flag") or (kind is None and (numeric or column in source.values))


def kept(
    source: Source,
    columns: Mapping[str, Column],
    reading: Reading,
    *,
    headers: Mapping[str, str],
    personal: Container[str],
) -> dict[str, dict[str, Any]]:
    """Return what tables.json keeps of one source's columns: questions, profile, value_labels.

    Answers are counted in every row read, also in those not used: what was excluded once is not new later.

    Parameters
    ----------
    source : Source
    columns : mapping of str to Column
        Those that are stored, decoded.
    reading : Reading
    headers : mapping of str to str
        Header of each stored column.
    personal : container of str
        Columns that hold ids or persons.
    """
    told = {name: header for name, header in headers.items() if name in columns and name not in personal}
    found: dict[str, dict[str, Any]] = {
        "questions": {
            name: question
            for name, header in told.items()
            if (question := reading.questions.get(header, "")) and identifier(question) is None
        },
        "value_labels": {
            name: {code: label for code, label in labels.items() if identifier(label) is None}
            for name, header in told.items()
            if (labels := reading.labels.get(header))
        },
    }
    profiles: dict[str, dict[str, int]] = {}
    for name in told:
        column = columns[name]
        numeric = column.typed.values.dtype.kind == "f"
        if is_profiled(source, name, numeric=numeric) and len(column.cells.texts) <= 2 * MOST_VALUES:
            profiles[name] = profile(column.cells.distinct, column.cells.counts)
    return found | {"profile": {name: each for name, each in profiles.items() if each}}


def recorded(source: Source, kept: Mapping[str, Any]) -> Codebook:
    """Return the codebook of a declared source from what tables.json keeps of it.

    Parameters
    ----------
    source : Source
        As declared.
    kept : mapping
        Its record under ``sources``: headers, questions, profile, value_labels, unmapped, dropped.
    """
    headers: Mapping[str, str] = kept["headers"]
    items = tuple(
        Item(
            header=header,
            column=column,
            question=kept["questions"].get(column, ""),
            values=kept["profile"].get(column, {}),
            labels=kept["value_labels"].get(column, {}),
            scale=_asked(source, column, header),
            no_answer=no_answer(source, column, header),
        )
        for column, header in headers.items()
    )
    unused = frozenset([*kept["unmapped"], *kept["dropped"]])
    keys = {**source.model_dump(), "format": source.read_as}
    if source.read_as == "csv":  # what is not declared, the reader found
        how = kept["how"]
        keys["encoding"] = source.encoding or how.get("encoding")
        keys["separator"] = source.separator or _SEPARATORS.get(how.get("separator", ""))
    return Codebook(file=source.file, items=items, unused=unused, read_as=read_as(keys))


def declared(source: Source) -> Codebook:
    """Return what is known of a source that was never checked: its headers."""
    items = tuple(
        Item(
            header=clean_name(header),
            column=column,
            scale=_asked(source, column, header),
            no_answer=no_answer(source, column, header),
        )
        for header, column in source.names.items()
    )
    unused = frozenset(clean_name(header) for header in source.drop)
    keys = {**source.model_dump(), "format": source.read_as}
    return Codebook(file=source.file, items=items, unused=unused, read_as=read_as(keys))


def seen(file: str, reading: Reading, keys: Mapping[str, Any]) -> Codebook:
    """Return the codebook of a file that nobody has declared.

    Parameters
    ----------
    file : str
    reading : Reading
        As read.
    keys : mapping
        Keys of its source with which it was read.
    """
    items = []
    for header in reading.headers:
        cells, question = reading.columns.get(header), reading.questions.get(header, "")
        labels = reading.labels.get(header, {})
        few = cells is not None and len(cells.texts) <= 2 * MOST_VALUES and not personal_name(header)
        items.append(
            Item(
                header=header,
                question=question if identifier(question) is None else "",
                values=profile(cells.distinct, cells.counts) if cells is not None and few else {},
                labels={code: label for code, label in labels.items() if identifier(label) is None},
            )
        )
    kind = keys.get("format") or SUFFIXES.get(PurePosixPath(file).suffix.lower())
    return Codebook(file=file, items=tuple(items), read_as=read_as({**keys, "format": kind}))


def read_as(keys: Mapping[str, Any]) -> dict[str, Any]:
    """Return how a file is read where it is not as usual.

    Examples
    --------
    >>> read_as({"decimal": ",", "header_row": 1, "table": "customers"})
    {'decimal': ','}
    """
    return {key: keys[key] for key, usual in READ_AS.items() if keys.get(key, usual) != usual}


def no_answer(source: Source, *names: str) -> frozenset[str]:
    """Return the codes declared to mean no answer in a column, known by any of its names."""
    given = (*source.missing.items(), *source.not_applicable.items())
    return frozenset(code for name, codes in given if name in ("*", *names) for code in codes)


def _asked(source: Source, column: str, header: str) -> tuple[float, float] | None:
    for name in (column, header):
        if name in source.equivalent:
            return source.equivalent[name].asked
    return next((source.scales[name] for name in (column, header) if name in source.scales), None)
