"""The commands that propose and describe: `cxlab map CLIENT`, `cxlab describe NOTEBOOK|CLIENT`."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from cxlab.errors import InputError, Message, ParameterError, Problem
from cxlab.speech import half, language_of_messages, said, say

if TYPE_CHECKING:
    from cxlab.intake.description import Described
    from cxlab.intake.proposals.confirmation import Confirmed
    from cxlab.intake.proposals.differences import Change
    from cxlab.intake.proposals.proposal import FileProposal

Command = Callable[[str, Callable[[argparse.Namespace], int], Message], argparse.ArgumentParser]
# How many columns without a decision are named for each file.
NAMED = 8


def add_commands(command: Command) -> None:
    """Add them to the command line, whose `command` makes the parser of one."""
    added = command(
        "map", map_client, Message("propose what each file and column is; confirm what was decided")
    )
    added.add_argument("client", metavar=said(Message("CLIENT")))
    added.add_argument(
        "--wave", default="", metavar=said(Message("WAVE")), help=said(Message("only the files of raw/WAVE/"))
    )
    added.add_argument(
        "--again",
        action="store_true",
        help=said(Message("propose again; an edited mapping.xlsx is put aside")),
    )
    added.add_argument(
        "--confirm",
        action="store_true",
        help=said(Message("write what mapping.xlsx decides into client.yaml")),
    )
    added.add_argument(
        "--by",
        default="",
        metavar=said(Message("NAME")),
        help=said(Message("sign every file whose rows are all decided")),
    )

    described = command(
        "describe", _describe, Message("say what a notebook takes, or what a client's tables can be asked")
    )
    described.add_argument("name", metavar=said(Message("NOTEBOOK|CLIENT")))


def map_client(given: argparse.Namespace) -> int:
    """Propose, or confirm, how a client's files are mapped."""
    from cxlab.workbench import workbench

    root = workbench(given.root)
    if given.confirm:
        return _confirm(root, given.client, given.by)
    if given.by:
        raise ParameterError("--by signs what is confirmed: give --confirm as well")
    return _propose(root, given)


def _propose(root: Path, given: argparse.Namespace) -> int:
    from cxlab.intake.client import load
    from cxlab.intake.folders import client_folder
    from cxlab.intake.proposals.mapping_book import read_as_said, write
    from cxlab.intake.proposals.propose import propose

    path = client_folder(root, given.client) / "mapping.xlsx"
    said_before = read_as_said(path, load(path.parent)) if given.again else {}
    proposal = propose(root, given.client, wave=given.wave or None, said=said_before)
    if not proposal.files:
        say(
            Message(
                "nothing new: every file under raw/ is declared ({n}); check them with: cxlab check {client}",
                n=len(proposal.declared),
                client=given.client,
            )
        )
        return 0
    write(proposal, path, edits="set aside" if given.again else "refuse")
    for file in proposal.files:
        _say_file(file)
    say(
        Message(
            "correct and sign {path}, then: cxlab map {client} --confirm --by NAME",
            path=path,
            client=given.client,
        )
    )
    return 0


def new_wave(root: Path, client: str, wave: str) -> int:
    """Make the folder of a wave; if its files are there, propose them and say what changed."""
    from cxlab.intake.proposals.mapping_book import write
    from cxlab.intake.proposals.propose import propose
    from cxlab.intake.proposals.sniffing import raw_files
    from cxlab.intake.proposals.waves import open_wave

    folder = open_wave(root, client, wave)
    if not raw_files(folder.parents[1], wave):
        say(
            Message(
                "{folder} is ready: put the wave's files there, then again: cxlab new {client} --wave {wave}",
                folder=folder,
                client=client,
                wave=wave,
            )
        )
        return 0
    proposal = propose(root, client, wave=wave)
    if not proposal.files:
        say(
            Message(
                "every file of {wave} is declared; check them with: cxlab check {client}",
                wave=wave,
                client=client,
            )
        )
        return 0
    path = folder.parents[1] / "mapping.xlsx"
    write(proposal, path)
    for file in proposal.files:
        _say_file(file, reasons=not file.follows)
        _say_changed(file)
    say(
        Message(
            "correct and sign {path}, then: cxlab map {client} --confirm --by NAME",
            path=path,
            client=client,
        )
    )
    return 0


def _say_changed(file: FileProposal) -> None:
    if not file.follows:
        return
    if not file.changes:
        say(Message("  it goes on from {file}: nothing changed", file=file.follows))
        return
    say(Message("  it goes on from {file}; {n} changes:", file=file.follows, n=len(file.changes)))
    width = max(len(_place(change)) for change in file.changes)
    for change in file.changes:
        was = f"{change.before or '-'} → {change.after}" if change.after else change.before
        print(f"    {_place(change):<{width}}  {said(change.says)}: {was}")


def _place(change: Change) -> str:
    if change.column in ("", change.header):
        return change.header
    return f"{change.column} ({change.header})"


def _say_file(file: FileProposal, *, reasons: bool = True) -> None:
    from cxlab.intake.proposals.proposal import ROW_LINE

    if not file.readable:
        why = "; ".join(said(each) for each in file.evidence)
        say(Message("{file}: not proposed: {why}", file=file.label, why=why))
        return
    say(
        Message(
            "{file}: {table}, {n} columns, {open} to decide; how it is read: {sure} % sure",
            file=file.label,
            table=file.table,
            n=sum(column.header != ROW_LINE for column in file.columns),
            open=len(file.undecided),
            sure=round(100 * file.confidence),
        )
    )
    if not reasons:
        return
    for column in file.undecided[:NAMED]:
        why = "; ".join(said(each) for each in column.reasons)
        named = said(Message("the line of each row")) if column.header == ROW_LINE else column.header
        print(f"    ? {named[:60]}: {why}")
    if len(file.undecided) > NAMED:
        say(Message("    ? {n} more", n=len(file.undecided) - NAMED))


