"""The commands that keep kernels ready: `cxlab lab` and `cxlab warm`."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.metadata import entry_points

from cxlab.errors import Message
from cxlab.speech import said, say
from cxlab.workbench import workbench

Command = Callable[[str, Callable[[argparse.Namespace], int], Message], argparse.ArgumentParser]


def add_commands(command: Command) -> None:
    """Add them to the command line, whose `command` makes the parser of one."""
    lab = command("lab", _lab, Message("open JupyterLab on the notebooks, on this machine only"))
    lab.add_argument("--no-browser", action="store_true", help=said(Message("do not open a browser")))
    command(
        "warm",
        _warm,
        Message("keep kernels ready in the background of every terminal of yours, until Ctrl-C"),
    )


def _lab(given: argparse.Namespace) -> int:
    """Open JupyterLab; its Python kernels are those of `cxlab run`, forked where that can be."""
    from cxlab.runs.warm.kept import RENEWED, keeping

    root = workbench(given.root)
    command = [sys.executable, "-m", "jupyterlab", "--ip=127.0.0.1", f"--notebook-dir={root / 'notebooks'}"]
    # Nothing is fetched from outside: neither news nor checks for updates.
    command += ["--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    command += ["--no-browser"] if given.no_browser else []
    with keeping() as renew:
        renew()
        lab = subprocess.Popen(command, env={**os.environ, **_provisioner(), "CXLAB_ROOT": str(root)})
        heard = signal.signal(signal.SIGINT, signal.SIG_IGN)  # JupyterLab asks whether it is meant
        try:
            while True:
                with suppress(subprocess.TimeoutExpired):
                    return lab.wait(timeout=RENEWED)
                renew()
        finally:
            signal.signal(signal.SIGINT, heard)
            lab.terminate()


def _provisioner() -> Mapping[str, str]:
    """Return what has JupyterLab fork its kernels, if cxlab is installed and not only on the path."""
    from cxlab.runs.warm import GROUP, NAME

    return {"JUPYTER_DEFAULT_PROVISIONER_NAME": NAME} if entry_points(group=GROUP, name=NAME) else {}


def _warm(_given: argparse.Namespace) -> int:
    """Keep a server until somebody ends it."""
    from cxlab.runs.warm.kept import READY, RENEWED, keeping

    with keeping() as renew, suppress(KeyboardInterrupt):
        while True:
            new = renew()
            if new:
                say(new)
            if new and new != READY:
                return 1
            time.sleep(RENEWED)
    return 0
