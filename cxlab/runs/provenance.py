"""What a run was made of: its fingerprint, and the manifest that says so.

Times and facts of the machine live in the manifest only; the fingerprint is made of what decides the
bytes of the report: notebook, parameters, tables read, client.yaml, the package's sources, versions.
"""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
from collections.abc import Mapping
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import cxlab
from cxlab.runs.outputs import plain, reads

SOURCES = (".py", ".yaml", ".yml", ".po", ".mo", ".j2", ".css", ".html", ".svg")


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


@cache
def sources_digest() -> str:
    """Return the SHA-256 of the package's own sources: names and content."""
    folder = Path(cxlab.__file__).resolve().parent
    total = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.suffix in SOURCES):
        total.update(f"{path.relative_to(folder).as_posix()}\0{file_digest(path)}\n".encode())
    return total.hexdigest()


@cache
def versions() -> Mapping[str, str]:
    """Return the version of Python and of every installed distribution."""
    found = {(d.metadata["Name"] or "").lower().replace("_", "-"): d.version for d in distributions()}
    return {"python": platform.python_version(), **{name: found[name] for name in sorted(found) if name}}


def fingerprint(
    notebook: Path, executed: Mapping[str, Any], parameters: Mapping[str, Any], *, root: Path, client: str
) -> dict[str, Any]:
    """Return what decides the bytes of a run, each as a hash, and `id`, the hash of it all."""
    declaration = root / "data" / client / "client.yaml"
    parts = {
        "notebook": file_digest(notebook),
        "parameters": digest(json.dumps(plain(parameters), sort_keys=True, ensure_ascii=False).encode()),
        "tables": {str(r.get("table")): str(r.get("sha256")) for r in reads(executed)},
        "client": file_digest(declaration) if client else "",
        "sources": sources_digest(),
        "versions": digest(json.dumps(versions(), sort_keys=True).encode()),
    }
    return {"id": digest(json.dumps(parts, sort_keys=True).encode())[:16], **parts}


@cache
def commit(folder: Path) -> Mapping[str, Any]:
    """Return the git commit of a folder and whether its files differ from it; empty without git."""
    head, changed = _git(folder, "rev-parse", "HEAD"), _git(folder, "status", "--porcelain")
    return {"commit": head, "dirty": bool(changed)} if head else {}


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
