"""What an improvement of the experience would be worth: money, its chance of paying, and its doubts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from cxlab.analysis.columns import as_floats, named
from cxlab.analysis.economics.claims import improvement_findings
from cxlab.analysis.economics.doubts import Asked, doubts_of
from cxlab.analysis.economics.money import FORMULAS, Payment, Programme, Tail, Terms
from cxlab.analysis.economics.standardised import (
    KAPPAS,
    Change,
    Curves,
    Fitted,
    fitted,
    having,
    resampled,
    scenario_of,
    started,
)
from cxlab.analysis.economics.worth import Worth, table_of
from cxlab.analysis.estimates import (
    Result,
    check_columns,
    check_level,
    check_numbers,
    check_seed,
    whole_from,
)
from cxlab.analysis.survival import hazards
from cxlab.analysis.survival.observed import check_roles, observed
from cxlab.errors import AnalysisError, Message

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class Improvement(Result):
    """What a change of the experience would be worth, with intervals, and what would change the answer."""


def improvement(
    table: Any,
    duration: str,
    event: str,
    *,
    change: Change,
    covariates: Sequence[str],
    margin: float | str,
    horizon: int,
    discount: float,
    cost: float,
    uptake: float,
    resamples: int = 400,
    seed: int = 0,
    entry: str | None = None,
    strata: Sequence[str] = (),
    level: float = 0.95,
    treated: float | None = None,
    tenure: float | None = None,
    payment: Payment = "advance",
    tail: Tail = "refuse",
    causal_share: float = 1.0,
    experiment: tuple[float, float] | None = None,
    lags: Sequence[float] = (1, 3, 6),
    control_outcome: str | None = None,
    control_exposure: str | None = None,
    ranges: Mapping[str, tuple[float, float]] | None = None,
    currency: str = "",
) -> Improvement:
    r"""Estimate what moving customers from one experience to another would be worth in money.

    Parameters
    ----------
    table : DataFrame (n, any), or whatever `survival.hazards` takes
        One row per customer.
    duration, event : str
        Months until the customer left or was last seen, above 0; 1 left, 0 still here.
    change : Mapping
        What is changed: ``{"nps_class": ("detractor", "passive")}`` moves those of the first category to the
        second; ``{"pxi": 10}`` adds 10 to everybody, up to the highest value seen. Several are made together,
        for those who have all first values.
    covariates : sequence of str
        What is held fixed, known before the risk begins (contract, segment, price...). The changed columns
        enter by themselves.
    margin : float or str
        Money a month that a customer leaves; or a column of it, whose mean over the treated is taken.
    horizon : int
        Months of payments counted.
    discount : float
        Yearly rate.
    cost : float
        Total cost of the programme.
    uptake : float
        Share of the treated who do change.
    resamples, seed : int
        Bootstrap samples of customers, and their seed.
    entry : str, optional
        When the customer came under observation, such as the month of the survey.
    strata : sequence of str
        Columns whose crossed categories have their own baseline hazard.
    level : float
        Confidence level.
    treated : float, optional
        Customers the programme reaches; those of the table that the change is for unless given.
    tenure : float
        Months the treated have been here; the value is of what comes after, :math:`S(u+t)/S(u)`.
    payment : {"advance", "arrears"}
        Whether a month is paid at its start or at its end.
    tail : {"refuse", "nothing", "constant"}
        What holds beyond the months observed: refuse such a horizon, count no money, or go on with the
        hazard of the last year observed.
    causal_share : float
        Share of the association that is taken as causal.
    experiment : (float, float), optional
        Log hazard ratio of the change and its error from an experiment; replaces the observed one.
    lags : sequence of float
        Months after entry within which departures are left out, to see whether the effect outlives them.
    control_outcome, control_exposure : str, optional
        A departure that the experience cannot cause (0/1), an exposure that cannot cause departures.
    ranges : Mapping, optional
        ``{"margin": (low, high), ...}`` for the tornado, of margin, cost, uptake, discount, causal_share,
        horizon; otherwise a fifth less and more, no discount to twice it, half of the effect to all of it,
        half to one and a half times the horizon.
    currency : str
        Code of the currency, for the texts.

    Returns
    -------
    Improvement
        ``table``: quantity (hazard_ratio, delta_survival_months, cltv_now, cltv_changed, delta_cltv, npv,
        roi, probability_roi_positive, break_even_cost per customer who changes, payback_month,
        break_even_causal_share, extrapolated_share), estimate, std_error, conf_low, conf_high (percentiles
        of the resamples), measure, n (treated), flag. ``tables``: curves (state, month: share still here),
        payback (month: what came in less the cost), causal_share (npv and roi by share), returns (density
        of the roi), lags, controls, evalues, crude, tornado, checks (proportional hazards), tests.

    Raises
    ------
    AnalysisError
        As `survival.hazards`; for a change that is for nobody or to what nobody has, a horizon beyond what
        was observed without a declared tail, amounts that make no sense.

    Notes
    -----
    :math:`\Delta = E_{X|treated}[CLTV(changed, X) - CLTV(now, X)]` with S from a Cox model (Efron);
    :math:`NPV = N \cdot uptake \cdot \Delta - cost`, :math:`ROI = NPV / cost`. Samples are drawn on the
    cells of the risk table, which is drawing customers. Without an experiment it supposes that nothing
    unmeasured moves both experience and leaving; the tables say how much of that it can bear.

    References
    ----------
    Hernán & Robins (2020), Causal Inference: What If, chapter 13; VanderWeele & Ding (2017),
    doi:10.7326/M16-2607.

    Examples
    --------
    >>> rng = np.random.default_rng(4)
    >>> nps = rng.choice(["detractor", "passive"], 2000)
    >>> left = np.ceil(rng.exponential(np.where(nps == "detractor", 20, 40)))
    >>> customers = pd.DataFrame({"nps": nps, "months": np.minimum(left, 24), "left": left <= 24})
    >>> found = improvement(customers, "months", "left", change={"nps": ("detractor", "passive")},
    ...     covariates=[], margin=10, horizon=24, discount=0.1, cost=5000, uptake=0.5, resamples=50)
    >>> round(float(found.table.set_index("quantity").loc["delta_survival_months", "estimate"]), 1)
    3.8
    """
    check_level(level)
    check_seed(seed)
    check_numbers(
        ("resamples", resamples, lambda v: whole_from(v, 40), Message("a whole number, 40 or more")),
        ("tenure", tenure or 0.0, lambda v: 0 <= v < np.inf, Message("months so far, zero or more")),
        ("causal_share", causal_share, lambda v: 0 <= v <= 1, Message("a share between 0 and 1")),
    )
    moved = _check_change(change, experiment)
    covariates, strata = [*moved, *(c for c in named(covariates) if c not in moved)], named(strata)
    check_roles(
        {
            "the duration": [duration],
            "the event": [event],
            "the entry": [entry],
            "a covariate": covariates,
            "a stratum": strata,
        }
    )
    model = hazards(table, duration, event, covariates, entry=entry, strata=strata, level=level)
    who = observed(table, duration, event, entry=entry, weights=None, needed=[*covariates, *strata])
    tenure = started(who, tenure)
    terms = Terms(1.0, horizon, discount, payment, tail)
    terms.check()
    months = np.arange(int(np.ceil(1.5 * horizon)) + 1)
    scenario = scenario_of(who, change, covariates, strata, months, tenure)
    paid, paid_error = _margin(table, margin, change)
    terms = Terms(paid, horizon, discount, payment, tail, scenario.observed_months)
    reached = float(scenario.n_treated if treated is None else treated)
    programme = Programme(terms, cost, uptake, reached)
    programme.check()
    shares = np.unique([*KAPPAS, causal_share])
    shift = experiment[0] if experiment else None
    point = fitted(scenario, who.count, shift=shift, kappas=shares)
    draws, failed = resampled(scenario, resamples, seed, experiment, shares)
    scale = _scales(paid, paid_error, resamples, seed)
    at = int(np.searchsorted(shares, causal_share))
    worth = Worth(programme, shares, at, whole=bool((who.duration == np.floor(who.duration)).all()))
    one = Curves(
        *(np.asarray(v)[None] for v in (point.curves.now, point.curves.changed, point.curves.log_ratio))
    )
    estimates, drawn = worth.quantities(one, np.ones(1)), worth.quantities(draws, scale)
    main = table_of(estimates, drawn, scenario.n_treated, level)
    asked = Asked(
        scenario, point, programme, shares, at, level, (duration, event, entry), covariates, strata, change,
        experiment,
    )  # fmt: skip
    controls = control_outcome, control_exposure
    doubts = doubts_of(table, asked, lags=lags, ranges=ranges or {}, controls=controls)
    tests = _tests(point, experiment)
    facts = {
        "change": change, "level": level, "entry": entry, "experiment": experiment, "horizon": horizon,
        "discount": discount, "uptake": uptake, "cost": cost, "currency": currency, "capped": scenario.capped,
        "n": scenario.n_treated, "events": who.events, "columns": len(scenario.design.names),
    }  # fmt: skip
    claims, otherwise = improvement_findings(main, tests, model.checks, doubts, facts)
    return Improvement(
        table=main,
        keys=("quantity", "state", "month", "causal_share", "lag", "control", "way", "parameter"),
        tables={
            "curves": worth.curves(one, draws, level, scenario.n_treated),
            "payback": worth.balances(one, draws, scale, level),
            "causal_share": worth.by_share(one, draws, scale, level),
            "returns": worth.returns(drawn["roi"]),
            **doubts.tables,
            "checks": model.checks,
            "tests": tests,
        },
        n_used=who.n,
        n_dropped=who.dropped,
        settings={
            "duration": duration, "event": event, "entry": entry, "covariates": covariates, "strata": strata,
            "change": {k: list(v) if isinstance(v, tuple) else v for k, v in change.items()},
            "margin": paid, "horizon": horizon, "discount": discount, "cost": cost, "uptake": uptake,
            "treated": reached, "tenure": tenure, "payment": payment, "tail": tail,
            "causal_share": causal_share, "experiment": list(experiment) if experiment else None,
            "observed_months": scenario.observed_months, "capped": scenario.capped, "level": level,
            "resamples": resamples, "resamples_failed": failed, "seed": seed, "currency": currency,
            "formula": f"{FORMULAS[payment]}; NPV = N uptake (CLTV changed - CLTV now) - cost; "
            "ROI = NPV / cost",
        },
        claims=claims,
        otherwise=otherwise,
    )  # fmt: skip


def _check_change(change: Change, experiment: tuple[float, float] | None) -> list[str]:
    """Refuse what names no change; return its columns."""
    usable = isinstance(change, Mapping) and bool(change)
    for step in change.values() if usable else ():
        pair = isinstance(step, tuple) and len(step) == 2 and step[0] != step[1]
        number = isinstance(step, int | float | np.number) and not isinstance(step, bool) and step != 0
        usable &= pair or (number and bool(np.isfinite(step)))
    if not usable:
        raise AnalysisError(
            "change is {change!r}; give a column and what becomes of it: "
            "{{'nps_class': ('detractor', 'passive')}} or {{'pxi': 10}}",
            change=change,
        )  # fmt: skip
    if experiment is not None and not (
        len(experiment) == 2 and np.isfinite(experiment).all() and experiment[1] > 0
    ):
        raise AnalysisError(
            "experiment is {experiment!r}; give the log hazard ratio of the change and its standard error",
            experiment=experiment,
        )
    return [str(column) for column in change]


def _margin(table: Any, margin: float | str, change: Change) -> tuple[float, float]:
    """Return the margin a month and its error: a number as it is, a column by its mean over the treated."""
    if not isinstance(margin, str):
        return margin, 0.0
    check_columns(table, [margin])
    own = np.ones(len(table), dtype=bool)
    for column, step in change.items():
        if isinstance(step, tuple):
            own &= having(table[column], step[0])
    values = as_floats(table.loc[own, margin])
    if values is None or np.isnan(values).all():
        raise AnalysisError("margin column {column!r} holds no amounts for the treated", column=margin)
    known = values[~np.isnan(values)]
    return float(known.mean()), float(known.std(ddof=1) / np.sqrt(len(known))) if len(known) > 1 else 0.0


def _scales(margin: float, error: float, resamples: int, seed: int) -> Array:
    """Return by how much the margin of each resample differs, as its mean's own chance has it."""
    if not error:
        return np.ones(resamples)
    rng = np.random.default_rng([seed, 1])
    return np.asarray(np.maximum(1 + error / margin * rng.standard_normal(resamples), 0.0))


def _tests(point: Fitted, experiment: tuple[float, float] | None) -> pd.DataFrame:
    """Test that the change makes no difference to leaving."""
    ratio, error = experiment or (float(point.curves.log_ratio), point.error)
    p = float(2 * stats.norm.sf(abs(ratio / error)))
    return pd.DataFrame({"hypothesis": ["improvement"], "p_value": [p], "p_adjusted": [p]})
