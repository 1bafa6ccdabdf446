"""How long many parameter sets of one notebook take, and what they cost: cxlab beside what people do today.

    python benchmarks/runs.py [--notebook scorecard] [--sets 8 24] [--rounds 1] [--within FOLDER]

Builds the demo client in a temporary workbench and runs the same sets of parameters of a notebook of ours

- as a loop of `papermill` commands, each followed (in a second loop) by `jupyter nbconvert --to html`;
- as `papermill` commands two at a time (`xargs -P2`);
- by papermill's API in one process;
- as the bare analysis: the code of the notebook's own cells without Jupyter, in two forks of a process that
  has imported everything (the floor; its imports are not counted);
- by `cxlab.runs.execute` alone, two at a time, with warm kernels: what of `cxlab run` is execution; once as a
  whole process, and once as the floor is measured, its imports done and the fork server started;
- by `cxlab run STUDY.yaml --fresh --workers 2`, the whole process: kernels, pages, manifests, gallery;
- by `cxlab run` again, where nothing changed;
- and one report alone: a `papermill` command without a page, `cxlab run` with all that it publishes.

All but cxlab use the stock kernel of the same Python, with one thread for linear algebra as cxlab's kernels
have. Printed are seconds of the clock and of the processors (all processes, kernels among them), the least of
the rounds, and how many times as much each takes as cxlab and as the floor.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parents[1]
CLIENT = "fibra_cordillera"
LEVELS = [0.9, 0.95, 0.99, 0.8, 0.85, 0.98]
GRIDS: dict[str, dict[str, list[Any]]] = {
    "scorecard": {"by": [["region"], ["segment"], ["plan"], []], "level": LEVELS},
    "retention": {"by": [["plan"], ["region"], ["segment"], []], "level": LEVELS},
    "drivers": {"outcome": ["pxi", "nps"], "not_applicable": ["indicator", "listwise"], "level": LEVELS},
}
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": str(PACKAGE),
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "CXLAB_LANGUAGE": "en",
}
EXECUTED = """
import json, os, resource, sys, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from cxlab.runs.warm.servers import OWNED
with OWNED.beside() as begin:
    begin()
    import nbformat
    from cxlab.runs.execute import execute
    notebook, out, root = map(Path, sys.argv[1:4])
    sets = json.loads(sys.argv[4])
    def run(at):
        outcome = execute(notebook, sets[at], root=root)
        assert outcome.status == "done", outcome.message
        (out / f"{at}.ipynb").write_bytes(outcome.content)
    def spent():
        own = resource.getrusage(resource.RUSAGE_SELF)
        (started,) = OWNED._servers.values()
        stat = Path(f"/proc/{started[-1].process.pid}/stat").read_text().rpartition(")")[2].split()
        kernels = sum(map(int, stat[11:15])) / os.sysconf("SC_CLK_TCK")
        return time.perf_counter(), own.ru_utime + own.ru_stime + kernels
    if sys.argv[5] == "warm":
        run(0)
    before = spent()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run, range(len(sets))))
    print(json.dumps([end - start for start, end in zip(before, spent())]))
assert not OWNED.notes, OWNED.notes
"""
INTERFACE = """
import json, sys, warnings, logging
import papermill
logging.disable(logging.WARNING)
for at, given in enumerate(json.loads(sys.argv[3])):
    papermill.execute_notebook(sys.argv[1], f"{sys.argv[2]}/{at}.ipynb", given, kernel_name="python3",
                               progress_bar=False, cwd="notebooks")
"""
BARE = """
import io, json, os, resource, sys, time
from contextlib import redirect_stdout
sets = json.loads(sys.argv[3])
cells = [("parameters" in cell["metadata"].get("tags", ()), "".join(cell["source"]))
         for cell in json.load(open(sys.argv[1]))["cells"] if cell["cell_type"] == "code"]
import matplotlib; matplotlib.use("agg")
import cxlab, cxlab.notebook, cxlab.reporting.figures, pandas, pyarrow.parquet, lifelines, seaborn
exec(cells[0][1], {})
os.chdir("notebooks")
def run(mine):
    for given in mine:
        names = {}
        for parameters, code in cells:
            exec(compile(code, "cell", "exec"), names)
            if parameters:
                names.update(given)
before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
children = []
for half in (sets[::2], sets[1::2]):
    pid = os.fork()
    if not pid:
        with redirect_stdout(io.StringIO()):
            run(half)
        os._exit(0)
    children.append(pid)
