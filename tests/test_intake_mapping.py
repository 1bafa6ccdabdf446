# ruff: noqa: E501  tables of cases: one case to a line
import io

import numpy as np
import pandas as pd
import pyreadstat
import pytest
from intake_clients import SURVEY, checked, refused, write_client

from cxlab.intake import dataset
from cxlab.intake.tables.cells import Marks, inferred, number, plain, typed
from cxlab.periods import begun, completed


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("CXLAB_ID_KEY", "a key for tests only")


HEAD = "name: Test\nsources:\n  - file: raw/survey.csv\n    table: survey_responses\n    scales: {recommend: [0, 10]}\n"


def survey(cells, header="x", extra="", rows=40, **how):
    """Return (declaration, files) of a survey whose column `header` has these first cells."""
    column = [*cells, *[cells[0]] * (rows - len(cells))]
    text = f"response_id;recommend;{header}\n" + "".join(
        f"r{n};{n % 11};{cell}\n" for n, cell in enumerate(column)
    )
    return HEAD + extra, {"survey.csv": text}


def test_names_drop_constants_and_what_is_left_over(tmp_path):
    declaration = (
        HEAD
        + "    names: {Q1: attr_food, Folio: response_id}\n    drop: [Nombre]\n    constants: {wave_id: 007}\n"
    )
    text = "Folio,recommend,Q1,Nombre,Otra,attr_b\n" + "".join(
        f"{n},5,{n % 7},Ana,z,{n}\n" for n in range(30)
    )
    frame = checked(tmp_path, declaration, {"survey.csv": text})
    assert list(frame.columns) == ["response_id", "recommend", "attr_food", "attr_b", "wave_id"]
    assert frame["wave_id"].unique().tolist() == ["007"]
    source = dataset.open_dataset(tmp_path, "acme").entry("survey_responses").sources[0]
    assert (source["unmapped"], source["dropped"]) == (["Otra"], ["Nombre"])


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("    names: {Regon: region}\n", "column Regon: found a name in `names` that is no column"),
        ("    names: {X: recomend}\n", "did you mean x?"),
        ("    names: {x: recomend}\n", "found a name very like recommend"),
        ("    names: {x: attr_y, recommend: attr_y}\n", "two columns for attr_y: recommend and x"),
        ("    names: {x: survey_tenure}\n", "a name that intake gives itself"),
        ("    drop: [x]\n    names: {x: attr_x}\n", "a column both named and dropped"),
        ("    missing: {recomend: [1]}\n", "did you mean recommend?"),
        ("    constants: {recommend: 3}\n", "two columns for recommend: recommend and client.yaml"),
        ("    derive: {attr_d: 'recommend +'}\n", "cannot be understood"),
        ("    derive: {attr_d: 'recommendd + 1'}\n", "did you mean recommend?"),
        ("    exclude: [{where: 'recommend == yes', reason: r}]\n", "column yes"),
        ("    exclude: [{where: \"recommend == 'a'\", reason: r}]\n", "which holds numbers"),
        ("    exclude: [{where: 'recommend >= 0', reason: r}]\n", "no row left after the exclusions"),
        ("    names: {x: attr_x}\n    reverse: [attr_x]\n", "a column to reverse without a scale"),
    ],
)
def test_slips_of_the_declaration_are_said(tmp_path, extra, message):
    assert message in refused(tmp_path, *survey(["1", "2"], extra=extra))


def test_codes_recodes_numbers_and_directions(tmp_path):
    extra = (
        "    names: {x: attr_x}\n    scales: {recommend: [0, 10], attr_x: [1, 7]}\n    reverse: [attr_x]\n"
        "    leading_number: [attr_x]\n    missing: {attr_x: {98: dont_know, NR: refused}}\n"
        "    not_applicable: {attr_x: [0]}\n    na_reasons: [attr_x]\n    values: {attr_x: {Mala: 1}}\n"
    )
    declaration, files = survey(["7 - Muy bien", "Mala", "98 - No sabe", "NR", "0", "", " 3 "], extra=extra)
    declaration = declaration.replace("    scales: {recommend: [0, 10]}\n", "", 1)
    frame = checked(tmp_path, declaration, files)
    assert frame["attr_x"].tolist()[:7] == pytest.approx(
        [1, 7, np.nan, np.nan, np.nan, np.nan, 5], nan_ok=True
    )
    reasons = frame["attr_x_na_reason"].tolist()[:7]
    assert reasons == [None, None, "dont_know", "refused", "not_applicable", "missing", None]
    entry = dataset.open_dataset(tmp_path, "acme").entry("survey_responses")
    assert entry.na_reasons["attr_x"] == {"blank": 1, "dont_know": 1, "not_applicable": 1, "refused": 1}
    assert frame.attrs["scales"] == {"recommend": (0, 10), "attr_x": (1, 7)}


