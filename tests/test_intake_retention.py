"""What data are kept for and until when: a warning, a note, and after the day a refusal."""

from datetime import date

import pytest
from intake_clients import SURVEY, refused, write_client

from cxlab.errors import InputError
from cxlab.intake import dataset
from cxlab.intake.client import load
from cxlab.intake.custody import retention

BARE = SURVEY.replace("purpose: Tests\nretain_until: 2099-12-31\n", "")
EXTENDED = "retain_until: 2025-06-30\nextended: {until: 2025-12-31, reason: ola 2}\n"


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("CXLAB_ID_KEY", "a key for tests only")


def declared(tmp_path, more):
    return load(write_client(tmp_path, BARE + more) / "data/acme")


def test_without_purpose_or_date_the_check_goes_on_and_says_so(tmp_path):
    report = dataset.check(write_client(tmp_path, BARE), "acme")
    assert [each.column for each in report.warnings if each.file == "client.yaml"] == ["purpose"]
    assert any("nothing says when these data are to be deleted" in note for note in report.notes)
    whole = "purpose: To know what customers want.\nretain_until: 2099-12-31\n"
    report = dataset.check(write_client(tmp_path, BARE + whole), "acme")
    assert not [each for each in report.warnings if each.file == "client.yaml"]
    assert not any("retain_until" in note for note in report.notes)


@pytest.mark.parametrize(
    ("more", "today", "refuses"),
    [
        ("retain_until: 2025-06-30\n", date(2025, 6, 30), False),
        ("retain_until: 2025-06-30\n", date(2025, 7, 1), True),
        (EXTENDED, date(2025, 12, 31), False),
        (EXTENDED, date(2026, 1, 1), True),
        ("", date(2999, 1, 1), False),
    ],
)
def test_data_are_used_until_the_last_day_and_no_longer(tmp_path, more, today, refuses):
    client = declared(tmp_path, more)
    if not refuses:
        return retention.refuse_overdue(client, today=today)
    with pytest.raises(InputError, match="its data were to be kept until 2025") as caught:
        retention.refuse_overdue(client, today=today)
    assert "delete them with `cxlab purge acme`" in str(caught.value)
    assert "`extended: {until: YYYY-MM-DD, reason: ...}`" in str(caught.value)


def test_after_the_day_neither_check_nor_notebooks_read_them(tmp_path):
    root = write_client(tmp_path, BARE)
    dataset.check(root, "acme")
    write_client(tmp_path, BARE + "retain_until: 2020-01-31\n")
    for use in (dataset.check, dataset.open_dataset):
        with pytest.raises(InputError, match="its data were to be kept until 2020-01-31"):
            use(root, "acme")


@pytest.mark.parametrize(
    "more", ["extended: {until: 2099-01-01, reason: x}\n", EXTENDED.replace("2025-12-31", "2025-01-01")]
)
def test_an_extension_extends(tmp_path, more):
    assert "a day after `retain_until`" in refused(tmp_path, BARE + more)


def test_an_extension_says_why(tmp_path):
    said = refused(tmp_path, BARE + "retain_until: 2099-01-01\nextended: {until: 2099-06-30}\n")
    assert "column extended.reason" in said


@pytest.mark.parametrize("key", ["purpose", "legal_basis"])
def test_the_purpose_names_no_person(tmp_path, key):
    said = refused(tmp_path, BARE + f"{key}: 'lo pidió ana@example.cl'\n")
    assert f"client.yaml, column {key}: found what looks like personal data (e-mail)" in said
    assert "ana@" not in said
