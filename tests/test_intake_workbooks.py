# ruff: noqa: E501  tables of cases: one case to a line
"""Excel as people send it: titles, merges, hidden rows, totals, mixed dates; and files made to harm."""

import io
import json
import subprocess
import sys
import zipfile
from datetime import date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from intake_clients import checked, problems_of, write_client
from openpyxl.utils import get_column_letter
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from cxlab.errors import InputError
from cxlab.intake.declared.models import Source
from cxlab.intake.files.readers import read

DECLARED = "name: T\nsources:\n  - {{file: raw/a.xlsx, table: survey_responses{how}}}\n"


def saved(book):
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


def workbook(rows, change=None):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    if change:
        change(book, book.active)
    return saved(book)


def reading(tmp_path, content, **how):
    (tmp_path / "a.xlsx").write_bytes(content)
    return read(Source(file="a.xlsx", table="customers", **how), tmp_path)[0]


def said(tmp_path, content, **how):
    """Return what is said of a workbook that is refused."""
    with pytest.raises(InputError) as caught:
        reading(tmp_path, content, **how)
    assert all(problem.file == "a.xlsx" for problem in caught.value.problems)
    return "\n".join(map(str, caught.value.problems))


def doubts(tmp_path, content, **how):
    return "\n".join(map(str, reading(tmp_path, content, **how).doubts))


def doctored(content, changes):
    """Return an archive with some parts replaced (None: taken out) or added."""
    sink = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            change = changes.get(name, old.read(name))
            if change is not None:
                new.writestr(name, change(old.read(name)) if callable(change) else change)
        for name in changes.keys() - set(old.namelist()):
            new.writestr(name, changes[name])
    return sink.getvalue()


TABLE = [["id", "region", "spend"], *[[f"c{n}", "RM", 10 + n * n] for n in range(6)]]


def test_titles_are_refused_with_the_row_of_the_names_and_why(tmp_path):
    content = workbook([["Informe de clientes"], ["mayo 2025", None], [], *TABLE])
    text = said(tmp_path, content)
    assert "row 1: found row 1 ends in column 1, most rows under it go on: a title" in text
    assert "`header_row: 4`: it holds 3 different texts, and 6 rows as wide follow" in text
    found = reading(tmp_path, content, header_row=4)
    assert found.frame["id"].tolist() == ["c0", "c1", "c2", "c3", "c4", "c5"]
    assert found.lines.tolist() == list(range(5, 11))
    assert "nothing on row 3" in said(tmp_path, content, header_row=3)


def test_a_table_without_names_is_not_given_its_first_row(tmp_path):
    assert "of 3 names are numbers" in said(tmp_path, workbook([[1, 2, "x"], [3, 4, "y"], [5, 6, "z"]]))


def test_names_merged_over_two_rows_are_joined_where_declared(tmp_path):
    def merge(_, sheet):
        sheet.merge_cells("B1:C1")
        sheet.merge_cells("A1:A2")

    content = workbook([["id", "Nota", None], [None, "precio", "red"], ["c1", 5, 6], ["c2", 7, 4]], merge)
    text = said(tmp_path, content)
    assert "row 1: found the name in cell B1 is merged over 2 columns" in text
    assert "`header_rows: 2`" in text
    found = reading(tmp_path, content, header_rows=2)
    assert list(found.frame.columns) == ["id", "Nota / precio", "Nota / red"]
    assert found.lines.tolist() == [3, 4]


def test_exports_of_survey_tools_are_read_from_workbooks_too(tmp_path):
    rows = [
        ["ResponseId", "Status", "Q1"],
        ["Response ID", "Response Type", "How likely?"],
        ['{"ImportId":"_recordId"}', '{"ImportId":"status"}', '{"ImportId":"QID1"}'],
        ["R_1", "IP Address", 9],
        ["R_2", "Survey Preview", 10],
    ]
    found = reading(tmp_path, workbook(rows), layout="qualtrics")
    assert found.frame["Q1"].tolist() == ["9"]
    assert found.skipped == {"survey previews": 1}
    assert found.questions["Q1"] == "How likely?"


def test_hidden_sheets_are_listed_as_such(tmp_path):
    def hide(book, _):
        book.create_sheet("Claves").sheet_state = "hidden"
        book["Claves"].append(["x"])

    assert "2 sheets and none named; allowed: Sheet, Claves (hidden: Claves)" in said(
        tmp_path, workbook(TABLE, hide)
    )


