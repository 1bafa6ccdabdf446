"""What a fork server and whoever asks it must agree on: the user, and everything that imports decide."""

from __future__ import annotations

import os
import socket
import struct
import sys
from collections.abc import Mapping

from cxlab.runs.provenance import json_digest, sources_digest, versions
from cxlab.runs.surroundings import SETTLED

MESSAGE = 1 << 20  # more than a Unix socket takes in one message
# What an interpreter, its libraries and their configuration are told once, when they start.
AT_START = ("PYTHON", "LD_", "MALLOC_", "GLIBC_", "OMP_", "OPENBLAS_", "MKL_", "MPL", "ARROW_")
CONFIGURATION = ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME")


def key_of(environment: Mapping[str, str]) -> str:
    """Return the hash of what must be the same for a fork to be as good as a new process.

    Parameters
    ----------
    environment : mapping
        The kernel's environment variables; those that are read later do not count.
    """
    told = {
        name: value
        for name, value in environment.items()
        if name.startswith(AT_START) or name in SETTLED or name in CONFIGURATION
    }
    here = os.readlink("/proc/self/ns/pid")  # elsewhere its numbers of processes are not ours
    return json_digest([sys.executable, sys.version, here, told, sources_digest(), dict(versions())])


def same_user(connection: socket.socket) -> bool:
    """Tell whether the other side of a connection is a process of this user."""
    size = struct.calcsize("3i")
    _, user, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return bool(user == os.getuid())
