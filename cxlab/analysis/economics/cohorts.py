"""Customers with a contract, seen as a cohort: who renews, and for how long it is expected to go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from cxlab.analysis.columns import as_floats
from cxlab.analysis.economics.maximum import Maximum, maximum
from cxlab.analysis.estimates import (
    Claim,
    Result,
    check_level,
    check_numbers,
    t_quantile,
    whole_from,
)
from cxlab.errors import AnalysisError, Message

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class Renewals(Result):
    """A shifted beta-geometric model: parameters alpha, beta; `loglik`; survival, retention, lifetime."""

    fitted: Maximum

    @property
    def loglik(self) -> float:
        """Log-likelihood at the maximum."""
        return self.fitted.loglik

    def survival(self, periods: Any) -> Array:
        """Return the share of a new cohort still here after each of `periods` (renewals survived)."""
        return survival_of(self.fitted.estimate, periods)

    def retention(self, periods: Any) -> Array:
        """Return the share of those still there before each renewal (1 is the first) who renew."""
        alpha, beta = self.fitted.estimate
        t = np.asarray(periods, dtype=float)
        return np.asarray((beta + t - 1) / (alpha + beta + t - 1))

    def lifetime(self, discount: float, *, renewals: int = 0) -> float:
        """Return the discounted payments expected, for ever, at `discount` per period.

        Of a new customer, the first payment at once, included (`renewals` 0); of one who has renewed so
        many times, the payments from the next renewal on, just before it.
        """
        check_numbers(
            ("discount", discount, lambda v: v > 0, Message("a rate per period above zero, e.g. 0.1")),
            ("renewals", renewals, lambda v: whole_from(v, 0), Message("a whole number, zero or more")),
        )
        return _lifetime(self.fitted.estimate, discount, renewals)


def sbg(
    survivors: Sequence[float], *, discount: float = 0.1, horizon: int | None = None, level: float = 0.95
) -> Renewals:
    r"""Estimate how customers who differ in their chance of renewing stay (shifted beta-geometric).

    Parameters
    ----------
    survivors : sequence of float (periods + 1,)
        Customers of a cohort at the start and after each renewal: whole numbers, never rising.
    discount : float
        Rate per period for the lifetimes.
    horizon : int, optional
        Periods to project to; twice those observed unless given.
    level : float
        Confidence level.

    Returns
    -------
    Renewals
        ``table``: parameter (alpha, beta), estimate, std_error, conf_low, conf_high (log scale), n, flag.
        ``tables``: curve (period, observed, estimate, std_error, conf_low, conf_high of the share still
        here, retention, extrapolated), lifetimes (renewals, estimate, std_error, conf_low, conf_high:
        discounted payments expected, the residual ones of who renewed so often). ``survival``,
        ``retention``, ``lifetime``, ``loglik``.

    Raises
    ------
    AnalysisError
        For fewer than two renewals, counts that rise or are not whole, nobody who left, no maximum
        (a retention rate that does not rise: use a constant one).

    Notes
    -----
    :math:`S(t) = B(\alpha, \beta + t) / B(\alpha, \beta)`; the retention rate
    :math:`(\beta + t - 1) / (\alpha + \beta + t - 1)` rises because those likeliest to leave go first, not
    because anybody becomes more loyal. Lifetime :math:`{}_2F_1(1, \beta; \alpha + \beta; 1/(1+d))`, the
    residual one of Fader & Hardie (2010), doi:10.1287/mksc.1090.0542.

    References
    ----------
    Fader & Hardie (2007), Journal of Interactive Marketing 21(1), doi:10.1002/dir.20074.

    Examples
    --------
    >>> regular = sbg([1000, 631, 468, 382, 326, 289, 262, 241])
    >>> regular.table["estimate"].round(3).tolist(), round(regular.loglik, 1)
    ([0.704, 1.182], -1680.3)
    >>> round(regular.lifetime(0.1), 3)
    3.695
    """
    check_level(level)
    check_numbers(("discount", discount, lambda v: v > 0, Message("a rate per period above zero, e.g. 0.1")))
    here = _survivors(survivors)
    seen, lost = len(here) - 1, -np.diff(here)
    last = 2 * seen if horizon is None else horizon
    check_numbers(("horizon", last, lambda v: whole_from(v, 1), Message("a whole number of periods")))
    fitted = maximum(
        lambda p: float(lost @ left_by(p, np.arange(1, seen + 1)) + here[-1] * stayed(p, seen)),
        [1.0, max(float(here[1] / max(here[0] - here[1], 1)), 0.1)], ("alpha", "beta"),
        model="sBG",
    )  # fmt: skip
    n = int(here[0])
    lifetimes = _lifetimes(fitted, discount, seen, level)
    return Renewals(
        table=fitted.table(n, level),
        keys=("parameter", "period", "renewals"),
        tables={"curve": _curve(fitted, here, last, level), "lifetimes": lifetimes},
        n_used=n,
        settings={
            "model": "sBG", "loglik": fitted.loglik, "level": level, "discount": discount,
            "observed_periods": seen, "horizon": last,
            "formula": "S(t) = B(alpha, beta + t) / B(alpha, beta); "
            "lifetime = 2F1(1, beta; alpha + beta; 1 / (1 + d))",
        },
        claims=_claims(fitted, lifetimes, n, seen, discount, level),
        fitted=fitted,
    )  # fmt: skip


def left_by(parameters: Array, periods: Array) -> Array:
    """Return the log-probability of leaving at each renewal `periods` (1 is the first)."""
    alpha, beta = parameters
    return np.asarray(special.betaln(alpha + 1, beta + periods - 1) - special.betaln(alpha, beta))


def stayed(parameters: Array, periods: Any) -> Any:
    """Return the log-probability of still being here after `periods` renewals."""
    alpha, beta = parameters
    return special.betaln(alpha, beta + periods) - special.betaln(alpha, beta)


def survival_of(parameters: Array, periods: Any) -> Array:
    """Return the share still here after `periods`, at these parameters."""
    return np.asarray(np.exp(stayed(parameters, np.asarray(periods, dtype=float))))


def _survivors(survivors: Sequence[float]) -> Array:
    here = as_floats(pd.Series(list(survivors)))
    whole = here is not None and bool(np.isfinite(here).all() and (here == np.floor(here)).all())
    if here is None or not whole or len(here) < 3 or (here < 0).any() or (np.diff(here) > 0).any():
        raise AnalysisError(
            "survivors are {given}; give the customers at the start and after each of at least two renewals, "
            "whole numbers that never rise",
            given=", ".join(map(str, list(survivors)[:8])),
        )  # fmt: skip
    if here[0] == here[-1]:
        raise AnalysisError("no events: nothing to estimate; none of the {n} customers left", n=int(here[0]))
    return here


def _lifetime(parameters: Array, discount: float, renewals: int) -> float:
    alpha, beta = parameters
    k, z = renewals, 1 / (1 + discount)
    if not k:
        return float(special.hyp2f1(1, beta, alpha + beta, z))
    first = (beta + k) / (alpha + beta + k)
    return float(first * special.hyp2f1(1, beta + k + 1, alpha + beta + k + 1, z))


def _lifetimes(fitted: Maximum, discount: float, seen: int, level: float) -> pd.DataFrame:
    def residual(parameters: Array) -> Array:
        return np.array([_lifetime(parameters, discount, k) for k in range(seen + 1)])

    value, error = residual(fitted.estimate), fitted.error_of(residual)
    reach = t_quantile(level) * error
    ends = {"conf_low": value - reach, "conf_high": value + reach}
    return pd.DataFrame({"renewals": range(seen + 1), "estimate": value, "std_error": error, **ends})


def _curve(fitted: Maximum, here: Array, last: int, level: float) -> pd.DataFrame:
    alpha, beta = fitted.estimate
    t = np.arange(last + 1)
    share = survival_of(fitted.estimate, t)
    error = fitted.error_of(lambda p: survival_of(p, t))
    # On the log(-log) scale the limits stay between 0 and 1; at the start everybody is there.
    inner = np.where(t > 0, np.log(np.where(t > 0, share, 0.5)), -1.0)
    shift = t_quantile(level) * error / (np.where(t > 0, share, 1.0) * np.abs(inner))
    low, high = (np.where(t > 0, np.exp(inner * np.exp(sign * shift)), 1.0) for sign in (1, -1))
    known = np.full(last + 1, np.nan)
    known[: min(len(here), last + 1)] = here[: last + 1] / here[0]
    return pd.DataFrame(
        {
            "period": t, "observed": known, "estimate": share, "std_error": error,
            "conf_low": low, "conf_high": high,
            "retention": np.where(t > 0, (beta + t - 1) / (alpha + beta + t - 1), np.nan),
            "extrapolated": t >= len(here),
        }
    )  # fmt: skip


def _claims(
    fitted: Maximum, lifetimes: pd.DataFrame, n: int, seen: int, discount: float, level: float
) -> tuple[Claim, ...]:
    alpha, beta = fitted.estimate
    first = lifetimes.iloc[0]
    within = survival_of(fitted.estimate, np.arange(seen + 1)) @ (1 + discount) ** -np.arange(seen + 1.0)
    fields = {
        "estimate": float(first["estimate"]), "conf_low": float(first["conf_low"]),
        "conf_high": float(first["conf_high"]), "level": level, "unit": "scale", "n": n,
        "discount": discount, "periods": seen, "extrapolated": float(1 - within / first["estimate"]),
    }  # fmt: skip
    rates = {"first": beta / (alpha + beta), "last": (beta + seen - 1) / (alpha + beta + seen - 1)}
    rises = {**{end: float(rate) for end, rate in rates.items()}, "n": n, "periods": seen, "level": level}
    return (
        Claim("economics.lifetime", fields, "D", ("extrapolated", "model_not_observed"), headline=True),
        Claim("economics.retention_rises", rises, "D", ("sorting",)),
    )
