"""The catalogue of bad inputs, case by case: nothing wrong passes in silence, and every refusal helps."""
# ruff: noqa: E501  tables of cases: one case to a line

import csv
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from bad_inputs import CASES, Case, declared, survey
from bombs import BOMBS
from intake_clients import write_client

from cxlab.errors import CxlabError
from cxlab.intake import dataset
from cxlab.intake.privacy.pseudonyms import client_key, pseudonyms

KEY = "a key for tests only"


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("CXLAB_ID_KEY", KEY)


def test_the_catalogue_is_wide_enough():
    assert len(CASES) >= 110
    assert len({str(case) for case in CASES}) == len(CASES)
    assert len({case.number for case in CASES}) >= 60


REFUSED = [case for case in CASES if case.says]
ACCEPTED = [case for case in CASES if case.values and not case.says]


def test_every_case_expects_something():
    assert len(REFUSED) + len(ACCEPTED) == len(CASES)


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_it_is_refused_with_its_place_and_its_cure(tmp_path, case):
    root = write_client(tmp_path, case.declaration, case.content)
    with pytest.raises(CxlabError) as caught:
        dataset.check(root, "acme")
    assert_helpful(case, caught.value)
    assert not (root / "data/acme/tables").exists(), "nothing may be written"
    assert not (root / "hacked").exists()


def assert_helpful(case: Case, error: CxlabError):
    text = str(error)
    assert error.exit_code in (2, 3, 5)
    for said in case.says:
        assert said in text, text
    assert "Traceback" not in text
    for value in case.hidden:
        assert value not in text
    for problem in error.problems:
        assert str(problem.found).strip()
        assert str(problem.allowed).strip()
        assert str(problem.action).strip()
        assert problem.file
    if case.line:
        assert case.line in {problem.row for problem in error.problems}, text
    if case.column:
        assert case.column in {problem.column for problem in error.problems}, text
    if not (case.whole or case.line or case.column):
        pytest.fail(f"{case} says no place")


@pytest.mark.parametrize("case", ACCEPTED, ids=str)
def test_it_is_stored_as_documented(tmp_path, case):
    root = write_client(tmp_path, case.declaration, case.content)
    report = dataset.check(root, "acme")
    frame = dataset.open_dataset(root, "acme").read(case.table)
    for column, values in case.values.items():
        assert stored(frame[column]) == expected(values), column
    excluded: dict[str, int] = {}
    for source in report.tables[case.table]["sources"]:
        assert source["read"] == source["used"] + sum(source["excluded"].values())
        excluded |= source["excluded"]
    assert excluded == dict(case.excluded)
    notes = "\n".join(map(str, (*report.notes, *report.warnings)))
    for said in case.notes:
        assert said in notes, notes
    assert not (root / "hacked").exists()


def stored(column: pd.Series):
    if pd.api.types.is_datetime64_any_dtype(column):
        return [None if pd.isna(each) else each.strftime("%Y-%m-%d %H:%M") for each in column]
    return [None if pd.isna(each) else each for each in column]


def expected(values):
    """Return what must be stored; `id x` stands for the pseudonym of x, a date for its midnight."""
    ids = pseudonyms(pd.Series([str(each).removeprefix("id ") for each in values]), client_key("acme"))
    return [
        None
        if each is None
        else pseudonym
        if isinstance(each, str) and each.startswith("id ")
        else f"{each} 00:00"
        if isinstance(each, str) and len(each) == 10 and each[4] == each[7] == "-"
        else each
        for each, pseudonym in zip(values, ids, strict=True)
    ]


BY_COMMAND = [
    "1 latin-1, not declared", "7 decimal commas between commas", "10 a quote that is never closed", "13 NUL bytes",
    "24 xlsx with a password", "30 #N/A", "34 https://example.com/s.csv for a file", "35 99 in a scale of 0 to 10",
    "46 days and months that cannot be told apart", "53 an id twice", "86 a billion laughs",
    "86 nesting deeper than the machine", "58 an address in a score", "58 a RUT in a comment",
]  # fmt: skip


