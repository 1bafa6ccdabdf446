"""Which column of a file becomes which column of a table, and what each declared key refers to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from cxlab.errors import Message, ParameterError, Problem
from cxlab.intake.declared.canonical import OWN_PREFIX, Table, tables
from cxlab.intake.declared.declaration import nearest
from cxlab.intake.declared.models import Source
from cxlab.intake.files.reading import clean_name
from cxlab.intake.tables.syntax import names as names_in

EVERY = "*"
REASON_SUFFIX = "_na_reason"
# Columns that intake itself makes.
_MADE = ("survey_date", "survey_tenure")


@dataclass
class Assignment:
    """The columns of one source.

    Attributes
    ----------
    stored : dict of str to str
        Column of the table: header of the file it comes from.
    consulted : tuple of str
        Headers that only an expression needs.
    unmapped, dropped : tuple of str
        Headers that are not stored.
    """

    source: Source
    table: Table
    headers: tuple[str, ...]
    stored: dict[str, str] = field(default_factory=dict)
    consulted: tuple[str, ...] = ()
    unmapped: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    problems: list[Problem] = field(default_factory=list)

    def column(self, key: str) -> str:
        """Return the working column that a declared key means, or an empty text."""
        if key in self.stored or key in self.consulted or key in self.source.given:
            return key
        header = clean_name(key)
        return next((name for name, from_ in self.stored.items() if from_ == header), "")


def assign(source: Source, headers: list[str]) -> Assignment:
    """Assign the headers of a file to the columns of its table; slips are in `problems`.

    A header is stored under the name that `names` gives it, or under its own if that is a column of
    the table or starts with attr_; all others are listed as unmapped.
    """
    result = Assignment(source=source, table=tables()[source.table], headers=tuple(headers))
    wanted = {clean_name(header): name for header, name in source.names.items()}
    dropped = {clean_name(header) for header in source.drop}
    strange = bool(wanted) and not {*wanted, *result.table.columns}.intersection(headers)
    if strange:
        result.problems.append(_no_names(source))
    for key, declared in (("names", wanted), ("drop", dropped)):
        for header in declared:
            if header not in headers and not strange:
                result.problems.append(_no_header(source, header, headers, key))
    for header in headers:
        _place(result, header, wanted, dropped)
    made = (*source.given, *source.derive)
    for name in (*wanted.values(), *made):
        result.problems += _name_problems(source, name, result.table)
    for name in (name for name in made if name in result.stored):
        result.problems.append(_twice(source, name, result.stored[name], "client.yaml"))
    _consult(result)
    return result


def needed(source: Source, headers: Sequence[str]) -> tuple[str, ...]:
    """Return the headers whose cells the source's declaration needs."""
    # Rows are compared in every cell, or made of several.
    if source.duplicates == "identical" or source.shaped:
        return tuple(headers)
    assigned = assign(source, list(headers))
    return (*assigned.stored.values(), *assigned.consulted)


def _place(result: Assignment, header: str, wanted: dict[str, str], dropped: set[str]) -> None:
    """Put one header where it belongs: stored, dropped or unmapped."""
    source, name = result.source, wanted.get(header, header)
    own = re.fullmatch(OWN_PREFIX + r"[a-z0-9_]{1,58}", name)
    if header in dropped:
        result.dropped += (header,)
        if header in wanted:
            result.problems.append(
                _said(
                    source,
                    header,
                    Message("a column both named and dropped"),
                    Message("one of the two"),
                    Message("take it out of `names` or of `drop`"),
                )
            )
    elif not (header in wanted or name in result.table.columns or own):
        result.unmapped += (header,)
    elif name in result.stored:
        result.problems.append(_twice(source, name, result.stored[name], header))
    else:
        result.stored[name] = header


