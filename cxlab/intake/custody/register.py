"""The register of processing: for each file of a client, whose data, which, why, and until when.

It is made of client.yaml and tables.json and holds no data of persons, no path and no time of the clock.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from cxlab.errors import CxlabError, WorkbenchError
from cxlab.intake.client import Client, load
from cxlab.intake.custody.purge import REGISTER
from cxlab.intake.custody.retention import kept_until
from cxlab.intake.declared.canonical import Table, tables
from cxlab.intake.declared.models import Language, Source
from cxlab.intake.files.reading import clean_name
from cxlab.intake.folders import client_folder, write_private
from cxlab.intake.privacy.identifiers import identifier
from cxlab.intake.tables.index import read_index

COLUMNS = (
    "client", "table", "file", "sha256", "rows", "persons", "data", "dropped", "emptied", "purpose",
    "legal_basis", "responsible", "retain_until", "key", "recipients",
)  # fmt: skip
_WORDS: dict[Language, dict[str, str]] = {
    "es": {
        "client": "cliente", "table": "tabla", "file": "archivo recibido", "sha256": "sha256 (inicio)",
        "rows": "filas usadas", "persons": "de quiénes", "data": "qué datos se guardan",
        "dropped": "columnas que no se guardan", "emptied": "celdas vaciadas por personales",
        "purpose": "finalidad", "legal_basis": "base legal", "responsible": "responsable",
        "retain_until": "se guarda hasta", "key": "clave de los seudónimos",
        "recipients": "informes publicados",
        "customers": "clientes", "employees": "personas empleadas", "nobody": "nadie: datos de la empresa",
        "id": "códigos seudonimizados", "rating": "notas", "date": "fechas", "money": "montos",
        "number": "cantidades", "category": "categorías", "text": "texto libre",
        "unread": "no leído aún", "none": "-", "masked": "(un nombre que parece de una persona)",
        "outside": "fuera del proyecto, aparte de los datos", "because": "ampliado: {reason}",
        "pages": "{study} ({n})", "others": "y {n} más",
    },
    "en": {
        "client": "client", "table": "table", "file": "file received", "sha256": "sha256 (start)",
        "rows": "rows used", "persons": "whose", "data": "which data are stored",
        "dropped": "columns not stored", "emptied": "cells emptied as personal",
        "purpose": "purpose", "legal_basis": "legal basis", "responsible": "responsible",
        "retain_until": "kept until", "key": "key of the pseudonyms", "recipients": "reports published",
        "customers": "customers", "employees": "employees", "nobody": "nobody: the firm's own data",
        "id": "codes, pseudonymised", "rating": "ratings", "date": "dates", "money": "amounts of money",
        "number": "quantities", "category": "categories", "text": "free text",
        "unread": "not read yet", "none": "-", "masked": "(a name that looks personal)",
        "outside": "outside the project, apart from the data", "because": "extended: {reason}",
        "pages": "{study} ({n})", "others": "and {n} more",
    },
}  # fmt: skip
_DATA = ("id", "rating", "date", "money", "number", "category", "text")
_MOST = 12


def titles(language: Language) -> tuple[str, ...]:
    """Return what the columns of the register are called."""
    return tuple(_WORDS[language][name] for name in COLUMNS)


def register(
    root: str | Path,
    client: str,
    *,
    language: Language | None = None,
    reports: Mapping[str, int] | None = None,
) -> list[tuple[str, ...]]:
    """Return a client's register of processing: one row for each declared file, columns as COLUMNS.

    Parameters
    ----------
    root : path
        The workbench's folder.
    client : str
    language : {"es", "en"}, optional
        The client's, if not given.
    reports : mapping of str to int, optional
        Studies published with these data, and how many pages each has.

    Raises
    ------
    InputError
        If there is no such client, or its client.yaml is wrong.
    """
    declared = load(client_folder(root, client))
    language = language or declared.language
    words = _WORDS[language]
    try:
        entries: Mapping[str, Any] = read_index(declared.folder / "tables", client=client)["tables"]
    except CxlabError:  # not read yet, or to be read again
        entries = {}
    last = kept_until(declared)
    until = [last.isoformat()] if last else []
    if declared.extended:
        until.append(words["because"].format(reason=declared.extended.reason))
    studies = [words["pages"].format(study=name, n=n) for name, n in sorted((reports or {}).items())]
    common = {
        "client": declared.title(language) or declared.slug,
        "purpose": declared.purpose,
        "legal_basis": declared.legal_basis,
        "responsible": declared.responsible,
        "retain_until": "; ".join(until),
        "key": words["outside"],
        "recipients": ", ".join(studies),
    }
    rows = [common | _of_source(declared, each, entries, words) for each in declared.sources]
    return [
        tuple(row[name] or words["none"] for name in COLUMNS)
        for row in rows or [dict.fromkeys(COLUMNS, "") | common]
    ]


def _of_source(
    client: Client, source: Source, entries: Mapping[str, Any], words: Mapping[str, str]
) -> dict[str, str]:
    table, entry = tables()[source.table], entries.get(source.table, {})
    read = next((each for each in entry.get("sources", ()) if each["file"] == source.file), None)
    row = {
        "table": source.table,
        "file": words["masked"] if identifier(source.file) else source.file,
        "persons": words[table.people or "nobody"],
    }
    if read is None:
        waiting = {"sha256": words["unread"], "rows": "", "data": "", "emptied": ""}
        return row | waiting | {"dropped": _listed(list(source.drop), words)}
    stored = _kinds(client, source, table, read["headers"], _schema(client.folder / "tables", source.table))
    emptied = read.get("emptied", {})
    return row | {
        "sha256": str(read["sha256"])[:12],
        "rows": str(read["used"]),
        "data": "; ".join(
            f"{words[kind]}: {_listed(names, words)}" for kind, names in stored.items() if names
        ),
        "dropped": _listed([*read["dropped"], *read["unmapped"]], words),
        "emptied": ", ".join(f"{name} ({sum(kinds.values())})" for name, kinds in sorted(emptied.items())),
    }


def _schema(folder: Path, table: str) -> dict[str, str]:
    try:
        schema = pq.read_schema(folder / f"{table}.parquet")
    except OSError:
        return {}
    return dict(zip(schema.names, map(str, schema.types), strict=True))


def _kinds(
    client: Client, source: Source, table: Table, headers: Mapping[str, str], schema: Mapping[str, str]
) -> dict[str, list[str]]:
    """Return the stored columns of a source by the kind of data they hold."""
    found: dict[str, list[str]] = {kind: [] for kind in _DATA}
    read = {clean_name(each) for each in client.privacy.free_text}
    own = [*headers, *source.constants, *source.derive]
    for name in dict.fromkeys(name for name in own if name in schema):
        if name in table.ids or name in source.ids:
            kind = "id"
        elif name in read or headers.get(name) in read:
            kind = "text"
        else:
            kind = _kind(name, source, table, schema[name])
        found[kind].append(name)
    return found


def _kind(name: str, source: Source, table: Table, stored: str) -> str:
    known = table.columns.get(name)
    if known is not None:
        if known.kind in ("number", "integer"):
            return "money" if "currency" in known.en else "number"
        return {"code": "category", "flag": "category"}.get(known.kind, known.kind)
    if name in source.scales:
        return "rating"
    if source.kinds.get(name) == "text":
        return "text"
    if stored.startswith(("timestamp", "date")):
        return "date"
    return "category" if stored in ("string", "large_string", "bool") else "number"


def _listed(names: Sequence[str], words: Mapping[str, str]) -> str:
    shown = [words["masked"] if identifier(name) else name for name in names[:_MOST]]
    rest = [words["others"].format(n=len(names) - _MOST)] if len(names) > _MOST else []
    return ", ".join([*shown, *rest])


def write(root: str | Path, client: str, rows: Sequence[tuple[str, ...]]) -> Path:
    """Write register.csv into the client's folder, in its language and as its spreadsheets read it.

    Raises
    ------
    WorkbenchError
        If the folder may not be written.
    """
    declared = load(client_folder(root, client))
    sheet = io.StringIO(newline="")
    lines = csv.writer(sheet, delimiter=";" if declared.language == "es" else ",", lineterminator="\r\n")
    lines.writerows([titles(declared.language), *(tuple(map(inert, row)) for row in rows)])
    path = declared.folder / REGISTER
    try:
        write_private(path, sheet.getvalue().encode("utf-8-sig"))
    except OSError as error:
        raise WorkbenchError(
            "cannot write in {folder}: {why}", folder=declared.folder, why=error.strerror
        ) from None
    return path


def inert(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula.

    Examples
    --------
    >>> inert("=1+1"), inert("-5"), inert("Norte")
    ("'=1+1", '-5', 'Norte')
    """
    if not text.startswith(("=", "+", "-", "@", "\t", "\r", "\0")):
        return text
    try:
        float(text)
    except ValueError:
        return text if text == "-" else f"'{text}"
    return text
