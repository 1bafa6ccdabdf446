# ruff: noqa: E501  tables of cases: one case to a line
"""Parquet and SPSS: exact numbers, dates, labels, why there is no answer, encodings, and damage."""

import io
import struct
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import pytest
from intake_clients import checked, problems_of, write_client

from cxlab.errors import InputError
from cxlab.intake import dataset
from cxlab.intake.declared.models import Source
from cxlab.intake.files import columnar
from cxlab.intake.files.readers import read
from cxlab.intake.tables.nonresponse import reason_of

SAV = "name: T\nsources:\n  - {{file: raw/a.sav, table: survey_responses{how}}}\n"


def parquet(table, **how):
    sink = io.BytesIO()
    pq.write_table(
        table if isinstance(table, pa.Table) else pa.table(table), sink, write_page_checksum=True, **how
    )
    return sink.getvalue()


def reading(tmp_path, name, content, **how):
    (tmp_path / name).write_bytes(content)
    return read(Source(file=name, table="customers", **how), tmp_path)[0]


def said(tmp_path, name, content, **how):
    with pytest.raises(InputError) as caught:
        reading(tmp_path, name, content, **how)
    assert all(problem.file == name for problem in caught.value.problems)
    return "\n".join(map(str, caught.value.problems))


@pytest.mark.parametrize(
    ("column", "texts"),
    [
        (pa.array([123456789012345678, None, 123456789012345679]), ["123456789012345678", "", "123456789012345679"]),
        (pa.array([2**63], pa.uint64()), ["9223372036854775808"]),
        (pa.array([7.1, None, float("nan"), 8.0], pa.float32()), ["7.1", "", "", "8"]),
        (pa.array([0.1, 1e-7, -0.0, 1e15]), ["0.1", "1e-07", "0", "1000000000000000"]),
        (pa.array([Decimal("1.50"), Decimal("100.00"), None], pa.decimal128(8, 2)), ["1.5", "100", ""]),
        (pa.array([True, None, False]), ["true", "", "false"]),
        (pa.array([date(2024, 1, 4), None]), ["2024-01-04", ""]),
        (pa.array([datetime(2024, 1, 4), datetime(2024, 1, 4, 9, 30)], pa.timestamp("ns")), ["2024-01-04", "2024-01-04 09:30:00"]),
        (pa.array([datetime(2024, 1, 4, 12)], pa.timestamp("ms", "America/Santiago")), ["2024-01-04 09:00:00-03:00"]),
        (pa.array([time(9, 30)], pa.time32("s")), ["09:30:00"]),
        (pa.array([timedelta(hours=30)]), ["30:00:00"]),
        (pa.array(["b", None, "a", "b"]).dictionary_encode(), ["b", "", "a", "b"]),
        (pa.array(["007", "NA", " x "]), ["007", "NA", " x "]),
        (pa.array([b"\xc3\xb1"]), ["ñ"]),
        (pa.nulls(2), ["", ""]),
    ],
)  # fmt: skip
def test_parquet_cells_are_exact(tmp_path, column, texts):
    table = pa.table({"id": [f"c{n}" for n in range(len(column))], "x": column})
    assert reading(tmp_path, "a.parquet", parquet(table)).frame["x"].tolist() == texts


def test_parquet_of_pandas_categories_and_many_row_groups(tmp_path):
    frame = pd.DataFrame({"id": range(1000), "c": pd.Categorical(["RM", "V"] * 500), "s": ["x", None] * 500})
    sink = io.BytesIO()
    frame.to_parquet(sink, row_group_size=64)
    found = reading(tmp_path, "a.parquet", sink.getvalue())
    assert found.frame["c"].tolist() == ["RM", "V"] * 500
    assert found.frame["s"].tolist() == ["x", ""] * 500


def test_rows_without_any_value_are_counted(tmp_path):
    found = reading(tmp_path, "a.parquet", parquet({"id": ["a", None, "c"], "x": [1, None, 3]}))
    assert (found.read, found.skipped, found.lines.tolist()) == (3, {"blank lines": 1}, [1, 3])


