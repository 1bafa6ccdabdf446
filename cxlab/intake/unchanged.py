"""Whether a client's tables are still those of its files, told without reading either of them.

What `dataset.open_dataset` would refuse is in doubt here, and so is what only a reader could tell (the
result of a query): this module must answer in milliseconds and loads neither pandas nor pyarrow.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from hashlib import file_digest
from pathlib import Path
from typing import Any

from cxlab.errors import InputError
from cxlab.intake.client import Client, Source
from cxlab.intake.custody import retention
from cxlab.intake.folders import declared_path
from cxlab.intake.tables.index import digests


def sources_in_doubt(client: Client, index: Mapping[str, Any]) -> bool:
    """Tell whether a client's tables may be refused, or be others if they were made again.

    Parameters
    ----------
    client : Client
        As declared now.
    index : mapping
        What is said of its tables (`tables.index.read_index`).

    Returns
    -------
    bool
        False only if client.yaml and every file that it names hold the bytes that they held at the last
        check, and the day until which the data are kept has not passed.
    """
    known = digests(index)
    try:
        retention.refuse_overdue(client)
        return index["client_sha256"] != client.sha256 or any(
            _other(source, client, known.get(source.file, set())) for source in client.sources
        )
    except (InputError, OSError):
        return True


def table_in_doubt(client: Client, index: Mapping[str, Any], table: str) -> bool:
    """Tell whether a stored table is gone or was changed after the last check."""
    try:
        stored = _digest(client.folder / "tables" / f"{table}.parquet")
    except OSError:
        return True
    return bool(stored != index["tables"][table]["file_sha256"])


def _other(source: Source, client: Client, known: Collection[str]) -> bool:
    """Tell whether a file is another than the one read; one that is gone leaves its tables standing."""
    if source.database:
        return False  # a server is not asked again
    try:
        path = declared_path(client.folder, source.file)
    except InputError:
        return False
    return path.is_file() and _digest(path) not in known


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
