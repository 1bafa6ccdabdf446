"""Kernels of this very environment: their command, their private sockets, their settled surroundings.

A run must not depend on kernelspecs or IPython profiles that happen to be installed for a user, and
two runs must find the same hash seed, time zone, locale and thread counts.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

from cxlab.runs.lock import born

KERNEL = "python3"
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
    # One thread each: sums come out the same on any number of cores, and entries run side by side.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}
NOT_HANDED = ("PYTHONSTARTUP", "PYTHONINSPECT", "PYTHONWARNINGS", "PYTHONBREAKPOINT", "JPY_PARENT_PID")


class OwnSpecs(KernelSpecManager):
    """Knows one kernel: the Python that is running now."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:  # noqa: ARG002
        """Return that kernel, whatever name is asked for."""
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=argv, display_name="Python 3", language="python")


class Kernels:
    """The kernels that are running now, so that an interruption can end all of them at once."""

    def __init__(self) -> None:
        self._running: set[AsyncKernelManager] = set()
        self._lock = threading.Lock()
        self.stopped = False

    @contextmanager
    def manager(self) -> Iterator[AsyncKernelManager]:
        """Give a manager whose kernel, sockets and folder are gone at the end."""
        with private_folder() as folder:
            manager = AsyncKernelManager(kernel_name=KERNEL, kernel_spec_manager=OwnSpecs())
            manager.connection_file = str(folder / "k.json")
            if _has_ipc(folder):
                manager.transport = "ipc"
                manager.ip = str(folder / "s")
            with self._lock:
                self._running.add(manager)
            try:
                yield manager
            finally:
                with self._lock:
                    self._running.discard(manager)
                _end(manager)

    def stop(self) -> None:
        """End every kernel now; none starts afterwards."""
        self.stopped = True
        with self._lock:
            running = list(self._running)
        for manager in running:
            _end(manager)


def _end(manager: AsyncKernelManager) -> None:
    """End a kernel's process group without asking, and without its event loop."""
    process = getattr(manager.provisioner, "process", None)
    if process is None or process.poll() is not None:
        return
    with suppress(OSError):
        if hasattr(os, "killpg") and os.getpgid(process.pid) == process.pid:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    with suppress(Exception):
        process.wait(timeout=5)


def _has_ipc(folder: Path) -> bool:
    # A name that this process cannot read as text (ASCII locale) would be another for the kernel: both wait.
    readable = str(folder).encode("utf-8", "replace").decode() == str(folder)
    return os.name == "posix" and readable and len(os.fsencode(folder)) <= SOCKET_PATH


@contextmanager
def private_folder() -> Iterator[Path]:
    """Give a folder that only this user can enter (0700), with a short path where there is one."""
    prefix = f"cxlab-{os.getpid()}-"
    name = tempfile.mkdtemp(prefix=prefix)
    if os.name == "posix" and not _has_ipc(Path(name)) and os.access("/tmp", os.W_OK):
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


def surroundings(
    folder: Path, *, root: Path | None = None, environment: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the environment variables of a kernel that keeps its IPython files in `folder`."""
    own = {name: value for name, value in os.environ.items() if name not in NOT_HANDED}
    own.update(SETTLED)
    own["IPYTHONDIR"] = str(folder / "ipython")
    if PACKAGE.name not in ("site-packages", "dist-packages"):
        own["PYTHONPATH"] = os.pathsep.join(filter(None, [str(PACKAGE), own.get("PYTHONPATH", "")]))
    if root is not None:
        own["CXLAB_ROOT"] = str(root)
    return {**own, **(environment or {})}
