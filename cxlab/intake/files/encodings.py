"""Which encoding the bytes of a text are in, with the words that show it.

A byte-order mark or valid UTF-8 settles it. Otherwise the single-byte encodings that client files come in
are told apart by what each makes of the bytes: letters of Spanish and English words, or signs in the middle
of a word. Only words of the first lines, or those that come back often, are shown: another may be a name.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from cxlab.errors import Message

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
CANDIDATES = ("latin-1", "cp1252", "mac_roman", "cp850")
_LETTERS = "áéíóúñüàèìòùçâêîôûãõï"
_AROUND = re.compile(r"[^\W\d_]*[^\x00-\x7f]+\w*")
_BESIDE = re.compile(r"[^\W\d_]?[^\x00-\x7f]+[^\W\d_]?")
_WORD_SHOWN = 24
# Lines from the top whose words may be shown: titles and names of columns.
HEADER_LINES = 3
# A word found in so many places is a category or an expression, not somebody's name.
OFTEN = 25
_LIKELY_SIGNS = set("’‘“”–—…€ºª°¿¡«»·´\u00a0®™£½¼")


@dataclass(frozen=True)
class Encoded:
    """An encoding, how sure it is (0 to 1), and why."""

    encoding: str
    confidence: float
    evidence: tuple[Message, ...]


def found_encoding(content: bytes) -> Encoded:
    """Return the encoding that the bytes are most likely in.

    Examples
    --------
    >>> found_encoding("Región;Núm".encode("latin-1")).encoding, found_encoding("Región".encode()).encoding
    ('latin-1', 'utf-8')
    >>> found_encoding("Región;Satisfacción".encode("mac_roman")).encoding
    'mac_roman'
    """
    mark = next((name for bom, name in _BOMS if content.startswith(bom)), None)
    if mark:
        return Encoded(mark, 1.0, (Message("starts with the byte-order mark of {encoding}", encoding=mark),))
    if content.isascii():
        return Encoded("utf-8", 1.0, (Message("only ASCII characters"),))
    try:
        _whole(content).decode("utf-8")
    except UnicodeDecodeError:
        return _single_byte(content)
    return Encoded("utf-8", 1.0, (Message("every byte is valid UTF-8"),))


def _whole(content: bytes) -> bytes:
    """Return the bytes without a character that the end of a sample has cut."""
    tail = re.search(rb"[\xc2-\xf4][\x80-\xbf]{0,2}\Z", content[-4:])
    return content[: len(content) - len(tail[0])] if tail else content


def _single_byte(content: bytes) -> Encoded:
    high = {byte for byte in content if byte >= 0x80}
    controls = high & set(range(0x80, 0xA0))
    possible = [each for each in CANDIDATES if each != ("cp1252" if not controls else "latin-1")]
    if controls & {0x81, 0x8D, 0x8F, 0x90, 0x9D}:
        possible = [each for each in possible if each != "cp1252"]
    scores = {each: _fit(content.decode(each)) for each in possible}
    best, second = sorted(scores, key=lambda each: -scores[each])[:2]
    evidence = [*_words(content, best, second)]
    mixed = len(re.findall(rb"[\xc3][\x80-\xbf]", content))
    if mixed and best in ("latin-1", "cp1252") and scores[best] < 1:
        evidence.append(Message("{n} pairs of bytes are UTF-8 letters: two encodings in one file?", n=mixed))
        return Encoded(best, 0.3, tuple(evidence))
    if best == "latin-1" and not controls:
        evidence.append(Message("no byte in which latin-1 and cp1252 differ"))
    lead = scores[best] - max(scores[second], 0.0)
    return Encoded(best, 0.95 if scores[best] > 0.6 and lead > 0.3 else 0.4, tuple(evidence))


def _fit(text: str) -> float:
    """Return from -1 to 1 how well the characters beyond ASCII sit in their words."""
    seen = Counter(match[0] for match in re.finditer(r"[^\W\d_]?[^\x00-\x7f]+[^\W\d_]?", text))
    total = sum(seen.values())
    return sum(n * _sense(each) for each, n in seen.items()) / total if total else 0.0


def _sense(group: str) -> float:
    """Tell whether a group of characters beyond ASCII, with its neighbours, reads as written by a person."""
    foreign = [each for each in group if not each.isascii()]
    if any(each.isprintable() is False and each != "\u00a0" for each in foreign):
        return -1.0
    if all(each.casefold() in _LETTERS for each in foreign):
        inner = [each for each in group if each.isalpha()]
        lower = [each.islower() for each in inner]
        one_case = all(lower) or not any(lower) or (not lower[0] and all(lower[1:]))
        return 1.0 if one_case and len(foreign) <= 2 else -0.5
    if foreign == ["\u2019"] and len(group) == 3 and group[-1] in "stdmrvl":
        return 1.4  # an apostrophe: hospital’s, don’t
    return 0.8 if all(each in _LIKELY_SIGNS for each in foreign) else -1.0


def _words(content: bytes, best: str, second: str) -> list[Message]:
    """Return a few words as both encodings read them; by count alone where none may be shown."""
    lines = content.splitlines()[:HEADER_LINES]
    shown: dict[str, tuple[int, str]] = {}
    for number, line in enumerate(lines, start=1):
        ours, theirs = line.decode(best, "replace"), line.decode(second, "replace")
        # Under the first line words may be somebody's name: of those, the letters at either side alone.
        for match in (_AROUND if number == 1 else _BESIDE).finditer(ours):
            word = match[0][:_WORD_SHOWN]
            shown.setdefault(word, (number, theirs[match.start() : match.start() + len(word)]))
    said = [
        Message(
            "line {line}: {word!r} ({encoding}) / {other!r} ({second})",
            line=number,
            word=word,
            encoding=best,
            other=other,
            second=second,
        )
        for word, (number, other) in list(shown.items())[:3]
    ]
    if said:
        return said
    often = Counter(match[0][:_WORD_SHOWN] for match in _AROUND.finditer(content.decode(best)))
    said = [
        Message("{n} times {word!r} ({encoding})", n=n, word=word, encoding=best)
        for word, n in often.most_common(2)
        if n >= OFTEN
    ]
    count = sum(often.values())
    return said or [
        Message("{n} words with letters or signs beyond ASCII, right as {encoding}", n=count, encoding=best)
    ]
