"""What a driver analysis cannot take: every problem of roles, groups and columns, with its remedy.

Each function gives `Problem`s and raises nothing, so that `ratings.rated` can say all of them at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.columns import check_names, named, shown
from cxlab.errors import AnalysisError, Message, Problem

Array = np.ndarray[Any, Any]

_MOST_DRIVERS = 60
_COPY = 1e-10  # distance from a correlation of one under which a driver is the outcome itself


def of_roles(
    outcome: str | None, drivers: Sequence[str], controls: Sequence[str], weights: str | None
) -> list[Problem]:
    """Say which columns have more than one role, and whether the drivers are too few or too many."""
    roles = {
        "outcome": [outcome] if outcome is not None else [],
        "drivers": list(drivers),
        "controls": list(controls),
        "weights": [weights] if weights is not None else [],
    }
    problems = []
    check_names(column for held in roles.values() for column in held)
    for column in dict.fromkeys(column for held in roles.values() for column in held):
        own = [role for role, held in roles.items() if column in held]
        if len(own) > 1:
            problems.append(
                Problem(
                    found=Message("a column with two roles ({roles})", roles=", ".join(own)),
                    allowed=Message("the outcome, a driver, a control or the weights"),
                    action=Message("take it out of all roles but one"),
                    column=str(column),
                )
            )
        times = max(roles["drivers"].count(column), roles["controls"].count(column))
        if times > 1:
            problems.append(
                Problem(
                    found=Message("a column named {times} times", times=times),
                    allowed=Message("each column once"),
                    action=Message("name it once"),
                    column=str(column),
                )
            )
    count = len(drivers)
    if not 2 <= count <= _MOST_DRIVERS:
        few = Message("give at least 2 drivers: R2 is divided among them")
        many = Message("leave drivers out: so many cannot be told apart")
        problems.append(
            Problem(
                found=Message("drivers: {count}", count=count),
                allowed=Message("from {low:g} to {high:g}", low=2, high=_MOST_DRIVERS),
                action=few if count < 2 else many,
            )
        )
    return problems


def of_groups(drivers: Sequence[str], groups: Mapping[str, Sequence[str]]) -> list[Problem]:
    """Say which groups hold strangers, share a driver, are empty, or leave nothing to divide among."""
    _check_mapping(groups)
    listed = {name: named(members) for name, members in groups.items()}
    members = [driver for group in listed.values() for driver in group]
    problems = [
        Problem(
            found=Message("a column in a group that is not among the drivers"),
            allowed=Message("groups of drivers"),
            action=Message("add it to the drivers, or take it out of the group"),
            column=str(name),
        )
        for name in dict.fromkeys(members)
        if name not in drivers
    ]
    problems += [
        Problem(
            found=Message("a driver in more than one group"),
            allowed=Message("each driver in one group"),
            action=Message("leave it in one of them"),
            column=str(name),
        )
        for name in dict.fromkeys(members)
        if members.count(name) > 1
    ]
    problems += [
        Problem(
            found=Message("a group named like a driver outside it ({name})", name=name),
            allowed=Message("another name"),
            action=Message("rename the group"),
        )
        for name in listed
        if name in drivers and name not in members
    ]
    problems += [
        Problem(
            found=Message("a group without drivers ({name})", name=name),
            allowed=Message("groups of drivers"),
            action=Message("leave it out"),
        )
        for name, held in listed.items()
        if not held
    ]
    if not problems and len(drivers) >= 2 > len(blocks_of(drivers, groups)):
        problems = [
            Problem(
                found=Message("all drivers in one group"),
                allowed=Message("at least 2 groups or drivers: R2 is divided among them"),
                action=Message("leave a driver out of the group"),
            )
        ]
    return problems


def blocks_of(drivers: Sequence[str], groups: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return what enters together: the groups where their first driver stands, the other drivers alone."""
    _check_mapping(groups)
    of = {driver: name for name, members in groups.items() for driver in named(members)}
    blocks: dict[str, list[str]] = {}
    for driver in drivers:
        blocks.setdefault(of.get(driver, driver), []).append(driver)
    return blocks


