"""A published study sent to where others read it: an object store, or another folder.

Run folders go first, each with its manifest last; then, entry by entry, the stable page and the note of
its run; the gallery is last. Only places are taken where replacing one file is one step, so that a
reader finds the old or the new one, and a run that is named is there. Wherever an upload breaks, the same
command goes on from there: what is there with the same bytes is not sent again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cxlab.errors import ParameterError, WorkbenchError
from cxlab.runs.publish import MANIFEST, Shelf, intact, manifest_of, shelf

# Where replacing one object is one step, and the package that fsspec needs for it.
PACKAGES = {
    "s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "abfs": "adlfs", "abfss": "adlfs",
    "az": "adlfs", "memory": "fsspec", "file": "fsspec",
}  # fmt: skip


@dataclass(frozen=True)
class Sent:
    """What went over, and how many files were there already."""

    files: int
    size: int
    kept: int


@dataclass(frozen=True)
class Place:
    """Where a study is sent to; made by `place`."""

    url: str
    system: Any  # an fsspec file system
    path: str
    local: bool

    def read(self, name: str) -> bytes | None:
        """Return a file that is there, or None."""
        try:
            content: bytes = self.system.cat_file(f"{self.path}/{name}")
        except FileNotFoundError:
            return None
        return content

    def size(self, name: str) -> int:
        """Return the bytes of a file that is there, or -1."""
        try:
            return int(self.system.info(f"{self.path}/{name}")["size"])
        except FileNotFoundError:
            return -1

    def holds(self, name: str, content: bytes) -> bool:
        """Tell whether a file is there with these bytes; it is only fetched if it has as many."""
        return self.size(name) == len(content) and self.read(name) == content

    def put(self, name: str, content: bytes) -> None:
        """Replace a file in one step."""
        path = f"{self.path}/{name}"
        if not self.local:
            self.system.pipe_file(path, content)
            return
        os.makedirs(os.path.dirname(path), exist_ok=True)
        part = f"{path}.{os.getpid()}.part"
        try:
            self.system.pipe_file(part, content)
            os.replace(part, path)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(part)


def place(url: str) -> Place:
    """Return the place that a URL names; nothing is sent yet.

    Parameters
    ----------
    url : str
        Such as ``s3://bucket/folder``; credentials come from the environment or the provider's own files.

    Raises
    ------
    ParameterError
        If it holds a password or options, or names a place where a file can be seen half replaced.
    WorkbenchError
        If a package for it is not installed.
    """
    protocol, _, rest = url.partition("://")
    if protocol not in PACKAGES or "::" in url:
        raise ParameterError(
            "reports cannot be sent to {place}: only where replacing a file is one step can a reader never "
            "find half of one: {allowed}",
            place=f"{protocol}://" if rest else "a place without protocol",
            allowed=", ".join(f"{name}://" for name in PACKAGES if name != "memory"),
        )
    parts = urlsplit(url)
    if parts.password is not None or parts.query or parts.fragment:
        raise ParameterError(
            "the URL to send to holds a password or options: credentials come from the environment or from "
            "the provider's own files, never from a command line"
        )
    if not rest.strip("/"):
        raise ParameterError("{url} names no bucket or folder", url=url)
    try:
        from fsspec.core import url_to_fs

        system, path = url_to_fs(url, skip_instance_cache=True, use_listings_cache=False)
    except ImportError as error:
        raise WorkbenchError(
            "sending to {protocol}:// needs packages that are not installed: pip install {packages}",
            protocol=protocol,
            packages=" ".join(dict.fromkeys(["fsspec", PACKAGES[protocol]])),
        ) from error
    return Place(url.rstrip("/"), system, path.rstrip("/"), protocol == "file")


def send(root: Path, study: str, to: Place) -> Sent:
    """Send what readers see of a study to `URL/STUDY/`; nothing is ever deleted there.

    Parameters
    ----------
    root : Path
        The workbench.
    study : str
        Its name; no run of it goes on meanwhile.
    to : Place

    Raises
    ------
    WorkbenchError
        If it cannot be reached or written, a run is damaged here, or is there with other bytes; what was
        there before is whole.
    """
    files = size = kept = 0
    with shelf(root, study, to_write=False) as opened:
        try:
            for name, content in _to_send(opened, to, study):
                if content is None or to.holds(f"{study}/{name}", content):
                    kept += 1
                    continue
                to.put(f"{study}/{name}", content)
                files, size = files + 1, size + len(content)
        except WorkbenchError:
            raise
        except Exception as error:  # every provider's library has its own
            raise WorkbenchError(
                "{url} could not be read or written ({reason}): what was there is whole; the same command "
                "goes on from there",
                url=to.url,
                reason=next(iter(str(error).splitlines()), "") or type(error).__name__,
            ) from error
    return Sent(files, size, kept)


def _to_send(opened: Shelf, to: Place, study: str) -> Iterator[tuple[str, bytes | None]]:
    """Give each file in the order in which it must come to be there; None for one that is."""
    current = opened.current()
    for run in dict.fromkeys(current.values()):
        yield from _run(opened.folder / "runs" / run, to, study)
    for entry, run in current.items():
        page = (opened.folder / f"{entry}.html").read_bytes()
        if page != (opened.folder / "runs" / run / "report.html").read_bytes():  # its run was not sent
            raise WorkbenchError(
                "{folder} is not as it was published: its files and manifest.json do not agree; run it again",
                folder=opened.folder / f"{entry}.html",
            )
        yield f"{entry}.html", page
        yield f"current/{entry}.json", (opened.folder / f"current/{entry}.json").read_bytes()
    yield "index.html", (opened.folder / "index.html").read_bytes()


def _run(run: Path, to: Place, study: str) -> Iterator[tuple[str, bytes | None]]:
    if not intact(run):
        raise WorkbenchError(
            "{folder} is not as it was published: its files and manifest.json do not agree; run it again",
            folder=run,
        )
    outputs = manifest_of(run)["outputs"]
    prefix = f"runs/{run.name}"
    there = to.read(f"{study}/{prefix}/{MANIFEST}")
    if there is not None and _outputs(there) != outputs:
        raise WorkbenchError(
            "{url} is there with other bytes, and a run is never replaced: move it away, or send elsewhere",
            url=f"{to.url}/{study}/runs/{run.name}",
        )
    for name, said in outputs.items():
        kept = there is not None and to.size(f"{study}/{prefix}/{name}") == said["bytes"]
        yield f"{prefix}/{name}", None if kept else (run / name).read_bytes()
    yield f"{prefix}/{MANIFEST}", None if there is not None else (run / MANIFEST).read_bytes()


def _outputs(manifest: bytes) -> Any:
    try:
        return json.loads(manifest)["outputs"]
    except (ValueError, KeyError, TypeError):
        return None
