"""Type and matplotlib settings of every figure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import seaborn as sns

from cxlab.reporting.colours import LIGHT

FONT = "DejaVu Sans"  # comes with matplotlib: the same metrics everywhere, and wider than what readers have
TEXT, SMALL, TITLE = 9.5, 8.5, 13.0


def settings() -> dict[str, Any]:
    """Return matplotlib's settings for a figure of a report."""
    return {
        **sns.axes_style("white"),
        "font.family": [FONT],
        "font.size": TEXT,
        "text.color": LIGHT["ink"],
        "text.parse_math": False,
        "text.usetex": False,
        "axes.edgecolor": LIGHT["rule"],
        "axes.linewidth": 0.8,
        "axes.labelcolor": LIGHT["muted"],
        "axes.spines.left": False,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.spines.bottom": False,
        "axes.unicode_minus": True,
        "axes.formatter.use_locale": False,
        "xtick.color": LIGHT["muted"],
        "ytick.color": LIGHT["muted"],
        "xtick.labelsize": SMALL,
        "ytick.labelsize": SMALL,
        "xtick.major.size": 0,
        "ytick.major.size": 0,
        "figure.facecolor": "none",
        "axes.facecolor": "none",
        "savefig.facecolor": "none",
        "lines.solid_capstyle": "butt",
        "svg.fonttype": "none",
        "svg.hashsalt": "cxlab",
    }


@contextmanager
def themed() -> Iterator[None]:
    """Draw within the report's settings, whatever a notebook set."""
    with mpl.rc_context(settings()):  # type: ignore[arg-type]
        yield
