"""A client's own words for ours: «queja» where our sentences say «reclamo», in its case, number and gender.

Only whole words of our own texts are changed: what is filled in (labels of the client, categories, verbatims,
numbers) and code are not. In Spanish an article or a determiner right before the word follows its gender,
which is told by its ending, or by the article that the glossary gives: ``la señal: el aviso``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from cxlab.catalogues import texts

_LITERAL = re.compile(r"\{[^{}]*\}")  # what a template fills in
# What Markdown does not read as prose: fences, code, formulas, addresses.
_PROSE_LITERAL = re.compile(r"```.*?```|`[^`]*`|\$[^$]*\$|\]\([^)]*\)|https?://\S+|doi:\S+", re.DOTALL)
_ARTICLES = {"el": "m", "un": "m", "la": "f", "una": "f", "los": "m", "las": "f"}
# Masculine and feminine of what may stand before a noun; the first pair that has a word is its pair.
_PAIRS = (
    ("el", "la"), ("los", "las"), ("un", "una"), ("unos", "unas"), ("del", "de la"), ("al", "a la"),
    ("este", "esta"), ("estos", "estas"), ("ese", "esa"), ("esos", "esas"), ("ningún", "ninguna"),
    ("algún", "alguna"), ("otro", "otra"), ("otros", "otras"), ("mismo", "misma"), ("mismos", "mismas"),
    ("todos los", "todas las"), ("muchos", "muchas"), ("pocos", "pocas"), ("primer", "primera"),
)  # fmt: skip
_TURNED = {"m": dict(_PAIRS), "f": {f: m for m, f in _PAIRS}}
_BEFORE = "|".join(sorted({re.escape(w) for pair in _PAIRS for w in pair}, key=len, reverse=True))
_FEMININE = ("a", "ción", "sión", "dad", "tad", "tud", "ez")
_WORD = re.compile(r"\w+")


def regional(glossary: Mapping[str, Any] | None, language: str) -> Mapping[str, str]:
    """Return the entries of a client's glossary that hold in a language; those without one are Spanish.

    Examples
    --------
    >>> regional({"reclamo": "queja", "en": {"customer": "member"}}, "en")
    {'customer': 'member'}
    >>> regional({"reclamo": "queja", "en": {"customer": "member"}}, "es")
    {'reclamo': 'queja'}
    """
    given = glossary or {}
    own = given.get(language)
    plain = {k: v for k, v in given.items() if isinstance(v, str)} if language == "es" else {}
    return {**plain, **(own if isinstance(own, Mapping) else {})}


def template(text: str, entries: Mapping[str, str], language: str) -> str:
    """Return a text of the catalogue in the client's words; its fields stay as they are.

    Examples
    --------
    >>> template("El reclamo de {reclamo}; los Reclamos.", {"reclamo": "queja"}, "es")
    'La queja de {reclamo}; las Quejas.'
    """
    return _changed(text, tuple(sorted(entries.items())), language, _LITERAL)


def prose(text: str, entries: Mapping[str, str], language: str) -> str:
    """Return a text of a notebook, in Markdown, in the client's words; code and addresses stay.

    Examples
    --------
    >>> prose("Each customer, `customer_id`", {"customer": "member"}, "en")
    'Each member, `customer_id`'
    """
    return _changed(text, tuple(sorted(entries.items())), language, _PROSE_LITERAL)


def unknown(glossary: Mapping[str, Any], notebooks: Path | None = None) -> Iterator[tuple[str, str, str]]:
    """Give the entries that change nothing, as none of our texts says them: language, word, nearest word.

    Parameters
    ----------
    glossary : mapping
        As client.yaml has it.
    notebooks : Path, optional
        The folder of the notebooks, whose prose is ours too.

    Examples
    --------
    >>> list(unknown({"intervlo": "rango", "en": {"customer": "member"}}))
    [('es', 'intervlo', 'intervalo')]
    """
    for language in ("es", "en"):
        if not regional(glossary, language):
            continue
        said, each = _said(language, notebooks)
        for entry in regional(glossary, language):
            word, _ = _noun(entry, language)
            forms = (word.casefold(), plural(word, language).casefold())
            if not any(f" {form} " in said for form in forms):
                near = get_close_matches(word.casefold(), each, n=1, cutoff=0.6)
                yield language, entry, near[0] if near else ""


@cache
def _said(language: str, notebooks: Path | None) -> tuple[str, list[str]]:
    """Return all that our texts say in a language, as words one after the other, and each of them."""
    said = [key for key in texts("es") if " " in key] if language == "en" else []  # messages are English
    said += [text for forms in texts(language).values() for text in forms]
    said += _of_notebooks(language, notebooks) if notebooks else []
    # A name of a column is no word; what is filled in parts words from each other.
    lines = [[w if w.isalpha() else "|" for w in _WORD.findall(_LITERAL.sub(" 0 ", text))] for text in said]
    words = [" ".join(line).casefold() for line in lines]
    return f" {' | '.join(words)} ", sorted({word for line in words for word in line.split()})


def _of_notebooks(language: str, folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("*.ipynb")):
        try:
            cells = json.loads(path.read_text(encoding="utf-8-sig"))["cells"]
        except (OSError, ValueError, KeyError, TypeError):
            continue  # whoever runs it will be told
        for cell in cells:
            if f"lang-{language}" in cell.get("metadata", {}).get("tags", ()):
                yield _PROSE_LITERAL.sub(" 0 ", "".join(cell.get("source", "")))


@lru_cache(maxsize=4096)
def _changed(text: str, entries: tuple[tuple[str, str], ...], language: str, literal: re.Pattern[str]) -> str:
    if not entries:
        return text
    pattern, forms = _compiled(entries, language)
    parts, at = [], 0
    for kept in literal.finditer(text):
        parts += [pattern.sub(forms, text[at : kept.start()]), kept[0]]
        at = kept.end()
    return "".join([*parts, pattern.sub(forms, text[at:])])


@lru_cache(maxsize=16)
def _compiled(entries: tuple[tuple[str, str], ...], language: str) -> tuple[re.Pattern[str], Any]:
    """Return a pattern of all forms of all words, and what each match becomes."""
    known: dict[str, tuple[str, str]] = {}
    for ours, theirs in entries:
        (ours, was), (theirs, becomes) = _noun(ours, language), _noun(theirs, language)
        turned = "" if was == becomes else was
        for one, other in ((ours, theirs), (plural(ours, language), plural(theirs, language))):
            known[one.casefold()] = (other, turned)
    forms = "|".join(re.escape(form) for form in sorted(known, key=len, reverse=True))
    before = rf"(?:(?P<before>{_BEFORE})(?P<gap>\s+))?" if language == "es" else "(?P<before>)(?P<gap>)"
    pattern = re.compile(rf"(?<![\w-]){before}(?P<form>{forms})(?![\w-])", re.IGNORECASE)

    def becomes_(match: re.Match[str]) -> str:
        theirs, gender = known[match["form"].casefold()]
        before, gap = match["before"] or "", match["gap"] or ""
        other = _TURNED[gender].get(before.casefold(), before) if gender and before else before
        return f"{_cased(before, other)}{gap}{_cased(match['form'], theirs)}"

    return pattern, becomes_


def _noun(given: str, language: str) -> tuple[str, str]:
    """Return a word of the glossary without its article, and its gender."""
    first, _, rest = given.strip().partition(" ")
    if language == "es" and rest and first.casefold() in _ARTICLES:
        return rest, _ARTICLES[first.casefold()]
    last = given.strip().split(" ")[0]
    return given.strip(), "f" if language == "es" and last.casefold().endswith(_FEMININE) else "m"


def plural(word: str, language: str) -> str:
    """Return the plural of a word, of several words that of the first (Spanish) or the last (English).

    Examples
    --------
    >>> [plural(word, "es") for word in ("queja", "canal", "vez", "reclamación", "orden de servicio")]
    ['quejas', 'canales', 'veces', 'reclamaciones', 'órdenes de servicio']
    >>> [plural(word, "en") for word in ("member", "branch", "company", "day", "service box")]
    ['members', 'branches', 'companies', 'days', 'service boxes']
    """
    parts = word.split(" ")
    at = 0 if language == "es" else -1
    parts[at] = _spanish(parts[at]) if language == "es" else _english(parts[at])
    return " ".join(parts)


def _spanish(word: str) -> str:
    if word.endswith(("s", "x")) and not re.search(r"[áéíóú]s$", word):
        return word
    if re.search(r"[aeiouáéó]$", word):
        return f"{word}s"
    if word.endswith("z"):
        return f"{word[:-1]}ces"
    if found := re.fullmatch(r"(.*)([áéíóú])([ns])", word):  # the stress stays where it is
        return f"{found[1]}{found[2].translate(str.maketrans('áéíóú', 'aeiou'))}{found[3]}es"
    if found := re.fullmatch(r"(.*?)([aeiou])([^aeiouáéíóú]+en)", word):
        return f"{found[1]}{found[2].translate(str.maketrans('aeiou', 'áéíóú'))}{found[3]}es"
    return f"{word}es"


def _english(word: str) -> str:
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return f"{word}es"
    return f"{word[:-1]}ies" if re.search(r"[^aeiou]y$", word) else f"{word}s"


def _cased(like: str, text: str) -> str:
    """Return `text` in the case of `like`: all capitals, a first capital, or as it is."""
    if len(like) > 1 and like.isupper():
        return text.upper()
    return text[:1].upper() + text[1:] if like[:1].isupper() else text
