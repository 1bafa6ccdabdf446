"""What is published is as its manifest says, comes out again and agrees with itself, or it is told where."""

import copy
import json
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from intake_clients import write_client
from test_runs_batch import write_notebook

from cxlab import cli
from cxlab.errors import VerifyError
from cxlab.intake import dataset
from cxlab.runs.batch import run_study
from cxlab.runs.compared.diff import Cause
from cxlab.runs.outputs import as_json
from cxlab.runs.publish import manifest_of
from cxlab.runs.study import read_study
from cxlab.runs.verified import released, verify
from cxlab.runs.verified.differing import Farthest, Place, farthest, first_place
from cxlab.runs.verified.verify import TOLERANCE, Verified, verified
from cxlab.runs.verified.verify_lines import lines

CLIENT = """\
name: Acme
purpose: Tests
retain_until: 2099-12-31
sources:
  - file: raw/survey.csv
    table: survey_responses
    scales: {recommend: [0, 10]}
"""
# 4 in segment Z: suppressed, and with it A, from which it would follow.
SURVEY = "response_id,customer_id,recommend,segment\n" + "".join(
    f"r{n},c{n},{n % 11},{'Z' if n < 4 else 'A' if n % 2 else 'B'}\n" for n in range(120)
)
PAPER = (
    "import cxlab, os\nfrom cxlab.analysis import metrics\nfrom cxlab.reporting.figures import draw_scores",
    "paper = cxlab.open(client, where=where, language=language, seed=seed)",
    "answers = paper.table('survey_responses')\nscores = metrics.score(answers, ['nps'], by=['segment'])",
    "paper.show(scores, draw=draw_scores)",
)
# What a user's notebook may do: another number each time, and a file that is not always there.
NOISY = (*PAPER, "print('always the same')\nprint(os.urandom(4).hex())")
FRAGILE = (*PAPER, "open('needed.txt').read()")
STUDY = """\
client: acme
seed: 7
entries: {steady: {notebook: steady}, noisy: {notebook: noisy}, fragile: {notebook: fragile}}
"""


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Path:
    root = write_client(tmp_path_factory.mktemp("a") / "banco ñ", CLIENT, {"survey.csv": SURVEY})
    for folder in ("notebooks", "reports"):
        (root / folder).mkdir()
    dataset.check(root, "acme")
    for name, cells in (("steady", PAPER), ("noisy", NOISY), ("fragile", FRAGILE)):
        write_notebook(root / f"notebooks/{name}.ipynb", *cells)
    (root / "notebooks/needed.txt").write_text("x")
    (root / "reports/acme.yaml").write_text(STUDY, encoding="utf-8")
    batch = run_study(read_study(root / "reports/acme.yaml", root=root))
    assert [report.status for report in batch.reports] == ["done"] * 3
    return root


@pytest.fixture
def root(published, tmp_path) -> Path:
    return Path(shutil.copytree(published, tmp_path / "copy"))


def folder_of(root: Path, entry: str) -> Path:
    study = root / "reports/built/acme"
    return study / "runs" / json.loads((study / f"current/{entry}.json").read_text())["run"]


def of(root: Path, entry: str, **options) -> Verified:
    (found,) = verified([folder_of(root, entry)], root=root, **options)
    return found


def text(found: Verified) -> str:
    return "\n".join(lines(found, str))


kernels = [
    pytest.mark.runs_notebooks,
    pytest.mark.xdist_group("verify"),
    pytest.mark.skipif(os.name != "posix", reason="kernels are ended by signals"),
]
pytestmark = kernels


# --- run again --------------------------------------------------------------------------------------


