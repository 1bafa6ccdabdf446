"""What drivers cost here and elsewhere: the public function beside its peers, in one run on one machine.

    python benchmarks/drivers.py [--drivers 8 12 15 18] [--rows 5000] [--resamples 500] [--without-peers]

Printed are seconds of the processor for dividing R-squared among drivers: `importance(..., resamples=0)`
from frame to table with all checks, the median of warm calls; its kernel alone, from a matrix of
correlations; and, once each, what the peers need for the same shares, with how many times as long that is
as ours. Then the bootstrap, 20 drivers, and 25 with the peak of memory, each in a process of its own.

Peers are for comparison only, never dependencies; those that are absent are said to be skipped:

    pingouin (GPL-3)        python -m venv --system-site-packages peers && peers/bin/pip install pingouin,
                            then run this file with peers/bin/python
    relaimpo, domir (GPL)   Rscript -e 'install.packages(c("relaimpo", "domir"))'
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import numpy as np
import pandas as pd

from cxlab import __version__
from cxlab.analysis.drivers import dominance, importance

LIMIT = 600  # seconds given to a peer before it is said to take longer
DOMIR_MOST = 12  # drivers: about twice as long for each further one, 20 s at 12
IN_R = """
given <- commandArgs(TRUE); d <- read.csv(given[2]); names <- setdiff(names(d), "outcome")
invisible(loadNamespace(given[1])); f <- reformulate(names, "outcome")
used <- system.time(found <- switch(given[1],
  relaimpo = relaimpo::calc.relimp(f, data = d, type = "lmg")@lmg,
  domir = domir::domir(f, function(f) summary(lm(f, data = d))$r.squared)$General_Dominance))
cat(sum(used[1:2]), found[names], sep = "\\n")
"""
ALONE = """
import json, sys
sys.path.insert(0, sys.argv[1])
import drivers
table = drivers.survey(int(sys.argv[2]), int(sys.argv[3]))
seconds, _ = drivers.timed(lambda: drivers.ours(table, int(sys.argv[4])))
print(json.dumps([seconds, drivers.peak()]))
"""


def survey(drivers: int, rows: int) -> pd.DataFrame:
    """Ratings of 1 to 7 that share a halo, and an outcome that some of them move."""
    rng = np.random.default_rng(drivers)
    latent = 0.65 * rng.normal(size=(rows, 1)) + 0.76 * rng.normal(size=(rows, drivers))
    ratings = np.clip(np.round(4.5 + 1.3 * latent), 1, 7)
    table = pd.DataFrame(ratings, columns=[f"d{k}" for k in range(drivers)])
    return table.assign(outcome=ratings @ np.linspace(0.5, 0.0, drivers) + rng.normal(size=rows))


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Return the processor's seconds of a call, and what it returns."""
    start = process_time()
    found = call()
    return process_time() - start, found


def warm(call: Callable[[], Any], times: int = 25) -> tuple[float, Any]:
    """Return the median seconds of calls after a first one."""
    found = call()
    return median(timed(call)[0] for _ in range(times)), found


def peak() -> float:
    """Return the peak of this process's resident memory in MB; where /proc tells it, of it alone."""
    status = Path("/proc/self/status")
    if status.exists():
        return 1024 * int(status.read_text().partition("VmHWM:")[2].split()[0]) / 1e6
    import resource

    return (
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6 * (1 if sys.platform == "darwin" else 1024)
    )


def names_of(table: pd.DataFrame) -> list[str]:
    """Return the drivers of a survey."""
    return [name for name in table if name != "outcome"]


def ours(table: pd.DataFrame, resamples: int) -> np.ndarray[Any, Any]:
    """Return what the public function gives each driver."""
    found = importance(table, "outcome", names_of(table), resamples=resamples).table
    return found.set_index("driver")["importance"][names_of(table)].to_numpy()


def by_pingouin(table: pd.DataFrame) -> tuple[float, np.ndarray[Any, Any]] | None:
    """Return seconds and shares of pingouin, where it is installed."""
    try:
        import pingouin
    except ImportError:
        return None
    x, y = table[names_of(table)], table["outcome"]
    seconds, found = timed(lambda: pingouin.linear_regression(x, y, relimp=True))
    return seconds, found.set_index("names")["relimp"][names_of(table)].to_numpy()


