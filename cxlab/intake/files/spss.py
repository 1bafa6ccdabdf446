"""SPSS files: codes stay codes; what the file itself says of them travels beside.

Labels of codes and questions, and the codes it declares as no answer. Its letters must read as letters: the
file names its own encoding, and where that is wrong, no number would tell.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat

from cxlab.errors import Message, Problem
from cxlab.intake.coded import Coded
from cxlab.intake.files.columnar import damaged, of_codes, reading_of, refuse_size, value_text
from cxlab.intake.files.reading import Reading, Wanted, clean_name, fault, unreadable

# Names of encodings as SPSS's own library knows them.
_NAMED = {"iso8859-1": "ISO-8859-1", "mac-roman": "MACINTOSH", "cp1252": "WINDOWS-1252", "cp850": "CP850"}
# What letters look like when they were read in another encoding than they were written in.
_MISREAD: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "utf-8",
        re.compile(
            "[ÂÃ][\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]|\u00e2\u20ac"
        ),
    ),
    (
        "mac_roman",
        re.compile(
            r"[^\W\d_][‡ŽŸ][^\W\d_]|[cs]i—n\b|[^\W\d_]–[ao]s?\b|[^\W\d_][\x87\x8e\x92\x96\x97\x9c\x9f]"
        ),
    ),
    ("cp1252", re.compile(r"[cs]iÛn\b|[^\W\d_]Ò[ao]s?\b|[^\W\d_lL]·[^\W\d_lL]|[\x80-\x84\x86-\x9f]")),
)
MOST_LABELS_SHOWN = 10


def read_spss(
    path: Path, *, file: str, encoding: str | None = None, decimal: str = ".", wanted: Wanted | None = None
) -> Reading:
    """Read an SPSS .sav file.

    Parameters
    ----------
    path : Path
    file : str
        What the messages call it.
    encoding : str, optional
        As declared; else the one the file names.
    decimal : str
        How the source writes numbers in text; stored numbers are written so too.
    wanted : callable, optional
        Given all headers, returns those whose cells are needed.

    Raises
    ------
    InputError
        If it is cut, damaged, too large, or its letters are read in another encoding than theirs.
    """
    size = _sav(path, file=file, encoding=encoding, metadataonly=True)[1]
    refuse_size((size.number_rows or 0) * (size.number_columns or 0), file=file)
    frame, meta = _sav(path, file=file, encoding=encoding, metadataonly=False)
    if (size.number_rows or 0) > len(frame):
        raise _cut(len(frame), size.number_rows, file=file)
    names = {name: clean_name(name) for name in frame.columns}
    columns = [_column(frame.iloc[:, at], decimal) for at in range(frame.shape[1])]
    labels = {
        names[name]: {value_text(code, decimal): str(label) for code, label in given.items()}
        for name, given in meta.variable_value_labels.items()
        if name in names
    }
    questions = {
        names[name]: text for name, text in meta.column_names_to_labels.items() if text and name in names
    }
    _refuse_misread(
        questions,
        labels,
        dict(zip(names.values(), columns, strict=True)),
        file=file,
        read_as=str(meta.file_encoding),
    )
    missing = {
        names[name]: {
            code
            for code in columns[at].distinct
            if code and _in_ranges(code.replace(decimal, "."), meta.missing_ranges[name])
        }
        for at, name in enumerate(frame.columns)
        if name in meta.missing_ranges
    }
    return reading_of(
        list(frame.columns),
        columns.__getitem__,
        len(frame),
        file=file,
        wanted=wanted,
        labels=labels,
        questions=questions,
        declared_missing=missing,
        how={"encoding": str(meta.file_encoding)},
    )


def _sav(path: Path, *, file: str, encoding: str | None, metadataonly: bool) -> tuple[pd.DataFrame, Any]:
    known = _NAMED.get(codecs.lookup(encoding).name, encoding) if encoding else None
    try:
        read: tuple[pd.DataFrame, Any] = pyreadstat.read_sav(
            path, user_missing=True, encoding=known, metadataonly=metadataonly
        )
    except Exception as error:  # pyreadstat raises bare Exceptions of its own
        if "encoding" in str(error) or "character set" in str(error):
            raise fault(
                file,
                Message("letters that are not of the encoding it is read in"),
                Message("the encoding it was written in"),
                Message("declare `encoding:` (utf-8, latin-1, cp1252 or mac_roman), or correct it"),
            ) from None
        raise damaged(file, error, Message("a whole SPSS .sav file")) from None
    return read


def _cut(read: int, said: int, *, file: str) -> Exception:
    return fault(
        file,
        Message("{read} records where the file says that it has {said}", read=read, said=said),
        Message("a whole SPSS .sav file"),
        Message("ask for the file again: it may have been cut on its way"),
    )


def _column(column: pd.Series[Any], decimal: str) -> Coded:
    codes, distinct = pd.factorize(column)
    return of_codes(codes.astype(np.int64), [value_text(each, decimal) for each in distinct])


def _refuse_misread(
    questions: Mapping[str, str],
    labels: Mapping[str, Mapping[str, str]],
    columns: Mapping[str, Coded],
    *,
    file: str,
    read_as: str,
) -> None:
    """Refuse a file whose letters were read in another encoding than theirs; the words are not shown."""
    problems = []
    for name, column in columns.items():
        texts = [questions.get(name, ""), name, *labels.get(name, {}).values(), *_worded(column.distinct)]
        meant = next((encoding for encoding, marks in _MISREAD if any(map(marks.search, texts))), "")
        lost = any("\ufffd" in text for text in texts)
        if meant or lost:
            problems.append(_misread(name, meant, file=file, read_as=read_as))
    if problems:
        raise unreadable(file, problems[:MOST_LABELS_SHOWN])


def _worded(texts: Iterable[str]) -> Iterable[str]:
    return (text for text in texts if not text.isascii())


def _misread(name: str, meant: str, *, file: str, read_as: str) -> Problem:
    if meant:
        action = Message(
            "declare `encoding: {encoding}`, and look at the labels; or ask for it in UTF-8", encoding=meant
        )
    else:
        action = Message("ask for the file again in UTF-8: letters were lost")
    return Problem(
        Message("letters of another encoding read as {encoding}", encoding=read_as),
        Message("text as it was typed"),
        action,
        file=file,
        column=name,
    )


def _in_ranges(code: str, ranges: list[Mapping[str, Any]]) -> bool:
    for each in ranges:
        low, high = each["lo"], each["hi"]
        if isinstance(low, str):
            if code == low.strip():
                return True
            continue
        try:
            if float(low) <= float(code) <= float(high):
                return True
        except ValueError:
            continue
    return False
