"""A study as one document for paper: cover, contents, chapters, glossary, and what each was made from.

There is no second renderer: a chapter is its own page, without what only a screen needs. What the page
folds is opened where it is short; of the rest the chapter says how much it leaves out, and where it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import unescape
from typing import Literal

from markupsafe import escape

from cxlab.reporting import cards
from cxlab.reporting.colours import LIGHT, is_colour, legible
from cxlab.reporting.glossary import terms
from cxlab.reporting.rendering import TEMPLATES, rendered
from cxlab.reporting.safe import logo
from cxlab.reporting.volume import Chapter, Volume
from cxlab.reporting.words import Words, clean

Paper = Literal["A4", "Letter"]
SIZES: Mapping[Paper, tuple[float, float]] = {"A4": (210, 297), "Letter": (215.9, 279.4)}
SIDE, ENDS = 16.0, 46.0  # mm: the margin of each side; those of head and foot together, with a caption
FONTS = "Liberation Sans, Arial, DejaVu Sans, sans-serif"
OPENED = 12  # rows or claims that are printed though the page folds them
FITS, SMALL, TURNED = 118, 150, 215  # letters of a table's row upright, set smaller, on a turned page
WRAPPED = 26  # letters of a text's line in a cell

_BODY = re.compile(r"<body>(.*)</body>", re.DOTALL)
_SCREEN = re.compile(
    r'<a class="cx-skip".*?</a>|<nav class="cx-contents".*?</nav>|<fieldset.*?</fieldset>'
    r'|<tbody class="cx-order.*?</tbody>|<details class="cx-data cx-glossary".*?</details>',
    re.DOTALL,
)
_FOLDED = re.compile(
    r"<details([^>]*)>\s*<summary>((?:[^<]+|<(?!/summary))*)</summary>((?:[^<]+|<(?!/?details))*)</details>"
)
_MADE = re.compile(r'<section class="cx-made">(.*?)</section>', re.DOTALL)
_TITLED = re.compile(r"\s*<h2[^>]*>.*?</h2>", re.DOTALL)
_TABLE = re.compile(r'<div class="cx-region[^"]*"[^>]*>\s*<table class="cx-table">(.*?)</table>', re.DOTALL)
_ROW = re.compile(r"<tr[^>]*>(.*?)</tr>", re.DOTALL)
_CELL = re.compile(r"<t[hd]([^>]*)>(.*?)</t[hd]>", re.DOTALL)
_DRAWN = re.compile(r'<svg( viewBox="[\d.-]+ [\d.-]+ ([\d.]+) ([\d.]+)"[^>]*)>')
_ALT = re.compile(r' aria-label="([^"]*)"')
_ANY = re.compile(r"<[^>]*>")
_TAG = re.compile(r"<[a-zA-Z][^>]*>")
_NAMED = re.compile(r'( id="| href="#|url\(#)')
_COLOUR = re.compile(r"var\(--([a-z-]+), *(#[0-9a-fA-F]{6})\)")


@dataclass(frozen=True)
class Part:
    """A chapter in print: the name of its place, title, the claim that speaks for it, its content."""

    name: str
    title: str
    answer: str
    run: str
    content: str


def document(volume: Volume, *, paper: Paper | None = None) -> str:
    """Return a study as one HTML document for paper; no number is in it that its pages do not have.

    Parameters
    ----------
    volume : Volume
    paper : {"A4", "Letter"}, optional
        Without it, the client's.
    """
    words, paper = volume.words, paper or volume.client.paper
    focal = volume.client.focal
    light = {**LIGHT, **({"focal": legible(focal, LIGHT["paper"])} if is_colour(focal) else {})}
    dates = [each.cover.data_date for each in volume.chapters if each.cover.data_date]
    facts = [(words("page.date"), words.date(max(dates)))] if dates else []
    facts.append((words("print.chapters"), words.plural("index.count", len(volume.chapters))))
    parts = [_part(each, f"c{k}", paper, light) for k, each in enumerate(volume.chapters, start=1)]
    return rendered(
        "print.html.j2",
        words=words,
        paper=paper,
        light={name.replace("_", "-"): colour for name, colour in light.items()},
        style=(TEMPLATES / "style.css").read_text("utf-8") + (TEMPLATES / "print.css").read_text("utf-8"),
        title=clean(volume.title),
        client=clean(volume.client.name),
        logo=logo(volume.client.logo),
        created=max(dates).isoformat() if dates else "",
        facts=facts,
        parts=parts,
        terms=terms(words, [unescape(_ANY.sub(" ", part.content)) for part in parts]),
        made=[_made(each, words) for each in volume.chapters],
    )


def _part(chapter: Chapter, name: str, paper: Paper, light: Mapping[str, str]) -> Part:
    found = _BODY.search(chapter.page())
    kept = _SCREEN.sub("", found[1] if found else "")
    text, left_out = _unfolded(kept, str(escape(chapter.words("table.data"))))
    note = rendered("print_note.html.j2", left_out=left_out, chapter=chapter, words=chapter.words)
    text = _MADE.sub(lambda match: _heading(match[1]) + note, text)
    text = _TABLE.sub(_sized, text)
    text = _DRAWN.sub(lambda match: _scaled(match, *SIZES[paper]), text)
    claim = cards.leading([each.claim for each in chapter.stated])
    return Part(
        name=name,
        title=chapter.title,
        answer=cards.card(claim, chapter.words).sentence if claim else "",
        run=chapter.run,
        content=_TAG.sub(_own(name, {k.replace("_", "-"): v for k, v in light.items()}), text),
    )


def _unfolded(text: str, drawn: str) -> tuple[str, int]:
    """Open what is folded and short, and count what is left out; code is left out and not counted.

    Parameters
    ----------
    text : str
    drawn : str
        What stands over the data of a figure, which are left out: the figure prints them.
    """
    left_out = 0

    def opened(match: re.Match[str]) -> str:
        nonlocal left_out
        attributes, summary, content = match.groups()
        if "cx-code" in attributes:
            return ""
        if summary == drawn or content.count("<tr") > OPENED + 1 or content.count("<li") > OPENED:
            left_out += 1
            return ""
        return f'<p class="cx-opened">{summary}</p>{content}'

    before = ""
    while before != text:  # the innermost first
        before, text = text, _FOLDED.sub(opened, text)
    return text, left_out


def _heading(made: str) -> str:
    """Return the heading of its own that a section on what a report was made from has, if any."""
    found = _TITLED.match(made)
    return found[0] if found else ""


def _sized(match: re.Match[str]) -> str:
    """Set a table smaller, or on a turned page, if its rows are too long."""
    letters = _letters(match[1])
    kind = "" if letters <= FITS else " cx-small" if letters <= SMALL else " cx-turned"
    kind += " cx-small" if letters > TURNED else ""
    return match[0].replace('class="cx-region', f'class="cx-print{kind} cx-region', 1)


def _letters(table: str) -> int:
    """Return how many letters a table's longest lines take: numbers are not broken, texts are."""
    widths: dict[int, int] = {}
    for row in _ROW.findall(table):
        for column, (attributes, content) in enumerate(_CELL.findall(row)):
            text = unescape(_ANY.sub("", content)).strip()
            longest = max(map(len, text.split()), default=0)
            number = "cx-number" in attributes and not attributes.lstrip().startswith("scope")
            widths[column] = max(
                widths.get(column, 0), len(text) if number else max(longest, min(len(text), WRAPPED))
            )
    return sum(widths.values()) + 3 * len(widths)


