"""A crate on disk: a folder or a zip file, whole or not there, with the same bytes for the same files."""

from __future__ import annotations

import io
import os
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path

from cxlab.errors import ParameterError
from cxlab.runs.publish import writing

EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment a zip file can tell


def write(files: Mapping[str, bytes], to: Path) -> Path:
    """Write a crate.

    Parameters
    ----------
    files : mapping
        Content by name.
    to : Path
        A folder, or a file whose name ends in ``.zip``.

    Raises
    ------
    ParameterError
        If something else is there: nothing is replaced.
    WorkbenchError
        If it cannot be written.
    """
    zipped = zip_of(files) if to.suffix.lower() == ".zip" else None
    if to.is_symlink() or to.exists():
        if _same(to, files, zipped):
            return to
        raise ParameterError("{path} is already there, and is another: name a place of its own", path=to)
    aside = to.with_name(f".{to.name}.{os.getpid()}")
    with writing(to.parent):
        try:
            to.parent.mkdir(parents=True, exist_ok=True)
            _remove(aside)  # of one that was killed, with this number: its files are not of this crate
            if zipped is not None:
                aside.write_bytes(zipped)
            for name, content in files.items() if zipped is None else ():
                (aside / name).parent.mkdir(parents=True, exist_ok=True)
                (aside / name).write_bytes(content)
            os.rename(aside, to)
        finally:
            _remove(aside)
    return to


def _remove(aside: Path) -> None:
    if aside.is_dir() and not aside.is_symlink():
        shutil.rmtree(aside, ignore_errors=True)
    else:
        aside.unlink(missing_ok=True)


def zip_of(files: Mapping[str, bytes]) -> bytes:
    """Return files as a zip file without times, by name.

    Examples
    --------
    >>> zip_of({"b": b"1", "a": b"2"}) == zip_of({"a": b"2", "b": b"1"})
    True
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, 3
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, content, compresslevel=9)
    return packed.getvalue()


def _same(to: Path, files: Mapping[str, bytes], zipped: bytes | None) -> bool:
    if zipped is not None:
        return to.is_file() and to.read_bytes() == zipped
    found = {p.relative_to(to).as_posix(): p for p in to.rglob("*") if not p.is_dir()} if to.is_dir() else {}
    return found.keys() == files.keys() and all(found[n].read_bytes() == files[n] for n in files)
