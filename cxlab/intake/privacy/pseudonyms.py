"""The door of privacy: ids leave as keyed pseudonyms, and no message shows what may be personal.

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
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from cxlab.errors import InputError, Message, WorkbenchError
from cxlab.intake.coded import TEXT, as_text
from cxlab.intake.folders import client_name
from cxlab.intake.privacy.identifiers import identifier

KEY_VARIABLE = "CXLAB_ID_KEY"
SHORTEST_KEY = 16
# Letters only, so that no pseudonym can look like a number, a card or a phone.
_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")
PSEUDONYM_LENGTH = 20
# Ids named at a time.
PIECE = 500_000
_INNER, _OUTER = (bytes(each ^ pad for each in range(256)) for pad in (0x36, 0x5C))
_PERSONAL_NAMES = re.compile(
    r"(?i)(?:^|[\W_])(?:nombres?|apellidos?|surname|lastname|firstname|fullname|correo|e?-?mail|rut|run|dni|nif|nie|curp|"
    r"tel[eé]fono|fono|celular|m[oó]vil|phone|mobile|direcci[oó]n|domicilio|address|tarjeta|nacimiento|birth\w*|"
    r"rfc|iban|ssn|pasaporte|passport|ip|ip_?address)(?:$|[\W_\d])"
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
    whole = pa.array(ids.astype(TEXT), from_pandas=True)
    named = []
    for first in range(0, max(len(whole), 1), PIECE):
        codes = whole[first : first + PIECE]
        codes = (codes.combine_chunks() if isinstance(codes, pa.ChunkedArray) else codes).dictionary_encode()
        named.append(_named(codes.dictionary.to_pylist(), key).take(codes.indices))
    texts = as_text(pa.chunked_array(named, pa.large_string()))
    return pd.Series(texts.array, index=ids.index, name=ids.name)


def _named(texts: list[str], key: bytes) -> Any:
    """Return the pseudonyms of distinct ids."""
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
    return pa.array(
        [letters[at : at + PSEUDONYM_LENGTH] for at in range(0, len(letters), PSEUDONYM_LENGTH)],
        pa.large_string(),
    )


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


def named(names: Iterable[str]) -> str:
    """Return names of columns, sheets or files for a message, those that may be personal as ….

    Examples
    --------
    >>> named(["region", "ana@example.cl"])
    'region, …'
    """
    return ", ".join("…" if identifier(name) else name for name in names)


def shown(value: str, *, personal: bool = False) -> Message:
    """Return how a cell may appear in a message: quoted and cut, or not at all if it may be personal."""
    if personal or identifier(value):
        return Message("a value that is not shown because it may be personal")
    return Message("{value}", value=repr(value if len(value) <= 40 else value[:39] + "…"))