@pytest.mark.parametrize(
    ("cells", "extra", "message"),
    [
        (["1", "2", "N/R"], "", "row 4, column x: found 'N/R'"),
        (["1", "2", "7,5", "8"], "", 'it looks like a decimal ,: declare `decimal: ","`'),
        (["1.234", "12.500", "950"], "", "every . stands before three digits"),
        (["1,234.5", "2", "3"], "", "it looks like thousands marks"),
        (["1", "2", "10 - Muy"], "", "declare `leading_number: [attr_x]`"),
        (["1", "2", " "], "", 'missing: {attr_x: [" "]}'),
        (["1", "2", "99", "3"], "", "found '99'; allowed: values from 1 to 3 like the others"),
        (
            ["1", "2", "99", "3"],
            "    scales: {recommend: [0, 10], attr_x: [1, 7]}\n",
            "found '99'; allowed: 1 to 7",
        ),
        (["$ 1.500", "$ 2.500"], "", "take currency and percent signs out"),
        (["1", "1e400", "3"], "", "found '1e400'"),
        (["1", "inf", "3"], "", "found 'inf'"),
        (
            ["1", "2", "12345678901234567890"],
            "    kinds: {attr_x: number}\n",
            "at most 15 digits in a measure",
        ),
        (["1", "0", "Sí"], "    kinds: {attr_x: flag}\n", "allowed: 0 or 1. recode it: `values: {attr_x:"),
        (["2", "1"], "    kinds: {attr_x: flag}\n", "allowed: 0 or 1"),
        (["bien", "3 mal"], "    leading_number: [attr_x]\n", "a text that starts with a number"),
        (
            ["13/04/2024", "02/03/2024"],
            "    kinds: {attr_x: date}\n",
            'declare `dates: {attr_x: "%d/%m/%Y"}`',
        ),
        (
            ["04/13/2024", "02/03/2024"],
            "    kinds: {attr_x: date}\n",
            'declare `dates: {attr_x: "%m/%d/%Y"}`',
        ),
        (["04/03/2024", "02-03-24"], "    kinds: {attr_x: date}\n", "day and month cannot be told apart"),
        (["45293", "45294"], "    kinds: {attr_x: date}\n", "it looks like an Excel serial number"),
        (["1900-01-01", "2024-01-01"], "", "dates between 1901 and 2198"),
        (["9999-12-31", "2024-01-01"], "", "9999-12-31"),
        (["0000-00-00", "2024-01-01"], "", "0000-00-00"),
        (["2024-01-01T22:30-03:00", "2024-01-01"], "", "declare `timezone:`"),
        (
            ["31-12-2024", "12-31-2024"],
            "    dates: {attr_x: '%d-%m-%Y'}\n",
            "allowed: dates written as %d-%m-%Y",
        ),
        (["31-12-2024", "2024-12-31"], "    dates: {attr_x: '%d-%m-%Y'}\n", "found '2024-12-31'"),
    ],
)
def test_cells_that_do_not_fit_are_named(tmp_path, cells, extra, message):
    declaration, files = survey(cells, extra="    names: {x: attr_x}\n" + extra)
    if "scales" in extra:
        declaration = declaration.replace("    scales: {recommend: [0, 10]}\n", "", 1)
    text = refused(tmp_path, declaration, files)
    assert message in text
    assert "raw/survey.csv, row" in text


