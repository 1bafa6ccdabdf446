"""A result's tables as a reader sees them: labels, numbers with their unit and decimals, marks on bases.

Limits become one interval column, standard errors stay in results.json, a low base carries a dagger,
a suppressed row shows ``<10`` for its base and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cxlab.reporting.claims import p_value
from cxlab.reporting.units import unit_of
from cxlab.reporting.words import Words, absent, digits_for

ROWS = 120
HIDDEN = frozenset({
    "std_error", "flag", "conf_low", "conf_high", "coefficient_low", "coefficient_high", "rank_low", "rank_high",
    "hypothesis", "n_eff_share", "log_conf_low", "log_conf_high",
})  # fmt: skip
WHOLE = frozenset(
    {"n", "n_eff", "n_rest", "at_risk", "events", "time", "rank", "df", "rows", "seed", "value_n"}
)
DECIMALS = {
    "importance": 3,
    "last": 3,
    "correlation": 2,
    "coefficient": 2,
    "statistic": 2,
    "sd": 2,
    "hazard_ratio_sd": 2,
}
SHARES = frozenset({"target", "before", "after", "rated", "share"})
PAIRS = {"coefficient": ("coefficient_low", "coefficient_high"), "rank": ("rank_low", "rank_high")}


@dataclass(frozen=True)
class Cell:
    """One cell: its text, whether it is a number, whether it is said quietly, and the reading beside it."""

    text: str
    number: bool = False
    quiet: bool = False
    mark: str = ""


@dataclass(frozen=True)
class Row:
    """One row of cells and the flag of its base."""

    cells: tuple[Cell, ...]
    flag: str


@dataclass(frozen=True)
class Table:
    """A table ready to be printed: heads, rows, notes under it."""

    name: str
    title: str
    heads: tuple[Cell, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]


def readable(bundle: Mapping[str, Any], name: str, words: Words) -> Table:
    """Return a bundle's table `name` in the report's language."""
    columns = [str(c) for c in bundle["tables"][name]["columns"]]
    records = [dict(zip(columns, row, strict=True)) for row in bundle["tables"][name]["rows"]]
    shown = _columns(columns, records)
    context = _Context(bundle, columns, words)
    rows = tuple(
        Row(tuple(context.cell(record, column) for column in shown), str(record.get("flag") or "ok"))
        for record in records[:ROWS]
    )
    heads = tuple(Cell(context.head(c), number=_is_number(c, records)) for c in shown)
    return Table(name, _title(name, words), heads, rows, tuple(_notes(records, rows, words)))


class _Context:
    """What a table's cells need to know of their result."""

    def __init__(self, bundle: Mapping[str, Any], columns: Sequence[str], words: Words) -> None:
        self.settings = bundle.get("settings", {})
        self.estimate = bundle.get("estimate_column", "estimate")
        self.keys = set(bundle.get("keys", ()))
        self.columns, self.words = columns, words
        self.claimed = [c["fields"] for c in bundle.get("claims", ())]
        self.level = self.settings.get("level", 0.95)

    def head(self, column: str) -> str:
        if column == "interval":
            return self.words("column.interval", level=self.words.percent(self.level))
        if column == self.estimate == "estimate" and "at_risk" in self.columns:
            return self.words("column.remaining")
        if column == "unit":
            return self.words.label(self.settings.get("unit") or "unit")
        return self.words.label(column)

    def cell(self, record: Mapping[str, Any], column: str) -> Cell:
        if record.get("flag") == "suppressed" and column not in self.keys:
            return Cell(self.words("table.under_ten") if column == "n" else "", number=True, quiet=True)
        value = record.get(column)
        if column == "interval":
            return Cell(self._interval(record), number=True, quiet=True)
        if isinstance(value, bool):
            return Cell(self.words("table.yes" if value else "table.no"))
        if isinstance(value, int | float) and column not in self.keys:
            mark = "†" if column == "n" and record.get("flag") == "low_base" else ""
            return Cell(
                self._number(record, column, value),
                number=True,
                quiet=column in ("n_eff", "p_value"),
                mark=mark,
            )
        if column == "time" and not absent(value):
            return Cell(self.words.number(value), number=True)
        return Cell(self._text(column, value))

    def _unit(self, record: Mapping[str, Any]) -> str:
        metric = record.get("metric") or self.settings.get("metric", "")
        return unit_of(self.estimate, self.columns, metric if isinstance(metric, str) else "", self.claimed)

    def _interval(self, record: Mapping[str, Any]) -> str:
        unit = self._unit(record)
        scale = 100.0 if unit == "share" else 1.0
        low, high = record.get("conf_low"), record.get("conf_high")
        digits = digits_for(unit, low, high)
        if absent(low) and absent(high):
            return ""
        ends = [self.words.number(None if absent(x) else float(x) * scale, digits) for x in (low, high)]  # type: ignore[arg-type]
        return self.words("interval", low=ends[0], high=ends[1])

    def _number(self, record: Mapping[str, Any], column: str, value: float) -> str:
        words, unit = self.words, self._unit(record)
        if column in (self.estimate, "estimate", "difference", "hazard_ratio"):
            # A hazard's estimate is a logarithm: its interval is the ratio's.
            kind = "scale" if column == "estimate" and "hazard_ratio" in self.columns else unit
            digits = digits_for(kind, record.get("conf_low"), record.get("conf_high")) if kind == unit else 3
            if column == "difference":
                return words.signed(value * (100 if kind == "share" else 1), digits)
            return (
                words.amount(value, kind, digits=digits)
                if kind in ("percent", "share")
                else words.number(value, digits)
            )
        if column in ("p_value", "p_adjusted"):
            return p_value(value, words).removeprefix("p").replace("=", "").strip()
        if column in WHOLE:
            return words.number(value, 0)
        if column in SHARES:
            return words.percent(value, 1)
        if column in PAIRS and not absent(record.get(PAIRS[column][0])):
            return words.number(value, DECIMALS.get(column, 0))
        return words.number(value, DECIMALS.get(column))

    def _text(self, column: str, value: Any) -> str:
        if value is None:
            return "" if column in ("advice", "flag") else "–"
        words = self.words
        if column == "metric":
            return words.metric(value)
        if column in ("driver", "covariate"):
            return words.covariate(value)
        if column in ("peer", "unit", "focal"):
            return words.label(self.settings.get("unit", ""), value)
        if column in ("column", "variable", "outcome"):
            return words.label(value)
        return words.label(column, value)


