"""What a slide shows of a result: bars with intervals, lines over time, or a table; numbers as published.

Chosen by the shape of the main table (keys, estimate, limits, flag), and by kind where a result is read in
another column. Suppressed rows are left out here, before anything is drawn, so that no chart's workbook
has them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cxlab.reporting import tables
from cxlab.reporting.claims_sensitivity import CHOICE
from cxlab.reporting.deck.grids import AIR, LABEL_LINES, Grid, Room, grid, shown
from cxlab.reporting.deck.lettering import LEADING, SMALLEST, cut, spoken, width, wrapped
from cxlab.reporting.words import Words, absent

Record = Mapping[str, Any]
ORDERED = frozenset({"time", "wave_id", "wave", "cohort", "years", "lag", "dose", "decile", "month", "step"})
LABEL_ROOM, WIDER = 250.0, 440.0  # of the names at the left of bars, in points: on two lines, or on one
COUNTED = frozenset({"points", "percent", "share", "steps"})  # units that a figure names
MOST_LINES = 5  # groups over time
FEW_TIMES = 3  # up to so many times are bars
MILESTONE = 6  # months between two intervals of a curve
# Estimates that are read in another column, and pairs that are shown side by side.
PAIRS: Mapping[str, Sequence[tuple[str, str, str]]] = {
    "PenaltyReward": (("penalty", "penalty_low", "penalty_high"), ("reward", "reward_low", "reward_high")),
    "Representation": (("before", "conf_low", "conf_high"), ("target", "", "")),
    "Weighting": (("after", "", ""), ("target", "", "")),
}
# Maps, flows and lists of checks: a chart of them would not say what they say.
TABLES = frozenset(
    {"Flow", "Rules", "Bases", "Measured", "Gaps", "Transitions", "HandOffs", "Coherence", "Banner",
     "ChurnRisk", "Robustness", "Mirror", "Designed", "Emotions", "Components", "Agreement", "Icc", "Ladder"}
)  # fmt: skip


@dataclass(frozen=True)
class Series:
    """One series: its name, a value for each category, and the limits of each where there are any."""

    name: str
    values: Sequence[float]
    low: Sequence[float | None]
    high: Sequence[float | None]


@dataclass(frozen=True, kw_only=True)
class Bars:
    """Horizontal bars, top to bottom, from `reference`.

    `lead` is the room of the names in points; `labels` are the texts beside the bars, in the language of the
    report; `focal` the rows that the claim speaks of (of none: all alike).
    """

    names: Sequence[str]
    lead: float
    series: Sequence[Series]
    labels: Sequence[Sequence[str]]
    bases: Sequence[float | None]
    focal: frozenset[int]
    reference: float = 0.0
    measure: str = ""
    left_out: int = 0


@dataclass(frozen=True, kw_only=True)
class Lines:
    """Curves over time: for each group its times, values and limits; steps where a curve falls in steps.

    `ticks` are the names of the times, where these are waves: then `times` are their places.
    """

    names: Sequence[str]
    times: Sequence[Sequence[float]]
    ticks: Sequence[str] = ()
    series: Sequence[Series]
    ends: Sequence[str]
    step: float
    share: bool
    steps: bool
    axis: str
    measure: str = ""
    left_out: int = 0


Drawn = Bars | Lines | Grid


def drawn(
    bundle: Mapping[str, Any], claim: Mapping[str, Any] | None, words: Words, room: Room
) -> Drawn | None:
    """Return what a slide shows of a result's main table, or nothing if no row may be shown.

    Parameters
    ----------
    bundle : mapping
        As in results.json.
    claim : mapping, optional
        The claim that the slide states: its rows are kept and stand out.
    words : Words
        Language and labels.
    room : Room
        How much there is.
    """
    records = [r for r in _records(bundle) if r.get("flag") != "suppressed"]
    if not records or "main" not in bundle["tables"]:
        return None
    reader = tables.reading(bundle, "main", words)
    shape = _Shape(bundle, claim or {}, words, reader)
    known = [r for r in records if not absent(r.get(shape.value))]
    alike = len({reader.unit(record) for record in known}) == 1
    if shape.kind not in TABLES and alike and shape.keys:
        over = next((key for key in ("time", "wave", "wave_id") if key in shape.keys), "")
        if over and len({str(r[over]) for r in known}) > FEW_TIMES:
            return _lines(known, shape, over)
        return _bars(known, shape, room)
    return grid(bundle, shown(bundle, claim or {}), words, room)


class _Shape:
    """Which columns of a result name its rows, which one is drawn, and how they are said."""

    def __init__(
        self, bundle: Mapping[str, Any], claim: Mapping[str, Any], words: Words, reader: Any
    ) -> None:
        columns = [str(c) for c in bundle["tables"]["main"]["columns"]]
        self.kind, self.words, self.reader = str(bundle.get("kind", "")), words, reader
        self.ratio = "hazard_ratio" in columns
        self.value = "hazard_ratio" if self.ratio else str(bundle.get("estimate_column", "estimate"))
        named = [c for c in columns if c.startswith(CHOICE)] or bundle.get("keys", ())
        self.keys = [k for k in dict.fromkeys(named) if k in columns and k != self.value]
        self.claimed = {str(v) for v in claim.get("fields", {}).values() if isinstance(v, str)}
        self.pairs = PAIRS.get(self.kind, ((self.value, "conf_low", "conf_high"),))
        if not all(value in columns for value, _, _ in self.pairs):
            self.pairs = ((self.value, "conf_low", "conf_high"),)

    def named(self, record: Record, keys: Sequence[str]) -> str:
        said = [self.reader.cell(record, key).text or self.words("table.all") for key in keys]
        name = spoken(" × ".join(said))
        return self.words("figure.hazards.per_sd", label=name) if _per_sd(record) else name

    def subject(self, record: Record) -> bool:
        """Whether the claim speaks of a row: by one of its keys, or by all parts of a cell (``a x b``)."""
        named = {str(record.get(key)) for key in self.keys if key != "metric"}
        cells = [cell for cell in (set(text.split(" x ")) for text in self.claimed) if len(cell) > 1]
        return any(cell <= named for cell in cells or [{text} for text in self.claimed])

    def measure(self, record: Record, keys: Sequence[str]) -> str:
        """Return what the figure shows: of what, by what, in which unit."""
        words, metric, unit = self.words, record.get("metric"), self.reader.unit(record)
        heads = [self.reader.head(value) for value, _, _ in self.pairs]
        what = words.metric(metric) if metric else words.listed(heads)
        by = " × ".join(self.reader.head(key) for key in keys if key != "metric")
        said = words("deck.measure.by", what=what, by=by) if by else what
        counted = words(f"figure.unit.{unit}") if unit in COUNTED else ""
        return spoken(words("deck.measure", what=said, unit=counted) if counted else said)


def _records(bundle: Mapping[str, Any]) -> list[dict[str, Any]]:
    table = bundle["tables"].get("main", {"columns": [], "rows": []})
    return [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]


def _per_sd(record: Record) -> bool:
    return not absent(record.get("sd")) and not absent(record.get("hazard_ratio_sd"))


# --- bars ------------------------------------------------------------------------------------------


def _bars(records: Sequence[Record], shape: _Shape, room: Room) -> Bars:
    records, keys = _narrowed(records, shape, room)
    if not ORDERED & set(keys) and len(shape.pairs) == 1:
        records = sorted(records, key=lambda r: -_values(r, shape.pairs[0], shape)[0])
    names = _marked(records, [shape.named(record, keys) for record in records])
    labels = [[_label(record, pair, shape) for record in records] for pair in shape.pairs]
    if shape.ratio:  # programs differ on which side of a bar from 1 a label stands
        names = [f"{name}: {label}" for name, label in zip(names, labels[0], strict=True)]
        labels = [["" for _ in records]]
    chosen, short, lead = _kept(records, names, shape, room)
    shown = [records[k] for k in chosen]
    subjects = frozenset(k for k, record in enumerate(shown) if shape.subject(record))
    return Bars(
        names=short,
        lead=lead,
        series=[_series(shown, pair, shape) for pair in shape.pairs],
        labels=[[own[k] for k in chosen] for own in labels],
        bases=[_number(record.get("n")) for record in shown],
        focal=subjects if len(subjects) < len(shown) and len(shape.pairs) == 1 else frozenset(),
        reference=1.0 if shape.ratio else 0.0,
        measure=shape.measure(shown[0], keys),
        left_out=len(records) - len(shown),
    )


def _narrowed(records: Sequence[Record], shape: _Shape, room: Room) -> tuple[Sequence[Record], Sequence[str]]:
    """Return the rows of the claim's index, of its groups where there are too many; keys that tell them."""
    if "metric" in shape.keys and len(shape.keys) > 1:
        said = [r for r in records if str(r["metric"]) in shape.claimed]
        records = said or [r for r in records if r["metric"] == records[0]["metric"]]
    for key in shape.keys:
        values = {str(r[key]) for r in records}
        if len(records) <= _most(room) or len(values) < 2 or len(_varying(records, shape.keys)) < 2:
            continue
        told = values & shape.claimed
        if len(told) == 1:
            records = [r for r in records if str(r[key]) in told]
    keys = _varying(records, shape.keys) or list(shape.keys)
    for key in reversed(keys[1:]):
        fewer = [k for k in keys if k != key]
        if len({tuple(str(r[k]) for k in fewer) for r in records}) == len(records):
            keys = fewer
    return records, keys


