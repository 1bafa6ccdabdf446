"""The last section of a report: what it was made from, and how to check it.

All of it is in the run's fingerprint: no time, no machine and no commit, so that the same run gives the
same bytes wherever it is made. These are in manifest.json, of which the section says where it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cxlab.reporting.rendering import rendered
from cxlab.reporting.words import Words, clean

PROVENANCE = "application/vnd.cxlab.provenance.v1+json"
SHOWN = 16  # letters of a hash: the whole ones are in manifest.json
SOFTWARE = ("cxlab", "python", "numpy", "pandas", "scipy", "lifelines", "matplotlib", "papermill")
# Parts of a fingerprint that no table of the section shows.
PARTS = ("notebook", "client", "facts", "sources", "versions")


@dataclass(frozen=True, kw_only=True)
class Made:
    """What a report was made from, besides the tables it read; of what is empty nothing is said.

    Attributes
    ----------
    run, notebook, client : str
        The run's id (a hash, no time), the notebook's file name, the client's name.
    parameters : mapping
        Validated.
    where : str
        The filter.
    seed : int, optional
    prints : mapping
        Parts of the fingerprint, as hashes.
    versions : mapping
        Of Python and what is installed.
    after : int
        How many published runs of its study it read.
    """

    run: str = ""
    notebook: str = ""
    client: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    where: str = ""
    seed: int | None = None
    prints: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    after: int = 0


@dataclass(frozen=True)
class Listing:
    """A table of texts; of its columns, `numbers` are numbers and `codes` are names or hashes."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: Sequence[int] = ()
    codes: Sequence[int] = ()


def section(
    made: Made, reads: Iterable[Mapping[str, Any]], words: Words, *, heading: str = "", note: str = ""
) -> str:
    """Return the section as HTML.

    Parameters
    ----------
    made : Made
    reads : iterable of mapping
        The tables read, as they were displayed.
    words : Words
        Language and labels.
    heading : str
        Of its own, where nothing heads it.
    note : str
        What else is to be said of the page.
    """
    told = listings(made, reads, words)
    return rendered("made.html.j2", heading=heading, listings=told, run=made.run, note=note, words=words)


def placed(
    body: str, mark: str, made: Made, reads: Iterable[Mapping[str, Any]], words: Words, *, note: str = ""
) -> tuple[str, str]:
    """Return a report's body with the section where `mark` stands, or the section apart, with a heading.

    Parameters
    ----------
    body, mark : str
    made, reads, words, note
        As in `section`.
    """
    if mark not in body:
        return body, section(made, reads, words, heading=words("page.provenance"), note=note)
    first, _, rest = body.partition(mark)
    return f"{first}{section(made, reads, words, note=note)}{rest.replace(mark, '')}", ""


def listings(made: Made, reads: Iterable[Mapping[str, Any]], words: Words) -> list[Listing]:
    """Return the tables of the section: run, parameters, tables read, files behind them, hashes, software.

    Parameters
    ----------
    made : Made
    reads : iterable of mapping
        As a notebook displayed them: table, sha256, rows, used and, of a client's table, files.
    words : Words
        Language and labels.
    """
    last = {str(read.get("table")): read for read in reads}
    value = words("column.value")
    every = [
        Listing(words("made.run"), (words("made.what"), value), list(_run(made, words))),
        Listing(
            words("page.parameters"),
            (words("page.parameter"), value),
            [(name, _shown(each)) for name, each in made.parameters.items()],
            codes=(0,),
        ),
        Listing(
            words("made.tables"),
            [words(f"made.{name}") for name in ("table", "rows", "used", "sha256")],
            [_table(name, read, words) for name, read in sorted(last.items())],
            numbers=(1, 2),
            codes=(3,),
        ),
        Listing(
            words("made.files"),
            [words(f"made.{name}") for name in ("file", "table", "read", "used", "sha256")],
            list(_files(last, words)),
            numbers=(2, 3),
            codes=(4,),
        ),
        Listing(
            words("made.hashes"),
            (words("made.what"), words("made.sha256")),
            [
                (words(f"made.{name}.hash"), _hash(made.prints[name]))
                for name in PARTS
                if made.prints.get(name)
            ],
            codes=(1,),
        ),
        Listing(
            words("made.software"),
            (words("made.package"), words("made.version")),
            [(name, made.versions[name]) for name in SOFTWARE if name in made.versions],
            codes=(0,),
        ),
    ]
    return [each for each in every if each.rows]


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_shown(each) for each in value) or "–"
    return clean(str(value)) if value not in ("", None) else "–"


def _run(made: Made, words: Words) -> Iterator[tuple[str, str]]:
    given = {"run": made.run, "notebook": made.notebook, "client": made.client}
    for name, text in given.items():
        if text:
            yield words(f"made.{name}.name"), clean(text)
    yield words("made.where"), clean(made.where) or words("page.where.all")
    if made.seed is not None:
        yield words("made.seed"), str(made.seed)
    if made.after:
        yield words("made.after"), words.number(made.after, 0)


def _table(name: str, read: Mapping[str, Any], words: Words) -> tuple[str, ...]:
    counts = (words.number(int(read.get(key) or 0), 0) for key in ("rows", "used"))
    return (_called(name, words), *counts, _hash(read.get("sha256")))


def _files(reads: Mapping[str, Mapping[str, Any]], words: Words) -> Iterator[tuple[str, ...]]:
    """Give each file once for each table that was made of it."""
    for table, read in sorted(reads.items()):
        for file in read.get("files") or ():
            counts = (words.number(int(file[key]), 0) for key in ("read", "used"))
            yield (clean(str(file["name"])), _called(table, words), *counts, _hash(file["sha256"]))


def _called(table: str, words: Words) -> str:
    return words.label(table) if words.known(f"column.{table}") else clean(table)


def _hash(sha256: Any) -> str:
    text = clean(str(sha256 or ""))
    return f"{text[:SHOWN]}…" if len(text) > SHOWN else text
