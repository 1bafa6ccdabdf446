"""A funnel: which units lie further from the target than their base explains, without ranking anybody.

`funnel_limits` gives what chance alone allows at the target for a base, `funnel` places units against it,
with limits widened where the units as a whole differ more than chance (over-dispersion).

References
----------
Spiegelhalter 2005, Stat Med 24:1185, doi:10.1002/sim.1970; 2005, Qual Saf Health Care 14:347,
doi:10.1136/qshc.2005.013755 (over-dispersion).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import stats

from cxlab.analysis.answers import Columns
from cxlab.analysis.benchmark.between import FEWEST
from cxlab.analysis.benchmark.units import of_units
from cxlab.analysis.definitions import Metric
from cxlab.analysis.estimates import (
    MINIMUM_CUSTOMERS,
    Claim,
    Result,
    check_level,
    check_numbers,
    t_quantile,
)
from cxlab.analysis.findings import base_caveats, difference_unit
from cxlab.analysis.survey import Group
from cxlab.errors import AnalysisError

Array = np.ndarray[Any, Any]
Kind = Literal["binomial", "poisson", "normal"]
OUTER = 0.998
WINSORISED = 0.1  # of the z-scores at each end, before judging over-dispersion
POSITIONS = ("far below", "below", "inside", "above", "far above")
CURVE, AROUND = 60, 1.3  # bases at which the limits are drawn, and how far beyond the units'
COLUMNS = ["unit", "estimate", "std_error", "target", "limit_low", "limit_high", "outer_low", "outer_high",
           "z_score", "position", "n", "n_eff", "flag"]  # fmt: skip


@dataclass(frozen=True, eq=False, kw_only=True)
class Funnel(Result):
    """Units against what chance allows; see `funnel` for the columns."""

    target: float = float("nan")
    tau: float = 0.0


def funnel_limits(
    n: Any, *, target: float, kind: Kind = "binomial", sd: float = 0.0, level: float = 0.95
) -> tuple[Array, Array]:
    """Give the limits within which an estimate at the target stays with chance `level`.

    Parameters
    ----------
    n : array-like
        Bases; for ``poisson`` the expected counts.
    target : float
        A share of one, the ratio of observed to expected counts, or a mean.
    kind : {"binomial", "poisson", "normal"}
        What is counted; ``normal`` needs `sd`, the standard deviation of one answer.
    level : float
        Chance of staying inside.

    Returns
    -------
    tuple of ndarray
        Lower and upper limits, in the unit of `target`.

    Raises
    ------
    AnalysisError
        For bases that are not positive, or a share outside zero to one.

    Notes
    -----
    ``binomial``: the exact quantile r of the count, less the fraction by which its probability overshoots
    (Spiegelhalter's interpolation). ``poisson``: exact, ``chi2(a, 2 n target)/2n`` and
    ``chi2(1 - a, 2 (n target + 1))/2n``.

    Examples
    --------
    >>> low, high = funnel_limits([15, 20, 30], target=1.0, kind="poisson")
    >>> low.round(7).tolist(), high.round(6).tolist()
    ([0.5596924, 0.610826, 0.6746958], [1.649348, 1.544419, 1.427562])
    """
    check_level(level)
    base = np.asarray(n, dtype=float)
    if not (base > 0).all() or (kind == "binomial" and not 0 <= target <= 1):
        raise AnalysisError("funnel limits need positive bases and, for shares, a target between 0 and 1")
    tail = 0.5 - level / 2
    if kind == "poisson":
        expected = base * target
        low = stats.chi2.ppf(tail, 2 * expected) / (2 * base)
        return low, stats.chi2.ppf(1 - tail, 2 * (expected + 1)) / (2 * base)
    if kind == "normal":
        half = t_quantile(level) * sd / np.sqrt(base)
        return target - half, target + half
    low, high = _binomial(base, target, tail), _binomial(base, target, 1 - tail)
    return np.clip(low, 0.0, 1.0), np.clip(high, 0.0, 1.0)


def _binomial(n: Array, target: float, probability: float) -> Array:
    """Interpolate the quantile of a share: exact counts are coarse where the base is small."""
    whole = np.maximum(np.round(n), 1.0)
    count = np.maximum(stats.binom.ppf(probability, whole, target), 0.0)
    reached = stats.binom.cdf(count, whole, target)
    step = stats.binom.pmf(count, whole, target)
    with np.errstate(divide="ignore", invalid="ignore"):
        over = np.where(step > 0, (reached - probability) / step, 0.0)
    return np.asarray((count - over) / whole)


def over_dispersion(z: Any, error: Any) -> tuple[float, float]:
    """Judge by z-scores, the farthest tenth at each end pulled in, how far units differ beyond chance.

    Returns
    -------
    tuple of float
        phi, the mean square of the winsorised scores (1 where chance explains all), and tau squared by
        DerSimonian and Laird, in the unit of `error` squared.

    Examples
    --------
    >>> phi, tau2 = over_dispersion([-4, -2, -1, 0, 1, 2, 3, 5], [0.1] * 8)
    >>> round(phi, 3), round(tau2, 4)
    (4.84, 0.0453)
    """
    scores, w = np.asarray(z, dtype=float), 1 / np.asarray(error, dtype=float) ** 2
    held = np.clip(scores, *np.quantile(scores, [WINSORISED, 1 - WINSORISED]))
    phi, k = float((held**2).mean()), len(scores)
    return phi, max((k * phi - (k - 1)) / float(w.sum() - (w**2).sum() / w.sum()), 0.0)


def funnel(
    table: pd.DataFrame, metric: str, *, unit: str, target: float | None = None, focal: str | None = None,
    columns: Columns = None, weights: str | None = None, level: float = 0.95,
) -> Funnel:  # fmt: skip
    """Place units against the target and what chance allows at their base.

    Parameters
    ----------
    table : DataFrame
        One row per respondent (for ``rate``: per counted row); not changed.
    metric : str
        Id of a metric.
    unit : str
        Column of the units.
    target : float or None
        In the unit of the metric; by default the score of all together.
    focal : str or None
        The unit to point at.
    columns, weights : as in `cxlab.analysis.metrics.score`
        Rows are taken as independent; of a rate, the trials.
    level : float
        Of the inner limits; the outer ones are of 99.8 %.

    Returns
    -------
    Funnel
        ``table``, by base: ``unit``, ``estimate``, ``std_error``, ``target``, ``limit_low``, ``limit_high``,
        ``outer_low``, ``outer_high`` (limits, over-dispersion counted in), ``z_score`` (likewise),
        ``position`` (far below, below, inside, above, far above), ``n``, ``n_eff``, ``flag``. Units with
        fewer than 10 respondents have no limits. ``tables["limits"]``, for a curve: ``n``, ``limit_low``,
        ``limit_high``, ``outer_low``, ``outer_high``, ``chance_low``, ``chance_high`` (outer limits of chance
        alone).
        ``tables["dispersion"]``: ``units``, ``phi``, ``tau``, ``expected_outside`` (units outside the inner
        limits if nothing differed), ``outside``.

    Raises
    ------
    AnalysisError
        As `cxlab.analysis.metrics.score`; with fewer than three units of 10 or more; for a target that the
        metric cannot have.

    Notes
    -----
    Shares and rates: exact limits at the target; with over-dispersion ``sin^2(asin(sqrt(target)) +- z
    sqrt(1/4n + tau^2))``. Others: ``target +- z sqrt(s^2/n + tau^2)``, s pooled within units. The bases are
    Kish's.

    Examples
    --------
    >>> table = pd.DataFrame({"shop": list("abc"), "successes": [50, 330, 490], "trials": [100, 400, 600]})
    >>> rows = funnel(table, "rate", unit="shop").table
    >>> rows[["unit", "target", "position"]].round(1).to_numpy().tolist()
    [['a', 79.1, 'below'], ['b', 79.1, 'inside'], ['c', 79.1, 'inside']]
    """
    found = of_units(table, metric, unit, focal, columns=columns, weights=weights, level=level)
    entry, group, whole = found.entry, found.groups, found.whole
    aim = _target(entry, target, float(whole.estimate[0]))
    known = group.n >= MINIMUM_CUSTOMERS
    if known.sum() < FEWEST:
        raise AnalysisError(
            "only {count} values of {unit} have {least} answers or more; a funnel needs {fewest}",
            count=int(known.sum()), unit=unit, least=MINIMUM_CUSTOMERS, fewest=FEWEST,
        )  # fmt: skip
    shape = _shape(entry, group, known, aim)
    rows = _rows(found.values, group, known, shape, level)
    dispersion = _dispersion(rows, shape, level)
    used, dropped = found.accounted
    return Funnel(
        table=rows[COLUMNS],
        keys=("unit",),
        tables={"limits": _curve(rows, shape, level), "dispersion": dispersion},
        n_used=int(used.sum()),
        n_dropped=dropped,
        settings={
            "metric": entry.id, "version": entry.version, "unit": unit, "target": aim, "focal": focal,
            "own_target": target is None, "weights": weights, "level": level, "outer": OUTER,
        },
        claims=_claims(rows, dispersion, entry, focal, aim, level),
        parts={"unit": unit},
        target=aim,
        tau=float(shape.tau),
    )  # fmt: skip


def _target(entry: Metric, target: float | None, own: float) -> float:
    lowest, highest = entry.limits or (-np.inf, np.inf)
    if target is not None:
        check_numbers(("target", target, lambda v: lowest <= v <= highest, f"{lowest:g} to {highest:g}"))
    return own if target is None else float(target)


@dataclass(frozen=True, slots=True)
class _Shape:
    """What limits follow from: the target, the spread of one answer, and tau on the scale of `shares`."""

    target: float
    sd: float
    tau: float
    phi: float
    shares: bool

    def error(self, n: Array) -> Array:
        """Error of a unit at the target: chance, without over-dispersion."""
        return np.asarray((0.5 if self.shares else self.sd) / np.sqrt(n))

    def score(self, estimate: Array, n: Array) -> Array:
        """Distance to the target in errors."""
        apart = _angle(estimate) - _angle(self.target) if self.shares else estimate - self.target
        return np.asarray(apart / np.sqrt(self.error(n) ** 2 + self.tau**2))

    def limits(self, n: Array, level: float, *, chance: bool = False) -> tuple[Array, Array]:
        """Limits at the target, with over-dispersion unless `chance` alone is asked for."""
        tau = 0.0 if chance else self.tau
        if self.shares and not tau:
            low, high = funnel_limits(n, target=self.target / 100, level=level)
            return 100 * low, 100 * high
        half = t_quantile(level) * np.sqrt(self.error(n) ** 2 + tau**2)
        if not self.shares:
            return self.target - half, self.target + half
        ends = np.clip([_angle(self.target) - half, _angle(self.target) + half], 0.0, np.pi / 2)
        return 100 * np.sin(ends[0]) ** 2, 100 * np.sin(ends[1]) ** 2


def _angle(percent: Any) -> Array:
    return np.asarray(np.arcsin(np.sqrt(np.clip(np.asarray(percent) / 100, 0.0, 1.0))))


def _shape(entry: Metric, group: Group, known: Array, target: float) -> _Shape:
    n, estimate = group.kish[known], group.estimate[known]
    within = float((n * (group.second[known] - estimate**2)).sum() / n.sum())
    shares = entry.family in ("share", "rate")
    plain = _Shape(target, float(np.sqrt(max(within, 0.0))), 0.0, 1.0, shares)
    if not shares and not plain.sd > 0:
        raise AnalysisError("all answers of each unit are alike; there is no chance to judge units by")
    phi, tau2 = over_dispersion(plain.score(estimate, n), plain.error(n))
    return _Shape(target, plain.sd, float(np.sqrt(tau2)), phi, shares)


def _rows(units: Array, group: Group, known: Array, shape: _Shape, level: float) -> pd.DataFrame:
    n = np.where(known, group.kish, np.nan)
    held = np.where(known, group.kish, 1.0)
    limits = {"limit_low": shape.limits(held, level)[0], "limit_high": shape.limits(held, level)[1]}
    limits |= {"outer_low": shape.limits(held, OUTER)[0], "outer_high": shape.limits(held, OUTER)[1]}
    limits = {name: np.where(known, ends, np.nan) for name, ends in limits.items()}
    x = group.estimate
    order = (x > limits["limit_high"]).astype(int) + (x > limits["outer_high"])
    order -= (x < limits["limit_low"]).astype(int) + (x < limits["outer_low"])
    position = np.where(known, np.array(POSITIONS, dtype=object)[order + 2], None)
    rows = pd.DataFrame({
        "unit": units, "estimate": x, "std_error": group.std_error, "target": shape.target, **limits,
        "z_score": shape.score(x, n), "position": position, "n": group.n.astype(int), "n_eff": group.n_eff,
        "flag": group.flags(), "base": group.kish,
    })  # fmt: skip
    return rows.sort_values("n", kind="stable", ignore_index=True)


def _curve(rows: pd.DataFrame, shape: _Shape, level: float) -> pd.DataFrame:
    """Limits over the range of bases, closer together where they bend."""
    shown = rows[rows["position"].notna()]
    n = np.unique(np.round(np.geomspace(shown["base"].min() / AROUND, shown["base"].max() * AROUND, CURVE)))
    low, high = shape.limits(n, level)
    outer_low, outer_high = shape.limits(n, OUTER)
    chance_low, chance_high = shape.limits(n, OUTER, chance=True)
    return pd.DataFrame({
        "n": n, "limit_low": low, "limit_high": high, "outer_low": outer_low, "outer_high": outer_high,
        "chance_low": chance_low, "chance_high": chance_high,
    })  # fmt: skip


def _dispersion(rows: pd.DataFrame, shape: _Shape, level: float) -> pd.DataFrame:
    known = rows["position"].notna()
    return pd.DataFrame({
        "units": [int(known.sum())], "phi": [shape.phi], "tau": [shape.tau],
        "expected_outside": [(1 - level) * int(known.sum())],
        "outside": [int((rows["position"][known] != "inside").sum())],
    })  # fmt: skip


def _claims(
    rows: pd.DataFrame,
    dispersion: pd.DataFrame,
    entry: Metric,
    focal: str | None,
    target: float,
    level: float,
) -> tuple[Claim, ...]:
    far = rows[rows["position"].isin([POSITIONS[0], POSITIONS[-1]])]
    shared = {
        "metric": entry.id, "version": entry.version, "units": int(dispersion["units"].iloc[0]),
        "target": target, "target_unit": entry.unit, "unit": difference_unit(entry), "outer": OUTER,
    }  # fmt: skip
    outside = {
        **shared, "above": int((far["position"] == POSITIONS[-1]).sum()),
        "below": int((far["position"] == POSITIONS[0]).sum()), "n": int(rows["n"].sum()),
        "phi": float(dispersion["phi"].iloc[0]), "dispersed": bool(dispersion["tau"].iloc[0] > 0),
    }  # fmt: skip
    wide = ("funnel_dispersed",) if float(dispersion["tau"].iloc[0]) > 0 else ()
    claims = [Claim("benchmark.funnel", outside, "D", (*entry.caveats, *wide), headline=True)]
    own = rows[(rows["unit"] == focal) & rows["position"].notna()]
    for row in own.to_dict("records"):
        fields = {
            **shared, "focal": str(row["unit"]), "value": float(row["estimate"]), "position": row["position"],
            "low": float(row["limit_low"]), "high": float(row["limit_high"]), "level": level,
            "n": int(row["n"]),
        }  # fmt: skip
        caveats = (*entry.caveats, *wide, *base_caveats(row["n"], row["n_eff"]))
        claims.append(Claim("benchmark.funnel_focal", fields, "D", caveats, headline=True))
    return tuple(claims)