def _varying(records: Sequence[Record], keys: Sequence[str]) -> list[str]:
    return [key for key in keys if len({str(r[key]) for r in records}) > 1]


def _most(room: Room, lines: int = 1) -> int:
    return max(1, int(room.height / (lines * SMALLEST * LEADING + AIR)))


def _kept(
    records: Sequence[Record], names: Sequence[str], shape: _Shape, room: Room
) -> tuple[list[int], list[str], float]:
    """Return the places of as many rows as can be read, their names, and the room that these take.

    Those that the claim speaks of come first, then the first ones of the table.
    """
    least = len(shape.pairs)
    lead, lines = min(LABEL_ROOM, 0.45 * room.width), LABEL_LINES
    needed = max(len(wrapped(name, lead)) for name in names)
    if needed > 1 and len(records) > _most(room, max(needed, least)):
        lead, lines = min(WIDER, 0.68 * room.width), 1
    short = [cut(name, lead, lines=lines) for name in names]
    tall = max(least, *(len(wrapped(name, lead)) for name in short))
    first = sorted(range(len(records)), key=lambda k: not shape.subject(records[k]))[: _most(room, tall)]
    chosen = sorted(first)
    return (
        chosen,
        [short[k] for k in chosen],
        max(width(line) for k in chosen for line in wrapped(short[k], lead)),
    )


