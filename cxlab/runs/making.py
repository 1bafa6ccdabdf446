"""Entries executed side by side and published one by one as they end.

A failed entry keeps its executed notebook apart and the others go on; an interruption ends every
kernel within seconds and leaves what was published before.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed, wait
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import nbformat
from jupyter_core.utils import ensure_event_loop
from nbformat import NotebookNode

from cxlab.errors import CxlabError, Message, RunError, WorkbenchError
from cxlab.runs import manifest, outputs, provenance
from cxlab.runs.batch import Report, Watch, signals_waiting
from cxlab.runs.entries import Entry
from cxlab.runs.execute import Outcome, execute
from cxlab.runs.kernels import Kernels
from cxlab.runs.provenance import Ground
from cxlab.runs.publish import Shelf
from cxlab.runs.releases import Releases, in_turn, release_of
from cxlab.runs.study import Study
from cxlab.runs.unchanged import asked, settings

if TYPE_CHECKING:
    from cxlab.runs.pages import Gallery


def made(
    study: Study,
    left: Study,
    opened: Shelf,
    grounds: Mapping[str, Ground],
    watch: Watch,
    *,
    workers: int,
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
    watch, workers
        As in `batch.run_study`.
    """
    releases = Releases(study.root)
    with closing(_executed(study, left, workers, watch)) as outcomes:
        for entry, (outcome, gallery) in in_turn(left, outcomes):
            ground = grounds[study.client_of(entry)]
            report = _finished(opened, gallery, releases, ground, entry, outcome)
            opened.replace("index.html", gallery.index(opened))
            watch(entry, report)
            yield report


def _executed(
    study: Study, left: Study, workers: int, watch: Watch
) -> Generator[tuple[Entry, tuple[Outcome, Gallery]], None, None]:
    """Yield each entry with its outcome as it ends; whatever stops the loop stops the kernels."""
    kernels = Kernels()
    with ThreadPoolExecutor(max_workers=max(1, workers), thread_name_prefix="cxlab") as pool:
        futures: dict[Future[Outcome], Entry] = {
            pool.submit(_execute, study, entry, kernels, watch): entry for entry in left.entries
        }
        try:
            with signals_waiting():
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


def _execute(study: Study, entry: Entry, kernels: Kernels, watch: Watch) -> Outcome:
    watch(entry, None)
    try:
        return execute(
            entry.notebook, entry.parameters, root=study.root, limits=entry.limits, kernels=kernels
        )
    finally:
        ensure_event_loop().close()


def _finished(
    opened: Shelf, gallery: Gallery, releases: Releases, ground: Ground, entry: Entry, outcome: Outcome
) -> Report:
    seconds = (outcome.finished - outcome.started).total_seconds()
    report = Report(entry, "failed", message=outcome.message, seconds=seconds)
    if outcome.status == "done":
        try:
            client, read = gallery.study.client_of(entry), outputs.reads(outcome.notebook)
            releases.check(release_of(entry.id, client, entry.parameters, read), opened)
            return _published(opened, gallery, ground, entry, outcome, report)
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
    said = asked(study, entry)
    prints = _prints(study, ground, entry, executed)
    page = gallery.page(entry, outcome, run=prints["id"])
    files = {
        "report.html": page,
        "notebook.ipynb": _notebook_bytes(executed),
        "results.json": outputs.results_json(executed, parameters=entry.parameters, **said),
        **outputs.tables(executed),
        **outputs.figures(executed),
    }
    run = opened.publish(
        entry.id, prints["id"], files, manifest.manifest(study, entry, outcome, prints, ground)
    )
    gallery.published(entry, outcome, run)
    return replace(report, status="done", page=opened.show(entry.id, run, page), run=run, message="")


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
    )


def _remains(study: Study, entry: Entry, outcome: Outcome, message: str) -> dict[str, bytes]:
    error = manifest.failure(study, entry, outcome, message)
    return {"notebook.ipynb": _notebook_bytes(outcome.notebook), "error.json": outputs.as_json(error)}


def _notebook_bytes(notebook: NotebookNode) -> bytes:
    text: str = nbformat.writes(notebook)  # type: ignore[no-untyped-call]
    return (text.rstrip("\n") + "\n").encode("utf-8", "backslashreplace")
