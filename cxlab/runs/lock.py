"""One run of a study at a time: a lock that dies with the process that holds it.

Where the system has flock its kernel releases the lock at death, however it comes. Elsewhere the lock
is a file created exclusively that names its process; a file whose process is gone is taken over.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cxlab.errors import WorkbenchError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

NO_FLOCK = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
NO_LINK = (errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.EMLINK)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder.

    Raises
    ------
    WorkbenchError
        If another process holds it; its number is said.
    """
    stream = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644)
    try:
        if not _flocked(stream, folder):
            with _owned(folder):
                yield
            return
        os.ftruncate(stream, 0)
        os.pwrite(stream, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(stream)


def _flocked(stream: int, folder: Path) -> bool:
    if fcntl is None:
        return False
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise _busy(folder, _said(folder / ".lock")) from error
    except OSError as error:
        if error.errno in NO_FLOCK:  # some network file systems
            return False
        raise
    return True


@contextmanager
def _owned(folder: Path) -> Iterator[None]:
    path = folder / ".owner"
    while not _taken(path):
        if not _abandoned(path, folder):
            raise _busy(folder, _said(path))
    try:
        for left in folder.glob(".owner.*"):  # of a process that died on its way
            if left.suffix[1:].isdigit() and not born(int(left.suffix[1:])):
                left.unlink(missing_ok=True)
        yield
    finally:
        with suppress(OSError):
            path.unlink()


def _taken(path: Path) -> bool:
    """Make the owner's file; it names its process from its first instant where there are hard links."""
    mine = path.with_name(f".owner.{os.getpid()}")
    mine.write_text(f"{os.getpid()} {born(os.getpid())}", encoding="ascii")
    try:
        os.link(mine, path)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in NO_LINK:
            raise
        try:
            with path.open("x", encoding="ascii") as stream:
                stream.write(mine.read_text(encoding="ascii"))
        except FileExistsError:
            return False
    finally:
        mine.unlink(missing_ok=True)
    return True


def _abandoned(path: Path, folder: Path) -> bool:
    """Take away an owner's file whose process is gone; False when its process lives."""
    said = _said(path, wait=True)
    pid, _, since = said.partition(" ")
    if since and pid.isdigit() and born(int(pid)) == since:
        return False
    aside = folder / f".owner.{os.getpid()}"
    with suppress(FileNotFoundError):  # somebody else took it away
        os.replace(path, aside)
        # Between the look and the move another process may have taken it over: then give it back.
        if _said(aside) != said:
            os.replace(aside, path)
            return False
        aside.unlink()
    return True


def born(pid: int) -> str:
    """Return when a process began, nothing when there is none: numbers of processes are used again."""
    if os.name != "posix":
        return _born_elsewhere(pid)
    try:
        os.kill(pid, 0)
        return (
            Path(f"/proc/{pid}/stat")
            .read_text(encoding="ascii", errors="replace")
            .rpartition(")")[2]
            .split()[19]
        )
    except ProcessLookupError:
        return ""
    except (OSError, IndexError):  # somebody else's, or a system without /proc
        return "unknown"


def _born_elsewhere(pid: int) -> str:
    import psutil  # type: ignore[import-untyped]

    try:
        return str(psutil.Process(pid).create_time())
    except psutil.Error:
        return ""


def _said(path: Path, *, wait: bool = False) -> str:
    for _ in range(20 if wait else 5):
        with suppress(OSError):
            text = path.read_text(encoding="ascii", errors="replace").strip()
            if text:
                return text
        time.sleep(0.01)
    return ""


def _busy(folder: Path, said: str) -> WorkbenchError:
    return WorkbenchError(
        "another run of {study} (process {pid}) is writing to {folder}; wait until it ends, or stop it",
        study=folder.name,
        pid=said.partition(" ")[0] or "?",
        folder=folder,
    )
