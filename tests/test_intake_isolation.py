# ruff: noqa: E501  tables of cases
"""A client's folder reaches nothing else: 200 hostile names read and write nothing outside it."""

import json
import os
import sys
from pathlib import Path

import pytest
from intake_clients import ROWS, SURVEY, write_client

from cxlab import cli
from cxlab.errors import CxlabError, InputError, WorkbenchError
from cxlab.intake import client, dataset
from cxlab.intake.custody import purge, register, relink

OPENED: list[str] | None = None
POSIX = pytest.mark.skipif(os.name != "posix", reason="links and modes of POSIX")


def _watch(event, arguments):
    if OPENED is not None and event in ("open", "os.scandir", "os.listdir", "os.mkdir", "os.rename"):
        OPENED.extend(str(each) for each in arguments[:2] if isinstance(each, (str, os.PathLike)))


sys.addaudithook(_watch)


@pytest.fixture
def bench(tmp_path, monkeypatch):
    """Two clients, a folder of real files, and precious things around them."""
    monkeypatch.setenv("CXLAB_ID_KEY", "a key for tests only")
    monkeypatch.setenv("CXLAB_LANGUAGE", "en")
    real = tmp_path / "real"
    real.mkdir()
    monkeypatch.setenv("CXLAB_REAL_DATA", str(real))
    root = tmp_path / "bench"
    (root / "notebooks").mkdir(parents=True)
    for name in ("acme", "other"):
        write_client(root, SURVEY, name=name)
    for outside in (tmp_path / "survey.csv", root / "survey.csv", root / "data" / "survey.csv"):
        outside.write_text(ROWS, encoding="utf-8")
    return root


def touched(root, call):
    """Call; return whether it was refused, and the files that it opened and that changed outside of it."""
    global OPENED
    top = root.parent
    before = {path: path.read_bytes() for path in top.rglob("*") if path.is_file()}
    OPENED = []
    try:
        call()
        refused = False
    except CxlabError:
        refused = True
    finally:
        opened, OPENED = OPENED, None
    after = {path: path.read_bytes() for path in top.rglob("*") if path.is_file()}
    own = root / "data" / "acme"
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    reached = {Path(os.path.realpath(each)) for each in opened if each.startswith(str(top))}
    allowed = {root, root / "data"}
    outside = {each for each in reached if not each.is_relative_to(own) and each not in allowed}
    return refused, outside, {path for path in changed if not path.is_relative_to(own)}


