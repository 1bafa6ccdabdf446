"""The catalogue of bad inputs as cases: how to make each file, and what must be said or done of it.

A case is either refused (with its place and the words that must be there) or accepted (with the exact
values that must be stored, what the ledger takes out and what is noted). Numbers are the catalogue's.
"""
# ruff: noqa: E501  tables of cases: one case to a line

import gzip
import io
import json
import pickle
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyreadstat

Files = Mapping[str, str | bytes]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One bad input.

    `says` are texts that the refusal must hold; `line` and `column` its place; `whole` that the fault
    is of a file as a whole, which has no line. `values` are columns as stored; `excluded` the ledger's
    reasons; `notes` texts that the report must hold. `hidden` may never appear in what is said.
    """

    number: int
    name: str
    declaration: str
    files: Files | Callable[[], Files]
    says: Sequence[str] = ()
    line: int = 0
    column: str = ""
    whole: bool = False
    values: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    table: str = "survey_responses"
    excluded: Mapping[str, int] = field(default_factory=dict)
    notes: Sequence[str] = ()
    hidden: Sequence[str] = ()

    @property
    def content(self) -> Files:
        """The raw files, made now."""
        return self.files() if callable(self.files) else self.files

    def __str__(self) -> str:
        return f"{self.number} {self.name}"


def declared(*sources: Mapping[str, Any], **client: Any) -> str:
    """Return a client.yaml (JSON is YAML) with these sources."""
    return json.dumps({"name": "Prueba", **client, "sources": sources}, ensure_ascii=False)


def survey(file: str = "s.csv", **how: Any) -> dict[str, Any]:
    """Return a source of survey_responses."""
    return {"file": f"raw/{file}", "table": "survey_responses", **how}


def customers(file: str = "c.csv", **how: Any) -> dict[str, Any]:
    """Return a source of customers."""
    return {"file": f"raw/{file}", "table": "customers", **how}


NPS = {"scales": {"recommend": [0, 10]}}
# Ten well-behaved rows to stand around the bad one.
GOOD = "".join(f"r{n},{n % 11},Sur\n" for n in range(10))
HEAD = "response_id,recommend,region\n"


def csv_case(number: int, name: str, content: str | bytes, **what: Any) -> Case:
    """Return a case of one delimited survey; `how` goes to its source, `client` to client.yaml."""
    how, client = what.pop("how", {}), what.pop("client", {})
    return Case(
        number=number, name=name, declaration=declared(survey(**(NPS | how)), **client), files={"s.csv": content}, **what
    )  # fmt: skip


def crm_case(number: int, name: str, content: str | bytes, **what: Any) -> Case:
    """Return a case of one delimited file of customers."""
    how, client = what.pop("how", {}), what.pop("client", {})
    return Case(
        number=number, name=name, declaration=declared(customers(**how), **client), files={"c.csv": content}, table="customers", **what
    )  # fmt: skip


def book(*sheets: tuple[str, Sequence[Sequence[Any]]], touch: Callable[[Any], None] | None = None) -> bytes:
    """Return a workbook of these sheets."""
    made = openpyxl.Workbook()
    made.remove(made.active)
    for title, rows in sheets:
        sheet = made.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
    if touch is not None:
        touch(made)
    sink = io.BytesIO()
    made.save(sink)
    return sink.getvalue()


def excel_case(number: int, name: str, make: Callable[[], bytes], **what: Any) -> Case:
    """Return a case of one workbook as survey."""
    how = what.pop("how", {})
    return Case(
        number=number, name=name, declaration=declared(survey("s.xlsx", **(NPS | how))), files=lambda: {"s.xlsx": make()}, **what
    )  # fmt: skip


PLAIN_ROWS = [["response_id", "recommend"], *[[f"r{n}", n % 11] for n in range(10)]]
plain_book = partial(book, ("Datos", PLAIN_ROWS))


def parquet(frame: pd.DataFrame) -> bytes:
    """Return a frame as Parquet."""
    sink = io.BytesIO()
    frame.to_parquet(sink)
    return sink.getvalue()


def sav(frame: pd.DataFrame, **how: Any) -> bytes:
    """Return a frame as an SPSS file."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.sav"
        pyreadstat.write_sav(frame, path, **how)
        return path.read_bytes()


def sav_case(number: int, name: str, make: Callable[[], bytes], **what: Any) -> Case:
    """Return a case of one SPSS file as survey."""
    how = what.pop("how", {})
    return Case(
        number=number, name=name, declaration=declared(survey("s.sav", **(NPS | how))), files=lambda: {"s.sav": make()}, **what
    )  # fmt: skip


def file_case(
    number: int, name: str, file: str, content: str | bytes | Callable[[], bytes], **what: Any
) -> Case:
    """Return a case of one file that is not what it should be."""
    how = what.pop("how", {})
    return Case(
        number=number, name=name, declaration=declared(survey(file, **(NPS | how))),
        files=lambda: {file: content() if callable(content) else content}, **what,
    )  # fmt: skip


def small_sav() -> bytes:
    return sav(
        pd.DataFrame(
            {"response_id": [f"r{n}" for n in range(10)], "recommend": [float(n) for n in range(10)]}
        )
    )


def small_parquet() -> bytes:
    return parquet(pd.DataFrame({"response_id": [f"r{n}" for n in range(10)], "recommend": list(range(10))}))


LATIN = "response_id,recommend,región\nr1,9,Ñuble\nr2,3,“Sur”\n"
REGION = {"names": {"región": "region"}}

ENCODINGS = [
    csv_case(1, "latin-1, not declared", "response_id,recommend,región\nr1,9,Ñuble\n".encode("latin-1"), line=1, says=["byte 0xF3", "add `encoding: latin-1`"]),
    csv_case(1, "cp1252, not declared", LATIN.replace("región", "region").replace("Ñ", "N").encode("cp1252"), line=3, says=["byte 0x93", "add `encoding: cp1252`", "'“'"]),
    csv_case(1, "cp1252, declared", LATIN.encode("cp1252"), how=REGION | {"encoding": "cp1252"}, values={"region": ["Ñuble", "“Sur”"], "recommend": [9, 3]}),
    csv_case(1, "latin-1, declared", LATIN.replace("“", "").replace("”", "").encode("latin-1"), how=REGION | {"encoding": "latin-1"}, values={"region": ["Ñuble", "Sur"]}),
    csv_case(1, "mac roman, declared", LATIN.encode("mac_roman"), how=REGION | {"encoding": "mac_roman"}, values={"region": ["Ñuble", "“Sur”"]}),
    csv_case(1, "an encoding that does not exist", LATIN, how={"encoding": "latin1252"}, whole=True, says=["client.yaml", "'latin1252'", "mac_roman"]),
    csv_case(2, "utf-16, little end first", LATIN.encode("utf-16"), how=REGION, values={"region": ["Ñuble", "“Sur”"]}),
    csv_case(2, "utf-16, big end first", b"\xfe\xff" + LATIN.encode("utf-16-be"), how=REGION, values={"region": ["Ñuble", "“Sur”"]}),
    csv_case(2, "utf-16 without its mark", (HEAD + GOOD).encode("utf-16-le"), line=1, says=["a NUL byte"]),
    csv_case(2, "utf-16 cut in the middle of a letter", (HEAD + GOOD).encode("utf-16")[:-1], line=11, says=["utf-16"]),
    csv_case(3, "utf-8 with a mark", LATIN.encode("utf-8-sig"), how=REGION, values={"region": ["Ñuble", "“Sur”"], "recommend": [9, 3]}),
    csv_case(3, "a mark against the declaration", LATIN.encode("utf-8-sig"), how=REGION | {"encoding": "latin-1"}, line=1, says=["the byte-order mark of utf-8", "declared as latin-1", "remove `encoding:`"]),
    csv_case(3, "a mark inside, where two files were joined", HEAD + GOOD + "\ufeffr10,5,Sur\n", line=12, says=["mark"]),
    csv_case(4, "utf-8 saved twice", (HEAD + "r1,9,Regi\u00c3\u00b3n\n").encode(), line=2, says=["UTF-8 letters read as utf-8", "saved twice"]),
    csv_case(4, "utf-8 declared as latin-1", (HEAD + "r1,9,Región\n").encode(), how={"encoding": "latin-1"}, line=2, says=["UTF-8 letters read as latin-1", "declare `encoding: utf-8`"]),
    csv_case(4, "utf-8 declared as cp1252", (HEAD + "r1,9,Región\n").encode(), how={"encoding": "cp1252"}, line=2, says=["UTF-8 letters read as cp1252"]),
    csv_case(4, "letters lost for good", HEAD + "r1,9,Regi\ufffdn\n", line=2, says=["lost character"]),
    csv_case(5, "cp1252 declared as latin-1", (HEAD + "r1,9,“Sur” 5 €\n").encode("cp1252"), how={"encoding": "latin-1"}, line=2, says=["control character", "declare `encoding: cp1252`"]),
]  # fmt: skip

