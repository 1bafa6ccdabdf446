"""The dirty deliveries: truth.json tells what is in the files, and every dirt is told on the way in."""

import csv
import json
from collections import Counter

import openpyxl
import pyreadstat
import pytest

from cxlab import demo
from cxlab.demo import exports, extracts
from cxlab.intake import dataset
from cxlab.intake.privacy.identifiers import identifier

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


# Every dirt is told before anything is declared about it


def survey_names(headers):
    own = {header: name for name, header in headers.items()}
    export = {
        "ResponseId": "response_id",
        "RecordedDate": "responded_at",
        "Duration (in seconds)": "duration_s",
    }
    return export | {"RUT": "customer_id", "Medio": "mode", "Q6": "attr_called", "Q9": "verbatim"} | own


def crm_names(price):
    dates = {"FECHA_ALTA": "start_date", "FECHA_BAJA": "end_date", "FECHA_CORTE": "observation_end"}
    return {"RUT": "customer_id", "SEGMENTO": "segment", price: "attr_price"} | dates


CRM_1, CRM_2 = "raw/2025T1/crm_2025T1.csv", "raw/2025T2/crm_2025T2.csv"
SURVEY_1, SURVEY_2 = "raw/2025T1/encuesta_2025T1.csv", "raw/2025T2/encuesta_2025T2.csv"
BENCHMARK, CONTACTS = "raw/2025T1/benchmark_2025T1.sav", "raw/2025T2/contactos_2025T2.xlsx"
NAMED = {
    CRM_1: ("customers", crm_names("CARGO_MENSUAL")),
    CRM_2: ("customers", crm_names("CARGO_MES")),
    SURVEY_1: ("survey_responses", survey_names(exports.FIRST)),
    SURVEY_2: ("survey_responses", survey_names(exports.SECOND)),
    BENCHMARK: (
        "benchmark_responses",
        {"ENCUESTADO": "respondent_id", "MARCA": "peer_id", **extracts.BENCHMARK},
    ),
    CONTACTS: ("interactions", {"ID": "interaction_id", "Fecha": "ts_start", "RUT": "customer_id"}),
}


def scales(file):
    rated = {*exports.FIRST, *exports.SECOND}
    return {
        "scales": {n: [0, 10] if n == "recommend" else [1, 7] for n in NAMED[file][1].values() if n in rated}
    }


# What is declared, little by little: each step lets the check see further into the files.
AS_READ = {
    CRM_1: {"encoding": "latin-1", "skip_at_end": 2},
    CONTACTS: {"sheet": "Contactos", "header_row": 4},
    SURVEY_1: {"layout": "qualtrics"},
    SURVEY_2: {"layout": "qualtrics"},
}
STEPS = (
    {},
    {CRM_1: {"encoding": "latin-1"}, CONTACTS: {"sheet": "Contactos"}},
    {CRM_1: {"encoding": "latin-1", "skip_at_end": 1}, CONTACTS: {"sheet": "Contactos", "header_row": 3}},
    AS_READ,
    {file: {**AS_READ.get(file, {}), **scales(file)} for file in NAMED},
    {file: {**AS_READ.get(file, {}), **scales(file), "missing": {"*": ["99"]}} for file in NAMED},
)
# The words by which the check tells each kind of dirt.
WORDS = {
    "header_rows": "ImportId", "prose": "sentences that people wrote", "speeders": "third of the median",
    "undeclared_99": "'99'", "number_and_text": "`leading_number", "reversed": "either way",
    "asked_to_some": "asked_if", "repeated_exactly": "again", "repeated_changed": "again",
    "personal_in_comment": "looks like personal data", "encoding": "not utf-8 text", "totals_row": "",
    "footer": "found 1 fields", "decimal_comma": "decimal ,", "day_first": "%d-%m-%Y",
    "test_accounts": "looks like a test", "sheets": "2 sheets and none named", "title_rows": "a title",
    "merged_header": "header", "serial_dates": "Excel serial number",
    "other_scale": "another scale was asked", "new_code": "'98'", "new_value": "'WhatsApp'",
}  # fmt: skip
COUNTED = (
    "undeclared_99", "number_and_text", "decimal_comma", "day_first", "test_accounts", "serial_dates",
    "new_code", "new_value", "personal_in_comment",
)  # fmt: skip


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What the check says of the deliveries, step by step."""
    root = tmp_path_factory.mktemp("told")
    demo.build(root, ["fibra_cruda"])
    path = root / "data" / "fibra_cruda" / "client.yaml"
    head = path.read_text(encoding="utf-8").partition("\nsources:")[0]
    found = []
    for step in STEPS:
        sources = []
        for file, (table, names) in NAMED.items():
            wave = {"constants": {"wave_id": file.split("/")[1]}} if table == "survey_responses" else {}
            sources.append({"file": file, "table": table, "names": names, **wave, **step.get(file, {})})
        path.write_text(f"{head}\nsources: {json.dumps(sources, ensure_ascii=False)}\n", encoding="utf-8")
        report = dataset.check(root, "fibra_cruda", strict=False)
        found.append([*report.problems, *report.warnings])
    return found


def saying(problems, dirt):
    """The problems that tell a dirt."""
    names = {dirt["column"], dirt["column"].split(" ", 1)[-1], NAMED[dirt["file"]][1].get(dirt["column"]), ""}
    return [
        each
        for each in problems
        if dirt["file"] in each.file
        and dirt["rule"] in (0, each.rule)
        and (not dirt["column"] or each.column in names)
        and WORDS[dirt["kind"]] in str(each)
        and (dirt["kind"] != "totals_row" or each.row == dirt["line"])
        and (dirt["kind"] != "personal_in_comment" or f"({dirt['says'].split()[5]})" in str(each))
    ]


def test_every_dirt_is_told_until_it_is_declared(told, planted):
    asked = [each for each in planted if each["told"] in ("problem", "warning") or each["kind"] in WORDS]
    assert len(asked) > 60
    for dirt in asked:
        steps = [saying(problems, dirt) for problems in told]
        assert any(steps), dirt
        if dirt["kind"] in COUNTED:
            sums = [(min(p.row for p in found), sum(p.count for p in found)) for found in steps if found]
            assert (dirt["line"], dirt["count"]) in sums or (0, dirt["count"]) in sums, (dirt, sums)


def test_every_repeated_id_is_told(told, planted):
    again = [each for each in told[-1] if each.rule == 1 and each.file == SURVEY_2]
    assert sum(each.count for each in again) == 37
    (first,) = of(planted, "repeated_exactly")
    assert min(each.row for each in again) == first["line"]  # the first twenty by line, the others counted


def test_no_message_shows_who_somebody_is(told):
    text = "\n".join(str(each) for problems in told for each in problems)
    assert "@" not in text
    assert identifier(text) is None
