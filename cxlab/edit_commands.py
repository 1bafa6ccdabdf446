"""What people want said otherwise of a study: `cxlab edits`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from cxlab.errors import Message
from cxlab.speech import language_of_messages, said, say
from cxlab.workbench import workbench

Command = Callable[[str, Callable[[argparse.Namespace], int], Message], argparse.ArgumentParser]


def add_commands(command: Command) -> None:
    """Add `cxlab edits` to the command line, whose `command` makes the parser of one."""
    summary = Message(
        "titles, sentences and recommendations of your own for a study's findings, kept over reruns"
    )
    edits = command("edits", _edits, summary)
    edits.add_argument("study", metavar=said(Message("STUDY")), help=said(Message("a published study")))
    edits.add_argument(
        "--from",
        dest="book",
        default="",
        metavar=said(Message("FILE.xlsx")),
        help=said(Message("an annex in whose sheet of findings somebody typed: take that over")),
    )


def _edits(given: argparse.Namespace) -> int:
    """Write the file to fill in, take over an annex, or tell how the edits there are stand."""
    from cxlab.reporting.edits import edited
    from cxlab.runs.edits import begin, path_of, read_edits, take_over
    from cxlab.runs.volumes import volume

    root = workbench(given.root)
    published = volume(given.study, root)
    path = path_of(published.study, root)
    if given.book:
        done = take_over(Path(given.book), published, root, language=language_of_messages())
        for place, field, before, after in done.changes:
            say(f"  {place} · {field}: {before or '–'} → {after or '–'}")
        say(Message("{n} changes taken over into {path}", n=len(done.changes), path=path))
        return 0
    if not path.is_file():
        begin(published, root, language=language_of_messages())
        say(Message("written, to fill in: {path}", path=path))
        return 0
    said_so = edited(published, read_edits(published.study, root))
    for each in said_so.withheld:
        say(Message("  {what}", what=each))
    counts = {"n": len(said_so.given) - len(said_so.withheld), "withheld": len(said_so.withheld)}
    say(Message("{path}: {n} edits hold, {withheld} are withheld", path=path, **counts))
    return 0
