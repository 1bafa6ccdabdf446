"""Covariates as the columns of a model: coded, checked, and coded alike for whoever is scored later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.columns import shown
from cxlab.analysis.covariates import Coded, coded, identifying, numbers
from cxlab.analysis.estimates import check_columns
from cxlab.analysis.survival.observed import Observed
from cxlab.errors import AnalysisError, Message, Problem

Array = np.ndarray[Any, Any]

_COLLINEAR = 1e-9


@dataclass(frozen=True, slots=True)
class Design:
    """Columns of the model: `names`, `values` (rows, columns), `mean`, `sd`, and whose `column` each is.

    Cells that are alike have one row: `row` (cells,) says which. `held` (rows, columns) marks those that
    speak of a column: all for a number, else its category's; `within` those of the column's period, where
    time is cut.
    """

    names: tuple[str, ...]
    row: Array
    values: Array
    mean: Array
    sd: Array
    column: tuple[str, ...]
    references: Mapping[str, str]
    held: Array
    within: Array | None = None

    @property
    def standard(self) -> Array:
        """The columns as their distance to the mean in SDs, zero where a column is of another period."""
        standard = (self.values - self.mean) / self.sd
        return np.asarray(standard if self.within is None else standard * self.within)

    @property
    def single(self) -> Array:
        """Which columns are a covariate by themselves, not one of its categories."""
        return np.array([column not in self.references for column in self.column])

    @property
    def binary(self) -> Array:
        """Which columns hold only 0 and 1: something is there or not."""
        return np.asarray(np.isin(self.values, (0, 1)).all(axis=0))

    @property
    def measured(self) -> Array:
        """Which columns are told of one SD: numbers other than 0 and 1."""
        return np.asarray(self.single & ~self.binary)

    @property
    def terms(self) -> dict[str, list[int]]:
        """Positions of each covariate's columns."""
        out: dict[str, list[int]] = {}
        for position, column in enumerate(self.column):
            out.setdefault(column, []).append(position)
        return out


def check_covariates(covariates: Sequence[str]) -> None:
    """Refuse no covariate at all, and one named twice."""
    if not covariates:
        raise AnalysisError("no covariate is given; name at least one column that may go with leaving")
    twice = sorted({c for c in covariates if covariates.count(c) > 1})
    if twice:
        raise AnalysisError(
            "covariates named more than once: {twice}; name each once", twice=", ".join(twice)
        )


def check_coded(table: Any, covariates: Sequence[str], who: Observed) -> None:
    """Refuse covariates that are no numbers and no categories, by the row of the table they stand in."""
    if who.rows is None or table is None:
        return
    used = table if len(who.rows) == len(table) else table.iloc[who.rows]
    problems = [
        replace(p, row=int(who.rows[p.row - 1]) + 1) if p.row else p
        for column in covariates
        for p in coded(used, column)[1]
    ]
    if problems:
        raise AnalysisError("these covariates cannot be used", problems=problems)


def design_of(covariates: Sequence[str], who: Observed, table: Any = None) -> Design:
    """Code the covariates of the cells; refuse what cannot be, by its rows in `table` where there are."""
    if not who.events:
        raise AnalysisError(
            "no events: nothing to estimate; none of the {n} customers left (retention bounds the share)",
            n=who.n,
        )
    count, left = who.by_pattern(who.count), who.by_pattern(who.count * who.event)
    problems, parts = [], []
    for column in covariates:
        part, found = coded(who.patterns, column, count)
        problems += found or _unusable(part, count, left)
        parts.append(part)
    if problems:
        check_coded(table, covariates, who)
        raise AnalysisError("these covariates cannot be used", problems=problems)
    values = np.column_stack([part.values for part in parts])
    names = tuple(name for part in parts for name in part.names)
    share = who.by_pattern(who.amount) / who.amount.sum()
    mean = share @ values
    sd = np.sqrt(share @ (values - mean) ** 2 * who.n / (who.n - 1))
    if who.events <= len(names):
        raise AnalysisError(
            "only {events} customers left, for {columns} columns in the model; use fewer covariates",
            events=who.events, columns=len(names),
        )  # fmt: skip
    _check_collinear((values - mean) / sd, count, names)
    numbered = [part for part in parts if part.reference is None]
    problems = [p for part in numbered if (p := identifying(part.column, part.values[:, 0], who.n))]
    if problems:
        raise AnalysisError("these covariates cannot be used", problems=problems)
    owners = tuple(part.column for part in parts for _ in part.names)
    references = {part.column: part.reference for part in parts if part.reference is not None}
    single = np.array([owner not in references for owner in owners])
    return Design(names, who.pattern, values, mean, sd, owners, references, single | (values == 1))


