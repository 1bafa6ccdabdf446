"""What must be installed to make a run again: each distribution by name, version and hashes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

LOCK = "requirements.lock"
_PIN = re.compile(r"([A-Za-z0-9._-]+)==([^\s;]+)")
_HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})")


def requirements(versions: Mapping[str, str], root: Path) -> bytes:
    """Return the distributions of a run as pip reads them; those without a known hash are comments.

    Where no hash is known at all, they are plain pins.

    Parameters
    ----------
    versions : mapping
        Version of each distribution, as manifest.json has it.
    root : Path
        The workbench, whose requirements.lock knows hashes.
    """
    known = _hashes(root / LOCK)
    pinned, others = [f"# Python {versions.get('python', '?')}"], []
    for name, version in sorted(versions.items()):
        hashes = known.get((name, version))
        if hashes:
            pinned.append(" \\\n    ".join([f"{name}=={version}", *(f"--hash={h}" for h in sorted(hashes))]))
        elif name != "python":
            others.append(f"# {name}=={version}" if known else f"{name}=={version}")
    return ("\n".join([*pinned, *others]) + "\n").encode()


def _hashes(lock: Path) -> dict[tuple[str, str], set[str]]:
    try:
        lines = lock.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return {}
    return _by_pin(lines)


def _by_pin(lines: Iterable[str]) -> dict[tuple[str, str], set[str]]:
    r"""Return the hashes of each name and version; a name may be pinned more than once, by its markers.

    Examples
    --------
    >>> _by_pin(["A_b==1.0 ; python_version < '3.12' \\", f"    --hash=sha256:{'0' * 64}"]).keys()
    dict_keys([('a-b', '1.0')])
    """
    found: dict[tuple[str, str], set[str]] = {}
    pin = ("", "")
    for line in lines:
        said = _PIN.match(line)
        if said:
            pin = (re.sub(r"[-_.]+", "-", said[1]).lower(), said[2])
        found.setdefault(pin, set()).update(_HASH.findall(line))
    return {pin: hashes for pin, hashes in found.items() if hashes}
