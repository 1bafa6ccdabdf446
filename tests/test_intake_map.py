"""`cxlab map`: what is proposed of a client's files, the workbook that shows it, and what is confirmed."""

import io
import re
import zipfile

import pytest
import yaml
from openpyxl import Workbook, load_workbook

from cxlab import cli
from cxlab.errors import InputError
from cxlab.intake import dataset
from cxlab.intake.client import load
from cxlab.intake.declared.source_text import with_sources
from cxlab.intake.files.dialects import found_dialect, found_marks
from cxlab.intake.files.encodings import found_encoding
from cxlab.intake.files.headers import found_header
from cxlab.intake.proposals.confirmation import confirm
from cxlab.intake.proposals.mapping_book import edited, write
from cxlab.intake.proposals.propose import propose
from tests.intake_clients import write_client

RUTS = ("12.345.678-5", "11.111.112-8", "9.876.543-3", "7.654.321-6")
NO_SOURCES = "# who it is\nname: Test\nlanguage: es\nsources: []  # nothing yet\n\n# the end\nlabels: {}\n"
SURVEY = (
    "Informe de encuesta 2T;;;;;;;;\n"
    "Folio;RUT;Correo;Región;Fecha respuesta;¿Recomendaría la empresa? (0 a 10);P2_1 Facilidad (1 a 7);"
    "P3 Esfuerzo 1 Muy fácil 7 Muy difícil;Comentario\n"
)
REGIONS = ("Región Metropolitana", "region metropolitana", "Norte", "Sur ")


def survey(rows=60):
    lines = [
        f"F{n:03};{RUTS[n % 4]};ana{n}@correo.example.cl;{REGIONS[n % 4]};{n % 28 + 1:02}/03/2025;{n % 11};"
        f"{99 if n % 20 == 7 else n % 7 + 1};{n % 7 + 1};Me atendió Juan Pérez {n} y quedé conforme con todo"
        for n in range(rows)
    ]
    return (SURVEY + "\n".join(lines) + "\nTotal;;;;;300;;;\n").encode("latin-1")


def client_with(root, files, declaration=NO_SOURCES):
    return write_client(root, declaration, files)


def column(proposal, header):
    return next(each for each in proposal.files[0].columns if each.header == header)


def one_column(root, header, cells, extra=""):
    """Propose a survey of one column beside its id; return that column's proposal."""
    text = f"Folio,{header}\n" + "".join(f"r{n},{cell}\n" for n, cell in enumerate(cells))
    return column(propose(client_with(root, {"encuesta.csv": text}), "acme"), header)


def book_of(root):
    return root / "data/acme/mapping.xlsx"


def made_book(root, files, declaration=NO_SOURCES):
    """Propose and write the workbook of a client; return its path."""
    write(propose(client_with(root, files, declaration), "acme"), book_of(root))
    return book_of(root)


def edit(path, sheet, header, **cells):
    """Write cells, by heading, on the rows of a sheet whose header is given."""
    book = load_workbook(path)
    page = book[sheet]
    headings = [cell.value for cell in page[1]]
    hit = [
        row
        for row in page.iter_rows(min_row=2)
        if header in (row[0].value, row[1].value, header and row[2].value)
    ]
    assert hit, header
    for row in hit:
        for heading, value in cells.items():
            row[headings.index(heading.replace("_", " "))].value = value
    book.save(path)
    return [row[0].row for row in hit]


def decide_all(path, decision="usar"):
    book = load_workbook(path)
    page = book["columnas"]
    at = [cell.value for cell in page[1]].index("decisión") + 1
    for row in range(2, page.max_row + 1):
        page.cell(row, at).value = page.cell(row, at).value or decision
    book.save(path)