SEPARATORS = [
    csv_case(6, "semicolons", (HEAD + GOOD).replace(",", ";"), values={"recommend": list(range(10))}),
    csv_case(6, "tabs", (HEAD + GOOD).replace(",", "\t"), values={"recommend": list(range(10))}),
    csv_case(6, "bars", (HEAD + GOOD).replace(",", "|"), values={"region": ["Sur"] * 10}),
    csv_case(6, "two separators that fit", "response_id;a,recommend;b\n1;2,3;4\n2;2,3;4\n", line=1, says=["separators that fit equally: semicolon, comma", "declare `separator:`"]),
    csv_case(6, "blanks between columns", (HEAD + GOOD).replace(",", " "), line=1, says=["separator"]),
    csv_case(6, "columns of fixed width", "response_id   recommend\nr1   9\nr22  10\n".replace("recommend", "recommend  region").replace("9", "9    Sur").replace("10", "10   Sur"), line=1, says=["separator"]),
    csv_case(6, "carets between columns", (HEAD + GOOD).replace(",", "^"), line=1, says=["separator"]),
    csv_case(6, "two bars between columns", (HEAD + GOOD).replace(",", "||"), values={"recommend": list(range(10)), "region": ["Sur"] * 10}),
    csv_case(6, "separator declared wrongly", (HEAD + GOOD).replace(",", ";"), how={"separator": ","}, whole=True, says=["response_id;recommend;region"]),
    csv_case(7, "decimal commas between commas", "response_id,attr_nota\n101,7,5\n102,8,5\n103,6,0\n", line=2, says=["3 fields", "2 fields", "decimal commas between commas"]),
    csv_case(7, "decimal commas in some rows", "response_id,attr_nota\n101,7,5\n102,8\n103,6,0\n", line=2, says=["3 fields", "decimal commas between commas"]),
    csv_case(8, "decimal comma not declared", "response_id;recommend;attr_nota\nr1;9;7,5\nr2;3;6,25\n", line=2, column="attr_nota", says=["'7,5'", 'declare `decimal: ","`']),
    csv_case(8, "decimal comma declared", "response_id;recommend;attr_nota\nr1;9;7,5\nr2;3;-6,25\n", how={"decimal": ","}, values={"attr_nota": [7.5, -6.25]}),
    csv_case(8, "decimal points where commas are declared", "response_id;recommend;attr_nota\nr1;9;7.5\nr2;3;6.2\n", how={"decimal": ",", "kinds": {"attr_nota": "number"}}, line=2, column="attr_nota", says=["'7.5'"]),
    csv_case(9, "thousands that look like decimals", "response_id,recommend,attr_gasto\nr1,9,1.234\nr2,3,12.500\nr3,4,950\n", line=2, column="attr_gasto", says=["'1.234'", "declare `thousands:` and `decimal:`"]),
    csv_case(9, "thousands declared", "response_id;recommend;attr_gasto\nr1;9;1.234\nr2;3;12.500,5\nr3;4;950\n", how={"thousands": ".", "decimal": ","}, values={"attr_gasto": [1234.0, 12500.5, 950.0]}),
    csv_case(9, "hard blanks for thousands", "response_id;recommend;attr_gasto\nr1;9;1 234,5\nr2;3;5\u00a0678\nr3;4;9\u202f012\n", how={"thousands": " ", "decimal": ","}, values={"attr_gasto": [1234.5, 5678.0, 9012.0]}),
    csv_case(9, "thousands out of their threes", "response_id;recommend;attr_gasto\nr1;9;1.23\nr2;3;12.500\n", how={"thousands": ".", "decimal": ",", "kinds": {"attr_gasto": "number"}}, line=2, column="attr_gasto", says=["'1.23'"]),
    csv_case(9, "amounts with their currency", "response_id,recommend,attr_gasto\nr1,9,$ 1234\nr2,3,$ 950\n", line=2, column="attr_gasto", says=["'$ 1234'", "currency"]),
    csv_case(9, "percentages", "response_id,recommend,attr_uso\nr1,9,12%\nr2,3,50%\n", line=2, column="attr_uso", says=["'12%'", "percent"]),
    csv_case(9, "an apostrophe for thousands", "response_id,recommend,attr_gasto\nr1,9,1'234\nr2,3,950\n", how={"kinds": {"attr_gasto": "number"}}, line=2, column="attr_gasto", says=["\"1'234\""]),
]  # fmt: skip

QUOTES = [
    csv_case(10, "a quote that is never closed", HEAD + 'r1,9,"Sur\n' + GOOD, line=2, says=["not closed until the end of the file"]),
    csv_case(10, "a quote closed in another row", HEAD + 'r1,9,"Sur\nr2,3,Norte"\n' + GOOD, line=2, says=["holds other lines of the table"]),
    csv_case(10, "a quote in the middle of a quoted text", HEAD + 'r1,9,"dijo "hola" y ya"\n' + GOOD, line=2, says=["a quote in the middle of a field"]),
    csv_case(10, "a bare quote in a file that quotes", HEAD + 'r1,9,"Sur, centro"\nr2,3,No"rte\n' + GOOD, line=3, says=["quote"]),
    csv_case(10, "slashes before quotes", HEAD + 'r1,9,"dijo \\"hola\\""\n' + GOOD, line=2, says=["quote"]),
    csv_case(10, "blanks before quotes", HEAD + 'r1, 9, "Sur"\nr2, 3, "Norte"\n', line=2, says=["quote"]),
    csv_case(10, "apostrophes for quotes", HEAD.replace("region", "'region'") + "r1,9,'Sur, centro'\n" + GOOD, line=2, says=["4 fields"]),
    csv_case(10, "inches where nothing is quoted", HEAD + 'r1,9,tubo de 5"\nr2,3,2" y 3"\n', values={"region": ['tubo de 5"', '2" y 3"']}),
    csv_case(10, "a text of several lines", HEAD + 'r1,9,"uno,\n""dos""\n\ntres"\n', values={"region": ['uno,\n"dos"\n\ntres']}),
    csv_case(11, "a field too many", HEAD + GOOD + "r10,5,Sur,x\n", line=12, says=["4 fields", "3 fields, as in the header"]),
    csv_case(11, "a field too few", HEAD + GOOD + "r10,5\n" + "r11,5,Sur\n", line=12, says=["2 fields", "3 fields, as in the header"]),
    csv_case(11, "a header too short", "response_id,recommend\n" + GOOD, line=1, says=["2 fields", "3"]),
    csv_case(11, "two rows on one line", HEAD + "r20,9,Surr21,3,Norte\n" + GOOD, line=2, says=["5 fields"]),
    csv_case(11, "a row on two lines", HEAD + "r20,9\n,Sur\n" + GOOD, line=2, says=["2 fields"]),
    csv_case(12, "cut in a row", HEAD + GOOD + "r10,5", line=12, says=["2 fields"]),
    csv_case(12, "cut in the last number", "response_id,region,attr_gasto\n" + "".join(f"r{n},Sur,3500\n" for n in range(9)) + "r9,Sur,35", how={"scales": {}}, values={"attr_gasto": [3500] * 9 + [35]}, notes=["the last line", "cut"]),
    csv_case(13, "NUL bytes", HEAD + "r1,9,S\x00ur\n", line=2, says=["a NUL byte", "damaged"]),
    csv_case(13, "NULs to the end of a block", HEAD + GOOD + "\x00" * 512, line=12, says=["a NUL byte"]),
    csv_case(14, "no byte", "", whole=True, says=["an empty file"]),
    csv_case(14, "nothing but blanks", " \n\n\t\n", whole=True, says=["an empty file"]),
    csv_case(14, "nothing but a mark", b"\xef\xbb\xbf", whole=True, says=["an empty file"]),
    csv_case(14, "a header and no row", HEAD, line=1, says=["a header and no row"]),
    csv_case(14, "a header and empty rows", HEAD + ",,\n,,\n", line=1, says=["a header and no row"]),
]  # fmt: skip

