"""Real files end to end: proposed, corrected in the workbook as a person would, confirmed, checked.

Each file says which corrections it needs; everything else stays as it was proposed, and the known facts of
the file must hold. The files are read from the folder that CXLAB_REAL_DATA names.
"""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from openpyxl import load_workbook

from cxlab.intake import dataset
from cxlab.intake.client import load
from cxlab.intake.proposals.confirmation import confirm
from cxlab.intake.proposals.mapping_book import read_as_said, write
from cxlab.intake.proposals.proposal import ROW_LINE
from cxlab.intake.proposals.propose import propose
from tests.intake_clients import write_client

REAL = os.environ.get("CXLAB_REAL_DATA", "")
pytestmark = pytest.mark.skipif(not REAL, reason="needs the real files: CXLAB_REAL_DATA")
EMPTY = "name: Test\nlanguage: {language}\nsources: []\n"


class Book:
    """A mapping.xlsx as a person edits it, counting the rows that are corrected."""

    def __init__(self, path):
        self.path, self.book, self.corrected = path, load_workbook(path), set()

    def _edit(self, sheet, wanted, cells):
        page = self.book[sheet]
        headings = [cell.value for cell in page[1]]
        hit = [
            row
            for row in page.iter_rows(min_row=2)
            if wanted({h: c.value for h, c in zip(headings, row, strict=True)})
        ]
        assert hit, cells
        for row in hit:
            for heading, value in cells.items():
                row[headings.index(heading)].value = value
        return hit

    def column(self, *headers, **cells):
        named = {name.replace("_", " "): value for name, value in cells.items()}
        rows = self._edit("columns", lambda row: row["header"] in headers, named)
        self.corrected |= {row[1].value for row in rows}

    def columns(self, chosen, **cells):
        headers = [row[1].value for row in self.book["columns"].iter_rows(min_row=2) if chosen(row[1].value)]
        self.column(*headers, **cells)

    def values(self, chosen, found, means):
        rows = self._edit(
            "values",
            lambda row: chosen(row["header"]) and str(row["value in the file"]) == found,
            {"means": means},
        )
        self.corrected |= {row[1].value for row in rows}

    def file(self, **cells):
        self._edit(
            "files", lambda row: True, {name.replace("_", " "): value for name, value in cells.items()}
        )

    def save(self):
        self.book.save(self.path)


def mapped(root, file, correct, *, folder="raw", language="en"):
    """Propose, correct, confirm and check one file; return its table and how many rows were right."""
    if not (root / "data/acme").exists():
        write_client(root, EMPTY.format(language=language), {})
    target = root / "data/acme" / folder
    target.mkdir(parents=True, exist_ok=True)
    shutil.copy(Path(REAL) / file, target)
    write(propose(root, "acme"), root / "data/acme/mapping.xlsx")
    return confirmed(root, f"{folder}/{file}", correct)


def confirmed(root, file, correct, said=None):
    """Correct, confirm and check a file that is proposed."""
    (proposed,) = propose(root, "acme", said=said).files
    book = Book(root / "data/acme/mapping.xlsx")
    correct(book)
    book.save()
    outcome = confirm(root, "acme", by="MJ")
    assert outcome.written == (file,)
    assert not outcome.pending
    dataset.check(root, "acme")
    headers = [column.header for column in proposed.columns if column.header != ROW_LINE]
    right = sum(header not in book.corrected for header in headers)
    return dataset.open_dataset(root, "acme").read(proposed.table), right, len(headers)


def nothing(_book):
    """Correct nothing."""


def test_a_qualtrics_export(tmp_path):
    def correct(book):
        book.column("Q1", decision="use", kind="rating", scale_from=1, scale_to=5)
        book.column("Q2", decision="drop")

    frame, right, columns = mapped(tmp_path, "qualtrics_sample.csv", correct)
    assert (len(frame), right, columns) == (1, 18, 20)
    assert frame["status"].tolist() == ["complete"]
    assert frame["mode"].tolist() == ["web"]
    assert str(frame["responded_at"].iloc[0]) == "2017-07-18 08:28:48"
    source = dataset.open_dataset(tmp_path, "acme").client.sources[0]
    assert {"IPAddress", "LocationLatitude", "LocationLongitude"} <= set(source.drop)


