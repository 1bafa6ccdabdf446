"""Reports as pages: one result, one report, the gallery of a study.

SIGNATURES FIRST (being written by the REPORTING owner; names and arguments are stable, bodies follow).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from nbformat import NotebookNode

from cxlab.reporting.words import Words


@dataclass(frozen=True, kw_only=True)
class Client:
    """What a page shows of the client: name, focal colour (#RRGGBB), logo as a data: URI, labels.

    `labels` is client.yaml's ``labels`` mapping ({columns: ..., values: ...}).
    """

    name: str
    focal: str = ""
    logo: str = ""
    labels: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Cover:
    """What stands at the top of a report besides the question and its answer.

    `data_date` is the date of the data, never of the run; `parameters` the validated ones, printed
    with the provenance; `run` the run's id (a hash, no time).
    """

    where: str = ""
    wave: str = ""
    data_date: date | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    run: str = ""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One card of a study's gallery; `entry_of` makes it from an executed notebook.

    `claims` are the claims of the result bundles; `failed_cell` counts from 1 as a reader would.
    `links` are further (label, relative address) pairs: notebook, results.
    """

    name: str
    title: str = ""
    status: Literal["ok", "kept", "failed"] = "ok"
    href: str = ""
    claims: Sequence[Mapping[str, Any]] = ()
    svg: str = ""
    failed_cell: int = 0
    message: str = ""
    links: Sequence[tuple[str, str]] = ()


def result_html(bundle: Mapping[str, Any], words: Words, *, svg: str = "") -> str:
    """Return one shown result as HTML (claims, figure, tables), everything escaped.

    `bundle` is what `cxlab.reporting.bundle.bundle(result, words, ...)` returned: the content of the
    MIME type application/vnd.cxlab.result.v1+json.
    """


def page(notebook: NotebookNode, *, cover: Cover, language: str, client: Client) -> str:
    """Return an executed notebook as one self-contained page (same bytes for the same notebook)."""


def entry_of(notebook: NotebookNode, *, name: str, href: str, language: str, links: Sequence[tuple[str, str]] = ()) -> Entry:
    """Return the gallery card of a notebook that came to its end."""


def index(study: str, entries: Sequence[Entry], *, language: str, client: Client) -> str:
    """Return the gallery of a study as one self-contained page."""
