"""Runs that may go: nothing stands on them and newer ones are there; found, listed, deleted.

A run is never replaced, so the folder of a study grows. Kept are the newest of each entry and every run
that a page, its note or the gallery stands on. In quarantine is what did not verify and has a whole run
in its place; of failures, those go to which the gallery does not lead any more. A run of which files
were delivered stays, and so do the deliveries.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cxlab.errors import ParameterError, WorkbenchError
from cxlab.runs.deliveries.register import delivered_runs
from cxlab.runs.provenance import file_digest
from cxlab.runs.publish import Shelf, manifest_of, shelf
from cxlab.runs.published import folder_of

KEEP = 3  # today's, the one before it, and one more to compare with


@dataclass(frozen=True)
class Old:
    """A folder that may go."""

    kind: Literal["runs", "failed", "quarantine"]
    name: str
    entry: str
    size: int

    @property
    def place(self) -> str:
        """Where it is in the study's folder."""
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True)
class Clearing:
    """What may go of a study, how much stays, and what says nothing of itself and stays for that."""

    folder: Path
    old: tuple[Old, ...]
    kept: int
    unclear: tuple[str, ...]

    @property
    def size(self) -> int:
        """The bytes of what may go."""
        return sum(each.size for each in self.old)


def studies(root: Path, study: str) -> list[str]:
    """Return the name of a published study; without one, of all there are.

    Parameters
    ----------
    root : Path
        The workbench.
    study : str
        Its folder, file or name; may be empty.

    Raises
    ------
    ParameterError
        If it is not published in this workbench.
    """
    built = root / "reports" / "built"
    there = [p.name for p in sorted(built.glob("*")) if p.is_dir() and not p.is_symlink()]
    if not study:
        return there
    folder = folder_of(study, root)
    if folder.name not in there or not folder.samefile(built / folder.name):
        raise ParameterError("{folder} is not a study of this workbench", folder=folder)
    return [folder.name]


def old(folder: Path, *, keep: int = KEEP) -> Clearing:
    """Return what may go of a study.

    Parameters
    ----------
    folder : Path
        Of the study, in reports/built/.
    keep : int
        How many runs of each entry stay, the newest ones; what a page stands on always does.

    Raises
    ------
    ParameterError
        If `keep` is negative.
    """
    if keep < 0:
        raise ParameterError("--keep {n}: give a number of runs, 0 or more", n=keep)
    ages: dict[str, list[tuple[str, str]]] = {}
    unclear: list[str] = []
    for run in _folders(folder / "runs"):
        said = manifest_of(run)
        if said.get("entry"):
            ages.setdefault(str(said["entry"]), []).append((str(said.get("finished", "")), run.name))
        else:
            unclear.append(f"runs/{run.name}")
    stays = _stood_on(folder) | {name for each in ages.values() for _, name in sorted(each)[::-1][:keep]}
    found = [
        _old("runs", folder / "runs" / name, entry)
        for entry, runs in sorted(ages.items())
        for _, name in sorted(runs)
        if name not in stays
    ]
    index = _text(folder / "index.html")
    failed = [each for each in _folders(folder / "failed") if f"failed/{each.name}/" not in index]
    found += [_old("failed", each, each.name) for each in failed]
    found += [
        _old("quarantine", each, str(manifest_of(each).get("entry", "")))
        for each in _folders(folder / "quarantine")
    ]
    kept = sum(name in stays for runs in ages.values() for _, name in runs)
    return Clearing(folder, tuple(found), kept, tuple(unclear))


def clear(root: Path, study: str, *, keep: int = KEEP) -> Clearing:
    """Delete what may go of a study, each folder out of sight in one step; return what is gone.

    Parameters
    ----------
    root : Path
        The workbench.
    study : str
        Its name.
    keep : int
        As in `old`.

    Raises
    ------
    WorkbenchError
        If a run is writing to the study, or something could not be deleted.
    """
    with shelf(root, study, to_write=False) as opened:
        gone = old(opened.folder, keep=keep)
        for each in gone.old:
            opened.drop(each.place)
    if opened.building.exists():
        raise WorkbenchError(
            "{folder} could not be deleted whole; the next run of this study tries again",
            folder=opened.building,
        )
    return gone


def _stood_on(folder: Path) -> set[str]:
    """Return the runs that a note, page, gallery or delivery stands on; a kill may have left them apart."""
    noted = {*Shelf(folder).current().values()} | delivered_runs(folder)
    index = _text(folder / "index.html")
    pages = {file_digest(page) for page in folder.glob("*.html")}
    return noted | {
        run.name
        for run in _folders(folder / "runs")
        if run.name in index or file_digest(run / "report.html") in pages
    }


def _old(kind: Literal["runs", "failed", "quarantine"], folder: Path, entry: str) -> Old:
    size = sum(path.lstat().st_size for path in folder.rglob("*") if path.is_symlink() or path.is_file())
    return Old(kind, folder.name, entry, size)


def _folders(place: Path) -> list[Path]:
    return [each for each in sorted(place.glob("*")) if each.is_dir() and not each.is_symlink()]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise WorkbenchError("{file} cannot be read: {reason}", file=path, reason=error.strerror) from error