def test_a_study_is_verified_run_by_run_and_nothing_published_is_touched(root, monkeypatch, capsys):
    monkeypatch.setenv("CXLAB_LANGUAGE", "en")
    built = root / "reports/built"
    before = {path: path.read_bytes() for path in built.rglob("*") if path.is_file()}
    (root / "notebooks/needed.txt").unlink()
    assert cli.main(["verify", "acme", "--root", str(root)]) == VerifyError.exit_code == 6
    out, err = capsys.readouterr()
    assert "acme/steady" in out
    assert "run again, the same bytes in" in out
    assert "acme/noisy" in out
    assert "DIFFERS" in out
    # The fourth cell of code after the parameters' and the import's, injected one counted: the eighth.
    assert "first in code cell 8 (`print('always the same')`), output 1, stdout, 2:" in out
    assert "no number of results.json differs" in out
    assert "COULD NOT BE RUN AGAIN" in out
    assert "code cell 8 (`open('needed.txt').read()`) raised FileNotFoundError" in out
    assert "2 of 3 are not verified" in err
    assert {path: path.read_bytes() for path in built.rglob("*") if path.is_file()} == before


def test_what_changed_since_is_told_and_the_published_notebook_is_what_is_rerun(root):
    write_notebook(root / "notebooks/steady.ipynb", *PAPER, "print('another cell')")
    (root / "reports/acme.yaml").write_text(STUDY.replace("seed: 7", "seed: 8"), encoding="utf-8")
    (root / "data/acme/raw/survey.csv").unlink()
    found = of(root, "steady")
    assert found.verdict == "same"
    assert [(cause.kind, cause.what) for cause in found.causes] == [
        ("parameters", "seed"),
        ("code", "notebook"),
    ]
    assert "without the client's files (raw/survey.csv): from the tables" in text(found)


def test_without_the_same_data_nothing_is_rerun_and_it_is_said(root, monkeypatch):
    monkeypatch.setattr(verify, "execute", None)
    raw = root / "data/acme/raw/survey.csv"
    raw.write_text(SURVEY.replace("r5,c5,5", "r5,c5,6"))
    found = of(root, "steady")
    assert found.verdict == "released"
    assert "not run again; what was released agrees with itself" in text(found)
    assert "changed after the tables of acme were made" in text(found)
    dataset.check(root, "acme")
    assert "the table survey_responses is another one than the run read, or gone" in text(of(root, "steady"))
    shutil.rmtree(root / "data/acme/tables")
    assert "acme has no tables yet" in text(of(root, "steady"))


def test_other_bytes_are_no_fault_only_where_something_explains_them():
    bundle = {
        "id": "result-1", "kind": "Scores", "keys": ["segment"], "claims": [], "n_used": 9, "n_dropped": {},
        "tables": {"main": {"columns": ["segment", "estimate"], "rows": [["A", 40.0], ["B", 0.0]]}},
    }  # fmt: skip
    before = {"results.json": as_json({"results": [bundle]})}

    def judged(value, *kinds, segment="A"):
        other = copy.deepcopy(bundle)
        other["tables"]["main"]["rows"] = [[segment, value], ["B", 1e-15]]
        causes = tuple(Cause(kind, what) for kind, what in kinds)
        found = Verified("a/b (1)", "hashes", causes=causes)
        return verify._compared(found, before, {"results.json": as_json({"results": [other]})})

    near, far = 40.0 * (1 + TOLERANCE / 2), 40.0 * (1 + TOLERANCE * 2)
    for cause in (("machine", "simd"), ("versions", "numpy"), ("code", "sources"), ("client", "client.yaml")):
        assert judged(near, cause).verdict == "within"
        assert judged(far, cause).verdict == "differs"
        assert judged(near, cause, segment="C").verdict == "differs"
    for cause in (("machine", "cpus"), ("code", "notebook"), ("parameters", "seed")):
        assert judged(near, cause).verdict == "differs"
    assert judged(near).verdict == "differs"
    found = judged(50.0, ("versions", "numpy"))
    assert found.farthest == Farthest("result-1", "main", 1, "A", "estimate", 40.0, 50.0, 0.2)
    said = (
        "largest relative difference: 0.2, in result-1, table main, row 1 (A), column estimate: 40.0 → 50.0"
    )
    assert said in text(found)


