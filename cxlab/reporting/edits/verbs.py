"""Words that say more than a kind of evidence allows, in both languages.

An experiment may say that something reduces; what came before, that it anticipates; an adjusted
association, that it goes with; a description, only that it is observed. Both languages are looked
through whatever the report's. A word that our own sentence of the claim has is allowed, and so is what is
denied (``does not cause``).
"""

from __future__ import annotations

import re
import unicodedata

# The weakest kind of evidence that may say it.
CAUSE, AHEAD, TOGETHER = "A", "B", "C"
_CAUSE = r"""
    caus(?:a|an|ó|aron|ará|arán|aba|aban|ando|ad[oa]s?)
    provoc(?:a|an|ó|aron|ará|arán|aba|aban|ando|ad[oa]s?)
    gener(?:a|an|ó|aron|ará|arán|aba|aban|ando|ad[oa]s?)
    produc(?:e|en|ía|ían|irá|irán|iendo|id[oa]s?) produj(?:o|eron)
    reduc(?:e|en|ía|ían|irá|irán|iendo|id[oa]s?) reduj(?:o|eron) aument(?:a|an|ó|aron|ará|arán)
    elev(?:a|an|ó|aron|ará|arán) ocasion(?:a|an|ó|aron|ará|arán) origin(?:a|an|ó|aron|ará|arán)
    impuls(?:a|an|ó|aron|ará|arán) impact(?:a|an|ó|aron) influy(?:e|en|ó|eron)
    determin(?:a|an|ó|aron) evit(?:a|an|ó|aron|ará|arán) incid(?:e|en|ió|ieron) logr(?:a|an|ó|aron)
    gracias_a debido_a por_culpa_de a_causa_de a_raíz_de hac(?:e|en)_que llev(?:a|an|ó|aron)_a
    conduc(?:e|en)_a deriv(?:a|an|ó|aron)_en consecuencia_de efecto_(?:de|del|sobre|en)
    impacto_(?:de|del|sobre|en) caus(?:es|ed|ing) causes? reduc(?:es|ed|ing) increas(?:es|ing)
    improves boosts boosted raises lowers drives driven_by drove generat(?:es?|ed|ing)
    produc(?:es|ed|ing) trigger(?:s|ed)? prevents? prevented makes impacts influenc(?:es|ed)
    affect(?:s|ed)? due_to thanks_to owing_to because_of leads?_to led_to result(?:s|ed)_in
    effects?_(?:of|on) impact_(?:of|on)
"""
_BARE = "reduce cause increase improve produce drive influence make"
_REASON = "porque because"  # of a recommendation they claim nothing about the data
_AHEAD = r"""
    anticip(?:a|an|ó|aron) predic(?:e|en) predij(?:o|eron) preced(?:e|en|ió|ieron)
    pronostic(?:a|an|ó|aron) predict(?:s|ed)? anticipat(?:es|ed) preced(?:es?|ed) forecasts?
    foretells?
"""
_TOGETHER = r"""
    se_asoci(?:a|an|ó|aron) asociad[oa]s?_(?:a|con) va_con van_con se_relacion(?:a|an|ó|aron)
    se_correlacion(?:a|an|ó|aron) se_vincul(?:a|an|ó|aron) associated_with go(?:es)?_with
    relat(?:es|ed)_to correlat(?:es|ed)_with linked_to
"""
_NOT = re.compile(
    r"(?:\b(?:no|ni|not|nunca|never|nor|cannot)|n't)(?:\s+(?:se|necessarily|necesariamente))?\s*$"
)


def _pattern(words: str) -> re.Pattern[str]:
    every = "|".join(word.replace("_", r"\s+") for word in words.split())
    return re.compile(rf"\b(?:{every})\b")


_ADVICE = ((CAUSE, _pattern(_CAUSE + _BARE)), (AHEAD, _pattern(_AHEAD)))
_SENTENCE = (*_ADVICE, (CAUSE, _pattern(_REASON)), (TOGETHER, _pattern(_TOGETHER)))
_BEGINNING = re.compile(r"(?:^|[.;:!?]|\b(?:y|and))\s*$")


def too_strong(text: str, grade: str, *, own: str = "", advice: bool = False) -> list[str]:
    """Return the words of a text that claim more than its grade allows, once each.

    Parameters
    ----------
    text : str
        Without its placeholders.
    grade : {"A", "B", "C", "D"}
    own : str
        Our own sentence: its words are allowed.
    advice : bool
        Whether it says what to do, where an imperative is no claim.

    Examples
    --------
    >>> too_strong("La boleta reduce la fuga, gracias a su claridad", "C")
    ['reduce', 'gracias a']
    >>> too_strong("It goes with loyalty and does not cause it", "C"), too_strong("It goes with loyalty", "D")
    ([], ['goes with'])
    """
    said, known = _folded(text), _folded(own)
    found = []
    for weakest, pattern in _ADVICE if advice else _SENTENCE:
        if grade <= weakest:
            continue
        for match in pattern.finditer(said):
            word = " ".join(match[0].split())
            before = said[: match.start()]
            let = _NOT.search(before) or (advice and " " not in word and _BEGINNING.search(before))
            if not let and not re.search(rf"\b{re.escape(word)}\b", known):
                found.append(word)
    return list(dict.fromkeys(found))


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
