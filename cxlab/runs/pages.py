"""The pages of a study: each entry's report, its card, the gallery, and what they show of the client.

Reporting is heavy to import and needed only once a notebook has come to its end, so this module is
loaded while the first kernels are already at work.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from cxlab.catalogues import translate
from cxlab.errors import InputError
from cxlab.reporting import gallery, html
from cxlab.reporting.made import Made
from cxlab.runs import outputs
from cxlab.runs.entries import Entry
from cxlab.runs.history import History, delivered
from cxlab.runs.outcome import Outcome
from cxlab.runs.points import readable
from cxlab.runs.provenance import versions
from cxlab.runs.publish import Shelf, manifest_of
from cxlab.runs.retold import retold
from cxlab.runs.stages import failure_of
from cxlab.runs.study import Study
from cxlab.runs.unchanged import asked

MANY = 12  # points that a gallery shows one by one
LOGOS = {".png": "image/png", ".svg": "image/svg+xml"}


class Gallery:
    """The pages of one study; every card is made once."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self._cards: dict[str, gallery.Entry] = {}
        self._history = History()
        self._clients: dict[tuple[str, str], html.Client] = {}

    def page(self, entry: Entry, outcome: Outcome, prints: Mapping[str, Any]) -> bytes:
        """Return the report of an entry that came to its end; `prints` is its fingerprint, with its parts."""
        language = self.study.language_of(entry)
        client = self._client(self.study.client_of(entry), language)
        cover = cover_of(
            outcome.notebook,
            entry.parameters,
            notebook=entry.notebook.name,
            client=client.name,
            prints=prints,
            versions=versions(),
            after=sum(other.name in entry.after for other in self.study.entries),
        )
        return page_bytes(html.page(outcome.notebook, cover=cover, language=language, client=client))

    def files(self, entry: Entry, outcome: Outcome, prints: Mapping[str, Any]) -> dict[str, bytes]:
        """Return all that a run of an entry publishes besides its manifest, by file name; as `page`."""
        executed = outcome.notebook
        said = asked(self.study, entry)
        return {
            "report.html": self.page(entry, outcome, prints),
            "notebook.ipynb": outcome.content,
            "results.json": outputs.results_json(executed, parameters=entry.parameters, **said),
            **outputs.tables(executed),
            **outputs.figures(executed),
        }

    def published(self, entry: Entry, outcome: Outcome, run: str) -> None:
        """Take up the card of a published entry."""
        card = _card(entry.id, outcome.notebook, run, self.study.language_of(entry))
        said = _told(entry.notebook.name, entry.parameters)
        self._cards[entry.id] = replace(card, title=entry.title or card.title, **said)

    def failed(self, entry: Entry, outcome: Outcome, message: str, shelf: Shelf) -> None:
        """Take up the card of a failed entry; it leads to the page there was before, if any."""
        self._cards[entry.id] = self._failed(entry.id, outcome.cell, message, shelf)

    def _failed(self, name: str, cell: int, message: str, shelf: Shelf) -> gallery.Entry:
        page = shelf.folder / f"{name}.html"
        entry = next((entry for entry in self.study.entries if entry.id == name), None)
        return gallery.Entry(
            name=name,
            title=entry.title if entry else "",
            status="failed",
            href=page.name if page.is_file() else "",
            failed_cell=cell,
            message=translate(message, self.study.language),
            links=[("notebook.ipynb", f"failed/{name}/notebook.ipynb")],
            **(_told(entry.notebook.name, entry.parameters) if entry else {}),
        )

    def index(self, shelf: Shelf) -> bytes:
        """Return the gallery: the study's entries in its order; of loose notebooks, every page there is."""
        study, current = self.study, shelf.current()
        titles = {entry.id: entry.title for entry in study.entries}
        names = [*titles]
        names += [name for name in current if study.loose and name not in names]
        for name in names:
            if name in self._cards:
                continue
            if failure := failure_of(shelf.folder, name):
                message = retold(str(failure.get("message", "")))
                self._cards[name] = self._failed(name, int(failure.get("cell", 0)), message, shelf)
            elif name in current:
                card = _old_card(shelf.folder / "runs" / current[name], name)
                if card:
                    self._cards[name] = replace(card, title=titles.get(name) or card.title)
        points = {entry.id: {"choices": chosen(entry)} for entry in study.entries} | folded(study.entries)
        cards = [replace(self._cards[name], **points.get(name, {})) for name in names if name in self._cards]
        self._history.read(shelf.folder)
        return page_bytes(
            gallery.index(
                study.title or study.name,
                [self._history.told(card, current.get(card.name, ""), shelf.folder) for card in cards],
                language=study.language,
                client=self._client(study.client, study.language),
                delivered=delivered(shelf.folder),
            )
        )

    def _client(self, name: str, language: str) -> html.Client:
        key = (name, language)
        if key not in self._clients:
            self._clients[key] = client_of(
                self.study.root, name, language, self.study.title or self.study.name
            )
        return self._clients[key]


