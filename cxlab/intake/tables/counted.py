"""Files that count: a cell says how many cases there are, and each becomes the rows it stands for.

A source with `counts` has either a column of counts or, in a contingency table, one column for each value of
a variable that lies across; with `raters`, a case is then one row for each rater. All that comes after reads
rows, so that what is counted is mapped, checked, excluded and told in the ledger like any other row.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from cxlab.errors import Message, Problem
from cxlab.intake.coded import Coded
from cxlab.intake.declared.canonical import tables
from cxlab.intake.declared.models import Source
from cxlab.intake.files.reading import Reading, clean_name, fault, limited, unreadable
from cxlab.intake.privacy.pseudonyms import shown

Array = npt.NDArray[Any]

MOST_COUNTED = 1_000_000  # in one cell
MOST_MADE = 5_000_000  # rows of one file
RATER, RATING = "rater_id", "rating"


def counted(source: Source, reading: Reading) -> Reading:
    """Return a reading in which every case that a file counts, and every rating of it, is a row.

    Parameters
    ----------
    source : Source
        What it declares under `counts` and `raters`; without either the reading comes back as it is.
    reading : Reading

    Returns
    -------
    Reading
        Each row with the line of the cell that counts it, and `own`, what tells the cases apart: line,
        column of the count, number. `read` is of the rows made; a note says how many lines they come from.

    Raises
    ------
    InputError
        If a declared column is not there or a name is taken, a count is no whole number of 0 to 1,000,000,
        nothing is counted, or more than 5,000,000 rows would be made.
    """
    if not source.shaped:
        return reading
    _check_columns(source, reading)
    columns, rows = dict(reading.columns), np.arange(len(reading))
    own = [str(line) for line in reading.lines]
    if source.counts is not None:
        names = list(map(clean_name, source.counts.headers))
        times = np.stack(_counts(source, reading, names), axis=1)
        _check_total(source, int(times.sum()))
        which = np.repeat(np.arange(times.size), times.ravel())
        rows, across = which // len(names), which % len(names)
        nth = np.arange(len(which)) - np.repeat(np.cumsum(times) - times.ravel(), times.ravel()) + 1
        told = [f" {name}" for name in names] if source.counts.across else [""]
        own = [f"{own[row]}{told[at]} {k}" for row, at, k in zip(rows, across, nth, strict=True)]
        columns = {name: each.at(rows) for name, each in columns.items() if name not in names}
        if source.counts.across:
            values = np.array(list(source.counts.cells.values()), dtype=object)
            columns[source.counts.across] = Coded.of(values[across])
    cases = len(rows)
    who = list(map(clean_name, source.raters))
    if who:
        given = np.stack([columns.pop(name).cells for name in who], axis=1)
        case = np.repeat(np.arange(cases), len(who))
        rows, own = rows[case], [own[at] for at in case]
        columns = {name: each.at(case) for name, each in columns.items()}
        columns[RATER] = Coded.of(np.tile(np.array(list(source.raters.values()), dtype=object), cases))
        columns[RATING] = Coded.of(given.ravel())
    note = Message(
        "{file}: {lines} lines stand for {cases} cases: {rows} rows",
        file=source.file, lines=len(reading), cases=cases, rows=len(rows),
    )  # fmt: skip
    return replace(
        reading,
        columns=columns,
        headers=tuple(columns),
        lines=reading.lines[rows],
        own=tuple(own),
        read=reading.read - len(reading) + len(rows),
        how={**reading.how, "lines": str(len(reading)), "cases": str(cases)},
        labels=_as_rated(reading.labels, who),
        declared_missing=_as_rated(reading.declared_missing, who),
        notes=[*reading.notes, note],
    )


def _as_rated(said: dict[str, Any], who: Sequence[str]) -> dict[str, Any]:
    """Let what a file says of its raters' columns, where it says the same of all, be said of the ratings."""
    alike = bool(who) and who[0] in said and all(said.get(name) == said[who[0]] for name in who)
    return {**said, RATING: said[who[0]]} if alike else said


