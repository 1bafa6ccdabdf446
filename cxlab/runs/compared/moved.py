"""The numbers of one result before and after: matched by table and key columns, judged, or hidden.

Where both runs read the same rows of the same tables, any change that is not rounding is one of
computation. Where the people are others, a change is held to both errors: with limits l, u of estimates
a < b it goes beyond them if ``b - a > sqrt((b - l_b)**2 + (u_a - a)**2)`` (Zou & Donner 2008,
doi:10.1002/sim.3095), which supposes independent estimates; people who are in both make it too strict.

A row whose base moved by 1 to 9 is named without its numbers, and if it is the only one among its kind
another goes with it, so that it does not follow by subtraction.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any, Literal

from cxlab.intake.where import FEWEST_CUSTOMERS
from cxlab.reporting.units import unit_of

Verdict = Literal[
    "computed", "beyond", "within", "unjudged", "hidden", "suppressed_before", "suppressed_after",
    "gone", "new",
]  # fmt: skip
Key = tuple[tuple[str, Any], ...]
Record = Mapping[str, Any]

BASES = ("n", "n_rest", "n_low", "n_high", "n_moved", "value_n", "at_risk")
FLAG, SUPPRESSED, TIMES = "flag", "suppressed", "#"
LIMITS = ("conf_low", "conf_high")
# Keys that part everybody, besides the columns of `by`: the parts and the whole give each other away.
PARTS = ("unit", "category", "segment")
# Where a row is put, which is no name of it: what changes there is a verdict.
VERDICTS = ("quadrant", "kind", "verdict", "state", "standing", "dominance", "beats_noise")
ROUNDING, NOTHING = 1e-9, 1e-12


@dataclass(frozen=True)
class Moved:
    """A number before and after; without them where it is hidden, suppressed or on one side only.

    `errors` is the change over what both errors allow: beyond 1 either way it is more than they do.
    """

    kind: str
    table: str
    column: str
    key: Key
    verdict: Verdict
    unit: str = ""
    before: float | None = None
    after: float | None = None
    interval_before: tuple[float | None, float | None] | None = None
    interval_after: tuple[float | None, float | None] | None = None
    errors: float | None = None

    @property
    def change(self) -> float | None:
        """After less before."""
        return None if self.before is None or self.after is None else self.after - self.before


@dataclass(frozen=True)
class Other:
    """A table in which more than its estimates moved: which columns, in how many rows."""

    kind: str
    table: str
    columns: tuple[str, ...]
    rows: int


def close(one: Any, other: Any) -> bool:
    """Tell whether two bases differ by so few that one less the other would speak of them.

    Examples
    --------
    >>> close(100, 100), close(100, 97), close(100, 90), close(None, 3)
    (False, True, False, False)
    """
    known = isinstance(one, int | float) and isinstance(other, int | float)
    return known and 0 < abs(one - other) < FEWEST_CUSTOMERS


@dataclass(frozen=True)
class Judged:
    """A row whose verdict is another: its quadrant, its kind, whether it stands out from noise."""

    kind: str
    table: str
    column: str
    key: Key
    before: str | bool | None
    after: str | bool | None


class Rows:
    """The rows of one table on both sides, by their keys.

    Parameters
    ----------
    table : str
    before, after : mapping
        The bundles that hold it; either may be empty, or without the table.
    same : bool
        Whether both speak of the same rows of the same tables.
    """

    def __init__(self, table: str, before: Record, after: Record, *, same: bool) -> None:
        self.table, self.sides, self.same = table, (before, after), same
        held = [side.get("tables", {}).get(table, {"columns": [], "rows": []}) for side in self.sides]
        self.columns = list(dict.fromkeys(str(c) for side in held for c in side["columns"]))
        estimate = str((before or after).get("estimate_column", "estimate"))
        self.column = next((c for c in (estimate, "estimate") if c in self.columns), "")
        self.shown = "hazard_ratio" if "hazard_ratio" in self.columns else self.column
        keys = [key for side in self.sides for key in side.get("keys", ())]
        self.keys = [
            c for c in self.columns if c in keys and c not in (self.column, "value", FLAG, *VERDICTS)
        ]
        self.by = {*PARTS, *(str(each) for side in self.sides for each in _by(side))}
        self.one, self.other = (self._by_key(side["columns"], side["rows"]) for side in held)
        self.hidden = self._hidden()

    @property
    def veiled(self) -> set[str]:
        """The categories whose numbers are hidden: what is said of them is hidden too."""
        return {str(value) for key in self.hidden for name, value in key if name in self.by}

    def _by_key(self, columns: list[str], rows: list[list[Any]]) -> dict[Key, Record]:
        found: dict[Key, Record] = {}
        for row in rows:
            record = dict(zip(columns, row, strict=True))
            key: Key = tuple((c, frozen(record.get(c))) for c in self.keys if record.get(c) is not None)
            place, name = 1, key
            while name in found:
                place += 1
                name = (*key, (TIMES, place))
            found[name] = record
        return found

    def _hidden(self) -> set[Key]:
        """Return the rows whose bases moved by 1 to 9, and the nearest of their kind if one stands alone."""
        both = [key for key in self.one if key in self.other]
        hidden = {key for key in both if any(close(*pair) for pair in self._bases(key))}
        families: dict[Key, list[Key]] = {}
        for key in both:
            families.setdefault(tuple(each for each in key if each[0] not in self.by), []).append(key)
        for family in families.values():
            apart = {key: self._apart(key) for key in family if key not in hidden and not self._empty(key)}
            if len(family) - len(apart) == 1 and apart and hidden & set(family):
                hidden.add(min(apart, key=lambda key: (apart[key] == 0, apart[key], str(key))))
        return hidden

    def _bases(self, key: Key) -> list[tuple[Any, Any]]:
        one, other = self.one[key], self.other[key]
        bases = [(one.get(base), other.get(base)) for base in BASES if base in self.columns]
        return bases or [(self.sides[0].get("n_used"), self.sides[1].get("n_used"))]

    def _apart(self, key: Key) -> float:
        return min((abs(a - b) for a, b in self._bases(key) if a is not None and b is not None), default=0.0)

    def _empty(self, key: Key) -> bool:
        return SUPPRESSED in (self.one[key].get(FLAG), self.other[key].get(FLAG))

    def moved(self) -> Iterator[Moved]:
        """Give the rows whose estimate or limits are not the same on both sides."""
        if self.column:
            for key in sorted(self.one.keys() | self.other.keys(), key=_order):
                found = self._row(key)
                if found and not _equal(found):
                    yield found

    def unchanged(self) -> Iterator[Key]:
        """Give the rows whose estimate and limits are the same on both sides."""
        if self.column:
            for key in self.one.keys() & self.other.keys():
                found = self._row(key)
                if found and _equal(found):
                    yield key

    def others(self) -> Iterator[Other]:
        """Give how many rows moved in columns that are not the estimate's, and in which."""
        told = {
            FLAG,
            *self.keys,
            *VERDICTS,
            *((self.column, self.shown, *LIMITS, "std_error") if self.column else ()),
        }
        columns, rows = set(), 0
        for key in self.one.keys() & self.other.keys():
            if self._empty(key):
                continue
            one, other = self.one[key], self.other[key]
            differ = {c for c in self.columns if c not in told and not alike(one.get(c), other.get(c))}
            columns |= differ
            rows += bool(differ)
        rows += 0 if self.column else len(self.one.keys() ^ self.other.keys())
        if rows:
            yield Other(self._kind, self.table, tuple(sorted(columns)), rows)

    def judged(self) -> Iterator[Judged]:
        """Give the rows that are put elsewhere than before."""
        for column in (each for each in VERDICTS if each in self.columns):
            for key in sorted(self.one.keys() & self.other.keys() - self.hidden, key=_order):
                sides = self.one[key].get(column), self.other[key].get(column)
                if sides[0] != sides[1] and not self._empty(key):
                    yield Judged(self._kind, self.table, column, key, *sides)

    @property
    def _kind(self) -> str:
        return str((self.sides[0] or self.sides[1]).get("kind", ""))

    def _row(self, key: Key) -> Moved | None:
        one, other = self.one.get(key), self.other.get(key)
        found = Moved(self._kind, self.table, self.shown, key, "within")
        flags = [side is not None and side.get(FLAG) == SUPPRESSED for side in (one, other)]
        if one is None or other is None:
            return None if any(flags) else replace(found, verdict="new" if one is None else "gone")
        if any(flags):
            side: Verdict = "suppressed_before" if flags[0] else "suppressed_after"
            return None if all(flags) else replace(found, verdict=side)
        if key in self.hidden:
            return replace(found, verdict="hidden")
        errors = None if self.same else self._errors(one, other)
        judged: Verdict = "unjudged" if errors is None else "beyond" if abs(errors) > 1 else "within"
        return replace(
            found,
            unit=self._unit(one),
            before=_number(one.get(self.shown)),
            after=_number(other.get(self.shown)),
            interval_before=(_number(one.get(LIMITS[0])), _number(one.get(LIMITS[1]))),
            interval_after=(_number(other.get(LIMITS[0])), _number(other.get(LIMITS[1]))),
            verdict="computed" if self.same else judged,
            errors=errors,
        )

    def _unit(self, row: Record) -> str:
        fields = [claim.get("fields", {}) for side in self.sides for claim in side.get("claims", ())]
        metrics = sorted(str(side.get("settings", {}).get("metric") or "") for side in self.sides)
        metric = row.get("metric") or metrics[-1]
        return unit_of(
            self.shown, self.columns, metric, sorted(fields, key=lambda each: str(each.get("unit")))
        )

    def _errors(self, one: Record, other: Record) -> float | None:
        """Return the change over the error that both have together, None where an error is not known."""
        reach, other_reach = (
            _reach(row, self.column, side) for row, side in zip((one, other), self.sides, strict=True)
        )
        if reach is None or other_reach is None:
            return None
        change = float(other[self.column]) - float(one[self.column])
        (low, high), (other_low, other_high) = reach, other_reach
        error = math.hypot(other_low, high) if change > 0 else math.hypot(other_high, low)
        if error == 0:
            return None
        return change / (error * _quantile(max(map(_level, self.sides))))


