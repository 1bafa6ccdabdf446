# ruff: noqa: E501  tables of cases: one case to a line
import json
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from intake_clients import ROWS, SURVEY, checked, refused, write_client

from cxlab.errors import InputError, WorkbenchError
from cxlab.intake import dataset, folders
from cxlab.intake.declared.models import Source
from cxlab.intake.tables.storage import content_hash


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("CXLAB_ID_KEY", "a key for tests only")


PAYLOADS = [
    "<script>alert(1)</script>", "=cmd|' /C calc'!A0", "+1+1", "-2", "@SUM(A1)", "\"quoted\" 'x'", "😀👩‍👩‍👧", "\u202eabc",
    "{{ 7*7 }}", "{% raw %}", "${HOME}", "%s%n", "a\\nb", "<b>&amp;</b>", "'; DROP TABLE x;--", "ﷺ", "{0}{column}",
]  # fmt: skip


def test_tables_come_back_with_scales_hash_and_ledger(tmp_path):
    frame = checked(tmp_path)
    assert frame["recommend"].tolist() == [n % 11 for n in range(40)]
    assert frame.attrs["scales"] == {"recommend": (0, 10)}
    data = dataset.open_dataset(tmp_path, "acme")
    entry = data.entry("survey_responses")
    assert (data.names, data.client.slug) == (("survey_responses",), "acme")
    assert entry.rows == 40
    assert entry.sha256 == content_hash(frame)
    assert entry.ledger_rows() == [
        {
            "table": "survey_responses",
            "file": "raw/survey.csv",
            "read": 40,
            "used": 40,
            "excluded": 0,
            "reason": "",
        }
    ]
    with pytest.raises(InputError, match="acme has no table customers; it has: survey_responses"):
        data.read("customers")


def test_the_report_prints_in_both_languages(tmp_path):
    declaration = SURVEY + "    exclude: [{where: 'recommend == 10', reason: top}]\n"
    rows = "response_id,recommend,Otra\n" + "".join(f"{n},{n % 11},x\n" for n in range(2200)) + "\n"
    report = dataset.check(write_client(tmp_path, declaration, {"survey.csv": rows}), "acme")
    assert report.lines("es")[:5] == [
        "survey_responses: 2.000 filas",
        "  raw/survey.csv: leídas 2.201, usadas 2.000, excluidas 201",
        "    excluidas 1: líneas vacías",
        "    excluidas 200: top",
        "    columnas no usadas (1): Otra",
    ]
    assert report.lines("en")[1] == "  raw/survey.csv: read 2,201, used 2,000, excluded 201"
    assert str(report) == "\n".join(report.lines("es"))
    assert report.ledger["excluded"].tolist() == [201, 1, 200]
    assert report.problem_rows.empty


def test_opening_says_which_command_to_run(tmp_path):
    root = write_client(tmp_path)
    with pytest.raises(InputError, match="acme has no tables yet; make them with `cxlab check acme`"):
        dataset.open_dataset(root, "acme")
    dataset.check(root, "acme")
    (root / "data/acme/raw/survey.csv").write_text(ROWS + "z,1,RM\n")
    with pytest.raises(InputError, match=r"raw/survey.csv changed after .*`cxlab check acme`"):
        dataset.open_dataset(root, "acme")
    dataset.check(root, "acme")
    with (root / "data/acme/client.yaml").open("a") as file:
        file.write("legal_basis: another\n")
    with pytest.raises(InputError, match="client.yaml changed after"):
        dataset.open_dataset(root, "acme")
    with pytest.raises(InputError, match="client.yaml names no file under `sources:`"):
        dataset.check(write_client(tmp_path, "name: A\n"), "acme")


def test_tables_outlive_raw_files_that_were_put_away(tmp_path):
    before = checked(tmp_path)
    shutil.rmtree(tmp_path / "data/acme/raw")
    pd.testing.assert_frame_equal(dataset.open_dataset(tmp_path, "acme").read("survey_responses"), before)