# --- how files are read ---


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1", "mac_roman", "cp850"])
def test_encodings_are_told_apart_by_their_words(encoding):
    text = "Región;¿Cuán fácil fue?;Año\nÑuble;7;2025\nValparaíso;5;2025\n"
    found = found_encoding(text.encode(encoding))
    assert found.encoding == encoding.removesuffix("-sig")
    assert found.confidence >= 0.9
    if encoding in ("latin-1", "mac_roman", "cp850"):
        assert any(f"line 1: 'Región' ({encoding}) / " in str(each) for each in found.evidence)


def test_cp1252_is_told_from_latin_1_by_its_quotes():
    assert found_encoding("El “mejor” servicio – según él\n".encode("cp1252")).encoding == "cp1252"


def test_bytes_that_fit_nothing_well_are_left_unsure():
    assert found_encoding(b"a\x8c\xe6,b\n1,2\n").confidence < 0.8


def test_names_are_not_shown_as_evidence_of_an_encoding():
    text = "id;name\n1;x\n2;y\n3;Muñoz\n4;Peña\n".encode("latin-1")
    assert not any("Mu" in str(each) or "Pe" in str(each) for each in found_encoding(text).evidence)


def test_titles_totals_and_separators_are_found_with_evidence():
    told = found_dialect(survey().decode("latin-1"))
    assert (told.separator, told.first_line, told.header.skip_at_end) == (";", 2, 1)
    said = "; ".join(map(str, (*told.evidence, *told.header.evidence)))
    assert "semicolon: 9 fields in 100 %" in said
    assert "1 records of title above the names" in said
    assert "(Total)" in said


def test_decimal_and_thousands_marks_are_proved_or_left_unsure():
    assert (found_marks([["1.234,5", "7,25"]]).decimal, found_marks([["1.234,5"]]).thousands) == (",", ".")
    assert found_marks([["1.234", "12.500"]]).confidence < 0.8
    assert found_marks([["7,5", "8.5"]]).confidence < 0.8


@pytest.mark.parametrize(
    ("records", "layout"),
    [
        ([["Q1"], ["Likely?"], ['{"ImportId":"QID1"}'], ["7"]], "qualtrics"),
        ([["V1", "V2", "V3"], ["ResponseID", "ResponseSet", "StartDate"], ["R_1", "D", "2025"]], "qualtrics"),
        ([["RespondentID", "Films seen?", ""], ["", "I", "II"], ["1", "I", ""]], "plain"),
        (
            [["RespondentID", "Fan?", "Films", ""], ["", "Response", "I", "II"], ["1", "Yes", "I", ""]],
            "surveymonkey",
        ),
    ],
)
def test_exports_are_known_by_their_rows_of_names(records, layout):
    assert found_header(records).layout == layout


def test_each_sheet_with_a_table_is_a_source_and_a_hidden_one_is_said(tmp_path):
    book = Workbook()
    first = book.active
    first.title = "Encuesta"
    first.append(["Encuesta de satisfacción"])
    first.append(["Folio", "NPS", "Región"])
    for n in range(40):
        first.append([f"F{n}", n % 11, "RM" if n % 2 else "V"])
    second = book.create_sheet("Clientes")
    second.append(["Id cliente", "Fecha alta", "Fecha corte"])
    for n in range(40):
        second.append([f"C{n}", "2020-01-31", "2025-06-30"])
    second.sheet_state = "hidden"
    book.create_sheet("Notas").append(["nada"])
    content = io.BytesIO()
    book.save(content)
    proposal = propose(client_with(tmp_path, {"todo.xlsx": content.getvalue()}), "acme")
    assert [(each.label, each.table) for each in proposal.files] == [
        ("raw/todo.xlsx [Encuesta]", "survey_responses"),
        ("raw/todo.xlsx [Clientes]", "customers"),
    ]
    assert proposal.files[0].keys["header_row"] == 2
    assert "the sheet is hidden" in map(str, proposal.files[1].evidence)
    assert proposal.files[1].confidence < 0.8


def test_a_file_that_is_no_table_is_listed_with_what_it_is(tmp_path):
    proposal = propose(client_with(tmp_path, {"oferta.csv": b"%PDF-1.7 x", "vacio.csv": b""}), "acme")
    assert [each.readable for each in proposal.files] == [False, False]
    assert "a PDF" in str(proposal.files[0].evidence[0])


