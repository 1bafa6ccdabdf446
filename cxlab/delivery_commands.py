"""What is made for the people who are handed a study: `cxlab deliver`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from cxlab.errors import Message
from cxlab.speech import said, say, size_of
from cxlab.workbench import workbench

Command = Callable[[str, Callable[[argparse.Namespace], int], Message], argparse.ArgumentParser]


def add_commands(command: Command) -> None:
    """Add `cxlab deliver` to the command line, whose `command` makes the parser of one."""
    deliver = command(
        "deliver",
        _deliver,
        Message("make the files of a study that people are handed, as a dated version, and a zip of them"),
    )
    deliver.add_argument("study", metavar=said(Message("STUDY")), help=said(Message("a published study")))
    deliver.add_argument(
        "--language",
        default="",
        choices=["es", "en"],
        metavar="es|en",
        help=said(Message("of the runs to deliver (by default that of the study)")),
    )
    deliver.add_argument(
        "--pdf",
        default="weasyprint",
        choices=["weasyprint", "chromium"],
        help=said(Message("what makes the PDF (weasyprint; chromium: its contents without page numbers)")),
    )
    no_pdf = said(Message("make no PDF, which takes longest"))
    deliver.add_argument("--no-pdf", dest="pdf", action="store_const", const="", help=no_pdf)
    deliver.add_argument(
        "--despite-failures",
        action="store_true",
        help=said(Message("deliver what is published, though entries failed or were never run")),
    )


def _deliver(given: argparse.Namespace) -> int:
    """Deliver, and say where it is, what it holds and what could not be made."""
    # jsonschema would compile the grammar of international addresses, over a second, for nothing.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    from cxlab.runs.deliveries.delivered import deliver, lacking_in
    from cxlab.runs.deliveries.files import makers_of

    root = workbench(given.root)
    makers = makers_of(given.pdf)
    done = deliver(given.study, root, language=given.language, despite=given.despite_failures, makers=makers)
    for why in done.missing.values():
        print(said(why), file=sys.stderr)
    for each in done.withheld:
        print(said(each), file=sys.stderr)
    if done.withheld:
        say(Message("{n} edits are withheld: their findings moved", n=len(done.withheld)))
    names = ", ".join(lacking_in(done.folder.parents[1], root)) if given.despite_failures else ""
    if names:
        say(Message("failed or never run, and delivered as they were or not at all: {names}", names=names))
    version, folder = done.folder.name, done.folder
    if not done.new:
        say(Message("nothing has changed since {version}: {path}", version=version, path=folder))
        return 0
    for name in done.record["kinds"].values():
        print(f"  {folder / name}")
    size = size_of(done.zip.stat().st_size)
    say(
        Message("delivered as {version}; to send: {path} ({size})", version=version, path=done.zip, size=size)
    )
    return 0
