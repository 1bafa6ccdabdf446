"""What a kernel settles before its first cell: chance that nobody seeded, and notices of caches.

Its start-up file calls `settle`; by hand, in JupyterLab, nothing is settled. Only the `seed` parameter
decides, not the notebook's text: a change in a comment moves no number.
"""

from __future__ import annotations

import logging
import os
import random
from pathlib import Path
from typing import Any

SEED = "CXLAB_SEED"
STARTUP = "from cxlab.runs import settling\nsettling.settle(get_ipython())\ndel settling\n"
NOTICES = ("mkdir -p failed", "not a writable", "temporary cache directory", "building the font cache")


def prepare(folder: Path) -> None:
    """Write the start-up file of a kernel that keeps its IPython files in `folder`."""
    startup = folder / "profile_default" / "startup"
    startup.mkdir(parents=True, exist_ok=True)
    (startup / "settling.py").write_text(STARTUP, encoding="utf-8")


def settle(shell: Any) -> None:
    """Seed what draws without a seed: Python's and numpy's global state, and every `default_rng()`.

    All generators of numpy that get no seed (those of seaborn's intervals, too) ask one function for
    entropy; it is replaced by a stream of the seed, so that their order alone tells them apart.

    Parameters
    ----------
    shell : InteractiveShell
        Of the kernel. Whenever it is asked who it is, it draws a tip of the day from Python's global state.
    """
    import numpy as np

    shell.enable_tip = False
    seed = int(os.environ.get(SEED) or 0)
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002
    vars(np.random.bit_generator)["randbits"] = random.Random(seed).getrandbits
    for name in ("matplotlib", "matplotlib.font_manager"):  # said where a cache cannot be written, or is new
        logging.getLogger(name).addFilter(_no_notice)


def _no_notice(record: logging.LogRecord) -> bool:
    return not any(notice in str(record.msg) for notice in NOTICES)
