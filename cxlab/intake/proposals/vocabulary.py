"""What clients call things: `synonyms.yaml`, the texts of the canonical tables, and how names compare."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from difflib import SequenceMatcher
from functools import cache, lru_cache

from pydantic import BaseModel, ConfigDict

from cxlab.errors import Message
from cxlab.intake.declared.canonical import Column
from cxlab.intake.declared.declaration import packaged
from cxlab.intake.declared.models import Reason

# A code before the words of a question: P5., Q3_1, DS1., MB11_E.
_QUESTION_CODE = re.compile(r"^(?:[a-z]{1,3}\d{1,3}(?: ?[a-z0-9]{1,2})?|\d{1,3}) (?=[a-z]{3})")
_SCALE_WORDS = re.compile(r" (?:escala )?(?:de |del |from )?[01] (?:a|al|to) \d{1,3}$")
# More words than this are a question, not a name.
NAME_WORDS = 5
CLOSE = 0.88


class Vocabulary(BaseModel):
    """The content of synonyms.yaml, all words folded."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    headers: dict[str, tuple[str, ...]]
    questions: dict[str, tuple[str, ...]]
    tables: dict[str, tuple[str, ...]]
    personal: frozenset[str]
    postal: frozenset[str]
    technical: frozenset[str]
    values: dict[str, dict[str, frozenset[str]]]
    yes: frozenset[str]
    no: frozenset[str]
    no_answer: dict[Reason, frozenset[str]]
    good: frozenset[str]
    bad: frozenset[str]
    orders: tuple[tuple[str, ...], ...]


@cache
def vocabulary() -> Vocabulary:
    """Return the words by which columns and values are known."""
    return Vocabulary.model_validate(packaged("proposals/synonyms.yaml"))


@lru_cache(maxsize=20_000)
def folded(text: str) -> str:
    """Return a text as it is compared: no accents, capitals, signs or repeated blanks.

    Examples
    --------
    >>> folded("  Región  METROPOLITANA "), folded("customerID"), folded("MB11_E. ¿Cuánta?")
    ('region metropolitana', 'customer id', 'mb11 e cuanta')
    """
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    bare = "".join(each for each in unicodedata.normalize("NFKD", parted) if not unicodedata.combining(each))
    return " ".join(re.sub(r"[\W_]+", " ", bare.casefold()).split())


def name_of(header: str) -> str:
    """Return a header as it is compared, without the question's code before its words nor the scale after."""
    return _SCALE_WORDS.sub("", _QUESTION_CODE.sub("", folded(header)))


def name_match(header: str, question: str, column: str, known: Column) -> tuple[float, Message | None]:
    """Return from 0 to 1 how well a header and its question say that this is a canonical column, and why.

    Examples
    --------
    >>> from cxlab.intake.declared.canonical import tables
    >>> of = tables()["customers"].columns
    >>> round(name_match("Fecha de Alta", "", "start_date", of["start_date"])[0], 2)
    0.95
    """
    words = vocabulary()
    name, compact = name_of(header), folded(header).replace(" ", "")
    synonyms = words.headers.get(column, ())
    same = [at for at, each in enumerate(synonyms) if compact == each.replace(" ", "")]
    if same or compact == column.replace("_", ""):
        # The first words of a list are the surest: a recorded date before an end date.
        return 0.95 - 0.002 * (min(same[0], 10) if same else 0), Message("its name")
    if name in synonyms:
        return 0.93, Message("its name")
    said = folded(question) if question else name if len(name.split()) > NAME_WORDS else ""
    if len(name.split()) <= NAME_WORDS:
        inner = max((each for each in synonyms if _holds(name, each)), key=len, default="")
        if inner:
            return 0.7 + 0.2 * len(inner) / len(name), Message("its name has {word!r}", word=inner)
        if any(SequenceMatcher(None, name, each).ratio() >= CLOSE for each in _texts(known, synonyms)):
            return 0.75, Message("its name is close to that of {column}", column=column)
    if said:
        if said in synonyms or said.replace(" ", "") in {each.replace(" ", "") for each in synonyms}:
            return 0.9, Message("its question")
        phrase = max((each for each in words.questions.get(column, ()) if each in said), key=len, default="")
        if phrase:
            return 0.83 + 0.0005 * len(phrase), Message("its question has {word!r}", word=phrase)
    return 0.0, None


def _holds(name: str, phrase: str) -> bool:
    return len(phrase) >= 3 and f" {phrase} " in f" {name} "