assert [os.waitpid(pid, 0)[1] for pid in children] == [0, 0]
wall, used = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([wall, used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime]))
"""


class Bench:
    """A workbench with the demo client, and the ways to run a notebook of it."""

    def __init__(self, root: Path, notebook: str, count: int) -> None:
        self.root, self.notebook = root, root / "notebooks" / f"{notebook}.ipynb"
        grid = {**GRIDS[notebook], "level": LEVELS[: count * len(LEVELS) // 24]}
        self.sets = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
        assert len(self.sets) == count
        self.given = json.dumps([{"client": CLIENT, **each} for each in self.sets])
        self.out = root / "out"
        study = {"client": CLIENT, "entries": {"sets": {"notebook": notebook, "grid": grid}}}
        one = {"client": CLIENT, "entries": {"one": {"notebook": notebook, "parameters": self.sets[0]}}}
        for name, content in (("sets", study), ("one", one)):
            (root / "reports" / f"{name}.yaml").write_text(json.dumps(content), encoding="utf-8")
        for at, each in enumerate(json.loads(self.given)):
            (root / f"{at}.yaml").write_text(json.dumps(each), encoding="utf-8")

    def call(self, *command: str, stdin: str | None = None) -> tuple[float, float]:
        """Return the seconds of a command, of the clock and of the processors."""
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run(
            command, cwd=self.root, env=ENVIRONMENT, input=stdin, text=True, capture_output=True, check=False
        )
        wall, used = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            raise SystemExit(done.stderr[-2000:])
        self.said = done.stdout
        return wall, used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime

    def papermill(self, at: int) -> list[str]:
        """Return the command that runs one set."""
        quiet = ["--no-progress-bar", "--log-level", "ERROR", "--cwd", "notebooks", "-k", "python3"]
        return [
            sys.executable,
            "-m",
            "papermill",
            str(self.notebook),
            f"out/{at}.ipynb",
            "-f",
            f"{at}.yaml",
            *quiet,
        ]

    def loop(self) -> tuple[float, float]:
        """One papermill command after the other."""
        return _sum(self.call(*self.papermill(at)) for at in range(len(self.sets)))

    def html(self) -> tuple[float, float]:
        """Make pages of what the loop executed, one nbconvert command after the other."""
        convert = [sys.executable, "-m", "nbconvert", "--to", "html", "--log-level", "ERROR"]
        return _sum(self.call(*convert, f"out/{at}.ipynb") for at in range(len(self.sets)))

    def abreast(self) -> tuple[float, float]:
        """Run papermill commands two at a time."""
        lines = "\n".join(map(str, range(len(self.sets))))
        command = " ".join(self.papermill(0)).replace("out/0.", "out/{}.").replace(" 0.yaml", " {}.yaml")
        return self.call("xargs", "-P2", "-I{}", "sh", "-c", command, stdin=lines)

    def interface(self) -> tuple[float, float]:
        """Run papermill's API in one process."""
        return self.call(sys.executable, "-c", INTERFACE, str(self.notebook), "out", self.given)

    def floor(self) -> tuple[float, float]:
        """Run the bare analysis; what its imports take is not counted."""
        self.call(sys.executable, "-c", BARE, str(self.notebook), "out", self.given)
        wall, cpu = json.loads(self.said)
        return wall, cpu

    def executed(self) -> tuple[float, float]:
        """Run the warm kernels alone, the whole process."""
        return self.call(*self._execution("cold"))

    def warm(self) -> tuple[float, float]:
        """Run the warm kernels alone; what imports and the start of the server take is not counted."""
        self.call(*self._execution("warm"))
        wall, cpu = json.loads(self.said)
        return wall, cpu

    def _execution(self, begun: str) -> list[str]:
        given = [str(self.notebook), "out", str(self.root), self.given, begun]
        return [sys.executable, "-c", EXECUTED, *given]

    def ours(self) -> tuple[float, float]:
        """Run the study, all of it."""
        return self.call(*self.study("sets"), "--fresh")

    def again(self) -> tuple[float, float]:
        """Run it where nothing changed."""
        spent = self.call(*self.study("sets"))
        assert f"{len(self.sets)} skipped" in self.said, self.said
        return spent

    def first(self) -> tuple[float, float]:
        """Run one report of a study that was never run."""
        shutil.rmtree(self.root / "reports" / "built" / "one", ignore_errors=True)
        return self.call(*self.study("one"))

    def plain(self) -> tuple[float, float]:
        """Run one papermill command."""
        return self.call(*self.papermill(0))

    def study(self, name: str) -> list[str]:
        """Return the command that runs a study."""
        return [sys.executable, "-m", "cxlab", "run", f"reports/{name}.yaml", "--workers", "2"]