def test_a_flipped_bit_is_never_read(tmp_path):
    checked(tmp_path)
    path = tmp_path / "data/acme/tables/survey_responses.parquet"
    content = path.read_bytes()
    for at in range(0, len(content), max(1, len(content) // 60)):
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        with pytest.raises(InputError, match="gone or was changed after it was made"):
            dataset.open_dataset(tmp_path, "acme").read("survey_responses")
    path.unlink()
    with pytest.raises(InputError, match="gone or was changed"):
        dataset.open_dataset(tmp_path, "acme").read("survey_responses")
    (tmp_path / "data/acme/tables/tables.json").write_text("{")
    with pytest.raises(InputError, match="damaged or of another version"):
        dataset.open_dataset(tmp_path, "acme")


def test_the_same_input_gives_the_same_bytes_anywhere_and_any_day(tmp_path, monkeypatch):
    checked(tmp_path / "one")
    first = {path.name: path.read_bytes() for path in (tmp_path / "one/data/acme/tables").iterdir()}
    monkeypatch.setattr(time, "time", lambda: 2_000_000_000.0)
    root = tmp_path / "otra carpeta ñ"
    checked(root)
    second = {path.name: path.read_bytes() for path in (root / "data/acme/tables").iterdir()}
    assert first == second
    assert str(tmp_path).encode() not in b"".join(first.values())
    assert "1970" not in first["tables.json"].decode()


def test_a_content_hash_sees_values_names_kinds_and_order():
    frame = pd.DataFrame({"a": [1.0, None], "b": ["x", None], "c": pd.to_datetime(["2024-01-01", None])})
    known = content_hash(frame)
    changed = [
        frame.assign(a=[1.0, 0.0]), frame.assign(a=[None, 1.0]), frame.assign(b=["x", ""]), frame.assign(b=[None, "x"]),
        frame.iloc[::-1], frame[["b", "a", "c"]], frame.rename(columns={"a": "z"}), frame.assign(a=["1.0", None]),
        frame.assign(c=pd.to_datetime(["2024-01-02", None])), frame.head(1),
    ]  # fmt: skip
    hashes = [content_hash(each) for each in changed]
    assert len({known, *hashes}) == len(changed) + 1
    assert content_hash(frame.set_axis([5, 9])) == known


def test_payloads_pass_through_as_plain_text(tmp_path):
    quoted = ['"' + each.replace('"', '""') + '"' for each in PAYLOADS]
    rows = "response_id,recommend,region\n" + "".join(f"{n},5,{cell}\n" for n, cell in enumerate(quoted))
    labels = (
        "labels: {values: {region: {x: " + json.dumps(PAYLOADS[0]) + "}}, columns: {region: '{{ 7*7 }}'}}\n"
    )
    declaration = SURVEY.replace("name: Test", "name: " + json.dumps("".join(PAYLOADS[:3]))) + labels
    frame = checked(tmp_path, declaration, {"survey.csv": rows})
    assert frame["region"].tolist() == PAYLOADS
    client = dataset.open_dataset(tmp_path, "acme").client
    assert client.title("es") == "".join(PAYLOADS[:3])
    assert client.labels_mapping()["columns"]["region"]["en"] == "{{ 7*7 }}"


@pytest.mark.parametrize("payload", PAYLOADS)
def test_payloads_in_messages_are_quoted_and_never_formatted(tmp_path, payload):
    rows = 'response_id,recommend\n1,"' + payload.replace('"', '""') + '"\n2,3\n'
    if payload != "-2":
        assert "raw/survey.csv, row 2, column recommend: found" in refused(
            tmp_path, SURVEY, {"survey.csv": rows}
        )
    header = 'response_id,recommend,"' + payload.replace('"', '""') + '"\n1,77,x\n'
    assert "found '77'" in refused(tmp_path, SURVEY, {"survey.csv": header})


cell = st.sampled_from(["0", "5", "10", "", "99", " 7 ", "x", "11", "-", "NA"])


@settings(max_examples=25, derandomize=True, deadline=None)
@given(
    st.lists(st.tuples(cell, cell, st.sampled_from(["", "\n", ";;;\n"])), min_size=1, max_size=30),
    st.integers(0, 10),
)
def test_the_ledger_adds_up_in_dirty_data(rows, cut):
    import tempfile

    text = "response_id;recommend;attr_b;z\n" + "".join(
        f"r{n};{a};{b};\n{blank}" for n, (a, b, blank) in enumerate(rows)
    )
    declaration = (
        "name: T\nsources:\n  - file: raw/survey.csv\n    table: survey_responses\n    scales: {recommend: [0, 10]}\n"
        "    missing: {recommend: [99, x, '-', NA], attr_b: ['-', NA]}\n    kinds: {attr_b: category}\n"
        f"    exclude: [{{where: 'recommend == {cut}', reason: cut}}, {{where: \"attr_b == 'x'\", reason: b}}]\n"
    )
    with tempfile.TemporaryDirectory() as root:
        report = dataset.check(write_client(root, declaration, {"survey.csv": text}), "acme", strict=False)
        if report.problems:
            assert all(str(p.action) for p in report.problems)
            assert "11" in text or report.problems[0].found.startswith("no row left")
            return
        source = report.tables["survey_responses"]["sources"][0]
        assert source["read"] == source["used"] + sum(source["excluded"].values())
        assert source["read"] == len(rows) + sum(blank != "" for *_, blank in rows)
        frame = dataset.open_dataset(root, "acme").read("survey_responses")
        assert len(frame) == source["used"]


def test_columns_that_are_empty_throughout_are_left_out_and_said(tmp_path):
    rows = ROWS.replace("RM", "").replace(",V\n", ",\n")
    report = dataset.check(write_client(tmp_path, SURVEY, {"survey.csv": rows}), "acme")
    assert [str(note) for note in report.notes] == ["survey_responses: left out as empty: region"]
    assert "region" not in dataset.open_dataset(tmp_path, "acme").read("survey_responses")


def test_trimmed_blanks_and_idle_recodes_are_noted(tmp_path):
    rows = ROWS.replace(",V\n", ", V \n")
    report = dataset.check(
        write_client(tmp_path, SURVEY + "    values: {region: {Sur: S}}\n", {"survey.csv": rows}), "acme"
    )
    assert [str(note) for note in report.notes] == [
        "raw/survey.csv: outer blanks taken off in region (20)",
        "raw/survey.csv: recodes of region that match nothing: Sur",
    ]


def test_blank_cells_are_not_empty_cells(tmp_path):
    rows = ROWS.replace(",V\n", ",  \n")
    assert "column region: found '  ' (20 rows); allowed: text, or an empty cell" in refused(
        tmp_path, SURVEY, {"survey.csv": rows}
    )
    assert (
        checked(tmp_path, SURVEY + '    missing: {region: [" "]}\n', {"survey.csv": rows})["region"]
        .isna()
        .sum()
        == 20
    )


def test_old_tables_go_and_a_failed_write_says_so(tmp_path, monkeypatch):
    checked(tmp_path)
    files = {"c.csv": "customer_id,duration,event\na,3,1\nb,3,0\n"}
    checked(tmp_path, "name: A\nsources: [{file: raw/c.csv, table: customers}]\n", files, "customers")
    folder = tmp_path / "data/acme/tables"
    assert sorted(path.name for path in folder.iterdir()) == ["customers.parquet", "tables.json"]
    if os.name == "posix":
        assert {path.stat().st_mode & 0o077 for path in folder.iterdir()} == {0}

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folders.os, "fsync", full)
    with pytest.raises(WorkbenchError, match="cannot be written to .*No space left on device"):
        dataset.check(tmp_path, "acme")
    monkeypatch.undo()
    assert sorted(path.name for path in folder.iterdir()) == ["customers.parquet", "tables.json"]
    assert len(dataset.open_dataset(tmp_path, "acme").read("customers")) == 2


def test_progress_is_told_file_by_file(tmp_path):
    told = []
    dataset.check(write_client(tmp_path), "acme", on_step=told.append)
    assert [(step.doing, step.of, step.rows) for step in told] == [
        ("reading", "raw/survey.csv", 0),
        ("reading", "raw/survey.csv", 40),
        ("mapping", "raw/survey.csv", 40),
        ("checking", "", 40),
        ("naming", "", 0),
        ("writing", "survey_responses", 40),
    ]
    assert [step.share for step in told[:2]] == [0, 1]


def test_a_large_client_is_checked_in_seconds(tmp_path):
    rng = np.random.default_rng(1)
    n, contacts = 24_000, 150_000
    ids = [f"{k:08d}" for k in range(n)]
    start = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 500, n), unit="D")
    customers = pd.DataFrame(
        {"customer_id": ids, "start_date": start.strftime("%d-%m-%Y"), "region": rng.choice(list("abc"), n)}
    )
    log = pd.DataFrame(
        {
            "interaction_id": range(contacts),
            "customer_id": rng.choice(ids, contacts),
            "channel": rng.choice(["app", "web"], contacts),
        }
    )
    declaration = (
        "name: A\nsources:\n  - {file: raw/c.csv, table: customers, constants: {observation_end: 2025-06-30}, dates: {start_date: '%d-%m-%Y'}}\n"
        "  - {file: raw/i.csv, table: interactions}\n"
    )
    files = {"c.csv": customers.to_csv(index=False), "i.csv": log.to_csv(index=False)}
    root = write_client(tmp_path, declaration, files)
    before = time.process_time()
    dataset.check(root, "acme")
    assert time.process_time() - before < 20  # three or four on an idle machine