def _texts(known: Column, synonyms: Iterable[str]) -> Iterator[str]:
    yield from (each for each in synonyms if len(each) >= 5)
    yield from (folded(re.sub(r"\(.*?\)|,.*", "", text)) for text in (known.es, known.en))


def table_hint(file: str, table: str) -> float:
    """Return how much a file's name speaks for a table, from 0 to 1."""
    name = f" {folded(re.sub(r'[0-9]+', ' ', file))} "
    return max((1.0 for word in vocabulary().tables.get(table, ()) if f" {word} " in name), default=0.0)


def listed_name(header: str, question: str, words: frozenset[str]) -> bool:
    """Tell whether a header, or its question if short, is one of some names, however it is spaced.

    Examples
    --------
    >>> names = vocabulary().personal
    >>> listed_name("LocationLatitude", "", names), listed_name("V3", "Name", names)
    (True, True)
    """
    compact = {each.replace(" ", "") for each in words}
    said = {folded(header), name_of(header)} | ({folded(question)} if len(question) < 40 else set())
    return any(each.replace(" ", "") in compact for each in said if each)


def no_answer(text: str) -> Reason | None:
    """Return why there is no answer, if the text says that there is none.

    Examples
    --------
    >>> no_answer("8.- No sabe"), no_answer("NS/NR"), no_answer("N/A"), no_answer("Norte")
    ('dont_know', 'dont_know', 'not_applicable', None)
    """
    said = folded(text)
    bare = re.sub(r"^\d+ ", "", said)
    known: Mapping[Reason, frozenset[str]] = vocabulary().no_answer
    return next((reason for reason, words in known.items() if said in words or bare in words), None)


def canonical_value(column: str, text: str, *extra: str) -> str:
    """Return the canonical value that a client's text stands for in a column, or an empty text.

    Examples
    --------
    >>> canonical_value("mode", "Telefónico"), canonical_value("mode", "Fax")
    ('phone', '')
    """
    known = vocabulary().values.get(column, {})
    tries = [folded(each) for each in (text, *extra) if each]
    tries += [re.sub(r"^\d+ ", "", each) for each in tries]
    tries += [each.replace(" ", "") for each in tries]  # WhatsApp, Call Center
    return next((value for each in tries for value, words in known.items() if each in words), "")


def towards_good(text: str) -> int:
    """Return 1 if a label is of the good end of a scale, -1 if of the bad end, 0 if it does not say.

    Examples
    --------
    >>> towards_good("1.-Mucha confianza"), towards_good("4.- Nada de confianza"), towards_good("Regular")
    (1, -1, 0)
    """
    said = re.sub(r"^\d+ ", "", folded(text))
    ends = [(phrase, 1) for phrase in vocabulary().good] + [(phrase, -1) for phrase in vocabulary().bad]
    found = [(len(phrase), side) for phrase, side in ends if said == phrase or said.startswith(phrase + " ")]
    return max(found)[1] if found else 0


def ordered(texts: Iterable[str]) -> dict[str, int]:
    """Return the point of each text if together they are answers of a known order; empty if not.

    Examples
    --------
    >>> ordered(["Satisfecho", "Muy satisfecho", "Insatisfecho"])
    {'Satisfecho': 4, 'Muy satisfecho': 5, 'Insatisfecho': 2}
    """
    names = {text: re.sub(r"^\d+ ", "", folded(text)) for text in texts}
    for order in vocabulary().orders:
        if len(names) >= 3 and set(names.values()) <= set(order):
            return {text: order.index(name) + 1 for text, name in names.items()}
    return {}


def own_name(header: str, taken: Iterable[str]) -> str:
    """Return a name of the client's own for a header: attr_ and its words, unlike those taken.

    Examples
    --------
    >>> own_name("MB11_K. Carabineros ¿Cuánta confianza?", ["attr_x"])
    'attr_mb11_k_carabineros_cuanta_confianza'
    >>> own_name("Q7FOOD", ["attr_q7food"])
    'attr_q7food_2'
    """
    words = re.sub(r"[^a-z0-9]+", " ", folded(header)).split()
    slug = ""
    for word in words:
        if len(slug) + len(word) > 44:
            break
        slug = f"{slug}_{word}".strip("_")
    slug = "attr_" + (slug or (words[0][:44] if words else "column"))
    used, number, made = set(taken), 2, slug
    while made in used:
        made, number = f"{slug}_{number}", number + 1
    return made