def test_only_the_columns_that_are_needed_are_held(tmp_path):
    (tmp_path / "a.parquet").write_bytes(parquet({"id": ["a"], "x": [1], "y": [2]}))
    found, _ = read(Source(file="a.parquet", table="customers"), tmp_path, wanted=lambda _: ["x"])
    assert (list(found.columns), found.headers) == (["x"], ("id", "x", "y"))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"id": [["a"]]}, "nested columns: id"),
        ({"id": ["a"], "s": [{"k": 1}]}, "nested columns: s"),
        ({"id": ["a"], "b": [b"\xff\xfe"]}, "a file that cannot be read"),
        ({"id": pa.array([], pa.string())}, "a header and no row"),
        ({"1": ["a"], "2": ["b"]}, "names are numbers"),
    ],
)
def test_parquet_that_is_no_table_is_refused(tmp_path, table, message):
    assert message in said(tmp_path, "a.parquet", parquet(table))


def test_other_kinds_of_files_and_folders_are_named(tmp_path, monkeypatch):
    whole = parquet({"id": ["a"] * 50})
    assert "a file that cannot be read" in said(tmp_path, "a.parquet", whole[:-20])
    assert "an Arrow or Feather file where parquet" in said(tmp_path, "a.parquet", b"ARROW1\x00\x00")
    (tmp_path / "parts.parquet").mkdir()
    with pytest.raises(InputError, match="found a folder; allowed: one file. join its parts") as caught:
        read(Source(file="parts.parquet", table="customers"), tmp_path)
    assert caught.value.problems[0].file == "parts.parquet"
    monkeypatch.setattr(columnar, "MOST_CELLS", 10)
    assert "50 cells; allowed: at most 10" in said(tmp_path, "a.parquet", whole)


def test_numbers_are_written_as_the_source_writes_those_in_text(tmp_path):
    declaration = 'name: T\nsources:\n  - {file: raw/a.parquet, table: survey_responses, decimal: ",", thousands: "."}\n'
    table = {"response_id": ["a", "b"], "attr_n": [1.234, 2.5], "attr_t": ["1.234,5", "7,5"]}
    frame = checked(tmp_path, declaration, {"a.parquet": parquet(table)})
    assert frame["attr_n"].tolist() == [1.234, 2.5]
    assert frame["attr_t"].tolist() == [1234.5, 7.5]


def sav(tmp_path, frame, **how):
    path = tmp_path / "made.sav"
    pyreadstat.write_sav(pd.DataFrame(frame), path, **how)
    return path.read_bytes()


def in_encoding(content, name, number, letters):
    """Return an SPSS file of UTF-8 as one in another encoding: signs for letters, its name and its number."""
    at = content.index(struct.pack("<4i", 7, 20, 1, 5) + b"UTF-8")
    content = content[:at] + struct.pack("<4i", 7, 20, 1, len(name)) + name + content[at + 21 :]
    content = content.replace(struct.pack("<i", 65001), struct.pack("<i", number))
    for sign, byte in letters.items():
        content = content.replace(sign, byte)
    return content


LETTERS = {
    "latin-1": (b"ISO-8859-1", 28591, {b"~": "ó".encode("latin-1"), b"^": "ñ".encode("latin-1")}),
    "cp1252": (b"windows-1252", 1252, {b"~": "ó".encode("cp1252"), b"^": "ñ".encode("cp1252")}),
    "mac_roman": (b"MACINTOSH", 10000, {b"~": "ó".encode("mac_roman"), b"^": "ñ".encode("mac_roman")}),
}


@pytest.mark.parametrize("encoding", LETTERS)
def test_spss_names_its_own_encoding(tmp_path, encoding):
    content = sav(tmp_path, {"ID": ["a"], "R": ["Regi~n a^o"]}, column_labels={"R": "Regi~n"})
    found = reading(tmp_path, "a.sav", in_encoding(content, *LETTERS[encoding]))
    assert found.frame["R"].tolist() == ["Región año"]
    assert found.questions == {"R": "Región"}


