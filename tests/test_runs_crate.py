"""Published runs as an RO-Crate: what others need is there, what may not leave is not, the same bytes."""

import csv
import io
import json
import os
import shutil
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import nbformat
import pytest
import yaml
from intake_clients import write_client
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from rocrate.rocrate import ROCrate

from cxlab import cli
from cxlab.errors import ParameterError, RunError
from cxlab.intake import dataset
from cxlab.intake.ledger import files_behind
from cxlab.runs import outputs, provenance
from cxlab.runs.crate import door
from cxlab.runs.crate.packed import packed
from cxlab.runs.crate.written import write
from cxlab.runs.entries import Entry
from cxlab.runs.manifest import manifest
from cxlab.runs.outcome import Outcome
from cxlab.runs.provenance import INJECTED, Ground, digest
from cxlab.runs.publish import shelf
from cxlab.runs.published import named
from cxlab.runs.study import Study, read_study

AUTHOR = "Pérez Soto, Ana (0000-0002-1825-0097)"
PARAMETERS = """\
client: str = "acme"
language: Literal["es", "en"] = "es"
seed: int = 1
since: date = date(2024, 1, 1)
where: str = ""
"""
GIVEN = {"client": "acme", "language": "es", "seed": 7, "since": date(2025, 3, 1), "where": "region == 'RM'"}
METHOD = "## Método\n\nMedia ponderada (Taylor, 1900, doi:10.1000/1).\n\n## Respuesta"
COLUMNS = ["region", "metric", "estimate", "std_error", "gap_low", "n", "flag"]
ROWS = [["RM", "nps", 12.5, 1.5, 9.0, 30, "ok"], ["V", "nps", None, None, None, None, "suppressed"]]
SURVEY = """
name: Acme
purpose: Tests
retain_until: 2099-12-31
labels: {columns: {region: {es: Zona, en: Area}}}
sources: [{file: raw/survey.csv, table: survey_responses, scales: {recommend: [0, 10]}}]
"""


def executed(read, rows=ROWS):
    """A notebook as a run leaves it."""
    bundle = {
        "id": "result-1", "kind": "Scores", "keys": ["region", "metric"], "estimate_column": "estimate",
        "settings": {"level": 0.95, "weights": "w", "by": ["region"]}, "n_used": 30,
        "n_dropped": {"sin peso": 4}, "claims": [], "figure": None,
        "tables": {"main": {"columns": COLUMNS, "rows": rows}},
    }  # fmt: skip
    shown = {outputs.RESULT: bundle, outputs.SVG: "<svg xmlns='http://www.w3.org/2000/svg'/>"}
    cells = [
        new_markdown_cell("# ¿Cómo está?", metadata={"tags": ["lang-es"]}),
        new_code_cell("from cxlab.parameters import Literal, date"),
        new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}, execution_count=1),
        new_code_cell("seed = 7", metadata={"tags": [INJECTED]}, execution_count=2),
        new_markdown_cell(METHOD, metadata={"tags": ["lang-es"]}),
        new_markdown_cell("## Method\n\nIn English.", metadata={"tags": ["lang-en"]}),
        new_code_cell("show()", execution_count=3, outputs=[
            new_output("display_data", {outputs.READ: read, "text/html": "<p>read</p>"}),
            new_output("display_data", shown),
        ]),
    ]  # fmt: skip
    for number, cell in enumerate(cells):
        cell.id = f"c{number}"
    return new_notebook(cells=cells)


