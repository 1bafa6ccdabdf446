# ruff: noqa: E501  tables of cases: one case to a line
"""Databases: one bound SELECT, read only, closed to files and settings; secrets never stand in client.yaml."""

import sqlite3
from contextlib import closing
from datetime import date

import duckdb
import numpy as np
import pytest
from intake_clients import checked, write_client

from cxlab.errors import InputError
from cxlab.intake import client as clients
from cxlab.intake import dataset
from cxlab.intake.declared.models import Source
from cxlab.intake.files import sqlitefiles, warehouse
from cxlab.intake.files.readers import read
from cxlab.intake.privacy.credentials import looks_secret

MAKE = """
create table answers (id bigint, name text, score double, asked date);
insert into answers values (123456789012345678, 'O''Brien', 7.5, '2024-01-04');
insert into answers values (2, null, 9, '2025-06-30');
insert into answers values (3, 'Ñu', null, '2023-12-31');
"""
DATABASES = ["a.duckdb", "a.sqlite"]


def make(folder, name, script=MAKE):
    opened = duckdb.connect if name.endswith("duckdb") else sqlite3.connect
    with closing(opened(str(folder / name))) as connection:
        for statement in script.split(";"):
            connection.execute(statement)
        connection.commit()
    return folder / name


def asked(folder, name, query, **bind):
    return read(Source(file=name, table="customers", query=query, bind=bind), folder)


def said(folder, name, query, **bind):
    with pytest.raises(InputError) as caught:
        asked(folder, name, query, **bind)
    assert {problem.file for problem in caught.value.problems} == {name}
    return "\n".join(map(str, caught.value.problems))


@pytest.mark.parametrize("name", DATABASES)
def test_a_query_with_bound_values_gives_exact_cells(tmp_path, name):
    make(tmp_path, name)
    found, digest = asked(
        tmp_path,
        name,
        "select id, name, score, asked from answers where asked >= $since",
        since=date(2024, 1, 1),
    )
    assert found.frame.to_numpy().tolist() == [
        ["123456789012345678", "O'Brien", "7.5", "2024-01-04"],
        ["2", "", "9", "2025-06-30"],
    ]
    assert found.typed
    assert digest == asked(tmp_path, name, "SELECT id, name, score, asked FROM answers WHERE id <> 3")[1]
    assert digest != asked(tmp_path, name, "select id, name, score, asked from answers")[1]


@pytest.mark.parametrize("name", DATABASES)
@pytest.mark.parametrize("value", ["O'Brien", "x'; drop table answers; --", '"', "%"])
def test_values_with_quotes_are_values(tmp_path, name, value):
    make(tmp_path, name)
    found, _ = asked(
        tmp_path, name, "select $value as v, count(*) as n from answers where name = $value", value=value
    )
    assert found.frame.iloc[0].tolist() == [value, "1" if value == "O'Brien" else "0"]


@pytest.mark.parametrize("name", DATABASES)
@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("select 1; select 2", "a query of 2 statements: SELECT, SELECT"),
        ("", "a query of 0 statements"),
        ("drop table answers", "a query of 1 statements: DROP"),
        ("insert into answers values (1)", "INSERT"),
        ("update answers set id = 1", "UPDATE"),
        ("attach 'other.db' as o", "ATTACH"),
        ("copy answers to 'x.csv'", "COPY"),
        ("pragma database_list", "PRAGMA"),
        ("install httpfs", "allowed: one SELECT"),
        ("set threads = 8", "SET"),
        ("explain select 1", "EXPLAIN"),
        ("call pragma_version()", "CALL"),
        ("export database 'x'", "allowed: one SELECT"),
        ("selec 1", "a query that is no SQL"),
        ("select * from answers where id = $id", "with the names id, and values for -"),
        ("select * from answers where id = ?", "with the names 1, and values for -"),
        ("select * from duckdb_settings()", "duckdb_settings, which tells of the database itself"),
        ("select * from pragma_table_info('answers')", "pragma_table_info"),
        ("select * from nothing_there", "nothing_there"),
        ("select id, id from answers", "each name once"),
    ],
)  # fmt: skip
def test_anything_but_one_select_is_refused(tmp_path, name, query, message):
    path = make(tmp_path, name)
    before = path.read_bytes()
    assert message in said(tmp_path, name, query)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    "query",
    [
        "select * from read_csv('{file}')", "select * from read_text('{file}')", "select * from '{file}'",
        "select * from read_parquet('{file}')", "select * from glob('{folder}/*')", "select * from read_json('{file}')",
        "select * from read_blob('{file}')", "select * from sniff_csv('{file}')", "select * from query('drop table answers')",
        "select * from parquet_metadata('{file}')", "select * from read_csv('https://example.org/x.csv')",
        "select getenv('HOME') as home", "select * from frame",
    ],
)  # fmt: skip
def test_a_query_reaches_no_file_net_or_variable(tmp_path, query):
    make(tmp_path, "a.duckdb")
    (tmp_path / "other.csv").write_text("secret,x\ncanary,1\n")
    frame = {"canary": [1]}
    text = said(tmp_path, "a.duckdb", query.format(file=tmp_path / "other.csv", folder=tmp_path))
    assert "a query that does not run" in text
    assert "canary" not in text
    assert frame


