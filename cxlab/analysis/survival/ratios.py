"""Hazard ratios of a risk table and a design: fit, tests, claims, and what predictions need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from cxlab.analysis.estimates import Result, adjusted, flags, t_quantile
from cxlab.analysis.survival import cox, predicted, proportional
from cxlab.analysis.survival.claims import hazard_findings
from cxlab.analysis.survival.design import Design
from cxlab.analysis.survival.observed import Observed
from cxlab.analysis.survival.together import People
from cxlab.errors import AnalysisError

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class Hazards(Result):
    """Hazard ratios; `checks` tests whether they hold over time, `concordance` how they order customers.

    ``tables["baseline"]``: the strata, time, at_risk, events, cumulative_hazard and survival of a customer
    with the covariates' means, flag.
    """

    checks: pd.DataFrame
    concordance: float
    model: predicted.Model
    refit: Hazards | None = None

    def survival(
        self, table: pd.DataFrame, times: Sequence[float], *, since: str | None = None
    ) -> pd.DataFrame:
        r"""Return the probability of still being here at each time.

        Parameters
        ----------
        table : DataFrame (n, any)
            The customers, with the covariates and strata of the model; no outcome is needed.
        times : sequence of float
            Counted from the start, as the durations are.
        since : str, optional
            Column with how long each customer has been here: the probability is then conditional on it.

        Returns
        -------
        DataFrame (n, times)
            Index of `table`, one column for each time: :math:`\exp(-(H_0(t) - H_0(u)) e^{(x-\bar x)\beta})`,
            u the time so far (0 without `since`) and 1 up to it; NaN after the last time observed in the
            model's data: nothing is extrapolated.

        Raises
        ------
        AnalysisError
            For blanks and for levels or strata the model has not seen.
        """
        return predicted.survival(self.model, table, times, since)

    def ahead(self, table: pd.DataFrame, months: Sequence[float], *, since: str) -> pd.DataFrame:
        """Return the probability of still being here so many months after `since`, else as `survival`."""
        return predicted.ahead(self.model, table, months, since)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Asked:
    """What an estimate is made of: the cells, whose they are, their covariates, and the choices made.

    `cluster` and `pieces` (codes of the cells, or None) say which count together in robust errors. Where
    `design` has columns for each period, cut at `edges`, predictions code by `whole`, and `place` (periods,
    columns of `whole`) says which column of `design` holds a column's effect in each.
    """

    who: Observed
    people: People
    design: Design
    strata: Sequence[str]
    level: float
    transform: proportional.Transform
    late_entry: bool
    undated: bool
    before: bool
    cause: str | None
    settings: Mapping[str, Any]
    cluster: Array | None = None
    pieces: Array | None = None
    whole: Design | None = None
    place: Array | None = None
    edges: Array = field(default_factory=lambda: np.empty(0))

    @property
    def everyone(self) -> Array:
        """Marks all cells."""
        return np.ones(len(self.who.count), dtype=bool)

    @property
    def robust(self) -> bool:
        """Whether errors are those of Lin & Wei."""
        return self.who.weight is not None or self.cluster is not None

    @property
    def degrees(self) -> float:
        """Degrees of freedom: of robust errors the effective number of departures less the columns."""
        if not self.robust:
            return float("inf")
        left = self.who.event
        if self.cluster is None:
            effective = self.people.n_eff(left)
        else:
            gone = np.bincount(self.cluster[left], self.who.amount[left])
            effective = float(gone.sum() ** 2 / (gone**2).sum())
        return float(max(effective - len(self.design.names), 1.0))


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A fit: who was at risk when, the maximum found, and the stratum (codes) of each cell."""

    risk: cox.Risk
    found: cox.CoxFit
    stratum: Array


def fit(asked: Asked) -> Fitted:
    """Fit the model."""
    design, stratum = asked.design, stratum_of(asked.strata, asked.who)
    together = {"cluster": asked.cluster, "pieces": asked.pieces}
    risk = cox.at_risk(asked.who, design.standard, stratum, row=design.row, **together)
    try:
        return Fitted(risk, cox.fit(risk, robust=asked.robust), stratum)
    except cox.Diverged as diverged:
        raise AnalysisError(
            "the hazard of {covariate!r} has no finite estimate: on one side of it nobody leaves "
            "before the others; merge categories or leave it out",
            covariate=design.names[diverged.column],
        ) from None


