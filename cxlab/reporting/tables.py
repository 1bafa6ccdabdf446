"""A result's tables as a reader sees them: labels, numbers with their unit and decimals, marks on bases.

Limits become one interval column, standard errors stay in results.json, a low base carries a dagger,
a suppressed row shows ``<10`` for its base and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cxlab.reporting import claims_sensitivity
from cxlab.reporting import columns as kinds
from cxlab.reporting.claims import p_value
from cxlab.reporting.orders import Order, orders
from cxlab.reporting.units import UNITS, unit_of, unit_of_claim
from cxlab.reporting.words import Words, absent, digits_for

ROWS = 120
FOLDED = 20
WIDE = 7  # columns


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
    """A table ready to be printed: heads, rows, notes under it, and the other orders it can be had in."""

    name: str
    title: str
    heads: tuple[Cell, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    orders: tuple[Order, ...] = ()

    @property
    def long(self) -> bool:
        """Whether it is folded away where it is not the main one: a reader opens it."""
        return len(self.rows) > FOLDED


def readable(bundle: Mapping[str, Any], name: str, words: Words) -> Table:
    """Return a bundle's table `name` in the report's language."""
    from cxlab.reporting import banners  # which are made of what is here

    laid_out = banners.laid_out(bundle, name, words) if bundle.get("kind") == banners.KIND else None
    if laid_out is not None:
        return laid_out
    columns = [str(c) for c in bundle["tables"][name]["columns"]]
    every = [dict(zip(columns, row, strict=True)) for row in bundle["tables"][name]["rows"]]
    records = every if name != "checks" else [record for record in every if _asks(record)]
    shown = _columns(columns, records)
    context = Printing(bundle, name, records, words)
    rows = tuple(
        Row(tuple(context.cell(record, column) for column in shown), str(record.get("flag") or "ok"))
        for record in records[:ROWS]
    )
    heads = tuple(
        Cell(context.head(c), number=_is_number(c, records) and (c == "time" or c not in context.keys))
        for c in shown
    )
    title = words(key) if words.known(key := f"table.{name}") else words.label(name)
    one = _single(records, "metric")
    title = f"{title} · {words.metric(one)}" if one and "metric" not in shown else title
    fine = len(every) - len(records)
    notes = [
        *([words.plural("table.fine", fine)] if fine else []),
        *_notes(records, rows, words, few_of(bundle)),
    ]
    said = [head.text for head in heads]
    other = orders(shown, said, records, rows, words, estimate=context.estimate) if shown and records else ()
    return Table(name, title, heads, rows, tuple(notes), other)


def reading(bundle: Mapping[str, Any], name: str, words: Words) -> Printing:
    """Return what says the heads and cells of a bundle's table one by one, and the unit of its rows."""
    columns = [str(c) for c in bundle["tables"][name]["columns"]]
    records = [dict(zip(columns, row, strict=True)) for row in bundle["tables"][name]["rows"]]
    return Printing(bundle, name, records, words)


def _asks(record: Mapping[str, Any]) -> bool:
    """Whether a check is of everything together, or of one driver and asks something of the reader."""
    return bool(record.get("advice")) or not record.get("driver")


