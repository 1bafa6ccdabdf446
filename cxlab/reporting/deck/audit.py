"""Whether a deck, edited by hand, still says what was published: each of its numbers, and nobody else's name.

A number of a slide is looked for in the result that its foot names, and in texts published with it. It
is found if what is published rounds to it, at the decimals that it is written with; a share also as a
percentage. That is a net and no proof: a wrong number that happens to be another number of the same result
passes.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import product
from typing import Any

from cxlab.reporting.deck.grids import shown
from cxlab.reporting.deck.told import RUN, Told
from cxlab.reporting.glossary import terms
from cxlab.reporting.words import Words

NUMBER = re.compile(
    r"(?<![\w.,/])(?P<sign>(?<!\w)[−-])?"
    r"(?P<digits>\d{1,3}(?:[.,\u00a0\u202f]\d{3})+(?:[.,]\d+)?|\d+(?:[.,]\d+)?)(?![\w/]|[.,]\d)"
)
GROUPED = {"es": re.compile(r"\d{1,3}(?:[.\u00a0\u202f]\d{3})*(?:,\d+)?|\d+(?:,\d+)?")}
GROUPED["en"] = re.compile(r"\d{1,3}(?:[,\u00a0\u202f]\d{3})*(?:\.\d+)?|\d+(?:\.\d+)?")
MAIN = "main"
EXACT = 1e-9
MOST_SHARE = 2.0  # numbers up to it may be shares that are said in percent
SHORTEST = 4  # letters of a name that is searched for
OWN_TEXTS = ("table.low_base", "table.suppressed", "table.suppressed.employees", "table.withheld.note")


@dataclass(frozen=True)
class Number:
    """A number as it is written: its value, its decimals, whether a minus stands before it.

    A `distance` may be how far a limit is from its estimate, as a chart's workbook has it.
    """

    written: str
    value: float
    decimals: int
    negative: bool = False
    distance: bool = False


@dataclass(frozen=True)
class Unmatched:
    """A number that is not among the published ones, and the nearest of them."""

    told: Told
    written: str
    nearest: float | None


@dataclass
class Source:
    """What was published of a run: its results, and further texts that may stand on slides."""

    results: Sequence[Mapping[str, Any]]
    texts: Sequence[str] = ()
    language: str = "es"
    _known: dict[str, Published] = field(default_factory=dict, init=False, repr=False)

    def of(self, result: str) -> Published:
        """Return the numbers of one result (`2` of ``result-2``), or of all."""
        if result not in self._known:
            own = [b for b in self.results if str(b.get("id", "")).rpartition("-")[2] == result]
            self._known[result] = Published(own or self.results, self.texts, self.language)
        return self._known[result]


class Published:
    """The numbers of results, in order, and those that stand in texts."""

    def __init__(self, results: Sequence[Mapping[str, Any]], texts: Sequence[str], language: str) -> None:
        self.results = results
        leaves = [leaf for bundle in results for leaf in _leaves(_shown(bundle))]
        said = [*texts, *(leaf for leaf in leaves if isinstance(leaf, str))]
        self.written = {(n.value, n.decimals) for text in said for n in numbers(text, language)}
        values = {leaf for leaf in leaves if not isinstance(leaf, str)}
        values |= {100 * value for value in values if abs(value) <= MOST_SHARE}
        values |= {float(len(b["tables"][MAIN]["rows"])) for b in results if MAIN in b.get("tables", {})}
        self.numbers = sorted(values)

    @cached_property
    def gaps(self) -> Sequence[float]:
        """How far limits are from estimates, as error bars have it."""
        return sorted(gap for bundle in self.results for gap in _gaps(bundle))

    def has(self, number: Number) -> bool:
        """Whether a published number rounds to this one, or stands like this in a published text."""
        if any((side, number.decimals) in self.written for side in _sides(number)):
            return True
        if _near(self.numbers, number):
            return True
        return number.distance and _near(self.gaps, number)

    def nearest(self, number: Number) -> float | None:
        """Return the published number that is nearest, in size."""
        return min(self.numbers, key=lambda n: abs(abs(n) - abs(number.value)), default=None)


def _sides(number: Number) -> list[float]:
    """Return the values that a number may stand for: "ten points fewer" is a published −10."""
    return [number.value] if number.negative else [number.value, -number.value]


def _near(known: Sequence[float], number: Number) -> bool:
    room = 0.5 * 10.0**-number.decimals * (1 + 1e-6) + EXACT * abs(number.value)
    places = ((bisect_left(known, side - room), side + room) for side in _sides(number))
    return any(at < len(known) and known[at] <= end for at, end in places)


def unmatched(found: Iterable[Told], sources: Mapping[str, Source], language: str) -> list[Unmatched]:
    """Return the numbers of a deck that are in no result that it was made from.

    Parameters
    ----------
    found : iterable of Told
        What the deck says.
    sources : mapping
        By run.
    language : {"es", "en"}
        In which its numbers are written; one that can be read only as of the other is read so.
    """
    every = list(found)
    named = {slide: _named(every, slide, sources) for slide in {each.slide for each in every}}
    shown = {slide: [sources[run].of(result) for run, result in runs] for slide, runs in named.items()}
    missing: list[Unmatched] = []
    for each in every:
        for number in _numbers(each, language):
            known = shown[each.slide]
            if not any(published.has(number) for published in known):
                near = [n for p in known if (n := p.nearest(number)) is not None]
                nearest = min(near, key=lambda n: abs(abs(n) - abs(number.value)), default=None)
                missing.append(Unmatched(each, number.written, nearest))
    return list({(m.told, m.written): m for m in missing}.values())


def _named(found: Sequence[Told], slide: int, sources: Mapping[str, Source]) -> list[tuple[str, str]]:
    """Return the runs that a slide names, each with its result; of a slide that names none, all."""
    own = [m for each in found if each.slide == slide for m in RUN.finditer(each.text) if m[1] in sources]
    return list(dict.fromkeys((m[1], m[2] or "") for m in own)) or [(run, "") for run in sources]


def _numbers(told: Told, language: str) -> Iterator[Number]:
    if told.number is not None:
        text = repr(told.number)
        decimals = len(text.partition(".")[2]) if "e" not in text and not told.number.is_integer() else 0
        decimals = 12 if "e" in text else decimals
        yield Number(text, told.number, decimals, told.number < 0, distance=told.where == "workbook")
        return
    yield from numbers(told.text, language)


def numbers(text: str, language: str) -> Iterator[Number]:
    """Give the numbers of a text as they are written in a language.

    Examples
    --------
    >>> [(n.value, n.decimals) for n in numbers("De 1.234,5 a −3 puntos (Q3, 95\N{NO-BREAK SPACE}%)", "es")]
    [(1234.5, 1), (-3.0, 0), (95.0, 0)]
    """
    for match in NUMBER.finditer(RUN.sub(" ", _own_texts(language).sub(" ", text))):
        digits = match["digits"]
        for each in (language, "en" if language == "es" else "es"):
            if GROUPED[each].fullmatch(digits):
                point = "," if each == "es" else "."
                whole, _, part = digits.partition(point)
                value = float(re.sub(r"\D", "", whole) + (f".{part}" if part else ""))
                negative = bool(match["sign"])
                yield Number(match[0], -value if negative else value, len(part), negative)
                break


@lru_cache(maxsize=2)
def _own_texts(language: str) -> re.Pattern[str]:
    """Return what a deck says of itself, whose numbers are nobody's: its notes, its glossary."""
    words = Words(language)
    said = [words(key) for key in OWN_TEXTS if words.known(key)]
    said = [re.escape(text) for text in (*said, *(part for entry in terms(words) for part in entry))]
    for count in (1, 2):
        left = re.escape(words.plural("deck.part", count))
        said.append(left.replace(str(count), r"[\d.,]+"))
    return re.compile("|".join(said))


