"""Canaries: invented identifiers and secrets to plant in a client's files, and a search for them in all that is written.

The search decodes: members of workbooks and archives, values and metadata of Parquet, images embedded as
base64, escapes of HTML, JSON and addresses; it knows each canary in several encodings and without separators.
"""

# ruff: noqa: E501

import base64
import html
import io
import json
import random
import re
import urllib.parse
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cxlab.intake.privacy.checkdigits import (
    card_holds,
    curp_holds,
    dni_holds,
    iban_holds,
    rfc_holds,
    rut_holds,
)

SHORTEST = 6
_FIRST = [
    "Zulmira",
    "Yolquiria",
    "Xiomanda",
    "Wenefrida",
    "Veridosa",
    "Ursulana",
    "Teodilda",
    "Sinforiel",
    "Rosendalia",
    "Quirinalda",
]
_LAST = [
    "Zuñagüe",
    "Yrarrazaña",
    "Xampierez",
    "Wagnerolla",
    "Villaseñuz",
    "Urquizañez",
    "Tapihueque",
    "Sotomayañ",
    "Rebolleñor",
    "Quilapañez",
]


@dataclass(frozen=True)
class Canary:
    """One planted text: what it is, and how it is written in the file."""

    kind: str
    text: str


class Aviary:
    """Makes canaries, each once, and remembers them."""

    def __init__(self, seed: int = 20261125) -> None:
        self.random = random.Random(seed)
        self.all: list[Canary] = []
        self._texts: set[str] = set()

    def _new(self, kind: str, make) -> str:
        text = make()
        while text in self._texts:
            text = make()
        self._texts.add(text)
        self.all.append(Canary(kind, text))
        return text

    def _digits(self, n: int, first: str = "123456789") -> str:
        return self.random.choice(first) + "".join(self.random.choices("0123456789", k=n - 1))

    def _checked(self, holds, make, checks: str) -> str:
        while True:
            body = make()
            for check in checks:
                if holds(body + check):
                    return body + check

    def rut(self) -> str:
        def make() -> str:
            found = self._checked(
                rut_holds, lambda: str(self.random.randint(6_000_000, 24_999_999)), "0123456789K"
            )
            return f"{int(found[:-1]):,}-{found[-1]}".replace(",", ".")

        return self._new("RUT", make)

    def name(self) -> str:
        return self._new(
            "name",
            lambda: f"{self.random.choice(_FIRST)} {self.random.choice(_LAST)} {self.random.choice(_LAST)}",
        )

    def email(self) -> str:
        return self._new(
            "e-mail",
            lambda: f"{self.random.choice(_FIRST).lower()}.{self._digits(5)}@canario-{self._digits(3)}.cl",
        )

    def phone(self) -> str:
        return self._new("phone", lambda: f"+56 9 {self._digits(4)} {self._digits(4)}")

    def card(self) -> str:
        def make() -> str:
            found = self._checked(card_holds, lambda: "4" + self._digits(14), "0123456789")
            return " ".join(found[at : at + 4] for at in range(0, 16, 4))

        return self._new("card", make)

    def dni(self) -> str:
        return self._new(
            "DNI/NIE", lambda: self._checked(dni_holds, lambda: self._digits(8), "TRWAGMYFPDXBNJZSQVHLCKE")
        )

    def _born(self) -> str:
        """Return letters and a date of birth, as CURP and RFC begin."""
        dice = self.random.randint
        return f"ZUYL{dice(50, 99)}0{dice(1, 9)}1{dice(0, 9)}"

    def curp(self) -> str:
        def body() -> str:
            return f"{self._born()}MDFXWZ{self.random.randint(0, 9)}"

        return self._new("CURP", lambda: self._checked(curp_holds, body, "0123456789"))

    def rfc(self) -> str:
        def body() -> str:
            return f"{self._born()}X{self.random.randint(0, 9)}"

        return self._new("RFC", lambda: self._checked(rfc_holds, body, "0123456789A"))

    def iban(self) -> str:
        def make() -> str:
            body = self._digits(20)
            check = next(f"{n:02d}" for n in range(2, 99) if iban_holds(f"ES{n:02d}{body}"))
            return f"ES{check}{body}"

        return self._new("IBAN", make)

    def ip(self) -> str:
        return self._new("IP address", lambda: ".".join(str(self.random.randint(110, 220)) for _ in range(4)))

    def ssn(self) -> str:
        return self._new(
            "SSN", lambda: f"{self.random.randint(100, 660)}-{self.random.randint(10, 99)}-{self._digits(4)}"
        )

    def passport(self) -> str:
        return self._new("passport", lambda: f"ZQ{self._digits(8)}")

    def secret(self) -> str:
        letters = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789"
        return self._new("secret", lambda: "s3cr-" + "".join(self.random.choices(letters, k=22)))


