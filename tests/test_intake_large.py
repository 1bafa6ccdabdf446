"""Files larger than memory should hold: the same answers block by block."""

import csv
import importlib.util
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxlab.errors import InputError
from cxlab.intake.coded import Coded
from cxlab.intake.files import blocks, records, separators
from cxlab.intake.files.delimited import read_delimited
from cxlab.intake.tables import decoding
from cxlab.intake.tables.cells import Marks
from cxlab.intake.tables.decoding import Rule

CELL = st.sampled_from(
    ["", "a", "ñandú", " x ", "1,5", "2;5", '"q"', "two\nlines", "two\r\nlines", "\t", "é", "🙂", 'x"y', "  "]
)
END = st.sampled_from(["\n", "\r\n", "\r"])


def outcome(content, **how):
    """Return all that a reading gives, or the problems of its refusal."""
    try:
        found = read_delimited(content, file="s.csv", **how)
    except InputError as error:
        return [str(problem) for problem in error.problems]
    cells = {name: column.cells.tolist() for name, column in found.columns.items()}
    return cells, found.lines.tolist(), found.read, found.skipped, found.questions, found.how


def small_blocks(patch, size):
    """Let a file come in blocks of a few bytes."""
    patch.setattr(blocks, "BLOCK", size)
    patch.setattr(blocks, "LEAST", size)
    patch.setattr(separators, "SAMPLE", size)


@settings(max_examples=150, derandomize=True, deadline=None)
@given(
    rows=st.lists(st.lists(CELL, min_size=3, max_size=3), min_size=1, max_size=12),
    end=END,
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONE]),
    separator=st.sampled_from([",", ";"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    size=st.integers(4, 80),
    cut=st.integers(0, 12),
    skips=st.tuples(st.integers(0, 2), st.integers(0, 2)),
)
def test_blocks_of_any_size_and_both_parsers_agree(rows, end, quoting, separator, encoding, size, cut, skips):
    sink = io.StringIO(newline="")
    csv.writer(sink, delimiter=separator, lineterminator=end).writerow(["id", "a", "b"])
    free = {"quotechar": None, "escapechar": None} if quoting == csv.QUOTE_NONE else {}
    writer = csv.writer(sink, delimiter=separator, lineterminator=end, quoting=quoting, **free)
    for row in rows:
        try:
            writer.writerow(row)
        except csv.Error:
            sink.write(separator.join(row) + end)  # as a program without quotes writes it
    text = sink.getvalue()
    content = text[: len(text) - cut].encode(encoding)
    how = {"skip_after_header": skips[0], "skip_at_end": skips[1]}
    whole = outcome(content, **how)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records.Parser, "_swift", lambda *_: None)
        assert outcome(content, **how) == whole
    with pytest.MonkeyPatch.context() as patch:
        small_blocks(patch, size + 60 * skips[1])
        assert outcome(content, **how) == whole


def test_a_separator_is_judged_by_every_row_of_a_long_file(monkeypatch):
    small_blocks(monkeypatch, 200)
    rows = "".join(f"{n};{n},5\n" for n in range(500))
    assert read_delimited(("id;a,b\n" + rows + "1;2\n").encode(), file="s").how["separator"] == "semicolon"
    assert "fit equally" in str(outcome(("id;a,b\n" + rows).encode()))


def test_what_is_wrong_far_down_a_file_is_named_by_its_line(monkeypatch):
    small_blocks(monkeypatch, 300)
    good = "".join(f"{n},año {n},5\n" for n in range(400))
    for bad, found in (
        ("1,2\n", "row 402: found 2 fields"),
        ('1,"x\n', "row 402: found a quote opened in this record"),
        ("1,\x00,2\n", "row 402: found a NUL byte"),
        ("1,Ã³,2\n", "row 402: found UTF-8 letters read as utf-8"),
        ("1,\x82,2\n", "row 402: found a control character"),
        ('1,"a\n2,b,x\n3,c",5\n', "row 402"),
    ):
        assert found in str(outcome(("id,a,b\n" + good + bad + "9,9,9\n").encode()))
    text = str(outcome(("id,a,b\n" + good).encode() + b"1,\xf3,2\n" + good.encode()))
    assert "row 402: found byte 0xF3" in text
    # Damage is told before a row that does not fit, wherever each stands.
    assert "lost character" in str(outcome(("id,a,b\n1,2\n" + good + "1,\ufffd,2\n").encode()))


