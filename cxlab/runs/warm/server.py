"""The fork server: it imports what notebooks import, once, and forks a kernel as often as it is asked to.

It has one thread, no event loop and no context of sockets, so that a fork of it is as good as a new process
that has just imported the same. On each connection one kernel is asked for, in one message that brings the
standard output and error along; the answers are its number and, when it has ended, how. Who closes the
connection ends the kernel. Who closes the server's standard input ends it and its kernels, and who writes
there lets it end with the last of them.
"""

from __future__ import annotations

import builtins
import ctypes
import gc
import importlib.util
import json
import os
import pkgutil
import random
import select
import signal
import socket
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from types import SimpleNamespace

from cxlab.runs.warm.keys import MESSAGE, key_of, same_user

PR_SET_PDEATHSIG = 1
# Nothing that starts threads or opens connections, and not matplotlib's inline backend: it is told of the
# shell when it is imported, and figures would come out as their names.
PRELOADED = (
    "cxlab.notebook", "cxlab.parameters", "cxlab.analysis", "cxlab.reporting",
    "ipykernel.kernelapp", "ipykernel.debugger", "ipykernel.zmqshell", "comm", "psutil", "sqlite3",
    "IPython.core.completerlib", "IPython.core.debugger", "IPython.extensions.storemagic",
    "tornado.platform.asyncio",
    "pyarrow.parquet", "pandas.io.formats.style", "lifelines", "seaborn", "narwhals",
    "matplotlib.pyplot", "matplotlib.backends.backend_agg", "matplotlib.backends.backend_svg",
    "scipy.linalg", "scipy.optimize", "scipy.special", "scipy.stats",
)  # fmt: skip


class Kernel:
    """A kernel that was forked, and the connection of whoever asked for it."""

    def __init__(self, pid: int, connection: socket.socket) -> None:
        self.pid, self.connection = pid, connection
        self.watch = os.pidfd_open(pid)

    def end(self) -> None:
        """End its process group, or itself while it has none."""
        for kill in (os.killpg, os.kill):
            with suppress(OSError):
                kill(self.pid, signal.SIGKILL)

    def tell(self) -> None:
        """Tell how it ended and what it used."""
        _, status, used = os.wait4(self.pid, 0)
        told = {
            "status": os.waitstatus_to_exitcode(status),
            "seconds": used.ru_utime + used.ru_stime,
            "peak": used.ru_maxrss,
        }
        with suppress(OSError):  # gone
            self.connection.send(json.dumps(told).encode())

    def close(self) -> None:
        """Forget it."""
        self.connection.close()
        os.close(self.watch)


def main() -> None:
    """Preload, serve on the listening socket that was handed down, and become a kernel in each child."""
    listener = socket.socket(fileno=int(sys.argv[1]))
    del sys.path[0]  # the folder of `-m`
    key = key_of(os.environ)
    gc.disable()  # there is nothing to collect yet
    before = dict(os.environ)
    _preload()
    added = {name: value for name, value in os.environ.items() if before.get(name) != value}
    if key_of(os.environ) != key:
        raise SystemExit("the package changed while it was imported")
    if len(os.listdir("/proc/self/task")) != 1:
        raise SystemExit("what was imported started threads")
    gc.collect()
    gc.freeze()  # the pages of what was imported stay shared
    gc.enable()
    server = os.getpid()
    connection = _served(listener)
    if connection is not None:
        _become(connection, key, server, added)


def _preload() -> None:
    # pandas settles how much it displays when it is imported, by asking whether this is a kernel.
    vars(builtins)["get_ipython"] = lambda: SimpleNamespace(kernel=None)
    importlib.import_module("pandas")
    del vars(builtins)["get_ipython"]
    for name in PRELOADED:
        if select.select([sys.stdin], [], [], 0)[0]:
            raise SystemExit  # nobody waits for it any more
        module = importlib.import_module(name)
        if name.startswith("cxlab.") and hasattr(module, "__path__"):
            for inner in pkgutil.walk_packages(module.__path__, f"{name}."):
                importlib.import_module(inner.name)


def _served(listener: socket.socket) -> socket.socket | None:
    """Fork for each connection until the owner is gone; return in a child, with its connection."""
    kernels: dict[int, Kernel] = {}  # each by its connection and by what tells of its end
    events, owner = select.poll(), sys.stdin.fileno()
    events.register(owner, select.POLLIN)
    events.register(listener, select.POLLIN)
    while kernels or listener.fileno() >= 0:
        for ready, _ in events.poll():
            if ready == owner and os.read(owner, 1):
                events.unregister(listener)
                listener.close()
                continue
            if ready == owner:
                for kernel in set(kernels.values()):
                    kernel.end()
                    kernel.tell()
                return None
            if ready != listener.fileno():
                _seen(ready, kernels, events)
                continue
            connection, _ = listener.accept()
            try:
                pid = os.fork()
            except OSError:  # no process is left for this user: who asked starts a kernel without us
                connection.close()
                continue
            if not pid:
                listener.close()
                for kernel in set(kernels.values()):
                    kernel.close()
                return connection
            kernel = Kernel(pid, connection)
            kernels |= {connection.fileno(): kernel, kernel.watch: kernel}
            events.register(connection, 0)  # what is said there is for the child; only its closing counts
            events.register(kernel.watch, select.POLLIN)
    return None


def _seen(ready: int, kernels: dict[int, Kernel], events: select.poll) -> None:
    kernel = kernels[ready]
    if ready != kernel.watch:  # who asked for it is gone
        kernel.end()
        events.unregister(ready)
        return
    kernel.tell()
    for each in (kernel.connection.fileno(), kernel.watch):
        del kernels[each]
        with suppress(KeyError):
            events.unregister(each)
    kernel.close()


def _become(connection: socket.socket, key: str, server: int, added: Mapping[str, str]) -> None:
    """Become the kernel that is asked for on a connection, in the surroundings that come with it.

    Libraries `added` variables when they were imported, as they do in a cold kernel.
    """
    os.setsid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != server:  # it died before that
        os._exit(1)
    with connection:
        message, streams, _, _ = socket.recv_fds(connection, MESSAGE, 2)
        asked = json.loads(message or "{}")
        if not same_user(connection) or asked.get("key") != key:
            _answer(connection, {})
            os._exit(1)
        for stream, at in zip([os.open(os.devnull, os.O_RDONLY), *streams], (0, 1, 2), strict=True):
            os.dup2(stream, at)
            os.close(stream)
        _answer(connection, {"pid": os.getpid()})
    os.environ.clear()
    os.environ.update(asked["environment"] | added)
    time.tzset()
    os.chdir(asked["folder"])
    random.seed()
    importlib.import_module("numpy.random").seed()  # else every kernel would draw the same
    from ipykernel.kernelapp import IPKernelApp

    launcher = importlib.util.find_spec("ipykernel_launcher")
    sys.argv[:] = [str(launcher and launcher.origin), *asked["arguments"]]
    IPKernelApp.launch_instance([*asked["arguments"], f"--IPKernelApp.parent_handle={server}"])


def _answer(connection: socket.socket, content: Mapping[str, int]) -> None:
    try:
        connection.send(json.dumps(content).encode())
    except OSError:  # who asked is gone
        os._exit(1)


if __name__ == "__main__":
    main()
