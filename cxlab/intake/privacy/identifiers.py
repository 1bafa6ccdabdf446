"""What identifies a person, told from how it is written and from its check digits.

E-mails, phones, cards and accounts (IBAN), RUT (Chile), DNI/NIE (Spain), CURP and RFC (Mexico), SSN
(United States), passports and IP addresses. A pattern alone is an accusation; the check digit is the
evidence. Where there is none, the way it is written must say so: a plus sign, the grouping of a
country's numbers, or a word before it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address
from typing import Literal

from cxlab.errors import Message
from cxlab.intake.privacy.checkdigits import (
    IBAN_LENGTHS,
    card_holds,
    curp_holds,
    dni_holds,
    iban_holds,
    rfc_holds,
    rut_holds,
)

Identifier = Literal[
    "e-mail", "phone", "card", "RUT", "DNI/NIE", "CURP", "RFC", "IBAN", "SSN", "passport", "IP address"
]
# How a reader is told of them; those that are not here are called so in every language.
_SPOKEN = {
    "phone": Message("phone"),
    "card": Message("card"),
    "passport": Message("passport"),
    "IP address": Message("IP address"),
}

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
_RFC = re.compile(
    r"(?i)(?<![A-Z\dÑ&])([A-ZÑ&]{4})[\s-]?(\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))[\s-]?([A-Z\d]{2}[\dA])(?![\w&])"
)
_IBAN = re.compile(r"(?i)(?<![A-Z\d])([A-Z]{2})\d{2}(?=[ -]?[A-Z\d]{4})")
_SSN = re.compile(r"(?<![\w.,-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-]|[.,]\d)")
_SSN_WORDED = re.compile(
    r"(?i)\b(?:ssn|social security(?: number)?|seguro social)\b\W{0,4}(?:\w{1,7}\W{1,3}){0,2}"
    r"(?!000|666|9)\d{3}[ -]?(?!00)\d{2}[ -]?(?!0000)\d{4}(?!\w)"
)
_PASSPORT = re.compile(
    r"(?i)\b(?:pasaporte|passport)\b\W{0,4}(?:(?:n[°ºo.]{0,2}|n[uú]m(?:ero|ber)?|number|es|is)\W{0,3}){0,2}"
    r"[A-Z]{0,3}\d{6,9}(?!\w)"
)
_IP = re.compile(r"(?<![\w.,:-])((?:\d{1,3}\.){3}\d{1,3})(?!\w|[.,-]\d)")
_IP_WORD = re.compile(r"(?i)(?:\bip(?:v4)?\b|\bip[ _-]?addr\w*|\bhost\b)\W{0,4}(?:\w{1,9}\W{1,3}){0,2}$")
_IP6 = re.compile(r"(?i)(?<![\w:.])(?:[\da-f]{1,4}:{1,2}){3,7}[\da-f]{1,4}(?![\w:])")
_CARD = re.compile(r"(?<![\w.,-])\d(?:[ -]?\d){13,18}(?![\w-]|[.,]\d)")

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


_UUID = re.compile(r"(?i)(?<![\w-])[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}(?![\w-])")
# In the order of the strength of their evidence; what is within the groups, else all, must hold.
_WRITTEN: tuple[tuple[Identifier, re.Pattern[str], Callable[[str], bool] | None], ...] = (
    ("CURP", _CURP, curp_holds),
    ("RFC", _RFC, rfc_holds),
    ("RUT", _RUT, rut_holds),
    ("RUT", _RUT_DOTTED, rut_holds),
    ("RUT", _RUT_WORDED, rut_holds),
    ("DNI/NIE", _DNI, dni_holds),
    ("DNI/NIE", _NIE, dni_holds),
    ("card", _CARD, card_holds),
    ("SSN", _SSN, None),
    ("SSN", _SSN_WORDED, None),
    ("passport", _PASSPORT, None),
)


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
    digits = sum(map(str.isdigit, text))
    if ("@" in text or _AT_WORD.search(text)) and _EMAIL.search(text):
        return "e-mail"
    # Four digits can be an IP address, six a passport; all else has seven or more.
    if digits < 4:
        return None
    return next((kind for kind, _ in written(text)), None) or ("phone" if _holds_phone(text) else None)


def written(text: str, *, checked: bool = True) -> Iterator[tuple[Identifier, str]]:
    """Give what in `text` is written like an identifier that has a check digit or rules of its own.

    Parameters
    ----------
    text : str
    checked : bool
        Only what holds; else all that has the shape, so that the share which holds can be told.
    """
    yield from (("IBAN", found) for found in _accounts(text) if not checked or iban_holds(found))
    for kind, pattern, holds in _WRITTEN:
        for match in pattern.finditer(text):
            if not checked or holds is None or holds("".join(match.groups()) or match[0]):
                yield kind, match[0]
    yield from (("IP address", found) for found in _addresses(text, checked=checked))


def spoken(kind: Identifier) -> Message:
    """Return how a reader is told of a kind of identifier."""
    return _SPOKEN.get(kind) or Message("{kind}", kind=kind)


@lru_cache(maxsize=64)
def _account_body(length: int) -> re.Pattern[str]:
    return re.compile(rf"(?i)(?:[ -]?[A-Z\d]){{{length - 4}}}(?![A-Z\d])")


def _accounts(text: str) -> Iterator[str]:
    """Give what is written like an IBAN: a country's letters and as many characters as it uses."""
    for match in _IBAN.finditer(text):
        length = IBAN_LENGTHS.get(match[1].upper())
        body = length and _account_body(length).match(text, match.end())
        if body:
            yield match[0] + body[0]


