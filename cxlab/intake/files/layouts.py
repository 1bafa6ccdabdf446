"""How the header rows of a file become names and questions, whatever format the file has.

A plain table may have its names on several rows, as merged cells leave them. Qualtrics writes a code, the
question and an ImportId over each column (its older exports the first two), and marks the records that are
no answers; SurveyMonkey writes the question once over all its options.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from cxlab.errors import InputError, Message
from cxlab.intake.coded import Coded
from cxlab.intake.files.reading import clean_name, fault

Layout = Literal["plain", "qualtrics", "surveymonkey"]
# Rows over the data that a reader must have at hand before it can ask for the heading.
MOST_ROWS = 3
BETWEEN = " / "
# What SurveyMonkey writes under a question that has no options.
_NO_OPTION = ("response", "open-ended response", "respuesta", "respuesta abierta")
_IMPORT_ID = re.compile(r'\s*\{\s*"ImportId"\s*:.*\}\s*', re.DOTALL)
_RESPONSE_ID = ("responseid", "response id")
_STATUS, _CHANNEL = ("status", "response type"), ("distributionchannel", "distribution channel")
_STATUS_ID, _CHANNEL_ID = '"status"', '"distributionChannel"'
PREVIEW, TEST, SPAM = "survey previews", "survey tests", "spam"
# The numeric status adds these up: 17 is a preview without connection, 12 imported spam.
_STATUS_PARTS = ((1, PREVIEW), (2, TEST), (8, SPAM))
_STATUS_WORDS = (
    (re.compile(r"(?i)preview|vista previa|previsualiza|pr[ée]via|vorschau|aper[çc]u"), PREVIEW),
    (re.compile(r"(?i)\btests?\b|\bprueba\b|\bteste\b"), TEST),
    (re.compile(r"(?i)spam"), SPAM),
)


@dataclass(frozen=True)
class Heading:
    """The names of the columns as the header rows give them.

    Attributes
    ----------
    names : list of str
        One for each column, empty where the file names none.
    questions : list of str
        The question over each column, empty where there is none.
    rows : int
        How many records of the file it takes.
    status, channel : int or None
        Column that tells which records are no answers.
    """

    names: list[str]
    questions: list[str]
    rows: int
    status: int | None = None
    channel: int | None = None

    def asked(self, header: Sequence[str]) -> dict[str, str]:
        """Return the question of each column that has a name and a question."""
        return {name: text for name, text in zip(header, self.questions, strict=True) if name and text}


def heading(
    rows: Sequence[tuple[int, Sequence[str]]], *, file: str, layout: Layout = "plain", header_rows: int = 1
) -> Heading:
    """Return the names and questions that the first records of a file give.

    Parameters
    ----------
    rows : sequence of (int, sequence of str)
        Line and cells of the first records from the header on; as many as there are, up to
        ``max(header_rows, MOST_ROWS)``.
    file : str
        What the messages call it.
    layout : {"plain", "qualtrics", "surveymonkey"}
    header_rows : int
        Of a plain table: how many rows make the names.

    Raises
    ------
    InputError
        If the rows are not as the layout says; names the line.

    Examples
    --------
    >>> heading([(1, ["id", "Rate", ""]), (2, ["", "price", "speed"])], file="s.csv", header_rows=2).names
    ['id', 'Rate / price', 'Rate / speed']
    """
    most = {"qualtrics": 3, "surveymonkey": 2}.get(layout, header_rows)
    width = max(len(cells) for _, cells in rows[:most])
    padded = [(line, [*cells, *[""] * (width - len(cells))]) for line, cells in rows[:most]]
    if layout == "qualtrics":
        return _qualtrics(padded, file=file)
    if layout == "surveymonkey":
        return _surveymonkey(padded, file=file)
    if len(padded) < header_rows:
        raise fault(
            file,
            Message("{n} rows where header_rows says {wanted}", n=len(padded), wanted=header_rows),
            Message("as many rows of names as declared, and data under them"),
            Message("correct header_rows in client.yaml"),
            row=padded[0][0],
        )
    if header_rows == 1:
        return Heading(padded[0][1], [""] * width, 1)
    return Heading(_merged([cells for _, cells in padded]), [""] * width, header_rows)


def _merged(rows: list[list[str]]) -> list[str]:
    """Join rows of names: a blank upper cell is the one to its left, unless that stands alone downwards."""
    *upper, last = [[clean_name(cell) for cell in row] for row in rows]
    filled: list[list[str]] = []
    for depth, row in enumerate(upper):
        under = [*upper[depth + 1 :], last]
        spread, left = [], ""
        for at, cell in enumerate(row):
            new_group = any(above[at] for above in upper[:depth])
            if cell or new_group:
                alone = not any(below[at] for below in under)
                left = "" if alone else cell
                spread.append(cell)
            else:
                spread.append(left if any(below[at] for below in under) else "")
        filled.append(spread)
    columns = zip(*filled, last, strict=True)
    return [BETWEEN.join(dict.fromkeys(part for part in column if part)) for column in columns]


def _qualtrics(rows: list[tuple[int, list[str]]], *, file: str) -> Heading:
    codes, *under = [cells for _, cells in rows]
    ids = next((at for at, cells in enumerate(under, 1) if _are_import_ids(cells)), 0)
    legacy = bool(under) and any(_is(cell, _RESPONSE_ID) for cell in (*codes, *under[0]))
    if ids != 2 and not (ids == 0 and legacy):
        found = (
            Message("the line of ImportId right under the names, and no questions")
            if ids
            else Message("no line of ImportId under the questions, nor a column ResponseID")
        )
        raise _unlike(file, "qualtrics", found, Message("codes, questions and ImportId"), rows[0][0])
    questions = under[0]
    imported = under[1] if ids else [""] * len(codes)
    return Heading(
        codes,
        [clean_name(question) for question in questions],
        3 if ids else 2,
        status=_place(codes, questions, imported, _STATUS, _STATUS_ID),
        channel=_place(codes, questions, imported, _CHANNEL, _CHANNEL_ID),
    )


def _are_import_ids(cells: Iterable[str]) -> bool:
    present = [cell for cell in cells if cell.strip()]
    return bool(present) and all(_IMPORT_ID.fullmatch(cell) for cell in present)


def _is(cell: str, names: Iterable[str]) -> bool:
    return clean_name(cell).casefold() in names


def _place(
    codes: list[str], questions: list[str], imported: list[str], names: tuple[str, ...], import_id: str
) -> int | None:
    """Return the column that Qualtrics itself calls so: by ImportId, by code, or by title over a V code."""
    for at, (code, question, given) in enumerate(zip(codes, questions, imported, strict=True)):
        if given:
            if import_id in given:
                return at
        elif _is(code, names) or (re.fullmatch(r"V\d+", code.strip()) and _is(question, names)):
            return at
    return None


def _surveymonkey(rows: list[tuple[int, list[str]]], *, file: str) -> Heading:
    (line, questions), *under = rows
    options = under[0][1] if under else []
    told = [clean_name(cell) for cell in options]
    single = any(option.casefold() in _NO_OPTION for option in told)
    spread = any(not clean_name(cell) and option for cell, option in zip(questions, told, strict=False))
    if not (single or spread) or not clean_name(questions[0]):
        found = Message("no row of options (Response, Open-Ended Response, ...) under the questions")
        raise _unlike(file, "surveymonkey", found, Message("questions, and their options under them"), line)
    names, asked, left = [], [], ""
    for cell, option in zip(map(clean_name, questions), told, strict=True):
        left = cell or (left if option else "")
        own = "" if option.casefold() in _NO_OPTION else option
        names.append(BETWEEN.join(part for part in (left, own) if part))
        asked.append(left)
    return Heading(names, asked, 2)


def _unlike(file: str, layout: Layout, found: str, allowed: str, line: int) -> InputError:
    return fault(
        file,
        found,
        Message("the header rows of a {layout} export: {rows}", layout=layout, rows=allowed),
        Message(
            "remove `layout: {layout}` from client.yaml, or give the line of the names as header_row",
            layout=layout,
        ),
        row=line,
    )


def set_aside(heading: Heading, column: Callable[[int], Coded]) -> npt.NDArray[Any] | None:
    """Return why each record is no answer, an empty text where it is one; None if the file tells of none.

    Parameters
    ----------
    heading : Heading
    column : callable
        Gives the column at a place.

    Examples
    --------
    >>> of_export = Heading(["Status", "Q1"], ["", ""], 3, status=0)
    >>> set_aside(of_export, lambda at: Coded.of(["IP Address", "Survey Preview", "17"])).tolist()
    ['', 'survey previews', 'survey previews']
    """
    why: npt.NDArray[Any] | None = None
    for place in (heading.status, heading.channel):
        if place is None:
            continue
        told = column(place)
        reasons = np.array([no_answer(text) for text in told.distinct], dtype=object)
        if not any(reasons):
            continue
        meant = reasons[told.codes]
        why = meant if why is None else np.where(why == "", meant, why)
    return why


def no_answer(status: str) -> str:
    """Return what a record with this status or channel is if it is no answer, else an empty text.

    Examples
    --------
    >>> no_answer("Survey Test"), no_answer("0"), no_answer("8"), no_answer("preview"), no_answer("Imported")
    ('survey tests', '', 'spam', 'survey previews', '')
    """
    text = status.strip()
    if re.fullmatch(r"\d{1,3}(?:\.0+)?", text):
        number = int(float(text))
        return next((reason for part, reason in _STATUS_PARTS if number & part), "")
    return next((reason for pattern, reason in _STATUS_WORDS if pattern.search(text)), "")
