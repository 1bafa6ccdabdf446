"""The words of mapping.xlsx: its sheets, headings and the terms of its lists, in the client's language.

What is read back is understood in either language, however it is capitalised or accented.
"""

from __future__ import annotations

from collections.abc import Mapping

from cxlab.intake.declared.models import Language
from cxlab.intake.proposals.vocabulary import folded

FILE = "mapping.xlsx"
SHEETS: dict[Language, dict[str, str]] = {
    "es": {
        "help": "cómo se llena",
        "files": "archivos",
        "columns": "columnas",
        "values": "valores",
        "changes": "cambios",
    },
    "en": {
        "help": "how to fill it",
        "files": "files",
        "columns": "columns",
        "values": "values",
        "changes": "changes",
    },
}
# Headings by field, in the order of the sheet: Spanish, English, width.
FILES: dict[str, tuple[str, str, int]] = {
    "file": ("archivo", "file", 34),
    "table": ("tabla", "table", 20),
    "wave": ("ola", "wave", 10),
    "signed_by": ("firma", "signed by", 16),
    "signed_on": ("fecha de firma", "date", 14),
    "confidence": ("confianza", "confidence", 11),
    "encoding": ("codificación", "encoding", 13),
    "separator": ("separador", "separator", 13),
    "decimal": ("decimales", "decimal mark", 12),
    "thousands": ("miles", "thousands mark", 12),
    "header_row": ("fila de los nombres", "row of the names", 12),
    "header_rows": ("filas de nombres", "rows of names", 12),
    "layout": ("exportado de", "exported from", 14),
    "skip_after_header": ("saltar bajo los nombres", "skip under the names", 12),
    "skip_at_end": ("saltar al final", "skip at the end", 12),
    "more": ("otras claves", "other keys", 24),
    "evidence": ("por qué", "why", 90),
}
COLUMNS: dict[str, tuple[str, str, int]] = {
    "file": ("archivo", "file", 26),
    "header": ("encabezado", "header", 30),
    "question": ("pregunta", "question", 40),
    "examples": ("ejemplos", "examples", 34),
    "distinct": ("distintos", "distinct", 10),
    "blank": ("vacíos", "empty", 9),
    "decision": ("decisión", "decision", 12),
    "column": ("columna de la tabla", "column of the table", 30),
    "kind": ("clase", "kind", 16),
    "low": ("escala desde", "scale from", 10),
    "high": ("escala hasta", "scale to", 10),
    "direction": ("sentido", "direction", 18),
    "missing": ("códigos sin respuesta", "codes of no answer", 26),
    "recodes": ("valores que cambian", "values that change", 26),
    "form": ("formato de fecha", "date format", 16),
    "leading": ("número delante", "leading number", 10),
    "labelled": ("usar etiquetas", "use labels", 10),
    "confidence": ("confianza", "confidence", 11),
    "reasons": ("por qué", "why", 80),
}
VALUES: dict[str, tuple[str, str, int]] = {
    "file": ("archivo", "file", 26),
    "header": ("encabezado", "header", 34),
    "found": ("valor en el archivo", "value in the file", 34),
    "count": ("veces", "times", 9),
    "label": ("etiqueta", "label", 30),
    "means": ("significa", "means", 34),
}
# What changed from the wave before: to be read, nothing is typed there.
CHANGES: dict[str, tuple[str, str, int]] = {
    "file": ("archivo", "file", 26),
    "follows": ("sigue a", "goes on from", 26),
    "header": ("encabezado", "header", 24),
    "column": ("columna de la tabla", "column of the table", 24),
    "says": ("qué cambia", "what changed", 30),
    "before": ("antes", "before", 50),
    "after": ("ahora", "now", 50),
    "action": ("qué hacer", "what to do", 60),
}
# Terms by canonical word: Spanish, English.
TERMS: dict[str, dict[str, tuple[str, str]]] = {
    "decision": {
        "use": ("usar", "use"),
        "ignore": ("no usar", "not use"),
        "drop": ("descartar", "drop"),
        "id": ("código", "id"),
    },
    "kind": {
        "rating": ("nota", "rating"),
        "number": ("número", "number"),
        "category": ("categoría", "category"),
        "text": ("texto", "text"),
        "date": ("fecha", "date"),
        "flag": ("sí o no", "yes or no"),
        "id": ("código de persona", "code of a person"),
        "code": ("código", "code"),
        "multiple": ("opción múltiple", "multiple answer"),
    },
    "direction": {"up": ("más es mejor", "more is better"), "down": ("menos es mejor", "less is better")},
    "yes": {"yes": ("sí", "yes"), "no": ("no", "no")},
    "separator": {
        ",": ("coma", "comma"),
        ";": ("punto y coma", "semicolon"),
        "\t": ("tabulador", "tab"),
        "|": ("barra", "bar"),
    },
    "mark": {
        ",": ("coma", "comma"),
        ".": ("punto", "point"),
        " ": ("espacio", "space"),
        "": ("ninguno", "none"),
    },
    "reason": {
        "missing": ("sin respuesta", "no answer"),
        "dont_know": ("sin respuesta: no sabe", "no answer: does not know"),
        "refused": ("sin respuesta: no quiso", "no answer: refused"),
        "not_applicable": ("sin respuesta: no aplica", "no answer: does not apply"),
        "not_asked": ("sin respuesta: no se preguntó", "no answer: not asked"),
        "technical": ("sin respuesta: falla técnica", "no answer: technical"),
    },
    "table": {"-": ("no usar", "not use")},
    "line": {"*": ("(línea de la fila)", "(line of the row)")},
    "blanks": {" ": ("(espacios)", "(blanks)"), "": ("(vacío)", "(empty)")},
}
HELP: dict[Language, tuple[str, ...]] = {
    "es": (
        "Este libro propone cómo leer cada archivo y qué es cada columna. "
        "Nada se usa hasta que alguien lo confirma.",
        "1. Hoja «archivos»: revise la tabla y cómo se lee cada archivo. "
        "Un archivo que no se usa: «no usar» en tabla.",
        "2. Hoja «columnas»: decida cada fila. Las amarillas llegan sin decisión: «por qué» dice la duda.",
        "   usar: pasa a la columna de la tabla. no usar: queda en la lista y no se guarda. "
        "descartar: ni se guarda ni se mira (nombres, correos, teléfonos). "
        "código: se guarda como seudónimo.",
        "   Cada nota necesita su escala, como en el cuestionario, y su sentido: "
        "más es mejor, o menos es mejor.",
        "3. Hoja «valores»: qué significa cada valor. Vacío: queda como está. "
        "«sin respuesta: …»: no es una respuesta. Otro texto: pasa a ser ese valor.",
        "4. No cambie las columnas archivo, encabezado ni valor en el archivo: dicen de qué se habla.",
        "5. Firme cada archivo en «archivos» (firma y fecha), o todos con: "
        "cxlab map CLIENTE --confirm --by NOMBRE",
        "No escriba aquí datos de personas. Las columnas que podrían tenerlos no muestran ejemplos.",
    ),
    "en": (
        "This book proposes how to read each file and what each column is. "
        "Nothing is used until someone confirms it.",
        "1. Sheet “files”: check the table and how each file is read. "
        "A file that is not used: “not use” as table.",
        "2. Sheet “columns”: decide each row. The yellow ones come without a decision: “why” says the doubt.",
        "   use: it becomes the column of the table. not use: it stays listed and is not stored. "
        "drop: neither stored nor looked at (names, e-mails, phones). id: stored as a pseudonym.",
        "   Each rating needs its scale, as in the questionnaire, and its direction: "
        "more is better, or less is better.",
        "3. Sheet “values”: what each value means. Empty: it stays as it is. "
        "“no answer: …”: it is not an answer. Another text: it becomes that value.",
        "4. Do not change the columns file, header and value in the file: they say what is meant.",
        "5. Sign each file on “files” (signed by and date), or all with: "
        "cxlab map CLIENT --confirm --by NAME",
        "Write no personal data here. Columns that might hold them show no examples.",
    ),
}


def heading(fields: Mapping[str, tuple[str, str, int]], field: str, language: Language) -> str:
    """Return a field's heading in a language."""
    spanish, english, _ = fields[field]
    return spanish if language == "es" else english


def term(group: str, word: str, language: Language) -> str:
    """Return a term in a language; a word that is none of its group as it is.

    Examples
    --------
    >>> term("decision", "ignore", "es"), term("decision", "?", "es")
    ('no usar', '?')
    """
    told = TERMS[group].get(word)
    return word if told is None else told[0 if language == "es" else 1]


def terms(group: str, language: Language) -> list[str]:
    """Return all terms of a group in a language."""
    return [pair[0 if language == "es" else 1] for pair in TERMS[group].values()]


def meant(group: str, text: str) -> str | None:
    """Return the canonical word of a term in either language, None if it is none of its group.

    Examples
    --------
    >>> meant("decision", "No Usar"), meant("decision", "use"), meant("decision", "quizás")
    ('ignore', 'use', None)
    """
    said = folded(text)
    for word, pair in TERMS[group].items():
        if text == word or (said and said in {folded(each) for each in pair}):
            return word
    return None