class Printing:
    """How a table's columns are headed and its cells printed, one by one."""

    def __init__(
        self,
        bundle: Mapping[str, Any],
        name: str,
        records: Sequence[Mapping[str, Any]],
        words: Words,
    ) -> None:
        self.settings = bundle.get("settings", {})
        self.few = few_of(bundle)
        self.estimate = bundle.get("estimate_column", "estimate")
        self.keys = set(bundle.get("keys", ())) - {"estimate", "value"}
        self.name, self.words = name, words
        self.columns = bundle["tables"][name]["columns"]
        self.claimed = [*(c["fields"] for c in bundle.get("claims", ())), self.settings]
        self.level = self.settings.get("level", 0.95)
        self.decimals: dict[str, int] = {}
        for record in records:
            # One column, one number of decimals: the finest that an interval of its unit allows.
            unit = self.unit(record)
            if not absent(record.get("conf_low")) or not absent(record.get("conf_high")):
                digits = digits_for(unit, record.get("conf_low"), record.get("conf_high"))
                # Parts that add up are shown to a decimal, or they would seem not to.
                digits = max(digits, 1) if "crude" in self.columns else digits
                self.decimals[unit] = max(digits, self.decimals.get(unit, 0))

    def head(self, column: str) -> str:
        """Return a column's head."""
        if column in ("interval", "interval_sd", "inner_limits"):
            return self.words(f"column.{column}", level=self.words.percent(self.level))
        if column == self.estimate == "estimate" and "at_risk" in self.columns:
            return self.words("column.gone" if "cause" in self.columns else "column.remaining")
        if column == "moves" and "from" in self.columns:
            return self.words("column.moves.counted")
        if column == "time" and self.words.known(key := f"column.time.{self.settings.get('time_unit')}"):
            return self.words(key)
        if column == self.estimate and (named := _estimate_of(self.columns)):
            return self.words(named)
        if column == "events" and {"behaviour", "class"} & set(self.columns):
            return self.words("column.events.done")
        if column == "coefficient":
            settings = self.settings
            unit = unit_of_claim(
                {"unit": settings.get("unit_coefficient"), "outcome": settings.get("outcome")}
            )
            key = f"figure.importance.coefficient.{unit}"
            return self.words(key if self.words.known(key) else "column.coefficient")
        if column in ("unit", "peer"):
            return self.words.label(self.settings.get("unit") or column)
        if column.startswith(claims_sensitivity.CHOICE):
            return claims_sensitivity.choice(column.removeprefix(claims_sensitivity.CHOICE), self.words)
        return self.words.term(column) if column not in self.keys else self.words.label(column)

    def cell(self, record: Mapping[str, Any], column: str) -> Cell:
        """Return one cell of a row."""
        words, value = self.words, record.get(column)
        if record.get("flag") == "suppressed" and column not in self.keys:
            said = "table.withheld" if record.get("withheld") else f"table.under_{self.few}"
            return Cell(words(said) if column == "n" else "", number=True, quiet=True)
        if column == "interval":
            return Cell(self._interval(record), number=True, quiet=True)
        if column == "interval_sd":
            ends = [words.number(record.get(f"conf_{end}_sd"), 2) for end in ("low", "high")]
            known = not absent(record.get("conf_low_sd"))
            return Cell(
                words("interval", low=ends[0], high=ends[1]) if known else "", number=True, quiet=True
            )
        if column in kinds.RANGES:
            return Cell(self._range(record, *kinds.RANGES[column]), number=True, quiet=True)
        if column == "places":
            return Cell(_places(record, words), number=True, quiet=True)
        if isinstance(value, bool):
            return Cell(words("table.yes" if value else "table.no"))
        if isinstance(value, int | float) and (column not in self.keys or column == "time"):
            mark = "†" if column == "n" and record.get("flag") == "low_base" else ""
            return Cell(
                self._number(record, column, value), number=True, quiet=column in kinds.QUIET, mark=mark
            )
        return Cell(self._text(column, value, record))

    def unit(self, record: Mapping[str, Any]) -> str:
        """Return what a row's estimate is counted in."""
        if self.name in kinds.UNITS_OF_TABLES:
            return kinds.UNITS_OF_TABLES[self.name]
        if record.get("measure") in UNITS:
            return str(record["measure"])
        metric = record.get("metric") or self.settings.get("metric", "")
        return unit_of(self.estimate, self.columns, metric if isinstance(metric, str) else "", self.claimed)

    def _interval(self, record: Mapping[str, Any]) -> str:
        unit = self.unit(record)
        low, high = record.get("conf_low"), record.get("conf_high")
        scale, digits = 100.0 if unit == "share" else 1.0, self.decimals.get(unit)
        if low is None or high is None:
            open_end = low is None and high is None
            return "" if open_end else self.words.interval(low, high, unit, digits=digits)
        ends = [self.words.number(x * scale, digits) for x in (low, high)]
        return self.words("interval", low=ends[0], high=ends[1])

    def _range(self, record: Mapping[str, Any], low: str, high: str) -> str:
        unit = self.unit(record)
        digits = self.decimals.get(unit, digits_for(unit, record.get(low), record.get(high)))
        ends = [record.get(end) for end in (low, high)]
        if any(absent(end) for end in ends):
            return ""
        said = [self.words.number(end, digits) for end in ends]
        return self.words("interval", low=said[0], high=said[1])

    def _number(self, record: Mapping[str, Any], column: str, value: float) -> str:
        words, unit = self.words, self.unit(record)
        if column in kinds.COUNTS:
            return words.number(value, 0)
        if column == self.estimate or column in kinds.ESTIMATES | kinds.CHANGES:
            digits = self.decimals.get(unit, digits_for(unit, None, None))
            change = column in kinds.CHANGES or column == "difference" or record.get("what") == "beyond"
            said = words.amount(value, unit, digits=digits, difference=change)
            return said if unit in kinds.PERCENT else words.number(value, digits)
        if column == "largest":
            return words.amount(value, "share", digits=1, difference=True)
        if column == "difference":
            return words.signed(value * (100 if unit == "share" else 1), self.decimals.get(unit, 1))
        if column in kinds.P_VALUES:
            return p_value(value, words).removeprefix("p").replace("=", "").strip()
        if column == "value":
            return self._check(str(record.get("check", "")), value, unit)
        if column in kinds.WHOLE or (column == "moves" and "from" in self.columns):
            return words.number(value, 0)
        return (
            words.percent(value, 1)
            if column in kinds.SHARES | kinds.COVERED
            else words.number(value, kinds.DECIMALS.get(column))
        )

    def _check(self, check: str, value: float, unit: str) -> str:
        if check in kinds.YES_OR_NO:
            return self.words("table.yes" if value > 0 else "table.no")
        if check in kinds.CHECKED_COUNTS:
            return self.words.number(value, 0)
        if check in kinds.CHECKED_ESTIMATES | kinds.CHECKED_ERRORS:
            return self.words.amount(value, unit, difference=check in kinds.CHECKED_ERRORS)
        return self.words.percent(value, 0) if check in kinds.CHECKED_SHARES else self.words.number(value, 2)

    def _empty(self, column: str, value: Any, record: Mapping[str, Any]) -> str:
        """Return what an empty cell says: mostly nothing."""
        if column == "channel" or (column in self.settings.get("by", ()) and "step" in self.settings):
            return self.words("figure.retention.all" if column == "channel" else "table.all")
        if column == "not_rated":
            return self.words("table.other_patterns" if value is None else "table.all_rated")
        return self.words("drivers.segment.others") if column == "other" and record.get("segment") else ""

    def _dose(self, value: Any) -> str:
        return " / ".join(self.words.number(float(end), 0) for end in str(value).split(" / "))

    def _text(self, column: str, value: Any, record: Mapping[str, Any]) -> str:
        words = self.words
        if claims_sensitivity.names_choice(column):
            return claims_sensitivity.cell(column, value, record, words)
        if value in (None, "") or (not value and column == "not_rated"):
            return self._empty(column, value, record)
        if column in ("segment", "other") and self.settings.get("by"):
            return words.cell(" x ".join(self.settings["by"]), value)
        if isinstance(value, list):
            return ", ".join(words.label(each) for each in value)
        spoken: dict[str, Callable[[Any], str]] = {
            "reason": words.reason, "metric": words.metric, "dose": self._dose
        }  # fmt: skip
        if column in spoken:
            return spoken[column](value)
        if column == "category":
            return words.cell(record.get("variable", column), value)
        if column in ("driver", "over", "covariate", "leader", "farthest"):
            return words.covariate(value)
        if column in ("peer", "unit", "focal", "best"):
            return words.label(self.settings.get("unit", ""), value)
        if column in ("cause", "channel", "from", "to", "highest", "lowest"):
            return words.label(self.settings.get(column, column), value)
        return words.crossing(value) if column in kinds.NAMING else words.label(column, value)


