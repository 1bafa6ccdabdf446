"""Leaks: covariates that leaving made, or that came after it, stopped before a model tells what is known.

A covariate leaks where its name or its declaration says that leaving made it, where only those who left
have it, where it tells those who leave from those who stay almost without error, where it grows while a
customer stays, or where it is dated at the end or later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.columns import named
from cxlab.analysis.covariates import coded
from cxlab.analysis.estimates import Result, check_columns, flags
from cxlab.analysis.survival.dates import as_days
from cxlab.analysis.survival.observed import Observed, check_roles, observed
from cxlab.analysis.survival.separation import FEWEST, Clock, apart, growing, separating
from cxlab.errors import AnalysisError, Message, Problem
from cxlab.leaving import named_after_leaving

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class LeakAudit(Result):
    """How well each covariate alone tells who leaves, and how many have it; none of them leaks."""


def audit_leaks(
    table: pd.DataFrame,
    duration: str,
    event: str,
    covariates: Sequence[str],
    *,
    entry: str | None = None,
    dated: Mapping[str, str] | None = None,
    end: str | None = None,
    since: str | None = None,
    known: Sequence[str] = (),
) -> LeakAudit:
    """Stop where a covariate came after leaving, or was made by it.

    Parameters
    ----------
    table : DataFrame (n, any)
        One row per customer (or episode).
    duration, event, entry : str
        As in `hazards`.
    covariates : sequence of str
        Columns that are to precede leaving; values may be missing.
    dated : mapping of str to str, optional
        For covariates that have a date (of a survey, a call), the column that holds it.
    end : str, optional
        Column of the date on which customers left, missing or any date for who is still here; with `dated`.
    since : str, optional
        Column of the date from which a customer is at risk in the model; a covariate dated later counts
        time in which nobody could leave (immortal time).
    known : sequence of str
        Covariates of which you answer that they were known before: their names and values are not judged,
        their dates are.

    Returns
    -------
    LeakAudit
        ``table``: covariate, separation (share of pairs of one who leaves and one who stays longer and never
        left, both at risk at that time, in which the one who leaves has the higher value, ties half; for
        categories, the level farthest from a half), filled_left, filled_stayed (share of each with a value),
        undated (customers with a value and no date), n (with a value), flag.

    Raises
    ------
    AnalysisError
        With a problem for each covariate that leaks, all of them at once.

    Examples
    --------
    >>> calls = [1] * 12 + [0] * 24
    >>> table = pd.DataFrame({"months": range(1, 37), "left": calls, "retention_call": calls})
    >>> audit_leaks(table, "months", "left", ["retention_call"])
    Traceback (most recent call last):
        ...
    cxlab.errors.AnalysisError: these covariates would tell of a departure that had already begun
      - column retention_call: found a name that says that leaving made it; allowed: what was known ...
    """
    covariates, known, dated = named(covariates), named(known), dict(dated or {})
    check_roles(
        {"the duration": [duration], "the event": [event], "the entry": [entry], "a covariate": covariates}
    )
    who = observed(table, duration, event, entry=entry, weights=None, carried=covariates)
    judged = [column for column in covariates if column not in known]
    problems = declared_or_named(judged, getattr(table, "attrs", {}))
    rows, told = [], {p.column for p in problems}
    for column in covariates:
        row, problem = _judged(who, column)
        rows.append(row)
        if problem and column in judged and column not in told:
            problems.append(problem)
    problems += _late(table, event, dated, end, since) if dated else []
    refuse(problems)
    found = pd.DataFrame(rows)
    found.insert(4, "undated", [_undated(table, c, dated.get(c)) for c in covariates])
    return LeakAudit(
        table=found.assign(flag=flags(found["n"])),
        keys=("covariate",),
        estimate_column="separation",
        n_used=who.n,
        n_dropped=who.dropped,
        settings={"covariates": covariates, "dated": dated, "end": end, "since": since, "known": known},
    )


def refuse(problems: Sequence[Problem]) -> None:
    """Stop with all that leaks, if anything does."""
    if problems:
        raise AnalysisError(
            "these covariates would tell of a departure that had already begun", problems=problems
        )


def _problem(column: str, found: Message, count: int = 1) -> Problem:
    return Problem(
        found=found,
        allowed=Message("what was known before the customer left"),
        action=Message(
            "leave it out, or take its value from before; declare it `after_event` in client.yaml. If it was "
            "known before, give it a name that says so"
        ),
        column=column,
        count=count,
    )


def declared_or_named(covariates: Sequence[str], attrs: Mapping[Any, Any]) -> list[Problem]:
    """Return the covariates that are declared `after_event`, or whose names say that leaving made them."""
    declared = set(attrs.get("after_event", ()))
    said = {column: Message("a column declared after_event in client.yaml") for column in declared}
    named_so = Message("a name that says that leaving made it")
    return [
        _problem(column, said.get(column, named_so))
        for column in covariates
        if column in said or named_after_leaving(str(column))
    ]


def in_model(table: Any, event: str, who: Observed, columns: Mapping[str, Array], references: Any) -> None:
    """Refuse covariates of a model that leak: `columns` (patterns, own), categories in `references`."""
    problems = declared_or_named(list(columns), getattr(table, "attrs", {}))
    told = {problem.column for problem in problems}
    clock = Clock.of(who)
    for column, values in columns.items():
        found = _missing_of_stayers(table, event, who, column)
        found = found or _by_values(who, column, values, category=column in references, clock=clock)[1]
        if found and column not in told:
            problems.append(found)
    refuse(problems)


def _by_values(
    who: Observed, column: str, values: Array, *, category: bool, clock: Clock
) -> tuple[float, Problem | None]:
    """Return how well a covariate tells who leaves, and the problem if it does too well, or grows."""
    share, said = separating(who, values, category=category, clock=clock)
    if not category and growing(clock, values[:, 0]):
        return share, _growing(column)
    return share, _problem(column, said) if said else None


def _missing_of_stayers(table: Any, event: str, who: Observed, column: str) -> Problem | None:
    """Return the problem of a covariate without which everybody who stayed was dropped."""
    if who.events < who.n or not isinstance(table, pd.DataFrame) or who.n < FEWEST:
        return None
    dropped = table[column].isna()
    if int((table.loc[dropped, event].astype(float) == 0).sum()) < FEWEST:
        return None
    return _problem(column, Message("a column that is filled in only for customers who left"))


def _judged(who: Observed, column: str) -> tuple[dict[str, Any], Problem | None]:
    """Return what a covariate's values say of leaving, and whether they say too much."""
    known = who.patterns[column].notna().to_numpy(dtype=bool)
    filled = known[who.pattern]
    shares = [_share(who.count, side, filled) for side in (who.event, ~who.event)]
    row: dict[str, Any] = {"covariate": column, "separation": np.nan}
    row |= {"filled_left": shares[0], "filled_stayed": shares[1], "n": int(who.count[filled].sum())}
    if apart(Clock.of(who), known):
        return row, _problem(column, Message("a column that is filled in only for customers who left"))
    part = who.part(filled)
    if not part.events:
        return row, None
    made, wrong = coded(part.patterns, column, part.by_pattern(part.count))
    if wrong:  # what is no covariate at all, a model refuses
        return row, None
    category = made.reference is not None
    row["separation"], problem = _by_values(
        part, column, made.values, category=category, clock=Clock.of(part)
    )
    return row, problem


