"""A file that follows one already declared: the same headers, the same keys, and what is different."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from cxlab.errors import Message
from cxlab.intake.declared.canonical import tables
from cxlab.intake.declared.models import Language, Reason, Source
from cxlab.intake.files.reading import clean_name
from cxlab.intake.proposals.column_proposals import propose_columns
from cxlab.intake.proposals.differences import Change
from cxlab.intake.proposals.meanings import MOST_LISTED
from cxlab.intake.proposals.profiles import Profile
from cxlab.intake.proposals.proposal import (
    SURE,
    ColumnProposal,
    FileProposal,
    ProposedKind,
    ValueProposal,
    with_row_id,
)
from cxlab.intake.proposals.sniffing import label
from cxlab.intake.proposals.waves import Followed

# Tables of things that last: a later extract of them updates the earlier one.
SNAPSHOTS = ("customers",)
# Changes of a column that a person must look at before it is used as it was.
_TO_DECIDE = ("reused", "reworded", "scale", "code_new", "label")
_READING = (
    "format",
    "encoding",
    "separator",
    "decimal",
    "thousands",
    "header_row",
    "header_rows",
    "layout",
    "skip_after_header",
    "skip_at_end",
)
_BY_COLUMN = (
    "file",
    "table",
    "sheet",
    "names",
    "ids",
    "drop",
    "values",
    "value_labels",
    "leading_number",
    "scales",
    "reverse",
    "missing",
    "not_applicable",
    "na_reasons",
    "dates",
    "kinds",
    "row_id",
    "confirmed_by",
    "multiple",
)


def inherited(
    base: FileProposal, followed: Followed, seen: Sequence[Profile], language: Language
) -> FileProposal:
    """Return the proposal of a file that follows a declared source.

    Parameters
    ----------
    base : FileProposal
        With what the file itself shows of how to read it.
    followed : Followed
        The source, and what changed since.
    seen : sequence of Profile
        The file's columns.
    language : {"es", "en"}
        Of the client.
    """
    source = followed.source
    fresh = {each.header: each for each in propose_columns(seen, source.table, language)}
    follows = label(source.file, source.sheet)
    columns = [_told(_column(each, followed, fresh[each.header], follows), followed.changes) for each in seen]
    known = source.model_dump(exclude_unset=True, mode="json", by_alias=True)
    more = {key: value for key, value in known.items() if key not in (*_BY_COLUMN, *_READING)}
    constants = dict(more.get("constants", {}))
    wave = base.wave or constants.pop("wave_id", "")
    if "wave_id" in source.names.values() or "wave_id" not in tables()[source.table].columns:
        wave = ""
    constants.pop("wave_id", None)
    more = {key: value for key, value in (more | {"constants": constants}).items() if value}
    if source.table in SNAPSHOTS:
        more["updates"] = source.file
    gone = tuple(each.header for each in followed.changes if each.kind == "gone")
    said = [Message("it goes on from {file}: its keys are taken over", file=follows)]
    if source.table in SNAPSHOTS:
        said.append(Message("a later extract: its rows stand in place of those of {file}", file=follows))
    if gone:
        said.append(Message("no longer there: {headers}", headers=", ".join(gone[:12])))
    return replace(
        base,
        table=source.table,
        wave=wave,
        more=more,
        evidence=(*base.evidence, *said),
        confidence=round(min(base.confidence, 0.95 if not gone else 0.7), 2),
        columns=(*with_row_id(columns, source.table), *columns),
        follows=follows,
        gone=gone,
        changes=followed.changes,
    )


def _told(column: ColumnProposal, changes: Sequence[Change]) -> ColumnProposal:
    """Return a column with what changed about it; what a person must look at comes undecided."""
    own = [each for each in changes if each.header == column.header and each.kind not in ("read", "gone")]
    if not own or column.decision == "drop":
        return column
    reasons = [
        Message(
            "{says}: {before} → {after}", says=each.says, before=each.before or "-", after=each.after or "-"
        )
        for each in own
    ]
    open_ = any(each.kind in _TO_DECIDE for each in own)
    return replace(
        column,
        reasons=(*reasons, *column.reasons),
        confidence=min(column.confidence, 0.6) if open_ else column.confidence,
        decision="" if open_ else column.decision,
    )


def _column(profile: Profile, followed: Followed, fresh: ColumnProposal, follows: str) -> ColumnProposal:
    source = followed.source
    names = {clean_name(header): column for header, column in source.names.items()}
    dropped = {clean_name(header) for header in source.drop}
    said = Message("as in {file}", file=follows)
    if profile.header in dropped:
        return replace(fresh, decision="drop", confidence=0.95, reasons=(said,), column="")
    own = profile.header in tables()[source.table].columns or profile.header.startswith("attr_")
    column = names.get(profile.header) or (profile.header if own else "")
    if not column:
        if profile.header in followed.unused and fresh.decision != "drop":
            said = Message("not used in {file} either", file=follows)
            return replace(fresh, decision="ignore", confidence=0.95, reasons=(said,))
        if fresh.decision == "drop" or not profile.answers:
            return fresh
        left = {each.header for each in followed.changes if each.kind == "gone"}
        gone = [header for header, name in source.names.items() if name == fresh.column and header in left]
        new = Message("new in this file")
        if gone:
            new = Message("new in this file: in place of {header}?", header=gone[0])
        return replace(
            fresh, reasons=(new, *fresh.reasons), decision="", confidence=min(fresh.confidence, 0.7)
        )
    return as_declared(profile, source, column, fresh, said)


def as_declared(
    profile: Profile, source: Source, column: str, fresh: ColumnProposal, said: Message
) -> ColumnProposal:
    """Return the proposal of a column as a source declares it, unsure where its values no longer fit."""
    of = _Keys(source, column, profile.header)
    missing: dict[str, Reason] = of.codes("missing") | dict.fromkeys(
        of.codes("not_applicable"), "not_applicable"
    )
    recodes = {found: wanted for found, wanted in of.mapping("values").items() if wanted is not None}
    leading, scale = of.listed("leading_number"), of.mapping_or("scales")
    values = [
        _value(text, n, profile, recodes, missing, leading=leading)
        for text, n in profile.counts.items()
        if len(profile.counts) <= MOST_LISTED or text in recodes or text in missing
    ]
    kind: ProposedKind = (
        "id" if column in tables()[source.table].ids or of.listed("ids") else _kind(source, column, scale)
    )
    reasons, confidence = [said], 0.95
    if misfits := _misfits(profile, missing, scale, recodes, of):
        reasons.append(misfits)
        confidence = 0.5
    shown = () if fresh.personal or kind == "id" else tuple(values)
    listed = {each.found for each in shown}
    return replace(
        fresh,
        column=column,
        kind=kind,
        scale=scale,
        reverse=of.listed("reverse"),
        leading=leading,
        labelled=of.listed("value_labels"),
        form=of.mapping_or("dates") or "",
        values=shown,
        missing={code: reason for code, reason in missing.items() if code not in listed},
        confidence=confidence,
        reasons=tuple(reasons),
        decision="use" if confidence >= SURE else "",
    )


def _kind(source: Source, column: str, scale: Any) -> ProposedKind:
    if scale is not None:
        return "rating"
    known = tables()[source.table].columns.get(column)
    if known is not None:
        return {"integer": "number"}.get(known.kind, known.kind)  # type: ignore[return-value]
    return source.kinds.get(column, "category")


class _Keys:
    """What a source declares of one column, under its name or its header."""

    def __init__(self, source: Source, column: str, header: str) -> None:
        self.source, self.column, self.names = source, column, (column, header)

    def mapping_or(self, key: str) -> Any:
        given = getattr(self.source, key)
        return next((given[name] for name in self.names if name in given), None)

    def mapping(self, key: str) -> dict[str, Any]:
        return dict(self.mapping_or(key) or {})

    def codes(self, key: str) -> dict[str, Reason]:
        given = getattr(self.source, key)
        own: dict[str, Reason] = dict(given.get("*", {})) | dict(self.mapping_or(key) or {})
        return own

    def listed(self, key: str) -> bool:
        return any(name in getattr(self.source, key) for name in self.names)


def _value(
    text: str, n: int, profile: Profile, recodes: dict[str, str], missing: dict[str, Reason], *, leading: bool
) -> ValueProposal:
    number = str(profile.leading[text][0]) if leading and text in profile.leading else text
    return ValueProposal(
        found=text,
        count=n,
        label=profile.labels.get(text, ""),
        means=recodes.get(text, ""),
        reason=missing.get(text) or missing.get(number),
    )


def _misfits(
    profile: Profile, missing: Collection[str], scale: Any, recodes: dict[str, str], of: _Keys
) -> Message | None:
    """Return what no longer fits the declaration: points outside its scale, dates, texts it does not know."""
    leading = {text: str(code) for text, (code, _) in profile.leading.items()}
    answers = [t for t in profile.answers if not {t, leading.get(t, t)} & {*missing, *recodes}]
    if scale is not None:
        numbers = {**profile.numbers, **{text: float(code) for text, code in leading.items()}}
        out = [text for text in answers if not scale[0] <= numbers.get(text, math.inf) <= scale[1]]
        return Message("outside the declared scale: {values}", values=_few(out, profile)) if out else None
    known = tables()[of.source.table].columns.get(of.column)
    form = of.mapping_or("dates") or ""
    if form or (known is not None and known.kind == "date"):
        said = Message("no longer dates written as {form}", form=form or "2025-06-30")
        return None if _fits(profile, form) else said
    enum = known.enum if known else ()
    if recodes or enum:
        new = [text for text in answers if text not in {*recodes.values(), *enum}]
        return Message("new values: {values}", values=_few(new, profile)) if new else None
    return None


def _fits(profile: Profile, form: str) -> bool:
    """Tell whether a column's dates are written as declared; ISO is what a typed file gives for any."""
    found = profile.date
    if found is None:
        return form == "excel" and profile.serials
    return form in (found.form, found.other or found.form) or (profile.marks.typed and not found.form)


def _few(texts: list[str], profile: Profile) -> str:
    """Return some of the texts, or how many they are where they may be personal."""
    return str(len(texts)) if profile.hides_persons or profile.person else ", ".join(texts[:5])