def publish(root, entry, **options):
    """Publish a run of an entry as `making` would, without a kernel."""
    table = dataset.open_dataset(root, "acme").entry("survey_responses")
    read = {
        "table": "survey_responses",
        "sha256": table.sha256,
        "rows": 40,
        "used": 20,
        "until": "2025-06-30",
    }
    book = executed({**read, "files": files_behind(table.sources)}, **options)
    study = Study("s", root, "acme", "es", (entry,))
    at = datetime(2026, 1, 2, 12, tzinfo=UTC)
    content = nbformat.writes(book).encode()
    outcome = Outcome("done", content, started=at, finished=at.replace(second=3), seconds={1: 0.5})
    ground = Ground.of(root, "acme")
    tables = {"survey_responses": table.sha256}
    prints = provenance.fingerprint(book, {"entry": entry.id}, tables, ground, settled=True)
    said = {"entry": entry.id, "name": "scores", "client": "acme", "language": "es"}
    files = {
        "report.html": b"<html><p>NPS 12,5</p></html>",
        "notebook.ipynb": content,
        "results.json": outputs.results_json(book, parameters=entry.parameters, **said),
        **outputs.tables(book),
        **outputs.figures(book),
    }
    with shelf(root, "s") as opened:
        run = opened.publish(entry.id, prints["id"], files, manifest(study, entry, outcome, prints, ground))
        opened.show(entry.id, run, files["report.html"])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A workbench with one client and a study of an entry and a point of a sweep."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CXLAB_ID_KEY", "a key for tests only")
        root = write_client(tmp_path_factory.mktemp("made") / "mesa", SURVEY)
        (root / "notebooks").mkdir()
        dataset.check(root, "acme")
    (root / "requirements.lock").write_text(_lock(), encoding="utf-8")
    publish(root, Entry("scores", root / "notebooks/scores.ipynb", GIVEN))
    point = {"seed": 9}
    both = {**GIVEN, **point}
    publish(root, Entry("sens-seed-9", root / "notebooks/scores.ipynb", both, sweep="sens", choices=point))
    return root


@pytest.fixture
def root(made, tmp_path, monkeypatch):
    """The same in a place of its own."""
    monkeypatch.setenv("CXLAB_LANGUAGE", "en")
    return Path(shutil.copytree(made, tmp_path / "mesa ñ"))


def _lock():
    pins = [("pandas", "0" * 64), ("numpy", "1" * 64)]
    versions = provenance.versions()
    return "".join(f"{name}=={versions[name]} \\\n    --hash=sha256:{sha}\n" for name, sha in pins)


def crate(root, name="s", **options):
    return packed([*named(name, root).values()], root=root, **options)


def at(root, entry="scores"):
    """The folder of an entry's run in a crate."""
    (run,) = named(f"s/{entry}", root).values()
    return f"runs/{run.folder.name}"


def opened(files, folder):
    return ROCrate(write(files, folder / "crate"))


# --- what is there ----------------------------------------------------------------------------------


def test_a_crate_is_read_by_the_reference_implementation(root, tmp_path):
    files = crate(root, authors=[AUTHOR], license="CC-BY-4.0")
    read = opened(files, tmp_path)
    assert read.root_dataset["conformsTo"][0].id == "https://w3id.org/ro/wfrun/process/0.5"
    assert str(read.root_dataset["datePublished"])[:10] == "2026-01-02"
    assert read.root_dataset["license"].id == "https://spdx.org/licenses/CC-BY-4.0"
    (author,) = read.root_dataset["author"]
    assert (author.id, author["name"]) == ("https://orcid.org/0000-0002-1825-0097", "Pérez Soto, Ana")
    actions = [entity for entity in read.contextual_entities if entity.type == "CreateAction"]
    assert {action.id for action in read.root_dataset["mentions"]} == {action.id for action in actions}
    assert [action["name"] for action in actions] == ["s/scores", "s/sens-seed-9"]
    action = actions[0]
    (agent,) = action["agent"]
    assert agent is author
    assert action["instrument"].type == ["File", "SoftwareSourceCode", "SoftwareApplication"]
    assert (action["startTime"], action["endTime"]) == (
        "2026-01-02T12:00:00+00:00",
        "2026-01-02T12:00:03+00:00",
    )
    assert {entity.id for entity in action["result"]} >= {
        *(f"{at(root)}/{name}" for name in ("report.html", "tables/result-1.csv", "figures/result-1.svg"))
    }  # fmt: skip
    objects = {entity["name"]: entity for entity in action["object"]}
    assert (objects["seed"]["value"], objects["since"]["value"]) == (7, "2025-03-01")
    raw = root / "data/acme/raw/survey.csv"
    assert objects["survey.csv"]["sha256"] == digest(raw.read_bytes())
    assert objects["survey_responses"]["isBasedOn"][0].id == objects["survey.csv"].id


