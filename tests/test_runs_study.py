"""Study files: read without guessing, checked whole, laid out with stable ids."""

import json
from datetime import date
from pathlib import Path

import pytest

from cxlab.errors import ParameterError, WorkbenchError
from cxlab.parameters import Plain
from cxlab.runs.document import document
from cxlab.runs.entries import client_problems
from cxlab.runs.limits import Limits
from cxlab.runs.stages import stages
from cxlab.runs.study import Study, named_notebook, notebooks, of_notebook, read_study, workbench

CELL = """\
client: str = "acme"  # whose data
language: Literal["es", "en"] = "es"
seed: int = 1
where: str = ""
outcome: Literal["nps", "pxi"] = "nps"
by: list[str] = []
since: date = date(2025, 1, 1)
code: str = ""
level: float = 0.95
"""


def write_notebook(path: Path, cell: str = CELL) -> None:
    cells = [{"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": cell, "outputs": []}]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}), encoding="utf-8"
    )


@pytest.fixture
def root(tmp_path) -> Path:
    root = tmp_path / "banco de trabajo ñ"
    for name in ("drivers", "retention"):
        write_notebook(root / "notebooks" / f"{name}.ipynb")
    write_notebook(root / "notebooks" / "plain.ipynb", "x: int = 1\nclient: str = 'acme'")
    for folder in ("data/acme", "data/nada", "reports"):
        (root / folder).mkdir(parents=True)
    return root


def study(root: Path, text: str, **options) -> Study:
    path = root / "reports" / "acme.yaml"
    path.write_text(text, encoding="utf-8")
    return read_study(path, root=root, **options)


def refused(root: Path, text: str, **options) -> ParameterError:
    with pytest.raises(ParameterError) as error:
        study(root, text, **options)
    return error.value


def test_shared_values_reach_each_notebook_that_declares_them(root):
    made = study(
        root,
        "client: nada\nlanguage: en\nseed: 7\nlevel: 0.9\nwhere: region != 'RM'\n"
        "title: {es: Estudio, en: Study}\nentries:\n"
        "  drivers: {parameters: {outcome: pxi, by: segment, code: 007, since: 2024-02-29}}\n  retention:\n",
    )
    first, second = made.entries
    assert (made.name, made.client, made.language, made.title) == ("acme", "nada", "en", "Study")
    assert first.parameters["seed"] == 7
    assert first.parameters["where"] == "region != 'RM'"
    assert first.parameters["by"] == ["segment"]
    assert first.parameters["code"] == "007"
    assert first.parameters["since"] == date(2024, 2, 29)
    assert second.parameters == {
        **first.parameters,
        "outcome": "nps",
        "by": [],
        "code": "",
        "since": date(2025, 1, 1),
    }
    assert made.client_of(first) == "nada"
    assert made.language_of(first) == "en"


def test_a_notebook_that_does_not_declare_a_shared_value_runs_without_it(root):
    (entry,) = study(
        root, "client: acme\nlanguage: en\nseed: 7\nentries:\n  plain: {parameters: {x: 2}}\n"
    ).entries
    assert entry.parameters == {"x": 2, "client": "acme"}


def test_a_filter_that_would_not_be_applied_is_refused(root):
    error = refused(root, "client: acme\nwhere: a > 1\nentries:\n  plain:\n  drivers:\n")
    assert [p.column for p in error.problems] == ["entries.plain.where"]
    assert "which plain does not declare" in str(error)


def test_limits_travel_with_each_entry(root):
    text = (
        "entries:\n  drivers: {timeout: 90, memory: 2 GB, grid: {seed: [1, 2]}}\n  retention: {memory: 512}\n"
    )
    assert [entry.limits for entry in study(root, text).entries] == [
        *[Limits(90.0, 2 * 10**9)] * 2,
        Limits(None, 512 * 10**6),
    ]
    made = study(root, text, held={"timeout": "1.5", "memory": "none"})
    assert {entry.limits for entry in made.entries} == {Limits(1.5, None)}
    assert made.name == "acme"  # they decide no number
    (entry,) = of_notebook("drivers", root=root, held={"memory": "1 GiB"}).entries
    assert entry.limits == Limits(None, 2**30)


