import json
import re
import zipfile

import openpyxl
import pytest
from intake_clients import SURVEY, write_client

from cxlab.errors import InputError
from cxlab.intake import dataset, revision

SECRETS = {
    "rut": "12.345.678-5",
    "mail": "ana.araya@ejemplo.cl",
    "phone": "+56 9 8765 4321",
    "card": "4111 1111 1111 1111",
}
PAYLOADS = ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", '=HYPERLINK("http://x.cl","x")']


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("CXLAB_ID_KEY", "a key for tests only")


def reviewed(root, declaration, files):
    """Check a client; return the report and its workbook."""
    report = dataset.check(write_client(root, declaration, files), "acme", strict=False)
    return report, openpyxl.load_workbook(root / "data/acme/revision.xlsx")


def rows(sheet, top=1):
    return [list(row) for row in sheet.iter_rows(min_row=top + 1, values_only=True)]


def dirty(*, excluded="pruebas"):
    declaration = (
        "name: {es: Fibra, en: Fibre}\nlanguage: es\npurpose: prueba\nretain_until: 2090-01-01\nsources:\n"
        "  - file: raw/s.csv\n    table: survey_responses\n    scales: {ease: [1, 7]}\n    drop: [Tel]\n"
        f"    exclude: [{{where: \"region == 'T'\", reason: {json.dumps(excluded)}}}]\n"
        "  - file: raw/c.csv\n    table: customers\n"
    )
    survey = ["response_id,customer_id,ease,mode,region,note,Tel,Otra"]
    survey += [
        f"r{n},c{n},{9 if n == 3 else 5},{'fax' if n == 4 else 'email'},{'T' if n < 2 else 'V'},,x,y"
        for n in range(30)
    ]
    survey += [f'r30,c1,4,email,V,"{SECRETS["mail"]} {SECRETS["rut"]}",{SECRETS["phone"]},{SECRETS["card"]}']
    customers = ["customer_id,duration,event"] + [f"c{n},{n + 1},{n % 2}" for n in range(20)]
    return declaration, {"s.csv": "\n".join(survey) + "\n\n", "c.csv": "\n".join(customers) + "\n"}


def test_the_workbook_has_every_sheet_in_the_clients_language_even_when_it_stops(tmp_path):
    report, book = reviewed(tmp_path, *dirty())
    assert book.sheetnames == [
        "Resumen",
        "Problemas",
        "Avisos",
        "Filas leídas",
        "Columnas no usadas",
        "Encuestas y clientes",
    ]
    summary = book["Resumen"]
    assert summary["A1"].value == "Revisión de los archivos de Fibra"
    assert summary["A2"].value == f"{len(report.problems)} problemas: no se guarda nada hasta resolverlos"
    states = {row[0]: row[3] for row in rows(summary, 4)}
    assert set(states) == set(range(1, 27))
    assert (states[2], states[3]) == ("problemas: 1", "problemas: 1")
    assert states[10] == "sin revisar: falta survey_responses.duration_s"
    assert states[1] == "se cumple"
    found = rows(book["Problemas"])
    assert len(found) == len(report.problems)
    assert [3, "raw/s.csv", "ease", 5, 1, "'9'", "1 a 7"] in [row[:7] for row in found]
    assert all(row[7] for row in found)
    assert len(rows(book["Avisos"])) == len(report.warnings)
    with pytest.raises(InputError):
        dataset.check(tmp_path, "acme")
    assert not (tmp_path / "data/acme/tables").exists()


def test_it_speaks_english_to_a_client_that_does(tmp_path):
    declaration, files = dirty()
    _, book = reviewed(tmp_path, declaration.replace("language: es", "language: en"), files)
    assert book.sheetnames == [
        "Summary",
        "Problems",
        "Warnings",
        "Rows read",
        "Columns not used",
        "Surveys and customers",
    ]
    assert book["Summary"]["A1"].value == "Review of the files of Fibre"
    assert [row[1] for row in rows(book["Summary"], 4)][:2] == ["Repeated keys", "Unknown categories"]


