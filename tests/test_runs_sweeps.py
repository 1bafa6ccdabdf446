"""Sweeps: points that run, fail and hide; what comes after them; and all of it collected as one table."""

import json
import os
from pathlib import Path

import pytest
from test_runs_batch import write_notebook

from cxlab.runs.batch import run_study
from cxlab.runs.publish import manifest_of
from cxlab.runs.study import read_study

POINT = """\
from IPython.display import display
rows = [["a", x * 1.5, 0.1, x, x + 3, 100, "ok"], ["b", None, None, None, None, None, "suppressed"]]
if where == "broken":
    raise ValueError("no answer here")
table = {"columns": ["label", "estimate", "std_error", "conf_low", "conf_high", "n", "flag"], "rows": rows}
bundle = {"id": "result-1", "kind": "Scores", "settings": {}, "n_used": 107, "n_dropped": {}, "claims": [],
          "estimate_column": "estimate", "keys": ["label"], "tables": {"main": table}, "figure": None}
display({"text/html": "<p>shown</p>", "application/vnd.cxlab.result.v1+json": bundle}, raw=True)
"""
STUDY = """\
client: acme
entries:
  reader: {notebook: reader, after: sweep}
  sweep:
    notebook: point
    grid: {where: ["", broken]}
"""


@pytest.fixture
def root(tmp_path) -> Path:
    root = tmp_path / "banco ñ"
    for folder in ("notebooks", "data/acme", "reports"):
        (root / folder).mkdir(parents=True)
    write_notebook(root / "notebooks/point.ipynb", POINT)
    write_notebook(root / "notebooks/reader.ipynb", "print(x)")
    (root / "reports/acme.yaml").write_text(STUDY, encoding="utf-8")
    return root


def ran(root: Path, **options) -> dict[str, str]:
    """Return what became of each entry, in the order in which they ended."""
    ended: dict[str, str] = {}

    def watch(entry, report):
        if report is not None:
            ended[entry.id] = report.status

    run_study(read_study(root / "reports/acme.yaml", root=root), watch=watch, **options)
    return ended


@pytest.mark.runs_notebooks
@pytest.mark.skipif(os.name != "posix", reason="kernels are ended by signals")
def test_what_comes_after_a_sweep_runs_once_it_ended_and_again_when_it_changed(root):
    first = ran(root)
    assert [*first][-1] == "reader"
    assert sorted(first.values()) == ["done", "done", "failed"]
    built = root / "reports/built/acme"
    index = (built / "index.html").read_text(encoding="utf-8")
    assert index.count("no answer here") == 1  # its card is there though the gallery was made again since
    run = json.loads((built / "current/reader.json").read_text(encoding="utf-8"))["run"]

    again = ran(root)
    assert again["reader"] == "skipped"
    assert sorted(again.values()) == ["failed", "skipped", "skipped"]

    path = root / "notebooks/point.ipynb"
    path.write_text(path.read_text(encoding="utf-8").replace("x * 1.5", "x * 2.5"), encoding="utf-8")
    changed = ran(root)
    assert changed["reader"] == "done"
    now = json.loads((built / "current/reader.json").read_text(encoding="utf-8"))["run"]
    assert now != run
    assert manifest_of(built / "runs" / now)["parameters"] == manifest_of(built / "runs" / run)["parameters"]
