"""`confirm`: what a person decided in mapping.xlsx becomes sources of client.yaml, saying what changed.

Nothing is written unless the whole workbook is understood and every file that would be written is decided,
signed and readable as it says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cxlab.errors import InputError, Message, Problem, WorkbenchError
from cxlab.intake.client import Client, load, validated
from cxlab.intake.declared.declaration import nearest, read_yaml
from cxlab.intake.declared.models import Source
from cxlab.intake.declared.source_text import flow, with_sources
from cxlab.intake.files.reading import Reading
from cxlab.intake.folders import client_folder, declared_path, write_private
from cxlab.intake.proposals.book_rows import BookRow, BookRows, read_rows
from cxlab.intake.proposals.book_words import FILE
from cxlab.intake.proposals.mapping_book import put_text, save
from cxlab.intake.proposals.proposal import ROW_LINE, FileProposal, source_of
from cxlab.intake.proposals.signed_book import signed_book
from cxlab.intake.proposals.signed_columns import SignedBook
from cxlab.intake.proposals.sniffing import label, reread


@dataclass(frozen=True)
class Change:
    """One key of a source that a confirmation changed, as it was and as it is; empty where there was none."""

    file: str
    key: str
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class Confirmed:
    """The outcome of a confirmation.

    Attributes
    ----------
    written : tuple of str
        Files whose source is new or changed.
    same : tuple of str
        Files whose source is already as the workbook says.
    changes : tuple of Change
    pending : tuple of Problem
        What still waits for a decision or a signature: those files are not written.
    notes : tuple of Message
    """

    written: tuple[str, ...] = ()
    same: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    pending: tuple[Problem, ...] = ()
    notes: tuple[Message, ...] = field(default=())


def confirm(root: str | Path, client: str, *, by: str = "", on: date | None = None) -> Confirmed:
    """Write the decided and signed files of a client's mapping.xlsx into its client.yaml.

    Parameters
    ----------
    root : path
        The workbench's folder.
    client : str
        Name of the client's folder under data/.
    by : str
        Signs every file all of whose rows are decided and that nobody signed.
    on : date, optional
        Day of the signatures without one; today, if not given.

    Returns
    -------
    Confirmed

    Raises
    ------
    InputError
        With everything that cannot be understood, by sheet and row; or, if no file is ready, with every
        row that lacks a decision or a signature. client.yaml is then as it was.
    WorkbenchError
        If the folder may not be written.
    """
    declared = load(client_folder(root, client))
    path = declared.folder / FILE
    rows = read_rows(path, client=client)
    told = signed_book(rows, declared.language)
    ready = list(_ready(told, by.strip(), (on or date.today()).isoformat()))
    items = {file.label: source_of(file) for file in ready}
    for file in told.files:
        told.problems += _against_file(file, rows, declared, told, whole=file.label in items)
    if told.problems:
        raise InputError(
            "{file} has {count} problems; client.yaml was not changed",
            file=FILE,
            count=len(told.problems),
            problems=told.problems,
        )
    if not items:
        raise InputError(
            "no file of {file} is decided and signed; client.yaml was not changed",
            file=FILE,
            problems=told.pending,
        )
    outcome = _write(declared, items, tuple(told.pending))
    _sign(rows, told, {file.label: file for file in ready}, path)
    return outcome


def _ready(told: SignedBook, by: str, on: str) -> Iterator[FileProposal]:
    """Give the files all of whose rows are decided, once signed; the others are pending."""
    for file in told.files:
        if file.undecided:
            continue
        row = told.rows[file.label]
        if not (file.signed_by or by):
            said = Message("sign it there, or all with --by NAME")
            told.pending.append(
                row.problem("signed_by", Message("no signature"), Message("who confirms it"), said)
            )
            continue
        yield replace(file, signed_by=file.signed_by or by, signed_on=file.signed_on or on)


def _against_file(
    file: FileProposal, rows: BookRows, declared: Client, told: SignedBook, *, whole: bool
) -> Iterator[Problem]:
    """Give what of a workbook's file does not agree with the file itself."""
    row = told.rows[file.label]
    item = source_of(file)
    try:
        Source.model_validate(item)
        declared_path(declared.folder, file.file)
    except ValidationError as error:
        for each in error.errors():
            place = ".".join(str(part) for part in each["loc"])
            why = each.get("ctx", {}).get("error") or each["msg"]
            yield row.problem(
                "more",
                Message("{place}: {why}", place=place, why=str(why)),
                Message("keys of a source, as in client.yaml"),
                Message("correct it"),
            )
        return
    except InputError as error:
        yield row.problem(
            "file", Message("{why}", why=error.message), Message("a file under raw/"), Message("correct it")
        )
        return
    if not whole:
        return
    try:
        reading, seen_whole = reread(declared.folder, item)
    except InputError as error:
        yield from error.problems or (
            row.problem(
                "file",
                Message("{why}", why=error.message),
                Message("a file that can be read"),
                Message("correct how it is read"),
            ),
        )
        return
    headers = list(reading.headers)
    yield from _header_problems(file, rows, headers, row)
    if seen_whole:
        yield from _found_problems(file, rows, reading)


