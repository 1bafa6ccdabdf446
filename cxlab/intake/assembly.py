"""The sources of a client put together: contracts and scans over all rows of a table, joins, pseudonyms.

Nothing here reads or writes files; `dataset.check` does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cxlab.errors import InputError, Message, Problem
from cxlab.intake.declared.canonical import tables as tables_known
from cxlab.intake.declared.declaration import nearest
from cxlab.intake.declared.models import Client
from cxlab.intake.files.reading import clean_name
from cxlab.intake.privacy.identifiers import identifier
from cxlab.intake.privacy.personal import scan, scan_labels
from cxlab.intake.privacy.pseudonyms import pseudonyms
from cxlab.intake.rules.contracts import breaches
from cxlab.intake.rules.evidence import Evidence
from cxlab.intake.rules.matching import match_rates
from cxlab.intake.rules.problems import as_record
from cxlab.intake.rules.validity import Examination, examine
from cxlab.intake.rules.variants import told
from cxlab.intake.tables.assignment import EVERY
from cxlab.intake.tables.extracts import is_replaced
from cxlab.intake.tables.mapped import Mapped
from cxlab.intake.tables.relationship import with_duration, with_last_survey
from cxlab.intake.tables.rows import Rows
from cxlab.intake.tables.scales import series_breaks, unknown_breaks

# Numbers looked at at a time; the first piece that has a fraction ends the search.
PIECE = 1_000_000
# A source's rows, and the hash of the file they come from.
Part = tuple[Mapped, str]
Entries = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Assembly:
    """A client's tables, what tables.json says of them, what the rules found, and notes."""

    tables: dict[str, pd.DataFrame]
    entries: Entries
    examination: Examination
    notes: list[Message]


def assembled(
    client: Client, mapped: list[Part], problems: list[Problem], unread: Mapping[str, str] | None = None
) -> Assembly:
    """Check and scan the rows of each table.

    Parameters
    ----------
    client : Client
    mapped : list of Part
    problems : list of Problem
        Those known so far; what is found is added. Tables are completed only if there are none.
    unread : mapping of str to str, optional
        Tables of which a file could not be read, and the file.

    Returns
    -------
    Assembly
    """
    tables: dict[str, Rows] = {}
    entries: Entries = {}
    notes: list[Message] = []
    untold = {table: Message("{file} could not be read", file=file) for table, file in (unread or {}).items()}
    for name in dict.fromkeys(part.source.table for part, _ in mapped):
        own = [(part, digest) for part, digest in mapped if part.source.table == name]
        parts = [part for part, _ in own if not is_replaced(part)]
        empty = [part for part in parts if part.frame.empty]
        problems += [_emptied(part) for part in empty]
        # A declaration that is itself wrong would only echo through the contract.
        if empty or any(
            problem.file.startswith("client.yaml") for part in parts for problem in part.problems
        ):
            untold.setdefault(name, Message("{table} has problems that come first", table=name))
            continue
        rows, broken = breaches(name, parts, today=client.data_date or date.today())
        problems += broken
        problems += [problem for part in parts for problem in _personal(client, part)]
        tables[name] = rows
        entries[name] = _entry(rows, own) | {"breaks": series_breaks(client, rows)}
        notes += [note for part in parts for note in part.notes]
        notes += told(rows)
    problems += scan_labels(_client_labels(client), file="client.yaml")
    if len(mapped) == len(client.sources):
        problems += _unknown(client, [part for part, _ in mapped])
    evidence = Evidence(client=client, rows=tables, unread=untold)
    examination = examine(evidence)
    problems += examination.problems
    for name, entry in entries.items():
        entry["warnings"] = [as_record(problem) for problem in examination.of_table(name)]
        entry["match_rates"] = match_rates(evidence) if name == "survey_responses" else []
    frames = {name: rows.frame for name, rows in tables.items()}
    if not problems:
        problems += unknown_breaks(client, frames)
    if not problems:
        for part, _ in mapped:
            part.raw.release()
        notes += _complete(frames, entries)
    return Assembly(frames, entries, examination, notes)


def _emptied(part: Mapped) -> Problem:
    if part.frame.columns.empty and part.source.names:
        return Problem(
            Message("no column of {table}", table=part.source.table),
            Message("{columns}, attr_...", columns=", ".join(tables_known()[part.source.table].columns)),
            Message("correct `names:` in client.yaml"),
            file=part.source.file,
        )
    if part.frame.columns.empty:
        there = [name for name in part.unmapped if not identifier(name)]
        return Problem(
            Message(
                "no column of {table}; it has {columns}", table=part.source.table, columns=", ".join(there)
            ),
            Message("{columns}, attr_...", columns=", ".join(tables_known()[part.source.table].columns)),
            Message(
                "say which column is which: `names: {{{header}: column}}`", header=(there or ["header"])[0]
            ),
            file=part.source.file,
        )
    return Problem(
        Message("no row left after the exclusions"),
        Message("at least one row"),
        Message("correct `exclude:` in client.yaml"),
        file=part.source.file,
    )


def _personal(client: Client, part: Mapped) -> Iterator[Problem]:
    headers = part.headers
    cleared = {clean_name(name) for name in client.privacy.not_personal}
    allowed = {clean_name(name) for name in client.privacy.free_text}
    columns = list(part.frame.columns)
    skip = part.ids | {name for name in columns if name in cleared or headers.get(name) in cleared}
    free = {name for name in columns if name in allowed or headers.get(name) in allowed}
    if tables_known()[part.source.table].prose:
        free = set(columns)
    yield from scan(
        part.frame, file=part.source.file, lines=part.lines, headers=headers, skip=skip, free_text=free
    )
    labels = [
        (headers.get(name, name), label) for name, given in part.labels.items() for label in given.values()
    ]
    names = [("", header) for header in (*part.unmapped, *headers.values())]
    yield from scan_labels([*labels, *names], file=part.source.file)


