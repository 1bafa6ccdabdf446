"""300 planted identifiers and 20 secrets: none is found in anything written outside raw/, nor on the terminal."""

# ruff: noqa: E501  edits: one to a line
import io
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import pytest
from canaries import Aviary, Canary, Search, forms, layers
from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.workbook.defined_name import DefinedName

from cxlab import cli

PROJECT = Path(__file__).parents[1]
N = 60

DECLARATION = """
name: Pajarera S.A.
language: es
purpose: Buscar canarios
retain_until: 2099-12-31
privacy: {free_text: [verbatim], empty_personal: [verbatim]}
sources:
  - file: raw/crm.csv
    table: customers
    encoding: latin-1
    separator: ";"
    names: {RUT: customer_id}
    drop: [Correo, Teléfono]
  - file: raw/encuesta.csv
    table: survey_responses
    names: {Folio: response_id, RUT: customer_id, Comentario: verbatim}
    scales: {recommend: [0, 10], ease: [1, 7]}
  - file: raw/panel.sav
    table: survey_responses
    names: {correo: response_id, rut: customer_id, nota: recommend}
    scales: {recommend: [0, 10]}
  - file: raw/reclamos.xlsx
    table: complaints
    sheet: Datos
    names: {Reclamo: complaint_id, RUT: customer_id, Apertura: opened_at}
  - file: raw/gestiones.parquet
    table: interactions
    names: {correo: interaction_id, rut: customer_id, inicio: ts_start}
  - file: raw/pagos.sqlite
    table: complaints
    query: SELECT correo, rut, dia FROM pagos WHERE correo <> $quien
    bind: {quien: nadie}
    names: {correo: complaint_id, rut: customer_id, dia: opened_at}
"""