def _estimate_of(columns: Sequence[str]) -> str:
    """Return the head of the estimate where the columns beside it say which of two it is."""
    return next(
        (f"column.of_{beside}" for beside in ("crude", "drawn_to", "to_median") if beside in columns), ""
    )


def _places(record: Mapping[str, Any], words: Words) -> str:
    low, high = record.get("rank_low"), record.get("rank_high")
    if absent(low) or absent(high):
        return ""
    return words.number(low, 0) if low == high else f"{words.number(low, 0)}–{words.number(high, 0)}"


def _columns(columns: Sequence[str], records: Sequence[Mapping[str, Any]]) -> list[str]:
    shown: list[str] = []
    # A hazard's estimate is a logarithm: readers have the ratio, results.json has both.
    logged = {"estimate"} if "hazard_ratio" in columns else set()
    for column in columns:
        if column == "conf_low" and "conf_high" in columns:
            shown.append("interval")
        if column == "conf_low_sd":
            shown.append("interval_sd")
        shown += [name for name, (low, high) in kinds.RANGES.items() if column == low and high in columns]
        if column == "rank_low" and "rank_high" in columns:
            shown.append("places")
        same = (column == "n_eff" and _same(records)) or (
            column in ("metric", "family", "pooled")
            and _single(_known(records), column) not in (None, "", 0.0)
        )
        if column not in kinds.HIDDEN | kinds.UNSAID | logged and not same and not _blank(column, records):
            shown.append(column)
    return _verdict_in_sight(shown)


