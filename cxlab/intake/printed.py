"""The outcome of a check as lines of text: tables, ledger, match rates, rules, warnings, problems."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from cxlab.catalogues import problem_line, thousands, translate
from cxlab.errors import Message, Problem
from cxlab.intake.privacy.pseudonyms import named
from cxlab.intake.rules.registry import Standing, rules

if TYPE_CHECKING:
    from cxlab.intake.ledger import CheckReport, Language

# Reasons that readers give for rows that are no answers; each is looked up as it stands.
REASONS = (
    Message("blank lines"), Message("header rows"), Message("footer rows"), Message("hidden rows"),
    Message("survey previews"), Message("survey tests"), Message("spam"),
)  # fmt: skip
# How many warnings and problems a terminal takes; revision.xlsx has them all.
_MARKS = {"ok": "+", "problems": "x", "warnings": "!", "unchecked": "-"}


def lines(report: CheckReport, language: Language) -> list[str]:
    """Return a report as lines of text; see `CheckReport.lines`."""
    made: list[str] = []
    for table, entry in report.tables.items():
        made.append(_said(Message("{table}: {n} rows", table=table, n=_n(entry["rows"], language)), language))
        for source in entry["sources"]:
            made += _source(source, language)
        made += _met(entry.get("survey_match"), language)
        made += _rates(entry.get("match_rates", ()), language)
    made += [_said(Message("note: {note}", note=note), language) for note in report.notes]
    made += _rules(report.rules, language)
    made += _list(Message("warnings: {n}", n=len(report.warnings)), report.warnings, language)
    made += _list(Message("problems: {n}", n=len(report.problems)), report.problems, language)
    return made


def _said(message: Message, language: Language) -> str:
    return translate(message, language)


def _n(number: int, language: Language) -> str:
    return thousands(number, language)


def _source(source: Mapping[str, Any], language: Language) -> Iterator[str]:
    out = sum(source["excluded"].values())
    read, used, gone = (_n(count, language) for count in (source["read"], source["used"], out))
    whole = Message(
        "{file}: read {read}, used {used}, excluded {out}",
        file=source["file"],
        read=read,
        used=used,
        out=gone,
    )
    yield f"  {_said(whole, language)}"
    for reason, count in source["excluded"].items():
        part = Message("excluded {n}: {reason}", n=_n(count, language), reason=Message(reason))
        yield f"    {_said(part, language)}"
    for kind, words in (
        ("unmapped", "columns not used ({n}): {names}"),
        ("dropped", "columns dropped ({n}): {names}"),
    ):
        if source[kind]:
            told = Message(words, n=len(source[kind]), names=named(source[kind]))
            yield f"    {_said(told, language)}"


def _met(match: Mapping[str, Any] | None, language: Language) -> Iterator[str]:
    if not match:
        return
    found, asked = (_n(match[name], language) for name in ("matched", "with_customer"))
    whole = Message(
        "surveys with their customer: {found} of {asked} ({rate})",
        found=found,
        asked=asked,
        rate=_percent(match["rate"]),
    )
    yield f"  {_said(whole, language)}"
    found, asked = (_n(match[name], language) for name in ("with_survey", "customers"))
    joined = Message("customers with a survey before they left: {found} of {asked}", found=found, asked=asked)
    yield f"  {_said(joined, language)}"


def _rates(rates: Iterable[Mapping[str, Any]], language: Language) -> Iterator[str]:
    for row in rates:
        if row["column"]:
            part = Message(
                "surveys with their customer, {column} {value}: {found} of {asked} ({rate})",
                column=row["column"],
                value=row["value"],
                found=_n(row["matched"], language),
                asked=_n(row["with_customer"], language),
                rate=_percent(row["rate"]),
            )
            yield f"  {_said(part, language)}"


def _percent(rate: float | None) -> Message:
    return Message("-") if rate is None else Message("{rate:.1%}", rate=float(rate))


def _rules(standings: Iterable[Standing], language: Language) -> Iterator[str]:
    for each in standings:
        title = rules()[each.number].title(language)
        yield f"{_MARKS[each.state]} {each.number:>2} {title:<52} {_said(state(each), language)}"


def state(standing: Standing) -> Message:
    """Return how a rule stands, in words."""
    if standing.state == "problems":
        return Message("problems: {n}", n=standing.count)
    if standing.state == "warnings":
        return Message("warnings: {n}", n=standing.count)
    if standing.state == "unchecked":
        return Message("not checked: {why}", why=standing.why)
    return Message("holds")


def _list(heading: Message, found: tuple[Problem, ...], language: Language) -> Iterator[str]:
    if found:
        yield _said(heading, language)
    for problem in found:
        rule = _said(Message("rule {n}: ", n=problem.rule), language) if problem.rule else ""
        yield f"  - {rule}{problem_line(problem, language)}"
