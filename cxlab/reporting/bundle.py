"""The MIME bundle of one shown result: its numbers and claims as JSON, the single source of every report."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.estimates import MINIMUM_CUSTOMERS, Claim, Result
from cxlab.errors import Message
from cxlab.reporting import claims
from cxlab.reporting.words import Words

MAIN = "main"


def bundle(
    result: Result, words: Words, *, id: str, figure: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return a masked result as plain JSON values.

    Parameters
    ----------
    result : Result
        Already masked (`cxlab.analysis.estimates.masked`): nothing is hidden here.
    words : Words
        Language and labels of the sentences.
    id : str
        Name of this display within the notebook, e.g. ``"result-1"``.
    figure : mapping, optional
        ``title`` and ``alt`` of the figure shown with it.

    Returns
    -------
    dict
        id, kind, settings, n_used, n_dropped, estimate_column, keys, tables (the main one first, as
        ``"main"``; each ``{"columns": [...], "rows": [[...]]}``), claims (code, fields, grade,
        caveats, headline, sentence, short, caveat_texts), figure, minimum where it is not 10, and labels:
        what its columns and codes were called, some of which only the notebook's tables know (columns:
        {name: said}, values: {column: {code: said}}). Missing numbers are None.
    """
    tables = {MAIN: result.table, **result.tables}
    few = {} if result.minimum == MINIMUM_CUSTOMERS else {"minimum": result.minimum}
    shown = {
        "id": id,
        "kind": type(result).__name__,
        "settings": plain(result.settings),
        "n_used": int(result.n_used),
        "n_dropped": _dropped(result, words),
        "estimate_column": result.estimate_column,
        "keys": list(result.keys),
        "tables": {name: _table(table, words) for name, table in tables.items()},
        "claims": [_claim(claim, words) for claim in result.claims],
        "figure": dict(figure) if figure else None,
        **few,
    }
    labels = _labels(shown, words)
    return {**shown, "labels": labels} if labels else shown


def _labels(shown: Mapping[str, Any], words: Words) -> dict[str, Any]:
    """Return what the report called the columns and codes that a bundle names, as a client's ``labels``."""
    texts = {part for text in _texts(shown) for part in (text, *re.split(r" x |: ", text))}
    columns = {name: words.label(name) for name in map(str, words.labels.get("columns", {})) if name in texts}
    values = {
        str(column): {code: words.label(column, code) for code in map(str, named) if code in texts}
        for column, named in words.labels.get("values", {}).items()
    }
    values = {column: named for column, named in values.items() if named}
    return {name: said for name, said in (("columns", columns), ("values", values)) if said}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield name
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def plain(value: Any) -> Any:
    """Return `value` as JSON can hold it: numbers, text, booleans, None, lists, mappings; NaN is None.

    Examples
    --------
    >>> plain({"a": np.float64("nan"), "b": (np.int64(1), "x")})
    {'a': None, 'b': [1, 'x']}
    """
    if value is None or isinstance(value, bool | np.bool_):
        return None if value is None else bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset | np.ndarray | pd.Index | pd.Series):
        items = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return [plain(v) for v in items]
    if value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value)


def _dropped(result: Result, words: Words) -> dict[str, int]:
    said: dict[str, int] = {}
    for reason, count in result.n_dropped.items():
        text = words.message(reason)
        said[text] = said.get(text, 0) + int(count)
    return said


def _table(table: pd.DataFrame, words: Words) -> dict[str, Any]:
    columns = [table[c].tolist() for c in table.columns]
    return {
        "columns": [str(c) for c in table.columns],
        "rows": [[_cell(v, words) for v in row] for row in zip(*columns, strict=True)],
    }


def _cell(value: Any, words: Words) -> Any:
    if isinstance(value, Claim):
        return claims.sentence(value, words)
    return words.message(value) if isinstance(value, Message) else plain(value)


def _claim(claim: Claim, words: Words) -> dict[str, Any]:
    return {
        "code": claim.code,
        "fields": plain(claim.fields),
        "grade": claim.grade,
        "caveats": list(claim.caveats),
        "headline": claim.headline,
        "sentence": claims.sentence(claim, words),
        "short": claims.short(claim, words),
        "caveat_texts": claims.caveats(claim, words),
    }
