"""A new wave: its folder, the declared file that each new one goes on from, and what changed in it."""

import os

import openpyxl
import pytest
from intake_clients import write_client

from cxlab import cli
from cxlab.errors import InputError
from cxlab.intake import dataset
from cxlab.intake.proposals.proposal import source_of
from cxlab.intake.proposals.propose import propose
from cxlab.intake.proposals.waves import changes, open_wave

QUESTIONS = {
    "Q1": "¿Qué tan fácil le resultó? (1 a 7)",
    "Q2": "Con nota de 1 a 7, ¿cómo evalúa la amabilidad?",
    "Q3": "Con nota de 1 a 7, ¿cómo evalúa la boleta?",
}
DECLARED = """
name: Test
data_date: 2025-12-31
sources:
  - file: raw/W1/survey.csv
    table: survey_responses
    layout: qualtrics
    names: {ResponseId: response_id, RUT: customer_id, Zona: region, Q1: ease, Q2: attr_kind, Q3: attr_bill}
    constants: {wave_id: W1}
    scales: {ease: [1, 7], attr_kind: [1, 7], attr_bill: [1, 7]}
    missing: {"*": {99: dont_know}}
    reverse: [attr_bill]
  - file: raw/W1/crm.csv
    table: customers
    encoding: latin-1
    names: {Código: customer_id, Alta: start_date, Corte: observation_end, Región: region}
    drop: [Nombre]
"""


def survey(questions, rows):
    names = ["ResponseId", "RUT", "Zona", *questions]
    head = [names, [*names[:3], *questions.values()], [f'{{""ImportId"":""{name}""}}' for name in names]]
    lines = [",".join(f'"{cell}"' for cell in row) for row in head]
    return "\n".join([*lines, *(",".join(map(str, row)) for row in rows)]) + "\n"


def answers(prefix, points=7, extra=()):
    zones = ("Norte", "Sur")
    rows = [
        [f"{prefix}{n}", f"c{n}", zones[n % 2], n % 7 + 1, (n * 3) % 7 + 1, n % points + 1]
        for n in range(140)
    ]
    return [*rows, *extra]


def crm(cut, encoding="latin-1", price="Corte"):
    head = f"Código,Nombre,Alta,{price},Región\n"
    return (head + "".join(f"c{n},N{n},2024-01-{n % 28 + 1:02},{cut},Sur\n" for n in range(140))).encode(
        encoding
    )