def command(root, *arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "cxlab", *arguments, "--root", str(root)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "CXLAB_LANGUAGE": "en", "CXLAB_ID_KEY": KEY, **environment},
    )


def client_root(tmp_path, declaration, files):
    (tmp_path / "notebooks").mkdir(parents=True, exist_ok=True)
    return write_client(tmp_path, declaration, files)


@pytest.mark.parametrize("name", BY_COMMAND)
def test_the_command_line_refuses_without_a_traceback(tmp_path, name):
    case = next(each for each in CASES if str(each) == name)
    done = command(client_root(tmp_path, case.declaration, case.content), "check", "acme")
    assert done.returncode == 2, done.stderr
    text = done.stdout + done.stderr
    assert "Traceback" not in text
    for said in case.says:
        assert said in text, text
    for value in case.hidden:
        assert value not in text
    assert not (tmp_path / "data/acme/tables").exists()


@pytest.mark.parametrize(
    "name",
    [
        "../otro", "/etc/passwd", "a/b", "CON", "nul", "x" * 300, "", ".", "..", "a\\b", "ácme", "a b", "-a", "$(id)", "a\nb",
    ],
)  # fmt: skip
def test_a_client_is_named_by_a_plain_name(tmp_path, name):
    write_client(tmp_path)
    with pytest.raises(CxlabError, match="cannot name a client") as caught:
        dataset.check(tmp_path, name)
    assert caught.value.exit_code == 2


def test_a_client_that_is_not_there_names_those_that_are(tmp_path):
    write_client(tmp_path)
    with pytest.raises(CxlabError, match="there is no client acne.*known clients: acme"):
        dataset.check(tmp_path, "acne")


def links(tmp_path, what):
    """Return a workbench in which `what` of the client is a link to a folder or file of another."""
    root = write_client(tmp_path / "work")
    other = tmp_path / "other"
    (other / "raw").mkdir(parents=True)
    (other / "raw/survey.csv").write_text("response_id,recommend\nx,1\n")
    place = root / "data/acme" / what
    if place.is_dir():
        for file in place.iterdir():
            file.unlink()
        place.rmdir()
    elif place.exists():
        place.unlink()
    place.symlink_to(other / what if what.startswith("raw") else other)
    return root, other


@pytest.mark.parametrize("what", ["raw", "raw/survey.csv", "tables"])
def test_a_link_out_of_the_client_s_folder_is_not_followed(tmp_path, what):
    root, other = links(tmp_path, what)
    before = sorted(other.rglob("*"))
    with pytest.raises(CxlabError) as caught:
        dataset.check(root, "acme")
    assert "outside" in str(caught.value) or "link" in str(caught.value)
    assert sorted(other.rglob("*")) == before


def test_a_folder_that_may_not_be_written_says_so(tmp_path):
    root = write_client(tmp_path)
    (root / "data/acme/tables").write_text("a file in its place")
    with pytest.raises(CxlabError, match="tables") as caught:
        dataset.check(root, "acme")
    assert caught.value.exit_code == 5


def test_without_a_home_the_key_says_where_it_may_be(tmp_path):
    root = client_root(tmp_path, CLEAN.declaration, CLEAN.content)
    environment = {"HOME": "/dev/null", "XDG_CONFIG_HOME": "/dev/null"}
    bare = {name: value for name, value in os.environ.items() if name != "CXLAB_ID_KEY"}
    done = subprocess.run(
        [sys.executable, "-m", "cxlab", "check", "acme", "--root", str(root)],
        capture_output=True, text=True, env={**bare, **environment, "CXLAB_LANGUAGE": "en"}, timeout=120,
    )  # fmt: skip
    assert done.returncode == 5, done.stderr
    assert "set CXLAB_ID_KEY" in done.stderr
    assert "Traceback" not in done.stderr


