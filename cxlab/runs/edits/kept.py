"""The file of edits on disk: begun, or with an annex taken over; replaced in one step."""

from __future__ import annotations

import os
from pathlib import Path

from cxlab.errors import WorkbenchError
from cxlab.reporting.edits import Edits
from cxlab.reporting.volume import Volume
from cxlab.runs.edits.file import path_of, read_edits
from cxlab.runs.edits.merged import Merge, merge
from cxlab.runs.edits.written import starter


def begin(volume: Volume, root: Path, *, language: str) -> Path:
    """Write the file of edits of a study that has none, everything in it still a comment."""
    path = path_of(volume.study, root)
    _write(path, starter(volume, Edits(), language=language))
    return path


def take_over(book: Path, volume: Volume, root: Path, *, language: str) -> Merge:
    """Merge the edits of a study with what was typed into an annex, and write them; see `merge`."""
    path = path_of(volume.study, root)
    done = merge(book, read_edits(volume.study, root), volume)
    if done.changes:
        before = path.read_text(encoding="utf-8-sig") if path.is_file() else ""
        _write(path, starter(volume, done.edits, before=before, language=language))
    return done


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(".new")
        new.write_text(text, encoding="utf-8")
        os.replace(new, path)
    except OSError as error:
        raise WorkbenchError(
            "{path} cannot be written: {reason}", path=path, reason=error.strerror
        ) from error
