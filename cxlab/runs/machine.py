"""What of a machine can explain other bytes from the same run: processor, libraries of numbers, fonts.

Nothing here names the machine, its user or a place on it.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from cxlab.runs.provenance import file_digest

FONTS = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")  # text of figures is measured with them


@cache
def facts() -> Mapping[str, Any]:
    """Return the facts of this machine.

    Returns
    -------
    mapping
        system, processor, cpu (its model), cpus, simd (what numpy uses of it), libc, blas (name,
        version and build of what numpy was built with), fonts (the SHA-256 of each that measures figures).
    """
    return {
        "system": platform.system(),
        "processor": platform.machine(),
        "cpu": _cpu(),
        "cpus": os.cpu_count(),
        "libc": " ".join(platform.libc_ver()).strip(),
        **_numbers(),
        "fonts": {name: file_digest(_fonts() / name) for name in FONTS},
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):  # not Linux
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _numbers() -> dict[str, Any]:
    """Return which BLAS numpy was built with, and which instructions of this processor it found."""
    import numpy as np  # a page's making has loaded it; the check of what changed must not

    said: Any = np.show_config(mode="dicts")
    blas = said.get("Build Dependencies", {}).get("blas", {})
    return {
        "simd": said.get("SIMD Extensions", {}).get("found", []),
        "blas": {key: blas.get(key, "") for key in ("name", "version", "openblas configuration")},
    }


def _fonts() -> Path:
    found = find_spec("matplotlib")
    places = list(found.submodule_search_locations or ()) if found else []
    return Path(places[0] if places else "") / "mpl-data" / "fonts" / "ttf"
