"""The benchmark of drivers runs, also where no peer is installed, and says who is skipped."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_it_says_what_it_skips_and_measures_itself():
    small = ["--drivers", "3", "--rows", "200", "--resamples", "20", "--alone", "25"]
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "drivers.py"), *small],
        capture_output=True, text=True, check=False,
        env={**os.environ, "PATH": "", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert ("pingouin is not installed here and is skipped (see --help)" in lines) == (
        find_spec("pingouin") is None
    )
    assert "relaimpo is skipped: R is not installed (see --help)" in lines
    measured = next(line.split() for line in lines if line.split()[:1] == ["3"] and "skipped" in line)
    assert 0 < float(measured[2]) < float(measured[1]) < 1
    assert "15 drivers, 20 bootstrap samples" in done.stdout
    last = lines[-1].split()
    assert lines[-1].startswith("25 drivers, exact, in a process of its own: ")
    assert float(last[-2]) < 300, "megabytes, the libraries included"