def test_hidden_rows_are_read_or_skipped_only_as_declared(tmp_path):
    def hide(_, sheet):
        for row in (3, 4, 6):
            sheet.row_dimensions[row].hidden = True

    content = workbook(TABLE, hide)
    text = said(tmp_path, content)
    assert "row 3: found 3 rows that nobody sees, hidden or filtered out: 3-4, 6 (3 rows)" in text
    assert "`hidden_rows: read`" in text
    whole = reading(tmp_path, content, hidden_rows="read")
    assert len(whole.frame) == 6
    assert "3 hidden rows were read: 3-4, 6" in whole.notes[0]
    some = reading(tmp_path, content, hidden_rows="skip")
    assert some.lines.tolist() == [2, 5, 7]
    assert (some.read, some.skipped) == (6, {"hidden rows": 3})


def test_hidden_columns_are_read_and_said(tmp_path):
    def hide(_, sheet):
        sheet.column_dimensions["B"].hidden = True

    assert (
        "hidden columns were read like the others: region"
        in reading(tmp_path, workbook(TABLE, hide)).notes[0]
    )


@pytest.mark.parametrize(
    "name", ["Total", "TOTAL GENERAL", "Gran total", "Suma", "Promedio", "Subtotal:", "Total 2025"]
)
def test_a_last_row_called_total_is_doubted(tmp_path, name):
    text = doubts(tmp_path, workbook([*TABLE, [name, None, 115]]))
    assert "a.xlsx, row 8: found a row of totals" in text
    assert "skip_at_end: 1" in text


def test_a_last_row_that_adds_up_is_doubted_without_a_name(tmp_path):
    rows = [["id", "n", "spend"], ["a", 1, 10.5], ["b", 2, 20.0], ["c", 4, 1.25], [None, 7, 31.75]]
    assert "row 5: found a last row that is the sum of those above" in doubts(tmp_path, workbook(rows))
    assert not doubts(tmp_path, workbook([*rows[:-1], ["d", 7, 31.5]]))
    assert not doubts(tmp_path, workbook(rows), skip_at_end=0)
    assert reading(tmp_path, workbook(rows), skip_at_end=1).skipped == {"footer rows": 1}


def test_numbers_that_only_seem_to_add_up_are_not_doubted(tmp_path):
    assert not doubts(
        tmp_path,
        workbook([["id", "f", "g"], ["a", 0, 0], ["b", 0, 0], ["c", 0, 1], ["d", 1, 1]]),
    )
    assert not doubts(tmp_path, workbook([["id"], [1], [2], [3], [4]]))
    assert not doubts(tmp_path, workbook([["marca", "n"], ["Total Play", 3], ["Otra", 4], ["Total Plus", 9]]))


def test_subtotals_inside_the_table_stand_until_they_are_excluded(tmp_path):
    rows = [
        ["response_id", "region", "attr_spend"],
        ["c1", "RM", 5],
        ["Subtotal", None, 5],
        ["c2", "V", 7],
        ["c3", "V", 9],
    ]
    declaration = DECLARED.format(
        how=", exclude: [{where: \"response_id == 'Subtotal'\", reason: subtotales}]"
    )
    (text,) = problems_of(write_client(tmp_path / "a", DECLARED.format(how=""), {"a.xlsx": workbook(rows)}))
    assert "raw/a.xlsx, row 3: found a row of totals" in text
    assert len(checked(tmp_path / "b", declaration, {"a.xlsx": workbook(rows)})) == 3


def test_merged_cells_in_the_data_are_named(tmp_path):
    content = workbook(TABLE, lambda _, sheet: sheet.merge_cells("B3:B5"))
    assert "row 3, column region: found merged cells B3:B5 (3 rows)" in doubts(tmp_path, content)


def test_dates_of_three_kinds_in_a_column_are_listed_with_a_row_each(tmp_path):
    rows = [
        ["response_id", "attr_when"],
        ["a", date(2024, 1, 4)],
        ["b", 45295],
        ["c", "04/01/2024"],
        ["d", date(2024, 1, 5)],
    ]
    text = "\n".join(problems_of(write_client(tmp_path, DECLARED.format(how=""), {"a.xlsx": workbook(rows)})))
    assert (
        "column attr_when: found 2 real dates (first in row 2), 1 numbers (first in row 3), 1 dates written as text (first in row 4)"
        in text
    )
    assert not doubts(tmp_path, workbook([*rows[:3]]), dates={"attr_when": "excel"})
    assert doubts(tmp_path, workbook([["x", "d"], ["a", 45293], ["b", "04/01/2024"]]))
    assert not doubts(
        tmp_path,
        workbook([["x", "d"], ["a", date(2024, 1, 1)], ["b", 99], ["c", "N/R"]]),
        missing={"d": [99]},
    )