MARKS = {"comma": ",", "semicolon": ";", "bar": "|", "tab": "\t"}
REAL = os.environ.get("CXLAB_REAL_DATA")
real = pytest.mark.skipif(not REAL, reason="set CXLAB_REAL_DATA to the folder of the real files")


@real
def test_telco_reads_as_published(tmp_path):
    declaration = (
        "name: Telco\nsources:\n  - file: ${CXLAB_REAL_DATA}/telco_churn_ibm.csv\n    table: customers\n"
        "    names: {customerID: customer_id, tenure: duration, Churn: event, Contract: plan, TotalCharges: attr_total}\n"
        "    values: {event: {Yes: 1, No: 0}}\n"
    )
    text = refused(tmp_path, declaration, {})
    assert "column tenure: found '0' (11 rows); allowed: 1 or more" in text
    assert "column TotalCharges: found ' ' (11 rows)" in text
    declaration += (
        "    missing: {attr_total: [' ']}\n    exclude: [{where: 'duration == 0', reason: not yet billed}]\n"
    )
    frame = checked(tmp_path, declaration, {}, "customers")
    assert len(frame) == 7032
    assert frame["event"].sum() == 1869
    source = dataset.open_dataset(tmp_path, "acme").entry("customers").sources[0]
    assert (source["read"], source["excluded"]) == (7043, {"not yet billed": 11})
    assert not frame["customer_id"].str.contains("-").any()


