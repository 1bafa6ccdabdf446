"""Risks of customers by a fitted model: what is asked of it, its fit, the chance of leaving from now on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.dropped import entering, missing
from cxlab.analysis.estimates import LOW_BASE, weights_of
from cxlab.analysis.survival import predicted
from cxlab.analysis.survival.cutoff import ANSWERED, DURATION, ENTRY, EVENT, SINCE, filled
from cxlab.analysis.survival.hazards import Hazards, hazards
from cxlab.analysis.survival.leaks import audit_leaks
from cxlab.errors import AnalysisError

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of every fit and score."""

    covariates: tuple[str, ...]
    scores: tuple[str, ...]
    strata: tuple[str, ...]
    weights: str | None
    value: str | float | None
    id: str
    horizon: int
    level: float
    by: tuple[str, ...] = ()

    @property
    def columns(self) -> list[str]:
        """The columns of the model."""
        return [*self.covariates, *self.scores, *([ANSWERED] if self.scores else [])]


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A model, and the means that stand for scores not given."""

    model: Hazards
    means: Mapping[str, float]


def audited(past: pd.DataFrame, asked: Asked, known: Sequence[str]) -> pd.DataFrame:
    """Return a whole history, if no covariate in it was made by leaving.

    It is the whole that tells: until a cut-off date, what a later departure made looks like foresight.
    """
    table = past[list(dict.fromkeys([DURATION, EVENT, ENTRY, *asked.covariates]))]
    table.attrs |= {name: past.attrs[name] for name in ("after_event", "scales") if name in past.attrs}
    audit_leaks(table, DURATION, EVENT, asked.covariates, entry=ENTRY, known=known)
    return past


def fitted(past: pd.DataFrame, asked: Asked) -> Fitted:
    """Fit the model to a history of episodes (`cutoff.history`)."""
    means = {name: float(past[name].mean()) for name in asked.scores}
    table = filled(past, asked.scores, means)
    columns = list(dict.fromkeys([DURATION, EVENT, ENTRY, *asked.columns, *asked.strata]))
    table = table[[*columns, *([asked.weights] if asked.weights else [])]]
    table.attrs |= {name: past.attrs[name] for name in ("scales",) if name in past.attrs}
    model = hazards(
        table, DURATION, EVENT, asked.columns, entry=ENTRY, strata=asked.strata, weights=asked.weights,
        level=asked.level,
    )  # fmt: skip
    return Fitted(model, means)


def risk_of(fit: Fitted, customers: pd.DataFrame, asked: Asked) -> tuple[Array, float]:
    """Return the risk of leaving within the horizon from `since`, and the share scored by extrapolation."""
    tilt, stratum = predicted.tilted(fit.model.model, filled(customers, asked.scores, fit.means))
    since, risk, beyond = customers[SINCE].to_numpy(dtype=float), np.zeros(len(customers)), 0
    for code, base in enumerate(fit.model.model.baselines):
        own = stratum == code
        time, total = np.r_[0.0, base.time], np.r_[0.0, np.cumsum(base.step)]
        ample = base.time[base.at_risk >= LOW_BASE]
        reach = float(ample.max() if len(ample) else base.time.max())
        back = min(float(asked.horizon), reach)
        pace = (np.interp(reach, time, total) - np.interp(reach - back, time, total)) / back
        to, so_far = since[own] + asked.horizon, since[own]
        used = [
            np.interp(np.minimum(t, reach), time, total) + pace * np.maximum(t - reach, 0)
            for t in (to, so_far)
        ]
        risk[own] = -np.expm1(-tilt[own] * (used[0] - used[1]))
        beyond += int((to > reach).sum())
    return risk, beyond / max(len(customers), 1)


def scored(fit: Fitted, customers: pd.DataFrame, asked: Asked) -> pd.DataFrame:
    """Return id, risk, decile and value of today's customers."""
    risk, _ = risk_of(fit, customers, asked)
    order = pd.Series(-risk).rank(method="first").to_numpy()
    decile = np.ceil(10 * order / max(len(risk), 1)).astype(int)
    found = pd.DataFrame({"risk": risk, "decile": decile, "value": worth(customers, asked)})
    if asked.id in customers:
        found.insert(0, asked.id, customers[asked.id].to_numpy())
    return found


def complete(customers: pd.DataFrame, asked: Asked) -> tuple[pd.DataFrame, dict[str, int]]:
    """Leave out customers without a covariate, a stratum, a weight or a worth, and count them."""
    worth = [asked.value] if isinstance(asked.value, str) else []
    needed = [*asked.covariates, *asked.strata, *([asked.weights] if asked.weights else []), *worth]
    reasons = [(missing(c), customers[c].isna().to_numpy()) for c in dict.fromkeys(needed)]
    kept, dropped = entering(len(customers), reasons)
    if not kept.any():
        raise AnalysisError(
            "no customer is left to score at the cut-off date; take another, or other columns"
        )
    return customers[kept], dropped


def weights_asked(customers: pd.DataFrame, asked: Asked) -> Array | None:
    """Return the sampling weights, or None without."""
    return None if asked.weights is None else weights_of(customers, asked.weights)


def worth(customers: pd.DataFrame, asked: Asked) -> Array:
    """Return what keeping each customer is worth over the horizon."""
    if isinstance(asked.value, str):
        return np.asarray(customers[asked.value].to_numpy(dtype=float) * asked.horizon)
    return np.full(len(customers), float(asked.value or 0) * asked.horizon)


def categories(customers: pd.DataFrame, asked: Asked) -> pd.DataFrame | None:
    """Return the columns in which predicted is compared with observed; a blank is a category of its own."""
    held = [customers[c].astype(object).where(customers[c].notna(), "").rename(c) for c in asked.by]
    return pd.concat(held, axis=1) if held else None