def _shown(bundle: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a deck may show of a result: the tables of its slides, and all that is no table."""
    names = {shown(bundle, claim) for claim in ({}, *bundle.get("claims", ()))} if "tables" in bundle else ()
    return {**bundle, "tables": {n: bundle["tables"][n] for n in sorted(names) if n in bundle["tables"]}}


def _leaves(value: Any) -> Iterator[float | str]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield str(key)
            yield from _leaves(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _leaves(each)
    elif isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield float(value)


def _gaps(bundle: Mapping[str, Any]) -> Iterator[float]:
    """Give how far limits are from estimates, as error bars have it."""
    table = bundle.get("tables", {}).get(MAIN, {"columns": [], "rows": []})
    ends = [k for k, c in enumerate(table["columns"]) if "low" in c or "high" in c]
    for row in table["rows"]:
        known = [k for k, v in enumerate(row) if isinstance(v, int | float) and not isinstance(v, bool)]
        for end, other in product([k for k in ends if k in known], known):
            yield abs(row[end] - row[other])


# --- names ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Named:
    """A name of another client, and where it stands."""

    told: Told
    name: str


def named(found: Iterable[Told], names: Iterable[str], own: Iterable[str] = ()) -> list[Named]:
    """Return where names stand in a deck, whatever their capitals and accents; `own` names are no finding.

    One word in small letters, as a folder is called, is looked for only where it begins with a capital.
    """
    mine = {_plain(name) for name in own}
    searched = {name: _pattern(name) for name in names if len(name) >= SHORTEST and _plain(name) not in mine}
    return [
        Named(each, name)
        for each in found
        for name, pattern in searched.items()
        if pattern.search(_plain(each.text, fold=False) if _small(name) else _plain(each.text))
    ]


def _small(name: str) -> bool:
    return name.isalpha() and name.islower()


def _pattern(name: str) -> re.Pattern[str]:
    if _small(name):
        said = f"(?:{re.escape(name.capitalize())}|{re.escape(name.upper())})"
    else:
        said = r"[\s_-]+".join(map(re.escape, re.split(r"[\s_-]+", _plain(name))))
    return re.compile(rf"(?<!\w){said}(?!\w)")


def _plain(text: str, *, fold: bool = True) -> str:
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return bare.casefold() if fold else bare
