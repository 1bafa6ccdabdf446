"""Entries executed side by side and published one by one as they end.

A failed entry keeps its executed notebook apart and the others go on; an interruption ends every
kernel within seconds and leaves what was published before.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ThreadPoolExecutor,
    wait,
)
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from nbformat import NotebookNode

from cxlab.errors import CxlabError, Message, RunError, WorkbenchError
from cxlab.runs import manifest, outputs, provenance
from cxlab.runs.batch import Report, Watch
from cxlab.runs.entries import Entry
from cxlab.runs.interruption import aside, check
from cxlab.runs.jobs import Job, executed, perform
from cxlab.runs.kernels import Kernels
from cxlab.runs.outcome import Outcome
from cxlab.runs.provenance import Ground
from cxlab.runs.publish import Shelf
from cxlab.runs.releases import Releases, in_turn, release_of
from cxlab.runs.study import Study
from cxlab.runs.unchanged import folder_of, settings

if TYPE_CHECKING:
    from cxlab.runs.pages import Gallery

SEEN = 0.2  # seconds between two looks at which entries have begun
PAUSE = 1.0  # seconds, at least, between two versions of index.html


def made(
    study: Study,
    left: Study,
    opened: Shelf,
    grounds: Mapping[str, Ground],
    watch: Watch,
    *,
    workers: int,
    executor: Executor | None,
) -> Generator[Report, None, None]:
    """Yield the report of each entry as it ends, its page and the gallery published.

    Parameters
    ----------
    study : Study
        As the gallery shows it.
    left : Study
        The same, with only the entries to be executed.
    opened : Shelf
        Where its pages are, locked.
    grounds : mapping
        What the entries of each client stood on before any of them began.
    watch, workers, executor
        As in `batch.run_study`.
    """
    releases = Releases(study.root)
    outcomes = _executed(study, left, grounds, watch, workers=workers, executor=executor)
    with ExitStack() as ends:
        index = ends.enter_context(closing(_Index(opened)))
        ends.enter_context(closing(outcomes))
        for entry, (outcome, gallery) in in_turn(left, outcomes):
            ground = grounds[study.client_of(entry)]
            report = _finished(opened, gallery, releases, ground, entry, outcome)
            index.grown(gallery)
            watch(entry, report)
            yield report


class _Index:
    """index.html: made anew a while after it was last, in a tenth of the time at most, and at the end."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf, self._due = shelf, 0.0
        self._stale: Gallery | None = None

    def grown(self, gallery: Gallery) -> None:
        """Take note that there is something to be shown."""
        self._stale = gallery
        if time.monotonic() >= self._due:
            self.close()

    def close(self) -> None:
        """Show what was not yet."""
        gallery, self._stale = self._stale, None
        if gallery is not None:
            began = time.monotonic()
            self._shelf.replace("index.html", gallery.index(self._shelf))
            ended = time.monotonic()
            self._due = ended + max(PAUSE, 9 * (ended - began))


def _executed(
    study: Study,
    left: Study,
    grounds: Mapping[str, Ground],
    watch: Watch,
    *,
    workers: int,
    executor: Executor | None,
) -> Generator[tuple[Entry, tuple[Outcome, Gallery]], None, None]:
    """Yield each entry with its outcome as it ends; whatever stops the loop stops the kernels."""
    kernels, run = Kernels(), uuid4().hex
    futures: dict[Future[Outcome], tuple[Entry, Job]] = {}
    with ThreadPoolExecutor(max_workers=max(1, workers), thread_name_prefix="cxlab") as pool:
        try:
            for entry in left.entries:
                job = Job.of(study, entry, grounds[study.client_of(entry)], run=run)
                handed = _handed(executor, job) if executor else pool.submit(executed, job, kernels)
                futures[handed] = entry, job
            gallery = aside(_pages)(study)
            for entry, outcome in _ended(futures, watch):
                yield entry, (outcome, gallery)
        except BaseException:
            for future in futures:
                future.cancel()
            while not executor and wait(futures, timeout=0.2).not_done:
                kernels.stop()  # again: a kernel may have been on its way
            raise