def forms(canary: Canary) -> set[str]:
    """Every writing of a canary by which it is still the same."""
    found = {canary.text, canary.text.upper()}
    bare = re.sub(r"[\s.+-]", "", canary.text)
    if canary.kind in ("RUT", "phone", "card", "SSN"):
        found |= {
            bare,
            canary.text.replace(".", ""),
            canary.text.replace(" ", "-"),
            canary.text.replace(" ", ""),
        }
    if canary.kind == "RUT":
        found.add(bare[:-1])
    if canary.kind == "phone":
        found |= {bare[2:], bare[3:]}
    if canary.kind == "name":
        found |= {canary.text.replace(" ", sep) for sep in ("_", "-", "")}
    return {each for each in found if len(each) >= SHORTEST + 1}


def encoded(text: str) -> set[bytes]:
    """A text as bytes in the encodings in which something may carry it."""
    made = {text.encode("utf-8"), text.encode("utf-16-le"), text.encode("utf-16-be")}
    made.add(text.encode("latin-1", "replace"))
    made |= {urllib.parse.quote(text).encode(), urllib.parse.quote_plus(text).encode()}
    made |= {
        html.escape(text).encode(),
        text.encode("ascii", "xmlcharrefreplace"),
        json.dumps(text)[1:-1].encode(),
    }
    made.add(text.encode("utf-8").decode("latin-1").encode("utf-8"))  # read in the wrong encoding
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + text.encode("utf-8"))
        made.add(coded[(4 * shift + 2) // 3 : -4])  # what does not depend on the neighbours
    return {each.lower() for each in made if len(each) >= SHORTEST}


class Search:
    """Looks for canaries in bytes, all at once."""

    def __init__(self, canaries: list[Canary]) -> None:
        self.buckets: dict[bytes, list[tuple[bytes, Canary]]] = {}
        for canary in canaries:
            for pattern in set().union(*(encoded(each) for each in forms(canary))):
                self.buckets.setdefault(pattern[:SHORTEST], []).append((pattern, canary))
        self.starts = np.array(sorted(_key(start) for start in self.buckets), dtype=np.uint64)

    def found(self, content: bytes) -> set[Canary]:
        """Return the canaries in some bytes, without regard to case."""
        content = content.lower()
        if len(content) < SHORTEST:
            return set()
        cells = np.frombuffer(content, dtype=np.uint8).astype(np.uint64)
        keys = np.zeros(len(cells) - SHORTEST + 1, dtype=np.uint64)
        for at in range(SHORTEST):
            keys |= cells[at : len(cells) - SHORTEST + 1 + at] << np.uint64(8 * at)
        hits = set()
        for at in np.flatnonzero(np.isin(keys, self.starts)):
            for pattern, canary in self.buckets.get(content[at : at + SHORTEST], ()):
                if content.startswith(pattern, int(at)):
                    hits.add(canary)
        return hits


def _key(start: bytes) -> int:
    return sum(byte << (8 * at) for at, byte in enumerate(start))


def layers(content: bytes, name: str = "") -> Iterator[bytes]:
    """Give some bytes and all that is packed or escaped in them."""
    yield content
    yield name.encode()
    if content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.infolist():
                yield from layers(archive.read(member), member.filename)
            yield archive.comment
        return
    if content.startswith(b"PAR1"):
        table = pq.read_table(pa.BufferReader(content))
        yield str(table.schema.metadata).encode() + str(table.schema).encode()
        for column in table.columns:
            yield "\n".join(map(str, column.to_pylist())).encode()
        return
    text = content.decode("utf-8", "replace")
    if "&" in text:
        yield html.unescape(text).encode()
    if "\\u" in text:
        yield re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), text).encode("utf-8", "replace")
    if "%" in text:
        yield urllib.parse.unquote_plus(text).encode()
    for match in re.finditer(r"base64,\s*([A-Za-z0-9+/=\s]{40,})", text):
        yield from layers(base64.b64decode(match[1] + "=="))
