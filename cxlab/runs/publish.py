"""A run becomes visible in one step, whole, or not at all.

`reports/built/<study>/` holds immutable run folders (`runs/<id>/`, manifest.json written last), the
stable page of each entry, what each page is of (`current/`), the gallery (index.html) and, apart, what
failed. Everything is built in `.tmp/` under the study's lock, flushed, and renamed; a process killed
anywhere leaves the old page or the new one, and the next run sweeps what it left.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cxlab.errors import WorkbenchError
from cxlab.runs.lock import locked
from cxlab.runs.outputs import as_json
from cxlab.runs.provenance import digest

MANIFEST = "manifest.json"
FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG)
FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
NO_FLUSH = (errno.EINVAL, errno.ENOTSUP)  # what some network file systems say of a folder
PROBE = b"\0" * 65_536


@dataclass(frozen=True)
class Shelf:
    """The folder of a study while its lock is held; made by `shelf`."""

    folder: Path

    @property
    def building(self) -> Path:
        """Where things are made before they are seen."""
        return self.folder / ".tmp"

    def publish(self, entry: str, run: str, files: Mapping[str, bytes], manifest: Mapping[str, Any]) -> str:
        """Publish a run folder and return its name.

        Parameters
        ----------
        entry : str
            Whose run it is.
        run : str
            The fingerprint. A folder of that name with the same bytes is kept; with other bytes (the
            notebook is not deterministic) the new one is published beside it; a folder that does not
            verify is moved to quarantine/ first.
        files : mapping
            Content by relative name.
        manifest : mapping
            What manifest.json says besides the hashes of the files.
        """
        outputs = {
            name: {"bytes": len(content), "sha256": digest(content)}
            for name, content in sorted(files.items())
        }
        with writing(self.folder):
            name, kept = self._named(run, outputs)
            if kept:
                return name
            built = self._built(
                f"{entry}.{os.getpid()}", {**files, MANIFEST: as_json({**manifest, "outputs": outputs})}
            )
            with _discarding(built):
                (self.folder / "runs").mkdir(exist_ok=True)
                if os.path.lexists(self.folder / "runs" / name):  # only once there is a whole one for it
                    _quarantine(self.folder, name)
                os.rename(built, self.folder / "runs" / name)
                _flush_folder(self.folder / "runs")
            return name

    def show(self, entry: str, run: str, page: bytes) -> Path:
        """Make `page` the stable page of an entry, and note which run it is of."""
        with writing(self.folder):
            (self.folder / "current").mkdir(exist_ok=True)
            self.replace(f"{entry}.html", page)
            self.replace(f"current/{entry}.json", as_json({"entry": entry, "run": run}))
            self.drop(f"failed/{entry}")
        return self.folder / f"{entry}.html"

    def fail(self, entry: str, files: Mapping[str, bytes]) -> Path:
        """Keep what a failed entry left, beside whatever good run there is."""
        with writing(self.folder):
            built = self._built(f"{entry}.failed.{os.getpid()}", files)
            with _discarding(built):
                kept = self.folder / "failed" / entry
                kept.parent.mkdir(exist_ok=True)
                self.drop(f"failed/{entry}", why="replaced")
                os.rename(built, kept)
                _flush_folder(kept.parent)
        return kept

    def put(self, name: str, files: Mapping[str, bytes]) -> Path:
        """Make a folder of the study visible in one step, whole; what has that name already stays."""
        place = self.folder / name
        with writing(self.folder):
            place.parent.mkdir(parents=True, exist_ok=True)
            built = self._built(f"{name.replace('/', '.')}.{os.getpid()}", files)
            with _discarding(built):
                if os.path.lexists(place):
                    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), place)
                os.rename(built, place)
                _flush_folder(place.parent)
        return place

    def replace(self, name: str, content: bytes) -> None:
        """Replace one file in one step."""
        with writing(self.folder):
            made = self.building / f"{name.replace('/', '.')}.{os.getpid()}"
            with _discarding(made):
                _write(made, content)
                os.replace(made, self.folder / name)
                _flush_folder((self.folder / name).parent)

    def current(self) -> dict[str, str]:
        """Return which run each stable page is of; a note that is damaged says nothing.

        Raises
        ------
        WorkbenchError
            If they are there and cannot be read: a gallery must not leave out what is published.
        """
        folder, found = self.folder / "current", {}
        try:
            for name in sorted(os.listdir(folder)):
                with suppress(FileNotFoundError, ValueError, KeyError, TypeError):
                    said = json.loads((folder / name).read_text(encoding="utf-8"))
                    found[name.removesuffix(".json")] = str(said["run"])
        except FileNotFoundError:
            return {}
        except OSError as error:
            reason = error.strerror or str(error)
            raise WorkbenchError(
                "{file} cannot be read: {reason}", file=error.filename or folder, reason=reason
            ) from error
        return found

    def drop(self, name: str, *, why: str = "dropped") -> None:
        """Take a folder of the study out of sight in one step; `sweep` deletes it."""
        aside = self.building / f"{why}.{name.replace('/', '.')}"
        with writing(self.folder), suppress(FileNotFoundError):
            _discard(aside)
            os.rename(self.folder / name, aside)

    def sweep(self) -> None:
        """Clear away what is half made; a failure that was being replaced, and was not, is put back."""
        with suppress(FileNotFoundError):
            for name in os.listdir(self.building):
                if name.startswith("replaced.failed."):
                    with suppress(OSError):  # the new one is there
                        kept = self.folder / "failed" / name.removeprefix("replaced.failed.")
                        os.rename(self.building / name, kept)
        _discard(self.building)

    def _named(self, run: str, outputs: Mapping[str, Any]) -> tuple[str, bool]:
        """Return the name for a run, and whether it is there; what bears it and is not whole must go."""
        name, count = run, 1
        while os.path.lexists(self.folder / "runs" / name):
            if not intact(self.folder / "runs" / name):
                break
            if manifest_of(self.folder / "runs" / name)["outputs"] == outputs:
                return name, True
            count += 1
            name = f"{run}-{count}"
        return name, False

    def _built(self, name: str, files: Mapping[str, bytes]) -> Path:
        built = self.building / name
        try:
            built.mkdir(mode=0o700)
            for file, content in files.items():  # the manifest is last
                (built / file).parent.mkdir(parents=True, exist_ok=True)
                _write(built / file, content)
            for folder in {(built / file).parent for file in files} | {built}:
                _flush_folder(folder)
            built.chmod(0o777 & ~_umask())
        except BaseException:
            _discard(built)
            raise
        return built


@contextmanager
def shelf(root: Path, study: str, *, to_write: bool = True) -> Iterator[Shelf]:
    """Open the folder of a study: lock it, sweep what dead runs left, and try that it can be written.

    Parameters
    ----------
    root : Path
        The workbench.
    study : str
    to_write : bool
        Without it nothing is tried: a full disk is where room must be made.

    Raises
    ------
    WorkbenchError
        Before anything is computed: another run holds it, or it cannot be written.
    """
    folder = root / "reports" / "built" / study
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _flush_folder(folder.parent)
        if folder.is_symlink():
            raise WorkbenchError(
                "{folder} is a link; reports are written only to real folders", folder=folder
            )
    opened = Shelf(folder)
    with _held(folder):
        try:
            with writing(folder):
                opened.sweep()
                opened.building.mkdir(exist_ok=True)
                if to_write:
                    _write(opened.building / "probe", PROBE)
                    (opened.building / "probe").unlink()
            yield opened
        finally:
            with suppress(OSError):  # the next one sweeps
                opened.sweep()


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    lock = locked(folder)
    with writing(folder):
        lock.__enter__()
    try:
        yield
    finally:
        lock.__exit__(None, None, None)


def manifest_of(run: Path) -> dict[str, Any]:
    """Return the manifest of a run folder; empty when it cannot be read."""
    try:
        content = json.loads((run / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def intact(run: Path) -> bool:
    """Tell whether a run folder holds exactly the files and bytes that its manifest names."""
    outputs = manifest_of(run).get("outputs")
    if not isinstance(outputs, dict):
        return False
    try:
        found = {p.relative_to(run).as_posix() for p in run.rglob("*") if p.is_symlink() or not p.is_dir()}
        if found != {*outputs, MANIFEST} or any((run / name).is_symlink() for name in ("", *found)):
            return False
        return all(digest((run / name).read_bytes()) == said["sha256"] for name, said in outputs.items())
    except (OSError, TypeError, KeyError):  # unreadable, or a manifest of another kind
        return False


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn what the system says of a folder that cannot be written into one clear sentence."""
    try:
        yield
    except OSError as error:
        raise _refused(folder, error) from error


