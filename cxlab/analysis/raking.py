"""Weights: none, as given, or raked so that the sample's margins equal those of the population.

Raking mends the mix of who answered along the variables it is given. It does not mend why people answered:
within a category, those who did are taken for those who did not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from cxlab.analysis.columns import check_frame
from cxlab.analysis.crossing import Crossed, crossed, factors
from cxlab.analysis.estimates import Claim, check_columns, weights_of
from cxlab.analysis.patterns import patterns
from cxlab.analysis.weighting import Weighting, as_text, trimmed, weighted
from cxlab.errors import AnalysisError, Message, Problem

Array = np.ndarray[Any, Any]
How = Literal["none", "given", "raked"]

__all__ = ["How", "Weighting", "as_text", "rake", "weigh"]

SHARES_TOLERANCE = 1e-6


def rake(
    table: Any,
    targets: pd.DataFrame,
    *,
    base_weight: str | None = None,
    trim: float | None = None,
) -> Weighting:
    """Weigh the sample so that its margins are those of the population.

    Iterative proportional fitting on the cells of the crossed variables: each base weight is multiplied by
    one factor per margin category, so that every margin is met.

    Parameters
    ----------
    table : DataFrame, path, DuckDB relation or Spark frame
        One row per respondent; not changed. What is not in memory is counted where it is, by combinations of
        the variables, and the weights are factors of these: join them, multiply, write a column.
    targets : DataFrame
        Columns ``variable`` (a column of `table`), ``category`` and ``share``; shares sum to one within each
        variable. Categories are compared as text, so 1 and "1" are the same. Where they are, ``source`` and
        ``date`` say where each share was read and of which day it is.
    base_weight : str or None
        Column of weights to start from; all equal without it.
    trim : float or None
        Largest weight allowed, in mean weights; what is cut is spread over the others, so that margins are
        met as nearly as that allows. Without it no weight is cut.

    Returns
    -------
    Weighting
        ``table``: ``variable``, ``category``, ``target``, ``before``, ``after`` (shares), ``n`` and, where
        given, ``source`` and ``date``. ``tables["checks"]``: design effect, effective size, largest over
        smallest weight, rounds until the margins were met and how far off they are, share trimmed.

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
    elsewhere = not isinstance(table, pd.DataFrame)
    if not elsewhere:
        check_frame(table)
    check_columns(targets, ["variable", "category", "share"])
    if not len(targets) or (not elsewhere and not len(table)):
        raise AnalysisError("raking needs at least one row in the table and one in the targets")
    variables = list(dict.fromkeys(map(str, targets["variable"])))
    if elsewhere and trim is not None:
        raise AnalysisError(
            "trim caps the weights of rows, and this table is elsewhere; read it into memory, or rake "
            "without trim"
        )
    rows, alike = table, None
    if elsewhere:
        rows, alike = patterns(table, variables, weights=base_weight, cluster=None, scales=None)
    check_columns(rows, variables)
    base: Array | None = None
    if alike is not None:
        base = alike.weight
    elif base_weight is not None:
        base = weights_of(rows, base_weight)
    wanted = _wanted(targets, variables)
    each = None if alike is None else alike.count
    cells = crossed(rows, variables, base, each)
    problems = [p for k, name in enumerate(variables) for p in _problems(name, wanted[name], cells, k)]
    if problems:
        raise AnalysisError("the targets and the sample do not fit", problems=problems)
    margins = [cells.places(k, wanted[name].categories) for k, name in enumerate(variables)]
    times, rounds = factors(margins, [one.shares for one in wanted.values()], cells.base, variables)
    by_row = cells.of_rows(times)
    weights, cut = (by_row, 0.0) if elsewhere else trimmed(by_row if base is None else base * by_row, trim)
    after = cells.base * times if trim is None else cells.added(weights)
    shares = _margins(wanted, margins, cells, after)
    if alike is not None:
        alike = alike.times(by_row)
    elif base is None and trim is None:
        alike = cells.alike(times)
    return weighted(
        rows,
        weights,
        _sourced(shares, targets),
        {"how": "raked", "variables": variables, "base_weight": base_weight, "trim": trim},
        claims=_raked_claims(targets, variables, int(cells.count.sum())),
        alike=alike,
        elsewhere=elsewhere,
        trimmed=cut,
        rounds=rounds,
        off=float(np.abs(shares["after"].to_numpy() - shares["target"].to_numpy()).max()),
        combination=None if elsewhere else cells.flat,
        categories={} if elsewhere else {
            name: (cells.spread(at), wanted[name].categories)
            for name, at in zip(variables, margins, strict=True)
        },
    )  # fmt: skip


