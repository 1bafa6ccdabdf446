"""What slides a deck has and what each says: a claim as its title, its figure, its foot and its notes.

A claim that two chapters make is told once, by the first; so is a figure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cxlab.reporting import body, cards, tables
from cxlab.reporting.cards import Card
from cxlab.reporting.deck.lettering import spoken
from cxlab.reporting.volume import Bundle, Chapter, Volume
from cxlab.reporting.words import Words, absent

SECTIONS = {"es": ("Método", "Lo que esto no muestra"), "en": ("Method", "What this does not show")}
_MARKS = re.compile(r"[*`]|(?<!\w)_|_(?!\w)|\[(?=[^\]]*\]\()|(?<=\])\([^)]*\)")


@dataclass(frozen=True, kw_only=True)
class Content:
    """A slide with one finding.

    Attributes
    ----------
    title : str
        The claim.
    claim : mapping, optional
        Whose rows stand out in the figure.
    card : Card, optional
        Its number, large at the left; of a figure's slide none.
    bundle : mapping
        The result that is drawn.
    chapter : Chapter
    foot : sequence of str
    notes : str
    alt : str
        Of the figure.
    """

    title: str
    claim: Mapping[str, Any] | None
    card: Card | None
    bundle: Bundle
    chapter: Chapter
    foot: Sequence[str]
    notes: str
    alt: str


@dataclass(frozen=True)
class _Source:
    """A chapter with what its prose says of its method and of its limits."""

    chapter: Chapter
    method: str
    limits: str


def contents(volume: Volume) -> list[tuple[Chapter, list[Content]]]:
    """Return the chapters with something to show, each with its slides: headlines, then other figures."""
    told: set[str] = set()
    drawn: set[str] = set()
    sources = {chapter.entry: _Source(chapter, *_sections(chapter)) for chapter in volume.chapters}
    found = []
    for chapter in volume.chapters:
        source = sources[chapter.entry]
        slides = [*_headlines(source, told, drawn, sources), *_figures(source, told, drawn)]
        if slides:
            found.append((chapter, slides))
    return found


def _headlines(
    source: _Source, told: set[str], drawn: set[str], sources: Mapping[str, _Source]
) -> Iterator[Content]:
    for claim in cards.headlines(source.chapter.results):
        said = str(claim.get("sentence", ""))
        if said not in told:
            own, bundle = _origin(claim, source, sources)
            told.add(said)
            drawn.add(_drawing(bundle))
            yield _content(own, bundle, claim, card=cards.card(claim, own.chapter.words))


def _origin(
    claim: Mapping[str, Any], source: _Source, sources: Mapping[str, _Source]
) -> tuple[_Source, Bundle]:
    """Return where a claim stands: one that a chapter took from another, with the other's figure and run."""
    told = claim.get("fields", {}).get("source") or {}
    if isinstance(told, Mapping) and told.get("entry") in sources:
        other = sources[str(told["entry"])]
        for bundle in other.chapter.results:
            if bundle.get("id") == told.get("result"):
                return other, bundle
    results = source.chapter.results
    return source, next(b for b in results if any(claim is each for each in b.get("claims", ())))


def _figures(source: _Source, told: set[str], drawn: set[str]) -> Iterator[Content]:
    """Give the results that were drawn in the report and stand on no slide yet."""
    for bundle in source.chapter.results:
        figure = bundle.get("figure") or {}
        if not figure.get("title") or _drawing(bundle) in drawn or not bundle["tables"]["main"]["rows"]:
            continue
        drawn.add(_drawing(bundle))
        untold = (c for c in bundle.get("claims", ()) if c.get("sentence") not in told)
        claim = cards.leading([c for c in untold if "source" not in c.get("fields", {})])
        told |= {str(claim.get("sentence"))} if claim else set()
        yield _content(source, bundle, claim)


def _drawing(bundle: Bundle) -> str:
    return f"{bundle.get('kind')} {bundle['tables'].get('main', {}).get('rows')}"


def _content(
    source: _Source, bundle: Bundle, claim: Mapping[str, Any] | None, card: Card | None = None
) -> Content:
    chapter, figure = source.chapter, bundle.get("figure") or {}
    title = str((claim or {}).get("short") or (claim or {}).get("sentence") or figure.get("title", ""))
    return Content(
        title=spoken(title).rstrip("."),
        claim=claim,
        card=card if card and card.number else None,
        bundle=bundle,
        chapter=chapter,
        foot=[spoken(part) for part in _foot(source, bundle, claim) if part],
        notes=_notes(source, bundle, claim),
        alt=spoken(figure.get("alt") or title),
    )


