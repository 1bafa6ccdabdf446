"""Releases within a study, checked against subtraction: two pages may not differ by a handful of customers.

A filter alone is refused when it leaves or removes under 10 customers. Two filters, each of them
harmless, can still leave sets so alike that one page less the other speaks of a few people. Before a
page is published, the customers it read are compared with those behind every page of the same study.
So are the bases that it shows: the total of one page less the parts on another may not leave a few people.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxlab.errors import RunError
from cxlab.intake.declared.canonical import of_people
from cxlab.runs.entries import Entry
from cxlab.runs.publish import Shelf, manifest_of
from cxlab.runs.study import Study

if TYPE_CHECKING:
    import pandas as pd

    from cxlab.intake.dataset import Dataset
    from cxlab.intake.tables.expressions import Mask


Pairs = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Release:
    """What one page was made of: for each table of people its hash and the filter it was read with.

    `told` has the bases that it shows: of each question, how many people are in each group.
    """

    entry: str
    client: str
    tables: Mapping[str, tuple[str, str]]
    told: Mapping[Pairs, Mapping[Pairs, int]] = field(default_factory=dict)


@dataclass
class Releases:
    """The pages of one study's folder, each compared with the others.

    What was published is read once: nobody else publishes while the study's lock is held, and who does
    says so (`take`). Tables are read, and filters applied, once each.
    """

    root: Path
    _published: dict[str, Release] | None = None
    _datasets: dict[str, Dataset] = field(default_factory=dict)
    _frames: dict[tuple[str, str], pd.DataFrame] = field(default_factory=dict)
    _masks: dict[tuple[str, str, str], Mask] = field(default_factory=dict)
    _alike: dict[tuple[str, str, frozenset[str]], bool] = field(default_factory=dict)

    def check(self, release: Release, shelf: Shelf) -> None:
        """Refuse a page whose customers and those of a published page differ by 1 to 9.

        Raises
        ------
        RunError
            Both entries are named; how many customers it is, is not said.
        """
        if self._published is None:
            self._published = {other.entry: other for other in _published(shelf)}
        for other in self._published.values():
            if other.entry == release.entry or other.client != release.client:
                continue
            for table, (sha256, where) in release.tables.items():
                other_sha256, other_where = other.tables.get(table, ("", ""))
                if sha256 == other_sha256 and where != other_where:
                    self._compare(release, other, table, shelf)
            self._subtract(release, other, shelf)

    def take(self, release: Release) -> None:
        """Take note of a page that was published."""
        if self._published is not None:
            self._published[release.entry] = release

    def _compare(self, release: Release, other: Release, table: str, shelf: Shelf) -> None:
        filters, page = (release.tables[table][1], other.tables[table][1]), f"{other.entry}.html"
        if self.alike(release.client, table, *filters) and (shelf.folder / page).is_file():
            raise RunError(
                "{entry} (where: {where}) and {other} (where: {other_where}) leave sets of {table} that "
                "differ by under 10 customers: one page less the other would give them away; use one "
                "filter for both, widen one, or delete {page}",
                entry=release.entry,
                where=filters[0] or "-",
                other=other.entry,
                other_where=filters[1] or "-",
                table=table,
                page=shelf.folder / page,
            )

    def _subtract(self, release: Release, other: Release, shelf: Shelf) -> None:
        """Refuse a page whose bases and those of another leave 1 to 9 people, where neither does alone."""
        from cxlab.intake import where

        one, two = dict(release.tables), dict(other.tables)
        if not one or not two or not (one.items() <= two.items() or two.items() <= one.items()):
            return  # of other people: what they leave is nobody
        fewest, page = min(where.fewest(table) for table in one), shelf.folder / f"{other.entry}.html"
        for asked in sorted(release.told.keys() & other.told.keys(), key=sorted):
            parts = left_of(release.told[asked], other.told[asked], fewest)
            if parts and page.is_file():
                raise RunError(
                    "{entry} and {other} show the same base by different groups, and one less the other "
                    "would tell of under 10 customers ({columns}): show it by the same groups on both, or "
                    "delete {page}",
                    entry=release.entry,
                    other=other.entry,
                    columns=", ".join(sorted(parts)),
                    page=page,
                )

    def alike(self, client: str, table: str, one: str, other: str) -> bool:
        """Tell whether two filters leave sets of a client's table that differ by 1 to 9 customers."""
        from cxlab.intake import where

        pair = (client, table, frozenset((one, other)))
        if pair not in self._alike:
            apart = self._mask(client, table, one) ^ self._mask(client, table, other)
            rows = self._frames[client, table].loc[apart]
            self._alike[pair] = bool(0 < where.customers(rows, table) < where.fewest(table))
        return self._alike[pair]

    def _mask(self, client: str, table: str, said: str) -> Mask:
        from cxlab.intake import where

        if (client, table) not in self._frames:
            self._frames[client, table] = self.dataset(client).read(table)
        if (client, table, said) not in self._masks:
            self._masks[client, table, said] = where.mask(self._frames[client, table], said)
        return self._masks[client, table, said]

    def dataset(self, client: str) -> Dataset:
        """Return a client's dataset, opened once."""
        from cxlab.intake import dataset

        if client not in self._datasets:
            self._datasets[client] = dataset.open_dataset(self.root, client)
        return self._datasets[client]


