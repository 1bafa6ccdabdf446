"""Who is about to leave: each customer's risk, held against what happened after a date, and whom to contact.

The model is fitted to what was known until a cut-off date, scores the customers of that day, and is judged
by what they did afterwards; then it is fitted to everything and scores the customers of today. Where there
are no dates, each customer is scored by a model fitted without them (cross-validation).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlab.analysis.columns import check_categories, check_rows, named
from cxlab.analysis.estimates import (
    LOW_BASE,
    Result,
    check_columns,
    check_level,
    check_numbers,
    check_seed,
    whole_from,
)
from cxlab.analysis.survival.contacts import Campaign, campaign_of, contacts_of, terms_of
from cxlab.analysis.survival.cutoff import (
    DURATION,
    ENTRY,
    EVENT,
    SINCE,
    Answers,
    Dates,
    Lives,
    at_risk,
    history,
    lives,
)
from cxlab.analysis.survival.dates import as_day
from cxlab.analysis.survival.decision import Terms, net_benefit
from cxlab.analysis.survival.hazards import Hazards
from cxlab.analysis.survival.observed import check_roles, observed
from cxlab.analysis.survival.risk_claims import risk_findings
from cxlab.analysis.survival.scoring import (
    Asked,
    audited,
    categories,
    complete,
    fitted,
    risk_of,
    scored,
    weights_asked,
    worth,
)
from cxlab.analysis.survival.validated import Followed, followed, groups, groups_by, performance
from cxlab.errors import AnalysisError

Array = np.ndarray[Any, Any]

_MODEL = [
    "covariate",
    "estimate",
    "std_error",
    "hazard_ratio",
    "conf_low",
    "conf_high",
    "n",
    "events",
    "flag",
]
_ORIGINS = 12  # moments of a customer's life from which an undated history is scored, at most


@dataclass(frozen=True, eq=False, kw_only=True)
class ChurnRisk(Result):
    """How good predicted risks are, and what acting on them would have brought.

    ``campaign`` is what acting on them would have brought, a result of its own; ``model`` the model fitted to
    everything; ``contacts`` the customers of today worth contacting: id, risk, decile (1: the tenth with most
    risk), expected_value. It names people: it goes to the client's own system (`paper.hand_over`), never into
    a report.
    """

    campaign: Campaign
    contacts: pd.DataFrame
    model: Hazards


def churn_risk(
    table: pd.DataFrame,
    duration: str,
    event: str,
    covariates: Sequence[str],
    *,
    horizon: int,
    split: Any = None,
    gap: int = 0,
    dates: Dates | None = None,
    entry: str | None = None,
    answers: pd.DataFrame | None = None,
    scores: Sequence[str] = (),
    answered: str = "responded_at",
    id: str = "customer_id",
    strata: Sequence[str] = (),
    weights: str | None = None,
    known: Sequence[str] = (),
    by: Sequence[str] = (),
    value: str | float | None = None,
    contact_cost: float | None = None,
    save_rate: float = 0.2,
    save_rate_range: tuple[float, float] | Sequence[float] = (0.05, 0.4),
    currency: str = "",
    level: float = 0.95,
    resamples: int = 400,
    folds: int = 5,
    seed: int = 0,
) -> ChurnRisk:
    r"""Score each customer's risk of leaving within a horizon, and hold the scores against what happened.

    Parameters
    ----------
    table : DataFrame (n, any)
        One row per customer: `id`, covariates, and either dates (`dates`) or times.
    duration, event : str
        Months observed and 1 left, 0 still here. With dates the months are counted again from them, up to
        the cut-off date.
    covariates : sequence of str
        Known from the day a customer joins and unchanged since; those that are not belong to `answers`.
    horizon : int
        Months within which leaving counts.
    split : date or its text, optional
        The cut-off date; by default as long before the last day of the data as the horizon and the gap take.
    gap : int
        Days between the cut-off date and the first day on which leaving counts: who leaves sooner could not
        have been contacted.
    dates : Dates, optional
        The columns of dates; start_date, end_date, observation_end and first_seen by default.
    entry : str, optional
        Without dates: when the customer came under observation.
    answers : DataFrame (m, any), optional
        Scores given on a date (`answered`) by a customer (`id`): each counts from its date on. Not having
        answered is a level of its own.
    scores : sequence of str
        Their columns. A row with one of them missing is left out.
    strata, weights : as in `hazards`
    known : sequence of str
        Covariates of which you answer that they were known before, as in `audit_leaks`.
    by : sequence of str
        Columns of categories in which predicted is compared with observed.
    value : str or float, optional
        Margin of a customer per month (a column, or the same for all): a customer who is kept is worth it
        over the horizon.
    contact_cost : float, optional
        What contacting one customer costs; without it there is no decision, only risks.
    save_rate, save_rate_range : float, pair of float
        Share of those about to leave whom a contact keeps, and the range to look at.
    currency : str
        Unit of the amounts, as it is to be printed.
    level : float
        Confidence level.
    resamples, folds, seed : int
        Resamples of the intervals; parts of a cross-validation; seed of both.

    Returns
    -------
    ChurnRisk
        ``table``: quantity (of `validated.Measures`), measure (its unit), estimate, conf_low, conf_high, n,
        events, n_eff, flag. ``tables``: risk_groups (`validated.groups`), net_benefit
        (`decision.net_benefit`), risk_model (of `hazards`, as fitted for the validation), risk_by
        (`validated.groups_by`).

    Raises
    ------
    AnalysisError
        As `hazards` and `audit_leaks`; where a split is asked of customers without dates; where too little
        is seen after it.

    Notes
    -----
    The risk is :math:`1 - S(u + H | x) / S(u | x)` of a Cox model on the time since joining, u months after
    it. Beyond the time at which 30 customers of the stratum are at risk the hazard goes on as in the horizon
    before it, and the share of customers so scored is in ``settings["extrapolated"]``. Intervals are of the
    validation, given the model.
    """
    _check(horizon, gap, level, resamples, folds, seed)
    asked = Asked(
        tuple(named(covariates)),
        tuple(named(scores)),
        tuple(named(strata)),
        weights,
        value,
        id,
        horizon,
        level,
        tuple(named(by)),
    )
    _check_asked(table, asked, answers, answered)
    names = dates or Dates()
    given = None
    if answers is not None and asked.scores:
        given = Answers(answers, asked.scores, answered, id)
    if {names.start, names.seen} <= set(table.columns):
        held = lives(table, event, names)
        found = _out_of_time(held, asked, _cut_off(held, split, horizon, gap), gap, given, known)
    elif split is not None or given is not None:
        raise AnalysisError(
            "without {start} and {seen} nothing can be placed before or after a date: leave split and "
            "answers out, and the risks are cross-validated", start=names.start, seen=names.seen,
        )  # fmt: skip
    else:
        found = _crossed(_undated(table, duration, event, entry, asked), asked, folds, seed, known)
    terms = terms_of(contact_cost, save_rate, save_rate_range, value)
    return _result(found, asked, terms, currency, resamples, seed)


@dataclass(frozen=True, slots=True, eq=False)
class _Scored:
    """A validation, the model of today and today's customers, with what was left out and how it was done."""

    seen: Followed
    tested: Hazards
    today: Hazards
    customers: pd.DataFrame
    dropped: Mapping[str, int]
    facts: Mapping[str, Any]


