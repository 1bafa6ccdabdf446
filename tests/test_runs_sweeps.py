"""Sweeps: points that run, fail and hide; what comes after them; and all of it collected as one table."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from intake_clients import write_client
from test_runs_batch import write_notebook

from cxlab.errors import AnalysisError, ParameterError, RunError
from cxlab.intake import dataset
from cxlab.notebook import Paper
from cxlab.runs import collect, collected
from cxlab.runs.batch import run_study
from cxlab.runs.collected import quantity
from cxlab.runs.outputs import as_json
from cxlab.runs.pages import folded
from cxlab.runs.publish import manifest_of, shelf
from cxlab.runs.stages import note_points
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


COLUMNS = ["label", "estimate", "std_error", "conf_low", "conf_high", "n", "flag"]


def bundle(*rows, id="result-1", kind="Scores", table="main", **more):
    tables = {table: {"columns": COLUMNS, "rows": [*map(list, rows)]}}
    made = {"id": id, "kind": kind, "keys": ["label"], "n_used": 107, "estimate_column": "estimate"}
    return {**made, "tables": tables, "claims": [], "settings": {}, **more}


def row(label, estimate, flag="ok", n=100):
    shown = [estimate, 0.1, estimate - 1, estimate + 1, n] if flag != "suppressed" else [None] * 5
    return [label, *shown, flag]


@pytest.fixture
def swept(root) -> Path:
    """Publish a sweep of six points: one of them hides a row, two failed, one was never run."""
    text = STUDY.replace('grid: {where: ["", broken]}', "grid: {x: [1, 2, 3, 4, 5, 6], seed: [9]}")
    (root / "reports/acme.yaml").write_text(text, encoding="utf-8")
    study = read_study(root / "reports/acme.yaml", root=root)
    held = {
        1: [bundle(row("a", 1.5), row("b", 2.5)), bundle(row("a", 1.5), row("b", 2.5), id="result-2")],
        2: [bundle(row("a", 3.0), row("b", 9.0, "suppressed"))],
        3: [bundle(row("a", 4.5), row("b", 7.0), metric="x", settings={"metric": "nps"})],
        5: [bundle(row("a", 5.5))],
    }
    with shelf(root, study.name) as opened:
        note_points(study, opened)
        for entry in study.entries[1:]:
            x, asked = entry.parameters["x"], {"sweep": "sweep", "parameters": dict(entry.parameters)}
            if x in held:
                prints = {"tables": {"customers": "b" if x == 5 else "a"}, "sources": "s", "versions": "v"}
                files = {"results.json": as_json({"results": held[x]}), "report.html": b"page"}
                manifest = {**asked, "entry": entry.id, "study": "acme", "fingerprint": prints}
                opened.show(entry.id, opened.publish(entry.id, f"run{x}", files, manifest), b"page")
        # What has a good page and failed since counts as failed.
        for x in (3, 4):
            told = "the table has no column ease; it has x"
            opened.fail(
                f"sweep-x-{x}-seed-9", {"error.json": as_json({"message": told, "parameters": {"x": x}})}
            )
        # Left by a former grid: no longer a point of the sweep.
        opened.show("sweep-x-7-seed-9", opened.publish("old", "old", {"report.html": b""}, {}), b"page")
    return root


def test_a_sweep_is_collected_as_one_tidy_table(swept):
    found = collect("acme", "sweep", root=swept)
    assert [*found.columns] == [
        "entry", "point", "status", "choice_x", "result", "kind", "table", "measure", "label",
        "estimate", "std_error", "conf_low", "conf_high", "n", "n_eff", "flag", "unit", "message",
    ]  # fmt: skip
    assert found[["choice_x", "label", "status", "estimate"]].fillna("-").to_numpy().tolist() == [
        ["1", "a", "done", 1.5],  # shown twice, told once
        ["1", "b", "done", 2.5],
        ["2", "a", "done", 3.0],
        ["2", "b", "suppressed", "-"],
        ["3", "-", "failed", "-"],
        ["4", "-", "failed", "-"],
        ["5", "a", "done", 5.5],
        ["6", "-", "unpublished", "-"],
    ]
    hidden = found[found["status"] == "suppressed"].iloc[0]
    assert hidden[["estimate", "std_error", "conf_low", "conf_high", "n", "n_eff"]].isna().all()
    assert found["message"].iloc[4].template == "the table has no column {missing}; it has {present}"
    assert found["estimate"].dtype == found["n"].dtype == float
    assert found.attrs["mixed"] == ["table customers"]
    assert collect("acme", root=swept)["entry"].unique().tolist() == ["reader", "sweep"]
    assert collect(str(swept / "reports/acme.yaml"), "sweep", root=swept).equals(found)


def test_one_quantity_of_a_sweep_has_a_row_for_each_point(swept):
    found = collect("acme", "sweep", root=swept)
    chosen = quantity(found, "Scores", "label == 'b'")
    assert chosen["point"].tolist() == [f"sweep-x-{x}-seed-9" for x in range(1, 7)]
    assert chosen["status"].tolist() == ["done", "suppressed", "failed", "failed", "done", "unpublished"]
    assert chosen["estimate"].fillna(-1).tolist() == [2.5, -1, -1, -1, -1, -1]
    assert chosen["flag"].tolist()[:2] == ["ok", "suppressed"]
    assert quantity(found, "result-1", "label == 'a'")["estimate"].dropna().tolist() == [1.5, 3.0, 5.5]
    for row in ("", "label == 'c'"):
        with pytest.raises(AnalysisError, match="no single number of a point; its rows are label == 'a'"):
            quantity(found, "Scores", row)
    for result, row in [("Hazards", "driver == 'a'"), ("Scores/more", "")]:  # a column that is not there, too
        with pytest.raises(AnalysisError, match="of 6 points 2 failed; there are Scores$"):
            quantity(found, result, row)


def test_what_cannot_be_collected_is_refused_in_words(swept):
    with pytest.raises(
        ParameterError, match=r"acme has no entry \"swep\"; it has reader, sweep.*Did you mean sweep"
    ):
        collect("acme", "swep", root=swept)
    for name in ("acne", "", "/"):
        with pytest.raises(ParameterError, match="no published run or study"):
            collect(name, root=swept)
    page = next((swept / "reports/built/acme/runs/run1").glob("report.html"))
    page.write_bytes(b"another")
    with pytest.raises(RunError, match="not as it was published"):
        collect("acme", root=swept)


def test_numbers_are_those_of_the_pages(root):
    """Ratios with their limits, units by index, keys that are called as a column of ours."""
    hazards = {
        "id": "result-1", "kind": "Hazards", "estimate_column": "estimate", "keys": ["unit", "plan"],
        "n_used": 50, "claims": [], "settings": {},
        "tables": {
            "main": {"columns": ["unit", "estimate", "std_error", "hazard_ratio", *COLUMNS[3:5], "flag"],
                     "rows": [["m1", 0.5, 0.2, 1.65, 1.1, 2.4, "ok"], ["m2", *[None] * 5, "suppressed"]]},
            "by_plan": {"columns": ["plan", "estimate"], "rows": [["basic", 1.0]]},
            "checks": {"columns": ["unit", "p_value"], "rows": [["m1", 0.5]]},
        },
    }  # fmt: skip
    with shelf(root, "alone") as opened:
        files = {"results.json": as_json({"results": [hazards]})}
        opened.show("one", opened.publish("one", "one", files, {"entry": "one"}), b"page")
    found = collect("alone", root=root)
    first, hidden, second = (found.iloc[place].dropna().to_dict() for place in range(3))
    assert "n" not in hidden  # the base of all would tell how many are not hidden
    assert first == {
        "entry": "one", "point": "one", "status": "done", "result": "result-1", "kind": "Hazards",
        "table": "main", "measure": "hazard_ratio", "key_unit": "m1", "n": 50.0,
        "estimate": 1.65, "conf_low": 1.1, "conf_high": 2.4,
        "flag": "ok", "unit": "ratio", "message": "",
    }  # fmt: skip
    assert second["plan"] == "basic"
    assert "n" not in second
    assert len(found) == 3


def test_the_room_is_light_until_something_is_collected():
    code = "import sys, cxlab.runs; print([m for m in ('pandas', 'papermill') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.fixture
def paper(swept, monkeypatch):
    """Open the client whose sweep is published; what its paper displays is in `shown`."""
    dataset.check(write_client(swept), "acme")
    monkeypatch.chdir(swept)
    shown: list[tuple[str, dict]] = []
    monkeypatch.setattr(Paper, "_display", lambda _self, text, data=None: shown.append((text, data or {})))

    def opened(client="acme", where="", language="en"):
        made = Paper(dataset.open_dataset(swept, client), where=where, language=language, seed=1)
        made.shown = shown
        return made

    return opened


B = {"result": "Scores", "row": "label == 'b'"}


def test_a_paper_reads_a_sweep_and_says_what_became_of_its_points(paper):
    read = paper().sweep("acme", "sweep", **B, level=0.95)
    assert read["status"].tolist() == ["done", "suppressed", "failed", "failed", "done", "unpublished"]
    assert read["choice_x"].tolist() == ["1", "2", "3", "4", "5", "6"]
    assert read.attrs["quantity"] == "Estimate: B"
    made = paper(language="es")
    again = made.sweep("acme", "sweep", **B, level=0.95)
    assert again.equals(read)
    (english, data), (spanish, other) = made.shown
    logged = data["application/vnd.cxlab.read.v1+json"]
    assert (logged["table"], logged["rows"], logged["used"]) == ("acme/sweep", 6, 6)
    assert other == data
    for said in (
        "6 points are read; 1 have the number", "Failed to run: 2", "hidden here too: 1",
        "without this number: 1", "Not published: 1", "2: the table has no column ease; it has x",
        "Not all points were run on the same ground (table customers)",
    ):  # fmt: skip
        assert said in english
    assert "Fallaron al correr: 2." in spanish
    assert "2: la tabla no tiene la columna ease" in spanish
    made.provenance()
    assert logged["sha256"][:16] in made.shown[-1][0]


def test_the_hash_of_a_sweep_moves_with_any_of_its_numbers(paper, swept):
    one = paper().sweep("acme", "sweep", **B, level=0.95)
    other = paper().sweep("acme", "sweep", result="Scores", row="label == 'a'", level=0.95)
    hashes = [data["application/vnd.cxlab.read.v1+json"]["sha256"] for _, data in paper().shown]
    assert len({*hashes}) == 2
    assert not one.equals(other)


def test_a_report_does_not_speak_of_points_that_were_asked_something_else(paper, swept):
    write_client(swept, name="other")
    dataset.check(swept, "other")
    with pytest.raises(AnalysisError, match="run with client acme and this report with other"):
        paper("other").sweep("acme", "sweep", **B, level=0.95)
    with pytest.raises(AnalysisError, match=r"run with where - and this report with region != 'RM'"):
        paper(where="region != 'RM'").sweep("acme", "sweep", **B, level=0.95)
    # Points of several levels or clients have none that the report could state.
    with pytest.raises(AnalysisError, match="run with x 1, 2, 3, 4, 5, 6 and this report with 1;"):
        collected.sweep("acme", "sweep", *B.values(), x=1)
    assert len(collected.sweep("acme", "sweep", *B.values(), x="")) == 6


def test_the_points_that_another_entry_reads_stand_under_one_heading(root):
    def headed(text):
        (root / "reports/acme.yaml").write_text(text, encoding="utf-8")
        return folded(read_study(root / "reports/acme.yaml", root=root).entries)

    assert {name: each["choices"] for name, each in headed(STUDY).items()} == {
        point: {"where": where}
        for point, where in [("sweep-where-cf6742", ""), ("sweep-where-broken", "broken")]
    }
    alone = STUDY.replace(", after: sweep", "")
    assert headed(alone) == {}
    assert len(headed(alone.replace('{where: ["", broken]}', f"{{x: {[*range(13)]}}}"))) == 13
