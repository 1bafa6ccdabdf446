"""The project's own files: the two lists of pins, the lock, what must never be in the tree."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


# conda-forge's own name for what PyPI calls otherwise.
CONDA_NAMES = {"python-duckdb": "duckdb"}


def pins(lines):
    split = [re.match(r"([A-Za-z0-9._-]+)\s*(.*)", line) for line in lines]
    return {m[1].lower().replace("_", "-"): m[2].replace(" ", "") for m in split}


def test_environment_and_pyproject_hold_the_same_pins():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    listed = [d for d in environment["dependencies"] if isinstance(d, str) and d != "pip"]
    conda = pins(listed)
    assert conda.pop("python") == PROJECT["requires-python"]
    conda = {CONDA_NAMES.get(name, name): pin for name, pin in conda.items()}
    assert conda == pins(PROJECT["dependencies"])
    assert {"pip": ["-e ."]} in environment["dependencies"], "environment.yml must install the package"


def test_lock_is_hashed_has_no_address_and_meets_the_pins():
    from packaging.requirements import Requirement

    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in lock
    entries = re.split(r"\n(?=[a-z0-9])", "\n" + lock)[1:]
    locked = {}
    for entry in entries:
        assert "--hash=sha256:" in entry, entry.splitlines()[0]
        requirement = Requirement(entry.split(" \\")[0].strip())
        if requirement.marker is None or requirement.marker.evaluate():
            locked[requirement.name] = str(requirement.specifier).removeprefix("==")
    extras = [line for lines in PROJECT["optional-dependencies"].values() for line in lines]
    for line in [*PROJECT["dependencies"], *extras]:
        wanted = Requirement(line)
        assert wanted.specifier.contains(locked[wanted.name.lower().replace("_", "-")]), line


def test_help_answers_without_heavy_imports():
    code = (
        "import sys, contextlib\n"
        "from cxlab.cli import main\n"
        "with contextlib.suppress(SystemExit):\n    main(['--help'])\n"
        "heavy = {'pandas', 'numpy', 'matplotlib', 'papermill', 'lifelines', 'pydantic'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip().endswith("[]"), shown
    for command in ("demo", "new", "check", "list", "describe", "run", "lab"):
        assert command in shown


@pytest.mark.parametrize("target", ["setup", "demo", "test", "check", "format", "lab", "clean"])
def test_make_prints_its_targets(target):
    shown = subprocess.run(["make", "-C", ROOT], capture_output=True, text=True, check=True).stdout
    assert re.search(rf"^{target}\s+\S", shown, re.MULTILINE)


def test_no_client_file_is_tracked():
    tracked = subprocess.run(
        ["git", "-C", ROOT, "ls-files"], capture_output=True, text=True, check=True
    ).stdout.split("\n")
    leaked = [f for f in tracked if re.match(r"data/[^/]+/(raw|tables)/|reports/built/", f)]
    assert not leaked
