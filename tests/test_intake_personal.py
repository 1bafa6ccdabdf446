"""Personal data by column: what only a column can say, and cells emptied where client.yaml asks for it."""

import json

import numpy as np
import pytest
from intake_clients import SURVEY, checked, refused, write_client

from cxlab.intake import dataset
from cxlab.intake.privacy.identifiers import rut_holds
from cxlab.intake.privacy.personal import kinds_in

N = 10_000


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("CXLAB_ID_KEY", "a key for tests only")


def innocent():
    """Columns that look like identifiers and are none: codes, versions, times, money."""
    rng = np.random.default_rng(20261125)

    def digits(low, high):
        return rng.integers(low, high, (N, len(high)))

    def letters(k):
        return ("".join(chr(65 + each) for each in rng.integers(0, 26, k)) for _ in range(N))

    return {
        "versions": [".".join(map(str, each)) for each in digits(0, [6, 20, 30, 9])],
        "browsers": [f"{a}.0.{b}.{c}" for a, b, c in digits(0, [130, 7000, 200])],
        "accounts of a ledger": [".".join(map(str, e)) for e in digits([1, 1, 100, 100], [6, 9, 130, 250])],
        "orders with a suffix": [f"{a}-{b}" for a, b in digits([10**7, 0], [10**8, 10])],
        "orders with a letter": [f"{a}{b}" for a, b in zip(range(10**7, 10**7 + N), letters(1), strict=True)],
        "lots": [
            f"{a}{y:02d}{m:02d}{d:02d}{k:03d}"
            for a, (y, m, d, k) in zip(
                letters(4), digits([0, 1, 1, 0], [25, 13, 29, 1000]), strict=True
            )
        ],
        "Spanish codes": [f"ES{a:02d}{b:010d}{c:010d}" for a, b, c in digits(0, [99, 10**10, 10**10])],
        "times": [f"{h:02d}:{m:02d}:{s:02d}" for h, m, s in digits(0, [24, 60, 60])],
        "devices": [":".join(f"{each:02x}" for each in row) for row in digits(0, [256] * 6)],
        "pesos": [f"{int(each):,}".replace(",", ".") for each in rng.lognormal(16, 4, N)],
        "isbn": [f"978-{a}-{b:05d}-{c:03d}-{d}" for a, b, c, d in digits(0, [9, 10**5, 1000, 10])],
        "prices in words": [
            f"de {a}.{b:03d} a {c}.{d:03d} el {e}/2024" for a, b, c, d, e in digits(1, [99, 999, 99, 999, 12])
        ],
    }  # fmt: skip


@pytest.mark.parametrize("name", innocent())
def test_ten_thousand_values_of_each_innocent_kind_accuse_nobody(name):
    assert kinds_in(list(dict.fromkeys(innocent()[name]))) == {}


def test_a_check_digit_accuses_when_it_holds_oftener_than_by_chance():
    ruts = [f"{body}-{check}" for body in range(7_654_321, 7_654_381) for check in "0123456789K"]
    holding = [each for each in ruts if rut_holds(each)]
    others = [each for each in ruts if not rut_holds(each)]
    assert len(kinds_in(holding)) == len(holding)
    assert len(kinds_in([*holding, *others[: len(holding)]])) == len(holding)
    assert kinds_in(ruts) == {}, "one in eleven holds: these are codes"
    assert kinds_in([*others[:10], holding[0]]) == {10: "RUT"}, "too few to speak of chance"
    assert kinds_in([*ruts, f"mi rut es {holding[0]}"]) == {len(ruts): "RUT"}, "within words it is no code"


def test_a_column_of_addresses_is_known_though_none_alone_would_be():
    inner = [f"10.0.3.{n}" for n in range(5, 250, 5)]
    assert set(kinds_in(inner).values()) == {"IP address"}
    assert kinds_in([f"10.0.3.{n}" for n in range(40)]) == {}
    assert kinds_in(inner[:7]) == {}


COMMENTS = SURVEY + "    names: {Comentario: attr_c}\n    na_reasons: [attr_c]\n"
ROWS = "response_id,recommend,Comentario\n" + "".join(
    f"r{n},{n % 11},{cell}\n"
    for n, cell in enumerate(
        ["bien", "mi rut 12.345.678-5", "", "llamar al +56 9 1234 5678", "bien", "rut 7.654.321-6", "mal"] * 5
    )
)


def emptying(columns):
    return COMMENTS.replace("name: Test", f"name: Test\nprivacy: {{empty_personal: {columns}}}")


