"""Weights of a sample, what they cost, and what raked ones know of it: the margins that they meet.

An estimate under raked weights varies only by what the margins leave open. `Calibration` takes from the sums
of cells what the categories of the margins tell of them, each row counting alike, which is R's ``rake``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from cxlab.analysis.estimates import Claim, Result, effective_n
from cxlab.errors import AnalysisError, Message

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Alike:
    """What the rows behind each pattern are: how many, and sum, sum of squares, least and most of weights."""

    count: Array
    weight: Array
    squared: Array
    low: Array
    high: Array

    def times(self, factors: Array) -> Alike:
        """Multiply the weights of each pattern by its factor."""
        return Alike(
            self.count, self.weight * factors, self.squared * factors**2, self.low * factors,
            self.high * factors,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Calibration:
    """Rows whose weights were raked together, beside a table that has all or some of them.

    Attributes
    ----------
    weights : ndarray, shape (n_raked,)
        Of the rows with weight.
    margins : tuple of ndarray of int, shape (n_raked,)
        For each variable, which column of the matrix of all categories is the row's.
    place : ndarray of int, shape (n_rows,)
        Where each row of the table is among them.
    """

    weights: Array
    margins: tuple[Array, ...]
    place: Array

    def spread(self, codes: Array | None) -> Array | None:
        """Bring codes of the table's rows, which are all that were raked, into the order of the raked."""
        if codes is None:
            return None
        spread, known = np.zeros(len(self.weights), dtype=np.int64), self.place >= 0
        spread[self.place[known]] = codes[known]
        return spread

    def told(self, sums: Sequence[Array], at: Array, cell: Array, count: int) -> Array:
        """Matrix, (2 count, 2 count + categories), that takes from sums of cells what the margins tell.

        `sums` are weighted numerators and denominators of the rows `at` (places among the raked), `cell`
        their cells; further columns are the weighted categories.
        """
        size = max(int(codes.max()) for codes in self.margins) + 1
        row = np.arange(len(self.weights))
        categories = sparse.csr_matrix(
            (
                np.ones(len(row) * len(self.margins)),
                (np.tile(row, len(self.margins)), np.concatenate(self.margins)),
            ),
            shape=(len(row), size),
        )
        totals = np.zeros((size, 2 * count))
        for part, values in enumerate(sums):
            for codes in self.margins:
                flat = codes[at] * count + cell
                summed = np.bincount(flat, weights=values / self.weights[at], minlength=size * count)
                totals[:, part * count : (part + 1) * count] += summed.reshape(size, count)
        slopes = np.linalg.pinv((categories.T @ categories).toarray()) @ totals
        return np.hstack([np.eye(2 * count), -slopes.T])


