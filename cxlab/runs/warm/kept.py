"""A fork server that a person keeps for every process of theirs: `cxlab warm` and `cxlab lab`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cxlab.errors import Message
from cxlab.runs.surroundings import settled
from cxlab.runs.warm.keys import key_of
from cxlab.runs.warm.servers import POSSIBLE, Owned, kept, kept_at

RENEWED = 5.0  # seconds between two looks at what is installed and written
READY = Message("kernels start at once, in JupyterLab and for cxlab run in any terminal of yours")
ELSEWHERE = Message("another process of yours keeps kernels ready")
IMPOSSIBLE = Message("this system cannot keep kernels ready: they start as they always do")


@contextmanager
def keeping() -> Iterator[Callable[[], Message | None]]:
    """Keep a server of today's sources and versions; give what renews it and returns what is new to tell.

    A server of yesterday's forks no other kernel and ends with the last of its own.
    """
    owned, told = Owned(kept_at), [Message("")]

    def renew() -> Message | None:
        said = _renewed(owned)
        told.append(said)
        return said if said != told[-2] else None

    with owned.beside():
        yield renew


def _renewed(owned: Owned) -> Message:
    environment = settled(os.environ)
    if not POSSIBLE:
        return IMPOSSIBLE
    key = key_of(environment)
    if not owned.has(key) and kept(key):
        return ELSEWHERE
    path = owned.path(key, environment)
    owned.retire(but=key)
    return READY if path else owned.notes[-1] if owned.notes else IMPOSSIBLE
