"""Lifetimes beyond the window: declared distributions, how much of a mean stay they add, and how they differ.

lifelines fits them on the weighted cells, with late entry; it counts cells as so many customers, which is
what they are. Its warnings become reasons in the table.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from cxlab.analysis.estimates import Claim, Result, check_level, flags, t_quantile
from cxlab.analysis.survival.claims import caveats_of
from cxlab.analysis.survival.observed import Observed, check_roles, observed
from cxlab.errors import AnalysisError, Message

Array = np.ndarray[Any, Any]
Distribution = Literal["exponential", "weibull", "log_normal", "log_logistic", "generalized_gamma"]
DISTRIBUTIONS: tuple[Distribution, ...] = (
    "exponential", "weibull", "log_normal", "log_logistic", "generalized_gamma",
)  # fmt: skip

_FITTERS = {
    "exponential": "ExponentialFitter",
    "weibull": "WeibullFitter",
    "log_normal": "LogNormalFitter",
    "log_logistic": "LogLogisticFitter",
    "generalized_gamma": "GeneralizedGammaFitter",
}
_COLUMNS = [
    "distribution", "estimate", "std_error", "conf_low", "conf_high", "extrapolated_share", "loglik", "aic",
    "delta_aic",
]  # fmt: skip
_SLOW = 3_000  # cells from which the generalized gamma takes minutes
_NODES = np.polynomial.legendre.leggauss(200)
_STEP = 1e-5
_LAST_STEPS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A distribution: `source` is lifelines' fit, `theta` (parameters,) the maximum.

    `covariance` is robust with sampling weights; `loglik` of so many customers as there are.
    """

    source: Any
    theta: Array
    covariance: Array
    loglik: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Lifetimes(Result):
    """Mean stay within a horizon under each distribution; `best` has the lowest AIC."""

    best: str
    fits: dict[str, Fit]

    def survival(self, times: Sequence[float], *, since: float = 0.0) -> pd.DataFrame:
        """Return who is still here at each time under each distribution, of those here at `since`.

        Returns
        -------
        DataFrame (times, distributions)
            :math:`S(t) / S(u)`, 1 until `since`; only distributions that could be fitted.
        """
        u, moments = np.r_[since], np.maximum(np.asarray(times, dtype=float), since)
        held = {
            name: np.exp(_hazard(fit.source, u, fit.theta) - _hazard(fit.source, moments, fit.theta))
            for name, fit in self.fits.items()
        }
        return pd.DataFrame(held, index=pd.Index(np.asarray(times, dtype=float), name="time"))