@pytest.fixture
def root(tmp_path):
    """A client whose first wave is checked."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "reports").mkdir()
    (tmp_path / "data" / "acme" / "raw" / "W1").mkdir(parents=True)
    files = {"W1/survey.csv": survey(QUESTIONS, answers("a")), "W1/crm.csv": crm("2025-03-31")}
    write_client(tmp_path, DECLARED, files)
    dataset.check(tmp_path, "acme")
    return tmp_path


def deliver(root, files):
    folder = open_wave(root, "acme", "W2")
    for name, content in files.items():
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)


def proposed(root, name):
    return next(each for each in propose(root, "acme", wave="W2").files if each.file == f"raw/W2/{name}")


EDITED = {
    "Q1": QUESTIONS["Q1"],
    "Q2": QUESTIONS["Q3"],  # kindness went out, the bill slid under its name
    "Q3": "Con nota de 1 a 7, ¿cómo evalúa el wifi?",
}


# The folder


def test_a_wave_gets_its_folder_once(root):
    folder = open_wave(root, "acme", "2025T2")
    assert folder == root / "data" / "acme" / "raw" / "2025T2"
    assert folder.is_dir()
    assert open_wave(root, "acme", "2025T2") == folder
    if os.name == "posix":
        assert folder.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["", "..", "a/b", "../x", ".w", "ola 2", "x" * 41, "ana.perez@example.cl"])
def test_what_is_no_name_of_a_wave_is_refused(root, name):
    with pytest.raises(InputError, match="is not the name of a wave") as caught:
        open_wave(root, "acme", name)
    assert "ana.perez" not in str(caught.value)


def test_a_link_or_a_file_is_no_wave(root, tmp_path):
    (root / "data/acme/raw/W3").write_text("a file")
    with pytest.raises(InputError, match="raw/W3 is not a folder of acme"):
        open_wave(root, "acme", "W3")
    (tmp_path / "other").mkdir()
    (root / "data/acme/raw/W4").symlink_to(tmp_path / "other")
    with pytest.raises(InputError, match="raw/W4 is not a folder of acme"):
        open_wave(root, "acme", "W4")


def test_only_of_a_client_that_is_there(tmp_path):
    with pytest.raises(InputError, match="acme"):
        open_wave(tmp_path, "acme", "W2")


# What changed


def test_the_same_files_again_change_nothing(root):
    deliver(root, {"survey.csv": survey(QUESTIONS, answers("b")), "crm.csv": crm("2025-06-30")})
    assert changes(root, "acme", "W2") == {"raw/W2/crm.csv": (), "raw/W2/survey.csv": ()}


def test_changes_are_told_though_the_old_files_are_gone(root):
    for name in ("survey.csv", "crm.csv"):
        (root / "data/acme/raw/W1" / name).unlink()
    rows = answers("b", extra=[["x", "c1", "Oriente", 98, 4, 4]])
    deliver(root, {"survey.csv": survey(EDITED, rows), "crm.csv": crm("2025-06-30", "utf-8", "Cortes")})
    found = changes(root, "acme", "W2")
    assert [(each.kind, each.header, each.column) for each in found["raw/W2/survey.csv"]] == [
        ("code_new", "Zona", "region"),
        ("code_new", "Q1", "ease"),
        ("reused", "Q2", "attr_bill"),
        ("renamed", "Q2", "attr_bill"),
        ("reused", "Q3", ""),
        ("new", "Q3", ""),
        ("gone", "Q2", "attr_kind"),
    ]
    assert [(each.kind, each.header) for each in found["raw/W2/crm.csv"]] == [
        ("read", "encoding"),
        ("renamed", "Cortes"),
    ]


def test_another_format_is_told_and_the_columns_go_on(root):
    rows = [row.split(",") for row in crm("2025-06-30", "utf-8").decode().strip().split("\n")]
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    open_wave(root, "acme", "W2")
    book.save(root / "data/acme/raw/W2/crm.xlsx")
    found = changes(root, "acme", "W2")["raw/W2/crm.xlsx"]
    assert [(each.kind, each.header, each.before, each.after) for each in found][:1] == [
        ("read", "format", "csv", "excel")
    ]
    assert {each.kind for each in found} == {"read"}
    item = source_of(proposed(root, "crm.xlsx"))
    assert item["names"]["Código"] == "customer_id"
    assert "encoding" not in item


def test_a_file_that_goes_on_from_none_has_no_changes(root):
    deliver(root, {"tiendas.csv": "tienda,ciudad\n1,Talca\n2,Arica\n"})
    assert changes(root, "acme", "W2") == {}


# What is inherited


def test_keys_go_on_by_what_is_asked_and_not_by_name(root):
    deliver(root, {"survey.csv": survey(EDITED, answers("b"))})
    file = proposed(root, "survey.csv")
    columns = {each.header: each for each in file.columns}
    assert file.follows == "raw/W1/survey.csv"
    assert file.wave == "W2"
    assert (columns["Q2"].column, columns["Q2"].reverse, columns["Q2"].decision) == ("attr_bill", True, "")
    assert columns["Q3"].column != "attr_bill"
    assert columns["Q3"].decision == ""
    assert (columns["Q1"].column, columns["Q1"].decision) == ("ease", "use")
    item = source_of(file)
    assert item["constants"] == {"wave_id": "W2"}
    assert "attr_kind" not in str(item)


def test_a_scale_that_moved_waits_for_a_person(root):
    deliver(root, {"survey.csv": survey(QUESTIONS, answers("b", points=5))})
    column = {each.header: each for each in proposed(root, "survey.csv").columns}["Q3"]
    assert (column.column, column.decision) == ("attr_bill", "")
    assert "another scale: 1-7 → 1-5" in [str(reason) for reason in column.reasons]


def test_a_later_extract_of_customers_updates_the_earlier_one(root):
    deliver(root, {"crm.csv": crm("2025-06-30", "utf-8")})
    file = proposed(root, "crm.csv")
    item = source_of(file)
    assert (item["updates"], item["encoding"], item["drop"]) == ("raw/W1/crm.csv", "utf-8", ["Nombre"])
    assert not file.undecided


# The command and the workbook


def test_the_command_makes_the_folder_then_shows_only_what_changed(root, capsys):
    assert cli.main(["new", "acme", "--wave", "W2", "--root", str(root)]) == 0
    assert "put the wave's files there" in capsys.readouterr().out
    deliver(root, {"survey.csv": survey(EDITED, answers("b")), "crm.csv": crm("2025-06-30")})
    assert cli.main(["new", "acme", "--wave", "W2", "--root", str(root)]) == 0
    said = capsys.readouterr().out
    assert "it goes on from raw/W1/crm.csv: nothing changed" in said
    assert "it goes on from raw/W1/survey.csv; 5 changes:" in said
    assert "attr_bill (Q2)  another name, the same question: Q3 → Q2" in said
    assert "attr_kind (Q2)  no longer asked: Con nota de 1 a 7, ¿cómo evalúa la amabilidad?" in said
    assert "ease" not in said
    book = openpyxl.load_workbook(root / "data/acme/mapping.xlsx")
    rows = [[cell.value for cell in row] for row in book["cambios"].iter_rows(min_row=2)]
    assert [row[2] for row in rows] == ["Q2", "Q2", "Q3", "Q3", "Q2"]
    assert rows[1][:6] == ["raw/W2/survey.csv", "raw/W1/survey.csv", "Q2", "attr_bill",
                           "otro nombre, la misma pregunta", "Q3"]  # fmt: skip


def test_the_command_refuses_what_is_no_wave(root, capsys):
    assert cli.main(["new", "acme", "--wave", "../x", "--root", str(root)]) == 2
    assert "is not the name of a wave" in capsys.readouterr().err
    assert cli.main(["new", "otro", "--wave", "W2", "--root", str(root)]) == 2
