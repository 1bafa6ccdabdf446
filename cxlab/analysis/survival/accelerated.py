"""Lifetimes that covariates stretch: accelerated failure times, which reach beyond what was observed.

lifelines finds the maximum on the cells; the last digits, errors with sampling weights and predictions are
computed here from the likelihood itself, in the parametrisation of R's survreg.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import stats

from cxlab.analysis.columns import named
from cxlab.analysis.estimates import Result, adjusted, check_level, flags, t_quantile
from cxlab.analysis.survival.design import Design, check_covariates, coded_alike, design_of
from cxlab.analysis.survival.observed import Observed, check_roles, observed
from cxlab.analysis.survival.predicted import moments_of, so_far
from cxlab.errors import AnalysisError

Array = np.ndarray[Any, Any]
Stretched = Literal["weibull", "log_normal", "log_logistic"]

# lifelines' fitter, its names of location and shape, and the sign of log scale in the latter.
_FITTERS: dict[str, tuple[str, str, str, int]] = {
    "weibull": ("WeibullAFTFitter", "lambda_", "rho_", -1),
    "log_normal": ("LogNormalAFTFitter", "mu_", "sigma_", 1),
    "log_logistic": ("LogLogisticAFTFitter", "alpha_", "beta_", -1),
}
_STEP = 1e-5
_LAST_STEPS = 8


@dataclass(frozen=True, eq=False, kw_only=True)
class Accelerated(Result):
    """Time ratios: by how much a covariate stretches the time until leaving."""

    design: Design
    distribution: str
    theta: Array

    def survival(
        self, table: pd.DataFrame, times: Sequence[float], *, since: str | None = None
    ) -> pd.DataFrame:
        """Return who is still here at each time from the start, also after what was observed (rows x times).

        As `Hazards.survival`, but nothing is missing: the distribution says what no customer has shown.
        """
        moments = moments_of(times)
        x = np.column_stack([np.ones(len(table)), coded_alike(self.design, table)])
        line = (x @ self.theta[:-1])[:, None]
        given = np.zeros(len(table)) if since is None else so_far(table, since)
        reached = np.maximum(moments[None, :], given[:, None])
        late, early = (_spent(self.distribution, t, line, self.theta[-1]) for t in (reached, given[:, None]))
        return pd.DataFrame(np.exp(early - late), index=table.index, columns=moments)


def accelerated(
    table: Any,
    duration: str,
    event: str,
    covariates: Sequence[str],
    *,
    distribution: Stretched = "weibull",
    entry: str | None = None,
    weights: str | None = None,
    level: float = 0.95,
) -> Accelerated:
    r"""Estimate by how much each covariate stretches the time until leaving.

    Parameters
    ----------
    table : DataFrame (n, any)
        One row per customer.
    duration, event : str
        Months (or another unit) until the customer left or was last seen, above 0; 1 left, 0 still here.
    covariates : sequence of str
        As in `hazards`.
    distribution : {"weibull", "log_normal", "log_logistic"}
        Of the lifetimes of customers who are alike.
    entry : str, optional
        When the customer came under observation; at risk only from then on.
    weights : str, optional
        Column of sampling weights; errors are then robust.
    level : float
        Confidence level.

    Returns
    -------
    Accelerated
        ``table``: covariate, estimate (log time ratio of one unit), std_error, time_ratio, conf_low,
        conf_high (of the time ratio), p_value (Wald), p_adjusted (Holm), n, events, flag.
        ``tables["parameters"]``: parameter (intercept, log_scale), estimate, std_error. ``settings`` has
        loglik and aic. ``survival`` predicts, also after what was observed.

    Raises
    ------
    AnalysisError
        As `hazards`; if the fit does not converge.

    Notes
    -----
    :math:`\log T = \alpha + x \beta + \sigma W`, W an extreme value (Weibull), normal or logistic.

    References
    ----------
    Kalbfleisch & Prentice (2002), The Statistical Analysis of Failure Time Data, section 3.6.

    Examples
    --------
    >>> months, left = [2, 3, 5, 6, 8, 9, 12, 12, 12, 12], [1, 1, 1, 1, 1, 1, 0, 0, 0, 0]
    >>> customers = pd.DataFrame({"months": months, "left": left, "ease": [2, 3, 2, 5, 4, 3, 6, 5, 7, 4]})
    >>> result = accelerated(customers, "months", "left", ["ease"])
    >>> result.table[["covariate", "time_ratio"]].round(2).values.tolist()
    [['ease', 1.68]]
    """
    check_level(level)
    covariates = named(covariates)
    check_covariates(covariates)
    if distribution not in _FITTERS:
        raise AnalysisError(
            "{name} is {given!r}; allowed: {allowed}",
            name="distribution", given=distribution, allowed=", ".join(_FITTERS),
        )  # fmt: skip
    check_roles({
        "the duration": [duration], "the event": [event], "the entry": [entry], "the weights": [weights],
        "a covariate": covariates,
    })  # fmt: skip
    who = observed(table, duration, event, entry=entry, weights=weights, needed=covariates)
    design = design_of(covariates, who, table)
    theta, covariance, loglik = _fit(distribution, who, design)
    errors = np.sqrt(np.diag(covariance))
    aic = 2 * len(theta) - 2 * loglik
    parameters = {"intercept": (theta[0], errors[0]), "log_scale": (theta[-1], errors[-1])}
    return Accelerated(
        table=_table(design, who, theta[1:-1], errors[1:-1], level),
        keys=("covariate", "parameter"),
        tables={
            "parameters": pd.DataFrame(
                [{"parameter": k, "estimate": v, "std_error": e} for k, (v, e) in parameters.items()]
            )
        },
        n_used=who.n,
        n_dropped=who.dropped,
        settings={
            "duration": duration, "event": event, "covariates": covariates, "distribution": distribution,
            "entry": entry, "weights": weights, "level": level, "events": who.events,
            "references": design.references, "loglik": loglik, "aic": aic,
        },
        design=design,
        distribution=distribution,
        theta=theta,
    )  # fmt: skip


def _table(design: Design, who: Observed, beta: Array, error: Array, level: float) -> pd.DataFrame:
    p = 2 * stats.norm.sf(np.abs(beta / error))
    reach, held = t_quantile(level) * error, design.held[design.row].T
    n = [int(who.count[mark].sum()) for mark in held]
    return pd.DataFrame({
        "covariate": design.names, "estimate": beta, "std_error": error, "time_ratio": np.exp(beta),
        "conf_low": np.exp(beta - reach), "conf_high": np.exp(beta + reach),
        "p_value": p, "p_adjusted": adjusted(p, "holm"), "n": n,
        "events": [int(who.count[who.event & mark].sum()) for mark in held], "flag": flags(n),
    })  # fmt: skip


def _spent(distribution: str, times: Array, line: Array, log_scale: float) -> Array:
    """Cumulative hazard at `times`."""
    with np.errstate(divide="ignore"):
        z = (np.log(times) - line) / np.exp(log_scale)
    if distribution == "weibull":
        return np.asarray(np.exp(z))
    if distribution == "log_normal":
        return np.asarray(-stats.norm.logsf(z))
    return np.asarray(np.logaddexp(0.0, z))


def _told(distribution: str, who: Observed, line: Array, log_scale: float) -> Array:
    """Log-likelihood of a customer of each cell."""
    z = (np.log(who.duration) - line) / np.exp(log_scale)
    spent = _spent(distribution, who.duration, line, log_scale) - np.where(
        who.entry > 0, _spent(distribution, np.where(who.entry > 0, who.entry, 1.0), line, log_scale), 0.0
    )
    # log of (the slope of the cumulative hazard in z)
    log_slope = {
        "weibull": z,
        "log_normal": stats.norm.logpdf(z) - stats.norm.logsf(z),
        "log_logistic": z - np.logaddexp(0.0, z),
    }[distribution]
    log_hazard = log_slope - log_scale - np.log(who.duration)
    return np.asarray(np.where(who.event, log_hazard, 0.0) - spent)


def _fit(distribution: str, who: Observed, design: Design) -> tuple[Array, Array, float]:
    """Return intercept, coefficients and log scale at the maximum, their covariance, and its height."""
    x = np.column_stack([np.ones(len(who.count)), design.values[design.row]])
    theta = _start(distribution, who, design)
    amount = who.amount * who.n / who.amount.sum()
    for _ in range(_LAST_STEPS):
        scores, information = _slopes(distribution, who, x, theta, amount)
        step = np.linalg.solve(information, scores.T @ amount)
        theta = theta + step
        if float(step @ information @ step) < 1e-20:
            break
    scores, information = _slopes(distribution, who, x, theta, amount)
    covariance = np.linalg.inv(information)
    if who.squared is not None:
        squared = who.squared * (who.n / who.amount.sum()) ** 2
        covariance = covariance @ ((scores * squared[:, None]).T @ scores) @ covariance
    told = _told(distribution, who, x @ theta[:-1], theta[-1])
    if not (np.isfinite(theta).all() and np.isfinite(told).all() and (np.diag(covariance) > 0).all()):
        raise AnalysisError(
            "the fit of the {distribution} distribution does not converge", distribution=distribution
        )
    return theta, covariance, float(amount @ told)


def _slopes(distribution: str, who: Observed, x: Array, theta: Array, amount: Array) -> tuple[Array, Array]:
    """Return each cell's score (cells, parameters) and the information, from the slopes in line and scale."""
    line, scale = x @ theta[:-1], theta[-1]

    def first(shift: float, stretch: float) -> tuple[Array, Array]:
        def told(a: float, b: float) -> Array:
            return _told(distribution, who, line + shift + a, scale + stretch + b)

        h = _STEP
        return (told(h, 0) - told(-h, 0)) / (2 * h), (told(0, h) - told(0, -h)) / (2 * h)

    by_line, by_scale = first(0, 0)
    k = 1e-3
    ahead, behind, wider, narrower = first(k, 0), first(-k, 0), first(0, k), first(0, -k)
    twice, crossed = (ahead[0] - behind[0]) / (2 * k), (ahead[1] - behind[1]) / (2 * k)
    scaled = (wider[1] - narrower[1]) / (2 * k)
    scores = np.column_stack([x * by_line[:, None], by_scale])
    side = x.T @ (amount * crossed)
    information = -np.block([
        [(x * (amount * twice)[:, None]).T @ x, side[:, None]],
        [side[None, :], np.array([[amount @ scaled]])],
    ])  # fmt: skip
    return scores, np.asarray(information)


def _start(distribution: str, who: Observed, design: Design) -> Array:
    """Return lifelines' maximum, of customers counted by their cells."""
    import lifelines  # most of a second, paid by the first fit only

    fitter, location, shape, sign = _FITTERS[distribution]
    names = [f"x{k}" for k in range(len(design.names))]
    frame = pd.DataFrame(design.values[design.row], columns=names)
    # Sampling weights enter only in the steps after: here they would have to be whole numbers.
    frame = frame.assign(t=who.duration, d=who.event, n=who.count, e=who.entry)
    late = {"entry_col": "e"} if (who.entry > 0).any() else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what does not converge is told after the last steps
        try:
            fit = getattr(lifelines, fitter)().fit(
                frame if late else frame.drop(columns="e"), "t", "d", weights_col="n", **late
            )
        except (lifelines.exceptions.ConvergenceError, np.linalg.LinAlgError, ValueError):
            raise AnalysisError(
                "the fit of the {distribution} distribution does not converge", distribution=distribution
            ) from None
    found = fit.params_
    line = [found[location, "Intercept"], *(found[location, name] for name in names)]
    return np.array([*line, sign * found[shape, "Intercept"]], dtype=float)
