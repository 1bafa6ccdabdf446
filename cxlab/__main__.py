"""``python -m cxlab`` is the command ``cxlab``."""

from __future__ import annotations

import sys

from cxlab.cli import main

if __name__ == "__main__":
    sys.exit(main())