def test_limits_are_refused_with_the_other_problems(root):
    text = (
        "entries:\n  a: {notebook: drivers, timeout: soon, memory: [2]}\n"
        "  b: {notebook: drivers, timeout: 0, memory: 2}\n  c: {notebook: drivers, parameters: {sed: 1}}\n"
    )
    error = refused(root, text, held={"timeout": "1e999", "memory": "2 TB"})
    assert {(p.file, p.column, p.row) for p in error.problems} == {
        ("--timeout", "", 0),
        ("--memory", "", 0),
        ("acme.yaml", "entries.a.timeout", 2),
        ("acme.yaml", "entries.a.memory", 2),
        ("acme.yaml", "entries.b.timeout", 3),
        ("acme.yaml", "entries.b.memory", 3),
        ("acme.yaml", "entries.c.parameters.sed", 4),
    }
    assert "found 2; allowed: megabytes, at least 100, or a size such as 2 GB" in str(error)
    with pytest.raises(ParameterError, match=r"--timeout: found \"-1\"; allowed: seconds, more than 0"):
        of_notebook("drivers", root=root, held={"timeout": "-1"})


def test_grids_are_laid_out_with_readable_stable_ids(root):
    text = "entries:\n  sens:\n    notebook: drivers\n    grid: {outcome: [pxi, nps], level: [0.9, 0.95]}\n"
    made = study(root, text)
    assert [entry.id for entry in made.entries] == [
        "sens-outcome-pxi-level-0.9",
        "sens-outcome-pxi-level-0.95",
        "sens-outcome-nps-level-0.9",
        "sens-outcome-nps-level-0.95",
    ]
    assert [e.id for e in study(root, text).entries] == [e.id for e in made.entries]
    assert [(e.parameters["outcome"], e.parameters["level"]) for e in made.entries][1] == ("pxi", 0.95)
    plain = study(root, "entries:\n  sens: {notebook: drivers, grid: {outcome: [pxi, nps]}}\n")
    assert [entry.id for entry in plain.entries] == ["sens-outcome-pxi", "sens-outcome-nps"]
    lossy = study(
        root,
        "entries:\n  sens:\n    notebook: drivers\n"
        "    grid: {where: [\"a == 'RM'\", \"a != 'RM'\"], by: [[a], [a, b]]}\n",
    )
    assert len({entry.id for entry in lossy.entries}) == 4
    assert lossy.entries[3].parameters["by"] == ["a", "b"]


def test_a_point_of_a_grid_knows_its_sweep_and_choices(root):
    text = "entries:\n  sens: {notebook: drivers, grid: {since: [2024-01-01], level: [0.9]}}\n  drivers:\n"
    point, plain = study(root, text).entries
    assert (point.sweep, point.choices) == ("sens", {"since": date(2024, 1, 1), "level": 0.9})
    assert (plain.sweep, plain.choices) == ("", {})


def test_every_problem_of_the_file_at_once_with_its_line(root):
    error = refused(
        root,
        "clinet: acme\nlanguage: fr\nentries:\n  Drivers: {notebook: drivers}\n  index: {notebook: drivers}\n"
        "  a: {notebook: drivrs}\n"
        "  b: {notebook: drivers, parameters: {outcme: pxi, outcome: csat, seed: x}}\n"
        "  c: {notebook: drivers, grid: {outcome: [], seed: 3, level: [0.9, a]}, paramters: {}}\n"
        "  d: {notebook: drivers, parameters: {seed: 1}, grid: {seed: [1, 2], nothing: [1]}}\n  e: 5\n",
    )
    found = {(p.column, p.row) for p in error.problems}
    assert ("clinet", 1) in found
    assert ("language", 2) in found
    assert ("entries.Drivers", 4) in found
    assert ("entries.index", 5) in found
    assert ("entries.a.notebook", 6) in found
    assert {
        ("entries.b.parameters.outcme", 7),
        ("entries.b.parameters.outcome", 7),
        ("entries.b.parameters.seed", 7),
    } <= found
    assert ("entries.c.paramters", 8) in found
    assert {("entries.d.grid.seed", 9), ("entries.d.grid.nothing", 9)} <= found
    assert ("entries.e", 10) in found
    text = str(error)
    assert "the study file acme.yaml is not valid" in text
    assert "did you mean client?" in text
    assert "Did you mean drivers?" in text
    assert "did you mean outcome?" in text
    assert "nps | pxi" in text
    assert "did you mean parameters?" in text


def test_problems_of_a_grid(root):
    text = "entries:\n  c: {notebook: drivers, grid: {outcome: [], seed: 3, level: [0.9, a], code: [x, x]}}\n"
    said = str(refused(root, text))
    for part in ("a list of values", '"a"', "a value twice", "write the values as [a, b, c]"):
        assert part in said
    big = ", ".join(str(i) for i in range(120))
    assert "split the grid" in str(
        refused(root, f"entries:\n  c: {{notebook: drivers, grid: {{seed: [{big}], code: [{big}]}}}}\n")
    )