@pytest.mark.parametrize("columns", ["[attr_c]", "[Comentario]", '"*"', '["*"]'])
def test_cells_that_look_personal_are_emptied_counted_and_told(tmp_path, columns):
    root = write_client(tmp_path, emptying(columns), {"survey.csv": ROWS})
    report = dataset.check(root, "acme")
    table = dataset.open_dataset(root, "acme").read("survey_responses")
    assert len(table) == 35
    assert table["attr_c"].value_counts().to_dict() == {"bien": 10, "mal": 5}
    assert table["attr_c_na_reason"].value_counts().to_dict() == {"personal": 15, "missing": 5}
    entry = report.tables["survey_responses"]
    assert entry["sources"][0]["emptied"] == {"attr_c": {"RUT": 10, "phone": 5}}
    assert entry["na_reasons"]["attr_c"] == {"blank": 5, "personal": 15}
    assert entry["sources"][0]["excluded"] == {}, "rows stay: cells are emptied"
    said = "\n".join(report.lines("en"))
    assert "raw/survey.csv: 10 cells of attr_c emptied, not stored: they look personal (RUT)" in said
    assert "5 cells of attr_c emptied, not stored: they look personal (phone)" in said
    written = b"".join(path.read_bytes() for path in (root / "data/acme/tables").iterdir())
    assert json.loads((root / "data/acme/tables/tables.json").read_text())["tables"]
    for planted in (b"345.678", b"9 1234", b"654.321"):
        assert planted not in written
        assert planted.decode() not in said


def test_without_it_the_check_stops_by_rule_26(tmp_path):
    root = write_client(tmp_path, COMMENTS, {"survey.csv": ROWS})
    report = dataset.check(root, "acme", strict=False)
    assert [problem.rule for problem in report.problems] == [26, 26]
    assert "`privacy: {empty_personal: [column]}`" in str(report.problems[0])
    other = emptying("[region]").replace("[region]", "[recommend]")
    assert "(RUT)" in refused(tmp_path, other, {"survey.csv": ROWS})


def test_emptying_goes_before_everything_else(tmp_path):
    # A number's column with a phone in it, an expression over it, an exclusion: none sees the cell.
    rows = "response_id,recommend,attr_n\n" + "".join(
        f"{n},5,{'+56 9 1234 5678' if n == 3 else n}\n" for n in range(12)
    )
    declaration = (
        SURVEY.replace("name: Test", "name: Test\nprivacy: {empty_personal: [attr_n]}")
        + "    kinds: {attr_n: number}\n    derive: {attr_twice: attr_n * 2}\n"
    )
    table = checked(tmp_path, declaration, {"survey.csv": rows})
    assert table["attr_n"].isna().tolist() == [n == 3 for n in range(12)]
    assert table["attr_twice"].sum() == 2 * (sum(range(12)) - 3)


def test_a_column_of_bare_phones_is_emptied_whole(tmp_path):
    rng = np.random.default_rng(3)
    phones = rng.integers(910_000_000, 999_999_999, 30)
    rows = "response_id,recommend,attr_p\n" + "".join(f"{n},5,{p}\n" for n, p in enumerate(phones))
    declaration = SURVEY.replace("name: Test", 'name: Test\nprivacy: {empty_personal: "*"}')
    root = write_client(tmp_path, declaration, {"survey.csv": rows})
    report = dataset.check(root, "acme")
    assert report.tables["survey_responses"]["sources"][0]["emptied"] == {"attr_p": {"phone": 30}}
    assert report.tables["survey_responses"]["empty"] == ["attr_p"]


def test_ids_and_cleared_columns_are_never_emptied(tmp_path):
    rows = "response_id,customer_id,recommend,attr_code\n" + "".join(
        f"{n},12.345.678-5,5,7.654.321-6\n" for n in range(9)
    )
    declaration = SURVEY.replace(
        "name: Test", 'name: Test\nprivacy: {empty_personal: "*", not_personal: {attr_code: sample}}'
    )
    table = checked(tmp_path, declaration, {"survey.csv": rows})
    assert table["customer_id"].nunique() == 1
    assert table["customer_id"].notna().all()
    assert (table["attr_code"] == "7.654.321-6").all()


def test_sentences_need_a_reader_even_where_cells_are_emptied(tmp_path):
    said = "La atención fue amable pero tuve que explicar mi problema tres veces a Juan, caso {}"
    rows = "response_id,recommend,verbatim\n" + "".join(f'{n},5,"{said.format(n)}"\n' for n in range(40))
    declaration = SURVEY.replace("name: Test", "name: Test\nprivacy: {empty_personal: [verbatim]}")
    assert "names in them cannot be recognised" in refused(tmp_path, declaration, {"survey.csv": rows})


@pytest.mark.parametrize("key", ["free_text: [atr_c]", "not_personal: {atr_c: x}", "empty_personal: [atr_c]"])
def test_a_name_under_privacy_that_is_no_column_is_told(tmp_path, key):
    declaration = COMMENTS.replace("name: Test", f"name: Test\nprivacy: {{{key}}}")
    said = refused(tmp_path, declaration, {"survey.csv": ROWS.replace("12.345.678-5", "")})
    assert (
        f"client.yaml, column atr_c: found a name in `privacy.{key.split(':')[0]}` that is no column" in said
    )
    assert "did you mean attr_c?" in said
