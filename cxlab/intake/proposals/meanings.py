"""What the texts of a column mean: canonical values, one writing for variants, yes and no, no answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

from cxlab.errors import Message
from cxlab.intake.declared.models import Reason
from cxlab.intake.proposals.profiles import Profile
from cxlab.intake.proposals.proposal import ValueProposal
from cxlab.intake.proposals.vocabulary import canonical_value, folded, vocabulary

# More texts than this are not listed one by one.
MOST_LISTED = 60
_USUAL_CODES = ("99", "98", "999", "9999", "-1", "-9", "-99")


def listed(
    profile: Profile, missing: Mapping[str, Reason], recodes: Mapping[str, str]
) -> tuple[ValueProposal, ...]:
    """Return the texts of a column that the workbook lists: all if few, else those that mean something."""
    chosen = list(profile.counts) if len(profile.counts) <= MOST_LISTED else [*missing, *recodes]
    return tuple(
        ValueProposal(
            found=text,
            count=profile.counts.get(text, 0),
            label=profile.labels.get(text, ""),
            means="" if text in missing else recodes.get(text, ""),
            reason=missing.get(text),
        )
        for text in dict.fromkeys(chosen)
    )


def reasons_of(profile: Profile) -> dict[str, Reason]:
    """Return the texts that say themselves that there is no answer; cells of blanks are one of them."""
    found = cast("dict[str, Reason]", dict(profile.reasons))
    return found


def canonical_recodes(
    profile: Profile, column: str, enum: tuple[str, ...]
) -> tuple[dict[str, str], list[str]]:
    """Return what stands for each canonical value of a column, and the texts for which none was found."""
    recodes: dict[str, str] = {}
    unknown = []
    words = profile.leading
    for text in profile.answers:
        label = profile.labels.get(text, "") or (words[text][1] if text in words else "")
        value = canonical_value(column, text, label)
        if not value and folded(text).replace(" ", "_") in enum:
            value = folded(text).replace(" ", "_")
        if value and value != text:
            recodes[text] = value
        elif not value and text not in enum:
            unknown.append(text)
    return recodes, unknown


def flag_recodes(profile: Profile, column: str) -> dict[str, str] | None:
    """Return what stands for 1 and 0; None if the texts are not two that are known."""
    if set(profile.answers) <= {"0", "1"}:
        return {}
    if profile.marks.typed and set(profile.answers) <= {"true", "false"}:
        return {}
    told = {text: str(value) for text, value in profile.yes_no.items()}
    if not told and column in vocabulary().values:
        named = {
            text: canonical_value(column, text, profile.labels.get(text, "")) for text in profile.answers
        }
        told = named if set(named.values()) == {"0", "1"} and len(named) >= 2 else {}
    return told or None


def unified(profile: Profile) -> dict[str, str]:
    """Return the writing to keep for texts that differ in accents, capitals, blanks or a number before.

    Examples
    --------
    >>> from cxlab.intake.tables.cells import Marks
    >>> counts = {"Región Metropolitana": 9, "region  metropolitana": 2, "Norte": 5}
    >>> unified(Profile("r", "", counts, 0, 16, Marks()))
    {'region  metropolitana': 'Región Metropolitana'}
    """
    groups: dict[str, list[str]] = {}
    for text in profile.answers:
        shown = profile.leading[text][1] if text in profile.leading else text
        groups.setdefault(folded(shown) or text, []).append(text)
    recodes: dict[str, str] = {}
    for texts in groups.values():
        # The most frequent; of equals, the one with accents, then the one with capitals where due.
        kept = max(texts, key=lambda text: (profile.counts[text], not text.isascii(), text.istitle(), text))
        kept = profile.leading[kept][1].strip() if kept in profile.leading else kept
        kept = re.sub(r"\s+", " ", kept)
        recodes |= {text: kept for text in texts if text != kept}
    return recodes


def variants(recodes: Mapping[str, str], profile: Profile) -> Message | None:
    """Return what the unifying of texts should say, if there is any."""
    if not recodes:
        return None
    if profile.leading:
        return Message("the number before each text is taken off")
    return Message("{n} texts that differ only in accents, capitals or blanks become one", n=len(recodes))
