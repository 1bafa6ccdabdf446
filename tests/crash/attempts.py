"""One attempt to publish, in a forked process that may be killed or be refused a file."""

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from crash import model
from crash.invariants import Watcher
from cxlab.errors import CxlabError

KILLED, NOT_ONE_SENTENCE = -signal.SIGKILL, 70


@dataclass
class Tally:
    """What a part of the harness did and found."""

    kills: int = 0
    refusals: int = 0
    events: int = 0
    harmless: int = 0
    slowest: float = 0  # seconds until nothing that a killed run had started was alive
    violations: list[str] = field(default_factory=list)

    def found(self, violations: list[str], when: str) -> None:
        self.violations += [f"{when}: {each}" for each in violations]


Act = Callable[[], tuple[int, str]]


def attempt(
    act: Act, *, before: Callable[[], None] = lambda: None, kill_after: float | None = None
) -> tuple[int, str]:
    """Act in a child; return its exit code (or minus its signal) and what it said."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        code, said = NOT_ONE_SENTENCE, ""
        try:
            os.close(read)
            before()
            code, said = act()
        except BaseException:
            said = traceback.format_exc()
        finally:
            os.write(write, said.encode()[-2000:])
            os._exit(code)
    os.close(write)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    with os.fdopen(read) as said:
        text = said.read()
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), text


def publishing(root: Path, version: int, opening: model.Opening) -> Act:
    """Return the act of publishing a version of the model."""

    def act() -> tuple[int, str]:
        try:
            model.publish(root, version, opening)
        except CxlabError as error:
            return error.exit_code, str(error)
        return 0, ""

    return act


def settled(
    root: Path,
    version: int,
    opening: model.Opening,
    watcher: Watcher,
    quarantined: list[tuple[str, dict[str, bytes]]],
) -> list[str]:
    """Run again, undisturbed; say in what the outcome is not golden, and prune for the next version."""
    code, said = attempt(publishing(root, version, opening))
    found = [f"running again ended with {code}: {said}"] if code else []
    found += watcher.violations()
    found += model.difference(watcher.folder, model.golden(version, quarantined=quarantined))
    if found:  # begin anew, or every later version would be told wrong for the same reason
        sys.stderr.write(f"version {version}: {'; '.join(found[:3])}\n")
    for excuse in watcher.excused.iterdir():
        excuse.unlink()
    model.prune(root, opening)
    return [f"after running version {version} again: {each}" for each in found]


def begin(root: Path, opening: model.Opening) -> Watcher:
    """Publish version 0, undisturbed; every module that publishing loads is loaded by it."""
    (root / "damaged").mkdir(parents=True)
    model.publish(root, 0, opening)
    return Watcher(root)


def damaged(root: Path, run: str, how: int) -> dict[str, bytes]:
    """Damage a published run in one of four ways; return the files that it has then."""
    (root / "damaged" / run).touch()
    folder = model.shelf_of(root) / "runs" / run
    page = folder / "report.html"
    if how == 0:
        page.write_bytes(page.read_bytes().replace(b"<p>", b"<q>", 1))
    elif how == 1:
        page.write_bytes(page.read_bytes()[:1000])
    elif how == 2:
        (folder / "tables" / "result-1.csv").unlink()
    else:
        (folder / "manifest.json").write_bytes(b"{")
    return model.tree_of(folder)
