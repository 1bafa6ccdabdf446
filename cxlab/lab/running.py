"""A `cxlab run` in a process of its own, followed from a thread: the notebook's kernel stays free."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path

EVERY = 1.0  # seconds between two looks


@dataclass
class Running:
    """A run and what it has said.

    Parameters
    ----------
    command : sequence of str
    tell : callable
        Called from another thread, at once and then every second, with this; last when `code` is known.
    """

    command: Sequence[str]
    tell: Callable[[Running], None]
    lines: list[str] = field(default_factory=list)
    code: int | None = None
    _process: subprocess.Popen[str] | None = None
    _since: float = 0.0

    @property
    def seconds(self) -> float:
        """How long it has been running."""
        return time.monotonic() - self._since

    @property
    def page(self) -> Path | None:
        """The page that it published: its last word."""
        page = Path(self.lines[-1]) if self.lines and self.code == 0 else None
        return page if page and page.is_absolute() and page.is_file() else None

    def start(self) -> None:
        """Start it."""
        self._since = time.monotonic()
        self._process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUTF8": "1"},
            encoding="utf-8",
            errors="replace",
        )
        threading.Thread(target=self._follow, args=(self._process,), name="cxlab-run", daemon=True).start()

    def stop(self) -> None:
        """Ask it to end; it leaves nothing half published."""
        if self._process:
            with suppress(OSError):
                self._process.terminate()

    def _follow(self, process: subprocess.Popen[str]) -> None:
        reading = threading.Thread(target=self._read, args=(process,), daemon=True)
        reading.start()
        self.tell(self)
        while reading.is_alive():
            reading.join(EVERY)
            if reading.is_alive():
                self.tell(self)
        self.code = process.wait()
        self.tell(self)

    def _read(self, process: subprocess.Popen[str]) -> None:
        with process.stdout or nullcontext(()) as said:
            self.lines += (line.rstrip("\n") for line in said)
