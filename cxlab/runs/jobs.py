"""An entry as plain data, to be executed wherever an executor puts it; an `Outcome` comes back, as plain.

A job names by hash all that it stands on: its notebook, the package and the versions, the client's
declaration and tables. Another process or machine that holds anything else refuses it, so that the same
job gives the same bytes everywhere. What executes notebooks is imported where one is: a scheduler that only
hands jobs on needs none of it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxlab.errors import RunError
from cxlab.intake.tables.index import INDEX
from cxlab.runs.entries import Entry
from cxlab.runs.limits import Limits
from cxlab.runs.machine import facts
from cxlab.runs.provenance import Ground, digest, file_digest, sources_digest, versions
from cxlab.runs.study import Study

if TYPE_CHECKING:
    from cxlab.runs.kernels import Kernels
    from cxlab.runs.outcome import Outcome

_LOCK = threading.Lock()
_KERNELS: dict[str, Kernels] = {}  # by the run of their jobs


@dataclass(frozen=True)
class Job:
    """One entry, and what it stands on.

    Attributes
    ----------
    entry : str
        Its name.
    run : str
        What the jobs of one execution of a study have in common, and no others.
    folder, name : str
        Where its notebook is, and is executed.
    notebook : bytes
        As its author saved it.
    sha256 : str
        Of `notebook`.
    parameters : mapping
        Validated.
    limits : Limits
        Seconds for the whole notebook, and memory for its kernel.
    root : str
        The workbench.
    files : mapping
        The SHA-256 of the client's declaration and tables, by their path in the workbench.
    sources : str
        The SHA-256 of the package's own sources.
    versions : mapping
        What is installed.
    """

    entry: str
    run: str
    folder: str
    name: str
    notebook: bytes
    sha256: str
    parameters: Mapping[str, Any]
    limits: Limits
    root: str
    files: Mapping[str, str]
    sources: str
    versions: Mapping[str, str]

    @classmethod
    def of(cls, study: Study, entry: Entry, ground: Ground, *, run: str) -> Job:
        """Return the job of an entry.

        Raises
        ------
        ParameterError
            If its notebook cannot be read.
        """
        from cxlab.runs.execute import content_of

        content = content_of(entry.notebook)
        return cls(
            entry=entry.id,
            run=run,
            folder=str(entry.notebook.resolve().parent),
            name=entry.notebook.name,
            notebook=content,
            sha256=digest(content),
            parameters=dict(entry.parameters),
            limits=entry.limits,
            root=str(study.root),
            files=_files(study, ground),
            sources=ground.sources,
            versions=_versions(ground.versions),
        )


@cache
def _versions(_digest: str) -> Mapping[str, str]:
    return versions()


def _files(study: Study, ground: Ground) -> dict[str, str]:
    """Return what a notebook may read of its client: no raw file, no key, and tables that name nobody."""
    if ground.client is None:
        return {}
    folder = f"data/{ground.client.slug}"
    files = {f"{folder}/client.yaml": ground.client.sha256}
    if ground.index is not None:
        files[f"{folder}/tables/{INDEX}"] = file_digest(study.root / folder / "tables" / INDEX)
        for name, table in ground.index["tables"].items():
            files[f"{folder}/tables/{name}.parquet"] = table["file_sha256"]
    return files


def executed(job: Job, kernels: Kernels) -> Outcome:
    """Execute a job in the process that made it, on one of its kernels."""
    from cxlab.runs.execute import execute

    try:
        outcome = execute(
            Path(job.folder, job.name),
            job.parameters,
            content=job.notebook,
            root=Path(job.root),
            limits=job.limits,
            kernels=kernels,
        )
        return replace(outcome, machine=dict(facts()))
    finally:
        _close_loop()


def _close_loop() -> None:
    """Close this thread's event loop; what a dead kernel left waiting on it would complain."""
    from jupyter_core.utils import ensure_event_loop

    loop = ensure_event_loop()
    waiting = asyncio.all_tasks(loop)
    for task in waiting:
        task.cancel()
    if waiting:
        loop.run_until_complete(asyncio.gather(*waiting, return_exceptions=True))
    loop.close()


def perform(job: Job) -> Outcome:
    """Execute a job in any process that stands on the same, on a kernel of its own.

    Raises
    ------
    RunError
        If this process has another package or other versions, or finds another notebook, client.yaml or
        table than the job names.
    """
    refuse_others(job)
    for path, sha256 in job.files.items():
        if file_digest(Path(job.root, path)) != sha256:
            raise RunError(
                "{path} is missing or another one where {entry} was to run", path=path, entry=job.entry
            )
    return executed(job, _kernels(job.run))


def refuse_others(job: Job) -> None:
    """Refuse a job that was changed on its way, or stands on another package than this process.

    Raises
    ------
    RunError
        What differs is named, as it is here and where the job was made.
    """
    if digest(job.notebook) != job.sha256:
        raise RunError(
            "{path} is missing or another one where {entry} was to run", path=job.name, entry=job.entry
        )
    sources = sources_digest()
    if sources != job.sources:
        raise RunError(
            "{entry} was to run with another cxlab: its sources are {theirs} there, {ours} here; "
            "install the same one on both",
            entry=job.entry,
            theirs=sources[:12],
            ours=job.sources[:12],
        )
    found = versions()
    others = [name for name in sorted({*found, *job.versions}) if found.get(name) != job.versions.get(name)]
    if others:
        raise RunError(
            "{entry} was to run with other versions: {theirs} there, {ours} here; "
            "install the same ones on both",
            entry=job.entry,
            theirs=_named(others, found),
            ours=_named(others, job.versions),
        )


def _named(names: list[str], found: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {found.get(name, '-')}" for name in names[:5])


def _kernels(run: str) -> Kernels:
    from cxlab.runs.kernels import Kernels

    with _LOCK:
        return _KERNELS.setdefault(run, Kernels())


def stop(run: str) -> None:
    """End the kernels that this process has for one execution of a study; none starts afterwards."""
    _kernels(run).stop()
