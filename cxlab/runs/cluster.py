"""Entries executed by the workers of a Dask cluster; this machine publishes what comes back.

A worker needs the same package and nothing of the workbench: with each job travel its notebook and, once to
each worker, the client's declaration and tables, whose hashes the job names. What is on a worker's own disk
is never looked at.
"""

from __future__ import annotations

import ipaddress
import logging
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, InvalidStateError
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cxlab.errors import RunError, WorkbenchError
from cxlab.runs.interruption import aside
from cxlab.runs.jobs import Job, perform, stop
from cxlab.runs.surroundings import private_folder

if TYPE_CHECKING:
    from cxlab.runs.outcome import Outcome

HERE = __name__
RETRIES = 2  # of an entry that a worker could not execute; how many may die of it, the scheduler decides (3)
ANSWER = 10.0  # seconds for a scheduler to answer
PATIENCE = 30.0  # seconds without any worker
SEEN = 2.0  # seconds between two looks at whether there are workers


@contextmanager
def cluster(address: str, *, insecure: bool = False) -> Iterator[Executor]:
    """Give an executor whose jobs are run by a cluster; on the way out nothing of them is left there.

    Parameters
    ----------
    address : str
        Of the scheduler: `tls://HOST:PORT`, with the certificates of Dask's own configuration, or
        `tcp://HOST:PORT` on this machine.
    insecure : bool
        Whether tcp:// may lead to other machines.

    Raises
    ------
    WorkbenchError
        If Dask is not installed, the address is not allowed, or no scheduler or worker answers.
    """
    refuse_open(address, insecure=insecure)
    try:
        configured = aside(_dask).set
    except ImportError as error:
        raise WorkbenchError(
            "--cluster needs Dask, which is not installed: pip install 'distributed>=2026.1,<2027'"
        ) from error
    with ExitStack() as ends:
        ends.enter_context(_silence())
        ends.enter_context(configured({"distributed.admin.large-graph-warning-threshold": "1 TiB"}))
        try:
            client = ends.enter_context(_client(address))
            client.wait_for_workers(1, timeout=PATIENCE)
        except WorkbenchError:
            raise
        except Exception as error:
            raise _unanswered(address, error) from error
        for worker in client.scheduler_info()["workers"]:
            refuse_open(worker, insecure=insecure)
        _refuse_strangers(client, address)
        if not insecure:
            refuse_listeners(client)
        executor = _Cluster(client, address)
        try:
            yield executor
        finally:
            executor.shutdown()


def refuse_open(address: str, *, insecure: bool = False) -> None:
    """Refuse an address at which anybody who reaches it could run code as the user of the workers.

    Parameters
    ----------
    address : str
    insecure : bool
        Whether it was asked for.

    Raises
    ------
    WorkbenchError
        If it is no address of Dask, or is tcp:// to another machine.
    """
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    if not (host and port and parts.scheme in ("tcp", "tls")):
        raise WorkbenchError(
            "{address} is no address of a cluster: tls://HOST:PORT, or tcp://127.0.0.1:PORT on this machine",
            address=address,
        )
    if parts.scheme == "tcp" and not insecure and not _on_this_machine(host):
        raise WorkbenchError(
            "{address} leads to another machine without authentication: whoever reaches it can run anything "
            "there as its user, and the tables would travel readable. Use tls:// with certificates (see "
            "README), or a network that nobody else reaches and --insecure",
            address=address,
        )


def _refuse_strangers(client: Any, address: str) -> None:
    """Refuse a cluster without cxlab: its scheduler would not take our jobs, and its workers die of them."""
    try:
        found = {address: client.run_on_scheduler(find_spec, HERE)}
    except Exception:
        found = {address: None}
    found |= client.run(find_spec, HERE, on_error="return")
    strangers = [place for place, spec in found.items() if not isinstance(spec, ModuleSpec)]
    if strangers:
        raise WorkbenchError(
            "there is no cxlab, or another one, at {places}: install the environment of this machine there",
            places=", ".join(strangers),
        )


def refuse_listeners(client: Any) -> None:
    """Refuse a cluster that listens for other machines too, by whichever of its addresses it is reached.

    Parameters
    ----------
    client : distributed.Client

    Raises
    ------
    WorkbenchError
        If its scheduler or a worker does, as both do unless they are told a host.
    """
    found = [client.run_on_scheduler(_listening), *client.run(_listening).values()]
    for address in (address for listened in found for address in listened):
        if address.startswith("tcp:") and not _on_this_machine(urlsplit(address).hostname or ""):
            raise WorkbenchError(
                "a scheduler or worker listens at {address}, without authentication: whoever reaches it can "
                "run anything there as its user. Start both with --host 127.0.0.1 (see README), or give "
                "--insecure in a network that nobody else reaches",
                address=address,
            )


def _listening(dask_scheduler: Any = None, dask_worker: Any = None) -> list[str]:
    return [str(each.listen_address) for each in (dask_scheduler or dask_worker).listeners]


