"""Which canonical table a file is of, and which of its headers is which column of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from cxlab.errors import Message
from cxlab.intake.declared.canonical import Column, Table, tables
from cxlab.intake.proposals.drafts import MOST_LEVELS, USUAL
from cxlab.intake.proposals.meanings import canonical_recodes, flag_recodes
from cxlab.intake.proposals.profiles import Profile
from cxlab.intake.proposals.proposal import SURE
from cxlab.intake.proposals.ratings import rating
from cxlab.intake.proposals.vocabulary import folded, name_match

# A match below this is by the words of a question, not by its name.
ASKED = 0.86
# A header that an accepted map called so.
ACCEPTED = 0.92
# Columns that say little of which table a file is.
_SHARED = {
    "segment",
    "region",
    "plan",
    "weight",
    "wave_id",
    "channel",
    "interaction_type",
    "customer_id",
    "n",
    "value",
}


@dataclass(frozen=True)
class Match:
    """A canonical column that a header was recognised as, how surely, and why."""

    column: str
    score: float
    reason: Message


def chosen_table(profiles: Sequence[Profile], hints: dict[str, float]) -> tuple[str, float, Message]:
    """Return the table that most columns fit, how sure, and why.

    Parameters
    ----------
    profiles : sequence of Profile
    hints : dict of str to float
        How much the file's name speaks for each table, from 0 to 1.
    """
    points: dict[str, float] = {}
    found: dict[str, int] = {}
    for name, table in tables().items():
        matches = matched(profiles, table)
        found[name] = len(matches)
        own = sum(each.score * (0.4 if each.column in _SHARED else 1.0) for each in matches.values())
        need = sum(column.required for column in table.columns.values())
        have = sum(table.columns[each.column].required for each in matches.values())
        points[name] = own + 0.8 * hints.get(name, 0.0) - 0.8 * (need - have)
    rated = sum(bool(_told_rating(each)) for each in profiles)
    points["survey_responses"] += min(rated, 4) * 0.5
    best, second = sorted(points, key=lambda each: -points[each])[:2]
    lead = points[best] - max(points[second], 0.0)
    sure = 0.9 if points[best] > 1.2 and lead > 0.8 else 0.75 if lead > 0.3 else 0.5
    if points[best] <= 0.3:
        sure = 0.2
    said = Message(
        "{n} of its columns are of {table}; next best {second}", n=found[best], table=best, second=second
    )
    return best, sure, said


def _told_rating(profile: Profile) -> bool:
    if not (profile.leading or (profile.numeric and profile.question)):
        return False
    told = rating(profile)
    return told is not None and told.confidence >= SURE


def matched(
    profiles: Sequence[Profile], table: Table, accepted: Mapping[str, str] | None = None
) -> dict[str, Match]:
    """Return which header is which column of a table: the best match first, each column once.

    Parameters
    ----------
    profiles : sequence of Profile
    table : Table
    accepted : mapping of str to str, optional
        Columns that accepted maps gave to headers, folded.
    """
    known_as = accepted or {}
    scored = []
    for profile in profiles:
        for column, known in table.columns.items():
            score, reason = name_match(profile.header, profile.question, column, known)
            if known_as.get(folded(profile.header)) == column and score < ACCEPTED:
                score, reason = ACCEPTED, Message("an accepted map calls it so")
            if reason is not None and score >= 0.6:
                score = score if _fits(profile, column, known) else 0.45 * score
                scored.append((score, profile.header, Match(column, score, reason)))
    taken: dict[str, Match] = {}
    columns: set[str] = set()
    best: dict[str, tuple[float, Match]] = {}
    for score, header, match in scored:
        if score > best.get(header, (0.0, None))[0]:
            best[header] = (score, match)
    asked = [each.column for _, each in best.values() if each.score < ASKED]
    for score, header, match in sorted(scored, key=lambda each: (-each[0], each[1])):
        if score >= 0.55 and header not in taken and match.column not in columns:
            # One of several questions about the same thing: which is it?
            alike = match.score < ASKED and asked.count(match.column) > 1
            taken[header] = replace(match, score=0.6 if alike else match.score)
            columns.add(match.column)
    return taken


def _fits(profile: Profile, column: str, known: Column) -> bool:
    """Tell whether the cells of a column could be of a canonical column's kind."""
    if not profile.answers:
        return False
    if known.kind == "rating":
        return rating(profile, usual=USUAL.get(column)) is not None
    if known.kind == "date":
        return profile.date is not None or profile.serials
    if known.kind in ("number", "integer"):
        return profile.numeric
    if known.kind == "flag":
        return flag_recodes(profile, column) is not None
    if known.kind == "id":
        return not profile.prose and (profile.unique or len(profile.answers) > 1) and profile.date is None
    if known.kind == "category":
        if known.enum:
            recodes, unknown = canonical_recodes(profile, column, known.enum)
            return bool(recodes) or len(unknown) < len(profile.answers)
        return len(profile.answers) <= MOST_LEVELS + 10 and profile.date is None and not profile.prose
    return not profile.prose if known.kind == "code" else not profile.numeric
