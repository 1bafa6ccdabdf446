"""Why there is no answer, as the label of a code says it: not asked, does not apply, not known, refused.

Whole words and phrases of questionnaires in Spanish and English; short forms (NS/NR, DK, NA) only where
they are the whole label.
"""

from __future__ import annotations

import re

_BEFORE = r"^\W*(?:-?\d+\W+)?"
_AFTER = r"\W*(?:-?\d+\W*)?$"

# In this order: the more exact first. "No sabe / no responde" is first of all someone who does not know.
_PHRASES: tuple[tuple[str, str], ...] = (
    (
        "not_asked",
        r"not asked|was ?n[o']t asked|not shown|no (?:se )?(?:le )?pregunt\w*|pregunta no (?:realizada|"
        r"formulada|aplicada)|no (?:se )?(?:mostr[oó]|mostrada)|salto de pregunta|"
        r"skip(?:ped)? by (?:logic|design|filter)",
    ),
    (
        "not_applicable",
        r"no aplica\w*|no (?:le )?corresponde|no procede|not applicable|inapplicable|does ?n[o']t apply|"
        r"does not apply|never used|nunca (?:lo |la )?(?:ha |he )?us(?:ado|[oó]|[eé])",
    ),
    (
        "dont_know",
        r"no sab(?:e|en|r[ií]a)\b(?! usar)|no lo s[eé]|no s[eé]\b(?! usar)|don'?t know|do(?:es)? not know|"
        r"can'?t (?:say|recall|remember)",
    ),
    (
        "refused",
        r"no respond\w*|no contest\w*|se neg[oó]|se niega|refused?\b|refusal|declined|declines|"
        r"prefer(?:s|red)? not|rather not|prefier[oe] no|rehus\w*|reh[uú]s\w*|rechaz\w* responder",
    ),
    (
        "technical",
        r"error (?:t[eé]cnico|de sistema)|technical|interview (?:cut|broken)|"
        r"entrevista (?:cortada|incompleta)",
    ),
    (
        "missing",
        r"sin (?:respuesta|dato|datos|informaci[oó]n)|no answer|no response|no data|missing|perdid[oa]s?|"
        r"omitid[oa]|en blanco|blank|unanswered|not answered",
    ),
)
_SHORT: tuple[tuple[str, str], ...] = (
    ("not_applicable", r"n ?[/.]? ?a\.?|n\.? ?p\.?|inap"),
    (
        "dont_know",
        r"n\.? ?s\.?(?: ?[/\-.,] ?n\.? ?[rca]\.?)?|d\.? ?k\.?(?: ?[/\-.,] ?(?:na|nr|rf|ref))?|nsnr|nsnc|dkna",
    ),
    ("refused", r"n\.? ?[/.]? ?[rc]\.?|rf|ref"),
)
_WORDED = [(reason, re.compile(rf"\b(?:{words})", re.IGNORECASE)) for reason, words in _PHRASES]
_SHORTENED = [
    (reason, re.compile(f"{_BEFORE}(?:{words}){_AFTER}", re.IGNORECASE)) for reason, words in _SHORT
]


def reason_of(label: str) -> str:
    """Return why there is no answer if a label says so, else an empty text.

    Parameters
    ----------
    label : str
        As the questionnaire calls a code.

    Returns
    -------
    str
        not_asked, not_applicable, dont_know, refused, technical, missing, or nothing.

    Examples
    --------
    >>> [reason_of(each) for each in ("99. NS/NR", "No aplica", "Prefiero no decir", "Not asked", "Bueno")]
    ['dont_know', 'not_applicable', 'refused', 'not_asked', '']
    """
    short = next((reason for reason, words in _SHORTENED if words.search(label)), "")
    return short or reason_worded(label)


def reason_worded(text: str) -> str:
    """Return why there is no answer if a text says so in words, else an empty text.

    Short forms are left alone: NA in a cell may as well be "not available".

    Examples
    --------
    >>> reason_worded("No sabe / No responde"), reason_worded("NA")
    ('dont_know', '')
    """
    plain = text.replace("\u2019", "'")
    return next((reason for reason, words in _WORDED if words.search(plain)), "")
