"""`cxlab audit`: whether a deck that was edited by hand still says what was published."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cxlab.errors import Message, VerifyError
from cxlab.speech import said, say
from cxlab.workbench import workbench

if TYPE_CHECKING:
    from cxlab.reporting.deck.audit import Unmatched
    from cxlab.reporting.deck.told import Told

Command = Callable[[str, Callable[[argparse.Namespace], int], Message], argparse.ArgumentParser]
MOST = 80  # letters of a text that is quoted
_WHERE: dict[str, Message] = {
    "title": Message("title"),
    "text": Message("text"),
    "table": Message("table"),
    "chart": Message("chart"),
    "workbook": Message("data of a chart"),
    "notes": Message("notes"),
    "description": Message("alternative text"),
    "properties": Message("properties of the file"),
}


def add_commands(command: Command) -> None:
    """Add `cxlab audit` to the command line, whose `command` makes the parser of one."""
    audit = command(
        "audit",
        _audit,
        Message(
            "compare every number of a deck that was edited by hand with what is published, and look for "
            "names of other clients; exit code 6 if there is something to look at"
        ),
    )
    audit.add_argument("file", metavar=said(Message("FILE.pptx")))
    which = said(Message("where its runs are (by default the feet of its slides say)"))
    audit.add_argument("study", nargs="?", default="", metavar=said(Message("STUDY")), help=which)


def _audit(given: argparse.Namespace) -> int:
    from cxlab.runs.audits import audit

    done = audit(Path(given.file), workbench(given.root), given.study)
    for name in done.lost:
        say(
            Message(
                "run {run} is not under reports/built: its slides were compared with the others", run=name
            )
        )
    for each in done.unmatched:
        say(_unmatched(each))
    for hit in done.names:
        place, text = _place(hit.told), _quoted(hit.told.text)
        say(
            Message("{place}: another client is named, {name}: {text}", place=place, name=hit.name, text=text)
        )
    if done.clean:
        say(
            Message(
                "every number is in the results of {count} runs; no other client is named", count=done.count
            )
        )
        return 0
    say(
        Message(
            "to look at: {numbers} numbers that no result has, {names} names of others, {lost} lost runs",
            numbers=len(done.unmatched),
            names=len(done.names),
            lost=len(done.lost),
        )
    )
    return VerifyError.exit_code


def _unmatched(found: Unmatched) -> Message:
    place, text = _place(found.told), _quoted(found.told.text)
    if found.nearest is None:
        return Message(
            "{place}: {number} is not published: {text}", place=place, number=found.written, text=text
        )
    return Message(
        "{place}: {number} is not published, the nearest is {nearest}: {text}",
        place=place,
        number=found.written,
        nearest=f"{found.nearest:.6g}",
        text=text,
    )


def _place(told: Told) -> str:
    where = said(_WHERE[told.where])
    return said(Message("slide {slide}, {where}", slide=told.slide, where=where)) if told.slide else where


def _quoted(text: str) -> str:
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return plain if len(plain) <= MOST else f"{plain[: MOST - 1]}…"
