"""The commands that keep a client's data in order: purge, register, relink."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cxlab.errors import CxlabError, Message, ParameterError, WorkbenchError
from cxlab.speech import language_of_messages, said, say, size_of
from cxlab.workbench import workbench

if TYPE_CHECKING:
    from cxlab.intake.custody.purge import Holding

Command = Callable[[str, Callable[[argparse.Namespace], int], Message], argparse.ArgumentParser]
_CALLED: dict[str, Message] = {
    "raw": Message("files received"),
    "tables": Message("tables made of them"),
    "other": Message("other files of the client's folder"),
    "key": Message("key of the pseudonyms"),
    "reports": Message("published reports"),
}
_MOST = 8


def add_commands(command: Command) -> None:
    """Add the three commands to those of `cxlab`."""
    purge = command("purge", _purge, Message("delete what is held of a client; without --yes only say what"))
    purge.add_argument("client", metavar=said(Message("CLIENT")))
    purge.add_argument("--yes", action="store_true", help=said(Message("delete, and leave a receipt")))
    purge.add_argument(
        "--keep-reports", action="store_true", help=said(Message("leave the published reports"))
    )
    register = command(
        "register",
        _register,
        Message("the register of processing: whose data, which, why and until when; as a table and a file"),
    )
    register.add_argument("client", nargs="?", default="", metavar=said(Message("CLIENT")))
    register.add_argument("--all", action="store_true", help=said(Message("every client")))
    relink = command(
        "relink",
        _relink,
        Message(
            "write a copy of a file with the original codes beside the pseudonyms; only where the key is"
        ),
    )
    relink.add_argument("file", metavar=said(Message("FILE")))
    relink.add_argument(
        "--client", required=True, metavar=said(Message("CLIENT")), help=said(Message("whose data"))
    )
    relink.add_argument(
        "-o", dest="out", default="", metavar=said(Message("NAME")), help=said(Message("name of the copy"))
    )


def _purge(given: argparse.Namespace) -> int:
    from cxlab.intake.custody import purge
    from cxlab.intake.folders import client_folder
    from cxlab.intake.privacy.pseudonyms import KEY_VARIABLE, key_file
    from cxlab.runs import retired

    root = workbench(given.root)
    own = purge.holdings(root, given.client)
    shelves = [] if given.keep_reports else retired.held(root, given.client)
    found = own + [each for shelf in shelves for each in shelf.files]
    for line in _listed(found, root):
        print(line)
    for path in (path for shelf in shelves for path in shelf.unknown):
        say(Message("{path} does not say whose it is: it stays", path=path.relative_to(root)))
    if os.environ.get(KEY_VARIABLE) is not None:
        say(Message("the key is in CXLAB_ID_KEY, not in a file: forget it where you keep it"))
    if not given.yes:
        say(Message("nothing was deleted; to delete it: cxlab purge {client} --yes", client=given.client))
        return 0
    folder = client_folder(root, given.client)
    outcome = retired.retire(shelves)
    mine = purge.delete(own, within=[folder, folder / "raw", key_file(given.client).parent])
    whole = purge.Outcome((*mine.deleted, *outcome.deleted), (*mine.left, *outcome.left))
    receipt = purge.receipt(root, given.client, whole)
    say(Message("deleted: {n} files; receipt: {path}", n=len(whole.deleted), path=receipt.relative_to(root)))
    say(
        Message(
            "copies elsewhere, backups, sent reports and what a disk keeps of a deleted file are beyond this "
            "command: see to them yourself"
        )
    )
    if whole.left:
        raise WorkbenchError(
            "{n} files could not be deleted: {files}",
            n=len(whole.left),
            files="; ".join(f"{_shown(each.path, root)} ({why})" for each, why in whole.left[:20]),
        )
    return 0


def _listed(found: Sequence[Holding], root: Path) -> list[str]:
    lines = []
    for kind, called in _CALLED.items():
        own = [each for each in found if each.kind == kind]
        if not own:
            continue
        size = size_of(sum(each.size for each in own))
        lines.append(said(Message("{what}: {n} files, {size}", what=called, n=len(own), size=size)))
        lines += [f"  {_shown(each.path, root)}  {size_of(each.size)}" for each in own[:_MOST]]
        if len(own) > _MOST:
            lines.append("  " + said(Message("and {n} more", n=len(own) - _MOST)))
    return lines or [said(Message("nothing is held of this client"))]


def _shown(path: Path, root: Path) -> str:
    from cxlab.intake.privacy.identifiers import identifier

    shown = path.relative_to(root) if path.is_relative_to(root) else path
    if identifier(path.name):
        return str(shown.parent / f"…{path.suffix}")
    return str(shown)


def _register(given: argparse.Namespace) -> int:
    root = workbench(given.root)
    if bool(given.client) == given.all:
        raise ParameterError("name one client, or give --all")
    folders = sorted(path.parent.name for path in (root / "data").glob("*/client.yaml"))
    refused = 0
    for client in folders if given.all else [given.client]:
        try:
            _registered(root, client)
        except CxlabError as error:
            if not given.all:
                raise
            refused = error.exit_code
            print(f"{client}: {said(error.message)}", file=sys.stderr)
    return refused


def _registered(root: Path, client: str) -> None:
    from cxlab.intake.custody import register
    from cxlab.runs import retired

    reports = {each.folder.name: len(each.entries) for each in retired.held(root, client) if each.entries}
    language = language_of_messages()
    for row in register.register(root, client, language=language, reports=reports):
        for title, cell in zip(register.titles(language), row, strict=True):
            print(f"{title:<32} {cell}")
        print()
    path = register.write(root, client, register.register(root, client, reports=reports))
    say(Message("written: {path}", path=path.relative_to(root)))


def _relink(given: argparse.Namespace) -> int:
    from cxlab.intake.custody.relink import relink

    root = workbench(given.root)
    done = relink(root, given.client, given.file, out=given.out)
    for name, matched in done.matched.items():
        say(
            Message(
                "{column}: {matched} pseudonyms with their code, {unmatched} without",
                column=name,
                matched=matched,
                unmatched=done.unmatched[name],
            )
        )
    if done.unread:
        say(Message("not read: {files}", files=", ".join(done.unread)))
    say(
        Message(
            "written: {path}; it identifies persons: keep it here", path=done.path.relative_to(root.resolve())
        )
    )
    return 0