@pytest.mark.parametrize(
    ("written", "named"), [("mac_roman", "cp1252"), ("cp1252", "mac_roman"), ("latin-1", "mac_roman")]
)
def test_letters_of_another_encoding_are_refused_and_cured_by_the_declaration(tmp_path, written, named):
    content = sav(tmp_path, {"ID": ["a"], "R": ["x"]}, column_labels={"R": "Regi~n del a^o"})
    name, number, _ = LETTERS[named]
    wrong = in_encoding(content, name, number, LETTERS[written][2])
    text = said(tmp_path, "a.sav", wrong)
    advised = "cp1252" if written == "latin-1" else written
    assert "column R: found letters of another encoding read as" in text
    assert f"`encoding: {advised}`" in text
    assert "Regi" not in text
    assert reading(tmp_path, "a.sav", wrong, encoding=advised).questions == {"R": "Región del año"}


def test_utf8_read_as_latin_is_refused(tmp_path):
    content = sav(tmp_path, {"ID": ["a"], "R": ["x"]}, column_labels={"R": "Región"})
    assert reading(tmp_path, "a.sav", content).questions == {"R": "Región"}
    assert "`encoding: utf-8`" in said(tmp_path, "a.sav", content, encoding="latin-1")


def test_spss_letters_that_are_no_text_of_the_declared_encoding(tmp_path):
    content = sav(tmp_path, {"ID": ["a"], "R": ["Regi~n"]}).replace(b"~", b"\xf3")
    assert "declare `encoding:`" in said(tmp_path, "a.sav", content)


def test_spss_dates_times_long_texts_and_labels_on_the_ends_only(tmp_path):
    content = sav(
        tmp_path,
        {
            "ID": ["a", "b"],
            "D": [date(2024, 1, 4), None],
            "T": [time(9, 30), None],
            "S": [datetime(2024, 1, 4, 9, 30, 15), None],
            "L": ["palabra " * 400, "ñandú"],
            "P": [0.0, 7.0],
        },
        variable_value_labels={"P": {0.0: "Nada probable", 10.0: "Muy probable"}},
    )
    found = reading(tmp_path, "a.sav", content)
    assert found.frame.iloc[0].tolist() == [
        "a",
        "2024-01-04",
        "09:30:00",
        "2024-01-04 09:30:15",
        ("palabra " * 400).rstrip(),
        "0",
    ]
    assert found.frame.iloc[1].tolist() == ["b", "", "", "", "ñandú", "7"]
    assert found.labels == {"P": {"0": "Nada probable", "10": "Muy probable"}}


REASONS = {
    "response_id": [f"r{n}" for n in range(8)],
    "recommend": [9.0, 10.0, 96.0, 97.0, 98.0, 99.0, 95.0, None],
}
WHY = {95.0: "Otro", 96.0: "No preguntado", 97.0: "No aplica", 98.0: "NS/NR", 99.0: "Rehúsa contestar"}


def test_why_there_is_no_answer_is_what_the_label_of_a_declared_code_says(tmp_path):
    content = sav(
        tmp_path,
        REASONS,
        variable_value_labels={"recommend": WHY},
        missing_ranges={"recommend": [{"lo": 95, "hi": 99}]},
    )
    how = ", na_reasons: [recommend], scales: {recommend: [0, 10]}"
    frame = checked(tmp_path, SAV.format(how=how), {"a.sav": content})
    expected = [None, None, "not_asked", "not_applicable", "dont_know", "refused", "missing", "missing"]
    assert (
        frame["recommend_na_reason"].astype(object).where(frame["recommend_na_reason"].notna(), None).tolist()
        == expected
    )
    told = dataset.open_dataset(tmp_path, "acme").entry("survey_responses").na_reasons["recommend"]
    # What the system left empty and what a code says are counted apart.
    assert told == {
        "blank": 1,
        "dont_know": 1,
        "missing": 1,
        "not_applicable": 1,
        "not_asked": 1,
        "refused": 1,
    }


