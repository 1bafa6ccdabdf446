# ruff: noqa: E501  tables of cases: one case to a line
import io
import zipfile
import zlib
from datetime import date, datetime

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxlab.errors import InputError
from cxlab.intake.declared.models import Source
from cxlab.intake.files import sheetcells
from cxlab.intake.files.delimited import read_delimited
from cxlab.intake.files.readers import read
from cxlab.intake.files.signatures import kind_of


def csv(text, saved_as="utf-8", **how):
    return read_delimited(text.encode(saved_as) if isinstance(text, str) else text, file="s.csv", **how)


def said(read_it, *args, **how):
    """Return the problems of a file that must be refused."""
    with pytest.raises(InputError, match="cannot be read as it is") as caught:
        read_it(*args, **how)
    text = "\n".join(map(str, caught.value.problems))
    assert "found" in text
    assert "allowed" in text
    return text


def test_cells_are_text_and_lines_are_those_of_the_file():
    found = csv('id,score,note\n007,NA,"a\nb"\n\n18,None,c\n')
    assert found.frame.to_dict("list") == {
        "id": ["007", "18"],
        "score": ["NA", "None"],
        "note": ["a\nb", "c"],
    }
    assert found.lines.tolist() == [2, 5]
    assert (found.read, found.skipped) == (3, {"blank lines": 1})


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_dialects_are_found(separator, end, encoding):
    text = end.join(separator.join(row) for row in [["año", "b"], ["1", "ñ"], ["2", '"x ""y"""']])
    found = csv(text, encoding)
    assert found.frame.to_dict("list") == {"año": ["1", "2"], "b": ["ñ", 'x "y"']}


PRINTED = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=8)


@settings(max_examples=25, derandomize=True, deadline=None)
@given(
    st.lists(st.lists(PRINTED, min_size=3, max_size=3), min_size=1, max_size=6),
    st.sampled_from([",", ";", "\t", "|"]),
)
def test_clean_files_come_back_as_they_were(rows, separator):
    rows = [["k", *row] for row in rows]
    sink = io.StringIO()
    pd.DataFrame(rows, columns=["id", "a", "b", "c"]).to_csv(sink, sep=separator, index=False, quoting=1)
    try:
        found = csv(sink.getvalue(), separator=separator)
    except InputError as error:
        assert "Ã" in sink.getvalue() or "Â" in sink.getvalue() or "\ufffd" in sink.getvalue(), error  # noqa: PT017
        return
    assert found.frame.to_numpy().tolist() == rows


@pytest.mark.parametrize(
    ("content", "messages"),
    [
        ("id,región\n1,a\n".encode("latin-1"), ["row 1", "byte 0xF3", "`encoding: latin-1` (that byte is then 'ó'"]),
        ("id,b\n1,a\n2,“ok”\n".encode("cp1252"), ["row 3", "byte 0x93", "`encoding: cp1252`"]),
        ("id,b\n1,regiÃ³n\n", ["row 2", "UTF-8 letters read as utf-8", "it was saved twice"]),
        ("id,b\n1,a\x00b\n", ["row 2", "a NUL byte"]),
        ("id,b\n1,a\ufffdb\n", ["row 2", "lost character"]),
        ("id,b\n1,2,3\n", ["row 2", "3 fields", "2 fields, as in the header"]),
        ("id,b,c\n1,2\n1,2,3\n", ["row 2", "2 fields"]),
        ("id,nps\n1,7,5\n2,8,5\n", ["decimal commas between commas", "semicolons"]),
        ('id,b\n1,"x\n2,y\n3,z\n', ["row 2", "not closed until the end"]),
        ('id,b\n1,"x" y\n', ["row 2", "a quote in the middle of a field"]),
        ('id,b\n1,"hola\n2,y"\n3,z\n', ["row 2", "holds other lines of the table"]),
        ('id,b,c,d\n1,"p,q\n2,x,y,z\n3,x,y",w\n', ["row 2"]),
        ("id,b,id\n1,2,3\n", ["row 1", "the name 'id' in columns 1, 3"]),
        ("id,b\u00a0,b\n1,2,3\n", ["the name 'b' in columns 2, 3"]),
        ("id,b\n", ["row 1", "a header and no row"]),
        ("7,8,9\n1,2,3\n", ["row 1", "3 of 3 names are numbers, dates or addresses"]),
        ("Report of May\nid;a;b\n1;2;3\n2;2;3\n", ["row 2", "3 fields", "declare header_row: 2"]),
        ("a;b,c;d\n1;2,3;4\n", ["separators that fit equally: semicolon, comma", "declare `separator:`"]),
    ],
)  # fmt: skip
def test_a_file_that_does_not_fit_is_refused_with_its_line_and_the_cure(content, messages):
    text = said(csv, content)
    for message in messages:
        assert message in text


