"""What every kernel finds around it: environment variables and a folder of its own, the same in each run.

Two runs must find the same hash seed, time zone, locale and thread counts. Nothing heavy is loaded here.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cxlab.runs.lock import born

PACKAGE = Path(__file__).resolve().parents[2]  # the kernel must find the same cxlab
SOCKET_PATH = 80  # a Unix socket's path may have some 100 bytes; jupyter adds a suffix
SETTLED = {
    "PYTHONHASHSEED": "0",
    "PYTHONUTF8": "1",
    "SOURCE_DATE_EPOCH": "315532800",  # 1980-01-01, the earliest that a zip file can hold
    "TZ": "UTC",
    "LC_ALL": "C.UTF-8",
    "COLUMNS": "120",
    "TQDM_DISABLE": "1",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "MATPLOTLIBRC": str(Path(__file__).with_name("settled.mplstyle")),
    # One thread each: sums come out the same on any number of cores, and entries run side by side.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",  # a process with one thread can be forked
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}
KEY = "CXLAB_ID_KEY"  # of the pseudonyms: no notebook of a run needs it, and `!env` would publish it
NOT_HANDED = (
    "PYTHONSTARTUP",
    "PYTHONINSPECT",
    "PYTHONWARNINGS",
    "PYTHONBREAKPOINT",
    "JPY_PARENT_PID",
    "PYTEST_CURRENT_TEST",
)


def settled(environment: Mapping[str, str]) -> dict[str, str]:
    """Return environment variables as a kernel is to find them; settling them again changes nothing."""
    own = {name: value for name, value in environment.items() if name not in NOT_HANDED}
    own.update(SETTLED)
    if PACKAGE.name not in ("site-packages", "dist-packages"):
        others = [path for path in own.get("PYTHONPATH", "").split(os.pathsep) if path != str(PACKAGE)]
        own["PYTHONPATH"] = os.pathsep.join(filter(None, [str(PACKAGE), *others]))
    return own


def surroundings(
    folder: Path, *, root: Path | None = None, environment: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the environment variables of a kernel that keeps its IPython files in `folder`."""
    own = settled({name: value for name, value in os.environ.items() if name != KEY})
    own["IPYTHONDIR"] = str(folder / "ipython")
    if root is not None:
        own["CXLAB_ROOT"] = str(root)
    return {**own, **(environment or {})}


def has_ipc(folder: Path) -> bool:
    """Tell whether Unix sockets can be in a folder."""
    # A name that this process cannot read as text (ASCII locale) would be another for the kernel: both wait.
    readable = str(folder).encode("utf-8", "replace").decode() == str(folder)
    return os.name == "posix" and readable and len(os.fsencode(folder)) <= SOCKET_PATH


@contextmanager
def private_folder() -> Iterator[Path]:
    """Give a folder that only this user can enter (0700), with a short path where there is one."""
    prefix = f"cxlab-{os.getpid()}-"
    name = tempfile.mkdtemp(prefix=prefix)
    if os.name == "posix" and not has_ipc(Path(name)) and os.access("/tmp", os.W_OK):
        os.rmdir(name)
        name = tempfile.mkdtemp(prefix=prefix, dir="/tmp")
    _sweep(Path(name).parent)
    try:
        yield Path(name)
    finally:
        shutil.rmtree(name, ignore_errors=True)


def _sweep(folder: Path) -> None:
    """Remove the private folders of processes that were killed."""
    for left in folder.glob("cxlab-*-*"):
        pid = left.name.split("-")[1]
        if pid.isdigit() and not born(int(pid)):
            shutil.rmtree(left, ignore_errors=True)  # another user's stays: it cannot be entered
