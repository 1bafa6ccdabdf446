"""What each column of a file is proposed to become in one canonical table, with reasons and confidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from cxlab.errors import Message
from cxlab.intake.declared.canonical import Column, Kind, tables
from cxlab.intake.declared.models import Language
from cxlab.intake.proposals.drafts import Drafts, drafted
from cxlab.intake.proposals.matches import Match, matched
from cxlab.intake.proposals.meanings import canonical_recodes, flag_recodes, reasons_of, unified
from cxlab.intake.proposals.own_columns import own_column
from cxlab.intake.proposals.profiles import Profile
from cxlab.intake.proposals.proposal import SURE, ColumnProposal, ValueProposal
from cxlab.intake.proposals.ratings import alike, batteries, rating
from cxlab.intake.proposals.vocabulary import listed_name, vocabulary


def propose_columns(
    profiles: Sequence[Profile],
    table: str,
    language: Language = "es",
    *,
    accepted: Mapping[str, str] | None = None,
) -> tuple[ColumnProposal, ...]:
    """Return the proposal of each column of a file for one table.

    Parameters
    ----------
    profiles : sequence of Profile
    table : str
    language : {"es", "en"}
        Of the client.
    accepted : mapping of str to str, optional
        Columns that accepted maps gave to headers, folded.
    """
    matches = matched(profiles, tables()[table], accepted)
    drafts = Drafts(tables()[table], language, {match.column for match in matches.values()})
    drafts.batteries = batteries(
        [
            (profile.header, told.scale)
            for profile in profiles
            if profile.numeric and (told := rating(profile)) is not None and told.confidence >= SURE
        ]
    )
    drafts.alike = alike(profiles)
    options = _options(profiles)
    made = [
        proposed(drafts, each, matches.get(each.header), options.get(each.header, "")) for each in profiles
    ]
    return tuple(made)


def _options(profiles: Sequence[Profile]) -> dict[str, str]:
    """Return, for columns that are options of one question with several answers, that question."""
    lone = [each for each in profiles if each.question and len(each.answers) == 1 and not each.numeric]
    asked = [each.question for each in lone]
    return {each.header: each.question for each in lone if asked.count(each.question) >= 2}


def proposed(drafts: Drafts, profile: Profile, match: Match | None, question: str) -> ColumnProposal:
    """Return the proposal of one column."""
    made = _routed(drafts, profile, match, question)
    reasons = (match.reason, *made.reasons) if match and made.column == match.column else made.reasons
    made = replace(made, reasons=reasons)
    if profile.spaces and made.decision in ("use", ""):
        blanks = ValueProposal(found=" ", count=profile.spaces, reason="missing")
        made = replace(made, values=(*made.values, blanks))
    unsure = made.confidence < SURE and made.decision not in ("drop",)
    return replace(made, decision="") if unsure else made


def _routed(drafts: Drafts, profile: Profile, match: Match | None, question: str) -> ColumnProposal:
    if not profile.answers:
        return drafted(profile, "text", 0.95, "ignore", Message("empty throughout"))
    known = drafts.table.columns[match.column] if match else None
    if profile.person and not (known and known.kind == "id" and profile.person == "phone"):
        return _personal(drafts, profile, match)
    if match and known:
        return _CANONICAL[known.kind](drafts, profile, match)
    if question:
        return drafted(
            profile,
            "multiple",
            0.85,
            "use",
            Message("an option of a question with several answers"),
            column=drafts.own(profile),
        )
    if listed_name(profile.header, profile.question, vocabulary().technical):
        return drafted(
            profile, "text", 0.9, "ignore", Message("about the survey tool, not about the customer")
        )
    if listed_name(profile.header, profile.question, vocabulary().postal):
        said = Message("postal codes point at few people: use a region instead")
        return drafted(profile, "text", 0.85, "ignore", said, personal=True)
    return own_column(drafts, profile)


def _personal(drafts: Drafts, profile: Profile, match: Match | None) -> ColumnProposal:
    said = Message("personal data by its name or its cells ({kind})", kind=profile.person)
    column = match.column if match and drafts.table.columns[match.column].kind == "id" else ""
    national = profile.person in ("RUT", "DNI/NIE", "CURP")
    if (
        not column
        and national
        and "customer_id" in drafts.table.columns
        and "customer_id" not in drafts.taken
    ):
        column = "customer_id"
        drafts.taken.add(column)
    if column and (national or profile.person == "id"):
        told = Message("it becomes a pseudonym")
        return drafted(profile, "id", 0.9, "use", said, told, column=column, personal=True)
    return drafted(profile, "text", 0.95, "drop", said, personal=True)


def _id(drafts: Drafts, profile: Profile, match: Match) -> ColumnProposal:
    score, reasons = match.score, [Message("{n} different codes", n=len(profile.answers))]
    if (match.column,) == drafts.table.key and not profile.unique:
        score = 0.4
        reasons.append(
            Message("they repeat, and each row of {column} should have its own", column=match.column)
        )
    return drafted(profile, "id", score, "use", *reasons, column=match.column, personal=True)


def _category(drafts: Drafts, profile: Profile, match: Match) -> ColumnProposal:
    known = drafts.table.columns[match.column]
    missing = reasons_of(profile)
    if known.enum or match.column in vocabulary().values:
        recodes, unknown = canonical_recodes(profile, match.column, known.enum)
        score = match.score if not unknown or not known.enum else 0.5
        said = (
            Message("values without a canonical one: {values}", values=", ".join(unknown[:5]))
            if unknown and known.enum and not profile.hides_persons
            else Message("{n} values", n=len(profile.answers))
        )
        if not known.enum:
            recodes = unified(profile) | recodes
        return drafted(
            profile, "category", score, "use", said, column=match.column, missing=missing, recodes=recodes
        )
    made = drafts.levels(profile, match.column, match.score)
    return made


def _code(_: Drafts, profile: Profile, match: Match) -> ColumnProposal:
    missing = reasons_of(profile)
    return drafted(
        profile,
        "code",
        match.score,
        "use",
        Message("{n} values", n=len(profile.answers)),
        column=match.column,
        missing=missing,
    )


def _text(drafts: Drafts, profile: Profile, match: Match) -> ColumnProposal:
    known = drafts.table.columns[match.column]
    if known.kind == "text" and match.column != "verbatim":
        return drafted(profile, "text", match.score, "use", Message("texts"), column=match.column)
    said = Message("free text: a person must read it before it is used")
    return drafted(profile, "text", 0.5, "", said, column=match.column, personal=True)


def _date(drafts: Drafts, profile: Profile, match: Match) -> ColumnProposal:
    return drafts.dated(profile, match.column, match.score)


def _number(drafts: Drafts, profile: Profile, match: Match) -> ColumnProposal:
    known = drafts.table.columns[match.column]
    missing = reasons_of(profile)
    if not profile.numeric:
        told = Message("not all its texts are numbers")
        return drafted(profile, "number", 0.3, "use", told, column=match.column, missing=missing)
    values = list(profile.numbers.values())
    said = [Message("numbers from {low:g} to {high:g}", low=min(values), high=max(values))]
    out = [value for value in values if _outside(value, known)]
    if out:
        n = sum(profile.counts[text] for text, value in profile.numbers.items() if value in set(out))
        said.append(Message("{n} rows outside what the table allows: no answer, or rows to exclude?", n=n))
    score = 0.6 if out else match.score
    return drafted(profile, "number", score, "use", *said, column=match.column, missing=missing)


def _flag(_: Drafts, profile: Profile, match: Match) -> ColumnProposal:
    recodes = flag_recodes(profile, match.column)
    missing = reasons_of(profile)
    if recodes is None:
        said = Message("its values are not a yes and a no that are known")
        return drafted(profile, "flag", 0.3, "use", said, column=match.column, missing=missing)
    said = Message("a yes and a no")
    return drafted(
        profile, "flag", match.score, "use", said, column=match.column, missing=missing, recodes=recodes
    )


def _rating(drafts: Drafts, profile: Profile, match: Match) -> ColumnProposal:
    return drafts.rated(profile, match.column, match.score)


def _outside(value: float, known: Column) -> bool:
    low = known.min is not None and value < known.min
    return (
        low
        or (known.max is not None and value > known.max)
        or (known.above is not None and value <= known.above)
    )


_CANONICAL: dict[Kind, Callable[[Drafts, Profile, Match], ColumnProposal]] = {
    "id": _id,
    "code": _code,
    "category": _category,
    "text": _text,
    "date": _date,
    "number": _number,
    "integer": _number,
    "flag": _flag,
    "rating": _rating,
}