def test_codes_labelled_as_no_answer_are_refused_until_declared(tmp_path):
    content = sav(tmp_path, REASONS, variable_value_labels={"recommend": WHY})
    scales = ", scales: {recommend: [0, 99]}"
    text = "\n".join(problems_of(write_client(tmp_path, SAV.format(how=scales), {"a.sav": content})))
    assert "98 is labelled 'NS/NR'" in text
    assert "`missing: {recommend: {98: dont_know}}`" in text
    assert "`missing: {recommend: {97: not_applicable}}`" in text
    how = (
        ", missing: {recommend: [96, 97, 98, 99]}, scales: {recommend: [0, 95]}, values: {recommend: {95: 5}}"
    )
    frame = checked(tmp_path, SAV.format(how=how), {"a.sav": content})
    assert frame["recommend"].tolist()[:2] == [9, 10]
    told = dataset.open_dataset(tmp_path, "acme").entry("survey_responses").na_reasons["recommend"]
    assert told == {"blank": 1, "dont_know": 1, "not_applicable": 1, "not_asked": 1, "refused": 1}


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        ("NS/NR", "dont_know"), ("99. Ns/Nc", "dont_know"), ("No sabe / No responde", "dont_know"), ("DK", "dont_know"),
        ("Don’t know", "dont_know"), ("N/R", "refused"), ("Prefer not to say", "refused"), ("Rehusó", "refused"),
        ("N/A", "not_applicable"), ("No corresponde", "not_applicable"), ("Does not apply", "not_applicable"),
        ("Not asked", "not_asked"), ("No se le preguntó", "not_asked"), ("Sin respuesta", "missing"), ("Missing", "missing"),
        ("Nunca", ""), ("No", ""), ("Santiago NS", ""), ("Neutral", ""), ("No usa", ""), ("Not sure", ""), ("Muy bueno", ""),
    ],
)  # fmt: skip
def test_labels_that_say_why_there_is_no_answer(label, reason):
    assert reason_of(label) == reason


def test_a_cut_spss_file_is_refused_with_its_name(tmp_path):
    content = sav(
        tmp_path, {"ID": [f"r{n:06d}" for n in range(300)], "P": [float(n % 11) for n in range(300)]}
    )
    whole = reading(tmp_path, "a.sav", content).frame
    for end in range(1, len(content), 97):
        text = said(tmp_path, "a.sav", content[:end])
        assert "a.sav" in text
    assert len(whole) == 300


def damaged(content, n, seed):
    """Give the content cut somewhere or with some bits turned over."""
    dice = np.random.default_rng(seed)
    for _ in range(n):
        changed = bytearray(content)
        if dice.random() < 0.3:
            changed = changed[: dice.integers(1, len(content))]
        else:
            for at in dice.integers(0, len(content), dice.integers(1, 4)):
                changed[at] ^= 1 << dice.integers(0, 8)
        yield bytes(changed)


def test_damaged_parquet_is_refused_or_the_same(tmp_path):
    rows = 200
    table = {
        "id": [f"r{n}" for n in range(rows)],
        "x": [n % 11 for n in range(rows)],
        "y": [n / 7 for n in range(rows)],
    }
    content = parquet(table, compression="zstd")
    whole = reading(tmp_path, "a.parquet", content).frame
    refused = 0
    for changed in damaged(content, 400, 11):
        try:
            found = reading(tmp_path, "a.parquet", changed)
        except InputError:
            refused += 1
        else:
            named = found.frame.set_axis(range(found.frame.shape[1]), axis=1)
            assert named.equals(whole.set_axis(range(3), axis=1))
    assert refused > 250


def test_damaged_spss_never_breaks_off_otherwise(tmp_path):
    content = sav(
        tmp_path,
        {"ID": [f"r{n}" for n in range(60)], "P": [float(n % 11) for n in range(60)]},
        variable_value_labels={"P": {0.0: "Nada", 10.0: "Mucho"}},
        missing_ranges={"P": [99]},
    )
    for changed in damaged(content, 300, 13):
        with suppress(InputError):
            assert len(reading(tmp_path, "a.sav", changed)) <= 60