def frozen(value: Any) -> Any:
    """Return a JSON value as one that can be a key: lists are tuples."""
    return tuple(frozen(each) for each in value) if isinstance(value, list) else value


def alike(one: Any, other: Any) -> bool:
    """Tell whether two values are the same, numbers up to rounding.

    Examples
    --------
    >>> alike(0.1 + 0.2, 0.3), alike(1, 1.001), alike(None, 0), alike("a", "a")
    (True, False, False, True)
    """
    if _number(one) is None or _number(other) is None:
        return bool(one == other)
    return math.isclose(one, other, rel_tol=ROUNDING, abs_tol=NOTHING)


def _equal(moved: Moved) -> bool:
    if moved.interval_before is None or moved.interval_after is None:
        return False
    ends = zip(moved.interval_before, moved.interval_after, strict=True)
    return alike(moved.before, moved.after) and all(alike(*pair) for pair in ends)


def _order(key: Key) -> list[tuple[str, float, str]]:
    return [(name, _number(value) or 0.0, str(value)) for name, value in key]


def _by(result: Record) -> list[Any]:
    settings = result.get("settings", {})
    by = settings.get("by") or []
    return [*(by if isinstance(by, list) else [by]), *([settings["unit"]] if settings.get("unit") else [])]


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _level(result: Record) -> float:
    level = _number(result.get("settings", {}).get("level"))
    return level if level is not None and 0 < level < 1 else 0.95


def _quantile(level: float) -> float:
    return NormalDist().inv_cdf(0.5 + level / 2)


def _reach(row: Record, column: str, result: Record) -> tuple[float, float] | None:
    """Return how far an estimate's error reaches down and up, in standard errors' units; None if unknown."""
    value, error = _number(row.get(column)), _number(row.get("std_error"))
    if value is None:
        return None
    low, high = (_number(row.get(end)) for end in LIMITS)
    # Limits of a hazard's ratio are not on the scale of its estimate, a logarithm.
    if low is not None and high is not None and low <= value <= high and "hazard_ratio" not in row:
        z = _quantile(_level(result))
        return (value - low) / z, (high - value) / z
    return None if error is None else (error, error)
