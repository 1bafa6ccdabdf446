"""What goes with leaving: hazard ratios of covariates, and whether they hold over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from cxlab.analysis.columns import check_categories, named, records
from cxlab.analysis.estimates import Result, adjusted, check_level, flags, t_quantile
from cxlab.analysis.survival import cox, leaks, predicted
from cxlab.analysis.survival.claims import hazard_findings
from cxlab.analysis.survival.curves import event_sums, risk_sums
from cxlab.analysis.survival.design import Design, binary, check_covariates, design_of
from cxlab.analysis.survival.observed import Observed, check_roles, observed
from cxlab.errors import AnalysisError, Message

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


def hazards(
    table: pd.DataFrame,
    duration: str,
    event: str,
    covariates: Sequence[str],
    *,
    entry: str | None = None,
    strata: Sequence[str] = (),
    weights: str | None = None,
    level: float = 0.95,
) -> Hazards:
    r"""Estimate how the risk of leaving goes with each covariate, the others held fixed.

    Parameters
    ----------
    table : DataFrame (n, any)
        One row per customer.
    duration, event : str
        Months (or another unit) until the customer left or was last seen, above 0; 1 left, 0 still here.
    covariates : sequence of str
        Numbers as they are; text, categories and booleans as 0/1 columns against the most frequent level.
        Known before the risk begins. Rows with a missing one are dropped and counted.
    entry : str, optional
        When the customer came under observation (such as the month of the survey); at risk only from then on.
    strata : sequence of str
        Columns whose crossed categories have their own baseline hazard.
    weights : str, optional
        Column of sampling weights; errors are then robust. Never counts.
    level : float
        Confidence level.

    Returns
    -------
    Hazards
        ``table``: covariate (categories as "column: level"), estimate (log hazard ratio of one unit),
        std_error, hazard_ratio, conf_low, conf_high (of the hazard ratio), p_value (Wald), p_adjusted
        (Holm), sd, hazard_ratio_sd, conf_low_sd, conf_high_sd (of one SD; numbers other than 0/1), n,
        events, n_eff, flag. ``checks``: covariate, statistic, df, p_value (score test of proportional
        hazards, each alone, as R's cox.zph), joint_statistic, joint_p_value (all at once), p_adjusted
        (Holm on the joint), advice. ``survival`` predicts.

    Raises
    ------
    AnalysisError
        As `retention`; for covariates that leaving made (`audit_leaks`), constant, collinear or
        duration-like ones, levels without events, too many categories, no or too few events.

    Notes
    -----
    :math:`h(t|x) = h_0(t) \exp(x \beta)`, ties after Efron, time for the tests of proportionality on the
    Kaplan-Meier scale. The joint test decides: the test of one covariate alone also rejects for what its
    neighbours do. With weights the errors are those of Lin & Wei, and intervals and tests use Student's t on
    the effective number of departures, because the sandwich alone is too narrow.

    References
    ----------
    Cox (1972), doi:10.1111/j.2517-6161.1972.tb00899.x; Efron (1977), doi:10.1080/01621459.1977.10480613;
    Grambsch & Therneau (1994), doi:10.1093/biomet/81.3.515.

    Examples
    --------
    >>> months, left = [2, 3, 5, 6, 8, 9, 12, 12, 12, 12], [1, 1, 1, 1, 1, 1, 0, 0, 0, 0]
    >>> customers = pd.DataFrame({"months": months, "left": left, "ease": [2, 3, 2, 5, 4, 3, 6, 5, 7, 4]})
    >>> result = hazards(customers, "months", "left", ["ease"])
    >>> result.table[["covariate", "hazard_ratio", "n", "events"]].round(2).values.tolist()
    [['ease', 0.37, 10, 6]]
    """
    check_level(level)
    covariates, strata = named(covariates), named(strata)
    check_covariates(covariates)
    roles: dict[str, Sequence[str | None]] = {"the duration": [duration], "the event": [event]}
    roles |= {"the entry": [entry], "the weights": [weights], "a covariate": covariates, "a stratum": strata}
    check_roles(roles)
    who = observed(table, duration, event, entry=entry, weights=weights, needed=[*covariates, *strata])
    check_categories(who.labels, strata)
    design = design_of(covariates, who, table)
    stratum = _stratum(strata, who)
    risk = cox.at_risk(who, (design.values - design.mean) / design.sd, stratum)
    robust = who.weight is not None
    try:
        found = cox.fit(risk, robust=robust)
    except cox.Diverged as diverged:
        raise AnalysisError(
            "the hazard of {covariate!r} has no finite estimate: on one side of it nobody leaves "
            "before the others; merge categories or leave it out",
            covariate=design.names[diverged.column],
        ) from None
    columns = {name: design.values[:, own] for name, own in design.terms.items()}
    leaks.in_model(table, event, who, columns, design.references)
    main = _table(design, who, found, level)
    tests = pd.DataFrame(
        {"hypothesis": [f"hazard {n}" for n in design.names], **main[["covariate", "p_value", "p_adjusted"]]}
    )
    checks = _checks(design, who, risk, found, robust=robust, level=level)
    claims, otherwise = hazard_findings(main, tests, checks, who, _facts(design, level, entry))
    model = predicted.model_of(design, who, risk, found, strata, stratum)
    return Hazards(
        table=main,
        keys=("covariate",),
        tables={"checks": checks, "tests": tests, "baseline": model.table()},
        n_used=who.n,
        n_dropped=who.dropped,
        settings={
            "duration": duration, "event": event, "covariates": covariates, "entry": entry, "strata": strata,
            "weights": weights, "level": level, "ties": "Efron", "robust": robust,
            "events": who.events,
            "references": design.references, "loglik_null": found.loglik_null, "loglik": found.at.loglik,
        },
        claims=claims,
        otherwise=otherwise,
        checks=checks,
        concordance=cox.concordance(risk, found.beta),
        model=model,
    )  # fmt: skip


def _stratum(strata: Sequence[str], who: Observed) -> Array:
    if not strata:
        return np.zeros(len(who.count), dtype=int)
    return who.labels.groupby(list(strata), sort=True, observed=True).ngroup().to_numpy()


def _table(design: Design, who: Observed, found: cox.CoxFit, level: float) -> pd.DataFrame:
    beta, error = found.beta / design.sd, np.sqrt(np.diag(found.covariance)) / design.sd
    df = _degrees(who, len(beta))
    reach = t_quantile(level, df) * error
    p = 2 * stats.t.sf(np.abs(beta / error), df)
    single = np.array([column not in design.references for column in design.column])
    measured = single & ~binary(design)
    members = [
        np.ones(len(who.event), dtype=bool) if s else v == 1
        for s, v in zip(single, design.values.T, strict=True)
    ]
    n = [int(who.count[m].sum()) for m in members]
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
            "sd": np.where(single, design.sd, np.nan),
            "hazard_ratio_sd": np.where(measured, np.exp(found.beta), np.nan),
            "conf_low_sd": np.where(measured, np.exp(found.beta - reach * design.sd), np.nan),
            "conf_high_sd": np.where(measured, np.exp(found.beta + reach * design.sd), np.nan),
            "n": n,
            "events": [int(who.count[who.event & m].sum()) for m in members],
            "n_eff": [who.n_eff(m) for m in members],
            "flag": flags(n),
        }
    )


def _degrees(who: Observed, columns: int) -> float:
    """Degrees of freedom of the tests: with weights the effective number of departures less the columns."""
    return float("inf") if who.weight is None else max(who.n_eff(who.event) - columns, 1.0)


def _checks(
    design: Design, who: Observed, risk: cox.Risk, found: cox.CoxFit, *, robust: bool, level: float
) -> pd.DataFrame:
    """Proportional hazards: the tests of each covariate and of all, with what to do where they reject."""
    times = np.unique(risk.order)
    every = np.unique(who.duration)
    hazard = event_sums(every, who, who.amount) / risk_sums(every, who, who.amount)
    before = np.concatenate([[1.0], np.cumprod(1 - hazard)[:-1]])
    g = 1 - before[np.searchsorted(every, risk.order)]
    terms = design.terms
    if len(times) < 2:
        terms = {}
    results = cox.proportionality(risk, found, g, list(terms.values()), robust=robust) if terms else []
    rows = [
        {"covariate": name, "statistic": t.statistic, "df": t.df, "p_value": t.p_value,
         "joint_statistic": t.joint_statistic, "joint_p_value": t.joint_p_value}
        for name, t in zip([*terms, "GLOBAL"], results, strict=bool(results))
    ]  # fmt: skip
    checks = pd.DataFrame(
        rows, columns=["covariate", "statistic", "df", "p_value", "joint_statistic", "joint_p_value"]
    )
    own = np.where(checks["covariate"] == "GLOBAL", np.nan, checks["joint_p_value"].astype(float))
    checks["p_adjusted"] = adjusted(own, "holm")
    checks["advice"] = [_advice(row, level) for row in records(checks)]
    return checks


def _advice(row: Mapping[str, Any], level: float) -> str:
    if row["covariate"] == "GLOBAL" or not row["p_adjusted"] <= 1 - level:
        return ""
    return Message(
        "the effect of {covariate} changes over time: its hazard ratio is an average; put it among the "
        "strata, or analyse the time before and after the change apart",
        covariate=row["covariate"],
    )


def _facts(design: Design, level: float, entry: str | None) -> dict[str, Any]:
    unit = {n: 1 if yes else "SD" for n, yes in zip(design.names, binary(design), strict=True)}
    column = dict(zip(design.names, design.column, strict=True))
    names = {"unit": unit, "reference": design.references, "column": column}
    return {"level": level, "late_entry": entry is not None, **names}