def weigh(
    table: pd.DataFrame,
    how: How,
    *,
    targets: pd.DataFrame | None = None,
    weight: str = "weight",
    trim: float | None = None,
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
    trim : float or None
        As in `rake`, for given weights too.

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
        return rake(table, targets, base_weight=weight if filled else None, trim=trim)
    if how not in ("none", "given"):
        raise AnalysisError("weights are none, given or raked; found {how!r}", how=how)
    values, cut = trimmed(weights_of(table, weight if how == "given" else None), trim)
    margins = pd.DataFrame(
        {"variable": pd.Series(dtype=object), "category": pd.Series(dtype=object)}
        | {column: pd.Series(dtype=float) for column in ("target", "before", "after", "n")}
    )
    settings = {"how": how, "weight": weight if how == "given" else None, "trim": trim}
    said = {"n": len(table)} | ({"column": weight} if how == "given" else {})
    caveat = "weights_mend_mix" if how == "given" else "no_population_claim"
    claims = (Claim(f"weights.{how}", said, "D", (caveat,)),)
    return weighted(table, values, margins, settings, claims=claims, trimmed=cut)


@dataclass(frozen=True, slots=True)
class _Target:
    """Of one variable, shares (categories,) and what they are of, as text."""

    categories: Array
    shares: Array


def _wanted(targets: pd.DataFrame, variables: Sequence[str]) -> dict[str, _Target]:
    """Shares of each variable by category, or an error if they cannot be read."""
    names = np.array([str(name) for name in targets["variable"]], dtype=object)
    shares = pd.to_numeric(targets["share"], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    said, found = targets["category"].to_numpy(), dict[str, _Target]()
    for variable in variables:
        own = names == variable
        categories, share = as_text(said[own]), shares[own]
        if np.isnan(share).any() or (share < 0).any() or len(set(categories)) < len(categories):
            raise AnalysisError(
                "the targets of {variable} need one share, zero or more, for each category; "
                "correct the sheet of population targets",
                variable=variable,
            )
        found[variable] = _Target(categories, share)
    return found


def _problems(name: str, wanted: _Target, cells: Crossed, variable: int) -> list[Problem]:
    """Say why the targets of a variable do not fit the sample."""
    row, missing = cells.gone(variable)
    problems = []
    if abs(wanted.shares.sum() - 1) > SHARES_TOLERANCE:
        problems.append(
            Problem(
                found=Message("shares that sum to {total:.6g}", total=float(wanted.shares.sum())),
                allowed=Message("shares that sum to 1"),
                action=Message("give shares of one, not percentages, for all categories of the population"),
                column=name,
            )
        )
    if missing:
        problems.append(
            Problem(
                found=Message("no value"), allowed=Message("a category of the targets"), column=name,
                action=Message("complete it, or exclude those rows in client.yaml before raking"),
                row=row, count=missing,
            )
        )  # fmt: skip
    unknown = sorted(cells.held(variable) - set(wanted.categories))
    if unknown:
        problems.append(
            Problem(
                found=Message("categories without a target: {names}", names=", ".join(unknown[:5])),
                allowed=", ".join(wanted.categories),
                action=Message("add their shares to the targets, or recode them in client.yaml"),
                column=name,
            )
        )
    carried = cells.held(variable, weighing=True)
    empty = [category for category in wanted.categories[wanted.shares > 0] if category not in carried]
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


def _margins(
    wanted: Mapping[str, _Target], margins: Sequence[Array], cells: Crossed, after: Array
) -> pd.DataFrame:
    def added(values: Array) -> Array:
        sizes = [len(target.shares) for target in wanted.values()]
        sums = [np.bincount(at, weights=values, minlength=k) for at, k in zip(margins, sizes, strict=True)]
        return np.concatenate(sums)

    return pd.DataFrame(
        {
            "variable": np.repeat(list(wanted), [len(target.shares) for target in wanted.values()]).astype(
                object
            ),
            "category": np.concatenate([target.categories for target in wanted.values()]),
            "target": np.concatenate([target.shares for target in wanted.values()]),
            "before": added(cells.base) / cells.base.sum(),
            "after": added(after) / after.sum(),
            "n": added(cells.count).astype(int),
        }
    )


def _sourced(margins: pd.DataFrame, targets: pd.DataFrame) -> pd.DataFrame:
    """Say beside each margin where its target was read and of which day it is, where that is declared."""
    told = [name for name in ("source", "date") if name in targets.columns and targets[name].notna().any()]
    if not told:
        return margins
    keys = [targets["variable"].astype(str).to_numpy(), as_text(targets["category"])]
    said = targets[told].set_axis(pd.MultiIndex.from_arrays(keys))
    if "date" in told:
        said["date"] = [_day(value) for value in said["date"]]
    return margins.join(said, on=["variable", "category"])


def _day(value: Any) -> str:
    """Return the day of a date, or of a text that begins with one, as 2024-11-04."""
    return "" if pd.isna(value) else str(value)[:10]


def _raked_claims(targets: pd.DataFrame, variables: Sequence[str], n: int) -> tuple[Claim, ...]:
    """Say to which population the sample was brought: whose shares, and of which day."""
    said: dict[str, list[str]] = {"source": [], "date": []}
    for name in said:
        if name in targets.columns:
            known = targets[name].dropna()
            said[name] = list(dict.fromkeys(_day(v) if name == "date" else str(v) for v in known))
    fields = {"columns": list(variables), "sources": said["source"], "dates": said["date"], "n": n}
    unsourced = () if said["source"] and said["date"] else ("targets_unsourced",)
    return (Claim("weights.raked", fields, "D", ("weights_mend_mix", *unsourced)),)