# --- what columns become ---


def test_a_survey_is_proposed_column_by_column(tmp_path):
    proposal = propose(client_with(tmp_path, {"encuesta.csv": survey()}), "acme")
    file = proposal.files[0]
    assert file.table == "survey_responses"
    assert file.keys == {"encoding": "latin-1", "separator": ";", "header_row": 2, "skip_at_end": 1}
    told = {each.header: (each.column, each.kind, each.decision) for each in file.columns}
    assert told["Folio"] == ("response_id", "id", "use")
    assert told["RUT"] == ("customer_id", "id", "use")
    assert told["Correo"][2] == "drop"
    assert told["Fecha respuesta"] == ("responded_at", "date", "use")
    assert told["¿Recomendaría la empresa? (0 a 10)"] == ("recommend", "rating", "use")
    assert told["P2_1 Facilidad (1 a 7)"] == ("ease", "rating", "use")
    assert told["Comentario"] == ("verbatim", "text", "")
    assert column(proposal, "Fecha respuesta").form == "%d/%m/%Y"
    ease = column(proposal, "P2_1 Facilidad (1 a 7)")
    assert (ease.scale, {each.found: each.reason for each in ease.values if each.reason}) == (
        (1, 7),
        {"99": "missing"},
    )
    effort = column(proposal, "P3 Esfuerzo 1 Muy fácil 7 Muy difícil")
    assert (effort.column, effort.reverse) == ("ces", True)
    region = column(proposal, "Región")
    assert {each.found: each.means for each in region.values if each.means} == {
        "region metropolitana": "Región Metropolitana"
    }


@pytest.mark.parametrize(
    ("header", "cells", "scale", "decided"),
    [
        ("NPS", [n % 11 for n in range(60)], (0, 10), True),
        ("NPS", [n % 10 + 1 for n in range(60)], (1, 10), False),
        ("Recomienda de 1 a 10", [n % 10 + 1 for n in range(60)], (1, 10), True),
        ("Facilidad", [n % 7 + 1 for n in range(60)], (1, 7), True),
        ("Facilidad", [n % 6 + 1 for n in range(60)], (1, 7), False),
        ("Facilidad", [n % 5 + 1 for n in range(12)], (1, 5), False),
        ("Facilidad de 1 a 7", [n % 5 + 1 for n in range(60)], (1, 7), True),
        ("Facilidad de 1 a 5", [n % 7 + 1 for n in range(60)], (1, 7), False),
    ],
)
def test_a_scale_is_proposed_and_asked_where_another_fits_as_well(tmp_path, header, cells, scale, decided):
    told = one_column(tmp_path, header, cells)
    assert told.scale == scale
    assert (told.decision == "use") is decided


def test_codes_of_no_answer_get_their_reason_and_near_ones_are_asked(tmp_path):
    far = one_column(
        tmp_path / "a", "Facilidad", [*(n % 7 + 1 for n in range(60)), 99, "No sabe", "N/A", "NS/NR"]
    )
    found = {each.found: each.reason for each in far.values if each.reason}
    assert found == {"99": "missing", "No sabe": "dont_know", "N/A": "not_applicable", "NS/NR": "dont_know"}
    assert (far.scale, far.decision) == ((1, 7), "use")
    near = one_column(tmp_path / "b", "Facilidad", [*(n % 7 + 1 for n in range(60)), 9, 9])
    assert ([each.found for each in near.values if each.reason], near.decision) == (["9"], "")
    assert any("outside the scale: 9" in str(each) for each in near.reasons)


