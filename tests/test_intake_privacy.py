# ruff: noqa: E501  tables of cases: one case to a line
import hmac
import os
import re
import string
import subprocess
import sys
import unicodedata
import zipfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from intake_clients import SURVEY, checked, problems_of, refused, write_client

from cxlab.errors import InputError, WorkbenchError
from cxlab.intake import dataset
from cxlab.intake.privacy import personal
from cxlab.intake.privacy import pseudonyms as privacy
from cxlab.intake.privacy.identifiers import card_holds, curp_holds, dni_holds, identifier, rut_holds


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("CXLAB_ID_KEY", "a key for tests only")


# (text, kind): every one is made up; check digits were worked by hand from the published rules.
IDENTIFIERS = [
    ("ana.perez@example.cl", "e-mail"), ("Ana <ANA_P+x@mail.example.co.uk>", "e-mail"), ("ana (at) example.com", "e-mail"),
    ("ana.perez＠example.cl", "e-mail"), ("12.345.678-5", "RUT"), ("12345678-5", "RUT"), ("mi rut es 12.345.678–5 gracias", "RUT"),
    ("RUT: 123456785", "RUT"), ("7.654.321-6", "RUT"), ("20347878-k", "RUT"), ("１２.３４５.６７８-５", "RUT"),
    ("12345678Z", "DNI/NIE"), ("12.345.678-Z", "DNI/NIE"), ("NIE X1234567L", "DNI/NIE"), ("y-1234567-x", "DNI/NIE"),
    ("HEGG560427MVZRRL04", "CURP"), ("curp hegg560427mvzrrl04.", "CURP"),
    ("4111 1111 1111 1111", "card"), ("pagué con 5500-0000-0000-0004", "card"), ("378282246310005 amex", "card"),
    ("+56 9 1234 5678", "phone"), ("+56912345678", "phone"), ("9 1234 5678", "phone"), ("llámame al 912345678", "phone"),
    ("(2) 2345 6789", "phone"), ("+34 612 345 678", "phone"), ("612 345 678", "phone"), ("91-234-56-78", None),
    ("+52 55 1234 5678", "phone"), ("55 1234 5678", "phone"), ("(998) 123-4567", "phone"), ("tel 5512345678", "phone"),
    ("+1 (415) 555-2671", "phone"), ("0034 612345678", "phone"), ("Fono: 22345678", "phone"), ("whatsapp es 56912345678", "phone"),
    ("ana[arroba]example.cl", "e-mail"), ("ana arroba example punto cl", "e-mail"), ("ana@example,com", "e-mail"),
    ("_12.345.678-5_", "RUT"), ("mi rut es12.345.678-5", "RUT"), ("**12345678Z**", "DNI/NIE"),
    ("`4111 1111 1111 1111`", "card"), ("escurp:HEGG560427MVZRRL04", "CURP"), ("a:612 345 678", "phone"),
    ("ES91 2100 0418 4502 0005 1332", "IBAN"), ("mi cuenta de89370400440532013000 gracias", "IBAN"), ("GB82-WEST-1234-5698-7654-32", "IBAN"),
    ("GODE561231GR8", "RFC"), ("rfc: gode-561231-gr8", "RFC"), ("123-45-6789", "SSN"), ("SSN is 123456789", "SSN"),
    ("pasaporte N° F1234567", "passport"), ("passport number: 123456789", "passport"), ("190.45.123.118", "IP address"),
    ("mi ip es 10.0.0.1", "IP address"), ("2001:db8:85a3::8a2e:370:7334", "IP address"), ("desde 192.168.100.20:8080", "IP address"),
    ("55 1234 5678/otro", "phone"), ("9.1234.5678", "phone"), ("+56 9 2012 1234", "phone"), ("mi dato es 612345678", "phone"),
]  # fmt: skip
HARMLESS = [
    "12.345.678-6", "12345678A", "X1234567A", "HEGG560427MVZRRL05", "4111 1111 1111 1112", "2024-05-12", "12-05-2024 10:30",
    "2024-01-02 10:00:00", "10 - Muy probable", "7,5", "1.234.567,89", "$ 1.234.567", "1,234,567.89", "85 %", "2023-2024",
    "9:00-18:00", "@", "a@b", "Región 12", "Q2 2025", "ISO 9001", "123456", "10.5.2.1", "UF 34.567,12", "0.9123456789",
    "Fibra 600/600 megas", "2019 2020 2021", "B-612", "1 2 3 4 5 6 7 8", "Plan 5G 30 GB", "lat -33.4489 lon -70.6693",
    "12/31/1899 09:30:00 AM", "3-4 veces", "<script>alert(1)</script>", "=cmd|' /C calc'!A0", "A380-800", "000000000",
    "90612-1862", "00624-6900", "+8984201.59", "1 772 884 874", "ticket 725326334", "pedido: 612345678", "N° 912345678",
    "ES92 2100 0418 4502 0005 1332", "XX91 2100 0418 4502 0005 1332", "GODE561231GR9", "XAXX010101000", "000-12-3456", "123-00-6789",
    "1.2.3.4", "v10.2.3.4", "versión 1.12.130.2", "1.1.101.120", "300.45.123.118", "190.045.123.118", "10:30:00:12", "00:1A:2B:3C:4D:5E",
    "std::vector", "pasaporte vencido", "00559374-9685-631b-63d0-f8b1d32f50c4", "127.0.0.1", "978-3-16148-410-0",
    "904716393 CLP", "$612345678", "EAN 4571122626266", "ORD_12345678_5", "shop.cl/p/612345678", "@usuario,hola",
]  # fmt: skip


