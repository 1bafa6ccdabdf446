"""A file as read to rows of a canonical table: columns decoded and turned, others derived, rows excluded.

Whatever does not fit becomes a problem with its line, unless its row is excluded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cxlab.errors import Message, ParameterError, Problem
from cxlab.intake.coded import Coded, side_by_side
from cxlab.intake.declared.models import Privacy, Source
from cxlab.intake.files.reading import MOST_SHOWN, Reading
from cxlab.intake.privacy.identifiers import Identifier, spoken
from cxlab.intake.privacy.pseudonyms import personal_name, shown
from cxlab.intake.tables import choices, codebooks
from cxlab.intake.tables.assignment import REASON_SUFFIX, Assignment, assign, resolve_keys
from cxlab.intake.tables.cells import Marks
from cxlab.intake.tables.columns import Column
from cxlab.intake.tables.decoding import Declared, decode
from cxlab.intake.tables.expressions import computed, matches
from cxlab.intake.tables.extracts import without_replaced
from cxlab.intake.tables.mapped import Mapped, Raw
from cxlab.intake.tables.repeats import without_repeats
from cxlab.intake.tables.scales import refuse_outside, rescaled

# How many of many alike faults are shown.
EXAMPLES = 3
Kept = npt.NDArray[np.bool_]
Emptied = dict[str, dict[Identifier, int]]


def map_source(
    source: Source,
    reading: Reading,
    privacy: Privacy | None = None,
    *,
    later: pd.DataFrame | None = None,
) -> Mapped:
    """Map what was read from one source to its canonical table.

    `later` holds the keys of the extracts that update this one: its rows with those keys are left out.
    Where `privacy` says so, cells that look personal are emptied before anything else is made of them.
    Problems of the declaration and of the cells are in the result's `problems`; nothing is raised.
    """
    assigned = assign(source, list(reading.headers))
    keys = resolve_keys(assigned)
    assigned.problems += choices.declared_problems(assigned, keys)
    declared = Declared(assigned, keys, privacy)
    work = _Work(assigned, declared, reading)
    work.take()
    if assigned.problems:
        return work.mapped(np.ones(len(reading), dtype=bool), {})
    work.choose()
    work.derive()
    work.skip()
    once = without_repeats(assigned, work.values, reading, *work.exclude())
    return work.mapped(*without_replaced(work.values, later, *once))


class _Work:
    """The state of one mapping."""

    def __init__(self, assigned: Assignment, declared: Declared, reading: Reading) -> None:
        self.source, self.assigned, self.declared, self.reading = assigned.source, assigned, declared, reading
        self.problems = list(assigned.problems)
        self.columns: dict[str, Column] = {}
        self.values: dict[str, pd.Series[Any]] = {}
        self.whys: dict[str, npt.NDArray[Any]] = {}
        self.unasked: dict[str, Kept] = {}
        self.options: dict[str, str] = {}
        self.parted: set[str] = set()
        self.notes: list[Message] = []
        self.marks = Marks(
            decimal=self.source.decimal,
            thousands=self.source.thousands,
            declared=bool({"decimal", "thousands"} & self.source.model_fields_set),
            typed=reading.typed,
            timezone=self.source.timezone,
        )

    def take(self) -> None:
        """Decode the columns of the file, then those of one declared value."""
        for name in [*self.assigned.stored, *self.assigned.consulted]:
            header = self.assigned.stored.get(name, name)
            rule = self.declared.rule(name, header, self.reading)
            self._keep(name, decode(self.reading.columns[header], rule, self.marks))
        for name, value in self.source.constants.items():
            cells = Coded.one(value, len(self.reading))
            # A constant is declared as YAML writes it, not as the file does.
            self._keep(name, decode(cells, self.declared.rule(name, "", self.reading), Marks(typed=True)))
        if self.source.row_id is not None:
            # With the file's name before it: two files have a line 2 each.
            own = self.reading.own or self.reading.lines
            lines = Coded.of(f"{self.source.file} {line}" for line in own)
            rule = self.declared.rule(self.source.row_id, "", self.reading)
            self._keep(self.source.row_id, decode(lines, rule, Marks(typed=True)))

    def _keep(self, name: str, column: Column) -> None:
        if name in self.declared.equivalents and column.typed.values.dtype.kind == "f":
            refuse_outside(column.typed, self.declared.equivalents[name], name=name)
        self.columns[name] = column
        self.values[name] = self._turned(name, column.values)

    def _turned(self, name: str, values: pd.Series[Any]) -> pd.Series[Any]:
        """Return values with more for better, on the scale on which they are stored."""
        reverse, equivalence = self.declared.listed("reverse", name), self.declared.equivalents.get(name)
        if not reverse and equivalence is None:
            return values
        if not pd.api.types.is_numeric_dtype(values):
            self._refuse_turn(name, Message("a column of text to reverse or take to another scale"))
            return values
        if reverse and name not in self.declared.asked:
            self._refuse_turn(name, Message("a column to reverse without a scale"))
            return values
        if reverse:
            low, high = self.declared.asked[name]
            values = low + high - values
        return values if equivalence is None else rescaled(values, equivalence)

    def _refuse_turn(self, name: str, found: Message) -> None:
        self.problems.append(
            Problem(
                found,
                Message("numbers, and `scales:` with their lowest and highest point"),
                Message("add `scales: {{{name}: [1, 7]}}` with its own points", name=name),
                file=f"client.yaml ({self.source.file})",
                column=name,
            )
        )

    def choose(self) -> None:
        """Make 0/1 columns of the questions that take several answers."""
        for group in self.source.multiple:
            names = [self.declared.keys["multiple"][name] for name in dict.fromkeys(group)]
            self.options |= {name: text for name in names if (text := choices.option_of(self.columns[name]))}
            columns = [choices.flagged(self.columns[name], name=name) for name in names]
            for name, column, values, why in zip(names, columns, *choices.unanswered(columns), strict=True):
                self.columns[name], self.values[name], self.whys[name] = column, pd.Series(values), why
        for declared, name in self.declared.keys["split"].items():
            self._part(name, self.source.split[declared])

    def _part(self, name: str, separator: str) -> None:
        """Put a column for each option in the place of one whose cells hold several."""
        header, column = self.assigned.stored.pop(name), self.columns.pop(name)
        del self.values[name]
        parts = choices.parted(column, separator, name=name, file=self.source.file, header=header)
        self.problems += parts.problems
        for made, each in parts.columns.items():
            self.columns[made], self.values[made] = each, each.values
            self.assigned.stored[made] = header
        self.options |= parts.labels
        self.parted.add(header)
        self.notes.append(
            Message(
                "{file}: {header} became {n} columns of 0 and 1: {names}",
                file=self.source.file,
                header=header,
                n=len(parts.columns),
                names=", ".join(parts.columns),
            )
        )
        if parts.pooled:
            self.notes.append(
                Message(
                    "{file}: {n} options of {header} that one person chose are together in {name}",
                    file=self.source.file,
                    n=parts.pooled,
                    header=header,
                    name=f"{name}_{choices.OTHER}",
                )
            )

    def _environment(self) -> dict[str, pd.Series[Any]]:
        aliases = {
            header: self.values[name]
            for name, header in self.assigned.stored.items()
            if name in self.values and header not in self.parted
        }
        return {**aliases, **self.values}

    def derive(self) -> None:
        """Compute the derived columns, in the order in which they are declared."""
        for name, expression in self.source.derive.items():
            try:
                self.values[name] = computed(self._environment(), expression).rename(name)
            except ParameterError as error:
                self._expression_fault(name, error)
                continue
            self.values[name] = self._turned(name, self.values[name])

    def _expression_fault(self, place: str, error: ParameterError) -> None:
        self.problems.append(
            Problem(
                Message("{why}", why=error.message),
                Message("an expression over columns"),
                Message("correct it in client.yaml"),
                file=f"client.yaml ({self.source.file})",
                column=place,
            )
        )

    def skip(self) -> None:
        """Give the empty cells of whoever was not asked their reason, and keep the answers that belie it."""
        for declared, name in self.declared.keys["asked_if"].items():
            if name not in self.columns:
                continue
            expression = self.source.asked_if[declared]
            try:
                matches(self._environment(), expression)
                not_asked = computed(self._environment(), expression).eq(0).to_numpy()
            except ParameterError as error:
                self._expression_fault(f"asked_if {declared}", error)
                continue
            why = self._why(name)
            self.whys[name] = np.where(not_asked & np.isin(why, ("blank", "missing")), "not_asked", why)
            self.unasked[name] = not_asked & self.values[name].notna().to_numpy()

    def _why(self, name: str) -> npt.NDArray[Any]:
        """Return why each value of a column is missing; an empty text where it is not."""
        return self.whys[name] if name in self.whys else self.columns[name].why

    def exclude(self) -> tuple[Kept, dict[str, int]]:
        """Return which rows are kept, and how many each rule takes away."""
        kept = np.ones(len(self.reading), dtype=bool)
        excluded: dict[str, int] = {}
        for rule in self.source.exclude:
            try:
                hit = matches(self._environment(), rule.where) & kept
            except ParameterError as error:
                self._expression_fault("exclude", error)
                continue
            excluded[rule.reason] = excluded.get(rule.reason, 0) + int(hit.sum())
            kept &= ~hit
        return kept, excluded

    def mapped(self, kept: Kept, excluded: dict[str, int]) -> Mapped:
        """Return the rows that are kept, with the problems of those rows."""
        stored = [name for name in self.values if name not in self.assigned.consulted]
        columns = {name: column for name, column in self.columns.items() if name in stored}
        values = {name: self.values[name] for name in stored}
        for name in columns:
            if self.declared.listed("na_reasons", name):
                values[name + REASON_SUFFIX] = _stored_reasons(self._why(name))
        named = {name for name, header in self.assigned.stored.items() if personal_name(header)}
        personal = self.declared.ids | named
        for name in self.columns:
            self.problems += self._cell_problems(name, kept, personal=name in personal)
        self.problems += self._doubts(kept)
        emptied = {name: _counted(column, kept) for name, column in columns.items() if column.emptied}
        return Mapped(
            source=self.source,
            frame=_framed(values, kept),
            raw=Raw(
                {name: column.cells for name, column in columns.items()},
                {name: values[name] for name in stored if name not in columns},
                kept,
            ),
            lines=self.reading.lines if kept.all() else self.reading.lines[kept],
            headers=dict(self.assigned.stored),
            read=self.reading.read,
            excluded={**self.reading.skipped, **excluded},
            unmapped=self.assigned.unmapped,
            dropped=self.assigned.dropped,
            scales={name: scale for name, scale in self.declared.scales.items() if name in stored},
            labels=self._labels(stored),
            na_reasons={name: told for name in columns if (told := self._told(name, kept))},
            personal=personal,
            notes=[*self.reading.notes, *self.notes, *_notes(columns, self.source.file, emptied)],
            how=self.reading.how,
            faulty={
                name: {column.text(at) for at in column.typed.faults} for name, column in columns.items()
            },
            ids=self.declared.ids & set(stored),
            distinct={name for name, column in columns.items() if column.identity and column.distinct},
            equivalents={name: each for name, each in self.declared.equivalents.items() if name in stored},
            emptied=emptied,
            codebook=codebooks.kept(
                self.source, columns, self.reading, headers=self.assigned.stored, personal=personal
            ),
            problems=self.problems,
            led={name: column.led for name, column in columns.items() if column.led},
            unasked={name: n for name, wrong in self.unasked.items() if (n := int(wrong[kept].sum()))},
            after_event=set(self.declared.keys["after_event"].values()),
            upward={
                name for key in ("reverse", "more_is_better") for name in self.declared.keys[key].values()
            },
        )

    def _doubts(self, kept: Kept) -> Iterator[Problem]:
        """Give what the reader doubts of the columns and rows that are used."""
        if not self.reading.doubts:
            return
        used = {*self.assigned.stored.values(), *self.assigned.consulted}
        lines = set(self.reading.lines[kept].tolist())
        for doubt in self.reading.doubts:
            if (not doubt.column or doubt.column in used) and (not doubt.row or doubt.row in lines):
                yield doubt

    def _labels(self, stored: list[str]) -> dict[str, dict[str, str]]:
        headers = {
            name: header
            for name, header in self.assigned.stored.items()
            if name in stored and not self.declared.listed("value_labels", name)
        }
        of_file = {
            name: self.reading.labels[header]
            for name, header in headers.items()
            if header in self.reading.labels
        }
        return of_file | {name: {"1": text} for name, text in self.options.items()}

    def _told(self, name: str, kept: Kept) -> dict[str, int]:
        """Count the reasons for which values are missing in the rows that are used."""
        if name not in self.whys:
            return self.columns[name].told(kept)
        why = self.whys[name][kept]
        found = pd.Series(why[why != ""]).value_counts()
        return {str(reason): int(n) for reason, n in sorted(found.items())}

    def _cell_problems(self, name: str, kept: Kept, *, personal: bool) -> Iterator[Problem]:
        """Give one problem for each distinct text that does not fit, with its first line and how often."""
        column = self.columns[name]
        if not column.typed.faults:
            return
        rows = np.flatnonzero(kept)
        codes = column.codes[rows]
        counts = np.bincount(codes, minlength=len(column.cells.texts))
        firsts = np.full(len(column.cells.texts), -1)
        firsts[codes[::-1]] = rows[::-1]
        faulty = sorted((at for at in column.typed.faults if counts[at]), key=lambda at: firsts[at])
        header = self.assigned.stored.get(name, name)
        # Many dates with one remedy are one format not declared: three say it.
        alike = column.typed.values.dtype.kind == "M" and len(faulty) > MOST_SHOWN
        alike = alike and len({column.typed.faults[at].action for at in faulty}) == 1
        most = EXAMPLES if alike else MOST_SHOWN
        for place, at in enumerate(faulty[: most + 1]):
            rest = faulty[place:] if place == most else [at]
            fault = column.typed.faults[at]
            more = Message("{n} more values like these", n=len(rest))
            yield Problem(
                more if place == most else shown(column.text(at), personal=personal),
                fault.allowed,
                fault.action,
                file=self.source.file,
                column=header,
                row=int(self.reading.lines[firsts[at]]),
                count=int(counts[rest].sum()),
                rule=fault.rule,
            )


def _stored_reasons(why: npt.NDArray[Any]) -> pd.Series[Any]:
    named = np.where(why == "blank", "missing", why)
    return pd.Series(named, dtype=object).mask(pd.Series(named == ""))


def _framed(values: Mapping[str, pd.Series[Any]], kept: Kept) -> pd.DataFrame:
    """Return the rows that are kept as a frame."""
    if not values:
        return pd.DataFrame(index=range(int(kept.sum())))
    if kept.all():
        return side_by_side(values)
    return side_by_side({name: column[kept].reset_index(drop=True) for name, column in values.items()})


def _counted(column: Column, kept: Kept) -> dict[Identifier, int]:
    """Count the cells that were emptied in the rows that are used, by kind."""
    found = np.bincount(column.codes[kept], minlength=len(column.cells.texts))
    counted: dict[Identifier, int] = {}
    for at, kind in column.emptied.items():
        counted[kind] = counted.get(kind, 0) + int(found[at])
    return {kind: counted[kind] for kind in sorted(counted)}


def _notes(columns: dict[str, Column], file: str, emptied: Emptied) -> Iterator[Message]:
    trimmed = [f"{name} ({column.trimmed})" for name, column in columns.items() if column.trimmed]
    if trimmed:
        yield Message("{file}: outer blanks taken off in {columns}", file=file, columns=", ".join(trimmed))
    tamed = [f"{name} ({column.tamed})" for name, column in columns.items() if column.tamed]
    if tamed:
        yield Message(
            "{file}: control characters became blanks in {columns}", file=file, columns=", ".join(tamed)
        )
    for name, column in columns.items():
        for kind, count in emptied.get(name, {}).items():
            yield Message(
                "{file}: {count} cells of {column} emptied, not stored: they look personal ({kind})",
                file=file,
                count=count,
                column=name,
                kind=spoken(kind),
            )
        if column.unused:
            yield Message(
                "{file}: recodes of {column} that match nothing: {codes}",
                file=file,
                column=name,
                codes=", ".join(column.unused[:8]),
            )
