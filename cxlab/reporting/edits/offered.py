"""What of a volume may be said otherwise: every claim and every figure, by its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cxlab.reporting.volume import Chapter, Volume

EDITABLE = ("title", "sentence", "recommendation", "order", "hidden")
FIGURE = ("title",)  # what may be said of a figure


@dataclass(frozen=True)
class Finding:
    """A row: the texts and numbers of the locked columns, and which columns may be typed in."""

    place: str
    chapter: Chapter
    said: str
    claim: Mapping[str, Any]
    editable: tuple[str, ...] = EDITABLE

    @property
    def fields(self) -> Mapping[str, Any]:
        """The claim's fields."""
        return dict(self.claim.get("fields", {}))

    @property
    def code(self) -> str:
        """The claim's code."""
        return str(self.claim.get("code", ""))

    @property
    def grade(self) -> str:
        """The kind of evidence, as a word; of a figure, that it is one."""
        words = self.chapter.words
        key = f"grade.{self.claim.get('grade', '')}"
        return words(key if self.editable == EDITABLE and words.known(key) else "annex.findings.figure")


def findings(volume: Volume) -> Iterator[Finding]:
    """Give every claim of a volume, then every figure, chapter by chapter."""
    for chapter in volume.chapters:
        for stated in chapter.stated:
            claim = stated.claim
            place, said = f"{chapter.entry}/{stated.name}", str(claim.get("sentence", ""))
            said += f" [{chapter.words('edits.withheld')}]" if claim.get("withheld") else ""
            yield Finding(place, chapter, said, claim)
        for bundle in chapter.results:
            title = str((bundle.get("figure") or {}).get("title") or "")
            if title:
                place = f"{chapter.entry}/{bundle['id']}"
                yield Finding(place, chapter, title, figure_claim(bundle), FIGURE)


def figure_claim(bundle: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the claim that a figure's title says, by its title; a description if it is none of them."""
    title = str((bundle.get("figure") or {}).get("title") or "")
    own = next((c for c in bundle.get("claims", ()) if c.get("short") == title), None)
    return {**(own or {"grade": "D", "sentence": title}), "short": title}
