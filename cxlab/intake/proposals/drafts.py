"""What the proposals of a file's columns share: the table, the names taken, and how a draft is made."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from cxlab.errors import Message
from cxlab.intake.declared.canonical import Table
from cxlab.intake.declared.models import Language, Reason
from cxlab.intake.proposals.meanings import listed, reasons_of, unified, variants
from cxlab.intake.proposals.profiles import Profile
from cxlab.intake.proposals.proposal import EITHER_WAY, ColumnProposal, Decision, ProposedKind
from cxlab.intake.proposals.ratings import Scale, rating, stem
from cxlab.intake.proposals.vocabulary import own_name

MOST_LEVELS = 50
# The scale on which a metric is defined.
USUAL: dict[str, Scale] = {"recommend": (0, 10)}
_EXAMPLES, _EXAMPLE_LENGTH = 3, 40


@dataclass
class Drafts:
    """What is known while the columns of one file are proposed.

    Attributes
    ----------
    table : Table
    language : {"es", "en"}
        Of the client.
    taken : set of str
        Columns of the table already given.
    batteries : dict of str to (low, high)
        Scale of each battery of questions, by the start of their headers.
    alike : dict of str to int
        Headers of questions that share their values, and how many they are.
    """

    table: Table
    language: Language
    taken: set[str]
    batteries: dict[str, Scale] = field(default_factory=dict)
    alike: dict[str, int] = field(default_factory=dict)

    def levels(self, profile: Profile, column: str, score: float) -> ColumnProposal:
        """Return the draft of a column of categories."""
        labelled = bool(profile.labels) and set(profile.answers) <= set(profile.labels)
        recodes = {} if labelled else unified(profile)
        said = [Message("{n} values", n=len(profile.answers))]
        if labelled:
            said.append(Message("the file's labels replace its codes"))
        if told := variants(recodes, profile):
            said.append(told)
        if profile.numeric and not labelled and not profile.leading:
            said.append(Message("codes without labels: say under labels what they are"))
        if len(profile.answers) > MOST_LEVELS:
            score = min(score, 0.5)
            said.append(Message("more than {n} values", n=MOST_LEVELS))
        return drafted(
            profile,
            "category",
            score,
            "use",
            *said,
            column=column,
            missing=reasons_of(profile),
            recodes=recodes,
            labelled=labelled,
        )

    def dated(self, profile: Profile, column: str, score: float) -> ColumnProposal:
        """Return the draft of a column of dates: unsure unless a day over 12, or ISO, proves the order."""
        found = profile.date
        if found is None:
            if profile.serials:
                said = Message("numbers from 20000 to 60000: serial dates of Excel?")
                return drafted(profile, "date", min(score, 0.6), "use", said, column=column, form="excel")
            return drafted(profile, "date", 0.3, "use", Message("not all its texts are dates"), column=column)
        if found.other:
            said = Message("no day is over 12: {form} or {other}?", form=found.form, other=found.other)
            form = found.form if self.language == "es" else found.other
            return drafted(profile, "date", 0.3, "use", said, column=column, form=form)
        said = Message("dates like {example}", example=found.proof)
        return drafted(profile, "date", score, "use", said, column=column, form=found.form)

    def rated(self, profile: Profile, column: str, score: float) -> ColumnProposal:
        """Return the draft of a rating, with its scale, its direction and its codes of no answer."""
        told = rating(profile, usual=USUAL.get(column), battery=self.batteries.get(stem(profile.header)))
        if told is None:
            return drafted(
                profile, "rating", 0.3, "use", Message("its texts are no points of a scale"), column=column
            )
        if column in EITHER_WAY and not told.told_direction:
            said = Message("it can be asked either way: is more better, or less?")
            told = replace(told, confidence=min(told.confidence, 0.6), reasons=(*told.reasons, said))
        recodes = {text: str(point) for text, point in told.points.items()}
        made = drafted(
            profile,
            "rating",
            min(score, told.confidence),
            "use",
            *told.reasons,
            column=column,
            missing=told.missing,
            recodes=recodes,
        )
        return replace(made, scale=told.scale, reverse=told.reverse, leading=bool(profile.leading))

    def own(self, profile: Profile) -> str:
        """Return a name of the client's own for a column, and keep it taken."""
        said = profile.header.rsplit(" / ", 1)[-1]
        if profile.question and len(said.split()) == 1 and len(profile.question.split()) <= 6:
            said = profile.question
        name = own_name(said, self.taken)
        self.taken.add(name)
        return name


def drafted(
    profile: Profile,
    kind: ProposedKind,
    confidence: float,
    decision: Decision,
    *reasons: Message,
    column: str = "",
    missing: dict[str, Reason] | None = None,
    recodes: dict[str, str] | None = None,
    form: str = "",
    labelled: bool = False,
    personal: bool = False,
) -> ColumnProposal:
    """Return a column's proposal; texts are shown only if they may not be personal."""
    hidden = personal or bool(profile.person) or profile.hides_persons or profile.prose
    shown = [text[:_EXAMPLE_LENGTH] for text in list(profile.answers)[:_EXAMPLES]]
    values = (
        listed(profile, missing or {}, recodes or {})
        if kind in ("rating", "category", "flag", "code", "number", "multiple")
        else ()
    )
    if kind == "number" or (kind in ("rating",) and len(values) > 30):
        values = tuple(each for each in values if each.reason or each.means)
    return ColumnProposal(
        header=profile.header,
        question=profile.question if profile.question != profile.header else "",
        examples=() if hidden else tuple(shown),
        rows=profile.rows,
        blank=profile.blank,
        distinct=len(profile.counts),
        column=column,
        kind=kind,
        form=form,
        labelled=labelled,
        values=() if hidden else values,
        confidence=round(confidence, 2),
        reasons=reasons,
        decision=decision,
        personal=hidden,
    )