def _sum(spent: Any) -> tuple[float, float]:
    walls, cpus = zip(*spent, strict=True)
    return sum(walls), sum(cpus)


WAYS: dict[str, tuple[str, Callable[[Bench], tuple[float, float]]]] = {
    "loop": ("papermill, a command each", Bench.loop),
    "html": ("nbconvert of these, a command each", Bench.html),
    "abreast": ("papermill, xargs -P2", Bench.abreast),
    "interface": ("papermill's API, one process", Bench.interface),
    "floor": ("floor: bare analysis, 2 forks", Bench.floor),
    "executed": ("cxlab, execution alone", Bench.executed),
    "warm": ("cxlab, execution, imports done", Bench.warm),
    "ours": ("cxlab run --fresh, all of it", Bench.ours),
    "again": ("cxlab run, nothing changed", Bench.again),
    "plain": ("one papermill command", Bench.plain),
    "first": ("cxlab run, one new report", Bench.first),
}


def built(root: Path) -> None:
    """Make the workbench."""
    shutil.copytree(PACKAGE / "notebooks", root / "notebooks")
    for folder in ("data", "reports", "out"):
        (root / folder).mkdir()
    make = (
        "import sys; from pathlib import Path; from cxlab import demo; from cxlab.intake import dataset; "
        f"root = Path(sys.argv[1]); demo.build(root, ({CLIENT!r},)); dataset.check(root, {CLIENT!r})"
    )
    subprocess.run([sys.executable, "-c", make, str(root)], env=ENVIRONMENT, check=True)


def told(count: int, spent: dict[str, list[tuple[float, float]]]) -> None:
    """Print what was measured."""
    least = {way: tuple(map(min, zip(*each, strict=True))) for way, each in spent.items()}
    loop, floor = least["loop"], least["floor"]
    print(
        f"\n{count} sets{'':<31}{'wall s':>9}{'cpu s':>9}{'s each':>9}{'x wall':>9}{'x cpu':>9}{'/ floor':>9}"
    )
    for way, (label, _) in WAYS.items():
        wall, cpu = least[way]
        several = way not in ("again", "plain", "first")
        each = f"{wall / count:9.2f}" if several else f"{wall:9.2f}"
        ratios = f"{loop[0] / wall:9.1f}{loop[1] / cpu:9.1f}{wall / floor[0]:9.2f}" if several else ""
        print(f"{label:<38}{wall:9.1f}{cpu:9.1f}{each}{ratios}")
    chain = [sum(both) for both in zip(least["loop"], least["html"], strict=True)]
    ours = least["ours"]
    print(
        f"papermill and nbconvert take {chain[0] / ours[0]:.1f} times the wall clock "
        f"and {chain[1] / ours[1]:.1f} times the processor of cxlab run --fresh"
    )


def main() -> None:
    """Run every way, round by round, and print one table for each number of sets."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--notebook", choices=GRIDS, default="scorecard")
    parser.add_argument("--sets", type=int, nargs="+", default=[8, 24], help="multiples of 4 up to 24")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=WAYS, help="some of the ways, without a table")
    parser.add_argument("--within", type=Path, help="folder for the temporary files")
    given = parser.parse_args()
    print(
        f"{given.notebook} of {CLIENT}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}",
        flush=True,
    )
    with tempfile.TemporaryDirectory(dir=given.within) as folder:
        root = Path(folder).resolve()
        built(root)
        for count in given.sets:
            bench = Bench(root, given.notebook, count)
            spent: dict[str, list[tuple[float, float]]] = {}
            for _, way in itertools.product(range(given.rounds), given.only or WAYS):
                spent.setdefault(way, []).append(WAYS[way][1](bench))
                print(
                    f"  {way:<12}{spent[way][-1][0]:9.1f}{spent[way][-1][1]:9.1f}",
                    file=sys.stderr,
                    flush=True,
                )
            if not given.only:
                told(count, spent)


if __name__ == "__main__":
    main()