def test_every_file_is_described_and_every_description_has_its_file(root, tmp_path):
    files = crate(root)
    parts = {part.id: part for part in opened(files, tmp_path).root_dataset["hasPart"]}
    assert {*parts} == {*files} - {"ro-crate-metadata.json"}
    for name, part in parts.items():
        assert part["sha256"] == digest(files[name])
        assert part["contentSize"] == str(len(files[name]))
    graph = json.loads(files["ro-crate-metadata.json"])["@graph"]
    ids = [entity["@id"] for entity in graph]
    assert len(ids) == len({*ids})
    assert (
        not _referred(graph)
        - {*ids}
        - {"http://schema.org/CompletedActionStatus"}
        - {"https://w3id.org/ro/crate/1.1"}
    )


def _referred(value):
    if isinstance(value, dict):
        own = {value["@id"]} if value.keys() == {"@id"} else set()
        return own.union(*map(_referred, value.values()))
    return set().union(*map(_referred, value)) if isinstance(value, list) else set()


def test_nobody_and_no_license_is_guessed(root):
    files = crate(root)
    graph = json.loads(files["ro-crate-metadata.json"])["@graph"]
    assert not [entity for entity in graph if entity["@type"] == "Person" or "agent" in entity]
    assert "Sin licencia declarada" in next(e for e in graph if e["@id"] == "./")["license"]
    assert "CITATION.cff" not in files
    with pytest.raises(ParameterError, match="is no SPDX id of a license; for example CC-BY-4.0"):
        crate(root, license="all mine")


def test_the_notebook_is_there_as_it_was_written_and_as_it_was_executed(root):
    files = crate(root)
    written, ran = (
        json.loads(files[name]) for name in ("notebooks/scores.ipynb", f"{at(root)}/notebook.ipynb")
    )
    assert len(written["cells"]) == len(ran["cells"]) - 1
    assert not [cell for cell in written["cells"] if cell.get("outputs") or cell.get("execution_count")]
    assert provenance.cells_digest(written) == provenance.cells_digest(ran)
    said = json.loads(files[f"{at(root)}/manifest.json"])
    assert said["notebook_sha256"] == provenance.cells_digest(written)


def test_words_are_written_from_facts(root):
    files = crate(root, authors=[AUTHOR, "Instituto X"], license="CC-BY-4.0")
    method = files["METHODS.md"].decode()
    for wanted in (
        "¿Cómo está?", "(20 de 40 filas)", "30 de junio de 2025", "`region == 'RM'`",
        "Media ponderada (Taylor, 1900",
        "semilla 7", "menos de 10 clientes", "Scores (result-1): 30 filas usadas; fuera: 4 sin peso.",
        "`level = 0.95; weights = w; by = [region]`", "con w",
    ):  # fmt: skip
        assert wanted in method, wanted
    assert "In English" not in method
    readme = files["README.md"].decode()
    assert "| survey.csv | " in readme
    assert "client.yaml" in readme
    cited = yaml.safe_load(files["CITATION.cff"])
    assert cited["authors"] == [
        {
            "family-names": "Pérez Soto",
            "given-names": "Ana",
            "orcid": "https://orcid.org/0000-0002-1825-0097",
        },
        {"name": "Instituto X"},
    ]
    assert (cited["cff-version"], cited["license"]) == ("1.2.0", "CC-BY-4.0")
    pins = files["requirements.txt"].decode()
    assert f"pandas=={provenance.versions()['pandas']} \\\n    --hash=sha256:{'0' * 64}\n" in pins
    assert f"\n# scipy=={provenance.versions()['scipy']}\n" in pins
    (root / "requirements.lock").unlink()
    assert f"\nscipy=={provenance.versions()['scipy']}\n" in crate(root)["requirements.txt"].decode()


