"""The layout rules: which room may import which, one door for each library."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "cxlab"
MODULES = sorted(PACKAGE.rglob("*.py"))

# Within intake, a folder may import itself, those before it, and the single modules it names.
INTAKE = {
    "privacy": {"coded", "folders"},
    "declared": set(),
    "files": {"coded", "folders"},
    "tables": {"coded", "folders"},
    "rules": {"coded", "where"},
    "custody": {"client", "folders"},
    "proposals": {"client", "folders"},
}
# A room may import itself and what is listed; everything may import cxlab.errors.
ALLOWED = {
    "errors": set(),
    "catalogues": set(),
    "regional": {"catalogues"},
    "workbench": set(),
    "periods": set(),
    "leaving": set(),
    "speech": {"catalogues", "reporting"},
    "values": set(),
    "cells": {"values"},
    "parameters": {"cells", "values"},
    "intake": {"workbench", "catalogues", "regional", "periods", "leaving"},
    "analysis": {"periods", "leaving"},
    "reporting": {"analysis.estimates", "catalogues", "regional"},
    "notebook": {
        "workbench",
        "intake",
        "reporting",
        "analysis.estimates",
        "analysis.disclosure",
        "runs.collected",
        "runs.stated",
    },
    "runs": {"workbench", "catalogues", "parameters", "values", "cells", "intake", "reporting"},
    "demo": {"workbench", "intake"},
    "__init__": {"notebook"},
    "progress": {"speech", "intake", "runs"},
    "custody": {"workbench", "speech", "intake", "runs"},
    "lab": {"workbench", "catalogues", "speech", "progress", "parameters", "values", "cells", "runs"},
    "kernel_commands": {"workbench", "speech", "runs", "lab"},
    "run_commands": {"workbench", "speech", "intake", "reporting", "runs"},
    "shelf_commands": {"workbench", "speech", "runs"},
    "delivery_commands": {"workbench", "speech", "runs"},
    "audit_commands": {"workbench", "speech", "reporting", "runs"},
    "edit_commands": {"workbench", "speech", "reporting", "runs"},
    "client_commands": {"workbench", "speech", "intake", "parameters", "values", "runs"},
    "cli": {
        "client_commands",
        "delivery_commands",
        "audit_commands",
        "edit_commands",
        "kernel_commands",
        "run_commands",
        "shelf_commands",
        "workbench",
        "custody",
        "progress",
        "speech",
        "parameters",
        "values",
        "intake",
        "analysis",
        "reporting",
        "runs",
        "demo",
        "notebook",
    },
    "__main__": {"cli", "runs.interruption"},
}
DOORS = {
    "lifelines": {"analysis/survival/"},
    "matplotlib": {"reporting/figures/"},
    "seaborn": {"reporting/figures/"},
    "papermill": {"runs/"},
    "nbclient": {"runs/"},
    "nbconvert": {"runs/", "reporting/html"},
    "pyreadstat": {"intake/files/", "demo/"},
    "openpyxl": {"intake/", "demo/", "reporting/deck/"},
    "xlsxwriter": {"reporting/annex/", "reporting/deck/"},
    "pptx": {"reporting/deck/"},
    "pandera": {"intake/rules/"},
    "duckdb": {"intake/files/", "analysis/engines"},
    "narwhals": {"analysis/engines", "analysis/drivers/", "analysis/survival/reduced"},
    "babel": {"reporting/", "catalogues", "progress"},
    "nh3": {"reporting/"},
    "jinja2": {"reporting/"},
    "ipywidgets": {"lab/"},
    "tqdm": {"runs/", "cli", "progress"},
    "distributed": {"runs/cluster"},
    "fsspec": {"runs/remote"},
    "weasyprint": {"reporting/pdf"},
    "pydyf": {"reporting/pdf"},
}
FORBIDDEN = {"pickle", "joblib", "shelve", "marshal", "requests", "urllib.request", "pingouin"}


def imports(path):
    """Every name imported in a module, lazily or not, with cxlab's own names made whole."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_rooms_import_only_what_the_layout_allows(path):
    allowed = {room(path), "errors", *ALLOWED[room(path)]}
    for name in imports(path):
        if not name.startswith("cxlab."):
            continue
        inner = name.removeprefix("cxlab.")
        within = any(inner == a or inner.startswith(a + ".") for a in allowed)
        assert within or inner == "__version__", f"{path.name} may not import {name}"


@pytest.mark.parametrize("folder", INTAKE)
def test_intake_is_read_in_one_direction(folder):
    before = [*INTAKE][: [*INTAKE].index(folder) + 1]
    if folder == "proposals":
        before.remove("custody")
    for path in sorted((PACKAGE / "intake" / folder).glob("*.py")):
        for name in imports(path):
            if name.startswith("cxlab.intake."):
                inner = name.split(".")[2]
                assert inner in {*before, *INTAKE[folder]}, f"{folder}/{path.name} may not import {name}"


def test_intake_has_no_other_folder():
    folders = {path.parent.name for path in (PACKAGE / "intake").glob("*/__init__.py")}
    assert folders == set(INTAKE)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_each_library_has_one_door(path):
    place = path.relative_to(PACKAGE).as_posix()
    for name in imports(path):
        assert not any(name == f or name.startswith(f + ".") for f in FORBIDDEN), f"{place} imports {name}"
        doors = DOORS.get(name.split(".")[0])
        assert doors is None or place.startswith(tuple(doors)), f"{place} may not import {name}"


def test_rules_cover_every_room():
    assert {room(path) for path in MODULES} == set(ALLOWED)
