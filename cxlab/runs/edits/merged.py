"""The findings' sheet of an annex, read back and merged into the file of edits.

Nothing is lost: an empty cell leaves what there is, a row that is not in the sheet too. A cell that was
changed makes an edit for the number that stood beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cxlab.catalogues import catalogue
from cxlab.errors import InputError, Message, ParameterError
from cxlab.intake.files.sheetcells import Row
from cxlab.intake.files.spreadsheet import Spreadsheet
from cxlab.reporting.edits import CLAIMS, FIGURES, TEXTS, Edit, Edits, WrittenFor, edited, written_for
from cxlab.reporting.edits.offered import EDITABLE, Finding, findings
from cxlab.reporting.volume import Volume
from cxlab.runs.edits.file import MOST
from cxlab.values import NUMBER, TRUTH

LARGEST = 50_000_000
HEADINGS = ("place", "estimate", "conf_low", "conf_high", "run", *EDITABLE)


@dataclass(frozen=True)
class Merge:
    """The edits with those of a sheet, and what changed: place, field, before, after."""

    edits: Edits
    changes: tuple[tuple[str, str, str, str], ...]


def merge(path: Path, edits: Edits, volume: Volume) -> Merge:
    """Merge what was typed into an annex with the edits of its study.

    Parameters
    ----------
    path : Path
        An annex (.xlsx).
    edits : Edits
        What there is.
    volume : Volume
        As published, not edited.

    Raises
    ------
    InputError
        If it is no workbook, has macros or is too large.
    ParameterError
        If it is no annex, or what was typed cannot be used: everything at once, by row.
    """
    rows = _rows(path)
    known = {each.place: each for each in findings(volume)}
    asked: dict[str, dict[str, Edit]] = {CLAIMS: dict(edits.claims), FIGURES: dict(edits.figures)}
    typed: dict[str, dict[str, Edit]] = {CLAIMS: {}, FIGURES: {}}
    lines: dict[tuple[str, ...], int] = {}
    changes: list[tuple[str, str, str, str]] = []
    problems = []
    for number, row in rows:
        place = row.get("place", "").strip()
        given = {name: row.get(name, "").strip() for name in EDITABLE}
        if not place or not any(given.values()):
            continue
        finding = known.get(place)
        section = FIGURES if finding is not None and finding.editable != EDITABLE else CLAIMS
        lines[section, place] = number
        wrong = [*_unreadable(given, Edits(file=path.name, lines=lines), (section, place))]
        if wrong:
            problems += wrong
            continue
        before = asked[section].get(place, Edit())
        after = _with(before, given)
        told = [*_changes(place, before, after)]
        if told:
            noted = _noted(row, finding)
            typed[section][place] = asked[section][place] = replace(after, written_for=noted)
            changes += told
    if not problems:
        edited(volume, Edits(claims=typed[CLAIMS], figures=typed[FIGURES], file=path.name, lines=lines))
        merged = replace(edits, claims=asked[CLAIMS], figures=asked[FIGURES])
        return Merge(merged, tuple(changes))
    raise ParameterError(
        "{n} edits of {file} cannot be used; nothing was made",
        n=len(problems),
        file=path.name,
        problems=problems,
    )


def _rows(path: Path) -> list[tuple[int, Mapping[str, str]]]:
    """Return the rows of the sheet of findings, by the names of its columns."""
    try:
        content = path.read_bytes() if path.stat().st_size <= LARGEST else None
    except OSError as error:
        raise InputError("{file} cannot be read: {reason}", file=path.name, reason=error.strerror) from error
    if content is None:
        raise InputError("{file} is too large to be an annex", file=path.name)
    book = Spreadsheet(content, file=path.name)
    if book.has_macros:
        raise InputError("{file} has macros; save it as .xlsx without them", file=path.name)
    names = {catalogue(language).gettext("annex.findings") for language in ("es", "en")}
    sheet = next((each for each in book.sheets if each.name in names and each.part), None)
    if sheet is None:
        raise ParameterError(
            "{file} has no sheet {names}: is it an annex of this study?",
            file=path.name,
            names=" / ".join(sorted(names)),
        )
    rows = book.grid(sheet).rows
    at, places = next(
        ((k, found) for k, row in enumerate(rows) if len(found := _heads(row)) == len(HEADINGS)), (0, {})
    )
    if not places:
        raise ParameterError(
            "the sheet of findings in {file} has lost a heading: take the annex again", file=path.name
        )
    return [
        (row.number, {name: row.texts[k] for name, k in places.items() if k < len(row.texts)})
        for row in rows[at + 1 :]
    ]


def _heads(row: Row) -> dict[str, int]:
    """Return the column of each heading in a row, in whichever language."""
    said = {
        catalogue(language).gettext(f"annex.findings.{name}"): name
        for language in ("es", "en")
        for name in HEADINGS
    }
    return {said[text.strip()]: k for k, text in enumerate(row.texts) if text.strip() in said}


def _unreadable(given: Mapping[str, str], edits: Edits, place: tuple[str, str]) -> Iterator[Any]:
    order, hidden = given["order"], given["hidden"]
    if order and not (order.isascii() and order.isdecimal() and 0 < int(order[:9]) <= MOST):
        allowed = Message("a whole number from 1 to {most}", most=MOST)
        yield edits.problem((*place, "order"), order[:60], allowed, Message("correct it"))
    if hidden and hidden.lower() not in TRUTH:
        yield edits.problem((*place, "hidden"), hidden[:60], Message("yes or no"), Message("correct it"))


def _with(before: Edit, given: Mapping[str, str]) -> Edit:
    texts = {name: given[name] or getattr(before, name) for name in TEXTS}
    return Edit(
        title=texts["title"],
        sentence=texts["sentence"],
        recommendation=texts["recommendation"],
        order=int(given["order"]) if given["order"] else before.order,
        hidden=TRUTH[given["hidden"].lower()] if given["hidden"] else before.hidden,
        written_for=before.written_for,
    )


def _changes(place: str, before: Edit, after: Edit) -> Iterator[tuple[str, str, str, str]]:
    old, new = before.plain(), after.plain()
    for name in (*TEXTS, "order", "hidden"):
        if old.get(name) != new.get(name):
            yield place, name, str(old.get(name, "")), str(new.get(name, ""))


def _noted(row: Mapping[str, str], finding: Finding | None) -> WrittenFor | None:
    """Return what a row was written for: what stood beside it, where its run is not the present one."""
    if finding is None:
        return None
    now = written_for(finding.claim, finding.chapter.run)
    run = row.get("run", "").strip()
    if not run or now.run.startswith(run) or now.said:
        return now
    numbers = {name: row.get(name, "").strip() for name in ("estimate", "conf_low", "conf_high")}
    read = {
        name: float(text) if NUMBER.fullmatch(text.lstrip("+-")) else None for name, text in numbers.items()
    }
    return replace(
        now, run=run, estimate=read["estimate"], conf_low=read["conf_low"], conf_high=read["conf_high"]
    )
