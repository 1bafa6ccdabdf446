"""The entries of a study, executed side by side and published one by one as they end.

A failed entry keeps its executed notebook apart and the others go on; an interruption ends every
kernel within seconds and leaves what was published before.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed, wait
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import nbformat
from jupyter_core.utils import ensure_event_loop
from nbformat import NotebookNode

from cxlab.errors import CxlabError, Message, RunError, WorkbenchError
from cxlab.runs import outputs, provenance
from cxlab.runs.entries import Entry
from cxlab.runs.execute import Outcome, execute
from cxlab.runs.kernels import Kernels
from cxlab.runs.publish import Shelf, shelf
from cxlab.runs.releases import Releases, in_turn, release_of
from cxlab.runs.study import Study

if TYPE_CHECKING:
    from cxlab.runs.pages import Gallery

WORKERS = 2


@dataclass(frozen=True)
class Report:
    """What became of one entry: its page, or what went wrong and where that is kept."""

    entry: Entry
    status: Literal["done", "failed"]
    page: Path | None = None
    run: str = ""
    message: str = ""
    kept: Path | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Batch:
    """What became of a study."""

    study: Study
    index: Path
    reports: tuple[Report, ...]

    @property
    def failed(self) -> tuple[Report, ...]:
        """The entries that did not come to their end."""
        return tuple(report for report in self.reports if report.status == "failed")


Watch = Callable[[Entry, Report | None], None]


def run_study(
    study: Study, *, timeout: float | None = None, workers: int = WORKERS, watch: Watch | None = None
) -> Batch:
    """Execute and publish every entry of a study.

    Parameters
    ----------
    study : Study
        Already validated.
    timeout : float, optional
        Seconds for each entry.
    workers : int
        How many kernels run side by side.
    watch : callable, optional
        Called with an entry when it starts (and None), and again with its report when it ends.

    Returns
    -------
    Batch
        One report for each entry, in the order of the study.

    Raises
    ------
    WorkbenchError
        Another run of this study is going on, or its folder cannot be written.
    InputError
        The client's declaration cannot be read.
    """
    watch = watch or (lambda _entry, _report: None)
    _check_clients(study)
    reports: dict[str, Report] = {}
    with (
        shelf(study.root, study.name) as opened,
        closing(_executed(study, timeout, workers, watch)) as outcomes,
    ):
        releases = Releases(study.root)
        for entry, (outcome, gallery) in in_turn(study, outcomes):
            reports[entry.id] = report = _finished(opened, gallery, releases, entry, outcome)
            opened.replace("index.html", gallery.index(opened))
            watch(entry, report)
    return Batch(study, opened.folder / "index.html", tuple(reports[entry.id] for entry in study.entries))


def _check_clients(study: Study) -> None:
    """Read each client.yaml once before any kernel: what is wrong with it is said now."""
    for client in {study.client, *(study.client_of(entry) for entry in study.entries)}:
        folder = study.root / "data" / client
        if client and (folder / "client.yaml").exists():
            from cxlab.intake.client import load

            load(folder)


def _executed(
    study: Study, timeout: float | None, workers: int, watch: Watch
) -> Generator[tuple[Entry, tuple[Outcome, Gallery]], None, None]:
    """Yield each entry with its outcome as it ends; whatever stops the loop stops the kernels."""
    kernels = Kernels()
    with ThreadPoolExecutor(max_workers=max(1, workers), thread_name_prefix="cxlab") as pool:
        futures: dict[Future[Outcome], Entry] = {
            pool.submit(_execute, study, entry, timeout, kernels, watch): entry for entry in study.entries
        }
        try:
            from cxlab.runs.pages import Gallery

            gallery = Gallery(study)
            for future in as_completed(futures):
                yield futures[future], (future.result(), gallery)
        except BaseException:
            for future in futures:
                future.cancel()
            while wait(futures, timeout=0.2).not_done:
                kernels.stop()  # again: a kernel may have been on its way
            raise


def _execute(study: Study, entry: Entry, timeout: float | None, kernels: Kernels, watch: Watch) -> Outcome:
    watch(entry, None)
    try:
        return execute(entry.notebook, entry.parameters, root=study.root, timeout=timeout, kernels=kernels)
    finally:
        ensure_event_loop().close()


def _finished(opened: Shelf, gallery: Gallery, releases: Releases, entry: Entry, outcome: Outcome) -> Report:
    seconds = (outcome.finished - outcome.started).total_seconds()
    report = Report(entry, "failed", message=outcome.message, seconds=seconds)
    if outcome.status == "done":
        try:
            client, read = gallery.study.client_of(entry), outputs.reads(outcome.notebook)
            releases.check(release_of(entry.id, client, entry.parameters, read), opened)
            return _published(opened, gallery, entry, outcome, report)
        except WorkbenchError:
            raise
        except RunError as error:
            report = replace(report, message=error.message)
        except Exception as error:
            said = error.message if isinstance(error, CxlabError) else f"{type(error).__name__}: {error}"
            report = replace(report, message=Message("the page could not be made: {error}", error=said))
    kept = opened.fail(entry.id, _remains(gallery.study, entry, outcome, report.message))
    gallery.failed(entry, outcome, report.message, opened)
    return replace(report, kept=kept)


def _published(opened: Shelf, gallery: Gallery, entry: Entry, outcome: Outcome, report: Report) -> Report:
    study, executed = gallery.study, outcome.notebook
    client = study.client_of(entry)
    prints = provenance.fingerprint(
        entry.notebook, executed, entry.parameters, root=study.root, client=client
    )
    page = gallery.page(entry, outcome, run=prints["id"])
    asked = {
        "entry": entry.id,
        "name": entry.notebook.stem,
        "client": client,
        "language": study.language_of(entry),
    }
    files = {
        "report.html": page,
        "notebook.ipynb": _notebook_bytes(executed),
        "results.json": outputs.results_json(executed, parameters=entry.parameters, **asked),
        **outputs.tables(executed),
        **outputs.figures(executed),
    }
    run = opened.publish(entry.id, prints["id"], files, _manifest(study, entry, outcome, prints))
    gallery.published(entry, outcome, run)
    return replace(report, status="done", page=opened.show(entry.id, run, page), run=run, message="")


def _manifest(study: Study, entry: Entry, outcome: Outcome, prints: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "schema": 1,
        "id": prints["id"],
        "study": study.name,
        "entry": entry.id,
        "status": outcome.status,
        "notebook": entry.notebook.name,
        "client": study.client_of(entry),
        "language": study.language_of(entry),
        "seed": entry.parameters.get("seed"),
        "parameters": outputs.plain(entry.parameters),
        "inputs": outputs.plain(outputs.reads(outcome.notebook)),
        "fingerprint": dict(prints),
        "versions": dict(provenance.versions()),
        "git": dict(provenance.commit(study.root)),
        "machine": {"system": platform.system(), "processor": platform.machine()},
        **_times(outcome),
    }


def _times(outcome: Outcome) -> dict[str, Any]:
    return {
        "started": outcome.started.isoformat(),
        "finished": outcome.finished.isoformat(),
        "seconds": round((outcome.finished - outcome.started).total_seconds(), 3),
    }


def _remains(study: Study, entry: Entry, outcome: Outcome, message: str) -> dict[str, bytes]:
    error = {
        "schema": 1,
        "study": study.name,
        "entry": entry.id,
        "notebook": entry.notebook.name,
        "language": study.language_of(entry),
        "parameters": outputs.plain(entry.parameters),
        "status": outcome.status,
        "cell": outcome.cell,
        "line": outcome.line,
        "error": outcome.error_name,
        "message": str(message),
        **_times(outcome),
    }
    return {"notebook.ipynb": _notebook_bytes(outcome.notebook), "error.json": outputs.as_json(error)}


def _notebook_bytes(notebook: NotebookNode) -> bytes:
    text: str = nbformat.writes(notebook)  # type: ignore[no-untyped-call]
    return (text.rstrip("\n") + "\n").encode("utf-8", "backslashreplace")