@real
def test_sfo_codes_must_be_declared(tmp_path):
    declaration = (
        "name: SFO\nsources:\n  - file: ${CXLAB_REAL_DATA}/sfo_airport_survey_2017.csv\n    table: survey_responses\n"
        "    names: {RESPNUM: response_id, NETPRO: recommend, Q7ALL: overall_sat, Q7ART: attr_art, WEIGHT: weight}\n"
        "    scales: {recommend: [0, 10], overall_sat: [1, 5], attr_art: [1, 5]}\n"
    )
    text = refused(tmp_path, declaration, {})
    assert "column NETPRO: found '11' (84 rows); allowed: 0 to 10" in text
    assert "column Q7ALL: found 'Blank' (143 rows)" in text
    assert "column Q7ART: found '6' (445 rows); allowed: 1 to 5" in text
    declaration += "    missing: {recommend: [11], overall_sat: [Blank], attr_art: [0]}\n    not_applicable: {attr_art: [6]}\n"
    frame = checked(tmp_path, declaration, {})
    nps = (
        100 * ((frame["recommend"] >= 9).sum() - (frame["recommend"] <= 6).sum()) / frame["recommend"].count()
    )
    assert (frame["recommend"].count(), round(nps, 1)) == (2746, 39.8)
    assert round(frame["overall_sat"].mean(), 3) == 4.064


