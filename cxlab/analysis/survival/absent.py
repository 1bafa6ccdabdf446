"""What a section of a paper says when the client's data have nothing for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from cxlab.analysis.estimates import Claim


def lacking(table: Any, columns: Sequence[str | None], *, optional: bool) -> list[str]:
    """Return which of `columns` an optional analysis asks of a frame that does not have them.

    Examples
    --------
    >>> lacking(pd.DataFrame({"plan": []}), ["plan", "end_type", None], optional=True)
    ['end_type']
    """
    if not optional or not isinstance(table, pd.DataFrame):
        return []
    return [c for c in columns if c is not None and c not in table.columns]


def people_of(settings: Mapping[str, Any], dropped: Mapping[Any, int]) -> tuple[str, ...]:
    """Say whose bases those of a survival table are: by which clock, and without whom.

    Examples
    --------
    >>> people_of({"duration": "months", "since": None, "entry": None}, {"plan is missing": 3})
    ('months', 'plan is missing: 3')
    """
    clock = (settings.get(name) for name in ("duration", "entry", "since", "until"))
    return (*(str(each) for each in clock if each), *(f"{why}: {n}" for why, n in dropped.items()))


def nothing(columns: Sequence[str], *tables: str) -> dict[str, Any]:
    """Return the fields of a result without rows, that says which columns are not there."""
    claim = Claim("retention.absent", {"columns": list(columns), "count": len(columns)}, "D")
    empty = pd.DataFrame({"estimate": [], "n": [], "flag": []})
    return {
        "table": empty, "keys": (), "tables": dict.fromkeys(tables, empty),
        "claims": (claim,) if columns else (),
    }  # fmt: skip