def test_numbers_before_labels_give_points_direction_and_reasons(tmp_path):
    cells = [
        "1.-Mucha confianza",
        "2.- Bastante confianza",
        "3.- Poca confianza",
        "4.- Nada de confianza",
    ] * 10
    told = one_column(tmp_path, "MB11_K. Carabineros", [*cells, "8.- No sabe", "9.- No contesta"])
    assert (told.kind, told.scale, told.reverse, told.leading) == ("rating", (1, 4), True, True)
    assert {each.found: each.reason for each in told.values if each.reason} == {
        "8.- No sabe": "dont_know",
        "9.- No contesta": "refused",
    }


def test_short_codes_of_places_are_not_taken_for_no_answer(tmp_path):
    told = one_column(tmp_path, "State", ["NC", "ND", "NY", "CA"] * 10)
    assert not [each for each in told.values if each.reason]


@pytest.mark.parametrize(
    ("cells", "form", "decided"),
    [
        (["25/04/2025", "03/04/2025"] * 10, "%d/%m/%Y", True),
        (["04/25/2025", "04/03/2025"] * 10, "%m/%d/%Y", True),
        (["03/04/2025", "05/04/2025"] * 10, "%d/%m/%Y", False),
        (["2025-04-03", "2025-04-25"] * 10, "", True),
        (["45293", "45300"] * 10, "excel", False),
    ],
)
def test_the_order_of_a_date_is_proved_by_a_day_or_asked(tmp_path, cells, form, decided):
    told = one_column(tmp_path, "Fecha respuesta", cells)
    assert (told.kind, told.form, told.decision == "use") == ("date", form, decided)


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("Nombre cliente", ["Ana", "Luis"] * 15),
        ("Contacto 1", [f"ana{n}@x.example.cl" for n in range(30)]),
        ("Fono", [f"+56 9 {1000 + n} {2000 + n}" for n in range(30)]),
        ("IPAddress", [f"10.0.{n}.7" for n in range(30)]),
    ],
)
def test_personal_columns_are_dropped_and_show_no_example(tmp_path, header, cells):
    told = one_column(tmp_path, header, cells)
    assert (told.decision, told.examples, told.values) == ("drop", (), ())


def test_a_file_without_codes_offers_the_line_of_each_row_and_it_works(tmp_path):
    text = "NPS;Zona\n" + "".join(f"{n % 11};{'Urbano' if n % 2 else 'Rural'}\n" for n in range(50))
    path = made_book(tmp_path, {"encuesta.csv": text})
    edit(path, "columnas", "(línea de la fila)", decisión="usar")
    assert confirm(tmp_path, "acme", by="MJ").written == ("raw/encuesta.csv",)
    dataset.check(tmp_path, "acme")
    frame = dataset.open_dataset(tmp_path, "acme").read("survey_responses")
    assert frame["response_id"].nunique() == 50


def test_names_come_from_accepted_maps_and_nothing_else_of_them(tmp_path):
    other = (
        "name: O\nsources:\n  - {file: raw/a.csv, table: survey_responses, "
        "names: {Zona BI: attr_zona_bi}, scales: {}}\n"
    )
    write_client(tmp_path, other, {"a.csv": "Folio\nx\n"}, name="other")
    told = one_column(tmp_path, "Zona BI", ["Alta", "Baja"] * 20)
    assert told.column == "attr_zona_bi"
    assert "an accepted map calls it so" in map(str, told.reasons)


def test_a_bare_code_of_another_clients_map_is_a_suggestion_left_undecided(tmp_path):
    other = (
        "name: O\nsources:\n  - {file: raw/a.csv, table: survey_responses, "
        "names: {Q5_1: attr_resolution, Zona BI: attr_zone}}\n"
    )
    write_client(tmp_path, other, {"a.csv": "Folio\nx\n"}, name="other")
    told = one_column(tmp_path, "Q5_1", ["Alta", "Baja"] * 20)
    assert (told.column, told.decision) == ("attr_resolution", "")
    assert any("another client's map" in str(each) for each in told.reasons)


def test_points_named_at_their_ends_only_are_a_rating(tmp_path):
    cells = ["10 - Muy probable", "0 - Nada probable", *(str(n % 9 + 1) for n in range(60))]
    told = one_column(tmp_path, "NPS", cells)
    assert (told.kind, told.scale, told.leading, told.reverse) == ("rating", (0, 10), True, False)


