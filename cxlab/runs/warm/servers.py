"""Where fork servers are, how one is started, and which one a kernel may be asked of.

By default they belong to the process that runs a study and end with it. One that a person keeps
(`cxlab warm`, `cxlab lab`) is at an address that every process of the user finds: a folder of that user alone
and a name made of the key, so that a server of other sources or versions is never met.
"""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from cxlab.errors import Message
from cxlab.runs.surroundings import has_ipc, private_folder, settled
from cxlab.runs.warm.keys import key_of, same_user

POSSIBLE = sys.platform == "linux" and hasattr(os, "fork") and hasattr(os, "pidfd_open")
TRIES = 2  # to start a server of one key: one that ended twice will end again


class Server:
    """A fork server that ends when this process does.

    Parameters
    ----------
    environment : mapping
        Settled: what its kernels are to find.
    path : Path
        Of its socket, in a folder of the user alone.
    """

    def __init__(self, environment: Mapping[str, str], path: Path) -> None:
        self.path = path
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - a pipe that nobody reads would block it
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(str(path))
            listener.listen(64)  # it can be asked from now on, and answers when it is ready
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cxlab.runs.warm.server", str(listener.fileno())],
                stdin=subprocess.PIPE,
                stdout=self._log,
                stderr=self._log,
                env=dict(environment),
                cwd=path.parent,
                pass_fds=(listener.fileno(),),
                start_new_session=True,  # Ctrl-C is for its owner
            )

    def stop(self) -> None:
        """End it and its kernels."""
        with suppress(OSError):
            self.process.stdin.close()  # type: ignore[union-attr]
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.path.unlink(missing_ok=True)
        self._log.close()

    def retire(self) -> None:
        """Let it fork no other kernel, and end with its last one."""
        self.path.unlink(missing_ok=True)
        with suppress(OSError):
            os.write(self.process.stdin.fileno(), b"-")  # type: ignore[union-attr]

    def last_words(self) -> str:
        """Return the last line that it wrote."""
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "-")


class Owned:
    """The fork servers of this process, one for each key, while something runs that asks for kernels.

    Parameters
    ----------
    place : callable, optional
        Gives where the server of a key is to be; by default in a folder of this process.
    """

    def __init__(self, place: Callable[[str], Path | None] | None = None) -> None:
        self._place = place
        self._lock = threading.Lock()
        self._users = 0
        self._stack = ExitStack()
        self._folder: Path | None = None
        self._servers: dict[str, list[Server]] = {}
        self.notes: list[Message] = []

    @contextmanager
    def beside(self) -> Iterator[Callable[[], None]]:
        """Allow servers while something runs; give what starts the first, to be ready when it is needed."""
        with self._lock:
            self._users += 1
            if self._users == 1:
                self.notes = []
        try:
            yield self._begin
        finally:
            self._leave()

    def _begin(self) -> None:
        environment = settled(os.environ)
        if POSSIBLE and not kept(key := key_of(environment)):
            self.path(key, environment)

    def _leave(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users:
                return
            for server in [each for started in self._servers.values() for each in started]:
                server.stop()
            self._servers, self._folder = {}, None
            self._stack.close()

    def path(self, key: str, environment: Mapping[str, str]) -> Path | None:
        """Return where the server of a key is, started if need be; None where there is to be none."""
        with self._lock:
            if not self._users:
                return None
            started = self._servers.setdefault(key, [])
            if started and started[-1].process.poll() is None:
                return started[-1].path
            if started:
                self._note(_AGAIN if len(started) < TRIES else _SLOWLY, started[-1])
            place = self._free(key) if len(started) < TRIES else None
            if place:
                started.append(Server(environment, place))
            return place

    def _free(self, key: str) -> Path | None:
        if self._place is None:
            if not self._folder:
                self._folder = self._stack.enter_context(private_folder())
            tried = sum(map(len, self._servers.values()))
            return self._folder / str(tried) if has_ipc(self._folder) else None
        place = self._place(key)
        if place:
            place.unlink(missing_ok=True)  # of a process that was killed
        return place

    def has(self, key: str) -> bool:
        """Tell whether a server of a key was started here."""
        return key in self._servers

    def retire(self, *, but: str) -> None:
        """Let the servers of all other keys end with their last kernels."""
        with self._lock:
            for key in self._servers.keys() - {but}:
                for server in self._servers.pop(key):
                    server.retire()
                    self._stack.callback(server.stop)

    def refused(self) -> None:
        """Note that a server would not fork what was asked for: it finds other sources or versions."""
        self._say(Message("the process that starts kernels fast is of other sources or versions: not used"))

    def _note(self, template: Message, ended: Server) -> None:
        self._say(Message(template, said=ended.last_words()))

    def _say(self, note: Message) -> None:
        if note not in self.notes:
            self.notes.append(note)


_AGAIN = Message("the process that starts kernels fast has ended ({said}); another took its place")
_SLOWLY = Message("the process that starts kernels fast has ended ({said}); kernels start slowly")
OWNED = Owned()


def kept_at(key: str) -> Path | None:
    """Return where a server of a key is that a person keeps; None if that folder is not this user's alone."""
    folder = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()) / f"cxlab-warm-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return None
    own = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
    return folder / key[:16] if own and has_ipc(folder) else None


def connected(path: Path | None) -> socket.socket | None:
    """Return a connection to a server of this user; None if none listens there."""
    if path is None or not path.exists():
        return None
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with suppress(OSError):
        connection.connect(str(path))
        if same_user(connection):
            return connection
    connection.close()
    return None


def kept(key: str) -> bool:
    """Tell whether a person keeps a server of a key."""
    connection = connected(kept_at(key))
    if connection is None:
        return False
    connection.close()
    return True