UP = [
    "../other/raw/survey.csv", "raw/../../other/raw/survey.csv", "raw/../../../survey.csv", "../survey.csv",
    "raw/./.././../other/raw/survey.csv", "..\\other\\raw\\survey.csv", "raw\\..\\..\\other\\raw\\survey.csv",
    "raw/..\\..\\other/raw/survey.csv", "../OTHER/raw/survey.csv", "../other/RAW/survey.csv", "./../other/raw/survey.csv",
    "raw//../..//other//raw//survey.csv", "../acme/../other/raw/survey.csv", "../../data/other/raw/survey.csv",
    "..", ".", "", "/", "raw/..", "raw/../..", "../", "../other", "../other/client.yaml", "../acme",
]  # fmt: skip
ABSOLUTE = [
    "{top}/survey.csv",
    "{root}/data/other/raw/survey.csv",
    "/etc/passwd",
    "//{root}/data/other/raw/survey.csv",
]
ELSEWHERE = [
    "C:/survey.csv", "c:survey.csv", "C:\\Users\\x\\survey.csv", "\\\\server\\share\\survey.csv", "//server/share/survey.csv",
    "\\\\?\\C:\\survey.csv", "\\\\.\\PhysicalDrive0", "file:///{root}/data/other/raw/survey.csv", "http://example.com/survey.csv",
    "s3://bucket/survey.csv", "ftp://example.com/survey.csv", "~/survey.csv", "~root/survey.csv", "$HOME/survey.csv",
    "%USERPROFILE%/survey.csv", "file:{root}/data/other/raw/survey.csv", "zip://raw/survey.csv", "raw/survey.csv::$DATA",
    "raw/survey.csv:stream", "-", "/dev/stdin", "/proc/self/environ", "/proc/self/cwd/survey.csv", "raw/survey.csv\x00.png",
    "\x00", "raw/\x00../../other/raw/survey.csv",
]  # fmt: skip
VARIABLES = [
    "${CXLAB_REAL_DATA}/../survey.csv", "${CXLAB_REAL_DATA}/../bench/data/other/raw/survey.csv", "${CXLAB_REAL_DATA}", "${CXLAB_REAL_DATA}/",
    "${CXLAB_REAL_DATA}/.", "${CXLAB_REAL_DATA}//{root}/data/other/raw/survey.csv", "${CXLAB_REAL_DATA}{root}/data/other/raw/survey.csv",
    "${HOME}/survey.csv", "${CXLAB_ROOT}/data/other/raw/survey.csv", "${PATH}/x.csv", "$CXLAB_REAL_DATA/../survey.csv", "${}/survey.csv",
    "raw/${CXLAB_REAL_DATA}/../../survey.csv", "${CXLAB_REAL_DATA}/link/survey.csv", "${CXLAB_REAL_DATA}/over.csv", "${CXLAB_ID_KEY}/survey.csv",
    "${cxlab_real_data}/../survey.csv", "${CXLAB_REAL_DATA}/..\\survey.csv", "${CXLAB_REAL_DATA\\}/../survey.csv",
]  # fmt: skip
LINKED = [
    "raw/file.csv", "raw/folder/survey.csv", "raw/deep/er/survey.csv", "raw/loop.csv", "raw/chain.csv", "linked/survey.csv",
    "raw/folder/../survey.csv", "raw/parent/other/raw/survey.csv", "raw/hidden/.././folder/survey.csv", "raw/self/../folder/survey.csv",
]  # fmt: skip
ODD = [
    "raw/" + "a" * 300 + ".csv", "raw/" + "b/" * 3000 + "x.csv", "raw/con.csv", "raw/NUL", "raw/aux.csv", "raw/COM1.csv", "con", "prn/x.csv",
    "raw./survey.csv", "raw /survey.csv", "raw/survey.csv.", "raw/survey.csv ", "raw/. ./survey.csv", "raw/.. /../other/raw/survey.csv",
    "raw/..%2f..%2fother/raw/survey.csv", "raw/%2e%2e/%2e%2e/other/raw/survey.csv", "..%c0%af..%c0%afsurvey.csv", "raw/\u2215..\u2215other.csv",
    "\uff0e\uff0e/other/raw/survey.csv", "\uff0e\uff0e\uff0fother\uff0fraw\uff0fsurvey.csv", "raw/\u202e/vsc.yevrus", "raw/sur\u0301vey.csv",
    "raw/s\u00fArvey.csv", "raw/\ud7ff.csv", "raw/\n../../other/raw/survey.csv", "raw/\r\nsurvey.csv", "raw/*", "raw/*.csv", "raw/?urvey.csv",
    "raw/[s]urvey.csv", "raw/{survey,other}.csv", "raw/`id`.csv", "raw/$(id).csv", "raw/;ls", "raw/|cat /etc/passwd", "raw/survey.csv#x",
    "raw/survey.csv?x=1", "raw/'.csv", 'raw/".csv', "raw/\\", "raw", "raw/", "client.yaml/x", "raw/survey.csv/../../../other/raw/survey.csv",
    "raw/survey.csv/x", "RAW/SURVEY.CSV", "Raw/survey.csv", "tables/../../other/raw/survey.csv", ".../survey.csv", "..../survey.csv",
]  # fmt: skip
PATHS = [*UP, *ABSOLUTE, *ELSEWHERE, *VARIABLES, *LINKED, *ODD]
NAMES = [
    "", ".", "..", "../other", "other/", "/other", "./other", "acme/../other", "data/other", "..\\other", "other\\", "C:other", "Other", "OTHER",
    "ACME", "acme ", " acme", "acme.", ".acme", "acme\n", "acme\x00", "a" * 61, "a" * 300, "con", "NUL", "nul", "prn", "aux", "com1", "lpt9", "ácme",
    "a\u0301cme", "ＡＣＭＥ", "acme\u200b", "-acme", "_acme", "~", "~root", "$HOME", "${CXLAB_REAL_DATA}", "%2e%2e", "*", "?", "acme;ls", "acme|x",
    "`id`", "$(id)", "acme/raw", "acme:stream", "//server/share", "..%2fother", "\u2025/other", "other\t", "о́ther", "lacme",
    "x" * 4096, "../" * 50 + "etc", "acme/.", "acme/..", "acme//", "\\\\?\\acme", "acme'", 'acme"', "{acme}", "acme,other", "acme other", "acme\u2024", "..acme", "acme..", "../acme", "other/../other", "com9", "acme=", "@acme",
]  # fmt: skip


def test_there_are_two_hundred():
    assert len(set(PATHS)) + len(set(NAMES)) >= 200


