"""The sheets of columns and values of mapping.xlsx read back: each decision, scale, name and meaning."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import cast, get_args

from cxlab.errors import Message, Problem
from cxlab.intake.declared.canonical import Column, tables
from cxlab.intake.declared.declaration import nearest
from cxlab.intake.declared.models import Language, Reason
from cxlab.intake.proposals.book_rows import BookRow, BookRows
from cxlab.intake.proposals.book_words import meant, terms
from cxlab.intake.proposals.proposal import (
    ColumnProposal,
    Decision,
    FileProposal,
    ProposedKind,
    ValueProposal,
)


@dataclass
class SignedBook:
    """What a workbook says: its files as decided, what is wrong, and what still waits."""

    language: Language
    files: list[FileProposal] = field(default_factory=list)
    rows: dict[str, BookRow] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    pending: list[Problem] = field(default_factory=list)


def not_a_term(row: BookRow, name: str, group: str, language: Language) -> Problem:
    """Return the problem of a cell that is none of its terms, with the nearest."""
    allowed = [each for each in terms(group, language) if each]
    close = nearest(row[name], allowed)
    action = Message("did you mean {close}?", close=close) if close else Message("choose one of those")
    return row.problem(
        name, Message("{name!r}", name=row[name][:40]), Message("{names}", names=", ".join(allowed)), action
    )


def read_column(
    row: BookRow, file: FileProposal, values: list[tuple[BookRow, ValueProposal]], told: SignedBook
) -> ColumnProposal:
    """Return one column as its row decides it; what is wrong or undecided goes to `told`."""
    header = meant("line", row["header"]) or row["header"]
    decision = meant("decision", row["decision"]) if row["decision"].strip() else ""
    if decision is None:
        told.problems.append(not_a_term(row, "decision", "decision", told.language))
        decision = ""
    elif not decision:
        told.pending.append(
            row.problem(
                "decision",
                Message("no decision about {header!r}", header=row["header"][:60]),
                Message("{names}", names=", ".join(terms("decision", told.language))),
                Message("decide it"),
            )
        )
    made = ColumnProposal(
        header=header,
        question=row["question"],
        decision=cast("Decision", decision),
        column=row["column"].strip(),
        values=tuple(value for _, value in values),
    )
    if decision not in ("use", "id"):
        return made
    return _used(row, made, file, values, told)


def _used(
    row: BookRow,
    made: ColumnProposal,
    file: FileProposal,
    values: list[tuple[BookRow, ValueProposal]],
    told: SignedBook,
) -> ColumnProposal:
    """Return a column that is used, its cells checked."""
    known = tables()[file.table].columns.get(made.column)
    told.problems += _name_problems(row, made, file.table)
    kind = meant("kind", row["kind"]) or ("" if row["kind"].strip() else "text")
    if not kind:
        told.problems.append(not_a_term(row, "kind", "kind", told.language))
    if made.decision == "id":
        kind = "id"
    elif known is not None:
        kind = {"integer": "number"}.get(known.kind, known.kind)
    scale = _scale(row, told)
    if kind == "rating" and scale is None and not any(p.row == row.number for p in told.problems):
        told.problems.append(
            row.problem(
                "low",
                Message("{column} without its scale", column=made.column),
                Message("the lowest and the highest point, as in the questionnaire"),
                Message("write both"),
            )
        )
    direction = meant("direction", row["direction"]) if row["direction"].strip() else "up"
    if direction is None:
        told.problems.append(not_a_term(row, "direction", "direction", told.language))
    flags = {name: _yes(row, name, told) for name in ("leading", "labelled")}
    missing = _missing(row, told)
    told.problems += _value_problems(values, missing, known, kind)
    return replace(
        made,
        kind=cast("ProposedKind", kind or "text"),
        scale=scale if kind == "rating" or known is None else None,
        reverse=direction == "down" and kind == "rating",
        leading=flags["leading"],
        labelled=flags["labelled"],
        form=row["form"].strip(),
        missing={
            code: why for code, why in missing.items() if code not in {v.found for _, v in values if v.reason}
        },
    )


def _name_problems(row: BookRow, made: ColumnProposal, table: str) -> Iterator[Problem]:
    known = tables()[table].columns
    if not made.column:
        yield row.problem(
            "column",
            Message("no column of the table for {header!r}", header=made.header[:60]),
            Message("a column of {table}, or attr_...", table=table),
            Message("name it, or decide: not use"),
        )
    elif not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", made.column):
        yield row.problem(
            "column",
            Message("{name!r}", name=made.column[:60]),
            Message("a name in lower case: letters, digits and _, a letter first"),
            Message("correct it"),
        )
    elif made.column not in known and not made.column.startswith("attr_"):
        close = nearest(made.column, known)
        said = Message("write {close}, or attr_{name} if it is another thing", close=close, name=made.column)
        action = said if close else Message("call it attr_{name}", name=made.column)
        allowed = Message("a column of {table}, or attr_...", table=table)
        yield row.problem("column", Message("{name!r}", name=made.column[:60]), allowed, action)


def _scale(row: BookRow, told: SignedBook) -> tuple[float, float] | None:
    low, high = row["low"].strip(), row["high"].strip()
    if not low and not high:
        return None
    try:
        scale = float(low.replace(",", ".")), float(high.replace(",", "."))
    except ValueError:
        scale = (1.0, 0.0)
    if not scale[0] < scale[1]:
        told.problems.append(
            row.problem(
                "low",
                Message("{low} to {high}", low=low or "-", high=high or "-"),
                Message("two numbers, the lowest first"),
                Message("correct the scale"),
            )
        )
        return None
    return scale


def _yes(row: BookRow, name: str, told: SignedBook) -> bool:
    text = row[name].strip()
    word = meant("yes", text) if text else "no"
    if word is None:
        told.problems.append(not_a_term(row, name, "yes", told.language))
    return word == "yes"


def _missing(row: BookRow, told: SignedBook) -> dict[str, Reason]:
    """Return the codes of no answer of a column's own cell: `99; 98 = does not know`."""
    found: dict[str, Reason] = {}
    for part in row["missing"].split(";"):
        code, _, why = part.strip().rpartition("=") if "=" in part else (part.strip(), "", "")
        code, why = (code.strip() or part.strip(), why.strip())
        if not code:
            continue
        reason = _reason(why) if why else "missing"
        if reason is None:
            allowed = ", ".join(terms("reason", told.language))
            told.problems.append(
                row.problem(
                    "missing",
                    Message("{why!r} as a reason", why=why[:60]),
                    Message("{names}", names=allowed),
                    Message("choose one of those"),
                )
            )
        else:
            found[code] = reason
    return found


