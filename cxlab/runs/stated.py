"""What the published reports of a study state: their claims as one table, and what was not read and why.

Nothing is computed here, and nothing can leak: the claims are those of results.json of intact runs, masked
before they were published.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from cxlab.errors import AnalysisError, Message, ParameterError
from cxlab.parameters import nearest
from cxlab.runs.publish import Shelf
from cxlab.runs.published import Run, folder_of, read_run
from cxlab.runs.stages import failure_of, points_on
from cxlab.values import shown
from cxlab.workbench import workbench

COLUMNS = ("entry", "result", "code", "fields", "grade", "caveats")
OWN = "Diagnosis"  # a report that reads reports is no evidence of its own


def stated(
    study: str,
    entries: Sequence[str] = (),
    *,
    client: str,
    where: str = "",
    level: float = 0.95,
    root: str | Path | None = None,
) -> pd.DataFrame:
    """Return what the reports of a study state, as published.

    Parameters
    ----------
    study : str
        Published name, folder or file of a study.
    entries : sequence of str
        Which of its entries; with none, all that are no sweep. A sweep is read where it is named.
    client : str
        Whose reports.
    where, level
        Filter and level of confidence that they must have been run with, if their notebook takes any.
    root : path, optional
        The workbench; by default the nearest one.

    Returns
    -------
    DataFrame
        entry, result, code, fields, grade, caveats: a row for each claim. ``attrs``: read (entry names),
        failed, unpublished, filtered (names of those left out), tables (those that the reports read), mixed
        (tables that not all of them read alike), until (the date of the data, or None).

    Raises
    ------
    ParameterError
        If there is no such study or entry.
    AnalysisError
        If a report is of another client.
    """
    shelf = Shelf(folder_of(study, workbench(root)))
    points = points_on(shelf)
    unknown = [name for name in entries if name not in points]
    if unknown:
        close = nearest(unknown[0], points)
        raise ParameterError(
            "{study} has no entry {entry}; it has {entries}. {hint}",
            study=shelf.folder.name,
            entry=shown(unknown[0]),
            entries=", ".join(points) or "-",
            hint=Message("Did you mean {nearest}?", nearest=close)
            if close
            else Message("Run the study first."),
        )
    asked = entries or [name for name, own in points.items() if [*own] == [name]]
    left: dict[str, list[str]] = {"failed": [], "unpublished": [], "filtered": []}
    runs = []
    current = shelf.current()
    for point in (point for name in asked for point in points[name]):
        if failure_of(shelf.folder, point):
            left["failed"].append(point)
        elif point not in current:
            left["unpublished"].append(point)
        else:
            run = read_run(shelf.folder / "runs" / current[point])
            parameters = run.results.get("parameters", {})
            of = str(run.results.get("client") or client)
            if of != client:
                raise AnalysisError(
                    "{entry} is of the client {other}, and this report of {client}: give the same client",
                    entry=point,
                    other=of,
                    client=client,
                )
            if str(parameters.get("where") or "") != where or parameters.get("level", level) != level:
                left["filtered"].append(point)
            elif not _is_own(run):
                runs.append((point, run))
    return _framed(runs, left)


def told(stated: pd.DataFrame) -> pd.DataFrame:
    """Return the claims as texts alone, which can be hashed as a table is."""
    lines = {name: stated[name].map(as_json_line) for name in ("fields", "caveats")}
    return stated.assign(**lines)


def as_json_line(value: Any) -> str:
    """Return a value as one line of JSON, its keys in order."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _is_own(run: Run) -> bool:
    return any(bundle.get("kind") == OWN for bundle in run.results.get("results", ()))


def _framed(runs: Sequence[tuple[str, Run]], left: dict[str, list[str]]) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    seen: dict[str, set[str]] = {}
    for point, run in runs:
        for read in run.results.get("reads", ()):
            seen.setdefault(str(read.get("table")), set()).add(str(read.get("sha256")))
        rows += [
            {
                "entry": point, "result": str(bundle.get("id")),
                **{name: claim[name] for name in ("code", "fields", "grade", "caveats")},
            }
            for bundle in run.results.get("results", ())
            for claim in bundle.get("claims", ())
        ]  # fmt: skip
    until = [read["until"] for _, run in runs for read in run.results.get("reads", ()) if read.get("until")]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    held: dict[str, Any] = {
        "read": [point for point, _ in runs], **left, "tables": sorted(seen),
        "mixed": sorted(table for table, prints in seen.items() if len(prints) > 1),
        "until": max(until, default=None),
    }  # fmt: skip
    frame.attrs.update(held)
    return frame
