"""The annex: every number as it is in results.json, typed, with its base; nothing hidden, nothing alive."""

import hashlib
import json
import os
import re
import subprocess
import sys
import zipfile
from collections import Counter
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
import reporting_examples as examples
import volume_examples

from cxlab.analysis.banner import tabulate
from cxlab.analysis.estimates import Result, masked
from cxlab.reporting import html
from cxlab.reporting.annex import annex
from cxlab.reporting.annex.book import Book, lines_in
from cxlab.reporting.annex.plan import planned
from cxlab.reporting.annex.typed import UNSAID, number_format, typed
from cxlab.reporting.bundle import bundle
from cxlab.reporting.volume import Volume
from cxlab.reporting.words import Words

HEAD = 4  # the row of the heads, as Excel counts
PAYLOADS = [
    '=HYPERLINK("https://example.org","x")', "+cmd|' /C calc'!A0", "@SUM(1+1)", "-2+3",
    "<script>alert(1)</script>", "https://example.org/x", "mailto:a@example.org", "'; DROP",
    "\x00\x07\x1bcontrol", "[a]:*?/\\b", "&C&A&F", "history",
]  # fmt: skip


def opened(content):
    return openpyxl.load_workbook(BytesIO(content))


def results_volume(*results, language="en", labels=examples.LABELS, client=volume_examples.CLIENT, **given):
    """A volume of results without figures: fast to make."""
    words = Words(language, labels)
    shown = [examples.shown(masked(each), None, words, k) for k, each in enumerate(results, 1)]
    chapter = volume_examples.chapter("entry", examples.notebook(shown, **given), language, client=client)
    return Volume(study="study", title="A study", client=client, language=language, chapters=(chapter,))


def wide(*, beside="letters"):
    rng = np.random.default_rng(3)
    segment = np.repeat(["home", "premium", "shop", "tiny"], [220, 140, 20, 7])
    table = pd.DataFrame({"segment": segment, "ease": rng.integers(1, 8, len(segment)).astype(float)})
    table.loc[table["segment"] == "premium", "ease"] = rng.integers(5, 8, 140)
    table.attrs["scales"] = {"ease": [1, 7]}
    return tabulate(table, ["ease"], by="segment", beside=beside)


def numbers_of(row):
    return sorted(c.value for c in row if isinstance(c.value, int | float) and not isinstance(c.value, bool))


def told(record):
    """The numbers of a row of results.json that the annex has in the same row."""
    return sorted(
        value
        for column, value in record.items()
        if column not in UNSAID and isinstance(value, int | float) and not isinstance(value, bool)
    )


def sheets(volume):
    """Each sheet of tables with the rows of results.json that it shows."""
    plan, book = planned(volume), opened(annex(volume))
    assert len(book.sheetnames) == 2 + len(plan.sheets)
    for sheet, own in zip(book.worksheets[2:], plan.sheets, strict=True):
        table = own.bundle["tables"][own.table]
        yield sheet, own, [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]


@pytest.mark.parametrize("language", ["es", "en"])
def test_every_number_is_that_of_results_json(language):
    results = [
        examples.scores(), examples.scores(by=False), examples.importance(), examples.retention(3),
        examples.hazards(), examples.league(), examples.priorities(), examples.asymmetry(),
    ]  # fmt: skip
    volume = results_volume(*results, language=language)
    seen = 0
    for sheet, _, records in sheets(volume):
        for k, record in enumerate(records, HEAD + 1):
            found = numbers_of(sheet[k])
            assert found == pytest.approx(told(record), rel=1e-14, abs=0), (sheet.title, record)
            seen += len(found)
    assert seen > 500


def test_a_suppressed_row_has_no_number_and_a_low_base_is_marked():
    volume = results_volume(examples.scores())
    sheet, _, records = next(sheets(volume))
    rows = {sheet.cell(k, 1).value: sheet[k] for k in range(HEAD + 1, HEAD + 1 + len(records))}
    hidden = rows["Magallanes y de la Antártica Chilena"]
    assert numbers_of(hidden) == []
    assert "<10" in [cell.value for cell in hidden]
    low = next(cell for cell in rows["Aysén del General Carlos Ibáñez del Campo"] if cell.value == 24)
    assert low.number_format == '#,##0"†"'
    assert "low base" in [cell.value for cell in rows["Aysén del General Carlos Ibáñez del Campo"]]
    under = " ".join(str(cell.value) for (cell,) in sheet.iter_rows(HEAD + 1, max_col=1) if cell.value)
    assert "Confidence level: 95%" in under
    assert "0a1b2c3d4e5f6a7b (entry, result-1)" in under
    assert "Left out: 42: " in under
    assert "region != 'RM'" in under


