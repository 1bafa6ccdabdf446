"""The entries of a study: what changed is executed side by side, what did not is kept as it was published.

Nothing heavy is loaded here: a study in which nothing changed is answered before pandas, papermill or
Jupyter could have been imported.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cxlab.errors import Message
from cxlab.runs.cores import cores
from cxlab.runs.entries import Entry
from cxlab.runs.interruption import aside
from cxlab.runs.outputs import as_json
from cxlab.runs.provenance import Ground
from cxlab.runs.publish import Shelf, manifest_of, shelf
from cxlab.runs.stages import note_points, stages
from cxlab.runs.study import Study
from cxlab.runs.unchanged import NOTE, gallery_note, gallery_stands, grounds_of, unchanged
from cxlab.runs.warm.servers import OWNED

if TYPE_CHECKING:
    from concurrent.futures import Executor


@dataclass(frozen=True)
class Report:
    """What became of one entry: its page, or what went wrong and where that is kept.

    It is skipped when the run that is published is kept, because nothing that decides its bytes changed.
    """

    entry: Entry
    status: Literal["done", "skipped", "failed"]
    page: Path | None = None
    run: str = ""
    message: str = ""
    kept: Path | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Batch:
    """What became of a study, and what is to be told of how it went."""

    study: Study
    index: Path
    reports: tuple[Report, ...]
    notes: tuple[Message, ...] = ()

    @property
    def failed(self) -> tuple[Report, ...]:
        """The entries that did not come to their end."""
        return tuple(report for report in self.reports if report.status == "failed")

    @property
    def skipped(self) -> tuple[Report, ...]:
        """The entries whose published run was kept."""
        return tuple(report for report in self.reports if report.status == "skipped")


Watch = Callable[[Entry, Report | None], None]


def run_study(
    study: Study,
    *,
    workers: int | None = None,
    watch: Watch | None = None,
    fresh: bool = False,
    executor: Executor | None = None,
) -> Batch:
    """Execute and publish every entry of a study that is not published as it would be now.

    Parameters
    ----------
    study : Study
        Already validated.
    workers : int, optional
        How many kernels run side by side; by default as many as there are cores for this process.
    watch : callable, optional
        Called with an entry when it starts (and None), and again with its report when it ends; of an entry
        that is skipped, once, with its report.
    fresh : bool
        Execute every entry, whatever is published.
    executor : concurrent.futures.Executor, optional
        What executes entries instead of kernels of this process: any that PEP 3148 describes. It gets
        `jobs.perform` with one `jobs.Job` each; publishing, and all that is compared before, stay here.

    Returns
    -------
    Batch
        One report for each entry, in the order of the study.

    Raises
    ------
    WorkbenchError
        Another run of this study is going on, its folder cannot be written, or the executor is gone.
    InputError
        The client's declaration cannot be read.
    """
    watch = watch or (lambda _entry, _report: None)
    grounds = grounds_of(study)  # what is wrong with a client.yaml is said before any kernel
    reports: dict[str, Report] = {}
    with shelf(study.root, study.name) as opened, OWNED.beside() as warm:
        note_points(study, opened)
        for stage in stages(study.entries):
            kept = {} if fresh else unchanged(study, opened, grounds, stage)
            for entry in (entry for entry in stage if entry.id in kept):
                page = opened.folder / f"{entry.id}.html"
                reports[entry.id] = Report(entry, "skipped", page=page, run=kept[entry.id])
                watch(entry, reports[entry.id])
            left = replace(study, entries=tuple(entry for entry in stage if entry.id not in kept))
            if left.entries:
                away = None if stage[0].after else executor  # what comes after reads what is published here
                if away is None:
                    warm()  # imports what kernels need while this process imports papermill
                made = aside(_making)
                abreast = min(workers or cores(), len(left.entries))
                making = made(study, left, opened, grounds, watch, workers=abreast, executor=away)
                with closing(making):
                    reports |= {report.entry.id: report for report in making}
        if all(report.status != "failed" for report in reports.values()):
            anew = any(report.status == "done" for report in reports.values())
            _settle_gallery(study, opened, grounds[study.client], made=anew)
    ended = tuple(reports[entry.id] for entry in study.entries)
    return Batch(study, opened.folder / "index.html", ended, tuple(OWNED.notes))


def _making() -> Callable[..., Generator[Report, None, None]]:
    from cxlab.runs.making import made

    return made


def durations(study: Study) -> dict[str, float]:
    """Return how many seconds entries of a study took when they were published, where that is known."""
    opened = Shelf(study.root / "reports" / "built" / study.name)
    said = {entry: manifest_of(opened.folder / "runs" / run) for entry, run in opened.current().items()}
    return {
        entry: float(seconds)
        for entry, manifest in said.items()
        if isinstance(seconds := manifest.get("seconds"), int | float) and 0 < seconds < math.inf
    }


def _settle_gallery(study: Study, opened: Shelf, ground: Ground, *, made: bool) -> None:
    """Note what index.html is made of; make it where nothing else did and the study lists other entries."""
    if not made:
        if gallery_stands(study, opened, ground):
            return
        from cxlab.runs.pages import Gallery

        opened.replace("index.html", Gallery(study).index(opened))
    opened.replace(NOTE, as_json(gallery_note(study, opened, ground)))
