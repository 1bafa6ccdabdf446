"""From a client's files to tables, and back: `check` makes them, `open_dataset` reads them.

Nothing is written unless everything holds: all sources are read, mapped, checked and scanned first, and
every problem of every source is reported at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from cxlab.errors import InputError, Message, Problem
from cxlab.intake.client import Client, Source, load
from cxlab.intake.custody import retention
from cxlab.intake.declared.masks import PEER, check_labelled
from cxlab.intake.files.readers import current_digest, read
from cxlab.intake.folders import client_folder
from cxlab.intake.ledger import CheckReport, ledger_rows
from cxlab.intake.privacy.identifiers import identifier
from cxlab.intake.privacy.pseudonyms import client_key
from cxlab.intake.rules.problems import from_record
from cxlab.intake.rules.registry import Standing, as_records, from_records
from cxlab.intake.steps import Step, Watch, unwatched
from cxlab.intake.tables import storage
from cxlab.intake.tables.extracts import later_keys, latest_first, misdeclared
from cxlab.intake.tables.index import FORMAT, digests, read_index
from cxlab.intake.tables.mapped import Mapped
from cxlab.intake.tables.syntax import names

if TYPE_CHECKING:
    from cxlab.intake.assembly import Assembly


def check(root: str | Path, client: str, *, strict: bool = True, on_step: Watch = unwatched) -> CheckReport:
    """Read, map, check and scan every file of a client; if all holds, write its tables.

    What was found is written to revision.xlsx in the client's folder in any case (see `revision`).

    Parameters
    ----------
    root : path
        The workbench's folder.
    client : str
        Name of the client's folder under data/.
    strict : bool
        Whether problems are raised; else they are in the report, and nothing is written.
    on_step : callable
        Called with each `steps.Step`: what is being done, to which file, how far it is.

    Returns
    -------
    CheckReport
        The ledger (rows read = rows used + rows excluded, by reason), problems, warnings, how each of the
        26 rules stands, and notes.

    Raises
    ------
    InputError
        With every problem of every file.
    WorkbenchError
        If the tables or the key cannot be written.
    """
    # pandera is paid for by those who check, not by every notebook that reads.
    from cxlab.intake import revision
    from cxlab.intake.assembly import assembled, pseudonymise

    declared = load(client_folder(root, client))
    retention.refuse_overdue(declared)
    if not declared.sources:
        there = sorted(path.name for path in (declared.folder / "raw").glob("[!.]*"))
        raise InputError(
            "{client}: client.yaml names no file under `sources:`; raw/ holds: {files}",
            client=client,
            files=", ".join(name for name in there if not identifier(name)) or "-",
        )
    problems: list[Problem] = [*misdeclared(declared.sources)]
    parts: dict[int, tuple[Mapped, str]] = {}
    unread: dict[str, str] = {}
    for place in latest_first(declared.sources):
        source = declared.sources[place]
        later = later_keys(source, [part for part, _ in parts.values()])
        try:
            parts[place] = _taken(declared, source, later, on_step)
        except InputError as error:
            problems += error.problems or (_unread(source, error),)
            unread.setdefault(source.table, source.file)
            continue
        problems += parts[place][0].problems
    mapped = [parts[place] for place in sorted(parts)]
    on_step(Step("checking", rows=sum(len(part.frame) for part, _ in mapped)))
    made = assembled(declared, mapped, problems, unread)
    report = _report(declared, made, problems)
    revision.write(report, declared.folder / revision.FILE)
    if problems:
        if strict:
            raise InputError(
                "{client}: {count} problems; nothing was written",
                client=client,
                count=len(problems),
                problems=problems,
            )
        return report
    on_step(Step("naming"))
    pseudonymise(made.tables, mapped, client_key(client, outside=Path(root)))
    for name, frame in made.tables.items():
        on_step(Step("writing", name, len(frame)))
        made.entries[name] |= {
            "rows": len(frame),
            "columns": list(frame.columns),
            "sha256": storage.content_hash(frame),
        }
    index = {
        "format": FORMAT,
        "client_sha256": declared.sha256,
        "rules": as_records(report.rules),
        "tables": made.entries,
    }
    storage.write(declared.folder / "tables", made.tables, index)
    return report


def _taken(
    declared: Client, source: Source, later: pd.DataFrame | None, on_step: Watch
) -> tuple[Mapped, str]:
    """Read and map one file; what was read is let go as soon as it is mapped."""
    from cxlab.intake.tables.assignment import needed
    from cxlab.intake.tables.counted import counted
    from cxlab.intake.tables.mapping import map_source

    def told(rows: int, share: float) -> None:
        on_step(Step("reading", source.file, rows, share))

    told(0, 0.0)
    reading, digest = read(source, declared.folder, wanted=partial(needed, source), progress=told)
    reading = counted(source, reading)
    on_step(Step("mapping", source.file, len(reading)))
    return map_source(source, reading, declared.privacy, later=later), digest


def _report(client: Client, made: Assembly, problems: list[Problem]) -> CheckReport:
    return CheckReport(
        client=client.slug,
        name=client.title(client.language),
        language=client.language,
        tables=made.entries,
        problems=tuple(problems),
        warnings=(*made.examination.warnings, *retention.doubts(client)),
        rules=made.examination.standings(problems),
        notes=(*made.notes, *retention.notes(client)),
    )


def _unread(source: Source, error: InputError) -> Problem:
    return Problem(
        Message("{what}", what=error.message),
        Message("a file that can be read"),
        Message("correct `file:` in client.yaml"),
        file=source.file,
    )


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What tables.json says of one table.

    Attributes
    ----------
    sha256 : str
        Hash of the table's content: the same for the same input, whenever and wherever it is made.
    file_sha256 : str
        Hash of its Parquet file.
    rows : int
    sources : list of dict
        For each file: file, sha256, read, used, excluded {reason: n}, unmapped, dropped, headers, how; and
        for the next wave, by column: questions, profile {answer: n}, value_labels {code: label}.
    scales : dict of str to (lowest, highest)
    labels : dict of str to dict of str to str
        Value labels that the files carry.
    na_reasons : dict of str to dict of str to int
        How many values are missing, by column and reason.
    survey_match : dict or None
        Of customers: how surveys and customers met.
    match_rates : list of dict
        Of surveys: how many find their customer, in all and by group, as `matching.match_rates` has it.
    after_event : list of str
        Columns made by the event, or after it: no predictor.
    warnings : list of dict
        What every reader should know, as `problems.as_record` has it; `told` gives problems again.
    breaks : list of dict
        Where its series break: wave, column (`*`: all), reason {es, en}.
    """

    KEPT: ClassVar[tuple[str, ...]] = (
        "sha256",
        "file_sha256",
        "rows",
        "sources",
        "scales",
        "labels",
        "na_reasons",
        "survey_match",
        "match_rates",
        "after_event",
        "warnings",
        "breaks",
    )

    table: str
    sha256: str
    file_sha256: str
    rows: int
    sources: list[dict[str, Any]]
    scales: dict[str, list[float]]
    labels: dict[str, dict[str, str]]
    na_reasons: dict[str, dict[str, int]]
    survey_match: dict[str, Any] | None
    match_rates: list[dict[str, Any]]
    after_event: list[str]
    warnings: list[dict[str, Any]]
    breaks: list[dict[str, Any]]

    def sums(self) -> dict[str, int]:
        """Return how many records its files had, and how many were kept and excluded: these add up."""
        return {
            "records": sum(source["read"] for source in self.sources),
            "kept": sum(source["used"] for source in self.sources),
            "excluded": sum(sum(source["excluded"].values()) for source in self.sources),
        }

    def column_of(self, problem: Problem) -> str:
        """Return the table's column that a problem speaks of by its header, or what it names as it is."""
        for source in self.sources:
            for name, header in source["headers"].items():
                if header == problem.column and problem.file.startswith(source["file"]):
                    return str(name)
        return problem.column

    def told(self) -> list[Problem]:
        """Return the warnings about this table."""
        return [from_record(record) for record in self.warnings]

    def ledger_rows(self) -> list[dict[str, Any]]:
        """Return the ledger, one row for each file and then each reason: as `ledger.COLUMNS`."""
        return list(ledger_rows(self.table, self.sources))


