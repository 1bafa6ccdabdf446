"""A figure as SVG text: the same bytes for the same figure, real text, no date, no foreign reference."""

from __future__ import annotations

import re
import warnings
from io import StringIO

from matplotlib.axes import Axes

from cxlab.reporting.figures.theme import FONT, themed

STACK = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif"
_PREAMBLE = re.compile(r"^.*?(?=<svg )", re.DOTALL)
_METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
_COMMENT = re.compile(r"\s*<!--.*?-->", re.DOTALL)


def svg(axes: Axes) -> str:
    """Return the figure that `axes` belongs to as SVG.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> svg(Figure(figsize=(1, 1)).add_axes((0, 0, 1, 1)))[:5]
    '<svg '
    """
    figure = axes.get_figure(root=True)
    if figure is None:
        return ""
    out = StringIO()
    with themed(), warnings.catch_warnings():
        # The measuring font may lack a glyph that the reader's fonts have; the text stays text.
        warnings.filterwarnings("ignore", message=".*[Gg]lyph.*")
        figure.savefig(
            out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
        )
    drawing = _COMMENT.sub("", _METADATA.sub("", _PREAMBLE.sub("", out.getvalue())))
    return drawing.replace(f"'{FONT}'", STACK).strip() + "\n"


def title(axes: Axes) -> str:
    """Return the figure's title: the finding in words."""
    return str(axes.get_label())