def told(asked: Asked, fitted: Fitted) -> Hazards:
    """Say what a fit shows."""
    who, design, level, robust = asked.who, asked.design, asked.level, asked.robust
    risk, found, stratum = fitted.risk, fitted.found, fitted.stratum
    main = _table(asked, found)
    tests = pd.DataFrame(
        {"hypothesis": [f"hazard {n}" for n in design.names], **main[["covariate", "p_value", "p_adjusted"]]}
    )
    checks = proportional.checks(design, who, risk, found, asked.transform, level, robust=robust)
    claims, otherwise = hazard_findings(main, tests, checks, who, _facts(asked))
    place = np.arange(len(design.names))[None, :] if asked.place is None else asked.place
    beta = (found.beta / design.sd)[place]
    model = predicted.model_of(
        asked.whole or design, beta, asked.edges, who, risk, found, asked.strata, stratum
    )
    tables = {"checks": checks, "tests": tests, "baseline": model.table()}
    if len(proportional.changing(checks, level)):
        tables["over_time"] = proportional.over_time(design, who, asked.people, risk, level, robust=robust)
    return Hazards(
        table=main,
        keys=("covariate", "start", "end", "level"),
        tables=tables,
        n_used=int(asked.settings["rows"]),
        n_dropped=who.dropped,
        settings={
            **{k: v for k, v in asked.settings.items() if k != "rows"},
            "strata": list(asked.strata), "level": level, "transform": asked.transform, "ties": "Efron",
            "robust": robust, "events": who.events, "references": design.references,
            "loglik_null": found.loglik_null, "loglik": found.at.loglik,
        },
        claims=claims,
        otherwise=otherwise,
        checks=checks,
        concordance=cox.concordance(risk, found.beta),
        model=model,
    )  # fmt: skip


def stratum_of(strata: Sequence[str], who: Observed) -> Array:
    """Return the crossed category of each cell (codes, n)."""
    if not strata:
        return np.zeros(len(who.count), dtype=int)
    return who.labels.groupby(list(strata), sort=True, observed=True).ngroup().to_numpy()


def _table(asked: Asked, found: cox.CoxFit) -> pd.DataFrame:
    who, design, people = asked.who, asked.design, asked.people
    beta, error = found.beta / design.sd, np.sqrt(np.diag(found.covariance)) / design.sd
    df = asked.degrees
    reach = t_quantile(asked.level, df) * error
    p = 2 * stats.t.sf(np.abs(beta / error), df)
    measured, held = design.measured, design.held.T
    marks = [asked.everyone if mark.all() else mark[design.row] for mark in held]
    n = [people.n(mark) for mark in marks]
    left = np.bincount(design.row, who.count * who.event, held.shape[1])
    return pd.DataFrame(
        {
            "covariate": design.names,
            "estimate": beta,
            "std_error": error,
            "hazard_ratio": np.exp(beta),
            "conf_low": np.exp(beta - reach),
            "conf_high": np.exp(beta + reach),
            "p_value": p,
            "p_adjusted": adjusted(p, "holm"),
            "sd": np.where(design.single, design.sd, np.nan),
            "hazard_ratio_sd": np.where(measured, np.exp(found.beta), np.nan),
            "conf_low_sd": np.where(measured, np.exp(found.beta - reach * design.sd), np.nan),
            "conf_high_sd": np.where(measured, np.exp(found.beta + reach * design.sd), np.nan),
            "n": n,
            "events": (held @ left).round().astype(int),
            "n_eff": [people.n_eff(mark) for mark in marks],
            "flag": flags(n),
        }
    )


def _facts(asked: Asked) -> dict[str, Any]:
    design = asked.design
    unit = {n: 1 if yes else "SD" for n, yes in zip(design.names, design.binary, strict=True)}
    column = dict(zip(design.names, design.column, strict=True))
    return {
        "level": asked.level, "late_entry": asked.late_entry, "undated": asked.undated,
        "before": asked.before, "cause": asked.cause,
        "n": asked.people.n(asked.everyone),
        "unit": unit, "reference": design.references, "column": column,
    }  # fmt: skip
