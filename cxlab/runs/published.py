"""Published runs found by what a person calls them: a folder, `study/entry`, or the id of a run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cxlab.errors import Message, ParameterError, RunError
from cxlab.parameters import nearest
from cxlab.runs.publish import MANIFEST, Shelf, intact, manifest_of
from cxlab.values import shown

RESULTS = "results.json"
FEWEST_LETTERS = 4  # of an id that is given short


@dataclass(frozen=True)
class Run:
    """One published run: what it says of itself (manifest.json), its numbers (results.json), its folder."""

    name: str
    manifest: Mapping[str, Any]
    results: Mapping[str, Any]
    folder: Path = Path()

    @property
    def entry(self) -> str:
        """Whose run it is."""
        return str(self.manifest.get("entry", ""))


def named(name: str, root: Path) -> dict[str, Run]:
    """Return the runs that `name` stands for, by entry, each as it was published; see `folders`.

    Raises
    ------
    ParameterError
        If there is none, or it is not clear which.
    RunError
        If a run is not as it was published.
    """
    return {run.entry: run for run in map(read_run, folders(name, root))}


def folders(name: str, root: Path) -> list[Path]:
    """Return the folders of the runs that `name` stands for: one, or those of a study's pages.

    Parameters
    ----------
    name : str
        A run's folder, a study's folder, file or name, ``study/entry`` (its start will do), a page
        of a study, or a run's id (its first four letters will do).
    root : Path
        The workbench.

    Raises
    ------
    ParameterError
        If there is none, or it is not clear which.
    """
    built, path = root / "reports" / "built", Path(name)
    folder = next((p for p in (path, root / path) if p.is_dir()), None)
    if folder is not None and (folder / MANIFEST).is_file():
        return [folder]
    study, _, entry = name.strip("/").rpartition("/")
    if place := _study(name, root):
        return [place / "runs" / run for run in Shelf(place).current().values()]
    for place in (built / study, root / study, Path(study)):
        if study and (place / "current").is_dir():
            return [_entry(place, entry.removesuffix(".html"), name)]
    known = sorted(built.glob("*/runs/*"))
    found = [p for p in known if len(name) >= FEWEST_LETTERS and p.name.startswith(name)]
    exact = [p for p in found if p.name == name]
    if len({p.name for p in exact or found}) == 1:
        return [(exact or found)[0]]
    raise _none(name, [p.name for p in found] or [p.name for p in sorted(built.glob("*/")) if p.is_dir()])


def _study(name: str, root: Path) -> Path | None:
    built, path = root / "reports" / "built", Path(name)
    places = (path, root / path, built / name.strip("/"), built / path.stem)
    return next((place for place in places if (place / "current").is_dir()), None)


def folder_of(study: str, root: Path) -> Path:
    """Return where the pages of a study are, by its folder, file or name.

    Raises
    ------
    ParameterError
        If nothing of it is published; the nearest name is said.
    """
    found = _study(study, root) if study.strip("/ ") else None
    if found is None:
        raise _none(study, [p.name for p in sorted((root / "reports" / "built").glob("*/")) if p.is_dir()])
    return found


def _entry(study: Path, entry: str, name: str) -> Path:
    current = Shelf(study).current()
    found = [each for each in current if each == entry] or [e for e in current if e.startswith(entry)]
    if len(found) != 1:
        raise _none(name, sorted(found or current))
    return study / "runs" / current[found[0]]


def read_run(folder: Path) -> Run:
    """Return the run of a folder.

    Raises
    ------
    RunError
        If it is not as it was published.
    """
    manifest = manifest_of(folder)
    if not intact(folder):
        raise RunError(
            "{folder} is not as it was published: its files and manifest.json do not agree; run it again",
            folder=folder,
        )
    results = json.loads((folder / RESULTS).read_text(encoding="utf-8"))
    name = f"{manifest.get('study', '')}/{manifest.get('entry', '')} ({folder.name})"
    return Run(name, manifest, results, folder)


def _none(name: str, names: list[str]) -> ParameterError:
    close = nearest(name, names)
    return ParameterError(
        "there is no published run or study {name}, or more than one; there are: {names}. {hint}",
        name=shown(name),
        names=", ".join(_some(names)) or "-",
        hint=Message("Did you mean {nearest}?", nearest=close)
        if close
        else Message("A run is STUDY/ENTRY, its folder or its id."),
    )


def _some(names: list[str]) -> Iterator[str]:
    yield from names[:20]
    if len(names) > 20:
        yield "…"
