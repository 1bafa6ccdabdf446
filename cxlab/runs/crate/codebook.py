"""What the columns of a crate's tables are: one row for each column of each file, in Spanish and English."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

from cxlab.reporting.words import Words
from cxlab.runs.outputs import as_csv

COLUMNS = ["file", "column", "es", "en", "role", "kind", "rows", "missing"]
ROLES = ("std_error", "n", "n_eff", "flag")
ENDS = {"low": "conf_low", "high": "conf_high"}


def codebook(files: Mapping[str, bytes], results: Mapping[str, Any], labels: Mapping[str, Any]) -> bytes:
    """Return the codebook of a crate as CSV.

    Parameters
    ----------
    files : mapping
        Content of the crate by name: its tables are the files of CSV.
    results : mapping
        results.json of each run by its folder.
    labels : mapping
        Of the client: what its own columns are called.

    Returns
    -------
    bytes
        file, column, es and en (its label), role (key, estimate, limit...), kind (number, text, empty), rows
        and missing (empty cells: suppressed, or not there).
    """
    words = Words("es", labels), Words("en", labels)
    rows = [
        [name, *row]
        for name, content in sorted(files.items())
        if "/tables/" in name and name.endswith(".csv")
        for row in _described(content, results.get(name.partition("/tables/")[0], {}), words)
    ]
    return as_csv(COLUMNS, rows)


def _described(content: bytes, said: Mapping[str, Any], words: tuple[Words, Words]) -> Iterator[list[Any]]:
    head, *rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig")))) or [[]]
    keys = {key for result in said.get("results", ()) for key in result["keys"]}
    estimates = {str(result["estimate_column"]) for result in said.get("results", ())}
    for at, column in enumerate(head):
        cells = [row[at] for row in rows]
        yield [
            column,
            *(label(column, each) for each in words),
            _role(column, keys, estimates),
            _kind([cell for cell in cells if cell]),
            len(cells),
            cells.count(""),
        ]


def label(column: str, words: Words) -> str:
    """Return what a column is called; of a limit, of what and which.

    Examples
    --------
    >>> label("gap_low", Words("en")), label("conf_low", Words("en")), label("rank_low", Words("en"))
    ('Difference: Lower limit', 'Lower limit', 'Best place')
    """
    base, _, end = column.rpartition("_")
    if base and end in ENDS and not words.known(f"column.{column}"):
        return f"{words.label(base)}: {words.label(ENDS[end])}"
    return words.label(column)


def _role(column: str, keys: set[str], estimates: set[str]) -> str:
    if column in ROLES:
        return column
    if column in keys:
        return "key"
    if column in estimates:
        return "estimate"
    return "limit" if column.rpartition("_")[2] in ENDS else ""


def _kind(cells: list[str]) -> str:
    if not cells:
        return "empty"
    if {*cells} <= {"true", "false"}:
        return "yes or no"
    try:
        [float(cell) for cell in cells]
    except ValueError:
        return "text"
    return "number"
