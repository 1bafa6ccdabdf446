"""The presentation a deck is written into: our own plain one, or the firm's template by a map of layouts."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pptx import Presentation
from pptx.enum.shapes import PP_PLACEHOLDER
from pptx.exc import PackageNotFoundError
from pptx.util import Emu, Inches

from cxlab.errors import InputError
from cxlab.reporting.colours import LIGHT

KINDS = ("title", "content")
OWN = {"title": "Title Slide", "content": "Title Only"}
FONT = "Arial"
_TITLES = (PP_PLACEHOLDER.TITLE, PP_PLACEHOLDER.CENTER_TITLE)
_BODIES = (PP_PLACEHOLDER.OBJECT, PP_PLACEHOLDER.BODY)


@dataclass(frozen=True)
class Box:
    """A rectangle in EMU."""

    left: int
    top: int
    width: int
    height: int

    @property
    def place(self) -> tuple[Emu, Emu, Emu, Emu]:
        """Left, top, width, height, as python-pptx takes them."""
        return Emu(self.left), Emu(self.top), Emu(self.width), Emu(self.height)


@dataclass(frozen=True)
class House:
    """A presentation without slides, its two layouts, and whether they are the firm's."""

    presentation: Any
    title: Any
    content: Any
    firm: bool

    def box(self, left: float, top: float, width: float, height: float) -> Box:
        """Return a rectangle given as shares of the slide."""
        w, h = int(self.presentation.slide_width), int(self.presentation.slide_height)
        return Box(int(left * w), int(top * h), int(width * w), int(height * h))

    @property
    def inside(self) -> Box:
        """Where titles and figures go: what the firm's layout gives to them, or within our margins."""
        whole = self.box(0.045, 0.055, 0.91, 0.835)
        if not self.firm:
            return whole
        places = [p for p in self.content.placeholders if p.placeholder_format.type in (*_TITLES, *_BODIES)]
        if not places:
            return whole
        left, top = min(p.left for p in places), min(p.top for p in places)
        right = max(p.left + p.width for p in places)
        bodies = [p for p in places if p.placeholder_format.type in _BODIES]
        bottom = max((p.top + p.height for p in bodies), default=whole.top + whole.height)
        foot = self.box(0, 0.1, 0, 0).top
        return Box(left, top, right - left, min(bottom, int(self.presentation.slide_height) - foot) - top)


def layouts(template: bytes) -> list[str]:
    """Return the names of a template's layouts.

    Raises
    ------
    InputError
        If it is no .pptx.
    """
    return [layout.name for layout in _opened(template).slide_layouts]


def checked(template: bytes, layout: Mapping[str, str]) -> dict[str, str]:
    """Return the layout for each kind of slide, as the map says or else by the usual names.

    Raises
    ------
    InputError
        If the template is no .pptx, the map names a kind that there is not, or a layout that the template
        does not have, or none is named and none has a usual name.
    """
    known = layouts(template)
    for kind in layout:
        if kind not in KINDS:
            raise InputError(
                "deck: there is no kind of slide {kind}; allowed: {kinds}", kind=kind, kinds=", ".join(KINDS)
            )
    chosen = {kind: layout.get(kind) or _usual(kind, known) for kind in KINDS}
    for kind, name in chosen.items():
        if name not in known:
            raise InputError(
                "deck: the template has no layout {name} for slides of kind {kind}; it has: {known}",
                name=name or "-",
                kind=kind,
                known=", ".join(known),
            )
    return chosen


def _usual(kind: str, known: list[str]) -> str:
    names = {
        "title": ("Title Slide", "Diapositiva de título", "Portada"),
        "content": ("Title Only", "Solo el título", "Sólo el título"),
    }
    return next((name for name in names[kind] if name in known), "")


def house(template: bytes | None, layout: Mapping[str, str] | None) -> House:
    """Return the presentation to write into; raises as `checked`."""
    if template is None:
        presentation = Presentation()
        _widened(presentation)
        chosen = OWN
    else:
        chosen = checked(template, layout or {})
        presentation = _opened(template)
        _emptied(presentation)
    by_name = {each.name: each for each in reversed(presentation.slide_layouts)}
    return House(presentation, by_name[chosen["title"]], by_name[chosen["content"]], template is not None)


def _opened(template: bytes) -> Any:
    try:
        return Presentation(io.BytesIO(template))
    except (PackageNotFoundError, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise InputError("deck: the template is not a .pptx file that can be opened") from error


def _emptied(presentation: Any) -> None:
    """Take the slides of a template out: only its masters and layouts are wanted."""
    listed = presentation.slides._sldIdLst
    for entry in list(listed):
        presentation.part.drop_rel(entry.rId)
        listed.remove(entry)


def _widened(presentation: Any) -> None:
    """Make python-pptx's own presentation 16:9 in our letters and colours, with the layouts that are used."""
    wide = Inches(13.333)
    factor = wide / presentation.slide_width
    presentation.slide_width, presentation.slide_height = wide, Inches(7.5)
    for layout in list(presentation.slide_layouts):
        if layout.name not in (*OWN.values(), "Title and Content", "Blank"):
            presentation.slide_layouts.remove(layout)
    master = presentation.slide_master
    for holder in (master, *presentation.slide_layouts):
        for shape in holder.shapes:
            if shape._element.spPr.xfrm is not None:
                left, width = shape.left, shape.width
                shape.left, shape.width = Emu(int(left * factor)), Emu(int(width * factor))
    theme = next(r.target_part for r in master.part.rels.values() if r.reltype.endswith("/theme"))
    theme._blob = _themed(theme.blob.decode("utf-8")).encode("utf-8")
    package = presentation.part.package
    for key, relation in list(package._rels.items()):
        if relation.reltype.endswith("/thumbnail"):
            package._rels.pop(key)
    for key, relation in list(presentation.part.rels.items()):
        if relation.reltype.endswith("/printerSettings"):
            presentation.part.rels.pop(key)


def _themed(theme: str) -> str:
    theme = re.sub(r'(<a:latin typeface=")[^"]*"', rf'\g<1>{FONT}"', theme)
    colours = {
        "dk2": LIGHT["ink"],
        "accent1": LIGHT["focal"],
        "accent2": LIGHT["context"],
        "accent3": LIGHT["muted"],
    }
    for name, colour in colours.items():
        value = f'<a:{name}><a:srgbClr val="{colour[1:].upper()}"/></a:{name}>'
        theme = re.sub(rf"<a:{name}>.*?</a:{name}>", value, theme, flags=re.DOTALL)
    return theme
