"""Files that count: every case becomes the rows it stands for, and nothing that is no count becomes any."""

from pathlib import Path

import pandas as pd
import pytest

from cxlab.errors import InputError
from cxlab.intake import client
from cxlab.intake.dataset import check, open_dataset
from cxlab.intake.files.delimited import read_delimited
from cxlab.intake.tables.counted import counted

CROSSED = """\
  - file: raw/t.csv
    table: ratings
    counts: {cells: {yes.B: 2, no.B: 1}, across: by_b}
    raters: {A says: A, by_b: B}
    row_id: rated_id
    values: {rating: {yes: 2, no: 1}}
"""
COLUMN = """\
  - file: raw/t.csv
    table: ratings
    counts: {column: how many}
    raters: {one: first, other: second}
    row_id: rated_id
"""
SURVEY = """\
  - file: raw/t.csv
    table: survey_responses
    counts: {column: n}
    row_id: response_id
    scales: {recommend: [0, 10]}
"""


def taken(root, text, source):
    folder = Path(root) / "data" / "acme"
    (folder / "raw").mkdir(parents=True)
    (folder / "raw" / "t.csv").write_text(text, "utf-8")
    (folder / "client.yaml").write_text(f"name: Acme\nlanguage: en\nsources:\n{source}", "utf-8")
    report = check(root, "acme")
    return report, open_dataset(root, "acme")


def refused(root, text, source=COLUMN):
    """What is said of a file whose cases cannot be counted."""
    declared = client.validated(f"name: Acme\nsources:\n{source}".encode(), Path(root)).sources[0]
    with pytest.raises(InputError) as caught:
        counted(declared, read_delimited(text.encode(), file=declared.file))
    return "\n".join([str(caught.value), *map(str, caught.value.problems)])


def pairs(frame):
    """How many cases have each pair of ratings, whoever gave them."""
    wide = frame.pivot(index="rated_id", columns="rater_id", values="rating")
    return pd.Series(list(map(tuple, wide.astype(int).apply(sorted, axis=1)))).value_counts().to_dict()


def test_each_cell_of_a_contingency_table_becomes_one_row_for_each_case_and_rater(tmp_path):
    _, dataset = taken(tmp_path, "A says,yes.B,no.B\nyes,3,1\nno,0,2\n", CROSSED)
    frame = dataset.read("ratings")
    assert len(frame) == 12
    assert frame["rated_id"].nunique() == 6
    assert pairs(frame) == {(2, 2): 3, (1, 2): 1, (1, 1): 2}
    assert frame["rater_id"].nunique() == 2  # pseudonyms
    assert not frame["rater_id"].isin(["A", "B"]).any()


def test_the_ledger_tells_the_rows_made_and_the_lines_they_come_from(tmp_path):
    report, dataset = taken(tmp_path, "A says,yes.B,no.B\nyes,3,1\nno,0,2\n", CROSSED)
    assert report.ledger[["read", "used", "excluded"]].to_numpy().tolist() == [[12, 12, 0]]
    assert "note: raw/t.csv: 2 lines stand for 6 cases: 12 rows" in report.lines("en")
    assert dataset.entry("ratings").sources[0]["how"]["lines"] == "2"
    left = CROSSED + "    exclude: [{where: rating == 1, reason: second choice}]\n"
    report, _ = taken(tmp_path / "again", "A says,yes.B,no.B\nyes,3,1\nno,0,2\n", left)
    assert report.ledger[["read", "used", "excluded"]].iloc[0].tolist() == [12, 7, 5]


def test_a_column_of_counts_and_ratings_in_two_columns(tmp_path):
    text = "one,other,how many\n1,1,2\n1,2,0\n2,,1\n"
    _, dataset = taken(tmp_path, text, COLUMN)
    frame = dataset.read("ratings")
    assert frame["rating"].isna().sum() == 1  # a rater who gave none
    assert frame.groupby("rated_id")["rating"].agg(["size", "sum"]).to_numpy().tolist() == [[2, 2]] * 2 + [
        [2, 2]
    ]