HEADERS = [
    csv_case(15, "a name twice", "response_id,recommend,recommend\nr1,9,3\n", line=1, column="recommend", says=["'recommend' in columns 2, 3"]),
    csv_case(15, "two headers for one column", "response_id,recommend,P9\nr1,9,3\n", how={"names": {"P9": "recommend"}}, column="recommend", says=["client.yaml", "two columns for recommend"]),
    csv_case(16, "a hard blank in a name", "response_id,recommend\u00a0,region\nr1,9,Sur\n", values={"recommend": [9]}),
    csv_case(16, "invisible marks in a name", "response_id,\u200brecommend\u200e,region\nr1,9,Sur\n", values={"recommend": [9]}),
    csv_case(16, "a name in two lines", 'response_id,"¿Nos\nrecomienda?"\nr1,9\n', how={"names": {"¿Nos recomienda?": "recommend"}}, values={"recommend": [9]}),
    csv_case(16, "two names that differ by blanks", "response_id,recommend,recommend \nr1,9,3\n", line=1, says=["'recommend' in columns 2, 3"]),
    csv_case(17, "a line before the header", "Encuesta de mayo\n" + HEAD + GOOD, line=2, says=["3 fields", "header_row: 2"]),
    csv_case(17, "padded lines before the header", "Encuesta de mayo,,\n,,\n" + HEAD + GOOD, line=1, says=["header_row"]),
    csv_case(17, "lines before the header, declared", "Encuesta de mayo\n\n" + HEAD + GOOD, how={"header_row": 3}, values={"recommend": list(range(10))}),
    csv_case(17, "a second table under the first", HEAD + GOOD + "\ntienda,meta\nT1,5\n", line=13, says=["2 fields"]),
    csv_case(17, "the header again in the middle", HEAD + GOOD + HEAD + "r20,5,Sur\n", line=12, says=["header"]),
    csv_case(17, "a second table as wide", HEAD + GOOD + "\ntienda,meta,zona\nT1,alta,x\n", line=13, column="recommend", says=["'meta'", "'alta'"]),
    csv_case(17, "a source under the rows", HEAD + GOOD + "Fuente: encuesta propia\n", line=12, says=["1 fields"]),
    csv_case(17, "a padded source under the rows", "response_id,recommend,attr_gasto,region\n" + "".join(f"r{n},{n},{n},Sur\n" for n in range(10)) + "Fuente: encuesta propia,,,\n", line=12, says=["unlike"]),
    csv_case(17, "no header", "r1,9,2024-01-05\nr2,3,2024-01-06\n", line=1, says=["as in a row of data"]),
    csv_case(17, "no header and mostly words", "Ana,9,Sur\n" + "".join(f"{name},{n},Sur\n" for n, name in enumerate(["Ana", "Eva", "Luz"])), column="recommend", says=["no column of survey_responses; it has Ana, 9, Sur"]),
    csv_case(17, "header_row beyond the file", HEAD + GOOD, how={"header_row": 40}, whole=True, says=["fewer lines than header_row 40"]),
    csv_case(17, "rows of explanation under the header", HEAD + "Folio,¿Nos recomienda?,Región\n" + GOOD, line=2, column="recommend", says=["'¿Nos recomienda?'"]),
    csv_case(17, "rows of explanation, declared", HEAD + "Folio,¿Nos recomienda?,Región\n" + GOOD, how={"skip_after_header": 1}, values={"recommend": list(range(10))}, excluded={"header rows": 1}),
    csv_case(17, "columns without a name", "response_id,recommend,\nr1,9,\nr2,3,\n", values={"recommend": [9, 3]}),
]  # fmt: skip


def _cut(make: Callable[[], bytes], share: float) -> Callable[[], bytes]:
    def cut() -> bytes:
        content = make()
        return content[: int(share * len(content))]

    return cut