def test_only_the_columns_asked_for_are_held_and_all_are_named():
    asked = []
    found = read_delimited(
        b"id,a,,b\n1,x,,y\n2,x,,z\n", file="s", wanted=lambda names: asked.append(names) or ["b"]
    )
    assert asked == [["id", "a", "b"]]
    assert found.headers == ("id", "a", "b")
    assert list(found.columns) == ["b"]
    assert found.columns["b"].distinct == ["y", "z"]


def test_progress_is_told_block_by_block(monkeypatch):
    small_blocks(monkeypatch, 400)
    told = []
    content = ("id,a\n" + "".join(f"{n},x\n" for n in range(500))).encode()
    read_delimited(content, file="s", progress=lambda rows, share: told.append((rows, round(share, 2))))
    assert told == sorted(told)
    assert len(told) > 5
    assert 0.9 < told[-1][1] <= 1


def test_a_file_that_stops_in_the_middle_of_a_line_was_cut():
    assert "it was cut on its way" in str(outcome(b"id,a,b\n1,2,3\n4,5"))
    assert "it was cut on its way" not in str(outcome(b"id,a,b\n1,2,3\n4,5\n"))


def test_coded_columns_keep_their_order_and_lose_what_no_row_has():
    column = Coded.joined([Coded.of(["b", "a"]).texts, Coded.of(["c", "a"]).texts])
    assert (column.distinct, column.cells.tolist()) == (["b", "a", "c"], ["b", "a", "c", "a"])
    kept = column.kept(np.array([False, True, True, True]))
    assert (kept.distinct, kept.codes.tolist()) == (["a", "c"], [0, 1, 0])
    assert kept.among(["c", "z"]).tolist() == [False, True, False]
    assert (kept.text(1), kept.counts.tolist(), Coded.of(["", ""]).blank, kept.blank) == (
        "c",
        [2, 1],
        True,
        False,
    )


# Of resident memory, at most so many bytes for each further row: ten million rows fit in four gigabytes.
BYTES_A_ROW = 370


def test_memory_grows_with_the_rows_and_by_no_more_than_that(tmp_path):
    if not Path("/proc/self/status").exists():
        pytest.skip("peak memory is measured where /proc tells it")
    path = Path(__file__).parents[1] / "benchmarks" / "intake.py"
    spec = importlib.util.spec_from_file_location("benchmark_of_intake", path)
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    peaks = {}
    for rows in (300_000, 900_000):
        benchmark.make(tmp_path / str(rows), rows, 0)
        peaks[rows] = benchmark.measured(benchmark.CHECK, tmp_path / str(rows))["peak"]
    assert (peaks[900_000] - peaks[300_000]) / 600_000 < BYTES_A_ROW, peaks


TEXTS = [
    "1",
    "-2",
    "3.5",
    "0",
    "10.125",
    "1.234",
    "12.500",
    "950",
    "",
    "007",
    "NA",
    "99",
    "99.0",
    "-0",
    "1e5",
]
TEXTS += ["+4", "1,5", " 7", "123456789012345", "1234567890123456", "7.50"]


@settings(max_examples=300, derandomize=True, deadline=None)
@given(
    texts=st.lists(st.sampled_from(TEXTS), min_size=2, max_size=8).filter(lambda texts: set(texts) != {""}),
    reasons=st.sampled_from(
        [{}, {"99": "missing"}, {"NA": "missing"}, {"99,0": "missing"}, {" ": "missing"}]
    ),
    recodes=st.sampled_from([{}, {"1": "5"}, {"x": "1"}, {"": "0"}]),
    kind=st.sampled_from(["number", None]),
    rated=st.booleans(),
    marks=st.builds(Marks, decimal=st.sampled_from([".", ","]), declared=st.booleans(), typed=st.booleans()),
)
def test_numbers_decoded_as_a_whole_are_those_decoded_one_by_one(texts, reasons, recodes, kind, rated, marks):
    rule = Rule(
        name="a", reasons=reasons, recodes=recodes, labels={}, labelled=False, leading=False, kind=kind,
        form="", rated=rated,
    )  # fmt: skip
    found = []
    for many in (10**9, 1):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(decoding, "MANY", many)
            column = decoding.decode(Coded.of(texts), rule, marks)
        faults = {at: (str(each.allowed), str(each.action)) for at, each in column.typed.faults.items()}
        found.append(repr((column.values.tolist(), column.reasons, faults, column.trimmed, column.unused)))
    assert found[0] == found[1]