def test_each_wrong_text_is_said_once_with_its_first_line_and_count(tmp_path):
    declaration, files = survey(
        ["1", "x", "2", "x", "y", "3"], extra="    names: {x: attr_x}\n    kinds: {attr_x: number}\n"
    )
    text = refused(tmp_path, declaration, files)
    assert "row 3, column x: found 'x' (2 rows)" in text
    assert "row 6, column x: found 'y'; " in text
    many = survey(
        [f"bad{n}" for n in range(40)], extra="    names: {x: attr_x}\n    kinds: {attr_x: number}\n"
    )
    assert "found 20 more values like these (20 rows)" in refused(tmp_path, *many)
    days = survey([f"{n % 28 + 1:02d}-12-2024" for n in range(40)], extra="    names: {x: responded_at}\n")
    text = refused(tmp_path, *days)
    assert text.count("%d-%m-%Y") == 4
    assert "found 25 more values like these (34 rows)" in text


def test_a_file_of_which_nothing_is_mapped_says_what_it_has(tmp_path):
    text = refused(tmp_path, files={"survey.csv": "id,Nota,Otra\n1,5,x\n"})
    assert "no column of survey_responses; it has id, Nota, Otra; allowed: response_id, customer_id" in text
    assert "names: {id: column}" in text


def test_a_header_with_personal_data_is_refused_and_no_header_is_shown(tmp_path):
    text = refused(tmp_path, files={"survey.csv": "Ana Rojas,Nota,ana@example.cl\n1,5,x\n"})
    assert "raw/survey.csv, row 1: found what looks like personal data (e-mail)" in text
    assert "give the line of the names as header_row" in text
    assert "example.cl" not in text
    assert "Rojas" not in text


@pytest.mark.parametrize(
    ("highest", "scale"), [(5, "[1, 5]"), (7, "[1, 7]"), (9.9, "[0, 10]"), (99, "[1, 5]")]
)
def test_the_scale_that_is_proposed_holds_what_was_found(tmp_path, highest, scale):
    rows = f"response_id,overall_sat\nr1,2\nr2,{highest}\n"
    declaration = SURVEY.replace("    scales: {recommend: [0, 10]}\n", "")
    assert f"scales: {{overall_sat: {scale}}}" in refused(tmp_path, declaration, {"survey.csv": rows})


def test_excluded_rows_have_no_problems_and_are_counted(tmp_path):
    extra = (
        "    names: {x: attr_x}\n    kinds: {attr_x: number}\n    missing: {attr_x: [NA]}\n"
        "    exclude:\n      - {where: 'recommend == 3', reason: three}\n      - {where: 'attr_x == None', reason: none}\n"
    )
    declaration, files = survey(["1", "2", "3", "bad", "NA", "5"], extra=extra)
    frame = checked(tmp_path, declaration, files)
    source = dataset.open_dataset(tmp_path, "acme").entry("survey_responses").sources[0]
    assert (source["read"], source["used"], source["excluded"]) == (40, 35, {"three": 4, "none": 1})
    assert len(frame) == 35


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["NA", "None", "null"], ["NA", "None", "null"]),
        (["007", "18", "3"], ["007", "18", "3"]),
        (["<script>alert(1)</script>", "=cmd|' /C calc'!A0", "{{ 7*7 }}"], ["<script>alert(1)</script>", "=cmd|' /C calc'!A0", "{{ 7*7 }}"]),
        (["😀 ok", "\u202eabc\u202c", "O'Higgins \"\"x"], ["😀 ok", "\u202eabc\u202c", "O'Higgins \"\"x"]),
        (["2024-02-29", "2024-03-01"], list(pd.to_datetime(["2024-02-29", "2024-03-01"]))),
        (["1", "2.50", "-3e2"], [1.0, 2.5, -300.0]),
        (["true", "false"], ["true", "false"]),
    ],
)  # fmt: skip
def test_a_column_nobody_declared_says_what_it_is(tmp_path, cells, kind):
    declaration, files = survey(cells, extra="    names: {x: attr_x}\n")
    assert checked(tmp_path, declaration, files)["attr_x"].tolist()[: len(kind)] == kind


def test_decimal_commas_thousands_and_zones(tmp_path):
    extra = "    names: {x: attr_x}\n    decimal: ','\n    thousands: '.'\n"
    assert checked(tmp_path, *survey(["1.234,5", "12.500", "950"], extra=extra))["attr_x"].tolist()[:3] == [
        1234.5,
        12500,
        950,
    ]
    extra = "    names: {x: responded_at}\n    timezone: America/Santiago\n"
    found = checked(tmp_path, *survey(["2024-02-01T01:30Z", "2024-01-31 22:30"], extra=extra))["responded_at"]
    assert found.tolist()[:2] == list(pd.to_datetime(["2024-01-31 22:30", "2024-01-31 22:30"]))
    extra = "    names: {x: responded_at}\n    dates: {responded_at: excel}\n"
    assert (
        str(checked(tmp_path, *survey(["45293", "45294.5"], extra=extra))["responded_at"][1])
        == "2024-01-03 12:00:00"
    )


