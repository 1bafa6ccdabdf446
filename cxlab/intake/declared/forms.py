"""The papers of a new client: a client.yaml in which every key is explained, and the data-request sheet."""

from __future__ import annotations

from importlib.resources import files
from itertools import groupby

from cxlab.intake.declared.canonical import Table, tables
from cxlab.intake.declared.models import Language

_TITLES = {
    "es": ("Solicitud de datos", "Columna", "Qué es", "Mínimo", "sí", "o bien {groups}", "Si las tiene"),
    "en": ("Data request", "Column", "What it is", "Needed", "yes", "or else {groups}", "If you have them"),
}
_OPENINGS = {
    "es": (
        "Una fila por cosa y una columna por dato; Excel, CSV, SPSS (.sav) o Parquet, tal como salen.\n"
        "No hace falta ordenar ni recodificar. **No envíe nombres, correos, teléfonos ni direcciones**:\n"
        "solo un código de cliente, el mismo en todos los archivos; al recibirlo pasa a ser un seudónimo.\n"
        "Envíe solo las tablas que tenga: cada una dice qué permite responder.\n"
    ),
    "en": (
        "One row per thing, one column per fact; Excel, CSV, SPSS (.sav) or Parquet, just as exported.\n"
        "No need to sort or recode. **Please send no names, e-mails, phones or addresses**: only a customer\n"
        "code, the same in every file; on arrival it is replaced by a pseudonym.\n"
        "Send only the tables you have: each says what it lets us answer.\n"
    ),
}


def data_request(language: Language) -> str:
    """Return the sheet that asks a client for its data, as Markdown: each table, why, and its columns.

    The tables come in order of need; those that only some clients have stand apart, at the end.

    Examples
    --------
    >>> data_request("en").splitlines()[0]
    '# Data request'
    """
    title, *_ = _TITLES[language]
    parts = [f"# {title}\n", _OPENINGS[language]]
    for optional, group in groupby(tables().items(), key=lambda each: each[1].optional):
        parts += [f"# {_TITLES[language][-1]}\n"] if optional else []
        parts += [_table_request(name, table, language) for name, table in group]
    return "\n".join(parts)


def _table_request(name: str, table: Table, language: Language) -> str:
    _, column, what, needed, yes, alternative, _ = _TITLES[language]
    groups = " / ".join(" + ".join(group) for group in table.one_of)
    lines = [
        f"## {name}\n",
        getattr(table, language),
        "",
        f"| {column} | {what} | {needed} |",
        "|---|---|---|",
    ]
    for each, declared in table.columns.items():
        optional = alternative.format(groups=groups) if any(each in group for group in table.one_of) else ""
        lines.append(f"| {each} | {getattr(declared, language)} | {yes if declared.required else optional} |")
    return "\n".join(lines) + "\n"


def commented_declaration(name: str, languages: tuple[Language, ...]) -> str:
    """Return a client.yaml with every key explained in the languages asked for.

    The form keeps each comment in both languages, marked `#es` and `#en`.
    """
    form = (files("cxlab.intake.declared") / "forms" / "client.yaml").read_text(encoding="utf-8")
    kept: list[str] = []
    for language, lines in groupby(form.replace("CLIENT", name).splitlines(), key=_language_of):
        if language is None:
            kept += lines
        elif language in languages:
            kept += [line.replace(f"#{language}", "#", 1) for line in lines]
    return "\n".join(kept) + "\n"


def _language_of(line: str) -> str | None:
    text = line.lstrip()
    return next((language for language in ("es", "en") if text.startswith(f"#{language} ")), None)
