"""``python -m cxlab`` is the command ``cxlab``."""

from __future__ import annotations

from typing import NoReturn

from cxlab.runs.interruption import leave, listen


def run() -> NoReturn:
    """Run the command; the process ends with its exit code, whenever it is interrupted."""
    listen()  # before anything else is loaded
    from cxlab.cli import main

    leave(main())


if __name__ == "__main__":
    run()
