"""What changed between two waves: which question became which, and what is different about it.

`compare` is pure: two codebooks in, changes out. A column is the same one if it asks the same; then if it
has the same name and asks nearly the same; only then if its name or its answers are alike. A name that now
asks another thing is never taken for the old one.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Literal

import numpy as np

from cxlab.errors import Message
from cxlab.intake.privacy.identifiers import identifier
from cxlab.intake.tables.codebooks import READ_AS, Codebook, Item
from cxlab.intake.tables.scales import shorter

Kind = Literal[
    "read", "renamed", "reused", "reworded", "scale", "code_new", "code_gone", "label", "gone", "new"
]
# How alike two questions must be, by the words that tell them from the others of their questionnaire.
SAME_NAME, OTHER_NAME = 0.3, 0.6
ALIKE_NAMES = 0.7
ALIKE_ANSWERS = 0.8
# An answer that so improbably stays away is gone.
IMPROBABLE = 1e-3
# Points beyond a scale that so many give are a longer scale; fewer are codes.
BEYOND = 0.05
_QUOTED = 90


@dataclass(frozen=True, kw_only=True)
class Change:
    """One thing that is not as in the wave before.

    Attributes
    ----------
    kind : str
        read (how the file is read), renamed, reused (a name that asks another thing), reworded, scale,
        code_new, code_gone, label, gone, new.
    file, header, column : str
        In the new file; column of the table, where it is known.
    before, after : str
        What it was and what it is.
    """

    kind: Kind
    file: str
    header: str = ""
    column: str = ""
    before: str = ""
    after: str = ""

    @property
    def says(self) -> Message:
        """What the change is, in a few words."""
        return Message(_SAYS[self.kind])

    @property
    def action(self) -> Message:
        """What to do about it."""
        return Message(_ACTIONS[self.kind], column=self.column or "column", header=self.header or "header")


_SAYS: dict[Kind, str] = {
    "read": Message("read otherwise"),
    "renamed": Message("another name, the same question"),
    "reused": Message("the same name, another question"),
    "reworded": Message("the question reads otherwise"),
    "scale": Message("another scale"),
    "code_new": Message("new answers"),
    "code_gone": Message("answers no longer given"),
    "label": Message("labels of codes changed"),
    "gone": Message("no longer asked"),
    "new": Message("new"),
}
_ACTIONS: dict[Kind, str] = {
    "read": Message("proposed as the file is; confirm it"),
    "renamed": Message("proposed under the same column ({column}); confirm it"),
    "reused": Message("not taken for the old one: confirm what {header} is now"),
    "reworded": Message("if it no longer compares, declare it under `breaks:` with its reason"),
    "scale": Message("declare `equivalent: {{{column}: {{from: [...], to: [...]}}}}`, or keep it apart"),
    "code_new": Message("say what each means: a value, or no answer and why"),
    "code_gone": Message("nothing, if they were taken out of the questionnaire; else ask for the file again"),
    "label": Message("confirm that each code still means the same; recode it if not"),
    "gone": Message("nothing, if it was taken out; the wave will have no value for it"),
    "new": Message("say which column it is, or leave it out"),
}  # fmt: skip


def matched(before: Codebook, after: Codebook) -> dict[str, Item]:
    """Return, for each header of a file, the column of the earlier one that it continues.

    Examples
    --------
    >>> old = Codebook(file="a", items=(Item(header="Q5", question="Is it kind?", column="attr_kind"),
    ...                                 Item(header="Q6", question="Is it clear?", column="attr_clear")))
    >>> new = Codebook(file="b", items=(Item(header="Q5", question="Is it clear?"),))
    >>> matched(old, new)["Q5"].column
    'attr_clear'
    """
    return _Matching(before, after).found


def compare(before: Codebook, after: Codebook) -> tuple[Change, ...]:
    """Return what is different in a file from the one of an earlier wave that it follows.

    Parameters
    ----------
    before, after : Codebook

    Returns
    -------
    tuple of Change
        How the file is read first, then column by column in the order of the file, then what is gone.
    """
    found = matched(before, after)
    old_names = {item.header for item in before.items}
    changes = list(_read_otherwise(before, after))
    for item in after.items:
        old = found.get(item.header)
        if item.header in old_names and (old is None or old.header != item.header):
            was = next(each for each in before.items if each.header == item.header)
            changes.append(_change("reused", after, item, old, _text(was), _text(item)))
        if old is not None:
            changes += _about(old, item, after)
        elif item.header not in before.unused:
            changes.append(_change("new", after, item, None, "", _text(item)))
    kept = {item.column for item in found.values()}
    changes += [
        Change(kind="gone", file=after.file, header=old.header, column=old.column, before=_text(old))
        for old in before.items
        if old.column not in kept
    ]
    return tuple(changes)


def _change(kind: Kind, after: Codebook, item: Item, old: Item | None, was: str, now: str) -> Change:
    column = old.column if old is not None else ""
    return Change(kind=kind, file=after.file, header=item.header, column=column, before=was, after=now)


def _read_otherwise(before: Codebook, after: Codebook) -> Iterator[Change]:
    for key, usual in READ_AS.items():
        was, now = before.read_as.get(key, usual), after.read_as.get(key, usual)
        if was != now:
            yield Change(kind="read", file=after.file, header=key, before=_value(was), after=_value(now))


def _value(value: object) -> str:
    return "-" if value in (None, "") else "TAB" if value == "\t" else str(value)


def _about(old: Item, new: Item, after: Codebook) -> Iterator[Change]:
    """Give what changed of one column."""
    if old.header != new.header:
        yield _change("renamed", after, new, old, old.header, new.header)
    if old.question and new.question and _plain(old.question) != _plain(new.question):
        yield _change("reworded", after, new, old, _text(old), _text(new))
    new = Item(**{**vars(new), "scale": old.scale, "no_answer": old.no_answer})
    moved = _scale_moved(old, new)
    if moved is not None:
        yield _change("scale", after, new, old, *moved)
    if old.values and new.values:
        yield from _codes(old, new, after, moved=moved is not None)
    yield from _labels(old, new, after)


def _scale_moved(old: Item, new: Item) -> tuple[str, str] | None:
    """Return the scale before and after, if the answers say that it moved."""
    was, now = old.points, new.points
    if not was or not now:
        return None
    low, high = old.scale or (min(was), max(was))
    beyond = {point: n for point, n in now.items() if not low <= point <= high}
    if sum(beyond.values()) > BEYOND * sum(now.values()):
        return f"{low:g}-{high:g}", f"{min(now):g}-{max(now):g}"
    inside = {point: n for point, n in now.items() if point not in beyond}
    if not inside:
        return None
    short = shorter(_spread(inside), _spread(was), (low, high))
    return None if short is None else (f"{low:g}-{high:g}", f"{short[0]:g}-{short[1]:g}")


def _spread(points: Mapping[float, int]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.repeat(np.array(list(points), dtype=float), list(points.values()))


def _codes(old: Item, new: Item, after: Codebook, *, moved: bool) -> Iterator[Change]:
    scale = old.scale

    def on_scale(text: str) -> bool:
        points = Item(header="", values={text: 1}).points
        return scale is not None and any(scale[0] <= point <= scale[1] for point in points)

    known = {*old.values, *old.no_answer}
    fresh = [text for text in new.answers if text not in known and not on_scale(text)]
    if fresh and not moved:
        told = ", ".join(f"{text} ({new.values[text]})" for text in fresh)
        yield _change("code_new", after, new, old, "", told)
    size, before = sum(new.answers.values()), sum(old.answers.values())
    lost = [
        text
        for text, n in old.answers.items()
        if text not in new.values and (1 - n / before) ** size < IMPROBABLE
    ]
    if lost and not moved:
        told = ", ".join(f"{text} ({old.values[text]})" for text in lost)
        yield _change("code_gone", after, new, old, told, "")


def _labels(old: Item, new: Item, after: Codebook) -> Iterator[Change]:
    if not old.labels or not new.labels:
        return
    codes = [*old.labels, *(code for code in new.labels if code not in old.labels)]
    other = [code for code in codes if _plain(old.labels.get(code, "")) != _plain(new.labels.get(code, ""))]
    if other:
        was, now = (
            ", ".join(f"{code} = {item.labels.get(code, '-')}" for code in other) for item in (old, new)
        )
        yield _change("label", after, new, old, _shown(was), _shown(now))


class _Matching:
    """Pairs of columns, the surest kind of likeness first; each column is paired once."""

    def __init__(self, before: Codebook, after: Codebook) -> None:
        self.old = list(before.items)
        self.new = [item for item in after.items if item.header not in before.unused]
        self.found: dict[str, Item] = {}
        self.weights = _weights([*self.old, *self.new])
        self._pair(
            lambda old, new: float(bool(old.question) and _plain(old.question) == _plain(new.question)), 1.0
        )
        self._pair(self._named_alike, SAME_NAME)
        self._pair(self._asked_alike, OTHER_NAME)
        self._pair(_answered_alike, ALIKE_ANSWERS, alone=True)
        self._pair(_called_alike, ALIKE_NAMES, alone=True)

    def _pair(self, likeness: Callable[[Item, Item], float], least: float, *, alone: bool = False) -> None:
        """Pair what is left, the most alike first; with `alone`, only where nothing else is as alike."""
        scores = [
            (score, at, to)
            for at, old in enumerate(self.old)
            for to, new in enumerate(self.new)
            if (score := likeness(old, new)) >= least
        ]
        olds, news = Counter(at for _, at, _ in scores), Counter(to for _, _, to in scores)
        done_old: set[int] = set()
        done_new: set[int] = set()
        for _, at, to in sorted(scores, key=lambda each: (-each[0], each[1], each[2])):
            if at in done_old or to in done_new or (alone and (olds[at] > 1 or news[to] > 1)):
                continue
            done_old.add(at)
            done_new.add(to)
            self.found[self.new[to].header] = self.old[at]
        self.old = [item for at, item in enumerate(self.old) if at not in done_old]
        self.new = [item for to, item in enumerate(self.new) if to not in done_new]

    def _named_alike(self, old: Item, new: Item) -> float:
        if _plain(old.header) != _plain(new.header):
            return 0.0
        return self._likeness(old, new) if old.question and new.question else 1.0

    def _asked_alike(self, old: Item, new: Item) -> float:
        return self._likeness(old, new) if old.question and new.question else 0.0

    def _likeness(self, old: Item, new: Item) -> float:
        """Return the share of words in common, each counting as much as it tells questions apart."""
        here, there = set(_words(old.question)), set(_words(new.question))
        total = sum(self.weights[word] for word in here) + sum(self.weights[word] for word in there)
        return 2 * sum(self.weights[word] for word in here & there) / total if total else 0.0


def _weights(items: list[Item]) -> dict[str, float]:
    asked = [set(_words(item.question)) for item in items if item.question]
    seen = Counter(word for words in asked for word in words)
    return {word: math.log(1 + len(asked) / n) ** 2 for word, n in seen.items()}


def _asked_the_same(old: Item, new: Item) -> float:
    return float(bool(old.question) and _plain(old.question) == _plain(new.question))


def _answered_alike(old: Item, new: Item) -> float:
    """Return how much two lists of answers in words overlap; numbers tell nothing."""
    here = {_plain(text) for text in old.answers if not re.fullmatch(r"[-+]?[\d.,]+", text)}
    there = {_plain(text) for text in new.values if not re.fullmatch(r"[-+]?[\d.,]+", text)}
    if min(len(here), len(there)) < 2 or (old.question and new.question):
        return 0.0
    return len(here & there) / len(here | there)


def _called_alike(old: Item, new: Item) -> float:
    if old.question and new.question:
        return 0.0
    alike = SequenceMatcher(None, _plain(old.header), _plain(new.header), autojunk=False).ratio()
    return 0.0 if old.values and not new.values else alike


@lru_cache(maxsize=20_000)
def _words(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"\w+", _plain(text)))


@lru_cache(maxsize=20_000)
def _plain(text: str) -> str:
    bare = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return " ".join(bare.casefold().split())


def _text(item: Item) -> str:
    """Return how a column is told: by its question, else by its name."""
    return _shown(item.question or item.header)


def _shown(text: str) -> str:
    if identifier(text):
        return "…"
    return text if len(text) <= _QUOTED else text[: _QUOTED - 1] + "…"
