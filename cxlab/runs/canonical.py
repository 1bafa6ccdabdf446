"""An executed notebook without what differs between two runs of the same thing.

Times, random cell ids, papermill's notes, widget state, addresses of objects, ids of styled tables and names
of temporary files go; the pieces of a stream are joined. What is left depends on the notebook, its
parameters, its data and the code alone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from itertools import count
from typing import Any

from nbformat import NotebookNode, from_dict

from cxlab.runs.provenance import OF_A_RUN

ROOT, OF_A_CELL = r"(?:/|[A-Za-z]:\\)", r"ipykernel_\d+[/\\]\d+\.py"
OPENS = r"(?:\}|</th>)?[\s&]*(?:<td>)?\s*"  # from a head to its value in text, LaTeX and HTML
SCRUBBED = (
    (re.compile(r"(?<= at )0x[0-9a-fA-F]{6,}"), "0x0"),
    # A warning begins with the file of its cell, whose folder may have spaces; a traceback quotes it.
    (re.compile(rf"(?m)^{ROOT}[^\n\"']*?{OF_A_CELL}"), "<cell>"),
    (re.compile(rf"(?<=[\"']){ROOT}[^\n\"']*?{OF_A_CELL}"), "<cell>"),
    # From the beginning of a word only: tried from within, a picture or a long line would take minutes.
    (re.compile(rf"(?<![^\s\"'<>(])[^\s\"'<>(]*{OF_A_CELL}"), "<cell>"),
    (re.compile(r"<ipython-input-(\d+)-[0-9a-f]+>"), r"<cell \1>"),
    # When lifelines and statsmodels computed, which they print among their results.
    (
        re.compile(rf"(time fit was run(?: =)?{OPENS})\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d"),
        r"\g<1>1980-01-01 00:00:00",
    ),
    (
        re.compile(
            rf"(?s)(Date:{OPENS})[A-Z][a-z]{{2}}, \d\d [A-Z][a-z]{{2}} \d{{4}}"
            rf"(.{{1,200}}?Time:{OPENS})\d\d:\d\d:\d\d"
        ),
        r"\g<1>Tue, 01 Jan 1980\g<2>00:00:00",
    ),
)
STYLED = re.compile(r'<table id="T_([0-9a-f]{5,32})"')  # pandas' Styler: drawn anew for each display
WIDGET = re.compile(r"application/vnd\.jupyter\.widget")


def canonical(notebook: NotebookNode) -> NotebookNode:
    """Return `notebook` (changed in place) in its canonical form.

    Parameters
    ----------
    notebook : NotebookNode
        Executed, format 4.

    Returns
    -------
    NotebookNode
        The same object: format 4.5, cell ids made of content, outputs without traces of the run.
    """
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    kept = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    for name in ("language_info", "title"):
        if name in notebook.metadata:
            kept[name] = notebook.metadata[name]
    notebook.metadata = from_dict(kept)  # type: ignore[no-untyped-call]
    seen: dict[str, int] = {}
    styled = count(1)
    for cell in notebook.cells:
        for name in OF_A_RUN:
            cell.metadata.pop(name, None)
        if cell.metadata.get("tags") == []:
            del cell.metadata["tags"]
        cell.id = _identity(cell, seen)
        if cell.cell_type == "code":
            cell.outputs = [_settled(output, styled) for output in _joined(cell.get("outputs", []))]
    return notebook


def _identity(cell: NotebookNode, seen: dict[str, int]) -> str:
    digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode("utf-8", "surrogatepass")).hexdigest()[
        :12
    ]
    seen[digest] = seen.get(digest, 0) + 1
    return digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"


def _joined(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Join the streams between two other outputs: stdout, then stderr, whatever order they arrived in."""
    joined: list[NotebookNode] = []
    waiting: dict[str, NotebookNode] = {}
    for output in outputs:
        if output.output_type == "stream":
            if output.name in waiting:
                waiting[output.name].text += output.text
            else:
                waiting[output.name] = output
            continue
        joined += [waiting[name] for name in sorted(waiting, reverse=True)]
        waiting = {}
        joined.append(output)
    return joined + [waiting[name] for name in sorted(waiting, reverse=True)]


def _settled(output: NotebookNode, styled: Iterator[int]) -> NotebookNode:
    if output.output_type == "stream":
        output.text = _scrubbed(output.text)
    elif output.output_type == "error":
        output.traceback = [_scrubbed(line) for line in output.traceback]
        output.evalue = _scrubbed(output.evalue)
    else:
        data = {kind: _scrubbed(v) for kind, v in output.data.items() if not WIDGET.match(kind)}
        if isinstance(html := data.get("text/html"), str):
            for drawn in STYLED.findall(html):
                data["text/html"] = data["text/html"].replace(f"T_{drawn}", f"T_{next(styled):05d}")
        output.data = from_dict(data)  # type: ignore[no-untyped-call]
        output.pop("transient", None)
    return output


def _scrubbed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    for pattern, instead in SCRUBBED:
        value = pattern.sub(instead, value)
    return value
