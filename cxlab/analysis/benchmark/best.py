"""Who is best in class, once it is discounted that the best of several was chosen for its result.

The highest of several estimates is too high, and often not that of the best. `best_in_class` draws each unit
to the others by as much as its distance is error, and gives the chance that it truly is the best.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.answers import Columns
from cxlab.analysis.benchmark.between import FEWEST, tau_squared
from cxlab.analysis.benchmark.units import Reduced, of_units
from cxlab.analysis.columns import check_rows, named
from cxlab.analysis.definitions import Metric
from cxlab.analysis.estimates import (
    MINIMUM_CUSTOMERS,
    Claim,
    Result,
    check_level,
    check_seed,
    flags,
    t_quantile,
)
from cxlab.analysis.findings import base_caveats, difference_unit, interval_fields
from cxlab.analysis.intervals import adjusted_error
from cxlab.analysis.metrics import RESERVED, score_rows
from cxlab.errors import AnalysisError

Array = np.ndarray[Any, Any]
STEPS, REACH, DRAWS = 60, 3.0, 20_000  # of tau: how many, up to how many standard deviations; draws of all
ROW = ["estimate", "std_error", "conf_low", "conf_high", "shrunk", "shrunk_low", "shrunk_high", "p_best", "n",
       "n_eff", "flag"]  # fmt: skip
DISTANCE = [
    "focal", "focal_raw", "focal_estimate", "median", "best", "p_best", "best_raw", "best_level",
    "difference", "conf_low", "conf_high", "units", "n", "flag",
]  # fmt: skip


@dataclass(frozen=True, eq=False, kw_only=True)
class Best(Result):
    """Units drawn to each other, and how far the focal one is from the best; see `best_in_class`."""


def best_in_class(
    table: pd.DataFrame, metric: str, *, unit: str, focal: str | None = None, by: str | Sequence[str] = (),
    columns: Columns = None, weights: str | None = None, level: float = 0.95, seed: int = 0,
) -> Best:  # fmt: skip
    """Say who is best beyond chance, how good it is, and how far the focal unit is from it.

    Parameters
    ----------
    table : DataFrame
        One row per respondent (for ``rate``: per counted row); not changed.
    metric : str
        Id of a metric.
    unit : str
        Column of the units.
    focal : str or None
        The unit that is compared with the best of the others, whoever that is.
    by : str or sequence of str
        Columns whose combinations are each a class of their own (interaction, channel).
    columns, weights : as in `cxlab.analysis.metrics.score`
        Rows are taken as independent.
    level : float
        Of the intervals.
    seed : int
        Of the draws behind the chances and the distance.

    Returns
    -------
    Best
        ``table``, in each class the best first: ``*by``, ``unit``, ``estimate`` (as observed), ``std_error``,
        ``conf_low``, ``conf_high``, ``shrunk``, ``shrunk_low``, ``shrunk_high``, ``p_best`` (chance of truly
        being the best of the class), ``n``, ``n_eff``, ``flag``. Units with fewer than 10 respondents follow,
        not drawn. ``tables["distance"]``, a row for each class: ``*by``, ``focal``, ``focal_raw`` (as
        observed), ``focal_estimate`` (drawn), ``median`` (of the others, drawn), ``best`` (who of the others
        most probably is), its ``p_best`` and ``best_raw``, ``best_level`` (of the best of the others, whoever
        it is), ``difference`` (the focal unit less that), ``conf_low``, ``conf_high``, ``units``, ``n`` (of
        the focal unit), ``flag``; without `focal` it is
        empty. ``tables["spread"]``: ``*by``, ``tau`` (standard deviation between units, REML), ``units``.

    Raises
    ------
    AnalysisError
        As `cxlab.analysis.metrics.score`; with fewer than three units of 10 respondents or more (of classes,
        those that have three are drawn; where none has, the table is empty); for a focal unit not there.

    Notes
    -----
    Normal units around a common mean, their standard deviation tau integrated over a flat prior (Gelman
    2006); with tau put at one estimate, an estimate of zero would make all units equal for certain. In 1,000
    draws of 8 units of 100 answers that truly differ by 5 points, the highest NPS overstates its unit by 9.2
    points, after James and Stein by 2.0, here by 1.5; the interval holds the truth 97 % of the time.

    References
    ----------
    Efron & Morris 1975, doi:10.1080/01621459.1975.10479864; Gelman 2006, doi:10.1214/06-BA117A;
    Rubin 1981, doi:10.3102/10769986006004377.

    Examples
    --------
    >>> counts = {"a": (40, 60, 100), "b": (60, 60, 80), "c": (62, 60, 78), "d": (64, 60, 76)}
    >>> table = pd.concat([pd.DataFrame({"brand": k, "recommend": [0] * d + [8] * p + [10] * u})
    ...     for k, (d, p, u) in counts.items()])
    >>> rows = best_in_class(table, "nps", unit="brand").table
    >>> rows[["unit", "estimate", "shrunk"]].round(0).to_numpy().tolist()
    [['a', 30.0, 26.0], ['b', 10.0, 11.0], ['c', 8.0, 9.0], ['d', 6.0, 8.0]]
    """
    by = tuple(named(by))
    _check_asked(table, unit, by, level)
    check_seed(seed)
    drawn = of_units(table, metric, unit, focal, by=by, columns=columns, weights=weights, level=level)
    entry = drawn.entry
    rows = _rows(drawn, unit, level)
    classes = (
        [rows.index] if not by else list(rows.groupby(list(by), sort=True, observed=True).groups.values())
    )
    found = [_class(rows.loc[index], by, focal, level, seed) for index in classes]
    found = [one for one in found if one is not None]
    if not found and by:
        return Best(table=pd.DataFrame(), keys=("unit",), tables={"distance": pd.DataFrame()})
    if not found:
        raise AnalysisError(
            "no more than {count} values of {unit} have {least} answers or more; "
            "the best in class needs {fewest}",
            count=int((rows["n"] >= MINIMUM_CUSTOMERS).sum()),
            unit=unit, least=MINIMUM_CUSTOMERS, fewest=FEWEST,
        )  # fmt: skip
    units, distances, spreads = (pd.concat(each, ignore_index=True) for each in zip(*found, strict=True))
    used, dropped = drawn.accounted
    return Best(
        table=units[[*by, "unit", *ROW]],
        keys=(*by, "unit", "focal", "best"),
        tables={"distance": distances, "spread": spreads},
        n_used=int(used.sum()),
        n_dropped=dropped,
        settings={
            "metric": entry.id, "version": entry.version, "unit": unit, "focal": focal, "by": list(by),
            "weights": weights, "level": level, "seed": seed,
        },
        claims=() if by else _claims(units, distances, spreads, entry, level),
        parts={**{column: column for column in by}, "unit": unit, "best": unit, "focal": unit},
        apart=("distance",),
    )  # fmt: skip


def _check_asked(table: pd.DataFrame, unit: str, by: Sequence[str], level: float) -> None:
    check_level(level)
    check_rows(table)
    taken = [column for column in by if column in RESERVED or column == unit]
    if taken or len(set(by)) < len(by):
        raise AnalysisError(
            "by names {columns}; each column once, neither the unit nor a name that a result uses itself",
            columns=", ".join(taken or by),
        )


def _rows(found: Reduced, unit: str, level: float) -> pd.DataFrame:
    """One row per unit and class, with the error that units are drawn by."""
    group = found.groups
    wider = np.array([t_quantile(level, df) / t_quantile(level) for df in group.df])
    rows = score_rows(found.entry, found.cells, found.parts.keys, level).rename(columns={unit: "unit"})
    return rows.assign(error=np.fmax(adjusted_error(group, found.entry) * wider, np.finfo(float).tiny))


def _class(
    rows: pd.DataFrame, by: Sequence[str], focal: str | None, level: float, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame] | None:
    """Draw the units of one class; None where fewer than three have a sufficient base."""
    enough = rows[rows["n"] >= MINIMUM_CUSTOMERS]
    if len(enough) < FEWEST:
        return None
    x, variance = enough["estimate"].to_numpy(dtype=float), enough["error"].to_numpy(dtype=float) ** 2
    drawn = posterior(x, variance, seed)
    ends = np.quantile(drawn, [0.5 - level / 2, 0.5 + level / 2], axis=0)
    first = np.bincount(drawn.argmax(axis=1), minlength=len(x)) / len(drawn)
    known = enough.assign(
        shrunk=drawn.mean(axis=0),
        shrunk_low=ends[0],
        shrunk_high=ends[1],
        p_best=first,
        draw=np.arange(len(x)),
    ).sort_values("shrunk", ascending=False, kind="stable")
    place = rows[list(by)].head(1).reset_index(drop=True)
    spread = place.assign(tau=np.sqrt(tau_squared(x, variance)), units=len(x))
    if focal is None:
        return pd.concat([known, rows.drop(enough.index)]), pd.DataFrame(), spread
    distance = pd.concat([place, _distance(known, rows, focal, drawn, level)], axis=1)
    return pd.concat([known, rows.drop(enough.index)]), distance, spread


def posterior(estimate: Array, variance: Array, seed: int) -> Array:
    """Draw what the units truly are, shape (draws, k): normal around a mean, both not known.

    The standard deviation between units is drawn from a grid of its own posterior under a flat prior.
    """
    spread = float(np.sqrt(max(np.var(estimate, ddof=1), variance.mean())))
    tau2 = ((np.arange(STEPS) + 0.5) / STEPS * REACH * spread) ** 2
    w = 1 / (variance + tau2[:, None])
    total = w.sum(axis=1)
    mean = (w @ estimate) / total
    left = (w * (estimate - mean[:, None]) ** 2).sum(axis=1)
    log = 0.5 * (np.log(w).sum(axis=1) - np.log(total) - left)
    chance = np.exp(log - log.max())
    rng = np.random.default_rng(seed)
    at = rng.choice(STEPS, DRAWS, p=chance / chance.sum())
    centre = mean[at] + rng.standard_normal(DRAWS) / np.sqrt(total[at])
    pull = variance * w[at]
    own = estimate - pull * (estimate - centre[:, None])
    return np.asarray(own + np.sqrt(variance * (1 - pull)) * rng.standard_normal(own.shape))


def _distance(
    known: pd.DataFrame, rows: pd.DataFrame, focal: str, drawn: Array, level: float
) -> pd.DataFrame:
    """Tell how far the focal unit is from the best of the others, whoever that is."""
    others, own = known[known["unit"] != focal], known[known["unit"] == focal]
    held = rows[rows["unit"] == focal]
    n = int(held["n"].sum())
    best = others.sort_values("p_best", ascending=False, kind="stable").iloc[0]
    top = drawn[:, others["draw"].to_numpy(dtype=int)].max(axis=1)
    gap = drawn[:, int(own["draw"].iloc[0])] - top if len(own) else np.array([np.nan])
    low, high = np.quantile(gap, [0.5 - level / 2, 0.5 + level / 2])
    row: dict[str, Any] = {
        "focal": focal, "focal_raw": float(held["estimate"].iloc[0]) if n else np.nan,
        "focal_estimate": float(own["shrunk"].iloc[0]) if len(own) else np.nan,
        "median": float(others["shrunk"].median()), "best": best["unit"], "p_best": float(best["p_best"]),
        "best_raw": float(best["estimate"]), "best_level": float(top.mean()), "difference": float(gap.mean()),
        "conf_low": float(low), "conf_high": float(high), "units": len(known), "n": n,
        "flag": str(flags([n])[0]),
    }  # fmt: skip
    return pd.DataFrame([row])[DISTANCE]


def _claims(
    units: pd.DataFrame, distances: pd.DataFrame, spreads: pd.DataFrame, entry: Metric, level: float
) -> tuple[Claim, ...]:
    best, count = units.iloc[0], int(spreads["units"].iloc[0])
    shared = {"metric": entry.id, "version": entry.version, "units": count}
    fields = {
        **shared, "best": str(best["unit"]), "raw": float(best["estimate"]), "p_best": float(best["p_best"]),
        "estimate": float(best["shrunk"]), "conf_low": float(best["shrunk_low"]),
        "conf_high": float(best["shrunk_high"]), "level": level, "unit": entry.unit, "n": int(best["n"]),
    }  # fmt: skip
    caveats = (*entry.caveats, *base_caveats(best["n"], best["n_eff"]))
    claims = [Claim("benchmark.best", fields, "D", caveats, headline=True)]
    for row in distances.to_dict("records"):
        if row["n"] >= MINIMUM_CUSTOMERS:
            gap = interval_fields(row, "difference", level, difference_unit(entry))
            said = {**shared, "focal": str(row["focal"]), **gap, "n": int(row["n"])}
            claims.append(Claim("benchmark.best_distance", said, "D", entry.caveats, headline=True))
    return tuple(claims)