def test_counts_make_rows_of_any_table_and_raters_need_none(tmp_path):
    _, dataset = taken(tmp_path, "recommend,n\n10,40\n8,25\n0,5\n", SURVEY)
    frame = dataset.read("survey_responses")
    assert frame["recommend"].value_counts().to_dict() == {10: 40, 8: 25, 0: 5}
    assert frame["response_id"].is_unique
    plain = COLUMN.replace("    counts: {column: how many}\n", "")
    _, dataset = taken(tmp_path / "plain", "one,other\n1,1\n1,2\n", plain)
    assert pairs(dataset.read("ratings")) == {(1, 1): 1, (1, 2): 1}


@pytest.mark.parametrize(
    ("cell", "found", "action"),
    [
        ("2.5", "'2.5'", "keep shares and weights in a column of their own"),
        ("-1", "'-1'", "nothing can be counted less than 0 times"),
        ("1000001", "'1000001'", "so many are read from a file of one row each"),
        ("9" * 5000, "99999", "so many are read from a file of one row each"),
        ("1e3", "'1e3'", "keep shares and weights"),
        ("some", "'some'", "keep shares and weights"),
        ("", "an empty cell", "write 0 where there are none"),
        ("٣", "'٣'", "keep shares and weights"),
    ],
    ids=["fraction", "negative", "large", "endless", "power", "text", "blank", "digits"],
)
def test_what_is_no_count_is_refused_with_its_line(tmp_path, cell, found, action):
    said = refused(tmp_path, f"one,other,how many\n1,1,2\n1,2,{cell}\n")
    assert found in said
    assert action in said
    assert "raw/t.csv" in said
    assert "column how many" in said
    assert "row 3" in said
    assert "a whole number from 0 to 1000000" in said


def test_all_that_is_no_count_is_told_at_once(tmp_path):
    with pytest.raises(InputError, match="3 problems; nothing was written") as caught:
        taken(tmp_path, "one,other,how many\n1,1,x\n1,2,-2\n2,2,0.5\n", COLUMN)
    assert [problem.row for problem in caught.value.problems] == [2, 3, 4]
    assert not (tmp_path / "data/acme/tables").exists()


def test_a_whole_number_written_with_decimals_is_a_count(tmp_path):
    _, dataset = taken(tmp_path, "one,other,how many\n1,1,2.0\n1,2,03\n", COLUMN)
    assert dataset.read("ratings")["rated_id"].nunique() == 5


@pytest.mark.parametrize(
    ("text", "source", "message"),
    [
        ("one,other,how many\n1,1,0\n", COLUMN, "counts that are all 0"),
        ("one,other,how many\n" + "1,1,1000000\n" * 3, COLUMN, "counts that make 6000000 rows"),
        ("one,other,n\n1,1,1\n", COLUMN, "a name in `counts` that is no column"),
        ("one,x,how many\n1,1,1\n", COLUMN, "a name in `raters` that is no column"),
        ("one,other,how many,rating\n1,1,1,4\n", COLUMN, "is called as one that is made"),
        (
            "one,other,how many\n1,1,1\n",
            COLUMN.replace("table: ratings", "table: interactions"),
            "`raters` for a table without ratings",
        ),
    ],
    ids=["nothing", "flood", "column", "rater", "taken", "table"],
)
def test_a_file_that_counts_nothing_or_otherwise_is_refused(tmp_path, text, source, message):
    assert message in refused(tmp_path, text, source)


@pytest.mark.parametrize(
    ("given", "wanted", "message"),
    [
        ("{column: how many}", "{column: n, cells: {a: 1}, across: x}", "either `column`, or `cells`"),
        ("{column: how many}", "{cells: {a: 1}}", "either `column`, or `cells`"),
        ("{one: first, other: second}", "{one: first}", "two or more"),
        ("{one: first, other: second}", "{one: first, other: first}", "two or more"),
    ],
)
def test_a_declaration_that_cannot_be_meant_is_refused(tmp_path, given, wanted, message):
    declared = f"name: Acme\nsources:\n{COLUMN.replace(given, wanted)}"
    with pytest.raises(InputError) as caught:
        client.validated(declared.encode(), tmp_path)
    assert message in str(caught.value.problems[0])
