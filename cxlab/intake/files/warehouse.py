"""Databases and warehouses, read only: one bound SELECT of a client's own, its result as a table.

A DuckDB or SQLite file of the client's folder, or a server that an environment variable names, attached
through DuckDB. The query cannot write, cannot reach files or the net, and cannot change how it is run; its
result is limited in cells and time. What the server says is never repeated: it may hold the password.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from cxlab.errors import InputError, Message
from cxlab.intake.coded import Coded
from cxlab.intake.declared.models import Source
from cxlab.intake.files import sqlitefiles
from cxlab.intake.files.columnar import coded, reading_of, refuse_kinds
from cxlab.intake.files.reading import MOST_CELLS, Reading, Wanted, fault

MOST_SECONDS = 900.0
MOST_MEMORY = "2GB"
# Which of DuckDB's extensions speaks with the servers of a scheme.
SERVERS = {"postgres": "postgres", "postgresql": "postgres", "mysql": "mysql", "mariadb": "mysql"}
ATTACHED = "warehouse"
# Nothing is installed or loaded by a query; one thread gives the rows in the same order each time.
_CLOSED = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
    "memory_limit": MOST_MEMORY,
    "threads": "1",
}
# Errors of names and grammar; the others may show a value.
_SPOKEN = (
    duckdb.CatalogException,
    duckdb.BinderException,
    duckdb.ParserException,
    duckdb.PermissionException,
)
# What DuckDB tells of itself, the address of a server among it.
_SYSTEM = re.compile(r"\b(?:duckdb|pragma)_\w+", re.IGNORECASE)
_LOCKS = ("SET enable_external_access = false", "SET lock_configuration = true")


def read_query(source: Source, path: Path | None, *, wanted: Wanted | None = None) -> tuple[Reading, str]:
    """Read the result of a source's query.

    Parameters
    ----------
    source : Source
        With `query`, its bound values `bind`, and `file` or `database`.
    path : Path or None
        Of the database file; None where an environment variable names a server.
    wanted : callable, optional
        Given all headers, returns those whose cells are needed.

    Returns
    -------
    Reading, str
        What the query gave, and the SHA-256 of it: columns and rows in their order.

    Raises
    ------
    InputError
        If the query is not one SELECT, does not run, gives too much, or the database cannot be opened.
    """
    refuse_query(source)
    if path is not None and sqlitefiles.is_sqlite(path):
        table = sqlitefiles.fetched(source, path, seconds=MOST_SECONDS)
    else:
        with _connection(source, path) as connection:
            table = _fetched(connection, source)
    refuse_kinds(table.schema, file=source.file)
    columns = [_column(table, at, source) for at in range(table.num_columns)]
    reading = reading_of(
        table.column_names, columns.__getitem__, table.num_rows, file=source.file, wanted=wanted,
        how={} if path is None else {"database_sha256": _whole(path)},
    )  # fmt: skip
    return reading, _digest(table.column_names, columns)


def _column(table: pa.Table, at: int, source: Source) -> Coded:
    try:
        return coded(table.column(at), decimal=source.decimal)
    except (pa.ArrowException, ValueError, OverflowError):
        raise fault(
            source.file,
            Message("values of kind {kind}", kind=str(table.schema.field(at).type)),
            Message("numbers, texts, dates and truth values"),
            Message("turn them into text in the query: CAST(... AS VARCHAR)"),
            column=table.column_names[at],
        ) from None


def _whole(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _digest(names: Sequence[str], columns: Sequence[Coded]) -> str:
    digest = sha256(repr(list(names)).encode())
    for column in columns:
        digest.update(np.ascontiguousarray(column.codes, dtype="<i4").tobytes())
        digest.update(repr(column.distinct).encode())
    return digest.hexdigest()


def refuse_query(source: Source) -> None:
    """Refuse anything but one SELECT whose names are all bound.

    Raises
    ------
    InputError
        Saying what else it is, or which names lack a value.
    """
    try:
        statements = duckdb.extract_statements(source.query)
    except duckdb.Error as error:
        raise _query_fault(
            source, Message("a query that is no SQL ({why})", why=_first_line(error))
        ) from None
    kinds = [each.type.name for each in statements]
    if kinds != ["SELECT"]:
        told = ", ".join(kinds[:5]) or "-"
        raise _query_fault(source, Message("a query of {n} statements: {kinds}", n=len(kinds), kinds=told))
    if system := _SYSTEM.search(source.query):
        raise _query_fault(source, Message("{name}, which tells of the database itself", name=system[0]))
    named = set(statements[0].named_parameters)
    if named != set(source.bind):
        raise fault(
            source.file,
            Message(
                "a query with the names {named}, and values for {bound}",
                named=_listed(named),
                bound=_listed(source.bind),
            ),
            Message("a value for each name, and none else"),
            Message(
                "write the names as $since, and their values as `bind: {{since: 2024-01-01}}`",
                file=source.file,
            ),
            column="query",
        )


def _listed(names: Mapping[str, Any] | set[str]) -> str:
    return ", ".join(sorted(names)) or "-"


def _query_fault(source: Source, found: str) -> InputError:
    return fault(
        source.file,
        found,
        Message("one SELECT"),
        Message('write it as `query: "SELECT ... FROM ... WHERE a >= $name"`, with values under `bind:`'),
        column="query",
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:160]


@contextmanager
def _connection(source: Source, path: Path | None) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the database for reading only, closed to everything else."""
    opened = _server(source) if path is None else _file(source, path)
    try:
        for lock in _LOCKS:
            opened.execute(lock)
        yield opened
    finally:
        opened.close()


