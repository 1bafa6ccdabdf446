"""What keeps the shelf of published studies: `cxlab clean`, and where `cxlab run --to` sends them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from cxlab.errors import Message, WorkbenchError
from cxlab.speech import said, say, size_of
from cxlab.workbench import workbench

if TYPE_CHECKING:
    from cxlab.runs.clearing import Clearing
    from cxlab.runs.remote import Place
    from cxlab.runs.study import Study

Command = Callable[[str, Callable[[argparse.Namespace], int], Message], argparse.ArgumentParser]
_KINDS: dict[str, Message] = {
    "runs": Message("old runs"),
    "quarantine": Message("in quarantine, they did not verify"),
    "failed": Message("failures of entries that the gallery does not show"),
}


def add_commands(command: Command) -> None:
    """Add `cxlab clean` to the command line, whose `command` makes the parser of one."""
    clean = command(
        "clean", _clean, Message("delete old runs that nothing stands on; without --yes only say which")
    )
    which = said(Message("which (by default all)"))
    clean.add_argument("study", nargs="?", default="", metavar=said(Message("STUDY")), help=which)
    clean.add_argument(
        "--keep",
        type=int,
        default=3,
        metavar="N",
        help=said(Message("runs of each entry that stay, the newest (3); what a page stands on always does")),
    )
    clean.add_argument("--yes", action="store_true", help=said(Message("delete")))


def _clean(given: argparse.Namespace) -> int:
    """List, or delete, study by study; one that is being written to is named, and the others go on."""
    from cxlab.runs import clearing

    root = workbench(given.root)
    freed, found, refused = 0, 0, 0
    for study in clearing.studies(root, given.study):
        try:
            if given.yes:
                done = clearing.clear(root, study, keep=given.keep)
            else:
                done = clearing.old(root / "reports" / "built" / study, keep=given.keep)
        except WorkbenchError as error:
            if given.study:
                raise
            print(said(error.message), file=sys.stderr)
            refused = error.exit_code
            continue
        freed, found = freed + done.size, found + len(done.old)
        _tell_cleared(done)
    size = size_of(freed)
    if given.yes:
        say(Message("deleted: {n} folders; freed: {size}", n=found, size=size))
    elif found:
        again = f"cxlab clean {given.study} --keep {given.keep} --yes".replace("  ", " ")
        say(Message("nothing was deleted; to free {size}: {command}", size=size, command=again))
    else:
        say(Message("there is nothing to delete"))
    return refused


def _tell_cleared(done: Clearing) -> None:
    print(f"{done.folder.name}:")
    for kind, called in _KINDS.items():
        own = [each for each in done.old if each.kind == kind]
        if own:
            size = size_of(sum(each.size for each in own))
            print("  " + said(Message("{what}: {n}, {size}", what=called, n=len(own), size=size)))
        for each in own:
            print(f"    {each.place}  {each.entry}  {size_of(each.size)}".rstrip())
    print("  " + said(Message("runs that stay: {n}", n=done.kept)))
    for place in done.unclear:
        say(Message("{path} does not say whose it is: it stays", path=place))


def place_of(url: str) -> Place | None:
    """Return where `cxlab run --to URL` sends to, refused before anything runs; None without a URL."""
    if not url:
        return None
    from cxlab.runs.remote import place

    return place(url)


def sent(study: Study, to: Place | None, code: int) -> int:
    """Send a study that was run with exit code `code`, which is returned; with failures nothing is sent."""
    if to is None:
        return code
    if code:
        say(Message("not sent to {url}: some entries failed; what is there stays as it was", url=to.url))
        return code
    from cxlab.runs.remote import send

    done = send(study.root, study.name, to)
    say(
        Message(
            "sent to {url}: {files} files, {size}; there already: {kept}",
            url=f"{to.url}/{study.name}",
            files=done.files,
            size=size_of(done.size),
            kept=done.kept,
        )
    )
    return code
