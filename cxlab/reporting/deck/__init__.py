"""The deck: a study's findings as slides with native charts, one claim each, made from what is published.

`outline` says what is told, `drawn` how a result is shown, `bars`, `curves` and `pages` write it; `lettering`
reckons what fits, `house` is the presentation that it goes into, `sealing` makes the bytes the same.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Any

from cxlab.reporting import body
from cxlab.reporting.colours import LIGHT, MARK_CONTRAST, is_colour, legible
from cxlab.reporting.deck import sealing
from cxlab.reporting.deck.grids import AIR, Grid
from cxlab.reporting.deck.house import checked, house, layouts
from cxlab.reporting.deck.lettering import LEADING, SMALLEST, cut, spoken, width, wrapped
from cxlab.reporting.deck.outline import Content, contents
from cxlab.reporting.deck.pages import POINT, Pages
from cxlab.reporting.glossary import terms
from cxlab.reporting.volume import Chapter, Volume

__all__ = ["checked", "deck", "layouts"]

LINE = SMALLEST * LEADING
TERM = 230.0  # of a term of the glossary, in points


def deck(volume: Volume, *, template: bytes | None = None, layout: Mapping[str, str] | None = None) -> bytes:
    """Return a study as a .pptx file, the same bytes for the same runs.

    Parameters
    ----------
    volume : Volume
        What is published of the study.
    template : bytes, optional
        The firm's own .pptx; without it the deck has a plain layout.
    layout : mapping, optional
        Which of the template's layouts is for which kind of slide: ``title``, ``content``.

    Returns
    -------
    bytes
        A title slide, what is inside, one slide for each headline claim and each further figure of each
        chapter, what technical words mean, and the runs that it was made from.

    Raises
    ------
    InputError
        If the template cannot be opened or does not have a layout that is named.
    """
    made = house(template, layout)
    focal = volume.client.focal if is_colour(volume.client.focal) else LIGHT["focal"]
    pages = Pages(made, legible(focal, LIGHT["paper"], MARK_CONTRAST), volume.words)
    told = contents(volume)
    day = max((d for d in map(_until, volume.chapters) if d), default=None)
    _cover(pages, volume, day)
    agenda = _agenda(pages, told)
    first: dict[str, Any] = {}
    for chapter, slides in told:
        for content in slides:
            slide = pages.finding(content)
            first.setdefault(chapter.title, slide)
    for shape, title in agenda:
        shape.click_action.target_slide = first[title]
    _glossary(pages, told)
    _provenance(pages, volume)
    sealing.dated(made.presentation.core_properties, _named(volume), volume.language, day)
    written = io.BytesIO()
    made.presentation.save(written)
    return sealing.sealed(written.getvalue())


def _named(volume: Volume) -> str:
    return f"{spoken(volume.title)} · {spoken(volume.client.name)}"[:250]


def _until(chapter: Chapter) -> date | None:
    said = body.latest_data(chapter.notebook)
    return chapter.cover.data_date or (date.fromisoformat(said[:10]) if said else None)


def _cover(pages: Pages, volume: Volume, day: date | None) -> None:
    words = volume.words
    facts = [f"{words('page.date')}: {words.date(day)}"] if day else []
    facts.append(f"{words('page.language.label')}: {words('page.language')}")
    pages.cover(spoken(volume.title), facts, spoken(volume.client.name), volume.client.logo)


def _agenda(pages: Pages, told: Sequence[tuple[Chapter, Sequence[Content]]]) -> list[tuple[Any, str]]:
    """Add what is inside, each question a link to its first slide, on as many slides as it needs."""
    titles = [title for title, _ in groupby(chapter.title for chapter, _ in told)]
    titles = list(dict.fromkeys(titles))
    links: list[tuple[Any, str]] = []
    slide, box, used = None, None, 0.0
    for title in titles:
        if slide is None or box is None or used + LINE + AIR > box.height / POINT:
            slide, box = pages.begin(pages.house.content, pages.words("deck.agenda"))
            used = 0.0
        room = box.width / POINT - 4
        text = cut(spoken(title), room, lines=2)
        high = len(wrapped(text, room)) * LINE + 6
        place = type(box)(box.left, box.top + int(used * POINT), box.width, int(high * POINT))
        links.append((pages.text(slide, place, [text], SMALLEST), title))
        used += high + AIR
    return links


def _glossary(pages: Pages, told: Sequence[tuple[Chapter, Sequence[Content]]]) -> None:
    """Add what the technical words on the slides mean, on as many slides as they need."""
    used = [
        text
        for _, slides in told
        for content in slides
        for text in (content.title, *content.foot, content.card.interval if content.card else "")
    ]
    room = pages.house.inside.width / POINT
    widths = [TERM, room - TERM]
    rows = [[spoken(text) for text in entry] for entry in terms(pages.words, used)]
    lines = [max(len(wrapped(t, w - 2 * AIR)) for t, w in zip(row, widths, strict=True)) for row in rows]
    title, heads = (
        pages.words("deck.glossary"),
        [pages.words(f"deck.glossary.{c}") for c in ("term", "meaning")],
    )
    start = 0
    while start < len(rows):
        slide, box = pages.begin(pages.house.content, title)
        left, end = box.height / POINT - 2 * (LINE + AIR), start
        while end < len(rows) and (end == start or left >= lines[end] * LINE + AIR):
            left -= lines[end] * LINE + AIR
            end += 1
        shown, high = rows[start:end], [1, *lines[start:end]]
        pages.table(
            slide, Grid(heads=heads, rows=shown, numbers=[False] * 2, widths=widths, lines=high), box, title
        )
        start = end


def _provenance(pages: Pages, volume: Volume) -> None:
    """Add the runs that the deck was made from, on as many slides as they need."""
    words = volume.words
    heads = [words(f"deck.source.{name}") for name in ("entry", "notebook", "until", "run")]
    rows = [
        [
            spoken(chapter.entry),
            spoken(chapter.cover.made.notebook or "–"),
            words.date(day) if (day := _until(chapter)) else "–",
            chapter.run,
        ]
        for chapter in volume.chapters
    ]
    widths = _widths([heads, *rows], pages.house.inside.width / POINT)
    rows = [[cut(t, w - AIR) for t, w in zip(row, widths, strict=True)] for row in rows]
    left = rows
    while left:
        slide, box = pages.begin(pages.house.content, words("deck.source.title"))
        pages.text(slide, box, [words("deck.source.note")], SMALLEST, colour=LIGHT["muted"])
        room = box.width / POINT - 4
        lead = (len(wrapped(words("deck.source.note"), room)) + 0.5) * LINE
        most = max(1, int((box.height / POINT - lead) / (LINE + AIR)) - 1)
        shown, left = left[:most], left[most:]
        grid = Grid(heads=heads, rows=shown, numbers=[False] * 4, widths=widths, lines=[1] * (len(shown) + 1))
        under = type(box)(box.left, box.top + int(lead * POINT), box.width, 0)
        pages.table(slide, grid, under, words("deck.source.title"))


def _widths(rows: Sequence[Sequence[str]], room: float) -> list[float]:
    """Return how wide columns are: what each needs, less of the first ones where there is no room."""
    needed = [
        max(width(row[k], bold=not j) for j, row in enumerate(rows)) + 1.5 * AIR for k in range(len(rows[0]))
    ]
    over = sum(needed) - room
    for place in sorted(range(2), key=lambda k: -needed[k]):
        less = min(max(over, 0.0), max(needed[place] - 120.0, 0.0))
        needed[place] -= less
        over -= less
    return needed
