"""What a run was made of: its fingerprint, and the manifest that says so.

Times and facts of the machine live in the manifest only; the fingerprint is made of what decides the
bytes of the report: notebook, parameters, tables read, client.yaml, the package's sources, versions. It is
taken without pandas and without papermill, to tell in a moment whether a run still stands (`unchanged`).
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import cxlab
from cxlab.errors import CxlabError, InputError
from cxlab.intake.client import Client, load
from cxlab.intake.declared.canonical import tables
from cxlab.intake.privacy.identifiers import identifier
from cxlab.intake.tables.index import read_index
from cxlab.runs.outputs import plain

SOURCES = (".py", ".yaml", ".yml", ".po", ".mo", ".j2", ".css", ".html", ".svg", ".mplstyle")
MODULES = (".py", ".so", ".pyd")
READ = (".ipynb", ".toml", ".lock")
INJECTED = "injected-parameters"
# What a run or JupyterLab notes in a cell, and nobody wrote.
OF_A_RUN = ("papermill", "execution", "widgets", "signature", "vscode", "trusted")
INSTALLED = re.compile(r"(.+?)-([^-]+?)(?:-py[0-9.]+)?\.(?:dist|egg)-info")


def digest(content: bytes) -> str:
    """Return the SHA-256 of some bytes."""
    return hashlib.sha256(content).hexdigest()


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, or nothing where there is none."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return ""


def json_digest(content: Any) -> str:
    """Return the SHA-256 of what JSON can hold, whatever the order of its names."""
    return digest(json.dumps(content, sort_keys=True).encode("ascii"))


def sources_digest() -> str:
    """Return the SHA-256 of the package's own sources: names and content."""
    folder = Path(cxlab.__file__).resolve().parent
    total = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.suffix in SOURCES):
        total.update(f"{path.relative_to(folder).as_posix()}\0{file_digest(path)}\n".encode())
    return total.hexdigest()


def beside(folder: Path) -> str:
    """Return the SHA-256 of what a notebook finds in its own folder unasked, or nothing where there is none.

    Its kernel works there: modules are imported from it, and matplotlib reads its settings.
    """
    found = {}
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name.isidentifier()]  # others are no packages
        for path in (Path(place, name) for name in names):
            if path.suffix in MODULES or path == folder / "matplotlibrc":
                found[path.relative_to(folder).as_posix()] = file_digest(path)
    return json_digest(found) if found else ""


def versions() -> Mapping[str, str]:
    """Return the version of Python and of every installed distribution that would be imported.

    Wheels, and conda's packages of Python, carry name and version in the name of their folder: listing
    folders takes a twentieth of what reading each one's metadata does.
    """
    found: dict[str, str] = {}
    for folder in sys.path:
        try:
            names = sorted(os.listdir(folder or "."))
        except OSError:  # a zip file, or none
            continue
        for name in names:
            said = INSTALLED.fullmatch(name)
            if said:
                found.setdefault(re.sub(r"[-_.]+", "-", said[1]).lower(), said[2])
    return {"python": platform.python_version(), **{name: found[name] for name in sorted(found)}}


@dataclass(frozen=True)
class Ground:
    """What every entry of a client stands on, as it was at one moment.

    Attributes
    ----------
    sources, versions : str
        Hashes of the package's sources, and of what is installed.
    client : Client or None
        As client.yaml declares it.
    logo : str
        Hash of the picture that client.yaml names.
    index : mapping or None
        What is said of the client's tables; None if there are none.
    beside : mapping
        Hashes of the modules in the folders of its notebooks.
    """

    sources: str
    versions: str
    client: Client | None
    logo: str
    index: Mapping[str, Any] | None
    beside: Mapping[Path, str] = field(default_factory=dict)

    @classmethod
    def of(cls, root: Path, client: str, folders: Iterable[Path] = ()) -> Ground:
        """Return the ground as it is now, for notebooks in some folders.

        Raises
        ------
        InputError
            If client.yaml cannot be read.
        """
        folder = root / "data" / client
        declared = load(folder) if client and (folder / "client.yaml").exists() else None
        logo = file_digest(declared.folder / declared.logo) if declared and declared.logo else ""
        index = None
        if declared:
            with suppress(InputError):
                index = read_index(declared.folder / "tables", client=client)
        modules = {folder: beside(folder) for folder in folders}
        return cls(sources_digest(), json_digest(versions()), declared, logo, index, modules)

    @property
    def declaration(self) -> str:
        """What a page shows of the client, as a hash: client.yaml and its logo."""
        return json_digest([self.client.sha256, self.logo]) if self.client else ""

    def stays(self, root: Path, client: str) -> bool:
        """Tell whether the ground still is the same."""
        try:
            return self == Ground.of(root, client, self.beside)
        except CxlabError:
            return False

    def facts(self, reads: Collection[str]) -> str:
        """Return the SHA-256 of what a notebook can know of the tables it read, beside their content.

        The ledger and the rules, read as tables, speak of every table.
        """
        if self.index is None:
            return ""
        every = {
            name: {key: value for key, value in entry.items() if key != "file_sha256"}
            for name, entry in self.index["tables"].items()
        }
        if not every.keys() >= set(reads):
            return json_digest({**self.index, "tables": every})
        labels = {name: entry.get("labels") for name, entry in every.items()}
        return json_digest({"labels": labels, **{name: every[name] for name in reads}})

    def gave(self, reads: Iterable[Mapping[str, Any]]) -> bool:
        """Tell whether the tables that a notebook read are those of this ground."""
        held = self.index["tables"] if self.index else {}
        return all(
            held[name]["sha256"] == read.get("sha256") if name in held else name not in tables()
            for read in reads
            for name in [str(read.get("table"))]
        )


