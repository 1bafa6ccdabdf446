"""The design of a sample: what each row weighs, where it was drawn and with whom, and out of how many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.columns import check_categories, coded
from cxlab.analysis.estimates import MINIMUM_CUSTOMERS, check_columns, minimum_of, weights_of
from cxlab.analysis.weighting import Alike, Calibration, Weighting
from cxlab.errors import AnalysisError

Array = np.ndarray[Any, Any]
PERSON = "customer_id"
Weights = str | Weighting | None
Population = float | str | Mapping[Any, float] | None


@dataclass(frozen=True, slots=True)
class Design:
    """Weight, stratum and primary sampling unit of each row; None where the design has none.

    `population` has the units of each stratum (shape (n_strata,)), `calibration` what weights were raked to,
    `alike` what the rows are that each one stands for, in a table of patterns. `person` (n_rows,) says whose
    answer a row is, None where nobody is known to answer twice; `minimum` how many people a base must have.
    """

    weights: Array
    strata: Array | None
    cluster: Array | None
    weighted: bool
    population: Array | None = None
    calibration: Calibration | None = None
    alike: Alike | None = None
    person: Array | None = None
    minimum: int = MINIMUM_CUSTOMERS

    @property
    def squared(self) -> Array:
        """Sum of squared weights of the rows that each one stands for."""
        return self.weights * self.weights if self.alike is None else self.alike.squared

    @property
    def bounds(self) -> tuple[Array, Array]:
        """Least and greatest weight of the rows that each one stands for."""
        return (self.weights, self.weights) if self.alike is None else (self.alike.low, self.alike.high)

    @property
    def each(self) -> Array | None:
        """How many rows each one stands for; None where that is one."""
        return None if self.alike is None else self.alike.count

    @property
    def simple(self) -> bool:
        """Whether rows were drawn one by one from the whole."""
        return self.strata is None and self.cluster is None


def design_of(
    table: pd.DataFrame,
    weights: Weights,
    strata: str | None,
    cluster: str | None,
    population: Population = None,
    alike: Alike | None = None,
) -> Design:
    """Read the design of `table`: its columns, or weights made by `raking`.

    `population` is how many sampling units (clusters, where there are any, else rows) there are to draw from,
    as R's ``fpc``: a number, or with strata a mapping from each of them or a column that is constant in each.
    `alike` is of a table of patterns, which has the columns of the design but the weights.

    Raises
    ------
    AnalysisError
        If a value is missing in a column of the design, the weights are of other rows, or the population does
        not fit the strata.
    """
    check_columns(table, [column for column in (strata, cluster) if column is not None])
    codes: dict[str, Array | None] = {"strata": None, "cluster": None}
    names = pd.Index([0])
    for role, column in (("cluster", cluster), ("strata", strata)):
        if column is None:
            continue
        own, found = factorized(table, column)
        if (own < 0).any():
            raise AnalysisError(
                "{role} column {column!r} is empty in {count} rows; "
                "complete it or exclude those rows in client.yaml",
                role=role,
                column=column,
                count=int(((own < 0) if alike is None else alike.count[own < 0]).sum()),
            )
        codes[role], names = own, found
    sizes = None if population is None else _population(table, population, strata, codes["strata"], names)
    if alike is not None:
        weighted = bool(alike.high.max() > alike.low.min())
        return Design(alike.weight, codes["strata"], codes["cluster"], weighted, sizes, None, alike)
    if isinstance(weights, Weighting):
        whole = strata is not None or cluster is not None
        calibration, w = weights.calibration_of(table, whole=whole), weights.of(table)
    else:
        calibration, w = None, weights_of(table, weights)
    # Weights that are all equal weigh nothing: what is said must not depend on their being named.
    weighted = bool(np.ptp(w)) if len(w) else False
    whose, least = persons(table), minimum_of(table)
    return Design(w, codes["strata"], codes["cluster"], weighted, sizes, calibration, None, whose, least)


def _population(
    table: pd.DataFrame, given: float | str | Mapping[Any, float], strata: str | None, codes: Any, names: Any
) -> Array:
    """Units of the population in each stratum, in the order of `names`."""
    if isinstance(given, Mapping) and strata is not None:
        sizes = np.array([given.get(name, np.nan) for name in names], dtype=float)
    elif isinstance(given, str):
        values = weights_of(table, given)
        groups = pd.Series(values).groupby(np.zeros(len(values), dtype=int) if codes is None else codes)
        sizes = groups.first().where(groups.nunique() == 1).to_numpy(dtype=float)
    elif isinstance(given, int | float | np.number) and strata is None:
        sizes = np.array([given], dtype=float)
    else:
        sizes = np.array([np.nan])
    # A fraction, as R would take it too, has no meaning once some of the sample do not answer.
    if not (np.isfinite(sizes) & (sizes >= 1)).all():
        raise AnalysisError(
            "population is how many units there are to draw from, the same for all rows of a stratum: give a "
            "number without strata, and with strata a column or a mapping that has each of them"
        )
    return sizes


def persons(table: pd.DataFrame) -> Array | None:
    """Say whose answer each row is, by the customer's id; None where no customer stands in two rows.

    A row without an id is somebody else's.

    Examples
    --------
    >>> persons(pd.DataFrame({"customer_id": ["a", "b", "a", None]})).tolist()
    [0, 1, 0, 2]
    >>> persons(pd.DataFrame({"customer_id": ["a", "b"]})) is None
    True
    """
    if PERSON not in table.columns:
        return None
    codes, found = pd.factorize(table[PERSON])
    unknown = codes < 0
    if len(found) + unknown.sum() == len(codes):
        return None
    codes[unknown] = len(found) + np.arange(unknown.sum())
    return np.asarray(codes)


def factorized(table: pd.DataFrame, column: str) -> tuple[Array, Any]:
    """Codes and sorted values of a column; asked whether it names groups only where that fails."""
    try:
        return coded(table[column])
    except TypeError:
        check_categories(table, [column])
        raise


def named_weights(weights: Weights) -> str | None:
    """Name the weights for the settings of a result."""
    return weights.name if isinstance(weights, Weighting) else weights


def population_said(population: Population) -> float | str | dict[str, float] | None:
    """Return the population as plain values, for the settings of a result."""
    if isinstance(population, Mapping):
        return {str(name): float(size) for name, size in population.items()}
    return population
