"""Customers without a contract: how often they buy, whether they still will, and for how much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from cxlab.analysis.columns import as_floats
from cxlab.analysis.economics.maximum import Maximum, maximum
from cxlab.analysis.estimates import Claim, Result, check_level, check_numbers, flags, t_quantile
from cxlab.errors import AnalysisError, Message, Problem

Array = np.ndarray[Any, Any]

_COUNTS = 7  # repeat purchases told apart in the comparison of model and data; the last is "or more"


@dataclass(frozen=True, eq=False, kw_only=True)
class Purchases(Result):
    """A BG/NBD model: parameters r, alpha, a, b; `loglik`; what it expects of each customer."""

    fitted: Maximum

    @property
    def loglik(self) -> float:
        """Log-likelihood at the maximum."""
        return self.fitted.loglik

    def expected_purchases(self, time: float, frequency: Any, recency: Any, age: Any) -> Array:
        """Return the purchases expected in the next `time` of customers with this history, (n,)."""
        check_numbers(("time", time, lambda v: v > 0, Message("a positive time")))
        return expected(self.fitted.estimate, time, *history(frequency, recency, age))

    def p_alive(self, frequency: Any, recency: Any, age: Any) -> Array:
        """Return the probability that they still buy, (n,); 1 without a repeat, after which one may stop."""
        return _alive(self.fitted.estimate, *history(frequency, recency, age))


def bg_nbd(
    frequency: Any, recency: Any, age: Any, *, horizon: float | None = None, level: float = 0.95
) -> Purchases:
    r"""Estimate how customers without a contract buy and stop buying (beta-geometric / NBD).

    Parameters
    ----------
    frequency, recency, age : array-like (n,)
        Of each customer: repeat purchases (whole, the first does not count); time from the first to the
        last purchase (0 without a repeat); time from the first purchase to the end of observation.
    horizon : float, optional
        Time ahead for which purchases are told; half of the longest age unless given.
    level : float
        Confidence level.

    Returns
    -------
    Purchases
        ``table``: parameter (r, alpha, a, b), estimate, std_error, conf_low, conf_high (on the log scale),
        n, flag. ``tables["counts"]``: purchases, observed, expected (customers with so many repeats), flag.
        ``expected_purchases``, ``p_alive``, ``loglik``.

    Raises
    ------
    AnalysisError
        For blanks, counts that are not whole, a recency beyond the age or without a repeat; where the
        likelihood has no maximum (customers all alike).

    Notes
    -----
    :math:`L = \frac{B(a, b+x)}{B(a, b)} \frac{\Gamma(r+x) \alpha^r}{\Gamma(r)} \left[(\alpha+T)^{-(r+x)} +
    1_{x>0} \frac{a}{b+x-1} (\alpha+t_x)^{-(r+x)}\right]`, over groups of customers alike in (x, t_x, T).

    References
    ----------
    Fader, Hardie & Lee (2005), Marketing Science 24(2), doi:10.1287/mksc.1040.0098.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> rate, stop = rng.gamma(1.0, 0.2, 800), rng.beta(1.0, 2.0, 800)
    >>> life = rng.geometric(stop)
    >>> times = np.cumsum(rng.exponential(1 / rate[:, None], (800, 60)), axis=1)
    >>> bought = (times <= 40) & (np.arange(60) < life[:, None])
    >>> found = bg_nbd(bought.sum(axis=1), np.max(times * bought, axis=1), np.full(800, 40.0))
    >>> found.table["parameter"].tolist(), bool((found.table["estimate"] > 0).all())
    (['r', 'alpha', 'a', 'b'], True)
    """
    check_level(level)
    x, last, total = history(frequency, recency, age)
    if not (x > 0).any():
        raise AnalysisError("no customer bought again: nothing can be estimated; observe them for longer")
    ahead = float(total.max() / 2) if horizon is None else horizon
    check_numbers(("horizon", ahead, lambda v: v > 0, Message("a positive time")))
    groups, count = np.unique(np.column_stack([x, last, total]), axis=0, return_counts=True)
    own = groups.T
    # In units of the mean age the start is right for weeks and for days.
    scale = float(total.mean())
    fitted = maximum(
        lambda p: float(count @ _loglik(p, *own)), [0.5, scale / 4, 1.0, 2.0], ("r", "alpha", "a", "b"),
        model="BG/NBD",
    )  # fmt: skip
    return Purchases(
        table=fitted.table(len(x), level),
        keys=("parameter", "purchases"),
        tables={"counts": _counts(fitted.estimate, x, total)},
        n_used=len(x),
        settings={
            "model": "BG/NBD", "loglik": fitted.loglik, "level": level, "horizon": ahead,
            "groups": len(count),
            "formula": "E[Y(t)|x,t_x,T], Fader, Hardie & Lee (2005), equation 10",
        },
        claims=(_claim(fitted, groups, count, ahead, level),),
        fitted=fitted,
    )  # fmt: skip


def history(frequency: Any, recency: Any, age: Any) -> tuple[Array, Array, Array]:
    """Return the three columns as floats, or all that is wrong with them."""
    held = {
        name: pd.Series(values).reset_index(drop=True)
        for name, values in {"frequency": frequency, "recency": recency, "age": age}.items()
    }
    if len({len(column) for column in held.values()}) > 1:
        raise AnalysisError(
            "frequency, recency and age have {lengths} values; give one of each for every customer",
            lengths=", ".join(str(len(column)) for column in held.values()),
        )
    read = {name: as_floats(column) for name, column in held.items()}
    numbers = {name: np.full(len(held[name]), np.nan) if v is None else v for name, v in read.items()}
    x, last, total = numbers.values()
    if not len(x):
        raise AnalysisError("the table has no rows; nothing can be estimated")
    wrong = [
        (name, ~(np.isfinite(v) & (v >= 0)), Message("a number, zero or more")) for name, v in numbers.items()
    ]
    with np.errstate(invalid="ignore"):
        wrong += [
            ("frequency", x != np.floor(x), Message("whole numbers of repeat purchases")),
            ("age", total <= 0, Message("a positive time since the first purchase")),
            ("recency", last > total, Message("a last purchase within the age")),
            (
                "recency",
                (x > 0) != (last > 0),
                Message("zero without a repeat, above zero with one"),
            ),
        ]
    problems = [
        Problem(
            found=str(held[name].iloc[np.flatnonzero(bad)[0]]), allowed=allowed, column=name,
            action=Message("correct it, or leave the customer out"),
            row=int(np.flatnonzero(bad)[0]) + 1, count=int(bad.sum()),
        )
        for name, bad, allowed in wrong
        if bad.any()
    ]  # fmt: skip
    if problems:
        raise AnalysisError("the history of purchases cannot be used", problems=problems)
    return x, last, total


def _loglik(parameters: Array, x: Array, last: Array, total: Array) -> Array:
    r, alpha, a, b = parameters
    common = special.gammaln(r + x) - special.gammaln(r) + r * np.log(alpha)
    common = common + special.betaln(a, b + x) - special.betaln(a, b)
    alive = -(r + x) * np.log(alpha + total)
    stopped = np.log(a) - np.log(b + np.maximum(x, 1) - 1) - (r + x) * np.log(alpha + last)
    return np.asarray(common + np.where(x > 0, np.logaddexp(alive, stopped), alive))


def _alive(parameters: Array, x: Array, last: Array, total: Array) -> Array:
    r, alpha, a, b = parameters
    odds = a / (b + np.maximum(x, 1) - 1) * ((alpha + total) / (alpha + last)) ** (r + x)
    return np.asarray(1 / (1 + np.where(x > 0, odds, 0.0)))


def expected(parameters: Array, time: Any, x: Array, last: Array, total: Array) -> Array:
    """Return the purchases expected in the next `time` at these parameters."""
    r, alpha, a, b = parameters
    a = a if abs(a - 1) > 1e-6 else 1 + 1e-6  # the limit at 1 is finite, the formula divides by a - 1
    reach = time / (alpha + total + time)
    shrunk = ((alpha + total) / (alpha + total + time)) ** (r + x)
    within = 1 - shrunk * special.hyp2f1(r + x, b + x, a + b + x - 1, reach)
    return np.asarray((a + b + x - 1) / (a - 1) * within * _alive(parameters, x, last, total))


def _counts(parameters: Array, x: Array, total: Array) -> pd.DataFrame:
    """Count customers by repeat purchases, as seen and as the model has them."""
    r, alpha, a, b = parameters
    ages, count = np.unique(total, return_counts=True)
    idle = alpha / (alpha + ages)
    expected, arrived = [], np.zeros(len(ages))
    for k in range(_COUNTS):
        log = special.gammaln(r + k) - special.gammaln(r) - special.gammaln(k + 1)
        bought = np.exp(log) * idle**r * (1 - idle) ** k
        share = np.exp(special.betaln(a, b + k) - special.betaln(a, b)) * bought
        if k:
            share = share + np.exp(special.betaln(a + 1, b + k - 1) - special.betaln(a, b)) * (1 - arrived)
        arrived = arrived + bought
        expected.append(float(count @ share))
    seen = np.bincount(np.minimum(x, _COUNTS).astype(int), minlength=_COUNTS + 1)
    table = {
        "purchases": [*map(str, range(_COUNTS)), f"{_COUNTS}+"],
        "observed": seen,
        "expected": [*expected, len(x) - sum(expected)],
        "flag": flags(np.where(seen > 0, seen, np.inf)),  # nobody is nobody's secret
    }
    return pd.DataFrame(table)


def _claim(fitted: Maximum, groups: Array, count: Array, time: float, level: float) -> Claim:
    """Say how many purchases the average customer has ahead."""
    n = int(count.sum())

    def mean(parameters: Array) -> float:
        return float(count @ expected(parameters, time, *groups.T) / n)

    estimate, reach = mean(fitted.estimate), t_quantile(level) * float(fitted.error_of(mean)[0])
    fields = {
        "estimate": estimate, "conf_low": estimate - reach, "conf_high": estimate + reach, "level": level,
        "unit": "scale", "periods": time, "n": n,
        "alive": float(count @ _alive(fitted.estimate, *groups.T) / n),
    }  # fmt: skip
    return Claim("economics.purchases", fields, "D", ("model_not_observed",), headline=True)
