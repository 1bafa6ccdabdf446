"""SQLite files, read only through Python's own library: DuckDB would need an extension for them.

SQLite lets each cell have a kind of its own; cells come as the text that it shows.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa

from cxlab.errors import InputError, Message
from cxlab.intake.declared.models import Source
from cxlab.intake.files.columnar import value_text
from cxlab.intake.files.reading import MOST_CELLS, fault

_MAGIC = b"SQLite format 3\x00"
BATCH = 20_000
# Steps of SQLite's machine between two looks at the clock.
_STEPS = 100_000
# What a query may do: select, read columns, call functions, recurse.
_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
_REFUSED_FUNCTIONS = {"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer"}
# Errors of names, grammar and the file itself; others may show a value.
_SPOKEN = re.compile(
    r"no such |near |not authorized|ambiguous|file is not|database |unrecognized|wrong number"
)
LONGEST_CELL = 10_000_000


def is_sqlite(path: Path) -> bool:
    """Tell whether a file is an SQLite database."""
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def fetched(source: Source, path: Path, *, seconds: float) -> pa.Table:
    """Run a source's query and return its rows as columns of text.

    Raises
    ------
    InputError
        If the file is damaged, or the query does not run, takes too long or gives too much.
    """
    end = time.monotonic() + seconds
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as connection:
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_CELL)
            connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
            connection.set_authorizer(_authorised)
            connection.set_progress_handler(lambda: int(time.monotonic() > end), _STEPS)
            cursor = connection.execute(
                source.query, {name: _bound(value) for name, value in source.bind.items()}
            )
            names = [each[0] for each in cursor.description]
            schema = pa.schema([(name, pa.string()) for name in names])
            return pa.Table.from_batches(_batches(cursor, schema, source), schema=schema)
    except (sqlite3.Error, sqlite3.Warning, UnicodeError, OverflowError, ValueError) as error:
        raise _fault(source, error, late=time.monotonic() > end) from None


def _fault(source: Source, error: Exception, *, late: bool) -> InputError:
    why = str(error)[:160] if _SPOKEN.match(str(error)) else type(error).__name__
    if late:
        why = Message("it took too long")
    return fault(
        source.file,
        Message("a query that does not run ({why})", why=why),
        Message("a SELECT over the tables of the database, without files or other databases"),
        Message("correct `query:` and `bind:` in client.yaml"),
        column="query",
    )


def _authorised(action: int, _: str | None, name: str | None, *__: str | None) -> int:
    if action in _ALLOWED and not (
        action == sqlite3.SQLITE_FUNCTION and str(name).lower() in _REFUSED_FUNCTIONS
    ):
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def _bound(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _batches(cursor: sqlite3.Cursor, schema: Any, source: Source) -> Iterator[Any]:
    rows = 0
    while batch := cursor.fetchmany(BATCH):
        rows += len(batch)
        if rows * len(schema) > MOST_CELLS:
            raise too_many(source)
        columns = [
            pa.array([_text(each) for each in column], pa.string()) for column in zip(*batch, strict=True)
        ]
        yield pa.record_batch(columns, schema=schema)


def _text(value: Any) -> str | None:
    if isinstance(value, bytes):
        return value.decode("utf-8")
    return None if value is None else value_text(value)


def too_many(source: Source) -> InputError:
    """Return the error of a query that gives more cells than a client's data can have."""
    return fault(
        source.file,
        Message("a query that gives more than {n} cells", n=MOST_CELLS),
        Message("at most {n}", n=MOST_CELLS),
        Message("name the columns that are needed, and bound the rows with WHERE"),
        column="query",
    )
