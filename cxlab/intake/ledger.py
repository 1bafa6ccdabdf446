"""What came in, what was used and why the rest was not: the rows that `cxlab check` prints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from cxlab.errors import Message, Problem
from cxlab.intake.rules import Standing

COLUMNS = ("table", "file", "read", "used", "excluded", "reason")

# The few words of the ledger itself; problems and notes are messages, translated by their catalogue.
_WORDS: dict[str, dict[str, str]] = {
    "es": {
        "read": "leídas", "used": "usadas", "excluded": "excluidas", "unmapped": "columnas no usadas",
        "dropped": "columnas descartadas", "note": "nota", "match": "encuestas con cliente", "rows": "filas",
        "blank lines": "líneas vacías", "header rows": "filas de encabezado", "of": "de",
        "joined": "clientes con encuesta previa a la salida", "tables": "tablas",
        "footer rows": "filas finales", "survey previews": "vistas previas de la encuesta",
        "survey tests": "pruebas de la encuesta", "hidden rows": "filas ocultas",
    },
    "en": {
        "read": "read", "used": "used", "excluded": "excluded", "unmapped": "columns not used",
        "dropped": "columns dropped", "note": "note", "match": "surveys with their customer", "rows": "rows",
        "blank lines": "blank lines", "header rows": "header rows", "of": "of",
        "joined": "customers with a survey before they left", "tables": "tables",
        "footer rows": "rows at the end", "survey previews": "previews of the survey",
        "survey tests": "tests of the survey", "hidden rows": "hidden rows",
    },
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """The outcome of a check.

    Attributes
    ----------
    client : str
    language : {"es", "en"}
        The client's, in which `str` gives the ledger.
    tables : dict of str to dict
        What tables.json says of each table: hash, rows, sources, scales.
    problems : tuple of Problem
        What stops the check; empty when the tables were written.
    warnings : tuple of Problem
        What does not stop it, but every reader of a number should know.
    rules : tuple of Standing
        How each of the 26 rules stands.
    notes : tuple of Message
        What was done that a person should know.
    """

    client: str
    language: Literal["es", "en"] = "es"
    tables: Mapping[str, Mapping[str, Any]]
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    rules: tuple[Standing, ...] = ()
    notes: tuple[Message, ...] = field(default=())

    @property
    def ledger(self) -> pd.DataFrame:
        """One row for each file and reason: table, file, read, used, excluded, reason.

        The first row of a file has what was read and used, and no reason.
        """
        rows = [row for table, entry in self.tables.items() for row in ledger_rows(table, entry["sources"])]
        return pd.DataFrame(rows, columns=list(COLUMNS))

    @property
    def problem_rows(self) -> pd.DataFrame:
        """The problems as a table: file, column, row, rows, found, allowed, action."""
        rows = [
            (p.file, p.column, p.row, p.count, str(p.found), str(p.allowed), str(p.action))
            for p in self.problems
        ]
        return pd.DataFrame(rows, columns=["file", "column", "row", "rows", "found", "allowed", "action"])

    def __str__(self) -> str:
        """Return the ledger as text, in the client's language."""
        return "\n".join(self.lines())

    def lines(
        self, language: Literal["es", "en"] | None = None, *, say: Callable[[Message], str] = str
    ) -> list[str]:
        """Return the ledger as lines of text, ready to print.

        Parameters
        ----------
        language : {"es", "en"}, optional
            The client's, if not given.
        say : callable
            Gives a note in that language; as it stands, notes are in English.
        """
        language = language or self.language
        words = _WORDS[language]
        lines: list[str] = []
        for table, entry in self.tables.items():
            lines.append(f"{table}: {_thousands(entry['rows'], language)} {words['rows']}")
            for source in entry["sources"]:
                lines += _source_lines(source, words, language)
            lines += _match_lines(entry.get("survey_match"), words, language)
        lines += [f"{words['note']}: {say(note)}" for note in self.notes]
        return lines


def ledger_rows(table: str, sources: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Give the ledger of a table: for each file what was read and used, then each reason with its count."""
    for source in sources:
        out = sum(source["excluded"].values())
        whole = (table, source["file"], source["read"], source["used"], out, "")
        yield dict(zip(COLUMNS, whole, strict=True))
        for reason, count in source["excluded"].items():
            yield dict(zip(COLUMNS, (table, source["file"], None, None, count, reason), strict=True))


def _source_lines(source: Mapping[str, Any], words: Mapping[str, str], language: str) -> Iterator[str]:
    out = sum(source["excluded"].values())
    counts = ", ".join(
        f"{words[name]} {_thousands(count, language)}"
        for name, count in (("read", source["read"]), ("used", source["used"]), ("excluded", out))
    )
    yield f"  {source['file']}: {counts}"
    for reason, count in source["excluded"].items():
        yield f"    {words['excluded']} {_thousands(count, language)}: {words.get(reason, reason)}"
    for kind in ("unmapped", "dropped"):
        if source[kind]:
            yield f"    {words[kind]} ({len(source[kind])}): {', '.join(source[kind])}"


def _match_lines(match: Mapping[str, Any] | None, words: Mapping[str, str], language: str) -> Iterator[str]:
    if not match:
        return
    share = f"{100 * match['rate']:.1f} %" if match["rate"] is not None else "-"
    if language == "es":
        share = share.replace(".", ",")
    found, asked = (_thousands(match[name], language) for name in ("matched", "with_customer"))
    yield f"  {words['match']}: {found} {words['of']} {asked} ({share})"
    with_survey, customers = (_thousands(match[name], language) for name in ("with_survey", "customers"))
    yield f"  {words['joined']}: {with_survey} {words['of']} {customers}"


def _thousands(number: int, language: str) -> str:
    text = f"{number:,}"
    return text.replace(",", ".") if language == "es" else text