def test_derived_columns_use_headers_that_are_not_stored(tmp_path):
    declaration = (
        "name: A\nsources:\n  - file: raw/f.csv\n    table: benchmark_responses\n    names: {flights: trials, who: peer_id}\n"
        "    derive: {successes: 'flights - late', attr_rate: 'successes / trials', attr_big: 'trials > 50'}\n"
        "    exclude: [{where: 'trials == None', reason: none}]\n"
    )
    frame = checked(
        tmp_path, declaration, {"f.csv": "who,flights,late\na,100,20\nb,50,5\nc,,\n"}, "benchmark_responses"
    )
    assert frame["successes"].tolist() == [80, 45]
    assert frame["attr_rate"].tolist() == [0.8, 0.9]
    assert frame["attr_big"].tolist() == [1, 0]
    assert "late" not in frame
    zero = declaration.replace("trials > 50", "1 / late")
    assert "a divisor that is never zero" in refused(tmp_path, zero, {"f.csv": "who,flights,late\na,100,0\n"})


def sav(tmp_path, **how):
    frame = pd.DataFrame(
        {"ID": [f"r{n}" for n in range(30)], "P1": [7.0, 99, 3] * 10, "REG": [1.0, 2, 2] * 10}
    )
    labels = {"P1": {7.0: "Muy", 99.0: "NS/NR"}, "REG": {1.0: "Norte", 2.0: "Sur"}}
    pyreadstat.write_sav(frame, tmp_path / "x.sav", variable_value_labels=labels, **how)
    return {"survey.sav": (tmp_path / "x.sav").read_bytes()}


SAV = "name: A\nsources:\n  - file: raw/survey.sav\n    table: survey_responses\n    names: {ID: response_id, P1: ease, REG: region}\n    scales: {ease: [1, 7]}\n"


def test_spss_codes_that_say_no_answer_must_be_declared(tmp_path):
    text = refused(tmp_path, SAV, sav(tmp_path))
    assert "(99 is labelled 'NS/NR')" in text
    assert "missing: {ease: {99: dont_know}}" in text
    frame = checked(tmp_path, SAV, sav(tmp_path, missing_ranges={"P1": [99]}))
    assert frame["ease"].isna().sum() == 10
    assert frame["region"].unique().tolist() == ["1", "2"]
    labels = dataset.open_dataset(tmp_path, "acme").labels_mapping()["values"]
    assert labels["region"]["2"] == {"es": "Sur", "en": "Sur"}


def test_spss_labels_may_take_the_place_of_codes_and_be_recoded(tmp_path):
    declaration = (
        SAV + "    missing: {ease: [99]}\n    value_labels: [region]\n    values: {region: {Norte: N}}\n"
    )
    assert checked(tmp_path, declaration, sav(tmp_path))["region"].unique().tolist() == ["N", "Sur"]


def test_excel_numbers_of_ids_have_no_decimals(tmp_path):
    sink = io.BytesIO()
    pd.DataFrame(
        {"response_id": [1.0, 2.0, 10.0], "recommend": [1, 2, 3], "attr_seg": [1.0, 2.0, 1.0]}
    ).to_excel(sink, index=False)
    declaration = HEAD.replace("survey.csv", "s.xlsx") + "    kinds: {attr_seg: category}\n"
    same = HEAD + "    kinds: {attr_seg: category}\n"
    from_excel = checked(tmp_path, declaration, {"s.xlsx": sink.getvalue()})
    from_text = checked(
        tmp_path, same, {"survey.csv": "response_id,recommend,attr_seg\n1,1,1\n2,2,2\n10,3,1\n"}
    )
    pd.testing.assert_frame_equal(from_excel, from_text)


def test_months_run_in_intervals_closed_on_the_right():
    start = pd.to_datetime(pd.Series(["2024-01-31"] * 6))
    end = pd.to_datetime(
        pd.Series(["2024-01-31", "2024-02-01", "2024-02-29", "2024-03-01", "2024-03-31", None])
    )
    assert begun(start, end).tolist()[:5] == [1, 1, 1, 2, 2]
    assert completed(start, end).tolist()[:5] == [0, 0, 1, 1, 2]
    assert np.isnan(begun(start, end)[5])


