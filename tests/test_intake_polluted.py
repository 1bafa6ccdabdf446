"""Files that went wrong on their way, by thousands: each is read as the clean one or refused by its line."""
# ruff: noqa: E501  tables of cases: one case to a line

import csv
import io
import itertools
import re
import warnings
from collections import Counter

import pandas as pd
import pytest
from polluted import HEADER, clean_table, polluted_files, written

from cxlab.errors import InputError
from cxlab.intake.declared.models import Source
from cxlab.intake.files.readers import read
from cxlab.intake.files.reading import unreadable

TABLE = clean_table()
# Enough files for the naive reader to show what the generator can do; every one of them is read by ours.
EVERY_NTH = 4


def normal(cell):
    """Return a cell as it is compared: line breaks of one kind, no outer blanks (intake takes them off)."""
    return re.sub(r"\r+\n|\n\r|\r", "\n", str(cell)).strip()


def grid(header, rows):
    return [[normal(cell) for cell in row] for row in [header, *rows]]


def as_read(folder, content, **how):
    """Write a file and read it through the door of the readers, with nothing declared but `how`.

    A doubt of the reading stops the check of whoever uses its row: here, every row is used.
    """
    (folder / "v.csv").write_bytes(content)
    reading, _ = read(Source(file="v.csv", table="items", **how), folder)
    if reading.doubts:
        raise unreadable("v.csv", reading.doubts)
    assert reading.read == len(reading.frame) + sum(reading.skipped.values())
    return grid(reading.frame.columns, reading.frame.to_numpy().tolist())


def outcome(folder, polluted):
    """Return what became of a polluted file, and whether a refusal names one of its lines."""
    clean = grid((polluted.table or TABLE)[0], (polluted.table or TABLE)[1:])
    try:
        got = as_read(folder, polluted.content)
    except InputError as error:
        problems = error.problems
    else:
        return ("equal" if got == clean else "different"), True
    assert problems
    for problem in problems:
        assert problem.found
        assert problem.allowed
        assert problem.action
        assert problem.file == "v.csv"
    named = {problem.row for problem in problems}
    return "refused", not polluted.lines or bool(named & polluted.lines)


def test_a_polluted_file_is_read_as_the_clean_one_or_refused_by_its_line(tmp_path):
    told, different, misnamed = Counter(), [], []
    for polluted in polluted_files(TABLE):
        what, named = outcome(tmp_path, polluted)
        told[what] += 1
        if what == "different":
            different.append(polluted.name)
        if not named:
            misnamed.append(polluted.name)
    print(f"{told.total()} polluted files: {dict(told)}; {len(misnamed)} refusals with another line")  # noqa: T201
    assert told.total() >= 2_000
    assert not different
    assert len(misnamed) <= 0.01 * told["refused"], misnamed
    assert told["equal"] >= 60, "a reader that refuses everything proves nothing"


def test_the_pollutions_have_teeth(tmp_path):
    told = Counter()
    for polluted in itertools.islice(polluted_files(TABLE), 0, None, EVERY_NTH):
        clean = polluted.table or TABLE
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                frame = pd.read_csv(io.BytesIO(polluted.content), dtype=str, keep_default_na=False)
        except Exception:  # whatever it raises, it did not stay silent
            told["refused"] += 1
            continue
        got = grid(frame.columns, frame.to_numpy().tolist())
        told["equal" if got == grid(clean[0], clean[1:]) else "different"] += 1
    print(f"pandas.read_csv on {told.total()} of them: {dict(told)}")  # noqa: T201
    assert told["different"] > 0.25 * told.total()