def lifetimes(
    table: Any,
    duration: str,
    event: str,
    *,
    horizon: float,
    entry: str | None = None,
    weights: str | None = None,
    distributions: Sequence[Distribution] = DISTRIBUTIONS,
    level: float = 0.95,
) -> Lifetimes:
    r"""Estimate how long customers stay within a horizon that may lie beyond what was observed.

    Parameters
    ----------
    table : DataFrame (n, any)
        One row per customer.
    duration, event : str
        Months (or another unit) until the customer left or was last seen, above 0; 1 left, 0 still here.
    horizon : float
        Months that count.
    entry : str, optional
        When the customer came under observation; at risk only from then on.
    weights : str, optional
        Column of sampling weights; errors are then robust.
    distributions : sequence of {"exponential", "weibull", "log_normal", "log_logistic", "generalized_gamma"}
        What to fit.
    level : float
        Confidence level.

    Returns
    -------
    Lifetimes
        ``table``: distribution, estimate (mean stay within the horizon), std_error, conf_low, conf_high,
        extrapolated_share (of the estimate, from after the last time observed), loglik, aic, delta_aic,
        n, n_eff, flag, reason (why there is no fit). ``tables["parameters"]``: distribution, parameter,
        estimate, std_error. ``survival`` gives the curves, ``best`` the distribution of the lowest AIC.

    Raises
    ------
    AnalysisError
        As `retention`; if nobody left, or no distribution can be fitted.

    Notes
    -----
    :math:`\int_0^H S(t)\,dt`, its error by the delta method. AIC judges the fit within the window; none can
    say which tail is right, so the spread over the distributions is the uncertainty of what lies beyond.

    References
    ----------
    Kalbfleisch & Prentice (2002), The Statistical Analysis of Failure Time Data, chapter 3; Latimer (2013),
    doi:10.1177/0272989X12472398.

    Examples
    --------
    >>> months, left = [2, 3, 5, 6, 8, 9, 12, 12, 12, 12], [1, 1, 1, 1, 1, 1, 0, 0, 0, 0]
    >>> customers = pd.DataFrame({"months": months, "left": left})
    >>> result = lifetimes(customers, "months", "left", horizon=24, distributions=["exponential"])
    >>> result.table[["distribution", "estimate", "extrapolated_share"]].round(2).values.tolist()
    [['exponential', 11.22, 0.29]]
    """
    check_level(level)
    _check_asked(horizon, distributions)
    check_roles({
        "the duration": [duration], "the event": [event], "the entry": [entry], "the weights": [weights],
    })  # fmt: skip
    who = observed(table, duration, event, entry=entry, weights=weights)
    if not who.events:
        raise AnalysisError(
            "no events: nothing to estimate; none of the {n} customers left (retention bounds the share)",
            n=who.n,
        )
    fits: dict[str, Fit] = {}
    rows, parameters = [], []
    for name in distributions:
        fit, reason = _fitted(name, who)
        if fit is not None:
            fits[name] = fit
            parameters += _parameters(name, fit)
        rows.append(_row(name, fit, reason, who, float(horizon), level))
    if not fits:
        raise AnalysisError(
            "no distribution can be fitted to these durations: {reason}", reason=rows[0]["reason"]
        )
    main = pd.DataFrame(rows)
    main["delta_aic"] = main["aic"] - main["aic"].min()
    main = main[[*_COLUMNS, "n", "n_eff", "flag", "reason"]]
    best = str(main.loc[main["aic"].idxmin(), "distribution"])
    facts = {"horizon": float(horizon), "level": level, "late_entry": entry is not None}
    return Lifetimes(
        table=main,
        keys=("distribution", "parameter"),
        tables={"parameters": pd.DataFrame(parameters)},
        n_used=who.n,
        n_dropped=who.dropped,
        settings={
            "duration": duration, "event": event, "entry": entry, "weights": weights, "level": level,
            "horizon": float(horizon), "window": float(who.duration.max()), "events": who.events,
            "distributions": list(distributions), "best": best, "unit": "months",
        },
        claims=_claims(main, best, who, facts),
        best=best,
        fits=fits,
    )  # fmt: skip


def _check_asked(horizon: float, distributions: Sequence[str]) -> None:
    if not (isinstance(horizon, int | float | np.number) and np.isfinite(horizon) and horizon > 0):
        raise AnalysisError("horizon is {horizon!r}; give a number of months above 0", horizon=horizon)
    wrong = [d for d in distributions if d not in DISTRIBUTIONS]
    if wrong or not distributions:
        raise AnalysisError(
            "{name} is {given!r}; allowed: {allowed}",
            name="distributions", given=list(distributions), allowed=", ".join(DISTRIBUTIONS),
        )  # fmt: skip


def _fitted(name: str, who: Observed) -> tuple[Fit | None, str]:
    """Fit one distribution, or say why there is no fit."""
    import lifelines  # most of a second, paid by the first fit only

    if name == "generalized_gamma" and len(who.count) > _SLOW:
        return None, Message(
            "more than {most} different durations: round them to fit it in reasonable time", most=_SLOW
        )
    scaled = who.n / who.amount.sum()
    late = who.entry if (who.entry > 0).any() else None
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            fitter = getattr(lifelines, _FITTERS[name])()
            fitter.fit(who.duration, who.event, weights=who.amount * scaled, entry=late)
            fit = _at_maximum(fitter, who, scaled)
        except (lifelines.exceptions.ConvergenceError, np.linalg.LinAlgError, ValueError, TypeError):
            return None, Message("the fit does not converge")
    variance = np.diag(fit.covariance)
    unsure = not (np.isfinite(variance).all() and (variance > 0).all())
    if unsure or any(issubclass(w.category, lifelines.exceptions.ApproximationWarning) for w in told):
        return None, Message("the fit does not converge")
    return fit, ""