def _unusable(part: Coded, count: Array, left: Array) -> list[Problem]:
    """Return what is wrong with a covariate of one value, or with a level that nobody left.

    `count` and `left` (patterns,) say how many customers are of each, and how many of them left.
    """
    if (part.values == part.values[0]).all():
        return [
            Problem(
                found=Message("one value only"),
                allowed=Message("a covariate that varies among the rows used"),
                action=Message("leave it out, or widen the filter"),
                column=part.column,
                count=int(count.sum()),
            )
        ]
    levels = dict(zip(part.names, part.values.T, strict=True))
    if part.reference is not None:
        levels[f"{part.column}: {part.reference}"] = 1 - part.values.sum(axis=1)
    elif len(ends := pd.unique(part.values[:, 0])) == 2:
        low, high = sorted(ends)
        levels = {f"{part.column}: {v:g}": (part.values[:, 0] == v).astype(float) for v in (low, high)}
    else:
        return []
    return [
        Problem(
            found=Message(
                "no departure among the {n} customers with {level}", n=int(held @ count), level=name
            ),
            allowed=Message("departures on both sides of a covariate"),
            action=Message("merge the category with another or leave it out: its hazard would be zero"),
            column=part.column,
        )
        for name, held in levels.items()
        if not held @ left
    ]


def _check_collinear(standard: Array, count: Array, names: Sequence[str]) -> None:
    roots, axes = np.linalg.eigh((standard * count[:, None]).T @ standard / count.sum())
    bound = (axes[:, roots < _COLLINEAR] ** 2).sum(axis=1) > 1e-6
    if bound.any():
        raise AnalysisError(
            "covariates that determine each other: {names}; leave one of them out",
            names=", ".join(name for name, within in zip(names, bound, strict=True) if within),
        )


def coded_alike(design: Design, table: pd.DataFrame) -> Array:
    """Return the covariates of `table` (n, any) as the columns of the model, (n, columns).

    Raises
    ------
    AnalysisError
        With a problem for each column that has a blank, a level the model has not seen, or no numbers.
    """
    check_columns(table, design.terms)
    problems: list[Problem] = []
    parts = []
    for column, positions in design.terms.items():
        problems += blanks(table, column)
        if column in design.references:
            levels = [design.names[p].removeprefix(f"{column}: ") for p in positions]
            said = table[column].map(str).to_numpy()
            problems += unknown(table, column, [design.references[column], *levels])
            parts.append(np.column_stack([said == level for level in levels]).astype(float))
        else:
            values, found = numbers(table, column)
            problems += found
            parts.append(values[:, None])
    if problems:
        raise AnalysisError("these covariates cannot be used", problems=problems)
    return np.column_stack(parts)


def blanks(table: pd.DataFrame, column: str) -> list[Problem]:
    """Return the problem of a column in which something is missing."""
    rows = np.flatnonzero(table[column].isna())
    if not len(rows):
        return []
    return [
        Problem(
            found=Message("a blank"),
            allowed=Message("a value for everyone to be predicted"),
            action=Message("fill it, or leave the row out: nobody is given the average in silence"),
            column=column, row=int(rows[0]) + 1, count=len(rows),
        )
    ]  # fmt: skip


def unknown(table: pd.DataFrame, column: str, levels: Sequence[str]) -> list[Problem]:
    """Return the problem of a column with a level that is not among those the model has seen."""
    held = table[column]
    rows = np.flatnonzero(held.notna() & ~held.map(str).isin(levels))
    if not len(rows):
        return []
    new = sorted({str(value) for value in held.iloc[rows]})
    return [
        Problem(
            found=Message("a level the model has not seen ({values})", values=shown(new)),
            allowed=shown(levels),
            action=Message("merge it with a known level, or fit the model again with customers who have it"),
            column=column, row=int(rows[0]) + 1, count=len(rows),
        )
    ]  # fmt: skip
