"""Texts that look like a password, a key or the address of a database with one: they never stand in a file.

What is found is named by where it stands, never shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_SECRET = re.compile(
    r"""
      \b[a-z][a-z0-9+.-]{0,30}://[^\s/@:]*:[^\s/@]+@            # address with a password
    | \b(?:postgres(?:ql)?|mysql|mariadb|mssql|sqlserver|oracle|snowflake|redshift|clickhouse|mongodb(?:\+srv)?)://
    | \bjdbc:[a-z]+: | \bmd:\S*token
    | (?:^|[\s;,&?'"{])(?:password|passwd|pwd|contrase(?:ñ|n)a|clave|secret|token|api[_-]?key|access[_-]?key|
        accountkey|sharedaccesskey|sig)\s*(?:=(?!=)\s*[^\s=]{4,}|:\s*(?=\S*\d)[^\s:]{6,})
    | \bhost\s*=\s*\S+[^\n]*\b(?:user|dbname|port)\s*=                            # libpq
    | \b(?:server|data\ source|driver)\s*=[^;\n]+;                                # ODBC
    | \bAKIA[0-9A-Z]{16}\b | \bgh[pousr]_\w{30,} | \bxox[abprs]-\S{10,} | \bsk-[\w-]{20,} | \bAIza[\w-]{30,}
    | \beyJ[\w-]{10,}\.eyJ | -----BEGIN\ [A-Z ]*PRIVATE\ KEY
    """,
    re.IGNORECASE | re.VERBOSE,
)


def looks_secret(text: str) -> bool:
    """Tell whether a text looks like a secret or the address of a database.

    Examples
    --------
    >>> looks_secret("postgres://ana:x1y2@db/crm"), looks_secret("env:CRM_DSN"), looks_secret("token == 'a'")
    (True, False, False)
    """
    return bool(_SECRET.search(text))


def secrets_in(content: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Give where in a declaration such texts stand, as keys or as values.

    Examples
    --------
    >>> list(secrets_in({"sources": [{"file": "mysql://root@db/crm"}]}))
    [('sources', 0, 'file')]
    """
    if isinstance(content, str):
        if looks_secret(content):
            yield place
    elif isinstance(content, dict):
        for key, value in content.items():
            if isinstance(key, str) and looks_secret(key):
                yield place
            else:
                yield from secrets_in(value, (*place, key))
    elif isinstance(content, list):
        for at, value in enumerate(content):
            yield from secrets_in(value, (*place, at))
