"""A kernel of a fork server, seen from outside: what `subprocess.Popen` would be of a kernel of its own."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from cxlab.runs.warm.keys import MESSAGE


class Forked:
    """A forked kernel. The server reaps it and says how it ended; when the server is gone, it is.

    Attributes
    ----------
    pid : int
    args : list of str
    returncode : int or None
        As of `subprocess.Popen`.
    used : mapping
        Seconds of the processor and peak of memory (kB), once it has ended.
    """

    stdin = stdout = stderr = None

    def __init__(self, connection: socket.socket, pid: int, args: Sequence[str]) -> None:
        self._connection, self._lock = connection, threading.Lock()
        self.pid, self.args = pid, [*args]
        self.returncode: int | None = None
        self.used: Mapping[str, float] = {}

    def poll(self) -> int | None:
        """Return how it ended, None while it runs."""
        with self._lock:  # an interruption asks from another thread, and how it ended is told once
            if self.returncode is None and select.select([self._connection], [], [], 0)[0]:
                told: dict[str, Any] = {}
                with suppress(OSError):
                    told = json.loads(self._connection.recv(MESSAGE) or "{}")
                self.used = told
                self.returncode = int(told.pop("status", -signal.SIGKILL))
                self._connection.close()
            return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return how it ended, once it has.

        Raises
        ------
        subprocess.TimeoutExpired
            If it has not, in time.
        """
        if self.returncode is None and not select.select([self._connection], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        self.poll()
        return self.returncode or 0

    def send_signal(self, number: int) -> None:
        """Send a signal to it, if it still runs."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)