@real
def test_airlines_counts_are_derived(tmp_path):
    declaration = (
        "name: BTS\nsources:\n  - file: ${CXLAB_REAL_DATA}/airline_ontime_by_carrier.csv\n    table: benchmark_responses\n"
        "    names: {carrier: peer_id, arr_flights: trials, year: wave_id}\n    derive: {successes: 'arr_flights - arr_del15'}\n"
    )
    assert "column arr_flights: found 'NA' (8 rows); allowed: a number" in refused(tmp_path, declaration, {})
    declaration += "    missing: {'*': [NA]}\n"
    assert "column arr_flights: found 'NA' (8 rows); allowed: a count" in refused(tmp_path, declaration, {})
    declaration += "    exclude: [{where: 'trials == None', reason: no flights reported}]\n"
    frame = checked(tmp_path, declaration, {}, "benchmark_responses")
    sums = frame.groupby(["wave_id", "peer_id"])[["successes", "trials"]].sum()
    rates = (sums["successes"] / sums["trials"]).round(3)
    assert [rates["2019", peer] for peer in ("DL", "AA", "UA", "WN", "B6")] == [
        0.847,
        0.816,
        0.792,
        0.790,
        0.678,
    ]


@real
def test_hbat_gives_the_book_s_regression(tmp_path):
    names = {
        "id": "response_id",
        "x19": "overall_sat",
        **{f"x{k}": f"attr_x{k}" for k in (6, 7, 9, 11, 12)},
        "x1": "segment",
    }
    declaration = (
        "name: HBAT\nsources:\n  - file: ${CXLAB_REAL_DATA}/hbat.sav\n    table: survey_responses\n"
        f"    names: {json.dumps(names)}\n    scales: {{overall_sat: [0, 10]}}\n    value_labels: [segment]\n"
    )
    frame = checked(tmp_path, declaration, {})
    design = np.column_stack([np.ones(100), frame[[f"attr_x{k}" for k in (9, 6, 12, 7, 11)]]])
    slopes = np.linalg.lstsq(design, frame["overall_sat"], rcond=None)[0]
    assert slopes.round(3).tolist() == [-1.151, 0.319, 0.369, 0.775, -0.417, 0.174]
    assert set(frame["segment"]) == {"Less than 1 year", "1 to 5 years", "Over 5 years"}


@real
@pytest.mark.parametrize(
    "path", sorted(Path(REAL or ".").glob("*.csv")) if REAL else [], ids=lambda path: path.name
)
def test_every_real_file_reads_or_says_how_to(path):
    from cxlab.intake.files.readers import read

    source = Source(file=f"${{CXLAB_REAL_DATA}}/{path.name}", table="items")
    try:
        reading, _ = read(source, Path("."))
    except InputError as error:
        text = str(error)
        assert "encoding: latin-1" in text or "encoding: cp1252" in text
        encoding = (
            "latin-1" if "encoding: latin-1" in text else "mac_roman" if "starwars" in path.name else "cp1252"
        )
        source = source.model_copy(update={"encoding": encoding})
        if "starwars" in path.name:
            with pytest.raises(InputError, match="23 columns without a name, 15 with one.*layout:"):
                read(source, Path("."))
            source = source.model_copy(update={"layout": "surveymonkey"})
            assert len(read(source, Path("."))[0]) == 1186
            return
        reading, _ = read(source, Path("."))
    assert not reading.doubts
    frame = pd.read_csv(
        path,
        sep=MARKS[reading.how["separator"]],
        encoding=reading.how["encoding"],
        dtype=str,
        keep_default_na=False,
    )
    frame = frame.drop(columns=[c for c in frame if c.startswith("Unnamed") and (frame[c] == "").all()])
    assert reading.frame.shape == frame.shape
    assert (reading.frame.to_numpy() == frame.to_numpy()).all()
