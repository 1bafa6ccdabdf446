"""What a check keeps of each file for the next wave: questions, labels, answers; never who answered."""

import json
import re

import pandas as pd
import pyreadstat
from intake_clients import write_client

from cxlab.intake import dataset
from cxlab.intake.client import load
from cxlab.intake.tables.codebooks import declared, recorded

DECLARED = """
name: Test
privacy: {free_text: [verbatim]}
sources:
  - file: raw/survey.csv
    table: survey_responses
    names: {Folio: response_id, RUT: customer_id, Zona: region, P1: ease, Precio: attr_price, Tipo: attr_kind,
            Texto: verbatim, Correo: attr_mail, Dia: responded_at}
    ids: [attr_mail]
    scales: {ease: [1, 7]}
    missing: {ease: {99: dont_know}}
    kinds: {attr_kind: category, attr_price: number}
    exclude: [{where: "region == 'Prueba'", reason: tests}]
"""
ROWS = "Folio;RUT;Zona;P1;Precio;Tipo;Texto;Correo;Dia;Otra\n" + "".join(
    f"f{n};c{n};{'Sur' if n % 2 else 'Prueba'};{99 if n == 3 else n % 7 + 1};{1000 + n};{n % 3};"
    f"me gusta {n};a{n}@example.cl;2025-06-{n % 28 + 1:02};x\n"
    for n in range(100)
)


def kept(root):
    path = root / "data" / "acme" / "tables" / "tables.json"
    text = path.read_text(encoding="utf-8")
    (source,) = json.loads(text)["tables"]["survey_responses"]["sources"]
    return source, re.sub(r"[0-9a-f]{64}", "", text)  # any three letters stand somewhere in a hash


def test_answers_are_kept_and_who_gave_them_is_not(tmp_path):
    root = write_client(tmp_path, DECLARED, {"survey.csv": ROWS})
    dataset.check(root, "acme")
    source, text = kept(root)
    assert set(source["profile"]) == {"region", "ease", "attr_kind"}  # no id, text, date, measure or address
    assert source["profile"]["region"] == {"Prueba": 50, "Sur": 50}  # also what is excluded: not new later
    assert source["profile"]["ease"]["99"] == 1
    assert not any(each in text for each in ("@example", "me gusta", "c17", "1042"))


def test_labels_and_questions_of_an_spss_file_are_kept(tmp_path):
    path = tmp_path / "s.sav"
    frame = pd.DataFrame({"ID": [f"r{n}" for n in range(30)], "P1": [n % 7 + 1.0 for n in range(30)]})
    asked = {"ID": "Folio", "P1": "¿Fácil?"}
    pyreadstat.write_sav(
        frame, str(path), column_labels=asked, variable_value_labels={"P1": {1: "Nada", 7: "Mucho"}}
    )
    declaration = (
        "name: T\nsources:\n  - {file: raw/s.sav, table: survey_responses, scales: {ease: [1, 7]}, "
        "names: {ID: response_id, P1: ease}}\n"
    )
    root = write_client(tmp_path, declaration, {"s.sav": path.read_bytes()})
    dataset.check(root, "acme")
    source, _ = kept(root)
    assert source["questions"] == {"ease": "¿Fácil?"}
    assert source["value_labels"] == {"ease": {"1": "Nada", "7": "Mucho"}}
    client = load(root / "data" / "acme")
    item = {each.column: each for each in recorded(client.sources[0], source).items}["ease"]
    assert (item.header, item.question, item.scale) == ("P1", "¿Fácil?", (1, 7))
    assert item.points == {1: 5, 2: 5, 3: 4, 4: 4, 5: 4, 6: 4, 7: 4}


def test_a_source_never_checked_is_known_by_its_names(tmp_path):
    root = write_client(tmp_path, DECLARED, {"survey.csv": ROWS})
    book = declared(load(root / "data" / "acme").sources[0])
    item = {each.column: each for each in book.items}["ease"]
    assert (item.header, item.scale, item.no_answer, item.values) == ("P1", (1, 7), {"99"}, {})
