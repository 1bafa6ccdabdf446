"""Deleting what is held of a client: its files, its tables, what was made of them, and its pseudonyms' key.

The declaration (client.yaml), the data request, the logo, the register and the receipt stay: they hold no
data of persons. Links are deleted, never followed. What lies elsewhere (copies, backups, what a disk
keeps of a deleted file) is beyond this.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from cxlab.errors import CxlabError, InputError, Message
from cxlab.intake.client import load
from cxlab.intake.folders import client_folder, write_private
from cxlab.intake.privacy.pseudonyms import key_file

Kind = Literal["raw", "tables", "other", "key", "reports"]
KINDS: tuple[Kind, ...] = ("raw", "tables", "other", "key", "reports")
RECEIPT = "purged.json"
REGISTER = "register.csv"
# What a client's folder keeps; nothing in it is of persons.
_KEPT = ("client.yaml", "solicitud_de_datos.md", "data_request.md", REGISTER, RECEIPT)
_FORMAT = 1


@dataclass(frozen=True)
class Holding:
    """One file that is held of a client; a link counts as itself, not as what it leads to."""

    kind: Kind
    path: Path
    size: int
    link: bool = False


@dataclass(frozen=True)
class Outcome:
    """What was deleted, with the hash of each file as it was, and what could not be, with the reason."""

    deleted: tuple[tuple[Holding, str], ...]
    left: tuple[tuple[Holding, str], ...]


def holdings(root: str | Path, client: str) -> list[Holding]:
    """List what is held of a client outside reports/: files of its folder, and its key.

    Parameters
    ----------
    root : path
        The workbench's folder.
    client : str

    Raises
    ------
    InputError
        If there is no such client, or its folder is a link.
    """
    folder = client_folder(root, client)
    kept = {*_KEPT, *_logo(folder)}
    found = [
        each
        for each in walked(folder, "other")
        if each.path.relative_to(folder).as_posix() not in kept or each.link
    ]
    placed: dict[str, Kind] = {"raw": "raw", "tables": "tables"}
    found = [
        Holding(placed.get(each.path.relative_to(folder).parts[0], "other"), each.path, each.size, each.link)
        for each in found
    ]
    key = key_file(client)
    if key.is_file() and not key.is_symlink():
        found.append(Holding("key", key, key.stat().st_size))
    return found


def _logo(folder: Path) -> tuple[str, ...]:
    try:
        logo = load(folder).logo
    except CxlabError:  # a declaration that is wrong or gone must not keep the data alive
        return ()
    return (Path(logo).as_posix(),) if logo else ()


def walked(folder: Path, kind: Kind) -> Iterator[Holding]:
    """Give every file and link under `folder`, entering no link."""
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda each: each.name)
    for entry in found:
        status = entry.stat(follow_symlinks=False)
        # Windows' junctions are folders that lead elsewhere.
        if stat.S_ISDIR(status.st_mode) and not getattr(status, "st_reparse_tag", 0):
            yield from walked(Path(entry.path), kind)
        else:
            yield Holding(kind, Path(entry.path), status.st_size, link=not stat.S_ISREG(status.st_mode))


def delete(found: Iterable[Holding], *, within: Iterable[Path]) -> Outcome:
    """Delete files and the folders that this leaves empty.

    Parameters
    ----------
    found : iterable of Holding
    within : iterable of Path
        The folders that nothing may lead out of; they themselves stay.
    """
    bounds = [each.resolve() for each in within]
    deleted: list[tuple[Holding, str]] = []
    left: list[tuple[Holding, str]] = []
    parents: set[Path] = set()
    for each in found:
        parent = each.path.parent.resolve()
        if not any(parent == bound or parent.is_relative_to(bound) for bound in bounds):
            left.append((each, Message("it leads out of the folder")))
            continue
        try:
            digest = "" if each.link else _digest(each.path)
            each.path.unlink()
        except OSError as error:
            left.append((each, error.strerror or str(error)))
            continue
        deleted.append((each, digest))
        parents.update(
            up
            for up in (parent, *parent.parents)
            if up not in bounds and any(b in up.parents for b in bounds)
        )
    for parent in sorted(parents, key=lambda path: len(path.parts), reverse=True):
        if parent.is_dir() and not any(parent.iterdir()):
            parent.rmdir()
    return Outcome(tuple(deleted), tuple(left))


def _digest(path: Path) -> str:
    total = sha256()
    with os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb") as file:
        while block := file.read(1 << 20):
            total.update(block)
    return total.hexdigest()


def receipt(root: str | Path, client: str, outcome: Outcome, *, today: date | None = None) -> Path:
    """Add what was deleted to the client's receipt, which names no file and no person; return its path.

    Of each kind it says how many files and bytes; of the client's own files also the SHA-256 of each, so
    that whoever sent them can tell that they are among the deleted.
    """
    path = client_folder(root, client) / RECEIPT
    deleted = {
        kind: _summary([(each, digest) for each, digest in outcome.deleted if each.kind == kind])
        for kind in KINDS
    }
    entry = {
        "on": (today or date.today()).isoformat(),
        "deleted": {kind: said for kind, said in deleted.items() if said["files"]},
        "left": len(outcome.left),
    }
    content = {"format": _FORMAT, "client": client, "purges": [*_former(path), entry]}
    write_private(path, (json.dumps(content, indent=1, sort_keys=True) + "\n").encode())
    return path


def _summary(deleted: list[tuple[Holding, str]]) -> dict[str, Any]:
    digests = sorted(digest for _, digest in deleted if digest)
    said: dict[str, Any] = {
        "files": len(deleted),
        "bytes": sum(each.size for each, _ in deleted),
        "sha256": sha256("".join(digests).encode()).hexdigest(),
    }
    return said | ({"each": digests} if deleted and deleted[0][0].kind == "raw" else {})


def _former(path: Path) -> list[dict[str, Any]]:
    if not path.is_file() or path.is_symlink():
        return []
    try:
        purges = json.loads(path.read_text(encoding="utf-8"))["purges"]
    except (OSError, ValueError, KeyError, TypeError):
        purges = None
    if not isinstance(purges, list):
        raise InputError("{path} is not a receipt of `cxlab purge`; move it away and run again", path=path)
    return purges