@dataclass(frozen=True, eq=False, kw_only=True)
class Weighting(Result):
    """Weights and what they do to the margins.

    Attributes
    ----------
    weights : Series of float
        Aligned to the index of the table; they sum to what the base weights sum to. Of a table that is
        elsewhere, the factor of each combination of the raked variables (its index).
    design_effect : float
        Kish's ``n sum w^2 / (sum w)^2``: how many times the variance of a mean grows.
    n_eff : float
        Kish's effective size, ``n / design_effect``.
    ratio : float
        Largest over smallest positive weight.
    trimmed : float
        Share of the sum of weights that was taken from the largest and given to the others.
    rounds : int
        Passes over the margins until they were met (0 where nothing was raked).
    off : float
        Largest distance of a margin from its target, as a share.
    combination : ndarray of int, shape (n_rows,)
        Which combination of the raked variables each row has.
    categories : Mapping[str, (codes, names)]
        Of each raked variable, which of its categories each combination has, and what they are called.
    """

    weights: pd.Series[float]
    design_effect: float
    n_eff: float
    ratio: float
    trimmed: float = 0.0
    rounds: int = 0
    off: float = 0.0
    combination: Array | None = None
    categories: Mapping[str, tuple[Array, Array]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its name among the settings of a result."""
        return str(self.settings.get("weight") or self.settings["how"])

    def of(self, table: pd.DataFrame) -> Array:
        """Weights of the rows of `table`: those that were weighed, or some of them.

        Raises
        ------
        AnalysisError
            If a row of `table` has no weight here, or is not the one that was weighed.
        """
        return np.asarray(self.weights.to_numpy()[self._places(table)])

    def calibration_of(self, table: pd.DataFrame, *, whole: bool) -> Calibration | None:
        """Return what the margins know, for the errors of `table`; None where nothing was raked.

        Raises
        ------
        AnalysisError
            As `of`; if `whole` (strata or clusters are known of the table only) and rows are left out.
        """
        if self.combination is None:
            return None
        places = self._places(table)
        if whole and len(places) < len(self.weights):
            raise AnalysisError(
                "the weights were raked over {raked} rows and the table has {rows} of them, so that strata "
                "or clusters of the others are not known; give all rows, and the part asked for in by",
                raked=len(self.weights),
                rows=len(places),
            )
        heavy = np.flatnonzero(self.weights.to_numpy() > 0)
        among = np.full(len(self.weights), -1)
        among[heavy] = np.arange(len(heavy))
        margins, first = [], 0
        for codes, called in self.categories.values():
            margins.append(codes[self.combination[heavy]] + first)
            first += len(called)
        return Calibration(self.weights.to_numpy()[heavy], tuple(margins), among[places])

    def _places(self, table: pd.DataFrame) -> Array:
        index = self.weights.index
        if len(table) == len(index) and table.index.equals(index):
            places = np.arange(len(index))
        else:
            places = index.get_indexer(table.index) if index.is_unique else np.full(len(table), -1)
        strange = places < 0
        for name, (codes, called) in self.categories.items():
            if name in table.columns and self.combination is not None:
                held = called[codes[self.combination[places]]]
                strange |= as_text(table[name]) != held
        if strange.any():
            raise AnalysisError(
                "{count} of {rows} rows are not those that were weighed (by index and raked categories); "
                "weigh the table that is asked about, or one of which it is a part, and keep its index",
                count=int(strange.sum()),
                rows=len(table),
            )
        return np.asarray(places)


def as_text(column: Any) -> Array:
    """Values as the text they are written with in a sheet: 1.0 as 1; missing ones as an empty text."""
    codes, values = pd.factorize(column)
    return np.array([*written(values), ""], dtype=object)[codes]


def written(values: Iterable[Any]) -> list[str]:
    """Write values as a sheet does.

    Examples
    --------
    >>> written([1.0, 2.5, "app"])
    ['1', '2.5', 'app']
    """
    return [
        str(int(v)) if isinstance(v, (float, np.floating)) and v == np.floor(v) else str(v) for v in values
    ]


def trimmed(weights: Array, most: float | None) -> tuple[Array, float]:
    """Cap weights at `most` times their mean and spread what is cut over the others; the share cut.

    Examples
    --------
    >>> capped, share = trimmed(np.array([1.0, 1, 1, 1, 16]), 3)
    >>> capped.tolist(), share
    ([2.0, 2.0, 2.0, 2.0, 12.0], 0.2)
    """
    if most is None:
        return weights, 0.0
    if not (isinstance(most, int | float | np.number) and most > 1):
        raise AnalysisError(
            "trim is {trim!r}; give how many mean weights the largest may be, more than 1, e.g. 5",
            trim=most,
        )
    cap, total = most * weights.sum() / max((weights > 0).sum(), 1), weights.sum()
    capped = weights.copy()
    for _ in range(len(weights)):
        over = capped >= cap
        rest = capped[~over].sum()
        capped = np.where(over, cap, capped * ((total - cap * over.sum()) / rest if rest > 0 else 1.0))
        if not (capped > cap * (1 + 1e-12)).any():
            break
    return capped, float(np.maximum(weights - capped, 0.0).sum() / total)


def weighted(
    table: pd.DataFrame,
    weights: Array,
    margins: pd.DataFrame,
    settings: Mapping[str, Any],
    claims: tuple[Claim, ...],
    alike: Alike | None = None,
    elsewhere: bool = False,  # noqa: FBT001, FBT002
    **known: Any,
) -> Weighting:
    """Wrap weights with what they cost; `known` are further fields of `Weighting`.

    `alike` has the weights by combination, where they are known so. Of a table that is `elsewhere`, which
    is one of patterns, `weights` are factors.
    """
    n, index = len(table), table.index
    if elsewhere and alike is not None:
        n, index = int(alike.count.sum()), pd.MultiIndex.from_frame(table)
    if alike is None:
        low = high = weights
        n_eff = effective_n(weights)
    else:
        low, high = alike.low, alike.high
        n_eff = float(alike.weight.sum() ** 2 / alike.squared.sum()) if alike.squared.any() else 0.0
    ratio = float(high.max() / low[low > 0].min()) if (low > 0).any() else 1.0
    effect = n / n_eff if n_eff else 1.0
    held = pd.Series(weights, index=index, name="weight")
    checks = [
        ("design_effect", effect, _HEAVY if effect > 1.5 else _FINE),
        ("n_eff", n_eff, _FINE),
        ("weight_ratio", ratio, _EXTREME if ratio > 10 else _FINE),
    ]
    if known.get("rounds"):
        checks.append(("rounds", float(known["rounds"]), _FINE))
        checks.append(("margins_off", known["off"], _OFF if known["off"] > 0.001 else _FINE))
    if settings.get("trim") is not None:
        checks.append(("trimmed", known["trimmed"], _TRIMMED if known["trimmed"] > 0.05 else _FINE))
    if settings["how"] != "none":
        cost = {"design_effect": effect, "n_eff": n_eff, "ratio": ratio, "n": n}
        caveats = ("weights_trimmed",) if known["trimmed"] > 0 else ()
        claims = (*claims, Claim("intake.weight_cost", cost, "D", caveats))
    return Weighting(
        table=margins,
        keys=("variable", "category", "check", "source", "date"),
        estimate_column="after",
        tables={
            "checks": pd.DataFrame(
                dict(zip(("check", "value", "advice"), zip(*checks, strict=True), strict=True))
            )
        },
        n_used=n,
        settings=settings,
        claims=claims,
        weights=held[~held.index.duplicated()] if elsewhere else held,
        design_effect=effect,
        n_eff=n_eff,
        ratio=ratio,
        **known,
    )


_FINE = Message("nothing to do")
_HEAVY = Message("the weights cost a third of the sample or more: read n_eff, not n")
_EXTREME = Message("a few rows weigh more than ten times others: merge categories of the targets")
_OFF = Message("the cap on weights keeps the sample off the population: raise it, or merge categories")
_TRIMMED = Message("the cap moves more than a twentieth of all weight: compare the results without it")
