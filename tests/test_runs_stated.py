"""What a diagnosis reads: the claims of a study's published reports, and which reports it could not read."""

import pytest
from intake_clients import write_client
from test_runs_batch import write_notebook
from test_runs_study import CELL
from test_runs_study import write_notebook as write_declaring

from cxlab.errors import AnalysisError, ParameterError
from cxlab.intake import dataset
from cxlab.notebook import Paper
from cxlab.runs import stated
from cxlab.runs.outputs import as_json
from cxlab.runs.publish import shelf
from cxlab.runs.stages import note_points
from cxlab.runs.study import read_study

STUDY = """\
client: acme
entries:
  one: {notebook: point}
  two: {notebook: point}
  hidden: {notebook: point}
  failing: {notebook: point}
  never: {notebook: point}
  swept: {notebook: point, grid: {x: [1, 2]}}
  together: {notebook: reader, after: [one, two]}
"""
READER = CELL + 'study: str = ""\nentries: list[str] = []\n'


def claim(code="score.level", **fields):
    return {"code": code, "fields": fields, "grade": "D", "caveats": ["low_base"], "headline": True,
            "sentence": "s", "short": "s", "caveat_texts": []}  # fmt: skip


def results(*said, kind="Scores", where="", level=0.95, client="acme", sha256="a"):
    reads = [{"table": "customers", "sha256": sha256, "rows": 9, "used": 9, "until": "2024-12-31"}]
    bundle = {"id": "result-1", "kind": kind, "claims": [*said], "tables": {}}
    asked = {"where": where, "level": level}
    return {"results": [bundle], "reads": reads, "parameters": asked, "client": client}


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "banco ñ"
    for folder in ("notebooks", "data/acme", "reports"):
        (root / folder).mkdir(parents=True)
    write_notebook(root / "notebooks/point.ipynb", "print(x)")
    write_declaring(root / "notebooks/reader.ipynb", READER)
    (root / "reports/acme.yaml").write_text(STUDY, encoding="utf-8")
    return root


def publish(root, held):
    study = read_study(root / "reports/acme.yaml", root=root)
    with shelf(root, study.name) as opened:
        note_points(study, opened)
        for name, content in held.items():
            files = {"results.json": as_json(content), "report.html": b"page"}
            opened.show(name, opened.publish(name, f"run-{name}", files, {"entry": name}), b"page")
        opened.fail("failing", {"error.json": as_json({"message": "broken", "parameters": {}})})


HELD = {
    "one": results(claim(metric="nps", n=50), claim("drivers.none", n=50)),
    "two": results(claim(metric="pxi", n=60), sha256="b"),
    "hidden": results(claim(metric="nps", n=40), where="region != 'RM'"),
    "failing": results(claim(metric="old", n=40)),
    "swept-x-1": results(claim(metric="ces", n=40)),
    "together": results(claim(metric="nps", n=50), kind="Diagnosis"),
}


def test_claims_are_those_of_the_published_reports_and_what_is_left_out_is_named(root):
    publish(root, HELD)
    found = stated.stated("acme", client="acme", root=root)
    assert found[["entry", "code"]].to_numpy().tolist() == [
        ["one", "score.level"], ["one", "drivers.none"], ["two", "score.level"],
    ]  # fmt: skip
    assert found["fields"].tolist()[0] == {"metric": "nps", "n": 50}
    assert (found["result"][0], found["grade"][0], found["caveats"][0]) == ("result-1", "D", ["low_base"])
    assert found.attrs == {
        "read": ["one", "two"], "failed": ["failing"], "unpublished": ["never"], "filtered": ["hidden"],
        "tables": ["customers"], "mixed": ["customers"], "until": "2024-12-31",
    }  # fmt: skip
    named = stated.stated("acme", ["two", "swept"], client="acme", root=root)
    assert named["entry"].tolist() == ["two", "swept-x-1"]
    assert named.attrs["unpublished"] == ["swept-x-2"]
    other = stated.stated("acme", ["one", "hidden"], client="acme", where="region != 'RM'", root=root)
    assert (other["entry"].tolist(), other.attrs["filtered"]) == (["hidden"], ["one"])
    assert stated.stated("acme", ["one"], client="acme", level=0.9, root=root).attrs["filtered"] == ["one"]


def test_what_cannot_be_read_is_refused_in_words(root):
    publish(root, HELD)
    with pytest.raises(
        ParameterError, match=r"acme has no entry .*on.*; it has one, two.*Did you mean one\?"
    ):
        stated.stated("acme", ["on"], client="acme", root=root)
    with pytest.raises(AnalysisError, match="one is of the client acme, and this report of other: give the"):
        stated.stated("acme", ["one"], client="other", root=root)


def test_an_entry_of_a_study_reads_the_reports_that_it_waits_for(root):
    (made,) = [e for e in read_study(root / "reports/acme.yaml", root=root).entries if e.id == "together"]
    assert made.parameters["entries"] == ["one", "two"]
    assert made.parameters["study"] == "acme"
    wrong = STUDY.replace("after: [one, two]}", "after: [one, two], parameters: {entries: [one, twi]}}")
    (root / "reports/acme.yaml").write_text(wrong, encoding="utf-8")
    with pytest.raises(ParameterError) as refused:
        read_study(root / "reports/acme.yaml", root=root)
    (problem,) = refused.value.problems
    assert (problem.column, problem.allowed) == ("entries.together.entries", "one, two")
    assert "did you mean two?" in str(problem)


def test_a_paper_says_which_reports_it_reads_and_its_hash_moves_with_their_claims(root, monkeypatch):
    publish(root, HELD)
    dataset.check(write_client(root), "acme")
    monkeypatch.chdir(root)
    shown = []
    monkeypatch.setattr(Paper, "_display", lambda _self, text, data=None: shown.append((text, data or {})))

    def read(language="en"):
        paper = Paper(dataset.open_dataset(root, "acme"), where="", language=language, seed=1)
        found = paper.stated("acme")
        text, data = shown[-1]
        return found, text, data["application/vnd.cxlab.read.v1+json"]

    found, text, logged = read()
    assert "of these reports are read: one, two" in text
    for said in ("failed when it ran: failing", "not published: never", "another filter", "same data"):
        assert said in text
    assert "se leen las afirmaciones de estos informes: one, two" in read("es")[1]
    assert (logged["table"], logged["rows"], logged["until"]) == ("acme", len(found), "2024-12-31")
    publish(root, {"two": results(claim(metric="pxi", n=61), sha256="b")})
    assert read()[2]["sha256"] != logged["sha256"]
