"""From an executed notebook to what a page is made of: one language, sections, outputs made safe.

The answer stands before data and method; code is gathered at the end of its section. Each output
becomes a fragment of safe HTML; the notebook keeps only slots for them, so that no converter can let
anything through.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from cxlab.reporting import RESULT, safe
from cxlab.reporting.made import PROVENANCE
from cxlab.reporting.words import Words

if TYPE_CHECKING:
    from nbformat import NotebookNode

READ = "application/vnd.cxlab.read.v1+json"
DISPLAYS = ("display_data", "execute_result")
SLOT = re.compile(r'<div class="cx-slot-(\d+)"></div>')
_HEADING = re.compile(r"<h([1-3])>(.*?)</h\1>", re.DOTALL)
_FIGURE = re.compile(r"<!--cx-figure-->.*?<!--/cx-figure-->", re.DOTALL)
_CODE: Mapping[str, Any] = {"cell_type": "code", "execution_count": None, "outputs": []}
_DRAWN = '<div class="cx-drawn"></div>'
MADE = "<!--cx-made-->"  # where a notebook displays what it was made from, the page says all it knows of it
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_SECTION = re.compile(r"^##\s+(.*)$", re.MULTILINE)
HEADS = {
    "question": ("Pregunta", "Question"),
    "answer": ("Respuesta", "Answer"),
    "checks": ("Controles", "Checks"),
}
_TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True)
class Prepared:
    """A notebook of one language whose outputs are slots, and the safe HTML of each slot."""

    notebook: NotebookNode
    fragments: Sequence[str]
    title: str


@dataclass(frozen=True)
class Heading:
    """One line of the table of contents."""

    level: int
    name: str
    text: str


def prepared(notebook: NotebookNode, language: str, words: Words) -> Prepared:
    """Return the notebook's cells of one language, their code last in its section, their outputs safe."""
    fragments: list[str] = []
    cells: list[dict[str, Any]] = []
    code: list[str] = []
    title = ""
    for cell in _of_language(notebook, language):
        if cell.cell_type == "markdown":
            if _SECTION.search(cell.source):
                cells, code = cells + _code_cell(code), []
            found, source = _without_title(words.prose(cell.source))
            title = title or found
            cells += _prose_cell(source, cell.get("attachments", {}))
        elif cell.cell_type == "code":
            code += [cell.source] if cell.source.strip() else []
            first = len(fragments)
            fragments += [fragment(o, words, name=f"f{first + k}") for k, o in enumerate(cell.outputs)]
            slots = [str(k) for k in range(first, len(fragments))]
            cells += [{**_CODE, "source": "", "metadata": {"cx_slots": slots}}] if slots else []
    ordered = _answer_first(cells + _code_cell(code))
    numbered = [{**cell, "id": f"c{k}"} for k, cell in enumerate(ordered)]
    metadata = {"language_info": {"name": "python", "pygments_lexer": "python3"}}
    book = {"cells": numbered, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    from nbformat import from_dict  # its schema costs a second that a kernel must not pay

    return Prepared(from_dict(book), fragments, title)  # type: ignore[no-untyped-call]


def _answer_first(cells: Sequence[Any]) -> list[Any]:
    """Put data and method, which a notebook needs first and a reader last, before the checks."""
    sections: list[list[Any]] = [[]]
    for cell in cells:
        if cell["cell_type"] == "markdown" and _SECTION.search(cell["source"]):
            sections.append([])
        sections[-1].append(cell)
    heads = [_head(section) for section in sections]
    places = {name: next((k for k, head in enumerate(heads) if head in HEADS[name]), 0) for name in HEADS}
    question, answer, checks = places["question"], places["answer"], places["checks"]
    if 0 < question < answer < checks:
        moved = sections[question + 1 : answer]
        sections = [*sections[: question + 1], *sections[answer:checks], *moved, *sections[checks:]]
    return [cell for section in sections for cell in section]


def _head(section: Sequence[Any]) -> str:
    found = _SECTION.search(section[0]["source"]) if section else None
    return found[1].strip() if found else ""


def bundles(notebook: NotebookNode) -> list[Mapping[str, Any]]:
    """Return the results that a notebook displayed, in order."""
    found = [output.data.get(RESULT) for output in _displays(notebook)]
    return [bundle for bundle in found if isinstance(bundle, Mapping)]


def reads(notebook: NotebookNode) -> list[Mapping[str, Any]]:
    """Return the tables that a notebook read, in order."""
    return [r for output in _displays(notebook) if isinstance(r := output.data.get(READ), Mapping)]


def called(notebook: NotebookNode) -> dict[str, str]:
    """Return what the results that a notebook displayed call the codes of their columns."""
    said = [bundle.get("labels", {}).get("values", {}) for bundle in bundles(notebook)]
    return {code: text for each in said for named in each.values() for code, text in named.items()}


def figure_beside(notebook: NotebookNode, claim: Mapping[str, Any] | None) -> str:
    """Return the figure that was displayed with a claim, else the first there is, as it is."""
    drawn = [output.data for output in _displays(notebook) if output.data.get("image/svg+xml")]
    own = [data for data in drawn if claim is not None and claim in data.get(RESULT, {}).get("claims", ())]
    return next(("".join(data["image/svg+xml"]) for data in [*own, *drawn]), "")


def latest_data(notebook: NotebookNode) -> str:
    """Return the last date in the tables that a notebook read, as YYYY-MM-DD, or nothing."""
    return max((str(read["until"]) for read in reads(notebook) if read.get("until")), default="")


def title_of(notebook: NotebookNode, language: str) -> str:
    """Return the notebook's first heading of that language: its question."""
    titles = (
        _without_title(c.source)[0] for c in _of_language(notebook, language) if c.cell_type == "markdown"
    )
    return next((title for title in titles if title), "")


def prose(notebook: NotebookNode, language: str) -> str:
    """Return what a notebook says in one language, as Markdown."""
    cells = _of_language(notebook, language)
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def fragment(output: Mapping[str, Any], words: Words, *, name: str) -> str:
    """Return one output as safe HTML; kinds that are not allowed give nothing."""
    kind = output.get("output_type")
    if kind == "stream":
        return _plain("".join(output.get("text", "")))
    if kind == "error":
        said = f"{output.get('ename', '')}: {output.get('evalue', '')}"
        return f'<div class="cx-error"><p>{escape(words("page.error"))}</p>{_plain(said)}</div>'
    data = output.get("data", {})
    return _shown(data, words, name) if isinstance(data, Mapping) else ""


def outlined(html: str) -> tuple[str, list[Heading]]:
    """Give each heading a name of its own and return them as a table of contents."""
    found: list[Heading] = []

    def named(match: re.Match[str]) -> str:
        heading = Heading(int(match[1]), f"s{len(found) + 1}", " ".join(_TAG.sub("", match[2]).split()))
        found.append(heading)
        return f'<h{match[1]} id="{heading.name}">{match[2]}</h{match[1]}>'

    return _HEADING.sub(named, html), found


def filled(html: str, fragments: Sequence[str]) -> str:
    """Put the fragments into their slots."""
    return SLOT.sub(lambda match: fragments[int(match[1])], html)


def _shown(data: Mapping[str, Any], words: Words, name: str) -> str:
    if PROVENANCE in data:
        return MADE
    drawing = "".join(data.get("image/svg+xml", ""))
    if "text/html" in data:
        text = "".join(data["text/html"])
        if RESULT in data:
            figure = data[RESULT].get("figure") if isinstance(data[RESULT], Mapping) else None
            alt = str((figure or {}).get("alt") or words("page.figure.unnamed"))
            drawn = safe.svg(drawing, name=name, alt=alt)
            return safe.html(_FIGURE.sub(_DRAWN, text)).replace(_DRAWN, drawn, 1).replace(_DRAWN, "")
        return safe.html(text)
    if drawing:
        drawn = safe.svg(drawing, name=name, alt=words("page.figure.unnamed"))
        return f'<figure class="cx-figure"><div class="cx-region">{drawn}</div></figure>' if drawn else ""
    for kind in ("png", "jpeg"):
        if f"image/{kind}" in data:
            source = "".join("".join(data[f"image/{kind}"]).split())
            alt = escape(words("page.figure.unnamed"))
            image = f'<img alt="{alt}" src="data:image/{kind};base64,{escape(source)}">'
            return safe.html(f'<figure class="cx-figure">{image}</figure>')
    text = data.get("text/markdown", data.get("text/plain", ""))
    return _plain("".join(text))


def _plain(text: str) -> str:
    shown = _ANSI.sub("", text).rstrip()
    return f'<pre class="cx-text">{escape(shown)}</pre>' if shown else ""


def _of_language(notebook: NotebookNode, language: str) -> list[NotebookNode]:
    others = {f"lang-{other}" for other in ("es", "en") if other != language}
    cells = copy.deepcopy(notebook.cells)
    return [c for c in cells if not others & set(c.metadata.get("tags", []))]


def _without_title(source: str) -> tuple[str, str]:
    lines = source.splitlines()
    at = next((k for k, line in enumerate(lines) if re.match(r"#\s", line)), None)
    if at is None:
        return "", source
    return lines[at][1:].strip(), "\n".join(lines[:at] + lines[at + 1 :])


def _code_cell(sources: Sequence[str]) -> list[dict[str, Any]]:
    return [{**_CODE, "source": "\n\n".join(s.strip() for s in sources), "metadata": {}}] if sources else []


def _prose_cell(source: str, attachments: Mapping[str, Any]) -> list[dict[str, Any]]:
    if not source.strip():
        return []
    return [{"cell_type": "markdown", "metadata": {}, "source": source, "attachments": attachments}]


def _displays(notebook: NotebookNode) -> list[Any]:
    outputs = [o for c in notebook.cells if c.cell_type == "code" for o in c.get("outputs", [])]
    return [o for o in outputs if o.output_type in DISPLAYS and isinstance(o.get("data"), Mapping)]