CONTAINERS = [
    file_case(18, "gzip under another suffix", "s.csv", lambda: gzip.compress((HEAD + GOOD).encode()), whole=True, says=["a gzip archive", "without password or compression"]),
    file_case(18, "gzip, said so", "s.csv.gz", lambda: gzip.compress((HEAD + GOOD).encode()), whole=True, says=["suffix"]),
    file_case(18, "gzip cut", "s.csv", lambda: gzip.compress((HEAD + GOOD * 50).encode())[:60], whole=True, says=["a gzip archive"]),
    file_case(18, "a zip of a CSV", "s.csv", lambda: zipped({"s.csv": HEAD + GOOD}), whole=True, says=["excel where csv"]),
    file_case(18, "a 7z", "s.csv", b"7z\xbc\xaf\x27\x1c" + bytes(40), whole=True, says=["a 7z archive"]),
    file_case(18, "a rar", "s.csv", b"Rar!\x1a\x07\x01\x00" + bytes(40), whole=True, says=["a rar archive"]),
    file_case(20, "parquet cut", "s.parquet", _cut(small_parquet, 0.6), whole=True, says=["a file that cannot be read", "ask for the file again"]),
    file_case(20, "parquet without its start", "s.parquet", lambda: b"XXXX" + small_parquet()[4:], whole=True, says=["parquet"]),
    file_case(20, "parquet of nothing but its mark", "s.parquet", b"PAR1", whole=True, says=["a file that cannot be read"]),
    file_case(20, "parquet of lists", "s.parquet", lambda: parquet(pd.DataFrame({"response_id": ["a", "b"], "recommend": [[1], [2]]})), whole=True, says=["nested columns: recommend"]),
    file_case(20, "parquet without rows", "s.parquet", lambda: parquet(pd.DataFrame({"response_id": pd.array([], dtype="string"), "recommend": pd.array([], dtype="Int64")})), whole=True, says=["no row"]),
    file_case(21, "sav cut", "s.sav", _cut(small_sav, 0.5), whole=True, says=["raw/s.sav", "a file that cannot be read"]),
    file_case(21, "sav of noise", "s.sav", b"$FL2" + bytes(range(256)) * 4, whole=True, says=["raw/s.sav", "a file that cannot be read"]),
    file_case(21, "sav cut in its last case", "s.sav", lambda: small_sav()[:-9], whole=True, says=["raw/s.sav"]),
    file_case(22, "CSV called xlsx", "s.xlsx", HEAD + GOOD, whole=True, says=["where excel is declared"]),
    file_case(22, "HTML called xlsx", "s.xlsx", "<html><table><tr><td>1</td></tr></table></html>", whole=True, says=["HTML or XML where excel"]),
    file_case(22, "HTML called xls", "s.xls", "<html><table><tr><td>1</td></tr></table></html>", whole=True, says=["s.xls", "suffix", "save the file"]),
    file_case(22, "HTML called csv", "s.csv", "<!DOCTYPE html><html><body>Sesión vencida</body></html>", whole=True, says=["HTML or XML where csv"]),
    file_case(22, "xlsx called csv", "s.csv", plain_book, whole=True, says=["excel where csv"]),
    file_case(22, "parquet called csv", "s.csv", small_parquet, whole=True, says=["parquet where csv"]),
    file_case(22, "sav called csv", "s.csv", small_sav, whole=True, says=["spss where csv"]),
    file_case(22, "a PDF called csv", "s.csv", b"%PDF-1.7\n%\xe2\xe3", whole=True, says=["a PDF where csv"]),
    file_case(22, "JSON called csv", "s.csv", json.dumps([{"response_id": n, "recommend": n} for n in range(9)], indent=1), whole=True, says=["JSON"]),
    file_case(22, "a picture called csv", "s.csv", b"\x89PNG\r\n\x1a\n" + bytes(60), whole=True, says=["where csv"]),
    file_case(23, "xlsx cut", "s.xlsx", _cut(plain_book, 0.5), whole=True, says=["a workbook that cannot be opened"]),
    file_case(23, "a zip that is no workbook", "s.xlsx", lambda: zipped({"a.txt": "x"}), whole=True, says=["a workbook that cannot be opened"]),
    file_case(23, "xlsx with a damaged sheet", "s.xlsx", lambda: patched(plain_book(), "xl/worksheets/sheet1.xml", b"<worksheet><sheetData><row"), whole=True, says=["a workbook that cannot be opened"]),
    file_case(24, "xlsx with a password", "s.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), whole=True, says=["an old .xls or a workbook with a password", "without password"]),
    file_case(33, "a pickle called csv", "s.csv", pickle.dumps({"a": 1}), whole=True, says=["a Python pickle"]),
    file_case(33, "an older pickle called csv", "s.csv", pickle.dumps({"a": 1}, protocol=2), whole=True, says=["a Python pickle"]),
    file_case(33, "a pickle, said so", "s.pkl", pickle.dumps({"a": 1}), whole=True, says=["s.pkl", "suffix"]),
    file_case(33, "a pickle declared as csv", "s.pkl", pickle.dumps({"a": 1}), how={"format": "csv"}, whole=True, says=["a Python pickle"]),
    file_case(33, "HDF called csv", "s.csv", b"\x89HDF\r\n\x1a\n" + bytes(60), whole=True, says=["an HDF file"]),
    file_case(33, "joblib", "s.joblib", pickle.dumps([1]), whole=True, says=["s.joblib", "suffix"]),
]  # fmt: skip


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    """Return a zip archive of these parts."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return sink.getvalue()


def patched(content: bytes, part: str, new: bytes) -> bytes:
    """Return a zip archive with another content of one part."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    return zipped(parts | {part: new})


def _hide(rows: Sequence[int]) -> Callable[[Any], None]:
    def hide(made: Any) -> None:
        for row in rows:
            made.worksheets[0].row_dimensions[row].hidden = True

    return hide


def _merge(cells: str) -> Callable[[Any], None]:
    def merge(made: Any) -> None:
        made.worksheets[0].merge_cells(cells)

    return merge


MIXED_DATES = [
    ["response_id", "recommend", "responded_at"],
    ["r1", 9, date(2024, 1, 4)],
    ["r2", 3, 45293],
    ["r3", 4, "04/01/2024"],
]

WORKBOOKS = [
    excel_case(27, "data on the second sheet", lambda: book(("Leyenda", [["código", "significado"], [1, "sí"]]), ("Datos", PLAIN_ROWS)), whole=True, says=["2 sheets and none named", "Leyenda, Datos", "`sheet:`"]),
    excel_case(27, "data on the second sheet, named", lambda: book(("Leyenda", [["código"], [1]]), ("Datos", PLAIN_ROWS)), how={"sheet": "Datos"}, values={"recommend": list(range(10))}),
    excel_case(27, "a sheet that is not there", lambda: book(("Leyenda", [["a"], [1]]), ("Datos 2024", PLAIN_ROWS)), how={"sheet": "Datos2024"}, whole=True, says=["no sheet 'Datos2024'", "did you mean Datos 2024?"]),
    excel_case(28, "a title over the table", lambda: book(("Datos", [["Encuesta de mayo"], [], *PLAIN_ROWS])), line=1, says=["a title", "declare `header_row: 3`"]),
    excel_case(28, "a title over the table, declared", lambda: book(("Datos", [["Encuesta de mayo"], [], *PLAIN_ROWS])), how={"header_row": 3}, values={"recommend": list(range(10))}),
    excel_case(28, "merged names", lambda: book(("Datos", [["response_id", "Notas", None, None], *[[f"r{n}", n, n, n] for n in range(9)]]), touch=_merge("B1:D1")), line=1, says=["a title"]),
    excel_case(28, "an empty sheet", lambda: book(("Datos", [])), line=1, says=["nothing on row 1"]),
    excel_case(29, "a row of totals", lambda: book(("Datos", [["response_id", "recommend", "attr_gasto"], *[[f"r{n}", n, 10 * n] for n in range(10)], ["Total", None, 450]])), line=12, says=["otal"]),
    excel_case(29, "hidden rows", lambda: book(("Datos", PLAIN_ROWS), touch=_hide([4, 5])), line=4, says=["2 rows that nobody sees", "4-5", "hidden_rows: read"]),
    excel_case(29, "hidden rows, declared as data", lambda: book(("Datos", PLAIN_ROWS), touch=_hide([4, 5])), how={"hidden_rows": "read"}, values={"recommend": list(range(10))}),
    excel_case(29, "hidden rows, declared as none", lambda: book(("Datos", PLAIN_ROWS), touch=_hide([4, 5])), how={"hidden_rows": "skip"}, values={"recommend": [0, 1, 4, 5, 6, 7, 8, 9]}, excluded={"hidden rows": 2}),
    excel_case(30, "a formula without its result", lambda: book(("Datos", [*PLAIN_ROWS, ["r10", "=1+1"]])), line=12, says=["cell B12", "without a saved result"]),
    excel_case(30, "#N/A", lambda: book(("Datos", [*PLAIN_ROWS, ["r10", "#N/A"]])), line=12, says=["the error #N/A in cell B12"]),
    excel_case(30, "#DIV/0! and #REF!", lambda: book(("Datos", [*PLAIN_ROWS, ["r10", "#DIV/0!"], ["r11", "#REF!"]])), line=13, says=["#DIV/0! in cell B12", "#REF! in cell B13"]),
    excel_case(31, "three kinds of date in one column", lambda: book(("Datos", MIXED_DATES)), line=3, column="responded_at", says=["'45293'", "Excel serial number", "'04/01/2024'"]),
    excel_case(41, "codes shown with zeros", lambda: book(("Datos", [["response_id", "recommend", "attr_tienda"], ["r1", 9, 7], ["r2", 3, 12]]), touch=lambda made: [setattr(made.worksheets[0][cell], "number_format", "000") for cell in ("C2", "C3")]), values={"attr_tienda": ["007", "012"]}),
    excel_case(42, "ids longer than Excel keeps", lambda: book(("Datos", [*PLAIN_ROWS, [12345678901234567, 5]])), line=12, says=["more than 15 digits in cell A12"]),
    excel_case(98, "texts that would be formulas", lambda: book(("Datos", [["response_id", "recommend", "region"], ["r1", 9, None], ["r2", 3, "Sur"]]), touch=lambda made: _as_text(made.worksheets[0]["C2"], "=cmd|' /C calc'!A0")), values={"region": ["=cmd|' /C calc'!A0", "Sur"]}),
    excel_case(100, "a name with marks no sheet may have", plain_book, how={"sheet": "Q1/Q2"}, whole=True, says=["no sheet 'Q1/Q2'", "Datos"]),
]  # fmt: skip


def _as_text(cell: Any, text: str) -> None:
    cell.value = text
    cell.data_type = "s"


def _where(path: str) -> Case:
    return Case(number=34, name=f"{path} for a file", declaration=declared({"file": path, "table": "survey_responses", "format": "csv", **NPS}), files={"s.csv": HEAD + GOOD}, whole=True, says=["client.yaml"])  # fmt: skip


PLACES = [
    *map(_where, [
        "https://example.com/s.csv", "s3://cubo/s.csv", "file:///etc/passwd", "ftp://example.com/s.csv", "/etc/passwd", "C:\\datos\\s.csv",
        "../otro/raw/s.csv", "raw/../../otro/s.csv", "${HOME}/s.csv", "raw/${CXLAB_REAL_DATA}/s.csv", "\\\\servidor\\s.csv", ".",
    ]),
    Case(number=34, name="a file that is not there", declaration=declared(survey("encuesta.csv", **NPS)), files={"s.csv": HEAD + GOOD}, whole=True, says=["raw/encuesta.csv", "no such file", "s.csv"]),
    Case(number=34, name="a folder for a file", declaration=declared({"file": "raw", "table": "survey_responses", "format": "csv", **NPS}), files={"s.csv": HEAD + GOOD}, whole=True, says=["raw: found a folder", "one file"]),
    Case(number=34, name="a name in other letters", declaration=declared(survey("S.CSV", **NPS)), files={"s.csv": HEAD + GOOD}, whole=True, says=["raw/S.CSV", "s.csv"]),
    Case(number=34, name="a suffix that says nothing", declaration=declared(survey("s.dat", **NPS)), files={"s.dat": HEAD + GOOD}, whole=True, says=["s.dat", "give `format:`"]),
    Case(number=34, name="a suffix that says nothing, declared", declaration=declared(survey("s.dat", format="csv", **NPS)), files={"s.dat": HEAD + GOOD}, values={"recommend": list(range(10))}),
]  # fmt: skip


def nps_rows(values: Sequence[Any], name: str = "recommend") -> str:
    """Return a survey of one score."""
    return f"response_id,{name}\n" + "".join(f"r{n},{value}\n" for n, value in enumerate(values))


TENS = list(range(11))
LABELS = {"recommend": {0.0: "Nada probable", 10.0: "Muy probable"}}
CODED = {"recommend": {**{float(n): str(n) for n in range(11)}, 99.0: "NS/NR"}}


def _rated(values: Sequence[float], **how: Any) -> Callable[[], bytes]:
    frame = pd.DataFrame(
        {"response_id": [f"r{n}" for n in range(len(values))], "recommend": list(map(float, values))}
    )
    return lambda: sav(frame, **how)


CODES = [
    csv_case(35, "99 in a scale of 0 to 10", nps_rows([*TENS, 99, 99]), line=13, column="recommend", says=["'99' (2 rows)", "0 to 10", "missing: {recommend: [...]}"]),
    csv_case(35, "99, declared missing", nps_rows([*TENS, 99, 99]), how={"missing": {"recommend": [99]}}, values={"recommend": [*TENS, None, None]}),
    csv_case(35, "99 in a score of one's own without a scale", nps_rows([1, 2, 3, 4, 5, 99], "attr_trato"), how={"scales": {}}, line=7, column="attr_trato", says=["'99'", "`missing:`"]),
    csv_case(35, "-1 in a score of one's own without a scale", nps_rows([1, 2, 3, 4, 5, -1], "attr_trato"), how={"scales": {}}, line=7, column="attr_trato", says=["'-1'", "`missing:`"]),
    csv_case(36, "0 to 10 exported as 1 to 11", nps_rows([n + 1 for n in TENS]), line=12, column="recommend", says=["'11'", "0 to 10"]),
    csv_case(36, "a score without a scale", nps_rows(TENS), how={"scales": {}}, column="recommend", says=["values from 0 to 10", "declare `scales: {recommend: [0, 10]}`"]),
    csv_case(36, "half points in a scale", nps_rows([*TENS, "10.5"]), line=13, column="recommend", says=["'10.5'", "0 to 10"]),
    csv_case(37, "numbers with their words", nps_rows(["10 - Muy probable", 7, "0 - Nada probable"]), line=2, column="recommend", says=["'10 - Muy probable'", "declare `leading_number: [recommend]`"]),
    csv_case(37, "numbers with their words, declared", nps_rows(["10 - Muy probable", 7, "0 - Nada probable"]), how={"leading_number": ["recommend"]}, values={"recommend": [10, 7, 0]}),
    csv_case(37, "N/R among numbers", nps_rows([*TENS, "N/R"]), line=13, column="recommend", says=["'N/R'", "declare it under `missing:`"]),
    csv_case(37, "words that start with another number", nps_rows(["10 - Muy probable", "1O", "7"]), how={"leading_number": ["recommend"]}, line=3, column="recommend", says=["'1O'", "a text that starts with a number"]),
    csv_case(37, "words that start with a number and its decimals", nps_rows(["7.5 - bien", "7"]), how={"leading_number": ["recommend"]}, line=2, column="recommend", says=["'7.5 - bien'", "a text that starts with a number"]),
    csv_case(37, "words that start with a range", nps_rows(["1-3 veces", "7"]), how={"leading_number": ["recommend"]}, line=2, column="recommend", says=["'1-3 veces'", "a text that starts with a number"]),
    csv_case(37, "an undeclared word in a column of one's own", nps_rows([*TENS, "N/R"], "attr_trato"), how={"scales": {}}, line=13, column="attr_trato", says=["'N/R'"]),
    sav_case(38, "labels on the ends of a scale", _rated(TENS, variable_value_labels=LABELS), values={"recommend": TENS}),
    sav_case(39, "99 labelled as no answer", _rated([*TENS, 99], variable_value_labels=CODED), line=12, column="recommend", says=["'99'", "labelled 'NS/NR'", "missing: {recommend: {99: dont_know}}"]),
    sav_case(39, "99 declared missing by the file", _rated([*TENS, 99], variable_value_labels=CODED, missing_ranges={"recommend": [99]}), values={"recommend": [*TENS, None]}),
    csv_case(40, "words for nothing in a text", "response_id,recommend,region\nr1,9,NA\nr2,3,None\nr3,4,null\nr4,5,nan\nr5,6,-\n", values={"region": ["NA", "None", "null", "nan", "-"]}),
    csv_case(40, "NA in a score", nps_rows([*TENS, "NA", "null"]), line=13, column="recommend", says=["'NA'", "'null'"]),
    csv_case(40, "NA, declared everywhere", "response_id,recommend,region\nr1,NA,NA\nr2,3,Sur\n", how={"missing": {"*": ["NA"]}}, values={"recommend": [None, 3], "region": [None, "Sur"]}),
    csv_case(40, "a code declared under a name that is not there", nps_rows(TENS), how={"missing": {"recomend": [99]}}, column="recomend", says=["`missing` that is no column", "did you mean recommend?"]),
    csv_case(40, "a key that does not exist", nps_rows(TENS), how={"mising": {"recommend": [99]}}, whole=True, says=["the unknown key mising", "did you mean missing?"]),
    csv_case(40, "an exclusion of a column that is not there", nps_rows(TENS), how={"exclude": [{"where": "estado == 'x'", "reason": "x"}]}, column="estado", says=["client.yaml", "no column"]),
]  # fmt: skip

IDS = [
    csv_case(41, "ids with zeros before them", "response_id,customer_id,recommend\n1,00123,9\n2,0123,3\n3,123,4\n", values={"customer_id": ["id 00123", "id 0123", "id 123"]}),
    csv_case(41, "codes with zeros before them", "response_id,recommend,attr_tienda\n1,9,007\n2,3,07\n3,4,7\n", values={"attr_tienda": ["007", "07", "7"]}),
    csv_case(42, "ids of eighteen digits", "response_id,customer_id,recommend\n1,123456789012345678,9\n2,123456789012345679,3\n3,,4\n", values={"customer_id": ["id 123456789012345678", "id 123456789012345679", None]}),
    csv_case(42, "an id missing where it must be", "response_id,recommend\nr1,9\n,3\n", line=3, column="response_id", says=["an empty cell", "a value in every row"]),
    csv_case(42, "ids written by Excel", "response_id,customer_id,recommend\n1,1.23457E+17,9\n2,1.23457E+17,3\n", line=2, column="customer_id", says=["lost"]),
    csv_case(43, "numbers of more digits than a measure holds", nps_rows([12345678901234567890, 5], "attr_monto"), how={"scales": {}, "kinds": {"attr_monto": "number"}}, line=2, column="attr_monto", says=["at most 15 digits", "kinds: {attr_monto: text}"]),
    csv_case(44, "a number beyond all numbers", nps_rows(["1e400", 5, 6, 7, 8], "attr_monto"), how={"scales": {}, "kinds": {"attr_monto": "number"}}, line=2, column="attr_monto", says=["'1e400'"]),
    csv_case(44, "inf", nps_rows(["inf", 5, 6, 7, 8], "attr_monto"), how={"scales": {}, "kinds": {"attr_monto": "number"}}, line=2, column="attr_monto", says=["'inf'"]),
    csv_case(44, "nan", nps_rows(["nan", 5, 6, 7, 8]), line=2, column="recommend", says=["'nan'"]),
    csv_case(44, "numbers as programmers write them", nps_rows(["1_000", "0x10", "１２", 5, 6], "attr_monto"), how={"scales": {}, "kinds": {"attr_monto": "number"}}, line=2, column="attr_monto", says=["'1_000'", "'0x10'", "'１２'"]),
    file_case(44, "infinity in parquet", "s.parquet", lambda: parquet(pd.DataFrame({"response_id": ["a", "b"], "recommend": [1.0, float("inf")]})), line=2, column="recommend", says=["infinite values"]),
    csv_case(45, "blank lines", HEAD + "\nr1,9,Sur\n\n  \nr2,3,Sur\n\n", values={"recommend": [9, 3]}, excluded={"blank lines": 4}),
    csv_case(45, "rows of nothing but separators", HEAD + "r1,9,Sur\n,,\nr2,3,Sur\n", values={"recommend": [9, 3]}, excluded={"blank lines": 1}),
    csv_case(45, "cells of blanks", HEAD + "r1,9,Sur\nr2,3,   \n", line=3, column="region", says=["'   '", "text, or an empty cell"]),
    csv_case(45, "outer blanks", HEAD + "r1, 9 , Sur \nr2,3,Sur\n", values={"recommend": [9, 3], "region": ["Sur", "Sur"]}, notes=["outer blanks taken off"]),
    csv_case(45, "an empty cell in a file of one column", 'attr_nota\n5\n""\n6\n', how={"scales": {}, "derive": {}}, column="response_id", says=["no column response_id"]),
    csv_case(53, "an id twice", nps_rows(TENS) + "r3,7\n", line=13, column="response_id", says=["row 5 of raw/s.csv again", "each response_id once"]),
    csv_case(53, "an id twice but for blanks", nps_rows(TENS) + " r3 ,7\n", line=13, column="response_id", says=["each response_id once"]),
    Case(number=53, name="an id in two files", declaration=declared(survey(**NPS), survey("t.csv", **NPS)), files={"s.csv": nps_rows(TENS), "t.csv": nps_rows(TENS[:1])}, line=2, column="response_id", says=["raw/t.csv", "row 2 of raw/s.csv again"]),
    Case(number=53, name="the same file twice", declaration=declared(survey(**NPS), survey("t.csv", **NPS)), files={"s.csv": nps_rows(TENS), "t.csv": nps_rows(TENS)}, line=2, column="response_id", says=["raw/t.csv", "again"]),
    crm_case(53, "a customer twice", "customer_id,duration,event\na,3,1\nb,4,0\na,3,1\n", line=4, column="customer_id", says=["row 2 of raw/c.csv again"]),
]  # fmt: skip


def _joined(surveys: str, crm: bytes | str, crm_file: str = "c.csv", values: Any = ()) -> dict[str, Any]:
    return {
        "declaration": declared(customers(crm_file), survey(**NPS)),
        "files": {"s.csv": surveys, crm_file: crm},
        "table": "customers",
        "values": values,
    }


SURVEYS = "response_id,customer_id,responded_at,recommend\nr1,101,2024-03-01,9\nr2,,2024-03-01,3\nr3,102,2024-04-01,4\n"
CRM = "customer_id,start_date,observation_end,end_date\n101,2024-01-01,2024-12-31,\n102,2024-01-01,2024-12-31,2024-06-01\n"

MERGES = [
    Case(number=54, name="ids as numbers in Excel, as text in CSV", **_joined(SURVEYS, book(("C", [["customer_id", "start_date", "observation_end"], [101, date(2024, 1, 1), date(2024, 12, 31)], [102, date(2024, 1, 1), date(2024, 12, 31)]])), "c.xlsx", {"recommend": [9, 4]})),
    Case(number=55, name="ids missing on both sides never meet", **_joined(SURVEYS, CRM + "103,2024-01-01,2024-12-31,\n", values={"recommend": [9, 4, None]})),
    Case(number=55, name="a survey after the customer left is not joined", **_joined(SURVEYS.replace("2024-04-01", "2024-07-01"), CRM, values={"recommend": [9, None]})),
    crm_case(55, "a customer without an id", CRM + ",2024-01-01,2024-12-31,\n", line=4, column="customer_id", says=["an empty cell", "a value in every row"]),
    Case(number=56, name="a column that one of two files lacks", declaration=declared(survey(**NPS), survey("t.csv", **NPS)), files={"s.csv": HEAD + "r1,9,Sur\n", "t.csv": "response_id,recommend\nr2,3\n"}, values={"region": ["Sur", None]}, notes=["raw/t.csv has no region: empty in its rows"]),
    csv_case(56, "an empty column", "response_id,recommend,region\nr1,9,\nr2,3,\n", values={"recommend": [9, 3]}, notes=["left out as empty: region"]),
    csv_case(57, "a letter in two forms, in values", "response_id,recommend,region\nr1,9,Regio\u0301n\nr2,3,Regi\u00f3n\n", values={"region": ["Regi\u00f3n", "Regi\u00f3n"]}),
    csv_case(57, "a letter in two forms, in names", "response_id,recommend,Regio\u0301n\nr1,9,Sur\n", how={"names": {"Regi\u00f3n": "region"}}, values={"region": ["Sur"]}),
    csv_case(57, "a letter in two forms, in codes", "response_id,recommend,region\nr1,9,Regio\u0301n\nr2,3,Regi\u00f3n\nr3,4,N\u0303uble\n", how={"values": {"region": {"Regi\u00f3n": "R"}}, "missing": {"region": ["\u00d1uble"]}}, values={"region": ["R", "R", None]}),
    csv_case(57, "a letter in two forms, in an expression", "response_id,recommend,region\nr1,9,\u00d1uble\nr2,3,Sur\n", how={"exclude": [{"where": "region == 'N\u0303uble'", "reason": "fuera"}]}, values={"region": ["Sur"]}, excluded={"fuera": 1}),
    csv_case(57, "one region written in four ways", "response_id,recommend,region\nr1,9,La Serena\nr2,3,LA SERENA\nr3,4,La  Serena\nr4,5,La Seren\u00e1\u200b\nr5,1,Sur\n", values={"region": ["La Serena", "LA SERENA", "La  Serena", "La Seren\u00e1\u200b", "Sur"]}, notes=["region: texts that differ only in capitals, accents, blanks or marks that are not seen: 'La Serena' (1), 'LA SERENA' (1)"]),
    csv_case(57, "emoji and writing from the right", "response_id,recommend,😀 nombre,منطقة\nr1,9,👍🏽,الشمال\n", how={"names": {"😀 nombre": "attr_cara", "منطقة": "region"}}, values={"attr_cara": ["👍🏽"], "region": ["الشمال"]}),
    csv_case(58, "a comment longer than an Excel cell", f"response_id,recommend,verbatim\nr1,9,{'a' * 40_000}\n", values={"verbatim": ["a" * 40_000]}),
    csv_case(58, "control characters in a comment", "response_id,recommend,verbatim\nr1,9,bien\x07\x1b[31m\n", values={"verbatim": ["bien [31m"]}, notes=["control characters"]),
    csv_case(58, "a comment beyond what a cell holds", f'response_id,recommend,verbatim\nr1,9,"{"a" * 200_000}"\n', line=2, says=["a field of more than"]),
]  # fmt: skip

DAYS = "response_id,recommend,responded_at\n"
ZONE = {"timezone": "America/Santiago"}
FORM = {"dates": {"responded_at": "%d/%m/%Y"}}
MONTH = {"derive": {}}

DATES = [
    csv_case(46, "days and months that cannot be told apart", DAYS + "r1,9,03/04/2024\nr2,3,05/06/2024\n", line=2, column="responded_at", says=["'03/04/2024'", "day and month cannot be told apart", '"%d/%m/%Y" or "%m/%d/%Y"']),
    csv_case(46, "days that prove the order", DAYS + "r1,9,03/04/2024\nr2,3,25/06/2024\n", line=2, column="responded_at", says=['declare `dates: {responded_at: "%d/%m/%Y"}`']),
    csv_case(46, "months first, and proved", DAYS + "r1,9,03/04/2024\nr2,3,06/25/2024\n", line=2, column="responded_at", says=['declare `dates: {responded_at: "%m/%d/%Y"}`']),
    csv_case(46, "the order, declared", DAYS + "r1,9,03/04/2024\nr2,3,25/06/2024\n", how=FORM, values={"responded_at": ["2024-04-03", "2024-06-25"]}),
    csv_case(46, "months first where days are declared", DAYS + "r1,9,03/04/2024\nr2,3,06/25/2024\n", how=FORM, line=3, column="responded_at", says=["'06/25/2024'", "dates written as %d/%m/%Y"]),
    csv_case(46, "years of two digits", DAYS + "r1,9,03/04/24\nr2,3,25/06/24\n", line=2, column="responded_at", says=['"%d/%m/%y"']),
    csv_case(46, "a day that does not exist", DAYS + "r1,9,2024-02-30\nr2,3,2024-03-01\n", line=2, column="responded_at", says=["'2024-02-30'"]),
    csv_case(46, "dates in a column of one's own", "response_id,recommend,attr_alta\nr1,9,03/04/2024\nr2,3,25/06/2024\n", how={"kinds": {"attr_alta": "date"}}, line=2, column="attr_alta", says=["'03/04/2024'"]),
    csv_case(47, "serial numbers for dates", DAYS + "r1,9,45293\nr2,3,45300\n", line=2, column="responded_at", says=["'45293'", "declare `dates: {responded_at: excel}`"]),
    csv_case(47, "serial numbers, declared", DAYS + "r1,9,45293\nr2,3,45300\n", how={"dates": {"responded_at": "excel"}}, values={"responded_at": ["2024-01-02", "2024-01-09"]}),
    csv_case(47, "serial numbers under another format", DAYS + "r1,9,03/04/2024\nr2,3,45300\n", how=FORM, line=3, column="responded_at", says=["'45300'"]),
    crm_case(48, "9999-12-31 for still here", CRM.replace("102,2024-01-01,2024-12-31,2024-06-01", "102,2024-01-01,2024-12-31,9999-12-31"), line=3, column="end_date", says=["'9999-12-31'", "dates between 1901 and 2198", "`missing: {end_date: [...]}`"]),
    crm_case(48, "9999-12-31, declared", CRM.replace("102,2024-01-01,2024-12-31,2024-06-01", "102,2024-01-01,2024-12-31,9999-12-31"), how={"missing": {"end_date": ["9999-12-31"]}}, values={"event": [0, 0]}),
    crm_case(48, "0000-00-00", CRM.replace("2024-06-01", "0000-00-00"), line=3, column="end_date", says=["'0000-00-00'"]),
    crm_case(48, "1900-01-01 for no date", CRM.replace("101,2024-01-01", "101,1900-01-01"), line=2, column="start_date", says=["'1900-01-01'", "dates between 1901 and 2198"]),
    csv_case(49, "times with a zone, and none declared", DAYS + "r1,9,2024-01-31T22:30:00-03:00\nr2,3,2024-01-31T22:30:00\n", line=2, column="responded_at", says=["local times", "declare `timezone:`"]),
    csv_case(49, "times of two zones, one declared", DAYS + "r1,9,2024-01-31T22:30:00-03:00\nr2,3,2024-01-31T22:30:00+00:00\n", how=ZONE, values={"responded_at": ["2024-01-31 22:30", "2024-01-31 19:30"]}),
    csv_case(49, "a zone that does not exist", DAYS + "r1,9,2024-01-31T22:30:00-03:00\n", how={"timezone": "America/Ñuñoa"}, whole=True, says=["client.yaml", "America/Ñuñoa"]),
    csv_case(50, "the last night of a month in its own zone", DAYS + "r1,9,2024-02-01T01:30:00Z\n", how=ZONE, values={"responded_at": ["2024-01-31 22:30"]}),
    crm_case(51, "gone before they came", CRM.replace("2024-06-01", "2023-06-01"), line=3, column="end_date", says=["'2023-06-01'", "end_date on or after start_date"]),
    crm_case(51, "gone before they came, excluded", CRM.replace("2024-06-01", "2023-06-01"), how={"exclude": [{"where": "end_date < start_date", "reason": "fechas imposibles"}]}, values={"event": [0]}, excluded={"fechas imposibles": 1}),
    crm_case(51, "gone after the data end", CRM.replace("2024-06-01", "2025-06-01"), line=3, column="end_date", says=["observation_end"]),
    csv_case(52, "dates of the future", DAYS + "r1,9,2024-01-01\nr2,3,2031-05-01\n", client={"data_date": "2024-06-30"}, line=3, column="responded_at", says=["'2031-05-01'", "dates up to 2024-06-30", "data_date"]),
    crm_case(52, "a customer of the future", CRM.replace("101,2024-01-01,2024-12-31", "101,2031-01-01,2031-12-31"), client={"data_date": "2024-12-31"}, line=2, column="start_date", says=["'2031-01-01'"]),
]  # fmt: skip

TIMES = "customer_id,duration,event\n"

OUTCOMES = [
    crm_case(59, "events as text", TIMES + 'a,3,"0"\nb,4,"1"\nc,5,"1"\n', values={"event": [0, 1, 1]}),
    crm_case(59, "a blank among events", TIMES + "a,3,0\nb,4, \nc,5,1\n", line=3, column="event", says=["' '", "0 or 1"]),
    crm_case(60, "events as 1 and 2", TIMES + "a,3,1\nb,4,2\nc,5,2\n", line=3, column="event", says=["'2' (2 rows)", "0 or 1", "values: {event:"]),
    crm_case(60, "events as 1 and 2, declared", TIMES + "a,3,1\nb,4,2\nc,5,2\n", how={"values": {"event": {"1": 0, "2": 1}}}, values={"event": [0, 1, 1]}),
    crm_case(61, "events as yes and no", TIMES + "a,3,Sí\nb,4,No\n", line=2, column="event", says=["'Sí'", "'No'", "0 or 1"]),
    crm_case(61, "events as True and False", TIMES + "a,3,True\nb,4,False\n", line=2, column="event", says=["'True'", "0 or 1"]),
    crm_case(61, "events as yes and no, declared", TIMES + "a,3,Sí\nb,4,No\n", how={"values": {"event": {"Sí": 1, "No": 0}}}, values={"event": [1, 0]}),
    crm_case(62, "an event missing", TIMES + "a,3,1\nb,4,\n", line=3, column="event", says=["an empty cell", "0 or 1 in every row", "still a customer"]),
    crm_case(62, "an event missing, declared", TIMES + "a,3,1\nb,4,\n", how={"values": {"event": {"": 0}}}, values={"event": [1, 0]}),
    crm_case(64, "negative durations", TIMES + "a,-3,1\nb,4,0\n", line=2, column="duration", says=["'-3'", "1 or more"]),
    crm_case(64, "durations of nothing", TIMES + "a,0,1\nb,4,0\n", line=2, column="duration", says=["'0'", "1 or more"]),
    crm_case(64, "a duration missing", TIMES + "a,,1\nb,4,0\n", line=2, column="duration", says=["an empty cell", "a value in every row"]),
    csv_case(72, "negative weights", "response_id,recommend,weight\nr1,9,1.5\nr2,3,-0.5\n", line=3, column="weight", says=["'-0.5'", "more than 0"]),
    csv_case(73, "a weight missing", "response_id,recommend,weight\nr1,9,1.5\nr2,3,\n", line=3, column="weight", says=["an empty cell", "a value in every row"]),
    csv_case(73, "a weight that is no number", "response_id,recommend,weight\nr1,9,1.5\nr2,3,NaN\n", line=3, column="weight", says=["'NaN'", "a number"]),
    csv_case(74, "a weight of nothing", "response_id,recommend,weight\nr1,9,1.5\nr2,3,0\n", line=3, column="weight", says=["'0'", "more than 0"]),
    csv_case(75, "weights that do not add up to their number", "response_id,recommend,weight\nr1,9,1500\nr2,3,2500\n", values={"weight": [1500, 2500]}),
    Case(number=71, name="counts without trials", table="benchmark_responses", declaration=declared({"file": "raw/b.csv", "table": "benchmark_responses"}), files={"b.csv": "peer_id,successes,trials\nA,5,10\nB,5,\n"}, line=3, column="successes", says=["both counts"]),
    Case(number=71, name="more successes than trials", table="benchmark_responses", declaration=declared({"file": "raw/b.csv", "table": "benchmark_responses"}), files={"b.csv": "peer_id,successes,trials\nA,5,10\nB,15,10\n"}, line=3, column="successes", says=["'15'", "no more successes than trials"]),
    Case(number=71, name="shares that do not add up", table="population_targets", declaration=declared({"file": "raw/p.csv", "table": "population_targets"}), files={"p.csv": "variable,category,share\nregion,RM,0.5\nregion,V,0.4\n"}, line=2, column="share", says=["add up to 0.9", "add up to 1"]),
    Case(number=71, name="shares as percentages", table="population_targets", declaration=declared({"file": "raw/p.csv", "table": "population_targets", "names": {"share": "share"}}), files={"p.csv": "variable,category,share\nregion,RM,60\nregion,V,40\n"}, line=2, column="share", says=["'60'"]),
]  # fmt: skip


def broad(columns: int) -> str:
    """Return a survey of many columns."""
    names = ",".join(f"attr_{k}" for k in range(columns))
    return f"response_id,recommend,{names}\n" + "".join(f"r{n},{n % 11}," + ",".join(["1"] * columns) + "\n" for n in range(4))  # fmt: skip


CODE_NAME = "__import__('os').system('touch hacked')"

DECLARED = [
    csv_case(80, "a thousand columns", broad(1000), values={"attr_999": [1, 1, 1, 1]}),
    csv_case(81, "a name that is code", f'response_id,recommend,"{CODE_NAME}"\nr1,9,Sur\n', how={"names": {CODE_NAME: "region"}}, values={"region": ["Sur"]}),
    csv_case(81, "an expression that is code", nps_rows(TENS), how={"derive": {"attr_x": CODE_NAME}}, column="attr_x", says=["client.yaml", "is not allowed in the expression"]),
    csv_case(81, "an exclusion that is code", nps_rows(TENS), how={"exclude": [{"where": "recommend.__class__", "reason": "x"}]}, column="exclude 1", says=["is not allowed in the expression"]),
    csv_case(81, "an expression without end", nps_rows(TENS), how={"derive": {"attr_x": "+".join(["recommend"] * 900)}}, column="attr_x", says=["characters; at most 2000"]),
    csv_case(81, "an expression of parentheses", nps_rows(TENS), how={"derive": {"attr_x": "(" * 900 + "1" + ")" * 900}}, column="attr_x", says=["client.yaml"]),
    csv_case(81, "a division by nothing", nps_rows(TENS), how={"derive": {"attr_x": "10 / recommend"}}, column="attr_x", says=["zero"]),
    csv_case(87, "a key that is code", nps_rows(TENS), how={CODE_NAME: 1}, whole=True, says=["the unknown key"]),
    csv_case(87, "a column called as code", nps_rows(TENS), how={"derive": {CODE_NAME: "recommend"}}, whole=True, says=["client.yaml", "a name in lower case"]),
    csv_case(88, "braces, dollars and quotes in values", 'response_id,recommend,region\nr1,9,{{ 7*7 }}\nr2,3,${HOME}\nr3,4,"a\'b""c"\nr4,5,%s{0}\n', values={"region": ["{{ 7*7 }}", "${HOME}", "a'b\"c", "%s{0}"]}),
    csv_case(88, "braces in a message", nps_rows([*TENS, "{0}{column}"]), line=13, column="recommend", says=["'{0}{column}'"]),
    csv_case(88, "terminal codes in a message", nps_rows([*TENS, "\u202e7"]), line=13, column="recommend", says=["'\\u202e7'"]),
    csv_case(91, "quotes of SQL", HEAD + "r1,9,O'Brien\nr2,3,'; DROP TABLE x;--\n", values={"region": ["O'Brien", "'; DROP TABLE x;--"]}),
    csv_case(92, "markup in values", HEAD + "r1,9,<script>alert(1)</script>\nr2,3,<b>&amp;</b>\n", values={"region": ["<script>alert(1)</script>", "<b>&amp;</b>"]}),
    csv_case(99, "formulas in values", HEAD + "r1,9,=1+1\nr2,3,@SUM(A1)\nr3,4,+cmd\nr4,5,-2\n", values={"region": ["=1+1", "@SUM(A1)", "+cmd", "-2"]}),
]  # fmt: skip


def yaml_case(number: int, name: str, text: str, **what: Any) -> Case:
    """Return a case of one client.yaml."""
    return Case(number=number, name=name, declaration=text, files={"s.csv": HEAD + GOOD}, **what)


SOURCES = (
    "name: P\nsources:\n  - file: raw/s.csv\n    table: survey_responses\n    scales: {recommend: [0, 10]}\n"
)
LAUGHS = "a: &a [lol, lol]\n" + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(8))  # fmt: skip

