"""Every file-system event of a run in turn: killed there, or refused there (disk full, no permission).

Events come from the interpreter's audit hooks; what they do not tell (bytes written and flushed) is
wrapped. A write that is cut short leaves half of its bytes.
"""

import errno
import itertools
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from crash import model
from crash.attempts import KILLED, Act, Tally, attempt, begin, damaged, publishing, settled
from crash.invariants import Reader, Watcher
from cxlab.runs import lock

CLEAR = 5  # the exit code of what the environment refuses
EVENTS = {
    "open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.chmod", "os.truncate", "os.link",
    "os.listdir", "os.scandir", "fcntl.flock",
}  # fmt: skip
TAKES_SPACE = {"open to write", "os.mkdir", "os.link", "os.rename", "os.truncate", "write", "fsync"}
CHANGES = {*TAKES_SPACE, "os.remove", "os.rmdir", "os.chmod"}
TO_WRITE = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Fault:
    """What happens at an event: death, or a refusal, once or from then on."""

    def __init__(self, name: str, number: int = 0, *, lasting: frozenset[str] = frozenset()) -> None:
        self.name, self.number, self.lasting = name, number, lasting

    def act(self) -> None:
        if not self.number:
            os.kill(os.getpid(), signal.SIGKILL)
        raise OSError(self.number, os.strerror(self.number))


KILL = Fault("kill")
FAULTS = (
    KILL,
    Fault("ENOSPC", errno.ENOSPC),
    Fault("EACCES", errno.EACCES),
    Fault("ENOSPC from then on", errno.ENOSPC, lasting=frozenset(TAKES_SPACE)),
    Fault("EACCES from then on", errno.EACCES, lasting=frozenset(CHANGES)),
)


class Trap:
    """Lets a fault happen at the event of a number, counted from when it is set."""

    def __init__(self, fault: Fault, number: int, sprung: int, within: str = "") -> None:
        self.fault, self.number, self.sprung, self.count = fault, number, sprung, 0
        self.within = within  # names that are relative count everywhere: folders are emptied by them

    def set(self) -> None:
        fsync, pwrite, fdopen = os.fsync, os.pwrite, os.fdopen
        os.fsync = lambda *given: (self.see("fsync"), fsync(*given))[1]
        os.pwrite = lambda *given: (self.see("write"), pwrite(*given))[1]
        os.fdopen = lambda *given: _Torn(fdopen(*given), self)
        sys.addaudithook(self._heard)

    def _heard(self, event: str, given: tuple[Any, ...]) -> None:
        path = str(given[0] if given else "")
        if event in EVENTS and (path.startswith(self.within) or not path.startswith("/")):
            self.see("open to write" if event == "open" and (given[2] or 0) & TO_WRITE else event)

    def see(self, event: str, before: Callable[[], object] = lambda: None) -> None:
        self.count += 1
        if self.count == self.number:
            before()
            os.write(self.sprung, b"!")
        elif self.count < self.number or event not in self.fault.lasting:
            return
        self.fault.act()


class _Torn:
    """A stream whose write, when it is the event, leaves half."""

    def __init__(self, stream: Any, trap: Trap) -> None:
        self._stream, self._trap = stream, trap

    def write(self, content: bytes) -> int:
        half = content[: len(content) // 2]
        self._trap.see("write", lambda: (self._stream.write(half), self._stream.flush()))
        return int(self._stream.write(content))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __enter__(self) -> "_Torn":
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()


def every_event(
    root: Path, opening: model.Opening, faults: Sequence[Fault], *, stride: int = 1, flock: bool = True
) -> tuple[Tally, Reader]:
    """Try every event of each kind of version with each fault, or every so many, until none is left."""
    tally, held = Tally(), lock.fcntl
    watcher = begin(root, opening)
    first = {fault: 1 + n * stride // len(faults) for n, fault in enumerate(faults)}
    left = {(kind, fault): first[fault] for kind in range(model.CYCLE) for fault in faults}
    turns = {kind: itertools.cycle(faults) for kind in range(model.CYCLE)}
    lock.fcntl = held if flock else None
    try:
        with Reader(Watcher(root).violations) as reader:
            for version in itertools.count(1):
                if not left:
                    break
                _one_version(root, version, opening, watcher, tally, left, turns, stride)
    finally:
        lock.fcntl = held
    return tally, reader


def _one_version(
    root: Path,
    version: int,
    opening: model.Opening,
    watcher: Watcher,
    tally: Tally,
    left: dict[tuple[int, Fault], int],
    turns: dict[int, Any],
    stride: int,
) -> None:
    kind = version % model.CYCLE
    quarantined = _planted(root, version, opening)
    open_ones = [fault for fault in FAULTS if (kind, fault) in left]
    if open_ones:
        fault = next(each for each in turns[kind] if each in open_ones)
        number = left[kind, fault]
        when = f"{fault.name} at event {number} of version {version}"
        sprung = tried(
            publishing(root, version, opening), root, watcher.violations, tally, fault, number, when
        )
        if sprung:
            left[kind, fault] += stride
            tally.events += 1
        else:
            del left[kind, fault]
    tally.found(settled(root, version, opening, watcher, quarantined), "golden")


def _planted(root: Path, version: int, opening: model.Opening) -> list[tuple[str, dict[str, bytes]]]:
    """Leave what an earlier run may have: half of a build, and a damaged run where the new one will be."""
    entry = model.ENTRIES[0]
    run = model.run_of(entry, version)
    with opening(root, model.STUDY) as opened:
        opened.publish(entry, run, model.files_of(entry, version), model.manifest_of_version(entry, version))
    files = damaged(root, run, version // model.CYCLE % 4)
    half = model.shelf_of(root) / ".tmp" / f"{entry}.1"
    half.mkdir(parents=True, exist_ok=True)
    (half / "report.html").write_bytes(b"<!doctype html>\n")
    return [(f"{run}.1", files)]


def tried(
    act: Act,
    root: Path,
    look: Callable[[], list[str]],
    tally: Tally,
    fault: Fault,
    number: int,
    when: str,
    *,
    clear: Callable[[int, str], bool] = lambda code, said: code == CLEAR and "\n" not in said,
    within: str = "",
) -> bool:
    """Let one event be the fault; tell whether there was an event of that number."""
    read, write = os.pipe()
    trap = Trap(fault, number, write, within)
    code, said = attempt(act, before=trap.set)
    os.close(write)
    with os.fdopen(read, "rb") as stream:
        sprung = stream.read() != b""
    tally.found(look(), when)
    if fault is KILL and sprung:
        tally.kills += 1
        tally.found([] if code == KILLED else [f"it ended with {code}: {said}"], when)
    elif sprung and code == 0:  # it was in clearing away, or in asking: all is there
        tally.harmless += 1
    elif sprung or code:
        tally.refusals += 1
        told = clear(code, said) and str(root) in said
        tally.found([] if told else [f"no clear sentence, but {code}: {said}"], when)
    return sprung
