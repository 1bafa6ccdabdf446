"""What cxlab says, in Spanish and in English: the catalogues of texts, and messages in another language.

The .po files under reporting/locale are the only source; they are compiled in memory, once per process.
Texts of claims, figures and pages are found by code, messages by their English template. Every room may
speak, so this is no part of any.
"""

from __future__ import annotations

import gettext
from collections.abc import Callable, Mapping
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from cxlab.errors import Message, Problem

LOCALE = Path(__file__).parent / "reporting" / "locale"


@cache
def catalogue(language: str) -> gettext.GNUTranslations:
    """Return the compiled catalogue of a language."""
    compiled = BytesIO()
    write_mo(compiled, _read(language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


@cache
def _read(language: str) -> Catalog:
    with (LOCALE / language / "LC_MESSAGES" / "cxlab.po").open("rb") as source:
        return read_po(source, locale=language, domain="cxlab")


@cache
def texts(language: str) -> Mapping[str, tuple[str, ...]]:
    """Return all texts of a language, by key or (messages) by their English: one, or one for each number."""
    found = {}
    for message in _read(language):
        key = message.id[0] if isinstance(message.id, list | tuple) else message.id
        said = message.string if isinstance(message.string, list | tuple) else (message.string,)
        found[str(key)] = tuple(map(str, said))
    return found


class _Comma(float):
    """A number that formats itself as Spanish does: 1.234,5 and 63 %."""

    def __format__(self, spec: str) -> str:
        text = super().__format__(spec).translate(str.maketrans(",.", ".,"))
        return text.replace("%", "\N{NO-BREAK SPACE}%")


def translate(message: Message | str, language: str, own: Callable[[str], str] | None = None) -> str:
    """Return an error message in `language`; English where no translation is known.

    `own` puts a text in a client's own words before its fields are filled in.

    Examples
    --------
    >>> translate(Message("column {column!r} is not in the table", column="ease"), "en")
    "column 'ease' is not in the table"
    """
    if language == "en" and own is None:
        return str.__str__(message)
    template, fields = getattr(message, "template", str(message)), getattr(message, "fields", {})
    said = catalogue(language).gettext(template) if template and language != "en" else template
    said = own(said) if own else said
    translated = {name: _field(value, language, own) for name, value in fields.items()}
    return str(said.format(**translated) if fields else said)


def _field(value: Any, language: str, own: Callable[[str], str] | None) -> Any:
    if isinstance(value, Message):
        return translate(value, language, own)
    return _Comma(value) if isinstance(value, float) and language != "en" else value


def problem_line(problem: Problem, language: str) -> str:
    """Return a problem in `language`, as one line.

    Examples
    --------
    >>> problem_line(Problem("9", "1 a 7", "corrija", file="a.csv", row=3, count=2), "es")
    'a.csv, fila 3: se encontró 9 (2 filas); se admite: 1 a 7. corrija'
    """
    if language == "en":
        return str(problem)
    text = catalogue(language)
    place = [problem.file]
    place += [text.gettext("problem.row").format(row=problem.row)] if problem.row else []
    place += [text.gettext("problem.column").format(column=problem.column)] if problem.column else []
    where = ", ".join(part for part in place if part)
    rows = text.ngettext("problem.rows", "problem.rows", problem.count)
    return text.gettext("problem.line").format(
        where=f"{where}: " if where else "",
        found=translate(problem.found, language),
        rows=" " + rows.format(count=thousands(problem.count, language)) if problem.count > 1 else "",
        allowed=translate(problem.allowed, language),
        action=translate(problem.action, language),
    )


def thousands(number: int, language: str) -> str:
    """Return a whole number with its thousands marked.

    Examples
    --------
    >>> thousands(12345, "es"), thousands(12345, "en")
    ('12.345', '12,345')
    """
    text = f"{number:,}"
    return text.replace(",", ".") if language == "es" else text