YAML = [
    yaml_case(85, "a key given twice", SOURCES + "    scales: {recommend: [1, 10]}\n", line=6, says=["'scales' given twice"]),
    yaml_case(85, "No as a code stays text", SOURCES + "    values: {region: {Sur: No}}\n", values={"region": ["No"] * 10}),
    yaml_case(85, "007 as a code stays text", SOURCES + "    values: {region: {Sur: 007}}\n", values={"region": ["007"] * 10}),
    yaml_case(85, "1_000 and 22:30 stay text", SOURCES + "    constants: {attr_a: 1_000, attr_b: 22:30, attr_c: 0o17}\n    kinds: {attr_a: text, attr_b: text, attr_c: text}\n", values={"attr_a": ["1_000"] * 10, "attr_b": ["22:30"] * 10, "attr_c": ["0o17"] * 10}),
    yaml_case(85, "a number that is none", SOURCES.replace("10]", ".nan]"), whole=True, says=["client.yaml", "'.nan'"]),
    yaml_case(85, "a scale upside down", SOURCES.replace("[0, 10]", "[10, 0]"), whole=True, says=["client.yaml", "the lowest first"]),
    yaml_case(85, "a table that does not exist", SOURCES.replace("survey_responses", "survey_response"), whole=True, says=["'survey_response'", "did you mean survey_responses?"]),
    yaml_case(85, "a list where a text is due", SOURCES.replace("file: raw/s.csv", "file: [raw/s.csv]"), whole=True, says=["client.yaml", "sources.1.file"]),
    yaml_case(86, "a tag that runs", "name: !!python/object/apply:os.system ['touch hacked']\n", line=1, says=["client.yaml"]),
    yaml_case(86, "a billion laughs", LAUGHS, line=1, says=["anchor or alias"]),
    yaml_case(86, "nesting without end", "name: " + "[" * 500 + "]" * 500 + "\n", line=1, says=["nesting too deep"]),
    yaml_case(86, "nesting deeper than the machine", "name: " + "[" * 200_000 + "\n", line=1, says=["nesting too deep"]),
    yaml_case(86, "mappings without end", "\n".join(" " * n + "a:" for n in range(400)) + "\n", line=20, says=["nesting too deep"]),
    yaml_case(86, "three million letters", "name: " + "a" * 3_000_000 + "\n", whole=True, says=["client.yaml", "characters"]),
    yaml_case(86, "tabs for blanks", "name: P\nsources:\n\t- file: raw/s.csv\n", line=3, says=["client.yaml"]),
    yaml_case(86, "a list for a mapping", "- name: P\n", line=1, says=["instead of `key: value` lines"]),
    yaml_case(86, "two documents", "name: P\n---\nname: Q\n", line=2, says=["client.yaml"]),
    yaml_case(86, "no declaration at all", "", whole=True, says=["client.yaml"]),
]  # fmt: skip

