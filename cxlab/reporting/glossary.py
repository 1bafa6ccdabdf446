"""The executives' glossary: what the technical words of a page mean, only those that the page uses.

Each term has three texts in the catalogues, which a translator can edit: ``glossary.CODE`` is the term,
``glossary.CODE.meaning`` what it means in a sentence or two, and ``glossary.CODE.forms`` the words by which a
page is searched for it, separated by bars (``*`` at the end of one stands for any ending).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from html import unescape

from cxlab.catalogues import texts
from cxlab.reporting.rendering import rendered
from cxlab.reporting.words import Words

PREFIX, MEANING, FORMS = "glossary.", ".meaning", ".forms"
_SILENT = re.compile(r"<(style|code|pre|svg)\b.*?</\1>|<[^>]*>", re.DOTALL)


def codes() -> tuple[str, ...]:
    """Return the codes of all terms, as the catalogues hold them.

    Examples
    --------
    >>> {"interval", "hazard_ratio", "nps"} <= set(codes())
    True
    """
    keys = [key for key in texts("en") if key.startswith(PREFIX) and key.endswith(MEANING)]
    return tuple(sorted(key.removeprefix(PREFIX).removesuffix(MEANING) for key in keys))


def terms(words: Words, used: str | Iterable[str] | None = None) -> list[tuple[str, str]]:
    """Return the terms of the glossary and what each means, in the order of the alphabet.

    Parameters
    ----------
    words : Words
        Language of the glossary, which is that of the texts.
    used : str or iterable of str, optional
        Plain texts: only terms that stand in them are returned; without it, all.

    Examples
    --------
    >>> found = terms(Words("en"), "The hazard ratio is 0.80 (95% interval: 0.76 to 0.84).")
    >>> [term for term, meaning in found]
    ['Hazard ratio', 'Interval']
    """
    text = None if used is None else used if isinstance(used, str) else " ".join(used)
    found = [code for code in codes() if text is None or _pattern(words, code).search(text)]
    return sorted(
        ((words(f"{PREFIX}{code}"), words(f"{PREFIX}{code}{MEANING}")) for code in found),
        key=lambda entry: _plain(entry[0]),
    )


def glossary_html(words: Words, html: str) -> str:
    """Return a folded section with the terms that a page uses, or nothing where it uses none."""
    found = terms(words, text_of(html))
    summary = words.plural("page.glossary", len(found)) if found else ""
    return rendered("glossary.html.j2", terms=found, summary=summary) if found else ""


def text_of(html: str) -> str:
    """Return what a reader of a page reads: no tags, no code, no figure.

    Examples
    --------
    >>> text_of("<p>the <b>base</b></p><code>interval</code>").split()
    ['the', 'base']
    """
    return unescape(_SILENT.sub(" ", html))


def _pattern(words: Words, code: str) -> re.Pattern[str]:
    forms = [form.strip() for form in words(f"{PREFIX}{code}{FORMS}").split("|")]
    return re.compile("|".join(_whole(form) for form in forms if form), re.IGNORECASE)


def _whole(form: str) -> str:
    """Return a form as a pattern of whole words; signs such as † have no edges."""
    said = re.escape(form.removesuffix("*")).replace(r"\ ", r"\s+")
    start = r"(?<!\w)" if re.match(r"\w", form) else ""
    end = r"\w*" if form.endswith("*") else r"(?!\w)" if re.search(r"\w$", form) else ""
    return f"{start}{said}{end}"


def _plain(text: str) -> str:
    """Return a text without accents in lower case: the order of a dictionary."""
    split = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in split if not unicodedata.combining(letter))