def test_values_are_canonical_however_they_are_spaced(tmp_path):
    told = one_column(tmp_path, "Modo", ["WhatsApp", "Telefónico", "E-mail"] * 20)
    assert {each.found: each.means for each in told.values} == {
        "WhatsApp": "whatsapp",
        "Telefónico": "phone",
        "E-mail": "email",
    }


def test_a_question_that_is_asked_either_way_is_asked_about(tmp_path):
    plain = one_column(tmp_path / "a", "CES", [n % 7 + 1 for n in range(60)])
    assert (plain.column, plain.decision) == ("ces", "")
    cells = ["1 - Muy difícil", "7 - Muy fácil", *(n % 5 + 2 for n in range(60))]
    told = one_column(tmp_path / "b", "Esfuerzo", cells)
    assert (told.column, told.reverse, told.decision) == ("ces", False, "use")


def test_a_row_of_data_in_place_of_the_names_is_not_shown(tmp_path):
    text = "Ana Soto;ana.soto@correo.example.cl;Norte;Alta;Si;Oro\n" + "".join(
        f"Luz Paz;luz{n}@correo.example.cl;Sur;Baja;No;Plata\n" for n in range(30)
    )
    path = made_book(tmp_path, {"encuesta.csv": text})
    (file,) = propose(tmp_path, "acme").files
    assert not file.readable
    assert "ana.soto" not in str(file)
    with zipfile.ZipFile(path) as book:
        assert "ana.soto" not in "".join(
            book.read(each).decode("utf-8", "replace") for each in book.namelist()
        )


# --- the workbook ---


def test_the_workbook_holds_no_personal_value_and_no_formula(tmp_path):
    text = survey().decode("latin-1").replace("Norte", '=HYPERLINK("http://x")')
    path = made_book(tmp_path, {"encuesta.csv": text.encode("latin-1")})
    with zipfile.ZipFile(path) as book:
        parts = "\n".join(book.read(name).decode("utf-8", "replace") for name in book.namelist())
    assert not [rut for rut in RUTS if rut in parts]
    assert "@correo" not in parts
    assert "Juan" not in parts
    assert "<f>" not in re.sub(r"<dataValidation.*?</dataValidation>", "", parts, flags=re.DOTALL)
    found = [cell.value for row in load_workbook(path)["valores"].iter_rows() for cell in row]
    assert '=HYPERLINK("http://x")' in found


def test_headings_are_in_the_clients_language_and_unsure_rows_are_marked(tmp_path):
    path = made_book(tmp_path, {"encuesta.csv": survey()})
    page = load_workbook(path)["columnas"]
    headings = [cell.value for cell in page[1]]
    assert headings[:7] == [
        "archivo",
        "encabezado",
        "pregunta",
        "ejemplos",
        "distintos",
        "vacíos",
        "decisión",
    ]
    rows = {row[1].value: row for row in page.iter_rows(min_row=2)}
    assert rows["Comentario"][6].value is None
    assert rows["Comentario"][6].fill.start_color.rgb == "FFFFF2B3"
    assert rows["Folio"][6].value == "usar"
    assert rows["Comentario"][headings.index("por qué")].value.startswith("su nombre; texto libre")
    english = made_book(
        tmp_path, {"encuesta.csv": survey()}, NO_SOURCES.replace("language: es", "language: en")
    )
    assert load_workbook(english).sheetnames[:4] == ["how to fill it", "files", "columns", "values"]


def test_an_edited_workbook_is_not_overwritten_unless_asked(tmp_path):
    path = made_book(tmp_path, {"encuesta.csv": survey()})
    assert not edited(path)
    write(propose(tmp_path, "acme"), path)
    edit(path, "columnas", "Comentario", decisión="descartar")
    assert edited(path)
    with pytest.raises(InputError, match="was edited and is not confirmed"):
        write(propose(tmp_path, "acme"), path)
    write(propose(tmp_path, "acme"), path, edits="set aside")
    assert not edited(path)
    assert edited(path.with_name("mapping.previous.xlsx"))


