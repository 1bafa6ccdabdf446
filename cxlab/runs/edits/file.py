"""The file of edits, read by the safe YAML reader: every problem of its form at once, with its line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cxlab.errors import Message, ParameterError, Problem
from cxlab.parameters import nearest
from cxlab.reporting.edits import CLAIMS, FIGURES, TEXTS, Edit, Edits, WrittenFor
from cxlab.runs.document import Document, document
from cxlab.values import NUMBER, TRUTH, WHOLE, Plain

FIELDS = (*TEXTS, "order", "hidden", "written_for")
OF_FIGURES = ("title", "written_for")
NUMBERS = ("estimate", "conf_low", "conf_high")
NOTED = ("run", "grade", *NUMBERS, "said")
MOST = 999


def path_of(study: str, root: Path) -> Path:
    """Return where the edits of a study are."""
    return root / "reports" / "edits" / f"{study}.yaml"


def read_edits(study: str, root: Path) -> Edits:
    """Return the edits of a study; none where there is no file.

    Parameters
    ----------
    study : str
        The name of its folder.
    root : Path
        The workbench.

    Raises
    ------
    ParameterError
        With the line of everything that is not as it must be.
    """
    path = path_of(study, root)
    return _edits(document(path)) if path.is_file() and _says_something(path) else Edits(file=path.name)


def _says_something(path: Path) -> bool:
    """Whether a file is more than comments, as a starter is."""
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    return any(line.strip() and not line.lstrip().startswith("#") for line in text.splitlines())


def _edits(said: Document) -> Edits:
    problems: list[Problem] = [
        *_unknown(said, (), said.content, (CLAIMS, FIGURES)),
        *(problem for section in (CLAIMS, FIGURES) for problem in _section_problems(said, section)),
    ]
    if problems:
        raise ParameterError("the edits in {file} are not valid", file=said.name, problems=problems)
    read = {
        section: {place: _edit(asked) for place, asked in (said.content.get(section) or {}).items()}
        for section in (CLAIMS, FIGURES)
    }
    return Edits(claims=read[CLAIMS], figures=read[FIGURES], file=said.name, lines=said.lines)


def _unknown(said: Document, place: tuple[str, ...], given: Any, known: tuple[str, ...]) -> Iterator[Problem]:
    for name in given:
        if name not in known:
            close = nearest(name, known)
            yield said.problem(
                (*place, name), name, Message("{names}", names=", ".join(known)),
                Message("did you mean {close}?", close=close) if close else Message("take it out"),
            )  # fmt: skip


def _section_problems(said: Document, section: str) -> Iterator[Problem]:
    entries = said.content.get(section)
    if entries is None:
        return
    if not isinstance(entries, Mapping):
        yield _no_mapping(said, (section,))
        return
    for name, asked in entries.items():
        place = (section, name)
        if not isinstance(asked, Mapping):
            yield _no_mapping(said, place)
            continue
        yield from _unknown(said, place, asked, FIELDS if section == CLAIMS else OF_FIGURES)
        for key, value in asked.items():
            if (allowed := _refused(key, value)) is not None:
                found = str(value)[:60] if isinstance(value, str) else Message("something else")
                yield said.problem((*place, key), found, allowed, Message("correct it"))
        yield from _noted(said, (*place, "written_for"), asked.get("written_for"))


def _no_mapping(said: Document, place: tuple[str, ...]) -> Problem:
    return said.problem(
        place,
        Message("no `name: value` lines"),
        Message("a name and what is to be said"),
        Message("correct it"),
    )


def _refused(key: str, value: Any) -> Message | None:
    """Return what is allowed, if a value is not."""
    if key in TEXTS and not isinstance(value, str):
        return Message("a text")
    if key == "hidden" and not (isinstance(value, str) and value.lower() in TRUTH):
        return Message("true or false")
    whole = (
        isinstance(value, str) and WHOLE.fullmatch(value) and len(value) <= len(str(MOST)) and int(value) > 0
    )
    if key == "order" and not whole:
        return Message("a whole number from 1 to {most}", most=MOST)
    return None


def _noted(said: Document, place: tuple[str, ...], given: Any) -> Iterator[Problem]:
    if given is None:
        return
    if not isinstance(given, Mapping):
        yield _no_mapping(said, place)
        return
    yield from _unknown(said, place, given, NOTED)
    for name in NUMBERS:
        value = given.get(name)
        if value is not None and not (isinstance(value, str) and NUMBER.fullmatch(value.lstrip("+-"))):
            yield said.problem((*place, name), str(value)[:60], Message("a number"), Message("correct it"))


def _edit(asked: Mapping[str, Any]) -> Edit:
    given = asked.get("written_for")
    noted = None
    if given is not None:
        noted = noted_from(given)
    return Edit(
        **{name: _text(asked[name]) for name in TEXTS if name in asked},
        order=int(asked["order"]) if "order" in asked else None,
        hidden=TRUTH[str(asked.get("hidden", "no")).lower()],
        written_for=noted,
    )


def noted_from(given: Mapping[str, Any]) -> WrittenFor:
    """Return what an edit was written for, of texts by name."""
    numbers = {name: None if given.get(name) in (None, "") else float(given[name]) for name in NUMBERS}
    texts = {name: str(given.get(name) or "") for name in ("run", "grade", "said")}
    return WrittenFor(
        estimate=numbers["estimate"], conf_low=numbers["conf_low"], conf_high=numbers["conf_high"],
        run=texts["run"], grade=texts["grade"], said=texts["said"],
    )  # fmt: skip


def _text(value: str) -> str:
    return str(Plain(value)).strip()