def test_what_is_doubted_stands_only_for_columns_that_are_used(tmp_path):
    rows = [["response_id", "attr_a", "Notas"], ["a", 1, "#N/A"], ["b", 2, "x"]]
    frame = checked(
        tmp_path / "a", DECLARED.format(how=""), {"a.xlsx": workbook(rows)}, table="survey_responses"
    )
    assert frame["attr_a"].tolist() == [1, 2]
    named = DECLARED.format(how=", names: {Notas: attr_notes}")
    (text,) = problems_of(write_client(tmp_path / "b", named, {"a.xlsx": workbook(rows)}))
    assert "raw/a.xlsx, row 2, column Notas: found the error #N/A in cell C2" in text


def test_dates_of_both_calendars_times_and_durations(tmp_path):
    rows = [["x", "d", "t", "h"], ["a", datetime(2024, 2, 29, 23, 59, 59), time(9, 30), timedelta(hours=30)]]
    found = reading(tmp_path, workbook(rows))
    assert found.frame.iloc[0].tolist() == ["a", "2024-02-29 23:59:59", "09:30:00", "30:00:00"]

    def old(book, _):
        book.epoch = CALENDAR_MAC_1904

    content = workbook(rows, old)
    assert b'date1904="1"' in zipfile.ZipFile(io.BytesIO(content)).read("xl/workbook.xml")
    assert reading(tmp_path, content).frame["d"].tolist() == ["2024-02-29 23:59:59"]


@pytest.mark.parametrize(
    ("serial", "text"),
    [
        (1, "1900-01-01"),
        (59, "1900-02-28"),
        (61, "1900-03-01"),
        (45293, "2024-01-02"),
        (45293.5, "2024-01-02 12:00:00"),
    ],
)
def test_serial_numbers_become_the_dates_that_excel_shows(tmp_path, serial, text):
    def dated(_, sheet):
        sheet["B2"].number_format = "dd/mm/yyyy"

    assert reading(tmp_path, workbook([["id", "d"], ["a", serial]], dated)).frame["d"].tolist() == [text]


def test_numbers_stored_as_text_are_read_as_declared_and_numbers_as_stored(tmp_path):
    rows = [
        ["response_id", "attr_spend"],
        ["a", "1.234"],
        ["b", 1.234],
        ["c", "12.500"],
        ["d", 950],
        ["e", "7,5"],
    ]
    declaration = DECLARED.format(how=', decimal: ",", thousands: "."')
    frame = checked(tmp_path, declaration, {"a.xlsx": workbook(rows)}, table="survey_responses")
    assert frame["attr_spend"].tolist() == [1234, 1.234, 12500, 950, 7.5]
    text = "\n".join(
        problems_of(write_client(tmp_path, DECLARED.format(how=""), {"a.xlsx": workbook(rows[:5])}))
    )
    assert "every . stands before three digits" in text


def shared(content, strings, sheet):
    """Return a workbook whose cells refer to shared texts, as Excel writes them."""
    link = b'<Relationship Id="rId99" Type="http://x/relationships/sharedStrings" Target="/xl/sharedStrings.xml"/>'
    return doctored(
        content,
        {
            "xl/_rels/workbook.xml.rels": lambda old: old.replace(
                b"</Relationships>", link + b"</Relationships>"
            ),
            "xl/sharedStrings.xml": b"<sst>" + strings + b"</sst>",
            "xl/worksheets/sheet1.xml": b"<worksheet><sheetData>" + sheet + b"</sheetData></worksheet>",
        },
    )


def test_texts_are_those_that_a_person_sees(tmp_path):
    strings = (
        "<si><t>id</t></si><si><r><t>Ñu</t></r><r><rPr><b/></rPr><t xml:space='preserve'>ñoa </t></r>"
        "<rPh sb='0' eb='1'><t>guide</t></rPh></si><si><t>a_x000A_b &lt;i&gt;</t></si><si><t/></si>"
    )
    sheet = b"".join(
        b'<row r="%d"><c r="A%d" t="s"><v>%d</v></c></row>' % (row, row, at)
        for row, at in ((1, 0), (2, 1), (3, 2), (4, 3))
    )
    found = reading(tmp_path, shared(workbook(TABLE), strings.encode(), sheet))
    assert found.frame["id"].tolist() == ["Ñuñoa ", "a\nb <i>"]


