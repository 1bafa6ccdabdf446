"""Weights: none, as given, or raked so that the sample's margins equal those of the population.

Raking mends the mix of who answered along the variables it is given. It does not mend why people answered:
within a category, those who did are taken for those who did not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from cxlab.analysis.columns import check_frame
from cxlab.analysis.estimates import Result, check_columns, effective_n, weights_of
from cxlab.errors import AnalysisError, Message, Problem

Array = np.ndarray[Any, Any]
How = Literal["none", "given", "raked"]

SHARES_TOLERANCE = 1e-6
CONVERGED = 1e-12
MOST_ROUNDS = 2000


@dataclass(frozen=True, eq=False, kw_only=True)
class Weighting(Result):
    """Weights and what they do to the margins.

    Attributes
    ----------
    weights : Series of float
        Aligned to the index of the table; they sum to what the base weights sum to.
    design_effect : float
        Kish's ``n sum w^2 / (sum w)^2``: how many times the variance of a mean grows.
    n_eff : float
        Kish's effective size, ``n / design_effect``.
    ratio : float
        Largest over smallest positive weight.
    """

    weights: pd.Series[float]
    design_effect: float
    n_eff: float
    ratio: float


def rake(table: pd.DataFrame, targets: pd.DataFrame, *, base_weight: str | None = None) -> Weighting:
    """Weigh the sample so that its margins are those of the population.

    Iterative proportional fitting on the cells of the crossed variables: each base weight is multiplied by
    one factor per margin category, so that every margin is met.

    Parameters
    ----------
    table : DataFrame
        One row per respondent; not changed.
    targets : DataFrame
        Columns ``variable`` (a column of `table`), ``category`` and ``share``; shares sum to one within each
        variable. Categories are compared as text, so 1 and "1" are the same.
    base_weight : str or None
        Column of weights to start from; all equal without it.

    Returns
    -------
    Weighting
        ``table``: ``variable``, ``category``, ``target``, ``before``, ``after`` (shares), ``n``.

    Raises
    ------
    AnalysisError
        With every problem at once: shares that do not sum to one, a category of the sample without target
        or of the targets without sample, missing values in a variable; or if no weights meet all margins.

    References
    ----------
    Deming & Stephan 1940, doi:10.1214/aoms/1177731829; Kish 1965, Survey Sampling.

    Examples
    --------
    >>> table = pd.DataFrame({"channel": ["app", "app", "app", "store"]})
    >>> targets = pd.DataFrame({"variable": "channel", "category": ["app", "store"], "share": [0.5, 0.5]})
    >>> rake(table, targets).weights.round(4).tolist()
    [0.6667, 0.6667, 0.6667, 2.0]
    """
    check_frame(table)
    check_columns(targets, ["variable", "category", "share"])
    if not len(targets) or not len(table):
        raise AnalysisError("raking needs at least one row in the table and one in the targets")
    variables = [str(name) for name in targets["variable"].unique()]
    check_columns(table, variables)
    base = weights_of(table, base_weight)
    wanted = {name: _target(targets, name) for name in variables}
    problems = [problem for name in variables for problem in _problems(table[name], wanted[name], base)]
    if problems:
        raise AnalysisError("the targets and the sample do not fit", problems=problems)
    codes = [wanted[name].index.get_indexer(pd.Index(as_text(table[name]))) for name in variables]
    shares = [wanted[name].to_numpy() for name in variables]
    weights = base * _factors(codes, shares, base, variables)
    margins = pd.concat(
        [
            _margins(name, wanted[name], code, base, weights)
            for name, code in zip(variables, codes, strict=True)
        ],
        ignore_index=True,
    )
    settings = {"how": "raked", "variables": variables, "base_weight": base_weight}
    return _weighting(table, weights, margins, settings)


def weigh(
    table: pd.DataFrame, how: How, *, targets: pd.DataFrame | None = None, weight: str = "weight"
) -> Weighting:
    """Make weights in the way a parameter asks for.

    Parameters
    ----------
    table : DataFrame
        One row per respondent; not changed.
    how : {"none", "given", "raked"}
        All equal; the column `weight`; raked to `targets`, starting from `weight` if the table has that
        column filled in.
    targets : DataFrame or None
        As in `rake`; needed for ``raked``.
    weight : str
        Column of given weights.

    Returns
    -------
    Weighting
        As `rake`; without margins unless raked.

    Raises
    ------
    AnalysisError
        As `rake`; if ``given`` and there is no such column; if ``raked`` and there are no targets.

    Examples
    --------
    >>> weighting = weigh(pd.DataFrame({"weight": [1, 1, 2, 2, 4]}), "given")
    >>> round(weighting.design_effect, 4), round(weighting.n_eff, 6)
    (1.3, 3.846154)
    """
    if how == "raked":
        if targets is None or not len(targets):
            raise AnalysisError(
                "raked weights need population targets; declare population_targets in client.yaml"
            )
        filled = weight in table.columns and table[weight].notna().any()
        return rake(table, targets, base_weight=weight if filled else None)
    if how not in ("none", "given"):
        raise AnalysisError("weights are none, given or raked; found {how!r}", how=how)
    values = weights_of(table, weight if how == "given" else None)
    margins = pd.DataFrame(
        {"variable": pd.Series(dtype=object), "category": pd.Series(dtype=object)}
        | {column: pd.Series(dtype=float) for column in ("target", "before", "after", "n")}
    )
    return _weighting(table, values, margins, {"how": how, "weight": weight if how == "given" else None})


def as_text(column: pd.Series[Any]) -> Array:
    """Values as the text they are written with in a sheet: 1.0 as 1; missing ones as an empty text."""
    codes, values = pd.factorize(column)
    written = [
        str(int(v)) if isinstance(v, (float, np.floating)) and v == np.floor(v) else str(v) for v in values
    ]
    return np.array([*written, ""], dtype=object)[codes]


def _target(targets: pd.DataFrame, variable: str) -> pd.Series[float]:
    """Shares of one variable by category, or an error if they cannot be read."""
    own = targets[targets["variable"].astype(str) == variable]
    shares = pd.to_numeric(own["share"], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    categories = as_text(own["category"])
    if np.isnan(shares).any() or (shares < 0).any() or len(set(categories)) < len(categories):
        raise AnalysisError(
            "the targets of {variable} need one share, zero or more, for each category; "
            "correct the sheet of population targets",
            variable=variable,
        )
    return pd.Series(shares, index=pd.Index(categories), dtype=float)


def _problems(column: pd.Series[Any], wanted: pd.Series[float], base: Array) -> list[Problem]:
    name = str(column.name)
    present = column.notna().to_numpy()
    text = as_text(column)
    carried = set(text[present & (base > 0)])
    problems = []
    if abs(wanted.sum() - 1) > SHARES_TOLERANCE:
        problems.append(
            Problem(
                found=Message("shares that sum to {total:.6g}", total=float(wanted.sum())),
                allowed=Message("shares that sum to 1"),
                action=Message("give shares of one, not percentages, for all categories of the population"),
                column=name,
            )
        )
    if not present.all():
        problems.append(
            Problem(
                found=Message("no value"), allowed=Message("a category of the targets"), column=name,
                action=Message("complete it, or exclude those rows in client.yaml before raking"),
                row=int(np.flatnonzero(~present)[0]) + 1, count=int((~present).sum()),
            )
        )  # fmt: skip
    unknown = sorted(set(text[present]) - set(wanted.index))
    if unknown:
        problems.append(
            Problem(
                found=Message("categories without a target: {names}", names=", ".join(unknown[:5])),
                allowed=", ".join(wanted.index),
                action=Message("add their shares to the targets, or recode them in client.yaml"),
                column=name,
            )
        )
    empty = [category for category, share in wanted.items() if share > 0 and category not in carried]
    if empty:
        problems.append(
            Problem(
                found=Message(
                    "targets that nobody in the sample can carry: {names}",
                    names=", ".join(map(str, empty[:5])),
                ),
                allowed=Message("categories that the sample has"),
                action=Message(
                    "merge them with a category that has answers, in the targets and in client.yaml"
                ),
                column=name,
            )
        )
    return problems


def _factors(codes: Sequence[Array], shares: Sequence[Array], base: Array, variables: Sequence[str]) -> Array:
    """Factor of each row: iterative proportional fitting on the cells that occur."""
    flat = np.zeros(len(base), dtype=np.int64)
    for code, share in zip(codes, shares, strict=True):
        flat = flat * len(share) + code
    _, first, cell = np.unique(flat, return_index=True, return_inverse=True)
    cell = cell.reshape(-1)
    margins = [code[first] for code in codes]
    start = np.bincount(cell, weights=base)
    total, factors = start.sum(), np.ones(len(start))
    for _ in range(MOST_ROUNDS):
        before = factors.copy()
        for margin, share in zip(margins, shares, strict=True):
            now = np.bincount(margin, weights=start * factors, minlength=len(share))
            with np.errstate(divide="ignore", invalid="ignore"):
                factors *= np.where(now > 0, share * total / now, 0.0)[margin]
        if np.abs(factors - before).max() <= CONVERGED * np.abs(factors).max():
            break
    off = max(
        np.abs(np.bincount(margin, weights=start * factors, minlength=len(share)) / total - share).max()
        for margin, share in zip(margins, shares, strict=True)
    )
    if not off <= 1e-8:
        raise AnalysisError(
            "no weights meet the targets of {variables} together (off by {off:.2g} after {rounds} rounds); "
            "some of their combinations have no answers: merge categories or rake on fewer variables",
            variables=", ".join(variables),
            off=float(off),
            rounds=MOST_ROUNDS,
        )
    return np.asarray(factors[cell])


def _margins(name: str, wanted: pd.Series[float], code: Array, base: Array, weights: Array) -> pd.DataFrame:
    size = len(wanted)
    return pd.DataFrame(
        {
            "variable": name,
            "category": wanted.index.to_numpy(dtype=object),
            "target": wanted.to_numpy(),
            "before": np.bincount(code, weights=base, minlength=size) / base.sum(),
            "after": np.bincount(code, weights=weights, minlength=size) / weights.sum(),
            "n": np.bincount(code, minlength=size),
        }
    )


def _weighting(
    table: pd.DataFrame, weights: Array, margins: pd.DataFrame, settings: dict[str, Any]
) -> Weighting:
    n_eff = effective_n(weights)
    positive = weights[weights > 0]
    ratio = float(positive.max() / positive.min()) if len(positive) else 1.0
    effect = len(weights) / n_eff if n_eff else 1.0
    checks = pd.DataFrame(
        [
            ("design_effect", effect, _HEAVY if effect > 1.5 else _FINE),
            ("n_eff", n_eff, _FINE),
            ("weight_ratio", ratio, _EXTREME if ratio > 10 else _FINE),
        ],
        columns=["check", "value", "advice"],
    )
    return Weighting(
        table=margins,
        keys=("variable", "category", "check"),
        estimate_column="after",
        tables={"checks": checks},
        n_used=len(table),
        settings=settings,
        weights=pd.Series(weights, index=table.index, name="weight"),
        design_effect=effect,
        n_eff=n_eff,
        ratio=ratio,
    )


_FINE = Message("nothing to do")
_HEAVY = Message("the weights cost a third of the sample or more: read n_eff, not n")
_EXTREME = Message("a few rows weigh more than ten times others: merge categories of the targets")
