"""A new wave of a client: its folder, which declared file each new one follows, and what changed in it.

What was asked and answered before is what the last check kept: the old files may be gone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cxlab.errors import InputError, WorkbenchError
from cxlab.intake.client import Client, load
from cxlab.intake.declared.models import Source
from cxlab.intake.folders import client_folder, make_private
from cxlab.intake.privacy.identifiers import identifier
from cxlab.intake.proposals.differences import Change, compare, matched
from cxlab.intake.proposals.sniffing import Sniff, raw_files, sniff
from cxlab.intake.tables.codebooks import Codebook, declared, recorded, seen
from cxlab.intake.tables.index import read_index

# So many of a source's columns must go on in a file for it to follow that source.
ALIKE = 0.5
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
# Keys of a source that name columns, by their name in the table or by their header.
_BY_NAME = ("values", "scales", "equivalent", "missing", "not_applicable", "dates", "kinds", "asked_if")
Codebooks = Sequence[tuple[Source, Codebook]]
_LISTED = ("ids", "value_labels", "leading_number", "reverse", "more_is_better", "na_reasons", "after_event")


@dataclass(frozen=True)
class Followed:
    """The declared source that a new file goes on, and how its columns go on in it.

    Attributes
    ----------
    source : Source
        As declared, its keys under the names of the new file.
    changes : tuple of Change
        What is different in the new file.
    unused : set of str
        Headers that were seen before and not stored.
    """

    source: Source
    changes: tuple[Change, ...]
    unused: frozenset[str]


def open_wave(root: str | Path, client: str, wave: str) -> Path:
    """Make the folder for the files of a wave, raw/WAVE, if it is not there, and return it.

    Parameters
    ----------
    root : path
        The workbench's folder.
    client : str
        Name of the client's folder under data/.
    wave : str
        Up to 40 letters, digits, _, . and -; it becomes wave_id.

    Raises
    ------
    InputError
        If there is no such client, or the name is not a wave's.
    WorkbenchError
        If the folder may not be written.
    """
    folder = client_folder(root, client)
    if not _NAME.fullmatch(wave) or identifier(wave):
        raise InputError(
            "{wave!r} is not the name of a wave: up to 40 letters, digits, _, . and -, such as 2025T2",
            wave=wave[:40] if identifier(wave) is None else "…",
        )
    path = folder / "raw" / wave
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise InputError("raw/{wave} is not a folder of {client}", wave=wave, client=client)
    try:
        make_private(path)
    except OSError as error:
        raise WorkbenchError("cannot write in {folder}: {why}", folder=path, why=error.strerror) from None
    return path


def changes(root: str | Path, client: str, wave: str) -> dict[str, tuple[Change, ...]]:
    """Return what changed in the files of a wave from the declared ones that they follow.

    Parameters
    ----------
    root : path
        The workbench's folder.
    client : str
        Name of the client's folder under data/.
    wave : str
        Files under raw/WAVE, declared already or not.

    Returns
    -------
    dict of str to tuple of Change
        By file, or sheet of a workbook; files that follow none, and files that cannot be read, are not in
        it: `cxlab map` proposes the ones and says why of the others.

    Raises
    ------
    InputError
        If there is no such client or folder, or its client.yaml is not valid.
    """
    of_client = load(client_folder(root, client))
    known = codebooks(of_client)
    found = {}
    for file in raw_files(of_client.folder, wave):
        for told in sniff(of_client.folder, file):
            followed = follow(known, told)
            if followed is not None:
                found[f"{told.file} [{told.sheet}]" if told.sheet else told.file] = followed.changes
    return found


def codebooks(client: Client) -> Codebooks:
    """Return each declared source with its codebook: as the last check kept it, else its names only."""
    try:
        index = read_index(client.folder / "tables", client=client.slug)
    except InputError:
        index = {"tables": {}}
    kept = {
        (table, source["file"], source["how"].get("sheet", "")): source
        for table, entry in index["tables"].items()
        for source in entry["sources"]
    }
    return [(source, _codebook(source, kept)) for source in client.sources]


def _codebook(source: Source, kept: Mapping[tuple[str, str, str], Mapping[str, Any]]) -> Codebook:
    of_file = [
        each for (table, file, _), each in kept.items() if (table, file) == (source.table, source.file)
    ]
    exact = kept.get((source.table, source.file, source.sheet))
    record = exact or (of_file[0] if len(of_file) == 1 else None)
    return declared(source) if record is None else recorded(source, record)


def follow(known: Codebooks, told: Sniff) -> Followed | None:
    """Return the declared source that a file follows, the last declared of equals; None if it follows none.

    Parameters
    ----------
    known : sequence of (Source, Codebook)
        The declared sources.
    told : Sniff
        The new file, as it was read.
    """
    if told.reading is None:
        return None
    after = seen(told.file, told.reading, {**told.keys, "sheet": told.sheet})
    best, most = None, ALIKE
    for source, before in known:
        if (source.file, source.sheet) == (told.file, told.sheet) or len(before.items) < 2:
            continue
        share = len(matched(before, after)) / len(before.items)
        if share >= most:
            best, most = (source, before), share
    if best is None:
        return None
    source, before = best
    return Followed(adapted(source, before, after), compare(before, after), before.unused)


def adapted(source: Source, before: Codebook, after: Codebook) -> Source:
    """Return a source with its keys under the headers of the file that goes on from it.

    A header that now asks another thing keeps nothing of the old one.
    """
    found = matched(before, after)
    columns = {item.header: item.column for item in before.items}
    going_on = {"*", *source.constants, *source.derive, *(item.column for item in found.values())}
    there = {item.header for item in after.items}
    names = {header: item.column for header, item in found.items() if item.column and header != item.column}
    update: dict[str, Any] = {
        "names": names,
        "drop": [header for header in source.drop if header in there and header not in names],
    }
    for key in _BY_NAME:
        given = {columns.get(name, name): told for name, told in getattr(source, key).items()}
        update[key] = {name: told for name, told in given.items() if name in going_on}
    for key in _LISTED:
        given_names = (columns.get(name, name) for name in getattr(source, key))
        update[key] = [name for name in dict.fromkeys(given_names) if name in going_on]
    given_keys = {
        key: value for key, value in update.items() if key in source.model_fields_set or key == "names"
    }
    return source.model_copy(update=given_keys)
