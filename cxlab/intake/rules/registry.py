"""The 26 rules of validity as `rules.yaml` lists them, and how each stands after a check."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from cxlab.errors import Message, Problem
from cxlab.intake.declared.declaration import packaged
from cxlab.intake.rules.problems import message, plain

State = Literal["ok", "problems", "warnings", "unchecked"]


class Rule(BaseModel):
    """One rule: what it looks for, in each language, how grave it is, and the columns that it needs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    severity: Literal["stop", "warn"]
    es: str
    en: str
    needs: tuple[tuple[str, ...], ...] = Field(default=())

    def title(self, language: Literal["es", "en"]) -> str:
        """Return what the rule looks for."""
        return self.es if language == "es" else self.en


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How one rule stands.

    Attributes
    ----------
    number : int
    state : {"ok", "problems", "warnings", "unchecked"}
    count : int
        How many problems, or warnings.
    why : Message
        What there was not to check it with, if it was not.
    """

    number: int
    state: State
    count: int = 0
    why: Message | None = None


def as_records(found: Iterable[Standing]) -> list[dict[str, Any]]:
    """Return how the rules stand as plain data, for tables.json.

    Examples
    --------
    >>> one = Standing(number=10, state="unchecked", why=Message("no {columns}", columns="duration_s"))
    >>> from_records(as_records([one])) == (one,)
    True
    """
    return [
        {"number": each.number, "state": each.state, "count": each.count, "why": plain(each.why)}
        for each in found
    ]


def from_records(records: Iterable[Mapping[str, Any]]) -> tuple[Standing, ...]:
    """Return the standings that `as_records` made plain."""
    return tuple(Standing(**{**record, "why": message(record["why"])}) for record in records)


@cache
def rules() -> dict[int, Rule]:
    """Return every rule by its number.

    Examples
    --------
    >>> len(rules()), rules()[1].title("en"), rules()[26].severity
    (26, 'Repeated keys', 'stop')
    """
    content = packaged("rules/rules.yaml")
    return {int(number): Rule.model_validate(given) for number, given in content.items()}


def lacking(rule: Rule, columns: Mapping[str, Iterable[str]]) -> list[str]:
    """Return the columns and tables that a rule needs and that are not there; none if it can be checked.

    Parameters
    ----------
    rule : Rule
    columns : mapping of str to iterable of str
        Columns with at least one value, by table.

    Examples
    --------
    >>> lacking(rules()[10], {"survey_responses": ["ease"]})
    ['survey_responses.duration_s']
    """
    if not rule.needs:
        return []
    present = {*columns, *(f"{table}.{name}" for table, names in columns.items() for name in names)}
    gaps = [[name for name in needed if name not in present] for needed in rule.needs]
    return min(gaps, key=len)


def standings(
    problems: Iterable[Problem],
    warnings: Iterable[Problem],
    unchecked: Mapping[int, Message],
) -> tuple[Standing, ...]:
    """Return how every rule stands.

    Parameters
    ----------
    problems, warnings : iterable of Problem
    unchecked : mapping of int to Message
        Rules that could not be checked, and why; one that has found something all the same has found it.
    """
    stopped, warned = ([problem.rule for problem in found] for found in (problems, warnings))
    return tuple(_standing(number, stopped, warned, unchecked) for number in rules())


def _standing(
    number: int, stopped: list[int], warned: list[int], unchecked: Mapping[int, Message]
) -> Standing:
    if number in stopped:
        return Standing(number=number, state="problems", count=stopped.count(number))
    if number in warned:
        return Standing(number=number, state="warnings", count=warned.count(number))
    if number in unchecked:
        return Standing(number=number, state="unchecked", why=unchecked[number])
    return Standing(number=number, state="ok")
