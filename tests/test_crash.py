"""The crash harness in short: our writer passes it, a writer that writes in place does not."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from crash import model
from crash.attempts import begin, damaged
from crash.invariants import Watcher

from cxlab.runs.publish import shelf

TESTS = Path(__file__).parent
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def harness(*arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(TESTS.parent), str(TESTS)])
    return subprocess.run(
        [sys.executable, "-m", "crash", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )


def test_kills_and_refusals_leave_the_old_page_or_the_new_one():
    done = harness("--kills", "25", "--faults", "3", "--stride", "30", "--command", "0", "--real", "0")
    assert done.returncode == 0, done.stdout + done.stderr
    last = done.stdout.splitlines()[-1]
    assert last.startswith("crash: ")
    assert last.endswith(": 0 violations")
    assert "25 kills" in done.stdout


def test_a_writer_that_writes_in_place_is_caught():
    short = ("--kills", "0", "--faults", "1", "--stride", "10", "--command", "0", "--real", "0")
    done = harness(*short, "--writer", "naive")
    assert done.returncode == 1, done.stdout + done.stderr
    assert not done.stdout.rstrip().endswith(" 0 violations")
    assert re.search(r"kill at event \d+ of version \d+: runs/\w+ does not verify", done.stdout), done.stdout


def test_a_run_that_the_harness_damages_while_the_reader_looks_is_no_violation(tmp_path, monkeypatch):
    watcher, look = begin(tmp_path, shelf), Watcher._is_published
    run = model.run_of(model.ENTRIES[0], 0)

    def damaged_just_now(self, looked_at):
        if looked_at == run and not (tmp_path / "damaged" / run).exists():
            damaged(tmp_path, run, 1)
        return look(self, looked_at)

    assert watcher.violations() == []
    monkeypatch.setattr(Watcher, "_is_published", damaged_just_now)
    assert watcher.violations() == []
    (tmp_path / "damaged" / run).unlink()
    monkeypatch.undo()
    assert f"{model.ENTRIES[0]}.html is of {run}, which is not whole" in watcher.violations()


def test_the_command_itself_refused_or_killed_says_one_thing_and_goes_on():
    done = harness("--kills", "0", "--faults", "3", "--stride", "1000", "--command", "170", "--real", "0")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the command: " in done.stdout


@pytest.mark.runs_notebooks
def test_a_killed_real_run_is_resumed_and_leaves_no_kernel():
    done = harness("--kills", "0", "--faults", "0", "--real", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 kills" in done.stdout