def in_r(package: str, table: pd.DataFrame) -> tuple[float, np.ndarray[Any, Any]] | str:
    """Return seconds and shares of an R package, or why there are none."""
    program = shutil.which("Rscript")
    if program is None:
        return "R is not installed"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "survey.csv"
        table.to_csv(path, index=False)
        try:
            done = subprocess.run(
                [program, "-e", IN_R, package, str(path)],
                capture_output=True, text=True, timeout=LIMIT, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return f"more than {LIMIT} s"
    if done.returncode:
        said = done.stderr.strip().splitlines()
        return "not installed" if "no package called" in done.stderr else said[-1] if said else "failed"
    seconds, *found = map(float, done.stdout.split())
    return seconds, np.array(found)


def compared(table: pd.DataFrame, *, peers: bool) -> list[str]:
    """Measure one size; return the cells of its line."""
    drivers = len(names_of(table))
    seconds, shares = warm(lambda: ours(table, 0))
    matrix = np.corrcoef(table[["outcome", *names_of(table)]].to_numpy().T)[:, :, None]
    kernel, _ = warm(lambda: dominance.shapley(matrix, [1] * drivers))
    cells = [f"{drivers}", f"{seconds:.4f}", f"{kernel:.5f}"]
    if not peers:
        return [*cells, *["-"] * 3]
    for name, base in (("pingouin", seconds), ("relaimpo", kernel), ("domir", seconds)):
        if name == "domir" and drivers > DOMIR_MOST:
            cells.append("too long")
            continue
        found = by_pingouin(table) if name == "pingouin" else in_r(name, table)
        if found is None or isinstance(found, str):
            cells.append("skipped" if found is None or "installed" in found else found[:20])
            continue
        if not np.allclose(found[1], shares, atol=1e-6):
            print(f"{name} divides {drivers} drivers otherwise: {found[1]} against {shares}")
            raise SystemExit(1)
        cells.append(f"{found[0]:.2f} = {found[0] / base:,.0f}x")
    return cells


def alone(drivers: int, rows: int, resamples: int) -> tuple[float, float]:
    """Return seconds and peak megabytes of one call in a process of its own."""
    here = Path(__file__).resolve().parent
    path = os.pathsep.join([str(here.parent), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", ALONE, str(here), str(drivers), str(rows), str(resamples)],
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    seconds, peak = json.loads(done.stdout)
    return seconds, peak


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--drivers", type=int, nargs="+", default=[8, 12, 15, 18])
    parser.add_argument("--rows", type=int, default=5000, help="answers in the survey")
    parser.add_argument("--resamples", type=int, default=500, help="bootstrap samples, at 15 drivers")
    parser.add_argument("--alone", type=int, nargs="*", default=[20, 25], help="drivers without peers")
    parser.add_argument("--without-peers", action="store_true")
    given = parser.parse_args()
    peers = not given.without_peers
    print(f"{datetime.now():%Y-%m-%d %H:%M}, {platform.platform()}, {os.cpu_count()} cores")
    print(
        f"cxlab {__version__}, Python {platform.python_version()}, numpy {np.__version__}; n = {given.rows:,}"
    )
    if peers and by_pingouin(survey(2, 100)) is None:
        print("pingouin is not installed here and is skipped (see --help)")
    for package in ("relaimpo", "domir") if peers else ():
        tried = in_r(package, survey(3, 100))
        if isinstance(tried, str):
            print(f"{package} is skipped: {tried} (see --help)")
    print("seconds of the processor; x: times as long as importance(), for relaimpo as its kernel")
    print(
        "".join(
            f"{head:>18}" for head in ("drivers", "importance()", "kernel", "pingouin", "relaimpo", "domir")
        )
    )
    for drivers in given.drivers:
        print(
            "".join(f"{cell:>18}" for cell in compared(survey(drivers, given.rows), peers=peers)), flush=True
        )
    if given.resamples:
        seconds, _ = timed(lambda: ours(survey(15, given.rows), given.resamples))
        print(f"15 drivers, {given.resamples} bootstrap samples: {seconds:.2f} s")
    for drivers in given.alone:
        seconds, peak = alone(drivers, given.rows, 0)
        print(f"{drivers} drivers, exact, in a process of its own: {seconds:.2f} s, peak {peak:,.0f} MB")


if __name__ == "__main__":
    main()