def _columns(columns: Sequence[str], records: Sequence[Mapping[str, Any]]) -> list[str]:
    shown: list[str] = []
    for column in columns:
        if column == "conf_low" and "conf_high" in columns:
            shown.append("interval")
        if column in HIDDEN or (column == "n_eff" and _same(records)) or _blank(column, records):
            continue
        shown.append(column)
    if "places" not in shown and {"rank_low", "rank_high"} <= set(columns):
        shown.insert(shown.index("rank") + 1 if "rank" in shown else len(shown), "rank_low")
        shown.insert(shown.index("rank_low") + 1, "rank_high")
    return shown


def _same(records: Sequence[Mapping[str, Any]]) -> bool:
    """Whether effective and counted bases agree everywhere: then one column says both."""
    return all(
        absent(r.get("n_eff")) or absent(r.get("n")) or abs(r["n_eff"] - r["n"]) < 0.5 for r in records
    )


def _blank(column: str, records: Sequence[Mapping[str, Any]]) -> bool:
    return bool(records) and column not in ("n", "estimate") and all(r.get(column) is None for r in records)


def _is_number(column: str, records: Sequence[Mapping[str, Any]]) -> bool:
    if column == "interval":
        return True
    values = [r.get(column) for r in records if r.get(column) is not None]
    return bool(values) and all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)


def _title(name: str, words: Words) -> str:
    key = f"table.{name}"
    return words(key) if words.known(key) else words.label(name)


def _notes(records: Sequence[Mapping[str, Any]], rows: Sequence[Row], words: Words) -> list[str]:
    flags = {row.flag for row in rows}
    notes = [words(f"table.{flag}") for flag in ("low_base", "suppressed") if flag in flags]
    if len(records) > ROWS:
        notes.append(words.plural("table.more", len(records) - ROWS))
    return notes
