"""Kernels of this very environment: their command, their private sockets, how they are ended.

A run must not depend on kernelspecs or IPython profiles that happen to be installed for a user.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import EntryPoint
from queue import Empty
from typing import Any

import zmq.asyncio
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.factory import KernelProvisionerFactory

from cxlab.errors import Message
from cxlab.runs.surroundings import has_ipc, private_folder
from cxlab.runs.warm import GROUP, NAME
from cxlab.runs.warm.forked import Forked
from cxlab.runs.warm.provisioner import WarmProvisioner

KERNEL = "python3"
RETRY = 5  # milliseconds between attempts to connect
ENTRY = EntryPoint(NAME, "cxlab.runs.warm.provisioner:WarmProvisioner", GROUP)


class OwnSpecs(KernelSpecManager):
    """Knows one kernel: the Python that is running now."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:  # noqa: ARG002
        """Return that kernel, whatever name is asked for."""
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        metadata = {"kernel_provisioner": {"provisioner_name": NAME}}
        return KernelSpec(argv=argv, display_name="Python 3", language="python", metadata=metadata)


class Client(AsyncKernelClient):
    """Takes a kernel for ready when it has done what it was asked; jupyter_client waits for silence.

    That, and attempts to connect a tenth of a second apart, are most of what the start of a forked kernel
    would take.
    """

    def _context_default(self) -> zmq.asyncio.Context:
        context = super()._context_default()
        context.reconnect_ivl = RETRY
        return context

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Return once the kernel has answered a request and published that it is idle.

        Raises
        ------
        RuntimeError
            If it died, or the time (s) is over.
        """
        until = time.monotonic() + (timeout or float("inf"))
        while time.monotonic() < until:
            asked = self.kernel_info()
            with suppress(Empty):
                reply = await self.get_shell_msg(timeout=1)
                state = None
                while state != "idle":  # of what it says before anybody listens, nothing comes: ask again
                    told = await self.get_iopub_msg(timeout=0.1)
                    if told["parent_header"].get("msg_id") == asked:
                        state = told["content"].get("execution_state")
                self._handle_kernel_info_reply(reply)
                return
            if not await self._async_is_alive():
                raise RuntimeError(Message("the kernel died before it answered"))
        raise RuntimeError(Message("the kernel did not answer in {seconds:.0f} s", seconds=timeout))


# As the entry point does for an installed package.
KernelProvisionerFactory.instance().provisioners.setdefault(NAME, ENTRY)


class Kernels:
    """The kernels that are running now, so that an interruption can end all of them at once."""

    def __init__(self) -> None:
        self._running: set[AsyncKernelManager] = set()
        self._lock = threading.Lock()
        self.stopped = False

    @contextmanager
    def manager(self) -> Iterator[AsyncKernelManager]:
        """Give a manager whose kernel, sockets and folder are gone at the end.

        Raises
        ------
        InterruptedError
            If they were stopped: of an executor, jobs may still come.
        """
        if self.stopped:
            raise InterruptedError
        with private_folder() as folder:
            manager = AsyncKernelManager(
                kernel_name=KERNEL, kernel_spec_manager=OwnSpecs(), client_factory=Client
            )
            manager.connection_file = str(folder / "k.json")
            if has_ipc(folder):
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


def used_by(process: Any) -> dict[str, Any]:
    """Return how a kernel that has ended came about and, where that is known, what it used of the machine.

    Returns
    -------
    dict
        kind (forked, started) and, of a forked one, seconds of the processor and peak of memory in kB;
        empty if there was none.
    """
    if process is None:
        return {}
    return {"kind": "forked" if isinstance(process, Forked) else "started", **getattr(process, "used", {})}


def _end(manager: AsyncKernelManager) -> None:
    """End a kernel's process group without asking, and without its event loop."""
    if isinstance(manager.provisioner, WarmProvisioner):
        manager.provisioner.give_up()
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
