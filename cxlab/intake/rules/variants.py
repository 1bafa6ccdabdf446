"""What to see of a table before its groups are counted: one text in several ways, columns some files lack.

Nothing is joined here: whether Sur and sur are one region is for whoever knows them to declare.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

import pandas as pd

from cxlab.errors import Message
from cxlab.intake.privacy.pseudonyms import shown
from cxlab.intake.tables.assignment import REASON_SUFFIX
from cxlab.intake.tables.rows import Rows

# More different texts than these are no groups, and longer ones no names of groups.
MOST_TEXTS, LONGEST = 500, 60
SHOWN = 6
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")


def told(rows: Rows) -> Iterator[Message]:
    """Give a note for each column whose texts differ only in writing, and for each file without a column.

    Parameters
    ----------
    rows : Rows
        Of one table, all its sources together.
    """
    for part in rows.parts:
        lacking = [
            name
            for name in rows.frame.columns
            if name not in part.mapped.frame.columns and not name.endswith(REASON_SUFFIX)
        ]
        if lacking:
            yield Message(
                "{file} has no {columns}: empty in its rows, though another file of {table} has it",
                file=part.mapped.source.file,
                columns=", ".join(lacking),
                table=rows.name,
            )
    personal = {name for part in rows.parts for name in part.mapped.personal}
    for name in rows.frame.columns:
        if name not in personal and not name.endswith(REASON_SUFFIX):
            yield from _alike(name, rows.frame[name])


def _alike(name: str, values: pd.Series[Any]) -> Iterator[Message]:
    if not pd.api.types.is_string_dtype(values) and values.dtype != object:
        return
    counts = values.value_counts()
    if len(counts) > MOST_TEXTS:
        return
    written: dict[str, list[str]] = {}
    for text in counts.index:
        if isinstance(text, str) and len(text) <= LONGEST:
            written.setdefault(folded(text), []).append(text)
    groups = [group for group in written.values() if len(group) > 1]
    if groups:
        said = (
            Message("{first} ({n})", first=shown(text), n=int(counts[text]))
            for group in groups
            for text in group
        )
        listed = [str(each) for _, each in zip(range(SHOWN), said, strict=False)]
        more = ", ..." if sum(map(len, groups)) > SHOWN else ""
        yield Message(
            "{column}: texts that differ only in capitals, accents, blanks or marks that are not seen: "
            "{texts}; if they are one, join them under `values:`",
            column=name,
            texts=", ".join(listed) + more,
        )


def folded(text: str) -> str:
    r"""Return a text as it is compared: without capitals, accents, double blanks or unseen marks.

    Examples
    --------
    >>> folded("La\u00a0 SERENA\u200b"), folded("Ñuble") == folded("nuble")
    ('la serena', True)
    """
    bare = unicodedata.normalize("NFKD", _UNSEEN.sub("", text)).casefold()
    letters = "".join(each for each in bare if not unicodedata.combining(each))
    return " ".join(letters.split())
