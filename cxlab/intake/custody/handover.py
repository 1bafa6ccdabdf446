"""What leaves for the client's own systems: a list of pseudonyms with numbers, beside the client's data.

Such a list names people, if only by pseudonyms: it is no part of a report, a run or an export, and nothing
is computed from it. `cxlab relink` puts the client's codes beside the pseudonyms, `cxlab purge` deletes it.
"""

from __future__ import annotations

import re
from hashlib import sha256

import pandas as pd

from cxlab.errors import InputError, WorkbenchError
from cxlab.intake.custody.retention import refuse_overdue
from cxlab.intake.declared.models import Client
from cxlab.intake.folders import make_private, write_private
from cxlab.intake.privacy.pseudonyms import PSEUDONYM_LENGTH

FOLDER = "handed_over"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_PSEUDONYM = re.compile(f"[a-p]{{{PSEUDONYM_LENGTH}}}")


def hand_over(client: Client, name: str, frame: pd.DataFrame) -> str | None:
    """Write a list into data/CLIENT/handed_over/, readable by its owner only, whole or not at all.

    Parameters
    ----------
    client : Client
    name : str
        What the list is: lower-case letters, digits and _. The file's name adds a digest of its content, so
        that two runs which differ (a grid, a filter) never write into each other's, and the same run writes
        the same file.
    frame : DataFrame
        One column of pseudonyms, the first, each once; the others numbers.

    Returns
    -------
    str or None
        The file, from the workbench's folder on; None for an empty list, of which nothing is written.

    Raises
    ------
    InputError
        If the name is no name, or a column holds what is neither a pseudonym nor a number.
    WorkbenchError
        If the folder may not be written.
    """
    refuse_overdue(client)
    if not _NAME.fullmatch(name):
        raise InputError(
            "{name!r} cannot name a list; allowed: lower-case letters, digits and _, up to 40, a letter "
            "first",
            name=name[:80],
        )
    _check(frame)
    if frame.empty:
        return None
    content = frame.to_csv(index=False, lineterminator="\n").encode()
    file = f"{name}-{sha256(content).hexdigest()[:8]}.csv"
    folder = make_private(client.folder / FOLDER)
    try:
        write_private(folder / file, content)
    except OSError as error:
        raise WorkbenchError("cannot write in {folder}: {why}", folder=folder, why=error.strerror) from None
    return f"data/{client.slug}/{FOLDER}/{file}"


def _check(frame: pd.DataFrame) -> None:
    if frame.columns.empty:
        raise InputError("a list without columns; the first one is of pseudonyms")
    first, *others = frame.columns
    ids = frame[first]
    strange = ~ids.map(lambda each: isinstance(each, str) and bool(_PSEUDONYM.fullmatch(each))).astype(bool)
    if strange.any() or ids.duplicated().any():
        raise InputError(
            "column {column} is not of pseudonyms, each once; take the id of a table as `paper.table` gives "
            "it",
            column=first,
        )
    words = [name for name in others if not pd.api.types.is_numeric_dtype(frame[name])]
    if words:
        raise InputError(
            "columns {columns} are not numbers; a list has one column of pseudonyms, and numbers",
            columns=", ".join(map(str, words)),
        )
