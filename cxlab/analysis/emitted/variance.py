"""How many visits it takes to know a unit: variance of units, evaluators and visits, by REML.

With the first factor's random effects eliminated in closed form, the mixed-model equations are as large as
the number of evaluators, however many units there are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize, stats

from cxlab.analysis.columns import as_floats, records
from cxlab.analysis.dropped import check_entered, entering, missing
from cxlab.analysis.estimates import (
    LOW_BASE,
    MINIMUM_CUSTOMERS,
    Claim,
    Result,
    check_columns,
    check_level,
    check_numbers,
    flags,
)
from cxlab.errors import AnalysisError

Array = np.ndarray[Any, Any]

_ASKED = ("visits_needed", "visits_low", "visits_high")
MOST_VISITS = 24  # of the curve
_TINY = 1e-10
_MOST_RATIO = 1e9  # of the unit's variance to the visit's


@dataclass(frozen=True, eq=False, kw_only=True)
class Components(Result):
    """Variance components of visits; see `components` for the columns.

    Attributes
    ----------
    reliability : float
        Of one visit: the share of its variance that is the unit's.
    visits_needed : float
        Visits to a unit for the asked reliability; infinite where units do not differ.
    """

    reliability: float
    visits_needed: float


def components(
    visits: pd.DataFrame, *, score: str, unit: str, evaluator: str | None = None, target: float = 0.8,
    level: float = 0.95,
) -> Components:  # fmt: skip
    r"""Divide what differs between visits: is it the unit, who evaluated, or the day.

    Parameters
    ----------
    visits : DataFrame
        One row for each visit. Not changed.
    score, unit : str
        Columns: the visit's score (a number) and the unit visited.
    evaluator : str, optional
        Column of who evaluated, a factor of its own; without it the evaluator's part is in the visit's.
    target : float
        Reliability asked of a unit's mean, between 0 and 1.
    level : float
        Confidence level.

    Returns
    -------
    Components
        ``table``: component (unit, evaluator, visit), variance (REML, never negative), share, n (units,
        evaluators, visits), flag. ``tables["visits"]``: visits, reliability with conf_low, conf_high of the
        mean of so many visits, flag; ``tables["needed"]``: reliability (asked), visits_needed with
        visits_low, visits_high, flag.
        Also as attributes ``reliability`` (of one visit) and ``visits_needed``. No evaluator is named.

    Raises
    ------
    AnalysisError
        If a column is missing or the score no number, there are fewer than two units, or no unit has two
        visits.

    Notes
    -----
    With G the reliability asked, :math:`n' = \frac{G}{1-G} \frac{\sigma^2_{visit}}{\sigma^2_{unit}}`, where
    the visit's variance includes the evaluator's: each visit is taken to be made by another one. Intervals
    are exact for normal scores and any numbers of visits: the ratios of variances that
    :math:`F(\gamma) = \frac{1}{k-1} \sum w_i (\bar y_i - \bar y_w)^2 / s^2_{within}` with
    :math:`w_i = n_i / (1 + \gamma n_i)` does not reject, the evaluator's part counting as the visit's.

    References
    ----------
    Finn & Kayande (1999), doi:10.1016/S0022-4359(99)00004-4 (generalisability of mystery shopping);
    Patterson & Thompson (1971), doi:10.1093/biomet/58.3.545 (REML); Wald (1940), Annals of Mathematical
    Statistics 11:96 (interval).

    Examples
    --------
    Dyestuff (Davies): 6 batches of 5.

    >>> grams = [1545, 1440, 1440, 1520, 1580, 1540, 1555, 1490, 1560, 1495, 1595, 1550, 1605, 1510, 1560,
    ...          1445, 1440, 1595, 1465, 1545, 1595, 1630, 1515, 1635, 1625, 1520, 1455, 1450, 1480, 1445]
    >>> table = pd.DataFrame({"batch": np.repeat(list("ABCDEF"), 5), "yield": grams})
    >>> found = components(table, score="yield", unit="batch")
    >>> found.table["variance"].round(2).tolist(), round(found.reliability, 5), round(found.visits_needed, 2)
    ([1764.05, 2451.25], 0.41849, 5.56)
    """
    check_level(level)
    check_numbers(("target", target, lambda g: 0 < g < 1, "a reliability between 0 and 1"))
    factors = [unit, *([evaluator] if evaluator else [])]
    check_columns(visits, [score, *factors])
    numbers = as_floats(visits[score])
    if numbers is None:
        raise AnalysisError("{column!r} has text; the score of a visit is a number", column=score)
    gone = [(missing(score), np.isnan(numbers))]
    gone += [(missing(name), visits[name].isna().to_numpy(dtype=bool)) for name in factors]
    kept, dropped = entering(len(visits), gone)
    check_entered(kept, dropped)
    codes = {name: pd.factorize(visits.loc[kept, name])[0] for name in factors}
    y, sizes = numbers[kept], np.bincount(codes[unit])
    if len(sizes) < 2 or sizes.max() < 2:
        raise AnalysisError(
            "{units} units with at most {visits} visits each; variance components need two units, and two "
            "visits to one of them",
            units=len(sizes), visits=int(sizes.max()),
        )  # fmt: skip
    variances = reml(y, list(codes.values()))
    names = ["unit", *(["evaluator"] if evaluator else []), "visit"]
    counts = [*(int(own.max()) + 1 for own in codes.values()), len(y)]
    flag = flags([len(sizes)])[0]
    table = pd.DataFrame({"component": names, "variance": variances, "n": counts, "flag": flag})
    table.insert(2, "share", table["variance"] / table["variance"].sum())
    own, noise = float(variances[0]), float(variances[1:].sum())
    single = own / (own + noise) if own + noise > 0 else np.nan
    ends = _ends(y, codes[unit], level)
    facts = {"target": target, "level": level, "units": len(sizes), "visits": float(sizes.mean())}
    needed = pd.DataFrame([_needed(target, single, ends)], columns=list(_ASKED))
    needed.insert(0, "reliability", target)
    needed = needed.assign(flag=flag)
    return Components(
        table=table,
        keys=("component", "visits"),
        estimate_column="share",
        tables={"visits": _curve(single, ends).assign(flag=flag), "needed": needed},
        n_used=int(kept.sum()),
        n_dropped=dropped,
        settings={"score": score, "unit": unit, "evaluator": evaluator, "target": target, "level": level},
        claims=_claims(single, ends, records(needed)[0], table, facts),
        reliability=single,
        visits_needed=float(needed["visits_needed"].iloc[0]),
    )


def reml(y: Array, factors: list[Array]) -> Array:
    """Return REML variances of crossed random factors (codes from 0) and of the residual, the last."""
    first, *rest = factors
    sizes = np.bincount(first).astype(float)
    # What crosses the first factor: the other factors' indicators, the mean, and the response.
    blocks = [np.eye(int(own.max()) + 1)[own] for own in rest]
    others = np.hstack([*blocks, np.ones((len(y), 1)), (y - y.mean())[:, None]])
    sums = np.zeros((len(sizes), others.shape[1]))
    np.add.at(sums, first, others)
    inner = others.T @ others
    widths = [block.shape[1] for block in blocks]

    def criterion(roots: Array) -> tuple[float, float]:
        """Minus twice the restricted likelihood, and the residual variance, at these relative deviations."""
        ratio = roots[0] ** 2
        cross = inner - sums.T @ (sums * (ratio / (1 + ratio * sizes))[:, None])
        scale = np.concatenate([np.repeat(roots[1:], widths), [1.0, 1.0]])
        system = scale[:, None] * cross * scale[None, :]
        q = sum(widths)
        system[np.arange(q), np.arange(q)] += 1.0
        lower = np.linalg.cholesky(system)
        quadratic, df = lower[-1, -1] ** 2, len(y) - 1
        spread = 2 * np.log(np.diag(lower)[:-1]).sum() + np.log1p(ratio * sizes).sum()
        return float(df * np.log(max(quadratic, _TINY)) + spread), float(quadratic / df)

    if not np.ptp(y):
        return np.zeros(len(factors) + 1)
    starts = [np.full(len(factors), value) for value in (0.1, 1.0)]
    found = min(
        (
            optimize.minimize(
                lambda roots: criterion(roots)[0], start, method="L-BFGS-B",
                bounds=[(0.0, 1e3)] * len(factors), options={"ftol": 1e-15, "gtol": 1e-9},
            )
            for start in starts
        ),
        key=lambda each: float(each.fun),
    )  # fmt: skip
    polished = optimize.minimize(
        lambda roots: criterion(np.abs(roots))[0], found.x, method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 2000},
    )  # fmt: skip
    roots = np.abs(polished.x)
    residual = criterion(roots)[1]
    return np.array([*(roots**2 * residual), residual])


def _ends(y: Array, unit: Array, level: float) -> tuple[float, float]:
    """Return the interval of one visit's reliability: Wald's, exact for normal scores, unequal visits."""
    sizes = np.bincount(unit).astype(float)
    n, k = len(y), len(sizes)
    means = np.bincount(unit, weights=y) / sizes
    within = float(((y - means[unit]) ** 2).sum()) / (n - k)
    if not within > 0:
        return np.nan, np.nan

    def f_of(ratio: float) -> float:
        weights = sizes / (1 + ratio * sizes)
        centre = (weights * means).sum() / weights.sum()
        return float((weights * (means - centre) ** 2).sum() / (k - 1) / within)

    quantiles = stats.f.ppf([0.5 + level / 2, 0.5 - level / 2], k - 1, n - k)
    low, high = (_root(f_of, float(q)) for q in quantiles)
    return low / (1 + low), high / (1 + high)


def _root(falls: Callable[[float], float], to: float) -> float:
    """Return where a falling function comes down to a value, 0 where it starts under it."""
    if falls(0.0) <= to:
        return 0.0
    upper = 1.0
    while falls(upper) > to and upper < _MOST_RATIO:
        upper *= 4
    return float(optimize.brentq(lambda x: falls(x) - to, 0.0, upper)) if upper < _MOST_RATIO else upper


def _needed(target: float, single: float, ends: tuple[float, float]) -> list[float]:
    odds = target / (1 - target)
    return [
        odds * (1 - r) / r if r > 0 else (np.inf if r == 0 else np.nan) for r in (single, ends[1], ends[0])
    ]


def _curve(single: float, ends: tuple[float, float]) -> pd.DataFrame:
    visits = np.arange(1, MOST_VISITS + 1)
    columns = [visits * r / (1 + (visits - 1) * r) for r in (single, *ends)]
    return pd.DataFrame(
        dict(zip(["visits", "reliability", "conf_low", "conf_high"], [visits, *columns], strict=True))
    )


def _claims(
    single: float,
    ends: tuple[float, float],
    needed: Mapping[str, Any],
    table: pd.DataFrame,
    facts: Mapping[str, Any],
) -> tuple[Claim, ...]:
    """State how much of a visit is the unit, and how many visits it takes to know one."""
    if facts["units"] < MINIMUM_CUSTOMERS or np.isnan(single):
        return ()
    shared = {
        **facts, "n": int(table["n"].iloc[-1]),
        "evaluators": float(table.set_index("component")["share"].get("evaluator", 0.0)),
    }  # fmt: skip
    caveats = ("low_base",) if facts["units"] < LOW_BASE else ()
    if ends[0] == 0:
        found = {"estimate": single, "conf_low": ends[0], "conf_high": ends[1], "unit": "share"}
        return (Claim("emitted.visits_alike", {**shared, **found}, "D", caveats),)
    # A visit is made or not: what is needed is the next whole number.
    whole = [float(np.ceil(needed[key] - 1e-9)) for key in _ASKED]
    found = {
        "estimate": whole[0],
        "conf_low": whole[1],
        "conf_high": whole[2],
        "unit": "rank",
        "single": single,
    }
    return (Claim("emitted.visits", {**shared, **found}, "D", caveats, headline=True),)