def test_c1_controls_ask_for_cp1252():
    text = said(csv, "id,b\n1,€5 “x”\n".encode("cp1252"), encoding="latin-1")
    assert "control character" in text
    assert "`encoding: cp1252`" in text


def test_a_declared_encoding_that_gives_mojibake_is_refused():
    assert "UTF-8 letters read as latin-1" in said(csv, "id,b\n1,región\n", encoding="latin-1")


def test_a_mark_against_the_declaration_is_refused():
    assert "declared as latin-1" in said(csv, "id,b\n1,2\n".encode("utf-8-sig"), encoding="latin-1")
    assert csv("id,b\n1,2\n".encode("utf-8-sig"), encoding="utf-8").how["encoding"] == "utf-8"


def test_many_ragged_rows_are_summed_up():
    text = said(csv, "id,b\n" + "1,2\n" * 60 + "1,2,3\n" * 30)
    assert "10 more like these" in text
    assert text.count("3 fields") == 20


def test_header_rows_and_rows_under_the_header():
    found = csv("Title\n\nid,a\nquestion,text\nimport,x\n1,2\n3,4\n", header_row=3, skip_after_header=2)
    assert found.frame["id"].tolist() == ["1", "3"]
    assert found.lines.tolist() == [6, 7]
    assert (found.read, found.skipped) == (4, {"header rows": 2})


def test_a_column_without_a_name_is_called_by_its_place_and_dropped_when_empty():
    assert list(csv(",a,\n1,2,\n3,4,\n").frame.columns) == ["column 1", "a"]


def test_sentences_over_several_lines_stay_one_cell():
    text = 'id,b,c\n1,"Bueno,\ngracias, adiós",x\n2,"a\n\nb",y\n'
    assert csv(text).frame["b"].tolist() == ["Bueno,\ngracias, adiós", "a\n\nb"]


def test_a_huge_field_is_an_unclosed_quote():
    assert "a quote was opened and not closed" in said(csv, 'id,b\n1,"' + "x,y\n" * 60_000)


def source(tmp_path, name, content, **how):
    (tmp_path / name).write_bytes(content)
    return read(Source(file=name, table="customers", **how), tmp_path)[0]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"PK\x03\x04zip", "excel where csv is declared"),
        ("a.xlsx", b"<html><table></table></html>", "HTML or XML where excel"),
        ("a.xlsx", b"id,b\n1,2\n", "something else where excel"),
        ("a.xlsx", b"\xd0\xcf\x11\xe0old", "an old .xls or a workbook with a password"),
        ("a.csv", b"\x1f\x8b\x08", "a gzip archive"),
        ("a.csv", b"\x80\x04\x95pickle", "a Python pickle"),
        ("a.sav", b"$FL2@(#) cut", "a file that cannot be read"),
        ("a.parquet", b"PAR1cut", "a file that cannot be read"),
        ("a.xlsx", b"PK\x03\x04cut", "a workbook that cannot be opened"),
        ("a.csv", b" \n ", "an empty file"),
    ],
)
def test_what_a_file_is_counts_more_than_its_suffix(tmp_path, name, content, message):
    text = said(source, tmp_path, name, content)
    assert message in text
    assert name in text


def test_a_file_that_is_not_there_names_those_that_are(tmp_path):
    (tmp_path / "b.csv").write_text("x")
    text = said(read, Source(file="a.csv", table="customers"), tmp_path)
    assert "no such file; allowed: b.csv" in text