def link(bench):
    """Plant links that lead out of acme's folder."""
    acme, other = bench / "data" / "acme", bench / "data" / "other"
    raw = acme / "raw"
    (raw / "file.csv").symlink_to(other / "raw" / "survey.csv")
    (raw / "folder").symlink_to(other / "raw")
    (raw / "deep").mkdir()
    (raw / "deep" / "er").symlink_to("../../../other/raw")
    (raw / "loop.csv").symlink_to("loop.csv")
    (raw / "chain.csv").symlink_to("first.csv")
    (raw / "first.csv").symlink_to("file.csv")
    (raw / "hidden").mkdir()
    (raw / "parent").symlink_to("../..")
    (raw / "self").symlink_to(".")
    (acme / "linked").symlink_to(other / "raw")
    real = bench.parent / "real"
    (real / "link").symlink_to(bench.parent)
    (real / "over.csv").symlink_to(other / "raw" / "survey.csv")


@POSIX
@pytest.mark.parametrize("path", PATHS, ids=lambda path: repr(path)[:60])
def test_a_hostile_path_reads_and_writes_nothing_outside(bench, path):
    link(bench)
    meant = path.replace("{root}", str(bench)).replace("{top}", str(bench.parent))
    declaration = SURVEY.replace("raw/survey.csv", json.dumps(meant))
    if path not in ("RAW/SURVEY.CSV", "Raw/survey.csv"):
        (bench / "data" / "acme" / "client.yaml").write_text(declaration, encoding="utf-8")
    refused, outside, changed = touched(bench, lambda: dataset.check(bench, "acme"))
    assert not outside
    assert not changed
    assert refused or path in ("RAW/SURVEY.CSV", "Raw/survey.csv")


@pytest.mark.parametrize("name", NAMES, ids=lambda name: repr(name)[:40])
def test_a_hostile_client_name_reads_and_writes_nothing(bench, name):
    if os.name == "posix":
        (bench / "data" / "lacme").symlink_to(bench / "data" / "other")
    calls = [
        lambda: client.new(bench, name),
        lambda: dataset.check(bench, name),
        lambda: dataset.open_dataset(bench, name),
        lambda: purge.holdings(bench, name),
        lambda: register.register(bench, name),
        lambda: relink.relink(bench, name, bench / "survey.csv"),
    ]
    for call in calls:
        refused, outside, changed = touched(bench, call)
        assert (refused, outside, changed) == (True, set(), set())


@pytest.mark.parametrize(
    "name", [each for each in NAMES if "\x00" not in each][:48], ids=lambda name: repr(name)[:40]
)
def test_the_command_line_refuses_it_too(bench, name):
    before = sorted(bench.parent.rglob("*"))
    for command in ("check", "new", "purge", "register"):
        assert cli.main([command, "--root", str(bench), "--", name]) in (2, 3)
    assert sorted(bench.parent.rglob("*")) == before


@POSIX
def test_tables_are_written_and_read_through_no_link(bench):
    dataset.check(bench, "other")
    theirs = bench / "data" / "other" / "tables"
    mine = bench / "data" / "acme" / "tables"
    mine.symlink_to(theirs)
    before = {path: path.read_bytes() for path in theirs.iterdir()}
    with pytest.raises(WorkbenchError, match="is a link to another folder"):
        dataset.check(bench, "acme")
    with pytest.raises(InputError, match="tables"):
        dataset.open_dataset(bench, "acme")
    assert {path: path.read_bytes() for path in theirs.iterdir()} == before
    mine.unlink()
    mine.mkdir()
    for path in theirs.iterdir():
        (mine / path.name).symlink_to(path)
    with pytest.raises(InputError, match="tables"):
        dataset.open_dataset(bench, "acme")
    dataset.check(bench, "acme")
    assert not any(path.is_symlink() for path in mine.iterdir())
    assert {path: path.read_bytes() for path in theirs.iterdir()} == before


@POSIX
def test_another_clients_files_are_not_real_data(bench, monkeypatch):
    monkeypatch.setenv("CXLAB_REAL_DATA", str(bench / "data"))
    text = SURVEY.replace("raw/survey.csv", "${CXLAB_REAL_DATA}/other/raw/survey.csv")
    write_client(bench, text)
    refused, outside, changed = touched(bench, lambda: dataset.check(bench, "acme"))
    assert (refused, outside, changed) == (True, set(), set())


@POSIX
def test_a_client_file_that_is_a_link_is_not_followed(bench):
    mine = bench / "data" / "acme" / "client.yaml"
    mine.unlink()
    mine.symlink_to(bench / "data" / "other" / "client.yaml")
    with pytest.raises(InputError, match="has no client"):
        dataset.check(bench, "acme")


@POSIX
def test_what_intake_writes_is_its_owners_alone(bench):
    mask = os.umask(0)
    try:
        made = client.new(bench, "fresh")
        dataset.check(bench, "acme")
        register.write(bench, "acme", register.register(bench, "acme"))
    finally:
        os.umask(mask)
    for path in [
        made,
        *made.rglob("*"),
        *(bench / "data/acme/tables").rglob("*"),
        bench / "data/acme/register.csv",
    ]:
        assert path.stat().st_mode & 0o077 == 0, path
