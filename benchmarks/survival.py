"""What hazard ratios of any number of customers cost: ours from Parquet beside three peers on the rows.

    python benchmarks/survival.py [--rows 10000 100000 1000000] [--ours 10000000 20000000] [--repeats 2]

Writes customers block by block into a temporary folder (months observed, left or not, eight covariates of
two to five values, six of them numbers and two text with three levels), and fits the same Cox model, Efron's
ties, each in a process of its own, the packages in turn and the least of the repeats counting:

- `survival.hazards(path, ...)`: reading, every check of the rows, hazard ratios, tests of proportional
  hazards, concordance, baseline and claims, timed from the path to the result; beneath, to the coefficients
  alone (reading, the same checks, the fit);
- lifelines' `CoxPHFitter` with its concordance, and beneath its fit alone, scikit-survival's
  `CoxPHSurvivalAnalysis` and R's `coxph`, which fit alone: on the rows, timed from a table of numbers in
  memory, without reading or tests (lifelines' test is of n squared: hours at a million).

What is beneath, and who fits alone, is compared with ours to the coefficients. Coefficients that differ from
ours by more than 1e-4 (lifelines stops at six digits) end the benchmark. Peak is the resident memory of the
whole process. The second table is ours alone, to millions of customers, with the processor's seconds of what
comes after grouping: robust errors, tests, concordance.

Peers are for comparison only; those that are absent are said to be skipped:

    scikit-survival   python -m venv --system-site-packages peers && peers/bin/pip install scikit-survival,
                      then run this file with peers/bin/python
    R with survival   comes with R
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from measuring import timed

BLOCK = 500_000
NUMBERS = ["tenure_band", "bundle", "complaint", "automatic", "calls", "score"]
COVARIATES = ["contract", "segment", *NUMBERS]
SLOWEST = {"scikit-survival": 100_000}  # rows; beyond, minutes
IN_R = """
given <- commandArgs(TRUE); suppressMessages(library(survival)); d <- read.csv(given[1])
used <- system.time(found <- coxph(Surv(months, left) ~ ., data = d, ties = "efron"))
cat(used[3], sum(used[1:2]), coef(found), sep = "\\n")
"""


def block(start: int, size: int) -> pd.DataFrame:
    """Customers whose hazard depends on their covariates, seen for up to four years."""
    rng = np.random.default_rng(start)
    table = pd.DataFrame(
        {
            "contract": rng.choice(["monthly", "one_year", "two_years"], size, p=[0.5, 0.3, 0.2]),
            "segment": rng.choice(["home", "mobile", "firm"], size, p=[0.5, 0.3, 0.2]),
            "tenure_band": rng.integers(0, 5, size),
            "bundle": rng.integers(0, 2, size),
            "complaint": (rng.random(size) < 0.2).astype(int),
            "automatic": (rng.random(size) < 0.6).astype(int),
            "calls": rng.integers(0, 4, size),
            "score": rng.integers(0, 3, size),
        }
    )
    line = 0.5 * (table["contract"] == "monthly") - 0.3 * (table["contract"] == "two_years")
    line += 0.3 * table["complaint"] - 0.1 * table["tenure_band"] - 0.25 * table["score"]
    gone, seen = rng.exponential(40, size) * np.exp(-line), rng.uniform(0.1, 48, size)
    table["months"] = np.ceil(np.minimum(gone, seen)).astype(int)
    table["left"] = (gone <= seen).astype(int)
    return table


def write(path: Path, rows: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    first = pa.Table.from_pandas(block(0, min(BLOCK, rows)), preserve_index=False)
    with pq.ParquetWriter(path, first.schema) as writer:
        writer.write_table(first)
        for start in range(BLOCK, rows, BLOCK):
            part = block(start, min(BLOCK, rows - start))
            writer.write_table(pa.Table.from_pandas(part, preserve_index=False))


def numeric(path: str) -> pd.DataFrame:
    """Read the rows as the peers want them: one 0/1 column for each level but the most frequent."""
    table = pd.read_parquet(path)
    for column, reference in (("contract", "monthly"), ("segment", "home")):
        for level in sorted(set(table[column]) - {reference}):
            table[f"{column}: {level}"] = (table[column] == level).astype(int)
    return table.drop(columns=["contract", "segment"])


def by_cxlab(path: str) -> dict[str, Any]:
    from cxlab.analysis import survival
    from cxlab.analysis.survival import cox, design, observed, reduced

    _ = reduced  # the imports of the engine are not counted, as those of the peers are not
    used, found = timed(lambda: survival.hazards(path, "months", "left", COVARIATES))

    def to_coefficients() -> tuple[cox.Risk, cox.CoxFit, design.Design, int]:
        who = observed.observed(path, "months", "left", entry=None, weights=None, needed=COVARIATES)
        made = design.design_of(COVARIATES, who)
        risk = cox.at_risk(who, made.standard, np.zeros(len(who.count), dtype=int), row=made.row)
        return risk, cox.fit(risk, robust=False), made, len(who.count)

    alone, (risk, fitted, made, cells) = timed(to_coefficients)
    busy = time.process_time()
    ones = np.ones(len(risk.deaths))
    cox.influences(risk, fitted.at, ones)
    robust = time.process_time()
    cox.proportionality(risk, fitted, np.arange(len(ones)) * 1.0, list(made.terms.values()), robust=False)
    tests = time.process_time()
    cox.concordance(risk, fitted.beta)
    after = [robust - busy, tests - robust, time.process_time() - tests]
    table = found.table.set_index("covariate")["estimate"]
    return {**used, "cells": cells, "after": after, "beta": dict(table), "alone": alone}


def by_lifelines(path: str) -> dict[str, Any]:
    from lifelines import CoxPHFitter

    table = numeric(path)
    used, found = timed(lambda: CoxPHFitter().fit(table, "months", "left"))
    more, _ = timed(lambda: found.concordance_index_)
    both = {of: used[of] + more[of] for of in ("seconds", "cpu")} | {"peak": more["peak"]}
    return {**both, "beta": dict(found.params_), "alone": used}


def by_scikit_survival(path: str) -> dict[str, Any]:
    from sksurv.linear_model import CoxPHSurvivalAnalysis
    from sksurv.util import Surv

    table = numeric(path)
    x = table.drop(columns=["months", "left"])
    y = Surv.from_arrays(table["left"] == 1, table["months"])
    used, found = timed(lambda: CoxPHSurvivalAnalysis(ties="efron").fit(x, y))
    return {**used, "beta": dict(zip(x.columns, found.coef_, strict=True))}


def by_r(path: str) -> dict[str, Any]:
    table = numeric(path)
    names = [name for name in table if name not in ("months", "left")]
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "rows.csv"
        table.set_axis([f"x{k}" if n in names else n for k, n in enumerate(table)], axis=1).to_csv(
            rows, index=False
        )
        done = subprocess.run(["Rscript", "-e", IN_R, str(rows)], capture_output=True, text=True, check=True)
    seconds, cpu, *beta = map(float, done.stdout.split())
    used = {"seconds": seconds, "cpu": cpu, "peak": float("nan")}
    return {**used, "beta": dict(zip(names, beta, strict=True))}


PACKAGES = {"cxlab": by_cxlab, "lifelines": by_lifelines, "scikit-survival": by_scikit_survival, "R": by_r}


def present() -> list[str]:
    """Return the packages that are here, and say which are not."""
    here = ["cxlab", "lifelines"]
    if importlib.util.find_spec("sksurv"):
        here.append("scikit-survival")
    else:
        print("scikit-survival is not installed here and is skipped (see --help)")
    program = shutil.which("Rscript")
    asked = [str(program), "-e", "library(survival)"]
    if program and subprocess.run(asked, capture_output=True, check=False).returncode == 0:
        here.append("R")
    else:
        print(f"R is skipped: {'it has no package survival' if program else 'it is not installed here'}")
    return here


def measured(package: str, path: Path, repeats: int) -> dict[str, Any]:
    """Run one package in processes of its own; return what its quickest repeat told."""
    src = os.pathsep.join([str(Path(__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, __file__, "--measure", package, str(path)]
    found = []
    for _ in range(repeats):
        said = subprocess.run(
            command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": src}, check=False
        )
        if said.returncode:
            print(said.stderr[-2000:])
            raise SystemExit(1)
        found.append(json.loads(said.stdout))
    return min(found, key=lambda one: float(one["seconds"]))


def check_same(package: str, theirs: dict[str, float], ours: dict[str, float]) -> float:
    """Return the greatest difference between coefficients; stop where it is more than rounding."""
    apart = max(abs(theirs[name] - beta) for name, beta in ours.items())
    if not apart < 1e-4:
        print(f"{package} finds other coefficients: {theirs} against {ours}")
        raise SystemExit(1)
    return apart


def compared(path: Path, rows: int, here: list[str], repeats: int) -> None:
    ours = measured("cxlab", path, repeats)
    print(f"{rows:>11,}  {line('cxlab', ours)}")
    print(f"{'':11}  {line('  coefficients', ours['alone'])}")
    for package in here[1:]:
        if rows > SLOWEST.get(package, rows):
            print(f"{'':11}  {package:16} skipped: minutes with more than {SLOWEST[package]:,} rows")
            continue
        theirs = measured(package, path, repeats)
        apart = check_same(package, theirs["beta"], ours["beta"])
        times = [theirs[of] / ours[of] for of in ("seconds", "cpu")]
        if "alone" in theirs:
            print(f"{'':11}  {line(package, theirs)} {times[0]:8.1f}x {times[1]:8.1f}x")
            theirs, package = theirs["alone"], "  coefficients"
        times = [theirs[of] / ours["alone"][of] for of in ("seconds", "cpu")]
        print(f"{'':11}  {line(package, theirs)} {times[0]:8.1f}x {times[1]:8.1f}x {apart:11.0e}", flush=True)


def line(package: str, one: dict[str, Any]) -> str:
    return f"{package:16} {one['seconds']:8.2f} {one['cpu']:8.2f} {one['peak']:8,.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--ours", type=int, nargs="*", default=[10_000_000, 20_000_000])
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--measure", nargs=2, metavar=("PACKAGE", "PATH"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(PACKAGES[given.measure[0]](given.measure[1])))
        return
    print(f"{datetime.now():%Y-%m-%d %H:%M}, {platform.platform()}, {os.cpu_count()} cores")
    here = present()
    with tempfile.TemporaryDirectory() as folder:
        print(f"\n{'rows':>11}  {'':16} {'seconds':>8} {'cpu':>8} {'peak MB':>8} {'seconds':>9} {'cpu':>9}"
              f" {'differs by':>11}")  # fmt: skip
        for rows in given.rows:
            path = Path(folder) / f"{rows}.parquet"
            write(path, rows)
            compared(path, rows, here, given.repeats)
        print(f"\n{'rows':>11} {'MB file':>8} {'cells':>9} {'seconds':>8} {'cpu':>7} {'peak MB':>8}"
              f" {'robust':>8} {'tests':>7} {'concord.':>9}")  # fmt: skip
        for rows in [*given.rows, *given.ours]:
            path = Path(folder) / f"{rows}.parquet"
            if not path.exists():
                write(path, rows)
            one = measured("cxlab", path, 1)
            after = " ".join(f"{s:8.3f}" for s in one["after"])
            print(f"{rows:>11,} {path.stat().st_size / 1e6:8.1f} {one['cells']:>9,} {one['seconds']:8.2f}"
                  f" {one['cpu']:7.2f} {one['peak']:8,.0f} {after}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