def _verdict_in_sight(shown: Sequence[str]) -> list[str]:
    """Put what a wide table concludes beside its interval: at its end it would scroll out of sight."""
    if len(shown) < WIDE or "verdict" not in shown or "interval" not in shown:
        return [*shown]
    rest = [column for column in shown if column != "verdict"]
    place = rest.index("interval") + 1
    return [*rest[:place], "verdict", *rest[place:]]


def _known(records: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [record for record in records if record.get("flag") != "suppressed"]


def _single(records: Sequence[Mapping[str, Any]], column: str) -> Any:
    """Return the one value of a column that says the same in several rows, or nothing."""
    values = {record.get(column) for record in records}
    return values.pop() if len(values) == 1 and len(records) > 1 else None


def _same(records: Sequence[Mapping[str, Any]]) -> bool:
    """Whether effective and counted bases agree everywhere: then one column says both."""
    return all(
        absent(r.get("n_eff")) or absent(r.get("n")) or abs(r["n_eff"] - r["n"]) < 0.5 for r in records
    )


def _blank(column: str, records: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a column says nothing: empty throughout, or a reason that nobody had."""
    nothing = (None, "", 0) if column in kinds.REASONS else (None, "")
    return (
        bool(records) and column not in ("n", "estimate") and all(r.get(column) in nothing for r in records)
    )


def _is_number(column: str, records: Sequence[Mapping[str, Any]]) -> bool:
    if column in ("interval", "interval_sd", "places", *kinds.RANGES):
        return True
    values = [r.get(column) for r in records if r.get(column) is not None]
    return bool(values) and all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)


def few_of(bundle: Mapping[str, Any]) -> str:
    """Return how few people are not shown: ``eight`` where they are employees, else ``ten``."""
    return "eight" if "minimum" in bundle else "ten"  # which a bundle says only where it is not ten


def suppressed(few: str) -> str:
    """Return the key of the note on groups that are not shown."""
    return "table.suppressed" if few == "ten" else "table.suppressed.employees"


def _notes(records: Sequence[Mapping[str, Any]], rows: Sequence[Row], words: Words, few: str) -> list[str]:
    flags = {row.flag for row in rows}
    notes = [words("table.low_base")] if "low_base" in flags else []
    notes += [words(suppressed(few))] if "suppressed" in flags else []
    if any(record.get("withheld") for record in records):
        notes.append(words("table.withheld.note"))
    if len(records) > ROWS:
        notes.append(words.plural("table.more", len(records) - ROWS))
    return notes