def folded(entries: Sequence[Entry]) -> dict[str, dict[str, Any]]:
    """Return the points that share a heading: of sweeps that another entry reads, and of long ones."""
    sweeps: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.sweep:
            sweeps.setdefault(entry.sweep, []).append(entry)
    read = {name for entry in entries for name in entry.after}
    found: dict[str, dict[str, Any]] = {}
    for name, points in sweeps.items():
        if name in read or len(points) > MANY:
            for point in points:
                found[point.id] = {"sweep": point.title or name, "choices": chosen(point), "svg": ""}
    return found


def chosen(entry: Entry) -> dict[str, str]:
    """Return which point of its sweep an entry is, as text by parameter."""
    return {key: readable(value) for key, value in entry.choices.items()}


def cover_of(
    executed: Mapping[str, Any],
    parameters: Mapping[str, Any],
    *,
    notebook: str,
    client: str,
    prints: Mapping[str, Any],
    versions: Mapping[str, str],
    after: int,
) -> html.Cover:
    """Return what stands around a report: its filter, wave and date, and what it was made from.

    Parameters
    ----------
    executed : mapping
        The executed notebook.
    parameters : mapping
        Validated.
    notebook, client : str
        The notebook's file name, the client's name.
    prints, versions : mapping
        Parts of the run's fingerprint, with its `id`; versions of what is installed.
    after : int
        How many entries of its study it read.
    """
    where = str(parameters.get("where", "") or "")
    return html.Cover(
        where=where,
        wave=str(parameters.get("wave", "") or ""),
        data_date=_data_date(executed),
        made=Made(
            run=prints["id"],
            notebook=notebook,
            client=client,
            parameters=parameters,
            where=where,
            seed=parameters.get("seed"),
            prints=prints,
            versions=versions,
            after=after,
        ),
    )


def page_bytes(page: str) -> bytes:
    """Return a page as it is written."""
    return page.encode("utf-8", "backslashreplace")


def _data_date(notebook: Mapping[str, Any]) -> date | None:
    """Return the last date in the tables read: that of the data, not of the run."""
    latest = None
    for read in outputs.reads(notebook):
        with suppress(TypeError, ValueError):
            until = date.fromisoformat(str(read.get("until"))[:10])
            latest = max(latest or until, until)
    return latest


def _card(name: str, notebook: NotebookNode, run: str, language: str) -> gallery.Entry:
    files = ("notebook.ipynb", "results.json", "manifest.json")
    links = [(file, f"runs/{run}/{file}") for file in files]
    return gallery.entry_of(notebook, name=name, href=f"{name}.html", language=language, links=links)


def _old_card(run: Path, name: str) -> gallery.Entry | None:
    try:
        notebook = nbformat.read(run / "notebook.ipynb", as_version=4)  # type: ignore[no-untyped-call]
    except (OSError, ValueError):
        return None
    said = manifest_of(run)
    card = _card(name, notebook, run.name, str(said.get("language", "es")))
    return replace(card, **_told(str(said.get("notebook", "")), said.get("parameters", {})))


def _told(notebook: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return by what a card can be found: its notebook, its cuts, its filter."""
    by = parameters.get("by") or ()
    return {
        "notebook": notebook.removesuffix(".ipynb"),
        "by": [by] if isinstance(by, str) else [str(each) for each in by],
        "where": str(parameters.get("where", "") or ""),
    }


def client_of(root: Path, name: str, language: str, otherwise: str) -> html.Client:
    """Return what a page shows of a client; a notebook of nobody's shows the study's name."""
    if not (name and (root / "data" / name / "client.yaml").exists()):
        return html.Client(name=name or otherwise)
    from cxlab.intake.client import load

    client = load(root / "data" / name)
    return html.Client(
        name=client.name.get("en" if language == "en" else "es"),
        focal=client.colours.focal or "",
        logo=_logo(client.folder, client.logo),
        paper=client.paper,
        labels=client.labels_mapping(),
    )


def _logo(folder: Path, logo: str | None) -> str:
    path = folder / logo if logo else None
    if path is None or path.suffix.lower() not in LOGOS or not path.is_file():
        return ""
    return f"data:{LOGOS[path.suffix.lower()]};base64,{base64.b64encode(path.read_bytes()).decode()}"


def template_of(root: Path, name: str) -> tuple[bytes | None, Mapping[str, str]]:
    """Return the firm's .pptx that a client's decks are written into, and its map of layouts; None if none.

    Raises
    ------
    InputError
        If client.yaml names a file that is not there.
    """
    folder = root / "data" / name
    if not (name and (folder / "client.yaml").exists()):
        return None, {}
    from cxlab.intake.client import load
    from cxlab.intake.folders import declared_path

    said = load(folder).deck
    if said is None:
        return None, {}
    try:
        return declared_path(folder, said.template).read_bytes(), {
            str(kind): name for kind, name in said.layouts.items()
        }
    except OSError:
        raise InputError(
            "deck: there is no template {file} in data/{client}", file=said.template, client=name
        ) from None
