"""Where a client's files may be: its own folder, and nothing that leads out of it."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from cxlab.errors import InputError, WorkbenchError

REAL_DATA = "CXLAB_REAL_DATA"
# What file systems allow: one name, and a whole path.
LONGEST_NAME, LONGEST_PATH = 255, 1024
# Names Windows keeps for devices, whatever their suffix.
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}


def client_name(name: str) -> str:
    """Return `name` if it can safely name a client's folder.

    Raises
    ------
    InputError
        Unless it is 1 to 60 lower-case letters, digits, _ or -, a letter or digit first.

    Examples
    --------
    >>> client_name("fibra_cordillera")
    'fibra_cordillera'
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,59}", name) or name in _DEVICES:
        raise InputError(
            "{name!r} cannot name a client; allowed: 1 to 60 lower-case letters without accents, digits, "
            "_ and -, a letter or digit first; for example {example}",
            name=name[:80],
            example=_slug(name),
        )
    return name


def _slug(name: str) -> str:
    bare = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^a-z0-9]+", "_", bare).strip("_")[:60]
    return plain if plain and plain not in _DEVICES else "client_1"


def client_folder(root: str | Path, name: str, *, must_exist: bool = True) -> Path:
    """Return the folder of a client, data/NAME under the workbench `root`.

    Raises
    ------
    InputError
        If the name is not safe, the folder does not exist, or it is a link to somewhere else.
    """
    folder = Path(root) / "data" / client_name(name)
    return existing_folder(folder) if must_exist else _unlinked(folder)


def existing_folder(folder: Path) -> Path:
    """Return `folder` if it is a client's: a safe name, there, and not a link.

    Raises
    ------
    InputError
        Otherwise, naming the clients that there are.
    """
    name = client_name(folder.name)
    if not _unlinked(folder).is_dir():
        known = sorted(each.parent.name for each in folder.parent.glob("*/client.yaml"))
        raise InputError(
            "there is no client {name}: no folder data/{name}; known clients: {known}; "
            "make it with `cxlab new {name}`",
            name=name,
            known=", ".join(known) or "-",
        )
    return folder


def _unlinked(folder: Path) -> Path:
    if folder.is_symlink():
        raise InputError(
            "data/{name} is a link to another folder; put the client's files in a folder of their own",
            name=folder.name,
        )
    return folder


def declared_path(folder: Path, declared: str) -> Path:
    """Return the file that client.yaml means by `declared`.

    Either relative to the client's folder and inside it, links followed, or ${CXLAB_REAL_DATA}/NAME,
    inside the folder that the environment variable names.

    Raises
    ------
    InputError
        If it is an address, an absolute path, leads outside, or the variable is not set.
    """
    text = declared.replace("\\", "/")
    if "://" in text or "\x00" in text:
        raise InputError("{file!r} is not a local file; download it into raw/", file=declared[:120])
    base = folder
    if text.startswith("${"):
        variable, _, text = text[2:].partition("}/")
        if variable != REAL_DATA:
            raise InputError(
                "${{{variable}}} is not known; only ${{CXLAB_REAL_DATA}} may start a path",
                variable=variable[:60],
            )
        base = _real_data()
    elif "${" in text:
        raise InputError("{file!r}: ${{CXLAB_REAL_DATA}} may only start a path", file=declared[:120])
    if any(part.partition(".")[0].strip().casefold() in _DEVICES for part in text.split("/")):
        raise InputError(
            "{file!r} is the name of a device in Windows; give the file another", file=declared[:120]
        )
    if Path(text).is_absolute() or re.match(r"^[A-Za-z]:", text):
        raise InputError("{file!r} is an absolute path; copy the file into raw/", file=declared[:120])
    if any(len(part.encode()) > LONGEST_NAME for part in text.split("/")) or len(text) > LONGEST_PATH:
        raise InputError(
            "{file!r} is too long for a name; call the file something shorter", file=declared[:120]
        )
    try:
        path = (base / text).resolve()
    except (OSError, RuntimeError):  # a link to itself, or what the system cannot name
        path = base.resolve()
    if not path.is_relative_to(base.resolve()) or path == base.resolve() or _of_another(path, folder):
        raise InputError("{file!r} leads outside the folder", file=declared[:120])
    return path


def _of_another(path: Path, folder: Path) -> bool:
    """Tell whether a file lies in data/ but not in the client's own folder, however it was named."""
    clients = folder.parent.resolve()
    named = clients.name == "data" and path.is_relative_to(clients)
    return named and not path.is_relative_to(folder.resolve())


def _real_data() -> Path:
    folder = os.environ.get(REAL_DATA)
    if not folder:
        raise InputError("CXLAB_REAL_DATA is not set; set it to the folder that holds the real files")
    return Path(folder)


def make_private(folder: Path) -> Path:
    """Make `folder`, readable by its owner only.

    Raises
    ------
    WorkbenchError
        If the machine does not allow it, or a link stands in its place: it could lead anywhere.
    """
    if folder.is_symlink():
        raise WorkbenchError(
            "{folder} is a link to another folder; remove the link, cxlab makes a folder of its own",
            folder=folder,
        )
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise WorkbenchError(
            "cannot make the folder {folder}: {why}", folder=folder, why=error.strerror
        ) from None
    return folder


def write_private(path: Path, content: bytes) -> None:
    """Write a file that its owner alone can read; see `private_file`.

    Raises
    ------
    OSError
        If the machine does not allow it; what was there stays.
    """
    with private_file(path) as file:
        file.write(content)


@contextmanager
def private_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file to write that its owner alone can read.

    It is whole when the context ends, or not there; and it is never written through a link.

    Raises
    ------
    OSError
        If the machine does not allow it; what was there stays.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    aside.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(aside, flags, 0o600), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
