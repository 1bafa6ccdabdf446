"""How a result was computed, in words: its settings, what was left out, what must be said beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cxlab.reporting.words import Words, clean

if TYPE_CHECKING:
    from cxlab.reporting.volume import Bundle, Chapter

MANY = 12  # of a list: more of them are counted
SHARES = frozenset({"level", "level_tests", "discount", "trim"})
# Their values are columns, or lists of them.
COLUMNS = frozenset({
    "by", "weights", "base_weight", "strata", "cluster", "outcome", "drivers", "controls", "covariates",
    "duration", "event", "entry", "unit", "variables", "items", "mix", "rater", "cohort", "segment",
})  # fmt: skip


def lines(chapter: Chapter, bundle: Bundle) -> Iterator[tuple[str, str]]:
    """Give what stands under a table as (what, text): base, left out, filter, method, caveats, run."""
    words = chapter.words
    if bundle.get("n_used"):
        yield words("annex.base"), words.number(bundle["n_used"], 0)
    for reason, count in (bundle.get("n_dropped") or {}).items():
        if count:
            yield words("annex.dropped"), f"{words.number(count, 0)}: {clean(str(reason))}"
    yield words("page.where"), clean(chapter.cover.where) or words("page.where.all")
    if chapter.cover.wave:
        yield words("page.wave"), clean(chapter.cover.wave)
    if said := settings(bundle.get("settings", {}), words):
        yield words("annex.method"), said
    for text in dict.fromkeys(t for c in bundle.get("claims", ()) for t in c.get("caveat_texts", ())):
        yield words("annex.caveat"), clean(str(text))
    yield words("made.run.name"), f"{chapter.run} ({chapter.entry}, {bundle.get('id', '')})"


def settings(given: Mapping[str, Any], words: Words) -> str:
    """Return a result's settings as one line: those that have a word first, the others by their code.

    Examples
    --------
    >>> settings({"level": 0.95, "by": ["region"], "exact": True, "cluster": None}, Words("en"))
    'Confidence level: 95%; By: Region; exact: yes'
    """
    named: list[str] = []
    coded: list[str] = []
    for key, value in given.items():
        said = _said(key, value, words)
        if not said:
            continue
        known = words.known(f"setting.{key}")
        told = f"{words(f'setting.{key}') if known else key}: {said}"
        (named if known else coded).append(told)
    return "; ".join([*named, *coded])


def _said(key: str, value: Any, words: Words) -> str:
    if value in (None, "", [], {}) or isinstance(value, Mapping):
        return ""
    if isinstance(value, list | tuple):
        each = [said for one in value if (said := _said(key, one, words))]
        return ", ".join(each) if len(each) <= MANY else _counted(each, words)
    if isinstance(value, bool):
        return words("table.yes" if value else "table.no")
    if isinstance(value, int | float):
        if key == "seed":
            return str(value)
        return words.percent(value) if key in SHARES else words.number(value)
    if key == "metric":
        return words.metric(value)
    return words.crossing(value) if key in COLUMNS else _value(key, str(value), words)


def _counted(texts: Sequence[str], words: Words) -> str:
    return words("annex.more", first=", ".join(texts[:MANY]), count=words.number(len(texts) - MANY, 0))


def _value(key: str, value: str, words: Words) -> str:
    return words.label(key, value)