@pytest.mark.parametrize("language", ["es", "en"])
def test_numbers_are_shown_as_the_page_prints_them(language):
    volume = results_volume(examples.importance(), examples.scores(), language=language)
    forms = {}
    for sheet, own, records in sheets(volume):
        for name in ("share", "estimate", "conf_low", "n"):
            value = records[0].get(name)
            for cell in sheet[HEAD + 1] if value is not None else ():
                if cell.value == pytest.approx(value, rel=1e-14):
                    forms[own.bundle["kind"], own.table, name] = cell.number_format
    percent = "%" if language == "en" else "\\ %"
    assert (
        forms["Importance", "main", "share"] == forms["Importance", "main", "conf_low"] == f"#,##0{percent}"
    )
    assert forms["Result", "main", "estimate"] == forms["Result", "main", "conf_low"] == "#,##0.0"
    assert forms["Result", "main", "n"] == "#,##0"


@pytest.mark.parametrize("language", ["es", "en"])
def test_the_error_of_a_share_is_a_percentage_with_a_decimal_more(language):
    table = pd.DataFrame(
        {"driver": ["ease"], "share": [0.339], "std_error": [0.0084], "n": [900], "flag": ["ok"]}
    )
    result = Result(table=table, keys=("driver",), estimate_column="share")
    shown = typed(bundle(result, Words(language), id="result-1"), "main", Words(language))
    (line,) = shown.lines
    percent = "%" if language == "en" else "\\ %"
    assert [cell.form for cell in line.cells[1:3]] == [f"#,##0.0{percent}", f"#,##0.00{percent}"]


def test_a_word_that_no_line_holds_takes_several():
    assert lines_in("a few words", 20) == 1
    assert lines_in("a few words", 6) == 2
    assert lines_in("x" * 100, 44) == 3


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize("value", [0.0, 0.339, -0.021, 14.63, -3.0, 61.2, 1204.0, 250000.4])
def test_a_format_is_read_off_what_is_printed(value, language):
    words = Words(language)
    plain = number_format(value, words.number(value, 1), language)
    assert plain == "#,##0.0"
    share = number_format(value, words.percent(value, 1), language)
    assert share.startswith("#,##0.0")
    assert share.endswith("%")
    literal = number_format(value, words.amount(value, "percent", digits=0), language)
    assert literal.startswith("#,##0")
    if value:
        assert number_format(value * 3 + 1, words.number(value, 1), language) is None
    assert number_format(value, "medium", language) is None


@pytest.mark.parametrize("beside", ["letters", "intervals"])
def test_a_banner_is_laid_out_wide_with_typed_numbers(beside):
    volume = results_volume(wide(beside=beside))
    for sheet, own, records in sheets(volume):
        if own.table != "segment":
            continue
        last = next(k for k in range(HEAD + 1, sheet.max_row) if sheet.cell(k, 1).value is None)
        rows = list(sheet.iter_rows(HEAD + 1, last - 1))
        found = Counter(round(n, 9) for row in rows for n in numbers_of(row))
        shown = [r for r in records if r["flag"] != "suppressed"]
        estimates = Counter(round(r["estimate"], 9) for r in shown)
        assert all(found[n] >= count for n, count in estimates.items())
        assert {r["n"] for r in shown} <= set(found)
        texts = [str(c.value) for row in sheet.iter_rows(HEAD, last - 1) for c in row if c.value is not None]
        assert {"Ease", "<10"} <= set(texts)
        if beside == "letters":
            assert any(text == "A" or "A" in text.split() for text in texts)
        else:
            assert {round(r["conf_low"], 9) for r in shown} <= set(found)
        break
    else:
        pytest.fail("no sheet of segments")


def test_contents_lead_to_every_sheet_and_what_is_shown_twice_is_written_once():
    volume = results_volume(examples.scores(), examples.importance(), examples.scores())
    book = opened(annex(volume))
    contents = book.worksheets[0]
    links = [cell.hyperlink.location for row in contents.iter_rows() for cell in row if cell.hyperlink]
    named = {re.fullmatch(r"'(.+)'!A1", link)[1] for link in links}
    assert named == set(book.sheetnames[1:])
    assert len(book.sheetnames) == 2 + 3  # scores, tests, importance
    for sheet in book.worksheets[2:]:
        assert sheet.freeze_panes
        assert sheet.auto_filter.ref
        assert sheet.page_setup.orientation == "landscape"
        assert sheet.page_setup.fitToHeight == 0
        assert sheet.print_title_rows == "$4:$4"
    counted = [cell.value for row in contents.iter_rows(9) for cell in row[3:5]]
    assert 2051 in counted
    assert 6 in counted