@pytest.mark.parametrize(("text", "kind"), IDENTIFIERS)
def test_identifiers_are_known_by_their_writing_and_check_digits(text, kind):
    assert identifier(text) == kind
    assert identifier(f"Hola, {text}") in (kind, kind or "phone")


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_identifier_is_left_alone(text):
    assert identifier(text) is None


@settings(max_examples=25, derandomize=True)
@given(st.integers(1_000_000, 29_999_999))
def test_exactly_one_check_digit_of_a_rut_holds(body):
    if len(set(str(body))) > 1:
        assert sum(rut_holds(f"{body}-{check}") for check in "0123456789K") == 1
    assert sum(dni_holds(f"{body:08d}{letter}") for letter in string.ascii_uppercase) == 1
    assert sum(card_holds(f"4{body:014d}{check}") for check in string.digits) == 1


def test_a_changed_digit_breaks_the_check():
    card, curp = "4111111111111111", "HEGG560427MVZRRL04"
    for at in range(1, 16):
        assert not card_holds(card[:at] + str((int(card[at]) + 1) % 10) + card[at + 1 :])
    for at in (4, 5, 6, 7, 9):  # the weight of the ninth is 10: the digit there is not guarded
        assert not curp_holds(curp[:at] + str((int(curp[at]) + 1) % 10) + curp[at + 1 :])


def scanned(column):
    frame = pd.DataFrame({"attr_x": column})
    return personal.scan(frame, file="f.csv", lines=np.arange(2, len(frame) + 2), headers={"attr_x": "X"})