# --- confirming ---


def test_a_confirmed_map_reaches_client_yaml_and_the_tables(tmp_path):
    path = made_book(tmp_path, {"encuesta.csv": survey()})
    edit(path, "columnas", "Comentario", decisión="descartar")
    outcome = confirm(tmp_path, "acme", by="MJ")
    assert outcome.written == ("raw/encuesta.csv",)
    assert ("scales", "") in {(each.key, each.before) for each in outcome.changes}
    text = (tmp_path / "data/acme/client.yaml").read_text("utf-8")
    assert text.startswith(
        "# who it is\nname: Test\nlanguage: es\nsources:  # nothing yet\n  - file: raw/encuesta.csv\n"
    )
    assert text.endswith("\n\n# the end\nlabels: {}\n")
    source = load(tmp_path / "data/acme").sources[0]
    assert source.confirmed_by.who == "MJ"
    assert source.drop == ["Correo", "Comentario"]
    report = dataset.check(tmp_path, "acme")
    assert report.ledger["read"].iloc[0] == report.ledger["used"].iloc[0] + report.ledger["excluded"].iloc[0]
    frame = dataset.open_dataset(tmp_path, "acme").read("survey_responses")
    assert len(frame) == 60
    assert frame["ease"].max() == 7
    assert sorted(frame["region"].unique()) == ["Norte", "Región Metropolitana", "Sur"]
    assert frame["responded_at"].dt.month.eq(3).all()
    assert not propose(tmp_path, "acme").files
    assert not edited(path)


def test_what_is_not_decided_or_signed_is_listed_at_once_and_not_written(tmp_path):
    before = NO_SOURCES
    path = made_book(
        tmp_path,
        {
            "encuesta.csv": survey(),
            "otra.csv": "Folio,NPS\n" + "".join(f"a{n},{n % 11}\n" for n in range(50)),
        },
    )
    with pytest.raises(InputError, match="no file of mapping.xlsx is decided and signed") as caught:
        confirm(tmp_path, "acme")
    told = [str(each) for each in caught.value.problems]
    assert any("[columnas]" in each and "no decision about 'Comentario'" in each for each in told)
    assert any("[archivos], row 3" in each and "no signature" in each for each in told)
    assert (tmp_path / "data/acme/client.yaml").read_text("utf-8") == before
    outcome = confirm(tmp_path, "acme", by="MJ")
    assert outcome.written == ("raw/otra.csv",)
    assert [each.column for each in outcome.pending] == ["decisión"]
    edit(path, "columnas", "Comentario", decisión="descartar")
    with pytest.raises(InputError, match="was edited"):
        write(propose(tmp_path, "acme"), path)


def test_every_slip_is_named_with_its_sheet_and_row_all_at_once(tmp_path):
    path = made_book(tmp_path, {"encuesta.csv": survey()})
    (row_a,) = edit(path, "columnas", "Folio", columna_de_la_tabla="respuesta_id", decisión="usr")
    (row_b,) = edit(path, "columnas", "P2_1 Facilidad (1 a 7)", escala_desde=7, escala_hasta=1)
    (row_c,) = edit(path, "columnas", "Región", encabezado="Regon")
    edit(path, "archivos", "raw/encuesta.csv", separador="coma y punto", fila_de_los_nombres="dos")
    edit(path, "columnas", "Comentario", decisión="descartar")
    with pytest.raises(InputError, match="problems; client.yaml was not changed") as caught:
        confirm(tmp_path, "acme", by="MJ")
    told = "\n".join(str(each) for each in caught.value.problems)
    assert f"[columnas], row {row_a}, column decisión: found 'usr'" in told
    assert "did you mean usar?" in told
    assert f"[columnas], row {row_b}, column escala desde: found 7 to 1" in told
    assert "'Región', no header of raw/encuesta.csv" in told
    assert "column separador: found 'coma y punto'" in told
    assert "column fila de los nombres: found 'dos'" in told
    assert row_c
    assert (tmp_path / "data/acme/client.yaml").read_text("utf-8") == NO_SOURCES


