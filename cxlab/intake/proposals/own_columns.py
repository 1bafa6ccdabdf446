"""Proposals of columns that no canonical one is: attributes of the client's own, codes, texts."""

from __future__ import annotations

from dataclasses import replace

from cxlab.errors import Message
from cxlab.intake.proposals.drafts import MOST_LEVELS, Drafts, drafted
from cxlab.intake.proposals.meanings import flag_recodes, reasons_of
from cxlab.intake.proposals.profiles import Profile
from cxlab.intake.proposals.proposal import ColumnProposal
from cxlab.intake.proposals.ratings import ENOUGH, rating, stem
from cxlab.intake.proposals.vocabulary import name_of, towards_good


def own_column(drafts: Drafts, profile: Profile) -> ColumnProposal:
    """Return the proposal of a column that is none of the table's, nor personal by its name."""
    if len(profile.answers) == 1 and not profile.blank:
        sure = 0.9 if profile.rows >= ENOUGH else 0.5
        return drafted(
            profile, "text", sure, "ignore", Message("the same in every row"), column=drafts.own(profile)
        )
    if profile.prose:
        said = Message("free text: a person must read it before it is used")
        return drafted(profile, "text", 0.5, "", said, column=drafts.own(profile), personal=True)
    if profile.hides_persons:
        said = Message("some cells hold what looks like personal data")
        return drafted(profile, "text", 0.5, "", said, column=drafts.own(profile), personal=True)
    if profile.date is not None:
        return drafts.dated(profile, drafts.own(profile), 0.82)
    if profile.numeric or profile.leading:
        return _own_points(drafts, profile)
    return _own_texts(drafts, profile)


def _own_points(drafts: Drafts, profile: Profile) -> ColumnProposal:
    told = rating(profile, battery=drafts.batteries.get(stem(profile.header)))
    labelled = bool(profile.labels) and set(profile.answers) <= set(profile.labels)
    if profile.yes_no or set(profile.answers) <= {"0", "1"}:
        return drafts.levels(profile, drafts.own(profile), 0.85) if labelled else _own_flag(drafts, profile)
    if told is not None and _is_rating(drafts, profile, told.confidence):
        return drafts.rated(profile, drafts.own(profile), 0.9)
    if drafts.table.scores and profile.header in drafts.alike:
        return _asked(drafts, profile)
    if labelled or (profile.leading and len(profile.answers) <= MOST_LEVELS):
        return drafts.levels(profile, drafts.own(profile), 0.85)
    values = set(profile.numbers.values())
    if not profile.whole:
        said = Message("numbers from {low:g} to {high:g}", low=min(values), high=max(values))
        return drafted(
            profile, "number", 0.85, "use", said, column=drafts.own(profile), missing=reasons_of(profile)
        )
    if profile.unique and profile.filled > MOST_LEVELS:
        return drafted(profile, "id", 0.8, "ignore", Message("a code of its own in each row"), personal=True)
    if len(values) <= 12 or _is_code_name(profile.header):
        said = Message("whole numbers without labels: codes, a scale or a count?")
        return drafted(profile, "category", 0.8, "ignore", said, column=drafts.own(profile))
    said = Message("whole numbers from {low:g} to {high:g}", low=min(values), high=max(values))
    return drafted(
        profile, "number", 0.8, "use", said, column=drafts.own(profile), missing=reasons_of(profile)
    )


def _asked(drafts: Drafts, profile: Profile) -> ColumnProposal:
    """Return a question of a battery whose scale its values do not tell."""
    low, high = min(profile.numbers.values()), max(profile.numbers.values())
    said = Message(
        "{n} questions together have values from {low:g} to {high:g}: which scale, and which are no answer?",
        n=drafts.alike[profile.header],
        low=low,
        high=high,
    )
    made = drafted(profile, "rating", 0.4, "", said, column=drafts.own(profile), missing=reasons_of(profile))
    return replace(made, scale=(low, high))


def _is_rating(drafts: Drafts, profile: Profile, confidence: float) -> bool:
    """Tell whether the numbers of a column of the client's own are points: something must say so."""
    if not drafts.table.scores:
        return False
    named = any(profile.leading) and _ordinal(profile)
    ends = bool(profile.labels) and not set(profile.answers) <= set(profile.labels)
    asked = rating(profile) is not None and confidence >= 0.95
    battery = stem(profile.header) in drafts.batteries and set(profile.numbers.values()) <= set(range(12))
    return named or ends or asked or battery


def _own_flag(drafts: Drafts, profile: Profile) -> ColumnProposal:
    recodes = flag_recodes(profile, "") or {}
    letters = {text.casefold() for text in profile.answers} == {"n", "s"}
    said = Message("N and S: no and yes, or north and south?") if letters else Message("a yes and a no")
    return drafted(
        profile,
        "flag",
        0.6 if letters else 0.85,
        "use",
        said,
        column=drafts.own(profile),
        missing=reasons_of(profile),
        recodes=recodes,
    )


def _own_texts(drafts: Drafts, profile: Profile) -> ColumnProposal:
    if profile.yes_no:
        return _own_flag(drafts, profile)
    told = rating(profile) if drafts.table.scores else None
    if told is not None and told.points:
        return drafts.rated(profile, drafts.own(profile), 0.9)
    if len(profile.answers) <= MOST_LEVELS and 2 * len(profile.answers) <= max(profile.filled, 1):
        return drafts.levels(profile, drafts.own(profile), 0.85)
    if profile.names_of_people:
        said = Message("written like names of people")
        return drafted(profile, "text", 0.6, "", said, column=drafts.own(profile), personal=True)
    if profile.unique and profile.coded:
        return drafted(profile, "id", 0.8, "ignore", Message("a code of its own in each row"), personal=True)
    said = Message("{n} different texts: too many for categories", n=len(profile.answers))
    return drafted(profile, "text", 0.8, "ignore", said, personal=True)


def _ordinal(profile: Profile) -> bool:
    sides = [towards_good(words) for text, (_, words) in profile.leading.items() if text in profile.answers]
    return 1 in sides and -1 in sides


def _is_code_name(header: str) -> bool:
    """Tell whether a header is a code more than words: RUNID, Q17, FLIGHT_CODE."""
    name = name_of(header)
    last = name.split()[-1] if name else ""
    return (
        header.isupper()
        or any(c.isdigit() for c in name)
        or last in ("id", "code", "codigo", "num", "numero")
    )
