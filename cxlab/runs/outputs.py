"""What a run leaves behind besides its page: results.json, tables as CSV, figures as SVG.

All of it comes from the MIME bundles in the executed notebook, which hold what the page shows and
nothing else: one number, one source.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from cxlab.reporting import RESULT

READ = "application/vnd.cxlab.read.v1+json"
TOLD = "application/vnd.cxlab.told.v1+json"
SVG = "image/svg+xml"
MAIN = "main"
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\0")
Notebook = Mapping[str, Any]


def displays(notebook: Notebook) -> Iterator[Mapping[str, Any]]:
    """Yield the data of every display of a notebook, in order."""
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            if "data" in output:
                yield output["data"]


def results(notebook: Notebook) -> list[Mapping[str, Any]]:
    """Return the bundles of the results that a notebook shows."""
    return [data[RESULT] for data in displays(notebook) if isinstance(data.get(RESULT), Mapping)]


def reads(notebook: Notebook) -> list[Mapping[str, Any]]:
    """Return the tables that a notebook read, each once as it was last used: table, sha256, rows, used."""
    found: dict[str, Mapping[str, Any]] = {}
    for data in displays(notebook):
        if isinstance(data.get(READ), Mapping):
            found[str(data[READ].get("table"))] = data[READ]
    return list(found.values())


def told(notebook: Notebook) -> list[Mapping[str, Any]]:
    """Return the bases that a notebook shows: of which question, and of each group how many people."""
    return [each for data in displays(notebook) for each in data.get(TOLD, ()) if isinstance(each, Mapping)]


def results_json(
    notebook: Notebook, *, entry: str, name: str, client: str, language: str, parameters: Mapping[str, Any]
) -> bytes:
    """Return results.json: the bundles, and what is needed to read them; no time, no machine."""
    content = {
        "schema": 1,
        "entry": entry,
        "notebook": name,
        "client": client,
        "language": language,
        "parameters": plain(parameters),
        "reads": plain(reads(notebook)),
        "results": plain(results(notebook)),
    }
    return as_json(content)


def as_json(content: Any) -> bytes:
    """Return JSON as every file of a run has it: UTF-8, indented, no NaN."""
    return (json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode(
        "utf-8", "backslashreplace"
    )


def plain(value: Any) -> Any:
    """Return `value` as JSON can hold it; NaN and infinities are null, dates are ISO text."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, date):
        return value.isoformat()
    return value


def tables(notebook: Notebook) -> dict[str, bytes]:
    """Return the tables of every result as CSV files by name, safe to open in a spreadsheet."""
    files: dict[str, bytes] = {}
    for bundle in results(notebook):
        for name, table in bundle.get("tables", {}).items():
            stem = str(bundle.get("id", "result")) if name == MAIN else f"{bundle.get('id', 'result')}-{name}"
            files[_free(f"tables/{_file(stem)}", ".csv", files)] = as_csv(table["columns"], table["rows"])
    return files


def figures(notebook: Notebook) -> dict[str, bytes]:
    """Return every SVG that a notebook shows, by file name."""
    files: dict[str, bytes] = {}
    for data in displays(notebook):
        drawn = data.get(SVG)
        if drawn:
            stem = str(data.get(RESULT, {}).get("id", "figure"))
            text = drawn if isinstance(drawn, str) else "".join(drawn)
            files[_free(f"figures/{_file(stem)}", ".svg", files)] = text.encode()
    return files


def as_csv(columns: list[Any], rows: list[list[Any]]) -> bytes:
    r"""Return a table as CSV; text that a spreadsheet would take for a formula gets a quote in front.

    Examples
    --------
    >>> as_csv(["label", "n"], [["=1+1", -2], ["ok", None]]).decode("utf-8-sig")
    "label,n\r\n'=1+1,-2\r\nok,\r\n"
    """
    text = io.StringIO()
    writer = csv.writer(text)
    for row in [columns, *rows]:
        writer.writerow([_cell(value) for value in row])
    return text.getvalue().encode("utf-8-sig", "backslashreplace")


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA) else value
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None or (isinstance(value, float) and math.isnan(value)) else value


def _file(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:80] or "result"


def _free(stem: str, suffix: str, taken: Mapping[str, Any]) -> str:
    name, count = f"{stem}{suffix}", 1
    while name in taken:
        count += 1
        name = f"{stem}-{count}{suffix}"
    return name
