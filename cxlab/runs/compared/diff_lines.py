"""A difference as a person reads it: why, rows, numbers, conclusions; in the report's language."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

from cxlab.catalogues import translate
from cxlab.errors import Message
from cxlab.reporting.words import Words, absent, clean, digits_for
from cxlab.runs.compared.diff import Cause, Count, Difference, Why
from cxlab.runs.compared.moved import TIMES, Judged, Key, Moved, Other, Verdict
from cxlab.runs.compared.restated import How, Restated

ROWS, WITHIN, VERSIONS, COLUMNS, WIDEST = 25, 5, 12, 6, 60
WHY: dict[Why, Message] = {
    "data": Message("data"),
    "parameters": Message("parameters"),
    "code": Message("code"),
    "client": Message("the client's declaration"),
    "versions": Message("versions"),
    "machine": Message("machine"),
}
VERDICTS: dict[Verdict, Message] = {
    "beyond": Message("beyond its error"),
    "computed": Message("computed otherwise"),
    "unjudged": Message("no error to judge it by"),
    "within": Message("within its error"),
    "new": Message("only after"),
    "gone": Message("only before"),
    "suppressed_before": Message("suppressed before: under 10"),
    "suppressed_after": Message("suppressed after: under 10"),
    "hidden": Message("not shown: bases differ by under 10, or it would give such a one away"),
}
HOW: dict[How, Message] = {
    "new": Message("said now"),
    "gone": Message("no longer said"),
    "grade": Message("another verb"),
    "direction": Message("the other direction"),
    "subject": Message("of another"),
    "reading": Message("another reading"),
    "caveats": Message("other caveats"),
}
KINDS: dict[str, Message] = {
    "Scores": Message("indices"),
    "DriverImportance": Message("importance"),
    "SegmentComparison": Message("segments compared"),
    "Priorities": Message("priorities"),
    "PenaltyReward": Message("penalty and reward"),
    "Lift": Message("lift"),
    "Robustness": Message("robustness of the order"),
    "BaseMap": Message("who rated what"),
    "Areas": Message("areas"),
    "AreaCard": Message("card of an area"),
    "Mirror": Message("managers and customers"),
    "Retention": Message("retention"),
    "Hazards": Message("risk of leaving"),
    "Comparison": Message("comparison with peers"),
    "League": Message("league"),
    "Weighting": Message("weights"),
    "Bases": Message("bases"),
    "Missing": Message("missing answers"),
    "Flow": Message("rows of the files"),
    "Rules": Message("rules"),
    "Representation": Message("representation"),
    "Measured": Message("contacts measured"),
}


def lines(found: Difference, words: Words) -> Iterator[str]:
    """Give the lines that tell a difference.

    Parameters
    ----------
    found : Difference
    words : Words
        Language and labels of the report.
    """
    said = Said(found, words)
    yield said(Message("before: {run}", run=clean(found.before)))
    yield said(Message("after: {run}", run=clean(found.after)))
    if found.empty:
        yield said(Message("nothing differs: {n} estimates are the same", n=words.number(found.unchanged, 0)))
        return
    for part in (said.why(), said.rows(), said.numbers(), said.conclusions()):
        yield ""
        yield from part


class Said:
    """What is said of the parts of a difference, in the report's language."""

    def __init__(self, found: Difference, words: Words) -> None:
        self.found, self.words = found, words

    def __call__(self, message: Message) -> str:
        """Return a message in the report's language."""
        return translate(message, self.words.language)

    def why(self) -> Iterator[str]:
        """Give the lines on what the runs were not made of alike."""
        yield self(Message("why"))
        kinds = list(dict.fromkeys(cause.kind for cause in self.found.causes))
        for kind in kinds:
            yield f"  {self(WHY[kind])}"
            own = [cause for cause in self.found.causes if cause.kind == kind]
            yield from (f"    {self._cause(cause)}" for cause in own[:VERSIONS])
            if len(own) > VERSIONS:
                yield f"    {self(Message('and {n} more', n=len(own) - VERSIONS))}"
        if len(kinds) > 1:
            yield "  " + self(Message("several kinds of cause: which of them moved what is not told apart"))
        if not kinds:
            yield "  " + self(Message("nothing that was recorded differs: the notebook is not deterministic"))

    def _cause(self, cause: Cause) -> str:
        if cause.kind in ("data", "code", "client"):
            sides = ["–" if side is None else str(side)[:12] for side in (cause.before, cause.after)]
        else:
            sides = ["–" if side is None else _json(side) for side in (cause.before, cause.after)]
        what = self.words.label(cause.what) if cause.kind == "data" else clean(cause.what)
        return f"{what}: {_cut(clean(sides[0]), 70)} → {_cut(clean(sides[1]), 70)}"

    def rows(self) -> Iterator[str]:
        """Give the lines on rows read and used."""
        yield self(Message("rows"))
        if self.found.same_people:
            yield "  " + self(Message("both read the same rows of the same tables"))
        yield from (f"  {self._count(count)}" for count in self.found.counts)

    def _count(self, count: Count) -> str:
        of = self._kind(count.of) if count.of in KINDS else self.words.label(count.of)
        named = {"rows": Message("rows"), "used": Message("used")}.get(count.what)
        what = self(named) if named else self(Message("left out, {reason}", reason=clean(count.what)))
        if count.before is None and count.after is None:
            return self(Message("{of}, {what}: they differ by under 10", of=of, what=what))
        sides = [self.words.number(side, 0) for side in (count.before, count.after)]
        return f"{of}, {what}: {sides[0]} → {sides[1]}"

    def numbers(self) -> Iterator[str]:
        """Give the lines on what moved."""
        yield self(Message("numbers"))
        tally = {verdict: [m for m in self.found.moved if m.verdict == verdict] for verdict in VERDICTS}
        parts = [f"{self(VERDICTS[v])}: {self.words.number(len(m), 0)}" for v, m in tally.items() if m]
        same = self(Message("the same: {n}", n=self.words.number(self.found.unchanged, 0)))
        yield "  " + "; ".join([*parts, same])
        if tally["beyond"] or tally["within"]:
            yield "  " + self(Message(
                "beyond: more than the errors of both together allow at the report's level; of many changes "
                "that are only noise, some are; people who are in both make it too strict"
            ))  # fmt: skip
        groups: dict[tuple[str, str], list[Moved]] = {}
        for each in (each for verdict in VERDICTS for each in sorted(tally[verdict], key=by_error)):
            groups.setdefault((each.kind, each.table), []).append(each)
        for (kind, table), own in groups.items():
            yield f"  {self.table(kind, table)}"
            shown = [each for each in own if each.verdict != "within"][:ROWS]
            shown += [each for each in own if each.verdict == "within"][:WITHIN]
            yield from _aligned([self._row(each) for each in shown])
            if len(own) > len(shown):
                yield f"    {self(Message('and {n} more', n=len(own) - len(shown)))}"
        yield from (f"  {self.other(other)}" for other in self.found.others)

    def other(self, other: Other) -> str:
        """Say which other columns moved; limits go with what they limit."""
        names = [c for c in other.columns if not c.endswith(("_low", "_high", "_sd")) and c != "n_eff"]
        said = [self.words.term(name) for name in names[:COLUMNS]] + ["…"] * (len(names) > COLUMNS)
        return self(
            Message(
                "{table}: other numbers too (rows: {n}): {columns}",
                table=self.table(other.kind, other.table),
                n=other.rows,
                columns=", ".join(said) or "–",
            )
        )

    def _kind(self, kind: str) -> str:
        return self(KINDS[kind]) if kind in KINDS else clean(kind)

    def table(self, kind: str, table: str) -> str:
        """Return what a table of a kind of result is called."""
        if table == "main":
            return self._kind(kind)
        key = f"table.{table}"
        return f"{self._kind(kind)}, {self.words(key) if self.words.known(key) else self.words.label(table)}"

    def _row(self, moved: Moved) -> tuple[str, str, str, str]:
        label, *told = self.cells(moved)
        verdict = self(VERDICTS[moved.verdict])
        if not told:
            return _cut(label, WIDEST), "", "", verdict
        return _cut(label, WIDEST), f"{told[0]} → {told[1]}", told[2], verdict

    def cells(self, moved: Moved) -> tuple[str, ...]:
        """Return a change's row, before, after and change; where it has no numbers, its row alone."""
        label = self._key(moved.key)
        if moved.before is None and moved.after is None:
            return (label,)
        digits = self._digits(moved)
        before, after = (
            self._side(value, limits, moved.unit, digits)
            for value, limits in (
                (moved.before, moved.interval_before),
                (moved.after, moved.interval_after),
            )
        )
        return label, before, after, self._change(moved, digits)

    def _digits(self, moved: Moved) -> int:
        sides = [limits for limits in (moved.interval_before, moved.interval_after) if limits]
        return max(
            (digits_for(moved.unit, *limits) for limits in sides), default=digits_for(moved.unit, 0, 0)
        )

    def _side(self, value: Any, limits: Any, unit: str, digits: int) -> str:
        said = self.words.amount(value, unit, digits=digits)
        if not limits or absent(limits[0]) or absent(limits[1]):
            return said
        scale = 100.0 if unit == "share" else 1.0
        ends = [self.words.number(end * scale, digits) for end in limits]
        return f"{said} ({self.words('interval', low=ends[0], high=ends[1])})"

    def _change(self, moved: Moved, digits: int) -> str:
        if moved.change is None:
            return ""
        said = self.words.amount(moved.change, moved.unit, digits=digits, difference=True)
        return f"+{said}" if moved.change > 0 and any(c in "123456789" for c in said) else said

    def _key(self, key: Key) -> str:
        said = [self._named(name, value) for name, value in key if name != TIMES]
        return " · ".join(said) or self(Message("all"))

    def _named(self, name: str, value: Any) -> str:
        words = self.words
        if name == "metric":
            return words.metric(value)
        if name in ("driver", "covariate", "over", "other"):
            return words.covariate(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return f"{words.term(name)} {words.number(value)}"
        return words.cell(name, value) if isinstance(value, str) else clean(_json(value))

    def conclusions(self) -> Iterator[str]:
        """Give the lines on what is concluded otherwise."""
        yield self(Message("conclusions"))
        if not (self.found.claims or self.found.judged):
            yield "  " + self(Message("the same ones, with the same verbs and directions"))
        for claim in self.found.claims:
            yield from self._claim(claim)
        for each in self.found.judged:
            what, before, after = self.judged(each)
            yield f"  ~ {what}: {before} → {after}"

    def judged(self, judged: Judged) -> tuple[str, str, str]:
        """Return what is put elsewhere than before, and both places."""
        sides = [
            self.words("table.yes" if side else "table.no")
            if isinstance(side, bool)
            else "–"
            if side is None
            else self.words.label(judged.column, side)
            for side in (judged.before, judged.after)
        ]
        of = f"{self.table(judged.kind, judged.table)}, {self._key(judged.key)}"
        return f"{of}: {self.words.term(judged.column)}", sides[0], sides[1]

    def _claim(self, claim: Restated) -> Iterator[str]:
        how = ", ".join(self(HOW[each]) for each in claim.how)
        if claim.hidden:
            yield f"  ~ {how}: {clean(claim.code)}: {self(VERDICTS['hidden'])}"
        elif claim.how == ("gone",):
            yield f"  - {how} [{claim.grades[0]}]: {clean(claim.before)}"
        elif claim.how == ("new",):
            yield f"  + {how} [{claim.grades[1]}]: {clean(claim.after)}"
        else:
            yield f"  ~ {how}"
            yield f"      [{claim.grades[0]}] {clean(claim.before)}"
            yield f"      [{claim.grades[1]}] {clean(claim.after)}"


def by_error(moved: Moved) -> float:
    """Return what sorts changes: the largest beside its error first."""
    return 0.0 if moved.errors is None else -abs(moved.errors)


def _aligned(rows: Iterable[tuple[str, str, str, str]]) -> Iterator[str]:
    held = list(rows)
    wide = [max((_width(row[at]) for row in held), default=0) for at in range(3)]
    for row in held:
        cells = [cell + " " * (size - _width(cell)) for cell, size in zip(row, wide, strict=False)]
        yield "    " + "  ".join([*(cell for cell, size in zip(cells, wide, strict=True) if size), row[3]])


def _width(text: str) -> int:
    marks = sum(unicodedata.combining(each) > 0 for each in text)
    return len(text) - marks + sum(unicodedata.east_asian_width(each) in "WF" for each in text)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