def hostile():
    """Payloads wherever a text of data or of a client can stand."""
    result = examples.scores()
    table = result.table.assign(region=PAYLOADS[: len(result.table)])
    labels = {
        "columns": {"region": PAYLOADS[0], "nps": PAYLOADS[1]},
        "values": {"region": {PAYLOADS[k]: PAYLOADS[-k] for k in range(6)}},
    }
    claims = [replace(c, fields={**c.fields, "segment": PAYLOADS[0]}) for c in result.claims]
    settings = {**result.settings, "note": PAYLOADS[2], "by": [PAYLOADS[5]]}
    tables = dict.fromkeys((PAYLOADS[9], PAYLOADS[9].upper(), PAYLOADS[10], "history"), table)
    result = replace(result, table=table, claims=tuple(claims), settings=settings, tables=tables)
    client = html.Client(name=PAYLOADS[0] + PAYLOADS[10], labels=labels)
    volume = results_volume(result, labels=labels, client=client, title=PAYLOADS[0])
    for shown in volume.chapters[0].results:
        shown["figure"] = {"title": PAYLOADS[3], "alt": PAYLOADS[4]}
    return replace(volume, title=PAYLOADS[0] + PAYLOADS[4])


def test_nothing_of_the_data_is_a_formula_a_link_or_a_name_that_excel_refuses():
    content = annex(hostile())
    with zipfile.ZipFile(BytesIO(content)) as packed:
        parts = {name: packed.read(name).decode() for name in packed.namelist()}
    assert not [name for name in parts if "external" in name.lower() or "vba" in name.lower()]
    for name, part in parts.items():
        assert "<f>" not in part, name
        assert "TargetMode" not in part, name
        assert not re.search(r'Target="[^"]*:', part) or "schemas" in part, name
        assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", part), name
    book = opened(content)
    assert all(len(name) <= 31 and not re.search(r"[\[\]:*?/\\']", name) for name in book.sheetnames)
    assert len({name.casefold() for name in book.sheetnames}) == len(book.sheetnames)
    assert "history" not in {name.casefold() for name in book.sheetnames}
    for sheet in book.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f"
                assert cell.hyperlink is None or cell.hyperlink.target is None
                if isinstance(cell.value, str) and cell.value.startswith(("=", "+", "-", "@")):
                    assert cell.quotePrefix


def test_names_of_sheets_are_legal_and_their_own():
    book = Book(volume_examples.volume("en"))
    wanted = [
        "a" * 40,
        "A" * 40,
        "x/y:z",
        "'",
        "",
        "History",
        "x y z",
        "Übersicht der sehr langen Namen hier",
    ]
    names = [book.name(each) for each in wanted]
    assert len({name.casefold() for name in names}) == len(wanted)
    assert all(0 < len(name) <= 31 for name in names)
    assert names[2] == "x y z"
    assert names[-1].endswith("…")


@pytest.mark.parametrize("language", ["es", "en"])
def test_findings_have_their_numbers_and_room_to_edit(language):
    volume = volume_examples.volume(language)
    sheet = opened(annex(volume)).worksheets[1]
    rows = [{sheet.cell(HEAD, cell.column).value: cell for cell in row} for row in sheet.iter_rows(HEAD + 1)]
    words = volume.words
    head = {
        name: words(f"annex.findings.{name}")
        for name in ("place", "estimate", "conf_low", "n", "said", "title")
    }
    found = {row[head["place"]].value: row for row in rows}
    claims = [(chapter, stated) for chapter in volume.chapters for stated in chapter.stated]
    for chapter, stated in claims:
        row = found[f"{chapter.entry}/{stated.name}"]
        assert row[head["said"]].value == stated.claim["sentence"]
        for name in ("estimate", "conf_low", "n"):
            value = stated.claim["fields"].get(name)
            assert row[head[name]].value == (pytest.approx(value, rel=1e-14) if value is not None else None)
        assert row[head["said"]].protection.locked
        assert not row[head["title"]].protection.locked
    figures = {f"{c.entry}/{b['id']}" for c in volume.chapters for b in c.results}
    assert figures <= set(found)
    assert sheet.protection.sheet
    assert len(found) == len(claims) + len(figures)


MADE = """
import hashlib
import reporting_examples as examples
from test_reporting_annex import results_volume, wide
from cxlab.reporting.annex import annex
print(hashlib.sha256(annex(results_volume(examples.scores(), wide()))).hexdigest())
"""


def test_the_same_volume_gives_the_same_bytes():
    own = hashlib.sha256(annex(results_volume(examples.scores(), wide()))).hexdigest()
    tests = Path(__file__).parent
    paths = os.pathsep.join([str(tests), str(tests.parent)])
    env = {**os.environ, "PYTHONPATH": paths, "PYTHONHASHSEED": "7", "TZ": "Pacific/Kiritimati"}
    made = subprocess.run([sys.executable, "-c", MADE], env=env, capture_output=True, text=True, check=True)
    assert made.stdout.split()[-1] == own


def test_the_book_says_the_date_of_its_data_and_names_nobody():
    book = opened(annex(volume_examples.volume("en")))
    assert book.properties.created.date().isoformat() == "2025-11-30"
    assert not book.properties.creator
    assert not book.properties.lastModifiedBy
    assert json.dumps(book.sheetnames)[2:10] == "Contents"