def test_a_header_that_is_not_in_the_file_is_refused_with_the_nearest(tmp_path):
    path = made_book(tmp_path, {"encuesta.csv": survey()})
    edit(path, "columnas", "Comentario", decisión="descartar", encabezado="Comentarios")
    with pytest.raises(InputError) as caught:
        confirm(tmp_path, "acme", by="MJ")
    told = "\n".join(str(each) for each in caught.value.problems)
    assert "'Comentarios', no header of raw/encuesta.csv" in told
    assert "did you mean Comentario?" in told
    assert "no row for the header 'Comentario'" in told


def test_a_value_that_was_edited_and_an_impossible_meaning_are_refused(tmp_path):
    files = {
        "e.csv": "Folio,Modo,NPS\n"
        + "".join(f"a{n},{'Telefónico' if n % 2 else 'Correo'},{n % 11}\n" for n in range(50))
    }
    path = made_book(tmp_path, files)
    edit(path, "valores", "Telefónico", significa="fono")
    edit(path, "valores", "Correo", valor_en_el_archivo="Correos")
    with pytest.raises(InputError) as caught:
        confirm(tmp_path, "acme", by="MJ")
    told = "\n".join(str(each) for each in caught.value.problems)
    assert "found 'fono'; allowed: phone, in_person" in told
    assert "'Correos', a value that the file does not have" in told


def test_a_change_after_the_confirmation_is_said_key_by_key(tmp_path):
    path = made_book(tmp_path, {"encuesta.csv": survey()})
    edit(path, "columnas", "Comentario", decisión="descartar")
    confirm(tmp_path, "acme", by="MJ")
    edit(path, "columnas", "P2_1 Facilidad (1 a 7)", sentido="menos es mejor")
    edit(path, "valores", "99", significa="sin respuesta: no sabe")
    outcome = confirm(tmp_path, "acme", by="MJ")
    told = {(each.key, each.before, each.after) for each in outcome.changes}
    assert ("missing.ease", "{99: missing}", "{99: dont_know}") in told
    assert any(key == "reverse" for key, *_ in told)
    assert confirm(tmp_path, "acme").written == ()


@pytest.mark.parametrize(
    "text",
    [
        "name: A\n",
        "name: A\nsources: []\n",
        "name: A\nsources:\nlanguage: es\n",
        "name: A\nsources: [{file: raw/x.csv, table: items}]\nlanguage: es\n",
        "name: A\nsources:\n- file: raw/x.csv  # first\n  table: items\n\n# on it\nlanguage: es\n",
        "name: A\nsources:\n    - file: raw/x.csv\n      names:\n        a: x\n    # next\n\nlanguage: es",
        "name: A\r\nsources:\r\n  - file: raw/x.csv\r\n    table: items\r\n",
    ],
)
def test_sources_are_added_and_every_other_line_stays(text):
    made = with_sources(
        text, [(None, {"file": "raw/n.csv", "table": "customers", "missing": {"a b": ["No", "007", 9]}})]
    )
    given, found = yaml.safe_load(text), yaml.safe_load(made)
    assert found["sources"][:-1] == (given.get("sources") or [])
    assert found["sources"][-1] == {
        "file": "raw/n.csv",
        "table": "customers",
        "missing": {"a b": ["No", "007", 9]},
    }
    assert {key: value for key, value in found.items() if key != "sources"} == {
        key: value for key, value in given.items() if key != "sources"
    }
    kept = [line for line in text.splitlines() if "sources: [" not in line]
    assert [line for line in made.splitlines() if line in kept] == kept