def _check_columns(source: Source, reading: Reading) -> None:
    """Refuse columns that are not there, and made ones whose name is taken."""
    counts = source.counts
    across = counts.across if counts is not None else ""
    needed = [("counts", name) for name in (counts.headers if counts is not None else ())]
    needed += [("raters", name) for name in source.raters if name != across]
    problems = [
        Problem(
            Message("a name in `{key}` that is no column", key=key),
            Message("{known}", known=", ".join(reading.headers[:40])),
            Message("correct or remove it in client.yaml"),
            file=f"client.yaml ({source.file})",
            column=name,
        )
        for key, name in needed
        if clean_name(name) not in reading.columns
    ]
    made = ([across] if across else []) + ([RATER, RATING] if source.raters else [])
    problems += [
        Problem(
            Message("a column of the file that is called as one that is made"),
            Message("another name"),
            Message("rename it in the file, or give `across` another name"),
            file=source.file,
            column=name,
        )
        for name in made
        if name in reading.columns
    ]
    if source.raters and RATER not in tables()[source.table].columns:
        problems.append(
            Problem(
                Message("`raters` for a table without ratings"),
                Message("the table ratings"),
                Message("declare `table: ratings`, or take out `raters`"),
                file=f"client.yaml ({source.file})",
                column="raters",
            )
        )
    if problems:
        raise unreadable(source.file, problems)


def _counts(source: Source, reading: Reading, names: Sequence[str]) -> list[Array]:
    """Return the numbers of each column of counts; refuse all that are none, at once."""
    found, problems = [], list[Problem]()
    whole = re.compile(rf"[0-9]+(?:{re.escape(source.decimal)}0+)?")
    for name in names:
        column = reading.columns[name]
        numbers = []
        for at, text in enumerate(column.distinct):
            plain = text.strip().replace(source.thousands, "") if source.thousands else text.strip()
            digits = plain.partition(source.decimal)[0].lstrip("0") if whole.fullmatch(plain) else "-"
            # A number of thousands of digits is not turned into one to be told that it is too large.
            numbers.append(int(digits or 0) if digits != "-" and len(digits) < 12 else -1)
            if not 0 <= numbers[-1] <= MOST_COUNTED:
                problems.append(_no_count(source, reading, name, at, plain))
        found.append(np.array(numbers, dtype=np.int64)[column.codes])
    if problems:
        raise unreadable(source.file, limited(problems, file=source.file))
    return found


def _no_count(source: Source, reading: Reading, name: str, at: int, text: str) -> Problem:
    off = np.flatnonzero(reading.columns[name].codes == at)
    action = Message("a count says how many there are: keep shares and weights in a column of their own")
    if not text:
        action = Message("write 0 where there are none: a blank could also be a number that is not known")
    elif text.startswith("-"):
        action = Message("nothing can be counted less than 0 times: correct the cell")
    elif re.fullmatch(r"[0-9]+", text):
        action = Message("correct the cell; so many are read from a file of one row each")
    return Problem(
        shown(text[:40], personal=False) if text else Message("an empty cell"),
        Message("a whole number from 0 to {most}", most=MOST_COUNTED),
        action,
        file=source.file,
        column=name,
        row=int(reading.lines[off[0]]),
        count=len(off),
    )


def _check_total(source: Source, total: int) -> None:
    made = total * max(len(source.raters), 1)
    if not made:
        raise fault(
            source.file,
            Message("counts that are all 0"),
            Message("at least one case"),
            Message("check which columns hold the counts"),
        )
    if made > MOST_MADE:
        raise fault(
            source.file,
            Message("counts that make {n} rows", n=made),
            Message("at most {most}", most=MOST_MADE),
            Message("ask for the file of one row each, as Parquet or CSV"),
        )
