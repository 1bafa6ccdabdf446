"""The file of edits, written: every finding of the study, those that nobody edits as comments to fill in.

Lines of ours begin with ``#~``; what else a person noted in comments is kept, at the end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from cxlab.catalogues import translate
from cxlab.errors import Message
from cxlab.reporting.edits import CLAIMS, FIGURES, Edit, Edits, WrittenFor, written_for
from cxlab.reporting.edits.offered import FIGURE, Finding, findings
from cxlab.reporting.volume import Volume

_FILLED = re.compile(r"#~\s+(?:title|sentence|recommendation): (?!\"\"$)")
OURS, KEPT = "#~", Message("comments that were here before")
_ABOUT = (
    Message("What is said of each finding instead of our own words. To edit one, take {mark} off its lines,"),
    Message(
        "fill in what you want and delete the rest: title, sentence, recommendation, order: 1, hidden: true."
    ),
    Message("Numbers are placeholders, such as {names}; a sentence has its interval and base anyway."),
    Message(
        "`written_for` is the number that an edit is for: when that moves beyond its error, ours stands."
    ),
)


def starter(volume: Volume, edits: Edits, *, before: str = "", language: str = "es") -> str:
    """Return the file of edits of a study.

    Parameters
    ----------
    volume : Volume
        As published, not edited.
    edits : Edits
        What there is.
    before : str
        The file as it was: comments that are not ours are kept.
    language : {"es", "en"}
        Of our comments.
    """
    lines = [
        *_about(language),
        "",
        *_section(CLAIMS, edits.claims, volume),
        "",
        *_section(FIGURES, edits.figures, volume),
    ]
    known = {line.strip() for line in lines}
    noted = [
        line.strip()
        for line in before.splitlines()
        if line.lstrip().startswith("#") and line.strip() not in known and not _generated(line)
    ]
    heading = f"{OURS} {translate(KEPT, language)}"
    return "\n".join([*lines, *(["", heading, *noted] if noted else [])]) + "\n"


def _generated(line: str) -> bool:
    """Whether a comment is one of ours, and nobody filled it in."""
    return line.lstrip().startswith(OURS) and not _FILLED.match(line.lstrip())


def _about(language: str) -> Iterator[str]:
    fields = {"mark": OURS, "names": "{estimate}, {conf_low}, {conf_high}, {n}"}
    for message in _ABOUT:
        needed = {name: value for name, value in fields.items() if f"{{{name}}}" in message.template}
        yield f"{OURS} {translate(Message(message.template, **needed), language)}"


def _section(section: str, asked: Mapping[str, Edit], volume: Volume) -> Iterator[str]:
    """Give the lines of a section: its findings in order, and edits of findings that are no longer there."""
    own = [each for each in findings(volume) if (each.editable == FIGURE) == (section == FIGURES)]
    yield f"{section}:" if asked else f"{OURS}{section}:"
    for each in own:
        yield from _finding(each, asked.get(each.place))
    gone = {place: edit for place, edit in asked.items() if place not in {each.place for each in own}}
    for place, edit in gone.items():
        yield from _lines(place, edit.plain(), edit.written_for, mark="")


def _finding(finding: Finding, edit: Edit | None) -> Iterator[str]:
    yield f"{OURS}   {finding.said}"
    if edit is None:
        asked = {
            name: _EMPTY[name] for name in finding.editable if name in ("title", "sentence", "recommendation")
        }
        now = written_for(finding.claim, finding.chapter.run)
        yield from _lines(finding.place, asked, now, mark=OURS)
    else:
        yield from _lines(finding.place, edit.plain(), edit.written_for, mark="")


_EMPTY = {"title": "", "sentence": "", "recommendation": ""}


def _lines(place: str, asked: Mapping[str, Any], noted: WrittenFor | None, *, mark: str) -> Iterator[str]:
    yield f"{mark}  {_quoted(place)}:"
    for name, value in asked.items():
        yield f"{mark}    {name}: {_quoted(value)}"
    if noted is not None:
        inside = ", ".join(f"{name}: {_quoted(value)}" for name, value in noted.plain().items())
        yield f"{mark}    written_for: {{{inside}}}"


def _quoted(value: Any) -> str:
    """Return a value as YAML reads it back, whatever is in it."""
    return json.dumps(value, ensure_ascii=False)