CUSTOMERS = (
    "name: A\ndata_date: 2025-06-30\nsources:\n  - file: raw/c.csv\n    table: customers\n    constants: {observation_end: 2025-06-30}\n"
    "  - file: raw/s.csv\n    table: survey_responses\n    scales: {ease: [1, 7]}\n"
)


def test_the_last_survey_before_exit_is_joined(tmp_path):
    customers = "customer_id,start_date,end_date,attr_a\na,2024-01-15,2024-06-15,1\nb,2024-01-15,,2\nc,2025-06-01,,3\nd,2024-01-01,2024-02-01,4\n"
    surveys = (
        "response_id,customer_id,responded_at,ease,attr_a,attr_b\n1,a,2024-02-20,1,9,10\n2,a,2024-04-20,2,9,11\n3,a,2024-06-15,3,9,12\n"
        "4,b,2024-01-14,4,9,13\n5,b,2025-06-29,5,9,14\n6,zz,2024-06-14,6,9,15\n7,,2024-06-14,7,9,16\n8,c,2025-06-30,7,9,17\n"
    )
    frame = checked(tmp_path, CUSTOMERS, {"c.csv": customers, "s.csv": surveys}, "customers")
    assert frame["duration"].tolist() == [5, 18, 1, 1]
    assert frame["event"].tolist() == [1, 0, 0, 1]
    assert frame["ease"].tolist()[:2] == [2, 5]
    assert frame["ease"].isna().tolist()[2:] == [True, True]
    # Months reached at the answer; b answered in the last month seen.
    assert frame["survey_tenure"][0] == 4
    assert frame["survey_tenure"].isna().tolist()[1:] == [True, True, True]
    assert frame["attr_a"].tolist() == [1, 2, 3, 4]
    assert frame["attr_b"].tolist()[:2] == [11, 14]
    assert frame.attrs["scales"] == {"ease": (1, 7)}
    entry = dataset.open_dataset(tmp_path, "acme").entry("customers")
    match = entry.survey_match
    assert (match["responses"], match["with_customer"], match["matched"], match["outside"]) == (8, 7, 6, 3)
    assert match["rate"] == pytest.approx(6 / 7)
    assert (match["customers"], match["with_survey"]) == (4, 2)


def test_without_dates_nothing_is_joined_and_it_is_said(tmp_path):
    declaration = CUSTOMERS.replace("    constants: {observation_end: 2025-06-30}\n", "")
    files = {
        "c.csv": "customer_id,duration,event\na,5,1\nb,6,0\n",
        "s.csv": "response_id,customer_id,ease\n1,a,3\n2,b,4\n",
    }
    report = dataset.check(write_client(tmp_path, declaration, files), "acme")
    assert "surveys were not joined to customers: no start_date, observation_end, responded_at" in [
        str(n) for n in report.notes
    ]
    assert "ease" not in dataset.open_dataset(tmp_path, "acme").read("customers")


def test_without_an_exit_nobody_has_left_and_it_is_said(tmp_path):
    files = {
        "c.csv": "customer_id,start_date\na,2024-01-01\nb,2024-01-01\n",
        "s.csv": "response_id,ease\n1,3\n2,4\n",
    }
    report = dataset.check(write_client(tmp_path, CUSTOMERS, files), "acme")
    assert any("nobody is recorded as having left" in str(note) for note in report.notes)
    assert dataset.open_dataset(tmp_path, "acme").read("customers")["event"].tolist() == [0, 0]


def test_cells_alone():
    assert number("+1234.5", Marks()) == 1234.5
    assert number("１２", Marks()) is None
    assert number("1_000", Marks()) is None
    assert number("0x10", Marks()) is None
    assert plain("99.0", Marks()) == "99"
    assert plain("099", Marks()) == "99"
    assert inferred({"1": 4, "2+": 1}, Marks()) == "number"
    assert inferred({"1": 3, "2+": 2}, Marks()) == "text"
    assert typed(["7.3999999999999995"], "number", Marks(typed=True)).values.tolist() == [7.3999999999999995]
    assert inferred({"7.3999999999999995": 1}, Marks(typed=True)) == "number"
