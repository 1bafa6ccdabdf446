"""What an entry may take: seconds for its notebook, memory for its kernel.

Written as `timeout: 90` and `memory: 2 GB` in a study file, or given on the command line; it travels with
the entry, and is held where the kernel runs.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from cxlab.errors import Message, Problem, WorkbenchError
from cxlab.values import NUMBER, shown

KEYS = ("timeout", "memory")
NONE = ("", "none", "null", "~")
LEAST = 100_000_000  # bytes; no kernel starts with less
SIZE = re.compile(r"([0-9]+(?:[.,][0-9]+)?) ?(mb|gb|mib|gib|)", re.IGNORECASE)
UNITS = {"": 10**6, "mb": 10**6, "gb": 10**9, "mib": 2**20, "gib": 2**30}


@dataclass(frozen=True)
class Limits:
    """Seconds for a whole notebook, and bytes for its kernel; None: no limit."""

    timeout: float | None = None
    memory: int | None = None


UNLIMITED = Limits()


def limits(said: Mapping[str, Any]) -> tuple[Limits, list[Problem]]:
    """Return the limits of `timeout` and `memory` as a person wrote them, and what is wrong with them.

    Examples
    --------
    >>> limits({"timeout": "90", "memory": "1,5 GB"})[0]
    Limits(timeout=90.0, memory=1500000000)
    >>> limits({"memory": "none"})[0]
    Limits(timeout=None, memory=None)
    """
    read: dict[str, Callable[[str], Any]] = {"timeout": _seconds, "memory": _bytes}
    asked = {key: said[key] for key in KEYS if key in said and str(said[key] or "").lower() not in NONE}
    found = {key: read[key](str(value).strip()) for key, value in asked.items()}
    allowed = {
        "timeout": Message("seconds, more than 0"),
        "memory": Message("megabytes, at least 100, or a size such as 2 GB"),
    }
    problems = [
        Problem(
            found=shown(asked[key]), allowed=allowed[key], action=Message("correct the limit"), column=key
        )
        for key, value in found.items()
        if value is None
    ]
    return Limits(**found), problems


def _seconds(text: str) -> float | None:
    seconds = float(text) if NUMBER.fullmatch(text) else 0.0
    return seconds if 0 < seconds < math.inf else None


def _bytes(text: str) -> int | None:
    match = SIZE.fullmatch(text)
    size = round(float(match[1].replace(",", ".")) * UNITS[match[2].lower()]) if match else 0
    return size if LEAST <= size < 2**62 else None


def size(count: int) -> str:
    """Return a number of bytes for a message.

    Examples
    --------
    >>> size(2_000_000_000), size(512_000_000)
    ('2 GB', '512 MB')
    """
    return f"{count / 10**9:g} GB" if count >= 10**9 else f"{count / 10**6:g} MB"


def hold_memory(pid: int, memory: int) -> None:
    """Let a process have no more than so many bytes of its own; it cannot raise the limit.

    Raises
    ------
    WorkbenchError
        If this system cannot hold another process to a limit: only Linux can.
    """
    if sys.platform == "linux":
        with suppress(ImportError):
            from resource import RLIMIT_DATA, prlimit

            with suppress(ProcessLookupError):  # it has ended: that will be told
                prlimit(pid, RLIMIT_DATA, (memory, memory))
            return
    raise WorkbenchError(
        "a memory limit ({limit}) can be held on Linux only: take `memory` out, or give --memory none",
        limit=size(memory),
    )
