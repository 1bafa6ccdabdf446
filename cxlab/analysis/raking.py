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
from cxlab.analysis.estimates import Claim, check_columns, weights_of
from cxlab.analysis.weighting import Weighting, as_text, trimmed, weighted, written
from cxlab.errors import AnalysisError, Message, Problem

Array = np.ndarray[Any, Any]
How = Literal["none", "given", "raked"]

__all__ = ["How", "Weighting", "as_text", "rake", "weigh"]

SHARES_TOLERANCE = 1e-6
CONVERGED = 1e-12
MOST_ROUNDS = 2000
_IN_A_ROW = 1000


def rake(
    table: pd.DataFrame,
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
    table : DataFrame
        One row per respondent; not changed.
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
    check_frame(table)
    check_columns(targets, ["variable", "category", "share"])
    if not len(targets) or not len(table):
        raise AnalysisError("raking needs at least one row in the table and one in the targets")
    variables = [str(name) for name in targets["variable"].unique()]
    check_columns(table, variables)
    base = weights_of(table, base_weight)
    wanted = {name: _target(targets, name) for name in variables}
    crossed = _crossed(table, variables, None if base_weight is None else base)
    problems = [p for k, name in enumerate(variables) for p in crossed.problems(k, wanted[name])]
    if problems:
        raise AnalysisError("the targets and the sample do not fit", problems=problems)
    margins = [crossed.places(k, wanted[name].index) for k, name in enumerate(variables)]
    factors, rounds = _factors(margins, [*wanted.values()], crossed.base, variables)
    weights, cut = trimmed(base * crossed.of_rows(factors), trim)
    after = crossed.base * factors if trim is None else crossed.added(weights)
    shares = pd.concat(
        [
            _margins(name, wanted[name], at, crossed, after)
            for name, at in zip(variables, margins, strict=True)
        ],
        ignore_index=True,
    )
    return weighted(
        table,
        weights,
        _sourced(shares, targets),
        {"how": "raked", "variables": variables, "base_weight": base_weight, "trim": trim},
        claims=_raked_claims(targets, variables, len(table)),
        trimmed=cut,
        rounds=rounds,
        off=float((shares["after"] - shares["target"]).abs().max()),
        categories={
            name: pd.Categorical.from_codes(
                crossed.of_rows(at.astype(np.int32)),  # type: ignore[arg-type]
                wanted[name].index,
            )
            for name, at in zip(variables, margins, strict=True)
        },
    )


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


@dataclass(frozen=True, slots=True, eq=False)
class _Crossed:
    """The combinations of the raked variables that occur: all that raking needs of the rows.

    Attributes
    ----------
    flat : ndarray of int, shape (n_rows,)
        Number of each row's combination, among the `present` ones.
    present : ndarray of int, shape (n_cells,)
        Numbers that occur.
    codes : tuple of ndarray of int, shape (n_cells,)
        Of each variable, place among its `values` plus one; 0 where it is missing.
    values : tuple of list of str
        As text.
    count, base : ndarray, shape (n_cells,)
        Rows, and what they weigh before.
    """

    names: Sequence[str]
    flat: Array
    present: Array
    codes: tuple[Array, ...]
    values: tuple[list[str], ...]
    count: Array
    base: Array

    def of_rows(self, held: Array) -> Array:
        """Give each row what its combination has."""
        dense = np.zeros(int(self.present[-1]) + 1, dtype=held.dtype)
        dense[self.present] = held
        return dense[self.flat]

    def added(self, values: Array) -> Array:
        """Add the values of rows up."""
        return np.asarray(np.bincount(self.flat, weights=values)[self.present])

    def places(self, variable: int, categories: pd.Index[Any]) -> Array:
        """Return the place of each combination among the categories of a variable."""
        place = {category: k for k, category in enumerate(categories)}
        held = np.array([place.get(value, -1) for value in self.values[variable]], dtype=np.int64)
        return np.asarray(held[self.codes[variable] - 1])

    def problems(self, variable: int, wanted: pd.Series[float]) -> list[Problem]:
        """Say why the targets of a variable do not fit the sample."""
        name, codes, values = self.names[variable], self.codes[variable], self.values[variable]
        held = {values[code - 1] for code in codes[codes > 0]}
        carried = {values[code - 1] for code in codes[(codes > 0) & (self.base > 0)]}
        gone = self.present[codes == 0]
        first = int(np.flatnonzero(np.isin(self.flat, gone))[0]) + 1 if len(gone) else 0
        return _problems(name, wanted, held, carried, (first, int(self.count[codes == 0].sum())))


def _crossed(table: pd.DataFrame, variables: Sequence[str], base: Array | None) -> _Crossed:
    flat, most = np.zeros(len(table), dtype=np.int64), 1
    sizes, values = [], []
    for name in variables:
        own, found = _codes(table[name])
        sizes.append(len(found) + 1)
        values.append(written(found))
        flat = own + 1 if most == 1 else flat * sizes[-1] + own + 1
        most *= sizes[-1]
    if most <= 4 * len(flat) + 1000:  # counted rather than sorted
        bins = np.bincount(flat, minlength=most)
        present = number = np.flatnonzero(bins)
        count = bins[present]
    else:
        number, flat, count = np.unique(flat, return_inverse=True, return_counts=True)
        present = np.arange(len(number))
    codes = []
    for size in reversed(sizes):
        codes.append(number % size)
        number = number // size
    start = count.astype(float) if base is None else np.bincount(flat, weights=base)[present]
    return _Crossed(variables, flat, present, tuple(reversed(codes)), tuple(values), count, start)


def _codes(column: pd.Series[Any]) -> tuple[Array, Any]:
    """Place of each value among those that may occur, -1 where missing; whole numbers are their own place."""
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iu":
        held = column.to_numpy()
        low, high = int(held.min()), int(held.max())
        if high - low < _IN_A_ROW and high <= np.iinfo(np.int64).max:
            return held.astype(np.int64, copy=False) - low, range(low, high + 1)
    return pd.factorize(column)


def _problems(
    name: str, wanted: pd.Series[float], held: set[str], carried: set[str], missing: tuple[int, int]
) -> list[Problem]:
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
    if missing[1]:
        problems.append(
            Problem(
                found=Message("no value"), allowed=Message("a category of the targets"), column=name,
                action=Message("complete it, or exclude those rows in client.yaml before raking"),
                row=missing[0], count=missing[1],
            )
        )  # fmt: skip
    unknown = sorted(held - set(wanted.index))
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


def _factors(
    margins: Sequence[Array], targets: Sequence[pd.Series[float]], start: Array, variables: Sequence[str]
) -> tuple[Array, int]:
    """Factor of each combination, and rounds: iterative proportional fitting."""
    shares = [target.to_numpy() for target in targets]
    # In the order of the targets, so that neither the order of rows nor the type of a column moves a digit.
    order = np.lexsort(margins[::-1])
    margins, start = [margin[order] for margin in margins], start[order]
    total, factors = start.sum(), np.ones(len(start))
    for rounds in range(1, MOST_ROUNDS + 1):  # noqa: B007
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
    found = np.empty_like(factors)
    found[order] = factors
    return found, rounds


def _margins(
    name: str, wanted: pd.Series[float], places: Array, crossed: _Crossed, after: Array
) -> pd.DataFrame:
    size = len(wanted)
    return pd.DataFrame(
        {
            "variable": name,
            "category": wanted.index.to_numpy(dtype=object),
            "target": wanted.to_numpy(),
            "before": np.bincount(places, weights=crossed.base, minlength=size) / crossed.base.sum(),
            "after": np.bincount(places, weights=after, minlength=size) / after.sum(),
            "n": np.bincount(places, weights=crossed.count, minlength=size).astype(int),
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
