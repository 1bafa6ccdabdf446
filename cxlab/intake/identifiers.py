"""What identifies a person, told from its writing and check digits: e-mail, phone, card, RUT, DNI/NIE, CURP.

A pattern alone is an accusation; the check digit is the evidence. Where there is none (phones), the
way it is written must say so: a plus sign, the grouping of a country's numbers, or a word before it.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

Identifier = Literal["e-mail", "phone", "card", "RUT", "DNI/NIE", "CURP"]

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]")
_DASHES = re.compile("[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")

_AT = r"(?:\s?(?:@|[(\[{<](?:at|arroba|a)[)\]}>])\s?|\s+arroba\s+)"
_AT_WORD = re.compile(r"(?i)[(\[{<]a|arroba")
_EMAIL = re.compile(
    rf"(?i)[\w.%+'-]{{1,64}}{_AT}\w[\w.-]{{0,190}}(?:(?:\.|\s+punto\s+)[a-z]{{2,24}}|,(?:com|cl|es|mx|net|org))(?![a-z])"
)
_RUT = re.compile(r"(?<![\w.,-])(\d{1,2}\.\d{3}\.\d{3}|\d{7,8})\s?-\s?([\dkK])(?![\w-])")
# Dots and check digit together are written for nothing else: whatever letters stand before.
_RUT_DOTTED = re.compile(r"(?<![\d.,-])(\d{1,2}\.\d{3}\.\d{3})\s?-\s?([\dkK])(?![\w-])")
_RUT_WORDED = re.compile(r"(?i)\b(?:rut|run|r\.u\.t\.?)\W{0,4}(\d{1,2}\.?\d{3}\.?\d{3})[\s-]?([\dkK])(?!\w)")
_DNI = re.compile(r"(?<![\w-])(\d{1,2}\.?\d{3}\.?\d{3}|\d{8})[\s-]?([A-Za-z])(?![\w-])")
_NIE = re.compile(r"(?<![\w-])([XYZxyz])[\s-]?(\d{7})[\s-]?([A-Za-z])(?![\w-])")
_CURP = re.compile(
    r"(?i)[A-Z]{4}\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[HMX][A-Z]{2}[B-DF-HJ-NÑP-TV-Z]{3}[A-Z\d]\d(?!\w)"
)
_CARD = re.compile(r"(?<![\w.,-])\d(?:[ -]?\d){13,18}(?![\w-]|[.,]\d)")
# Start and length by scheme: thirteen digits are the number of a product, not of a card.
_CARD_WRITTEN = re.compile(
    r"4(?:\d{15}|\d{18})|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}|35\d{14}|6\d{15}(?:\d{2,3})?|5[06-8]\d{14}"
)

_EDGE, _END = r"(?<![\w.,-])(?<!\d:)(?<!\w/)(?<!\d\s)", r"(?!\w|[.,:-]\d|/(?:\d|\w{1,2}\b))"
_PHONES = tuple(
    re.compile(pattern)
    for pattern in (
        # International: a plus sign, or 00, and 8 to 15 digits in groups.
        r"(?<![\w.,])(?:\+|00)\s?\(?[1-9]\d{0,3}\)?(?:[\s.()-]{0,3}\d{1,4}){2,6}(?!\w)",
        # Chile: mobile 9 1234 5678, with or without 56 (91234-5678 alone may be a ZIP); fixed (2) 2345 6789.
        _EDGE
        + r"(?:56[\s-]?9[\s-]?\d{4}[\s-]?\d{4}|9(?:[\s-]\d{4}[\s-]?\d{4}|\d{4}\s?\d{4}|\.\d{4}\.\d{4}))"
        + _END,
        _EDGE + r"(?:56[\s-]?)?\(?(?:0?2|[3-7]\d)\)?[\s-]2\d{2,3}[\s-]?\d{4}" + _END,
        # Spain: 612 345 678, 612-34-56-78, 612345678.
        _EDGE + r"(?:34[\s-]?)?[679]\d{2}(?:([\s-])\d{3}\1\d{3}|([\s-])\d{2}\2\d{2}\2\d{2}|\d{6})" + _END,
        # Mexico: 55 1234 5678, (998) 123-4567, with or without 52 and 1.
        _EDGE + r"(?:52[\s-]?1?[\s-]?)?(?:\(\d{2}\)|\d{2})[\s-]\d{4}[\s-]\d{4}" + _END,
        _EDGE + r"(?:52[\s-]?1?[\s-]?)?(?:\(\d{3}\)\s?|\d{3}[\s-])\d{3}[\s-]\d{4}" + _END,
        # Any 8 to 12 digits after a word that announces a phone.
        r"(?i)\b(?:tel[eé]?f?o?n?o?s?|fonos?|cel(?:ular)?|m[oó]vil|whats?app|wsp|phone|call|ll[aá]m\w*|contacto)\b\W{0,6}"
        r"(?:\w{1,8}\W{1,3}){0,2}\d(?:[\s-]?\d){7,11}(?!\d)",
    )
)
_DATE_LIKE = re.compile(
    r"(?:19|20)\d{2}[\s-](?:0?[1-9]|1[0-2])\b|\b(?:0?[1-9]|[12]\d|3[01])[\s-](?:0?[1-9]|1[0-2])[\s-](?:19|20)\d{2}"
)
# What comes before the bare digits of a ticket or an invoice, and how an amount with its sign ends.
_REFERENCE = re.compile(
    r"(?i)(?:\b(?:ticket|pedido|orden|order|caso|case|folio|factura|boleta|invoice|contrato|reclamo|solicitud|"
    r"c[oó]digo|code|sku|serie|serial|ref|id|nro|n[°ºo]|ot|oc)|#)\W{0,3}$"
)
_CURRENCY_BEFORE = re.compile(r"(?i)(?:[$€£]|\b(?:clp|usd|eur|mxn|uf))\s?$")
_CURRENCY_AFTER = re.compile(r"(?i)\s?(?:[$€£%]|(?:clp|usd|eur|euros?|mxn|pesos?|d[oó]lares)\b)")
_SIGNED_AMOUNT = re.compile(r"\+\s?\d+[.,]\d{1,2}")
# Marks that dress a word up, as in chats and notes: _x_, *x*, `x`.
_ADORNMENT = re.compile(r"(?<![^\W_])_+|_+(?![^\W_])|[*~`]+")
_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
_CURP_ALPHABET = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ"


def readable(text: str) -> str:
    """Return `text` with its disguises off: full-width digits, invisible characters, fancy dashes.

    Examples
    --------
    >>> readable("１２\u200b－k")
    '12-k'
    """
    if text.isascii():
        return text
    return _DASHES.sub("-", _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)))


def identifier(text: str) -> Identifier | None:
    """Return the kind of the first identifier written in `text`, or None.

    Examples
    --------
    >>> identifier("a ana.perez@example.cl"), identifier("rut 12.345.678-5"), identifier("12.345.678-6")
    ('e-mail', 'RUT', None)
    """
    text = _undressed(readable(text))
    if not any(each.isdigit() for each in text) and not ("@" in text or _AT_WORD.search(text)):
        return None
    if _EMAIL.search(text):
        return "e-mail"
    if any(curp_holds(match[0]) for match in _CURP.finditer(text)):
        return "CURP"
    for pattern in (_RUT, _RUT_DOTTED, _RUT_WORDED):
        if any(rut_holds(match[1] + match[2]) for match in pattern.finditer(text)):
            return "RUT"
    if any(dni_holds(match[1] + match[2]) for match in _DNI.finditer(text)):
        return "DNI/NIE"
    if any(dni_holds(match[1] + match[2] + match[3]) for match in _NIE.finditer(text)):
        return "DNI/NIE"
    if any(card_holds(match[0]) for match in _CARD.finditer(text)):
        return "card"
    return "phone" if _holds_phone(text) else None


def _holds_phone(text: str) -> bool:
    return any(_means_phone(match, text) for pattern in _PHONES for match in pattern.finditer(text))


def _means_phone(match: re.Match[str], text: str) -> bool:
    """Tell whether what is written like a phone is not a date, an amount or the number of a ticket."""
    found = match[0]
    digits = re.sub(r"\D", "", found)
    if not 8 + 2 * found.startswith("00") <= len(digits) <= 15 or len(set(digits)) <= 2:
        return False
    if found.startswith("+"):
        return not _SIGNED_AMOUNT.fullmatch(found)
    before, after = text[max(0, match.start() - 16) : match.start()], text[match.end() : match.end() + 8]
    if _CURRENCY_BEFORE.search(before) or _CURRENCY_AFTER.match(after):
        return False
    return not (_DATE_LIKE.search(found) or (found.isdigit() and _REFERENCE.search(before)))


def _undressed(text: str) -> str:
    if "_" in text or "*" in text or "~" in text or "`" in text:
        text = _ADORNMENT.sub(" ", text)
    return text.strip("- ") if text.startswith("-") and text.endswith("-") else text


def rut_holds(text: str) -> bool:
    """Tell whether the last character is the RUT's check digit (modulus 11).

    Examples
    --------
    >>> rut_holds("12.345.678-5"), rut_holds("123456780")
    (True, False)
    """
    body, check = re.sub(r"[^\dkK]", "", text)[:-1], text.strip()[-1:].upper()
    if not 7 <= len(body) <= 8 or not body.isdigit() or len(set(body)) == 1:
        return False
    total = sum(int(digit) * (2 + at % 6) for at, digit in enumerate(reversed(body)))
    return check == "0123456789K"[-total % 11]


def dni_holds(text: str) -> bool:
    """Tell whether the last letter is that of the DNI or NIE (modulus 23).

    Examples
    --------
    >>> dni_holds("12345678Z"), dni_holds("X1234567L"), dni_holds("12345678A")
    (True, True, False)
    """
    plain = re.sub(r"[^0-9A-Za-z]", "", text).upper()
    body = (
        plain[:-1].replace("X", "0").replace("Y", "1").replace("Z", "2") if plain[:1] in "XYZ" else plain[:-1]
    )
    return len(body) == 8 and body.isdigit() and plain[-1] == _DNI_LETTERS[int(body) % 23]


def card_holds(text: str) -> bool:
    """Tell whether the digits are those of a payment card: a known start and Luhn's sum.

    Examples
    --------
    >>> card_holds("4111 1111 1111 1111"), card_holds("4111 1111 1111 1112")
    (True, False)
    """
    digits = re.sub(r"\D", "", text)
    if not _CARD_WRITTEN.fullmatch(digits) or len(set(digits)) == 1:
        return False
    doubled = [int(each) * (1 + at % 2) for at, each in enumerate(reversed(digits))]
    return sum(each - 9 * (each > 9) for each in doubled) % 10 == 0


def curp_holds(text: str) -> bool:
    """Tell whether the last digit is the CURP's check digit.

    Examples
    --------
    >>> curp_holds("HEGG560427MVZRRL04"), curp_holds("HEGG560427MVZRRL05")
    (True, False)
    """
    plain = text.upper()
    if len(plain) != 18:
        return False
    total = sum(_CURP_ALPHABET.index(each) * (18 - at) for at, each in enumerate(plain[:17]))
    return plain[-1] == str(-total % 10)


def plain_digits_kind(digits: str) -> Identifier | None:
    """Return what a cell of digits alone could be; one such cell proves nothing, a column of them does."""
    if card_holds(digits):
        return "card"
    if re.fullmatch(r"(?:56)?9\d{8}|(?:34)?[67]\d{8}|52\d{10}", digits):
        return "phone"
    return "RUT" if re.fullmatch(r"[1-9]\d{7,8}", digits) and rut_holds(digits) else None