def _unknown(client: Client, parts: list[Mapped]) -> Iterator[Problem]:
    """Give the names under `privacy:` that are no column of any file."""
    known = {EVERY}.union(*(each for part in parts for each in (part.frame.columns, part.headers.values())))
    known |= {name for part in parts for name in (*part.unmapped, *part.dropped)}
    for key in ("free_text", "not_personal", "empty_personal"):
        for name in getattr(client.privacy, key):
            if clean_name(name) not in known:
                close = nearest(clean_name(name), known)
                yield Problem(
                    Message("a name in `{key}` that is no column", key=f"privacy.{key}"),
                    Message("a column of a table, or its header in the file"),
                    Message("did you mean {close}?", close=close)
                    if close and not identifier(close)
                    else Message("correct or remove it in client.yaml"),
                    file="client.yaml",
                    column="…" if identifier(name) else name,
                )


def _client_labels(client: Client) -> Iterator[tuple[str, str]]:
    """Give every text of client.yaml that reports show, with the key it stands under."""
    yield from (("name", each) for each in (client.name.es, client.name.en))
    yield from (("purpose", client.purpose), ("legal_basis", client.legal_basis))
    if client.extended:
        yield "extended", client.extended.reason
    yield from (("breaks", text) for each in client.breaks for text in (each.reason.es, each.reason.en))
    for source in client.sources:
        yield from (("exclude", rule.reason) for rule in source.exclude)
    for column, text in client.labels.columns.items():
        yield from ((column, each) for each in (text.es, text.en))
    for column, values in client.labels.values.items():
        for value, text in values.items():
            yield from ((column, each) for each in (value, text.es, text.en))


def _entry(rows: Rows, own: list[Part]) -> dict[str, Any]:
    """Return what tables.json says of one table."""
    sources = []
    labels: dict[str, dict[str, str]] = {}
    reasons: dict[str, dict[str, int]] = {}
    for part, digest in own:
        used = len(part.frame)
        if part.read != used + sum(part.excluded.values()):
            raise InputError(
                "{file}: rows read are not rows used plus excluded; report this as a fault of cxlab",
                file=part.source.file,
            )
        sources.append(
            {
                "file": part.source.file,
                "sha256": digest,
                "read": part.read,
                "used": used,
                "excluded": part.excluded,
                "unmapped": list(part.unmapped),
                "dropped": list(part.dropped),
                "emptied": part.emptied,
                "headers": part.headers,
                "how": part.how,
                **part.codebook,
            }
        )
        labels |= part.labels
        for column, counted in part.na_reasons.items():
            total = reasons.setdefault(column, {})
            for reason, count in counted.items():
                total[reason] = total.get(reason, 0) + count
    return {
        "rows": len(rows.frame),
        "sources": sources,
        "scales": {name: list(scale) for name, scale in sorted(rows.scales.items())},
        "labels": labels,
        "na_reasons": reasons,
        "after_event": sorted({column for part, _ in own for column in part.after_event}),
        "survey_match": None,
    }


def _complete(tables: dict[str, pd.DataFrame], entries: Entries) -> list[Message]:
    """Add what is computed across columns and tables, and leave out columns that are empty throughout."""
    notes: list[Message] = []
    if "customers" in tables:
        tables["customers"], notes = with_duration(tables["customers"])
    if "customers" in tables and "survey_responses" in tables:
        joined, match, said = with_last_survey(tables["customers"], tables["survey_responses"])
        tables["customers"] = joined
        notes += said
        if match is not None:
            rate = None if math.isnan(match.rate) else match.rate
            entries["customers"]["survey_match"] = asdict(match) | {"rate": rate}
            scales = entries["survey_responses"]["scales"]
            entries["customers"]["scales"] |= {name: scales[name] for name in scales if name in joined}
    for name, frame in tables.items():
        empty = [column for column in frame.columns if frame[column].isna().all()]
        tables[name] = _compact(frame.drop(columns=empty) if empty else frame)
        entries[name]["empty"] = empty
        if empty:
            notes.append(
                Message(
                    "{table}: left out as empty: {columns}", table=name, columns=", ".join(map(str, empty))
                )
            )
    return notes


def _compact(frame: pd.DataFrame) -> pd.DataFrame:
    """Return whole numbers without gaps as integers, so that 0/1 and counts read as such."""
    whole = [
        name
        for name in frame.columns
        if pd.api.types.is_float_dtype(frame[name]) and _is_whole(frame[name].to_numpy())
    ]
    return frame.astype(dict.fromkeys(whole, "int64"), copy=False)


def _is_whole(numbers: npt.NDArray[np.float64]) -> bool:
    pieces = (numbers[first : first + PIECE] for first in range(0, len(numbers), PIECE))
    return all(bool(((each % 1 == 0) & (np.abs(each) < 2**53)).all()) for each in pieces)


def pseudonymise(tables: dict[str, pd.DataFrame], mapped: list[Part], key: bytes) -> None:
    """Replace every id of `tables` by its pseudonym, in place."""
    for name in tables:
        ids = {column for part, _ in mapped if part.source.table == name for column in part.ids}
        for column in sorted(ids & set(tables[name].columns)):
            tables[name][column] = pseudonyms(tables[name][column], key)