def _at_maximum(fitter: Any, who: Observed, scaled: float) -> Fit:
    """Take the last steps that lifelines leaves (six digits of a parameter), and the errors there."""
    theta = np.asarray(fitter._fitted_parameters_, dtype=float)
    inverse = np.atleast_2d(np.asarray(fitter.variance_matrix_, dtype=float))
    amount = who.amount * scaled

    def told(at: Array) -> Array:
        """Log-likelihood of a customer of each cell."""
        log_hazard = np.asarray(fitter._log_hazard(at, who.duration), dtype=float)
        before = np.where(who.entry > 0, _hazard(fitter, who.entry, at), 0.0)
        said = np.where(who.event, log_hazard, 0.0) - (_hazard(fitter, who.duration, at) - before)
        return np.asarray(said)

    for _ in range(_LAST_STEPS):
        after = theta + inverse @ (_gradient(told, theta) @ amount)
        if not amount @ told(after) >= amount @ told(theta):
            break
        theta = after
    covariance = inverse
    if who.squared is not None:
        scores = _gradient(told, theta)
        covariance = inverse @ ((scores * who.squared * scaled**2) @ scores.T) @ inverse
    return Fit(fitter, theta, np.asarray(covariance), float(amount @ told(theta)))


def _hazard(fitter: Any, times: Array, theta: Array) -> Array:
    return np.asarray(fitter._cumulative_hazard(theta, np.maximum(times, 1e-12)), dtype=float)


def _mean(fit: Fit, start: float, end: float, theta: Array) -> float:
    """Area under the survival curve from `start` to `end`, in pieces that follow it where it is steep."""
    if end <= start:
        return 0.0
    nodes, weight = _NODES
    # Squared nodes lie close where the curve begins.
    u = (nodes + 1) / 2
    t = start + (end - start) * u**2
    return float(np.exp(-_hazard(fit.source, t, theta)) @ (weight * u * (end - start)))


def _gradient(value: Any, theta: Array) -> Array:
    """Return the derivatives of `value` (a number or an array) at `theta` by central differences."""
    steps = np.eye(len(theta)) * _STEP * np.maximum(np.abs(theta), 0.1)
    return np.array([(value(theta + h) - value(theta - h)) / (2 * h.sum()) for h in steps])


def _row(
    name: str, fit: Fit | None, reason: str, who: Observed, horizon: float, level: float
) -> dict[str, Any]:
    bases = {"n": who.n, "n_eff": who.n_eff(), "flag": flags(who.n)[()], "reason": reason}
    columns = _COLUMNS[1:-1]
    if fit is None:
        return {"distribution": name, **dict.fromkeys(columns, np.nan), **bases}
    theta = fit.theta
    window = min(float(who.duration.max()), horizon)
    beyond = _mean(fit, window, horizon, theta)
    mean = _mean(fit, 0, window, theta) + beyond
    slope = _gradient(lambda at: _mean(fit, 0, window, at) + _mean(fit, window, horizon, at), theta)
    error = float(np.sqrt(slope @ fit.covariance @ slope))
    # On the scale of log(mean / (horizon - mean)) the limits stay between nothing and the horizon.
    reach = t_quantile(level) * error * horizon / (mean * (horizon - mean))
    odds = np.log(mean / (horizon - mean)) + np.array([-reach, reach])
    low, high = horizon / (1 + np.exp(-odds))
    aic = 2 * len(theta) - 2 * fit.loglik
    values = [mean, error, low, high, beyond / mean, fit.loglik, aic]
    return {"distribution": name, **dict(zip(columns, map(float, values), strict=True)), **bases}


def _parameters(name: str, fit: Fit) -> list[dict[str, Any]]:
    errors = np.sqrt(np.diag(fit.covariance))
    named = zip(fit.source._fitted_parameter_names, fit.theta, errors, strict=True)
    return [
        {"distribution": name, "parameter": p.strip("_"), "estimate": float(v), "std_error": float(e)}
        for p, v, e in named
    ]


def _claims(main: pd.DataFrame, best: str, who: Observed, facts: dict[str, Any]) -> tuple[Claim, ...]:
    row = main.set_index("distribution").loc[best]
    fields = {
        "estimate": row["estimate"], "conf_low": row["conf_low"], "conf_high": row["conf_high"],
        "lowest": main["estimate"].min(), "highest": main["estimate"].max(),
        "distribution": best, "distributions": int(main["estimate"].notna().sum()),
        "extrapolated_share": row["extrapolated_share"], "horizon": facts["horizon"],
        "level": facts["level"], "unit": "months", "n": who.n, "customers": who.n,
    }  # fmt: skip
    beyond = ("extrapolated",) if row["extrapolated_share"] > 0 else ()
    return (
        Claim(
            "retention.lifetime", fields, "D",
            (*beyond, *caveats_of(who, late_entry=facts["late_entry"])), headline=True,
        ),
    )  # fmt: skip