def workbook(rows, *, sheets=None, formats=None):
    book = openpyxl.Workbook()
    for number, (name, content) in enumerate((sheets or {"Datos": rows}).items()):
        sheet = book.active if number == 0 else book.create_sheet()
        sheet.title = name
        for row in content:
            sheet.append(row)
        for cell, form in (formats or {}).items():
            sheet[cell].number_format = form
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


def test_excel_cells_become_the_text_a_person_sees(tmp_path):
    rows = [
        ["id", "code", "score", "when", "moment", "yes"],
        [123.0, 7, 8.5, date(2024, 1, 4), datetime(2024, 1, 4, 9, 30), True],
    ]
    found = source(tmp_path, "a.xlsx", workbook(rows, formats={"B2": "00000"}))
    assert found.frame.iloc[0].tolist() == [
        "123",
        "00007",
        "8.5",
        "2024-01-04",
        "2024-01-04 09:30:00",
        "true",
    ]
    assert found.typed


def test_excel_with_two_sheets_must_name_one(tmp_path):
    content = workbook([], sheets={"Leyenda": [["a"], [1]], "Datos": [["id"], [5]]})
    text = said(source, tmp_path, "a.xlsx", content)
    assert "2 sheets and none named; allowed: Leyenda, Datos" in text
    assert "did you mean Datos?" in said(source, tmp_path, "a.xlsx", content, sheet="datos")
    assert source(tmp_path, "a.xlsx", content, sheet="Datos").frame["id"].tolist() == ["5"]


def test_excel_titles_blank_rows_and_header_row(tmp_path):
    rows = [["Informe"], [], ["id", "score"], [1, 5], [], [2, 6]]
    found = source(tmp_path, "a.xlsx", workbook(rows), header_row=3)
    assert found.lines.tolist() == [4, 6]
    assert (found.read, found.skipped) == (3, {"blank lines": 1})
    assert "nothing on row 2" in said(source, tmp_path, "a.xlsx", workbook(rows), header_row=2)


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("=1+1", "the formula in cell B2 without a saved result"),
        ("#N/A", "the error #N/A in cell B2"),
        (12345678901234567, "more than 15 digits in cell B2"),
    ],
)
def test_excel_cells_without_a_value_are_named(tmp_path, cell, message):
    (doubt,) = source(tmp_path, "a.xlsx", workbook([["id", "score"], [1, cell]])).doubts
    assert message in doubt.found
    assert (doubt.row, doubt.column) == (2, "score")


def test_excel_text_that_looks_like_a_formula_is_text(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["id", "note"])
    book.active.append([1, None])
    book.active["B2"].value = "=cmd|' /C calc'!A0"
    book.active["B2"].data_type = "s"
    sink = io.BytesIO()
    book.save(sink)
    assert source(tmp_path, "a.xlsx", sink.getvalue()).frame["note"].tolist() == ["=cmd|' /C calc'!A0"]


def test_excel_cells_outside_the_table_are_named(tmp_path):
    assert "cell D2, right of the last name" in said(
        source, tmp_path, "a.xlsx", workbook([["id", "b"], [1, 2, None, "x"]])
    )
    book = openpyxl.Workbook()
    book.active.append(["id"])
    book.active.append([1])
    book.active["ZZ200000"] = "stray"
    sink = io.BytesIO()
    book.save(sink)
    assert "cell ZZ200000 alone" in said(source, tmp_path, "a.xlsx", sink.getvalue())


def test_excel_bombs_are_refused_before_they_unpack(tmp_path, monkeypatch):
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 40_000_000)
    text = said(source, tmp_path, "a.xlsx", sink.getvalue())
    assert "unpacks to 40 MB, up to" in text
    monkeypatch.setattr(sheetcells, "MOST_WORKBOOK_CELLS", 5)
    assert "more than 5 cells" in said(source, tmp_path, "a.xlsx", workbook([["a", "b"]] + [[1, 2]] * 5))