def _consult(result: Assignment) -> None:
    """Find the headers that expressions need though they are not stored."""
    source = result.source
    made = {*source.derive, *source.given}
    needed: list[str] = []
    for place, expression in (
        *source.derive.items(),
        *((f"asked_if {name}", each) for name, each in source.asked_if.items()),
        *((f"exclude {at}", each.where) for at, each in enumerate(source.exclude, 1)),
    ):
        try:
            found = sorted(names_in(expression))
        except ParameterError as error:
            result.problems.append(
                _said(
                    source,
                    place,
                    Message("{why}", why=error.message),
                    Message("an expression over columns"),
                    Message("correct it in client.yaml"),
                )
            )
            continue
        for name in found:
            if name in result.stored or name in made:
                continue
            if name in result.headers:
                needed.append(name)
                continue
            result.problems.append(_no_header(source, name, [*result.stored, *result.headers], place))
    aliases = set(result.stored.values())
    result.consulted = tuple(dict.fromkeys(name for name in needed if name not in aliases))


def _name_problems(source: Source, name: str, table: Table) -> list[Problem]:
    if name in _MADE or name.endswith(REASON_SUFFIX):
        return [
            _said(
                source,
                name,
                Message("a name that intake gives itself"),
                Message("another name"),
                Message("call it attr_{name}", name=name),
            )
        ]
    if name in table.columns or name.startswith(OWN_PREFIX):
        return []
    close = get_close_matches(name, list(table.columns), n=1, cutoff=0.85)
    if not close:
        return []
    return [
        _said(
            source,
            name,
            Message("a name very like {close}", close=close[0]),
            Message("a column of {table} or a name of your own", table=source.table),
            Message("write {close}, or attr_{name} if it is another thing", close=close[0], name=name),
        )
    ]


def resolve_keys(result: Assignment) -> dict[str, dict[str, str]]:
    """Return, for each key of the source that names columns, {name as declared: working column}.

    Names that mean no column become problems of `result`.
    """
    source = result.source
    declared: dict[str, list[str]] = {
        "ids": source.ids,
        "values": list(source.values),
        "value_labels": source.value_labels,
        "leading_number": source.leading_number,
        "multiple": [name for group in source.multiple for name in group],
        "split": list(source.split),
        "scales": list(source.scales),
        "equivalent": list(source.equivalent),
        "reverse": source.reverse,
        "more_is_better": source.more_is_better,
        "missing": list(source.missing),
        "not_applicable": list(source.not_applicable),
        "na_reasons": source.na_reasons,
        "asked_if": list(source.asked_if),
        "after_event": source.after_event,
        "dates": list(source.dates),
        "kinds": list(source.kinds),
    }
    known = [*result.stored, *result.consulted, *source.given, *source.derive]
    found: dict[str, dict[str, str]] = {}
    for key, given in declared.items():
        found[key] = {}
        for name in given:
            column = result.column(name) or (name if name in source.derive else "")
            if column:
                found[key][name] = column
            elif name != EVERY or key not in ("missing", "not_applicable"):
                result.problems.append(_no_header(source, name, known, key))
    return found


def _no_names(source: Source) -> Problem:
    # What stands in that line may be a person's data: it is not shown.
    return _said(
        source,
        "names",
        Message("none of the {n} names of columns in the line of names", n=len(source.names)),
        Message("the line with the names of the columns"),
        Message("give that line as header_row, or add it to the file; or correct `names:`"),
    )


def _no_header(source: Source, name: str, known: list[str], key: str) -> Problem:
    close = nearest(name, known)
    return _said(
        source,
        name,
        Message("a name in `{key}` that is no column", key=key),
        Message("{known}", known=(", ".join(known[:40]) or "-") + (", ..." if len(known) > 40 else "")),
        Message("did you mean {close}?", close=close)
        if close
        else Message("correct or remove it in client.yaml"),
    )


def _twice(source: Source, name: str, first: str, second: str) -> Problem:
    return _said(
        source,
        name,
        Message("two columns for {name}: {first} and {second}", name=name, first=first, second=second),
        Message("one"),
        Message("keep one under `names`, and drop or rename the other"),
    )


def _said(source: Source, column: str, found: str, allowed: str, action: str) -> Problem:
    return Problem(found, allowed, action, file=f"client.yaml ({source.file})", column=column)
