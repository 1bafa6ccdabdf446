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
from pathlib import Path
from urllib.parse import quote

from cxlab.errors import Message, ParameterError, WorkbenchError
from cxlab.speech import language_of_messages, said, say
from cxlab.workbench import workbench

Command = Callable[[str, Callable[[argparse.Namespace], int], Message], argparse.ArgumentParser]


def add_commands(command: Command) -> None:
    """Add them to the command line, whose `command` makes the parser of one."""
    lab = command("lab", _lab, Message("open JupyterLab on the notebooks, on this machine only"))
    lab.add_argument(
        "notebook",
        nargs="?",
        default="",
        metavar=said(Message("NOTEBOOK")),
        help=said(Message("which to open first")),
    )
    lab.add_argument(
        "--client",
        default="",
        metavar=said(Message("CLIENT")),
        help=said(Message("whose data the forms of parameters begin with")),
    )
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
    command = [sys.executable, "-m", "jupyterlab", *_settings(root, given.notebook)]
    command += ["--no-browser"] if given.no_browser else []
    environment = {**os.environ, **_provisioner(), **_of_forms(root, given.client)}
    with keeping() as renew:
        renew()
        lab = subprocess.Popen(command, env=environment)
        heard = signal.signal(signal.SIGINT, signal.SIG_IGN)  # JupyterLab asks whether it is meant
        try:
            while True:
                with suppress(subprocess.TimeoutExpired):
                    return lab.wait(timeout=RENEWED)
                renew()
        finally:
            signal.signal(signal.SIGINT, heard)
            lab.terminate()


def _settings(root: Path, notebook: str) -> list[str]:
    """Return what JupyterLab is told: this machine only, nothing fetched, the workbench with its pages."""
    from cxlab.runs.entries import named_notebook

    told = ["--ip=127.0.0.1", f"--ServerApp.root_dir={root}", "--ServerApp.base_url=/"]
    told += [f"--FileContentsManager.preferred_dir={root / 'notebooks'}"]
    # Nothing is fetched from outside: neither news nor checks for updates.
    told += ["--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    told += ["--LabApp.extension_manager=readonly"]
    if notebook:
        path = named_notebook(notebook, root)
        if not path.is_relative_to(root):
            raise WorkbenchError(
                "{file} is not in the workbench {folder}: copy it to its notebooks/", file=path, folder=root
            )
        told.append(f"--LabApp.default_url=/lab/tree/{quote(path.relative_to(root).as_posix())}")
    return told


def _of_forms(root: Path, client: str) -> Mapping[str, str]:
    """Return what has kernels of JupyterLab show the form of parameters, and what it begins with."""
    from cxlab.lab import CLIENT, SPECS
    from cxlab.runs.entries import client_problems

    if problems := client_problems({"client": client or None}, root):
        raise ParameterError("there is no client {client}", client=client, problems=problems)
    told = {CLIENT: client, "CXLAB_ROOT": str(root)}
    told["CXLAB_LANGUAGE"] = language_of_messages()  # a kernel's locale is settled
    for name in ("JUPYTER_PATH", "JUPYTER_CONFIG_PATH"):
        told[name] = os.pathsep.join(filter(None, [str(SPECS), os.environ.get(name)]))
    return told


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