def test_parquet_keeps_codes_and_dates(tmp_path):
    frame = pd.DataFrame(
        {
            "id": ["007", None],
            "n": pd.array([1, None], dtype="Int64"),
            "x": [1.0, 2.5],
            "when": pd.to_datetime(["2024-01-04", None]),
            "flag": [True, False],
        }
    )
    sink = io.BytesIO()
    frame.to_parquet(sink)
    found = source(tmp_path, "a.parquet", sink.getvalue()).frame
    assert found.to_numpy().tolist() == [
        ["007", "1", "1", "2024-01-04", "true"],
        ["", "", "2.5", "", "false"],
    ]
    sink = io.BytesIO()
    pq.write_table(pa.table({"id": [["a"], ["b"]]}), sink)
    assert "nested columns: id" in said(source, tmp_path, "a.parquet", sink.getvalue())


def test_parquet_infinity_is_refused(tmp_path):
    sink = io.BytesIO()
    pd.DataFrame({"id": ["a", "b"], "x": [1.0, np.inf]}).to_parquet(sink)
    (doubt,) = source(tmp_path, "a.parquet", sink.getvalue()).doubts
    assert "row 2, column x: found infinite values" in str(doubt)


def test_spss_keeps_codes_labels_and_declared_missings(tmp_path):
    frame = pd.DataFrame({"ID": ["a", "b", "c"], "P1": [7.0, 99.0, 9.0], "W": [1.5, 0.7, None]})
    pyreadstat.write_sav(
        frame,
        tmp_path / "x.sav",
        column_labels={"P1": "¿Recomendaría?"},
        variable_value_labels={"P1": {7.0: "siete", 99.0: "NS/NR"}},
        missing_ranges={"P1": [99]},
    )
    found = source(tmp_path, "a.sav", (tmp_path / "x.sav").read_bytes())
    assert found.frame["P1"].tolist() == ["7", "99", "9"]
    assert found.frame["W"].tolist() == ["1.5", "0.7", ""]
    assert found.labels == {"P1": {"7": "siete", "99": "NS/NR"}}
    assert found.declared_missing == {"P1": {"99"}}
    assert found.questions == {"P1": "¿Recomendaría?"}


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\x80\x05\x95x", "a Python pickle"), (b"cpandas.core\nx", "a Python pickle"), (b"\x93NUMPY\x01", "a NumPy array"),
        (b"x\x9c" + zlib.compress(b"y" * 99)[2:], "a compressed object, as joblib writes it"), (b"\x89HDF\r\n", "an HDF file"),
        (b"ARROW1\x00\x00", "an Arrow or Feather file"), (b"FEA1\x00", "an Arrow or Feather file"), (b"ORC\x08\x03", "an ORC file"),
        (b"{\\rtf1 x}", "an RTF document"), (b"\x89PNG\r\n", "an image"), (b"\xff\xd8\xff\xe0", "an image"), (b"%PDF-1.7", "a PDF"),
        (b"BZh91AY&SY\xd1", "a bzip2 archive"), (b"7z\xbc\xaf\x27", "a 7z archive"), (bytes(257) + b"ustar\x0000", "a tar archive"),
        (b"\x28\xb5\x2f\xfdx", "a zstd archive"), (b"Rar!\x1a\x07", "a rar archive"), (b"<stata_dta>", "a Stata file"),
        (b"RDX3\nX\n\x00\x00\x00\x03", "an R object"), (b"Obj\x01\x04", "an Avro file"), (b"\x00\x01\x00\x00Standard ACE DB", "an Access database"),
        (b'[{"id": 1}]', "JSON"), (b"\xef\xbb\xbf<html>", "HTML or XML"), (b"<!-- x --><table>", "HTML or XML"),
        (b"SQLite format 3\x00", "sql"), (bytes(8) + b"DUCK", "sql"), (b"PAR1\x15", "parquet"), (b"$FL3x", "spss"),
        (b"ORC,b\n1,2\n", ""), (b"BZh,b\n1,2\n", ""), (b"id;nota\n1;2\n", ""), (b"xx,y\n", ""),
    ],
)  # fmt: skip
def test_first_bytes_say_what_a_file_is(content, kind):
    assert kind_of(content) == kind
