"""How cxlab speaks to a person at a terminal: messages in the language of its user."""

from __future__ import annotations

import os
from typing import Literal

from cxlab.errors import Message


def language_of_messages() -> Literal["es", "en"]:
    """Return es or en: CXLAB_LANGUAGE, else the locale of the terminal."""
    said = os.environ.get("CXLAB_LANGUAGE") or next(
        filter(None, (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))), ""
    )
    return "es" if said.lower().startswith("es") else "en"


def said(message: Message | str) -> str:
    """Return a message in the language of messages."""
    if language_of_messages() == "en":
        return str.__str__(message)
    from cxlab.catalogues import translate

    return translate(message, language_of_messages())


def half(description: str) -> str:
    """Return the half of `español · English` that fits; a comment in one language stands for both."""
    spanish, both, english = description.partition(" · ")
    return spanish if not both or language_of_messages() == "es" else english


def say(message: Message | str) -> None:
    """Print a message."""
    print(said(message), flush=True)


def size_of(size: int) -> str:
    """Return a number of bytes as a person reads it, in the language of messages."""
    point = "," if language_of_messages() == "es" else "."
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}".replace(".", point)
    return f"{size} B"