# --- hashes -----------------------------------------------------------------------------------------


def test_files_that_are_missing_changed_or_of_no_run_are_listed(root, capsys):
    assert of(root, "steady", hashes=True).verdict == "hashes"
    folder = folder_of(root, "steady")
    (folder / "tables/result-1.csv").unlink()
    (folder / "figures/other.svg").write_text("<svg/>")
    page = folder / "report.html"
    page.write_bytes(page.read_bytes() + b" ")
    found = of(root, "steady")
    assert (found.verdict, found.missing, found.extra, found.changed) == (
        "damaged", ("tables/result-1.csv",), ("figures/other.svg",), ("report.html",),
    )  # fmt: skip
    assert (
        cli.main(["verify", "acme", "--hashes", "--json", "--root", str(root)]) == VerifyError.exit_code == 6
    )
    told = {each["run"].split()[0]: each for each in json.loads(capsys.readouterr().out)["verified"]}
    assert {name: each["good"] for name, each in told.items()} == {
        "acme/steady": False, "acme/noisy": True, "acme/fragile": True,
    }  # fmt: skip
    assert told["acme/steady"]["changed"] == ["report.html"]


def test_a_manifest_that_was_changed_and_a_page_of_something_else_are_told(root):
    page = root / "reports/built/acme/steady.html"
    page.write_bytes(page.read_bytes() + b" ")
    assert "the page steady.html is not the one of this run" in text(of(root, "steady", hashes=True))
    path = folder_of(root, "noisy") / "manifest.json"
    said = manifest_of(path.parent)
    said["fingerprint"]["tables"]["survey_responses"] = "0" * 64
    path.write_bytes(as_json(said))
    assert "its name is not that of its fingerprint" in text(of(root, "noisy", hashes=True))
    path.unlink()
    assert of(root, "noisy", hashes=True).missing == ("manifest.json",)


# --- from what was released -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def files(published) -> dict[str, bytes]:
    folder = folder_of(published, "steady")
    return {name: (folder / name).read_bytes() for name in manifest_of(folder)["outputs"]}


def doubts(files, **changed) -> list[str]:
    replaced = {name.replace("__", "."): content for name, content in changed.items()}
    return [str(each) for each in released.doubts({**files, **replaced}, language="es", page=True)]


def test_what_was_released_agrees_with_itself(files):
    assert doubts(files) == []


def test_a_number_changed_in_one_place_is_found(files):
    results = json.loads(files["results.json"])
    (row,) = (row for row in results["results"][0]["tables"]["main"]["rows"] if row[0] == "B")
    page = files["report.html"].decode()
    number = re.search(r'<td class="cx-number">[−\d]', page)
    said = doubts(files, report__html=f"{page[: number.end()]}9{page[number.end() :]}".encode())
    assert said == ["1 tables of the page are not in results.json"]
    row[2] += 1
    said = doubts(files, results__json=as_json(results))
    assert "results of results.json are not those of the notebook" in said
    assert "tables/result-1.csv is not what results.json or the notebook says" in said
    assert "1 tables of the page are not in results.json" in said
    table = {"tables/result-1.csv": files["tables/result-1.csv"].replace(b"\r\nB,", b"\r\nC,")}
    assert doubts({**files, **table}) == ["tables/result-1.csv is not what results.json or the notebook says"]


def test_a_suppressed_row_that_is_not_empty_and_a_sentence_that_is_not_there_are_found(files):
    results = json.loads(files["results.json"])
    main = results["results"][0]["tables"]["main"]
    place = next(n for n, row in enumerate(main["rows"]) if "suppressed" in row)
    main["rows"][place][main["columns"].index("n")] = 4
    results["results"][0]["claims"].append({"fields": {}, "sentence": "No one said <this>."})
    said = doubts(files, results__json=as_json(results))
    assert f"result-1, table main, row {place + 1}: it is suppressed and not empty" in said
    assert "result-1: the page does not say: No one said <this>." in said