def _refused(folder: Path, error: OSError) -> WorkbenchError:
    if error.errno in FULL:
        return WorkbenchError(
            "there is no space left in {folder}: free some and run again; "
            "what was published before is intact",
            folder=folder,
        )
    if error.errno in FORBIDDEN:
        return WorkbenchError(
            "{folder} cannot be written ({reason}): give this user permission, or work in another folder; "
            "what was published before is intact",
            folder=folder,
            reason=error.strerror,
        )
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return WorkbenchError(
            "{path} is in the way: a folder must be there; move that file and run again",
            path=error.filename or folder,
        )
    return WorkbenchError(
        "{folder} cannot be written: {reason}; what was published before is intact",
        folder=folder,
        reason=error.strerror or str(error),
    )


def _write(path: Path, content: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags, 0o666), "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _flush_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    stream = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(stream)
    except OSError as error:
        if error.errno not in NO_FLUSH:
            raise
    finally:
        os.close(stream)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextmanager
def _discarding(built: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        _discard(built)
        raise


def _discard(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def _quarantine(folder: Path, name: str) -> None:
    (folder / "quarantine").mkdir(exist_ok=True)
    count = 1
    while (folder / "quarantine" / f"{name}.{count}").exists():
        count += 1
    os.rename(folder / "runs" / name, folder / "quarantine" / f"{name}.{count}")