def _marked(records: Sequence[Record], names: Sequence[str]) -> list[str]:
    return [
        f"{name} †" if r.get("flag") == "low_base" else name for r, name in zip(records, names, strict=True)
    ]


def _series(records: Sequence[Record], pair: tuple[str, str, str], shape: _Shape, name: str = "") -> Series:
    values, lows, highs = zip(*(_values(record, pair, shape) for record in records), strict=True)
    return Series(name or spoken(shape.reader.head(pair[0])), values, lows, highs)


def _values(
    record: Record, pair: tuple[str, str, str], shape: _Shape
) -> tuple[float, float | None, float | None]:
    value, low, high = pair
    if shape.ratio and _per_sd(record):
        value, low, high = "hazard_ratio_sd", "conf_low_sd", "conf_high_sd"
    given = record.get(value)
    return 0.0 if absent(given) else float(given), _number(record.get(low)), _number(record.get(high))  # type: ignore[arg-type]


def _label(record: Record, pair: tuple[str, str, str], shape: _Shape) -> str:
    value, low, _ = pair
    if absent(record.get(value)):
        return ""
    if shape.ratio:
        ratio, lower, upper = _values(record, pair, shape)
        return _beside(shape.words.number(ratio, 2), shape.words.interval(lower, upper, "ratio", digits=2))
    said = shape.reader.cell(record, "interval").text if low == "conf_low" else ""
    return _beside(shape.reader.cell(record, value).text, said)


def _beside(text: str, interval: str) -> str:
    return spoken(f"{text} ({interval})" if interval else text)


def _number(value: Any) -> float | None:
    return None if absent(value) else float(value)


# --- lines -----------------------------------------------------------------------------------------


def _lines(records: Sequence[Record], shape: _Shape, over: str) -> Lines:
    """Return curves over months, or over waves in the order of the table."""
    if "metric" in shape.keys:
        said = [r for r in records if str(r["metric"]) in shape.claimed]
        records = said or [r for r in records if r["metric"] == records[0]["metric"]]
    keys = [key for key in _varying(records, shape.keys) if key != over]
    waves = {} if over == "time" else {str(r[over]): float(k) for k, r in enumerate(_firsts(records, over))}

    def place(record: Record) -> float:
        return waves[str(record[over])] if waves else float(record[over])

    groups = _grouped(records, keys, place)
    # The longest first: LibreOffice does not draw a first series that is shorter than those after it.
    chosen = sorted(groups, key=lambda rows: (-len(rows), -float(rows[-1][shape.value])))[:MOST_LINES]
    named = [shape.named(rows[0], keys) if keys else shape.measure(rows[0], []) for rows in chosen]
    longest = max(place(r) for r in records)
    return Lines(
        names=named,
        times=[[place(r) for r in rows] for rows in chosen],
        ticks=[spoken(shape.reader.cell(r, over).text) for r in _firsts(records, over)] if waves else (),
        series=[_series(rows, shape.pairs[0], shape, name) for name, rows in zip(named, chosen, strict=True)],
        ends=[spoken(shape.reader.cell(rows[-1], shape.value).text) for rows in chosen],
        step=MILESTONE if not waves and longest > MILESTONE else 1,
        share=shape.reader.unit(records[0]) == "share",
        steps="at_risk" in records[0],
        axis="" if waves else spoken(shape.reader.head("time")),
        measure=shape.measure(records[0], keys),
        left_out=len(records) - sum(map(len, chosen)),
    )


def _firsts(records: Sequence[Record], over: str) -> list[Record]:
    return list({str(r[over]): r for r in reversed(records)}.values())[::-1]


def _grouped(
    records: Sequence[Record], keys: Sequence[str], place: Callable[[Record], float]
) -> list[list[Record]]:
    groups: dict[tuple[str, ...], list[Record]] = {}
    for record in records:
        groups.setdefault(tuple(str(record.get(key)) for key in keys), []).append(record)
    return [sorted(rows, key=place) for rows in groups.values()]