def test_the_codebook_has_every_column_of_every_table_in_both_languages(root):
    files = crate(root)
    rows = list(csv.DictReader(io.StringIO(files["codebook.csv"].decode("utf-8-sig"))))
    own = [row for row in rows if row["file"] == f"{at(root)}/tables/result-1.csv"]
    assert [row["column"] for row in own] == COLUMNS
    said = {row["column"]: row for row in own}
    assert (said["region"]["es"], said["region"]["en"], said["region"]["role"]) == ("Zona", "Area", "key")
    assert said["gap_low"]["en"] == "Difference: Lower limit"
    assert (said["estimate"]["kind"], said["estimate"]["rows"], said["estimate"]["missing"]) == (
        "number",
        "2",
        "1",
    )
    (root / "data/acme/client.yaml").write_text(SURVEY.replace("Zona", "Comarca"), encoding="utf-8")
    again = crate(root)["codebook.csv"].decode(
        "utf-8-sig"
    )  # labels of another declaration are not of this run
    assert "Zona" not in again
    assert "Comarca" not in again


def test_the_study_makes_the_same_entries_again(root):
    files = crate(root)
    for name in ("study.yaml", "notebooks/scores.ipynb"):
        (root / name).write_bytes(files[name])
    entries = {entry.id: entry for entry in read_study(root / "study.yaml", root=root).entries}
    assert entries["scores"].parameters == GIVEN
    point = entries["sens-seed-9"]
    assert (point.parameters, point.sweep, point.choices) == ({**GIVEN, "seed": 9}, "sens", {"seed": 9})


# --- what may not leave -----------------------------------------------------------------------------


def in_csv(text):
    return text.replace("V,nps,,,,,suppressed", "V,nps,41.7,,,,suppressed")


def in_json(text):
    said = json.loads(text)
    bundles = said.get("results") or [
        out["data"][outputs.RESULT]
        for cell in said["cells"]
        for out in cell.get("outputs", ())
        if outputs.RESULT in out["data"]
    ]
    bundles[0]["tables"]["main"]["rows"][1][2] = 41.7
    return json.dumps(said)


HARM = {
    "RUN/tables/result-1.csv": (in_csv, "a value in a suppressed row"),
    "RUN/results.json": (in_json, "a value in a suppressed row"),
    "RUN/notebook.ipynb": (in_json, "a value in a suppressed row"),
    "RUN/report.html": (lambda t: t + "<p>ana.soto@example.org</p>", "personal data (e-mail)"),
    "RUN/report.html ": (lambda t: t + '<a title="a" href="mailto:ana.soto@example.org">?</a>', "(e-mail)"),
    "RUN/notebook.ipynb ": (lambda t: t.replace("show()", "show()  # A <ana.soto@example.org>"), "(e-mail)"),
    "RUN/notebook.ipynb  ": (
        lambda t: t.replace("show()", "show(1 < 2)  # ana.soto@example.org -> it"), "(e-mail)"
    ),
    "notebooks/scores.ipynb ": (lambda t: t.replace("show()", "show()  # <Ana rut=12.345.678-5>"), "(RUT)"),
    "METHODS.md": (lambda t: t + "\nrut 12.345.678-5\n", "personal data (RUT)"),
    "RUN/figures/result-1.svg": (
        lambda t: t.replace("/>", "><text>ana.soto@example.org</text></svg>"), "personal data (e-mail)"
    ),
    "notebooks/scores.ipynb": (
        lambda t: t.replace("show()", "open('/home/ana/x')"), "a place of this machine"
    ),
    "README.md": (lambda t: t + "postgres://ana:x1y2z3@db/crm\n", "a password, a key or the address"),
}  # fmt: skip


