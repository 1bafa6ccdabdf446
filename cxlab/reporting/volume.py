"""A study's published results as one volume: what the deck, the annex, the PDF and the edited pages render.

Everything is taken from the executed notebooks of the published runs, whose bundles are masked already:
a file that people hand over holds nothing that the pages do not show. What is edited is edited in the
notebooks (`Chapter.notebook`), so that every file says the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cxlab.errors import Message
from cxlab.reporting import RESULT, body, folded, html
from cxlab.reporting.words import Words, clean

if TYPE_CHECKING:
    from nbformat import NotebookNode

Bundle = Mapping[str, Any]


@dataclass(frozen=True)
class Stated:
    """A claim with its name within its chapter (`names`), and the result it stands on."""

    name: str
    claim: Mapping[str, Any]
    result: Bundle


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """One entry's published run.

    Attributes
    ----------
    entry, run : str
        The entry's name in its study, the id of its run.
    notebook : NotebookNode
        Executed.
    language : {"es", "en"}
    client : Client
    cover : Cover
        Filter, wave, date of the data, and what it was made from.
    heading : str
        The study's own title of the entry, if it has one.
    choices : mapping
        Of a point of a list or grid, what sets it apart, as text by parameter.
    published : str
        Its page as it was published, of a chapter that is not edited.
    """

    entry: str
    run: str
    notebook: NotebookNode
    language: str
    client: html.Client
    cover: html.Cover
    heading: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    published: str = field(default="", repr=False)

    @cached_property
    def words(self) -> Words:
        """Language and labels; what a result calls its codes goes first, as its page does."""
        labels = self.client.labels
        columns, values = {**labels.get("columns", {})}, {**labels.get("values", {})}
        for said in (bundle.get("labels", {}) for bundle in self.results):
            columns |= said.get("columns", {})
            for column, named in said.get("values", {}).items():
                values[column] = {**values.get(column, {}), **named}
        return Words(self.language, {**labels, "columns": columns, "values": values})

    @cached_property
    def title(self) -> str:
        """The study's title of the entry, else the notebook's question; and, of a point, what it chose."""
        asked = self.words.prose(self.heading or body.title_of(self.notebook, self.language)) or self.entry
        called = body.called(self.notebook)
        chosen = folded.told({k: called.get(v, v) for k, v in self.choices.items()}, self.words)
        return clean(" · ".join(filter(None, (asked, chosen))))

    @cached_property
    def results(self) -> Sequence[Bundle]:
        """The bundles of what the notebook showed, in order, as results.json has them."""
        return body.bundles(self.notebook)

    @cached_property
    def figures(self) -> Mapping[str, str]:
        """SVG by the id of the result it was shown with."""
        drawn: dict[str, str] = {}
        for cell in self.notebook.cells:
            for data in (output.get("data", {}) for output in cell.get("outputs", ())):
                if data.get("image/svg+xml") and isinstance(data.get(RESULT), Mapping):
                    drawn[str(data[RESULT].get("id", ""))] = "".join(data["image/svg+xml"])
        return drawn

    @cached_property
    def stated(self) -> Sequence[Stated]:
        """Every claim, in order, with a name that a rerun keeps."""
        every = [(claim, bundle) for bundle in self.results for claim in bundle.get("claims", ())]
        masked = self.client.labels.get("masked", {})
        # One that was edited keeps its name, also where another like it is hidden.
        called = [
            str(claim.get("name") or name)
            for (claim, _), name in zip(every, names(every, masked=masked), strict=True)
        ]
        return [Stated(name, *each) for name, each in zip(called, every, strict=True)]

    def page(self) -> str:
        """Return the chapter as a page: the one that was published, or else made of its notebook."""
        return self.published or html.page(
            self.notebook, cover=self.cover, language=self.language, client=self.client
        )


@dataclass(frozen=True, kw_only=True)
class Volume:
    """The chapters of a study, in its order; points of a sweep that another entry reads are left out.

    Attributes
    ----------
    study, title : str
        The study's name, and its title (its name where it has none).
    client : Client
    language : {"es", "en"}
        Of what stands around the chapters.
    chapters : sequence of Chapter
    given : mapping
        What somebody asked to be said otherwise, by place (``entry/claim``, ``entry/result``): the texts as
        they were typed. Empty unless edited.
    withheld : sequence of Message
        Edits that are not applied because the claim is another than they were written for.
    template, layouts
        The firm's .pptx, and which of its layouts is for which kind of slide; without it the deck is plain.
    """

    study: str
    title: str
    client: html.Client
    language: str
    chapters: Sequence[Chapter]
    given: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    withheld: Sequence[Message] = ()
    template: bytes | None = None
    layouts: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def words(self) -> Words:
        """Language and labels."""
        return Words(self.language, self.client.labels)


def names(
    claims: Sequence[tuple[Mapping[str, Any], Bundle]], *, masked: Mapping[str, str] | None = None
) -> list[str]:
    """Return a name for each claim: its code and the rows it speaks of; the second of two alike is `#2`.

    Parameters
    ----------
    claims : sequence of (claim, bundle)
        With the bundle that each belongs to; its keys say which of the claim's fields name a row.
    masked : mapping, optional
        What a row is called whose own name no file may say.

    Examples
    --------
    >>> table = {"columns": ["driver", "n"], "rows": [["speed", 9]]}
    >>> bundle = {"keys": ["driver"], "tables": {"main": table}}
    >>> claim = {"code": "drivers.top", "fields": {"driver": "speed", "unit": "share", "n": 9}}
    >>> names([(claim, bundle), (claim, bundle)])
    ['drivers.top speed', 'drivers.top speed #2']
    """
    told: dict[str, int] = {}
    found: list[str] = []
    subjects: dict[int, set[str]] = {}
    for claim, bundle in claims:
        known = subjects.setdefault(id(bundle), set(_subjects(bundle)))
        spoken = [v for _, v in sorted(claim.get("fields", {}).items()) if isinstance(v, str) and v in known]
        spoken = [(masked or {}).get(v, v) for v in spoken]
        name = " ".join([str(claim.get("code", "")), *dict.fromkeys(spoken)])
        told[name] = told.get(name, 0) + 1
        found.append(name if told[name] == 1 else f"{name} #{told[name]}")
    return found


def _subjects(bundle: Bundle) -> Iterator[str]:
    """Give every text that names a row of a result."""
    for table in bundle.get("tables", {}).values():
        places = [k for k, column in enumerate(table["columns"]) if column in bundle.get("keys", ())]
        for row in table["rows"]:
            yield from (row[k] for k in places if isinstance(row[k], str))
