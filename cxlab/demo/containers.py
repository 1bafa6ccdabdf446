"""Excel and SPSS files whose bytes depend on their content only, not on when they were written."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyreadstat

WRITTEN = datetime(2025, 7, 1, 9, 0)
# Where an SPSS file keeps the day and the hour at which it was written (system file format, header record).
_SAV_STAMP = slice(92, 109)


def write_excel(
    path: Path,
    sheets: Mapping[str, Sequence[Sequence[Any]]],
    *,
    merged: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """Write a workbook with these sheets, rows of cells each; `merged` names ranges of a sheet (A1:C1)."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    book.properties.creator = "Demo"
    book.properties.created = WRITTEN
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
        for cells in (merged or {}).get(name, ()):
            sheet.merge_cells(cells)
    buffer = io.BytesIO()
    book.save(buffer)
    path.write_bytes(_timeless(buffer.getvalue()))


def _timeless(workbook: bytes) -> bytes:
    """Pack a workbook again with fixed times: openpyxl stamps each part with the clock."""
    stamp = WRITTEN.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as parts, zipfile.ZipFile(out, "w") as packed:
        for name in parts.namelist():
            content = parts.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>" + stamp, content)
            if name.startswith("xl/worksheets/"):
                content = re.sub(rb"(?:<mergeCell [^>]*/>)+", _sorted_merges, content)
            part = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            part.create_system = 3  # the same on every machine
            packed.writestr(part, content, zipfile.ZIP_STORED)
    return out.getvalue()


def _sorted_merges(found: re.Match[bytes]) -> bytes:
    """Return merged ranges in order: openpyxl keeps them in a set."""
    return b"".join(sorted(re.findall(rb"<mergeCell [^>]*/>", found[0])))


def write_spss(
    path: Path,
    frame: pd.DataFrame,
    *,
    labels: Mapping[str, str],
    values: Mapping[str, Mapping[float, str]],
    missing: Mapping[str, Sequence[float]],
) -> None:
    """Write a .sav file with question texts, value labels and declared missing codes."""
    pyreadstat.write_sav(
        frame,
        str(path),
        column_labels=dict(labels),
        variable_value_labels={column: dict(codes) for column, codes in values.items()},
        missing_ranges={column: list(codes) for column, codes in missing.items()},
    )
    content = bytearray(path.read_bytes())
    content[_SAV_STAMP] = b"01 Jul 2509:00:00"  # day and hour, without the machine's locale
    path.write_bytes(bytes(content))