def _on_this_machine(host: str) -> bool:
    """Tell whether every address of a host is a loopback address."""
    try:
        found = {str(each[4][0]).partition("%")[0] for each in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    addresses = [ipaddress.ip_address(each) for each in found]
    return all((getattr(each, "ipv4_mapped", None) or each).is_loopback for each in addresses)


def _unanswered(address: str, error: Exception) -> WorkbenchError:
    return WorkbenchError(
        "no cluster answers at {address} ({error}): is its scheduler there, speaking tcp or tls as this "
        "address says, and has it a worker?",
        address=address,
        error=str(error).splitlines()[0][:200] if str(error) else type(error).__name__,
    )


def _dask() -> Any:
    import dask
    import distributed  # noqa: F401

    return dask.config


def _client(address: str) -> Any:
    from distributed import Client
    from distributed.security import Security

    made: Any = Client
    read: Any = Security
    security = read()
    if address.startswith("tls:") and security.get_connection_args("client")["ssl_context"] is None:
        raise WorkbenchError(
            "{address} needs the certificates of this side in Dask's configuration, distributed.comm.tls: "
            "ca-file, client.cert and client.key (see README)",
            address=address,
        )
    return made(address, timeout=ANSWER, set_as_default=False, security=security)


@contextmanager
def _silence() -> Iterator[None]:
    """Keep to ourselves what Dask logs: what matters of it is said by us, once."""
    loggers = [logging.getLogger(name) for name in ("distributed", "distributed.client", "tornado")]
    levels = [each.level for each in loggers]
    for each in loggers:
        each.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for each, level in zip(loggers, levels, strict=True):
            each.setLevel(level)


class _Cluster(Executor):
    """What `Client.get_executor` gives, and besides: tells when an entry begins, and ends its kernels."""

    def __init__(self, client: Any, address: str) -> None:
        self._client, self._address = client, address
        self._topic = f"cxlab-{uuid.uuid4().hex}"
        self._files: dict[str, Any] = {}
        self._here: dict[str, Future[Outcome]] = {}
        self._there: dict[str, Any] = {}
        self._runs: set[str] = set()
        self._lock, self._over = threading.Lock(), threading.Event()
        client.subscribe_topic(self._topic, self._began)
        threading.Thread(target=self._look, name="cxlab-cluster", daemon=True).start()

    def submit(self, _perform: Any, /, job: Job) -> Future[Outcome]:  # type: ignore[override]
        """Hand a job to whichever worker is free."""
        key = f"{job.run}-{job.entry}"
        here: Future[Outcome] = Future()
        self._here[key] = here
        self._runs.add(job.run)
        held = [self._held(Path(job.root, path), sha256) for path, sha256 in job.files.items()]
        there = self._client.submit(
            performed, job, held, self._topic, key, key=key, retries=RETRIES, pure=False
        )
        self._there[key] = there
        there.add_done_callback(partial(self._ended, key))
        return here

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        """Let go of everything that is still at the cluster, and end its kernels there."""
        self._over.set()
        left = [*self._there.values()]
        self._there.clear()
        if left and self._client.status == "running":
            ending = threading.Thread(target=self._stop, args=(left,), daemon=True)
            ending.start()
            ending.join(5)  # a worker that does not answer keeps nobody waiting
        self._files.clear()

    def _stop(self, left: list[Any]) -> None:
        with suppress(Exception):
            self._client.cancel(left, force=True)
            for run in self._runs:
                self._client.run(stop, run, on_error="ignore")

    def _held(self, path: Path, sha256: str) -> Any:
        """Return a file as the cluster holds it: as a task, to be made again when its worker dies."""
        if sha256 not in self._files:
            content = path.read_bytes()
            self._files[sha256] = self._client.submit(bytes, content, key=f"cxlab-{sha256}", pure=False)
        return self._files[sha256]

    def _began(self, event: tuple[float, str]) -> None:
        with self._lock:
            here = self._here.get(event[1])
            if here is not None and not here.running() and not here.done():
                here.set_running_or_notify_cancel()

    def _ended(self, key: str, there: Any) -> None:
        self._there.pop(key, None)
        error: BaseException | None = None
        outcome: Any = None
        try:
            if there.status == "finished":
                outcome = there.result()
            else:
                error = self._error(there)
        except Exception as lost:
            error = lost
        here = self._here.pop(key)
        with self._lock, suppress(InvalidStateError):  # it was cancelled
            here.set_exception(error) if error else here.set_result(outcome)

    def _error(self, there: Any) -> BaseException:
        if there.status != "error":
            return BrokenExecutor(f"{self._address}: no connection")
        error: BaseException = there.exception()
        if type(error).__name__ == "KilledWorker":
            return RunError("every worker that it was handed to died")
        return error

    def _look(self) -> None:
        """Give up when the scheduler has known no worker for a while."""
        since = time.monotonic()
        while not self._over.wait(SEEN):
            with suppress(Exception):  # it does not answer: if it is gone, each job will tell
                if self._client.scheduler_info(n_workers=1)["workers"]:
                    since = time.monotonic()
                elif time.monotonic() - since > PATIENCE:
                    self._give_up()

    def _give_up(self) -> None:
        for here in [*self._here.values()]:
            with suppress(InvalidStateError):
                here.set_exception(BrokenExecutor(f"{self._address}: no worker"))


def performed(job: Job, held: list[bytes], topic: str, key: str) -> Outcome:
    """Execute a job on a worker, in a workbench of its own that only this user can enter.

    Raises
    ------
    RunError
        As `jobs.perform`.
    """
    from distributed import get_worker

    get_worker().log_event(topic, key)
    with private_folder() as folder:
        for name in ("notebooks", "data"):
            (folder / name).mkdir()
        for path, content in zip(job.files, held, strict=True):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        return perform(replace(job, root=str(folder), folder=str(folder / "notebooks")))