@pytest.mark.parametrize("name", HARM)
def test_what_may_not_leave_is_refused_at_the_door_without_showing_it(root, name):
    files = crate(root)
    door.refuse(files, root=root)
    harm, said = HARM[name]
    name = name.strip().replace("RUN", at(root))
    harmed = harm(files[name].decode("utf-8"))
    assert harmed != files[name].decode("utf-8")
    with pytest.raises(RunError, match="of the files, 1 hold what may not leave: nothing") as caught:
        door.refuse({**files, name: harmed.encode()}, root=root)
    assert {problem.file for problem in caught.value.problems} == {name}
    assert said in str(caught.value)
    assert not [each for each in ("41.7", "example.org", "345", "x1y2", "/home") if each in str(caught.value)]


def test_no_file_says_where_it_was_made(root):
    files = crate(root)
    assert not [name for name, content in files.items() if str(root).encode() in content]
    assert not [name for name in files if name.endswith(("client.yaml", ".parquet", "survey.csv"))]
    files["README.md"] += str(root).encode()
    with pytest.raises(RunError, match="a place of this machine"):
        door.refuse(files, root=root)


def test_a_suppressed_value_that_was_published_leaves_nothing_behind(root, tmp_path):
    shown = [ROWS[0], ["V", "nps", 41.7, None, None, None, "suppressed"]]
    publish(root, Entry("leaks", root / "notebooks/scores.ipynb", GIVEN), rows=shown)
    place = tmp_path / "out.zip"
    assert cli.main(["export", "s/leaks", "--ro-crate", "--to", str(place), "--root", str(root)]) != 0
    assert not place.exists()


def test_a_run_that_is_not_as_published_is_refused(root):
    path = next(root.glob("reports/built/s/runs/*/results.json"))
    path.write_text(path.read_text(encoding="utf-8") + " ", encoding="utf-8")
    with pytest.raises(RunError, match="is not as it was published"):
        crate(root)


# --- on disk ----------------------------------------------------------------------------------------


def test_the_same_runs_give_the_same_bytes(root, tmp_path):
    one, other = write(crate(root), tmp_path / "a.zip"), write(crate(root), tmp_path / "b.zip")
    assert one.read_bytes() == other.read_bytes()
    with zipfile.ZipFile(one) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.namelist() == sorted(archive.namelist())


def test_nothing_is_replaced(root, tmp_path):
    files = crate(root)
    for place in (tmp_path / "crate", tmp_path / "crate.zip"):
        write(files, place)
        write(files, place)  # the same: kept
        with pytest.raises(ParameterError, match="is already there, and is another"):
            write({**files, "README.md": b"other"}, place)
    assert {path.name for path in tmp_path.iterdir() if path.name.startswith(".")} == set()


def test_what_a_killed_export_left_is_in_no_other(root, tmp_path):
    left = tmp_path / f".crate.{os.getpid()}"  # numbers of processes come again, in a container at once
    left.mkdir()
    (left / "other.csv").write_text("left behind")
    files = crate(root)
    written = write(files, tmp_path / "crate")
    assert {p.relative_to(written).as_posix() for p in written.rglob("*") if p.is_file()} == {*files}


def test_a_manifest_leads_no_file_out_of_the_crate(root):
    path = root / "reports/built/s/runs" / at(root).partition("/")[2] / "manifest.json"
    said = json.loads(path.read_text())
    path.write_text(json.dumps({**said, "notebook": f"../../{said['notebook']}"}))
    assert not [name for name in crate(root) if ".." in name]


def test_the_command_says_what_is_missing(root, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["export", "s/scores", "--ro-crate", "--root", str(root)]) == 0
    said = capsys.readouterr().out
    assert "written: s-scores.ro-crate.zip" in said
    assert "nobody is named as author" in said
    assert "no license is stated" in said
    with zipfile.ZipFile(tmp_path / "s-scores.ro-crate.zip") as archive:
        assert not [name for name in archive.namelist() if "sens" in name]
    assert cli.main(["export", "s", "--root", str(root)]) == 3
    assert "--ro-crate" in capsys.readouterr().err
