"""Which reports a diagnosis read and which it could not, said above what it makes of them."""

from __future__ import annotations

import pandas as pd

from cxlab.reporting import html
from cxlab.reporting.words import Words

_LEFT = ("failed", "unpublished", "filtered")


def readings_html(stated: pd.DataFrame, words: Words, *, study: str) -> str:
    """Return how many reports were read, which were not and why, and whether they stand on the same data."""
    read = stated.attrs["read"]
    names = ", ".join(read)
    said = [html.note_html("diagnosis.read", words, study=study, entries=names or "–")]
    for why in _LEFT:
        if stated.attrs[why]:
            said.append(html.note_html(f"diagnosis.{why}", words, entries=", ".join(stated.attrs[why])))
    if stated.attrs["mixed"]:
        tables = words.listed([words.label(name) for name in stated.attrs["mixed"]])
        said.append(html.note_html("diagnosis.mixed", words, tables=tables))
    return "\n".join(said)