def _check_mapping(groups: Any) -> None:
    if not isinstance(groups, Mapping):
        raise AnalysisError(
            "groups is a {kind}; give {{name of the group: [drivers]}}", kind=type(groups).__name__
        )


def of_absence(table: pd.DataFrame | Mapping[str, Any], columns: Iterable[str]) -> list[Problem]:
    """Say which columns the table does not have."""
    columns = list(columns)
    check_names(columns)
    return [
        Problem(
            found=Message("no column of this name"),
            allowed=Message("a column of the table: {present}", present=shown(table)),
            action=Message("correct the name, or map the column in client.yaml"),
            column=str(column),
        )
        for column in dict.fromkeys(columns)
        if column not in table
    ]


def of_design(refusal: AnalysisError) -> list[Problem]:
    """Say as problems why a survey design was refused."""
    if refusal.problems:
        return list(refusal.problems)
    return [
        Problem(
            found=refusal.message,
            allowed=Message("a design known for every row"),
            action=Message("correct the column in client.yaml"),
        )
    ]


def of_variation(
    columns: Mapping[str, Array], called: Callable[[float], str] = "{:g}".format
) -> list[Problem]:
    """Say which columns hold one value only, or none; `called` writes a value as the table does."""
    return [
        _constant(name, held, called)
        for name, held in columns.items()
        if not np.fmin.reduce(held, initial=np.nan) < np.fmax.reduce(held, initial=np.nan)
    ]


def _constant(name: str, held: Array, called: Callable[[float], str]) -> Problem:
    known = held[~np.isnan(held)]
    return Problem(
        found=Message("one value only ({value})", value=called(float(known[0])))
        if known.size
        else Message("no answer at all"),
        allowed=Message("a column that varies among the rows used"),
        action=Message("leave it out, or widen the filter"),
        column=name,
        count=int(known.size),
    )


def of_raters(names: Sequence[str], counts: Sequence[int], everybody: int, least: int) -> list[Problem]:
    """Say which drivers too few rated; one that all rated is as good as the sample."""
    return [
        Problem(
            found=Message("ratings of {n} people only", n=_few(count)),
            allowed=Message("ratings of at least {least} (min_rated)", least=least),
            action=Message(
                "leave it out, widen the filter, or lower min_rated and read it with its interval"
            ),
            column=name,
        )
        for name, count in zip(names, counts, strict=True)
        if 0 < count < min(least, everybody)
    ]


def _few(count: int) -> str:
    """Write a base so that nobody is given away."""
    return "<10" if count < 10 else str(count)


def of_copies(names: Sequence[str], outcome: str, y: Array, ratings: Array) -> list[Problem]:
    """Say which drivers are the outcome under another name, perhaps on another scale."""
    present = ~np.isnan(ratings)
    count = present.sum(axis=0)
    x = np.where(present, ratings, 0.0)
    x -= x.sum(axis=0) / count
    x *= present
    # The outcome about its mean among those who rated each driver.
    spread = y**2 @ present - (y @ present) ** 2 / count
    together = np.abs(x.T @ y)
    alike = together >= (1 - _COPY) * np.sqrt((x**2).sum(axis=0) * np.maximum(spread, 0.0))
    return as_copies(
        [names[at] for at in np.flatnonzero(alike & (count > 2) & (together > 0)).tolist()], outcome
    )


def as_copies(names: Sequence[str], outcome: str) -> list[Problem]:
    """Say of drivers that they are the outcome under another name."""
    return [
        Problem(
            found=Message("the outcome {outcome!r} under another name", outcome=outcome),
            allowed=Message("a driver that is not the outcome itself"),
            action=Message("take it out of the drivers"),
            column=name,
        )
        for name in names
    ]