def _confirm(root: Path, client: str, by: str) -> int:
    from cxlab.intake.proposals.confirmation import confirm

    outcome = confirm(root, client, by=by)
    if not outcome.written:
        say(Message("client.yaml already says what mapping.xlsx says: nothing changed"))
    _say_changes(outcome)
    for note in outcome.notes:
        say(note)
    _say_pending(outcome.pending)
    say(Message("next: cxlab check {client}", client=client))
    return 0


def _say_changes(outcome: Confirmed) -> None:
    for file in outcome.written:
        say(Message("client.yaml: {file}", file=file))
        for change in (each for each in outcome.changes if each.file == file):
            sign = "+" if not change.before else "-" if not change.after else "~"
            was = f"{_cut(change.before)} → " if change.before and change.after else ""
            print(f"  {sign} {change.key}: {was}{_cut(change.after or change.before)}")


def _cut(text: str) -> str:
    return text if len(text) <= 70 else text[:69] + "…"


def _say_pending(pending: Iterable[Problem]) -> None:
    waiting = list(pending)
    if waiting:
        say(Message("still to decide or sign; those files were not written ({n}):", n=len(waiting)))
    for each in waiting:
        place = f"{each.file}, {each.row}"
        print(f"  - {place}: {said(each.found)}. {said(each.action)}")


def headline(notebook: Path) -> str:
    """Return a notebook's title in the language of messages."""
    import json

    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    prose = [cell for cell in cells if cell.get("cell_type") == "markdown"]
    own = [c for c in prose if f"lang-{language_of_messages()}" in c.get("metadata", {}).get("tags", ())]
    lines = "\n".join("".join(cell.get("source", "")) for cell in own or prose).splitlines()
    return next((line.removeprefix("# ").strip() for line in lines if line.startswith("# ")), "")


def _describe(given: argparse.Namespace) -> int:
    from cxlab.workbench import workbench

    root = workbench(given.root)
    of_client = is_client(root, given.name)
    of_notebook = (root / "notebooks" / f"{given.name}.ipynb").is_file() or not of_client
    if of_client and of_notebook:
        say(Message("{name} is a notebook and a client: both follow", name=given.name))
    code = _describe_notebook(root, given.name) if of_notebook else 0
    return describe_client(root, given.name) if of_client else code


def _describe_notebook(root: Path, name: str) -> int:
    from cxlab.parameters import declaration
    from cxlab.runs.entries import named_notebook
    from cxlab.values import shown, wanted

    path = named_notebook(name, root)
    declared = declaration(path)
    print(f"{path.stem}: {headline(path)}".rstrip(": "))
    for parameter in declared.parameters:
        print(f"\n  {parameter.name} = {shown(parameter.default)}")
        print(f"      {said(wanted(parameter.kind))}")
        if parameter.description:
            print(f"      {half(parameter.description)}")
    return 0


def is_client(root: Path, name: str) -> bool:
    """Tell whether a name is that of a client's folder."""
    from cxlab.intake.folders import client_folder

    try:
        return (client_folder(root, name) / "client.yaml").is_file()
    except InputError:
        return False


def describe_client(root: Path, client: str) -> int:
    """Print what each column of a client's tables can be used for."""
    from cxlab.intake.description import describe

    described = describe(root, client, language=language_of_messages())
    for table, columns in described.items():
        rows = columns[0].rows if columns else 0
        say(Message("{table}: {n} rows", table=table, n=rows))
        for column in columns:
            print(f"  {column.column} · {column.label}")
            print(f"      {said(_summary(column))}")
            if column.values:
                values = ", ".join(f"{value} ({n})" for value, n in column.values.items())
                print(f"      {values}")
            if column.small:
                say(Message("      {n} values with fewer than 10 are not shown", n=column.small))
            if column.reasons:
                why = ", ".join(f"{said(_REASONS[reason])} {n}" for reason, n in column.reasons.items())
                say(Message("      no answer: {why}", why=why))
    return 0


_REASONS: dict[str, Message] = {
    "blank": Message("empty"),
    "missing": Message("no answer"),
    "not_asked": Message("not asked"),
    "not_applicable": Message("does not apply"),
    "dont_know": Message("does not know"),
    "refused": Message("refused"),
    "technical": Message("technical"),
    "personal": Message("emptied: it looked personal"),
}
_KINDS: dict[str, Message] = {
    "rating": Message("rating"),
    "number": Message("number"),
    "category": Message("category"),
    "text": Message("text"),
    "date": Message("date"),
    "flag": Message("yes or no"),
    "id": Message("code of persons"),
    "code": Message("code"),
}


def _summary(column: Described) -> Message:
    uses = ", ".join(column.uses) or said(Message("nothing: it only joins or is read"))
    kind = said(_KINDS[column.kind])
    if column.scale is not None:
        kind = f"{kind} {column.scale[0]:g}-{column.scale[1]:g}"
    return Message(
        "{kind}; base {base}, {missing} % missing, {levels} values; for {uses}",
        kind=kind,
        base=column.base,
        missing=round(100 * column.missing),
        levels=column.levels,
        uses=uses,
    )
