"""Personal data in the cells of a column: told by kind, reported without the value, emptied where declared.

What a cell alone does not prove, its column does: a few digits are a code, a hundred cells of digits that
all have a RUT's check digit are RUTs; and a check digit that holds in one code of eleven holds by chance.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxlab.errors import Message, Problem
from cxlab.intake.privacy.identifiers import (
    Identifier,
    identifier,
    ip_written,
    plain_digits_kind,
    spoken,
    written,
)

# The validity rule that personal data break.
RULE = 26
# Cells of digits alone accuse a column only together: at least so many different ones, and this share.
ENOUGH_CELLS = 8
ENOUGH_SHARE = 0.8
# The least number of seven digits.
LEAST_NUMBER = 10**6
# Kinds with a check digit, and from how many cells of that shape the share that holds is looked at.
CHECKED: frozenset[Identifier] = frozenset(("RUT", "DNI/NIE", "CURP", "RFC", "IBAN", "card", "IP address"))
ENOUGH_CODES = 20
_AMOUNT = re.compile(r"[-+$€ ]{0,3}\d{1,3}(?:[ \xa0\u202f]\d{3})*(?:[.,]\d{1,4})?[$€% ]{0,2}")


def scan(
    frame: pd.DataFrame,
    *,
    file: str,
    lines: Any,
    headers: Mapping[str, str],
    skip: Iterable[str] = (),
    free_text: Iterable[str] = (),
) -> list[Problem]:
    """Look for personal data in every column that would be stored.

    Parameters
    ----------
    frame : DataFrame
        Rows as mapped.
    file : str
    lines : ndarray of int
        Line of each row in the file.
    headers : mapping of str to str
        Header in the file of each column.
    skip : iterable of str
        Columns already pseudonymised, and those cleared by a person.
    free_text : iterable of str
        Columns allowed to hold free text.

    Returns
    -------
    list of Problem
        One per column and kind, with how many rows and the first; never the value.
    """
    skip = set(skip)
    problems: list[Problem] = []
    for name in (name for name in frame.columns if name not in skip):
        column = frame[name]
        if pd.api.types.is_datetime64_any_dtype(column):
            continue
        numeric = pd.api.types.is_numeric_dtype(column)
        if numeric:
            # Of numbers, only whole ones of so many digits can be anything but amounts.
            column = column.where((column >= LEAST_NUMBER) & (column % 1 == 0))
            if column.isna().all():
                continue
        codes, distinct = pd.factorize(column)
        texts = [_cell_text(each) for each in distinct]
        kinds = kinds_in(texts, numeric=numeric)
        header = headers.get(name, name)
        problems += _found(kinds, codes, file=file, column=header, lines=lines)
        if name not in set(free_text) and not numeric and reads_as_prose(texts):
            problems.append(_prose(file, header, name))
    return problems


def scan_labels(labels: Iterable[tuple[str, str]], *, file: str) -> list[Problem]:
    """Look for personal data in labels, given as (column, label)."""
    found = Counter((column, kind) for column, label in labels if (kind := identifier(label)))
    return [
        _personal(kind, file=file, column=column, row=0, count=n, label=True)
        for (column, kind), n in found.items()
    ]


def _cell_text(value: Any) -> str:
    if not isinstance(value, (float, np.floating)):
        return str(value)
    number = float(value)
    return str(int(number)) if number.is_integer() and abs(number) < 1e19 else repr(number)


def kinds_in(texts: Sequence[str], *, numeric: bool = False) -> dict[int, Identifier]:
    """Return the kind of identifier at each distinct text of a column that holds one.

    Parameters
    ----------
    texts : sequence of str
        The column's distinct cells.
    numeric : bool
        Whether they are numbers, which only together can be identifiers.

    Examples
    --------
    >>> kinds_in(["Norte", "mi rut es 12.345.678-5"])
    {1: 'RUT'}
    """
    digits = {at: text for at, text in enumerate(texts) if re.fullmatch(r"\d{7,19}", text)}
    kinds: dict[int, Identifier] = {}
    if not numeric:
        told = ((at, identifier(text)) for at, text in enumerate(texts) if at not in digits)
        kinds = _beyond_chance({at: kind for at, kind in told if kind}, texts) | _addresses(texts)
        if "phone" in kinds.values() and _amounts(texts):
            kinds = {at: kind for at, kind in kinds.items() if kind != "phone"}
    suspects = {at: found for at, text in digits.items() if (found := plain_digits_kind(text))}
    most = max(Counter(suspects.values()).values(), default=0)
    if most >= ENOUGH_CELLS and most >= ENOUGH_SHARE * len(digits):
        kinds |= suspects
    elif not numeric and len(digits) < ENOUGH_CELLS and 2 * len(digits) < len(texts):
        # A few bare numbers among words are not a column of codes.
        kinds |= {at: kind for at, kind in suspects.items() if kind != "RUT"}
    return kinds


def _beyond_chance(kinds: dict[int, Identifier], texts: Sequence[str]) -> dict[int, Identifier]:
    """Leave out the cells of a column of codes whose check digit holds no oftener than by chance."""
    checked = set(kinds.values()) & CHECKED
    if not checked or len(texts) < ENOUGH_CODES:
        return kinds
    shaped: Counter[Identifier] = Counter()
    whole: dict[Identifier, list[int]] = {kind: [] for kind in checked}
    for at, text in enumerate(texts):
        alike = {kind for kind, found in written(text, checked=False) if len(found) == len(text.strip())}
        shaped.update(alike & checked)
        if kinds.get(at) in alike & checked:
            whole[kinds[at]].append(at)
    chance = {
        at
        for kind, found in whole.items()
        if shaped[kind] >= ENOUGH_CODES and 2 * len(found) < shaped[kind]
        for at in found
    }
    return {at: kind for at, kind in kinds.items() if at not in chance}


def _addresses(texts: Sequence[str]) -> dict[int, Identifier]:
    """Tell a column of IP addresses from one of versions: written so throughout, most with a large number."""
    found = [
        at for at, text in enumerate(texts) if ip_written(text.strip()) and int(text.split(".")[0]) >= 10
    ]
    large = sum(any(int(each) >= 100 for each in texts[at].split(".")) for at in found)
    if len(found) < ENOUGH_CELLS or len(found) < ENOUGH_SHARE * len(texts) or 2 * large < len(found):
        return {}
    return dict.fromkeys(found, "IP address")


def _amounts(texts: Sequence[str]) -> bool:
    """Tell whether a column holds amounts with blanks for thousands: 612 345 678 beside 1 250 and 94 000."""
    other = sum(len(re.sub(r"\D", "", text)) != 9 for text in texts)
    return 5 * other >= len(texts) and all(_AMOUNT.fullmatch(text) for text in texts)


def _found(kinds: dict[int, Identifier], codes: Any, *, file: str, column: str, lines: Any) -> list[Problem]:
    problems = []
    for kind in dict.fromkeys(kinds.values()):
        at = np.array([at for at, each in kinds.items() if each == kind])
        rows = np.flatnonzero(np.isin(codes, at))
        problems.append(_personal(kind, file=file, column=column, row=int(lines[rows[0]]), count=len(rows)))
    return problems


def _personal(
    kind: Identifier, *, file: str, column: str, row: int, count: int, label: bool = False
) -> Problem:
    action = (
        Message("take it out of the labels")
        if label
        else Message(
            "list the column under `drop` (not stored), `ids` (pseudonymised) or "
            "`privacy: {empty_personal: [column]}` (those cells emptied and counted); a false alarm is "
            "cleared with `privacy: {not_personal: {column: reason}}`"
        )
    )
    return Problem(
        Message("what looks like personal data ({kind})", kind=spoken(kind)),
        Message("no personal data outside ids"),
        action,
        file=file,
        column=column,
        row=row,
        count=count,
        rule=RULE,
    )


def reads_as_prose(texts: Iterable[str]) -> bool:
    """Tell whether a column's distinct texts are sentences that people wrote rather than categories.

    Examples
    --------
    >>> reads_as_prose(["Norte", "Sur"])
    False
    """
    texts = list(texts)
    long = sum(len(text) > 50 and text.count(" ") >= 7 for text in texts)
    return long >= 20 and 4 * long >= len(texts)


def _prose(file: str, header: str, name: str) -> Problem:
    return Problem(
        Message("sentences that people wrote: names in them cannot be recognised"),
        Message("free text only where it was read and allowed"),
        Message(
            "list {name} under `privacy: {{free_text: [...]}}` after reading it, or under `drop`", name=name
        ),
        file=file,
        column=header,
        rule=RULE,
    )
