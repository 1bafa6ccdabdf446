"""What is said of a client's tables, tables.json: read without reading them, nor what reads them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cxlab.errors import InputError

INDEX = "tables.json"
FORMAT = 3


def read_index(folder: Path, *, client: str) -> dict[str, Any]:
    """Return the index of a client's tables.

    Raises
    ------
    InputError
        If there are no tables yet, or the index cannot be read.
    """
    path = folder / INDEX
    if not path.is_file() or path.is_symlink() or folder.is_symlink():
        raise InputError("{client} has no tables yet; make them with `cxlab check {client}`", client=client)
    try:
        index: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        current = index["format"] == FORMAT
    except (OSError, ValueError, KeyError, TypeError):
        current = False
    if not current:
        raise InputError(
            "the tables of {client} are damaged or of another version; make them again with "
            "`cxlab check {client}`",
            client=client,
        )
    return index


def digests(index: Mapping[str, Any]) -> dict[str, set[str]]:
    """Return for each file the SHA-256 that it, its database or the result of its query had when read."""
    known: dict[str, set[str]] = {}
    for source in (source for entry in index["tables"].values() for source in entry["sources"]):
        said = {source["sha256"], source["how"].get("database_sha256", "")}
        known.setdefault(source["file"], set()).update(said - {""})
    return known