def reference(chapter: Chapter, bundle: Bundle) -> str:
    """Return the run and the result that a slide's numbers are of, as its foot says them."""
    return f"{chapter.run}/{str(bundle.get('id', '')).rpartition('-')[2]}"


def _foot(source: _Source, bundle: Bundle, claim: Mapping[str, Any] | None) -> Iterator[str]:
    chapter, words = source.chapter, source.chapter.words
    fields, settings = (claim or {}).get("fields", {}), bundle.get("settings", {})
    base = fields.get("n") if not absent(fields.get("n")) else bundle.get("n_used")
    if base:
        yield words("deck.base", n=words.number(base, 0))
    level = fields.get("level") or settings.get("level")
    if level:
        yield words("deck.level", level=words.percent(level))
    yield _method(source, bundle)
    yield words("deck.where", where=chapter.cover.where) if chapter.cover.where else ""
    yield words("deck.wave", wave=words.label("wave_id", chapter.cover.wave)) if chapter.cover.wave else ""
    flags = {str(f) for f in _column(bundle, "flag")}
    if "low_base" in flags:
        yield words("table.low_base")
    if "suppressed" in flags:
        yield words(tables.suppressed(tables.few_of(bundle)))
    yield words("deck.run", run=reference(chapter, bundle))


def _method(source: _Source, bundle: Bundle) -> str:
    """Return a result's method in a few words, else what its chapter says first of it."""
    words, key = source.chapter.words, f"deck.method.{bundle.get('kind')}"
    said = words(key) if words.known(key) else re.split(r"(?<=[.:])\s", source.method, maxsplit=1)[0]
    return words("deck.method", method=said.rstrip(".:")) if said else ""


def _sections(chapter: Chapter) -> tuple[str, str]:
    """Return the prose of two of a chapter's sections: its method, what it does not show."""
    prose = body.prose(chapter.notebook, chapter.language)
    found = (
        re.search(rf"^## {name}\s*\n(.*?)(?=^##? |\Z)", prose, re.MULTILINE | re.DOTALL)
        for name in SECTIONS[chapter.language]
    )
    method, limits = (spoken(_MARKS.sub("", match[1])) if match else "" for match in found)
    return method, limits


def _column(bundle: Bundle, name: str) -> list[Any]:
    table = bundle["tables"].get("main", {"columns": [], "rows": []})
    place = table["columns"].index(name) if name in table["columns"] else None
    return [] if place is None else [row[place] for row in table["rows"]]


def _notes(source: _Source, bundle: Bundle, claim: Mapping[str, Any] | None) -> str:
    """Return the speaker's notes: the whole sentence, caveats, method, settings, limits, where it is from."""
    chapter, words = source.chapter, source.chapter.words
    said = cards.card(claim, words) if claim else None
    parts = [
        (words("deck.notes.claim"), spoken((claim or {}).get("sentence", ""))),
        ("", said.recommendation if said else ""),
        (words("deck.notes.grade"), f"{said.grade}: {said.grade_note}" if said and said.grade else ""),
        (words("deck.notes.caveats"), " ".join(said.caveats) if said else ""),
        (words("deck.notes.base"), _used(bundle, words)),
        (words("deck.notes.method"), source.method),
        (words("deck.notes.settings"), "; ".join(_settings(bundle.get("settings", {}), words))),
        (words("deck.notes.limits"), source.limits),
        (words("deck.notes.source"), f"{chapter.title} · {reference(chapter, bundle)}"),
    ]
    return "\n".join(f"{head}: {spoken(text)}" if head else spoken(text) for head, text in parts if text)


def _used(bundle: Bundle, words: Words) -> str:
    if not bundle.get("n_used"):
        return ""
    left = [
        words("table.reason", count=words.number(n, 0), reason=why)
        for why, n in (bundle.get("n_dropped") or {}).items()
        if n
    ]
    dropped = words("table.dropped", reasons=", ".join(left)) if left else ""
    return words("table.base", n=words.number(bundle["n_used"], 0), dropped=dropped)


def _settings(settings: Mapping[str, Any], words: Words) -> Iterator[str]:
    for name, value in settings.items():
        if value in (None, "", [], {}) or isinstance(value, Mapping):
            continue
        values = value if isinstance(value, list) else [value]
        if all(isinstance(each, str | int | float) for each in values):
            yield f"{name} = {', '.join(_setting(each, words) for each in values)}"


def _setting(value: str | float, words: Words) -> str:
    return words.label(value) if isinstance(value, str) else words.number(value)