def test_an_old_qualtrics_export(tmp_path):
    def correct(book):
        book.column("Q1", decision="use", kind="rating", scale_from=1, scale_to=5)
        book.column("Q2", decision="drop")

    frame, right, columns = mapped(tmp_path, "qualtrics_sample_legacy.csv", correct)
    assert (len(frame), right, columns) == (1, 13, 15)
    assert dataset.open_dataset(tmp_path, "acme").client.sources[0].layout == "qualtrics"


def test_a_survey_of_the_cep_in_latin_1(tmp_path):
    frame, right, columns = mapped(
        tmp_path, "cep84_latin1_puntoycoma.csv", lambda book: book.column("(line of the row)", decision="use")
    )
    assert (len(frame), right, columns) == (1496, 15, 15)
    assert round(frame["weight"].mean(), 6) == 1.0
    firms = next(name for name in frame if "empresas_privadas" in name and not name.endswith("na_reason"))
    # Turned round: Mucha (1) is now 4, Nada (4) is 1.
    assert frame[firms].value_counts().to_dict() == {1: 795, 2: 566, 3: 80, 4: 17}
    assert frame[f"{firms}_na_reason"].value_counts().to_dict() == {"dont_know": 28, "refused": 10}
    assert sorted(frame["attr_ds1_sexo"].unique()) == ["HOMBRE", "MUJER"]


def test_decimal_commas_between_semicolons(tmp_path):
    frame, right, columns = mapped(tmp_path, "semicolon_decimalcomma_tropicbird.csv", nothing)
    assert (frame.shape[0], right, columns) == (2398, 8, 8)
    assert frame["attr_rem"].max() == pytest.approx(5.97757)


def test_an_spss_file_reproduces_its_published_regression(tmp_path):
    frame, right, columns = mapped(tmp_path, "hbat.sav", nothing)
    assert (len(frame), right, columns) == (100, 24, 24)
    names = {name.split("_")[1]: name for name in frame if name.startswith("attr_x")}
    x = frame[[names[each] for each in ("x9", "x6", "x12", "x7", "x11")]].to_numpy(float)
    design = np.column_stack([np.ones(len(x)), x])
    fitted, *_ = np.linalg.lstsq(design, frame["overall_sat"], rcond=None)
    assert fitted.round(3).tolist() == [-1.151, 0.319, 0.369, 0.775, -0.417, 0.174]
    assert sorted(frame[names["x4"]].unique()) == ["Outside North America", "USA/North America"]


def sfo_2016(book):
    def rated(header):
        return header.startswith(("Q7", "Q9")) and not header.startswith(("Q9COM", "Q7COM"))

    book.columns(rated, decision="use", scale_from=1, scale_to=5)
    book.columns(lambda header: header.startswith("Q4"), decision="not use")
    book.values(rated, "0", "no answer")
    book.values(rated, "6", "no answer: does not apply")