def _scaled(drawn: re.Match[str], width: float, height: float) -> str:
    """Size a figure so that it fits on a page, in mm; its text is what a PDF takes its description from."""
    wide, tall = float(drawn[2]), float(drawn[3])
    scale = min((width - 2 * SIDE) / wide, (height - ENDS) / tall)
    size = f"width:{wide * scale:.2f}mm;height:{tall * scale:.2f}mm"
    alt = _ALT.search(drawn[1])
    told = f"<title>{alt[1]}</title>" if alt else ""
    return f'<svg{drawn[1]} font-family="{FONTS}" style="{size}">{told}'


def _own(name: str, light: Mapping[str, str]) -> Callable[[re.Match[str]], str]:
    """Give a chapter's names its own prefix, and its drawings their colours as such."""

    def renamed(tag: re.Match[str]) -> str:
        text = _NAMED.sub(lambda found: f"{found[1]}{name}-", tag[0])
        return _COLOUR.sub(lambda found: light.get(found[1], found[2]), text)

    return renamed


def _made(chapter: Chapter, words: Words) -> tuple[str, ...]:
    upto = chapter.cover.data_date
    return (
        chapter.title,
        clean(chapter.cover.made.notebook),
        clean(chapter.cover.where) or words("page.where.all"),
        words.date(upto) if upto else "–",
        chapter.run,
    )