def _file(source: Source, path: Path) -> duckdb.DuckDBPyConnection:
    try:
        return duckdb.connect(str(path), read_only=True, config=dict(_CLOSED))
    except (duckdb.Error, UnicodeError) as error:
        raise fault(
            source.file,
            Message(
                "a database that cannot be opened ({why})",
                why=_first_line(error).replace(str(path), source.file),
            ),
            Message("a whole DuckDB or SQLite file, closed by its program"),
            Message("close the program that writes it, copy the file again, or export it to Parquet"),
        ) from None


def _server(source: Source) -> duckdb.DuckDBPyConnection:
    """Attach the server that the environment names; nothing of its address is said."""
    variable = source.database.removeprefix("env:")
    address = os.environ.get(variable, "")
    scheme = address.partition("://")[0].lower()
    if not address or scheme not in SERVERS:
        raise fault(
            source.file,
            Message("no address of a database in the environment variable {variable}", variable=variable),
            Message("{schemes}", schemes=", ".join(f"{each}://..." for each in SERVERS)),
            Message("set the variable in the terminal that runs cxlab; the address stands in no file"),
        )
    connection = duckdb.connect(":memory:", config=dict(_CLOSED))
    extension = SERVERS[scheme]
    try:
        _load(connection, extension)
    except duckdb.Error:
        connection.close()
        raise fault(
            source.file,
            Message("no {extension} extension of DuckDB on this machine", extension=extension),
            Message("DuckDB with the extension installed"),
            Message(
                "install it once, where there is a net, with duckdb.sql('INSTALL {extension}') in Python; or "
                "export the table to Parquet",
                extension=extension,
            ),
        ) from None
    try:
        quoted = address.replace("'", "''")
        connection.execute(f"ATTACH '{quoted}' AS {ATTACHED} (TYPE {extension}, READ_ONLY)")
        connection.execute(f"USE {ATTACHED}")
    except duckdb.Error:
        connection.close()
        raise fault(
            source.file,
            Message("a server that does not answer or refuses the address in {variable}", variable=variable),
            Message("a database that this machine may read"),
            Message("check the variable, the net and the rights of the user; its own words are not shown"),
        ) from None
    return connection


def _load(connection: duckdb.DuckDBPyConnection, extension: str) -> None:
    connection.execute(f"LOAD {extension}")


@contextmanager
def _stopped_after(seconds: float, connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    clock = threading.Timer(seconds, connection.interrupt)
    clock.start()
    try:
        yield
    finally:
        clock.cancel()


def _fetched(connection: duckdb.DuckDBPyConnection, source: Source) -> pa.Table:
    """Run the query and return its rows, as far as they are within the limits."""
    try:
        with _stopped_after(MOST_SECONDS, connection):
            relation = connection.sql(source.query, params=dict(source.bind) or None)
            reader = pa.RecordBatchReader.from_stream(relation)
            return pa.Table.from_batches(_limited(reader, source), schema=reader.schema)
    except (duckdb.Error, pa.ArrowException, ValueError) as error:
        interrupted = isinstance(error, duckdb.InterruptException)
        why = (
            Message("it took more than {n} seconds", n=round(MOST_SECONDS))
            if interrupted
            else _said(source, error)
        )
        raise fault(
            source.file,
            Message("a query that does not run ({why})", why=why),
            Message("a SELECT over the tables of the database, without files or other databases"),
            Message("correct `query:` and `bind:` in client.yaml"),
            column="query",
        ) from None


def _said(source: Source, error: Exception) -> str:
    """Return what DuckDB says of names and grammar; of a server or of values only the kind of error."""
    return _first_line(error) if isinstance(error, _SPOKEN) and not source.database else type(error).__name__


def _limited(reader: Any, source: Source) -> Iterator[Any]:
    rows = 0
    for batch in reader:
        rows += batch.num_rows
        if rows * batch.num_columns > MOST_CELLS:
            raise sqlitefiles.too_many(source)
        yield batch