def _header_problems(
    file: FileProposal, rows: BookRows, headers: list[str], row: BookRow
) -> Iterator[Problem]:
    listed = {each["header"]: each for each in rows.columns if each["file"] == file.label}
    for column in file.columns:
        if column.header not in headers and column.header != ROW_LINE:
            close = nearest(column.header, headers)
            action = Message(
                "did you mean {close}? If you changed how the file is read, propose it so: map --again",
                close=close or "-",
            )
            place = listed[column.header]
            yield place.problem(
                "header",
                Message("{name!r}, no header of {file}", name=column.header[:60], file=file.label),
                Message("the headers of the file, unchanged"),
                action,
            )
    for header in headers:
        if header not in listed:
            yield row.problem(
                "file",
                Message("no row for the header {name!r}", name=header[:60]),
                Message("one row for each header"),
                Message("put the row back on the sheet of columns, with its decision"),
            )


def _found_problems(file: FileProposal, rows: BookRows, reading: Reading) -> Iterator[Problem]:
    """Give values of the workbook that the file does not have: they were edited, or the file changed."""
    for column in file.columns:
        if column.decision not in ("use", "id") or column.header not in reading.columns or not column.values:
            continue
        known = {text.strip() for text in reading.columns[column.header].distinct} | {" ", ""}
        for value in column.values:
            if value.found not in known and (value.means or value.reason):
                place = next(
                    each
                    for each in rows.values
                    if each["file"] == file.label
                    and each["header"] == column.header
                    and each["found"] == value.found
                )
                yield place.problem(
                    "found",
                    Message("{name!r}, a value that the file does not have", name=value.found[:40]),
                    Message("the values of the file, unchanged"),
                    Message("correct it, or write it under the codes of no answer"),
                )


def _write(declared: Client, items: Mapping[str, dict[str, Any]], pending: tuple[Problem, ...]) -> Confirmed:
    path = declared.folder / "client.yaml"
    content = path.read_bytes()
    text = content.decode("utf-8-sig")
    given: list[dict[str, Any]] = list(read_yaml(text, name="client.yaml").get("sources") or [])
    places = {label(source.file, source.sheet): at for at, source in enumerate(declared.sources)}
    changes: list[Change] = []
    edits: list[tuple[int | None, Mapping[str, Any]]] = []
    same: list[str] = []
    for name, item in items.items():
        place = places.get(name)
        before = given[place] if place is not None else None
        found = list(changed_keys(name, before, item))
        if before is not None and not found:
            same.append(name)
            continue
        changes += found
        edits.append((place, item))
    if edits:
        made = with_sources(text, edits)
        validated(made.encode(), declared.folder)
        _replace(path, (b"\xef\xbb\xbf" if content.startswith(b"\xef\xbb\xbf") else b"") + made.encode())
    return Confirmed(
        written=tuple(name for name in items if name not in same),
        same=tuple(same),
        changes=tuple(changes),
        pending=pending,
        notes=tuple(_lost_comments(text, given, edits)),
    )


def changed_keys(name: str, before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> Iterator[Change]:
    """Give the keys in which two sources differ, those that name columns one by one."""
    old = _read(before) if before is not None else {}
    new = _read(after)
    for key in dict.fromkeys([*new, *old]):
        was, now = old.get(key), new.get(key)
        if was == now or (key == "confirmed_by" and before is not None and _same_but_signature(old, new)):
            continue
        if isinstance(was, dict) and isinstance(now, dict):
            for inner in dict.fromkeys([*now, *was]):
                if was.get(inner) != now.get(inner):
                    yield Change(
                        name, f"{key}.{inner}", flow_or_empty(was.get(inner)), flow_or_empty(now.get(inner))
                    )
        else:
            yield Change(name, key, flow_or_empty(was), flow_or_empty(now))


def _same_but_signature(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    keys = ({*old} | {*new}) - {"confirmed_by"}
    signed = (old.get("confirmed_by") or {}).get("who") == (new.get("confirmed_by") or {}).get("who")
    return signed and all(old.get(key) == new.get(key) for key in keys)


def _read(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return a source as the model understands it, keys that are not given apart."""
    return Source.model_validate(dict(item)).model_dump(mode="json", exclude_unset=True, by_alias=True)


def flow_or_empty(value: Any) -> str:
    """Return a value on one line; nothing where there is none."""
    return "" if value is None else flow(value)


def _lost_comments(
    text: str, given: list[dict[str, Any]], edits: list[tuple[int | None, Mapping[str, Any]]]
) -> Iterator[Message]:
    lines = [line for line in text.splitlines() if line.strip().startswith("#")]
    made = with_sources(text, edits).splitlines() if edits else []
    lost = [line.strip() for line in lines if lines.count(line) > made.count(line)] if edits else []
    if lost:
        yield Message("comments inside what was replaced are gone: {lines}", lines=" | ".join(lost[:5]))
    if not given and edits:
        yield Message("these are the first sources of client.yaml")


def _replace(path: Path, content: bytes) -> None:
    try:
        write_private(path, content)
    except OSError as error:
        raise WorkbenchError(
            "cannot write in {folder}: {why}", folder=path.parent, why=error.strerror
        ) from None


def _sign(rows: BookRows, told: SignedBook, ready: Mapping[str, FileProposal], path: Path) -> None:
    """Write the signatures into the workbook, which from now on counts as confirmed."""
    if told.pending:
        return  # what is still to be decided must not be overwritten by a new proposal
    for name, file in ready.items():
        row = told.rows[name]
        sheet: Any = rows.book[row.sheet]
        places = {str(cell.value): cell.column for cell in sheet[1]}
        for key, value in (("signed_by", file.signed_by), ("signed_on", file.signed_on)):
            if key in row.headings:
                put_text(sheet.cell(row.number, places[row.headings[key]]), value)
    save(rows.book, path)
