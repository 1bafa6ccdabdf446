"""The register of what was delivered: one line for each version, none ever changed.

Each version is a folder `deliveries/<day>-<n>/` with its own record (delivery.json). The register is
kept beside them, so that a version that is no longer there is still told of; a record that it lacks,
because something ended between the two, is added the next time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from cxlab.errors import WorkbenchError
from cxlab.runs.publish import Shelf

PLACE = "deliveries"
RECORD = "delivery.json"
REGISTER = f"{PLACE}/register.jsonl"
CURRENT = f"{PLACE}/current.json"

Record = Mapping[str, Any]


def registered(folder: Path) -> list[Record]:
    """Return the record of every delivery of a study, oldest first; of folders too that have no line yet.

    Parameters
    ----------
    folder : Path
        Of the study.

    Raises
    ------
    WorkbenchError
        If the register cannot be read: nothing may be taken for not delivered.
    """
    told = [_record(line, folder / REGISTER) for line in _lines(folder)]
    known = {record["version"] for record in told}
    found = [_record(path.read_text(encoding="utf-8"), path) for path in _records(folder)]
    return told + sorted((r for r in found if r["version"] not in known), key=lambda r: _order(r["version"]))


def enter(shelf: Shelf) -> None:
    """Add to the register what it lacks; its lines stay as they are."""
    lines = _lines(shelf.folder)
    known = registered(shelf.folder)[len(lines) :]
    if known:
        more = [json.dumps(record, ensure_ascii=False, sort_keys=True) for record in known]
        shelf.replace(REGISTER, "".join(f"{line}\n" for line in [*lines, *more]).encode())


def next_version(records: list[Record], today: date) -> str:
    """Return the name of the next version; that of a version whose folder is gone is not used again.

    Examples
    --------
    >>> next_version([{"version": "2026-11-26-1"}], date(2026, 11, 26))
    '2026-11-26-2'
    """
    taken = [_order(record["version"])[1] for record in records if _order(record["version"])[0] == str(today)]
    return f"{today}-{max(taken, default=0) + 1}"


def delivered_runs(folder: Path) -> set[str]:
    """Return the runs of which something was delivered."""
    return {str(run) for record in registered(folder) for run in record["runs"].values()}


def _order(version: str) -> tuple[str, int]:
    day, _, number = str(version).rpartition("-")
    return day, int(number) if number.isdigit() else 0


def _lines(folder: Path) -> list[str]:
    try:
        return (folder / REGISTER).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise _unreadable(folder / REGISTER, error) from error


def _records(folder: Path) -> list[Path]:
    return [path for path in sorted((folder / PLACE).glob(f"*/{RECORD}")) if path.is_file()]


def _record(text: str, path: Path) -> Record:
    try:
        record = json.loads(text)
        if not (isinstance(record["version"], str) and isinstance(record["runs"], dict)):
            raise TypeError(record)
    except (ValueError, KeyError, TypeError) as error:
        raise _unreadable(path, error) from error
    return dict(record)


def _unreadable(path: Path, error: Exception) -> WorkbenchError:
    reason = getattr(error, "strerror", None) or type(error).__name__
    return WorkbenchError("{file} cannot be read: {reason}", file=path, reason=reason)
