"""Whether a published run still is what its manifest says, and comes out again with the same bytes.

What is rerun is the published notebook with the published parameters, in memory: nothing that is published
is touched. Where the data are not at hand, or are others, nothing is rerun, and what was released is held
against itself (`released`). Where the package, the versions, the client's declaration or the machine are
others than those of the run, other bytes are no fault; its numbers then are held to `TOLERANCE`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from jupyter_core.utils import ensure_event_loop

from cxlab.errors import Message
from cxlab.runs import provenance
from cxlab.runs.compared.diff import Cause
from cxlab.runs.cores import cores
from cxlab.runs.entries import Entry
from cxlab.runs.execute import execute
from cxlab.runs.kernels import Kernels
from cxlab.runs.outcome import Outcome
from cxlab.runs.provenance import json_digest
from cxlab.runs.publish import MANIFEST, Shelf, manifest_of
from cxlab.runs.verified import differing
from cxlab.runs.verified.differing import NOTEBOOK, RESULTS, Farthest, Files, Place
from cxlab.runs.verified.standing import at_hand, entry_of, other_reads, since

# Without the vector instructions of a newer processor the demo's numbers move by 1e-13 of themselves, and by
# 1e-10 where one is a small difference of large ones; its pages, which print six digits at most, not at all.
TOLERANCE = 1e-9
NO_EXCUSE = ("cpus", "notebook")  # threads are settled; the published notebook is what is rerun
Verdict = Literal["hashes", "same", "within", "released", "differs", "failed", "damaged"]


@dataclass(frozen=True)
class Verified:
    """What was found of one run.

    Attributes
    ----------
    run : str
        Its name.
    verdict : str
        hashes: only re-hashed, as published. same: rerun, same bytes. within: rerun, other bytes for a
        reason that is known, and the same numbers. released: not rerun, what was released agrees with
        itself. differs, failed (the rerun did not end), damaged (not as published): not verified.
    files : int
        How many files it has.
    missing, extra, changed : tuple of str
        Files that are not as the manifest says.
    causes : tuple of Cause
        What has changed since: of it, other bytes may come.
    notes : tuple of Message
        On what the verdict rests, or what else is wrong.
    differing : tuple of str
        Files that came out with other bytes.
    place : Place or None
        Where they part first.
    farthest : Farthest or None
        The number of results.json that differs most.
    """

    run: str
    verdict: Verdict
    files: int = 0
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    causes: tuple[Cause, ...] = ()
    notes: tuple[Message, ...] = ()
    differing: tuple[str, ...] = ()
    place: Place | None = None
    farthest: Farthest | None = None

    @property
    def good(self) -> bool:
        """Whether the run is verified."""
        return self.verdict in ("hashes", "same", "within", "released")


def verified(folders: Sequence[Path], *, root: Path, hashes: bool = False) -> Iterator[Verified]:
    """Verify runs side by side, and yield what was found of each in their order.

    Parameters
    ----------
    folders : sequence of Path
        Of the runs, as `published.folders` finds them.
    root : Path
        The workbench.
    hashes : bool
        Whether to only re-hash what is published.
    """
    verifier = _Verifier(root, hashes)
    with ThreadPoolExecutor(cores(), thread_name_prefix="cxlab") as pool:
        futures = [pool.submit(verifier.verify, folder) for folder in folders]
        try:
            for future in futures:
                yield future.result()
        except BaseException:
            for future in futures:
                future.cancel()
            while wait(futures, timeout=0.2).not_done:
                verifier.kernels.stop()
            raise


@dataclass
class _Verifier:
    root: Path
    hashes: bool = False
    kernels: Kernels = field(default_factory=Kernels)
    _once: threading.Lock = field(default_factory=threading.Lock)

    def verify(self, folder: Path) -> Verified:
        """Verify the run of a folder."""
        manifest = manifest_of(folder)
        found = _rehashed(folder, manifest)
        if found.verdict == "damaged" or self.hashes:
            return found
        files = {name: (folder / name).read_bytes() for name in manifest["outputs"]}
        with self._once:  # what is imported here is not fit for two threads at once
            from cxlab.runs.pages import Gallery

            study, entry = entry_of(manifest, files, self.root)
            found = replace(found, causes=tuple(since(manifest, study, entry)))
            gallery = Gallery(study)
        away, notes = at_hand(manifest, self.root)
        if away is not None:
            return _released(replace(found, notes=(away,)), files, manifest)
        outcome = self._rerun(entry, files[NOTEBOOK])
        if outcome.status == "interrupted":
            raise KeyboardInterrupt
        found = replace(found, notes=tuple(notes))
        if outcome.status != "done":
            return replace(found, verdict="failed", notes=(*notes, Message("{what}", what=outcome.message)))
        if (away := other_reads(manifest, outcome.notebook)) is not None:
            return _released(replace(found, notes=(away,)), files, manifest)
        return _compared(found, files, gallery.files(entry, outcome, manifest["fingerprint"]))

    def _rerun(self, entry: Entry, notebook: bytes) -> Outcome:
        try:
            return execute(
                entry.notebook, entry.parameters, content=notebook, root=self.root, kernels=self.kernels
            )
        finally:
            ensure_event_loop().close()


def _rehashed(folder: Path, manifest: Mapping[str, Any]) -> Verified:
    """Compare a run's files, and the page that shows it, with what its manifest says."""
    name = f"{manifest.get('study', folder.parent.parent.name)}/{manifest.get('entry', '?')} ({folder.name})"
    outputs_ = manifest.get("outputs")
    if not isinstance(outputs_, Mapping):
        return Verified(name, "damaged", missing=(MANIFEST,))
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    changed = [
        each
        for each, said in outputs_.items()
        if each in there and provenance.file_digest(folder / each) != said.get("sha256")
    ]
    found = Verified(
        name, "hashes", len(outputs_), changed=tuple(changed),
        missing=tuple(sorted({*outputs_} - there)), extra=tuple(sorted(there - {*outputs_, MANIFEST})),
        notes=tuple(_misnamed(folder, manifest)),
    )  # fmt: skip
    whole = not (found.missing or found.extra or found.changed or found.notes)
    return found if whole else replace(found, verdict="damaged")