def left_of(one: Mapping[Pairs, int], other: Mapping[Pairs, int], fewest: int = 10) -> frozenset[str] | None:
    """Return by which columns two pages together leave under `fewest` people of a total, or None.

    Where they do not agree on a base they are of other people, and nothing is subtracted.

    Examples
    --------
    >>> north = frozenset({("region", "north")})
    >>> left_of({frozenset(): 100, north: 95}, {frozenset(): 100}) is None  # the first does so alone
    True
    >>> sorted(left_of({frozenset(): 100}, {north: 93}))
    ['region']
    """
    if any(other.get(cell, n) != n for cell, n in one.items()):
        return None
    both = {**one, **other}
    kinds = {frozenset(column for column, _ in cell) for cell in both}
    for whole, finer in itertools.product(sorted(kinds, key=sorted), repeat=2):
        if not whole < finer:
            continue
        parts: dict[Pairs, list[Pairs]] = {}
        for cell in (c for c in both if {column for column, _ in c} == finer):
            parts.setdefault(frozenset(pair for pair in cell if pair[0] in whole), []).append(cell)
        for total, cells in parts.items():
            used = {total, *cells}
            left = both[total] - sum(both[cell] for cell in cells) if total in both else 0
            if 0 < left < fewest and not (used <= one.keys() or used <= other.keys()):
                return finer
    return None


def release_of(
    entry: str,
    client: str,
    parameters: Mapping[str, Any],
    reads: Iterable[Mapping[str, Any]],
    told: Iterable[Mapping[str, Any]] = (),
) -> Release:
    """Return what a page is made of.

    Parameters
    ----------
    entry, client : str
    parameters : mapping
        Of the run; without `where` the page speaks of everybody.
    reads : iterable of mapping
        What its notebook says that it read: table, sha256, rows, used.
    told : iterable of mapping
        The bases that it shows: ``asked`` (pairs of names and values) and ``bases`` (pairs of a group, itself
        pairs of columns and values, and its people).

    Examples
    --------
    >>> read = {"table": "customers", "sha256": "ab", "rows": 90, "used": 60}
    >>> release_of("churn", "acme", {"where": "region == 'V'"}, [read]).tables
    {'customers': ('ab', "region == 'V'")}
    """
    where = str(parameters.get("where") or "").strip()
    tables: dict[str, tuple[str, str]] = {}
    for read in reads:
        name, sha256 = str(read.get("table")), str(read.get("sha256"))
        # A table that was only read whole (for weights) was not filtered.
        filtered = read.get("used") != read.get("rows") or bool(tables.get(name, ("", ""))[1])
        if name in of_people():
            tables[name] = (sha256, where if filtered else "")
    bases: dict[Pairs, dict[Pairs, int]] = {}
    for each in told:
        held = bases.setdefault(_pairs(each.get("asked", ())), {})
        held.update({_pairs(cell): int(n) for cell, n in each.get("bases", ())})
    return Release(entry, client, tables, bases)


def _pairs(given: Iterable[Iterable[Any]]) -> Pairs:
    return frozenset((str(column), str(value)) for column, value in given)


def _published(shelf: Shelf) -> Iterator[Release]:
    for entry, run in shelf.current().items():
        if (shelf.folder / f"{entry}.html").is_file():
            said = manifest_of(shelf.folder / "runs" / run)
            yield release_of(
                entry, str(said.get("client", "")), said.get("parameters", {}), said.get("inputs", []),
                said.get("told", []),
            )  # fmt: skip


def in_turn(study: Study, ended: Iterable[tuple[Entry, Any]]) -> Iterator[tuple[Entry, Any]]:
    """Give entries as they end, but none before those ahead of it in the study with another filter.

    Which of two entries is refused must not depend on which kernel was faster.
    """
    waiting: dict[str, tuple[Entry, Any]] = {}
    left: dict[str, dict[str, str]] = {}  # of each client, its entries in order, each with its filter
    for entry in study.entries:
        filters = left.setdefault(study.client_of(entry), {})
        filters[entry.id] = str(entry.parameters.get("where") or "").strip()
    for entry, outcome in ended:
        waiting[entry.id] = (entry, outcome)
        filters = left[study.client_of(entry)]
        while ready := [name for name in _front(filters) if name in waiting]:
            for name in ready:
                del filters[name]
                yield waiting.pop(name)


def _front(filters: Mapping[str, str]) -> Iterator[str]:
    """Give the first entries, as far as their filter is the same."""
    first = next(iter(filters.values()), None)
    return itertools.takewhile(lambda name: filters[name] == first, [*filters])
