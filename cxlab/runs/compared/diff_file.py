"""The page of a difference as a file: what the runs say of themselves, where it goes, in one step."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from html import unescape
from pathlib import Path

from cxlab.catalogues import translate
from cxlab.errors import Message, ParameterError, RunError
from cxlab.intake.client import load
from cxlab.reporting.volume import Chapter
from cxlab.runs.compared.diff import Difference
from cxlab.runs.compared.diff_page import Compared, Side, page
from cxlab.runs.history import COMPARED, compared
from cxlab.runs.pages import page_bytes
from cxlab.runs.publish import writing
from cxlab.runs.published import Run
from cxlab.runs.volumes import chapter

PAGE = ".html"


def write(
    found: Sequence[Difference],
    pairs: Sequence[tuple[Run, Run]],
    apart: Sequence[Sequence[str]],
    refused: Sequence[Message],
    *,
    root: Path,
    to: str = "",
) -> Path:
    """Write what changed between published runs as a page, whole or not at all, and return its place.

    Parameters
    ----------
    found : sequence of Difference
        Of those pairs that may be compared.
    pairs : sequence of (Run, Run)
        All of them.
    apart : two sequences of str
        Entries that were there only before, and only after.
    refused : sequence of Message
        Why the others are not compared.
    root : Path
        The workbench.
    to : str
        A file whose name ends in .html; without it the page goes to compared/ in the study of the last run.

    Raises
    ------
    ParameterError
        If the file has another name.
    RunError
        If a run is not as it was published, or the page would name a rival that is masked now.
    WorkbenchError
        If it cannot be written.
    """
    path = Path(to) if to else _place(pairs, root)
    if path.suffix.lower() != PAGE:
        raise ParameterError("{path} is not the name of a page: let it end in .html", path=path)
    after = chapter(pairs[-1][1].folder, root)
    held = {(before.name, other.name): (before, other) for before, other in pairs}
    reports = [_report(each, *held[each.before, each.after], root=root) for each in found]
    why = [translate(message, after.language) for message in refused]
    made = page(reports, client=after.client, words=after.words, apart=apart, refused=why)
    _refuse_masked(made, str(pairs[-1][1].manifest.get("client", "")), root)
    _replace(path, page_bytes(made))
    return path.resolve()


def _report(found: Difference, before: Run, after: Run, *, root: Path) -> Compared:
    last: Chapter = chapter(after.folder, root)
    sides = [
        Side(run=run.folder.name[:12], day=str(run.manifest.get("finished", ""))[:10])
        for run in (before, after)
    ]
    return Compared(title=last.title, before=sides[0], after=sides[1], found=found, words=last.words)


def _place(pairs: Sequence[tuple[Run, Run]], root: Path) -> Path:
    before, after = pairs[-1]
    folder = root / "reports" / "built" / str(after.manifest.get("study", ""))
    if len(pairs) == 1:
        return folder / compared(before.folder.name, after.folder.name)
    return folder / COMPARED / f"{before.manifest.get('study', '')}--{after.manifest.get('study', '')}{PAGE}"


def _refuse_masked(made: str, client: str, root: Path) -> None:
    """Refuse a page with a rival's name: a run from before it was masked says it in its sentences."""
    folder = root / "data" / client
    names = load(folder).rivals_names() if client and (folder / "client.yaml").is_file() else ()
    said = unescape(made).casefold()
    if any(re.search(rf"(?<!\w){re.escape(name.casefold())}(?!\w)", said) for name in names):
        raise RunError("the page would name a rival that is masked now: run the earlier report again first")


def _replace(path: Path, content: bytes) -> None:
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    with writing(path.parent):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            aside.write_bytes(content)
            os.replace(aside, path)
        finally:
            aside.unlink(missing_ok=True)