@pytest.mark.parametrize(
    "query",
    ["select load_extension('x') as x", "select readfile('x') as x", "select writefile('x', 'y') as x"],
)
def test_sqlite_functions_that_leave_the_file_are_refused(tmp_path, query):
    make(tmp_path, "a.sqlite")
    assert "a query that does not run" in said(tmp_path, "a.sqlite", query)


@pytest.mark.parametrize("name", DATABASES)
def test_queries_are_limited_in_time_and_cells(tmp_path, name, monkeypatch):
    make(tmp_path, name)
    monkeypatch.setattr(warehouse, "MOST_SECONDS", 0.3)
    endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) as c from n where i < 0"
    assert "it took" in said(tmp_path, name, endless)
    monkeypatch.setattr(warehouse, "MOST_CELLS", 5)
    monkeypatch.setattr(sqlitefiles, "MOST_CELLS", 5)
    assert "gives more than 5 cells" in said(tmp_path, name, "select id, name from answers")


def test_values_in_errors_are_not_shown(tmp_path):
    make(tmp_path, "a.duckdb")
    text = said(tmp_path, "a.duckdb", "select cast(name as integer) as n from answers")
    assert "O'Brien" not in text
    assert "ConversionException" in text


def test_kinds_that_are_no_cell_are_named_with_their_column(tmp_path):
    make(tmp_path, "a.duckdb")
    assert "nested columns: x" in said(tmp_path, "a.duckdb", "select [1, 2] as x")
    assert "column x: found values of kind" in said(tmp_path, "a.duckdb", "select interval 1 month as x")
    assert "column x: found values of kind binary" in said(tmp_path, "a.duckdb", r"select '\xFF'::blob as x")


@pytest.mark.parametrize("name", DATABASES)
def test_damaged_databases_are_named_and_nothing_else_breaks(tmp_path, name):
    content = make(tmp_path, name).read_bytes()
    dice = np.random.default_rng(3)
    refused = 0
    for n in range(120):
        damaged = bytearray(content[: dice.integers(20, len(content))] if n % 3 == 0 else content)
        for at in dice.integers(20, len(damaged), 3 if n % 3 else 0):
            damaged[at] ^= 1 << dice.integers(0, 8)
        (tmp_path / name).write_bytes(damaged)
        try:
            asked(tmp_path, name, "select id, name, score, asked from answers")
        except InputError:
            refused += 1
    assert refused > 20


def test_a_file_that_is_no_database_says_what_it_is(tmp_path):
    (tmp_path / "a.duckdb").write_text("id,name\n1,x\n")
    assert "something else where sql is declared" in said(tmp_path, "a.duckdb", "select 1 as x")


DECLARED = 'name: T\nsources:\n  - {{{where}, table: survey_responses, query: "{query}"{how}}}\n'
QUERY = "select id as response_id, score as attr_score from answers where asked > $since"


