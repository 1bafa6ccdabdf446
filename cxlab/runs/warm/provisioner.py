"""Kernels for Jupyter from a fork server, or stock ones where there is none: the same, sooner or later.

It is an entry point of jupyter_client; the kernelspec, and what an executed notebook says of its kernel, stay
those of ipykernel.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from cxlab.runs.surroundings import settled
from cxlab.runs.warm import servers
from cxlab.runs.warm.forked import Forked
from cxlab.runs.warm.keys import MESSAGE, key_of

OWN = [sys.executable, "-m", "ipykernel_launcher"]
UNDERSTOOD = {"cwd", "stdout", "stderr"}


class WarmProvisioner(LocalProvisioner):
    """Forks kernels of this very Python; starts any other kernel as jupyter_client would."""

    _asking: socket.socket | None = None
    _given_up = False

    async def launch_kernel(self, cmd: list[str], **options: Any) -> Any:
        """Return the connection of a kernel that was forked, or else started."""
        if cmd[:3] != OWN:
            return await super().launch_kernel(cmd, **options)
        environment = settled(options.pop("env", None) or os.environ)
        if servers.POSSIBLE and all(name in UNDERSTOOD or not options[name] for name in options):
            process = await self._forked(cmd, environment, options)
            if process:
                self.process = process  # type: ignore[assignment]
                self.pid = self.pgid = process.pid
                self.cwd = options.get("cwd") or Path.cwd()
                return self.connection_info
        return await super().launch_kernel(cmd, env=environment, **options)

    def give_up(self) -> None:
        """Let no kernel come that is still being asked for; any thread may say so."""
        self._given_up = True
        with suppress(OSError, AttributeError):
            self._asking.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]

    async def kill(self, restart: bool = False) -> None:  # noqa: FBT001, FBT002
        """End the kernel; jupyter_client looks again only after a tenth of a second, when most are gone."""
        await super().kill(restart)
        if self.process:
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(0.1)

    async def _forked(
        self, cmd: list[str], environment: dict[str, str], options: Mapping[str, Any]
    ) -> Forked | None:
        """Ask the server that a person keeps, then this process's, which may have to be started again."""
        key = key_of(environment)
        folder = str(options.get("cwd") or Path.cwd())
        asked = {"key": key, "arguments": cmd[3:], "environment": environment, "folder": folder}
        streams = [options.get("stdout") or 1, options.get("stderr") or 2]
        for path in _paths(key, environment):
            self._asking = connection = servers.connected(path)
            if connection is not None:
                pid = await _pid(connection, json.dumps(asked).encode(), streams)
                if pid:
                    return Forked(connection, pid, cmd)
                connection.close()
            if self._given_up:
                raise InterruptedError
        return None


def _paths(key: str, environment: Mapping[str, str]) -> Iterator[Path | None]:
    yield servers.kept_at(key)
    for _ in range(servers.TRIES):
        yield servers.OWNED.path(key, environment)


async def _pid(connection: socket.socket, asked: bytes, streams: list[int]) -> int:
    """Return the number of the process that becomes a kernel, 0 if none does."""
    with suppress(OSError):
        socket.send_fds(connection, [asked], streams)
        connection.settimeout(0)
        told = json.loads(await asyncio.get_running_loop().sock_recv(connection, MESSAGE) or "null")
        connection.settimeout(None)
        if told == {}:
            servers.OWNED.refused()
        return int((told or {}).get("pid", 0))
    return 0
