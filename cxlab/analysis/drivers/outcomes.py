"""What is explained: a number, an answer of the NPS question, yes or no, or classes in order.

Each kind becomes a score whose differences mean something, so that one sum serves all of them and a
coefficient reads in the outcome's own unit: NPS points, percentage points, steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from cxlab.analysis.columns import as_floats, is_yes_or_no, shown
from cxlab.analysis.covariates import numbers
from cxlab.analysis.scales import scale_problems
from cxlab.errors import AnalysisError, Message, Problem

Array = np.ndarray[Any, Any]
OutcomeType = Literal["numeric", "nps", "binary", "ordered"]

MOST_CLASSES = 11  # the points of a 0-10 question
UNITS: Mapping[OutcomeType, str] = {
    "numeric": "scale",
    "nps": "points",
    "binary": "percent",
    "ordered": "steps",
}
_NPS = {-100.0: "0-6", 0.0: "7-8", 100.0: "9-10"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """Scores (n,), missing as NaN, the unit of their differences, and what each is called (empty: itself)."""

    scores: Array
    unit: str
    classes: Mapping[float, str] = field(default_factory=dict)

    def called(self, score: float) -> str:
        """Return how the table writes a score."""
        return self.classes.get(score, f"{score:g}")


def read_outcome(table: pd.DataFrame, column: str, kind: OutcomeType) -> tuple[Outcome, list[Problem]]:
    """Return a column as the outcome of a kind, and what is wrong with it.

    Parameters
    ----------
    table : DataFrame
        ``table.attrs["scales"]`` may declare {column: [low, high]}.
    column : str
        Of the table.
    kind : {"numeric", "nps", "binary", "ordered"}
        ``numeric`` is taken as it is. ``nps``: whole answers of 0 to 10 count -100 (to 6), 0 (7, 8) or 100.
        ``binary``: no and yes (booleans, 0 and 1, or two ordered categories of which the last is yes) count
        0 and 100. ``ordered``: ordered categories, or at most 11 different numbers, count 0, 1, 2... in
        their order; declared categories that nobody chose keep their step.

    Raises
    ------
    AnalysisError
        If `kind` is none of these.

    Examples
    --------
    >>> answers = pd.DataFrame({"recommend": [10, 7, 3], "stays": [True, False, True]})
    >>> read_outcome(answers, "recommend", "nps")[0].scores.tolist()
    [100.0, 0.0, -100.0]
    >>> read_outcome(answers, "stays", "binary")[0].scores.tolist()
    [100.0, 0.0, 100.0]
    """
    if kind not in get_args(OutcomeType):
        raise AnalysisError(
            "{name} is {given!r}; allowed: {allowed}",
            name="outcome_type",
            given=kind,
            allowed=", ".join(get_args(OutcomeType)),
        )
    held = table[column]
    ordered = isinstance(held.dtype, pd.CategoricalDtype) and bool(held.dtype.ordered)
    if ordered and kind in ("binary", "ordered"):
        return _categories(held, column, kind)
    answers = as_floats(held)
    if kind == "nps" and answers is not None:
        return _recommendation(table, column, answers)
    if kind == "binary" and is_yes_or_no(held):
        table = table.assign(**{column: held.astype("boolean").astype("Float64")})
    values, problems = numbers(table, column)
    if problems:
        unordered = kind in ("binary", "ordered") and answers is None
        return Outcome(values, UNITS[kind]), [
            _unordered(kind, p) for p in problems
        ] if unordered else problems
    if kind not in ("binary", "ordered"):
        return Outcome(values, UNITS[kind]), []
    distinct = np.unique(values[~np.isnan(values)])
    return _yes_or_no(column, values, distinct) if kind == "binary" else _ranked(column, values, distinct)


def _categories(held: pd.Series[Any], column: str, kind: OutcomeType) -> tuple[Outcome, list[Problem]]:
    """Score ordered categories by their place; for a binary outcome only those that somebody chose."""
    held = held.cat.remove_unused_categories() if kind == "binary" else held
    named = [str(category) for category in held.cat.categories]
    step = 100.0 if kind == "binary" else 1.0
    codes = held.cat.codes.to_numpy(dtype=float)
    outcome = Outcome(
        np.where(codes < 0, np.nan, step * codes),
        UNITS[kind],
        {step * code: name for code, name in enumerate(named)},
    )
    return outcome, _not_two(column, named) if kind == "binary" else []


def _recommendation(table: pd.DataFrame, column: str, values: Array) -> tuple[Outcome, list[Problem]]:
    problems = scale_problems(table, [column], [values], scale=(0, 10), whole=True)
    scores = np.where(values <= 6, -100.0, np.where(values >= 9, 100.0, 0.0))
    return Outcome(np.where(np.isnan(values), np.nan, scores), UNITS["nps"], _NPS), problems


def _yes_or_no(column: str, values: Array, distinct: Array) -> tuple[Outcome, list[Problem]]:
    outcome = Outcome(100.0 * values, UNITS["binary"], {0.0: "0", 100.0: "1"})
    if np.isin(distinct, (0, 1)).all():
        return outcome, _not_two(column, [f"{value:g}" for value in distinct])
    problem = Problem(
        found=shown(distinct.tolist()),
        allowed=Message("no and yes, as 0 and 1"),
        action=Message("say which answers count as 1: recode them to 0 and 1 under values in client.yaml"),
        column=column,
    )
    return outcome, [problem]


def _not_two(column: str, classes: Sequence[str]) -> list[Problem]:
    if len(classes) == 2:
        return []
    one = len(classes) < 2
    return [
        Problem(
            found=Message("one class only ({value})", value=shown(classes)) if one else shown(classes),
            allowed=Message("two classes"),
            action=Message("widen the filter, or choose another outcome")
            if one
            else Message("group the classes into two, or use outcome_type='ordered'"),
            column=column,
        )
    ]


def _ranked(column: str, values: Array, distinct: Array) -> tuple[Outcome, list[Problem]]:
    places = np.searchsorted(distinct, values).astype(float)
    outcome = Outcome(
        np.where(np.isnan(values), np.nan, places),
        UNITS["ordered"],
        {float(place): f"{value:g}" for place, value in enumerate(distinct[:MOST_CLASSES])},
    )
    if len(distinct) <= MOST_CLASSES:
        return outcome, []
    problem = Problem(
        found=Message("{count} different numbers", count=len(distinct)),
        allowed=Message("at most {most} classes", most=MOST_CLASSES),
        action=Message("group them into classes, or use outcome_type='numeric'"),
        column=column,
    )
    return outcome, [problem]


def _unordered(kind: OutcomeType, problem: Problem) -> Problem:
    """Say of text that it has no order."""
    yes = Message("say which answers count as 1: recode them to 0 and 1 under values in client.yaml")
    order = Message("give the classes an order: recode them to numbers under values in client.yaml")
    return replace(problem, action=yes if kind == "binary" else order)