def dialects():
    """Give 200 and more clean files: a name, the bytes, what must be declared, and the table."""
    words = [
        ["id", "nota", "región"],
        *[[f"a{n}", str(n % 8), "Ñuñoa" if n % 3 else "RM"] for n in range(30)],
    ]
    marks, ends, saves = [",", ";", "\t", "|"], ["\r\n", "\n", "\r"], ["utf-8", "utf-8-sig", "utf-16"]
    quoting = {"some": csv.QUOTE_MINIMAL, "all": csv.QUOTE_ALL, "text": csv.QUOTE_NONNUMERIC}
    for mark, end, save, (how, code) in itertools.product(marks, ends, saves, quoting.items()):
        text = written(TABLE, separator=mark, quoting=code, end=end)
        yield f"{mark!r} {end!r} {save} quotes {how}", text.encode(save), {}, TABLE
    for mark, end in itertools.product(marks, ends):
        bare = "".join(mark.join(row) + end for row in words)
        yield f"{mark!r} {end!r} no quotes", bare.encode(), {}, words
        yield f"{mark!r} {end!r} no last end", bare.removesuffix(end).encode(), {}, words
        yield f"{mark!r} {end!r} blank lines after", (bare + end * 3).encode(), {}, words
        for save in ("latin-1", "cp1252", "mac_roman", "utf-16-le", "utf-16-be"):
            yield f"{mark!r} {end!r} {save}", bare.encode(save), {"encoding": save}, words
    for mark in marks:
        broad = [[f"p{k}" for k in range(200)], *[[str((n * k) % 7) for k in range(200)] for n in range(8)]]
        yield f"{mark!r} 200 columns", written(broad, separator=mark).encode(), {}, broad
        one = [["folio"], *[[f"F{n:03d}"] for n in range(20)]]
        yield f"{mark!r} one column", written(one, separator=mark).encode(), {}, one
        said = [["comentario"], *[[f"muy bueno{mark} gracias {n}"] for n in range(20)]]
        yield f"{mark!r} one column of sentences", written(said, separator=mark).encode(), {}, said
        index = [["", "a", "b"], *[[str(n), f"x{n}", str(n * n)] for n in range(20)]]
        yield f"{mark!r} a column of row numbers", written(index, separator=mark).encode(), {}, [["column 1", "a", "b"], *index[1:]]  # fmt: skip
        years = [
            ["país", "2019", "2020", "total"],
            *[[f"P{n}", str(n), str(2 * n), str(3 * n)] for n in range(9)],
        ]
        yield f"{mark!r} names that are years", written(years, separator=mark).encode(), {}, years
        few = [["id", "nota"], ["a", "7"]]
        yield f"{mark!r} one row", written(few, separator=mark).encode(), {}, few
        gaps = [
            ["id", "p1", "p2", "p3"],
            *[[f"r{n}", "", "", str(n % 5) if n % 4 == 0 else ""] for n in range(30)],
        ]
        yield f"{mark!r} mostly empty", written(gaps, separator=mark).encode(), {}, gaps
        inches = [["sku", "texto", "largo"], *[[f"s{n}", f'tubo de {n}" x 2"', str(n)] for n in range(20)]]
        bare = "".join(mark.join(row) + "\n" for row in inches)
        yield f"{mark!r} inches, never quoted", bare.encode(), {}, inches
        missing = [["id", "a", "b"], ["r0", "NA", "NA"], *[[f"r{n}", str(n), str(-n)] for n in range(1, 30)], ["r30", "", ""]]  # fmt: skip
        yield f"{mark!r} missing codes in the first and last row", written(missing, separator=mark).encode(), {}, missing  # fmt: skip
        euro = [["id", "monto"], *[[f"r{n}", f"1.{n:03d},50"] for n in range(30)]]
        how = {"decimal": ",", "thousands": "."}
        yield f"{mark!r} decimal commas", written(euro, separator=mark).encode(), how, euro
        ticked = [["id", "Netflix", "Disney", "HBO"], *[[f"r{n}", *(each if (n + k) % 3 else "" for k, each in enumerate(["Netflix", "Disney", "HBO"]))] for n in range(30)]]  # fmt: skip
        ticked[0] = ["id", "Netflix", "Disney", "otros"]
        yield (
            f"{mark!r} ticked options named as their column",
            written(ticked, separator=mark).encode(),
            {},
            ticked,
        )
        lines = [
            ["id", "texto", "n"],
            *[[f"r{n}", f"uno, {n}\ndos; tres\n\ncuatro", str(n)] for n in range(20)],
        ]
        yield f"{mark!r} texts of several lines", written(lines, separator=mark).encode(), {}, lines
        headed = [["título", "", ""], ["", "", ""], *words]
        yield (
            f"{mark!r} a header further down",
            written(headed, separator=mark).encode(),
            {"header_row": 3},
            words,
        )
    stored = [
        HEADER,
        *[[*row[:3], *(each.replace(".", ",") for each in row[3:5]), *row[5:]] for row in TABLE[1:]],
    ]
    for end, save in itertools.product(ends, ["utf-8", "cp1252"]):
        text = written(stored, separator=";", end=end).encode(save, "replace")
        yield f"Spanish Excel {end!r} {save}", text, {"encoding": save, "decimal": ","}, stored


DIALECTS = list(dialects())


def test_there_are_two_hundred_clean_dialects():
    assert len(DIALECTS) >= 200
    assert len({name for name, *_ in DIALECTS}) == len(DIALECTS)


@pytest.mark.parametrize(("name", "content", "how", "table"), DIALECTS, ids=[name for name, *_ in DIALECTS])
def test_a_clean_file_of_another_dialect_is_read_whole(tmp_path, name, content, how, table):
    assert as_read(tmp_path, content, **how) == grid(table[0], table[1:])