def _addresses(text: str, *, checked: bool) -> Iterator[str]:
    """Give the IP addresses of `text`: what 1.2.3.4 is, a word or the size of its numbers must say."""
    if ":" in text:
        yield from (match[0] for match in _IP6.finditer(text) if not checked or _means_ip6(match[0]))
    for match in _IP.finditer(text):
        if not checked or (
            ip_written(match[1])
            and (_means_ip(match[1]) or _IP_WORD.search(text[max(0, match.start() - 40) : match.start()]))
        ):
            yield match[1]


def ip_written(text: str) -> bool:
    """Tell whether `text` is four numbers of 0 to 255, as an IP address or a version has them.

    Examples
    --------
    >>> ip_written("190.45.23.118"), ip_written("1.234.567.890"), ip_written("10.01.2.3")
    (True, False, False)
    """
    parts = text.split(".")
    if len(parts) != 4:
        return False
    return all(each.isdigit() and int(each) <= 255 and (each == "0" or each[0] != "0") for each in parts)


def _means_ip(text: str) -> bool:
    # Versions and chapters count from small numbers, accounts of a ledger start with one digit.
    numbers = [int(each) for each in text.split(".")]
    return 10 <= numbers[0] < 224 and numbers[0] != 127 and sum(each >= 100 for each in numbers) >= 2


def _means_ip6(text: str) -> bool:
    # 10:30:00:12 is a time and aa:bb:cc:dd:ee:ff the number of a device.
    if not (re.search(r"[\da-fA-F]{3}", text) and ("::" in text or text.count(":") == 7)):
        return False
    try:
        return bool(IPv6Address(text))
    except AddressValueError:
        return False


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
    if text.count("-") >= 4:
        text = _UUID.sub(" ", text)  # of its digits some always look like a phone
    return text.strip("- ") if text.startswith("-") and text.endswith("-") else text


def plain_digits_kind(digits: str) -> Identifier | None:
    """Return what a cell of digits alone could be; one such cell proves nothing, a column of them does."""
    if card_holds(digits):
        return "card"
    if re.fullmatch(r"(?:56)?9\d{8}|(?:34)?[67]\d{8}|52\d{10}", digits):
        return "phone"
    return "RUT" if re.fullmatch(r"[1-9]\d{7,8}", digits) and rut_holds(digits) else None