def fingerprint(
    notebook: Mapping[str, Any],
    settings: Mapping[str, Any],
    reads: Mapping[str, str],
    ground: Ground,
    *,
    settled: bool,
    folder: Path = Path(),
) -> dict[str, Any]:
    """Return what decides the bytes of a run, each as a hash, and `id`, the hash of it all.

    Parameters
    ----------
    notebook : mapping
        As its author saved it, or executed: the same.
    settings : mapping
        What was asked: the validated parameters, the seed among them, and what else the files of the run say.
    reads : mapping
        The SHA-256 of each table read.
    ground : Ground
    settled : bool
        Whether all of it stayed the same from the beginning of the run to its end.
    folder : Path
        Of the notebook, as `ground` knows it.
    """
    modules = ground.beside.get(folder, "")
    parts = {
        "notebook": cells_digest(notebook),
        "parameters": json_digest(plain(settings)),
        "tables": dict(reads),
        "facts": ground.facts(reads.keys()),
        "client": ground.declaration,
        "sources": ground.sources,
        "versions": ground.versions,
        "settled": settled,
        **({"beside": modules} if modules else {}),
    }
    return {"id": json_digest(parts)[:16], **parts}


def cells_digest(notebook: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a notebook's cells as written: kind, text, tags, attached pictures.

    Outputs, counts and ids, which change whenever it is run or saved, are left out, and the injected cell.
    """
    written = []
    for cell in notebook.get("cells", ()):
        said = {key: value for key, value in cell.get("metadata", {}).items() if key not in OF_A_RUN}
        if INJECTED in said.get("tags", ()):
            continue
        if said.get("tags") == []:
            del said["tags"]
        text = cell.get("source", "")
        text = text if isinstance(text, str) else "".join(text)
        written.append([cell.get("cell_type"), text, said, cell.get("attachments", {})])
    return json_digest([notebook.get("metadata", {}).get("title"), written])


@cache
def commit(folder: Path) -> Mapping[str, Any]:
    """Return the git commit of a folder and how its files differ from it; empty without git.

    Returns
    -------
    mapping
        commit; dirty; and, where it is, untracked (of each file that code is read from and git does not
        know, the SHA-256 by its name) and diff_sha256, the hash of what git would show and of these. What is
        in data/ is no code: client.yaml and the tables have hashes of their own.
    """
    head = _git(folder, "rev-parse", "HEAD").decode("ascii", "replace").strip()
    if not head:
        return {}
    if not _git(folder, "status", "--porcelain"):
        return {"commit": head, "dirty": False}
    unknown = _git(folder, "ls-files", "-z", "--others", "--exclude-standard").decode("utf-8", "replace")
    untracked = {name: file_digest(folder / name) for name in sorted(unknown.split("\0")) if _matters(name)}
    changes = digest(_git(folder, "diff", "HEAD", "--binary", "--no-ext-diff", "--no-textconv"))
    return {
        "commit": head,
        "dirty": True,
        "untracked": untracked,
        "diff_sha256": json_digest([changes, untracked]),
    }


def _matters(name: str) -> bool:
    return name.endswith((*SOURCES, *READ)) and not name.startswith("data/") and identifier(name) is None


def _git(folder: Path, *arguments: str) -> bytes:
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", *arguments],
            cwd=folder,
            capture_output=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return b""
    return done.stdout if done.returncode == 0 else b""