@pytest.mark.parametrize("text", ["client: acme\n", "client: acme\nentries:\n", "entries: [drivers]\n"])
def test_a_study_without_entries(root, text):
    assert "no entries" in str(refused(root, text))


def test_an_unknown_client_is_refused_with_the_nearest(root):
    error = refused(root, "client: acmee\nentries:\n  drivers:\n")
    assert "did you mean acme?" in str(error)
    assert "acme, nada" in str(error)
    assert "make it with: cxlab new CLIENT" in str(refused(root, "client: zzz\nentries:\n  drivers:\n"))


def test_clients_that_cannot_be_listed_are_told_in_one_sentence(root, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(WorkbenchError, match="data cannot be read: Permission denied"):
        client_problems({"client": "acme"}, root)


@pytest.mark.parametrize("client", ["../../x", "/etc", "a/b", "acme/../nada"])
def test_a_client_is_a_folder_of_data_and_nothing_else(root, client):
    assert "allowed: acme, nada" in str(refused(root, f"client: {client}\nentries:\n  drivers:\n"))


def test_what_is_given_replaces_what_the_file_says_and_is_published_apart(root):
    text = "client: acme\nlanguage: es\nentries:\n  drivers: {parameters: {seed: 1, where: a > 1}}\n"
    made = study(
        root, text, client="nada", language="en", given={"where": Plain("a < 1"), "seed": Plain("9")}
    )
    (entry,) = made.entries
    assert (made.client, made.language) == ("nada", "en")
    assert (entry.parameters["where"], entry.parameters["seed"]) == ("a < 1", 9)
    assert made.name.startswith("acme-client-nada-language-en-where-a-1-seed-9-")
    assert study(root, text).name == "acme"
    assert "which drivers does not declare" in str(refused(root, text, given={"horizon": Plain("3")}))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\na: 2\n", r"a again \(first at line 1\)"),
        ("a: &x [1]\nb: *x\n", r"line 2: tags \(!\) and aliases"),
        ("a: !!python/object/apply:os.system [id]\n", r"line 1: tags \(!\) and aliases"),
        ("a: [1\nb: 2\n", "is not YAML: line 2"),
        ("- a\n", "does not hold `name: value` lines"),
        ("", "does not hold `name: value` lines"),
        ("a: \x01\n", "is not YAML"),
        ("a: " + "[" * 30 + "]" * 30, "nested more than 20 times"),
        ("a: '" + "x" * 1_000_001 + "'", "has more than 1000000 bytes"),
    ],
)
def test_yaml_that_is_not_read(tmp_path, text, said):
    path = tmp_path / "s.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ParameterError, match=said):
        document(path)


def test_yaml_scalars_keep_what_was_written(tmp_path):
    path = tmp_path / "s.yaml"
    path.write_bytes("\ufeffa: 007\nb: NO\nc: 22:30\nd: ~\ne: '5'\nf: 1_000\n".encode())
    content = document(path).content
    assert content == {"a": "007", "b": "NO", "c": "22:30", "d": None, "e": "5", "f": "1_000"}
    assert isinstance(content["a"], Plain)
    assert not isinstance(content["e"], Plain)
    path.write_bytes(b"a: \xff\n")
    with pytest.raises(ParameterError, match="is not UTF-8 text"):
        document(path)
    with pytest.raises(ParameterError, match="cannot be read: No such file"):
        document(tmp_path / "none.yaml")


def test_a_notebook_by_itself(root):
    made = of_notebook(
        "drivers", root=root, client="nada", language="en", given={"where": Plain("region != 'RM'")}
    )
    (entry,) = made.entries
    assert (made.name, made.client, made.language, made.loose) == ("nada-single", "nada", "en", True)
    assert entry.id.startswith("drivers-where-region-rm-")
    assert entry.parameters["where"] == "region != 'RM'"
    assert of_notebook("drivers", root=root).entries[0].id == "drivers"


def test_a_notebook_from_any_path(root, tmp_path):
    write_notebook(tmp_path / "mío" / "Mi análisis.ipynb", "x: int = 1")
    made = of_notebook(str(tmp_path / "mío" / "Mi análisis.ipynb"), root=root, given={"x": Plain("2")})
    assert made.name == "notebooks-single"
    assert made.entries[0].id == "mi-analisis-x-2"
    with pytest.raises(ParameterError, match="which Mi análisis does not declare"):
        of_notebook(str(tmp_path / "mío" / "Mi análisis.ipynb"), root=root, client="acme")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"client": "acmee"}, "did you mean acme?"),
        ({"language": "fr"}, "es | en"),
        ({"given": {"outcme": Plain("nps")}}, "did you mean outcome?"),
        ({"given": {"since": Plain("2025-13-01")}}, "a date as 2025-12-31"),
    ],
)
def test_a_notebook_by_itself_is_checked_first(root, options, said):
    with pytest.raises(ParameterError) as error:
        of_notebook("drivers", root=root, **options)
    assert said in str(error.value)


