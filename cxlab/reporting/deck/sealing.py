"""A file of Office as the same bytes each time: the order and the dates of what is inside."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime, time
from typing import Any

EPOCH = (1980, 1, 1, 0, 0, 0)  # the first day that a zip file can say
UNDATED = date(2000, 1, 1)
FIRST = "[Content_Types].xml"


def dated(properties: Any, title: str, language: str, day: date | None) -> None:
    """Write what a presentation says of itself; its date is that of the data."""
    at = datetime.combine(day or UNDATED, time())
    properties.title, properties.language = title, language
    properties.author = properties.last_modified_by = "cxlab"
    properties.subject = properties.keywords = properties.comments = properties.category = ""
    properties.created = properties.modified = properties.last_printed = at
    properties.revision = 1


def sealed(package: bytes) -> bytes:
    """Return a zip file with its members sorted, all of one date, workbooks inside likewise.

    Examples
    --------
    >>> def made(*names):
    ...     held = io.BytesIO()
    ...     with zipfile.ZipFile(held, "w") as file:
    ...         for name in names:
    ...             file.writestr(name, name)
    ...     return held.getvalue()
    >>> sealed(made("a", "b")) == sealed(made("b", "a"))
    True
    """
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as given, zipfile.ZipFile(written, "w") as made:
        for name in sorted(given.namelist(), key=lambda name: (name != FIRST, name)):
            content = given.read(name)
            content = sealed(content) if name.endswith(".xlsx") else content
            info = zipfile.ZipInfo(name, EPOCH)
            info.compress_type, info.external_attr, info.create_system = zipfile.ZIP_DEFLATED, 0o600 << 16, 3
            made.writestr(info, content, compresslevel=6)
    return written.getvalue()
