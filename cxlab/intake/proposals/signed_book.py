"""mapping.xlsx read back, strictly: every slip with its sheet and row, every row without a decision."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

from cxlab.errors import InputError, Message, Problem
from cxlab.intake.declared.canonical import tables
from cxlab.intake.declared.declaration import nearest, read_yaml
from cxlab.intake.declared.models import Language
from cxlab.intake.proposals.book_rows import BookRow, BookRows
from cxlab.intake.proposals.book_words import meant
from cxlab.intake.proposals.proposal import (
    FileProposal,
)
from cxlab.intake.proposals.signed_columns import SignedBook, not_a_term, read_column, read_values, repeated

_LABEL = re.compile(r"(?P<file>.+?)(?: \[(?P<sheet>[^\[\]]+)\])?")
_INTEGERS = {"header_row": 1, "header_rows": 1, "skip_after_header": 0, "skip_at_end": 0}


def signed_book(rows: BookRows, language: Language) -> SignedBook:
    """Return what the rows of a workbook say.

    Parameters
    ----------
    rows : BookRows
    language : {"es", "en"}
        Of the client, for what is allowed.
    """
    told = SignedBook(language, problems=list(rows.problems))
    if told.problems:
        return told
    labels = {row["file"]: row for row in rows.files}
    told.rows = labels
    values = read_values(rows, told)
    for row in rows.columns:
        if row["file"] not in labels:
            told.problems.append(_unknown_file(row, labels))
    for name, row in labels.items():
        file = _file(row, told)
        if file is None:
            continue
        own = [each for each in rows.columns if each["file"] == name]
        columns = [read_column(each, file, values.get((name, each["header"]), []), told) for each in own]
        told.problems += repeated(own, columns)
        told.files.append(replace(file, columns=tuple(columns)))
    return told


def keys_said(rows: BookRows, language: Language) -> dict[str, dict[str, Any]]:
    """Return how each file is read as a workbook says, by label; files whose row has a slip are left out."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows.files:
        told = SignedBook(language)
        keys = dict(_keys(row, told))
        if not told.problems and keys:
            found[row["file"]] = keys
    return found


def _unknown_file(row: BookRow, labels: dict[str, BookRow]) -> Problem:
    close = nearest(row["file"], labels)
    action = Message("did you mean {close}?", close=close) if close else Message("correct or delete the row")
    return row.problem(
        "file",
        Message("{name!r}, no file of the first sheet", name=row["file"][:60]),
        Message("{names}", names=", ".join(list(labels)[:12])),
        action,
    )


def _file(row: BookRow, told: SignedBook) -> FileProposal | None:
    """Return a file's own row; None if it is not to be used, which leaves it pending."""
    match = _LABEL.fullmatch(row["file"])
    table = row["table"].strip()
    if meant("table", table) == "-" or match is None:
        return None
    if not table:
        told.pending.append(
            row.problem(
                "table",
                Message("no table"),
                Message("a table, or: not use"),
                Message("say which table it is"),
            )
        )
        return None
    if table not in tables():
        close = nearest(table, tables())
        action = (
            Message("did you mean {close}?", close=close) if close else Message("choose one of those tables")
        )
        told.problems.append(
            row.problem(
                "table",
                Message("{name!r}", name=table[:60]),
                Message("{names}", names=", ".join(tables())),
                action,
            )
        )
        return None
    signed_on = row["signed_on"].strip()
    if signed_on and not _is_date(signed_on):
        told.problems.append(
            row.problem(
                "signed_on",
                Message("{name!r}", name=signed_on[:40]),
                Message("a date such as 2025-06-30"),
                Message("correct it or leave it empty: the day of the confirmation is taken"),
            )
        )
        signed_on = ""
    keys = dict(_keys(row, told))
    return FileProposal(
        file=match["file"],
        sheet=match["sheet"] or "",
        table=table,
        wave=row["wave"].strip(),
        keys=keys,
        more=_more(row, told),
        signed_by=row["signed_by"].strip(),
        signed_on=signed_on,
    )


def _is_date(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False


def _keys(row: BookRow, told: SignedBook) -> Iterator[tuple[str, Any]]:
    """Give the keys of reading that a file's row says, those that are the usual apart."""
    if row["encoding"].strip():
        yield "encoding", row["encoding"].strip()
    for name, group, usual in (
        ("separator", "separator", ""),
        ("decimal", "mark", "."),
        ("thousands", "mark", ""),
    ):
        text = row[name].strip()
        word = meant(group, text) if text else usual
        if word is None:
            told.problems.append(not_a_term(row, name, group, told.language))
        elif word != usual:
            yield name, word
    for name, usual_number in _INTEGERS.items():
        text = row[name].strip() or str(usual_number)
        if not re.fullmatch(r"\d{1,4}", text):
            said = Message("correct it")
            told.problems.append(
                row.problem(name, Message("{name!r}", name=text[:40]), Message("a whole number"), said)
            )
        elif int(text) != usual_number:
            yield name, int(text)
    if row["layout"].strip() not in ("", "plain"):
        yield "layout", row["layout"].strip()


def _more(row: BookRow, told: SignedBook) -> dict[str, Any]:
    text = row["more"].strip()
    if not text:
        return {}
    try:
        return read_yaml(text, name=row.headings.get("more", "more"))
    except InputError as error:
        why = error.problems[0].found if error.problems else error.message
        told.problems.append(
            row.problem(
                "more",
                Message("{why}", why=why),
                Message("keys of a source, as in client.yaml"),
                Message("write them as {{exclude: [{{where: ..., reason: ...}}]}}", n=1),
            )
        )
        return {}
