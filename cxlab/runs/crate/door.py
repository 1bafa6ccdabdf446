"""The last look at what leaves: no suppressed value, no personal data, no secret, no place of this machine.

Everything here was already kept out where it was made. What is found is named by file and kind, never
shown, and nothing is written.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from html import unescape
from pathlib import Path
from typing import Any

from cxlab.errors import Message, Problem, RunError
from cxlab.intake.privacy.credentials import looks_secret
from cxlab.intake.privacy.identifiers import identifier, spoken
from cxlab.runs.outputs import results

SUPPRESSED = "suppressed"
_PLACE = re.compile(
    r"(?<![\w:/.])(?:/(?:home|Users|root|tmp|var|mnt|media|opt|srv|private|workspace)/[\w.-]|[A-Za-z]:\\[\w.-]|\\\\\w+\\\w)"
)
_STYLE = re.compile(r"<(style|path|use|clipPath)(?=[\s/>])[^>]*>(?:[^<]*</style>)?", re.DOTALL)
# What is no tag of HTML stays text: `Ana <ana@example.com>`, a comparison in a cell, a comment.
_ATTRIBUTE = r"""([A-Za-z_:][\w:.-]*)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"'<>]+))?"""
_TAG = re.compile(rf"</?[A-Za-z][\w:.-]*(?:\s+{_ATTRIBUTE})*\s*/?>")
_ATTRIBUTES = re.compile(rf"\s{_ATTRIBUTE}")
_DRAWN = re.compile(r"points|transform|viewBox|style|class|id|src|xmlns.*|[cdrxy]|[cdfr]?[xy]\d?")


def refuse(files: Mapping[str, bytes], *, root: Path) -> None:
    """Refuse to let files leave that hold what may not.

    Parameters
    ----------
    files : mapping
        Content by name.
    root : Path
        The workbench: no text may say where it is.

    Raises
    ------
    RunError
        With every file and what it holds, never the value.
    """
    places = tuple({str(place) for place in (root, root.resolve(), Path.home()) if place != Path("/")})
    problems = []
    for name, content in files.items():
        found = [*_suppressed(name, content, files), *_private(name, content, places)]
        problems += [
            Problem(
                each,
                Message("nothing of the kind"),
                Message("take it out of the notebook or the data and run the entry again"),
                file=name,
            )
            for each in dict.fromkeys(found)
        ]
    if problems:
        raise RunError(
            "of the files, {count} hold what may not leave: nothing was written",
            count=len({problem.file for problem in problems}),
            problems=problems,
        )


# --- suppressed values ------------------------------------------------------------------------------


def _suppressed(name: str, content: bytes, files: Mapping[str, bytes]) -> Iterator[Message]:
    """Tell whether a row with the flag of suppression holds more than its keys and the flag."""
    if name.endswith(".csv"):
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
        tables = [(rows[0], rows[1:], _keys_beside(name, files))] if rows else []
    elif name.endswith("results.json"):
        tables = list(_tables(json.loads(content)["results"]))
    elif name.endswith(".ipynb"):
        tables = list(_tables(results(json.loads(content))))
    else:
        return
    if any(_shows(columns, rows, keys) for columns, rows, keys in tables):
        yield Message("a value in a suppressed row")


def _tables(bundles: list[Mapping[str, Any]]) -> Iterator[tuple[list[Any], list[Any], set[str]]]:
    for bundle in bundles:
        for table in bundle["tables"].values():
            yield table["columns"], table["rows"], {*bundle["keys"], "flag", "withheld"}


def _keys_beside(name: str, files: Mapping[str, bytes]) -> set[str]:
    """Return which columns name a row, in the results that a table of CSV belongs to."""
    beside = f"{name.rpartition('/tables/')[0]}/results.json"
    bundles = json.loads(files[beside])["results"] if beside in files else []
    return {"flag", "withheld", *(key for bundle in bundles for key in bundle["keys"])}


def _shows(columns: list[Any], rows: list[Any], keys: set[str]) -> bool:
    if "flag" not in columns:
        return False
    flag = columns.index("flag")
    others = [at for at, column in enumerate(columns) if column not in keys]
    return any(row[flag] == SUPPRESSED and any(row[at] not in (None, "") for at in others) for row in rows)


# --- persons, secrets, places -----------------------------------------------------------------------


def _private(name: str, content: bytes, places: tuple[str, ...]) -> Iterator[Message]:
    for text in _texts(name, content):
        kind = identifier(text)
        if kind:
            yield Message("personal data ({kind})", kind=spoken(kind))
        if looks_secret(text):
            yield Message("a password, a key or the address of a database")
        if _PLACE.search(text) or any(place in text for place in places):
            yield Message("a place of this machine")


def _texts(name: str, content: bytes) -> Iterator[str]:
    """Give what a person or a program reads in a file: cells, values, what stands between tags."""
    text = content.decode("utf-8-sig", "replace")
    if name.endswith((".json", ".ipynb")):
        for value in _strings(json.loads(text)):
            yield from _between_tags(value) if "<" in value else value.splitlines()
    elif name.endswith((".html", ".svg")):
        yield from _between_tags(text)
    elif name.endswith(".csv"):
        for row in csv.reader(io.StringIO(text)):
            yield from row
    elif not name.endswith("requirements.txt"):  # names, versions and hashes of packages
        yield from text.splitlines()


def _between_tags(text: str) -> Iterator[str]:
    """Give what stands between tags, and what attributes say that do not draw."""
    text = _STYLE.sub("", text)
    yield from (unescape(piece) for piece in _TAG.sub("\n", text).splitlines() if piece)
    for tag in _TAG.finditer(text):
        for name, value in _ATTRIBUTES.findall(tag[0]):
            if value and not _DRAWN.fullmatch(name):
                yield unescape(value.strip("\"'"))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from (str(key), *_strings(each))
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)
