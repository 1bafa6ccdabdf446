"""A thousand dirty data sets: the ledger adds up in each, and each fault that is named was planted."""

# ruff: noqa: E501  tables of cases: one case to a line
import csv
import io
import json
import re
from collections import Counter
from datetime import date

import numpy as np
import pandas as pd
import pyreadstat
import pytest
from dirty_sets import COLUMNS, dirty_set, value, workbook
from intake_clients import write_client

from cxlab.intake import dataset, revision
from cxlab.intake.privacy.pseudonyms import client_key, pseudonyms

KEY = "a key for tests only"
# In ten parts, so that a failure says where and machines with more cores share them.
PARTS, EACH = 10, 100


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("CXLAB_ID_KEY", KEY)


def named_faults(report, dirty):
    """Return what a report names: (file, column, text) of cells, and (file, line) of repeated ids."""
    cells, repeated = set(), set()
    names = dirty.files[0].source["names"]
    for problem in report.problems:
        column = names.get(problem.column, problem.column)
        if "again" in str(problem.found) or "more repeated" in str(problem.found):
            repeated.add((problem.file, problem.row))
        else:
            # Every cell is shown as Python quotes it; none of these is personal or long.
            cells.add((problem.file, column, re.fullmatch("'(.*)'", str(problem.found))[1]))
    return cells, repeated


def expected_frame(dirty):
    frame = pd.DataFrame({name: [value(row, name) for row in dirty.used] for name in COLUMNS})
    for name in ("response_id", "customer_id"):
        frame[name] = pseudonyms(frame[name], client_key("acme"))
    return frame


@pytest.mark.parametrize("part", range(PARTS))
def test_the_ledger_adds_up_and_every_fault_named_was_planted(tmp_path, part, monkeypatch):
    if part:  # the workbook of the review has tests of its own, and takes as long as all the rest
        monkeypatch.setattr(revision, "write", lambda report, path: None)
    told = Counter()
    for seed in range(part * EACH, (part + 1) * EACH):
        dirty = dirty_set(seed)
        root = tmp_path / str(seed)
        write_client(root, dirty.declaration, {file.name: file.content for file in dirty.files})
        report = dataset.check(root, "acme", strict=False)
        told["refused" if report.problems else "stored"] += 1
        if report.problems:
            assert named_faults(report, dirty) == (dirty.faults, dirty.repeated), seed
            assert not (root / "data/acme/tables").exists(), seed
            continue
        assert not dirty.faults, seed
        assert not dirty.repeated, seed
        sources = report.tables["survey_responses"]["sources"]
        for file, source in zip(dirty.files, sources, strict=True):
            excluded = file.excluded
            assert source["read"] == len(file.rows) + file.blank + file.header_rows, seed
            assert source["used"] == len(file.kept), seed
            assert source["excluded"] == excluded, seed
            assert source["read"] == source["used"] + sum(excluded.values()), seed
        assert_stored(root, dirty, seed)
    print(dict(told))  # noqa: T201
    assert min(told["stored"], told["refused"]) > 0.2 * EACH


def assert_stored(root, dirty, seed):
    frame = dataset.open_dataset(root, "acme").read("survey_responses")
    for name, wanted in expected_frame(dirty).items():
        got = frame[name]
        if name == "responded_at":
            got = got.dt.strftime("%Y-%m-%d")
        elif name in ("recommend", "ease"):
            got, wanted = got.astype(float), wanted.astype(float)
        assert [None if pd.isna(each) else each for each in got] == [
            None if pd.isna(each) else each for each in wanted
        ], (seed, name)


# The same answers by other ways: what a client sends again, or opens and saves, is the same data set.
ANSWERS = {
    "table": "survey_responses",
    "names": {"Folio": "response_id", "Cliente": "customer_id", "P1": "recommend", "Región": "region", "Fecha": "responded_at", "Monto": "attr_monto"},
    "scales": {"recommend": [0, 10]},
    "missing": {"recommend": [99]},
    "exclude": [{"where": "region == 'fuera'", "reason": "fuera de marco"}],
}  # fmt: skip
NAMES = list(ANSWERS["names"])


def answers(seed, rows=40):
    """Return rows of typed cells, None where nobody answered."""
    rng = np.random.default_rng(seed)
    return [
        [
            f"F{n:03d}",
            None if rng.random() < 0.2 else f"C-{rng.integers(20):03d}",
            99 if rng.random() < 0.1 else None if rng.random() < 0.1 else int(rng.integers(0, 11)),
            str(rng.choice(["Norte", "Ñuble", "fuera", 'La "Serena"; norte'])),
            date(2024, 1 + int(rng.integers(12)), 1 + int(rng.integers(28))),
            round(float(rng.uniform(1, 9000)), 2),
        ]
        for n in range(rows)
    ]


def delimited(rows, *, separator=",", decimal=".", day="%Y-%m-%d", encoding="utf-8", end="\n"):
    def text(cell):
        if isinstance(cell, float):
            return f"{cell:.2f}".replace(".", decimal)
        return "" if cell is None else cell.strftime(day) if isinstance(cell, date) else str(cell)

    sink = io.StringIO()
    writer = csv.writer(sink, delimiter=separator, lineterminator=end)
    writer.writerows([NAMES, *([text(cell) for cell in row] for row in rows)])
    return sink.getvalue().encode(encoding)


