"""The rules of validity applied: each to the tables it needs, and how each one stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from cxlab.errors import Message, Problem
from cxlab.intake.rules import answering, arms, bases, directions, leaks, matching, readings, weighing
from cxlab.intake.rules.evidence import Evidence, Finding, Silence
from cxlab.intake.rules.registry import Standing, lacking, rules, standings

Check = Callable[[Evidence], Iterator[Finding] | Iterator[Finding | Silence]]

# What looks at whole tables; the contracts, the reader and the scan for personal data have looked at cells.
CHECKS: dict[int, Check] = {
    1: readings.given_up_repeats,
    5: directions.undeclared_directions,
    6: readings.texts_by_number,
    7: readings.later_dates,
    8: readings.ambiguous_dates,
    9: readings.tests,
    10: answering.too_fast,
    11: answering.same_to_everything,
    12: answering.twice_in_a_wave,
    13: leaks.late_surveys,
    14: leaks.made_by_leaving,
    15: matching.poor_match,
    16: bases.no_population,
    17: weighing.unequal_weights,
    18: weighing.unsummed_weights,
    19: answering.unanswered,
    20: bases.small_bases,
    21: bases.few_visits,
    22: bases.without_base,
    23: bases.unsummed_responsibilities,
    24: arms.unbalanced_arms,
    25: arms.mismatched_splits,
}


# Rules that the contracts apply to cells, once the columns as a whole are what they must be.
OF_CELLS = (1, 2, 3, 7, 18)


@dataclass(frozen=True, kw_only=True)
class Examination:
    """What the rules found: findings by table, and the rules that could not be checked."""

    findings: tuple[Finding, ...]
    unchecked: dict[int, Message]

    @property
    def problems(self) -> list[Problem]:
        """What stops the check."""
        return [finding.problem for finding in self.findings if finding.stops]

    @property
    def warnings(self) -> list[Problem]:
        """What every reader should know."""
        return [finding.problem for finding in self.findings if not finding.stops]

    def of_table(self, table: str) -> list[Problem]:
        """Return the warnings about one table."""
        return [each.problem for each in self.findings if each.table == table and not each.stops]

    def standings(self, problems: Iterable[Problem]) -> tuple[Standing, ...]:
        """Return how every rule stands, all problems of the check considered."""
        return standings(problems, self.warnings, self.unchecked)


def examine(evidence: Evidence) -> Examination:
    """Apply every rule to a client's tables.

    A rule whose table or column is not there is not passed but unchecked, as is one whose table could not
    be read or judged.
    """
    findings: list[Finding] = []
    unchecked: dict[int, Message] = {}
    for number, rule in rules().items():
        gaps = lacking(rule, evidence.columns)
        why = _why_not(number, gaps, evidence)
        if why is not None:
            unchecked[number] = why
        if gaps:
            continue
        for found in CHECKS.get(number, _nothing)(evidence):
            if isinstance(found, Silence):
                unchecked[number] = found.why
            else:
                findings.append(found)
    return Examination(findings=tuple(findings), unchecked=unchecked)


def _why_not(number: int, gaps: list[str], evidence: Evidence) -> Message | None:
    """Return why a rule cannot be said to have been checked, if so."""
    wanted = {gap.partition(".")[0] for gap in gaps}
    unread = [table for table in evidence.unread if table in wanted or not rules()[number].needs]
    if unread:
        return evidence.unread[unread[0]]
    if gaps:
        return Message("no {columns}", columns=", ".join(gaps))
    unjudged = [name for name, rows in evidence.rows.items() if not rows.judged]
    if number in OF_CELLS and unjudged:
        return Message("{table} has problems that come first", table=unjudged[0])
    return None


def _nothing(_: Evidence) -> Iterator[Finding]:
    return iter(())
