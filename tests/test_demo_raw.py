"""The dirty deliveries: truth.json tells what is in the files, and every dirt is told on the way in."""

import csv
import json
from collections import Counter

import openpyxl
import pyreadstat
import pytest

from cxlab import demo
from cxlab.intake.identifiers import identifier

FILES = {
    "2025T1": ("benchmark_2025T1.sav", "crm_2025T1.csv", "encuesta_2025T1.csv"),
    "2025T2": ("contactos_2025T2.xlsx", "crm_2025T2.csv", "encuesta_2025T2.csv"),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cruda")
    demo.build(folder, ["fibra_cruda"])
    return folder


@pytest.fixture(scope="module")
def folder(root):
    return root / "data" / "fibra_cruda"


@pytest.fixture(scope="module")
def planted(folder):
    return json.loads((folder / "truth.json").read_text(encoding="utf-8"))["dirt"]


def of(planted, kind, file=""):
    return [each for each in planted if each["kind"] == kind and file in each["file"]]


def survey(folder, wave):
    """Return the survey's rows by header, and the line on which each begins."""
    path = folder / "raw" / wave / f"encuesta_{wave}.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        rows, lines, before = [], [], 0
        for row in reader:
            rows.append(row)
            lines.append(before + 1)
            before = reader.line_num
    return [dict(zip(rows[0], row, strict=True)) for row in rows[3:]], lines[3:], rows[:3]


def crm(folder, wave, encoding):
    return (folder / "raw" / wave / f"crm_{wave}.csv").read_text(encoding=encoding).split("\n")


# The files hold what truth.json says, by a reading that is not ours


def test_every_dirt_points_at_a_file_and_says_how_it_is_told(folder, planted):
    assert {each["wave"] for each in planted} == set(FILES)
    for each in planted:
        assert (folder / each["file"]).is_file(), each
        assert each["told"] in ("problem", "warning", "ledger", "change"), each
        assert each["count"] > 0, each
        assert each["then"], each
    counted = Counter((each["file"], each["kind"], each["column"], each["line"]) for each in planted)
    assert max(counted.values()) == 1


@pytest.mark.parametrize("wave", FILES)
def test_survey_dirt_is_where_truth_says(folder, planted, wave):
    rows, lines, header = survey(folder, wave)
    line = dict(zip(lines, rows, strict=True))
    for each in of(planted, "undeclared_99", "encuesta_" + wave):
        assert line[each["line"]][each["column"]] == "99"
        assert sum(row[each["column"]] == "99" for row in rows) == each["count"]
    (said,) = of(planted, "number_and_text", wave)
    assert " - " in line[said["line"]][said["column"]]
    (breaks,) = of(planted, "line_breaks", wave)
    assert sum("\n" in row["Q9"] for row in rows) == breaks["count"] >= 15
    previews = of(planted, "preview_rows", wave) + of(planted, "test_rows", wave)
    assert sum(row["Status"] != "IP Address" for row in rows) == sum(each["count"] for each in previews)
    assert all(cell.startswith('{"ImportId"') for cell in header[2])
    assert all("@example.com" in row["RecipientEmail"] for row in rows)


def test_second_wave_was_edited(folder, planted):
    rows, _, (names, questions, _) = survey(folder, "2025T2")
    _, _, (names_before, questions_before, _) = survey(folder, "2025T1")
    asked, before = (
        dict(zip(names, questions, strict=True)),
        dict(zip(names_before, questions_before, strict=True)),
    )
    assert asked["NPS"] == before["Q2"]
    assert "Q2" not in asked
    assert asked["Q5_5"] == before["Q5_6"]  # the name now asks another thing
    assert {int(row["Q5_2"]) for row in rows if row["Q5_2"] != "99"} == {1, 2, 3, 4, 5}
    assert sum(row["Q3"] == "98" for row in rows) == 11
    assert sum(row["Medio"] == "WhatsApp" for row in rows) == of(planted, "new_value")[0]["count"]


def test_repeated_ids_are_thirty_seven(folder, planted):
    rows, lines, _ = survey(folder, "2025T2")
    seen, exact, changed = {}, [], []
    for row, line in zip(rows, lines, strict=True):
        first = seen.setdefault(row["ResponseId"], row)
        if first is not row:
            (exact if first == row else changed).append(line)
    assert (len(exact), len(changed)) == (21, 16)
    told = {each["kind"]: each for each in planted if each["kind"].startswith("repeated")}
    assert (told["repeated_exactly"]["line"], told["repeated_exactly"]["count"]) == (exact[0], 21)
    assert (told["repeated_changed"]["line"], told["repeated_changed"]["count"]) == (changed[0], 16)


def test_personal_data_in_comments(folder, planted):
    rows, lines, _ = survey(folder, "2025T2")
    found = {}
    for row, line in zip(rows, lines, strict=True):
        if kind := identifier(row["Q9"]):
            found.setdefault(kind, []).append(line)
    told = of(planted, "personal_in_comment")
    assert {kind: len(at) for kind, at in found.items()} == {"RUT": 2, "e-mail": 1}
    assert sorted((at[0], len(at)) for at in found.values()) == sorted(
        (each["line"], each["count"]) for each in told
    )
    first, _, _ = survey(folder, "2025T1")
    assert not any(identifier(row["Q9"]) for row in first)


def test_crm_extracts(folder, planted):
    first, second = crm(folder, "2025T1", "latin-1"), crm(folder, "2025T2", "utf-8")
    with pytest.raises(UnicodeDecodeError):
        crm(folder, "2025T1", "utf-8")
    (total,), (footer,) = of(planted, "totals_row", "crm"), of(planted, "footer")
    assert first[total["line"] - 1].startswith("Total;")
    assert first[footer["line"] - 1].startswith("Fuente: CRM")
    assert not any(line.startswith(("Total;", "Fuente")) for line in second)
    assert "CARGO_MENSUAL" in first[0]
    assert "CARGO_MES" in second[0]
    for text, wave in ((first, "2025T1"), (second, "2025T2")):
        (tests,) = of(planted, "test_accounts", wave)
        assert sum(";Prueba;" in line for line in text) == tests["count"] == 15


def test_benchmark_declares_nothing_missing(folder, planted):
    path = folder / "raw" / "2025T1" / "benchmark_2025T1.sav"
    frame, meta = pyreadstat.read_sav(path, user_missing=True)
    assert meta.missing_ranges == {}
    for each in of(planted, "undeclared_99", "benchmark"):
        assert (frame[each["column"]] == 99).sum() == each["count"]
        assert frame[each["column"]][each["line"] - 1] == 99
        assert meta.variable_value_labels[each["column"]][99.0] == "NS/NR"


def test_contacts_stand_on_the_second_sheet(folder, planted):
    book = openpyxl.load_workbook(folder / "raw" / "2025T2" / "contactos_2025T2.xlsx")
    assert book.sheetnames == ["Portada", "Contactos"]
    sheet = book["Contactos"]
    assert sorted(str(each) for each in sheet.merged_cells.ranges) == ["A3:D3", "F3:H3"]
    (total,), (dates,) = of(planted, "totals_row", "contactos"), of(planted, "serial_dates")
    assert sheet.cell(total["line"], 1).value == "Total"
    assert isinstance(sheet.cell(dates["line"], 2).value, int)
    assert total["line"] == 4 + dates["count"] + 1


def test_what_a_person_declared_stays(root, folder):
    declared = (folder / "client.yaml").read_text(encoding="utf-8")
    (folder / "client.yaml").write_text(declared + "# read by a person\n", encoding="utf-8")
    demo.build(root, ["fibra_cruda"])
    assert (folder / "client.yaml").read_text(encoding="utf-8").endswith("# read by a person\n")
    (folder / "client.yaml").write_text(declared, encoding="utf-8")