def _share(count: Array, side: Array, filled: Array) -> float:
    total = float(count[side].sum())
    return float(count[side & filled].sum()) / total if total else float("nan")


def _growing(column: str) -> Problem:
    return Problem(
        found=Message("a number that grows with the time a customer stays"),
        allowed=Message("what was known when the risk begins"),
        action=Message("take its value at the start, or per month, or make episodes of it"),
        column=column,
    )


def _late(
    table: pd.DataFrame, event: str, dated: Mapping[str, str], end: str | None, since: str | None
) -> list[Problem]:
    """Return the covariates dated at the end of a customer who left, or later, or once at risk."""
    if end is None:
        raise AnalysisError("dated covariates need the column `end`, the date on which customers left")
    limits = [column for column in (end, since) if column is not None]
    check_columns(table, [*dated, *dated.values(), *limits])
    when = as_days(table, [*dated.values(), *limits])
    left = table[event].astype(float).to_numpy() == 1
    problems = []
    for column, date in dated.items():
        filled = table[column].notna().to_numpy(dtype=bool)
        late = filled & left & (when[date] >= when[end]).to_numpy()
        if late.any():
            found = Message("dates of the day the customer left, or later")
            problems.append(_problem(column, found, int(late.sum())))
        if since is not None and (immortal := filled & (when[date] > when[since]).to_numpy()).any():
            problems.append(_immortal(column, int(immortal.sum())))
    return problems


def _immortal(column: str, count: int) -> Problem:
    return Problem(
        found=Message("dates of after the customer came under observation: time in which nobody could leave"),
        allowed=Message("what was known when the risk begins"),
        action=Message(
            "let it count from its date on: make episodes of it, or take those still here at a landmark"
        ),
        column=column,
        count=count,
    )


def _undated(table: pd.DataFrame, column: str, date: str | None) -> int:
    return 0 if date is None else int((table[column].notna() & table[date].isna()).sum())
