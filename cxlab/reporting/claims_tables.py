"""What the claims of banner tables put into their sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cxlab.reporting.words import Words

Fields = Mapping[str, Any]


def _tables(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return "", {
        "count": int(fields.get("questions", 0)),
        "column": words.crossing(fields.get("column", "")),
        "apart": words.number(fields.get("apart", 0), 0),
        "compared": words.number(fields.get("compared", 0), 0),
    }


READERS: Mapping[str, Callable[[Fields, Words], tuple[str, dict[str, Any]]]] = {
    "tables.apart": _tables,
    "tables.alike": _tables,
}