CLEAN = next(case for case in CASES if str(case) == "1 cp1252, declared")


def test_the_same_bytes_whatever_the_machine_is_set_to(tmp_path):
    seen = set()
    for at, environment in enumerate(
        [
            {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo"},
            {"LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "2", "TZ": "America/Santiago"},
        ]
    ):
        root = client_root(tmp_path / str(at), CLEAN.declaration, CLEAN.content)
        done = command(root, "check", "acme", **environment)
        assert done.returncode == 0, done.stderr
        seen.add(tuple(path.read_bytes() for path in sorted((root / "data/acme/tables").iterdir())))
    assert len(seen) == 1


PAYLOADS = [
    "=cmd|' /C calc'!A0", '=HYPERLINK("http://x.example","y")', "@SUM(A1)", "+1+1", "-2+3", "x\x07y", "http://x.example", "_x000D_", "{0}", "a" * 40_000,
]  # fmt: skip


def test_workbooks_that_intake_writes_hold_no_formula_and_no_link(tmp_path):
    sink = io.StringIO()
    writer = csv.writer(sink)
    writer.writerow(["response_id", "recommend", "=HYPERLINK(1)", "@x", "región"])
    writer.writerows(
        [f"r{n}", n % 11, *(PAYLOADS[(n + k) % len(PAYLOADS)] for k in range(3))] for n in range(40)
    )
    root = client_root(tmp_path, declared(survey(scales={"recommend": [0, 5]})), {"s.csv": sink.getvalue()})
    (root / "data/acme/raw/nuevo.csv").write_text(sink.getvalue().replace("\nr", "\nq"))
    for verb, code in (("check", 2), ("map", 0)):
        done = command(root, verb, "acme")
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
    books = sorted(root.rglob("*.xlsx"))
    assert "mapping.xlsx" in [path.name for path in books]
    for path in books:
        with zipfile.ZipFile(path) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        assert not any(
            re.search(rb"<f[ >]|<hyperlink", parts[name]) for name in parts if "/worksheets/" in name
        )
        assert not any(b"http://x.example" in parts[name] for name in parts if name.endswith(".rels"))
        assert len(openpyxl.load_workbook(path).sheetnames) > 0


# The limits of the catalogue; the machine that runs the tests may be busy, so time is given twofold.
MOST_MEGABYTES = 500
MOST_SECONDS = 20
# One process for all: what it needs at most is what the worst of them needs.
MEASURE = """
import contextlib, io, json, sys, time
from pathlib import Path
from cxlab.cli import main
told = {}
for root in sys.argv[1:]:
    said, start = io.StringIO(), time.process_time()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = main(["check", "acme", "--root", root])
    status = Path("/proc/self/status").read_text().splitlines()
    peak = next(line for line in status if line.startswith("VmHWM")).split()[1]
    told[root] = [code, time.process_time() - start, int(peak) / 1024, said.getvalue()]
print(json.dumps(told))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is told by /proc")
def test_bombs_are_refused_within_their_limits(tmp_path):
    roots = {}
    for at, bomb in enumerate(BOMBS):
        root = client_root(tmp_path / str(at), bomb.declaration, {})
        bomb.make(root / "data/acme/raw")
        roots[str(root)] = bomb
    environment = {**os.environ, "CXLAB_LANGUAGE": "en", "CXLAB_ID_KEY": KEY}
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *roots], capture_output=True, text=True, env=environment, check=True
    )
    for root, (code, seconds, megabytes, text) in json.loads(done.stdout).items():
        bomb = roots[root]
        print(f"{bomb.name}: exit {code}, {seconds:.1f} s, {megabytes:.0f} MB")  # noqa: T201
        assert "Traceback" not in text
        assert code == bomb.code, text
        for said in bomb.says:
            assert said in text, text
        assert seconds < MOST_SECONDS, bomb.name
        assert megabytes < MOST_MEGABYTES, bomb.name
