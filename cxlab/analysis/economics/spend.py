"""What a purchase is worth: spend per transaction of customers who differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from cxlab.analysis.columns import as_floats
from cxlab.analysis.economics.maximum import Maximum, maximum
from cxlab.analysis.estimates import Claim, Result, check_level, t_quantile
from cxlab.errors import AnalysisError, Message, Problem

Array = np.ndarray[Any, Any]

_APART = 0.2  # correlation of frequency with spend beyond which the model's independence does not hold


@dataclass(frozen=True, eq=False, kw_only=True)
class Spend(Result):
    """A Gamma-Gamma model of spend per transaction: parameters p, q, v, `loglik`, expected spend."""

    fitted: Maximum

    @property
    def loglik(self) -> float:
        """Log-likelihood at the maximum."""
        return self.fitted.loglik

    def expected_spend(self, frequency: Any, spend: Any) -> Array:
        """Return the expected spend per transaction of customers with this history, (n,).

        Who has no repeat purchase (frequency 0) is expected to spend as the average customer; with q of 1 or
        less that mean is infinite, and such customers come back as missing.
        """
        x, z = amounts(frequency, spend)
        return expected(self.fitted.estimate, x, z)


def gamma_gamma(frequency: Any, spend: Any, *, level: float = 0.95) -> Spend:
    r"""Estimate spend per transaction, shrunk towards everybody's for who bought little.

    Parameters
    ----------
    frequency, spend : array-like (n,)
        Of each customer: repeat purchases, and the mean money of these. Who has none does not enter.
    level : float
        Confidence level.

    Returns
    -------
    Spend
        ``table``: parameter (p, q, v), estimate, std_error, conf_low, conf_high (log scale), n, flag.
        ``expected_spend``, ``loglik``.

    Raises
    ------
    AnalysisError
        For blanks, spend that is not positive, nobody who bought again, no maximum.

    Notes
    -----
    :math:`f(z|x) = \frac{\Gamma(px+q)}{\Gamma(px)\Gamma(q)} \frac{v^q z^{px-1} x^{px}}{(v+xz)^{px+q}}`;
    :math:`E[M|x, z] = p (v + x z) / (p x + q - 1)`. It takes spend and frequency as independent: their
    correlation is among the settings.

    References
    ----------
    Fader, Hardie & Lee (2005), Journal of Marketing Research 42, doi:10.1509/jmkr.2005.42.4.415; Fader &
    Hardie (2013), brucehardie.com/notes/025.

    Examples
    --------
    >>> rng = np.random.default_rng(2)
    >>> scale, x = 1 / rng.gamma(4.0, 1 / 15.0, 900), rng.integers(1, 9, 900)
    >>> found = gamma_gamma(x, rng.gamma(6.0 * x, scale / x))
    >>> found.table["parameter"].tolist()
    ['p', 'q', 'v']
    """
    check_level(level)
    x, z = amounts(frequency, spend)
    again = x > 0
    if not again.any():
        raise AnalysisError("no customer bought again: nothing can be estimated; observe them for longer")
    bought, mean = x[again], z[again]
    fitted = maximum(
        lambda p: float(_loglik(p, bought, mean).sum()), [2.0, 3.0, 2.0 * float(np.median(mean))],
        ("p", "q", "v"), model="Gamma-Gamma",
    )  # fmt: skip
    varies = np.ptp(bought) > 0 and np.ptp(mean) > 0
    together = float(np.corrcoef(bought, mean)[0, 1]) if varies else 0.0
    n = len(bought)
    dropped: dict[str, int] = {Message("no repeat purchase"): int((~again).sum())} if n < len(x) else {}
    return Spend(
        table=fitted.table(n, level),
        keys=("parameter",),
        n_used=n,
        n_dropped=dropped,
        settings={
            "model": "Gamma-Gamma", "loglik": fitted.loglik, "level": level, "correlation": together,
            "formula": "E[M|x,z] = p (v + x z) / (p x + q - 1)",
        },
        claims=_claims(fitted, n, level, together),
        fitted=fitted,
    )  # fmt: skip


def amounts(frequency: Any, spend: Any) -> tuple[Array, Array]:
    """Return both columns as floats, or all that is wrong with them."""
    held = pd.DataFrame({"frequency": np.asarray(frequency), "spend": np.asarray(spend)})
    read = [as_floats(held[column]) for column in held]
    x, z = (np.full(len(held), np.nan) if v is None else v for v in read)
    with np.errstate(invalid="ignore"):
        wrong = {
            "frequency": (~(x >= 0) | (x != np.floor(x)), Message("whole numbers of repeat purchases")),
            "spend": ((x > 0) & ~(np.isfinite(z) & (z > 0)), Message("a positive mean of these purchases")),
        }
    problems = [
        Problem(
            found=str(held[name].iloc[np.flatnonzero(bad)[0]]), allowed=allowed, column=name,
            action=Message("correct it, or leave the customer out"),
            row=int(np.flatnonzero(bad)[0]) + 1, count=int(bad.sum()),
        )
        for name, (bad, allowed) in wrong.items()
        if bad.any()
    ]  # fmt: skip
    if problems:
        raise AnalysisError("the history of purchases cannot be used", problems=problems)
    return x, np.where(x > 0, z, 0.0)


def _loglik(parameters: Array, x: Array, z: Array) -> Array:
    p, q, v = parameters
    own = special.gammaln(p * x + q) - special.gammaln(p * x) - special.gammaln(q) + q * np.log(v)
    return np.asarray(own + (p * x - 1) * np.log(z) + p * x * np.log(x) - (p * x + q) * np.log(v + x * z))


def expected(parameters: Array, x: Array, z: Array) -> Array:
    """Return the spend expected per purchase at these parameters; missing where its mean is infinite."""
    p, q, v = parameters
    left = p * x + q - 1
    return np.asarray(np.where(left > 0, p * (v + x * z) / np.where(left > 0, left, 1.0), np.nan))


def _claims(fitted: Maximum, n: int, level: float, together: float) -> tuple[Claim, ...]:
    """Say what the average customer spends a purchase; nothing where that mean is infinite."""
    if fitted.estimate[1] <= 1:
        return ()

    def mean(parameters: Array) -> float:
        return float(expected(parameters, np.zeros(1), np.zeros(1))[0])

    estimate = mean(fitted.estimate)
    reach = float(np.exp(t_quantile(level) * float(fitted.error_of(mean)[0]) / estimate))
    fields = {
        "estimate": estimate, "conf_low": estimate / reach, "conf_high": estimate * reach, "level": level,
        "unit": "money", "n": n,
    }  # fmt: skip
    caveats = ("model_not_observed", *(("spend_with_frequency",) if abs(together) > _APART else ()))
    return (Claim("economics.spend", fields, "D", caveats),)
