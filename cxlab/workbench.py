"""Where the workbench is: the folder that holds notebooks/, data/ and reports/."""

from __future__ import annotations

import os
from pathlib import Path

from cxlab.errors import WorkbenchError

ROOT_VARIABLE = "CXLAB_ROOT"


def workbench(root: str | Path | None = None) -> Path:
    """Return the workbench's folder.

    Parameters
    ----------
    root : path, optional
        Given outright; else the environment variable CXLAB_ROOT, else the nearest folder, from the
        current one upwards, that holds both notebooks/ and data/.

    Raises
    ------
    WorkbenchError
        If there is no such folder.
    """
    given = root or os.environ.get(ROOT_VARIABLE)
    start = Path(given or ".").resolve()
    for folder in [start] if given else [start, *start.parents]:
        if (folder / "notebooks").is_dir() and (folder / "data").is_dir():
            return folder
    raise WorkbenchError(
        "{folder} is not a workbench: it (or a folder above) must hold notebooks/ and data/; "
        "go to the project's folder or name it with --root",
        folder=start,
    )
