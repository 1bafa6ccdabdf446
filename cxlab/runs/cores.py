"""How many cores there are for this process: asked by `--help`, so nothing else is loaded."""

from __future__ import annotations

import math
import os
from contextlib import suppress
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup/cpu.max")


def cores() -> int:
    """Return how many cores this process may use: those it is bound to, within what its container grants."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(OSError, ValueError):  # "max 100000", or so many microseconds in so many
        granted, period = CGROUP.read_text(encoding="ascii").split()
        bound = min(bound, math.ceil(int(granted) / int(period)))
    return max(1, bound)