def _misnamed(folder: Path, manifest: Mapping[str, Any]) -> Iterator[Message]:
    """Say what is wrong with a run's name, its fingerprint, or the page that shows it."""
    parts = {key: value for key, value in manifest.get("fingerprint", {}).items() if key != "id"}
    if json_digest(parts)[:16] != manifest.get("id") or not folder.name.startswith(str(manifest.get("id"))):
        yield Message("its name is not that of its fingerprint: manifest.json was changed")
    shelf, entry = Shelf(folder.parent.parent), str(manifest.get("entry"))
    if folder.parent.name == "runs" and shelf.current().get(entry) == folder.name:
        page = provenance.file_digest(shelf.folder / f"{entry}.html")
        if page != manifest["outputs"].get("report.html", {}).get("sha256"):
            yield Message("the page {page} is not the one of this run", page=f"{entry}.html")


def _released(found: Verified, files: Files, manifest: Mapping[str, Any]) -> Verified:
    from cxlab.runs.verified.released import doubts

    ours = not any(cause.what == "sources" for cause in found.causes)
    language = "en" if manifest.get("language") == "en" else "es"
    wrong = doubts(files, language=language, page=ours)
    unread = () if ours else (Message("the page was written by another cxlab: its tables are not read"),)
    return replace(found, verdict="differs" if wrong else "released", notes=(*found.notes, *unread, *wrong))


def _compared(found: Verified, before: Files, after: Files) -> Verified:
    names = differing.names_of(before, after)
    if not names:
        return replace(found, verdict="same")
    farthest, alike = differing.farthest(before[RESULTS], after[RESULTS])
    near = farthest is None or farthest.relative <= TOLERANCE
    excused = any(cause.kind != "parameters" and cause.what not in NO_EXCUSE for cause in found.causes)
    return replace(
        found,
        verdict="within" if excused and alike and near else "differs",
        differing=tuple(names),
        place=differing.first_place(before, after),
        farthest=farthest,
    )