def test_namespaces_with_a_prefix_are_read(tmp_path):
    def prefixed(old):
        text = old.decode()
        for name in ("worksheet", "sheetData", "row", "c", "v"):
            text = (
                text.replace(f"<{name} ", f"<x:{name} ")
                .replace(f"<{name}>", f"<x:{name}>")
                .replace(f"</{name}>", f"</x:{name}>")
            )
        return text.replace("xmlns=", "xmlns:x=").encode()

    content = doctored(workbook(TABLE), {"xl/worksheets/sheet1.xml": prefixed})
    assert reading(tmp_path, content).frame.equals(reading(tmp_path, workbook(TABLE)).frame)


def test_macros_and_links_are_said_and_left(tmp_path):
    content = doctored(
        workbook(TABLE), {"xl/vbaProject.bin": b"x", "xl/externalLinks/externalLink1.xml": b"<x/>"}
    )
    (tmp_path / "a.xlsm").write_bytes(content)
    notes = read(Source(file="a.xlsm", table="customers"), tmp_path)[0].notes
    assert notes == ["a.xlsm: its macros were not run", "a.xlsm: its links to other files were not followed"]


def test_a_formula_is_its_saved_result(tmp_path):
    def cached(old):
        return old.replace(b"<f>1+1</f><v />", b"<f>1+1</f><v>2</v>").replace(
            b"<f>1+1</f><v></v>", b"<f>1+1</f><v>2</v>"
        )

    content = doctored(workbook([["id", "n"], ["a", "=1+1"]]), {"xl/worksheets/sheet1.xml": cached})
    found = reading(tmp_path, content)
    assert not found.doubts
    assert found.frame["n"].tolist() == ["2"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"xl/workbook.bin": b"x"}, "a binary workbook (.xlsb)"),
        ({"content.xml": b"<x/>"}, "an OpenDocument file"),
        ({"xl/worksheets/sheet1.xml": None}, "its part xl/worksheets/sheet1.xml is missing"),
        ({"xl/worksheets/sheet1.xml": b"<worksheet><sheetData><row>"}, "is no XML from line 1 on"),
        ({"xl/worksheets/sheet1.xml": b'<!DOCTYPE w SYSTEM "file:///etc/passwd"><w/>'}, "declares a document type or entities"),
        ({"xl/workbook.xml": b'<!DOCTYPE w [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><w>&b;</w>'}, "declares a document type"),
        ({"xl/worksheets/sheet1.xml": b'<w><sheetData><row r="2"/><row r="2"/></sheetData></w>'}, "row 2 after row 2"),
        ({"xl/worksheets/sheet1.xml": b'<w><sheetData><row r="2"><c r="B2"><v>1</v></c><c r="A2"/></row></sheetData></w>'}, "cells of row 2 out of order"),
        ({"xl/worksheets/sheet1.xml": b'<w><sheetData><row r="2"><c r="B3"><v>1</v></c></row></sheetData></w>'}, "cell B3 in row 2"),
        ({"xl/worksheets/sheet1.xml": b'<w><sheetData><row r="1"><c r="A1" t="s"><v>99</v></c></row></sheetData></w>'}, "a text of row 1 is missing"),
        ({"xl/worksheets/sheet1.xml": b'<w><sheetData><row r="1"><c r="A1"><v>x1</v></c></row></sheetData></w>'}, "a number of row 1 is none"),
    ],
)  # fmt: skip
def test_other_and_damaged_documents_are_named(tmp_path, changes, message):
    assert message in said(tmp_path, doctored(workbook(TABLE), changes))


def test_a_workbook_with_a_password_says_so(tmp_path):
    content = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le")
    assert "a workbook with a password" in said(tmp_path, content)
    old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "Workbook".encode("utf-16-le")
    assert "an old .xls workbook" in said(tmp_path, old)


def package(sheet, strings=b""):
    """Return a workbook whose sheet has this XML."""
    return shared(workbook([["id"], ["a"]]), strings, sheet)


def text_cell(place, text):
    return b'<c r="%s" t="inlineStr"><is><t>%s</t></is></c>' % (place.encode(), text.encode())


HEAD = b'<row r="1">' + text_cell("A1", "id") + b'</row><row r="2">' + text_cell("A2", "a") + b"</row>"


def empty_rows(first, last):
    return b"".join(
        b'<row r="%d"><c r="A%d" s="1"/><c r="B%d" s="1"/></row>' % (n, n, n) for n in range(first, last)
    )


