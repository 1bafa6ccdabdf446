r"""Distributions of a customer's lifetime: what each takes to come after what was observed.

Fitted to the risk table with entry and censoring: who leaves in the month until t has :math:`S(t-1) - S(t)`,
who is still here :math:`S(t)`, all given :math:`S(entry)`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from cxlab.analysis.economics.cohorts import survival_of
from cxlab.analysis.economics.maximum import maximum
from cxlab.analysis.economics.money import Terms
from cxlab.analysis.survival.observed import Observed
from cxlab.errors import AnalysisError

Array = np.ndarray[Any, Any]
Survival = Callable[[Array, Array], Array]

_WIDTH = 1e-3  # of the longest duration: the interval of a departure whose time is not a whole month
_LEAST = 1e-300


def exponential(parameters: Array, t: Array) -> Array:
    """Give all one hazard, for ever."""
    return np.asarray(np.exp(-t / parameters[0]))


def weibull(parameters: Array, t: Array) -> Array:
    """Let the hazard rise or fall as a power of time."""
    return np.asarray(np.exp(-((t / parameters[0]) ** parameters[1])))


def lognormal(parameters: Array, t: Array) -> Array:
    """Let the hazard rise, then fall."""
    with np.errstate(divide="ignore"):
        return np.asarray(special.ndtr((np.log(parameters[0]) - np.log(t)) / parameters[1]))


# Name, survival, parameters, and where to start given the mean lifetime. sBG: customers who differ.
DISTRIBUTIONS: dict[str, tuple[Survival, tuple[str, ...], Callable[[float], list[float]]]] = {
    "exponential": (exponential, ("scale",), lambda mean: [mean]),
    "weibull": (weibull, ("scale", "shape"), lambda mean: [mean, 1.0]),
    "lognormal": (lognormal, ("median", "sigma"), lambda mean: [0.7 * mean, 1.2]),
    "sbg": (survival_of, ("alpha", "beta"), lambda mean: [1.0, max(mean / 2, 1.0)]),
}


def compared(who: Observed, terms: Terms, tenure: float) -> pd.DataFrame:
    """Return what a customer is worth under each distribution, however far the horizon.

    Returns
    -------
    DataFrame
        distribution, aic (missing, with its value, where it has no maximum), estimate, extrapolated_share.
    """
    free = Terms(terms.margin, terms.horizon, terms.discount, terms.payment, "constant", terms.observed)
    t = np.arange(terms.horizon + 1)
    rows = []
    for name, (survival, names, start) in DISTRIBUTIONS.items():
        row = {"distribution": name, "aic": np.nan, "estimate": np.nan, "extrapolated_share": np.nan}
        rows.append(row)
        if name == "sbg" and not _whole(who):
            continue
        try:
            mean = float(who.count @ (who.duration - who.entry)) / who.events
            found = maximum(lambda p, s=survival: _loglik(who, p, s), start(mean), names, model=name)  # type: ignore[misc]
        except AnalysisError:
            continue
        share = survival(found.estimate, tenure + t) / survival(found.estimate, np.array([tenure]))
        worth = float(free.worth(share))
        row |= {"aic": 2 * len(names) - 2 * found.loglik, "estimate": worth}
        row["extrapolated_share"] = float(free.beyond(share)) / worth
    return pd.DataFrame(rows)


def _whole(who: Observed) -> bool:
    return bool((who.duration == np.floor(who.duration)).all() and (who.entry == np.floor(who.entry)).all())


def _loglik(who: Observed, parameters: Array, survival: Survival) -> float:
    width = 1.0 if _whole(who) else _WIDTH * float(who.duration.max())
    here = survival(parameters, who.duration)
    before = survival(parameters, np.maximum(who.duration - width, 0.0))
    entered = survival(parameters, who.entry)
    own = np.where(who.event, before - here, here)
    return float(who.count @ (np.log(np.maximum(own, _LEAST)) - np.log(np.maximum(entered, _LEAST))))
