"""The check digits of what identifies a person: RUT, DNI/NIE, CURP, RFC, payment card and IBAN."""

from __future__ import annotations

import re

# Start and length by scheme: thirteen digits are the number of a product, not of a card.
_CARD_WRITTEN = re.compile(
    r"4(?:\d{15}|\d{18})|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}|35\d{14}|6\d{15}(?:\d{2,3})?|5[06-8]\d{14}"
)
_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
_CURP_ALPHABET = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ"
_RFC_ALPHABET = "0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ Ñ"
# How long an account is in each country that has them.
_BY_LENGTH = {
    15: "NO", 16: "BE", 18: "DK FI FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST", 26: "IS TR",
    27: "BI DJ FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HN HU LB NI PL SV", 29: "BR EG PS QA UA",
    30: "JO KW MU", 31: "MT SC", 32: "LC", 33: "RU",
}  # fmt: skip
IBAN_LENGTHS = {country: length for length, named in _BY_LENGTH.items() for country in named.split()}


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


def rfc_holds(text: str) -> bool:
    """Tell whether the last character is the check digit of a person's RFC (modulus 11).

    That of a firm, of twelve characters, names no person; neither do the two for the public at large.

    Examples
    --------
    >>> rfc_holds("GODE561231GR8"), rfc_holds("GODE561231GR9"), rfc_holds("XAXX010101000")
    (True, False, False)
    """
    plain = text.upper()
    if len(plain) != 13 or plain in ("XAXX010101000", "XEXX010101000"):
        return False
    total = sum(_RFC_ALPHABET.index(each) * (13 - at) for at, each in enumerate(plain[:12]))
    return plain[-1] == "0123456789A"[-total % 11]


def iban_holds(text: str) -> bool:
    """Tell whether an account number is as long as its country's and its check digits hold (modulus 97).

    Examples
    --------
    >>> iban_holds("ES91 2100 0418 4502 0005 1332"), iban_holds("ES92 2100 0418 4502 0005 1332")
    (True, False)
    """
    plain = re.sub(r"[^0-9A-Za-z]", "", text).upper()
    if IBAN_LENGTHS.get(plain[:2]) != len(plain):
        return False
    return int("".join(str(int(each, 36)) for each in plain[4:] + plain[:4])) % 97 == 1