def test_an_airport_survey_and_the_next_one(tmp_path):
    frame, right, columns = mapped(tmp_path, "sfo_airport_survey_2016.csv", sfo_2016, folder="raw/2016")
    assert (len(frame), right, columns) == (3087, 72, 97)
    assert frame["overall_sat"].value_counts().sort_index().tolist() == [7, 51, 497, 1633, 731]
    assert frame["overall_sat_na_reason"].value_counts().to_dict() == {"missing": 133, "not_applicable": 35}

    def second(book):
        book.columns(lambda header: header == "NETPRO", decision="use", scale_from=0, scale_to=10)
        book.values(lambda header: header == "NETPRO", "11", "no answer")
        book.column("RESPNUM", decision="not use")  # it repeats that of 2016
        book.column("(line of the row)", decision="use")
        book.column("INTDATE", decision="not use")
        book.column("Q7ALL", decision="use")
        book.values(lambda header: header == "Q7ALL", "Blank", "no answer")
        open_rows = [row[1].value for row in book.book["columns"].iter_rows(min_row=2) if not row[6].value]
        book.column(*open_rows, decision="not use")

    proposal = propose(tmp_path, "acme")
    assert not proposal.files
    both, right, columns = mapped(tmp_path, "sfo_airport_survey_2017.csv", second, folder="raw/2017")
    assert len(both) == 3087 + 2831
    wave = both[both["wave_id"] == "2017"]
    assert len(wave) == 2831
    nps = wave["recommend"].dropna()
    assert len(nps) == 2746
    assert round(100 * ((nps >= 9).mean() - (nps <= 6).mean()), 1) == 39.8
    assert round(wave["overall_sat"].mean(), 3) == 4.064
    assert right >= 70


def test_customers_and_who_left(tmp_path):
    def correct(book):
        book.column("tenure", decision="use")
        book.file(other_keys='exclude: [{where: "duration == 0", reason: "not yet billed"}]')

    frame, right, columns = mapped(tmp_path, "telco_churn_ibm.csv", correct)
    assert (len(frame), right, columns) == (7043 - 11, 20, 21)
    assert int(frame["event"].sum()) == 1869
    assert frame["attr_total_charges"].notna().all()


def test_hospitals_with_answers_not_available(tmp_path):
    def correct(book):
        book.column("Hospital Name", decision="not use")
        book.column("State", decision="use")
        book.columns(lambda header: header.endswith("national comparison"), decision="use")
        book.column("Effectiveness of care national comparison", column_of_the_table="attr_effective_care")

    frame, right, columns = mapped(tmp_path, "cms_hospital_general_information.csv", correct)
    assert (len(frame), right, columns) == (4807, 19, 28)
    assert frame["overall_sat"].value_counts().sort_index().tolist() == [108, 679, 1774, 941, 82]
    assert frame["overall_sat"].isna().sum() == 1223
    felt = frame["attr_patient_experience_national_comparison"]
    assert felt.value_counts().sort_index().tolist() == [1084, 1153, 1217]
    means = frame.groupby("peer_id")["overall_sat"].mean()
    assert round(means["Physician"], 2) == 3.89


def test_an_export_of_surveymonkey_with_several_answers(tmp_path):
    def correct(book):
        book.columns(
            lambda header: header.startswith("Please rank"), decision="use", scale_from=1, scale_to=6
        )
        book.columns(lambda header: header.startswith("Please rank"), direction="less is better")
        book.columns(lambda header: header.startswith("Please state"), decision="use")

    # The encoding is a doubt: a person says mac_roman, and the file is proposed so.
    write_client(tmp_path, EMPTY.format(language="en"), {})
    shutil.copy(Path(REAL) / "surveymonkey_starwars.csv", tmp_path / "data/acme/raw")
    path = tmp_path / "data/acme/mapping.xlsx"
    first = propose(tmp_path, "acme")
    assert first.files[0].confidence < 0.8
    write(first, path)
    book = Book(path)
    book.file(encoding="mac_roman")
    book.save()
    said = read_as_said(path, load(tmp_path / "data/acme"))
    write(propose(tmp_path, "acme", said=said), path, edits="set aside")
    frame, right, columns = confirmed(tmp_path, "raw/surveymonkey_starwars.csv", correct, said)
    assert (len(frame), right, columns) == (1186, 18, 38)
    assert frame["attr_yoda"].max() == 5
    assert "not_applicable" in set(frame["attr_yoda_na_reason"])
    seen = frame["attr_star_wars_episode_v_the_empire_strikes_back"]
    assert int(seen.sum()) == 758