def test_the_rows_read_add_up_file_by_file(tmp_path):
    report, book = reviewed(tmp_path, *dirty())
    whole: dict[str, list[int]] = {}
    parts: dict[str, int] = {}
    for _, file, read, used, excluded, part, reason in rows(book["Filas leídas"]):
        if part is None:
            whole[file] = [read, used, excluded]
        else:
            assert reason
            parts[file] = parts.get(file, 0) + part
    assert whole == {"raw/s.csv": [32, 29, 3], "raw/c.csv": [20, 20, 0]}
    assert all(read == used + excluded for read, used, excluded in whole.values())
    assert parts == {"raw/s.csv": 3}
    assert {row[6] for row in rows(book["Filas leídas"]) if row[6]} == {"líneas vacías", "pruebas"}
    unused = [row[2:] for row in rows(book["Columnas no usadas"])]
    assert ["Tel", "se dejó fuera a propósito"] in unused
    assert ["Otra", "ninguna tabla la necesita"] in unused
    assert report.ledger["read"].sum() == 52


def test_match_rates_are_numbers_shown_as_percentages(tmp_path):
    _, book = reviewed(tmp_path, *dirty())
    sheet = book["Encuestas y clientes"]
    assert rows(sheet)[0] == ["todas", None, 29, 19, pytest.approx(19 / 29)]
    assert sheet.cell(2, 5).number_format == "0.0%"


def test_no_value_of_a_person_is_in_it_after_unpacking(tmp_path):
    declaration, files = dirty()
    headers = files["s.csv"].replace("Otra", SECRETS["mail"], 1)
    reviewed(tmp_path, declaration, files | {"s.csv": headers})
    with zipfile.ZipFile(tmp_path / "data/acme/revision.xlsx") as parts:
        text = "\n".join(parts.read(name).decode("utf-8", "replace") for name in parts.namelist())
    for secret in SECRETS.values():
        assert secret not in text
        digits = re.sub(r"\D", "", secret)
        assert not digits or digits not in text
    assert "ana.araya" not in text
    assert str(tmp_path) not in text


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_looks_like_a_formula_is_a_text(tmp_path, payload):
    declaration, files = dirty(excluded=payload)
    files["s.csv"] = (
        files["s.csv"]
        .replace("fax", '"' + payload.replace('"', '""') + '"')
        .replace("Otra", f'"{payload.replace(chr(34), chr(34) * 2)}"', 1)
    )
    _, book = reviewed(tmp_path, declaration, files)
    texts = [
        cell for sheet in book for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str)
    ]
    assert [cell for cell in texts if payload in str(cell.value)]
    assert not [cell.coordinate for cell in texts if cell.data_type != "s"]
    assert all(cell.quotePrefix for cell in texts if cell.value == payload)
    with zipfile.ZipFile(tmp_path / "data/acme/revision.xlsx") as parts:
        assert not any(b"<f>" in parts.read(name) for name in parts.namelist() if "worksheets" in name)


def test_the_same_outcome_gives_the_same_bytes(tmp_path, monkeypatch):
    dataset.check(write_client(tmp_path, *dirty()), "acme", strict=False)
    first = (tmp_path / "data/acme/revision.xlsx").read_bytes()
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    dataset.check(write_client(tmp_path / "otra", *dirty()), "acme", strict=False)
    assert (tmp_path / "otra/data/acme/revision.xlsx").read_bytes() == first
    with zipfile.ZipFile(tmp_path / "data/acme/revision.xlsx") as parts:
        assert {part.date_time for part in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert b"2000-01-01T00:00:00Z" in parts.read("docProps/core.xml")


def test_heads_stay_in_view_and_texts_are_wrapped(tmp_path):
    _, book = reviewed(tmp_path, *dirty())
    assert book["Resumen"].freeze_panes == "A5"
    assert {sheet.freeze_panes for sheet in book.worksheets[1:]} == {"A2"}
    for sheet in book:
        head = sheet.cell(4 if sheet.title == "Resumen" else 1, 1)
        assert head.font.bold
        assert sheet.column_dimensions["B"].width >= 20
        assert head.alignment.wrap_text


def test_a_check_that_holds_says_so(tmp_path):
    report = dataset.check(write_client(tmp_path, SURVEY), "acme")
    book = openpyxl.load_workbook(tmp_path / "data/acme/revision.xlsx")
    assert (
        book["Resumen"]["A2"].value
        == f"Los archivos se leyeron y se guardaron; {len(report.warnings)} avisos"
    )
    assert not rows(book["Problemas"])
    path = tmp_path / "again.xlsx"
    revision.write(report, path)
    assert path.read_bytes() == (tmp_path / "data/acme/revision.xlsx").read_bytes()