class Planted:
    """The files of a client, with the canaries in them."""

    def __init__(self) -> None:
        self.birds = Aviary()
        made = self.birds
        self.ruts = [made.rut() for _ in range(N)]
        self.answers = [made.email() for _ in range(20)]
        self.panel = [made.email() for _ in range(12)]
        self.tasks = [made.email() for _ in range(12)]
        self.files = {
            "crm.csv": self.crm().encode("latin-1"),
            "encuesta.csv": self.survey().encode("utf-8"),
            "panel.sav": self.sav(),
            "reclamos.xlsx": self.workbook(),
            "gestiones.parquet": self.parquet(),
            "pagos.sqlite": self.database(),
        }
        self.strays = {
            f"contactos {made.email()}.txt": f"{made.email()}\n".encode(),
            f"{made.rut()}.csv": b"a,b\n1,2\n",
        }
        self.dotenv = f"PGPASSWORD={made.secret()}\nTOKEN={made.secret()}\n"
        self.environment = {"CXLAB_ID_KEY": made.secret(), "PGPASSWORD": made.secret(), "DATABASE_URL": f"postgresql://ana:{made.secret()}@db/crm"}  # fmt: skip

    def crm(self) -> str:
        made = self.birds
        columns = {
            "RUT": self.ruts,
            "Nombre": [made.name() for _ in range(30)],
            "Correo": [made.email() for _ in range(20)],
            "Teléfono": [made.phone() for _ in range(20)],
            "Tarjeta": [made.card() for _ in range(8)],
            "Cuenta": [made.iban() for _ in range(8)],
            "DNI": [made.dni() for _ in range(8)],
            "CURP": [made.curp() for _ in range(8)],
            "RFC": [made.rfc() for _ in range(8)],
            "Pasaporte": [made.passport() for _ in range(4)],
            "SSN": [made.ssn() for _ in range(4)],
            "IP": [made.ip() for _ in range(4)],
            "Clave": [made.secret() for _ in range(6)],
            "Ejecutivo": [made.name() for _ in range(4)],
            "duration": [str(1 + n % 36) for n in range(N)],
            "event": [str(n // 2 % 2) for n in range(N)],
            "region": ["RM" if n % 2 else "V" for n in range(N)],
        }
        return self._csv(columns, ";")

    def survey(self) -> str:
        made = self.birds
        told = [
            f"mi rut es {made.rut()}", f"llámenme al {made.phone()}", f"escriban a {made.email()}", f"tarjeta {made.card()}",
            f"cuenta {made.iban()}", f"dni {made.dni()}", f"CURP {made.curp()}", f"rfc {made.rfc()}", f"entro desde {made.ip()}",
            f"ssn {made.ssn()}", f"pasaporte {made.passport()}", f"{made.rut()}", f"{made.phone()} o {made.email()}",
            f"soy {made.name()}, {made.email()}", "todo bien", "lento", "",
        ]  # fmt: skip
        columns = {
            "Folio": [*self.answers, *(f"r{n}" for n in range(N - 20))],
            "RUT": self.ruts,
            "recommend": [str(n % 11) for n in range(N)],
            "ease": [str(1 + n % 7) for n in range(N)],
            "region": ["RM" if n % 2 else "V" for n in range(N)],
            "Comentario": [f'"{told[n % len(told)]}"' for n in range(N)],
            "Contraseña": [made.secret() for _ in range(4)],
            "Apellidos": [made.name() for _ in range(4)],
        }
        return self._csv(columns, ",")

    @staticmethod
    def _csv(columns, separator) -> str:
        rows = zip(*([*cells, *[""] * (N - len(cells))] for cells in columns.values()), strict=True)
        return "".join(f"{separator.join(row)}\n" for row in [list(columns), *rows])

    def sav(self) -> bytes:
        made = self.birds
        frame = pd.DataFrame(
            {
                "correo": self.panel,
                "rut": self.ruts[:12],
                "nota": [float(n % 11) for n in range(12)],
                "vendedor": [float(1 + n % 4) for n in range(12)],
                "nombre": [made.name() for _ in range(12)],
            }
        )
        path = Path(os.environ["PYTEST_CANARIES"]) / "panel.sav"
        pyreadstat.write_sav(
            frame,
            str(path),
            file_label=made.email(),
            note=f"de {made.name()}, clave {made.secret()}",
            column_labels={
                "vendedor": f"vendedor, llamar al {made.phone()}",
                "nombre": f"como {made.email()}",
            },
            variable_value_labels={
                "vendedor": {1.0: made.email(), 2.0: made.rut(), 3.0: made.name(), 4.0: made.phone()}
            },
        )
        return path.read_bytes()

    def workbook(self) -> bytes:
        made = self.birds
        book = Workbook()
        sheet = book.active
        sheet.title = "Datos"
        sheet.append(["Reclamo", "RUT", "Apertura", "Titular", "Clave"])
        for n in range(12):
            sheet.append(
                [f"q{n}", self.ruts[n], f"2025-01-{n + 1:02d}", made.name(), made.secret() if n < 2 else None]
            )
        sheet["A2"].comment = Comment(f"avisar a {made.email()}", made.name())
        sheet.column_dimensions["E"].hidden = True
        sheet.oddHeader.center.text = f"confidencial de {made.name()}"
        other = book.create_sheet(made.rut())
        other.append([made.name(), made.phone()])
        book.defined_names["dueno"] = DefinedName("dueno", attr_text=f'"{made.email()}"')
        book.properties.creator, book.properties.lastModifiedBy = made.name(), made.email()
        book.properties.keywords, book.properties.description = made.phone(), made.secret()
        sink = io.BytesIO()
        book.save(sink)
        return sink.getvalue()

    def database(self) -> bytes:
        made = self.birds
        path = Path(os.environ["PYTEST_CANARIES"]) / "pagos.sqlite"
        with closing(sqlite3.connect(path)) as base:
            base.execute("CREATE TABLE pagos (correo, rut, dia, tarjeta, clave)")
            rows = [
                (made.email(), self.ruts[n], f"2025-03-{n + 1:02d}", made.card(), made.secret())
                for n in range(4)
            ]
            base.executemany("INSERT INTO pagos VALUES (?, ?, ?, ?, ?)", rows)
            base.commit()
        return path.read_bytes()

    def parquet(self) -> bytes:
        made = self.birds
        frame = pd.DataFrame(
            {
                "correo": self.tasks,
                "rut": self.ruts[:12],
                "inicio": pd.date_range("2025-02-01", periods=12),
                "agente": [made.name() for _ in range(12)],
            }
        )
        table = pa.Table.from_pandas(frame).replace_schema_metadata(
            {"clave": made.secret(), "de": made.email()}
        )
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink)
        return sink.getvalue().to_pybytes()


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_CANARIES", str(tmp_path_factory.mktemp("sav")))
        return Planted()


@pytest.fixture(scope="module")
def search(planted):
    return Search(planted.birds.all)


@pytest.fixture
def bench(tmp_path, planted, monkeypatch):
    return settle(tmp_path / "mesa", planted, monkeypatch)


def settle(root, planted, monkeypatch):
    """Put the planted client on a workbench."""
    raw = root / "data" / "pajarera" / "raw"
    raw.mkdir(parents=True)
    (root / "notebooks").mkdir()
    for name, content in planted.files.items():
        (raw / name).write_bytes(content)
    (raw.parent / "client.yaml").write_text(DECLARATION, encoding="utf-8")
    (raw.parent / ".env").write_text(planted.dotenv, encoding="utf-8")
    for name, value in planted.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CXLAB_LANGUAGE", "es")
    return root


def written(root):
    """Every file under a workbench but those of the client itself."""
    own = root / "data" / "pajarera"
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_relative_to(own / "raw") and path != own / ".env":
            yield path


def leaks(search, root, *said: str):
    """Return where canaries are found: {place: canaries}."""
    found: dict[str, set[Canary]] = {}
    seen: set[bytes] = set()
    for name, content in [
        *((str(p.relative_to(root)), p.read_bytes()) for p in written(root)),
        *((f"terminal {n}", t.encode()) for n, t in enumerate(said)),
    ]:
        for layer in layers(content, name):
            if layer in seen:
                continue
            seen.add(layer)
            for canary in search.found(layer):
                found.setdefault(name, set()).add(canary)
    return found


def cxlab(root, capsys, *arguments):
    """Run a command here; return its exit code and all that it said."""
    try:
        code = cli.main([arguments[0], "--root", str(root), *arguments[1:]])
    except SystemExit as ended:
        code = ended.code
    told = capsys.readouterr()
    return code, told.out + told.err


def has(command):
    return bool(re.search(rf"^ +{command} ", cli._parser().format_help(), re.MULTILINE))


def test_there_are_three_hundred_and_twenty(planted):
    secrets = [each for each in planted.birds.all if each.kind == "secret"]
    assert len(secrets) >= 20
    assert len(planted.birds.all) - len(secrets) >= 300


def test_the_search_finds_what_is_there(planted, search, tmp_path):
    # The control: each canary, planted in plain and in disguise, is found again.
    for canary in planted.birds.all:
        for form in forms(canary):
            assert canary in search.found(f"x{form}y".encode())
            assert canary in search.found(form.encode("utf-16"))
    for name in ("crm.csv", "encuesta.csv", "reclamos.xlsx", "gestiones.parquet"):
        layered = set().union(*(search.found(layer) for layer in layers(planted.files[name], name)))
        assert len(layered) >= 20, name


def test_a_check_that_passes_writes_none(bench, search, capsys):
    code, told = cxlab(bench, capsys, "check", "pajarera")
    assert code == 0, told
    assert (bench / "data/pajarera/tables/tables.json").is_file()
    others = [
        cxlab(bench, capsys, *each)[1] for each in (["register", "pajarera"], ["purge", "pajarera"], ["list"])
    ]
    if has("map"):
        others += [cxlab(bench, capsys, *each)[1] for each in (["describe", "pajarera"], ["map", "pajarera"])]
    assert leaks(search, bench, told, *others) == {}


@pytest.mark.skipif(not has("map"), reason="no cxlab map")
@pytest.mark.parametrize("language", ["es", "en"])
def test_what_map_proposes_and_confirms_holds_none(bench, planted, search, capsys, monkeypatch, language):
    monkeypatch.setenv("CXLAB_LANGUAGE", language)
    own = bench / "data" / "pajarera"
    declared = (
        (own / "client.yaml").read_text(encoding="utf-8").replace("language: es", f"language: {language}")
    )
    (own / "client.yaml").write_text(declared.partition("privacy:")[0], encoding="utf-8")
    said = [cxlab(bench, capsys, "map", "pajarera")]
    assert said[0][0] == 0, said
    assert (own / "mapping.xlsx").is_file()
    commands = (["--confirm"], ["--confirm", "--by", "consultora"], ["--again"])
    said += [cxlab(bench, capsys, "map", "pajarera", *each) for each in commands]
    assert "sources:" in (own / "client.yaml").read_text(encoding="utf-8"), said
    said += [cxlab(bench, capsys, each, "pajarera") for each in ("check", "describe", "register")]
    assert leaks(search, bench, *(text for _, text in said)) == {}


def edited(path, old, new):
    content = path.read_bytes()
    assert old in content, old
    path.write_bytes(content.replace(old, new, 1))


def stop_verbatims(own, _):
    edited(own / "client.yaml", b"{free_text: [verbatim], empty_personal: [verbatim]}", b"{}")


def stop_names(own, _):
    edited(
        own / "client.yaml",
        b"names: {RUT: customer_id}",
        b"names: {RUT: customer_id, Nombre: attr_n, Ejecutivo: attr_e, Clave: attr_c, DNI: attr_d}",
    )


def stop_kinds(own, _):
    edited(
        own / "client.yaml",
        b"names: {RUT: customer_id}",
        b"names: {RUT: duration, duration: customer_id, Correo: start_date, Tarjeta: event}",
    )
    edited(own / "client.yaml", b"drop: [Correo, ", b"drop: [")


def stop_ratings(own, _):
    edited(
        own / "client.yaml", b"RUT: customer_id, Comentario: verbatim", b"RUT: ease, Comentario: recommend"
    )


def stop_enums(own, _):
    edited(own / "client.yaml", b"Comentario: verbatim", b"Comentario: mode")


def stop_labels(own, _):
    edited(
        own / "client.yaml",
        b"nota: recommend}",
        b"nota: recommend, vendedor: attr_v}\n    value_labels: [attr_v]",
    )


def stop_label_codes(own, _):
    edited(
        own / "client.yaml",
        b"nota: recommend}",
        b"nota: recommend, vendedor: attr_v}\n    kinds: {attr_v: category}",
    )


def stop_sheet(own, _):
    edited(own / "client.yaml", b"    sheet: Datos\n", b"")


def stop_sheet_name(own, planted):
    named = next(each for each in planted.birds.all if each.kind == "RUT" and each.text not in planted.ruts)
    edited(own / "client.yaml", b"sheet: Datos", f"sheet: '{named.text}'".encode())


def stray(own, planted):
    for name, content in planted.strays.items():
        (own / "raw" / name).write_bytes(content)


def stop_file(own, planted):
    stray(own, planted)
    edited(own / "client.yaml", b"raw/crm.csv", b"raw/clientes.csv")


def stop_no_sources(own, planted):
    stray(own, planted)
    content = (own / "client.yaml").read_text(encoding="utf-8")
    (own / "client.yaml").write_text(content.partition("sources:")[0], encoding="utf-8")


def stop_header(own, planted):
    edited(own / "raw" / "encuesta.csv", "Contraseña".encode(), planted.answers[0].encode())


def stop_headers_twice(own, planted):
    edited(
        own / "raw" / "encuesta.csv",
        "Contraseña,Apellidos".encode(),
        f"{planted.ruts[0]},{planted.ruts[0]}".encode(),
    )


def stop_no_header(own, _):
    path = own / "raw" / "crm.csv"
    path.write_bytes(path.read_bytes().partition(b"\n")[2])


def stop_names_alone(own, planted):
    people = [each.text for each in planted.birds.all if each.kind == "name"][:20]
    lines = "".join(f"{name},{n % 11},RM,bien\n" for n, name in enumerate(people))
    (own / "raw" / "encuesta.csv").write_text(lines, encoding="utf-8")


def stop_header_row(own, _):
    edited(own / "client.yaml", b'separator: ";"', b'separator: ";"\n    header_row: 2')


def stop_ragged(own, planted):
    edited(own / "raw" / "crm.csv", planted.ruts[5].encode(), planted.ruts[5].encode() + b";;")


def stop_quote(own, planted):
    edited(own / "raw" / "encuesta.csv", b',RM,"', b',RM,""x"')


def stop_encoding(own, _):
    edited(own / "client.yaml", b"encoding: latin-1", b"encoding: utf-8")


def stop_mojibake(own, _):
    edited(
        own / "client.yaml",
        b"table: survey_responses\n    names: {Folio",
        b"table: survey_responses\n    encoding: latin-1\n    names: {Folio",
    )


def stop_separator(own, _):
    edited(own / "client.yaml", b'separator: ";"', b'separator: ","')


def stop_duplicates(own, planted):
    edited(own / "raw" / "encuesta.csv", planted.answers[1].encode(), planted.answers[0].encode())
    edited(own / "raw" / "crm.csv", planted.ruts[1].encode(), planted.ruts[0].encode())


def stop_dates(own, _):
    edited(
        own / "client.yaml",
        b"RUT: customer_id, Apertura: opened_at",
        b"Apertura: customer_id, RUT: opened_at",
    )


def stop_expressions(own, _):
    edited(
        own / "client.yaml",
        b"drop: [Correo",
        b"exclude: [{where: Nombre > 3, reason: x}]\n    derive: {attr_z: Correo * 2}\n    drop: [Correo",
    )


def stop_keys(own, planted):
    with (own / "client.yaml").open("a", encoding="utf-8") as file:
        file.write(f"'{planted.answers[3]}': 1\nlabels: {{columns: {{'{planted.ruts[3]}': x}}}}\n")


def stop_yaml(own, planted):
    with (own / "client.yaml").open("a", encoding="utf-8") as file:
        file.write(f"responsible: [{planted.answers[3]}\n")


def stop_cut(own, _):
    for name in ("panel.sav", "gestiones.parquet", "reclamos.xlsx"):
        content = (own / "raw" / name).read_bytes()
        (own / "raw" / name).write_bytes(content[: len(content) * 2 // 3])


def stop_formats(own, _):
    edited(own / "client.yaml", b"raw/panel.sav", b"raw/encuesta.csv\n    format: spss")
    edited(own / "client.yaml", b"raw/gestiones.parquet", b"raw/reclamos.xlsx")


def stop_ids(own, _):
    edited(own / "client.yaml", b"Folio: response_id, RUT: customer_id", b"RUT: response_id, Folio: attr_f")


def stop_privacy_names(own, planted):
    edited(
        own / "client.yaml",
        b"empty_personal: [verbatim]",
        f"empty_personal: ['{planted.answers[2]}']".encode(),
    )


QUERY = b"SELECT correo, rut, dia FROM pagos WHERE correo <> $quien"


def stop_query(own, _):
    edited(
        own / "client.yaml",
        QUERY,
        b"SELECT correo, rut, CAST(clave AS DATE) AS dia FROM pagos WHERE correo <> $quien AND clve = 1",
    )


def stop_query_values(own, _):
    edited(
        own / "client.yaml",
        QUERY,
        b"SELECT correo AS dia, clave AS rut, rut AS correo FROM pagos WHERE correo <> $quien",
    )


def stop_query_names(own, planted):
    named = f'SELECT correo, rut AS "{planted.ruts[0]}", dia FROM pagos WHERE correo <> $quien'
    edited(own / "client.yaml", QUERY, f"'{named}'".encode())


def stop_query_files(own, _):
    edited(own / "client.yaml", QUERY, b"SELECT * FROM read_csv('raw/crm.csv') WHERE correo <> $quien")


def stop_server(own, _):
    edited(own / "client.yaml", b"file: raw/pagos.sqlite", b"database: env:DATABASE_URL")


def stop_address(own, planted):
    edited(
        own / "client.yaml",
        b"file: raw/pagos.sqlite",
        f"database: '{planted.environment['DATABASE_URL']}'".encode(),
    )


def stop_password(own, planted):
    edited(
        own / "client.yaml",
        b"{quien: nadie}",
        f"{{quien: nadie, clave: 'password={planted.environment['PGPASSWORD']}'}}".encode(),
    )


def stop_sealed(own, planted):
    with (own / "client.yaml").open("a", encoding="utf-8") as file:
        file.write(f"token: {planted.environment['PGPASSWORD']}\n")


def stop_overdue(own, _):
    edited(own / "client.yaml", b"2099-12-31", b"2020-01-31")


STOPS = {
    name.removeprefix("stop_"): call for name, call in list(globals().items()) if name.startswith("stop_")
}


@pytest.mark.parametrize("stop", STOPS)
def test_a_check_that_stops_says_and_writes_none(bench, planted, search, capsys, monkeypatch, stop):
    monkeypatch.setenv("CXLAB_LANGUAGE", ("es", "en")[list(STOPS).index(stop) % 2])
    own = bench / "data" / "pajarera"
    STOPS[stop](own, planted)
    declared = (own / "client.yaml").read_bytes()
    said = [cxlab(bench, capsys, "check", "pajarera")]
    assert said[0][0] == 2, said
    said += [cxlab(bench, capsys, *each) for each in (["register", "pajarera"], ["purge", "pajarera"])]
    if has("map"):
        said += [cxlab(bench, capsys, *each) for each in (["map", "pajarera"], ["describe", "pajarera"])]
    own_text = search.found(declared)
    found = leaks(search, bench, *(text for _, text in said))
    found.pop("data/pajarera/client.yaml", None) if own_text else None
    assert found == {}


@pytest.mark.runs_notebooks
def test_a_run_publishes_none(tmp_path, planted, search, capsys, monkeypatch):
    root = settle(tmp_path / "mesa", planted, monkeypatch)
    shutil.rmtree(root / "notebooks")
    shutil.copytree(PROJECT / "notebooks", root / "notebooks")
    code, told = cxlab(root, capsys, "check", "pajarera")
    assert code == 0, told
    ran = subprocess.run(
        [sys.executable, "-m", "cxlab", "run", "scorecard", "--client", "pajarera", "-p", "by=[region]", "--root", str(root)],
        capture_output=True, text=True, env={**os.environ, **planted.environment},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert list(root.glob("reports/built/*/runs/*/report.html"))
    # The exception: a failed run keeps its notebook.
    failed = subprocess.run(
        [sys.executable, "-m", "cxlab", "run", "scorecard", "--client", "pajarera", "-p", "by=[customer_id]", "--root", str(root)],
        capture_output=True, text=True, env={**os.environ, **planted.environment},
    )  # fmt: skip
    assert leaks(search, root, told, ran.stdout, ran.stderr, failed.stdout, failed.stderr) == {}
