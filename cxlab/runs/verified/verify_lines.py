"""What `cxlab verify` tells of a run, line by line: the verdict, what has changed since, what differs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

from cxlab.errors import Message
from cxlab.reporting.words import clean
from cxlab.runs.compared.diff import Cause
from cxlab.runs.compared.diff_lines import WHY
from cxlab.runs.verified.differing import Farthest, Place
from cxlab.runs.verified.verify import TOLERANCE, Verdict, Verified

VERDICTS: dict[Verdict, Message] = {
    "hashes": Message("{run}: {files} files are as manifest.json says"),
    "same": Message("{run}: run again, the same bytes in {files} files"),
    "within": Message("{run}: run again, other bytes and the same numbers (to {tolerance} of themselves)"),
    "released": Message(
        "{run}: not run again; what was released agrees with itself, and suppressed rows are empty"
    ),
    "differs": Message("{run}: DIFFERS"),
    "failed": Message("{run}: COULD NOT BE RUN AGAIN"),
    "damaged": Message("{run}: IS NOT AS IT WAS PUBLISHED"),
}
SHOWN, HASH, LONGEST = 6, 12, 60


def lines(found: Verified, said: Callable[[Message], str]) -> Iterator[str]:
    """Yield what is told of a run, each message as `said` gives it: the verdict, then what it rests on."""
    fields = {"run": found.run, "files": found.files, "tolerance": f"{TOLERANCE:g}"}
    yield said(Message(VERDICTS[found.verdict].template, **fields))
    yield from (f"  {said(message)}" for message in _below(found))


def _below(found: Verified) -> Iterator[Message]:
    if found.causes:
        yield Message("since it was published, other bytes may come of:")
        yield from _causes(found.causes)
    yield from found.notes
    yield from _files(found)
    if found.place:
        yield _place(found.place)
    if found.differing:
        yield _farthest(found.farthest)


def _causes(causes: tuple[Cause, ...]) -> Iterator[Message]:
    for cause in causes[:SHOWN]:
        yield Message(
            "{kind}: {what}: {before} → {after}",
            kind=WHY[cause.kind], what=cause.what, before=_short(cause.before), after=_short(cause.after),
        )  # fmt: skip
    if len(causes) > SHOWN:
        yield Message("and {count} more", count=len(causes) - SHOWN)


def _short(value: Any) -> str:
    text = "-" if value is None else clean(str(value))
    hashed = len(text) == 64 and set(text) <= set("0123456789abcdef")
    return text[:HASH] if hashed else text[:LONGEST]


def _files(found: Verified) -> Iterator[Message]:
    for title, names in (
        (Message("missing"), found.missing),
        (Message("not of this run"), found.extra),
        (Message("changed"), found.changed),
        (Message("other bytes"), found.differing),
    ):
        if names:
            yield Message("{title}: {names}", title=title, names=", ".join(names))


def _place(place: Place) -> Message:
    fields = {name: clean(str(text or "")) or "-" for name, text in asdict(place).items()}
    if place.cell:
        return Message(
            "first in code cell {cell} (`{line}`), output {output}, {kind}, {where}: {before} → {after}",
            **fields,
        )
    return Message("first in {file}, {where}: {before} → {after}", **fields)


def _farthest(found: Farthest | None) -> Message:
    if found is None:
        return Message("no number of results.json differs")
    return Message(
        "largest relative difference: {relative}, in {result}, table {table}, row {row} ({key}), "
        "column {column}: {before} → {after}",
        **{**asdict(found), "relative": f"{found.relative:.2g}", "key": clean(found.key) or "-"},
    )