def _out_of_time(
    held: Lives, asked: Asked, at: pd.Timestamp, gap: int, answers: Answers | None, known: Sequence[str]
) -> _Scored:
    everything, _ = history(held, held.last, answers)
    everything = audited(everything, asked, known)
    past, _ = history(held, at, answers)
    tested = fitted(past, asked)
    customers, dropped = at_risk(held, at, gap, answers)
    customers, lacking = complete(customers, asked)
    risk, beyond = risk_of(tested, customers, asked)
    seen = followed(
        risk, customers[DURATION].to_numpy(), customers[EVENT].to_numpy() == 1, asked.horizon,
        weights=weights_asked(customers, asked), value=worth(customers, asked),
        by=categories(customers, asked),
    )  # fmt: skip
    today = fitted(everything, asked)
    current, _ = complete(at_risk(held, held.last, 0, answers)[0], asked)
    facts = {"validation": "out_of_time", "split": at.date().isoformat(), "gap": gap, "extrapolated": beyond}
    return _Scored(
        seen, tested.model, today.model, scored(today, current, asked), {**dropped, **lacking}, facts
    )


def _crossed(past: pd.DataFrame, asked: Asked, folds: int, seed: int, known: Sequence[str]) -> _Scored:
    """Score each customer by the others' history: at joining, and each horizon after it while enough are."""
    past, dropped = complete(audited(past, asked, known), asked)
    fold = np.random.default_rng(seed).permutation(len(past)) % folds
    end, begin = past[DURATION].to_numpy(), past[ENTRY].to_numpy()
    origins = [u for u in asked.horizon * np.arange(_ORIGINS) if (end >= u + asked.horizon).sum() >= LOW_BASE]
    rows, risks, beyond = [], [], 0.0
    for k in range(folds):
        model = fitted(past[fold != k], asked)
        for origin in origins:
            own = np.flatnonzero((fold == k) & (begin <= origin) & (end > origin))
            if len(own):
                risk, past_it = risk_of(model, past.iloc[own].assign(**{SINCE: float(origin)}), asked)
                rows.append(pd.DataFrame({"row": own, "origin": origin}))
                risks.append(risk)
                beyond += past_it * len(own)
    if not rows:
        raise AnalysisError(
            "nobody is seen for {horizon} months from joining: take a shorter horizon", horizon=asked.horizon
        )
    placed = pd.concat(rows, ignore_index=True)
    held = past.iloc[placed["row"]]
    seen = followed(
        np.concatenate(risks),
        held[DURATION].to_numpy() - placed["origin"].to_numpy(),
        held[EVENT].to_numpy() == 1, asked.horizon,
        weights=weights_asked(held, asked), value=worth(held, asked),
        unit=placed["row"].to_numpy(), stratum=placed["origin"].to_numpy(), by=categories(held, asked),
    )  # fmt: skip
    today = fitted(past, asked)
    current = past[past[EVENT] == 0].assign(**{SINCE: past[DURATION]})
    facts: dict[str, Any] = {"validation": "crossed", "split": None, "gap": 0, "folds": folds}
    facts |= {"extrapolated": beyond / len(placed)}
    return _Scored(seen, today.model, today.model, scored(today, current, asked), dropped, facts)


