"""Whether what a run released agrees with itself: what can be verified where there are no data.

The executed notebook holds every number that was shown, so results.json, tables and figures must follow
from it byte by byte, the page must print those numbers and no others, and a suppressed row must be empty
wherever it stands.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from typing import Any

from cxlab.errors import Message
from cxlab.reporting import RESULT
from cxlab.reporting.tables import readable
from cxlab.reporting.words import Words, clean
from cxlab.runs import outputs
from cxlab.runs.verified.differing import NOTEBOOK, RESULTS, Files

PAGE = "report.html"
SUPPRESSED = "suppressed"


def doubts(files: Files, *, language: str, page: bool) -> list[Message]:
    """Return what in the files of a run does not agree with the rest.

    Parameters
    ----------
    files : mapping
        Content by file name.
    language : {"es", "en"}
        Of the page.
    page : bool
        Whether the page was written by this cxlab, so that its numbers can be read as it writes them.
    """
    notebook, results = json.loads(files[NOTEBOOK]), json.loads(files[RESULTS])
    found = [*_derived(files, notebook, results), *_suppressed(results["results"])]
    if page:
        found += _printed(files[PAGE].decode("utf-8"), results["results"], Words(language))
    return found


def _derived(files: Files, notebook: Mapping[str, Any], results: Mapping[str, Any]) -> Iterator[Message]:
    for name, shown in (("results", outputs.results(notebook)), ("reads", outputs.reads(notebook))):
        if outputs.plain(shown) != results[name]:
            yield Message("{name} of results.json are not those of the notebook", name=name)
    made = {**outputs.tables({"cells": _shown(results["results"])}), **outputs.figures(notebook)}
    there = {name: content for name, content in files.items() if name.startswith(("tables/", "figures/"))}
    for name in sorted({*made, *there}):
        if made.get(name) != there.get(name):
            yield Message("{file} is not what results.json or the notebook says", file=name)


def _shown(results: list[Any]) -> list[dict[str, Any]]:
    """Return bundles as the cells of a notebook that displays them."""
    return [{"outputs": [{"data": {RESULT: bundle}} for bundle in results]}]


def _suppressed(results: list[Mapping[str, Any]]) -> Iterator[Message]:
    for bundle in results:
        kept = {*bundle.get("keys", ()), "flag", "withheld"}
        for name, table in bundle["tables"].items():
            for place, row in enumerate(table["rows"], 1):
                record = dict(zip(table["columns"], row, strict=True))
                if record.get("flag") == SUPPRESSED and any(
                    value is not None for column, value in record.items() if column not in kept
                ):
                    yield Message(
                        "{result}, table {table}, row {row}: it is suppressed and not empty",
                        result=bundle["id"], table=name, row=place,
                    )  # fmt: skip


def _printed(page: str, results: list[Mapping[str, Any]], words: Words) -> Iterator[Message]:
    """Hold every table and sentence of the page to results.json; the main table need not be printed."""
    read = _Page()
    read.feed(page)
    printed = Counter(read.tables)
    for bundle in results:
        for name in bundle["tables"]:
            rows = tuple(
                tuple(f"{cell.text}{cell.mark}".strip() for cell in row.cells if cell.number)
                for row in readable(bundle, name, words).rows
            )
            if printed[rows]:
                printed[rows] -= 1
            elif name != outputs.MAIN:
                yield Message(
                    "{result}, table {table}: the page does not print it so", result=bundle["id"], table=name
                )
    if rest := sum(printed.values()):
        yield Message("{count} tables of the page are not in results.json", count=rest)
    text = _words(read.text)
    for bundle in results:
        for claim in bundle["claims"]:
            if _words(clean(claim["sentence"])) not in text:
                yield Message(
                    "{result}: the page does not say: {sentence}",
                    result=bundle["id"],
                    sentence=claim["sentence"],
                )


def _words(text: str) -> str:
    return re.sub(r"\s+", " ", text)


class _Page(HTMLParser):
    """The tables of a page's results, each as the texts of its numbers by row; and all of its text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[tuple[tuple[str, ...], ...]] = []
        self.text = ""
        self._rows: list[list[str]] | None = None
        self._number = self._body = self._result = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        kinds = (dict(attrs).get("class") or "").split()
        if tag == "section":
            self._result = "cx-result" in kinds
        elif tag == "table" and self._result:
            self._rows = []
        elif tag == "tbody":
            self._body = True
        elif self._rows is not None and tag == "tr" and self._body:
            self._rows.append([])
        elif self._rows and tag == "td":
            self._number = "cx-number" in kinds
            if self._number:
                self._rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "td":
            self._number = False
        elif tag == "tbody":
            self._body = False
        elif tag == "section":
            self._result = False
        elif tag == "table" and self._rows is not None:
            self.tables.append(tuple(tuple(map(str.strip, row)) for row in self._rows))
            self._rows = None

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._number and self._rows:
            self._rows[-1][-1] += data