def test_one_source_is_replaced_and_its_neighbours_stay(tmp_path):
    text = (
        "sources:\n  - file: a  # one\n    table: items\n  # two\n  - file: b\n    table: items\n"
        "  - file: c\n    table: items # 3\n"
    )
    made = with_sources(text, [(1, {"file": "b", "table": "customers"})])
    assert made == text.replace("  - file: b\n    table: items\n", "  - file: b\n    table: customers\n")


# --- the next file of the same kind ---


def test_a_file_with_the_same_headers_follows_the_declared_one(tmp_path):
    path = made_book(tmp_path, {"encuesta.csv": survey()})
    edit(path, "columnas", "Comentario", decisión="descartar")
    confirm(tmp_path, "acme", by="MJ")
    folder = tmp_path / "data/acme/raw/2025T3"
    folder.mkdir()
    moved = (
        survey()
        .replace(b"P3 Esfuerzo 1 Muy f\xe1cil 7 Muy dif\xedcil", b"P4 Otra cosa")
        .replace(b";Norte;", b";Austral;")
    )
    (folder / "encuesta.csv").write_bytes(moved)
    proposal = propose(tmp_path, "acme", wave="2025T3")
    (file,) = proposal.files
    assert (file.follows, file.wave, file.table) == ("raw/encuesta.csv", "2025T3", "survey_responses")
    assert file.gone == ("P3 Esfuerzo 1 Muy fácil 7 Muy difícil",)
    told = {each.header: each for each in file.columns}
    assert told["Comentario"].decision == "drop"
    assert told["P2_1 Facilidad (1 a 7)"].reasons == ("as in raw/encuesta.csv",)
    assert told["P2_1 Facilidad (1 a 7)"].scale == (1, 7)
    assert told["P4 Otra cosa"].decision == ""


def test_a_declared_scale_that_no_longer_holds_is_asked(tmp_path):
    rows = "".join(f"a{n},{n % 5 + 1},RM\n" for n in range(50))
    declared = (
        "name: T\nsources:\n  - file: raw/a.csv\n    table: survey_responses\n"
        "    names: {Folio: response_id, P1: ease, Zona: region}\n    scales: {ease: [1, 5]}\n"
    )
    files = {"a.csv": f"Folio,P1,Zona\n{rows}", "b.csv": f"Folio,P1,Zona\n{rows}x,7,RM\n"}
    told = column(propose(client_with(tmp_path, files, declared), "acme"), "P1")
    assert (told.scale, told.decision) == ((1, 5), "")
    assert "outside the declared scale: 7" in map(str, told.reasons)


# --- the terminal ---


def test_map_and_describe_at_the_terminal(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("CXLAB_LANGUAGE", "es")
    (tmp_path / "notebooks").mkdir()
    client_with(tmp_path, {"encuesta.csv": survey()})
    root = ["--root", str(tmp_path)]
    assert cli.main(["map", "acme", *root]) == 0
    told = capsys.readouterr().out
    assert "raw/encuesta.csv: survey_responses, 9 columnas, 1 por decidir" in told
    assert "? Comentario: su nombre; texto libre" in told
    assert cli.main(["map", "acme", "--confirm", "--by", "MJ", *root]) == 2
    assert "sin decisión sobre 'Comentario'" in capsys.readouterr().err
    edit(book_of(tmp_path), "columnas", "Comentario", decisión="descartar")
    assert cli.main(["map", "acme", "--confirm", "--by", "MJ", *root]) == 0
    assert "+ confirmed_by: {who: MJ, on: " in capsys.readouterr().out
    assert cli.main(["map", "acme", *root]) == 0
    assert "nada nuevo" in capsys.readouterr().out
    dataset.check(tmp_path, "acme")
    assert cli.main(["describe", "acme", *root]) == 0
    told = capsys.readouterr().out
    assert "survey_responses: 60 filas" in told
    assert "Norte (15), Región Metropolitana (30), Sur (15)" in told
    assert "nota 1-7; base 57, 5 % sin dato, 7 valores; para outcome, driver, where" in told
    assert cli.main(["map", "acme", "--by", "MJ", *root]) == 3