def _reason(text: str) -> Reason | None:
    word = meant("reason", text)
    return cast("Reason", word) if word in get_args(Reason) else None


def read_values(
    rows: BookRows, told: SignedBook
) -> dict[tuple[str, str], list[tuple[BookRow, ValueProposal]]]:
    """Return what the values of each file and header mean, with their rows."""
    columns = {(row["file"], row["header"]) for row in rows.columns}
    found: dict[tuple[str, str], list[tuple[BookRow, ValueProposal]]] = {}
    for row in rows.values:
        place = (row["file"], row["header"])
        if place not in columns:
            close = nearest(row["header"], [header for file, header in columns if file == row["file"]])
            action = (
                Message("did you mean {close}?", close=close)
                if close
                else Message("correct or delete the row")
            )
            told.problems.append(
                row.problem(
                    "header",
                    Message("{name!r}, no header of {file}", name=row["header"][:60], file=row["file"]),
                    Message("a header of the sheet of columns"),
                    action,
                )
            )
            continue
        text = row["found"]
        text = cast("str", meant("blanks", text)) if meant("blanks", text) is not None else text
        means = row["means"].strip()
        reason = _reason(means) if means else None
        value = ValueProposal(found=text, means="" if reason else means, reason=reason)
        found.setdefault(place, []).append((row, value))
    return found


def _value_problems(
    values: list[tuple[BookRow, ValueProposal]],
    missing: dict[str, Reason],
    known: Column | None,
    kind: str | None,
) -> Iterator[Problem]:
    for row, value in values:
        if value.found in missing and value.reason is None:
            yield row.problem(
                "means",
                Message("{name!r}, no answer in the sheet of columns, an answer here", name=value.found[:40]),
                Message("the same in both"),
                Message("say it in one of the two"),
            )
        if not value.means:
            continue
        if known is not None and known.enum and value.means not in known.enum:
            close = nearest(value.means, known.enum)
            action = (
                Message("did you mean {close}?", close=close) if close else Message("choose one of those")
            )
            yield row.problem(
                "means",
                Message("{name!r}", name=value.means[:40]),
                Message("{names}", names=", ".join(known.enum)),
                action,
            )
        elif kind == "flag" and value.means not in ("0", "1"):
            yield row.problem(
                "means",
                Message("{name!r}", name=value.means[:40]),
                Message("1, 0 or no answer"),
                Message("correct it"),
            )
        elif kind == "rating" and not re.fullmatch(r"-?\d+(?:[.,]\d+)?", value.means):
            yield row.problem(
                "means",
                Message("{name!r}", name=value.means[:40]),
                Message("a point of the scale, or no answer"),
                Message("correct it"),
            )


def repeated(rows: list[BookRow], columns: list[ColumnProposal]) -> Iterator[Problem]:
    """Give headers that stand twice, and columns of the table given to two headers."""
    used: dict[str, str] = {}
    headers: set[str] = set()
    for row, column in zip(rows, columns, strict=True):
        if column.header in headers:
            yield row.problem(
                "header",
                Message("{name!r} twice", name=column.header[:60]),
                Message("each header once"),
                Message("delete the row that is not right"),
            )
        headers.add(column.header)
        if column.decision not in ("use", "id") or not column.column:
            continue
        first = used.setdefault(column.column, column.header)
        if first != column.header:
            yield row.problem(
                "column",
                Message(
                    "two columns for {name}: {first} and {second}",
                    name=column.column,
                    first=first[:60],
                    second=column.header[:60],
                ),
                Message("one"),
                Message("name one of them otherwise, or decide: not use"),
            )