def plain_columns(n=10_000):
    """Columns of numbers, dates and codes as clients send them; none identifies anyone."""
    rng = np.random.default_rng(20261122)
    amounts = rng.lognormal(11, 2, n)
    days = pd.to_datetime("2020-01-01") + pd.to_timedelta(rng.integers(0, 2000, n), unit="D")
    grouped = [f"{int(x):,}".replace(",", ".") for x in amounts]
    return {
        "amounts": amounts.round(2),
        "whole amounts": rng.integers(0, 10**9, n).astype(float),
        "large amounts": rng.integers(10**8, 10**10, n).astype(float),
        "sequential ids": np.arange(900_000_000, 900_000_000 + n).astype(float) * 3,
        "long ids": rng.integers(10**13, 10**15, n).astype(float),
        "scores": rng.integers(0, 11, n).astype(float),
        "amounts as text": [f"{x:.2f}" for x in amounts],
        "grouped amounts": grouped,
        "grouped amounts with decimals": [f"{x},5" for x in grouped],
        "dollars": [f"$ {x:,.2f}" for x in amounts],
        "dates": days,
        "dates as text": [f"{day:%d-%m-%Y}" for day in days],
        "moments as text": [f"{day:%Y-%m-%d} 10:{k % 60:02d}:00" for k, day in enumerate(days)],
        "periods": [f"{day:%Y-%m}" for day in days],
        "order numbers": [f"{x}" for x in rng.integers(10**8, 10**10, n)],
        "sixteen digits": [f"{x}" for x in rng.integers(10**15, 10**16, n)],
        "lettered codes": [f"AB-{x}" for x in rng.integers(10**4, 10**7, n)],
        "decimals": [f"{x:.10f}" for x in rng.random(n)],
        "ranges": [f"{a}-{a + 10}" for a in rng.integers(0, 90, n)],
    }


@pytest.mark.parametrize("name", plain_columns(1))
def test_no_false_alarm_in_ten_thousand_plain_values(name):
    assert scanned(plain_columns()[name]) == []


def test_columns_of_bare_identifiers_are_known_together():
    rng = np.random.default_rng(5)
    bodies = rng.integers(5_000_000, 25_000_000, 300)
    checks = {digit: digit for digit in "0123456789"}
    ruts = [float(f"{b}{c}") for b in bodies for c in checks if rut_holds(f"{b}-{c}")]
    assert "(RUT)" in str(scanned(ruts)[0])
    assert "(phone)" in str(scanned([float(x) for x in rng.integers(900_000_000, 999_999_999, 300)])[0])
    assert "(phone)" in str(scanned([f"569{x}" for x in rng.integers(10_000_000, 99_999_999, 300)])[0])
    cards = [
        f"4{x:014d}{c}" for x in rng.integers(0, 10**13, 50) for c in range(10) if card_holds(f"4{x:014d}{c}")
    ]
    assert "(card)" in str(scanned(cards)[0])
    assert "(card)" in str(scanned([*[f"bien {n}" for n in range(20)], "4111111111111111"])[0])


def test_a_problem_says_column_kind_row_and_count_and_never_the_value(tmp_path):
    rows = "response_id,recommend,Comentario\n" + "".join(
        f"{n},5,{'mi rut 12.345.678-5' if n in (7, 9) else 'bien'}\n" for n in range(20)
    )
    declaration = SURVEY + "    names: {Comentario: attr_c}\n"
    text = refused(tmp_path, declaration, {"survey.csv": rows})
    assert (
        "raw/survey.csv, row 9, column Comentario: found what looks like personal data (RUT) (2 rows)" in text
    )
    assert "not_personal: {column: reason}" in text
    assert "345" not in text
    cleared = declaration.replace(
        "name: Test", "name: Test\nprivacy: {not_personal: {attr_c: 'sample codes'}}"
    )
    assert len(checked(tmp_path, cleared, {"survey.csv": rows})) == 20
    dropped = SURVEY + "    drop: [Comentario]\n"
    assert "attr_c" not in checked(tmp_path, dropped, {"survey.csv": rows})


@pytest.mark.parametrize(
    ("declaration", "where"),
    [
        (SURVEY + "labels: {values: {region: {RM: 'ana@example.cl'}}}\n", "client.yaml, column region"),
        (SURVEY + "labels: {columns: {region: 'llamar al +56 9 1234 5678'}}\n", "client.yaml, column region"),
        (SURVEY + "    constants: {attr_c: 'ana@example.cl'}\n", "raw/survey.csv, row 2, column attr_c"),
    ],
)
def test_labels_and_constants_are_looked_at_too(tmp_path, declaration, where):
    text = refused(tmp_path, declaration)
    assert where in text
    assert "example" not in text
    assert "1234" not in text


