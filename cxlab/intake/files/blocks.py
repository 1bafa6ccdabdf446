"""A text file in blocks of whole lines: decoded strictly, damage told by its line, never held as a whole."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from cxlab.errors import InputError, Message, Problem
from cxlab.intake.files.reading import fault, unreadable

BLOCK = 8_000_000
# A last piece smaller than this joins the one before it, so that the end of a file comes in one block.
LEAST = 1_000_000
# A line longer than this is no row: the file has no line ends, or is no text.
LONGEST_LINE = 50_000_000
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
# What two-byte UTF-8 of the Latin letters looks like when it was read as latin-1 or cp1252.
_MOJIBAKE = re.compile(
    "[\u00c2\u00c3][\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]|\u00e2\u20ac|\u00e2\u0080"
)
# The same text in UTF-8: only where these bytes stand can there be any of it.
_PERHAPS_MOJIBAKE = re.compile(rb"\xc3[\x82\x83\xa2]")
_CONTROL = re.compile(rb"\xc2[\x80-\x84\x86-\x9f]")


# The Latin letters of UTF-7.
_UTF7 = re.compile(r"\+A[I-P][A-Za-z0-9+/]-")


@dataclass(frozen=True)
class Block:
    """Whole lines of a file.

    Attributes
    ----------
    text : str
    share : float
        How much of the file has been read with it.
    last : bool
        Whether the file ends with it.
    """

    text: str
    share: float
    last: bool


class Blocks:
    """The blocks of a file, from its first line each time they are gone through.

    Attributes
    ----------
    encoding : str
        As found or declared.
    ended : bool
        Whether the last line that was read ends in a line end.
    """

    def __init__(self, content: bytes | Path, *, file: str, encoding: str | None) -> None:
        self._content, self.file = content, file
        self.size = len(content) if isinstance(content, bytes) else content.stat().st_size
        with self._opened() as stream:
            self._codec = _codec(stream.read(4), file=file, encoding=encoding)
        self.encoding = self._codec.removesuffix("-sig")
        self.ended = True
        self._damage: dict[str, Problem] = {}

    def _opened(self) -> BinaryIO:
        return io.BytesIO(self._content) if isinstance(self._content, bytes) else self._content.open("rb")

    def __iter__(self) -> Iterator[Block]:
        """Give the blocks.

        Raises
        ------
        InputError
            If the bytes are not text in that encoding; names the line and what to declare.
        """
        self._damage = {}
        line, kept = 1, ""
        for text, share, last in self._texts():
            kept += text
            cut = len(kept) if last else max(kept.rfind("\n"), kept.rfind("\r", 0, len(kept) - 1)) + 1
            if not cut and len(kept) > LONGEST_LINE:
                raise fault(
                    self.file,
                    Message("a line of more than {n} characters", n=LONGEST_LINE),
                    Message("lines of text"),
                    Message("ask for the file again: its line ends were lost"),
                    row=line,
                )
            whole, kept = kept[:cut], kept[cut:]
            self._inspect(whole, line)
            line += line_ends(whole)
            if last:
                self.ended = whole.endswith(("\n", "\r"))
            yield Block(whole, share, last)

    def _texts(self) -> Iterator[tuple[str, float, bool]]:
        decoder = codecs.getincrementaldecoder(self._codec)()
        newlines = done = 0
        with self._opened() as stream:
            raw, ahead = stream.read(BLOCK), stream.read(BLOCK)
            while True:
                if len(ahead) < LEAST:
                    raw, ahead = raw + ahead, stream.read(BLOCK)
                last = not ahead
                try:
                    text = decoder.decode(raw, final=last)
                except UnicodeDecodeError as error:
                    row = newlines + error.object[: error.start].count(b"\n") + 1
                    raise self._undecodable(error, row) from None
                newlines, done = newlines + raw.count(b"\n"), done + len(raw)
                yield text, done / max(self.size, 1), last
                if last:
                    return
                raw, ahead = ahead, stream.read(BLOCK)

    def _inspect(self, text: str, line: int) -> None:
        """Note text that was decoded but says it was damaged: NUL, lost characters, mojibake, C1 controls."""
        if "+A" in text and (letters := _UTF7.search(text)):
            self._damage.setdefault(
                "utf-7", self._damaged("utf-7", line + line_ends(text[: letters.start()]))
            )
        if text.isascii() and "\x00" not in text:
            return
        raw = text.encode()
        found = {"nul": text.find("\x00"), "lost": text.find("\ufffd"), "mojibake": -1, "control": -1}
        found["mark"] = text.find("\n\ufeff")
        if _PERHAPS_MOJIBAKE.search(raw) and (match := _MOJIBAKE.search(text)):
            found["mojibake"] = match.start()
        if control := _CONTROL.search(raw):
            found["control"] = len(raw[: control.start()].decode())
        for kind, at in found.items():
            if at >= 0 and kind not in self._damage:
                at += kind == "mark"
                self._damage[kind] = self._damaged(kind, line + line_ends(text[:at]))

    def _damaged(self, kind: str, row: int) -> Problem:
        told = {
            "nul": (Message("a NUL byte"), Message("ask for the file again: it is damaged, or not text")),
            "lost": (
                Message("a lost character (U+FFFD)"),
                Message("ask for the file again in UTF-8: letters were lost"),
            ),
            "mojibake": (
                Message(
                    "UTF-8 letters read as {encoding}, such as {letters}",
                    encoding=self.encoding,
                    letters="\u00c3\u00b3",
                ),
                Message(
                    "declare `encoding: utf-8`; if it already is, ask for the file again: it was saved twice"
                ),
            ),
            "control": (
                Message("a control character (0x80 to 0x9F)"),
                Message("declare `encoding: cp1252` (or mac_roman): those bytes are letters or quotes there"),
            ),
        }
        told |= {
            "mark": (
                Message("a byte-order mark at the start of a line, as where two files were joined"),
                Message("give each file on its own, as a source of the same table"),
            ),
            "utf-7": (
                Message("letters written as in UTF-7, such as +APM-"),
                Message("ask for the file again in UTF-8"),
            ),
        }
        found, action = told[kind]
        return Problem(found, Message("text as it was typed"), action, file=self.file, row=row)

    def refuse_damage(self) -> None:
        """Refuse the file for the damage in the blocks given so far.

        Raises
        ------
        InputError
            With the first line of each kind of damage.
        """
        if self._damage:
            kinds = ("nul", "lost", "mojibake", "control", "mark", "utf-7")
            raise unreadable(self.file, [self._damage[kind] for kind in kinds if kind in self._damage])

    def _undecodable(self, error: UnicodeDecodeError, row: int) -> InputError:
        byte = error.object[error.start : error.start + 1]
        high = self._bytes_used() & set(range(0x80, 0xA0))
        proposed = "cp1252" if high and not high & {0x81, 0x8D, 0x8F, 0x90, 0x9D} else "latin-1"
        if not high:
            action = Message(
                "add `encoding: latin-1` (that byte is then {letter!r}), or save the file as UTF-8",
                letter=byte.decode("latin-1"),
            )
        elif proposed == "cp1252":
            action = Message(
                "add `encoding: cp1252` (that byte is then {letter!r}), or save the file as UTF-8",
                letter=byte.decode("cp1252", "replace"),
            )
        else:
            action = Message(
                "ask how it was saved (mac_roman?), declare it as `encoding:`, or save the file as UTF-8"
            )
        return fault(
            self.file,
            Message(
                "byte 0x{byte}, which is not {encoding} text", byte=byte.hex().upper(), encoding=self.encoding
            ),
            Message("UTF-8, UTF-16 with its mark, or the encoding declared"),
            action,
            row=row,
        )

    def _bytes_used(self) -> set[int]:
        used = np.zeros(256, dtype=bool)
        with self._opened() as stream:
            while piece := stream.read(BLOCK):
                used |= np.bincount(np.frombuffer(piece, dtype=np.uint8), minlength=256) > 0
        return set(np.flatnonzero(used).tolist())


def _codec(start: bytes, *, file: str, encoding: str | None) -> str:
    mark = next((name for bom, name in _BOMS if start.startswith(bom)), None)
    if mark and encoding and not _same_family(mark, encoding):
        raise fault(
            file,
            Message(
                "the byte-order mark of {mark}, declared as {encoding}",
                mark=mark.removesuffix("-sig"),
                encoding=encoding,
            ),
            Message("the encoding the file starts with"),
            Message("remove `encoding:` from client.yaml"),
            row=1,
        )
    return mark or encoding or "utf-8"


def _same_family(mark: str, encoding: str) -> bool:
    marked, declared = (re.sub(r"[^a-z0-9]", "", each.lower()) for each in (mark, encoding))
    return marked.startswith(declared) or declared.startswith(marked)


def line_ends(text: str) -> int:
    r"""Return how many lines end in `text`, by ``\n``, ``\r\n`` or ``\r``.

    Examples
    --------
    >>> line_ends("a\r\nb\nc\rd")
    3
    """
    ends = text.count("\n")
    return ends + (text.count("\r") - text.count("\r\n") if "\r" in text else 0)