def test_a_notebook_that_is_not_there(root):
    with pytest.raises(
        ParameterError, match=r'there is no notebook "drivres"; there are: drivers, plain, retention'
    ):
        named_notebook("drivres", root)
    with pytest.raises(ParameterError, match="Did you mean drivers?"):
        named_notebook("drivres", root)
    with pytest.raises(ParameterError, match="A path to an .ipynb file will do too"):
        named_notebook("../../etc/passwd", root)
    study(root, "client: acme\nentries: {drivers: }\n")
    with pytest.raises(ParameterError, match="a study of that name: cxlab run reports/acme.yaml"):
        named_notebook("acme", root)
    assert [path.stem for path in notebooks(root)] == ["drivers", "plain", "retention"]


def test_the_workbench_is_the_nearest_folder_or_the_one_named(root, monkeypatch, tmp_path):
    monkeypatch.delenv("CXLAB_ROOT", raising=False)
    monkeypatch.chdir(root / "reports")
    assert workbench() == root.resolve()
    assert workbench(root) == root.resolve()
    with pytest.raises(WorkbenchError, match="is not a workbench"):
        workbench(tmp_path)


def test_a_filter_that_cannot_be_read_is_refused_before_any_kernel(root):
    with pytest.raises(ParameterError, match=r"-p where: .*cannot be understood"):
        of_notebook("drivers", root=root, given={"where": "region = 'RM'"})
    text = "client: nada\nentries:\n  drivers:\n    grid: {where: [region == 'V', import os]}\n"
    (problem,) = refused(root, text).problems
    assert (problem.row, problem.column) == (3, "entries.drivers.where")
    assert "cannot be understood" in problem.found


def test_what_is_given_outright_is_named_as_it_was_given(root):
    with pytest.raises(ParameterError) as error:
        of_notebook("drivers", root=root, given={"levl": 0.9}, client="acm")
    assert "  - -p levl: found" in str(error.value)


def test_a_study_that_is_not_there_names_those_that_are(root):
    study(root, "client: acme\nentries: {drivers: }\n")
    with pytest.raises(ParameterError, match=r'no study "acm.yaml"; there are: acme. Did you mean acme\?'):
        read_study(root / "reports/acm.yaml", root=root)


def test_points_are_listed_and_combined_with_a_grid(root):
    text = (
        "entries:\n  sens:\n    notebook: drivers\n    grid: {level: [0.9, 0.950]}\n    points:\n"
        "      - {outcome: pxi}\n      - {seed: 2, outcome: nps}\n      - {}\n"
    )
    made = study(root, text).entries
    assert [entry.id for entry in made] == [
        "sens-outcome-pxi-level-0.9", "sens-outcome-pxi-level-0.95",
        "sens-outcome-nps-seed-2-level-0.9", "sens-outcome-nps-seed-2-level-0.95",
        "sens-level-0.9", "sens-level-0.95",
    ]  # fmt: skip
    assert {(entry.name, entry.sweep) for entry in made} == {("sens", "sens")}
    assert made[2].choices == {"outcome": "nps", "seed": 2, "level": 0.9}
    assert made[4].parameters["seed"] == 1
    # An id tells values, not how they were written or in which order.
    other = text.replace("0.950", "95e-2").replace("seed: 2, outcome: nps", "outcome: 'nps', seed: 2")
    assert [entry.id for entry in study(root, other).entries] == [entry.id for entry in made]
    alone = study(root, "entries:\n  sens: {notebook: drivers, points: [{}, {by: [a, b]}]}\n").entries
    assert alone[0].id == "sens"
    assert alone[0].sweep == "sens"
    assert alone[1].id.startswith("sens-by-a-b-")