def test_headers_of_columns_not_used_are_looked_at_too(tmp_path):
    text = refused(tmp_path, SURVEY, {"survey.csv": "response_id,recommend,ana@example.cl,b,c\n1,2,3,4,5\n"})
    assert "personal data (e-mail)" in text
    assert "ana@" not in text


def test_values_in_other_messages_are_masked(tmp_path):
    files = {"survey.csv": "response_id,recommend,customer_id\n1,ana@example.cl,\n2,12.345.678-5,a\n2,77,b\n"}
    text = refused(tmp_path, SURVEY, files)
    assert "a value that is not shown because it may be personal" in text
    assert "found '77'" in text
    assert "ana@" not in text
    assert "345" not in text


def test_sentences_need_a_person_to_have_read_them(tmp_path):
    said = "La atención fue amable pero tuve que explicar mi problema tres veces distintas, caso {}"
    rows = "response_id,recommend,verbatim\n" + "".join(f'{n},5,"{said.format(n)}"\n' for n in range(40))
    assert "list verbatim under `privacy: {free_text: [...]}`" in refused(
        tmp_path, SURVEY, {"survey.csv": rows}
    )
    allowed = SURVEY.replace("name: Test", "name: Test\nprivacy: {free_text: [verbatim]}")
    assert len(checked(tmp_path, allowed, {"survey.csv": rows})) == 40
    planted = rows.replace("caso 7", "mi correo es ana@example.cl")
    assert "personal data (e-mail)" in refused(tmp_path, allowed, {"survey.csv": planted})


def test_ids_leave_as_pseudonyms_that_meet_across_tables(tmp_path):
    declaration = (
        "name: A\nsources:\n  - {file: raw/c.csv, table: customers}\n"
        "  - {file: raw/s.csv, table: survey_responses, scales: {ease: [1, 7]}, ids: [attr_who], names: {who: attr_who}}\n"
    )
    files = {
        "c.csv": "customer_id,duration,event\n12.345.678-5,3,1\n007,4,0\n7,5,1\n",
        "s.csv": "response_id,customer_id,ease,who\nr1,12.345.678-5,3,ana@example.cl\nr2,007,4,\n",
    }
    dataset.check(write_client(tmp_path, declaration, files), "acme")
    data = dataset.open_dataset(tmp_path, "acme")
    customers, surveys = data.read("customers"), data.read("survey_responses")
    assert surveys["customer_id"].tolist() == customers["customer_id"].tolist()[:2]
    assert customers["customer_id"].nunique() == 3
    assert all(
        re.fullmatch("[a-p]{20}", each) for each in [*customers["customer_id"], *surveys["response_id"]]
    )
    assert surveys["attr_who"].isna().tolist() == [False, True]
    written = b"".join(path.read_bytes() for path in (tmp_path / "data/acme/tables").iterdir())
    for planted in (b"345.678", b"ana@", b"007"):
        assert planted not in written


def test_another_key_or_client_gives_other_pseudonyms(tmp_path, monkeypatch):
    ids = pd.Series(["a", "b"])
    first = privacy.pseudonyms(ids, privacy.client_key("acme"))
    assert privacy.pseudonyms(ids, privacy.client_key("acme")).equals(first)
    assert not privacy.pseudonyms(ids, privacy.client_key("other")).equals(first)
    monkeypatch.setenv("CXLAB_ID_KEY", "another long enough key")
    assert not privacy.pseudonyms(ids, privacy.client_key("acme")).equals(first)
    monkeypatch.setenv("CXLAB_ID_KEY", "short")
    with pytest.raises(InputError, match="CXLAB_ID_KEY has 5 characters; at least 16"):
        privacy.client_key("acme")


@pytest.fixture
def own_key(tmp_path, monkeypatch):
    monkeypatch.delenv("CXLAB_ID_KEY")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "cxlab" / "keys" / "acme.key"


