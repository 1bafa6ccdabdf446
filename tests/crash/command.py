"""Every so many events of `cxlab run` itself, its notebooks executed beforehand: what is around `Shelf`.

The command runs in this process' children with ready outcomes in place of kernels, so that pages,
gallery, notes, fingerprints and what is said at the end meet every fault too.
"""

import contextlib
import io
import itertools
import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat

from crash import real
from crash.attempts import Act, Tally, attempt
from crash.faults import Fault, tried
from crash.invariants import Reader
from cxlab import cli
from cxlab.runs import making
from cxlab.runs.execute import Outcome
from cxlab.runs.jobs import Job

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


def _outcome(job: Job, *_: Any) -> Outcome:
    """Return how a notebook of `real.workbench` ends, as if it had been executed."""
    notebook = nbformat.reads(job.notebook.decode(), as_version=4)
    version = job.parameters["x"]
    bundle = {
        "id": "result-1", "kind": "Scores", "settings": {}, "n_used": 10, "n_dropped": {}, "claims": [],
        "estimate_column": "estimate", "keys": ["label"], "figure": None,
        "tables": {"main": {"columns": ["label", "estimate"], "rows": [["a", version * 1.5]]}},
    }  # fmt: skip
    shown = {"text/html": f"<p>version {version}</p>", "application/vnd.cxlab.result.v1+json": bundle}
    for count, cell in enumerate((c for c in notebook.cells if c.cell_type == "code"), start=1):
        cell.execution_count = count
    notebook.cells[-1].outputs = [nbformat.v4.new_output("display_data", data=shown)]
    content = nbformat.writes(notebook).encode()
    if job.entry == "breaks" and version == 1:
        return Outcome("raised", content, 3, "1 / 0", "ZeroDivisionError", "division by zero", NOON, NOON)
    return Outcome("done", content, started=NOON, finished=NOON)


def _running(root: Path, version: int) -> Act:
    study = real.write_study(root, version)

    def act() -> tuple[int, str]:
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = cli.main(["run", str(study), "--root", str(root), "--workers", "1"])
        return code, said.getvalue().strip()

    return act


def _clear(code: int, said: str) -> bool:
    """Tell whether the command ended with words of its own: a refusal, or an entry that failed."""
    return "Traceback" not in said and (code in (2, 3, 5) or (code == 1 and ": failed" in said))


def every_event(root: Path, faults: Sequence[Fault], *, stride: int) -> tuple[Tally, Reader]:
    """Try every so many events of the command with each fault; two versions of a study alternate."""
    tally, executed = Tally(), making.executed
    making.executed = _outcome
    try:
        golden = _golden(root)
        watched = root / "watched"
        shutil.copytree(root / "golden", watched)
        look = real.look_at(watched, golden)
        turns = itertools.cycle((1, 2))  # each is published over the other one
        with Reader(look, pause=0.02) as reader:
            for fault in faults:
                _each_event(watched, look, tally, fault, golden, stride, turns)
    finally:
        making.executed = executed
    return tally, reader


def _golden(root: Path) -> dict[int, dict[str, bytes]]:
    """Publish both versions, undisturbed; every module that the command loads is loaded by it."""
    own, golden = real.workbench(root / "golden"), {}
    for version in (2, 1, 2, 1, 2):  # a gallery tells the first run of an entry from those after it
        code, said = _running(own, version)()
        if code != real.EXPECTED[version]:
            raise RuntimeError(said)
        golden[version] = real.published(own)
        real.pruned(own)
    return golden


def _each_event(
    root: Path,
    look: real.Look,
    tally: Tally,
    fault: Fault,
    golden: dict[int, dict[str, bytes]],
    stride: int,
    turns: Iterator[int],
) -> None:
    left = {1: 1, 2: 1 + stride // 2}
    while left:
        version, when = next(turns), "undisturbed"
        if version in left:
            when = f"{fault.name} at event {left[version]} of the command, version {version}"
            act, within = _running(root, version), str(root)
            if tried(act, root, look, tally, fault, left[version], when, clear=_clear, within=within):
                left[version] += stride
                tally.events += 1
            else:
                del left[version]
        code, said = attempt(_running(root, version))
        found = [] if code == real.EXPECTED[version] else [f"running again ended with {code}: {said[-500:]}"]
        there = real.published(root)
        # A run that could not be read was set aside, and a whole one is in its place.
        there = {name: content for name, content in there.items() if not name.startswith("quarantine/")}
        tally.found([*found, *real.unlike(there, golden[version])], f"golden after {when}")
        real.pruned(root)
