"""The files of a delivery, each made of the study's volume: its pages, and one for each maker.

What can be handed over is what is made here and nothing else: no notebook, no manifest, no failure.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path

from cxlab.errors import Message, RunError, WorkbenchError
from cxlab.reporting import gallery
from cxlab.reporting.volume import Volume
from cxlab.runs.crate.door import refuse
from cxlab.runs.crate.written import zip_of
from cxlab.runs.pages import page_bytes

PAGES = "pages"


@dataclass(frozen=True)
class Maker:
    """One kind of file: how it is called in current.json, its suffix, and what makes it of a volume."""

    kind: str
    suffix: str
    make: Callable[[Volume], bytes]


def _deck(volume: Volume) -> bytes:
    from cxlab.reporting.deck import deck

    return deck(volume, template=volume.template, layout=volume.layouts)


def _annex(volume: Volume) -> bytes:
    from cxlab.reporting.annex import annex

    return annex(volume)


def _pdf(volume: Volume) -> bytes:
    from cxlab.reporting.pdf import pdf

    return pdf(volume)


def _browser(volume: Volume) -> bytes:
    from cxlab.reporting.pdf import by_browser

    return by_browser(volume)


# Each imports what makes it only when it is called: it is heavy, or may be missing on this machine.
MAKERS: tuple[Maker, ...] = (
    Maker("deck", ".pptx", _deck),
    Maker("annex", ".xlsx", _annex),
    Maker("pdf", ".pdf", _pdf),
)


def makers_of(pdf: str) -> list[Maker]:
    """Return what makes the files of a delivery, with the PDF by `weasyprint`, `chromium` or not at all."""
    printed = {"weasyprint": MAKERS[-1:], "chromium": (Maker("pdf", ".pdf", _browser),)}
    return [*MAKERS[:-1], *printed.get(pdf, ())]


@dataclass(frozen=True)
class Files:
    """What a delivery holds: content by name, the name of each kind, and why a kind could not be made."""

    content: dict[str, bytes]
    kinds: dict[str, str]
    missing: dict[str, Message]

    def zipped(self) -> bytes:
        """Return them as a zip file: the same bytes for the same files."""
        return zip_of(self.content)


def made(
    volume: Volume, *, root: Path, makers: Iterable[Maker] | None = None, unsaid: Collection[str] = ()
) -> Files:
    """Return the files of a delivery.

    Parameters
    ----------
    volume : Volume
    root : Path
        The workbench: no page may say where it is.
    makers : iterable of Maker, optional
        All of them without it.
    unsaid : collection of str
        Names that no page may say: of rivals that are masked.

    Raises
    ------
    RunError
        If a page holds what may not leave: personal data, a secret, a place of this machine, such a name.
    """
    pages = {f"{PAGES}/{name}": page_bytes(page) for name, page in _pages(volume)}
    refuse(pages, root=root)
    made = Files(dict(pages), {PAGES: f"{PAGES}/index.html"}, {})
    for maker in MAKERS if makers is None else makers:
        name = f"{volume.study}{maker.suffix}"
        try:
            made.content[name] = maker.make(volume)
        except WorkbenchError as error:  # of this machine: the others can be made
            made.missing[maker.kind] = error.message
        else:
            made.kinds[maker.kind] = name
    _refuse_names(made.content, unsaid)
    return made


def _refuse_names(files: Mapping[str, bytes], unsaid: Collection[str]) -> None:
    """Refuse files that name a masked rival; a PDF says what its pages say."""
    if not unsaid:
        return
    named = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, sorted(unsaid)))})(?!\w)", re.IGNORECASE)
    for name, content in files.items():
        if any(named.search(unescape(text)) for text in _texts(content)):
            raise RunError(
                "{file} names a rival that is masked: nothing was delivered; run the study again, and look "
                "for the name in its texts and filters",
                file=name,
            )


def _texts(content: bytes) -> Iterable[str]:
    """Give the text of a page, or those of a workbook's or deck's parts, also of what is packed in them."""
    if not content.startswith(b"PK"):
        yield content.decode("utf-8", "replace")
        return
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        for part in packed.namelist():
            yield from _texts(packed.read(part))


def _pages(volume: Volume) -> Iterable[tuple[str, str]]:
    """Give the gallery, without what leads to notebooks and manifests, and the chapters."""
    cards = [
        replace(
            gallery.entry_of(
                each.notebook, name=each.entry, href=f"{each.entry}.html", language=each.language
            ),
            title=each.title,
        )
        for each in volume.chapters
    ]
    yield "index.html", gallery.index(volume.title, cards, language=volume.language, client=volume.client)
    for each in volume.chapters:
        yield f"{each.entry}.html", each.page()