def test_a_key_is_made_once_for_its_owner_only(own_key, tmp_path):
    first = privacy.client_key("acme", outside=tmp_path / "project")
    assert own_key.is_file()
    assert privacy.client_key("acme") == first
    assert list(own_key.parent.iterdir()) == [own_key]
    if os.name == "posix":
        assert own_key.stat().st_mode & 0o077 == 0
        own_key.chmod(0o644)
        with pytest.raises(InputError, match="can be read by others; close it with chmod 600"):
            privacy.client_key("acme")
        own_key.chmod(0o600)
    own_key.write_text("zz")
    with pytest.raises(InputError, match="is not a key; put back its copy"):
        privacy.client_key("acme")


def test_a_key_never_lies_inside_the_project(own_key, tmp_path):
    with pytest.raises(InputError, match="would be inside the project; set CXLAB_ID_KEY"):
        privacy.client_key("acme", outside=tmp_path)


def test_a_home_that_cannot_be_written_asks_for_the_variable(own_key, tmp_path):
    (tmp_path / "config").write_text("a file, not a folder")
    with pytest.raises(WorkbenchError, match="set CXLAB_ID_KEY instead"):
        privacy.client_key("acme")


def test_two_processes_that_start_at_once_end_with_one_key(own_key):
    code = "from cxlab.intake.privacy.pseudonyms import client_key; print(client_key('acme').hex())"
    runs = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    assert len({run.communicate()[0] for run in runs}) == 1


def test_a_failed_check_keeps_no_trace_of_the_rows(tmp_path):
    root = write_client(tmp_path, SURVEY, {"survey.csv": "response_id,recommend\n1,ana@example.cl\n"})
    problems_of(root)
    written = sorted(path.name for path in (root / "data/acme").iterdir())
    assert written == ["client.yaml", "raw", "revision.xlsx"]
    with zipfile.ZipFile(root / "data/acme/revision.xlsx") as parts:
        assert not any(b"ana@" in parts.read(name) for name in parts.namelist())


def test_dashes_around_a_whole_cell_hide_nothing():
    assert identifier("-12.345.678-5-") == "RUT"


def test_amounts_with_blanks_for_thousands_are_no_phones():
    rng = np.random.default_rng(7)
    amounts = [f"{x:,}".replace(",", " ") for x in rng.lognormal(17, 3, 2000).astype(int)]
    assert scanned([*amounts, "612 345 678"]) == []
    phones = [f"6{a:02d} {b:03d} {c:03d}" for a, b, c in rng.integers(0, [100, 1000, 1000], (30, 3))]
    assert "(phone)" in str(scanned(phones)[0])
    assert "(phone)" in str(scanned(["bien", "mal", "612 345 678"])[0])


@pytest.mark.parametrize(
    "secret", ["ana@example.cl", "+56 9 1234 5678", "12.345.678-5", "HEGG560427MVZRRL04"]
)
@pytest.mark.parametrize(
    "line",
    [
        "name: 'Pedido de {}'",
        "    exclude: [{{where: 'recommend == 0', reason: 'lo pidió {}'}}]",
        "    '{}': 1",
        "    decimal: '{}'",
        "    constants: {{attr_x: '{}'}}",
        "labels: {{columns: {{recommend: 'nota de {}'}}}}",
    ],
    ids=["name", "reason", "unknown key", "wrong value", "constant", "label"],
)
def test_what_client_yaml_says_of_a_person_is_refused_and_not_repeated(tmp_path, line, secret):
    declaration = SURVEY.replace("name: Test", line) if line.startswith("name") else SURVEY + line
    text = refused(tmp_path, declaration.replace(line, line.format(secret)))
    assert secret not in text
    assert "personal" in text


def test_pseudonyms_are_hmac_sha256():
    for key in (b"k" * 16, b"k" * 64, b"k" * 65):
        ids = ["007", "n\u0303a", "12.345.678-5"]
        said = [
            hmac.new(key, unicodedata.normalize("NFC", each).encode(), "sha256").hexdigest() for each in ids
        ]
        letters = str.maketrans("0123456789abcdef", "abcdefghijklmnop")
        assert privacy.pseudonyms(pd.Series(ids), key).tolist() == [
            each[:20].translate(letters) for each in said
        ]
