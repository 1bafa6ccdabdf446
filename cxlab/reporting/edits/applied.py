"""A volume as edited: each edit checked against the claim as it stands now, then put into the notebooks."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from cxlab.errors import Message, ParameterError, Problem
from cxlab.reporting import RESULT, body, html
from cxlab.reporting.edits import texts
from cxlab.reporting.edits.drawn import retitled
from cxlab.reporting.edits.given import CLAIMS, FIGURES, TEXTS, Edit, Edits, WrittenFor, moved, written_for
from cxlab.reporting.edits.offered import figure_claim
from cxlab.reporting.units import unit_of_claim
from cxlab.reporting.words import Words, absent

if TYPE_CHECKING:
    from cxlab.reporting.volume import Bundle, Chapter, Volume

Place = tuple[str, str]


@dataclass(frozen=True)
class _Target:
    """What an edit is of: the claim that it is held to, and of a figure the result it was drawn of."""

    chapter: Chapter
    claim: Mapping[str, Any]
    figure: Bundle | None = None


@dataclass
class _Found:
    """What came of the edits: those that hold, those withheld with the reason, what is wrong."""

    good: dict[Place, Edit] = field(default_factory=dict)
    withheld: dict[Place, Message] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def edited(volume: Volume, edits: Edits) -> Volume:
    """Return a volume whose notebooks say what was asked for.

    Parameters
    ----------
    volume : Volume
        As published.
    edits : Edits

    Returns
    -------
    Volume
        `given` tells what was asked for, `withheld` which edits are not applied because the claim is not the
        one that they were written for: there our own sentence stands, with a note that says so.

    Raises
    ------
    ParameterError
        With everything that is wrong: an unknown claim, a number typed by hand, a placeholder that the claim
        does not have, a verb that says more than the evidence.
    """
    if not (edits.claims or edits.figures):
        return volume
    found = _held(volume, edits)
    if found.problems:
        raise ParameterError(
            "{n} edits of {file} cannot be used; nothing was made",
            n=len(found.problems),
            file=edits.file,
            problems=found.problems,
        )
    given = {
        place: edit.plain() for section in (edits.claims, edits.figures) for place, edit in section.items()
    }
    chapters = tuple(_chapter(each, found) for each in volume.chapters)
    return replace(volume, chapters=chapters, given=given, withheld=tuple(found.withheld.values()))


def _targets(volume: Volume) -> dict[Place, _Target]:
    targets: dict[Place, _Target] = {}
    for chapter in volume.chapters:
        for stated in chapter.stated:
            targets[CLAIMS, f"{chapter.entry}/{stated.name}"] = _Target(chapter, stated.claim)
        for bundle in chapter.results:
            title = str((bundle.get("figure") or {}).get("title") or "")
            if title:
                place = f"{chapter.entry}/{bundle['id']}"
                targets[FIGURES, place] = _Target(chapter, figure_claim(bundle), bundle)
    return targets


def _held(volume: Volume, edits: Edits) -> _Found:
    """Hold every edit to what it is of."""
    found, targets = _Found(), _targets(volume)
    runs = {chapter.entry: chapter.run for chapter in volume.chapters}
    for section, asked in ((CLAIMS, edits.claims), (FIGURES, edits.figures)):
        for name, edit in asked.items():
            place, target = (section, name), targets.get((section, name))
            before = edit.written_for
            if target is None:
                if before and before.run and before.run != runs.get(name.partition("/")[0]):
                    found.withheld[place] = Message("{place}: no longer said; the edit waits", place=name)
                else:
                    found.problems.append(_unknown(place, targets, edits))
            elif before is None:
                found.problems.append(_undated(place, written_for(target.claim, target.chapter.run), edits))
            elif moved(before, now := written_for(target.claim, target.chapter.run)):
                found.withheld[place] = _moved(name, before, now, target)
            elif wrong := [*_wrong(place, edit, target, edits)]:
                found.problems += wrong
            else:
                found.good[place] = edit
    return found


def _unknown(place: Place, targets: Mapping[Place, _Target], edits: Edits) -> Problem:
    section, name = place
    names = [each for kind, each in targets if kind == section]
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return edits.problem(
        place, name, Message("a claim or figure of the study, as `cxlab edits` lists them"),
        Message("did you mean {close}?", close=close[0]) if close else Message("look it up there"),
    )  # fmt: skip


def _undated(place: Place, now: WrittenFor, edits: Edits) -> Problem:
    import json

    line = json.dumps(now.plain(), ensure_ascii=False)
    return edits.problem(
        place, Message("an edit that does not say which number it was written for"), Message("`written_for`"),
        Message("if it is the present one, add the line: written_for: {line}", line=line),
    )  # fmt: skip


def _moved(name: str, before: WrittenFor, now: WrittenFor, target: _Target) -> Message:
    said = [_amount(each, target.claim, target.chapter.words) for each in (before, now)]
    if "" in said or said[0] == said[1]:
        return Message("{place}: written for another finding; ours stands", place=name)
    return Message(
        "{place}: written for {before}, now {after}; our own sentence stands",
        place=name, before=said[0], after=said[1],
    )  # fmt: skip


def _amount(number: WrittenFor, claim: Mapping[str, Any], words: Words) -> str:
    if absent(number.estimate):
        return ""
    return words.amount(number.estimate, unit_of_claim(claim.get("fields", {})))


def _wrong(place: Place, edit: Edit, target: _Target, edits: Edits) -> Iterator[Problem]:
    words = target.chapter.words
    for name in TEXTS:
        if text := getattr(edit, name):
            yield from texts.problems((*place, name), text, target.claim, words, edits)
    if target.figure is None:
        return
    drawing = target.chapter.figures.get(str(target.figure["id"]), "")
    title = str(target.figure["figure"]["title"])
    try:
        new = texts.filled(edit.title, target.claim, words) if edit.title else title
    except (KeyError, ValueError):  # told above
        return
    if drawing and retitled(drawing, title, new) is None:
        yield edits.problem(
            (*place, "title"), Message("a title that takes more lines than the figure has room for"),
            Message("as many lines as ours"), Message("shorten it"),
        )  # fmt: skip


def _chapter(chapter: Chapter, found: _Found) -> Chapter:
    """Return a chapter with its edits, its other outputs as they are."""
    touched = {name for _, name in (*found.good, *found.withheld) if name.partition("/")[0] == chapter.entry}
    if not touched:
        return chapter
    notebook = copy.deepcopy(chapter.notebook)
    names = iter([stated.name for stated in chapter.stated])
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if output.get("output_type") in body.DISPLAYS and isinstance(data.get(RESULT), Mapping):
                own = [f"{chapter.entry}/{next(names)}" for _ in data[RESULT].get("claims", ())]
                _result(data, own, chapter, found, touched)
    return replace(chapter, notebook=notebook, published="")


def _result(data: Any, names: Sequence[str], chapter: Chapter, found: _Found, touched: set[str]) -> None:
    """Put the edits of one result into its bundle, its figure and its HTML."""
    words, entry = chapter.words, f"{chapter.entry}/"
    place = f"{entry}{data[RESULT]['id']}"
    bundle = {**data[RESULT]}
    claims = [
        {**claim, "name": name.removeprefix(entry)}
        for claim, name in zip(bundle["claims"], names, strict=True)
    ]
    every = [_claim(claim, name, words, found) for claim, name in zip(claims, names, strict=True)]
    bundle["claims"] = sorted((c for c in every if c), key=lambda claim: claim.get("order", texts.LAST))
    if edit := found.good.get((FIGURES, place)):
        _retitle(data, bundle, edit, words)
    data[RESULT] = bundle
    if touched & {place, *names}:
        printed = bundle.get("printed") or ["main", *sorted({*bundle["tables"]} - {"main"})]
        shown = {**bundle, "tables": {name: bundle["tables"][name] for name in printed}}
        data["text/html"] = html.result_html(shown, words, svg="".join(data.get("image/svg+xml", "")))


def _claim(claim: dict[str, Any], name: str, words: Words, found: _Found) -> dict[str, Any] | None:
    """Return a claim as edited; None if it is hidden."""
    if (CLAIMS, name) in found.withheld:
        note = words("edits.withheld")
        return {**claim, "caveat_texts": [*claim.get("caveat_texts", ()), note], "withheld": True}
    edit = found.good.get((CLAIMS, name), Edit())
    if edit.hidden:
        return None
    ours = {**claim}
    if edit.sentence:
        claim["sentence"] = texts.filled(edit.sentence, ours, words, sentence=True)
        claim["short"] = texts.filled(edit.sentence, ours, words).rstrip(".")
    if edit.title:
        claim["short"] = texts.filled(edit.title, ours, words).rstrip(".")
    if edit.recommendation:
        advice = texts.filled(edit.recommendation, ours, words)
        claim["recommendation"] = advice if advice.endswith((".", "!", "?")) else f"{advice}."
    if edit.order:
        claim |= {"order": edit.order, "headline": True}
    return claim


def _retitle(data: Any, bundle: dict[str, Any], edit: Edit, words: Words) -> None:
    figure = {**bundle["figure"]}
    before = figure["title"]
    after = texts.filled(edit.title, figure_claim(data[RESULT]), words).rstrip(".")
    drawing = "".join(data.get("image/svg+xml", ""))
    data["image/svg+xml"] = retitled(drawing, before, after) or drawing
    alt = str(figure.get("alt") or "")
    bundle["figure"] = figure | {
        "title": after, "alt": after + alt.removeprefix(before) if alt.startswith(before) else alt,
    }  # fmt: skip
