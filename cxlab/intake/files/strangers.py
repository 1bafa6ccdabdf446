"""Rows that are no records: a header again, a second table, totals, a note under the rows.

Told by what the other rows have in common: columns of numbers, of dates, of codes of one make. A record has
at least one such cell as it should be; a stranger has none. It is named, not dropped: whoever knows the file
takes it out, by its place or by a rule.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from cxlab.errors import Message, Problem
from cxlab.intake.coded import Coded
from cxlab.intake.files.reading import Reading, limited

# What holds for this share of a column's filled cells is its habit; the other cells are the exceptions.
MOST = 0.8
# A column filled in this share of the rows is one that records fill.
FULL = 0.9
# In fewer rows, what they have in common could be chance.
LEAST_ROWS = 8
# More columns than these tell no more.
MOST_COLUMNS = 200
# Distinct texts from which a habit is taken, and how many makes are still one kind of code.
SAMPLE, MAKES = 400, 4
_NUMBER = r"^[-+]?[$€]? ?[0-9]+(?:[.,' ][0-9]+)*(?:[eE][-+]?[0-9]+)? ?%?$"
_TOTAL = r"(?i)^(?:sub|gran |grand )?total(?:es)?(?: general)?:?$"
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Habit:
    """What most cells of a column are: numbers, or codes of a few makes.

    Attributes
    ----------
    pattern : str
        What a cell as most of them matches.
    number : bool
    fits, filled : ndarray of bool
        Of the column's distinct texts.
    full : bool
        Whether nearly every row has a cell that is filled.
    key : bool
        Whether they are whole numbers, nearly all of them different.
    """

    pattern: str
    number: bool
    fits: Mask
    filled: Mask
    full: bool
    key: bool


def strangers(columns: Mapping[str, Coded], rows: int) -> dict[int, Message]:
    """Return the rows that are no records, by their place, and what each looks like.

    Parameters
    ----------
    columns : mapping of str to Coded
        Cells by header.
    rows : int

    Examples
    --------
    >>> cells = {"id": [*(f"r{n}" for n in range(9)), "Total"], "day": [*["1/2/24"] * 9, ""]}
    >>> list(strangers({name: Coded.of(given) for name, given in cells.items()}, 10))
    [9]
    """
    again = _headers_again(columns, rows)
    found = dict.fromkeys(
        np.flatnonzero(again).tolist(), Message("the header again, as where two files were joined")
    )
    if rows >= LEAST_ROWS:
        alone = np.flatnonzero(_unlike(columns, rows) & ~again).tolist()
        told = Message("a row unlike the others: totals, a note, a second header or table")
        found |= dict.fromkeys(alone, told)
    return dict(sorted(found.items()))


def doubts(reading: Reading, *, file: str, ends_in_data: bool = False) -> list[Problem]:
    """Return a problem for each row that is no record.

    Parameters
    ----------
    reading : Reading
    file : str
    ends_in_data : bool
        Whether it is declared that the last row is data.
    """
    rows = len(reading)
    found = strangers(dict(islice(reading.columns.items(), MOST_COLUMNS)), rows)
    first = next((at for at in range(rows) if at not in found), rows)
    last = next((at for at in range(rows - 1, -1, -1) if at not in found), -1)
    problems = []
    for at, what in found.items():
        if ends_in_data and at > last:
            continue
        action = Message("take the row out of the file, or leave it out under `exclude:`")
        if at < first:
            action = Message(
                "declare `skip_after_header: {n}`, or `header_rows:` if it goes on with the names", n=first
            )
        elif at > last:
            action = Message(
                "declare `skip_at_end: {n}`, or leave it out under `exclude:`; "
                "`skip_at_end: 0` says it is data",
                n=rows - 1 - last,
            )
        problems.append(Problem(what, Message("rows of data"), action, file=file, row=int(reading.lines[at])))
    return limited(problems, file=file)


def headless(columns: Mapping[str, Coded]) -> bool:
    """Tell whether the names are themselves a record: most of them are as the cells under them.

    Examples
    --------
    >>> headless({"Ana": Coded.of(["Eva", "Ana"]), "2024-01-05": Coded.of(["2024-01-06", "2024-01-07"])})
    True
    """
    columns = dict(islice(columns.items(), MOST_COLUMNS))
    rows = max(map(len, columns.values()), default=0)
    if _headers_again(columns, rows).any():
        return False
    told = [_as_under(name, column) for name, column in columns.items() if not _ticked(name, column)]
    return 2 * sum(told) > len(told)


def _as_under(name: str, column: Coded) -> bool:
    if pc.index(column.texts, name).as_py() >= 0:
        return True
    digits = sum(each.isdigit() for each in name)
    if not digits or re.fullmatch(r"(?:19|20)\d\d", name):
        return False
    habit = habit_of(column)
    if habit is None:
        return False
    return (habit.number or digits >= 3) and bool(
        re.search(habit.pattern.replace(r"\p{L}", r"[^\W\d_]"), name)
    )


def _ticked(name: str, column: Coded) -> bool:
    """Tell whether a column holds its own name or nothing: an option that was ticked."""
    return set(column.texts[:3].to_pylist()) <= {name, ""} and len(column.texts) <= 2


def _headers_again(columns: Mapping[str, Coded], rows: int) -> Mask:
    """Return the rows that repeat at least half of the names."""
    same = np.zeros(rows, dtype=np.int32)
    considered = 0
    for name, column in columns.items():
        if _ticked(name, column) and len(columns) > 1:
            continue
        considered += 1
        place = pc.index(column.texts, name).as_py()
        if place >= 0:
            same += column.codes == place
    return (2 * same >= considered) & (same > 0) & ((same > 1) | (considered == 1))


def habit_of(column: Coded) -> Habit | None:
    """Return what most cells of a column are, or None if they have nothing in common."""
    texts = pc.utf8_trim_whitespace(column.texts)
    counts = column.counts
    filled = _mask(pc.not_equal(texts, ""))
    sample = [(text, int(n)) for text, n in zip(texts[:SAMPLE].to_pylist(), counts, strict=False) if text]
    total = int(counts[filled].sum())
    if not sample:
        return None
    shared = sum(n for _, n in sample)
    number = sum(n for text, n in sample if re.search(_NUMBER, text)) >= MOST * shared
    pattern = _NUMBER if number else _made(sample, shared)
    if not pattern:
        return None
    fits = _mask(pc.match_substring_regex(texts, pattern)) & filled
    if counts[fits].sum() < MOST * total:
        return None
    full = total >= FULL * len(column)
    whole = number and all(text.isdigit() for text, _ in sample[: SAMPLE // 4])
    key = whole and full and bool((counts[fits] == 1).mean() > MOST)
    return Habit(pattern, number, fits, filled, full=full, key=key)


def _made(sample: list[tuple[str, int]], total: int) -> str:
    """Return the pattern of codes of a few makes, each with digits; an empty text if they are not that."""
    makes: Counter[str] = Counter()
    for text, n in sample:
        makes[_make(text)] += n
    known: list[str] = []
    covered = 0
    for make, n in makes.most_common(MAKES):
        # The fewest that will do: a make of one cell is what is looked for, not a habit.
        if "9" not in make or covered >= FULL * total:
            break
        known.append(make)
        covered += n
    if covered < FULL * total:
        return ""
    forms = (re.escape(make).replace("a", r"\p{L}+").replace("9", "[0-9]+") for make in known)
    return f"^(?:{'|'.join(forms)})$"


def _make(text: str) -> str:
    """Return the shape of a cell: a run of digits as 9, of letters as a."""
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"[0-9]+", "9", text))


def _unlike(columns: Mapping[str, Coded], rows: int) -> Mask:
    """Return the rows that no cell vouches for and that break what the others do."""
    breaks, odd = np.zeros(rows, dtype=np.int16), np.zeros(rows, dtype=np.int16)
    labelled = np.zeros(rows, dtype=bool)
    habits: list[tuple[Coded, Habit]] = []
    for column in columns.values():
        labelled |= _mask(pc.match_substring_regex(column.texts, _TOTAL))[column.codes]
        habit = habit_of(column)
        filled = habit.filled if habit else _mask(pc.not_equal(pc.utf8_trim_whitespace(column.texts), ""))
        if column.counts[filled].sum() >= FULL * rows:
            breaks += ~filled[column.codes]
        if habit is not None:
            wrong = (habit.filled & ~habit.fits)[column.codes]
            breaks, odd = breaks + wrong, odd + wrong
            habits.append((column, habit))
    vouched = _vouched(habits)
    if vouched is None:
        return _all_words(habits, rows)
    return ~vouched & (((odd > 0) & (breaks > 1)) | (labelled & (breaks > 0)))


def _vouched(habits: list[tuple[Coded, Habit]]) -> Mask | None:
    """Return the rows with a cell that only records have: a date, a code, a key; amounts have totals too."""
    sure = [each for each in habits if not each[1].number]
    if not any(habit.full for _, habit in sure):
        sure = [each for each in habits if each[1].key][:1]
    if not sure:
        return None
    return np.asarray(np.logical_or.reduce([habit.fits[column.codes] for column, habit in sure]), dtype=bool)


def _all_words(habits: list[tuple[Coded, Habit]], rows: int) -> Mask:
    """Return the rows that have another word in each column of numbers, as a second header has."""
    if len(habits) < 2:
        return np.zeros(rows, dtype=bool)
    found = np.logical_and.reduce([(habit.filled & ~habit.fits)[column.codes] for column, habit in habits])
    for row in np.flatnonzero(found):
        # One code of no answer in every column is no header: its texts would all differ.
        found[row] = len({column.text(int(row)) for column, _ in habits}) == len(habits)
    return np.asarray(found)


def _mask(found: Any) -> Mask:
    made: Mask = found.to_numpy(zero_copy_only=False).astype(bool)
    return made