def _pages() -> type[Gallery]:
    from cxlab.runs.pages import Gallery

    return Gallery


def _handed(executor: Executor, job: Job) -> Future[Outcome]:
    try:
        return executor.submit(perform, job)
    except RuntimeError as error:  # it is broken, or was shut down
        raise _lost(error) from error


def _ended(
    futures: dict[Future[Outcome], tuple[Entry, Job]], watch: Watch
) -> Iterator[tuple[Entry, Outcome]]:
    """Yield each entry as it ends, and let go of it; tell of each once that it runs."""
    told: set[Future[Outcome]] = set()
    while futures:
        check()
        ended = wait(futures, timeout=SEEN, return_when=FIRST_COMPLETED).done
        begun = [each for each in futures if each.running() or (each in ended and not _gone(each))]
        for future in [each for each in begun if each not in told]:
            told.add(future)
            watch(futures[future][0], None)
        for future in sorted(ended, key=_gone):  # what came back is published before the rest is lost
            told.discard(future)
            entry, job = futures.pop(future)
            yield entry, _outcome(future, job)


def _gone(future: Future[Outcome]) -> bool:
    return future.cancelled() or isinstance(future.exception(), BrokenExecutor)


def _outcome(future: Future[Outcome], job: Job) -> Outcome:
    """Return how an entry ended; what kept it from being executed is an outcome too.

    Raises
    ------
    WorkbenchError
        If what executes entries is gone.
    """
    said: str
    try:
        return future.result()
    except (BrokenExecutor, CancelledError) as error:
        raise _lost(error) from error
    except CxlabError as error:
        name, said = "", error.message
    except Exception as error:
        name, said = type(error).__name__, str(error)
    now = datetime.now(UTC)
    return Outcome("not run", job.notebook, error_name=name, error_value=said, started=now, finished=now)


def _lost(error: BaseException) -> WorkbenchError:
    return WorkbenchError(
        "what executes the entries is gone ({error}): what was published stays; run again, and only the "
        "rest is run",
        error=str(error) or type(error).__name__,
    )


def _finished(
    opened: Shelf, gallery: Gallery, releases: Releases, ground: Ground, entry: Entry, outcome: Outcome
) -> Report:
    seconds = (outcome.finished - outcome.started).total_seconds()
    report = Report(entry, "failed", message=outcome.message, seconds=seconds)
    if outcome.status == "done":
        try:
            client, read = gallery.study.client_of(entry), outputs.reads(outcome.notebook)
            told = outputs.told(outcome.notebook)
            release = release_of(entry.id, client, entry.parameters, read, told)
            releases.check(release, opened)
            report = _published(opened, gallery, ground, entry, outcome, report)
            releases.take(release)
            return report
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


def _published(
    opened: Shelf, gallery: Gallery, ground: Ground, entry: Entry, outcome: Outcome, report: Report
) -> Report:
    study, executed = gallery.study, outcome.notebook
    prints = _prints(study, ground, entry, executed)
    files = gallery.files(entry, outcome, prints)
    run = opened.publish(
        entry.id, prints["id"], files, manifest.manifest(study, entry, outcome, prints, ground)
    )
    gallery.published(entry, outcome, run)
    return replace(
        report, status="done", page=opened.show(entry.id, run, files["report.html"]), run=run, message=""
    )


def _prints(study: Study, ground: Ground, entry: Entry, executed: NotebookNode) -> dict[str, Any]:
    """Return the fingerprint of an executed notebook; it is settled if nothing moved while it ran."""
    reads = outputs.reads(executed)
    settled = ground.gave(reads) and ground.stays(study.root, study.client_of(entry))
    return provenance.fingerprint(
        executed,
        settings(study, entry),
        {str(read.get("table")): str(read.get("sha256")) for read in reads},
        ground,
        settled=settled,
        folder=folder_of(entry),
    )


def _remains(study: Study, entry: Entry, outcome: Outcome, message: str) -> dict[str, bytes]:
    error = manifest.failure(study, entry, outcome, message)
    return {"notebook.ipynb": outcome.content, "error.json": outputs.as_json(error)}