def test_every_problem_of_points_at_once_with_its_line(root):
    error = refused(
        root,
        "entries:\n  a:\n    notebook: drivers\n    parameters: {by: [x]}\n    grid: {level: [0.9]}\n"
        "    points:\n      - {outcome: pxi}\n      - {outcome: 'pxi', seed: 1}\n      - 5\n"
        "      - outcme: nps\n        level: 0.9\n        by: [y]\n      - {seed: x}\n"
        "  b: {notebook: drivers, points: []}\n  c: {notebook: drivers, points: {outcome: pxi}}\n",
    )
    assert {(p.column.removeprefix("entries."), p.row) for p in error.problems} == {
        ("a.points.2", 8), ("a.points.3", 9), ("a.points.4.outcme", 10), ("a.points.4.level", 11),
        ("a.points.4.by", 12), ("a.points.5.seed", 13), ("b.points", 14), ("c.points", 15),
    }  # fmt: skip
    assert "the same values as point 1" in str(error)
    assert 'found "by", which the entry gives as well' in str(error)


def test_an_entry_comes_after_those_it_names(root):
    text = (
        "entries:\n  last: {notebook: drivers, after: middle}\n"
        "  middle: {notebook: drivers, after: [first, sens]}\n"
        "  first: {notebook: drivers}\n  sens: {notebook: drivers, grid: {outcome: [nps, pxi]}}\n"
    )
    made = study(root, text)
    assert [[entry.id for entry in stage] for stage in stages(made.entries)] == [
        ["first", "sens-outcome-nps", "sens-outcome-pxi"], ["middle"], ["last"],
    ]  # fmt: skip
    assert made.entries[1].after == ("first", "sens")


def test_unknown_names_and_circles_of_after_are_refused_with_the_rest(root):
    error = refused(
        root,
        "entries:\n  a: {notebook: drivers, after: b}\n  b: {notebook: drivers, after: [a, frist]}\n"
        "  first: {notebook: drivers, after: first}\n  c: {notebook: drivers, after: {x: y}, seed: 1}\n",
    )
    told = {(p.column, p.row): str(p) for p in error.problems}
    assert set(told) == {
        ("entries.a.after", 2), ("entries.b.after", 3), ("entries.first.after", 4),
        ("entries.c.after", 5), ("entries.c.seed", 5),
    }  # fmt: skip
    assert "wait for each other: a → b → a" in told["entries.a.after", 2]
    assert "allowed: a, first, c. did you mean first?" in told["entries.b.after", 3]
    assert "first → first" in told["entries.first.after", 4]


@pytest.mark.parametrize(
    ("keys", "wrong"),
    [
        ("after: sens", True),
        ("after: [drivers, sens], parameters: {sweep: other}", True),
        ("after: sens, parameters: {sweep: sens}", False),
        ("after: sens, parameters: {study: other}", False),  # what another study published is there, or told
        ("parameters: {sweep: other}", False),
    ],
)
def test_a_sweep_that_is_read_is_one_that_is_waited_for(root, keys, wrong):
    write_notebook(root / "notebooks/reader.ipynb", CELL + 'study: str = ""\nsweep: str = "choices"\n')
    text = f"client: acme\nentries:\n  drivers:\n  sens: {{notebook: drivers}}\n  reader: {{{keys}}}\n"
    if not wrong:
        study(root, text)
        return
    (problem,) = refused(root, text).problems
    assert (problem.row, problem.column) == (5, "entries.reader.sweep")
    assert problem.allowed.endswith("sens")
    assert problem.action.startswith("did you mean ")


def test_a_notebook_that_reads_a_study_is_given_its_name(root):
    write_notebook(root / "notebooks/reader.ipynb", CELL + 'study: str = ""\n')
    text = (
        "client: acme\nentries:\n  reader:\n  own: {notebook: reader, parameters: {study: other}}\n"
        "  drivers:\n"
    )
    plain = study(root, text).entries
    assert [entry.parameters.get("study") for entry in plain] == ["acme", "other", None]
    moved = study(root, text, client="nada")
    assert moved.entries[0].parameters["study"] == moved.name == "acme-client-nada"


@pytest.mark.parametrize(("name", "points"), [("fibra_cordillera", 8), ("sfo_2017_sweep", 48)])
def test_the_sweeps_that_ship_have_the_points_that_their_papers_name(name, points, tmp_path):
    project = Path(__file__).parents[1]
    (tmp_path / "notebooks").symlink_to(project / "notebooks")
    for client in ("fibra_cordillera", "sfo_2017"):  # the demo's is built, not shipped
        (tmp_path / "data" / client).mkdir(parents=True)
    made = read_study(project / "reports" / f"{name}.yaml", root=tmp_path)
    (paper,) = (entry for entry in made.entries if entry.notebook.stem == "sensitivity")
    swept = [entry.id for entry in made.entries if entry.name == paper.parameters["sweep"]]
    assert len(swept) == points
    assert (paper.parameters["study"], paper.after) == (name, (paper.parameters["sweep"],))
    assert paper.parameters["reference"] in ("", *swept)