@dataclass(frozen=True)
class Dataset:
    """A client's tables, as the last check wrote them.

    Attributes
    ----------
    client : Client
        As declared.
    index : dict
        tables.json.
    """

    client: Client
    index: dict[str, Any] = field(repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the tables."""
        return tuple(self.index["tables"])

    @property
    def standings(self) -> tuple[Standing, ...]:
        """How each of the 26 rules stood when the tables were made; empty if an older cxlab made them."""
        return from_records(self.index.get("rules", ()))

    def entry(self, table: str) -> Entry:
        """Return what is known of a table: hash of its content, rows, sources with their ledger, scales.

        Raises
        ------
        InputError
            If the client has no such table.
        """
        entries: dict[str, dict[str, Any]] = self.index["tables"]
        if table not in entries:
            raise InputError(
                "{client} has no table {table}; it has: {names}; declare a source for it in client.yaml",
                client=self.client.slug,
                table=table,
                names=", ".join(self.names),
            )
        return Entry(table=table, **{name: entries[table][name] for name in Entry.KEPT})

    def read(self, table: str) -> pd.DataFrame:
        """Return a table, with what was declared of its columns.

        `attrs["scales"]` has the scales, {column: (lowest, highest)}; `attrs["after_event"]` the columns that
        the event made, which are no predictors of it; `attrs["deciding"]` those without a scale by which
        `asked_if` tells who was asked another question.

        Raises
        ------
        InputError
            If there is no such table, it was changed after the check, or it has a peer that `mask_peers`
            cannot call by a letter.
        """
        entry = self.entry(table)
        folder = self.client.folder / "tables"
        frame = storage.read_table(folder, table, file_sha256=entry.file_sha256, client=self.client.slug)
        if self.client.mask_peers is True and PEER in frame:
            check_labelled(frame[PEER].dropna().astype(str), self.client.labels_mapping(), self.client.slug)
        frame.attrs["scales"] = {name: (low, high) for name, (low, high) in entry.scales.items()}
        frame.attrs["after_event"] = after_event(table, entry.after_event)
        asked = [
            c for source in self.client.sources if source.table == table for c in source.asked_if.values()
        ]
        deciding = {name for condition in asked for name in names(condition)} - {*entry.scales}
        frame.attrs["deciding"] = sorted(deciding & {*map(str, frame.columns)})
        return frame

    def labels_mapping(self) -> dict[str, Any]:
        """Return the client's labels and, where it gives none for a column's values, those of its files.

        A column of 0 and 1 whose only label is that of 1 is called by it: an option of a question.

        As `Client.labels_mapping`: columns {name: {es, en}}, values {column: {value: {es, en}}}.
        """
        labels = self.client.labels_mapping()
        values = {
            column: {code: {"es": label, "en": label} for code, label in given.items()}
            for table in self.names
            for column, given in self.entry(table).labels.items()
        }
        options = {column: given["1"] for column, given in values.items() if set(given) == {"1"}}
        return labels | {"columns": options | labels["columns"], "values": values | labels["values"]}


def after_event(table: str, declared: list[str]) -> list[str]:
    """Return the columns of a table that are no predictors of leaving: those declared, and leaving itself.

    Examples
    --------
    >>> after_event("customers", ["attr_winback"])
    ['attr_winback', 'end_date', 'end_type']
    """
    return [*declared, *(("end_date", "end_type") if table == "customers" else ())]


def open_dataset(root: str | Path, client: str) -> Dataset:
    """Open a client's tables.

    Parameters
    ----------
    root : path
        The workbench's folder.
    client : str
        Name of the client's folder under data/.

    Raises
    ------
    InputError
        If there are no tables, or a file or client.yaml has changed since they were made.
    """
    declared = load(client_folder(root, client))
    retention.refuse_overdue(declared)
    index = read_index(declared.folder / "tables", client=client)
    changed = [] if index["client_sha256"] == declared.sha256 else ["client.yaml"]
    known = digests(index)
    changed += [
        source.file
        for source in declared.sources
        if _changed(source, declared.folder, known.get(source.file, set()))
    ]
    if changed:
        raise InputError(
            "{files} changed after the tables of {client} were made; make them again with "
            "`cxlab check {client}`",
            files=", ".join(dict.fromkeys(changed)),
            client=client,
        )
    return Dataset(client=declared, index=index)


def _changed(source: Source, folder: Path, known: set[str]) -> bool:
    """Tell whether a file is another than the one read; a file that is gone leaves its tables standing."""
    try:
        return current_digest(source, folder, known) not in known
    except InputError:
        return False