RUT, MAIL = "12.345.678-5", "ana.perez@example.cl"
PRIVATE = [
    csv_case(58, "a RUT in a comment", f"response_id,recommend,verbatim\nr1,9,mi rut es {RUT}\n", line=2, column="verbatim", says=["personal data (RUT)"], hidden=[RUT]),
    csv_case(58, "an address in a score", nps_rows([*TENS, MAIL]), line=13, column="recommend", says=["a value that is not shown"], hidden=[MAIL]),
    csv_case(58, "an address for a name", f"response_id,recommend,{MAIL}\nr1,9,x\n", whole=True, says=["personal data (e-mail)"], hidden=[MAIL]),
    csv_case(58, "a RUT in the declaration", nps_rows(TENS), how={"exclude": [{"where": "recommend == 1", "reason": f"pidió {RUT}"}]}, whole=True, says=["client.yaml", "personal data (RUT)"], hidden=[RUT]),
    csv_case(58, "a RUT where a row does not fit", HEAD + GOOD + f"r10,5,Sur,{RUT}\n", line=12, says=["4 fields"], hidden=[RUT]),
    csv_case(58, "a bad id is not shown", "response_id,customer_id,recommend\nr1,secreto-1,9\nr1,secreto-1,9\n", line=3, says=["again"], hidden=["secreto-1"]),
]  # fmt: skip

CASES: list[Case] = [
    *ENCODINGS, *SEPARATORS, *QUOTES, *HEADERS, *CONTAINERS, *WORKBOOKS, *PLACES, *CODES, *IDS, *MERGES, *DATES,
    *OUTCOMES, *DECLARED, *YAML, *PRIVATE,
]  # fmt: skip
