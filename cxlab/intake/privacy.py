"""The door of privacy: ids leave as keyed pseudonyms, and no other stored cell may identify a person.

Pseudonyms are HMAC-SHA256 under a key that lives outside the project: the environment variable
CXLAB_ID_KEY, else a file of the user's own for each client. The same id gives the same pseudonym in
every file and wave of a client, and another one for another client. They remain personal data.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cxlab.errors import InputError, Message, Problem, WorkbenchError
from cxlab.intake.folders import client_name
from cxlab.intake.identifiers import Identifier, identifier, plain_digits_kind

KEY_VARIABLE = "CXLAB_ID_KEY"
SHORTEST_KEY = 16
# Letters only, so that no pseudonym can look like a number, a card or a phone.
_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")
PSEUDONYM_LENGTH = 20
_INNER, _OUTER = (bytes(each ^ pad for each in range(256)) for pad in (0x36, 0x5C))
# Cells of digits alone accuse a column only together: at least so many different ones, and this share.
ENOUGH_CELLS = 8
ENOUGH_SHARE = 0.8
_AMOUNT = re.compile(r"[-+$€ ]{0,3}\d{1,3}(?:[ \xa0\u202f]\d{3})*(?:[.,]\d{1,4})?[$€% ]{0,2}")
_PERSONAL_NAMES = re.compile(
    r"(?i)(?:^|[\W_])(?:nombres?|apellidos?|surname|lastname|firstname|fullname|correo|e?-?mail|rut|run|dni|nif|nie|curp|"
    r"tel[eé]fono|fono|celular|m[oó]vil|phone|mobile|direcci[oó]n|domicilio|address|tarjeta|nacimiento|birth\w*)(?:$|[\W_\d])"
)


def key_file(client: str) -> Path:
    """Return where a client's key is kept when the environment gives none; it may not exist yet."""
    home = os.environ.get("XDG_CONFIG_HOME") or os.environ.get("APPDATA") or str(Path.home() / ".config")
    return Path(home) / "cxlab" / "keys" / f"{client_name(client)}.key"


def client_key(client: str, *, outside: Path | None = None) -> bytes:
    """Return the key of a client's pseudonyms; without one, make it, readable by its owner only.

    Parameters
    ----------
    client : str
        Name of the client's folder.
    outside : Path, optional
        The project's folder, which may not hold the key.

    Raises
    ------
    InputError
        If CXLAB_ID_KEY is shorter than 16 characters, or the key file is damaged or open to others.
    WorkbenchError
        If the key cannot be kept where it belongs.
    """
    given = os.environ.get(KEY_VARIABLE)
    if given is not None:
        if len(given) < SHORTEST_KEY:
            raise InputError(
                "CXLAB_ID_KEY has {n} characters; at least {least}", n=len(given), least=SHORTEST_KEY
            )
        return hmac.new(given.encode(), client_name(client).encode(), hashlib.sha256).digest()
    path = key_file(client)
    if outside is not None and Path.home().resolve().is_relative_to(outside.resolve()):
        # Whoever works in their own home keeps the key there too, but never beside the data.
        outside = outside / "data"
    if outside is not None and path.resolve().is_relative_to(outside.resolve()):
        raise InputError(
            "the key of {client} would be inside the project; set CXLAB_ID_KEY, or XDG_CONFIG_HOME to a "
            "folder outside",
            client=client,
        )
    try:
        if not path.exists():
            _new_key(path)
        if os.name == "posix" and path.stat().st_mode & 0o077:
            raise InputError("{path} can be read by others; close it with chmod 600", path=path)
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except OSError as error:
        raise WorkbenchError(
            "the key of {client}'s pseudonyms cannot be kept at {path}: {why}; set CXLAB_ID_KEY instead",
            client=client,
            path=path,
            why=error.strerror,
        ) from None
    except ValueError:
        key = b""
    if len(key) < SHORTEST_KEY:
        raise InputError("{path} is not a key; put back its copy (a new key gives new pseudonyms)", path=path)
    return key


def _new_key(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Written aside and linked, so that two processes that start at once end with one key.
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32) + "\n")
    try:
        os.link(aside, path)
    except FileExistsError:
        pass
    except OSError:
        os.replace(aside, path)
        return
    aside.unlink()


def pseudonyms(ids: pd.Series[Any], key: bytes) -> pd.Series[Any]:
    """Return the pseudonym of each id, missing where it is missing.

    Examples
    --------
    >>> pseudonyms(pd.Series(["007", None, "007"]), b"k" * 32).nunique()
    1
    """
    codes, distinct = pd.factorize(ids)
    texts = (str(each) for each in distinct)
    inner, outer = (hashlib.sha256(_padded(key).translate(pad)) for pad in (_INNER, _OUTER))
    digests = []
    for text in texts:
        # HMAC-SHA256 written out: the keyed halves are made once, not once for each id.
        within = inner.copy()
        within.update((text if text.isascii() else unicodedata.normalize("NFC", text)).encode())
        whole = outer.copy()
        whole.update(within.digest())
        digests.append(whole.hexdigest()[:PSEUDONYM_LENGTH])
    letters = "".join(digests).translate(_LETTERS)
    named = np.empty(len(digests) + 1, dtype=object)  # the last one is for a missing id
    named[:-1] = [letters[at : at + PSEUDONYM_LENGTH] for at in range(0, len(letters), PSEUDONYM_LENGTH)]
    return pd.Series(named[codes], index=ids.index, name=ids.name)


def _padded(key: bytes) -> bytes:
    return (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")


def personal_name(header: str) -> bool:
    """Tell whether a column's name says that it holds personal data.

    Examples
    --------
    >>> personal_name("CORREO"), personal_name("Teléfono 2"), personal_name("recommend")
    (True, True, False)
    """
    return bool(_PERSONAL_NAMES.search(header))


def shown(value: str, *, personal: bool = False) -> Message:
    """Return how a cell may appear in a message: quoted and cut, or not at all if it may be personal."""
    if personal or identifier(value):
        return Message("a value that is not shown because it may be personal")
    return Message("{value}", value=repr(value if len(value) <= 40 else value[:39] + "…"))


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
        codes, distinct = pd.factorize(column)
        texts = [_cell_text(each) for each in distinct]
        kinds = _kinds(texts, numeric=pd.api.types.is_numeric_dtype(column))
        header = headers.get(name, name)
        problems += _found(kinds, codes, file=file, column=header, lines=lines)
        if name not in set(free_text) and not pd.api.types.is_numeric_dtype(column) and reads_as_prose(texts):
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


def _kinds(texts: list[str], *, numeric: bool) -> dict[int, Identifier]:
    """Return the kind of identifier at each distinct text that holds one."""
    digits = {at: text for at, text in enumerate(texts) if re.fullmatch(r"\d{7,19}", text)}
    kinds: dict[int, Identifier] = {}
    if not numeric:
        told = ((at, identifier(text)) for at, text in enumerate(texts) if at not in digits)
        kinds = {at: kind for at, kind in told if kind}
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


def _amounts(texts: list[str]) -> bool:
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
            "list the column under `drop` (not stored) or `ids` (pseudonymised), or have it cleaned; "
            "a false alarm is cleared with `privacy: {not_personal: {column: reason}}`"
        )
    )
    return Problem(
        Message("what looks like personal data ({kind})", kind=kind),
        Message("no personal data outside ids"),
        action,
        file=file,
        column=column,
        row=row,
        count=count,
        rule=26,
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
        rule=26,
    )
