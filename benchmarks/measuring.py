"""What a call costs: seconds of the clock and of the processor, and memory, in the process that asks."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def peak() -> float:
    """Peak of resident memory in MB (Linux: what getrusage tells of a child is its parent's)."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def timed(call: Callable[[], Any]) -> tuple[dict[str, float], Any]:
    """Return seconds of the clock and of the processor, and the peak of memory, with what a call returns."""
    clock, busy = time.perf_counter(), time.process_time()
    found = call()
    used = {"seconds": time.perf_counter() - clock, "cpu": time.process_time() - busy, "peak": peak()}
    return used, found
