"""Run the harness and print what it did; exit with 1 if anything was violated."""

import argparse
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from crash import command
from crash.attempts import Tally
from crash.faults import FAULTS, every_event
from crash.invariants import Reader
from crash.naive import naive
from crash.real import real_kills
from crash.warm import kills
from cxlab.runs.publish import shelf

NAMES = re.compile(r"[0-9a-f]{16}|\d+")  # what tells two violations of one kind apart
MEMORY = "/dev/shm"  # a kill sees no difference from a disk, and a thousand of them are soon done
Part = Callable[[Path], tuple[Tally, Reader]]


def main() -> int:
    given = _parser().parse_args()
    opening = naive if given.writer == "naive" else shelf
    parts: dict[str, Part] = {}
    if given.kills:
        parts["random kills"] = lambda root: kills(root, given.kills, opening, seed=given.seed)
    faults = FAULTS[: given.faults]
    if faults:
        parts["events"] = lambda root: every_event(root, opening, faults, stride=given.stride)
        if given.stride == 1:
            parts["events, no flock"] = lambda root: every_event(root, opening, faults[:3], flock=False)
    if faults and given.command:
        parts["the command"] = lambda root: command.every_event(root, faults[:3], stride=given.command)
    if given.real:
        parts["kills of real runs"] = lambda root: real_kills(root, given.real, seed=given.seed)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="crash-", dir=given.folder) as folder:
        done = [_told(name, part, Path(folder) / str(n)) for n, (name, part) in enumerate(parts.items())]
    total = {
        name: sum(getattr(tally, name) for tally, _ in done) for name in ("kills", "refusals", "harmless")
    }
    wrong = sum(len(tally.violations) + len(reader.violations) for tally, reader in done)
    _say(
        f"crash: {total['kills']:,} kills, {total['refusals']:,} refusals told in one sentence, "
        f"{total['harmless']:,} faults that changed nothing, {sum(r.looks for _, r in done):,} looks of the "
        f"reader, {time.monotonic() - started:.0f} s: {wrong:,} violations"
    )
    return 1 if wrong else 0


def _told(name: str, part: Part, root: Path) -> tuple[Tally, Reader]:
    started = time.monotonic()
    tally, reader = part(root)
    wrong = [*tally.violations, *(f"the reader: {each}" for each in reader.violations)]
    events = f"{tally.events:,} events x faults, " if tally.events else ""
    gone = f"orphans gone in {tally.slowest:.1f} s at most, " if tally.slowest else ""
    _say(
        f"{name}: {events}{tally.kills:,} kills, {tally.refusals:,} refusals, {tally.harmless:,} harmless, "
        f"{gone}{reader.looks:,} looks, {time.monotonic() - started:.1f} s: {len(wrong):,} violations"
    )
    kinds: dict[str, list[str]] = {}
    for each in wrong:
        kinds.setdefault(NAMES.sub("*", each), []).append(each)
    for alike in kinds.values():
        _say(f"  {alike[0]}" + (f" (and {len(alike) - 1:,} more like it)" if len(alike) > 1 else ""))
    return tally, reader


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000, help="of warm runs, at random moments")
    parser.add_argument("--faults", type=int, default=len(FAULTS), help="how many kinds at every event")
    parser.add_argument("--real", type=int, default=100, help="kills of real runs, with kernels")
    parser.add_argument("--stride", type=int, default=1, help="only every so many events")
    parser.add_argument("--command", type=int, default=9, help="every so many events of `cxlab run`; 0: none")
    parser.add_argument("--writer", choices=["shelf", "naive"], default="shelf")
    parser.add_argument("--seed", type=int, default=20261126)
    parser.add_argument("--folder", default=MEMORY if os.access(MEMORY, os.W_OK) else None)
    return parser


if __name__ == "__main__":
    sys.exit(main())