# --- where two executions part ----------------------------------------------------------------------


def book(*outputs, source="x", before=()) -> dict[str, bytes]:
    cells = [{"cell_type": "markdown", "source": "# y"}, *before]
    cells.append({"cell_type": "code", "source": source, "outputs": list(outputs)})
    return {"notebook.ipynb": json.dumps({"cells": cells}).encode(), "report.html": b"a"}


def shows(**data):
    return {"output_type": "display_data", "data": {name.replace("_", "/", 1): v for name, v in data.items()}}


def test_the_first_cell_output_kind_and_place_are_named():
    printed = {"output_type": "stream", "name": "stdout", "text": ["one\n", "two\n"]}
    assert first_place(book(printed), book(printed)) is None
    other = {**printed, "text": "one\ntoo\n"}
    assert first_place(book(printed, source="\nprint(1)\n"), book(other, source="\nprint(1)\n")) == Place(
        "notebook.ipynb", 1, "print(1)", 1, "stdout", "2:2", "two", "too"
    )
    table = {"columns": ["k", "estimate"], "rows": [["a", 1.0], ["b", 2.0]]}
    moved = {**table, "rows": [["a", 1.0], ["b", 2.5]]}
    kinds = shows(text_html="<p>2", application_json={"main": table})
    apart = shows(text_html="<p>3", application_json={"main": moved})
    assert first_place(book(printed, kinds), book(printed, apart)) == Place(
        "notebook.ipynb", 1, "x", 2, "application/json", "main.rows[2].estimate", "2.0", "2.5"
    )
    assert first_place(book(printed), book(printed, kinds)) == Place(
        "notebook.ipynb", 1, "x", 2, before="", after="2: application/json"
    )
    cell = {"cell_type": "code", "source": "y", "outputs": []}
    assert first_place(book(before=[cell]), book(before=[{**cell, "execution_count": 3}])).cell == 1
    assert first_place(book(), book(source="xy")) == Place(
        "notebook.ipynb", 1, "x", where="1:2", before="x", after="xy"
    )


def test_where_the_notebooks_agree_the_first_file_that_does_not_is_named():
    one, other = book(), {**book(), "report.html": b"line\nabc", "tables/a.csv": b"1"}
    one["report.html"] = b"line\nabd"
    assert first_place(one, other) == Place("report.html", where="2:3", before="abd", after="abc")
    assert first_place(book(), {**book(), "a.csv": b"12"}) == Place("a.csv", before="", after="2 bytes")


def test_rows_columns_and_claims_that_differ_are_no_rounding():
    bundle = {
        "id": "r", "kind": "Scores", "keys": ["k"], "n_used": 9, "n_dropped": {},
        "claims": [{"code": "a.b", "grade": "D", "caveats": []}],
        "tables": {"main": {"columns": ["k", "estimate", "flag"], "rows": [["a", None, "ok"]]}},
    }  # fmt: skip
    before = as_json({"results": [bundle]})
    assert farthest(before, before) == (None, True)
    for change in (
        {"claims": [{"code": "a.b", "grade": "C", "caveats": []}]},
        {"n_used": 8},
        {"tables": {"main": {"columns": ["k", "estimate", "flag"], "rows": [["a", 1.0, "ok"]]}}},
        {"tables": {"main": {"columns": ["k", "estimate", "flag"], "rows": []}}},
    ):
        assert farthest(before, as_json({"results": [{**bundle, **change}]})) == (None, False)
    assert farthest(before, as_json({"results": []})) == (None, False)


def test_a_place_on_a_terminal_is_one_line_without_control_characters():
    place = Place("notebook.ipynb", 2, "x", 1, "stdout", "1:1", "\x1b[31mred\nmore", "")
    found = replace(Verified("a/b (1)", "differs", differing=("notebook.ipynb",)), place=place)
    assert "\x1b" not in text(found)
    assert len(text(found).splitlines()) == 4