def bombs():
    """Each file made to harm, by name, with what is said of it (nothing: it is read)."""
    zeros = io.BytesIO()
    with zipfile.ZipFile(zeros, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for part in range(4):
            with archive.open(f"xl/worksheets/sheet{part}.xml", "w") as sink:
                for _ in range(60):
                    sink.write(bytes(4_000_000))
    yield "zeros", zeros.getvalue(), "a workbook that unpacks to 960 MB"
    nested = io.BytesIO()
    with zipfile.ZipFile(nested, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.zip", zeros.getvalue())
    yield "nested", nested.getvalue(), "a zip archive of other files"
    many = io.BytesIO()
    with zipfile.ZipFile(many, "w") as archive:
        for n in range(20_000):
            archive.writestr(f"xl/{n}", b"")
    yield "many", many.getvalue(), "a workbook of 20000 parts"
    lying = package(HEAD + empty_rows(3, 60_000))
    at = lying.index(b"xl/worksheets/sheet1.xml", lying.index(b"PK\x01\x02")) - 46
    yield "lying", lying[: at + 24] + (5_000).to_bytes(4, "little") + lying[at + 28 :], "is damaged"
    yield "styled", package(HEAD + empty_rows(3, 1_048_576)), ""
    yield (
        "stray",
        package(HEAD + b'<row r="200000">' + text_cell("ZZ200000", "x") + b"</row>"),
        "a cell ZZ200000 alone, 199997 empty rows",
    )
    far = HEAD + empty_rows(3, 400_000) + b'<row r="500000">' + text_cell("C500000", "x") + b"</row>"
    yield "far", package(far), "a cell C500000 alone, 499997 empty rows"
    wide = b"".join(
        b'<row r="%d">' % n
        + b"".join(b'<c r="%s%d" s="1"/>' % (get_column_letter(at).encode(), n) for at in range(1, 3_001))
        + b"</row>"
        for n in range(3, 1_100)
    )
    yield "wide", package(HEAD + wide), "formatted cells without a value"
    cells = b"".join(b'<row r="%d"><c r="A%d" t="s"><v>0</v></c></row>' % (n, n) for n in range(1, 200_000))
    yield (
        "quadratic",
        package(cells, b"<si><t>" + b"x" * 5_000_000 + b"</t></si>"),
        "a cell of more than 32767 characters",
    )
    entities = b'<!DOCTYPE x [<!ENTITY a "%s">]><worksheet>%s</worksheet>' % (
        b"x" * 100_000,
        b"&a;" * 100_000,
    )
    yield (
        "entities",
        doctored(package(HEAD), {"xl/worksheets/sheet1.xml": entities}),
        "declares a document type",
    )


MEASURE = """
import json, sys, time
from pathlib import Path
from cxlab.errors import InputError
from cxlab.intake.declared.models import Source
from cxlab.intake.files.readers import read
folder, out = Path(sys.argv[1]), {}
for path in sorted(folder.glob("*.xlsx")):
    start = time.process_time()
    try:
        said = len(read(Source(file=path.name, table="customers"), folder)[0].frame)
    except InputError as error:
        said = str(error)
    out[path.stem] = [said, time.process_time() - start]
# Of this process alone: the peak that `resource` gives starts with that of the parent.
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(json.dumps([out, int(peak.split()[1]) / 1024]))
"""


def test_files_made_to_harm_are_refused_in_seconds_and_little_memory(tmp_path):
    if not Path("/proc/self/status").exists():
        pytest.skip("peak memory is measured where /proc tells it")
    expected = {}
    for name, content, message in bombs():
        (tmp_path / f"{name}.xlsx").write_bytes(content)
        expected[name] = message
    run = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path)], capture_output=True, text=True, check=True
    )
    told, peak = json.loads(run.stdout)
    for name, message in expected.items():
        what, seconds = told[name]
        assert message in what if message else what == 1, (name, what)
        assert seconds < 10, (name, seconds)
    assert peak < 500, peak


def test_damage_is_named_or_changes_nothing(tmp_path):
    content = workbook(
        [["id", "score", "when"], *[[f"r{n}", n % 11, date(2024, 1, 1 + n % 28)] for n in range(40)]]
    )
    whole = reading(tmp_path, content)
    dice = np.random.default_rng(7)
    refused = 0
    for _ in range(250):
        damaged = bytearray(content)
        if dice.random() < 0.3:
            damaged = damaged[: dice.integers(1, len(content))]
        else:
            for at in dice.integers(0, len(content), dice.integers(1, 4)):
                damaged[at] ^= 1 << dice.integers(0, 8)
        try:
            found = reading(tmp_path, bytes(damaged))
        except InputError:
            refused += 1
        else:
            assert found.frame.equals(whole.frame)
            assert found.lines.tolist() == whole.lines.tolist()
    assert refused > 100
