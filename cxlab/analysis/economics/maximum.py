"""Maximum likelihood of a few positive parameters, with errors, and refused where there is no maximum."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize

from cxlab.analysis.estimates import flags, t_quantile
from cxlab.errors import AnalysisError

Array = np.ndarray[Any, Any]

_CONVERGED = 1e-8  # what one more Newton step would still add to the log-likelihood
_ENDLESS = 12.0  # logarithm that no finite estimate reaches: a parameter of 160,000, or of 1 in 160,000
_STEP = 1e-4  # of numerical derivatives, on the logarithm of a parameter
_NEWTON = 30


@dataclass(frozen=True, slots=True, eq=False)
class Maximum:
    """The parameters `names` at the maximum: `estimate` (p,), the `covariance` (p, p) of their logarithms."""

    names: tuple[str, ...]
    estimate: Array
    covariance: Array
    loglik: float

    def table(self, n: int, level: float) -> pd.DataFrame:
        """Return parameter, estimate, std_error, conf_low, conf_high (log scale), n, flag."""
        error = np.sqrt(np.diag(self.covariance))
        reach = np.exp(t_quantile(level) * error)
        return pd.DataFrame(
            {
                "parameter": self.names,
                "estimate": self.estimate,
                "std_error": self.estimate * error,
                "conf_low": self.estimate / reach,
                "conf_high": self.estimate * reach,
                "n": n,
                "flag": flags([n] * len(self.names)),
            }
        )

    def error_of(self, quantity: Callable[[Array], Any]) -> Array:
        """Return the standard error of `quantity` (of the parameters), by the delta method."""
        slopes = _slopes(lambda logs: np.atleast_1d(quantity(np.exp(logs))), np.log(self.estimate))
        return np.asarray(np.sqrt(np.maximum(((slopes @ self.covariance) * slopes).sum(axis=1), 0.0)))


def maximum(
    loglik: Callable[[Array], float], start: Sequence[float], names: Sequence[str], *, model: str
) -> Maximum:
    """Maximise `loglik` over positive parameters from `start`, on their logarithms.

    Raises
    ------
    AnalysisError
        Where the likelihood keeps growing as a parameter runs to zero or without end, or is flat.
    """

    def cost(logs: Array) -> float:
        value = loglik(np.exp(np.clip(logs, -2 * _ENDLESS, 2 * _ENDLESS)))
        return -value if np.isfinite(value) else 1e300

    begin = np.log(np.asarray(start, dtype=float))
    rough = optimize.minimize(
        cost, begin, jac=lambda x: _slopes(lambda y: np.array([cost(y)]), x)[0], method="BFGS"
    )
    logs = np.asarray(rough.x, dtype=float)
    _check_finite(logs, names, model)
    for _ in range(_NEWTON):
        gradient, curvature = _slopes(lambda x: np.array([cost(x)]), logs)[0], _curvature(cost, logs)
        if np.linalg.eigvalsh(curvature)[0] <= 0:
            break
        step = np.linalg.solve(curvature, gradient)
        if float(gradient @ step) < _CONVERGED:
            return Maximum(tuple(names), np.exp(logs), np.linalg.inv(curvature), -cost(logs))
        while cost(logs - step) > cost(logs) and np.abs(step).max() > _CONVERGED:
            step = step / 2
        logs = logs - step
        _check_finite(logs, names, model)
    raise AnalysisError(
        "{model} did not converge: its likelihood is flat in {parameters}; give more customers or periods",
        model=model, parameters=", ".join(names),
    )  # fmt: skip


def _check_finite(logs: Array, names: Sequence[str], model: str) -> None:
    far = int(np.abs(logs).argmax())
    if abs(logs[far]) > _ENDLESS:
        raise AnalysisError(
            "{model} has no finite estimate: {parameter} runs to {value:.2g}; the customers are too few or "
            "too alike for it (the model needs that they differ), so use a plain rate instead",
            model=model, parameter=names[far], value=float(np.exp(logs[far])),
        )  # fmt: skip


def _slopes(of: Callable[[Array], Array], at: Array) -> Array:
    """Central differences of `of` (values,) at `at` (p,): (values, p)."""
    steps = _STEP * np.eye(len(at))
    return np.column_stack([(of(at + step) - of(at - step)) / (2 * _STEP) for step in steps])


def _curvature(of: Callable[[Array], float], at: Array) -> Array:
    """Second derivatives of `of` at `at`, by central differences."""
    size, step = len(at), 10 * _STEP * np.eye(len(at))
    found, middle = np.empty((size, size)), of(at)
    for i in range(size):
        found[i, i] = (of(at + step[i]) - 2 * middle + of(at - step[i])) / (10 * _STEP) ** 2
        for j in range(i):
            corners = of(at + step[i] + step[j]) - of(at + step[i] - step[j])
            corners -= of(at - step[i] + step[j]) - of(at - step[i] - step[j])
            found[i, j] = found[j, i] = corners / (20 * _STEP) ** 2
    return found
