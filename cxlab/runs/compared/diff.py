"""What moved between two published runs, and why; from their results.json and manifest.json alone.

Numbers are compared in `moved`, conclusions in `restated`. Nobody may be found by
subtraction: runs whose filters leave sets that differ by a handful of customers are refused, and what
rests on bases that differ by 1 to 9 is named without numbers or sentences. What changed among people
whose number stayed the same cannot be seen from results.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from cxlab.errors import CxlabError, Message, ParameterError, RunError
from cxlab.intake.declared.canonical import of_people
from cxlab.runs.compared.moved import Judged, Key, Moved, Other, Record, Rows, close, frozen
from cxlab.runs.compared.restated import Restated, restated
from cxlab.runs.published import Run
from cxlab.runs.releases import Release, Releases, release_of

Why = Literal["data", "parameters", "code", "client", "versions", "machine"]
MAIN = "main"


@dataclass(frozen=True)
class Cause:
    """Something the two runs were not made of alike: a table, a parameter, a version..."""

    kind: Why
    what: str
    before: Any = None
    after: Any = None


@dataclass(frozen=True)
class Count:
    """Rows of a table or a result; both numbers are None where they differ by 1 to 9."""

    of: str
    what: str
    before: int | None
    after: int | None


@dataclass(frozen=True)
class Difference:
    """All that `diff` found; `same_people` says whether both runs read the same rows."""

    before: str
    after: str
    same_people: bool
    causes: tuple[Cause, ...] = ()
    counts: tuple[Count, ...] = ()
    moved: tuple[Moved, ...] = ()
    judged: tuple[Judged, ...] = ()
    claims: tuple[Restated, ...] = ()
    others: tuple[Other, ...] = ()
    unchanged: int = 0

    @property
    def empty(self) -> bool:
        """Whether nothing differs."""
        return not (self.causes or self.counts or self.moved or self.judged or self.claims or self.others)


def diff(before: Run, after: Run, *, root: Path) -> Difference:
    """Compare two published runs of one notebook on one client's data.

    Parameters
    ----------
    before, after : Run
    root : Path
        The workbench: where the client's tables are still those that were read, two filters are compared
        customer by customer, else by how many rows they left.

    Returns
    -------
    Difference
        Empty when the two say the same; of (B, A) the mirror of (A, B).

    Raises
    ------
    ParameterError
        If they are of two notebooks or two clients.
    RunError
        If their filters leave sets that differ by 1 to 9 customers.
    """
    for said in (Message("notebook"), Message("client")):
        one, other = (str(run.manifest.get(str(said), "")) for run in (before, after))
        if one != other:
            raise ParameterError(
                "{before} and {after} are not of the same {said}: {one} and {other}; nothing to compare",
                before=before.name, after=after.name, said=said, one=one or "-", other=other or "-",
            )  # fmt: skip
    releases = _release(before), _release(after)
    _refuse_alike(before, after, releases, root)
    tables = _tables(before), _tables(after)
    alike = all(tables[0][name] == tables[1][name] for name in tables[0].keys() & tables[1].keys())
    same = alike and releases[0].tables == releases[1].tables
    found = Difference(before.name, after.name, same, tuple(causes(before, after)))
    parts = [
        _Pair(one, other, same=same).parts() for one, other in _matched(_results(before), _results(after))
    ]
    moved: dict[Moved, Moved] = {}
    for each in (each for part in parts for each in part.moved):  # what is shown again has no claims: no unit
        moved.setdefault(replace(each, unit=""), each)
    return replace(
        found,
        counts=tuple(dict.fromkeys([*_read(before, after), *(c for part in parts for c in part.counts)])),
        moved=tuple(moved.values()),
        judged=tuple(dict.fromkeys(each for part in parts for each in part.judged)),
        claims=tuple(dict.fromkeys(each for part in parts for each in part.claims)),
        others=_together(each for part in parts for each in part.others),
        unchanged=len({each for part in parts for each in part.same}),
    )


def _together(others: Iterable[Other]) -> tuple[Other, ...]:
    """Return one for each table of a kind of result, with all columns and rows."""
    found: dict[tuple[str, str], Other] = {}
    for each in others:
        held = found.get((each.kind, each.table), Other(each.kind, each.table, (), 0))
        columns = tuple(sorted({*held.columns, *each.columns}))
        found[(each.kind, each.table)] = replace(held, columns=columns, rows=held.rows + each.rows)
    return tuple(found.values())


# --- what the runs were made of ---------------------------------------------------------------------


def _release(run: Run) -> Release:
    said = run.manifest
    return release_of(run.entry, str(said.get("client", "")), said.get("parameters", {}), _inputs(run))


def _inputs(run: Run) -> list[Record]:
    return [each for each in run.manifest.get("inputs", ()) if isinstance(each, Mapping)]


def _tables(run: Run) -> dict[str, str]:
    return {str(each.get("table")): str(each.get("sha256")) for each in _inputs(run)}


def _refuse_alike(before: Run, after: Run, of: tuple[Release, Release], root: Path) -> None:
    for table in sorted(of[0].tables.keys() & of[1].tables.keys()):
        (sha256, where), (other_sha256, other_where) = of[0].tables[table], of[1].tables[table]
        if sha256 != other_sha256 or where == other_where:
            continue
        releases = Releases(root)
        try:
            held = releases.dataset(of[0].client).entry(table).sha256 == sha256
            alike = held and releases.alike(of[0].client, table, where, other_where)
        except CxlabError:
            held = alike = False
        if not held:
            used = [each.get("used") for run in (before, after) for each in _inputs(run)
                    if each.get("table") == table]  # fmt: skip
            alike = close(*used)
        if alike:
            raise RunError(
                "{before} (where: {where}) and {after} (where: {other_where}) leave sets of {table} that "
                "differ by under 10 customers: one less the other would give them away; nothing is compared",
                before=before.name, where=where or "-", after=after.name, other_where=other_where or "-",
                table=table,
            )  # fmt: skip


def causes(before: Run, after: Run) -> Iterator[Cause]:
    """Yield what the two runs were not made of alike, as their manifests say."""
    one, other = _parts_of(before), _parts_of(after)
    for kind, parts in one.items():
        names = parts.keys() | other[kind].keys()
        if kind == "machine":  # of which an older manifest says less
            names = parts.keys() & other[kind].keys()
        for name in sorted(names):
            sides = parts.get(name), other[kind].get(name)
            if sides[0] != sides[1]:
                yield Cause(kind, name, frozen(sides[0]), frozen(sides[1]))
    facts = [run.manifest.get("fingerprint", {}).get("facts") for run in (before, after)]
    # Of other tables other things are said; of the same ones, it is a cause of its own.
    if one["data"] == other["data"] and None not in facts and facts[0] != facts[1]:
        yield Cause("data", "tables.json", *facts)


def _parts_of(run: Run) -> dict[Why, dict[str, Any]]:
    """Return what a run was made of, by kind of cause and name."""
    said, made = run.manifest, run.manifest.get("fingerprint", {})
    return {
        "data": dict(_tables(run)),
        "parameters": dict(said.get("parameters", {})),
        "code": {name: made.get(name) for name in ("notebook", "beside", "sources")},
        "client": {"client.yaml": made.get("client")},
        "versions": dict(said.get("versions", {})),
        "machine": dict(said.get("machine", {})),
    }


def _read(before: Run, after: Run) -> Iterator[Count]:
    one, other = ({str(each.get("table")): each for each in _inputs(run)} for run in (before, after))
    for table in sorted(one.keys() | other.keys()):
        for what in ("rows", "used"):
            yield from _count(
                table,
                what,
                one.get(table, {}).get(what),
                other.get(table, {}).get(what),
                people=table in of_people(),
            )


def _count(of: str, what: str, before: Any, after: Any, *, people: bool = True) -> Iterator[Count]:
    if before != after:
        hidden = people and close(before or 0, after or 0)
        yield Count(of, what, None if hidden else before, None if hidden else after)


def _results(run: Run) -> list[Record]:
    return [each for each in run.results.get("results", ()) if isinstance(each, Mapping)]


def _matched(before: list[Record], after: list[Record]) -> list[tuple[Record, Record]]:
    """Pair results of one kind in their order; what stands on one side only is paired with nothing."""
    one, other = _in_order(before), _in_order(after)
    return [(one.get(name, {}), other.get(name, {})) for name in sorted(one.keys() | other.keys())]


def _in_order(results: list[Record]) -> dict[tuple[str, str, int], Record]:
    found: dict[tuple[str, str, int], Record] = {}
    for each in results:
        name, place = (str(each.get("kind")), str(each.get("estimate_column"))), 0
        while (*name, place) in found:
            place += 1
        found[(*name, place)] = each
    return found


# --- one result on both sides -----------------------------------------------------------------------


@dataclass(frozen=True)
class _Parts:
    moved: list[Moved]
    same: list[tuple[str, str, Key]]
    judged: list[Judged]
    others: list[Other]
    counts: list[Count]
    claims: list[Restated]


class _Pair:
    """A result before and after; either may be nothing."""

    def __init__(self, before: Record, after: Record, *, same: bool) -> None:
        self.before, self.after = before, after
        self.kind = str((before or after).get("kind", ""))
        self.used = before.get("n_used"), after.get("n_used")
        names = {name for side in (before, after) for name in side.get("tables", {})}
        order = sorted(names, key=lambda name: (name != MAIN, name))
        self.rows = [Rows(name, before, after, same=same) for name in order]
        self.veiled = {each for rows in self.rows for each in rows.veiled}

    def parts(self) -> _Parts:
        return _Parts(
            [each for rows in self.rows for each in rows.moved()],
            [(self.kind, rows.table, key) for rows in self.rows for key in rows.unchanged()],
            [each for rows in self.rows for each in rows.judged()],
            [each for rows in self.rows for each in rows.others()],
            list(self._counts()),
            list(restated(self.before, self.after, veiled=self.veiled)),
        )

    def _counts(self) -> Iterator[Count]:
        if not (self.before and self.after):
            return
        yield from _count(self.kind, "used", *self.used)
        one, other = (side.get("n_dropped", {}) for side in (self.before, self.after))
        for reason in sorted(one.keys() | other.keys()):
            yield from _count(self.kind, reason, one.get(reason, 0), other.get(reason, 0))