def as_frame(rows):
    frame = pd.DataFrame(rows, columns=NAMES)
    return frame.assign(P1=frame["P1"].astype("float64"), Fecha=pd.to_datetime(frame["Fecha"]))


def as_parquet(rows):
    sink = io.BytesIO()
    as_frame(rows).to_parquet(sink)
    return sink.getvalue()


def as_sav(rows, folder):
    frame = as_frame(rows)
    frame["Cliente"] = frame["Cliente"].fillna("")
    path = folder / "x.sav"
    pyreadstat.write_sav(frame.rename(columns={"Región": "Region"}), path)
    return path.read_bytes()


def stored(root, name, content, **how):
    """Check one file as the answers of a client; return the table and the hash of its content."""
    declaration = json.dumps({"name": "Otra vez", "sources": [{**ANSWERS, "file": f"raw/{name}", **how}]})
    dataset.check(write_client(root, declaration, {name: content}), "acme")
    data = dataset.open_dataset(root, "acme")
    return data.read("survey_responses"), data.entry("survey_responses").sha256


def by_key(frame):
    return frame[sorted(frame.columns)].sort_values("response_id", ignore_index=True)


SPANISH = {"separator": ";", "decimal": ",", "day": "%d-%m-%Y", "encoding": "cp1252", "end": "\r\n"}
READ_SPANISH = {"encoding": "cp1252", "decimal": ",", "dates": {"responded_at": "%d-%m-%Y"}}
SAV_NAMES = {
    "names": {"Region": "region", **{name: to for name, to in ANSWERS["names"].items() if name != "Región"}}
}


@pytest.mark.parametrize("seed", range(12))
def test_the_same_answers_saved_another_way_are_the_same_data_set(tmp_path, seed):
    rows = answers(seed)
    first, known = stored(tmp_path / "csv", "s.csv", delimited(rows))
    for way, name, content, how in (
        ("excel", "s.xlsx", workbook([NAMES, *rows]), {}),
        ("spanish", "s.csv", delimited(rows, **SPANISH), READ_SPANISH),
        ("parquet", "s.parquet", as_parquet(rows), {}),
        ("spss", "s.sav", as_sav(rows, tmp_path), SAV_NAMES),
        ("tabs", "s.tsv", delimited(rows, separator="\t", encoding="utf-16"), {}),
    ):
        frame, sha256 = stored(tmp_path / way, name, content, **how)
        pd.testing.assert_frame_equal(by_key(frame), by_key(first))
        assert sha256 == known, way


@pytest.mark.parametrize("seed", range(12))
def test_shuffled_rows_are_the_same_set_in_another_order(tmp_path, seed):
    rows = answers(seed)
    first, known = stored(tmp_path / "one", "s.csv", delimited(rows))
    shuffled = [rows[at] for at in np.random.default_rng(seed).permutation(len(rows))]
    second, other = stored(tmp_path / "two", "s.csv", delimited(shuffled))
    pd.testing.assert_frame_equal(by_key(second), by_key(first))
    # The order of the rows is part of the table, so that its bytes are those of the file that came.
    assert other != known


def test_a_file_that_comes_twice_is_named_or_left_out_as_declared(tmp_path):
    rows = answers(1)
    source = {**ANSWERS, "file": "raw/s.csv"}
    declaration = json.dumps({"name": "Dos", "sources": [source, {**source, "file": "raw/t.csv"}]})
    files = {"s.csv": delimited(rows), "t.csv": delimited(rows)}
    report = dataset.check(write_client(tmp_path / "two", declaration, files), "acme", strict=False)
    used = sum(row[3] != "fuera" for row in rows)
    assert sum(problem.count for problem in report.problems) == used
    assert {problem.file for problem in report.problems} == {"raw/t.csv"}
    first, known = stored(tmp_path / "one", "s.csv", delimited(rows))
    _, again = stored(tmp_path / "again", "s.csv", delimited(rows + rows), duplicates="identical")
    assert again == known
    assert len(first) == used


def test_ids_that_lost_their_zeros_in_excel_are_told_by_who_they_no_longer_meet(tmp_path):
    crm = "customer_id,start_date,observation_end\n" + "".join(
        f"{n:05d},2023-01-01,2024-12-31\n" for n in range(40)
    )
    rows = [
        ["response_id", "customer_id", "recommend", "responded_at"],
        *[[f"r{n}", f"{n:05d}", n % 11, date(2024, 1, 5)] for n in range(40)],
    ]
    opened = [rows[0], *[[row[0], int(row[1]), *row[2:]] for row in rows[1:]]]
    met = {}
    for way, grid in (("kept", rows), ("lost", opened)):
        sources = [
            {"file": "raw/c.csv", "table": "customers"},
            {"file": "raw/s.xlsx", "table": "survey_responses", "scales": {"recommend": [0, 10]}},
        ]
        files = {"c.csv": crm, "s.xlsx": workbook(grid)}
        report = dataset.check(
            write_client(tmp_path / way, json.dumps({"name": "A", "sources": sources}), files), "acme"
        )
        met[way] = (
            report.tables["customers"]["survey_match"]["matched"],
            any(each.rule == 15 for each in report.warnings),
        )
    assert met == {"kept": (40, False), "lost": (0, True)}