def test_a_client_s_database_becomes_a_table_and_is_followed(tmp_path):
    declaration = DECLARED.format(where="file: raw/a.duckdb", query=QUERY, how=", bind: {since: 2024-01-01}")
    write_client(tmp_path, declaration, {})
    path = make(tmp_path / "data" / "acme" / "raw", "a.duckdb")
    report = dataset.check(tmp_path, "acme")
    source = report.tables["survey_responses"]["sources"][0]
    assert (source["read"], source["used"]) == (2, 2)
    assert dataset.open_dataset(tmp_path, "acme").read("survey_responses")["attr_score"].tolist() == [7.5, 9]
    # What the query does not see may change; what it sees may not.
    with closing(duckdb.connect(str(path))) as connection:
        connection.execute("insert into answers values (4, 'z', 1, '2020-01-01')")
    dataset.open_dataset(tmp_path, "acme")
    with closing(duckdb.connect(str(path))) as connection:
        connection.execute("update answers set score = 8 where id = 2")
    with pytest.raises(InputError, match="raw/a.duckdb changed after the tables of acme were made"):
        dataset.open_dataset(tmp_path, "acme")


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A database that stands for a server: its address is in the environment only."""
    path = make(tmp_path, "server.duckdb")
    monkeypatch.setattr(warehouse, "SERVERS", {"file": "duckdb"})
    monkeypatch.setattr(warehouse, "_load", lambda *_: None)
    monkeypatch.setenv("CRM_DSN", f"file://{path}")
    return path


def test_a_server_is_named_by_a_variable_and_attached_for_reading(tmp_path, server):
    declaration = DECLARED.format(
        where="database: env:CRM_DSN", query=QUERY, how=", bind: {since: 2024-01-01}"
    )
    assert checked(tmp_path, declaration, {})["attr_score"].tolist() == [7.5, 9]
    assert (
        dataset.open_dataset(tmp_path, "acme").entry("survey_responses").sources[0]["file"] == "env:CRM_DSN"
    )
    kept = (tmp_path / "data" / "acme" / "tables" / "tables.json").read_text()
    assert "server.duckdb" not in kept
    before = server.read_bytes()
    for query in (
        "select * from read_csv('/etc/passwd')",
        "select path as p from duckdb_databases()",
        "drop table answers",
    ):
        with pytest.raises(InputError) as caught:
            read(Source(database="env:CRM_DSN", table="customers", query=query), tmp_path)
        assert str(server) not in str(caught.value)
    assert server.read_bytes() == before


def test_what_a_server_says_is_never_repeated(tmp_path, monkeypatch):
    source = Source(database="env:CRM_DSN", table="customers", query="select 1 as x")
    monkeypatch.delenv("CRM_DSN", raising=False)
    with pytest.raises(InputError, match="no address of a database in the environment variable CRM_DSN"):
        read(source, tmp_path)
    monkeypatch.setenv("CRM_DSN", "postgres://ana:s3cr3tword@127.0.0.1:1/crm")
    monkeypatch.setattr(warehouse, "_load", lambda *_: None)
    with pytest.raises(InputError, match="does not answer or refuses the address in CRM_DSN") as caught:
        read(source, tmp_path)
    assert "s3cr3tword" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_an_extension_that_is_not_there_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setattr(warehouse, "SERVERS", {"postgres": "no_such_extension"})
    monkeypatch.setenv("CRM_DSN", "postgres://ana:s3cr3tword@db/crm")
    with pytest.raises(InputError, match=r"duckdb.sql\('INSTALL no_such_extension'\)") as caught:
        read(Source(database="env:CRM_DSN", table="customers", query="select 1 as x"), tmp_path)
    assert "s3cr3tword" not in str(caught.value)


SECRETS = [
    "postgres://ana:hunter2pass@db.example/crm", "mysql://root@db/crm", "postgresql://db/crm", "jdbc:sqlserver://db;user=sa",
    "host=db user=ana password=hunter2pass dbname=crm", "Server=db;Database=crm;Uid=ana;Pwd=hunter2pass;", "mongodb+srv://a:hunter2pass@x/y",
    "DefaultEndpointsProtocol=https;AccountName=x;AccountKey=aGVsbG8hunter2pass==", "AKIAIOSFODNN7EXAMPLE", "https://ana:hunter2pass@files.example/x.csv",
    "api_key: hunter2pass", "token=hunter2pass", "-----BEGIN RSA PRIVATE KEY-----",
]  # fmt: skip


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "place",
    [
        "name: '{}'",
        "name: T\nsources:\n  - {{file: '{}', table: customers}}",
        "name: T\nbind: {{'{}': 1}}",
        "name: T\nsources:\n  - {{database: '{}', table: nothing}}",
    ],
)
def test_secrets_in_client_yaml_are_refused_and_never_shown(tmp_path, secret, place):
    write_client(tmp_path, place.format(secret), {})
    with pytest.raises(InputError, match="holds what looks like a password or an address with one") as caught:
        clients.load(tmp_path / "data" / "acme")
    text = str(caught.value)
    assert "env:NAME" in text
    assert secret not in text
    assert "hunter2" not in text


@pytest.mark.parametrize(
    "text",
    [
        "env:CRM_DSN",
        "token == 'a'",
        "raw/clientes.csv",
        "https://example.org",
        "Clave de cliente",
        "password",
        "12:30",
        "status != 'test'",
        "Contraseña: ¿fácil de recuperar?",
    ],
)
def test_what_is_no_secret_passes(text):
    assert not looks_secret(text)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{file: raw/a.duckdb, table: customers}", "a database without a query"),
        ("{file: raw/a.csv, table: customers, query: 'select 1'}", "a query without a database"),
        ("{file: raw/a.csv, table: customers, bind: {a: 1}}", "a query without a database"),
        (
            "{database: env:CRM, file: raw/a.duckdb, table: customers, query: 'select 1'}",
            "or with another file",
        ),
        ("{database: CRM, table: customers, query: 'select 1'}", "env:NAME, the environment variable"),
        ("{table: customers, query: 'select 1'}", "add the key file"),
        ("{file: raw/a.duckdb, table: customers, query: 'select 1', bind: {a: [1]}}", "sources.1.bind.a"),
    ],
)
def test_queries_and_databases_go_together(tmp_path, source, message):
    write_client(tmp_path, f"name: T\nsources:\n  - {source}\n", {})
    with pytest.raises(InputError) as caught:
        clients.load(tmp_path / "data" / "acme")
    assert message in str(caught.value)