def _undated(table: pd.DataFrame, duration: str, event: str, entry: str | None, asked: Asked) -> pd.DataFrame:
    """Return a history without dates, read as strictly as every other."""
    check_rows(table, persons=True)
    observed(table, duration, event, entry=entry, weights=asked.weights)
    begin = table[entry].astype(float) if entry else pd.Series(0.0, index=table.index)
    past = table.copy(deep=False)
    past[DURATION], past[EVENT], past[ENTRY] = table[duration].astype(float), table[event].astype(int), begin
    return past[begin.notna()]


def _cut_off(held: Lives, split: Any, horizon: int, gap: int) -> pd.Timestamp:
    if split is None:
        return pd.Timestamp(held.last - pd.DateOffset(months=horizon) - pd.Timedelta(days=gap))
    at = pd.Timestamp(as_day(split, "split"))
    if not held.start.min() < at < held.last:
        raise AnalysisError(
            "split is {split}; the data go from {first} to {last}: take a date between them",
            split=at.date(), first=held.start.min().date(), last=held.last.date(),
        )  # fmt: skip
    return at


def _check(horizon: Any, gap: Any, level: float, resamples: Any, folds: Any, seed: Any) -> None:
    check_level(level)
    check_seed(seed)
    check_numbers(
        ("horizon", horizon, lambda h: whole_from(h, 1), "a whole number of months, 1 or more"),
        ("gap", gap, lambda g: whole_from(g, 0), "a whole number of days, 0 or more"),
        ("resamples", resamples, lambda r: whole_from(r, 20), "20 or more"),
        ("folds", folds, lambda f: whole_from(f, 2), "2 or more"),
    )


def _check_asked(table: pd.DataFrame, asked: Asked, answers: pd.DataFrame | None, answered: str) -> None:
    value = [asked.value] if isinstance(asked.value, str) else []
    check_columns(table, [*asked.covariates, *asked.strata, *asked.by, *value])
    check_categories(table, asked.by)
    roles: dict[str, Sequence[str | None]] = {"a covariate": asked.covariates, "a score": asked.scores}
    check_roles({**roles, "a stratum": asked.strata, "the weights": [asked.weights]})
    if asked.scores and answers is None:
        raise AnalysisError("answers and scores go together: the table of answers, and its columns of scores")
    if asked.scores and answers is not None:
        check_columns(table, [asked.id])
        check_columns(answers, [asked.id, answered, *asked.scores])


def _result(
    found: _Scored, asked: Asked, terms: Terms | None, currency: str, resamples: int, seed: int
) -> ChurnRisk:
    how: dict[str, Any] = {"level": asked.level, "resamples": resamples, "seed": seed}
    main = performance(found.seen, **how)
    tables = {
        "risk_groups": groups(found.seen, asked.level),
        "net_benefit": net_benefit(found.seen, **how),
        "risk_model": found.tested.table[_MODEL],
    }
    if asked.by:
        tables["risk_by"] = groups_by(found.seen, asked.level)
    facts: dict[str, Any] = {
        **found.facts, "horizon": asked.horizon, "level": asked.level,
        "left": found.seen.who.events, "trained_on": found.tested.n_used,
        "trained_left": found.tested.settings["events"], "covariates": list(asked.covariates),
        "scores": list(asked.scores), "strata": list(asked.strata), "weights": asked.weights,
        "resamples": resamples, "seed": seed,
    }  # fmt: skip
    claims = risk_findings(main, facts)
    stands = any(claim.code == "risk.order" for claim in claims)
    return ChurnRisk(
        table=main,
        keys=("quantity", "group", "covariate", "variable", "category"),
        tables=tables,
        n_used=int(main["n"].iloc[0]),
        n_dropped=found.dropped,
        settings=facts,
        claims=claims,
        campaign=campaign_of(found.seen, terms, facts, stands=stands, value=asked.value, currency=currency),
        contacts=contacts_of(found.customers, terms, stands=stands),
        model=found.today,
    )
