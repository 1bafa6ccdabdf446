"""A deck that was edited by hand, held against the runs it was made from and the other clients' names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import nbformat

from cxlab.errors import CxlabError, InputError, RunError
from cxlab.intake.client import load
from cxlab.reporting import body
from cxlab.reporting.deck.audit import Named, Source, Unmatched, named, unmatched
from cxlab.reporting.deck.told import runs, told
from cxlab.reporting.words import Words
from cxlab.runs.published import Run, folder_of, folders, read_run

_LEGAL = re.compile(
    r",?\s+(?:S\.?\s?A\.?(?:C\.?)?|SpA|Ltda?\.?|Inc\.?|GmbH|S\.?\s?L\.?|plc|LLC)$", re.IGNORECASE
)


@dataclass(frozen=True)
class Audit:
    """What was found: numbers that no result has, names of other clients, runs that are not on the shelf.

    `count` is how many runs the deck was compared with.
    """

    unmatched: Sequence[Unmatched]
    names: Sequence[Named]
    lost: Sequence[str]
    count: int

    @property
    def clean(self) -> bool:
        """Whether nothing is to be looked at."""
        return not (self.unmatched or self.names or self.lost)


def audit(file: Path, root: Path, study: str = "") -> Audit:
    """Compare every number of a deck with the results of its runs, and look for names of other clients.

    Parameters
    ----------
    file : Path
        A .pptx.
    root : Path
        The workbench.
    study : str
        Where its runs are; without it, wherever the ids at the feet of its slides are found. A deck that
        names no run is compared with the study's published ones.

    Raises
    ------
    InputError
        If the file is not there or cannot be opened, or names no run and no study is given.
    ParameterError
        If nothing of the study is published.
    RunError
        If none of its runs is there, or one is not as it was published.
    """
    try:
        found = told(file.read_bytes())
    except OSError:
        raise InputError("there is no file {path}", path=file) from None
    asked = [*runs(found)]
    if not asked and not study:
        raise InputError(
            "no slide of {path} names a run: give the study as well: cxlab audit {path} STUDY", path=file
        )
    built = root / "reports" / "built"
    places = [folder_of(study, root)] if study else sorted(p for p in built.glob("*") if p.is_dir())
    there = {name: _run(name, places) for name in asked} if asked else {}
    lost = [name for name, run in there.items() if run is None]
    known = [run for run in there.values() if run] or (
        [] if asked else [*map(read_run, folders(study, root))]
    )
    if not known:
        raise RunError(
            "none of the runs that {path} names is under reports/built: {runs}",
            path=file,
            runs=", ".join(lost),
        )
    clients = {str(run.manifest.get("client", "")) for run in known}
    names = _names(root)
    own = [name for client in clients for name in names.get(client, ())]
    sources = {run.folder.name: _source(run, own) for run in known}
    others = [name for client, said in names.items() if client not in clients for name in said]
    language = Counter(source.language for source in sources.values()).most_common(1)[0][0]
    return Audit(unmatched(found, sources, language), named(found, others, own), lost, len(sources))


def _run(name: str, places: Sequence[Path]) -> Run | None:
    return next((read_run(p / "runs" / name) for p in places if (p / "runs" / name).is_dir()), None)


def _source(run: Run, own: Sequence[str]) -> Source:
    """Return a run's results, and what else of it stands on slides: its prose, its dates, its names."""
    said: Mapping[str, Any] = run.manifest
    language = str(said["language"])
    notebook = nbformat.read(run.folder / "notebook.ipynb", as_version=4)  # type: ignore[no-untyped-call]
    words = Words(language)
    dates = (str(read["until"])[:10] for read in body.reads(notebook) if read.get("until"))
    texts = [
        body.prose(notebook, language),
        str(said.get("notebook", "")),
        run.entry,
        *(words.date(date.fromisoformat(day)) for day in dates),
        *map(str, said.get("parameters", {}).values()),
        *own,
    ]
    return Source(run.results.get("results", ()), texts, language)


def _names(root: Path) -> dict[str, list[str]]:
    """Return how each client is called: its folder, its names, these without their legal form."""
    found: dict[str, list[str]] = {}
    for folder in sorted(p.parent for p in (root / "data").glob("*/client.yaml")):
        said = {folder.name}
        try:
            client = load(folder)
            said |= {client.title("es"), client.title("en")}
        except CxlabError:  # what cannot be read is known by its folder
            pass
        found[folder.name] = sorted(said | set(_shorter(said)))
    return found


def _shorter(names: set[str]) -> Iterator[str]:
    for name in names:
        short = _LEGAL.sub("", name)
        if short != name and " " in short:
            yield short
