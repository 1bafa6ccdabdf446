"""The gallery of a study: a card for each report, what became of it, and filters that need no script.

A filter is a group of radio buttons; the style hides the cards that have not what is chosen. What it
says of cards are places in a list, never a text of the client's. A browser that does not know ``:has``
shows every card and no filter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from cxlab.reporting import body, cards, folded, safe
from cxlab.reporting.html import Client, frame
from cxlab.reporting.rendering import rendered
from cxlab.reporting.words import Words, clean

if TYPE_CHECKING:
    from nbformat import NotebookNode

Status = Literal["", "new", "changed", "unchanged", "failed"]
FILES = ("deck", "annex", "pdf", "zip")
_TITLE = re.compile(
    r'<text style="font-weight: 700; font-size: 13px[^"]*" x="[\d.]+" y="([\d.]+)"[^>]*>[^<]*</text>'
)
_VIEW = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')
MOST = 12  # values of a filter: more would be a list to search


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One card of a study's gallery; `entry_of` makes it from an executed notebook.

    `claims` are the claims of the result bundles; `failed_cell` counts from 1 as a reader would.
    `links` are further (label, relative address) pairs: notebook, results. A point of a sweep has its
    `choices`, as text by parameter, and the name of its `sweep` if it is folded; `called` is what its report
    calls codes. `status` is empty where
    nothing is said of other runs; `compared` leads to the page of what changed. `notebook` is the name of
    its file without suffix, `by` and `where` are its cuts and filter.
    """

    name: str
    title: str = ""
    status: Status = ""
    href: str = ""
    claims: Sequence[Mapping[str, Any]] = ()
    svg: str = ""
    failed_cell: int = 0
    message: str = ""
    links: Sequence[tuple[str, str]] = ()
    compared: str = ""
    sweep: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    called: Mapping[str, str] = field(default_factory=dict)
    notebook: str = ""
    by: Sequence[str] = ()
    where: str = ""


@dataclass(frozen=True, kw_only=True)
class Delivered:
    """The files of a delivery: relative addresses by kind, and whether reports changed since."""

    version: str
    files: Mapping[str, str]
    older: bool = False


def entry_of(
    notebook: NotebookNode, *, name: str, href: str, language: str, links: Sequence[tuple[str, str]] = ()
) -> Entry:
    """Return the gallery card of a notebook that came to its end."""
    claims = [claim for bundle in body.bundles(notebook) for claim in bundle.get("claims", ())]
    title = body.title_of(notebook, language)
    svg = body.figure_beside(notebook, cards.leading(claims))
    called = body.called(notebook)
    return Entry(name=name, title=title, href=href, claims=claims, svg=svg, links=links, called=called)


def index(
    study: str,
    entries: Sequence[Entry],
    *,
    language: str,
    client: Client,
    delivered: Delivered | None = None,
) -> str:
    """Return the gallery of a study as one self-contained page.

    Parameters
    ----------
    study : str
        Its title.
    entries : sequence of Entry
        In the study's order.
    language : {"es", "en"}
        Language of the gallery.
    client : Client
        Name, colour, logo and labels.
    delivered : Delivered, optional
        What was last made of the study to be handed over.
    """
    words = Words(language, client.labels)
    shown = [_card(entry, k, words) for k, entry in enumerate(entries)]
    filters = [*_filters(shown, words)]
    failed = sum(entry.status == "failed" for entry in entries)
    counts = [words.plural("index.count", len(entries))]
    counts += [words.plural("index.failed", failed)] if failed else []
    return rendered(
        "index.html.j2",
        **frame(words, client, clean(study) or words("index.title")),
        counts=counts,
        groups=folded.groups(shown, words),
        filters=filters,
        rules=_rules(filters),
        files=[*_files(delivered, words)] if delivered else [],
        delivered=delivered,
    )


def _card(entry: Entry, position: int, words: Words) -> dict[str, Any]:
    claim = cards.leading(entry.claims)
    told = cards.card(claim, words) if claim else None
    choices = folded.told({k: entry.called.get(v, v) for k, v in entry.choices.items()}, words)
    key = f"notebook.{entry.notebook}"
    return {
        "name": clean(entry.name),
        "title": clean(words.prose(entry.title)) or clean(entry.name),
        "href": relative(entry.href),
        "status": entry.status,
        "status_text": words(f"index.status.{entry.status}") if entry.status else "",
        "compared": relative(entry.compared),
        "card": told,
        "svg": _thumbnail(safe.svg(entry.svg, name=f"t{position}", alt="")),
        "cell": words("index.cell", cell=entry.failed_cell) if entry.failed_cell else "",
        "message": str(entry.message),
        "links": [(clean(label), relative(href)) for label, href in entry.links if relative(href)],
        "sweep": entry.sweep,
        "choices": choices,
        "notebook": [words(key) if words.known(key) else clean(entry.notebook)] if entry.notebook else [],
        "segment": [
            *(words("index.by", column=words.label(column)) for column in entry.by),
            *([clean(entry.where)] if entry.where else []),
            *([choices] if choices and not entry.sweep else []),
        ],
        "grade": [told.grade] if told and told.grade else [],
        "in": [],
    }


def _thumbnail(drawn: str) -> str:
    """Return a drawing without its title, which the card says already."""
    ends = [float(y) for y in _TITLE.findall(drawn)]
    if not ends:
        return drawn
    top = max(ends) + 4
    cut = _VIEW.sub(lambda m: f'viewBox="0 {top:g} {m[1]} {max(float(m[2]) - top, 1):g}"', drawn, count=1)
    return _TITLE.sub("", cut)


def _filters(shown: Sequence[dict[str, Any]], words: Words) -> Iterator[dict[str, Any]]:
    """Give each filter by which cards can be told apart, and note in the cards which values they have."""
    for kind in ("notebook", "segment", "grade"):
        values = [*dict.fromkeys(value for card in shown for value in card[kind])][:MOST]
        if len(values) < 2:
            continue
        for card in shown:
            card["in"] += [f"cx-{kind}-{values.index(value)}" for value in card[kind] if value in values]
        yield {"kind": kind, "title": words(f"index.filter.{kind}"), "values": values}


def _rules(filters: Sequence[Mapping[str, Any]]) -> str:
    return "".join(
        f".cx-study:has(#cx-{each['kind']}-{k}:checked) .cx-entry:not(.cx-{each['kind']}-{k}){{display:none}}"
        for each in filters
        for k in range(len(each["values"]))
    )


def _files(delivered: Delivered, words: Words) -> Iterator[tuple[str, str]]:
    for kind in FILES:
        if href := relative(delivered.files.get(kind, "")):
            yield words(f"index.file.{kind}"), href


def relative(href: str) -> str:
    """Return an address inside the study's folder, or nothing.

    Examples
    --------
    >>> relative("runs/a/results.json"), relative("../x"), relative("javascript:x")
    ('runs/a/results.json', '', '')
    """
    plain = str(href).replace("\\", "/")
    return "" if ":" in plain or plain.startswith("/") or ".." in plain.split("/") else plain
