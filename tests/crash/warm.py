"""Kills at random moments of a run that starts warm: forked from a process that has loaded everything."""

import random
import time
from pathlib import Path

from crash import model
from crash.attempts import KILLED, Tally, attempt, begin, damaged, publishing, settled
from crash.invariants import Reader, Watcher

KILLED_SHARE = 0.85
DAMAGED_SHARE = 0.1


def kills(root: Path, count: int, opening: model.Opening, *, seed: int) -> tuple[Tally, Reader]:
    """Kill that many runs; each version is run again, and killed again, until it comes to its end."""
    chance, tally = random.Random(seed), Tally()
    watcher = begin(root, opening)
    started = time.monotonic()
    attempt(publishing(root, 1, opening))
    longest = 1.1 * (time.monotonic() - started)
    tally.found(settled(root, 1, opening, watcher, []), "undisturbed")
    with Reader(Watcher(root).violations) as reader:
        version = 2
        while tally.kills < count:
            _one_version(root, version, opening, watcher, tally, chance, longest, count)
            version += 1
    return tally, reader


def _one_version(
    root: Path,
    version: int,
    opening: model.Opening,
    watcher: Watcher,
    tally: Tally,
    chance: random.Random,
    longest: float,
    count: int,
) -> None:
    quarantined: list[tuple[str, dict[str, bytes]]] = []
    while tally.kills < count:
        after = chance.uniform(0, longest) if chance.random() < KILLED_SHARE else None
        code, said = attempt(publishing(root, version, opening), kill_after=after)
        if code == 0:
            break
        when = f"kill {tally.kills + 1}, version {version}, after {1000 * (after or 0):.1f} ms"
        if code != KILLED:
            tally.found([f"it ended with {code}: {said}"], when)
            break
        tally.kills += 1
        tally.found(watcher.violations(), when)
        if chance.random() < DAMAGED_SHARE:
            _damage(root, version, chance, quarantined)
    tally.found(settled(root, version, opening, watcher, quarantined), "golden")


def _damage(
    root: Path, version: int, chance: random.Random, quarantined: list[tuple[str, dict[str, bytes]]]
) -> None:
    """Damage what the killed run had published already: running again must set it aside and not lose it."""
    run = model.run_of(model.ENTRIES[0], version)
    if (model.shelf_of(root) / "runs" / run).exists() and not (root / "damaged" / run).exists():
        quarantined.append((f"{run}.1", damaged(root, run, chance.randrange(4))))
