"""cxlab: a client's files in, customer-experience analyses as notebooks, reproducible reports out."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cxlab.notebook import Paper, open

__all__ = ["Paper", "open"]
__version__ = "0.1.0"

# With lxml, openpyxl cannot write where the temporary folder's name is outside the file system's encoding.
os.environ.setdefault("OPENPYXL_LXML", "False")


def __getattr__(name: str) -> Any:
    # Loaded on first use: `cxlab --help` and parameter checks must not pay for pandas.
    if name in __all__:
        from cxlab import notebook

        return getattr(notebook, name)
    raise AttributeError(name)
