"""Which tables an annex has, in which order, and what their sheets are called."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cxlab.reporting.annex.typed import title_of

if TYPE_CHECKING:
    from cxlab.reporting.volume import Bundle, Chapter, Volume

MAIN = "main"


@dataclass
class Sheet:
    """A table and the sheet that it is written on; `name` is settled when the sheet is made."""

    number: str
    chapter: Chapter
    bundle: Bundle
    table: str
    name: str = ""

    @property
    def title(self) -> str:
        """What the table shows: the title of its figure, or its kind."""
        figure = self.bundle.get("figure") or {}
        drawn = str(figure.get("title") or "")
        own = title_of(self.bundle, self.table, self.chapter.words)
        return (drawn or own) if self.table == MAIN else own


@dataclass(frozen=True)
class Plan:
    """The sheets, and for each chapter its tables: also those that an earlier sheet shows."""

    sheets: Sequence[Sheet]
    listed: Sequence[tuple[Chapter, Sequence[Sheet]]] = field(default_factory=list)


def planned(volume: Volume) -> Plan:
    """Return the plan of a volume's annex; what is shown again, to the last number, has no second sheet."""
    known: dict[str, Sheet] = {}
    listed: list[tuple[Chapter, Sequence[Sheet]]] = []
    for at, chapter in enumerate(volume.chapters, 1):
        own: dict[int, Sheet] = {}
        count = 0
        for bundle in chapter.results:
            for table in _in_order(bundle):
                key = _key(chapter, bundle, table)
                if key not in known:
                    count += 1
                    known[key] = Sheet(f"{at}.{count}", chapter, bundle, table)
                own.setdefault(id(known[key]), known[key])
        listed.append((chapter, list(own.values())))
    return Plan(list(known.values()), listed)


def _in_order(bundle: Bundle) -> list[str]:
    """Return the tables of a result: the main one, then as they were printed, else by name."""
    printed = [name for name in bundle.get("printed", ()) if name in bundle["tables"]]
    names = [MAIN, *printed, *sorted(bundle["tables"])]
    return [name for name in dict.fromkeys(names) if bundle["tables"].get(name, {}).get("rows")]


def _key(chapter: Chapter, bundle: Bundle, table: str) -> str:
    """Return what tells two tables apart: their numbers, what they mean, and for whom they are."""
    said: list[Any] = [chapter.cover.where, chapter.language, bundle["kind"], bundle.get("n_used")]
    return json.dumps([said, table, bundle["tables"][table], bundle["settings"]], sort_keys=True)
